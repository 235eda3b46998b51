"""The documents the bot sends to be created. None carries ownerReferences: OpenShift refuses them."""

from datetime import UTC

from bot.cluster import names
from bot.cluster.document import Json
from bot.cluster.schema import READINESS, SnapshotApi
from bot.restore.announcements import Announcement
from bot.restore.events import CreateRestore, CreateSnapshot


def restore(effect: CreateRestore, served: SnapshotApi) -> Json:
    """The VirtualMachineRestore: fails at once, instead of waiting, if the VM was started."""
    spec: Json = {
        "target": _vm(effect.vm),
        "virtualMachineSnapshotName": effect.snapshot,
    }
    if served.has(READINESS):
        spec[READINESS] = "FailImmediate"
    if effect.volume_policy is not None:
        spec["volumeRestorePolicy"] = effect.volume_policy.value
    return _object("VirtualMachineRestore", effect, served, spec)


def snapshot(effect: CreateSnapshot, served: SnapshotApi) -> Json:
    """The safety snapshot."""
    return _object("VirtualMachineSnapshot", effect, served, {"source": _vm(effect.vm)})


def event(told: Announcement) -> Json:
    """An Event on the VM. In the form of core/v1, which `kubectl describe` finds by the VM's UID."""
    when = told.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    about = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "namespace": told.namespace,
        "name": told.vm,
    }
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": told.name, "namespace": told.namespace},
        "involvedObject": about | ({"uid": told.vm_uid} if told.vm_uid else {}),
        "type": "Warning" if told.warning else "Normal",
        "reason": told.reason,
        "message": told.text,
        "firstTimestamp": when,
        "lastTimestamp": when,
        "count": 1,
        "source": {"component": "vm-restore-bot"},
        "reportingComponent": "vm-restore-bot",
        "reportingInstance": "",
    }


def only_if(uid: str) -> Json:
    """DeleteOptions that spare a newer object of the same name."""
    return {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}


def _vm(name: str) -> Json:
    return {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": name}


def _object(
    kind: str, effect: CreateRestore | CreateSnapshot, served: SnapshotApi, spec: Json
) -> Json:
    return {
        "apiVersion": f"{names.SNAPSHOT_GROUP}/{served.version}",
        "kind": kind,
        "metadata": {
            "name": effect.name,
            "namespace": effect.namespace,
            "labels": dict(effect.labels),
            "annotations": dict(effect.annotations),
        },
        "spec": spec,
    }
