from typing import Any

import pytest

from bot.playground.slack.blockkit import (
    MAX_BLOCKS,
    Surface,
    check_blocks,
    check_view,
    normalised,
    too_long,
)
from bot.playground.slack.workspace import Ids

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(text), **more}


def button(**more: Any) -> Json:
    return {"type": "button", "text": plain("Go"), "action_id": "go", **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def option(text: str = "a", value: str = "1") -> Json:
    return {"text": plain(text), "value": value}


def select(**more: Any) -> Json:
    return {"type": "static_select", "action_id": "pick", **more}


CONFIRM = {"title": plain("t"), "text": mrkdwn("x"), "confirm": plain("y"), "deny": plain("n")}
RICH = {
    "type": "rich_text",
    "elements": [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": "a"}]},
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "user", "user_id": "U1"}, {"type": "emoji", "name": "x"}],
                }
            ],
        },
    ],
}
TASK = {"type": "task_card", "task_id": "1", "title": "t", "status": "complete"}


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(section("x" * 3000), id="a section as long as can be"),
        pytest.param(
            {"type": "section", "fields": [mrkdwn("x" * 2000)] * 10}, id="ten fields, no text"
        ),
        pytest.param(section(accessory=button(style="danger", confirm=CONFIRM)), id="accessory"),
        pytest.param(actions(button(value="v" * 2000), select(options=[option()])), id="actions"),
        pytest.param(actions(select(options=[option()] * 100)), id="a hundred options"),
        pytest.param(
            actions(select(option_groups=[{"label": plain("g"), "options": [option()]}])),
            id="groups",
        ),
        pytest.param(
            actions({"type": "external_select", "action_id": "v", "min_query_length": 0}),
            id="external menu",
        ),
        pytest.param({"type": "header", "text": plain("x" * 150)}, id="header"),
        pytest.param({"type": "context", "elements": [mrkdwn("a"), plain("b")]}, id="context"),
        pytest.param({"type": "divider", "block_id": "b"}, id="divider"),
        pytest.param(RICH, id="rich text"),
        pytest.param({"type": "markdown", "text": "# hi"}, id="markdown"),
        pytest.param({"type": "plan", "title": "p", "tasks": [TASK]}, id="plan"),
        pytest.param({"type": "card", "title": plain("t")}, id="card"),
        pytest.param(
            {"type": "container", "title": plain("t"), "child_blocks": [section()]}, id="container"
        ),
        pytest.param({"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]}, id="table"),
    ],
)
def test_a_message_may_hold(block: Json) -> None:
    assert check_blocks([block], "message") == []


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        pytest.param(
            section("x" * 3001),
            "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
            id="a section too long",
        ),
        pytest.param(
            section(""),
            "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
            id="an empty text",
        ),
        pytest.param(
            {"type": "section"},
            "missing required field: text or fields [json-pointer:/blocks/0]",
            id="a section of nothing",
        ),
        pytest.param(
            {"type": "section", "fields": [mrkdwn("x")] * 11},
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
            id="eleven fields",
        ),
        pytest.param(
            {"type": "header", "text": plain("x" * 151)},
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
            id="a header too long",
        ),
        pytest.param(
            {"type": "header", "text": mrkdwn("x")},
            "unsupported text type: mrkdwn [json-pointer:/blocks/0/text/type]",
            id="markup in a header",
        ),
        pytest.param(
            actions(button(text=plain("x" * 76))),
            "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
            id="a button too long",
        ),
        pytest.param(
            actions(button(value="v" * 2001)),
            "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
            id="a value too long",
        ),
        pytest.param(
            actions(button(style="warning")),
            "must be a valid enum value: primary, danger [json-pointer:/blocks/0/elements/0/style]",
            id="no such style",
        ),
        pytest.param(
            actions(button(colour="red")),
            "invalid additional property: colour [json-pointer:/blocks/0/elements/0]",
            id="no such property",
        ),
        pytest.param(
            actions(button(confirm={**CONFIRM, "text": mrkdwn("x" * 301)})),
            "must be less than 301 characters "
            "[json-pointer:/blocks/0/elements/0/confirm/text/text]",
            id="a confirm dialog too long",
        ),
        pytest.param(
            actions(button(confirm={**CONFIRM, "text": None})),
            "missing required field: text [json-pointer:/blocks/0/elements/0/confirm]",
            id="half a confirm dialog",
        ),
        pytest.param(
            actions(*[button(action_id=str(n)) for n in range(26)]),
            "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
            id="too many buttons",
        ),
        pytest.param(
            actions(),
            "no less than 1 items required [json-pointer:/blocks/0/elements]",
            id="no buttons",
        ),
        pytest.param(
            actions(button(), button()),
            "`action_id` must be unique in a block: go [json-pointer:/blocks/0/elements]",
            id="one action id twice",
        ),
        pytest.param(
            actions(select(options=[option()] * 101)),
            "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]",
            id="too many options",
        ),
        pytest.param(
            actions(select()),
            "must have exactly one of: options, option_groups [json-pointer:/blocks/0/elements/0]",
            id="a menu of nothing",
        ),
        pytest.param(
            actions(select(options=[option("x" * 76)])),
            "must be less than 76 characters "
            "[json-pointer:/blocks/0/elements/0/options/0/text/text]",
            id="an option too long",
        ),
        pytest.param(
            actions(select(options=[option(value="x" * 151)])),
            "must be less than 151 characters [json-pointer:/blocks/0/elements/0/options/0/value]",
            id="an option's value too long",
        ),
        pytest.param(
            {"type": "context", "elements": [mrkdwn("x")] * 11},
            "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
            id="too much context",
        ),
        pytest.param(
            {"type": "teapot"},
            "unsupported type: teapot [json-pointer:/blocks/0/type]",
            id="no such block",
        ),
        pytest.param(
            {"type": "alert", "text": mrkdwn("x")},
            "unsupported type: alert [json-pointer:/blocks/0/type]",
            id="alert is for modals",
        ),
        pytest.param(
            {"type": "video"},
            "the playground does not cover the block type video [json-pointer:/blocks/0]",
            id="not modelled here",
        ),
        pytest.param("x", "must provide an object [json-pointer:/blocks/0]", id="no object"),
        pytest.param(
            {**TASK, "status": "completed"},
            "must be a valid enum value: pending, in_progress, complete, error "
            "[json-pointer:/blocks/0/status]",
            id="the status is called complete",
        ),
        pytest.param(
            section(block_id="b" * 256),
            "must be less than 256 characters [json-pointer:/blocks/0/block_id]",
            id="a block id too long",
        ),
    ],
)
def test_a_message_may_not_hold(block: Any, problem: str) -> None:
    assert [str(found) for found in check_blocks([block], "message")] == [problem]


@pytest.mark.parametrize("surface", ["message", "modal", "home"])
def test_blocks_are_counted(surface: Surface) -> None:
    most = MAX_BLOCKS[surface]
    assert check_blocks([section()] * most, surface) == []
    (problem,) = check_blocks([section()] * (most + 1), surface)
    assert problem.text == f"no more than {most} items allowed"


@pytest.mark.parametrize(
    "blocks",
    [
        [section(block_id="a"), section(block_id="a")],
        [{"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]}] * 2,
        [{"type": "plan", "title": "p"}, TASK],
        [{"type": "markdown", "text": "x" * 7000}] * 2,
    ],
    ids=["block ids twice", "two tables", "a plan beside a task", "too much markdown"],
)
def test_blocks_that_do_not_go_together(blocks: list[Json]) -> None:
    assert len(check_blocks(blocks, "message")) == 1


def test_a_message_has_a_length() -> None:
    assert not too_long([section("x" * 2900)] * 4)
    assert too_long([section("x" * 2900)] * 5)


def modal(**more: Any) -> Json:
    return {"type": "modal", "title": plain("t"), "blocks": [section()], **more}


INPUT = {
    "type": "input",
    "label": plain("Name"),
    "element": {"type": "plain_text_input", "action_id": "a"},
}


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        (modal(), None),
        (modal(blocks=[INPUT], submit=plain("Go")), None),
        (modal(blocks=[INPUT]), "missing required field: submit [json-pointer:/view]"),
        (
            modal(title=plain("x" * 25)),
            "must be less than 25 characters [json-pointer:/view/title/text]",
        ),
        (
            modal(private_metadata="x" * 3001),
            "must be less than 3001 characters [json-pointer:/view/private_metadata]",
        ),
        ({"type": "modal", "blocks": []}, "missing required field: title [json-pointer:/view]"),
        (
            modal(blocks=[{"type": "markdown", "text": "x"}]),
            "unsupported type: markdown [json-pointer:/view/blocks/0/type]",
        ),
        ("x", "must provide an object [json-pointer:/view]"),
    ],
)
def test_modals(view: Any, problem: str | None) -> None:
    assert [str(p) for p in check_view(view, "modal")] == ([problem] if problem else [])


def test_a_home_tab_has_no_submit_button() -> None:
    home = {"type": "home", "blocks": [section()]}
    assert check_view(home, "home") == []
    assert check_view({**home, "submit": plain("Go")}, "home")


def test_slack_adds_ids_and_defaults() -> None:
    made = normalised([actions({"type": "button", "text": plain("Go")}), section()], Ids(0))
    element = made[0]["elements"][0]
    assert made[0]["block_id"] != made[1]["block_id"]
    assert element["action_id"]
    assert element["text"]["emoji"] is True
    assert made[1]["text"]["verbatim"] is False


def test_the_given_blocks_stay_untouched() -> None:
    given = [section()]
    normalised(given, Ids(0))
    assert given == [section()]
