"""The checks a wish must pass before a person is asked to type (`recheck` comes before the act).

Each check is a small pure function: it looks at one scene and either has nothing to say (None) or
states what was found, what was expected and what to do next. Their order is the order in which an
engineer would want to hear of them; the first refusal is the one that is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bot.restore.facts import RestoreObject, Scene, Snapshot, Vm
from bot.restore.model import Reason, Restore, VolumePolicy
from bot.restore.near import nearest, or_a_command

MOST_CHOICES = 10
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a restore cannot go on, in plain sentences; names stand in backticks."""

    reason: Reason
    found: str
    expected: str = ""
    next: str = ""
    choices: tuple[str, ...] = ()


Check = Callable[[Scene, Restore], Refusal | None]


def first_refusal(scene: Scene, restore: Restore) -> Refusal | None:
    """The first check that has something to say about a FULL look, or None: all is well."""
    return next((said for check in CHECKS if (said := check(scene, restore))), None)


def kubevirt_is_served(scene: Scene, restore: Restore) -> Refusal | None:
    """Without the snapshot API every object looks absent; say so once and clearly."""
    if scene.kubevirt:
        return None
    return Refusal(
        Reason.KUBEVIRT_MISSING,
        found=f"Cluster `{restore.wish.cluster}` does not serve the snapshot.kubevirt.io API.",
        expected="KubeVirt (or OpenShift Virtualization) with snapshots must be installed.",
        next="Check that this is the right cluster, or ask its administrators.",
    )


def reads_are_allowed(scene: Scene, restore: Restore) -> Refusal | None:
    """The bot itself must be able to read what it is to judge."""
    if scene.forbidden is None:
        return None
    return _forbidden(scene.forbidden.text, restore)


def vm_exists(scene: Scene, restore: Restore) -> Refusal | None:
    """The named VM is there."""
    if scene.vm is not None:
        return None
    wish, vm = restore.wish, restore.wish.vm or ""
    elsewhere = tuple(f"{namespace}/{vm}" for namespace in scene.candidates.namespaces)
    near = nearest(vm, scene.candidates.vms)
    command = or_a_command(wish, scene.candidates.vms)
    return Refusal(
        Reason.VM_NOT_FOUND,
        found=f"VM `{wish.vm}` does not exist in namespace `{wish.namespace}`.",
        expected="The name of an existing VM.",
        next=f"Check the name and the namespace, then ask again.{command}",
        choices=(elsewhere + near)[:MOST_CHOICES],
    )


def vm_stays(scene: Scene, restore: Restore) -> Refusal | None:
    """A VM that is being deleted takes its restores with it."""
    del restore
    vm = _vm(scene)
    if not vm.deleting:
        return None
    return Refusal(
        Reason.VM_BEING_DELETED,
        found=f"VM `{vm.name}` is being deleted.",
        expected="A VM that stays.",
        next="Find out who deletes it. Its snapshots outlive it.",
    )


def vm_is_settled(scene: Scene, restore: Restore) -> Refusal | None:
    """A migration moves the guest while we look at it."""
    del restore
    vm = _vm(scene)
    if not vm.migrating:
        return None
    return Refusal(
        Reason.VM_MIGRATING,
        found=f"VM `{vm.name}` is migrating to another node.",
        expected="A VM that is not being migrated.",
        next="Wait until the migration has ended, then ask again.",
    )


def snapshot_exists(scene: Scene, restore: Restore) -> Refusal | None:
    """The named snapshot is there."""
    if scene.snapshot is not None:
        return None
    wish = restore.wish
    names = tuple(each.name for each in scene.snapshots)
    listed = nearest(wish.snapshot or "", names) or names
    have = "It has no snapshots at all." if not names else "These snapshots of the VM exist:"
    return Refusal(
        Reason.SNAPSHOT_NOT_FOUND,
        found=f"`{wish.snapshot}` does not exist in namespace `{wish.namespace}`.",
        expected=f"A snapshot of VM `{wish.vm}`. {have}",
        next="Ask again with the name of one of them." if names else "There is nothing to restore.",
        choices=_with_first(listed, names),
    )


def snapshot_is_of_this_vm(scene: Scene, restore: Restore) -> Refusal | None:
    """A snapshot of another VM would put that VM's disks into this one."""
    snapshot, wish = _snapshot(scene), restore.wish
    if snapshot.source == wish.vm:
        return None
    return Refusal(
        Reason.SNAPSHOT_OF_OTHER_VM,
        found=f"Snapshot `{snapshot.name}` was taken of VM `{snapshot.source}`.",
        expected=f"A snapshot of VM `{wish.vm}`.",
        next="Choose a snapshot of the VM that you want to restore.",
        choices=tuple(each.name for each in scene.snapshots)[:MOST_CHOICES],
    )


def snapshot_stays(scene: Scene, restore: Restore) -> Refusal | None:
    """A snapshot that is being deleted may vanish in the middle."""
    del restore
    snapshot = _snapshot(scene)
    if not snapshot.deleting:
        return None
    return Refusal(
        Reason.SNAPSHOT_BEING_DELETED,
        found=f"Snapshot `{snapshot.name}` is being deleted.",
        expected="A snapshot that stays.",
        next="Choose another snapshot.",
    )


def snapshot_is_ready(scene: Scene, restore: Restore) -> Refusal | None:
    """The phase alone proves nothing: the data must be ready to use as well."""
    del restore
    snapshot = _snapshot(scene)
    if snapshot.usable and snapshot.phase == "Succeeded":
        return None
    ready = str(snapshot.ready).lower()
    error = f" Error: {snapshot.error}" if snapshot.error else ""
    failed = snapshot.phase == "Failed"
    return Refusal(
        Reason.SNAPSHOT_NOT_READY,
        found=f"Status: {snapshot.phase or 'Unknown'}. Ready to use: {ready}.{error}",
        expected='Only snapshots with "Succeeded" phase and readyToUse=true can be used.',
        next="Choose another snapshot; a failed one never becomes ready."
        if failed
        else "Wait until it is ready, or choose another snapshot.",
    )


def content_exists(scene: Scene, restore: Restore) -> Refusal | None:
    """A snapshot keeps saying that it is ready when its content is gone."""
    del restore
    if scene.content is not None and scene.content.ready:
        return None
    state = "is missing" if scene.content is None else "is not ready"
    return Refusal(
        Reason.SNAPSHOT_CONTENT_MISSING,
        found=f"The content of snapshot `{_snapshot(scene).name}` {state}.",
        expected="A snapshot whose VirtualMachineSnapshotContent is there and ready.",
        next="Choose another snapshot; this one cannot be restored as it is.",
    )


def vm_is_the_same(scene: Scene, restore: Restore) -> Refusal | None:
    """Only the content keeps the original VM's UID; the snapshot's own copy follows the name."""
    del restore
    vm, content = _vm(scene), scene.content
    if content is None or content.vm_uid == vm.uid:
        return None
    return Refusal(
        Reason.VM_RECREATED,
        found=f"VM `{vm.name}` was re-created since the snapshot was taken (UID {vm.uid}).",
        expected=f"The VM that the snapshot was taken of (UID {content.vm_uid}).",
        next="Restoring would overwrite a different VM of the same name. Ask a cluster admin.",
    )


def snapshot_holds_disks(scene: Scene, restore: Restore) -> Refusal | None:
    """A snapshot without volumes restores successfully and brings no data back."""
    del restore
    snapshot = _snapshot(scene)
    if snapshot.included:
        return None
    return Refusal(
        Reason.CONFIGURATION_ONLY,
        found=f"Snapshot `{snapshot.name}` holds no disks: it is configuration only.",
        expected="A snapshot that includes at least one disk.",
        next="Choose another snapshot; no data would come back from this one.",
    )


def nobody_else_restores(scene: Scene, restore: Restore) -> Refusal | None:
    """Any unfinished restore of the VM, even a failed one, blocks the next."""
    vm = _vm(scene)
    other = next(iter(others_in_progress(scene, restore)), None)
    if other is None and vm.restore_in_progress is None:
        return None
    name = other.name if other else vm.restore_in_progress
    by = f", asked for by <@{other.made_by}>" if other and other.made_by else ""
    state = "has failed and was not removed" if other and other.failure else "is in progress"
    return Refusal(
        Reason.RESTORE_IN_PROGRESS,
        found=f"VirtualMachineRestore `{name}` of this VM {state}{by}.",
        expected="No other unfinished restore of this VM.",
        next="Wait for it to end; if it failed or is stuck, somebody must delete that object first.",
    )


def nobody_takes_a_snapshot(scene: Scene, restore: Restore) -> Refusal | None:
    """While a snapshot is taken the VM is locked."""
    del restore
    vm = _vm(scene)
    if vm.snapshot_in_progress is None:
        return None
    return Refusal(
        Reason.SNAPSHOT_IN_PROGRESS,
        found=f"Snapshot `{vm.snapshot_in_progress}` of this VM is being taken.",
        expected="No snapshot in progress.",
        next="Wait until it has ended, then ask again.",
    )


def quota_suffices(scene: Scene, restore: Restore) -> Refusal | None:
    """New volumes are made beside the old ones, so the namespace needs room for both."""
    content = scene.content
    if content is None or restore.rules.volume_policy is VolumePolicy.IN_PLACE:
        return None
    needs = {
        "requests.storage": content.bytes_needed,
        "persistentvolumeclaims": content.claims,
        "count/persistentvolumeclaims": content.claims,
    }
    for storage_class, size in content.storage:
        needs[f"{storage_class}.storageclass.storage.k8s.io/requests.storage"] = size
    for quota in scene.quotas:
        need, left = needs.get(quota.resource, 0), quota.hard - quota.used
        if need and need > left:
            return Refusal(
                Reason.QUOTA_EXCEEDED,
                found=f"Quota `{quota.name}` has {_amount(quota.resource, left)} left.",
                expected=f"The restored volumes need {_amount(quota.resource, need)} "
                f"({quota.resource}).",
                next="Raise the quota or remove volumes that are not used any more, then ask again.",
            )
    return None


def cluster_would_accept(scene: Scene, restore: Restore) -> Refusal | None:
    """What the API server said to a dry run of the very restore that would be made."""
    rejection = scene.dry_run
    if rejection is None:
        return None
    if rejection.code == 403:
        return _forbidden(rejection.text, restore)
    return Refusal(
        Reason.ADMISSION_REFUSED,
        found=f"The cluster would refuse this restore: {rejection.text}",
        expected="A restore that the cluster accepts.",
        next="Mend what the message names, then ask again.",
    )


CHECKS: tuple[Check, ...] = (
    kubevirt_is_served,
    reads_are_allowed,
    vm_exists,
    vm_stays,
    snapshot_exists,
    snapshot_is_of_this_vm,
    snapshot_stays,
    snapshot_is_ready,
    content_exists,
    vm_is_the_same,
    snapshot_holds_disks,
    nobody_else_restores,
    nobody_takes_a_snapshot,
    vm_is_settled,
    quota_suffices,
    cluster_would_accept,
)


def others_in_progress(scene: Scene, restore: Restore) -> list[RestoreObject]:
    """Unfinished restores of the VM that are not this restore's own object."""
    own = restore.job.name if restore.job else None
    return [
        each
        for each in scene.restores
        if not each.complete and not (each.name == own and each.restore_id == restore.id)
    ]


def is_live(scene: Scene) -> bool:
    """The VM must be stopped first: a VMI object exists, or the cluster may make one by itself."""
    return scene.vmi is not None or (scene.vm is not None and scene.vm.may_start_itself)


def _vm(scene: Scene) -> Vm:
    assert scene.vm is not None, "vm_exists comes first"  # noqa: S101 - the order of CHECKS
    return scene.vm


def _snapshot(scene: Scene) -> Snapshot:
    assert scene.snapshot is not None, "snapshot_exists comes first"  # noqa: S101 - as above
    return scene.snapshot


def _forbidden(text: str, restore: Restore) -> Refusal:
    return Refusal(
        Reason.RBAC_FORBIDDEN,
        found=f"The cluster does not let this bot do it: {text}",
        expected=f"RBAC rights for this bot in {_where(restore)}.",
        next="Ask a cluster admin to grant the verb that the message names.",
    )


def _where(restore: Restore) -> str:
    wish = restore.wish
    return f"namespace `{wish.namespace}`" if wish.namespace else f"cluster `{wish.cluster}`"


def _with_first(first: tuple[str, ...], rest: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *rest)))[:MOST_CHOICES]


def _amount(resource: str, value: int) -> str:
    if not resource.endswith("storage"):
        return str(max(value, 0))
    return f"{max(value, 0) / GIB:.1f} GiB"
