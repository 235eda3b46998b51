"""The Web API, driven by the real client."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.clock import HandClock
from bot.playground.slack import COVERED, Person, SlackSim
from bot.playground.slack.workspace import Channel, Message
from tests.playground.slack.kit import quiet

Json = dict[str, Any]
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*hi*"}}
METADATA = {"event_type": "vm_restore", "event_payload": {"id": "r-1"}}


async def refused(call: Awaitable[Any]) -> Any:
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response


async def error(call: Awaitable[Any]) -> str:
    return str((await refused(call))["error"])


@pytest.fixture
async def raw(sim: SlackSim) -> AsyncIterator[aiohttp.ClientSession]:
    """Plain HTTP, for what the real client would never send."""
    headers = {"Authorization": f"Bearer {sim.bot_token}"}
    async with aiohttp.ClientSession(base_url=sim.api_url, headers=headers) as session:
        yield session


# -- the front ---------------------------------------------------------------------------------------


async def test_every_covered_method_is_one_that_the_real_client_knows(
    sim: SlackSim, client: AsyncWebClient
) -> None:
    for method in COVERED:
        assert hasattr(client, method.replace(".", "_"))
    assert len(COVERED) == len(set(COVERED)) == 25
    assert sim.unknown == []


async def test_an_unknown_method_fails_loudly(sim: SlackSim, client: AsyncWebClient) -> None:
    response = await refused(client.api_call("dnd.endSnooze"))
    assert (response["error"], response["req_method"]) == ("unknown_method", "dnd.endSnooze")
    assert sim.unknown == ["dnd.endSnooze"]
    assert sim.log[-1].error == "unknown_method"


async def test_auth_test_says_who_the_bot_is(sim: SlackSim, client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert answer["user_id"] == sim.bot_user_id
    assert answer["bot_id"] == sim.bot_id
    assert answer["team_id"] == sim.team_id
    assert answer.headers["x-oauth-scopes"].startswith("app_mentions:read,")
    assert answer.headers["x-slack-req-id"]


@pytest.mark.parametrize(
    ("token", "code"),
    [("", "not_authed"), ("xoxb-wrong", "invalid_auth"), ("app", "not_allowed_token_type")],
)
async def test_tokens_are_checked(sim: SlackSim, token: str, code: str) -> None:
    token = sim.app_token if token == "app" else token
    client = AsyncWebClient(token=token, base_url=sim.api_url)
    assert await error(client.auth_test()) == code


async def test_a_socket_is_opened_with_the_app_token_in_the_header(
    sim: SlackSim, client: AsyncWebClient, raw: aiohttp.ClientSession
) -> None:
    answer = await client.apps_connections_open(app_token=sim.app_token)
    assert answer["url"].startswith("ws://127.0.0.1:")
    form = {"token": sim.app_token}
    async with raw.post("apps.connections.open", data=form, headers={"Authorization": ""}) as got:
        assert (await got.json())["error"] == "not_authed"


async def test_a_missing_scope_is_named(sim: SlackSim, client: AsyncWebClient) -> None:
    sim.scopes.discard("usergroups:read")
    response = await refused(client.usergroups_list())
    assert response["error"] == "missing_scope"
    assert response["needed"] == "usergroups:read"
    assert "chat:write" in response["provided"].split(",")


async def test_verbs_and_bodies(raw: aiohttp.ClientSession, channel: Channel) -> None:
    body: Json = {"channel": channel.id, "text": "hi"}
    async with raw.get("chat.postMessage", params=body) as got:
        assert (await got.json())["error"] == "invalid_request_method"
    async with raw.post("chat.postMessage", data=body) as got:
        assert (await got.json())["ok"]
    async with raw.post("chat.postMessage", json=body) as got:
        assert (await got.json())["warning"] == "missing_charset"
    async with raw.post(
        "chat.postMessage", data="[1]", headers={"Content-Type": "application/json"}
    ) as got:
        assert (await got.json())["error"] == "json_not_object"
    async with raw.post(
        "chat.postMessage", data="{", headers={"Content-Type": "application/json"}
    ) as got:
        assert (await got.json())["error"] == "invalid_json"
    async with raw.post("chat.postMessage", data="x", headers={"Content-Type": "text/x"}) as got:
        assert (await got.json())["error"] == "invalid_post_type"


async def test_missing_arguments_are_named(client: AsyncWebClient) -> None:
    response = await refused(client.api_call("chat.postMessage", json={"text": "x"}))
    assert response["error"] == "invalid_arguments"
    messages = response["response_metadata"]["messages"]
    assert messages == ["[ERROR] missing required field: channel"]


async def test_the_log_keeps_what_was_asked_and_answered(
    sim: SlackSim, client: AsyncWebClient, channel: Channel, clock: HandClock
) -> None:
    await client.chat_postMessage(channel=channel.id, text="hi", team_id=sim.team_id)
    (call,) = sim.log
    assert (call.method, call.ok, call.error, call.at) == (
        "chat.postMessage",
        True,
        None,
        clock.now(),
    )
    assert call.args == {"channel": channel.id, "text": "hi", "team_id": sim.team_id}


# -- chat.postMessage ----------------------------------------------------------------------------------


async def test_a_post_comes_back_as_slack_stored_it(
    sim: SlackSim, client: AsyncWebClient, channel: Channel
) -> None:
    answer = await client.chat_postMessage(
        channel=channel.id, text="see https://x.io.", blocks=[SECTION], metadata=METADATA
    )
    message = answer["message"]
    assert message["text"] == "see <https://x.io>."
    assert message["bot_id"] == sim.bot_id
    assert message["blocks"][0]["block_id"]
    assert message["blocks"][0]["text"]["verbatim"] is False
    assert message["metadata"] == METADATA


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"text": ""}, "no_text"),
        ({"blocks": []}, "no_text"),
        ({"text": "x", "thread_ts": "17"}, "invalid_thread_ts"),
        ({"text": "x", "thread_ts": "1700000000.000000"}, "thread_not_found"),
        ({"text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {**METADATA, "more": 1}}, "invalid_metadata_schema"),
        (
            {"text": "x", "metadata": {"event_type": "a", "event_payload": {"x": "y" * 9000}}},
            "metadata_too_large",
        ),
        ({"markdown_text": "x", "text": "x"}, "markdown_text_conflict"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"blocks": [{"type": "teapot"}], "text": "x"}, "invalid_blocks"),
        ({"blocks": "no json", "text": "x"}, "invalid_blocks_format"),
        ({"blocks": {"type": "section"}, "text": "x"}, "invalid_blocks_format"),
        (
            {
                "text": "x",
                "blocks": [{**SECTION, "text": {"type": "mrkdwn", "text": "x" * 2900}}] * 5,
            },
            "msg_blocks_too_long",
        ),
        ({"text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"text": "x", "username": "root"}, "missing_scope"),
    ],
)
async def test_a_post_is_refused(
    client: AsyncWebClient, channel: Channel, given: Json, code: str
) -> None:
    assert (
        await error(client.api_call("chat.postMessage", json={"channel": channel.id} | given))
        == code
    )
    assert channel.messages == []


async def test_bad_blocks_are_explained(client: AsyncWebClient, channel: Channel) -> None:
    header = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    call = client.chat_postMessage(channel=channel.id, text="x", blocks=[header])
    response = await refused(call)
    where = "must be less than 151 characters [json-pointer:/blocks/0/text/text]"
    assert response["errors"] == [where]
    assert response["response_metadata"]["messages"] == [f"[ERROR] {where}"]


async def test_where_a_bot_may_post(sim: SlackSim, client: AsyncWebClient, alice: Person) -> None:
    away = sim.channel("away", alice, bot=False)
    hidden = sim.channel("hidden", alice, bot=False, private=True)
    old = sim.channel("old", alice, archived=True)

    async def outcome(channel: Channel) -> str:
        return await error(client.chat_postMessage(channel=channel.id, text="x"))

    assert await outcome(away) == "not_in_channel"
    assert await outcome(hidden) == "channel_not_found"
    assert await outcome(old) == "is_archived"
    sim.scopes.add("chat:write.public")
    assert (await client.chat_postMessage(channel=away.id, text="x"))["ok"]


async def test_a_post_to_a_user_opens_a_direct_message(
    sim: SlackSim, client: AsyncWebClient, alice: Person
) -> None:
    answer = await client.chat_postMessage(channel=alice.id, text="x")
    assert answer["channel"] == sim.dm(alice).id
    assert answer["channel"].startswith("D")


async def test_replies_go_under_the_first_message_of_a_thread_only(
    client: AsyncWebClient, channel: Channel
) -> None:
    first = await client.chat_postMessage(channel=channel.id, text="1")
    reply = await client.chat_postMessage(channel=channel.id, text="2", thread_ts=first["ts"])
    assert reply["message"]["thread_ts"] == first["ts"]
    assert reply["message"]["parent_user_id"] == first["message"]["user"]
    call = client.chat_postMessage(channel=channel.id, text="3", thread_ts=reply["ts"])
    assert await error(call) == "cannot_reply_to_message"


async def test_very_long_text_is_cut(client: AsyncWebClient, channel: Channel) -> None:
    await client.chat_postMessage(channel=channel.id, text="x" * 40_001)
    assert len(channel.messages[0].text) == 40_000


async def test_live_broadcasts_of_an_app_are_noted(
    sim: SlackSim, client: AsyncWebClient, channel: Channel
) -> None:
    await client.chat_postMessage(channel=channel.id, text="&lt;!channel&gt;")
    assert sim.broadcasts == []
    shout = {"type": "section", "text": {"type": "mrkdwn", "text": "a <!here|here> b"}}
    await client.chat_postMessage(channel=channel.id, text="x", blocks=[shout])
    plain = {"type": "section", "text": {"type": "plain_text", "text": "<!everyone>"}}
    ts = channel.messages[-1].ts
    await client.chat_update(channel=channel.id, ts=ts, text="<!channel>", blocks=[plain])
    assert [broadcast.audience for broadcast in sim.broadcasts] == ["here", "channel"]


async def test_a_post_notifies_whom_it_mentions_and_an_edit_does_not(
    client: AsyncWebClient, channel: Channel, alice: Person, bob: Person
) -> None:
    answer = await client.chat_postMessage(channel=channel.id, text=f"<@{alice.id}>")
    await client.chat_update(channel=channel.id, ts=answer["ts"], text=f"<@{bob.id}>")
    assert alice.notified == channel.messages
    assert bob.notified == []


# -- chat.update ---------------------------------------------------------------------------------------


@pytest.fixture
async def card(client: AsyncWebClient, channel: Channel) -> Message:
    await client.chat_postMessage(
        channel=channel.id, text="hi", blocks=[SECTION], metadata=METADATA
    )
    return channel.messages[-1]


@pytest.mark.parametrize(
    ("given", "text", "blocks"),
    [
        pytest.param({"text": "new"}, "new", 0, id="text alone removes the blocks"),
        pytest.param({"text": "new", "blocks": [SECTION] * 2}, "new", 2, id="both change"),
        pytest.param({"blocks": [SECTION] * 2}, "hi", 2, id="blocks alone keep the text"),
        pytest.param({"metadata": METADATA}, "hi", 1, id="what is omitted stays"),
        pytest.param({"text": "new", "blocks": []}, "new", 0, id="an empty list removes"),
    ],
)
async def test_an_update(
    client: AsyncWebClient, card: Message, given: Json, text: str, blocks: int
) -> None:
    body = {"channel": card.channel.id, "ts": card.ts, **given}
    answer = await client.api_call("chat.update", json=body)
    assert answer["text"] == card.text == text
    assert len(card.blocks or []) == blocks
    assert card.edited is not None
    assert card.history[0].text == "hi"


async def test_metadata_stays_unless_an_empty_object_removes_it(
    client: AsyncWebClient, channel: Channel, card: Message
) -> None:
    await client.chat_update(channel=channel.id, ts=card.ts, text="a")
    assert card.metadata == METADATA
    await client.chat_update(channel=channel.id, ts=card.ts, text="b", metadata={})
    assert card.metadata is None


async def test_updates_are_refused(
    sim: SlackSim, client: AsyncWebClient, channel: Channel, card: Message, alice: Person
) -> None:
    said = await alice.say(channel, "mine")
    other = await sim.post_as_app(channel, "theirs")
    ephemeral = await client.chat_postEphemeral(channel=channel.id, user=alice.id, text="x")

    async def outcome(ts: str, **given: Any) -> str:
        body = {"channel": channel.id, "ts": ts, **given}
        return await error(client.api_call("chat.update", json=body))

    assert await outcome(said.ts, text="x") == "cant_update_message"
    assert await outcome(other.ts, text="x") == "cant_update_message"
    assert await outcome(ephemeral["message_ts"], text="x") == "message_not_found"
    assert await outcome("1700000000.000000", text="x") == "message_not_found"
    assert await outcome(card.ts, text="x" * 4001) == "msg_too_long"
    assert await outcome(card.ts) == "no_text"
    assert await outcome(card.ts, text="", blocks=[]) == "no_text"
    await client.chat_delete(channel=channel.id, ts=card.ts)
    assert await outcome(card.ts, text="x") == "message_not_found"
    channel.archived = True
    assert await outcome(card.ts, text="x") == "is_inactive"


async def test_rich_text_stays_rich_text(client: AsyncWebClient, channel: Channel) -> None:
    part = {"type": "rich_text_section", "elements": [{"type": "text", "text": "a"}]}
    rich = {"type": "rich_text", "elements": [part]}
    ts = (await client.chat_postMessage(channel=channel.id, text="a", blocks=[rich]))["ts"]
    call = client.chat_update(channel=channel.id, ts=ts, text="a", blocks=[SECTION])
    assert await error(call) == "block_mismatch"


# -- ephemeral, delete, permalink, reactions -----------------------------------------------------------


async def test_ephemeral_messages_are_for_one_member(
    sim: SlackSim, client: AsyncWebClient, channel: Channel, alice: Person, bob: Person
) -> None:
    await client.chat_postEphemeral(channel=channel.id, user=alice.id, text="psst")
    assert [m.text for m in alice.sees(channel)] == ["psst"]
    assert bob.sees(channel) == []
    assert (await client.conversations_history(channel=channel.id))["messages"] == []
    stranger = sim.person("carol")
    call = client.chat_postEphemeral(channel=channel.id, user=stranger.id, text="psst")
    assert await error(call) == "user_not_in_channel"
    alice.reload()
    assert alice.sees(channel) == []


async def test_an_ephemeral_reply_shows_only_in_an_active_thread(
    client: AsyncWebClient, channel: Channel, alice: Person
) -> None:
    root = await alice.say(channel, "root")

    async def whisper() -> None:
        await client.chat_postEphemeral(
            channel=channel.id, user=alice.id, text="psst", thread_ts=root.ts
        )

    await whisper()
    assert [m.text for m in alice.sees(channel, root)] == ["root"]
    await client.chat_postMessage(channel=channel.id, text="reply", thread_ts=root.ts)
    await whisper()
    assert [m.text for m in alice.sees(channel, root)] == ["root", "reply", "psst"]


async def test_only_own_messages_can_be_deleted(
    client: AsyncWebClient, channel: Channel, card: Message, alice: Person
) -> None:
    said = await alice.say(channel, "mine")
    call = client.chat_delete(channel=channel.id, ts=said.ts)
    assert await error(call) == "cant_delete_message"
    await client.chat_delete(channel=channel.id, ts=card.ts)
    assert alice.sees(channel) == [said]


async def test_permalinks(client: AsyncWebClient, channel: Channel, card: Message) -> None:
    answer = await client.chat_getPermalink(channel=channel.id, message_ts=card.ts)
    thread_ref = f"https://example-ops.slack.com/archives/{channel.id}/p{card.ts.replace('.', '')}"
    assert answer["permalink"] == thread_ref
    reply = await client.chat_postMessage(channel=channel.id, text="r", thread_ts=card.ts)
    answer = await client.chat_getPermalink(channel=channel.id, message_ts=reply["ts"])
    assert answer["permalink"].endswith(f"?thread_ts={card.ts}&cid={channel.id}")
    call = client.chat_getPermalink(channel=channel.id, message_ts="1700000000.000000")
    assert await error(call) == "message_not_found"


async def test_reactions(client: AsyncWebClient, channel: Channel, card: Message) -> None:
    where: Any = {"channel": channel.id, "timestamp": card.ts}
    await client.reactions_add(name="eyes", **where)
    assert await error(client.reactions_add(name="eyes", **where)) == "already_reacted"
    assert await error(client.reactions_add(name="not valid", **where)) == "invalid_name"
    await client.reactions_remove(name="eyes", **where)
    assert await error(client.reactions_remove(name="eyes", **where)) == "no_reaction"


async def test_blocks_can_be_validated(client: AsyncWebClient) -> None:
    assert (await client.blocks_validate(blocks=[SECTION]))["ok"]
    bad = [{"type": "header", "text": {"type": "plain_text", "text": ""}}]
    assert await error(client.api_call("blocks.validate", json={"blocks": bad})) == "invalid_blocks"
    view = {"type": "modal", "title": {"type": "plain_text", "text": "t" * 25}, "blocks": []}
    call = client.api_call("blocks.validate", json={"view": view})
    assert await error(call) == "invalid_blocks"


# -- conversations -------------------------------------------------------------------------------------


async def test_replies_come_oldest_first_with_metadata_on_request(
    client: AsyncWebClient, channel: Channel, card: Message
) -> None:
    await client.chat_postMessage(channel=channel.id, text="r1", thread_ts=card.ts)
    await client.chat_postMessage(channel=channel.id, text="r2", thread_ts=card.ts)
    answer = await client.conversations_replies(channel=channel.id, ts=card.ts)
    messages = answer["messages"]
    assert [m["text"] for m in messages] == ["hi", "r1", "r2"]
    assert messages[0]["metadata"] == {"event_type": "vm_restore"}
    assert messages[0]["reply_count"] == 2
    answer = await client.conversations_replies(
        channel=channel.id, ts=card.ts, include_all_metadata=True
    )
    assert answer["messages"][0]["metadata"] == METADATA


async def test_replies_come_in_pages(
    client: AsyncWebClient, channel: Channel, card: Message
) -> None:
    for number in range(4):
        await client.chat_postMessage(channel=channel.id, text=f"r{number}", thread_ts=card.ts)
    texts: list[str] = []
    cursor = ""
    while True:
        page = await client.conversations_replies(
            channel=channel.id, ts=card.ts, limit=2, cursor=cursor
        )
        texts += [m["text"] for m in page["messages"]]
        cursor = page["response_metadata"]["next_cursor"]
        assert page["has_more"] == bool(cursor)
        if not cursor:
            break
    assert texts == ["hi", "r0", "r1", "r2", "r3"]


async def test_histories_can_be_cut_by_time(
    client: AsyncWebClient, channel: Channel, clock: HandClock
) -> None:
    stamps = []
    for text in ("a", "b", "c"):
        stamps.append((await client.chat_postMessage(channel=channel.id, text=text))["ts"])
        clock.advance(1)

    async def texts(**span: Any) -> list[str]:
        answer = await client.conversations_history(channel=channel.id, **span)
        return [m["text"] for m in answer["messages"]]

    assert await texts() == ["c", "b", "a"]
    assert await texts(oldest=stamps[1]) == ["c"]
    assert await texts(oldest=stamps[1], inclusive=True) == ["c", "b"]
    assert await texts(latest=stamps[1]) == ["a"]


async def test_a_deleted_parent_leaves_a_tombstone_while_it_has_replies(
    client: AsyncWebClient, channel: Channel, card: Message
) -> None:
    where: Any = {"channel": channel.id, "ts": card.ts}
    await client.chat_postMessage(channel=channel.id, text="r", thread_ts=card.ts)
    await client.chat_delete(**where)
    parent, reply = (await client.conversations_replies(**where))["messages"]
    assert (parent["subtype"], reply["text"]) == ("tombstone", "r")
    await client.chat_delete(channel=channel.id, ts=reply["ts"])
    assert await error(client.conversations_replies(**where)) == "thread_not_found"


async def test_only_members_read(sim: SlackSim, client: AsyncWebClient, alice: Person) -> None:
    away = sim.channel("away", alice, bot=False)
    said = await alice.say(away, "x")
    assert await error(client.conversations_history(channel=away.id)) == "not_in_channel"
    call = client.conversations_replies(channel=away.id, ts=said.ts)
    assert await error(call) == "not_in_channel"
    sim.scopes.discard("channels:read")
    response = await refused(client.conversations_info(channel=away.id))
    assert response["needed"] == "channels:read"


async def test_conversations_say_what_they_are(
    sim: SlackSim, client: AsyncWebClient, alice: Person
) -> None:
    shared = sim.channel("partners", alice, ext_shared=True, private=True)
    info = (await client.conversations_info(channel=shared.id, include_num_members=True))["channel"]
    assert info["is_ext_shared"]
    assert info["is_private"]
    assert info["num_members"] == 2
    im = (await client.conversations_info(channel=sim.dm(alice).id))["channel"]
    assert im["is_im"]
    assert im["user"] == alice.id
    members = await client.conversations_members(channel=shared.id)
    assert members["members"] == [alice.id, sim.bot_user_id]


async def test_joining(sim: SlackSim, client: AsyncWebClient, alice: Person) -> None:
    away = sim.channel("away", alice, bot=False)
    assert "warning" not in await client.conversations_join(channel=away.id)
    assert (await client.conversations_join(channel=away.id))["warning"] == "already_in_channel"
    private = sim.channel("private", alice, private=True)
    call = client.conversations_join(channel=private.id)
    assert await error(call) == "method_not_supported_for_channel_type"


async def test_opening_direct_messages(
    sim: SlackSim, client: AsyncWebClient, alice: Person
) -> None:
    gone = sim.person("gone", deactivated=True)
    opened = await client.conversations_open(users=alice.id)
    assert opened["channel"]["id"] == sim.dm(alice).id
    assert await error(client.conversations_open(users=gone.id)) == "user_disabled"
    assert await error(client.conversations_open(users="U0NOBODY")) == "user_not_found"
    assert await error(client.conversations_open(users=sim.bot_user_id)) == "cannot_dm_bot"


# -- people --------------------------------------------------------------------------------------------


async def test_users_say_what_they_are(sim: SlackSim, client: AsyncWebClient) -> None:
    async def info(person: Person) -> Json:
        user: Json = (await client.users_info(user=person.id))["user"]
        return user

    plain = await info(sim.person("alice", email="a@x.org"))
    assert plain["profile"]["email"] == "a@x.org"
    assert not plain["is_restricted"]
    guest = await info(sim.person("guest", ultra_guest=True))
    assert guest["is_restricted"]
    assert guest["is_ultra_restricted"]
    assert (await info(sim.person("robot", bot=True)))["is_bot"]
    assert (await info(sim.person("gone", deactivated=True)))["deleted"]
    stranger = await info(sim.person("mallory", foreign=True))
    assert stranger["is_stranger"]
    assert stranger["team_id"] != sim.team_id
    assert "email" not in stranger["profile"]
    assert await error(client.users_info(user="U0NOBODY")) == "user_not_found"


async def test_addresses_need_a_scope(sim: SlackSim, client: AsyncWebClient) -> None:
    alice = sim.person("alice", email="alice@x.org")
    found = await client.users_lookupByEmail(email="Alice@x.org")
    assert found["user"]["id"] == alice.id
    assert await error(client.users_lookupByEmail(email="no@x.org")) == "users_not_found"
    sim.scopes.discard("users:read.email")
    assert "email" not in (await client.users_info(user=alice.id))["user"]["profile"]
    assert await error(client.users_lookupByEmail(email="alice@x.org")) == "missing_scope"


async def test_user_groups(sim: SlackSim, client: AsyncWebClient, alice: Person) -> None:
    group = sim.user_group("oncall", alice)
    (listed,) = (await client.usergroups_list(include_users=True))["usergroups"]
    assert (listed["handle"], listed["users"]) == ("oncall", [alice.id])
    assert (await client.usergroups_users_list(usergroup=group.id))["users"] == [alice.id]
    group.disabled = True
    assert await error(client.usergroups_users_list(usergroup=group.id)) == "no_such_subteam"


# -- rate limits ---------------------------------------------------------------------------------------


async def test_a_channel_takes_a_burst_and_then_one_post_a_second(
    sim: SlackSim, client: AsyncWebClient, channel: Channel, clock: HandClock
) -> None:
    for _ in range(15):
        await client.chat_postMessage(channel=channel.id, text="x")
    response = await refused(client.chat_postMessage(channel=channel.id, text="x"))
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert response.headers["Retry-After"] == "1"
    assert sim.log[-1].error == "ratelimited"
    clock.advance(1)
    await client.chat_postMessage(channel=channel.id, text="x")
    assert len(channel.messages) == 16


async def test_methods_have_tiers(sim: SlackSim, client: AsyncWebClient, clock: HandClock) -> None:
    for _ in range(20):
        await client.usergroups_list()
    response = await refused(client.usergroups_list())
    assert response.headers["Retry-After"] == "3"
    await client.auth_test()  # no other method is held up
    clock.advance(3)
    await client.usergroups_list()
    sim.limits.enabled = False
    for _ in range(5):
        await client.usergroups_list()


@pytest.mark.usefixtures("app")
async def test_a_message_that_is_posted_comes_back_as_an_event(
    sim: SlackSim, client: AsyncWebClient, channel: Channel, heard: list[Json]
) -> None:
    await client.chat_postMessage(channel=channel.id, text="hi", metadata=METADATA)
    await quiet(sim)
    event = heard[-1]["event"]
    assert event["bot_profile"]["id"] == event["bot_id"]
    assert event["metadata"] == METADATA
    await client.chat_update(channel=channel.id, ts=event["ts"], text="ho")
    await quiet(sim)
    event = heard[-1]["event"]
    assert event["subtype"] == "message_changed"
    assert (event["previous_message"]["text"], event["message"]["text"]) == ("hi", "ho")
