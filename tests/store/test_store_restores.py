"""Restores: their documents, claims, threads, histories and ends."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.errors import Permanent
from bot.playground.clock import HandClock
from bot.restore.model import Phase, Restore, RestoreId, RestoreRequest, ThreadRef
from bot.restore.target import VmRef
from bot.store import Store
from bot.store.connection import Client
from bot.store.keys import Keys
from bot.store.records import AlreadyExists, ClaimConflict, Committed, Created, Record, Stale
from bot.store.scripts import PAGE
from tests.store.samples import changed, ended, restore, said, typical

MONTH = 30 * 24 * 3600
DB = VmRef("east", "production", "db-01")


async def create(store: Store, clock: HandClock, made: Restore) -> Restore:
    """The restore, stored and due now."""
    assert await store.create(made, due=clock.now(), audit=[]) == Created(made)
    return made


async def commit(store: Store, clock: HandClock, change: Restore) -> Restore:
    """The restore as it was stored."""
    done = await store.commit(change, due=clock.now(), audit=[])
    assert isinstance(done, Committed)
    return done.restore


async def entries(store: Store) -> list[str]:
    """The kinds of all audit entries."""
    return [entry.kind async for entry in store.audit.read()]


# Documents


async def test_a_created_restore_loads_as_it_was(store: Store, clock: HandClock) -> None:
    await create(store, clock, typical())
    assert await store.load("R1") == Record(typical(), {})


async def test_an_unknown_restore_loads_as_none(store: Store) -> None:
    assert await store.load("R9") is None


async def test_many_load_in_the_order_asked_for_without_the_unknown(
    store: Store, clock: HandClock
) -> None:
    for name in ("R1", "R2"):
        await create(store, clock, restore(name, vm=name))
    found = await store.load_many(["R2", "R9", "R1"])
    assert [record.restore.id for record in found] == ["R2", "R1"]
    assert await store.load_many([]) == ()


async def test_an_id_is_created_once(store: Store, clock: HandClock) -> None:
    first = await create(store, clock, restore())
    again = changed(first, phase=Phase.TYPING)
    assert await store.create(again, due=clock.now(), audit=[said("again")]) == AlreadyExists(first)
    assert await entries(store) == []


async def test_a_known_restore_is_shown_as_it_is_now(store: Store, clock: HandClock) -> None:
    now = await commit(store, clock, await create(store, clock, restore()))
    assert await store.create(restore(), due=clock.now(), audit=[]) == AlreadyExists(now)


async def test_a_commit_counts_the_version_up(store: Store, clock: HandClock) -> None:
    await create(store, clock, restore())
    stored = await commit(store, clock, changed(restore(), phase=Phase.TYPING))
    assert (stored.version, stored.phase) == (1, Phase.TYPING)
    assert await store.load("R1") == Record(stored, {})


async def test_a_commit_from_an_older_version_is_stale_and_writes_nothing(
    store: Store, clock: HandClock
) -> None:
    await create(store, clock, restore())
    stored = await commit(store, clock, restore())
    late = changed(restore(), phase=Phase.CANCELLED)
    assert await store.commit(late, due=clock.now(), audit=[said("late")]) == Stale()
    assert await store.load("R1") == Record(stored, {})
    assert await entries(store) == []


async def test_two_commits_from_one_version_have_one_winner(store: Store, clock: HandClock) -> None:
    await create(store, clock, restore())
    first = await store.commit(restore(), due=clock.now(), audit=[])
    second = await store.commit(restore(), due=clock.now(), audit=[])
    assert isinstance(first, Committed)
    assert second == Stale()


async def test_a_commit_to_what_was_never_stored_is_stale(store: Store, clock: HandClock) -> None:
    assert await store.commit(restore(), due=clock.now(), audit=[]) == Stale()
    assert await store.load("R1") is None


async def test_an_unreadable_document_is_a_lasting_failure_without_the_words_of_people(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    await create(store, clock, restore())
    await client.hset(keys.restore("R1"), "doc", '{"owner": {"typed": "hunter2"}}')
    with pytest.raises(Permanent) as failure:
        await store.load("R1")
    assert failure.value.reason == "unreadable_document"
    assert "hunter2" not in str(failure.value)


# Claims


async def test_a_vm_has_one_live_restore(store: Store, clock: HandClock) -> None:
    holder = await create(store, clock, restore("R1"))
    second = await store.create(restore("R2"), due=clock.now(), audit=[said("asked")])
    assert second == ClaimConflict(holder)
    assert await store.load("R2") is None
    assert await store.live() == (holder,)
    assert await entries(store) == []


async def test_the_holder_is_shown_as_it_is_now(store: Store, clock: HandClock) -> None:
    holder = await commit(store, clock, await create(store, clock, restore("R1")))
    assert await store.create(restore("R2"), due=clock.now(), audit=[]) == ClaimConflict(holder)


@pytest.mark.parametrize(
    "asked",
    [
        RestoreRequest(cluster="west", namespace="production", vm="db-01"),
        RestoreRequest(cluster="east", namespace="staging", vm="db-01"),
        RestoreRequest(cluster="east", namespace="production", vm="db-02"),
    ],
    ids=["in another cluster", "in another namespace", "of another name"],
)
async def test_another_vm_is_free(store: Store, clock: HandClock, asked: RestoreRequest) -> None:
    await create(store, clock, restore("R1"))
    await create(store, clock, restore("R2", request=asked))


async def test_a_restore_that_is_still_asking_holds_nothing(store: Store, clock: HandClock) -> None:
    await create(store, clock, restore("R1", phase=Phase.GATHERING))
    await create(store, clock, restore("R2"))


async def test_a_claim_is_taken_when_the_vm_becomes_known(store: Store, clock: HandClock) -> None:
    asking = await create(store, clock, restore("R1", phase=Phase.GATHERING))
    holder = await commit(store, clock, changed(asking, phase=Phase.CHECKING))
    assert await store.create(restore("R2"), due=clock.now(), audit=[]) == ClaimConflict(holder)


async def test_a_commit_that_wants_a_held_vm_writes_nothing(store: Store, clock: HandClock) -> None:
    holder = await create(store, clock, restore("R1"))
    asking = await create(store, clock, restore("R2", phase=Phase.GATHERING))
    wanting = changed(asking, phase=Phase.CHECKING)
    held = await store.commit(wanting, due=clock.now(), audit=[said("x")])
    assert held == ClaimConflict(holder)
    assert await store.load("R2") == Record(asking, {})
    assert await entries(store) == []


async def test_a_commit_that_changes_the_vm_moves_the_claim(store: Store, clock: HandClock) -> None:
    first = await create(store, clock, restore("R1"))
    other = first.request.model_copy(update={"vm": "db-02"})
    await commit(store, clock, changed(first, request=other))
    await create(store, clock, restore("R2", vm="db-01"))
    assert isinstance(
        await store.create(restore("R3", vm="db-02"), due=clock.now(), audit=[]), ClaimConflict
    )


@pytest.mark.parametrize("end", [phase for phase in Phase if phase.ended])
async def test_every_end_frees_the_vm(
    store: Store, clock: HandClock, client: Client, keys: Keys, end: Phase
) -> None:
    await commit(store, clock, changed(await create(store, clock, restore("R1")), phase=end))
    assert not await client.hexists(keys.restore("R1"), "claim")
    await create(store, clock, restore("R2"))


async def test_a_commit_after_the_end_leaves_the_next_holder_alone(
    store: Store, clock: HandClock
) -> None:
    """The first restore's last buttons work while a second one holds the VM."""
    first = await commit(store, clock, ended(await create(store, clock, restore("R1"))))
    second = await create(store, clock, restore("R2"))
    await commit(store, clock, changed(first, closed=True))
    assert await store.create(restore("R3"), due=clock.now(), audit=[]) == ClaimConflict(second)


async def test_a_claim_whose_holder_is_gone_is_free(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    """A document removed by hand must not lock its VM for ever."""
    await create(store, clock, restore("R1"))
    await client.delete(keys.restore("R1"))
    await client.zrem(keys.live, "R1")
    await create(store, clock, restore("R2"))


# Lists


async def test_a_thread_knows_its_restores_oldest_first(store: Store, clock: HandClock) -> None:
    later = clock.now() + timedelta(minutes=5)
    newer = await create(store, clock, restore("A", vm="vm-a", opened_at=later))
    older = await create(store, clock, restore("B", vm="vm-b"))
    over = await commit(store, clock, ended(older))
    elsewhere = ThreadRef(team="T1", channel="C2", thread=older.thread_ref.thread)
    await create(store, clock, restore("C", vm="vm-c", thread_ref=elsewhere))
    assert await store.in_thread("C1", "1771432200.000100") == (over, newer)
    assert await store.in_thread("C1", "1771432200.999999") == ()


async def test_a_thread_becomes_known_with_a_commit(store: Store, clock: HandClock) -> None:
    thread_ref = ThreadRef(team="T1", channel="C1", own_thread=True)
    made = await create(store, clock, restore(thread_ref=thread_ref))
    antaskd = thread_ref.model_copy(update={"thread": "5.5"})
    stored = await commit(store, clock, changed(made, thread_ref=antaskd))
    assert await store.in_thread("C1", "5.5") == (stored,)


async def test_the_living_are_listed_oldest_first_until_they_end(
    store: Store, clock: HandClock
) -> None:
    later = clock.now() + timedelta(minutes=5)
    newer = await create(store, clock, restore("A", vm="vm-a", opened_at=later))
    older = await create(store, clock, restore("B", vm="vm-b"))
    assert await store.live() == (older, newer)
    await commit(store, clock, ended(older))
    assert await store.live() == (newer,)


async def test_more_living_than_a_page_are_all_listed(store: Store, clock: HandClock) -> None:
    names = [f"R{number:03}" for number in range(PAGE + 1)]
    for name in names:
        await create(store, clock, restore(name, vm=name))
    assert [each.id for each in await store.live()] == names


async def test_an_unreadable_restore_does_not_hide_the_others(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    await create(store, clock, restore("R1", vm="vm-1"))
    second = await create(store, clock, restore("R2", vm="vm-2"))
    await client.hset(keys.restore("R1"), "doc", "{}")
    with capture_logs() as logs:
        assert await store.live() == (second,)
    assert len(logs) == 1


async def test_a_vm_remembers_its_last_restores_newest_first(
    store: Store, clock: HandClock
) -> None:
    over = [
        await commit(store, clock, ended(await create(store, clock, restore(f"R{number}"))))
        for number in range(3)
    ]
    await create(store, clock, restore("R9"))
    assert await store.history(DB, 2) == (over[2], over[1])
    assert await store.history(DB, 9) == (over[2], over[1], over[0])
    assert await store.history(DB, 0) == ()
    assert await store.history(VmRef("east", "production", "other"), 9) == ()


async def test_an_end_stands_in_the_history_once(store: Store, clock: HandClock) -> None:
    over = await commit(store, clock, ended(await create(store, clock, restore())))
    closed = await commit(store, clock, changed(over, closed=True))
    assert await store.history(DB, 9) == (closed,)


async def test_a_history_is_cut_at_twenty(store: Store, clock: HandClock) -> None:
    for number in range(22):
        await commit(store, clock, ended(await create(store, clock, restore(f"R{number}"))))
    names = [each.id for each in await store.history(DB, 50)]
    assert names == [RestoreId(f"R{number}") for number in range(21, 1, -1)]


async def test_the_workspace_remembers_what_ended_last(store: Store, clock: HandClock) -> None:
    """Of all VMs, in the order of their ends; also what ended before its VM was known."""
    names = ("R1", "R2", "R3")
    made = [await create(store, clock, restore(name, vm=name)) for name in names]
    nameless = await create(store, clock, restore("R4", vm=None, phase=Phase.GATHERING))
    assert await store.recent(9) == ()
    over = [await commit(store, clock, ended(each)) for each in (made[1], made[0], nameless)]
    assert await store.recent(9) == (over[2], over[1], over[0])
    assert await store.recent(1) == (over[2],)
    assert await store.recent(0) == ()


async def test_what_the_workspace_remembers_is_cut_at_two_hundred(
    store: Store, clock: HandClock
) -> None:
    for number in range(202):
        await commit(store, clock, ended(await create(store, clock, restore(f"R{number}"))))
    found = await store.recent(300)
    assert (len(found), found[0].id, found[-1].id) == (200, RestoreId("R201"), RestoreId("R2"))


# Ends


async def test_an_ended_restore_and_what_leads_to_it_stay_for_a_month(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    made = await create(store, clock, restore())
    assert await client.ttl(keys.restore("R1")) == -1
    await commit(store, clock, ended(made))
    for key in (
        keys.restore("R1"),
        keys.thread("C1", "1771432200.000100"),
        keys.history(DB.key),
        keys.recent,
    ):
        assert MONTH - 10 < await client.ttl(key) <= MONTH


async def test_a_commit_after_the_end_keeps_the_ttl(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    over = await commit(store, clock, ended(await create(store, clock, restore())))
    await commit(store, clock, changed(over, closed=True))
    assert 0 < await client.ttl(keys.restore("R1")) <= MONTH


async def test_a_restore_that_comes_back_to_life_loses_its_ttl(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    """The workflow never does this; if it did, a live restore must not vanish after a month."""
    over = await commit(store, clock, ended(await create(store, clock, restore())))
    again = await commit(store, clock, changed(over, phase=Phase.CHECKING))
    assert await client.ttl(keys.restore("R1")) == -1
    assert await store.live() == (again,)


async def test_a_commit_sent_again_is_one_commit(
    store: Store, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that lost the reply must not take its own commit for somebody else's."""
    await create(store, clock, restore())
    monkeypatch.setattr("bot.store.scripts.call_token", lambda: "one call")
    first = await store.commit(restore(), due=clock.now(), audit=[said("once")])
    assert await store.commit(restore(), due=clock.now(), audit=[said("once")]) == first
    assert await entries(store) == ["once"]


# Audit


async def test_audit_entries_come_with_the_change_in_order(store: Store, clock: HandClock) -> None:
    made = restore()
    await store.create(made, due=clock.now(), audit=[said("asked", made)])
    await store.commit(made, due=clock.now(), audit=[said("checked", made), said("warned", made)])
    await store.audit.append([said("refused"), said("ignored")])
    assert await entries(store) == ["asked", "checked", "warned", "refused", "ignored"]


async def test_the_audit_can_be_asked_for_one_restore_or_a_time(
    store: Store, clock: HandClock
) -> None:
    first, second = restore("R1"), restore("R2")
    early, late = said("early", first), said("late", second)
    late = late.model_copy(update={"at": late.at + timedelta(hours=1)})
    await store.audit.append([early, late])
    assert [entry async for entry in store.audit.read(restore="R1")] == [early]
    assert [entry async for entry in store.audit.read(since=clock.now())] == [early, late]
    since = clock.now() + timedelta(minutes=1)
    assert [entry async for entry in store.audit.read(since=since)] == [late]
    assert [entry async for entry in store.audit.read(since=since, restore="R1")] == []


async def test_a_long_audit_is_read_to_its_end(store: Store) -> None:
    kinds = [f"entry-{number}" for number in range(2 * PAGE)]
    await store.audit.append([said(kind) for kind in kinds])
    assert await entries(store) == kinds


async def test_nothing_to_append_is_nothing_sent(store: Store, client: Client, keys: Keys) -> None:
    await store.audit.append([])
    assert not await client.exists(keys.audit)


# Workspaces


async def test_two_workspaces_do_not_see_each_other(
    store: Store, clock: HandClock, client: Client, team: str
) -> None:
    other = Store(client, f"{team}-2", clock)
    await create(store, clock, restore())
    assert await other.live() == ()
    assert isinstance(await other.create(restore(), due=clock.now(), audit=[]), Created)


@pytest.mark.parametrize("team", ["", "T1}", "T{1", "T 1"])
def test_a_workspace_id_that_would_break_the_hash_tag_is_refused(team: str) -> None:
    with pytest.raises(ValueError, match="not a workspace id"):
        Keys(team)
