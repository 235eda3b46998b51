"""What a check costs in a namespace with thousands of snapshots and old restores, and what it still finds."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.cluster.cluster import Cluster
from bot.cluster.known import FEW, MANY, Known
from bot.playground.clock import HandClock
from bot.restore.checks import first_refusal
from bot.restore.effects import RESTORE_ID
from bot.restore.events import CreateRestore
from bot.restore.model import Restore
from bot.restore.observation import ObservationKind
from tests.cluster import samples
from tests.cluster.conftest import connected_to
from tests.cluster.samples import NS
from tests.playground.kubevirt.kit import Lab


@pytest.fixture
async def sim(clock: HandClock) -> AsyncIterator[Lab]:
    """A cluster."""
    simulated = Lab(clock)
    simulated.seed.namespace(NS)
    await simulated.start()
    yield simulated
    await simulated.stop()


@pytest.fixture
async def cluster(sim: Lab, clock: HandClock, tmp_path: Path) -> AsyncIterator[Cluster]:
    """The bot's own view of it."""
    async with connected_to(sim, clock, tmp_path) as connected:
        yield connected


def many(sim: Lab, resource: str, like: Any, count: int) -> None:
    """So many objects that differ in their names only, and are as large as those of a real one."""
    managed = {"manager": "virt-controller", "operation": "Update", "fieldsType": "FieldsV1"}
    metadata = {**like["metadata"], "managedFields": [{**managed, "fieldsV1": {"f:x": "y" * 900}}]}
    listeners, sim.storage.listeners = sim.storage.listeners, []  # nothing is to be done about them
    for number in range(count):
        head = {"name": f"{resource[14:]}-of-web-2026-{number:04}", "uid": f"{number:04}"}
        sim.storage.put(resource, {**like, "metadata": {**metadata, **head}})
    sim.storage.listeners = listeners


async def holds_many(sim: Lab, snapshots: int, restores: int) -> None:
    """The namespace of a VM with one disk has many snapshots, and restores that are long over."""
    sim.seed.vm(NS, "web", running=False)
    snapshot = sim.seed.snapshot(NS, "of-web", "web")
    sim.people.create_restore(NS, "by-hand", "web", "of-web")
    await sim.passes(30)
    done = sim.storage.get("virtualmachinerestores", NS, "by-hand")
    assert done["status"]["complete"]
    many(sim, "virtualmachinesnapshots", snapshot, snapshots)
    many(sim, "virtualmachinerestores", done, restores)


def of(vm: str) -> Restore:
    """A restore of such a VM."""
    request = samples.REQUEST.model_copy(update={"vm": vm, "snapshot": f"of-{vm}"})
    return samples.restore(request=request)


def effect(vm: str) -> CreateRestore:
    """What a dry run of it tries."""
    return replace(samples.CREATE, vm=vm, snapshot=f"of-{vm}")


def spent(sim: Lab, since: int) -> tuple[int, int]:
    """Requests, and kilobytes of answers."""
    answers = [one.response for one in sim.log[since:]]
    return len(answers), sum(len(json.dumps(answer)) for answer in answers) // 1000


async def test_a_check_among_thousands_costs_8_requests_and_300_kb(
    sim: Lab, cluster: Cluster
) -> None:
    """The first one also finds out that they are many, and asks for rights and the storage class."""
    sim.seed.vm(NS, "live", running=True)
    sim.seed.snapshot(NS, "of-live", "live")
    await holds_many(sim, 5000, 2000)

    async def check(vm: str) -> tuple[int, int]:
        before = len(sim.log)
        observation = await cluster.observe(of(vm), ObservationKind.FULL, effect(vm))
        assert first_refusal(observation, of(vm)) is None
        assert observation.dry_run is None
        assert (observation.snapshots, observation.snapshots_unread) == ((), True)
        assert observation.classes == ("standard",)
        return spent(sim, before)

    first, stopped, running = await check("web"), await check("web"), await check("live")
    assert (first[0], stopped[0], running[0]) == (8 + 4, 8, 8)
    assert max(first[1], stopped[1], running[1]) < 300

    before = len(sim.log)
    observation = await cluster.observe(of("web"), ObservationKind.RECHECK)
    assert observation.restores == (), "all are over"
    requests, size = spent(sim, before)
    assert requests == 9 + 1, "all restores in a table, and by our label; a page, the first time"
    assert size < 500


async def test_among_thousands_a_snapshot_that_is_not_there_is_looked_for(
    sim: Lab, cluster: Cluster
) -> None:
    """Also one that a list of a moment ago still had."""
    await holds_many(sim, MANY, 0)
    assert len(await cluster.catalog.snapshots(NS, "web")) == MANY + 1
    sim.people.delete_snapshot(NS, "of-web")
    await sim.passes(1)
    observation = await cluster.observe(of("web"), ObservationKind.FULL, effect("web"))
    assert observation.snapshot is None
    assert len(observation.snapshots) == MANY


async def test_some_hundred_snapshots_are_listed_in_one_page_once_their_number_is_known(
    sim: Lab, cluster: Cluster
) -> None:
    await holds_many(sim, FEW, 0)
    for pages in (2, 1):
        before = len(sim.log)
        observation = await cluster.observe(of("web"), ObservationKind.FULL, effect("web"))
        assert [one.resource for one in sim.log[before:]].count("virtualmachinesnapshots") == pages
        assert (len(observation.snapshots), observation.snapshots_unread) == (FEW + 1, False)


async def test_among_thousands_the_look_before_the_act_still_finds_what_blocks(
    sim: Lab, cluster: Cluster
) -> None:
    """Another restore that the VM does not show, and what this very restore has made."""
    sim.seed.vm(NS, "live", running=True)
    sim.seed.snapshot(NS, "of-live", "live")
    await holds_many(sim, 0, FEW)
    asked = of("live")
    await cluster.observe(asked, ObservationKind.RECHECK)
    sim.people.create_restore(NS, "theirs", "live", "of-live")
    ours = sim.storage.get("virtualmachinerestores", NS, "theirs")
    ours["metadata"] |= {"name": "ours", "uid": "ours", "labels": {RESTORE_ID: asked.id}}
    sim.storage.put("virtualmachinerestores", {**ours, "status": {"complete": True}})
    await sim.passes(1)
    before = len(sim.log)
    observation = await cluster.observe(asked, ObservationKind.RECHECK)
    assert observation.vm is not None
    assert observation.vm.restore_in_progress is None
    assert [(one.name, one.complete) for one in observation.restores] == [
        ("ours", True),
        ("theirs", False),
    ]
    assert spent(sim, before)[1] < 50


def test_what_is_known_is_asked_for_again_after_a_while(clock: HandClock) -> None:
    known = Known(clock)
    known.saw_classes({"standard"})
    known.saw(NS, "pods", MANY + 1)
    assert (known.classes(["standard", "fast"]), known.page(NS, "pods")) == (("standard",), 0)
    clock.advance(5 * 60)
    assert (known.classes(["standard"]), known.page(NS, "pods")) == ((), 0)
    clock.advance(55 * 60)
    assert known.page(NS, "pods") == FEW
