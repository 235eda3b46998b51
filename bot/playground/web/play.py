"""The command `playground`: a whole world on this machine, and one page to play in it."""

import asyncio
import signal
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from bot import telemetry
from bot.playground.clock import HandClock
from bot.playground.loopback import must_be_free, must_reach_itself
from bot.playground.web.playground import Playground
from bot.playground.web.scene import set_scene
from bot.playground.web.server import PlaygroundServer
from bot.playground.world import world

END_SECONDS = 20.0


async def play(*, port: int, out: TextIO) -> int:
    """Serve the page until Ctrl-C; the process's exit code."""
    telemetry.set_up("error", "console")
    must_reach_itself()
    must_be_free(port)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    playing = asyncio.create_task(_served(port, out))
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({playing, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    # One cancel: a second one would cut off what closes the world.
    playing.cancel()
    await asyncio.wait({playing}, timeout=END_SECONDS)
    if playing.done() and not playing.cancelled():
        playing.result()
    return 0


async def _served(port: int, out: TextIO) -> None:
    clock = HandClock(datetime.now(UTC))
    with tempfile.TemporaryDirectory(prefix="vm-restore-playground-") as directory:
        async with world(Path(directory), clock=clock) as made:
            playground = Playground(set_scene(made))
            passing = asyncio.create_task(playground.pace.run())
            server = PlaygroundServer(playground)
            try:
                await playground.life.begin()
                await server.start(port)
                out.write(f"The playground is at {server.url}\nCtrl-C ends it.\n")
                out.flush()
                await passing
            finally:
                await server.stop()
                await playground.life.end()
                passing.cancel()
                await asyncio.gather(passing, return_exceptions=True)
