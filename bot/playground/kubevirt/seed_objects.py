"""The manifests a seed starts from: pure builders of templates, volumes and statuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from bot.playground.kubevirt.controllers.snapshot_source import INDICATIONS
from bot.playground.kubevirt.metadata import rfc3339
from bot.playground.kubevirt.mutation import with_machine
from bot.playground.kubevirt.resources import Resource

Json = dict[str, Any]
DEFAULT_CLASS = "standard"


@dataclass(frozen=True, slots=True)
class Disk:
    """One volume of a VM. `source`: pvc, dataVolume, template, cloudInit or containerDisk."""

    name: str
    size: str = "10Gi"
    storage_class: str = DEFAULT_CLASS
    source: str = "pvc"
    shareable: bool = False


class VmOptions(TypedDict, total=False):
    """What can be said about a seeded VM."""

    running: bool
    run_strategy: str
    uses_running: bool
    disks: Sequence[Disk | str]
    cpu: int
    memory: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    created: datetime
    modified: datetime
    generation: int
    uid: str
    grace_period: int
    change: Json


class SnapshotOptions(TypedDict, total=False):
    """What can be said about a seeded snapshot."""

    created: datetime
    ready: bool
    phase: str
    error: str
    indications: Sequence[str]
    volumes: Sequence[str]
    vm_uid: str
    vm_change: Json
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def head_of(resource: Resource) -> Json:
    """The first two lines of an object."""
    return {"apiVersion": resource.api_version(), "kind": resource.kind}


def disk_of(held: Disk | str) -> Disk:
    """A disk, or a plain one of that name."""
    return Disk(held) if isinstance(held, str) else held


def template_of(name: str, disks: list[Disk], options: VmOptions) -> Json:
    """The template of a VM: cpu, memory, disks and one network."""
    devices = {
        "disks": [
            {"name": disk.name, "disk": {"bus": "virtio"}, **({"shareable": True} if disk.shareable else {})}
            for disk in disks
        ],
        "interfaces": [{"name": "default", "masquerade": {}}],
    }  # fmt: skip
    spec: Json = {
        "domain": {
            "cpu": {"cores": options.get("cpu", 2)},
            "memory": {"guest": options.get("memory", "4Gi")},
            "devices": devices,
        },
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [volume_of(name, disk) for disk in disks],
    }
    if "grace_period" in options:
        spec["terminationGracePeriodSeconds"] = options["grace_period"]
    template: Json = {"metadata": {"labels": {"kubevirt.io/vm": name}}, "spec": spec}
    with_machine(template)
    return template


def volume_of(vm: str, disk: Disk) -> Json:
    """The volume behind a disk."""
    match disk.source:
        case "pvc":
            return {"name": disk.name, "persistentVolumeClaim": {"claimName": f"{vm}-{disk.name}"}}
        case "cloudInit":
            return {"name": disk.name, "cloudInitNoCloud": {"userData": "#cloud-config\n"}}
        case "containerDisk":
            return {"name": disk.name, "containerDisk": {"image": "quay.io/containerdisks/fedora"}}
        case _:
            return {"name": disk.name, "dataVolume": {"name": f"{vm}-{disk.name}"}}


def data_volume_of(name: str, disk: Disk) -> Json:
    """The data volume behind a disk."""
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": disk.size}},
        "storageClassName": disk.storage_class,
    }
    return {"metadata": {"name": name}, "spec": {"pvc": claim, "source": {"blank": {}}}}


def snapshot_status(vm: Json, created: datetime, options: SnapshotOptions) -> Json:
    """The status a finished, failed or unfinished snapshot has, without its conditions."""
    phase = options.get("phase", "Succeeded")
    status: Json = {
        "phase": phase,
        "readyToUse": phase == "Succeeded" and options.get("ready", True),
        "sourceUID": vm["metadata"]["uid"],
    }
    if phase == "Succeeded":
        status["creationTime"] = rfc3339(created)
    names = list(options.get("indications", ()))
    if names:
        status["indications"] = names
        status["sourceIndications"] = [
            {"indication": name, "message": INDICATIONS.get(name, name)} for name in names
        ]
    if options.get("error"):
        status["error"] = {"message": options["error"], "time": rfc3339(created)}
    return status
