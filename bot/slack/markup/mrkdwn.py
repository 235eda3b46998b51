"""Slack's markup: the one place where untrusted text becomes safe text.

Rules of this file
- `Mrkdwn` is text that may be shown as it is. Only the functions here make it; blocks take nothing
  else, so the type checker finds text that was not made safe.
- Names and other short values go through `code`, what people or the cluster said through
  `sentence`, and what stands in headings, buttons and dialogs through `plain`.
- Lengths are those of the escaped text in bytes: Slack counts what it is sent, and does not say
  whether a message may hold so many characters or so many bytes.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.texts import general
from bot.texts.names import worded

MAX_NAME = 253
CLOCKS_DIFFER = timedelta(minutes=1)
"""What is dated no later than this is as good as new."""

_USER = re.compile(r"[UW][A-Z0-9]{1,30}")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{1,30}")
# What the core may put into its sentences: people, channels and addresses of threads.
_REFERENCES = re.compile(
    r"(<@[UW][A-Z0-9]{1,30}>|<#[CGD][A-Z0-9]{1,30}>"
    r"|https?://[\w.:-]+/archives/[A-Z0-9]+/p\d+(?:\?[\w=&.-]*)?"
    r"|\b20\d\d-\d\d-\d\d \d\d:\d\d UTC\b)"
)
# As Slack writes it in what people say; where they only spelled it out, it looks the same.
_PERSON = re.compile(r"<@([UW][A-Z0-9]{1,30})(?:\|[^<>]*)?>")
_LINK = re.compile(r"https?://[^\s<>|]+")
# Slack reads these as bold, italic and strike only where they touch the edge of a word.
_LIVE = re.compile(r"(?<![A-Za-z0-9])[*_~]|[*_~](?![A-Za-z0-9])")
_LOOKALIKES = str.maketrans({"*": "∗", "_": "＿", "~": "∼"})  # noqa: RUF001 - look-alikes on purpose
# Letters and symbols that show nothing; Unicode does not class them as format characters.
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


class Mrkdwn(str):
    """Text in Slack's mrkdwn in which nothing untrusted is live."""

    __slots__ = ()


def fill(template: str, **values: str | int) -> Mrkdwn:
    """Fill one of our own texts; every value that is not markup already is made safe.

    The gap {slash} is the command of this installation.
    """
    safe = {
        key: value if isinstance(value, Mrkdwn) else sentence(str(value))
        for key, value in values.items()
    }
    return Mrkdwn(worded(template, **safe))


def joined(parts: Sequence[Mrkdwn], between: str = " ") -> Mrkdwn:
    """Safe texts one after the other."""
    return Mrkdwn(between.join(parts))


def visible(text: str) -> str:
    """One line without control, bidirectional, zero-width and blank characters."""
    spaced = " ".join(text.split())
    return "".join(c for c in spaced if unicodedata.category(c) not in _UNSEEN and c not in _BLANKS)


def plain(text: str, most: int) -> str:
    """For plain_text objects, in which Slack reads no markup: visible and not too long."""
    shown = visible(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def shortened(name: str, most: int) -> str:
    """A long name for a small place. Names differ at their ends, so the middle goes."""
    shown = visible(name)
    if len(shown) <= most:
        return shown
    tail = most // 3
    return f"{shown[: most - tail - 1]}…{shown[-tail:]}"


def code(text: str, most: int = MAX_NAME) -> Mrkdwn:
    """A name or value as inline code, from which it can be copied."""
    inner = _escaped(visible(text).replace("`", "'"), most)
    return Mrkdwn(f"`{inner}`" if inner else "(empty)")


def preformatted(text: str, most: int) -> Mrkdwn:
    """Several lines as a block from which they can be copied; nothing in it is live."""
    lines = (visible(line).replace("`", "'") for line in text.splitlines())
    return Mrkdwn(f"```{_escaped(chr(10).join(lines), most)}```")


def quoted(text: str, most: int) -> Mrkdwn:
    """What a person typed, as code; those whom it mentions are shown by name, as Slack does."""
    parts = _PERSON.split(visible(text))
    shown = [
        mention(part) if index % 2 else code(part.strip(), most)
        for index, part in enumerate(parts)
        if visible(part).strip()
    ]
    return joined(shown) if shown else code("")


def sentence(text: str, most: int = 400) -> Mrkdwn:
    """What a person or the cluster said: pairs of backticks stay code, nothing else is live."""
    parts = visible(text).split("`")
    parts[::2] = [_LIVE.sub(lambda m: m[0].translate(_LOOKALIKES), part) for part in parts[::2]]
    safe = _escaped("`".join(parts), most)
    return Mrkdwn(safe.replace("`", "'") if safe.count("`") % 2 else safe)


def answering(text: str, most: int = 400) -> Mrkdwn:
    """A sentence about what a person said: its code is what they typed."""
    parts = text.split("`")
    return Mrkdwn(
        "".join(
            quoted(part, most) if index % 2 else _between(part, most)
            for index, part in enumerate(parts)
        )
    )


def referring(text: str, most: int = 400) -> Mrkdwn:
    """A sentence of the core: people, channels and threads are links, and times are told as such."""
    parts = _REFERENCES.split(text)
    return Mrkdwn(
        "".join(
            _reference(part) if index % 2 else _between(part, most)
            for index, part in enumerate(parts)
        )
    )


def mention(user: str) -> Mrkdwn:
    """A person, who is notified if this is posted."""
    return Mrkdwn(f"<@{user}>") if _USER.fullmatch(user) else code(user)


def channel_link(channel: str) -> Mrkdwn:
    """A channel by its id."""
    return Mrkdwn(f"<#{channel}>") if _CHANNEL.fullmatch(channel) else code(channel)


def link(url: str | None, label: str) -> Mrkdwn:
    """A link to an address that Slack gave us; only its label if it is no address."""
    safe = sentence(label)
    return Mrkdwn(f"<{url}|{safe}>") if url and _LINK.fullmatch(url) else safe


DISK = 63
"""Letters that the name of a disk can have."""


def disks(items: Sequence[str], room: int = 150) -> Mrkdwn:
    """Names of disks."""
    return names([item[:DISK] for item in items], room=room)


def names(items: Sequence[str], *, most: int = 10, room: int = 400, more: int = 0) -> Mrkdwn:
    """Names as code, "and N more" for those that do not fit. `more` counts those not given."""
    shown: list[Mrkdwn] = []
    for item in items[:most]:
        if shown and sum(len(s) + 2 for s in shown) + len(item) > room:
            break
        shown.append(code(item))
    rest = len(items) - len(shown) + more
    text = ", ".join(shown)
    return Mrkdwn(general.AND_MORE.format(names=text, count=rest) if rest else text)


def utc(when: datetime) -> Mrkdwn:
    """A moment in UTC: 2026-02-18 10:00:00 UTC."""
    return Mrkdwn(when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"))


def local(when: datetime) -> Mrkdwn:
    """A moment in the reader's own time zone; UTC where Slack cannot tell it."""
    return Mrkdwn(f"<!date^{int(when.timestamp())}^{{date_short_pretty}} {{time}}|{utc(when)}>")


def clock(when: datetime) -> Mrkdwn:
    """The time of day of a moment that is near, in the reader's own time zone."""
    utc_time = when.astimezone(UTC).strftime("%H:%M UTC")
    return Mrkdwn(f"<!date^{int(when.timestamp())}^{{time}}|{utc_time}>")


def moment(when: datetime) -> Mrkdwn:
    """A moment in UTC, and in the reader's own time."""
    return Mrkdwn(general.MOMENT.format(utc=utc(when), local=local(when)))


def age(length: timedelta) -> Mrkdwn:
    """How old something is by a cluster's clock; one that is dated later than now has no age."""
    if length < -CLOCKS_DIFFER:
        return Mrkdwn(general.DATED_LATER)
    return duration(max(length, timedelta(seconds=1)))


def ago(length: timedelta) -> Mrkdwn:
    """The same in a sentence about when."""
    told = age(length)
    return told if length < -CLOCKS_DIFFER else Mrkdwn(general.AGO.format(age=told))


def duration(length: timedelta | float) -> Mrkdwn:
    """A length of time by its two largest units: 6 hours 30 minutes."""
    left = int(length.total_seconds() if isinstance(length, timedelta) else length)
    left = max(0, left)
    counts: list[tuple[int, str]] = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        counts.append((count, unit))
    first = next((i for i, (count, _) in enumerate(counts) if count), len(counts) - 1)
    pair = [(n, unit) for n, unit in counts[first : first + 2] if n] or [(0, "second")]
    return Mrkdwn(" ".join(f"{n} {unit}" if n == 1 else f"{n} {unit}s" for n, unit in pair))


def _reference(text: str) -> str:
    if text.startswith("<"):
        return text
    return _time(text) if text.endswith("UTC") else link(text, "thread")


def _time(text: str) -> Mrkdwn:
    try:
        return moment(datetime.strptime(text, "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC))
    except ValueError:  # it only looks like one
        return sentence(text)


def _between(text: str, most: int) -> str:
    """A piece between two references, with the spaces at its edges kept."""
    if not text.strip():
        return " " if text else ""
    before, after = " " * text[0].isspace(), " " * text[-1].isspace()
    return f"{before}{sentence(text, most)}{after}"


def _escaped(text: str, most: int) -> str:
    whole = _escape(text)
    if _size(whole) <= most:
        return whole
    kept: list[str] = []
    room = most - 1
    for piece in map(_escape, text):
        room -= _size(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept) + "…"


def _size(text: str) -> int:
    return len(text.encode())


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
