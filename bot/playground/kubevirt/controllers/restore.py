"""The restore controller: one pass after another, each leaving its trace on the restore's status.

Readiness of the target comes before everything, the snapshot's lookup included. Errors put their
text into both conditions and are tried again for ever; only a `Failure` condition is final, and only
`complete: true` is success.
"""

import json
from datetime import timedelta
from typing import Any

from bot.playground.kubevirt.api import Api, controller
from bot.playground.kubevirt.controllers import restored
from bot.playground.kubevirt.controllers.loop import Loop, RetryError
from bot.playground.kubevirt.controllers.restore_status import RestoreStatus
from bot.playground.kubevirt.controllers.restore_volumes import RestoreVolumes
from bot.playground.kubevirt.metadata import (
    add_finalizer,
    condition_is,
    dig,
    drop_condition,
    drop_finalizer,
    is_deleting,
    moment,
    owner_reference,
)
from bot.playground.kubevirt.patch import json_patched
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.problems import ApiError
from bot.playground.kubevirt.resources import (
    CONTENTS,
    DATA_VOLUMES,
    PVCS,
    RESTORES,
    SNAPSHOTS,
    VMIS,
    VMS,
)
from bot.playground.kubevirt.storage import Change, Key, clone
from bot.playground.kubevirt.subresources import perform

Json = dict[str, Any]
FINALIZER = "snapshot.kubevirt.io/vmrestore-protection"
GRACE = timedelta(minutes=5)

INITIALIZING = "Initializing VirtualMachineRestore"
COMPLETE = "Operation complete"
_WAITING = "Waiting for target VM to be powered off. Please stop the restore target to proceed with restore"
_WAITING_GRACE = f"{_WAITING}, or the operation will fail after 5m0s"
_GRACE_OVER = "Restore target failed to be ready within 5m0s. Please power off the target VM before attempting restore"
_MUST_BE_OFF = "Restore target VMI must be powered off before restore operation"
_STOPPING = "Automatically stopping restore target for restore operation"
_STILL_EXISTS = (
    "Restore target VMI still exists, please stop the restore target to proceed with restore"
)
_DIFFERENT = "restore source and restore target are different but restore target already exists"


class RestoreController(RestoreStatus):
    """One pass looks at one VirtualMachineRestore."""

    def __init__(self, plane: Plane, api: Api) -> None:
        super().__init__(plane, api)
        self._volumes = RestoreVolumes(plane, api, self._events)
        self.loop = Loop("vmrestore-controller", plane.clock, self.reconcile)

    def on_change(self, change: Change) -> None:
        """A restore, its target or one of its volumes has changed."""
        if change.resource == RESTORES.plural:
            # Its own status writes do not wake it, or an error would be retried without a pause.
            if change.previous is None or _was_edited(change.previous, change.object):
                self.loop.add(change.key)
        elif change.resource == VMS.plural:
            self._look_at_those_of(change.key)
        elif change.resource in (PVCS.plural, DATA_VOLUMES.plural):
            self._look_at_makers_of(change)

    def look_at_all(self) -> None:
        """A pass for every restore."""
        for key in self._plane.storage.keys(RESTORES.plural):
            self.loop.add(key)

    def reconcile(self, key: Key) -> None:
        """One pass."""
        restore = self._api.find(RESTORES, *key)
        if restore is None:
            return
        if is_deleting(restore):
            self._delete(restore)
        elif "status" not in restore:
            self._begin(restore)
        elif not restore["status"].get("complete") and not condition_is(restore, "Failure"):
            self._try(restore)

    def _look_at_those_of(self, vm: Key) -> None:
        for restore in self._plane.storage.view(RESTORES.plural, vm[0]):
            if restore["spec"]["target"]["name"] == vm[1]:
                self.loop.add((vm[0], restore["metadata"]["name"]))

    def _look_at_makers_of(self, change: Change) -> None:
        annotations = change.object["metadata"].get("annotations", {})
        for restore in self._plane.storage.view(RESTORES.plural, change.key[0]):
            if dig(restore, "status", "complete"):
                continue
            name = restore["metadata"]["name"]
            entries = dig(restore, "status", "restores", default=[])
            claims = [entry["persistentVolumeClaim"] for entry in entries]
            if annotations.get(restored.NAME_ANNOTATION) == name or change.key[1] in claims:
                self.loop.add((change.key[0], name))

    def _begin(self, restore: Json) -> None:
        status: Json = {"complete": False}
        self._conditions(status, "True", INITIALIZING, "False", INITIALIZING)
        self._save_and_go_on(restore, status)

    def _try(self, restore: Json) -> None:
        try:
            self._advance(restore)
        except ApiError as refused:
            self._complain(restore, refused.message)
            raise

    def _advance(self, restore: Json) -> None:
        vm = self._target(restore)
        restore = self._with_metadata(restore, vm)
        key = (restore["metadata"]["namespace"], restore["spec"]["target"]["name"])
        if self._api.find(VMIS, *key) is not None:
            self._target_is_not_ready(restore)
            return
        content = self._content(restore)
        self._check_identity(restore, vm)
        self._claim_target(restore, vm)
        if self._prepare(restore, content):
            return
        if not self._volumes.are_there(restore, content, vm):
            # Back from an error text, if there was one.
            self._report(restore, "Creating new PVCs", "Waiting for new PVCs")
            return
        self._update_target(restore, content, vm)

    def _with_metadata(self, restore: Json, vm: Json | None) -> Json:
        changed = add_finalizer(restore, FINALIZER)
        if vm is not None and not restore["metadata"].get("ownerReferences"):
            restore["metadata"]["ownerReferences"] = [owner_reference(vm)]
            changed = True
        if not changed:
            return restore
        return self._api.update(RESTORES, restore["metadata"]["namespace"], restore, controller())

    def _content(self, restore: Json) -> Json:
        """The snapshot's content, when both can be used."""
        namespace = restore["metadata"]["namespace"]
        name = restore["spec"]["virtualMachineSnapshotName"]
        snapshot = self._api.find(SNAPSHOTS, namespace, name)
        if snapshot is None:
            raise _trouble(f"VMSnapshot {namespace}/{name} does not exist")
        if dig(snapshot, "status", "phase") == "Failed":
            raise _trouble(f"VMSnapshot {namespace}/{name} failed and is invalid to use")
        if not dig(snapshot, "status", "readyToUse"):
            raise _trouble(f"VMSnapshot {namespace}/{name} not ready")
        held = dig(snapshot, "status", "virtualMachineSnapshotContentName")
        if held is None:
            raise _trouble(f"no snapshot content name in {namespace}/{name}")
        content = self._api.find(CONTENTS, namespace, held)
        if content is None:
            raise _trouble(f"VMSnapshotContent {namespace}/{held} does not exist")
        if not dig(content, "status", "readyToUse"):
            raise _trouble(f"VMSnapshotContent {namespace}/{held} not ready")
        return content

    def _check_identity(self, restore: Json, vm: Json | None) -> None:
        if vm is None or self._has_been_applied(restore, vm):
            return
        namespace = restore["metadata"]["namespace"]
        name = restore["spec"]["virtualMachineSnapshotName"]
        source = dig(self._api.get(SNAPSHOTS, namespace, name), "status", "sourceUID")
        if source is not None and source != vm["metadata"]["uid"]:
            raise _trouble(_DIFFERENT)

    def _has_been_applied(self, restore: Json, vm: Json) -> bool:
        annotations = vm["metadata"].get("annotations", {})
        return bool(annotations.get(restored.LAST_RESTORE) == restored.restore_id(restore))

    def _claim_target(self, restore: Json, vm: Json | None) -> None:
        if vm is None:
            return
        name, holder = restore["metadata"]["name"], dig(vm, "status", "restoreInProgress")
        if holder is not None and holder != name:
            # This error reaches neither the status nor the events of the real one.
            raise RetryError(f"vm restore {holder} in progress")
        if holder is None:
            self._patch_vm_status(vm, {"restoreInProgress": name})

    def _prepare(self, restore: Json, content: Json) -> bool:
        """List the volumes to make; True when that was this pass's work."""
        entries = restored.restore_entries(restore, content)
        if not entries or dig(restore, "status", "restores"):
            return False
        status = {**restore["status"], "restores": entries}
        self._conditions(status, "True", "Creating new PVCs", "False", "Waiting for new PVCs")
        self._save_and_go_on(restore, status)
        return True

    def _update_target(self, restore: Json, content: Json, vm: Json | None) -> None:
        if vm is not None and self._has_been_applied(restore, vm):
            self._finish(restore, vm)
            return
        if self._name_data_volumes(restore, content, vm):
            return
        if not self._volumes.data_volumes_are_there(restore, content, vm):
            return
        entries = restore["status"].get("restores", [])
        spec = restored.restored_spec(restore, content, entries, vm)
        mark = {restored.LAST_RESTORE: restored.restore_id(restore)}
        if vm is None:
            self._create_vm(restore, content, spec, mark)
            return
        fresh = self._api.get(VMS, vm["metadata"]["namespace"], vm["metadata"]["name"])
        fresh["metadata"].setdefault("annotations", {}).update(mark)
        self._api.update(VMS, vm["metadata"]["namespace"], {**fresh, "spec": spec}, controller())
        self.loop.add((restore["metadata"]["namespace"], restore["metadata"]["name"]))

    def _name_data_volumes(self, restore: Json, content: Json, vm: Json | None) -> bool:
        """Note data volumes to make and to delete; True when that was this pass's work."""
        status = clone(restore["status"])
        templated = restored.templated_volumes(content)
        for entry in status.get("restores", []):
            if entry["volumeName"] in templated:
                entry["dataVolumeName"] = entry["persistentVolumeClaim"]
        spec = restored.restored_spec(restore, content, status.get("restores", []), vm)
        obsolete = restored.obsolete_data_volumes(vm, spec)
        if obsolete:
            status["deletedDataVolumes"] = obsolete
        if status != restore["status"] or condition_is(restore, "Progressing"):
            # An error text stays until the update it tells of has worked.
            text = "Updating target spec"
            self._conditions(status, "True", text, "False", "Waiting for target update")
        if status == restore["status"]:
            return False
        self._save_and_go_on(restore, status)
        return True

    def _create_vm(self, restore: Json, content: Json, spec: Json, mark: Json) -> None:
        source = restored.source_vm(content)["metadata"]
        vm: Json = {
            "metadata": {
                "name": restore["spec"]["target"]["name"],
                "labels": dict(source.get("labels", {})),
                "annotations": {**source.get("annotations", {}), **mark},
            },
            "spec": spec,
        }
        operations = [json.loads(patch) for patch in restore["spec"].get("patches", [])]
        vm = json_patched(vm, operations)
        self._api.create(VMS, restore["metadata"]["namespace"], vm, controller())

    def _finish(self, restore: Json, vm: Json) -> None:
        namespace = restore["metadata"]["namespace"]
        for name in restore["status"].get("deletedDataVolumes", []):
            if self._api.find(DATA_VOLUMES, namespace, name) is not None:
                self._api.delete(DATA_VOLUMES, namespace, name)
        self._patch_vm_status(vm, {"restoreInProgress": None, "memoryDumpRequest": None})
        text = f"Successfully completed VirtualMachineRestore {restore['metadata']['name']}"
        self._events.normal(restore, "VirtualMachineRestoreComplete", text)
        status = {**restore["status"], "complete": True, "restoreTime": self._plane.stamp()}
        self._conditions(status, "False", COMPLETE, "True", COMPLETE)
        self._save(restore, status)

    def _target_is_not_ready(self, restore: Json) -> None:
        match restore["spec"].get("targetReadinessPolicy", "WaitGracePeriod"):
            case "FailImmediate":
                self._fail(restore, _MUST_BE_OFF)
            case "WaitEventually":
                self._wait(restore, _WAITING, _STILL_EXISTS)
            case "StopTarget":
                self._stop_target(restore)
            case _ if self._plane.now() - moment(restore["metadata"]["creationTimestamp"]) < GRACE:
                self._wait(restore, _WAITING_GRACE, _STILL_EXISTS)
            case _:
                self._fail(restore, _GRACE_OVER)

    def _stop_target(self, restore: Json) -> None:
        key = (restore["metadata"]["namespace"], restore["spec"]["target"]["name"])
        perform(self._api, key, "stop", {})
        self._wait(restore, _STOPPING, _STOPPING)

    def _delete(self, restore: Json) -> None:
        """Unlock the VM and let go: nothing is rolled back."""
        vm = self._target(restore)
        if vm is not None and dig(vm, "status", "restoreInProgress") == restore["metadata"]["name"]:
            self._patch_vm_status(vm, {"restoreInProgress": None, "memoryDumpRequest": None})
        if FINALIZER not in restore["metadata"].get("finalizers", []):
            return
        status = clone(restore.get("status", {}))
        drop_condition(status, "Failure")
        text = "VM restore is deleting"
        self._conditions(status, "False", text, "False", text)
        fresh = self._save(restore, status)
        drop_finalizer(fresh, FINALIZER)
        self._api.update(RESTORES, restore["metadata"]["namespace"], fresh, controller())

    def _save_and_go_on(self, restore: Json, status: Json) -> None:
        self._save(restore, status)
        self.loop.add((restore["metadata"]["namespace"], restore["metadata"]["name"]))


def _was_edited(before: Json, after: Json) -> bool:
    def own(restore: Json) -> Json:
        ignored = ("resourceVersion", "managedFields")
        metadata = {k: v for k, v in restore["metadata"].items() if k not in ignored}
        return {**metadata, "spec": restore["spec"]}

    return own(before) != own(after)


def _trouble(text: str) -> ApiError:
    """An error of the controller itself, shown and tried again like one of the API server."""
    return ApiError(500, "", text)
