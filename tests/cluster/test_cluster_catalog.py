"""Lists for pickers: complete, quick the second time, and honest about what they may not see."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from bot.cluster.cluster import Cluster
from bot.errors import Permanent, Temporary
from bot.playground.clock import HandClock
from tests.cluster.conftest import Connect
from tests.cluster.wire import CRD_PATH, SNAPSHOT_API, Json, Wire, listing, refuses

VMS = "/apis/kubevirt.io/v1/virtualmachines"
SNAPSHOTS = f"{SNAPSHOT_API}/namespaces/production/virtualmachinesnapshots"


def vm(namespace: str, name: str) -> Json:
    return {"metadata": {"namespace": namespace, "name": name}}


def vms_in(namespace: str) -> str:
    return f"/apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachines"


def snapshot(name: str, of: str = "db", hour: int = 1) -> Json:
    return {
        "metadata": {"name": name, "creationTimestamp": f"2026-02-18T{hour:02}:00:00Z"},
        "spec": {"source": {"name": of}},
    }


FORBIDDEN = refuses(403, 'cannot list resource "virtualmachines"', "Forbidden")
EVERYTHING = listing(vm("b", "db"), vm("a", "web"), vm("a", "db"), vm("c", "db-2"))


async def test_vms_of_the_whole_cluster_in_one_request(wire: Wire, cluster: Cluster) -> None:
    wire.on("GET", VMS, EVERYTHING)
    found = await cluster.catalog.vms(None)
    assert found == [("a", "db"), ("a", "web"), ("b", "db"), ("c", "db-2")]
    assert [one.path for one in wire.seen] == [VMS]
    assert "PartialObjectMetadataList" in wire.seen[0].headers["Accept"]


@pytest.mark.parametrize(
    ("namespaces", "prefix", "expected"),
    [
        (None, "db", [("a", "db"), ("b", "db"), ("c", "db-2")]),
        (["a"], "", [("a", "db"), ("a", "web")]),
        (frozenset({"a", "c"}), "db", [("a", "db"), ("c", "db-2")]),
        ([], "", []),
        (["nowhere"], "", []),
    ],
)
async def test_vms_are_limited_to_what_is_permitted(
    namespaces: list[str] | None, prefix: str, expected: Any, wire: Wire, cluster: Cluster
) -> None:
    wire.on("GET", VMS, EVERYTHING)
    assert await cluster.catalog.vms(namespaces, prefix) == expected


async def test_namespaces_with_a_vm_of_exactly_this_name(wire: Wire, cluster: Cluster) -> None:
    wire.on("GET", VMS, EVERYTHING)
    assert await cluster.catalog.namespaces_with("db", None) == ["a", "b"]
    assert await cluster.catalog.namespaces_with("db", ["b", "c"]) == ["b"]
    assert await cluster.catalog.namespaces_with("d", None) == []


async def test_only_permitted_namespaces_of_those_configured_are_asked(
    wire: Wire, connect: Connect
) -> None:
    wire.on("GET", vms_in("a"), listing(vm("a", "db")))
    wire.on("GET", vms_in("b"), listing(vm("b", "db")))
    cluster = await connect("a", "b")
    assert await cluster.catalog.vms(["b", "elsewhere"]) == [("b", "db")]
    assert [one.path for one in wire.seen] == [vms_in("b")]
    assert await cluster.catalog.vms(None) == [("a", "db"), ("b", "db")]


async def test_one_forbidden_namespace_does_not_hide_the_others(
    wire: Wire, connect: Connect
) -> None:
    wire.on("GET", vms_in("a"), FORBIDDEN)
    wire.on("GET", vms_in("b"), listing(vm("b", "db")))
    cluster = await connect("a", "b")
    assert await cluster.catalog.vms(None) == [("b", "db")]


async def test_without_any_right_it_says_so(wire: Wire, cluster: Cluster) -> None:
    wire.on("GET", VMS, FORBIDDEN)
    with pytest.raises(Permanent) as caught:
        await cluster.catalog.vms(None)
    assert caught.value.reason == "forbidden"


async def test_a_namespace_that_does_not_answer_fails_the_list(
    wire: Wire, connect: Connect
) -> None:
    wire.on("GET", vms_in("a"), listing())
    wire.on("GET", vms_in("b"), refuses(503))
    cluster = await connect("a", "b")
    with pytest.raises(Temporary):
        await cluster.catalog.vms(None)


async def test_snapshots_of_one_vm_newest_first_without_those_of_clones(
    wire: Wire, cluster: Cluster
) -> None:
    wire.on(
        "GET",
        SNAPSHOTS,
        listing(
            snapshot("old", hour=1),
            snapshot("new", hour=9),
            snapshot("other", of="web", hour=5),
            snapshot("tmp-snapshot-5b7e", hour=8),
        ),
    )
    found = await cluster.catalog.snapshots("production", "db")
    assert [one.name for one in found] == ["new", "old"]
    everybodys = await cluster.catalog.all_snapshots("production")
    assert [one.name for one in everybodys] == ["new", "other", "old"]


async def test_snapshots_outside_of_the_configured_namespaces_are_not_asked_for(
    wire: Wire, connect: Connect
) -> None:
    cluster = await connect("a")
    assert await cluster.catalog.snapshots("production", "db") == []
    assert wire.seen == []


async def test_a_picker_with_thousands_of_snapshots_reads_them_once_for_all_its_letters(
    wire: Wire, cluster: Cluster, clock: HandClock
) -> None:
    page = [snapshot(f"s-{number}") for number in range(500)]
    pages = [listing(*page, more="more")] * 9 + [listing(*page)]
    wire.on("GET", SNAPSHOTS, *pages)
    for _ in range(4):
        assert len(await cluster.catalog.snapshots("production", "db")) == 5000
        clock.advance(1)
    assert len(wire.requests("GET", SNAPSHOTS)) == 10


async def test_a_list_that_takes_long_to_read_is_kept_from_when_it_is_there(
    wire: Wire, cluster: Cluster, clock: HandClock
) -> None:
    async def late(request: web.Request) -> web.StreamResponse:
        clock.advance(4)
        return await listing(snapshot("s"))(request)

    wire.on("GET", SNAPSHOTS, late)
    await cluster.catalog.snapshots("production", "db")
    clock.advance(4)
    await cluster.catalog.snapshots("production", "db")
    assert len(wire.requests("GET", SNAPSHOTS)) == 1


async def test_many_who_ask_at_once_cause_one_read(wire: Wire, cluster: Cluster) -> None:
    wire.on("GET", VMS, EVERYTHING)
    await asyncio.gather(*(cluster.catalog.vms(None) for _ in range(20)))
    assert len(wire.seen) == 1


@pytest.mark.parametrize("seconds", [5, -3600])
async def test_what_is_kept_is_read_again_when_its_time_is_over_or_the_clock_was_set_back(
    seconds: float, wire: Wire, cluster: Cluster, clock: HandClock
) -> None:
    wire.on("GET", VMS, listing(vm("a", "old")), listing(vm("a", "new")))
    await cluster.catalog.vms(None)
    clock.jump(seconds)
    assert await cluster.catalog.vms(None) == [("a", "new")]


async def test_a_failed_read_is_not_kept(wire: Wire, cluster: Cluster) -> None:
    wire.on("GET", VMS, refuses(503), listing(vm("a", "db")))
    with pytest.raises(Temporary):
        await cluster.catalog.vms(None)
    assert await cluster.catalog.vms(None) == [("a", "db")]


async def test_without_kubevirt_it_says_so(wire: Wire, cluster: Cluster) -> None:
    wire.on("GET", CRD_PATH, refuses(404, "not found", "NotFound"))
    with pytest.raises(Permanent) as caught:
        await cluster.catalog.snapshots("production", "db")
    assert caught.value.reason == "kubevirt_missing"


async def test_a_list_that_grew_too_old_between_two_pages_is_temporary(
    wire: Wire, cluster: Cluster
) -> None:
    wire.on("GET", VMS, listing(vm("a", "db"), more="x"), refuses(410, "expired", "Expired"))
    with pytest.raises(Temporary):
        await cluster.catalog.vms(None)


# --- Contents --------------------------------------------------------------------------------------

CONTENTS = f"{SNAPSHOT_API}/namespaces/production/virtualmachinesnapshotcontents"


def holding(name: str) -> Json:
    """A snapshot that says it is ready, whatever has become of its content."""
    held = {"readyToUse": True, "virtualMachineSnapshotContentName": f"content-{name}"}
    return {**snapshot(name), "status": held}


def content(name: str, **more: Any) -> Json:
    return {"metadata": {"name": f"content-{name}", **more}}


async def test_a_snapshot_whose_content_is_gone_or_going_is_not_usable(
    wire: Wire, cluster: Cluster
) -> None:
    wire.on("GET", SNAPSHOTS, listing(*map(holding, ("sound", "going", "gone"))))
    deleted = content("going", deletionTimestamp="2026-02-18T10:00:00Z")
    wire.on("GET", CONTENTS, listing(content("sound"), deleted))
    found = {one.name: one.usable for one in await cluster.catalog.snapshots("production", "db")}
    assert found == {"sound": True, "going": False, "gone": False}
    (asked,) = wire.requests("GET", CONTENTS)
    assert "PartialObjectMetadataList" in asked.headers["Accept"]


async def test_where_contents_may_not_be_listed_nothing_is_said_of_them(
    wire: Wire, cluster: Cluster
) -> None:
    wire.on("GET", SNAPSHOTS, listing(holding("sound")))
    wire.on("GET", CONTENTS, FORBIDDEN)
    assert [one.usable for one in await cluster.catalog.snapshots("production", "db")] == [True]


async def test_what_a_look_has_found_gone_is_not_offered_any_more(
    wire: Wire, cluster: Cluster
) -> None:
    wire.on("GET", SNAPSHOTS, listing(holding("a"), holding("b")), listing(holding("a")))
    wire.on("GET", CONTENTS, listing(content("a"), content("b")))
    both = await cluster.catalog.all_snapshots("production")
    cluster.catalog.seen("production", tuple(both))
    assert await cluster.catalog.all_snapshots("production") == both, "nothing has changed"
    cluster.catalog.seen("production", tuple(one for one in both if one.name == "a"))
    assert [one.name for one in await cluster.catalog.all_snapshots("production")] == ["a"]
