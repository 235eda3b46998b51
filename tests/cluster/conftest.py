import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.cluster.cluster import Cluster
from bot.playground.clock import HandClock
from tests.cluster.wire import CRD_PATH, Wire, crd
from tests.playground.kubevirt.kit import Lab
from tests.tools.fleet import PATIENCE

Connect = Callable[..., Awaitable[Cluster]]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A scripted API server that serves the snapshot API."""
    scripted = Wire()
    await scripted.start()
    scripted.on("GET", CRD_PATH, crd())
    yield scripted
    await scripted.stop()


@pytest.fixture
async def connect(wire: Wire, tmp_path: Path, clock: HandClock) -> AsyncIterator[Connect]:
    """Connect to the scripted server; closed after the test."""
    opened: list[Cluster] = []

    async def connected(*namespaces: str) -> Cluster:
        path = wire.kubeconfig(tmp_path / "kubeconfig")
        cluster = await Cluster.connect(
            "prod", kubeconfig=str(path), context=None, namespaces=namespaces, clock=clock
        )
        opened.append(cluster)
        return cluster

    yield connected
    for cluster in opened:
        await cluster.close()


@pytest.fixture
async def cluster(connect: Connect) -> Cluster:
    """A cluster on the scripted server."""
    return await connect()


@asynccontextmanager
async def connected_to(sim: Lab, clock: HandClock, folder: Path) -> AsyncIterator[Cluster]:
    """The bot's own view of a simulated control plane."""
    path = sim.kubeconfig(folder / "config")
    cluster = await Cluster.connect(
        "prod", kubeconfig=str(path), context=None, namespaces=("*",), clock=clock
    )
    yield cluster
    await cluster.close()


async def wait_until(predicate: Callable[[], bool], what: str) -> None:
    """Wait for something to become true, with a limit and words for what it was."""
    limit = time.monotonic() + PATIENCE
    while not predicate():
        if time.monotonic() > limit:
            pytest.fail(f"did not happen: {what}")
        await asyncio.sleep(0.002)
