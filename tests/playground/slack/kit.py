"""Waiting in the tests of the simulated Slack."""

import asyncio
from collections.abc import Callable

from bot.playground.slack import SlackSim
from tests.tools.fleet import PATIENCE


async def until(true: Callable[[], object], what: str) -> None:
    """Let the loop run until the predicate holds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while not true():
        assert loop.time() < end, f"never saw: {what}"
        await asyncio.sleep(0.002)


async def quiet(sim: SlackSim) -> None:
    """Let the loop run until Slack has nothing under way but what waits for the clock."""
    await until(lambda: sim.busy == sim.waiting, "quiet")
