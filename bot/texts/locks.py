"""What holds a VM: a restore or a snapshot of it, or only the mark of one, and what frees it.

And what fills its namespace.
"""

from typing import Final

from bot.texts.refusals import RefusalText

NO_RESTORE: Final = "No other unfinished restore of this VM."
NO_SNAPSHOT: Final = "No snapshot in progress."
MADE_BY: Final = ", asked for by Slack user `{user}` as its annotation says"

RESTORE_IN_PROGRESS: Final = RefusalText(
    "VirtualMachineRestore `{name}` of this VM is in progress{by}.",
    NO_RESTORE,
    "Wait for it to end; if it failed or is stuck, somebody must delete that object first.",
)
CLONE_IN_PROGRESS: Final = RefusalText(
    "VirtualMachineClone `{clone}` restores this VM by VirtualMachineRestore `{name}`.",
    NO_RESTORE,
    "Wait for the clone to end. If it is stuck or not wanted, its maker must delete the "
    "VirtualMachineClone: it would make its restore again.",
)
RESTORE_FAILED: Final = RefusalText(
    "VirtualMachineRestore `{name}` of this VM has failed and was not removed{by}. KubeVirt says: {said}",
    NO_RESTORE,
    "It blocks every other restore until somebody deletes that object. That rolls nothing back.",
)
RESTORE_STUCK: Final = RefusalText(
    "VirtualMachineRestore `{name}` of this VM does not get on{by}. KubeVirt says: {said}",
    NO_RESTORE,
    "KubeVirt tries again by itself. If what it says does not pass, its maker or a cluster admin must "
    "delete that object first.",
)
RESTORE_WAITS: Final = RefusalText(
    "VirtualMachineRestore `{name}` of this VM waits until the VM is stopped, and begins then{by}. "
    "KubeVirt says: {said}",
    NO_RESTORE,
    "Any stop of this VM begins that restore. If it is not wanted, its maker or a cluster admin must "
    "delete that object first.",
)
RESTORE_GOES: Final = RefusalText(
    "VirtualMachineRestore `{name}` of this VM is being deleted{by}, and still there.",
    NO_RESTORE,
    "Ask again in a minute. If it stays, ask a cluster admin whether virt-controller runs.",
)
RESTORE_COMPLETE: Final = RefusalText(
    "VirtualMachineRestore `{name}` is complete, and VM `{vm}` is still marked with it "
    "(`status.restoreInProgress`). KubeVirt refuses another restore meanwhile.",
    NO_RESTORE,
    "Ask again in a minute. If the mark stays, ask a cluster admin whether virt-controller runs.",
)
RESTORE_ABSENT: Final = RefusalText(
    "VM `{vm}` is marked with VirtualMachineRestore `{name}` (`status.restoreInProgress`), and no such "
    "restore of this VM exists. KubeVirt itself refuses every restore, and every change of the run "
    "strategy, while the mark is there.",
    NO_RESTORE,
    "The mark does not go by itself. Ask a cluster admin to take it away: `kubectl patch vm {vm} -n "
    '{namespace} --subresource=status --type=json -p \'[{{"op":"remove","path":'
    '"/status/restoreInProgress"}}]\'`.',
)
SNAPSHOT_IN_PROGRESS: Final = RefusalText(
    "Snapshot `{name}` of this VM is being taken.",
    NO_SNAPSHOT,
    "Wait until it has ended, then ask again.",
)
SNAPSHOT_IN_ERROR: Final = RefusalText(
    "Snapshot `{name}` of this VM is being taken and has an error: {said}",
    NO_SNAPSHOT,
    "KubeVirt tries again until the snapshot's deadline, 5 minutes if none was set, and frees the VM "
    "then. Ask again after that.",
)
SNAPSHOT_GOES: Final = RefusalText(
    "Snapshot `{name}` of this VM is being deleted, and VM `{vm}` is still locked by it.",
    NO_SNAPSHOT,
    "Ask again in a minute. If the lock stays, ask a cluster admin whether virt-controller runs.",
)
SNAPSHOT_FAILED: Final = RefusalText(
    "Snapshot `{name}` of this VM has failed, and VM `{vm}` is still locked by it.",
    NO_SNAPSHOT,
    SNAPSHOT_GOES.next,
)
SNAPSHOT_COMPLETE: Final = RefusalText(
    "Snapshot `{name}` of this VM is complete, and VM `{vm}` is still marked with it "
    "(`status.snapshotInProgress`). KubeVirt changes no disks meanwhile.",
    NO_SNAPSHOT,
    SNAPSHOT_GOES.next,
)
SNAPSHOT_ABSENT: Final = RefusalText(
    "VM `{vm}` is marked with snapshot `{name}` (`status.snapshotInProgress`), and no such snapshot "
    "exists. KubeVirt itself changes neither disks nor the run strategy while the mark is there, so "
    "that a restore would never end.",
    NO_SNAPSHOT,
    "The mark does not go by itself. Ask a cluster admin to take it away: `kubectl patch vm {vm} -n "
    '{namespace} --subresource=status --type=json -p \'[{{"op":"remove","path":'
    '"/status/snapshotInProgress"}}]\'`.',
)

ON_ITS_WAY: Final = (
    "initializing",
    "creating new pvcs",
    "waiting for new pvcs",
    "updating target spec",
    "waiting for target update",
    "operation complete",
    "automatically stopping restore target",
    "vm restore is deleting",
)
"""What KubeVirt writes into Progressing while a restore goes on; all else is an error that it met."""
WAITS_FOR_A_STOP: Final = "waiting for target"
"""What it writes there, in every release, while the VM of a restore that has not begun still runs."""
HELD_UNREAD: Final = RefusalText(
    "The VM is held by another restore, whose record I cannot read.",
    "One restore of a VM at a time.",
    "Wait until a newer release runs again, then ask again.",
)
HELD: Final = RefusalText(
    "<@{by}> is already restoring this VM, since {since} UTC: {where}",
    "One restore of a VM at a time.",
    "Wait for it to end, or talk to them.",
)
TOO_MANY_OPEN: Final = RefusalText(
    "As many restores are open in namespace `{namespace}` as there may be at once ({limit}): of {vms}.",
    "Room for one more open restore in the namespace.",
    "Wait for one of them to end, or ask its owner to cancel it (`{slash} status` shows whose they "
    "are); then start over.",
)
