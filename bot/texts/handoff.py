"""The texts of handing over, taking over and the shift report."""

from typing import Final

# The offer

OFFER_HEADING: Final = "Handoff offered"
OFFER_TEXT: Final = "{taker} {owner} offers you the restore of VM {vm}: {state}"
OFFER: Final = (
    "{taker} {owner} asks you to go on with this restore. The offer stands until {until}."
)
OFFER_OVER: Final = "The restore of VM {vm} was offered to somebody else."
OFFER_UNTIL: Final = (
    "Open until {until}. Until you accept, {owner} keeps the restore and answers its questions."
)
ACCEPTING: Final = (
    "*If you accept*, you alone answer and confirm. What {owner} chose, typed or confirmed counts for "
    "nothing then: everything is checked again and you are shown what will be lost."
)
ACCEPTING_STOPPING: Final = (
    "*If you accept*, you alone answer and confirm. The stop of the VM goes on; what else {owner} chose "
    "or typed counts for nothing then: everything is checked again and you are shown what will be lost."
)
ACCEPTING_CONFIRMED: Final = (
    "*If you accept*, you look after it to its end. Both confirmations are in: what {confirmer} "
    "confirmed is carried out, and you are asked if it takes too long."
)
ACCEPTING_ENDED: Final = (
    "*If you accept*, you decide what happens next: the buttons of the result become yours."
)

NOT_TAKEN: Final = "{owner} the restore of VM {vm} is still yours. {why}"
NOT_TAKEN_OVER: Final = "The restore of VM {vm} stayed with its owner. {why}"

# The brief

BRIEF_STATE: Final = "*State*: {state}"
BRIEF_DEADLINE: Final = "*Deadline*: the open question expires without an answer at {until}"
BRIEF_LOST: Final = (
    "*What will be lost*: all changes made after {created}, once both confirmations are in"
)
BRIEF_LOST_UNKNOWN: Final = (
    "*What will be lost*: all changes made after the snapshot, once both confirmations are in"
)
BRIEF_BEING_LOST: Final = "*What is being lost*: all changes made after {created}"
BRIEF_STOPPED: Final = (
    "*What not to do*: do not start the VM. It was stopped for this restore and cannot be restored "
    "while it runs."
)
BRIEF_RUNNING: Final = (
    "*What not to do*: do not start the VM and do not delete {job}. Neither brings back the state "
    "before."
)
BRIEF_FAILED: Final = "*What not to do*: do not start the VM until the restore issue is resolved."
BRIEF_BEFORE: Final = "*What not to do*: do not start a restore of this VM by other means as long as this one is open."

# The handoff

HANDED_HEADING: Final = "Restore handed over"
TAKEN_HEADING: Final = "Restore taken over"
ACCEPTED: Final = "The restore of VM {vm} is with {taker} now, who accepted it from {giver}."
TAKEN: Final = "The restore of VM {vm} is with {taker} now, who took it over from {giver}."
FROM_NOW_ON: Final = (
    "{taker}, you alone answer and confirm from now on. What {giver} chose, typed or confirmed counts "
    "for nothing: everything is checked again, and the card that follows shows you what will be lost."
)
WHILE_STOPPING: Final = (
    "{taker}, you alone answer and confirm from now on. The stop of the VM goes on; what else {giver} "
    "chose or typed counts for nothing: everything is checked again, and the card that follows shows "
    "you what will be lost."
)
CARRIED_OUT: Final = (
    "{taker}, you look after it from now on. Both confirmations are in: what {confirmer} confirmed is "
    "carried out, and you are asked if it takes too long."
)
DECIDES: Final = "{taker}, you decide what happens next: the buttons of the result are yours now."

# What one person is told

HAND_OVER_TITLE: Final = "Hand this restore over?"
HAND_OVER_DIALOG: Final = (
    "The restore of VM {vm} is offered to the person you chose. It stays yours until they accept."
)
HAND_OVER_YES: Final = "Offer it"
TAKE_OVER_TITLE: Final = "Take this restore over?"
TAKE_OVER_DIALOG: Final = "You become the one who answers and confirms for VM {vm}. The present owner is told in the thread."
NOT_YOURS: Final = (
    "Only {owner} can answer for this restore of VM {vm}. Nothing was changed. You are on call: take "
    "over with the button below, or with `take over` said to me in its thread."
)
OFFERED: Final = "The restore of VM {vm} is offered to {taker}. It stays yours until they accept."
TAKER_MAY_NOT: Final = (
    "❌ *Nothing was offered*: {taker} cannot go on with the restore of VM {vm}. They would be told: "
    "“{text}”"
)
NOT_A_PERSON: Final = (
    "❌ *Nothing was offered*: I cannot tell whom you mean by {name}. Choose the person with *Hand over "
    "to…* on the first card of the restore, or mention them and me in its thread."
)
NOTHING_TO_HAND_OVER: Final = "You have no restore that could be handed over. `handoff` without a name shows what is under way."
NOT_YOURS_TO_GIVE: Final = "Only {owner} can hand over the restore of VM {vm}. Nothing was changed."
WHICH_TO_HAND_OVER: Final = (
    "Which of your restores? Mention me and the person in its thread, or name the VM:"
)
NOTHING_TO_TAKE_OVER: Final = "There is no restore that you could take over."
WHICH_TO_TAKE_OVER: Final = "Which restore? Say `take over` to me in its thread, or name the VM:"
ONE_TO_CHOOSE: Final = "• VM {vm} in {namespace}, of {owner}: {state}. See {thread}."
TAKEN_OVER_SINCE: Final = (
    "The restore of VM {vm} has passed on to {owner} meanwhile, so nothing was changed."
)
NOT_FOR_A_BOT: Final = (
    "❌ *Nothing was offered*: I cannot have it, a restore is handed to a person. `handoff` without a "
    "name shows what is under way."
)
OUTSIDE_PUBLIC: Final = (
    "❌ *Nothing was changed*: you are not in {channel}, where the restore of VM {vm} is answered. Join "
    "it, then do this again."
)
OUTSIDE_PRIVATE: Final = (
    "❌ *Nothing was changed*: you are not in {channel}, where the restore of VM {vm} is answered. Ask "
    "somebody in it to invite you, then do this again."
)
OUTSIDE_UNKNOWN: Final = (
    "❌ *Nothing was changed*: Slack does not tell me whether you are in {channel}, where the restore of "
    "VM {vm} is answered. Try again in a minute."
)
UNREACHABLE: Final = (
    "❌ *Nothing was changed*: the restore of VM {vm} is answered in a direct message with me, and Slack "
    "opens none with {taker}."
)
YOURS_NOW: Final = "The restore of VM {vm} is yours now. Its thread shows how it stands."

# By direct message

COPY_WHERE: Final = (
    "It is answered in {thread} in {channel}. Before you accept: join the channel, or ask {owner} to "
    "invite you."
)
COPY_OVER: Final = "The restore of VM {vm} was offered to you."
DM_LEFT: Final = "It goes on where they can read it, so the cards here count for nothing any more."

# The shift report

REPORT_HEADING: Final = "Shift report"
REPORT_TEXT: Final = (
    "Shift report: {waiting} waiting for somebody, {running} running, {ended} ended."
)
REPORT_SINCE: Final = "What has ended since {since}, and how things stand at {now}."
REPORT_ONLY_YOURS: Final = "Only what {asker} may see is counted and listed."
WAITING: Final = "*Waiting for somebody* ({count})"
RUNNING: Final = "*Running* ({count})"
ENDED: Final = "*Ended* ({count})"
LEFT: Final = "*Left behind by these* ({count})"
NOTHING: Final = "• nothing"
WAITS: Final = (
    "• {owner}: VM {vm} in {namespace} from snapshot {snapshot} {state}; expires without an answer at "
    "{until}. See {thread}."
)
WAITS_ON: Final = (
    "• {owner}: VM {vm} in {namespace} from snapshot {snapshot}: {state}. See {thread}."
)
RUNS: Final = (
    "• VM {vm} in {namespace} from snapshot {snapshot}, for {owner}: {state}, since {since}. "
    "See {thread}."
)
OFFERED_TO: Final = "Offered to {taker} until {until}."
ONCE: Final = "• {result}: VM {vm} in {namespace} from snapshot {snapshot}, {when}. See {thread}."
LEFT_VOLUMES: Final = "• VM {vm} in {namespace}: volumes of the state before: {names}"
LEFT_NEEDED: Final = (
    "• VM {vm} in {namespace}: volumes it used before, to be kept when last looked up: {names}"
)
LEFT_MADE: Final = "• VM {vm} in {namespace}: volumes of a restore that did not succeed: {names}"
LEFT_UNKNOWN: Final = "• VM {vm} in {namespace}: in an unknown state, perhaps half restored"
LEFT_SAFETY: Final = "• VM {vm} in {namespace}: safety snapshot {names}"
LEFT_STOPPED: Final = "• VM {vm} in {namespace}: stopped for the restore, not started again by me"
LEFT_FAILED: Final = "• VM {vm} in {namespace}: restore object {names}, which did not succeed"
