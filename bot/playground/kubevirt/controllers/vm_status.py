"""A VM's `printableStatus` and conditions: an ordered table, first match wins."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.playground.kubevirt.admission import run_strategy
from bot.playground.kubevirt.controllers.volumes import FINAL_PHASES, WFFC, claims_of
from bot.playground.kubevirt.metadata import condition, condition_is, dig, is_deleting
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.resources import (
    DATA_VOLUMES,
    PVCS,
    STORAGE_CLASSES,
    VOLUME_SNAPSHOT_CLASSES,
)

Json = dict[str, Any]
DEFAULT_SNAPSHOT_CLASS = "snapshot.storage.kubernetes.io/is-default-class"
_COPIED = ("AgentConnected", "LiveMigratable", "Paused", "Synchronized")


@dataclass(frozen=True, slots=True)
class Scene:
    """What the status is read from."""

    vm: Json
    vmi: Json | None
    expected: bool
    volumes: list[Json]
    claims: list[Json]

    @property
    def phase(self) -> str:
        """The VMI's phase; "" without one."""
        return str(dig(self.vmi, "status", "phase", default=""))

    @property
    def final(self) -> bool:
        """Whether a VMI object is left that has ended."""
        return self.phase in FINAL_PHASES

    @property
    def live(self) -> bool:
        """Whether a VMI exists that has not ended."""
        return self.vmi is not None and not self.final

    def vmi_says(self, kind: str, status: str, reason: str) -> bool:
        """Whether the VMI has this very condition."""
        held = condition(self.vmi, kind) if self.vmi else None
        return held is not None and (held["status"], held.get("reason")) == (status, reason)


def scene_of(plane: Plane, vm: Json, vmi: Json | None, *, expected: bool) -> Scene:
    """Everything the status of a VM depends on."""
    namespace = vm["metadata"]["namespace"]
    names = claims_of(dig(vm, "spec", "template", "spec", default={}))
    volumes = [plane.storage.find(DATA_VOLUMES.plural, namespace, name) for name in names]
    claims = [plane.storage.find(PVCS.plural, namespace, name) for name in names]
    return Scene(vm, vmi, expected, [v for v in volumes if v], [c for c in claims if c])


def printable_status(scene: Scene) -> str:
    """The first state of the table that holds."""
    return next((name for name, holds in _TABLE if holds(scene)), "Unknown")


def is_set_to_start(vm: Json) -> bool:
    """Whether the controller wants a VMI for this VM, were there none."""
    queue = dig(vm, "status", "stateChangeRequests", default=[])
    start_queued = bool(queue) and queue[0]["action"] == "Start"
    match run_strategy(vm):
        case "Always" | "Once":
            return True
        case "RerunOnFailure":
            return start_queued or bool(dig(vm, "status", "runStrategy") != "RerunOnFailure")
        case "Manual":
            return start_queued
        case _:
            return False


def _is_migrating(scene: Scene) -> bool:
    state = dig(scene.vmi, "status", "migrationState")
    return bool(state) and not state.get("completed")


def _is_paused(scene: Scene) -> bool:
    return scene.vmi is not None and condition_is(scene.vmi, "Paused")


def _provisions(scene: Scene) -> bool:
    settled = ("Succeeded", "PendingPopulation", WFFC)
    return any(
        dig(volume, "status", "phase", default="") not in settled for volume in scene.volumes
    )


def _waits_for_binding(scene: Scene) -> bool:
    unbound = any(dig(claim, "status", "phase") != "Bound" for claim in scene.claims)
    return is_set_to_start(scene.vm) and unbound


def _crashes(scene: Scene) -> bool:
    failures = dig(scene.vm, "status", "startFailure", "consecutiveFailCount", default=0)
    restarts = run_strategy(scene.vm) in ("Always", "RerunOnFailure", "Once")
    return not scene.live and failures > 0 and restarts


_TABLE: tuple[tuple[str, Callable[[Scene], bool]], ...] = (
    ("Terminating", lambda s: is_deleting(s.vm)),
    ("Stopping", lambda s: s.live and s.vmi is not None and is_deleting(s.vmi)),
    ("Migrating", lambda s: s.live and _is_migrating(s)),
    ("Paused", lambda s: s.phase == "Running" and _is_paused(s)),
    ("Running", lambda s: s.phase == "Running"),
    ("ErrorPvcNotFound", lambda s: s.vmi_says("Synchronized", "False", "FailedPvcNotFound")),
    ("DataVolumeError", lambda s: any(dig(v, "status", "phase") == "Failed" for v in s.volumes)),
    ("ErrorUnschedulable", lambda s: s.vmi_says("PodScheduled", "False", "Unschedulable")),
    ("Provisioning", _provisions),
    ("WaitingForVolumeBinding", _waits_for_binding),
    ("ErrImagePull", lambda s: s.vmi_says("Synchronized", "False", "ErrImagePull")),
    ("ImagePullBackOff", lambda s: s.vmi_says("Synchronized", "False", "ImagePullBackOff")),
    ("Starting", lambda s: s.live or (s.vmi is None and s.expected)),
    ("CrashLoopBackOff", _crashes),
    ("Stopped", lambda s: s.final or (s.vmi is None and not s.expected)),
)


def conditions_from(scene: Scene) -> list[Json]:
    """The conditions a VM shows: its VMI's, or that there is none."""
    ready = condition(scene.vmi, "Ready") if scene.vmi else None
    if ready is None:
        ready = {
            "type": "Ready",
            "status": "False",
            "reason": "VMINotExists",
            "message": "VMI does not exist",
        }
    copied = [condition(scene.vmi, kind) for kind in _COPIED] if scene.vmi else []
    return [ready, *[held for held in copied if held is not None]]


def volume_snapshot_statuses(plane: Plane, vm: Json) -> list[Json]:
    """Per volume: can it be snapshotted now, and if not, why."""
    volumes = dig(vm, "spec", "template", "spec", "volumes", default=[])
    found = []
    for volume in volumes:
        reason = why_not_snapshottable(plane, vm["metadata"]["namespace"], volume)
        entry = {"name": volume["name"], "enabled": not reason}
        found.append({**entry, "reason": reason} if reason else entry)
    return found


def why_not_snapshottable(plane: Plane, namespace: str, volume: Json) -> str:
    """Empty if a snapshot of the volume can be taken."""
    names = claims_of({"volumes": [volume]})
    if not names:
        return f"Snapshot is not supported for this volumeSource type [{volume['name']}]"
    claim = plane.storage.find(PVCS.plural, namespace, names[0])
    if claim is None:
        return "PVC not found"
    storage_class = dig(claim, "spec", "storageClassName", default="")
    classes = snapshot_classes(plane, storage_class)
    if not classes:
        return (
            "No VolumeSnapshotClass: Volume snapshots are not configured for this StorageClass "
            f"[{storage_class}] [{volume['name']}]"
        )
    if len(classes) > 1:
        return f"{len(classes)} matching VolumeSnapshotClasses for {storage_class}"
    return ""


def snapshot_classes(plane: Plane, storage_class: str) -> list[Json]:
    """The snapshot classes that fit a storage class; a default among several stands alone."""
    held = plane.storage.find(STORAGE_CLASSES.plural, "", storage_class)
    driver = held["provisioner"] if held else None
    fitting = [
        known
        for known in plane.storage.objects(VOLUME_SNAPSHOT_CLASSES.plural)
        if known["driver"] == driver
    ]
    default = [
        known
        for known in fitting
        if dig(known, "metadata", "annotations", default={}).get(DEFAULT_SNAPSHOT_CLASS) == "true"
    ]
    return default or fitting
