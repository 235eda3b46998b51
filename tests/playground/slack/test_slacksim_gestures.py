"""What people can do, and what comes of it at a real Bolt app."""

import copy
from typing import Any

import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.clock import HandClock
from bot.playground.slack import Keyboard, NotPossible, Person, SlackSim
from bot.playground.slack.workspace import Channel, Message
from tests.playground.slack.kit import quiet

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(text: str, value: str) -> Json:
    return {"text": plain(text), "value": value}


CONFIRM = {
    "title": plain("Sure?"),
    "text": plain("Data is lost."),
    "confirm": plain("Yes"),
    "deny": plain("No"),
}
BUTTON = {"type": "button", "action_id": "go", "text": plain("Go"), "value": "r-1@3"}
DANGER = {**BUTTON, "action_id": "wipe", "text": plain("Wipe"), "confirm": CONFIRM}
SELECT = {
    "type": "static_select",
    "action_id": "snapshot",
    "placeholder": plain("Snapshot"),
    "options": [option("snap-1", "0"), option("snap-2", "1")],
}
EXTERNAL = {"type": "external_select", "action_id": "vm", "min_query_length": 2}
BOXES = {
    "type": "checkboxes",
    "action_id": "safety",
    "options": [option("Snapshot current state first", "on")],
}
USERS = {"type": "users_select", "action_id": "to"}
CARD: list[Json] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "Restore?"}},
    {
        "type": "actions",
        "block_id": "act",
        "elements": [BUTTON, DANGER, SELECT, EXTERNAL, USERS, BOXES],
    },
]


@pytest.fixture
async def card(client: AsyncWebClient, channel: Channel, alice: Person) -> Message:
    root = await alice.say(channel, "restore")
    await client.chat_postMessage(
        channel=channel.id, thread_ts=root.ts, text="Restore?", blocks=CARD
    )
    return channel.messages[-1]


@pytest.fixture
def clicks(app: AsyncApp) -> list[Json]:
    """The bodies of all clicks; each is acked."""
    bodies: list[Json] = []

    async def take(ack: AsyncAck, body: Json) -> None:
        await ack()
        bodies.append(body)

    for action_id in ("go", "wipe", "snapshot", "vm", "to", "safety"):
        app.action(action_id)(take)
    return bodies


async def test_a_click_sends_what_is_on_the_card(
    sim: SlackSim, bob: Person, card: Message, clicks: list[Json]
) -> None:
    result = await (await bob.click(card, "Go")).settled()
    assert result.status == "ok"
    (body,) = clicks
    assert body["user"] == {
        "id": bob.id,
        "username": "bob",
        "name": "bob",
        "team_id": sim.team_id,
    }
    assert body["container"] == {
        "type": "message",
        "message_ts": card.ts,
        "channel_id": card.channel.id,
        "is_ephemeral": False,
        "thread_ts": card.thread_ts,
    }
    assert body["actions"][0]["value"] == "r-1@3"
    assert body["message"]["ts"] == card.ts
    assert body["state"]["values"]["act"]["snapshot"] == {
        "type": "static_select",
        "selected_option": None,
    }


async def test_a_confirm_dialog_can_be_dismissed(
    bob: Person, card: Message, clicks: list[Json]
) -> None:
    assert (await bob.click(card, "wipe", confirm=False)).status == "dismissed"
    assert clicks == []
    await (await bob.click(card, "wipe")).settled()
    assert clicks[0]["actions"][0]["confirm"]["title"]["text"] == "Sure?"
    with pytest.raises(NotPossible, match="asks nothing back"):
        await bob.click(card, "Go", confirm=False)


async def test_only_what_is_on_the_screen_can_be_clicked(
    sim: SlackSim, client: AsyncWebClient, bob: Person, card: Message, clicks: list[Json]
) -> None:
    before = copy.deepcopy(card.blocks)
    await client.chat_update(channel=card.channel.id, ts=card.ts, text="over")
    with pytest.raises(NotPossible, match="'Go' is not there; there is nothing"):
        await bob.click(card, "Go")
    await (await bob.click_stale(card, before, "Go")).settled()
    assert clicks[0]["actions"][0]["action_id"] == "go"
    assert clicks[0]["message"]["text"] == "over"
    outsider = sim.person("carol")
    with pytest.raises(NotPossible, match="carol is not in"):
        await outsider.click_stale(card, before, "Go")


async def test_a_button_can_be_for_some_users_only(
    client: AsyncWebClient, channel: Channel, alice: Person, bob: Person
) -> None:
    mine = {**BUTTON, "visible_to_user_ids": [alice.id]}
    blocks = [{"type": "actions", "elements": [mine]}]
    await client.chat_postMessage(channel=channel.id, text="x", blocks=blocks)
    with pytest.raises(NotPossible):
        await bob.click(channel.messages[-1], "Go")


async def test_a_choice_is_kept_in_the_state(
    bob: Person, card: Message, clicks: list[Json]
) -> None:
    await (await bob.pick(card, "snapshot", "snap-2")).settled()
    await (await bob.click(card, "Go")).settled()
    chosen = {"text": {**plain("snap-2"), "emoji": True}, "value": "1"}
    assert clicks[0]["actions"][0]["selected_option"] == chosen
    assert clicks[1]["state"]["values"]["act"]["snapshot"]["selected_option"] == chosen
    with pytest.raises(NotPossible, match="no option 'snap-3'; there is 'snap-1', 'snap-2'"):
        await bob.pick(card, "snapshot", "snap-3")


async def test_a_user_can_be_chosen(
    alice: Person, bob: Person, card: Message, clicks: list[Json]
) -> None:
    await (await bob.pick(card, "to", alice)).settled()
    await (await bob.pick(card, "to", "@alice")).settled()
    assert [body["actions"][0]["selected_user"] for body in clicks] == [alice.id] * 2


async def test_boxes_can_be_ticked_and_cleared(
    bob: Person, card: Message, clicks: list[Json]
) -> None:
    await (await bob.tick(card, "safety", "on")).settled()
    await (await bob.tick(card, "safety")).settled()
    chosen = [body["actions"][0]["selected_options"] for body in clicks]
    assert [[option["value"] for option in options] for options in chosen] == [["on"], []]


async def test_an_external_menu_asks_the_app(
    app: AsyncApp, bob: Person, card: Message, clicks: list[Json]
) -> None:
    asked: list[Json] = []

    @app.options("vm")
    async def offer(ack: AsyncAck, payload: Json) -> None:
        asked.append(payload)
        names = [name for name in ("db-01", "db-02", "web") if payload["value"] in name]
        await ack(options=[option(name, f"uid-{name}") for name in names])

    offered = await bob.options(card, "vm", "db")
    assert [(choice.text, choice.value) for choice in offered] == [
        ("db-01", "uid-db-01"),
        ("db-02", "uid-db-02"),
    ]
    assert "message" in asked[0]
    await (await bob.pick(card, "vm", "db-02", typed="db")).settled()
    assert clicks[0]["actions"][0]["selected_option"]["value"] == "uid-db-02"
    with pytest.raises(NotPossible, match="before 2 characters"):
        await bob.options(card, "vm", "d")


async def test_a_menu_shows_an_error_when_the_app_answers_badly(
    app: AsyncApp, bob: Person, card: Message
) -> None:
    @app.options("vm")
    async def offer(ack: AsyncAck) -> None:
        await ack(options=[option("x" * 76, "1")])

    with pytest.raises(NotPossible, match="could not load its options: must be less than 76"):
        await bob.options(card, "vm", "db")


async def test_an_ephemeral_card_can_be_clicked_by_whom_it_is_for(
    client: AsyncWebClient, alice: Person, bob: Person, card: Message, clicks: list[Json]
) -> None:
    await client.chat_postEphemeral(
        channel=card.channel.id, user=bob.id, text="x", blocks=CARD, thread_ts=card.thread_ts
    )
    whisper = bob.sees(card.channel, card)[-1]
    with pytest.raises(NotPossible, match="alice does not see"):
        await alice.click(whisper, "Go")
    await (await bob.click(whisper, "Go")).settled()
    assert "message" not in clicks[0]
    assert clicks[0]["container"]["is_ephemeral"] is True


async def test_a_click_that_the_app_does_not_ack_fails(
    app: AsyncApp, bob: Person, card: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.playground.slack.delivery.SCREEN_SECONDS", 0.05)

    @app.action("go")
    async def crash() -> None:
        raise ValueError

    result = await bob.click(card, "Go")
    assert result.status == "pending"
    assert (await result.settled()).status == "operation_timeout"


@pytest.mark.usefixtures("app")
async def test_edits_and_deletions_are_told(
    sim: SlackSim, alice: Person, bob: Person, channel: Channel, heard: list[Json]
) -> None:
    message = await alice.say(channel, "snap-1")
    await alice.edit(message, "snap-2")
    await alice.delete(message)
    await quiet(sim)
    _, changed, deleted = [body["event"] for body in heard]
    assert changed["message"]["text"] == "snap-2"
    assert changed["message"]["edited"]["user"] == alice.id
    assert changed["previous_message"]["text"] == "snap-1"
    assert "edited" not in changed["previous_message"]
    assert deleted["deleted_ts"] == message.ts
    assert [version.text for version in message.history] == ["snap-1"]
    with pytest.raises(NotPossible):
        await bob.edit(message, "mine")


@pytest.mark.usefixtures("app")
async def test_a_mention_that_comes_by_an_edit_is_a_mention(
    sim: SlackSim, alice: Person, channel: Channel, heard: list[Json]
) -> None:
    message = await alice.say(channel, "restore")
    await alice.edit(message, f"{sim.mention} restore")
    await alice.edit(message, f"{sim.mention} restore it")
    await quiet(sim)
    kinds = [body["event"]["type"] for body in heard]
    assert kinds == ["message", "message", "app_mention", "message"]
    assert heard[2]["event"]["edited"]["user"] == alice.id


@pytest.mark.usefixtures("app")
async def test_replies_and_broadcasts(
    sim: SlackSim, alice: Person, bob: Person, channel: Channel, heard: list[Json]
) -> None:
    root = await alice.say(channel, "incident")
    await bob.say(channel, "looking", root)
    await bob.say(channel, "found it", root, broadcast=True)
    await quiet(sim)
    reply, broadcast = heard[1]["event"], heard[2]["event"]
    assert (reply["thread_ts"], reply["parent_user_id"]) == (root.ts, alice.id)
    assert broadcast["subtype"] == "thread_broadcast"
    assert broadcast["root"]["reply_count"] == 2
    assert [m.text for m in alice.sees(channel)] == ["incident", "found it"]
    assert [m.text for m in alice.sees(channel, root)] == ["incident", "looking", "found it"]


@pytest.mark.usefixtures("app")
async def test_a_message_can_come_without_blocks_and_through_a_keyboard(
    sim: SlackSim, alice: Person, channel: Channel, heard: list[Json]
) -> None:
    await alice.say(channel, "snap--1", raw_blocks=False, keyboard=Keyboard(smart_punctuation=True))
    await quiet(sim)
    assert "blocks" not in heard[0]["event"]
    assert heard[0]["event"]["text"] == "snap\u20141"


@pytest.mark.usefixtures("app")
async def test_other_apps_and_bots_say_that_they_are_none(
    sim: SlackSim, channel: Channel, heard: list[Json]
) -> None:
    robot = sim.person("robot", bot=True)
    channel.members.append(robot.user)
    await robot.say(channel, "snap-1")
    await sim.post_as_app(channel, f"<@{sim.bot_user_id}> snap-1")
    await quiet(sim)
    assert all(body["event"]["bot_id"] not in ("", sim.bot_id) for body in heard)
    assert sorted(body["event"]["type"] for body in heard) == ["app_mention", "message", "message"]


@pytest.mark.usefixtures("app")
async def test_strangers_carry_their_team(sim: SlackSim, alice: Person, heard: list[Json]) -> None:
    mallory = sim.person("mallory", foreign=True)
    shared = sim.channel("partners", alice, mallory, ext_shared=True)
    await mallory.say(shared, "confirm")
    await quiet(sim)
    event = heard[0]["event"]
    assert heard[0]["is_ext_shared_channel"] is True
    assert event["user_team"] == event["source_team"] == event["team"] == mallory.user.team_id
    assert event["user_profile"]["name"] == "mallory"
    for gesture in (mallory.slash(shared, "/vm-restore x"), mallory.shortcut("x")):
        with pytest.raises(NotPossible):
            await gesture


async def test_nobody_writes_where_they_are_not(sim: SlackSim, alice: Person) -> None:
    old = sim.channel("old", alice, archived=True)
    away = sim.channel("away")
    gone = sim.person("gone", deactivated=True)
    away.members.append(gone.user)
    for person, channel in ((alice, old), (alice, away), (gone, away)):
        with pytest.raises(NotPossible):
            await person.say(channel, "x")
    with pytest.raises(NotPossible):
        await alice.slash(away, "/vm-restore x")
    with pytest.raises(NotPossible):
        await alice.slash(old, "vm-restore x")


async def test_message_shortcuts_carry_the_message(
    app: AsyncApp, bob: Person, card: Message
) -> None:
    bodies: list[Json] = []

    @app.shortcut("vm_restore_message")
    async def take(ack: AsyncAck, body: Json) -> None:
        await ack()
        bodies.append(body)

    await (await bob.message_shortcut(card, "vm_restore_message")).settled()
    assert bodies[0]["message"]["thread_ts"] == card.thread_ts
    assert bodies[0]["message_ts"] == card.ts


async def test_inviting_the_bot_is_an_event(
    sim: SlackSim, app: AsyncApp, alice: Person, heard: list[Json]
) -> None:
    assert app.client.base_url == sim.api_url
    away = sim.channel("away", alice, bot=False)
    await sim.invite_bot(away)
    await quiet(sim)
    assert heard[0]["event"]["type"] == "member_joined_channel"
    sim.remove_bot(away)
    await alice.say(away, "x")
    assert sim.busy == 0


async def test_timestamps_are_unique_even_when_the_clock_stands_still_or_goes_back(
    sim: SlackSim, clock: HandClock, alice: Person, channel: Channel
) -> None:
    stamps = [(await alice.say(channel, "x")).ts for _ in range(3)]
    clock.jump(-60)
    stamps.append((await alice.say(channel, "x")).ts)
    assert stamps == sorted(set(stamps))
    await sim.stop()


def test_two_workspaces_of_one_seed_are_equal(clock: HandClock) -> None:
    first, second, other = SlackSim(clock, seed=1), SlackSim(clock, seed=1), SlackSim(clock, seed=2)
    assert first.bot_token == second.bot_token != other.bot_token
    assert first.person("alice").id == second.person("alice").id != other.person("alice").id
