"""After the end: starting the VM, and the one restore that may follow."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.restore import follow_up, starts, workflow
from bot.restore.disks import LeftBehindKind
from bot.restore.events import (
    Button,
    Clicked,
    Continued,
    DeleteRestore,
    Reply,
    StartVm,
    VmClaimedElsewhere,
)
from bot.restore.model import Phase, Restore, RestoreId
from bot.restore.observation import ApiRejection, Candidates, Claim
from bot.restore.reasons import Reason
from bot.restore.thread import CardKind
from tests.restore import play as p
from tests.restore.ground import NAMESPACE, READY, RUNNING, VM, VM_NAME, VMI, WELL, Ground
from tests.restore.play import NO, OTHER, OWNER, RULES, Play

# --- Starting the VM ------------------------------------------------------------------------------


def test_the_vm_is_started_after_a_success() -> None:
    played = p.succeeded().clicks(Button.START_VM)
    assert workflow.wanted(played.restore) is not None
    assert played.looks().effect == StartVm(NAMESPACE, VM_NAME)
    played.acted()
    assert played.restore.start is not None
    assert played.restore.start.done_at == played.now
    assert played.last(CardKind.STARTED).closed is None
    assert workflow.wanted(played.restore) is None


def test_a_start_that_is_answered_twice_is_told_once() -> None:
    played = p.succeeded().clicks(Button.START_VM).looks()
    effects = played.effects
    played.acted()
    played.effects = effects
    played.acted(ApiRejection(409, "Conflict", "again"))
    assert [c.kind for c in played.restore.cards].count(CardKind.STARTED) == 1
    assert played.restore.start is not None
    assert played.restore.start.error is None


def test_a_vm_that_runs_by_then_is_started_enough() -> None:
    played = p.succeeded().clicks(Button.START_VM).looks(vm=RUNNING, vmi=VMI)
    assert played.effects == ()
    assert played.restore.start is not None
    assert played.restore.start.done_at is not None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"vm": RUNNING, "vmi": replace(VMI, deleting=True)}, id="it is stopping"),
        pytest.param({"vm": VM, "vmi": VMI}, id="it was told to stop"),
    ],
)
def test_a_vm_that_is_going_down_is_started_when_it_is_down(changes: dict[str, Any]) -> None:
    played = p.stopped().cancels().clicks(Button.START_VM).looks(**changes)
    assert played.effects == ()
    assert workflow.wanted(played.restore) is not None
    assert played.looks(vm=VM, vmi=None).effect == StartVm(NAMESPACE, VM_NAME)


def test_a_guest_that_has_ended_is_started_all_the_same() -> None:
    ended = replace(VMI, phase="Succeeded")
    played = p.succeeded().clicks(Button.START_VM).looks(vmi=ended)
    assert played.effect == StartVm(NAMESPACE, VM_NAME)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"vm": None}, "the VM does not exist any more"),
        ({"vm": replace(VM, uid="vm-2")}, "the VM was re-created since"),
        ({"vm": replace(VM, restore_in_progress="other")}, "restore `other` is in progress"),
    ],
)
def test_a_start_that_would_do_harm_is_refused(changes: dict[str, Any], why: str) -> None:
    played = p.succeeded().clicks(Button.START_VM).looks(**changes)
    assert played.effects == ()
    assert played.restore.start is not None
    assert played.restore.start.error == why


def test_a_start_is_asked_of_the_policy() -> None:
    played = p.succeeded().clicks(Button.START_VM).looks(NO)
    assert played.effects == ()
    assert played.restore.start is not None
    assert played.restore.start.error == "You may not."


def test_a_start_that_failed_can_be_asked_for_again() -> None:
    played = p.succeeded().clicks(Button.START_VM).looks()
    played.acted(ApiRejection(500, "InternalError", "until restore completes"))
    assert played.clicks(Button.START_VM).looks().effect == StartVm(NAMESPACE, VM_NAME)


@pytest.mark.parametrize("kind", [Play.looks, Play.misses])
def test_nothing_is_started_long_after_the_click(kind: Callable[[Play], Play]) -> None:
    played = p.succeeded().clicks(Button.START_VM).misses().wait(600)
    kind(played)
    assert played.effects == ()
    assert played.restore.start is not None
    assert played.restore.start.error is not None
    assert played.due == played.outcome.at + workflow.AFTERCARE


def test_a_second_click_on_start_does_nothing() -> None:
    played = p.succeeded().clicks(Button.START_VM)
    assert played.clicks(Button.START_VM).reply is Reply.OLD_CARD
    played.looks().acted()
    assert played.clicks(Button.START_VM).reply is Reply.OLD_CARD


OFFERED: dict[str, tuple[Callable[[], Play], bool]] = {
    "after a success": (p.succeeded, True),
    "after a failure": (p.failed, False),
    "after a cancel with the VM untouched": (p.cancelled, False),
    "after a cancel with the VM stopped by us": (lambda: p.stopped().cancels(), True),
    "after an expiry with the VM stopped by us": (lambda: p.stopped().wait(900).looks(), True),
    "after a refusal with the VM stopped by us": (
        lambda: p.stopping().looks().looks(vm=VM, vmi=None, snapshots=()).looks(),
        True,
    ),
    "after a refusal with the VM untouched": (p.refused, False),
    "while it lives": (p.stopped, False),
    "a day after the end": (lambda: p.succeeded().wait(86400).looks(), False),
}


@pytest.mark.parametrize("case", OFFERED)
def test_start_is_offered_only_when_it_should_be(case: str) -> None:
    make, offered = OFFERED[case]
    played = make()
    assert starts.start_is_offered(played.restore) is offered
    if played.phase.ended and not offered:
        assert played.clicks(Button.START_VM).restore.start is None


def test_the_buttons_of_an_end_go_after_a_day_even_if_no_timer_ran() -> None:
    played = p.succeeded().wait(86400 - 1)
    assert Play(played.restore, played.now).clicks(Button.START_VM).restore.start is not None
    late = played.wait(1).clicks(Button.START_VM)
    assert late.restore.start is None
    assert late.reply is Reply.ENDED
    assert late.restore.closed
    assert late.due is None


# --- The restore that follows ---------------------------------------------------------------------


def follow(played: Play, button: Button, **changes: Any) -> Restore | Reply:
    """Click on the result card."""
    number = played.last(CardKind.RESULT).number if played.phase.ended else 1
    click = Clicked(**{"by": OWNER, "button": button, "number": number, **changes})
    return follow_up.successor(played.restore, click, RULES, played.now)


def undoable() -> Play:
    """A success with a safety snapshot."""
    created = p.protected().looks().created()
    return created.job_becomes(complete=True).looks()


FOLLOWING: dict[str, tuple[Callable[[], Play], set[Button]]] = {
    "a success": (p.succeeded, set()),
    "a success with a safety snapshot": (undoable, {Button.UNDO}),
    "a failure": (p.failed, {Button.TRY_AGAIN, Button.OTHER_SNAPSHOT}),
    "a cancel": (p.cancelled, {Button.START_OVER}),
    "a wrong name": (lambda: p.typing().types("other"), {Button.START_OVER}),
    "an expiry": (p.expired, {Button.START_OVER}),
    "a refusal": (p.refused, {Button.START_OVER, Button.OTHER_SNAPSHOT}),
    "a restore that somebody deleted": (
        lambda: p.restoring().looks(restores=()),
        {Button.TRY_AGAIN, Button.OTHER_SNAPSHOT},
    ),
    "a VM that was deleted meanwhile": (lambda: p.restoring().looks(restores=(), vm=None), set()),
    "a VM that was deleted while it was stopped": (lambda: p.stopping().looks(vm=None), set()),
    "a no of the policy": (lambda: p.play().looks(NO), set()),
    "nothing yet": (p.typing, set()),
    "an end of yesterday": (lambda: p.cancelled().wait(86400), set()),
}


@pytest.mark.parametrize("case", FOLLOWING)
def test_what_may_follow(case: str) -> None:
    make, buttons = FOLLOWING[case]
    played = make()
    assert {button for button in Button if isinstance(follow(played, button), Restore)} == buttons


def test_a_new_restore_inherits_nothing_but_the_wish_and_the_place() -> None:
    played = p.typing().types("other")
    new = follow(played, Button.START_OVER)
    assert isinstance(new, Restore)
    assert new == p.asked(id_=RestoreId("k3f9.2"), previous=played.restore.id, now=played.now)
    assert new.typed is None
    assert new.confirmation is None


def test_a_double_click_makes_the_same_restore() -> None:
    played = p.failed()
    one, other = follow(played, Button.TRY_AGAIN), follow(played, Button.OTHER_SNAPSHOT)
    assert isinstance(one, Restore)
    assert isinstance(other, Restore)
    assert one.id == other.id == "k3f9.2"
    assert follow_up.following(one.id) == "k3f9.3"


def test_an_end_that_is_continued_has_no_buttons_left() -> None:
    played = p.failed().event(Continued(OWNER))
    assert played.last(CardKind.RESULT).closed == f"Continued by <@{OWNER}>, further down"
    assert follow_up.offered(played.restore) == frozenset()
    assert follow(played, Button.TRY_AGAIN) is Reply.OLD_CARD
    assert played.clicks(Button.START_VM).reply is Reply.OLD_CARD
    assert played.due is None
    before = played.restore
    assert played.event(Continued(OWNER)).restore == before


@pytest.mark.parametrize("make", [p.typing, p.stopping, p.restoring])
def test_what_lives_is_not_continued(make: Callable[[], Play]) -> None:
    played = make()
    before = played.restore
    assert played.event(Continued(OWNER)).restore == before


def stopped_by_us_before(played: Play) -> Play:
    """Start over after an end; the VM is down by now."""
    new = follow(played, Button.START_OVER)
    assert isinstance(new, Restore)
    return Play(new, played.now, ground=played.ground).looks(vm=VM, vmi=None)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(lambda: p.stopped().types("other"), id="it was stopped"),
        pytest.param(lambda: p.stopping().looks().cancels(), id="it was stopping"),
    ],
)
def test_a_vm_that_we_stopped_is_offered_to_be_started_at_the_next_end_too(
    before: Callable[[], Play],
) -> None:
    played = stopped_by_us_before(before())
    assert played.phase is Phase.TYPING
    played.cancels()
    assert played.restore.stop is not None
    assert played.restore.stop.done_at is not None
    assert starts.start_is_offered(played.restore)
    assert played.clicks(Button.START_VM).looks().effect == StartVm(NAMESPACE, VM_NAME)


def test_a_vm_that_runs_again_was_not_stopped_by_us() -> None:
    played = p.stopped().cancels()
    new = follow(played, Button.START_OVER)
    assert isinstance(new, Restore)
    later = Play(new, played.now, ground=played.ground).looks(vm=RUNNING, vmi=VMI)
    assert later.phase is Phase.STOP_CHOICE
    assert not starts.start_is_offered(later.cancels().restore)


def test_a_vm_that_was_started_again_was_not_stopped_by_us() -> None:
    played = p.stopped().cancels().clicks(Button.START_VM).looks().acted()
    assert not starts.start_is_offered(stopped_by_us_before(played).cancels().restore)


def test_no_start_is_offered_after_a_failure_however_often_it_is_tried_again() -> None:
    new = follow(p.failed(), Button.TRY_AGAIN)
    assert isinstance(new, Restore)
    assert new.stop is None


def test_no_start_is_offered_of_a_vm_that_somebody_else_restores_by_now() -> None:
    played = p.stopped().cancels()
    new = follow(played, Button.START_OVER)
    assert isinstance(new, Restore)
    held = Play(new, played.now, ground=played.ground).event(
        VmClaimedElsewhere(OTHER, "<#C0OPS>", played.now)
    )
    assert held.reason is Reason.HELD_BY_OTHER
    assert not starts.start_is_offered(held.restore)


def test_only_the_owner_may_go_on() -> None:
    assert follow(p.failed(), Button.TRY_AGAIN, by=OTHER) is Reply.NOT_YOURS


@pytest.mark.parametrize("number", [0, 1, 999])
def test_another_card_than_the_result_opens_nothing(number: int) -> None:
    assert follow(p.failed(), Button.TRY_AGAIN, number=number) is Reply.ENDED


def test_another_snapshot_is_asked_for() -> None:
    new = follow(p.failed(), Button.OTHER_SNAPSHOT)
    assert isinstance(new, Restore)
    assert new.phase is Phase.GATHERING
    assert new.request.snapshot is None


def test_undo_restores_the_safety_snapshot_with_all_confirmations() -> None:
    played = undoable()
    new = follow(played, Button.UNDO)
    assert isinstance(new, Restore)
    assert played.restore.safety is not None
    assert new.request.snapshot == played.restore.safety.name
    assert new.phase is Phase.CHECKING
    assert new.confirmation is None
    undone = Play(new, played.now, ground=played.ground).safety_becomes(**READY).looks()
    assert undone.phase is Phase.TYPING


def test_a_safety_snapshot_that_never_became_ready_cannot_be_undone_to() -> None:
    played = p.snapshotting().cancels()
    assert isinstance(follow(played, Button.UNDO), Reply)


# --- What the restore before may have done to the VM ----------------------------------------------


def after(before: Play, button: Button) -> Restore:
    """The restore that follows."""
    new = follow(before, button)
    assert isinstance(new, Restore)
    return new


def cancelled_again(times: int) -> Play:
    """After a failure: tried again and cancelled, so often."""
    played = p.failed()
    for turn in range(times):
        button = Button.START_OVER if turn else Button.TRY_AGAIN
        played = Play(after(played, button), played.now, ground=played.ground).cancels()
    return played


REFUSED_CREATE = ApiRejection(403, "Forbidden", "no")
BEFORE: dict[str, tuple[Callable[[], Play], Button, bool]] = {
    "it was restored half-way": (p.failed, Button.TRY_AGAIN, True),
    "so was the one before, which this one did not touch": (
        lambda: cancelled_again(1),
        Button.START_OVER,
        True,
    ),
    "and the one before that": (lambda: cancelled_again(2), Button.START_OVER, True),
    "the cluster refused to make it": (
        lambda: p.decided().acted(REFUSED_CREATE),
        Button.TRY_AGAIN,
        False,
    ),
    "it was cancelled": (p.cancelled, Button.START_OVER, False),
    "it was completed": (undoable, Button.UNDO, False),
}


@pytest.mark.parametrize("case", BEFORE)
def test_a_restore_remembers_that_one_before_it_left_the_vm_in_an_unknown_state(case: str) -> None:
    make, button, unsure = BEFORE[case]
    assert after(make(), button).vm_state_unknown is unsure


def test_what_was_put_right_is_not_unknown_any_more() -> None:
    """A failure, a second try that completes, and its undo."""
    unsure = after(p.failed(), Button.TRY_AGAIN)
    done = undoable()
    done.restore = done.restore.model_copy(update={"vm_state_unknown": True})
    assert unsure.vm_state_unknown
    assert not after(done, Button.UNDO).vm_state_unknown


def test_a_vm_in_an_unknown_state_is_not_offered_to_be_started() -> None:
    """Also if this restore has done nothing but stop it."""
    played = p.stopped()
    assert starts.start_is_offered(Play(played.restore, played.now).cancels().restore)
    played.restore = played.restore.model_copy(update={"vm_state_unknown": True})
    played.cancels()
    assert not starts.start_is_offered(played.restore)
    assert played.clicks(Button.START_VM).restore.start is None


# --- Our own failed object in the way -------------------------------------------------------------


def retry(played: Play | None = None) -> Play:
    """Try again after a failure; the failed object still stands."""
    before = played or p.failed()
    new = follow(before, Button.TRY_AGAIN)
    assert isinstance(new, Restore)
    return Play(new, before.now, ground=before.ground)


def test_try_again_removes_our_failed_object_first() -> None:
    played = retry()
    name = "restore-database-01-20260218-163000-7kdup"
    assert played.looks().effect == DeleteRestore(NAMESPACE, name, "restore-1")
    assert played.acted().looks().phase is Phase.CHECKING
    assert played.job_becomes(deleting=True).looks().effects == ()
    played.looks(restores=())
    assert played.restore.blocker is None
    assert played.looks().phase is Phase.TYPING


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"failure": None}, id="it is not failed any more"),
        pytest.param({"uid": "restore-9"}, id="it is another of the same name"),
        pytest.param({"restore_id": "other"}, id="it is of another restore"),
        pytest.param({"restore_id": None}, id="it is nobody's"),
    ],
)
def test_nothing_else_is_ever_removed(facts: dict[str, Any]) -> None:
    played = retry().job_becomes(**facts).looks()
    assert played.effects == ()
    assert played.looks().reason is Reason.RESTORE_IN_PROGRESS


def test_an_object_that_does_not_go_is_named() -> None:
    played = retry().looks().acted()
    assert played.wait(599).looks().phase is Phase.CHECKING
    assert played.wait(1).looks().reason is Reason.RESTORE_IN_PROGRESS
    assert "has failed and was not removed" in played.outcome.found


@pytest.mark.parametrize(
    ("text", "reason"),
    [("cannot delete", Reason.RBAC_FORBIDDEN), ("it is held", Reason.RESTORE_IN_PROGRESS)],
)
def test_a_refused_removal_ends_it_and_says_why(text: str, reason: Reason) -> None:
    played = retry().looks().acted(ApiRejection(403, "No", text))
    assert played.phase is Phase.REFUSED
    assert played.reason is reason
    assert text in played.outcome.found


def test_the_object_is_still_removed_two_restores_later() -> None:
    """Try again, cancelled before the object went, then started over."""
    played = retry().cancels()
    new = follow(played, Button.START_OVER)
    assert isinstance(new, Restore)
    assert new.id == "k3f9.3"
    later = Play(new, played.now, ground=played.ground)
    assert isinstance(later.looks().effect, DeleteRestore)


def test_a_vm_that_is_gone_is_told_before_anything_is_removed() -> None:
    assert retry().looks(vm=None).reason is Reason.VM_NOT_FOUND


def test_nothing_is_removed_for_somebody_who_may_not() -> None:
    assert retry().looks(NO).effects == ()


# --- Another VM is named then ---------------------------------------------------------------------

ELSEWHERE = ("staging", "testing")
NO_SUCH: dict[str, tuple[Ground, CardKind]] = {
    "no VM of that name is anywhere": (
        WELL.but(candidates=Candidates(vms=("database-02",))),
        CardKind.ASK_VM,
    ),
    "a VM of that name is in other namespaces": (
        WELL.but(candidates=Candidates(namespaces=ELSEWHERE)),
        CardKind.ASK_NAMESPACE,
    ),
}


@pytest.mark.parametrize("case", NO_SUCH)
def test_what_is_left_of_one_vm_is_not_told_of_the_one_that_is_named_then(case: str) -> None:
    """Start VM would start another VM than the one that was stopped."""
    ground, question = NO_SUCH[case]
    after = follow_up.successor(
        (ended := _stopped_and_refused()).restore,
        Clicked(OWNER, Button.OTHER_SNAPSHOT, ended.card(Button.START_VM).number),
        RULES,
        ended.now,
    )
    assert isinstance(after, Restore)
    assert after.stopped_by_us
    played = Play(after, now=ended.now, ground=ground).looks()
    assert played.question is question
    assert not played.restore.stopped_by_us
    assert (played.restore.blocker, played.restore.vm_state_unknown) == (None, False)


def _stopped_and_refused() -> Play:
    """The bot stopped the VM, and then its snapshot was gone."""
    return p.stopping().looks().looks(vm=VM, vmi=None).looks(snapshots=())


# --- What a restore that failed has made ----------------------------------------------------------


def test_what_it_made_is_told_after_it_was_given_up() -> None:
    """The object is gone, and with it all that names these claims."""
    played = p.overdue().clicks(Button.DELETE_RESTORE)
    played.clicks(Button.DELETE_RESTORE_NOW).looks()
    assert played.restore.job is not None
    name = played.restore.job.name
    made = Claim("restore-1-root", "Pending", restored_by=name)
    going = Claim("restore-1-data", "Bound", mark=f"{name}-uid", deleting=True)
    other = Claim("root-claim", "Bound", restored_by="of-somebody")
    played.looks(restores=(), claims=(made, going, other))
    assert played.reason is Reason.RESTORE_GIVEN_UP
    assert [(each.claim, each.kind) for each in played.outcome.left] == [
        ("restore-1-data", LeftBehindKind.GOING),
        ("restore-1-root", LeftBehindKind.MADE),
    ]


def test_what_it_made_and_the_vm_uses_is_no_leftover() -> None:
    played = p.restoring()
    assert played.restore.job is not None
    used = Claim("root-claim", "Bound", restored_by=played.restore.job.name)
    played.ground = played.ground.but(claims=(used,))
    played.job_becomes(failure="no").looks()
    (left,) = played.outcome.left
    assert (left.kind, left.by) == (LeftBehindKind.USED, "VM `database-01`")


@pytest.mark.parametrize("live", [False, True])
def test_a_vm_that_runs_after_a_failure_is_told_as_that(live: bool) -> None:
    played = p.restoring().job_becomes(failure="no").looks(vmi=VMI if live else None)
    assert played.outcome.live is live
