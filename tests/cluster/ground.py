"""The ground that `test_real_cluster.py` stands on: a namespace of its own, with one small VM in it.

It is laid in the same way, by the same requests, on the simulated cluster and on a real one, so that
the same assertions hold on both. What a cluster cannot do is found out while it is laid and kept by
name: a test that needs it is skipped with that reason.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from bot.clock import Clock, FarClock
from bot.cluster import names
from bot.cluster.client import Api, ApiStatusError
from bot.cluster.cluster import Cluster
from bot.cluster.document import flag, items, text
from bot.cluster.login import log_in
from bot.errors import Permanent, Temporary
from bot.playground.clock import HandClock
from bot.playground.kubevirt.authorization import Rule
from bot.playground.kubevirt.server import KubeSim
from bot.restore.effects import RESTORE_ID
from bot.restore.events import (
    CreateRestore,
    CreateSnapshot,
    DeleteRestore,
    Done,
    Effect,
    Result,
    StartVm,
    StopVm,
)
from bot.restore.model import Job, Phase, Restore, RestoreId, Safety
from bot.restore.observation import Observation, ObservationKind
from bot.restore.rules import Rules
from bot.restore.target import RestoreRequest
from bot.restore.thread import ThreadRef, UserId

KUBECONFIG = Path(os.environ.get("VM_RESTORE_TEST_KUBECONFIG", "")).expanduser()
GIVEN = Path() != KUBECONFIG
CONTEXT = os.environ.get("VM_RESTORE_TEST_CONTEXT") or None
DEFAULT_IMAGE = "quay.io/kubevirt/cirros-container-disk-demo"
IMAGE = os.environ.get("VM_RESTORE_TEST_VM_IMAGE") or DEFAULT_IMAGE
STORAGE_CLASS = os.environ.get("VM_RESTORE_TEST_STORAGE_CLASS") or None

VM, DISK, CLAIM, SNAPSHOT = "subject", "data", "subject-data", "before"
ID = "test.1"
OWN_LABELS = ((RESTORE_ID, ID),)
NOBODY = "vm-restore-test-nobody"
TESTER = "tester"
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "testing-on-a-cluster.md"
PATIENCE = 300.0
"""Seconds that any one thing may take. A first start may have to pull the VM's image."""
MARK = {"app.kubernetes.io/managed-by": "vm-restore-bot-tests"}

GUEST, SNAPSHOTS, FAIL_AT_ONCE, IMPERSONATION = (
    "a guest that runs",
    "a snapshot of a disk",
    "restores that fail at once",
    "acting as somebody without rights",
)
NEEDS = (GUEST, SNAPSHOTS, FAIL_AT_ONCE, IMPERSONATION)


@dataclass(slots=True)
class Ground:
    """Where the tests act: the bot's own view of a cluster, and raw calls for the rest."""

    name: str
    cluster: Cluster
    api: Api
    stranger: Cluster
    """The same cluster, asked as somebody who may do nothing."""
    namespace: str
    clock: Clock
    second: Callable[[], Awaitable[None]]
    """Let a second pass."""
    lacks: dict[str, str] = field(default_factory=dict)

    def need(self, *what: str) -> None:
        """Skip the test if this cluster lacks any of it, and say why."""
        for each in what:
            if each in self.lacks:
                pytest.skip(f"{self.name} lacks {each}: {self.lacks[each]}")

    async def until(
        self, what: str, done: Callable[[], Awaitable[object]], within: float = PATIENCE
    ) -> None:
        """Wait for something to become true, second by second."""
        for _ in range(int(within)):
            if await done():
                return
            await self.second()
        raise AssertionError(f"{self.name}: not within {within:.0f} s: {what}")

    # What the bot does

    async def look(
        self,
        kind: ObservationKind,
        effect: CreateRestore | None = None,
        by: Cluster | None = None,
        **known: Any,
    ) -> Observation:
        """One look of the bot's at the VM; `known` changes the restore it is for."""
        return await (by or self.cluster).observe(self.document(**known), kind, effect)

    async def act(self, effect: Effect, by: Cluster | None = None) -> Result:
        """Perform an effect, and again as long as the cluster says "later", as the loop does."""
        for _ in range(int(PATIENCE)):
            until = self.clock.now() + timedelta(seconds=25)
            try:
                return await (by or self.cluster).perform(effect, not_after=until)
            except Temporary:
                await self.second()
        raise AssertionError(f"{self.name}: nothing but 'later' for {effect}")

    async def does(self, effect: Effect) -> str:
        """Perform an effect that must not be refused; the uid of what it made."""
        done = await self.act(effect)
        assert isinstance(done, Done), f"refused with {done.code}: {done.text}"
        return done.uid or ""

    def document(self, **known: Any) -> Restore:
        """A restore of the VM as it would stand in Redis."""
        request = {"vm": VM, "snapshot": SNAPSHOT, **known.pop("request", {})}
        return Restore(
            id=RestoreId(ID),
            phase=Phase.CHECKING,
            thread_ref=ThreadRef(team="T1", channel="C1"),
            owner=UserId("U1"),
            request=RestoreRequest(cluster="test", namespace=self.namespace, **request),
            rules=Rules(),
            opened_at=self.clock.now(),
            entered_at=self.clock.now(),
            **known,
        )

    def restore(
        self, snapshot: str = SNAPSHOT, labels: tuple[tuple[str, str], ...] = OWN_LABELS
    ) -> CreateRestore:
        """A restore of the VM with a name of its own."""
        name = f"restore-{uuid4().hex[:8]}"
        return CreateRestore(self.namespace, VM, snapshot, name, None, labels, ())

    def job(self, effect: CreateRestore) -> Job:
        """The restore as the bot remembers it."""
        return Job(name=effect.name, decided_at=self.clock.now())

    # What is waited for

    async def starts(self) -> None:
        """Start the VM and wait for its guest."""
        await self.does(StartVm(self.namespace, VM))

        async def runs() -> bool:
            observation = await self.look(ObservationKind.VMI)
            seen = (
                observation.vm and observation.vm.status,
                observation.vmi and observation.vmi.phase,
            )
            return seen == ("Running", "Running")

        await self.until("the VM runs", runs)

    async def stops(self) -> None:
        """Stop the VM and wait until no VMI is left."""
        await self.does(StopVm(self.namespace, VM))

        async def stopped() -> bool:
            return (await self.look(ObservationKind.VMI)).vmi is None

        await self.until("the VM has stopped", stopped)

    async def removes(self, name: str, uid: str) -> None:
        """Delete a restore and wait until it is gone."""
        await self.does(DeleteRestore(self.namespace, name, uid))

        async def gone() -> bool:
            observation = await self.look(ObservationKind.RECHECK)
            return all(each.uid != uid for each in observation.restores)

        await self.until(f"restore {name} is gone", gone)

    async def rests(self) -> None:
        """Bring the VM back to rest: stopped, without restores, its disk there.

        Tests run in any order.
        """
        observation = await self.look(ObservationKind.RECHECK)
        for each in observation.restores:
            await self.removes(each.name, each.uid)
        if observation.vmi is None and GUEST not in self.lacks and not await self._has_its_disk():
            await self.starts()  # a disk that is only made for its first user, after a restore
        await self.stops()

        async def at_rest() -> bool:
            vm = (await self.look(ObservationKind.VMI)).vm
            assert vm is not None
            return (vm.run_strategy, vm.restore_in_progress, vm.snapshot_in_progress) == (
                *("Halted", None),
                None,
            )

        await self.until("the VM is at rest", at_rest)

    async def _has_its_disk(self) -> bool:
        """Every claim of the VM is bound."""
        vm = (await self.look(ObservationKind.VMI)).vm
        assert vm is not None
        path = names.core("persistentvolumeclaims", self.namespace)
        bound = {
            text(one, "metadata", "name")
            for one in (await self.api.collect(path))[0]
            if text(one, "status", "phase") == "Bound"
        }
        return {one.claim for one in vm.volumes if one.claim} <= bound


# --- Where it is laid -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Login:
    """A cluster, as the tests call it, and the way in."""

    name: str
    kubeconfig: str
    context: str | None = None


@asynccontextmanager
async def simulated(
    directory: Path,
    storage_class: str | None = None,
    prepare: Callable[[KubeSim], object] = lambda _: None,
) -> AsyncIterator[Ground]:
    """A ground on a simulated cluster, whose time passes as fast as it is waited for."""
    clock = HandClock()
    sim = KubeSim(clock)
    sim.user(TESTER, documented_rights())
    prepare(sim)

    async def second() -> None:
        clock.advance(1)
        quiet = 0
        while quiet < 10:
            quiet = quiet + 1 if sim.busy == 0 else 0
            await asyncio.sleep(0)

    await sim.start()
    try:
        path = sim.kubeconfig(directory / "kubeconfig", user=TESTER)
        login = Login("the simulator", str(path))
        async with laid(login, clock, second, storage_class) as ground:
            yield ground
        assert sim.unknown == [], "the bot asked for a path that leads nowhere"
    finally:
        await sim.stop()


def documented_rights() -> list[Rule]:
    """The role that the documentation asks for; it must be enough."""
    page = DOCUMENTATION.read_text(encoding="utf-8")
    role = yaml.safe_load(page.partition("```yaml")[2].partition("```")[0])
    return [
        Rule(
            verbs=tuple(rule["verbs"]),
            groups=tuple(rule["apiGroups"]),
            resources=tuple(rule["resources"]),
            names=tuple(rule.get("resourceNames", ())),
        )
        for rule in role["rules"]
    ]


@asynccontextmanager
async def real() -> AsyncIterator[Ground]:
    """A ground on the cluster that VM_RESTORE_TEST_KUBECONFIG names."""
    clock = Clock()

    async def second() -> None:
        await clock.sleep(1)

    login = Login("this cluster", str(KUBECONFIG), CONTEXT)
    async with laid(login, clock, second, STORAGE_CLASS) as ground:
        yield ground


@asynccontextmanager
async def laid(
    login: Login, clock: Clock, second: Callable[[], Awaitable[None]], storage_class: str | None
) -> AsyncIterator[Ground]:
    """Make the namespace and what is in it, and remove it in any case."""
    namespace = f"vm-restore-test-{uuid4().hex[:8]}"

    async def connected() -> Cluster:
        return await Cluster.connect(
            "test",
            kubeconfig=login.kubeconfig,
            context=login.context,
            namespaces=(namespace,),
            clock=clock,
        )

    cluster, stranger = await connected(), await connected()
    client: Any = stranger._api._client  # which has no annotations
    client.set_default_header("Impersonate-User", NOBODY)
    logged_in = await log_in("test", login.kubeconfig, login.context)
    api = Api("test", logged_in, clock=FarClock(clock))
    ground = Ground(login.name, cluster, api, stranger, namespace, clock, second)
    try:
        async with _namespace(ground):
            await _lay(ground, storage_class)
            yield ground
    finally:
        for each in (cluster, stranger, api):
            await each.close()


@asynccontextmanager
async def _namespace(ground: Ground) -> AsyncIterator[None]:
    """The only thing outside of the namespace that is made, and removed, is the namespace."""
    head = {"name": ground.namespace, "labels": MARK}
    try:
        made = await ground.api.call(
            "POST",
            "/api/v1/namespaces",
            body={"apiVersion": "v1", "kind": "Namespace", "metadata": head},
        )
    except ApiStatusError as refusal:
        pytest.skip(f"{ground.name} lets us make no namespace: {refusal.text}")
    path = f"/api/v1/namespaces/{ground.namespace}"
    only_this = {"preconditions": {"uid": text(made, "metadata", "uid")}}
    try:
        yield
    finally:
        await ground.api.call("DELETE", path, body=only_this)

        async def gone() -> bool:
            return await ground.api.get(path) is None

        await ground.until(f"namespace {ground.namespace} is gone", gone)


# --- What is in it --------------------------------------------------------------------------------


async def _lay(ground: Ground, storage_class: str | None) -> None:
    """The VM, started once so that its disk is there, and a snapshot of it."""
    capabilities = await ground.cluster.capabilities()
    if not capabilities.served:
        pytest.skip(f"{ground.name} serves no snapshot.kubevirt.io: KubeVirt is not installed")
    if "targetReadinessPolicy" not in (capabilities.restore_fields or ()):
        ground.lacks[FAIL_AT_ONCE] = "its restores have no targetReadinessPolicy"
    await _make(ground, "/api/v1", "persistentvolumeclaims", _claim(storage_class))
    await _make(ground, "/apis/kubevirt.io/v1", names.VMS, _vm())
    await _try(ground, GUEST, ground.starts)
    await ground.stops()
    await _try(ground, SNAPSHOTS, lambda: _snapshot(ground))
    await _try(ground, IMPERSONATION, lambda: _impersonates(ground))


async def _make(ground: Ground, root: str, kind: str, document: dict[str, Any]) -> None:
    try:
        await ground.api.call("POST", f"{root}/namespaces/{ground.namespace}/{kind}", body=document)
    except ApiStatusError as refusal:
        pytest.skip(f"{ground.name} lets us make no {kind}: {refusal.text}")


async def _try(ground: Ground, what: str, way: Callable[[], Awaitable[None]]) -> None:
    """Find out whether this cluster can do something; if not, why."""
    try:
        await way()
    except (AssertionError, Permanent) as cannot:
        vm = (await ground.look(ObservationKind.VMI)).vm
        state = f"; the VM is {vm.status}" if vm else ""
        ground.lacks[what] = f"{cannot}{state}"


async def _snapshot(ground: Ground) -> None:
    """The snapshot that the tests restore from; it must hold the disk."""

    async def can_be_snapshotted() -> bool:
        path = names.kubevirt(names.VMS, ground.namespace, VM)
        statuses = items(await ground.api.call("GET", path), "status", "volumeSnapshotStatuses")
        return any(text(one, "name") == DISK and flag(one, "enabled") for one in statuses)

    await ground.until("the cluster says that the disk can be snapshotted", can_be_snapshotted, 60)
    effect = CreateSnapshot(ground.namespace, VM, SNAPSHOT, OWN_LABELS, ())
    await ground.does(effect)
    await usable(ground, SNAPSHOT)


async def usable(ground: Ground, name: str) -> None:
    """Wait until a snapshot is ready and holds the disk."""
    safety = Safety(name=name, decided_at=ground.clock.now())

    async def ready() -> bool:
        found = (await ground.look(ObservationKind.SAFETY, safety=safety)).safety
        return found is not None and found.usable and DISK in found.included

    await ground.until(f"snapshot {name} is ready", ready)


async def _impersonates(ground: Ground) -> None:
    """A user who may not impersonate is refused with these words; everybody else as that person."""
    found = await ground.look(ObservationKind.VMI, by=ground.stranger)
    assert found.forbidden is not None, "even nobody may read VMs there"
    assert "impersonate" not in found.forbidden.text, found.forbidden.text


def _claim(storage_class: str | None) -> dict[str, Any]:
    """An empty disk."""
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    metadata = {"name": CLAIM, "labels": MARK}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def _vm() -> dict[str, Any]:
    """A tiny VM that boots from an image and has the disk beside it; killed at once when stopped."""
    disks = [{"name": name, "disk": {"bus": "virtio"}} for name in ("boot", DISK)]
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": VM, "labels": MARK},
        "spec": {
            "runStrategy": "Halted",
            "template": {
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "domain": {
                        "devices": {"disks": disks},
                        "resources": {"requests": {"memory": "128Mi"}},
                    },
                    "volumes": [
                        {"name": "boot", "containerDisk": {"image": IMAGE}},
                        {"name": DISK, "persistentVolumeClaim": {"claimName": CLAIM}},
                    ],
                }
            },
        },
    }
