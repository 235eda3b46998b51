"""What others do to the cluster while the bot works: operators, guests, drivers, mishaps.

What people ask for goes through the API as theirs does. What happens inside a guest or a storage system
is written straight into storage.
"""

from typing import Any

from bot.playground.kubevirt.api import Api, DeleteOptions, WriteOptions
from bot.playground.kubevirt.metadata import dig, set_condition
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.resources import (
    CONTENTS,
    PVCS,
    QUOTAS,
    RESTORES,
    SNAPSHOTS,
    VMIS,
    VMS,
    VOLUME_SNAPSHOTS,
    Resource,
)
from bot.playground.kubevirt.subresources import perform

Json = dict[str, Any]
_HOW = WriteOptions(manager="kubectl-edit")


class People:
    """Acts of outsiders."""

    def __init__(self, plane: Plane, api: Api) -> None:
        self._plane = plane
        self._api = api

    def start(self, namespace: str, vm: str) -> None:
        """`virtctl start`."""
        perform(self._api, (namespace, vm), "start", {})

    def stop(self, namespace: str, vm: str) -> None:
        """`virtctl stop`."""
        perform(self._api, (namespace, vm), "stop", {})

    def edit_vm(self, namespace: str, vm: str, change: Json) -> Json:
        """A merge patch on the VM."""
        return self._api.merge_patch(VMS, (namespace, vm), change, _HOW)

    def delete_vm(self, namespace: str, vm: str) -> None:
        """`kubectl delete vm`."""
        self._delete(VMS, namespace, vm)

    def recreate_vm(self, namespace: str, vm: str) -> Json:
        """Delete the VM and create it again from the same manifest: same name, another UID."""
        old = self._plane.storage.get(VMS.plural, namespace, vm)
        for resource in (VMIS, VMS):
            if self._api.find(resource, namespace, vm):
                self._plane.storage.remove(resource.plural, namespace, vm)
        kept = ("name", "labels", "annotations")
        metadata = {name: old["metadata"][name] for name in kept if name in old["metadata"]}
        manifest = {"metadata": metadata, "spec": old["spec"]}
        return self._api.create(VMS, namespace, manifest, WriteOptions(manager="kubectl-create"))

    def power_off(self, namespace: str, vm: str) -> None:
        """The guest shuts down from inside."""
        self._end_guest(namespace, vm, "Succeeded")

    def crash(self, namespace: str, vm: str) -> None:
        """The guest dies."""
        self._end_guest(namespace, vm, "Failed")

    def ignore_shutdown(self, namespace: str, vm: str) -> None:
        """From now on the guest does not answer the power button."""
        self._plane.knobs.own_guest(namespace, vm).ignores_shutdown = True

    def pause(self, namespace: str, vm: str) -> None:
        """`virtctl pause`."""
        vmi = self._plane.storage.get(VMIS.plural, namespace, vm)
        why = {"reason": "PausedByUser", "message": "VMI was paused by user"}
        set_condition(vmi["status"], {"type": "Paused", "status": "True", **why}, self._plane.now())
        self._plane.storage.put(VMIS.plural, vmi)

    def migrate(self, namespace: str, vm: str, *, completed: bool = False) -> None:
        """A live migration begins, or ends."""
        vmi = self._plane.storage.get(VMIS.plural, namespace, vm)
        vmi["status"]["migrationState"] = {"completed": completed, "targetNode": "node02"}
        self._plane.storage.put(VMIS.plural, vmi)

    def create_restore(
        self, namespace: str, name: str, vm: str, snapshot: str, **spec: Any
    ) -> Json:
        """A restore that the bot did not ask for."""
        target = {"apiGroup": VMS.group, "kind": VMS.kind, "name": vm}
        wanted = {"target": target, "virtualMachineSnapshotName": snapshot, **spec}
        manifest = {"metadata": {"name": name}, "spec": wanted}
        how = WriteOptions(manager="kubectl-create")
        return self._api.create(RESTORES, namespace, manifest, how)

    def delete_restore(self, namespace: str, name: str) -> None:
        """`kubectl delete vmrestore`."""
        self._delete(RESTORES, namespace, name)

    def annotate_restore(self, namespace: str, name: str) -> None:
        """Any metadata edit makes the controller look again at once."""
        change = {"metadata": {"annotations": {"nudged-at": self._plane.stamp()}}}
        self._api.merge_patch(RESTORES, (namespace, name), change, _HOW)

    def create_snapshot(self, namespace: str, name: str, vm: str, **spec: Any) -> Json:
        """A snapshot that the bot did not ask for."""
        source = {"apiGroup": VMS.group, "kind": VMS.kind, "name": vm}
        manifest = {"metadata": {"name": name}, "spec": {"source": source, **spec}}
        how = WriteOptions(manager="kubectl-create")
        return self._api.create(SNAPSHOTS, namespace, manifest, how)

    def delete_snapshot(self, namespace: str, name: str) -> None:
        """`kubectl delete vmsnapshot`."""
        self._delete(SNAPSHOTS, namespace, name)

    def delete_content(self, namespace: str, snapshot: str) -> None:
        """`kubectl delete vmsnapshotcontent`: it stays on its finalizer, and goes on saying "ready"."""
        name = self._content(namespace, snapshot)["metadata"]["name"]
        self._delete(CONTENTS, namespace, name)

    def lose_content(self, namespace: str, snapshot: str) -> None:
        """The content is gone at once, as when somebody takes its finalizer off; the snapshot stays."""
        name = self._content(namespace, snapshot)["metadata"]["name"]
        self._plane.storage.remove(CONTENTS.plural, namespace, name)

    def delete_volume_snapshot(self, namespace: str, snapshot: str, disk: str) -> None:
        """One disk's volume snapshot goes."""
        self._delete(VOLUME_SNAPSHOTS, namespace, self._backup(namespace, snapshot, disk))

    def make_not_ready(self, namespace: str, snapshot: str, error: str = "") -> None:
        """The storage system takes back that a snapshot's volumes are ready."""
        for name in self._backups(namespace, snapshot):
            self._plane.knobs.stuck_volume_snapshots.add((namespace, name))
            self._set_ready(namespace, name, ready=False, error=error)

    def make_ready(self, namespace: str, snapshot: str) -> None:
        """The storage system has the snapshot's volumes ready."""
        for name in self._backups(namespace, snapshot):
            self._plane.knobs.stuck_volume_snapshots.discard((namespace, name))
            self._set_ready(namespace, name, ready=True)

    def set_quota(self, namespace: str, name: str, **hard: str) -> None:
        """An admin changes a quota; `requests_storage` stands for `requests.storage`."""
        limits = {key.replace("requests_", "requests."): value for key, value in hard.items()}
        self._api.merge_patch(QUOTAS, (namespace, name), {"spec": {"hard": limits}}, _HOW)

    def lose_claim(self, namespace: str, name: str) -> None:
        """A claim's volume is lost."""
        pvc = self._plane.storage.get(PVCS.plural, namespace, name)
        self._plane.storage.put(PVCS.plural, {**pvc, "status": {"phase": "Lost"}})

    def delete_claim(self, namespace: str, name: str) -> None:
        """`kubectl delete pvc`."""
        self._delete(PVCS, namespace, name)

    def _delete(self, resource: Resource, namespace: str, name: str) -> None:
        self._api.delete(resource, namespace, name, DeleteOptions())

    def _content(self, namespace: str, snapshot: str) -> Json:
        held = self._plane.storage.get(SNAPSHOTS.plural, namespace, snapshot)
        name = held["status"]["virtualMachineSnapshotContentName"]
        return self._plane.storage.get(CONTENTS.plural, namespace, name)

    def _backups(self, namespace: str, snapshot: str) -> list[str]:
        backups = dig(self._content(namespace, snapshot), "spec", "volumeBackups", default=[])
        return [backup["volumeSnapshotName"] for backup in backups]

    def _backup(self, namespace: str, snapshot: str, disk: str) -> str:
        names = self._backups(namespace, snapshot)
        return next(name for name in names if name.endswith(f"-volume-{disk}"))

    def _set_ready(self, namespace: str, name: str, *, ready: bool, error: str = "") -> None:
        held = self._plane.storage.get(VOLUME_SNAPSHOTS.plural, namespace, name)
        status = {**held["status"], "readyToUse": ready}
        status.pop("error", None)
        if error:
            status["error"] = {"message": error, "time": self._plane.stamp()}
        self._plane.storage.put(VOLUME_SNAPSHOTS.plural, {**held, "status": status})

    def _end_guest(self, namespace: str, vm: str, phase: str) -> None:
        vmi = self._plane.storage.get(VMIS.plural, namespace, vm)
        stamp = {"phase": phase, "phaseTransitionTimestamp": self._plane.stamp()}
        vmi["status"]["phase"] = phase
        vmi["status"].setdefault("phaseTransitionTimestamps", []).append(stamp)
        ready = {"type": "Ready", "status": "False", "reason": "PodTerminating"}
        set_condition(vmi["status"], ready, self._plane.now())
        self._plane.storage.put(VMIS.plural, vmi)
