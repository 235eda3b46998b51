"""Slack's markup as a person reads it: escapes undone, ids as names, dates in the reader's zone."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.playground.slack.composer import unescape
from bot.playground.slack.workspace import User, Workspace

Json = dict[str, Any]

_SEQUENCE = re.compile(r"<([^<>]+)>")
_DATE = re.compile(r"^!date\^(\d+)\^([^^|]*)(?:\^([^|]*))?\|(.*)$", re.DOTALL)
_TOKEN = re.compile(r"\{(\w+)\}")
_SHAPES = {
    "date": "%B {ordinal}, %Y",
    "date_num": "%Y-%m-%d",
    "date_slash": "%m/%d/%Y",
    "date_long": "%A, %B {ordinal}, %Y",
    "date_short": "%b {day}, %Y",
    "time": "%H:%M",
    "time_secs": "%H:%M:%S",
}
_PRETTY = ("date", "date_long", "date_short")
"""The tokens that say "today" instead, if `_pretty` stands behind them."""


class Reader:
    """Renders markup for one viewer, or in UTC for nobody in particular."""

    def __init__(self, workspace: Workspace, viewer: User | None = None) -> None:
        self._workspace = workspace
        self.zone = ZoneInfo(viewer.tz) if viewer is not None else UTC

    def text(self, text: str) -> str:
        """Markup as people see it."""
        return unescape(_SEQUENCE.sub(lambda found: self._sequence(found[1]), text))

    def clock(self, ts: str) -> str:
        """The time of a message."""
        return self._local(int(ts.partition(".")[0])).strftime("%H:%M")

    def _sequence(self, inner: str) -> str:
        if date := _DATE.match(inner):
            return self.date(int(date[1]), date[2], date[4])
        target, _, label = inner.partition("|")
        match target[:1]:
            case "@":
                return self.name(target[1:])
            case "#":
                return self.channel(target[1:])
            case "!":
                return self._special(target[1:], label)
        return f"{label} ({target})" if label and label not in target else label or target

    def _special(self, target: str, label: str) -> str:
        if target.startswith("subteam^"):
            return self.group(target.removeprefix("subteam^")) or label
        return f"@{target}"

    def name(self, user_id: str) -> str:
        """A user as @name."""
        user = self._workspace.users.get(user_id)
        return f"@{user.name}" if user else f"@{user_id}"

    def channel(self, channel_id: str) -> str:
        """A channel as #name."""
        channel = self._workspace.channels.get(channel_id)
        return f"#{channel.name}" if channel else f"#{channel_id}"

    def group(self, group_id: str) -> str:
        """A user group as @handle."""
        group = self._workspace.groups.get(group_id)
        return f"@{group.handle}" if group else ""

    def date(self, timestamp: int, shape: str, fallback: str) -> str:
        """A date token in the reader's zone; the fallback where Slack does not know the shape."""
        when = self._local(timestamp)
        words = {token: self._word(token, when) for token in _TOKEN.findall(shape)}
        if None in words.values():
            return fallback
        return _TOKEN.sub(lambda found: words[found[1]] or "", shape)

    def _word(self, name: str, when: datetime) -> str | None:
        """What the token of this name says; None for one that Slack does not know."""
        if name == "ago":
            return self._ago(when)
        plain = name.removesuffix("_pretty")
        if plain != name and plain in _PRETTY and (near := self._pretty(when)):
            return near
        shape = _SHAPES.get(plain) if plain == name or plain in _PRETTY else None
        if shape is None:
            return None
        return when.strftime(shape).format(ordinal=_ordinal(when.day), day=when.day)

    def _pretty(self, when: datetime) -> str:
        today = self._workspace.now().astimezone(self.zone).date()
        near = {-1: "yesterday", 0: "today", 1: "tomorrow"}
        return near.get((when.date() - today).days, "")

    def _ago(self, when: datetime) -> str:
        passed = self._workspace.now() - when
        ahead = passed < timedelta()
        minutes = int(abs(passed).total_seconds() // 60)
        amount, unit = (minutes, "minute") if minutes < 60 else (minutes // 60, "hour")
        if amount >= 24 and unit == "hour":
            amount, unit = amount // 24, "day"
        words = f"{amount} {unit}{'' if amount == 1 else 's'}"
        return f"in {words}" if ahead else f"{words} ago"

    def _local(self, timestamp: int) -> datetime:
        return datetime.fromtimestamp(timestamp, UTC).astimezone(self.zone)


def _ordinal(day: int) -> str:
    if day in (11, 12, 13):
        return f"{day}th"
    return f"{day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th') }"
