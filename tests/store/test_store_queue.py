"""Leases, fences and the due queue."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.restore.model import Job, Phase
from bot.restore.traces import trace
from bot.store import Store, connect, documents
from bot.store.documents import Unreadable
from bot.store.queue import LEFT, MAX_CUTS, MAX_DEFERRALS, PUT_OFF
from bot.store.records import (
    ClaimConflict,
    Committed,
    Created,
    Delivery,
    Lease,
    Leased,
    Listed,
    PeriodicTask,
    PostedCard,
    Record,
    Stale,
)
from tests.store.database import HOUR, MONTH, Database
from tests.store.samples import changed, ended, restore, said


async def test_what_is_due_is_leased_with_its_document(db: Database) -> None:
    await db.create()
    leased, following = await db.queue.lease(5)
    until = db.later(25)
    assert leased == [Leased(Lease("restore:R1", 1, until), Record(restore(vm="R1"), {}))]
    assert following == until


async def test_an_empty_queue_has_no_next_due_time(db: Database) -> None:
    assert await db.queue.lease(5) == ([], None)


async def test_what_is_not_due_yet_is_only_announced(db: Database) -> None:
    await db.create(after=60)
    assert await db.queue.lease(5) == ([], db.later(60))


async def test_a_due_time_is_never_met_a_fraction_early(db: Database) -> None:
    """A deadline 0.4 ms from now is not due now, else a round would run before it for nothing."""
    await db.create(after=0.0004)
    assert await db.names_due() == []
    db.clock.advance(0.001)
    assert await db.names_due() == ["restore:R1"]


async def test_a_lease_takes_the_longest_due_first_and_no_more_than_the_limit(db: Database) -> None:
    for name, after in (("R1", 3), ("R2", 1), ("R3", 2)):
        await db.create(name, after)
    db.clock.advance(5)
    leased, following = await db.queue.lease(2)
    assert [each.lease.id for each in leased] == ["restore:R2", "restore:R3"]
    assert following == db.later(-2)


async def test_what_is_leased_is_not_leased_again(db: Database) -> None:
    await db.create()
    await db.take()
    db.clock.advance(24.9)
    assert await db.names_due() == []


async def test_a_lease_that_ran_out_passes_on_with_a_higher_fence(db: Database) -> None:
    await db.create()
    first = await db.take()
    db.clock.advance(25)
    second = await db.take()
    assert (first.fence, second.fence) == (1, 2)


def trace_of(name: str, vm: str = "db-01") -> dict[str, Any]:
    """What is kept of a live restore apart from its document."""
    return documents.load_body(documents.dump_trace(trace(restore(name, vm=vm))))


async def test_a_restore_whose_record_is_gone_leaves_every_index_and_is_looked_into(
    db: Database,
) -> None:
    """Evicted, or deleted by hand: it is told in the log and the audit stream, and to its owner."""
    made = restore("R1")
    await db.store.create(made, due=db.now, audit=[])
    await db.client.delete(db.keys.restore("R1"))
    with capture_logs() as logs:
        assert await db.queue.lease(5) == ([], db.now)
    assert [(each["log_level"], each["record"]) for each in logs] == [("error", "restore:R1")]
    leased, _ = await db.queue.lease(5)
    assert [each.work for each in leased] == [
        PeriodicTask("lost:R1", {"why": "gone", "trace": trace_of("R1")})
    ]
    await db.tasks.delete("lost:R1", lease=leased[0].lease)
    entries = [each async for each in db.store.audit.read()]
    assert [(each.kind, each.restore, each.reason) for each in entries] == [
        ("record-lost", "R1", "gone")
    ]
    assert await db.names() == {"audit:R1", "audits", "audit-count"}
    assert await db.store.create(restore("R2"), due=db.now, audit=[]) == Created(restore("R2"))


async def test_a_record_that_is_lost_long_before_it_is_due_is_found_within_seconds(
    db: Database,
) -> None:
    """A question waits for an hour, and nobody looks at it. A few of many are looked at each time."""
    for number in range(35):
        await db.create(f"R{number}", HOUR)
    await db.client.delete(db.keys.restore("R17"))
    assert (await db.store.under_way()).lost == 1
    for _ in range(7):
        await db.queue.lease(5)
        db.clock.advance(1)
    assert (await db.store.under_way()).lost == 0
    assert await db.client.exists(db.keys.prefix + "task:lost:R17")


async def test_a_live_restore_that_the_queue_has_lost_is_due_at_once(db: Database) -> None:
    """The queue is one key. Evicted, everything that is under way would stand still without a word."""
    await db.create("R1", HOUR)
    await db.client.delete(db.keys.due)
    assert await db.names_due() == []
    assert await db.names_due() == ["restore:R1"]
    assert await db.names_due() == []


async def test_a_trace_is_kept_as_long_as_the_restore_lives_or_holds_a_vm(db: Database) -> None:
    lease = await db.leased()
    assert await db.client.hkeys(db.keys.traces) == ["R1"]
    await db.store.commit(ended(restore(vm="R1")), due=None, audit=[], lease=lease)
    assert await db.client.hkeys(db.keys.traces) == []


async def test_an_id_without_a_record_is_looked_into_once(db: Database) -> None:
    """Which only the cluster knows. What rests has been done; ended ones know their objects."""
    aware = Job(name="restore-x", decided_at=db.now, uid="u")
    over = ended(restore("R2")).model_copy(update={"job": aware, "objects": ("t",)})
    await db.store.create(over, due=db.later(60), audit=[])
    theirs = {"why": "unknown", "uids": ["t", "u"]}
    await db.queue.wake(["R1", "R2", "R3"], {"R1": {"why": "unknown"}, "R2": theirs})
    leased, _ = await db.queue.lease(5)
    assert [each.work for each in leased] == [PeriodicTask("lost:R1", {"why": "unknown"})]
    await db.queue.release(leased[0].lease, due=None)
    await db.queue.wake(["R1"], {"R1": {"why": "unknown"}})
    assert (await db.queue.lease(5))[0] == []


@pytest.mark.parametrize("known", [None, "u"])
async def test_an_ended_restore_that_does_not_know_an_object_is_looked_into(
    db: Database, known: str | None
) -> None:
    """Its object has come into being late, or another one has."""
    job = Job(name="restore-x", decided_at=db.now, uid=known) if known else None
    over = ended(restore("R2")).model_copy(update={"job": job})
    await db.store.create(over, due=db.later(60), audit=[])
    task = {"why": "unknown", "uids": ["u", "v"] if known else ["u"]}
    await db.queue.wake(["R2"], {"R2": task})
    leased, _ = await db.queue.lease(5)
    assert [each.work for each in leased] == [PeriodicTask("lost:R2", task)]


async def test_a_restore_that_still_asks_for_its_target_is_looked_into_and_woken(
    db: Database,
) -> None:
    """Its document came back from before the answers; one in another phase asks for its object itself."""
    for name, phase in (("R2", Phase.GATHERING), ("R3", Phase.CHECKING)):
        asked = restore(name, phase=phase, vm=name)
        await db.store.create(asked, due=db.later(60), audit=[])
    task = {"why": "unknown", "uids": ["u"]}
    await db.queue.wake(["R2", "R3"], {"R2": task, "R3": task})
    leased, _ = await db.queue.lease(5)
    assert {each.lease.id for each in leased} == {"restore:R2", "restore:R3", "task:lost:R2"}


# release


async def test_release_names_the_next_due_time(db: Database) -> None:
    await db.create()
    assert await db.queue.release(await db.take(), due=db.later(60))
    assert await db.queue.lease(5) == ([], db.later(60))


async def test_release_without_a_due_time_lets_an_ended_restore_go(db: Database) -> None:
    lease = await db.leased()
    await db.store.commit(ended(restore(vm="R1")), due=None, audit=[], lease=lease)
    assert await db.queue.release(lease, due=None)
    assert await db.queue.lease(5) == ([], None)
    assert await db.store.load("R1") is not None


async def test_a_live_restore_cannot_leave_the_queue(db: Database) -> None:
    """It would never be looked at again, and the thread would end in silence."""
    lease = await db.leased()
    with pytest.raises(ValueError, match="restore:R1 is live"):
        await db.queue.release(lease, due=None)
    db.clock.advance(25)
    assert await db.names_due() == ["restore:R1"]


async def test_release_keeps_what_was_shown_and_adds_to_it(db: Database) -> None:
    await db.create()
    first, second = PostedCard("1.1", "a|b"), PostedCard(None, "")
    await db.queue.release(await db.take(), due=db.now, shown={"request.1": first})
    await db.queue.release(await db.take(), due=db.now, shown={"warning.2": second})
    record = await db.store.load("R1")
    assert record is not None
    assert record.shown == {"request.1": first, "warning.2": second}


@pytest.mark.parametrize(
    ("card", "ts", "found"),
    [
        pytest.param("request.1", "1.1", PostedCard(None, ""), id="where it stands"),
        pytest.param("request.1", "1.10", PostedCard("1.1", "d"), id="a later message"),
        pytest.param("request.1", "1.", PostedCard("1.1", "d"), id="the beginning of its time"),
        pytest.param("request.1", "9.9", PostedCard("1.1", "d"), id="posted anew meanwhile"),
        pytest.param("warning.2", "1.1", PostedCard("1.1", "d"), id="another card"),
    ],
)
async def test_only_a_card_that_stands_in_the_message_that_is_gone_is_doubted(
    db: Database, card: str, ts: str, found: PostedCard
) -> None:
    await db.create()
    later = db.later(60)
    shown = {"request.1": PostedCard("1.1", "d")}
    await db.queue.release(await db.take(), due=later, shown=shown)
    await db.queue.invalidate_card("R1", card, ts)
    record = await db.store.load("R1")
    assert record is not None
    assert record.shown == {"request.1": found}
    assert await db.names_due() == ["restore:R1"] * (found.ts is None)


async def test_an_old_fence_releases_nothing(db: Database) -> None:
    await db.create()
    old = await db.take()
    db.clock.advance(25)
    current = await db.take()
    assert not await db.queue.release(old, due=db.now, shown={"request.1": PostedCard("1.1", "a")})
    record = await db.store.load("R1")
    assert record is not None
    assert record.shown == {}
    assert await db.names_due() == []
    assert await db.queue.release(current, due=db.now)


async def test_a_late_release_counts_while_no_other_worker_has_begun(db: Database) -> None:
    lease = await db.leased()
    db.clock.advance(40)
    assert await db.queue.release(lease, due=db.later(60))
    assert await db.names_due() == []


async def test_a_release_sent_again_does_not_undo_a_wake_between(db: Database) -> None:
    lease = await db.leased()
    later = db.later(HOUR)
    assert await db.queue.release(lease, due=later)
    await db.queue.wake(["R1"])
    assert await db.queue.release(lease, due=later)
    assert await db.names_due() == ["restore:R1"]


async def test_releasing_what_is_gone_is_too_late(db: Database) -> None:
    assert not await db.queue.release(Lease("restore:R9", 1, db.now), due=db.now)


# renew


async def test_a_renewed_lease_is_as_long_again(db: Database) -> None:
    lease = await db.leased()
    db.clock.advance(20)
    longer = await db.queue.renew(lease)
    assert longer == Lease("restore:R1", 1, db.later(25))
    db.clock.advance(24)
    assert isinstance(
        await db.store.commit(restore(vm="R1"), due=None, audit=[], lease=longer), Committed
    )
    assert await db.names_due() == []
    db.clock.advance(1)
    assert await db.names_due() == ["restore:R1"]


async def test_a_lease_that_ran_out_is_not_renewed(db: Database) -> None:
    lease = await db.leased()
    db.clock.advance(25)
    assert await db.queue.renew(lease) is None


async def test_a_lease_that_passed_on_or_was_given_back_is_not_renewed(db: Database) -> None:
    await db.create()
    first = await db.take()
    db.clock.advance(25)
    second = await db.take()
    assert await db.queue.renew(first) is None
    await db.queue.release(second, due=db.later(60))
    assert await db.queue.renew(second) is None


# wake


async def test_a_woken_restore_is_due_now(db: Database) -> None:
    await db.create(after=600)
    await db.queue.wake(["R1"])
    assert await db.names_due() == ["restore:R1"]


async def test_a_wake_during_a_lease_is_met_after_it(db: Database) -> None:
    """What woke it happened after the worker looked, so the worker's due time is too late."""
    lease = await db.leased()
    await db.queue.wake(["R1"])
    assert await db.names_due() == []
    await db.queue.release(lease, due=db.later(HOUR))
    assert await db.names_due() == ["restore:R1"]


async def test_a_wake_during_a_lease_is_met_once(db: Database) -> None:
    await db.create()
    first = await db.take()
    await db.queue.wake(["R1"])
    await db.queue.release(first, due=db.later(HOUR))
    second = await db.take()
    await db.queue.release(second, due=db.later(HOUR))
    assert await db.names_due() == []


async def test_a_wake_after_a_lease_ran_out_survives_the_late_release(db: Database) -> None:
    lease = await db.leased()
    db.clock.advance(26)
    await db.queue.wake(["R1"])
    await db.queue.release(lease, due=db.later(HOUR))
    assert await db.names_due() == ["restore:R1"]


async def test_the_next_worker_meets_the_wishes_of_a_dead_ones_time(db: Database) -> None:
    """The new lease sees the document as it is, so one look is enough."""
    await db.create()
    await db.take()
    await db.queue.wake(["R1"])
    db.clock.advance(25)
    second = await db.take()
    await db.queue.release(second, due=db.later(HOUR))
    assert await db.names_due() == []


async def test_ended_and_unknown_restores_are_not_woken(db: Database) -> None:
    lease = await db.leased()
    await db.store.commit(ended(restore(vm="R1")), due=None, audit=[], lease=lease)
    await db.queue.release(lease, due=None)
    await db.queue.wake(["R1", "R9"])
    assert await db.queue.lease(5) == ([], None)
    assert not await db.client.exists(db.keys.restore("R9"))


async def test_waking_nobody_and_many_works(db: Database) -> None:
    await db.create(after=600)
    await db.queue.wake([])
    await db.queue.wake([f"X{number}" for number in range(450)] + ["R1"])
    assert await db.names_due() == ["restore:R1"]


async def test_an_overdue_restore_keeps_its_place_when_woken(db: Database) -> None:
    """Otherwise a restore woken without end would always stand behind the others."""
    await db.create("R1")
    db.clock.advance(1)
    await db.create("R2")
    db.clock.advance(1)
    await db.queue.wake(["R1"])
    assert await db.names_due() == ["restore:R1", "restore:R2"]


# Commits and the queue


async def test_a_listeners_commit_is_due_at_once(db: Database) -> None:
    await db.create(after=600)
    await db.store.commit(restore(vm="R1"), due=db.now, audit=[])
    leased, _ = await db.queue.lease(5)
    assert leased[0].work == Record(changed(restore(vm="R1"), version=1), {})


async def test_a_listeners_commit_may_put_the_next_look_off(db: Database) -> None:
    await db.create()
    await db.store.commit(restore(vm="R1"), due=db.later(60), audit=[])
    assert await db.queue.lease(5) == ([], db.later(60))


async def test_a_listeners_commit_without_a_due_time_leaves_the_queue_alone(db: Database) -> None:
    await db.create(after=60)
    await db.store.commit(restore(vm="R1"), due=None, audit=[])
    assert await db.queue.lease(5) == ([], db.later(60))


async def test_a_listeners_commit_during_a_lease_is_looked_at_after_it(db: Database) -> None:
    lease = await db.leased()
    assert isinstance(await db.store.commit(restore(vm="R1"), due=db.now, audit=[]), Committed)
    assert await db.names_due() == []
    await db.queue.release(lease, due=db.later(HOUR))
    assert await db.names_due() == ["restore:R1"]


async def test_the_workers_commit_is_stale_after_a_listeners(db: Database) -> None:
    lease = await db.leased()
    clicked = changed(restore(vm="R1"), phase=Phase.CONFIRMING)
    await db.store.commit(clicked, due=db.now, audit=[])
    assert await db.store.commit(restore(vm="R1"), due=None, audit=[], lease=lease) == Stale()
    record = await db.store.load("R1")
    assert record is not None
    assert record.restore.phase is Phase.CONFIRMING


async def test_a_commit_under_a_lease_keeps_the_lease(db: Database) -> None:
    lease = await db.leased()
    first = await db.store.commit(restore(vm="R1"), due=None, audit=[], lease=lease)
    assert isinstance(first, Committed)
    second = await db.store.commit(first.restore, due=db.now, audit=[], lease=lease)
    assert isinstance(second, Committed)
    assert await db.names_due() == []


@pytest.mark.parametrize("taken_by_another", [True, False])
async def test_a_commit_under_a_lease_that_ran_out_is_stale(
    db: Database, *, taken_by_another: bool
) -> None:
    lease = await db.leased()
    db.clock.advance(25)
    if taken_by_another:
        await db.take()
    assert await db.store.commit(restore(vm="R1"), due=None, audit=[], lease=lease) == Stale()


async def test_a_commit_under_a_released_lease_is_stale(db: Database) -> None:
    lease = await db.leased()
    await db.queue.release(lease, due=db.now)
    assert await db.store.commit(restore(vm="R1"), due=None, audit=[], lease=lease) == Stale()


# Deliveries


async def test_a_delivery_is_enqueued_once_and_leased_to_the_caller(db: Database) -> None:
    lease = await db.queue.enqueue_delivery("Ev1", "event", {"text": "restore db-01"})
    assert lease == Lease("delivery:Ev1", 1, db.later(25))
    assert await db.queue.enqueue_delivery("Ev1", "event", {"text": "restore db-01"}) is None
    assert await db.names_due() == []


async def test_an_answer_is_stored_only_where_a_restore_is(db: Database) -> None:
    await db.store.create(restore(), due=db.now, audit=[])
    thread_ref = restore().thread_ref
    here, elsewhere = (thread_ref.channel, str(thread_ref.thread)), (thread_ref.channel, "9.9")
    assert await db.queue.enqueue_delivery("Ev1", "event", {}, only_in=elsewhere) is None
    assert not await db.client.exists(db.keys.record("delivery:Ev1"))
    assert await db.queue.enqueue_delivery("Ev1", "event", {}, only_in=here) is not None


async def test_a_completed_delivery_is_known_for_a_day_without_its_body(db: Database) -> None:
    lease = await db.queue.enqueue_delivery("Ev1", "event", {"text": "restore db-01"})
    assert lease is not None
    assert await db.queue.complete_delivery(lease)
    assert await db.queue.enqueue_delivery("Ev1", "event", {}) is None
    assert 86_390 < await db.client.ttl(db.keys.record("delivery:Ev1")) <= 86_400
    assert await db.client.hget(db.keys.record("delivery:Ev1"), "body") is None
    db.clock.advance(60)
    assert await db.queue.lease(5) == ([], None)


async def test_a_delivery_that_nobody_completed_comes_back_with_its_body(db: Database) -> None:
    accepted_at = db.now
    body = {"text": "half a pair \ud83d and \u00e9 \U0001f534", "nested": {"list": [1, None, True]}}
    await db.queue.enqueue_delivery("Ev1", "event", body)
    db.clock.advance(25)
    leased, _ = await db.queue.lease(5)
    (each,) = leased
    assert each.lease.fence == 2
    assert isinstance(each.work, Delivery)
    assert (each.work.key, each.work.kind, each.work.body) == ("Ev1", "event", body)
    assert (each.work.attempts, each.work.accepted_at) == (2, accepted_at)


@pytest.mark.parametrize("completed", [False, True])
async def test_an_enqueue_sent_again_is_the_first_lease_until_the_work_is_done(
    db: Database, monkeypatch: pytest.MonkeyPatch, *, completed: bool
) -> None:
    monkeypatch.setattr("bot.store.scripts.call_token", lambda: "one call")
    lease = await db.queue.enqueue_delivery("Ev1", "event", {})
    assert lease is not None
    if completed:
        await db.queue.complete_delivery(lease)
    assert await db.queue.enqueue_delivery("Ev1", "event", {}) == (None if completed else lease)


async def test_an_enqueue_sent_again_after_the_lease_passed_on_is_no_lease(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.scripts.call_token", lambda: "one call")
    await db.queue.enqueue_delivery("Ev1", "event", {})
    db.clock.advance(25)
    await db.take()
    assert await db.queue.enqueue_delivery("Ev1", "event", {}) is None


async def test_only_the_current_holder_completes_a_delivery(db: Database) -> None:
    first = await db.queue.enqueue_delivery("Ev1", "event", {})
    db.clock.advance(25)
    second = await db.take()
    assert first is not None
    assert not await db.queue.complete_delivery(first)
    assert await db.queue.complete_delivery(second)


async def test_a_delivery_can_be_put_off(db: Database) -> None:
    lease = await db.queue.enqueue_delivery("Ev1", "event", {})
    assert lease is not None
    assert await db.queue.release(lease, due=db.later(3))
    assert await db.queue.lease(5) == ([], db.later(3))


async def test_releasing_a_delivery_without_a_due_time_completes_it(db: Database) -> None:
    lease = await db.queue.enqueue_delivery("Ev1", "event", {})
    assert lease is not None
    assert await db.queue.release(lease, due=None)
    db.clock.advance(60)
    assert await db.queue.lease(5) == ([], None)
    assert await db.queue.enqueue_delivery("Ev1", "event", {}) is None


async def test_a_delivery_that_stops_every_worker_is_given_up_and_audited(db: Database) -> None:
    await db.queue.enqueue_delivery("Ev1", "slash", {})
    for attempt in range(2, MAX_CUTS + 1):
        db.clock.advance(25)
        leased, _ = await db.queue.lease(5)
        assert [each.lease.fence for each in leased] == [attempt]
    db.clock.advance(25)
    with capture_logs() as logs:
        assert await db.queue.lease(5) == ([], None)
    assert [line["record"] for line in logs] == ["delivery:Ev1"]
    (entry,) = [entry async for entry in db.store.audit.read()]
    assert (entry.kind, entry.target, entry.detail) == ("abandoned", "delivery:Ev1", "slash")
    assert entry.at == db.now
    assert await db.queue.enqueue_delivery("Ev1", "slash", {}) is None
    assert 0 < await db.client.ttl(db.keys.record("delivery:Ev1")) <= 86_400
    assert not await db.client.hexists(db.keys.record("delivery:Ev1"), "body")


async def test_a_delivery_that_is_put_off_in_good_order_is_never_given_up(db: Database) -> None:
    """Slack or the cluster may be away for longer than five tries take."""
    lease = await db.queue.enqueue_delivery("Ev1", "slash", {})
    for attempt in range(2, 3 * MAX_CUTS):
        assert lease is not None
        await db.queue.release(lease, due=db.later(2))
        db.clock.advance(2)
        lease = await db.take()
        assert lease.fence == attempt


# What does not load


async def test_a_delivery_that_does_not_load_is_dropped_after_a_day(db: Database) -> None:
    """It is told when it is put off, and when it is given up; a copy of it is known till then."""
    lease = await db.queue.enqueue_delivery("Ev1", "slash", {})
    assert lease is not None
    with capture_logs() as logs:
        for _ in range(MAX_DEFERRALS):
            await db.queue.defer(lease, Unreadable("no such kind"))
            assert await db.names_due() == []
            db.clock.advance(PUT_OFF.total_seconds())
            lease = await db.take()
        await db.queue.defer(lease, Unreadable("no such kind"))
    assert [line["event"] for line in logs] == [
        "unreadable record put off",
        "an unreadable delivery was dropped",
    ]
    db.clock.advance(PUT_OFF.total_seconds())
    assert await db.names_due() == []
    entries = [entry async for entry in db.store.audit.read()]
    assert [(entry.kind, entry.target) for entry in entries] == [
        ("deferred", "delivery:Ev1"),
        ("abandoned", "delivery:Ev1"),
    ]
    assert await db.queue.enqueue_delivery("Ev1", "slash", {}) is None


NEWER = '{"schema_version":2,"id":"R1"}'
GOOD = documents.dump(restore("R1", vm="R1"))


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(NEWER, id="another schema"),
        pytest.param(GOOD.replace("{", '{"mood":"calm",', 1), id="a field"),
        pytest.param(GOOD.replace('"checking"', '"pondering"', 1), id="a phase"),
    ],
)
async def test_a_restore_of_a_newer_release_is_left_to_it_and_the_others_go_on(
    db: Database, document: str
) -> None:
    """It is neither dropped nor does it stop the loop; it is told once, and keeps its claim."""
    await db.create("R1")
    await db.create("R2")
    await db.client.hset(db.keys.restore("R1"), "doc", document)
    with capture_logs() as logs:
        assert await db.names_due() == ["restore:R2"]
    assert [line["record"] for line in logs] == ["restore:R1"]
    db.clock.advance(LEFT.total_seconds())
    with capture_logs() as logs:
        await db.names_due()
    assert logs == []
    entries = [entry async for entry in db.store.audit.read()]
    assert [(entry.kind, entry.target) for entry in entries] == [("deferred", "restore:R1")]
    assert await db.store.create(restore("R3", vm="R1"), due=db.now, audit=[]) == ClaimConflict(
        None
    )
    assert await db.store.under_way() == Listed((restore("R2", vm="R2"),), newer=1)


@pytest.mark.parametrize(
    "document",
    ["no json", "{}", GOOD.replace('"id":"R1"', '"id":[]'), GOOD.replace('"owner"', '"own"')],
    ids=["no JSON", "empty", "a type", "a name"],
)
async def test_a_broken_restore_is_put_aside_and_holds_nothing(db: Database, document: str) -> None:
    """Its owner is told, its VM is free, and its bytes are there for a month."""
    await db.create("R1")
    await db.client.hset(db.keys.restore("R1"), "doc", document)
    assert await db.store.under_way() == Listed((), lost=1)
    with capture_logs() as logs:
        leased, _ = await db.queue.lease(5)
    assert leased == []
    assert [(line["log_level"], line["record"]) for line in logs] == [("error", "restore:R1")]
    leased, _ = await db.queue.lease(5)
    assert [each.work for each in leased] == [
        PeriodicTask("lost:R1", {"why": "broken", "trace": trace_of("R1", "R1")})
    ]
    await db.tasks.delete("lost:R1", lease=leased[0].lease)
    assert await db.names() == {"audit:R1", "audits", "audit-count", "broken:R1"}
    assert await db.client.hget(db.keys.broken("R1"), "doc") == document
    assert MONTH - HOUR < await db.client.ttl(db.keys.broken("R1")) <= MONTH
    assert [each.kind async for each in db.store.audit.read()] == ["record-lost"]


async def test_half_of_a_delivery_stops_nobody(db: Database) -> None:
    """Somebody has deleted a field by hand: it is put off, and the others are leased."""
    await db.queue.enqueue_delivery("Ev1", "message", {})
    await db.create("R2")
    db.clock.advance(25)
    await db.client.hdel(f"{db.keys.prefix}delivery:Ev1", "accepted")
    assert await db.names_due() == ["restore:R2"]


async def test_a_put_off_restore_works_again_once_it_loads(db: Database) -> None:
    await db.create()
    good = await db.client.hget(db.keys.restore("R1"), "doc")
    assert good is not None
    await db.client.hset(db.keys.restore("R1"), "doc", NEWER)
    assert await db.names_due() == []
    await db.client.hset(db.keys.restore("R1"), "doc", good)
    db.clock.advance(LEFT.total_seconds())
    assert await db.names_due() == ["restore:R1"]


async def test_a_put_off_restore_is_left_alone_until_its_time_or_a_wake(db: Database) -> None:
    """Soon: in a rolling update the newer release runs as well, and waits for that."""
    await db.create()
    good = await db.client.hget(db.keys.restore("R1"), "doc")
    assert good is not None
    await db.client.hset(db.keys.restore("R1"), "doc", NEWER)
    assert await db.names_due() == []
    db.clock.advance(LEFT.total_seconds() - 1)
    assert await db.queue.lease(5) == ([], db.later(1))
    await db.client.hset(db.keys.restore("R1"), "doc", good)
    await db.queue.wake(["R1"])
    assert await db.names_due() == ["restore:R1"]


async def test_a_restore_that_breaks_again_after_a_commit_is_audited_again(db: Database) -> None:
    await db.create()
    good = await db.client.hget(db.keys.restore("R1"), "doc")
    assert good is not None
    await db.client.hset(db.keys.restore("R1"), "doc", NEWER)
    await db.names_due()
    await db.client.hset(db.keys.restore("R1"), "doc", good)
    await db.store.commit(restore(vm="R1"), due=db.now, audit=[])
    await db.client.hset(db.keys.restore("R1"), "doc", NEWER)
    await db.names_due()
    assert [entry.kind async for entry in db.store.audit.read()] == ["deferred", "deferred"]


async def test_a_put_off_sent_again_does_not_undo_a_wake_between(db: Database) -> None:
    lease = await db.leased()
    await db.queue.defer(lease, Unreadable("once"))
    await db.queue.wake(["R1"])
    await db.queue.defer(lease, Unreadable("once"))
    assert await db.names_due() == ["restore:R1"]


async def test_a_worker_whose_lease_passed_on_puts_nothing_off(db: Database) -> None:
    await db.create()
    old = await db.take()
    db.clock.advance(25)
    current = await db.take()
    await db.queue.defer(old, Unreadable("late"))
    assert await db.queue.renew(current) is not None
    assert [entry async for entry in db.store.audit.read()] == []


async def test_what_a_lost_reply_took_comes_back_after_the_lease(db: Database) -> None:
    """`lease` is the one script that answers differently when it is sent twice."""
    await db.create()
    await db.queue.lease(5)  # its reply is lost
    assert await db.names_due() == []
    db.clock.advance(25)
    assert await db.names_due() == ["restore:R1"]


async def test_audit_entries_of_a_round_stand_in_the_order_of_commits(db: Database) -> None:
    lease = await db.leased()
    done = await db.store.commit(restore(vm="R1"), due=None, audit=[said("one")], lease=lease)
    assert isinstance(done, Committed)
    await db.store.commit(done.restore, due=None, audit=[said("two"), said("three")], lease=lease)
    assert [entry.kind async for entry in db.store.audit.read()] == ["one", "two", "three"]


async def test_replicas_share_the_queue_without_taking_anything_twice(
    db: Database, url: str, team: str
) -> None:
    names = [f"R{number:02}" for number in range(30)]
    for name in names:
        await db.create(name)
    async with connect(url) as other:
        replicas = [db.store, Store(other, team, db.clock)]
        rounds = await asyncio.gather(*(replicas[turn % 2].queue.lease(4) for turn in range(10)))
    taken = [each.lease.id for leased, _ in rounds for each in leased]
    assert sorted(taken) == [f"restore:{name}" for name in names]
