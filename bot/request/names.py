"""Is a word usable as a name, and if not, what should be written instead.

Nothing is corrected silently: a name that is nearly right is refused with the fix in words.
"""

import re
import unicodedata
from difflib import get_close_matches
from enum import StrEnum

from bot.texts import requests as texts
from bot.texts.names import worded

SMART_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"

_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NAMESPACE = re.compile(_LABEL)
_CLUSTER = re.compile(r"[A-Za-z0-9](?:[-._A-Za-z0-9]*[A-Za-z0-9])?")
_CALLED = re.compile(r"<(@|#|!subteam\^)[^<>|]*\|[@#]?([^<>|]+)>")
_SHOWN = 60


class Part(StrEnum):
    """What a name is the name of."""

    VM = "VM"
    NAMESPACE = "namespace"
    SNAPSHOT = "snapshot"
    CLUSTER = "cluster"


FLAGS = {
    "n": Part.NAMESPACE,
    "ns": Part.NAMESPACE,
    "namespace": Part.NAMESPACE,
    "s": Part.SNAPSHOT,
    "snapshot": Part.SNAPSHOT,
    "c": Part.CLUSTER,
    "cluster": Part.CLUSTER,
    "vm": Part.VM,
}


def is_name(part: Part, text: str) -> bool:
    """Whether the text can be such a name, as it stands."""
    pattern, limit = _rule(part)
    return len(text) <= limit and pattern.fullmatch(text) is not None


def name_problem(part: Part, text: str) -> str | None:
    """Why the text cannot be such a name and what to write instead; None if it can."""
    if is_name(part, text):
        return None
    _, limit = _rule(part)
    if len(text) > limit:
        return texts.NAME_TOO_LONG.format(part=part, limit=limit, length=len(text))
    nearest = _nearest(part, text)
    if nearest is not None and nearest == text.lower():
        return texts.LOWER_CASE.format(name=nearest)
    meant = texts.MEANT_NAME.format(name=nearest) if nearest else ""
    if any(dash in text for dash in SMART_DASHES):
        return texts.SMART_DASH.format(text=shown(text), part=part)
    rule = texts.RULES[part]
    return texts.NO_NAME.format(text=shown(text), part=part, rule=rule, meant=meant)


def markup_problem(part: Part, text: str) -> str:
    """What to say when a mention, channel or placeholder stands where a name belongs."""
    return texts.MARKUP.format(text=shown(text), part=part)


def emoji_problem(part: Part, emoji: str) -> str:
    """What to say when an emoji stands where a name belongs: Slack makes one of `:name:`."""
    spelled = f":{emoji}:" if emoji.isascii() else emoji
    return texts.EMOJI.format(emoji=shown(spelled), part=part)


def two_named(part: Part, first: str, second: str) -> str:
    """What to say when two different names fill one place."""
    return texts.TWO_NAMED.format(part=part, first=shown(first), second=shown(second))


def unknown_flag(flag: str) -> str:
    """What to say of a flag that there is not."""
    near = get_close_matches(flag.lstrip("-").lower(), FLAGS, n=1)
    meant = texts.MEANT_FLAG.format(flag=near[0]) if near else ""
    return worded(texts.NO_SUCH_FLAG, flag=shown(flag), meant=meant)


def shown(text: str) -> str:
    """Words of a person, short and without backticks, to be shown inside backticks.

    People, groups and channels are named as they are called, where Slack says how.
    """
    called = _CALLED.sub(lambda found: ("#" if found[1] == "#" else "@") + found[2], text)
    plain = "".join(" " if char in "`\n" else char for char in called).strip()
    return plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + "…"


def _rule(part: Part) -> tuple[re.Pattern[str], int]:
    match part:
        case Part.NAMESPACE:
            return _NAMESPACE, 63
        case Part.CLUSTER:
            return _CLUSTER, 253
        case Part.VM | Part.SNAPSHOT:
            return _SUBDOMAIN, 253


def _nearest(part: Part, text: str) -> str | None:
    """The valid name that was probably meant; only ever shown, never used."""
    for candidate in (
        text.lower(),
        unicodedata.normalize("NFKC", text).lower(),
        text.lower().replace("_", "-"),
    ):
        if is_name(part, candidate):
            return candidate
    return None
