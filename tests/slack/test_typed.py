"""Typed text: Slack's rewriting undone exactly for confirmations, and as sentences for requests."""

import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.request import ParsedRequest, Verb, parse_sentence
from bot.slack.markup.message_text import (
    Spoken,
    TypedText,
    command_text,
    hint,
    spoken_text,
    typed_text,
)

BOT = "U0FAKEBOT01"
STEADY = settings(deadline=None, derandomize=True, max_examples=150)
SNAP = "snap-2026-11-22"
HOST = "db.prod-01.example.com"


def text_part(text: str, **style: bool) -> dict[str, Any]:
    """A text element as the composer makes it."""
    return {"type": "text", "text": text} | ({"style": style} if style else {})


def link(url: str, label: str | None = None) -> dict[str, Any]:
    """A link element; Slack leaves the label out when it equals the address."""
    return {"type": "link", "url": url} | ({"text": label} if label is not None else {})


def user(user_id: str) -> dict[str, Any]:
    """A mention."""
    return {"type": "user", "user_id": user_id}


def element(kind: str, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A rich text element such as `section` or `quote`."""
    return {"type": f"rich_text_{kind}", "elements": list(parts)} | more


def message(*elements: dict[str, Any], text: str = "") -> dict[str, Any]:
    """A message event with one rich text block."""
    block = {"type": "rich_text", "block_id": "aB1c", "elements": list(elements)}
    return {"type": "message", "user": "U0FAKEUSR01", "text": text, "blocks": [block]}


def section(*parts: dict[str, Any]) -> dict[str, Any]:
    """A message event with one section."""
    return message(element("section", *parts))


def old(text: str) -> dict[str, Any]:
    """A message event without blocks, as older clients send it."""
    return {"type": "message", "user": "U0FAKEUSR01", "text": text}


PLAIN = {
    "the name": (section(text_part(SNAP)), SNAP),
    "the name, text only": (old(SNAP), SNAP),
    "inline code": (section(text_part(SNAP, code=True)), SNAP),
    "inline code, text only": (old(f"`{SNAP}`"), SNAP),
    "a code block": (message(element("preformatted", text_part(SNAP))), SNAP),
    "bold": (section(text_part(SNAP, bold=True)), SNAP),
    "white space around": (section(text_part(f" {SNAP}\u00a0\u200b")), SNAP),
    "white space around, text only": (old(f"\ufeff\u2060 {SNAP}\n"), SNAP),
    "a mention of the bot before it": (section(user(BOT), text_part(f" {SNAP}")), SNAP),
    "a mention of the bot before it, text only": (old(f"<@{BOT}> {SNAP}"), SNAP),
    "a mention and code, text only": (old(f"<@{BOT}> `{SNAP}`"), SNAP),
    "a linked host": (section(link(f"http://{HOST}", HOST)), HOST),
    "a linked host with a slash added": (section(link(f"https://{HOST}/", HOST)), HOST),
    "a linked host, text only": (old(f"<http://{HOST}|{HOST}>"), HOST),
    "a number taken for a phone": (section(link("tel:20240115", "20240115")), "20240115"),
    "a number taken for a phone, text only": (old("<tel:20240115|20240115>"), "20240115"),
    "a host linked in part": (
        section(text_part("pre-"), link("http://db.io", "db.io"), text_part("-1")),
        "pre-db.io-1",
    ),
    "a host linked in part, text only": (old("pre-<http://db.io|db.io>-1"), "pre-db.io-1"),
    "escaped characters": (section(text_part("<web-01> & web-02")), "<web-01> & web-02"),
    "escaped characters, text only": (old("&lt;web-01&gt; &amp; web-02"), "<web-01> & web-02"),
    "an escaped entity is decoded once": (old("&amp;lt;"), "&lt;"),
    "a sentence": (section(text_part("hold on a moment")), "hold on a moment"),
    "a capital letter stays": (section(text_part("Snap-2026-11-22")), "Snap-2026-11-22"),
    "a smart dash stays": (section(text_part("pre\u2014upgrade")), "pre\u2014upgrade"),
    "a full-width letter stays": (section(text_part("\uff53nap")), "\uff53nap"),
    "a zero-width character inside stays": (section(text_part("sn\u200bap")), "sn\u200bap"),
    "blocks count before text": (message(element("section", text_part("a")), text="b"), "a"),
    "no rich text in the blocks": (old(SNAP) | {"blocks": [{"type": "section"}]}, SNAP),
    "only one pair of backticks goes": (old("``snap``"), "`snap`"),
    "nothing": (old(""), ""),
}
NEVER_A_NAME = {
    "another person": section(user("U0ALICE"), text_part(SNAP)),
    "another person, text only": old(f"<@U0ALICE> {SNAP}"),
    "the bot behind the name": section(text_part(SNAP), user(BOT)),
    "the bot twice": section(user(BOT), user(BOT), text_part(SNAP)),
    "the bot twice, text only": old(f"<@{BOT}><@{BOT}> {SNAP}"),
    "an emoji": section(text_part(SNAP), {"type": "emoji", "name": "x"}),
    "a channel": section({"type": "channel", "channel_id": "C1"}),
    "a channel, text only": old("<#C1|general>"),
    "everyone": section({"type": "broadcast", "range": "channel"}, text_part(SNAP)),
    "everyone, text only": old(f"<!channel> {SNAP}"),
    "a group": section({"type": "usergroup", "usergroup_id": "S1"}),
    "a colour": section({"type": "color", "value": "#aabbcc"}),
    "a date": section({"type": "date", "timestamp": 1, "fallback": SNAP}),
    "a part of a kind to come": section({"type": "hologram", "text": SNAP}),
    "a label over another address": section(link("http://evil.example.com", SNAP)),
    "a label over another address, text only": old(f"<http://evil.example.com|{SNAP}>"),
    "a typed address": section(link(f"http://{HOST}")),
    "a typed address, text only": old(f"<http://{HOST}>"),
    "a label with a path": section(link(f"http://{HOST}/x", HOST)),
    "a quote": message(element("quote", text_part(SNAP))),
    "a list": message(element("list", element("section", text_part(SNAP)), style="bullet")),
    "two elements": message(
        element("section", text_part(SNAP)), element("preformatted", text_part(""))
    ),
    "two blocks": {"blocks": section(text_part(SNAP))["blocks"] * 2},
    "no element": message(),
    "a part that is no part": section({"type": "text", "text": None}),
}


@pytest.mark.parametrize(("event", "typed"), PLAIN.values(), ids=PLAIN)
def test_what_was_typed_comes_back_as_it_was_typed(event: dict[str, Any], typed: str) -> None:
    assert typed_text(event, BOT) == TypedText(typed, plain=True)


@pytest.mark.parametrize("event", NEVER_A_NAME.values(), ids=NEVER_A_NAME)
def test_what_can_never_be_a_name_is_marked(event: dict[str, Any]) -> None:
    assert not typed_text(event, BOT).plain


def escaped(text: str) -> str:
    """As Slack escapes `text`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@STEADY
@given(name=st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,30}[a-z0-9])?", fullmatch=True))
def test_a_name_survives_every_way_slack_writes_it(name: str) -> None:
    ways = (
        section(text_part(name)),
        section(user(BOT), text_part(f" {name} ")),
        section(link(f"http://{name}", name)),
        section(text_part(name, code=True)),
        old(name),
        old(f"<@{BOT}> `{name}`"),
        old(f"<http://{name}/|{name}>"),
    )
    for event in ways:
        assert typed_text(event, BOT) == TypedText(name, plain=True)


@STEADY
@given(text=st.text(string.printable, max_size=40))
def test_both_forms_of_a_message_give_the_same_text(text: str) -> None:
    if "`" not in text:
        assert typed_text(section(text_part(text)), BOT) == typed_text(old(escaped(text)), BOT)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "elements", "text", "url", "style", "user_id"]), inner
        )
    ),
    max_leaves=10,
)


@STEADY
@given(elements=JSON, text=JSON)
def test_no_shape_of_an_event_raises(elements: object, text: object) -> None:
    event = {"text": text, "blocks": [{"type": "rich_text", "elements": elements}, elements]}
    typed_text(event, BOT)
    spoken_text(event, BOT)
    spoken_text({"text": text, "blocks": elements}, BOT)


SPOKEN = {
    "a mention is taken out": (
        section(user(BOT), text_part(" restore "), link(f"http://{HOST}", HOST)),
        Spoken(f"restore {HOST}", mentioned=True),
    ),
    "a mention is taken out, text only": (
        old(f"<@{BOT}> restore <http://{HOST}|{HOST}>"),
        Spoken(f"restore {HOST}", mentioned=True),
    ),
    "a mention with a label, text only": (
        old(f"hey <@{BOT}|vm-restore> help"),
        Spoken("hey help", mentioned=True),
    ),
    "another person stays": (
        section(text_part("handoff "), user("U0BOB")),
        Spoken("handoff <@U0BOB>", mentioned=False),
    ),
    "a mention that is only spelled out": (
        section(text_part(f"<@{BOT}> restore web")),
        Spoken(f"<@{BOT}> restore web", mentioned=False),
    ),
    "a mention that is only spelled out, text only": (
        old(f"&lt;@{BOT}&gt; restore web"),
        Spoken(f"<@{BOT}> restore web", mentioned=False),
    ),
    "code keeps its backticks": (
        section(text_part("restore "), text_part("web-01", code=True), text_part(".")),
        Spoken("restore `web-01`.", mentioned=False),
    ),
    "white space becomes single spaces": (
        section(text_part("restore\u00a0web-01\u2003\tfrom  a\u200b-1")),
        Spoken("restore web-01 from a-1", mentioned=False),
    ),
    "lines stay lines": (
        section(text_part("It broke\nRestore web-01")),
        Spoken("It broke\nRestore web-01", mentioned=False),
    ),
    "entities are decoded": (old("a &amp;lt; b &lt; c"), Spoken("a &lt; b < c", mentioned=False)),
    "blocks hold the raw characters": (
        section(text_part("a &lt; b")),
        Spoken("a &lt; b", mentioned=False),
    ),
    "quotes are marked": (
        message(element("quote", text_part("restore web\nnow"), user(BOT))),
        Spoken("> restore web\n> now", mentioned=False),
    ),
    "quotes are marked, text only": (
        old(f"&gt; <@{BOT}> restore web"),
        Spoken("> restore web", mentioned=False),
    ),
    "code blocks are fenced": (
        message(element("preformatted", text_part("restore web"))),
        Spoken("```\nrestore web\n```", mentioned=False),
    ),
    "a mention in code does not count, text only": (
        old(f"try `<@{BOT}> help`"),
        Spoken("try ` help`", mentioned=False),
    ),
    "list items are marked": (
        message(
            element("section", text_part("Plan:\n")),
            element(
                "list",
                element("section", text_part("stop web")),
                element("section", text_part("restore web")),
                style="ordered",
            ),
        ),
        Spoken("Plan:\n\n1. stop web\n1. restore web", mentioned=False),
    ),
    "a mention in a list counts": (
        message(element("list", element("section", user(BOT), text_part(" help")))),
        Spoken("- help", mentioned=True),
    ),
    "what was struck out was not said": (
        section(text_part("restore "), text_part("web-01 ", strike=True), text_part("web-02")),
        Spoken("restore web-02", mentioned=False),
    ),
    "what was struck out was not said, text only": (
        old("restore ~web-01~ web-02"),
        Spoken("restore web-02", mentioned=False),
    ),
    "emoji and broadcasts are spelled": (
        section({"type": "emoji", "name": "tada"}, {"type": "broadcast", "range": "here"}),
        Spoken(":tada:<!here>", mentioned=False),
    ),
    "an unlabelled link is its address": (
        section(link("https://example.com/a")),
        Spoken("https://example.com/a", mentioned=False),
    ),
    "nothing": ({}, Spoken("", mentioned=False)),
}


@pytest.mark.parametrize(("event", "wanted"), SPOKEN.values(), ids=SPOKEN)
def test_a_message_as_words(event: dict[str, Any], wanted: Spoken) -> None:
    assert spoken_text(event, BOT) == wanted


RESTORE = ParsedRequest(Verb.RESTORE, vm="web-01", snapshot="latest")
READ = {
    "a name in code is exact": (
        section(text_part("Restore web-01 from "), text_part("latest", code=True)),
        RESTORE,
    ),
    "a name in code is exact, text only": (old("Restore web-01 from `latest`"), RESTORE),
    "a described snapshot is not": (
        section(text_part("Restore web-01 from latest")),
        replace(RESTORE, snapshot=None, described="latest"),
    ),
    "a quote starts nothing": (
        message(element("quote", text_part("Restore web-01 from latest"))),
        ParsedRequest(Verb.NONE),
    ),
    "a code block starts nothing": (
        message(element("preformatted", text_part("Restore web-01 from latest"))),
        ParsedRequest(Verb.NONE),
    ),
    "a plan starts nothing": (
        message(element("list", element("section", text_part("Restore web-01")))),
        ParsedRequest(Verb.NONE),
    ),
    "a plan said to the bot starts": (
        message(
            element("section", user(BOT), text_part(" please:")),
            element("list", element("section", text_part("Restore web-01 from `latest`"))),
        ),
        RESTORE,
    ),
    "a linked host is a name": (
        section(user(BOT), text_part(" restore "), link(f"http://{HOST}", HOST)),
        ParsedRequest(Verb.RESTORE, vm=HOST),
    ),
}


@pytest.mark.parametrize(("event", "wanted"), READ.values(), ids=READ)
def test_what_was_spoken_is_read_as_a_request(event: dict[str, Any], wanted: ParsedRequest) -> None:
    spoken = spoken_text(event, BOT)
    assert parse_sentence(spoken.text, addressed=spoken.mentioned) == wanted


EXPECTED = "pre--upgrade-snapshot"
HINTS = {
    "Pre--upgrade-snapshot": "capital letter",
    "PRE--UPGRADE-SNAPSHOT": "capital letter",
    "pre\u2014upgrade-snapshot": "smart dash",
    "pre--upgrade\u2013snapshot": "smart dash",
    "Pre\u2014upgrade-snapshot": "smart dash",
    "pre--upgrade-snapshot.": "punctuation",
    "\u201cpre--upgrade-snapshot\u201d": "quotation marks",
    "'pre--upgrade-snapshot'": "quotation marks",
    "pre--upgrade\u200b-snapshot": "invisible",
    "pre--upgrade-snapshot ": "white space",
    "pre--upgrade -snapshot": "white space inside",
    "pre--upgrade snapshot": "a space where",
    "pre--upgrade_snapshot": "underscore",
    "pre--upgrade-snapsho\uff54": "only look like",
    "pre--upgr\u0430de-snapshot": "another alphabet",
    "http://pre--upgrade-snapshot/": "web address",
    "pre--upgrade": "only the beginning",
    "snapshot": "only the end",
    "pre--upgrade-snapshot-2": "more after",
    "my-pre--upgrade-snapshot": "more before",
    "it is pre--upgrade-snapshot then": "other words",
}


@pytest.mark.parametrize(("typed", "words"), HINTS.items(), ids=map(ascii, HINTS))
def test_a_slip_is_explained_in_plain_words(typed: str, words: str) -> None:
    assert words in (hint(typed, EXPECTED) or "")


def test_two_slips_are_both_explained() -> None:
    said = hint("Pre\u2014upgrade-snapshot.", EXPECTED) or ""
    assert "capital letter" in said
    assert "smart dash" in said
    assert "punctuation" in said


@pytest.mark.parametrize(
    "typed", ["pre--upgrade-snapshoT-x", "other", "pre--upgrade-snapshut", "yes"]
)
def test_another_name_gets_no_hint(typed: str) -> None:
    assert hint(typed, EXPECTED) is None


def test_the_neighbouring_snapshot_gets_no_hint() -> None:
    assert hint("snap-2026-11-21", "snap-2026-11-22") is None


def test_the_right_name_needs_no_hint() -> None:
    assert hint(EXPECTED, EXPECTED) is None


@STEADY
@given(typed=st.text(max_size=60), expected=st.text(max_size=60))
def test_any_pair_gets_an_answer(typed: str, expected: str) -> None:
    said = hint(typed, expected)
    assert said is None or said.endswith(".")


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("handoff <@U0BOB|bob>", "handoff <@U0BOB|bob>"),
        ("handoff @bob", "handoff @bob"),
        ("<http://db.example.com|db.example.com> nightly", "db.example.com nightly"),
        ("<https://db.example.com/>", "https://db.example.com/"),
        ("db-1 &amp; &lt;x&gt;", "db-1 & <x>"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_a_command_is_read_as_it_was_typed(sent: str, typed: str) -> None:
    """Only the mention of a person stays as Slack writes it."""
    assert command_text(sent) == typed
