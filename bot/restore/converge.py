"""What a look at the cluster means in each phase, and which act it calls for.

One small function a phase. Each decides from the document and the scene alone, so it may run any
number of times. Before a job exists every look brings the policy's answer with it, and a "no" ends
the restore whatever was confirmed.
"""

from datetime import datetime, timedelta

from bot.restore import moves, preview, restoring
from bot.restore.answers import after_stop
from bot.restore.checks import first_refusal, is_live
from bot.restore.effects import create_snapshot, delete_blocker, object_name
from bot.restore.events import (
    Acted,
    ClearVmi,
    CreateRestore,
    CreateSnapshot,
    DeleteRestore,
    Done,
    Effect,
    Observed,
    StartVm,
    StopVm,
)
from bot.restore.facts import Rejection, Scene
from bot.restore.model import (
    Outcome,
    Phase,
    Proposal,
    Reason,
    Restore,
    Safety,
    Slot,
    Stop,
    same_line,
)
from bot.restore.near import MOST, nearest
from bot.restore.recheck import differences, stop_at_difference

Move = tuple[Restore, tuple[Effect, ...]]


def converge(restore: Restore, seen: Observed, now: datetime) -> Move:
    """Apply a look."""
    if not seen.verdict.allowed and restore.job is None and not restore.phase.ended:
        return _not_permitted(restore, seen, now), ()
    scene = seen.scene
    match restore.phase:
        case Phase.GATHERING:
            return _gather(restore, scene, now), ()
        case Phase.CHECKING:
            return _check(restore, scene, now)
        case Phase.STOPPING:
            return _stop(restore, scene, now)
        case Phase.PROTECTING:
            return _protect(restore, scene, now)
        case Phase.RESTORING:
            return restoring.converge(restore, seen, now)
        case Phase.STOP_CHOICE | Phase.TYPING | Phase.CONFIRMING:
            return restore, ()
        case Phase.SUCCEEDED | Phase.FAILED | Phase.CANCELLED | Phase.REFUSED | Phase.EXPIRED:
            return _start(restore, seen, now)


def acted(restore: Restore, event: Acted, now: datetime) -> Restore:
    """Note how an effect went. What a lost answer hides, the next look shows."""
    match event.effect, event.result:
        case CreateRestore() as effect, result:
            return restoring.created(restore, effect, result, now)
        case DeleteRestore(), Rejection(text=text):
            return _with_trouble(restore, f"The restore object could not be deleted: {text}", now)
        case CreateSnapshot(), result if restore.phase is Phase.PROTECTING:
            return _snapshot_created(restore, result, now)
        case StopVm(), Rejection() as rejection if restore.phase is Phase.STOPPING:
            return _stop_refused(restore, rejection, now)
        case StartVm(), result if restore.start is not None:
            return _started(restore, result, now)
        case _:
            return restore


def _with_trouble(restore: Restore, what: str, now: datetime) -> Restore:
    since = restore.trouble_since or now
    return restore.model_copy(update={"trouble": what[:300], "trouble_since": since})


def _not_permitted(restore: Restore, seen: Observed, now: datetime) -> Restore:
    outcome = Outcome(
        reason=Reason(seen.verdict.reason or Reason.NOT_PERMITTED), at=now, found=seen.verdict.text
    )
    return moves.end(restore, Phase.REFUSED, outcome, "Not permitted")


# Gathering


def _gather(restore: Restore, scene: Scene, now: datetime) -> Restore:
    """Ask for the first thing that is missing, with what the cluster offers."""
    if restore.question is not None:
        return restore
    wish, found = restore.wish, scene.candidates
    if wish.vm is None:
        return _ask(restore, Slot.ASK_VM, Proposal(), now)
    if wish.namespace is None:
        return _gather_namespace(restore, scene, now)
    if wish.snapshot is None:
        if not found.snapshots:
            return _no_snapshots(restore, now)
        names = tuple(each.name for each in found.snapshots)
        fitting = tuple(name for name in names if (wish.described or "").lower() in name)
        return _ask(restore, Slot.ASK_SNAPSHOT, Proposal(near=(fitting or names)[:MOST]), now)
    return moves.enter(restore, Phase.CHECKING, now)


def _gather_namespace(restore: Restore, scene: Scene, now: datetime) -> Restore:
    wish, found = restore.wish, scene.candidates
    if not found.namespaces:
        near = nearest(wish.vm or "", found.vms)
        problem = f"There is no VM `{wish.vm}` where you may restore."
        again = restore.model_copy(update={"wish": wish.model_copy(update={"vm": None})})
        return _ask(again, Slot.ASK_VM, Proposal(near=near, problem=problem), now)
    only = found.namespaces[0] if len(found.namespaces) == 1 else None
    near = () if only else found.namespaces[:MOST]
    return _ask(restore, Slot.ASK_NAMESPACE, Proposal(value=only, near=near), now)


def _ask(restore: Restore, slot: Slot, proposal: Proposal, now: datetime) -> Restore:
    asked = moves.ask(restore, slot, now)
    return asked if asked.phase.ended else asked.model_copy(update={"proposal": proposal})


def _no_snapshots(restore: Restore, now: datetime) -> Restore:
    wish = restore.wish
    outcome = Outcome(
        reason=Reason.SNAPSHOT_NOT_FOUND,
        at=now,
        found=f"VM `{wish.vm}` in namespace `{wish.namespace}` has no snapshots.",
        expected="A VM with at least one snapshot.",
        next="There is nothing to restore from. Check the VM's name and namespace.",
    )
    return moves.end(restore, Phase.REFUSED, outcome, "Refused")


# Checking


def _check(restore: Restore, scene: Scene, now: datetime) -> Move:
    if restore.blocker is not None and scene.vm is not None:
        return _clear_blocker(restore, scene)
    if refusal := first_refusal(scene, restore):
        return moves.refuse(restore, refusal, now), ()
    if scene.vm is None or scene.snapshot is None or scene.content is None:
        return restore, ()
    shown = preview.take(scene.vm, scene.snapshot, scene.content, scene, now)
    checked = restore.model_copy(update={"preview": shown, "typed": None, "confirmation": None})
    if is_live(scene):
        live = checked.model_copy(update={"stop": None})
        return moves.ask(moves.enter(live, Phase.STOP_CHOICE, now), Slot.STOP_CHOICE, now), ()
    return moves.ask(moves.enter(checked, Phase.TYPING, now), Slot.WARNING, now), ()


def _clear_blocker(restore: Restore, scene: Scene) -> Move:
    """Our own failed object stands in the way of every retry; the person asked to remove it."""
    blocker = restore.blocker
    for each in scene.restores:
        ours = same_line(each.restore_id, restore.id)
        if blocker and each.name == blocker.name and each.uid == blocker.uid and ours:
            return restore, (delete_blocker(restore, blocker),)
    return restore.model_copy(update={"blocker": None}), ()


# Stopping


def _stop(restore: Restore, scene: Scene, now: datetime) -> Move:
    vm, stop = scene.vm, restore.stop
    if vm is None or stop is None:
        gone = f"VM `{restore.wish.vm}` does not exist any more."
        return _refuse(restore, Reason.VM_DELETED, gone, now), ()
    if restore.preview is not None and vm.uid != restore.preview.vm_uid:
        other = f"VM `{vm.name}` was re-created while it was being stopped."
        return _refuse(restore, Reason.CHANGED_SINCE_CONFIRMATION, other, now), ()
    if not is_live(scene):
        return _stopped(restore, stop, now), ()
    begun = _stop_begun(restore, stop, now)
    if scene.vmi is not None and scene.vmi.final and not vm.may_start_itself:
        clears = vm.run_strategy in ("Manual", "RerunOnFailure")
        clear = ClearVmi(vm.namespace, vm.name, scene.vmi.uid)
        return _overdue_stop(begun, now), (clear,) if clears else ()
    if scene.vmi is not None and scene.vmi.deleting and not stop.force:
        return _overdue_stop(begun, now), ()
    return _overdue_stop(begun, now), (StopVm(vm.namespace, vm.name, force=stop.force),)


def _stop_begun(restore: Restore, stop: Stop, now: datetime) -> Restore:
    if stop.asked_at is not None:
        return restore
    until = now + timedelta(seconds=restore.rules.stop_timeout)
    begun = stop.model_copy(update={"asked_at": now, "wait_until": until})
    return restore.model_copy(update={"stop": begun})


def _overdue_stop(restore: Restore, now: datetime) -> Restore:
    stop = restore.stop
    if stop is None or stop.wait_until is None or now < stop.wait_until or restore.question:
        return restore
    return moves.ask(restore, Slot.STOP_OVERDUE, now)


def _stopped(restore: Restore, stop: Stop, now: datetime) -> Restore:
    done = moves.close(restore, "The VM is stopped")
    done = moves.close_slot(done, Slot.STOPPING, "The VM is stopped")
    over = stop.model_copy(update={"asked_at": stop.asked_at or now, "done_at": now, "error": None})
    done = done.model_copy(update={"stop": over})
    if restore.confirmation is not None:
        return after_stop(done, now)
    return moves.enter(done, Phase.CHECKING, now)


def _stop_refused(restore: Restore, rejection: Rejection, now: datetime) -> Restore:
    if restore.stop is None:
        return restore
    if rejection.code in (401, 403):
        return _refuse(restore, Reason.STOP_REFUSED, rejection.text, now)
    stop = restore.stop.model_copy(update={"error": rejection.text[:300]})
    return restore.model_copy(update={"stop": stop})


def _refuse(restore: Restore, reason: Reason, found: str, now: datetime) -> Restore:
    outcome = Outcome(reason=reason, at=now, found=found, next="Check the VM, then ask again.")
    return moves.end(restore, Phase.REFUSED, outcome, "Refused")


# Protecting


def _protect(restore: Restore, scene: Scene, now: datetime) -> Move:
    if restore.safety is None:
        if found := differences(scene, restore):
            return stop_at_difference(restore, found, now), ()
        safety = Safety(name=object_name("pre-restore", restore, now), decided_at=now)
        decided = restore.model_copy(update={"safety": safety})
        return decided, (create_snapshot(decided, safety),)
    return _safety_progress(restore, restore.safety, scene, now)


def _safety_progress(restore: Restore, safety: Safety, scene: Scene, now: datetime) -> Move:
    snapshot = scene.safety
    if snapshot is None:
        if safety.uid is None:
            return restore, (create_snapshot(restore, safety),)
        return _unprotected(restore, "the safety snapshot was deleted by somebody else", now), ()
    if snapshot.restore_id != restore.id:
        taken = f"a snapshot named `{safety.name}` exists already and is not ours"
        return _unprotected(restore, taken, now), ()
    if snapshot.usable and snapshot.phase == "Succeeded":
        if not snapshot.included:
            return _unprotected(restore, "the safety snapshot holds no disks", now), ()
        ready = safety.model_copy(update={"uid": snapshot.uid, "ready_at": now})
        done = moves.close_slot(restore, Slot.PROTECTING, f"Snapshot `{safety.name}` is ready")
        return after_stop(done.model_copy(update={"safety": ready}), now), ()
    if snapshot.phase == "Failed" or snapshot.deleting:
        return _unprotected(restore, snapshot.error or "the safety snapshot failed", now), ()
    if now >= safety.decided_at + timedelta(seconds=restore.rules.safety_timeout):
        late = snapshot.error or "the safety snapshot did not become ready in time"
        return _unprotected(restore, late, now), ()
    return restore.model_copy(
        update={"safety": safety.model_copy(update={"uid": snapshot.uid})}
    ), ()


def _snapshot_created(restore: Restore, result: Done | Rejection, now: datetime) -> Restore:
    if restore.safety is None:
        return restore
    if isinstance(result, Rejection):
        return _unprotected(restore, result.text, now)
    safety = restore.safety.model_copy(update={"uid": result.uid})
    return restore.model_copy(update={"safety": safety})


def _unprotected(restore: Restore, why: str, now: datetime) -> Restore:
    """No safety snapshot: no data was touched. Everything is checked and asked again."""
    closed = moves.close_slot(restore, Slot.PROTECTING, "The safety snapshot failed")
    note = (
        f"The safety snapshot failed: {why[:300]}. No data was touched. "
        "Confirm again, with or without a safety snapshot."
    )
    anew = closed.model_copy(
        update={"safety": None, "typed": None, "confirmation": None, "note": note}
    )
    return moves.enter(anew, Phase.CHECKING, now)


# Starting the VM after the end


def _start(restore: Restore, seen: Observed, now: datetime) -> Move:
    start, vm = restore.start, seen.scene.vm
    if start is None or start.done_at is not None or start.error is not None:
        return restore, ()
    if not seen.verdict.allowed:
        return _start_failed(restore, seen.verdict.text or "you may not do that", now), ()
    if vm is None:
        return _start_failed(restore, "the VM does not exist any more", now), ()
    if vm.restore_in_progress is not None:
        busy = f"restore `{vm.restore_in_progress}` is in progress"
        return _start_failed(restore, busy, now), ()
    if seen.scene.vmi is not None and not seen.scene.vmi.final:
        return _started(restore, Done(), now), ()
    return restore, (StartVm(vm.namespace, vm.name),)


def _started(restore: Restore, result: Done | Rejection, now: datetime) -> Restore:
    if restore.start is None:
        return restore
    if isinstance(result, Rejection):
        return _start_failed(restore, result.text, now)
    done = restore.start.model_copy(update={"done_at": now})
    return moves.post(restore.model_copy(update={"start": done}), Slot.STARTED, now)


def _start_failed(restore: Restore, why: str, now: datetime) -> Restore:
    if restore.start is None:
        return restore
    failed = restore.start.model_copy(update={"error": why[:300]})
    return moves.post(restore.model_copy(update={"start": failed}), Slot.STARTED, now)
