"""Time as an argument: every due time and deadline of the bot comes from one Clock.

`Clock` is the machine's own time. `SharedClock` is the one that the bot goes by: the time of Redis, so
that all replicas have the same, whatever their machines say. The playground has a clock that a test
moves by hand. Time limits of network calls are not here: they belong to the wire and use real time.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Counts on while the machine sleeps, and is set by nobody."""


class Clock:
    """The machine's clock."""

    def __init__(self) -> None:
        self._begun = datetime.now(UTC)
        self._began = time.clock_gettime(_STEADY)

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)

    def steady(self) -> datetime:
        """The same, but that it goes on evenly when somebody sets the machine's clock."""
        return self._begun + timedelta(seconds=time.clock_gettime(_STEADY) - self._began)

    def told(self) -> datetime | None:
        """What Redis is to take for the present; None: its own time, which it has but by hand."""
        return None

    def follow(self, theirs: datetime, asked: datetime) -> None:
        """Redis said that it is `theirs`, when it was asked at `asked` of this clock."""

    async def sleep_until(self, when: datetime) -> None:
        """Return at `when` or soon after; at once if it is past."""
        await asyncio.sleep(max(0.0, (when - self.now()).total_seconds()))

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds of this clock."""
        await self.sleep_until(self.now() + timedelta(seconds=seconds))

    async def first(self, signal: asyncio.Event, when: datetime) -> bool:
        """Wait for the signal, but not beyond `when`. True if the signal came first."""
        if signal.is_set():
            return True
        timer = asyncio.ensure_future(self.sleep_until(when))
        signalled = asyncio.ensure_future(signal.wait())
        try:
            await asyncio.wait({timer, signalled}, return_when=asyncio.FIRST_COMPLETED)
            return signal.is_set()
        finally:
            for task in (timer, signalled):
                task.cancel()
            await asyncio.gather(timer, signalled, return_exceptions=True)


class Offset:
    """How far another clock is ahead of one here, as far as its answers prove it.

    An answer proves that the other clock showed its time at some moment between the question and the
    answer. What fits to all that is known already changes nothing, so that a slow answer moves nothing.
    """

    def __init__(self) -> None:
        self.ahead = timedelta()

    def hear(
        self, theirs: datetime, asked: datetime, answered: datetime, within: timedelta = timedelta()
    ) -> None:
        """Take an answer in. `theirs` was rounded down, by `within` at most."""
        least, most = theirs - answered, theirs + within - asked
        # A clock that was set back between the two proves nothing.
        if least <= most:
            self.ahead = min(max(self.ahead, least), most)


class SharedClock(Clock):
    """The time of Redis, on this machine: the machine's own, put right by what Redis said last."""

    def __init__(self, machine: Clock) -> None:
        self.machine = machine
        self.followed: Callable[[], None] = lambda: None
        """Called each time that Redis has said what time it is."""
        self._redis = Offset()

    def now(self) -> datetime:
        """The present moment, the same on every replica to a few milliseconds."""
        return self.machine.steady() + self._redis.ahead

    def steady(self) -> datetime:
        """What goes on evenly also when Redis says that it is another time."""
        return self.machine.steady()

    def told(self) -> datetime | None:
        """As the machine has it."""
        return self.machine.told()

    def follow(self, theirs: datetime, asked: datetime) -> None:
        """Put this clock right, if what Redis said proves it wrong."""
        answered = self.now()
        self._redis.hear(
            theirs,
            asked - self._redis.ahead,
            answered - self._redis.ahead,
            timedelta(milliseconds=1),
        )
        self.followed()

    async def sleep_until(self, when: datetime) -> None:
        """Return at `when` or soon after; at once if it is past."""
        await self.machine.sleep_until(self.machine.now() + (when - self.now()))


class FarClock:
    """The clock of a far side, Slack's or an API server's, as far as its answers tell it.

    What the far side has dated is compared with this clock, and never with one here. It is kept by
    the even clock of the machine, so that it stays right whatever Redis says.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = Offset()
        self.known = False
        """It has told the time at least once."""

    def now(self) -> datetime:
        """What it shows now."""
        return self._clock.steady() + self._offset.ahead

    @property
    def ahead(self) -> timedelta:
        """How far it is ahead of our clock, to the millisecond; nothing until it has told the time."""
        if not self.known:
            return timedelta()
        return timedelta(seconds=round((self.now() - self._clock.now()).total_seconds(), 3))

    def of(self, moment: datetime) -> datetime:
        """What it shows when our clock shows this."""
        return moment + (self.now() - self._clock.now())

    def asked(self) -> datetime:
        """When a question goes out, by the even clock: `dated` and `said` want to know."""
        return self._clock.steady()

    def said(
        self, theirs: datetime, asked: datetime, within: timedelta = timedelta(milliseconds=1)
    ) -> None:
        """An answer shows that it was `theirs` there, rounded down by `within` at most."""
        self.known = True
        self._offset.hear(theirs, asked, self._clock.steady(), within)

    def dated(self, header: str | None, asked: datetime) -> None:
        """An answer has this `Date` header, in whole seconds. One that is none tells nothing."""
        try:
            theirs = parsedate_to_datetime(header or "")
        except ValueError:
            return
        if theirs.tzinfo is not None:
            self.said(theirs, asked, timedelta(seconds=1))
