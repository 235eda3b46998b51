"""Redis forgets what it acknowledged, as after a fail-over: the cluster still knows, and is asked.

The whole of Redis is copied at some moment of a story, the story goes to its end, and the copy is put
back, more than once: nothing is restored, stopped or protected a second time.
"""

import pytest
from redis.asyncio import Redis

from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

NS, VM = "production", "database-01"
STOP, PROTECT, RESTORE = (
    "update virtualmachines/stop",
    "create virtualmachinesnapshots",
    "create virtualmachinerestores",
)
Copy = dict[bytes, bytes]


async def copied(stage: Stage) -> Copy:
    """All that Redis holds."""
    async with Redis.from_url(stage.world.redis_url) as client:
        keys = [key async for key in client.scan_iter(count=1000)]
        dumped = {key: await client.dump(key) for key in keys}
        return {key: value for key, value in dumped.items() if value is not None}


async def put_back(stage: Stage, copy: Copy) -> None:
    """Redis as it was then; the bot is started anew."""
    # A bot that is stopped in the middle of something waits for time that nobody lets pass.
    await stage.world.quiet()
    await stage.world.stop_bot()
    async with Redis.from_url(stage.world.redis_url) as client:
        await client.flushall()
        for key, value in copy.items():
            await client.restore(key, 0, value)
    await stage.world.start_bot()


async def up_to_the_button(stage: Stage) -> None:
    """The name is typed. A live VM is to be stopped after the click."""
    await acts.ask(stage)
    if acts.live(stage):
        await stage.press(acts.MUST_STOP, "Stop and restore")
    await acts.type_name(stage)


async def clicked_and_no_more(stage: Stage) -> Copy:
    """Confirmed, while the cluster cannot be reached; the document of just then."""
    await stage.world.kube.go_away()
    await acts.press_restore(stage)
    await stage.world.quiet()
    copy = await copied(stage)
    await stage.world.kube.start()
    return copy


@pytest.mark.parametrize("running", [False, True], ids=["stopped", "running"])
@pytest.mark.parametrize("protect", [False, True], ids=["", "protected"])
async def test_confirmed_and_forgotten(
    stage_for: SetStage, *, running: bool, protect: bool
) -> None:
    """The document of just after the click comes back twice, the VM runs again by then: one of each."""
    rules = {"stop_when": "confirmed", "protect_by_default": protect}
    stage = await stage_for(running=running, config={"rules": rules})
    await up_to_the_button(stage)
    copy = await clicked_and_no_more(stage)
    await stage.card(acts.RESTORED)
    done = [*([STOP] if running else []), *([PROTECT] if protect else []), RESTORE]
    assert acts.sent(stage) == done
    for _ in range(2):
        stage.world.kube.people.start(NS, VM) if not acts.live(stage) else None
        await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs")
        await put_back(stage, copy)
        await stage.world.pass_time(60)
        assert acts.sent(stage) == done
        assert acts.live(stage)
    assert len(stage.restores()) == 1


@pytest.mark.parametrize("bind", [3, 60], ids=["complete", "running"])
async def test_what_was_done_is_told_with_its_own_time(
    stage_for: SetStage, golden: Golden, bind: int
) -> None:
    """Not as if it had just been done; what still runs is followed to its end."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").bind = bind
    await up_to_the_button(stage)
    copy = await clicked_and_no_more(stage)
    await acts.handed_over(stage)
    await stage.world.pass_time(20)
    await put_back(stage, copy)
    await stage.card(acts.RESTORED)
    await golden(stage)
    assert len(stage.restores()) == 1
