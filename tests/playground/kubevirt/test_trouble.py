"""Faults on order, and what `busy` and the log say meanwhile."""

import asyncio

import aiohttp
import pytest

from bot.playground.clock import HandClock
from bot.playground.kubevirt.faults import (
    Answer,
    Delay,
    DropAfter,
    DropBefore,
    Rule,
    SlowAnswer,
    WebhookDown,
)
from bot.playground.kubevirt.server import KubeSim
from tests.playground.kubevirt.kit import (
    NS,
    RESTORES_PATH,
    SNAPSHOT,
    SUBRESOURCES,
    VM,
    VMS_PATH,
    KubeClient,
    Lab,
    reasons,
    restore_of,
    settle,
    until,
    with_running_vm,
    with_stopped_vm,
)


async def test_an_ordered_answer_replaces_the_request(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    busy = Answer(429, "TooManyRequests", "slow down", retry_after=7)
    sim.faults.add(Rule(busy, verb="create", resource="virtualmachinerestores", times=2))
    for _ in range(2):
        answer = await admin.post(RESTORES_PATH, restore_of())
        assert (answer.code, answer.headers["Retry-After"]) == (429, "7")
        assert answer.body["reason"] == "TooManyRequests"
    assert (await admin.post(RESTORES_PATH, restore_of())).code == 201


async def test_a_request_can_be_lost_before_it_is_applied(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    sim.faults.add(Rule(DropBefore(), verb="create"))
    with pytest.raises(aiohttp.ClientError):
        await admin.post(RESTORES_PATH, restore_of())
    assert sim.storage.keys("virtualmachinerestores") == []
    assert (sim.log[-1].code, sim.log[-1].answered) == (0, False)


async def test_an_answer_can_be_lost_after_the_request_was_applied(
    sim: Lab, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    sim.faults.add(Rule(DropAfter(), verb="create", resource="virtualmachinerestores"))
    with pytest.raises(aiohttp.ClientError):
        await admin.post(RESTORES_PATH, restore_of())
    assert sim.storage.find("virtualmachinerestores", NS, "r1")
    call = sim.log[-1]
    assert (call.code, call.answered, call.name) == (201, False, "r1")


async def test_a_delayed_request_is_applied_late_and_is_not_busy_meanwhile(
    sim: Lab, admin: KubeClient, clock: HandClock
) -> None:
    with_stopped_vm(sim)
    sim.faults.add(Rule(Delay(30), verb="create"))
    task = asyncio.create_task(admin.post(RESTORES_PATH, restore_of()))
    await until(lambda: clock.next_due() is not None, "a request that sleeps")
    await settle(sim)
    assert sim.storage.keys("virtualmachinerestores") == []
    clock.advance(30)
    assert (await task).code == 201


async def test_a_slow_answer_is_applied_at_once(
    sim: Lab, admin: KubeClient, clock: HandClock
) -> None:
    with_stopped_vm(sim)
    sim.faults.add(Rule(SlowAnswer(30), verb="create"))
    task = asyncio.create_task(admin.post(RESTORES_PATH, restore_of()))
    await until(lambda: bool(sim.storage.keys("virtualmachinerestores")), "the restore")
    assert not task.done()
    await settle(sim)
    clock.advance(30)
    assert (await task).code == 201


async def test_rules_match_by_verb_name_dry_run_user_and_count(
    sim: Lab, admin: KubeClient, bot: KubeClient
) -> None:
    with_stopped_vm(sim)
    no = Answer(503, "ServiceUnavailable")
    path = f"{VMS_PATH}/{VM}"
    rule = sim.faults.add(Rule(no, verb="get", name=VM, user="vm-restore-bot", times=None, skip=1))
    assert [(await bot.get(path)).code for _ in range(3)] == [200, 503, 503]
    assert (await admin.get(path)).code == 200
    assert (await bot.get(VMS_PATH)).code == 200
    sim.faults.remove(rule)
    assert (await bot.get(path)).code == 200
    sim.faults.add(Rule(no, verb="create", dry_run=False, times=None))
    assert (await bot.post(RESTORES_PATH, restore_of(), dryRun="All")).code == 201
    assert (await bot.post(RESTORES_PATH, restore_of())).code == 503
    sim.faults.clear()
    sim.faults.add(Rule(no, subresource="stop"))
    assert (await bot.put(f"{SUBRESOURCES}/{VM}/stop")).code == 503


async def test_a_webhook_outage_hits_controllers_too(sim: Lab) -> None:
    with_stopped_vm(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(2)
    outage = sim.faults.add(Rule(WebhookDown(), resource="virtualmachines", times=None))
    await sim.passes(5)
    restore = sim.storage.get("virtualmachinerestores", NS, "r1")
    assert "failed calling webhook" in reasons(restore)["Ready"][1]
    sim.faults.remove(outage)
    await sim.passes(10)
    assert sim.storage.get("virtualmachinerestores", NS, "r1")["status"]["complete"] is True


async def test_without_virt_controller_nothing_moves_and_deletion_hangs(
    sim: Lab, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(1)
    await sim.pause_controllers(virt_only=True)
    await sim.passes(30)
    assert (await admin.delete(f"{RESTORES_PATH}/r1")).code == 200
    await sim.passes(5)
    assert (await admin.get(f"{RESTORES_PATH}/r1")).code == 200
    sim.resume_controllers(virt_only=True)
    await sim.passes(1)
    assert (await admin.get(f"{RESTORES_PATH}/r1")).code == 404


async def test_the_log_tells_everything_about_a_request(sim: Lab, bot: KubeClient) -> None:
    with_running_vm(sim)
    await settle(sim)
    await bot.post(RESTORES_PATH, restore_of(), dryRun="All")
    create = sim.log[-1]
    assert (create.user, create.verb, create.method) == ("vm-restore-bot", "create", "POST")
    assert (create.group, create.resource, create.name) == (
        "snapshot.kubevirt.io", "virtualmachinerestores", "r1",
    )  # fmt: skip
    assert create.dry_run
    assert create.body == restore_of()
    assert create.response is not None
    assert create.response["metadata"]["name"] == "r1"
    await bot.put(f"{SUBRESOURCES}/{VM}/stop", {"gracePeriod": 0})
    stop = sim.log[-1]
    assert (stop.verb, stop.subresource, stop.name, stop.code) == ("update", "stop", VM, 202)
    assert stop.body == {"gracePeriod": 0}
    assert create.revision < stop.revision <= sim.storage.revision


async def test_a_fault_of_the_simulator_itself_is_raised(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in a controller must not end as a VM that just never starts."""
    world = KubeSim(clock)
    await world.start()
    world.seed.namespace(NS)
    target = "bot.playground.kubevirt.controllers.vm.VmController._report"
    monkeypatch.setattr(target, lambda *_: 1 / 0)
    world.seed.vm(NS, VM)
    with pytest.raises(ZeroDivisionError):
        await settle(world)
    with pytest.raises(ZeroDivisionError):
        await world.stop()


async def test_two_worlds_with_one_seed_are_alike(clock: HandClock) -> None:
    def identities() -> list[str]:
        world = KubeSim(clock, seed=7)
        world.seed.vm(NS, VM)
        world.seed.snapshot(NS, SNAPSHOT, VM)
        return [held["metadata"]["uid"] for held in world.storage.objects("virtualmachines")]

    assert identities() == identities()
