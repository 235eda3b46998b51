"""What the store tells of itself for metrics."""

from datetime import timedelta

from bot.restore.model import Job, Phase
from tests.store.database import HOUR, Database
from tests.store.samples import ended, restore, said


async def test_an_empty_store(db: Database) -> None:
    found = await db.store.survey()
    assert (found.queued, found.due, found.oldest) == (0, 0, 0.0)
    assert (sum(found.phases.values()), found.waiting, found.stuck) == (0, 0, 0)


async def test_what_is_due_and_leased_to_nobody_is_late(db: Database) -> None:
    await db.create("R1", 0)
    await db.create("R2", 30)
    await db.create("R3", HOUR)
    db.clock.advance(90)
    found = await db.store.survey()
    assert (found.queued, found.due, found.oldest) == (3, 2, 90.0)
    await db.queue.lease(5)
    found = await db.store.survey()
    assert (found.queued, found.due, found.oldest) == (3, 0, 0.0)


async def test_live_restores_are_told_by_phase_and_ended_ones_are_not(db: Database) -> None:
    """Also more of them than a page holds."""
    for number in range(600):
        await db.create(f"R{number}")
    late = restore(
        "L",
        vm="db-02",
        phase=Phase.RESTORING,
        job=Job(name="j", decided_at=db.now, wait_until=db.later(60)),
    )
    blind = restore(
        "B", vm="db-03", phase=Phase.RESTORING, trouble="no answer", trouble_since=db.now
    )
    for each in (late, blind):
        await db.store.create(each, due=db.later(HOUR), audit=[said("asked")])
    over = ended(restore("E", vm="db-04"))
    await db.store.create(over, due=db.later(HOUR), audit=[said("asked")])
    found = await db.store.survey()
    first = restore().phase
    assert found.phases == {first: 600, Phase.RESTORING: 2}
    assert found.stuck == 1
    db.clock.advance(61)
    assert (await db.store.survey()).stuck == 2


async def test_what_an_earlier_release_kept_is_passed_over(db: Database) -> None:
    """It does not know the phase, and is counted when the restore moves again."""
    await db.create("R1")
    await db.client.hset(db.keys.traces, "R0", '{"owner": "U1"}')  # as typed
    assert sum((await db.store.survey()).phases.values()) == 1
    assert timedelta(seconds=(await db.store.survey()).oldest) >= timedelta()
