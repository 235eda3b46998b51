"""The rights that the bot asks for, and what it tells the log about what is forbidden."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.cluster.cluster import Cluster
from bot.cluster.rights import RIGHTS, ClusterRight
from bot.playground.clock import HandClock
from bot.playground.kubevirt import authorization
from bot.playground.kubevirt.faults import Answer, Rule
from bot.playground.kubevirt.server import KubeSim
from bot.restore.observation import ObservationKind
from tests.cluster import samples
from tests.cluster.samples import NS, SNAP, VM

FORBIDDEN = "the cluster forbids it"
ALLOWED = "the cluster allows it again"


@pytest.fixture
async def sim(clock: HandClock) -> AsyncIterator[KubeSim]:
    simulated = KubeSim(clock)
    simulated.seed.vm(NS, VM, running=False)
    simulated.seed.snapshot(NS, SNAP, VM)
    await simulated.start()
    yield simulated
    await simulated.stop()


@pytest.fixture
async def cluster(sim: KubeSim, clock: HandClock, tmp_path: Path) -> AsyncIterator[Cluster]:
    path = sim.kubeconfig(tmp_path / "config")
    connected = await Cluster.connect(
        "prod", kubeconfig=str(path), context=None, namespaces=(), clock=clock
    )
    yield connected
    await connected.close()


def reviews(sim: KubeSim) -> list[str]:
    """What was asked about the bot's own rights."""
    return [call.resource for call in sim.log if call.group == "authorization.k8s.io"]


async def test_one_request_tells_that_nothing_is_missing(sim: KubeSim, cluster: Cluster) -> None:
    assert await cluster.rights.missing(NS) == ()
    assert reviews(sim) == ["selfsubjectrulesreviews"]


@pytest.mark.parametrize("right", RIGHTS, ids=str)
async def test_each_right_is_missed(sim: KubeSim, cluster: Cluster, right: ClusterRight) -> None:
    sim.deny(right.verb, right.resource, NS)
    assert await cluster.rights.missing(NS) == (right,)
    assert await cluster.rights.missing("elsewhere") == ()


async def test_what_the_list_of_rules_does_not_show_is_asked_for(
    sim: KubeSim, cluster: Cluster
) -> None:
    """Another authorizer than RBAC may allow what it cannot list: here it lists nothing."""
    sim.faults.add(Rule(Answer(201), resource="selfsubjectrulesreviews"))
    assert await cluster.rights.missing(NS) == ()
    assert len(reviews(sim)) == 1 + len(RIGHTS)


async def test_a_right_to_objects_of_some_names_is_none(sim: KubeSim, cluster: Cluster) -> None:
    rules = sim.authorizer.accounts["vm-restore-bot"].rules
    bare = [each for each in rules if "virtualmachines/stop" not in each.resources]
    rules[:] = bare
    named = ("virtualmachines/stop", "virtualmachines/start")
    sim.allow(
        "vm-restore-bot",
        authorization.Rule(("update",), ("subresources.kubevirt.io",), named, names=("other",)),
    )
    missing = [str(each) for each in await cluster.rights.missing(NS)]
    assert missing == ["update virtualmachines/start", "update virtualmachines/stop"]


async def test_rights_in_one_namespace_are_none_everywhere(sim: KubeSim, cluster: Cluster) -> None:
    sim.confine("default")
    assert await cluster.rights.missing(None) == RIGHTS


async def test_a_cluster_that_does_not_tell_is_believed_to_allow_it(
    sim: KubeSim, cluster: Cluster
) -> None:
    sim.deny("create", "selfsubjectrulesreviews")
    sim.deny("list", "pods")
    assert await cluster.rights.missing(NS) == ()


async def test_what_is_whole_is_kept_for_five_minutes_and_until_a_403(
    sim: KubeSim, cluster: Cluster, clock: HandClock
) -> None:
    for _ in range(3):
        assert await cluster.rights.needed_and_missing(NS) == ()
    assert len(reviews(sim)) == 1
    clock.advance(300)
    await cluster.rights.needed_and_missing(NS)
    assert len(reviews(sim)) == 2
    sim.deny("list", "resourcequotas", NS)
    assert await cluster.rights.needed_and_missing(NS) == ()
    assert (await cluster.observe(samples.restore(), ObservationKind.FULL)).forbidden is not None
    assert await cluster.rights.needed_and_missing(NS) == ("list resourcequotas",)


async def test_a_403_leaves_one_line_and_another_when_it_is_over(
    sim: KubeSim, cluster: Cluster
) -> None:
    with capture_logs() as lines:
        for _ in range(3):
            await cluster.observe(samples.restore(), ObservationKind.RECHECK)
        sim.deny("get", "virtualmachines", NS)
        for _ in range(3):
            await cluster.observe(samples.restore(), ObservationKind.RECHECK)
        sim.undeny()
        for _ in range(3):
            await cluster.observe(samples.restore(), ObservationKind.RECHECK)
    path = f"/apis/kubevirt.io/v1/namespaces/{NS}/virtualmachines/{{name}}"
    told = [(line["event"], line["method"], line["path"]) for line in lines if "path" in line]
    assert told == [(FORBIDDEN, "GET", path), (ALLOWED, "GET", path)]


async def test_missing_rights_are_told_soon_after_the_start(sim: KubeSim, cluster: Cluster) -> None:
    sim.deny("delete", "virtualmachineinstances")
    with capture_logs() as lines:
        await cluster.tell_rights()
    [line] = [each for each in lines if each["event"] == "rights are missing"]
    assert (line["namespace"], line["rights"]) == ("*", ["delete virtualmachineinstances"])


async def test_a_diagnosis_that_the_chart_leaves_out_is_no_warning(
    sim: KubeSim, cluster: Cluster
) -> None:
    """`rbac.diagnosis: false` is a choice; a part of it that is missing is a mistake."""
    chosen = [each for each in RIGHTS if each.diagnosis]
    sim.deny(chosen[0].verb, chosen[0].resource)
    with capture_logs() as lines:
        await cluster.tell_rights()
        for each in chosen[1:]:
            sim.deny(each.verb, each.resource)
        await cluster.tell_rights()
    told = [line["rights"] for line in lines if line["event"] == "rights are missing"]
    assert told == [[str(chosen[0])]]
