"""Watches: revisions, selectors, bookmarks, time limits, and every way they end."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bot.clock import Clock
from bot.playground.clock import HandClock
from bot.playground.kubevirt.faults import Answer, Rule
from bot.playground.kubevirt.seed import Disk
from bot.playground.kubevirt.server import KubeSim
from tests.playground.kubevirt.kit import (
    NS,
    RESTORES_PATH,
    SNAPSHOT,
    VM,
    VMS_PATH,
    KubeClient,
    Lab,
    raw,
    settle,
    until,
    with_stopped_vm,
)

Json = dict[str, Any]
Seen = list[tuple[str, str]]


class Follower:
    """Reads one watch in the background."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.events: list[Json] = []
        self.ended = asyncio.Event()
        self.broken = False
        self._news = asyncio.Event()
        self._response = response

    async def read(self) -> None:
        """Collect events until the watch ends."""
        try:
            async for line in self._response.content:
                self.events.append(json.loads(line))
                self._news.set()
        except aiohttp.ClientError:
            self.broken = True
        self.ended.set()

    @property
    def seen(self) -> Seen:
        """Types and names."""
        return [
            (event["type"], event["object"].get("metadata", {}).get("name", ""))
            for event in self.events
        ]

    async def changed(self, reached: Callable[[Json], bool]) -> None:
        """Wait in real time for an event on an object with a status."""
        while not any(reached(held) for held in self.events if "status" in held["object"]):
            self._news.clear()
            await self._news.wait()

    async def until(self, reached: Callable[["Follower"], bool]) -> None:
        """Let the loop run until it is so."""
        await until(lambda: reached(self), f"more than {self.seen}")


@asynccontextmanager
async def following(sim: KubeSim, path: str = VMS_PATH, **query: str) -> AsyncIterator[Follower]:
    """An open watch."""
    headers = {"Authorization": "Bearer token-of-admin"}
    asked = {"watch": "true", **query}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{sim.url}{path}", params=asked, headers=headers) as response,
    ):
        follower = Follower(response)
        task = asyncio.create_task(follower.read())
        try:
            yield follower
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def at_rest(sim: KubeSim) -> str:
    """Put two VMs there and let the controllers finish; the revision then."""
    for name in ("a", "b"):
        sim.seed.vm(NS, name, running=False, labels={"tier": name})
    await settle(sim)
    return str(sim.storage.revision)


def label(sim: KubeSim, name: str, tier: str) -> None:
    sim.people.edit_vm(NS, name, {"metadata": {"labels": {"tier": tier}}})


async def test_a_watch_without_revision_begins_with_what_exists(sim: KubeSim) -> None:
    await at_rest(sim)
    async with following(sim) as watch:
        await watch.until(lambda w: len(w.events) == 2)
        label(sim, "a", "x")
        await watch.until(lambda w: len(w.events) == 3)
    assert watch.seen == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "a")]


async def test_a_watch_from_a_revision_misses_nothing_since(sim: KubeSim) -> None:
    revision = await at_rest(sim)
    label(sim, "a", "x")
    label(sim, "b", "y")
    async with following(sim, resourceVersion=revision) as watch:
        await watch.until(lambda w: len(w.events) == 2)
    assert watch.seen == [("MODIFIED", "a"), ("MODIFIED", "b")]


async def test_objects_enter_and_leave_a_selector(sim: KubeSim, admin: KubeClient) -> None:
    revision = await at_rest(sim)
    async with following(sim, resourceVersion=revision, labelSelector="tier=x") as watch:
        label(sim, "a", "x")
        label(sim, "b", "other")
        label(sim, "a", "gone")
        label(sim, "b", "x")
        await admin.delete(f"{VMS_PATH}/b")
        await watch.until(lambda w: ("DELETED", "b") in w.seen)
    assert [seen for seen in watch.seen if seen[0] != "MODIFIED"] == [
        ("ADDED", "a"),
        ("DELETED", "a"),
        ("ADDED", "b"),
        ("DELETED", "b"),
    ]


async def test_a_watch_of_all_namespaces_and_one_of_a_single_one(sim: KubeSim) -> None:
    revision = await at_rest(sim)
    everywhere = "/apis/kubevirt.io/v1/virtualmachines"
    async with (
        following(sim, everywhere, resourceVersion=revision) as wide,
        following(sim, resourceVersion=revision) as narrow,
    ):
        sim.seed.vm("other", "c", running=False)
        label(sim, "a", "x")
        await wide.until(lambda w: ("MODIFIED", "a") in w.seen)
        await narrow.until(lambda w: ("MODIFIED", "a") in w.seen)
    assert "c" in [name for _, name in wide.seen]
    assert "c" not in [name for _, name in narrow.seen]


async def test_bookmarks_come_on_the_clock_and_only_when_asked_for(
    sim: KubeSim, clock: HandClock
) -> None:
    revision = await at_rest(sim)
    async with (
        following(sim, resourceVersion=revision, allowWatchBookmarks="true") as asked,
        following(sim, resourceVersion=revision) as silent,
    ):
        await settle(sim)
        sim.seed.namespace("elsewhere")
        clock.advance(60)
        await asked.until(lambda w: len(w.events) == 1)
    bookmark = asked.events[0]
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["kind"] == "VirtualMachine"
    assert int(bookmark["object"]["metadata"]["resourceVersion"]) > int(revision)
    assert silent.events == []


async def test_a_watch_ends_when_its_time_is_over(sim: Lab, clock: HandClock) -> None:
    revision = await at_rest(sim)
    async with following(sim, resourceVersion=revision, timeoutSeconds="30") as watch:
        await sim.passes(29)
        assert not watch.ended.is_set()
        clock.advance(1)
        await watch.until(lambda w: w.ended.is_set())
    assert not watch.broken
    assert watch.events == []


async def test_an_old_revision_gets_an_error_event_with_410(sim: KubeSim) -> None:
    revision = await at_rest(sim)
    label(sim, "a", "x")
    sim.storage.compact()
    async with following(sim, resourceVersion=revision) as watch:
        await watch.until(lambda w: w.ended.is_set())
    assert watch.status == 200
    (event,) = watch.events
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert event["object"]["message"].startswith(f"too old resource version: {revision} (")


async def test_the_log_is_bounded(sim: KubeSim) -> None:
    revision = int(await at_rest(sim))
    for number in range(5001):
        sim.storage.put("namespaces", {"metadata": {"name": f"n{number % 10}"}})
    assert sim.storage.oldest > revision


async def test_410_can_also_come_as_an_http_status(sim: KubeSim) -> None:
    sim.faults.add(Rule(Answer(410, "Expired", "too old resource version"), verb="watch"))
    async with following(sim, resourceVersion="1") as watch:
        assert watch.status == 410
    assert sim.log[-1].code == 410


async def test_open_watches_can_be_closed_cut_and_expired(sim: KubeSim) -> None:
    revision = await at_rest(sim)
    async with following(sim, resourceVersion=revision) as watch:
        assert sim.watches.resources == ["virtualmachines"]
        sim.watches.close()
        await watch.until(lambda w: w.ended.is_set())
        assert not watch.broken
    async with following(sim, resourceVersion=revision) as watch:
        sim.watches.expire("virtualmachines")
        await watch.until(lambda w: w.ended.is_set())
        assert watch.events[0]["object"]["code"] == 410
    async with following(sim, resourceVersion=revision) as watch:
        sim.watches.cut()
        await watch.until(lambda w: w.ended.is_set())
        assert watch.broken
    await settle(sim)
    assert sim.watches.resources == []


async def test_a_client_that_left_does_not_keep_the_cluster_busy(sim: KubeSim) -> None:
    revision = await at_rest(sim)
    async with following(sim, resourceVersion=revision):
        pass
    for _ in range(3):
        label(sim, "a", str(sim.storage.revision))
        await settle(sim)
    assert sim.busy == 0


async def test_a_streaming_list_is_refused_as_by_a_server_without_it(sim: KubeSim) -> None:
    with_stopped_vm(sim)
    code, body = await raw(
        sim,
        "GET",
        f"{VMS_PATH}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
    )
    assert code == 422
    assert "sendInitialEvents is forbidden" in json.loads(body)["message"]


async def test_on_the_machines_own_clock_a_restore_runs_by_itself() -> None:
    """As in the demo: nobody moves the time."""
    world = KubeSim(Clock())
    world.seed.namespace(NS)
    world.seed.storage_class("quick", bind_after=0.02)
    with_stopped_vm(world, disks=[Disk("root", storage_class="quick")])
    await world.start()
    async with following(world, RESTORES_PATH) as watch:
        world.people.create_restore(NS, "r1", VM, SNAPSHOT)
        await watch.changed(lambda event: event["object"]["status"].get("complete") is True)
    await world.stop()


async def test_the_server_comes_back_with_its_state_after_a_stop(
    sim: KubeSim, admin: KubeClient
) -> None:
    revision = await at_rest(sim)
    async with following(sim, resourceVersion=revision) as watch:
        port = int(sim.url.rpartition(":")[2])
        await sim.stop()
        await watch.until(lambda w: w.ended.is_set())
        await sim.start(port)
        label(sim, "a", "x")
    async with following(sim, resourceVersion=revision) as watch:
        await watch.until(lambda w: ("MODIFIED", "a") in w.seen)
    assert (await admin.get(f"{VMS_PATH}/a")).body["metadata"]["labels"]["tier"] == "x"
