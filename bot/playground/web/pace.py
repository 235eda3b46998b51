"""How time goes by in the playground: at a speed, or forward at once."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta

from bot.playground.clock import HandClock
from bot.playground.world import STEP, TICK, World

BEAT = 0.02
"""Real seconds between two moves of the hand."""
LONGEST_BEAT = 0.25
"""After a longer pause (the machine slept) the world's time has stood still meanwhile."""
PATIENCE, SHORT_PATIENCE = 0.2, 0.01
"""Real seconds for what is under way at one moment of the way forward; less if an answer is held back."""
SPEEDS = (1, 10)


class Pace:
    """Moves the hand of a world's clock."""

    def __init__(self, world: World) -> None:
        if not isinstance(world.clock, HandClock):
            raise TypeError("only a clock with a hand has a pace")
        self._world = world
        self._clock = world.clock
        self.speed = 1
        self._ways: int = 0

    async def run(self) -> None:
        """Let time go by until cancelled."""
        before = time.monotonic()
        while True:
            await asyncio.sleep(BEAT)
            now = time.monotonic()
            passed, before = now - before, now
            self.beat(passed)

    def beat(self, passed: float) -> None:
        """So many real seconds have passed; on the way forward they count for nothing."""
        if self._ways == 0:
            self._clock.advance(min(passed, LONGEST_BEAT) * self.speed)

    async def forward(self, seconds: float) -> None:
        """Let so many seconds pass now, with everything that is due in them, in order."""
        end = self._clock.now() + timedelta(seconds=seconds)
        self._ways += 1
        try:
            while (left := (end - self._clock.now()).total_seconds()) >= TICK:
                await self._settle()
                due = self._clock.next_due()
                ahead = STEP if due is None else (due - self._clock.now()).total_seconds()
                self._clock.advance(max(0.0, min(left, ahead, STEP)))
            await self._settle()
        finally:
            self._ways -= 1

    async def _settle(self) -> None:
        """Wait for what is under way; not for what waits for the clock, or hangs."""
        held = self._world.slack.held_back + self._world.kube.held_back
        with suppress(TimeoutError):
            await asyncio.wait_for(self._world.quiet(), SHORT_PATIENCE if held else PATIENCE)
