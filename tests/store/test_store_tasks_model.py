"""Any order of scheduling, leasing, releasing and deleting tasks, compared with a model in Python.

Restores stand beside the tasks only to move: that makes homes due. See test_store_model.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    consumes,
    invariant,
    multiple,
    rule,
)

from bot.store.queue import MAX_CUTS, PUT_OFF
from bot.store.records import Lease, PeriodicTask
from tests.store.machine import LEASE, Machine, runs
from tests.store.samples import restore, said

PAUSE = timedelta(seconds=3)
NAMED = ["home:U1", "home:U2", "report"]
NAMES = st.sampled_from(NAMED)
BODIES = st.sampled_from(["a", "b", "c"])
DELAYS = st.sampled_from([None, 0, 1, 30, 600])


@dataclass
class Row:
    """What the model knows of one task."""

    body: str
    fence: int
    due: datetime | None = None
    until: datetime | None = None
    again: datetime | None = None
    newer: bool = False
    cuts: int = 0

    def held(self, now: datetime) -> bool:
        """Somebody is at it, within their lease."""
        return self.until is not None and self.until > now

    def give_back(self, due: datetime | None, now: datetime) -> None:
        """The worker that was at it has done it."""
        self.due = due if self.again is None else max(now, self.again)
        self.until, self.again, self.newer, self.cuts = None, None, False, 0


class TaskMachine(Machine):
    """The tasks beside their model."""

    leases: Bundle[Lease] = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, Row] = {}
        self.restores: dict[str, datetime] = {}

    @rule(name=NAMES, body=BODIES, delay=st.sampled_from([0, 1, 30]))
    def schedule(self, name: str, body: str, delay: int) -> None:
        """Somebody schedules this task."""
        now = self.clock.now()
        due = now + timedelta(seconds=delay)
        self.runner.run(self.store.tasks.schedule(name, {"is": body}, due=due))
        row = self.rows.setdefault(name, Row(body, int(now.timestamp() * 1000)))
        row.body = body
        if row.until is not None:
            row.newer, row.again = True, datetime.fromtimestamp(0, now.tzinfo)
        if not row.held(now):
            row.due = due

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        """The task is deleted without a lease."""
        self.runner.run(self.store.tasks.delete(name))
        self.rows.pop(name, None)

    @rule(lease=consumes(leases))
    def delete_at_work(self, lease: Lease) -> None:
        """The worker that has the lease deletes the task."""
        name = lease.id.removeprefix("task:")
        self.runner.run(self.store.tasks.delete(name, lease=lease))
        row = self.rows.get(name)
        if row is None or row.fence != lease.fence or row.until is None:
            return
        if row.newer:
            row.due = self.clock.now()
            row.until, row.again, row.newer = None, None, False
        else:
            del self.rows[name]

    @rule(target=leases, limit=st.integers(1, 4))
    def lease(self, limit: int) -> MultipleResults[Lease]:
        """A worker takes what is due; what stopped too many is put off."""
        now = self.clock.now()
        queue = sorted((row.due, name) for name, row in self.rows.items() if row.due is not None)
        due = [name for when, name in queue if when <= now][:limit]
        taken = [name for name in due if self.take(self.rows[name], now)]
        leased, following = self.runner.run(self.store.queue.lease(limit))
        assert [each.lease for each in leased] == [
            Lease(f"task:{name}", self.rows[name].fence, now + LEASE) for name in taken
        ]
        assert [each.work for each in leased] == [
            PeriodicTask(name, {"is": self.rows[name].body}) for name in taken
        ]
        left = [row.due for row in self.rows.values() if row.due is not None]
        assert following == min([*left, *self.restores.values()], default=None)
        return multiple(*[each.lease for each in leased])

    def take(self, row: Row, now: datetime) -> bool:
        """Take one, unless too many workers have died over it."""
        interrupted = row.until is not None
        if row.cuts + interrupted >= MAX_CUTS:
            row.cuts, row.until, row.due = MAX_CUTS - 1, None, now + PUT_OFF
            return False
        row.cuts += interrupted
        row.fence += 1
        row.until = row.due = now + LEASE
        row.again, row.newer = None, False
        return True

    @rule(lease=consumes(leases), delay=DELAYS, body=st.one_of(st.none(), BODIES))
    def release(self, lease: Lease, delay: int | None, body: str | None) -> None:
        """A worker gives its lease back, early or late."""
        now = self.clock.now()
        due = None if delay is None else now + timedelta(seconds=delay)
        known = None if body is None else {"is": body}
        done = self.runner.run(self.store.queue.release(lease, due=due, body=known))
        row = self.rows.get(lease.id.removeprefix("task:"))
        assert done == (row is not None and row.fence == lease.fence)
        if row is None or not done or row.until is None:
            return
        if body is not None and not row.newer:
            row.body = body
        row.give_back(due, now)

    @rule()
    def move(self) -> None:
        """A restore is asked for; it is looked at much later, so that it is never in the way."""
        now = self.clock.now()
        number = len(self.restores) + 1
        made = restore(f"R{number}", vm=f"vm-{number}")
        far = now + timedelta(days=300)
        self.runner.run(self.store.create(made, due=far, audit=[said("asked")]))
        self.restores[f"restore:{made.id}"] = far
        for name, row in self.rows.items():
            if not name.startswith("home:"):
                continue
            if row.until is not None:
                row.again = row.again or now + PAUSE
            if not row.held(now):
                row.due = now + PAUSE if row.due is None else min(row.due, now + PAUSE)

    @rule(seconds=st.sampled_from([1, 3, 25, 600]))
    def advance(self, seconds: int) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    @invariant()
    def bodies_and_queue_agree(self) -> None:
        """What is stored is what the model knows."""
        bodies, queued = self.runner.run(self.stored())
        assert bodies == {name: {"is": row.body} for name, row in self.rows.items()}
        tasks = {f"task:{n}" for n, row in self.rows.items() if row.due is not None}
        assert queued == tasks | self.restores.keys()

    async def stored(self) -> tuple[dict[str, object], set[str]]:
        """The bodies, and what stands in the queue."""
        bodies = {name: await self.store.tasks.body(name) for name in NAMED}
        due: list[str] = await self.client.execute_command("ZRANGE", self.keys.due, 0, -1)
        return {name: body for name, body in bodies.items() if body is not None}, set(due)


def test_any_order_of_tasks_goes_as_the_model_says(
    wheel_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(TaskMachine, wheel_url, monkeypatch, examples=100)
