"""The texts of results: how a restore ended, and what can be done then."""

from collections.abc import Mapping
from typing import Final

NOT_ENDED: Final = "VM {vm}: {state}"
RESTORED: Final = "{owner}, VM {vm} is back at snapshot {snapshot}."
CHECK_IT: Final = "{owner}, the cluster calls the restore of VM {vm} complete. Check its data before you rely on it."
NOT_RESTORED_YET: Final = "{owner}, the restore of VM {vm} failed. Leave the VM as it is for now."
FAILED_AND_LIVE: Final = "{owner}, the restore of VM {vm} failed, and the VM is live: stop it now."
FAILED_WITHOUT_VM: Final = "{owner}, the restore of VM {vm} failed, and the VM is gone."
NOTHING_RESTORED: Final = "{owner}, nothing was restored to VM {vm}."
OVER: Final = "{owner}, the restore of VM {vm} is over."
CANCELLED_PRESERVED: Final = "Operation cancelled. Current VM state preserved."
PRESERVED: Final = "Current VM state preserved."
CANCELLED_STOPPED: Final = (
    "Operation cancelled. Disks and configuration are preserved; a stop was sent to the guest."
)
PRESERVED_BUT_STOPPED: Final = (
    "Disks and configuration are preserved; a stop was sent to the guest."
)
OPERATION_CANCELLED: Final = "Restore operation cancelled."
CURRENT_STATE: Final = "*Current VM State*: {state}"
STATE_UNKNOWN: Final = "UNKNOWN - may be partially restored or unchanged"
STATE_UNCHANGED: Final = "unchanged - no restore was started"
DO_NOT_START: Final = "*CRITICAL*: Do not start VM until restore issue is resolved"
STOP_IT: Final = (
    "*CRITICAL*: The VM is live on disks that may be half restored. Stop it now, and leave it stopped "
    "until the restore issue is resolved: {command}"
)
STOP_COMMAND: Final = "virtctl stop {vm} -n {namespace}"
VM_STATUS: Final = "*VM Status*: {status}"
FOUND: Final = "*Found*: {found}"
EXPECTED: Final = "*Expected*: {expected}"
NEXT: Final = "*Next*: {next}"
CHOICES: Final = "*Snapshots of the VM*: {names}"

# Success

SUCCEEDED_HEADING: Final = "✓ VM Restored Successfully"
SUCCEEDED_TEXT: Final = "✓ VM {vm} in {namespace} restored successfully from snapshot {snapshot}."
RESTORED_FROM: Final = "*Restored From*: Snapshot {snapshot}"
DETAILS: Final = "*Restore Details*"
SNAPSHOT_CREATED: Final = "• *Snapshot Created*: {when}"
COMPLETED: Final = "• *Restore Completed*: {when}"
LEARNT_LATER: Final = "• *I learnt of it*: {when}. What happened to the VM since is not undone."
FILLED: Final = "• *Filled*: yes, all volumes that were restored ({total}) are bound"
FILLED_LATER: Final = "• *Filled*: not yet; {count} of {total} volumes are filled at first boot"
VERIFIED: Final = (
    "• *Verified*: the VM's disks are the restored volumes. Nobody has looked into the guest."
)
AGENT_SEEN: Final = "• *Guest agent*: it answered after the start, at {when}"
NOT_VERIFIED: Final = "• *Filled*, *Verified*: not known"
DETACHED: Final = "• ⚠️ *Verified*: no. The VM does not use the restored volumes {volumes}"
STATUS: Final = "• *VM Status*: {status}"
STATUS_NOT_READ: Final = "not read yet"
LOSS: Final = "*Data Loss Confirmation*"
LOST: Final = "• ⚠️ All changes made after {created} have been lost"
LOST_UNPROVEN: Final = (
    "• ⚠️ If the data is the snapshot's, all changes made after the snapshot have been lost"
)
LOST_WITHOUT_TIME: Final = "• ⚠️ All changes made after the snapshot have been lost"
UNPROVEN_HEADING: Final = "⚠️ Restore Complete, Not Proven"
UNPROVEN_TEXT: Final = (
    "⚠️ VM {vm} in {namespace}: the restore from snapshot {snapshot} is complete, as the cluster "
    "reports; not proven."
)
UNPROVEN: Final = (
    "⚠️ *Complete, as the cluster reports; not proven*: {why}. Check the data before you rely on it."
)
NOT_ROLLED_BACK: Final = (
    "• ⚠️ Not rolled back, because not in the snapshot; they keep their data: {disks}"
)
WERE_DELETED: Final = "• 🔴 Deleted by the cluster, with DataVolume and claim, because added after the snapshot: {disks}"
LEFT_OUT_ONCE: Final = "• ⚠️ Not in the snapshot: {disks}"
PENDING: Final = (
    "⚠️ *Volumes that are filled at first boot*: {volumes}. "
    "Do not delete snapshot {snapshot} before the VM has started once."
)
LEFTOVERS: Final = (
    "*Volumes left over*: {volumes}. The VM used them before. Nobody has looked who needs them now."
)
LEFT: Final = "*Volumes that the VM used before* (looked up at {when}):"
LEFT_WATCHED: Final = (
    "*Volumes that the VM used before* (looked up at {when}; kept current for {hours} hours):"
)
LEFT_MADE: Final = "*Volumes that this restore made* (looked up at {when}; they use space):"
LEFT_LINES: Final[Mapping[str, str]] = {
    "used": "• In use, keep: {claims}",
    "only-copy": "• ⚠️ Keep: not in the snapshot, so the only copy of a disk: {claims}",
    "unfilled": (
        "• ⚠️ Keep until the VM has started once: the restored disk is not filled yet: {claims}"
    ),
    "unproven": "• ⚠️ Keep: nothing shows that the restored disk holds the data: {claims}",
    "owned": (
        "• Belongs to another object, which makes it again or takes it along when it goes: {claims}"
    ),
    "going": "• Being deleted by the cluster: {claims}",
    "dump": "• A dump of the guest's memory, not part of any restore: {claims}",
    "made": "• Not used by the VM; whether it is whole, or used by others, was not looked up: {claims}",
    "unsure": "• Keep: it was not possible to look who uses it: {claims}",
}
LEFT_ONE: Final = "{claim} ({by})"
LEFT_MORE: Final = "• and {count} more claims"
LEFT_WITHOUT_STATE: Final = (
    "• ⚠️ They are no undo by themselves: the vTPM and EFI state that belonged to them is deleted."
)
FREE: Final = (
    "• No VM, VMI or pod of the namespace uses {claims}. They hold the state before the restore and "
    "use space until removed. Once you are sure that nobody needs them:"
)
FREE_ONCE: Final = (
    "• No VM, VMI or pod of the namespace used {claims} then. They hold the state before the restore "
    "and use space until removed."
)
FREE_FIRST: Final = "The first {count} of them:"
REMOVE: Final = "kubectl delete pvc -n {namespace} {names}"
NEXT_STEPS: Final = "*Next Steps*"
TO_START: Final = "*To start the restored VM:*"
START_IT: Final = "Start VM {vm} in namespace {namespace}: press *Start VM*."
TO_UNDO: Final = "*To undo the restore:*"
UNDO_IT: Final = (
    "Safety snapshot {safety} holds the state before. *Undo* opens a new restore from it, "
    "with all checks and both confirmations."
)

UNDO_NEEDS_NAMES: Final = (
    "Before that, the setting `rules.volume_policy` must be removed: with `PrefixTargetName` the "
    "names are taken now, and the undo would be refused."
)

# Failure

FAILED_HEADING: Final = "❌ VM Restore Failed"
NOT_RESTORED_HEADING: Final = "❌ Complete, but Not Restored"
FAILED_TEXT: Final = "❌ VM Restore Failed: VM {vm} in {namespace}, snapshot {snapshot}\n{error}"
ERROR: Final = "*Error*: {error}"
NO_ERROR: Final = "the cluster gave no reason"
RECOVERY: Final = (
    "*Recovery Options:*",
    "1. Try restore again after resolving the error",
    "2. Restore from a different snapshot",
    "3. Contact cluster admin for investigation",
)
RECOVERY_WITHOUT_VM: Final = ("*Recovery Options:*", "1. Contact cluster admin for investigation")
BLOCKER: Final = "The failed restore object {name} would block every other restore of this VM."
BLOCKER_GOES: Final = "*Try again* removes it, then goes through all checks and confirmations anew."

# Cancelled, expired

NAMES_HEADING: Final = "❌ Confirmation Failed"
NAMES_TEXT: Final = (
    "❌ Confirmation Failed: names do not match. Restore of VM {vm} cancelled for safety."
)
YOU_TYPED: Final = "*You typed*: {typed}"
THEY_TYPED: Final = "*{by} typed*: {typed}"
NAME_EXPECTED: Final = "*Expected*: {snapshot}"
NAMES_DIFFER: Final = "Names do not match. Restore cancelled for safety."
HINT: Final = "💡 *Hint*: {hint}"
CANCELLED_HEADING: Final = "Restore Cancelled"
CANCELLED_TEXT: Final = "Restore of VM {vm}: {said}"
CANCELLED_BY_USER: Final = "Restore operation cancelled by user."
CANCELLED_BY: Final = "*Cancelled by*: {by}"
CANCELLED_BY_OPERATOR: Final = "*Cancelled by*: {operator}, who runs me, in a terminal"
TYPED_INSTEAD: Final = "Something was typed where only the button *Restore VM now* counts."
EXPIRED_HEADING: Final = "⌛ Restore Expired"
EXPIRED_TEXT: Final = (
    "⌛ Nobody answered: the restore of VM {vm} has expired. Nothing was restored."
)
EXPIRED_TEXT_TOUCHED: Final = "⌛ The restore of VM {vm} has expired."
NOBODY_ANSWERED: Final = "Nobody answered in time, so the request has expired."

# What the bot's own stop left behind

IS_STOPPED: Final = "⚠️ VM {vm} is *stopped*: I stopped it for this restore at {when}."
IS_STOPPING: Final = "⚠️ VM {vm} is *stopping*: the stop sent at {when} cannot be taken back."
STOP_FAILED: Final = "⚠️ A stop was sent to VM {vm} at {when}, and failed: {error}"
IN_SHORT_STOPPED: Final = "The VM is stopped."
IN_SHORT_STOPPING: Final = "The VM is stopping."
WAS_STRATEGY: Final = "Run strategy before the stop: {strategy}"
WAS_ONCE: Final = (
    "Run strategy before the stop: {strategy}. A start makes it `Always`: the cluster then starts the VM "
    "again whenever its guest ends."
)
STARTED_ONCE: Final = "Its run strategy is `Always` now. Before the stop it was {strategy}."
START_OFFERED: Final = "Press *Start VM again* if it should run."
NOT_TOUCHED: Final = "I did not stop or change the VM."
NOT_TOUCHED_AGAIN: Final = "This time I did not stop or change the VM."

# What else is left behind

GONE: Final = "deleted - the VM does not exist any more"
SAFETY_READY: Final = (
    "*Safety snapshot*: {name} holds the state before the restore. "
    "It stays until somebody removes it."
)
SAFETY_BEGUN: Final = (
    "*Safety snapshot*: {name} was begun. It may not be ready, and stays until somebody removes it."
)
SAFETY_UNSURE: Final = "*Safety snapshot*: {name} may have been begun; if so, it stays."

# Starting after the end

STARTING: Final = "⏳ Starting VM {vm}, as {by} asked…"
STARTED: Final = "✓ VM {vm} started by {by}"
STARTED_LATE: Final = (
    "⚠️ {by}, VM {vm} was started and does not run yet.\nIt was started at {since}."
)
AGENT_ANSWERS: Final = "It runs (seen at {when}), and its guest agent answers."
NO_AGENT_YET: Final = (
    "It runs (seen at {when}). Its guest agent has not answered so far, and not every guest has one; "
    "I look until {until}."
)
START_FAILED: Final = "❌ VM {vm} could not be started: {error}"
EARLIER_END: Final = (
    "An earlier end of this restore of VM {vm}: the cluster had no restore object then. It has appeared "
    "since, and is told below."
)
EARLIER_START: Final = "An earlier attempt to start VM {vm} did not succeed."
NO_START: Final = "No start of VM {vm} was asked for."

# Refusals

REFUSED_TEXT: Final = "{heading}: VM {vm}\n{found}\nRestore operation cancelled."
REFUSED_WITHOUT_WORDS: Final = "Snapshot {snapshot}."
REFUSED_HEADING: Final = "❌ Restore Refused"
HEADINGS: Final[Mapping[str, str]] = {
    "not_permitted": "❌ Not Permitted",
    "frozen": "❌ Restores Are Frozen",
    "kubevirt_missing": "❌ KubeVirt Not Found",
    "vm_not_found": "❌ VM Not Found",
    "vm_being_deleted": "❌ VM Is Being Deleted",
    "vm_moved": "❌ VM Lives Elsewhere",
    "vm_migrating": "❌ VM Is Migrating",
    "vm_waits_as_receiver": "❌ VM Waits for a Migration",
    "snapshot_not_found": "❌ Snapshot Not Found",
    "snapshot_being_deleted": "❌ Snapshot Is Being Deleted",
    "snapshot_of_other_vm": "❌ Snapshot of Another VM",
    "snapshot_not_ready": "❌ Snapshot Not Ready",
    "snapshot_content_missing": "❌ Snapshot Content Missing",
    "snapshot_content_being_deleted": "❌ Snapshot Content Is Being Deleted",
    "volume_snapshot_missing": "❌ Volume Snapshot Missing",
    "volume_snapshot_not_ready": "❌ Volume Snapshot Not Ready",
    "volume_snapshot_being_deleted": "❌ Volume Snapshot Is Being Deleted",
    "claim_being_deleted": "❌ Volume Is Being Deleted",
    "storage_class_missing": "❌ Storage Class Missing",
    "namespace_being_deleted": "❌ Namespace Is Being Deleted",
    "vm_recreated": "❌ VM Was Re-created",
    "configuration_only": "❌ Snapshot Holds No Disks",
    "restore_in_progress": "❌ Another Restore Is in Progress",
    "snapshot_in_progress": "❌ A Snapshot Is in Progress",
    "quota_exceeded": "❌ Quota Too Small",
    "object_quota_exceeded": "❌ Quota Used Up",
    "name_taken": "❌ Volume Name Is Taken",
    "rbac_forbidden": "❌ Cluster Permission Missing",
    "policy_denied": "❌ Denied by a Policy of the Cluster",
    "snapshot_gate_off": "❌ Snapshots Are Switched Off",
    "admission_refused": "❌ Cluster Would Refuse the Restore",
    "held_by_other": "❌ VM Is Held by Another Restore",
    "too_many_open": "❌ Too Many Open Restores in This Namespace",
    "changed_since_confirmation": "❌ Changed Since Confirmation",
    "vm_started": "❌ VM Was Started",
    "confirmation_too_old": "❌ Confirmation Too Old",
    "names_differ": NAMES_HEADING,
    "cancelled_by_user": CANCELLED_HEADING,
    "cancelled_by_operator": CANCELLED_HEADING,
    "typed_instead": CANCELLED_HEADING,
    "no_answer": EXPIRED_HEADING,
    "too_many_questions": "❌ Too Many Questions",
    "cluster_unreachable": "❌ Cluster Not Reachable",
    "slack_unreachable": "❌ Slack Does Not Answer",
    "channel_unreachable": "❌ Thread Not Reachable",
    "stop_refused": "❌ VM Could Not Be Stopped",
    "create_refused": "❌ Cluster Refused the Restore",
    "restore_failed": FAILED_HEADING,
    "not_restored": NOT_RESTORED_HEADING,
    "restore_deleted": "❌ Restore Object Was Deleted",
    "perhaps_made": "❌ Not Known Whether the Restore Was Made",
    "restore_given_up": "❌ Restore Was Given Up",
    "vm_deleted": "❌ VM Was Deleted",
    "record_lost": "❌ Record of the Restore Is Lost",
}
NOT_FOUND: Final = "*Snapshot*: {snapshot} does not exist in namespace {namespace}."
TO_LIST: Final = "*To list available snapshots:*"
LIST_THEM: Final = "Press *Another snapshot* to choose among the snapshots of VM {vm}."
DID_YOU_MEAN: Final = "*Did you mean*: {names}"
SNAPSHOT: Final = "*Snapshot*: {snapshot}"
SNAPSHOT_STATUS: Final = "*Status*: {status}"
READY_TO_USE: Final = "*Ready to Use*: {ready}"
NOT_READY: Final = (
    'Snapshot is not ready for restore. Only snapshots with "Succeeded" phase and '
    "readyToUse=true can be used."
)
CONFIRMED_VS_NOW: Final = "Everything was read again just before the restore, and it differs:"
