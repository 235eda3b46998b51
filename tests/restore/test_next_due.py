"""When a restore is looked at next: never at once for ever, never not at all."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.restore import workflow
from bot.restore.model import Offer
from bot.restore.observation import ObservationKind
from bot.restore.stop_and_start import Start
from tests.restore import play as p
from tests.restore.ground import NOW
from tests.restore.play import CONFIRMED, OTHER, OWNER, STATES, Play

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


SECOND, DAY = timedelta(seconds=1), workflow.AFTERCARE
STARTING = {"start": Start(by=OWNER, at=NOW)}
STARTED = {"start": Start(by=OWNER, at=NOW, done_at=NOW)}
ANSWERS = {"start": Start(by=OWNER, at=NOW, done_at=NOW, runs_at=NOW, agent_at=NOW)}
NOT_STARTED = {"start": Start(by=OWNER, at=NOW, error="no")}
OPEN_OFFER = {"offer": Offer(to=OTHER, by=OWNER, at=NOW, until=NOW + 900 * SECOND)}
CLOSED = {"closed": True}

# state, changes of its document, time since its last event, moved -> due that much later
DUE: dict[str, tuple[Callable[[], Play], dict[str, Any], timedelta, bool, timedelta | None]] = {
    "ended": (p.cancelled, {}, 0 * SECOND, False, DAY),
    "ended a moment ago": (p.cancelled, {}, 5 * SECOND, True, DAY - 5 * SECOND),
    "ended for long, not yet closed": (p.cancelled, {}, DAY, False, 0 * SECOND),
    "ended and closed": (p.cancelled, CLOSED, 0 * SECOND, False, None),
    "ended without a result": (p.cancelled, {"outcome": None}, 0 * SECOND, False, None),
    "offered after the end": (p.cancelled, OPEN_OFFER, 0 * SECOND, False, 900 * SECOND),
    "a start was just asked for": (p.succeeded, STARTING, 0 * SECOND, True, 0 * SECOND),
    "a start is pending": (p.succeeded, STARTING, 0 * SECOND, False, 2 * SECOND),
    "a start is pending when the buttons go": (p.succeeded, STARTING, DAY, False, 2 * SECOND),
    "a start is pending longer than that": (p.succeeded, STARTING, 2 * DAY, False, 2 * SECOND),
    "a start is pending, and all is closed": (
        p.succeeded,
        {**STARTING, **CLOSED},
        2 * DAY,
        False,
        2 * SECOND,
    ),
    "a start is pending, offered till long ago": (
        p.succeeded,
        {**STARTING, **OPEN_OFFER},
        DAY,
        False,
        2 * SECOND,
    ),
    "started": (p.succeeded, STARTED, 0 * SECOND, False, 3 * SECOND),
    "started a while ago": (p.succeeded, STARTED, 60 * SECOND, False, 15 * SECOND),
    "started, and the guest agent was seen": (p.succeeded, ANSWERS, 0 * SECOND, False, DAY),
    "started, and no guest agent was seen": (
        p.succeeded,
        STARTED,
        600 * SECOND,
        False,
        DAY - 600 * SECOND,
    ),
    "the start failed": (p.succeeded, NOT_STARTED, 0 * SECOND, False, DAY),
    "a question": (p.typing, {}, 0 * SECOND, False, 900 * SECOND),
    "a question half-way": (p.typing, {}, 600 * SECOND, False, 300 * SECOND),
    "a question, offered": (
        p.typing,
        {"offer": OPEN_OFFER["offer"].model_copy(update={"until": NOW + 60 * SECOND})},
        0 * SECOND,
        False,
        60 * SECOND,
    ),
    "nobody is asked and nothing is looked at": (
        p.typing,
        {"deadline": None},
        0 * SECOND,
        False,
        DAY,
    ),
    "a restore that runs": (p.restoring, {}, 0 * SECOND, False, 20 * SECOND),
    "its patience ends soon": (p.restoring, {}, 595 * SECOND, False, 5 * SECOND),
    "its patience has just ended": (p.restoring, {}, 600 * SECOND, False, 20 * SECOND),
    "its patience ended long ago": (p.restoring, {}, 9000 * SECOND, False, 20 * SECOND),
}


@pytest.mark.parametrize("case", DUE)
def test_when_it_is_looked_at_next(case: str) -> None:
    """A due time in the past would be served at once, again and again."""
    make, changes, since, moved, later = DUE[case]
    played = make()
    now = played.now + since
    due = workflow.next_due(played.restore.model_copy(update=changes), now, moved=moved)
    assert due == (None if later is None else now + later)


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
