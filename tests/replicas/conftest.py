"""Worlds for several bots: on the machine's clock with processes, and by hand within this one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.clock import Clock
from bot.playground.stage import Stage, set_stage
from bot.playground.world import world
from bot.restore.model import Phase
from tests.replicas.cast import Actor, cast, hurry
from tests.stories.conftest import documents
from tests.tools.fleet import Fleet
from tests.tools.invariants import Invariants
from tests.tools.wires import Wires, wires_of

LEASE = 20
MEASURED = "measured"
Measured = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """Replicas, and people who want something of them."""

    fleet: Fleet
    actors: list[Actor]


SetScene = Callable[..., Awaitable[Scene]]
OnIce = Callable[..., Awaitable[tuple[Stage, Wires]]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured, when these tests are run by themselves."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == MEASURED:
                terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {value}")


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Measured:
    """Keep a sentence with a measured time for the end of the run."""
    return partial(record_property, MEASURED)


@pytest.fixture
async def scene_of(tmp_path: Path) -> AsyncIterator[SetScene]:
    """Processes on one world; at the end everybody has their VM back, once, and nothing else is left."""
    async with AsyncExitStack() as stack:
        scenes: list[tuple[Scene, Invariants]] = []

        async def make(*, people: int, seed: int = 0, lease: int = LEASE) -> Scene:
            thread_ref = tmp_path / f"world-{len(scenes)}"
            thread_ref.mkdir()
            made = await stack.enter_async_context(world(thread_ref, clock=Clock(), seed=seed))
            hurry(made)
            scene = Scene(
                await stack.enter_async_context(Fleet(made, lease_seconds=lease)),
                cast(made, people),
            )
            scenes.append((scene, Invariants(made)))
            return scene

        yield make
        for scene, invariants in scenes:
            await _judge(scene, invariants)


async def _judge(scene: Scene, invariants: Invariants) -> None:
    """Every invariant has held, and each story has its one good end."""
    found = await documents(scene.fleet.world)
    assert invariants.judge(found) == []
    assert {each.phase for each in found} == {Phase.SUCCEEDED}
    assert [len(actor.created()) for actor in scene.actors] == [1] * len(scene.actors)


@pytest.fixture
async def on_ice(tmp_path: Path, lent_redis: str) -> AsyncIterator[OnIce]:
    """A stage with a bot that can be frozen; every invariant must have held at the end."""
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(world(tmp_path, lent_redis=lent_redis))
        invariants = Invariants(made)
        ice = await stack.enter_async_context(wires_of(made))

        async def make(
            *,
            running: bool = False,
            config: Mapping[str, Any] | None = None,
            socket_mode: bool = False,
        ) -> tuple[Stage, Wires]:
            # By HTTP, what Slack has to say goes to the bot that was started last.
            made.config, made.socket_mode = config or {}, socket_mode
            stage = await set_stage(made, running=running)
            with ice.lead(made):
                bot = await made.start_bot()
            stack.push_async_callback(bot.stop)
            return stage, ice

        yield make
        ice.thaw()
        assert invariants.judge(await documents(made)) == []
