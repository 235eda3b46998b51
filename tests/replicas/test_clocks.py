"""Replicas whose clocks differ: each thing is done once, and nobody's time limit is cut short."""

import pytest

from bot.playground.clock import WrongClock
from tests.replicas.conftest import OnIce
from tests.stories import acts
from tests.tools.fleet import until

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
