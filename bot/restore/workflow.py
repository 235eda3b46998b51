"""How a restore moves: `step(restore, event, now)` is the only thing that changes one.

The theory
----------
A restore is a document. Replies, clicks and looks at the cluster are events. `step` takes the
document and one event and returns the document as it is from then on, with the effects that are due.
It is a pure function, total over every phase and event: what does not fit is answered and changes
nothing, so that events may come twice, late, out of order or from anybody.

Level-triggered. Only an observation (`Observed`) has effects, never a person's event: a click is
stored, and the next observation leads to the act, a second time if a crash came in between.
The document is the only state, so any replica can go on with the next observation.
A failed or forbidden read (a 403, an API that is not served) is not evidence that an object is
missing. It is ignored, except where a check reports it to the person who asked. An observation of
another kind than the document needs (`wanted`) is ignored, too.

The way to the one destructive effect, `CreateRestore`, has four gates, each a fact in the document:

1. `preview`: what was shown, taken from a look that passed every check.
2. `typed`: the owner typed the snapshot's name, byte for byte, while the warning was open.
3. `confirmation`: the same person then pressed the button of the confirm card that was open.
4. a RECHECK look in RESTORING that differs in nothing from `preview`, with the policy asked again.

Only then is `job` (the object's name) stored, and only a look after or with that sends the create.
A create is sent again only under the same name, and only while nothing shows that it was ever there.
The name comes from the confirmation, so that a document which was put back finds what it did already.
What was agreed to is acted on within ten minutes or not at all: a bot that was away does not come
back with an old request.
Every way back to a question takes `typed` and `confirmation` out of the document, so no click ever
serves twice. So does a change of owner (`handover`), unless both are in already: then what was
confirmed is carried out, and the policy is asked about the person who confirmed as well.

Cards carry a number; a button or reply that names a closed card changes nothing. A question's
deadline is part of the document and is looked at before any answer, so that a late answer is late
even if no timer ran.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.restore import audit, edits, handoff, one_too_many, phases, user_events
from bot.restore.diagnosis import times
from bot.restore.effects import create_restore, object_name
from bot.restore.events import (
    Acted,
    Anchored,
    Appeared,
    Cancel,
    ChannelGone,
    ChannelMoved,
    Clicked,
    Continued,
    ConversationLoss,
    Copied,
    CreateRestore,
    Effect,
    Elapsed,
    Event,
    FarSide,
    NamespaceFull,
    ObservationFailed,
    Observed,
    Offered,
    OperatorCancelled,
    Reply,
    TakenOver,
    Typed,
    Verdict,
    VmClaimedElsewhere,
)
from bot.restore.model import AuditEntry, Outcome, Phase, Restore, RestoreId
from bot.restore.observation import Observation, ObservationKind
from bot.restore.phases import ended, left
from bot.restore.phases.made_before import appeared, made_before
from bot.restore.reasons import Reason
from bot.restore.rules import Rules
from bot.restore.starts import START_WITHIN, looked_at, start_is_due
from bot.restore.target import RestoreRequest
from bot.restore.thread import CardKind, ThreadRef, UserId
from bot.texts import endings, refusals
from bot.texts.refusals import RefusalText

AFTERCARE = left.AFTERCARE
UNREACHABLE_LIMIT = timedelta(hours=24)
"""How long a restore that cannot be looked at is still followed."""

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
    thread_ref: ThreadRef,
    owner: UserId,
    request: RestoreRequest,
    rules: Rules,
    now: datetime,
    previous: RestoreId | None = None,
) -> Restore:
    """A new restore: what is missing is asked for, otherwise the checks come first."""
    new = Restore(
        id=id_,
        phase=Phase.CHECKING if request.target is not None else Phase.GATHERING,
        thread_ref=thread_ref,
        owner=owner,
        request=request,
        rules=rules,
        opened_at=now,
        entered_at=now,
        protect=rules.protect_by_default,
        previous=previous,
    )
    return edits.post(new, CardKind.REQUEST, now)


def step(restore: Restore, event: Event, now: datetime) -> Step:
    """Apply one event. Never raises: an event that does not fit leaves the document as it is."""
    late = expired(restore, now)
    if isinstance(event, Observed) and late.phase is Phase.EXPIRED and not restore.phase.ended:
        # Nobody answered in time, or it was done long ago and the document was put back since.
        late = made_before(restore, event.observation, now) or late
    after, effects, reply = _apply(late, event, now)
    after = times.noted(restore, after, event, now)
    return Step(after, effects, audit.entries(restore, after, event, now), reply)


def expired(restore: Restore, now: datetime) -> Restore:
    """The document with its time limits honoured, whether or not a timer ran."""
    outcome = restore.outcome
    if outcome is not None and not restore.closed and now >= outcome.at + AFTERCARE:
        return edits.close_for_good(restore)
    if restore.deadline is not None and now >= restore.deadline:
        return edits.expire(restore, now)
    return handoff.lapsed(restore, now)


def _apply(
    restore: Restore, event: Event, now: datetime
) -> tuple[Restore, tuple[Effect, ...], Reply | None]:
    match event:
        case Typed() | Clicked() | Cancel() | Offered() | TakenOver() | OperatorCancelled():
            after, reply = user_events.answer(restore, event, now)
            return after, (), reply
        case Continued(by=by):
            return edits.close_as_continued(restore, by), (), None
        case Copied() as copied:
            return handoff.copied(restore, copied), (), None
        case Observed() as seen:
            after, effects = _looked(restore, seen, now)
            return after, effects, None
        case Acted() as acted:
            return phases.acted(restore, acted, now), (), None
        case ObservationFailed() as failed:
            return _unseen(restore, failed, now), (), None
        case VmClaimedElsewhere() | NamespaceFull():
            return one_too_many.refused(restore, event, now), (), None
        case Anchored() | ChannelGone() | ChannelMoved() | Appeared():
            return _placed(restore, event, now), (), None
        case Elapsed():
            return restore, (), None


def _looked(restore: Restore, seen: Observed, now: datetime) -> tuple[Restore, tuple[Effect, ...]]:
    after_all = last_look(restore, now) if restore.phase.ended else None
    if seen.observation.kind is not (wanted(restore) or after_all):
        return restore, ()
    if blind := _blind(restore, seen.observation):
        return _unseen(restore, ObservationFailed(blind), now), ()
    return phases.on_observation(_seen_again(restore), seen, now)


def wanted(restore: Restore) -> ObservationKind | None:
    """The look that the next round needs; None while only people or time can move it."""
    match restore.phase:
        case Phase.GATHERING:
            return None if restore.question else ObservationKind.CANDIDATES
        case Phase.CHECKING:
            return ObservationKind.FULL
        case Phase.STOP_CHOICE | Phase.TYPING | Phase.CONFIRMING:
            return None
        case Phase.STOPPING:
            return ObservationKind.VMI
        case Phase.PROTECTING:
            taken = restore.safety is not None and restore.safety.uid is not None
            return ObservationKind.SAFETY if taken else ObservationKind.RECHECK
        case Phase.RESTORING:
            unsure = restore.job is None or restore.job.uid is None
            return ObservationKind.RECHECK if unsure else ObservationKind.JOB
        case Phase.SUCCEEDED | Phase.FAILED | Phase.CANCELLED | Phase.REFUSED | Phase.EXPIRED:
            return ObservationKind.VMI if start_is_due(restore) else None


def last_look(restore: Restore, now: datetime) -> ObservationKind | None:
    """What time alone makes due.

    Before an open question expires, whether it was answered and done already; after the end, what it
    left behind.
    """
    if restore.phase.ended:
        return ended.wanted(restore, now)
    over = restore.deadline is not None and now >= restore.deadline
    asked = restore.phase in (Phase.STOP_CHOICE, Phase.TYPING, Phase.CONFIRMING)
    return ObservationKind.VMI if over and asked else None


def acts_for(restore: Restore) -> tuple[UserId, ...]:
    """In whose name the next act is done: the policy is asked about each of them."""
    confirmed, start = restore.confirmation, restore.start
    people = [restore.owner]
    if confirmed is not None and not restore.phase.ended:
        people.append(confirmed.by)
    if start is not None and start_is_due(restore):
        people.append(start.by)
    return tuple(dict.fromkeys(people))


def planned(restore: Restore, now: datetime) -> CreateRestore:
    """The very restore that would be made now, for the dry run."""
    return create_restore(restore, object_name("restore", restore, now))


_PACE: dict[Phase, float] = {
    Phase.GATHERING: 1,
    Phase.CHECKING: 1,
    Phase.STOPPING: 2,
    Phase.PROTECTING: 3,
    Phase.RESTORING: 20,
}
"""Seconds between looks. In RESTORING the watch wakes the restore; this is its safety net."""
_BRISK = 2
"""The same, while an answer of the cluster is missing or an object is being deleted."""


def next_due(restore: Restore, now: datetime, *, moved: bool) -> datetime | None:
    """When somebody must look again; `moved` says that this round changed the phase."""
    if restore.phase.ended:
        return _due_after_the_end(restore, now, moved=moved)
    limits = [limit for limit in (restore.deadline, _offered_until(restore)) if limit]
    if wanted(restore) is not None:
        limits.append(_next_look(restore, now, moved=moved))
        if restore.job and restore.job.wait_until and restore.job.wait_until > now:
            limits.append(restore.job.wait_until)
    return min(limits) if limits else now + AFTERCARE


def _offered_until(restore: Restore) -> datetime | None:
    return restore.offer.until if restore.offer is not None else None


def _next_look(restore: Restore, now: datetime, *, moved: bool) -> datetime:
    if restore.trouble_since is not None:
        away = (now - restore.trouble_since).total_seconds()
        return now + timedelta(seconds=min(15.0, max(1.0, away / 4)))
    if moved:
        return now
    deleting = restore.job is not None and restore.job.deleting
    unsure = restore.phase is Phase.RESTORING and wanted(restore) is ObservationKind.RECHECK
    pace = _BRISK if unsure or deleting else _PACE[restore.phase]
    return now + timedelta(seconds=pace)


def _due_after_the_end(restore: Restore, now: datetime, *, moved: bool) -> datetime | None:
    if start_is_due(restore):
        return now if moved else now + timedelta(seconds=_BRISK)
    if restore.closed or restore.outcome is None:
        return None
    looks = (_offered_until(restore), left.due_at(restore), looked_at(restore, now))
    return min(limit for limit in (restore.outcome.at + AFTERCARE, *looks) if limit)


def _blind(restore: Restore, observation: Observation) -> str | None:
    """Why nothing may be taken for absent in this look, where no check will say it."""
    protecting = restore.phase is Phase.PROTECTING and restore.safety is None
    restoring = restore.phase is Phase.RESTORING and restore.job is None
    checked = restore.phase in (Phase.GATHERING, Phase.CHECKING)
    if checked or protecting or restoring:
        return None
    if not observation.kubevirt:
        return refusals.NOT_SERVED_NOW
    if observation.forbidden is not None:
        return refusals.MAY_NOT_LOOK.format(text=observation.forbidden.text)
    return None


def _seen_again(restore: Restore) -> Restore:
    if restore.trouble is None:
        return restore
    return restore.model_copy(update={"trouble": None, "trouble_since": None})


def _unseen(restore: Restore, failed: ObservationFailed, now: datetime) -> Restore:
    """Nobody answers. What is under way is not given up soon; what has not begun ends."""
    what = failed.what[:300]
    if restore.phase.ended:
        return _unseen_after_the_end(restore, failed, now)
    since = restore.trouble_since or now
    running = restore.job is not None
    patience = UNREACHABLE_LIMIT if running else timedelta(seconds=restore.rules.answer_timeout)
    if now - since < patience:
        return restore.model_copy(update={"trouble": what, "trouble_since": since})
    reason, text = _SILENT[failed.asked]
    found = text.found.format(what=what)
    if running:
        return edits.fail(restore, reason, found, now)
    outcome = Outcome(reason=reason, at=now, found=found, next=text.next)
    return edits.end(restore, Phase.REFUSED, outcome, endings.GIVEN_UP)


_SILENT: dict[FarSide, tuple[Reason, RefusalText]] = {
    FarSide.CLUSTER: (Reason.CLUSTER_UNREACHABLE, refusals.UNREACHABLE),
    FarSide.SLACK: (Reason.SLACK_UNREACHABLE, refusals.SLACK_UNREACHABLE),
}


def _unseen_after_the_end(restore: Restore, failed: ObservationFailed, now: datetime) -> Restore:
    start = restore.start
    if start is None or not start_is_due(restore) or now < start.at + START_WITHIN:
        return left.put_off(restore, now) if start is None or not start.pending else restore
    why = refusals.START_UNREACHABLE if failed.asked is FarSide.CLUSTER else refusals.START_UNASKED
    return ended.start_failed(restore, why.format(what=failed.what), now)


def _placed(
    restore: Restore, event: Anchored | ChannelGone | ChannelMoved | Appeared, now: datetime
) -> Restore:
    match event:
        case Appeared(found=found):
            return appeared(restore, found, now)
        case Anchored(ts=ts):
            return _anchored(restore, ts)
        case ChannelGone():
            return _channel_gone(restore, event, now)
        case ChannelMoved(old=old, new=new):
            return _channel_moved(restore, old, new)


def _anchored(restore: Restore, ts: str) -> Restore:
    if restore.thread_ref.thread is not None:
        return restore
    thread_ref = restore.thread_ref.model_copy(update={"thread": ts})
    return restore.model_copy(update={"thread_ref": thread_ref})


def _channel_moved(restore: Restore, old: str, new: str) -> Restore:
    if restore.closed or restore.thread_ref.channel != old:
        return restore
    thread_ref = restore.thread_ref.model_copy(update={"channel": new})
    return restore.model_copy(update={"thread_ref": thread_ref})


def _channel_gone(restore: Restore, gone: ChannelGone, now: datetime) -> Restore:
    """Nobody can be asked any more: what has not begun ends; what runs is followed by DM."""
    moved, before = restore, restore.thread_ref
    if gone.dm is not None:
        deleted = gone.loss is ConversationLoss.THREAD_DELETED
        there = before.in_direct(gone.dm, deleted=deleted)
        moved = restore.model_copy(update={"thread_ref": there})
    if restore.phase.ended or restore.job is not None:
        return moved
    lost = _LOST[gone.loss]
    where = refusals.OUR_DM if before.direct else f"<#{before.channel}>"
    found = lost.found.format(where=where, error=gone.said)
    outcome = Outcome(reason=Reason.CHANNEL_UNREACHABLE, at=now, found=found, next=lost.next)
    return edits.end(moved, Phase.CANCELLED, outcome, endings.THREAD_LOST)


_LOST: dict[ConversationLoss, RefusalText] = {
    ConversationLoss.THREAD_DELETED: refusals.THREAD_DELETED,
    ConversationLoss.ARCHIVED: refusals.CHANNEL_ARCHIVED,
    ConversationLoss.UNSEEN: refusals.CHANNEL_UNSEEN,
    ConversationLoss.UNWRITABLE: refusals.CHANNEL_UNWRITABLE,
}
"""What became of the conversation, and what to do."""
