"""The replicas of one run: started, killed, held, and started again, each behind its own wires.

The SDK looks after its socket every ten real seconds, which no run waits for: a socket that was lost
is opened again after ten seconds of the world's clock, by the SDK's own means.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bot import app as house
from bot.app import App
from bot.clock import Clock
from bot.errors import Misconfigured
from bot.playground.clock import WrongClock
from bot.playground.world import World
from bot.settings import Settings, build
from tests.tools.chaos.logins import Login
from tests.tools.wires import Side, Wires

SOCKET_LOOK = timedelta(seconds=10)
START_LOOKS, START_LOOK = 200, 0.01
"""So often a start is looked at: the SDK would wait ten seconds before it asks for a socket again.

Looks are counted, not seconds: while the start itself is at work, nobody looks.
"""
TRY_AGAIN = 3.0
"""Seconds after which a replica that could not start is started again."""


@dataclass(slots=True)
class Replica:
    """One bot and its wires. `app` is None while it is down."""

    name: str
    world: World
    wires: Wires
    app: App | None = None
    starts_at: datetime | None = None
    """When it is to be started (again); None while it runs."""
    lost_at: datetime | None = None
    """Since when it has no socket to Slack."""
    buried: bool = True
    ahead: float = 0.0
    """So many seconds the clock of its machine is ahead of the others'."""
    login: Login | None = None
    """The plugin that gives its login; None: a token of its kubeconfig."""

    @property
    def machine(self) -> Clock:
        """The clock of its machine."""
        clock = self.world.clock
        return WrongClock(clock, self.ahead) if self.ahead else clock

    @property
    def waits_for_a_login(self) -> bool:
        """It may: its plugin hangs."""
        return self.app is not None and self.login is not None and self.login.hanging

    @property
    def working(self) -> bool:
        """The store has not answered it yet, or it is being buried."""
        return not self.buried or self._expecting(Side.STORE) > 0

    @property
    def expecting(self) -> int:
        """How many answers of Slack and the cluster it waits for."""
        return self._expecting(Side.SLACK) + self._expecting(Side.CLUSTER)

    @property
    def resting(self) -> bool:
        """It does nothing, or nobody would notice."""
        return self.app is None or self.wires.held or self.app.worker.resting

    def _expecting(self, side: Side) -> int:
        return 0 if self.wires.held or self.wires.dead else self.wires.expecting(side)

    def settings(self) -> Settings:
        """What it is told: the same as the others, but for the addresses of its wires."""
        kube, real = self.world.kube, self.world.kube.url
        kube.url = self.wires.addresses[Side.CLUSTER]
        path = kube.kubeconfig(self.world.directory / f"kubeconfig-{self.name}")
        kube.url = real
        if self.login is not None:
            self.login.use(path)
        environment = self.world.environment() | {
            "SLACK_API_URL": f"{self.wires.addresses[Side.SLACK]}/api/",
            "REDIS_URL": self.wires.addresses[Side.STORE],
            "KUBECONFIG": str(path),
        }
        return build(environment, self.world.tree())


@dataclass(slots=True)
class Crew:
    """All replicas of one run."""

    world: World
    tell: Callable[[str], None] = print
    """Where it is written down who dies and who does not start."""
    replicas: list[Replica] = field(default_factory=list)
    kills: int = 0
    plugins: bool = False
    """Their logins come from a plugin."""
    _stopping: set["asyncio.Task[None]"] = field(default_factory=set)

    async def hire(self, count: int, directory: Path) -> None:
        """Lay the wires and start everybody."""
        for number in range(count):
            name = f"bot-{number + 1}"
            wires = Wires()
            login = Login(directory, name) if self.plugins else None
            replica = Replica(name, self.world, wires, login=login)
            wires.fallen = partial(self._fell, replica)
            slack, kube = self.world.slack.root, self.world.kube.url
            socket = directory / f"{name}.sock"
            await wires.open(slack, kube, self.world.redis_url, socket)
            self.replicas.append(replica)
            await self._start(replica)

    async def dismiss(self) -> None:
        """Stop everybody in good order, and take the wires away."""
        for replica in self.replicas:
            replica.wires.thaw()
            app, replica.app = replica.app, None
            if app is not None:
                await app.stop()
        await asyncio.gather(*self._stopping)
        for replica in self.replicas:
            await replica.wires.close()

    @property
    def working(self) -> bool:
        """Somebody has something to do right now."""
        return any(replica.working for replica in self.replicas)

    @property
    def expecting(self) -> int:
        """How many answers of Slack and the cluster they wait for."""
        return sum(replica.expecting for replica in self.replicas)

    @property
    def waits_for_a_login(self) -> bool:
        """A request of somebody may."""
        return any(replica.waits_for_a_login for replica in self.replicas)

    @property
    def resting(self) -> bool:
        """Nobody does anything."""
        return all(replica.resting for replica in self.replicas)

    def running(self) -> list[Replica]:
        """Those that are up and not held."""
        return [each for each in self.replicas if each.app is not None and not each.wires.held]

    def kill(self, replica: Replica, *, back_in: float) -> None:
        """SIGKILL, and a new process after a while."""
        replica.wires.kill()
        self._fell(replica, back_in)

    async def heal(self) -> None:
        """Everybody up, connected and not held."""
        for replica in self.replicas:
            replica.wires.away.clear()
            replica.wires.spare()
            replica.wires.thaw()
            if replica.starts_at is not None:
                replica.starts_at = self.world.clock.now()
        await self.look_after()

    async def look_after(self) -> None:
        """Start who is due, and open sockets that were lost."""
        now = self.world.clock.now()
        for replica in self.replicas:
            if replica.starts_at is not None and now >= replica.starts_at and replica.buried:
                await self._start(replica)
            await self._reconnect(replica, now)

    async def _start(self, replica: Replica) -> None:
        replica.wires.revive()
        replica.starts_at = None
        try:
            app = await _looked_at(house.start(replica.settings(), replica.machine))
        except (Misconfigured, TimeoutError) as refused:
            self.tell(f"{replica.name} does not start: {refused}")
            replica.starts_at = self.world.clock.now() + timedelta(seconds=TRY_AGAIN)
            return
        replica.app, replica.lost_at = app, None
        if replica.wires.dead:
            self._fell(replica)
        elif not self.world.socket_mode:
            self.world.slack.use_http(f"http://127.0.0.1:{app.slack_port}/slack/events")

    def _fell(self, replica: Replica, back_in: float = TRY_AGAIN) -> None:
        self.kills += 1
        self.tell(f"{replica.name} is dead, back in {back_in:.0f} s")
        replica.starts_at = self.world.clock.now() + timedelta(seconds=back_in)
        app, replica.app = replica.app, None
        if app is not None:
            replica.buried = False
            task = asyncio.create_task(self._bury(replica, app))
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)

    async def _bury(self, replica: Replica, app: App) -> None:
        """Free what the dead process held in this one; nothing of it gets out any more."""
        await app.worker.drain(0, grace=0)
        await app.stop()
        replica.buried = True

    async def _reconnect(self, replica: Replica, now: datetime) -> None:
        app = replica.app
        if app is None or app._socket is None or replica.wires.held:
            return
        client = app._socket.client
        if await client.is_connected():
            replica.lost_at = None
            return
        replica.lost_at = replica.lost_at or now
        if now >= replica.lost_at + SOCKET_LOOK:
            replica.lost_at = now
            with suppress(Exception):  # as in the SDK: it tries again when it looks next
                await client.connect_to_new_endpoint()


async def _looked_at(starting: Coroutine[Any, Any, App]) -> App:
    task = asyncio.create_task(starting)
    try:
        for _ in range(START_LOOKS):
            if task in (await asyncio.wait({task}, timeout=START_LOOK))[0]:
                return task.result()
        raise TimeoutError
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
