"""A Slack message as plain lines, for golden files and for looking up what it says."""

import re
from collections.abc import Iterator
from typing import Any

from bot.slack.views import Message

Json = dict[str, Any]

LIVE = re.compile(r"<[^<>]*>")


def page(message: Message) -> str:
    """The whole message: its text for phones, then its blocks."""
    lines = [f"(text) {message.text}", ""]
    for block in message.blocks:
        lines += [*_block(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def body(message: Message) -> str:
    """Only what the blocks say, without buttons."""
    return "\n".join(text for block in message.blocks for text in texts(block))


def texts(block: Json) -> Iterator[str]:
    """The texts of a block that are not on something to press."""
    if "text" in block:
        yield block["text"]["text"]
    for element in block.get("elements", ()):
        if element["type"] in ("mrkdwn", "plain_text"):
            yield element["text"]


def mrkdwn(message: Message) -> Iterator[str]:
    """Every text in which Slack would read markup."""
    yield message.text
    for block in message.blocks:
        yield from _mrkdwn(block)


def _mrkdwn(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield str(value["text"])
        for inner in value.values():
            yield from _mrkdwn(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _mrkdwn(inner)


def elements(message: Message) -> list[Json]:
    """Everything that can be pressed or chosen from."""
    return [e for b in message.blocks if b["type"] == "actions" for e in b["elements"]]


def pressable(message: Message) -> set[str]:
    """The names of the buttons and pickers, as in `Button`."""
    return {element["action_id"].removeprefix("vmr:") for element in elements(message)}


def _block(block: Json) -> list[str]:
    match block["type"]:
        case "header":
            return [f"# {block['text']['text']}"]
        case "divider":
            return ["----"]
        case "context":
            return [f"({text})" for text in texts(block)]
        case "actions":
            return [_element(element) for element in block["elements"]]
        case _:
            return [*texts(block)]


def _element(element: Json) -> str:
    picker = element["type"] in ("external_select", "users_select")
    style = f" ({element['style']})" if "style" in element else ""
    sure = element.get("confirm")
    asks = ""
    if sure:
        words = [sure[part]["text"] for part in ("title", "text", "confirm", "deny")]
        asks = "\n  asks: " + " | ".join(words)
    if picker:
        return f"<{element['placeholder']['text']}>{asks}"
    return f"[{element['text']['text']}]{style}{asks}"
