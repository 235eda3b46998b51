"""How long Slack waits for an acknowledgement at a steady rate of events."""

import asyncio
import statistics
import tempfile
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.clock import Clock
from bot.playground.slack.outgoing import FIRST, Outgoing
from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage, set_stage
from bot.playground.world import World, world
from tests.tools.bench.process import Measured, bare_listener, real_bot

RATE = 200
SECONDS = 10
WARM_UP = 200


@dataclass(frozen=True, slots=True)
class Acks:
    """Milliseconds from the delivery to its acknowledgement."""

    p50: float
    p99: float
    worst: float
    lost: int


async def acks(*, socket_mode: bool, bare: bool) -> Acks:
    """Deliver thread replies (each of which the bot must keep in Redis) at the rate."""
    with tempfile.TemporaryDirectory(prefix="vmr-bench-") as directory:
        async with world(Path(directory), clock=Clock(), socket_mode=socket_mode) as made:
            stage = await set_stage(made)
            started: AbstractAsyncContextManager[Measured]
            started = bare_listener(made) if bare else real_bot(made)
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
    outcome = await made.slack.transport.deliver(
        Outgoing("events_api", payload), FIRST, asyncio.Event()
    )
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
