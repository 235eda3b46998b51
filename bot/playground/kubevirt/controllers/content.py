"""The content half of a snapshot: makes the volume snapshots and sums up their state."""

from typing import Any

from bot.playground.kubevirt.api import Api, controller
from bot.playground.kubevirt.controllers.loop import Loop
from bot.playground.kubevirt.controllers.snapshot import CONTENT_FINALIZER, content_name
from bot.playground.kubevirt.controllers.snapshot_source import snapshot_class_of
from bot.playground.kubevirt.metadata import dig, drop_finalizer, is_deleting, owner_reference
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.recorder import Recorder
from bot.playground.kubevirt.resources import CONTENTS, SNAPSHOTS, VOLUME_SNAPSHOTS
from bot.playground.kubevirt.storage import Change, Key

Json = dict[str, Any]


class ContentController:
    """One pass looks at one VirtualMachineSnapshotContent."""

    def __init__(self, plane: Plane, api: Api) -> None:
        self._plane = plane
        self._api = api
        self._events = Recorder(plane, "snapshot-controller")
        self.loop = Loop("vmsnapshotcontent-controller", plane.clock, self.reconcile)

    def on_change(self, change: Change) -> None:
        """A content, its snapshot or one of its volume snapshots has changed."""
        if change.resource == CONTENTS.plural:
            self.loop.add(change.key)
        elif change.resource == SNAPSHOTS.plural:
            self.loop.add((change.key[0], content_name(change.object)))
        elif change.resource == VOLUME_SNAPSHOTS.plural:
            for owner in change.object["metadata"].get("ownerReferences", []):
                if owner["kind"] == CONTENTS.kind:
                    self.loop.add((change.key[0], owner["name"]))

    def look_at_all(self) -> None:
        """A pass for every content."""
        for key in self._plane.storage.keys(CONTENTS.plural):
            self.loop.add(key)

    def reconcile(self, key: Key) -> None:
        """One pass."""
        content = self._api.find(CONTENTS, *key)
        if content is None:
            return
        if self._is_on_its_own(content):
            if drop_finalizer(content, CONTENT_FINALIZER):
                self._api.update(CONTENTS, key[0], content, controller())
        elif is_deleting(content):
            # Held by its finalizer while the snapshot lives. Its status goes on saying "ready",
            # and so does the snapshot's, but the volume snapshots are lost.
            self._lose_volume_snapshots(content)
        if is_deleting(content):
            return
        status = self._status(content)
        how = controller(subresource="status")
        self._api.update(CONTENTS, key[0], {**content, "status": status}, how)

    def _is_on_its_own(self, content: Json) -> bool:
        """Whether its snapshot is gone, going or failed: only then the content may go."""
        name = content["spec"]["virtualMachineSnapshotName"]
        snapshot = self._api.find(SNAPSHOTS, content["metadata"]["namespace"], name)
        return (
            snapshot is None
            or is_deleting(snapshot)
            or dig(snapshot, "status", "phase") == "Failed"
        )

    def _lose_volume_snapshots(self, content: Json) -> None:
        namespace = content["metadata"]["namespace"]
        for backup in content["spec"].get("volumeBackups", []):
            held = self._api.find(VOLUME_SNAPSHOTS, namespace, backup["volumeSnapshotName"])
            if held is not None and not is_deleting(held):
                self._api.delete(VOLUME_SNAPSHOTS, namespace, backup["volumeSnapshotName"])

    def _status(self, content: Json) -> Json:
        known = {
            entry["volumeSnapshotName"]: entry
            for entry in dig(content, "status", "volumeSnapshotStatus", default=[])
        }
        entries, missing = [], []
        for backup in content["spec"].get("volumeBackups", []):
            name = backup["volumeSnapshotName"]
            held = self._api.find(VOLUME_SNAPSHOTS, content["metadata"]["namespace"], name)
            if held is None and name in known:
                missing.append(name)
                continue
            entries.append(_entry(held or self._create(content, backup), known.get(name)))
        return self._summed_up(content, entries, missing, known)

    def _summed_up(
        self, content: Json, entries: list[Json], missing: list[str], known: dict[str, Json]
    ) -> Json:
        status: Json = {"readyToUse": not missing and all(e["readyToUse"] for e in entries)}
        cut = dig(content, "status", "creationTime")
        if not cut and not missing and all("creationTime" in entry for entry in entries):
            cut = self._plane.stamp()
        if cut:
            status["creationTime"] = cut
        # What is gone stays listed: that is how the next pass knows it was there.
        status["volumeSnapshotStatus"] = [*entries, *(known[name] for name in missing)]
        error = self._error(content, entries, missing)
        if error:
            before = dig(content, "status", "error")
            same = before is not None and before["message"] == error
            status["error"] = before if same else {"message": error, "time": self._plane.stamp()}
        return status

    def _error(self, content: Json, entries: list[Json], missing: list[str]) -> str:
        if missing:
            text = f"VolumeSnapshots ({','.join(missing)}) missing"
            if dig(content, "status", "error", "message") != text:
                for name in missing:
                    gone = f"VolumeSnapshot {name} no longer exists"
                    self._events.warning(content, "VolumeSnapshotMissing", gone)
            return text
        for entry in entries:
            if "error" in entry and not entry["readyToUse"]:
                return f"VolumeSnapshot {entry['volumeSnapshotName']} error: {entry['error']['message']}"
        return ""

    def _create(self, content: Json, backup: Json) -> Json:
        metadata, source = content["metadata"], content["spec"]["source"]["virtualMachine"]
        labels = {
            "snapshot.kubevirt.io/source-vm-name": source["metadata"]["name"],
            "snapshot.kubevirt.io/source-vm-namespace": source["metadata"]["namespace"],
        }
        claim = backup["persistentVolumeClaim"]["metadata"]["name"]
        owner = {**owner_reference(content), "blockOwnerDeletion": True}
        wanted = {
            "metadata": {
                "name": backup["volumeSnapshotName"],
                "labels": labels,
                "ownerReferences": [owner],
            },
            "spec": {
                "source": {"persistentVolumeClaimName": claim},
                "volumeSnapshotClassName": snapshot_class_of(self._plane, backup),
            },
        }
        made = self._api.create(VOLUME_SNAPSHOTS, metadata["namespace"], wanted, controller())
        text = f"Successfully created VolumeSnapshot {backup['volumeSnapshotName']}"
        self._events.normal(content, "SuccessfulVolumeSnapshotCreate", text)
        return made


def _entry(snapshot: Json, before: Json | None) -> Json:
    status = snapshot.get("status", {})
    entry = {"volumeSnapshotName": snapshot["metadata"]["name"]}
    ready = bool(status.get("readyToUse"))
    kept = {name: status[name] for name in ("creationTime", "error") if name in status}
    if before and before.get("readyToUse") and "error" in kept:
        kept.pop("error")
    return {**entry, "readyToUse": ready, **kept}
