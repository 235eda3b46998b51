"""The bot's lifeline: cut off as SIGKILL does it, at any moment at which something leaves the bot.

    async with Wires(world) as wires:
        await world.start_bot()
        wires.count(Cut(at=7, applied=False))
        ...

Small proxies stand between the bot and Slack, the API server and Redis. What the bot sends is a
crossing: a request, a command, an acknowledgement on the socket. At the chosen crossing everything
ends: either before the message has reached the far side, or after it was dealt with there and before
the answer has come back. From then on nothing gets through, whatever the dying bot still tries. As a
Deployment does, the wires then bury it and start a new bot, which finds only what the far sides know.
"""

import asyncio
import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bot.playground.world import World
from bot.store import scripts

CHUNK = 256 * 1024
LIMIT = 4 * 1024 * 1024
_TEXT_FRAME = 0x1

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Cut:
    """At which crossing everything ends (from 0), and whether the far side still deals with it."""

    at: int
    applied: bool


@dataclass(slots=True, eq=False)
class Link:
    """One connection of the bot, with its continuation to the far side."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    answered: bool = True
    """The far side has spoken since the last request, so what is sent next is a new one."""
    socket: bool = False
    """It has become a WebSocket: each text frame is a message of its own."""
    doomed: bool = False
    """What was sent last is to be dealt with, but its answer must not come back."""

    def begins(self, data: bytes) -> bool:
        """Is this the beginning of a message, rather than the rest of one, or a ping?"""
        if self.socket:
            return data[0] & 0x0F == _TEXT_FRAME
        begins, self.answered = self.answered, False
        return begins

    def end(self) -> None:
        """The bot sees a broken connection; the far side gets what was sent to it."""
        self.near.transport.abort()
        if self.far is not None:
            self.far.close()


@dataclass(slots=True)
class Wires:
    """Everything that leads out of the bot of one world. Lay them before the bot starts."""

    world: World
    crossings: list[str] = field(default_factory=list)
    """What has left the bot since `count` was called last, in words."""
    fallen: asyncio.Event = field(default_factory=asyncio.Event)
    """The cut has happened."""
    falls: int = 0
    """How often the bot was cut off."""
    _cut: Cut | None = None
    _dead: bool = False
    _links: set[Link] = field(default_factory=set)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _undo: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _keeper: "asyncio.Task[None] | None" = None

    async def __aenter__(self) -> Self:
        """Stand between the bot and the rest of the world."""
        slack, kube, redis = self.world.slack, self.world.kube, self.world.redis_url
        self._undo.callback(slack.reached_at, slack.root)
        self._undo.callback(setattr, kube, "url", kube.url)
        self._undo.callback(setattr, self.world, "redis_url", redis)
        slack.reached_at(await self._tcp("slack", slack.root))
        kube.url = await self._tcp("kubernetes", kube.url)
        self.world.redis_url = await self._unix(redis)
        self._keeper = asyncio.create_task(self._keep_alive())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the bot and take the wires away."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None and not keeper.done():
            keeper.cancel()
        await self.world.stop_bot()
        self._fall()
        self.world.restarting = False
        for server in self._servers:
            server.close()
            await server.wait_closed()
        self._undo.close()
        if keeper is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await keeper

    def count(self, cut: Cut | None = None) -> list[str]:
        """Count crossings from now on, and let everything end at the one that `cut` names."""
        self.crossings, self._cut = [], cut
        return self.crossings

    # The keeper

    async def _keep_alive(self) -> None:
        """Bury the bot that was cut off, and start another one."""
        while True:
            await self.fallen.wait()
            self.falls += 1
            await self.world.stop_bot()
            self._dead = False
            await self.world.start_bot()
            self.world.restarting = False
            self.fallen.clear()

    def _fall(self) -> None:
        """From now on nothing gets through."""
        self._dead, self._cut, self.world.restarting = True, None, True
        for link in list(self._links):
            link.end()
        self.fallen.set()

    # The proxies

    async def _tcp(self, name: str, url: str) -> str:
        host, port = urlsplit(url).hostname, urlsplit(url).port

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far = asyncio.open_connection(host, port, limit=LIMIT)
            await self._serve(name, (reader, writer), far)

        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=LIMIT)
        self._servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _unix(self, url: str) -> str:
        path = Path(urlsplit(url).path)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far = asyncio.open_unix_connection(path, limit=LIMIT)
            await self._serve("redis", (reader, writer), far)

        wire = path.with_name("wire.sock")
        self._servers.append(await asyncio.start_unix_server(serve, wire, limit=LIMIT))
        return f"unix://{wire}"

    async def _serve(self, name: str, near: Stream, opening: Awaitable[Stream]) -> None:
        """Carry one connection until either side, or the cut, ends it."""
        link = Link(near[1])
        self._links.add(link)
        far_reader, link.far = await opening
        inward = asyncio.create_task(self._inward(link, far_reader))
        try:
            await self._outward(name, link, near[0])
        except ConnectionError:
            pass  # the far side is gone, as it may be in any story
        finally:
            self._links.discard(link)
            link.end()
            await asyncio.gather(inward, return_exceptions=True)

    async def _outward(self, name: str, link: Link, reader: asyncio.StreamReader) -> None:
        far = link.far
        while far is not None and (data := await reader.read(CHUNK)):
            if self._ends_before(name, link, data):
                return
            far.write(data)
            await far.drain()
            if link.doomed and link.socket:
                self._fall()
            link.socket = link.socket or b"upgrade: websocket" in data[:2000].lower()

    async def _inward(self, link: Link, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                if link.doomed:
                    self._fall()
                if self._dead:
                    break
                link.answered = True
                link.near.write(data)
                await link.near.drain()
        link.near.close()

    def _ends_before(self, name: str, link: Link, data: bytes) -> bool:
        """Does nothing get through any more, from this piece on?"""
        if self._dead:
            return True
        fatal = self._crosses(name, data) if link.begins(data) else None
        link.doomed |= fatal is not None
        if fatal is not None and not fatal.applied:
            self._fall()
        return self._dead

    def _crosses(self, name: str, data: bytes) -> Cut | None:
        """Note what leaves the bot; the cut, if it is to happen here."""
        self.crossings.append(f"{name}: {_told(data)}")
        cut = self._cut
        return cut if cut is not None and cut.at == len(self.crossings) - 1 else None


def _told(data: bytes) -> str:
    """What a message is, from its first bytes: a request line, a command, a frame."""
    if data[:1] == b"*":
        words = data.split(b"\r\n", 6)[2:5:2]
        name = " ".join(word.decode("ascii", "replace") for word in words)
        return _SCRIPTS.get(name.partition(" ")[2], name)[:60]
    if data[0] & 0x0F == _TEXT_FRAME and data[0] & 0x80:
        return "acknowledgement"
    return data.split(b" HTTP/", 1)[0].decode("ascii", "replace")[:160]


_SCRIPTS = {scripts.read(name).sha: name for name in scripts.NAMES}
