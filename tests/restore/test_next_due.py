"""When a restore is looked at next: never at once for ever, never not at all."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.restore import workflow
from bot.restore.observation import ObservationKind
from tests.restore import play as p
from tests.restore.ground import NOW
from tests.restore.play import CONFIRMED, Play
from tests.restore.test_workflow_matrix import STATES

PACES = [
    pytest.param(p.gathering, 1, id="gathering"),
    pytest.param(p.play, 1, id="checking"),
    pytest.param(p.stopping, 2, id="stopping"),
    pytest.param(p.protecting, 3, id="protecting"),
    pytest.param(p.confirmed, 2, id="before the act"),
    pytest.param(p.decided, 2, id="waiting for a lost answer"),
    pytest.param(p.restoring, 20, id="restoring: the watch wakes it"),
    pytest.param(p.overdue, 20, id="overdue"),
]


@pytest.mark.parametrize(("state", "seconds"), PACES)
def test_the_pace_of_looks(state: Callable[[], Play], seconds: int) -> None:
    played = state()
    assert played.due == played.now + timedelta(seconds=seconds)


@pytest.mark.parametrize("state", [p.play, p.stopping, p.confirmed, p.restoring])
def test_a_phase_that_was_just_entered_is_looked_at_at_once(state: Callable[[], Play]) -> None:
    played = state()
    assert workflow.next_due(played.restore, played.now, moved=True) == played.now


def test_a_cluster_that_is_away_is_asked_less_and_less() -> None:
    played = p.restoring()
    pauses = []
    for _ in range(40):
        played.misses()
        assert played.due is not None
        pauses.append((played.due - played.now).total_seconds())
        played.now = played.due
    assert pauses[0] == 1
    assert pauses == sorted(pauses)
    assert pauses[-1] == 15


def test_a_restore_is_looked_at_when_its_patience_ends() -> None:
    played = p.restoring().wait(595)
    assert played.due == played.now + timedelta(seconds=5)


def test_an_ended_restore_is_due_once_more_to_lose_its_buttons() -> None:
    played = p.succeeded()
    assert played.due == played.outcome.at + workflow.AFTERCARE
    played.wait(86400).looks()
    assert played.restore.closed
    assert played.due is None


LOOKS = {
    "gathering, not yet looked": ObservationKind.CANDIDATES,
    "checking": ObservationKind.FULL,
    "stopping": ObservationKind.VMI,
    "protecting": ObservationKind.RECHECK,
    "snapshotting": ObservationKind.SAFETY,
    "confirmed": ObservationKind.RECHECK,
    "decided": ObservationKind.RECHECK,
    "restoring": ObservationKind.JOB,
    "start asked": ObservationKind.VMI,
}


@pytest.mark.parametrize("state", LOOKS)
def test_each_phase_asks_for_what_it_needs(state: str) -> None:
    assert workflow.wanted(STATES[state]().restore) is LOOKS[state]


@pytest.mark.parametrize("state", STATES)
def test_left_alone_every_restore_ends_or_is_followed(state: str) -> None:
    """Nobody answers any more; the bot looks whenever it is due, and the cluster stays as it is."""
    played = STATES[state]()
    for _ in range(3000):
        due = played.due
        if due is None:
            break
        assert due > played.now or played.phase.ended
        played.now = max(due, played.now)
        played.looks()
        if played.phase.ended and played.restore.closed:
            break
        if played.phase.value == "restoring" and played.restore.job:
            break
    assert played.phase.ended or workflow.wanted(played.restore) in (
        ObservationKind.JOB,
        ObservationKind.RECHECK,
    )
    assert played.phase.ended or played.restore.job is not None


def test_a_confirmed_stop_that_never_ends_expires() -> None:
    played = p.stopping(CONFIRMED)
    for _ in range(2000):
        assert played.due is not None
        played.now = played.due
        if played.looks().phase.ended:
            break
    assert played.phase.value == "expired"
    assert played.restore.stopped_by_us
    assert 1200 <= (played.now - NOW).total_seconds() <= 1204
