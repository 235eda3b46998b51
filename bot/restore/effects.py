"""From the document to the exact objects that are created: names, labels, annotations.

An object's name comes from the confirmation, and is the same for every attempt; labels and annotations say which
restore and which Slack thread it belongs to, who asked and who confirmed.
"""

from datetime import datetime

from bot.restore.events import CreateRestore, CreateSnapshot, DeleteRestore
from bot.restore.model import Blocker, Restore, Safety

PREFIX = "vm-restore-bot"
RESTORE_ID = f"{PREFIX}/restore-id"
"""Label: the restore (its document's id) an object belongs to."""
REQUESTED_BY = f"{PREFIX}/requested-by"
"""Annotation: Slack user id of the person who asked."""
CONFIRMED_BY = f"{PREFIX}/confirmed-by"
"""Annotation: Slack user id of the person who typed the name and pressed the button."""
THREAD = f"{PREFIX}/slack-thread"
"""Annotation: "<channel>/<thread ts>"."""

MAX_NAME = 63
"""Kept within a label's length, since controllers put object names into labels."""


def object_name(prefix: str, restore: Restore, now: datetime) -> str:
    """`<prefix>-<vm>-<YYYYMMDD-HHMMSS>`; a long VM name is cut so that the whole has 63 letters."""
    stamp = f"{now:%Y%m%d-%H%M%S}"
    room = MAX_NAME - len(prefix) - len(stamp) - 2
    vm = restore.target.vm[:room].rstrip("-.")
    return f"{prefix}-{vm}-{stamp}"


def confirmed_name(prefix: str, restore: Restore) -> str | None:
    """The name that a confirmation gives, always the same; None before there is one.

    Redis may lose what it acknowledged, and the same confirmation may be carried out by a document
    that does not know it was. The cluster then still knows the name.
    """
    clicked = restore.confirmation
    return object_name(prefix, restore, clicked.at) if clicked is not None else None


def create_restore(restore: Restore, name: str) -> CreateRestore:
    """The VirtualMachineRestore for this document."""
    target = restore.target
    return CreateRestore(
        namespace=target.namespace,
        vm=target.vm,
        snapshot=target.snapshot,
        name=name,
        volume_policy=restore.rules.volume_policy,
        labels=_labels(restore),
        annotations=_annotations(restore),
    )


def create_snapshot(restore: Restore, safety: Safety) -> CreateSnapshot:
    """The safety snapshot for this document."""
    target = restore.target
    return CreateSnapshot(
        namespace=target.namespace,
        vm=target.vm,
        name=safety.name,
        labels=_labels(restore),
        annotations=_annotations(restore),
    )


def delete_blocker(restore: Restore, blocker: Blocker) -> DeleteRestore:
    """Remove the failed object of the restore before this one."""
    return DeleteRestore(restore.target.namespace, blocker.name, blocker.uid)


def _labels(restore: Restore) -> tuple[tuple[str, str], ...]:
    return ((RESTORE_ID, restore.id),)


def _annotations(restore: Restore) -> tuple[tuple[str, str], ...]:
    confirmed = restore.confirmation.by if restore.confirmation else ""
    thread = f"{restore.thread_ref.channel}/{restore.thread_ref.thread or ''}"
    return ((REQUESTED_BY, restore.requester), (CONFIRMED_BY, confirmed), (THREAD, thread))
