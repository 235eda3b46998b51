"""A bot, or a bare listener, as a process of its own beside the simulators."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import yaml

from bot.playground.world import World
from tests.tools.bench.bare import PORT_LINE

PATIENCE = 30.0
_SLACK = "SLACK_"


@dataclass(slots=True)
class Measured:
    """A running process. `seconds` from its start until it was ready."""

    process: asyncio.subprocess.Process
    port: int
    seconds: float

    def resident(self) -> int:
        """Bytes of memory it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024


@asynccontextmanager
async def real_bot(world: World) -> AsyncIterator[Measured]:
    """`vm-restore-bot run` against this world."""
    port = _free_port()
    tree = {**world.tree(), "http": {"host": "127.0.0.1", "port": port}, "log": {"level": "error"}}
    path = world.directory / "bench.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    env = {**_clean(), **world.environment(), "VM_RESTORE_CONFIG": str(path)}
    begun = time.perf_counter()
    async with _process(["-m", "bot", "run"], env) as process:
        await _ready(port, process)
        took = time.perf_counter() - begun
        if not world.socket_mode:
            world.slack.use_http(f"http://127.0.0.1:{port}/slack/events")
        yield Measured(process, port, took)


@asynccontextmanager
async def bare_listener(world: World, *, writes: bool = False) -> AsyncIterator[Measured]:
    """A Bolt app that does nothing but acknowledge, or makes one write before it does."""
    begun = time.perf_counter()
    env = {**_clean(), **world.environment()}
    if not writes:
        del env["REDIS_URL"]
    async with _process(["-m", "tests.tools.bench.bare"], env) as process:
        if process.stdout is None:
            raise RuntimeError("no output to read the port from")
        line = (await process.stdout.readline()).decode()
        port = int(line.removeprefix(PORT_LINE))
        if not world.socket_mode:
            world.slack.use_http(f"http://127.0.0.1:{port}/slack/events")
        yield Measured(process, port, time.perf_counter() - begun)


@asynccontextmanager
async def _process(
    arguments: list[str], env: dict[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=env, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), PATIENCE)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _ready(port: int, process: asyncio.subprocess.Process) -> None:
    end = time.perf_counter() + PATIENCE
    async with aiohttp.ClientSession() as session:
        while time.perf_counter() < end and process.returncode is None:
            try:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.01)
    raise RuntimeError("the bot did not become ready")


def _clean() -> dict[str, str]:
    """Our environment without settings of a bot."""
    own = ("REDIS_URL", "KUBECONFIG", "VM_RESTORE_CONFIG")
    return {k: v for k, v in os.environ.items() if not k.startswith(_SLACK) and k not in own}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
