"""Periodic tasks: scheduled, leased, released, deleted; and the homes, which follow the restores."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.playground.clock import HandClock
from bot.store import Store
from bot.store.connection import Client
from bot.store.keys import Keys
from bot.store.queue import MAX_CUTS, PUT_OFF
from bot.store.records import Lease, Leased, PeriodicTask
from tests.store.samples import changed, ended, restore, said

MONTH = 30 * 86_400
DAY = 86_400
PAUSE = 3


async def take(store: Store) -> Leased:
    """The one thing that is due."""
    leased, _ = await store.queue.lease(5)
    assert len(leased) == 1
    return leased[0]


async def due_in(store: Store, clock: HandClock) -> float | None:
    """Seconds until the next thing is due, when nothing is due now."""
    leased, following = await store.queue.lease(5)
    assert leased == []
    return None if following is None else (following - clock.now()).total_seconds()


async def rest(store: Store, clock: HandClock, name: str) -> Lease:
    """A task that was done once and rests; its last lease."""
    await store.tasks.schedule(name, {"known": name}, due=clock.now())
    lease = (await take(store)).lease
    assert await store.queue.release(lease, due=None)
    return lease


async def test_a_scheduled_task_is_leased_with_its_body_when_it_is_due(
    store: Store, clock: HandClock
) -> None:
    await store.tasks.schedule("report", {"last": "x"}, due=clock.now() + timedelta(seconds=60))
    assert await due_in(store, clock) == 60
    clock.advance(60)
    leased = await take(store)
    assert leased.lease.id == "task:report"
    assert leased.work == PeriodicTask("report", {"last": "x"})
    assert not leased.interrupted


async def test_scheduling_a_task_again_gives_it_another_body_and_due_time(
    store: Store, clock: HandClock
) -> None:
    await store.tasks.schedule("report", {"day": 1}, due=clock.now())
    await store.tasks.schedule("report", {"day": 2}, due=clock.now() + timedelta(seconds=9))
    assert await due_in(store, clock) == 9
    assert await store.tasks.body("report") == {"day": 2}


async def test_a_task_that_was_never_scheduled_has_no_body(store: Store) -> None:
    assert await store.tasks.body("report") is None


async def test_a_released_task_is_due_again_and_knows_more(store: Store, clock: HandClock) -> None:
    await store.tasks.schedule("report", {"day": 1}, due=clock.now())
    lease = (await take(store)).lease
    assert await store.queue.release(lease, due=clock.now() + timedelta(days=1), body={"day": 2})
    assert await store.tasks.body("report") == {"day": 2}
    clock.advance(DAY)
    assert (await take(store)).work == PeriodicTask("report", {"day": 2})


async def test_a_task_released_without_a_body_knows_what_it_knew(
    store: Store, clock: HandClock
) -> None:
    await rest(store, clock, "report")
    assert await store.tasks.body("report") == {"known": "report"}


async def test_a_task_rests_without_a_due_time_until_it_is_scheduled(
    store: Store, clock: HandClock
) -> None:
    await rest(store, clock, "report")
    assert await due_in(store, clock) is None
    await store.tasks.schedule("report", {}, due=clock.now())
    assert (await take(store)).work == PeriodicTask("report", {})


async def test_a_task_scheduled_while_it_is_leased_is_due_after_it_with_the_newer_body(
    store: Store, clock: HandClock
) -> None:
    await store.tasks.schedule("report", {"by": "first"}, due=clock.now())
    lease = (await take(store)).lease
    await store.tasks.schedule("report", {"by": "second"}, due=clock.now())
    assert await due_in(store, clock) == 25
    await store.queue.release(lease, due=None, body={"by": "holder"})
    assert (await take(store)).work == PeriodicTask("report", {"by": "second"})


async def test_the_next_holder_of_a_task_may_change_it_again(
    store: Store, clock: HandClock
) -> None:
    """A body scheduled while a worker died is known to the next worker."""
    await store.tasks.schedule("report", {"by": "first"}, due=clock.now())
    await take(store)
    await store.tasks.schedule("report", {"by": "second"}, due=clock.now())
    clock.advance(25)
    await store.queue.release((await take(store)).lease, due=None, body={"by": "third"})
    assert await store.tasks.body("report") == {"by": "third"}


async def test_a_worker_that_comes_too_late_changes_no_task(store: Store, clock: HandClock) -> None:
    await store.tasks.schedule("report", {"by": "first"}, due=clock.now())
    late = (await take(store)).lease
    clock.advance(25)
    await take(store)
    assert not await store.queue.release(late, due=None, body={"by": "late"})
    assert await store.tasks.body("report") == {"by": "first"}


async def test_a_deleted_task_is_gone_and_another_of_its_name_is_new(
    store: Store, clock: HandClock
) -> None:
    await store.tasks.schedule("report", {"by": "first"}, due=clock.now())
    late = (await take(store)).lease
    await store.tasks.delete("report")
    assert await store.tasks.body("report") is None
    assert await due_in(store, clock) is None
    clock.advance(1)
    await store.tasks.schedule("report", {"by": "second"}, due=clock.now())
    await take(store)
    assert not await store.queue.release(late, due=None, body={"by": "late"})
    assert await store.tasks.body("report") == {"by": "second"}


async def test_a_worker_deletes_its_task(store: Store, clock: HandClock) -> None:
    await store.tasks.schedule("report", {}, due=clock.now())
    await store.tasks.delete("report", lease=(await take(store)).lease)
    assert await store.tasks.body("report") is None
    assert await due_in(store, clock) is None


async def test_a_worker_does_not_delete_what_was_scheduled_again(
    store: Store, clock: HandClock
) -> None:
    """A Home that could not be drawn is given up, unless its person has just opened it again."""
    await store.tasks.schedule("home:U1", {"by": "first"}, due=clock.now())
    lease = (await take(store)).lease
    await store.tasks.schedule("home:U1", {"by": "second"}, due=clock.now())
    await store.tasks.delete("home:U1", lease=lease)
    assert (await take(store)).work == PeriodicTask("home:U1", {"by": "second"})


async def test_a_worker_that_comes_too_late_deletes_nothing(store: Store, clock: HandClock) -> None:
    await store.tasks.schedule("report", {}, due=clock.now())
    late = (await take(store)).lease
    clock.advance(25)
    lease = (await take(store)).lease
    await store.tasks.delete("report", lease=late)
    assert await store.queue.release(lease, due=None)
    await store.tasks.delete("report", lease=lease)
    assert await store.tasks.body("report") == {}


async def test_a_task_that_stops_every_worker_is_put_off_and_not_lost(
    store: Store, clock: HandClock
) -> None:
    await store.tasks.schedule("report", {}, due=clock.now())
    for _ in range(MAX_CUTS):
        await take(store)
        clock.advance(25)
    with capture_logs() as logs:
        assert await due_in(store, clock) == PUT_OFF.total_seconds()
    assert [line["record"] for line in logs] == ["task:report"]
    clock.advance(PUT_OFF.total_seconds())
    await take(store)
    clock.advance(25)
    assert await due_in(store, clock) == PUT_OFF.total_seconds()


async def test_a_task_that_was_done_once_has_all_its_tries_again(
    store: Store, clock: HandClock
) -> None:
    await store.tasks.schedule("report", {}, due=clock.now())
    for _ in range(3):
        for _ in range(MAX_CUTS - 1):
            await take(store)
            clock.advance(25)
        await store.queue.release((await take(store)).lease, due=clock.now())
    assert (await take(store)).work == PeriodicTask("report", {})


async def test_an_unreadable_task_is_put_off(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    await store.tasks.schedule("report", {}, due=clock.now())
    await client.hset(keys.record("task:report"), "task", "{")
    with capture_logs():
        assert await due_in(store, clock) == 25
    assert await due_in(store, clock) == PUT_OFF.total_seconds()


async def test_a_task_is_forgotten_a_month_after_it_was_last_thought_of(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    await store.tasks.schedule("report", {}, due=clock.now())
    record = keys.record("task:report")
    assert MONTH - 10 < await client.ttl(record) <= MONTH
    await client.expire(record, 60)
    await store.queue.release((await take(store)).lease, due=None)
    assert MONTH - 10 < await client.ttl(record) <= MONTH


# Homes


async def test_a_home_is_due_soon_after_a_restore_was_asked_for_or_has_moved(
    store: Store, clock: HandClock
) -> None:
    await rest(store, clock, "home:U1")
    later = clock.now() + timedelta(hours=1)
    await store.create(restore(), due=later, audit=[said("asked")])
    assert await due_in(store, clock) == PAUSE
    clock.advance(PAUSE)
    assert (await take(store)).lease.id == "task:home:U1"


@pytest.mark.parametrize(
    ("audit", "expected"),
    [([said("moved")], PAUSE), ([], 3600)],
    ids=["a move that is audited shows", "a change that nobody would note does not"],
)
async def test_a_home_follows_the_commits_that_are_audited(
    store: Store, clock: HandClock, audit: list[object], expected: float
) -> None:
    made, later = restore(), clock.now() + timedelta(hours=1)
    await store.create(made, due=later, audit=[])
    await rest(store, clock, "home:U1")
    await store.commit(changed(made, closed=True), due=None, audit=audit)  # type: ignore[arg-type] # entries
    assert await due_in(store, clock) == expected


async def test_moves_within_the_pause_are_shown_together(store: Store, clock: HandClock) -> None:
    await rest(store, clock, "home:U1")
    later = clock.now() + timedelta(hours=1)
    await store.create(restore("R1", vm="a"), due=later, audit=[said("asked")])
    clock.advance(2)
    await store.create(restore("R2", vm="b"), due=later, audit=[said("asked")])
    assert await due_in(store, clock) == PAUSE - 2


async def test_a_move_while_a_home_is_drawn_is_shown_after_the_pause(
    store: Store, clock: HandClock
) -> None:
    await store.tasks.schedule("home:U1", {}, due=clock.now())
    lease = (await take(store)).lease
    later = clock.now() + timedelta(hours=1)
    await store.create(restore(), due=later, audit=[said("asked")])
    clock.advance(1)
    await store.queue.release(lease, due=None, body={"digest": "d"})
    assert await due_in(store, clock) == PAUSE - 1
    assert await store.tasks.body("home:U1") == {"digest": "d"}


async def test_a_move_after_a_lease_ran_out_survives_the_late_release(
    store: Store, clock: HandClock
) -> None:
    """The worker was only slow: what it gives back must not hide what came in the meantime."""
    await store.tasks.schedule("home:U1", {}, due=clock.now())
    lease = (await take(store)).lease
    clock.advance(26)
    later = clock.now() + timedelta(hours=1)
    await store.create(restore(), due=later, audit=[said("asked")])
    assert await store.queue.release(lease, due=None)
    assert await due_in(store, clock) == PAUSE


async def test_a_home_that_is_opened_while_it_is_drawn_does_not_wait(
    store: Store, clock: HandClock
) -> None:
    await store.tasks.schedule("home:U1", {}, due=clock.now())
    lease = (await take(store)).lease
    later = clock.now() + timedelta(hours=1)
    await store.create(restore(), due=later, audit=[said("asked")])
    await store.tasks.schedule("home:U1", {}, due=clock.now())
    await store.queue.release(lease, due=None)
    assert (await take(store)).lease.id == "task:home:U1"


async def test_other_tasks_do_not_follow_the_restores(store: Store, clock: HandClock) -> None:
    await rest(store, clock, "report")
    later = clock.now() + timedelta(hours=1)
    await store.create(restore(), due=later, audit=[said("asked")])
    assert await due_in(store, clock) == 3600


async def test_a_home_that_nobody_opened_for_two_weeks_is_left_alone(
    store: Store, clock: HandClock
) -> None:
    await rest(store, clock, "home:U1")
    clock.advance(14 * DAY + 1)
    await rest(store, clock, "home:U2")
    later = clock.now() + timedelta(hours=1)
    await store.create(restore(), due=later, audit=[said("asked")])
    clock.advance(PAUSE)
    leased, _ = await store.queue.lease(5)
    assert [each.lease.id for each in leased] == ["task:home:U2"]


async def test_a_deleted_home_does_not_come_back(store: Store, clock: HandClock) -> None:
    await rest(store, clock, "home:U1")
    await store.tasks.delete("home:U1")
    later = clock.now() + timedelta(hours=1)
    await store.create(restore(), due=later, audit=[said("asked")])
    assert await due_in(store, clock) == 3600


async def test_only_the_homes_opened_last_are_kept_current(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    for number in range(202):
        await store.tasks.schedule(f"home:U{number}", {}, due=clock.now())
        clock.advance(0.01)
    assert await client.zcard(keys.homes) == 200
    assert await client.zscore(keys.homes, "task:home:U1") is None
    assert await client.zscore(keys.homes, "task:home:U2") is not None
    assert 0 < await client.ttl(keys.homes) <= 14 * DAY


async def test_an_end_is_a_move_too(store: Store, clock: HandClock) -> None:
    made = restore()
    await store.create(made, due=clock.now() + timedelta(hours=1), audit=[])
    await rest(store, clock, "home:U1")
    await store.commit(ended(made), due=None, audit=[said("cancelled")])
    assert await due_in(store, clock) == PAUSE
