"""A simulated cluster on a hand clock, and the real client against it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground.clock import HandClock
from bot.playground.kubevirt.server import KubeSim
from tests.playground.kubevirt.kit import NS, KubeClient, Lab, connected


@pytest.fixture
def clock() -> HandClock:
    """A clock that only the test moves."""
    return HandClock()


@pytest.fixture
async def sim(clock: HandClock) -> AsyncIterator[Lab]:
    """A running cluster with one namespace."""
    cluster = Lab(clock)
    cluster.seed.namespace(NS)
    await cluster.start()
    yield cluster
    await cluster.stop()


@pytest.fixture
async def admin(sim: KubeSim, tmp_path: Path) -> AsyncIterator[KubeClient]:
    """A client that may do everything."""
    async with connected(sim, tmp_path / "admin") as made:
        yield made


@pytest.fixture
async def bot(sim: KubeSim, tmp_path: Path) -> AsyncIterator[KubeClient]:
    """A client with the bot's own rights."""
    async with connected(sim, tmp_path / "bot", "vm-restore-bot") as made:
        yield made
