"""Builds a world: objects as the controllers would have left them, with their past in their times.

Nothing here goes through admission. Every helper returns the object as it is stored.
"""

import uuid
from datetime import timedelta
from typing import Any, Unpack

from bot.playground.kubevirt.api import PVC_PROTECTION
from bot.playground.kubevirt.controllers.vm import FINALIZER, VMI_FINALIZERS, start_revision_name
from bot.playground.kubevirt.controllers.vmi import NODE, NODE_LABEL
from bot.playground.kubevirt.controllers.volumes import bound_status
from bot.playground.kubevirt.crds import definitions
from bot.playground.kubevirt.metadata import (
    dig,
    new_uid,
    owner_reference,
    rfc3339,
    set_condition,
)
from bot.playground.kubevirt.patch import merged
from bot.playground.kubevirt.resources import (
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
)
from bot.playground.kubevirt.seed_objects import (
    DEFAULT_CLASS,
    Disk,
    SnapshotOptions,
    VmOptions,
    data_volume_of,
    disk_of,
    template_of,
)
from bot.playground.kubevirt.seed_snapshots import SnapshotSeed
from bot.playground.kubevirt.storage import clone

__all__ = ["Disk", "Seed", "SnapshotOptions", "VmOptions"]

Json = dict[str, Any]
DRIVER = "csi.playground.example.com"


class Seed(SnapshotSeed):
    """Puts objects into storage."""

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
        self._kube_system()

    def crds(self) -> None:
        """The CRDs as the knobs say they are now."""
        knobs = self._plane.knobs
        wanted = definitions(knobs)
        names = {held["metadata"]["name"] for held in wanted}
        for _, name in self._plane.storage.keys(CRDS.plural):
            if name not in names:
                self._plane.storage.remove(CRDS.plural, "", name)
        for definition in wanted:
            self._put(CRDS, definition)

    def _kube_system(self) -> None:
        """The namespace whose UID tells clusters apart. Those of all other objects do not depend on it."""
        randomness = self._plane.randomness
        before = randomness.getstate()
        uid = str(uuid.uuid5(uuid.UUID(new_uid(randomness)), "kube-system"))
        self.namespace("kube-system", uid=uid)
        randomness.setstate(before)

    def namespace(self, name: str, **more: str) -> Json:
        """A namespace."""
        labels = {"kubernetes.io/metadata.name": name}
        head = {"metadata": {"name": name, "labels": labels, **more}}
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
        disks = [disk_of(held) for held in options.get("disks", ("root",))]
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
        spec = {**on, "template": template_of(name, disks, options)}
        templates = [data_volume_of(f"{name}-{d.name}", d) for d in disks if d.source == "template"]
        if templates:
            spec["dataVolumeTemplates"] = templates
        status = {
            "printableStatus": "Running" if running else "Stopped",
            "runStrategy": strategy,
            "desiredGeneration": metadata["generation"],
            "observedGeneration": metadata["generation"],
        }
        if not running:
            down = {"type": "Ready", "status": "False", "reason": "VMINotExists"}
            set_condition(status, {**down, "message": "VMI does not exist"}, created)
        vm: Json = merged({"metadata": metadata, "spec": spec, "status": status}, options.get("change", {}))  # fmt: skip
        return vm

    def _disk_objects(self, vm: Json, disk: Disk) -> None:
        namespace, name = vm["metadata"]["namespace"], f"{vm['metadata']['name']}-{disk.name}"
        if disk.source == "pvc":
            self.claim(namespace, name, disk)
        elif disk.source in ("dataVolume", "template"):
            owners = [owner_reference(vm)] if disk.source == "template" else []
            volume = data_volume_of(name, disk)
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
        status = self._running(vm, since)
        template = vm["spec"]["template"]
        instance = {
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "creationTimestamp": since,
            "labels": {**template["metadata"]["labels"], NODE_LABEL: NODE},
            "finalizers": list(VMI_FINALIZERS),
            "ownerReferences": [owner_reference(vm)],
        }
        self._put(VMIS, {"metadata": instance, "spec": clone(template["spec"]), "status": status})

    def _running(self, vm: Json, since: str) -> Json:
        """The status of an instance that runs since some time."""
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
        namespace, name = vm["metadata"]["namespace"], vm["metadata"]["name"]
        agent = self._plane.knobs.of_guest(namespace, name).has_agent
        for kind in ("Ready", "LiveMigratable", *(["AgentConnected"] if agent else [])):
            set_condition(status, {"type": kind, "status": "True"}, self._plane.now())
        return status
