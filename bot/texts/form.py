"""The words of the form: its fields, what stands beside them, and what may be wrong with them.

What stands in a form is plain text: no markup is read there.
"""

from collections.abc import Mapping
from typing import Final

TITLE: Final = "Restore a VM"
SUBMIT: Final = "Check and ask"
CLOSE: Final = "Close"
INTRO: Final = (
    "Nothing is restored by this form. I check everything first and then ask you to "
    "confirm, in the thread. What you leave empty is asked for there."
)

# Fields

WHERE: Final = "Where to talk about it"
WHERE_PLACEHOLDER: Final = "Choose a channel"
WHERE_HINT: Final = (
    "Leave it empty for a direct message with me. What you may restore can depend on the channel."
)
CLUSTER: Final = "Cluster"
NAMESPACE: Final = "Namespace"
NAMESPACE_PLACEHOLDER: Final = "Type to search"
NAMESPACE_HINT: Final = "Leave it empty to search all namespaces in which you may restore."
VM: Final = "VM"
VM_PLACEHOLDER: Final = "Type to search"
SNAPSHOT: Final = "Snapshot"
SNAPSHOT_PLACEHOLDER: Final = "Type to search"
SNAPSHOT_HINT: Final = (
    "Choose the VM first. The newest snapshots come first; typing finds older ones."
)

# What an option says

ONE_VM: Final = "1 VM"
VMS: Final = "{count} VMs"
IN_NAMESPACE: Final = "in {namespace}"
SNAPSHOT_FACTS: Final = "{age}, {state}, {consistency}"
READY: Final = "ready"
NOT_READY: Final = "not ready"
FAILED: Final = "failed"
DELETING: Final = "being deleted"
CONSISTENCIES: Final[Mapping[str, str]] = {
    "application": "guest quiesced",
    "crash": "crash-consistent",
    "offline": "VM was stopped",
    "unknown": "consistency not known",
}

# What is wrong, beside its field

NO_BOT: Final = (
    "I am not in this conversation. Invite me there with /invite, choose another one, "
    "or leave this empty."
)
NOT_IN_IT: Final = (
    "You are not in this channel, or I cannot see that you are. Join it, choose another one, or "
    "leave this empty."
)
OTHER_CLUSTER: Final = "This was chosen for another cluster. Choose again."
OTHER_NAMESPACE: Final = "This VM is in namespace {found}, not in {chosen}. Choose again."
NO_SUCH_VM: Final = "This VM is not there any more. Choose again."
NO_VM: Final = "Choose the VM of this snapshot."
OTHER_VM: Final = "This snapshot is of another VM. Choose again."
NO_SUCH_SNAPSHOT: Final = "This snapshot is not there any more. Choose again."
SNAPSHOT_UNUSABLE: Final = "This snapshot cannot be restored from ({state}). Choose another one."
NAME_LOST: Final = (
    "The cluster does not answer just now, and a name this long cannot be taken from the list "
    "without it. Try again in a moment, or leave this empty and type the name in the thread."
)
STORE_DOWN: Final = (
    "Nothing was done: I cannot reach my own store just now, and without it I decide "
    "nothing. Please send the form again in a minute."
)

# What is said instead of a form

TOO_SLOW: Final = "Slack did not let the form open in time. Nothing was done. Please try again."
