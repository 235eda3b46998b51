"""What people say and press, and what it means in each phase.

Only the owner's words count, and only as an answer to the question that is open; an offer alone is
answered by the person it was made to. Nothing in here reaches the cluster: the most that a person's
event can do is to let the next look act.
"""

from datetime import datetime, timedelta

from bot.request import Part, is_name, single_name
from bot.restore import edits, handoff
from bot.restore.disks import Fate
from bot.restore.events import (
    Button,
    Cancel,
    Clicked,
    Offered,
    OperatorCancelled,
    Reply,
    TakenOver,
    Typed,
)
from bot.restore.model import Confirmation, Outcome, Phase, Restore, TypedName
from bot.restore.reasons import Reason
from bot.restore.rules import StopWhen
from bot.restore.starts import start_is_offered
from bot.restore.stop_and_start import Start, Stop
from bot.restore.target import RestoreRequest
from bot.restore.thread import Card, CardKind, slack_order
from bot.texts import endings

Person = Typed | Clicked | Cancel | Offered | TakenOver | OperatorCancelled
"""What a person does. Only the owner's counts, what `handoff` says of two of them, and the operator's."""
Answer = tuple[Restore, Reply | None]

CANCEL_WORDS = frozenset(
    {"cancel", "abort", "stop", "no", "wait", "don't", "don\u2019t", "dont", "quit"}
)
BUTTONS: dict[CardKind, frozenset[Button]] = {
    CardKind.REQUEST: frozenset({Button.CANCEL, Button.HAND_OVER}),
    CardKind.ASK_VM: frozenset({Button.PICK_VM, Button.CANCEL}),
    CardKind.ASK_NAMESPACE: frozenset({Button.PICK_NAMESPACE, Button.USE_PROPOSAL, Button.CANCEL}),
    CardKind.ASK_SNAPSHOT: frozenset({Button.PICK_SNAPSHOT, Button.CANCEL}),
    CardKind.STOP_CHOICE: frozenset({Button.STOP_AND_RESTORE, Button.CANCEL}),
    CardKind.STOPPING: frozenset({Button.CANCEL}),
    CardKind.STOP_OVERDUE: frozenset({Button.KEEP_STOPPING, Button.FORCE_STOP, Button.CANCEL}),
    CardKind.FORCE_STOP: frozenset({Button.FORCE_STOP_NOW, Button.KEEP_STOPPING, Button.CANCEL}),
    CardKind.WARNING: frozenset({Button.PROTECT_ON, Button.PROTECT_OFF, Button.CANCEL}),
    CardKind.CONFIRM: frozenset({Button.CONFIRM, Button.AGREE_DELETION, Button.CANCEL}),
    CardKind.PROTECTING: frozenset({Button.WHY, Button.CANCEL}),
    CardKind.PROGRESS: frozenset({Button.WHY}),
    CardKind.OVERDUE: frozenset(
        {Button.KEEP_WAITING, Button.WHY, Button.SUMMARY, Button.DELETE_RESTORE}
    ),
    CardKind.DELETE_RESTORE: frozenset({Button.DELETE_RESTORE_NOW, Button.KEEP_WAITING}),
    CardKind.RESULT: frozenset({Button.START_VM, Button.SUMMARY}),
    CardKind.STARTED: frozenset({Button.WHY}),
    CardKind.FOUND_AGAIN: frozenset(),
    CardKind.APPEARED: frozenset(),
    CardKind.OFFER: frozenset({Button.ACCEPT, Button.DECLINE, Button.WITHDRAW}),
    CardKind.NOT_TAKEN: frozenset(),
    CardKind.HANDED: frozenset(),
}
"""Which buttons a card answers to while it is open."""


def answer(restore: Restore, event: Person, now: datetime) -> Answer:
    """Apply what a person did."""
    if isinstance(event, TakenOver):
        return handoff.taken_over(restore, event, now)
    if isinstance(event, OperatorCancelled):
        return _cancelled_by_operator(restore, event.operator, now)
    if isinstance(event, Clicked) and (card := _offer_meant(restore, event)):
        return handoff.answered(restore, card, event, now)
    if event.by != restore.owner:
        return restore, None if isinstance(event, Typed) else Reply.NOT_YOURS
    match event:
        case Typed():
            return _typed(restore, event, now)
        case Clicked():
            return _clicked(restore, event, now)
        case Cancel():
            return _cancel(restore, event, now)
        case Offered():
            return handoff.offered(restore, event, now)


def _offer_meant(restore: Restore, click: Clicked) -> Card | None:
    card = _card(restore, click)
    offers = card is not None and card.kind is CardKind.OFFER
    return card if offers and click.button in BUTTONS[CardKind.OFFER] else None


# Typed replies


def _typed(restore: Restore, typed: Typed, now: datetime) -> Answer:
    if not _is_newer(typed.ts, restore.heard_ts):
        return restore, Reply.LEFT_ALONE
    heard = restore.model_copy(update={"heard_ts": typed.ts})
    match restore.phase:
        case Phase.GATHERING:
            after, reply = _typed_in_gathering(heard, typed, now)
        case Phase.STOP_CHOICE:
            after, reply = _typed_at_stop_choice(heard, typed, now)
        case Phase.TYPING:
            after, reply = _typed_name(heard, typed, now)
        case Phase.CONFIRMING:
            after, reply = _typed_instead_of_click(heard, typed, now)
        case Phase.CHECKING | Phase.STOPPING | Phase.PROTECTING | Phase.RESTORING:
            after, reply = _typed_meanwhile(heard, typed, now)
        case Phase.SUCCEEDED | Phase.FAILED | Phase.CANCELLED | Phase.REFUSED | Phase.EXPIRED:
            return restore, Reply.LEFT_ALONE
    return (restore, reply) if reply is Reply.LEFT_ALONE else (after, reply)


def _typed_in_gathering(restore: Restore, typed: Typed, now: datetime) -> Answer:
    if _word(typed) == "cancel":
        return edits.cancel(restore, restore.owner, now, Reason.CANCELLED_BY_USER), None
    question = restore.question
    if question is None or _is_conversation(restore, typed.text):
        return restore, Reply.LEFT_ALONE
    return _named(restore, question, single_name(typed.text) if typed.plain else None)


def _typed_at_stop_choice(restore: Restore, typed: Typed, now: datetime) -> Answer:
    match _word(typed):
        case "stop-and-restore":
            return _stop_chosen(restore, now), None
        case "cancel":
            return edits.cancel(restore, restore.owner, now, Reason.CANCELLED_BY_USER), None
        case _:
            return restore, Reply.LEFT_ALONE


def _typed_name(restore: Restore, typed: Typed, now: datetime) -> Answer:
    """The typed confirmation: byte for byte, or the restore is over."""
    if typed.plain and typed.text == restore.request.snapshot:
        name = TypedName(by=typed.by, at=now, ts=typed.ts)
        passed = restore.model_copy(update={"typed": name, "note": None})
        onward = edits.enter(passed, Phase.CONFIRMING, now)
        return edits.ask(onward, CardKind.CONFIRM, now, endings.NAME_PASSED), None
    if _is_conversation(restore, typed.text):
        return restore, Reply.LEFT_ALONE
    if _word(typed) == "cancel":
        return edits.cancel(restore, restore.owner, now, Reason.CANCELLED_BY_USER), None
    outcome = Outcome(reason=Reason.NAMES_DIFFER, at=now, by=typed.by, typed=_shortened(typed.text))
    return edits.end(restore, Phase.CANCELLED, outcome, endings.NAMES_DIFFER), None


def _typed_instead_of_click(restore: Restore, typed: Typed, now: datetime) -> Answer:
    if _word(typed) == "yes":
        return restore, Reply.PRESS_THE_BUTTON
    first = typed.text.split(maxsplit=1)[0].lower().strip(".,!") if typed.text.strip() else ""
    if _is_conversation(restore, typed.text) and first not in CANCEL_WORDS:
        return restore, Reply.LEFT_ALONE
    return edits.cancel(restore, restore.owner, now, Reason.TYPED_INSTEAD), None


def _typed_meanwhile(restore: Restore, typed: Typed, now: datetime) -> Answer:
    if _word(typed) != "cancel":
        return restore, Reply.LEFT_ALONE
    return _cancel(restore, Cancel(by=typed.by), now)


def _is_conversation(restore: Restore, text: str) -> bool:
    """In a thread that people started, several words are meant for people."""
    return not restore.thread_ref.own_thread and len(text.split()) != 1


def _word(typed: Typed) -> str:
    return typed.text.strip().strip("`\"'.!").lower() if typed.plain else ""


def _shortened(text: str, most: int = 300) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _is_newer(ts: str, than: str) -> bool:
    """Compare two Slack timestamps as the pairs of integers that they are."""
    return not than or slack_order(ts) > slack_order(than)


# Buttons and pickers


def _clicked(restore: Restore, click: Clicked, now: datetime) -> Answer:
    card = _card(restore, click)
    if card is None or card.closed is not None or click.button not in BUTTONS[card.kind]:
        return restore, in_vain(restore, card)
    return _pressed(restore, card, click, now)


def _card(restore: Restore, click: Clicked) -> Card | None:
    return next((card for card in restore.cards if card.number == click.number), None)


def in_vain(restore: Restore, card: Card | None) -> Reply:
    """Why a button does nothing any more: there are newer cards, or all is over."""
    if not restore.phase.ended or edits.was_continued(restore):
        return Reply.OLD_CARD
    older = card is not None and card.kind is CardKind.RESULT and card.closed is not None
    return Reply.OLD_CARD if older and not restore.closed else Reply.ENDED


def _pressed(restore: Restore, card: Card, click: Clicked, now: datetime) -> Answer:
    match click.button:
        case Button.CANCEL:
            return _cancel(restore, Cancel(by=click.by), now)
        case Button.PICK_VM | Button.PICK_NAMESPACE | Button.PICK_SNAPSHOT | Button.USE_PROPOSAL:
            return _named(restore, card, _picked(restore, click))
        case Button.STOP_AND_RESTORE:
            return _stop_chosen(restore, now), None
        case Button.KEEP_STOPPING | Button.FORCE_STOP | Button.FORCE_STOP_NOW:
            return _stop_pressed(restore, click.button, now)
        case Button.PROTECT_ON | Button.PROTECT_OFF | Button.AGREE_DELETION:
            return _chosen(restore, click.button)
        case Button.CONFIRM:
            return _confirmed(restore, click, now)
        case Button.KEEP_WAITING | Button.DELETE_RESTORE | Button.DELETE_RESTORE_NOW:
            return _job_pressed(restore, click, now)
        case Button.START_VM:
            return _start(restore, card, click, now)
        case Button.HAND_OVER:
            return handoff.offer(restore, click.value, now)
        case _:
            return restore, Reply.OLD_CARD


def _chosen(restore: Restore, button: Button) -> Answer:
    """The choice stands on the card, so a second press came from a screen that lagged behind."""
    if button is Button.AGREE_DELETION:
        agreed = restore.model_copy(update={"deletion_agreed": True})
        return (agreed, None) if wants_agreement(restore) else (restore, Reply.OLD_CARD)
    on = button is Button.PROTECT_ON
    if restore.protect is on:
        return restore, Reply.OLD_CARD
    return restore.model_copy(update={"protect": on}), None


def _picked(restore: Restore, click: Clicked) -> str | None:
    if click.button is not Button.USE_PROPOSAL:
        return click.value
    return restore.proposal.value if restore.proposal else None


_FIELDS: dict[CardKind, tuple[str, Part]] = {
    CardKind.ASK_VM: ("vm", Part.VM),
    CardKind.ASK_NAMESPACE: ("namespace", Part.NAMESPACE),
    CardKind.ASK_SNAPSHOT: ("snapshot", Part.SNAPSHOT),
}


def _named(restore: Restore, question: Card, name: str | None) -> Answer:
    """Put the answer into the request; the next observation decides whether it is a good one."""
    field, part = _FIELDS[question.kind]
    if name is None or not is_name(part, name):
        return restore, Reply.NO_SUCH_NAME
    request: RestoreRequest = restore.request.model_copy(update={field: name})
    closed = edits.close(restore, endings.NAMED.format(part=part.value, name=name))
    return closed.model_copy(update={"request": request, "proposal": None}), None


def _stop_chosen(restore: Restore, now: datetime) -> Restore:
    """Stop at once, or only remember the consent, as the rules say."""
    strategy = restore.preview.run_strategy if restore.preview else "unknown"
    stop = Stop(strategy=strategy)
    chosen = edits.close(restore, endings.STOP_CHOSEN.format(user=restore.owner))
    chosen = chosen.model_copy(update={"stop": stop})
    if restore.rules.stop_when is StopWhen.CHOSEN:
        return edits.post(edits.enter(chosen, Phase.STOPPING, now), CardKind.STOPPING, now)
    onward = edits.enter(chosen, Phase.TYPING, now)
    return edits.ask(onward, CardKind.WARNING, now)


def _stop_pressed(restore: Restore, button: Button, now: datetime) -> Answer:
    stop = restore.stop
    if stop is None or restore.phase is not Phase.STOPPING:
        return restore, Reply.OLD_CARD
    if button is Button.FORCE_STOP:
        return edits.ask(restore, CardKind.FORCE_STOP, now, endings.FORCE_CHOSEN), None
    forced = stop.force or button is Button.FORCE_STOP_NOW
    confirmed = button is Button.FORCE_STOP_NOW
    words = endings.FORCE_CONFIRMED if confirmed else endings.KEEP_WAITING
    later = now + timedelta(seconds=restore.rules.stop_timeout)
    again = stop.model_copy(update={"force": forced, "wait_until": later})
    return edits.close(restore, words).model_copy(update={"stop": again}), None


def _confirmed(restore: Restore, click: Clicked, now: datetime) -> Answer:
    """The click. It counts once: leaving CONFIRMING closes the card that carried the button."""
    typed = restore.typed
    if restore.phase is not Phase.CONFIRMING or typed is None or restore.preview is None:
        return restore, Reply.OLD_CARD
    if typed.by != click.by or wants_agreement(restore):
        return restore, Reply.OLD_CARD
    sealed = Confirmation(by=click.by, at=now, number=click.number)
    closed = edits.close(restore, endings.CONFIRMED.format(user=click.by))
    confirmed = closed.model_copy(update={"confirmation": sealed})
    if restore.stop is not None and restore.stop.done_at is None:
        onward = edits.enter(confirmed, Phase.STOPPING, now)
        return edits.post(onward, CardKind.STOPPING, now), None
    return after_stop(confirmed, now), None


def wants_agreement(restore: Restore) -> bool:
    """It deletes disks, no safety snapshot is to copy them, and nobody has agreed to that yet."""
    shown = restore.preview
    deletes = shown is not None and any(each.fate is Fate.DELETED for each in shown.fates)
    return deletes and not restore.protect and not restore.deletion_agreed


def after_stop(restore: Restore, now: datetime) -> Restore:
    """Both confirmations are in and the VM is down: protect first if chosen, then restore."""
    if restore.protect and restore.safety is None:
        onward = edits.enter(restore, Phase.PROTECTING, now)
        return edits.post(onward, CardKind.PROTECTING, now)
    onward = edits.enter(restore, Phase.RESTORING, now)
    return edits.post(onward, CardKind.PROGRESS, now)


def _job_pressed(restore: Restore, click: Clicked, now: datetime) -> Answer:
    job = restore.job
    if job is None or restore.phase is not Phase.RESTORING:
        return restore, Reply.OLD_CARD
    if click.button is Button.DELETE_RESTORE:
        return edits.ask(restore, CardKind.DELETE_RESTORE, now, endings.DELETE_CHOSEN), None
    if click.button is Button.DELETE_RESTORE_NOW:
        gone = job.model_copy(update={"deleting": True, "delete_asked_by": click.by})
        closed = edits.close(restore, endings.DELETE_CONFIRMED.format(user=click.by))
        return closed.model_copy(update={"job": gone}), None
    later = now + timedelta(seconds=restore.rules.restore_timeout)
    patient = job.model_copy(update={"wait_until": later})
    return edits.close(restore, endings.KEEP_WAITING).model_copy(update={"job": patient}), None


def _start(restore: Restore, card: Card, click: Clicked, now: datetime) -> Answer:
    pending = restore.start is not None and restore.start.error is None
    if not start_is_offered(restore) or pending:
        return restore, in_vain(restore, card) if restore.closed else Reply.OLD_CARD
    return restore.model_copy(update={"start": Start(by=click.by, at=now)}), None


# Cancel


def _cancel(restore: Restore, cancel: Cancel, now: datetime) -> Answer:
    """Cancel tells the truth: what has been handed to the cluster cannot be taken back."""
    if why := _cannot_cancel(restore):
        return restore, why
    return edits.cancel(restore, cancel.by, now, Reason.CANCELLED_BY_USER), None


def _cancelled_by_operator(restore: Restore, operator: str, now: datetime) -> Answer:
    """The same from a terminal, by somebody who need not be the owner."""
    if why := _cannot_cancel(restore):
        return restore, why
    outcome = Outcome(reason=Reason.CANCELLED_BY_OPERATOR, at=now, found=operator)
    return edits.end(restore, Phase.CANCELLED, outcome, endings.CANCELLED_BY_OPERATOR), None


def _cannot_cancel(restore: Restore) -> Reply | None:
    if restore.phase.ended:
        return Reply.ENDED
    return Reply.CANNOT_CANCEL if restore.job is not None else None
