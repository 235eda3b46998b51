"""What happens to a conversation in Slack, and what becomes of the restores in it."""

from bot.restore.events import ChannelMoved
from bot.slack.handlers.apply_event import EventApplier
from bot.store.store import Store

MAX_RECENT = 200
"""So many ended restores are looked through for those whose cards still have buttons."""


class ConversationChanges:
    """Deals with deleted cards, and with channels that are gone or have another id."""

    def __init__(self, store: Store, steps: EventApplier) -> None:
        self._store = store
        self._steps = steps

    async def message_deleted(self, channel: str, thread: str, ts: str) -> None:
        """Somebody has deleted a card. What may still be of use is posted anew."""
        for record in await self._store.in_thread(channel, thread):
            if record.restore.closed:
                continue
            for card in record.restore.cards:
                shown = record.shown.get(card.key)
                if card.closed is None and shown is not None and shown.ts == ts:
                    await self._store.queue.invalidate_card(record.restore.id, card.key, ts)

    async def channel_moved(self, moved: ChannelMoved) -> None:
        """Everything that belongs to the channel goes on under its new id, last buttons included."""
        known = (*await self._store.live(), *await self._store.recent(MAX_RECENT))
        for restore in known:
            if restore.thread_ref.channel == moved.old:
                await self._steps.apply(restore, moved)

    async def channel_lost(self, channel: str) -> None:
        """Its restores find out now, by a look at their first card, not when they next speak."""
        here = [each.id for each in await self._store.live() if each.thread_ref.channel == channel]
        for record in await self._store.load_many(here):
            first = record.restore.cards[0].key
            shown = record.shown.get(first)
            if shown is not None and shown.ts is not None:
                await self._store.queue.invalidate_card(record.restore.id, first, shown.ts)
