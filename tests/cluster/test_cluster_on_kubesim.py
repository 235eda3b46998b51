"""The whole room against a simulated control plane, with the real client in between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cluster.cluster import Cluster
from bot.errors import Temporary
from bot.playground.clock import START, HandClock
from bot.playground.kubevirt.faults import Answer, DropAfter, Rule
from bot.playground.kubevirt.seed import Disk
from bot.restore.announcements import Announcement
from bot.restore.effects import REQUESTED_BY, RESTORE_ID
from bot.restore.events import (
    CreateRestore,
    Done,
    Effect,
)
from bot.restore.model import Job, Preview, Safety
from bot.restore.observation import ApiRejection, Observation, ObservationKind, RestoreObject
from tests.cluster import samples
from tests.cluster.conftest import connected_to, wait_until
from tests.cluster.samples import NS, SNAP, VM
from tests.playground.kubevirt.kit import Lab

Act = Callable[[Effect], Awaitable[Done | ApiRejection]]

TAKEN = START - timedelta(hours=6, minutes=30)
CREATE = CreateRestore(
    NS, VM, SNAP, samples.CREATE.name, None, samples.LABELS, ((REQUESTED_BY, "U1"),)
)
JOB = Job(name=CREATE.name, decided_at=START, looked_at=START)


TOLD = Announcement(NS, VM, "vm-1", "restore-1.begun", "RestoreBegun", "It begins.", START)


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
    async with connected_to(sim, clock, tmp_path) as connected:
        yield connected


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


async def test_further_full_looks_do_not_read_the_schema_again(sim: Lab, cluster: Cluster) -> None:
    await look(cluster, ObservationKind.FULL)
    before = len(sim.log)
    await look(cluster, ObservationKind.FULL)
    assert len(sim.log) - before == 6 + 4, (
        "six, and each of the claims of its two disks with its copy"
    )


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


async def test_an_event_on_a_vm_is_there_once(sim: Lab, cluster: Cluster) -> None:
    """Whoever takes a restore over tells it again, under the same name."""
    await cluster.announce(TOLD)
    await cluster.announce(TOLD)
    [event] = [each for each in sim.storage.view("events", NS) if each["reason"] == TOLD.reason]
    about = {"kind": "VirtualMachine", "namespace": NS, "name": VM, "uid": "vm-1"}
    assert event["involvedObject"] == {"apiVersion": "kubevirt.io/v1", **about}
    assert (event["message"], event["count"], event["type"]) == (TOLD.text, 1, "Normal")


@pytest.mark.parametrize(
    "answer", [Answer(503, "ServiceUnavailable", "-"), Answer(403, "Forbidden", "-")]
)
async def test_an_event_that_cannot_be_written_is_no_error(
    sim: Lab, cluster: Cluster, answer: Answer
) -> None:
    """Where the bot may write none, it tries none for an hour."""
    sim.faults.add(Rule(answer, verb="create", resource="events", times=None))
    await cluster.announce(TOLD)
    await cluster.announce(TOLD)
    tried = [call.code for call in sim.log if call.resource == "events"]
    assert tried == [answer.code] * (1 if answer.code == 403 else 2)
