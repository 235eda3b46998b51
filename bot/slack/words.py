"""The words that all cards share, and the short answers that only one person sees.

All texts of the bot are in words.py and the other words_*.py, so that a team can change the tone in
one place. Rules
- A text in braces, like {vm}, is filled by `markup.fill`, which makes it safe.
- One thing has one name everywhere: restore, snapshot, safety snapshot, volume, thread, card.
- A heading says what it is about in words; its emoji is only a help for the eye.
"""

from collections.abc import Mapping
from typing import Final

from bot.restore.events import Button, Reply
from bot.restore.model import Phase

# What stands on buttons

LABELS: Final[Mapping[Button, str]] = {
    Button.PICK_VM: "Choose a VM",
    Button.PICK_NAMESPACE: "Choose a namespace",
    Button.PICK_SNAPSHOT: "Choose a snapshot",
    Button.STOP_AND_RESTORE: "Stop and restore",
    Button.CANCEL: "Cancel",
    Button.KEEP_STOPPING: "Keep waiting",
    Button.FORCE_STOP: "Force stop",
    Button.FORCE_STOP_NOW: "Force stop now",
    Button.PROTECT_ON: "Snapshot current state first: turn ON",
    Button.PROTECT_OFF: "Snapshot current state first: turn OFF",
    Button.CONFIRM: "Restore VM now",
    Button.KEEP_WAITING: "Keep waiting",
    Button.DELETE_RESTORE: "Delete the restore object",
    Button.DELETE_RESTORE_NOW: "Delete the restore object now",
    Button.START_VM: "Start VM",
    Button.START_OVER: "Start over",
    Button.TRY_AGAIN: "Try again",
    Button.OTHER_SNAPSHOT: "Another snapshot",
    Button.UNDO: "Undo",
    Button.HAND_OVER: "Hand over to…",
    Button.ACCEPT: "Accept",
    Button.DECLINE: "Decline",
    Button.WITHDRAW: "Withdraw",
    Button.TAKE_OVER: "Take over",
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
ANSWERED: Final = "→ {answer}"
TROUBLE: Final = "⚠️ *Trouble just now*: {trouble} The bot keeps trying and goes on by itself."

# How long a card waits

WAITS_OR_EXPIRES: Final = (
    "Waits for an answer until {until}. Without one the request expires and nothing is restored."
)
WAITS_OR_EXPIRES_STOPPED: Final = (
    "Waits for an answer until {until}. Without one the request expires and nothing is restored; "
    "the VM stays stopped until somebody starts it."
)
WAITS_FOR_THE_STOP: Final = (
    "Waits for an answer until {until}, unless the VM stops first. "
    "Without one the request expires and nothing is restored."
)
WAITS_WITHOUT_END: Final = "Nothing expires here: the bot watches the restore until it has ended."

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
STATE_WAITING: Final = "Waiting for an answer to the newest card of this restore"
STATE_OVERDUE: Final = "Restoring… (taking longer than expected, waiting for an answer)"
STATE_BY: Final = "by {by}"
STATES: Final[Mapping[Phase, str]] = {
    Phase.GATHERING: "Looking for what is missing…",
    Phase.CHECKING: "Checking the VM and the snapshot…",
    Phase.STOP_CHOICE: STATE_WAITING,
    Phase.STOPPING: "Stopping the VM…",
    Phase.TYPING: STATE_WAITING,
    Phase.CONFIRMING: STATE_WAITING,
    Phase.PROTECTING: "Taking the safety snapshot…",
    Phase.RESTORING: "Restoring…",
    Phase.SUCCEEDED: "✓ Restored",
    Phase.FAILED: "❌ Failed",
    Phase.CANCELLED: "Cancelled",
    Phase.REFUSED: "❌ Refused",
    Phase.EXPIRED: "Expired",
}
LAST_CHECK: Final = "Checking everything once more before the restore…"
# Answers to one person

REPLIES: Final[Mapping[Reply, str]] = {
    Reply.NOT_YOURS: "Only {owner} can answer for this restore of VM {vm}. Nothing was changed.",
    Reply.OLD_CARD: (
        "This card is out of date, so nothing was done. "
        "Please use the newest card of this restore, further down in its thread."
    ),
    Reply.PRESS_THE_BUTTON: (
        "Typing `yes` does not start the restore: press the button *Restore VM now* on the card, "
        "or *Cancel*."
    ),
    Reply.CANNOT_CANCEL: (
        "The restore of VM {vm} has already been handed to the cluster and cannot be cancelled: "
        "stopping it half-way would not bring the previous state back. "
        "The thread shows how it goes on."
    ),
    Reply.NO_SUCH_NAME: (
        "That is not a name I can use. Please choose from the list, or reply with the name and "
        "nothing else: lower-case letters, digits, `-` and `.`."
    ),
    Reply.DONE: "Done. The thread of the restore of VM {vm} shows how it stands.",
    Reply.LEFT_ALONE: "I took that for conversation and left it alone.",
    Reply.ENDED: (
        "This restore of VM {vm} has ended, so the button does nothing any more. "
        "Ask again with `/vm-restore`."
    ),
    Reply.NOBODY_CHOSEN: "Nobody was chosen, so nothing was offered.",
    Reply.ALREADY_YOURS: ("The restore of VM {vm} is with {owner} already. Nothing was changed."),
    Reply.ALREADY_OFFERED: (
        "The restore of VM {vm} is offered to that person already. Nothing was changed."
    ),
    Reply.NOT_OFFERED_TO_YOU: (
        "Only {taker} can accept or decline this offer of the restore of VM {vm}. Nothing was changed."
    ),
    Reply.OFFER_OVER: (
        "This offer is over, so nothing was changed. The restore of VM {vm} is with {owner}."
    ),
}
REFUSED: Final = "❌ *Not permitted*: {text} Nothing was started."
PROBLEM: Final = "❌ *I could not start that*: {text}"
HELD: Final = (
    "❌ *Another restore of VM {vm} is in progress*: it is with {owner}, and was asked for in "
    "namespace {namespace} at {since} (state: {state}). See {thread}. Wait for it to end, or talk to "
    "{owner}."
)
HELD_BY_YOU: Final = (
    "❌ *Your own restore of VM {vm} is in progress*: it was asked for in namespace {namespace} "
    "at {since} (state: {state}). See {thread}. Go on there, or cancel it and ask again."
)
THIS_THREAD: Final = "its thread"
STORE_DOWN: Final = (
    "❌ *Nothing was done*: I cannot reach my own store just now ({what}), and without it I decide "
    "nothing. Restores that are under way go on by themselves when it is back. "
    "Please try again in a minute."
)
CLUSTER_DOWN: Final = "❌ *Nothing was done*: the cluster cannot be asked just now ({what})."
SLACK_DOWN: Final = (
    "❌ *Nothing was done*: Slack did not tell me who you are, so I cannot tell what you may do. "
    "Please try again in a minute."
)
INVITE_ME: Final = (
    "❌ *Nothing was started*: I cannot write in {channel}. Type `/invite {bot}` there and ask "
    "again, or ask in a direct message to me."
)
NOTHING_TO_CANCEL: Final = "You have no restore that could be cancelled. Only the person whose restore it is can cancel it."
WHICH_TO_CANCEL: Final = (
    "You have several restores under way: {restores}. Write `/vm-restore cancel VM`, press *Cancel* "
    "in the thread of the one you mean, or type `cancel` there."
)
UNKNOWN_CLUSTER: Final = "❌ *Nothing was started*: I know no cluster {cluster}. I know: {known}."
TOO_LATE: Final = (
    "❌ *Nothing was done*: your message reached me more than five minutes late, so it may have been "
    "meant for another moment. Please say it again."
)
UNKNOWN_CARD: Final = (
    "I do not know this card any more, so nothing was done. Ask again with `/vm-restore`."
)
INTERRUPTED: Final = (
    "I was interrupted while I dealt with your click. The newest card of this restore shows how "
    "things stand: if your click is not in it, please press again."
)
WENT_WRONG: Final = (
    "❌ *Something went wrong on my side*, and it has been logged. "
    "Nothing is restored without your confirmation. Please try again."
)

OTHER_WISHES: Final[Mapping[str, str]] = {
    "freeze": "I cannot freeze restores yet. Ask the owners of this bot.",
    "unfreeze": "I cannot unfreeze restores yet. Ask the owners of this bot.",
    "start": (
        "I start a VM only after its restore, with the button *Start VM* of the result. "
        "Otherwise run `virtctl start VM -n NAMESPACE`."
    ),
    "create-snapshot": (
        "I take a snapshot only as the safety snapshot of a restore: *Snapshot current state "
        "first*. Otherwise apply a VirtualMachineSnapshot with `kubectl`, or use the console."
    ),
    "delete-snapshot": (
        "I never delete snapshots. Use `kubectl delete vmsnapshot NAME -n NAMESPACE`, or the "
        "console."
    ),
    "clone": "I do not clone VMs. Apply a VirtualMachineClone with `kubectl`, or use the console.",
}

# By direct message, when the channel is lost

DM_HEADING: Final = "Your VM restore: news by direct message"
DM_CHANNEL_LOST: Final = "I cannot write in {channel} any more, so I tell you here."
DM_THREAD_DELETED: Final = "The thread in {channel} was deleted, so I tell you here."
DM_TEXT: Final = "{owner} Restore of VM {vm}: {state}\n{why}"
DM_WHICH: Final = "• VM {vm} in {namespace} from snapshot {snapshot}, for {owner}: {state}"
DM_RUNS: Final = "The restore goes on in the cluster. I tell you here how it ends."
DM_LIVE: Final = "Nobody can be asked there any more. Nothing is restored without a confirmation."
