"""Kubernetes objects in, evidence out: the kinds that only a diagnosis reads."""

from collections.abc import Iterable
from datetime import datetime

from bot.cluster.document import Json, amount, flag, items, mapping, moment, present, text
from bot.restore.diagnosis.evidence import (
    SeenClaim,
    SeenCondition,
    SeenDataVolume,
    SeenEvent,
    SeenStorageClass,
    SeenVolumeSnapshot,
    SizeLimit,
)


def claim(document: Json) -> SeenClaim:
    """A PersistentVolumeClaim, with its class and size."""
    return SeenClaim(
        name=text(document, "metadata", "name"),
        phase=text(document, "status", "phase"),
        storage_class=text(document, "spec", "storageClassName"),
        bytes=amount(document, "spec", "resources", "requests", "storage"),
        deleting=_deleting(document),
    )


def storage_class(document: Json) -> SeenStorageClass:
    """A StorageClass."""
    return SeenStorageClass(
        name=text(document, "metadata", "name"),
        provisioner=text(document, "provisioner"),
        waits=text(document, "volumeBindingMode") == "WaitForFirstConsumer",
    )


def volume_snapshot(document: Json) -> SeenVolumeSnapshot:
    """A VolumeSnapshot."""
    return SeenVolumeSnapshot(
        name=text(document, "metadata", "name"),
        ready=flag(document, "status", "readyToUse"),
        deleting=_deleting(document),
        error=text(document, "status", "error", "message"),
    )


def data_volume(document: Json) -> SeenDataVolume:
    """A DataVolume. Its text is of the first condition that is not as it should be."""
    said = (
        text(one, "message") or text(one, "reason")
        for one in items(document, "status", "conditions")
        if text(one, "type") in ("Ready", "Bound", "Running") and text(one, "status") == "False"
    )
    return SeenDataVolume(
        name=text(document, "metadata", "name"),
        phase=text(document, "status", "phase"),
        text=next((each for each in said if each), ""),
    )


def conditions(document: Json) -> tuple[SeenCondition, ...]:
    """Those of a VMI, or of a VM."""
    return tuple(
        SeenCondition(
            text(one, "type"), text(one, "status"), text(one, "reason"), text(one, "message")
        )
        for one in items(document, "status", "conditions")
    )


def failures(document: Json) -> tuple[str, ...]:
    """Of a VM: what its controller met when it was to make the VMI."""
    return tuple(
        each.text or each.reason
        for each in conditions(document)
        if (each.kind, each.status) == ("Failure", "True")
    )


def events(documents: Iterable[Json], since: datetime | None) -> tuple[SeenEvent, ...]:
    """Events, the newest first, without those of the time before the restore."""
    parsed = map(_event, documents)
    young = (each for each in parsed if since is None or each.last is None or each.last >= since)
    return tuple(sorted(young, key=lambda each: each.last.timestamp() if each.last else 0.0, reverse=True))  # fmt: skip


def _event(document: Json) -> SeenEvent:
    about = mapping(document, "involvedObject")
    last = (
        moment(document, "series", "lastObservedTime")
        or moment(document, "lastTimestamp")
        or moment(document, "eventTime")
        or moment(document, "metadata", "creationTimestamp")
    )
    return SeenEvent(
        kind=text(about, "kind"),
        name=text(about, "name"),
        reason=text(document, "reason"),
        text=text(document, "message"),
        warning=text(document, "type") == "Warning",
        last=last,
    )


def size_limits(document: Json) -> tuple[SizeLimit, ...]:
    """What a LimitRange allows for claims."""
    name = text(document, "metadata", "name")
    return tuple(
        SizeLimit(name, least=amount(one, "min", "storage"), most=amount(one, "max", "storage"))
        for one in items(document, "spec", "limits")
        if text(one, "type") == "PersistentVolumeClaim"
    )


def _deleting(document: Json) -> bool:
    return present(document, "metadata", "deletionTimestamp")
