"""Time as an argument: every due time and deadline of the bot comes from one Clock.

`Clock` is the machine's own time. The playground has one that a test moves by hand. Time limits of
network calls are not here: they belong to the wire and use real time.
"""

import asyncio
from datetime import UTC, datetime, timedelta


class Clock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)

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
