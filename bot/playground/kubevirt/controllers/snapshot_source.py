"""What a snapshot takes from a VM: the copy, the volumes, the obstacles and the consistency."""

from typing import Any

from bot.playground.kubevirt.controllers.vm_status import snapshot_classes, why_not_snapshottable
from bot.playground.kubevirt.controllers.volumes import FINAL_PHASES, claims_of
from bot.playground.kubevirt.metadata import condition_is, dig, is_deleting
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.problems import internal
from bot.playground.kubevirt.resources import CONTROLLER_REVISIONS, DATA_VOLUMES, PVCS, VMIS
from bot.playground.kubevirt.storage import clone

Json = dict[str, Any]

INDICATIONS = {
    "Online": "Snapshot taken while the VM was running. Consistency depends on guest-agent quiescing.",
    "GuestAgent": "Guest agent was active and attempted to quiesce the filesystem for application consistency.",
    "NoGuestAgent": "Guest agent was not available. Snapshot is crash-consistent and may not be application-consistent.",
    "Paused": "Snapshot taken while the VM was paused. Snapshot is crash-consistent and may not be application-consistent.",
    "QuiesceTimeout": "Guest agent quiesced the filesystem, but the freeze window timed out before completion. Snapshot is crash-consistent and may not be application-consistent.",
    "PartialSnapshot": "Not all snapshotable volumes were included in the snapshot. Check status.snapshotVolumes for excluded volumes and VM VolumeSnapshotStatus for details.",
}


def lock_obstacle(plane: Plane, vm: Json, snapshot: str) -> str:
    """Why the VM cannot be locked now, as the condition's suffix; empty if it can."""
    other = dig(vm, "status", "snapshotInProgress")
    if other and other != snapshot:
        return f' snapshot "{other}" in progress'
    namespace = vm["metadata"]["namespace"]
    for name in claims_of(dig(vm, "spec", "template", "spec", default={})):
        trouble = _volume_trouble(plane, namespace, name)
        if trouble:
            return f" source {namespace}/{vm['metadata']['name']} volume {trouble}: {name}"
    return ""


def _volume_trouble(plane: Plane, namespace: str, name: str) -> str:
    claim = plane.storage.find(PVCS.plural, namespace, name)
    if claim is None:
        return "doesnt exist"
    if dig(claim, "status", "phase") != "Bound":
        return "not bound"
    volume = plane.storage.find(DATA_VOLUMES.plural, namespace, name)
    if volume is not None and dig(volume, "status", "phase") != "Succeeded":
        return "not populated"
    return "is being deleted" if is_deleting(claim) else ""


def captured_vm(plane: Plane, vm: Json) -> Json:
    """The copy in the content: of a running VM, the spec it was started with, with today's disks."""
    metadata = {k: v for k, v in vm["metadata"].items() if k != "managedFields"}
    return {"metadata": clone(metadata), "spec": _captured_spec(plane, vm), "status": {}}


def _captured_spec(plane: Plane, vm: Json) -> Json:
    namespace, name = vm["metadata"]["namespace"], vm["metadata"]["name"]
    spec: Json = clone(vm["spec"])
    vmi = plane.storage.find(VMIS.plural, namespace, name)
    started = dig(vmi, "status", "virtualMachineRevisionName")
    revision = plane.storage.find(CONTROLLER_REVISIONS.plural, namespace, started or "")
    if revision is None:
        return spec
    old: Json = clone(revision["data"]["spec"])
    old["template"]["spec"]["volumes"] = spec["template"]["spec"].get("volumes", [])
    devices = dig(spec, "template", "spec", "domain", "devices", default={})
    old["template"]["spec"]["domain"].setdefault("devices", {})["disks"] = devices.get("disks", [])
    for source in ("dataVolumeTemplates", "runStrategy", "running"):
        old.pop(source, None)
        if source in spec:
            old[source] = spec[source]
    return old


def volume_backups(plane: Plane, vm: Json, uid: str) -> list[Json]:
    """One entry per volume that can be snapshotted; an error if its class is ambiguous."""
    namespace = vm["metadata"]["namespace"]
    backups = []
    for volume in dig(vm, "spec", "template", "spec", "volumes", default=[]):
        reason = why_not_snapshottable(plane, namespace, volume)
        if "matching VolumeSnapshotClasses" in reason:
            raise internal(reason)
        if not reason:
            backups.append(backup_of(plane, namespace, volume, uid))
    return backups


def backup_of(plane: Plane, namespace: str, volume: Json, uid: str) -> Json:
    """The content's entry for one volume."""
    claim = plane.storage.get(PVCS.plural, namespace, claims_of({"volumes": [volume]})[0])
    kept = ("name", "namespace", "uid", "labels", "annotations", "ownerReferences")
    metadata = {name: claim["metadata"][name] for name in kept if name in claim["metadata"]}
    return {
        "volumeName": volume["name"],
        "persistentVolumeClaim": {"metadata": metadata, "spec": claim["spec"]},
        "volumeSnapshotName": f"vmsnapshot-{uid}-volume-{volume['name']}",
    }


def snapshot_class_of(plane: Plane, backup: Json) -> str:
    """The VolumeSnapshotClass for one backup."""
    storage_class = dig(backup, "persistentVolumeClaim", "spec", "storageClassName", default="")
    return str(snapshot_classes(plane, storage_class)[0]["metadata"]["name"])


def excluded_volumes(vm: Json, included: list[str]) -> list[str]:
    """Every volume of the VM that is not in the snapshot, harmless ones too."""
    volumes = dig(vm, "spec", "template", "spec", "volumes", default=[])
    return [volume["name"] for volume in volumes if volume["name"] not in included]


def indications_of(
    plane: Plane, vm: Json, vmi: Json | None, *, froze: bool
) -> list[tuple[str, str]]:
    """How consistent the snapshot is: alphabetical, PartialSnapshot last."""
    names: list[str] = []
    if vmi is not None and dig(vmi, "status", "phase") not in FINAL_PHASES:
        names = ["Online", *_quiescing(vmi, froze=froze)]
    partial = ["PartialSnapshot"] if _is_partial(plane, vm) else []
    names = [*sorted(names), *partial]
    return [(name, INDICATIONS[name]) for name in names]


def _quiescing(vmi: Json, *, froze: bool) -> list[str]:
    if condition_is(vmi, "Paused"):
        return ["Paused"]
    if not condition_is(vmi, "AgentConnected"):
        return ["NoGuestAgent"]
    return ["GuestAgent"] if froze else ["GuestAgent", "QuiesceTimeout"]


def _is_partial(plane: Plane, vm: Json) -> bool:
    namespace = vm["metadata"]["namespace"]
    volumes = dig(vm, "spec", "template", "spec", "volumes", default=[])
    return any(
        claims_of({"volumes": [volume]}) and why_not_snapshottable(plane, namespace, volume)
        for volume in volumes
    )
