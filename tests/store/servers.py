"""Servers for the tests of the store: one of each kind for a whole session."""

import asyncio
import secrets
import shutil
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis.exceptions import ConnectionError as NotConnected

from bot.store import EmbeddedRedis, connect
from bot.store.embedded import end, find_server, spawn

POLL = 0.005


async def wait_until(what: str, true: Callable[[], Awaitable[bool]], limit: float = 240) -> None:
    """Return when the predicate holds; fail with `what` after so many seconds."""
    for _ in range(int(limit / POLL)):
        if await true():
            return
        await asyncio.sleep(POLL)
    raise AssertionError(f"waited {limit} s in vain until {what}")


def real_server() -> Path | None:
    """A server from PATH, where there is one."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return Path(found) if found else None


@contextmanager
def embedded(directory: Path, binary: Path) -> Iterator[str]:
    """The embedded server on a socket."""
    server = EmbeddedRedis(binary)
    url = asyncio.run(server.start(directory))
    try:
        yield url
    finally:
        asyncio.run(server.stop())


@contextmanager
def cluster(directory: Path) -> Iterator[str]:
    """A Redis Cluster of one node that owns all slots."""
    port = free_port()
    options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
    with process(directory, port, *options):
        asyncio.run(_take_all_slots(port))
        yield f"redis+cluster://127.0.0.1:{port}"


@contextmanager
def process(directory: Path, port: int, *options: str) -> Iterator[None]:
    """A server on a port of the loopback, up and answering."""
    command = [
        *(str(find_server()), "--port", str(port), "--bind", "127.0.0.1"),
        *("--dir", str(directory), "--save", "", *options),
    ]
    running = spawn(command, directory / "server.log")
    try:
        asyncio.run(answering(port))
        yield
    finally:
        end(running)


@contextmanager
def sentinel(directory: Path, port: int, master_port: int) -> Iterator[None]:
    """A Sentinel that watches one master under the name `vms`."""
    settings = directory / "sentinel.conf"
    settings.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {directory}\n"
        f"sentinel monitor vms 127.0.0.1 {master_port} 1\n"
    )
    running = spawn([str(find_server()), str(settings), "--sentinel"], directory / "sentinel.log")
    try:
        asyncio.run(answering(port))
        yield
    finally:
        end(running)


def free_port() -> int:
    """A port that nobody listens on just now.

    It is below those that the kernel gives away by itself: in the moment until the server has it,
    another test's "any port" cannot be the same one.
    """
    while True:
        port = secrets.choice(range(15_000, 32_000))
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


async def answering(port: int) -> None:
    """Wait for a server on a port."""
    async with connect(f"redis://127.0.0.1:{port}") as client:

        async def answers() -> bool:
            try:
                return bool(await client.ping())
            except NotConnected:
                return False

        await wait_until(f"a server answers on port {port}", answers)


async def _take_all_slots(port: int) -> None:
    async with connect(f"redis://127.0.0.1:{port}") as client:
        await client.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")

        async def ready() -> bool:
            info = await client.execute_command("CLUSTER", "INFO")
            return "cluster_state:ok" in str(info)

        await wait_until("the cluster is ready", ready)
