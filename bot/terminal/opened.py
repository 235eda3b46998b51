"""The store of an installation, for a command: also while the bot runs, and beside its own server."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.clock import Clock, SharedClock
from bot.errors import Misconfigured
from bot.parts import keeping, store_url
from bot.settings import Settings
from bot.store import EmbeddedRedis, Store, connect
from bot.store.clusters import workspaces
from bot.store.connection import Client


@asynccontextmanager
async def client_of(settings: Settings) -> AsyncIterator[Client]:
    """A client of the store that the settings name.

    Without `REDIS_URL` it is the server that a running bot keeps in its data directory, or else one that is
    started for the time of the command.
    """
    async with AsyncExitStack() as stack:
        address = None
        if settings.environment.redis_url is None:
            address = await EmbeddedRedis.running(settings.store.data_dir)
        if address is None:
            address = await store_url(settings, stack)
        yield await stack.enter_async_context(connect(address))


@asynccontextmanager
async def store_of(settings: Settings, team: str) -> AsyncIterator[tuple[Store, Clock]]:
    """The store of one Slack workspace and the clock that its replicas go by.

    `team` is the id of the workspace (T…); "" is enough if the store knows one. Raises Misconfigured if
    it knows none or several, and StoreUnavailable.
    """
    async with client_of(settings) as client:
        clock = SharedClock(Clock())
        name = team or await _only_team(client, settings.installation)
        store = Store(
            client,
            name,
            clock,
            installation=settings.installation,
            keeping=keeping(settings),
        )
        await store.queue.learn_the_time()
        yield store, clock


async def _only_team(client: Client, installation: str) -> str:
    known = await workspaces(client, installation)
    if not known:
        raise Misconfigured(
            f'installation "{installation}": this Redis knows no Slack workspace of it; '
            "check REDIS_URL and `installation`, or say --team T…"
        )
    if len(known) > 1:
        raise Misconfigured(
            f"several Slack workspaces are known: choose by --team {'|'.join(known)}"
        )
    return known[0]
