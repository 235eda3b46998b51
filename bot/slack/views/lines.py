"""How long a list may be: whatever it is of, its message must stay within what Slack takes.

Slack promises no size that a message may have, and names may have 253 letters; so a list ends after
so many lines or so many bytes, and says how many more there are.
"""

import itertools
from collections.abc import Sequence

from bot.slack.markup.mrkdwn import Mrkdwn, fill
from bot.texts import lists as texts

MAX_LINES = 15
ROOM = 7000


def cut(
    lines: Sequence[Mrkdwn], narrower: Mrkdwn | None = None, *, room: int = ROOM
) -> list[Mrkdwn]:
    """As many lines as a list may have, and how many more there are."""
    shown = fitting(lines, room)
    rest = len(lines) - len(shown)
    if rest and narrower is not None:
        return [*shown, fill(texts.NARROW, count=rest, command=narrower)]
    return [*shown, fill(texts.AND_MORE, count=rest)] if rest else shown


def fitting(lines: Sequence[Mrkdwn], room: int = ROOM) -> list[Mrkdwn]:
    """The first lines, at least one of them, that fit into so many bytes."""
    ends = itertools.accumulate(len(line.encode()) for line in lines[:MAX_LINES])
    return [line for line, end in zip(lines, ends, strict=False) if end <= room] or [*lines[:1]]
