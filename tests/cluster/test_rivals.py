"""Whatever a dry run is answered with, another restore of the VM is not overlooked.

A rival that waits for its VM to stop leaves no mark on the VM: KubeVirt sets the mark when it begins.
Only the webhook, which a dry run asks, and the list of restores show it. And our own stop would begin it.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.cluster.cluster import Cluster
from bot.playground.clock import START, HandClock
from bot.playground.kubevirt.faults import Answer, Rule
from bot.restore.checks import first_refusal
from bot.restore.model import Phase
from bot.restore.observation import ObservationKind
from bot.restore.reasons import Reason
from bot.restore.stop_and_start import Stop
from tests.cluster import samples
from tests.cluster.conftest import connected_to
from tests.cluster.samples import NS, SNAP, VM
from tests.playground.kubevirt.kit import Lab, settle

RESTORES = "virtualmachinerestores"
RIVAL = "by-hand"


@pytest.fixture
async def sim(clock: HandClock) -> AsyncIterator[Lab]:
    """A cluster with a snapshot of a VM that runs."""
    simulated = Lab(clock)
    simulated.seed.vm(NS, VM)
    simulated.seed.snapshot(NS, SNAP, VM)
    await simulated.start()
    yield simulated
    await simulated.stop()


@pytest.fixture
async def cluster(sim: Lab, clock: HandClock, tmp_path: Path) -> AsyncIterator[Cluster]:
    """The bot's own view of it."""
    async with connected_to(sim, clock, tmp_path) as connected:
        yield connected


ANSWERS: dict[str, tuple[Answer | None, Reason | None]] = {
    "the webhook's own": (None, None),
    "no right to create": (
        Answer(403, "Forbidden", f'User "bot" cannot create resource "{RESTORES}"'),
        Reason.RBAC_FORBIDDEN,
    ),
    "another webhook's no": (
        Answer(403, "Forbidden", 'admission webhook "freeze" denied the request: change freeze'),
        Reason.POLICY_DENIED,
    ),
    "a count quota": (
        Answer(403, "Forbidden", "exceeded quota: objects, requested: count/restores=1"),
        Reason.OBJECT_QUOTA_EXCEEDED,
    ),
    "no such path": (Answer(404, "NotFound", "not found"), Reason.ADMISSION_REFUSED),
    "a webhook that takes no dry run": (
        Answer(400, "BadRequest", 'admission webhook "audit" does not support dry run'),
        Reason.ADMISSION_REFUSED,
    ),
    "an older KubeVirt's, of a VM that runs": (
        Answer(
            422,
            "Invalid",
            'admission webhook "virtualmachinerestore-validator.snapshot.kubevirt.io" denied the '
            f'request: VirtualMachine "{VM}" run strategy has to be Halted',
        ),
        None,
    ),
}


def waits(sim: Lab) -> None:
    """It goes on when the VM stops."""
    sim.people.create_restore(NS, RIVAL, VM, SNAP)


def goes(sim: Lab) -> None:
    """Somebody has deleted it; something holds it."""
    waits(sim)
    rival = sim.storage.get(RESTORES, NS, RIVAL)
    rival["metadata"]["finalizers"] = ["example.com/held"]
    sim.storage.put(RESTORES, rival)
    sim.people.delete_restore(NS, RIVAL)


def is_complete(sim: Lab) -> None:
    """It is over, and blocks nothing."""
    waits(sim)
    rival = sim.storage.get(RESTORES, NS, RIVAL)
    sim.storage.put(RESTORES, {**rival, "status": {"complete": True}})


def of_another_vm(sim: Lab) -> None:
    """It is none of ours."""
    sim.seed.vm(NS, "web")
    sim.seed.snapshot(NS, "of-web", "web")
    sim.people.create_restore(NS, RIVAL, "web", "of-web")


RIVALS: dict[Callable[[Lab], None], str] = {
    waits: "VirtualMachineRestore `by-hand` of this VM waits until the VM is stopped, and begins then.",
    goes: "VirtualMachineRestore `by-hand` of this VM is being deleted, and still there.",
    is_complete: "",
    of_another_vm: "",
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("rival", RIVALS)
async def test_a_check_sees_a_rival_whatever_the_dry_run_is_answered_with(
    rival: Callable[[Lab], None], answer: str, sim: Lab, cluster: Cluster
) -> None:
    rival(sim)
    await settle(sim)
    said, alone = ANSWERS[answer]
    if said is not None:
        sim.faults.add(Rule(said, verb="create", resource=RESTORES, dry_run=True, times=None))
    restore = samples.restore()
    observation = await cluster.observe(restore, ObservationKind.FULL, samples.CREATE)
    assert observation.vm is not None
    assert observation.vm.restore_in_progress is None
    refusal = first_refusal(observation, restore)
    told = RIVALS[rival]
    expected = Reason.RESTORE_IN_PROGRESS if told else alone
    assert (refusal.reason if refusal else None) == expected
    if told and refusal:
        assert refusal.found.startswith(told)


async def test_a_check_without_a_dry_run_sees_a_rival(sim: Lab, cluster: Cluster) -> None:
    """The snapshot is gone; the rival may be this very restore, of which the document knows nothing."""
    waits(sim)
    sim.people.delete_snapshot(NS, SNAP)
    await settle(sim)
    sim.storage.remove("virtualmachineinstances", NS, VM)
    sim.people.edit_vm(NS, VM, {"spec": {"runStrategy": "Halted"}})
    observation = await cluster.observe(samples.restore(), ObservationKind.FULL, samples.CREATE)
    assert (observation.vmi, observation.snapshot, observation.dry_run) == (None, None, None)
    assert [each.name for each in observation.restores] == [RIVAL]


STOPS = {"phase": Phase.STOPPING, "stop": Stop(strategy="Always")}
ACTS = [(ObservationKind.VMI, STOPS), (ObservationKind.RECHECK, {})]


@pytest.mark.parametrize(("kind", "before"), ACTS)
async def test_the_look_before_an_act_sees_a_rival_that_nothing_else_shows(
    kind: ObservationKind, before: dict[str, Any], sim: Lab, cluster: Cluster
) -> None:
    """Also where the webhook is gone, and a dry run was accepted."""
    waits(sim)
    await settle(sim)
    observation = await cluster.observe(samples.restore(**before), kind)
    assert [each.name for each in observation.restores] == [RIVAL]


async def test_a_stop_that_is_under_way_is_watched_without_the_list(
    sim: Lab, cluster: Cluster
) -> None:
    waits(sim)
    sent = STOPS | {"stop": Stop(strategy="Always", asked_at=START)}
    observation = await cluster.observe(samples.restore(**sent), ObservationKind.VMI)
    assert observation.restores == ()
