"""Modals and the Home tab, with a real Bolt app on the other side."""

from collections.abc import Awaitable
from functools import partial
from typing import Any

import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.clock import HandClock
from bot.playground.slack import NotPossible, Person, SlackSim
from bot.playground.slack.workspace import Channel
from tests.playground.slack.kit import quiet, until

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def modal(**more: Any) -> Json:
    text = {"type": "plain_text_input", "action_id": "value", "min_length": 2}
    menu = {
        "type": "static_select",
        "action_id": "cluster",
        "options": [{"text": plain("east"), "value": "e"}],
    }
    return {
        "type": "modal",
        "callback_id": "restore",
        "title": plain("Restore a VM"),
        "submit": plain("Restore"),
        "blocks": [
            {"type": "input", "block_id": "name", "label": plain("VM name"), "element": text},
            {
                "type": "input",
                "block_id": "where",
                "label": plain("Cluster"),
                "element": menu,
                "optional": True,
            },
        ],
        **more,
    }


@pytest.fixture
async def trigger(app: AsyncApp, alice: Person) -> str:
    """The trigger id of a click that alice just made."""
    seen: list[str] = []

    @app.shortcut("start")
    async def take(ack: AsyncAck, body: Json) -> None:
        await ack()
        seen.append(body["trigger_id"])

    await (await alice.shortcut("start")).settled()
    return seen[0]


def _longer(grown: list[str], before: int) -> bool:
    return len(grown) > before


async def refusal(call: Awaitable[Any]) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_a_trigger_opens_one_modal(
    sim: SlackSim, client: AsyncWebClient, trigger: str, alice: Person
) -> None:
    answer = await client.views_open(trigger_id=trigger, view=modal())
    assert alice.view is not None
    assert answer["view"]["id"] == alice.view.id
    assert alice.view.title == "Restore a VM"
    assert sim.screen(alice) == (
        "== Restore a VM ==\nVM name: <...>\nCluster: <Choose>\n[Restore]\n"
    )
    assert await refusal(client.views_open(trigger_id=trigger, view=modal())) == "trigger_exchanged"


async def test_a_trigger_lives_three_seconds(
    client: AsyncWebClient, clock: HandClock, trigger: str, alice: Person
) -> None:
    clock.advance(3.1)
    assert await refusal(client.views_open(trigger_id=trigger, view=modal())) == "trigger_expired"
    assert (
        await refusal(client.views_open(trigger_id="1.2.x", view=modal())) == "invalid_trigger_id"
    )
    assert alice.view is None


async def test_a_bad_view_does_not_spend_the_trigger(client: AsyncWebClient, trigger: str) -> None:
    bad = modal(title=plain("x" * 25))
    with pytest.raises(SlackApiError) as caught:
        await client.views_open(trigger_id=trigger, view=bad)
    assert caught.value.response["error"] == "invalid_arguments"
    assert caught.value.response["response_metadata"]["messages"] == [
        "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"
    ]
    await client.views_open(trigger_id=trigger, view=modal())


async def test_a_form_is_filled_in_and_submitted(
    app: AsyncApp, client: AsyncWebClient, trigger: str, alice: Person
) -> None:
    bodies: list[Json] = []

    @app.view("restore")
    async def submitted(ack: AsyncAck, body: Json) -> None:
        bodies.append(body)
        await ack()

    await client.views_open(trigger_id=trigger, view=modal(private_metadata="C1"))
    result = await alice.fill_and_submit({"VM name": "db.x.com--snap & <x>", "cluster": "east"})
    assert (result.status, result.action) == ("ok", "close")
    assert alice.view is None
    view = bodies[0]["view"]
    assert view["private_metadata"] == "C1"
    values = view["state"]["values"]
    assert values["name"]["value"] == {
        "type": "plain_text_input",
        "value": "db.x.com--snap & <x>",
    }
    assert values["where"]["cluster"]["selected_option"]["value"] == "e"


async def test_the_client_checks_the_form_itself(
    client: AsyncWebClient, trigger: str, alice: Person
) -> None:
    await client.views_open(trigger_id=trigger, view=modal())
    with pytest.raises(NotPossible, match="'VM name' must be filled in"):
        await alice.fill_and_submit({})
    with pytest.raises(NotPossible, match="2 to 3000 characters"):
        await alice.fill_and_submit({"name": "x"})
    with pytest.raises(NotPossible, match="'Nope' is not there"):
        await alice.fill({"Nope": "x"})


async def test_the_app_can_refuse_change_push_and_clear(
    app: AsyncApp, client: AsyncWebClient, trigger: str, alice: Person
) -> None:
    answers: list[Json] = [
        {"response_action": "errors", "errors": {"name": "no such VM"}},
        {"response_action": "update", "view": modal(title=plain("Again"))},
        {"response_action": "push", "view": modal(title=plain("On top"))},
        {"response_action": "errors", "errors": {"nope": "x"}},
        {"response_action": "clear"},
    ]

    @app.view("restore")
    async def submitted(ack: AsyncAck) -> None:
        await ack(**answers.pop(0))

    await client.views_open(trigger_id=trigger, view=modal())

    async def submit() -> Any:
        return await alice.fill_and_submit({"name": "db"})

    assert (await submit()).errors == {"name": "no such VM"}
    assert (await submit()).action == "update"
    assert alice.view is not None
    assert alice.view.title == "Again"
    await submit()
    assert alice.view.title == "On top"
    with pytest.raises(NotPossible, match="no inputs"):
        await submit()
    await submit()
    assert alice.view is None


async def test_a_modal_can_be_updated_by_its_ids_and_its_hash(
    client: AsyncWebClient, trigger: str, alice: Person
) -> None:
    opened = (await client.views_open(trigger_id=trigger, view=modal(external_id="r-1")))["view"]
    await alice.fill({"name": "db"})
    again = modal(title=plain("B"), external_id="r-1")
    await client.views_update(view_id=opened["id"], view=again, hash=opened["hash"])
    assert alice.view is not None
    assert alice.view.title == "B"
    assert alice.view.state["name"]["value"]["value"] == "db"
    call = client.views_update(view_id=opened["id"], view=again, hash=opened["hash"])
    assert await refusal(call) == "hash_conflict"
    await client.views_update(external_id="r-1", view=again)
    assert await refusal(client.views_update(view_id="V0NONE", view=again)) == "not_found"


async def test_a_stack_holds_three_modals(
    app: AsyncApp, client: AsyncWebClient, trigger: str, alice: Person
) -> None:
    more = {"type": "button", "action_id": "more", "text": plain("More")}
    blocks = [{"type": "actions", "elements": [more]}]
    outcomes: list[str] = []

    @app.action("more")
    async def push(ack: AsyncAck, body: Json) -> None:
        await ack()
        try:
            await client.views_push(trigger_id=body["trigger_id"], view=modal(blocks=blocks))
            outcomes.append("ok")
        except SlackApiError as refused:
            outcomes.append(refused.response["error"])

    await client.views_open(trigger_id=trigger, view=modal(blocks=blocks))
    for _ in range(3):
        before = len(outcomes)
        assert alice.view is not None
        await (await alice.click(alice.view, "More")).settled()
        await until(partial(_longer, outcomes, before), "the app's call")
    assert outcomes == ["ok", "ok", "push_limit_reached"]
    await alice.close_view()
    await alice.close_view()
    assert alice.view is not None


async def test_closing_is_told_only_on_request(
    app: AsyncApp, client: AsyncWebClient, trigger: str, alice: Person
) -> None:
    told: list[Json] = []

    @app.view_closed("restore")
    async def closed(ack: AsyncAck, body: Json) -> None:
        await ack()
        told.append(body)

    await client.views_open(trigger_id=trigger, view=modal(notify_on_close=True))
    await alice.close_view()
    assert alice.view is None
    await until(lambda: told, "view_closed")
    assert told[0]["is_cleared"] is False


@pytest.mark.usefixtures("app")
async def test_home(
    sim: SlackSim, client: AsyncWebClient, alice: Person, heard: list[Json]
) -> None:
    await alice.open_home()
    await quiet(sim)
    assert heard[0]["event"]["tab"] == "home"
    assert "view" not in heard[0]["event"]
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    published = await client.views_publish(user_id=alice.id, view=home)
    assert alice.home is not None
    assert published["view"]["id"] == alice.home.id
    await alice.open_home()
    await quiet(sim)
    assert heard[1]["event"]["view"]["hash"] == alice.home.hash
    call = client.views_publish(user_id=alice.id, view=home, hash="0.old")
    assert await refusal(call) == "hash_conflict"


async def test_a_command_can_open_a_modal(
    sim: SlackSim, app: AsyncApp, client: AsyncWebClient, alice: Person, channel: Channel
) -> None:
    @app.command("/vm-restore")
    async def start(ack: AsyncAck, body: Json) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal())

    await (await alice.slash(channel, "/vm-restore")).settled()
    await quiet(sim)
    assert alice.view is not None


def searching(**more: Any) -> Json:
    """A form with a search that depends on a menu above it, and a choice of a channel."""
    search = {"type": "external_select", "action_id": "search", "min_query_length": 0}
    where = {
        "type": "conversations_select",
        "action_id": "thread_ref",
        "filter": {"include": ["public"], "exclude_external_shared_channels": True},
    }
    shape = modal()
    shape["blocks"] += [
        {"type": "input", "block_id": "vm", "label": plain("VM"), "element": search, **more},
        {"type": "input", "block_id": "thread_ref", "label": plain("Place"), "element": where},
    ]
    return shape


async def test_a_menu_is_not_told_what_is_chosen_beside_it(
    app: AsyncApp, client: AsyncWebClient, trigger: str, alice: Person
) -> None:
    seen: list[Json] = []

    @app.options("search")
    async def offer(ack: AsyncAck, body: Json) -> None:
        seen.append(body["view"])
        await ack(options=[{"text": plain("db"), "value": "db"}])

    await client.views_open(trigger_id=trigger, view=searching())
    await alice.fill({"Cluster": "east"})
    assert alice.view is not None
    await alice.options(alice.view, "VM", "")
    assert seen[0]["state"] == {"values": {}}


async def test_a_field_that_is_drawn_anew_under_another_id_is_empty(
    client: AsyncWebClient, trigger: str, alice: Person, sim: SlackSim
) -> None:
    opened = (await client.views_open(trigger_id=trigger, view=modal()))["view"]
    await alice.fill({"VM name": "db", "Cluster": "east"})
    assert "VM name: <db>" in sim.screen(alice)
    again = modal()
    again["blocks"][0]["block_id"] = "another"
    await client.views_update(view_id=opened["id"], view=again)
    assert "VM name: <...>" in sim.screen(alice)
    assert "Cluster: <east>" in sim.screen(alice)


async def test_errors_stand_beside_their_fields_until_the_form_is_sent_again(
    app: AsyncApp, client: AsyncWebClient, trigger: str, alice: Person, sim: SlackSim
) -> None:
    answers: list[Json] = [{"response_action": "errors", "errors": {"where": "not there"}}, {}]

    @app.view("restore")
    async def submitted(ack: AsyncAck) -> None:
        await ack(**answers.pop(0))

    await client.views_open(trigger_id=trigger, view=modal())
    await alice.fill_and_submit({"VM name": "db"})
    assert sim.screen(alice).splitlines()[2:4] == ["Cluster: <Choose>", "! not there"]
    await alice.fill_and_submit({})
    assert alice.view is None


async def test_a_conversation_is_chosen_as_the_filter_allows(
    client: AsyncWebClient, trigger: str, alice: Person, sim: SlackSim, channel: Channel
) -> None:
    shared = sim.channel("with-vendor", alice, ext_shared=True)
    private = sim.channel("secret", alice, private=True)
    hidden = sim.channel("not-hers", private=True)
    await client.views_open(trigger_id=trigger, view=searching())
    for wrong in (shared, private, hidden):
        with pytest.raises(NotPossible):
            await alice.fill({"Place": wrong})
    await alice.fill({"Place": sim.channel("open-to-all")})  # Slack offers it to who is not in it
    await alice.fill({"Place": channel})
    assert f"Place: <#{channel.name}>" in sim.screen(alice)


async def test_slack_knows_what_a_filter_may_say(client: AsyncWebClient, trigger: str) -> None:
    bad = searching()
    bad["blocks"][-1]["element"]["filter"] = {"include": ["everything"]}
    assert await refusal(client.views_open(trigger_id=trigger, view=bad)) == "invalid_arguments"
