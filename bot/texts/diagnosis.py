"""The texts of a diagnosis: why a restore is stuck or has failed, and who can do what about it.

A command only looks: none of them changes anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CauseText:
    """The likely cause, the next step, who can take it, and a command to look closer."""

    likely: str
    next: str
    who: str
    command: str


_ADMIN: Final = "a cluster admin"
_STORAGE: Final = "the admin of the storage"
_QUOTA: Final = "the admin who sets the quotas of the namespace"
_YOU: Final = "you"
_RESTORE: Final = "kubectl describe vmrestore -n {namespace} {restore}"
_CLAIM: Final = "kubectl describe pvc -n {namespace} {claim}"
_VOLUME_SNAPSHOT: Final = "kubectl describe volumesnapshot -n {namespace} {volume_snapshot}"
_SNAPSHOT: Final = "kubectl describe vmsnapshot -n {namespace} {snapshot}"

CAUSES: Final[Mapping[str, CauseText]] = {
    "vm_deleted": CauseText(
        "VM `{vm}` was deleted, and the cluster has deleted its restore with it.",
        "Find out who deleted it and why. A restore needs the VM; its snapshots stay.",
        _ADMIN,
        "kubectl get vm,vmsnapshot -n {namespace}",
    ),
    "vm_recreated": CauseText(
        "VM `{vm}` was deleted and created again under the same name since it was shown.",
        "Find out who created it again. Do not restore over it before that is clear.",
        "the owner of the VM",
        "kubectl get vm -n {namespace} {vm} -o yaml",
    ),
    "restore_deleted": CauseText(
        "Somebody deleted restore object `{restore}` while it was under way.",
        "Look what became of the VM before it is started, then try again.",
        _YOU,
        "kubectl get vmrestore,pvc -n {namespace}",
    ),
    "unreachable": CauseText(
        "The API server of the cluster does not answer.",
        "Check the API server, and the network on the way to it. The restore itself goes on "
        "without an answer.",
        _ADMIN,
        "kubectl get --raw /readyz",
    ),
    "right_lost": CauseText(
        "A right that is needed here has been taken away.",
        "Grant the verb that the message names; the Helm chart lists all of them.",
        _ADMIN,
        "kubectl auth can-i get vmrestores -n {namespace} --as "
        "system:serviceaccount:BOT-NAMESPACE:BOT-ACCOUNT",
    ),
    "controller_right": CauseText(
        "KubeVirt's own account lacks a right in the cluster.",
        "Grant the account the verb that the message names. {retries}",
        _ADMIN,
        _RESTORE,
    ),
    "namespace_going": CauseText(
        "Namespace `{namespace}` is being deleted, so nothing can be created in it.",
        "Find out who deletes the namespace. What is in it goes with it.",
        _ADMIN,
        "kubectl describe namespace {namespace}",
    ),
    "vm_started": CauseText(
        "VM `{vm}` was started while the restore was under way; it must be stopped for a restore.",
        "Find out who started it, stop the VM, then try again.",
        "the person who started it",
        "kubectl get vm,vmi -n {namespace} {vm}",
    ),
    "address_taken": CauseText(
        "A MAC or IP address of VM `{vm}` is in use by another VM.",
        "Find the VM that holds the address, a copy of this one perhaps, and stop it or give it "
        "another address.",
        "the admin of the network",
        "kubectl get vmi -A -o yaml",
    ),
    "webhook_down": CauseText(
        "An admission webhook of the cluster does not answer, so the API server refuses the change.",
        "Bring back the service that the message names. {retries}",
        _ADMIN,
        "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
    ),
    "webhook_denies": CauseText(
        "An admission policy of the cluster does not allow the change.",
        "Ask those who own the policy that the message names for what it says.",
        "the owner of the policy",
        "kubectl get validatingwebhookconfigurations,validatingadmissionpolicies",
    ),
    "quota_of_class": CauseText(
        "Quota `{quota}` leaves no room in storage class `{storage_class}`.",
        "Ask for a larger quota of this storage class. {retries}",
        _QUOTA,
        "kubectl describe quota -n {namespace} {quota}",
    ),
    "quota_size": CauseText(
        "Quota `{quota}` leaves no room for the size of the new volumes.",
        "Ask for a larger quota. {retries}",
        _QUOTA,
        "kubectl describe quota -n {namespace} {quota}",
    ),
    "quota_count": CauseText(
        "Quota `{quota}` allows no more objects of this kind.",
        "Ask for a larger count in the quota. {retries}",
        _QUOTA,
        "kubectl describe quota -n {namespace} {quota}",
    ),
    "limit_range": CauseText(
        "A limit range of the namespace does not allow a volume of this size.",
        "Ask for another limit. {retries}",
        _QUOTA,
        "kubectl describe limitrange -n {namespace}",
    ),
    "snapshot_missing": CauseText(
        "Snapshot `{snapshot}`, or its content, does not exist any more.",
        "{other}",
        _YOU,
        "kubectl get vmsnapshot,vmsnapshotcontent -n {namespace}",
    ),
    "content_going": CauseText(
        "The content of snapshot `{snapshot}` is being deleted.",
        "Find out who deletes it. {other}",
        _YOU,
        "kubectl describe vmsnapshotcontent -n {namespace} {content}",
    ),
    "volume_snapshot_missing": CauseText(
        "Volume snapshot `{volume_snapshot}`, which holds a disk's data, does not exist any more.",
        "{other}",
        _YOU,
        "kubectl get volumesnapshot -n {namespace}",
    ),
    "volume_snapshot_going": CauseText(
        "Volume snapshot `{volume_snapshot}`, which holds a disk's data, is being deleted.",
        "Find out who deletes it. {other}",
        _YOU,
        _VOLUME_SNAPSHOT,
    ),
    "snapshot_class_missing": CauseText(
        "Volume snapshot `{volume_snapshot}` has no snapshot class that exists.",
        "Create the VolumeSnapshotClass for the storage driver, or mark one as the default.",
        _STORAGE,
        "kubectl get volumesnapshotclass",
    ),
    "volume_snapshot_error": CauseText(
        "The storage reports an error for volume snapshot `{volume_snapshot}`.",
        "Look after the error in the storage system, or choose another snapshot.",
        _STORAGE,
        _VOLUME_SNAPSHOT,
    ),
    "volume_snapshot_unready": CauseText(
        "Volume snapshot `{volume_snapshot}` is not ready to use.",
        "Wait until the storage has it ready, or choose another snapshot.",
        _STORAGE,
        _VOLUME_SNAPSHOT,
    ),
    "snapshot_unready": CauseText(
        "Snapshot `{snapshot}` is not ready to be restored from.",
        "Look for the error in its status, or choose another snapshot.",
        _STORAGE,
        _SNAPSHOT,
    ),
    "claim_lost": CauseText(
        "Claim `{claim}` has lost its volume.",
        "Look after the volume in the storage system.",
        _STORAGE,
        _CLAIM,
    ),
    "class_missing": CauseText(
        "Storage class `{storage_class}`, which claim `{claim}` needs, does not exist.",
        "Create the storage class again, with the same name and driver. {retries}",
        _STORAGE,
        "kubectl get storageclass",
    ),
    "no_capacity": CauseText(
        "The storage has no space for claim `{claim}` (storage class `{storage_class}`).",
        "Add space to the storage. {retries}",
        _STORAGE,
        _CLAIM,
    ),
    "provisioner_silent": CauseText(
        "The driver of storage class `{storage_class}` does not answer for claim `{claim}`.",
        "Look at the driver's controller and at the storage system behind it. {retries}",
        _STORAGE,
        _CLAIM,
    ),
    "provisioning_failed": CauseText(
        "The driver of storage class `{storage_class}` could not make the volume of claim `{claim}`.",
        "Look after the error that it names. {retries}",
        _STORAGE,
        _CLAIM,
    ),
    "provisioner_missing": CauseText(
        "No driver has taken on claim `{claim}`: provisioner `{provisioner}` seems not to run.",
        "Check that the storage driver of class `{storage_class}` is installed and its controller runs.",
        _STORAGE,
        _CLAIM,
    ),
    "data_volume_stuck": CauseText(
        "DataVolume `{claim}` is not ready.",
        "Look at the DataVolume, and at CDI's controller if it says nothing.",
        _ADMIN,
        "kubectl describe datavolume -n {namespace} {claim}",
    ),
    "waits_for_consumer": CauseText(
        "Claim `{claim}` is filled when the VM is started: storage class `{storage_class}` waits for "
        "the first consumer.",
        "Nothing is wrong with it. Keep the snapshot until the VM has started once.",
        _YOU,
        _CLAIM,
    ),
    "claim_missing": CauseText(
        "Claim `{claim}`, which VM `{vm}` uses, does not exist.",
        "Find out what became of the claim. The VM waits for it, and starts once it is there.",
        _ADMIN,
        "kubectl get pvc -n {namespace}",
    ),
    "unschedulable": CauseText(
        "No node can run VM `{vm}` just now.",
        "Make room for what the message names: CPU, memory, a node that fits, or its volume.",
        _ADMIN,
        "kubectl describe vmi -n {namespace} {vm}",
    ),
    "other_restore": CauseText(
        "VM `{vm}` is held by another restore, `{holder}`.",
        "Find out who made that restore, and whether it is still needed.",
        "the person who made it",
        "kubectl get vmrestore -n {namespace}",
    ),
    "controller_silent": CauseText(
        "KubeVirt has not begun to work on the restore.",
        "Check that virt-controller runs, and reads its queue.",
        _ADMIN,
        "kubectl get kubevirt -A",
    ),
    "safety_not_locked": CauseText(
        "KubeVirt cannot take a snapshot of VM `{vm}` as it is now.",
        "Change what the message names: a claim that is not bound, or another snapshot or restore of "
        "the VM.",
        _ADMIN,
        _SNAPSHOT,
    ),
    "safety_disk_error": CauseText(
        "The storage reports an error for volume snapshot `{volume_snapshot}`.",
        "Look after the error in the storage system. It tries again by itself.",
        _STORAGE,
        _VOLUME_SNAPSHOT,
    ),
    "safety_disk_gone": CauseText(
        "Volume snapshot `{volume_snapshot}`, the copy of a disk, is gone or going.",
        "Find out who deletes it. This safety snapshot does not become whole again.",
        _STORAGE,
        "kubectl get volumesnapshot -n {namespace}",
    ),
    "safety_disk_slow": CauseText(
        "The storage has not finished volume snapshot `{volume_snapshot}`.",
        "Large disks take their time. If it stays so, look at the driver's snapshotter.",
        _STORAGE,
        _VOLUME_SNAPSHOT,
    ),
    "safety_deadline": CauseText(
        "The safety snapshot took longer than KubeVirt allows (its `failureDeadline`).",
        "Look whether the storage takes snapshots at all: at its driver, and at other snapshots.",
        _STORAGE,
        "kubectl get vmsnapshot,volumesnapshot -n {namespace}",
    ),
    "safety_silent": CauseText(
        "KubeVirt has not begun to work on the safety snapshot.",
        "Check that virt-controller runs, and reads its queue.",
        _ADMIN,
        "kubectl get kubevirt -A",
    ),
    "safety_unknown": CauseText(
        "Why the safety snapshot is not ready is not known. The evidence is below as it was found.",
        "Look at the snapshot, its content and their events.",
        _ADMIN,
        _SNAPSHOT,
    ),
    "start_unknown": CauseText(
        "Why the VM does not come up is not known. The evidence is below as it was found.",
        "Look at the VM, its VMI and their events.",
        _ADMIN,
        "kubectl describe vm,vmi -n {namespace} {vm}",
    ),
    "unknown": CauseText(
        "The cause is not known. The evidence is below as it was found.",
        "Look at the restore object and its events.",
        _ADMIN,
        _RESTORE,
    ),
}
RETRIES: Final = (
    "KubeVirt tries again by itself, at longer and longer intervals, so the restore may go on "
    "some minutes later."
)
TRY_AGAIN: Final = "Then try the restore again."
GIVE_UP: Final = "This does not heal. Give this restore up, and choose another snapshot."
OTHER_SNAPSHOT: Final = "Choose another snapshot."

# Where the evidence is from

ERROR_SAYS: Final = "The error"
RESTORE_SAYS: Final = "Restore object `{name}`"
EVENT_SAYS: Final = "Event `{reason}` of {kind} `{name}`"
OBJECT_SAYS: Final = "{kind} `{name}`"
NOT_READ: Final = "{what} could not be read"
PHASE: Final = "phase {phase}"
BEING_DELETED: Final = "being deleted"
DOES_NOT_EXIST: Final = "does not exist"
NOT_READY: Final = "readyToUse: false"
UID_DIFFERS: Final = "UID {now}, was {then}"
RUNS: Final = "phase {phase}, though the restore needs it stopped"
HOLDER: Final = "status.restoreInProgress: {holder}"
NO_STATUS: Final = "no status"
NO_CONDITIONS: Final = "no condition beyond the first, and no event"
LIMIT: Final = "least {least}, most {most} bytes, wanted {wanted}"

# On cards

LIKELY: Final = "*Likely cause*: {likely}"
QUOTE: Final = "• {source}: “{text}”"
NEXT: Final = "*Next*: {next} (who can do it: {who})"
COMMAND: Final = "*To look closer*:\n```{command}```"
MISSING: Final = "*Not readable, and so not considered*: {missing}"
WHY: Final = (
    "*Why does the restore of VM {vm} not go on?* (read at {when}; the restore is with {owner})"
)
WHY_START: Final = "*Why does VM {vm} not come up?* (read at {when}; the restore is with {owner})"
NOTHING_WRONG_AT_START: Final = "Nothing wrong was found with the start of VM {vm}."
NOTHING_READ: Final = (
    "The cluster of VM {vm} could not be asked: {what}. The restore is with {owner}."
)
NOTHING_WRONG: Final = "Nothing wrong was found with the restore of VM {vm}."
KEEP_WAITING: Final = "• *Keep waiting*: the thread is kept up to date."

# The summary for the cluster admin: plain text, one fact a line

SUMMARY: Final = "Summary for the cluster admin, to be copied (the restore is with {owner}):"
SUMMARY_VM: Final = "VM"
SUMMARY_CLUSTER: Final = "Cluster"
SUMMARY_SNAPSHOT: Final = "VirtualMachineSnapshot"
SUMMARY_RESTORE: Final = "VirtualMachineRestore"
SUMMARY_CREATED: Final = "Decided at"
SUMMARY_CONFIRMED: Final = "Confirmed at"
SUMMARY_SAFETY: Final = "Safety snapshot"
SUMMARY_SAYS: Final = "KubeVirt said last"
SUMMARY_BOUND: Final = "Volumes bound"
SUMMARY_ERROR: Final = "Error"
SUMMARY_CAUSE: Final = "Likely cause"
SUMMARY_EVIDENCE: Final = "Evidence"
SUMMARY_NEXT: Final = "Next step"
SUMMARY_COMMAND: Final = "To look closer"
