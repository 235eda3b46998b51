"""The webhooks' refusals, word for word."""

from typing import Any

import pytest

from bot.playground.kubevirt.faults import Rule, WebhookDown
from bot.playground.kubevirt.server import KubeSim
from tests.playground.kubevirt.kit import (
    NS,
    RESTORES_PATH,
    SNAPSHOT,
    SNAPSHOTS_PATH,
    VM,
    VMS_PATH,
    KubeClient,
    reasons,
    restore_of,
    settle,
    with_stopped_vm,
)

Json = dict[str, Any]
DENIED = (
    'admission webhook "virtualmachinerestore-validator.snapshot.kubevirt.io" denied the request: '
)
TARGET = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": VM}


BAD_RESTORES = [
    pytest.param({"target": {"kind": "VirtualMachine", "name": VM}}, "missing apiGroup", "spec.target.apiGroup", id="no group"),
    pytest.param({"target": {**TARGET, "apiGroup": "apps"}}, "invalid apiGroup", "spec.target.apiGroup", id="other group"),
    pytest.param({"target": {**TARGET, "kind": "Pod"}}, "invalid kind", "spec.target.kind", id="other kind"),
    pytest.param({"volumeRestorePolicy": "Copy"}, 'volume restore policy "Copy" doesn\'t exist', "spec.volumeRestorePolicy", id="volume policy"),
    pytest.param({"volumeOwnershipPolicy": "Me"}, 'volume ownership policy "Me" doesn\'t exist', "spec.volumeOwnershipPolicy", id="ownership"),
    pytest.param({"volumeRestoreOverrides": [{"restoreName": "x"}]}, "must provide a volume name", "spec.volumeRestoreOverrides[0]", id="override name"),
    pytest.param({"volumeRestoreOverrides": [{"volumeName": "root"}]}, "must provide at least one overriden field", "spec.volumeRestoreOverrides[0]", id="empty override"),
    pytest.param({"patches": ['{"op": "add", "path": "/spec/x", "value": "a:b"}']}, 'patch format is not valid - one ":" expected in a single key-value json patch:  "value": "a:b"', "spec.patches", id="colon in a patch"),
    pytest.param({"patches": ['{"op": "remove", "path": "/status"}']}, 'patching is valid only for elements under /spec/ only:  "path": "/status"', "spec.patches", id="patch outside of spec"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message", "field"), BAD_RESTORES)
async def test_a_bad_restore_is_refused_with_cause_and_field(
    sim: KubeSim, admin: KubeClient, change: Json, message: str, field: str
) -> None:
    with_stopped_vm(sim)
    answer = await admin.post(RESTORES_PATH, restore_of(**change))
    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert answer.message == DENIED + message
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == [field]


async def test_several_causes_are_joined_by_commas(sim: KubeSim, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    answer = await admin.post(
        RESTORES_PATH, restore_of(volumeRestorePolicy="A", volumeOwnershipPolicy="B")
    )
    assert answer.message == (
        f'{DENIED}volume restore policy "A" doesn\'t exist, volume ownership policy "B" doesn\'t exist'
    )


async def test_with_the_gate_off_creates_are_400_and_deletes_work(
    sim: KubeSim, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    sim.people.create_restore(NS, "old", VM, SNAPSHOT)
    await settle(sim)
    sim.knobs.snapshot_gate = False
    answer = await admin.post(RESTORES_PATH, restore_of("new"))
    assert (answer.code, answer.body.get("reason")) == (400, None)
    assert answer.message == f"{DENIED}Snapshot/Restore feature gate not enabled"
    manifest = {"metadata": {"name": "s"}, "spec": {"source": TARGET}}
    snapshot = await admin.post(SNAPSHOTS_PATH, manifest)
    assert snapshot.message.endswith("denied the request: snapshot feature gate not enabled")
    assert (await admin.delete(f"{RESTORES_PATH}/old")).code == 200


async def test_the_spec_of_a_restore_cannot_change_but_its_metadata_can(
    sim: KubeSim, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    path = f"{RESTORES_PATH}/r1"
    answer = await admin.patch(path, {"spec": {"virtualMachineSnapshotName": "other"}})
    assert (answer.code, answer.message) == (422, f"{DENIED}spec in immutable after creation")
    assert (await admin.patch(path, {"metadata": {"annotations": {"a": "b"}}})).code == 200


@pytest.mark.parametrize(
    "domain",
    [
        {"devices": {"tpm": {"persistent": True}}},
        {"firmware": {"bootloader": {"efi": {"persistent": True}}}},
    ],
    ids=["tpm", "efi"],
)
async def test_backend_storage_cannot_come_back_as_another_vm(
    sim: KubeSim, admin: KubeClient, domain: Json
) -> None:
    change = {"spec": {"template": {"spec": {"domain": domain}}}}
    with_stopped_vm(sim, change=change)
    answer = await admin.post(RESTORES_PATH, restore_of(vm="other-vm"))
    assert answer.code == 422
    assert answer.message == (
        f"{DENIED}Restore to a different VM is not supported when snapshotted VM has backend "
        "storage (persistent TPM or EFI)"
    )
    assert (await admin.post(RESTORES_PATH, restore_of())).code == 201


async def test_the_vm_may_run_and_the_snapshot_may_be_unready(
    sim: KubeSim, admin: KubeClient
) -> None:
    sim.seed.vm(NS, VM)
    sim.seed.snapshot(NS, SNAPSHOT, VM, ready=False)
    assert (await admin.post(RESTORES_PATH, restore_of())).code == 201


async def test_a_snapshot_without_status_breaks_the_webhook(
    sim: KubeSim, admin: KubeClient
) -> None:
    await sim.pause_controllers()
    sim.seed.vm(NS, VM, running=False)
    sim.people.create_snapshot(NS, SNAPSHOT, VM)
    answer = await admin.post(RESTORES_PATH, restore_of())
    assert answer.code == 500
    assert "failed calling webhook" in answer.message


async def test_a_snapshot_of_a_vm_that_does_not_exist_is_admitted(
    sim: KubeSim, admin: KubeClient
) -> None:
    manifest = {"metadata": {"name": "s1"}, "spec": {"source": {**TARGET, "name": "ghost"}}}
    assert (await admin.post(SNAPSHOTS_PATH, manifest)).code == 201
    await settle(sim)
    snapshot = sim.storage.get("virtualmachinesnapshots", NS, "s1")
    assert reasons(snapshot)["Progressing"] == ("False", "Source does not exist")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"running": True},
            (
                "Running and RunStrategy are mutually exclusive. Note that Running is deprecated, "
                "please use RunStrategy instead"
            ),
        ),
        ({"runStrategy": None}, "RunStrategy must be specified"),
    ],
)
async def test_a_vm_has_exactly_one_of_running_and_run_strategy(
    sim: KubeSim, admin: KubeClient, change: Json, message: str
) -> None:
    sim.seed.vm(NS, VM, running=False)
    answer = await admin.patch(f"{VMS_PATH}/{VM}", {"spec": change})
    assert answer.code == 422
    assert answer.message.endswith(f"denied the request: {message}")


LOCKED = [
    pytest.param("restoreInProgress", {"runStrategy": "Always"}, 'Cannot update VM runStrategy until restore "x" completes', id="restore, strategy"),
    pytest.param("snapshotInProgress", {"runStrategy": "Always"}, 'Cannot update vm running state until snapshot "x" completes', id="snapshot, strategy"),
    pytest.param("snapshotInProgress", {"template": {"spec": {"volumes": []}}}, 'Cannot update vm disks or volumes until snapshot "x" completes', id="snapshot, volumes"),
    pytest.param("restoreInProgress", {"template": {"spec": {"volumes": []}}}, "", id="restore, volumes: allowed"),
    pytest.param("snapshotInProgress", {"template": {"spec": {"hostname": "h"}}}, "", id="snapshot, other: allowed"),
]  # fmt: skip


@pytest.mark.parametrize(("lock", "change", "message"), LOCKED)
async def test_a_locked_vm_refuses_some_changes(
    sim: KubeSim, admin: KubeClient, lock: str, change: Json, message: str
) -> None:
    await sim.pause_controllers()
    vm = sim.seed.vm(NS, VM, running=False)
    sim.storage.put("virtualmachines", {**vm, "status": {**vm["status"], lock: "x"}})
    answer = await admin.patch(f"{VMS_PATH}/{VM}", {"spec": change})
    assert answer.code == (422 if message else 200)
    if message:
        assert answer.message.endswith(f"denied the request: {message}")
        assert answer.body["details"]["causes"][0]["field"] == "spec"


async def test_a_webhook_that_cannot_be_called_fails_the_write(
    sim: KubeSim, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    sim.faults.add(Rule(WebhookDown(), resource="virtualmachinerestores"))
    answer = await admin.post(RESTORES_PATH, restore_of())
    assert (answer.code, answer.body["reason"]) == (500, "InternalError")
    assert "failed calling webhook" in answer.message
    assert (await admin.post(RESTORES_PATH, restore_of())).code == 201


async def test_v1alpha1_writes_meet_the_same_webhook(sim: KubeSim, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    sent = {**restore_of(volumeRestorePolicy="A"), "apiVersion": "snapshot.kubevirt.io/v1alpha1"}
    answer = await admin.post(RESTORES_PATH.replace("v1beta1", "v1alpha1"), sent)
    assert answer.code == 422


async def test_a_vm_with_running_gets_a_warning(sim: KubeSim, admin: KubeClient) -> None:
    sim.seed.vm(NS, VM, running=False, uses_running=True)
    answer = await admin.patch(f"{VMS_PATH}/{VM}", {"spec": {"running": True}})
    text = "spec.running is deprecated, please use spec.runStrategy instead."
    assert answer.headers["Warning"] == f'299 - "{text}"'
