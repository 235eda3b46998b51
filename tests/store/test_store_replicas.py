"""What is acted on is with a replica before: WAIT, on a Redis that really has one."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.playground.clock import HandClock
from bot.store import Keeping, Store, connect
from bot.store.connection import Client
from bot.store.records import Lease
from tests.store import servers
from tests.store.replicas import Pair, pair
from tests.store.samples import restore

SENT = ("eval", "evalsha", "wait", "set", "get")
LONG = 100_000
"""Milliseconds that no replica takes."""
SHORT = 50
"""Milliseconds: a replica that stands still need not be waited for any longer."""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Pair]:
    """A Redis with a replica."""
    with pair(tmp_path) as servers:
        yield servers


@pytest.fixture
async def client(two: Pair) -> AsyncIterator[Client]:
    """A client of the one that takes writes."""
    await two.linked()
    async with connect(two.primary) as client:
        yield client


def store_on(client: Client, replicas: int) -> Store:
    """A store that wants so many replicas to have what it acts on."""
    return Store(client, "T1", HandClock(), keeping=Keeping(replicas=replicas))


async def leased(store: Store) -> Lease:
    """A restore in the hands of a worker."""
    await store.create(restore(), due=HandClock().now(), audit=[])
    [one], _ = await store.queue.lease(1)
    return one.lease


async def kept(store: Store, lease: Lease) -> bool:
    """Would a fail-over keep it?"""
    longer, found = await store.queue.renew_on_replicas(lease)
    assert longer is not None
    return found


async def test_a_replica_has_it_or_has_not(
    two: Pair, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica that is connected and takes in nothing does not count."""
    store = store_on(client, replicas=1)
    lease = await leased(store)

    async def again() -> bool:
        return await kept(store, lease)

    await servers.wait_until("the replica has it", again)
    async with two.paused():
        monkeypatch.setattr("bot.store.scripts.WAIT_MS", SHORT)
        assert not await kept(store, lease)
    await servers.wait_until("the replica has it", again)
    assert not await kept(store_on(client, replicas=2), lease)


async def test_a_lease_that_passed_on_is_none(client: Client) -> None:
    store = store_on(client, replicas=1)
    lease = await leased(store)
    longer, _ = await store.queue.renew_on_replicas(Lease(lease.id, 7, lease.until))
    assert longer is None


async def test_a_server_that_has_forgotten_its_scripts(client: Client) -> None:
    store = store_on(client, replicas=1)
    lease = await leased(store)
    await client.script_flush()
    longer, _ = await store.queue.renew_on_replicas(lease)
    assert longer is not None


@pytest.mark.parametrize("replicas", [0, 1])
async def test_what_it_costs(
    client: Client, replicas: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commands at each act, in one go; nothing where no replica is waited for."""
    monkeypatch.setattr("bot.store.scripts.WAIT_MS", LONG)
    store = store_on(client, replicas)
    lease = await leased(store)
    assert await kept(store, lease)
    before = await calls(client)
    assert await kept(store, lease)
    spent = {name: count - before.get(name, 0) for name, count in (await calls(client)).items()}
    assert {name for name, count in spent.items() if count} == (
        {"evalsha", "wait"} if replicas else set()
    )
    assert spent.get("evalsha", 0) == spent.get("wait", 0) == replicas


async def calls(client: Client) -> dict[str, int]:
    """How often clients called each command so far, the looking aside."""
    told = await client.info("commandstats")
    return {name: told.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in SENT}


async def test_it_is_asked_of_the_server_that_holds_the_restore(cluster_url: str) -> None:
    """In a Redis Cluster, too; this one has no replica."""
    async with connect(cluster_url) as client:
        store = store_on(client, replicas=1)
        lease = await leased(store)
        assert not await kept(store, lease)


async def test_a_redis_whose_writes_no_replica_needs_to_have_is_warned_of(client: Client) -> None:
    """And one with fewer replicas than the settings ask for."""
    found = await store_on(client, replicas=0).durability()
    assert (found.replicas, found.alone) == (1, True)
    [risk] = found.risks
    assert "a fail-over forgets" in risk.what
    assert "min-replicas-to-write 1" in risk.fix
    assert "store.replicas_to_wait_for: 1" in risk.fix
    await client.config_set("min-replicas-to-write", 1)
    assert (await store_on(client, replicas=1).durability()).risks == ()
    [risk] = (await store_on(client, replicas=2).durability()).risks
    assert "fewer replicas than `store.replicas_to_wait_for`" in risk.what
