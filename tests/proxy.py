"""A real HTTP proxy that writes down what went through it, and stands in for the hosts behind it.

Whatever host a client asks it to connect to, it speaks TLS with a certificate of its own and passes
what it hears on to one server of plain HTTP: so that the bot meets `https://slack.com` on loopback.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class Proxy:
    """One proxy; `asked` is whom it was asked to connect to."""

    def __init__(self, certificate: Path, behind: int, *, direct: bool = False) -> None:
        self.asked: list[str] = []
        self.refuses = 0
        """The status with which it refuses everybody; 0: nobody."""
        self.port = 0
        self._behind = behind
        self._direct = direct
        """It is no proxy but the server itself: TLS from the first byte on."""
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """As HTTPS_PROXY names it."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client: CONNECT, TLS, and then whatever passes."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self._direct:
                await self._pass_on(reader, writer)
                return
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            verb, to, _ = request.split(" ", 2)
            self.asked.append(f"{verb} {to}")
            if self.refuses:
                writer.write(f"HTTP/1.1 {self.refuses} No\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
                return
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await self._pass_on(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # somebody went away
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.start_tls(self._tls)
        there = await asyncio.open_connection("127.0.0.1", self._behind)
        try:
            await asyncio.gather(_passed(reader, there[1]), _passed(there[0], writer))
        finally:
            there[1].close()

    async def end(self) -> None:
        """Break what is still open."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(65536):
        writer.write(part)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def proxy(certificate: Path, behind: int, *, direct: bool = False) -> AsyncIterator[Proxy]:
    """A proxy before the server on this port, or its TLS alone. The file holds certificate and key."""
    made = Proxy(certificate, behind, direct=direct)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.end()
