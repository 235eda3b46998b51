"""The checks of what the snapshot holds: is it there, is it of this VM, is its data all there?

They have the shape and the place that `bot/restore/checks.py:CHECKS` gives them. All but the first are
asked only of a snapshot that exists.
"""

from collections.abc import Iterable

from bot.restore import backing
from bot.restore.check_failure import CheckFailure
from bot.restore.cut import told
from bot.restore.fates import MEMORY_DUMP, copied_disks
from bot.restore.model import Restore
from bot.restore.observation import Observation, Snapshot
from bot.restore.reasons import Reason
from bot.restore.suggestions import nearest
from bot.texts import refusals as texts

MAX_NAMED = 5
"""Findings of one kind that a refusal tells."""


def snapshot_exists(observation: Observation, restore: Restore) -> CheckFailure | None:
    """The named snapshot is there."""
    if observation.snapshot is not None:
        return None
    target = restore.target
    names = tuple(each.name for each in observation.snapshots)
    listed = nearest(target.snapshot, names) or names
    return CheckFailure.telling(
        Reason.SNAPSHOT_NOT_FOUND,
        texts.SNAPSHOT_NOT_FOUND if names else texts.SNAPSHOT_NOT_FOUND_NOR_ANY,
        _with_first(listed, names),
        snapshot=target.snapshot,
        namespace=target.namespace,
        vm=target.vm,
    )


def snapshot_is_of_this_vm(observation: Observation, restore: Restore) -> CheckFailure | None:
    """A snapshot of another VM would put that VM's disks into this one."""
    snapshot, vm = _snapshot(observation), restore.target.vm
    if snapshot.source == vm:
        return None
    return CheckFailure.telling(
        Reason.SNAPSHOT_OF_OTHER_VM,
        texts.SNAPSHOT_OF_OTHER_VM,
        tuple(each.name for each in observation.snapshots),
        snapshot=snapshot.name,
        source=snapshot.source,
        vm=vm,
    )


def snapshot_stays(observation: Observation, restore: Restore) -> CheckFailure | None:
    """A snapshot that is being deleted may vanish in the middle."""
    del restore
    snapshot = _snapshot(observation)
    if not snapshot.deleting:
        return None
    return CheckFailure.telling(
        Reason.SNAPSHOT_BEING_DELETED, texts.SNAPSHOT_BEING_DELETED, snapshot=snapshot.name
    )


def snapshot_is_ready(observation: Observation, restore: Restore) -> CheckFailure | None:
    """The phase alone proves nothing: the data must be ready to use as well."""
    del restore
    snapshot = _snapshot(observation)
    if snapshot.usable and snapshot.phase == "Succeeded":
        return None
    return CheckFailure.telling(
        Reason.SNAPSHOT_NOT_READY,
        texts.SNAPSHOT_FAILED if snapshot.phase == "Failed" else texts.SNAPSHOT_NOT_READY,
        status=snapshot.phase or "Unknown",
        ready=str(snapshot.ready).lower(),
        error=texts.SNAPSHOT_ERROR.format(error=snapshot.error) if snapshot.error else "",
    )


def content_exists(observation: Observation, restore: Restore) -> CheckFailure | None:
    """A snapshot keeps saying that it is ready when its content is gone."""
    del restore
    content = observation.content
    if content is not None and content.ready and content.error is None:
        return None
    if content is not None and content.error is not None:
        return CheckFailure.telling(
            Reason.SNAPSHOT_CONTENT_MISSING,
            texts.CONTENT_ERROR,
            snapshot=_snapshot(observation).name,
            error=content.error,
        )
    return CheckFailure.telling(
        Reason.SNAPSHOT_CONTENT_MISSING,
        texts.CONTENT_MISSING if content is None else texts.CONTENT_NOT_READY,
        snapshot=_snapshot(observation).name,
    )


def content_stays(observation: Observation, restore: Restore) -> CheckFailure | None:
    """A content that is being deleted says that it is ready to its last moment."""
    del restore
    if observation.content is None or not observation.content.deleting:
        return None
    return CheckFailure.telling(
        Reason.SNAPSHOT_CONTENT_BEING_DELETED,
        texts.CONTENT_BEING_DELETED,
        snapshot=_snapshot(observation).name,
    )


def copies_are_there(observation: Observation, restore: Restore) -> CheckFailure | None:
    """The copy of each disk is there, ready, and stays."""
    return _all_of(backing.copies_are_there(observation, restore), texts.COPIES)


def claims_stay(observation: Observation, restore: Restore) -> CheckFailure | None:
    """No claim that the restored VM is to have is being deleted."""
    return _all_of(backing.claims_stay(observation, restore), texts.CLAIMS_STAY)


def classes_exist(observation: Observation, restore: Restore) -> CheckFailure | None:
    """A claim of a class that is gone waits for ever: said before the VM is stopped for it."""
    return _all_of(backing.classes_exist(observation, restore), texts.CLASSES)


def snapshot_holds_disks(observation: Observation, restore: Restore) -> CheckFailure | None:
    """A snapshot without disks, or with a memory dump alone, restores "successfully" and no data."""
    del restore
    snapshot, content = _snapshot(observation), observation.content
    if content is None or copied_disks(content):
        return None
    dump = any(each.kind == MEMORY_DUMP for each in content.volumes) and content.backups
    words = texts.ONLY_A_MEMORY_DUMP if dump else texts.CONFIGURATION_ONLY
    return CheckFailure.telling(Reason.CONFIGURATION_ONLY, words, snapshot=snapshot.name)


def _all_of(found: Iterable[backing.Finding], words: texts.RefusalText) -> CheckFailure | None:
    """Every finding is told, or how many more there are; the reason is that of the first."""
    findings = list(found)
    if not findings:
        return None
    text = " ".join(told([each.text for each in findings], MAX_NAMED))
    return CheckFailure.telling(findings[0].reason, words, text=text)


def _snapshot(observation: Observation) -> Snapshot:
    assert observation.snapshot is not None, "snapshot_exists comes first"  # noqa: S101 - as above
    return observation.snapshot


def _with_first(first: tuple[str, ...], rest: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *rest)))
