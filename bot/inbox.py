"""The inbox: what a listener of Slack has heard is kept here before Slack gets its acknowledgement.

A delivery is stored and leased to this process by one script, so that the worker of this process can
begin at once, and another replica carries on if this process dies. One that is known is dropped, and
so is what people say to each other in a thread without a restore: their words are not stored.
"""

from dataclasses import dataclass

from bot.clock import Clock
from bot.metrics import Metrics
from bot.slack.deliveries import MessageReceived, Received, fields
from bot.store.queue import WorkQueue
from bot.store.records import Delivery, Leased
from bot.worker import Worker


@dataclass(frozen=True, slots=True)
class Inbox:
    """Keeps deliveries, and gives each to the worker."""

    queue: WorkQueue
    worker: Worker
    clock: Clock
    metrics: Metrics

    async def accept(self, key: str, received: Received) -> None:
        """Store what Slack sent under its key and begin to work on it. Raises StoreUnavailable."""
        kind, body = received.kind, fields(received)
        only_in = received.only_in if isinstance(received, MessageReceived) else None
        lease = await self.queue.enqueue_delivery(key, kind, body, only_in=only_in)
        if lease is None:
            return
        self.metrics.deliveries.labels(kind).inc()
        delivery = Delivery(key, kind, body, attempts=1, accepted_at=self.clock.now())
        self.worker.work_on(Leased(lease, delivery))
