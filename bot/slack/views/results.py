"""The card that says how a restore ended, what state the VM is in, and what can be done now.

Which buttons are answered is decided by the core (`user_events.start_is_offered`,
`follow_up.offered`);
this file only leaves out those that would not help.
"""

from collections.abc import Callable
from datetime import datetime

from slack_sdk.models.blocks import ButtonElement

from bot.restore import follow_up, starts
from bot.restore.events import Button
from bot.restore.model import Outcome, Phase, Restore
from bot.restore.reasons import Reason
from bot.restore.rules import VolumePolicy
from bot.restore.thread import CardKind
from bot.slack.markup.message_text import hint
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    code,
    disks,
    fill,
    joined,
    mention,
    moment,
    names,
    quoted,
    sentence,
    utc,
)
from bot.slack.views import diagnosis
from bot.slack.views.aftermath import (
    BLOCKS_NOTHING,
    about,
    advice,
    found,
    in_short,
    preserved,
    strategy_before,
    told,
    vm_lines,
)
from bot.slack.views.layout import (
    CardContext,
    Draft,
    actions,
    answered,
    button,
    header,
    notice,
    section,
)
from bot.slack.views.left_behind import leftovers
from bot.slack.views.progress import start_line
from bot.slack.views.progress import state as phase_words
from bot.slack.views.refusals import Parts, refused
from bot.texts import general
from bot.texts import results as texts

OF_SNAPSHOTS = frozenset(
    {
        Reason.SNAPSHOT_NOT_FOUND,
        Reason.SNAPSHOT_BEING_DELETED,
        Reason.SNAPSHOT_CONTENT_BEING_DELETED,
        Reason.VOLUME_SNAPSHOT_BEING_DELETED,
        Reason.VOLUME_SNAPSHOT_MISSING,
        Reason.SNAPSHOT_OF_OTHER_VM,
        Reason.CONFIGURATION_ONLY,
        Reason.VM_RECREATED,
    }
)
"""Refusals that only another snapshot of the VM may fix."""
NO_START = frozenset({Reason.VM_STARTED, Reason.VM_DELETED})
"""Ends at which there is nothing to start."""


def result(ctx: CardContext) -> Draft:
    """How it ended."""
    outcome = ctx.restore.outcome
    if any(
        card.kind is CardKind.APPEARED and card.number > ctx.card.number
        for card in ctx.restore.cards
    ):
        said = ctx.say(texts.EARLIER_END)
        return Draft(said, section(said))
    if outcome is None or not ctx.restore.phase.ended:
        said = ctx.say(texts.NOT_ENDED, state=phase_words(ctx.restore))
        return Draft(said, section(said))
    heading, text, blocks = _KINDS[ctx.restore.phase](ctx, outcome)
    owner = ctx.first_line(_ended_how(ctx.restore, outcome))
    start = start_line(ctx)
    page = [
        header(heading),
        *section(owner),
        *blocks,
        *section(start),
        *actions(ctx, *_buttons(ctx, outcome)),
        *answered(ctx),
    ]
    short = in_short(ctx)
    return Draft(notice(ctx, joined((text, short), "\n") if short else text), page)


def _ended_how(restore: Restore, outcome: Outcome) -> str:
    """The first line: what became of it."""
    if restore.phase is Phase.SUCCEEDED:
        return texts.CHECK_IT if outcome.unproven else texts.RESTORED
    if restore.phase is Phase.FAILED and not starts.untouched(restore):
        if outcome.reason is Reason.VM_DELETED:
            return texts.FAILED_WITHOUT_VM
        return texts.FAILED_AND_LIVE if outcome.live else texts.NOT_RESTORED_YET
    return texts.NOTHING_RESTORED if starts.untouched(restore) else texts.OVER


# Success


def _succeeded(ctx: CardContext, outcome: Outcome) -> Parts:
    status = sentence(outcome.vm_status or texts.STATUS_NOT_READ, 300)
    preview = ctx.restore.preview
    created = preview.snapshot_created if preview else None
    earlier = ctx.restore.job.restored_at if ctx.restore.job else None
    blocks = [
        *section(_unproven(outcome)),
        *section(ctx.vm_line, ctx.say(texts.RESTORED_FROM)),
        *section(
            Mrkdwn(texts.DETAILS),
            fill(texts.SNAPSHOT_CREATED, when=moment(created)) if created else None,
            fill(texts.COMPLETED, when=moment(earlier or outcome.at)),
            fill(texts.LEARNT_LATER, when=moment(outcome.at)) if earlier else None,
            *_filled_and_verified(ctx.restore, outcome),
            fill(texts.STATUS, status=status),
        ),
        *section(
            Mrkdwn(texts.LOSS),
            _lost(outcome, created),
            *_other_disks(ctx.restore, outcome),
        ),
        *section(_pending(ctx, outcome), *leftovers(ctx, outcome)),
        *section(*_next_steps(ctx)),
    ]
    if outcome.unproven:
        return texts.UNPROVEN_HEADING, ctx.say(texts.UNPROVEN_TEXT), blocks
    return texts.SUCCEEDED_HEADING, ctx.say(texts.SUCCEEDED_TEXT), blocks


def _filled_and_verified(restore: Restore, outcome: Outcome) -> list[Mrkdwn]:
    """Complete is what the cluster says; filled and verified are what was seen of it."""
    if outcome.detached is None or restore.job is None:
        return []
    if outcome.unproven:
        return [Mrkdwn(texts.NOT_VERIFIED)]
    total = restore.job.volumes_total
    waiting = len(outcome.pending)
    filled = fill(texts.FILLED_LATER, count=waiting, total=total)
    lines = [filled if waiting else fill(texts.FILLED, total=total)]
    if outcome.detached:
        return [*lines, fill(texts.DETACHED, volumes=names(outcome.detached, room=250))]
    seen = restore.start.agent_at if restore.start else None
    agent = [fill(texts.AGENT_SEEN, when=moment(seen))] if seen else []
    return [*lines, Mrkdwn(texts.VERIFIED), *agent]


def _lost(outcome: Outcome, created: datetime | None) -> Mrkdwn:
    if outcome.unproven:
        return Mrkdwn(texts.LOST_UNPROVEN)
    return fill(texts.LOST, created=utc(created)) if created else Mrkdwn(texts.LOST_WITHOUT_TIME)


def _unproven(outcome: Outcome) -> Mrkdwn | None:
    """The claims did not show it, so that nothing is promised."""
    why = outcome.unproven
    return fill(texts.UNPROVEN, why=sentence(why, 400)) if why else None


def _other_disks(restore: Restore, outcome: Outcome) -> list[Mrkdwn | None]:
    """What became of the disks that were not in the snapshot, as far as they still exist."""
    shown = restore.preview
    once = shown.disks_left_out if shown and not shown.fates else ()
    kept, deleted = outcome.kept, outcome.deleted
    return [
        fill(texts.NOT_ROLLED_BACK, disks=disks(kept)) if kept else None,
        fill(texts.WERE_DELETED, disks=disks(deleted)) if deleted else None,
        fill(texts.LEFT_OUT_ONCE, disks=disks(once)) if once else None,
    ]


def _pending(ctx: CardContext, outcome: Outcome) -> Mrkdwn | None:
    if not outcome.pending:
        return None
    return ctx.say(texts.PENDING, volumes=names(outcome.pending, room=250))


def _next_steps(ctx: CardContext) -> list[Mrkdwn]:
    start, undo = _may_start(ctx), _may_undo(ctx)
    if not (start or undo):
        return []
    lines = [Mrkdwn(texts.NEXT_STEPS)]
    if start:
        lines += [Mrkdwn(texts.TO_START), ctx.say(texts.START_IT)]
        lines += [before] if (before := strategy_before(ctx.restore)) else []
    safety = ctx.restore.safety
    if undo and safety:
        lines += [Mrkdwn(texts.TO_UNDO), fill(texts.UNDO_IT, safety=code(safety.name))]
        if ctx.restore.rules.volume_policy is VolumePolicy.PREFIX_TARGET_NAME:
            lines.append(Mrkdwn(texts.UNDO_NEEDS_NAMES))
    return lines


# Failure


def _failed(ctx: CardContext, outcome: Outcome) -> Parts:
    error = told(outcome, outcome.found or texts.NO_ERROR, 800)
    short = told(outcome, outcome.found or texts.NO_ERROR, 300)
    blocks = [
        *section(fill(texts.ERROR, error=error)),
        *section(ctx.vm_line, ctx.say(texts.SNAPSHOT)),
        *section(*_failed_state(ctx, outcome)),
        *section(*leftovers(ctx, outcome)),
        *section(*advice(outcome)),
        *section(*diagnosis.short_lines(ctx.restore)),
        *section(*map(Mrkdwn, _recovery(outcome)), _blocked(ctx)),
    ]
    untrue = outcome.reason is Reason.NOT_RESTORED
    heading = texts.NOT_RESTORED_HEADING if untrue else texts.FAILED_HEADING
    return heading, ctx.say(texts.FAILED_TEXT, error=short), blocks


def _recovery(outcome: Outcome) -> tuple[str, ...]:
    """A VM that is gone cannot be restored in its place."""
    gone = outcome.reason is Reason.VM_DELETED
    return texts.RECOVERY_WITHOUT_VM if gone else texts.RECOVERY


def _failed_state(ctx: CardContext, outcome: Outcome) -> list[Mrkdwn | None]:
    lines = vm_lines(ctx, outcome)
    if starts.untouched(ctx.restore) and not outcome.vm_status:
        return [fill(texts.CURRENT_STATE, state=Mrkdwn(texts.STATE_UNCHANGED)), *lines]
    return lines


def _blocked(ctx: CardContext) -> Mrkdwn | None:
    """What a restore that follows removes; once there is one, it is that one's to tell."""
    restore = ctx.restore
    seen_gone = restore.outcome is not None and restore.outcome.reason in BLOCKS_NOTHING
    gone = seen_gone or not ctx.open
    if restore.job is None or restore.job.uid is None or starts.untouched(restore) or gone:
        return None
    named = fill(texts.BLOCKER, name=code(restore.job.name))
    return joined((named, Mrkdwn(texts.BLOCKER_GOES))) if ctx.usable else named


# Cancelled and expired


def _cancelled(ctx: CardContext, outcome: Outcome) -> Parts:
    match outcome.reason:
        case Reason.NAMES_DIFFER:
            return _names_differ(ctx, outcome)
        case Reason.CANCELLED_BY_USER | Reason.CANCELLED_BY_OPERATOR | Reason.TYPED_INSTEAD | None:
            return _cancelled_by_user(ctx, outcome)
        case _:
            return refused(ctx, outcome)


def _names_differ(ctx: CardContext, outcome: Outcome) -> Parts:
    cancelled = texts.CANCELLED_STOPPED if ctx.restore.stopped_by_us else texts.CANCELLED_PRESERVED
    kept = Mrkdwn(cancelled if starts.untouched(ctx.restore) else texts.OPERATION_CANCELLED)
    blocks = [
        *section(
            _typed(ctx.restore, outcome),
            ctx.say(texts.NAME_EXPECTED),
        ),
        *section(_hint(ctx, outcome)),
        *section(Mrkdwn(texts.NAMES_DIFFER), kept),
        *section(ctx.vm_line, *vm_lines(ctx, outcome)),
    ]
    return texts.NAMES_HEADING, ctx.say(texts.NAMES_TEXT), blocks


def _typed(restore: Restore, outcome: Outcome) -> Mrkdwn:
    """Who typed what: the card is addressed to the owner, who may have it from somebody else."""
    typed = quoted(outcome.typed or "", 300)
    if outcome.by is None or outcome.by == restore.owner:
        return fill(texts.YOU_TYPED, typed=typed)
    return fill(texts.THEY_TYPED, by=mention(outcome.by), typed=typed)


def _hint(ctx: CardContext, outcome: Outcome) -> Mrkdwn | None:
    """Why the names may differ although the right one was meant."""
    said = hint(outcome.typed or "", ctx.restore.target.snapshot)
    return fill(texts.HINT, hint=sentence(said, 400)) if said else None


def _cancelled_by_user(ctx: CardContext, outcome: Outcome) -> Parts:
    operator = outcome.found if outcome.reason is Reason.CANCELLED_BY_OPERATOR else ""
    first = Mrkdwn(texts.OPERATION_CANCELLED if operator else texts.CANCELLED_BY_USER)
    said = joined((first, _preserved(ctx)) if starts.untouched(ctx.restore) else (first,))
    typed = outcome.reason is Reason.TYPED_INSTEAD
    blocks = [
        *section(
            said,
            fill(texts.CANCELLED_BY, by=mention(outcome.by)) if outcome.by else None,
            fill(texts.CANCELLED_BY_OPERATOR, operator=code(operator)) if operator else None,
            Mrkdwn(texts.TYPED_INSTEAD) if typed else None,
        ),
        *about(ctx),
        *preserved(ctx, outcome),
    ]
    return texts.CANCELLED_HEADING, ctx.say(texts.CANCELLED_TEXT, said=said), blocks


def _preserved(ctx: CardContext) -> Mrkdwn:
    """What no restore has touched; a guest that the bot has stopped is no state that was kept."""
    stopped = ctx.restore.stopped_by_us
    return Mrkdwn(texts.PRESERVED_BUT_STOPPED if stopped else texts.PRESERVED)


def _expired(ctx: CardContext, outcome: Outcome) -> Parts:
    calm = starts.untouched(ctx.restore)
    said = joined(
        (Mrkdwn(texts.NOBODY_ANSWERED), Mrkdwn(texts.OPERATION_CANCELLED), _preserved(ctx))
        if calm
        else (Mrkdwn(texts.NOBODY_ANSWERED),)
    )
    blocks = [
        *section(said, *found(outcome)),
        *about(ctx),
        *preserved(ctx, outcome),
    ]
    text = ctx.say(texts.EXPIRED_TEXT if calm else texts.EXPIRED_TEXT_TOUCHED)
    return texts.EXPIRED_HEADING, text, blocks


# What can be done next


def _may_start(ctx: CardContext) -> bool:
    """A start is offered, and none is under way or done."""
    start = ctx.restore.start
    waiting = start is None or start.error is not None
    outcome = ctx.restore.outcome
    senseless = outcome is not None and outcome.reason in NO_START
    return ctx.usable and waiting and not senseless and starts.start_is_offered(ctx.restore)


def _may_undo(ctx: CardContext) -> bool:
    safety = ctx.restore.safety
    return ctx.usable and safety is not None and safety.ready_at is not None


def _buttons(ctx: CardContext, outcome: Outcome) -> list[ButtonElement | None]:
    succeeded = ctx.restore.phase is Phase.SUCCEEDED
    label = None if succeeded else general.START_AGAIN
    style = "primary" if succeeded else None
    start = button(ctx, Button.START_VM, label=label, style=style) if _may_start(ctx) else None
    offered = follow_up.offered(ctx.restore)
    onward = [kind for kind in _helpful(ctx.restore.phase, outcome) if kind in offered]
    failed = ctx.restore.phase is Phase.FAILED
    summary = button(ctx, Button.SUMMARY) if failed else None
    return [start, *(button(ctx, kind) for kind in onward), summary]


def _helpful(phase: Phase, outcome: Outcome) -> tuple[Button, ...]:
    """Ways to a new restore that may end better than this one did, the best first."""
    match phase, outcome.reason:
        case Phase.SUCCEEDED, _:
            return (Button.UNDO,)
        case Phase.FAILED, _:
            return (Button.TRY_AGAIN, Button.OTHER_SNAPSHOT)
        case _, Reason.SNAPSHOT_NOT_READY | Reason.SNAPSHOT_CONTENT_MISSING | Reason.QUOTA_EXCEEDED:
            return (Button.OTHER_SNAPSHOT, Button.START_OVER)
        case _, Reason.SNAPSHOT_NOT_FOUND if not outcome.choices:
            return ()
        case _, reason if reason in OF_SNAPSHOTS:
            return (Button.OTHER_SNAPSHOT,)
        case _, Reason.KUBEVIRT_MISSING | Reason.VM_NOT_FOUND:
            return ()
        case _:
            return (Button.START_OVER,)


_KINDS: dict[Phase, Callable[[CardContext, Outcome], Parts]] = {
    Phase.SUCCEEDED: _succeeded,
    Phase.FAILED: _failed,
    Phase.CANCELLED: _cancelled,
    Phase.EXPIRED: _expired,
    Phase.REFUSED: refused,
}
