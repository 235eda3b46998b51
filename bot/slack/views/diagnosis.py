"""Why a restore stands still or has failed, as the cards and the answers to one person tell it.

What the cluster said is quoted: escaped, and cut. A command holds nothing but names of Kubernetes,
since the core puts nothing else into it.
"""

from collections.abc import Sequence

from bot.restore.diagnosis.model import Cause, Diagnosis
from bot.restore.diagnosis.rules import MAX_QUOTES
from bot.restore.model import Restore
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    code,
    fill,
    joined,
    mention,
    moment,
    preformatted,
    sentence,
    utc,
    visible,
)
from bot.slack.views.layout import CardContext, Draft, Message, section, to_message
from bot.texts import diagnosis as texts
from bot.texts import general

MAX_QUOTE = 300
MAX_SOURCE = 220
SHORT = 140
"""Bytes of a command, and of what is said, on a result, which says much else."""
MAX_SUMMARY = 2_800
_UNKNOWN = (Cause.UNKNOWN, Cause.START_UNKNOWN, Cause.SAFETY_UNKNOWN)


def lines(restore: Restore, *, most: int = MAX_QUOTES) -> list[Mrkdwn]:
    """The diagnosis of a restore that has one."""
    return told(restore.diagnosis, most) if restore.diagnosis else []


def short_lines(restore: Restore) -> list[Mrkdwn]:
    """The same for a result, which shows the error itself and much else."""
    diagnosis = restore.diagnosis
    if diagnosis is None:
        return []
    quotes = [
        fill(texts.QUOTE, source=sentence(each.source, 80), text=sentence(each.text, 80))
        for each in diagnosis.quotes[:1]
    ]
    who = sentence(diagnosis.who, 50)
    onward = fill(texts.NEXT, next=sentence(diagnosis.next, SHORT), who=who)
    command = diagnosis.command if len(diagnosis.command) <= SHORT else ""
    shown = [fill(texts.COMMAND, command=Mrkdwn(command))] if command else []
    return [fill(texts.LIKELY, likely=sentence(diagnosis.likely, SHORT)), *quotes, onward, *shown]


def is_known(restore: Restore) -> bool:
    """A cause was found."""
    return restore.diagnosis is not None and restore.diagnosis.cause != Cause.UNKNOWN


def told(diagnosis: Diagnosis, most: int = MAX_QUOTES) -> list[Mrkdwn]:
    """The likely cause, what shows it, the next step, and a command to look closer."""
    onward = fill(texts.NEXT, next=sentence(diagnosis.next, 400), who=sentence(diagnosis.who, 100))
    command = fill(texts.COMMAND, command=Mrkdwn(diagnosis.command)) if diagnosis.command else None
    first = fill(texts.LIKELY, likely=sentence(diagnosis.likely, 400))
    shown = (first, *_quotes(diagnosis)[:most], onward, _unread(diagnosis), command)
    return [each for each in shown if each is not None]


def _unread(diagnosis: Diagnosis) -> Mrkdwn | None:
    missing = sentence(", ".join(diagnosis.missing), 300)
    return fill(texts.MISSING, missing=missing) if diagnosis.missing else None


def why(restore: Restore, diagnosis: Diagnosis, *, stalled: bool) -> Message:
    """The answer to somebody who asks why, with what was read for it."""
    well = diagnosis.cause in _UNKNOWN and not stalled
    starts = restore.start is not None
    vm = code(restore.request.vm or general.NOT_KNOWN)
    asked = texts.WHY_START if starts else texts.WHY
    head = fill(asked, vm=vm, when=moment(diagnosis.at), owner=mention(restore.owner))
    if well:
        said = fill(texts.NOTHING_WRONG_AT_START if starts else texts.NOTHING_WRONG, vm=vm)
        shown = (head, said, *_quotes(diagnosis), _unread(diagnosis))
        return _message(restore, [each for each in shown if each is not None])
    return _message(restore, (head, *told(diagnosis)))


def nothing_read(restore: Restore, what: str) -> Message:
    """The answer where the cluster of the restore could not be asked."""
    vm = code(restore.request.vm or general.NOT_KNOWN)
    said = sentence(what, 300)
    return _message(
        restore, [fill(texts.NOTHING_READ, vm=vm, what=said, owner=mention(restore.owner))]
    )


def _quotes(diagnosis: Diagnosis) -> list[Mrkdwn]:
    return [
        fill(
            texts.QUOTE,
            source=sentence(each.source, MAX_SOURCE),
            text=sentence(each.text, MAX_QUOTE),
        )
        for each in diagnosis.quotes
    ]


def summary(restore: Restore) -> Message:
    """All that a cluster admin needs, as plain text to be copied."""
    request, job, outcome = restore.request, restore.job, restore.outcome
    diagnosis, confirmed = restore.diagnosis, restore.confirmation
    facts = {
        texts.SUMMARY_VM: f"{request.namespace}/{request.vm}",
        texts.SUMMARY_CLUSTER: request.cluster,
        texts.SUMMARY_SNAPSHOT: request.snapshot or "",
        texts.SUMMARY_RESTORE: job.name if job else "",
        texts.SUMMARY_CREATED: str(utc(job.decided_at)) if job else "",
        texts.SUMMARY_SAFETY: restore.safety.name if restore.safety else "",
        texts.SUMMARY_CONFIRMED: str(utc(confirmed.at)) if confirmed else "",
        texts.SUMMARY_SAYS: "; ".join(dict.fromkeys((job.progressing, job.ready))) if job else "",
        texts.SUMMARY_BOUND: f"{job.volumes_bound}/{job.volumes_total}" if job else "",
        texts.SUMMARY_ERROR: outcome.found if outcome else "",
        **_of(diagnosis),
    }
    plain = "\n".join(f"{name}: {visible(value)[:400]}" for name, value in facts.items() if value)
    intro = fill(texts.SUMMARY, owner=mention(restore.owner))
    return _message(restore, (intro, preformatted(plain, MAX_SUMMARY)))


def _of(diagnosis: Diagnosis | None) -> dict[str, str]:
    if diagnosis is None:
        return {}
    quotes = "; ".join(f"{each.source}: {each.text}" for each in diagnosis.quotes)
    return {
        texts.SUMMARY_CAUSE: diagnosis.likely,
        texts.SUMMARY_EVIDENCE: quotes,
        texts.SUMMARY_NEXT: diagnosis.next,
        texts.SUMMARY_COMMAND: diagnosis.command,
    }


def _message(restore: Restore, said: Sequence[Mrkdwn]) -> Message:
    return to_message(Draft(joined(said, "\n"), section(*said)), restore.id)


def keep_waiting(ctx: CardContext, usual: str) -> Mrkdwn:
    """What waiting is worth, once it is known what it waits for."""
    return Mrkdwn(texts.KEEP_WAITING if is_known(ctx.restore) else usual)
