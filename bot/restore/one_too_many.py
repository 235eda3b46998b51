"""A restore that does not begin: another one holds its VM, or too many are open in its namespace."""

from datetime import datetime

from bot.restore import edits
from bot.restore.check_failure import MAX_CHOICES, CheckFailure
from bot.restore.cut import named
from bot.restore.events import NamespaceFull, VmClaimedElsewhere
from bot.restore.model import Restore
from bot.restore.reasons import Reason
from bot.texts import locks


def limited(restore: Restore) -> bool:
    """Does it need room among those that are open?

    Not after its end, and not where a restore before it has left the VM stopped or in an unknown state.
    """
    left_behind = restore.stop or restore.blocker or restore.vm_state_unknown
    return not (restore.phase.ended or left_behind)


def refused(restore: Restore, event: VmClaimedElsewhere | NamespaceFull, now: datetime) -> Restore:
    """The restore, refused; as it is, if it has ended or was handed to the cluster."""
    if restore.phase.ended or restore.job is not None:
        return restore
    match event:
        case VmClaimedElsewhere() as held:
            return edits.refuse(restore, _vm_held(held), now)
        case NamespaceFull() as full:
            return edits.refuse(restore, _namespace_full(restore, full), now)


def _vm_held(held: VmClaimedElsewhere) -> CheckFailure:
    if held.by is None or held.since is None:
        return CheckFailure.telling(Reason.HELD_BY_OTHER, locks.HELD_UNREAD)
    return CheckFailure.telling(
        Reason.HELD_BY_OTHER,
        locks.HELD,
        by=held.by,
        since=f"{held.since:%Y-%m-%d %H:%M}",
        where=held.where,
    )


def _namespace_full(restore: Restore, full: NamespaceFull) -> CheckFailure:
    return CheckFailure.telling(
        Reason.TOO_MANY_OPEN,
        locks.TOO_MANY_OPEN,
        limit=full.limit,
        namespace=restore.request.namespace,
        vms=named([f"`{each}`" for each in full.vms], MAX_CHOICES),
    )
