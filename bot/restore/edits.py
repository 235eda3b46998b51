"""Small, total edits of the document that every transition is made of.

Cards are appended and closed here and nowhere else, so the thread can be told from the document:
at most one question is open at a time, a new question always gets a new number, and what is closed
stays closed.
"""

from datetime import datetime, timedelta

from bot.restore.check_failure import CheckFailure
from bot.restore.denials import Denial
from bot.restore.model import Outcome, Phase, Restore
from bot.restore.observation import Observation
from bot.restore.reasons import Reason
from bot.restore.thread import QUESTIONS, Card, CardKind, Copy, UserId
from bot.texts import endings, refusals

MAX_FOUND = 1000
"""Letters of what was found; a cluster may answer with pages."""
MAX_QUESTIONS = 25
"""More lead nowhere. What the cluster already works on is followed to its end all the same."""
PATIENT = frozenset({CardKind.OVERDUE, CardKind.DELETE_RESTORE})
"""Questions that do not expire: the cluster goes on whatever people say."""


def enter(restore: Restore, phase: Phase, now: datetime) -> Restore:
    """Move to a phase; its clock starts anew."""
    return restore.model_copy(
        update={"phase": phase, "entered_at": now, "trouble": None, "trouble_since": None}
    )


def ask(
    restore: Restore, kind: CardKind, now: datetime, answered: str = endings.NO_LONGER_ASKED
) -> Restore:
    """Open a question; the one that was open is closed with `answered`."""
    closed = close(restore, answered)
    asked = sum(card.kind in QUESTIONS for card in closed.cards)
    if asked >= MAX_QUESTIONS and restore.job is None:
        outcome = Outcome(
            reason=Reason.TOO_MANY_QUESTIONS,
            at=now,
            found=refusals.TOO_MANY_QUESTIONS.found.format(count=MAX_QUESTIONS),
            next=refusals.TOO_MANY_QUESTIONS.next,
        )
        return end(closed, Phase.CANCELLED, outcome, answered)
    limit = None if kind in PATIENT else now + timedelta(seconds=restore.rules.answer_timeout)
    return post(closed, kind, now).model_copy(update={"deadline": limit})


def post(restore: Restore, kind: CardKind, now: datetime) -> Restore:
    """Add a card to the thread."""
    number = restore.cards[-1].number + 1 if restore.cards else 1
    card = Card(kind=kind, number=number, opened_at=now)
    return restore.model_copy(update={"cards": (*restore.cards, card)})


def close(restore: Restore, words: str) -> Restore:
    """Close the open question, if there is one; nobody is asked any more."""
    return _close(restore, words, QUESTIONS).model_copy(update={"deadline": None})


def close_slot(restore: Restore, kind: CardKind, words: str) -> Restore:
    """Close the open cards of one kind."""
    return _close(restore, words, frozenset({kind}))


def _close(restore: Restore, words: str, slots: frozenset[CardKind]) -> Restore:
    cards = tuple(
        card.model_copy(update={"closed": words})
        if card.closed is None and card.kind in slots
        else card
        for card in restore.cards
    )
    return restore.model_copy(update={"cards": cards})


def end(restore: Restore, phase: Phase, outcome: Outcome, words: str) -> Restore:
    """Close everything and post the result. The only way into an ended phase."""
    cards = tuple(
        card if card.closed is not None else card.model_copy(update={"closed": words})
        for card in restore.cards
    )
    brief = outcome.model_copy(update={"found": outcome.found[:MAX_FOUND]})
    over = drop_offer(restore, words).model_copy(
        update={"cards": cards, "outcome": brief, "deadline": None, "proposal": None}
    )
    return post(enter(over, phase, outcome.at), CardKind.RESULT, outcome.at)


def close_as_continued(restore: Restore, by: UserId) -> Restore:
    """A new restore carries on from this ended one, whose last buttons go."""
    if not restore.phase.ended:
        return restore
    done = close_slot(restore, CardKind.RESULT, endings.CONTINUED.format(user=by))
    return close_for_good(done)


def close_for_good(restore: Restore) -> Restore:
    """The time for the last buttons of an ended restore is over."""
    return drop_offer(restore, endings.NO_LONGER_OFFERED).model_copy(update={"closed": True})


def drop_offer(restore: Restore, words: str) -> Restore:
    """The restore is not offered to anybody any more."""
    free = {"offer": None, "copies": tuple(_over(copy, words) for copy in restore.copies)}
    return close_slot(restore, CardKind.OFFER, words).model_copy(update=free)


def _over(copy: Copy, words: str) -> Copy:
    if copy.card.closed is not None:
        return copy
    return copy.model_copy(update={"card": copy.card.model_copy(update={"closed": words})})


def was_continued(restore: Restore) -> bool:
    """Newer cards, of another restore, tell how it went on."""
    results = [card for card in restore.cards if card.kind is CardKind.RESULT]
    return bool(results) and results[-1].closed is not None


def refuse(restore: Restore, refusal: CheckFailure, now: datetime) -> Restore:
    """End with what a check found."""
    outcome = Outcome(
        reason=refusal.reason,
        at=now,
        found=refusal.found,
        expected=refusal.expected,
        next=refusal.next,
        choices=refusal.choices,
        more_choices=refusal.more_choices,
    )
    return end(restore, Phase.REFUSED, outcome, endings.REFUSED)


def alive(ended: Restore, observation: Observation) -> Restore:
    """Note that the VM runs: one whose restore has failed is to be stopped, and not only not started."""
    live = observation.vmi is not None and not observation.vmi.final
    if ended.outcome is None or not live:
        return ended
    return ended.model_copy(update={"outcome": ended.outcome.model_copy(update={"live": True})})


def cancel(restore: Restore, by: UserId, now: datetime, reason: Reason) -> Restore:
    """End because a person said so."""
    outcome = Outcome(reason=reason, at=now, by=by)
    return end(restore, Phase.CANCELLED, outcome, endings.CANCELLED.format(user=by))


def expire(restore: Restore, now: datetime) -> Restore:
    """End because nobody answered in time."""
    outcome = Outcome(reason=Reason.NO_ANSWER, at=now)
    return end(restore, Phase.EXPIRED, outcome, endings.NOBODY_ANSWERED)


def fail_denied(restore: Restore, cause: Denial, now: datetime) -> Restore:
    """End because the cluster did not take the restore. Nothing was changed, so no reason hides that."""
    goes = cause.reason is Reason.NAMESPACE_BEING_DELETED
    outcome = Outcome(
        reason=cause.reason if goes else Reason.CREATE_REFUSED,
        cause=cause.reason,
        at=now,
        found=cause.found,
        next=cause.next,
        vm_status=endings.UNCHANGED_REFUSED,
    )
    return end(restore, Phase.FAILED, outcome, endings.FAILED)


def fail(
    restore: Restore, reason: Reason, found: str, now: datetime, vm_status: str = ""
) -> Restore:
    """End because the cluster could not do it. Without `vm_status` the state is unknown."""
    outcome = Outcome(reason=reason, at=now, found=found, vm_status=vm_status)
    return end(restore, Phase.FAILED, outcome, endings.FAILED)
