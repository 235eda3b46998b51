"""Periodic tasks of a running bot: one that nobody knows, one that does not load, one that fails."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bot.playground.stage import Stage
from bot.restore.audit_kinds import AuditKind
from bot.store import Store, connect
from bot.store.keys import Keys
from bot.store.records import PeriodicTask, TaskResult
from tests.stories import acts
from tests.stories.conftest import SetStage


@pytest.fixture(autouse=True)
def seldom_asked() -> None:
    """Others put work into the store here: the bot asks each second, as it does in production."""


@asynccontextmanager
async def store_of(stage: Stage) -> AsyncIterator[Store]:
    """The store of the running bot, by a client of our own."""
    async with connect(stage.world.redis_url) as client:
        yield Store(client, stage.world.slack.team_id, stage.world.clock)


async def due_in(stage: Stage, name: str) -> float | None:
    """Seconds until a periodic task is due; None if it rests or is gone."""
    async with connect(stage.world.redis_url) as client:
        score = await client.zscore(Keys(stage.world.slack.team_id).due, f"task:{name}")
        now: float = stage.world.clock.now().timestamp()
        return None if score is None else float(score) / 1000 - now


async def test_a_task_of_another_release_is_put_off(stage_for: SetStage) -> None:
    """Two releases run side by side for a while: what this one does not know is left to the other."""
    stage = await stage_for()
    async with store_of(stage) as store:
        await store.tasks.schedule("tidy:attic", {"for": "later"}, due=stage.world.clock.now())
        await stage.world.pass_time(2)
        left = await due_in(stage, "tidy:attic")
        assert left is not None
        assert left == pytest.approx(300, abs=2)
        assert await store.tasks.body("tidy:attic") == {"for": "later"}


async def test_a_body_of_another_release_is_put_off_and_kept(stage_for: SetStage) -> None:
    stage = await stage_for()
    async with store_of(stage) as store:
        await store.tasks.schedule("home:U1", {"no": "channel"}, due=stage.world.clock.now())
        await stage.world.pass_time(2)
        left = await due_in(stage, "home:U1")
        assert left is not None
        assert left == pytest.approx(300, abs=2)
        assert await store.tasks.body("home:U1") == {"no": "channel"}
        (entry,) = [each async for each in store.audit.read()]
        assert (entry.kind, entry.target) == (AuditKind.DEFERRED, "task:home:U1")
        assert "direct" in entry.detail


async def test_a_report_of_another_release_does_not_keep_the_bot_down(stage_for: SetStage) -> None:
    stage = await stage_for(start=False, config={"report": {"channel": "C0REPORTS"}})
    async with store_of(stage) as store:
        await store.tasks.schedule("report", {"no": "plan"}, due=stage.world.clock.now())
        await stage.world.start_bot()
        known = await store.tasks.body("report")
        assert known is not None
        assert known["plan"] == "C0REPORTS 08:00 UTC"


async def test_a_task_that_fails_by_a_mistake_stops_nothing_else(stage_for: SetStage) -> None:
    """It is tried again with each lease that runs out, later only now and then, and never lost."""
    stage = await stage_for()

    async def mistaken(task: PeriodicTask) -> TaskResult:
        raise KeyError(task.name)

    assert stage.world.bot is not None
    worker = stage.world.bot.worker
    worker._task_handlers = {**worker._task_handlers, "tidy": mistaken}
    async with store_of(stage) as store:
        await store.tasks.schedule("tidy:attic", {"for": "now"}, due=stage.world.clock.now())
        await acts.ask_and_finish(stage)
        await stage.world.pass_time(timedelta(minutes=3).total_seconds())
        left = await due_in(stage, "tidy:attic")
        assert left is not None
        assert 100 < left < 300
        assert await store.tasks.body("tidy:attic") == {"for": "now"}
