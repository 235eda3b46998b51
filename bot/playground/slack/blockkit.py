"""Slack's rules for blocks and views, and the small changes Slack makes to those it accepts.

`check_blocks` and `check_view` list what is wrong; `normalised` adds block ids, action ids and the
defaults of text objects, as they come back in answers and payloads. A block type that exists in
Slack but is not modelled here is refused, with words that say so.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from bot.playground.slack import elements as part
from bot.playground.slack.schema import (
    Problem,
    Rule,
    anything,
    array,
    boolean,
    both,
    exactly_one_of,
    integer,
    record,
    some_of,
    string,
    variant,
    word,
)
from bot.playground.slack.workspace import Ids

Json = dict[str, Any]
Surface = Literal["message", "modal", "home"]

MAX_BLOCKS: Mapping[Surface, int] = {"message": 50, "modal": 100, "home": 100}
MAX_CHARACTERS = 13_000  # of a message's blocks as JSON; Slack publishes no number
MAX_MARKDOWN = 12_000

EVERYWHERE = frozenset({"message", "modal", "home"})
_ONLY_MESSAGES = frozenset({"message"})
_TABLES = ("table", "data_table")
_NOT_MODELLED = ("data_table", "data_visualization", "file", "video")


def _block(kind: str, required: Mapping[str, Rule], optional: Mapping[str, Rule]) -> Rule:
    return record({"type": word(kind), **required}, {"block_id": part.ID, **optional})


_TITLES = {"title": part.text(150), "subtitle": part.text(150)}
_CARD = both(
    _block(
        "card",
        {},
        {
            **_TITLES,
            "body": part.text(200),
            "icon": anything,
            "hero_image": anything,
            "actions": array(part.ACTION, 3, 1),
        },
    ),
    some_of("hero_image", "title", "actions", "body"),
)
_RICH = _block("rich_text", {"elements": array(part.RICH_TEXT, 1000)}, {})
_TASK = _block(
    "task_card",
    {
        "task_id": string(255, 1),
        "title": string(255, 1),
        "status": word("pending", "in_progress", "complete", "error"),
    },
    {"details": _RICH, "output": _RICH, "sources": array(anything, 100)},
)
_CELL = variant(
    {
        "raw_text": record({"type": word("raw_text"), "text": string(3000)}, {}),
        "raw_number": record({"type": word("raw_number"), "value": anything}, {"text": anything}),
        "rich_text": _RICH,
    },
    "cell",
)
_PLAIN_BLOCKS: Mapping[str, Rule] = {
    "actions": _block("actions", {"elements": array(part.ACTION, 25, 1)}, {}),
    "context": _block("context", {"elements": array(part.CONTEXT_ELEMENT, 10, 1)}, {}),
    "divider": _block("divider", {}, {}),
    "header": _block("header", {"text": part.plain(150)}, {"level": integer(1, 6)}),
    "image": both(
        _block(
            "image",
            {"alt_text": string(2000)},
            {"image_url": part.URL, "slack_file": anything, "title": part.plain(2000)},
        ),
        exactly_one_of("image_url", "slack_file"),
    ),
    "input": _block(
        "input",
        {"label": part.plain(2000), "element": part.INPUT},
        {"hint": part.plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "rich_text": _RICH,
    "section": both(
        _block(
            "section",
            {},
            {
                "text": part.text(3000),
                "fields": array(part.text(2000), 10, 1),
                "accessory": part.ACCESSORY,
                "expand": boolean,
            },
        ),
        part.HAS_TEXT_OR_FIELDS,
    ),
    "table": _block(
        "table",
        {"rows": array(array(_CELL, 20, 1), 100, 1)},
        {"column_settings": array(anything, 20)},
    ),
}
_CONTAINED = variant(_PLAIN_BLOCKS, "block")
RULES: Mapping[str, Rule] = {
    **_PLAIN_BLOCKS,
    "alert": _block(
        "alert",
        {"text": part.text(200)},
        {"level": word("default", "info", "warning", "error", "success")},
    ),
    "card": _CARD,
    "carousel": _block(
        "carousel", {"elements": array(variant({"card": _CARD}, "block"), 10, 1)}, {}
    ),
    "container": _block(
        "container",
        {"child_blocks": array(_CONTAINED, 10, 1)},
        {
            **_TITLES,
            "rich_text_title": _RICH,
            "width": word("narrow", "standard", "wide", "full"),
            "is_collapsible": boolean,
            "default_collapsed": boolean,
        },
    ),
    "context_actions": _block(
        "context_actions", {"elements": array(part.CONTEXT_ACTION, 5, 1)}, {}
    ),
    "markdown": _block("markdown", {"text": string(MAX_MARKDOWN, 1)}, {}),
    "plan": _block(
        "plan",
        {"title": string(255, 1)},
        {"tasks": array(variant({"task_card": _TASK}, "block"), 50)},
    ),
    "task_card": _TASK,
}
SURFACES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(_PLAIN_BLOCKS, EVERYWHERE),
    "alert": frozenset({"modal"}),
    "card": EVERYWHERE,
    "carousel": frozenset({"message", "home"}),
    "container": _ONLY_MESSAGES,
    "context_actions": _ONLY_MESSAGES,
    "markdown": _ONLY_MESSAGES,
    "plan": _ONLY_MESSAGES,
    "table": frozenset({"message", "home"}),
    "task_card": _ONLY_MESSAGES,
}


def check_blocks(blocks: object, surface: Surface, at: str = "/blocks") -> list[Problem]:
    """What Slack would say about these blocks; nothing when it accepts them."""

    def one(value: object, where: str) -> Iterator[Problem]:
        kind = str(value.get("type")) if isinstance(value, dict) else ""
        if kind in _NOT_MODELLED:
            yield Problem(where, f"the playground does not cover the block type {kind}")
        elif kind in SURFACES and surface not in SURFACES[kind]:
            yield Problem(f"{where}/type", f"unsupported type: {kind}")
        else:
            yield from variant(RULES, "type")(value, where)

    problems = list(array(one, MAX_BLOCKS[surface])(blocks, at))
    if not problems and isinstance(blocks, list):
        problems = [*_repeated_ids(blocks, at), *_together(blocks, at)]
    return problems


def _repeated_ids(blocks: list[Json], at: str) -> Iterator[Problem]:
    ids = Counter(block["block_id"] for block in blocks if block.get("block_id"))
    for block_id, count in ids.items():
        if count > 1:
            yield Problem(at, f"`block_id` must be unique: {block_id}")
    for index, block in enumerate(blocks):
        actions = Counter(e["action_id"] for e in interactive(block) if e.get("action_id"))
        for action_id, count in actions.items():
            if count > 1:
                where = f"{at}/{index}/elements"
                yield Problem(where, f"`action_id` must be unique in a block: {action_id}")


def _together(blocks: list[Json], at: str) -> Iterator[Problem]:
    kinds = Counter(block["type"] for block in blocks)
    if sum(kinds[kind] for kind in _TABLES) > 1:
        yield Problem(at, "only_one_table_allowed")
    if kinds["plan"] > 1 or (kinds["plan"] and kinds["task_card"]):
        yield Problem(at, "a message has one plan, and no task_card beside it")
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MAX_MARKDOWN:
        yield Problem(at, f"markdown must be less than {MAX_MARKDOWN + 1} characters together")


def too_long(blocks: list[Json]) -> bool:
    """Whether a message's blocks are more than Slack takes (`msg_blocks_too_long`)."""
    return len(json.dumps(blocks, ensure_ascii=False)) > MAX_CHARACTERS


_VIEW = {
    "blocks": anything,
    "private_metadata": string(3000),
    "callback_id": string(255),
    "external_id": string(255),
}
_MODAL = record(
    {"type": word("modal"), "title": part.plain(24), "blocks": anything},
    {
        **_VIEW,
        "submit": part.plain(24),
        "close": part.plain(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
)
_HOME = record({"type": word("home"), "blocks": anything}, _VIEW)


def check_view(view: object, surface: Surface) -> list[Problem]:
    """What Slack would say about this modal or Home tab."""
    if not isinstance(view, dict):
        return [Problem("/view", "must provide an object")]
    rule = _MODAL if surface == "modal" else _HOME
    problems = list(rule(view, "/view"))
    problems += check_blocks(view.get("blocks"), surface, "/view/blocks")
    if not problems and surface == "modal" and not view.get("submit") and _has_input(view):
        problems.append(Problem("/view", "missing required field: submit"))
    return problems


def _has_input(view: Json) -> bool:
    return any(block["type"] == "input" for block in view["blocks"])


def interactive(block: Json) -> Iterator[Json]:
    """The elements of a block that a person can use."""
    candidates: list[Json] = []
    match block.get("type"):
        case "actions" | "context_actions":
            candidates = block["elements"]
        case "section":
            candidates = [block["accessory"]] if block.get("accessory") else []
        case "input":
            candidates = [block["element"]]
        case "card":
            candidates = block.get("actions") or []
        case "carousel":
            candidates = [e for card in block["elements"] for e in card.get("actions") or []]
        case "container":
            candidates = [e for inner in block["child_blocks"] for e in interactive(inner)]
    yield from (e for e in candidates if e.get("type") != "image")


def normalised(blocks: list[Json], ids: Ids) -> list[Json]:
    """Blocks as Slack stores them."""
    copies: list[Json] = json.loads(json.dumps(blocks))
    for block in copies:
        if not block.get("block_id"):
            block["block_id"] = ids.secret("block", 5)
        if block["type"] == "input":
            block.setdefault("optional", False)
            block.setdefault("dispatch_action", False)
        for element in interactive(block):
            if not element.get("action_id"):
                element["action_id"] = ids.secret("action", 5)
        _default_texts(block)
    return copies


def _default_texts(value: object) -> None:
    """Every text object says whether it shows emoji, or whether it is verbatim."""
    if isinstance(value, list):
        for inner in value:
            _default_texts(inner)
    elif isinstance(value, dict):
        if value.get("type") == "plain_text":
            value.setdefault("emoji", True)
        elif value.get("type") == "mrkdwn":
            value.setdefault("verbatim", False)
        for inner in value.values():
            _default_texts(inner)
