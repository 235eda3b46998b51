"""Nothing is let out that a fail-over of Redis could forget: a real Redis whose replica stands still."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.playground.stage import Stage, set_stage
from bot.playground.world import world
from tests.store.replicas import Pair, pair
from tests.stories import acts
from tests.tools.invariants import Invariants

SOME_SECONDS = 5
MINUTE = 60

SetStage = Callable[..., Awaitable[Stage]]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Pair]:
    """A Redis with a replica."""
    with pair(tmp_path) as servers:
        yield servers


@pytest.fixture
async def stage_of(
    two: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SetStage]:
    """A bot on it that waits for so many replicas."""
    await two.linked()
    async with AsyncExitStack() as stack:

        async def make(*, replicas: int, running: bool = False) -> Stage:
            made = await stack.enter_async_context(world(tmp_path, lent_redis=two.primary))
            invariants = Invariants(made)
            made.config = {"store": {"replicas_to_wait_for": replicas}}
            stage = await set_stage(made, running=running)
            await made.start_bot()
            # A replica that stands still need not be waited for any longer.
            monkeypatch.setattr("bot.store.scripts.WAIT_MS", 50)
            stack.callback(lambda: invariants.judge(()))
            return stage

        yield make


async def put_off(stage: Stage) -> float:
    """How many rounds were put off."""
    assert stage.world.bot is not None
    text = (await stage.world.bot.exposition()).decode()
    [line] = [
        each for each in text.splitlines() if each.startswith("vm_restore_unreplicated_total")
    ]
    return float(line.split()[-1])


async def test_nothing_is_created_until_a_replica_knows_of_it(
    two: Pair, stage_of: SetStage
) -> None:
    stage = await stage_of(replicas=1)
    await acts.to_the_button(stage)
    async with two.paused():
        await acts.press_restore(stage)
        await stage.world.pass_time(SOME_SECONDS)
        assert acts.sent(stage) == []
        assert await put_off(stage) >= 2
    await stage.card(acts.RESTORED)
    assert acts.sent(stage) == ["create virtualmachinerestores"]


async def test_without_the_setting_nothing_waits(two: Pair, stage_of: SetStage) -> None:
    stage = await stage_of(replicas=0)
    async with two.paused():
        await acts.ask_and_finish(stage)


async def test_an_end_is_told_a_minute_later_at_the_latest(two: Pair, stage_of: SetStage) -> None:
    """A cancelled restore that a fail-over brings back would go on; its owner is not left alone."""
    stage = await stage_of(replicas=1, running=True)
    await acts.ask(stage)
    await stage.card(acts.MUST_STOP)
    async with two.paused():
        await stage.press(acts.MUST_STOP, "Cancel")
        await stage.world.pass_time(SOME_SECONDS)
        assert stage.shown("Cancelled") is None
        await stage.world.pass_time(MINUTE)
        await stage.card("Cancelled")
