"""The phases after the end: the VM is started if asked for, and what is left is looked up again."""

from datetime import datetime

from bot.restore import edits, starts
from bot.restore.denials import denial
from bot.restore.diagnosis.rules import diagnose
from bot.restore.events import Done, Effect, Observed, StartVm
from bot.restore.model import Restore
from bot.restore.observation import ApiRejection, Observation, ObservationKind, Vm
from bot.restore.phases import left
from bot.restore.starts import START_WITHIN, start_is_due
from bot.restore.thread import CardKind
from bot.texts import refusals as texts

Move = tuple[Restore, tuple[Effect, ...]]

MAX_WHY = 600
"""Letters of why a start failed, and of who can change that."""


def on_observation(restore: Restore, seen: Observed, now: datetime) -> Move:
    """Start the VM if somebody asked for that after the end."""
    if not start_is_due(restore):
        if seen.observation.kind is ObservationKind.JOB:
            return left.looked_again(restore, seen.observation, now), ()
        return _followed(restore, seen, now), ()
    observation, vm = seen.observation, seen.observation.vm
    if vm is None:
        return start_failed(restore, texts.START_VM_GONE, now), ()
    if why := _may_not_start(restore, seen, vm, now):
        return start_failed(restore, why, now), ()
    if _has_run(restore, vm, observation):
        return start_failed(restore, texts.START_HAS_RUN, now), ()
    if observation.vmi is not None and not observation.vmi.final:
        going_down = observation.vmi.deleting or vm.run_strategy == "Halted"
        return (restore if going_down else _is_started(restore, now)), ()
    return restore, (StartVm(vm.namespace, vm.name),)


def _has_run(restore: Restore, vm: Vm, observation: Observation) -> bool:
    """It was started since the click and has ended: the click may have been carried out already."""
    start, vmi = restore.start, observation.vmi
    if start is None or (vmi is not None and not vmi.final) or _still_stopping(restore, vm):
        return False
    ended = vm.down_since if vmi is None else vmi.created
    return ended is not None and observation.by_our_clock(ended) > start.at


def _still_stopping(restore: Restore, vm: Vm) -> bool:
    """Our own stop had not ended by the end of the restore, and nothing was written to the VM since."""
    stop, shown = restore.stop, restore.preview.vm_state if restore.preview else None
    unended = stop is not None and stop.asked_at is not None and stop.done_at is None
    return unended and (shown is None or vm.generation <= shown.generation + 1)


def _may_not_start(restore: Restore, seen: Observed, vm: Vm, now: datetime) -> str | None:
    if not seen.verdict.allowed:
        return seen.verdict.text or texts.MAY_NOT_START
    if restore.preview is not None and vm.uid != restore.preview.vm_uid:
        return texts.START_VM_IS_OTHER
    if vm.restore_in_progress is not None:
        return texts.START_RESTORING.format(name=vm.restore_in_progress)
    if restore.start is not None and now >= restore.start.at + START_WITHIN:
        return texts.START_TOO_LATE
    return None


def started(
    restore: Restore, effect: StartVm, result: Done | ApiRejection, now: datetime
) -> Restore:
    """The start was answered."""
    if isinstance(result, ApiRejection):
        cause = denial(result, effect.namespace)
        return start_failed(restore, cause.told, now)
    return _is_started(restore, now)


def _is_started(restore: Restore, now: datetime) -> Restore:
    if restore.start is None or not start_is_due(restore):
        return restore
    done = restore.start.model_copy(update={"done_at": now})
    running = left.soon(restore.model_copy(update={"start": done}), now)
    return edits.post(running, CardKind.STARTED, now)


def wanted(restore: Restore, now: datetime) -> ObservationKind | None:
    """What time makes due after the end: what was left behind, or how a start goes."""
    if left.is_due(restore, now):
        return ObservationKind.JOB
    return ObservationKind.VMI if starts.is_followed(restore, now) else None


def _followed(restore: Restore, seen: Observed, now: datetime) -> Restore:
    """How a start goes: the guest runs, its agent answers, or it does not come up and why."""
    start, vmi = restore.start, seen.observation.vmi
    if start is None or not starts.is_followed(restore, now):
        return restore
    if vmi is not None and vmi.runs:
        known = {"runs_at": start.runs_at or now, "agent_at": now if vmi.agent else None}
        return restore.model_copy(update={"start": start.model_copy(update=known)})
    if seen.evidence is None:
        return restore
    late = {"late_at": start.late_at or now, "diagnosis": diagnose(seen.evidence)}
    told = restore.model_copy(update={"start": start.model_copy(update=late)})
    return told if start.late_at else edits.post(told, CardKind.STARTED, now)


def start_failed(restore: Restore, why: str, now: datetime) -> Restore:
    """The VM was not started; the person who asked is told why."""
    if restore.start is None or not start_is_due(restore):
        return restore
    failed = restore.start.model_copy(update={"error": why[:MAX_WHY]})
    return edits.post(restore.model_copy(update={"start": failed}), CardKind.STARTED, now)
