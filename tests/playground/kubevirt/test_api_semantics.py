"""What any Kubernetes API server does: identity, revisions, patches, selectors, pages, deletion."""

import json
from typing import Any

import pytest

from bot.playground.clock import HandClock
from bot.playground.kubevirt.seed import Disk
from tests.playground.kubevirt.kit import (
    NS,
    PVCS_PATH,
    RESTORES_PATH,
    SNAPSHOT,
    SNAPSHOTS_PATH,
    VM,
    VMIS_PATH,
    VMS_PATH,
    KubeClient,
    Lab,
    names,
    raw,
    restore_of,
    settle,
    with_running_vm,
    with_stopped_vm,
)

Json = dict[str, Any]
HELD = "example.com/held"


async def test_a_create_answers_201_with_identity_and_without_status(
    sim: Lab, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    sent = {**restore_of(), "status": {"complete": True}}
    answer = await admin.post(RESTORES_PATH, sent)
    metadata = answer.body["metadata"]
    assert answer.code == 201
    assert metadata["namespace"] == NS
    assert metadata["generation"] == 1
    assert metadata["creationTimestamp"] == "2026-02-18T16:30:00Z"
    assert metadata["uid"]
    assert metadata["resourceVersion"]
    assert "status" not in answer.body
    assert metadata["managedFields"][0]["time"] == "2026-02-18T16:30:00Z"


async def test_generate_name_is_filled(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    sent = restore_of()
    sent["metadata"] = {"generateName": "restore-"}
    made = (await admin.post(RESTORES_PATH, sent)).body["metadata"]["name"]
    assert made.startswith("restore-")
    assert len(made) == len("restore-") + 5
    assert sim.log[-1].name == made


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (
            {"name": "Bad_Name"},
            422,
            'metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123',
        ),
        ({"name": ""}, 422, "metadata.name: Required value: name or generateName is required"),
        ({"name": "x" * 254}, 422, "must be no more than 253 bytes"),
        ({"labels": {"a": "<U1>"}}, 422, 'metadata.labels: Invalid value: "<U1>": a valid label'),
        ({"labels": {"a": "x" * 64}}, 422, "must be no more than 63 bytes"),
        ({"labels": {"a b": "x"}}, 422, "name part must consist of alphanumeric"),
        ({"annotations": {"a": "x" * 262145}}, 422, "Too long: may not be more than 262144 bytes"),
        ({"namespace": "other"}, 400, "does not match the namespace sent on the request"),
    ],
)
async def test_bad_metadata_is_refused(
    sim: Lab, admin: KubeClient, change: Json, code: int, text: str
) -> None:
    with_stopped_vm(sim)
    sent = restore_of()
    sent["metadata"] |= change
    answer = await admin.post(RESTORES_PATH, sent)
    assert answer.code == code
    assert text in answer.message


@pytest.mark.parametrize(
    "metadata", [[], "x", {"name": "r1", "labels": {"a": 1}}, {"name": "r1", "annotations": []}]
)
async def test_metadata_of_the_wrong_shape_cannot_be_decoded(
    admin: KubeClient, metadata: Any
) -> None:
    answer = await admin.post(RESTORES_PATH, {**restore_of(), "metadata": metadata})
    assert (answer.code, answer.body["reason"]) in {(400, "BadRequest"), (422, "Invalid")}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"apiVersion": "snapshot.kubevirt.io/v1alpha1"},
            "does not match the expected API version",
        ),
        ({"kind": "Pod"}, "cannot be handled as a VirtualMachineRestore"),
    ],
)
async def test_a_body_of_another_version_or_kind_is_400(
    admin: KubeClient, change: Json, text: str
) -> None:
    answer = await admin.post(RESTORES_PATH, {**restore_of(), **change})
    assert answer.code == 400
    assert text in answer.message


async def test_a_limit_that_is_no_number_is_400(admin: KubeClient) -> None:
    assert (await admin.get(VMS_PATH, limit="many")).code == 400


async def test_required_fields_and_types_are_checked(admin: KubeClient) -> None:
    sent = restore_of(targetReadinessPolicy=3)
    del sent["spec"]["virtualMachineSnapshotName"]
    answer = await admin.post(RESTORES_PATH, sent)
    assert answer.code == 422
    causes = {(c["field"], c["reason"]) for c in answer.body["details"]["causes"]}
    assert causes == {
        ("spec.virtualMachineSnapshotName", "FieldValueRequired"),
        ("spec.targetReadinessPolicy", "FieldValueTypeInvalid"),
    }


async def test_unknown_fields_are_pruned_with_a_warning_or_refused_when_strict(
    sim: Lab, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    sent = restore_of(volumeMagic="yes")
    strict = await admin.post(RESTORES_PATH, sent, fieldValidation="Strict")
    assert (strict.code, strict.body["reason"]) == (400, "BadRequest")
    assert strict.message == (
        'VirtualMachineRestore in version "v1beta1" cannot be handled as a VirtualMachineRestore: '
        'strict decoding error: unknown field "spec.volumeMagic"'
    )
    lenient = await admin.post(RESTORES_PATH, sent)
    assert lenient.code == 201
    assert "volumeMagic" not in lenient.body["spec"]
    assert lenient.headers["Warning"] == '299 - "unknown field "spec.volumeMagic""'


async def test_an_older_crd_lacks_the_readiness_policy_everywhere(
    sim: Lab, admin: KubeClient, bot: KubeClient
) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/virtualmachinerestores.snapshot.kubevirt.io"

    async def spec_fields() -> Json:
        version = (await bot.get(path)).body["spec"]["versions"][0]
        properties = version["schema"]["openAPIV3Schema"]["properties"]
        fields: Json = properties["spec"]["properties"]
        return fields

    assert (await spec_fields())["targetReadinessPolicy"]["default"] == "WaitGracePeriod"
    sim.downgrade_restores("targetReadinessPolicy")
    assert "targetReadinessPolicy" not in await spec_fields()
    with_stopped_vm(sim)
    sent = restore_of(targetReadinessPolicy="FailImmediate")
    assert (await admin.post(RESTORES_PATH, sent, fieldValidation="Strict")).code == 400
    made = await admin.post(RESTORES_PATH, sent)
    assert "targetReadinessPolicy" not in made.body["spec"]


async def test_a_missing_namespace_is_404(admin: KubeClient) -> None:
    answer = await admin.post(RESTORES_PATH.replace(NS, "nowhere"), restore_of())
    assert (answer.code, answer.message) == (404, 'namespaces "nowhere" not found')


async def test_a_missing_object_is_a_status_and_a_missing_group_is_plain_text(
    sim: Lab, admin: KubeClient
) -> None:
    missing = await admin.get(f"{VMS_PATH}/ghost")
    assert missing.code == 404
    assert missing.message == 'virtualmachines.kubevirt.io "ghost" not found'
    assert missing.body["details"] == {
        "name": "ghost",
        "group": "kubevirt.io",
        "kind": "virtualmachines",
    }
    assert sim.unknown == []
    sim.uninstall("snapshot.kubevirt.io")
    gone = await admin.get(RESTORES_PATH)
    assert (gone.code, gone.body.strip()) == (404, "404 page not found")


async def test_an_update_needs_the_current_revision(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    await settle(sim)
    path = f"{VMS_PATH}/{VM}"
    vm = (await admin.get(path)).body
    without = {**vm, "metadata": {"name": VM}}
    answer = await admin.put(path, without)
    assert answer.code == 422
    assert "metadata.resourceVersion" in answer.message
    vm["spec"]["template"]["spec"]["hostname"] = "first"
    assert (await admin.put(path, vm)).code == 200
    stale = await admin.put(path, vm)
    assert (stale.code, stale.body["reason"]) == (409, "Conflict")
    assert stale.message == (
        f'Operation cannot be fulfilled on virtualmachines.kubevirt.io "{VM}": the object has been '
        "modified; please apply your changes to the latest version and try again"
    )


async def test_status_and_spec_are_written_apart(sim: Lab, admin: KubeClient) -> None:
    await sim.pause_controllers()
    with_stopped_vm(sim)
    path = f"{VMS_PATH}/{VM}"
    change = {"spec": {"template": {"spec": {"hostname": "h"}}}, "status": {"ready": True}}
    main = (await admin.patch(path, change)).body
    assert main["spec"]["template"]["spec"]["hostname"] == "h"
    assert "ready" not in main["status"]
    assert main["metadata"]["generation"] == 2
    other = {"spec": {"template": {"spec": {"hostname": "x"}}}, "status": {"ready": True}}
    status = (await admin.patch(f"{path}/status", other)).body
    assert status["spec"]["template"]["spec"]["hostname"] == "h"
    assert status["status"]["ready"] is True
    assert status["metadata"]["generation"] == 2


async def test_a_vmi_has_no_status_subresource_and_its_generation_counts_all(
    sim: Lab, admin: KubeClient
) -> None:
    await sim.pause_controllers()
    with_running_vm(sim)
    path = f"{VMIS_PATH}/{VM}"
    assert (await admin.get(f"{path}/status")).code == 404
    changed = await admin.patch(path, {"status": {"phase": "Unknown"}})
    assert changed.body["status"]["phase"] == "Unknown"
    assert changed.body["metadata"]["generation"] == 2


async def test_a_write_that_changes_nothing_makes_no_revision(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    await settle(sim)
    before = sim.storage.revision
    answer = await admin.patch(f"{VMS_PATH}/{VM}", {"spec": {"runStrategy": "Halted"}})
    assert answer.code == 200
    assert sim.storage.revision == before


async def test_json_patch_tests_are_honoured(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    path = f"{VMS_PATH}/{VM}"
    replace = {"op": "replace", "path": "/spec/runStrategy", "value": "Manual"}
    wrong = [{"op": "test", "path": "/spec/runStrategy", "value": "Always"}, replace]
    refused = await admin.patch(path, wrong, "json-patch+json")
    assert (refused.code, refused.body["reason"]) == (422, "Invalid")
    right = [{"op": "test", "path": "/spec/runStrategy", "value": "Halted"}, replace]
    assert (await admin.patch(path, right, "json-patch+json")).code == 200
    assert sim.storage.get("virtualmachines", NS, VM)["spec"]["runStrategy"] == "Manual"


async def test_a_merge_patch_with_an_old_revision_conflicts(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    stale = {"metadata": {"resourceVersion": "2", "labels": {"a": "b"}}}
    assert (await admin.patch(f"{VMS_PATH}/{VM}", stale)).code == 409


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("strategic-merge-patch+json", 415),
        ("apply-patch+yaml", 501),
    ],
)
async def test_other_patch_types_are_refused_for_custom_resources(
    sim: Lab, admin: KubeClient, kind: str, code: int
) -> None:
    with_stopped_vm(sim)
    assert (await admin.patch(f"{VMS_PATH}/{VM}", {"metadata": {}}, kind)).code == code


async def test_strategic_merge_works_for_built_in_kinds_without_lists(
    sim: Lab, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    path = f"{PVCS_PATH}/{VM}-root"
    kind = "strategic-merge-patch+json"
    labelled = await admin.patch(path, {"metadata": {"labels": {"a": "b"}}}, kind)
    assert labelled.body["metadata"]["labels"]["a"] == "b"
    lists = {"metadata": {"ownerReferences": [{"uid": "x"}]}}
    assert (await admin.patch(path, lists, kind)).code == 501


async def test_protobuf_bodies_and_answers_are_refused(sim: Lab, admin: KubeClient) -> None:
    protobuf = "application/vnd.kubernetes.protobuf"
    code, body = await raw(sim, "POST", RESTORES_PATH, b"k8s", Content_Type=protobuf)
    assert (code, json.loads(body)["reason"]) == (415, "UnsupportedMediaType")
    answer = await admin.call("GET", RESTORES_PATH, None, {"Accept": protobuf})
    assert (answer.code, answer.body["reason"]) == (501, "NotImplemented")


async def test_a_claims_spec_is_immutable_but_for_its_size(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    path = f"{PVCS_PATH}/{VM}-root"
    moved = await admin.patch(path, {"spec": {"storageClassName": "other"}})
    assert moved.code == 422
    assert "spec is immutable after creation" in moved.message
    bigger = {"spec": {"resources": {"requests": {"storage": "20Gi"}}}}
    assert (await admin.patch(path, bigger)).code == 200


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("tier=db", ["a"]),
        ("tier==db", ["a"]),
        ("tier!=db", ["b", "c"]),
        ("tier", ["a", "b"]),
        ("!tier", ["c"]),
        ("tier in (db, web)", ["a", "b"]),
        ("tier notin (db)", ["b", "c"]),
        ("tier=db,tier!=web", ["a"]),
    ],
)
async def test_label_selectors(
    sim: Lab, admin: KubeClient, selector: str, expected: list[str]
) -> None:
    for name, labels in (("a", {"tier": "db"}), ("b", {"tier": "web"}), ("c", {})):
        sim.seed.vm(NS, name, running=False, labels=labels)
    assert names((await admin.get(VMS_PATH, labelSelector=selector)).body) == expected


async def test_field_selectors(sim: Lab, admin: KubeClient) -> None:
    for name in ("a", "b"):
        sim.seed.vm(NS, name, running=False)
    sim.seed.vm("other", "a", running=False)
    everywhere = "/apis/kubevirt.io/v1/virtualmachines"
    assert names((await admin.get(VMS_PATH, fieldSelector="metadata.name=a")).body) == ["a"]
    one = await admin.get(everywhere, fieldSelector="metadata.namespace=other,metadata.name=a")
    assert names(one.body) == ["a"]
    assert names((await admin.get(everywhere)).body) == ["a", "a", "b"]
    unsupported = await admin.get(VMS_PATH, fieldSelector="spec.running=true")
    assert (unsupported.code, unsupported.body["reason"]) == (400, "BadRequest")


async def test_events_are_selected_by_their_object(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    sim.people.create_restore(NS, "r1", VM, "nope")
    await settle(sim)
    path = f"/api/v1/namespaces/{NS}/events"
    selector = "involvedObject.kind=VirtualMachineRestore,involvedObject.name=r1"
    found = (await admin.get(path, fieldSelector=selector)).body["items"]
    assert [event["reason"] for event in found] == ["VirtualMachineRestoreError"]
    assert names((await admin.get(path, fieldSelector="involvedObject.name=zz")).body) == []


async def test_pages_hold_together_by_their_continue_token(sim: Lab, admin: KubeClient) -> None:
    for number in range(5):
        sim.seed.vm(NS, f"vm-{number}", running=False, disks=[])
    first = (await admin.get(VMS_PATH, limit="2")).body
    assert names(first) == ["vm-0", "vm-1"]
    assert first["metadata"]["remainingItemCount"] == 3
    token = first["metadata"]["continue"]
    second = (await admin.get(VMS_PATH, **{"limit": "2", "continue": token})).body
    assert names(second) == ["vm-2", "vm-3"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    token = second["metadata"]["continue"]
    last = (await admin.get(VMS_PATH, **{"limit": "2", "continue": token})).body
    assert names(last) == ["vm-4"]
    assert "continue" not in last["metadata"]


async def test_an_old_continue_token_is_410(sim: Lab, admin: KubeClient) -> None:
    for number in range(3):
        sim.seed.vm(NS, f"vm-{number}", running=False, disks=[])
    token = (await admin.get(VMS_PATH, limit="1")).body["metadata"]["continue"]
    sim.seed.vm(NS, "vm-9", running=False, disks=[])
    sim.storage.compact()
    answer = await admin.get(VMS_PATH, **{"continue": token})
    assert (answer.code, answer.body["reason"]) == (410, "Expired")
    assert (await admin.get(VMS_PATH, **{"continue": "rubbish"})).code == 400


async def test_a_list_from_the_future_times_out(admin: KubeClient) -> None:
    answer = await admin.get(VMS_PATH, resourceVersion="999999")
    assert (answer.code, answer.body["reason"]) == (504, "Timeout")


async def test_a_delete_answers_success_or_the_object_that_is_held(
    sim: Lab, admin: KubeClient
) -> None:
    await sim.pause_controllers()
    with_stopped_vm(sim)
    made = (await admin.post(RESTORES_PATH, restore_of())).body
    answer = await admin.delete(f"{RESTORES_PATH}/r1")
    assert answer.body["status"] == "Success"
    assert answer.body["details"]["uid"] == made["metadata"]["uid"]
    held = restore_of("r2")
    held["metadata"]["finalizers"] = [HELD]
    await admin.post(RESTORES_PATH, held)
    answer = await admin.delete(f"{RESTORES_PATH}/r2")
    assert answer.body["metadata"]["deletionTimestamp"] == "2026-02-18T16:30:00Z"
    assert (await admin.get(f"{RESTORES_PATH}/r2")).code == 200
    added = {"metadata": {"finalizers": [HELD, "example.com/more"]}}
    refused = await admin.patch(f"{RESTORES_PATH}/r2", added)
    assert "no new finalizers can be added" in refused.message
    await admin.patch(f"{RESTORES_PATH}/r2", {"metadata": {"finalizers": None}})
    assert (await admin.get(f"{RESTORES_PATH}/r2")).code == 404


async def test_delete_preconditions(sim: Lab, admin: KubeClient) -> None:
    await sim.pause_controllers()
    with_stopped_vm(sim)
    made = (await admin.post(RESTORES_PATH, restore_of())).body["metadata"]
    path = f"{RESTORES_PATH}/r1"
    wrong = await admin.delete(path, {"preconditions": {"uid": "other"}})
    assert (wrong.code, wrong.body["reason"]) == (409, "Conflict")
    assert "does not match the UID in record" in wrong.message
    old = await admin.delete(path, {"preconditions": {"resourceVersion": "1"}})
    assert old.code == 409
    assert (await admin.delete(path, dryRun="All")).code == 200
    assert (await admin.get(path)).code == 200
    right = {"preconditions": {"uid": made["uid"], "resourceVersion": made["resourceVersion"]}}
    assert (await admin.delete(path, right)).code == 200


async def test_delete_collection_takes_what_the_selector_names(sim: Lab, admin: KubeClient) -> None:
    sim.seed.vm(NS, VM, running=False)
    for name, tier in (("s1", "a"), ("s2", "b")):
        sim.seed.snapshot(NS, name, VM, labels={"tier": tier})
    assert (await admin.delete(SNAPSHOTS_PATH, labelSelector="tier=a")).code == 200
    await settle(sim)
    assert names((await admin.get(SNAPSHOTS_PATH)).body) == ["s2"]


@pytest.mark.parametrize("policy", ["Background", "Foreground", "Orphan"])
async def test_deletion_propagates_as_asked(sim: Lab, admin: KubeClient, policy: str) -> None:
    sim.seed.vm(NS, VM, running=False, disks=[Disk("data", source="dataVolume")])
    await settle(sim)
    path = f"/apis/cdi.kubevirt.io/v1beta1/namespaces/{NS}/datavolumes/{VM}-data"
    await admin.delete(path, {"propagationPolicy": policy})
    await settle(sim)
    assert (await admin.get(path)).code == 404
    claim = sim.storage.find("persistentvolumeclaims", NS, f"{VM}-data")
    assert (claim is not None) is (policy == "Orphan")


async def test_a_namespace_takes_everything_with_it(sim: Lab, admin: KubeClient) -> None:
    with_running_vm(sim)
    await settle(sim)
    await admin.delete(f"/api/v1/namespaces/{NS}")
    refused = await admin.post(RESTORES_PATH, restore_of())
    assert refused.code == 403
    assert "because it is being terminated" in refused.message
    await sim.passes(10)
    assert (await admin.get(f"/api/v1/namespaces/{NS}")).code == 404
    assert sim.storage.keys("virtualmachines") == []


async def test_metadata_only_lists(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    listed = (await admin.call("GET", VMS_PATH, None, {"Accept": accept})).body
    assert listed["kind"] == "PartialObjectMetadataList"
    assert set(listed["items"][0]) == {"kind", "apiVersion", "metadata"}


async def test_tables_have_the_printer_columns(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    await settle(sim)
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    table = (await admin.call("GET", VMS_PATH, None, accept)).body
    assert [column["name"] for column in table["columnDefinitions"]] == [
        "Name",
        "Age",
        "Status",
        "Ready",
    ]
    assert table["rows"][0]["cells"] == [VM, "30d", "Stopped", "False"]
    table = (await admin.call("GET", SNAPSHOTS_PATH, None, accept)).body
    assert [column["name"] for column in table["columnDefinitions"]][1:] == [
        "SourceKind",
        "SourceName",
        "Phase",
        "ReadyToUse",
        "CreationTime",
        "Error",
    ]
    assert table["rows"][0]["cells"] == [
        SNAPSHOT, "VirtualMachine", VM, "Succeeded", True, "6h", None,
    ]  # fmt: skip


async def test_discovery_names_groups_resources_and_subresources(admin: KubeClient) -> None:
    groups = {g["name"] for g in (await admin.get("/apis")).body["groups"]}
    assert {"kubevirt.io", "snapshot.kubevirt.io", "subresources.kubevirt.io"} <= groups
    listed = (await admin.get("/apis/snapshot.kubevirt.io/v1beta1")).body["resources"]
    assert "virtualmachinerestores/status" in [held["name"] for held in listed]
    assert (await admin.get("/apis/nothing.example.com/v1")).code == 404
    assert (await admin.get("/version")).body["gitVersion"].startswith("v1.")
    assert (await admin.get("/readyz")).body == "ok"


async def test_managed_fields_tell_spec_writers_from_status_writers(
    sim: Lab, admin: KubeClient, clock: HandClock
) -> None:
    with_stopped_vm(sim)
    await settle(sim)
    clock.advance(60)
    await admin.patch(f"{VMS_PATH}/{VM}", {"spec": {"template": {"spec": {"hostname": "h"}}}})
    await settle(sim)
    fields = sim.storage.get("virtualmachines", NS, VM)["metadata"]["managedFields"]
    by_writer = {(f["manager"], f.get("subresource")): f["time"] for f in fields}
    assert by_writer["OpenAPI-Generator", None] == "2026-02-18T16:31:00Z"
    assert by_writer["virt-controller", "status"] == "2026-02-18T16:31:00Z"
    assert by_writer["kubectl-create", None] == "2026-01-19T16:30:00Z"
