"""The short answers that only one person sees, and what is told by direct message."""

from collections.abc import Mapping
from typing import Final

REPLIES: Final[Mapping[str, str]] = {
    "not-yours": "Only {owner} can answer for this restore of VM {vm}. Nothing was changed.",
    "old-card": (
        "Nothing was done: this card of the restore of VM {vm} is out of date. The newest one stands "
        "further down in its thread."
    ),
    "vm-held": (
        "VM {vm} was not started: another restore of it is under way. `{slash} status` shows whose."
    ),
    "press-the-button": (
        "Typing `yes` does not start the restore: press the button *Restore VM now* on the card, "
        "or *Cancel*."
    ),
    "cannot-cancel": (
        "The restore of VM {vm} has already been handed to the cluster and cannot be cancelled: "
        "stopping it half-way would not bring the previous state back. "
        "The thread shows how it goes on."
    ),
    "no-such-name": (
        "That is not a name I can use. Please choose from the list, or reply with the name and "
        "nothing else: lower-case letters, digits, `-` and `.`."
    ),
    "done": "Done. The thread of the restore of VM {vm} shows how it stands.",
    "left-alone": "I took that for conversation and left it alone.",
    "ended": (
        "This restore of VM {vm} has ended, so the button does nothing any more. "
        "Ask again with `{slash}`."
    ),
    "nobody-chosen": "Nobody was chosen, so nothing was offered.",
    "already-yours": "The restore of VM {vm} is yours already. Nothing was changed.",
    "already-offered": (
        "The restore of VM {vm} is offered to that person already. Nothing was changed."
    ),
    "not-offered-to-you": (
        "Only {taker} can accept or decline this offer of the restore of VM {vm}. Nothing was changed."
    ),
    "offer-over": (
        "This offer is over, so nothing was changed. The restore of VM {vm} is with {owner}."
    ),
}
REFUSED: Final = "❌ *Not permitted*: {text} Nothing was started."
PROBLEM: Final = "❌ *Nothing was done.* {text}"
ALREADY_STARTED: Final = "Nothing was done: VM {vm} was started after this restore, which is over."
ALREADY_STARTING: Final = "Nothing was done: VM {vm} is being started already, as {by} asked."
HELD: Final = (
    "❌ *Another restore of VM {vm} is in progress*: it is with {owner}, and was asked for in "
    "namespace {namespace} at {since} (state: {state}). See {thread}. Wait for it to end, or talk to "
    "{owner}."
)
HELD_UNREAD: Final = (
    "❌ *Nothing was started*: this VM is held by another restore, whose record I cannot read. A newer "
    "release may keep it; `{slash} status` shows whether it does."
)
HELD_BY_YOU: Final = (
    "❌ *Your own restore of VM {vm} is in progress*: it was asked for in namespace {namespace} "
    "at {since} (state: {state}). See {thread}. Go on there, or cancel it and ask again."
)
TOO_MANY_OF_YOURS: Final = (
    "❌ *Nothing was started*: you have as many restores open as one person may have at once ({limit}). "
    "End one of them and ask again: write `{slash} cancel VM`, or press *Cancel* in its thread.\n"
    "{open}"
)
TOO_MANY_IN_NAMESPACE: Final = (
    "❌ *Nothing was started*: as many restores are open in namespace {namespace} as there may be at "
    "once ({limit}). Wait for one of them to end, or ask its owner to cancel it in its thread; then ask "
    "again.\n{open}"
)
OPEN_RESTORE: Final = "• VM {vm} in {namespace}, of {owner}: see {thread}"
TOO_OFTEN: Final = (
    "⏳ *You ask faster than I answer*: I take {limit} requests a minute from one person. For a minute I "
    "leave yours aside, but your answers in a restore's thread, its buttons and `cancel` count as always."
)
TOO_OFTEN_HERE: Final = (
    "⏳ *Too many requests come from this channel*: I take {limit} a minute. For a minute I leave them "
    "aside, but not requests for a restore, answers in a restore's thread, its buttons and `cancel`."
)
THIS_THREAD: Final = "its thread"
STORE_DOWN: Final = (
    "❌ *Nothing was done*: I cannot reach my own store just now ({what}), and without it I decide "
    "nothing. Restores that are under way go on by themselves when it is back. "
    "Please try again in a minute."
)
STORE_AWAY: Final = "Redis cannot be reached"
CLUSTER_DOWN: Final = "❌ *Nothing was done*: the cluster cannot be asked just now ({what})."
SLACK_DOWN: Final = (
    "❌ *Nothing was done*: Slack did not tell me who you are, so I cannot tell what you may do. "
    "Please try again in a minute."
)
SLACK_SLOW: Final = (
    "⏳ Slack limits how fast I may ask it who you are and in which user groups. I go on by myself; this "
    "may take a few minutes."
)
INVITE_ME: Final = (
    "❌ *Nothing was started*: I cannot write in {channel}. Type `/invite {bot}` there and ask "
    "again, or ask in a direct message to me."
)
NOTHING_TO_CANCEL: Final = "You have no restore that could be cancelled. Only the person whose restore it is can cancel it."
NOTHING_READ_TO_CANCEL: Final = (
    "Of the restores under way that I can read, you have none that could be cancelled."
)
WHICH_TO_CANCEL: Final = (
    "You have several restores under way: {restores}. Write `{slash} cancel VM`, press *Cancel* "
    "in the thread of the one you mean, or type `cancel` there."
)
NOT_IN_CHANNEL: Final = (
    "❌ *Nothing was started*: you are not in {channel}, or I cannot see that you are. Join it and ask "
    "there, or ask in a channel that you are in."
)
ASKED_IN: Final = (
    "Your request is in {channel}, with a thread of its own: I check it there, and ask you there."
)
UNKNOWN_CLUSTER: Final = "❌ *Nothing was started*: I know no cluster {cluster}. I know: {known}."
TOO_LATE: Final = (
    "❌ *Nothing was done*: your message reached me more than five minutes late, so it may have been "
    "meant for another moment. Please say it again."
)
UNKNOWN_CARD: Final = (
    "I do not know this card any more, so nothing was done. Ask again with `{slash}`."
)
UNREAD_CARD: Final = (
    "Nothing was done: I cannot read the record of this restore. A newer release may keep "
    "it; `{slash} status` shows whether it does."
)
INTERRUPTED: Final = (
    "I was interrupted while I dealt with your click. The newest card of this restore shows how "
    "things stand: if your click is not in it, please press again."
)
LACKS_A_RIGHT: Final = (
    "❌ *I could not do that*: my Slack app lacks the right {scope}. The people who run me can "
    "add it, and find it in the log. Nothing is restored without your confirmation."
)
UNNAMED_RIGHT: Final = "that Slack asks for"
SLACK_REFUSES: Final = (
    "❌ *I could not do that*: Slack refuses me what I need for it ({code}). The people who "
    "run me find it in the log. Nothing is restored without your confirmation."
)
WENT_WRONG: Final = (
    "❌ *Something went wrong on my side*, and it has been logged. "
    "Nothing is restored without your confirmation. Please try again."
)

START_COMMAND: Final = "virtctl start {vm} -n {namespace}"
OTHER_WISHES: Final[Mapping[str, str]] = {
    "freeze": "I cannot freeze restores yet. Ask the people who run me.",
    "unfreeze": "I cannot unfreeze restores yet. Ask the people who run me.",
    "start": (
        "I start a VM only after its restore, with the button *Start VM* of the result. "
        "Otherwise run {command}."
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
STUCK: Final = (
    "⚠️ *I cannot get on with this restore, or say so in its thread*: something fails each time I try. The "
    "people who run me find it in the log. I go on trying, and nothing is restored without a "
    "confirmation. Until then, look at the VM itself: what I know of it may be old."
)
DM_WHICH: Final = "• VM {vm} in {namespace} from snapshot {snapshot}, for {owner}: {state}"
DM_RUNS: Final = "The restore goes on in the cluster. I tell you here how it ends."
DM_LIVE: Final = "Nobody can be asked there any more. Nothing is restored without a confirmation."
