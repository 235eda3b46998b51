"""Restores under way and ended ones: the lists that `status` and `history` answer with, and their lines."""

from collections.abc import Mapping, Sequence

from bot.restore.model import Phase, Restore, RestoreId
from bot.restore.thread import CardKind
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    channel_link,
    code,
    duration,
    fill,
    joined,
    link,
    mention,
    moment,
)
from bot.slack.views.layout import Message, answer, header, name, section, short_answer
from bot.slack.views.lines import cut
from bot.slack.views.progress import state
from bot.slack.views.unread import ALL_READ, Unread
from bot.texts import general
from bot.texts import lists as texts

Links = Mapping[RestoreId, str | None]
"""The addresses of threads, by the id of the restore."""


def status(
    restores: Sequence[Restore], links: Links, vm: str | None = None, unread: Unread = ALL_READ
) -> Message:
    """What is under way: which VM, whose, since when, what it waits for and where."""
    if not restores and unread:
        return short_answer(joined((Mrkdwn(texts.NOTHING_READ), *unread.lines), "\n"))
    if not restores:
        return short_answer(fill(texts.NOTHING_RUNS_OF if vm else texts.NOTHING_RUNS, vm=name(vm)))
    said = fill(texts.STATUS_TEXT, count=len(restores))
    lines = [running_line(each, links.get(each.id)) for each in restores]
    blocks = [header(texts.STATUS_HEADING), *section(*cut(lines)), *section(*unread.lines)]
    return answer(joined((said, *unread.lines)), blocks)


def running_line(restore: Restore, permalink: str | None) -> Mrkdwn:
    """A restore under way, in one line."""
    until = restore.deadline if restore.question else None
    return about(
        texts.RUNS_UNTIL if until else texts.RUNS,
        restore,
        permalink,
        state=Mrkdwn(doing(restore)),
        since=moment(restore.opened_at),
        until=moment(until) if until else Mrkdwn(""),
    )


def doing(restore: Restore) -> str:
    """Where it stands, as the end of a sentence."""
    question = restore.question.kind if restore.question else None
    match question, restore.phase:
        case None, phase:
            return texts.STATUS_PHASES[phase]
        case _, Phase.GATHERING:
            return texts.STATUS_GATHERING
        case CardKind.STOP_OVERDUE | CardKind.FORCE_STOP, _:
            return texts.STATUS_STOP_OVERDUE
        case CardKind.OVERDUE | CardKind.DELETE_RESTORE, _:
            return texts.STATUS_OVERDUE
        case _, phase:
            return texts.STATUS_PHASES[phase]


def history(restores: Sequence[Restore], links: Links, vm: str | None = None) -> Message:
    """What has ended, newest first: how, when and how long it took."""
    if not restores:
        return short_answer(fill(texts.NO_HISTORY_OF if vm else texts.NO_HISTORY, vm=name(vm)))
    said = fill(
        texts.HISTORY_TEXT_OF if vm else texts.HISTORY_TEXT, vm=name(vm), count=len(restores)
    )
    lines = [ended_line(each, links.get(each.id)) for each in restores]
    return answer(said, [header(texts.HISTORY_HEADING), *section(*cut(lines))])


def ended_line(restore: Restore, permalink: str | None) -> Mrkdwn:
    """A restore that has ended, in one line."""
    return about(
        texts.ONCE,
        restore,
        permalink,
        result=state(restore),
        when=moment(restore.ended_at),
        duration=duration(restore.ended_at - restore.opened_at),
    )


def about(template: str, restore: Restore, permalink: str | None, **values: Mrkdwn) -> Mrkdwn:
    """A text about one restore, with a link to its thread."""
    request = restore.request
    return fill(
        template,
        vm=name(request.vm),
        namespace=joined((name(request.namespace), *_cluster(request.cluster)), ""),
        snapshot=name(request.snapshot),
        owner=mention(restore.owner),
        thread=thread_of(restore, permalink),
        **values,
    )


def _cluster(cluster: str) -> list[Mrkdwn]:
    """The cluster is named only where there may be others."""
    usual = cluster == general.DEFAULT_CLUSTER
    return [] if usual else [fill(general.ASKED_CLUSTER, cluster=code(cluster, 100))]


def thread_of(restore: Restore, permalink: str | None) -> Mrkdwn:
    """A link to its thread; without one, at least the channel."""
    channel = restore.thread_ref.channel
    if permalink:
        return link(permalink, texts.THREAD)
    if channel.startswith("D"):
        return Mrkdwn(texts.THREAD_IN_DM)
    return fill(texts.THREAD_IN, channel=channel_link(channel))


def reply_in_thread(restore: Restore, permalink: str | None) -> Message:
    """Somebody answers outside the thread in which they were asked."""
    return short_answer(about(texts.REPLY_IN_THREAD, restore, permalink))
