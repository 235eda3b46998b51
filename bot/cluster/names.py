"""Names of KubeVirt's that the bot must know, and the paths of the objects it reads and writes.

Every path is built here, and only from names that Kubernetes itself would accept: an empty name
would turn a GET of one object into a list, and ".." into something else entirely.
"""

import re

from bot.errors import Permanent

SOURCE_VM_LABEL = "restore.kubevirt.io/source-vm-name"
"""KubeVirt's label on the claims that a restore creates."""

SNAPSHOT_GROUP = "snapshot.kubevirt.io"
RESTORE_CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/virtualmachinerestores.snapshot.kubevirt.io"
VMS = "virtualmachines"
VMIS = "virtualmachineinstances"
SNAPSHOTS = "virtualmachinesnapshots"
CONTENTS = "virtualmachinesnapshotcontents"
RESTORES = "virtualmachinerestores"

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class NoName(Permanent):
    """No Kubernetes object can have this name, so there is none."""

    def __init__(self, name: str) -> None:
        super().__init__("invalid_name", f"not a name of a Kubernetes object: {name[:80]!r}")


def kubevirt(kind: str, namespace: str | None = None, name: str | None = None) -> str:
    """Path of VMs or VMIs."""
    return _path("/apis/kubevirt.io/v1", kind, namespace, name)


def snapshot_group(
    version: str, kind: str, namespace: str | None = None, name: str | None = None
) -> str:
    """Path of snapshots, their contents or restores."""
    return _path(f"/apis/{SNAPSHOT_GROUP}/{version}", kind, namespace, name)


def cdi(kind: str, namespace: str | None, name: str | None = None) -> str:
    """Path of DataVolumes."""
    return _path("/apis/cdi.kubevirt.io/v1beta1", kind, namespace, name)


def core(kind: str, namespace: str | None, name: str | None = None) -> str:
    """Path of claims, quotas, limit ranges, pods or events."""
    return _path("/api/v1", kind, namespace, name)


def volume_snapshots(kind: str, namespace: str | None, name: str | None = None) -> str:
    """Path of the storage system's VolumeSnapshots."""
    return _path("/apis/snapshot.storage.k8s.io/v1", kind, namespace, name)


def storage(kind: str, namespace: str | None, name: str | None = None) -> str:
    """Path of storage classes, which stand in no namespace."""
    del namespace
    return _path("/apis/storage.k8s.io/v1", kind, None, name)


def subresource(namespace: str, vm: str, verb: str) -> str:
    """Path of a VM's `start` or `stop`."""
    return f"{_path('/apis/subresources.kubevirt.io/v1', VMS, namespace, vm)}/{verb}"


def _path(root: str, kind: str, namespace: str | None, name: str | None) -> str:
    parts = [root]
    if namespace is not None:
        parts += ["namespaces", _checked(namespace)]
    parts.append(kind)
    if name is not None:
        parts.append(_checked(name))
    return "/".join(parts)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name) or ".." in name:
        raise NoName(name)
    return name
