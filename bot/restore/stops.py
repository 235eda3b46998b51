"""Which live VM may be stopped: the one that was to be stopped, in the same run, and no other."""

from collections.abc import Iterator
from datetime import timedelta

from bot.restore.differences import (
    EDITS,
    Difference,
    compared,
    generation_is_the_same,
    moment,
    nobody_restored_it,
)
from bot.restore.locks import others_in_progress
from bot.restore.model import Restore
from bot.restore.observation import Observation, Vm
from bot.restore.reasons import Reason
from bot.restore.recheck import SETTLE_WITHIN
from bot.restore.stop_and_start import Stop
from bot.restore.vmstate import VmState, state_of
from bot.texts import refusals as texts


def before_a_stop(restore: Restore, observation: Observation) -> tuple[Difference, ...]:
    """What keeps a live VM from being stopped; empty means: it is the one that was to be stopped.

    The document may be older than what was done: its VM was stopped then, restored, started and is
    used. Before the first stop nothing may differ from what was shown. After it only what the stop
    itself changes, and once the VM is halted it goes down by itself.
    """
    vm, stop = observation.vm, restore.stop
    if vm is None or stop is None:
        return ()
    begun = stop.asked_at is not None or restore.confirmation is None
    going_down = begun and vm.run_strategy == "Halted"
    untouched = (nobody_restored_it,) if going_down else (*EDITS, generation_is_the_same)
    by_older = stop.asked_at is not None and _shown(restore) is None
    found = () if by_older else tuple(compared(restore, state_of(vm), untouched))
    if stop.asked_at is None:
        found = (*_begun_by_it(restore, observation), *found)
    if going_down or not _is_another_run(restore, stop, observation):
        return found
    began = observation.vmi.created if observation.vmi else None
    when = texts.SECOND.format(when=began) if began else texts.NOT_KNOWN
    return (Difference(Reason.VM_STARTED, texts.VM_STARTED_ANEW.format(when=when)), *found)


def _begun_by_it(restore: Restore, observation: Observation) -> Iterator[Difference]:
    """Restores of others that wait for the VM to be stopped, as far as this look has asked."""
    for other in others_in_progress(observation, restore):
        words = texts.STOP_BEGINS.format(name=other.name)
        yield Difference(Reason.CHANGED_SINCE_CONFIRMATION, words)


def _is_another_run(restore: Restore, stop: Stop, observation: Observation) -> bool:
    """The VMI is neither the one that was shown nor the one that a stop was sent to.

    Before the first stop a VM that crashes and starts by itself may have a new VMI: only one that is
    younger than the decision counts.
    """
    shown, vmi = _shown(restore), observation.vmi
    if vmi is None or vmi.uid == stop.vmi:
        return False
    if stop.vmi is not None:
        return True
    known = shown is not None and vmi.uid == shown.vmi
    return (
        not known
        and vmi.created is not None
        and observation.by_our_clock(vmi.created) > (stop.asked_at or restore.entered_at)
    )


def beside_our_stop(restore: Restore, observation: Observation, vm: Vm) -> tuple[Difference, ...]:
    """What happened to a VM that is down, beside our own stop and its one write."""
    shown = _shown(restore)
    if shown is None or vm.generation == shown.generation + 1:
        return ()
    if vm.generation > shown.generation:
        return tuple(compared(restore, state_of(vm), (*EDITS, generation_is_the_same)))
    return _perhaps_used(restore, observation, vm)


def _perhaps_used(restore: Restore, observation: Observation, vm: Vm) -> tuple[Difference, ...]:
    """Nothing was written, as under Manual, and it went down when its stop was long over.

    Either the stop took so long, or the VM was started, used and stopped by hand since. A question
    that is open shows that the stop was watched.
    """
    stop = restore.stop
    if restore.question is not None or stop is None or vm.down_since is None:
        return ()
    limit = stop.wait_until or restore.entered_at + timedelta(seconds=restore.rules.stop_timeout)
    if observation.by_our_clock(vm.down_since) <= limit + SETTLE_WITHIN:
        return ()
    words = texts.VM_DOWN_LATE.format(now=moment(vm.down_since))
    return (Difference(Reason.CHANGED_SINCE_CONFIRMATION, words),)


def _shown(restore: Restore) -> VmState | None:
    return restore.preview.vm_state if restore.preview else None
