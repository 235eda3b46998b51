"""Signed HTTP delivery, to a real Bolt app behind aiohttp and to servers that misbehave."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.signature import SignatureVerifier

from bot.playground.clock import HandClock
from bot.playground.slack import Person, SlackSim
from bot.playground.slack.http_transport import signature
from bot.playground.slack.workspace import Channel
from tests.playground.slack.kit import quiet, until

Json = dict[str, Any]
Serve = Callable[[web.Application], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []

    async def served(app: web.Application) -> str:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"

    yield served
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def http_app(sim: SlackSim, bolt: AsyncApp, serve: Serve) -> AsyncApp:
    sim.use_http(await serve(bolt.web_app(path="/slack/events")))
    sim.http.stamp = time.time  # Bolt goes by the clock of the wall
    return bolt


def test_signatures_are_slacks() -> None:
    """The example of Slack's own documentation."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015."
        b"47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    made = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)
    assert made == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


@pytest.mark.usefixtures("http_app")
async def test_the_handshake(sim: SlackSim) -> None:
    assert await sim.verify_url()


async def test_events_commands_and_clicks_reach_bolt(
    sim: SlackSim, http_app: AsyncApp, alice: Person, channel: Channel, heard: list[Json]
) -> None:
    @http_app.command("/vm-restore")
    async def command(ack: AsyncAck) -> None:
        await ack({"text": "got it", "response_type": "ephemeral"})

    @http_app.shortcut("vm_restore_global")
    async def shortcut(ack: AsyncAck) -> None:
        await ack()

    await alice.say(channel, f"{sim.mention} hi")
    await quiet(sim)
    assert {body["event"]["type"] for body in heard} == {"message", "app_mention"}
    result = await (await alice.slash(channel, "/vm-restore db-1 & x")).settled()
    assert (result.status, result.text) == ("ok", "got it")
    assert heard[-1]["text"] == "db-1 &amp; x"
    clicked = await (await alice.shortcut("vm_restore_global")).settled()
    assert clicked.status == "ok"


async def test_bolt_loses_a_command_with_payload_in_it(
    http_app: AsyncApp, alice: Person, channel: Channel
) -> None:
    """Bolt 1.30 takes a form for an interaction when it holds the word: a trap to know."""

    @http_app.command("/vm-restore")
    async def command(ack: AsyncAck) -> None:
        await ack()

    result = await (await alice.slash(channel, "/vm-restore payload-db snap-1")).settled()
    assert result.status == "dispatch_failed"


async def test_an_old_signature_is_refused(
    sim: SlackSim, http_app: AsyncApp, alice: Person, channel: Channel
) -> None:
    @http_app.command("/vm-restore")
    async def command(ack: AsyncAck) -> None:
        await ack()

    sim.http.stamp = lambda: time.time() - 301
    result = await (await alice.slash(channel, "/vm-restore x")).settled()
    assert result.status == "dispatch_failed"
    assert result.request is not None
    assert result.request.outcome is not None
    assert result.request.outcome.status == 401


async def test_failures_are_retried_with_their_reason(
    sim: SlackSim, clock: HandClock, serve: Serve, alice: Person
) -> None:
    seen: list[tuple[str | None, str | None]] = []
    verifier = SignatureVerifier(sim.signing_secret)

    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        assert verifier.is_valid_request(body, dict(request.headers))
        headers = request.headers
        seen.append((headers.get("x-slack-retry-num"), headers.get("x-slack-retry-reason")))
        return web.Response(status=500 if len(seen) < 3 else 204)

    server = web.Application()
    server.router.add_post("/slack/events", receive)
    sim.use_http(await serve(server))
    sim.http.stamp = time.time
    await alice.say(sim.dm(alice), "hi")
    for pause in (0.5, 60):
        await until(lambda: sim.waiting == 1, "the pause")
        clock.advance(pause)
    await until(lambda: sim.busy == 0, "quiet")
    assert seen == [(None, None), ("1", "http_error"), ("2", "http_error")]


async def test_the_app_can_forbid_retries(sim: SlackSim, serve: Serve, alice: Person) -> None:
    async def receive(_request: web.Request) -> web.Response:
        return web.Response(status=500, headers={"x-slack-no-retry": "1"})

    server = web.Application()
    server.router.add_post("/slack/events", receive)
    sim.use_http(await serve(server))
    sim.http.stamp = time.time
    await alice.say(sim.dm(alice), "hi")
    await until(lambda: sim.busy == 0, "quiet")
    assert len(sim.sent) == 1


async def test_nobody_listens(sim: SlackSim, alice: Person, channel: Channel) -> None:
    sim.use_http("http://127.0.0.1:9/slack/events")
    await alice.say(channel, "hi")
    await until(lambda: sim.waiting == 1, "the pause")
    result = await (await alice.slash(channel, "/vm-restore x")).settled()
    assert result.status == "dispatch_failed"


async def test_sockets_are_switched_off(sim: SlackSim, http_app: AsyncApp, alice: Person) -> None:
    answer = await http_app.client.apps_connections_open(app_token=sim.app_token)
    assert answer["ok"]
    assert sim.connections == 0
    await alice.say(sim.dm(alice), "hi")
    await until(lambda: sim.busy == 0, "quiet")
