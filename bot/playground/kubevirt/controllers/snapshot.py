"""The snapshot controller: locks the VM, copies it into a content object, waits for the volumes.

Conditions carry their text in `reason`; `message` does not exist. `Succeeded` means that the cut was
made; `readyToUse` may follow later, or be lost again.
"""

import re
from datetime import timedelta
from typing import Any

from bot.playground.kubevirt.api import Api, controller
from bot.playground.kubevirt.controllers.loop import Loop
from bot.playground.kubevirt.controllers.snapshot_source import (
    captured_vm,
    excluded_volumes,
    indications_of,
    lock_obstacle,
    volume_backups,
)
from bot.playground.kubevirt.metadata import (
    add_finalizer,
    dig,
    drop_finalizer,
    is_deleting,
    moment,
    set_condition,
)
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.recorder import Recorder
from bot.playground.kubevirt.resources import CONTENTS, SNAPSHOTS, VMIS, VMS
from bot.playground.kubevirt.storage import Change, Key

Json = dict[str, Any]
SNAPSHOT_FINALIZER = "snapshot.kubevirt.io/vmsnapshot-protection"
CONTENT_FINALIZER = "snapshot.kubevirt.io/vmsnapshotcontent-protection"
SOURCE_FINALIZER = "snapshot.kubevirt.io/snapshot-source-protection"
_DEFAULT_DEADLINE = 300.0
_LOCK_RETRY = 5.0
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def seconds_of(duration: str) -> float:
    """A Go duration ("5m0s") in seconds."""
    return sum(
        float(number) * _UNITS[unit]
        for number, unit in re.findall(r"([0-9.]+)(ms|h|m|s)", duration)
    )


def content_name(snapshot: Json) -> str:
    """The name of a snapshot's content object."""
    return f"vmsnapshot-content-{snapshot['metadata']['uid']}"


class SnapshotController:
    """One pass looks at one VirtualMachineSnapshot."""

    def __init__(self, plane: Plane, api: Api) -> None:
        self._plane = plane
        self._api = api
        self._events = Recorder(plane, "snapshot-controller")
        self.loop = Loop("vmsnapshot-controller", plane.clock, self.reconcile)

    def on_change(self, change: Change) -> None:
        """A snapshot, its content or its VM has changed."""
        if change.resource == SNAPSHOTS.plural:
            self.loop.add(change.key)
        elif change.resource == CONTENTS.plural:
            name = dig(change.object, "spec", "virtualMachineSnapshotName", default="")
            self.loop.add((change.key[0], name))
        elif change.resource == VMS.plural:
            for snapshot in self._plane.storage.view(SNAPSHOTS.plural, change.key[0]):
                if dig(snapshot, "spec", "source", "name") == change.key[1]:
                    self.loop.add((change.key[0], snapshot["metadata"]["name"]))

    def look_at_all(self) -> None:
        """A pass for every snapshot."""
        for key in self._plane.storage.keys(SNAPSHOTS.plural):
            self.loop.add(key)

    def reconcile(self, key: Key) -> None:
        """One pass."""
        snapshot = self._api.find(SNAPSHOTS, *key)
        if snapshot is None:
            return
        if is_deleting(snapshot):
            self._delete(snapshot)
        elif add_finalizer(snapshot, SNAPSHOT_FINALIZER):
            self._api.update(SNAPSHOTS, key[0], snapshot, controller())
        elif "status" not in snapshot:
            self._begin(snapshot)
        else:
            self._advance(key, snapshot)

    def _begin(self, snapshot: Json) -> None:
        status: Json = {"readyToUse": False, "phase": "InProgress"}
        self._progress(status, "False", "Source not locked")
        self._ready(status, "Not ready")
        self._save(snapshot, status)

    def _advance(self, key: Key, snapshot: Json) -> None:
        status = dict(snapshot["status"])
        vm = self._api.find(VMS, key[0], snapshot["spec"]["source"]["name"])
        if vm is not None:
            # Whatever VM has the name now: the UID follows a VM that was made again.
            status["sourceUID"] = vm["metadata"]["uid"]
        content = self._api.find(CONTENTS, key[0], content_name(snapshot))
        if status["phase"] == "InProgress":
            self._work(key, snapshot, status, (vm, content))
        elif status["phase"] == "Succeeded" and content is not None:
            self._follow_content(status, content)
        self._save(snapshot, status)
        if status["phase"] in ("Succeeded", "Failed"):
            self._unlock(snapshot)

    def _work(
        self, key: Key, snapshot: Json, status: Json, held: tuple[Json | None, Json | None]
    ) -> None:
        vm, content = held
        if content is not None and dig(content, "status", "creationTime"):
            self._succeed(status, content)
        elif self._deadline_is_over(key, snapshot):
            self._fail(snapshot, status)
        elif content is not None:
            self._follow_errors(status, content)
        elif vm is None:
            self._progress(status, "False", "Source does not exist")
        else:
            self._lock_and_copy(key, snapshot, status, vm)

    def _lock_and_copy(self, key: Key, snapshot: Json, status: Json, vm: Json) -> None:
        obstacle = lock_obstacle(self._plane, vm, snapshot["metadata"]["name"])
        if obstacle:
            self._progress(status, "False", f"Source not locked{obstacle}")
            self.loop.after(key, _LOCK_RETRY)
            return
        vm = self._lock(vm, snapshot["metadata"]["name"])
        self._progress(status, "True", "Source locked and operation in progress")
        status["virtualMachineSnapshotContentName"] = content_name(snapshot)
        self._create_content(snapshot, vm)
        vmi = self._api.find(VMIS, key[0], vm["metadata"]["name"])
        guest = self._plane.knobs.of_guest(key[0], vm["metadata"]["name"])
        found = indications_of(self._plane, vm, vmi, froze=not guest.freeze_times_out)
        if found:
            status["indications"] = [name for name, _ in found]
            status["sourceIndications"] = [
                {"indication": name, "message": text} for name, text in found
            ]

    def _lock(self, vm: Json, name: str) -> Json:
        key = (vm["metadata"]["namespace"], vm["metadata"]["name"])
        change = {"status": {"snapshotInProgress": name}}
        vm = self._api.merge_patch(VMS, key, change, controller(subresource="status"))
        if add_finalizer(vm, SOURCE_FINALIZER):
            vm = self._api.update(VMS, key[0], vm, controller())
        return vm

    def _create_content(self, snapshot: Json, vm: Json) -> None:
        namespace = snapshot["metadata"]["namespace"]
        content = {
            "metadata": {"name": content_name(snapshot), "finalizers": [CONTENT_FINALIZER]},
            "spec": {
                "virtualMachineSnapshotName": snapshot["metadata"]["name"],
                "source": {"virtualMachine": captured_vm(self._plane, vm)},
                "volumeBackups": volume_backups(self._plane, vm, snapshot["metadata"]["uid"]),
            },
        }
        self._api.create(CONTENTS, namespace, content, controller())
        text = f"Successfully created VirtualMachineSnapshotContent {content_name(snapshot)}"
        self._events.normal(snapshot, "SuccessfulVirtualMachineSnapshotContentCreate", text)

    def _succeed(self, status: Json, content: Json) -> None:
        status["phase"] = "Succeeded"
        status["creationTime"] = content["status"]["creationTime"]
        status.pop("error", None)
        captured = content["spec"]["source"]["virtualMachine"]
        included = [backup["volumeName"] for backup in content["spec"].get("volumeBackups", [])]
        excluded = excluded_volumes(captured, included)
        volumes = {"includedVolumes": included, "excludedVolumes": excluded}
        status["snapshotVolumes"] = {name: held for name, held in volumes.items() if held}
        self._progress(status, "False", "Operation complete")
        self._follow_content(status, content)

    def _follow_content(self, status: Json, content: Json) -> None:
        ready = bool(dig(content, "status", "readyToUse"))
        status["readyToUse"] = ready
        error = dig(content, "status", "error")
        status.pop("error", None)
        if error:
            status["error"] = error
        self._ready(status, "Ready" if ready else "Not ready")

    def _follow_errors(self, status: Json, content: Json) -> None:
        error = dig(content, "status", "error")
        status.pop("error", None)
        if error:
            status["error"] = error
            self._progress(status, "False", "In error state")
        else:
            self._progress(status, "True", "Source locked and operation in progress")

    def _deadline_is_over(self, key: Key, snapshot: Json) -> bool:
        wanted = snapshot["spec"].get("failureDeadline")
        seconds = _DEFAULT_DEADLINE if wanted is None else seconds_of(wanted)
        if not seconds:
            return False
        created = moment(snapshot["metadata"]["creationTimestamp"])
        left = (created + timedelta(seconds=seconds) - self._plane.now()).total_seconds()
        if left > 0:
            self.loop.after(key, left)
        return left <= 0

    def _fail(self, snapshot: Json, status: Json) -> None:
        status["phase"] = "Failed"
        status["readyToUse"] = False
        self._progress(status, "False", "Operation failed")
        self._ready(status, "Not ready")
        failure = {"type": "Failure", "status": "True", "reason": "snapshot deadline exceeded"}
        set_condition(status, failure, self._plane.now())
        self._delete_content(snapshot)

    def _delete(self, snapshot: Json) -> None:
        self._unlock(snapshot)
        key = (snapshot["metadata"]["namespace"], content_name(snapshot))
        content = self._api.find(CONTENTS, *key)
        retained = snapshot["spec"].get("deletionPolicy") == "Retain" and dig(
            content, "status", "readyToUse"
        )
        if content is not None and not retained:
            self._delete_content(snapshot)
        if self._api.find(CONTENTS, *key) is None or retained:
            fresh = self._api.get(SNAPSHOTS, key[0], snapshot["metadata"]["name"])
            drop_finalizer(fresh, SNAPSHOT_FINALIZER)
            self._api.update(SNAPSHOTS, key[0], fresh, controller())

    def _delete_content(self, snapshot: Json) -> None:
        key = (snapshot["metadata"]["namespace"], content_name(snapshot))
        content = self._api.find(CONTENTS, *key)
        if content is not None and not is_deleting(content):
            self._api.delete(CONTENTS, *key)

    def _unlock(self, snapshot: Json) -> None:
        key = (snapshot["metadata"]["namespace"], snapshot["spec"]["source"]["name"])
        vm = self._api.find(VMS, *key)
        if dig(vm, "status", "snapshotInProgress") != snapshot["metadata"]["name"]:
            return
        change = {"status": {"snapshotInProgress": None}}
        vm = self._api.merge_patch(VMS, key, change, controller(subresource="status"))
        if drop_finalizer(vm, SOURCE_FINALIZER):
            self._api.update(VMS, key[0], vm, controller())

    def _progress(self, status: Json, state: str, reason: str) -> None:
        wanted = {"type": "Progressing", "status": state, "reason": reason}
        status["conditions"] = list(status.get("conditions", []))
        set_condition(status, wanted, self._plane.now())

    def _ready(self, status: Json, reason: str) -> None:
        state = "True" if reason == "Ready" else "False"
        status["conditions"] = list(status.get("conditions", []))
        set_condition(
            status, {"type": "Ready", "status": state, "reason": reason}, self._plane.now()
        )

    def _save(self, snapshot: Json, status: Json) -> None:
        key = (snapshot["metadata"]["namespace"], snapshot["metadata"]["name"])
        fresh = {**self._api.get(SNAPSHOTS, *key), "status": status}
        self._api.update(SNAPSHOTS, key[0], fresh, controller(subresource="status"))
