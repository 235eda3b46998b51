"""Socket Mode and what happens when nobody acks, driven by the real Bolt."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.clock import HandClock
from bot.playground.slack import Person, SlackSim
from bot.playground.slack.workspace import Channel
from tests.playground.slack.kit import quiet, until
from tests.tools.fleet import PATIENCE

Json = dict[str, Any]


class Socket:
    """A bare socket that acks only when it is told to."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def frame(self) -> Json:
        """The next frame."""
        frame: Json = await self.ws.receive_json(timeout=PATIENCE)
        return frame

    async def ack(self, frame: Json, **payload: Any) -> None:
        """Ack an envelope, perhaps with a payload."""
        body = {"payload": payload} if payload else {}
        await self.ws.send_json({"envelope_id": frame["envelope_id"], **body})


Connect = Callable[[], Awaitable[Socket]]


@pytest.fixture
async def connect(sim: SlackSim, client: AsyncWebClient) -> AsyncIterator[Connect]:
    async with aiohttp.ClientSession() as session:

        async def connected() -> Socket:
            answer = await client.apps_connections_open(app_token=sim.app_token)
            return Socket(await session.ws_connect(answer["url"]))

        yield connected


async def test_hello_counts_the_connections(sim: SlackSim, connect: Connect) -> None:
    first, second = await connect(), await connect()
    assert (await first.frame())["num_connections"] == 1
    hello = await second.frame()
    assert (hello["type"], hello["num_connections"]) == ("hello", 2)
    assert hello["connection_info"] == {"app_id": sim.app_id}
    assert sim.connections == 2


async def test_a_ticket_works_once_and_not_for_ever(
    sim: SlackSim, client: AsyncWebClient, clock: HandClock
) -> None:
    async with aiohttp.ClientSession() as session:
        url = (await client.apps_connections_open(app_token=sim.app_token))["url"]
        await session.ws_connect(url)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
        url = (await client.apps_connections_open(app_token=sim.app_token))["url"]
        clock.advance(31)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_the_eleventh_connection_is_sent_away(sim: SlackSim, connect: Connect) -> None:
    sockets = [await connect() for _ in range(10)]
    for socket in sockets:
        await socket.frame()
    frame = await (await connect()).frame()
    assert (frame["type"], frame["reason"]) == ("disconnect", "too_many_websockets")
    assert sim.connections == 10


async def test_an_event_is_redelivered_until_it_is_acked(
    sim: SlackSim, connect: Connect, clock: HandClock, alice: Person, channel: Channel
) -> None:
    socket = await connect()
    await socket.frame()
    await alice.say(channel, "hi")
    first = await socket.frame()
    assert (first["retry_attempt"], first["retry_reason"]) == (0, "")
    assert (sim.busy, sim.waiting) == (1, 0)
    clock.advance(3)
    await until(lambda: sim.waiting == 1, "the pause before the second try")
    clock.advance(0.5)
    second = await socket.frame()
    assert (second["retry_attempt"], second["retry_reason"]) == (1, "timeout")
    assert second["envelope_id"] != first["envelope_id"]
    assert second["payload"] == first["payload"]
    await socket.ack(second)
    await until(lambda: sim.busy == 0, "quiet")


async def test_an_event_that_nobody_acks_is_lost_after_three_more_tries(
    sim: SlackSim, clock: HandClock, alice: Person, channel: Channel
) -> None:
    await alice.say(channel, "hi")
    for pause in (0.5, 60, 300):
        await until(lambda: sim.waiting == 1, "the pause")
        assert sim.lost == []
        clock.advance(pause)
        await until(lambda: sim.waiting == 0 or sim.busy == 0, "the try")
    await until(lambda: sim.busy == 0, "the end")
    assert [outgoing.payload["event"]["text"] for outgoing in sim.lost] == ["hi"]
    assert len(sim.sent) == 4


async def test_an_ack_counts_only_on_the_connection_of_its_envelope(
    sim: SlackSim, connect: Connect, clock: HandClock, alice: Person, channel: Channel
) -> None:
    first = await connect()
    await first.frame()
    await alice.say(channel, "hi")
    frame = await first.frame()
    second = await connect()
    await second.frame()
    await second.ack(frame)
    await second.ws.send_str("no json")
    await first.ws.close()
    await until(lambda: sim.waiting == 1, "the lost connection")
    assert sim.busy == 1
    clock.advance(3)
    await until(lambda: sim.waiting == 1, "the pause")
    clock.advance(0.5)
    again = await second.frame()
    assert again["retry_attempt"] == 1


async def test_each_event_goes_to_one_connection_by_chance(
    sim: SlackSim, connect: Connect, alice: Person, channel: Channel
) -> None:
    sockets = [await connect() for _ in range(2)]
    for socket in sockets:
        await socket.frame()
    counts: Counter[int] = Counter()
    for number in range(8):
        await alice.say(channel, str(number))

    async def take(index: int) -> None:
        while True:
            frame = await sockets[index].ws.receive_json()
            counts[index] += 1
            await sockets[index].ack(frame)

    taking = [asyncio.create_task(take(index)) for index in range(2)]
    await until(lambda: sim.busy == 0, "quiet")
    for task in taking:
        task.cancel()
    await asyncio.gather(*taking, return_exceptions=True)
    assert sum(counts.values()) == 8
    assert set(counts) == {0, 1}


async def test_disconnect_frames(sim: SlackSim, connect: Connect, clock: HandClock) -> None:
    socket = await connect()
    await socket.frame()
    await sim.disconnect("warning")
    assert (await socket.frame())["reason"] == "warning"
    assert sim.connections == 1
    await sim.disconnect()
    assert (await socket.frame())["reason"] == "refresh_requested"
    assert sim.connections == 1
    await until(clock.next_due, "the ten seconds")
    clock.advance(10)
    assert (await socket.ws.receive()).type is aiohttp.WSMsgType.CLOSE
    await until(lambda: sim.connections == 0, "the end of the socket")


@pytest.mark.usefixtures("app")
async def test_bolt_comes_back_after_a_refresh(
    sim: SlackSim, clock: HandClock, alice: Person, channel: Channel, heard: list[Json]
) -> None:
    await sim.disconnect("refresh_requested")
    # The SDK may open two, since both of its ways to come back race, and drops one of them; what
    # Slack has put into that one is sent again.
    await until(lambda: _opened(sim) >= 2 and sim.connections >= 1, "a new socket")
    await alice.say(channel, "still there?")

    def is_heard() -> bool:
        # A socket that was dropped may look open for as long as the SDK needs to notice; meanwhile
        # the tries go on by the clock, and not all of them before it has.
        clock.advance(0.02)
        return bool(heard)

    await until(is_heard, "the message")


def _opened(sim: SlackSim) -> int:
    return sum(call.method == "apps.connections.open" for call in sim.log)


@pytest.mark.usefixtures("app")
async def test_a_mention_comes_as_two_events_with_one_ts(
    sim: SlackSim, alice: Person, channel: Channel, heard: list[Json]
) -> None:
    message = await alice.say(channel, f"{sim.mention} restore x")
    await quiet(sim)
    assert {body["event"]["type"] for body in heard} == {"message", "app_mention"}
    assert {body["event"]["ts"] for body in heard} == {message.ts}
    assert {body["event"]["client_msg_id"] for body in heard} == {message.client_msg_id}
    assert len({body["event_id"] for body in heard}) == 2


@pytest.mark.usefixtures("app")
async def test_the_order_of_the_two_is_not_fixed(
    sim: SlackSim, alice: Person, channel: Channel, heard: list[Json]
) -> None:
    for _ in range(8):
        await alice.say(channel, sim.mention)
        await quiet(sim)
    firsts = {body["event"]["type"] for body in heard[::2]}
    assert firsts == {"message", "app_mention"}


@pytest.mark.usefixtures("app")
async def test_what_the_bot_does_not_hear(sim: SlackSim, alice: Person, heard: list[Json]) -> None:
    away = sim.channel("away", alice, bot=False)
    await alice.say(away, f"{sim.mention} hello")
    await alice.say(sim.dm(alice), f"{sim.mention} hello")
    await quiet(sim)
    assert [body["event"]["channel_type"] for body in heard] == ["im"]


@pytest.mark.usefixtures("app")
async def test_twice_delivers_everything_twice(
    sim: SlackSim, alice: Person, channel: Channel, heard: list[Json]
) -> None:
    sim.faults.twice = True
    await alice.say(channel, f"{sim.mention} hello")
    await quiet(sim)
    ids = Counter(body["event_id"] for body in heard)
    assert sorted(ids.values()) == [2, 2]
    sim.faults.twice = False
    await alice.say(channel, "once more", twice=True)
    await quiet(sim)
    assert len(heard) == 6
    assert heard[-1] == heard[-2]


@pytest.mark.usefixtures("app")
async def test_swap_lets_each_second_event_overtake(
    sim: SlackSim, clock: HandClock, alice: Person, channel: Channel
) -> None:
    sim.faults.swap = True
    for text in ("a", "b", "c", "d", "e"):
        await alice.say(channel, text)
    await quiet(sim)
    clock.advance(1)
    await quiet(sim)
    handed_over = [outgoing.payload["event"]["text"] for outgoing in sim.sent]
    assert handed_over == ["b", "a", "d", "c", "e"]


@pytest.mark.usefixtures("app")
async def test_deliveries_can_be_lost_delayed_and_doubled(
    sim: SlackSim, clock: HandClock, alice: Person, heard: list[Json]
) -> None:
    channel = sim.channel("ops", alice)
    sim.faults.lose_delivery()
    await alice.say(channel, "lost")
    sim.faults.delay_delivery(600)
    await alice.say(channel, "late")
    sim.faults.duplicate_delivery()
    await alice.say(channel, "double")
    await quiet(sim)
    assert [body["event"]["text"] for body in heard] == ["double", "double"]
    clock.advance(600)
    await quiet(sim)
    assert heard[-1]["event"]["text"] == "late"


async def test_a_socket_that_breaks_on_delivery_brings_the_event_again(
    sim: SlackSim, connect: Connect, clock: HandClock, alice: Person, channel: Channel
) -> None:
    await (await connect()).frame()
    sim.faults.drop_socket_on_delivery()
    await alice.say(channel, "hi")
    await until(lambda: sim.waiting == 1 and sim.connections == 0, "the lost connection")
    fresh = await connect()
    await fresh.frame()
    clock.advance(3)
    await until(lambda: sim.waiting == 1, "the pause")
    clock.advance(0.5)
    frame = await fresh.frame()
    assert frame["retry_attempt"] == 1
    await fresh.ack(frame)
    await until(lambda: sim.busy == 0, "quiet")


async def test_switching_socket_mode_off_ends_the_connection(
    sim: SlackSim, connect: Connect
) -> None:
    socket = await connect()
    await socket.frame()
    await sim.disconnect("link_disabled")
    assert (await socket.frame())["reason"] == "link_disabled"
    assert (await socket.ws.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_all_sockets_can_break(sim: SlackSim, connect: Connect) -> None:
    sockets = [await connect() for _ in range(2)]
    for socket in sockets:
        await socket.frame()
    sim.drop_sockets()
    await until(lambda: sim.connections == 0, "the end of the sockets")


@pytest.mark.usefixtures("app")
async def test_a_mention_may_come_without_its_twin(
    sim: SlackSim, alice: Person, channel: Channel, heard: list[Json]
) -> None:
    sim.faults.only_mentions = True
    await alice.say(channel, sim.mention)
    await alice.say(channel, "plain")
    await quiet(sim)
    assert [body["event"]["type"] for body in heard] == ["app_mention", "message"]


@pytest.mark.usefixtures("app")
async def test_a_message_can_change_without_an_edit(
    sim: SlackSim, alice: Person, channel: Channel, heard: list[Json]
) -> None:
    await sim.touch(await alice.say(channel, "see https://x.io"))
    await quiet(sim)
    event = heard[1]["event"]
    assert event["subtype"] == "message_changed"
    assert event["message"]["text"] == event["previous_message"]["text"]
    assert "edited" not in event["message"]


@pytest.mark.usefixtures("app")
async def test_an_old_payload_can_come_again(
    sim: SlackSim, alice: Person, channel: Channel, heard: list[Json]
) -> None:
    await alice.say(channel, "hi")
    await quiet(sim)
    await sim.deliver(heard[0])
    await quiet(sim)
    assert heard[1] == heard[0]


async def test_clicks_and_commands_come_twice_too(
    sim: SlackSim, app: AsyncApp, alice: Person, channel: Channel
) -> None:
    triggers: list[str] = []

    @app.command("/vm-restore")
    async def take(ack: AsyncAck, body: Json) -> None:
        triggers.append(body["trigger_id"])
        await ack("once")

    sim.faults.twice = True
    result = await (await alice.slash(channel, "/vm-restore x")).settled()
    await quiet(sim)
    assert len(triggers) == 2
    assert len(set(triggers)) == 1
    assert [m.text for m in result.responses] == ["once"]


async def test_a_slash_command_is_acked_with_a_text(
    sim: SlackSim, app: AsyncApp, alice: Person, bob: Person, channel: Channel
) -> None:
    @app.command("/vm-restore")
    async def answer(ack: AsyncAck, command: Json) -> None:
        await ack(f"you typed {command['text']}")

    sim.workspace.escapes_commands = False
    result = await alice.slash(channel, "/vm-restore  db.example.com <x> --now ")
    await result.settled()
    assert (result.status, result.text) == ("ok", "you typed db.example.com <x> --now")
    assert [m.text for m in alice.sees(channel)][-1] == "you typed db.example.com <x> --now"
    assert bob.sees(channel) == []


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("handoff @bob", "handoff <@{bob}|bob>"),
        ("handoff @nobody", "handoff @nobody"),
        ("db.example.com <x> --now", "<http://db.example.com|db.example.com> &lt;x&gt; --now"),
    ],
)
async def test_mentions_and_links_in_a_command_are_escaped(
    app: AsyncApp, alice: Person, bob: Person, channel: Channel, typed: str, sent: str
) -> None:
    heard: list[str] = []

    @app.command("/vm-restore")
    async def answer(ack: AsyncAck, command: Json) -> None:
        heard.append(command["text"])
        await ack()

    await (await alice.slash(channel, f"/vm-restore {typed}")).settled()
    assert heard == [sent.format(bob=bob.id)]


async def test_an_in_channel_answer_shows_the_command_too(
    sim: SlackSim, app: AsyncApp, alice: Person, bob: Person, channel: Channel
) -> None:
    @app.command("/vm-restore")
    async def answer(ack: AsyncAck) -> None:
        await ack(text="all", response_type="in_channel")

    await (await alice.slash(channel, "/vm-restore x")).settled()
    assert [m.text for m in bob.sees(channel)] == ["/vm-restore x", "all"]
    assert sim.busy >= 0


async def test_without_the_app_a_command_fails_at_once(alice: Person, channel: Channel) -> None:
    result = await (await alice.slash(channel, "/vm-restore x")).settled()
    assert result.status == "dispatch_failed"


async def test_a_late_ack_is_a_timeout_for_the_person(
    sim: SlackSim,
    connect: Connect,
    alice: Person,
    channel: Channel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.playground.slack.delivery.SCREEN_SECONDS", 0.02)
    socket = await connect()
    await socket.frame()
    result = await alice.slash(channel, "/vm-restore x")
    assert result.status == "pending"
    frame = await socket.frame()
    assert frame["accepts_response_payload"] is True
    assert (await result.settled()).status == "operation_timeout"
    await socket.ack(frame, text="too late")
    await until(lambda: sim.busy == 0, "quiet")
    assert result.text == ""


async def test_interactions_can_be_redelivered(
    sim: SlackSim,
    connect: Connect,
    clock: HandClock,
    alice: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.playground.slack.delivery.SCREEN_SECONDS", 0.02)
    sim.faults.redeliver_interactions = True
    socket = await connect()
    await socket.frame()
    await alice.shortcut("vm_restore_global")
    first = await socket.frame()
    await until(lambda: sim.waiting == 1, "the pause")
    clock.advance(0.5)
    second = await socket.frame()
    assert second["payload"] == first["payload"]
    await socket.ack(second)
    await until(lambda: sim.busy == 0, "quiet")


@pytest.mark.usefixtures("handler")
async def test_a_stopped_workspace_leaves_nothing_behind(
    sim: SlackSim, alice: Person, channel: Channel
) -> None:
    sim.faults.swap = True
    await alice.say(channel, "held")
    assert sim.busy == 1
    await sim.stop()
    assert sim.busy == 0
