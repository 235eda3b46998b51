"""A Redis with one replica, which can be paused: it stays connected and takes in nothing."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.store import connect
from tests.store import servers


@dataclass(frozen=True, slots=True)
class Pair:
    """The addresses of both servers."""

    primary: str
    replica: str

    async def linked(self) -> None:
        """Wait until the replica follows."""
        async with connect(self.replica) as client:

            async def follows() -> bool:
                return bool((await client.info("replication"))["master_link_status"] == "up")

            await servers.wait_until("the replica follows", follows)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """In here the replica stands still, and does not know it afterwards."""
        async with connect(self.replica) as client:
            process = int((await client.info("server"))["process_id"])
        os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process, signal.SIGCONT)


@contextmanager
def pair(directory: Path) -> Iterator[Pair]:
    """Two servers of their own."""
    primary, replica = servers.free_port(), servers.free_port()
    # By default a primary waits five seconds for more replicas before the first gets its data.
    at_once = ("--appendonly", "yes", "--repl-diskless-sync-delay", "0")
    options = {primary: at_once, replica: (*at_once, "--replicaof", "127.0.0.1", str(primary))}
    with ExitStack() as stack:
        for port, more in options.items():
            home = directory / str(port)
            home.mkdir()
            stack.enter_context(servers.process(home, port, *more))
        yield Pair(*(f"redis://127.0.0.1:{port}" for port in options))
