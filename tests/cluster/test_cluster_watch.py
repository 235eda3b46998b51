"""The reflector: no wake is ever lost, and no fault makes it go round in circles."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from bot.cluster import client
from bot.cluster.cluster import Cluster
from bot.errors import StoreUnavailable
from bot.playground.clock import HandClock
from bot.restore.effects import RESTORE_ID
from tests.cluster.conftest import Connect, WaitUntil
from tests.cluster.wire import (
    CRD_PATH,
    SNAPSHOT_API,
    Answer,
    Json,
    Seen,
    Wire,
    breaks,
    listing,
    plain,
    refuses,
    streams,
)

PATH = f"{SNAPSHOT_API}/virtualmachinerestores"
Start = Callable[[Cluster], Awaitable[list[str]]]


def restore(name: str, revision: str = "101") -> Json:
    metadata = {"uid": f"uid-{name}", "labels": {RESTORE_ID: name}, "resourceVersion": revision}
    return {"kind": "VirtualMachineRestore", "metadata": metadata}


def event(kind: str, found: Json) -> Json:
    return {"type": kind, "object": found}


def bookmark(revision: str) -> Json:
    return event("BOOKMARK", {"metadata": {"resourceVersion": revision}})


def error(code: int) -> Json:
    return event("ERROR", {"kind": "Status", "code": code, "message": "too old resource version"})


class Script:
    """Lists and streams in turn, on the one path that both use."""

    def __init__(self, wire: Wire, path: str = PATH) -> None:
        self.lists: list[Answer] = []
        self.streams: list[Answer] = []
        self._wire, self._path = wire, path
        wire.on("GET", path, self._answer)

    async def _answer(self, request: Any) -> Any:
        script = self.streams if "watch" in request.query else self.lists
        return await (script.pop(0) if len(script) > 1 else script[0])(request)

    @property
    def listed(self) -> list[Seen]:
        """The lists that were asked for."""
        return [one for one in self._wire.requests("GET", self._path) if "watch" not in one.query]

    @property
    def watched(self) -> list[Seen]:
        """The watches that were opened."""
        return [one for one in self._wire.requests("GET", self._path) if "watch" in one.query]


@pytest.fixture
def script(wire: Wire) -> Script:
    return Script(wire)


@pytest.fixture
async def forever() -> AsyncIterator[asyncio.Event]:
    """A stream that stays open until the test is over."""
    over = asyncio.Event()
    yield over
    over.set()


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start watching; the ids that were woken are gathered."""
    tasks: list[asyncio.Task[None]] = []

    async def started(cluster: Cluster) -> list[str]:
        woken: list[str] = []

        async def wake(name: str) -> None:
            await asyncio.sleep(0)
            woken.append(name)

        tasks.append(asyncio.create_task(cluster.watch(wake)))
        return woken

    yield started
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_everything_listed_and_every_change_is_woken(
    script: Script,
    cluster: Cluster,
    start: Start,
    forever: asyncio.Event,
    wait_until: WaitUntil,
) -> None:
    script.lists = [listing(restore("a"), restore("b"), revision="100")]
    script.streams = [
        streams(
            event("ADDED", restore("c")),
            event("MODIFIED", restore("a")),
            event("DELETED", restore("b")),
            until=forever,
        )
    ]
    woken = await start(cluster)
    await wait_until(lambda: woken == ["a", "b", "c", "a", "b"], "five wakes")
    assert script.watched[0].query == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "240",
        "resourceVersion": "100",
        "labelSelector": RESTORE_ID,
    }
    assert script.listed[0].query == {"labelSelector": RESTORE_ID, "limit": "500"}


async def test_a_list_of_many_pages_is_read_to_its_end(
    script: Script,
    cluster: Cluster,
    start: Start,
    forever: asyncio.Event,
    wait_until: WaitUntil,
) -> None:
    script.lists = [listing(restore("a"), more="next"), listing(restore("b"), revision="7")]
    script.streams = [streams(until=forever)]
    woken = await start(cluster)
    await wait_until(lambda: bool(script.watched), "a watch")
    assert woken == ["a", "b"]
    assert script.listed[1].query["continue"] == "next"
    assert script.watched[0].query["resourceVersion"] == "7"


async def test_a_stream_that_ends_is_taken_up_where_it_stopped(
    script: Script,
    cluster: Cluster,
    start: Start,
    forever: asyncio.Event,
    wait_until: WaitUntil,
) -> None:
    script.lists = [listing(revision="100")]
    script.streams = [
        streams(event("ADDED", restore("a", "105"))),
        streams(event("ADDED", restore("b", "120")), bookmark("130")),
        streams(event("ADDED", restore("c", "140")), until=forever),
    ]
    woken = await start(cluster)
    await wait_until(lambda: woken == ["a", "b", "c"], "wakes of all streams")
    assert [one.query["resourceVersion"] for one in script.watched] == ["100", "105", "130"]
    assert len(script.listed) == 1
    assert cluster.watching


@pytest.mark.parametrize(
    "expired",
    [
        pytest.param(refuses(410, "too old resource version", "Expired"), id="as a status"),
        pytest.param(streams(error(410)), id="as an event"),
    ],
)
async def test_a_revision_that_is_too_old_means_a_new_list_that_also_wakes_the_vanished(
    *,
    expired: Answer,
    script: Script,
    cluster: Cluster,
    start: Start,
    forever: asyncio.Event,
    wait_until: WaitUntil,
) -> None:
    script.lists = [
        listing(restore("a"), restore("deleted-in-the-gap"), revision="100"),
        listing(restore("a"), restore("made-in-the-gap"), revision="900"),
    ]
    script.streams = [expired, streams(until=forever)]
    woken = await start(cluster)
    await wait_until(lambda: len(script.watched) == 2, "the second watch")
    assert woken[2:] == ["a", "made-in-the-gap", "deleted-in-the-gap"]
    assert script.watched[1].query["resourceVersion"] == "900"


async def test_an_id_that_could_not_be_woken_is_woken_again(
    script: Script,
    cluster: Cluster,
    clock: HandClock,
    forever: asyncio.Event,
    wait_until: WaitUntil,
) -> None:
    """The store is away while a list and then an event arrive: neither is counted as dealt with."""
    script.lists = [listing(restore("a"), revision="100")]
    again = streams(event("ADDED", restore("b", "105")), until=forever)
    script.streams = [streams(event("ADDED", restore("b", "105"))), again]
    woken: list[str] = []
    fails = {"a", "b"}

    async def wake(name: str) -> None:
        await asyncio.sleep(0)
        if name in fails:
            fails.discard(name)
            raise StoreUnavailable("redis is away")
        woken.append(name)

    task = asyncio.create_task(cluster.watch(wake))
    await settle(clock, wait_until)
    clock.advance(1)
    await wait_until(lambda: woken == ["a", "b"], "both in the end")
    assert [one.query["resourceVersion"] for one in script.watched] == ["100", "100"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(refuses(500, "etcd is away"), id="500"),
        pytest.param(plain(503), id="an empty 503"),
        pytest.param(refuses(429, "too many"), id="429"),
        pytest.param(breaks(), id="broken connections"),
        pytest.param(streams(error(410)), id="always too old"),
        pytest.param(streams(error(500)), id="errors in the stream"),
        pytest.param(streams(), id="streams that end at once"),
        pytest.param(streams("not json"), id="nonsense"),
        pytest.param(streams(bookmark("5")), id="bookmarks and nothing else"),
        pytest.param(refuses(403, "cannot watch", "Forbidden"), id="forbidden"),
        pytest.param(refuses(401, "who?", "Unauthorized"), id="unauthorized"),
        pytest.param(plain(404, "404 page not found"), id="not served"),
    ],
)
async def test_a_storm_of_faults_costs_few_requests_and_ends_with_a_watch(
    *,
    fault: Answer,
    script: Script,
    cluster: Cluster,
    start: Start,
    clock: HandClock,
    forever: asyncio.Event,
    wait_until: WaitUntil,
) -> None:
    """A minute of faults: the pauses double up to ten seconds, so about a dozen attempts are made."""
    script.lists = [listing(restore("a"))]
    script.streams = [fault]
    woken = await start(cluster)
    for _ in range(60):
        await settle(clock, wait_until)
        clock.advance(1)
    await settle(clock, wait_until)
    assert 2 <= len(script.watched) <= 16
    script.streams = [streams(event("ADDED", restore("z", "999")), until=forever)]
    clock.advance(60)
    await wait_until(lambda: "z" in woken, "a wake after the storm")
    assert cluster.watching


async def settle(clock: HandClock, wait_until: WaitUntil) -> None:
    """Wait until the reflector has nothing to do but to wait for the clock."""
    await wait_until(lambda: clock.next_due() is not None, "the reflector pauses")


async def test_a_storm_at_the_list_is_reported_and_survived(
    *,
    script: Script,
    cluster: Cluster,
    start: Start,
    clock: HandClock,
    forever: asyncio.Event,
    wait_until: WaitUntil,
) -> None:
    script.lists = [refuses(503, "away")]
    script.streams = [streams(until=forever)]
    woken = await start(cluster)
    for _ in range(60):
        await settle(clock, wait_until)
        clock.advance(1)
    await settle(clock, wait_until)
    assert not cluster.watching
    assert len(script.listed) <= 16
    assert woken == []
    script.lists = [listing(restore("a"))]
    clock.advance(60)
    await wait_until(lambda: cluster.watching, "a watch after the storm")
    assert woken == ["a"]


async def test_a_revision_that_never_works_is_given_up(
    *,
    script: Script,
    cluster: Cluster,
    start: Start,
    clock: HandClock,
    forever: asyncio.Event,
    wait_until: WaitUntil,
) -> None:
    """After a restore from a backup the API server answers "Too large resource version" for ever."""
    too_large = refuses(504, "Too large resource version: 900, current: 7", "Timeout")

    async def answer(request: Any) -> Any:
        known = request.query["resourceVersion"] == "7"
        return await (streams(until=forever) if known else too_large)(request)

    script.lists = [listing(restore("a"), revision="900"), listing(restore("a"), revision="7")]
    script.streams = [answer]
    await start(cluster)

    def watching_in_time() -> bool:
        clock.advance(1)
        return cluster.watching

    await wait_until(watching_in_time, "a watch from the new revision")
    assert len(script.listed) == 2


async def test_a_stream_that_falls_silent_is_opened_again(
    *,
    script: Script,
    cluster: Cluster,
    start: Start,
    forever: asyncio.Event,
    wait_until: WaitUntil,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "WATCH_IDLE_SECONDS", 0.05)
    script.lists = [listing(revision="100")]
    silent = streams(event("ADDED", restore("a", "105")), until=forever)
    script.streams = [silent, streams(event("ADDED", restore("b", "106")), until=forever)]
    woken = await start(cluster)
    await wait_until(lambda: woken[:2] == ["a", "b"], "the second stream")
    assert [one.query["resourceVersion"] for one in script.watched][:2] == ["100", "105"]
    assert len(script.listed) == 1


async def test_the_server_says_when_to_come_back(
    script: Script, cluster: Cluster, start: Start, clock: HandClock, wait_until: WaitUntil
) -> None:
    script.lists = [refuses(429, "too many", headers={"Retry-After": "20"})]
    await start(cluster)
    await settle(clock, wait_until)
    due = clock.next_due()
    assert due is not None
    assert 20 <= (due - clock.now()).total_seconds() <= 25


async def test_one_watch_for_the_whole_cluster(
    script: Script, connect: Connect, start: Start, forever: asyncio.Event, wait_until: WaitUntil
) -> None:
    script.lists, script.streams = [listing()], [streams(until=forever)]
    cluster = await connect("*")
    assert not cluster.watching
    await start(cluster)
    await wait_until(lambda: cluster.watching, "a watch")
    assert len(script.watched) == 1


async def test_one_watch_for_each_namespace_and_all_must_stand(
    wire: Wire,
    connect: Connect,
    start: Start,
    clock: HandClock,
    wait_until: WaitUntil,
) -> None:
    over = asyncio.Event()
    scripts = [
        Script(wire, f"{SNAPSHOT_API}/namespaces/{name}/virtualmachinerestores")
        for name in ("one", "two")
    ]
    for script, answer in zip(scripts, [listing(restore("a")), refuses(503)], strict=True):
        script.lists, script.streams = [answer], [streams(until=over)]
    cluster = await connect("one", "two")
    woken = await start(cluster)
    await wait_until(lambda: woken == ["a"] and bool(scripts[0].watched), "the first watch")
    assert not cluster.watching
    await settle(clock, wait_until)
    scripts[1].lists = [listing(restore("b"))]
    clock.advance(1)
    await wait_until(lambda: cluster.watching, "the second watch")
    over.set()
    assert woken == ["a", "b"]
    assert len(wire.requests("GET", CRD_PATH)) == 1


async def test_a_line_longer_than_any_buffer_is_read(
    script: Script,
    cluster: Cluster,
    start: Start,
    forever: asyncio.Event,
    wait_until: WaitUntil,
) -> None:
    long = restore("long")
    long["spec"] = {"text": "x" * 3_000_000}
    script.lists = [listing()]
    script.streams = [streams(event("ADDED", long), event("ADDED", restore("b")), until=forever)]
    woken = await start(cluster)
    await wait_until(lambda: woken == ["long", "b"], "both events")


async def test_an_object_with_an_empty_label_wakes_nobody(
    script: Script,
    cluster: Cluster,
    start: Start,
    forever: asyncio.Event,
    wait_until: WaitUntil,
) -> None:
    script.lists = [listing(restore(""), restore("a"))]
    script.streams = [streams(until=forever)]
    woken = await start(cluster)
    await wait_until(lambda: cluster.watching, "a watch")
    assert woken == ["a"]


async def test_cancelling_ends_the_watch_and_says_so(
    script: Script, cluster: Cluster, forever: asyncio.Event, wait_until: WaitUntil
) -> None:
    script.lists, script.streams = [listing()], [streams(until=forever)]

    async def wake(_: str) -> None: ...

    task = asyncio.create_task(cluster.watch(wake))
    await wait_until(lambda: cluster.watching, "a watch")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not cluster.watching
