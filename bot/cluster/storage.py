"""What a restore stands on in the storage: claims, the copies of the disks, storage classes."""

from typing import TypedDict

from bot.cluster.known import Known
from bot.cluster.question import Question
from bot.cluster.reads import Reads, Together
from bot.restore.claims import new_names
from bot.restore.fates import copied_disks
from bot.restore.observation import Claim, Content, Snapshot, Vm, VolumeSnapshot
from bot.restore.rules import VolumePolicy


class _Stored(TypedDict):
    claims: tuple[Claim, ...]
    copies: tuple[VolumeSnapshot, ...] | None
    classes: tuple[str, ...] | None


async def stored(  # noqa: PLR0913, PLR0917 - what a restore stands on, and what is known of it
    reads: Reads,
    asked: Question,
    snapshot: Snapshot | None,
    content: Content | None,
    held: tuple[Claim, ...],
    known: Known | None = None,
) -> _Stored:
    """What stands behind a snapshot, and the claims that the VM of then named and got no copy of.

    An account may have no right to read VolumeSnapshots and storage classes: the rest is told then.
    With `known`, a storage class that was there a short time ago is not read.
    """
    if content is None:
        return {"claims": held, "copies": None, "classes": None}
    wanted = sorted(name for _, name in content.copies)
    named = sorted({name for _, name, _ in content.sizes if name})
    there = {one.name for one in held}
    copied = copied_disks(content)
    others = {v.claim for v in content.volumes if v.claim and v.name not in copied}
    if asked.restore.rules.volume_policy is VolumePolicy.PREFIX_TARGET_NAME:
        others |= new_names(content, snapshot, asked.vm)
    async with Together() as group:
        more = group.create_task(reads.claims_named(sorted(others - there)))
        copies = group.create_task(reads.if_possible(lambda r: r.copies(wanted), patient=True))
        classes = group.create_task(_classes(reads, named, known))
    found = (*held, *more.result())
    return {"claims": found, "copies": copies.result()[0], "classes": classes.result()}


async def _classes(reads: Reads, named: list[str], known: Known | None) -> tuple[str, ...] | None:
    there = known.classes(named) if known is not None else ()
    wanted = [each for each in named if each not in there]
    found, _ = await reads.if_possible(lambda r: r.classes(wanted), patient=True)
    if found is None:
        return None
    if known is not None:
        known.saw_classes(found)
    return (*there, *found)


async def claims_of(reads: Reads, vm: Vm | None) -> tuple[Claim, ...]:
    """The claims of the VM's disks."""
    named = {each.claim for each in vm.volumes if each.claim} if vm else set()
    return await reads.claims_named(sorted(named))
