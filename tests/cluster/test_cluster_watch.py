"""The reflector: no wake is ever lost, and no fault makes it go round in circles."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

import pytest

from bot.cluster import client
from bot.cluster.cluster import Cluster
from bot.errors import StoreUnavailable
from bot.playground.clock import HandClock
from bot.restore.effects import INSTALLATION, RESTORE_ID
from bot.restore.observation import RestoreObject
from tests.cluster.conftest import Connect, wait_until
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


class Watching(Script):
    """The script of the one path, and clusters that watch it."""

    def __init__(self, wire: Wire, cluster: Cluster, clock: HandClock) -> None:
        super().__init__(wire)
        self.cluster, self.clock = cluster, clock
        self.forever = asyncio.Event()
        """Streams may stay open until then: until the test is over."""
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self, cluster: Cluster | None = None, fails: Collection[str] = ()) -> list[str]:
        """Start watching; the ids that were woken are gathered. Waking one that `fails` fails once."""
        woken: list[str] = []
        failing = set(fails)

        async def wake(found: Sequence[RestoreObject]) -> None:
            await asyncio.sleep(0)
            names = [each.restore_id or "" for each in found]
            if failed := failing.intersection(names):
                failing.difference_update(failed)
                raise StoreUnavailable("redis is away")
            woken.extend(names)

        self.tasks.append(asyncio.create_task((cluster or self.cluster).watch(wake)))
        return woken

    async def stop(self) -> None:
        """Cancel all of it."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def settle(self) -> None:
        """Wait until the reflector has nothing to do but to wait for the clock."""
        await wait_until(lambda: self.clock.next_due() is not None, "the reflector pauses")

    async def storm(self) -> None:
        """Let a minute pass, second by second."""
        for _ in range(60):
            await self.settle()
            self.clock.advance(1)
        await self.settle()

    def revisions(self) -> list[str]:
        """Where each watch began."""
        return [one.query["resourceVersion"] for one in self.watched]


@pytest.fixture
async def watch(wire: Wire, cluster: Cluster, clock: HandClock) -> AsyncIterator[Watching]:
    """A cluster that is not watched yet."""
    made = Watching(wire, cluster, clock)
    yield made
    await made.stop()
    made.forever.set()


async def test_everything_listed_and_every_change_is_woken(watch: Watching) -> None:
    watch.lists = [listing(restore("a"), restore("b"), revision="100")]
    watch.streams = [
        streams(
            event("ADDED", restore("c")),
            event("MODIFIED", restore("a")),
            event("DELETED", restore("b")),
            until=watch.forever,
        )
    ]
    woken = await watch.start()
    await wait_until(lambda: woken == ["a", "b", "c", "a", "b"], "five wakes")
    own = f"{RESTORE_ID},{INSTALLATION}=default"
    assert watch.watched[0].query == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "240",
        "resourceVersion": "100",
        "labelSelector": own,
    }
    assert watch.listed[0].query == {"labelSelector": own, "limit": "500"}


async def test_a_list_of_many_pages_is_read_to_its_end(watch: Watching) -> None:
    watch.lists = [listing(restore("a"), more="next"), listing(restore("b"), revision="7")]
    watch.streams = [streams(until=watch.forever)]
    woken = await watch.start()
    await wait_until(lambda: bool(watch.watched), "a watch")
    assert woken == ["a", "b"]
    assert watch.listed[1].query["continue"] == "next"
    assert watch.watched[0].query["resourceVersion"] == "7"


async def test_a_stream_that_ends_is_taken_up_where_it_stopped(watch: Watching) -> None:
    """All that is there is woken once more: the store may have lost what changes no more."""
    watch.lists = [listing(revision="100")]
    watch.streams = [
        streams(event("ADDED", restore("a", "105"))),
        streams(event("ADDED", restore("b", "120")), bookmark("130")),
        streams(event("ADDED", restore("c", "140")), until=watch.forever),
    ]
    woken = await watch.start()
    await wait_until(lambda: woken == [*"a", *"a", *"b", *"ab", *"c"], "the wakes")
    assert watch.revisions() == ["100", "105", "130"]
    assert len(watch.listed) == 1
    assert watch.cluster.watching


@pytest.mark.parametrize(
    "expired",
    [
        pytest.param(refuses(410, "too old resource version", "Expired"), id="as a status"),
        pytest.param(streams(error(410)), id="as an event"),
    ],
)
async def test_a_revision_that_is_too_old_means_a_new_list_that_also_wakes_the_vanished(
    watch: Watching, expired: Answer
) -> None:
    watch.lists = [
        listing(restore("a"), restore("deleted-in-the-gap"), revision="100"),
        listing(restore("a"), restore("made-in-the-gap"), revision="900"),
    ]
    watch.streams = [expired, streams(until=watch.forever)]
    woken = await watch.start()
    await wait_until(lambda: len(watch.watched) == 2, "the second watch")
    assert woken[2:] == ["a", "made-in-the-gap", "deleted-in-the-gap"]
    assert watch.watched[1].query["resourceVersion"] == "900"


async def test_an_id_that_could_not_be_woken_is_woken_again(watch: Watching) -> None:
    """The store is away while a list and then an event arrive: neither is counted as dealt with."""
    watch.lists = [listing(restore("a"), revision="100")]
    again = streams(event("ADDED", restore("b", "105")), until=watch.forever)
    watch.streams = [streams(event("ADDED", restore("b", "105"))), again]
    woken = await watch.start(fails={"a", "b"})
    await watch.settle()
    watch.clock.advance(1)
    await wait_until(lambda: woken == ["a", "b"], "both in the end")
    assert watch.revisions() == ["100", "100"]


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
    watch: Watching, fault: Answer
) -> None:
    """A minute of faults: the pauses double up to ten seconds, so about a dozen attempts are made."""
    watch.lists = [listing(restore("a"))]
    watch.streams = [fault]
    woken = await watch.start()
    await watch.storm()
    assert 2 <= len(watch.watched) <= 16
    watch.streams = [streams(event("ADDED", restore("z", "999")), until=watch.forever)]
    watch.clock.advance(60)
    await wait_until(lambda: "z" in woken, "a wake after the storm")
    assert watch.cluster.watching


async def test_a_storm_at_the_list_is_reported_and_survived(watch: Watching) -> None:
    watch.lists = [refuses(503, "away")]
    watch.streams = [streams(until=watch.forever)]
    woken = await watch.start()
    await watch.storm()
    assert not watch.cluster.watching
    assert len(watch.listed) <= 16
    assert woken == []
    watch.lists = [listing(restore("a"))]
    watch.clock.advance(60)
    await wait_until(lambda: watch.cluster.watching, "a watch after the storm")
    assert woken == ["a"]


async def test_a_revision_that_never_works_is_given_up(watch: Watching) -> None:
    """After a restore from a backup the API server answers "Too large resource version" for ever."""
    too_large = refuses(504, "Too large resource version: 900, current: 7", "Timeout")

    async def answer(request: Any) -> Any:
        known = request.query["resourceVersion"] == "7"
        return await (streams(until=watch.forever) if known else too_large)(request)

    watch.lists = [
        listing(restore("a"), revision="900"),
        listing(restore("a"), revision="7"),
    ]
    watch.streams = [answer]
    await watch.start()

    def watching_in_time() -> bool:
        watch.clock.advance(1)
        return watch.cluster.watching

    await wait_until(watching_in_time, "a watch from the new revision")
    assert len(watch.listed) == 2


async def test_a_stream_that_falls_silent_is_opened_again(
    watch: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WATCH_IDLE_SECONDS", 0.05)
    watch.lists = [listing(revision="100")]
    silent = streams(event("ADDED", restore("a", "105")), until=watch.forever)
    watch.streams = [
        silent,
        streams(event("ADDED", restore("b", "106")), until=watch.forever),
    ]
    woken = await watch.start()
    await wait_until(lambda: woken[:3] == ["a", "a", "b"], "the second stream")
    assert watch.revisions()[:2] == ["100", "105"]
    assert len(watch.listed) == 1


async def test_the_server_says_when_to_come_back(watch: Watching) -> None:
    watch.lists = [refuses(429, "too many", headers={"Retry-After": "20"})]
    await watch.start()
    await watch.settle()
    due = watch.clock.next_due()
    assert due is not None
    assert 20 <= (due - watch.clock.now()).total_seconds() <= 25


async def test_one_watch_for_the_whole_cluster(watch: Watching, connect: Connect) -> None:
    watch.lists, watch.streams = [listing()], [streams(until=watch.forever)]
    cluster = await connect("*")
    assert not cluster.watching
    await watch.start(cluster)
    await wait_until(lambda: cluster.watching, "a watch")
    assert len(watch.watched) == 1


async def test_one_watch_for_each_namespace_and_all_must_stand(
    watch: Watching, wire: Wire, connect: Connect
) -> None:
    scripts = [
        Script(wire, f"{SNAPSHOT_API}/namespaces/{name}/virtualmachinerestores")
        for name in ("one", "two")
    ]
    for script, answer in zip(scripts, [listing(restore("a")), refuses(503)], strict=True):
        script.lists, script.streams = [answer], [streams(until=watch.forever)]
    cluster = await connect("one", "two")
    woken = await watch.start(cluster)
    await wait_until(lambda: woken == ["a"] and bool(scripts[0].watched), "the first watch")
    assert not cluster.watching
    await watch.settle()
    scripts[1].lists = [listing(restore("b"))]
    watch.clock.advance(1)
    await wait_until(lambda: cluster.watching, "the second watch")
    assert woken == ["a", "b"]
    assert len(wire.requests("GET", CRD_PATH)) == 1


async def test_a_line_longer_than_any_buffer_is_read(watch: Watching) -> None:
    long = restore("long")
    long["spec"] = {"text": "x" * 3_000_000}
    watch.lists = [listing()]
    watch.streams = [
        streams(event("ADDED", long), event("ADDED", restore("b")), until=watch.forever)
    ]
    woken = await watch.start()
    await wait_until(lambda: woken == ["long", "b"], "both events")


async def test_an_object_with_an_empty_label_wakes_nobody(watch: Watching) -> None:
    watch.lists = [listing(restore(""), restore("a"))]
    watch.streams = [streams(until=watch.forever)]
    woken = await watch.start()
    await wait_until(lambda: watch.cluster.watching, "a watch")
    assert woken == ["a"]


async def test_cancelling_ends_the_watch_and_says_so(watch: Watching) -> None:
    watch.lists, watch.streams = [listing()], [streams(until=watch.forever)]
    await watch.start()
    await wait_until(lambda: watch.cluster.watching, "a watch")
    await watch.stop()
    assert not watch.cluster.watching
