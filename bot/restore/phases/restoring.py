"""The phase RESTORING: the one destructive act, and watching what becomes of it.

The race this file is about: the name of the VirtualMachineRestore is committed, then the create is
sent, and the answer may be lost with the process. Whoever looks next cannot know whether the object
was ever there. It looks with a RECHECK: if the object is found (by name and our label) it is adopted;
if the VM carries the mark of that name, the restore ran and the object was deleted since; otherwise
the same create is sent again, but only while everything is still as it was confirmed and the
decision is young. An object that was once seen is never created again. Nor is one whose document was
lost: the name comes from the confirmation, so that the cluster can be asked for it (`made_before`).
"""

from datetime import datetime, timedelta

from bot.restore import claims, edits
from bot.restore.claims import Proof
from bot.restore.disks import Fate, Kind
from bot.restore.effects import confirmed_name, create_restore, object_name
from bot.restore.events import CreateRestore, DeleteRestore, Done, Effect, Observed
from bot.restore.model import CardKind, Job, Outcome, Phase, Reason, Restore, Safety
from bot.restore.observation import ApiRejection, Observation, RestoreObject, Volume
from bot.restore.recheck import (
    ACT_WITHIN,
    decision_expired,
    differences,
    stop_at_difference,
    too_late,
    unsettled,
)
from bot.texts import endings

MAX_TOLD = 5
"""Claims that a sentence names."""
Move = tuple[Restore, tuple[Effect, ...]]

A_WHILE = timedelta(minutes=1)
"""After a lost answer, what completes within this time is told like any other."""


def on_observation(restore: Restore, seen: Observed, now: datetime) -> Move:
    """Apply a look in RESTORING."""
    job = restore.job
    if job is None:
        return _decide(restore, seen.observation, now)
    if job.uid is None:
        return _find(restore, job, seen, now)
    return _follow(restore, job, seen.observation, now)


def _decide(restore: Restore, observation: Observation, now: datetime) -> Move:
    """The last gate: both confirmations by one person, and nothing differs from what was shown."""
    typed, clicked = restore.typed, restore.confirmation
    if typed is None or clicked is None or typed.by != clicked.by:
        missing = endings.CONFIRMATION_MISSING
        return edits.fail(restore, Reason.CREATE_REFUSED, missing, now, endings.UNCHANGED), ()
    if decision_expired(restore, now):
        return too_late(restore, now), ()
    if _is_unlocking(restore, observation) or unsettled(observation):
        return restore, ()
    if found := differences(observation, restore):
        return stop_at_difference(restore, found, now), ()
    job = Job(name=object_name("restore", restore, clicked.at), decided_at=now)
    decided = restore.model_copy(update={"job": job})
    return decided, (create_restore(decided, job.name),)


def _is_unlocking(restore: Restore, observation: Observation) -> bool:
    """Our safety snapshot is ready, but the VM is still marked with it: that passes."""
    safety, vm = restore.safety, observation.vm
    return safety is not None and vm is not None and vm.snapshot_in_progress == safety.name


def _find(restore: Restore, job: Job, seen: Observed, now: datetime) -> Move:
    """The create's answer was lost: adopt what is there, or send the very same create again."""
    observation = seen.observation
    for each in observation.restores:
        if each.name == job.name and each.restore_id == restore.id:
            known = _as_found(job, each) if now >= job.decided_at + A_WHILE else job
            return _adopted(restore, known, each.uid), ()
    young = now < job.decided_at + ACT_WITHIN
    if observation.vm is not None and (observation.vm.last_restore or "").startswith(
        f"{job.name}-"
    ):
        return _deleted(restore, observation, now), ()
    if observation.vm is not None and observation.vm.restore_in_progress == job.name:
        # It was there: its VM says so. It may be listed a moment later, but is not made again.
        return (restore if young else _deleted(restore, observation, now)), ()
    untouched = endings.UNTOUCHED
    if found := differences(observation, restore):
        text = " ".join(each.text for each in found)
        return edits.fail(restore, found[0].reason, text, now, untouched), ()
    if not seen.verdict.allowed:
        return edits.fail(restore, Reason.NOT_PERMITTED, seen.verdict.text, now, untouched), ()
    if not young:
        old = endings.NOT_HANDED_OVER
        return edits.fail(restore, Reason.CONFIRMATION_TOO_OLD, old, now, untouched), ()
    return restore, (create_restore(restore, job.name),)


def made_before(restore: Restore, observation: Observation, now: datetime) -> Restore | None:
    """The restore as it really stands, if the cluster knows of its object and the document does not.

    Redis may lose what it acknowledged, after a fail-over for instance; a document of a moment before
    comes back then. What it would do was done: whatever state our object is in, no other is made.
    """
    if restore.job is not None or restore.phase not in _MAY_HAVE_ACTED:
        return None
    own = _own(restore, observation)
    name = own.name if own else _mark_of(restore, observation)
    if name is None:
        return None
    clicked = restore.confirmation
    known = (own.created if own else None) or (clicked.at if clicked else now)
    job = Job(name=name, decided_at=known, adopted=True)
    there = _onward(restore, now).model_copy(update={"job": job})
    return _adopted(there, _as_found(job, own), own.uid) if own else there


_MAY_HAVE_ACTED = frozenset({Phase.CHECKING, Phase.STOPPING, Phase.PROTECTING, Phase.RESTORING})


def _own(restore: Restore, observation: Observation) -> RestoreObject | None:
    """The object with this restore's label; should there be several, one that is not complete."""
    request = restore.request
    ours = [
        each
        for each in observation.restores
        if each.restore_id == restore.id
        and (each.target, each.snapshot) == (request.vm, request.snapshot)
    ]
    return min(ours, key=lambda each: each.complete, default=None)


def _mark_of(restore: Restore, observation: Observation) -> str | None:
    """The name of our object where only its VM shows that it was there."""
    name, vm = confirmed_name("restore", restore), observation.vm
    if name is None or vm is None:
        return None
    ran = (vm.last_restore or "").startswith(f"{name}-")
    return name if ran or vm.restore_in_progress == name else None


def _onward(restore: Restore, now: datetime) -> Restore:
    """In RESTORING, with the cards of the phases that are skipped closed."""
    if restore.phase is Phase.RESTORING:
        return restore
    closed = edits.close(_protected(restore), endings.MADE_BEFORE)
    for kind in (CardKind.STOPPING, CardKind.PROTECTING):
        closed = edits.close_slot(closed, kind, endings.MADE_BEFORE)
    return edits.post(edits.enter(closed, Phase.RESTORING, now), CardKind.PROGRESS, now)


def _protected(restore: Restore) -> Restore:
    """A restore that waits for its safety snapshot is only made once that is ready."""
    clicked, name = restore.confirmation, confirmed_name("pre-restore", restore)
    if not restore.protect or clicked is None or name is None:
        return restore
    safety = restore.safety or Safety(name=name, decided_at=clicked.at)
    ready = safety.ready_at or clicked.at
    return restore.model_copy(update={"safety": safety.model_copy(update={"ready_at": ready})})


def _as_found(job: Job, found: RestoreObject) -> Job:
    """What had completed already is told with its own time, not as if it had just been done."""
    return job.model_copy(update={"restored_at": found.restored_at if found.complete else None})


def _adopted(restore: Restore, job: Job, uid: str) -> Restore:
    until = job.decided_at + timedelta(seconds=restore.rules.restore_timeout)
    return restore.model_copy(
        update={"job": job.model_copy(update={"uid": uid, "wait_until": until})}
    )


def created(
    restore: Restore, effect: CreateRestore, result: Done | ApiRejection, now: datetime
) -> Restore:
    """The create was answered."""
    job = restore.job
    if job is None or job.name != effect.name or restore.phase is not Phase.RESTORING:
        return restore
    if job.uid is not None:
        # It is known to be there; a late answer to another attempt cannot undo that.
        return restore
    if isinstance(result, ApiRejection):
        unchanged = endings.UNCHANGED_REFUSED
        goes = result.namespace_goes
        reason = Reason.NAMESPACE_BEING_DELETED if goes else Reason.CREATE_REFUSED
        return edits.fail(restore, reason, result.text, now, unchanged)
    return _adopted(restore, job, result.uid) if result.uid else restore


def _follow(restore: Restore, job: Job, observation: Observation, now: datetime) -> Move:
    seen = observation.job
    if seen is None or seen.uid != job.uid:
        return _deleted(restore, observation, now), ()
    if seen.complete:
        return _succeeded(restore, observation, seen, now), ()
    delete = DeleteRestore(restore.request.namespace or "", job.name, job.uid or "")
    if seen.failure is not None and not job.deleting:
        found = seen.failure
        if observation.vmi is not None:
            found = endings.FAILED_AND_LIVE.format(failure=found.rstrip("."))
        return edits.fail(restore, Reason.RESTORE_FAILED, found, now), ()
    followed = _progress(restore, job, observation, seen, now)
    if job.deleting:
        return followed, () if seen.deleting else (delete,)
    return _overdue(followed, now), ()


def _progress(
    restore: Restore, job: Job, observation: Observation, seen: RestoreObject, now: datetime
) -> Restore:
    bound = {claim.name for claim in observation.claims if claim.phase == "Bound"}
    followed = job.model_copy(
        update={
            "progressing": seen.progressing[:300],
            "ready": seen.ready[:300],
            "volumes_total": len(seen.claims),
            "volumes_bound": max(job.volumes_bound, len(bound & set(seen.claims))),
            "looked_at": now,
        }
    )
    return restore.model_copy(update={"job": followed})


def _overdue(restore: Restore, now: datetime) -> Restore:
    job = restore.job
    if job is None or job.wait_until is None or now < job.wait_until or restore.question:
        return restore
    return edits.ask(restore, CardKind.OVERDUE, now)


def delete_refused(
    restore: Restore, effect: DeleteRestore, rejection: ApiRejection, now: datetime
) -> Restore:
    """The object stays, so the restore goes on; the owner is asked again, and told why."""
    job = restore.job
    if job is None or not job.deleting or job.uid != effect.uid:
        return restore
    kept = job.model_copy(update={"deleting": False, "delete_error": rejection.text[:300]})
    return edits.ask(restore.model_copy(update={"job": kept}), CardKind.OVERDUE, now)


def _deleted(restore: Restore, observation: Observation, now: datetime) -> Restore:
    """Our object is gone: by our own hand, with its VM, or by somebody else's."""
    if observation.vm is None and observation.job is None:
        return edits.fail(restore, Reason.VM_DELETED, endings.VM_DELETED, now)
    job = restore.job
    if job is not None and job.deleting:
        return edits.fail(restore, Reason.RESTORE_GIVEN_UP, endings.DELETED_ON_REQUEST, now)
    name = job.name if job else "?"
    lost = endings.DELETED_BY_OTHERS
    if observation.vm is not None and (observation.vm.last_restore or "").startswith(f"{name}-"):
        lost = endings.DELETED_AFTERWARDS
    return edits.fail(restore, Reason.RESTORE_DELETED, lost.format(name=name), now)


def _succeeded(
    restore: Restore, observation: Observation, seen: RestoreObject, now: datetime
) -> Restore:
    """Complete is what the cluster says; what the VM is, and the proof, were read in the same look."""
    if observation.vm is None:
        return edits.fail(restore, Reason.VM_DELETED, endings.VM_GONE, now)
    followed = _progress(restore, restore.job, observation, seen, now) if restore.job else restore
    shown = (
        {}
        if observation.claims_unread is not None
        else dict(claims.proofs(observation, restore, seen))
    )
    if refuted := _refuted(shown):
        return edits.end(followed, Phase.FAILED, _not_restored(seen, refuted, now), endings.FAILED)
    restored = set(seen.claims)
    left = claims.left_behind(observation, restore)
    stays = tuple(each.claim for each in left if each.kind is not Kind.GOING)
    outcome = Outcome(
        at=now,
        vm_status=_vm_status(observation),
        pending=tuple(
            c.name for c in observation.claims if c.name in restored and c.phase == "Pending"
        ),
        leftovers=stays[: claims.MAX_LEFT],
        left=left[: claims.MAX_LEFT],
        more_left=len(left[claims.MAX_LEFT :]),
        kept=_of_fate(
            restore,
            Fate.KEEPS,
            {v.name for v in observation.vm.volumes if _is_there(v, observation)},
        ),
        deleted=_of_fate(restore, Fate.DELETED, set(seen.deleted), by_claim=True),
        unproven=_unproven(observation, shown),
    )
    return edits.end(followed, Phase.SUCCEEDED, outcome, endings.RESTORED)


def _refuted(shown: dict[str, Proof]) -> str:
    """The claims that hold something else than the snapshot, in words."""
    words = {Proof.REFUTED: endings.CLAIM_OF_OTHERS, Proof.MISSING: endings.CLAIM_MISSING}
    told = [words[proof].format(claim=name) for name, proof in shown.items() if proof in words]
    more = [endings.AND_MORE.format(count=len(told) - MAX_TOLD)] if len(told) > MAX_TOLD else []
    return ", ".join((*told[:MAX_TOLD], *more))


def _not_restored(seen: RestoreObject, refuted: str, now: datetime) -> Outcome:
    return Outcome(
        reason=Reason.NOT_RESTORED,
        at=now,
        found=endings.NOT_RESTORED.format(name=seen.name, found=refuted),
        next=endings.NOT_RESTORED_NEXT,
    )


def _unproven(observation: Observation, shown: dict[str, Proof]) -> str:
    """Why the cluster's word is all there is; empty where the claims show it."""
    if observation.claims_unread is not None:
        return endings.CLAIMS_UNREAD.format(why=observation.claims_unread[:300].rstrip("."))
    bare = [f"`{name}`" for name, proof in shown.items() if proof is Proof.NONE]
    more = endings.AND_MORE.format(count=len(bare) - MAX_TOLD) if len(bare) > MAX_TOLD else ""
    named = ", ".join((*bare[:MAX_TOLD], more)) if more else ", ".join(bare)
    return endings.CLAIMS_UNMARKED.format(claims=named) if bare else ""


def _of_fate(
    restore: Restore, fate: Fate, there: set[str], *, by_claim: bool = False
) -> tuple[str, ...]:
    """The disks that were to have this fate, as far as what was read bears it out."""
    fates = restore.preview.fates if restore.preview else ()
    return tuple(
        each.name
        for each in fates
        if each.fate is fate and (each.claim if by_claim else each.name) in there
    )


def _is_there(volume: Volume, observation: Observation) -> bool:
    """The claim behind the disk exists, as far as that could be read."""
    there = {each.name for each in observation.claims}
    return observation.claims_unread is not None or volume.claim in there


def _vm_status(observation: Observation) -> str:
    vm = observation.vm
    if vm is None:
        return endings.UNKNOWN
    if observation.vmi is not None:
        return endings.LIVE.format(status=vm.status)
    if vm.may_start_itself:
        return endings.WILL_START.format(status=vm.status, strategy=vm.run_strategy)
    if vm.status != "Stopped" or vm.deleting:
        return endings.NOT_RUNNING.format(status=vm.status)
    return endings.READY_TO_START
