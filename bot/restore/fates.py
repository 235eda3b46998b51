"""What a restore will do to each disk, told from the VM as it is and the copy in the snapshot.

KubeVirt replaces the whole spec by the snapshot's. A disk that is in the snapshot comes back as a new
claim, and one that was left out stays as the spec of then names it. What the spec of then does not
name leaves the VM. The DataVolumes of today's `dataVolumeTemplates` that the restored templates do
not name are deleted, and their claims with them (`status.deletedDataVolumes`): also the old ones of
disks that roll back, unless the policy is InPlace.

`copied_disks` is the one answer to which disks a snapshot holds.
"""

from dataclasses import dataclass

from bot.restore.disks import Coverage, Disk, Fate, GuestState
from bot.restore.observation import (
    Claim,
    Content,
    Snapshot,
    Vm,
    Vmi,
    Volume,
    VolumeSnapshot,
)
from bot.restore.rules import VolumePolicy

HASH_START, HASH_PRIME = 0x811C9DC5, 0x01000193
MAX_NAME = 63


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A claim that the restore will make."""

    volume: str
    storage_class: str
    size: int
    """In bytes."""


STATE = "persistent-state-for-"
"""How the volume begins that stands for the vTPM and EFI state of a VM."""
MEMORY_DUMP = "memoryDump"


def copied_disks(content: Content) -> tuple[str, ...]:
    """The disks whose data comes back: told by what the content holds, not by a summary of it.

    A summary did not exist before KubeVirt 0.59. What a memory dump holds is dropped by the restore,
    and the state of a vTPM is no disk.
    """
    dumps = {each.name for each in content.volumes if each.kind == MEMORY_DUMP}
    held = (volume for volume, _ in content.backups)
    return tuple(each for each in held if each not in dumps and not each.startswith(STATE))


def new_claims(
    content: Content, copies: tuple[VolumeSnapshot, ...] | None = None
) -> tuple[NewClaim, ...]:
    """The claims of a restore that makes new ones: of all that was copied, but for memory dumps.

    Each is as large as the one that was copied, or as the VolumeSnapshot needs, whichever is larger.
    """
    dumps = {each.name for each in content.volumes if each.kind == MEMORY_DUMP}
    least = {each.name: each.size for each in copies or ()}
    of_volume = dict(content.copies)
    return tuple(
        NewClaim(volume, name, max(size, least.get(of_volume.get(volume, ""), 0)))
        for volume, name, size in content.sizes
        if volume not in dumps
    )


def grown(
    vm: Vm, content: Content, claims: tuple[Claim, ...], copies: tuple[VolumeSnapshot, ...] | None
) -> tuple[tuple[str, int, int], ...]:
    """Disks that roll back to a smaller size: name, bytes now and bytes then."""
    now, disks = {each.name: each.size for each in claims}, set(copied_disks(content))
    then = {each.volume: each.size for each in new_claims(content, copies)}
    return tuple(
        (each.name, size, then[each.name])
        for each in vm.volumes
        if each.name in disks and (size := now.get(each.claim or "", 0)) > then.get(each.name, size)
    )


def of_disks(
    vm: Vm,
    content: Content,
    policy: VolumePolicy | None,
    *,
    vmi: Vmi | None = None,
    claims: tuple[Claim, ...] = (),
) -> tuple[Disk, ...]:
    """Every disk that exists in the VM now, then those that come back to it, then what is unplugged."""
    doomed = data_volumes_to_go(vm, content, policy)
    copied = copied_disks(content)
    today = [each for each in vm.volumes if each.holds_data]
    dumps = [
        Disk(name=each.name, claim=each.claim, fate=Fate.DUMP, copied=False)
        for each in vm.volumes
        if each.kind == MEMORY_DUMP and each.claim
    ]
    there = {each.name for each in today}
    attached = {each.claim for each in vm.volumes}
    then = [each for each in content.volumes if each.holds_data]
    back = [
        Disk(name=each.name, claim=each.claim or "", fate=Fate.RETURNS)
        for each in then
        if each.name in copied and each.name not in there
    ]
    exist = {each.name for each in claims}
    as_is = [
        Disk(
            name=each.name,
            claim=each.claim or "",
            fate=Fate.RETURNS_AS_IS,
            copied=False,
            there=each.claim in exist,
        )
        for each in then
        if each.name not in copied and each.claim not in attached
    ]
    plugged = [
        Disk(name=each.name, claim=each.claim or "", fate=Fate.DETACHED, copied=False)
        for each in (vmi.volumes if vmi else ())
        if each.holds_data and each.claim not in attached
    ]
    kept = (_disk(each, copied, content, doomed) for each in today)
    return (*kept, *back, *as_is, *plugged, *dumps)


def coverage(vm: Vm, snapshot: Snapshot, content: Content) -> Coverage:
    """What the snapshot holds, and what it lacks of the VM that it was taken of."""
    copied = copied_disks(content)
    marks = set(snapshot.indications)
    frozen = not marks - {"PartialSnapshot"} or "Paused" in marks
    frozen = frozen or ("GuestAgent" in marks and not marks & UNFROZEN)
    return Coverage(
        partial="PartialSnapshot" in marks,
        missing=tuple(v.name for v in content.volumes if v.holds_data and v.name not in copied),
        one_moment=frozen or len(copied) < 2,
        guest_state=_guest_state(vm, snapshot, content),
    )


UNFROZEN = frozenset({"NoGuestAgent", "QuiesceTimeout", "QuiesceFailed"})
"""The guest went on writing while its disks were copied."""


def _guest_state(vm: Vm, snapshot: Snapshot, content: Content) -> GuestState | None:
    """Without a preference the VM's spec tells it; with one only the volume of the state does."""
    if any(volume.startswith(STATE) for volume, _ in content.backups):
        return GuestState.ROLLS_BACK
    left_out = any(each.startswith(STATE) for each in snapshot.excluded)
    return GuestState.STAYS if left_out or vm.keeps_state else None


def _disk(
    volume: Volume, copies: tuple[str, ...], content: Content, doomed: frozenset[str]
) -> Disk:
    claim = volume.claim or ""
    if volume.name in copies:
        copied = _copied(volume, content)
        return Disk(name=volume.name, claim=claim, fate=Fate.ROLLS_BACK, copied=copied)
    then = next((each for each in content.volumes if each.name == volume.name), None)
    if claim in doomed:
        fate = Fate.DELETED
    else:
        fate = Fate.KEEPS if then is not None and then.claim == volume.claim else Fate.LEAVES
    return Disk(name=volume.name, claim=claim, fate=fate, copied=False)


def _copied(volume: Volume, content: Content) -> bool:
    """The snapshot copied this claim; what an earlier restore made has another name by now."""
    return any(each == (volume.name, volume.claim) for each in content.backups)


def data_volumes_to_go(vm: Vm, content: Content, policy: VolumePolicy | None) -> frozenset[str]:
    """The DataVolumes that the cluster deletes when the restore completes."""
    copied = copied_disks(content)
    renamed = {each.claim: each.name for each in content.volumes if each.name in copied}
    stay = {
        _restored_name(vm.name, template, renamed.get(template), policy)
        for template in content.templates
    }
    return frozenset(vm.templates) - stay


def _restored_name(vm: str, template: str, volume: str | None, policy: VolumePolicy | None) -> str:
    """What the restored templates call it. A random name is none that there is today."""
    if volume is None or policy is VolumePolicy.IN_PLACE:
        return template
    return prefixed(vm, volume) if policy is VolumePolicy.PREFIX_TARGET_NAME else ""


def prefixed(vm: str, volume: str) -> str:
    """The name of a claim with PrefixTargetName: `<vm>-<volume>`, with a hash where it is too long."""
    name = f"{vm}-{volume}"
    if len(name) <= MAX_NAME:
        return name
    room = MAX_NAME - 10 - len(volume)
    if room <= 0:
        return f"{vm[: MAX_NAME - 9]}-{_hash(name)}"[:MAX_NAME]
    return f"{vm[:room]}-{_hash(vm)}-{volume}"


def _hash(text: str) -> str:
    """FNV-1a with 32 bits, as KubeVirt shortens names."""
    value = HASH_START
    for byte in text.encode():
        value = (value ^ byte) * HASH_PRIME & 0xFFFFFFFF
    return f"{value:08x}"
