"""The work queue under every controller: keys, passes one at a time, delays, growing retries."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.playground.kubevirt.problems import ApiError
from bot.playground.kubevirt.storage import Key

_FIRST_RETRY = 0.005
_LONGEST_RETRY = 1000.0


class RetryError(Exception):
    """A pass could not do its work; it is tried again, each time later."""


class Loop:
    """Runs `reconcile(key)` for every key that was added; one pass at a time, in order."""

    def __init__(self, name: str, clock: Clock, reconcile: Callable[[Key], None]) -> None:
        self.name = name
        self.failure: Exception | None = None
        self._clock = clock
        self._reconcile = reconcile
        self._ready: dict[Key, None] = {}
        self._wake = asyncio.Event()
        self._timers: dict[Key, tuple[datetime, asyncio.Task[None]]] = {}
        self._failures: dict[Key, int] = {}
        self._started: dict[tuple[str, str], datetime] = {}
        self._worker: asyncio.Task[None] | None = None

    @property
    def busy(self) -> int:
        """Passes that are due now."""
        return len(self._ready) if self._worker else 0

    def add(self, key: Key) -> None:
        """Look at the key soon; many adds make one pass."""
        self._ready[key] = None
        self._wake.set()

    def after(self, key: Key, seconds: float) -> None:
        """Look at the key again after so many seconds, or earlier."""
        due = self._clock.now() + timedelta(seconds=seconds)
        held = self._timers.get(key)
        if held is not None and not held[1].done():
            if held[0] <= due:
                return
            held[1].cancel()
        self._timers[key] = (due, asyncio.create_task(self._ring(key, due)))

    def passed(self, key: Key, step: str, seconds: float | None) -> bool:
        """Whether `seconds` went by since this was first asked for the step; else a pass follows.

        A step belongs to one incarnation: put its UID into the name.
        """
        now = self._clock.now()
        began = self._started.setdefault((step, "/".join(key)), now)
        if seconds is None:
            return False
        left = (began + timedelta(seconds=seconds) - now).total_seconds()
        if left <= 0:
            return True
        self.after(key, left)
        return False

    def first(self, key: Key, step: str) -> bool:
        """Whether this step of the key is met for the first time."""
        mark = (step, "/".join(key))
        fresh = mark not in self._started
        self._started.setdefault(mark, self._clock.now())
        return fresh

    def start(self) -> None:
        """Begin to work."""
        self._worker = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """End all tasks."""
        tasks = [task for _, task in self._timers.values()]
        tasks += [self._worker] if self._worker else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._timers.clear()
        self._ready.clear()
        self._failures.clear()
        self._worker = None

    async def _ring(self, key: Key, due: datetime) -> None:
        await self._clock.sleep_until(due)
        self._timers.pop(key, None)
        self.add(key)

    async def _work(self) -> None:
        while True:
            if not self._ready:
                self._wake.clear()
                await self._wake.wait()
            key = next(iter(self._ready))
            del self._ready[key]
            self._pass(key)
            # Others run between two passes: a watcher can read, a request can come in.
            await asyncio.sleep(0)

    def _pass(self, key: Key) -> None:
        try:
            self._reconcile(key)
        except (ApiError, RetryError):
            self._retry(key)
        except Exception as broken:  # noqa: BLE001 - kept and raised by KubeSim, not lost in a task
            self.failure = self.failure or broken
        else:
            self._failures.pop(key, None)

    def _retry(self, key: Key) -> None:
        times = self._failures.get(key, 0)
        self._failures[key] = times + 1
        self.after(key, min(_FIRST_RETRY * 2.0 ** min(times, 30), _LONGEST_RETRY))
