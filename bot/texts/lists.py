"""The texts of list, status, history and help: what only the asker sees."""

from collections.abc import Mapping
from typing import Final

AND_MORE: Final = "• and {count} more"
NARROW: Final = "• and {count} more, narrow it with {command}"

# What list shows of snapshots

SNAPSHOTS_HEADING: Final = "Snapshots"
SNAPSHOTS_OF_VM: Final = "Snapshots of VM {vm} in {namespace}: {count}"
SNAPSHOTS_IN_NAMESPACE: Final = "Snapshots in namespace {namespace}: {count}"
NEWEST_FIRST: Final = "{what}, the newest first."
NO_SNAPSHOTS: Final = (
    "VM {vm} in namespace {namespace} has no snapshots, so there is nothing to restore it from."
)
NO_SNAPSHOTS_HERE: Final = "There are no snapshots in namespace {namespace}."
ONE_SNAPSHOT: Final = "• {snapshot}: {state}. Created {created}, {age}."
ONE_SNAPSHOT_OF: Final = "• {snapshot} of VM {vm}: {state}. Created {created}, {age}."
USABLE: Final = "ready to use"
NOT_USABLE: Final = "not ready (status: {status})"
CONTENT_LOST: Final[Mapping[str, str]] = {
    "gone": "*not* usable: its content does not exist any more, and with it the data is lost",
    "going": "*not* usable: its content is being deleted, and with it the data",
}
SNAPSHOT_ERROR: Final = "Error: {error}."
BEING_DELETED: Final = "being deleted"
CONSISTENCY: Final = "Consistency: {level} ({why})."
NO_DISKS: Final = "No disks: configuration only."
DISKS_ONE: Final = "1 disk: {disks}."
DISKS_MANY: Final = "{count} disks: {disks}."
TO_RESTORE: Final = "To restore the newest one that is ready: {command}"
VM_IS_GONE: Final = "VM {vm} does not exist any more. {how}"
SEARCH_THEM: Final = "the list that {command} offers, which can be searched"

# What list shows of VMs

NO_SUCH_VM: Final = "There is no VM {vm} where you may restore."
NO_SUCH_VM_IN: Final = "There is no VM {vm} in namespace {namespace}, and no snapshot of one."
CLUSTER_REFUSES: Final = "❌ *Nothing can be listed*: the cluster does not let me look ({what})."
NOTHING_IN: Final = (
    "I see no VM and no snapshot in namespace {namespace}: perhaps there is no such namespace."
)
IT_IS_IN: Final = "A VM of that name is in {namespaces}. Did you mean {command}?"
DID_YOU_MEAN: Final = "Did you mean {names}?"
WHICH_NAMESPACE: Final = "VM {vm} exists in several namespaces: {namespaces}. Which one? Write:"
OVERVIEW_HEADING: Final = "VMs that you may restore"
OVERVIEW: Final = "You may restore {count} from here."
OVERVIEW_IN_PART: Final = "You may restore {count} from here, as far as the clusters answer."
VMS_ONE: Final = "1 VM"
VMS_MANY: Final = "{count} VMs"
OVERVIEW_LINE: Final = "• Namespace {namespace}: {count}: {vms}"
OVERVIEW_LINE_ON: Final = "• Namespace {namespace} on cluster {cluster}: {count}: {vms}"
OVERVIEW_NOTHING: Final = "• Cluster {cluster}: no VM where you may restore"
OVERVIEW_AWAY: Final = "• ⚠️ Cluster {cluster} cannot be asked just now"
OVERVIEW_NEXT: Final = "To see the snapshots of one: {command}"

# status

STATUS_HEADING: Final = "Restores under way"
STATUS_TEXT: Final = "Restores under way: {count}"
NOTHING_RUNS: Final = "No restore is under way that you may see."
NOTHING_RUNS_OF: Final = "No restore of VM {vm} is under way that you may see."
RUNS: Final = (
    "• VM {vm} in {namespace} from snapshot {snapshot}, for {owner}: {state}, since {since}. "
    "See {thread}."
)
RUNS_UNTIL: Final = (
    "• VM {vm} in {namespace} from snapshot {snapshot}, for {owner}: {state}, since {since}; "
    "expires without an answer at {until}. See {thread}."
)
NOTHING_READ: Final = "Of the restores under way I can read, you may see none."
NEWER_ONE: Final = (
    "⚠️ 1 restore is kept by a newer release, which I cannot read. It goes on when that "
    "release runs again."
)
NEWER_MANY: Final = (
    "⚠️ {count} restores are kept by a newer release, which I cannot read. They go on when "
    "that release runs again."
)
LOST: Final = (
    "⚠️ The record of 1 restore cannot be read. Its owner is told what becomes of it.",
    "⚠️ The records of {count} restores cannot be read. Their owners are told what becomes of them.",
)
STATUS_PHASES: Final[Mapping[str, str]] = {
    "gathering": "looking for what is missing",
    "checking": "checking the VM and the snapshot",
    "stop-choice": "waits for the choice whether to stop the VM",
    "stopping": "stopping the VM",
    "typing": "waits for the snapshot's name to be typed",
    "confirming": "waits for *Restore VM now*",
    "protecting": "taking the safety snapshot",
    "restoring": "restoring",
}
STATUS_GATHERING: Final = "waits for what is missing (VM, namespace or snapshot)"
STATUS_STOP_OVERDUE: Final = "the VM does not stop, waits for an answer"
STATUS_OVERDUE: Final = "restoring for longer than expected, waits for an answer"
THREAD: Final = "its thread"
THREAD_IN: Final = "its thread in {channel}"
THREAD_IN_DM: Final = "its thread in a direct message"

# history

HISTORY_HEADING: Final = "Earlier restores"
HISTORY_TEXT: Final = "Earlier restores that you may see: {count}"
HISTORY_TEXT_OF: Final = "Earlier restores of VM {vm}: {count}"
NO_HISTORY: Final = "No earlier restore is known that you may see."
NO_HISTORY_OF: Final = "No earlier restore of VM {vm} is known that you may see."
ONCE: Final = (
    "• {result}: VM {vm} in {namespace} from snapshot {snapshot}, for {owner}. "
    "Ended {when}, {duration} after it was asked for. See {thread}."
)

# help

HELP_HEADING: Final = "Restore a VM from a snapshot"
HELP_TEXT: Final = "How to restore a VM from a snapshot: examples, and what else there is."
HELP_INTRO: Final = (
    "I restore KubeVirt VMs from snapshots, step by step, in a thread. Nothing is restored before "
    "you have typed the snapshot's name and pressed *Restore VM now*."
)
HELP_ASK: Final = "*How to ask*"
HELP_COMMANDS: Final = "*What else there is*"
HELP_PLACES: Final = "*What works where*"
EXAMPLE_VM: Final = "database-01"
EXAMPLE_NAMESPACE: Final = "production"
EXAMPLE_SNAPSHOT: Final = "pre-upgrade-snapshot"
COMMAND_EXAMPLE: Final = "{command} {vm} from {snapshot} in {namespace}"
SHORT_EXAMPLE: Final = "{command} {namespace}/{vm} {snapshot}"
PHRASE_EXAMPLE: Final = "@{bot} restore {vm} from snapshot {snapshot}"
LIST_IN_EXAMPLE: Final = "{command} list in NAMESPACE"
LIST_EXAMPLE: Final = "{command} list {vm} in {namespace}"
RESTORE_EXAMPLE: Final = "{command} {vm} in {namespace}"
ON_CLUSTER: Final = "{example} --cluster {cluster}"
IN_THREADS_TOO: Final = "{example} (in threads too)"
DESCRIBED_EXAMPLE: Final = "@{bot} roll back {vm} to pre-upgrade snapshot"
LEFT_OUT: Final = (
    "What you leave out is asked for: VM, namespace, snapshot. `{command}` alone opens a form."
)
HELP_LINES: Final = (
    "`{command} list` shows the VMs that you may restore.",
    "`{command} list VM` shows its snapshots, `{command} list in NAMESPACE` those of all its VMs.",
    "`{command} status` shows what is under way.",
    "`{command} history` shows what has ended, `{command} history VM` what became of one VM.",
    "`{command} cancel` cancels your restore, `{command} cancel VM` the one of that VM.",
    "`{command} handoff @NAME` offers your restore to somebody; alone it shows the shift report.",
    "`{command} take over VM` takes over a restore, if you are on call.",
    "`-n` or `--namespace`, `--snapshot` and `--cluster` work as well.",
)
PLACES_LINES: Final = (
    "`{command}` works in channels and direct messages; Slack does not take it in threads.",
    "In threads mention me: `@{bot} status`. A restore asked for in a thread stays in it.",
    "My questions are answered in the thread of the restore, by the person whose restore it is.",
)
NOT_UNDERSTOOD: Final = "I did not understand that."
TRY_THESE: Final = "These work, for example:"
REPLY_IN_THREAD: Final = (
    "That was not taken as an answer: my question about the restore of VM {vm} is asked in "
    "{thread}. Please reply there."
)
