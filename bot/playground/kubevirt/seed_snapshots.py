"""Snapshots of a world, with their contents and volume snapshots, as the controllers left them."""

from datetime import datetime
from typing import Any

from bot.playground.kubevirt.controllers.snapshot import (
    CONTENT_FINALIZER,
    SNAPSHOT_FINALIZER,
    content_name,
)
from bot.playground.kubevirt.controllers.snapshot_source import backup_of
from bot.playground.kubevirt.controllers.volumes import claims_of
from bot.playground.kubevirt.metadata import (
    dig,
    new_uid,
    note_writer,
    owner_reference,
    rfc3339,
    set_condition,
)
from bot.playground.kubevirt.patch import merged
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.resources import (
    CONTENTS,
    VMS,
    VOLUME_SNAPSHOTS,
    Resource,
)
from bot.playground.kubevirt.seed_objects import (
    SnapshotOptions,
    head_of,
    snapshot_status,
)

Json = dict[str, Any]


class SnapshotSeed:
    """Puts snapshots into storage."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def _snapshot(self, vm: Json, name: str, created: datetime, options: SnapshotOptions) -> Json:
        metadata = {
            "namespace": vm["metadata"]["namespace"],
            "name": name,
            "creationTimestamp": rfc3339(created),
            "finalizers": [SNAPSHOT_FINALIZER],
            "labels": dict(options.get("labels", {})),
            "annotations": dict(options.get("annotations", {})),
            "uid": new_uid(self._plane.randomness),
        }
        source = {"apiGroup": VMS.group, "kind": VMS.kind, "name": vm["metadata"]["name"]}
        snapshot: Json = {"metadata": metadata, "spec": {"source": source}}
        status = snapshot_status(vm, created, options)
        if status["phase"] == "Succeeded":
            status["virtualMachineSnapshotContentName"] = content_name(snapshot)
            status["snapshotVolumes"] = self._volumes(vm, options)
        ready = status["readyToUse"]
        failed = status["phase"] == "Failed"
        progress = {"Failed": "Operation failed", "Succeeded": "Operation complete"}
        reason = progress.get(status["phase"], "Source locked and operation in progress")
        state = "True" if status["phase"] == "InProgress" else "False"
        set_condition(status, {"type": "Progressing", "status": state, "reason": reason}, created)
        text = "Ready" if ready else "Not ready"
        set_condition(status, {"type": "Ready", "status": str(ready), "reason": text}, created)
        if failed:
            failure = {"type": "Failure", "status": "True", "reason": "snapshot deadline exceeded"}
            set_condition(status, failure, created)
        return {**snapshot, "status": status}

    def _volumes(self, vm: Json, options: SnapshotOptions) -> Json:
        volumes = dig(vm, "spec", "template", "spec", "volumes", default=[])
        included = options.get("volumes")
        if included is None:
            included = [volume["name"] for volume in volumes if claims_of({"volumes": [volume]})]
        rest = [volume["name"] for volume in volumes if volume["name"] not in included]
        held = {"includedVolumes": list(included), "excludedVolumes": rest}
        return {name: names for name, names in held.items() if names}

    def _content(
        self, snapshot: Json, vm: Json, created: datetime, options: SnapshotOptions
    ) -> None:
        ready = options.get("ready", True)
        metadata = {
            "namespace": snapshot["metadata"]["namespace"],
            "name": content_name(snapshot),
            "creationTimestamp": rfc3339(created),
            "finalizers": [CONTENT_FINALIZER],
            "uid": new_uid(self._plane.randomness),
        }
        backups = self._backups(snapshot, vm)
        state = {"creationTime": rfc3339(created), "readyToUse": ready}
        names = [backup["volumeSnapshotName"] for backup in backups]
        spec = {
            "virtualMachineSnapshotName": snapshot["metadata"]["name"],
            "source": {"virtualMachine": _copied_vm(vm, options)},
            "volumeBackups": backups,
        }
        states = [{"volumeSnapshotName": name, **state} for name in names]
        status = {**state, "volumeSnapshotStatus": states}
        for backup in backups:
            owner = {**head_of(CONTENTS), "metadata": metadata}
            self._volume_snapshot(owner, backup, created, ready=ready)
        self._put(CONTENTS, {"metadata": metadata, "spec": spec, "status": status})

    def _backups(self, snapshot: Json, vm: Json) -> list[Json]:
        namespace, uid = snapshot["metadata"]["namespace"], snapshot["metadata"]["uid"]
        included = snapshot["status"]["snapshotVolumes"].get("includedVolumes", [])
        volumes = dig(vm, "spec", "template", "spec", "volumes", default=[])
        return [
            backup_of(self._plane, namespace, volume, uid)
            for volume in volumes
            if volume["name"] in included
        ]

    def _volume_snapshot(
        self, content: Json, backup: Json, created: datetime, *, ready: bool
    ) -> None:
        namespace, claim = content["metadata"]["namespace"], backup["persistentVolumeClaim"]
        if not ready:
            key = (namespace, backup["volumeSnapshotName"])
            self._plane.knobs.stuck_volume_snapshots.add(key)
        metadata = {
            "namespace": namespace,
            "name": backup["volumeSnapshotName"],
            "creationTimestamp": rfc3339(created),
            "ownerReferences": [owner_reference(content)],
        }
        spec = {
            "source": {"persistentVolumeClaimName": claim["metadata"]["name"]},
            "volumeSnapshotClassName": f"{claim['spec'].get('storageClassName', '')}-snapshots",
        }
        status = {
            "creationTime": rfc3339(created),
            "readyToUse": ready,
            "restoreSize": claim["spec"]["resources"]["requests"]["storage"],
            "boundVolumeSnapshotContentName": f"snapcontent-{backup['volumeSnapshotName']}",
        }
        self._put(VOLUME_SNAPSHOTS, {"metadata": metadata, "spec": spec, "status": status})

    def _put(self, resource: Resource, obj: Json, modified: datetime | None = None) -> Json:
        """Store an object, filling in what the API server would have."""
        whole: Json = {**head_of(resource), **obj}
        metadata = whole["metadata"]
        for name in ("labels", "annotations"):
            if name in metadata and not metadata[name]:
                del metadata[name]
        metadata.setdefault("uid", new_uid(self._plane.randomness))
        created = metadata.setdefault("creationTimestamp", self._plane.stamp())
        if resource.custom:
            metadata.setdefault("generation", 1)
        if "managedFields" not in metadata:
            when = modified or datetime.fromisoformat(created)
            note_writer(whole, None, "kubectl-create", "", when)
        return self._plane.storage.put(resource.plural, whole)


def _copied_vm(vm: Json, options: SnapshotOptions) -> Json:
    """The VM as the content holds it: as it is, or as the options say it was."""
    metadata = {k: v for k, v in vm["metadata"].items() if k != "managedFields"}
    metadata["uid"] = options.get("vm_uid", metadata["uid"])
    copy = {"metadata": metadata, "spec": vm["spec"], "status": {}}
    whole: Json = merged(copy, options.get("vm_change", {}))
    return whole
