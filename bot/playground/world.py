"""A world to try the bot in: simulated Slack, simulated KubeVirt, a real Redis, and the real bot.

The demo and the tests use the same one. The bot meets it only over the wire, with its real clients.
In the demo time runs by itself; in a test a hand moves it, second by second, and only while nothing
is under way, so that a slow machine changes nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot import app as house
from bot.app import App
from bot.clock import Clock
from bot.playground.clock import HandClock, WrongClock
from bot.playground.kubevirt.server import KubeSim
from bot.playground.slack import SlackSim
from bot.playground.threads import NoThreads
from bot.settings import Settings, build
from bot.store import EmbeddedRedis, connect

LOOK_AGAIN = 0.001
"""Real seconds between two looks while something is under way."""
LOOK_LATER = 0.005
"""Real seconds between two looks while nothing is, and time runs by itself."""
QUIET_LOOKS = 3
TURNS = 8
"""How often the loop goes round between two looks: what is ready moves on by several steps."""
UNHEARD_LOOKS = 6
"""So many of them for each second in which somebody waits in vain."""
TICK = 1e-6
"""The clock knows no shorter time."""
STEP = 1.0
"""How far a hand moves the clock at a time, in seconds."""


@dataclass(slots=True)
class World:
    """Everything, running. `bot` is None while it is stopped."""

    clock: Clock
    slack: SlackSim
    kube: KubeSim
    redis: EmbeddedRedis
    redis_url: str
    directory: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    socket_mode: bool = True
    bot: App | None = None
    restarting: bool = False
    """The bot was cut off and another one is on its way; time stands still until it is there."""

    def environment(self) -> dict[str, str]:
        """The environment variables that lead a bot into this world."""
        kubeconfig = self.kube.kubeconfig(self.directory / "kubeconfig")
        env = {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_API_URL": self.slack.api_url,
            "REDIS_URL": self.redis_url,
            "KUBECONFIG": str(kubeconfig),
        }
        if self.socket_mode:
            env["SLACK_APP_TOKEN"] = self.slack.app_token
        else:
            env["SLACK_SIGNING_SECRET"] = self.slack.signing_secret
        return env

    def tree(self) -> dict[str, Any]:
        """What stands in the bot's YAML file."""
        return {"http": {"host": "127.0.0.1", "port": 0}, **self.config}

    def settings(self) -> Settings:
        """What the bot is told."""
        return build(self.environment(), self.tree())

    async def start_bot(self, machine: Clock | None = None) -> App:
        """Start the real bot, on a machine with this clock; with HTTP Slack is told its address."""
        self.bot = await house.start(self.settings(), machine or self.clock)
        if not self.socket_mode:
            self.slack.use_http(f"http://127.0.0.1:{self.bot.slack_port}/slack/events")
        return self.bot

    async def stop_bot(self) -> None:
        """Stop it as SIGTERM does."""
        if self.bot is not None:
            bot, self.bot = self.bot, None
            await bot.stop()

    async def restart_redis(self) -> None:
        """Stop the world's own Redis and start it again on its data, at the same address."""
        await self.redis.stop()
        await self.redis.start(self.directory / "redis")

    async def until(
        self, done: Callable[[], Any], what: str, *, within: float = 120, alive: bool = True
    ) -> None:
        """Wait until `done()`, letting at most so many seconds of the world's clock pass.

        `alive` False: do not wait for the bot to be at rest (it may be stopped or cut off).
        """
        limit = self.clock.now().timestamp() + within
        while not done():
            if not await self._at_rest(done, alive=alive):
                return
            if self.clock.now().timestamp() >= limit:
                raise AssertionError(f"not within {within} s of the world: {what}")
            await self._step()

    async def quiet(self) -> None:
        """Wait until nothing is under way; no time of the world passes."""
        await self._at_rest(lambda: False, alive=True)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, step by step, with everything that is due in it."""
        clock, end = self.clock, self.clock.now().timestamp() + seconds
        if not isinstance(clock, HandClock):
            await asyncio.sleep(seconds)
            return
        await self.quiet()
        while (left := end - clock.now().timestamp()) >= TICK:
            due = clock.next_due()
            ahead = left if due is None else due.timestamp() - clock.now().timestamp()
            clock.advance(max(0.0, min(left, ahead)))
            await self.quiet()

    async def leap(self, seconds: float) -> None:
        """Let much time pass at once, as over a night: everybody who slept wakes at its end."""
        await self.quiet()
        if isinstance(self.clock, HandClock):
            self.clock.advance(seconds)
        await self.quiet()

    async def pass_unheard(self, seconds: int) -> None:
        """Let time pass although somebody waits in vain, for an answer that will not come soon."""
        for _ in range(seconds):
            for _ in range(UNHEARD_LOOKS):
                await asyncio.sleep(LOOK_AGAIN)
            if isinstance(self.clock, HandClock):
                self.clock.advance(STEP)

    async def _step(self) -> None:
        if not isinstance(self.clock, HandClock):
            await asyncio.sleep(LOOK_LATER)
            return
        due = self.clock.next_due()
        ahead = STEP if due is None else (due - self.clock.now()).total_seconds()
        self.clock.advance(min(STEP, max(0.0, ahead)))

    async def _at_rest(self, done: Callable[[], Any], *, alive: bool) -> bool:
        """True when nothing has been under way for a few looks; False when `done()` came first."""
        looks = 0
        while looks < QUIET_LOOKS:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if done():
                return False
            looks = 0 if self._under_way(alive=alive) else looks + 1
            if looks == 0:
                await asyncio.sleep(LOOK_AGAIN)
        return True

    def _under_way(self, *, alive: bool) -> bool:
        bot = self.bot
        if self.restarting:
            return True
        if alive and bot is not None and not bot.worker.resting:
            return True
        return self.slack.busy > self.slack.waiting or self.kube.busy > 0


@asynccontextmanager
async def world(  # noqa: PLR0913 - each has a default that fits most
    directory: Path,
    *,
    clock: Clock | None = None,
    config: Mapping[str, Any] | None = None,
    socket_mode: bool = True,
    seed: int = 0,
    kube_port: int = 0,
    lent_redis: str | None = None,
    slack_ahead: float = 0.0,
    kube_ahead: float = 0.0,
) -> AsyncIterator[World]:
    """A world without people, VMs and bot yet; everything is closed at the end.

    `lent_redis` is the address of a Redis that runs already and may be emptied: for worlds that come
    one after the other and do not stop or configure it. Left out, the world starts one of its own.
    `slack_ahead`, `kube_ahead`: so many seconds the clock of that side is ahead of the others'.
    """
    clock = clock or HandClock()
    if isinstance(clock, HandClock):
        asyncio.get_running_loop().set_default_executor(NoThreads())
    slacks = WrongClock(clock, slack_ahead) if slack_ahead else clock
    kubes = WrongClock(clock, kube_ahead) if kube_ahead else clock
    slack, kube, redis = SlackSim(slacks, seed=seed), KubeSim(kubes, seed=seed), EmbeddedRedis()
    await slack.start()
    await kube.start(kube_port)
    made = World(
        clock=clock,
        slack=slack,
        kube=kube,
        redis=redis,
        redis_url=await (_emptied(lent_redis) if lent_redis else redis.start(directory / "redis")),
        directory=directory,
        config=config or {},
        socket_mode=socket_mode,
    )
    try:
        yield made
    finally:
        await made.stop_bot()
        await slack.stop()
        await kube.stop()
        await redis.stop()


async def _emptied(url: str) -> str:
    """A Redis as good as new: it knows no key and no script."""
    async with connect(url) as client:
        await client.flushall()
        await client.script_flush()
    return url
