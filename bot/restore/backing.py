"""What a restore stands on in the storage: the copies of the disks, claims that stay, storage classes.

A VirtualMachineSnapshot and its content go on saying that they are ready while the VolumeSnapshots
behind them are being deleted, and nothing of KubeVirt asks for the storage class before the claim
that needs it. Each finding is one sentence, told at the check and at the look before the act.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.restore.fates import copied_disks, new_claims
from bot.restore.model import Restore
from bot.restore.observation import Observation
from bot.restore.reasons import Reason
from bot.restore.rules import VolumePolicy
from bot.texts import refusals as texts


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the restore would need, and that is not there or will not stay."""

    reason: Reason
    text: str


def copies_are_there(observation: Observation, restore: Restore) -> Iterator[Finding]:
    """Every VolumeSnapshot that the content names: there, staying, and ready by both accounts.

    An error of one that is ready is left over from an earlier try: KubeVirt ignores it as well.
    """
    del restore
    content = observation.content
    if content is None:
        return
    told = dict(content.unready)
    held = {each.name: each for each in observation.copies or ()}
    for disk, name in content.copies:
        copy = held.get(name)
        if copy is not None and copy.deleting:
            text = texts.COPY_GOES.format(disk=disk, name=name)
            yield Finding(Reason.VOLUME_SNAPSHOT_BEING_DELETED, text)
        elif copy is None and observation.copies is not None:
            gone = texts.COPY_GONE.format(disk=disk, name=name)
            yield Finding(Reason.VOLUME_SNAPSHOT_MISSING, gone)
        elif name in told or (copy is not None and not copy.ready):
            error = (copy.error if copy else None) or told.get(name) or ""
            words = texts.COPY_HAS_ERROR if error else texts.COPY_UNREADY
            text = words.format(disk=disk, name=name, error=error)
            yield Finding(Reason.VOLUME_SNAPSHOT_NOT_READY, text)


def claims_stay(observation: Observation, restore: Restore) -> Iterator[Finding]:
    """No claim is being deleted that the restored VM is to have under its name."""
    vm, content = observation.vm, observation.content
    if vm is None or content is None:
        return
    if restore.rules.volume_policy is VolumePolicy.IN_PLACE:
        needed = {each.claim for each in (*vm.volumes, *content.volumes)}
    else:
        copied = copied_disks(content)
        needed = {each.claim for each in content.volumes if each.name not in copied}
    for claim in observation.claims:
        if claim.deleting and claim.name in needed:
            yield Finding(Reason.CLAIM_BEING_DELETED, texts.CLAIM_GOES.format(claim=claim.name))


def classes_exist(observation: Observation, restore: Restore) -> Iterator[Finding]:
    """Every storage class that the new claims would name."""
    del restore
    content = observation.content
    if content is None or observation.classes is None:
        return
    for name in sorted({each.storage_class for each in new_claims(content)}):
        if name and name not in observation.classes:
            yield Finding(Reason.STORAGE_CLASS_MISSING, texts.CLASS_GONE.format(name=name))
