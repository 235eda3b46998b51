"""From a URL to a client, on every kind of Redis, near and broken."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest

from bot.errors import Misconfigured, StoreUnavailable
from bot.playground.clock import HandClock
from bot.store import Store, connect
from bot.store.connection import RedisTarget, read_url
from bot.store.records import Created
from tests.store import servers
from tests.store.samples import restore, said

READ = {
    "redis://localhost": RedisTarget("redis", hosts=(("localhost", 6379),)),
    "redis://10.0.0.1:7000/3": RedisTarget("redis", hosts=(("10.0.0.1", 7000),), db=3),
    "redis://[fd00::1]:7000": RedisTarget("redis", hosts=(("fd00::1", 7000),)),
    "redis://:s%40cret@db": RedisTarget(
        "redis", hosts=(("db", 6379),), login={"password": "s@cret"}
    ),
    "redis://bot:pw@db": RedisTarget(
        "redis", hosts=(("db", 6379),), login={"username": "bot", "password": "pw"}
    ),
    "rediss://db?ssl_ca_certs=/ca.pem": RedisTarget(
        "redis", tls=True, hosts=(("db", 6379),), options={"ssl_ca_certs": "/ca.pem"}
    ),
    "unix:///run/vm%20bot/store.sock?db=2": RedisTarget(
        "unix", socket="/run/vm bot/store.sock", db=2
    ),
    "unix://bot:pw@/run/store.sock": RedisTarget(
        "unix", socket="/run/store.sock", login={"username": "bot", "password": "pw"}
    ),
    "redis+sentinel://u:p@a:1,b/vms/4": RedisTarget(
        "redis+sentinel",
        hosts=(("a", 1), ("b", 26379)),
        master="vms",
        db=4,
        login={"username": "u", "password": "p"},
    ),
    "rediss+sentinel://a,[fd00::1]:2/vms?sentinel_password=x": RedisTarget(
        "redis+sentinel",
        tls=True,
        hosts=(("a", 26379), ("fd00::1", 2)),
        master="vms",
        options={"sentinel_password": "x"},
    ),
    "redis+cluster://a:1,b:2": RedisTarget("redis+cluster", hosts=(("a", 1), ("b", 2))),
    "rediss+cluster://a": RedisTarget("redis+cluster", tls=True, hosts=(("a", 6379),)),
}

REFUSED = {
    "localhost:6379": "write redis://",
    "http://localhost": "write redis://",
    "": "write redis://",
    "redis://": "a host is missing",
    "redis://a:port": "the port must be a number",
    "redis://a/first": "the database must be a number",
    "redis://a,b": r"several hosts need redis\+sentinel://",
    "redis://a?ssl_ca_certs=/ca.pem": "no option ssl_ca_certs",
    "rediss://a?ssl_verify=no": "no option ssl_verify; this kind of URL takes ssl_ca_certs",
    "unix://": "write the path of the socket",
    "unix:///s?protocol=2": "no option protocol",
    "redis+sentinel://a:1": "name the master",
    "redis+cluster://a/1": "a Redis Cluster has only database 0",
}


@pytest.mark.parametrize("url", READ)
def test_a_url_says_where_redis_is(url: str) -> None:
    assert read_url(url) == READ[url]


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_cannot_work_is_refused_with_the_fix(url: str) -> None:
    with pytest.raises(Misconfigured, match=f"^REDIS_URL: .*{REFUSED[url]}"):
        read_url(url)


@pytest.mark.parametrize("url", ["redis://bot:hunter2@a:port", "ftp://bot:hunter2@a"])
def test_no_message_holds_the_password(url: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        read_url(url)
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(read_url("redis://bot:hunter2@a"))


async def works(url: str, team: str, protocol: Literal[2, 3] = 3) -> None:
    """Fail unless a store on this URL can do its work."""
    clock = HandClock()
    async with connect(url, protocol=protocol) as client:
        store = Store(client, team, clock)
        await store.ping()
        made = restore()
        created = await store.create(made, due=clock.now(), audit=[said("asked")])
        assert created == Created(made)
        leased, _ = await store.queue.lease(5)
        assert [each.lease.id for each in leased] == ["restore:R1"]
        assert await store.live() == (made,)
        assert [entry.kind async for entry in store.audit.read()] == ["asked"]
        await client.delete(*[f"{{vmr:{team}}}:{key}" for key in ("restore:R1", "live", "due")])


@pytest.mark.parametrize("protocol", [2, 3])
async def test_both_protocols_give_the_same_answers(
    url: str, team: str, protocol: Literal[2, 3]
) -> None:
    await works(url, team, protocol)


# A port of the loopback, with a password


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server on a port that asks for a password."""
    port = servers.free_port()
    user = ("--user", "bot", "on", ">pw", "~{vmr:*", "+@all")
    with servers.process(tmp_path_factory.mktemp("plain"), port, *user):
        yield port


async def test_a_user_of_an_access_list_works(port: int, team: str) -> None:
    await works(f"redis://bot:pw@127.0.0.1:{port}/2", team)


async def test_a_wrong_password_is_said_without_repeating_it(port: int, team: str) -> None:
    async with connect(f"redis://bot:hunter2@127.0.0.1:{port}") as client:
        with pytest.raises(StoreUnavailable, match=r"refused the user name or the password$"):
            await Store(client, team, HandClock()).ping()


# Sentinel


async def test_a_master_is_found_by_its_sentinels(sentinel_port: int, team: str) -> None:
    """The first Sentinel of the list is down; the second knows the master."""
    nobody = servers.free_port()
    await works(f"redis+sentinel://bot:pw@127.0.0.1:{nobody},127.0.0.1:{sentinel_port}/vms/1", team)


async def test_a_master_that_no_sentinel_knows_is_unavailable(
    sentinel_port: int, team: str
) -> None:
    async with connect(f"redis+sentinel://127.0.0.1:{sentinel_port}/other") as client:
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await Store(client, team, HandClock()).ping()


@pytest.fixture(scope="module")
def sentinel_port(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Sentinel that watches the server on the port."""
    own = servers.free_port()
    with servers.sentinel(tmp_path_factory.mktemp("sentinel"), own, port):
        yield own


# TLS: the embedded server has none, so a relay speaks it in front of the socket


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on PATH to make a certificate")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=store", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(file), "-out", str(file.with_suffix(".crt"))]
    subprocess.run([openssl, *request.split(), *names, *files], check=True, capture_output=True)  # noqa: S603 - our own words
    with file.open("a") as both:
        both.write(file.with_suffix(".crt").read_text())
    return file


@asynccontextmanager
async def relay(url: str, certificate: Path) -> AsyncIterator[int]:
    """A TLS port in front of a socket."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_unix_connection(urlsplit(url).path)
        await asyncio.gather(pump(reader, before), pump(behind, writer), return_exceptions=True)
        await asyncio.gather(writer.wait_closed(), before.wait_closed(), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_tls_with_a_named_authority_works(
    wheel_url: str, certificate: Path, team: str
) -> None:
    async with relay(wheel_url, certificate) as port:
        await works(f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate}", team)


async def test_tls_with_an_unknown_authority_is_refused(
    wheel_url: str, certificate: Path, team: str
) -> None:
    async with (
        relay(wheel_url, certificate) as port,
        connect(f"rediss://127.0.0.1:{port}") as client,
    ):
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await Store(client, team, HandClock()).ping()


# Gone


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """A port that takes connections and never answers."""
    gone = asyncio.Event()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        gone.set()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("scheme", ["redis", "redis+cluster"])
async def test_nobody_there_is_unavailable_at_once(scheme: str, team: str) -> None:
    async with connect(f"{scheme}://127.0.0.1:{servers.free_port()}") as client:
        store = Store(client, team, HandClock())
        with pytest.raises(StoreUnavailable, match="reached"):
            await store.ping()
        with pytest.raises(StoreUnavailable, match="reached"):
            await store.queue.lease(5)


@pytest.mark.parametrize("scheme", ["redis", "redis+cluster"])
async def test_a_server_that_does_not_answer_is_unavailable_within_three_seconds(
    scheme: str, team: str, own_limits: Mapping[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = ("bot.store.connection.ANSWER_SECONDS", "bot.store.connection.CONNECT_SECONDS")
    assert sum(own_limits[limit] for limit in limits) <= 3
    for limit in limits:
        monkeypatch.setattr(limit, 0.05)
    async with silent() as port, connect(f"{scheme}://127.0.0.1:{port}") as client:
        with pytest.raises(StoreUnavailable, match=r"answer in time|reached"):
            await Store(client, team, HandClock()).live()
