"""Every effect against every answer of the reference's tables, word for word."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from bot.cluster.cluster import Cluster
from bot.cluster.schema import READINESS
from bot.errors import Permanent, Temporary
from bot.playground.clock import START, HandClock
from bot.restore.effects import INSTALLATION, RESTORE_ID
from bot.restore.events import CreateRestore, DeleteRestore, Done, Effect, StopVm
from bot.restore.observation import ApiRejection, ObservationKind
from bot.restore.rules import VolumePolicy
from tests.cluster import samples
from tests.cluster.wire import (
    CRD_PATH,
    SNAPSHOT_API,
    Answer,
    Wire,
    breaks,
    crd,
    listing,
    plain,
    refuses,
    says,
)

VM_PATH = "/apis/subresources.kubevirt.io/v1/namespaces/production/virtualmachines/database-01"
STOP, START_PATH = f"{VM_PATH}/stop", f"{VM_PATH}/start"
VMI = "/apis/kubevirt.io/v1/namespaces/production/virtualmachineinstances/database-01"
RESTORES = f"{SNAPSHOT_API}/namespaces/production/virtualmachinerestores"
SNAPSHOTS = f"{SNAPSHOT_API}/namespaces/production/virtualmachinesnapshots"
OWN_RESTORE = f"{RESTORES}/{samples.CREATE.name}"
OWN_SNAPSHOT = f"{SNAPSHOTS}/{samples.PROTECT.name}"

NOT_ACCEPTABLE = "406: Not Acceptable\n\nAvailable representations: "
OTHER_FORM = (
    "the API server does not take a request of this kind ({});"
    " the bot and this KubeVirt may not fit together"
)
VM_CONFLICT = 'Operation cannot be fulfilled on virtualmachine.kubevirt.io "database-01": '
DENIED = (
    'Internal error occurred: admission webhook "virtualmachine-validator.kubevirt.io" denied the'
    " request: "
)
RESTORE_DENIED = (
    'admission webhook "virtualmachinerestore-validator.snapshot.kubevirt.io" denied the request: '
)


def conflict(text: str) -> Answer:
    return refuses(409, VM_CONFLICT + text, "Conflict")


async def perform(cluster: Cluster, effect: Effect) -> Done | ApiRejection:
    return await cluster.perform(effect, not_after=samples.LATER)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(plain(202), None, id="accepted"),
        pytest.param(conflict("VM is not running"), None, id="has stopped"),
        pytest.param(
            conflict("Halted only supports manual stop requests with a shorter graceperiod"),
            None,
            id="is stopping",
        ),
        pytest.param(
            refuses(500, DENIED + 'Cannot update vm running state until snapshot "s" completes'),
            500,
            id="locked by a snapshot",
        ),
        pytest.param(
            refuses(404, 'virtualmachine.kubevirt.io "database-01" not found', "NotFound"),
            404,
            id="no such VM",
        ),
        pytest.param(
            refuses(403, 'cannot update resource "virtualmachines/stop"', "Forbidden"),
            403,
            id="forbidden",
        ),
        pytest.param(plain(401, "no right"), 401, id="refused by virt-api in plain text"),
        pytest.param(plain(404, "404: Page Not Found"), 404, id="unknown to virt-api"),
        pytest.param(plain(405, "405: Method Not Allowed"), 405, id="another method"),
        pytest.param(plain(406, NOT_ACCEPTABLE), 406, id="not this form"),
    ],
)
async def test_stop(answer: Answer, code: int | None, wire: Wire, cluster: Cluster) -> None:
    wire.on("PUT", STOP, answer)
    result = await perform(cluster, samples.STOP)
    assert (result.code if isinstance(result, ApiRejection) else None) == code


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            plain(404, "404: Page Not Found"),
            "the API server does not know the path of this request (404: Page Not Found)",
        ),
        (plain(405, "405: Method Not Allowed"), OTHER_FORM.format("405: Method Not Allowed")),
        (plain(406, NOT_ACCEPTABLE), OTHER_FORM.format("406: Not Acceptable")),
    ],
)
async def test_an_answer_about_the_request_itself_is_not_told_as_a_missing_vm(
    answer: Answer, said: str, wire: Wire, cluster: Cluster
) -> None:
    wire.on("PUT", STOP, answer)
    result = await perform(cluster, samples.STOP)
    assert isinstance(result, ApiRejection)
    assert result.text == said


async def test_stop_and_start_are_sent_as_virt_api_takes_them(wire: Wire, cluster: Cluster) -> None:
    for path, effect in ((STOP, samples.STOP), (START_PATH, samples.START_VM)):
        wire.on("PUT", path, plain(202))
        assert await perform(cluster, effect) == Done()
    for sent in wire.seen:
        assert sent.headers["Accept"] == "*/*"
        assert (sent.headers["Content-Type"], sent.body) == ("application/json", {})


async def test_a_read_carries_no_content_type(wire: Wire, cluster: Cluster) -> None:
    wire.on("GET", "/version", says({"gitVersion": "v1.36.2"}))
    await cluster.ping()
    assert "Content-Type" not in wire.seen[0].headers
    assert wire.seen[0].headers["Accept"] == "application/json"


@pytest.mark.parametrize(("force", "body"), [(False, {}), (True, {"gracePeriod": 0})])
async def test_only_a_forced_stop_names_a_grace_period(
    force: bool, body: dict[str, int], wire: Wire, cluster: Cluster
) -> None:
    wire.on("PUT", STOP, plain(202))
    assert await perform(cluster, StopVm(samples.NS, samples.VM, force=force)) == Done()
    assert wire.seen[0].body == body


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(plain(202), None, id="accepted"),
        pytest.param(conflict("VM is already running"), None, id="runs already"),
        pytest.param(
            conflict("Always does not support manual start requests"), None, id="starts by itself"
        ),
        pytest.param(
            conflict("Once does not support manual start requests"),
            "Once does not support",
            id="once only",
        ),
        pytest.param(
            conflict("RerunOnFailure does not support starting VM from failed state"),
            "from failed state",
            id="failed state",
        ),
        pytest.param(
            conflict("VM recovery required: Volume migration failed, …"),
            "recovery required",
            id="needs recovery",
        ),
        pytest.param(
            refuses(500, DENIED + 'Cannot update VM runStrategy until restore "r" completes'),
            "until restore",
            id="restore in progress",
        ),
        pytest.param(
            refuses(500, DENIED + 'Cannot start VM until restore "r" completes'),
            "until restore",
            id="restore in progress, in the words of older releases",
        ),
    ],
)
async def test_start(answer: Answer, said: str | None, wire: Wire, cluster: Cluster) -> None:
    wire.on("PUT", START_PATH, answer)
    result = await perform(cluster, samples.START_VM)
    if said is None:
        assert result == Done()
    else:
        assert isinstance(result, ApiRejection)
        assert said in result.text


@pytest.mark.parametrize(("effect", "path"), [(samples.STOP, STOP), (samples.START_VM, START_PATH)])
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            refuses(
                500,
                "Internal error occurred: unable to complete request: stop/start already underway",
            ),
            id="underway",
        ),
        pytest.param(conflict("jsonpatch test operation does not apply"), id="patch race"),
        pytest.param(conflict("the object has been modified; please apply"), id="write race"),
        pytest.param(plain(503, "service unavailable"), id="virt-api is away"),
        pytest.param(breaks(), id="answer lost"),
    ],
)
async def test_stop_and_start_come_back_later(
    effect: Effect, path: str, answer: Answer, wire: Wire, cluster: Cluster
) -> None:
    wire.on("PUT", path, answer)
    with pytest.raises(Temporary):
        await perform(cluster, effect)


PRECONDITION = (
    'Operation cannot be fulfilled on x "y": Precondition failed: UID in precondition: a,'
    " UID in object meta: b"
)
OTHER_RECORD = (
    'Operation cannot be fulfilled on x "y": the UID in the precondition (a) does not match the UID'
    " in record (b). The object might have been deleted and then recreated"
)


@pytest.mark.parametrize(
    ("effect", "path", "uid"),
    [(samples.CLEAR, VMI, "vmi-uid"), (samples.DELETE, OWN_RESTORE, "restore-uid")],
)
@pytest.mark.parametrize(
    ("answer", "done"),
    [
        pytest.param(says({"kind": "Status", "status": "Success"}), True, id="deleted"),
        pytest.param(refuses(404, "not found", "NotFound"), True, id="gone already"),
        pytest.param(refuses(409, PRECONDITION, "Conflict"), True, id="another one has its name"),
        pytest.param(refuses(409, OTHER_RECORD, "Conflict"), True, id="another one, other words"),
        pytest.param(refuses(403, "cannot delete", "Forbidden"), False, id="forbidden"),
    ],
)
async def test_deletes_hit_only_the_object_that_was_seen(
    *, effect: Effect, path: str, uid: str, answer: Answer, done: bool, wire: Wire, cluster: Cluster
) -> None:
    wire.on("DELETE", path, answer)
    assert isinstance(await perform(cluster, effect), Done) is done
    assert [one.body for one in wire.requests("DELETE", path)] == [
        {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
    ]


async def test_the_restore_that_is_created(wire: Wire, cluster: Cluster) -> None:
    wire.on("POST", RESTORES, says({"metadata": {"uid": "u"}}, 201))
    effect = CreateRestore(
        samples.NS,
        samples.VM,
        samples.SNAP,
        "restore-x",
        VolumePolicy.IN_PLACE,
        (*samples.LABELS, ("a", "b")),
        (("vm-restore-bot/requested-by", "U1"),),
    )
    assert await perform(cluster, effect) == Done("u")
    sent = wire.requests("POST", RESTORES)[0]
    assert sent.query == {"fieldValidation": "Strict"}
    assert sent.body == {
        "apiVersion": "snapshot.kubevirt.io/v1beta1",
        "kind": "VirtualMachineRestore",
        "metadata": {
            "name": "restore-x",
            "namespace": "production",
            "labels": {RESTORE_ID: samples.ID, "a": "b", INSTALLATION: "default"},
            "annotations": {"vm-restore-bot/requested-by": "U1"},
        },
        "spec": {
            "target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": samples.VM},
            "virtualMachineSnapshotName": samples.SNAP,
            "targetReadinessPolicy": "FailImmediate",
            "volumeRestorePolicy": "InPlace",
        },
    }


async def test_the_snapshot_that_is_created(wire: Wire, cluster: Cluster) -> None:
    wire.on("POST", SNAPSHOTS, says({"metadata": {"uid": "u"}}, 201))
    assert await perform(cluster, samples.PROTECT) == Done("u")
    body = wire.requests("POST", SNAPSHOTS)[0].body or {}
    assert body["kind"] == "VirtualMachineSnapshot"
    assert body["metadata"]["labels"] == {RESTORE_ID: samples.ID, INSTALLATION: "default"}
    assert body["spec"] == {
        "source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": samples.VM}
    }


def existing_restore(**changes: Any) -> Answer:
    given = {"id": samples.ID, "vm": samples.VM, "snapshot": samples.SNAP, **changes}
    return says(
        {
            "metadata": {"uid": "found", "labels": {RESTORE_ID: given["id"]}},
            "spec": {
                "target": {"name": given["vm"]},
                "virtualMachineSnapshotName": given["snapshot"],
            },
        }
    )


TAKEN = refuses(409, "… already exists", "AlreadyExists")
OWN_IN_PROGRESS = refuses(
    422,
    RESTORE_DENIED + f'VirtualMachineRestore "{samples.CREATE.name}" in progress',
    "Invalid",
)


@pytest.mark.parametrize("answer", [TAKEN, OWN_IN_PROGRESS], ids=["completed", "unfinished"])
async def test_our_own_restore_is_recognised_after_a_lost_answer(
    answer: Answer, wire: Wire, cluster: Cluster
) -> None:
    wire.on("POST", RESTORES, answer)
    wire.on("GET", OWN_RESTORE, existing_restore())
    assert await perform(cluster, samples.CREATE) == Done("found")


@pytest.mark.parametrize("answer", [TAKEN, OWN_IN_PROGRESS], ids=["completed", "unfinished"])
@pytest.mark.parametrize(
    "found",
    [
        pytest.param(existing_restore(id="somebody.else"), id="another restore's"),
        pytest.param(existing_restore(id=""), id="without our label"),
        pytest.param(existing_restore(vm="other"), id="of another VM"),
        pytest.param(existing_restore(snapshot="other"), id="from another snapshot"),
        pytest.param(refuses(404, "not found", "NotFound"), id="gone since"),
    ],
)
async def test_a_restore_of_our_name_that_is_not_ours_is_a_rejection(
    answer: Answer, found: Answer, wire: Wire, cluster: Cluster
) -> None:
    wire.on("POST", RESTORES, answer)
    wire.on("GET", OWN_RESTORE, found)
    assert isinstance(await perform(cluster, samples.CREATE), ApiRejection)
    assert len(wire.requests("POST", RESTORES)) == 1


async def test_an_effect_without_our_label_recognises_nothing(wire: Wire, cluster: Cluster) -> None:
    wire.on("POST", RESTORES, TAKEN)
    wire.on("GET", OWN_RESTORE, existing_restore(id=""))
    unmarked = dataclasses.replace(samples.CREATE, labels=())
    assert isinstance(await perform(cluster, unmarked), ApiRejection)


@pytest.mark.parametrize(
    ("mark", "vm", "own"),
    [(samples.ID, samples.VM, True), ("x", samples.VM, False), (samples.ID, "other", False)],
)
async def test_our_own_snapshot_is_recognised(
    mark: str, vm: str, own: bool, wire: Wire, cluster: Cluster
) -> None:
    found = {
        "metadata": {"uid": "found", "labels": {RESTORE_ID: mark}},
        "spec": {"source": {"name": vm}},
    }
    wire.on("POST", SNAPSHOTS, TAKEN)
    wire.on("GET", OWN_SNAPSHOT, says(found))
    result = await perform(cluster, samples.PROTECT)
    assert (result == Done("found")) is own
    assert isinstance(result, Done) is own


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        pytest.param(
            refuses(
                422,
                RESTORE_DENIED + 'VirtualMachineRestore "somebody-elses" in progress',
                "Invalid",
            ),
            422,
            "somebody-elses",
            id="another restore",
        ),
        pytest.param(
            refuses(400, RESTORE_DENIED + "Snapshot/Restore feature gate not enabled"),
            400,
            "feature gate",
            id="gate off",
        ),
        pytest.param(
            refuses(403, 'User "u" cannot create resource "virtualmachinerestores"', "Forbidden"),
            403,
            "cannot create",
            id="forbidden",
        ),
        pytest.param(
            refuses(
                422,
                RESTORE_DENIED + "Restore to a different VM is not supported when snapshotted VM"
                " has backend storage (persistent TPM or EFI)",
                "Invalid",
            ),
            422,
            "backend storage",
            id="TPM",
        ),
    ],
)
async def test_create_is_refused(
    answer: Answer, code: int, said: str, wire: Wire, cluster: Cluster
) -> None:
    wire.on("POST", RESTORES, answer)
    result = await perform(cluster, samples.CREATE)
    assert isinstance(result, ApiRejection)
    assert result.code == code
    assert said in result.text


@pytest.mark.parametrize("effect", [samples.CREATE, samples.PROTECT], ids=["restore", "snapshot"])
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(refuses(500, "failed calling webhook …"), id="webhook down"),
        pytest.param(breaks(), id="answer lost"),
        pytest.param(refuses(429, "too many requests"), id="too many requests"),
    ],
)
async def test_a_create_with_an_unknown_outcome_is_sent_once_and_told_as_temporary(
    effect: Effect, answer: Answer, wire: Wire, cluster: Cluster
) -> None:
    for path in (RESTORES, SNAPSHOTS):
        wire.on("POST", path, answer)
    with pytest.raises(Temporary):
        await perform(cluster, effect)
    assert len([one for one in wire.seen if one.method == "POST"]) == 1


ALL_EFFECTS: list[Effect] = [
    samples.STOP,
    samples.START_VM,
    samples.CLEAR,
    samples.PROTECT,
    samples.CREATE,
    samples.DELETE,
]


@pytest.mark.parametrize("effect", ALL_EFFECTS, ids=lambda effect: type(effect).__name__)
@pytest.mark.parametrize("late", [0, 1, 3600])
async def test_nothing_is_sent_when_the_lease_is_over(
    effect: Effect, late: int, wire: Wire, cluster: Cluster, clock: HandClock
) -> None:
    clock.advance(late)
    with pytest.raises(Temporary, match="lease"):
        await cluster.perform(effect, not_after=START)
    assert {one.method for one in wire.seen} <= {"GET"}


async def test_a_lease_that_ends_while_the_schema_is_read_stops_the_create(
    wire: Wire, cluster: Cluster, clock: HandClock
) -> None:
    async def slowly(request: Any) -> Any:
        clock.advance(60)
        return await crd()(request)

    wire.on("GET", CRD_PATH, slowly)
    with pytest.raises(Temporary, match="lease"):
        await cluster.perform(samples.CREATE, not_after=START + timedelta(seconds=25))
    assert wire.requests("POST", RESTORES) == []


UNKNOWN_READINESS = (
    'VirtualMachineRestore in version "v1beta1" cannot be handled as a VirtualMachineRestore:'
    f' strict decoding error: unknown field "spec.{READINESS}"'
)


async def test_a_lease_that_ends_before_the_simpler_create_stops_it(
    wire: Wire, cluster: Cluster, clock: HandClock
) -> None:
    async def slowly(request: Any) -> Any:
        clock.advance(60)
        return await refuses(400, UNKNOWN_READINESS, "BadRequest")(request)

    wire.on("POST", RESTORES, slowly, says({"metadata": {"uid": "made"}}))
    with pytest.raises(Temporary, match="lease"):
        await cluster.perform(samples.CREATE, not_after=START + timedelta(seconds=25))
    assert len(wire.requests("POST", RESTORES)) == 1


async def test_a_create_that_is_refused_for_its_readiness_policy_is_sent_again_without(
    wire: Wire, cluster: Cluster
) -> None:
    made = says({"metadata": {"uid": "made"}}, 201)
    wire.on("POST", RESTORES, refuses(400, UNKNOWN_READINESS, "BadRequest"), made)
    assert await perform(cluster, samples.CREATE) == Done("made")
    first, second = (sent.body or {} for sent in wire.requests("POST", RESTORES))
    assert first["spec"].pop(READINESS) == "FailImmediate"
    assert first == second


@pytest.mark.parametrize(
    ("code", "text"),
    [
        pytest.param(400, 'strict decoding error: unknown field "spec.other"', id="another field"),
        pytest.param(400, f"spec.{READINESS}: must be FailImmediate", id="another complaint"),
        pytest.param(400, "the request is not understood", id="another bad request"),
        pytest.param(422, UNKNOWN_READINESS, id="another code"),
    ],
)
async def test_no_other_refusal_is_answered_by_a_create_without_the_policy(
    code: int, text: str, wire: Wire, cluster: Cluster
) -> None:
    """Without `FailImmediate` KubeVirt would run the restore later, when the VM stops."""
    made = says({"metadata": {"uid": "made"}}, 201)
    wire.on("POST", RESTORES, refuses(code, text, "Invalid"), made)
    result = await perform(cluster, samples.CREATE)
    assert isinstance(result, ApiRejection)
    assert result.code == code
    assert len(wire.requests("POST", RESTORES)) == 1


@pytest.mark.parametrize("effect", ALL_EFFECTS, ids=lambda effect: type(effect).__name__)
async def test_a_token_that_is_not_taken_is_permanent(
    effect: Effect, wire: Wire, cluster: Cluster
) -> None:
    for method in ("PUT", "POST", "DELETE"):
        for path in (STOP, START_PATH, VMI, RESTORES, SNAPSHOTS, OWN_RESTORE):
            wire.on(method, path, refuses(401, "Unauthorized", "Unauthorized"))
    with pytest.raises(Permanent) as caught:
        await perform(cluster, effect)
    assert caught.value.reason == "unauthorized"


# Clusters of other ages


async def test_an_old_cluster_gets_the_old_version_and_no_field_it_does_not_know(
    wire: Wire, cluster: Cluster
) -> None:
    old = RESTORES.replace("v1beta1", "v1alpha1")
    wire.on("GET", CRD_PATH, crd("target", "virtualMachineSnapshotName", versions=("v1alpha1",)))
    wire.on("POST", old, says({"metadata": {"uid": "u"}}, 201))
    assert await perform(cluster, samples.CREATE) == Done("u")
    body = wire.requests("POST", old)[0].body or {}
    assert body["apiVersion"] == "snapshot.kubevirt.io/v1alpha1"
    assert set(body["spec"]) == {"target", "virtualMachineSnapshotName"}


UNKNOWN_FIELD = refuses(
    400,
    'VirtualMachineRestore in version "v1beta1" cannot be handled as a VirtualMachineRestore:'
    ' strict decoding error: unknown field "spec.targetReadinessPolicy"',
    "BadRequest",
)


def closed_crd(wire: Wire, openapi: Answer) -> None:
    wire.on("GET", CRD_PATH, refuses(403, "cannot get customresourcedefinitions", "Forbidden"))
    wire.on(
        "GET",
        "/apis/snapshot.kubevirt.io",
        says({"kind": "APIGroup", "versions": [{"version": "v1beta1"}, {"version": "v1alpha1"}]}),
    )
    wire.on("GET", "/openapi/v3/apis/snapshot.kubevirt.io/v1beta1", openapi)


def openapi(*fields: str) -> Answer:
    schema = {
        "properties": {"spec": {"properties": {name: {} for name in fields}}},
        "x-kubernetes-group-version-kind": [{"kind": "VirtualMachineRestore"}],
    }
    return says({"components": {"schemas": {"other": {}, "io.kubevirt.x": schema}}})


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        pytest.param(openapi("target", "targetReadinessPolicy"), True, id="OpenAPI has it"),
        pytest.param(openapi("target"), False, id="OpenAPI lacks it"),
        pytest.param(refuses(403, "forbidden", "Forbidden"), True, id="unreadable: assumed"),
        pytest.param(plain(404, "404 page not found"), True, id="no OpenAPI: assumed"),
    ],
)
async def test_without_the_right_to_read_the_crd_discovery_and_openapi_tell(
    schema: Answer, sent: bool, wire: Wire, cluster: Cluster
) -> None:
    closed_crd(wire, schema)
    wire.on("POST", RESTORES, says({"metadata": {"uid": "u"}}, 201))
    await perform(cluster, samples.CREATE)
    body = wire.requests("POST", RESTORES)[0].body or {}
    assert ("targetReadinessPolicy" in body["spec"]) is sent


async def test_a_wrong_guess_about_the_field_is_refused_learnt_and_corrected(
    wire: Wire, cluster: Cluster
) -> None:
    closed_crd(wire, refuses(403, "forbidden", "Forbidden"))
    accepted = says({"metadata": {"uid": "u"}}, 201)
    wire.on("POST", RESTORES, UNKNOWN_FIELD, accepted)
    assert await perform(cluster, samples.CREATE) == Done("u")
    assert await perform(cluster, samples.CREATE) == Done("u")
    with_field = [
        "targetReadinessPolicy" in (one.body or {})["spec"]
        for one in wire.requests("POST", RESTORES)
    ]
    assert with_field == [True, False, False]


async def test_a_cluster_without_kubevirt_cannot_create(wire: Wire, cluster: Cluster) -> None:
    wire.on("GET", CRD_PATH, refuses(404, "not found", "NotFound"))
    with pytest.raises(Permanent) as caught:
        await perform(cluster, samples.CREATE)
    assert caught.value.reason == "kubevirt_missing"


async def test_the_schema_is_read_once(wire: Wire, cluster: Cluster) -> None:
    wire.on("POST", RESTORES, says({"metadata": {"uid": "u"}}, 201))
    wire.on("GET", SNAPSHOTS, listing())
    wire.on("GET", RESTORES, listing())
    wire.on("DELETE", OWN_RESTORE, says({}))
    for _ in range(3):
        await perform(cluster, samples.CREATE)
    await perform(cluster, DeleteRestore(samples.NS, samples.CREATE.name, "u"))
    await cluster.catalog.snapshots(samples.NS, samples.VM)
    await cluster.observe(samples.restore(safety=None), ObservationKind.SAFETY)
    assert len(wire.requests("GET", CRD_PATH)) == 1


async def test_capabilities(wire: Wire, cluster: Cluster) -> None:
    wire.on("GET", "/apis/subresources.kubevirt.io/v1/version", says({"gitVersion": "v1.9.0"}))
    found = await cluster.capabilities()
    assert found.served == ("v1alpha1", "v1beta1")
    assert "targetReadinessPolicy" in (found.restore_fields or ())
    assert found.kubevirt == "v1.9.0"


async def test_capabilities_of_a_cluster_without_kubevirt(wire: Wire, cluster: Cluster) -> None:
    wire.on("GET", CRD_PATH, refuses(404, "not found", "NotFound"))
    found = await cluster.capabilities()
    assert (found.served, found.restore_fields, found.kubevirt) == ((), None, None)
