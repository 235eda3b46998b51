"""Two real servers with replication: the promoted one never heard of the create that was made.

The first writes everything to its disk before it answers, and its replica is cut off just before the
restore is decided on. A new bot on the promoted replica finds a document that was confirmed and not
carried out. The cluster knows better.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.clock import Clock
from bot.playground.world import World, world
from bot.restore.model import Phase
from bot.store import connect
from tests.replicas.cast import Actor, cast, hurry
from tests.store import servers
from tests.stories.conftest import documents
from tests.tools.fleet import Fleet, until
from tests.tools.invariants import Invariants


@dataclass(frozen=True, slots=True)
class Pair:
    """A server and its replica."""

    first: str
    second: str

    async def replicated(self) -> None:
        """Wait until the replica has everything."""

        async def has_all() -> bool:
            # WAIT is about the writes of its own connection, and what came before them.
            async with connect(self.first) as client, client.pipeline(transaction=False) as pipe:
                pipe.set("a-write", "1", px=1000)
                pipe.execute_command("WAIT", "1", "1000")
                return bool((await pipe.execute())[-1])

        await servers.wait_until("the replica has everything", has_all)

    async def cut_off(self) -> None:
        """The replica hears nothing more, and takes writes: it is promoted."""
        async with connect(self.second) as client:
            await client.execute_command("REPLICAOF", "NO", "ONE")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Both write to their disk before they answer."""
    ports = servers.free_port(), servers.free_port()
    safe = ("--appendonly", "yes", "--appendfsync", "always")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    replica = ("--replicaof", f"127.0.0.1 {ports[0]}", "--repl-diskless-sync-delay", "0")
    with (
        servers.process(tmp_path / "first", ports[0], *safe, "--repl-diskless-sync-delay", "0"),
        servers.process(tmp_path / "second", ports[1], *safe, *replica),
    ):
        yield Pair(*(f"redis://127.0.0.1:{port}" for port in ports))


@dataclass(frozen=True, slots=True)
class Scene:
    """A world on the first server, one person, and bots as processes."""

    world: World
    fleet: Fleet
    pair: Pair
    actor: Actor


@pytest.fixture
async def scene(tmp_path: Path, pair: Pair) -> AsyncIterator[Scene]:
    """At the end every invariant has held, by what the promoted server knows."""
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(
            world(tmp_path, clock=Clock(), lent_redis=pair.first)
        )
        hurry(made)
        (actor,) = cast(made, 1)
        invariants = Invariants(made)
        fleet = await stack.enter_async_context(Fleet(made))
        yield Scene(made, fleet, pair, actor)
        assert invariants.judge(await documents(made)) == []


async def phase(scene: Scene) -> Phase:
    """Where the one restore stands."""
    (restore,) = await documents(scene.world)
    return restore.phase


@pytest.mark.parametrize("told", [False, True], ids=["just made", "told, and the VM runs"])
async def test_a_fail_over_that_loses_the_create_makes_no_second_one(
    scene: Scene, told: bool
) -> None:
    actor, kube = scene.actor, scene.world.kube
    (bot,) = await scene.fleet.start()
    await actor.ask()
    await actor.type_name()
    await kube.go_away()
    await actor.confirm()

    async def confirmed() -> bool:
        return await phase(scene) is Phase.RESTORING

    await servers.wait_until("the click is stored", confirmed)
    await scene.pair.replicated()
    await scene.pair.cut_off()
    await kube.start()
    await until(actor.created, "the restore is made")
    if told:
        await actor.result()
        kube.people.start("production", actor.vm)
        await until(lambda: _runs(scene), "the VM runs")
    bot.kill()
    scene.world.redis_url = scene.pair.second
    assert await phase(scene) is Phase.RESTORING, "the create is lost here"
    await scene.fleet.start()

    async def over() -> bool:
        return await phase(scene) is Phase.SUCCEEDED

    await servers.wait_until("the new bot has found what was done", over)
    await actor.result()
    assert len(actor.created()) == 1
    assert len(actor.stage.creates("virtualmachinerestores")) == 1
    assert _runs(scene) is told


def _runs(scene: Scene) -> bool:
    return (
        scene.world.kube.storage.find("virtualmachineinstances", "production", scene.actor.vm)
        is not None
    )
