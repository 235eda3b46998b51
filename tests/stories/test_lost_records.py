"""Redis loses what it held in the middle of a restore: the cluster knows, and the owner is told.

Nothing is restored a second time, nothing is told twice, and nobody is left with "Restoring…".
"""

import pytest
from redis.asyncio import Redis

from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

NS, VM = "production", "database-01"
GONE = "The Bot's Record of This Restore Is Gone"
LOST = "Record of the Restore Is Lost"


async def flushed(stage: Stage) -> None:
    """All that Redis holds is gone."""
    async with Redis.from_url(stage.world.redis_url) as client:
        await client.flushall()


async def restarted(stage: Stage) -> None:
    """The bot is stopped, Redis is emptied, the bot is started."""
    await stage.world.quiet()
    await stage.world.stop_bot()
    await flushed(stage)
    await stage.world.start_bot()


async def restoring(stage: Stage, seconds: float = 60) -> None:
    """Confirmed, and the cluster is at it for so long."""
    stage.world.kube.knobs.own_class("standard").bind = seconds
    await acts.ask_and_confirm(stage)
    await acts.handed_over(stage)


def told(stage: Stage, words: str) -> int:
    """How many messages say so."""
    return sum(words in stage.read(each) for each in stage.cards())


@pytest.mark.parametrize("lose", [flushed, restarted], ids=["running", "restarted"])
async def test_all_of_redis_is_lost_while_the_cluster_restores(
    stage_for: SetStage, golden: Golden, lose: acts.Act
) -> None:
    stage = await stage_for()
    await restoring(stage)
    await lose(stage)
    await stage.card(GONE, within=400)
    await stage.card(acts.RESTORED, within=400)
    await golden(stage)
    assert (told(stage, GONE), told(stage, acts.RESTORED), len(stage.restores())) == (1, 1, 1)
    assert len(set(stage.marks())) == len(stage.marks())
