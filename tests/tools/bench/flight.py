"""Many restores in flight at once: how soon a completion reaches its thread, and what each costs."""

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.clock import Clock
from bot.playground.slack import Person
from bot.playground.slack.workspace import Channel, Message
from bot.playground.stage import access
from bot.playground.world import World, world
from bot.restore import edits, workflow
from bot.restore.effects import INSTALLATION, RESTORE_ID
from bot.restore.model import Consistency, Job, Phase, Preview, Restore, RestoreId
from bot.restore.rules import Rules
from bot.restore.target import RestoreRequest
from bot.restore.thread import CardKind, ThreadRef, UserId
from bot.store import Store, connect
from tests.tools.bench.process import Measured, real_bot

RESTORES = "virtualmachinerestores"
NAMESPACE = "production"
PROBES = 60
"""How many completions are timed."""
PER_SECOND = 20


@dataclass(frozen=True, slots=True)
class Flight:
    """What so many restores cost while they run."""

    in_flight: int
    p50: float
    p95: float
    """Milliseconds from the completion in the cluster to the result in the thread."""
    resident: int
    redis_bytes: float
    """For each restore."""
    requests: float
    """To the API server, for each completion, watches aside."""
    watches: int


@dataclass(slots=True)
class _One:
    document: Restore
    channel: Channel


async def fly(count: int) -> Flight:
    """Put so many restores in flight, then complete some of them and time the threads."""
    with tempfile.TemporaryDirectory(prefix="vmr-bench-") as directory:
        async with world(Path(directory), clock=Clock()) as made:
            alice = made.slack.person("alice")
            made.config = access(alice)
            made.slack.limits.enabled = False
            await made.kube.pause_controllers()
            flying = [_one(made, alice, number) for number in range(count)]
            async with real_bot(made) as bot:
                return await _measured(made, flying, bot)


async def _measured(made: World, flying: list[_One], bot: Measured) -> Flight:
    before = await _memory(made)
    await _store(made, flying)
    await made.until(lambda: _posts(made) >= 2 * len(flying), "all cards", within=300)
    after = await _memory(made)
    chosen = flying[:PROBES]
    asked = _requests(made, chosen)
    taken = []
    for one in chosen:
        begun = time.perf_counter()
        _complete(made, one)
        await _told(one)
        taken.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(max(0.0, begun + 1 / PER_SECOND - time.perf_counter()))
    spent = _requests(made, chosen) - asked
    ordered = sorted(taken)
    return Flight(
        in_flight=len(flying),
        p50=statistics.median(ordered),
        p95=ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))],
        resident=bot.resident(),
        redis_bytes=(after - before) / len(flying),
        requests=spent / len(chosen),
        watches=len(made.kube.watches.resources),
    )


def _one(made: World, alice: Person, number: int) -> _One:
    """A VM in the middle of being restored, in the cluster and as a document."""
    name, now = f"vm-{number:04}", made.clock.now()
    made.kube.seed.vm(NAMESPACE, name, running=False, run_strategy="Halted")
    made.kube.seed.snapshot(NAMESPACE, f"snap-{number:04}", name, created=now - timedelta(hours=6))
    channel = made.slack.channel(f"inc-{number:04}", alice)
    root = made.slack.workspace.post(_request(made, channel, alice))
    restore_id = RestoreId(f"bench{number:05}")
    job = made.kube.storage.put(RESTORES, _job(name, number, restore_id, str(now)))
    uid = str(job["metadata"]["uid"])
    document = _document(restore_id, name, number, uid, alice, channel, root, made)
    return _One(document, channel)


def _request(made: World, channel: Channel, alice: Person) -> Message:
    return Message(
        channel=channel, ts=made.slack.workspace.next_ts(), author=alice.user, text="restore it"
    )


def _job(vm: str, number: int, restore_id: str, created: str) -> dict[str, Any]:
    return {
        "apiVersion": "snapshot.kubevirt.io/v1beta1",
        "kind": "VirtualMachineRestore",
        "metadata": {
            "name": f"restore-{vm}",
            "namespace": NAMESPACE,
            "uid": f"00000000-0000-4000-8000-{number:012}",
            "creationTimestamp": created[:19].replace(" ", "T") + "Z",
            "labels": {RESTORE_ID: restore_id, INSTALLATION: "default"},
        },
        "spec": {
            "target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm},
            "virtualMachineSnapshotName": f"snap-{number:04}",
        },
        "status": {
            "complete": False,
            "conditions": [
                {"type": "Progressing", "status": "True", "reason": "Updating target spec"},
                {"type": "Ready", "status": "False", "reason": "Waiting for target update"},
            ],
        },
    }


def _document(
    restore_id: RestoreId,
    vm: str,
    number: int,
    uid: str,
    alice: Person,
    channel: Channel,
    root: Message,
    made: World,
) -> Restore:
    now = made.clock.now()
    request = RestoreRequest(
        cluster="default", namespace=NAMESPACE, vm=vm, snapshot=f"snap-{number:04}"
    )
    new = workflow.begin(
        id_=restore_id,
        thread_ref=ThreadRef(team=made.slack.team_id, channel=channel.id, thread=root.ts),
        owner=UserId(alice.id),
        request=request,
        rules=Rules(),
        now=now,
    )
    going = edits.post(edits.enter(new, Phase.RESTORING, now), CardKind.PROGRESS, now)
    later = now + timedelta(hours=1)
    job = Job(name=f"restore-{vm}", decided_at=now, uid=uid, wait_until=later)
    return going.model_copy(update={"job": job, "preview": _preview(now)})


def _preview(now: Any) -> Preview:
    return Preview(
        taken_at=now,
        vm_uid="uid-of-the-vm",
        vm_status="Stopped",
        run_strategy="Halted",
        snapshot_uid="uid-of-the-snapshot",
        snapshot_created=now - timedelta(hours=6),
        consistency=Consistency.OFFLINE,
        disks=("root", "data"),
        newer=("newer-snapshot",),
    )


async def _store(made: World, flying: list[_One]) -> None:
    async with connect(made.redis_url) as client:
        store = Store(client, made.slack.team_id, made.clock)
        for one in flying:
            await store.create(one.document, due=made.clock.now(), audit=[])


def _complete(made: World, one: _One) -> None:
    """What the restore controller writes last."""
    job = one.document.job
    if job is None:
        return
    held = made.kube.storage.get(RESTORES, NAMESPACE, job.name)
    conditions = [
        {"type": "Progressing", "status": "False", "reason": "Operation complete"},
        {"type": "Ready", "status": "True", "reason": "Operation complete"},
    ]
    held["status"] = {"complete": True, "conditions": conditions}
    made.kube.storage.put(RESTORES, held)


async def _told(one: _One) -> None:
    """Wait until the result stands in the thread."""
    end = time.perf_counter() + 30
    while time.perf_counter() < end:
        if any("result" in _card(message) for message in one.channel.messages):
            return
        await asyncio.sleep(0.002)
    raise RuntimeError(f"no result in #{one.channel.name} within 30 s")


def _card(message: Message) -> str:
    return str((message.metadata or {}).get("event_payload", {}).get("card", ""))


def _posts(made: World) -> int:
    return sum(call.method == "chat.postMessage" for call in made.slack.log)


def _requests(made: World, chosen: list[_One]) -> int:
    """Requests about these restores, watches aside. Others in flight are looked at now and then."""
    vms = {one.document.request.vm for one in chosen}
    names = vms | {f"restore-{vm}" for vm in vms}
    return sum(
        call.verb != "watch" and (call.name in names or call.verb == "list")
        for call in made.kube.log
    )


async def _memory(made: World) -> int:
    """Bytes of all keys, as Redis counts them: without its scripts and the buffers of clients."""
    async with connect(made.redis_url) as client:
        keys = [key async for key in client.scan_iter(count=1000)]
        sizes = [await client.memory_usage(key, samples=0) for key in keys]
        return sum(size or 0 for size in sizes)
