"""What a restore's document says has happened, in the order in which it was written."""

from collections.abc import Iterator
from datetime import datetime

from bot.restore.model import Restore

Line = tuple[datetime, str, str]
"""When, what, and the id of who did it ("" for the bot)."""


def lines(restore: Restore) -> Iterator[Line]:
    """The moments that the document keeps."""
    yield restore.opened_at, f"document {restore.id} is opened", ""
    yield from _looked(restore)
    yield from _stopped(restore)
    if restore.typed is not None:
        yield restore.typed.at, "the typed name is the snapshot's", restore.typed.by
    if restore.confirmation is not None:
        card = restore.confirmation.number
        yield (
            restore.confirmation.at,
            f"confirmed by the click on card {card}",
            restore.confirmation.by,
        )
    yield from _acted(restore)
    for change in restore.handoffs:
        yield change.at, f"the restore has a new owner ({change.how})", change.taker
    if restore.outcome is not None:
        why = f": {restore.outcome.found}" if restore.outcome.found else ""
        yield restore.outcome.at, f"ended as {restore.phase}{why}", ""
    if restore.start is not None:
        yield restore.start.at, "decided to start the VM", restore.start.by


def _looked(restore: Restore) -> Iterator[Line]:
    seen = restore.preview
    if seen is None:
        return
    said = (
        f"wrote down what is shown: the VM is {seen.vm_status}, the snapshot of"
        f" {seen.snapshot_created:%Y-%m-%d %H:%M} UTC ({seen.consistency}) has"
        f" {len(seen.disks)} disks; all of it is compared again before the create"
    )
    yield seen.taken_at, said, ""


def _stopped(restore: Restore) -> Iterator[Line]:
    stop = restore.stop
    if stop is None:
        return
    if stop.asked_at is not None:
        yield stop.asked_at, f"decided to stop the VM, whose run strategy was {stop.strategy}", ""
    if stop.done_at is not None:
        yield stop.done_at, "the VM is stopped", ""


def _acted(restore: Restore) -> Iterator[Line]:
    if (safety := restore.safety) is not None:
        yield safety.decided_at, f"fixed the name of the safety snapshot: {safety.name}", ""
        if safety.ready_at is not None:
            yield safety.ready_at, "the safety snapshot is ready", ""
    if (job := restore.job) is not None:
        yield (
            job.decided_at,
            f"fixed the name of the restore before it is asked for: {job.name}",
            "",
        )
