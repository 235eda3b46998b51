"""What a look makes of answers that a healthy cluster does not give."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web

from bot.cluster.cluster import Cluster
from bot.errors import Permanent, Temporary
from bot.playground.clock import START
from bot.restore.disks import Disk, Fate
from bot.restore.effects import RESTORE_ID
from bot.restore.model import Job, Phase, Preview, Restore, Safety
from bot.restore.observation import Observation, ObservationKind, Use
from bot.restore.rules import Rules, VolumePolicy
from tests.cluster import samples
from tests.cluster.conftest import wait_until
from tests.cluster.wire import (
    CRD_PATH,
    SNAPSHOT_API,
    Answer,
    Json,
    Wire,
    listing,
    plain,
    refuses,
    says,
)

VMS = "/apis/kubevirt.io/v1/namespaces/production/virtualmachines"
VM = f"{VMS}/database-01"
VMI = "/apis/kubevirt.io/v1/namespaces/production/virtualmachineinstances/database-01"
GROUP = f"{SNAPSHOT_API}/namespaces/production"
SNAPSHOTS = f"{GROUP}/virtualmachinesnapshots"
SNAPSHOT = f"{SNAPSHOTS}/pre-upgrade"
CONTENT = f"{GROUP}/virtualmachinesnapshotcontents/content"
RESTORES = f"{GROUP}/virtualmachinerestores"
QUOTAS = "/api/v1/namespaces/production/resourcequotas"
CLAIMS = "/api/v1/namespaces/production/persistentvolumeclaims"
MISSING = refuses(404, "not found", "NotFound")

SNAPSHOT_DOCUMENT: Json = {
    "metadata": {"name": "pre-upgrade", "uid": "s"},
    "spec": {"source": {"name": "database-01"}},
    "status": {"virtualMachineSnapshotContentName": "content"},
}
COLUMNS = [{"name": name} for name in ("Name", "TargetKind", "TargetName", "Complete")]
JOB = Job(name="restore-x", decided_at=START, uid="u", looked_at=START)
SAFETY = Safety(name="pre-restore-x", decided_at=START)


@pytest.fixture
def healthy(wire: Wire) -> Wire:
    """Everything that any look reads is there."""
    wire.on("GET", VM, says({"metadata": {"uid": "vm"}}))
    wire.on("GET", VMI, MISSING)
    wire.on("GET", VMS, listing({"metadata": {"namespace": "production", "name": "database-02"}}))
    wire.on("GET", SNAPSHOTS, listing(SNAPSHOT_DOCUMENT))
    wire.on("GET", SNAPSHOT, says(SNAPSHOT_DOCUMENT))
    wire.on("GET", f"{SNAPSHOTS}/pre-restore-x", says({"metadata": {"name": "pre-restore-x"}}))
    wire.on("GET", CONTENT, says({"metadata": {"name": "content"}}))
    wire.on("GET", RESTORES, listing())
    wire.on("GET", f"{RESTORES}/restore-x", says({"status": {"complete": True}}))
    wire.on("GET", QUOTAS, listing())
    wire.on("GET", CLAIMS, listing())
    wire.on("POST", RESTORES, says({}, 201))
    return wire


async def look(cluster: Cluster, kind: ObservationKind) -> Observation:
    restore = samples.restore(job=JOB, safety=SAFETY)
    return await cluster.observe(restore, kind, samples.CREATE)


def reads_of_looks() -> Iterator[Any]:
    reads = {
        ObservationKind.FULL: (VM, VMI, SNAPSHOTS, CONTENT, QUOTAS),
        ObservationKind.RECHECK: (VM, VMI, SNAPSHOT, CONTENT, RESTORES),
        ObservationKind.VMI: (VM, VMI),
        ObservationKind.SAFETY: (f"{SNAPSHOTS}/pre-restore-x", RESTORES),
        # Without its VM and its VMI the result of a restore is told all the same.
        ObservationKind.JOB: (f"{RESTORES}/restore-x",),
    }
    for kind, paths in reads.items():
        for path in paths:
            yield pytest.param(kind, path, id=f"{kind} reads {path.rsplit('/', 2)[-2:]}")


@pytest.mark.parametrize(("kind", "path"), list(reads_of_looks()))
async def test_a_read_that_is_forbidden_is_a_fact_of_the_scene(
    kind: ObservationKind, path: str, healthy: Wire, cluster: Cluster
) -> None:
    healthy.on("GET", path, refuses(403, 'User "bot" cannot get resource "x"', "Forbidden"))
    observation = await look(cluster, kind)
    assert observation.forbidden is not None
    assert observation.forbidden.code == 403
    assert "cannot get" in observation.forbidden.text


@pytest.mark.parametrize(("kind", "path"), list(reads_of_looks()))
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(refuses(500, "etcd"), id="500"),
        pytest.param(plain(404, "404 page not found"), id="not served any more"),
    ],
)
async def test_a_read_without_an_answer_fails_the_look(
    kind: ObservationKind, path: str, answer: Answer, healthy: Wire, cluster: Cluster
) -> None:
    healthy.on("GET", path, answer)
    with pytest.raises(Temporary):
        await look(cluster, kind)


TOGETHER = {
    ObservationKind.FULL: (VM, VMI, SNAPSHOTS, QUOTAS),
    ObservationKind.RECHECK: (VM, VMI, SNAPSHOT, RESTORES),
    ObservationKind.VMI: (VM, VMI),
    ObservationKind.JOB: (VM, VMI),
}
"""The reads that go out together, in the order in which they are asked."""


def first_asked_is_answered_last(wire: Wire, paths: tuple[str, ...], code: int) -> None:
    """Each read of these fails, and names itself; each only after the one that was asked next."""
    answered = [asyncio.Event() for _ in (*paths, "nothing comes before the last one")]
    answered[-1].set()
    for path, (mine, before) in zip(paths, pairwise(answered), strict=True):
        wire.on("GET", path, _answers_after(before, mine, refuses(code, f"cannot get {path}")))


def _answers_after(before: asyncio.Event, mine: asyncio.Event, answer: Answer) -> Answer:
    async def answered(request: web.Request) -> web.StreamResponse:
        await before.wait()
        for _ in range(50):
            await asyncio.sleep(0)  # the bot has the other answer by now
        mine.set()
        return await answer(request)

    return answered


@pytest.mark.parametrize("kind", [kind for kind in TOGETHER if kind is not ObservationKind.JOB])
async def test_of_reads_that_are_forbidden_the_first_asked_is_told(
    kind: ObservationKind, healthy: Wire, cluster: Cluster
) -> None:
    """Whichever answer is the quickest: the same person reads the same words the next time."""
    first_asked_is_answered_last(healthy, TOGETHER[kind], 403)
    observation = await look(cluster, kind)
    assert observation.forbidden is not None
    assert observation.forbidden.text == f"cannot get {TOGETHER[kind][0]}"


@pytest.mark.parametrize("kind", TOGETHER)
async def test_of_reads_that_fail_the_first_asked_is_told(
    kind: ObservationKind, healthy: Wire, cluster: Cluster
) -> None:
    first_asked_is_answered_last(healthy, TOGETHER[kind], 500)
    with pytest.raises(Temporary, match=f"cannot get {TOGETHER[kind][0]}$"):
        await look(cluster, kind)


async def test_a_look_that_is_given_up_leaves_no_read_behind(
    healthy: Wire, cluster: Cluster
) -> None:
    over = asyncio.Event()
    healthy.on("GET", VMI, _answers_after(over, asyncio.Event(), MISSING))
    looking = asyncio.create_task(look(cluster, ObservationKind.VMI))
    await wait_until(lambda: bool(healthy.requests("GET", VMI)), "it looks")
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    reads = [task for task in asyncio.all_tasks() if "Reads" in repr(task.get_coro())]
    over.set()
    assert looking.cancelled()
    assert reads == []


@pytest.mark.parametrize(("kind", "path"), list(reads_of_looks()))
async def test_a_token_that_is_not_taken_fails_the_look_for_good(
    kind: ObservationKind, path: str, healthy: Wire, cluster: Cluster
) -> None:
    healthy.on("GET", path, refuses(401, "Unauthorized", "Unauthorized"))
    with pytest.raises(Permanent) as caught:
        await look(cluster, kind)
    assert caught.value.reason == "unauthorized"


async def test_a_refusal_without_words_names_the_verb_and_the_resource(
    healthy: Wire, cluster: Cluster
) -> None:
    healthy.on("GET", QUOTAS, refuses(403, "no", "Forbidden"))
    observation = await look(cluster, ObservationKind.FULL)
    assert observation.forbidden is not None
    assert observation.forbidden.text == "cannot list resourcequotas. no"


@pytest.mark.parametrize(
    "kind",
    [ObservationKind.FULL, ObservationKind.RECHECK, ObservationKind.SAFETY, ObservationKind.JOB],
)
async def test_without_kubevirt_nothing_else_is_concluded(
    kind: ObservationKind, healthy: Wire, cluster: Cluster
) -> None:
    healthy.on("GET", CRD_PATH, MISSING)
    assert await look(cluster, kind) == Observation(kind, START, kubevirt=False)


async def test_a_403_for_an_unknown_group_is_told_apart_by_discovery(
    healthy: Wire, cluster: Cluster
) -> None:
    """Without cluster rights an API group that is not installed answers 403, not 404."""
    forbidden = refuses(403, "cannot list resource", "Forbidden")
    for path in (CRD_PATH, SNAPSHOTS, RESTORES, VM, VMI):
        healthy.on("GET", path, forbidden)
    observation = await look(cluster, ObservationKind.FULL)
    assert (observation.kubevirt, observation.forbidden) == (False, None)


async def test_an_api_that_comes_back_is_seen(healthy: Wire, cluster: Cluster) -> None:
    healthy.on("GET", CRD_PATH, MISSING, *healthy._script["GET", CRD_PATH])
    assert not (await look(cluster, ObservationKind.FULL)).kubevirt
    assert (await look(cluster, ObservationKind.FULL)).kubevirt


@pytest.mark.parametrize(
    "answer",
    [
        refuses(403, "cannot create", "Forbidden"),
        refuses(400, "Snapshot/Restore feature gate not enabled"),
        refuses(422, 'VirtualMachineRestore "r" in progress', "Invalid"),
        refuses(500, 'admission webhook "x" denied the request: no'),
    ],
)
async def test_what_the_dry_run_was_refused_with(
    answer: Answer, healthy: Wire, cluster: Cluster
) -> None:
    healthy.on("POST", RESTORES, answer)
    observation = await look(cluster, ObservationKind.FULL)
    assert observation.dry_run is not None
    assert observation.dry_run.text
    assert observation.forbidden is None


async def test_a_dry_run_without_an_answer_fails_the_look(healthy: Wire, cluster: Cluster) -> None:
    healthy.on("POST", RESTORES, refuses(500, "failed calling webhook"))
    with pytest.raises(Temporary):
        await look(cluster, ObservationKind.FULL)


async def test_the_dry_run_stores_nothing_and_is_strict(healthy: Wire, cluster: Cluster) -> None:
    await look(cluster, ObservationKind.FULL)
    sent = healthy.requests("POST", RESTORES)
    assert [one.query for one in sent] == [{"fieldValidation": "Strict", "dryRun": "All"}]


async def test_of_the_restores_in_a_table_only_unfinished_ones_of_the_vm_are_read(
    healthy: Wire, cluster: Cluster
) -> None:
    """However many other VMs are being restored."""
    of_others = [{"cells": [f"r-{n}", "VirtualMachine", "web", False]} for n in range(9)]
    cells = [
        ["done", "VirtualMachine", "database-01", True],
        ["r", "VirtualMachine", "database-01", None],
    ]
    rows = [*of_others, *({"cells": each} for each in cells)]
    healthy.on("POST", RESTORES, refuses(403, "cannot create", "Forbidden"))
    table = {"kind": "Table", "columnDefinitions": COLUMNS, "rows": rows}
    healthy.on("GET", RESTORES, says(table))
    rival = {"metadata": {"name": "r", "uid": "r"}, "spec": {"target": {"name": "database-01"}}}
    healthy.on("GET", f"{RESTORES}/r", says(rival))
    observation = await look(cluster, ObservationKind.FULL)
    assert [one.name for one in observation.restores] == ["r"]
    assert [one.path for one in healthy.seen if f"{RESTORES}/" in one.path] == [f"{RESTORES}/r"]


ROWLESS = [
    pytest.param(refuses(406, "only JSON", "NotAcceptable"), id="no tables are made"),
    pytest.param(says({"kind": "Table", "columnDefinitions": [{"name": "Name"}]}), id="no column"),
    pytest.param(
        says({"kind": "Table", "columnDefinitions": COLUMNS, "rows": [{"cells": ["r"]}]}),
        id="rows of another width",
    ),
]


@pytest.mark.parametrize("answer", ROWLESS)
async def test_where_restores_are_not_printed_as_a_table_all_are_read(
    answer: Answer, healthy: Wire, cluster: Cluster
) -> None:
    """A rival is looked for in whole objects then, and not taken for absent."""
    rival = {"metadata": {"name": "r", "uid": "r"}, "spec": {"target": {"name": "database-01"}}}
    healthy.on("POST", RESTORES, refuses(403, "cannot create", "Forbidden"))
    healthy.on("GET", RESTORES, answer, listing(rival))
    observation = await look(cluster, ObservationKind.FULL)
    assert [one.name for one in observation.restores][-1:] == ["r"]


@pytest.mark.parametrize("path", [VM, SNAPSHOTS])
async def test_without_vm_or_snapshot_there_is_no_dry_run(
    path: str, healthy: Wire, cluster: Cluster
) -> None:
    healthy.on("GET", path, MISSING if path == VM else listing())
    observation = await look(cluster, ObservationKind.FULL)
    assert healthy.requests("POST", RESTORES) == []
    assert observation.dry_run is None


async def test_a_missing_vm_brings_the_names_of_its_neighbours(
    healthy: Wire, cluster: Cluster
) -> None:
    healthy.on("GET", VM, MISSING)
    vms = "/apis/kubevirt.io/v1/virtualmachines"
    named = (("production", "database-02"), ("staging", "database-01"), ("staging", "web-01"))
    found = [{"metadata": {"namespace": space, "name": name}} for space, name in named]
    healthy.on("GET", vms, listing(*found))
    candidates = (await look(cluster, ObservationKind.FULL)).candidates
    assert candidates.vms == ("database-02",)
    assert candidates.namespaces == ("staging",)


async def test_a_missing_vm_is_a_fact_even_if_its_neighbours_may_not_be_listed(
    healthy: Wire, cluster: Cluster
) -> None:
    healthy.on("GET", VM, MISSING)
    healthy.on("GET", "/apis/kubevirt.io/v1/virtualmachines", refuses(403, "no", "Forbidden"))
    observation = await look(cluster, ObservationKind.FULL)
    assert (observation.vm, observation.forbidden, observation.candidates.vms) == (None, None, ())


def running(ready: str, *claims: str) -> Answer:
    conditions = [{"type": "Ready", "status": "False", "reason": ready}]
    restores = [{"persistentVolumeClaim": name} for name in claims]
    return says({"status": {"complete": False, "conditions": conditions, "restores": restores}})


@pytest.mark.parametrize(
    ("answer", "reads_claims"),
    [
        pytest.param(running("Initializing VirtualMachineRestore"), False, id="no claims yet"),
        pytest.param(running("Waiting for new PVCs", "c"), True, id="claims are bound"),
        pytest.param(running('"c" is forbidden: exceeded quota', "c"), True, id="in trouble"),
        pytest.param(running("Waiting for target update", "c"), False, id="claims are settled"),
    ],
)
async def test_a_running_restore_costs_one_read_and_one_more_while_its_volumes_matter(
    answer: Answer, reads_claims: bool, healthy: Wire, cluster: Cluster
) -> None:
    healthy.on("GET", f"{RESTORES}/restore-x", answer)
    healthy.on("GET", CLAIMS, listing({"metadata": {"name": "c"}, "status": {"phase": "Bound"}}))
    observation = await look(cluster, ObservationKind.JOB)
    sent = [one for one in healthy.seen if one.path != CRD_PATH]
    assert len(sent) == 1 + reads_claims
    assert len(observation.claims) == reads_claims
    if reads_claims:
        assert sent[1].query["labelSelector"] == "restore.kubevirt.io/source-vm-name=database-01"


async def test_the_end_brings_the_claims_that_matter_and_what_is_going(
    healthy: Wire, cluster: Cluster
) -> None:
    mark = {"restore.kubevirt.io/source-vm-name": "database-01"}
    going = {"name": "going", "labels": mark, "deletionTimestamp": "2026-02-18T16:00:00Z"}
    stays = {"name": "stays", "labels": mark}
    other = {"name": "of-another-vm"}
    healthy.on("GET", CLAIMS, listing(*({"metadata": one} for one in (going, stays, other))))
    observation = await look(cluster, ObservationKind.JOB)
    assert [(one.name, one.deleting) for one in observation.claims] == [
        ("going", True),
        ("stays", False),
    ]
    assert observation.claims_unread is None


REFUSED = [
    pytest.param(refuses(403, "cannot list claims", "Forbidden"), "cannot list claims", id="403"),
    pytest.param(refuses(401, "Unauthorized", "Unauthorized"), "Unauthorized", id="401"),
]


@pytest.mark.parametrize(("answer", "why"), REFUSED)
async def test_claims_that_may_not_be_read_are_a_fact_of_the_end(
    answer: Answer, why: str, healthy: Wire, cluster: Cluster
) -> None:
    healthy.on("GET", CLAIMS, answer)
    observation = await look(cluster, ObservationKind.JOB)
    assert observation.claims_unread is not None
    assert why in observation.claims_unread
    assert (observation.forbidden, observation.claims) == (None, ())
    assert observation.vm is not None


AWAY = [
    pytest.param(refuses(500, "etcd"), id="500"),
    pytest.param(plain(404, "404 page not found"), id="not served any more"),
]


@pytest.mark.parametrize("answer", AWAY)
async def test_claims_without_an_answer_are_waited_for_a_minute_and_no_longer(
    answer: Answer, healthy: Wire, cluster: Cluster
) -> None:
    healthy.on("GET", CLAIMS, answer)
    for seconds in (None, 59):
        with pytest.raises(Temporary):
            await cluster.observe(job(seconds), ObservationKind.JOB, samples.CREATE)
    observation = await cluster.observe(job(60), ObservationKind.JOB, samples.CREATE)
    assert observation.claims_unread


def job(troubled: float | None, **changes: Any) -> Restore:
    """A restore that runs, and could not be seen for so many seconds."""
    since = None if troubled is None else START - timedelta(seconds=troubled)
    return samples.restore(job=JOB, safety=SAFETY, trouble_since=since, **changes)


PODS = "/api/v1/namespaces/production/pods"
VMIS = VMI.rpartition("/")[0]
TWIN = {
    "metadata": {"name": "restored", "annotations": {"restore.kubevirt.io/lastRestoreUID": "-"}},
    "status": {"phase": "Bound"},
}


def claimed(name: str) -> Json:
    return {"name": "v", "persistentVolumeClaim": {"claimName": name}}


@pytest.fixture
def complete(healthy: Wire) -> Wire:
    """A restore of the disk `root`, whose old claim is left."""
    restores = [{"volumeName": "root", "persistentVolumeClaim": "restored"}]
    healthy.on(
        "GET", f"{RESTORES}/restore-x", says({"status": {"complete": True, "restores": restores}})
    )
    healthy.on(
        "GET", CLAIMS, listing(TWIN, {"metadata": {"name": "old"}, "status": {"phase": "Bound"}})
    )
    spec = {"template": {"spec": {"volumes": [{"name": "x", "dataVolume": {"name": "of-vm"}}]}}}
    healthy.on("GET", VMS, listing({"metadata": {"name": "a"}, "spec": spec}))
    healthy.on(
        "GET", VMIS, listing({"metadata": {"name": "b"}, "spec": {"volumes": [claimed("of-vmi")]}})
    )
    healthy.on(
        "GET", PODS, listing({"metadata": {"name": "c"}, "spec": {"volumes": [claimed("of-pod")]}})
    )
    return healthy


def shown(fate: Fate) -> Preview:
    disk = Disk(name="root", claim="old", fate=fate)
    return Preview(
        taken_at=START, vm_uid="vm", vm_status="Stopped", run_strategy="Halted", snapshot_uid="s",
        snapshot_created=START, claims=("old",), fates=(disk,),
    )  # fmt: skip


async def test_before_a_claim_is_called_free_everybody_is_asked_who_uses_it(
    complete: Wire, cluster: Cluster
) -> None:
    asked = job(None, preview=shown(Fate.ROLLS_BACK))
    observation = await cluster.observe(asked, ObservationKind.JOB, samples.CREATE)
    assert {one.path for one in complete.seen} >= {VMS, VMIS, PODS}
    assert observation.uses == (
        Use("of-vm", "VM", "a"), Use("of-vmi", "VMI", "b"), Use("of-pod", "pod", "c"),
    )  # fmt: skip


async def test_nobody_is_asked_for_a_claim_that_is_kept_anyway(
    complete: Wire, cluster: Cluster
) -> None:
    asked = job(None, preview=shown(Fate.LEAVES))
    observation = await cluster.observe(asked, ObservationKind.JOB, samples.CREATE)
    assert observation.uses is None
    assert not [one for one in complete.seen if one.path in (VMS, VMIS, PODS)]


@pytest.mark.parametrize("path", [VMS, VMIS, PODS])
@pytest.mark.parametrize(
    "answer", [refuses(403, "cannot list that", "Forbidden"), refuses(500, "cannot list that")]
)
async def test_if_one_may_not_be_asked_nothing_is_known_of_its_users(
    path: str, answer: Answer, complete: Wire, cluster: Cluster
) -> None:
    complete.on("GET", path, answer)
    asked = job(None, preview=shown(Fate.ROLLS_BACK))
    observation = await cluster.observe(asked, ObservationKind.JOB, samples.CREATE)
    assert observation.uses is None
    assert observation.uses_unread is not None
    assert "cannot list that" in observation.uses_unread
    assert observation.forbidden is None


@pytest.mark.parametrize(
    ("mark", "read"), [(None, 0), ("nightly", 1), (SAFETY.name, 0)], ids=["none", "other", "own"]
)
async def test_the_snapshot_that_a_vm_is_marked_with_is_read_before_the_act(
    mark: str | None, read: int, healthy: Wire, cluster: Cluster
) -> None:
    nightly = {"metadata": {"name": "nightly"}, "status": {"phase": "Succeeded"}}
    healthy.on("GET", f"{SNAPSHOTS}/nightly", says(nightly))
    healthy.on("GET", VM, says({"metadata": {"uid": "vm"}, "status": {"snapshotInProgress": mark}}))
    observation = await look(cluster, ObservationKind.RECHECK)
    found = observation.locked_by
    assert (found.name, found.phase) == ("nightly", "Succeeded") if found and read else not read
    assert len(healthy.requests("GET", f"{SNAPSHOTS}/nightly")) == read


@pytest.mark.parametrize("kind", [ObservationKind.FULL, ObservationKind.RECHECK])
@pytest.mark.parametrize("policy", list(VolumePolicy))
async def test_claims_are_read_before_the_act_only_where_names_can_be_taken(
    policy: VolumePolicy, kind: ObservationKind, healthy: Wire, cluster: Cluster
) -> None:
    """By the names that the policy would give, however many others there are."""
    status = {**SNAPSHOT_DOCUMENT["status"], "snapshotVolumes": {"includedVolumes": ["root"]}}
    of_one_disk = {**SNAPSHOT_DOCUMENT, "status": status}
    healthy.on("GET", SNAPSHOTS, listing(of_one_disk))
    healthy.on("GET", SNAPSHOT, says(of_one_disk))
    healthy.on("GET", f"{CLAIMS}/database-01-root", refuses(403, "cannot get claims", "Forbidden"))
    asked = samples.restore(rules=Rules(volume_policy=policy))
    observation = await cluster.observe(asked, kind, samples.CREATE)
    read = [one.path for one in healthy.seen if one.path.startswith(CLAIMS)]
    by_name = policy is VolumePolicy.PREFIX_TARGET_NAME
    assert read == [f"{CLAIMS}/database-01-root"] * by_name
    assert (observation.forbidden is not None) == by_name


@pytest.mark.parametrize(
    ("phase", "kind"), [("stopping", ObservationKind.VMI), ("protecting", ObservationKind.SAFETY)]
)
async def test_before_a_stop_and_a_restore_our_own_objects_are_asked_for(
    phase: str, kind: ObservationKind, healthy: Wire, cluster: Cluster
) -> None:
    """By our label, in whatever state: the document may have been put back to before they were made."""
    restore = samples.restore(safety=SAFETY, phase=Phase(phase))
    made = {"metadata": {"name": "r", "labels": {RESTORE_ID: restore.id}}, "status": {}}
    healthy.on("GET", RESTORES, listing(made))
    observation = await cluster.observe(restore, kind)
    assert [each.restore_id for each in observation.restores] == [restore.id]
    (asked,) = healthy.requests("GET", RESTORES)
    assert asked.query["labelSelector"] == f"{RESTORE_ID}={restore.id}"


async def test_candidates_that_may_not_be_listed_are_forbidden(
    wire: Wire, cluster: Cluster
) -> None:
    forbidden = refuses(403, 'cannot list resource "virtualmachines"', "Forbidden")
    wire.on("GET", "/apis/kubevirt.io/v1/virtualmachines", forbidden)
    request = samples.restore().request.model_copy(update={"namespace": None})
    observation = await cluster.observe(
        samples.restore(request=request), ObservationKind.CANDIDATES
    )
    assert observation.forbidden is not None
    assert observation.candidates.namespaces == ()


async def test_candidates_of_a_cluster_without_kubevirt(wire: Wire, cluster: Cluster) -> None:
    wire.on("GET", CRD_PATH, MISSING)
    request = samples.restore().request.model_copy(update={"snapshot": None})
    observation = await cluster.observe(
        samples.restore(request=request), ObservationKind.CANDIDATES
    )
    assert not observation.kubevirt


async def test_the_first_look_after_the_create_asks_for_no_claims(
    healthy: Wire, cluster: Cluster
) -> None:
    """None can be bound yet."""
    healthy.on("GET", f"{RESTORES}/restore-x", running("Waiting for new PVCs", "c"))
    new = JOB.model_copy(update={"looked_at": None})
    observation = await cluster.observe(
        samples.restore(job=new), ObservationKind.JOB, samples.CREATE
    )
    assert observation.claims == ()
    assert [one.path for one in healthy.seen if one.path == CLAIMS] == []
