"""How long a picker of the form takes over a namespace with thousands of snapshots."""

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.clock import Clock
from bot.playground.slack.views import View
from bot.playground.stage import Stage, set_stage
from bot.playground.world import World, world
from tests.tools.bench.process import real_bot

SNAPSHOTS = 5000
PAGES = 11
"""So many requests read them, and the one that stands on every stage."""
FORGOTTEN = 6.0
"""Seconds after which the bot has no list any more and must read it anew."""
LETTERS = ("n", "ni", "nig", "nightly", "nightly-4", "nightly-49", "nightly-499", "nightly-4999")


@dataclass(frozen=True, slots=True)
class Pickers:
    """Seconds until the options are there."""

    first: float
    """With nothing read ahead: the whole namespace is read."""
    letter: float
    """The median of the letters typed after that."""


async def pickers() -> Pickers:
    """Open the form, choose the VM, and type into the list of its snapshots."""
    with tempfile.TemporaryDirectory(prefix="vmr-bench-") as directory:
        async with world(Path(directory), clock=Clock()) as made:
            stage = await set_stage(made)
            await _seeded(made)
            async with real_bot(made):
                view = await _chosen(made, stage)
                await made.until(lambda: _pages(made) == PAGES, "the list is read ahead")
                await asyncio.sleep(FORGOTTEN)
                first = await _taken(stage, view, "")
                if _pages(made) != 2 * PAGES:
                    raise AssertionError("the list was not read anew")
                letters = [await _taken(stage, view, typed) for typed in LETTERS]
    return Pickers(first=first, letter=statistics.median(letters))


def _pages(made: World) -> int:
    return sum(call.resource == "virtualmachinesnapshots" for call in made.kube.log)


async def _seeded(made: World) -> None:
    now = made.clock.now()
    for number in range(SNAPSHOTS):
        taken = now - timedelta(hours=number + 1)
        name = f"nightly-{number:04}"
        made.kube.seed.snapshot("production", name, "database-01", created=taken)
        await asyncio.sleep(0)
    await made.until(lambda: not made.kube.busy, "the cluster is at rest")


async def _chosen(made: World, stage: Stage) -> View:
    """The form, with the VM chosen in it and drawn anew."""
    await stage.alice.slash(stage.channel, "/vm-restore")
    await made.until(lambda: stage.alice.view, "the form is open")
    view = stage.alice.view
    if view is None:
        raise AssertionError("the form is gone")
    before = view.hash
    await stage.alice.pick(view, "VM", "database-01")
    await made.until(lambda: view.hash != before, "the form is drawn anew")
    return view


async def _taken(stage: Stage, view: View, typed: str) -> float:
    begun = time.perf_counter()
    if not await stage.alice.options(view, "Snapshot", typed):
        raise AssertionError(f"nothing was offered for {typed!r}")
    return time.perf_counter() - begun
