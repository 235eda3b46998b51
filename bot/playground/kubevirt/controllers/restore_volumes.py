"""The volume half of a restore: makes the claims and data volumes, and says when all are there."""

from typing import Any

from bot.playground.kubevirt.api import Api, controller
from bot.playground.kubevirt.controllers import restored
from bot.playground.kubevirt.controllers.volumes import (
    POPULATED_FOR,
    PREPOPULATED,
    WFFC,
    waits_for_consumer,
)
from bot.playground.kubevirt.metadata import dig, is_deleting, owner_reference
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.problems import ApiError
from bot.playground.kubevirt.recorder import Recorder
from bot.playground.kubevirt.resources import (
    DATA_VOLUMES,
    PVCS,
    STORAGE_CLASSES,
    VOLUME_SNAPSHOTS,
)

Json = dict[str, Any]


class RestoreVolumes:
    """Writes what `restored.py` describes."""

    def __init__(self, plane: Plane, api: Api, events: Recorder) -> None:
        self._plane = plane
        self._api = api
        self._events = events
        # The restores whose claims were all there once: what is missing then was taken away.
        self._settled: set[str] = set()

    def are_there(self, restore: Json, content: Json, vm: Json | None) -> bool:
        """Make the missing claims; whether all are bound, or wait for their first consumer."""
        backups = content["spec"].get("volumeBackups", [])
        # All are made before any is judged: one waiting claim does not hold the next one back.
        claims = [self._claim(restore, content, backup, vm) for backup in backups]
        ready = None not in claims and all(self._is_usable(claim) for claim in claims if claim)
        if ready:
            self._settled.add(restore["metadata"]["uid"])
        return ready

    def data_volumes_are_there(self, restore: Json, content: Json, vm: Json | None) -> bool:
        """Make the missing data volumes; whether all have settled."""
        settled = ("Succeeded", "PendingPopulation", WFFC)
        ready = True
        for entry in restore["status"].get("restores", []):
            if "dataVolumeName" not in entry:
                continue
            namespace = restore["metadata"]["namespace"]
            held = self._api.find(DATA_VOLUMES, namespace, entry["dataVolumeName"])
            if held is None:
                self._make_data_volume(restore, content, entry, vm)
            ready = ready and dig(held, "status", "phase") in settled
        return ready

    def _claim(self, restore: Json, content: Json, backup: Json, vm: Json | None) -> Json | None:
        namespace = restore["metadata"]["namespace"]
        held = self._api.find(PVCS, namespace, restored.claim_name(restore, backup))
        if held is not None and self._is_in_the_way(restore, backup, held):
            self._remove_old(held)
            return None
        if held is not None:
            return held
        if restore["metadata"]["uid"] in self._settled:
            name = restored.claim_name(restore, backup)
            raise ApiError(500, "", f"pvc {namespace}/{name} does not exist and should")
        return self._make_claim(restore, content, backup, vm)

    def _is_in_the_way(self, restore: Json, backup: Json, held: Json) -> bool:
        """With InPlace the old claim goes first. Other policies adopt whatever has the name."""
        in_place = restore["spec"].get("volumeRestorePolicy") == "InPlace"
        renamed = restored.override_of(restore, backup["volumeName"]).get("restoreName")
        mark = held["metadata"].get("annotations", {}).get(restored.LAST_RESTORE)
        return in_place and not renamed and mark != restored.restore_id(restore)

    def _remove_old(self, claim: Json) -> None:
        if is_deleting(claim):
            return
        namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
        if self._api.find(DATA_VOLUMES, namespace, name) is not None:
            change = {"metadata": {"annotations": {PREPOPULATED: name}}}
            self._api.merge_patch(DATA_VOLUMES, (namespace, name), change, controller())
        self._api.delete(PVCS, namespace, name)

    def _make_claim(self, restore: Json, content: Json, backup: Json, vm: Json | None) -> Json:
        namespace = restore["metadata"]["namespace"]
        snapshot = self._api.find(VOLUME_SNAPSHOTS, namespace, backup["volumeSnapshotName"])
        if snapshot is None:
            raise ApiError(500, "", f"missing volumeSnapshot {backup['volumeSnapshotName']}")
        claim = restored.new_claim(restore, content, backup, dig(snapshot, "status", "restoreSize"))
        if backup["volumeName"] in restored.templated_volumes(content):
            claim["metadata"]["annotations"][POPULATED_FOR] = claim["metadata"]["name"]
        else:
            owners = restored.owner_of_claim(restore, content, backup, vm)
            if owners:
                claim["metadata"]["ownerReferences"] = owners
        return self._api.create(PVCS, namespace, claim, controller())

    def _is_usable(self, claim: Json) -> bool:
        phase = dig(claim, "status", "phase", default="Pending")
        if phase == "Bound":
            return True
        key = f"{claim['metadata']['namespace']}/{claim['metadata']['name']}"
        if phase != "Pending":
            raise ApiError(500, "", f'PVC {key} in status "{phase}"')
        name = dig(claim, "spec", "storageClassName")
        if name and self._plane.storage.find(STORAGE_CLASSES.plural, "", name) is None:
            raise ApiError(500, "", f"StorageClass {name} does not exist")
        return waits_for_consumer(self._plane, claim)

    def _make_data_volume(self, restore: Json, content: Json, entry: Json, vm: Json | None) -> None:
        volume = restored.new_data_volume(restore, content, entry)
        if vm is not None:
            volume["metadata"]["ownerReferences"] = [owner_reference(vm)]
        try:
            self._api.create(DATA_VOLUMES, restore["metadata"]["namespace"], volume, controller())
        except ApiError as refused:
            text = f"Error creating restore DataVolume {entry['dataVolumeName']}: {refused.message}"
            self._events.warning(restore, "RestoreDataVolumeCreateError", text)
            failed = f"Failed to create restore DataVolume: {refused.message}"
            raise ApiError(500, "", failed) from refused
