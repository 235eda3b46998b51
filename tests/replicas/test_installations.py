"""Two installations in one Slack workspace on one Redis, each with a cluster that it calls `default`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bot.clock import Clock
from bot.playground.kubevirt.server import KubeSim
from bot.playground.stage import Stage, access
from bot.playground.world import World, world
from bot.restore.effects import INSTALLATION
from tests.replicas.cast import Actor, hurry
from tests.stories import acts
from tests.tools.fleet import Fleet, Replica

VM = "vm-1"
HOUSE = Path(__file__).parent.parent.parent


@pytest.fixture
async def sites(tmp_path: Path) -> AsyncIterator[Mapping[str, Fleet]]:
    """East and west: a cluster each, with a VM of the same name; Slack and Redis are one."""
    async with AsyncExitStack() as stack:
        (tmp_path / "east").mkdir()
        (tmp_path / "west").mkdir()
        east = await stack.enter_async_context(
            world(tmp_path / "east", clock=Clock(), socket_mode=False)
        )
        kube = KubeSim(east.clock, seed=1)
        await kube.start()
        stack.push_async_callback(kube.stop)
        west = replace(east, kube=kube, directory=tmp_path / "west", bot=None)
        found = {}
        for name, site in {"east": east, "west": west}.items():
            hurry(site)
            site.kube.seed.namespace("production")
            site.kube.seed.vm("production", VM, running=False, run_strategy="Halted")
            site.kube.seed.snapshot("production", f"before-{VM}", VM)
            found[name] = await stack.enter_async_context(Fleet(site))
        yield found


def somebody(site: World, name: str) -> Actor:
    """A person with a VM on this site."""
    person, bob = site.slack.person(name), site.slack.person(f"{name}-2")
    channel = site.slack.channel(f"incident-{name}", person, bob)
    site.config = {**access(person), **site.config}
    return Actor(Stage(site, person, bob, channel), VM, live=False)


def heard_by(replica: Replica, site: World) -> None:
    """What is said in Slack goes to this installation."""
    site.slack.use_http(f"http://127.0.0.1:{replica.port()}/slack/events")


async def test_each_request_is_carried_out_on_its_own_cluster(sites: Mapping[str, Fleet]) -> None:
    actors, replicas = {}, {}
    for name, fleet in sites.items():
        fleet.world.config = {"installation": name}
        actors[name] = somebody(fleet.world, name)
        [replicas[name]] = await fleet.start()
    for name, fleet in sites.items():
        heard_by(replicas[name], fleet.world)
        await actors[name].ask()
        await actors[name].sees(acts.TYPE_IT)
    for name, fleet in sites.items():
        heard_by(replicas[name], fleet.world)
        await actors[name].go_on()
    for name in sites:
        [created] = actors[name].created()
        assert created.body is not None
        assert created.body["metadata"]["labels"][INSTALLATION] == name


async def test_a_second_installation_of_the_same_name_is_refused(
    sites: Mapping[str, Fleet],
) -> None:
    """It ends as with any wrong setting; `clusters forget` is the way out for a cluster built anew."""
    east, west = sites["east"], sites["west"]
    somebody(east.world, "east")
    somebody(west.world, "west")
    await east.start()
    second = west.begin()
    assert await second.exited() == 2
    said = second.output.read_text()
    assert 'installation: cluster default: installation "default" knows another cluster' in said
    assert "Traceback" not in said
    assert await forget(west.world, "defualt") == (
        1,
        'installation "default" knows no cluster defualt; known: default\n',
    )
    assert await forget(west.world, "default") == (
        0,
        "forgotten: default stands for the cluster that the bot meets next\n",
    )
    await west.start()


async def forget(site: World, cluster: str) -> tuple[int | None, str]:
    """`vm-restore-bot clusters forget`: its exit code and what it says."""
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "clusters", "forget", cluster),
        env={**site.environment(), "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        cwd=HOUSE,
    )
    out, _ = await command.communicate()
    return command.returncode, out.decode()
