"""One person's event, applied to a restore as it was loaded: step and commit.

If the stored document has moved on since, it is loaded again, and the event is applied to that.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot import tracing
from bot.clock import Clock
from bot.errors import Temporary
from bot.restore import workflow
from bot.restore.events import Event, Reply, Typed
from bot.restore.model import Restore, RestoreId
from bot.restore.thread import slack_order
from bot.store.records import ClaimConflict, Committed, PostedCard, Record
from bot.store.store import Store

TRIES = 8


class NotYet(Temporary):
    """It cannot be told yet what this answers. It will be in a moment, so nobody is told of it."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What the person is told, and the restore that this was decided on: it may be a newer one."""

    reply: Reply | None
    restore: Restore


class EventApplier:
    """Applies people's events. The reconciler does the rest."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def apply(self, restore: Restore, event: Event) -> Applied:
        """Apply an event that came in before `restore` was loaded."""
        return await self._apply(restore, None, event)

    async def apply_reply(self, record: Record, typed: Typed) -> Applied:
        """The same for a typed reply: LEFT_ALONE if it was written before the open question."""
        return await self._apply(record.restore, record.shown, typed)

    async def load_and_apply(self, restore_id: RestoreId, event: Event) -> None:
        """Apply an event that follows a change which this process has just stored."""
        record = await self._store.load(restore_id)
        if record is not None:
            await self.apply(record.restore, event)

    async def _apply(
        self, restore: Restore, shown: Mapping[str, PostedCard] | None, event: Event
    ) -> Applied:
        with tracing.span("event", restore.id, event=type(event).__name__):
            return await self._applied(restore, shown, event)

    async def _applied(
        self, restore: Restore, shown: Mapping[str, PostedCard] | None, event: Event
    ) -> Applied:
        for _ in range(TRIES):
            if isinstance(event, Typed) and not _stood(shown or {}, restore, event.ts):
                return Applied(Reply.LEFT_ALONE, restore)
            now = self._clock.now()
            step = workflow.step(restore, event, now)
            if step.restore == restore:
                return Applied(step.reply, restore)
            done = await self._store.commit(step.restore, due=now, audit=step.audit)
            if isinstance(done, Committed):
                return Applied(step.reply, step.restore)
            if isinstance(done, ClaimConflict):
                return Applied(Reply.VM_HELD, restore)
            record = await self._store.load(restore.id)
            if record is None:
                return Applied(Reply.ENDED, restore)
            restore, shown = record.restore, record.shown
        raise NotYet("the restore is changing too quickly")


def _stood(shown: Mapping[str, PostedCard], restore: Restore, ts: str) -> bool:
    """The open question stood in the thread before the reply was written.

    Where it stands is written down a moment after it was posted, or by the next worker if this one
    is killed in between. A reply may be quicker, so it waits until that is known.
    """
    question = restore.question
    if question is None:
        return True
    card = shown.get(question.key)
    if card is None or card.ts is None:
        raise NotYet("the question is just being posted")
    return slack_order(card.ts) < slack_order(ts)
