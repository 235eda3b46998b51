"""Freezes a bot between two steps, as SIGSTOP or a stalled machine does, while the world goes on.

Small proxies stand between one bot and Slack, the API server and Redis. What the bot sends is a
crossing. At the chosen one the wires freeze: what was sent is dealt with, its answer stays away, and
so does everything else, in both directions, until they thaw. `late` holds back what was sent, too: it
arrives only after the thaw. Another bot, started meanwhile, has wires of its own.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bot.app import App
from bot.playground.world import World
from bot.store import scripts

CHUNK = 256 * 1024
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True, eq=False)
class Link:
    """One connection of the bot, and its continuation."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    answered: bool = True
    socket: bool = False
    watch: bool = False
    chosen: bool = False

    def begins(self, data: bytes) -> bool:
        """Is this a new message, rather than the rest of one, or a frame of a WebSocket?"""
        begins, self.answered = self.answered and not self.socket, False
        self.socket = self.socket or b"upgrade: websocket" in data[:2000].lower()
        self.watch = self.watch or b"watch=true" in data[:2000]
        return begins


@dataclass(slots=True)
class Ice:
    """The wires of one bot."""

    world: World
    crossings: list[str] = field(default_factory=list)
    """What has left the bot, in words."""
    frozen: asyncio.Event = field(default_factory=asyncio.Event)
    """It has come to the chosen crossing."""
    _chosen: Callable[[str], bool] | None = None
    _late: bool = False
    _never: asyncio.Event = field(default_factory=asyncio.Event)
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _links: set[Link] = field(default_factory=set)

    @contextlib.asynccontextmanager
    async def laid(self) -> AsyncIterator["Ice"]:
        """Wires that flow."""
        self._flowing.set()
        try:
            yield self
        finally:
            self._flowing.set()
            for server in self._servers:
                server.close()
            for link in list(self._links):
                link.near.transport.abort()
            for server in self._servers:
                await server.wait_closed()

    async def start_bot(self) -> App:
        """Start a bot of the world on these wires."""
        world = self.world
        slack, kube, redis = world.slack.root, world.kube.url, world.redis_url
        try:
            world.slack.reached_at(await self._tcp("slack", slack))
            world.kube.url = await self._tcp("kubernetes", kube)
            world.redis_url = await self._unix(redis)
            return await world.start_bot()
        finally:
            world.slack.reached_at(slack)
            world.kube.url, world.redis_url = kube, redis

    def freeze(self, chosen: Callable[[str], bool], *, late: bool = False) -> None:
        """Freeze at the next crossing that is meant."""
        self.crossings.clear()
        self._chosen, self._late = chosen, late

    def thaw(self) -> None:
        """Let everything flow again; crossings are told from here on.

        Watches stay frozen. What they tell would be work of its own, on a new lease, and could not
        be told from what is left of the old.
        """
        self.crossings.clear()
        self._flowing.set()

    def _freeze(self) -> None:
        self._chosen = None
        self._flowing.clear()
        self.frozen.set()

    async def _tcp(self, name: str, url: str) -> str:
        host, port = urlsplit(url).hostname, urlsplit(url).port

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(name, (reader, writer), asyncio.open_connection(host, port))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self._servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _unix(self, url: str) -> str:
        path = Path(urlsplit(url).path)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve("redis", (reader, writer), asyncio.open_unix_connection(path))

        wire = path.with_name(f"ice-{id(self)}.sock")
        self._servers.append(await asyncio.start_unix_server(serve, wire))
        return f"unix://{wire}"

    async def _serve(self, name: str, near: Stream, opening: Awaitable[Stream]) -> None:
        link = Link(near[1])
        self._links.add(link)
        reader, link.far = await opening
        inward = asyncio.create_task(self._inward(link, reader))
        try:
            await self._outward(name, link, near[0], link.far)
        except ConnectionError:
            pass  # either side may end it
        finally:
            self._links.discard(link)
            inward.cancel()
            await asyncio.gather(inward, return_exceptions=True)
            link.far.close()
            link.near.close()

    async def _outward(
        self, name: str, link: Link, reader: asyncio.StreamReader, far: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(CHUNK):
            await self._flowing.wait()
            if link.begins(data):
                link.chosen = self._crosses(f"{name}: {_told(data)}")
                if link.chosen and self._late:
                    self._freeze()
                    await self._flowing.wait()
            far.write(data)
            await far.drain()

    async def _inward(self, link: Link, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                if link.chosen and not self._late:
                    self._freeze()
                link.chosen = False
                await (self._never if link.watch and self.frozen.is_set() else self._flowing).wait()
                link.answered = True
                link.near.write(data)
                await link.near.drain()
        link.near.close()

    def _crosses(self, told: str) -> bool:
        self.crossings.append(told)
        return self._chosen is not None and self._chosen(told)


def _told(data: bytes) -> str:
    """A request line, or the name of a script or command."""
    if data[:1] == b"*":
        words = data.split(b"\r\n", 6)[2:5:2]
        name = " ".join(word.decode("ascii", "replace") for word in words)
        return _SCRIPTS.get(name.partition(" ")[2], name)[:60]
    return data.split(b" HTTP/", 1)[0].decode("ascii", "replace")[:200]


_SCRIPTS = {scripts.read(name).sha: name for name in scripts.NAMES}
