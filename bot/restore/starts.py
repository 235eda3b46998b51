"""May the VM be started by a button, and was a start asked for that is still due?"""

from datetime import timedelta

from bot.restore.model import Phase, Restore
from bot.restore.reasons import Reason

START_WITHIN = timedelta(minutes=10)
"""How long after the click a VM may still be started: nobody expects it later."""
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


def start_is_offered(restore: Restore) -> bool:
    """After a success, or when the bot stopped the VM and then restored nothing."""
    if not restore.phase.ended or restore.closed:
        return False
    if restore.phase is Phase.SUCCEEDED:
        return True
    if restore.outcome is not None and restore.outcome.reason is Reason.HELD_BY_OTHER:
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
