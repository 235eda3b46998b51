"""The cluster is the witness that survives: what it shows to be done is not done again.

Each test plays a restore to some moment, keeps the document, lets it go on until the cluster has the
object, and puts the older document back, as a fail-over of Redis does that loses what it acknowledged.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.restore.events import Appeared, Button, CreateRestore, CreateSnapshot
from bot.restore.model import Phase
from bot.restore.observation import RestoreObject
from bot.restore.reasons import Reason
from bot.restore.thread import CardKind
from tests.restore import play as p
from tests.restore.ground import NOW, READY, RUNNING, SNAPSHOT_NAME, VM, VMI, WELL, restore_object
from tests.restore.play import CONFIRMED, NO, Play

OBJECT = "restore-database-01-20260218-163000-7kdup"
SAFETY_OBJECT = f"pre-{OBJECT}"
MARK = f"{OBJECT}-uid"
"""What KubeVirt leaves in the VM."""
DONE = NOW + timedelta(seconds=40)
STATES: dict[str, dict[str, Any]] = {
    "begun": {},
    "running": {"progressing": "Creating new PVCs"},
    "failed": {"failure": "no space left"},
    "complete": {"complete": True, "restored_at": DONE},
    "deleting": {"deleting": True},
}


def _checking() -> Play:
    return p.play()


def _stopping_at_once() -> Play:
    return p.stopping()


def _stopping_after_all() -> Play:
    return p.stopping(CONFIRMED)


def _taking_the_snapshot() -> Play:
    return p.protecting().looks().created()


MOMENTS: dict[str, Callable[[], Play]] = {
    "the checks": _checking,
    "both confirmations": p.confirmed,
    "before the safety snapshot": p.protecting,
    "the safety snapshot": _taking_the_snapshot,
    "the stop, chosen": _stopping_at_once,
    "the stop, confirmed": _stopping_after_all,
}


def _made(played: Play, **facts: Any) -> RestoreObject:
    """The object that this restore has made by now, whatever its document says."""
    effect = CreateRestore(
        "production",
        "database-01",
        SNAPSHOT_NAME,
        OBJECT,
        None,
        (("vm-restore-bot/restore-id", played.restore.id),),
        (),
    )
    return restore_object(effect, created=NOW, **facts)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_object_of_ours_is_adopted_in_any_state(moment: str, state: str) -> None:
    played = MOMENTS[moment]()
    played.ground = played.ground.but(restores=(_made(played, **STATES[state]),))
    played.looks()
    assert played.effects == ()
    assert played.phase is Phase.RESTORING
    assert played.restore.job is not None
    assert played.restore.job.uid == "restore-1"
    assert played.last(CardKind.PROGRESS).closed is None
    assert played.question is None
    for _ in range(3):
        assert not any(isinstance(each, CreateRestore) for each in played.looks().effects)


def test_one_of_another_confirmation_is_ours_as_well() -> None:
    """The click was forgotten, too: a second one makes no second object."""
    played = p.confirming().wait(77).clicks(Button.CONFIRM)
    played.looks(restores=(_made(played, complete=True, restored_at=DONE),))
    assert played.effects == ()
    assert played.looks().phase is Phase.SUCCEEDED


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_what_the_cluster_dates_is_judged_by_its_own_clock(ahead: int) -> None:
    """One that is behind made it overdue at once, one that is ahead never."""
    differ, made = timedelta(seconds=ahead), p.confirmed()
    there = replace(_made(made, progressing="Creating new PVCs"), created=NOW + differ)
    made.ground = made.ground.but(restores=(there,), ahead=differ)
    limit = made.restore.rules.restore_timeout
    assert made.wait(60).looks().restore.job is not None
    assert made.wait(limit - 61).looks().question is None
    assert made.wait(1).looks().question is CardKind.OVERDUE
    done = made.wait(120).job_becomes(complete=True, restored_at=DONE + differ).looks()
    assert done.restore.job is not None
    assert done.restore.job.restored_at == DONE


@pytest.mark.parametrize("verdict", [p.YES, NO], ids=["permitted", "not permitted any more"])
def test_what_is_done_needs_no_permission(verdict: Any) -> None:
    played = p.confirmed()
    played.ground = played.ground.but(restores=(_made(played, complete=True, restored_at=DONE),))
    assert played.looks(verdict).looks().phase is Phase.SUCCEEDED


def test_it_tells_when_the_restore_completed() -> None:
    played = p.confirmed().wait(3600)
    played.ground = played.ground.but(restores=(_made(played, complete=True, restored_at=DONE),))
    played.looks().looks()
    assert played.phase is Phase.SUCCEEDED
    assert played.restore.job is not None
    assert played.restore.job.restored_at == DONE
    assert played.outcome.at > DONE


def test_what_completes_under_our_eyes_has_no_other_time() -> None:
    played = p.succeeded()
    assert played.restore.job is not None
    assert played.restore.job.restored_at is None


def test_a_failed_one_is_told_as_failed_and_leaves_its_object_to_the_next() -> None:
    played = p.confirmed()
    played.ground = played.ground.but(restores=(_made(played, failure="no space left"),))
    assert played.looks().looks().reason is Reason.RESTORE_FAILED
    assert "no space left" in played.outcome.found
    assert f"`{OBJECT}` of 2026-02-18 16:30:00 UTC" in played.outcome.found


@pytest.mark.parametrize("moment", ["both confirmations", "before the safety snapshot"])
def test_the_mark_of_our_name_is_enough(moment: str) -> None:
    """The object was deleted since; the VM still carries what it left."""
    played = MOMENTS[moment]()
    marked = replace(VM, last_restore=MARK)
    played.looks(vm=marked)
    assert played.effects == ()
    assert played.looks().reason is Reason.RESTORE_DELETED
    assert "carries its mark" in played.outcome.found
    assert f"`{OBJECT}` of 2026-02-18 16:30:00 UTC" in played.outcome.found


def test_a_vm_that_runs_again_is_not_stopped_for_what_was_done() -> None:
    played = p.stopping(CONFIRMED)
    marked = replace(RUNNING, last_restore=MARK)
    assert played.looks(vm=marked, vmi=VMI).effects == ()
    assert played.phase is Phase.RESTORING
    assert played.looks().reason is Reason.RESTORE_DELETED
    assert not played.restore.stopped_by_us


@pytest.mark.parametrize("begin", [p.protecting, _taking_the_snapshot])
def test_a_protected_one_was_protected(begin: Callable[[], Play]) -> None:
    """It was made, so its safety snapshot was ready: Undo stays."""
    played = begin()
    played.looks(restores=(_made(played, complete=True, restored_at=DONE),)).looks()
    assert played.phase is Phase.SUCCEEDED
    assert played.restore.safety is not None
    assert played.restore.safety.ready_at is not None
    assert played.restore.safety.name == SAFETY_OBJECT


def test_a_lock_of_our_name_is_waited_for() -> None:
    played = p.confirmed()
    locked = replace(VM, restore_in_progress=OBJECT)
    assert played.looks(vm=locked).effects == ()
    assert played.phase is Phase.RESTORING
    played.looks(restores=(_made(played),))
    assert played.restore.job is not None
    assert played.restore.job.uid == "restore-1"


def test_what_only_a_lock_showed_is_not_made_again_when_the_lock_is_gone() -> None:
    """The document never decided on it: it was found, and it was deleted since."""
    played = p.confirmed()
    locked = replace(VM, restore_in_progress=OBJECT)
    played.looks(vm=locked)
    assert played.looks(vm=VM).effects == ()
    assert played.restore.outcome is not None
    assert played.restore.outcome.reason is Reason.RESTORE_DELETED


@pytest.mark.parametrize(
    "facts", [{"restore_id": "other"}, {"snapshot": "another"}, {"target": "web-01"}], ids=str
)
def test_what_others_made_is_not_taken_for_ours(facts: dict[str, Any]) -> None:
    played = p.confirmed()
    made = replace(_made(played, complete=True, restored_at=DONE), **facts)
    assert isinstance(played.looks(restores=(made,)).effect, CreateRestore)


def test_the_same_confirmation_gives_the_same_names() -> None:
    once, again = p.confirmed().looks(), p.confirmed().wait(77).looks()
    assert isinstance(once.effect, CreateRestore)
    assert isinstance(again.effect, CreateRestore)
    assert once.effect.name == again.effect.name == OBJECT
    first, second = p.protecting().looks(), p.protecting().wait(77).looks()
    assert isinstance(first.effect, CreateSnapshot)
    assert isinstance(second.effect, CreateSnapshot)
    assert first.effect.name == second.effect.name == SAFETY_OBJECT


def test_another_confirmation_gives_another_name() -> None:
    """The safety snapshot failed and stays; the next one does not take its name."""
    played = p.protecting().looks().created().looks()
    failed = played.restore.safety
    played.wait(5).safety_becomes(phase="Failed").looks().looks()
    played.types(SNAPSHOT_NAME).clicks(Button.CONFIRM).looks()
    assert isinstance(played.effect, CreateSnapshot)
    assert failed is not None
    assert played.effect.name != failed.name


def test_our_own_safety_snapshot_in_progress_is_nobody_elses() -> None:
    """A document of before the safety snapshot finds it under the same name."""
    played = p.protecting()
    locked = replace(VM, snapshot_in_progress=SAFETY_OBJECT)
    assert isinstance(played.looks(vm=locked).effect, CreateSnapshot)
    played.created().looks().safety_becomes(**READY).looks()
    assert played.looks().phase is Phase.RESTORING
    assert isinstance(played.looks(vm=WELL.vm).effect, CreateRestore)


@pytest.mark.parametrize(("away", "told"), [(59, None), (61, DONE)])
def test_what_completed_while_the_bot_was_away_is_told_so_too(
    away: float, told: datetime | None
) -> None:
    played = p.decided().applies().wait(away)
    played.job_becomes(complete=True, restored_at=DONE).looks()
    assert played.restore.job is not None
    assert played.restore.job.restored_at == told


def test_a_document_that_still_asks_for_its_target_goes_on_with_the_object() -> None:
    """It came back from before the answers: the object tells what they were."""
    played = p.play(request=p.REQUEST.model_copy(update={"snapshot": None})).looks()
    assert played.question is CardKind.ASK_SNAPSHOT
    made = _made(played, progressing="Creating new PVCs")
    played.event(Appeared(made))
    assert played.restore.phase is Phase.RESTORING
    assert played.restore.question is None
    assert played.restore.request == p.REQUEST
    assert played.restore.claim == "default/production/database-01"
    assert played.last(CardKind.FOUND_AGAIN).closed is None
    assert played.effects == ()
    done = played.looks(restores=(replace(made, complete=True, restored_at=DONE),))
    assert done.phase is Phase.SUCCEEDED


@pytest.mark.parametrize("moment", ["the checks", "both confirmations"])
def test_one_that_asks_the_cluster_by_itself_is_left_to_that(moment: str) -> None:
    played = MOMENTS[moment]()
    before = played.restore
    assert played.event(Appeared(_made(played))).restore == before
