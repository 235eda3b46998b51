"""Restores beyond the live findings: waiting, policies, volumes, specs, deletion."""

from datetime import timedelta
from typing import Any

import pytest

from bot.playground.clock import HandClock
from bot.playground.kubevirt.seed import Disk
from tests.playground.kubevirt.kit import (
    NS,
    RESTORES_PATH,
    SNAPSHOT,
    SUBRESOURCES,
    VM,
    KubeClient,
    Lab,
    claims,
    reasons,
    restored,
    settle,
    the_vm,
    with_running_vm,
    with_stopped_vm,
)

WAIT = "Waiting for target VM to be powered off. Please stop the restore target to proceed with restore"
STILL = "Restore target VMI still exists, please stop the restore target to proceed with restore"


def warnings(sim: Lab) -> list[tuple[str, str]]:
    events = sim.storage.objects("events", NS)
    return [(e["reason"], e["message"]) for e in events if e["type"] == "Warning"]


async def test_the_grace_period_waits_and_goes_on_when_the_vm_is_down(sim: Lab) -> None:
    with_running_vm(sim)
    await settle(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(5)
    text = f"{WAIT}, or the operation will fail after 5m0s"
    assert reasons(restored(sim)) == {"Progressing": ("False", text), "Ready": ("False", text)}
    assert warnings(sim) == [("RestoreTargetNotReady", STILL)]
    assert "restoreInProgress" not in the_vm(sim)["status"]
    sim.people.stop(NS, VM)
    await sim.passes(15)
    assert restored(sim)["status"]["complete"] is True
    assert the_vm(sim)["spec"]["runStrategy"] == "Halted"


async def test_the_grace_period_has_no_timer_and_ends_when_somebody_looks(
    sim: Lab, clock: HandClock
) -> None:
    with_running_vm(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await settle(sim)
    clock.advance(600)
    await settle(sim)
    assert "Failure" not in reasons(restored(sim))
    sim.people.stop(NS, VM)
    await settle(sim)
    text = (
        "Restore target failed to be ready within 5m0s. Please power off the target VM before "
        "attempting restore"
    )
    assert reasons(restored(sim))["Failure"] == ("True", text)
    assert ("Operation failed", f"VirtualMachineRestore failed {text}") in warnings(sim)


async def test_a_vm_that_is_down_is_restored_even_after_the_grace_period(sim: Lab) -> None:
    with_stopped_vm(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.pause_controllers()
    restore = restored(sim)
    old = "2026-02-18T10:00:00Z"
    restore["metadata"]["creationTimestamp"] = old
    sim.storage.put("virtualmachinerestores", restore)
    sim.resume_controllers()
    await sim.passes(6)
    assert restored(sim)["status"]["complete"] is True


async def test_wait_eventually_never_fails(sim: Lab, clock: HandClock) -> None:
    with_running_vm(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT, targetReadinessPolicy="WaitEventually")
    await settle(sim)
    assert reasons(restored(sim))["Ready"] == ("False", WAIT)
    clock.advance(86400)
    sim.people.annotate_restore(NS, "r1")
    await settle(sim)
    assert "Failure" not in reasons(restored(sim))
    sim.people.stop(NS, VM)
    await sim.passes(15)
    assert restored(sim)["status"]["complete"] is True


async def test_stop_target_stops_and_restores_with_the_expected_noise(sim: Lab) -> None:
    with_running_vm(sim)
    await settle(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT, targetReadinessPolicy="StopTarget")
    await sim.passes(2)
    stopping = "Automatically stopping restore target for restore operation"
    assert ("RestoreTargetNotReady", stopping) in warnings(sim)
    noise = "Halted only supports manual stop requests with a shorter graceperiod"
    assert noise in reasons(restored(sim))["Ready"][1]
    await sim.passes(20)
    assert restored(sim)["status"]["complete"] is True


@pytest.mark.parametrize(
    ("strategy", "uses_running", "after"),
    [("Halted", False, "Halted"), ("Manual", False, "Manual"), ("RerunOnFailure", False, "RerunOnFailure"), ("Halted", True, None)],
)  # fmt: skip
async def test_the_run_strategy_survives_a_restore(
    sim: Lab, strategy: str, after: str | None, *, uses_running: bool
) -> None:
    sim.seed.vm(NS, VM, running=False, run_strategy=strategy, uses_running=uses_running)
    sim.seed.snapshot(
        NS, SNAPSHOT, VM, vm_change={"spec": {"runStrategy": "Always", "running": None}}
    )
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(15)
    assert restored(sim)["status"]["complete"] is True
    spec = the_vm(sim)["spec"]
    assert spec.get("runStrategy") == after
    assert spec.get("running") == (False if after is None else None)
    assert sim.storage.find("virtualmachineinstances", NS, VM) is None


async def test_a_crash_looping_vm_starts_again_after_its_restore(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False, run_strategy="Always")
    sim.seed.snapshot(NS, SNAPSHOT, VM)
    sim.knobs.own_guest(NS, VM).crashes_at_boot = True
    await sim.passes(8)
    assert the_vm(sim)["status"]["printableStatus"] == "CrashLoopBackOff"
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    sim.knobs.own_guest(NS, VM).crashes_at_boot = False
    await sim.passes(30)
    assert restored(sim)["status"]["complete"] is True
    assert the_vm(sim)["status"]["printableStatus"] == "Running"


async def test_the_spec_comes_back_and_the_vms_own_labels_stay(sim: Lab) -> None:
    old = {"spec": {"template": {"spec": {"domain": {"cpu": {"cores": 1}}}}}}
    sim.seed.vm(NS, VM, running=False, cpu=8, labels={"team": "now"}, disks=["root", "extra"])
    sim.seed.snapshot(NS, SNAPSHOT, VM, vm_change={**old, "metadata": {"labels": {"team": "then"}}})
    snapshot = sim.storage.get("virtualmachinesnapshots", NS, SNAPSHOT)
    name = snapshot["status"]["virtualMachineSnapshotContentName"]
    content = sim.storage.get("virtualmachinesnapshotcontents", NS, name)
    template = content["spec"]["source"]["virtualMachine"]["spec"]["template"]["spec"]
    template["volumes"] = [*template["volumes"][:1], {"name": "dump", "memoryDump": {}}]
    content["spec"]["volumeBackups"] = content["spec"]["volumeBackups"][:1]
    sim.storage.put("virtualmachinesnapshotcontents", content)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(6)
    vm = the_vm(sim)
    assert vm["spec"]["template"]["spec"]["domain"]["cpu"]["cores"] == 1
    assert vm["spec"]["template"]["spec"]["domain"]["firmware"]["uuid"]
    assert [volume["name"] for volume in vm["spec"]["template"]["spec"]["volumes"]] == ["root"]
    assert vm["metadata"]["labels"] == {"team": "now"}
    assert f"{VM}-extra" in claims(sim)


async def test_an_excluded_disk_keeps_todays_claim(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False, disks=["root", "data"])
    sim.seed.snapshot(NS, SNAPSHOT, VM, volumes=["root"])
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(6)
    volumes = the_vm(sim)["spec"]["template"]["spec"]["volumes"]
    named = [volume["persistentVolumeClaim"]["claimName"] for volume in volumes]
    assert named == [f"restore-{restored(sim)['metadata']['uid']}-root", f"{VM}-data"]


async def test_a_snapshot_without_volumes_restores_the_spec_only(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False)
    sim.seed.snapshot(NS, SNAPSHOT, VM, volumes=[])
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(1)
    assert restored(sim)["status"]["complete"] is True
    assert "restores" not in restored(sim)["status"]
    assert claims(sim) == [f"{VM}-root"]


async def test_a_new_claim_copies_what_matters_and_belongs_to_the_vm(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False)
    claim = sim.storage.get("persistentvolumeclaims", NS, f"{VM}-root")
    claim["metadata"]["labels"] = {"tier": "db"}
    claim["metadata"]["annotations"] = {
        "pv.kubernetes.io/bind-completed": "yes",
        "cdi.kubevirt.io/storage.import": "x",
        "cdi.kubevirt.io/storage.contentType": "kubevirt",
        "example.com/kept": "yes",
    }
    sim.storage.put("persistentvolumeclaims", claim)
    sim.seed.snapshot(NS, SNAPSHOT, VM)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(6)
    uid = restored(sim)["metadata"]["uid"]
    made = sim.storage.get("persistentvolumeclaims", NS, f"restore-{uid}-root")
    assert made["metadata"]["labels"] == {
        "tier": "db",
        "restore.kubevirt.io/source-vm-name": VM,
        "restore.kubevirt.io/source-vm-namespace": NS,
    }
    assert made["metadata"]["annotations"] == {
        "cdi.kubevirt.io/storage.contentType": "kubevirt",
        "example.com/kept": "yes",
        "restore.kubevirt.io/name": "r1",
        "restore.kubevirt.io/lastRestoreUID": f"r1-{uid}",
    }
    assert made["spec"]["dataSource"]["kind"] == "VolumeSnapshot"
    assert made["spec"]["resources"]["requests"]["storage"] == "10Gi"
    assert made["metadata"]["ownerReferences"][0]["uid"] == the_vm(sim)["metadata"]["uid"]


async def test_a_volume_snapshot_larger_than_the_claim_decides_the_size(sim: Lab) -> None:
    with_stopped_vm(sim)
    (held,) = sim.storage.objects("volumesnapshots", NS)
    held["status"]["restoreSize"] = "12Gi"
    sim.storage.put("volumesnapshots", held)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT, volumeOwnershipPolicy="None")
    await sim.passes(6)
    name = f"restore-{restored(sim)['metadata']['uid']}-root"
    made = sim.storage.get("persistentvolumeclaims", NS, name)
    assert made["spec"]["resources"]["requests"]["storage"] == "12Gi"
    assert "ownerReferences" not in made["metadata"]


async def test_template_disks_come_back_as_data_volumes_and_the_old_ones_go(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False, disks=[Disk("root", source="template")])
    sim.seed.snapshot(NS, SNAPSHOT, VM)
    await settle(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(8)
    uid = restored(sim)["metadata"]["uid"]
    new = f"restore-{uid}-root"
    status = restored(sim)["status"]
    assert status["complete"] is True
    assert status["restores"][0]["dataVolumeName"] == new
    assert status["deletedDataVolumes"] == [f"{VM}-root"]
    spec = the_vm(sim)["spec"]
    assert spec["dataVolumeTemplates"][0]["metadata"]["name"] == new
    assert spec["template"]["spec"]["volumes"] == [{"name": "root", "dataVolume": {"name": new}}]
    assert claims(sim) == [new]
    made = sim.storage.get("persistentvolumeclaims", NS, new)
    assert made["metadata"]["annotations"]["cdi.kubevirt.io/storage.populatedFor"] == new
    assert made["metadata"]["ownerReferences"][0]["kind"] == "DataVolume"
    volume = sim.storage.get("datavolumes", NS, new)
    assert volume["metadata"]["ownerReferences"][0]["uid"] == the_vm(sim)["metadata"]["uid"]
    assert volume["status"]["phase"] == "Succeeded"


async def test_a_standalone_data_volume_becomes_a_claim_and_is_kept(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False, disks=[Disk("root", source="dataVolume")])
    sim.seed.snapshot(NS, SNAPSHOT, VM)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(6)
    new = f"restore-{restored(sim)['metadata']['uid']}-root"
    volumes = the_vm(sim)["spec"]["template"]["spec"]["volumes"]
    assert volumes == [{"name": "root", "persistentVolumeClaim": {"claimName": new}}]
    assert claims(sim) == [f"{VM}-root", new]
    assert sim.storage.find("datavolumes", NS, f"{VM}-root")


async def test_in_place_replaces_the_claim(sim: Lab) -> None:
    with_stopped_vm(sim)
    old = sim.storage.get("persistentvolumeclaims", NS, f"{VM}-root")["metadata"]["uid"]
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT, volumeRestorePolicy="InPlace")
    await sim.passes(6)
    assert restored(sim)["status"]["complete"] is True
    assert claims(sim) == [f"{VM}-root"]
    new = sim.storage.get("persistentvolumeclaims", NS, f"{VM}-root")
    assert new["metadata"]["uid"] != old
    assert new["spec"]["dataSource"]["kind"] == "VolumeSnapshot"


async def test_in_place_with_a_quota_refusal_has_lost_the_old_claim(sim: Lab) -> None:
    with_stopped_vm(sim)
    sim.seed.quota(NS, "storage", requests_storage="5Gi")
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT, volumeRestorePolicy="InPlace")
    await sim.passes(6)
    assert claims(sim) == []
    assert "exceeded quota" in reasons(restored(sim))["Ready"][1]


async def test_an_override_names_the_claim_and_adds_labels(sim: Lab) -> None:
    with_stopped_vm(sim)
    override = {"volumeName": "root", "restoreName": "mine", "labels": {"a": "b"}}
    sim.people.create_restore(
        NS, "r1", VM, SNAPSHOT, volumeRestorePolicy="InPlace", volumeRestoreOverrides=[override]
    )
    await sim.passes(6)
    assert claims(sim) == [f"{VM}-root", "mine"]
    assert sim.storage.get("persistentvolumeclaims", NS, "mine")["metadata"]["labels"]["a"] == "b"


async def test_a_missing_target_is_made_anew_halted_and_patched(sim: Lab) -> None:
    with_stopped_vm(sim, labels={"team": "db"}, run_strategy="Manual")
    patch = '{"op": "replace", "path": "/spec/template/spec/domain/cpu/cores", "value": 1}'
    sim.people.create_restore(NS, "r1", "copy", SNAPSHOT, patches=[patch])
    await sim.passes(6)
    copy = sim.storage.get("virtualmachines", NS, "copy")
    assert restored(sim)["status"]["complete"] is True
    assert copy["spec"]["runStrategy"] == "Halted"
    assert copy["metadata"]["labels"] == {"team": "db"}
    assert copy["spec"]["template"]["spec"]["domain"]["cpu"]["cores"] == 1
    assert restored(sim)["metadata"]["ownerReferences"][0]["uid"] == copy["metadata"]["uid"]


async def test_another_existing_vm_is_never_overwritten(sim: Lab) -> None:
    with_stopped_vm(sim)
    sim.seed.vm(NS, "other", running=False)
    before = sim.storage.get("virtualmachines", NS, "other")["spec"]
    sim.people.create_restore(NS, "r1", "other", SNAPSHOT)
    await sim.passes(20)
    text = "restore source and restore target are different but restore target already exists"
    assert reasons(restored(sim)) == {"Progressing": ("False", text), "Ready": ("False", text)}
    assert sim.storage.get("virtualmachines", NS, "other")["spec"] == before


async def test_readiness_comes_before_the_snapshots_lookup(sim: Lab) -> None:
    with_running_vm(sim)
    sim.people.create_restore(NS, "r1", VM, "nope", targetReadinessPolicy="WaitEventually")
    await settle(sim)
    assert reasons(restored(sim))["Ready"] == ("False", WAIT)


TROUBLES = [
    pytest.param({"ready": False}, "", f"VMSnapshot {NS}/{SNAPSHOT} not ready", id="not ready"),
    pytest.param({"phase": "Failed"}, "", f"VMSnapshot {NS}/{SNAPSHOT} failed and is invalid to use", id="failed"),
    pytest.param({}, "content", "VMSnapshotContent {ns}/{content} does not exist", id="no content"),
    pytest.param({}, "volume", f"VMSnapshot {NS}/{SNAPSHOT} not ready", id="volume snapshot gone"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "loss", "expected"), TROUBLES)
async def test_an_unusable_snapshot_is_named_and_waited_for(
    sim: Lab, options: Any, loss: str, expected: str
) -> None:
    sim.seed.vm(NS, VM, running=False)
    snapshot = sim.seed.snapshot(NS, SNAPSHOT, VM, **options)
    await settle(sim)
    if loss == "content":
        sim.people.lose_content(NS, SNAPSHOT)
    if loss == "volume":
        sim.people.delete_volume_snapshot(NS, SNAPSHOT, "root")
    await settle(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(3)
    name = snapshot["status"].get("virtualMachineSnapshotContentName", "")
    assert reasons(restored(sim))["Ready"] == ("False", expected.format(ns=NS, content=name))
    assert "Failure" not in reasons(restored(sim))
    assert "restoreInProgress" not in the_vm(sim)["status"]


@pytest.mark.parametrize(("policy", "left"), [("RandomizeNames", [f"{VM}-root"]), ("InPlace", [])])
async def test_a_restore_from_a_content_that_is_going_hangs_and_may_take_the_disk(
    sim: Lab, policy: str, left: list[str]
) -> None:
    """Admission accepts it. With InPlace neither the claim nor the volume snapshot is left."""
    with_stopped_vm(sim)
    await settle(sim)
    sim.people.delete_content(NS, SNAPSHOT)
    await sim.passes(1)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT, volumeRestorePolicy=policy)
    await sim.passes(20)
    assert [name for _, name in sim.storage.keys("persistentvolumeclaims")] == left
    assert sim.storage.keys("volumesnapshots") == []
    assert reasons(restored(sim))["Ready"][1].startswith("missing volumeSnapshot vmsnapshot-")
    assert "Failure" not in reasons(restored(sim))
    assert restored(sim)["status"]["complete"] is False


async def test_a_claim_that_has_the_name_is_taken_as_restored(sim: Lab) -> None:
    """PrefixTargetName can do nothing, and say that it is complete."""
    with_stopped_vm(sim)
    await settle(sim)
    before = sim.storage.get("persistentvolumeclaims", NS, f"{VM}-root")
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT, volumeRestorePolicy="PrefixTargetName")
    await sim.passes(20)
    after = sim.storage.get("persistentvolumeclaims", NS, f"{VM}-root")
    assert restored(sim)["status"]["complete"] is True
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert "dataSource" not in after["spec"]
    assert "restore.kubevirt.io/lastRestoreUID" not in after["metadata"].get("annotations", {})


async def test_lost_and_vanished_claims_and_classes_are_named(sim: Lab) -> None:
    with_stopped_vm(sim)
    sim.knobs.own_class("standard").bind = None
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(1)
    name = f"restore-{restored(sim)['metadata']['uid']}-root"
    held = sim.storage.remove("storageclasses", "", "standard")
    sim.people.annotate_restore(NS, "r1")
    await settle(sim)
    assert reasons(restored(sim))["Ready"] == ("False", "StorageClass standard does not exist")
    sim.storage.put("storageclasses", held)
    sim.people.lose_claim(NS, name)
    await sim.passes(5)
    assert reasons(restored(sim))["Ready"] == ("False", f'PVC {NS}/{name} in status "Lost"')


async def test_a_restore_that_finds_the_vm_held_by_another_says_nothing(sim: Lab) -> None:
    with_stopped_vm(sim)
    vm = the_vm(sim)
    sim.storage.put(
        "virtualmachines", {**vm, "status": {**vm["status"], "restoreInProgress": "r0"}}
    )
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(10)
    text = "Initializing VirtualMachineRestore"
    assert reasons(restored(sim)) == {"Progressing": ("True", text), "Ready": ("False", text)}
    assert warnings(sim) == []


async def test_deleting_a_complete_restore_is_harmless(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT)
    await sim.passes(6)
    before, held = the_vm(sim)["spec"], claims(sim)
    await admin.delete(f"{RESTORES_PATH}/r1")
    await sim.passes(1)
    assert sim.storage.keys("virtualmachinerestores") == []
    assert (the_vm(sim)["spec"], claims(sim)) == (before, held)


async def test_a_restore_over_a_running_true_vm_without_instance_loops(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False, run_strategy="Always", uses_running=True)
    vm = the_vm(sim)
    sim.seed.snapshot(NS, SNAPSHOT, VM)
    vm["spec"]["running"] = True
    sim.storage.put("virtualmachines", vm)
    sim.knobs.own_guest(NS, VM).crashes_at_boot = True
    sim.knobs.own_guest(NS, VM).schedule = 0.0
    sim.knobs.own_guest(NS, VM).boot = 0.0
    await sim.passes(100)
    sim.people.create_restore(NS, "r1", VM, SNAPSHOT, targetReadinessPolicy="WaitEventually")
    await sim.passes(6)
    assert "Cannot update VM runStrategy until restore" in reasons(restored(sim))["Ready"][1]


async def test_the_second_restore_after_a_first_is_possible_and_leaves_orphans(
    sim: Lab, admin: KubeClient
) -> None:
    with_stopped_vm(sim)
    for name in ("r1", "r2"):
        sim.people.create_restore(NS, name, VM, SNAPSHOT)
        await sim.passes(6)
        assert restored(sim, name)["status"]["complete"] is True
    assert len(claims(sim)) == 3
    assert (await admin.put(f"{SUBRESOURCES}/{VM}/start")).code == 202


async def test_conditions_keep_their_time_while_nothing_changes(sim: Lab, clock: HandClock) -> None:
    with_stopped_vm(sim)
    began = clock.now()
    sim.people.create_restore(NS, "r1", VM, "nope")
    await sim.passes(30)
    since = restored(sim)["status"]["conditions"][1]["lastTransitionTime"]
    assert since == began.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert clock.now() - began == timedelta(seconds=30)
