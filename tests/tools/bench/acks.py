"""How long Slack waits for an acknowledgement at a steady rate of events."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from bot.clock import Clock
from bot.playground.slack.outgoing import FIRST, Outgoing
from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage, set_stage
from bot.playground.world import World, world
from tests.tools.bench.process import Measured, bare_listener, real_bot

RATE = 200
SECONDS = 5
TURNS = 5
SLACK_WAITS = 3.0
"""Seconds; what is not acknowledged by then Slack counts as lost, and brings again."""
WARM_UP = 200


@dataclass(frozen=True, slots=True)
class Acks:
    """Milliseconds from the delivery to its acknowledgement."""

    p50: float
    p99: float
    worst: float
    lost: int


class Listener(StrEnum):
    """What acknowledges."""

    BARE = "a bare Bolt listener"
    WRITE = "a bare Bolt listener that makes one write"
    BOT = "the bot"


@dataclass(frozen=True, slots=True)
class Compared:
    """The three side by side, in turns: the medians of all turns."""

    taken: Mapping[Listener, Sequence[Acks]]

    def p50(self, listener: Listener) -> float:
        """Milliseconds."""
        return statistics.median(each.p50 for each in self.taken[listener])

    def p99(self, listener: Listener) -> float:
        """Milliseconds."""
        return statistics.median(each.p99 for each in self.taken[listener])

    def ratio(self, other: Listener) -> float:
        """The bot's p99 against another's, each turn's with its own: the median."""
        pairs = zip(self.taken[Listener.BOT], self.taken[other], strict=True)
        return statistics.median(bot.p99 / bare.p99 for bot, bare in pairs)


async def compared(*, socket_mode: bool) -> Compared:
    """Each in each of five turns, so that what else the machine does meets all of them."""
    taken: dict[Listener, list[Acks]] = {each: [] for each in Listener}
    for _ in range(TURNS):
        for listener in Listener:
            taken[listener].append(await acks(listener, socket_mode=socket_mode))
    return Compared(taken)


async def acks(listener: Listener, *, socket_mode: bool) -> Acks:
    """Deliver thread replies (each of which the bot must keep in Redis) at the rate."""
    with tempfile.TemporaryDirectory(prefix="vmr-bench-") as directory:
        async with world(Path(directory), clock=Clock(), socket_mode=socket_mode) as made:
            stage = await set_stage(made)
            started: AbstractAsyncContextManager[Measured]
            if listener is Listener.BOT:
                started = real_bot(made)
            else:
                started = bare_listener(made, writes=listener is Listener.WRITE)
            async with started:
                await made.until(lambda: made.slack.connections or not socket_mode, "a socket")
                return await _measured(made, stage)


async def _measured(made: World, stage: Stage) -> Acks:
    for number in range(WARM_UP):
        await _one(made, _reply(stage, number))
    begun = time.perf_counter()
    tasks = []
    for number in range(RATE * SECONDS):
        await asyncio.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
        tasks.append(asyncio.create_task(_one(made, _reply(stage, WARM_UP + number))))
    taken = await asyncio.gather(*tasks)
    acked = sorted(each for each in taken if each is not None)
    cuts = statistics.quantiles(acked, n=100)
    return Acks(p50=cuts[49], p99=cuts[98], worst=acked[-1], lost=taken.count(None))


async def _one(made: World, payload: dict[str, Any]) -> float | None:
    begun = time.perf_counter()
    sent = made.slack.transport.deliver(Outgoing("events_api", payload), FIRST, asyncio.Event())
    try:
        outcome = await asyncio.wait_for(sent, SLACK_WAITS)
    except TimeoutError:
        return None
    return (time.perf_counter() - begun) * 1000 if outcome.ok else None


def _reply(stage: Stage, number: int) -> dict[str, Any]:
    """A reply of somebody in some thread: what an incident channel is full of."""
    workspace = stage.world.slack.workspace
    message = Message(
        channel=stage.channel,
        ts=workspace.next_ts(),
        author=stage.bob.user,
        text=f"looking at the graphs, number {number}",
        thread_ts="1700000000.000100",
    )
    return stage.world.slack.event_of(message)
