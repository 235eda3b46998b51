"""What a run is played on: the world, the replicas, and the journal of what went wrong on purpose."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.playground.chaos.crew import Crew
from bot.playground.chaos.plan import Plan
from bot.playground.chaos.wires import Side
from bot.playground.clock import HandClock
from bot.playground.stage import Stage
from bot.playground.world import World
from bot.store import EmbeddedRedis

Then = Callable[[], Awaitable[None] | None]

TURNS = 8
"""How often the loop goes round between two looks: what is ready moves on by several steps."""
QUIET_LOOKS = 4
LONGEST_REST = 5.0
"""Real seconds after which a run that does not come to rest goes on regardless."""


@dataclass(slots=True)
class Ground:
    """One run, in the making."""

    plan: Plan
    world: World
    stage: Stage
    clock: HandClock
    crew: Crew
    redis: EmbeddedRedis
    begun: datetime
    journal: list[str]
    faults: Counter[str] = field(default_factory=Counter)
    redis_down: bool = False
    restless: int = 0
    """How often it did not come to rest."""
    _later: list[tuple[datetime, Then]] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Write something into the journal, with the second of the run."""
        self.journal.append(f"{self.seconds:7.1f} s  {text}")

    @property
    def seconds(self) -> float:
        """How long the run has lasted, by the clock."""
        return (self.clock.now() - self.begun).total_seconds()

    def later(self, seconds: float, then: Then) -> None:
        """Do this after so many seconds, or when the faults stop."""
        self._later.append((self.clock.now() + timedelta(seconds=seconds), then))

    async def keep_time(self, *, all_of_it: bool = False) -> None:
        """Do what was put off and is due."""
        now = self.clock.now()
        due = [each for each in self._later if all_of_it or each[0] <= now]
        self._later = [each for each in self._later if each not in due]
        for _, then in due:
            doing = then()
            if doing is not None:
                await doing

    async def rest(self) -> None:
        """Wait until nothing is under way that the clock does not move."""
        loop = asyncio.get_running_loop()
        limit, looks = loop.time() + LONGEST_REST, 0
        while looks < QUIET_LOOKS:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            looks = 0 if self._under_way() else looks + 1
            if looks == 0:
                await asyncio.sleep(0.0005)
            if loop.time() > limit:
                self.restless += 1
                self.note(f"does not come to rest: {self._what()}")
                return

    def _under_way(self) -> bool:
        """A delivery that waits for its acknowledgement, or an answer held back, waits for time."""
        return self.crew.working or self.world.slack.calls > 0 or self.world.kube.busy > 0

    def _what(self) -> str:
        asked = {one.name: one.wires.expecting(Side.STORE) for one in self.crew.replicas}
        return f"store {asked}, slack {self.world.slack.calls}, cluster {self.world.kube.busy}"
