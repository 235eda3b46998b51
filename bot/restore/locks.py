"""Who holds the VM: the objects that its status names are read themselves.

`status.restoreInProgress` and `status.snapshotInProgress` are marks. KubeVirt goes by them, also when
the object is gone, has failed or is complete: a mark of a restore that is not there refuses every
restore ("vm restore … in progress") and every change of the run strategy; a mark of a snapshot refuses
changes of disks and of the run strategy. KubeVirt takes a mark away a moment after the object is done.
"""

from dataclasses import dataclass, field

from bot.restore.denials import quote
from bot.restore.model import Restore
from bot.restore.observation import Observation, RestoreObject, Snapshot, Vm
from bot.restore.thread import is_user
from bot.texts import locks as texts
from bot.texts.refusals import RefusalText


@dataclass(frozen=True, slots=True)
class Lock:
    """What holds the VM, and what frees it."""

    text: RefusalText
    values: dict[str, str] = field(default_factory=dict)
    passes: bool = False
    """By itself, within seconds."""
    absent: bool = False
    """No such object was listed: it may have been made between the two reads, so look again."""


def others_in_progress(observation: Observation, restore: Restore) -> list[RestoreObject]:
    """Unfinished restores of the VM that are not this restore's own object."""
    own = restore.job.name if restore.job else None
    return [
        each
        for each in observation.restores
        if not each.complete and not (each.name == own and each.restore_id == restore.id)
    ]


def restore_lock(observation: Observation, restore: Restore) -> Lock | None:
    """Any unfinished restore of the VM, even a failed one, blocks the next; so does a mark alone."""
    other = next(iter(others_in_progress(observation, restore)), None)
    if other is not None:
        return _unfinished(other)
    vm = observation.vm
    name = vm.restore_in_progress if vm else None
    if vm is None or name is None:
        return None
    marked = {**_where(vm), "name": name}
    if any(each.name == name for each in observation.restores):
        return Lock(texts.RESTORE_COMPLETE, marked, passes=True)
    return Lock(texts.RESTORE_ABSENT, marked, absent=True)


def snapshot_lock(observation: Observation) -> Lock | None:
    """While a snapshot is taken the VM is locked."""
    vm, found = observation.vm, observation.locked_by
    name = vm.snapshot_in_progress if vm else None
    if vm is None or name is None:
        return None
    marked = {**_where(vm), "name": name}
    return (
        Lock(texts.SNAPSHOT_ABSENT, marked, absent=True) if found is None else _held(found, marked)
    )


def is_stuck(said: str) -> bool:
    """KubeVirt met an error and tries again by itself, perhaps for ever."""
    return bool(said) and not said.casefold().startswith(texts.ON_ITS_WAY)


def _unfinished(other: RestoreObject) -> Lock:
    values = {
        "name": other.name,
        "by": texts.MADE_BY.format(user=other.made_by) if is_user(other.made_by) else "",
    }
    if other.clone is not None:
        return Lock(texts.CLONE_IN_PROGRESS, values | {"clone": other.clone})
    if other.deleting:
        return Lock(texts.RESTORE_GOES, values, passes=True)
    if other.failure is not None:
        return Lock(texts.RESTORE_FAILED, values | {"said": quote(other.failure)})
    if is_stuck(other.progressing):
        waits = other.progressing.casefold().startswith(texts.WAITS_FOR_A_STOP)
        words = texts.RESTORE_WAITS if waits else texts.RESTORE_STUCK
        return Lock(words, values | {"said": quote(other.progressing)})
    return Lock(texts.RESTORE_IN_PROGRESS, values)


def _held(found: Snapshot, marked: dict[str, str]) -> Lock:
    if found.deleting:
        return Lock(texts.SNAPSHOT_GOES, marked, passes=True)
    if found.phase == "Failed":
        return Lock(texts.SNAPSHOT_FAILED, marked, passes=True)
    if found.phase == "Succeeded":
        return Lock(texts.SNAPSHOT_COMPLETE, marked, passes=True)
    if found.error is not None:
        return Lock(texts.SNAPSHOT_IN_ERROR, marked | {"said": quote(found.error)})
    return Lock(texts.SNAPSHOT_IN_PROGRESS, marked)


def _where(vm: Vm) -> dict[str, str]:
    return {"vm": vm.name, "namespace": vm.namespace}
