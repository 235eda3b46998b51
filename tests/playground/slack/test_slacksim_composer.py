from typing import Any

import pytest

from bot.playground.clock import HandClock
from bot.playground.slack.composer import Composer, Keyboard, unescape
from bot.playground.slack.workspace import User, Workspace

Json = dict[str, Any]


@pytest.fixture
def workspace() -> Workspace:
    made = Workspace(HandClock(), 0)
    alice = made.add_user(User("U0ALICE", "alice", made.team_id, "Alice Example"))
    made.add_channel("ops", "channel", [alice])
    made.add_channel("secret", "group", [alice])
    made.add_group("oncall", [alice])
    return made


def section(*elements: Json) -> list[Json]:
    return [{"type": "rich_text_section", "elements": list(elements)}]


def words(text: str, **style: bool) -> Json:
    return {"type": "text", "text": text} | ({"style": style} if style else {})


def link(url: str, text: str | None = None) -> Json:
    return {"type": "link", "url": url} | ({"text": text} if text else {})


@pytest.mark.parametrize(
    ("typed", "text", "elements"),
    [
        pytest.param("  snap-1\n", "snap-1", section(words("snap-1")), id="outer space goes"),
        pytest.param(
            "status <web-01> & web-02",
            "status &lt;web-01&gt; &amp; web-02",
            section(words("status <web-01> & web-02")),
            id="three characters are escaped in text and raw in blocks",
        ),
        pytest.param(
            "restore db.prod-01.example.com now",
            "restore <http://db.prod-01.example.com|db.prod-01.example.com> now",
            section(
                words("restore "),
                link("http://db.prod-01.example.com", "db.prod-01.example.com"),
                words(" now"),
            ),
            id="a host name is linked",
        ),
        pytest.param("db.prod-01", "db.prod-01", section(words("db.prod-01")), id="no such domain"),
        pytest.param("v1.2.3", "v1.2.3", section(words("v1.2.3")), id="numbers are no host name"),
        pytest.param(
            "backup.sh.",
            "<http://backup.sh|backup.sh>.",
            section(link("http://backup.sh", "backup.sh"), words(".")),
            id="a file name may look like a host, its full stop stays outside",
        ),
        pytest.param(
            "see https://x.io/a?b=1&c=2.",
            "see <https://x.io/a?b=1&amp;c=2>.",
            section(words("see "), link("https://x.io/a?b=1&c=2"), words(".")),
            id="a URL has no label",
        ),
        pytest.param(
            "ask a.b@c.org",
            "ask <mailto:a.b@c.org|a.b@c.org>",
            section(words("ask "), link("mailto:a.b@c.org", "a.b@c.org")),
            id="an address is linked",
        ),
        pytest.param("`snap-1`", "`snap-1`", section(words("snap-1", code=True)), id="inline code"),
        pytest.param(
            "`db.example.com`",
            "`db.example.com`",
            section(words("db.example.com", code=True)),
            id="nothing is linked in code",
        ),
        pytest.param(
            "*now* _really_ ~not~",
            "*now* _really_ ~not~",
            section(
                words("now", bold=True),
                words(" "),
                words("really", italic=True),
                words(" "),
                words("not", strike=True),
            ),
            id="styles",
        ),
        pytest.param(
            "@alice, @nobody",
            "<@U0ALICE>, @nobody",
            section({"type": "user", "user_id": "U0ALICE"}, words(", @nobody")),
            id="known names are mentions",
        ),
        pytest.param(
            "@here!",
            "<!here>!",
            section({"type": "broadcast", "range": "here"}, words("!")),
            id="a broadcast",
        ),
        pytest.param(
            "<@U0ALICE>",
            "<@U0ALICE>",
            section(words("<@U0ALICE>")),
            id="a typed literal looks like a mention in text only",
        ),
        pytest.param(
            "done 👍 :fire:",
            "done :+1: :fire:",
            section(
                words("done "),
                {"type": "emoji", "name": "+1"},
                words(" "),
                {"type": "emoji", "name": "fire"},
            ),
            id="emoji",
        ),
        pytest.param("at 10:30:45", "at 10:30:45", section(words("at 10:30:45")), id="no emoji"),
        pytest.param(
            "- one\n- two",
            "• one\n• two",
            [
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "indent": 0,
                    "elements": [*section(words("one")), *section(words("two"))],
                    "border": 0,
                }
            ],
            id="a list",
        ),
        pytest.param(
            "> so\nwell",
            "&gt; so\nwell",
            [{"type": "rich_text_quote", "elements": [words("so")]}, *section(words("well"))],
            id="a quotation",
        ),
        pytest.param(
            "```a <b>```",
            "```a &lt;b&gt;```",
            [{"type": "rich_text_preformatted", "elements": [words("a <b>")], "border": 0}],
            id="a fence",
        ),
    ],
)
def test_typed_text_becomes(
    workspace: Workspace, typed: str, text: str, elements: list[Json]
) -> None:
    composed = Composer(workspace).compose(typed)
    assert composed.text == text
    assert [block["type"] for block in composed.blocks] == ["rich_text"]
    assert composed.blocks[0]["elements"] == elements


def test_a_mention_of_the_bot_is_found_wherever_it_stands(workspace: Workspace) -> None:
    composed = Composer(workspace).compose("> hey @vm-restore: help")
    assert composed.mentions == (workspace.bot.id,)
    assert composed.text == f"&gt; hey <@{workspace.bot.id}>: help"


def test_channels_and_groups_are_linked(workspace: Workspace) -> None:
    composed = Composer(workspace).compose("#ops #secret @oncall")
    ops, secret = workspace.channels
    group = next(iter(workspace.groups))
    assert composed.text == f"<#{ops}|ops> <#{secret}|> <!subteam^{group}>"


@pytest.mark.parametrize(
    ("keyboard", "typed", "text"),
    [
        (Keyboard(smart_punctuation=True), 'snap--1 "a" it\'s', "snap—1 “a” it\u2019s"),
        (Keyboard(capital=True), "db-snap", "Db-snap"),
        (Keyboard(nbsp=True), "a b.com c", "a\u00a0<http://b.com|b.com>\u00a0c"),
        (Keyboard(phones=True), "20240115-1200", "<tel:20240115-1200|20240115-1200>"),
        (Keyboard(trailing_slash=True), "https://x.io", "<https://x.io/>"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_keyboards_take_liberties(
    workspace: Workspace, keyboard: Keyboard, typed: str, text: str
) -> None:
    assert Composer(workspace).compose(typed, keyboard).text == text


def test_no_break_spaces_stand_in_blocks_too(workspace: Workspace) -> None:
    composed = Composer(workspace).compose("@vm-restore restore", Keyboard(nbsp=True))
    assert composed.blocks[0]["elements"][0]["elements"][1] == words("\u00a0restore")


def test_escapes_are_undone_in_the_right_order() -> None:
    assert unescape("&amp;lt; &lt;") == "&lt; <"
