"""The cluster room on a simulated cluster and, if one is given, on a real one: the same assertions.

    VM_RESTORE_TEST_KUBECONFIG=~/.kube/config pytest -rs tests/cluster/test_real_cluster.py

docs/testing-on-a-cluster.md says what that makes, what it needs and what it never touches.
"""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from bot.cluster import names
from bot.cluster.schema import READINESS
from bot.playground.clock import HandClock
from bot.playground.kubevirt.server import KubeSim
from bot.restore.checks import nobody_takes_a_snapshot
from bot.restore.denials import denial
from bot.restore.events import CreateSnapshot, DeleteRestore, Done, Effect, StartVm, StopVm
from bot.restore.fates import copied_disks
from bot.restore.model import Job, Preview, Safety
from bot.restore.observation import ApiRejection, ObservationKind, RestoreObject
from bot.restore.reasons import Reason
from bot.restore.snapshot_checks import (
    content_exists,
    content_stays,
    copies_are_there,
    snapshot_holds_disks,
)
from tests.cluster import ground as grounds
from tests.cluster.ground import (
    DISK,
    FAIL_AT_ONCE,
    GUEST,
    ID,
    IMPERSONATION,
    OWN_LABELS,
    SNAPSHOT,
    SNAPSHOTS,
    VM,
    Ground,
)

LIMIT = 3600 if grounds.GIVEN else 600
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(LIMIT)]

LAZY = "lazy"
SIMULATED = {"simulated": None, "simulated, disks made for their first user": LAZY}
WHERE = [*SIMULATED, *(["real"] if grounds.GIVEN else [])]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=WHERE)
async def laid(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ground]:
    """One namespace with one VM for all tests of this file."""
    where = grounds.real()
    if request.param in SIMULATED:
        directory: Path = tmp_path_factory.mktemp("ground")
        where = grounds.simulated(directory, SIMULATED[request.param], with_lazy_storage)
    async with where as ground:
        yield ground


def with_lazy_storage(sim: KubeSim) -> None:
    """A storage class as many real clusters have it."""
    sim.seed.storage_class(LAZY, "WaitForFirstConsumer")


@pytest_asyncio.fixture(loop_scope="module")
async def ground(laid: Ground) -> Ground:
    """The same, with the VM at rest."""
    await laid.rests()
    return laid


async def test_the_simulator_lacks_nothing(ground: Ground) -> None:
    """So that no assertion is ever skipped on it."""
    if not isinstance(ground.clock, HandClock):
        pytest.skip("what this cluster lacks is told by the tests that need it")
    assert ground.lacks == {}


async def test_the_documentation_names_every_variable_and_all_that_may_be_lacking() -> None:
    page = grounds.DOCUMENTATION.read_text(encoding="utf-8")
    variables = set(re.findall(r"VM_RESTORE_TEST_[A-Z_]+", inspect.getsource(grounds)))
    assert {name for name in variables if f"| `{name}` |" not in page} == set()
    assert {each for each in grounds.NEEDS if f"| {each} |" not in page} == set()
    assert f"`{grounds.DEFAULT_IMAGE}`" in page


# Looks


async def test_the_cluster_answers_and_serves_what_the_bot_needs(ground: Ground) -> None:
    await ground.cluster.ping()
    found = await ground.cluster.capabilities()
    assert {"v1beta1", "v1alpha1"} & set(found.served)
    assert {"target", "virtualMachineSnapshotName"} <= set(found.restore_fields or ())
    assert found.kubevirt


async def test_a_full_look_brings_the_vm_its_snapshot_and_no_objection(ground: Ground) -> None:
    ground.need(SNAPSHOTS)
    observation = await ground.look(ObservationKind.FULL, ground.restore())
    assert observation.kubevirt
    assert (observation.forbidden, observation.dry_run, observation.vmi, observation.restores) == (
        None,
        None,
        None,
        (),
    )
    vm, snapshot, content = observation.vm, observation.snapshot, observation.content
    assert vm is not None
    assert snapshot is not None
    assert content is not None
    assert (vm.name, vm.namespace, vm.run_strategy) == (VM, ground.namespace, "Halted")
    assert not vm.may_start_itself
    assert not vm.deleting
    assert vm.last_modified is not None
    assert {(one.name, one.holds_data) for one in vm.volumes} == {("boot", False), (DISK, True)}
    assert (snapshot.source, snapshot.usable, snapshot.phase) == (VM, True, "Succeeded")
    assert snapshot.created is not None
    assert (DISK in snapshot.included, "boot" in snapshot.included) == (True, False)
    assert snapshot.restore_id == ID
    assert (content.vm_uid, content.ready, len(content.sizes)) == (vm.uid, True, 1)
    assert content.bytes_needed >= 2**30
    assert [one.name for one in observation.snapshots if one.name == SNAPSHOT] == [SNAPSHOT]


async def test_a_dry_run_stores_nothing(ground: Ground) -> None:
    ground.need(SNAPSHOTS)
    effect = ground.restore()
    await ground.look(ObservationKind.FULL, effect)
    await ground.second()
    after = await ground.look(ObservationKind.RECHECK)
    assert after.restores == ()
    assert (await ground.look(ObservationKind.JOB, job=ground.job(effect))).job is None


async def test_a_recheck_brings_the_same_facts(ground: Ground) -> None:
    ground.need(SNAPSHOTS)
    full = await ground.look(ObservationKind.FULL, ground.restore())
    again = await ground.look(ObservationKind.RECHECK)
    assert full.vm is not None
    assert again.vm is not None
    assert (again.vm.uid, again.vm.config) == (full.vm.uid, full.vm.config)
    assert again.snapshot == full.snapshot
    assert again.content == full.content
    assert (again.vmi, again.forbidden) == (None, None)


async def test_a_look_at_nothing_finds_nothing_and_offers_what_is_there(ground: Ground) -> None:
    request = {"vm": "subjekt", "snapshot": "nothing"}
    observation = await ground.look(ObservationKind.FULL, ground.restore(), request=request)
    assert observation.kubevirt
    assert (observation.vm, observation.vmi, observation.snapshot, observation.content) == (
        None,
        None,
        None,
        None,
    )
    assert (observation.forbidden, observation.dry_run) == (None, None)
    assert observation.candidates.vms == (VM,)


async def test_the_pickers_are_fed_from_this_namespace_alone(ground: Ground) -> None:
    """The bot was given one namespace, so it sees nothing of the others."""
    catalog = ground.cluster.catalog
    assert list(await catalog.vms(None)) == [(ground.namespace, VM)]
    assert list(await catalog.namespaces_with(VM, None)) == [ground.namespace]
    assert await catalog.snapshots("default", VM) == []


# Stop and start


async def test_a_vm_is_started_and_stopped_and_either_twice_is_no_error(ground: Ground) -> None:
    ground.need(GUEST)
    await ground.starts()
    running = await ground.look(ObservationKind.VMI)
    assert running.vm is not None
    assert running.vmi is not None
    assert (running.vm.run_strategy, running.vm.status) == ("Always", "Running")
    assert not running.vmi.final
    await ground.does(StartVm(ground.namespace, VM))
    await ground.stops()
    stopped = await ground.look(ObservationKind.VMI)
    assert stopped.vm is not None
    assert (stopped.vm.uid, stopped.vm.run_strategy) == (running.vm.uid, "Halted")
    await ground.does(StopVm(ground.namespace, VM))


async def test_a_stop_by_force(ground: Ground) -> None:
    ground.need(GUEST)
    await ground.starts()
    await ground.does(StopVm(ground.namespace, VM, force=True))

    async def stopped() -> bool:
        return (await ground.look(ObservationKind.VMI)).vmi is None

    await ground.until("the VM has stopped", stopped)


async def test_neither_works_on_a_vm_that_does_not_exist(ground: Ground) -> None:
    for effect in (StopVm(ground.namespace, "nothing"), StartVm(ground.namespace, "nothing")):
        refused = await ground.act(effect)
        assert isinstance(refused, ApiRejection)
        assert refused.code == 404
        assert "nothing" in refused.text


# Snapshots


async def test_a_snapshot_is_taken_once_and_followed_until_it_is_usable(ground: Ground) -> None:
    ground.need(SNAPSHOTS)
    name = f"pre-restore-{uuid4().hex[:8]}"
    effect = CreateSnapshot(ground.namespace, VM, name, OWN_LABELS, ())
    done = await ground.act(effect)
    assert isinstance(done, Done)
    assert await ground.act(effect) == done, "the second time it is the same one"
    await grounds.usable(ground, name)
    safety = Safety(name=name, decided_at=ground.clock.now())
    found = (await ground.look(ObservationKind.SAFETY, safety=safety)).safety
    assert found is not None
    assert (found.uid, found.source, found.restore_id) == (done.uid, VM, ID)
    assert found.indications == (), "of a stopped VM there is nothing to be said"


async def test_a_snapshot_name_that_somebody_else_took_is_refused(ground: Ground) -> None:
    ground.need(SNAPSHOTS)
    labels = tuple((key, "another.1") for key, _ in OWN_LABELS)
    refused = await ground.act(CreateSnapshot(ground.namespace, VM, SNAPSHOT, labels, ()))
    assert isinstance(refused, ApiRejection)
    assert (refused.code, refused.reason) == (409, "AlreadyExists")


# Restores


async def test_a_restore_is_followed_to_its_end(ground: Ground) -> None:
    ground.need(SNAPSHOTS)
    before = (await ground.look(ObservationKind.RECHECK)).vm
    assert before is not None
    used = tuple(one.claim for one in before.volumes if one.claim)
    effect = ground.restore()
    done = await ground.act(effect)
    assert isinstance(done, Done)
    assert await ground.act(effect) == done, "the second time it is the same one"
    await complete(ground, ground.job(effect))
    observation = await ground.look(
        ObservationKind.JOB, job=ground.job(effect), preview=shown(ground, used)
    )
    job, vm = observation.job, observation.vm
    assert job is not None
    assert vm is not None
    assert (job.uid, job.target, job.snapshot) == (done.uid, VM, SNAPSHOT)
    assert (job.failure, job.restore_id) == (None, ID)
    assert job.restored_at is not None
    assert (vm.uid, vm.run_strategy, vm.restore_in_progress) == (before.uid, "Halted", None)
    assert vm.last_restore == f"{effect.name}-{job.uid}"
    assert observation.vmi is None, "a restored VM is not started by itself"
    assert {one.claim for one in vm.volumes if one.holds_data} == set(job.claims)
    assert not set(job.claims) & set(used), "new volumes; the old ones stay"
    assert {*used, *job.claims} <= {one.name for one in observation.claims}


async def test_a_restored_vm_starts_from_its_new_disk(ground: Ground) -> None:
    ground.need(SNAPSHOTS, GUEST)
    effect = ground.restore()
    await ground.act(effect)
    await complete(ground, ground.job(effect))
    await ground.starts()


async def test_a_restore_of_a_snapshot_that_is_not_there_waits_and_never_ends(
    ground: Ground,
) -> None:
    """The API server takes it; neither complete nor failed, which the bot must not confuse."""
    effect = ground.restore(snapshot="nothing")
    assert isinstance(await ground.act(effect), Done)
    await says(ground, ground.job(effect), "does not exist")
    job = (await ground.look(ObservationKind.JOB, job=ground.job(effect))).job
    assert job is not None
    assert (job.complete, job.failure) == (False, None)


async def test_an_unfinished_restore_stands_in_the_way_of_every_other(ground: Ground) -> None:
    ground.need(SNAPSHOTS)
    first, second = ground.restore(snapshot="nothing"), ground.restore()
    done = await ground.act(first)
    assert isinstance(done, Done)
    await says(ground, ground.job(first), "does not exist")
    observation = await ground.look(ObservationKind.FULL, second)
    assert [one.name for one in observation.restores] == [first.name]
    assert observation.dry_run is not None
    assert observation.dry_run.code == 422
    assert f'"{first.name}" in progress' in observation.dry_run.text
    refused = await ground.act(second)
    assert isinstance(refused, ApiRejection)
    assert f'"{first.name}" in progress' in refused.text
    await ground.removes(first.name, done.uid or "")
    assert (await ground.look(ObservationKind.FULL, second)).dry_run is None


async def test_a_restore_of_a_running_vm_fails_at_once_and_changes_nothing(ground: Ground) -> None:
    ground.need(SNAPSHOTS, GUEST, FAIL_AT_ONCE)
    await ground.starts()
    effect = ground.restore()
    await ground.act(effect)

    async def failed() -> bool:
        job = (await ground.look(ObservationKind.JOB, job=ground.job(effect))).job
        return job is not None and job.failure is not None

    await ground.until(f"the restore fails, as it has {READINESS} FailImmediate", failed)
    observation = await ground.look(ObservationKind.JOB, job=ground.job(effect))
    assert observation.job is not None
    assert observation.vm is not None
    assert observation.vmi is not None
    assert not observation.job.complete
    assert observation.vm.last_restore != f"{effect.name}-{observation.job.uid}"


async def test_a_restore_is_deleted_by_its_uid_and_no_other(ground: Ground) -> None:
    effect = ground.restore(snapshot="nothing")
    done = await ground.act(effect)
    assert isinstance(done, Done)
    other = DeleteRestore(ground.namespace, effect.name, str(uuid4()))
    assert await ground.act(other) == Done()
    assert (await ground.look(ObservationKind.JOB, job=ground.job(effect))).job is not None
    await ground.removes(effect.name, done.uid or "")
    again = DeleteRestore(ground.namespace, effect.name, done.uid or "")
    assert await ground.act(again) == Done()
    assert (await ground.look(ObservationKind.JOB, job=ground.job(effect))).job is None


async def complete(ground: Ground, job: Job) -> None:
    """Wait until a restore is complete."""

    async def over() -> bool:
        found = (await ground.look(ObservationKind.JOB, job=job)).job
        assert found is not None
        assert found.failure is None
        return found.complete

    await ground.until(f"restore {job.name} is complete", over)


async def says(ground: Ground, job: Job, words: str) -> None:
    """Wait until a restore says why it waits."""

    async def said() -> bool:
        found = (await ground.look(ObservationKind.JOB, job=job)).job
        return found is not None and words in found.ready

    await ground.until(f"restore {job.name} says {words!r}", said)


def shown(ground: Ground, claims: tuple[str, ...]) -> Preview:
    """What a person was shown of the VM before."""
    now = ground.clock.now()
    return Preview(
        taken_at=now,
        vm_uid="v",
        vm_status="Stopped",
        run_strategy="Halted",
        snapshot_uid="s",
        snapshot_created=now,
        claims=claims,
    )


# What a status or a code does not say


async def snapshot_of_its_own(ground: Ground) -> str:
    """A snapshot that a test may spoil."""
    name = f"spoilt-{uuid4().hex[:8]}"
    await ground.does(CreateSnapshot(ground.namespace, VM, name, OWN_LABELS, ()))
    return name


async def test_a_content_that_is_going_is_refused_though_its_snapshot_is_ready(
    ground: Ground,
) -> None:
    """It stays on its finalizer, its status and the snapshot's still say ready, a dry run is fine."""
    ground.need(SNAPSHOTS)
    name = await snapshot_of_its_own(ground)
    await grounds.usable(ground, name)
    asked = {"snapshot": name}
    effect = ground.restore(snapshot=name)
    before = await ground.look(ObservationKind.FULL, effect, request=asked)
    assert before.content is not None
    assert content_stays(before, ground.document(request=asked)) is None
    kind = names.CONTENTS
    path = names.snapshot_group("v1beta1", kind, ground.namespace, before.content.name)
    await ground.api.call("DELETE", path)
    for look in (ObservationKind.FULL, ObservationKind.RECHECK):
        after = await ground.look(look, effect, request=asked)
        assert after.snapshot is not None
        assert after.snapshot.phase == "Succeeded"
        assert after.dry_run is None
        gone = after.content is None or after.content.deleting
        assert gone, "it is not taken for one that is there"
        document = ground.document(request=asked)
        assert content_stays(after, document) or content_exists(after, document)


async def test_a_quota_that_refuses_is_told_apart_from_a_missing_right(ground: Ground) -> None:
    """Both are a 403: what the message says decides."""
    ground.need(SNAPSHOTS)
    effect = ground.restore(snapshot="nothing")
    path = names.core("resourcequotas", ground.namespace)
    hard = {"count/virtualmachinerestores.snapshot.kubevirt.io": "0"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
    await ground.api.call("POST", path, body={**quota, "spec": {"hard": hard}})

    async def enforced() -> bool:
        rejection = (await ground.look(ObservationKind.FULL, effect)).dry_run
        return rejection is not None and "exceeded quota" in rejection.text

    try:
        await ground.until("the quota is enforced", enforced)
        refused = await ground.act(effect)
        assert isinstance(refused, ApiRejection)
        assert refused.code == 403
        cause = denial(refused, ground.namespace)
        assert cause.reason is Reason.OBJECT_QUOTA_EXCEEDED
        assert "Quota `none`" in cause.told
    finally:
        await ground.api.call("DELETE", f"{path}/none")


async def test_a_vm_whose_snapshot_is_done_is_not_said_to_be_locked_by_it(ground: Ground) -> None:
    """The VM names it for a moment longer: that passes, and is no other snapshot in progress."""
    ground.need(SNAPSHOTS)
    name = await snapshot_of_its_own(ground)
    await grounds.usable(ground, name)
    observation = await ground.look(ObservationKind.FULL, ground.restore())
    assert nobody_takes_a_snapshot(observation, ground.document()) is None


async def test_what_a_snapshot_holds_is_told_by_its_content_and_the_copies(ground: Ground) -> None:
    """A name in the summary is no copy: the content names a volume snapshot, and that is there."""
    ground.need(SNAPSHOTS)
    observation = await ground.look(ObservationKind.FULL, ground.restore())
    content, copies = observation.content, observation.copies
    assert content is not None
    assert set(copied_disks(content)) == {DISK}
    assert copies is not None
    assert {one.name for one in copies} == {name for _, name in content.copies}
    document = ground.document()
    assert copies_are_there(observation, document) is None
    assert snapshot_holds_disks(observation, document) is None


# Refusals


async def test_who_has_no_rights_is_refused_everything_in_words(ground: Ground) -> None:
    ground.need(IMPERSONATION)
    by, effect = ground.stranger, ground.restore()
    observation = await ground.look(ObservationKind.RECHECK, by=by)
    assert observation.forbidden is not None
    assert observation.forbidden.code == 403
    assert "cannot get resource" in observation.forbidden.text
    assert (observation.vm, observation.snapshot) == (None, None)
    acts: dict[str, tuple[Effect, ...]] = {
        "virtualmachines": (StopVm(ground.namespace, VM), StartVm(ground.namespace, VM)),
        "virtualmachinerestores": (effect, DeleteRestore(ground.namespace, effect.name, "uid")),
        "virtualmachinesnapshots": (CreateSnapshot(ground.namespace, VM, "no", OWN_LABELS, ()),),
    }
    for resource, effects in acts.items():
        for each in effects:
            refused = await ground.act(each, by=by)
            assert isinstance(refused, ApiRejection), each
            assert refused.code == 403
            assert resource in refused.text
    untouched = await ground.look(ObservationKind.RECHECK)
    assert (untouched.vmi, untouched.restores) == (None, ())


# The watch


async def test_the_watch_wakes_what_is_labelled_and_nothing_else(ground: Ground) -> None:
    """A restore that is there, that changes, that vanishes; somebody else's wakes nobody."""
    woken: list[str] = []
    jobs: list[Job] = []

    async def wake(told: Sequence[RestoreObject]) -> None:
        found = await ground.look(ObservationKind.JOB, job=jobs[-1])
        there = "gone" if found.job is None else "there"
        woken.extend(f"{each.restore_id} {there}" for each in told)

    watching = asyncio.create_task(ground.cluster.watch(wake))
    try:
        await ground.until("the watch stands", _is(lambda: ground.cluster.watching))
        theirs = ground.restore(snapshot="nothing", labels=())
        uid = await ground.does(theirs)
        await says(ground, ground.job(theirs), "does not exist")
        await ground.removes(theirs.name, uid)
        assert woken == []
        own = ground.restore(snapshot="nothing")
        jobs.append(ground.job(own))
        uid = await ground.does(own)
        await ground.until("the new restore is told", _is(lambda: f"{ID} there" in woken))
        await says(ground, jobs[-1], "does not exist")
        await ground.removes(own.name, uid)
        await ground.until("its end is told", _is(lambda: f"{ID} gone" in woken))
        assert set(woken) == {f"{ID} there", f"{ID} gone"}
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def _is(true: Callable[[], object]) -> Callable[[], Awaitable[object]]:
    async def asked() -> object:
        return true()

    return asked


# What a cluster cannot do


def with_bare_storage(sim: KubeSim) -> None:
    """A storage class that nothing can be snapshotted on."""
    sim.seed.storage_class("bare", snapshots=False)


def with_guests_that_crash(sim: KubeSim) -> None:
    """Nothing ever runs, as without an image or without virtualisation."""
    sim.knobs.guest.crashes_at_boot = True


@pytest.mark.parametrize(
    ("prepare", "storage_class", "lacks", "because"),
    [
        pytest.param(
            with_bare_storage, "bare", SNAPSHOTS, "disk can be snapshotted", id="no snapshot class"
        ),
        pytest.param(with_guests_that_crash, None, GUEST, "the VM runs", id="no guest ever runs"),
        pytest.param(
            lambda sim: sim.downgrade_restores(READINESS),
            *(None, FAIL_AT_ONCE, READINESS),
            id="an older KubeVirt",
        ),
        pytest.param(
            lambda sim: sim.deny("impersonate", "users", user=grounds.TESTER),
            *(None, IMPERSONATION, "cannot impersonate"),
            id="nobody may be impersonated",
        ),
    ],
)
async def test_what_a_cluster_lacks_is_found_and_named(
    tmp_path: Path,
    prepare: Callable[[KubeSim], object],
    storage_class: str | None,
    lacks: str,
    because: str,
) -> None:
    """A test that needs it is skipped with the reason; the others run."""
    async with grounds.simulated(tmp_path, storage_class, prepare) as ground:
        assert set(ground.lacks) == {lacks}
        await ground.rests()
        with pytest.raises(
            pytest.skip.Exception, match=f"the simulator lacks {lacks}: .*{because}"
        ):
            ground.need(lacks)


@pytest.mark.parametrize(
    ("prepare", "because"),
    [
        pytest.param(
            lambda sim: sim.uninstall("snapshot.kubevirt.io"),
            "serves no snapshot.kubevirt.io",
            id="no KubeVirt",
        ),
        pytest.param(
            lambda sim: sim.deny("create", "namespaces", user=grounds.TESTER),
            "lets us make no namespace: .* is forbidden",
            id="no right to make a namespace",
        ),
        pytest.param(
            lambda sim: sim.deny("create", "virtualmachines", user=grounds.TESTER),
            "lets us make no virtualmachines: .* is forbidden",
            id="no right to make a VM",
        ),
    ],
)
async def test_a_cluster_that_lacks_what_everything_needs_is_skipped_and_left_clean(
    tmp_path: Path, prepare: Callable[[KubeSim], object], because: str
) -> None:
    seen: list[KubeSim] = []

    def prepared(sim: KubeSim) -> None:
        seen.append(sim)
        prepare(sim)

    with pytest.raises(pytest.skip.Exception, match=because):
        async with grounds.simulated(tmp_path, None, prepared):
            pass
    left = [name for _, name in seen[0].storage.keys("namespaces")]
    assert not [name for name in left if name.startswith("vm-restore-test-")]
