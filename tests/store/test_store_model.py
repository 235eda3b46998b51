"""Any order of what listeners and workers do, compared with a model of a few lines of Python.

The model knows restores (version, live or ended), who holds which VM, the queue, and for each
restore its fence, the end of its lease and whether it was asked for meanwhile.
"""

from dataclasses import dataclass, field, replace
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

from bot.restore.model import Phase, Restore
from bot.store.records import AlreadyExists, ClaimConflict, Committed, Created, Lease, Record, Stale
from tests.store.machine import LEASE, Machine, runs
from tests.store.samples import changed, restore

VMS = st.sampled_from(["db", "web"])
IDS = st.sampled_from(["A", "B", "C", "D"])
DELAYS = st.sampled_from([0, 1, 30, 600])
LIVE_PHASES = st.sampled_from([Phase.GATHERING, Phase.CHECKING, Phase.TYPING])


@dataclass
class Row:
    """What the model knows of one restore."""

    stored: Restore
    due: datetime | None
    fence: int = 0
    until: datetime | None = None
    again: bool = False

    def ask_for(self, when: datetime, now: datetime) -> None:
        """Have it looked at, now or after the present lease."""
        if self.until is not None:
            self.again = True
            if self.until > now:
                return
        self.due = when


@dataclass
class Model:
    """All restores."""

    rows: dict[str, Row] = field(default_factory=dict)

    def holder(self, claim: str | None, but: str) -> Restore | None:
        """Who else holds a VM."""
        for name, row in self.rows.items():
            if claim is not None and name != but and row.stored.claim == claim:
                return row.stored
        return None

    def queue(self) -> list[tuple[datetime, str]]:
        """What is queued, in the order of leasing."""
        return sorted((row.due, name) for name, row in self.rows.items() if row.due is not None)


class StoreMachine(Machine):
    """The store beside its model."""

    leases: Bundle[Lease] = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()

    @rule(name=IDS, vm=VMS, phase=LIVE_PHASES, delay=DELAYS)
    def create(self, name: str, vm: str, phase: Phase, delay: int) -> None:
        """Somebody asks for a restore."""
        made, due = restore(name, vm=vm, phase=phase), self.clock.now() + timedelta(seconds=delay)
        result = self.runner.run(self.store.create(made, due=due, audit=[]))
        if name in self.model.rows:
            assert result == AlreadyExists(self.model.rows[name].stored)
        elif holder := self.model.holder(made.claim, name):
            assert result == ClaimConflict(holder)
        else:
            assert result == Created(made)
            self.model.rows[name] = Row(made, due)

    @rule(name=IDS, phase=st.sampled_from(Phase), vm=VMS, behind=st.booleans(), delay=DELAYS)
    def commit(self, name: str, phase: Phase, vm: str, *, behind: bool, delay: int) -> None:
        """A listener commits, perhaps from an older version."""
        due = self.clock.now() + timedelta(seconds=delay)
        change = self.change(name, phase, vm, behind=behind)
        result = self.runner.run(self.store.commit(change, due=due, audit=[]))
        if self.expect(result, change, fresh=True):
            self.model.rows[name].ask_for(due, self.clock.now())

    @rule(lease=leases, phase=st.sampled_from(Phase), vm=VMS, behind=st.booleans())
    def commit_at_work(self, lease: Lease, phase: Phase, vm: str, *, behind: bool) -> None:
        """A worker commits under its lease."""
        name = lease.id.removeprefix("restore:")
        change = self.change(name, phase, vm, behind=behind)
        result = self.runner.run(self.store.commit(change, due=None, audit=[], lease=lease))
        self.expect(result, change, fresh=self.holds(lease))

    @rule(target=leases, limit=st.integers(1, 4))
    def lease(self, limit: int) -> MultipleResults[Lease]:
        """A worker takes what is due."""
        now = self.clock.now()
        expected = [name for due, name in self.model.queue() if due <= now][:limit]
        for name in expected:
            row = self.model.rows[name]
            row.fence, row.until, row.due, row.again = (
                row.fence + 1,
                now + LEASE,
                now + LEASE,
                False,
            )
        leased, following = self.runner.run(self.store.queue.lease(limit))
        assert [each.lease for each in leased] == [
            Lease(f"restore:{name}", self.model.rows[name].fence, now + LEASE) for name in expected
        ]
        assert [each.work for each in leased] == [
            Record(self.model.rows[name].stored, {}) for name in expected
        ]
        assert following == min((due for due, _ in self.model.queue()), default=None)
        return multiple(*[each.lease for each in leased])

    @rule(lease=consumes(leases), delay=DELAYS)
    def release(self, lease: Lease, delay: int) -> None:
        """A worker gives its lease back, early or late."""
        row = self.model.rows[lease.id.removeprefix("restore:")]
        due = self.clock.now() + timedelta(seconds=delay)
        over = row.stored.phase.ended
        done = self.runner.run(self.store.queue.release(lease, due=None if over else due))
        assert done == (row.fence == lease.fence)
        if done and row.until is not None:
            row.due = self.clock.now() if row.again else None if over else due
            row.until, row.again = None, False

    @rule(target=leases, lease=consumes(leases))
    def renew(self, lease: Lease) -> MultipleResults[Lease]:
        """A worker needs longer."""
        longer = self.runner.run(self.store.queue.renew(lease))
        if not self.holds(lease):
            assert longer is None
            return multiple()
        row = self.model.rows[lease.id.removeprefix("restore:")]
        row.until = row.due = self.clock.now() + LEASE
        assert longer is not None
        assert longer == replace(lease, until=row.until)
        return multiple(longer)

    @rule(names=st.lists(IDS, unique=True))
    def wake(self, names: list[str]) -> None:
        """The cluster has news."""
        self.runner.run(self.store.queue.wake(names))
        now = self.clock.now()
        for name in names:
            row = self.model.rows.get(name)
            if row is not None and not row.stored.phase.ended:
                row.ask_for(now if row.due is None else min(row.due, now), now)

    @rule(seconds=st.sampled_from([1, 10, 24, 25, 600]))
    def advance(self, seconds: int) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    @invariant()
    def documents_and_lists_agree(self) -> None:
        """What is stored is what the model knows; each live restore is queued."""
        rows = self.model.rows
        for name, row in rows.items():
            assert self.runner.run(self.store.load(name)) == Record(row.stored, {})
        living = {name for name, row in rows.items() if not row.stored.phase.ended}
        assert {each.id for each in self.runner.run(self.store.live())} == living
        assert living <= {name for _, name in self.model.queue()}

    @invariant()
    def no_vm_is_held_twice(self) -> None:
        """Claims are exactly those of the live restores."""
        stored = [row.stored for row in self.model.rows.values()]
        claims = [each.claim for each in stored if each.claim is not None]
        assert len(claims) == len(set(claims))
        assert self.runner.run(self.claims()) == {
            each.claim: each.id for each in stored if each.claim is not None
        }

    async def claims(self) -> dict[str, str]:
        """Who holds which VM, as it is stored."""
        found: dict[str, str] = await self.client.execute_command("HGETALL", self.keys.claims)
        return found

    def change(self, name: str, phase: Phase, vm: str, *, behind: bool) -> Restore:
        """What a step might make of a restore."""
        row = self.model.rows.get(name)
        before = restore(name) if row is None else row.stored
        if before.phase.ended:
            phase = before.phase  # an end is an end
        request = before.request.model_copy(update={"vm": vm})
        return changed(before, phase=phase, request=request, version=before.version - behind)

    def holds(self, lease: Lease) -> bool:
        """Whether a lease still stands."""
        row = self.model.rows[lease.id.removeprefix("restore:")]
        return row.fence == lease.fence and row.until is not None and row.until > self.clock.now()

    def expect(self, result: object, change: Restore, *, fresh: bool) -> bool:
        """Compare a commit's answer with the model's; True if it was stored."""
        row = self.model.rows.get(change.id)
        if row is None or row.stored.version != change.version or not fresh:
            assert result == Stale()
            return False
        if holder := self.model.holder(change.claim, change.id):
            assert result == ClaimConflict(holder)
            return False
        row.stored = changed(change, version=change.version + 1)
        assert result == Committed(row.stored)
        return True


def test_any_order_of_work_goes_as_the_model_says(
    wheel_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(StoreMachine, wheel_url, monkeypatch, examples=60)
