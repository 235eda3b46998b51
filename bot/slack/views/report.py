"""The shift report: what the next shift must know, in one message.

Only the people who are waited for are mentioned, and so notified; who asked for what has ended
stands in its thread.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.restore.disks import LeftBehindKind
from bot.restore.edits import was_continued
from bot.restore.model import Outcome, Phase, Restore, RestoreId
from bot.restore.reasons import Reason
from bot.restore.starts import never_created, untouched
from bot.slack.markup.mrkdwn import Mrkdwn, code, fill, joined, mention, moment, names
from bot.slack.views.aftermath import BLOCKS_NOTHING, started_since
from bot.slack.views.layout import Draft, Message, header, section, to_message
from bot.slack.views.lines import cut
from bot.slack.views.restore_lists import about, doing
from bot.slack.views.unread import ALL_READ, Unread
from bot.texts import general
from bot.texts import handoff as texts

ROOM = 1800
"""Bytes for each of the four lists: together they make one message."""


@dataclass(frozen=True, slots=True)
class Shift:
    """What a report is made of: restores under way and ended ones, and where their threads are."""

    now: datetime
    since: datetime
    live: tuple[Restore, ...]
    ended: tuple[Restore, ...]
    links: Mapping[RestoreId, str | None]
    unread: Unread = ALL_READ


def report(shift: Shift, asker: str | None = None) -> Message:
    """The report. With an asker it holds only what they may see."""
    waiting = [each for each in shift.live if each.question]
    running = [each for each in shift.live if not each.question]
    links = shift.links
    left = [line for each in shift.ended for line in _left(each)]
    counts = {"waiting": len(waiting), "running": len(running), "ended": len(shift.ended)}
    only = fill(texts.REPORT_ONLY_YOURS, asker=mention(asker)) if asker else None
    said = fill(texts.REPORT_TEXT, **counts)
    blocks = [
        header(texts.REPORT_HEADING),
        *section(only, fill(texts.REPORT_SINCE, since=moment(shift.since), now=moment(shift.now))),
        *section(*_part(texts.WAITING, (_waits(each, links.get(each.id)) for each in waiting))),
        *section(*_part(texts.RUNNING, (_runs(each, links.get(each.id)) for each in running))),
        *section(*shift.unread.lines),
        *section(*_part(texts.ENDED, (_once(each, links.get(each.id)) for each in shift.ended))),
        *section(*_part(texts.LEFT, left)),
    ]
    return to_message(Draft(joined((said, only)) if only else said, blocks), "report")


def _part(title: str, lines: Iterable[Mrkdwn]) -> Sequence[Mrkdwn]:
    found = list(lines)
    return [fill(title, count=len(found)), *(cut(found, room=ROOM) or [Mrkdwn(texts.NOTHING)])]


def _waits(restore: Restore, permalink: str | None) -> Mrkdwn:
    until = restore.deadline
    template = texts.WAITS if until else texts.WAITS_ON
    known = {"state": Mrkdwn(doing(restore)), "until": moment(until) if until else Mrkdwn("")}
    return joined((about(template, restore, permalink, **known), *_offered(restore)))


def _runs(restore: Restore, permalink: str | None) -> Mrkdwn:
    known = {"state": Mrkdwn(doing(restore)), "since": moment(restore.opened_at)}
    return joined((about(texts.RUNS, restore, permalink, **known), *_offered(restore)))


def _offered(restore: Restore) -> list[Mrkdwn]:
    made = restore.offer
    if made is None:
        return []
    return [fill(texts.OFFERED_TO, taker=mention(made.to), until=moment(made.until))]


def _once(restore: Restore, permalink: str | None) -> Mrkdwn:
    return about(
        texts.ONCE,
        restore,
        permalink,
        result=Mrkdwn(general.STATES[restore.phase]),
        when=moment(restore.ended_at),
    )


def _left(restore: Restore) -> list[Mrkdwn]:
    """What an ended restore left in the cluster, as far as its document knows.

    What one restore hands on to the next (a stopped VM, a failed object in the way) is the next
    one's to tell: it may be gone by then.
    """
    outcome, safety, last = restore.outcome, restore.safety, not was_continued(restore)
    volumes, needed, made = _volumes(outcome)
    more = outcome.more_left if outcome else 0
    failed = _failed_object(restore)
    parts = (
        (texts.LEFT_VOLUMES, names(volumes, more=0 if needed or made else more), bool(volumes)),
        (texts.LEFT_NEEDED, names(needed, more=0 if made else more), bool(needed)),
        (texts.LEFT_MADE, names(made, more=more), bool(made)),
        (texts.LEFT_UNKNOWN, None, last and _half_restored(restore)),
        (texts.LEFT_SAFETY, code(safety.name) if safety else None, safety and safety.uid),
        (texts.LEFT_FAILED, code(failed) if failed else None, last and failed),
        (texts.LEFT_STOPPED, None, last and restore.stopped_by_us and not started_since(restore)),
    )
    return [
        about(template, restore, None, names=named or Mrkdwn(""))
        for template, named, there in parts
        if there
    ]


def _volumes(outcome: Outcome | None) -> tuple[tuple[str, ...], ...]:
    """Those that nobody needed at the end, those that somebody may need, and what a failure made."""
    if outcome is None or not outcome.left:
        return (outcome.leftovers if outcome else ()), (), ()
    kinds = {LeftBehindKind.FREE: "free", LeftBehindKind.MADE: "made"}
    held: dict[str, list[str]] = {"free": [], "needed": [], "made": []}
    for each in outcome.left:
        if each.kind is not LeftBehindKind.GOING:
            held[kinds.get(each.kind, "needed")].append(each.claim)
    return tuple(held["free"]), tuple(held["needed"]), tuple(held["made"])


def _half_restored(restore: Restore) -> bool:
    outcome = restore.outcome
    gone = outcome is not None and outcome.reason is Reason.VM_DELETED
    return restore.phase is Phase.FAILED and not gone and not untouched(restore)


def _failed_object(restore: Restore) -> str | None:
    """The restore object that would be in the way of the next restore."""
    job, outcome = restore.job, restore.outcome
    if outcome is not None and outcome.reason in BLOCKS_NOTHING:
        return None
    if job is not None and restore.phase is Phase.FAILED and not never_created(restore):
        return job.name
    return restore.blocker.name if restore.blocker is not None else None
