import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.clock import HandClock
from bot.playground.slack import Person, SlackSim
from bot.playground.slack.workspace import Channel
from tests.playground.slack.kit import until

Json = dict[str, Any]
QUIET = logging.getLogger("quiet-bolt")
QUIET.setLevel(logging.CRITICAL + 1)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def sim(clock: HandClock) -> AsyncIterator[SlackSim]:
    slack = SlackSim(clock)
    await slack.start()
    yield slack
    await slack.stop()


@pytest.fixture
def client(sim: SlackSim) -> AsyncWebClient:
    return AsyncWebClient(token=sim.bot_token, base_url=sim.api_url, retry_handlers=[])


@pytest.fixture
def alice(sim: SlackSim) -> Person:
    return sim.person("alice")


@pytest.fixture
def bob(sim: SlackSim) -> Person:
    return sim.person("bob", tz="America/New_York")


@pytest.fixture
def channel(sim: SlackSim, alice: Person, bob: Person) -> Channel:
    return sim.channel("inc-4711", alice, bob)


@pytest.fixture
def heard() -> list[Json]:
    """The bodies that reached the app, in their order."""
    return []


@pytest.fixture
def bolt(sim: SlackSim, client: AsyncWebClient, heard: list[Json]) -> AsyncApp:
    """A real Bolt app, not connected yet. It acks every event."""
    app = AsyncApp(
        client=client,
        signing_secret=sim.signing_secret,
        logger=QUIET,
        ignoring_self_events_enabled=False,
    )

    async def hear(body: Json, next_: Callable[[], Awaitable[None]]) -> None:
        heard.append(body)
        await next_()

    async def nothing() -> None:
        pass

    app.middleware(hear)
    for kind in ("message", "app_mention", "app_home_opened", "member_joined_channel"):
        app.event(kind)(nothing)
    return app


@pytest.fixture
async def handler(sim: SlackSim, bolt: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    """The app's connection over Socket Mode."""
    made = AsyncSocketModeHandler(bolt, sim.app_token, logger=QUIET)
    await made.connect_async()  # type: ignore[no-untyped-call]  # Bolt has no types here
    await until(lambda: sim.connections == 1, "the app's socket")
    yield made
    await made.close_async()  # type: ignore[no-untyped-call]  # as above


@pytest.fixture
def app(bolt: AsyncApp, handler: AsyncSocketModeHandler) -> AsyncApp:  # noqa: ARG001  it must run
    """The Bolt app, connected."""
    return bolt
