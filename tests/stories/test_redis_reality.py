"""Redis as it is: restarted in the middle of a story, killed, full, and one that may forget.

What the bot knows is in Redis and nowhere else, so every story here ends as if nothing had happened,
or does not go on until Redis is well again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.playground.stage import Stage
from bot.store import connect
from bot.store.connection import Client
from tests.stories import acts
from tests.stories.conftest import SetStage, documents

FULL = "I cannot reach my own store just now (Redis has no memory left)"
PATIENCE = 240.0

Restart = Callable[[Stage], Awaitable[None]]


# --- Restarted ------------------------------------------------------------------------------------


async def stopped(stage: Stage) -> None:
    """Stopped in order, as for an update."""
    await stage.world.redis.stop()


async def killed(stage: Stage) -> None:
    """SIGKILL, as by a node that runs out of memory."""
    process = stage.world.redis._process
    assert process is not None
    process.kill()
    await asyncio.to_thread(process.wait)
    await stage.world.redis.stop()


async def back(stage: Stage) -> None:
    """Started again on the same directory."""
    assert await stage.world.redis.start(stage.world.directory / "redis") == stage.world.redis_url


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of the story at which Redis is restarted: the card that stands there by then."""

    id: str
    card: str


MOMENTS = (
    Moment("the VM is being stopped", "Stopping VM before restore"),
    Moment("asked to confirm", acts.READY),
    Moment("the safety snapshot is taken", "Taking safety snapshot"),
    Moment("restored", acts.RESTORED),
)
RESTORING = Moment("restoring", "Restoring VM from snapshot")


async def play(stage: Stage, at: Moment, restart: Restart) -> None:
    """A restore of a running VM with a safety snapshot, to the end, with one restart of Redis."""

    async def now(*cards: str) -> None:
        for card in cards:
            await stage.card(card, within=PATIENCE)
            if card == at.card:
                await restart(stage)
                # Down for long enough that the bot looks for it in vain more than once.
                await stage.world.pass_time(7)
                await back(stage)

    await acts.ask(stage)
    await now(acts.MUST_STOP)
    await stage.press(acts.MUST_STOP, "Stop and restore")
    await now("Stopping VM before restore", acts.TYPE_IT)
    await stage.reply("pre-upgrade-snapshot")
    await now(acts.READY)
    await acts.press_restore(stage)
    await now("Taking safety snapshot", "Restoring VM from snapshot", acts.RESTORED)
    await stage.press(acts.RESTORED, "Start VM")
    await stage.card("started by", within=PATIENCE)


@pytest.fixture
async def lasting(stage_for: SetStage) -> Stage:
    """A stage whose Redis is the one that the bot itself would start."""
    stage = await stage_for(
        own_redis=True, start=False, running=True, config={"rules": {"protect_by_default": True}}
    )
    await stage.world.redis.stop()
    stage.world.redis._sync = True
    await back(stage)
    await stage.world.start_bot()
    return stage


@pytest.mark.parametrize(
    ("at", "restart"),
    [
        pytest.param(RESTORING, stopped, id="stopped while restoring"),
        *(pytest.param(each, killed, id=f"killed, {each.id}") for each in MOMENTS),
    ],
)
async def test_redis_is_restarted_in_the_middle_of_the_story(
    lasting: Stage, at: Moment, restart: Restart
) -> None:
    """Stopped or killed, and started on its log again: one restore, no card twice, nobody bothered."""
    await play(lasting, at, restart)
    assert acts.sent(lasting) == [
        "update virtualmachines/stop",
        "create virtualmachinesnapshots",
        "create virtualmachinerestores",
        "update virtualmachines/start",
    ]
    assert len(set(lasting.marks())) == len(lasting.marks())
    assert [each for each in lasting.whispers(lasting.alice) if each.author.bot] == []


async def test_a_name_typed_while_redis_is_away_counts_when_it_is_back(lasting: Stage) -> None:
    """Slack keeps what was not acknowledged and brings it again."""
    stage = lasting
    await acts.ask_and_stop(stage)
    await stage.card(acts.TYPE_IT, within=PATIENCE)
    await killed(stage)
    await stage.reply("pre-upgrade-snapshot")
    await stage.world.pass_unheard(20)
    assert stage.shown(acts.READY) is None
    await back(stage)
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED, within=PATIENCE)
    assert len(stage.restores()) == 1


# --- Full -----------------------------------------------------------------------------------------


@asynccontextmanager
async def full(stage: Stage) -> AsyncIterator[Client]:
    """Redis with no memory left, and nothing that it may drop."""
    async with connect(stage.world.redis_url) as client:
        await client.config_set("maxmemory", "1")
        try:
            yield client
        finally:
            await client.config_set("maxmemory", "0")


async def kept(client: Client) -> dict[str, Any]:
    """Everything that is stored, byte for byte."""
    return {key: await client.dump(key) async for key in client.scan_iter(match="*")}


async def test_a_command_that_cannot_be_kept_is_answered_with_what_is_wrong(
    stage_for: SetStage,
) -> None:
    """No request that nobody remembers: the person is told, nothing is written, and asks again."""
    stage = await stage_for(own_redis=True)
    async with full(stage) as client:
        before = await kept(client)
        result = await (await stage.alice.slash(stage.channel, acts.REQUEST)).settled()
        assert (result.status, FULL in str(result.text)) == ("ok", True)
        await stage.world.pass_time(10)
        assert await kept(client) == before
        assert stage.cards() == []
    await acts.ask_and_confirm(stage)
    await stage.card(acts.RESTORED, within=PATIENCE)


async def test_a_click_that_cannot_be_kept_is_answered_and_does_nothing(
    stage_for: SetStage,
) -> None:
    """The most dangerous one: the confirmation. It counts only when it is written down."""
    stage = await stage_for(own_redis=True)
    await acts.to_the_button(stage)
    await stage.world.quiet()
    before = await documents(stage.world)
    async with full(stage):
        click = await (await stage.press(acts.READY, "Restore VM now")).settled()
        assert click.status == "ok"
        assert FULL in stage.read(await stage.whispered(FULL))
        await stage.world.pass_time(60)
        assert await documents(stage.world) == before
        assert acts.changes(stage) == []
    await stage.world.pass_time(60)
    assert acts.changes(stage) == [], "a click that was refused must not come to life later"
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED, within=PATIENCE)
    assert len(stage.restores()) == 1


async def test_a_name_typed_while_redis_is_full_counts_when_there_is_memory(
    stage_for: SetStage,
) -> None:
    stage = await stage_for(own_redis=True)
    await acts.to_the_warning(stage)
    async with full(stage):
        await stage.reply("pre-upgrade-snapshot")
        await stage.world.pass_unheard(30)
        assert stage.shown(acts.READY) is None
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED, within=PATIENCE)


async def test_a_picker_works_while_redis_is_full(stage_for: SetStage) -> None:
    """Looking names up only reads."""
    stage = await stage_for(own_redis=True)
    await acts.ask(stage, "/vm-restore database-01 in production")
    question = await stage.card("Which snapshot")
    async with full(stage):
        offered = await stage.alice.options(question, "vmr:pick-snapshot", "pre")
        assert [each.value for each in offered] == ["pre-upgrade-snapshot"]


@pytest.mark.parametrize("running", [False, True], ids=["restoring", "stopping"])
async def test_redis_is_full_while_the_cluster_works(stage_for: SetStage, running: bool) -> None:
    """What was sent to the cluster goes on there; the thread follows when there is memory again."""
    stage = await stage_for(own_redis=True, running=running)
    stage.world.kube.knobs.own_class("standard").bind = 20
    await acts.ask(stage)
    if running:
        await stage.press(acts.MUST_STOP, "Stop and restore")
        await stage.card("Stopping VM before restore")
    else:
        await acts.confirm(stage)
        await stage.card("Restoring VM from snapshot")
    await stage.world.quiet()
    async with full(stage):
        cards = [stage.read(each) for each in stage.cards()]
        await stage.world.pass_time(120)
        assert [stage.read(each) for each in stage.cards()] == cards
    if running:
        await acts.confirm(stage)
    await stage.card(acts.RESTORED, within=PATIENCE)
    assert len(stage.restores()) == 1
    assert len(set(stage.marks())) == len(stage.marks())


@pytest.mark.parametrize("crossing", [1, 2, 3, 5, 7])
async def test_redis_fills_up_at_any_moment_after_the_click(
    stage_for: SetStage, crossing: int
) -> None:
    """The click is kept, and then, some commands later, nothing more is: no second restore."""
    stage = await stage_for(own_redis=True)
    await acts.to_the_button(stage)
    await stage.world.quiet()
    async with full_after(stage, crossing):
        await acts.press_restore(stage)
        await stage.world.pass_time(60)
    if stage.shown(acts.READY) and not stage.shown("Confirmed by"):
        await acts.press_restore(stage)
    await stage.card(acts.RESTORED, within=PATIENCE)
    assert len(stage.restores()) == 1


@asynccontextmanager
async def full_after(stage: Stage, commands: int) -> AsyncIterator[None]:
    """Redis that takes so many more scripts of the bot's and is full then."""
    bot = stage.world.bot
    assert bot is not None
    scripts, left = bot.store._scripts, commands
    run = scripts.run
    async with connect(stage.world.redis_url) as client:

        async def counted(name: str, keys: Mapping[str, str], **arguments: str | int) -> Any:
            nonlocal left
            if left == 0:
                await client.config_set("maxmemory", "1")
            left -= 1
            return await run(name, keys, **arguments)

        scripts.run = counted  # type: ignore[method-assign] # the far side turns at a chosen moment
        try:
            yield
        finally:
            scripts.run = run  # type: ignore[method-assign] # as it was
            await client.config_set("maxmemory", "0")


# --- One that may forget --------------------------------------------------------------------------


async def warnings_at_start(stage: Stage) -> list[tuple[str, str]]:
    """What the log of a starting bot says of Redis."""
    with capture_logs() as logs:
        await stage.world.start_bot()
    return [
        (str(each["what"]), str(each["fix"]))
        for each in logs
        if each["event"] == "the store may lose restores" and each["log_level"] == "warning"
    ]


async def test_the_log_of_a_starting_bot_warns_of_a_redis_that_may_forget(
    stage_for: SetStage,
) -> None:
    stage = await stage_for(own_redis=True, start=False)
    async with connect(stage.world.redis_url) as client:
        await client.config_set("appendonly", "no")
        await client.config_set("maxmemory", "100mb")
        await client.config_set("maxmemory-policy", "volatile-lru")
    disk, memory = await warnings_at_start(stage)
    assert "keeps nothing on disk" in disk[0]
    assert "appendonly yes" in disk[1]
    assert "may drop keys" in memory[0]
    assert "noeviction" in memory[1]


async def test_a_redis_that_keeps_everything_is_no_reason_to_warn(stage_for: SetStage) -> None:
    assert await warnings_at_start(await stage_for(own_redis=True, start=False)) == []


async def test_the_bots_own_server_writes_before_it_answers(stage_for: SetStage) -> None:
    """Without REDIS_URL: then not even a kill of that server loses anything."""
    stage = await stage_for(own_redis=True, start=False)
    world, url = stage.world, stage.world.redis_url
    world.redis_url = ""
    world.config = {**world.config, "store": {"data_dir": str(world.directory / "own")}}
    assert await warnings_at_start(stage) == []
    async with connect(f"unix://{world.directory}/own/store.sock") as client:
        assert (await client.config_get("appendfsync"))["appendfsync"] == "always"
    await world.stop_bot()
    world.redis_url = url


async def test_a_redis_that_tells_nothing_does_not_keep_the_bot_from_starting(
    stage_for: SetStage,
) -> None:
    """A managed one often forbids CONFIG; `check` says that it is unknown."""
    stage = await stage_for(own_redis=True, start=False)
    async with connect(stage.world.redis_url) as client:
        rights = ("~*", "&*", "+@all", "-config", "-info")
        await client.execute_command("ACL", "SETUSER", "bot", "on", ">pw", *rights)
    stage.world.redis_url = stage.world.redis_url.replace("unix://", "unix://bot:pw@")
    assert await warnings_at_start(stage) == []
    await acts.ask_and_confirm(stage)
    await stage.card(acts.RESTORED, within=PATIENCE)
