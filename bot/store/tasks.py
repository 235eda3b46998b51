"""Chores: what is kept current rather than done once, in the same queue as everything else.

A chore has a name and a body. It is leased when it is due, and its holder gives the lease back
(`Store.finish`) with the next due time and perhaps with a new body; without a due time it rests. It
is forgotten a month after it was last kept or given back.

A chore named "home:USER" is due shortly after any restore has moved, in the very script that stores
the move, until nobody has kept it for two weeks.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.store import documents, times
from bot.store.keys import HOME, TASK, Keys
from bot.store.records import Lease
from bot.store.scripts import Scripts

KEPT = timedelta(days=30)
"""How long a chore stays that nobody keeps or gives back."""


class PeriodicTasks:
    """The chores of one Slack workspace."""

    def __init__(self, scripts: Scripts, keys: Keys, clock: Clock) -> None:
        self._scripts = scripts
        self._keys = keys
        self._clock = clock

    async def keep(self, name: str, body: Mapping[str, Any], *, due: datetime) -> None:
        """Have this chore, with this body and due time, whether it is there already or not.

        If somebody is at it just now, it is due again as soon as they give it back.
        """
        await self._scripts.run(
            "schedule_task",
            self._keys_of(name),
            member=TASK + name,
            body=documents.dump_body(body),
            due_at=times.due(due),
            now=times.passed(self._clock.now()),
            ttl=int(KEPT.total_seconds()),
            home=1 if name.startswith(HOME) else 0,
        )

    async def body(self, name: str) -> dict[str, Any] | None:
        """What a chore knows; None if there is no such chore."""
        found = await self._scripts.run("task_body", {"record": self._keys.record(TASK + name)})
        return None if found is None else documents.load_body(found)

    async def drop(self, name: str, *, lease: Lease | None = None) -> None:
        """Have this chore no more. Its holder names the lease: what was kept anew then stays."""
        fence = "" if lease is None else lease.fence
        now = times.passed(self._clock.now())
        await self._scripts.run(
            "delete_task", self._keys_of(name), member=TASK + name, fence=fence, now=now
        )

    def _keys_of(self, name: str) -> dict[str, str]:
        return {
            "record": self._keys.record(TASK + name),
            "due": self._keys.due,
            "homes": self._keys.homes,
        }
