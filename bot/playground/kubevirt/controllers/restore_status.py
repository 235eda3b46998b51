"""What the restore controller writes: conditions, the status as a whole, events."""

from typing import Any

from bot.playground.kubevirt.api import Api, controller
from bot.playground.kubevirt.metadata import (
    set_condition,
)
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.recorder import Recorder
from bot.playground.kubevirt.resources import (
    RESTORES,
    VMS,
)
from bot.playground.kubevirt.storage import clone

Json = dict[str, Any]


class RestoreStatus:
    """Writes the status of VirtualMachineRestores, and of their VMs."""

    def __init__(self, plane: Plane, api: Api) -> None:
        self._plane = plane
        self._api = api
        self._events = Recorder(plane, "restore-controller")

    def _complain(self, restore: Json, text: str) -> None:
        key = (restore["metadata"]["namespace"], restore["metadata"]["name"])
        fresh = self._api.find(RESTORES, *key)
        if fresh is None:
            return
        status = fresh["status"]
        self._conditions(status, "False", text, "False", text)
        self._save(fresh, status)
        told = f"VirtualMachineRestore encountered error {text}"
        self._events.warning(fresh, "VirtualMachineRestoreError", told)

    def _wait(self, restore: Json, text: str, told: str) -> None:
        status = clone(restore["status"])
        self._conditions(status, "False", text, "False", text)
        if status != restore["status"]:
            self._events.warning(restore, "RestoreTargetNotReady", told)
            self._save(restore, status)

    def _fail(self, restore: Json, text: str) -> None:
        status = clone(restore["status"])
        self._conditions(status, "False", text, "False", text)
        failure = {"type": "Failure", "status": "True", "reason": text}
        set_condition(status, failure, self._plane.now())
        told = f"VirtualMachineRestore failed {text}"
        self._events.warning(restore, "Operation failed", told)
        self._save(restore, status)

    def _report(self, restore: Json, progressing: str, ready: str) -> None:
        status = clone(restore["status"])
        self._conditions(status, "True", progressing, "False", ready)
        self._save(restore, status)

    def _conditions(
        self, status: Json, progressing: str, why: str, ready: str, why_ready: str
    ) -> None:
        now = self._plane.now()
        wanted = {"type": "Progressing", "status": progressing, "reason": why}
        set_condition(status, wanted, now)
        set_condition(status, {"type": "Ready", "status": ready, "reason": why_ready}, now)

    def _save(self, restore: Json, status: Json) -> Json:
        key = (restore["metadata"]["namespace"], restore["metadata"]["name"])
        fresh = {**self._api.get(RESTORES, *key), "status": status}
        return self._api.update(RESTORES, key[0], fresh, controller(subresource="status"))

    def _patch_vm_status(self, vm: Json, status: Json) -> None:
        key = (vm["metadata"]["namespace"], vm["metadata"]["name"])
        self._api.merge_patch(VMS, key, {"status": status}, controller(subresource="status"))

    def _target(self, restore: Json) -> Json | None:
        return self._api.find(
            VMS, restore["metadata"]["namespace"], restore["spec"]["target"]["name"]
        )
