"""The phase STOPPING: a live VM is asked to stop until no VMI is left.

A stop is sent with every look while the VM is live and no question is open, since it is asynchronous
and its answer proves nothing. An open question ("it takes long: keep waiting, force, cancel") holds
it back: after a long silence nothing is sent to a VM that people may have started again meanwhile.
"""

from datetime import datetime, timedelta

from bot.restore import edits
from bot.restore.check_failure import CheckFailure
from bot.restore.checks import is_live
from bot.restore.denials import denial
from bot.restore.differences import Difference
from bot.restore.events import ClearVmi, Done, Effect, StopVm
from bot.restore.model import Outcome, Phase, Restore
from bot.restore.observation import ApiRejection, Observation, Vm
from bot.restore.reasons import Reason
from bot.restore.recheck import (
    ACT_WITHIN,
    SETTLE_WITHIN,
    decision_expired,
    stop_at_difference,
    too_late,
    unsettled,
)
from bot.restore.stop_and_start import Stop
from bot.restore.stops import before_a_stop, beside_our_stop
from bot.restore.thread import CardKind
from bot.restore.user_events import after_stop
from bot.restore.vmstate import state_of
from bot.texts import denials, endings, refusals

Move = tuple[Restore, tuple[Effect, ...]]

MAX_WHY = 600
"""Letters of why a stop failed, and of who can change that."""


def on_observation(restore: Restore, observation: Observation, now: datetime) -> Move:
    """Apply a look in STOPPING."""
    vm, stop = observation.vm, restore.stop
    if vm is None or stop is None:
        gone = CheckFailure.telling(
            Reason.VM_DELETED, refusals.STOPPING_VM_GONE, vm=restore.target.vm
        )
        return edits.refuse(restore, gone, now), ()
    if restore.preview is not None and vm.uid != restore.preview.vm_uid:
        other = CheckFailure.telling(
            Reason.CHANGED_SINCE_CONFIRMATION, refusals.STOPPING_OTHER_VM, vm=vm.name
        )
        return edits.refuse(restore, other, now), ()
    if not is_live(observation):
        settles = (
            unsettled(observation) and now < (stop.wait_until or restore.entered_at) + SETTLE_WITHIN
        )
        return (restore if settles else _stopped(restore, stop, observation, vm, now)), ()
    if stop.wait_until is None and decision_expired(restore, now):
        return too_late(restore, now), ()
    if found := before_a_stop(restore, observation):
        return _left_alone(restore, found, now), ()
    return _go_on(restore, stop, observation, vm, now)


def _left_alone(restore: Restore, found: tuple[Difference, ...], now: datetime) -> Restore:
    """It is not stopped for a restore that would then be refused, nor stopped a second time."""
    return stop_at_difference(restore, found, now)


def _go_on(restore: Restore, stop: Stop, observation: Observation, vm: Vm, now: datetime) -> Move:
    """The VM is live: stop it, or ask how to go on if that takes too long."""
    if restore.question is not None:
        return restore, ()
    if stop.wait_until is not None and now >= stop.wait_until:
        return edits.ask(restore, CardKind.STOP_OVERDUE, now), ()
    effects = _acts(observation, vm, stop)
    until = stop.wait_until or now + timedelta(seconds=restore.rules.stop_timeout)
    sent = stop.asked_at or (now if effects else None)
    sent_to = observation.vmi.uid if observation.vmi and stop.asked_at is None else stop.vmi
    begun = stop.model_copy(update={"asked_at": sent, "wait_until": until, "vmi": sent_to})
    return restore.model_copy(update={"stop": begun}), effects


def _acts(observation: Observation, vm: Vm, stop: Stop) -> tuple[Effect, ...]:
    vmi = observation.vmi
    if vmi is not None and vmi.final and not vm.may_start_itself:
        # The guest has ended. For these strategies nobody but us removes the object.
        left_alone = vm.run_strategy in ("Manual", "RerunOnFailure")
        return (ClearVmi(vm.namespace, vm.name, vmi.uid),) if left_alone else ()
    if vmi is not None and vmi.deleting and not stop.force:
        return ()
    return (StopVm(vm.namespace, vm.name, force=stop.force),)


def _stopped(
    restore: Restore, stop: Stop, observation: Observation, vm: Vm, now: datetime
) -> Restore:
    confirmed = restore.confirmation is not None
    if confirmed and restore.question is None and _unwatched(restore, stop, now):
        return too_late(restore, now)
    if confirmed and (found := beside_our_stop(restore, observation, vm)):
        return stop_at_difference(restore, found, now)
    done = edits.close(restore, endings.VM_STOPPED)
    done = edits.close_slot(done, CardKind.STOPPING, endings.VM_STOPPED)
    left = state_of(vm) if confirmed else None
    over = stop.model_copy(update={"done_at": now, "error": None, "vm_state": left})
    done = done.model_copy(update={"stop": over})
    return after_stop(done, now) if confirmed else edits.enter(done, Phase.CHECKING, now)


def _unwatched(restore: Restore, stop: Stop, now: datetime) -> bool:
    """Nobody looked for so long that the confirmation before the stop is not worth much."""
    return now >= (stop.wait_until or restore.entered_at) + ACT_WITHIN


def answered(
    restore: Restore, effect: StopVm | ClearVmi, result: Done | ApiRejection, now: datetime
) -> Restore:
    """The stop, or the removal of what a guest left, was answered.

    What the same request will be told again is final; the rest is tried again, and shown.
    """
    stop = restore.stop
    if stop is None or restore.phase is not Phase.STOPPING:
        return restore
    if isinstance(effect, ClearVmi) and effect.uid != stop.vmi:
        return restore
    if isinstance(result, Done):
        return restore.model_copy(update={"stop": stop.model_copy(update={"error": None})})
    cause = denial(result, effect.namespace)
    if not cause.stays and result.code not in (401, 403):
        kept = stop.model_copy(update={"error": cause.told[:MAX_WHY]})
        return restore.model_copy(update={"stop": kept})
    # A graceful stop is only sent to a VM that does not stop yet, so no request was taken;
    # before a forced one the graceful one was.
    taken = stop if stop.force else stop.model_copy(update={"asked_at": None})
    untouched = restore.model_copy(update={"stop": taken})
    cleared = isinstance(effect, ClearVmi)
    outcome = Outcome(
        reason=Reason.STOP_REFUSED,
        cause=cause.reason,
        at=now,
        found=(denials.NOT_CLEARED if cleared else denials.NOT_STOPPED).format(
            vm=effect.vm, found=cause.found
        ),
        next=cause.next if cleared else refusals.STOP_REFUSED_NEXT.format(next=cause.next),
    )
    return edits.end(untouched, Phase.REFUSED, outcome, endings.REFUSED)
