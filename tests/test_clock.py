"""What the answers of another clock prove about ours, and the time that all replicas go by."""

from datetime import datetime, timedelta

import pytest

from bot.clock import Offset, SharedClock
from bot.playground.clock import START, HandClock, WrongClock


def at(seconds: float) -> datetime:
    """So many seconds after the beginning."""
    return START + timedelta(seconds=seconds)


# asked and answered by our clock, what theirs showed, the offset before and after
ANSWERS = [
    pytest.param(0, 0.2, 0.1, 0, 0, id="it agrees"),
    pytest.param(0, 0.2, 30, 0, 29.8, id="ours is behind"),
    pytest.param(0, 0.2, -30, 0, -30, id="ours is ahead"),
    pytest.param(0, 60, 30, 0, 0, id="a slow answer proves nothing"),
    pytest.param(0, 60, 30, 29.8, 29.8, id="nor does it take back what is known"),
    pytest.param(0, 0.2, 30, 29.9, 29.9, id="a fitting one changes nothing"),
    pytest.param(0, 0.2, 0.1, 30, 0.1, id="ours was put right"),
    pytest.param(5, 0, 2, 7, 7, id="ours was set back in between"),
]


@pytest.mark.parametrize(("asked", "answered", "theirs", "before", "after"), ANSWERS)
def test_what_an_answer_proves(
    asked: float, answered: float, theirs: float, before: float, after: float
) -> None:
    offset = Offset()
    offset.ahead = timedelta(seconds=before)
    offset.hear(at(theirs), at(asked), at(answered))
    assert offset.ahead == timedelta(seconds=after)


@pytest.mark.parametrize("theirs", [0, -1])
def test_a_time_in_whole_seconds_may_be_up_to_a_second_later(theirs: float) -> None:
    offset = Offset()
    offset.hear(at(theirs), at(0), at(0), timedelta(seconds=1))
    assert offset.ahead == timedelta()


@pytest.mark.parametrize("ahead", [-3600.0, 0.0, 3600.0])
async def test_machines_that_differ_have_one_time(ahead: float) -> None:
    world = HandClock()
    clock = SharedClock(WrongClock(world, ahead))
    clock.follow(world.now(), clock.now())
    assert abs(clock.now() - world.now()) <= timedelta(milliseconds=1)
    world.advance(90)
    assert abs(clock.now() - world.now()) <= timedelta(milliseconds=1)
