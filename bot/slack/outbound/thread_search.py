"""Which cards stand in a thread, by the metadata that each was posted with."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.errors import Permanent, Temporary
from bot.restore.model import RestoreId
from bot.restore.thread import slack_order
from bot.slack.api.client import SlackApi
from bot.slack.api.error_codes import NO_PARENT, SlackCode
from bot.store.records import PostedCard

EVENT_TYPE = "vm_restore_card"
MAX_READ = 5000
MAX_UNFINISHED = 100
ONE_READING = timedelta(minutes=30)
"""How long pages that were read are worth going on from."""


@dataclass(slots=True)
class _UnfinishedSearch:
    """Pages that were read until Slack asked to slow down, and where to go on."""

    begun: datetime
    where: Mapping[str, str]
    cursor: str | None = None
    found: list[Mapping[str, Any]] = field(default_factory=list)


class ThreadReader:
    """Reads threads and channels page by page, over several tries if Slack wants that.

    An app that is distributed outside of Slack's Marketplace gets one page of fifteen a minute.
    """

    def __init__(self, web: SlackApi, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._unfinished: dict[tuple[str, ...], _UnfinishedSearch] = {}

    async def messages(
        self, restore: RestoreId, method: str, **where: str
    ) -> list[Mapping[str, Any]]:
        """Everything in a channel or a thread; nothing if somebody has deleted the thread.

        Raises Temporary when Slack does not answer. The next try for the same restore goes on behind
        the last page: what this restore posted before the first page is in one of them, and it posts
        nothing until they are read.
        """
        key, now = (restore, method, where["channel"], where.get("ts", "")), self._clock.now()
        reading = self._unfinished.pop(key, None) or _UnfinishedSearch(now, where)
        if now - reading.begun > ONE_READING:
            reading = _UnfinishedSearch(now, where)
        while True:
            try:
                page = await self._page(method, reading)
            except Permanent as refused:
                if refused.reason == SlackCode.INVALID_CURSOR and reading.cursor is not None:
                    reading = _UnfinishedSearch(now, where)
                    continue
                if refused.reason not in NO_PARENT:
                    raise
                return reading.found
            except Temporary:
                self._keep(key, reading)
                raise
            reading.found.extend(page["messages"])
            reading.cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
            if reading.cursor is None or len(reading.found) >= MAX_READ:
                return reading.found

    async def _page(self, method: str, reading: _UnfinishedSearch) -> Mapping[str, Any]:
        return await self._web.call(
            method, include_all_metadata=True, limit=200, cursor=reading.cursor, **reading.where
        )

    def _keep(self, key: tuple[str, ...], reading: _UnfinishedSearch) -> None:
        if len(self._unfinished) >= MAX_UNFINISHED:
            self._unfinished.clear()
        self._unfinished[key] = reading


def marked(
    said: Iterable[Mapping[str, Any]], restore: RestoreId, keys: Collection[str] | None = None
) -> dict[str, PostedCard]:
    """Where the cards of a restore stand, those of these keys or all; the oldest of a key counts."""
    found: dict[str, PostedCard] = {}
    for message in sorted(said, key=lambda each: slack_order(str(each["ts"]))):
        marks = (message.get("metadata") or {}).get("event_payload") or {}
        card = str(marks.get("card"))
        if marks.get("restore") == restore and (keys is None or card in keys):
            found.setdefault(card, PostedCard(ts=str(message["ts"]), digest=""))
    return found
