"""What is made of a restore whose record is lost, by what anybody may have written into its object."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.restore.model import Job, Phase, Restore, Safety
from bot.restore.observation import RestoreObject
from bot.restore.reasons import Reason
from bot.restore.rules import Rules
from bot.restore.stop_and_start import Stop
from bot.restore.thread import CardKind
from bot.restore.traces import Remains, found_again, given_up, is_recent, trace, trace_of
from bot.texts import endings
from tests.restores import ALICE, HERE, ID, KNOWN, NOW, restore

TEAM = "T0TEAM"
WRITTEN = RestoreObject(
    "production",
    "restore-database-01-20260218-163000",
    "uid-1",
    "database-01",
    "pre-upgrade-snapshot",
    created=NOW,
    restore_id=ID,
    team=TEAM,
    thread="C0OPS/1771432200.000100",
    owner=ALICE,
)


def test_an_object_of_this_workspace_names_its_owner_and_its_thread() -> None:
    found = trace_of("default", WRITTEN, TEAM)
    assert found is not None
    assert (found.owner, found.request) == (ALICE, KNOWN)
    assert (found.thread_ref.channel, found.thread_ref.thread) == ("C0OPS", "1771432200.000100")
    assert trace_of("default", replace(WRITTEN, owner=None, made_by=ALICE), TEAM) == found


STRANGE = {
    "another workspace": replace(WRITTEN, team="T0OTHER"),
    "no id": replace(WRITTEN, restore_id=None),
    "an id with markup": replace(WRITTEN, restore_id="<!channel>"),
    "no thread": replace(WRITTEN, thread=None),
    "a channel that is none": replace(WRITTEN, thread="<#C0OPS>/1771432200.000100"),
    "a thread that is none": replace(WRITTEN, thread="C0OPS/now"),
    "an owner that is none": replace(WRITTEN, owner="<@U0ALICE>"),
    "no owner": replace(WRITTEN, owner=None),
    "no VM": replace(WRITTEN, target=""),
}


@pytest.mark.parametrize("case", STRANGE)
def test_what_was_written_by_somebody_else_is_not_followed(case: str) -> None:
    assert trace_of("default", STRANGE[case], TEAM) is None


def test_old_objects_are_no_news() -> None:
    """Counted from the end where there is one."""
    day = timedelta(days=1)
    assert is_recent(WRITTEN, NOW + day / 2)
    assert not is_recent(WRITTEN, NOW + day)
    done = replace(WRITTEN, complete=True, restored_at=NOW + day)
    assert is_recent(done, NOW + day * 1.5)
    assert not is_recent(replace(done, restored_at=None), NOW)


LIMITS: dict[str, tuple[Restore, float | None]] = {
    "a question": (restore(Phase.CONFIRMING), None),
    "a stop": (
        restore(
            Phase.STOPPING,
            stop=Stop(strategy="Always", wait_until=NOW + timedelta(seconds=300)),
        ),
        300,
    ),
    "a safety snapshot": (
        restore(Phase.PROTECTING, safety=Safety(name="safety", decided_at=NOW)),
        Rules().safety_timeout,
    ),
    "a restore": (
        restore(
            Phase.RESTORING,
            job=Job(name="j", decided_at=NOW, wait_until=NOW + timedelta(seconds=900)),
        ),
        900,
    ),
}


@pytest.mark.parametrize("case", LIMITS)
def test_the_time_limit_of_what_the_cluster_is_doing(case: str) -> None:
    told, seconds = LIMITS[case]
    until = trace(told).until
    assert until == (None if seconds is None else NOW + timedelta(seconds=seconds))


def remains(*posted: str) -> Remains:
    """A lost restore in whose thread these cards stand."""
    known = trace(restore(thread_ref=HERE))
    return Remains(ID, known, Rules(), posted, NOW)


def cards(made: Restore) -> list[tuple[int, CardKind, bool]]:
    """Number, kind, and whether it is open."""
    return [(card.number, card.kind, card.closed is None) for card in made.cards]


def test_numbers_of_cards_go_on_where_the_thread_stands() -> None:
    """The newest question is closed; older ones, offers and what is no card are left as they are."""
    posted = ("request.1", "warning.2", "offer.3", "nonsense", "odd.4", "confirm.5")
    made = found_again(remains(*posted), WRITTEN)
    assert made.phase is Phase.RESTORING
    assert made.job is not None
    assert (made.job.uid, made.job.adopted) == ("uid-1", True)
    assert cards(made) == [
        (1, CardKind.REQUEST, True),
        (5, CardKind.CONFIRM, False),
        (6, CardKind.FOUND_AGAIN, True),
        (7, CardKind.PROGRESS, True),
    ]


def test_an_empty_thread_gets_a_request_card_first() -> None:
    made = found_again(remains(), WRITTEN)
    kinds = [kind for _, kind, _ in cards(made)]
    assert kinds == [CardKind.REQUEST, CardKind.FOUND_AGAIN, CardKind.PROGRESS]


@pytest.mark.parametrize(("unseen", "says"), [("", "has no"), ("401 Unauthorized", "401")])
def test_a_record_without_an_object_has_ended(unseen: str, says: str) -> None:
    made = given_up(remains("request.1", "confirm.2"), "", unseen=unseen)
    assert made.phase is Phase.CANCELLED
    assert made.outcome is not None
    assert made.outcome.reason is Reason.RECORD_LOST
    assert says in made.outcome.found
    assert made.outcome.vm_status == endings.UNKNOWN


def test_a_told_result_is_told_once() -> None:
    assert remains("request.1", "result.2").told
    assert not remains("request.1", "progress.2").told
