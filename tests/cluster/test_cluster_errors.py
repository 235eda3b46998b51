"""What each failure on the wire becomes, and that no token is ever in it."""

import asyncio
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web

from bot.cluster import client
from bot.cluster.cluster import Cluster
from bot.errors import NotTaken, Permanent, Temporary
from bot.playground.clock import START, HandClock
from bot.restore.events import Done
from bot.restore.observation import ApiRejection, ObservationKind
from tests.cluster import samples
from tests.cluster.conftest import Connect
from tests.cluster.wire import (
    CRD_PATH,
    SNAPSHOT_API,
    Answer,
    Wire,
    breaks,
    listing,
    plain,
    refuses,
    says,
)

VERSION = "/version"
STOP = "/apis/subresources.kubevirt.io/v1/namespaces/production/virtualmachines/database-01/stop"


async def test_ping_is_one_request_to_the_version(wire: Wire, cluster: Cluster) -> None:
    wire.on("GET", VERSION, says({"gitVersion": "v1.33.0"}))
    await cluster.ping()
    assert [one.path for one in wire.seen] == [VERSION]
    assert wire.seen[0].headers["Authorization"] == "Bearer very-secret"
    assert wire.seen[0].headers["User-Agent"].startswith("vm-restore-bot/")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(refuses(429, "too many requests"), id="429"),
        pytest.param(refuses(500, "etcd leader changed"), id="500"),
        pytest.param(plain(502, "<html>Bearer very-secret</html>"), id="502 of a proxy"),
        pytest.param(plain(503), id="503 without a body"),
        pytest.param(refuses(504, "timeout"), id="504"),
        pytest.param(breaks(), id="connection closed"),
        pytest.param(plain(200, "<html>log in</html>"), id="a log-in page"),
        pytest.param(
            refuses(500, 'Internal error occurred: failed calling webhook "v": refused'),
            id="webhook down",
        ),
    ],
)
async def test_what_may_work_later_is_temporary(
    answer: Answer, wire: Wire, cluster: Cluster
) -> None:
    wire.on("GET", VERSION, answer)
    with pytest.raises(Temporary) as caught:
        await cluster.ping()
    assert caught.value.what.startswith("cluster prod: ")
    assert "very-secret" not in "".join(traceback.format_exception(caught.value))


async def test_an_effect_whose_answer_is_lost_is_sent_once(wire: Wire, cluster: Cluster) -> None:
    wire.on("PUT", STOP, breaks())
    with pytest.raises(Temporary):
        await cluster.perform(samples.STOP, not_after=samples.LATER)
    assert len(wire.requests("PUT", STOP)) == 1


@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        pytest.param(breaks(), True, id="broken off"),
        pytest.param(refuses(500, "etcdserver: request timed out"), True, id="500"),
        pytest.param(refuses(503, "etcdserver: leader changed"), True, id="503"),
        pytest.param(plain(504, "upstream request timeout"), True, id="a proxy's 504"),
        pytest.param(refuses(429, "slow down"), False, id="429"),
        pytest.param(
            refuses(500, 'Internal error occurred: failed calling webhook "v": refused'),
            False,
            id="webhook down",
        ),
        pytest.param(
            refuses(409, "the object has been modified; please apply your changes", "Conflict"),
            False,
            id="lost a race",
        ),
    ],
)
async def test_an_act_counts_as_not_taken_only_where_that_is_sure(
    answer: Answer, taken: bool, wire: Wire, cluster: Cluster
) -> None:
    """What may have been taken may be carried out later, too: it is not sent again soon."""
    wire.on("PUT", STOP, answer)
    with pytest.raises(Temporary) as caught:
        await cluster.perform(samples.STOP, not_after=samples.LATER)
    assert isinstance(caught.value, NotTaken) is not taken


async def test_an_act_that_did_not_go_out_was_not_taken(wire: Wire, cluster: Cluster) -> None:
    with pytest.raises(NotTaken, match="the lease is over"):
        await cluster.perform(samples.STOP, not_after=START)
    wire.on("GET", CRD_PATH, refuses(500, "etcdserver: request timed out"))
    with pytest.raises(NotTaken, match="etcdserver"):
        await cluster.perform(samples.CREATE, not_after=samples.LATER)


async def test_nobody_listening_is_temporary(wire: Wire, cluster: Cluster) -> None:
    await wire.stop()
    with pytest.raises(Temporary, match="cannot be reached"):
        await cluster.ping()
    with pytest.raises(NotTaken, match="cannot be reached"):
        await cluster.perform(samples.STOP, not_after=samples.LATER)


async def test_an_answer_that_does_not_come_is_temporary(
    wire: Wire, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SECONDS", 0.05)
    over = asyncio.Event()

    async def never(_: web.Request) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    wire.on("GET", VERSION, never)
    with pytest.raises(Temporary, match="did not answer in time"):
        await cluster.ping()
    over.set()


async def test_a_server_without_tls_is_temporary(
    wire: Wire, tmp_path: Path, clock: HandClock
) -> None:
    wire.url = wire.url.replace("http:", "https:")
    path = wire.kubeconfig(tmp_path / "kubeconfig")
    cluster = await Cluster.connect(
        "prod", kubeconfig=str(path), context=None, namespaces=(), clock=clock
    )
    with pytest.raises(Temporary, match="no TLS connection that can be trusted"):
        await cluster.ping()
    await cluster.close()


def test_limits_of_time_stay_below_the_lease_of_a_worker(own_limits: Mapping[str, float]) -> None:
    room = "bot.cluster.client"
    assert own_limits[f"{room}.CONNECT_SECONDS"] < own_limits[f"{room}.SECONDS"] < 25


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "7"}, 7.0), ({"Retry-After": "soon"}, None), ({}, None)],
)
async def test_the_time_to_come_back_is_kept(
    headers: dict[str, str], seconds: float | None, wire: Wire, cluster: Cluster
) -> None:
    wire.on("GET", VERSION, refuses(429, "slow down", headers=headers))
    with pytest.raises(Temporary) as caught:
        await cluster.ping()
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("path", "answer", "known"),
    [(VERSION, 200, True), (VERSION, 403, True), (VERSION, 502, False), (STOP, 202, False)],
    ids=["an answer", "a refusal", "by a proxy", "by virt-api"],
)
async def test_the_time_of_the_api_server_is_its_own(
    path: str, answer: int, known: bool, wire: Wire, cluster: Cluster
) -> None:
    date = {"Date": format_datetime(START + timedelta(minutes=7), usegmt=True)}
    wire.on("GET", VERSION, says({}, answer, date))
    wire.on("PUT", STOP, says({}, answer, date))
    with suppress(Temporary, Permanent):
        if path == VERSION:
            await cluster.ping()
        else:
            await cluster.perform(samples.STOP, not_after=samples.LATER)
    assert cluster.clock.ahead == (timedelta(minutes=7) if known else timedelta())


async def test_a_token_that_is_not_taken_is_permanent(wire: Wire, cluster: Cluster) -> None:
    wire.on("GET", VERSION, refuses(401, "Unauthorized", "Unauthorized"))
    with pytest.raises(Permanent) as caught:
        await cluster.ping()
    assert caught.value.reason == "unauthorized"


async def test_a_rejection_carries_the_message_and_no_more_than_fits(
    wire: Wire, cluster: Cluster
) -> None:
    wire.on("PUT", STOP, refuses(422, "x" * 5000, "Invalid"))
    result = await cluster.perform(samples.STOP, not_after=samples.LATER)
    assert result == ApiRejection(422, "Invalid", "x" * 1000)


async def test_an_empty_answer_is_a_good_one(wire: Wire, cluster: Cluster) -> None:
    wire.on("PUT", STOP, plain(202))
    assert await cluster.perform(samples.STOP, not_after=samples.LATER) == Done()


@pytest.mark.parametrize("name", ["../secrets", "UPPER", "a/b", "", "-x", "a..b", "x" * 254])
async def test_a_name_that_no_object_can_have_is_not_asked_for(
    name: str, wire: Wire, connect: Connect
) -> None:
    """Only the restore's own objects are, by its label."""
    cluster = await connect()
    own = f"{SNAPSHOT_API}/namespaces/production/virtualmachinerestores"
    wire.on("GET", own, listing())
    request = samples.restore().request.model_copy(update={"vm": name})
    observation = await cluster.observe(samples.restore(request=request), ObservationKind.VMI)
    assert (observation.vm, observation.vmi) == (None, None)
    assert {one.path for one in wire.seen} <= {CRD_PATH, own}
