"""Which lines of the audit stream a step writes: one for each move that matters afterwards."""

from collections.abc import Iterator
from datetime import datetime

from bot.restore.audit_kinds import AuditKind
from bot.restore.events import Button, Cancel, Clicked, Event, OperatorCancelled, Typed
from bot.restore.model import AuditEntry, Phase, Restore


def entries(before: Restore, after: Restore, event: Event, now: datetime) -> tuple[AuditEntry, ...]:
    """What a step is remembered by."""
    return (*_of_people(before, after, event, now), *_of_phases(before, after, event, now))


def target(restore: Restore) -> str:
    """What it is about, for logs and audit: "cluster/namespace/vm from snapshot"."""
    return f"{vm_name(restore)} from {restore.request.snapshot or '?'}"


def vm_name(restore: Restore) -> str:
    """The same without the snapshot, whose name is what people type: for logs."""
    request = restore.request
    return "/".join(part or "?" for part in (request.cluster, request.namespace, request.vm))


def _of_people(
    before: Restore, after: Restore, event: Event, now: datetime
) -> Iterator[AuditEntry]:
    """Who gave it to whom."""

    def line(kind: AuditKind, by: str, detail: str) -> AuditEntry:
        return AuditEntry(
            at=now, restore=after.id, kind=kind, by=by, target=target(after), detail=detail
        )

    for change in after.handoffs[len(before.handoffs) :]:
        kind = AuditKind.HANDED_OVER if change.how == "accepted" else AuditKind.TAKEN_OVER
        yield line(kind, change.taker, f"from {change.giver}")
        return
    old, new = before.offer, after.offer
    if old is not None and new != old and not after.phase.ended:
        if now >= old.until:
            yield line(AuditKind.OFFER_EXPIRED, "", f"to {old.to}")
        elif isinstance(event, Clicked) and event.button is Button.DECLINE:
            yield line(AuditKind.DECLINED, old.to, f"from {old.by}")
        else:
            yield line(AuditKind.WITHDRAWN, old.by, f"to {old.to}")
    if new is not None and new != old:
        yield line(AuditKind.OFFERED, new.by, f"to {new.to}")


def _of_phases(
    before: Restore, after: Restore, event: Event, now: datetime
) -> Iterator[AuditEntry]:
    """How far it has come."""
    if _marks(before) == _marks(after):
        return
    person = event if isinstance(event, Typed | Clicked | Cancel) else None
    if after.phase is Phase.EXPIRED:
        person = None
    button = person.button.value if isinstance(person, Clicked) else ""
    outcome = after.outcome
    yield AuditEntry(
        at=now,
        restore=after.id,
        kind=AuditKind(after.phase.value),
        by=event.operator if isinstance(event, OperatorCancelled) else person.by if person else "",
        reason=outcome.reason.value if outcome and outcome.reason else "",
        target=target(after),
        detail=button or (after.job.name if after.job else ""),
    )


def _marks(restore: Restore) -> tuple[object, ...]:
    """What a line is written for: not each look at what is merely under way."""
    job, stop = restore.job, restore.stop
    return (
        restore.phase,
        job and (job.name, job.uid, job.deleting, job.delete_error),
        stop and (stop.asked_at, stop.force, stop.done_at),
        restore.start,
    )
