"""How long the cluster took, as it is told to the metrics."""

from datetime import timedelta

import pytest

from bot.restore.durations import TimedStep, ended
from bot.restore.model import Phase, Restore
from tests.restore.play import STATES, Play, restoring, snapshotting, stopped, stopping, succeeded


def took(before: Play, after: Play) -> dict[TimedStep, timedelta]:
    """Between two moments of a play."""
    return ended(before.restore, after.restore)


def test_a_stop_that_has_ended() -> None:
    assert took(stopping().looks(), stopped()).keys() == {TimedStep.STOP}


def test_a_safety_snapshot_that_is_ready() -> None:
    begun = snapshotting()
    ready = begun.wait(7).safety_becomes(phase="Succeeded", ready=True)
    assert ready.restore.safety is not None
    assert took(begun, ready).keys() <= {TimedStep.SAFETY_SNAPSHOT}


def test_a_restore_that_has_succeeded() -> None:
    done = succeeded()
    (span,) = took(restoring(), done).values()
    assert done.restore.job is not None
    assert span == done.restore.ended_at - done.restore.job.decided_at


def test_a_restore_that_was_found_in_the_cluster_tells_no_time() -> None:
    done = succeeded().restore
    assert done.job is not None
    adopted = done.model_copy(update={"job": done.job.model_copy(update={"adopted": True})})
    assert ended(restoring().restore, adopted) == {}


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_told_twice(state: str) -> None:
    """A document that is stored again, with the same ends in it, tells nothing."""
    restore = STATES[state]().restore
    assert ended(restore, restore) == {}
    assert all(span >= timedelta() for span in ended(_new(state), restore).values())


def _new(state: str) -> Restore:
    restore = STATES[state]().restore
    return restore.model_copy(
        update={"stop": None, "safety": None, "phase": Phase.RESTORING, "version": 0}
    )
