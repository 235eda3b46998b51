"""The wires of one bot: small proxies between it and Slack, the API server and Redis.

    async with wires_of(world) as wires:       # or `restarting`: a bot that is killed comes back
        with wires.lead(world):
            await world.start_bot()
        wires.count(Fault(7, applied=False))

What the bot sends is a crossing: a request, a command, an acknowledgement on the socket. At any crossing
something can happen, before the message has got through or after it was dealt with and before the answer
came back: its connection breaks, the bot is cut off for good as SIGKILL does it, or it is frozen for a
while, as SIGSTOP or a stalled machine does. Another bot has wires of its own. And since every message
passes here it is known, without waiting, whether the bot still expects an answer.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum, auto
from pathlib import Path
from urllib.parse import urlsplit

from bot.playground.world import World
from bot.store import scripts

CHUNK = 256 * 1024
LIMIT = 4 * 1024 * 1024
_TEXT_FRAME = 0x1
_SCRIPTS = {scripts.read(name).sha: name for name in scripts.NAMES}


class Side(StrEnum):
    """What lies at the other end."""

    SLACK = "slack"
    CLUSTER = "kubernetes"
    STORE = "redis"


class FaultKind(Enum):
    """What a fault does."""

    BREAK = auto()
    """The connection of this message ends."""
    KILL = auto()
    """Nothing of the bot gets through any more, in either direction."""
    FREEZE = auto()
    """The same until `thaw`, and nothing breaks."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one of the next messages."""

    at: int | Callable[[str], bool]
    """Which crossing: its number from now on, from 0; or whether the words for it are meant."""
    applied: bool
    """The far side gets the message at once, and only its answer does not come back."""
    kind: FaultKind = FaultKind.KILL
    side: Side | None = None
    """Only messages to this side are counted; None counts them all."""


@dataclass(slots=True, eq=False)
class _Line:
    """One connection of the bot, with its continuation to the far side."""

    side: Side
    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    expecting: bool = False
    """Something was sent and nothing has come back."""
    socket: bool = False
    """It has become a WebSocket: each text frame is a message of its own."""
    watch: bool = False
    """Answers come whenever something happens, so none is expected."""
    doomed: Fault | None = None
    """What was sent last is to be dealt with; then this happens."""

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
        """The bot sees a broken connection; the far side gets what was sent to it."""
        self.near.transport.abort()
        if self.far is not None:
            self.far.close()


@dataclass(slots=True)
class Wires:
    """Everything that leads out of one bot. Open them before it starts."""

    fallen: Callable[[], None] = lambda: None
    """Called when a fault has killed the bot."""
    addresses: dict[Side, str] = field(default_factory=dict)
    """Where the bot finds each side."""
    crossings: list[str] = field(default_factory=list)
    """What has left the bot since `count`, `freeze` or `thaw`, in words."""
    beside: list[bool] = field(default_factory=list)
    """Of each of them: was the answer to another one missing when it left?"""
    frozen: asyncio.Event = field(default_factory=asyncio.Event)
    """A fault has frozen it, be it thawed since."""
    dead: bool = False
    away: set[Side] = field(default_factory=set)
    """Sides that cannot be reached just now."""
    falls: int = 0
    """How often a fault has killed it."""
    _waiting: list[Fault] = field(default_factory=list)
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _never: asyncio.Event = field(default_factory=asyncio.Event)
    _lines: set[_Line] = field(default_factory=set)
    _servers: list[asyncio.Server] = field(default_factory=list)

    async def open(self, slack: str, cluster: str, store: str, socket: Path) -> None:
        """Stand between the bot and these addresses; `socket` is where its Redis will be."""
        self._flowing.set()
        self.addresses[Side.SLACK] = await self._tcp(Side.SLACK, slack)
        self.addresses[Side.CLUSTER] = await self._tcp(Side.CLUSTER, cluster)
        self.addresses[Side.STORE] = await self._unix(store, socket)

    async def close(self) -> None:
        """Take the wires away."""
        self.kill()
        for server in self._servers:
            server.close()
            await server.wait_closed()

    @contextlib.contextmanager
    def lead(self, world: World) -> Iterator[None]:
        """A bot of the world that is started in here finds everything behind these wires."""
        slack, kube, redis = world.slack.root, world.kube.url, world.redis_url
        world.slack.reached_at(self.addresses[Side.SLACK])
        world.kube.url = self.addresses[Side.CLUSTER]
        world.redis_url = self.addresses[Side.STORE]
        try:
            yield
        finally:
            world.slack.reached_at(slack)
            world.kube.url, world.redis_url = kube, redis

    def expecting(self, side: Side) -> int:
        """How many answers of this side the bot waits for."""
        return sum(line.awaits and line.side is side for line in self._lines)

    def asked(self) -> dict[str, int]:
        """The same for all sides, for the journal."""
        return {side.value: self.expecting(side) for side in Side}

    # What can happen at once

    @property
    def held(self) -> bool:
        """Nothing gets through in either direction, and nothing breaks."""
        return not self._flowing.is_set()

    def hold(self) -> None:
        """The bot's machine stops: what it sent and what it will hear stays where it is."""
        self._flowing.clear()

    def thaw(self) -> None:
        """The machine goes on, as if nothing had been; crossings are told from here on.

        After a fault that froze it watches stay frozen. What they tell would be work of its own, on
        a new lease, and could not be told from what is left of the old.
        """
        self._forget()
        self._flowing.set()

    def revive(self) -> None:
        """A new process starts behind these wires."""
        self.dead = False

    def kill(self) -> None:
        """From now on nothing gets through, whatever the dying process still tries."""
        self.dead = True
        self._waiting.clear()
        self._flowing.set()
        for line in list(self._lines):
            line.end()

    def lose(self, side: Side) -> None:
        """A side goes away: its connections break, and new ones do too until it is back."""
        self.away.add(side)
        for line in [line for line in self._lines if line.side is side]:
            line.end()

    # What happens at a crossing

    def arrange(self, fault: Fault) -> None:
        """Let this happen."""
        self._waiting.append(fault)

    def count(self, fault: Fault | None = None) -> list[str]:
        """Count crossings from now on, and let everything end at the one that the fault names."""
        self._forget()
        if fault is not None:
            self.arrange(fault)
        return self.crossings

    def freeze(self, chosen: Callable[[str], bool], *, late: bool = False) -> None:
        """Freeze at the next crossing that is meant; `late`: it arrives only after the thaw."""
        self.count(Fault(chosen, applied=not late, kind=FaultKind.FREEZE))

    def spare(self) -> None:
        """Forget the faults that have not happened yet."""
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
        self,
        line: _Line,
        reader: asyncio.StreamReader,
        opening: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
    ) -> None:
        """Carry one connection until either side, or a fault, ends it."""
        self._lines.add(line)
        try:
            answers, line.far = await opening
        except OSError:
            self._lines.discard(line)
            line.end()
            return
        inward = asyncio.create_task(self._inward(line, answers))
        try:
            await self._outward(line, reader, line.far)
        except OSError:
            pass  # one of the ends is gone, as it may be in any story
        finally:
            self._lines.discard(line)
            line.end()
            if line.watch:
                inward.cancel()  # it may be frozen for good
            await asyncio.gather(inward, return_exceptions=True)

    def _forget(self) -> None:
        self.crossings.clear()
        self.beside.clear()

    def _closed(self, line: _Line) -> bool:
        return self.dead or line.side in self.away

    async def _outward(
        self, line: _Line, reader: asyncio.StreamReader, far: asyncio.StreamWriter
    ) -> None:
        while not self._closed(line) and (data := await reader.read(CHUNK)):
            await self._flowing.wait()
            if self._closed(line):
                return
            frame = line.socket
            fault = self._crosses(line, data) if line.begins(data) else None
            if fault is not None and not fault.applied:
                self._happens(line, fault)
                await self._flowing.wait()
            elif fault is not None:
                line.doomed = fault
            if self._closed(line) or far.is_closing():
                return
            far.write(data)
            await far.drain()
            if line.doomed is not None and frame:
                self._happens(line, line.doomed)

    async def _inward(self, line: _Line, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._flowing.wait()
                if line.doomed is not None:
                    self._happens(line, line.doomed)
                    await self._flowing.wait()
                if self._closed(line):
                    break
                if line.watch and self.frozen.is_set():
                    await self._never.wait()
                line.expecting = False
                line.near.write(data)
                await line.near.drain()
        line.end()

    def _crosses(self, line: _Line, data: bytes) -> Fault | None:
        """Note what leaves the bot; what is to happen to it, if anything."""
        told = f"{line.side}: {_told(data)}"
        self.crossings.append(told)
        self.beside.append(any(each.awaits for each in self._lines if each is not line))
        found: Fault | None = None
        left: list[Fault] = []
        for fault in self._waiting:
            counts = fault.side in (None, line.side)
            meant = fault.at(told) if callable(fault.at) else fault.at <= 0
            if counts and meant and found is None:
                found = fault
            elif counts and not callable(fault.at):
                left.append(replace(fault, at=fault.at - 1))
            else:
                left.append(fault)
        self._waiting = left
        return found

    def _happens(self, line: _Line, fault: Fault) -> None:
        line.doomed = None
        match fault.kind:
            case FaultKind.BREAK:
                line.end()
            case FaultKind.KILL:
                self.falls += 1
                self.kill()
                self.fallen()
            case FaultKind.FREEZE:
                self.hold()
                self.frozen.set()


def _told(data: bytes) -> str:
    """What a message is, from its first bytes: a request line, a command, a frame."""
    if data[:1] == b"*":
        words = data.split(b"\r\n", 6)[2:5:2]
        name = " ".join(word.decode("ascii", "replace") for word in words)
        return _SCRIPTS.get(name.partition(" ")[2], name)[:60]
    if data[0] & 0x0F == _TEXT_FRAME and data[0] & 0x80:
        return "acknowledgement"
    return data.split(b" HTTP/", 1)[0].decode("ascii", "replace")[:200]


@contextlib.asynccontextmanager
async def wires_of(world: World) -> AsyncIterator[Wires]:
    """Wires for one bot of this world."""
    wires = Wires()
    socket = Path(urlsplit(world.redis_url).path).with_name(f"wires-{id(wires)}.sock")
    await wires.open(world.slack.root, world.kube.url, world.redis_url, socket)
    try:
        yield wires
    finally:
        await wires.close()


@contextlib.asynccontextmanager
async def restarting(world: World) -> AsyncIterator[Wires]:
    """The same for a bot that is buried when it was killed, and started anew, as a Deployment does.

    The new one finds only what the far sides know. At the end the bot is stopped.
    """
    fallen = asyncio.Event()

    def fell() -> None:
        world.restarting = True
        fallen.set()

    async def keep_alive() -> None:
        while True:
            await fallen.wait()
            await world.stop_bot()
            wires.revive()
            await world.start_bot()
            world.restarting = False
            fallen.clear()

    async with wires_of(world) as wires:
        wires.fallen = fell
        with wires.lead(world):
            keeper = asyncio.create_task(keep_alive())
            try:
                yield wires
            finally:
                if not keeper.done():
                    keeper.cancel()
                await world.stop_bot()
                world.restarting = False
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
