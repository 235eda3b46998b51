"""The cards that ask for what is missing, and those about stopping the VM and giving up."""

from datetime import timedelta

from slack_sdk.models.blocks import Block, ButtonElement

from bot.restore.disks import Fate
from bot.restore.events import Button
from bot.restore.model import Proposal
from bot.restore.thread import CardKind
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    clock,
    code,
    disks,
    duration,
    fill,
    joined,
    moment,
    names,
    sentence,
    shortened,
)
from bot.slack.views.layout import (
    SHORT_NAME,
    CardContext,
    Draft,
    actions,
    answered,
    button,
    cancel,
    context,
    dialog,
    header,
    notice,
    picker,
    section,
    trouble,
)
from bot.texts import cards as texts
from bot.texts import general
from bot.texts import stopping as stopping_texts

PICKERS = {
    CardKind.ASK_VM: Button.PICK_VM,
    CardKind.ASK_NAMESPACE: Button.PICK_NAMESPACE,
    CardKind.ASK_SNAPSHOT: Button.PICK_SNAPSHOT,
}


def waits(ctx: CardContext, template: str) -> list[Block]:
    """Until when an open question waits, and what happens then."""
    until = ctx.restore.deadline
    if not ctx.open or until is None:
        return []
    return context(ctx.say(template, until=moment(until)))


def ask(ctx: CardContext) -> Draft:
    """Which VM, namespace or snapshot? With a list to choose from; typing works as well."""
    question = _question(ctx)
    proposal = ctx.restore.proposal if ctx.open else None
    begin = asked(ctx, texts.ASK, question=question) or Mrkdwn(f"*{question}*")
    own = ctx.restore.thread_ref.own_thread
    how = ctx.when_open(texts.OR_TYPE if own else texts.OR_TYPE_THERE)
    blocks = [
        *section(begin, *_proposed(ctx, proposal)),
        *section(_described(ctx), how),
        *actions(ctx, picker(PICKERS[ctx.card.kind]), _use(ctx, proposal), cancel(ctx)),
        *waits(ctx, general.WAITS_OR_EXPIRES),
        *answered(ctx),
    ]
    return Draft(notice(ctx, question), blocks)


def _question(ctx: CardContext) -> Mrkdwn:
    match ctx.card.kind:
        case CardKind.ASK_NAMESPACE:
            return ctx.say(texts.WHICH_NAMESPACE)
        case CardKind.ASK_SNAPSHOT:
            return ctx.say(texts.WHICH_SNAPSHOT)
        case _:
            known = ctx.open and ctx.restore.request.namespace is not None
            return ctx.say(texts.WHICH_VM_IN if known else texts.WHICH_VM)


def _proposed(ctx: CardContext, proposal: Proposal | None) -> list[Mrkdwn | None]:
    if proposal is None:
        return []
    value, near = proposal.value, proposal.near
    usable = value is not None and ctx.card.kind is CardKind.ASK_NAMESPACE
    if value and not usable:
        near = (value, *near)
    return [
        sentence(proposal.problem) if proposal.problem else None,
        ctx.say(texts.FOUND_HERE, value=code(value)) if value and usable else None,
        ctx.say(_offer(ctx), near=names(near, most=5, more=proposal.more)) if near else None,
    ]


def _offer(ctx: CardContext) -> str:
    """How the names that may help are introduced."""
    proposal = ctx.restore.proposal
    asked_again = proposal is not None and proposal.problem is not None
    match ctx.card.kind:
        case CardKind.ASK_NAMESPACE if not asked_again:
            return texts.FOUND_IN
        case CardKind.ASK_SNAPSHOT if not asked_again and not _fits_description(ctx, proposal):
            return texts.NEWEST
        case _:
            return texts.DID_YOU_MEAN


def _fits_description(ctx: CardContext, proposal: Proposal | None) -> bool:
    """The core offers names that fit the description, or the newest ones if none does."""
    described, near = ctx.restore.request.described, proposal.near if proposal else ()
    return bool(described) and any((described or "").lower() in name for name in near)


def _use(ctx: CardContext, proposal: Proposal | None) -> ButtonElement | None:
    """Only a namespace is ever proposed: the one in which the VM was found."""
    if proposal is None or proposal.value is None or ctx.card.kind is not CardKind.ASK_NAMESPACE:
        return None
    label = general.USE.format(name=shortened(proposal.value, SHORT_NAME))
    return button(ctx, Button.USE_PROPOSAL, label=label, style="primary")


def _described(ctx: CardContext) -> Mrkdwn | None:
    described = ctx.restore.request.described
    if ctx.card.kind is not CardKind.ASK_SNAPSHOT or not described:
        return None
    return ctx.when_open(texts.LOOKED_FOR, described=code(described, 100))


def asked(ctx: CardContext, template: str, **values: str) -> Mrkdwn | None:
    """The first line of a question: what is wanted, from whom, until when."""
    until = ctx.restore.deadline
    by = fill(general.UNTIL, until=clock(until)) if until else Mrkdwn("")
    return ctx.first_line(template, until=by, **values)


def stop_choice(ctx: CardContext) -> Draft:
    """The VM is live: stop it, or cancel."""
    status = live_status(ctx)
    shown = (
        stopping_texts.STATUS_BUT_LIVE if status.casefold() == "stopped" else stopping_texts.STATUS
    )
    blocks = [
        header(stopping_texts.STOP_HEADING),
        *section(asked(ctx, stopping_texts.STOP_ASK)),
        *section(ctx.vm_line, fill(shown, status=status) if ctx.open else None),
        *section(Mrkdwn(stopping_texts.SAFETY_REQUIREMENT), _unplugged(ctx)),
        *section(_paused(ctx)),
        *section(*_stop_options(ctx)),
        *actions(ctx, button(ctx, Button.STOP_AND_RESTORE), cancel(ctx)),
        *waits(ctx, general.WAITS_OR_EXPIRES),
        *answered(ctx),
    ]
    question = ctx.say(stopping_texts.STOP_TEXT, status=status) if ctx.open else ctx.vm
    text = joined((Mrkdwn(f"{stopping_texts.STOP_HEADING}:"), question))
    return Draft(notice(ctx, text), blocks)


def _paused(ctx: CardContext) -> Mrkdwn | None:
    """A paused guest hears no stop; how to unpause it."""
    if not (ctx.open and _is_paused(ctx)):
        return None
    request = ctx.restore.request
    names = {"vm": request.vm, "namespace": request.namespace}
    command = code(stopping_texts.UNPAUSE_COMMAND.format_map(names), 600)
    return fill(stopping_texts.PAUSED, command=command)


def live_status(ctx: CardContext) -> str:
    """What the cluster called the live VM when it was last looked at."""
    preview = ctx.restore.preview
    return preview.vm_status if preview and preview.vm_status else "Running"


def _is_paused(ctx: CardContext) -> bool:
    """The guest was paused when the VM was last found live."""
    preview = ctx.restore.preview
    return preview is not None and preview.paused


def _unplugged(ctx: CardContext) -> Mrkdwn | None:
    """What the stop takes out of the guest."""
    shown = ctx.restore.preview
    found = [each.name for each in shown.fates if each.fate is Fate.DETACHED] if shown else []
    return fill(texts.STOP_DETACHES, disks=disks(found)) if found and ctx.open else None


def _stop_options(ctx: CardContext) -> list[Mrkdwn | None]:
    if not ctx.open:
        return []
    return [
        *map(Mrkdwn, stopping_texts.STOP_OPTIONS),
        Mrkdwn(stopping_texts.STOP_TIMING[ctx.restore.rules.stop_when]),
        Mrkdwn(f"*{stopping_texts.HOW_TO_PROCEED}* {stopping_texts.STOP_HOW}"),
    ]


def stop_overdue(ctx: CardContext) -> Draft:
    """The guest takes its time: wait, force, or cancel."""
    said = ctx.say(stopping_texts.STOP_OVERDUE, length=_stopping_for(ctx))
    failed = stop_error(ctx)
    waiting = (
        stopping_texts.STOP_OVERDUE_PAUSED if _is_paused(ctx) else stopping_texts.STOP_OVERDUE_WAIT
    )
    first = stopping_texts.STOP_OVERDUE_FAILED if failed else waiting
    choices = map(Mrkdwn, (first, *stopping_texts.STOP_OVERDUE_CHOICES)) if ctx.open else ()
    blocks = [
        header(stopping_texts.STOP_OVERDUE_HEADING),
        *section(asked(ctx, stopping_texts.STOP_OVERDUE_ASK)),
        *section(ctx.vm_line, said, failed, trouble(ctx.restore) if ctx.open else None),
        *section(*choices),
        *actions(
            ctx,
            button(ctx, Button.KEEP_STOPPING),
            button(ctx, Button.FORCE_STOP, style="danger"),
            cancel(ctx),
        ),
        *waits(ctx, general.WAITS_FOR_THE_STOP),
        *answered(ctx),
    ]
    return Draft(
        notice(ctx, joined((Mrkdwn(f"{stopping_texts.STOP_OVERDUE_HEADING}:"), said))), blocks
    )


def stop_error(ctx: CardContext) -> Mrkdwn | None:
    """Why the last attempt to stop the VM failed, if it did."""
    stop = ctx.restore.stop
    if stop is None or not stop.error:
        return None
    return ctx.say(stopping_texts.STOP_FAILED, error=sentence(stop.error, 600))


def _stopping_for(ctx: CardContext) -> Mrkdwn:
    stop = ctx.restore.stop
    if stop is None or stop.asked_at is None:
        return duration(timedelta(seconds=ctx.restore.rules.stop_timeout))
    return duration(ctx.card.opened_at - stop.asked_at)


def force_stop(ctx: CardContext) -> Draft:
    """Its own confirmation, with what it risks."""
    sure = dialog(
        ctx, stopping_texts.FORCE_DIALOG_TITLE, stopping_texts.FORCE_DIALOG, Button.FORCE_STOP_NOW
    )
    blocks = [
        header(stopping_texts.FORCE_HEADING),
        *section(asked(ctx, stopping_texts.FORCE_ASK)),
        *section(ctx.vm_line),
        *section(*map(Mrkdwn, stopping_texts.FORCE_RISKS)),
        *actions(
            ctx,
            button(ctx, Button.FORCE_STOP_NOW, style="danger", confirm=sure),
            button(ctx, Button.KEEP_STOPPING),
            cancel(ctx),
        ),
        *waits(ctx, general.WAITS_FOR_THE_STOP),
        *answered(ctx),
    ]
    return Draft(notice(ctx, ctx.say(stopping_texts.FORCE_TEXT)), blocks)


def delete_restore(ctx: CardContext) -> Draft:
    """Its own confirmation: giving up is not going back."""
    job = ctx.restore.job
    sure = dialog(ctx, texts.DELETE_DIALOG_TITLE, texts.DELETE_DIALOG, Button.DELETE_RESTORE_NOW)
    blocks = [
        header(texts.DELETE_HEADING),
        *section(asked(ctx, texts.DELETE_ASK)),
        *section(ctx.vm_line, fill(texts.JOB, job=code(job.name)) if job else None),
        *section(*map(Mrkdwn, texts.DELETE_MEANS)),
        *actions(
            ctx,
            button(ctx, Button.DELETE_RESTORE_NOW, style="danger", confirm=sure),
            button(ctx, Button.KEEP_WAITING),
        ),
        *no_end(ctx),
        *answered(ctx),
    ]
    return Draft(notice(ctx, ctx.say(texts.DELETE_TEXT)), blocks)


def no_end(ctx: CardContext) -> list[Block]:
    """Questions about a running restore wait as long as it runs, unless they have a deadline."""
    if ctx.restore.deadline is not None:
        return waits(ctx, general.WAITS_OR_EXPIRES)
    return context(Mrkdwn(general.WAITS_WITHOUT_END)) if ctx.open else []
