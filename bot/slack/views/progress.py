"""The cards that show how it goes: the request itself, the stop, the safety snapshot, the restore."""

from slack_sdk.models.blocks import Block, ButtonElement, PlainTextObject, UserSelectElement

from bot.restore.denials import denial
from bot.restore.events import Button
from bot.restore.locks import is_stuck
from bot.restore.model import Job, Phase, Restore
from bot.restore.observation import ApiRejection
from bot.restore.reasons import Reason
from bot.restore.starts import FOLLOWED
from bot.restore.stop_and_start import Start
from bot.restore.thread import CardKind, UserId
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    clock,
    code,
    duration,
    fill,
    joined,
    mention,
    moment,
    sentence,
)
from bot.slack.views import diagnosis
from bot.slack.views.layout import (
    CardContext,
    Draft,
    action_id,
    actions,
    answered,
    button,
    cancel,
    context,
    dialog,
    header,
    notice,
    section,
    trouble,
)
from bot.slack.views.questions import asked, no_end, stop_error
from bot.texts import cards as texts
from bot.texts import general, handoff, reappeared, results
from bot.texts import stopping as stopping_texts


def request(ctx: CardContext) -> Draft:
    """Who asked for what, and where it stands: the first card, kept current to the end."""
    restore = ctx.restore
    request = _asked(ctx)
    live = not restore.phase.ended
    # It is closed while the restore lives only where the restore has moved away from.
    now = ctx.closed if live and not ctx.open else state(restore)
    passed_on = ctx.say(general.OWNER_NOW) if restore.owner != restore.requester else None
    blocks = [
        header(general.ASKED_HEADING),
        *section(request, passed_on),
        *section(fill(general.STATE, state=now), trouble(restore) if live else None),
        *context(Mrkdwn(general.CONTINUES) if restore.previous else None),
        *actions(ctx, cancel(ctx) if live and restore.job is None else None, _hand_over(ctx)),
    ]
    return Draft(fill("{asked}\n{state}", asked=request, state=now), blocks)


def _hand_over(ctx: CardContext) -> UserSelectElement | None:
    """The list of people, unless somebody has been asked already."""
    if ctx.restore.offer is not None:
        return None
    title, text, yes = handoff.HAND_OVER_TITLE, handoff.HAND_OVER_DIALOG, handoff.HAND_OVER_YES
    return UserSelectElement(
        action_id=action_id(Button.HAND_OVER),
        placeholder=PlainTextObject(text=general.LABELS[Button.HAND_OVER]),
        confirm=dialog(ctx, title, text, Button.HAND_OVER, yes=yes, style="primary"),
    )


def _asked(ctx: CardContext) -> Mrkdwn:
    """As much of the request as is known."""
    request = ctx.restore.request
    described = code(request.described or "", 100)
    parts = {
        general.ASKED_PLACE: request.namespace is not None,
        general.ASKED_CLUSTER: request.cluster != general.DEFAULT_CLUSTER,
        general.ASKED_SNAPSHOT: request.snapshot is not None,
        general.ASKED_DESCRIBED: request.snapshot is None and bool(request.described),
    }
    begin = general.ASKED_FOR if request.vm else general.ASKED_FOR_A_VM
    known = "".join((begin, *(part for part, is_known in parts.items() if is_known)))
    return ctx.say(
        known,
        owner=mention(ctx.restore.requester),
        cluster=code(request.cluster, 100),
        described=described,
    )


def state(restore: Restore, reader: UserId | None = None) -> Mrkdwn:
    """Where a restore stands, in a few words. `reader`: who alone reads it, if so."""
    if restore.question is not None:
        what = Mrkdwn(general.WAITS_FOR[restore.question.kind])
        theirs = reader == restore.owner
        who = Mrkdwn(general.YOU) if theirs else mention(restore.owner)
        known, until = {"owner": who, "what": what}, restore.deadline
        if until is None:
            return fill(general.WAITING, **known)
        return fill(general.WAITING_UNTIL, until=clock(until), **known)
    if restore.phase is Phase.RESTORING and restore.job is None:
        return Mrkdwn(general.LAST_CHECK)
    return joined((Mrkdwn(general.STATES[restore.phase]), *_why(restore)))


def _why(restore: Restore) -> list[Mrkdwn]:
    """A few words more for an end that was not a success."""
    outcome = restore.outcome
    if outcome is None or restore.phase in (Phase.SUCCEEDED, Phase.EXPIRED):
        return []
    if outcome.by and outcome.reason is not Reason.NAMES_DIFFER:
        return [fill(general.STATE_BY, by=mention(outcome.by))]
    if outcome.reason is None:
        return []
    why = results.HEADINGS[outcome.reason].removeprefix("❌ ")
    # These say no more than the state itself.
    idle = {results.CANCELLED_HEADING, results.FAILED_HEADING.removeprefix("❌ ")}
    return [] if why in idle else [Mrkdwn(f"({why})")]


def stopping(ctx: CardContext) -> Draft:
    """The stop of the VM, until the cluster shows that it is down."""
    stop = ctx.restore.stop
    if not ctx.open:
        said = _stop_ended(ctx)
        return Draft(said, section(said))
    force = stop is not None and stop.force
    shown = ctx.restore.preview
    gently = (
        stopping_texts.STOPPING_PAUSED
        if shown is not None and shown.paused
        else stopping_texts.STOPPING
    )
    how = ctx.say(stopping_texts.STOPPING_BY_FORCE if force else gently)
    before = (
        fill(stopping_texts.STRATEGY_KEPT_IN_MIND, strategy=code(stop.strategy, 40))
        if stop
        else None
    )
    blocks = [
        header(stopping_texts.STOPPING_HEADING),
        *section(how, stop_error(ctx), trouble(ctx.restore)),
        *context(before),
        *actions(ctx, cancel(ctx)),
    ]
    return Draft(joined((Mrkdwn(stopping_texts.STOPPING_HEADING), how)), blocks)


def _stop_ended(ctx: CardContext) -> Mrkdwn:
    stop = ctx.restore.stop
    if stop is not None and stop.done_at is not None:
        return ctx.say(stopping_texts.STOP_DONE)
    failed = stop_error(ctx)
    sent = stop is not None and stop.asked_at is not None
    said = stopping_texts.STOP_UNDER_WAY if sent else stopping_texts.STOP_NOT_SENT
    outcome = ctx.restore.outcome
    if sent and outcome is not None and outcome.reason is Reason.VM_STARTED:
        said = stopping_texts.STOP_UNDONE
    ended = ctx.say(said, closed=ctx.closed)
    return joined((ended, failed), "\n") if failed else ended


def protecting(ctx: CardContext) -> Draft:
    """The safety snapshot, until it is ready. What is over is told by how its card was closed."""
    safety = ctx.restore.safety
    if not ctx.open:
        said = ctx.say(texts.PROTECT_ENDED, closed=ctx.closed)
    elif safety is None:
        said = ctx.say(texts.PROTECTING_UNNAMED)
    else:
        ready = safety.ready_at is not None
        said = ctx.say(texts.PROTECTED if ready else texts.PROTECTING, name=code(safety.name))
    waits = _waits(ctx) if ctx.open else None
    bad = trouble(ctx.restore) if ctx.open else None
    known = safety.diagnosis if safety is not None and ctx.open else None
    why = button(ctx, Button.WHY) if waits or known else None
    blocks = [
        *section(said, waits, bad),
        *section(*(diagnosis.told(known) if known else ())),
        *actions(ctx, why, cancel(ctx)),
    ]
    return Draft(said, blocks)


def _waits(ctx: CardContext) -> Mrkdwn | None:
    """Why the safety snapshot is not ready yet, in KubeVirt's words."""
    safety = ctx.restore.safety
    if safety is None or safety.ready_at is not None or not safety.said:
        return None
    return fill(texts.PROTECTING_WAITS, said=sentence(safety.said, 500))


def progress(ctx: CardContext) -> Draft:
    """The restore in the cluster, in KubeVirt's words and in plain ones."""
    restore, job = ctx.restore, ctx.restore.job
    if not ctx.open:
        said = ctx.say(texts.PROGRESS_ENDED, closed=ctx.closed)
        return Draft(said, [*section(said), *context(*_end(job))])
    blocks = [
        header(texts.PROGRESS_HEADING),
        *section(_stuck(restore) or Mrkdwn(texts.PROGRESS_MINUTES)),
        *section(ctx.vm_line, ctx.say(texts.SNAPSHOT)),
        *section(*known(job), elapsed(job), *_deleting(job), trouble(restore)),
        *section(*diagnosis.lines(restore)),
        *actions(ctx, button(ctx, Button.WHY) if job is not None else None),
    ]
    return Draft(ctx.say(texts.PROGRESS_TEXT), blocks)


def _stuck(restore: Restore) -> Mrkdwn | None:
    """What KubeVirt says is an error, which time alone may not heal: who can change it."""
    job = restore.job
    if job is None or not is_stuck(job.progressing):
        return None
    cause = denial(ApiRejection(0, "", job.progressing), restore.target.namespace)
    onward = sentence(cause.next, 400) if cause.stays else Mrkdwn(texts.STUCK_NEXT)
    return fill(texts.STUCK, next=onward)


def known(job: Job | None) -> list[Mrkdwn | None]:
    """What was last seen of the VirtualMachineRestore, without what changes at every look."""
    if job is None:
        return [Mrkdwn(general.LAST_CHECK)]
    volumes = fill(texts.VOLUMES, bound=job.volumes_bound, total=job.volumes_total)
    return [
        fill(texts.JOB, job=code(job.name)),
        _unanswered(job) or _said(job),
        volumes if job.volumes_total else None,
    ]


def _unanswered(job: Job) -> Mrkdwn | None:
    """The create has no answer: nothing is known of it until the server's own limit is over."""
    if job.uid is not None or job.unanswered_until is None:
        return None
    return fill(texts.NOT_ANSWERED, until=moment(job.unanswered_until))


def _said(job: Job) -> Mrkdwn:
    """KubeVirt's own words, with their meaning where we know it."""
    said = [text for text in dict.fromkeys((job.progressing, job.ready)) if text]
    if not said:
        return Mrkdwn(texts.NOT_SEEN_YET)
    quoted = joined([fill(texts.QUOTE, said=sentence(text, 500)) for text in said], ", ")
    lowered = " ".join(said).casefold()
    meaning = next((means for part, means in texts.MEANS if part in lowered), None)
    if meaning:
        quoted = fill(texts.MEANING, said=quoted, meaning=Mrkdwn(meaning))
    return fill(texts.SAYS, said=quoted)


def elapsed(job: Job | None) -> Mrkdwn | None:
    """How long the restore has been running, as far as anybody has looked."""
    if job is None or job.looked_at is None:
        return None
    return fill(texts.ELAPSED, length=duration((job.restored_at or job.looked_at) - job.decided_at))


def _deleting(job: Job | None) -> list[Mrkdwn]:
    if job is None or not job.deleting:
        return []
    return [fill(texts.DELETING, by=mention(job.delete_asked_by or "?"))]


def _end(job: Job | None) -> list[Mrkdwn | None]:
    return [fill(texts.JOB, job=code(job.name)), elapsed(job)] if job else []


def found_again(ctx: CardContext) -> Draft:
    """The bot's records are gone: what it goes on from."""
    job = ctx.restore.job
    named = fill(texts.JOB, job=code(job.name)) if job else None
    said = ctx.say(reappeared.FOUND_AGAIN)
    blocks = [
        header(reappeared.FOUND_AGAIN_HEADING),
        *section(said, ctx.when_open(reappeared.FOUND_AGAIN_FOLLOWED)),
        *section(ctx.vm_line, ctx.say(texts.SNAPSHOT), named),
        *context(Mrkdwn(reappeared.FOUND_AGAIN_BUTTONS)),
        *answered(ctx),
    ]
    return Draft(notice(ctx, ctx.say(reappeared.FOUND_AGAIN_TEXT)), blocks)


def appeared(ctx: CardContext) -> Draft:
    """The object came into being after the end: the restore goes on."""
    job = ctx.restore.job
    named = fill(texts.JOB, job=code(job.name)) if job else None
    said = ctx.say(reappeared.APPEARED_ANOTHER if ctx.restore.objects else reappeared.APPEARED)
    blocks = [
        header(reappeared.APPEARED_HEADING),
        *section(said, ctx.when_open(reappeared.APPEARED_FOLLOWED)),
        *section(ctx.vm_line, ctx.say(texts.SNAPSHOT), named),
        *answered(ctx),
    ]
    return Draft(notice(ctx, ctx.say(reappeared.APPEARED_TEXT)), blocks)


def overdue(ctx: CardContext) -> Draft:
    """Longer than usual: wait, or give up. The restore itself goes on either way."""
    restore, job = ctx.restore, ctx.restore.job
    since = job.decided_at if job else restore.entered_at
    said = ctx.say(texts.OVERDUE, length=duration(ctx.card.opened_at - since))
    wait, *others = texts.OVERDUE_CHOICES
    choices = (diagnosis.keep_waiting(ctx, wait), *map(Mrkdwn, (*others, texts.UNTIL_THEN)))
    blocks = [
        header(texts.OVERDUE_HEADING),
        *section(asked(ctx, texts.OVERDUE_ASK), said),
        *section(
            *(*known(job), _stuck(restore), _delete_error(ctx), trouble(restore))
            if ctx.open
            else ()
        ),
        *section(*diagnosis.lines(restore) if ctx.open else ()),
        *section(*choices if ctx.open else ()),
        *actions(ctx, *_overdue_buttons(ctx)),
        *no_end(ctx),
        *answered(ctx),
    ]
    return Draft(notice(ctx, ctx.say(texts.OVERDUE_TEXT)), blocks)


def _delete_error(ctx: CardContext) -> Mrkdwn | None:
    """Why the restore object is still there, although its deletion was confirmed."""
    job = ctx.restore.job
    if job is None or not job.delete_error:
        return None
    return fill(texts.DELETE_FAILED, error=sentence(job.delete_error, 600))


def _overdue_buttons(ctx: CardContext) -> tuple[ButtonElement, ...]:
    return (
        button(ctx, Button.KEEP_WAITING),
        button(ctx, Button.WHY),
        button(ctx, Button.SUMMARY),
        button(ctx, Button.DELETE_RESTORE, style="danger"),
    )


def started(ctx: CardContext) -> Draft:
    """A start after the end: under way, done, or refused."""
    start, cards = ctx.restore.start, ctx.restore.cards
    newer = any(c.kind is CardKind.STARTED and c.number > ctx.card.number for c in cards)
    before = start is not None and start.at > ctx.card.opened_at
    if before or (newer and (start is None or start.late_at is None)):
        said = ctx.say(results.EARLIER_START)
        return Draft(said, section(said))
    told = start_line(ctx) or ctx.say(results.NO_START)
    if start is None or newer:
        return Draft(told, section(told))
    late = start.late_at is not None
    said = joined((_late(ctx, start) if late else told, *_comes_up(start)), "\n")
    unclear = start.error is not None or (late and start.runs_at is None)
    shown = start.diagnosis if start.runs_at is None else None
    blocks: list[Block] = [
        *section(said, *(diagnosis.told(shown) if shown else ())),
        *actions(ctx, button(ctx, Button.WHY) if unclear else None),
    ]
    return Draft(said, blocks)


def _late(ctx: CardContext, start: Start) -> Mrkdwn:
    """It was started, and did not come up in time: who asked for it is told."""
    if start.runs_at is not None:
        return ctx.say(results.STARTED, by=mention(start.by))
    since = moment(start.done_at or start.at)
    return ctx.say(results.STARTED_LATE, by=mention(start.by), since=since)


def _comes_up(start: Start) -> list[Mrkdwn]:
    """What was seen of the guest after the start."""
    if start.runs_at is None or start.done_at is None:
        return []
    if start.agent_at is not None:
        return [fill(results.AGENT_ANSWERS, when=moment(start.runs_at))]
    until = moment(start.done_at + FOLLOWED)
    return [fill(results.NO_AGENT_YET, when=moment(start.runs_at), until=until)]


def start_line(ctx: CardContext) -> Mrkdwn | None:
    """How the start that was asked for went, if one was."""
    start = ctx.restore.start
    if start is None:
        return None
    if start.error:
        return ctx.say(results.START_FAILED, error=sentence(start.error, 600))
    done = results.STARTED if start.done_at else results.STARTING
    said, stop = ctx.say(done, by=mention(start.by)), ctx.restore.stop
    if not start.done_at or stop is None or stop.strategy != "Once" or stop.asked_at is None:
        return said
    return joined((said, fill(results.STARTED_ONCE, strategy=code(stop.strategy))), "\n")
