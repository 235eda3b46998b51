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
from bot.restore.model import Copy, Handover, Phase, Restore, RestoreId, Slot, Stop
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    channel_link,
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
    Draft,
    Face,
    Message,
    action_id,
    actions,
    answered,
    button,
    button_value,
    context,
    dialog,
    finished,
    header,
    name,
    section,
)
from bot.slack.views.lists import doing, thread_of
from bot.slack.views.progress import state
from bot.texts import answers, general
from bot.texts import handoff as texts
from bot.texts.cards import SNAPSHOT
from bot.texts.lists import AND_MORE

MOST_CHOICES = 8

# The cards


def offer(face: Face) -> Draft:
    """Somebody is asked to go on: the one card that waits for another person than the owner."""
    return _offered(face, texts.OFFER_OVER, button(face, Button.WITHDRAW))


def offer_copy(face: Face, copy: Copy) -> Draft:
    """The same in a direct message: for them to answer, and with what to do before."""
    place = face.restore.place
    there = face.say(
        texts.COPY_WHERE,
        thread=link(copy.address, answers.THIS_THREAD),
        channel=channel_link(place.channel),
    )
    return _offered(face, texts.COPY_OVER, None, None if place.direct else there)


def _offered(
    face: Face, over: str, withdraw: ButtonElement | None, there: Mrkdwn | None = None
) -> Draft:
    """The offer with its brief; once it is `over`, only how it ended."""
    made = face.restore.offer
    if made is None or not face.usable:
        said = face.say(over)
        blocks = [header(texts.OFFER_HEADING), *section(said), *answered(face)]
        return Draft(joined((said, face.closed), " → "), blocks)
    taker = mention(made.to)
    blocks = [
        header(texts.OFFER_HEADING),
        *section(face.say(texts.OFFER, taker=taker)),
        *section(*brief(face)),
        *section(_accepting(face), there),
        *actions(
            face,
            button(face, Button.ACCEPT, style="primary"),
            button(face, Button.DECLINE),
            withdraw,
        ),
        *context(face.say(texts.OFFER_UNTIL, until=moment(made.until))),
    ]
    return Draft(face.say(texts.OFFER_TEXT, taker=taker, state=_where(face.restore)), blocks)


def _accepting(face: Face) -> Mrkdwn:
    """What accepting would mean now."""
    sealed = face.restore.confirmation
    if face.restore.phase.ended:
        return Mrkdwn(texts.ACCEPTING_ENDED)
    if sealed is not None:
        return face.say(texts.ACCEPTING_CONFIRMED, confirmer=mention(sealed.by))
    stopping = face.restore.phase is Phase.STOPPING
    return face.say(texts.ACCEPTING_STOPPING if stopping else texts.ACCEPTING)


def not_taken(face: Face) -> Draft:
    """For the owner: nobody has taken the restore, so it is still theirs."""
    offers = [each for each in face.restore.cards if each.slot is Slot.OFFER]
    before = [each.closed for each in offers if each.number < face.card.number]
    why = _ended(referring(before[-1] or "" if before else ""))
    said = face.say(texts.NOT_TAKEN if face.open else texts.NOT_TAKEN_OVER, why=why)
    return Draft(said, [*section(said), *answered(face)])


def handed(face: Face) -> Draft:
    """The announcement to the thread, with what the new owner must know."""
    change = _change(face)
    if change is None:
        return Draft(Mrkdwn(texts.HANDED_HEADING), section(Mrkdwn(texts.HANDED_HEADING)))
    taken = change.how == "taken"
    said = face.say(
        texts.TAKEN if taken else texts.ACCEPTED,
        taker=mention(change.taker),
        giver=mention(change.giver),
    )
    blocks = [header(texts.TAKEN_HEADING if taken else texts.HANDED_HEADING), *section(said)]
    if face.open:
        blocks += section(*_what(face), _lost(face.restore), _avoid(face.restore))
        blocks += section(_first_words(face, change))
    blocks += answered(face)
    return Draft(said, blocks)


def _change(face: Face) -> Handover | None:
    """The handover that this card tells of: the last card tells of the last one, and so back."""
    later = [
        each
        for each in face.restore.cards
        if each.slot is Slot.HANDED and each.number > face.card.number
    ]
    changes = face.restore.handovers
    return changes[-1 - len(later)] if len(later) < len(changes) else None


def _first_words(face: Face, change: Handover) -> Mrkdwn:
    """What the new owner is to do, by how far it was when they got it."""
    restore, sealed = face.restore, face.restore.confirmation
    people = {"taker": mention(change.taker), "giver": mention(change.giver)}
    if restore.outcome is not None and restore.outcome.at <= change.at:
        return face.say(texts.DECIDES, **people)
    if sealed is not None and sealed.at <= change.at:
        return face.say(texts.CARRIED_OUT, confirmer=mention(sealed.by), **people)
    stopping = _stopping_at(restore.stop, change.at)
    return face.say(texts.WHILE_STOPPING if stopping else texts.FROM_NOW_ON, **people)


def _stopping_at(stop: Stop | None, when: datetime) -> bool:
    """The stop had been sent by then, and the VM was not down yet."""
    if stop is None or stop.asked_at is None or stop.asked_at > when:
        return False
    return stop.done_at is None or stop.done_at > when


def brief(face: Face) -> list[Mrkdwn | None]:
    """What somebody must know who was not there."""
    restore = face.restore
    until = restore.deadline if restore.question else None
    return [
        *_what(face),
        fill(texts.BRIEF_STATE, state=_where(restore)),
        fill(texts.BRIEF_DEADLINE, until=moment(until)) if until else None,
        _lost(restore),
        _avoid(restore),
    ]


def _where(restore: Restore) -> Mrkdwn:
    """How far it is: what it waits for by its name, for somebody who has not seen the cards."""
    return state(restore) if restore.phase.ended else Mrkdwn(doing(restore))


def _what(face: Face) -> list[Mrkdwn | None]:
    wish = face.restore.wish
    vm = face.vm_line if wish.vm else None
    return [vm, face.say(SNAPSHOT) if wish.snapshot else None]


def _lost(restore: Restore) -> Mrkdwn | None:
    """What the restore costs, before and while it happens."""
    if restore.phase.ended or restore.wish.snapshot is None:
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
        Face(restore, restore.cards[0]),
        texts.TAKE_OVER_TITLE,
        texts.TAKE_OVER_DIALOG,
        Button.TAKE_OVER,
        style="primary",
    )
    take = ButtonElement(
        text=PlainTextObject(text=general.LABELS[Button.TAKE_OVER]),
        action_id=action_id(Button.TAKE_OVER),
        value=button_value(restore.id, len(restore.handovers)),
        confirm=sure,
    )
    return _answer(said, [*section(said), *_row(take)])


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
    return _answer(said, section(said))


def nothing_to_hand_over() -> Message:
    """The person has no restore."""
    said = Mrkdwn(texts.NOTHING_TO_HAND_OVER)
    return _answer(said, section(said))


def not_yours_to_give(restore: Restore) -> Message:
    """The restore that was meant belongs to somebody else."""
    return _told(texts.NOT_YOURS_TO_GIVE, restore)


def nothing_to_take() -> Message:
    """There is nothing, or nothing that this person may claim."""
    said = Mrkdwn(texts.NOTHING_TO_TAKE_OVER)
    return _answer(said, section(said))


def which(
    restores: Sequence[Restore], links: Mapping[RestoreId, str | None], *, take: bool
) -> Message:
    """Several restores could be meant: each with a link to its thread."""
    said = Mrkdwn(texts.WHICH_TO_TAKE_OVER if take else texts.WHICH_TO_HAND_OVER)
    shown = restores[:MOST_CHOICES]
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
    return _answer(said, section(said, *lines, *more))


def passed_on(restore: Restore) -> Message:
    """Somebody else has it by now than when the button was shown."""
    return _told(texts.TAKEN_OVER_SINCE, restore)


def not_for_a_bot() -> Message:
    """The bot was asked to have a restore itself."""
    said = Mrkdwn(texts.NOT_FOR_A_BOT)
    return _answer(said, section(said))


def outside(restore: Restore, *, private: bool) -> Message:
    """Somebody who would not see the thread: what to do first."""
    text = texts.OUTSIDE_PRIVATE if private else texts.OUTSIDE_PUBLIC
    return _told(text, restore, channel=channel_link(restore.place.channel))


def perhaps_outside(restore: Restore) -> Message:
    """Slack does not say whether they would see the thread."""
    return _told(texts.OUTSIDE_UNKNOWN, restore, channel=channel_link(restore.place.channel))


def unreachable(restore: Restore, taker: str) -> Message:
    """A restore in a direct message, and somebody with whom Slack opens none."""
    return _told(texts.UNREACHABLE, restore, taker=mention(taker))


def yours_now(restore: Restore) -> Message:
    """It was taken over."""
    return _told(texts.YOURS_NOW, restore)


# By direct message


def dm_gone(restore: Restore) -> Message:
    """For the owner before, whose direct message the restore has left."""
    change = restore.handovers[-1]
    template = texts.TAKEN if change.how == "taken" else texts.ACCEPTED
    people = {"taker": mention(change.taker), "giver": mention(change.giver)}
    said = joined((_about(template, restore, **people), Mrkdwn(texts.DM_LEFT)))
    return _answer(said, section(said))


def _about(template: str, restore: Restore, **values: Mrkdwn) -> Mrkdwn:
    wish = restore.wish
    known: dict[str, Mrkdwn] = {
        "vm": name(wish.vm),
        "namespace": name(wish.namespace),
        "owner": mention(restore.owner),
    }
    return fill(template, **known, **values)


def _told(template: str, restore: Restore, **values: Mrkdwn) -> Message:
    said = _about(template, restore, **values)
    return _answer(said, section(said))


def _answer(said: Mrkdwn, blocks: Sequence[Block]) -> Message:
    return finished(Draft(said, blocks), "answer")


def _row(*elements: InteractiveElement) -> list[Block]:
    return [ActionsBlock(elements=list(elements))]


def _ended(text: Mrkdwn) -> Mrkdwn:
    return text if not text or text.endswith(".") else Mrkdwn(f"{text}.")
