"""What a restore will do to each disk, told from the VM as it is and the copy in the snapshot.

KubeVirt replaces the whole spec by the snapshot's. A disk that is in the snapshot comes back as a new
claim, and one that was left out stays as the spec of then names it. What the spec of then does not
name leaves the VM. The DataVolumes of today's `dataVolumeTemplates` that the restored templates do
not name are deleted, and their claims with them (`status.deletedDataVolumes`): also the old ones of
disks that roll back, unless the policy is InPlace.
"""

from bot.restore.disks import Disk, Fate
from bot.restore.model import VolumePolicy
from bot.restore.observation import Content, Snapshot, Vm, Volume

HASH_START, HASH_PRIME = 0x811C9DC5, 0x01000193
MAX_NAME = 63


def of_disks(
    vm: Vm, snapshot: Snapshot, content: Content, policy: VolumePolicy | None
) -> tuple[Disk, ...]:
    """Every disk that exists in the VM now, then those that come back to it."""
    doomed = data_volumes_to_go(vm, snapshot, content, policy)
    today = [each for each in vm.volumes if each.holds_data]
    there = {each.name for each in today}
    back = [
        Disk(name=each.name, claim=each.claim or "", fate=Fate.RETURNS)
        for each in content.volumes
        if each.holds_data and each.name in snapshot.included and each.name not in there
    ]
    return (*(_disk(each, snapshot, content, doomed) for each in today), *back)


def _disk(volume: Volume, snapshot: Snapshot, content: Content, doomed: frozenset[str]) -> Disk:
    claim = volume.claim or ""
    if volume.name in snapshot.included:
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


def data_volumes_to_go(
    vm: Vm, snapshot: Snapshot, content: Content, policy: VolumePolicy | None
) -> frozenset[str]:
    """The DataVolumes that the cluster deletes when the restore completes."""
    renamed = {each.claim: each.name for each in content.volumes if each.name in snapshot.included}
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
