"""Real processes that start while something is away or refused: alive, not ready, ended at once.

Ready means that Slack's events can arrive and that answers can go out. Nothing here has a limit in
seconds that a busy machine could miss: limits are for what never comes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.clock import Clock
from bot.playground.stage import Stage, set_stage
from bot.playground.world import world
from tests.tools.fleet import LOOK_AGAIN, Fleet, Replica, until

LONG = 60.0
NOWHERE = "http://127.0.0.1:1/api/"
A_RESOLVER_THAT_HANGS = """
import socket, time
socket.getaddrinfo = lambda *_, **__: time.sleep(3600)
"""


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """No replica yet; the world's clock is the machine's."""
    async with world(tmp_path, clock=Clock()) as made, Fleet(made) as one:
        yield one


@pytest.fixture
async def stage(fleet: Fleet) -> Stage:
    """Alice and Bob in a channel."""
    return await set_stage(fleet.world)


async def says(replica: Replica, part: str, words: str) -> None:
    """Wait until /readyz names this part with these words."""
    await eventually(replica, lambda trouble: words in trouble.get(part, ""), f"{part}: {words}")


async def is_ready(replica: Replica) -> None:
    """Wait until /readyz says so."""
    await eventually(replica, lambda trouble: trouble == {}, "ready")


async def eventually(replica: Replica, wanted: Callable[[dict[str, str]], bool], what: str) -> None:
    """Look at /readyz until it says what is wanted."""
    await until(lambda: replica.port() is not None, f"it listens: {what}", within=LONG)
    now = asyncio.get_running_loop().time
    end = now() + LONG
    while not wanted(found := await replica.not_ready()):
        if now() > end:
            raise AssertionError(f"{what}: {found}\n{replica.output.read_text()}")
        await asyncio.sleep(LOOK_AGAIN)


async def ends(replica: Replica) -> None:
    """SIGTERM ends it in order, and soon."""
    replica.terminate()
    assert await replica.exited() == 0, replica.output.read_text()
    assert "Traceback" not in replica.output.read_text()


Away = Callable[[Fleet], Awaitable[Replica]]


async def wrong_app_token(fleet: Fleet) -> Replica:
    """Slack refuses to open a socket."""
    replica = fleet.begin(SLACK_APP_TOKEN="xapp-1-A0WRONG-1-s3cret")
    await says(replica, "slack", "SLACK_APP_TOKEN: Slack refuses it (invalid_auth)")
    assert "s3cret" not in replica.output.read_text()
    return replica


async def no_way_to_slack(fleet: Fleet) -> Replica:
    """No way out of the pod."""
    replica = fleet.begin(SLACK_API_URL=NOWHERE)
    await says(replica, "slack", "Slack cannot be reached (auth.test): Connection refused")
    return replica


async def no_answer_from_slack(fleet: Fleet) -> Replica:
    """A connection, and nothing on it."""
    fleet.world.slack.faults.delay("auth.test", 3600, times=100)
    replica = fleet.begin()
    await says(replica, "slack", "is awaited")
    return replica


async def no_hello(fleet: Fleet) -> Replica:
    """Slack gives an address, and nobody says hello there."""
    fleet.world.slack.faults.silent_sockets = True
    replica = fleet.begin()
    await until(lambda: "apps.connections.open" in methods(fleet), "it asks", within=LONG)
    await says(replica, "slack", "is awaited")
    return replica


async def no_store(fleet: Fleet) -> Replica:
    """Redis is away."""
    await fleet.world.redis.stop()
    replica = fleet.begin()
    await says(replica, "store", "Redis cannot be reached")
    return replica


async def no_names(fleet: Fleet) -> Replica:
    """The look-up of Slack's name never ends."""
    (fleet.world.directory / "sitecustomize.py").write_text(A_RESOLVER_THAT_HANGS)
    replica = fleet.begin(
        SLACK_API_URL="https://slack.invalid/api/", PYTHONPATH=str(fleet.world.directory)
    )
    await says(replica, "slack", "Slack")
    return replica


def methods(fleet: Fleet) -> set[str]:
    """The Web API methods that were called so far."""
    return {call.method for call in fleet.world.slack.log}


@pytest.mark.parametrize(
    "away",
    [wrong_app_token, no_way_to_slack, no_answer_from_slack, no_hello, no_store, no_names],
)
async def test_a_start_that_waits(fleet: Fleet, away: Away) -> None:
    """It lives, says what it waits for, is not ready, and ends when it is told to."""
    replica = await away(fleet)
    assert await replica.alive()
    assert replica.heard("ready") == []
    await ends(replica)


async def test_slack_comes(fleet: Fleet) -> None:
    """The bot starts before there is a way to Slack, and is ready when there is."""
    port = int(fleet.world.slack.root.rpartition(":")[2])
    await fleet.world.slack.stop()
    replica = fleet.begin()
    await says(replica, "slack", "cannot be reached")
    await fleet.world.slack.start(port)
    await is_ready(replica)
    waited = replica.heard("the start waits")
    assert {(line["part"], line["level"]) for line in waited} == {("slack", "warning")}
    await ends(replica)


async def test_the_store_comes(fleet: Fleet) -> None:
    """The same with Redis."""
    replica = await no_store(fleet)
    await fleet.world.redis.start(fleet.world.directory / "redis")
    await is_ready(replica)
    await ends(replica)


async def test_a_revoked_token_is_noticed(fleet: Fleet, stage: Stage) -> None:
    """Answers cannot go out any more: not ready, and in the log, until they can."""
    (replica,) = await fleet.start()
    await is_ready(replica)
    fleet.world.slack.faults.forbid("*", "token_revoked")
    await stage.alice.say(stage.channel, f"{fleet.world.slack.mention} help")
    await says(replica, "slack", "Slack refuses the bot's token (token_revoked)")
    assert replica.heard("nothing goes out to Slack")
    fleet.world.slack.faults.clear()
    await is_ready(replica)


@pytest.mark.slow
async def test_a_socket_that_is_lost_for_good(fleet: Fleet) -> None:
    """Somebody revokes the app token: events cannot arrive, until Slack lets the bot in again."""
    (replica,) = await fleet.start()
    await is_ready(replica)
    fleet.world.slack.faults.forbid("apps.connections.open", "token_revoked")
    await fleet.world.slack.disconnect("refresh_requested")
    await says(replica, "slack", "SLACK_APP_TOKEN: Slack refuses it (token_revoked)")
    fleet.world.slack.faults.clear()
    await is_ready(replica)


async def test_a_sound_start_is_quiet(fleet: Fleet) -> None:
    """No warning of a library that an operator could do nothing about, and no secret inherited."""
    replica = fleet.begin(whole=True)
    await is_ready(replica)
    assert "will be unused" not in replica.output.read_text()
    assert [line for line in replica.said() if line["level"] not in ("info", "debug")] == []
    await ends(replica)


async def test_an_organisations_token_is_refused_in_words(fleet: Fleet) -> None:
    """The bot works in one workspace, and says where such a token comes from."""
    fleet.world.slack.workspace.org_wide = True
    replica = fleet.begin()
    assert await replica.exited() == 2
    said = replica.output.read_text()
    assert "SLACK_BOT_TOKEN: is of an app that is installed for a whole organisation" in said
    assert "install the app in that workspace" in said.replace("\n", " ")
