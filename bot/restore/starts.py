"""May the VM be started by a button, and was a start asked for that is still due?"""

from datetime import datetime, timedelta

from bot.restore.model import Phase, Restore
from bot.restore.reasons import Reason

START_WITHIN = timedelta(minutes=10)
"""How long after the click a VM may still be started: nobody expects it later."""
FOLLOWED = timedelta(minutes=10)
"""How long after a start it is looked whether the guest runs, and its agent answers."""
COMES_UP = timedelta(minutes=2)
"""A VM that does not run after this is said to be late, and why; and again after as long."""
SHORTEST, LONGEST = timedelta(seconds=3), timedelta(seconds=30)
"""The pauses between those looks."""
_NOTHING_SENT = frozenset(
    {
        Reason.CREATE_REFUSED,
        Reason.CONFIRMATION_TOO_OLD,
        Reason.CHANGED_SINCE_CONFIRMATION,
        Reason.VM_STARTED,
        Reason.VM_BEING_DELETED,
        Reason.SNAPSHOT_BEING_DELETED,
        Reason.SNAPSHOT_CONTENT_BEING_DELETED,
        Reason.VOLUME_SNAPSHOT_MISSING,
        Reason.VOLUME_SNAPSHOT_NOT_READY,
        Reason.VOLUME_SNAPSHOT_BEING_DELETED,
        Reason.CLAIM_BEING_DELETED,
        Reason.STORAGE_CLASS_MISSING,
        Reason.NAME_TAKEN,
        Reason.NAMESPACE_BEING_DELETED,
        Reason.NOT_PERMITTED,
        Reason.FROZEN,
    }
)
"""Ends of a restore without an object that prove that there never was one."""
_NOT_DOWN_BY_US = frozenset({Reason.HELD_BY_OTHER, Reason.VM_STARTED})
"""Ends after which the VM runs already, or is somebody else's to start."""


def start_is_offered(restore: Restore) -> bool:
    """After a success, or when the bot stopped the VM and then restored nothing."""
    if not restore.phase.ended or restore.closed:
        return False
    if restore.phase is Phase.SUCCEEDED:
        return True
    if restore.outcome is not None and restore.outcome.reason in _NOT_DOWN_BY_US:
        return False
    return restore.stopped_by_us and untouched(restore)


def untouched(restore: Restore) -> bool:
    """Neither this restore nor one that it follows can have left the VM half restored."""
    return not restore.vm_state_unknown and (restore.job is None or never_created(restore))


def start_is_due(restore: Restore) -> bool:
    """A start was asked for after the end and has neither happened nor failed."""
    start = restore.start
    return start is not None and start.pending


def never_created(restore: Restore) -> bool:
    """A job was decided, but the cluster never had such an object, so nothing was touched."""
    job, outcome = restore.job, restore.outcome
    if job is None or job.uid is not None or outcome is None:
        return False
    return outcome.reason in _NOTHING_SENT


def is_followed(restore: Restore, now: datetime) -> bool:
    """The VM was started, and nobody has seen its guest agent yet."""
    start = restore.start
    if start is None or start.done_at is None or start.error is not None:
        return False
    waits = start.agent_at is None and now < start.done_at + FOLLOWED
    return waits and restore.phase.ended and not restore.closed


def looked_at(restore: Restore, now: datetime) -> datetime | None:
    """When the VM is looked at next after a start; None if not any more."""
    start = restore.start
    if start is None or start.done_at is None or not is_followed(restore, now):
        return None
    return now + min(max(SHORTEST, (now - start.done_at) / 4), LONGEST)


def is_late(restore: Restore, now: datetime) -> bool:
    """The VM was started a while ago and was not seen to run since."""
    start = restore.start
    if start is None or start.done_at is None or start.runs_at is not None:
        return False
    return start.error is None and now >= start.done_at + COMES_UP


def wants_diagnosis(restore: Restore, now: datetime) -> bool:
    """Why it is late is to be read now, for the first time or anew."""
    known = restore.start.diagnosis if restore.start else None
    young = known is not None and now < known.at + COMES_UP
    return is_followed(restore, now) and is_late(restore, now) and not young
