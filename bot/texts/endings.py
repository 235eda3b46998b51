"""How the core sums up: what a closed card says became of it, and how a restore went in the cluster."""

from typing import Final

# What is written on a card when its time is over

REFUSED: Final = "Refused"
FAILED: Final = "Failed"
RESTORED: Final = "Restored"
NOT_PERMITTED: Final = "Not permitted"
GIVEN_UP: Final = "Given up"
TOO_LATE: Final = "Too late"
STOPPED_BEFORE_ACTING: Final = "Stopped before acting"
THREAD_LOST: Final = "The thread cannot be written to"
NO_LONGER_ASKED: Final = "No longer asked"
NO_LONGER_OFFERED: Final = "No longer offered"
NOBODY_ANSWERED: Final = "Nobody answered in time"
CANCELLED: Final = "Cancelled by <@{user}>"
CANCELLED_BY_OPERATOR: Final = "Cancelled by an operator"
CONTINUED: Final = "Continued by <@{user}>, further down"
NAMED: Final = "{part}: `{name}`"
STOP_CHOSEN: Final = "Stop and restore, by <@{user}>"
VM_STOPPED: Final = "The VM is stopped"
KEEP_WAITING: Final = "Keep waiting"
FORCE_CHOSEN: Final = "Force stop chosen"
FORCE_CONFIRMED: Final = "Force stop confirmed"
NAME_PASSED: Final = "Typed verification passed"
NAMES_DIFFER: Final = "Names did not match"
CONFIRMED: Final = "Confirmed by <@{user}>"
DELETE_CHOSEN: Final = "Delete chosen"
DELETE_CONFIRMED: Final = "Delete confirmed by <@{user}>"
SAFETY_READY: Final = "`{name}` is ready"
APPEARED: Final = "It has appeared in the cluster after all"
MADE_BEFORE: Final = "The restore object exists already"
RECORD_LOST: Final = "My record of this restore was lost"
SAFETY_FAILED: Final = "Failed, no data was touched"

# Handing over

HANDED_OVER: Final = "Handed over"
OFFERED_INSTEAD: Final = "Offered to <@{user}> instead"
OFFER_WITHDRAWN: Final = "Withdrawn by <@{user}>"
OFFER_DECLINED: Final = "Declined by <@{user}>"
OFFER_ACCEPTED: Final = "Accepted by <@{user}>"
OFFER_LAPSED: Final = "Not accepted by <@{user}> in time"
NEWER_OFFER: Final = "There is a newer offer"
TAKEN_OVER: Final = "Taken over by <@{user}>"

# Why a restore failed

CONFIRMATION_MISSING: Final = "A confirmation is missing."
NOT_HANDED_OVER: Final = "The restore could not be handed to the cluster in time."
VM_DELETED: Final = "The VM was deleted while it was being restored, and the restore with it."
VM_GONE: Final = "The restore completed, but the VM does not exist any more."
DELETED_ON_REQUEST: Final = "The restore object was deleted on request. That rolls nothing back."
DELETED_BY_OTHERS: Final = (
    "VirtualMachineRestore `{name}` was deleted by somebody else before it completed."
)
PERHAPS_DELETED: Final = (
    "The cluster did not answer the create of VirtualMachineRestore `{name}` and has no such object, "
    "but the VM was written to since: it may have been made, and deleted by somebody else."
)
DELETED_AFTERWARDS: Final = (
    "VirtualMachineRestore `{name}` was deleted by somebody else. The VM carries its mark."
)
FOUND_LATER: Final = "{found} (VirtualMachineRestore `{name}` of {when:%Y-%m-%d %H:%M:%S} UTC)"
NOT_RESTORED: Final = (
    "The cluster reports VirtualMachineRestore `{name}` as complete, but {found}. "
    "The data of the snapshot was not restored there."
)
CLAIM_OF_OTHERS: Final = "claim `{claim}` was not made by this restore"
CLAIM_MISSING: Final = "claim `{claim}` does not exist"
NOT_RESTORED_NEXT: Final = (
    "Look at these claims before anything else. With the setting `rules.volume_policy` at "
    "`PrefixTargetName` KubeVirt takes a claim that has the name already as it is; without it a "
    "restore makes new claims."
)
CLAIMS_UNREAD: Final = "the claims could not be read ({why})"
CLAIMS_UNMARKED: Final = "nothing shows which restore made claim {claims}"
FAILED_AND_LIVE: Final = "{failure}. The VM is live: somebody has started it."

# The state of the VM

UNCHANGED: Final = "unchanged"
UNCHANGED_REFUSED: Final = "unchanged: the cluster refused the restore"
UNTOUCHED: Final = "as before: the cluster has no such restore"
PERHAPS_TOUCHED: Final = (
    "not known: the cluster has no such restore now, and may have had one for a moment"
)
LIVE: Final = "{status} (live)"
WILL_START: Final = "{status} (run strategy {strategy}: it will start by itself)"
NOT_RUNNING: Final = "{status} (not running)"
VMI_UNREAD: Final = "{status}, as its status says; whether it runs could not be read"
VM_UNREAD: Final = "Unknown: it could not be read ({why})"
READY_TO_START: Final = "Stopped (ready to start)"
UNKNOWN: Final = "Unknown"
NO_SUCH_VM: Final = "the VM does not exist"
