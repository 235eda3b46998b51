"""What a person really typed: Slack's rewriting undone, for confirmations and for requests.

Slack escapes characters, links words that look like hosts, and delivers a message twice over, as
`blocks` and as `text`. For a typed confirmation the rewriting is undone exactly or not at all:
`plain` is False when the message holds something that can never be part of a name, and nothing
is folded, so that a comparison byte for byte means what it says. `hint` explains a mismatch; it
never excuses one.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.texts import requests as texts

INVISIBLE = "\u200b\u2060\ufeff"


@dataclass(frozen=True, slots=True)
class TypedText:
    """A reply as it was typed. `plain` False: it holds what can never be a name."""

    text: str
    plain: bool


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message as words. `mentioned`: our bot was really mentioned, not just spelled out."""

    text: str
    mentioned: bool


def typed_text(event: Mapping[str, Any], bot_user: str) -> TypedText:
    """The text of a message event as it was typed, for a comparison byte for byte."""
    blocks = _rich_text(event)
    if not blocks:
        return _typed_in_text(str(event.get("text") or ""), bot_user)
    return _typed_in_blocks(blocks, bot_user)


def spoken_text(event: Mapping[str, Any], bot_user: str) -> Spoken:
    """A message event as sentences: line by line, code in backticks, quotes as `> ` lines.

    Mentions of the bot are taken out. Mentions inside quotes and code are somebody else's words
    and do not count.
    """
    blocks = _rich_text(event)
    if blocks:
        lines = [line for block in blocks for line in _block_lines(block, bot_user)]
        mentioned = any(
            _mentions(element, bot_user) for block in blocks for element in _elements(block)
        )
        return Spoken(_tidy("\n".join(lines)), mentioned)
    text = str(event.get("text") or "")
    mention = re.compile(rf"<@{re.escape(bot_user)}(?:\|[^<>]*)?>")
    text = _without_struck(text)
    own = _CODE.sub("", "\n".join(line for line in text.split("\n") if not line.startswith("&gt;")))
    text = _LINK.sub(_label, mention.sub(" ", text))
    return Spoken(_tidy(_decode(text)), mention.search(own) is not None)


def command_text(text: str) -> str:
    """The text of a slash command as it was typed; mentions stay markup, for they name people."""
    return _decode(_LINK.sub(_label, _without_struck(text)))


def hint(typed: str, expected: str) -> str | None:
    """Why a typed name may differ from the expected one; None when it is another name."""
    if typed == expected:
        return None
    if not typed.strip():
        return texts.NOTHING_TYPED
    reasons = _slips(typed, expected)
    if reasons:
        return " ".join(reasons)
    return _partial(typed, expected)


# --- confirmations ---------------------------------------------------------------------------

_WHITE = (
    "".join(map(chr, (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B))))
    + "\u2028\u2029\u202f\u205f\u3000"
)
_LINK = re.compile(r"<((?:https?://|mailto:|tel:)[^<>|]*)(?:\|([^<>]*))?>")
_SCHEMES = ("http://", "https://", "mailto:", "tel:")
_ONE_SECTION = ("rich_text_section", "rich_text_preformatted")


def _typed_in_blocks(blocks: list[Mapping[str, Any]], bot_user: str) -> TypedText:
    elements = [element for block in blocks for element in _elements(block)]
    alone = len(blocks) == 1 and len(elements) == 1
    plain = alone and elements[0].get("type") in _ONE_SECTION
    parts = [part for element in elements for part in _elements(element)]
    if parts and _is_mention(parts[0], bot_user):
        parts = parts[1:]
    typed = [_typed_part(part) for part in parts]
    text = "".join(part.text for part in typed)
    return TypedText(_strip(text), plain and all(part.plain for part in typed))


def _typed_part(part: Mapping[str, Any]) -> TypedText:
    if _is_struck(part):
        return TypedText("", plain=False)
    match part:
        case {"type": "text", "text": str(text)}:
            return TypedText(text, plain=True)
        case {"type": "link", "url": str(url)}:
            label = part.get("text")
            return _typed_link(url, label if isinstance(label, str) and label else None)
        case _:
            return TypedText(_spelled(part), plain=False)


def _typed_link(url: str, label: str | None) -> TypedText:
    """A word that Slack linked is its label; a label over another target was made by hand."""
    shown = label if label is not None else url
    return TypedText(shown, plain=shown == _bare(url))


def _bare(url: str) -> str:
    """The address without its scheme and without one trailing slash."""
    for scheme in _SCHEMES:
        if url.startswith(scheme):
            url = url.removeprefix(scheme)
            break
    return url.removesuffix("/")


def _typed_in_text(text: str, bot_user: str) -> TypedText:
    """The same from `text` alone, where `<` stands only in markup: typed ones are escaped."""
    whole = _strip(text).removeprefix(f"<@{bot_user}>")
    text = _without_struck(whole)
    links = [_typed_link(match[1], match[2]) for match in _LINK.finditer(text)]
    remaining = iter(links)
    unlinked = _LINK.sub(lambda _: next(remaining).text, text)
    plain = all(link.plain for link in links) and "<" not in unlinked and text == whole
    typed = _strip(_decode(unlinked))
    if len(typed) > 1 and typed[0] == typed[-1] == "`":
        typed = typed[1:-1]
    return TypedText(_strip(typed), plain)


def _strip(text: str) -> str:
    return text.strip(_WHITE + INVISIBLE)


def _decode(text: str) -> str:
    """The entities Slack writes, `&amp;` last so that nothing is decoded twice."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


# --- requests --------------------------------------------------------------------------------

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_STRUCK = re.compile(r"(?<![\w~])~[^~\n]+~(?![\w~])")


def _without_struck(text: str) -> str:
    """What stands struck through was taken back; the marks of it in code are code."""
    if "~" not in text:
        return text
    pieces = re.split(f"({_CODE.pattern})", text, flags=re.DOTALL)
    pieces[::2] = [_STRUCK.sub(" ", piece) for piece in pieces[::2]]
    return "".join(pieces)


def _is_struck(part: Mapping[str, Any]) -> bool:
    style = part.get("style")
    return isinstance(style, Mapping) and bool(style.get("strike"))


def _rich_text(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    blocks = event.get("blocks")
    found = [b for b in blocks if isinstance(b, Mapping)] if isinstance(blocks, list) else []
    return [block for block in found if block.get("type") == "rich_text"]


def _elements(element: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    inner = element.get("elements")
    return [e for e in inner if isinstance(e, Mapping)] if isinstance(inner, list) else []


def _is_mention(part: Mapping[str, Any], bot_user: str) -> bool:
    names_bot = part.get("type") == "user" and part.get("user_id") == bot_user
    return names_bot and not _is_struck(part)


def _mentions(element: Mapping[str, Any], bot_user: str) -> bool:
    if element.get("type") in ("rich_text_quote", "rich_text_preformatted"):
        return False
    return _is_mention(element, bot_user) or any(
        _mentions(inner, bot_user) for inner in _elements(element)
    )


def _block_lines(block: Mapping[str, Any], bot_user: str) -> Iterator[str]:
    for element in _elements(block):
        yield from _element_lines(element, bot_user)


def _element_lines(element: Mapping[str, Any], bot_user: str) -> Iterator[str]:
    said = "".join(_spoken_part(part, bot_user) for part in _elements(element))
    match element.get("type"):
        case "rich_text_preformatted":
            yield f"```\n{said}\n```"
        case "rich_text_quote":
            yield from (f"> {line}" for line in said.split("\n"))
        case "rich_text_list":
            mark = "1." if element.get("style") == "ordered" else "-"
            for item in _elements(element):
                yield from (f"{mark} {line}" for line in _element_lines(item, bot_user))
        case _:
            yield from said.split("\n")


def _spoken_part(part: Mapping[str, Any], bot_user: str) -> str:
    style = part.get("style")
    marks = style if isinstance(style, Mapping) else {}
    if _is_struck(part) or _is_mention(part, bot_user):
        return " "
    said = _spelled(part)
    return f"`{said}`" if marks.get("code") and said.strip() and "`" not in said else said


def _spelled(part: Mapping[str, Any]) -> str:
    """A part as one would spell it; what is no text keeps Slack's own markup."""
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "link", "url": str(url)}:
            label = part.get("text")
            return label if isinstance(label, str) and label else url
        case {"type": "user", "user_id": str(user)}:
            return f"<@{user}>"
        case {"type": "channel", "channel_id": str(channel)}:
            return f"<#{channel}>"
        case {"type": "usergroup", "usergroup_id": str(group)}:
            return f"<!subteam^{group}>"
        case {"type": "broadcast", "range": str(everyone)}:
            return f"<!{everyone}>"
        case {"type": "emoji", "name": str(name)}:
            return f":{name}:"
        case {"type": "color", "value": str(value)}:
            return value
        case {"type": "date", "fallback": str(fallback)}:
            return fallback
        case _:
            return "<?>"


def _label(match: re.Match[str]) -> str:
    return match[2] or match[1]


def _tidy(text: str) -> str:
    """Single spaces inside lines, and no invisible characters."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(lines).translate(dict.fromkeys(map(ord, INVISIBLE))).strip()


# --- why a name does not match ------------------------------------------------------------------

_HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-")
_DOUBLED = _HYPHENS | {0x2014: "--", 0x2013: "--"}
_QUOTES = "'\"`\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"


def _visible(text: str) -> str:
    return "".join(char for char in text if unicodedata.category(char) not in {"Cf", "Cc"})


def _folds(dash: dict[int, str]) -> tuple[tuple[Callable[[str], str], str], ...]:
    """Each slip: what undoes it, and the words for the person."""
    return (
        (_visible, texts.INVISIBLE),
        (lambda text: text.strip(_WHITE), texts.WHITE_AROUND),
        (
            lambda text: text.strip(_QUOTES),
            texts.QUOTED,
        ),
        (
            lambda text: text.rstrip(".,;:!?\u2026"),
            texts.PUNCTUATION,
        ),
        (
            lambda text: text.translate(dash),
            texts.DASHES,
        ),
        (
            str.lower,
            texts.CAPITAL,
        ),
        (
            lambda text: unicodedata.normalize("NFKC", text),
            texts.LOOKALIKES,
        ),
        (lambda text: text.replace("_", "-"), texts.UNDERSCORE),
        (_bare, texts.ADDRESS),
        (lambda text: "".join(text.split()), texts.WHITE_INSIDE),
        (lambda text: "-".join(text.split()), texts.SPACE),
    )


def _slips(typed: str, expected: str) -> list[str]:
    """The reasons that together turn what was typed into what was expected; none if they do not."""
    for fold, reason in _folds(_HYPHENS):
        if fold(typed) == expected:
            return [reason]
    for dash in (_HYPHENS, _DOUBLED):
        reasons = _together(typed, expected, dash)
        if reasons:
            return reasons
    return []


def _together(typed: str, expected: str, dash: dict[int, str]) -> list[str]:
    """The slips undone one upon the other; a mark outside a mark needs the second turn."""
    reasons: dict[str, None] = {}
    for fold, reason in (*_folds(dash), *_folds(dash)):
        if fold(typed) != typed:
            typed = fold(typed)
            reasons[reason] = None
        if typed == expected:
            return list(reasons)
    return []


def _partial(typed: str, expected: str) -> str | None:
    """A name typed in part, or with more around it, or with letters of another alphabet."""
    if expected.startswith(typed):
        return texts.ONLY_BEGINNING
    if expected.endswith(typed):
        return texts.ONLY_END
    if expected in typed.split():
        return texts.OTHER_WORDS
    if typed.startswith(expected):
        return texts.MORE_AFTER
    if typed.endswith(expected):
        return texts.MORE_BEFORE
    return _foreign(typed, expected)


def _foreign(typed: str, expected: str) -> str | None:
    differing = [a for a, b in zip(typed, expected, strict=False) if a != b]
    if len(typed) == len(expected) and not any(char.isascii() for char in differing):
        return texts.OTHER_ALPHABET
    return None
