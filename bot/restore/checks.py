"""The checks a request must pass before a person is asked to type (`recheck` comes before the act).

Each check is a small pure function: it reads one observation and returns None, or what was found, what
was expected and what to do next. Their order is the order in which an engineer would want to hear of
them; the first refusal is the one that is shown.
"""

from collections import Counter
from collections.abc import Callable

from bot.restore.check_failure import MAX_CHOICES, CheckFailure
from bot.restore.claims import taken_names
from bot.restore.cut import named
from bot.restore.denials import denial, wants_halted
from bot.restore.fates import new_claims
from bot.restore.locks import restore_lock, snapshot_lock
from bot.restore.model import Restore
from bot.restore.observation import Observation, Vm
from bot.restore.reasons import Reason
from bot.restore.rules import VolumePolicy
from bot.restore.snapshot_checks import (
    claims_stay,
    classes_exist,
    content_exists,
    content_stays,
    copies_are_there,
    snapshot_exists,
    snapshot_holds_disks,
    snapshot_is_of_this_vm,
    snapshot_is_ready,
    snapshot_stays,
)
from bot.restore.suggestions import nearest, or_a_command
from bot.texts import refusals as texts

GIB = 1024**3

Check = Callable[[Observation, Restore], CheckFailure | None]


def first_refusal(observation: Observation, restore: Restore) -> CheckFailure | None:
    """The first check that has something to say about a FULL look, or None: all is well."""
    return next((said for check in CHECKS if (said := check(observation, restore))), None)


def kubevirt_is_served(observation: Observation, restore: Restore) -> CheckFailure | None:
    """Without the snapshot API every object looks absent; say so once and clearly."""
    if observation.kubevirt:
        return None
    return CheckFailure.telling(
        Reason.KUBEVIRT_MISSING, texts.KUBEVIRT_MISSING, cluster=restore.request.cluster
    )


def rights_are_held(observation: Observation, restore: Restore) -> CheckFailure | None:
    """All that are missing are named at once, before a person is asked for anything."""
    if not observation.missing_rights:
        return None
    return CheckFailure.telling(
        Reason.RBAC_FORBIDDEN,
        texts.RIGHTS_MISSING,
        rights=", ".join(f"`{each}`" for each in observation.missing_rights),
        where=_where(restore),
    )


def reads_are_allowed(observation: Observation, restore: Restore) -> CheckFailure | None:
    """The bot itself must be able to read what it is to judge."""
    if observation.forbidden is None:
        return None
    return _forbidden(observation.forbidden.text, restore)


def namespace_stays(observation: Observation, restore: Restore) -> CheckFailure | None:
    """Everything in a namespace that is being deleted goes, what a restore makes included.

    The dry run tells it: the API server refuses every create there, so no read of the namespace, and
    no right to it, is needed.
    """
    if observation.dry_run is None:
        return None
    cause = denial(observation.dry_run, restore.target.namespace)
    return CheckFailure.of(cause) if cause.reason is Reason.NAMESPACE_BEING_DELETED else None


def vm_exists(observation: Observation, restore: Restore) -> CheckFailure | None:
    """The named VM is there."""
    if observation.vm is not None:
        return None
    target, vm = restore.target, restore.target.vm
    elsewhere = tuple(f"{namespace}/{vm}" for namespace in observation.candidates.namespaces)
    near = nearest(vm, observation.candidates.vms)
    if observation.snapshot is not None and observation.snapshot.source == vm:
        return _vm_is_gone(observation, restore, elsewhere + near)
    command = or_a_command(vm, target.snapshot, observation.candidates.vms)
    return CheckFailure.telling(
        Reason.VM_NOT_FOUND,
        texts.VM_NOT_FOUND,
        elsewhere + near,
        vm=vm,
        namespace=target.namespace,
        command=command,
    )


def _vm_is_gone(
    observation: Observation, restore: Restore, others: tuple[str, ...]
) -> CheckFailure:
    """Its snapshot outlives it, and KubeVirt can bring it back as long as the data is there."""
    target = restore.target
    values = {"vm": target.vm, "namespace": target.namespace, "snapshot": target.snapshot}
    of_the_data = (
        snapshot_stays,
        snapshot_is_ready,
        content_stays,
        content_exists,
        copies_are_there,
        snapshot_holds_disks,
    )
    found = (check(observation, restore) for check in of_the_data)
    lacks = next((each for each in found if each), None)
    if lacks is None:
        return CheckFailure.telling(Reason.VM_NOT_FOUND, texts.VM_GONE_DATA_THERE, others, **values)
    return CheckFailure.telling(
        Reason.VM_NOT_FOUND, texts.VM_AND_DATA_GONE, others, why=lacks.found, **values
    )


def vm_stays(observation: Observation, restore: Restore) -> CheckFailure | None:
    """A VM that is being deleted takes its restores with it."""
    del restore
    vm = _vm(observation)
    if not vm.deleting:
        return None
    return CheckFailure.telling(Reason.VM_BEING_DELETED, texts.VM_BEING_DELETED, vm=vm.name)


def vm_is_settled(observation: Observation, restore: Restore) -> CheckFailure | None:
    """A migration moves the guest while we look at it."""
    del restore
    vm = _vm(observation)
    if not vm.migrating:
        return None
    return CheckFailure.telling(Reason.VM_MIGRATING, texts.VM_MIGRATING, vm=vm.name)


def vm_lives_here(observation: Observation, restore: Restore) -> CheckFailure | None:
    """A decentralised migration leaves its source stopped, while the guest runs elsewhere."""
    del restore
    if observation.vmi is None or not observation.vmi.moved:
        return None
    return CheckFailure.telling(Reason.VM_MOVED, texts.VM_MOVED, vm=_vm(observation).name)


def vm_is_the_same(observation: Observation, restore: Restore) -> CheckFailure | None:
    """Only the content keeps the original VM's UID; the snapshot's own copy follows the name."""
    del restore
    vm, content = _vm(observation), observation.content
    if content is None or content.vm_uid == vm.uid:
        return None
    return CheckFailure.telling(
        Reason.VM_RECREATED, texts.VM_RECREATED, vm=vm.name, uid=vm.uid, taken_of=content.vm_uid
    )


def nobody_else_restores(observation: Observation, restore: Restore) -> CheckFailure | None:
    """Any unfinished restore of the VM, even a failed one, blocks the next."""
    lock = restore_lock(observation, restore)
    if lock is None:
        return None
    return CheckFailure.telling(Reason.RESTORE_IN_PROGRESS, lock.text, (), **lock.values)


def nobody_takes_a_snapshot(observation: Observation, restore: Restore) -> CheckFailure | None:
    """While a snapshot is taken the VM is locked."""
    del restore
    lock = snapshot_lock(observation)
    if lock is None:
        return None
    return CheckFailure.telling(Reason.SNAPSHOT_IN_PROGRESS, lock.text, (), **lock.values)


def vm_can_be_stopped(observation: Observation, restore: Restore) -> CheckFailure | None:
    """KubeVirt takes every stop of such a VM, and does nothing."""
    del restore
    vm = _vm(observation)
    if vm.run_strategy != "WaitAsReceiver":
        return None
    return CheckFailure.telling(Reason.VM_WAITS_AS_RECEIVER, texts.VM_WAITS_AS_RECEIVER, vm=vm.name)


def quota_suffices(observation: Observation, restore: Restore) -> CheckFailure | None:
    """New volumes are made beside the old ones, so the namespace needs room for both."""
    content = observation.content
    if content is None or restore.rules.volume_policy is VolumePolicy.IN_PLACE:
        return None
    made = new_claims(content, observation.copies)
    needs = Counter[str]()
    for each in made:
        for prefix in ("", f"{each.storage_class}.storageclass.storage.k8s.io/"):
            needs[f"{prefix}requests.storage"] += each.size
            needs[f"{prefix}persistentvolumeclaims"] += 1
    needs["count/persistentvolumeclaims"] = len(made)
    for quota in observation.quotas:
        need, left = needs[quota.resource], quota.hard - quota.used
        if need and need > left:
            return CheckFailure.telling(
                Reason.QUOTA_EXCEEDED,
                texts.QUOTA_EXCEEDED,
                quota=quota.name,
                left=_amount(quota.resource, left),
                need=_amount(quota.resource, need),
                resource=quota.resource,
            )
    return None


def names_are_free(observation: Observation, restore: Restore) -> CheckFailure | None:
    """A claim that has the new name already would be taken as it is: nothing would be restored."""
    taken = taken_names(observation, restore)
    if not taken:
        return None
    return CheckFailure.telling(
        Reason.NAME_TAKEN,
        texts.NAME_TAKEN,
        claims=named([f"`{each}`" for each in taken], MAX_CHOICES),
        verb="exists" if len(taken) == 1 else "exist",
    )


def cluster_would_accept(observation: Observation, restore: Restore) -> CheckFailure | None:
    """What the API server said to a dry run of the very restore that would be made.

    An older KubeVirt refuses it while the run strategy is not Halted. A stop makes it that, unless it
    is one that a stop leaves as it is; after the stop the dry run is tried again.
    """
    rejection = observation.dry_run
    if rejection is None or (
        wants_halted(rejection) and _vm(observation).run_strategy in ("Always", "Once")
    ):
        return None
    cause = denial(rejection, restore.target.namespace)
    lacks_right = cause.reason is Reason.RBAC_FORBIDDEN
    return CheckFailure.of(cause) if lacks_right else CheckFailure.of(cause, texts.WOULD_BE_REFUSED)


CHECKS: tuple[Check, ...] = (
    kubevirt_is_served,
    rights_are_held,
    reads_are_allowed,
    namespace_stays,
    vm_exists,
    vm_stays,
    vm_lives_here,
    snapshot_exists,
    snapshot_is_of_this_vm,
    snapshot_stays,
    snapshot_is_ready,
    content_stays,
    content_exists,
    copies_are_there,
    vm_is_the_same,
    snapshot_holds_disks,
    claims_stay,
    classes_exist,
    nobody_else_restores,
    nobody_takes_a_snapshot,
    vm_is_settled,
    vm_can_be_stopped,
    quota_suffices,
    names_are_free,
    cluster_would_accept,
)


def is_live(observation: Observation) -> bool:
    """The VM must be stopped first: a VMI object exists, or the cluster may make one by itself."""
    return observation.vmi is not None or (
        observation.vm is not None and observation.vm.may_start_itself
    )


def _vm(observation: Observation) -> Vm:
    assert observation.vm is not None, "vm_exists comes first"  # noqa: S101 - the order of CHECKS
    return observation.vm


def _forbidden(text: str, restore: Restore) -> CheckFailure:
    return CheckFailure.telling(
        Reason.RBAC_FORBIDDEN, texts.FORBIDDEN, text=text, where=_where(restore)
    )


def _where(restore: Restore) -> str:
    request = restore.request
    if request.namespace:
        return texts.NAMESPACE.format(namespace=request.namespace)
    return texts.CLUSTER.format(cluster=request.cluster)


def _amount(resource: str, value: int) -> str:
    if not resource.endswith("storage"):
        return str(max(value, 0))
    return texts.GIB.format(amount=f"{max(value, 0) / GIB:.1f}")
