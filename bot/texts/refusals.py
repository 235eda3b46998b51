"""What the core says when something cannot go on: what is found, expected and next; and the policy.

The first sentence says what is the matter, so that it can stand alone in a notification.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class RefusalText:
    """What was found, what was expected instead, and what to do next."""

    found: str
    expected: str = ""
    next: str = ""


# The cluster and the bot's rights

KUBEVIRT_MISSING: Final = RefusalText(
    "Cluster `{cluster}` does not serve the snapshot.kubevirt.io API.",
    "KubeVirt (or OpenShift Virtualization) with snapshots must be installed.",
    "Check that this is the right cluster, or ask a cluster admin.",
)
FORBIDDEN: Final = RefusalText(
    "The cluster does not let me do it: {text}",
    "RBAC rights for my ServiceAccount in {where}.",
    "Ask a cluster admin to grant the verb that the message names.",
)
RIGHTS_MISSING: Final = RefusalText(
    "I do not have all rights in {where} that a restore can need. Missing: {rights}.",
    "All of them, so that a restore does not stop half-way.",
    "Ask a cluster admin to grant them to my ServiceAccount, as the chart does, then ask again.",
)
NAMESPACE: Final = "namespace `{namespace}`"
CLUSTER: Final = "cluster `{cluster}`"
WOULD_BE_REFUSED: Final = "The cluster would refuse this restore. {found}"
QUOTA_EXCEEDED: Final = RefusalText(
    "Quota `{quota}` has {left} left.",
    "The restored volumes need {need} ({resource}).",
    "Raise the quota or remove volumes that are not used any more, then ask again.",
)
NAME_TAKEN: Final = RefusalText(
    "The volume policy is `PrefixTargetName`, and a claim with a name that the restore needs {verb} "
    "already: {claims}.",
    "KubeVirt would take it as it is and restore no data.",
    "Ask the people who run me to remove `rules.volume_policy` (new claims then get names of their "
    "own), then start over. Do not delete such a claim: a VM may use it.",
)
GIB: Final = "{amount} GiB"
UNREACHABLE: Final = RefusalText(
    "The cluster could not be asked: {what}",
    next="Nothing was restored. Ask again when the cluster answers.",
)
SLACK_UNREACHABLE: Final = RefusalText(
    "Slack could not be asked who may do this: {what}",
    next="Nothing was restored. Ask again when Slack answers.",
)
RECORD_LOST: Final = RefusalText(
    "My record of this restore is lost, and the cluster has no VirtualMachineRestore of it. "
    "Nothing more is done for it.",
    next="Look at the VM as it is now (if I had stopped it, it is still stopped), then ask again.",
)
RECORD_LOST_UNSEEN: Final = (
    "My record of this restore is lost, and the cluster could not be asked whether it has a "
    "VirtualMachineRestore of it: {what}"
)
NOT_CONFIGURED: Final = "cluster {cluster} is not configured any more"
NOT_SERVED_NOW: Final = "the cluster does not serve the snapshot.kubevirt.io API just now"
MAY_NOT_LOOK: Final = "the cluster does not let me look: {text}"

# The VM

VM_NOT_FOUND: Final = RefusalText(
    "VM `{vm}` does not exist in namespace `{namespace}`.",
    "The name of an existing VM.",
    "Check the name and the namespace, then ask again.{command}",
)
BRING_BACK: Final = (
    "KubeVirt (0.53 or newer) makes the VM anew, stopped, when somebody creates a "
    "VirtualMachineRestore in namespace `{namespace}` with `target: {{apiGroup: kubevirt.io, kind: "
    "VirtualMachine, name: {vm}}}` and `virtualMachineSnapshotName: {snapshot}` in its `spec`; not if "
    "the VM had a persistent vTPM or EFI. Delete neither the snapshot nor its content before that."
)
VM_GONE_DATA_THERE: Final = RefusalText(
    "VM `{vm}` does not exist in namespace `{namespace}` any more. Its snapshot `{snapshot}` and the "
    "data of its disks are there.",
    "A VM that exists: of another one I cannot say what would be lost.",
    BRING_BACK,
)
VM_AND_DATA_GONE: Final = RefusalText(
    "VM `{vm}` does not exist in namespace `{namespace}` any more, and of its snapshot `{snapshot}` "
    "the data is not all there: {why}",
    "A VM that exists, and a snapshot with its data.",
    "Look for another snapshot of it by `list`. Delete none of them: a VM can be brought back from one "
    "whose data is there.",
)
VM_BEING_DELETED: Final = RefusalText(
    "VM `{vm}` is being deleted.",
    "A VM that stays.",
    "Find out who deletes it. Its snapshots outlive it.",
)
VM_MIGRATING: Final = RefusalText(
    "VM `{vm}` is migrating to another node.",
    "A VM that is not being migrated.",
    "Wait until the migration has ended, then ask again.",
)
VM_WAITS_AS_RECEIVER: Final = RefusalText(
    "VM `{vm}` has run strategy WaitAsReceiver: it waits for a guest that migrates to it from another "
    "cluster or namespace. A stop is accepted and has no effect.",
    "A VM that can be stopped.",
    "Ask the owner of the VM whether that migration is still to come. The guest may live elsewhere.",
)
VM_MOVED: Final = RefusalText(
    "VM `{vm}` was migrated to another namespace or cluster, and lives there now.",
    "A VM that lives in this namespace.",
    "Restoring here would give it a second life with the same addresses. Restore it where it runs.",
)
VM_RECREATED: Final = RefusalText(
    "VM `{vm}` was re-created since the snapshot was taken (UID {uid}).",
    "The VM that the snapshot was taken of (UID {taken_of}).",
    "Restoring would overwrite a different VM of the same name. Ask a cluster admin.",
)
BLOCKER_STAYS: Final = RefusalText(
    "VirtualMachineRestore `{name}` could not be removed. {found}",
    "No other unfinished restore of this VM.",
    "Ask a cluster admin to delete that object, then ask again.",
)

# The snapshot

SNAPSHOT_NOT_FOUND: Final = RefusalText(
    "`{snapshot}` does not exist in namespace `{namespace}`.",
    "A snapshot of VM `{vm}`. These snapshots of the VM exist:",
    "Ask again with the name of one of them.",
)
SNAPSHOT_NOT_FOUND_NOR_ANY: Final = RefusalText(
    SNAPSHOT_NOT_FOUND.found,
    "A snapshot of VM `{vm}`. It has no snapshots at all.",
    "There is nothing to restore.",
)
NO_SNAPSHOTS: Final = RefusalText(
    "VM `{vm}` in namespace `{namespace}` has no snapshots.",
    "A VM with at least one snapshot.",
    "There is nothing to restore from. Check the VM's name and namespace.",
)
SNAPSHOT_OF_OTHER_VM: Final = RefusalText(
    "Snapshot `{snapshot}` was taken of VM `{source}`.",
    "A snapshot of VM `{vm}`.",
    "Choose a snapshot of the VM that you want to restore.",
)
SNAPSHOT_BEING_DELETED: Final = RefusalText(
    "Snapshot `{snapshot}` is being deleted.",
    "A snapshot that stays.",
    "Choose another snapshot.",
)
SNAPSHOT_NOT_READY: Final = RefusalText(
    "Status: {status}. Ready to use: {ready}.{error}",
    'Only snapshots with "Succeeded" phase and readyToUse=true can be used.',
    "Wait until it is ready, or choose another snapshot.",
)
SNAPSHOT_FAILED: Final = RefusalText(
    SNAPSHOT_NOT_READY.found,
    SNAPSHOT_NOT_READY.expected,
    "Choose another snapshot; a failed one never becomes ready.",
)
SNAPSHOT_ERROR: Final = " Error: {error}"
READINESS: Final = (
    r"Status: (?P<status>[^.]*)\. Ready to use: (?P<ready>\w+)\.(?: Error: (?P<error>.*))?"
)
"""How the card reads SNAPSHOT_NOT_READY: change both. What does not fit is shown as it stands."""
CONTENT_MISSING: Final = RefusalText(
    "The content of snapshot `{snapshot}` is missing.",
    "A snapshot whose VirtualMachineSnapshotContent is there and ready.",
    "Choose another snapshot; this one cannot be restored as it is.",
)
CONTENT_NOT_READY: Final = RefusalText(
    "The content of snapshot `{snapshot}` is not ready.",
    CONTENT_MISSING.expected,
    CONTENT_MISSING.next,
)
CONTENT_ERROR: Final = RefusalText(
    "The content of snapshot `{snapshot}` has an error: {error}",
    "A snapshot whose VirtualMachineSnapshotContent is ready and without an error.",
    "Ask a cluster admin about the error, or choose another snapshot.",
)
CONTENT_BEING_DELETED: Final = RefusalText(
    "The content of snapshot `{snapshot}` is being deleted, and the snapshot's data with it.",
    "A snapshot whose VirtualMachineSnapshotContent stays.",
    "Choose another snapshot. Its status may go on saying that it is ready.",
)
COPIES: Final = RefusalText(
    "{text}",
    "A VolumeSnapshot for each disk that is ready to use and stays.",
    "Choose another snapshot, or ask a cluster admin what has become of this one's volumes.",
)
COPY_GOES: Final = "VolumeSnapshot `{name}`, the copy of disk `{disk}`, is being deleted."
COPY_GONE: Final = "VolumeSnapshot `{name}`, the copy of disk `{disk}`, does not exist any more."
COPY_UNREADY: Final = "VolumeSnapshot `{name}`, the copy of disk `{disk}`, is not ready to use."
COPY_HAS_ERROR: Final = (
    "VolumeSnapshot `{name}`, the copy of disk `{disk}`, is not ready to use: {error}"
)
CLAIMS_STAY: Final = RefusalText(
    "{text}",
    "Claims that stay: the restored VM would use this one under its name.",
    "Find out who deletes it, and wait until it is gone or was made anew. Then ask again.",
)
CLAIM_GOES: Final = "Claim `{claim}` is being deleted."
CLASSES: Final = RefusalText(
    "{text}",
    "The storage class that the snapshot's volumes were made with.",
    "Ask a cluster admin to put the storage class back, then ask again. Without it the new claims "
    "would wait for ever.",
)
CLASS_GONE: Final = "Storage class `{name}` does not exist any more."
CONFIGURATION_ONLY: Final = RefusalText(
    "Snapshot `{snapshot}` holds no disks: it is configuration only.",
    "A snapshot that includes at least one disk.",
    "Choose another snapshot; no data would come back from this one.",
)

ONLY_A_MEMORY_DUMP: Final = RefusalText(
    "Snapshot `{snapshot}` holds no disks, only a memory dump, which a restore does not bring back.",
    CONFIGURATION_ONLY.expected,
    CONFIGURATION_ONLY.next,
)

# What was named and is not there

NO_SUCH_VM: Final = "There is no VM `{vm}` in namespace `{namespace}`.{command}"
NO_SUCH_VM_ANYWHERE: Final = "There is no VM `{vm}` where you may restore.{command}"
MEANT_COMMAND: Final = " If you meant a command, write `{slash} {command}`."
MEANT_ANOTHER_VM: Final = " `{vm}` is a VM: if you meant a command, see `{slash} help`."

# Before the act: what is not as it was confirmed

CHANGED: Final = RefusalText(
    "{differences}",
    "Everything as it was when you confirmed.",
    "Nothing was restored. Start over to see the state as it is now.",
)
TOO_LATE: Final = RefusalText(
    "I could not act within {minutes} minutes after you decided.",
    "An act right after the decision.",
    "Nothing was restored. Start over to see the state as it is now.",
)
NOTHING_SHOWN: Final = "Nothing was shown to be confirmed."
NOT_SERVED: Final = "The cluster does not serve the snapshot.kubevirt.io API any more."
VM_GONE: Final = "VM `{vm}` does not exist any more."
VM_IS_OTHER: Final = "The VM was re-created: UID {before} → {now}."
VM_GOES: Final = "The VM is being deleted."
VM_IS_LIVE: Final = "The VM was stopped; now it is live (phase {phase})."
VM_WILL_START: Final = "The VM was stopped; now it is set to start (run strategy {strategy})."
SHOWN_BY_OLDER: Final = (
    "The warning is from an earlier release, which did not keep what to compare."
)
VM_EDITED: Final = "The VM was edited: {changes}."
VM_EDITED_FIELD: Final = "{field} {before} → {now}"
VM_EDITED_ELSEWHERE: Final = "its specification, generation {before} → {now}"
VM_REWRITTEN: Final = "The VM was changed: generation {before} → {now}."
VM_RESTORED: Final = "The VM was restored: last restore {before} → {now}."
VM_STARTED_ANEW: Final = (
    "The VM was started again after it was to be stopped (it has run since {when}). It is not stopped "
    "a second time without being asked."
)
VM_RAN: Final = "The VM has run: it was down since {before}, now since {now}."
VM_DOWN_LATE: Final = (
    "The VM is down since {now}, long after it was asked to stop: it may have been used in between."
)
VM_STRATEGY: Final = "The VM's run strategy was changed: {before} → {now}."
VM_WRITTEN_BY: Final = "Who else writes the VM has changed: {before} → {now}."
NOBODY: Final = "nobody"
CLAIMS_NOT_SHOWN: Final = "The claims of the VM's disks cannot be compared: they were not read when the warning was shown."
CLAIM_CHANGED: Final = "Claim `{claim}` is not the one that was shown: UID {before} → {now}."
CLAIM_RESIZED: Final = "Claim `{claim}` was resized: {before} → {now}."
NONE: Final = "none"
NOT_KNOWN: Final = "not known"
SECOND: Final = "{when:%Y-%m-%d %H:%M:%S} UTC"
SNAPSHOT_GONE: Final = "Snapshot `{snapshot}` does not exist any more."
SNAPSHOT_IS_OTHER: Final = "The snapshot was re-created: UID {before} → {now}."
SNAPSHOT_TIME: Final = "The snapshot's point in time was changed: {before} → {now}."
SNAPSHOT_DISKS: Final = "The snapshot's disks were changed: {before} → {now}."
SNAPSHOT_CONSISTENCY: Final = (
    "What the snapshot says of its consistency was changed: {before} → {now}."
)
CONTENT_IS_OTHER: Final = "The snapshot has another content: UID {before} → {now}."
CONTENT_EDITED: Final = "The snapshot's content was edited: digest of its spec {before} → {now}."
SNAPSHOT_GOES: Final = "The snapshot is being deleted."
SNAPSHOT_UNREADY: Final = "The snapshot was ready to use; now it is not."
CONTENT_UNREADY: Final = "The snapshot's content was ready; now it is not."
CONTENT_GOES: Final = "The snapshot's content is being deleted, and its data with it."
CONTENT_HAS_ERROR: Final = "The snapshot's content was well; now it has an error: {error}"
CONTENT_OF_OTHER_VM: Final = "The snapshot's content belongs to another VM."
STOP_BEGINS: Final = (
    "VirtualMachineRestore `{name}` of this VM is not complete, and a stop would let it begin."
)
OTHER_RESTORE: Final = "Another restore of this VM has begun: `{name}`."
CLONE_BEGAN: Final = "VirtualMachineClone `{clone}` has begun to restore this VM: `{name}`."

NAME_IS_TAKEN: Final = (
    "Claim `{claim}` has the name that the restored volume would get (`PrefixTargetName`): KubeVirt "
    "would take it as it is."
)

# Stopping

STOPPING_VM_GONE: Final = RefusalText(VM_GONE, next="Check the VM, then ask again.")
STOPPING_OTHER_VM: Final = RefusalText(
    "VM `{vm}` was re-created while it was being stopped.", next="Check the VM, then ask again."
)
STOP_REFUSED_NEXT: Final = "{next} Or stop the VM yourself, then start over."

# The conversation

TOO_MANY_QUESTIONS: Final = RefusalText(
    "{count} questions were asked without getting to the end.",
    next="Start over with the VM, the namespace and the snapshot in one message.",
)
OUR_DM: Final = "our direct message"
THREAD_DELETED: Final = RefusalText(
    "The thread of this restore in {where} was deleted.", next="Ask again if you still want it."
)
CHANNEL_ARCHIVED: Final = RefusalText(
    "The channel {where} was archived.", next="Ask again in another channel."
)
CHANNEL_UNSEEN: Final = RefusalText(
    "I cannot see {where} any more.", next="Invite me to the channel, then ask again."
)
CHANNEL_UNWRITABLE: Final = RefusalText(
    "I cannot write in {where} (Slack says: {error}).", next="Ask again in another channel."
)

# The policy

CONTACT: Final = "the owners of this bot"
"""Whom to ask, where the settings name nobody."""
NOT_ON_THE_LIST: Final = (
    "You are not on the list of people who may restore VMs here. Ask {contact}."
)
NOT_IN_NAMESPACE: Final = (
    "You may not restore VMs in namespace `{namespace}` from here.{meant} Ask {contact}."
)
DID_YOU_MEAN: Final = " Did you mean `{name}`?"
GROUP_UNREAD: Final = (
    "No rule names you, and Slack does not tell who is in user group {groups}, whose members may. "
    "Ask {contact}."
)
NOT_ON_CALL: Final = "Only people on call may take over a restore. Ask {contact}."
BOT: Final = "Bots may not restore VMs."
DEACTIVATED: Final = "This account is deactivated."
NOT_OF_THIS_WORKSPACE: Final = "Only members of this workspace may restore VMs."
GUEST: Final = "Guests may not restore VMs. Ask a full member of this workspace."
SHARED_CHANNEL: Final = (
    "This channel is shared with another company. Ask again in an internal channel."
)
SAID_TO_ANOTHER: Final = (
    "What <@{user}> confirmed is not done, since the policy says to them: {text}"
)

# Starting the VM after the end: "VM … could not be started: …"

MAY_NOT_START: Final = "you may not do that"
START_VM_GONE: Final = "the VM does not exist any more"
START_VM_IS_OTHER: Final = "the VM was re-created since"
START_RESTORING: Final = "restore `{name}` is in progress"
START_HAS_RUN: Final = (
    "it has run since you pressed the button, and is down again; press the button again to start it"
)
START_TOO_LATE: Final = "it could not be started in time; press the button again"
START_UNREACHABLE: Final = "the cluster could not be asked: {what}"
START_UNASKED: Final = "Slack could not be asked who may do this: {what}"

# The safety snapshot

SAFETY_FAILED: Final = (
    "The safety snapshot failed: {why}. No data was touched. {left}"
    "Confirm again, with or without a safety snapshot."
)
SAFETY_LEFT: Final = "`{name}` was begun and stays. "
SAFETY_EXPLAINED: Final = "{failure}. Likely cause: {likely}"
SAFETY_DELETED: Final = "the safety snapshot was deleted by somebody else"
SAFETY_NOT_TAKEN: Final = "the safety snapshot could not be taken in time"
SAFETY_NOT_OURS: Final = "a snapshot named `{name}` exists already and was not taken by me"
SAFETY_WITHOUT_ERROR: Final = "the safety snapshot failed"
SAFETY_NOT_READY: Final = "the safety snapshot did not become ready in time"
SAFETY_SAID: Final = "{found} (KubeVirt says: {said})"
NOT_LOCKED: Final = "source not locked "
"""How KubeVirt begins to say what keeps it from taking a snapshot: a claim that is not bound, say."""
SAFETY_LACKS: Final = "the safety snapshot does not hold what the restore deletes: {disks}"
SAFETY_EMPTY: Final = "the safety snapshot holds no disks"
