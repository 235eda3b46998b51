"""Several `vm-restore-bot run` on one Redis, one Slack app and one cluster, and what befalls them.

The clock is the machine's. Seeds choose what is hit and when; processes are never repeatable to the
millisecond, so what is asserted holds whatever moment was hit, and however long a slow machine takes.
Who should not have to wait for a lease has a very long one here.
"""

import asyncio
import random
import time
from collections.abc import Callable
from functools import partial

import pytest

from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.kubevirt.faults import Rule, SlowAnswer
from tests.replicas.cast import Actor
from tests.replicas.conftest import Measured, Scene, SetScene
from tests.tools.fleet import Fleet, Replica, until

LONG_LEASE = 120
"""The longest that can be set: ten times what stories take that need not wait for it."""
ENDLESS = 3600
"""Seconds for an answer that nobody waits for."""
SEEDS = (1, 2)
HELP = "/vm-restore help"
VMS, RESTORES = "virtualmachines", "virtualmachinerestores"


async def everybody(actors: list[Actor]) -> None:
    """All stories at once, begun one after the other."""
    async with asyncio.TaskGroup() as group:
        for actor in actors:
            group.create_task(actor.play())
            await asyncio.sleep(0.3)


async def deliveries(replicas: list[Replica]) -> list[float]:
    """How many of Slack's deliveries each of them took in."""
    return [await each.counted("vm_restore_deliveries_total") for each in replicas]


async def test_events_are_spread_over_replicas(
    scene_of: SetScene, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any replica takes any event; one that is started in the middle takes its share."""
    # Each is to be counted once: Slack sends none again, however slow this machine is.
    monkeypatch.setattr("bot.playground.slack.delivery.ACK_SECONDS", ENDLESS)
    scene = await scene_of(people=2)
    fleet, world = scene.fleet, scene.fleet.world
    await fleet.start(2)
    playing = asyncio.create_task(everybody(scene.actors))
    await until(lambda: len(world.slack.log) > 8, "the stories have begun")
    await fleet.start()
    await playing
    for _ in range(20):
        asked = await scene.actors[0].person.slash(scene.actors[0].stage.channel, HELP)
        assert (await asked.settled()).status == "ok"
    taken = await deliveries(fleet.replicas)
    measured(f"deliveries by replica: {taken}")
    assert sum(taken) == 3 + 4 + 20
    assert min(taken) > 0
    assert [await each.ready() for each in fleet.replicas] == [True] * 3
    assert world.kube.watches.resources == ["virtualmachinerestores"] * 3


async def killings(fleet: Fleet, seed: int) -> None:
    """Kill replicas at moments that the seed chooses, told by how much was said; start others."""
    dice, world = random.Random(seed), fleet.world  # noqa: S311 - seeded on purpose

    def said() -> int:
        return len(world.slack.log) + len(world.kube.log)

    for _ in range(3):
        moment = said() + dice.randrange(12, 60)
        await until(partial(_has_come, said, moment), "the moment has come")
        dice.choice(fleet.running).kill()
        await fleet.start()


def _has_come(said: Callable[[], int], moment: int) -> bool:
    return said() >= moment


@pytest.mark.slow
async def test_replicas_are_killed_at_random(scene_of: SetScene) -> None:
    """SIGKILL at any moment, and another one in its place: nothing is lost and nothing doubled."""
    async with asyncio.TaskGroup() as group:
        for seed in SEEDS:
            group.create_task(among_killings(await scene_of(people=4, seed=seed), seed))


async def among_killings(scene: Scene, seed: int) -> None:
    """Stories that end well, whatever the seed does to the replicas."""
    await scene.fleet.start(2)
    killing = asyncio.create_task(killings(scene.fleet, seed))
    try:
        await everybody(scene.actors)
    finally:
        killing.cancel()
        await asyncio.gather(killing, return_exceptions=True)


async def test_rolling_update(scene_of: SetScene, measured: Measured) -> None:
    """SIGTERM one after the other, each replaced first: exit code 0, and nobody waits for a lease."""
    scene = await scene_of(people=4, lease=LONG_LEASE)
    fleet = scene.fleet
    await fleet.start(2)
    begun = time.monotonic()
    playing = asyncio.create_task(everybody(scene.actors))
    codes = []
    for old in list(fleet.replicas):
        await fleet.start()
        old.terminate()
        codes.append(await old.exited())
    await playing
    took = time.monotonic() - begun
    measured(f"four stories over a rolling update: {took:.1f} s")
    assert codes == [0, 0]
    assert took < LONG_LEASE


# One replica that is busy with something in each of these stories when it ends


async def hangs_in_a_look(fleet: Fleet, replica: Replica, actor: Actor) -> None:
    """It looks once more before it acts, and the answer does not come, however often it asks."""
    kube, name = fleet.world.kube, replica.name
    endless = SlowAnswer(ENDLESS)
    await _ready_to_confirm(actor)
    said = len(kube.log)
    kube.faults.add(Rule(endless, verb="get", resource=VMS, name=actor.vm, user=name, times=None))
    await actor.confirm()

    def looks() -> bool:
        asked = [c for c in kube.log[said:] if (c.user, c.verb, c.resource) == (name, "get", VMS)]
        return any(c.name == actor.vm for c in asked)

    await until(looks, "it looks")


async def hangs_in_the_act(fleet: Fleet, replica: Replica, actor: Actor) -> None:
    """It has created the restore, and the answer does not come."""
    rule = Rule(
        SlowAnswer(ENDLESS), verb="create", resource=RESTORES, user=replica.name, dry_run=False
    )
    await _ready_to_confirm(actor)
    fleet.world.kube.faults.add(rule)
    await actor.confirm()
    await until(actor.created, "it acts")


async def hangs_in_a_post(fleet: Fleet, replica: Replica, actor: Actor) -> None:  # noqa: ARG001 - as the others
    """It has posted the card with the last button, and the answer does not come."""
    await actor.ask()
    await actor.stop()
    fleet.world.slack.faults.delay("chat.postMessage", ENDLESS)
    await actor.type_name()


async def hangs_in_a_delivery(fleet: Fleet, replica: Replica, actor: Actor) -> None:  # noqa: ARG001 - as the others
    """It has acknowledged the command, and asks Slack who spoke; the answer does not come."""
    line = f"/vm-restore {actor.vm} from {actor.snapshot} in production"
    world = fleet.world
    world.slack.faults.delay("users.info", ENDLESS)
    said = await actor.person.slash(actor.stage.channel, line)
    await said.settled()
    assert said.status == "ok"

    def asked() -> bool:
        return any(call.args.get("user") == actor.person.id for call in world.slack.log)

    await until(asked, "it asks")


async def _ready_to_confirm(actor: Actor) -> None:
    await actor.ask()
    await actor.stop()
    await actor.type_name()


async def hang_everywhere(fleet: Fleet, replica: Replica, actors: list[Actor]) -> None:
    """Let it have something of everything in hand."""
    hangs = (hangs_in_a_look, hangs_in_the_act, hangs_in_a_post, hangs_in_a_delivery)
    for hang, actor in zip(hangs, actors, strict=True):
        await hang(fleet, replica, actor)


async def carried_on(actors: list[Actor]) -> list[float]:
    """The others carry on where the first one was; after how many seconds each story went on."""
    look, act, post, delivery = actors
    async with asyncio.TaskGroup() as group:
        seen = [
            group.create_task(until(look.created, "the act")),
            group.create_task(act.restoring()),
            group.create_task(_found(post)),
            group.create_task(delivery.sees(delivery.first_card)),
        ]
    return [round(each.result(), 1) for each in seen]


async def _found(actor: Actor) -> float:
    """Press the button of the card that nobody knows of: the press counts, the card stays one."""
    begun = time.monotonic()
    await actor.confirm()
    await actor.restoring()
    return time.monotonic() - begun


async def end(actors: list[Actor]) -> None:
    """All stories come to their ends."""
    async with asyncio.TaskGroup() as group:
        group.create_task(actors[3].go_on())
        for actor in actors[:3]:
            group.create_task(actor.result())
        for actor in actors[4:]:
            group.create_task(actor.play())


async def terminated(scene: Scene, measured: Measured) -> None:
    """SIGTERM in a round that hangs: it is given back, and the next one need not wait for the lease."""
    fleet, actor = scene.fleet, scene.actors[0]
    (old,) = await fleet.start()
    await hangs_in_a_look(fleet, old, actor)
    await fleet.start()
    asked = time.monotonic()
    old.terminate()
    code = await old.exited()
    exited = time.monotonic() - asked
    await until(actor.created, "the other one acts")
    acted = time.monotonic() - asked
    measured(f"SIGTERM in a look without an answer: exit after {exited:.1f} s, act {acted:.1f} s")
    assert code == 0
    assert acted < LONG_LEASE
    assert actor.created()[0].user != old.name
    await actor.result()


async def killed(scene: Scene, measured: Measured) -> None:
    """SIGKILL to all, and one is started: whatever it was about, that one carries on."""
    fleet = scene.fleet
    (old,) = await fleet.start()
    await hang_everywhere(fleet, old, scene.actors)
    begun = time.monotonic()
    old.kill()
    await fleet.start()
    up = time.monotonic() - begun
    took = [round(each + up, 1) for each in await carried_on(scene.actors)]
    measured(f"SIGKILL to carrying on, in a look, an act, a post, a delivery: {took} s")
    await end(scene.actors)


async def paused(scene: Scene, measured: Measured) -> None:
    """SIGSTOP for longer than the lease: it acts no more on what it had in hand, and is of use again."""
    fleet, kube = scene.fleet, scene.fleet.world.kube
    (zombie,) = await fleet.start()
    await hang_everywhere(fleet, zombie, scene.actors[:4])
    # Slack may bring a click to the one that stands still: who clicked sees it fail, and clicks again.
    fleet.world.slack.delivery.screens_on_clock = True
    begun = time.monotonic()
    zombie.pause()
    await fleet.start()
    up = time.monotonic() - begun
    took = [round(each + up, 1) for each in await carried_on(scene.actors[:4])]
    measured(f"SIGSTOP to carrying on, in a look, an act, a post, a delivery: {took} s")
    said = len(kube.log)
    kube.faults.rules.clear()
    zombie.resume()
    await until(partial(_given_up, zombie), "it knows that it was late")
    assert [c for c in kube.log[said:] if c.user == zombie.name and _acts(c)] == []
    assert await zombie.ready()
    await end(scene.actors)


@pytest.mark.slow
async def test_takeover(scene_of: SetScene, measured: Measured) -> None:
    """Replicas end and stand still with work in hand. All of it waits for leases, so it waits at once."""
    async with asyncio.TaskGroup() as group:
        group.create_task(terminated(await scene_of(people=1, lease=LONG_LEASE), measured))
        group.create_task(killed(await scene_of(people=4), measured))
        group.create_task(paused(await scene_of(people=5), measured))


def _acts(call: ApiCall) -> bool:
    told = call.resource == "events"
    return call.verb in ("create", "update", "patch", "delete") and not (call.dry_run or told)


def _given_up(zombie: Replica) -> bool:
    return bool(zombie.heard("an act has no answer"))
