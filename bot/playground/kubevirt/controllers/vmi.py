"""The VMI controller, scheduler and virt-handler in one: an instance's way from Pending to its end."""

from typing import Any

from bot.playground.kubevirt.api import Api, controller
from bot.playground.kubevirt.controllers.loop import Loop
from bot.playground.kubevirt.controllers.vm import VMI_FINALIZERS, is_final
from bot.playground.kubevirt.controllers.volumes import CONSUMER, claims_of, waits_for_consumer
from bot.playground.kubevirt.knobs import Guest
from bot.playground.kubevirt.metadata import (
    add_finalizer,
    dig,
    drop_condition,
    drop_finalizer,
    is_deleting,
    set_condition,
)
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.resources import PVCS, VMIS
from bot.playground.kubevirt.storage import Change, Key, key_of

Json = dict[str, Any]
NODE = "node01"
NODE_LABEL = "kubevirt.io/nodeName"
DEFAULT_GRACE = 30


class VmiController:
    """One pass moves one VMI by at most one phase."""

    def __init__(self, plane: Plane, api: Api) -> None:
        self._plane = plane
        self._api = api
        self.loop = Loop("virtualmachineinstance-controller", plane.clock, self.reconcile)

    def on_change(self, change: Change) -> None:
        """A VMI, or a claim it may wait for, has changed."""
        if change.resource == VMIS.plural:
            self.loop.add(change.key)
        elif change.resource == PVCS.plural:
            for vmi in self._plane.storage.view(VMIS.plural, change.key[0]):
                if change.key[1] in claims_of(vmi["spec"]):
                    self.loop.add(key_of(vmi))

    def look_at_all(self) -> None:
        """A pass for every VMI."""
        for key in self._plane.storage.keys(VMIS.plural):
            self.loop.add(key)

    def reconcile(self, key: Key) -> None:
        """One pass."""
        vmi = self._api.find(VMIS, *key)
        if vmi is None:
            return
        guest = self._plane.knobs.of_guest(*key)
        if is_deleting(vmi):
            self._end(key, vmi, guest)
        elif not is_final(vmi):
            self._begin(key, vmi, guest)

    def _begin(self, key: Key, vmi: Json, guest: Guest) -> None:
        uid = vmi["metadata"]["uid"]
        match dig(vmi, "status", "phase", default=""):
            case "":
                for name in VMI_FINALIZERS:
                    add_finalizer(vmi, name)
                self._move(vmi, "Pending")
            case "Pending" if self._claims_exist(vmi):
                self._move(vmi, "Scheduling")
            case "Scheduling" if self._claims_are_bound(vmi) and self._finds_a_node(vmi, guest):
                if self.loop.passed(key, f"schedule {uid}", guest.schedule):
                    self._move(vmi, "Scheduled")
            case "Scheduled":
                if self.loop.passed(key, f"boot {uid}", guest.boot):
                    self._boot(vmi, guest)

    def _claims_exist(self, vmi: Json) -> bool:
        missing = [name for name in claims_of(vmi["spec"]) if self._claim(vmi, name) is None]
        status = vmi["status"]
        if missing:
            text = f"PVC {vmi['metadata']['namespace']}/{missing[0]} does not exist, waiting for it to appear"
            problem = {"reason": "FailedPvcNotFound", "message": text}
            set_condition(status, {"type": "Synchronized", "status": "False", **problem}, self._plane.now())  # fmt: skip
            self._write(vmi)
        else:
            drop_condition(status, "Synchronized")
        return not missing

    def _claims_are_bound(self, vmi: Json) -> bool:
        pending = [name for name in claims_of(vmi["spec"]) if not self._is_bound(vmi, name)]
        for name in pending:
            claim = self._claim(vmi, name)
            if claim is not None and waits_for_consumer(self._plane, claim):
                key = (vmi["metadata"]["namespace"], name)
                change = {"metadata": {"annotations": {CONSUMER: NODE}}}
                self._api.merge_patch(PVCS, key, change, controller("kube-scheduler"))
        return not pending

    def _finds_a_node(self, vmi: Json, guest: Guest) -> bool:
        """The scheduler's word on the pod, which KubeVirt copies to the VMI."""
        said = {"reason": "Unschedulable", "message": guest.unschedulable}
        found = {"type": "PodScheduled", "status": "False", **said}
        if guest.unschedulable:
            set_condition(vmi["status"], found, self._plane.now())
            self._write(vmi)
        else:
            drop_condition(vmi["status"], "PodScheduled")
        return not guest.unschedulable

    def _claim(self, vmi: Json, name: str) -> Json | None:
        return self._api.find(PVCS, vmi["metadata"]["namespace"], name)

    def _is_bound(self, vmi: Json, name: str) -> bool:
        return bool(dig(self._claim(vmi, name), "status", "phase") == "Bound")

    def _boot(self, vmi: Json, guest: Guest) -> None:
        if guest.crashes_at_boot:
            self._move(vmi, "Failed")
            return
        paused = vmi["spec"].get("startStrategy") == "Paused"
        ready = {"type": "Ready", "status": "False" if paused else "True"}
        set_condition(vmi["status"], ready, self._plane.now())
        set_condition(
            vmi["status"], {"type": "LiveMigratable", "status": "True"}, self._plane.now()
        )
        if paused:
            text = "VMI was paused by user"
            why = {"reason": "PausedByUser", "message": text}
            set_condition(
                vmi["status"], {"type": "Paused", "status": "True", **why}, self._plane.now()
            )
        if guest.has_agent:
            set_condition(
                vmi["status"], {"type": "AgentConnected", "status": "True"}, self._plane.now()
            )
        vmi["status"]["nodeName"] = NODE
        vmi["metadata"].setdefault("labels", {})[NODE_LABEL] = NODE
        vmi["status"]["interfaces"] = [{"name": "default", "ipAddress": "10.244.0.17"}]
        self._move(vmi, "Running")

    def _end(self, key: Key, vmi: Json, guest: Guest) -> None:
        uid = vmi["metadata"]["uid"]
        if not is_final(vmi):
            phase = dig(vmi, "status", "phase", default="")
            if phase in ("", "Pending", "Scheduling"):
                self._move(vmi, "Succeeded")
            else:
                self._shut_down(key, vmi, guest)
        elif self.loop.passed(key, f"removal {uid}", guest.removal):
            for name in VMI_FINALIZERS:
                drop_finalizer(vmi, name)
            self._write(vmi)

    def _shut_down(self, key: Key, vmi: Json, guest: Guest) -> None:
        """The guest ends by itself, or is killed when the grace period is over."""
        uid = vmi["metadata"]["uid"]
        grace = float(vmi["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE))
        requested = None if guest.ignores_shutdown else guest.shutdown
        if grace > 0 and self.loop.passed(key, f"shutdown {uid}", requested):
            self._move(vmi, "Succeeded")
        elif self.loop.passed(key, f"grace {uid}", grace):
            self._move(vmi, "Failed")

    def _move(self, vmi: Json, phase: str) -> None:
        status = vmi.setdefault("status", {})
        status["phase"] = phase
        stamp = {"phase": phase, "phaseTransitionTimestamp": self._plane.stamp()}
        status.setdefault("phaseTransitionTimestamps", []).append(stamp)
        if phase != "Running":
            reason = "PodTerminating" if is_final(vmi) else "GuestNotRunning"
            ready = {"type": "Ready", "status": "False", "reason": reason}
            set_condition(status, ready, self._plane.now())
        self._write(vmi)

    def _write(self, vmi: Json) -> None:
        self._api.update(VMIS, vmi["metadata"]["namespace"], vmi, controller("virt-handler"))
