"""What one restore costs on each wire, and that many at once cost no more watches.

Nothing is estimated: the far sides count. Slack's and the API server's logs hold every request they
were sent; Redis says by MONITOR what each client has sent, and marks what a script did by itself.
Counted is a bot that has been at work before: that a new Redis must be given each script once, and a
new connection its greeting, is no cost of a restore. Everything else is, the idle polls included.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType

import pytest
from redis.asyncio import Redis

from bot.playground.stage import Stage
from bot.request import parse_sentence
from bot.store.scripts import NAMES, read
from tests.stories import acts
from tests.stories.conftest import SetStage
from tests.tools.bench import flight

SLACK_CALLS, REQUESTS, COMMANDS = 16, 25, 60
LAST = "the count ends here"
SCRIPTS = {read(name).sha: name for name in NAMES}
KEPT = 61
"""Seconds after which the bot asks anew who somebody is."""


@dataclass(slots=True)
class Spent:
    """What was sent between the first word and the result."""

    slack: list[str] = field(default_factory=list)
    cluster: list[str] = field(default_factory=list)
    redis: Counter[str] = field(default_factory=Counter)
    scripts: Counter[str] = field(default_factory=Counter)
    """The scripts among the commands to Redis, by name."""


@asynccontextmanager
async def counted(stage: Stage) -> AsyncIterator[Spent]:
    """Count everything that the bot sends in here."""
    world, spent = stage.world, Spent()
    await world.quiet()
    calls, requests = len(world.slack.log), len(world.kube.log)
    async with open_redis(stage) as other, open_redis(stage) as client:
        await other.echo("a greeting, before anything is counted")
        async with client.monitor() as monitor:
            listening = asyncio.create_task(listen(monitor.listen(), spent))
            yield spent
            await world.quiet()
            await other.echo(LAST)
            await listening
    spent.slack = [call.method for call in world.slack.log[calls:]]
    spent.cluster = [
        f"{call.verb} {call.resource} {call.name}"
        for call in world.kube.log[requests:]
        if call.verb != "watch"
    ]


def open_redis(stage: Stage) -> Redis:
    """A client of our own, to count with."""
    return Redis.from_url(stage.world.redis_url, decode_responses=True)


async def listen(heard: AsyncIterator[dict[str, str]], spent: Spent) -> None:
    """Count what clients send; a script's own commands come from no client."""
    async for said in heard:
        command, _, rest = said["command"].partition(" ")
        if LAST in rest:
            return
        if said["client_type"] != "lua":
            spent.redis[command.upper()] += 1
            if command.upper() == "EVALSHA":
                spent.scripts[SCRIPTS[rest.split()[0]]] += 1


def results(stage: Stage) -> list[str]:
    """The result cards in the channel."""
    return [mark for mark in stage.marks() if ":result." in mark]


async def warmed_up(stage: Stage) -> None:
    """A first restore, of another VM, and then a rest."""
    await acts.ask(stage, "/vm-restore web-01 from before-release in production")
    await acts.finish(stage, "before-release")
    await stage.world.pass_time(KEPT)


async def second_restore(stage: Stage) -> None:
    """The restore that is counted: its cards are those with its VM."""
    await acts.ask(stage)
    warning = await stage.card("type `pre-upgrade-snapshot`".capitalize())
    stage.thread = stage.channel.find(warning.root_ts)
    await stage.reply("pre-upgrade-snapshot")
    await stage.press(acts.READY, "Restore VM now")
    await stage.until(lambda: len(results(stage)) == 2, "the second result")


async def test_happy_restore_of_a_stopped_vm(stage_for: SetStage) -> None:
    """Request to result: at most 16 calls to Slack, 25 to the cluster, 60 commands to Redis."""
    stage = await stage_for()
    await warmed_up(stage)
    before = len(stage.restores())
    async with counted(stage) as spent:
        await second_restore(stage)
    assert len(stage.restores()) == before + 1
    assert 10 < len(spent.slack) <= SLACK_CALLS, spent.slack
    assert 10 < len(spent.cluster) <= REQUESTS, spent.cluster
    assert 10 < spent.redis.total() <= COMMANDS, spent.redis


def loads(spent: Spent) -> Counter[str]:
    """How often a stored restore was read outside of a lease, which brings its document."""
    return Counter({name: spent.scripts[name] for name in ("load_thread", "load_many")})


async def test_a_reply_and_a_click_load_the_restore_once(stage_for: SetStage) -> None:
    """Whose answer it is, and what comes of it, is decided on one document."""
    stage = await stage_for()
    await warmed_up(stage)
    await acts.ask(stage)
    warning = await stage.card("type `pre-upgrade-snapshot`".capitalize())
    stage.thread = stage.channel.find(warning.root_ts)
    async with counted(stage) as spent:
        await stage.reply("pre-upgrade-snapshot")
        await stage.card(acts.READY)
    assert loads(spent) == {"load_thread": 1, "load_many": 0}
    async with counted(stage) as spent:
        await stage.press(acts.READY, "Restore VM now")
        await stage.until(lambda: len(results(stage)) == 2, "the second result")
    assert loads(spent) == {"load_thread": 0, "load_many": 1}


@contextmanager
def calls_of(function: CodeType) -> Iterator[list[str]]:
    """Each call of a function in here, wherever it was imported to, by the name of its caller."""
    found: list[str] = []

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is function and frame.f_back is not None:
            found.append(frame.f_back.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        yield found
    finally:
        sys.setprofile(before)


# what is typed into a channel whose plain words are heard -> who parses it
PARSED: dict[str, tuple[str, list[str]]] = {
    "plain words": ("restore database-01 from pre-upgrade-snapshot in production", ["_overheard"]),
    "plain words that ask for nothing": ("is database-01 down for you, too?", ["_overheard"]),
    "a mention": (
        "{bot} restore database-01 from pre-upgrade-snapshot in production",
        ["_request"],
    ),
    "a command": ("{bot} status", ["_request"]),
}
IN_THE_THREAD: dict[str, tuple[str, list[str]]] = {
    "the name": ("pre-upgrade-snapshot", ["_overheard"]),
    "a command where an answer is waited for": ("{bot} status", ["_request"]),
    "an answer that mentions the bot": ("{bot} pre-upgrade-snapshot", ["_request"]),
}


@pytest.mark.parametrize("case", PARSED)
async def test_a_message_is_parsed_once(stage_for: SetStage, case: str) -> None:
    """By the listener, which then stores what it read, or by the dispatcher."""
    stage = await stage_for()
    text, parsed = PARSED[case]
    with calls_of(parse_sentence.__code__) as calls:
        await stage.alice.say(stage.channel, text.format(bot=stage.world.slack.mention))
        await stage.world.quiet()
    assert calls == parsed


@pytest.mark.parametrize("case", IN_THE_THREAD)
async def test_a_reply_is_parsed_once_at_most(stage_for: SetStage, case: str) -> None:
    """The listener parses what is said in the open: it stores the request, and no other words."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    text, parsed = IN_THE_THREAD[case]
    with calls_of(parse_sentence.__code__) as calls:
        await stage.reply(text.format(bot=stage.world.slack.mention))
        await stage.world.quiet()
    assert calls == parsed


async def in_flight(stage: Stage, count: int) -> None:
    """So many VMs in the middle of being restored, each followed in a thread of its own."""
    world = stage.world
    world.slack.limits.enabled = False
    await world.kube.pause_controllers()
    flying = [flight._one(world, stage.alice, number) for number in range(count)]
    await flight._store(world, flying)
    await world.start_bot()
    await world.pass_time(3)
    assert sum(call.method == "chat.postMessage" for call in world.slack.log) == 2 * count


def requests_for(stage: Stage, since: int) -> Counter[str]:
    """What was asked about the restore objects since then, by verb."""
    calls = stage.world.kube.log[since:]
    return Counter(call.verb for call in calls if call.resource == flight.RESTORES)


async def test_two_hundred_in_flight_share_one_watch(stage_for: SetStage) -> None:
    """One watch for all, and no restore is asked about more often than the safety net does."""
    stage = await stage_for(start=False)
    await in_flight(stage, 200)
    assert stage.world.kube.watches.resources == [flight.RESTORES]
    since = len(stage.world.kube.log)
    await stage.world.pass_time(20)
    asked = requests_for(stage, since)
    assert stage.world.kube.watches.resources == [flight.RESTORES]
    assert set(asked) <= {"get", "watch"}
    assert asked["watch"] <= 1
    assert asked["get"] <= 200
