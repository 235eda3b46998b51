"""A clock that only a test moves, and one that is wrong."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from bot.clock import Clock

START = datetime(2026, 2, 18, 16, 30, tzinfo=UTC)


class HandClock(Clock):
    """Stands still until `advance` is called; sleepers wake in the order of their times."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        """Where the hand stands."""
        return self._now

    def steady(self) -> datetime:
        """The same: the hand is all the time there is."""
        return self._now

    def told(self) -> datetime | None:
        """Redis has this time, too."""
        return self._now

    async def sleep_until(self, when: datetime) -> None:
        """Wait until the hand has reached `when`."""
        if when <= self._now:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (when, next(self._order), future))
        await future

    def next_due(self) -> datetime | None:
        """When the next sleeper wakes, or None when nobody sleeps."""
        self._drop_cancelled()
        return self._sleepers[0][0] if self._sleepers else None

    def advance(self, seconds: float = 0.0) -> None:
        """Move the hand forward, waking each sleeper whose time has come."""
        target = self._now + timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= target:
            when, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, when)
            if not future.done():
                future.set_result(None)
        self._now = target

    def jump(self, seconds: float) -> None:
        """Set the clock like a wrong NTP step: nobody is woken, even if their time has passed."""
        self._now += timedelta(seconds=seconds)

    def _drop_cancelled(self) -> None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)


class WrongClock(Clock):
    """The clock of one machine, wrong by so many seconds beside the world's, which all others have."""

    def __init__(self, world: Clock, ahead: float) -> None:
        self._world = world
        self.ahead = timedelta(seconds=ahead)

    def now(self) -> datetime:
        """What this machine takes for the present."""
        return self._world.now() + self.ahead

    def steady(self) -> datetime:
        """The same, as evenly as the world's."""
        return self._world.steady() + self.ahead

    def told(self) -> datetime | None:
        """Redis has the world's time."""
        return self._world.told()

    async def sleep_until(self, when: datetime) -> None:
        """Wait as long as it seems to be until then."""
        await self._world.sleep_until(when - self.ahead)


def dated_by(clock: Clock) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """For `on_response_prepare`: a server whose `Date` header is by this clock."""

    async def date(_: web.Request, answer: web.StreamResponse) -> None:
        answer.headers["Date"] = format_datetime(clock.now(), usegmt=True)

    return date
