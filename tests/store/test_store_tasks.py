"""Periodic tasks: scheduled, leased, released, deleted; and the homes, which follow the restores."""

import pytest
from structlog.testing import capture_logs

from bot.store.queue import MAX_CUTS, PUT_OFF
from bot.store.records import Lease, Leased, PeriodicTask
from tests.store.database import DAY, HOUR, MONTH, Database
from tests.store.samples import changed, ended, restore, said

PAUSE = 3


async def take(db: Database) -> Leased:
    """The one thing that is due."""
    leased, _ = await db.queue.lease(5)
    assert len(leased) == 1
    return leased[0]


async def due_in(db: Database) -> float | None:
    """Seconds until the next thing is due, when nothing is due now."""
    leased, following = await db.queue.lease(5)
    assert leased == []
    return None if following is None else (following - db.now).total_seconds()


async def held(db: Database, name: str = "report", **body: str) -> Lease:
    """The lease of a task that is due now."""
    await db.tasks.schedule(name, body, due=db.now)
    return (await take(db)).lease


async def rest(db: Database, name: str) -> Lease:
    """A task that was done once and rests; its last lease."""
    lease = await held(db, name, known=name)
    assert await db.queue.release(lease, due=None)
    return lease


async def asked(db: Database) -> None:
    """Somebody asks for a restore, which is due in an hour."""
    await db.store.create(restore(), due=db.later(HOUR), audit=[said("asked")])


async def test_a_scheduled_task_is_leased_with_its_body_when_it_is_due(db: Database) -> None:
    await db.tasks.schedule("report", {"last": "x"}, due=db.later(60))
    assert await due_in(db) == 60
    db.clock.advance(60)
    leased = await take(db)
    assert leased.lease.id == "task:report"
    assert leased.work == PeriodicTask("report", {"last": "x"})
    assert not leased.interrupted


async def test_scheduling_a_task_again_gives_it_another_body_and_due_time(db: Database) -> None:
    await db.tasks.schedule("report", {"day": 1}, due=db.now)
    await db.tasks.schedule("report", {"day": 2}, due=db.later(9))
    assert await due_in(db) == 9
    assert await db.tasks.body("report") == {"day": 2}


async def test_a_task_that_was_never_scheduled_has_no_body(db: Database) -> None:
    assert await db.tasks.body("report") is None


async def test_a_released_task_is_due_again_and_knows_more(db: Database) -> None:
    await db.tasks.schedule("report", {"day": 1}, due=db.now)
    lease = (await take(db)).lease
    assert await db.queue.release(lease, due=db.later(DAY), body={"day": 2})
    assert await db.tasks.body("report") == {"day": 2}
    db.clock.advance(DAY)
    assert (await take(db)).work == PeriodicTask("report", {"day": 2})


async def test_a_task_released_without_a_body_knows_what_it_knew(db: Database) -> None:
    await rest(db, "report")
    assert await db.tasks.body("report") == {"known": "report"}


async def test_a_task_rests_without_a_due_time_until_it_is_scheduled(db: Database) -> None:
    await rest(db, "report")
    assert await due_in(db) is None
    await db.tasks.schedule("report", {}, due=db.now)
    assert (await take(db)).work == PeriodicTask("report", {})


async def test_a_task_scheduled_while_it_is_leased_is_due_after_it_with_the_newer_body(
    db: Database,
) -> None:
    lease = await held(db, by="first")
    await db.tasks.schedule("report", {"by": "second"}, due=db.now)
    assert await due_in(db) == 25
    await db.queue.release(lease, due=None, body={"by": "holder"})
    assert (await take(db)).work == PeriodicTask("report", {"by": "second"})


async def test_the_next_holder_of_a_task_may_change_it_again(db: Database) -> None:
    """A body scheduled while a worker died is known to the next worker."""
    await db.tasks.schedule("report", {"by": "first"}, due=db.now)
    await take(db)
    await db.tasks.schedule("report", {"by": "second"}, due=db.now)
    db.clock.advance(25)
    await db.queue.release((await take(db)).lease, due=None, body={"by": "third"})
    assert await db.tasks.body("report") == {"by": "third"}


async def test_a_worker_that_comes_too_late_changes_no_task(db: Database) -> None:
    late = await held(db, by="first")
    db.clock.advance(25)
    await take(db)
    assert not await db.queue.release(late, due=None, body={"by": "late"})
    assert await db.tasks.body("report") == {"by": "first"}


async def test_a_deleted_task_is_gone_and_another_of_its_name_is_new(db: Database) -> None:
    late = await held(db, by="first")
    await db.tasks.delete("report")
    assert await db.tasks.body("report") is None
    assert await due_in(db) is None
    db.clock.advance(1)
    await db.tasks.schedule("report", {"by": "second"}, due=db.now)
    await take(db)
    assert not await db.queue.release(late, due=None, body={"by": "late"})
    assert await db.tasks.body("report") == {"by": "second"}


async def test_a_worker_deletes_its_task(db: Database) -> None:
    await db.tasks.schedule("report", {}, due=db.now)
    await db.tasks.delete("report", lease=(await take(db)).lease)
    assert await db.tasks.body("report") is None
    assert await due_in(db) is None


async def test_a_worker_does_not_delete_what_was_scheduled_again(db: Database) -> None:
    """A Home that could not be drawn is given up, unless its person has just opened it again."""
    await db.tasks.schedule("home:U1", {"by": "first"}, due=db.now)
    lease = (await take(db)).lease
    await db.tasks.schedule("home:U1", {"by": "second"}, due=db.now)
    await db.tasks.delete("home:U1", lease=lease)
    assert (await take(db)).work == PeriodicTask("home:U1", {"by": "second"})


async def test_a_worker_that_comes_too_late_deletes_nothing(db: Database) -> None:
    await db.tasks.schedule("report", {}, due=db.now)
    late = (await take(db)).lease
    db.clock.advance(25)
    lease = (await take(db)).lease
    await db.tasks.delete("report", lease=late)
    assert await db.queue.release(lease, due=None)
    await db.tasks.delete("report", lease=lease)
    assert await db.tasks.body("report") == {}


async def test_a_task_that_stops_every_worker_is_put_off_and_not_lost(db: Database) -> None:
    await db.tasks.schedule("report", {}, due=db.now)
    for _ in range(MAX_CUTS):
        await take(db)
        db.clock.advance(25)
    with capture_logs() as logs:
        assert await due_in(db) == PUT_OFF.total_seconds()
    assert [line["record"] for line in logs] == ["task:report"]
    db.clock.advance(PUT_OFF.total_seconds())
    await take(db)
    db.clock.advance(25)
    assert await due_in(db) == PUT_OFF.total_seconds()


async def test_a_task_that_was_done_once_has_all_its_tries_again(db: Database) -> None:
    await db.tasks.schedule("report", {}, due=db.now)
    for _ in range(3):
        for _ in range(MAX_CUTS - 1):
            await take(db)
            db.clock.advance(25)
        await db.queue.release((await take(db)).lease, due=db.now)
    assert (await take(db)).work == PeriodicTask("report", {})


async def test_an_unreadable_task_is_put_off(db: Database) -> None:
    await db.tasks.schedule("report", {}, due=db.now)
    await db.client.hset(db.keys.record("task:report"), "task", "{")
    with capture_logs():
        assert await due_in(db) == 25
    assert await due_in(db) == PUT_OFF.total_seconds()


async def test_a_task_is_forgotten_a_month_after_it_was_last_thought_of(db: Database) -> None:
    await db.tasks.schedule("report", {}, due=db.now)
    record = db.keys.record("task:report")
    assert MONTH - 10 < await db.client.ttl(record) <= MONTH
    await db.client.expire(record, 60)
    await db.queue.release((await take(db)).lease, due=None)
    assert MONTH - 10 < await db.client.ttl(record) <= MONTH


# Homes


async def test_a_home_is_due_soon_after_a_restore_was_asked_for_or_has_moved(db: Database) -> None:
    await rest(db, "home:U1")
    await asked(db)
    assert await due_in(db) == PAUSE
    db.clock.advance(PAUSE)
    assert (await take(db)).lease.id == "task:home:U1"


@pytest.mark.parametrize(
    ("audit", "expected"),
    [([said("moved")], PAUSE), ([], 3600)],
    ids=["a move that is audited shows", "a change that nobody would note does not"],
)
async def test_a_home_follows_the_commits_that_are_audited(
    db: Database, audit: list[object], expected: float
) -> None:
    made, later = restore(), db.later(HOUR)
    await db.store.create(made, due=later, audit=[])
    await rest(db, "home:U1")
    await db.store.commit(changed(made, closed=True), due=None, audit=audit)  # type: ignore[arg-type] # entries
    assert await due_in(db) == expected


async def test_moves_within_the_pause_are_shown_together(db: Database) -> None:
    await rest(db, "home:U1")
    later = db.later(HOUR)
    await db.store.create(restore("R1", vm="a"), due=later, audit=[said("asked")])
    db.clock.advance(2)
    await db.store.create(restore("R2", vm="b"), due=later, audit=[said("asked")])
    assert await due_in(db) == PAUSE - 2


async def test_a_move_while_a_home_is_drawn_is_shown_after_the_pause(db: Database) -> None:
    lease = await held(db, "home:U1")
    await asked(db)
    db.clock.advance(1)
    await db.queue.release(lease, due=None, body={"digest": "d"})
    assert await due_in(db) == PAUSE - 1
    assert await db.tasks.body("home:U1") == {"digest": "d"}


async def test_a_move_after_a_lease_ran_out_survives_the_late_release(db: Database) -> None:
    """The worker was only slow: what it gives back must not hide what came in the meantime."""
    lease = await held(db, "home:U1")
    db.clock.advance(26)
    await asked(db)
    assert await db.queue.release(lease, due=None)
    assert await due_in(db) == PAUSE


async def test_a_home_that_is_opened_while_it_is_drawn_does_not_wait(db: Database) -> None:
    lease = await held(db, "home:U1")
    await asked(db)
    await db.tasks.schedule("home:U1", {}, due=db.now)
    await db.queue.release(lease, due=None)
    assert (await take(db)).lease.id == "task:home:U1"


async def test_other_tasks_do_not_follow_the_restores(db: Database) -> None:
    await rest(db, "report")
    await asked(db)
    assert await due_in(db) == 3600


async def test_a_home_that_nobody_opened_for_two_weeks_is_left_alone(db: Database) -> None:
    await rest(db, "home:U1")
    db.clock.advance(14 * DAY + 1)
    await rest(db, "home:U2")
    await asked(db)
    db.clock.advance(PAUSE)
    leased, _ = await db.queue.lease(5)
    assert [each.lease.id for each in leased] == ["task:home:U2"]


async def test_a_deleted_home_does_not_come_back(db: Database) -> None:
    await rest(db, "home:U1")
    await db.tasks.delete("home:U1")
    await asked(db)
    assert await due_in(db) == 3600


async def test_only_the_homes_opened_last_are_kept_current(db: Database) -> None:
    for number in range(202):
        await db.tasks.schedule(f"home:U{number}", {}, due=db.now)
        db.clock.advance(0.01)
    assert await db.client.zcard(db.keys.homes) == 200
    assert await db.client.zscore(db.keys.homes, "task:home:U1") is None
    assert await db.client.zscore(db.keys.homes, "task:home:U2") is not None
    assert 0 < await db.client.ttl(db.keys.homes) <= 14 * DAY


async def test_an_end_is_a_move_too(db: Database) -> None:
    made = restore()
    await db.store.create(made, due=db.later(HOUR), audit=[])
    await rest(db, "home:U1")
    await db.store.commit(ended(made), due=None, audit=[said("cancelled")])
    assert await due_in(db) == PAUSE
