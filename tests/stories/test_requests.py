"""What the bot sends to a cluster: byte by byte where it matters most, and nothing unheard of."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.cluster.replay import Exchange, recordings
from tests.shapes import template
from tests.stories import acts
from tests.stories.conftest import SetStage

# Who is asked, who asks and how long the body is. All else is what the request means.
_OF_THE_CONNECTION = {"host", "authorization", "user-agent", "accept-encoding", "content-length"}


@dataclass(slots=True)
class Tap:
    """A wire between the bot and the cluster that keeps every byte the bot sends."""

    url: str = ""
    sent: list[bytearray] = field(default_factory=list)
    """What was sent, a connection each."""


@asynccontextmanager
async def tapped(url: str) -> AsyncIterator[Tap]:
    """Listen, and pass all on to the address behind."""
    tap, behind = Tap(), urlsplit(url)
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            tasks.add(task)
        kept = bytearray()
        tap.sent.append(kept)
        far_reader, far_writer = await asyncio.open_connection(behind.hostname, behind.port)
        try:
            await asyncio.gather(
                _copy(reader, far_writer, kept), _copy(far_reader, writer, bytearray())
            )
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            far_writer.close()
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    tap.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield tap
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray
) -> None:
    while chunk := await reader.read(65536):
        kept += chunk
        writer.write(chunk)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


@dataclass(frozen=True, slots=True)
class OnTheWire:
    """One request as its bytes say it."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def requests_in(sent: bytes) -> list[OnTheWire]:
    """The requests of one connection, one after the other."""
    found = []
    while sent:
        head, _, rest = sent.partition(b"\r\n\r\n")
        line, *lines = head.decode("ascii").split("\r\n")
        headers = [
            (name.lower(), value.strip())
            for name, _, value in (one.partition(":") for one in lines)
        ]
        length = int(dict(headers).get("content-length", "0"))
        method, path, _ = line.split(" ")
        # The kubeconfig of the simulated cluster carries the token in front of the path.
        own = path[path.index("/api") :]
        meant = tuple(sorted(pair for pair in headers if pair[0] not in _OF_THE_CONNECTION))
        found.append(OnTheWire(method, template(own), meant, rest[:length]))
        sent = rest[length:]
    return found


def as_recorded(exchange: Exchange) -> OnTheWire:
    """A recorded request in the same form."""
    request = exchange.request
    headers = tuple(sorted((name.lower(), value) for name, value in request["headers"].items()))
    body = b"" if request["body"] is None else json.dumps(request["body"]).encode()
    return OnTheWire(request["method"], template(request["path"]), headers, body)


async def test_stop_and_start_are_the_bytes_that_the_recordings_took(stage_for: SetStage) -> None:
    taken = {
        as_recorded(one)
        for one in recordings()
        if one.response["status"] == 202 and one.request["body"] == {}
    }
    assert len(taken) == 2, "a stop and a start"
    stage = await stage_for(running=True, start=False)
    kube = stage.world.kube
    async with tapped(kube.url) as tap:
        kube.url = tap.url
        await stage.world.start_bot()
        await acts.ask_and_stop(stage)
        await acts.confirm(stage)
        await stage.press(acts.RESTORED, "Start VM")
        await stage.world.until(
            lambda: any(one.subresource == "start" for one in kube.log), "the start arrives"
        )
        await stage.world.quiet()
        await stage.world.stop_bot()
    sent = [one for kept in tap.sent for one in requests_in(bytes(kept)) if one.method == "PUT"]
    assert len(sent) == 2
    assert set(sent) == taken
