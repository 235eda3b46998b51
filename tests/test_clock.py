"""What the answers of another clock prove about this one, and the time that all replicas go by."""

from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bot.clock import FarClock, Offset, SharedClock
from bot.metrics import Metrics
from bot.playground.clock import START, HandClock, WrongClock
from bot.telemetry import ClockWatch


def at(seconds: float) -> datetime:
    """So many seconds after the beginning."""
    return START + timedelta(seconds=seconds)


# asked and answered by our clock, what theirs showed, the offset before and after
ANSWERS = [
    pytest.param(0, 0.2, 0.1, 0, 0, id="it agrees"),
    pytest.param(0, 0.2, 30, 0, 29.8, id="this one is behind"),
    pytest.param(0, 0.2, -30, 0, -30, id="this one is ahead"),
    pytest.param(0, 60, 30, 0, 0, id="a slow answer proves nothing"),
    pytest.param(0, 60, 30, 29.8, 29.8, id="nor does it take back what is known"),
    pytest.param(0, 0.2, 30, 29.9, 29.9, id="a fitting one changes nothing"),
    pytest.param(0, 0.2, 0.1, 30, 0.1, id="this one was put right"),
    pytest.param(5, 0, 2, 7, 7, id="this one was set back in between"),
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


def test_a_clock_that_is_wrong_is_told_once() -> None:
    """And again when it is put right, or wrong by another amount; the metric is always current."""
    world, metrics = HandClock(), Metrics()
    machine = WrongClock(world, 0)
    clock = SharedClock(machine)
    slack = FarClock(clock)
    watch = ClockWatch(clock, metrics, {"slack": slack})
    said = []
    for ahead in (0, 120, 120, 121, 300, 0, 0):
        machine.ahead = timedelta(seconds=ahead)
        with capture_logs() as lines:
            slack.said(world.now(), slack.asked())
            clock.follow(world.now(), clock.now())
        said.append([(line["event"], line["of"]) for line in lines])
        assert watch.wrong == (
            dict.fromkeys(("redis", "slack"), f"its clock is {ahead} s behind this machine's")
            if ahead
            else {}
        )
        for part in ("redis", "slack"):
            shown = metrics.registry.get_sample_value(
                "vm_restore_clock_ahead_seconds", {"of": part}
            )
            assert shown == pytest.approx(-ahead, abs=0.01)
    differ, agree = (
        [(words, part) for part in ("redis", "slack")]
        for words in ("the clocks differ", "the clocks agree again")
    )
    assert said == [[], differ, [], [], differ, agree, []]
