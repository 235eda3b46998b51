"""The ways through the workflow that people meet, phase by phase."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.restore import starts, user_events, workflow
from bot.restore.effects import (
    CONFIRMED_AT,
    CONFIRMED_BY,
    REQUESTED_AT,
    REQUESTED_BY,
    RESTORE_ID,
    TEAM,
    THREAD,
)
from bot.restore.effects import OWNER as OWNED_BY
from bot.restore.events import (
    Anchored,
    Button,
    ChannelGone,
    ClearVmi,
    ConversationLoss,
    CreateRestore,
    CreateSnapshot,
    Event,
    FarSide,
    NamespaceFull,
    ObservationFailed,
    OperatorCancelled,
    Reply,
    StopVm,
    VmClaimedElsewhere,
)
from bot.restore.model import Phase
from bot.restore.observation import ApiRejection, Candidates, ContentLoss, ObservationKind
from bot.restore.reasons import Reason
from bot.restore.rules import Rules, VolumePolicy
from bot.restore.target import RestoreRequest
from bot.restore.thread import CardKind, ThreadRef
from tests.restore import play as p
from tests.restore.ground import (
    CONTENT,
    LIVE,
    NAMESPACE,
    NOW,
    READY,
    SNAPSHOT,
    SNAPSHOT_NAME,
    VM,
    VM_NAME,
    VMI,
    WELL,
    foreign_restore,
)
from tests.restore.play import CONFIRMED, NO, OTHER, OWNER, Play

THEIRS = ThreadRef(team="T0TEAM", channel="C0OPS", thread="1.1", own_thread=False)

# --- Happy paths ----------------------------------------------------------------------------------


def test_a_stopped_vm_is_restored_after_the_name_and_the_click() -> None:
    played = p.play()
    assert played.phase is Phase.CHECKING
    assert played.looks().phase is Phase.TYPING
    assert played.effects == ()
    assert played.types(SNAPSHOT_NAME).phase is Phase.CONFIRMING
    assert played.clicks(Button.CONFIRM).phase is Phase.RESTORING
    assert played.looks().effect == CreateRestore(
        namespace=NAMESPACE,
        vm=VM_NAME,
        snapshot=SNAPSHOT_NAME,
        name="restore-database-01-20260218-163000-7kdup",
        volume_policy=None,
        labels=((RESTORE_ID, "k3f9"),),
        annotations=(
            (REQUESTED_BY, OWNER),
            (REQUESTED_AT, "2026-02-18T16:30:00Z"),
            (CONFIRMED_BY, OWNER),
            (CONFIRMED_AT, "2026-02-18T16:30:00Z"),
            (OWNED_BY, OWNER),
            (TEAM, "T0TEAM"),
            (THREAD, "C0OPS/1.1"),
        ),
        not_after=played.now + timedelta(seconds=20),
    )
    assert played.created().looks().phase is Phase.RESTORING
    assert played.job_becomes(complete=True).looks().phase is Phase.SUCCEEDED
    assert played.outcome.vm_status == "Stopped (ready to start)"
    assert [card.kind for card in played.restore.cards] == [
        CardKind.REQUEST,
        CardKind.WARNING,
        CardKind.CONFIRM,
        CardKind.PROGRESS,
        CardKind.RESULT,
    ]


def test_a_live_vm_is_stopped_first_when_chosen() -> None:
    played = p.stop_choice()
    assert played.phase is Phase.STOP_CHOICE
    assert played.clicks(Button.STOP_AND_RESTORE).phase is Phase.STOPPING
    assert played.looks().effect == StopVm(NAMESPACE, VM_NAME)
    assert played.acted().looks(vm=VM, vmi=None).phase is Phase.CHECKING
    assert played.looks().phase is Phase.TYPING
    assert played.restore.stop is not None
    assert played.restore.stop.strategy == "Always"
    played.types(SNAPSHOT_NAME).clicks(Button.CONFIRM).looks()
    assert isinstance(played.effect, CreateRestore)


def test_a_live_vm_is_stopped_last_when_that_is_the_rule() -> None:
    played = p.stop_choice(CONFIRMED).clicks(Button.STOP_AND_RESTORE)
    assert played.phase is Phase.TYPING
    assert not played.restore.stopped_by_us
    assert played.types(SNAPSHOT_NAME).clicks(Button.CONFIRM).phase is Phase.STOPPING
    assert played.looks().effect == StopVm(NAMESPACE, VM_NAME)
    assert played.acted().looks(vm=VM, vmi=None).phase is Phase.RESTORING
    assert isinstance(played.looks().effect, CreateRestore)


def test_what_is_missing_is_asked_for_one_thing_at_a_time() -> None:
    played = p.gathering().looks()
    assert played.question is CardKind.ASK_VM
    assert played.clicks(Button.PICK_VM, value=VM_NAME).looks().question is CardKind.ASK_NAMESPACE
    assert played.restore.proposal is not None
    assert played.restore.proposal.value == NAMESPACE
    assert played.clicks(Button.USE_PROPOSAL).looks().question is CardKind.ASK_SNAPSHOT
    assert played.types(SNAPSHOT_NAME).looks().phase is Phase.CHECKING
    assert played.restore.request == p.REQUEST


def test_a_described_snapshot_filters_the_picker_and_is_never_guessed() -> None:
    played = p.play(
        request=RestoreRequest(cluster="default", namespace=NAMESPACE, vm=VM_NAME, described="Pre")
    )
    found = Candidates(snapshots=(SNAPSHOT, *(replace(SNAPSHOT, name=n) for n in ("a", "b"))))
    assert played.looks(candidates=found).question is CardKind.ASK_SNAPSHOT
    assert played.restore.proposal is not None
    assert played.restore.proposal.near == (SNAPSHOT_NAME,)
    assert played.restore.request.snapshot is None


def test_snapshots_that_lost_their_data_are_proposed_last() -> None:
    gone = ContentLoss.GONE
    lost = tuple(replace(SNAPSHOT, name=f"lost-{n}", content_loss=gone) for n in range(5))
    request = RestoreRequest(cluster="default", vm=VM_NAME, namespace=NAMESPACE)
    played = p.play(request=request).looks(candidates=Candidates(snapshots=(*lost, SNAPSHOT)))
    assert played.restore.proposal is not None
    assert played.restore.proposal.near[:2] == (SNAPSHOT_NAME, "lost-0")


def test_a_vm_that_nobody_knows_is_asked_for_again_with_near_names() -> None:
    played = p.play(request=RestoreRequest(cluster="default", vm="databse-01"))
    played.looks(candidates=Candidates(vms=(VM_NAME, "web-01")))
    assert played.question is CardKind.ASK_VM
    assert played.restore.proposal is not None
    assert played.restore.proposal.near == (VM_NAME,)
    assert played.restore.proposal.problem == "There is no VM `databse-01` where you may restore."


def test_a_vm_without_snapshots_ends_it() -> None:
    played = p.play(request=RestoreRequest(cluster="default", namespace=NAMESPACE, vm=VM_NAME))
    bare = Candidates(namespaces=(NAMESPACE,))
    assert played.looks(candidates=bare).reason is Reason.SNAPSHOT_NOT_FOUND


def test_a_vm_that_is_not_in_the_named_namespace_is_asked_for_again() -> None:
    played = p.play(request=RestoreRequest(cluster="default", namespace=NAMESPACE, vm="databse-01"))
    played.looks(candidates=Candidates(vms=(VM_NAME, "web-01")))
    assert played.question is CardKind.ASK_VM
    assert played.restore.proposal is not None
    assert played.restore.proposal.near == (VM_NAME,)
    assert (
        played.restore.proposal.problem == "There is no VM `databse-01` in namespace `production`."
    )


def test_a_vm_that_is_in_another_namespace_gets_the_namespace_asked_again() -> None:
    played = p.play(request=RestoreRequest(cluster="default", namespace="prod", vm=VM_NAME))
    played.looks(candidates=Candidates(namespaces=(NAMESPACE,)))
    assert played.question is CardKind.ASK_NAMESPACE
    assert played.restore.proposal is not None
    assert played.restore.proposal.value == NAMESPACE
    assert played.restore.proposal.problem == "There is no VM `database-01` in namespace `prod`."


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"kubevirt": False}, Reason.KUBEVIRT_MISSING, id="KubeVirt is not installed"),
        pytest.param(
            {"forbidden": ApiRejection(403, "Forbidden", "cannot list")},
            Reason.RBAC_FORBIDDEN,
            id="the bot may not read there",
        ),
    ],
)
def test_gathering_never_takes_what_it_could_not_read_for_absent(
    changes: dict[str, Any], reason: Reason
) -> None:
    assert p.gathering().looks(**changes).reason is reason


@pytest.mark.parametrize("text", ["Not A Name", "-x", "no way", "x" * 300])
def test_an_answer_that_is_no_name_is_answered_and_asked_no_further(text: str) -> None:
    played = p.gathering().looks()
    number = played.restore.cards[-1].number
    assert played.types(text).reply is Reply.NO_SUCH_NAME
    assert played.restore.question is not None
    assert played.restore.question.number == number


def test_twenty_five_questions_are_enough() -> None:
    played = p.gathering()
    for _ in range(40):
        played.looks(candidates=Candidates(vms=("web-01",)))
        if played.phase.ended:
            break
        played.clicks(Button.PICK_VM, value="nowhere")
    assert played.reason is Reason.TOO_MANY_QUESTIONS


# --- Typing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Pre-Upgrade-Snapshot",
        "pre-upgrade-snapshot ",
        " pre-upgrade-snapshot",
        "pre-upgrade-snapsho",
        "pre\N{EN DASH}upgrade-snapshot",
        "`pre-upgrade-snapshot`",
        "pre-upgrade-snapshot\n",
        "yes",
        "other",
    ],
)
def test_anything_but_the_exact_name_cancels(text: str) -> None:
    played = p.typing().types(text)
    assert played.phase is Phase.CANCELLED
    assert played.reason is Reason.NAMES_DIFFER
    assert played.outcome.typed == text


def test_what_holds_more_than_text_is_never_the_name() -> None:
    assert p.typing().types(SNAPSHOT_NAME, plain=False).reason is Reason.NAMES_DIFFER


def test_a_long_wrong_name_is_kept_short() -> None:
    assert len(p.typing().types("x" * 4000).outcome.typed or "") == 300


def test_cancel_typed_instead_of_the_name_is_a_cancel() -> None:
    assert p.typing().types("Cancel.").reason is Reason.CANCELLED_BY_USER


def test_a_snapshot_called_cancel_can_be_confirmed() -> None:
    odd = p.play(request=p.REQUEST.model_copy(update={"snapshot": "cancel"}))
    odd.looks(snapshots=(replace(SNAPSHOT, name="cancel"),))
    assert odd.types("cancel").phase is Phase.CONFIRMING


def test_the_same_reply_delivered_again_counts_once() -> None:
    played = p.typing().types(SNAPSHOT_NAME, ts="5000.000100")
    before = played.restore
    assert played.types(SNAPSHOT_NAME, ts="5000.000100").reply is Reply.LEFT_ALONE
    assert played.types("other", ts="4999.999999").reply is Reply.LEFT_ALONE
    assert played.restore == before


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        pytest.param("what are we doing here", Phase.TYPING, id="several words are conversation"),
        pytest.param("", Phase.TYPING, id="nothing is conversation"),
        pytest.param("other", Phase.CANCELLED, id="one wrong word is an answer"),
        pytest.param(SNAPSHOT_NAME, Phase.CONFIRMING, id="the name is an answer"),
        pytest.param(f"{SNAPSHOT_NAME} please", Phase.TYPING, id="the name and more is neither"),
    ],
)
def test_in_a_thread_of_people_white_space_makes_conversation(text: str, phase: Phase) -> None:
    played = p.typing(thread_ref=THEIRS).types(text)
    assert played.phase is phase
    if phase is Phase.TYPING:
        assert played.reply is Reply.LEFT_ALONE


# --- Confirming -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["ok", "no", "cancel", "do it now", SNAPSHOT_NAME, ""])
def test_typing_instead_of_clicking_cancels(text: str) -> None:
    assert p.confirming().types(text).reason is Reason.TYPED_INSTEAD


@pytest.mark.parametrize("text", ["yes", "YES!", "`yes`"])
def test_yes_is_told_to_press_the_button(text: str) -> None:
    played = p.confirming().types(text)
    assert played.reply is Reply.PRESS_THE_BUTTON
    assert played.phase is Phase.CONFIRMING


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("who is on call today?", Phase.CONFIRMING),
        ("stop, this is wrong", Phase.CANCELLED),
        ("don't do it", Phase.CANCELLED),
        ("don\N{RIGHT SINGLE QUOTATION MARK}t do it", Phase.CANCELLED),
        ("No, wait", Phase.CANCELLED),
        ("hm", Phase.CANCELLED),
    ],
)
def test_in_a_thread_of_people_only_words_that_stop_it_stop_it(text: str, phase: Phase) -> None:
    assert p.confirming(thread_ref=THEIRS).types(text).phase is phase


def test_the_confirm_button_of_an_earlier_card_of_the_same_restore_does_nothing() -> None:
    """After a failed safety snapshot everything is confirmed again, on a new card."""
    played = p.protecting()
    old = played.last(CardKind.CONFIRM).number
    played.looks().acted(ApiRejection(403, "Forbidden", "no snapshots for you"))
    played.looks().types(SNAPSHOT_NAME)
    assert played.phase is Phase.CONFIRMING
    assert played.clicks(Button.CONFIRM, number=old).reply is Reply.OLD_CARD
    assert played.phase is Phase.CONFIRMING
    assert played.clicks(Button.CONFIRM).phase is not Phase.CONFIRMING


# --- Deadlines ------------------------------------------------------------------------------------

QUESTIONS: dict[str, Callable[[], Play]] = {
    "asked for a name": lambda: p.gathering().looks(),
    "stop choice": p.stop_choice,
    "stop overdue": p.stop_overdue,
    "force stop": lambda: p.stop_overdue().clicks(Button.FORCE_STOP),
    "typing": p.typing,
    "confirming": p.confirming,
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_that_nobody_answers_expires(question: str) -> None:
    played = QUESTIONS[question]()
    due, deadline = played.due, played.restore.deadline
    assert due is not None
    assert deadline is not None
    assert due <= deadline
    assert played.wait(899).looks().phase is not Phase.EXPIRED
    assert played.wait(1).looks().phase is Phase.EXPIRED
    assert played.reason is Reason.NO_ANSWER


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_late_answer_is_late_even_if_no_timer_ran(question: str) -> None:
    played = QUESTIONS[question]()
    card = played.restore.question
    assert card is not None
    played.wait(900)
    for button in user_events.BUTTONS[card.kind]:
        late = Play(played.restore, played.now)
        assert late.clicks(button, number=card.number, value=VM_NAME).phase is Phase.EXPIRED
        assert late.reply is Reply.ENDED
    late = Play(played.restore, played.now).types(SNAPSHOT_NAME)
    assert late.phase is Phase.EXPIRED
    assert late.audit[-1].by == ""


def test_a_question_about_a_running_restore_never_expires() -> None:
    played = p.overdue()
    assert played.question is CardKind.OVERDUE
    assert played.wait(7 * 86400).looks().phase is Phase.RESTORING
    assert played.clicks(Button.DELETE_RESTORE).wait(86400).looks().phase is Phase.RESTORING


# --- Cancel ---------------------------------------------------------------------------------------

BEFORE_THE_ACT: dict[str, Callable[[], Play]] = {
    **QUESTIONS,
    "gathering": p.gathering,
    "checking": p.play,
    "stopping": lambda: p.stopping().looks(),
    "stopping, confirmed before": lambda: p.stopping(CONFIRMED).looks(),
    "typing, stopped by us": p.stopped,
    "protecting": p.protecting,
    "snapshotting": p.snapshotting,
    "confirmed": p.confirmed,
}


@pytest.mark.parametrize("way", ["button", "command", "word"])
@pytest.mark.parametrize("state", BEFORE_THE_ACT)
def test_cancel_works_in_every_phase_before_the_act_in_every_way(state: str, way: str) -> None:
    played = BEFORE_THE_ACT[state]()
    match way:
        case "button":
            played.clicks(Button.CANCEL, number=played.last(CardKind.REQUEST).number)
        case "command":
            played.cancels()
        case _:
            played.types("cancel")
    assert played.phase is Phase.CANCELLED
    assert played.outcome.by == OWNER
    assert played.wait(1).looks().effects == ()


@pytest.mark.parametrize("state", [p.decided, p.restoring, p.overdue])
def test_cancel_tells_the_truth_once_the_cluster_has_it(state: Callable[[], Play]) -> None:
    played = state()
    before = played.restore
    assert played.cancels().reply is Reply.CANNOT_CANCEL
    assert played.restore == before
    assert played.types("cancel").reply is Reply.CANNOT_CANCEL
    assert played.phase is Phase.RESTORING


@pytest.mark.parametrize("state", BEFORE_THE_ACT)
def test_an_operator_may_cancel_whatever_an_owner_may(state: str) -> None:
    played = BEFORE_THE_ACT[state]().event(OperatorCancelled("carol"))
    assert (played.phase, played.outcome.by) == (Phase.CANCELLED, None)
    assert played.outcome.reason is Reason.CANCELLED_BY_OPERATOR
    assert played.wait(1).looks().effects == ()
    assert played.event(OperatorCancelled("carol")).reply is Reply.ENDED


def test_an_operator_cannot_cancel_what_the_cluster_has() -> None:
    played = p.restoring()
    before = played.restore
    assert played.event(OperatorCancelled("carol")).reply is Reply.CANNOT_CANCEL
    assert played.restore == before


def test_start_is_offered_after_a_cancel_only_if_the_bot_stopped_the_vm() -> None:
    assert starts.start_is_offered(p.stopped().cancels().restore)
    assert not starts.start_is_offered(p.typing().cancels().restore)


# --- The policy turns to no -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "state", [p.gathering, p.play, p.stopping, p.protecting, p.snapshotting, p.confirmed]
)
def test_a_no_of_the_policy_ends_it_before_the_act(state: Callable[[], Play]) -> None:
    played = state().looks(NO)
    assert played.phase is Phase.REFUSED
    assert played.reason is Reason.NOT_PERMITTED
    assert played.effects == ()


def test_a_no_with_a_reason_that_nobody_knows_is_still_a_no() -> None:
    odd = replace(NO, reason="of-a-later-release")
    assert p.confirmed().looks(odd).reason is Reason.NOT_PERMITTED


def test_a_create_with_a_lost_answer_is_not_sent_again_after_a_no() -> None:
    played = p.decided().wait().looks(NO)
    assert (played.phase, played.effects) == (Phase.RESTORING, ())
    assert played.wait(90).looks(NO).reason is Reason.NOT_PERMITTED
    assert played.effects == ()


def test_a_no_does_not_stop_watching_what_runs() -> None:
    played = p.restoring()
    observation = played.ground.observation(ObservationKind.JOB, played.restore, played.now)
    assert played.sees(observation, NO).phase is Phase.RESTORING


# --- Protecting -----------------------------------------------------------------------------------


def test_a_safety_snapshot_is_taken_and_waited_for() -> None:
    played = p.protecting()
    assert played.phase is Phase.PROTECTING
    effect = played.looks().effect
    assert isinstance(effect, CreateSnapshot)
    assert effect.name == "pre-restore-database-01-20260218-163000-7kdup"
    assert played.created().wait(3).looks().phase is Phase.PROTECTING
    assert played.effects == ()
    played.safety_becomes(phase="Succeeded", included=("root",)).looks()
    assert played.phase is Phase.PROTECTING, "succeeded, but not ready to use"
    assert played.safety_becomes(ready=True).looks().phase is Phase.RESTORING
    assert isinstance(played.looks().effect, CreateRestore)


def test_the_vm_may_stay_marked_with_the_safety_snapshot_for_a_moment() -> None:
    played = p.protected()
    assert played.restore.safety is not None
    played.looks(vm=replace(VM, snapshot_in_progress=played.restore.safety.name))
    assert (played.phase, played.effects) == (Phase.RESTORING, ())
    assert isinstance(played.wait(2).looks(vm=VM).effect, CreateRestore)


SAFETY_FAILURES: dict[str, tuple[Callable[[Play], Play], str]] = {
    "it failed": (
        lambda it: it.safety_becomes(phase="Failed", error="no class").looks(),
        "no class",
    ),
    "it never becomes ready": (
        lambda it: it.wait(600).looks(),
        "the safety snapshot did not become ready in time",
    ),
    "the error of a late one is told": (
        lambda it: it.safety_becomes(error="freeze failed").wait(600).looks(),
        "freeze failed",
    ),
    "somebody deleted it": (
        lambda it: it.looks(snapshots=(SNAPSHOT,)),
        "the safety snapshot was deleted by somebody else",
    ),
    "it is being deleted": (
        lambda it: it.safety_becomes(deleting=True).looks(),
        "the safety snapshot failed",
    ),
    "it belongs to somebody else": (
        lambda it: it.safety_becomes(restore_id=None, **READY).looks(),
        "exists already and was not taken by me",
    ),
    "it was replaced by another": (
        lambda it: it.safety_becomes(uid="safety-2", **READY).looks(),
        "exists already and was not taken by me",
    ),
    "it holds no disks": (
        lambda it: it.safety_becomes(**{**READY, "included": ()}).looks(),
        "the safety snapshot holds no disks",
    ),
}


@pytest.mark.parametrize("case", SAFETY_FAILURES)
def test_without_a_safety_snapshot_nothing_is_touched_and_all_is_asked_again(case: str) -> None:
    spoil, why = SAFETY_FAILURES[case]
    played = spoil(p.snapshotting())
    assert played.phase is Phase.CHECKING
    assert played.effects == ()
    assert (played.restore.typed, played.restore.confirmation, played.restore.safety) == (
        None,
        None,
        None,
    )
    assert why in (played.restore.note or "")
    played.ground = WELL
    assert played.looks().phase is Phase.TYPING
    assert played.types(SNAPSHOT_NAME).phase is Phase.CONFIRMING


def test_a_safety_snapshot_with_a_lost_answer_is_asked_for_again_until_it_is_late() -> None:
    played = p.protecting().looks()
    first = played.effect
    assert played.wait(5).looks().effect == first
    assert played.applies().wait(5).looks().effects == ()
    lost = p.protecting().looks().wait(600).looks()
    assert lost.phase is Phase.CHECKING
    assert "could not be taken in time" in (lost.restore.note or "")


def test_a_refused_safety_snapshot_asks_again() -> None:
    played = p.protecting().looks().acted(ApiRejection(422, "Invalid", "no snapshot class"))
    assert played.phase is Phase.CHECKING
    assert "no snapshot class" in (played.restore.note or "")


def test_a_second_answer_cannot_undo_a_safety_snapshot_that_is_there() -> None:
    played = p.protecting().looks()
    effect = played.effect
    played.created()
    played.effects = (effect,)
    assert played.acted(ApiRejection(409, "AlreadyExists", "exists")).phase is Phase.PROTECTING


@pytest.mark.parametrize(
    "changes", [{"vm": replace(VM, uid="vm-2")}, {"vmi": VMI}, {"snapshots": ()}]
)
def test_a_difference_stops_it_before_the_safety_snapshot(changes: dict[str, Any]) -> None:
    played = p.protecting().looks(**changes)
    assert played.phase is Phase.REFUSED
    assert played.effects == ()


# --- Stopping -------------------------------------------------------------------------------------


def test_a_vm_that_is_down_already_is_a_success_that_is_not_ours() -> None:
    played = p.stopping().looks(vm=VM, vmi=None)
    assert played.phase is Phase.CHECKING
    assert not played.restore.stopped_by_us


def test_a_final_vmi_of_a_manual_vm_is_removed() -> None:
    """The guest was powered off from inside: stop would answer that the VM is not running."""
    ended = replace(VMI, phase="Succeeded")
    played = p.stopping().looks(vm=replace(LIVE.vm or VM, run_strategy="Manual"), vmi=ended)
    assert played.effect == ClearVmi(NAMESPACE, VM_NAME, "vmi-1")


def test_a_vm_that_is_stopping_is_not_told_again() -> None:
    going = replace(VMI, deleting=True)
    assert p.stopping().looks(vmi=going).effects == ()


def test_an_overdue_stop_asks_and_holds_back_until_it_is_answered() -> None:
    played = p.stop_overdue()
    assert played.question is CardKind.STOP_OVERDUE
    assert played.effects == ()
    assert played.looks().effects == ()
    assert played.clicks(Button.KEEP_STOPPING).looks().effect == StopVm(NAMESPACE, VM_NAME)
    played.wait(300).looks()
    assert played.question is CardKind.STOP_OVERDUE
    assert played.clicks(Button.FORCE_STOP).question is CardKind.FORCE_STOP
    assert played.looks().effects == ()
    assert played.clicks(Button.FORCE_STOP_NOW).question is None
    assert played.looks().effect == StopVm(NAMESPACE, VM_NAME, force=True)
    assert played.looks(vm=VM, vmi=None).phase is Phase.CHECKING


def test_a_vm_that_stops_while_the_question_is_open_goes_on() -> None:
    played = p.stop_overdue().wait(60).looks(vm=VM, vmi=None)
    assert played.phase is Phase.CHECKING
    assert played.restore.question is None


def test_an_unanswered_overdue_stop_expires_even_if_the_vm_is_down_by_then() -> None:
    """Nobody looked and nobody answered: what was agreed to is over, and the card says so."""
    played = p.stop_overdue().wait(900).looks(vm=VM, vmi=None)
    assert played.phase is Phase.EXPIRED
    assert played.restore.stopped_by_us


def test_keeping_on_stopping_ends_some_time() -> None:
    played = p.stopping().looks()
    for _ in range(60):
        played.wait(300).looks()
        if played.phase.ended:
            break
        played.clicks(Button.KEEP_STOPPING)
    assert played.reason is Reason.TOO_MANY_QUESTIONS


@pytest.mark.parametrize(
    ("result", "phase"),
    [
        pytest.param(ApiRejection(403, "Forbidden", "no"), Phase.REFUSED, id="no right is final"),
        pytest.param(ApiRejection(401, "Unauthorized", "no"), Phase.REFUSED, id="and so is 401"),
        pytest.param(
            ApiRejection(500, "InternalError", "busy"), Phase.STOPPING, id="the rest is not"
        ),
    ],
)
def test_a_refused_stop(result: ApiRejection, phase: Phase) -> None:
    played = p.stopping().looks().acted(result)
    assert played.phase is phase
    if phase is Phase.STOPPING:
        assert "busy" in (error(played) or "")
        assert "busy" in (error(played.looks()) or "")
        assert error(played.acted()) is None


def error(played: Play) -> str | None:
    """What the stop met last."""
    assert played.restore.stop is not None
    return played.restore.stop.error


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"vm": None, "vmi": None}, Reason.VM_DELETED),
        ({"vm": replace(VM, uid="vm-2")}, Reason.CHANGED_SINCE_CONFIRMATION),
    ],
)
def test_the_vm_is_lost_while_it_stops(changes: dict[str, Any], reason: Reason) -> None:
    assert p.stopping().looks().looks(**changes).reason is reason


def test_a_vm_started_again_by_others_is_asked_about_again() -> None:
    played = p.stopping().looks().looks(vm=VM, vmi=None)
    played.ground = LIVE
    assert played.looks().phase is Phase.STOP_CHOICE
    assert not played.restore.stopped_by_us


# --- The bot was away -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(p.stopping, id="before the first stop"),
        pytest.param(lambda: p.stopping(CONFIRMED), id="before the stop that was confirmed"),
        pytest.param(p.protecting, id="before the safety snapshot"),
        pytest.param(p.confirmed, id="before the restore"),
    ],
)
def test_nothing_is_done_that_was_decided_long_ago(state: Callable[[], Play]) -> None:
    played = state().wait(600).looks()
    assert played.phase is Phase.REFUSED
    assert played.reason is Reason.CONFIRMATION_TOO_OLD
    assert played.effects == ()


def test_a_stop_that_nobody_watched_to_its_end_is_not_followed_by_a_restore() -> None:
    played = p.stopping(CONFIRMED).looks().wait(300 + 600).looks(vm=VM, vmi=None)
    assert played.reason is Reason.CONFIRMATION_TOO_OLD
    chosen = p.stopping().looks().wait(300 + 600).looks(vm=VM, vmi=None)
    assert chosen.phase is Phase.CHECKING, "here everything is asked anew anyway"


def test_a_late_stop_asks_before_it_stops_again() -> None:
    """People may have started the VM for good while nobody looked."""
    played = p.stopping().looks().wait(86400).looks()
    assert played.question is CardKind.STOP_OVERDUE
    assert played.effects == ()


# --- The cluster is away --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state", [p.gathering, p.play, p.stopping, p.protecting, p.snapshotting, p.confirmed]
)
def test_what_has_not_begun_is_given_up_when_the_cluster_stays_away(
    state: Callable[[], Play],
) -> None:
    played = state().misses()
    assert played.restore.trouble == "no answer"
    assert not played.wait(899).misses().phase.ended
    assert played.wait(1).misses().phase is Phase.REFUSED
    assert played.reason is Reason.CLUSTER_UNREACHABLE


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(lambda it: it.cancels(), id="to the end"),
        pytest.param(lambda it: it.takes_over(), id="back to the checks"),
    ],
)
def test_trouble_of_one_phase_is_not_the_next_ones(move: Callable[[Play], Play]) -> None:
    """Nobody has looked in the new phase yet, so nothing is known to be in the way."""
    troubled = p.play().misses()
    assert troubled.restore.trouble is not None
    after = move(troubled).restore
    assert (after.trouble, after.trouble_since) == (None, None)


ENDS = [p.succeeded, p.failed, p.cancelled, p.refused, p.expired]


@pytest.mark.parametrize("end", ENDS)
def test_a_cancel_after_the_end_is_told_that_it_has_ended(end: Callable[[], Play]) -> None:
    played = end()
    before = played.restore
    assert played.cancels().reply is Reply.ENDED
    assert played.restore == before


@pytest.mark.parametrize("state", [p.decided, p.restoring, p.overdue])
def test_a_cancel_cannot_take_back_what_the_cluster_has(state: Callable[[], Play]) -> None:
    played = state()
    before = played.restore
    assert played.cancels().reply is Reply.CANNOT_CANCEL
    assert played.restore == before


def test_a_look_ends_the_trouble() -> None:
    played = p.stopping().misses().wait(600).looks(vm=VM, vmi=None)
    assert played.restore.trouble is None


@pytest.mark.parametrize("state", [p.play, p.stopping])
def test_it_is_slack_that_is_named_when_slack_does_not_say_who_may(
    state: Callable[[], Play],
) -> None:
    silent = ObservationFailed("Slack asks to slow down (usergroups.users.list)", FarSide.SLACK)
    played = state().event(silent).wait(900).event(silent)
    assert (played.phase, played.reason) == (Phase.REFUSED, Reason.SLACK_UNREACHABLE)
    assert played.outcome.found.startswith("Slack could not be asked who may do this: Slack asks")
    started = p.succeeded().clicks(Button.START_VM).event(silent).wait(600).event(silent)
    assert started.restore.start is not None
    assert "Slack could not be asked" in str(started.restore.start.error)


@pytest.mark.parametrize("state", [p.decided, p.restoring])
def test_what_runs_is_followed_for_a_day(state: Callable[[], Play]) -> None:
    played = state().misses().wait(23 * 3600).misses()
    assert played.phase is Phase.RESTORING
    assert played.wait(3600).misses().phase is Phase.FAILED
    assert played.reason is Reason.CLUSTER_UNREACHABLE
    assert played.outcome.vm_status == "", "unknown"
    assert not starts.start_is_offered(played.restore)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"forbidden": ApiRejection(403, "Forbidden", "cannot get")}, id="forbidden"),
        pytest.param({"kubevirt": False}, id="the API is not served"),
    ],
)
@pytest.mark.parametrize("state", [p.snapshotting, p.decided, p.restoring])
def test_what_cannot_be_read_is_not_taken_for_deleted(
    state: Callable[[], Play], changes: dict[str, Any]
) -> None:
    played = state()
    phase = played.phase
    played.looks(**changes)
    assert played.phase is phase
    assert played.restore.trouble is not None
    assert played.effects == ()


def test_a_forbidden_look_is_not_taken_for_a_stopped_vm() -> None:
    played = p.stopping().looks().looks(forbidden=ApiRejection(403, "Forbidden", "cannot get"))
    assert played.phase is Phase.STOPPING


# --- The thread -----------------------------------------------------------------------------------


def test_the_second_asker_is_told_who_holds_the_vm() -> None:
    played = p.play().event(VmClaimedElsewhere(OTHER, "<#C1>", NOW))
    assert played.reason is Reason.HELD_BY_OTHER
    assert "<@U0BOB>" in played.outcome.found
    assert "2026-02-18 16:30 UTC" in played.outcome.found


def test_a_namespace_with_enough_open_restores_takes_no_other() -> None:
    played = p.play().event(NamespaceFull(2, ("db-1", "db-2")))
    assert played.reason is Reason.TOO_MANY_OPEN
    assert (
        "open in namespace `production` as there may be at once (2): of `db-1`, `db-2`"
        in played.outcome.found
    )


@pytest.mark.parametrize(
    "event", [VmClaimedElsewhere(OTHER, "<#C1>", NOW), NamespaceFull(1, ("db-1",))]
)
def test_what_the_cluster_works_on_is_not_dropped(event: Event) -> None:
    assert p.restoring().event(event).phase is Phase.RESTORING


def test_the_first_message_of_the_bot_starts_the_thread_once() -> None:
    played = p.play(thread_ref=ThreadRef(team="T0TEAM", channel="C0OPS")).event(Anchored("5.5"))
    assert played.event(Anchored("6.6")).restore.thread_ref.thread == "5.5"


@pytest.mark.parametrize("state", BEFORE_THE_ACT)
def test_a_channel_that_is_gone_ends_what_has_not_begun(state: str) -> None:
    played = BEFORE_THE_ACT[state]().event(ChannelGone(ConversationLoss.ARCHIVED, dm="D0ALICE"))
    assert played.reason is Reason.CHANNEL_UNREACHABLE
    assert "<#C0OPS>" in played.outcome.found
    assert played.restore.thread_ref.channel == "D0ALICE"


def test_what_runs_is_followed_in_a_direct_message() -> None:
    played = p.restoring().event(ChannelGone(ConversationLoss.ARCHIVED, dm="D0ALICE"))
    assert played.phase is Phase.RESTORING
    assert played.restore.thread_ref == ThreadRef(team="T0TEAM", channel="D0ALICE", own_thread=True)


# --- The audit ------------------------------------------------------------------------------------


def test_every_turn_is_audited_once_and_mere_looks_are_not() -> None:
    played = p.restoring()
    for _ in range(5):
        played.wait(20).looks()
    played.job_becomes(complete=True).looks()
    job = "restore-database-01-20260218-163000-7kdup"
    assert [(line.kind, line.by, line.detail) for line in played.audit] == [
        ("typing", "", ""),
        ("confirming", OWNER, ""),
        ("restoring", OWNER, "confirm"),
        ("restoring", "", job),
        ("restoring", "", job),
        ("succeeded", "", job),
    ]
    assert {line.target for line in played.audit} == {
        "default/production/database-01 from pre-upgrade-snapshot"
    }


def test_a_forced_stop_is_audited_with_its_person() -> None:
    played = p.stop_overdue().clicks(Button.FORCE_STOP)
    played.audit.clear()
    played.clicks(Button.FORCE_STOP_NOW)
    assert [(line.by, line.detail) for line in played.audit] == [(OWNER, "force-stop-now")]


# --- Names ----------------------------------------------------------------------------------------


def test_a_long_name_is_cut_so_that_the_whole_fits_into_a_label() -> None:
    request = p.REQUEST.model_copy(update={"vm": f"{'a' * 38}.{'b' * 60}"})
    planned = workflow.planned(p.asked(request=request), NOW)
    assert len(planned.name) <= 63
    assert ".-" not in planned.name


def test_the_volume_policy_of_the_time_of_asking_reaches_the_create() -> None:
    effect = p.decided(Rules(volume_policy=VolumePolicy.IN_PLACE)).effect
    assert isinstance(effect, CreateRestore)
    assert effect.volume_policy is VolumePolicy.IN_PLACE


def test_content_of_another_vm_is_no_content() -> None:
    assert p.confirmed().looks(content=replace(CONTENT, vm_uid="x")).phase is Phase.REFUSED


def test_another_restore_stops_it() -> None:
    played = p.confirmed().looks(restores=(foreign_restore(),))
    assert played.reason is Reason.CHANGED_SINCE_CONFIRMATION
    assert "`of-somebody`" in played.outcome.found
