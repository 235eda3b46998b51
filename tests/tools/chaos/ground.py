"""What a run is played on: the world, the replicas, and the journal of what went wrong on purpose."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.playground.clock import HandClock
from bot.playground.kubevirt.storage import Change
from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage
from bot.playground.world import World
from bot.store import EmbeddedRedis
from tests.tools.chaos.crew import Crew
from tests.tools.chaos.memories import Memories
from tests.tools.chaos.plan import Plan
from tests.tools.invariants import RESTORES, not_edited

Then = Callable[[], Awaitable[None] | None]

TURNS = 8
"""How often the loop goes round between two looks: what is ready moves on by several steps."""
QUIET_LOOKS = 4
PATIENCE = 0.015
"""Real seconds for what may be under way or may wait for the clock: it cannot be told from here."""
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
    memories: Memories
    journal: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    completed: set[str] = field(default_factory=set)
    """Names of the restores that the cluster has completed."""
    doings: Counter[str] = field(default_factory=Counter)
    """What people did besides asking and answering, and how often."""
    asks: int = 0
    """How often somebody has asked for a restore."""
    redis_down: bool = False
    restless: int = 0
    """How often it did not come to rest."""
    _later: list[tuple[datetime, Then]] = field(default_factory=list)

    def out_of_reach(self, message: Message) -> bool:
        """Nobody knows that it stands there any more, or Slack would not have it edited."""
        return self.memories.forgot(message) or message.ts in not_edited(self.world)

    def __post_init__(self) -> None:
        self.world.kube.storage.subscribe(self._on_change)

    def _on_change(self, change: Change) -> None:
        done = change.resource == RESTORES and (change.object.get("status") or {}).get("complete")
        if done:
            self.completed.add(change.object["metadata"]["name"])

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
        now = asyncio.get_running_loop().time
        begun, looks = now(), 0
        while looks < QUIET_LOOKS:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            waited = now() - begun
            if waited > LONGEST_REST:
                self.restless += 1
                self.note(f"does not come to rest: {self._what()}")
                return
            doubtful = waited < PATIENCE and self._in_doubt()
            looks = 0 if doubtful or self._under_way() else looks + 1
            if looks == 0:
                await asyncio.sleep(0.0005)

    def _under_way(self) -> bool:
        """Somebody is at work on something."""
        slack, kube = self.world.slack, self.world.kube
        if self.crew.working or slack.calls > 0 or kube.busy > 0:
            return True
        held_back = slack.held_back + kube.held_back
        held = held_back > 0 or self.crew.waits_for_a_login
        return self.crew.expecting > held_back or (not held and not self.crew.resting)

    def _in_doubt(self) -> bool:
        """It may wait for the clock alone, or not: an acknowledgement, or what an answer holds up."""
        slack = self.world.slack
        return slack.delivery.busy > slack.delivery.waiting or not self.crew.resting

    def _what(self) -> str:
        asked = {one.name: (one.resting, one.wires.asked()) for one in self.crew.replicas}
        slack, kube = self.world.slack, self.world.kube
        return f"{asked}, slack {slack.calls}, cluster {kube.busy}"
