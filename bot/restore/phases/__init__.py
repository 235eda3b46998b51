"""What a look at the cluster means in each phase, and which act it calls for.

One small function a phase. Each decides from the document and the scene alone, so it may run any
number of times. Before a job exists every look brings the policy's answer with it, and a "no" ends
the restore whatever was confirmed. A look that was kept from reading never gets here: absence is
believed only where it was seen.
"""

from datetime import datetime, timedelta

from bot.restore import edits, preview
from bot.restore.checks import (
    CheckFailure,
    first_refusal,
    is_live,
    kubevirt_is_served,
    reads_are_allowed,
)
from bot.restore.effects import (
    confirmed_name,
    create_snapshot,
    delete_blocker,
    object_name,
)
from bot.restore.events import (
    Acted,
    CreateRestore,
    CreateSnapshot,
    DeleteRestore,
    Done,
    Effect,
    Observed,
    StartVm,
    StopVm,
)
from bot.restore.model import (
    CardKind,
    Outcome,
    Phase,
    Proposal,
    Reason,
    Restore,
    Safety,
    Stop,
    same_line,
)
from bot.restore.observation import ApiRejection, Observation, Snapshot, Vm
from bot.restore.phases import restoring, stopping
from bot.restore.recheck import (
    SETTLE_WITHIN,
    decision_expired,
    differences,
    stop_at_difference,
    too_late,
    unsettled,
)
from bot.restore.suggestions import MAX_SUGGESTIONS, nearest, or_a_command
from bot.restore.user_events import START_WITHIN, after_stop, start_is_due
from bot.texts import endings
from bot.texts import refusals as texts

Move = tuple[Restore, tuple[Effect, ...]]


def on_observation(restore: Restore, seen: Observed, now: datetime) -> Move:
    """Apply a look."""
    if done := restoring.made_before(restore, seen.observation, now):
        return done, ()
    if not seen.verdict.allowed and restore.job is None and not restore.phase.ended:
        return _not_permitted(restore, seen, now), ()
    observation = seen.observation
    match restore.phase:
        case Phase.GATHERING:
            return _gather(restore, observation, now), ()
        case Phase.CHECKING:
            return _check(restore, observation, now)
        case Phase.STOPPING:
            return stopping.on_observation(restore, observation, now)
        case Phase.PROTECTING:
            return _protect(restore, observation, now)
        case Phase.RESTORING:
            return restoring.on_observation(restore, seen, now)
        case Phase.STOP_CHOICE | Phase.TYPING | Phase.CONFIRMING:
            return restore, ()
        case Phase.SUCCEEDED | Phase.FAILED | Phase.CANCELLED | Phase.REFUSED | Phase.EXPIRED:
            return _start(restore, seen, now)


def acted(restore: Restore, event: Acted, now: datetime) -> Restore:
    """Note how an effect went. What a lost answer hides, the next look shows."""
    match event.effect, event.result:
        case CreateRestore() as effect, result:
            return restoring.created(restore, effect, result, now)
        case DeleteRestore() as effect, ApiRejection() as rejection:
            return _delete_refused(restore, effect, rejection, now)
        case CreateSnapshot() as effect, result:
            return _snapshot_created(restore, effect, result, now)
        case StopVm(), result:
            return stopping.answered(restore, result, now)
        case StartVm(), result:
            return _started(restore, result, now)
        case _:
            return restore


def _not_permitted(restore: Restore, seen: Observed, now: datetime) -> Restore:
    said = seen.verdict
    reason = next((each for each in Reason if each == said.reason), Reason.NOT_PERMITTED)
    outcome = Outcome(reason=reason, at=now, found=said.text)
    return edits.end(restore, Phase.REFUSED, outcome, endings.NOT_PERMITTED)


def _delete_refused(
    restore: Restore, effect: DeleteRestore, rejection: ApiRejection, now: datetime
) -> Restore:
    """Asking again would be answered the same, so a person decides how to go on."""
    blocker = restore.blocker
    if restore.phase is Phase.CHECKING and blocker is not None and blocker.name == effect.name:
        left = CheckFailure.telling(
            Reason.RBAC_FORBIDDEN if rejection.code == 403 else Reason.RESTORE_IN_PROGRESS,
            texts.BLOCKER_STAYS,
            name=effect.name,
            text=rejection.text,
        )
        return edits.refuse(restore, left, now)
    if restore.phase is Phase.RESTORING:
        return restoring.delete_refused(restore, effect, rejection, now)
    return restore


# Gathering


def _gather(restore: Restore, observation: Observation, now: datetime) -> Restore:
    """Ask for the first thing that is missing, with what the cluster offers."""
    if restore.question is not None:
        return restore
    if blind := kubevirt_is_served(observation, restore) or reads_are_allowed(observation, restore):
        return edits.refuse(restore, blind, now)
    request, found = restore.request, observation.candidates
    if request.vm is None:
        return _ask(restore, CardKind.ASK_VM, Proposal(), now)
    if request.namespace is None:
        return _gather_namespace(restore, observation, now)
    if request.snapshot is None:
        if not found.snapshots:
            return _nothing_to_choose(restore, observation, now)
        names = tuple(each.name for each in found.snapshots)
        fitting = tuple(name for name in names if (request.described or "").lower() in name)
        return _ask(
            restore, CardKind.ASK_SNAPSHOT, Proposal(near=(fitting or names)[:MAX_SUGGESTIONS]), now
        )
    return edits.enter(restore, Phase.CHECKING, now)


def _gather_namespace(restore: Restore, observation: Observation, now: datetime) -> Restore:
    found = observation.candidates
    if not found.namespaces:
        return _ask_again_which(restore, observation, texts.NO_SUCH_VM_ANYWHERE, now)
    only = found.namespaces[0] if len(found.namespaces) == 1 else None
    near = () if only else found.namespaces[:MAX_SUGGESTIONS]
    return _ask(restore, CardKind.ASK_NAMESPACE, Proposal(value=only, near=near), now)


def _ask_again_which(
    restore: Restore, observation: Observation, no_such: str, now: datetime
) -> Restore:
    """There is no such VM: the nearest names may help."""
    request = restore.request
    near = nearest(request.vm or "", observation.candidates.vms)
    command = or_a_command(request, observation.candidates.vms)
    problem = no_such.format(vm=request.vm, namespace=request.namespace, command=command)
    again = restore.model_copy(update={"request": request.model_copy(update={"vm": None})})
    return _ask(again, CardKind.ASK_VM, Proposal(near=near, problem=problem), now)


def _nothing_to_choose(restore: Restore, observation: Observation, now: datetime) -> Restore:
    """A VM that does not exist has no snapshots either; that is another thing to say.

    If there is one of that name elsewhere, the namespace is asked for again.
    """
    request, elsewhere = restore.request, observation.candidates.namespaces
    if request.namespace in elsewhere:
        return _no_snapshots(restore, now)
    if not elsewhere:
        return _ask_again_which(restore, observation, texts.NO_SUCH_VM, now)
    again = restore.model_copy(update={"request": request.model_copy(update={"namespace": None})})
    only = elsewhere[0] if len(elsewhere) == 1 else None
    problem = texts.NO_SUCH_VM.format(vm=request.vm, namespace=request.namespace, command="")
    near = () if only else elsewhere[:MAX_SUGGESTIONS]
    return _ask(
        again, CardKind.ASK_NAMESPACE, Proposal(value=only, near=near, problem=problem), now
    )


def _ask(restore: Restore, kind: CardKind, proposal: Proposal, now: datetime) -> Restore:
    asked = edits.ask(restore, kind, now)
    return asked if asked.phase.ended else asked.model_copy(update={"proposal": proposal})


def _no_snapshots(restore: Restore, now: datetime) -> Restore:
    request = restore.request
    none = CheckFailure.telling(
        Reason.SNAPSHOT_NOT_FOUND, texts.NO_SNAPSHOTS, vm=request.vm, namespace=request.namespace
    )
    return edits.refuse(restore, none, now)


# Checking


def _check(restore: Restore, observation: Observation, now: datetime) -> Move:
    if (
        restore.blocker is not None
        and observation.vm is not None
        and not decision_expired(restore, now)
    ):
        return _clear_blocker(restore, observation)
    if refusal := first_refusal(observation, restore):
        return edits.refuse(restore, refusal, now), ()
    if observation.vm is None or observation.snapshot is None or observation.content is None:
        return restore, ()
    if unsettled(observation) and now < restore.entered_at + SETTLE_WITHIN:
        return restore, ()
    policy = restore.rules.volume_policy
    shown = preview.take(
        observation.vm, observation.snapshot, observation.content, observation, now, policy
    )
    checked = restore.model_copy(update={"preview": shown, "typed": None, "confirmation": None})
    if is_live(observation):
        live = checked.model_copy(update={"stop": None})
        return edits.ask(edits.enter(live, Phase.STOP_CHOICE, now), CardKind.STOP_CHOICE, now), ()
    down = checked.model_copy(update={"stop": _stopped_before(restore, now)})
    return edits.ask(edits.enter(down, Phase.TYPING, now), CardKind.WARNING, now), ()


def _stopped_before(restore: Restore, now: datetime) -> Stop | None:
    """The stop of this restore, or of the one that it follows, has come to its end."""
    stop = restore.stop
    if stop is None:
        return None
    if stop.asked_at is None or stop.done_at is not None:
        # What is compared from here on is the newer look, which the warning shows.
        return stop.model_copy(update={"vm_state": None})
    return stop.model_copy(update={"done_at": now, "error": None, "vm_state": None})


def _clear_blocker(restore: Restore, observation: Observation) -> Move:
    """Our own failed object stands in the way of every retry; the person asked to remove it.

    Only one that has failed for good is removed: what still runs may not be cut off.
    """
    blocker = restore.blocker
    for each in observation.restores:
        ours = same_line(each.restore_id, restore.id)
        if blocker and each.name == blocker.name and each.uid == blocker.uid and ours:
            if each.deleting:
                return restore, ()
            if each.failure is not None:
                return restore, (delete_blocker(restore, blocker),)
    return restore.model_copy(update={"blocker": None}), ()


# Protecting


def _protect(restore: Restore, observation: Observation, now: datetime) -> Move:
    if restore.safety is None:
        if decision_expired(restore, now):
            return too_late(restore, now), ()
        if unsettled(observation):
            return restore, ()
        if found := differences(observation, restore):
            return stop_at_difference(restore, found, now), ()
        name = confirmed_name("pre-restore", restore) or object_name("pre-restore", restore, now)
        safety = Safety(name=name, decided_at=now)
        decided = restore.model_copy(update={"safety": safety})
        return decided, (create_snapshot(decided, safety),)
    return _safety_progress(restore, restore.safety, observation, now)


def _safety_progress(
    restore: Restore, safety: Safety, observation: Observation, now: datetime
) -> Move:
    snapshot = observation.safety
    late = now >= safety.decided_at + timedelta(seconds=restore.rules.safety_timeout)
    if snapshot is None and safety.uid is None and not late:
        return restore, (create_snapshot(restore, safety),)
    if failure := _unsafe(restore, safety, snapshot, late=late):
        return _unprotected(restore, failure, now), ()
    if snapshot is None or not (snapshot.usable and snapshot.phase == "Succeeded"):
        return _safety_seen(restore, safety, snapshot), ()
    ready = safety.model_copy(update={"uid": snapshot.uid, "ready_at": now})
    words = endings.SAFETY_READY.format(name=safety.name)
    done = edits.close_slot(restore, CardKind.PROTECTING, words)
    return after_stop(done.model_copy(update={"safety": ready}), now), ()


def _unsafe(
    restore: Restore, safety: Safety, snapshot: Snapshot | None, *, late: bool
) -> str | None:
    """Why there is no safety snapshot to rely on; None while it is ready or may still become so."""
    if snapshot is None:
        return texts.SAFETY_DELETED if safety.uid else texts.SAFETY_NOT_TAKEN
    if snapshot.restore_id != restore.id or safety.uid not in (None, snapshot.uid):
        return texts.SAFETY_NOT_OURS.format(name=safety.name)
    if snapshot.phase == "Failed" or snapshot.deleting:
        return snapshot.error or texts.SAFETY_WITHOUT_ERROR
    if late:
        return snapshot.error or texts.SAFETY_NOT_READY
    if snapshot.usable and snapshot.phase == "Succeeded" and not snapshot.included:
        return texts.SAFETY_EMPTY
    return None


def _safety_seen(restore: Restore, safety: Safety, snapshot: Snapshot | None) -> Restore:
    if snapshot is None:
        return restore
    return restore.model_copy(update={"safety": safety.model_copy(update={"uid": snapshot.uid})})


def _snapshot_created(
    restore: Restore, effect: CreateSnapshot, result: Done | ApiRejection, now: datetime
) -> Restore:
    safety = restore.safety
    if restore.phase is not Phase.PROTECTING or safety is None or safety.name != effect.name:
        return restore
    if isinstance(result, ApiRejection):
        # Once it was seen, a late "no" to a second attempt says nothing about it.
        return restore if safety.uid else _unprotected(restore, result.text, now)
    uid = result.uid or safety.uid
    return restore.model_copy(update={"safety": safety.model_copy(update={"uid": uid})})


def _unprotected(restore: Restore, why: str, now: datetime) -> Restore:
    """No safety snapshot: no data was touched. Everything is checked and asked again."""
    closed = edits.close_slot(restore, CardKind.PROTECTING, endings.SAFETY_FAILED)
    begun = restore.safety is not None and restore.safety.uid is not None
    name = restore.safety.name if begun and restore.safety else None
    left = texts.SAFETY_LEFT.format(name=name) if name else ""
    note = texts.SAFETY_FAILED.format(why=why[:300], left=left)
    anew = closed.model_copy(
        update={"safety": None, "typed": None, "confirmation": None, "note": note}
    )
    return edits.enter(anew, Phase.CHECKING, now)


# Starting the VM after the end


def _start(restore: Restore, seen: Observed, now: datetime) -> Move:
    if not start_is_due(restore):
        return restore, ()
    observation, vm = seen.observation, seen.observation.vm
    if vm is None:
        return start_failed(restore, texts.START_VM_GONE, now), ()
    if why := _may_not_start(restore, seen, vm, now):
        return start_failed(restore, why, now), ()
    if observation.vmi is not None and not observation.vmi.final:
        going_down = observation.vmi.deleting or vm.run_strategy == "Halted"
        return (restore if going_down else _started(restore, Done(), now)), ()
    return restore, (StartVm(vm.namespace, vm.name),)


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


def _started(restore: Restore, result: Done | ApiRejection, now: datetime) -> Restore:
    if restore.start is None or not start_is_due(restore):
        return restore
    if isinstance(result, ApiRejection):
        return start_failed(restore, result.text, now)
    done = restore.start.model_copy(update={"done_at": now})
    return edits.post(restore.model_copy(update={"start": done}), CardKind.STARTED, now)


def start_failed(restore: Restore, why: str, now: datetime) -> Restore:
    """The VM was not started; the person who asked is told why."""
    if restore.start is None:
        return restore
    failed = restore.start.model_copy(update={"error": why[:300]})
    return edits.post(restore.model_copy(update={"start": failed}), CardKind.STARTED, now)
