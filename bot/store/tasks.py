"""Periodic tasks: work that is repeated, in the same queue as restores and deliveries.

A periodic task has a name and a body. It is leased when it is due, and its worker releases the
lease (`WorkQueue.release`) with the next due time and perhaps with a new body; without a due time
it rests. It is forgotten a month after it was last scheduled or released.

The script that stores a change of a restore also makes each task named "home:USER" due shortly
after it. This ends two weeks after the task was last scheduled.
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
"""How long a task stays that is neither scheduled nor released."""


class PeriodicTasks:
    """The periodic tasks of one Slack workspace."""

    def __init__(self, scripts: Scripts, keys: Keys, clock: Clock) -> None:
        self._scripts = scripts
        self._keys = keys
        self._clock = clock

    async def schedule(self, name: str, body: Mapping[str, Any], *, due: datetime) -> None:
        """Store this task with this body and due time; one of this name is replaced.

        If the task is leased just now, it is due again as soon as the lease is released.
        """
        await self._scripts.run(
            "schedule_task",
            self._keys_of(name),
            member=TASK + name,
            body=documents.dump_body(body),
            due_at=times.due(due),
            now=times.now(self._clock),
            ttl=int(KEPT.total_seconds()),
            home=1 if name.startswith(HOME) else 0,
        )

    async def body(self, name: str) -> dict[str, Any] | None:
        """The body of a task; None if there is no such task."""
        found = await self._scripts.run("task_body", {"record": self._keys.record(TASK + name)})
        return None if found is None else documents.load_body(found)

    async def delete(self, name: str, *, lease: Lease | None = None) -> None:
        """Delete this task. With the lease of its worker, a task scheduled since then stays."""
        fence = "" if lease is None else lease.fence
        now = times.now(self._clock)
        await self._scripts.run(
            "delete_task", self._keys_of(name), member=TASK + name, fence=fence, now=now
        )

    def _keys_of(self, name: str) -> dict[str, str]:
        return {
            "record": self._keys.record(TASK + name),
            "due": self._keys.due,
            "homes": self._keys.homes,
        }
