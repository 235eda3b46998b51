"""The texts of the cards of a restore that is under way."""

from collections.abc import Mapping
from typing import Final

# What is missing

ASK: Final = "{owner} *{question}*{until}"
WHICH_VM: Final = "Which VM should be restored?"
WHICH_VM_IN: Final = "Which VM in {namespace} should be restored?"
WHICH_NAMESPACE: Final = "Which namespace is {vm} in?"
WHICH_SNAPSHOT: Final = "Which snapshot of {vm} should it be restored from?"
OR_TYPE: Final = "Choose from the list, or type the name as a reply."
OR_TYPE_THERE: Final = (
    "Choose from the list, or type the name (one word) as a reply in this thread."
)
FOUND_HERE: Final = "VM {vm} exists in one namespace that you may restore in: {value}."
FOUND_IN: Final = "VM {vm} exists in {near}."
DID_YOU_MEAN: Final = "Did you mean {near}?"
NEWEST: Final = "The newest ones: {near}."
LOOKED_FOR: Final = (
    "You described the snapshot as {described}. The list shows the names that fit it, or all if "
    "none does; type to search all of them. Please choose the exact one."
)

# The preview

WARNING_HEADING: Final = "🔴 VM RESTORE - Data Loss Warning"
WARNING_ASK: Final = (
    "{owner}, VM {vm} would go back to snapshot {snapshot}. Type its name to go on.{until}"
)
WARNING_TEXT: Final = (
    "VM RESTORE - Data Loss Warning: VM {vm} in {namespace} would go back to snapshot {snapshot}\n"
    "ALL CHANGES in the last {length} WILL BE LOST. "
    "To proceed with restore, type the snapshot name exactly as shown."
)
WILL_REPLACE: Final = "*⚠️ THIS WILL REPLACE CURRENT VM STATE WITH SNAPSHOT DATA ⚠️*"
WHAT_WILL_HAPPEN: Final = "*What Will Happen*"
VM_TO_RESTORE: Final = "*VM to Restore*: {vm} (namespace: {namespace})"
SNAPSHOT_TO_RESTORE: Final = "*Snapshot to Restore From*: {snapshot}"
CURRENT_STATE: Final = "*Current VM State* (WILL BE LOST):"
LAST_MODIFIED: Final = "• *Last Modified*: {when}"
LAST_MODIFIED_NOTE: Final = "(its configuration; the guest leaves no date)"
LAST_MODIFIED_UNKNOWN: Final = "(not known)"
CHANGES_SINCE: Final = (
    "• *Changes Since Snapshot*: ALL changes made after {created} WILL BE PERMANENTLY LOST"
)
SNAPSHOT_STATE: Final = "*Snapshot State* (WILL BE RESTORED):"
CREATED: Final = "• *Created*: {when}"
CREATED_UNKNOWN: Final = "the snapshot's creation"
WINDOW_UNKNOWN: Final = "(unknown time)"
AGE: Final = "• *Age*: {age}"
LOSS_RANGE: Final = "*Time Range of Data Loss*:"
LOSS: Final = "• *⚠️ ALL CHANGES in the last {length} WILL BE LOST ⚠️*"
LOSS_GROWS: Final = "• The VM is still live, so this grows until it is stopped."
WILL_BE_RESTORED: Final = "*What Will Be Restored*"
RESTORED_CONFIGURATION: Final = "• ✓ VM configuration (from snapshot time)"
RESTORED_DISKS: Final = "• ✓ Disk data (from snapshot time)"
RESTORED_DISKS_NAMED: Final = "• ✓ Disk data (from snapshot time): {disks}"
WILL_BE_LOST: Final = "*What Will Be Lost*"
LOST_DISKS: Final = "• ✗ *ALL disk changes* made after {created}"
LOST_CONFIGURATION: Final = "• ✗ *ALL configuration changes* made after {created}"
LOST_DELETED: Final = "• ✗ *The disks that are deleted* (named first), as a whole"
GOOD_TO_KNOW: Final = "*Good to Know*"
CONSISTENCY: Final = "• *Consistency of the snapshot*: {level}{why}"
CONSISTENCIES: Final[Mapping[str, str]] = {
    "offline": "consistent",
    "application": "application-consistent",
    "crash": "⚠️ crash-consistent only, as after a power cut",
    "unknown": "⚠️ not known",
}
WHY: Final = " ({why})"
LEFT_OUT: Final = "• ⚠️ *Disks not in the snapshot*, which will not roll back: {disks}"
KEEP_DATA: Final = (
    "• ⚠️ *Disks that keep today's data* (left out when the snapshot was taken): {disks}. "
    "They stay in the VM, which will have old and new data side by side."
)
LEAVE_VM: Final = (
    "• ⚠️ *Disks that leave the VM* (added after the snapshot): {disks}. "
    "Their claims stay, with their data, and no VM will use them."
)
COME_BACK: Final = "• *Disks that come back* (the VM does not have them today): {disks}"
COME_BACK_AS_IS: Final = (
    "• ⚠️ *Disks that come back with today's data* (left out of the snapshot, and not in the VM now): "
    "{disks}"
)
COME_BACK_WITHOUT_CLAIM: Final = (
    "• ⚠️ *Disks that come back without their claim*: {disks}. The VM does not start with them, "
    "or gets empty ones from its `dataVolumeTemplates`."
)
MEMORY_DUMPS: Final = (
    "• *Memory dumps leave the VM*: {disks}. No restore brings one back; their claims stay."
)
DETACHED: Final = (
    "• ⚠️ *Hot-plugged disks, in the running guest only*: {disks}. A stop takes them out, and "
    "nothing puts them back. Their claims stay."
)
STOP_DETACHES: Final = (
    "⚠️ *Hot-plugged disks, in the running guest only*: {disks}. The stop takes them out of it; their "
    "claims stay, with their data."
)
PARTIAL: Final = "⚠️ partial: it does not hold {disks}. What it holds is {level}"
PARTIAL_UNNAMED: Final = (
    "⚠️ partial: the cluster says that it does not hold every disk. What it holds is {level}"
)
NOT_ONE_MOMENT: Final = (
    "• ⚠️ *Not one moment*: its disks were copied one after the other while the guest could write, "
    "and may not fit together."
)
GUEST_STATES: Final[Mapping[str, str]] = {
    "rolls-back": (
        "• ⚠️ *vTPM and EFI state* goes back as well, and the cluster deletes today's. The old "
        "volumes alone are no way back then."
    ),
    "stays": (
        "• ⚠️ *vTPM and EFI state* is not in the snapshot: today's stays, beside disks of then. A "
        "guest that keeps keys in its vTPM may ask for a recovery key."
    ),
}
DELETES: Final = (
    "🔴 *THIS RESTORE DELETES DISKS: {disks}*\n"
    "They were added with `dataVolumeTemplates` after the snapshot, which does not hold them. The "
    "cluster deletes their DataVolumes and claims, with all data."
)
DELETES_UNPROTECTED: Final = (
    "*Snapshot current state first* is OFF: after the restore nothing here holds a copy of them. "
    "You are asked to agree to that before the restore is offered."
)
DELETES_PROTECTED: Final = (
    "*Snapshot current state first* is ON: only that safety snapshot can hold a copy of them."
)
DELETES_TEXT: Final = "It DELETES disks that were added since: {disks}."
SHARED: Final = (
    "• ⚠️ *Shared disks*: {disks}. Other VMs may use them; "
    "after the restore this VM has its own copy of those that are in the snapshot."
)
NO_CHANGES: Final = "• *Configuration that will change*: no difference was found"
CHANGES: Final = "*Configuration that will change* (current → snapshot):"
CHANGE: Final = "• {field}: {current} → {snapshot}"
AND_MORE: Final = "• and {count} more"
NEWER: Final = "• ⚠️ *Newer snapshots of this VM exist*: {names}"
NEWER_UNREAD: Final = (
    "• *Newer snapshots of this VM* were not looked for: the namespace holds too many. "
    "`list` names them"
)
OLD_VOLUMES: Final[Mapping[str | None, str]] = {
    None: (
        "• *Old volumes*: new volumes are made; the old ones are kept and use space until removed "
        "(those made from the VM's own dataVolumeTemplates may be deleted by the cluster)"
    ),
    "RandomizeNames": (
        "• *Old volumes*: new volumes are made; the old ones are kept and use space until removed "
        "(those made from the VM's own dataVolumeTemplates may be deleted by the cluster)"
    ),
    "InPlace": (
        "• ⚠️ *Old volumes*: they are deleted first and made anew under the same names. If that "
        "fails half-way, the data exists only in the snapshot."
    ),
    "PrefixTargetName": (
        "• ⚠️ *Old volumes*: new volumes named after the VM are made; the old ones are kept. "
        "The names are taken then: another restore or an undo is refused until the setting "
        "`rules.volume_policy` is removed."
    ),
}
RUN_STRATEGY: Final = "• *Run strategy after the restore*: {strategy} - {meaning}"
STAYS_DOWN: Final = "the VM stays stopped until somebody starts it"
STARTS_ITSELF: Final = "⚠️ the cluster starts the VM by itself"
BY_CONDITIONS: Final = "the VM stays stopped unless a start is already queued"
WAS_STRATEGY: Final = " (it was {before}; a start makes it `Always`)"
GITOPS: Final = (
    "• ⚠️ *{gitops} manages this VM* and may undo the restore at its next sync. "
    "Pause it for this VM first."
)
SYNCING: Final = ("Argo CD", "Flux")
"""Tools that write a VM again at each sync, by their names as they are told."""
POOL: Final = "VirtualMachinePool"
WRITTEN_BY: Final = (
    "• ⚠️ *{gitops} manages this VM* and may write it again, which undoes the restore. "
    "Pause that for this VM first."
)
OF_A_POOL: Final = (
    "• ⚠️ *{gitops} owns this VM*: a pool replaces and scales its VMs by itself, also a restored one. "
    "Take the VM out of the pool first."
)
CRITICAL: Final = (
    "*⚠️ CRITICAL: This restore is permanent. "
    "Current VM state cannot be recovered unless you create a snapshot now.*"
)
CRITICAL_PROTECTED: Final = (
    "*⚠️ CRITICAL: This restore is permanent. "
    "Only the safety snapshot that is taken first can bring the current VM state back.*"
)
PROTECT: Final = "*Snapshot current state first*: {state}"
PROTECT_MEANING: Final = " (a safety snapshot of the stopped VM; the restore waits for it)"
TO_PROCEED: Final = "*To proceed with restore, type the snapshot name exactly as shown:*"
TYPE_NAME: Final = (
    "Type {snapshot} to confirm: reply in this thread with the name and nothing else."
)
ANYTHING_ELSE: Final = "Capital letters count. Any other reply of yours cancels the restore."
ANYTHING_ELSE_THERE: Final = (
    "Capital letters count. Any other single word from you in this thread cancels the restore; "
    "replies with spaces are taken for conversation."
)
NOTE: Final = "⚠️ *Please note*: {note}"
OLD_WARNING: Final = "Data Loss Warning for VM {vm}, snapshot {snapshot}"

# The final confirmation

CONFIRM_HEADING: Final = "✓ Typed Verification Passed"
OLD_CONFIRM: Final = "✓ Typed Verification Passed for VM {vm}"
CONFIRM_ASK: Final = (
    "{owner}, *Restore VM now* takes VM {vm} back to {snapshot}; *Cancel* leaves it.{until}"
)
CONFIRM_TEXT: Final = (
    "Ready to Restore VM {vm} in {namespace} from snapshot {snapshot}\n"
    "Typed Verification Passed. Press Restore VM now, or Cancel."
)
RECEIVED: Final = "*Confirmation received for snapshot*: {snapshot}"
READY: Final = "*Ready to Restore*"
FROM_SNAPSHOT: Final = "*From Snapshot*: {snapshot}"
IMPACT: Final = "*Impact*:"
IMPACT_REPLACED: Final = "• Current VM state will be replaced with snapshot state"
IMPACT_LOST: Final = "• All changes in the last {length} will be permanently lost"
IMPACT_DELETES: Final = "• 🔴 Disks {disks} are DELETED, with DataVolume, claim and data"
IMPACT_STOP: Final = "• The VM is live: it is stopped first, then everything is checked again"
PROCEED: Final = "*Proceed with VM restore? This action cannot be undone.*"
PROCEED_PROTECTED: Final = "*Proceed with VM restore? Only the safety snapshot leads back.*"
PROCEED_HOW: Final = (
    "Only the button *Restore VM now* restores. Typing anything as a reply cancels."
)
PROCEED_HOW_THERE: Final = (
    "Only the button *Restore VM now* restores. Typing `cancel` or any other single word as a "
    "reply cancels."
)
AGREE_FIRST: Final = (
    "*Restore VM now* is offered once you have said that you know of the deletion: no safety snapshot "
    "is to be taken."
)
AGREED: Final = "• {owner} knows that {disks} will be deleted without a copy"
AGREE_LABEL: Final = "I know that {disk} is deleted"
AGREE_LABEL_MORE: Final = "I know that {disk} and {count} more are deleted"
CONFIRM_DIALOG_TITLE: Final = "Restore this VM now?"
CONFIRM_DIALOG: Final = (
    "VM {vm} in {namespace} goes back to snapshot {snapshot}. "
    "ALL CHANGES in the last {length} WILL BE LOST. This cannot be undone."
)

# Protecting and restoring

PROTECTING: Final = (
    "Taking safety snapshot {name} of VM {vm} before the restore… "
    "The restore waits until it is ready."
)
PROTECTING_WAITS: Final = "⚠️ *KubeVirt says*: {said}"
PROTECTING_UNNAMED: Final = "Taking a safety snapshot of VM {vm} before the restore…"
PROTECTED: Final = "✓ Safety snapshot {name} of VM {vm} is ready."
PROTECT_ENDED: Final = "Safety snapshot of VM {vm}: {closed}"

PROGRESS_HEADING: Final = "🔄 Restoring VM from snapshot..."
PROGRESS_MINUTES: Final = "⏳ This may take several minutes..."
STUCK: Final = "⚠️ *KubeVirt cannot go on just now*, and tries again by itself. {next}"
STUCK_NEXT: Final = "If what it says does not pass, ask a cluster admin about it."
PROGRESS_TEXT: Final = "🔄 Restoring VM {vm} in {namespace} from snapshot {snapshot}..."
PROGRESS_ENDED: Final = "Restore of VM {vm} from snapshot {snapshot}: {closed}"
SNAPSHOT: Final = "*Snapshot*: {snapshot}"
JOB: Final = "*Restore object*: {job}"
SAYS: Final = "*KubeVirt says*: {said}"
QUOTE: Final = "“{said}”"
NOT_ANSWERED: Final = (
    "*Not known yet*: the API server has not answered the request to create it. It may still carry "
    "it out until {until}. I go on looking; nothing else is done before."
)
NOT_SEEN_YET: Final = "*KubeVirt says*: nothing yet; the restore has just been handed over"
MEANS: Final[tuple[tuple[str, str], ...]] = (
    ("exceeded quota", "the namespace's quota leaves no room for the new volumes"),
    ("denied the request", "a policy of the cluster denies what KubeVirt writes"),
    ("initializing", "KubeVirt has taken the restore on"),
    ("creating new pvcs", "new volumes are being made from the snapshot"),
    ("waiting for new pvcs", "new volumes are being made from the snapshot"),
    ("updating target spec", "the VM's configuration is being put back"),
    ("waiting for target update", "the VM's configuration is being put back"),
    ("operation complete", "KubeVirt has finished; the result is being checked"),
    ("powered off", "the VM must be off, and KubeVirt sees it live"),
    ("vm restore is deleting", "the restore object is being deleted"),
    ("not ready", "the snapshot is not ready to use just now"),
    ("does not exist", "something that the restore needs is missing"),
)
"""Part of what KubeVirt says (lower case), and what it means."""
MEANING: Final = "{said} - {meaning}"
VOLUMES: Final = "*Volumes bound*: {bound} of {total}"
ELAPSED: Final = "*Elapsed*: {length}"
DELETING: Final = "The restore object is being deleted, as {by} asked."

OVERDUE_HEADING: Final = "⚠️ Restore Is Taking Longer Than Expected"
OVERDUE_ASK: Final = "{owner}, wait longer for the restore of VM {vm}, or give it up?{until}"
OVERDUE_TEXT: Final = "The restore of VM {vm} in {namespace} is taking longer than expected."
OVERDUE: Final = "The restore of VM {vm} is taking longer than expected: {length} so far."
OVERDUE_CHOICES: Final = (
    "• *Keep waiting*: large VMs may take 10+ minutes. The thread is kept up to date.",
    "• *Delete the restore object*: this does not roll anything back; you are asked once more.",
)
UNTIL_THEN: Final = "Do not start the VM meanwhile."

DELETE_FAILED: Final = "⚠️ *The restore object could not be deleted*: {error}"

DELETE_HEADING: Final = "⚠️ Delete the Restore Object?"
DELETE_ASK: Final = "{owner}, give up the restore of VM {vm}? Nothing is rolled back.{until}"
DELETE_TEXT: Final = "Delete the restore object of VM {vm} in {namespace}? Nothing is rolled back."
DELETE_MEANS: Final = (
    "*This does not roll anything back:*",
    "• New volumes that were made stay, and use space until removed.",
    "• The VM's configuration stays as it is now: the old one or that of the snapshot.",
    "• It takes the restore object away, so that the VM is free for another restore.",
)
DELETE_DIALOG_TITLE: Final = "Delete the restore object?"
DELETE_DIALOG: Final = (
    "The unfinished restore of VM {vm} in {namespace} is given up. Nothing is rolled back: the VM "
    "may be partially restored."
)
