"""What is stored of a delivery loads in the release that comes next, or is put off by name."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from bot.request import ParsedRequest, Verb
from bot.restore.events import Button
from bot.restore.thread import UserId
from bot.slack.deliveries import (
    ButtonClicked,
    ChannelIdChanged,
    ChannelLost,
    HomeOpened,
    MessageDeleted,
    MessageReceived,
    ModalChanged,
    ModalOpened,
    ModalSubmitted,
    Received,
    SlashCommand,
    fields,
    parse,
)
from bot.slack.views.form_state import (
    Choice,
    Field,
    FormConversation,
    FormRequest,
    FormState,
    Selection,
)
from bot.store.documents import Unreadable, dump_body, load_body
from bot.store.records import Delivery
from tests.restore.ground import NOW

FIXTURES = Path(__file__).parent.parent / "store" / "documents" / "deliveries"
OWNER = UserId("U01ONCALL")
URL = "https://hooks.slack.test/actions/T1/1/x"

FORM = FormState(
    view="V1",
    at=FormConversation(channel="C0OPS", thread="1771432200.000100"),
    chosen=Selection(
        cluster="east",
        where="C0OPS",
        namespace=Choice(value="shop", text="shop", description="2 VMs"),
        vm=Choice(value="shop/db-01", text="db-01", description="in shop"),
        snapshot=Choice(value="0123456789ab/nightly", text="nightly", description="ready"),
    ),
    blocks={Field.CLUSTER: "form-cluster", Field.VM: "form-vm.0123456789ab.0123456789ab"},
)
EVERY_DELIVERY: tuple[Received, ...] = (
    MessageReceived(
        user=OWNER,
        channel="C0OPS",
        thread="1771432200.000100",
        ts="1771432260.000200",
        bot_thread=True,
        typed="<@U0BOT> db-01",
        plain=True,
        spoken="db-01",
        addressed=True,
        words=False,
    ),
    MessageReceived(
        user=OWNER,
        channel="C0OPS",
        ts="1771432260.000200",
        bot_thread=False,
        typed="restore db-01 from nightly-1",
        plain=False,
        spoken="restore db-01 from nightly-1",
        addressed=False,
        words=True,
        request=ParsedRequest(Verb.RESTORE, vm="db-01", snapshot="nightly-1"),
    ),
    MessageDeleted(channel="C0OPS", thread="1771432200.000100", ts="1771432260.000200"),
    ChannelIdChanged(old="G0OPS", channel="C0OPS"),
    ChannelLost(channel="C0OPS"),
    HomeOpened(user=OWNER, channel="D0ONCALL"),
    SlashCommand(
        user=OWNER, channel="C0OPS", text="restore db-01", trigger="1.2.abc", response_url=URL
    ),
    ButtonClicked(
        user=OWNER,
        channel="C0OPS",
        thread="1771432200.000100",
        button=Button.PICK_SNAPSHOT,
        ref="R1@2",
        value="nightly",
        response_url=URL,
    ),
    ModalOpened(
        user=OWNER,
        channel="C0OPS",
        thread="1771432200.000100",
        trigger="1.2.abc",
        response_url=URL,
    ),
    ModalChanged(
        user=OWNER, channel="C0OPS", thread="1771432200.000100", form=FORM, changed=Field.VM
    ),
    ModalSubmitted(
        user=OWNER,
        channel="C0OPS",
        thread="1771432200.000100",
        request=FormRequest(cluster="east", namespace="shop", vm="db-01", snapshot="nightly"),
    ),
)
KINDS = {each.kind for each in EVERY_DELIVERY}


def file_of(received: Received) -> Path:
    """Its fixture. A message that the listener has parsed has one of its own."""
    parsed = isinstance(received, MessageReceived) and received.request is not None
    return FIXTURES / f"{received.kind}{'.parsed' if parsed else ''}.json"


def stored(kind: str, body: dict[str, Any]) -> Delivery:
    """A delivery as the store gives it back."""
    return Delivery("k", kind, load_body(dump_body(body)), attempts=1, accepted_at=NOW)


@pytest.mark.parametrize("received", EVERY_DELIVERY, ids=lambda each: file_of(each).stem)
def test_a_stored_delivery_of_each_kind_loads(received: Received, *, update_golden: bool) -> None:
    """A field that is added later has a default, so that the files load as they are."""
    path = file_of(received)
    if update_golden and not path.exists():
        path.parent.mkdir(exist_ok=True)
        text = json.dumps(fields(received), indent=2) + "\n"
        path.write_text(text, encoding="utf-8")
    body = load_body(path.read_text(encoding="utf-8"))
    assert parse(stored(received.kind, body)) == received
    assert fields(received).items() >= body.items()


def test_the_fixtures_are_of_every_kind_there_is() -> None:
    known = {each.model_fields["kind"].default for each in get_args(Received)}
    assert {path.stem.split(".")[0] for path in FIXTURES.glob("*.json")} == known == KINDS


@pytest.mark.parametrize(
    ("kind", "body", "place"),
    [
        ("rumour", {}, "-"),
        ("lost", {}, "lost.channel"),
        ("lost", {"channel": "C0OPS", "secret_words": "hunter2"}, "lost.secret_words"),
        ("lost", {"channel": 7}, "lost.channel"),
    ],
)
def test_what_another_release_wrote_is_unreadable_by_name(
    kind: str, body: dict[str, Any], place: str
) -> None:
    with pytest.raises(Unreadable) as unreadable:
        parse(stored(kind, body))
    assert unreadable.value.text == f"a delivery of kind {kind} does not load at {place}"


def test_half_of_a_surrogate_pair_is_replaced() -> None:
    """Slack may send one, and no text can be encoded with it."""
    command = SlashCommand(user=OWNER, channel="C0OPS", text="db \ud83d \U0001f534", trigger="1")
    assert command.text == "db \ufffd \U0001f534"
    assert parse(stored("command", fields(command))) == command
