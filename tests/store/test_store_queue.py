"""Leases, fences and the due queue."""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.playground.clock import HandClock
from bot.restore.audit_kinds import AuditKind
from bot.restore.model import Phase
from bot.store import Store, connect
from bot.store.connection import Client
from bot.store.documents import Unreadable
from bot.store.keys import Keys
from bot.store.queue import MAX_CUTS, PUT_OFF
from bot.store.records import Committed, Created, Delivery, Lease, Leased, PostedCard, Record, Stale
from tests.store.samples import changed, ended, restore, said


async def create(store: Store, clock: HandClock, name: str = "R1", after: float = 0) -> None:
    """A stored restore that is due after so many seconds."""
    due = clock.now() + timedelta(seconds=after)
    made = await store.create(restore(name, vm=name), due=due, audit=[])
    assert isinstance(made, Created)


async def take(store: Store) -> Lease:
    """The lease of the one thing that is due."""
    leased, _ = await store.queue.lease(5)
    assert len(leased) == 1
    return leased[0].lease


async def names_due(store: Store) -> list[str]:
    """What is due, now leased."""
    leased, _ = await store.queue.lease(50)
    return [each.lease.id for each in leased]


async def test_what_is_due_is_leased_with_its_document(store: Store, clock: HandClock) -> None:
    await create(store, clock)
    leased, following = await store.queue.lease(5)
    until = clock.now() + timedelta(seconds=25)
    assert leased == [Leased(Lease("restore:R1", 1, until), Record(restore(vm="R1"), {}))]
    assert following == until


async def test_an_empty_queue_has_no_next_due_time(store: Store) -> None:
    assert await store.queue.lease(5) == ([], None)


async def test_what_is_not_due_yet_is_only_announced(store: Store, clock: HandClock) -> None:
    await create(store, clock, after=60)
    assert await store.queue.lease(5) == ([], clock.now() + timedelta(seconds=60))


async def test_a_due_time_is_never_met_a_fraction_early(store: Store, clock: HandClock) -> None:
    """A deadline 0.4 ms from now is not due now, else a round would run before it for nothing."""
    await create(store, clock, after=0.0004)
    assert await names_due(store) == []
    clock.advance(0.001)
    assert await names_due(store) == ["restore:R1"]


async def test_a_lease_takes_the_longest_due_first_and_no_more_than_the_limit(
    store: Store, clock: HandClock
) -> None:
    for name, after in (("R1", 3), ("R2", 1), ("R3", 2)):
        await create(store, clock, name, after)
    clock.advance(5)
    leased, following = await store.queue.lease(2)
    assert [each.lease.id for each in leased] == ["restore:R2", "restore:R3"]
    assert following == clock.now() - timedelta(seconds=2)


async def test_what_is_leased_is_not_leased_again(store: Store, clock: HandClock) -> None:
    await create(store, clock)
    await take(store)
    clock.advance(24.9)
    assert await names_due(store) == []


async def test_a_lease_that_ran_out_passes_on_with_a_higher_fence(
    store: Store, clock: HandClock
) -> None:
    await create(store, clock)
    first = await take(store)
    clock.advance(25)
    second = await take(store)
    assert (first.fence, second.fence) == (1, 2)


async def test_an_id_whose_document_is_gone_leaves_the_queue(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    await create(store, clock)
    await client.delete(keys.restore("R1"))
    assert await store.queue.lease(5) == ([], None)
    await client.zrem(keys.live, "R1")


# release


async def test_release_names_the_next_due_time(store: Store, clock: HandClock) -> None:
    await create(store, clock)
    assert await store.queue.release(await take(store), due=clock.now() + timedelta(seconds=60))
    assert await store.queue.lease(5) == ([], clock.now() + timedelta(seconds=60))


async def test_release_without_a_due_time_lets_an_ended_restore_go(
    store: Store, clock: HandClock
) -> None:
    await create(store, clock)
    lease = await take(store)
    await store.commit(ended(restore(vm="R1")), due=None, audit=[], lease=lease)
    assert await store.queue.release(lease, due=None)
    assert await store.queue.lease(5) == ([], None)
    assert await store.load("R1") is not None


async def test_a_live_restore_cannot_leave_the_queue(store: Store, clock: HandClock) -> None:
    """It would never be looked at again, and the thread would end in silence."""
    await create(store, clock)
    lease = await take(store)
    with pytest.raises(ValueError, match="restore:R1 is live"):
        await store.queue.release(lease, due=None)
    clock.advance(25)
    assert await names_due(store) == ["restore:R1"]


async def test_release_keeps_what_was_shown_and_adds_to_it(store: Store, clock: HandClock) -> None:
    await create(store, clock)
    first, second = PostedCard("1.1", "a|b"), PostedCard(None, "")
    await store.queue.release(await take(store), due=clock.now(), shown={"request.1": first})
    await store.queue.release(await take(store), due=clock.now(), shown={"warning.2": second})
    record = await store.load("R1")
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
    card: str, ts: str, found: PostedCard, store: Store, clock: HandClock
) -> None:
    await create(store, clock)
    later = clock.now() + timedelta(seconds=60)
    shown = {"request.1": PostedCard("1.1", "d")}
    await store.queue.release(await take(store), due=later, shown=shown)
    await store.queue.invalidate_card("R1", card, ts)
    record = await store.load("R1")
    assert record is not None
    assert record.shown == {"request.1": found}
    assert await names_due(store) == ["restore:R1"] * (found.ts is None)


async def test_an_old_fence_releases_nothing(store: Store, clock: HandClock) -> None:
    await create(store, clock)
    old = await take(store)
    clock.advance(25)
    current = await take(store)
    assert not await store.queue.release(
        old, due=clock.now(), shown={"request.1": PostedCard("1.1", "a")}
    )
    record = await store.load("R1")
    assert record is not None
    assert record.shown == {}
    assert await names_due(store) == []
    assert await store.queue.release(current, due=clock.now())


async def test_a_late_release_counts_while_no_other_worker_has_begun(
    store: Store, clock: HandClock
) -> None:
    await create(store, clock)
    lease = await take(store)
    clock.advance(40)
    assert await store.queue.release(lease, due=clock.now() + timedelta(seconds=60))
    assert await names_due(store) == []


async def test_a_release_sent_again_does_not_undo_a_wake_between(
    store: Store, clock: HandClock
) -> None:
    await create(store, clock)
    lease = await take(store)
    later = clock.now() + timedelta(hours=1)
    assert await store.queue.release(lease, due=later)
    await store.queue.wake(["R1"])
    assert await store.queue.release(lease, due=later)
    assert await names_due(store) == ["restore:R1"]


async def test_releasing_what_is_gone_is_too_late(store: Store, clock: HandClock) -> None:
    assert not await store.queue.release(Lease("restore:R9", 1, clock.now()), due=clock.now())


# renew


async def test_a_renewed_lease_is_as_long_again(store: Store, clock: HandClock) -> None:
    await create(store, clock)
    lease = await take(store)
    clock.advance(20)
    longer = await store.queue.renew(lease)
    assert longer == Lease("restore:R1", 1, clock.now() + timedelta(seconds=25))
    clock.advance(24)
    assert isinstance(
        await store.commit(restore(vm="R1"), due=None, audit=[], lease=longer), Committed
    )
    assert await names_due(store) == []
    clock.advance(1)
    assert await names_due(store) == ["restore:R1"]


async def test_a_lease_that_ran_out_is_not_renewed(store: Store, clock: HandClock) -> None:
    await create(store, clock)
    lease = await take(store)
    clock.advance(25)
    assert await store.queue.renew(lease) is None


async def test_a_lease_that_passed_on_or_was_given_back_is_not_renewed(
    store: Store, clock: HandClock
) -> None:
    await create(store, clock)
    first = await take(store)
    clock.advance(25)
    second = await take(store)
    assert await store.queue.renew(first) is None
    await store.queue.release(second, due=clock.now() + timedelta(seconds=60))
    assert await store.queue.renew(second) is None


# wake


async def test_a_woken_restore_is_due_now(store: Store, clock: HandClock) -> None:
    await create(store, clock, after=600)
    await store.queue.wake(["R1"])
    assert await names_due(store) == ["restore:R1"]


async def test_a_wake_during_a_lease_is_met_after_it(store: Store, clock: HandClock) -> None:
    """What woke it happened after the worker looked, so the worker's due time is too late."""
    await create(store, clock)
    lease = await take(store)
    await store.queue.wake(["R1"])
    assert await names_due(store) == []
    await store.queue.release(lease, due=clock.now() + timedelta(hours=1))
    assert await names_due(store) == ["restore:R1"]


async def test_a_wake_during_a_lease_is_met_once(store: Store, clock: HandClock) -> None:
    await create(store, clock)
    first = await take(store)
    await store.queue.wake(["R1"])
    await store.queue.release(first, due=clock.now() + timedelta(hours=1))
    second = await take(store)
    await store.queue.release(second, due=clock.now() + timedelta(hours=1))
    assert await names_due(store) == []


async def test_a_wake_after_a_lease_ran_out_survives_the_late_release(
    store: Store, clock: HandClock
) -> None:
    await create(store, clock)
    lease = await take(store)
    clock.advance(26)
    await store.queue.wake(["R1"])
    await store.queue.release(lease, due=clock.now() + timedelta(hours=1))
    assert await names_due(store) == ["restore:R1"]


async def test_the_next_worker_meets_the_wishes_of_a_dead_ones_time(
    store: Store, clock: HandClock
) -> None:
    """The new lease sees the document as it is, so one look is enough."""
    await create(store, clock)
    await take(store)
    await store.queue.wake(["R1"])
    clock.advance(25)
    second = await take(store)
    await store.queue.release(second, due=clock.now() + timedelta(hours=1))
    assert await names_due(store) == []


async def test_ended_and_unknown_restores_are_not_woken(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    await create(store, clock)
    lease = await take(store)
    await store.commit(ended(restore(vm="R1")), due=None, audit=[], lease=lease)
    await store.queue.release(lease, due=None)
    await store.queue.wake(["R1", "R9"])
    assert await store.queue.lease(5) == ([], None)
    assert not await client.exists(keys.restore("R9"))


async def test_waking_nobody_and_many_works(store: Store, clock: HandClock) -> None:
    await create(store, clock, after=600)
    await store.queue.wake([])
    await store.queue.wake([f"X{number}" for number in range(450)] + ["R1"])
    assert await names_due(store) == ["restore:R1"]


async def test_an_overdue_restore_keeps_its_place_when_woken(
    store: Store, clock: HandClock
) -> None:
    """Otherwise a restore woken without end would always stand behind the others."""
    await create(store, clock, "R1")
    clock.advance(1)
    await create(store, clock, "R2")
    clock.advance(1)
    await store.queue.wake(["R1"])
    assert await names_due(store) == ["restore:R1", "restore:R2"]


# Commits and the queue


async def test_a_listeners_commit_is_due_at_once(store: Store, clock: HandClock) -> None:
    await create(store, clock, after=600)
    await store.commit(restore(vm="R1"), due=clock.now(), audit=[])
    leased, _ = await store.queue.lease(5)
    assert leased[0].work == Record(changed(restore(vm="R1"), version=1), {})


async def test_a_listeners_commit_may_put_the_next_look_off(store: Store, clock: HandClock) -> None:
    await create(store, clock)
    await store.commit(restore(vm="R1"), due=clock.now() + timedelta(seconds=60), audit=[])
    assert await store.queue.lease(5) == ([], clock.now() + timedelta(seconds=60))


async def test_a_listeners_commit_without_a_due_time_leaves_the_queue_alone(
    store: Store, clock: HandClock
) -> None:
    await create(store, clock, after=60)
    await store.commit(restore(vm="R1"), due=None, audit=[])
    assert await store.queue.lease(5) == ([], clock.now() + timedelta(seconds=60))


async def test_a_listeners_commit_during_a_lease_is_looked_at_after_it(
    store: Store, clock: HandClock
) -> None:
    await create(store, clock)
    lease = await take(store)
    assert isinstance(await store.commit(restore(vm="R1"), due=clock.now(), audit=[]), Committed)
    assert await names_due(store) == []
    await store.queue.release(lease, due=clock.now() + timedelta(hours=1))
    assert await names_due(store) == ["restore:R1"]


async def test_the_workers_commit_is_stale_after_a_listeners(
    store: Store, clock: HandClock
) -> None:
    await create(store, clock)
    lease = await take(store)
    clicked = changed(restore(vm="R1"), phase=Phase.CONFIRMING)
    await store.commit(clicked, due=clock.now(), audit=[])
    assert await store.commit(restore(vm="R1"), due=None, audit=[], lease=lease) == Stale()
    record = await store.load("R1")
    assert record is not None
    assert record.restore.phase is Phase.CONFIRMING


async def test_a_commit_under_a_lease_keeps_the_lease(store: Store, clock: HandClock) -> None:
    await create(store, clock)
    lease = await take(store)
    first = await store.commit(restore(vm="R1"), due=None, audit=[], lease=lease)
    assert isinstance(first, Committed)
    second = await store.commit(first.restore, due=clock.now(), audit=[], lease=lease)
    assert isinstance(second, Committed)
    assert await names_due(store) == []


@pytest.mark.parametrize("taken_by_another", [True, False])
async def test_a_commit_under_a_lease_that_ran_out_is_stale(
    store: Store, clock: HandClock, *, taken_by_another: bool
) -> None:
    await create(store, clock)
    lease = await take(store)
    clock.advance(25)
    if taken_by_another:
        await take(store)
    assert await store.commit(restore(vm="R1"), due=None, audit=[], lease=lease) == Stale()


async def test_a_commit_under_a_released_lease_is_stale(store: Store, clock: HandClock) -> None:
    await create(store, clock)
    lease = await take(store)
    await store.queue.release(lease, due=clock.now())
    assert await store.commit(restore(vm="R1"), due=None, audit=[], lease=lease) == Stale()


# Deliveries


async def test_a_delivery_is_enqueued_once_and_leased_to_the_caller(
    store: Store, clock: HandClock
) -> None:
    lease = await store.queue.enqueue_delivery("Ev1", "event", {"text": "restore db-01"})
    assert lease == Lease("delivery:Ev1", 1, clock.now() + timedelta(seconds=25))
    assert await store.queue.enqueue_delivery("Ev1", "event", {"text": "restore db-01"}) is None
    assert await names_due(store) == []


async def test_a_completed_delivery_is_known_for_a_day_without_its_body(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    lease = await store.queue.enqueue_delivery("Ev1", "event", {"text": "restore db-01"})
    assert lease is not None
    assert await store.queue.complete_delivery(lease)
    assert await store.queue.enqueue_delivery("Ev1", "event", {}) is None
    assert 86_390 < await client.ttl(keys.record("delivery:Ev1")) <= 86_400
    assert await client.hget(keys.record("delivery:Ev1"), "body") is None
    clock.advance(60)
    assert await store.queue.lease(5) == ([], None)


async def test_a_delivery_that_nobody_completed_comes_back_with_its_body(
    store: Store, clock: HandClock
) -> None:
    accepted_at = clock.now()
    body = {"text": "half a pair \ud83d and \u00e9 \U0001f534", "nested": {"list": [1, None, True]}}
    await store.queue.enqueue_delivery("Ev1", "event", body)
    clock.advance(25)
    leased, _ = await store.queue.lease(5)
    (each,) = leased
    assert each.lease.fence == 2
    assert isinstance(each.work, Delivery)
    assert (each.work.key, each.work.kind, each.work.body) == ("Ev1", "event", body)
    assert (each.work.attempts, each.work.accepted_at) == (2, accepted_at)


@pytest.mark.parametrize("completed", [False, True])
async def test_an_enqueue_sent_again_is_the_first_lease_until_the_work_is_done(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, completed: bool
) -> None:
    monkeypatch.setattr("bot.store.scripts.call_token", lambda: "one call")
    lease = await store.queue.enqueue_delivery("Ev1", "event", {})
    assert lease is not None
    if completed:
        await store.queue.complete_delivery(lease)
    assert await store.queue.enqueue_delivery("Ev1", "event", {}) == (None if completed else lease)


async def test_an_enqueue_sent_again_after_the_lease_passed_on_is_no_lease(
    store: Store, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.scripts.call_token", lambda: "one call")
    await store.queue.enqueue_delivery("Ev1", "event", {})
    clock.advance(25)
    await take(store)
    assert await store.queue.enqueue_delivery("Ev1", "event", {}) is None


async def test_only_the_current_holder_completes_a_delivery(store: Store, clock: HandClock) -> None:
    first = await store.queue.enqueue_delivery("Ev1", "event", {})
    clock.advance(25)
    second = await take(store)
    assert first is not None
    assert not await store.queue.complete_delivery(first)
    assert await store.queue.complete_delivery(second)


async def test_a_delivery_can_be_put_off(store: Store, clock: HandClock) -> None:
    lease = await store.queue.enqueue_delivery("Ev1", "event", {})
    assert lease is not None
    assert await store.queue.release(lease, due=clock.now() + timedelta(seconds=3))
    assert await store.queue.lease(5) == ([], clock.now() + timedelta(seconds=3))


async def test_releasing_a_delivery_without_a_due_time_completes_it(
    store: Store, clock: HandClock
) -> None:
    lease = await store.queue.enqueue_delivery("Ev1", "event", {})
    assert lease is not None
    assert await store.queue.release(lease, due=None)
    clock.advance(60)
    assert await store.queue.lease(5) == ([], None)
    assert await store.queue.enqueue_delivery("Ev1", "event", {}) is None


async def test_a_delivery_that_stops_every_worker_is_given_up_and_audited(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    await store.queue.enqueue_delivery("Ev1", "slash", {})
    for attempt in range(2, MAX_CUTS + 1):
        clock.advance(25)
        leased, _ = await store.queue.lease(5)
        assert [each.lease.fence for each in leased] == [attempt]
    clock.advance(25)
    with capture_logs() as logs:
        assert await store.queue.lease(5) == ([], None)
    assert [line["record"] for line in logs] == ["delivery:Ev1"]
    (entry,) = [entry async for entry in store.audit.read()]
    assert (entry.kind, entry.target, entry.detail) == (
        AuditKind.ABANDONED,
        "delivery:Ev1",
        "slash",
    )
    assert entry.at == clock.now()
    assert await store.queue.enqueue_delivery("Ev1", "slash", {}) is None
    assert 0 < await client.ttl(keys.record("delivery:Ev1")) <= 86_400
    assert not await client.hexists(keys.record("delivery:Ev1"), "body")


async def test_a_delivery_that_is_put_off_in_good_order_is_never_given_up(
    store: Store, clock: HandClock
) -> None:
    """Slack or the cluster may be away for longer than five tries take."""
    lease = await store.queue.enqueue_delivery("Ev1", "slash", {})
    for attempt in range(2, 3 * MAX_CUTS):
        assert lease is not None
        await store.queue.release(lease, due=clock.now() + timedelta(seconds=2))
        clock.advance(2)
        lease = await take(store)
        assert lease.fence == attempt


# What does not load


@pytest.mark.parametrize("document", ['{"schema_version":2,"id":"R1"}', "no json", "{}"])
async def test_an_unreadable_restore_is_put_off_and_the_others_go_on(
    store: Store, clock: HandClock, client: Client, keys: Keys, document: str
) -> None:
    """A newer release may have written it: it is neither dropped nor does it stop the loop."""
    await create(store, clock, "R1")
    await create(store, clock, "R2")
    await client.hset(keys.restore("R1"), "doc", document)
    with capture_logs() as logs:
        assert await names_due(store) == ["restore:R2"]
    assert [line["record"] for line in logs] == ["restore:R1"]
    clock.advance(PUT_OFF.total_seconds())
    await names_due(store)
    entries = [entry async for entry in store.audit.read()]
    assert [(entry.kind, entry.target) for entry in entries] == [(AuditKind.DEFERRED, "restore:R1")]


async def test_a_put_off_restore_works_again_once_it_loads(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    await create(store, clock)
    good = await client.hget(keys.restore("R1"), "doc")
    assert good is not None
    await client.hset(keys.restore("R1"), "doc", "{}")
    assert await names_due(store) == []
    await client.hset(keys.restore("R1"), "doc", good)
    clock.advance(PUT_OFF.total_seconds())
    assert await names_due(store) == ["restore:R1"]


async def test_a_put_off_restore_is_left_alone_until_its_time_or_a_wake(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    await create(store, clock)
    good = await client.hget(keys.restore("R1"), "doc")
    assert good is not None
    await client.hset(keys.restore("R1"), "doc", "{}")
    assert await names_due(store) == []
    clock.advance(PUT_OFF.total_seconds() - 1)
    assert await store.queue.lease(5) == ([], clock.now() + timedelta(seconds=1))
    await client.hset(keys.restore("R1"), "doc", good)
    await store.queue.wake(["R1"])
    assert await names_due(store) == ["restore:R1"]


async def test_a_restore_that_breaks_again_after_a_commit_is_audited_again(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    await create(store, clock)
    good = await client.hget(keys.restore("R1"), "doc")
    assert good is not None
    await client.hset(keys.restore("R1"), "doc", "{}")
    await names_due(store)
    await client.hset(keys.restore("R1"), "doc", good)
    await store.commit(restore(vm="R1"), due=clock.now(), audit=[])
    await client.hset(keys.restore("R1"), "doc", "{}")
    await names_due(store)
    assert [entry.kind async for entry in store.audit.read()] == ["deferred", "deferred"]


async def test_a_put_off_sent_again_does_not_undo_a_wake_between(
    store: Store, clock: HandClock
) -> None:
    await create(store, clock)
    lease = await take(store)
    await store.queue.defer(lease, Unreadable("once"))
    await store.queue.wake(["R1"])
    await store.queue.defer(lease, Unreadable("once"))
    assert await names_due(store) == ["restore:R1"]


async def test_a_worker_whose_lease_passed_on_puts_nothing_off(
    store: Store, clock: HandClock
) -> None:
    await create(store, clock)
    old = await take(store)
    clock.advance(25)
    current = await take(store)
    await store.queue.defer(old, Unreadable("late"))
    assert await store.queue.renew(current) is not None
    assert [entry async for entry in store.audit.read()] == []


async def test_what_a_lost_reply_took_comes_back_after_the_lease(
    store: Store, clock: HandClock
) -> None:
    """`lease` is the one script that answers differently when it is sent twice."""
    await create(store, clock)
    await store.queue.lease(5)  # its reply is lost
    assert await names_due(store) == []
    clock.advance(25)
    assert await names_due(store) == ["restore:R1"]


async def test_audit_entries_of_a_round_stand_in_the_order_of_commits(
    store: Store, clock: HandClock
) -> None:
    await create(store, clock)
    lease = await take(store)
    done = await store.commit(restore(vm="R1"), due=None, audit=[said("one")], lease=lease)
    assert isinstance(done, Committed)
    await store.commit(done.restore, due=None, audit=[said("two"), said("three")], lease=lease)
    assert [entry.kind async for entry in store.audit.read()] == ["one", "two", "three"]


async def test_replicas_share_the_queue_without_taking_anything_twice(
    store: Store, clock: HandClock, url: str, team: str
) -> None:
    names = [f"R{number:02}" for number in range(30)]
    for name in names:
        await create(store, clock, name)
    async with connect(url) as other:
        replicas = [store, Store(other, team, clock)]
        rounds = await asyncio.gather(*(replicas[turn % 2].queue.lease(4) for turn in range(10)))
    taken = [each.lease.id for leased, _ in rounds for each in leased]
    assert sorted(taken) == [f"restore:{name}" for name in names]
