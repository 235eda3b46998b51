"""STOPPING decides from one look: which act a live VM gets, when a stop is too old, what ends it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.restore.events import Acted, Button, ClearVmi, Done, Effect, StopVm
from bot.restore.model import Phase
from bot.restore.observation import ApiRejection, ObservationKind, Vm, Vmi
from bot.restore.reasons import Reason
from bot.restore.recheck import ACT_WITHIN
from bot.restore.rules import Rules, StopWhen
from tests.restore import play as p
from tests.restore.ground import NAMESPACE, RUNNING, VM, VM_NAME, VMI, foreign_restore
from tests.restore.play import CONFIRMED, STATES, Play

STOP, CLEAR = StopVm(NAMESPACE, VM_NAME), ClearVmi(NAMESPACE, VM_NAME, "vmi-1")
FINAL = replace(VMI, phase="Succeeded")
MANUAL = replace(RUNNING, run_strategy="Manual")
GOING = replace(VMI, deleting=True)
FORBIDDEN = ApiRejection(403, "Forbidden", "no")

# VM, VMI -> the acts
ACTS: dict[str, tuple[Vm, Vmi | None, tuple[Effect, ...]]] = {
    "a guest that runs": (RUNNING, VMI, (STOP,)),
    "no VMI yet, but one may come": (RUNNING, None, (STOP,)),
    "a VMI that is being deleted": (RUNNING, GOING, ()),
    "a guest that ended under Always would run again": (RUNNING, FINAL, (STOP,)),
    "a guest that failed under Always": (RUNNING, replace(VMI, phase="Failed"), (STOP,)),
    "a guest that ended under Manual": (MANUAL, FINAL, (CLEAR,)),
    "a guest that ended under RerunOnFailure": (
        replace(MANUAL, run_strategy="RerunOnFailure"),
        FINAL,
        (CLEAR,),
    ),
    "a guest that ended under Manual with a start queued": (
        replace(MANUAL, start_queued=True),
        FINAL,
        (STOP,),
    ),
    "a guest that ended under Halted: the cluster removes it": (VM, FINAL, ()),
    "a VMI that runs under Halted": (VM, VMI, (STOP,)),
}


@pytest.mark.parametrize("case", ACTS)
def test_what_is_sent_to_a_live_vm(case: str) -> None:
    vm, vmi, acts = ACTS[case]
    assert p.stopping().looks(vm=vm, vmi=vmi).effects == acts


def test_a_stop_that_would_let_another_restore_begin_is_not_sent() -> None:
    """It waits for the VM to be stopped. Once our stop is sent, this is not asked again."""
    rival = foreign_restore(progressing="Waiting for target to be ready")
    played = p.stopping().looks(vm=RUNNING, vmi=VMI, restores=(rival,))
    assert (played.phase, played.effects) == (Phase.REFUSED, ())
    assert f"`{rival.name}` of this VM is not complete" in played.outcome.found
    asked = p.stopping().looks(vm=RUNNING, vmi=VMI)
    seen = asked.ground.observation(ObservationKind.VMI, asked.restore, asked.now)
    assert asked.sees(replace(seen, restores=(rival,))).effects == (STOP,)


def test_a_forced_stop_is_sent_to_a_vmi_that_is_being_deleted() -> None:
    played = p.stop_overdue().clicks(Button.FORCE_STOP).clicks(Button.FORCE_STOP_NOW)
    assert played.looks(vmi=GOING).effects == (StopVm(NAMESPACE, VM_NAME, force=True),)


def seconds_unwatched(rules: Rules) -> float:
    """So long after the first stop its VM counts as having been left alone."""
    return rules.stop_timeout + ACT_WITHIN.total_seconds()


LATE = Rules(stop_when=StopWhen.CONFIRMED, answer_timeout=7200)
"""A question stays open longer than a decision stays young."""


def test_a_confirmed_stop_that_ended_unwatched_is_too_late() -> None:
    played = p.stopping(LATE).looks().wait(seconds_unwatched(LATE))
    assert played.looks(vm=VM, vmi=None).reason is Reason.CONFIRMATION_TOO_OLD


def test_a_confirmed_stop_that_ended_a_moment_earlier_goes_on() -> None:
    played = p.stopping(LATE).looks().wait(seconds_unwatched(LATE) - 1)
    assert played.looks(vm=VM, vmi=None).phase is Phase.RESTORING


def test_a_stop_that_nothing_was_confirmed_for_may_end_late() -> None:
    """Everything is checked and confirmed after it."""
    rules = Rules(answer_timeout=7200)
    played = p.stopping(rules).looks().wait(seconds_unwatched(rules))
    assert played.looks(vm=VM, vmi=None).phase is Phase.CHECKING


def test_a_confirmed_stop_with_a_question_open_was_watched() -> None:
    """The question has a time limit of its own, and the owner sees it."""
    played = p.stop_overdue(LATE).wait(seconds_unwatched(LATE))
    assert played.question is not None
    assert played.looks(vm=VM, vmi=None).phase is Phase.RESTORING


@pytest.mark.parametrize("rules", [p.RULES, CONFIRMED], ids=["chosen", "confirmed"])
def test_a_stop_that_has_ended_says_when(rules: Rules) -> None:
    played = p.stopping(rules).looks().acted(ApiRejection(500, "InternalError", "busy")).wait(7)
    stop = played.looks(vm=VM, vmi=None).restore.stop
    assert stop is not None
    assert (stop.done_at, stop.error) == (played.now, None)


BESIDE = [name for name, make in STATES.items() if make().phase is not Phase.STOPPING]
AFTER_A_STOP: dict[str, Callable[[], Play]] = {
    "checking": lambda: p.stopping().looks().looks(vm=VM, vmi=None),
    "typing": p.stopped,
    "confirmed": lambda: p.stopping(CONFIRMED).looks().looks(vm=VM, vmi=None),
    "ended": lambda: p.stopping().looks().cancels(),
    "expired": lambda: p.stopped().wait(900).looks(),
}


@pytest.mark.parametrize("result", [Done(), FORBIDDEN, ApiRejection(500, "InternalError", "busy")])
@pytest.mark.parametrize("state", BESIDE)
def test_an_answer_to_a_stop_changes_no_other_phase(
    state: str, result: Done | ApiRejection
) -> None:
    unmoved(STATES[state](), result)


@pytest.mark.parametrize("result", [Done(), FORBIDDEN, ApiRejection(500, "InternalError", "busy")])
@pytest.mark.parametrize("state", AFTER_A_STOP)
def test_a_late_answer_to_a_stop_changes_nothing_after_it(
    state: str, result: Done | ApiRejection
) -> None:
    played = AFTER_A_STOP[state]()
    assert played.restore.stop is not None
    unmoved(played, result)


def unmoved(played: Play, result: Done | ApiRejection) -> None:
    """The answer leaves the document as it is."""
    before = played.restore
    assert played.event(Acted(STOP, result)).restore == before


def test_a_refused_stop_has_one_result() -> None:
    played = p.stopping().looks().acted(FORBIDDEN)
    assert played.reason is Reason.STOP_REFUSED
    before = played.restore
    assert played.event(Acted(STOP, FORBIDDEN)).restore == before


DENIED = ApiRejection(
    500,
    "InternalError",
    'Internal error occurred: admission webhook "freeze.example" denied the request: until Monday',
)
LOCKED = ApiRejection(
    500,
    "InternalError",
    'Internal error occurred: admission webhook "virtualmachine-validator.kubevirt.io" denied the '
    'request: Cannot update vm running state until snapshot "nightly" completes',
)


def test_a_stop_that_a_policy_denies_is_told_at_once_and_sent_no_more() -> None:
    played = p.stopping().looks().acted(DENIED)
    assert (played.reason, played.outcome.cause) == (Reason.STOP_REFUSED, Reason.POLICY_DENIED)
    assert "Admission webhook `freeze.example` denies it: until Monday" in played.outcome.found
    assert "Ask who owns webhook `freeze.example`" in played.outcome.next
    assert not played.restore.stopped_by_us


def test_a_stop_that_kubevirt_refuses_for_a_while_is_shown_and_sent_again() -> None:
    played = p.stopping().looks().acted(LOCKED)
    assert played.phase is Phase.STOPPING
    assert played.restore.stop is not None
    assert 'until snapshot "nightly" completes' in (played.restore.stop.error or "")
    assert played.looks().effects == (STOP,)


def test_what_a_guest_left_behind_and_the_bot_may_not_remove_is_told_once() -> None:
    """Without `delete virtualmachineinstances`: no stop was sent, and nothing is sent again."""
    played = p.stopping().looks(vm=MANUAL, vmi=FINAL)
    assert played.effects == (CLEAR,)
    lacks = ApiRejection(403, "Forbidden", 'User "bot" cannot delete resource "x"')
    assert played.acted(lacks).reason is Reason.STOP_REFUSED
    assert played.outcome.cause is Reason.RBAC_FORBIDDEN
    assert "could not be removed" in played.outcome.found
    assert 'cannot delete resource "x"' in played.outcome.found
    assert not played.restore.stopped_by_us
