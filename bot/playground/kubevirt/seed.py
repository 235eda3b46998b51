"""Builds a world: objects as the controllers would have left them, with their past in their times.

Nothing here goes through admission. Every helper returns the object as it is stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from bot.playground.kubevirt.api import PVC_PROTECTION
from bot.playground.kubevirt.controllers.snapshot import (
    CONTENT_FINALIZER,
    SNAPSHOT_FINALIZER,
    content_name,
)
from bot.playground.kubevirt.controllers.snapshot_source import INDICATIONS, backup_of
from bot.playground.kubevirt.controllers.vm import FINALIZER, VMI_FINALIZERS, start_revision_name
from bot.playground.kubevirt.controllers.vmi import NODE
from bot.playground.kubevirt.controllers.volumes import bound_status, claims_of
from bot.playground.kubevirt.crds import definitions
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
    CONTROLLER_REVISIONS,
    CRDS,
    DATA_VOLUMES,
    KUBEVIRTS,
    NAMESPACES,
    PVCS,
    QUOTAS,
    SNAPSHOTS,
    STORAGE_CLASSES,
    VMIS,
    VMS,
    VOLUME_SNAPSHOT_CLASSES,
    VOLUME_SNAPSHOTS,
    Resource,
)
from bot.playground.kubevirt.storage import clone

Json = dict[str, Any]
DEFAULT_CLASS = "standard"
DRIVER = "csi.playground.example.com"


@dataclass(frozen=True, slots=True)
class Disk:
    """One volume of a VM. `source`: pvc, dataVolume, template, cloudInit or containerDisk."""

    name: str
    size: str = "10Gi"
    storage_class: str = DEFAULT_CLASS
    source: str = "pvc"
    shareable: bool = False


class VmOptions(TypedDict, total=False):
    """What can be said about a seeded VM."""

    running: bool
    run_strategy: str
    uses_running: bool
    disks: Sequence[Disk | str]
    cpu: int
    memory: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    created: datetime
    modified: datetime
    generation: int
    uid: str
    grace_period: int
    change: Json


class SnapshotOptions(TypedDict, total=False):
    """What can be said about a seeded snapshot."""

    created: datetime
    ready: bool
    phase: str
    error: str
    indications: Sequence[str]
    volumes: Sequence[str]
    vm_uid: str
    vm_change: Json
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class Seed:
    """Puts objects into storage."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def cluster(self) -> None:
        """What every cluster has: namespaces, a storage class with snapshots, KubeVirt, its CRDs."""
        for name in ("default", "kubevirt"):
            self.namespace(name)
        self.storage_class(DEFAULT_CLASS, default=True)
        version = self._plane.knobs.kubevirt_version
        status = {
            "phase": "Deployed",
            "observedKubeVirtVersion": version,
            "operatorVersion": version,
            "targetKubeVirtVersion": version,
        }
        gates = {"developerConfiguration": {"featureGates": ["Snapshot"]}}
        head = {"metadata": {"namespace": "kubevirt", "name": "kubevirt"}}
        self._put(KUBEVIRTS, {**head, "spec": {"configuration": gates}, "status": status})
        self.crds()

    def crds(self) -> None:
        """The CRDs as the knobs say they are now."""
        knobs = self._plane.knobs
        wanted = definitions(knobs.absent_groups, knobs.absent_restore_fields)
        names = {held["metadata"]["name"] for held in wanted}
        for _, name in self._plane.storage.keys(CRDS.plural):
            if name not in names:
                self._plane.storage.remove(CRDS.plural, "", name)
        for definition in wanted:
            self._put(CRDS, definition)

    def namespace(self, name: str) -> Json:
        """A namespace."""
        labels = {"kubernetes.io/metadata.name": name}
        head = {"metadata": {"name": name, "labels": labels}}
        return self._put(NAMESPACES, {**head, "spec": {}, "status": {"phase": "Active"}})

    def storage_class(
        self,
        name: str,
        binding: str = "Immediate",
        *,
        bind_after: float | None = 3.0,
        snapshots: bool = True,
        default: bool = False,
    ) -> Json:
        """A storage class, and (unless told not to) a snapshot class for its driver."""
        self._plane.knobs.own_class(name).bind = bind_after
        driver = f"{name}.{DRIVER}"
        if snapshots:
            head = {"metadata": {"name": f"{name}-snapshots"}}
            self._put(
                VOLUME_SNAPSHOT_CLASSES, {**head, "driver": driver, "deletionPolicy": "Delete"}
            )
        mark = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
        return self._put(
            STORAGE_CLASSES,
            {
                "metadata": {"name": name, "annotations": mark},
                "provisioner": driver,
                "reclaimPolicy": "Delete",
                "volumeBindingMode": binding,
            },
        )

    def quota(self, namespace: str, name: str = "storage", **hard: str) -> Json:
        """A quota; say `requests_storage="5Gi"`, or pass odd names by `**{"count/pvc": "3"}`."""
        limits = {key.replace("requests_", "requests."): value for key, value in hard.items()}
        head = {"metadata": {"namespace": namespace, "name": name}}
        return self._put(QUOTAS, {**head, "spec": {"hard": limits}})

    def claim(self, namespace: str, name: str, disk: Disk, **metadata: Any) -> Json:
        """A bound volume claim."""
        pvc: Json = {
            "metadata": {
                "namespace": namespace,
                "name": name,
                "finalizers": [PVC_PROTECTION],
                **metadata,
            },
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": disk.size}},
                "storageClassName": disk.storage_class,
                "volumeMode": "Block",
                "volumeName": f"pvc-{namespace}-{name}",
            },
        }
        return self._put(PVCS, {**pvc, "status": bound_status(pvc)})

    def vm(self, namespace: str, name: str, **options: Unpack[VmOptions]) -> Json:
        """A VM with its disks; running ones have a VMI that runs since the VM's last change."""
        if self._plane.storage.find(NAMESPACES.plural, "", namespace) is None:
            self.namespace(namespace)
        disks = [_disk(held) for held in options.get("disks", ("root",))]
        vm = self._put(VMS, self._vm(namespace, name, disks, options), options.get("modified"))
        for disk in disks:
            self._disk_objects(vm, disk)
        if options.get("running", True):
            self._instance(vm)
        return self._plane.storage.get(VMS.plural, namespace, name)

    def snapshot(
        self, namespace: str, name: str, vm: str, **options: Unpack[SnapshotOptions]
    ) -> Json:
        """A finished snapshot of a VM: the object, its content and its volume snapshots."""
        source = self._plane.storage.get(VMS.plural, namespace, vm)
        created = options.get("created", self._plane.now() - timedelta(hours=6))
        snapshot = self._put(SNAPSHOTS, self._snapshot(source, name, created, options))
        if options.get("phase", "Succeeded") == "Succeeded":
            self._content(snapshot, source, created, options)
        return snapshot

    def _vm(self, namespace: str, name: str, disks: list[Disk], options: VmOptions) -> Json:
        running = options.get("running", True)
        strategy = options.get("run_strategy", "Always" if running else "Halted")
        created = options.get("created", self._plane.now() - timedelta(days=30))
        metadata: Json = {
            "namespace": namespace,
            "name": name,
            "creationTimestamp": rfc3339(created),
            "generation": options.get("generation", 1),
            "finalizers": [FINALIZER],
            "labels": dict(options.get("labels", {})),
            "annotations": dict(options.get("annotations", {})),
        }
        if "uid" in options:
            metadata["uid"] = options["uid"]
        on = {"running": running} if options.get("uses_running") else {"runStrategy": strategy}
        spec = {**on, "template": _template(name, disks, options)}
        templates = [_data_volume(f"{name}-{d.name}", d) for d in disks if d.source == "template"]
        if templates:
            spec["dataVolumeTemplates"] = templates
        status = {
            "printableStatus": "Running" if running else "Stopped",
            "runStrategy": strategy,
            "desiredGeneration": metadata["generation"],
            "observedGeneration": metadata["generation"],
        }
        vm: Json = merged({"metadata": metadata, "spec": spec, "status": status}, options.get("change", {}))  # fmt: skip
        return vm

    def _disk_objects(self, vm: Json, disk: Disk) -> None:
        namespace, name = vm["metadata"]["namespace"], f"{vm['metadata']['name']}-{disk.name}"
        if disk.source == "pvc":
            self.claim(namespace, name, disk)
        elif disk.source in ("dataVolume", "template"):
            owners = [owner_reference(vm)] if disk.source == "template" else []
            volume = _data_volume(name, disk)
            volume["metadata"] |= {"namespace": namespace}
            if owners:
                volume["metadata"]["ownerReferences"] = owners
            status = {"claimName": name, "phase": "Succeeded", "progress": "100.0%"}
            held = self._put(DATA_VOLUMES, {**volume, "status": status})
            self.claim(namespace, name, disk, ownerReferences=[owner_reference(held)])

    def _instance(self, vm: Json) -> None:
        metadata = vm["metadata"]
        since = dig(vm, "metadata", "managedFields")[-1]["time"]
        revision = {
            "metadata": {
                "namespace": metadata["namespace"],
                "name": start_revision_name(vm),
                "ownerReferences": [owner_reference(vm)],
            },
            "data": {"spec": clone(vm["spec"])},
            "revision": metadata["generation"],
        }
        self._put(CONTROLLER_REVISIONS, revision)
        phases = ("Pending", "Scheduling", "Scheduled", "Running")
        status: Json = {
            "phase": "Running",
            "nodeName": NODE,
            "interfaces": [{"name": "default", "ipAddress": "10.244.0.17"}],
            "virtualMachineRevisionName": start_revision_name(vm),
            "phaseTransitionTimestamps": [
                {"phase": phase, "phaseTransitionTimestamp": since} for phase in phases
            ],
        }
        kinds = ["Ready", "LiveMigratable"]
        if self._plane.knobs.of_guest(metadata["namespace"], metadata["name"]).has_agent:
            kinds.append("AgentConnected")
        for kind in kinds:
            set_condition(status, {"type": kind, "status": "True"}, self._plane.now())
        template = vm["spec"]["template"]
        instance = {
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "creationTimestamp": since,
            "labels": {**template["metadata"]["labels"], "vm.kubevirt.io/name": metadata["name"]},
            "finalizers": list(VMI_FINALIZERS),
            "ownerReferences": [owner_reference(vm)],
        }
        self._put(VMIS, {"metadata": instance, "spec": clone(template["spec"]), "status": status})

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
        status = _snapshot_status(vm, created, options)
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
        namespace, uid = snapshot["metadata"]["namespace"], snapshot["metadata"]["uid"]
        included = snapshot["status"]["snapshotVolumes"].get("includedVolumes", [])
        volumes = dig(vm, "spec", "template", "spec", "volumes", default=[])
        backups = [
            backup_of(self._plane, namespace, volume, uid)
            for volume in volumes
            if volume["name"] in included
        ]
        metadata = {k: v for k, v in vm["metadata"].items() if k != "managedFields"}
        copy = {"metadata": metadata, "spec": vm["spec"], "status": {}}
        if "vm_uid" in options:
            copy["metadata"] = {**metadata, "uid": options["vm_uid"]}
        head = {
            "namespace": namespace,
            "name": content_name(snapshot),
            "creationTimestamp": rfc3339(created),
            "finalizers": [CONTENT_FINALIZER],
        }
        ready = options.get("ready", True)
        states = [
            {"volumeSnapshotName": b["volumeSnapshotName"], "creationTime": rfc3339(created), "readyToUse": ready}
            for b in backups
        ]  # fmt: skip
        spec = {
            "virtualMachineSnapshotName": snapshot["metadata"]["name"],
            "source": {"virtualMachine": merged(copy, options.get("vm_change", {}))},
            "volumeBackups": backups,
        }
        status = {
            "creationTime": rfc3339(created),
            "readyToUse": ready,
            "volumeSnapshotStatus": states,
        }
        uid_of_content = new_uid(self._plane.randomness)
        owner = {**_head(CONTENTS), "metadata": {**head, "uid": uid_of_content}}
        for backup in backups:
            self._volume_snapshot(owner, backup, created, ready=ready)
        self._put(CONTENTS, {"metadata": owner["metadata"], "spec": spec, "status": status})

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
        whole: Json = {**_head(resource), **obj}
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


def _head(resource: Resource) -> Json:
    return {"apiVersion": resource.api_version(), "kind": resource.kind}


def _disk(held: Disk | str) -> Disk:
    return Disk(held) if isinstance(held, str) else held


def _template(name: str, disks: list[Disk], options: VmOptions) -> Json:
    devices = {
        "disks": [
            {"name": disk.name, "disk": {"bus": "virtio"}, **({"shareable": True} if disk.shareable else {})}
            for disk in disks
        ],
        "interfaces": [{"name": "default", "masquerade": {}}],
    }  # fmt: skip
    spec: Json = {
        "domain": {
            "cpu": {"cores": options.get("cpu", 2)},
            "memory": {"guest": options.get("memory", "4Gi")},
            "devices": devices,
        },
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [_volume(name, disk) for disk in disks],
    }
    if "grace_period" in options:
        spec["terminationGracePeriodSeconds"] = options["grace_period"]
    return {"metadata": {"labels": {"kubevirt.io/vm": name}}, "spec": spec}


def _volume(vm: str, disk: Disk) -> Json:
    match disk.source:
        case "pvc":
            return {"name": disk.name, "persistentVolumeClaim": {"claimName": f"{vm}-{disk.name}"}}
        case "cloudInit":
            return {"name": disk.name, "cloudInitNoCloud": {"userData": "#cloud-config\n"}}
        case "containerDisk":
            return {"name": disk.name, "containerDisk": {"image": "quay.io/containerdisks/fedora"}}
        case _:
            return {"name": disk.name, "dataVolume": {"name": f"{vm}-{disk.name}"}}


def _data_volume(name: str, disk: Disk) -> Json:
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": disk.size}},
        "storageClassName": disk.storage_class,
    }
    return {"metadata": {"name": name}, "spec": {"pvc": claim, "source": {"blank": {}}}}


def _snapshot_status(vm: Json, created: datetime, options: SnapshotOptions) -> Json:
    phase = options.get("phase", "Succeeded")
    status: Json = {
        "phase": phase,
        "readyToUse": phase == "Succeeded" and options.get("ready", True),
        "sourceUID": vm["metadata"]["uid"],
    }
    if phase == "Succeeded":
        status["creationTime"] = rfc3339(created)
    names = list(options.get("indications", ()))
    if names:
        status["indications"] = names
        status["sourceIndications"] = [
            {"indication": name, "message": INDICATIONS.get(name, name)} for name in names
        ]
    if options.get("error"):
        status["error"] = {"message": options["error"], "time": rfc3339(created)}
    return status
