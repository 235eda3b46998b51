"""The cluster as the page shows it beside Slack: what `kubectl get` would say, for somebody who may see all."""

from typing import Any

from bot.playground.kubevirt.metadata import dig
from bot.playground.kubevirt.resources import CONTENTS, PVCS, RESTORES, SNAPSHOTS, VMS
from bot.playground.kubevirt.server import KubeSim

Json = dict[str, Any]


class ClusterPanel:
    """Reads the cluster's objects; anew only after a change."""

    def __init__(self, kube: KubeSim) -> None:
        self._kube = kube
        self._revision = 0
        self._seen: Json = {}

    def state(self) -> Json:
        """VMs, snapshots, restores and claims."""
        storage = self._kube.storage
        if storage.revision != self._revision:
            self._revision = storage.revision
            contents = {_key(each): each for each in storage.view(CONTENTS.plural)}
            claims = {_key(each): each for each in storage.view(PVCS.plural)}
            self._seen = {
                "vms": [_vm(each, claims) for each in storage.view(VMS.plural)],
                "snapshots": [_snapshot(each, contents) for each in storage.view(SNAPSHOTS.plural)],
                "restores": [_restore(each) for each in storage.view(RESTORES.plural)],
                "claims": [_claim(each) for each in claims.values()],
            }
        return self._seen


def _key(obj: Json) -> tuple[str, str]:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


def _named(obj: Json) -> Json:
    namespace, name = _key(obj)
    return {
        "namespace": namespace,
        "name": name,
        "created": obj["metadata"]["creationTimestamp"],
        "going": "deletionTimestamp" in obj["metadata"],
    }


def _vm(obj: Json, claims: dict[tuple[str, str], Json]) -> Json:
    spec, status = obj["spec"], obj.get("status", {})
    volumes = dig(spec, "template", "spec", "volumes", default=[])
    return {
        **_named(obj),
        "status": status.get("printableStatus", "Unknown"),
        "run_strategy": spec.get("runStrategy") or ("Always" if spec.get("running") else "Halted"),
        "ready": bool(status.get("ready")),
        "restoring": status.get("restoreInProgress"),
        "disks": [_disk(obj["metadata"]["namespace"], each, claims) for each in volumes],
    }


def _disk(namespace: str, volume: Json, claims: dict[tuple[str, str], Json]) -> Json:
    name = dig(volume, "persistentVolumeClaim", "claimName") or dig(volume, "dataVolume", "name")
    claim = claims.get((namespace, name or ""))
    held = _claim(claim) if claim else {}
    return {
        "name": volume["name"],
        "claim": name,
        **{key: held.get(key) for key in ("size", "storage_class", "bound")},
    }


def _claim(obj: Json) -> Json:
    return {
        **_named(obj),
        "size": dig(obj, "spec", "resources", "requests", "storage"),
        "storage_class": dig(obj, "spec", "storageClassName"),
        "phase": dig(obj, "status", "phase", default="Pending"),
        "bound": dig(obj, "status", "phase") == "Bound",
    }


def _snapshot(obj: Json, contents: dict[tuple[str, str], Json]) -> Json:
    status = obj.get("status", {})
    return {
        **_named(obj),
        "vm": dig(obj, "spec", "source", "name"),
        "created": status.get("creationTime") or obj["metadata"]["creationTimestamp"],
        "ready": bool(status.get("readyToUse")),
        "consistency": _consistency(status.get("indications") or []),
        "phase": status.get("phase", ""),
        "error": dig(status, "error", "message"),
        "content": _content(obj, contents),
    }


def _content(obj: Json, contents: dict[tuple[str, str], Json]) -> str:
    """Whether the data is there: the snapshot itself may go on saying that it is ready."""
    name = dig(obj, "status", "virtualMachineSnapshotContentName", default="")
    held = contents.get((obj["metadata"]["namespace"], name))
    if held is None:
        return "gone"
    return "going away" if "deletionTimestamp" in held["metadata"] else "there"


def _consistency(indications: list[str]) -> str:
    """What KubeVirt's indications say of the files in the guest."""
    if "Online" not in indications:
        return "offline"
    quiesced = "GuestAgent" in indications and "QuiesceFailed" not in indications
    return "application-consistent" if quiesced else "crash-consistent"


def _restore(obj: Json) -> Json:
    status = obj.get("status", {})
    return {
        **_named(obj),
        "vm": dig(obj, "spec", "target", "name"),
        "snapshot": dig(obj, "spec", "virtualMachineSnapshotName"),
        "complete": bool(status.get("complete")),
        "conditions": [
            {key: each.get(key, "") for key in ("type", "status", "reason", "message")}
            for each in status.get("conditions", [])
        ],
    }
