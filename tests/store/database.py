"""A store as its tests use it: with its clock, a client of its own, and what is asked of it often."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.playground.clock import HandClock
from bot.store import Store
from bot.store.connection import Client
from bot.store.keys import Keys
from bot.store.queue import WorkQueue
from bot.store.records import Created, Lease
from bot.store.tasks import PeriodicTasks
from tests.store.samples import restore

HOUR, DAY, MONTH = 3600, 86_400, 30 * 86_400


@dataclass(frozen=True, slots=True)
class Database:
    """One workspace in Redis."""

    store: Store
    clock: HandClock
    client: Client
    keys: Keys

    @property
    def queue(self) -> WorkQueue:
        """What is due."""
        return self.store.queue

    @property
    def tasks(self) -> PeriodicTasks:
        """The periodic tasks."""
        return self.store.tasks

    @property
    def now(self) -> datetime:
        """The time of the clock."""
        return self.clock.now()

    def later(self, seconds: float) -> datetime:
        """So many seconds from now."""
        return self.now + timedelta(seconds=seconds)

    async def names(self) -> set[str]:
        """The names of all keys that there are."""
        prefix = self.keys.prefix
        found = [key async for key in self.client.scan_iter(match=f"{prefix}*", count=500)]
        return {key.removeprefix(prefix) for key in found}

    async def create(self, name: str = "R1", after: float = 0) -> None:
        """A stored restore that is due after so many seconds."""
        made = restore(name, vm=name)
        assert await self.store.create(made, due=self.later(after), audit=[]) == Created(made)

    async def take(self) -> Lease:
        """The lease of the one thing that is due."""
        leased, _ = await self.queue.lease(5)
        assert len(leased) == 1
        return leased[0].lease

    async def leased(self) -> Lease:
        """The lease of a new restore."""
        await self.create()
        return await self.take()

    async def names_due(self) -> list[str]:
        """What is due, now leased."""
        leased, _ = await self.queue.lease(50)
        return [each.lease.id for each in leased]
