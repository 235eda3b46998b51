"""Storage: volume claims that bind, data volumes that fill, volume snapshots that become ready.

Stands for the persistent volume controller, CDI, the CSI drivers and the quota controller.
"""

from typing import Any

from bot.playground.kubevirt import quota
from bot.playground.kubevirt.api import PVC_PROTECTION, Api, controller
from bot.playground.kubevirt.controllers.loop import Loop
from bot.playground.kubevirt.metadata import dig, drop_finalizer, is_deleting, owner_reference
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.recorder import Recorder
from bot.playground.kubevirt.resources import (
    DATA_VOLUMES,
    PVCS,
    QUOTAS,
    STORAGE_CLASSES,
    VMIS,
    VOLUME_SNAPSHOTS,
)
from bot.playground.kubevirt.storage import Change, Key

Json = dict[str, Any]
CONSUMER = "volume.kubernetes.io/selected-node"
POPULATED_FOR = "cdi.kubevirt.io/storage.populatedFor"
PREPOPULATED = "cdi.kubevirt.io/storage.prePopulated"
WFFC = "WaitForFirstConsumer"
FINAL_PHASES = ("Succeeded", "Failed")


def claims_of(spec: Json) -> list[str]:
    """The names of the claims a VM's or VMI's template spec refers to."""
    names = []
    for volume in spec.get("volumes", []):
        claim = dig(volume, "persistentVolumeClaim", "claimName")
        data_volume = dig(volume, "dataVolume", "name")
        names += [name for name in (claim, data_volume) if name]
    return names


def waits_for_consumer(plane: Plane, pvc: Json) -> bool:
    """Whether the claim binds only when somebody uses it."""
    name = dig(pvc, "spec", "storageClassName", default="")
    held = plane.storage.find(STORAGE_CLASSES.plural, "", name)
    return held is not None and held.get("volumeBindingMode") == WFFC


class ClaimController:
    """Binds volume claims, and lets go of deleted ones when nobody uses them."""

    def __init__(self, plane: Plane, api: Api) -> None:
        self._plane = plane
        self._api = api
        self._events = Recorder(plane, "persistentvolume-controller")
        self.loop = Loop("persistentvolume-controller", plane.clock, self.reconcile)

    def on_change(self, change: Change) -> None:
        """A claim, its class, its source or its user has changed."""
        if change.resource == PVCS.plural:
            self.loop.add(change.key)
        if change.resource in (STORAGE_CLASSES.plural, VOLUME_SNAPSHOTS.plural, VMIS.plural):
            self.look_at_all()

    def look_at_all(self) -> None:
        """A pass for every claim that may still move."""
        for pvc in self._plane.storage.view(PVCS.plural):
            if is_deleting(pvc) or dig(pvc, "status", "phase") != "Bound":
                self.loop.add((pvc["metadata"]["namespace"], pvc["metadata"]["name"]))

    def reconcile(self, key: Key) -> None:
        """One pass."""
        pvc = self._api.find(PVCS, *key)
        if pvc is None:
            return
        if is_deleting(pvc):
            self._release(pvc)
        elif "phase" not in pvc.get("status", {}):
            self._set_status(pvc, {"phase": "Pending"})
        elif pvc["status"]["phase"] == "Pending":
            self._bind(key, pvc)

    def _release(self, pvc: Json) -> None:
        if not self._in_use(pvc) and drop_finalizer(pvc, PVC_PROTECTION):
            self._api.update(PVCS, pvc["metadata"]["namespace"], pvc, controller("kube-controller-manager"))  # fmt: skip

    def _in_use(self, pvc: Json) -> bool:
        vmis = self._plane.storage.view(VMIS.plural, pvc["metadata"]["namespace"])
        live = [vmi for vmi in vmis if dig(vmi, "status", "phase") not in FINAL_PHASES]
        return any(pvc["metadata"]["name"] in claims_of(vmi["spec"]) for vmi in live)

    def _bind(self, key: Key, pvc: Json) -> None:
        name = dig(pvc, "spec", "storageClassName", default="")
        storage_class = self._plane.storage.find(STORAGE_CLASSES.plural, "", name)
        if storage_class is None:
            text = f'storageclass.storage.k8s.io "{name}" not found'
            self._once(key, pvc, "Warning", ("ProvisioningFailed", text))
            return
        consumed = CONSUMER in dig(pvc, "metadata", "annotations", default={})
        if waits_for_consumer(self._plane, pvc) and not consumed:
            text = "waiting for first consumer to be created before binding"
            self._once(key, pvc, "Normal", ("WaitForFirstConsumer", text))
            return
        if not self._source_is_ready(key, pvc):
            return
        self._once(key, pvc, "Normal", ("ExternalProvisioning", _provisioning(storage_class)))
        knobs = self._plane.knobs.of_class(name)
        if knobs.error:
            text = f'failed to provision volume with StorageClass "{name}": {knobs.error}'
            self._once(key, pvc, "Warning", ("ProvisioningFailed", text))
            return
        if self.loop.passed(key, f"bind {pvc['metadata']['uid']}", knobs.bind):
            self._bound(pvc)

    def _source_is_ready(self, key: Key, pvc: Json) -> bool:
        source = dig(pvc, "spec", "dataSource", default={})
        if source.get("kind") != VOLUME_SNAPSHOTS.kind:
            return True
        held = self._api.find(VOLUME_SNAPSHOTS, key[0], source["name"])
        if held is None or not dig(held, "status", "readyToUse"):
            state = "not found" if held is None else "is not Ready"
            text = f"error getting handle for DataSource Type VolumeSnapshot by Name {source['name']}: snapshot {source['name']} {state}"
            self._once(key, pvc, "Warning", ("ProvisioningFailed", text))
            return False
        return True

    def _once(self, key: Key, pvc: Json, kind: str, event: tuple[str, str]) -> None:
        """Record an event at the first pass that meets its cause."""
        step = f"told {event[0]} {pvc['metadata']['uid']}"
        if self.loop.first(key, step):
            record = self._events.normal if kind == "Normal" else self._events.warning
            record(pvc, *event)

    def _bound(self, pvc: Json) -> None:
        pvc["spec"]["volumeName"] = f"pvc-{pvc['metadata']['uid']}"
        name = "kube-controller-manager"
        self._api.update(PVCS, pvc["metadata"]["namespace"], pvc, controller(name))
        bound = self._api.get(PVCS, pvc["metadata"]["namespace"], pvc["metadata"]["name"])
        self._set_status(bound, bound_status(bound))

    def _set_status(self, pvc: Json, status: Json) -> None:
        how = controller("kube-controller-manager", "status")
        self._api.update(PVCS, pvc["metadata"]["namespace"], {**pvc, "status": status}, how)


def bound_status(pvc: Json) -> Json:
    """The status of a claim that is bound."""
    return {
        "phase": "Bound",
        "accessModes": pvc["spec"]["accessModes"],
        "capacity": {"storage": pvc["spec"]["resources"]["requests"]["storage"]},
    }


def _provisioning(storage_class: Json) -> str:
    return (
        f"Waiting for a volume to be created either by the external provisioner "
        f"'{storage_class['provisioner']}' or manually by the system administrator. If volume creation "
        "is delayed, please verify that the provisioner is running and correctly registered."
    )


class DataVolumeController:
    """CDI: makes the claim of a data volume, or adopts one that is already populated."""

    def __init__(self, plane: Plane, api: Api) -> None:
        self._plane = plane
        self._api = api
        self.loop = Loop("datavolume-controller", plane.clock, self.reconcile)

    def on_change(self, change: Change) -> None:
        """A data volume, or the claim of its name, has changed."""
        if change.resource in (DATA_VOLUMES.plural, PVCS.plural):
            self.loop.add(change.key)

    def look_at_all(self) -> None:
        """A pass for every data volume."""
        for key in self._plane.storage.keys(DATA_VOLUMES.plural):
            self.loop.add(key)

    def reconcile(self, key: Key) -> None:
        """One pass."""
        volume = self._api.find(DATA_VOLUMES, *key)
        if volume is None or is_deleting(volume):
            return
        pvc = self._api.find(PVCS, *key)
        if pvc is None:
            if dig(volume, "status", "phase") != "Succeeded":
                self._make_claim(volume)
            return
        if not pvc["metadata"].get("ownerReferences"):
            pvc["metadata"]["ownerReferences"] = [owner_reference(volume)]
            self._api.update(PVCS, key[0], pvc, controller("cdi-controller"))
        self._report(key, volume, self._phase(key, volume, pvc))

    def _make_claim(self, volume: Json) -> None:
        metadata, spec = volume["metadata"], volume["spec"]
        wanted = spec.get("pvc") or spec.get("storage") or {}
        pvc = {
            "metadata": {
                "name": metadata["name"],
                "labels": dict(metadata.get("labels", {})),
                "ownerReferences": [owner_reference(volume)],
            },
            "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem", **wanted},
        }
        self._api.create(PVCS, metadata["namespace"], pvc, controller("cdi-controller"))

    def _phase(self, key: Key, volume: Json, pvc: Json) -> str:
        annotations = dig(volume, "metadata", "annotations", default={})
        if dig(pvc, "status", "phase") != "Bound":
            if waits_for_consumer(self._plane, pvc):
                return WFFC
            return "Pending"
        step = f"import {volume['metadata']['uid']}"
        if PREPOPULATED in annotations or dig(volume, "status", "phase") == "Succeeded":
            return "Succeeded"
        done = self.loop.passed(key, step, self._plane.knobs.import_after)
        return "Succeeded" if done else "ImportInProgress"

    def _report(self, key: Key, volume: Json, phase: str) -> None:
        progress = "100.0%" if phase == "Succeeded" else "N/A"
        status = {"claimName": key[1], "phase": phase, "progress": progress}
        how = controller("cdi-controller", "status")
        self._api.update(DATA_VOLUMES, key[0], {**volume, "status": status}, how)


class VolumeSnapshotController:
    """The CSI snapshotter: first the cut, then (after an upload, perhaps) ready to use."""

    def __init__(self, plane: Plane, api: Api) -> None:
        self._plane = plane
        self._api = api
        self.loop = Loop("snapshot-controller", plane.clock, self.reconcile)

    def on_change(self, change: Change) -> None:
        """A volume snapshot has changed."""
        if change.resource == VOLUME_SNAPSHOTS.plural:
            self.loop.add(change.key)

    def look_at_all(self) -> None:
        """A pass for every volume snapshot."""
        for key in self._plane.storage.keys(VOLUME_SNAPSHOTS.plural):
            self.loop.add(key)

    def reconcile(self, key: Key) -> None:
        """One pass."""
        snapshot = self._api.find(VOLUME_SNAPSHOTS, *key)
        if snapshot is None or is_deleting(snapshot) or dig(snapshot, "status", "readyToUse"):
            return
        if key in self._plane.knobs.stuck_volume_snapshots:
            return
        claim = self._api.find(
            PVCS, key[0], snapshot["spec"]["source"]["persistentVolumeClaimName"]
        )
        knobs = self._plane.knobs.of_class(dig(claim, "spec", "storageClassName"))
        uid = snapshot["metadata"]["uid"]
        status = dict(snapshot.get("status") or {"readyToUse": False})
        if knobs.error:
            status["error"] = {"message": knobs.error, "time": self._plane.stamp()}
        elif claim is not None and self.loop.passed(key, f"cut {uid}", knobs.cut):
            status.pop("error", None)
            self._cut(claim, status, uid)
            status["readyToUse"] = self.loop.passed(key, f"upload {uid}", knobs.upload)
        if status != snapshot.get("status"):
            how = controller("snapshot-controller", "status")
            self._api.update(VOLUME_SNAPSHOTS, key[0], {**snapshot, "status": status}, how)

    def _cut(self, claim: Json, status: Json, uid: str) -> None:
        status.setdefault("creationTime", self._plane.stamp())
        status.setdefault("boundVolumeSnapshotContentName", f"snapcontent-{uid}")
        status.setdefault("restoreSize", claim["spec"]["resources"]["requests"]["storage"])


class QuotaController:
    """Keeps `status.used` of every quota."""

    def __init__(self, plane: Plane, api: Api) -> None:
        self._plane = plane
        self._api = api
        self.loop = Loop("resource-quota-controller", plane.clock, self.reconcile)

    def on_change(self, change: Change) -> None:
        """Anything in a namespace with a quota has changed."""
        for key in self._plane.storage.keys(QUOTAS.plural):
            if key[0] == change.key[0] and change.resource != "events":
                self.loop.add(key)

    def look_at_all(self) -> None:
        """A pass for every quota."""
        for key in self._plane.storage.keys(QUOTAS.plural):
            self.loop.add(key)

    def reconcile(self, key: Key) -> None:
        """One pass."""
        held = self._api.find(QUOTAS, *key)
        if held is None:
            return
        spent = quota.usage_of(held, quota.used(self._plane.storage, key[0]))
        status = {"hard": dig(held, "spec", "hard", default={}), "used": spent}
        how = controller("kube-controller-manager", "status")
        self._api.update(QUOTAS, key[0], {**held, "status": status}, how)
