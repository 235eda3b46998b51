"""How long the bot takes to be there."""

import asyncio
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bot.clock import Clock
from bot.playground.stage import set_stage
from bot.playground.world import world
from tests.tools.bench.process import real_bot

TIMES = 5


@dataclass(frozen=True, slots=True)
class Starts:
    """Seconds, the median of a few."""

    ready: float
    imports: float
    interpreter: float


async def starts() -> Starts:
    """Process start to ready; and what of it is Python and the imports."""
    ready = []
    for _ in range(TIMES):
        with tempfile.TemporaryDirectory(prefix="vmr-bench-") as directory:
            async with world(Path(directory), clock=Clock()) as made:
                await set_stage(made)
                async with real_bot(made) as bot:
                    ready.append(bot.seconds)
    return Starts(
        ready=statistics.median(ready),
        imports=await _python("import bot.app"),
        interpreter=await _python("pass"),
    )


async def _python(code: str) -> float:
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
        await process.wait()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)
