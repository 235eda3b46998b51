"""Handing over and taking over: the cards, what one person is told of it, and by direct message.

The brief tells somebody who was not there what they would get: what, where, how far it is, until
when, what is lost and what not to do. It is made from the document alone, like everything else.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    InteractiveElement,
    PlainTextObject,
)

from bot.restore.events import Button, Verdict
from bot.restore.model import Handoff, Phase, Restore, RestoreId
from bot.restore.stop_and_start import Stop
from bot.restore.thread import CardKind, Copy
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    channel_link,
    clock,
    code,
    fill,
    joined,
    link,
    mention,
    moment,
    referring,
    sentence,
    utc,
)
from bot.slack.views.layout import (
    CardContext,
    Draft,
    Message,
    action_id,
    actions,
    answer,
    answered,
    button,
    button_value,
    context,
    dialog,
    header,
    name,
    section,
    short_answer,
)
from bot.slack.views.progress import state
from bot.slack.views.restore_lists import doing, thread_of
from bot.texts import answers, general
from bot.texts import handoff as texts
from bot.texts.cards import SNAPSHOT
from bot.texts.lists import AND_MORE

MAX_CHOICES = 8

# The cards


def offer(ctx: CardContext) -> Draft:
    """Somebody is asked to go on: the one card that waits for another person than the owner."""
    return _offered(ctx, texts.OFFER_OVER, button(ctx, Button.WITHDRAW))


def offer_copy(ctx: CardContext, copy: Copy) -> Draft:
    """The same in a direct message: for them to answer, and with what to do before."""
    thread_ref = ctx.restore.thread_ref
    there = ctx.say(
        texts.COPY_WHERE,
        thread=link(copy.address, answers.THIS_THREAD),
        channel=channel_link(thread_ref.channel),
    )
    return _offered(ctx, texts.COPY_OVER, None, None if thread_ref.direct else there)


def _offered(
    ctx: CardContext, over: str, withdraw: ButtonElement | None, there: Mrkdwn | None = None
) -> Draft:
    """The offer with its brief; once it is `over`, only how it ended."""
    made = ctx.restore.offer
    if made is None or not ctx.usable:
        said = ctx.say(over)
        blocks = [header(texts.OFFER_HEADING), *section(said), *answered(ctx)]
        return Draft(joined((said, ctx.closed), " → "), blocks)
    taker = mention(made.to)
    blocks = [
        header(texts.OFFER_HEADING),
        *section(ctx.say(texts.OFFER, taker=taker, until=clock(made.until))),
        *section(*brief(ctx)),
        *section(_accepting(ctx), there),
        *actions(
            ctx,
            button(ctx, Button.ACCEPT, style="primary"),
            button(ctx, Button.DECLINE),
            withdraw,
        ),
        *context(ctx.say(texts.OFFER_UNTIL, until=moment(made.until))),
    ]
    return Draft(ctx.say(texts.OFFER_TEXT, taker=taker, state=_where(ctx.restore)), blocks)


def _accepting(ctx: CardContext) -> Mrkdwn:
    """What accepting would mean now."""
    sealed = ctx.restore.confirmation
    if ctx.restore.phase.ended:
        return Mrkdwn(texts.ACCEPTING_ENDED)
    if sealed is not None:
        return ctx.say(texts.ACCEPTING_CONFIRMED, confirmer=mention(sealed.by))
    stopping = ctx.restore.phase is Phase.STOPPING
    return ctx.say(texts.ACCEPTING_STOPPING if stopping else texts.ACCEPTING)


def not_taken(ctx: CardContext) -> Draft:
    """For the owner: nobody has taken the restore, so it is still theirs."""
    offers = [each for each in ctx.restore.cards if each.kind is CardKind.OFFER]
    before = [each.closed for each in offers if each.number < ctx.card.number]
    why = _ended(referring(before[-1] or "" if before else ""))
    said = ctx.say(texts.NOT_TAKEN if ctx.open else texts.NOT_TAKEN_OVER, why=why)
    return Draft(said, [*section(said), *answered(ctx)])


def handed(ctx: CardContext) -> Draft:
    """The announcement to the thread, with what the new owner must know."""
    change = _change(ctx)
    if change is None:
        return Draft(Mrkdwn(texts.HANDED_HEADING), section(Mrkdwn(texts.HANDED_HEADING)))
    taken = change.how == "taken"
    said = ctx.say(
        texts.TAKEN if taken else texts.ACCEPTED,
        taker=mention(change.taker),
        giver=mention(change.giver),
    )
    blocks = [header(texts.TAKEN_HEADING if taken else texts.HANDED_HEADING), *section(said)]
    if ctx.open:
        blocks += section(*_what(ctx), _lost(ctx.restore), _avoid(ctx.restore))
        blocks += section(_first_words(ctx, change))
    blocks += answered(ctx)
    return Draft(said, blocks)


def _change(ctx: CardContext) -> Handoff | None:
    """The handover that this card tells of: the last card tells of the last one, and so back."""
    later = [
        each
        for each in ctx.restore.cards
        if each.kind is CardKind.HANDED and each.number > ctx.card.number
    ]
    changes = ctx.restore.handoffs
    return changes[-1 - len(later)] if len(later) < len(changes) else None


def _first_words(ctx: CardContext, change: Handoff) -> Mrkdwn:
    """What the new owner is to do, by how far it was when they got it."""
    restore, sealed = ctx.restore, ctx.restore.confirmation
    people = {"taker": mention(change.taker), "giver": mention(change.giver)}
    if restore.outcome is not None and restore.outcome.at <= change.at:
        return ctx.say(texts.DECIDES, **people)
    if sealed is not None and sealed.at <= change.at:
        return ctx.say(texts.CARRIED_OUT, confirmer=mention(sealed.by), **people)
    stopping = _stopping_at(restore.stop, change.at)
    return ctx.say(texts.WHILE_STOPPING if stopping else texts.FROM_NOW_ON, **people)


def _stopping_at(stop: Stop | None, when: datetime) -> bool:
    """The stop had been sent by then, and the VM was not down yet."""
    if stop is None or stop.asked_at is None or stop.asked_at > when:
        return False
    return stop.done_at is None or stop.done_at > when


def brief(ctx: CardContext) -> list[Mrkdwn | None]:
    """What somebody must know who was not there."""
    restore = ctx.restore
    until = restore.deadline if restore.question else None
    return [
        *_what(ctx),
        fill(texts.BRIEF_STATE, state=_where(restore)),
        fill(texts.BRIEF_DEADLINE, until=moment(until)) if until else None,
        _lost(restore),
        _avoid(restore),
    ]


def _where(restore: Restore) -> Mrkdwn:
    """How far it is: what it waits for by its name, for somebody who has not seen the cards."""
    return state(restore) if restore.phase.ended else Mrkdwn(doing(restore))


def _what(ctx: CardContext) -> list[Mrkdwn | None]:
    request = ctx.restore.request
    vm = ctx.vm_line if request.vm else None
    return [vm, ctx.say(SNAPSHOT) if request.snapshot else None]


def _lost(restore: Restore) -> Mrkdwn | None:
    """What the restore costs, before and while it happens."""
    if restore.phase.ended or restore.request.snapshot is None:
        return None
    if restore.preview is None:
        return Mrkdwn(texts.BRIEF_LOST_UNKNOWN)
    begun = restore.job is not None
    template = texts.BRIEF_BEING_LOST if begun else texts.BRIEF_LOST
    return fill(template, created=utc(restore.preview.snapshot_created))


def _avoid(restore: Restore) -> Mrkdwn | None:
    """What the newcomer might do with the best intentions."""
    if restore.phase is Phase.FAILED:
        return Mrkdwn(texts.BRIEF_FAILED)
    if restore.phase.ended:
        return None
    if restore.job is not None:
        return fill(texts.BRIEF_RUNNING, job=code(restore.job.name))
    return Mrkdwn(texts.BRIEF_STOPPED if restore.stopped_by_us else texts.BRIEF_BEFORE)


# What one person is told


def not_yours(restore: Restore) -> Message:
    """For somebody on call who pressed the owner's button: how they could go on."""
    said = _about(texts.NOT_YOURS, restore)
    sure = dialog(
        CardContext(restore, restore.cards[0]),
        texts.TAKE_OVER_TITLE,
        texts.TAKE_OVER_DIALOG,
        Button.TAKE_OVER,
        style="primary",
    )
    take = ButtonElement(
        text=PlainTextObject(text=general.LABELS[Button.TAKE_OVER]),
        action_id=action_id(Button.TAKE_OVER),
        value=button_value(restore.id, len(restore.handoffs)),
        confirm=sure,
    )
    return answer(said, [*section(said), *_row(take)])


def offered(restore: Restore, taker: str) -> Message:
    """The offer is made."""
    return _told(texts.OFFERED, restore, taker=mention(taker))


def taker_may_not(restore: Restore, taker: str, verdict: Verdict) -> Message:
    """The policy's answer to the person who would have been asked."""
    text = sentence(verdict.text)
    return _told(texts.TAKER_MAY_NOT, restore, taker=mention(taker), text=text)


def not_a_person(typed: str) -> Message:
    """A name that stands for nobody in particular."""
    said = fill(texts.NOT_A_PERSON, name=code(typed, 80))
    return short_answer(said)


def nothing_to_hand_over() -> Message:
    """The person has no restore."""
    said = Mrkdwn(texts.NOTHING_TO_HAND_OVER)
    return short_answer(said)


def not_yours_to_give(restore: Restore) -> Message:
    """The restore that was meant belongs to somebody else."""
    return _told(texts.NOT_YOURS_TO_GIVE, restore)


def nothing_to_take() -> Message:
    """There is nothing, or nothing that this person may claim."""
    said = Mrkdwn(texts.NOTHING_TO_TAKE_OVER)
    return short_answer(said)


def which(
    restores: Sequence[Restore], links: Mapping[RestoreId, str | None], *, take: bool
) -> Message:
    """Several restores could be meant: each with a link to its thread."""
    said = Mrkdwn(texts.WHICH_TO_TAKE_OVER if take else texts.WHICH_TO_HAND_OVER)
    shown = restores[:MAX_CHOICES]
    lines = [
        _about(
            texts.ONE_TO_CHOOSE,
            each,
            state=_where(each),
            thread=thread_of(each, links.get(each.id)),
        )
        for each in shown
    ]
    rest = len(restores) - len(shown)
    more = [fill(AND_MORE, count=rest)] if rest else []
    return answer(said, section(said, *lines, *more))


def passed_on(restore: Restore) -> Message:
    """Somebody else has it by now than when the button was shown."""
    return _told(texts.TAKEN_OVER_SINCE, restore)


def not_for_a_bot() -> Message:
    """The bot was asked to have a restore itself."""
    said = Mrkdwn(texts.NOT_FOR_A_BOT)
    return short_answer(said)


def outside(restore: Restore, *, private: bool) -> Message:
    """Somebody who would not see the thread: what to do first."""
    text = texts.OUTSIDE_PRIVATE if private else texts.OUTSIDE_PUBLIC
    return _told(text, restore, channel=channel_link(restore.thread_ref.channel))


def perhaps_outside(restore: Restore) -> Message:
    """Slack does not say whether they would see the thread."""
    return _told(texts.OUTSIDE_UNKNOWN, restore, channel=channel_link(restore.thread_ref.channel))


def unreachable(restore: Restore, taker: str) -> Message:
    """A restore in a direct message, and somebody with whom Slack opens none."""
    return _told(texts.UNREACHABLE, restore, taker=mention(taker))


def yours_now(restore: Restore) -> Message:
    """It was taken over."""
    return _told(texts.YOURS_NOW, restore)


# By direct message


def dm_gone(restore: Restore) -> Message:
    """For the owner before, whose direct message the restore has left."""
    change = restore.handoffs[-1]
    template = texts.TAKEN if change.how == "taken" else texts.ACCEPTED
    people = {"taker": mention(change.taker), "giver": mention(change.giver)}
    said = joined((_about(template, restore, **people), Mrkdwn(texts.DM_LEFT)))
    return short_answer(said)


def _about(template: str, restore: Restore, **values: Mrkdwn) -> Mrkdwn:
    request = restore.request
    known: dict[str, Mrkdwn] = {
        "vm": name(request.vm),
        "namespace": name(request.namespace),
        "owner": mention(restore.owner),
    }
    return fill(template, **known, **values)


def _told(template: str, restore: Restore, **values: Mrkdwn) -> Message:
    said = _about(template, restore, **values)
    return short_answer(said)


def _row(*elements: InteractiveElement) -> list[Block]:
    return [ActionsBlock(elements=list(elements))]


def _ended(text: Mrkdwn) -> Mrkdwn:
    return text if not text or text.endswith(".") else Mrkdwn(f"{text}.")
