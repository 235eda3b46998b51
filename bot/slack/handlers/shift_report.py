"""The shift report: what runs, what waits for whom, what has ended since, and what was left behind.

Anybody gets it by `handoff` without a name, restricted to what they may see: alone after a slash
command, for everybody where they mentioned the bot. By the clock it goes to one channel, with
everything in it, since the settings say so.

The clock is a periodic task of the store, so that one replica posts for all. A post is marked with what it
answers, and the marks are looked through before it: a process that dies right after a post
causes no second one. What was due while nobody could post is posted once, as soon as somebody can.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.errors import Permanent
from bot.restore.events import Verdict
from bot.restore.model import Restore
from bot.restore.thread import ThreadRef, UserId
from bot.slack.api.error_codes import SlackCode
from bot.slack.context import SlackContext
from bot.slack.outbound.replies import Caller
from bot.slack.outbound.thread_sync import CLOCKS_DIFFER
from bot.slack.periodic_tasks import ReportTask, fields, load
from bot.slack.views import Message
from bot.slack.views import report as views_report
from bot.slack.views.report import Shift
from bot.slack.views.unread import Unread
from bot.store.documents import Unreadable
from bot.store.records import PeriodicTask, TaskResult

TASK = "report"
EVENT_TYPE = "vm_restore_report"
USUAL = timedelta(hours=24)
"""How far a report looks back when there was none before it."""
MAX_RECENT = 200
MAX_LINKS = 20
"""Slack limits how often it is asked for addresses of threads."""
ASK_AGAIN = timedelta(minutes=1)

log = structlog.get_logger(__name__)

Sees = Callable[[Restore], bool]


class ShiftReporter:
    """Makes shift reports, and posts those that are due."""

    def __init__(self, context: SlackContext) -> None:
        self._store = context.store
        self._people = context.people
        self._responder = context.responder
        self._authorizer = context.authorizer
        self._clusters = context.config.clusters
        self._web = context.web
        self._timetable = context.timetable
        self._clock = context.clock
        self._metrics = context.metrics

    # When asked for

    async def answer(self, caller: Caller, thread_ref: ThreadRef) -> Message | Verdict | None:
        """For the one who asked; None if it was posted where they asked in the open."""
        asker = await self._authorizer.asker(caller.user, caller.channel)
        verdicts = [asker.may_restore(each) for each in self._clusters]
        if not any(verdict.allowed for verdict in verdicts):
            return verdicts[0]
        alone = caller.user if thread_ref.asked_ts is None else None
        shift = await self._shift(asker.sees, await self._last(), alone)
        message = views_report.report(shift, asker=caller.user)
        if alone:
            return message
        try:
            await self._post_once(message, thread_ref)
        except Permanent as refused:
            log.info("a shift report cannot be posted where it was asked", error=refused.reason)
            return message
        return None

    async def _post_once(self, message: Message, thread_ref: ThreadRef) -> None:
        """In the thread of the message that asked for it, or below that message."""
        mark = f"{thread_ref.channel}/{thread_ref.asked_ts}"
        if not await self._stands(
            mark, "conversations.replies", thread_ref.channel, ts=thread_ref.thread
        ):
            await self._post(thread_ref.channel, message, mark, thread=thread_ref.thread)

    async def _last(self) -> datetime:
        """When the last report was posted by the clock; a day ago if there was none."""
        return self._since(_readable(await self._store.tasks.body(TASK)))

    def _since(self, known: ReportTask | None) -> datetime:
        last = known.last if known else None
        return last or self._clock.now() - USUAL

    # By the clock

    async def schedule(self) -> None:
        """At the start: make the periodic task what the settings say. One that is overdue stays due."""
        body, timetable = await self._store.tasks.body(TASK), self._timetable
        known = _readable(body)
        if timetable is None:
            if body is not None:
                await self._store.tasks.delete(TASK)
        elif known is None or known.plan != timetable.plan:
            due = timetable.after(self._clock.now())
            last = known.last if known else None
            task = ReportTask(plan=timetable.plan, due=due, last=last)
            await self._store.tasks.schedule(TASK, fields(task), due=due)

    async def post(self, task: PeriodicTask) -> TaskResult | None:
        """One report by the clock, and the next time. Raises Temporary to be asked again soon."""
        timetable, known = self._timetable, load(ReportTask, task)
        if timetable is None or known.plan != timetable.plan:
            # Kept by a replica with other settings, which is the one to post it.
            return TaskResult(due=self._clock.now() + ASK_AGAIN)
        now, since = self._clock.now(), self._since(known)
        try:
            await self._post_due(timetable.channel, known.due, since)
        except Permanent as refused:
            log.warning("a shift report cannot be posted", error=refused.reason)
            self._metrics.reports.labels("refused").inc()
            told = since
        else:
            self._metrics.reports.labels("posted").inc()
            told = now
        due = timetable.after(now)
        return TaskResult(due, fields(ReportTask(plan=timetable.plan, due=due, last=told)))

    async def _post_due(self, channel: str, due: datetime, since: datetime) -> None:
        room = await self._people.room(channel, fresh=True)
        if room.spot.shared:
            raise Permanent("shared_channel", "people of other companies read this channel")
        if not room.member:
            raise Permanent(SlackCode.NOT_IN_CHANNEL, "the bot cannot write in this channel")
        mark = due.isoformat()
        oldest = self._just_before(mark)
        if await self._stands(mark, "conversations.history", channel, oldest=oldest):
            return
        shift = await self._shift(lambda _: True, since, None)
        await self._post(channel, views_report.report(shift), mark)

    # Both

    async def _shift(self, sees: Sees, since: datetime, reader: UserId | None) -> Shift:
        found, recent = await self._store.under_way(), await self._store.recent(MAX_RECENT)
        # Whatever ends between the two readings is in both: it has ended.
        over = {each.id for each in recent}
        live = [each for each in found.restores if each.id not in over and sees(each)]
        ended = [each for each in recent if sees(each) and each.ended_at >= since]
        links = await self._responder.links([*live, *ended][:MAX_LINKS], reader)
        return Shift(
            now=self._clock.now(),
            since=since,
            live=tuple(live),
            ended=tuple(ended),
            links=links,
            unread=Unread(newer=found.newer, lost=found.lost),
        )

    def _just_before(self, due: str) -> str:
        """As a Slack `ts`, by Slack's own clock."""
        by_slack = self._web.clock.of(datetime.fromisoformat(due) - CLOCKS_DIFFER)
        return f"{by_slack.timestamp():.6f}"

    async def _stands(self, mark: str, method: str, channel: str, **where: str | None) -> bool:
        """Is this very report there already? A worker may have died right after it."""
        found = await self._web.call(
            method, channel=channel, include_all_metadata=True, limit=200, **where
        )
        return mark in _marks(found["messages"])

    async def _post(
        self, channel: str, message: Message, mark: str, thread: str | None = None
    ) -> None:
        await self._web.call(
            "chat.postMessage",
            channel=channel,
            thread_ts=thread,
            text=message.text,
            blocks=list(message.blocks),
            metadata={"event_type": EVENT_TYPE, "event_payload": {"report": mark}},
            unfurl_links=False,
            unfurl_media=False,
        )


def _readable(body: Mapping[str, Any] | None) -> ReportTask | None:
    """The stored task; one of another release counts as none, and does not keep the bot down."""
    try:
        return None if body is None else load(ReportTask, PeriodicTask(TASK, body))
    except Unreadable as error:
        log.warning("the task of the shift report does not load", found=error.text)
        return None


def _marks(messages: Iterable[Mapping[str, Any]]) -> set[str]:
    payloads = ((each.get("metadata") or {}).get("event_payload") or {} for each in messages)
    return {str(each["report"]) for each in payloads if "report" in each}
