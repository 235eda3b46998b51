"""The list of what no recording shows is as short as it can be."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cluster import client
from bot.cluster.cluster import Cluster
from bot.cluster.identity import Installation
from bot.cluster.reads import Reads
from bot.cluster.rights import RIGHTS
from bot.playground.clock import HandClock
from bot.playground.kubevirt.server import KubeSim
from bot.restore.announcements import Announcement
from bot.restore.events import (
    ClearVmi,
    CreateRestore,
    CreateSnapshot,
    DeleteRestore,
    Effect,
    StartVm,
    StopVm,
)
from bot.restore.model import Job
from bot.restore.observation import ObservationKind
from bot.restore.rules import VolumePolicy
from tests import shapes
from tests.cluster import samples
from tests.cluster.conftest import wait_until
from tests.cluster.samples import NS, SNAP, VM

MARKS = (("vm-restore-bot/requested-by", "U1"),)


@pytest.fixture
async def sim(clock: HandClock) -> AsyncIterator[KubeSim]:
    simulated = KubeSim(clock)
    simulated.seed.vm(NS, VM, running=False)
    simulated.seed.snapshot(NS, SNAP, VM)
    simulated.seed.snapshot(NS, "older", VM)
    simulated.seed.vm(NS, "live", run_strategy="Manual")
    await simulated.start()
    yield simulated
    await simulated.stop()


@pytest.fixture
async def cluster(sim: KubeSim, clock: HandClock, tmp_path: Path) -> AsyncIterator[Cluster]:
    path = sim.kubeconfig(tmp_path / "config")
    connected = await Cluster.connect(
        "prod",
        kubeconfig=str(path),
        context=None,
        namespaces=(),
        clock=clock,
        installation=Installation(recognise=_anything),
    )
    yield connected
    await connected.close()


async def test_every_listed_exception_is_still_sent(
    sim: KubeSim, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything that the bot can read and do, on one cluster."""
    monkeypatch.setattr(client, "PAGE", 1)
    sim.deny("get", "namespaces")
    await cluster.ping()
    await cluster.capabilities()
    watching = asyncio.create_task(cluster.watch(_nobody))
    await wait_until(lambda: cluster.watching, "the watch stands")
    create = CreateRestore(
        NS, VM, SNAP, samples.CREATE.name, VolumePolicy.IN_PLACE, samples.LABELS, MARKS
    )
    for look in ObservationKind:
        await cluster.observe(samples.restore(), look, create)
    await cluster.catalog.vms(None)
    read = Reads(cluster._api, NS, "v1beta1")
    await read.everybody(VM)
    await read.restore(create.name)
    await read.copies(list("abcdefghi"))
    await read.unfinished_restores_of(VM)
    live = sim.storage.get("virtualmachineinstances", NS, "live")["metadata"]["uid"]
    effects: list[Effect] = [
        ClearVmi(NS, "live", live),
        CreateSnapshot(NS, VM, "safe", samples.LABELS, MARKS),
        create,
    ]
    for effect in effects:
        await cluster.perform(effect, not_after=samples.LATER)
    await cluster.announce(
        Announcement(NS, VM, "vm-1", "x.begun", "RestoreBegun", "-", samples.LATER)
    )
    await wait_until(lambda: _claims(sim), "the restore makes claims")
    job = Job(name=create.name, decided_at=samples.LATER)
    await cluster.evidence(samples.restore(job=job))
    made = sim.storage.get("virtualmachinerestores", NS, create.name)["metadata"]["uid"]
    await cluster.perform(DeleteRestore(NS, create.name, made), not_after=samples.LATER)
    await cluster.perform(StopVm(NS, "live"), not_after=samples.LATER)
    await cluster.perform(StartVm(NS, "live"), not_after=samples.LATER)
    sim.deny("list", "pods")
    assert [str(each) for each in await cluster.rights.missing(NS)] == ["list pods"]
    assert shapes.called(sim.log) == {(each.verb, each.group, each.resource) for each in RIGHTS}
    sim.deny("get", "customresourcedefinitions")
    await cluster.capabilities()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)

    parts = shapes.sent(sim.log)
    listed = {one.part for one in shapes.UNRECORDED}
    assert parts - shapes.recorded() == listed
    assert all(one.reason for one in shapes.UNRECORDED)


def _claims(sim: KubeSim) -> bool:
    held = sim.storage.get("virtualmachinerestores", NS, samples.CREATE.name)
    return bool(held.get("status", {}).get("restores"))


async def _anything(*_: str) -> None:
    """Every cluster is right."""


async def _nobody(_: object) -> None:
    return None


def test_a_request_in_another_form_is_noticed() -> None:
    """As it was once: a stop whose Accept header virt-api does not take."""
    accepted = shapes.recorded()
    assert "PUT (virt-api) Accept: */*" in accepted
    assert "PUT (virt-api) Accept: application/json" not in accepted
