"""Payloads have the keys that Slack's have, no more and no fewer.

The expected sets were written down from samples of the real thing.
"""

from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack import Person, SlackSim
from bot.playground.slack.workspace import Channel
from tests.playground.slack.kit import quiet

Json = dict[str, Any]

CALLBACK = {
    "token",
    "team_id",
    "context_team_id",
    "context_enterprise_id",
    "api_app_id",
    "event",
    "type",
    "event_id",
    "event_time",
    "authorizations",
    "is_ext_shared_channel",
    "event_context",
}
TYPED = {"type", "client_msg_id", "text", "user", "ts", "team", "blocks"}
EVENT = {"channel", "event_ts"}
REPLY = {"thread_ts", "parent_user_id"}
APP_POST = {"type", "text", "user", "ts", "bot_id", "app_id", "team", "bot_profile"}
INTERACTION = {
    "type",
    "user",
    "api_app_id",
    "token",
    "team",
    "enterprise",
    "is_enterprise_install",
}
VIEW = {
    "id",
    "team_id",
    "type",
    "blocks",
    "private_metadata",
    "callback_id",
    "state",
    "hash",
    "title",
    "clear_on_close",
    "notify_on_close",
    "close",
    "submit",
    "previous_view_id",
    "root_view_id",
    "app_id",
    "external_id",
    "app_installed_team_id",
    "bot_id",
}
BUTTON = {
    "type": "button",
    "action_id": "go",
    "value": "1",
    "text": {"type": "plain_text", "text": "Go"},
}
MENU = {
    "type": "static_select",
    "action_id": "pick",
    "placeholder": {"type": "plain_text", "text": "Pick"},
    "options": [{"text": {"type": "plain_text", "text": "a"}, "value": "1"}],
}
CARD: list[Json] = [{"type": "actions", "block_id": "act", "elements": [BUTTON, MENU]}]
MODAL: Json = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "t"},
    "submit": {"type": "plain_text", "text": "s"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "typed",
            "label": {"type": "plain_text", "text": "Name"},
            "element": {"type": "plain_text_input", "action_id": "value"},
        },
        {
            "type": "input",
            "block_id": "vm",
            "optional": True,
            "label": {"type": "plain_text", "text": "VM"},
            "element": {"type": "external_select", "action_id": "vm", "min_query_length": 0},
        },
    ],
}


@pytest.fixture
def by_subtype(app: AsyncApp, heard: list[Json]) -> Callable[[str], Json]:
    """The event that has this subtype, or this type and no subtype."""
    assert app.name

    def find(kind: str) -> Json:
        events: list[Json] = [body["event"] for body in heard if "event" in body]
        return next(e for e in events if e.get("subtype", e["type"]) == kind)

    return find


async def test_events_of_people(
    sim: SlackSim,
    by_subtype: Callable[[str], Json],
    channel: Channel,
    alice: Person,
    heard: list[Json],
) -> None:
    root = await alice.say(channel, "@vm-restore hi")
    await quiet(sim)
    assert set(heard[0]) == CALLBACK
    assert set(by_subtype("message")) == TYPED | EVENT | {"channel_type"}
    assert set(by_subtype("app_mention")) == TYPED | EVENT
    heard.clear()
    reply = await alice.say(channel, "a", root)
    await quiet(sim)
    assert set(by_subtype("message")) == TYPED | EVENT | REPLY | {"channel_type"}
    await alice.say(channel, "b", root, broadcast=True)
    await alice.edit(reply, "c")
    await alice.delete(reply)
    await quiet(sim)
    broadcast = by_subtype("thread_broadcast")
    facts = {"reply_count", "reply_users_count", "latest_reply", "reply_users", "is_locked"}
    assert set(broadcast["root"]) == TYPED | {"thread_ts"} | facts
    hidden = {"type", "subtype", "channel", "hidden", "ts", "event_ts", "channel_type"}
    changed = by_subtype("message_changed")
    assert set(changed) == hidden | {"message", "previous_message"}
    assert set(changed["previous_message"]) == TYPED | REPLY
    teams = {"source_team", "user_team"}
    assert set(changed["message"]) == TYPED | REPLY | teams | {"edited"}
    assert set(by_subtype("message_deleted")) == hidden | {"deleted_ts", "previous_message"}


async def test_events_of_strangers(
    sim: SlackSim, by_subtype: Callable[[str], Json], alice: Person
) -> None:
    mallory = sim.person("mallory", foreign=True)
    shared = sim.channel("partners", alice, mallory, ext_shared=True)
    await mallory.say(shared, "confirm")
    await quiet(sim)
    foreign = {"user_team", "source_team", "user_profile"}
    event = by_subtype("message")
    assert set(event) == TYPED | EVENT | foreign | {"channel_type"}
    assert set(event["user_profile"]) == {
        "avatar_hash",
        "image_72",
        "first_name",
        "real_name",
        "display_name",
        "team",
        "name",
        "is_restricted",
        "is_ultra_restricted",
    }


async def test_events_of_the_app_itself(
    sim: SlackSim,
    by_subtype: Callable[[str], Json],
    client: AsyncWebClient,
    channel: Channel,
    alice: Person,
) -> None:
    root = await alice.say(channel, "hi")
    await quiet(sim)
    answer = await client.chat_postMessage(channel=channel.id, text="x", thread_ts=root.ts)
    assert set(answer["message"]) == APP_POST | REPLY
    await client.chat_update(channel=channel.id, ts=answer["ts"], text="y")
    await quiet(sim)
    changed = by_subtype("message_changed")
    assert set(changed["message"]) == APP_POST | REPLY | {"edited"}
    assert changed["message"]["edited"]["user"].startswith("B")


async def test_commands(app: AsyncApp, channel: Channel, alice: Person) -> None:
    bodies: list[Json] = []

    @app.command("/vm-restore")
    async def take(ack: AsyncAck, body: Json) -> None:
        await ack()
        bodies.append(body)

    await (await alice.slash(channel, "/vm-restore db snap")).settled()
    assert set(bodies[0]) == {
        "token",
        "team_id",
        "team_domain",
        "channel_id",
        "channel_name",
        "user_id",
        "user_name",
        "command",
        "text",
        "api_app_id",
        "is_enterprise_install",
        "response_url",
        "trigger_id",
    }
    assert bodies[0]["is_enterprise_install"] == "false"


@pytest.fixture
def interactions(app: AsyncApp) -> list[Json]:
    """The bodies of all interactions; each is acked."""
    bodies: list[Json] = []

    async def take(ack: AsyncAck, body: Json) -> None:
        await ack()
        bodies.append(body)

    async def offer(ack: AsyncAck, body: Json) -> None:
        await ack(options=[])
        bodies.append(body)

    for action_id in ("go", "pick"):
        app.action(action_id)(take)
    app.shortcut("start")(take)
    app.view_submission("form")(take)
    app.view_closed("form")(take)
    app.options("vm")(offer)
    return bodies


async def test_interactions_with_messages(
    client: AsyncWebClient, interactions: list[Json], channel: Channel, alice: Person
) -> None:
    await client.chat_postMessage(channel=channel.id, text="x", blocks=CARD)
    card = channel.messages[-1]
    await (await alice.click(card, "Go")).settled()
    click = {"container", "trigger_id", "channel", "state", "response_url", "actions"}
    assert set(interactions[0]) == INTERACTION | click | {"message"}
    button = {"action_id", "block_id", "text", "value", "type", "action_ts"}
    assert set(interactions[0]["actions"][0]) == button
    await (await alice.pick(card, "pick", "a")).settled()
    menu = {"type", "action_id", "block_id", "selected_option", "placeholder", "action_ts"}
    assert set(interactions[1]["actions"][0]) == menu
    await (await alice.message_shortcut(card, "start")).settled()
    shortcut = {
        "action_ts",
        "callback_id",
        "trigger_id",
        "channel",
        "response_url",
        "message_ts",
        "message",
    }
    assert set(interactions[2]) == (INTERACTION - {"api_app_id"}) | shortcut


async def test_interactions_with_ephemeral_messages(
    client: AsyncWebClient, interactions: list[Json], channel: Channel, alice: Person
) -> None:
    await client.chat_postEphemeral(channel=channel.id, user=alice.id, text="x", blocks=CARD)
    await (await alice.click(alice.sees(channel)[-1], "Go")).settled()
    click = {"container", "trigger_id", "channel", "state", "response_url", "actions"}
    assert set(interactions[0]) == INTERACTION | click


async def test_interactions_with_modals(
    client: AsyncWebClient, interactions: list[Json], alice: Person
) -> None:
    await (await alice.shortcut("start")).settled()
    shortcut = interactions[0]
    own = {"action_ts", "callback_id", "trigger_id"}
    assert set(shortcut) == (INTERACTION - {"api_app_id"}) | own
    opened = await client.views_open(trigger_id=shortcut["trigger_id"], view=MODAL)
    assert set(opened["view"]) == VIEW
    assert alice.view is not None
    await alice.options(alice.view, "vm", "")
    asked = {"container", "action_id", "block_id", "value", "view"}
    assert set(interactions[1]) == INTERACTION | asked
    await alice.fill_and_submit({"Name": "x"})
    assert set(interactions[2]) == INTERACTION | {"trigger_id", "view", "response_urls"}
    assert set(interactions[2]["view"]) == VIEW
    await (await alice.shortcut("start")).settled()
    await client.views_open(trigger_id=interactions[3]["trigger_id"], view=MODAL)
    await alice.close_view()


async def test_users(sim: SlackSim, client: AsyncWebClient, alice: Person) -> None:
    stranger = sim.person("mallory", foreign=True)
    answer = await client.users_info(user=stranger.id)
    assert set(answer["user"]) == {
        "id",
        "team_id",
        "name",
        "deleted",
        "real_name",
        "profile",
        "is_bot",
        "is_stranger",
        "updated",
        "is_app_user",
    }
    member = set((await client.users_info(user=alice.id))["user"])
    assert member == (set(answer["user"]) - {"is_stranger"}) | {
        "color",
        "tz",
        "tz_label",
        "tz_offset",
        "is_admin",
        "is_owner",
        "is_primary_owner",
        "is_restricted",
        "is_ultra_restricted",
        "is_email_confirmed",
        "who_can_share_contact_card",
    }
