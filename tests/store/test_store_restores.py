"""Restores: their documents, claims, threads, histories and ends."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.errors import Permanent
from bot.restore.model import Phase, Restore, RestoreId
from bot.restore.stop_and_start import Start, Stop
from bot.restore.target import RestoreRequest, VmRef
from bot.restore.thread import ThreadRef, UserId
from bot.store import Keeping, Store
from bot.store.keys import Keys
from bot.store.records import (
    AlreadyExists,
    ClaimConflict,
    Committed,
    Created,
    LimitReached,
    OpenLimits,
    Record,
    Stale,
)
from bot.store.scripts import PAGE
from tests.store.database import MONTH, Database
from tests.store.samples import OWNER, changed, ended, restore, said, typical

DB = VmRef("east", "production", "db-01")


async def create(db: Database, made: Restore) -> Restore:
    """The restore, stored and due now."""
    assert await db.store.create(made, due=db.now, audit=[]) == Created(made)
    return made


async def commit(db: Database, change: Restore) -> Restore:
    """The restore as it was stored."""
    done = await db.store.commit(change, due=db.now, audit=[])
    assert isinstance(done, Committed)
    return done.restore


async def entries(db: Database) -> list[str]:
    """The kinds of all audit entries."""
    return [entry.kind async for entry in db.store.audit.read()]


# Documents


async def test_a_created_restore_loads_as_it_was(db: Database) -> None:
    await create(db, typical())
    assert await db.store.load("R1") == Record(typical(), {})


async def test_an_unknown_restore_loads_as_none(db: Database) -> None:
    assert await db.store.load("R9") is None


async def test_many_load_in_the_order_asked_for_without_the_unknown(db: Database) -> None:
    for name in ("R1", "R2"):
        await create(db, restore(name, vm=name))
    found = await db.store.load_many(["R2", "R9", "R1"])
    assert [record.restore.id for record in found] == ["R2", "R1"]
    assert await db.store.load_many([]) == ()


async def test_an_id_is_created_once(db: Database) -> None:
    first = await create(db, restore())
    again = changed(first, phase=Phase.TYPING)
    assert await db.store.create(again, due=db.now, audit=[said("again")]) == AlreadyExists(first)
    assert await entries(db) == []


async def test_a_known_restore_is_shown_as_it_is_now(db: Database) -> None:
    now = await commit(db, await create(db, restore()))
    assert await db.store.create(restore(), due=db.now, audit=[]) == AlreadyExists(now)


async def test_a_commit_counts_the_version_up(db: Database) -> None:
    await create(db, restore())
    stored = await commit(db, changed(restore(), phase=Phase.TYPING))
    assert (stored.version, stored.phase) == (1, Phase.TYPING)
    assert await db.store.load("R1") == Record(stored, {})


async def test_a_commit_from_an_older_version_is_stale_and_writes_nothing(db: Database) -> None:
    await create(db, restore())
    stored = await commit(db, restore())
    late = changed(restore(), phase=Phase.CANCELLED)
    assert await db.store.commit(late, due=db.now, audit=[said("late")]) == Stale()
    assert await db.store.load("R1") == Record(stored, {})
    assert await entries(db) == []


async def test_two_commits_from_one_version_have_one_winner(db: Database) -> None:
    await create(db, restore())
    first = await db.store.commit(restore(), due=db.now, audit=[])
    second = await db.store.commit(restore(), due=db.now, audit=[])
    assert isinstance(first, Committed)
    assert second == Stale()


async def test_a_commit_to_what_was_never_stored_is_stale(db: Database) -> None:
    assert await db.store.commit(restore(), due=db.now, audit=[]) == Stale()
    assert await db.store.load("R1") is None


async def test_an_unreadable_document_is_a_lasting_failure_without_the_words_of_people(
    db: Database,
) -> None:
    await create(db, restore())
    await db.client.hset(db.keys.restore("R1"), "doc", '{"owner": {"typed": "hunter2"}}')
    with pytest.raises(Permanent) as failure:
        await db.store.load("R1")
    assert failure.value.reason == "unreadable_document"
    assert "hunter2" not in str(failure.value)


# Claims


async def test_a_vm_has_one_live_restore(db: Database) -> None:
    holder = await create(db, restore("R1"))
    second = await db.store.create(restore("R2"), due=db.now, audit=[said("asked")])
    assert second == ClaimConflict(holder)
    assert await db.store.load("R2") is None
    assert await db.store.live() == (holder,)
    assert await entries(db) == []


async def test_the_holder_is_shown_as_it_is_now(db: Database) -> None:
    holder = await commit(db, await create(db, restore("R1")))
    assert await db.store.create(restore("R2"), due=db.now, audit=[]) == ClaimConflict(holder)


@pytest.mark.parametrize(
    "asked",
    [
        RestoreRequest(cluster="west", namespace="production", vm="db-01"),
        RestoreRequest(cluster="east", namespace="staging", vm="db-01"),
        RestoreRequest(cluster="east", namespace="production", vm="db-02"),
    ],
    ids=["in another cluster", "in another namespace", "of another name"],
)
async def test_another_vm_is_free(db: Database, asked: RestoreRequest) -> None:
    await create(db, restore("R1"))
    await create(db, restore("R2", request=asked))


async def test_a_restore_that_is_still_asking_holds_nothing(db: Database) -> None:
    await create(db, restore("R1", phase=Phase.GATHERING))
    await create(db, restore("R2"))


async def test_a_claim_is_taken_when_the_vm_becomes_known(db: Database) -> None:
    asking = await create(db, restore("R1", phase=Phase.GATHERING))
    holder = await commit(db, changed(asking, phase=Phase.CHECKING))
    assert await db.store.create(restore("R2"), due=db.now, audit=[]) == ClaimConflict(holder)


async def test_a_commit_that_wants_a_held_vm_writes_nothing(db: Database) -> None:
    holder = await create(db, restore("R1"))
    asking = await create(db, restore("R2", phase=Phase.GATHERING))
    wanting = changed(asking, phase=Phase.CHECKING)
    held = await db.store.commit(wanting, due=db.now, audit=[said("x")])
    assert held == ClaimConflict(holder)
    assert await db.store.load("R2") == Record(asking, {})
    assert await entries(db) == []


async def test_a_commit_that_changes_the_vm_moves_the_claim(db: Database) -> None:
    first = await create(db, restore("R1"))
    other = first.request.model_copy(update={"vm": "db-02"})
    await commit(db, changed(first, request=other))
    await create(db, restore("R2", vm="db-01"))
    assert isinstance(
        await db.store.create(restore("R3", vm="db-02"), due=db.now, audit=[]), ClaimConflict
    )


@pytest.mark.parametrize("end", [phase for phase in Phase if phase.ended])
async def test_every_end_frees_the_vm(db: Database, end: Phase) -> None:
    await commit(db, changed(await create(db, restore("R1")), phase=end))
    assert not await db.client.hexists(db.keys.restore("R1"), "claim")
    await create(db, restore("R2"))


async def test_a_commit_after_the_end_leaves_the_next_holder_alone(db: Database) -> None:
    """The first restore's last buttons work while a second one holds the VM."""
    first = await commit(db, ended(await create(db, restore("R1"))))
    second = await create(db, restore("R2"))
    await commit(db, changed(first, closed=True))
    assert await db.store.create(restore("R3"), due=db.now, audit=[]) == ClaimConflict(second)


async def test_a_claim_whose_holder_is_gone_is_free(db: Database) -> None:
    """A document removed by hand must not lock its VM for ever."""
    await create(db, restore("R1"))
    await db.client.delete(db.keys.restore("R1"))
    await db.client.zrem(db.keys.live, "R1")
    await create(db, restore("R2"))


# Lists


async def test_a_thread_knows_its_restores_oldest_first(db: Database) -> None:
    later = db.now + timedelta(minutes=5)
    newer = await create(db, restore("A", vm="vm-a", opened_at=later))
    older = await create(db, restore("B", vm="vm-b"))
    over = await commit(db, ended(older))
    elsewhere = ThreadRef(team="T1", channel="C2", thread=older.thread_ref.thread)
    await create(db, restore("C", vm="vm-c", thread_ref=elsewhere))
    here = await db.store.in_thread("C1", "1771432200.000100")
    assert here == (Record(over, {}), Record(newer, {}))
    assert await db.store.in_thread("C1", "1771432200.999999") == ()


async def test_a_thread_becomes_known_with_a_commit(db: Database) -> None:
    thread_ref = ThreadRef(team="T1", channel="C1", own_thread=True)
    made = await create(db, restore(thread_ref=thread_ref))
    answered = thread_ref.model_copy(update={"thread": "5.5"})
    stored = await commit(db, changed(made, thread_ref=answered))
    assert await db.store.in_thread("C1", "5.5") == (Record(stored, {}),)


async def test_the_living_are_listed_oldest_first_until_they_end(db: Database) -> None:
    later = db.now + timedelta(minutes=5)
    newer = await create(db, restore("A", vm="vm-a", opened_at=later))
    older = await create(db, restore("B", vm="vm-b"))
    assert await db.store.live() == (older, newer)
    await commit(db, ended(older))
    assert await db.store.live() == (newer,)


async def test_more_living_than_a_page_are_all_listed(db: Database) -> None:
    names = [f"R{number:03}" for number in range(PAGE + 1)]
    for name in names:
        await create(db, restore(name, vm=name))
    assert [each.id for each in await db.store.live()] == names


async def test_an_unreadable_restore_does_not_hide_the_others(db: Database) -> None:
    await create(db, restore("R1", vm="vm-1"))
    second = await create(db, restore("R2", vm="vm-2"))
    await db.client.hset(db.keys.restore("R1"), "doc", "{}")
    with capture_logs() as logs:
        assert await db.store.live() == (second,)
    assert len(logs) == 1


async def test_a_vm_remembers_its_last_restores_newest_first(db: Database) -> None:
    over = [await commit(db, ended(await create(db, restore(f"R{number}")))) for number in range(3)]
    await create(db, restore("R9"))
    assert await db.store.history(DB, 2) == (over[2], over[1])
    assert await db.store.history(DB, 9) == (over[2], over[1], over[0])
    assert await db.store.history(DB, 0) == ()
    assert await db.store.history(VmRef("east", "production", "other"), 9) == ()


async def test_an_end_stands_in_the_history_once(db: Database) -> None:
    over = await commit(db, ended(await create(db, restore())))
    closed = await commit(db, changed(over, closed=True))
    assert await db.store.history(DB, 9) == (closed,)


async def test_a_history_is_cut_at_twenty(db: Database) -> None:
    for number in range(22):
        await commit(db, ended(await create(db, restore(f"R{number}"))))
    names = [each.id for each in await db.store.history(DB, 50)]
    assert names == [RestoreId(f"R{number}") for number in range(21, 1, -1)]


async def test_the_workspace_remembers_what_ended_last(db: Database) -> None:
    """Of all VMs, in the order of their ends; also what ended before its VM was known."""
    names = ("R1", "R2", "R3")
    made = [await create(db, restore(name, vm=name)) for name in names]
    nameless = await create(db, restore("R4", vm=None, phase=Phase.GATHERING))
    assert await db.store.recent(9) == ()
    over = [await commit(db, ended(each)) for each in (made[1], made[0], nameless)]
    assert await db.store.recent(9) == (over[2], over[1], over[0])
    assert await db.store.recent(1) == (over[2],)
    assert await db.store.recent(0) == ()


async def test_what_the_workspace_remembers_is_cut_at_two_hundred(db: Database) -> None:
    for number in range(202):
        await commit(db, ended(await create(db, restore(f"R{number}"))))
    found = await db.store.recent(300)
    assert (len(found), found[0].id, found[-1].id) == (200, RestoreId("R201"), RestoreId("R2"))


# Ends


async def test_an_ended_restore_and_what_leads_to_it_stay_for_a_month(db: Database) -> None:
    made = await create(db, restore())
    assert await db.client.ttl(db.keys.restore("R1")) == -1
    await commit(db, ended(made))
    for key in (
        db.keys.restore("R1"),
        db.keys.thread("C1", "1771432200.000100"),
        db.keys.history(DB.key),
        db.keys.recent,
    ):
        assert MONTH - 10 < await db.client.ttl(key) <= MONTH


async def test_a_commit_after_the_end_keeps_the_ttl(db: Database) -> None:
    over = await commit(db, ended(await create(db, restore())))
    await commit(db, changed(over, closed=True))
    assert 0 < await db.client.ttl(db.keys.restore("R1")) <= MONTH


async def test_a_restore_that_comes_back_to_life_loses_its_ttl(db: Database) -> None:
    """The workflow never does this; if it did, a live restore must not vanish after a month."""
    over = await commit(db, ended(await create(db, restore())))
    again = await commit(db, changed(over, phase=Phase.CHECKING))
    assert await db.client.ttl(db.keys.restore("R1")) == -1
    assert await db.store.live() == (again,)


async def test_a_commit_sent_again_is_one_commit(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that lost the reply must not take its own commit for somebody else's."""
    await create(db, restore())
    monkeypatch.setattr("bot.store.scripts.call_token", lambda: "one call")
    first = await db.store.commit(restore(), due=db.now, audit=[said("once")])
    assert await db.store.commit(restore(), due=db.now, audit=[said("once")]) == first
    assert await entries(db) == ["once"]


# Audit


async def test_audit_entries_come_with_the_change_in_order(db: Database) -> None:
    made = restore()
    await db.store.create(made, due=db.now, audit=[said("asked", made)])
    await db.store.commit(made, due=db.now, audit=[said("checked", made), said("warned", made)])
    await db.store.audit.append([said("refused"), said("ignored")])
    assert await entries(db) == ["asked", "checked", "warned", "refused", "ignored"]


async def test_the_audit_can_be_asked_for_one_restore_or_a_time(db: Database) -> None:
    first, second = restore("R1"), restore("R2")
    early, late = said("early", first), said("late", second)
    late = late.model_copy(update={"at": late.at + timedelta(hours=1)})
    await db.store.audit.append([early, late])
    assert [entry async for entry in db.store.audit.read(restore="R1")] == [early]
    assert [entry async for entry in db.store.audit.read(since=db.now)] == [early, late]
    since = db.now + timedelta(minutes=1)
    assert [entry async for entry in db.store.audit.read(since=since)] == [late]
    assert [entry async for entry in db.store.audit.read(since=since, restore="R1")] == []


async def test_a_long_audit_is_read_to_its_end(db: Database) -> None:
    kinds = [f"entry-{number}" for number in range(2 * PAGE)]
    await db.store.audit.append([said(kind) for kind in kinds])
    assert await entries(db) == kinds


async def test_nothing_to_append_is_nothing_sent(db: Database) -> None:
    await db.store.audit.append([])
    assert not await db.client.exists(db.keys.audit)


# Workspaces


async def test_two_workspaces_do_not_see_each_other(db: Database, team: str) -> None:
    other = Store(db.client, f"{team}-2", db.clock)
    await create(db, restore())
    assert await other.live() == ()
    assert isinstance(await other.create(restore(), due=db.now, audit=[]), Created)


async def test_two_installations_do_not_see_each_other(db: Database, team: str) -> None:
    other = Store(db.client, team, db.clock, installation="west")
    await create(db, restore())
    assert await other.live() == ()
    assert isinstance(await other.create(restore(), due=db.now, audit=[]), Created)


@pytest.mark.parametrize("name", ["", "a}", "{a", "a b", "A", "a:b", "-a", "a" * 64])
def test_a_name_that_would_break_the_hash_tag_or_a_label_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a name of an installation"):
        Keys("T1", name)


async def test_a_name_stands_for_the_cluster_that_was_met_first(db: Database) -> None:
    """By each kind of object for itself; forgotten, for the one that is met next."""
    clusters = db.store.clusters
    assert await clusters.recognise("east", "KubeVirt", "k1") is None
    assert await clusters.recognise("east", "kube-system", "n1") is None
    assert await clusters.recognise("east", "kube-system", "n1") is None
    assert await clusters.recognise("east", "kube-system", "n2") == "n1"
    assert await clusters.recognise("west", "kube-system", "n2") is None
    assert await clusters.names() == ["east", "west"]
    await clusters.forget("east")
    assert await clusters.names() == ["west"]
    assert await clusters.recognise("east", "KubeVirt", "k2") is None


@pytest.mark.parametrize("team", ["", "T1}", "T{1", "T 1"])
def test_a_workspace_id_that_would_break_the_hash_tag_is_refused(team: str) -> None:
    with pytest.raises(ValueError, match="not a workspace id"):
        Keys(team)


# How many may be open


def limited_to(db: Database, team: str, **limits: int) -> Store:
    """A store of the same restores, with limits."""
    keeping = Keeping(limits=OpenLimits(**limits))
    return Store(db.client, team, db.clock, keeping=keeping)


async def open_another(db: Database, store: Store, number: int, **changes: Any) -> object:
    """Somebody asks for one more restore."""
    one = restore(f"R{number}", vm=f"db-{number}", **changes)
    return await store.create(one, due=db.now, audit=[said("asked", one)], limited=True)


async def test_so_many_restores_of_a_person_are_open_however_many_replicas_ask(
    db: Database, team: str
) -> None:
    """What asks for its VM counts, what has ended does not, and what is told anew is known."""
    stores = [limited_to(db, team, of_person=3) for _ in range(6)]
    tried = [open_another(db, each, number) for number, each in enumerate(stores)]
    found = await asyncio.gather(*tried)
    made = [each.restore for each in found if isinstance(each, Created)]
    full = [each for each in found if isinstance(each, LimitReached)]
    assert (len(made), len(full)) == (3, 3)
    assert {each.id for each in full[0].open} == {each.id for each in made}
    assert (full[0].limit, full[0].of_person) == (3, True)
    assert await entries(db) == ["asked"] * 3
    again = int(made[0].id[1:])
    assert isinstance(await open_another(db, stores[0], again), AlreadyExists)
    assert isinstance(await open_another(db, stores[0], 7, owner=UserId("U0BOB")), Created)
    starting = Start(by=OWNER, at=db.now)
    await commit(db, changed(ended(made[0]), start=starting))
    assert isinstance(await open_another(db, stores[0], 8, phase=Phase.GATHERING), Created)
    assert isinstance(await open_another(db, stores[0], 9), LimitReached)
    one_more = restore("R9", vm="db-9")
    assert await db.store.create(one_more, due=db.now, audit=[]) == Created(one_more), "an Undo"


async def test_so_many_restores_are_open_in_a_namespace(db: Database, team: str) -> None:
    """Counted where a VM is held, also if that becomes known later; VMs of an end are not."""
    store = limited_to(db, team, in_namespace=2)
    first = restore("R1", vm="db-1")
    asking = restore("R2", vm="db-2", phase=Phase.GATHERING)
    for each in (first, asking):
        await create(db, each)
    assert isinstance(await open_another(db, store, 3), Created)
    known = changed(asking, phase=Phase.CHECKING)
    full = await store.commit(known, due=db.now, audit=[said("x")])
    assert isinstance(full, LimitReached)
    assert (full.limit, full.of_person, {each.id for each in full.open}) == (2, False, {"R1", "R3"})
    assert await entries(db) == ["asked"]
    assert isinstance(await open_another(db, store, 4), LimitReached)
    elsewhere = first.request.model_copy(update={"namespace": "staging", "vm": "db-1"})
    assert isinstance(await open_another(db, store, 5, request=elsewhere), Created)
    over = changed(ended(restore("R3", vm="db-3")), start=Start(by=OWNER, at=db.now))
    await commit(db, over)
    assert isinstance(await open_another(db, store, 6), Created)
    # What holds its VM goes on, and so does what puts right what another restore has left behind.
    assert isinstance(await store.commit(first, due=db.now, audit=[]), Committed)
    stopped = changed(known, stop=Stop(strategy="Always"))
    assert isinstance(await store.commit(stopped, due=db.now, audit=[]), Committed)
