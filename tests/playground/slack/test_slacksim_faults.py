"""Faults on Web API methods, as the real client meets them."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.clock import HandClock
from bot.playground.slack import Person, SlackSim
from bot.playground.slack.workspace import Channel
from tests.playground.slack.kit import until


async def status(call: Awaitable[Any]) -> tuple[int, str]:
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response.status_code, caught.value.response["error"]


async def test_rate_limit(sim: SlackSim, client: AsyncWebClient, channel: Channel) -> None:
    sim.faults.rate_limit("chat.postMessage", 30)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=channel.id, text="x")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "30"
    assert sim.log[-1].error == "ratelimited"
    await client.chat_postMessage(channel=channel.id, text="x")
    assert len(channel.messages) == 1


async def test_server_errors_and_refusals(sim: SlackSim, client: AsyncWebClient) -> None:
    sim.faults.fail("auth.test", 503)
    sim.faults.refuse("auth.test", "token_revoked")
    sim.faults.fail("*", 500)
    assert await status(client.auth_test()) == (503, "service_unavailable")
    assert await status(client.auth_test()) == (200, "token_revoked")
    assert await status(client.auth_test()) == (500, "internal_error")
    await client.auth_test()


async def test_a_fault_can_skip_calls_and_hit_several(
    sim: SlackSim, client: AsyncWebClient
) -> None:
    sim.faults.refuse("auth.test", "fatal_error", skip=1, times=2)
    await client.auth_test()
    for _ in range(2):
        assert (await status(client.auth_test()))[1] == "fatal_error"
    await client.auth_test()


async def test_a_connection_can_break_before_or_after_the_call_is_applied(
    sim: SlackSim, client: AsyncWebClient, channel: Channel
) -> None:
    sim.faults.drop_before("chat.postMessage")
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await client.chat_postMessage(channel=channel.id, text="never")
    assert channel.messages == []
    assert sim.log[-1].error == "connection dropped"
    sim.faults.drop_after("chat.postMessage")
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await client.chat_postMessage(channel=channel.id, text="unheard")
    assert [m.text for m in channel.messages] == ["unheard"]
    assert sim.log[-1].ok


async def test_the_default_client_posts_twice_when_an_answer_is_lost(
    sim: SlackSim, channel: Channel
) -> None:
    """Why the bot must not use the client's default retries."""
    default = AsyncWebClient(token=sim.bot_token, base_url=sim.api_url)
    sim.faults.drop_after("chat.postMessage")
    await default.chat_postMessage(channel=channel.id, text="x")
    assert len(channel.messages) == 2


async def test_an_answer_can_be_late(
    sim: SlackSim, client: AsyncWebClient, clock: HandClock
) -> None:
    sim.faults.delay("auth.test", 10)
    call = asyncio.ensure_future(client.auth_test())
    await until(lambda: sim.log, "the call")
    assert not call.done()
    assert (sim.busy, sim.held_back) == (0, 1), "only the clock moves it"
    clock.advance(10)
    assert (await call)["ok"]


async def test_response_urls_fail_too(
    sim: SlackSim, alice: Person, bob: Person, channel: Channel, client: AsyncWebClient
) -> None:
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    blocks = [{"type": "actions", "elements": [button]}]
    await client.chat_postMessage(channel=channel.id, text="x", blocks=blocks)
    await alice.click(channel.messages[-1], "Go")
    url = sim.sent[-1].payload["response_url"]
    sim.faults.fail("response_url", 500)
    sim.faults.drop_after("response_url")
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json={"text": "a"}) as answer:
            assert answer.status == 500
        with pytest.raises(aiohttp.ClientError):
            await session.post(url, json={"text": "b"})
        async with session.post(url, data="no json") as answer:
            assert (await answer.json())["error"] == "invalid_payload"
    assert [m.text for m in alice.sees(channel)] == ["x", "b"]
    assert len(bob.sees(channel)) == 1


async def test_everything_can_be_switched_off(sim: SlackSim, client: AsyncWebClient) -> None:
    sim.faults.twice = True
    sim.faults.fail("auth.test")
    sim.faults.clear()
    assert not sim.faults.twice
    await client.auth_test()
