"""Conversations of every kind, and ids that change under people's feet."""

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack import Person, SlackSim
from bot.playground.slack.workspace import Channel
from tests.playground.slack.kit import quiet

Json = dict[str, Any]


async def _nothing() -> None:
    """An event is acknowledged."""


async def test_a_channel_gets_another_id(
    sim: SlackSim,
    app: AsyncApp,
    client: AsyncWebClient,
    alice: Person,
    channel: Channel,
    heard: list[Json],
) -> None:
    """The bot is told both ids; what was said stays, and nobody knows the old id any more."""
    app.event("channel_id_changed")(_nothing)
    root = await alice.say(channel, "before")
    old = await sim.change_id(channel)
    await quiet(sim)
    event = heard[-1]["event"]
    assert event["type"] == "channel_id_changed"
    assert (event["old_channel_id"], event["new_channel_id"]) == (old, channel.id)
    assert old != channel.id
    found = await client.conversations_replies(channel=channel.id, ts=root.ts)
    assert [message["text"] for message in found["messages"]] == ["before"]
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.chat_postMessage(channel=old, text="x")


async def test_an_id_changes_unheard_where_the_bot_is_not(
    sim: SlackSim, app: AsyncApp, alice: Person, heard: list[Json]
) -> None:
    assert app.client.base_url == sim.api_url
    away = sim.channel("away", alice, bot=False)
    old = await sim.change_id(away)
    await quiet(sim)
    assert heard == []
    assert away.id != old


async def test_a_group_dm_says_what_it_is(
    sim: SlackSim, app: AsyncApp, alice: Person, bob: Person, heard: list[Json]
) -> None:
    """Its messages carry its own type, and a look at it needs its own scope."""
    group = sim.group_dm(alice, bob)
    await alice.say(group, "x")
    await quiet(sim)
    assert heard[-1]["event"]["channel_type"] == "mpim"
    found = (await app.client.conversations_info(channel=group.id))["channel"]
    assert (found["is_mpim"], found["is_im"], found["is_private"]) == (True, False, True)
    sim.scopes.remove("mpim:read")
    with pytest.raises(SlackApiError, match="missing_scope"):
        await app.client.conversations_info(channel=group.id)


async def test_a_channel_is_archived(
    sim: SlackSim, app: AsyncApp, alice: Person, channel: Channel, heard: list[Json]
) -> None:
    """The bot hears it as a message of the channel, in which nothing can be said any more."""
    await sim.archive(channel, alice)
    await quiet(sim)
    event = heard[-1]["event"]
    assert (event["type"], event["subtype"]) == ("message", "channel_archive")
    assert event["channel"] == channel.id
    with pytest.raises(SlackApiError, match="is_archived"):
        await app.client.chat_postMessage(channel=channel.id, text="x")


@pytest.mark.parametrize(("private", "kind"), [(False, "channel_left"), (True, "group_left")])
async def test_the_bot_is_thrown_out(
    sim: SlackSim, app: AsyncApp, alice: Person, heard: list[Json], *, private: bool, kind: str
) -> None:
    """It is told by whom, and hears nothing of what is said there afterwards."""
    app.event(kind)(_nothing)
    room = sim.channel("room", alice, private=private)
    await sim.expel_bot(room, alice)
    await quiet(sim)
    event = heard[-1]["event"]
    assert (event["type"], event["channel"], event["actor_id"]) == (kind, room.id, alice.id)
    await alice.say(room, "x")
    assert sim.busy == 0
