"""The VM controller: makes, ends and replaces instances as the run strategy says.

It never looks at `status.restoreInProgress`: only the admission webhook protects a restore.
"""

from datetime import timedelta
from typing import Any

from bot.playground.kubevirt.admission import run_strategy
from bot.playground.kubevirt.api import Api, controller
from bot.playground.kubevirt.controllers.loop import Loop
from bot.playground.kubevirt.controllers.vm_status import (
    conditions_from,
    is_set_to_start,
    printable_status,
    scene_of,
    volume_snapshot_statuses,
)
from bot.playground.kubevirt.controllers.volumes import FINAL_PHASES, WFFC, claims_of
from bot.playground.kubevirt.metadata import (
    add_finalizer,
    dig,
    drop_finalizer,
    is_deleting,
    moment,
    owner_reference,
    rfc3339,
)
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.recorder import Recorder
from bot.playground.kubevirt.resources import (
    CONTROLLER_REVISIONS,
    DATA_VOLUMES,
    PVCS,
    STORAGE_CLASSES,
    VMIS,
    VMS,
    VOLUME_SNAPSHOT_CLASSES,
)
from bot.playground.kubevirt.storage import Change, Key, clone, key_of

Json = dict[str, Any]
FINALIZER = "kubevirt.io/virtualMachineControllerFinalize"
VMI_FINALIZERS = [
    "kubevirt.io/virtualMachineControllerFinalize",
    "kubevirt.io/foregroundDeleteVirtualMachine",
]
_LONGEST_BACKOFF = 300
_CLASSES = (STORAGE_CLASSES.plural, VOLUME_SNAPSHOT_CLASSES.plural)


def is_final(vmi: Json) -> bool:
    """Succeeded or Failed."""
    return dig(vmi, "status", "phase") in FINAL_PHASES


def start_revision_name(vm: Json) -> str:
    """The ControllerRevision that keeps the spec an instance was started with."""
    return f"revision-start-vm-{vm['metadata']['uid']}-{vm['metadata'].get('generation', 1)}"


class VmController:
    """One pass looks at one VM and the VMI of its name."""

    def __init__(self, plane: Plane, api: Api) -> None:
        self._plane = plane
        self._api = api
        self._events = Recorder(plane, "virtualmachine-controller")
        self.loop = Loop("virtualmachine-controller", plane.clock, self.reconcile)

    def on_change(self, change: Change) -> None:
        """A VM, its VMI or storage it may use has changed."""
        if change.resource in (VMS.plural, VMIS.plural):
            self.loop.add(change.key)
        elif change.resource in _CLASSES:
            self.look_at_all()
        elif change.resource in (PVCS.plural, DATA_VOLUMES.plural):
            for vm in self._plane.storage.view(VMS.plural, change.key[0]):
                if change.key[1] in claims_of(dig(vm, "spec", "template", "spec", default={})):
                    self.loop.add(key_of(vm))

    def look_at_all(self) -> None:
        """A pass for every VM."""
        for key in self._plane.storage.keys(VMS.plural):
            self.loop.add(key)

    def reconcile(self, key: Key) -> None:
        """One pass."""
        vm, vmi = self._api.find(VMS, *key), self._api.find(VMIS, *key)
        if vm is None:
            return
        if is_deleting(vm):
            self._finish(vm, vmi)
        elif add_finalizer(vm, FINALIZER):
            vm = self._api.update(VMS, key[0], vm, controller())
        if not is_deleting(vm) and self._volumes_are_there(vm):
            self._follow_strategy(key, vm, vmi)
        self._report(key)

    def _finish(self, vm: Json, vmi: Json | None) -> None:
        if vmi is not None:
            self._end(vmi)
        elif drop_finalizer(vm, FINALIZER):
            self._api.update(VMS, vm["metadata"]["namespace"], vm, controller())

    def _volumes_are_there(self, vm: Json) -> bool:
        """Make the data volumes of the templates; False while one is still being filled."""
        namespace = vm["metadata"]["namespace"]
        for template in vm["spec"].get("dataVolumeTemplates", []):
            if self._api.find(DATA_VOLUMES, namespace, template["metadata"]["name"]) is None:
                self._make_volume(vm, template)
        names = claims_of(dig(vm, "spec", "template", "spec", default={}))
        volumes = [self._api.find(DATA_VOLUMES, namespace, name) for name in names]
        settled = ("Succeeded", "PendingPopulation", WFFC)
        return all(dig(held, "status", "phase") in settled for held in volumes if held)

    def _make_volume(self, vm: Json, template: Json) -> None:
        volume = clone(template)
        volume.pop("status", None)
        volume["metadata"]["ownerReferences"] = [owner_reference(vm)]
        self._api.create(DATA_VOLUMES, vm["metadata"]["namespace"], volume, controller())

    def _follow_strategy(self, key: Key, vm: Json, vmi: Json | None) -> None:
        strategy = run_strategy(vm)
        request = next(iter(dig(vm, "status", "stateChangeRequests", default=[])), None)
        if vmi is None:
            self._start_if_wanted(key, vm, request)
        elif strategy == "Halted" or _is_stop_for(request, vmi):
            self._end(vmi)
        elif is_final(vmi) and strategy in ("Always", "RerunOnFailure"):
            if strategy == "RerunOnFailure" and vmi["status"]["phase"] == "Failed":
                self._queue_start(vm)
            self._end(vmi)

    def _start_if_wanted(self, key: Key, vm: Json, request: Json | None) -> None:
        start = request is not None and request["action"] == "Start"
        if run_strategy(vm) == "Halted" and start:
            self._api.merge_patch(VMS, key, {"spec": {"runStrategy": "Always"}}, controller())
            return
        if is_set_to_start(vm) and self._backoff_is_over(key, vm):
            self._create_instance(vm, paused=bool(dig(request, "data", "paused")))

    def _backoff_is_over(self, key: Key, vm: Json) -> bool:
        retry_after = dig(vm, "status", "startFailure", "retryAfterTimestamp")
        if retry_after is None:
            return True
        left = (moment(retry_after) - self._plane.now()).total_seconds()
        if left > 0:
            self.loop.after(key, left)
        return left <= 0

    def _queue_start(self, vm: Json) -> None:
        key = (vm["metadata"]["namespace"], vm["metadata"]["name"])
        queued = {"stateChangeRequests": [{"action": "Start"}]}
        self._api.merge_patch(VMS, key, {"status": queued}, controller(subresource="status"))

    def _create_instance(self, vm: Json, *, paused: bool) -> None:
        namespace = vm["metadata"]["namespace"]
        self._keep_start_revision(vm)
        template = clone(vm["spec"]["template"])
        metadata = template.get("metadata") or {}
        spec = template["spec"]
        if paused:
            spec["startStrategy"] = "Paused"
        vmi = {
            "metadata": {
                "name": vm["metadata"]["name"],
                "labels": dict(metadata.get("labels", {})),
                "annotations": metadata.get("annotations", {}),
                "finalizers": list(VMI_FINALIZERS),
                "ownerReferences": [owner_reference(vm)],
            },
            "spec": spec,
            "status": {"virtualMachineRevisionName": start_revision_name(vm)},
        }
        self._api.create(VMIS, namespace, vmi, controller())
        text = f"Started the virtual machine by creating the new virtual machine instance {vm['metadata']['name']}"
        self._events.normal(vm, "SuccessfulCreate", text)

    def _keep_start_revision(self, vm: Json) -> None:
        namespace, name = vm["metadata"]["namespace"], start_revision_name(vm)
        if self._api.find(CONTROLLER_REVISIONS, namespace, name):
            return
        revision = {
            "metadata": {"name": name, "ownerReferences": [owner_reference(vm)]},
            "data": {"spec": clone(vm["spec"])},
            "revision": vm["metadata"].get("generation", 1),
        }
        self._api.create(CONTROLLER_REVISIONS, namespace, revision, controller())

    def _end(self, vmi: Json) -> None:
        if is_deleting(vmi):
            return
        namespace, name = vmi["metadata"]["namespace"], vmi["metadata"]["name"]
        self._api.delete(VMIS, namespace, name)
        vm = self._api.find(VMS, namespace, name)
        if vm is not None:
            uid = vmi["metadata"]["uid"]
            text = f"Stopped the virtual machine by deleting the virtual machine instance {uid}"
            self._events.normal(vm, "SuccessfulDelete", text)

    def _report(self, key: Key) -> None:
        vm, vmi = self._api.find(VMS, *key), self._api.find(VMIS, *key)
        if vm is None:
            return
        status = self._status(vm, vmi)
        self._api.update(VMS, key[0], {**vm, "status": status}, controller(subresource="status"))

    def _status(self, vm: Json, vmi: Json | None) -> Json:
        status = _without_done_request(dict(vm.get("status", {})), vmi)
        vm = {**vm, "status": status}
        failure = self._start_failure(vm, vmi)
        status.pop("startFailure", None)
        if failure:
            status["startFailure"] = failure
        expected = is_set_to_start(vm) and not self._waits_after(failure)
        scene = scene_of(self._plane, vm, vmi, expected=expected)
        status["printableStatus"] = printable_status(scene)
        for name, holds in (("created", vmi is not None), ("ready", _is_ready(vmi))):
            status.pop(name, None)
            if holds:
                status[name] = True
        status["conditions"] = self._conditions(vm, scene)
        status["volumeSnapshotStatuses"] = volume_snapshot_statuses(self._plane, vm)
        # All three say something of instances: a VM that never ran has none of them.
        if vmi is not None or "observedGeneration" in status:
            status["desiredGeneration"] = vm["metadata"].get("generation", 1)
            status["observedGeneration"] = self._observed_generation(vm, vmi)
        if vmi is not None or ("runStrategy" in status and not is_set_to_start(vm)):
            status["runStrategy"] = run_strategy(vm)
        return status

    def _waits_after(self, failure: Json | None) -> bool:
        return failure is not None and moment(failure["retryAfterTimestamp"]) > self._plane.now()

    def _conditions(self, vm: Json, scene: Any) -> list[Json]:
        held = {known["type"]: known for known in dig(vm, "status", "conditions", default=[])}
        wanted = conditions_from(scene)
        if self._restart_is_required(vm, scene.vmi):
            text = "a non-live-updatable field was changed in the template spec"
            wanted.append({"type": "RestartRequired", "status": "True", "message": text})
        return [self._stamped(held.get(each["type"]), each) for each in wanted]

    def _stamped(self, before: Json | None, wanted: Json) -> Json:
        now = self._plane.stamp()
        # Only the condition that the controller makes itself has a time of its probe.
        probed = now if wanted.get("reason") == "VMINotExists" else None
        times = {"lastProbeTime": probed, "lastTransitionTime": now}
        same = before and before["status"] == wanted["status"]
        if before and same and before.get("reason") == wanted.get("reason"):
            times["lastProbeTime"] = before["lastProbeTime"]
            times["lastTransitionTime"] = before["lastTransitionTime"]
        return {**wanted, **times}

    def _restart_is_required(self, vm: Json, vmi: Json | None) -> bool:
        started = self._start_revision(vm, vmi)
        return (
            started is not None
            and dig(started, "data", "spec", "template") != vm["spec"]["template"]
        )

    def _start_revision(self, vm: Json, vmi: Json | None) -> Json | None:
        name = dig(vmi, "status", "virtualMachineRevisionName")
        if not name:
            return None
        return self._api.find(CONTROLLER_REVISIONS, vm["metadata"]["namespace"], name)

    def _observed_generation(self, vm: Json, vmi: Json | None) -> int:
        started = self._start_revision(vm, vmi)
        return int(started["revision"] if started else vm["metadata"].get("generation", 1))

    def _start_failure(self, vm: Json, vmi: Json | None) -> Json | None:
        """Count a VMI that failed before it ever ran; forget the count when one runs."""
        held: Json | None = dig(vm, "status", "startFailure")
        if vmi is None or not _has_ended_or_runs(vmi) or run_strategy(vm) == "Halted":
            return None if run_strategy(vm) == "Halted" else held
        if _ever_ran(vmi):
            return None
        if held and held["lastFailedVMIUID"] == vmi["metadata"]["uid"]:
            return held
        count = (held["consecutiveFailCount"] if held else 0) + 1
        seconds = min(10 * 2 ** (count - 1), _LONGEST_BACKOFF)
        return {
            "consecutiveFailCount": count,
            "lastFailedVMIUID": vmi["metadata"]["uid"],
            "retryAfterTimestamp": rfc3339(self._plane.now() + timedelta(seconds=seconds)),
        }


def _is_stop_for(request: Json | None, vmi: Json) -> bool:
    return (
        request is not None
        and request["action"] == "Stop"
        and request.get("uid") == vmi["metadata"]["uid"]
    )


def _without_done_request(status: Json, vmi: Json | None) -> Json:
    """Drop the first queued request once it has come true."""
    queue = status.get("stateChangeRequests") or []
    if not queue:
        status.pop("stateChangeRequests", None)
        return status
    first = queue[0]
    stopped = first["action"] == "Stop" and (
        vmi is None or vmi["metadata"]["uid"] != first.get("uid")
    )
    started = first["action"] == "Start" and vmi is not None and not is_final(vmi)
    if not (stopped or started):
        return status
    status.pop("stateChangeRequests")
    return {**status, "stateChangeRequests": queue[1:]} if queue[1:] else status


def _is_ready(vmi: Json | None) -> bool:
    conditions = dig(vmi, "status", "conditions", default=[])
    return any(held["type"] == "Ready" and held["status"] == "True" for held in conditions)


def _has_ended_or_runs(vmi: Json) -> bool:
    return dig(vmi, "status", "phase") in (*FINAL_PHASES, "Running")


def _ever_ran(vmi: Json) -> bool:
    phases = dig(vmi, "status", "phaseTransitionTimestamps", default=[])
    return any(entry["phase"] == "Running" for entry in phases)
