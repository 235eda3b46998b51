"""What was seen on a live control plane, item by item."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.playground.clock import HandClock
from bot.playground.kubevirt.seed import Disk
from tests.playground.kubevirt.kit import (
    NS,
    RESTORES_PATH,
    SNAPSHOT,
    SNAPSHOTS_PATH,
    SUBRESOURCES,
    VM,
    VMIS_PATH,
    VMS_PATH,
    KubeClient,
    Lab,
    reasons,
    restore_of,
    restored,
    settle,
    the_vm,
    until,
    with_running_vm,
    with_stopped_vm,
)

Json = dict[str, Any]
MUST_BE_OFF = "Restore target VMI must be powered off before restore operation"


async def watched(sim: Lab, token: str, path: str) -> AsyncIterator[Json]:
    """The events of a watch on a real socket."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{sim.url}{path}?watch=true", headers=headers) as response,
    ):
        async for line in response.content:
            yield json.loads(line)


async def test_01_a_watcher_sees_every_step_of_a_restore_as_its_own_event(
    sim: Lab, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    before = the_vm(sim)["metadata"]["uid"]

    async def collect() -> list[Json]:
        """Everything up to the restore's completion."""
        events = []
        async for event in watched(sim, "token-of-admin", RESTORES_PATH):
            events.append(event)
            if event["object"].get("status", {}).get("complete"):
                break
        return events

    task = asyncio.create_task(collect())
    await until(lambda: bool(sim.watches.resources), "an open watch")
    sent = restore_of(targetReadinessPolicy="FailImmediate")
    assert (await admin.post(RESTORES_PATH, sent)).code == 201
    await sim.passes(5)
    events = await task

    assert [event["type"] for event in events] == ["ADDED"] + ["MODIFIED"] * 5
    first, initialized, held, creating, updating, done = [event["object"] for event in events]
    assert "status" not in first
    assert first["spec"]["targetReadinessPolicy"] == "FailImmediate"
    starting = "Initializing VirtualMachineRestore"
    assert initialized["status"]["complete"] is False
    assert reasons(initialized) == {"Progressing": ("True", starting), "Ready": ("False", starting)}
    assert held["metadata"]["finalizers"] == ["snapshot.kubevirt.io/vmrestore-protection"]
    assert held["metadata"]["ownerReferences"][0]["uid"] == before
    claim = f"restore-{first['metadata']['uid']}-root"
    assert reasons(creating) == {
        "Progressing": ("True", "Creating new PVCs"),
        "Ready": ("False", "Waiting for new PVCs"),
    }
    assert creating["status"]["restores"][0]["persistentVolumeClaim"] == claim
    assert reasons(updating) == {
        "Progressing": ("True", "Updating target spec"),
        "Ready": ("False", "Waiting for target update"),
    }
    end = "Operation complete"
    assert reasons(done) == {"Progressing": ("False", end), "Ready": ("True", end)}
    assert done["status"]["complete"] is True
    assert done["status"]["restoreTime"]
    vm = the_vm(sim)
    assert vm["metadata"]["uid"] == before
    mark = vm["metadata"]["annotations"]["restore.kubevirt.io/lastRestoreUID"]
    assert mark == f"r1-{first['metadata']['uid']}"
    volume = vm["spec"]["template"]["spec"]["volumes"][0]
    assert volume["persistentVolumeClaim"]["claimName"] == claim
    old = sim.storage.get("persistentvolumeclaims", NS, f"{VM}-root")
    assert old["status"]["phase"] == "Bound"
    assert "restoreInProgress" not in vm["status"]


async def test_02_a_dry_run_create_is_fully_checked_and_stores_nothing(
    sim: Lab, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    bad = await admin.post(RESTORES_PATH, restore_of(targetReadinessPolicy="Now"), dryRun="All")
    assert (bad.code, bad.body["reason"]) == (422, "Invalid")
    allowed = '"StopTarget", "WaitGracePeriod", "FailImmediate", "WaitEventually"'
    assert bad.message == (
        'VirtualMachineRestore.snapshot.kubevirt.io "r1" is invalid: spec.targetReadinessPolicy: '
        f'Unsupported value: "Now": supported values: {allowed}'
    )
    wrong = restore_of()
    wrong["spec"]["target"]["kind"] = "Pod"
    answer = await admin.post(RESTORES_PATH, wrong, dryRun="All")
    assert answer.code == 422
    webhook = "virtualmachinerestore-validator.snapshot.kubevirt.io"
    assert answer.message == f'admission webhook "{webhook}" denied the request: invalid kind'
    missing = await admin.post(RESTORES_PATH, restore_of(snapshot="nope"), dryRun="All")
    assert missing.code == 201
    assert missing.body["metadata"]["uid"]
    assert sim.storage.keys("virtualmachinerestores") == []


async def test_04_a_failed_restore_blocks_the_next_until_it_is_deleted(
    sim: Lab, admin: KubeClient
) -> None:
    with_running_vm(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT, targetReadinessPolicy="FailImmediate")
    await settle(sim)
    blocked = await admin.post(RESTORES_PATH, restore_of("r2"))
    assert blocked.code == 422
    assert blocked.message.endswith('VirtualMachineRestore "r1" in progress')
    assert blocked.body["details"]["causes"][0]["field"] == "spec.target"
    assert (await admin.delete(f"{RESTORES_PATH}/r1")).code == 200
    await sim.passes(1)
    assert (await admin.get(f"{RESTORES_PATH}/r1")).code == 404
    assert (await admin.post(RESTORES_PATH, restore_of("r2"))).code == 201


async def test_05_a_halted_vm_cannot_start_during_a_restore(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await settle(sim)
    answer = await admin.put(f"{SUBRESOURCES}/{VM}/start")
    assert (answer.code, answer.body["reason"]) == (500, "InternalError")
    assert answer.message == (
        'Internal error occurred: admission webhook "virtualmachine-validator.kubevirt.io" denied '
        'the request: Cannot update VM runStrategy until restore "r1" completes'
    )


async def test_05_a_manual_vm_starts_during_a_restore_and_the_restore_fails(
    sim: Lab, admin: KubeClient
) -> None:
    with_stopped_vm(sim, run_strategy="Manual")
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT, targetReadinessPolicy="FailImmediate")
    await settle(sim)
    assert (await admin.put(f"{SUBRESOURCES}/{VM}/start")).code == 202
    await sim.passes(8)
    assert reasons(restored(sim))["Failure"] == ("True", MUST_BE_OFF)
    assert the_vm(sim)["status"]["printableStatus"] == "Running"
    assert the_vm(sim)["status"]["restoreInProgress"] == "r1"


async def test_06_deleting_a_restore_unlocks_the_vm_and_leaves_the_new_claim(
    sim: Lab, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await settle(sim)
    claim = f"restore-{restored(sim)['metadata']['uid']}-root"
    assert the_vm(sim)["status"]["restoreInProgress"] == "r1"
    await admin.delete(f"{RESTORES_PATH}/r1")
    await sim.passes(1)
    assert "restoreInProgress" not in the_vm(sim)["status"]
    assert sim.storage.find("persistentvolumeclaims", NS, claim)
    assert (await admin.put(f"{SUBRESOURCES}/{VM}/start")).code == 202


async def test_07_a_recreated_vm_is_followed_by_source_uid_and_overwritten(sim: Lab) -> None:
    with_stopped_vm(sim)
    old = the_vm(sim)["metadata"]["uid"]
    await settle(sim)
    new = sim.people.recreate_vm(NS, VM)["metadata"]["uid"]
    await sim.passes(1)
    assert new != old
    snapshot = sim.storage.get("virtualmachinesnapshots", NS, SNAPSHOT)
    assert snapshot["status"]["sourceUID"] == new
    name = snapshot["status"]["virtualMachineSnapshotContentName"]
    content = sim.storage.get("virtualmachinesnapshotcontents", NS, name)
    assert content["spec"]["source"]["virtualMachine"]["metadata"]["uid"] == old
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(5)
    assert restored(sim)["status"]["complete"] is True
    assert the_vm(sim)["metadata"]["uid"] == new


async def test_08_a_quota_that_is_too_small_keeps_the_restore_trying(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False, disks=[Disk("root", "1Gi"), Disk("data", "6Gi")])
    sim.seed.snapshot(NS, SNAPSHOT, VM, volumes=["root"])
    sim.seed.quota(NS, "storage", requests_storage="5Gi")
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(20)
    uid = restored(sim)["metadata"]["uid"]
    text = (
        f'persistentvolumeclaims "restore-{uid}-root" is forbidden: exceeded quota: storage, '
        "requested: requests.storage=1Gi, used: requests.storage=7Gi, limited: requests.storage=5Gi"
    )
    assert reasons(restored(sim)) == {"Progressing": ("False", text), "Ready": ("False", text)}
    assert the_vm(sim)["status"]["restoreInProgress"] == "r1"
    events = [e for e in sim.storage.objects("events", NS) if e["type"] == "Warning"]
    assert {e["reason"] for e in events} == {"VirtualMachineRestoreError"}
    assert events[0]["message"] == f"VirtualMachineRestore encountered error {text}"
    assert events[0]["count"] > 2
    sim.people.set_quota(NS, "storage", requests_storage="50Gi")
    sim.people.annotate_restore(NS, "r1")
    await sim.passes(5)
    assert restored(sim)["status"]["complete"] is True


async def test_10_a_cloud_init_volume_is_excluded_from_a_snapshot(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False, disks=["root", Disk("ci", source="cloudInit")])
    sim.people.create_snapshot(NS, "s1", VM)
    await sim.passes(5)
    status = sim.storage.get("virtualmachinesnapshots", NS, "s1")["status"]
    assert status["snapshotVolumes"] == {"includedVolumes": ["root"], "excludedVolumes": ["ci"]}
    assert "indications" not in status


async def test_14_storage_that_never_binds_leaves_its_trace_on_the_claim_only(sim: Lab) -> None:
    with_stopped_vm(sim)
    sim.knobs.own_class("standard").bind = None
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(60)
    assert reasons(restored(sim)) == {
        "Progressing": ("True", "Creating new PVCs"),
        "Ready": ("False", "Waiting for new PVCs"),
    }
    events = sim.storage.objects("events", NS)
    assert [(e["involvedObject"]["kind"], e["type"], e["reason"]) for e in events] == [
        ("PersistentVolumeClaim", "Normal", "ExternalProvisioning")
    ]


async def test_15_a_vm_deleted_during_a_restore_takes_the_restore_with_it(
    sim: Lab, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    sim.knobs.own_class("standard").bind = None
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await settle(sim)
    await admin.delete(f"{VMS_PATH}/{VM}")
    await sim.passes(2)
    assert (await admin.get(f"{VMS_PATH}/{VM}")).code == 404
    assert (await admin.get(f"{RESTORES_PATH}/r1")).code == 404


async def test_16_wait_for_first_consumer_completes_with_a_pending_claim(sim: Lab) -> None:
    sim.seed.storage_class("lazy", "WaitForFirstConsumer")
    with_stopped_vm(sim, disks=[Disk("root", storage_class="lazy")])
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(2)
    assert reasons(restored(sim))["Ready"] == ("True", "Operation complete")
    claim = f"restore-{restored(sim)['metadata']['uid']}-root"
    assert sim.storage.get("persistentvolumeclaims", NS, claim)["status"]["phase"] == "Pending"
    assert the_vm(sim)["status"]["printableStatus"] == "Stopped"
    sim.people.start(NS, VM)
    await sim.passes(10)
    assert sim.storage.get("persistentvolumeclaims", NS, claim)["status"]["phase"] == "Bound"
    assert the_vm(sim)["status"]["printableStatus"] == "Running"


async def test_17_a_manual_vm_powered_off_from_inside_keeps_its_final_instance(
    sim: Lab, admin: KubeClient
) -> None:
    with_running_vm(sim, run_strategy="Manual")
    await settle(sim)
    sim.people.power_off(NS, VM)
    await sim.passes(30)
    vmi = await admin.get(f"{VMIS_PATH}/{VM}")
    assert vmi.body["status"]["phase"] == "Succeeded"
    assert the_vm(sim)["status"]["printableStatus"] == "Stopped"
    stop = await admin.put(f"{SUBRESOURCES}/{VM}/stop")
    assert (stop.code, stop.message.endswith("VM is not running")) == (409, True)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT, targetReadinessPolicy="FailImmediate")
    await settle(sim)
    assert reasons(restored(sim))["Failure"] == ("True", MUST_BE_OFF)
    assert (await admin.delete(f"{VMIS_PATH}/{VM}")).code == 200
    await sim.passes(2)
    assert (await admin.get(f"{VMIS_PATH}/{VM}")).code == 404


async def test_18_the_same_name_again_is_422_while_unfinished_and_409_once_complete(
    sim: Lab, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    assert (await admin.post(RESTORES_PATH, restore_of())).code == 201
    unfinished = await admin.post(RESTORES_PATH, restore_of())
    assert unfinished.code == 422
    assert unfinished.message.endswith('VirtualMachineRestore "r1" in progress')
    await sim.passes(5)
    complete = await admin.post(RESTORES_PATH, restore_of())
    assert (complete.code, complete.body["reason"]) == (409, "AlreadyExists")
    assert complete.message == ('virtualmachinerestores.snapshot.kubevirt.io "r1" already exists')


async def test_19_a_snapshot_made_during_a_restore_is_accepted_and_both_finish(
    sim: Lab, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(1)
    source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": VM}
    manifest = {"metadata": {"name": "during"}, "spec": {"source": source}}
    assert (await admin.post(SNAPSHOTS_PATH, manifest)).code == 201
    await settle(sim)
    during = sim.storage.get("virtualmachinesnapshots", NS, "during")
    assert during["status"]["phase"] == "InProgress"
    assert reasons(during)["Progressing"] == ("True", "Source locked and operation in progress")
    await sim.passes(12)
    assert sim.storage.get("virtualmachinesnapshots", NS, "during")["status"]["readyToUse"] is True
    assert restored(sim)["status"]["complete"] is True


async def test_20_a_snapshot_in_error_goes_on_until_its_deadline(
    sim: Lab, clock: HandClock
) -> None:
    sim.seed.vm(NS, VM, running=False)
    sim.knobs.own_class("standard").error = "rpc error: pool is full"
    sim.people.create_snapshot(NS, "s1", VM, failureDeadline="1m0s")
    await sim.passes(5)
    snapshot = sim.storage.get("virtualmachinesnapshots", NS, "s1")
    assert reasons(snapshot)["Progressing"] == ("False", "In error state")
    assert snapshot["status"]["error"]["message"].endswith("error: rpc error: pool is full")
    assert snapshot["status"]["phase"] == "InProgress"
    clock.advance(60)
    await settle(sim)
    snapshot = sim.storage.get("virtualmachinesnapshots", NS, "s1")
    assert snapshot["status"]["phase"] == "Failed"
    assert reasons(snapshot)["Failure"] == ("True", "snapshot deadline exceeded")
    assert sim.storage.keys("virtualmachinesnapshotcontents") == []
    assert "snapshotInProgress" not in the_vm(sim)["status"]


@pytest.mark.parametrize("wanted", ["v1beta1", "v1alpha1"])
async def test_both_versions_of_the_snapshot_group_show_the_same_object(
    sim: Lab, admin: KubeClient, wanted: str
) -> None:
    with_stopped_vm(sim)
    path = RESTORES_PATH.replace("v1beta1", wanted)
    sent = {**restore_of(), "apiVersion": f"snapshot.kubevirt.io/{wanted}"}
    made = await admin.post(path, sent)
    assert (made.code, made.body["apiVersion"]) == (201, f"snapshot.kubevirt.io/{wanted}")
    again = await admin.post(path, sent)
    assert again.message.endswith('VirtualMachineRestore "r1" in progress')
