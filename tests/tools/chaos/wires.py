"""The wires of one replica: small proxies between it and Slack, the API server and Redis.

What the replica sends is a crossing. At any crossing its wire can break, before the message has got
through or after it was dealt with and before the answer came back; the replica can be cut off for
good, as SIGKILL does it, or held for a while, as if its machine had stopped. And since every message
passes here it is known, without waiting, whether the replica still expects an answer.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

CHUNK = 256 * 1024
LIMIT = 4 * 1024 * 1024
_TEXT_FRAME = 0x1

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Side(StrEnum):
    """What lies at the other end."""

    SLACK = "slack"
    CLUSTER = "kubernetes"
    STORE = "redis"


@dataclass(frozen=True, slots=True)
class Break:
    """What happens to one of the next messages to a side; `side` None counts them all."""

    side: Side | None
    applied: bool
    """The far side gets the message, and only its answer is lost."""
    fatal: bool = False
    """Not only this connection ends, but the replica."""


@dataclass(slots=True, eq=False)
class _Line:
    """One connection."""

    side: Side
    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    expecting: bool = False
    """Something was sent and nothing has come back."""
    socket: bool = False
    """It has become a WebSocket: each text frame is a message of its own."""
    watch: bool = False
    """Answers come whenever something happens, so none is expected."""
    doomed: Break | None = None

    def begins(self, data: bytes) -> bool:
        """Is this the beginning of a message, rather than the rest of one, or a ping?"""
        if self.socket:
            return data[0] & 0x0F == _TEXT_FRAME
        if self.expecting and not self.watch:
            return False
        head = data[:2000]
        self.expecting, self.watch = True, b"watch=true" in head.split(b"\r\n", 1)[0]
        self.socket = b"upgrade: websocket" in head.lower()
        return True

    @property
    def awaits(self) -> bool:
        """An answer is missing; a socket and a watch speak when they have something to say."""
        return self.expecting and not (self.socket or self.watch)

    def end(self) -> None:
        """The replica sees a broken connection; the far side gets what was sent to it."""
        self.near.transport.abort()
        if self.far is not None:
            self.far.close()


@dataclass(slots=True)
class Wires:
    """Everything that leads out of one replica. Open them before it starts."""

    fallen: Callable[[], None] = lambda: None
    """Called when a fatal break has happened."""
    addresses: dict[Side, str] = field(default_factory=dict)
    """Where the replica finds each side."""
    dead: bool = False
    away: set[Side] = field(default_factory=set)
    """Sides that cannot be reached just now."""
    broken: int = 0
    """How many breaks have happened."""
    _waiting: list[tuple[int, Break]] = field(default_factory=list)
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _lines: set[_Line] = field(default_factory=set)
    _servers: list[asyncio.Server] = field(default_factory=list)

    async def open(self, slack: str, cluster: str, store: str, socket: Path) -> None:
        """Stand between the replica and these addresses; `socket` is where its Redis will be."""
        self._open.set()
        self.addresses[Side.SLACK] = await self._tcp(Side.SLACK, slack)
        self.addresses[Side.CLUSTER] = await self._tcp(Side.CLUSTER, cluster)
        self.addresses[Side.STORE] = await self._unix(store, socket)

    async def close(self) -> None:
        """Take the wires away."""
        self.kill()
        for server in self._servers:
            server.close()
            await server.wait_closed()

    def expecting(self, side: Side) -> int:
        """How many answers of this side the replica waits for."""
        return sum(line.awaits and line.side is side for line in self._lines)

    def asked(self) -> dict[str, int]:
        """The same for all sides, for the journal."""
        return {side.value: self.expecting(side) for side in Side}

    @property
    def held(self) -> bool:
        """Nothing gets through in either direction, and nothing breaks."""
        return not self._open.is_set()

    def hold(self) -> None:
        """The replica's machine stops: what it sent and what it will hear stays where it is."""
        self._open.clear()

    def release(self) -> None:
        """The machine goes on, as if nothing had been."""
        self._open.set()

    def revive(self) -> None:
        """A new process starts behind these wires."""
        self.dead = False

    def kill(self) -> None:
        """From now on nothing gets through, whatever the dying process still tries."""
        self.dead = True
        self._waiting.clear()
        self._open.set()
        for line in list(self._lines):
            line.end()

    def lose(self, side: Side) -> None:
        """A side goes away: its connections break, and new ones do too until it is back."""
        self.away.add(side)
        self.drop(side)

    def drop(self, side: Side) -> None:
        """Break every connection to a side."""
        for line in [line for line in self._lines if line.side is side]:
            line.end()

    def break_at(self, crossing: int, how: Break) -> None:
        """Let this happen at the crossing of this number, counted from now on, from 0."""
        self._waiting.append((crossing, how))

    def spare(self) -> None:
        """Forget the breaks that have not happened yet."""
        self._waiting.clear()

    # The proxies

    async def _tcp(self, side: Side, url: str) -> str:
        host, port = urlsplit(url).hostname, urlsplit(url).port

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far = asyncio.open_connection(host, port, limit=LIMIT)
            await self._serve(_Line(side, writer), reader, far)

        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=LIMIT)
        self._servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _unix(self, url: str, socket: Path) -> str:
        path = urlsplit(url).path

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far = asyncio.open_unix_connection(path, limit=LIMIT)
            await self._serve(_Line(Side.STORE, writer), reader, far)

        self._servers.append(await asyncio.start_unix_server(serve, socket, limit=LIMIT))
        return f"unix://{socket}"

    async def _serve(
        self, line: _Line, reader: asyncio.StreamReader, opening: Awaitable[Stream]
    ) -> None:
        """Carry one connection until either side, or a break, ends it."""
        self._lines.add(line)
        try:
            answers, line.far = await opening
        except OSError:
            self._lines.discard(line)
            line.end()
            return
        inward = asyncio.create_task(self._inward(line, answers))
        try:
            await self._outward(line, reader)
        except OSError:
            pass  # one of the ends is gone, as it may be in any story
        finally:
            self._lines.discard(line)
            line.end()
            await asyncio.gather(inward, return_exceptions=True)

    def _closed(self, line: _Line) -> bool:
        return self.dead or line.side in self.away

    async def _outward(self, line: _Line, reader: asyncio.StreamReader) -> None:
        far = line.far
        while far is not None and not self._closed(line) and (data := await reader.read(CHUNK)):
            await self._open.wait()
            how = self._crosses(line) if line.begins(data) else None
            if how is not None and not how.applied:
                self._break(line, how)
            if self._closed(line) or far.is_closing():
                return
            line.doomed = line.doomed or how
            far.write(data)
            await far.drain()
            if line.doomed is not None and line.socket:
                self._break(line, line.doomed)

    async def _inward(self, line: _Line, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._open.wait()
                if line.doomed is not None:
                    self._break(line, line.doomed)
                if self._closed(line):
                    break
                line.expecting = False
                line.near.write(data)
                await line.near.drain()
        line.end()

    def _crosses(self, line: _Line) -> Break | None:
        """What is to happen to this message, if anything."""
        found: Break | None = None
        left: list[tuple[int, Break]] = []
        for number, how in self._waiting:
            if how.side not in (None, line.side):
                left.append((number, how))
            elif number > 0 or found is not None:
                left.append((number - 1, how))
            else:
                found = how
        self._waiting = left
        return found

    def _break(self, line: _Line, how: Break) -> None:
        self.broken += 1
        line.doomed = None
        if how.fatal:
            self.kill()
            self.fallen()
        else:
            line.end()
