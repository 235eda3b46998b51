"""The cable of one bot: everything it says and hears goes through it, so that it can be cut.

A bot that is killed in its own process leaves tasks that want to clean up. With its cable cut nothing
of that gets out, and the far sides see what a kill shows them: broken connections, and no word more.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CHUNK = 256 * 1024
HOST = "127.0.0.1"

_NUMBERS = itertools.count(1)
"""The path of a socket has room for a short name only."""
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Cable:
    """Relays to Slack, the API server and Redis. Open it before the bot starts."""

    def __init__(self) -> None:
        self.slack = ""
        self.cluster = ""
        self.store = ""
        self.cut_off = False
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._socket: Path | None = None

    async def open(self, slack: str, cluster: str, store: str) -> None:
        """Lead to these addresses; a Redis has a socket, and the cable one beside it."""
        self.slack = await self._tcp(slack)
        self.cluster = await self._tcp(cluster)
        far = urlsplit(store).path
        self._socket = Path(far).with_name(f"c{next(_NUMBERS)}.sock")
        self.store = f"unix://{self._socket}"

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._carry((reader, writer), asyncio.open_unix_connection(far))

        self._servers.append(await asyncio.start_unix_server(serve, self._socket))

    def cut(self) -> None:
        """From now on nothing gets through, in either direction."""
        self.cut_off = True
        for writer in list(self._writers):
            writer.transport.abort()

    async def close(self) -> None:
        """Take it away."""
        self.cut()
        for server in self._servers:
            server.close()
            await server.wait_closed()
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)

    async def _tcp(self, url: str) -> str:
        port = urlsplit(url).port

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._carry((reader, writer), asyncio.open_connection(HOST, port))

        server = await asyncio.start_server(serve, HOST, 0)
        self._servers.append(server)
        return f"http://{HOST}:{server.sockets[0].getsockname()[1]}"

    async def _carry(self, near: Ends, opening: Coroutine[Any, Any, Ends]) -> None:
        """Carry one connection until either side ends it."""
        self._writers.add(near[1])
        try:
            far = await opening
        except OSError:
            self._end(near[1])
            return
        self._writers.add(far[1])
        back = asyncio.create_task(self._pump(far[0], near[1]))
        await self._pump(near[0], far[1])
        await back

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while not self.cut_off and (data := await source.read(CHUNK)):
                if self.cut_off:
                    break
                sink.write(data)
                await sink.drain()
        self._end(sink)

    def _end(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        if self.cut_off:
            writer.transport.abort()
        else:
            writer.close()
