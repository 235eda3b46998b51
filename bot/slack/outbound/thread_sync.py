"""Makes a thread match its document: each card posted once, kept current, found again after a crash.

What is known of the thread stands in the store as `shown`: card key -> message `ts` and a digest of
what it says. A card without an entry was never posted, unless the worker before us was cut off, or a
post got no answer (`ts` None): then the thread is searched for the card's metadata first.

The copy of an offer in a direct message is treated alike, but it is not the thread: if it cannot be
written, the restore goes on without it.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.clock import Clock
from bot.errors import Permanent, Temporary
from bot.restore.model import Restore
from bot.restore.thread import Card, CardKind, Copy
from bot.slack import views
from bot.slack.api.client import SlackApi, Uncertain
from bot.slack.api.error_codes import Meaning, meaning
from bot.slack.outbound.edit_throttle import EditThrottle
from bot.slack.outbound.thread_search import EVENT_TYPE, ThreadReader, marked
from bot.slack.views import Message
from bot.store.records import PostedCard

CLOCKS_DIFFER = timedelta(minutes=5)
"""Slack dates by several clocks, and what is known of them is an estimate: nearer than this."""
TICKING = frozenset({CardKind.REQUEST, CardKind.STOPPING, CardKind.PROTECTING, CardKind.PROGRESS})
"""Cards that only follow what goes on. The others ask, or say how it ended: those must be read."""
SHORT = 3_000
"""So much of a card's text is sent when Slack does not take the card as it is."""
DELETED_TS = "0000000000.000000"
"""Where a message stands that is not posted any more: as if it had been, and was deleted."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class SyncResult:
    """What came of bringing a thread up to date."""

    shown: dict[str, PostedCard] = field(default_factory=dict)
    """Entries that changed."""
    root: str | None = None
    """`ts` of the thread's first message, if it was posted or found just now."""
    again: datetime | None = None
    """When to come back: something is left to be said."""
    unsaid: bool = False
    """Slack did not take, or answer, what was to be said."""
    gone: str | None = None
    """Slack's error, if a card could not be posted in this conversation: it must be told elsewhere."""


@dataclass(frozen=True, slots=True)
class _Page:
    """One card on its way into the thread, or a copy of one on its way to somebody."""

    restore: Restore
    card: Card
    key: str
    channel: str
    thread: str | None
    message: Message
    done: SyncResult
    left: bool = False
    """It stands where the restore was before: it is brought up to date there, and never posted."""

    def note(self, ts: str) -> None:
        """The message stands there as `ts`, and says what it should."""
        self.done.shown[self.key] = PostedCard(ts=ts, digest=_digest(self.message))
        if self.thread is None and self.key == self.restore.cards[0].key:
            self.done.root = ts


class ThreadSync:
    """Writes cards into threads."""

    def __init__(self, web: SlackApi, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._pace = EditThrottle()
        self._reader = ThreadReader(web, clock)

    async def show(
        self, restore: Restore, shown: Mapping[str, PostedCard], *, search: bool, until: datetime
    ) -> SyncResult:
        """Post and edit what differs. `search`: the worker before us may have posted more.

        Stops at `until`, when the lease ends, and at the first trouble; what was done until then is
        in the outcome and the rest is done by the next round.
        """
        done = SyncResult()
        try:
            await self._show(restore, dict(shown), done, search=search, until=until)
        except Temporary as trouble:
            wait = trouble.retry_after if trouble.retry_after is not None else 3.0
            done.again, done.unsaid = self._clock.now() + timedelta(seconds=wait), True
        return done

    async def _show(
        self,
        restore: Restore,
        shown: dict[str, PostedCard],
        done: SyncResult,
        *,
        search: bool,
        until: datetime,
    ) -> None:
        lost = unconfirmed(restore, shown)
        if lost and (search or lost.keys() & shown.keys()):
            # Should the search fail, the round after this one must know that it is still due.
            done.shown.update(lost)
            try:
                await self._find(restore, lost.keys(), shown, done)
            except Permanent as refused:
                _told_of(refused, "conversations.replies", "*")
                if meaning(refused.reason) is Meaning.CONVERSATION_GONE:
                    done.gone = refused.reason
                # Else nobody knows whether a card stands there. Twice is better than never.
        if search:
            await self._find_left(restore, shown, done)
        self._anchor(restore, shown, done)
        for page in _pages(restore, done):
            if self._clock.now() >= until:
                done.again = self._clock.now()
                return
            if done.gone is not None and page.channel == restore.thread_ref.channel:
                continue
            try:
                await self._bring(page, shown.get(page.key))
            except Permanent as refused:
                # One card that Slack does not take holds up no other.
                _told_of(refused, "chat.postMessage", page.key)
                if page.channel == restore.thread_ref.channel and not page.left:
                    done.gone = refused.reason
                else:
                    page.note(DELETED_TS)

    async def _bring(self, page: _Page, have: PostedCard | None) -> None:
        """One card: nothing if it is as it should be, an edit if it differs, a post if it is new."""
        if have is None or have.ts is None:
            if not page.left:
                await self._post(page)
        elif have.digest != _digest(page.message) and self._may_edit(page):
            await self._edit(page, have.ts)

    async def _post(self, page: _Page) -> None:
        """Post a card. Raises Permanent if Slack takes not even its text here."""
        try:
            answer = await self._send(page, _content(page.message))
        except Permanent as refused:
            if meaning(refused.reason) is not Meaning.CONTENT:
                raise
            _told_of(refused, "chat.postMessage", page.key)
            answer = await self._send(page, _text_only(page.message))
        page.note(str(answer["ts"]))

    async def _send(self, page: _Page, content: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return await self._web.call(
                "chat.postMessage",
                channel=page.channel,
                thread_ts=page.thread,
                metadata=_metadata(page),
                unfurl_links=False,
                unfurl_media=False,
                **content,
            )
        except Uncertain:
            page.done.shown[page.key] = PostedCard(ts=None, digest="")
            raise

    def _may_edit(self, page: _Page) -> bool:
        """Edits of a progress card wait for their turn, but the last one does not."""
        if page.card.kind is not CardKind.PROGRESS:
            return True
        key, now = f"{page.restore.id}:{page.key}", self._clock.now()
        if page.restore.phase.ended:
            self._pace.forget(key)
            return True
        turn = self._pace.turn(page.channel, key, now)
        if turn > now:
            page.done.again = turn
        return turn <= now

    async def _edit(self, page: _Page, ts: str) -> None:
        where = {"channel": page.channel, "ts": ts}
        try:
            await self._web.call("chat.update", **where, **_content(page.message))
        except Permanent as refused:
            _told_of(refused, "chat.update", page.key)
            await self._not_edited(page, ts, meaning(refused.reason), refused)
        else:
            page.note(ts)

    async def _not_edited(self, page: _Page, ts: str, meant: Meaning, refused: Permanent) -> None:
        """What an edit was to say is said anew if somebody must read it; else the card stays."""
        if meant is Meaning.CONVERSATION_GONE:
            if not page.restore.phase.ended:
                raise refused
            # After the end an edit is no news: nobody is sent a message for it.
            page.note(ts)
            return
        if meant is Meaning.CONTENT and await self._edited_in_short(page, ts):
            return
        gone, open_ = meant is Meaning.MESSAGE_GONE, page.card.closed is None and not page.left
        if open_ and (gone or page.card.kind not in TICKING):
            await self._post(page)
        else:
            page.note(ts)

    async def _edited_in_short(self, page: _Page, ts: str) -> bool:
        """The text alone, without buttons: a reader learns what the card was to say."""
        where = {"channel": page.channel, "ts": ts}
        try:
            await self._web.call("chat.update", **where, **_text_only(page.message))
        except Permanent as refused:
            _told_of(refused, "chat.update", page.key)
            return False
        page.note(ts)
        return True

    async def _find(
        self,
        restore: Restore,
        keys: Collection[str],
        shown: dict[str, PostedCard],
        done: SyncResult,
    ) -> None:
        """Look for cards that may have been posted: for our thread's root first, then below it."""
        thread_ref, root = restore.thread_ref, restore.cards[0].key
        if thread_ref.flat or (thread_ref.thread is None and root in keys):
            since = self._web.clock.of(restore.opened_at - CLOCKS_DIFFER).timestamp()
            said = await self._reader.messages(
                restore.id,
                "conversations.history",
                channel=thread_ref.channel,
                oldest=f"{since:.6f}",
            )
            shown.update(marked(said, restore.id, keys if thread_ref.flat else {root}))
        thread = thread_ref.thread or (shown[root].ts if root in shown else None)
        if thread is not None and not thread_ref.flat:
            said = await self._reader.messages(
                restore.id, "conversations.replies", channel=thread_ref.channel, ts=thread
            )
            shown.update(marked(said, restore.id, keys))
        for copy in restore.copies:
            if copy.key in keys:
                shown.update(marked(await self._beside(restore, copy), restore.id, {copy.key}))
        done.shown.update({key: shown[key] for key in keys if key in shown})

    async def _beside(self, restore: Restore, copy: Copy) -> list[Mapping[str, Any]]:
        """What was said in the direct message since the copy was to be there."""
        since = self._web.clock.of(copy.card.opened_at - CLOCKS_DIFFER).timestamp()
        where = {"channel": copy.channel, "oldest": f"{since:.6f}"}
        try:
            return await self._reader.messages(restore.id, "conversations.history", **where)
        except Permanent as refused:
            log.info("a copy cannot be looked for", error=refused.reason)
            return []

    async def _find_left(
        self, restore: Restore, shown: dict[str, PostedCard], done: SyncResult
    ) -> None:
        """Look for cards that were posted where the restore was before, as it moved on."""
        left = restore.left
        if left is None or left.thread is None:
            return
        lost = {card.key for card in left.cards} - shown.keys()
        if lost:
            where = {"channel": left.channel, "ts": left.thread}
            try:
                said = await self._reader.messages(restore.id, "conversations.replies", **where)
            except Permanent as refused:
                _told_of(refused, "conversations.replies", "*")
                return
            found = marked(said, restore.id, lost)
            shown.update(found)
            done.shown.update(found)

    def _anchor(self, restore: Restore, shown: Mapping[str, PostedCard], done: SyncResult) -> None:
        """The first card is the root of our own thread, also if that was not written down yet."""
        first = shown.get(restore.cards[0].key)
        if restore.thread_ref.thread is None and first is not None:
            done.root = first.ts


def unconfirmed(restore: Restore, shown: Mapping[str, PostedCard]) -> dict[str, PostedCard]:
    """The cards of which nobody knows whether they were posted, as the store is to remember them."""
    unknown = PostedCard(ts=None, digest="")
    keys = [*(card.key for card in restore.cards), *(copy.key for copy in restore.copies)]
    return {key: unknown for key in keys if key not in shown or shown[key].ts is None}


def _pages(restore: Restore, done: SyncResult) -> Iterator[_Page]:
    """The cards, the copies, and what stands where the restore was before.

    The first card may become the thread of those after it.
    """
    thread_ref = restore.thread_ref
    for card in restore.cards:
        message = views.render(restore, card)
        thread = None if thread_ref.flat else thread_ref.thread or done.root
        yield _Page(restore, card, card.key, thread_ref.channel, thread, message, done)
    for copy in restore.copies:
        message = views.render_copy(restore, copy)
        yield _Page(restore, copy.card, copy.key, copy.channel, None, message, done)
    if (left := restore.left) is not None:
        over = restore.model_copy(update={"closed": True})
        for card in left.cards:
            message = views.render(over, card)
            yield _Page(
                restore, card, card.key, left.channel, left.thread, message, done, left=True
            )


def _metadata(page: _Page) -> dict[str, Any]:
    payload = {"restore": page.restore.id, "card": page.key}
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def _content(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def _text_only(message: Message) -> dict[str, Any]:
    return {"text": message.text[:SHORT], "blocks": []}


def _told_of(refused: Permanent, method: str, card: str) -> None:
    """An operator can see which card was refused and why; not what it says."""
    match meaning(refused.reason):
        case Meaning.CONTENT:
            told = log.error
        case Meaning.MESSAGE_GONE:
            told = log.info
        case _:
            told = log.warning
    told("Slack does not take a card", card=card, method=method, code=refused.reason)


def _digest(message: Message) -> str:
    """What a message says, in twelve letters."""
    said = json.dumps([message.text, message.blocks], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()[:12]
