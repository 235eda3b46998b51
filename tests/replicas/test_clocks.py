"""Replicas whose clocks differ: each thing is done once, and nobody's time limit is cut short."""

import asyncio
from pathlib import Path

import pytest

from bot.playground.clock import WrongClock
from bot.playground.stage import access, set_stage
from bot.playground.world import world
from bot.telemetry import CLOCKS_AGREE
from tests.replicas.conftest import OnIce, SetScene
from tests.stories import acts
from tests.stories import test_handoffs as handoffs
from tests.tools.fleet import until

NAME = "pre-upgrade-snapshot"
MOMENT = 3.0
"""Seconds; a lease has 25."""


@pytest.mark.parametrize("ahead", [30.0, 3600.0, -30.0])
async def test_a_clock_that_is_ahead_takes_no_lease_before_its_time(
    on_ice: OnIce, ahead: float
) -> None:
    """A post is on its way when a replica comes up whose clock says that the lease is over."""
    stage, ice = await on_ice()
    world = stage.world
    await acts.to_the_warning(stage)
    ice.freeze(lambda told: "chat.postMessage" in told, late=True)
    await stage.reply("pre-upgrade-snapshot")
    await until(ice.frozen.is_set, "the card with the button is on its way")
    await world.start_bot(WrongClock(world.clock, ahead))
    await world.pass_time(MOMENT)
    ice.thaw()
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)
    assert len(stage.marks()) == len(set(stage.marks()))
    assert len(stage.restores()) == 1


async def test_machines_whose_clocks_differ_by_two_hours(scene_of: SetScene) -> None:
    """Real processes: each story has its one end, and each replica says whose clock differs."""
    scene = await scene_of(people=2)
    fast = scene.fleet.begin(clock_ahead=3600)
    slow = scene.fleet.begin(clock_ahead=-3600)
    await fast.up()
    await slow.up()
    await asyncio.gather(*(actor.play() for actor in scene.actors))
    parts = {"redis", "slack", "cluster default"}
    for replica, ahead, where in ((fast, -3600, "behind"), (slow, 3600, "ahead of")):
        assert await replica.ready()
        warnings = await replica.warnings()
        assert warnings.keys() == parts
        assert all(where in words for words in warnings.values())
        assert {line["of"] for line in replica.heard("the clocks differ")} == parts
        for part in parts:
            shown = await replica.counted("vm_restore_clock_ahead_seconds", of=part)
            assert shown == pytest.approx(ahead, abs=CLOCKS_AGREE)


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
async def test_the_cluster_has_another_time_than_we(
    tmp_path: Path, lent_redis: str, ahead: float
) -> None:
    """Stopped, restored and started again: when the VM went down is dated by the cluster."""
    async with world(tmp_path, lent_redis=lent_redis, kube_ahead=ahead) as made:
        stage = await set_stage(made, running=True)
        app = await made.start_bot()
        await acts.ask_and_stop(stage)
        await stage.card(acts.TYPE_IT)
        await stage.reply(NAME)
        await stage.press(acts.READY, "Restore VM now")
        await stage.press(acts.RESTORED, "Start VM")
        await stage.until(lambda: acts.live(stage), "the VM runs again")
        assert len(stage.restores()) == 1
        where = "ahead of" if ahead > 0 else "behind"
        warnings = await app.warnings()
        assert list(warnings) == ["cluster default"]
        assert where in warnings["cluster default"]


@pytest.mark.parametrize("ahead", [-600.0, 600.0])
@pytest.mark.parametrize("socket_mode", [True, False])
async def test_slack_has_another_time_than_we(
    tmp_path: Path, lent_redis: str, ahead: float, *, socket_mode: bool
) -> None:
    """Replies and requests are as old as Slack says, not as our clock has it, also to a new owner."""
    async with world(
        tmp_path, socket_mode=socket_mode, lent_redis=lent_redis, slack_ahead=ahead
    ) as made:
        stage = await set_stage(made, running=False)
        made.config = access(stage.alice, stage.bob)
        await made.start_bot()
        await acts.to_the_warning(stage)
        await handoffs.accept(stage)
        await stage.card("@bob, VM `database-01` would go back")
        await stage.reply(NAME, by=stage.bob)
        await stage.press(acts.READY, "Restore VM now", by=stage.bob)
        await stage.card(acts.RESTORED)
        assert len(stage.restores()) == 1


@pytest.mark.parametrize("ahead", [-600.0, 600.0])
async def test_what_is_late_by_slacks_clock_is_late(
    tmp_path: Path, lent_redis: str, ahead: float
) -> None:
    """A reply that Slack brings after more than five minutes, whatever our clock has."""
    async with world(tmp_path, lent_redis=lent_redis, slack_ahead=ahead) as made:
        stage = await set_stage(made, running=False)
        await made.start_bot()
        await acts.to_the_warning(stage)
        await made.quiet()
        made.slack.faults.delay_delivery(400)
        await stage.reply(NAME)
        await made.leap(400)
        await stage.whispered("more than five minutes late")
        assert stage.shown(acts.READY) is None
