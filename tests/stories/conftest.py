"""The stage of every story, the invariants after it, and the golden transcripts."""

import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot import telemetry
from bot.playground.stage import Stage, set_stage
from bot.playground.world import World, world
from bot.restore.model import Restore
from bot.store import Store, connect
from tests.shapes import beyond_the_chart, unknown
from tests.tools.invariants import Invariants

GOLDEN = Path(__file__).parent / "golden"

Config = dict[str, Any]
SetStage = Callable[..., Awaitable[Stage]]
Golden = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def seldom_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due for a bot alone is known to it: it asks each second in vain, for hours of a story."""
    monkeypatch.setattr("bot.worker.POLL", timedelta(seconds=5))


@pytest.fixture
async def stage_for(tmp_path: Path, lent_redis: str) -> AsyncIterator[SetStage]:
    """A stage with the bot running on it; after the story every invariant must have held.

    `own_redis` is for stories that stop their Redis, or tell it how to be. A `config` that names
    people or channels is a function of the stage.
    """
    async with AsyncExitStack() as stack:
        stages: list[tuple[World, Invariants]] = []

        async def make(
            *,
            start: bool = True,
            running: bool = False,
            run_strategy: str | None = None,
            config: Config | Callable[[Stage], Config] | None = None,
            socket_mode: bool = True,
            own_redis: bool = False,
        ) -> Stage:
            lent = None if own_redis else lent_redis
            given = None if callable(config) else config
            made = await stack.enter_async_context(
                world(tmp_path, config=given, socket_mode=socket_mode, lent_redis=lent)
            )
            stages.append((made, Invariants(made)))
            stage = await set_stage(made, running=running, run_strategy=run_strategy)
            if callable(config):
                made.config = config(stage)
            if start:
                await made.start_bot()
            return stage

        yield make
        for made, invariants in stages:
            await made.stop_bot()
            assert invariants.judge(await documents(made)) == []
            assert beyond_the_chart(made.kube.log) == []
            # Every request was one that a live control plane understood.
            assert unknown(made.kube.log) == []


async def documents(made: World) -> tuple[Restore, ...]:
    """Every restore of the world, live and ended, by their thread index."""
    async with connect(made.redis_url) as client:
        store = Store(client, made.slack.team_id, made.clock)
        found: dict[str, Restore] = {each.id: each for each in await store.live()}
        for room in made.slack.workspace.channels.values():
            for thread in {message.root_ts for message in room.messages}:
                here = [each.restore for each in await store.in_thread(room.id, thread)]
                found |= {each.id: each for each in here}
        return tuple(found.values())


@pytest.fixture
def golden(request: pytest.FixtureRequest, update_golden: bool) -> Golden:
    """Compare the channel with the transcript kept under the test's name, and a part's, if given.

    The channel is looked at when nothing is under way any more. A screen with a form or a Home tab
    comes as text.
    """

    async def compare(stage: Stage | str, part: str = "") -> None:
        name = request.node.name.removeprefix("test_").replace("[", "-").replace("]", "")
        name = f"{name}.{part}" if part else name
        path = GOLDEN / f"{name}.txt"
        seen = stage if isinstance(stage, str) else await _settled(stage)
        if update_golden:
            path.write_text(seen, encoding="utf-8")
        assert seen == path.read_text(encoding="utf-8"), f"{path.name} differs: see --update-golden"

    return compare


async def _settled(stage: Stage) -> str:
    await stage.world.quiet()
    return stage.transcript()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged, at its most talkative, as it would be in a cluster."""
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    out = io.StringIO()
    telemetry.set_up("debug", "json", out=out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)
