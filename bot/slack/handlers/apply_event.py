"""One person's event, applied to a stored restore: load, step, commit, and again if it moved on."""

from collections.abc import Mapping

from bot.clock import Clock
from bot.errors import Temporary
from bot.restore import workflow
from bot.restore.events import Event, Reply
from bot.restore.model import Restore
from bot.restore.thread import slack_order
from bot.store.records import ClaimConflict, Committed, PostedCard
from bot.store.store import Store

TRIES = 8


class NotYet(Temporary):
    """It cannot be told yet what this answers. It will be in a moment, so nobody is told of it."""


class EventApplier:
    """Applies people's events. The reconciler does the rest."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def apply(
        self,
        id_: str,
        event: Event,
        *,
        posted_before: str | None = None,
    ) -> Reply | None:
        """Step and commit; if somebody was faster, on the document as it is then."""
        for _ in range(TRIES):
            record = await self._store.load(id_)
            if record is None:
                return Reply.ENDED
            before = record.restore
            if posted_before is not None and not _stood(record.shown, before, posted_before):
                return Reply.LEFT_ALONE
            now = self._clock.now()
            step = workflow.step(before, event, now)
            if step.restore == before:
                return step.reply
            done = await self._store.commit(step.restore, due=now, audit=step.audit)
            if isinstance(done, Committed):
                return step.reply
            if isinstance(done, ClaimConflict):
                return Reply.VM_HELD
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
