"""KubeVirt's validating webhooks, with their texts: restores, snapshots and VMs.

They are asked on create and update, dry runs included, after the schema and before the existence
check. They do not ask whether a VM runs or a snapshot exists: neither do the real ones.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bot.playground.kubevirt.faults import Traits
from bot.playground.kubevirt.metadata import dig
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.problems import Cause, denied, internal
from bot.playground.kubevirt.resources import RESTORES, SNAPSHOTS, VMS, Resource

Json = dict[str, Any]
STRATEGIES = ("Always", "Halted", "Manual", "RerunOnFailure", "Once")
_REQUIRED = "FieldValueRequired"
_NOT_FOUND = "FieldValueNotFound"


@dataclass(frozen=True, slots=True)
class Review:
    """One write, as a webhook sees it; `old` is None on create."""

    resource: Resource
    new: Json
    old: Json | None
    subresource: str = ""
    dry_run: bool = False

    @property
    def creates(self) -> bool:
        """Whether this is a create."""
        return self.old is None


@dataclass(frozen=True, slots=True)
class Webhook:
    """A registered webhook."""

    name: str
    path: str
    causes: Callable[[Plane, Review, str], Iterator[Cause]]


def admit(plane: Plane, review: Review) -> None:
    """Ask the webhook of the resource; ApiError when it denies or cannot be called."""
    webhook = _WEBHOOKS.get(review.resource.plural)
    if webhook is None:
        return
    _refuse_if_down(plane, review, webhook)
    causes = list(webhook.causes(plane, review, webhook.name))
    if causes:
        raise denied(webhook.name, ", ".join(cause.message for cause in causes), causes)


def run_strategy(vm: Json) -> str:
    """The strategy in effect, `running` translated."""
    spec = vm["spec"]
    if "runStrategy" in spec:
        return str(spec["runStrategy"])
    return "Always" if spec.get("running") else "Halted"


def has_backend_storage(vm: Json) -> bool:
    """Persistent TPM or EFI."""
    domain = dig(vm, "spec", "template", "spec", "domain", default={})
    return bool(
        dig(domain, "devices", "tpm", "persistent")
        or dig(domain, "firmware", "bootloader", "efi", "persistent")
    )


def _refuse_if_down(plane: Plane, review: Review, webhook: Webhook) -> None:
    traits = Traits(
        verb="create" if review.creates else "update",
        resource=review.resource.plural,
        subresource=review.subresource,
        namespace=review.new["metadata"].get("namespace", ""),
        name=review.new["metadata"]["name"],
        dry_run=review.dry_run,
    )
    if plane.knobs.virt_api_down or plane.faults.webhook_is_down(traits):
        raise internal(_unreachable(webhook))


def _unreachable(webhook: Webhook) -> str:
    return (
        f'failed calling webhook "{webhook.name}": failed to call webhook: Post '
        f'"https://virt-api.kubevirt.svc:443{webhook.path}?timeout=10s": '
        "dial tcp 10.96.0.7:443: connect: connection refused"
    )


def _restore_causes(plane: Plane, review: Review, webhook: str) -> Iterator[Cause]:
    if review.old is not None:
        if review.old["spec"] != review.new["spec"]:
            yield Cause("spec", "spec in immutable after creation")
        return
    if not plane.knobs.snapshot_gate:
        raise denied(webhook, "Snapshot/Restore feature gate not enabled")
    yield from _reference_causes(review.new["spec"]["target"], "spec.target")
    yield from _busy_target_causes(plane, review.new)
    if plane.knobs.restores_want_halted:
        yield from _not_halted_causes(plane, review.new)
    yield from _policy_causes(review.new["spec"])
    yield from _snapshot_causes_of_restore(plane, review.new, webhook)


def _reference_causes(reference: Json, field: str) -> Iterator[Cause]:
    group = reference.get("apiGroup")
    if group is None:
        yield Cause(f"{field}.apiGroup", "missing apiGroup", _NOT_FOUND)
    elif group != VMS.group:
        yield Cause(f"{field}.apiGroup", "invalid apiGroup")
    elif reference["kind"] != VMS.kind:
        yield Cause(f"{field}.kind", "invalid kind")


def _busy_target_causes(plane: Plane, restore: Json) -> Iterator[Cause]:
    target = restore["spec"]["target"]
    for other in plane.storage.view(RESTORES.plural, restore["metadata"]["namespace"]):
        if other["spec"]["target"] == target and not dig(other, "status", "complete"):
            name = other["metadata"]["name"]
            yield Cause("spec.target", f'VirtualMachineRestore "{name}" in progress')


def _not_halted_causes(plane: Plane, restore: Json) -> Iterator[Cause]:
    """Its own words for `running: true`; the VMI is not looked at."""
    name = restore["spec"]["target"]["name"]
    vm = plane.storage.find(VMS.plural, restore["metadata"]["namespace"], name)
    if vm is None or run_strategy(vm) == "Halted":
        return
    if vm["spec"].get("running"):
        yield Cause("spec.target", f'VirtualMachine "{name}" is not stopped')
    else:
        yield Cause("spec.target", f'VirtualMachine "{name}" run strategy has to be Halted')


def _policy_causes(spec: Json) -> Iterator[Cause]:
    policy = spec.get("volumeRestorePolicy")
    if policy not in (None, "RandomizeNames", "InPlace", "PrefixTargetName"):
        yield Cause("spec.volumeRestorePolicy", f'volume restore policy "{policy}" doesn\'t exist')
    owner = spec.get("volumeOwnershipPolicy")
    if owner not in (None, "Vm", "None"):
        text = f'volume ownership policy "{owner}" doesn\'t exist'
        yield Cause("spec.volumeOwnershipPolicy", text)
    for place, override in enumerate(spec.get("volumeRestoreOverrides", [])):
        field = f"spec.volumeRestoreOverrides[{place}]"
        if not override.get("volumeName"):
            yield Cause(field, "must provide a volume name", _NOT_FOUND)
        if not any(override.get(name) for name in ("restoreName", "labels", "annotations")):
            yield Cause(field, "must provide at least one overriden field", _NOT_FOUND)


def _snapshot_causes_of_restore(plane: Plane, restore: Json, webhook: str) -> Iterator[Cause]:
    namespace, spec = restore["metadata"]["namespace"], restore["spec"]
    snapshot = plane.storage.find(SNAPSHOTS.plural, namespace, spec["virtualMachineSnapshotName"])
    if snapshot is None:
        return
    if "status" not in snapshot:
        # The real webhook dereferences nil here, and its connection ends.
        raise internal(f'failed calling webhook "{webhook}": failed to call webhook: EOF')
    yield from _patch_causes(spec.get("patches", []))
    vm = plane.storage.find(VMS.plural, namespace, spec["target"]["name"])
    if vm is None or vm["metadata"]["uid"] != snapshot["status"].get("sourceUID"):
        yield from _other_vm_causes(plane, snapshot, webhook)


def _other_vm_causes(plane: Plane, snapshot: Json, webhook: str) -> Iterator[Cause]:
    name = snapshot["status"].get("virtualMachineSnapshotContentName")
    if name is None:
        raise denied(webhook, "snapshot content name is nil in vmSnapshot status")
    content = plane.storage.find(
        "virtualmachinesnapshotcontents", snapshot["metadata"]["namespace"], name
    )
    if content is None:
        text = f'virtualmachinesnapshotcontents.snapshot.kubevirt.io "{name}" not found'
        raise denied(webhook, text)
    source = dig(content, "spec", "source", "virtualMachine")
    if source is None:
        raise denied(webhook, "unexpected snapshot source")
    if has_backend_storage(source):
        text = (
            "Restore to a different VM is not supported when snapshotted VM has backend storage "
            "(persistent TPM or EFI)"
        )
        yield Cause("spec.target", text)


def _patch_causes(patches: list[str]) -> Iterator[Cause]:
    """The naive split on commas and colons is the real webhook's."""
    roots = ('"/spec/', '"/metadata/labels/', '"/metadata/annotations/')
    for pair in (pair for patch in patches for pair in patch.strip("{}").split(",")):
        halves = pair.split(":")
        if len(halves) != 2:
            text = f'patch format is not valid - one ":" expected in a single key-value json patch: {pair}'
            yield Cause("spec.patches", text)
        elif halves[0].strip() == '"path"' and not halves[1].strip().startswith(roots):
            text = f"patching is valid only for elements under /spec/ only: {pair}"
            yield Cause("spec.patches", text)


def _snapshot_causes(plane: Plane, review: Review, webhook: str) -> Iterator[Cause]:
    if review.old is not None:
        if review.old["spec"] != review.new["spec"]:
            yield Cause("spec", "spec in immutable after creation")
        return
    if not plane.knobs.snapshot_gate:
        raise denied(webhook, "snapshot feature gate not enabled")
    yield from _reference_causes(review.new["spec"]["source"], "spec.source")


def _vm_causes(_plane: Plane, review: Review, _webhook: str) -> Iterator[Cause]:
    spec = review.new["spec"]
    if "running" in spec and "runStrategy" in spec:
        text = (
            "Running and RunStrategy are mutually exclusive. Note that Running is deprecated, "
            "please use RunStrategy instead"
        )
        yield Cause("spec.running", text)
        return
    if "running" not in spec and "runStrategy" not in spec:
        yield Cause("spec.runStrategy", "RunStrategy must be specified", _REQUIRED)
        return
    if run_strategy(review.new) not in STRATEGIES:
        yield Cause("spec.runStrategy", f"Invalid RunStrategy ({run_strategy(review.new)})")
    if review.old is not None:
        yield from _locked_vm_causes(review.old, review.new)


def _locked_vm_causes(old: Json, new: Json) -> Iterator[Cause]:
    restarted = run_strategy(old) != run_strategy(new)
    restore = dig(old, "status", "restoreInProgress")
    if restore and restarted:
        yield Cause("spec", f'Cannot update VM runStrategy until restore "{restore}" completes')
    snapshot = dig(old, "status", "snapshotInProgress")
    if snapshot and _storage_of(old) != _storage_of(new):
        text = f'Cannot update vm disks or volumes until snapshot "{snapshot}" completes'
        yield Cause("spec", text)
    if snapshot and restarted:
        yield Cause("spec", f'Cannot update vm running state until snapshot "{snapshot}" completes')


def _storage_of(vm: Json) -> tuple[Any, Any]:
    spec = dig(vm, "spec", "template", "spec", default={})
    return spec.get("volumes", []), dig(spec, "domain", "devices", "disks", default=[])


_WEBHOOKS = {
    RESTORES.plural: Webhook(
        "virtualmachinerestore-validator.snapshot.kubevirt.io",
        "/virtualmachinerestores-validate",
        _restore_causes,
    ),
    SNAPSHOTS.plural: Webhook(
        "virtualmachinesnapshot-validator.snapshot.kubevirt.io",
        "/virtualmachinesnapshots-validate",
        _snapshot_causes,
    ),
    VMS.plural: Webhook(
        "virtualmachine-validator.kubevirt.io", "/virtualmachines-validate", _vm_causes
    ),
}
