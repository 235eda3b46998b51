"""SIGTERM, seen from inside: what is under way ends, what comes is kept, no lease is left behind.

"At once" means here: long before a lease of 25 seconds could run out, by the world's clock.
"""

import asyncio
from collections.abc import Callable, Mapping

import aiohttp
import pytest

from bot import app as house
from bot.app import App
from bot.playground.clock import HandClock
from bot.playground.kubevirt.faults import Rule, SlowAnswer
from bot.playground.slack.interactions import ClickResult
from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage
from tests.replicas.conftest import OnIce
from tests.stories import acts
from tests.tools.fleet import until
from tests.tools.wires import Wires

AT_ONCE = 2.0
"""Seconds of the world."""


async def leaving(stage: Stage) -> tuple[App, "asyncio.Task[bool]"]:
    """The bot is told to stop, and has begun to."""
    bot = stage.world.bot
    assert bot is not None
    stage.world.bot = None
    stopping = asyncio.create_task(bot.stop())
    await asyncio.sleep(0)
    return bot, stopping


async def hang(stage: Stage) -> Rule:
    """The bot hangs in the last look before the act; its lease would last for 25 seconds."""
    await acts.to_the_button(stage)
    await stage.world.quiet()
    rule = Rule(SlowAnswer(5), verb="get", resource="virtualmachineinstances")
    stage.world.kube.faults.add(rule)
    await acts.press_restore(stage)
    await until(lambda: rule not in stage.world.kube.faults.rules, "it looks")
    return rule


def answer(stage: Stage) -> None:
    """Let the look have its answer."""
    assert isinstance(stage.world.clock, HandClock)
    stage.world.clock.advance(5)


async def restored_at_once(stage: Stage) -> None:
    """The next bot carries on, and needs no lease to run out for it."""
    await stage.world.start_bot()
    await stage.until(stage.restores, "the restore", within=AT_ONCE)
    await stage.card(acts.RESTORED)
    assert len(stage.restores()) == 1


def told(stage: Stage) -> list[Message]:
    """What the bot told Bob alone."""
    bot = stage.world.slack.bot_user_id
    return [each for each in stage.whispers(stage.bob) if each.user == bot]


def moment(crossings: list[str], *, since: str, what: str) -> Callable[[str], bool]:
    """The first crossing that is called so after another one."""

    def chosen(crossing: str) -> bool:
        return crossing == what and any(each == since for each in crossings[:-1])

    return chosen


async def test_a_round_under_way_ends(on_ice: OnIce) -> None:
    """What can end in time does: the act, its commit and the card; and nothing is left behind."""
    stage, _ = await on_ice()
    await hang(stage)
    bot, stopping = await leaving(stage)
    assert "bot" in await bot.not_ready()
    answer(stage)
    await stopping
    assert len(stage.restores()) == 1
    assert stage.shown("Restoring VM from snapshot")
    await restored_at_once(stage)


async def test_what_cannot_end_is_handed_over(
    on_ice: OnIce, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round that is out of patience stops before its next step, and another bot has it at once."""
    monkeypatch.setattr(house, "PATIENCE", 0)
    stage, ice = await on_ice()
    await hang(stage)
    ice.crossings.clear()
    bot, stopping = await leaving(stage)
    await until(lambda: bot.worker._hurried, "it is out of patience")
    answer(stage)
    await stopping
    assert stage.restores() == []
    assert not any("/api/chat" in each for each in ice.crossings)
    await restored_at_once(stage)


def test_all_that_a_bot_waits_for_at_its_end_is_less_than_a_pod_is_given(
    own_limits: Mapping[str, float],
) -> None:
    receiver = "slack.inbound.socket_receiver.LAST_WORDS"
    waits = ("app.PATIENCE", "app.GRACE", "app.LAST_WORDS", receiver)
    own = own_limits["bot.app.STOP_SECONDS"]
    assert sum(own_limits[f"bot.{each}"] for each in waits) < own
    cut_off = own_limits["bot.cancelling.CUT_OFF_SECONDS"]
    assert house.LINGER + own + cut_off < house.DEADLINE < 30


async def test_a_delivery_that_comes_while_draining_is_handed_over(on_ice: OnIce) -> None:
    """It is acknowledged and kept; the next bot deals with it at once."""
    stage, _ = await on_ice()
    await hang(stage)
    _, stopping = await leaving(stage)
    said = await stage.bob.slash(stage.channel, "/vm-restore help")
    await said.settled()
    assert said.status == "ok"
    answer(stage)
    await stopping
    assert told(stage) == []
    await stage.world.start_bot()
    await stage.until(lambda: told(stage), "the answer", within=AT_ONCE)
    await stage.world.quiet()
    assert len(told(stage)) == 1


async def test_leases_on_their_way_are_not_lost(on_ice: OnIce) -> None:
    """Told to stop while the queue is asked: what comes back is worked on, or given back."""
    stage, ice = await on_ice()
    await acts.to_the_button(stage)
    await stage.world.quiet()
    ice.freeze(moment(ice.crossings, since="redis: complete_delivery", what="redis: lease"))
    await acts.press_restore(stage)
    await until(ice.frozen.is_set, "the restore is leased")
    _, stopping = await leaving(stage)
    # It has to wait for the answer. Should it not, this is the time in which it would be gone.
    await asyncio.wait({stopping}, timeout=0.3)
    ice.thaw()
    await stopping
    await restored_at_once(stage)


async def clicked(stage: Stage, ice: Wires) -> ClickResult:
    """A click that is kept, but not acknowledged yet."""
    await acts.to_the_button(stage)
    await stage.world.quiet()
    ice.freeze(lambda crossing: crossing == "redis: enqueue_delivery")
    pressed = await stage.press(acts.READY, "Restore VM now")
    await until(ice.frozen.is_set, "the click is kept")
    return pressed


@pytest.mark.parametrize("socket_mode", [True, False], ids=["socket", "http"])
async def test_a_click_is_acknowledged_before_the_door_is_closed(
    on_ice: OnIce, *, socket_mode: bool
) -> None:
    """The person does not see an error for a click that is kept."""
    stage, ice = await on_ice(socket_mode=socket_mode)
    pressed = await clicked(stage, ice)
    bot, stopping = await leaving(stage)
    await until(lambda: not bot.worker._running(), "the ways in are being closed")
    ice.thaw()
    await stopping
    await pressed.settled()
    assert pressed.status == "ok"
    await restored_at_once(stage)


async def test_not_ready_but_alive_while_draining(on_ice: OnIce) -> None:
    """A pod that leaves gets no traffic, and is not restarted for it."""
    stage, _ = await on_ice()
    bot = stage.world.bot
    assert bot is not None
    bot.withdraw()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{bot.port}") as session:
        async with session.get("/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["bot"] == "is stopping"
        async with session.get("/healthz") as answer:
            assert answer.status == 200
