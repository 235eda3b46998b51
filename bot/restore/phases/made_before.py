"""An object of this restore that the cluster has already is adopted; it is never made again."""

from datetime import datetime, timedelta

from bot.restore import edits
from bot.restore.effects import confirmed_name, named_at, own_mark
from bot.restore.model import Job, Phase, Restore, Safety
from bot.restore.observation import Observation, RestoreObject
from bot.restore.thread import CardKind
from bot.texts import endings


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
    known = _made_at(own, observation) or now if own else named_at(name)
    job = Job(name=name, decided_at=known, adopted=True)
    there = _onward(restore, now).model_copy(update={"job": job})
    return adopted(there, as_found(job, own, observation), own.uid) if own else there


MAX_OBJECTS = 20
"""More objects of one restore than that are not remembered."""
_MAY_HAVE_ACTED = frozenset(
    each for each in Phase if each is not Phase.GATHERING and not each.ended
)


def _own(restore: Restore, observation: Observation) -> RestoreObject | None:
    """The object with this restore's label; should there be several, one that is not complete."""
    target = restore.target
    own = [
        each
        for each in observation.restores
        if each.restore_id == restore.id
        and (each.target, each.snapshot) == (target.vm, target.snapshot)
    ]
    return min(own, key=lambda each: each.complete, default=None)


def _made_at(own: RestoreObject, observation: Observation) -> datetime | None:
    """When it was made, by our clock: what becomes overdue is counted from there."""
    return observation.by_our_clock(own.created) if own.created is not None else None


def _mark_of(restore: Restore, observation: Observation) -> str | None:
    """The name of our object where only its VM shows that it was there."""
    vm = observation.vm
    if vm is None or (restore.preview is not None and vm.uid != restore.preview.vm_uid):
        return None
    return own_mark(restore, vm.last_restore) or own_mark(restore, vm.restore_in_progress)


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


def as_found(job: Job, found: RestoreObject, observation: Observation) -> Job:
    """What had completed already is told with its own time, not as if it had just been done."""
    completed = found.restored_at if found.complete else None
    when = observation.by_our_clock(completed) if completed is not None else None
    return job.model_copy(update={"restored_at": when})


def adopted(restore: Restore, job: Job, uid: str) -> Restore:
    """The object is there, by this UID: it is watched until its time is over."""
    until = job.decided_at + timedelta(seconds=restore.rules.restore_timeout)
    return restore.model_copy(
        update={
            "job": job.model_copy(
                update={
                    "uid": uid,
                    "wait_until": until,
                    "sent_at": None,
                    "unanswered_until": None,
                }
            )
        }
    )


def is_known(restore: Restore, uid: str) -> bool:
    """The document has followed this object of the restore, or does so now."""
    return uid in restore.objects or (restore.job is not None and restore.job.uid == uid)


def replaced(restore: Restore, job: Job, uid: str) -> Restore:
    """Another object of this restore is there instead: it is followed like the first one."""
    return adopted(_noted(restore), job, uid)


def _noted(restore: Restore) -> Restore:
    """The object that was followed until now stays known."""
    followed = restore.job.uid if restore.job else None
    if followed is None or followed in restore.objects:
        return restore
    return restore.model_copy(update={"objects": (*restore.objects, followed)[-MAX_OBJECTS:]})


def listens(restore: Restore) -> bool:
    """It does not ask the cluster for its object by itself: it has ended, or knows no target."""
    return restore.phase.ended or restore.phase is Phase.GATHERING


def _of_its_object(restore: Restore, found: RestoreObject) -> Restore:
    """Nothing is asked any more: what the answers were, the object tells."""
    target = {"namespace": found.namespace, "vm": found.target, "snapshot": found.snapshot}
    request = restore.request.model_copy(update={**target, "described": None})
    asked = edits.close(restore, endings.MADE_BEFORE)
    return asked.model_copy(update={"request": request, "proposal": None})


def appeared(restore: Restore, found: RestoreObject, now: datetime) -> Restore:
    """The cluster has an object of it that the document does not know: it is followed to its end.

    Of an ended restore the API server has carried out late what it never answered, or somebody has
    put it there. One that still asks for its target has come back from before it was answered.
    """
    unknown = listens(restore) and not is_known(restore, found.uid)
    if not unknown or found.restore_id != restore.id:
        return restore
    card = CardKind.APPEARED if restore.phase.ended else CardKind.FOUND_AGAIN
    restore = _noted(restore) if restore.phase.ended else _of_its_object(restore, found)
    for kind in (CardKind.RESULT, CardKind.STARTED):
        restore = edits.close_slot(restore, kind, endings.APPEARED)
    again = restore.model_copy(update={"outcome": None, "start": None, "closed": False})
    known = edits.post(edits.enter(again, Phase.RESTORING, now), card, now)
    job = Job(
        name=found.name,
        decided_at=found.created or now,
        restored_at=found.restored_at if found.complete else None,
        adopted=True,
    )
    followed = edits.post(known, CardKind.PROGRESS, now).model_copy(update={"job": job})
    return adopted(followed, job, found.uid)
