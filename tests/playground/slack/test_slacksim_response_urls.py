"""Response URLs: uses, life, and what may be changed through them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.clock import HandClock
from bot.playground.slack import Person, SlackSim
from bot.playground.slack.workspace import Channel, Message
from tests.playground.slack.kit import quiet, until

Json = dict[str, Any]
Post = Callable[..., Awaitable[tuple[int, Json]]]
BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
CARD = [{"type": "actions", "elements": [BUTTON]}]


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with aiohttp.ClientSession() as session:

        async def posted(url: str, **body: Any) -> tuple[int, Json]:
            async with session.post(url, json=body) as answer:
                return answer.status, await answer.json()

        yield posted


@pytest.fixture
def urls(app: AsyncApp) -> list[str]:
    """The response URLs that the app was given."""
    given: list[str] = []

    async def take(ack: AsyncAck, body: Json) -> None:
        await ack()
        given.append(body["response_url"])

    app.command("/vm-restore")(take)
    app.action("go")(take)
    return given


@pytest.fixture
async def command_url(urls: list[str], alice: Person, channel: Channel) -> str:
    await (await alice.slash(channel, "/vm-restore x")).settled()
    return urls[0]


@pytest.fixture
async def card(client: AsyncWebClient, channel: Channel, alice: Person) -> Message:
    root = await alice.say(channel, "restore")
    await client.chat_postMessage(channel=channel.id, text="card", blocks=CARD, thread_ts=root.ts)
    return channel.messages[-1]


@pytest.fixture
async def click_url(urls: list[str], bob: Person, card: Message) -> str:
    await (await bob.click(card, "Go")).settled()
    return urls[0]


async def test_five_posts(post: Post, command_url: str, alice: Person, channel: Channel) -> None:
    for number in range(5):
        assert await post(command_url, text=str(number)) == (200, {"ok": True})
    assert await post(command_url, text="6") == (404, {"ok": False, "error": "used_url"})
    assert [m.text for m in alice.sees(channel)][1:] == ["0", "1", "2", "3", "4"]


async def test_half_an_hour(post: Post, command_url: str, clock: HandClock) -> None:
    clock.advance(1800)
    assert (await post(command_url, text="x"))[0] == 200
    clock.advance(1)
    assert await post(command_url, text="x") == (404, {"ok": False, "error": "expired_url"})
    unknown = await post(command_url + "x", text="x")
    assert unknown == (404, {"ok": False, "error": "invalid_url"})


async def test_a_post_is_for_the_asker_unless_it_says_otherwise(
    sim: SlackSim, post: Post, command_url: str, bob: Person, channel: Channel
) -> None:
    await post(command_url, text="psst")
    assert bob.sees(channel) == []
    await post(command_url, text="all", response_type="in_channel")
    assert [m.text for m in bob.sees(channel)] == ["all"]
    assert [(call.method, call.ok) for call in sim.log[-2:]] == [("response_url", True)] * 2


async def test_a_post_for_all_comes_back_as_a_classic_bot_message(
    sim: SlackSim, post: Post, command_url: str, heard: list[Json]
) -> None:
    await post(command_url, text="all", response_type="in_channel")
    await quiet(sim)
    event = heard[-1]["event"]
    assert event["subtype"] == "bot_message"
    assert "user" not in event


async def test_it_works_where_the_bot_is_no_member(
    sim: SlackSim, post: Post, urls: list[str], alice: Person
) -> None:
    away = sim.channel("away", alice, bot=False)
    await (await alice.slash(away, "/vm-restore x")).settled()
    assert (await post(urls[0], text="here too"))[0] == 200
    assert alice.sees(away)[-1].text == "here too"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "no_text"),
        ({"text": "x", "blocks": [{"type": "teapot"}]}, "invalid_blocks"),
        ({"delete_original": True}, "cant_delete_message"),
        ({"delete_original": True, "text": "x"}, "invalid_arguments"),
    ],
)
async def test_bad_posts_are_refused(post: Post, command_url: str, body: Json, error: str) -> None:
    status, answer = await post(command_url, **body)
    assert (status, answer["error"]) == (400, error)


async def test_a_card_can_be_replaced_and_deleted(
    sim: SlackSim, post: Post, click_url: str, card: Message, heard: list[Json]
) -> None:
    await post(click_url, text="new", replace_original=True)
    assert (card.text, card.blocks) == ("new", None)
    await post(click_url, delete_original=True)
    assert card.deleted
    await quiet(sim)
    subtypes = [body["event"].get("subtype") for body in heard if "event" in body]
    assert subtypes[-2:] == ["message_changed", "message_deleted"]
    assert (await post(click_url, text="x", replace_original=True))[0] == 400


async def test_an_answer_in_the_channel_overwrites_the_card_unless_told_not_to(
    post: Post, click_url: str, card: Message
) -> None:
    where: Json = {"response_type": "in_channel", "thread_ts": card.thread_ts}
    await post(click_url, text="beside", replace_original=False, **where)
    assert card.text == "card"
    assert card.channel.messages[-1].text == "beside"
    await post(click_url, text="over", **where)
    assert card.text == "over"


async def test_only_through_it_can_an_ephemeral_message_change(
    client: AsyncWebClient, post: Post, urls: list[str], bob: Person, channel: Channel
) -> None:
    await client.chat_postEphemeral(channel=channel.id, user=bob.id, text="psst", blocks=CARD)
    await (await bob.click(bob.sees(channel)[-1], "Go")).settled()
    await post(urls[0], text="done", replace_original=True)
    assert [m.text for m in bob.sees(channel)] == ["done"]
    await post(urls[0], delete_original=True)
    assert bob.sees(channel) == []


async def test_results_list_what_was_answered(app: AsyncApp, bob: Person, card: Message) -> None:
    @app.action("go")
    async def answer(ack: AsyncAck, respond: Any) -> None:
        await ack()
        await respond("only alice can")

    result = await (await bob.click(card, "Go")).settled()
    await until(lambda: result.responses, "the answer")
    assert [m.text for m in result.responses] == ["only alice can"]
    assert result.responses[0].ephemeral_to is bob.user
