"""What Slack does to typed text before an app sees it.

A person types characters; the app gets `text` (escaped, with links and mentions in angle brackets)
and `blocks` (one rich_text block with the raw characters). Both are made here, and so are the
liberties of keyboards: smart punctuation, no-break spaces, a capital first letter.

Which words Slack takes for host names is not documented. This room links those whose last label is
one of a few well-known top-level domains, and never those with a numeric last label.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bot.playground.slack.workspace import Workspace

Json = dict[str, Any]

_TLDS = "com|net|org|io|dev|app|sh|md|py|zip|co|de|eu|fr|uk|us|info|cloud"
_EMOJI = {
    "👍": "+1",
    "🔥": "fire",
    "✅": "white_check_mark",
    "❌": "x",
    "👀": "eyes",
    "🎉": "tada",
    "🙏": "pray",
}
_EMOJI_NAMES = "|".join(re.escape(name) for name in (*_EMOJI.values(), "warning", "rotating_light"))

_TOKEN = re.compile(
    rf"""
      (?P<code>`[^`\n]+`)
    | (?P<literal><@[UW][A-Z0-9]+>)
    | (?P<url>https?://[^\s<>|]*[^\s<>|.,;:!?)'"\]])
    | (?P<email>(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{{2,}}(?![\w-]))
    | (?P<mention>(?<!\w)@[A-Za-z0-9][\w.-]*)
    | (?P<channel>(?<![\w&/])\#[a-z0-9][\w-]*)
    | (?P<emoji>:(?:{_EMOJI_NAMES}):|[{"".join(_EMOJI)}])
    | (?P<domain>(?<![\w@/.:-])(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+(?:{_TLDS})
        (?::\d+)?(?:/[^\s<>|]*[^\s<>|.,;:!?)])?(?!\.?[\w-]))
    | (?P<phone>(?<![\w.+-])\+?\d[\d.-]{{7,}}\d(?![\w.-]))
    | (?P<bold>(?<![\w*])\*[^\s*](?:[^*\n]*[^\s*])?\*(?![\w*]))
    | (?P<italic>(?<![\w_])_[^\s_](?:[^_\n]*[^\s_])?_(?![\w_]))
    | (?P<strike>(?<![\w~])~[^\s~](?:[^~\n]*[^\s~])?~(?![\w~]))
    """,
    re.VERBOSE,
)
_MENTIONED = re.compile(r"<@([UW][A-Z0-9]+)>")
_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_BULLET = re.compile(r"^[-*•] +(.*)$")
_NUMBER = re.compile(r"^(\d+)\. +(.*)$")
_QUOTE = re.compile(r"^> ?(.*)$")
_WORDS_TO_ALL = ("here", "channel", "everyone")
_NBSP = "\u00a0"


@dataclass(frozen=True, slots=True)
class Keyboard:
    """The liberties a keyboard or client takes with what is typed; none by default."""

    smart_punctuation: bool = False
    """`--` becomes a long dash, straight quotes become curly ones."""
    nbsp: bool = False
    """The space beside a mention or a link becomes a no-break space."""
    capital: bool = False
    """The first letter becomes a capital, as on phones."""
    phones: bool = False
    """Runs of digits become telephone links."""
    pasted: bool = False
    """Names behind an @ stay text, as in what is pasted: nobody is mentioned."""
    trailing_slash: bool = False
    """A bare URL gains a slash at its end."""


PLAIN = Keyboard()


@dataclass(frozen=True, slots=True)
class Composed:
    """Typed text as Slack stores it."""

    text: str
    blocks: list[Json]
    mentions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of typed text: how it stands in `text`, and its rich_text elements."""

    text: str
    elements: tuple[Json, ...]

    @property
    def special(self) -> bool:
        """Whether it is something else than plain characters."""
        return bool(self.elements[0]["type"] != "text")


def escape(text: str) -> str:
    """Slack's escaping of text: these three characters and no other."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The reverse of `escape`; the ampersand comes last."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def keyed(typed: str, keyboard: Keyboard) -> str:
    """What reaches Slack after the keyboard had its way."""
    if keyboard.smart_punctuation:
        typed = typed.replace("--", "\u2014")
        typed = re.sub(r'(^|\s)"', "\\1\u201c", typed).replace('"', "\u201d")
        typed = re.sub(r"(^|\s)'", "\\1\u2018", typed).replace("'", "\u2019")
    if keyboard.capital:
        typed = typed[:1].upper() + typed[1:]
    return typed


class Composer:
    """Turns typed text into what Slack stores; knows the names of its workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def compose(self, typed: str, keyboard: Keyboard = PLAIN) -> Composed:
        """Escape, link and structure one message."""
        typed = keyed(typed.strip(), keyboard)
        texts: list[str] = []
        elements: list[Json] = []
        for text, element in self._paragraphs(typed, keyboard):
            texts.append(text)
            elements.append(element)
        block = {
            "type": "rich_text",
            "block_id": self._workspace.ids.secret("block", 5),
            "elements": elements,
        }
        return Composed("\n".join(texts), [block], tuple(_mentions(elements)))

    def escaped(self, typed: str) -> str:
        """The text of a command under `should_escape`: mentions carry their names as well."""
        text, _ = self._inline(typed, PLAIN)
        return _MENTIONED.sub(self._with_name, text)

    def _with_name(self, mention: re.Match[str]) -> str:
        user = self._workspace.users.get(mention[1])
        return f"<@{user.id}|{user.name}>" if user else mention[0]

    def _paragraphs(self, typed: str, keyboard: Keyboard) -> Iterator[tuple[str, Json]]:
        position = 0
        for fence in _FENCE.finditer(typed):
            yield from self._lines(typed[position : fence.start()].strip("\n"), keyboard)
            inside = {"type": "text", "text": fence[1]}
            shape = {"type": "rich_text_preformatted", "elements": [inside], "border": 0}
            yield f"```{escape(fence[1])}```", shape
            position = fence.end()
        yield from self._lines(typed[position:].strip("\n"), keyboard)

    def _lines(self, typed: str, keyboard: Keyboard) -> Iterator[tuple[str, Json]]:
        if not typed:
            return
        group: list[str] = []
        kind = ""
        for line in typed.split("\n"):
            if _kind(line) != kind and group:
                yield self._group(kind, group, keyboard)
                group = []
            kind = _kind(line)
            group.append(line)
        yield self._group(kind, group, keyboard)

    def _group(self, kind: str, lines: list[str], keyboard: Keyboard) -> tuple[str, Json]:
        match kind:
            case "bullet" | "ordered":
                return self._list(kind, lines, keyboard)
            case "quote":
                inner = "\n".join(_QUOTE.sub(r"\1", line) for line in lines)
                text, parts = self._inline(inner, keyboard)
                quoted = "\n".join(f"&gt; {line}" for line in text.split("\n"))
                return quoted, {"type": "rich_text_quote", "elements": parts}
            case _:
                text, parts = self._inline("\n".join(lines), keyboard)
                return text, {"type": "rich_text_section", "elements": parts}

    def _list(self, style: str, lines: list[str], keyboard: Keyboard) -> tuple[str, Json]:
        texts: list[str] = []
        items: list[Json] = []
        for number, line in enumerate(lines, 1):
            inner = _BULLET.sub(r"\1", line) if style == "bullet" else _NUMBER.sub(r"\2", line)
            text, parts = self._inline(inner, keyboard)
            texts.append(f"• {text}" if style == "bullet" else f"{number}. {text}")
            items.append({"type": "rich_text_section", "elements": parts})
        shape = {"type": "rich_text_list", "style": style, "indent": 0, "elements": items}
        return "\n".join(texts), {**shape, "border": 0}

    def _inline(self, typed: str, keyboard: Keyboard) -> tuple[str, list[Json]]:
        pieces = list(self._pieces(typed, keyboard))
        if keyboard.nbsp:
            pieces = _with_nbsp(pieces)
        elements = [element for piece in pieces for element in piece.elements]
        return "".join(piece.text for piece in pieces), _joined(elements)

    def _pieces(self, typed: str, keyboard: Keyboard) -> Iterator[Piece]:
        position = 0
        for found in _TOKEN.finditer(typed):
            piece = self._piece(found, keyboard)
            if piece is None:
                continue
            if found.start() > position:
                yield _plain(typed[position : found.start()])
            yield piece
            position = found.end()
        if position < len(typed):
            yield _plain(typed[position:])

    def _piece(self, found: re.Match[str], keyboard: Keyboard) -> Piece | None:
        raw = found[0]
        match found.lastgroup:
            case "code":
                return _styled_text(raw, "code")
            case "literal":  # Slack leaves it as it is in `text`; only `blocks` tells it apart
                return Piece(raw, ({"type": "text", "text": raw},))
            case "mention":
                return None if keyboard.pasted else self._mention(raw)
            case "channel":
                return self._channel(raw)
            case "emoji":
                name = _EMOJI.get(raw) or raw.strip(":")
                return Piece(f":{name}:", ({"type": "emoji", "name": name},))
            case "bold" | "italic" | "strike" as style:
                return self._styled(raw, style, keyboard)
            case kind:
                return _link(kind or "", raw, keyboard)

    def _styled(self, raw: str, style: str, keyboard: Keyboard) -> Piece:
        text, parts = self._inline(raw[1:-1], keyboard)
        styled = tuple({**part, "style": {**part.get("style", {}), style: True}} for part in parts)
        return Piece(f"{raw[0]}{text}{raw[0]}", styled)

    def _mention(self, raw: str) -> Piece | None:
        name = raw[1:].rstrip(".-")
        rest = raw[1 + len(name) :]
        named = self._named(name)
        if named is None:
            return None
        text, element = named
        tail: tuple[Json, ...] = ({"type": "text", "text": rest},) if rest else ()
        return Piece(text + escape(rest), (element, *tail))

    def _named(self, name: str) -> tuple[str, Json] | None:
        if name in _WORDS_TO_ALL:
            return f"<!{name}>", {"type": "broadcast", "range": name}
        if user := self._workspace.user_named(name):
            return f"<@{user.id}>", {"type": "user", "user_id": user.id}
        for group in self._workspace.groups.values():
            if group.handle == name:
                element = {"type": "usergroup", "usergroup_id": group.id}
                return f"<!subteam^{group.id}>", element
        return None

    def _channel(self, raw: str) -> Piece | None:
        for channel in self._workspace.channels.values():
            if channel.kind != "im" and channel.name == raw[1:]:
                label = "" if channel.private else channel.name
                element = {"type": "channel", "channel_id": channel.id}
                return Piece(f"<#{channel.id}|{label}>", (element,))
        return None


def _kind(line: str) -> str:
    shapes: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("bullet", _BULLET.match),
        ("ordered", _NUMBER.match),
        ("quote", _QUOTE.match),
    )
    return next((name for name, fits in shapes if fits(line)), "section")


def _plain(raw: str) -> Piece:
    return Piece(escape(raw), ({"type": "text", "text": raw},))


def _styled_text(raw: str, style: str) -> Piece:
    return Piece(escape(raw), ({"type": "text", "text": raw[1:-1], "style": {style: True}},))


def _link(kind: str, raw: str, keyboard: Keyboard) -> Piece | None:
    match kind:
        case "url":
            url = raw + "/" if keyboard.trailing_slash and not raw.endswith("/") else raw
            return Piece(f"<{escape(url)}>", ({"type": "link", "url": url},))
        case "domain":
            url = f"http://{raw}"
        case "email":
            url = f"mailto:{raw}"
        case "phone" if keyboard.phones:
            url = f"tel:{raw}"
        case _:
            return None
    return Piece(f"<{escape(url)}|{escape(raw)}>", ({"type": "link", "url": url, "text": raw},))


def _with_nbsp(pieces: list[Piece]) -> list[Piece]:
    """Slack's no-break spaces stand right beside links and mentions."""
    made: list[Piece] = []
    for index, piece in enumerate(pieces):
        raw = piece.elements[0].get("text", "")
        if piece.special or piece.elements[0].get("style") or not raw:
            made.append(piece)
            continue
        if index and pieces[index - 1].special and raw.startswith(" "):
            raw = _NBSP + raw[1:]
        if index + 1 < len(pieces) and pieces[index + 1].special and raw.endswith(" "):
            raw = raw[:-1] + _NBSP
        made.append(_plain(raw))
    return made


def _joined(elements: list[Json]) -> list[Json]:
    """Neighbouring runs of one style are one element."""
    joined: list[Json] = []
    for element in elements:
        last = joined[-1] if joined else {}
        alike = last.get("type") == element["type"] == "text"
        if alike and last.get("style") == element.get("style"):
            joined[-1] = {**last, "text": last["text"] + element["text"]}
        else:
            joined.append(element)
    return joined


def _mentions(elements: list[Json]) -> Iterator[str]:
    for element in elements:
        if element.get("type") == "user":
            yield element["user_id"]
        yield from _mentions(element.get("elements", []))
