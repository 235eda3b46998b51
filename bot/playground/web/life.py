"""The life of the playground's bot: it is started, killed without a word, and started again.

The kill is one within the process: the bot's connections are cut, so that nothing of it gets out any
more, and what is left of it is taken apart afterwards, unheard. The next bot knows only what Redis,
Slack and the cluster know.
"""

import asyncio

from bot import app as house
from bot.app import App
from bot.cancelling import cancelled
from bot.playground.slack import NotPossible
from bot.playground.web.cable import Cable
from bot.playground.world import World
from bot.settings import Settings, build

RUNNING, STARTING, STOPPED = "running", "starting", "stopped"
END_SECONDS = 10.0


class Life:
    """Starts and kills the bot of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._slack, self._api = world.slack.root, world.kube.url
        self._cable: Cable | None = None
        self._starting: asyncio.Task[None] | None = None
        self._burials: set[asyncio.Task[None]] = set()
        self.kills = 0

    @property
    def state(self) -> str:
        """How it is."""
        if self._world.bot is not None:
            return RUNNING
        return STARTING if self._starting is not None else STOPPED

    def begin(self) -> asyncio.Task[None]:
        """Start a bot; it may have to wait for what is away."""
        if self.state != STOPPED:
            raise NotPossible(f"the bot is {self.state} already")
        self._starting = asyncio.create_task(self._start())
        return self._starting

    def kill(self) -> None:
        """SIGKILL: not a word more from it."""
        if self.state == STOPPED:
            raise NotPossible("there is no bot that could be killed")
        self.kills += 1
        self._fell()

    async def end(self) -> None:
        """No bot any more, and nothing left of any."""
        if self.state != STOPPED:
            self._fell()
        await asyncio.gather(*self._burials, return_exceptions=True)

    def _fell(self) -> None:
        cable, self._cable = self._cable, None
        starting, self._starting = self._starting, None
        bot, self._world.bot = self._world.bot, None
        if cable is not None:
            cable.cut()
        burial = asyncio.create_task(_bury(cable, starting, bot))
        self._burials.add(burial)
        burial.add_done_callback(self._burials.discard)

    async def _start(self) -> None:
        self._cable = cable = Cable()
        await cable.open(self._slack, self._api, self._world.redis_url)
        self._world.slack.reached_at(cable.slack)
        try:
            bot = await house.start(self._settings(cable), self._world.clock)
        finally:
            if self._cable is cable:
                self._starting = None
        self._world.bot = bot

    def _settings(self, cable: Cable) -> Settings:
        path = self._world.directory / "kubeconfig-bot"
        self._world.kube.kubeconfig(path, at=cable.cluster)
        environment = self._world.environment() | {
            "REDIS_URL": cable.store,
            "KUBECONFIG": str(path),
        }
        return build(environment, self._world.tree())


async def _bury(cable: Cable | None, starting: asyncio.Task[None] | None, bot: App | None) -> None:
    """Take apart what the dead bot has held in this process."""
    if starting is not None:
        await cancelled({starting}, within=END_SECONDS)
    if bot is not None:
        await bot.worker.drain(0, grace=0)
        await bot.stop()
    if cable is not None:
        await cable.close()
