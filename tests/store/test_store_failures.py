"""What means "not now", and what is a bug."""

from collections.abc import AsyncIterator, Iterator

import pytest
from redis import exceptions as failed

from bot.errors import StoreUnavailable
from bot.playground.clock import HandClock
from bot.store import Store, connect
from bot.store.connection import Client
from bot.store.failures import translated
from bot.store.records import Created
from tests.store import servers
from tests.store.samples import changed, restore

NOT_NOW = [
    failed.ConnectionError("SECRET"),
    failed.TimeoutError("SECRET"),
    failed.BusyLoadingError("SECRET"),
    failed.MaxConnectionsError("SECRET"),
    failed.AuthenticationError("SECRET"),
    failed.ReadOnlyError("SECRET"),
    failed.OutOfMemoryError("SECRET"),
    failed.ClusterDownError("SECRET"),
    failed.MasterDownError("SECRET"),
    failed.SlotNotCoveredError("SECRET"),
    failed.TryAgainError("SECRET"),
    failed.ResponseError("MISCONF SECRET"),
    failed.ResponseError("NOREPLICAS SECRET"),
    failed.ResponseError("BUSY SECRET"),
]

BUGS = [
    failed.ResponseError("WRONGTYPE Operation against a key"),
    failed.ResponseError("ERR user_script:1: attempt to index nil"),
    failed.ClusterCrossSlotError("keys"),
    failed.NoPermissionError("this user has no permissions"),
    failed.DataError("a list is no argument"),
    failed.RedisClusterException("No way to dispatch this command"),
    KeyError("doc"),
]


@pytest.mark.parametrize("error", NOT_NOW, ids=lambda error: type(error).__name__)
def test_what_may_pass_is_unavailable_with_its_cause(error: Exception) -> None:
    with pytest.raises(StoreUnavailable) as unavailable, translated():
        raise error
    assert unavailable.value.__cause__ is error
    assert "SECRET" not in unavailable.value.what


@pytest.mark.parametrize("error", BUGS, ids=str)
def test_a_bug_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as passed, translated():
        raise error
    assert passed.value is error


# A server of our own, to be made unwell


@pytest.fixture
def own_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that one test may break."""
    port = servers.free_port()
    with servers.process(tmp_path_factory.mktemp("own"), port):
        yield f"redis://127.0.0.1:{port}"


@pytest.fixture
async def client(own_url: str) -> AsyncIterator[Client]:
    """A client of it."""
    async with connect(own_url) as client:
        yield client


async def test_a_full_server_refuses_a_change_as_a_whole(client: Client) -> None:
    clock = HandClock()
    store = Store(client, "T1", clock)
    made = restore()
    assert await store.create(made, due=clock.now(), audit=[]) == Created(made)
    await client.config_set("maxmemory", "1")
    with pytest.raises(StoreUnavailable, match="no memory left"):
        await store.commit(changed(made, note="x"), due=clock.now(), audit=[])
    assert await store.live() == (made,)
    await client.config_set("maxmemory", "0")
    assert await store.live() == (made,)


async def test_a_replica_takes_no_change(client: Client) -> None:
    clock = HandClock()
    store = Store(client, "T1", clock)
    await client.execute_command("REPLICAOF", "127.0.0.1", str(servers.free_port()))
    with pytest.raises(StoreUnavailable, match="replica"):
        await store.create(restore(), due=clock.now(), audit=[])
    await client.execute_command("REPLICAOF", "NO", "ONE")
    assert await store.load("R1") is None
