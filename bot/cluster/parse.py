"""Kubernetes objects in, facts out.

KubeVirt puts the human text of a condition into `reason` and leaves `message` empty, for snapshots
and restores alike. Which snapshot is usable, or which restore failed, is not decided here.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from bot.cluster import marks
from bot.cluster.configuration import configuration
from bot.cluster.document import (
    Json,
    amount,
    flag,
    items,
    mapping,
    moment,
    number,
    present,
    strings,
    text,
)
from bot.cluster.names import SOURCE_VM_LABEL
from bot.cluster.quantity import quantity
from bot.restore.effects import OWNER, REQUESTED_BY, RESTORE_ID, TEAM, THREAD
from bot.restore.observation import (
    Claim,
    Content,
    Quota,
    RestoreObject,
    Snapshot,
    Use,
    Vm,
    Vmi,
    Volume,
    VolumeSnapshot,
)

_EPOCH = datetime.fromtimestamp(0, UTC)
_LAST_RESTORE = "restore.kubevirt.io/lastRestoreUID"
_RESTORED_BY = "restore.kubevirt.io/name"
_VOLUME_QUOTA = re.compile(
    r"(.+\.storageclass\.storage\.k8s\.io/)?(requests\.storage|persistentvolumeclaims)"
    r"|count/persistentvolumeclaims"
)


def vm(document: Json) -> Vm:
    """A VirtualMachine, or the copy of one that a snapshot content holds."""
    status = mapping(document, "status")
    printable = text(status, "printableStatus") or "Unknown"
    return Vm(
        namespace=text(document, "metadata", "namespace"),
        name=text(document, "metadata", "name"),
        uid=text(document, "metadata", "uid"),
        generation=number(document, "metadata", "generation"),
        version=text(document, "metadata", "resourceVersion"),
        run_strategy=_run_strategy(document),
        observed_run_strategy=text(status, "runStrategy") or None,
        status=printable,
        deleting=_deleting(document),
        migrating=printable == "Migrating",
        start_queued=any(
            text(request, "action") == "Start" for request in items(status, "stateChangeRequests")
        ),
        snapshot_in_progress=text(status, "snapshotInProgress") or None,
        restore_in_progress=text(status, "restoreInProgress") or None,
        last_restore=_annotation(document, _LAST_RESTORE),
        last_modified=marks.last_modified(document),
        gitops=marks.writers(document),
        volumes=volumes(document),
        templates=_templates(document),
        config=configuration(document),
        specification=_specification(document),
        keeps_state=marks.keeps_state(document),
        has_instance=flag(status, "created"),
        down_since=marks.down_since(status),
    )


def name(document: Json) -> str:
    """All that is wanted of an object that must only be there."""
    return text(document, "metadata", "name")


def vmi(document: Json) -> Vmi:
    """A VirtualMachineInstance."""
    return Vmi(
        uid=text(document, "metadata", "uid"),
        phase=text(document, "status", "phase"),
        deleting=_deleting(document),
        created=moment(document, "metadata", "creationTimestamp"),
        volumes=_volumes(mapping(document, "spec")),
        moved=marks.moved(mapping(document, "status")),
        paused=marks.says(mapping(document, "status"), "Paused"),
        agent=marks.says(mapping(document, "status"), "AgentConnected"),
    )


def snapshot(document: Json) -> Snapshot:
    """A VirtualMachineSnapshot."""
    status = mapping(document, "status")
    return Snapshot(
        name=text(document, "metadata", "name"),
        uid=text(document, "metadata", "uid"),
        source=text(document, "spec", "source", "name"),
        requested_at=moment(document, "metadata", "creationTimestamp") or _EPOCH,
        created=moment(status, "creationTime"),
        phase=text(status, "phase"),
        ready=flag(status, "readyToUse"),
        deleting=_deleting(document),
        error=_snapshot_error(status),
        progressing=_condition(status, "Progressing") or "",
        content_name=text(status, "virtualMachineSnapshotContentName") or None,
        indications=_indications(status),
        included=strings(status, "snapshotVolumes", "includedVolumes"),
        excluded=strings(status, "snapshotVolumes", "excludedVolumes"),
        restore_id=_label(document, RESTORE_ID),
    )


def newest_first(snapshots: Iterable[Snapshot]) -> tuple[Snapshot, ...]:
    """By the time of their data; names decide between equals."""
    return tuple(
        sorted(snapshots, key=lambda one: (one.created or one.requested_at, one.name), reverse=True)
    )


def of_a_clone(found: Snapshot) -> bool:
    """A VirtualMachineClone made it for itself and will remove it."""
    return found.name.startswith("tmp-snapshot-")


def content(document: Json) -> Content:
    """A VirtualMachineSnapshotContent."""
    copy = mapping(document, "spec", "source", "virtualMachine")
    return Content(
        name=text(document, "metadata", "name"),
        uid=text(document, "metadata", "uid"),
        ready=flag(document, "status", "readyToUse"),
        vm_uid=text(copy, "metadata", "uid"),
        deleting=_deleting(document),
        error=text(document, "status", "error", "message") or None,
        volumes=volumes(copy),
        config=configuration(copy),
        sizes=tuple(
            (
                text(one, "volumeName"),
                text(one, "persistentVolumeClaim", "spec", "storageClassName"),
                _claim_size(mapping(one, "persistentVolumeClaim", "spec")),
            )
            for one in items(document, "spec", "volumeBackups")
        ),
        templates=_templates(copy),
        backups=tuple(
            (text(one, "volumeName"), text(one, "persistentVolumeClaim", "metadata", "name"))
            for one in items(document, "spec", "volumeBackups")
        ),
        copies=tuple(
            (text(one, "volumeName"), text(one, "volumeSnapshotName"))
            for one in items(document, "spec", "volumeBackups")
            if text(one, "volumeSnapshotName")
        ),
        unready=tuple(
            (text(one, "volumeSnapshotName"), text(one, "error", "message"))
            for one in items(document, "status", "volumeSnapshotStatus")
            if not flag(one, "readyToUse")
        ),
        specification=_digest(mapping(document, "spec")),
    )


def volume_snapshot(document: Json) -> VolumeSnapshot:
    """A VolumeSnapshot."""
    return VolumeSnapshot(
        name=text(document, "metadata", "name"),
        ready=flag(document, "status", "readyToUse"),
        deleting=_deleting(document),
        error=text(document, "status", "error", "message") or None,
        size=amount(document, "status", "restoreSize"),
    )


def restore(document: Json) -> RestoreObject:
    """A VirtualMachineRestore."""
    status = mapping(document, "status")
    restored = tuple(
        (
            text(one, "volumeName"),
            text(one, "persistentVolumeClaim"),
            text(one, "volumeSnapshotName"),
        )
        for one in items(status, "restores")
        if text(one, "persistentVolumeClaim")
    )
    return RestoreObject(
        namespace=text(document, "metadata", "namespace"),
        name=text(document, "metadata", "name"),
        uid=text(document, "metadata", "uid"),
        target=text(document, "spec", "target", "name"),
        snapshot=text(document, "spec", "virtualMachineSnapshotName"),
        complete=flag(status, "complete"),
        failure=_condition(status, "Failure", only_true=True),
        progressing=_condition(status, "Progressing") or "",
        ready=_condition(status, "Ready") or "",
        deleting=_deleting(document),
        created=moment(document, "metadata", "creationTimestamp"),
        restored_at=moment(status, "restoreTime"),
        claims=tuple(claim for _, claim, _ in restored),
        volumes=restored,
        deleted=strings(status, "deletedDataVolumes"),
        restore_id=_label(document, RESTORE_ID),
        made_by=_annotation(document, REQUESTED_BY),
        clone=next(
            (name for kind, name in _owners(document) if kind == "VirtualMachineClone"), None
        ),
        team=_annotation(document, TEAM),
        thread=_annotation(document, THREAD),
        owner=_annotation(document, OWNER),
    )


def claim(document: Json) -> Claim:
    """A PersistentVolumeClaim."""
    return Claim(
        name=text(document, "metadata", "name"),
        phase=text(document, "status", "phase"),
        uid=text(document, "metadata", "uid"),
        vm=_label(document, SOURCE_VM_LABEL),
        deleting=_deleting(document),
        created=moment(document, "metadata", "creationTimestamp"),
        owners=_owners(document),
        restored_by=_annotation(document, _RESTORED_BY),
        mark=_annotation(document, _LAST_RESTORE),
        source=_volume_snapshot(document),
        size=_claim_size(mapping(document, "spec")),
    )


def uses(kind: str, document: Json) -> tuple[Use, ...]:
    """The claims that a VM, a VMI or a pod names."""
    template = ("spec", "template", "spec") if kind == "VM" else ("spec",)
    named = (_volume(one, set()).claim for one in items(document, *template, "volumes"))
    name = text(document, "metadata", "name")
    return tuple(Use(claim, kind, name) for claim in named if claim)


def quotas(document: Json) -> tuple[Quota, ...]:
    """The limits of a ResourceQuota that new volumes count against."""
    name = text(document, "metadata", "name")
    hard = mapping(document, "status", "hard") or mapping(document, "spec", "hard")
    used = mapping(document, "status", "used")
    return tuple(
        Quota(name, resource, quantity(str(limit)), quantity(str(used.get(resource, "0"))))
        for resource, limit in sorted(hard.items())
        if _VOLUME_QUOTA.fullmatch(resource)
    )


def volumes(document: Json) -> tuple[Volume, ...]:
    """The volumes of a VM's template."""
    return _volumes(mapping(document, "spec", "template", "spec"))


def _volumes(spec: Json) -> tuple[Volume, ...]:
    shared = {
        text(disk, "name")
        for disk in items(spec, "domain", "devices", "disks")
        if flag(disk, "shareable")
    }
    return tuple(_volume(one, shared) for one in items(spec, "volumes"))


def _templates(document: Json) -> tuple[str, ...]:
    made = items(document, "spec", "dataVolumeTemplates")
    return tuple(text(one, "metadata", "name") for one in made)


def _owners(document: Json) -> tuple[tuple[str, str], ...]:
    """Kind and name of each owner."""
    references = items(document, "metadata", "ownerReferences")
    return tuple((text(one, "kind"), text(one, "name")) for one in references)


def _volume_snapshot(document: Json) -> str | None:
    """The source of a claim, if it is a VolumeSnapshot."""
    for field in ("dataSourceRef", "dataSource"):
        if text(document, "spec", field, "kind") == "VolumeSnapshot":
            return text(document, "spec", field, "name") or None
    return None


def _volume(document: Json, shared: set[str]) -> Volume:
    name = text(document, "name")
    kind = next((key for key in document if key != "name"), "")
    source = mapping(document, kind)
    ephemeral = text(source, "persistentVolumeClaim", "claimName")
    named = text(source, "name") if kind == "dataVolume" else text(source, "claimName")
    return Volume(name, kind, named or ephemeral or None, shareable=name in shared)


def _run_strategy(document: Json) -> str:
    """`spec.runStrategy`, or what the older `spec.running` stands for."""
    named = text(document, "spec", "runStrategy")
    return named or ("Always" if flag(document, "spec", "running") else "Halted")


def _specification(document: Json) -> str:
    """A digest of the spec without the run strategy, which a stop changes."""
    spec = mapping(document, "spec")
    kept = {key: value for key, value in spec.items() if key not in ("runStrategy", "running")}
    return _digest(kept)


def _digest(spec: Json) -> str:
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]


def _indications(status: Json) -> tuple[str, ...]:
    """From the older list and the newer one, each once."""
    newer = (text(one, "indication") for one in items(status, "sourceIndications"))
    return tuple(dict.fromkeys(name for name in (*strings(status, "indications"), *newer) if name))


def _snapshot_error(status: Json) -> str | None:
    failed = _condition(status, "Failure", only_true=True)
    return text(status, "error", "message") or failed


def _condition(status: Json, kind: str, *, only_true: bool = False) -> str | None:
    """The text of a condition; None if there is no such condition."""
    for condition in items(status, "conditions"):
        if text(condition, "type") != kind:
            continue
        if only_true and text(condition, "status") != "True":
            return None
        return text(condition, "reason") or text(condition, "message")
    return None


def _claim_size(spec: Json) -> int:
    return amount(spec, "resources", "requests", "storage")


def _deleting(document: Json) -> bool:
    return present(document, "metadata", "deletionTimestamp")


def _label(document: Json, key: str) -> str | None:
    return text(document, "metadata", "labels", key) or None


def _annotation(document: Json, key: str) -> str | None:
    return text(document, "metadata", "annotations", key) or None
