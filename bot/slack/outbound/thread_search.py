"""Which cards stand in a thread, by the metadata that each was posted with."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from bot.errors import Permanent
from bot.restore.model import RestoreId
from bot.restore.thread import slack_order
from bot.slack.api.client import SlackApi
from bot.slack.api.error_codes import NO_PARENT
from bot.store.records import PostedCard

EVENT_TYPE = "vm_restore_card"
MAX_READ = 5000


async def messages(web: SlackApi, method: str, **where: str) -> list[Mapping[str, Any]]:
    """Everything in a channel or a thread; nothing if somebody has deleted the thread."""
    found: list[Mapping[str, Any]] = []
    cursor: str | None = None
    while True:
        try:
            page = await web.call(
                method, include_all_metadata=True, limit=200, cursor=cursor, **where
            )
        except Permanent as refused:
            if refused.reason not in NO_PARENT:
                raise
            return found
        found.extend(page["messages"])
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
        if cursor is None or len(found) >= MAX_READ:
            return found


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
