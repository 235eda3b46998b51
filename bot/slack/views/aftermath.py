"""What a restore that did not succeed leaves behind, said truthfully and in one place.

"Preserved" stands only where no restore was ever sent, and what the bot's own stop left behind is
said on every way out.
"""

from slack_sdk.models.blocks import Block

from bot.restore import starts
from bot.restore.model import Outcome, Phase, Restore
from bot.restore.reasons import Reason
from bot.slack.markup.mrkdwn import Mrkdwn, code, fill, moment, names, referring, sentence
from bot.slack.views.layout import CardContext, section
from bot.texts import results as texts

BLOCKS_NOTHING = frozenset(
    {Reason.RESTORE_DELETED, Reason.RESTORE_GIVEN_UP, Reason.VM_DELETED, Reason.NOT_RESTORED}
)
"""Failures with a restore object that is gone, or complete."""


def vm_lines(ctx: CardContext, outcome: Outcome) -> list[Mrkdwn | None]:
    """What is known of the VM after a restore that did not succeed."""
    status = sentence(outcome.vm_status, 300) if outcome.vm_status else None
    if outcome.reason is Reason.VM_DELETED:
        return [fill(texts.CURRENT_STATE, state=Mrkdwn(texts.GONE)), _safety(ctx.restore)]
    if not starts.untouched(ctx.restore):
        known = None if ctx.restore.vm_state_unknown else status
        state = fill(texts.CURRENT_STATE, state=known or Mrkdwn(texts.STATE_UNKNOWN))
        stopped = after_stop(ctx) if ctx.restore.job is None else []
        request = ctx.restore.request
        command = code(texts.STOP_COMMAND.format(vm=request.vm, namespace=request.namespace), 600)
        stop_it = fill(texts.STOP_IT, command=command)
        now = stop_it if outcome.live else Mrkdwn(texts.DO_NOT_START)
        return [state, now, *stopped, _safety(ctx.restore)]
    shown = fill(texts.VM_STATUS, status=status) if status else None
    return [shown, *after_stop(ctx), _safety(ctx.restore)]


def _safety(restore: Restore) -> Mrkdwn | None:
    """The snapshot of the state before, which nobody but people removes."""
    safety = restore.safety
    if safety is None:
        return None
    begun = texts.SAFETY_BEGUN if safety.uid else texts.SAFETY_UNSURE
    return fill(texts.SAFETY_READY if safety.ready_at else begun, name=code(safety.name))


def after_stop(ctx: CardContext) -> list[Mrkdwn | None]:
    """What the bot's own stop left behind."""
    restore, stop = ctx.restore, ctx.restore.stop
    if stop is None or stop.asked_at is None or started_since(restore):
        return []
    when = moment(stop.done_at or stop.asked_at)
    if stop.done_at is None and stop.error:
        said = ctx.say(texts.STOP_FAILED, when=when, error=sentence(stop.error, 600))
    else:
        said = ctx.say(texts.IS_STOPPED if stop.done_at else texts.IS_STOPPING, when=when)
    offered = starts.start_is_offered(restore) and ctx.usable and restore.start is None
    before = strategy_before(restore)
    return [said, before, Mrkdwn(texts.START_OFFERED) if offered else None]


def strategy_before(restore: Restore) -> Mrkdwn | None:
    """What it was before the stop; of Once also that no start brings it back."""
    stop = restore.stop
    if stop is None or not stop.strategy:
        return None
    words = texts.WAS_ONCE if stop.strategy == "Once" else texts.WAS_STRATEGY
    return fill(words, strategy=code(stop.strategy, 40))


def in_short(ctx: CardContext) -> Mrkdwn | None:
    """The same for phones."""
    stop = ctx.restore.stop
    if ctx.restore.phase is Phase.SUCCEEDED or not starts.untouched(ctx.restore):
        return None
    if stop is None or stop.asked_at is None or started_since(ctx.restore):
        return None
    if stop.error and stop.done_at is None:
        return None
    return Mrkdwn(texts.IN_SHORT_STOPPED if stop.done_at else texts.IN_SHORT_STOPPING)


def started_since(restore: Restore) -> bool:
    """The VM that the bot has stopped runs again, by the bot's start or by somebody else's."""
    started = restore.start is not None and restore.start.done_at is not None
    outcome = restore.outcome
    return started or (outcome is not None and outcome.reason is Reason.VM_STARTED)


def preserved(ctx: CardContext, outcome: Outcome) -> list[Block]:
    """For what ended before the restore; a restore that was sent is never called harmless."""
    lines = vm_lines(ctx, outcome)
    quiet = (
        starts.untouched(ctx.restore) and not ctx.restore.stopped_by_us and not outcome.vm_status
    )
    said = texts.NOT_TOUCHED_AGAIN if ctx.restore.previous else texts.NOT_TOUCHED
    return section(*lines, Mrkdwn(said) if quiet else None)


def about(ctx: CardContext) -> list[Block]:
    """Which VM and which snapshot, as far as they are known."""
    request = ctx.restore.request
    vm = ctx.vm_line if request.vm else None
    return section(vm, ctx.say(texts.SNAPSHOT) if request.snapshot else None)


REFERRING = frozenset({Reason.HELD_BY_OTHER, Reason.CHANNEL_UNREACHABLE})
"""Reasons whose sentences are the core's own and name people, channels or threads."""


def told(outcome: Outcome, text: str, most: int) -> Mrkdwn:
    """A sentence of an outcome. What may quote the cluster can never mention anybody."""
    return referring(text, most) if outcome.reason in REFERRING else sentence(text, most)


def found(outcome: Outcome) -> list[Mrkdwn]:
    """What was found."""
    return [fill(texts.FOUND, found=told(outcome, outcome.found, 800))] if outcome.found else []


def advice(outcome: Outcome) -> list[Mrkdwn | None]:
    """What was expected, what to do next, and names that help."""
    expected, following = outcome.expected, outcome.next
    near = outcome.reason is Reason.VM_NOT_FOUND
    title = texts.DID_YOU_MEAN if near else texts.CHOICES
    shown = names(outcome.choices, room=700, more=outcome.more_choices)
    return [
        fill(texts.EXPECTED, expected=told(outcome, expected, 400)) if expected else None,
        fill(title, names=shown) if outcome.choices else None,
        fill(texts.NEXT, next=told(outcome, following, 600)) if following else None,
    ]
