"""The phase RESTORING: the one destructive act, and watching what becomes of it.

The race this file is about: the name of the VirtualMachineRestore is committed, then the create is
sent, and the answer may be lost with the process. The next observation cannot know whether the object
was ever there. It looks with a RECHECK: if the object is found (by name and our label) it is adopted;
if the VM carries the mark of that name, the restore ran and the object was deleted since; otherwise
the same create is sent again, but only while everything is still as it was confirmed and the
decision is young. An object that was once seen is never created again. Nor is one whose document was
lost: the name comes from the confirmation, so that the cluster can be asked for it (`made_before`).

One create is under way at a time. A server may carry out a request that it has not answered for as
long as its own limit allows; two of them make two objects if somebody deletes the first in between.
So one that was not answered is not sent again before that limit is over, except where it is known
that the server has not taken it: no connection, no login, too many requests, a webhook that is away.
"""

from datetime import datetime, timedelta

from bot.restore import claims, edits
from bot.restore.denials import denial
from bot.restore.differences import differences
from bot.restore.effects import create_restore, object_name
from bot.restore.events import CreateRestore, DeleteRestore, Done, Effect, Observed
from bot.restore.model import Job, Phase, Restore
from bot.restore.observation import ApiRejection, Observation
from bot.restore.phases import completed
from bot.restore.phases.made_before import adopted, as_found, replaced
from bot.restore.reasons import Reason
from bot.restore.recheck import (
    ACT_WITHIN,
    decision_expired,
    stop_at_difference,
    too_late,
    unlocking,
    unsettled,
)
from bot.restore.rules import Rules
from bot.restore.thread import CardKind
from bot.restore.user_events import wants_agreement
from bot.texts import endings

Move = tuple[Restore, tuple[Effect, ...]]

SEND_WITHIN = timedelta(seconds=20)
"""A create that is not on its way by then is not sent any more: the next look decides again."""
SAFE_SIDE = timedelta(seconds=10)
"""Added to the API server's own limit for a request."""
MAX_WHY = 600
"""Letters of why a deletion was refused, and of who can change that."""
MAX_HELD = 300
A_WHILE = timedelta(minutes=1)
"""What completes within this time after the last look is told like any other, without its own time."""


def on_observation(restore: Restore, seen: Observed, now: datetime) -> Move:
    """Apply an observation in RESTORING."""
    job = restore.job
    if job is None:
        return _decide(restore, seen.observation, now)
    if job.uid is None:
        return _find(restore, job, seen, now)
    return _follow(restore, job, seen.observation, now)


def _decide(restore: Restore, observation: Observation, now: datetime) -> Move:
    """The last gate: both confirmations by one person, and nothing differs from what was shown."""
    typed, clicked = restore.typed, restore.confirmation
    agreed = not wants_agreement(restore)
    if typed is None or clicked is None or typed.by != clicked.by or not agreed:
        missing = endings.CONFIRMATION_MISSING
        return edits.fail(restore, Reason.CREATE_REFUSED, missing, now, endings.UNCHANGED), ()
    if decision_expired(restore, now):
        return too_late(restore, now), ()
    if _is_unlocking(restore, observation) or unsettled(observation):
        return restore, ()
    if unlocking(observation, restore, now):
        return restore, ()
    if found := differences(observation, restore):
        return stop_at_difference(restore, found, now), ()
    job = Job(
        name=object_name("restore", restore, clicked.at),
        decided_at=now,
        vm_version=observation.vm.version if observation.vm else "",
    )
    return _send(restore, job, now)


def _send(restore: Restore, job: Job, now: datetime) -> Move:
    """Create it, once this is stored: a look that finds no answer then knows what may be under way."""
    sent = restore.model_copy(update={"job": job.model_copy(update={"sent_at": now})})
    return sent, (create_restore(sent, job.name, now + SEND_WITHIN),)


def _is_unlocking(restore: Restore, observation: Observation) -> bool:
    """Our safety snapshot is ready, but the VM is still marked with it: that passes."""
    safety, vm = restore.safety, observation.vm
    return safety is not None and vm is not None and vm.snapshot_in_progress == safety.name


def _find(restore: Restore, job: Job, seen: Observed, now: datetime) -> Move:
    """The create's answer was lost: adopt what is there, or send the very same create again.

    What is not there may still come: the server may hold a request for as long as its limit allows.
    Until then nothing is said to be absent, and nothing ends.
    """
    observation = seen.observation
    job = _unanswered(job, restore.rules)
    restore = restore.model_copy(update={"job": job})
    for each in observation.restores:
        if each.name == job.name and each.restore_id == restore.id:
            known = as_found(job, each, observation) if now >= job.decided_at + A_WHILE else job
            return adopted(restore, known, each.uid), ()
    if observation.vm is not None and observation.vm.was_restored_by(job.name):
        return _deleted(restore, observation, now), ()
    if observation.vm is not None and observation.vm.restore_in_progress == job.name:
        # It was there: its VM says so. It may be listed a moment later, but is not made again.
        if now >= job.decided_at + ACT_WITHIN:
            return _deleted(restore, observation, now), ()
        return restore.model_copy(update={"job": job.model_copy(update={"seen": True})}), ()
    if job.adopted or job.seen:
        # It was there, and what is gone since was deleted.
        return _deleted(restore, observation, now), ()
    return _absent(restore, job, seen, now)


def _absent(restore: Restore, job: Job, seen: Observed, now: datetime) -> Move:
    """It is not there: sent again while all is as it was confirmed, else an end, once that is sure."""
    observation, untouched = seen.observation, endings.UNTOUCHED
    found = differences(observation, restore)
    told = " ".join(each.text for each in found)
    refused = "" if seen.verdict.allowed else seen.verdict.text
    if job.unanswered_until is not None and now < job.unanswered_until:
        held = job.model_copy(update={"held_back": (job.held_back or told or refused)[:MAX_HELD]})
        return restore.model_copy(update={"job": held}), ()
    if _perhaps_deleted(job, observation):
        # Whatever differs besides: nobody knows that the VM is as before.
        perhaps = endings.PERHAPS_DELETED.format(name=job.name)
        text = " ".join(each for each in (perhaps, told or job.held_back or refused) if each)
        status = endings.PERHAPS_TOUCHED
        ended = edits.fail(restore, Reason.PERHAPS_MADE, text, now, status)
        return edits.alive(ended, observation), ()
    if told or (job.held_back and seen.verdict.allowed):
        # What differed once, while nothing was known, is not forgotten when it is as before.
        reason = found[0].reason if found else Reason.CHANGED_SINCE_CONFIRMATION
        return edits.fail(restore, reason, told or job.held_back, now, untouched), ()
    if not seen.verdict.allowed:
        return edits.fail(restore, Reason.NOT_PERMITTED, refused, now, untouched), ()
    if decision_expired(restore, now):
        late = endings.NOT_HANDED_OVER
        return edits.fail(restore, Reason.CONFIRMATION_TOO_OLD, late, now, untouched), ()
    return _send(restore, job, now)


def _perhaps_deleted(job: Job, observation: Observation) -> bool:
    """Our object may have come and gone unseen: its VM was written to since the create was decided on."""
    vm = observation.vm
    return vm is not None and job.vm_version not in ("", vm.version)


def _unanswered(job: Job, rules: Rules) -> Job:
    """A look has come before the answer: the create that was sent last may be carried out late."""
    if job.sent_at is None:
        return job
    limit = SEND_WITHIN + timedelta(seconds=rules.request_timeout) + SAFE_SIDE
    until = job.sent_at + limit
    known = job.unanswered_until
    later = until if known is None else max(until, known)
    return job.model_copy(update={"sent_at": None, "unanswered_until": later})


def not_taken(restore: Restore, effect: CreateRestore) -> Restore:
    """The create did not reach the server, which will not carry it out: nothing is under way."""
    job = restore.job
    if job is None or job.name != effect.name or job.sent_at is None:
        return restore
    return restore.model_copy(update={"job": job.model_copy(update={"sent_at": None})})


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
        answered = job.model_copy(update={"sent_at": None})
        if answered.unanswered_until is not None and now < answered.unanswered_until:
            # This attempt was refused; an earlier one may still be carried out.
            return restore.model_copy(update={"job": answered})
        return edits.fail_denied(restore, denial(result, effect.namespace), now)
    return adopted(restore, job, result.uid) if result.uid else restore


def _follow(restore: Restore, job: Job, observation: Observation, now: datetime) -> Move:
    seen = observation.job
    if seen is not None and seen.uid != job.uid and seen.restore_id == restore.id:
        # The object was deleted, and a second one of its name is there: the cluster carries that out.
        return replaced(restore, job, seen.uid), ()
    if seen is None or seen.uid != job.uid:
        return _deleted(restore, observation, now), ()
    if seen.complete:
        late = now >= (job.looked_at or job.decided_at) + A_WHILE
        known = as_found(job, seen, observation) if late else job
        told = restore.model_copy(update={"job": known})
        return completed.succeeded(told, observation, seen, now), ()
    delete = DeleteRestore(restore.target.namespace, job.name, seen.uid)
    if seen.failure is not None and not job.deleting:
        found = seen.failure
        if observation.vmi is not None and not observation.vmi.final:
            found = endings.FAILED_AND_LIVE.format(failure=found.rstrip("."))
        ended = edits.fail(restore, Reason.RESTORE_FAILED, _dated(job, found), now)
        return _with_what_is_left(ended, job, observation), ()
    followed = completed.progress(restore, job, observation, seen, now)
    if job.deleting:
        return followed, () if seen.deleting else (delete,)
    return _overdue(followed, now), ()


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
    cause = denial(rejection, effect.namespace)
    why = cause.told[:MAX_WHY]
    kept = job.model_copy(update={"deleting": False, "delete_error": why})
    return edits.ask(restore.model_copy(update={"job": kept}), CardKind.OVERDUE, now)


def _deleted(restore: Restore, observation: Observation, now: datetime) -> Restore:
    """Our object is gone: by our own hand, with its VM, or by somebody else's."""
    if observation.vm is None and observation.job is None:
        return edits.fail(restore, Reason.VM_DELETED, endings.VM_DELETED, now)
    job = restore.job
    if job is not None and job.deleting:
        ended = edits.fail(restore, Reason.RESTORE_GIVEN_UP, endings.DELETED_ON_REQUEST, now)
        return _with_what_is_left(ended, job, observation)
    name = job.name if job else "?"
    lost = endings.DELETED_BY_OTHERS
    if observation.vm is not None and observation.vm.was_restored_by(name):
        lost = endings.DELETED_AFTERWARDS
    told = lost.format(name=name)
    if job is None:
        return edits.fail(restore, Reason.RESTORE_DELETED, told, now)
    ended = edits.fail(restore, Reason.RESTORE_DELETED, _dated(job, told), now)
    return _with_what_is_left(ended, job, observation)


def _with_what_is_left(ended: Restore, job: Job, observation: Observation) -> Restore:
    """What it made stays, and nobody else tells of it; a VM that is live runs on some of that."""
    if ended.outcome is None:
        return ended
    left = claims.made_by(observation, job.name)
    told = {
        "left": left[: claims.MAX_LEFT],
        "more_left": len(left[claims.MAX_LEFT :]),
    }
    known = ended.model_copy(update={"outcome": ended.outcome.model_copy(update=told)})
    return edits.alive(known, observation)


def _dated(job: Job, found: str) -> str:
    """What was found in the cluster, and not made by this document, is told with its date."""
    if not job.adopted:
        return found
    return endings.FOUND_LATER.format(found=found, name=job.name, when=job.decided_at)
