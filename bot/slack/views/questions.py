"""The cards that ask for what is missing, and those about stopping the VM and giving up."""

from datetime import timedelta

from slack_sdk.models.blocks import Block, ButtonElement

from bot.restore.events import Button
from bot.restore.model import Proposal, Slot
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    code,
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
    Draft,
    Face,
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

PICKERS = {
    Slot.ASK_VM: Button.PICK_VM,
    Slot.ASK_NAMESPACE: Button.PICK_NAMESPACE,
    Slot.ASK_SNAPSHOT: Button.PICK_SNAPSHOT,
}


def waits(face: Face, template: str) -> list[Block]:
    """Until when an open question waits, and what happens then."""
    until = face.restore.deadline
    if not face.open or until is None:
        return []
    return context(fill(template, until=moment(until)))


def ask(face: Face) -> Draft:
    """Which VM, namespace or snapshot? With a list to choose from; typing works as well."""
    question = _question(face)
    proposal = face.restore.proposal if face.open else None
    begin = joined((face.owner, Mrkdwn(f"*{question}*"))) if face.open else Mrkdwn(f"*{question}*")
    own = face.restore.place.own_thread
    how = face.when_open(texts.OR_TYPE if own else texts.OR_TYPE_THERE)
    blocks = [
        *section(begin, *_proposed(face, proposal)),
        *section(_described(face), how),
        *actions(face, picker(PICKERS[face.card.slot]), _use(face, proposal), cancel(face)),
        *waits(face, general.WAITS_OR_EXPIRES),
        *answered(face),
    ]
    return Draft(notice(face, question), blocks)


def _question(face: Face) -> Mrkdwn:
    match face.card.slot:
        case Slot.ASK_NAMESPACE:
            return face.say(texts.WHICH_NAMESPACE)
        case Slot.ASK_SNAPSHOT:
            return face.say(texts.WHICH_SNAPSHOT)
        case _:
            known = face.open and face.restore.wish.namespace is not None
            return face.say(texts.WHICH_VM_IN if known else texts.WHICH_VM)


def _proposed(face: Face, proposal: Proposal | None) -> list[Mrkdwn | None]:
    if proposal is None:
        return []
    value, near = proposal.value, proposal.near
    usable = value is not None and face.card.slot is Slot.ASK_NAMESPACE
    if value and not usable:
        near = (value, *near)
    return [
        sentence(proposal.problem) if proposal.problem else None,
        face.say(texts.FOUND_HERE, value=code(value)) if value and usable else None,
        face.say(_offer(face), near=names(near, most=5)) if near else None,
    ]


def _offer(face: Face) -> str:
    """How the names that may help are introduced."""
    proposal = face.restore.proposal
    asked_again = proposal is not None and proposal.problem is not None
    match face.card.slot:
        case Slot.ASK_NAMESPACE if not asked_again:
            return texts.FOUND_IN
        case Slot.ASK_SNAPSHOT if not asked_again and not _fits_description(face, proposal):
            return texts.NEWEST
        case _:
            return texts.DID_YOU_MEAN


def _fits_description(face: Face, proposal: Proposal | None) -> bool:
    """The core offers names that fit the description, or the newest ones if none does."""
    described, near = face.restore.wish.described, proposal.near if proposal else ()
    return bool(described) and any((described or "").lower() in name for name in near)


def _use(face: Face, proposal: Proposal | None) -> ButtonElement | None:
    """Only a namespace is ever proposed: the one in which the VM was found."""
    if proposal is None or proposal.value is None or face.card.slot is not Slot.ASK_NAMESPACE:
        return None
    label = general.USE.format(name=shortened(proposal.value, SHORT_NAME))
    return button(face, Button.USE_PROPOSAL, label=label, style="primary")


def _described(face: Face) -> Mrkdwn | None:
    described = face.restore.wish.described
    if face.card.slot is not Slot.ASK_SNAPSHOT or not described:
        return None
    return face.when_open(texts.LOOKED_FOR, described=code(described, 100))


def stop_choice(face: Face) -> Draft:
    """The VM is live: stop it, or cancel."""
    status = live_status(face)
    shown = texts.STATUS_BUT_LIVE if status.casefold() == "stopped" else texts.STATUS
    blocks = [
        header(texts.STOP_HEADING),
        *section(face.when_open(texts.STOP_ASK)),
        *section(face.vm_line, fill(shown, status=status) if face.open else None),
        *section(Mrkdwn(texts.SAFETY_REQUIREMENT)),
        *section(*_stop_options(face)),
        *actions(face, button(face, Button.STOP_AND_RESTORE), cancel(face)),
        *waits(face, general.WAITS_OR_EXPIRES),
        *answered(face),
    ]
    asked = face.say(texts.STOP_TEXT, status=status) if face.open else face.vm
    text = joined((Mrkdwn(f"{texts.STOP_HEADING}:"), asked))
    return Draft(notice(face, text), blocks)


def live_status(face: Face) -> str:
    """What the cluster called the live VM when it was last looked at."""
    preview = face.restore.preview
    return preview.vm_status if preview and preview.vm_status else "Running"


def _stop_options(face: Face) -> list[Mrkdwn | None]:
    if not face.open:
        return []
    return [
        *map(Mrkdwn, texts.STOP_OPTIONS),
        Mrkdwn(texts.STOP_TIMING[face.restore.rules.stop_when]),
        Mrkdwn(f"*{texts.HOW_TO_PROCEED}* {texts.STOP_HOW}"),
    ]


def stop_overdue(face: Face) -> Draft:
    """The guest takes its time: wait, force, or cancel."""
    said = face.say(texts.STOP_OVERDUE, length=_stopping_for(face))
    choices = map(Mrkdwn, texts.STOP_OVERDUE_CHOICES) if face.open else ()
    blocks = [
        header(texts.STOP_OVERDUE_HEADING),
        *section(face.when_open(texts.STOP_ASK)),
        *section(face.vm_line, said, trouble(face.restore) if face.open else None),
        *section(*choices),
        *actions(
            face,
            button(face, Button.KEEP_STOPPING),
            button(face, Button.FORCE_STOP, style="danger"),
            cancel(face),
        ),
        *waits(face, general.WAITS_FOR_THE_STOP),
        *answered(face),
    ]
    return Draft(notice(face, joined((Mrkdwn(f"{texts.STOP_OVERDUE_HEADING}:"), said))), blocks)


def _stopping_for(face: Face) -> Mrkdwn:
    stop = face.restore.stop
    if stop is None or stop.asked_at is None:
        return duration(timedelta(seconds=face.restore.rules.stop_timeout))
    return duration(face.card.opened_at - stop.asked_at)


def force_stop(face: Face) -> Draft:
    """Its own confirmation, with what it risks."""
    sure = dialog(face, texts.FORCE_DIALOG_TITLE, texts.FORCE_DIALOG, Button.FORCE_STOP_NOW)
    blocks = [
        header(texts.FORCE_HEADING),
        *section(face.when_open(texts.STOP_ASK)),
        *section(face.vm_line),
        *section(*map(Mrkdwn, texts.FORCE_RISKS)),
        *actions(
            face,
            button(face, Button.FORCE_STOP_NOW, style="danger", confirm=sure),
            button(face, Button.KEEP_STOPPING),
            cancel(face),
        ),
        *waits(face, general.WAITS_FOR_THE_STOP),
        *answered(face),
    ]
    return Draft(notice(face, face.say(texts.FORCE_TEXT)), blocks)


def delete_restore(face: Face) -> Draft:
    """Its own confirmation: giving up is not going back."""
    job = face.restore.job
    sure = dialog(face, texts.DELETE_DIALOG_TITLE, texts.DELETE_DIALOG, Button.DELETE_RESTORE_NOW)
    blocks = [
        header(texts.DELETE_HEADING),
        *section(face.when_open(texts.STOP_ASK)),
        *section(face.vm_line, fill(texts.JOB, job=code(job.name)) if job else None),
        *section(*map(Mrkdwn, texts.DELETE_MEANS)),
        *actions(
            face,
            button(face, Button.DELETE_RESTORE_NOW, style="danger", confirm=sure),
            button(face, Button.KEEP_WAITING),
        ),
        *no_end(face),
        *answered(face),
    ]
    return Draft(notice(face, face.say(texts.DELETE_TEXT)), blocks)


def no_end(face: Face) -> list[Block]:
    """Questions about a running restore wait as long as it runs, unless they have a deadline."""
    if face.restore.deadline is not None:
        return waits(face, general.WAITS_OR_EXPIRES)
    return context(Mrkdwn(general.WAITS_WITHOUT_END)) if face.open else []
