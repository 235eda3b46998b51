"""The one destructive act: what goes before it, what becomes of it, and what a lost answer means."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.restore import starts
from bot.restore.events import (
    Appeared,
    Button,
    CreateRestore,
    DeleteRestore,
    Done,
    NotDone,
    Reply,
)
from bot.restore.model import Phase
from bot.restore.observation import ApiRejection, Claim, Vmi
from bot.restore.phases.restoring import SEND_WITHIN
from bot.restore.reasons import Reason
from bot.restore.thread import CardKind
from tests.restore import play as p
from tests.restore.ground import (
    CONTENT,
    COPY,
    NAMESPACE,
    SNAPSHOT,
    SNAPSHOT_NAME,
    VM,
    VMI,
    WELL,
    foreign_restore,
    restore_object,
)
from tests.restore.play import Play

MAY_COME = 90
"""Seconds after the create was sent for the last time: 20 to go out, 60 in the server, and 10."""

# --- The recheck ----------------------------------------------------------------------------------

DIFFERENCES: dict[str, tuple[dict[str, Any], Reason, str]] = {
    "the VM is gone": ({"vm": None}, Reason.VM_DELETED, "does not exist any more"),
    "the VM was re-created": (
        {"vm": replace(VM, uid="vm-2"), "content": replace(CONTENT, vm_uid="vm-2")},
        Reason.CHANGED_SINCE_CONFIRMATION,
        "UID vm-1 → vm-2",
    ),
    "the VM is being deleted": (
        {"vm": replace(VM, deleting=True)},
        Reason.VM_BEING_DELETED,
        "is being deleted",
    ),
    "the VM was started": ({"vmi": VMI}, Reason.VM_STARTED, "now it is live (phase Running)"),
    "a VMI without a phase": (
        {"vmi": replace(VMI, phase="")},
        Reason.VM_STARTED,
        "now it is live (phase unknown)",
    ),
    "the guest ended, but the VMI stands": (
        {"vmi": replace(VMI, phase="Succeeded")},
        Reason.VM_STARTED,
        "phase Succeeded",
    ),
    "the VM is set to start": (
        {"vm": replace(VM, run_strategy="Always")},
        Reason.VM_STARTED,
        "set to start (run strategy Always)",
    ),
    "a start is queued": (
        {"vm": replace(VM, run_strategy="Manual", start_queued=True)},
        Reason.VM_STARTED,
        "set to start",
    ),
    "the snapshot is gone": (
        {"snapshots": ()},
        Reason.CHANGED_SINCE_CONFIRMATION,
        "`pre-upgrade-snapshot` does not exist any more",
    ),
    "the snapshot was re-created": (
        {"snapshots": (replace(SNAPSHOT, uid="snapshot-2"),)},
        Reason.CHANGED_SINCE_CONFIRMATION,
        "UID snapshot-1 → snapshot-2",
    ),
    "the snapshot is not ready any more": (
        {"snapshots": (replace(SNAPSHOT, ready=False),)},
        Reason.CHANGED_SINCE_CONFIRMATION,
        "now it is not",
    ),
    "the snapshot is being deleted": (
        {"snapshots": (replace(SNAPSHOT, deleting=True),)},
        Reason.SNAPSHOT_BEING_DELETED,
        "The snapshot is being deleted",
    ),
    "the content is being deleted": (
        {"content": replace(CONTENT, deleting=True)},
        Reason.SNAPSHOT_CONTENT_BEING_DELETED,
        "The snapshot's content is being deleted",
    ),
    "the content has an error": (
        {"content": replace(CONTENT, error="lost")},
        Reason.CHANGED_SINCE_CONFIRMATION,
        "now it has an error: lost",
    ),
    "the copy of a disk is being deleted": (
        {"copies": (replace(COPY, deleting=True),)},
        Reason.VOLUME_SNAPSHOT_BEING_DELETED,
        "VolumeSnapshot `vs-root`, the copy of disk `root`, is being deleted.",
    ),
    "the copy of a disk is gone": (
        {"copies": ()},
        Reason.VOLUME_SNAPSHOT_MISSING,
        "does not exist any more",
    ),
    "the copy of a disk is not ready any more": (
        {"copies": (replace(COPY, ready=False),)},
        Reason.VOLUME_SNAPSHOT_NOT_READY,
        "is not ready to use",
    ),
    "the storage class is gone": (
        {"classes": ()},
        Reason.STORAGE_CLASS_MISSING,
        "Storage class `fast` does not exist any more",
    ),
    "the content is gone": (
        {"content": None},
        Reason.CHANGED_SINCE_CONFIRMATION,
        "content was ready; now it is not",
    ),
    "the content is not ready": (
        {"content": replace(CONTENT, ready=False)},
        Reason.CHANGED_SINCE_CONFIRMATION,
        "content was ready; now it is not",
    ),
    "the content is of another VM": (
        {"content": replace(CONTENT, vm_uid="vm-0")},
        Reason.CHANGED_SINCE_CONFIRMATION,
        "belongs to another VM",
    ),
    "another restore has begun": (
        {"restores": (foreign_restore(),)},
        Reason.CHANGED_SINCE_CONFIRMATION,
        "`of-somebody`",
    ),
    "a clone onto the VM has begun": (
        {"restores": (foreign_restore("tmp-restore-1", clone="copy-of-db"),)},
        Reason.CHANGED_SINCE_CONFIRMATION,
        "VirtualMachineClone `copy-of-db` has begun to restore this VM",
    ),
    "another restore has failed and stands in the way": (
        {"restores": (foreign_restore(failure="no"),)},
        Reason.CHANGED_SINCE_CONFIRMATION,
        "`of-somebody`",
    ),
    "the VM names a restore that is not listed": (
        {
            "vm": replace(VM, restore_in_progress="hidden"),
            "restores": (foreign_restore(complete=True),),
        },
        Reason.CHANGED_SINCE_CONFIRMATION,
        "`hidden`",
    ),
    "a snapshot is being taken": (
        {
            "vm": replace(VM, snapshot_in_progress="nightly"),
            "locked_by": replace(SNAPSHOT, name="nightly", phase="InProgress"),
        },
        Reason.CHANGED_SINCE_CONFIRMATION,
        "Snapshot `nightly` of this VM is being taken.",
    ),
    "the mark of a snapshot that is not there": (
        {"vm": replace(VM, snapshot_in_progress="nightly")},
        Reason.CHANGED_SINCE_CONFIRMATION,
        "no such snapshot exists",
    ),
    "the bot may not read": (
        {"forbidden": ApiRejection(403, "Forbidden", "cannot get virtualmachines")},
        Reason.RBAC_FORBIDDEN,
        "cannot get virtualmachines",
    ),
    "KubeVirt is gone": ({"kubevirt": False}, Reason.KUBEVIRT_MISSING, "snapshot.kubevirt.io"),
}


@pytest.mark.parametrize("case", DIFFERENCES)
def test_any_difference_from_what_was_confirmed_stops_it(case: str) -> None:
    changes, reason, words = DIFFERENCES[case]
    played = p.confirmed().looks(**changes)
    assert played.phase is Phase.REFUSED
    assert played.reason is reason
    assert words in played.outcome.found
    assert played.effects == ()
    assert played.restore.job is None


@pytest.mark.parametrize("case", [c for c in DIFFERENCES if "bot" not in c and "KubeVirt" not in c])
def test_a_create_with_a_lost_answer_is_not_sent_again_over_a_difference(case: str) -> None:
    changes, _, words = DIFFERENCES[case]
    played = p.decided().wait().looks(**changes)
    assert (played.phase, played.effects) == (Phase.RESTORING, ()), "it may still be carried out"
    played.wait(MAY_COME).looks()
    assert played.phase is Phase.FAILED
    assert words in played.outcome.found
    assert played.effects == ()


def test_several_differences_are_all_told_and_a_started_vm_comes_first() -> None:
    played = p.confirmed().looks(snapshots=(), vmi=VMI)
    assert played.reason is Reason.VM_STARTED
    assert "does not exist any more" in played.outcome.found
    assert "now it is live" in played.outcome.found


def test_completed_restores_of_the_past_are_no_difference() -> None:
    played = p.confirmed().looks(restores=(foreign_restore(complete=True),))
    assert isinstance(played.effect, CreateRestore)


def test_without_a_confirmation_nothing_is_created_whatever_the_phase_says() -> None:
    for gone in ("typed", "confirmation"):
        played = p.confirmed()
        played.restore = played.restore.model_copy(update={gone: None})
        assert played.looks().reason is Reason.CREATE_REFUSED
        assert played.effects == ()


# --- A lost answer --------------------------------------------------------------------------------


def test_an_object_that_is_found_is_adopted() -> None:
    played = p.decided().applies().wait(2).looks()
    assert played.effects == ()
    assert played.restore.job is not None
    assert played.restore.job.uid == "restore-1"
    assert played.job_becomes(complete=True).looks().phase is Phase.SUCCEEDED


def test_an_object_that_never_came_is_sent_again_when_the_first_request_cannot_come_any_more() -> (
    None
):
    """Two requests under way could make two objects: somebody may delete the first one meanwhile."""
    played = p.decided()
    first = played.effect
    assert isinstance(first, CreateRestore)
    for _ in range(6):
        for seconds in (2, MAY_COME - 3):
            assert played.wait(seconds).looks().effects == ()
        again = played.wait(1).looks().effect
        assert again == replace(first, not_after=played.now + SEND_WITHIN)
    assert played.wait(60).looks().phase is Phase.RESTORING
    assert played.effects == ()
    assert played.wait(MAY_COME - 60).looks().reason is Reason.CONFIRMATION_TOO_OLD
    assert played.effects == ()


def test_what_the_server_has_not_taken_is_sent_again_at_once() -> None:
    played = p.decided()
    first = played.effect
    assert isinstance(first, CreateRestore)
    played.acted(NotDone())
    for _ in range(2):
        again = played.wait(2).looks().effect
        assert again == replace(first, not_after=played.now + SEND_WITHIN)
        played.acted(NotDone())
    assert played.looks(vmi=VMI).reason is Reason.VM_STARTED
    assert played.outcome.vm_status == "as before: the cluster has no such restore"


# A server may hold a request for as long as its own limit allows, and carry it out then


def test_what_was_never_answered_is_not_absent_until_the_server_cannot_carry_it_out() -> None:
    played = p.decided().wait(5).looks(vmi=VMI)
    job = played.restore.job
    assert job is not None
    assert job.unanswered_until == played.now - timedelta(seconds=5) + timedelta(seconds=MAY_COME)
    assert played.wait(MAY_COME - 6).looks().phase is Phase.RESTORING
    assert played.wait(1).looks().reason is Reason.VM_STARTED
    assert played.outcome.vm_status == "as before: the cluster has no such restore"


def test_what_differed_while_nothing_was_known_is_not_forgotten() -> None:
    """The VM ran meanwhile; that it is down again, as if it never had, changes nothing."""
    played = p.decided().wait(5).looks(vmi=VMI)
    assert played.wait(5).looks(vmi=None).effects == ()
    assert played.wait(MAY_COME).looks().reason is Reason.CHANGED_SINCE_CONFIRMATION
    assert "now it is live" in played.outcome.found
    assert played.effects == ()


def test_a_no_of_the_policy_while_nothing_was_known_is_not_forgotten() -> None:
    played = p.decided().wait(5).looks(p.NO)
    assert played.wait(5).looks().effects == ()
    assert played.wait(MAY_COME).looks().phase is Phase.FAILED
    assert played.effects == ()


def test_what_comes_late_is_adopted() -> None:
    played = p.decided()
    effect = played.effect
    assert isinstance(effect, CreateRestore)
    played.wait(5).looks(vmi=VMI)
    played.wait(60).looks(restores=(restore_object(effect),))
    job = played.restore.job
    assert job is not None
    assert (job.uid, job.sent_at, job.unanswered_until) == ("restore-1", None, None)
    assert played.phase is Phase.RESTORING


def test_a_longer_limit_of_the_server_is_waited_for() -> None:
    played = p.decided(rules=p.RULES.model_copy(update={"request_timeout": 300}))
    played.wait(5).looks(vmi=VMI)
    assert played.wait(MAY_COME).looks().phase is Phase.RESTORING
    assert played.wait(240).looks().phase is Phase.FAILED


def test_a_refused_attempt_says_nothing_of_an_earlier_one_without_an_answer() -> None:
    played = p.decided()
    effects, refusal = played.effects, ApiRejection(403, "Forbidden", "change freeze")
    played.wait(5).looks()
    played.effects = effects
    assert played.acted(refusal).phase is Phase.RESTORING
    played.wait(MAY_COME).looks()
    assert played.acted(refusal).reason is Reason.CREATE_REFUSED


def test_a_refused_attempt_alone_is_an_end() -> None:
    assert p.decided().acted(ApiRejection(403, "Forbidden", "no")).phase is Phase.FAILED


def test_a_create_must_be_on_its_way_before_the_document_stops_counting_on_it() -> None:
    played = p.decided()
    assert isinstance(played.effect, CreateRestore)
    assert played.effect.not_after == played.now + SEND_WITHIN


def test_a_vm_that_carries_our_mark_was_restored_by_an_object_that_is_gone() -> None:
    played = p.decided()
    assert played.restore.job is not None
    marked = replace(VM, last_restore=f"{played.restore.job.name}-uid-of-it")
    assert played.wait().looks(vm=marked).reason is Reason.RESTORE_DELETED
    assert "carries its mark" in played.outcome.found
    assert played.effects == ()
    assert not starts.start_is_offered(played.restore)


def test_the_mark_of_an_earlier_restore_means_nothing() -> None:
    before = p.play()
    before.ground = WELL.but(vm=replace(VM, last_restore="restore-database-01-2025-1-u"))
    played = before.looks().types(SNAPSHOT_NAME).clicks(Button.CONFIRM).looks()
    assert isinstance(played.effect, CreateRestore)


def test_a_vm_that_is_locked_by_our_name_is_waited_for_and_nothing_is_sent_again() -> None:
    played = p.decided()
    assert played.restore.job is not None
    locked = replace(VM, restore_in_progress=played.restore.job.name)
    assert played.wait().looks(vm=locked).effects == ()
    assert played.phase is Phase.RESTORING
    assert played.wait(600).looks().reason is Reason.RESTORE_DELETED


def _decided_at_a_version() -> Play:
    played = p.play()
    played.ground = WELL.but(vm=replace(VM, version="7"))
    return played.looks().types(SNAPSHOT_NAME).clicks(Button.CONFIRM).looks()


def test_an_object_that_may_have_come_and_gone_is_not_made_again() -> None:
    """Nobody has seen it, but its VM was written to: a lock may have been set and taken away."""
    played = _decided_at_a_version()
    assert isinstance(played.effect, CreateRestore)
    played.wait(5).looks(vm=replace(VM, version="9"))
    assert played.effects == ()
    assert played.phase is Phase.RESTORING
    assert played.wait(MAY_COME).looks().reason is Reason.PERHAPS_MADE
    assert "made, and deleted" in played.outcome.found
    assert played.effects == ()


@pytest.mark.parametrize("moment", ["at the end", "meanwhile"])
@pytest.mark.parametrize("what", ["started", "not permitted"])
def test_what_may_have_come_and_gone_is_never_called_as_before(what: str, moment: str) -> None:
    """The VM was written to by whom nobody knows: a difference, or a no, does not hide that."""
    played = _decided_at_a_version()
    verdict = p.NO if what == "not permitted" else p.YES
    changes = {"vm": replace(VM, version="9"), "vmi": VMI if what == "started" else None}
    if moment == "meanwhile":
        played.wait(5).looks(verdict, **changes)
        changes, verdict = {"vmi": None}, p.YES
    played.wait(MAY_COME).looks(verdict, **changes)
    told = "now it is live" if what == "started" else "You may not."
    assert told in played.outcome.found
    assert "made, and deleted" in played.outcome.found
    assert played.outcome.vm_status.startswith("not known: the cluster has no such restore now")
    assert not starts.never_created(played.restore)
    assert played.effects == ()


def test_a_second_object_of_the_name_is_followed_instead_of_the_one_that_is_gone() -> None:
    """The cluster carries it out, whatever has put it there: it is not called deleted."""
    played = p.restoring().job_becomes(uid="restore-2").looks()
    assert (played.phase, played.effects) == (Phase.RESTORING, ())
    assert played.restore.job is not None
    assert (played.restore.job.uid, played.restore.objects) == ("restore-2", ("restore-1",))
    assert played.job_becomes(complete=True).looks().phase is Phase.SUCCEEDED


def test_an_object_that_comes_after_the_end_is_followed_once() -> None:
    played = p.restoring()
    [first] = played.ground.restores
    second = replace(first, uid="restore-2")
    played.looks(restores=())
    assert played.reason is Reason.RESTORE_DELETED
    assert played.event(Appeared(first)).phase is Phase.FAILED
    assert played.event(Appeared(second)).phase is Phase.RESTORING
    assert played.last(CardKind.APPEARED).closed is None
    played.looks(restores=(replace(second, complete=True),))
    assert played.phase is Phase.SUCCEEDED
    for known in (first, second):
        assert played.event(Appeared(known)).phase is Phase.SUCCEEDED


def test_an_object_of_our_name_that_somebody_else_made_is_not_adopted() -> None:
    played = p.decided()
    assert isinstance(played.effect, CreateRestore)
    stranger = replace(restore_object(played.effect), restore_id="other")
    assert played.wait().looks(restores=(stranger,)).phase is Phase.RESTORING
    assert played.wait(MAY_COME).looks().phase is Phase.FAILED
    assert played.restore.job is not None
    assert played.restore.job.uid is None


def test_the_cluster_refuses_the_create() -> None:
    played = p.decided().acted(ApiRejection(422, "Invalid", "spec.target: …"))
    assert played.phase is Phase.FAILED
    assert played.reason is Reason.CREATE_REFUSED
    assert played.outcome.vm_status == "unchanged: the cluster refused the restore"


def test_pages_of_a_cluster_are_cut() -> None:
    played = p.decided().acted(ApiRejection(422, "Invalid", "x" * 100_000))
    assert 400 < len(played.outcome.found) < 500


def test_a_late_no_to_a_second_attempt_does_not_fail_what_is_there() -> None:
    played = p.decided()
    effect = played.effect
    played.created()
    played.effects = (effect,)
    assert played.acted(ApiRejection(422, "Invalid", "in progress")).phase is Phase.RESTORING


def test_an_answer_without_a_uid_is_looked_after() -> None:
    played = p.decided().applies().acted(Done())
    assert played.restore.job is not None
    assert played.restore.job.uid is None
    assert played.looks().restore.job == p.restoring().restore.job


@pytest.mark.parametrize(
    ("end", "offered"),
    [
        pytest.param(
            lambda it: it.acted(ApiRejection(422, "Invalid", "no")),
            True,
            id="the create was refused",
        ),
        pytest.param(lambda it: it.wait(600).looks(), True, id="it was never handed over"),
        pytest.param(
            lambda it: it.looks(p.NO).wait(MAY_COME).looks(p.NO), True, id="the policy turned to no"
        ),
        pytest.param(lambda it: it.created().job_becomes(failure="x").looks(), False, id="failed"),
        pytest.param(
            lambda it: it.created().looks(restores=()), False, id="it was deleted by others"
        ),
        pytest.param(
            lambda it: it.looks(vm=None).wait(MAY_COME).looks(), False, id="the VM is gone"
        ),
    ],
)
def test_start_is_offered_after_a_failure_only_if_nothing_was_touched(
    end: Callable[[Play], Play], *, offered: bool
) -> None:
    played = p.stopped().types(SNAPSHOT_NAME).clicks(Button.CONFIRM).looks()
    end(played)
    assert played.phase is Phase.FAILED
    assert starts.start_is_offered(played.restore) is offered


# --- Following it ---------------------------------------------------------------------------------


def test_progress_is_kept_and_bound_volumes_never_go_back() -> None:
    played = p.restoring()
    played.job_becomes(claims=("a", "b"), progressing="Creating new PVCs", ready="Waiting")
    played.wait(5).looks(claims=(Claim("a", "Bound"), Claim("b", "Pending")))
    job = played.restore.job
    assert job is not None
    assert (job.volumes_bound, job.volumes_total) == (1, 2)
    assert (job.progressing, job.ready) == ("Creating new PVCs", "Waiting")
    assert job.looked_at == played.now
    played.looks(claims=())
    assert played.restore.job is not None
    assert played.restore.job.volumes_bound == 1


def test_an_error_text_that_is_no_failure_is_only_progress() -> None:
    """KubeVirt tries again for ever: only `complete` and a Failure condition are final."""
    played = p.restoring().job_becomes(progressing="exceeded quota", ready="exceeded quota")
    assert played.looks().phase is Phase.RESTORING


def test_a_failure_ends_it_with_the_state_unknown() -> None:
    played = p.failed()
    assert played.reason is Reason.RESTORE_FAILED
    assert played.outcome.found == "no space left"
    assert played.outcome.vm_status == ""


GONE: dict[str, tuple[Callable[[Play], Play], Reason, str]] = {
    "by somebody else": (
        lambda it: it.looks(restores=()),
        Reason.RESTORE_DELETED,
        "was deleted by somebody else before it completed",
    ),
    "with its VM": (
        lambda it: it.looks(restores=(), vm=None),
        Reason.VM_DELETED,
        "The VM was deleted while it was being restored",
    ),
    "and replaced by one of its name by somebody else": (
        lambda it: it.job_becomes(uid="restore-2", restore_id="other").looks(),
        Reason.RESTORE_DELETED,
        "was deleted by somebody else",
    ),
    "after the VM was restored": (
        lambda it: it.looks(
            restores=(), vm=replace(VM, last_restore="restore-database-01-20260218-163000-7kdup-u")
        ),
        Reason.RESTORE_DELETED,
        "carries its mark",
    ),
}


@pytest.mark.parametrize("how", GONE)
def test_an_object_that_is_gone_ends_it_and_is_never_made_again(how: str) -> None:
    spoil, reason, words = GONE[how]
    played = spoil(p.restoring())
    assert played.phase is Phase.FAILED
    assert played.reason is reason
    assert words in played.outcome.found
    assert played.effects == ()
    assert played.looks().effects == ()


STATUSES = [
    pytest.param({}, "Stopped (ready to start)", id="stopped"),
    pytest.param(
        {"vm": replace(VM, status="Running"), "vmi": VMI}, "Running (live)", id="started meanwhile"
    ),
    pytest.param(
        {"vm": replace(VM, run_strategy="Always", status="Starting")},
        "Starting (run strategy Always: it will start by itself)",
        id="about to start",
    ),
    pytest.param(
        {"vm": replace(VM, status="DataVolumeError")},
        "DataVolumeError (not running)",
        id="not well",
    ),
    pytest.param({"vm": replace(VM, deleting=True)}, "Stopped (not running)", id="being deleted"),
]


@pytest.mark.parametrize(("changes", "status"), STATUSES)
def test_success_says_what_was_read_of_the_vm(changes: dict[str, Any], status: str) -> None:
    played = p.restoring().job_becomes(complete=True).looks(**changes)
    assert played.phase is Phase.SUCCEEDED
    assert played.outcome.vm_status == status


def test_complete_without_a_vm_is_no_success() -> None:
    played = p.restoring().job_becomes(complete=True).looks(vm=None)
    assert played.reason is Reason.VM_DELETED


@pytest.mark.parametrize(
    ("vm", "claims"),
    [
        pytest.param(VM, (Claim("root-claim", "Bound"),), id="a volume that is used again"),
        pytest.param(
            replace(VM, volumes=()), (Claim("other", "Bound"),), id="a volume that was removed"
        ),
        pytest.param(replace(VM, volumes=()), (), id="no volume at all"),
    ],
)
def test_nothing_is_called_left_over_that_is_not(vm: Any, claims: tuple[Claim, ...]) -> None:
    played = p.restoring().job_becomes(complete=True, claims=()).looks(vm=vm, claims=claims)
    assert (played.outcome.leftovers, played.outcome.left) == ((), ())


# --- Taking long ----------------------------------------------------------------------------------


def test_a_late_restore_is_asked_about_and_still_completes() -> None:
    played = p.restoring().wait(599).looks()
    assert played.question is None
    assert played.wait(1).looks().question is CardKind.OVERDUE
    assert played.restore.deadline is None
    assert played.wait(30).looks().restore.cards == played.restore.cards
    assert played.job_becomes(complete=True).looks().phase is Phase.SUCCEEDED


def test_keep_waiting_asks_again_after_another_while() -> None:
    played = p.overdue().clicks(Button.KEEP_WAITING).wait(599).looks()
    assert played.question is None
    assert played.wait(1).looks().question is CardKind.OVERDUE


def test_deleting_the_object_has_a_confirmation_of_its_own_and_ends_as_given_up() -> None:
    played = p.overdue().clicks(Button.DELETE_RESTORE)
    assert played.question is CardKind.DELETE_RESTORE
    assert played.looks().effects == ()
    played.clicks(Button.DELETE_RESTORE_NOW).looks()
    name = "restore-database-01-20260218-163000-7kdup"
    assert played.effect == DeleteRestore(NAMESPACE, name, "restore-1")
    played.acted()
    assert played.wait(2).looks().effects != (), "it is still there: the same again"
    assert played.job_becomes(deleting=True).looks().effects == ()
    assert played.looks(restores=()).reason is Reason.RESTORE_GIVEN_UP
    assert "rolls nothing back" in played.outcome.found


def test_a_restore_that_completes_while_it_is_deleted_is_a_success() -> None:
    played = p.overdue().clicks(Button.DELETE_RESTORE).clicks(Button.DELETE_RESTORE_NOW)
    assert played.job_becomes(complete=True).looks().phase is Phase.SUCCEEDED


def test_a_restore_that_fails_while_it_is_deleted_is_deleted_all_the_same() -> None:
    """The owner asked for that; a failed object that stays would be in the way of the next one."""
    played = p.overdue().clicks(Button.DELETE_RESTORE).clicks(Button.DELETE_RESTORE_NOW)
    played.job_becomes(failure="no space left").looks()
    name = "restore-database-01-20260218-163000-7kdup"
    assert played.phase is Phase.RESTORING
    assert played.effect == DeleteRestore(NAMESPACE, name, "restore-1")
    assert played.looks(restores=()).reason is Reason.RESTORE_GIVEN_UP


def test_a_refused_delete_asks_again_instead_of_trying_for_ever() -> None:
    played = p.overdue().clicks(Button.DELETE_RESTORE).clicks(Button.DELETE_RESTORE_NOW).looks()
    played.acted(ApiRejection(403, "Forbidden", "cannot delete"))
    assert played.question is CardKind.OVERDUE
    job = played.restore.job
    assert job is not None
    assert not job.deleting
    assert job.delete_error == (
        "The cluster does not let me do it: cannot delete. "
        "Ask a cluster admin to grant the verb that the message names."
    )
    assert played.looks().effects == ()
    assert played.job_becomes(complete=True).looks().phase is Phase.SUCCEEDED


def test_thinking_again_about_deleting_is_keep_waiting() -> None:
    played = p.overdue().clicks(Button.DELETE_RESTORE).clicks(Button.KEEP_WAITING)
    assert played.question is None
    assert played.looks().effects == ()


def test_a_running_restore_is_never_dropped_for_having_asked_too_often() -> None:
    played = p.overdue()
    for _ in range(40):
        played.clicks(Button.KEEP_WAITING).wait(600).looks()
    assert played.phase is Phase.RESTORING
    assert played.question is CardKind.OVERDUE


def test_a_finished_restore_answers_its_old_buttons() -> None:
    played = p.overdue()
    number = played.last(CardKind.OVERDUE).number
    played.job_becomes(complete=True).looks()
    assert played.clicks(Button.KEEP_WAITING, number=number).reply is Reply.ENDED


# --- The VM runs, and its restore has failed --------------------------------------------------------


def _failed(vmi: Vmi | None) -> Play:
    return p.restoring().job_becomes(failure="no space left").looks(vmi=vmi)


def _perhaps_made(vmi: Vmi | None) -> Play:
    """The VM was written to since the create, and no object is there."""
    played = _decided_at_a_version().wait(5).looks(vm=replace(VM, version="9"), vmi=vmi)
    return played.wait(MAY_COME).looks()


def _taken_as_it_is(vmi: Vmi | None) -> Play:
    """Complete, and the claim of its disk is of somebody else."""
    claims = (Claim("restored-root", "Bound", mark="other-1", restored_by="other"),)
    return p.restoring().job_becomes(complete=True).looks(vmi=vmi, claims=claims)


@pytest.mark.parametrize("fails", [_failed, _perhaps_made, _taken_as_it_is])
@pytest.mark.parametrize(
    ("vmi", "live"),
    [(VMI, True), (replace(VMI, phase="Succeeded"), False), (None, False)],
    ids=["runs", "its guest has ended", "down"],
)
def test_a_vm_that_runs_after_a_failure_is_to_be_stopped(
    vmi: Vmi | None, fails: Callable[[Vmi | None], Play], *, live: bool
) -> None:
    played = fails(vmi)
    assert played.phase is Phase.FAILED
    assert played.outcome.live is live
    assert ("somebody has started it" in played.outcome.found) is (live and fails is _failed)
