"""What comes in the place of Slack's answers: pages, text, nothing, lies. Each way meets it once."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from bot.playground.slack.faults import Faults
from tests.stories import acts
from tests.stories.conftest import SetStage

WAYS = (
    "auth.test",
    "apps.connections.open",
    "response_url",
    "users.info",
    "conversations.info",
    "chat.postMessage",
    "chat.update",
)
PAGE = "<!DOCTYPE html><title>Sign in</title>"
TOO_FAST = '{"ok":false,"error":"ratelimited"}'
LONG_AGO = "Wed, 18 Feb 2015 23:59:59 GMT"

Odd = Callable[[Faults, str], None]


def comes(body: str | None, **more: object) -> Odd:
    """This body comes once, instead of the answer of any way."""
    return partial(_comes, body=body, more=more)


def _comes(faults: Faults, way: str, *, body: str | None, more: dict[str, object]) -> None:
    faults.instead(way, body, **more)  # type: ignore[arg-type] # as they are written below


ODD: dict[str, Odd] = {
    "a page of a firewall": comes(PAGE, status=403, kind="text/html"),
    "a proxy wants a password": comes("", status=407),
    "a portal": comes("", status=302, Location="https://portal.example.com/"),
    "a page in the place of what was done": comes(PAGE, applied=True),
    "nothing in the place of what was done": comes("", applied=True),
    "null in the place of what was not done": comes("null"),
    "the answer, labelled as text": comes(None, kind="text/plain"),
    "a 200 that is too fast": comes(TOO_FAST),
    "a 429 that is long over": comes(TOO_FAST, status=429, Retry_After=LONG_AGO),
    "a 429 without a time, as a page": comes(PAGE, status=429, kind="text/html", Retry_After=""),
    "a yes that is none": lambda faults, way: faults.lie(way, ok="true"),
    "a yes with nothing in it": comes('{"ok":true}', applied=True),
}


@pytest.mark.parametrize("odd", ODD)
async def test_every_way_meets_it_once(stage_for: SetStage, odd: str) -> None:
    """The start waits, each answer comes, each card stands once, and nobody reads of a fault."""
    stage = await stage_for(start=False)
    world, faults = stage.world, stage.world.slack.faults
    for way in WAYS:
        ODD[odd](faults, way)
    starting = asyncio.create_task(world.start_bot())
    while not starting.done():
        await world.pass_unheard(1)
    await starting
    await stage.alice.slash(stage.channel, "/vm-restore status")
    await stage.whispered("No restore is under way")
    await acts.ask_and_confirm(stage)
    await stage.card(acts.RESTORED, within=600)
    await world.pass_time(400)
    assert len(set(stage.marks())) == len(stage.marks())
    assert "went wrong" not in stage.transcript(stage.alice)
    assert {each.method for each in world.slack.log} >= set(WAYS)
