"""Blocks as plain text: what stands on a card, line by line."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.playground.slack.mrkdwn import Reader
from bot.playground.slack.workspace import User

Json = dict[str, Any]

_MARKS = {"danger": "!", "primary": "*"}


class Rendering:
    """Renders blocks for one viewer."""

    def __init__(self, reader: Reader, viewer: User | None = None) -> None:
        self._reader = reader
        self._viewer = viewer

    def blocks(self, blocks: list[Json]) -> list[str]:
        """The lines of a card."""
        return [line for block in blocks for line in self._block(block)]

    def text(self, text: str) -> list[str]:
        """The lines of a text with markup."""
        return self._reader.text(text).split("\n")

    def _block(self, block: Json) -> Iterator[str]:
        shapes: Mapping[str, Callable[[Json], Iterator[str]]] = {
            "actions": self._actions,
            "alert": self._labelled,
            "card": self._card,
            "container": self._container,
            "context": self._context,
            "divider": lambda _: iter(["----"]),
            "header": lambda b: iter([f"# {self._object(b['text'])}"]),
            "image": lambda b: iter([f"(image: {b['alt_text']})"]),
            "input": self._input,
            "markdown": lambda b: iter(b["text"].split("\n")),
            "plan": self._plan,
            "rich_text": self._rich_text,
            "section": self._section,
            "table": self._table,
            "task_card": self._task,
        }
        shape = shapes.get(block["type"])
        yield from shape(block) if shape else iter([f"[unsupported block: {block['type']}]"])

    def _object(self, text: Json) -> str:
        plain = text["type"] == "plain_text"
        return str(text["text"]) if plain else self._reader.text(text["text"])

    def _labelled(self, block: Json) -> Iterator[str]:
        yield from self._object(block["text"]).split("\n")

    def _section(self, block: Json) -> Iterator[str]:
        if block.get("text"):
            yield from self._object(block["text"]).split("\n")
        for field in block.get("fields") or []:
            first, *rest = self._object(field).split("\n")
            yield f"| {first}"
            yield from (f"|   {line}" for line in rest)
        if block.get("accessory"):
            yield self._element(block["accessory"])
            yield from self._confirm(block["accessory"])

    def _context(self, block: Json) -> Iterator[str]:
        parts = [
            f"(image: {e['alt_text']})" if e["type"] == "image" else self._object(e)
            for e in block["elements"]
        ]
        for part in parts:
            yield from (f"~ {line}" for line in part.split("\n"))

    def _actions(self, block: Json) -> Iterator[str]:
        shown = [e for e in block["elements"] if self._is_for_viewer(e)]
        if shown:
            yield " ".join(self._element(element) for element in shown)
        for element in shown:
            yield from self._confirm(element)

    def _is_for_viewer(self, element: Json) -> bool:
        only_for = element.get("visible_to_user_ids")
        return not only_for or self._viewer is None or self._viewer.id in only_for

    def _element(self, element: Json) -> str:
        match element["type"]:
            case "button":
                return f"[{_MARKS.get(element.get('style', ''), '')}{element['text']['text']}]"
            case "image":
                return f"(image: {element['alt_text']})"
            case "checkboxes" | "radio_buttons":
                return " ".join(_ticked(element))
            case "plain_text_input":
                return f"<{element.get('initial_value') or _placeholder(element) or '...'}>"
            case "conversations_select" if element.get("initial_conversation"):
                return f"<{self._reader.channel(element['initial_conversation'])}>"
            case "overflow":
                return f"<... {', '.join(o['text']['text'] for o in element['options'])}>"
        chosen = element.get("initial_option")
        label = chosen["text"]["text"] if chosen else _placeholder(element) or "Choose"
        return f"<{label}>"

    def _confirm(self, element: Json) -> Iterator[str]:
        if dialog := element.get("confirm"):
            buttons = f"[{dialog['confirm']['text']}] [{dialog['deny']['text']}]"
            question = f"{dialog['title']['text']}: {self._object(dialog['text'])}"
            name = (element.get("text") or element.get("placeholder") or {}).get("text", "Choose")
            yield f"  [{name}] asks: {question.replace(chr(10), ' ')} {buttons}"

    def _input(self, block: Json) -> Iterator[str]:
        yield f"{block['label']['text']}: {self._element(block['element'])}"
        if block.get("hint"):
            yield f"~ {block['hint']['text']}"
        if block.get("problem"):
            yield f"! {block['problem']}"

    def _card(self, block: Json) -> Iterator[str]:
        for key in ("title", "subtitle", "body"):
            if block.get(key):
                yield from self._object(block[key]).split("\n")
        if block.get("actions"):
            yield from self._actions({"elements": block["actions"]})

    def _container(self, block: Json) -> Iterator[str]:
        if block.get("title"):
            yield f"# {self._object(block['title'])}"
        for inner in block["child_blocks"]:
            yield from (f"  {line}" for line in self._block(inner))

    def _plan(self, block: Json) -> Iterator[str]:
        yield f"# {block['title']}"
        for task in block.get("tasks") or []:
            yield from self._task(task)

    def _task(self, block: Json) -> Iterator[str]:
        yield f"- {block['title']} ({block['status']})"

    def _table(self, block: Json) -> Iterator[str]:
        for row in block["rows"]:
            yield "| " + " | ".join(" ".join(self._cell(cell)) for cell in row)

    def _cell(self, cell: Json) -> Iterator[str]:
        match cell["type"]:
            case "rich_text":
                yield from self._rich_text(cell)
            case "raw_number":
                yield str(cell["value"])
            case _:
                yield str(cell["text"])

    def _rich_text(self, block: Json) -> Iterator[str]:
        for element in block["elements"]:
            match element["type"]:
                case "rich_text_list":
                    yield from self._list(element)
                case "rich_text_quote":
                    yield from (f"> {line}" for line in self._inline(element).split("\n"))
                case "rich_text_preformatted":
                    yield from ("```", *self._inline(element).split("\n"), "```")
                case _:
                    yield from self._inline(element).split("\n")

    def _list(self, element: Json) -> Iterator[str]:
        ordered = element["style"] == "ordered"
        indent = "  " * element.get("indent", 0)
        for number, item in enumerate(element["elements"], 1):
            mark = f"{number}." if ordered else "•"
            yield f"{indent}{mark} {self._inline(item)}"

    def _inline(self, element: Json) -> str:
        return "".join(self._part(part) for part in element["elements"])

    def _part(self, part: Json) -> str:
        match part["type"]:
            case "text":
                return _styled(part["text"], part.get("style") or {})
            case "link":
                return str(part.get("text") or part["url"])
            case "user":
                return self._reader.name(part["user_id"])
            case "usergroup":
                return self._reader.group(part["usergroup_id"])
            case "channel":
                return self._reader.channel(part["channel_id"])
            case "broadcast":
                return f"@{part['range']}"
            case "emoji":
                return f":{part['name']}:"
            case "date":
                fallback = part.get("fallback", "")
                return self._reader.date(part["timestamp"], part["format"], fallback)
        return str(part.get("value", ""))


def _styled(text: str, style: Json) -> str:
    for name, mark in (("code", "`"), ("strike", "~"), ("italic", "_"), ("bold", "*")):
        if style.get(name):
            text = f"{mark}{text}{mark}"
    return text


def _placeholder(element: Json) -> str:
    return str((element.get("placeholder") or {}).get("text", ""))


def _ticked(element: Json) -> Iterator[str]:
    initial = element.get("initial_options") or [element.get("initial_option")]
    values = [option["value"] for option in initial if option]
    for option in element["options"]:
        mark = "x" if option["value"] in values else " "
        yield f"[{mark}] {option['text']['text']}"
