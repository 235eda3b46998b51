"""The restores that may block another one of the same VM, in a namespace that may hold thousands.

KubeVirt marks the VM when it begins a restore. One that waits for its VM to be stopped is not shown by
the VM: only by the list, and by the webhook, which refuses a create and its dry run while any restore
of the VM is not complete. An accepted dry run is the webhook's word, and enough for a check. Just before
a first stop and before a create all are listed, since somebody may have taken the webhook away.
"""

from bot.cluster.question import Question
from bot.cluster.reads import Reads, Together
from bot.restore.observation import RestoreObject, Vm


async def among_many(
    reads: Reads, asked: Question, vm: Vm | None, few: tuple[RestoreObject, ...] | None
) -> tuple[RestoreObject, ...]:
    """All restores of the VM, or of many those that this restore has made and those that may block."""
    if few is not None:
        return few
    async with Together() as group:
        own = group.create_task(reads.restores_made_by(asked.restore.id))
        others = group.create_task(rivals(reads, asked, vm, listed=True))
    return tuple({one.uid: one for one in (*own.result(), *others.result())}.values())


async def rivals(
    reads: Reads, asked: Question, vm: Vm | None, *, listed: bool
) -> tuple[RestoreObject, ...]:
    """The restores of the VM that may block another one, each read by its name.

    The VM's status names one. Any other that is not complete is only found if all are `listed`.
    """
    marked = vm.restore_in_progress if vm is not None else None
    async with Together() as group:
        named = group.create_task(reads.restores_named([marked] if marked else []))
        others = [group.create_task(reads.unfinished_restores_of(asked.vm))] if listed else []
    found = (*named.result(), *(one for task in others for one in task.result()))
    return tuple({one.uid: one for one in found if one.target == asked.vm}.values())
