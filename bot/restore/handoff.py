"""How a restore passes from one person to another: offered and accepted, or taken over.

An offer is no question: the owner's own question stays open, and can be answered, until somebody
has accepted. It has its own time limit, which ends the offer and nothing else.

What the owner before was asked, typed or half-way confirmed counts for nothing with the new one:
typed name and confirmation leave the document, everything is checked anew and the new owner gets a
warning of their own. Only what both confirmations were in for is carried out, as it was confirmed
and in the name of the person who did. Nobody's words from before the handover answer a card after
it: replies count from about that moment on only, and every card that waits for somebody is a new one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.restore import edits
from bot.restore.events import Button, Clicked, Copied, Offered, Reply, TakenOver
from bot.restore.model import Handoff, How, Offer, Phase, Restore
from bot.restore.thread import Card, CardKind, Copy, Left, UserId, slack_order
from bot.texts import endings

Answer = tuple[Restore, Reply | None]

UNDER_WAY = frozenset({CardKind.STOPPING, CardKind.PROTECTING, CardKind.PROGRESS})
"""Cards that tell what the cluster is doing."""


# Offers


def offered(restore: Restore, event: Offered, now: datetime) -> Answer:
    """`handoff @user`, by the owner."""
    if restore.closed:
        return restore, Reply.ENDED
    return offer(restore, event.to, now)


def offer(restore: Restore, to: str | None, now: datetime) -> Answer:
    """Offer it to somebody; an earlier offer to somebody else ends."""
    if not to:
        return restore, Reply.NOBODY_CHOSEN
    if to == restore.owner:
        return restore, Reply.ALREADY_YOURS
    if restore.offer is not None and restore.offer.to == to:
        return restore, Reply.ALREADY_OFFERED
    until = now + timedelta(seconds=restore.rules.answer_timeout)
    made = Offer(to=UserId(to), by=restore.owner, at=now, until=until)
    free = edits.drop_offer(restore, endings.OFFERED_INSTEAD.format(user=to))
    return edits.post(free, CardKind.OFFER, now).model_copy(update={"offer": made}), None


def copied(restore: Restore, event: Copied) -> Restore:
    """The offer stands in a direct message as well, once, as long as it is open."""
    made = restore.offer
    sent = any(copy.card.closed is None for copy in restore.copies)
    if made is None or made.to != event.to or sent:
        return restore
    card = next(each for each in reversed(restore.cards) if each.kind is CardKind.OFFER)
    copy = Copy(card=card, channel=event.channel, address=event.address)
    return restore.model_copy(update={"copies": (*restore.copies, copy)})


def answered(restore: Restore, card: Card, click: Clicked, now: datetime) -> Answer:
    """A click on an offer. The person it was made to answers it, the owner may withdraw it."""
    made = restore.offer
    if made is None or card.closed is not None:
        return restore, Reply.OFFER_OVER
    if click.button is Button.WITHDRAW:
        if click.by != restore.owner:
            return restore, Reply.NOT_YOURS
        return edits.drop_offer(restore, endings.OFFER_WITHDRAWN.format(user=click.by)), None
    if click.by != made.to:
        return restore, Reply.NOT_OFFERED_TO_YOU
    if click.button is Button.DECLINE:
        return _not_taken(restore, endings.OFFER_DECLINED.format(user=click.by), now), None
    there = _moved(restore, click.value, now)
    words = endings.OFFER_ACCEPTED.format(user=click.by)
    return _handed(there, _Change(click.by, "accepted", click.since), words, now), None


def lapsed(restore: Restore, now: datetime) -> Restore:
    """The document with the offer's time limit honoured."""
    made = restore.offer
    if made is None or now < made.until:
        return restore
    return _not_taken(restore, endings.OFFER_LAPSED.format(user=made.to), now)


def _not_taken(restore: Restore, words: str, now: datetime) -> Restore:
    """The owner still has it, and may not have been looking at the card of the offer."""
    before = edits.close_slot(restore, CardKind.NOT_TAKEN, endings.NEWER_OFFER)
    return edits.post(edits.drop_offer(before, words), CardKind.NOT_TAKEN, now)


# Handovers


def taken_over(restore: Restore, event: TakenOver, now: datetime) -> Answer:
    """Somebody who may take restores over has done so."""
    if event.by == restore.owner:
        return restore, Reply.ALREADY_YOURS
    if restore.closed:
        return restore, Reply.ENDED
    there = _moved(restore, event.dm, now)
    words = endings.TAKEN_OVER.format(user=event.by)
    return _handed(there, _Change(event.by, "taken", event.since), words, now), None


@dataclass(frozen=True, slots=True)
class _Change:
    """Who takes it, and how; replies count that Slack dates after `since`."""

    taker: UserId
    how: How
    since: str


def _handed(restore: Restore, to: _Change, words: str, now: datetime) -> Restore:
    """The restore is the taker's from now on."""
    change = Handoff(at=now, giver=restore.owner, taker=to.taker, how=to.how)
    free = edits.drop_offer(restore, words)
    for news in (CardKind.HANDED, CardKind.NOT_TAKEN):
        free = edits.close_slot(free, news, words)
    theirs = free.model_copy(
        update={
            "owner": to.taker,
            "handoffs": (*free.handoffs, change),
            "heard_ts": max(free.heard_ts, to.since, key=slack_order),
        }
    )
    return _asked_anew(edits.post(theirs, CardKind.HANDED, now), now)


def _asked_anew(restore: Restore, now: datetime) -> Restore:
    """What waited for the owner before is asked again, of the new one, by the next look."""
    match restore.phase:
        case Phase.GATHERING:
            return edits.close(restore, endings.HANDED_OVER).model_copy(update={"proposal": None})
        case Phase.CHECKING | Phase.STOP_CHOICE | Phase.TYPING | Phase.CONFIRMING:
            return _checked_anew(restore, now)
        case Phase.STOPPING | Phase.PROTECTING | Phase.RESTORING:
            return edits.close(restore, endings.HANDED_OVER)
        case Phase.SUCCEEDED | Phase.FAILED | Phase.CANCELLED | Phase.REFUSED | Phase.EXPIRED:
            return edits.post(
                edits.close_slot(restore, CardKind.RESULT, endings.HANDED_OVER),
                CardKind.RESULT,
                now,
            )


def _checked_anew(restore: Restore, now: datetime) -> Restore:
    """Nothing that was typed, chosen or confirmed is left but a stop that was already sent."""
    anew = edits.close(restore, endings.HANDED_OVER).model_copy(
        update={
            "typed": None,
            "deletion_agreed": False,
            "confirmation": None,
            "protect": restore.protect or restore.rules.protect_by_default,
            "stop": restore.stop if restore.stopped_by_us else None,
        }
    )
    return edits.enter(anew, Phase.CHECKING, now)


def _moved(restore: Restore, dm: str | None, now: datetime) -> Restore:
    """In a direct message with the owner before, the new one would see nothing.

    The cards that stand there are given up with it: those that still tell something begin anew. What
    was answered a moment ago may still show its buttons there, so all of them are remembered.
    """
    if dm is None or not restore.thread_ref.direct:
        return restore
    thread_ref = restore.thread_ref.model_copy(
        update={"channel": dm, "thread": None, "flat": False, "own_thread": True}
    )
    first, *others = restore.cards
    kept = [first, *(card for card in others if card.closed is None and card.kind in UNDER_WAY)]
    cards = tuple(
        card.model_copy(update={"number": number, "opened_at": now})
        for number, card in enumerate(kept, restore.cards[-1].number + 1)
    )
    over = tuple(
        card if card.closed else card.model_copy(update={"closed": endings.HANDED_OVER})
        for card in restore.cards
    )
    before = restore.thread_ref
    left = Left(channel=before.channel, thread=before.thread, cards=over)
    return restore.model_copy(update={"thread_ref": thread_ref, "cards": cards, "left": left})
