"""The words that all cards share: buttons, facts, how long a card waits, how a restore stands."""

from collections.abc import Mapping
from typing import Final

# What stands on buttons

LABELS: Final[Mapping[str, str]] = {
    "pick-vm": "Choose a VM",
    "pick-namespace": "Choose a namespace",
    "pick-snapshot": "Choose a snapshot",
    "stop-and-restore": "Stop and restore",
    "cancel": "Cancel",
    "keep-stopping": "Keep waiting",
    "force-stop": "Force stop",
    "force-stop-now": "Force stop now",
    "protect-on": "Snapshot current state first: turn ON",
    "protect-off": "Snapshot current state first: turn OFF",
    "agree-deletion": "I know that disks are deleted",
    "confirm": "Restore VM now",
    "keep-waiting": "Keep waiting",
    "why": "Why?",
    "summary": "Summary for the admin",
    "delete-restore": "Delete the restore object",
    "delete-restore-now": "Delete the restore object now",
    "start-vm": "Start VM",
    "start-over": "Start over",
    "try-again": "Try again",
    "other-snapshot": "Another snapshot",
    "undo": "Undo",
    "hand-over": "Hand over to…",
    "accept": "Accept",
    "decline": "Decline",
    "withdraw": "Withdraw",
    "take-over": "Take over",
}
USE: Final = "Use {name}"
START_AGAIN: Final = "Start VM again"
GO_BACK: Final = "Go back"

# Facts

VM: Final = "*VM*: {vm} (namespace: {namespace})"
VM_SOMEWHERE: Final = "*VM*: {vm} (namespace not known yet)"
VM_ON_CLUSTER: Final = "*VM*: {vm} (namespace: {namespace}, cluster: {cluster})"
CLUSTER: Final = "*Cluster*: {cluster}"
NOT_KNOWN: Final = "(not known yet)"
DEFAULT_CLUSTER: Final = "default"
ON: Final = "ON"
OFF: Final = "OFF"
AND_MORE: Final = "{names} and {count} more"
SAME_OF_MORE: Final = "So it is with {count} more."
AGO: Final = "{age} ago"
DATED_LATER: Final = "(unknown time: it is dated in the future)"
MOMENT: Final = "{utc} (your time: {local})"
ANSWERED: Final = "→ {answer}"
TROUBLE: Final = "⚠️ *Trouble just now*: {trouble} I keep trying and go on by myself."

# How long a card waits

UNTIL: Final = " I wait until {until}."

WAITS_OR_EXPIRES: Final = (
    "Without an answer by {until} this request expires, and nothing is restored."
)
WAITS_OR_EXPIRES_STOPPED: Final = (
    "Without an answer by {until} this request expires, and nothing is restored; "
    "the VM stays stopped until somebody starts it."
)
WAITS_FOR_THE_STOP: Final = (
    "If the VM stops before {until}, this goes on by itself. Without that and without an answer this "
    "request expires then, and nothing is restored."
)
WAITS_WITHOUT_END: Final = "Nothing expires here: I watch the restore until it has ended."

# Where a restore stands, for its first card

ASKED_FOR: Final = "{owner} asked to restore VM {vm}"
ASKED_FOR_A_VM: Final = "{owner} asked to restore a VM"
OWNER_NOW: Final = "*Now with*: {owner}"
ASKED_HEADING: Final = "VM restore request"
ASKED_PLACE: Final = " in {namespace}"
ASKED_CLUSTER: Final = " (cluster {cluster})"
ASKED_SNAPSHOT: Final = " from snapshot {snapshot}"
ASKED_DESCRIBED: Final = " from a snapshot described as {described}"
CONTINUES: Final = (
    "This follows an earlier restore. All checks and both confirmations are made anew."
)
STATE: Final = "*State*: {state}"
YOU: Final = "you"
WAITING: Final = "Waiting for {owner} {what}"
WAITING_UNTIL: Final = "Waiting for {owner} {what}, until {until}"
WAITS_FOR: Final[Mapping[str, str]] = {
    "ask-vm": "to name the VM",
    "ask-namespace": "to name the namespace",
    "ask-snapshot": "to choose the snapshot",
    "stop-choice": "to choose: stop and restore, or cancel",
    "stop-overdue": "to decide: the VM does not stop",
    "force-stop": "to confirm the force stop",
    "warning": "to type the snapshot name",
    "confirm": "to press *Restore VM now*",
    "overdue": "to decide: the restore takes longer than expected",
    "delete-restore": "to decide whether the restore object is deleted",
}
"""What the owner is to do, by the kind of the card that asks for it."""
STATE_BY: Final = "by {by}"
STATES: Final[Mapping[str, str]] = {
    "gathering": "Looking for what is missing…",
    "checking": "Checking the VM and the snapshot…",
    "stop-choice": "Waiting for a choice",
    "stopping": "Stopping the VM…",
    "typing": "Waiting for the snapshot name",
    "confirming": "Waiting for the last click",
    "protecting": "Taking the safety snapshot…",
    "restoring": "Restoring…",
    "succeeded": "✓ Restored",
    "failed": "❌ Failed",
    "cancelled": "Cancelled",
    "refused": "❌ Refused",
    "expired": "Expired",
}
LAST_CHECK: Final = "Checking everything once more before the restore…"
