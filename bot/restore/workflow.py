"""How a restore moves: `step(restore, event, now)` is the only thing that changes one.

The theory
----------
A restore is a document. Replies, clicks and looks at the cluster are events. `step` takes the
document and one event and returns the document as it is from then on, with the effects that are due.
It is a pure function, total over every phase and event: what does not fit is answered and changes
nothing, so that events may come twice, late, out of order or from anybody.

Level-triggered. Effects come only out of a look (`Observed`), never out of a person's event: a click
stores a wish, the next look turns it into an act, and the same look may do so again after a crash.
Nothing is remembered but the document, so whoever looks next, on any replica, carries on.

The way to the one destructive effect, `CreateRestore`, has four gates, each a fact in the document:

1. `preview`: what was shown, taken from a look that passed every check.
2. `typed`: the owner typed the snapshot's name, byte for byte, while the warning was open.
3. `confirmation`: the owner then pressed the button of the confirm card that was open.
4. a RECHECK look in RESTORING that differs in nothing from `preview`, with the policy asked again.

Only then is `job` (the object's name) stored, and only a look after or with that sends the create.
A create is sent again only under the same name, and only while nothing shows that it was ever there.
Every way back to a question takes `typed` and `confirmation` out of the document, so no click ever
serves twice.

Cards carry a number; a button or reply that names a closed card changes nothing. A question's
deadline is part of the document and is looked at before any answer, so that a late answer is late
even if no timer ran.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.restore import answers, converge, moves
from bot.restore.effects import create_restore, object_name
from bot.restore.events import (
    Acted,
    Anchored,
    Cancel,
    ChannelGone,
    Clicked,
    CreateRestore,
    Effect,
    Elapsed,
    Event,
    Held,
    Observed,
    Reply,
    Typed,
    Unseen,
    Verdict,
)
from bot.restore.facts import Look
from bot.restore.model import (
    AuditEntry,
    Outcome,
    Phase,
    Place,
    Reason,
    Restore,
    RestoreId,
    Rules,
    Slot,
    UserId,
    Wish,
)

AFTERCARE = timedelta(hours=24)
"""How long the buttons of a finished restore stay."""


ALLOWED = Verdict(allowed=True)
"""For looks after the act, where nothing is left to be permitted."""


@dataclass(frozen=True, slots=True)
class Step:
    """What came of an event. An unchanged `restore` means that the event did not count."""

    restore: Restore
    effects: tuple[Effect, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    reply: Reply | None = None


def begin(  # noqa: PLR0913 - a document has this many independent parts
    *,
    id_: RestoreId,
    place: Place,
    owner: UserId,
    wish: Wish,
    rules: Rules,
    now: datetime,
    previous: RestoreId | None = None,
) -> Restore:
    """A new restore: what is missing is asked for, otherwise the checks come first."""
    known = bool(wish.vm and wish.namespace and wish.snapshot)
    new = Restore(
        id=id_,
        phase=Phase.CHECKING if known else Phase.GATHERING,
        place=place,
        owner=owner,
        wish=wish,
        rules=rules,
        opened_at=now,
        entered_at=now,
        protect=rules.protect_by_default,
        previous=previous,
    )
    return moves.post(new, Slot.REQUEST, now)


def step(restore: Restore, event: Event, now: datetime) -> Step:
    """Apply one event. Never raises: an event that does not fit leaves the document as it is."""
    late = expired(restore, now)
    after, effects, reply = _apply(late, event, now)
    return Step(after, effects, _audit(restore, after, event, now), reply)


def expired(restore: Restore, now: datetime) -> Restore:
    """The document with its deadline honoured, whether or not a timer ran."""
    if restore.deadline is None or now < restore.deadline or restore.phase.ended:
        return restore
    return moves.expire(restore, now)


def _apply(
    restore: Restore, event: Event, now: datetime
) -> tuple[Restore, tuple[Effect, ...], Reply | None]:
    match event:
        case Typed() | Clicked() | Cancel():
            after, reply = answers.answer(restore, event, now)
            return after, (), reply
        case Observed() as seen:
            after, effects = converge.converge(_seen_again(restore), seen, now)
            return after, effects, None
        case Acted() as acted:
            return converge.acted(restore, acted, now), (), None
        case Unseen(what=what):
            return _unseen(restore, what, now), (), None
        case Held() as held:
            return _held(restore, held, now), (), None
        case Anchored(ts=ts):
            return _anchored(restore, ts), (), None
        case ChannelGone() as gone:
            return _channel_gone(restore, gone, now), (), None
        case Elapsed():
            return _elapsed(restore, now), (), None


def wanted(restore: Restore) -> Look | None:
    """The look that the next round needs; None while only people or time can move it."""
    match restore.phase:
        case Phase.GATHERING:
            return None if restore.question else Look.CANDIDATES
        case Phase.CHECKING:
            return Look.FULL
        case Phase.STOP_CHOICE | Phase.TYPING | Phase.CONFIRMING:
            return None
        case Phase.STOPPING:
            return Look.VMI
        case Phase.PROTECTING:
            return Look.RECHECK if restore.safety is None else Look.SAFETY
        case Phase.RESTORING:
            unsure = restore.job is None or restore.job.uid is None
            return Look.RECHECK if unsure else Look.JOB
        case Phase.SUCCEEDED | Phase.FAILED | Phase.CANCELLED | Phase.REFUSED | Phase.EXPIRED:
            return Look.VMI if start_is_due(restore) else None


def planned(restore: Restore, now: datetime) -> CreateRestore:
    """The very restore that would be made now, for the dry run."""
    return create_restore(restore, object_name("restore", restore, now))


def start_is_due(restore: Restore) -> bool:
    """A start was asked for after the end and has neither happened nor failed."""
    start = restore.start
    return start is not None and start.done_at is None and start.error is None


_PACE: dict[Phase, float] = {
    Phase.GATHERING: 0,
    Phase.CHECKING: 0,
    Phase.STOPPING: 2,
    Phase.PROTECTING: 3,
    Phase.RESTORING: 20,
}
"""Seconds between looks. In RESTORING the watch wakes the restore; this is its safety net."""


def next_due(restore: Restore, now: datetime, *, moved: bool) -> datetime | None:
    """When somebody must look again; `moved` says that this round changed the phase."""
    if restore.phase.ended:
        return _due_after_the_end(restore, now, moved=moved)
    look = wanted(restore)
    limits = [restore.deadline] if restore.deadline else []
    if look is not None:
        limits.append(_next_look(restore, now, moved=moved))
        if restore.job and restore.job.wait_until and restore.job.wait_until > now:
            limits.append(restore.job.wait_until)
    return min(limits) if limits else now + AFTERCARE


def _next_look(restore: Restore, now: datetime, *, moved: bool) -> datetime:
    if restore.trouble_since is not None:
        away = (now - restore.trouble_since).total_seconds()
        return now + timedelta(seconds=min(15.0, max(1.0, away / 4)))
    unsure = restore.job is not None and restore.job.uid is None
    deleting = restore.job is not None and restore.job.deleting
    if moved:
        return now
    if restore.phase is Phase.CHECKING:
        return now + timedelta(seconds=1) if restore.blocker else now
    pace = 2 if unsure or deleting else _PACE[restore.phase]
    return now + timedelta(seconds=pace)


def _due_after_the_end(restore: Restore, now: datetime, *, moved: bool) -> datetime | None:
    if start_is_due(restore):
        return now if moved else now + timedelta(seconds=2)
    if restore.closed or restore.outcome is None:
        return None
    return restore.outcome.at + AFTERCARE


def _seen_again(restore: Restore) -> Restore:
    if restore.trouble is None:
        return restore
    return restore.model_copy(update={"trouble": None, "trouble_since": None})


def _unseen(restore: Restore, what: str, now: datetime) -> Restore:
    """The cluster is away. Nothing is given up that is under way; what has not begun ends."""
    since = restore.trouble_since or now
    troubled = restore.model_copy(update={"trouble": what[:300], "trouble_since": since})
    if restore.phase.ended or restore.job is not None:
        return troubled
    if now - since < timedelta(seconds=restore.rules.answer_timeout):
        return troubled
    outcome = Outcome(
        reason=Reason.CLUSTER_UNREACHABLE,
        at=now,
        found=f"The cluster could not be asked: {what[:300]}",
        next="Nothing was restored. Ask again when the cluster answers.",
    )
    return moves.end(restore, Phase.REFUSED, outcome, "Given up")


def _held(restore: Restore, held: Held, now: datetime) -> Restore:
    if restore.phase.ended:
        return restore
    outcome = Outcome(
        reason=Reason.HELD_BY_OTHER,
        at=now,
        found=f"<@{held.by}> is already restoring this VM, since "
        f"{held.since:%Y-%m-%d %H:%M} UTC: {held.where}",
        expected="One restore of a VM at a time.",
        next="Wait for it to end, or talk to them.",
    )
    return moves.end(restore, Phase.REFUSED, outcome, "Refused")


def _anchored(restore: Restore, ts: str) -> Restore:
    if restore.place.thread is not None:
        return restore
    place = restore.place.model_copy(update={"thread": ts})
    return restore.model_copy(update={"place": place})


def _channel_gone(restore: Restore, gone: ChannelGone, now: datetime) -> Restore:
    """Nobody can be asked any more: what has not begun ends; what runs is followed by DM."""
    moved = restore
    if gone.dm is not None and gone.dm != restore.place.channel:
        place = restore.place.model_copy(
            update={"channel": gone.dm, "thread": None, "own_thread": True}
        )
        moved = restore.model_copy(update={"place": place})
    if restore.phase.ended or restore.job is not None:
        return moved
    outcome = Outcome(
        reason=Reason.CHANNEL_UNREACHABLE,
        at=now,
        found=f"I cannot write in <#{restore.place.channel}> (Slack says: {gone.error}).",
        next="Invite me to the channel, then ask again.",
    )
    return moves.end(moved, Phase.CANCELLED, outcome, "The channel cannot be written to")


def _elapsed(restore: Restore, now: datetime) -> Restore:
    outcome = restore.outcome
    if restore.phase.ended and outcome and not restore.closed and now >= outcome.at + AFTERCARE:
        return restore.model_copy(update={"closed": True})
    return restore


def _audit(before: Restore, after: Restore, event: Event, now: datetime) -> tuple[AuditEntry, ...]:
    """One line for each step that moved something that matters afterwards."""
    if before.phase is after.phase and before.job == after.job and before.start == after.start:
        return ()
    by = event.by if isinstance(event, Typed | Clicked | Cancel) else ""
    button = event.button.value if isinstance(event, Clicked) else ""
    outcome = after.outcome
    entry = AuditEntry(
        at=now,
        restore=after.id,
        kind=after.phase.value,
        by=by,
        reason=outcome.reason.value if outcome and outcome.reason else "",
        target=target(after),
        detail=button or (after.job.name if after.job else ""),
    )
    return (entry,)


def target(restore: Restore) -> str:
    """What it is about, for logs and audit: "cluster/namespace/vm from snapshot"."""
    wish = restore.wish
    parts = "/".join(part or "?" for part in (wish.cluster, wish.namespace, wish.vm))
    return f"{parts} from {wish.snapshot or '?'}"
