"""The whole room against a simulated control plane, with the real client in between."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cluster.cluster import Cluster
from bot.cluster.known import FEW, MANY, Known
from bot.errors import Temporary
from bot.playground.clock import START, HandClock
from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.kubevirt.faults import Answer, DropAfter, Rule
from bot.playground.kubevirt.seed import Disk
from bot.restore.checks import first_refusal
from bot.restore.effects import INSTALLATION, REQUESTED_BY, RESTORE_ID
from bot.restore.events import (
    ClearVmi,
    CreateRestore,
    DeleteRestore,
    Done,
    Effect,
    StartVm,
    StopVm,
)
from bot.restore.model import Job, Preview, Restore, Safety
from bot.restore.observation import ApiRejection, Observation, ObservationKind, RestoreObject
from tests.cluster import samples
from tests.cluster.conftest import wait_until
from tests.cluster.samples import NS, SNAP, VM
from tests.playground.kubevirt.kit import Lab

Act = Callable[[Effect], Awaitable[Done | ApiRejection]]

TAKEN = START - timedelta(hours=6, minutes=30)
CREATE = CreateRestore(
    NS, VM, SNAP, samples.CREATE.name, None, samples.LABELS, ((REQUESTED_BY, "U1"),)
)
JOB = Job(name=CREATE.name, decided_at=START, looked_at=START)


@pytest.fixture
async def sim(clock: HandClock) -> AsyncIterator[Lab]:
    """A cluster with a stopped VM of two disks, and a snapshot of it."""
    simulated = Lab(clock)
    simulated.seed.namespace(NS)
    disks = [Disk("root", "10Gi"), Disk("data", "5Gi"), Disk("ci", source="cloudInit")]
    simulated.seed.vm(NS, VM, running=False, run_strategy="Halted", disks=disks, cpu=4)
    simulated.seed.snapshot(NS, SNAP, VM, created=TAKEN)
    await simulated.start()
    yield simulated
    await simulated.stop()


@pytest.fixture
async def cluster(sim: Lab, clock: HandClock, tmp_path: Path) -> AsyncIterator[Cluster]:
    """The bot's own view of it."""
    path = sim.kubeconfig(tmp_path / "config")
    connected = await Cluster.connect(
        "prod", kubeconfig=str(path), context=None, namespaces=("*",), clock=clock
    )
    yield connected
    await connected.close()


@pytest.fixture
def act(cluster: Cluster, clock: HandClock) -> Act:
    """Perform an effect within a lease."""

    async def acted(effect: Effect) -> Done | ApiRejection:
        return await cluster.perform(effect, not_after=clock.now() + timedelta(seconds=25))

    return acted


def calls(sim: Lab, since: int = 0) -> list[tuple[str, str]]:
    """Verb and resource of every request, the one-time read of the schema left out."""
    return sorted(
        (one.verb, one.resource)
        for one in sim.log[since:]
        if one.resource != "customresourcedefinitions"
    )


def creates(sim: Lab, resource: str) -> list[ApiCall]:
    """Creates that were applied."""
    return [
        one
        for one in sim.log
        if (one.verb, one.resource, one.dry_run) == ("create", resource, False) and one.code == 201
    ]


async def look(cluster: Cluster, kind: ObservationKind, **changes: Any) -> Observation:
    return await cluster.observe(samples.restore(**changes), kind, CREATE)


# Looks: what they read, and what they bring back


async def test_a_full_look(sim: Lab, cluster: Cluster) -> None:
    sim.seed.quota(NS, "storage", requests_storage="100Gi")
    sim.seed.snapshot(NS, "older", VM, created=TAKEN - timedelta(days=1))
    sim.seed.vm(NS, "web", running=True)
    sim.seed.snapshot(NS, "of-web", "web", created=TAKEN)
    observation = await look(cluster, ObservationKind.FULL)
    assert calls(sim) == [
        ("create", "selfsubjectrulesreviews"),
        ("create", "virtualmachinerestores"),
        ("get", "persistentvolumeclaims"),
        ("get", "persistentvolumeclaims"),
        ("get", "storageclasses"),
        ("get", "virtualmachineinstances"),
        ("get", "virtualmachines"),
        ("get", "virtualmachinesnapshotcontents"),
        ("get", "volumesnapshots"),
        ("get", "volumesnapshots"),
        ("list", "resourcequotas"),
        ("list", "virtualmachinesnapshots"),
    ]
    assert len(sim.log) == 8 + 5, (
        "the first time also the schema and the rights; and two claims and their copies"
    )
    assert observation.kubevirt
    assert observation.at == START
    assert (observation.dry_run, observation.forbidden, observation.vmi) == (None, None, None)
    assert [one.name for one in observation.snapshots] == [SNAP, "older"]
    assert [(one.name, one.resource) for one in observation.quotas] == [
        ("storage", "requests.storage")
    ]


async def test_the_facts_of_a_full_look(cluster: Cluster) -> None:
    observation = await look(cluster, ObservationKind.FULL)
    vm, snapshot, content = observation.vm, observation.snapshot, observation.content
    assert vm is not None
    assert snapshot is not None
    assert content is not None
    assert (vm.namespace, vm.name, vm.run_strategy, vm.status) == (NS, VM, "Halted", "Stopped")
    assert not vm.may_start_itself
    assert vm.last_modified is not None
    assert [(one.name, one.holds_data) for one in vm.volumes] == [
        ("root", True),
        ("data", True),
        ("ci", False),
    ]
    assert dict(vm.config)["cpu"] == "4 cores"
    assert vm.config == content.config
    assert (snapshot.source, snapshot.created, snapshot.usable) == (VM, TAKEN, True)
    assert set(snapshot.included) == {"root", "data"}
    assert (content.vm_uid, content.ready, len(content.sizes)) == (vm.uid, True, 2)
    assert content.bytes_needed == 15 * 2**30


async def test_configuration_that_will_change_differs_field_by_field(
    sim: Lab, cluster: Cluster
) -> None:
    change = {"spec": {"template": {"spec": {"domain": {"cpu": {"cores": 8}}}}}}
    sim.people.edit_vm(NS, VM, change)
    observation = await look(cluster, ObservationKind.FULL)
    assert observation.vm is not None
    assert observation.content is not None
    assert set(observation.vm.config) ^ set(observation.content.config) == {
        ("cpu", "8 cores"),
        ("cpu", "4 cores"),
    }


async def test_further_full_looks_do_not_read_the_schema_again(sim: Lab, cluster: Cluster) -> None:
    await look(cluster, ObservationKind.FULL)
    before = len(sim.log)
    await look(cluster, ObservationKind.FULL)
    assert len(sim.log) - before == 6 + 4, (
        "six, and each of the claims of its two disks with its copy"
    )


# A namespace with thousands of snapshots and restores


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
    return replace(CREATE, vm=vm, snapshot=f"of-{vm}")


def spent(sim: Lab, since: int) -> tuple[int, int]:
    """Requests, and kilobytes of answers."""
    answers = [one.response for one in sim.log[since:]]
    return len(answers), sum(len(json.dumps(answer)) for answer in answers) // 1000


async def test_a_check_among_thousands_costs_8_requests_and_300_kb(
    sim: Lab, cluster: Cluster
) -> None:
    """The first one also finds out that they are many, and asks for rights and the storage class.

    While the VM runs all restores are listed: the stop would begin one that waits for it.
    """
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
    assert (first[0], stopped[0], running[0]) == (8 + 4, 8, 8 + 1)
    assert max(first[1], running[1]) < 300
    assert stopped[1] < 30


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
        assert calls(sim, before).count(("list", "virtualmachinesnapshots")) == pages
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


async def test_a_full_look_at_nothing(sim: Lab, cluster: Cluster) -> None:
    request = samples.restore().request.model_copy(update={"vm": "nothing", "snapshot": "none"})
    observation = await look(cluster, ObservationKind.FULL, request=request)
    assert (observation.vm, observation.vmi, observation.snapshot, observation.content) == (
        None,
        None,
        None,
        None,
    )
    assert observation.candidates.vms == (VM,)
    assert ("create", "virtualmachinerestores") not in calls(sim)


async def test_a_vm_that_was_recreated_is_told_by_the_content(sim: Lab, cluster: Cluster) -> None:
    sim.people.recreate_vm(NS, VM)
    await sim.passes(2)
    observation = await look(cluster, ObservationKind.FULL)
    assert observation.vm is not None
    assert observation.content is not None
    assert observation.content.vm_uid != observation.vm.uid


async def test_a_recheck_is_six_requests_and_two_for_each_claim(sim: Lab, cluster: Cluster) -> None:
    await cluster.capabilities()
    before = len(sim.log)
    observation = await look(cluster, ObservationKind.RECHECK)
    assert calls(sim, before) == [
        ("get", "persistentvolumeclaims"),
        ("get", "persistentvolumeclaims"),
        ("get", "storageclasses"),
        ("get", "virtualmachineinstances"),
        ("get", "virtualmachines"),
        ("get", "virtualmachinesnapshotcontents"),
        ("get", "virtualmachinesnapshots"),
        ("get", "volumesnapshots"),
        ("get", "volumesnapshots"),
        ("list", "virtualmachinerestores"),
    ]
    assert observation.vm is not None
    assert observation.snapshot is not None
    assert observation.content is not None
    assert observation.restores == ()


async def test_other_restores_of_the_vm_are_seen_and_those_of_other_vms_are_not(
    sim: Lab, cluster: Cluster
) -> None:
    sim.seed.vm(NS, "web", running=False)
    sim.people.create_restore(NS, "theirs", VM, "missing")
    sim.people.create_restore(NS, "of-web", "web", "missing")
    await sim.passes(1)
    observation = await look(cluster, ObservationKind.FULL)
    assert [(one.name, one.complete, one.failure) for one in observation.restores] == [
        ("theirs", False, None)
    ]
    assert "does not exist" in observation.restores[0].ready
    assert observation.dry_run is not None
    assert '"theirs" in progress' in observation.dry_run.text


async def test_a_vmi_look_is_three_requests(sim: Lab, cluster: Cluster) -> None:
    sim.people.start(NS, VM)
    await sim.passes(10)
    before = len(sim.log)
    observation = await look(cluster, ObservationKind.VMI)
    assert calls(sim, before) == [
        ("get", "virtualmachineinstances"),
        ("get", "virtualmachines"),
        ("list", "virtualmachinerestores"),
    ]
    assert observation.vm is not None
    assert observation.vmi is not None
    assert (observation.vm.run_strategy, observation.vm.status, observation.vmi.phase) == (
        "Always",
        "Running",
        "Running",
    )


async def test_the_right_that_is_missing_is_named(sim: Lab, cluster: Cluster) -> None:
    sim.deny("create", "virtualmachinerestores", NS)
    sim.deny("list", "resourcequotas", NS)
    observation = await look(cluster, ObservationKind.FULL)
    assert observation.dry_run is not None
    assert observation.dry_run.code == 403
    assert 'cannot create resource "virtualmachinerestores"' in observation.dry_run.text
    assert observation.forbidden is not None
    assert 'cannot list resource "resourcequotas"' in observation.forbidden.text


async def test_kubevirt_is_not_installed(sim: Lab, cluster: Cluster) -> None:
    sim.uninstall("snapshot.kubevirt.io")
    assert not (await look(cluster, ObservationKind.FULL)).kubevirt


async def test_kubevirt_is_not_installed_and_the_bot_may_not_read_definitions(
    sim: Lab, cluster: Cluster
) -> None:
    sim.uninstall("snapshot.kubevirt.io")
    sim.deny("get", "customresourcedefinitions")
    assert not (await look(cluster, ObservationKind.FULL)).kubevirt


async def test_the_schema_without_the_right_to_read_definitions(sim: Lab, act: Act) -> None:
    sim.deny("get", "customresourcedefinitions")
    assert isinstance(await act(CREATE), Done)
    created = sim.storage.get("virtualmachinerestores", NS, CREATE.name)
    assert created["spec"]["targetReadinessPolicy"] == "FailImmediate"


async def test_a_cluster_whose_restores_know_no_readiness_policy(sim: Lab, act: Act) -> None:
    sim.downgrade_restores("targetReadinessPolicy")
    assert isinstance(await act(CREATE), Done)
    created = sim.storage.get("virtualmachinerestores", NS, CREATE.name)
    assert "targetReadinessPolicy" not in created["spec"]


async def test_candidates(sim: Lab, cluster: Cluster) -> None:
    sim.seed.namespace("staging")
    sim.seed.vm("staging", VM, running=False)

    async def offered(permitted: frozenset[str] | None, **request: Any) -> Observation:
        requested = samples.restore().request.model_copy(update=request)
        restore = samples.restore(request=requested)
        return await cluster.observe(restore, ObservationKind.CANDIDATES, permitted=permitted)

    observation = await offered(None, namespace=None)
    assert observation.candidates.namespaces == (NS, "staging")
    observation = await offered(frozenset({"staging"}), namespace=None)
    assert observation.candidates.namespaces == ("staging",)
    observation = await offered(None, namespace=None, vm="databse-01")
    assert (observation.candidates.namespaces, observation.candidates.vms) == ((), (VM,))
    observation = await offered(frozenset(), namespace=None, vm="databse-01")
    assert observation.candidates.vms == ()
    observation = await offered(None, namespace=None, vm=None)
    assert observation.candidates.vms == (VM,)
    observation = await offered(None, snapshot=None)
    assert [one.name for one in observation.candidates.snapshots] == [SNAP]


# A restore, followed by its looks


def preview(sim: Lab) -> Preview:
    return Preview(
        taken_at=START,
        vm_uid=sim.storage.get("virtualmachines", NS, VM)["metadata"]["uid"],
        vm_status="Stopped",
        run_strategy="Halted",
        snapshot_uid="s",
        snapshot_created=TAKEN,
        claims=(f"{VM}-root", f"{VM}-data"),
    )


async def test_a_restore_is_followed_to_its_end_with_few_requests(
    sim: Lab, cluster: Cluster, act: Act
) -> None:
    shown = preview(sim)
    created = await act(CREATE)
    texts: list[str] = []
    costs: list[int] = []
    bound: list[int] = []
    for _ in range(30):
        before = len(sim.log)
        observation = await look(cluster, ObservationKind.JOB, job=JOB, preview=shown)
        assert observation.job is not None
        costs.append(len(sim.log) - before)
        texts.append(observation.job.progressing)
        bound.append(len([one for one in observation.claims if one.phase == "Bound"]))
        if observation.job.complete:
            break
        assert (observation.vm, observation.vmi) == (None, None), "not read while it runs"
        await sim.passes(1)
    assert observation.job is not None
    assert created == Done(observation.job.uid)
    assert {"Creating new PVCs", "Operation complete"} <= set(texts)
    assert max(costs[:-1]) == 2
    assert costs[-1] == 4
    assert observation.vm is not None
    assert observation.vm.last_restore == f"{CREATE.name}-{observation.job.uid}"
    assert observation.vmi is None
    assert (observation.job.restore_id, observation.job.made_by) == (samples.ID, "U1")
    new = {one.name for one in observation.claims if one.name in observation.job.claims}
    assert len(new) == 2
    assert {one.name for one in observation.claims} - new == set(shown.claims), "left over"
    assert {one.claim for one in observation.vm.volumes if one.holds_data} == new
    await sim.passes(5)
    assert sim.unknown == []


async def test_volumes_that_wait_for_their_first_consumer_are_pending_at_the_end(
    sim: Lab, cluster: Cluster, act: Act
) -> None:
    sim.seed.storage_class("lazy", "WaitForFirstConsumer")
    sim.seed.vm(NS, "web", running=False, disks=[Disk("root", storage_class="lazy")])
    sim.seed.snapshot(NS, "web-snap", "web", created=TAKEN)
    effect = CreateRestore(NS, "web", "web-snap", "restore-web", None, samples.LABELS, ())
    await act(effect)
    await sim.passes(10)
    request = samples.restore().request.model_copy(update={"vm": "web"})
    job = Job(name="restore-web", decided_at=START)
    observation = await look(cluster, ObservationKind.JOB, request=request, job=job)
    assert observation.job is not None
    assert observation.job.complete
    assert [one.phase for one in observation.claims if one.name in observation.job.claims] == [
        "Pending"
    ]


async def test_a_restore_that_hits_a_quota_says_so_and_is_no_failure(
    sim: Lab, cluster: Cluster, act: Act
) -> None:
    sim.seed.quota(NS, "storage", requests_storage="16Gi")
    await sim.passes(1)
    await act(CREATE)
    await sim.passes(5)
    observation = await look(cluster, ObservationKind.JOB, job=JOB)
    assert observation.job is not None
    assert "exceeded quota: storage" in observation.job.ready
    assert (observation.job.complete, observation.job.failure) == (False, None)


async def test_a_restore_of_a_live_vm_fails_at_once(sim: Lab, cluster: Cluster, act: Act) -> None:
    sim.people.start(NS, VM)
    await sim.passes(10)
    await act(CREATE)
    await sim.passes(2)
    observation = await look(cluster, ObservationKind.JOB, job=JOB)
    assert observation.job is not None
    assert (
        observation.job.failure == "Restore target VMI must be powered off before restore operation"
    )
    assert observation.vm is not None
    assert observation.vmi is not None


async def test_a_restore_that_vanished_with_its_vm(sim: Lab, cluster: Cluster, act: Act) -> None:
    await act(CREATE)
    await sim.passes(1)
    sim.people.delete_vm(NS, VM)
    await sim.passes(10)
    observation = await look(cluster, ObservationKind.JOB, job=JOB)
    assert (observation.job, observation.vm) == (None, None)


async def test_a_safety_snapshot_is_followed_until_it_is_ready(
    sim: Lab, cluster: Cluster, act: Act
) -> None:
    safety = Safety(name=samples.PROTECT.name, decided_at=START)
    assert (await look(cluster, ObservationKind.SAFETY, safety=safety)).safety is None
    done = await act(samples.PROTECT)
    before = len(sim.log)
    observation = await look(cluster, ObservationKind.SAFETY, safety=safety)
    assert len(sim.log) - before == 2, "the snapshot, and whether our restore is there already"
    assert observation.safety is not None
    assert done == Done(observation.safety.uid)
    assert not observation.safety.usable
    await sim.passes(10)
    found = (await look(cluster, ObservationKind.SAFETY, safety=safety)).safety
    assert found is not None
    assert found.usable
    assert set(found.included) == {"root", "data"}
    assert found.restore_id == samples.ID


# Effects


async def test_stop_and_start_of_a_vm_that_runs_always(
    sim: Lab, cluster: Cluster, act: Act
) -> None:
    sim.people.start(NS, VM)
    await sim.passes(10)
    assert await act(StopVm(NS, VM)) == Done()
    await sim.passes(1)
    assert await act(StopVm(NS, VM)) == Done(), "is stopping already"
    await sim.passes(10)
    observation = await look(cluster, ObservationKind.VMI)
    assert observation.vmi is None
    assert await act(StopVm(NS, VM)) == Done(), "has stopped already"
    assert await act(StartVm(NS, VM)) == Done()
    await sim.passes(10)
    assert await act(StartVm(NS, VM)) == Done(), "runs already"


async def test_a_guest_that_ignores_the_shutdown_is_stopped_by_force(
    sim: Lab, cluster: Cluster, act: Act
) -> None:
    sim.people.ignore_shutdown(NS, VM)
    sim.people.start(NS, VM)
    await sim.passes(10)
    assert await act(StopVm(NS, VM)) == Done()
    await sim.passes(10)
    assert (await look(cluster, ObservationKind.VMI)).vmi is not None
    assert await act(StopVm(NS, VM, force=True)) == Done()
    assert await act(StopVm(NS, VM, force=True)) == Done(), "twice"
    await sim.passes(10)
    assert (await look(cluster, ObservationKind.VMI)).vmi is None


async def test_the_rest_of_a_guest_that_powered_itself_off_is_cleared(
    sim: Lab, cluster: Cluster, act: Act
) -> None:
    sim.seed.vm(NS, "web", running=True, run_strategy="Manual")
    await sim.passes(1)
    sim.people.power_off(NS, "web")
    await sim.passes(10)
    request = samples.restore().request.model_copy(update={"vm": "web"})
    observation = await look(cluster, ObservationKind.VMI, request=request)
    assert observation.vm is not None
    assert observation.vmi is not None
    assert (observation.vm.status, observation.vmi.final) == ("Stopped", True)
    assert await act(StopVm(NS, "web")) == Done(), "which does not help"
    assert await act(ClearVmi(NS, "web", "another-uid")) == Done()
    await sim.passes(2)
    assert (await look(cluster, ObservationKind.VMI, request=request)).vmi is not None
    assert await act(ClearVmi(NS, "web", observation.vmi.uid)) == Done()
    assert await act(ClearVmi(NS, "web", observation.vmi.uid)) == Done()
    await sim.passes(10)
    assert (await look(cluster, ObservationKind.VMI, request=request)).vmi is None


async def test_each_create_twice_makes_one_object(sim: Lab, act: Act) -> None:
    first = await act(samples.PROTECT)
    assert await act(samples.PROTECT) == first
    await sim.passes(15)
    first = await act(CREATE)
    assert await act(CREATE) == first, "while it is unfinished"
    await sim.passes(15)
    assert await act(CREATE) == first, "when it is complete"
    assert len(creates(sim, "virtualmachinesnapshots")) == 1
    assert len(creates(sim, "virtualmachinerestores")) == 1


@pytest.mark.parametrize("wait", [0, 15], ids=["unfinished", "complete"])
async def test_a_create_with_a_lost_answer_finds_its_own_object_again(
    wait: float, sim: Lab, act: Act
) -> None:
    sim.faults.add(Rule(DropAfter(), verb="create", resource="virtualmachinerestores"))
    with pytest.raises(Temporary):
        await act(CREATE)
    await sim.passes(wait)
    stored = sim.storage.get("virtualmachinerestores", NS, CREATE.name)
    assert await act(CREATE) == Done(stored["metadata"]["uid"])
    assert len(sim.storage.objects("virtualmachinerestores", NS)) == 1


async def test_a_snapshot_with_a_lost_answer_finds_its_own_object_again(sim: Lab, act: Act) -> None:
    sim.faults.add(Rule(DropAfter(), verb="create", resource="virtualmachinesnapshots"))
    with pytest.raises(Temporary):
        await act(samples.PROTECT)
    stored = sim.storage.get("virtualmachinesnapshots", NS, samples.PROTECT.name)
    assert await act(samples.PROTECT) == Done(stored["metadata"]["uid"])


async def test_a_stop_whose_answer_is_lost_is_found_done(sim: Lab, act: Act) -> None:
    sim.people.start(NS, VM)
    await sim.passes(10)
    sim.faults.add(Rule(DropAfter(), method="PUT", subresource="stop"))
    with pytest.raises(Temporary):
        await act(StopVm(NS, VM))
    await sim.passes(1)
    assert await act(StopVm(NS, VM)) == Done()
    stops = [one for one in sim.log if one.subresource == "stop"]
    assert len(stops) == 2, "each attempt was sent once"


async def test_a_name_taken_by_somebody_else_is_refused(sim: Lab, act: Act) -> None:
    sim.people.create_snapshot(NS, samples.PROTECT.name, VM)
    sim.people.create_restore(NS, CREATE.name, VM, SNAP)
    for effect in (samples.PROTECT, CREATE):
        assert isinstance(await act(effect), ApiRejection)
    await sim.passes(20)
    for effect in (samples.PROTECT, CREATE):
        assert isinstance(await act(effect), ApiRejection)


async def test_a_restore_is_deleted_by_its_uid_and_no_other(sim: Lab, act: Act) -> None:
    made = await act(CREATE)
    assert isinstance(made, Done)
    await sim.passes(1)
    assert await act(DeleteRestore(NS, CREATE.name, "another-uid")) == Done()
    await sim.passes(1)
    assert sim.storage.find("virtualmachinerestores", NS, CREATE.name) is not None
    for _ in range(2):
        assert await act(DeleteRestore(NS, CREATE.name, made.uid or "")) == Done()
        await sim.passes(2)
    assert sim.storage.find("virtualmachinerestores", NS, CREATE.name) is None


async def test_a_vm_is_not_started_while_it_is_restored(sim: Lab, act: Act) -> None:
    await act(CREATE)
    await sim.passes(1)
    result = await act(StartVm(NS, VM))
    assert isinstance(result, ApiRejection)
    assert "Cannot update VM runStrategy until restore" in result.text


async def test_a_start_on_the_heels_of_another_comes_back_later(sim: Lab, act: Act) -> None:
    sim.seed.vm(NS, "web", running=False, run_strategy="Manual")
    await sim.pause_controllers(virt_only=True)
    assert await act(StartVm(NS, "web")) == Done()
    with pytest.raises(Temporary):
        await act(StartVm(NS, "web"))
    sim.resume_controllers(virt_only=True)
    await sim.passes(10)
    assert await act(StartVm(NS, "web")) == Done()


async def test_the_feature_gate_is_off(sim: Lab, cluster: Cluster) -> None:
    sim.knobs.snapshot_gate = False
    observation = await look(cluster, ObservationKind.FULL)
    assert observation.dry_run is not None
    assert "feature gate not enabled" in observation.dry_run.text


async def test_virt_api_is_down(sim: Lab, act: Act) -> None:
    sim.knobs.virt_api_down = True
    for effect in (StopVm(NS, VM), StartVm(NS, VM), CREATE):
        with pytest.raises(Temporary):
            await act(effect)


async def test_a_forbidden_stop_is_a_rejection(sim: Lab, act: Act) -> None:
    sim.deny("update", "virtualmachines/stop", NS)
    result = await act(StopVm(NS, VM))
    assert isinstance(result, ApiRejection)
    assert result.code == 403


# The watch


class Watched:
    """A watch in the background, and the ids it woke."""

    def __init__(self, cluster: Cluster) -> None:
        self.woken: list[str] = []
        self.task = asyncio.create_task(cluster.watch(self._wake))

    async def _wake(self, found: Sequence[RestoreObject]) -> None:
        await asyncio.sleep(0)
        self.woken += [each.restore_id or "" for each in found]


@pytest.fixture
async def watched(cluster: Cluster) -> AsyncIterator[Watched]:
    """A watch that stands."""
    begun = Watched(cluster)
    await wait_until(lambda: cluster.watching, "a watch")
    yield begun
    begun.task.cancel()
    await asyncio.gather(begun.task, return_exceptions=True)


async def test_every_step_of_a_restore_is_woken_by_the_watch(
    sim: Lab, watched: Watched, act: Act
) -> None:
    await act(CREATE)
    await sim.passes(15)
    await wait_until(lambda: len(watched.woken) >= 5, "a wake for each step")
    assert set(watched.woken) == {samples.ID}


async def test_restores_without_our_label_wake_nobody(sim: Lab, watched: Watched, act: Act) -> None:
    sim.people.create_restore(NS, "theirs", VM, SNAP)
    await sim.passes(15)
    await act(CREATE)
    await wait_until(lambda: bool(watched.woken), "a wake for our own")
    assert set(watched.woken) == {samples.ID}


@pytest.mark.parametrize("trouble", ["close", "cut", "expire"])
async def test_a_change_during_a_gap_is_woken(
    *, trouble: str, sim: Lab, cluster: Cluster, clock: HandClock, watched: Watched, act: Act
) -> None:
    """The stream ends; before it is back a restore is made and another one deleted."""
    made = await act(CREATE)
    assert isinstance(made, Done)
    await wait_until(lambda: bool(watched.woken), "the first wake")
    gap = sim.faults.add(Rule(Answer(503), verb="watch", times=None))
    getattr(sim.watches, trouble)()
    await wait_until(lambda: not cluster.watching, "the gap")
    watched.woken.clear()
    sim.storage.remove("virtualmachinerestores", NS, CREATE.name)
    second = CreateRestore(NS, VM, SNAP, "restore-two", None, ((RESTORE_ID, "two"),), ())
    await act(second)
    sim.faults.remove(gap)

    def woken_in_time() -> bool:
        clock.advance(1)
        return {samples.ID, "two"} <= set(watched.woken)

    await wait_until(woken_in_time, "both are woken")


async def test_a_revision_too_old_after_a_gap_is_answered_by_a_new_list(
    sim: Lab, cluster: Cluster, clock: HandClock, watched: Watched, act: Act
) -> None:
    await act(CREATE)
    await wait_until(lambda: bool(watched.woken), "the first wake")
    gap = sim.faults.add(Rule(Answer(500), verb="watch", times=None))
    sim.watches.cut()
    await wait_until(lambda: not cluster.watching, "the gap")
    watched.woken.clear()
    sim.storage.remove("virtualmachinerestores", NS, CREATE.name)
    sim.storage.compact()
    sim.faults.remove(gap)

    def woken_in_time() -> bool:
        clock.advance(1)
        return watched.woken == [samples.ID]

    await wait_until(woken_in_time, "the vanished one is woken")
    await wait_until(lambda: cluster.watching, "the watch is back")


async def test_the_api_server_is_away_for_a_while(
    sim: Lab, cluster: Cluster, clock: HandClock, watched: Watched, act: Act
) -> None:
    port = int(sim.url.rsplit(":", 1)[1])
    await sim.stop()
    await wait_until(lambda: not cluster.watching, "the watch is lost")
    with pytest.raises(Temporary):
        await cluster.ping()
    with pytest.raises(Temporary):
        await look(cluster, ObservationKind.FULL)
    await sim.start(port)
    await cluster.ping()
    await act(CREATE)

    def woken_in_time() -> bool:
        clock.advance(1)
        return samples.ID in watched.woken

    await wait_until(woken_in_time, "a wake after the outage")


async def test_500_restores_cost_one_watch(sim: Lab, watched: Watched) -> None:
    for number in range(500):
        sim.storage.put(
            "virtualmachinerestores",
            {
                "apiVersion": "snapshot.kubevirt.io/v1beta1",
                "kind": "VirtualMachineRestore",
                "metadata": {
                    "namespace": "default",
                    "name": f"r{number}",
                    "uid": f"u{number}",
                    "labels": {RESTORE_ID: f"id{number}", INSTALLATION: "default"},
                },
                "spec": {},
            },
        )
    await wait_until(lambda: len(set(watched.woken)) == 500, "all 500")
    assert len(sim.watches.resources) == 1


async def test_capabilities(sim: Lab, cluster: Cluster) -> None:
    found = await cluster.capabilities()
    assert "v1beta1" in found.served
    assert "targetReadinessPolicy" in (found.restore_fields or ())
    assert found.kubevirt == "v1.9.0"
    await cluster.ping()
    assert sim.unknown == []
