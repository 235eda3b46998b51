"""Real processes that are told to end while something in them will not: they end, and say what it was."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.clock import Clock
from bot.playground.world import world
from tests.tools.fleet import LOOK_AGAIN, Fleet, Replica

A_CANCEL_BECOMES_AN_ERROR = """
import aiohttp, asyncio
as_it_is, swallowed = aiohttp.StreamReader.readany, []

async def readany(self):
    try:
        return await as_it_is(self)
    except asyncio.CancelledError:
        if swallowed:
            raise
        swallowed.append(self)
        raise aiohttp.ClientPayloadError("the stream was just failing") from None

aiohttp.StreamReader.readany = readany
"""
A_PORT_THAT_NEVER_CLOSES = """
import aiohttp.web, asyncio

async def cleanup(self):
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

aiohttp.web.AppRunner.cleanup = cleanup
"""
A_LOOP_THAT_IS_BLOCKED = """
import aiohttp.web, time

async def cleanup(self):
    time.sleep(3600)

aiohttp.web.AppRunner.cleanup = cleanup
"""


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """No replica yet; the world's clock is the machine's."""
    async with world(tmp_path, clock=Clock()) as made, Fleet(made) as one:
        yield one


async def with_trouble(fleet: Fleet, code: str) -> Replica:
    """A replica whose libraries behave like this, ready, and told to end."""
    (fleet.world.directory / "sitecustomize.py").write_text(code)
    replica = fleet.begin(PYTHONPATH=str(fleet.world.directory))
    await replica.up()
    while await replica.counted("vm_restore_watch_up") < 1:  # noqa: ASYNC110 - another process
        await asyncio.sleep(LOOK_AGAIN)
    replica.terminate()
    return replica


async def test_a_watch_that_swallows_a_cancel_is_asked_again(fleet: Fleet) -> None:
    """The cancel came while its stream was failing, and it slept on: the stop waited for ever."""
    replica = await with_trouble(fleet, A_CANCEL_BECOMES_AN_ERROR)
    assert await replica.exited() == 0, replica.output.read_text()
    assert replica.heard("stopped")
    assert replica.heard("not watching")
    assert not replica.heard("did not end in time")


@pytest.mark.slow
async def test_what_will_not_close_is_told_and_left(fleet: Fleet) -> None:
    """All else is closed; the process ends with 1 rather than wait for it."""
    replica = await with_trouble(fleet, A_PORT_THAT_NEVER_CLOSES)
    assert await replica.exited() == 1
    (told,) = replica.heard("did not end in time")
    assert (told["part"], told["level"]) == ("the HTTP port", "error")
    assert "http_server.py" in told["where"]
    assert replica.heard("stopped")


@pytest.mark.slow
async def test_a_blocked_loop_ends_with_its_deadline(fleet: Fleet) -> None:
    """Nothing in the loop can say anything any more: a thread of the interpreter does."""
    replica = await with_trouble(fleet, A_LOOP_THAT_IS_BLOCKED)
    assert await replica.exited() == 1
    assert "in cleanup" in replica.output.read_text()
