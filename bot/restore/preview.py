"""From a FULL look to what the person is shown, and will be held to."""

from datetime import datetime

from bot.restore import fates
from bot.restore.model import Change, Consistency, Preview
from bot.restore.observation import Content, Observation, Snapshot, Vm
from bot.restore.rules import VolumePolicy
from bot.restore.vmstate import snapshot_state, state_of
from bot.texts import consistency as texts

MAX_DISKS = 300
"""More than a VM can have. What is left behind is found by them, so none is cut off here."""
MAX_CHANGES = 12
MAX_NEWER = 5

_KNOWN = frozenset({"Online", "GuestAgent", "PartialSnapshot", *texts.CRASH})


def take(  # noqa: PLR0913, PLR0917 - one look, when it was, and the rule that bears on it
    vm: Vm,
    snapshot: Snapshot,
    content: Content,
    observation: Observation,
    now: datetime,
    policy: VolumePolicy | None = None,
) -> Preview:
    """Everything the warning says, frozen at the moment it is shown."""
    level, why = consistency(snapshot)
    sizes = fates.grown(vm, content, observation.claims, observation.copies)
    changes = (*map(_smaller, sizes), *configuration_changes(vm, content))
    created = snapshot.created or snapshot.requested_at
    newer = tuple(
        each.name for each in observation.snapshots if (each.created or each.requested_at) > created
    )
    return Preview(
        taken_at=now,
        vm_uid=vm.uid,
        vm_status=vm.status,
        run_strategy=vm.run_strategy,
        last_modified=vm.last_modified,
        snapshot_uid=snapshot.uid,
        snapshot_created=created,
        consistency=level,
        consistency_why=why,
        claims=tuple(v.claim for v in vm.volumes if v.holds_data and v.claim)[:MAX_DISKS],
        disks=fates.copied_disks(content)[:MAX_DISKS],
        fates=fates.of_disks(vm, content, policy, vmi=observation.vmi, claims=observation.claims)[
            :MAX_DISKS
        ],
        coverage=fates.coverage(vm, snapshot, content),
        shared_disks=tuple(v.name for v in vm.volumes if v.shareable)[:MAX_DISKS],
        changes=changes[:MAX_CHANGES],
        more_changes=max(0, len(changes) - MAX_CHANGES),
        newer=newer[:MAX_NEWER],
        more_newer=max(0, len(newer) - MAX_NEWER),
        newer_unread=observation.snapshots_unread,
        gitops=vm.gitops,
        paused=observation.vmi is not None and observation.vmi.paused,
        clock_ahead=observation.ahead.total_seconds(),
        vm_state=state_of(vm, claims=observation.claims, vmi=observation.vmi),
        snapshot_state=snapshot_state(snapshot, content),
    )


def consistency(snapshot: Snapshot) -> tuple[Consistency, str]:
    """How far the guest's files can be trusted, and why."""
    marks = set(snapshot.indications)
    if not marks - {"PartialSnapshot"}:
        return Consistency.OFFLINE, texts.OFFLINE
    for mark, why in texts.CRASH.items():
        if mark in marks:
            return Consistency.CRASH, why
    if unknown := sorted(marks - _KNOWN):
        return Consistency.UNKNOWN, texts.UNKNOWN_MARK.format(mark=unknown[0])
    if "GuestAgent" in marks:
        return Consistency.APPLICATION, texts.QUIESCED
    return Consistency.UNKNOWN, texts.NO_AGENT_KNOWN


def partly(snapshot: Snapshot, level: str) -> str:
    """The words for how far the files can be trusted, for a snapshot without all of its disks."""
    partial = "PartialSnapshot" in snapshot.indications
    return texts.PARTIAL_SHORT.format(level=level) if partial else level


def _smaller(disk: tuple[str, int, int]) -> Change:
    name, now, then = disk
    field = texts.DISK_SIZE.format(disk=name)
    return Change(field=field, current=_gib(now), snapshot=_gib(then))


def _gib(size: int) -> str:
    return texts.GIB.format(amount=f"{size / 1024**3:.1f}")


def configuration_changes(vm: Vm, content: Content) -> tuple[Change, ...]:
    """Field by field, what the VM is now and what the snapshot will make of it."""
    now, then = dict(vm.config), dict(content.config)
    fields = dict.fromkeys((*now, *then))
    return tuple(
        Change(
            field=field,
            current=now.get(field, texts.NOT_SET),
            snapshot=then.get(field, texts.NOT_SET),
        )
        for field in fields
        if now.get(field) != then.get(field)
    )
