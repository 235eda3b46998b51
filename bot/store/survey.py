"""How many restores are live and in which phase, and how far behind the queue is: for metrics.

It reads what is kept of each live restore apart from its document, in pages: a few hundred bytes each.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.clock import Clock
from bot.restore.model import Phase
from bot.store import replies, times
from bot.store.keys import Keys
from bot.store.scripts import PAGE, Scripts

LIVE = tuple(phase for phase in Phase if not phase.ended)


@dataclass(slots=True)
class Survey:
    """What the store holds now."""

    queued: int = 0
    due: int = 0
    """Of them, those that are due and leased to nobody."""
    oldest: float = 0.0
    """Seconds for which the oldest of those has been due; 0 if there is none."""
    phases: Counter[Phase] = field(default_factory=Counter)
    waiting: int = 0
    """Live restores that wait for the answer of a person."""
    stuck: int = 0
    """Live restores whose time limit is over, or whose cluster the bot cannot look at."""


async def survey(scripts: Scripts, keys: Keys, clock: Clock) -> Survey:
    """Raises StoreUnavailable."""
    found, cursor = Survey(), "0"
    while True:
        now, found.queued, found.due, oldest, cursor, page = await scripts.run(
            "survey",
            {"due": keys.due, "traces": keys.traces},
            now=times.now(clock),
            cursor=cursor,
            count=PAGE,
        )
        found.oldest = 0.0 if oldest == "" else max(0.0, (int(now) - float(oldest)) / 1000)
        for trace in replies.paired(page).values():
            _add(found, json.loads(trace), times.moment(now))
        if cursor == "0":
            return found


def _add(found: Survey, trace: Mapping[str, Any], now: datetime) -> None:
    """One restore. A trace of an earlier release says nothing of its phase until it moves again."""
    phase = trace.get("phase")
    if phase not in LIVE:
        return
    found.phases[Phase(phase)] += 1
    found.waiting += bool(trace.get("asks"))
    until = trace.get("until")
    over = until is not None and datetime.fromisoformat(until) <= now
    found.stuck += over or bool(trace.get("troubled"))
