"""The simulated cluster answers every recorded request as the live control plane did.

What it does not do is one list in the product, `GAPS`; it refuses that with 501 and says what it is.
No other difference is allowed.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
import yaml

from bot.playground.clock import HandClock
from bot.playground.kubevirt.coverage import GAPS
from bot.playground.kubevirt.server import KubeSim
from tests.cluster import compare, replay
from tests.cluster.replay import Exchange

NS = "production"
VMS = f"/apis/kubevirt.io/v1/namespaces/{NS}/virtualmachines"
VIRT_API = f"/apis/subresources.kubevirt.io/v1/namespaces/{NS}"
APPLY = "application/apply-patch+yaml"
MERGE = "application/strategic-merge-patch+json"
PROTOBUF = "application/vnd.kubernetes.protobuf"

# The recorded requests that fall into a gap.
REFUSED = {"protobuf": {42, 43, 46}}


@pytest.mark.parametrize("exchange", replay.recordings(), ids=lambda one: one.label)
def test_the_answer_is_the_recorded_one(exchange: Exchange) -> None:
    answers, known = replay.played()
    answer = answers[exchange.number]
    if answer.status == 501:
        assert exchange.number in REFUSED[_refused(answer.text)]
    else:
        assert compare.differences(exchange, answer, known) == []


def test_what_is_listed_as_refused_is_refused() -> None:
    answers, _ = replay.played()
    refused = {
        number: _refused(answer.text)
        for number, answer in enumerate(answers)
        if answer.status == 501
    }
    assert refused == {number: what for what, numbers in REFUSED.items() for number in numbers}


@dataclass(frozen=True)
class Probe:
    """A request that falls into a gap."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


PROBES = {
    "protobuf": Probe("GET", VMS, (("Accept", PROTOBUF),)),
    "a watch in YAML": Probe("GET", f"{VMS}?watch=1", (("Accept", "application/yaml"),)),
    "OpenAPI v2": Probe("GET", "/openapi/v2"),
    "subresources of virt-api other than start, stop and restart of a VM": Probe(
        "PUT", f"{VIRT_API}/virtualmachineinstances/web/pause"
    ),
    "logs and other subresources of pods": Probe("GET", f"/api/v1/namespaces/{NS}/pods/web/log"),
    "server-side apply": Probe("PATCH", f"{VMS}/web", (("Content-Type", APPLY),), "{}"),
    "strategic merge of lists and directives": Probe(
        "PATCH",
        f"/api/v1/namespaces/{NS}",
        (("Content-Type", MERGE),),
        '{"metadata": {"ownerReferences": [{"uid": "x"}]}}',
    ),
}


@pytest.fixture
async def sim() -> AsyncIterator[KubeSim]:
    cluster = KubeSim(HandClock())
    cluster.seed.vm(NS, "web", running=False)
    await cluster.start()
    yield cluster
    await cluster.stop()


@pytest.mark.parametrize("gap", GAPS, ids=lambda one: one.what)
async def test_each_gap_is_refused_loudly(gap: object, sim: KubeSim) -> None:
    what = getattr(gap, "what", "")
    probe = PROBES[what]
    headers = {"Authorization": "Bearer token-of-admin", **dict(probe.headers)}
    async with (
        aiohttp.ClientSession() as http,
        http.request(
            probe.method, f"{sim.url}{probe.path}", data=probe.body.encode(), headers=headers
        ) as response,
    ):
        assert response.status == 501
        assert _refused(await response.text()) == what


def test_each_gap_has_its_reason_and_its_probe() -> None:
    assert PROBES.keys() == {gap.what for gap in GAPS}
    assert all(gap.reason for gap in GAPS)


def _refused(text: str) -> str:
    """What a 501 names."""
    said = str(yaml.safe_load(text)["message"])
    return said.removeprefix("the simulated API server does not implement ")
