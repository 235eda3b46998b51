"""What a restore makes: the new claims, the data volumes, and the VM's spec that refers to them.

Pure functions from restore, content and target to objects; `restore.py` writes them.
"""

import uuid
from decimal import Decimal
from typing import Any

from bot.playground.kubevirt.metadata import dig, owner_reference
from bot.playground.kubevirt.quantities import parse
from bot.playground.kubevirt.storage import clone

Json = dict[str, Any]
NAME_ANNOTATION = "restore.kubevirt.io/name"
LAST_RESTORE = "restore.kubevirt.io/lastRestoreUID"
_CONTENT_TYPE = "cdi.kubevirt.io/storage.contentType"
_DROPPED = ("pv.kubernetes.io", "volume.beta.kubernetes.io", "volume.kubernetes.io", "cdi.kubevirt.io",
            "k8s.io/CloneRequest", "k8s.io/CloneOf")  # fmt: skip
_MAX_NAME = 63
_LEGACY_FIRMWARE = uuid.UUID("6a1a24a1-4061-4607-8bf4-a3963d0c5895")


def restore_id(restore: Json) -> str:
    """The mark of one restore on what it touched: name and UID."""
    return f"{restore['metadata']['name']}-{restore['metadata']['uid']}"


def source_vm(content: Json) -> Json:
    """The VM as it was copied into the content."""
    vm: Json = content["spec"]["source"]["virtualMachine"]
    return vm


def restore_entries(restore: Json, content: Json) -> list[Json]:
    """`status.restores`: which claim each volume comes back as."""
    return [
        {
            "volumeName": backup["volumeName"],
            "persistentVolumeClaim": claim_name(restore, backup),
            "volumeSnapshotName": backup["volumeSnapshotName"],
        }
        for backup in content["spec"].get("volumeBackups", [])
    ]


def override_of(restore: Json, volume: str) -> Json:
    """The override for a volume, or nothing."""
    for override in restore["spec"].get("volumeRestoreOverrides", []):
        if override["volumeName"] == volume:
            found: Json = override
            return found
    return {}


def claim_name(restore: Json, backup: Json) -> str:
    """The name of a volume's new claim, by policy; an override wins."""
    volume = backup["volumeName"]
    named = override_of(restore, volume).get("restoreName")
    if named:
        return str(named)
    match restore["spec"].get("volumeRestorePolicy"):
        case "InPlace":
            return str(backup["persistentVolumeClaim"]["metadata"]["name"])
        case "PrefixTargetName":
            return _joined(restore["spec"]["target"]["name"], volume)
        case _:
            return f"restore-{restore['metadata']['uid']}-{volume}"


def _joined(base: str, suffix: str) -> str:
    """Both with a dash; where that is too long, the base is cut and hashed (library-go, naming)."""
    name = f"{base}-{suffix}"
    if len(name) <= _MAX_NAME:
        return name
    room = _MAX_NAME - 10 - len(suffix)
    if room <= 0:
        return f"{base[: _MAX_NAME - 9]}-{_fnv(name)}"[:_MAX_NAME]
    return f"{base[:room]}-{_fnv(base)}-{suffix}"


def _fnv(text: str) -> str:
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 % 2**32
    return f"{value:08x}"


def new_claim(restore: Json, content: Json, backup: Json, size: str | None) -> Json:
    """The claim for one volume, without an owner; `size` is the volume snapshot's restoreSize."""
    copied = backup["persistentVolumeClaim"]
    override = override_of(restore, backup["volumeName"])
    vm = source_vm(content)["metadata"]
    labels = {
        **copied["metadata"].get("labels", {}),
        "restore.kubevirt.io/source-vm-name": vm["name"],
        "restore.kubevirt.io/source-vm-namespace": vm["namespace"],
        **override.get("labels", {}),
    }
    annotations = {
        **_kept_annotations(copied["metadata"].get("annotations", {})),
        NAME_ANNOTATION: restore["metadata"]["name"],
        LAST_RESTORE: restore_id(restore),
        **override.get("annotations", {}),
    }
    source = {
        "apiGroup": "snapshot.storage.k8s.io",
        "kind": "VolumeSnapshot",
        "name": backup["volumeSnapshotName"],
    }
    kept = ("accessModes", "volumeMode", "storageClassName")
    spec = {name: clone(copied["spec"][name]) for name in kept if name in copied["spec"]}
    spec |= {"dataSource": source, "dataSourceRef": dict(source)}
    spec["resources"] = {"requests": {"storage": _larger(copied, size)}}
    metadata = {
        "name": claim_name(restore, backup),
        "namespace": restore["metadata"]["namespace"],
        "labels": labels,
        "annotations": annotations,
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def _larger(copied: Json, size: str | None) -> str:
    asked = str(dig(copied, "spec", "resources", "requests", "storage", default="0"))
    return size if size is not None and parse(size) > max(parse(asked), Decimal(0)) else asked


def _kept_annotations(annotations: Json) -> Json:
    return {
        name: value
        for name, value in annotations.items()
        if name == _CONTENT_TYPE or not name.startswith(_DROPPED)
    }


def owner_of_claim(restore: Json, content: Json, backup: Json, vm: Json | None) -> list[Json]:
    """Who owns the new claim of a plain volume."""
    if vm is None or restore["spec"].get("volumeOwnershipPolicy") == "None":
        return []
    if vm["metadata"]["uid"] != source_vm(content)["metadata"]["uid"]:
        uid = source_vm(content)["metadata"]["uid"]
        owners = backup["persistentVolumeClaim"]["metadata"].get("ownerReferences", [])
        if uid not in [owner["uid"] for owner in owners]:
            return []
    return [owner_reference(vm)]


def template_names(spec: Json) -> set[str]:
    """The data volumes a VM spec makes by itself."""
    return {held["metadata"]["name"] for held in spec.get("dataVolumeTemplates", [])}


def templated_volumes(content: Json) -> dict[str, str]:
    """Volume name to data volume name, of the volumes that come from templates."""
    spec = source_vm(content)["spec"]
    templates = template_names(spec)
    volumes = dig(spec, "template", "spec", "volumes", default=[])
    names = {volume["name"]: dig(volume, "dataVolume", "name") for volume in volumes}
    return {volume: name for volume, name in names.items() if name in templates}


def new_data_volume(restore: Json, content: Json, entry: Json) -> Json:
    """The data volume that adopts a restored claim."""
    old = templated_volumes(content)[entry["volumeName"]]
    templates = source_vm(content)["spec"]["dataVolumeTemplates"]
    template = clone(next(held for held in templates if held["metadata"]["name"] == old))
    metadata = {
        "name": entry["dataVolumeName"],
        "labels": template["metadata"].get("labels", {}),
        "annotations": {
            **template["metadata"].get("annotations", {}),
            "cdi.kubevirt.io/storage.prePopulated": entry["persistentVolumeClaim"],
            NAME_ANNOTATION: restore["metadata"]["name"],
        },
    }
    return {"metadata": metadata, "spec": template["spec"]}


def restored_spec(restore: Json, content: Json, entries: list[Json], vm: Json | None) -> Json:
    """The spec the VM gets: the snapshot's, with the new volumes and today's run strategy."""
    spec: Json = clone(source_vm(content)["spec"])
    by_volume = {entry["volumeName"]: entry for entry in entries}
    template = spec["template"]["spec"]
    dumps = {volume["name"] for volume in template.get("volumes", []) if "memoryDump" in volume}
    kept = [volume for volume in template.get("volumes", []) if volume["name"] not in dumps]
    template["volumes"] = [_repointed(volume, by_volume.get(volume["name"])) for volume in kept]
    renamed = {
        name: by_volume[volume]["dataVolumeName"]
        for volume, name in templated_volumes(content).items()
        if volume in by_volume
    }
    for held in spec.get("dataVolumeTemplates", []):
        held["metadata"]["name"] = renamed.get(held["metadata"]["name"], held["metadata"]["name"])
    _keep_firmware(template, restore, content)
    return _with_strategy(spec, vm)


def _repointed(volume: Json, entry: Json | None) -> Json:
    if entry is None:
        return volume
    if "dataVolume" in volume and entry.get("dataVolumeName"):
        return {**volume, "dataVolume": {**volume["dataVolume"], "name": entry["dataVolumeName"]}}
    others = {k: v for k, v in volume.items() if k not in ("dataVolume", "persistentVolumeClaim")}
    claim = dict(volume.get("persistentVolumeClaim", {}))
    return {
        **others,
        "persistentVolumeClaim": {**claim, "claimName": entry["persistentVolumeClaim"]},
    }


def _keep_firmware(template: Json, restore: Json, content: Json) -> None:
    """A VM from before firmware UUIDs keeps the one that was computed from its name."""
    name = restore["spec"]["target"]["name"]
    if name == source_vm(content)["metadata"]["name"]:
        firmware = template.setdefault("domain", {}).setdefault("firmware", {})
        firmware.setdefault("uuid", str(uuid.uuid5(_LEGACY_FIRMWARE, name)))


def _with_strategy(spec: Json, vm: Json | None) -> Json:
    used_running = "running" in spec
    for name in ("running", "runStrategy"):
        spec.pop(name, None)
    if vm is None:
        return {**spec, "running": False} if used_running else {**spec, "runStrategy": "Halted"}
    if "runStrategy" in vm["spec"]:
        return {**spec, "runStrategy": vm["spec"]["runStrategy"]}
    return {**spec, "running": False}


def obsolete_data_volumes(vm: Json | None, spec: Json) -> list[str]:
    """Template data volumes of today's VM that the restored one no longer has."""
    if vm is None:
        return []
    return sorted(template_names(vm["spec"]) - template_names(spec))
