"""A bot that is killed goes on where it was: at whatever moment, the story ends the same.

Every message that leaves the bot is a crossing: each request to Slack and to the cluster, each
command to Redis, each acknowledgement. At one crossing after the other everything of the bot stops,
before the message got through or after it was dealt with and before the answer came, and a new bot
starts on what Redis, Slack and the cluster know. Slack sends again what was not acknowledged, if it
is an event; a slash command or a click without an answer is repeated by the person, if after half a
minute nothing has come of it.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.playground.cut import Wires
from bot.playground.invariants import Invariants
from bot.playground.slack.interactions import ClickResult
from bot.playground.slack.commands import SlashResult
from bot.playground.stage import Stage, set_stage
from bot.playground.world import world
from tests.stories import acts
from tests.stories.conftest import documents

SNAPSHOT = "pre-upgrade-snapshot"
PATIENCE = 30.0
GROUPS = 6
COARSE = 5
"""Of the longer story every fifth crossing is tried."""

_TIMES = re.compile(
    r"\d{8}-\d{6}|(today )?\d\d:\d\d(:\d\d)?|(\d+ (hours?|minutes?|seconds?) ?)+|\d{4}-\d\d-\d\d"
)

Story = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a story ended, as far as it must not depend on a cut."""

    cards: tuple[str, ...]
    restores: tuple[dict[str, Any], ...]
    safety_snapshots: int
    crossings: tuple[str, ...] = ()


async def stopped_vm_by_slash_command(stage: Stage) -> None:
    """Ask, type the name, press the button, see it restored."""
    await insist(
        stage,
        lambda: stage.alice.slash(stage.channel, acts.REQUEST),
        stage.cards,
    )
    await type_and_press(stage)


async def type_and_press(stage: Stage) -> None:
    """Both confirmations, and the result."""
    await stage.card(acts.TYPE_IT)
    await stage.reply(SNAPSHOT)
    await press(stage, acts.READY, "Restore VM now", "Confirmed by")
    await stage.card(acts.RESTORED, within=240)


async def press(stage: Stage, words: str, label: str, then: str) -> None:
    """Press a button, which shows by other words in the thread."""
    await stage.card(words)
    await insist(stage, lambda: stage.press(words, label), lambda: stage.shown(then))


async def insist(
    stage: Stage,
    gesture: Callable[[], Awaitable[SlashResult | ClickResult]],
    seen: Callable[[], object],
) -> None:
    """Do it, and once more whenever it was not acknowledged and nothing has come of it."""
    for _ in range(3):
        result = await (await gesture()).settled()
        if result.status == "ok":
            return
        try:
            await stage.until(seen, "something comes of it", within=PATIENCE)
        except AssertionError:
            continue
        return
    raise AssertionError(f"nothing ever comes of it\n{stage.transcript()}")


async def played(directory: Path, story: Story, cut: tuple[int, bool] | None) -> tuple[Ending, bool]:
    """Play a story in a world of its own; was the bot really cut off?"""
    directory.mkdir()
    async with world(directory) as made:
        invariants = Invariants(made)
        stage = await set_stage(made, running=story is not stopped_vm_by_slash_command)
        async with Wires(made) as wires:
            await made.start_bot()
            crossings = wires.count()
            if cut is not None:
                at, applied = cut
                wires.cut(at=at, applied=applied)
                crossings = wires.crossings
            begun = made.clock.now()
            await story(stage)
            await made.quiet()
            print(cut, crossings[cut[0]] if cut and cut[0]<len(crossings) else "", (made.clock.now() - begun).total_seconds(), wires.falls)
        assert invariants.judge(await documents(made)) == []
        return ending(stage, crossings), wires.falls > 0


def ending(stage: Stage, crossings: list[str]) -> Ending:
    """What came of it; also, that nobody was told anything beside it."""
    spoken = [message for message in stage.whispers(stage.alice) if message.author.bot]
    assert [stage.read(message) for message in spoken] == []
    assert len(set(stage.marks())) == len(stage.marks())
    return Ending(
        cards=tuple(_TIMES.sub("~", stage.read(card)) for card in stage.cards()),
        restores=tuple(acts.spec_of(call) for call in stage.restores()),
        safety_snapshots=len(stage.creates("virtualmachinesnapshots")),
        crossings=tuple(crossings),
    )


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("group", range(GROUPS))
async def test_killed_at_every_crossing_of_the_happy_story(
    tmp_path: Path, group: int, applied: bool
) -> None:
    """Cut anywhere, restarted: one VirtualMachineRestore, the same cards, each of them once."""
    expected, _ = await played(tmp_path / "undisturbed", stopped_vm_by_slash_command, None)
    wrong = {}
    for at in range(group, len(expected.crossings) + 10, GROUPS):
        try:
            found, fell = await played(
                tmp_path / str(at), stopped_vm_by_slash_command, (at, applied)
            )
        except AssertionError as e:
            wrong[at] = e
            print(at, "FAILED", e)
            continue
        if not fell:
            print("end", at)
            break
        if (found.cards, found.restores, found.safety_snapshots) != (expected.cards, expected.restores, expected.safety_snapshots):
            wrong[at] = found
            print("DIFFERS", at)
            for a, b in zip(expected.cards, found.cards): 
                if a != b: print(a); print(b)
            print(len(expected.cards), len(found.cards), found.restores)
    assert not wrong
