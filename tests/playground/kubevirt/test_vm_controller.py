"""VMs and their instances: strategies, the way down, and `printableStatus`."""

from typing import Any

import pytest

from bot.playground.kubevirt.controllers.vm_status import Scene, printable_status
from bot.playground.kubevirt.seed import Disk
from tests.playground.kubevirt.kit import (
    NS,
    SUBRESOURCES,
    VM,
    VMS_PATH,
    KubeClient,
    Lab,
    reasons,
    settle,
    the_vm,
)

Json = dict[str, Any]


def shown(sim: Lab) -> str:
    return str(the_vm(sim)["status"]["printableStatus"])


def vmi_phase(sim: Lab) -> str | None:
    vmi = sim.storage.find("virtualmachineinstances", NS, VM)
    return None if vmi is None else str(vmi["status"]["phase"])


def scene(
    strategy: str = "Halted",
    vmi: Json | None = None,
    *,
    expected: bool = False,
    volume: str = "",
    claim: str = "",
    metadata: Json | None = None,
    failures: int = 0,
) -> Scene:
    status = {"startFailure": {"consecutiveFailCount": failures}} if failures else {}
    vm = {"metadata": metadata or {}, "spec": {"runStrategy": strategy}, "status": status}
    volumes = [{"status": {"phase": volume}}] if volume else []
    claims = [{"status": {"phase": claim}}] if claim else []
    return Scene(vm, vmi, expected, volumes, claims)


def instance(phase: str, *, deleting: bool = False, **condition: str) -> Json:
    metadata = {"deletionTimestamp": "2026-02-18T16:30:00Z"} if deleting else {}
    conditions = [{"status": "True", **condition}] if condition else []
    return {"metadata": metadata, "status": {"phase": phase, "conditions": conditions}}


MIGRATING = {
    "metadata": {},
    "status": {"phase": "Running", "migrationState": {"completed": False}},
}
SCENES = [
    pytest.param("Terminating", scene(metadata={"deletionTimestamp": "x"}, vmi=instance("Running")), id="deletion wins"),
    pytest.param("Stopping", scene(vmi=instance("Running", deleting=True)), id="instance being deleted"),
    pytest.param("Migrating", scene(vmi=MIGRATING), id="migration"),
    pytest.param("Paused", scene(vmi=instance("Running", type="Paused")), id="paused"),
    pytest.param("Running", scene(vmi=instance("Running")), id="running"),
    pytest.param("ErrorPvcNotFound", scene(vmi=instance("Pending", type="Synchronized", status="False", reason="FailedPvcNotFound")), id="claim missing"),
    pytest.param("DataVolumeError", scene(volume="Failed"), id="data volume failed"),
    pytest.param("ErrorUnschedulable", scene(vmi=instance("Scheduling", type="PodScheduled", status="False", reason="Unschedulable")), id="no node"),
    pytest.param("Provisioning", scene(volume="ImportInProgress"), id="import, also when halted"),
    pytest.param("WaitingForVolumeBinding", scene("Always", claim="Pending", expected=True), id="unbound claim of a VM that is to start"),
    pytest.param("Stopped", scene("Halted", claim="Pending"), id="unbound claim of a halted VM"),
    pytest.param("ErrImagePull", scene(vmi=instance("Scheduling", type="Synchronized", status="False", reason="ErrImagePull")), id="image"),
    pytest.param("ImagePullBackOff", scene(vmi=instance("Scheduling", type="Synchronized", status="False", reason="ImagePullBackOff")), id="image again"),
    pytest.param("Starting", scene("Always", expected=True), id="instance expected"),
    pytest.param("Starting", scene(vmi=instance("Scheduled")), id="instance not yet running"),
    pytest.param("CrashLoopBackOff", scene("Always", failures=2), id="start failures"),
    pytest.param("Stopped", scene("Manual", failures=2), id="start failures of a manual VM"),
    pytest.param("Stopped", scene(), id="nothing there"),
    pytest.param("Stopped", scene("Manual", vmi=instance("Succeeded")), id="final instance still there"),
    pytest.param("Stopped", scene(vmi=instance("Failed", deleting=True)), id="final instance going away"),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "seen"), SCENES)
def test_the_first_state_of_the_table_that_holds_is_shown(expected: str, seen: Scene) -> None:
    assert printable_status(seen) == expected


async def test_a_stop_passes_through_stopped_with_a_final_instance(sim: Lab) -> None:
    sim.seed.vm(NS, VM)
    await settle(sim)
    assert (shown(sim), the_vm(sim)["status"]["created"]) == ("Running", True)
    sim.people.stop(NS, VM)
    seen = []
    for _ in range(8):
        await sim.passes(1)
        seen.append((shown(sim), vmi_phase(sim)))
    assert (
        seen == [("Stopping", "Running")] * 4 + [("Stopped", "Succeeded")] + [("Stopped", None)] * 3
    )
    assert "created" not in the_vm(sim)["status"]
    ready = the_vm(sim)["status"]["conditions"][0]
    assert (ready["reason"], ready["message"]) == ("VMINotExists", "VMI does not exist")


async def test_a_guest_that_ignores_shutdown_is_killed_after_its_grace_period(sim: Lab) -> None:
    sim.seed.vm(NS, VM, grace_period=60)
    sim.people.ignore_shutdown(NS, VM)
    await settle(sim)
    sim.people.stop(NS, VM)
    await sim.passes(59)
    assert (shown(sim), vmi_phase(sim)) == ("Stopping", "Running")
    await sim.passes(1)
    assert vmi_phase(sim) == "Failed"
    await sim.passes(2)
    assert vmi_phase(sim) is None


async def test_without_a_grace_period_of_its_own_a_guest_has_30_seconds(sim: Lab) -> None:
    sim.seed.vm(NS, VM)
    sim.people.ignore_shutdown(NS, VM)
    await settle(sim)
    sim.people.stop(NS, VM)
    await sim.passes(29)
    assert vmi_phase(sim) == "Running"
    await sim.passes(1)
    assert vmi_phase(sim) == "Failed"


async def test_a_forced_stop_kills_at_once(sim: Lab, admin: KubeClient) -> None:
    sim.seed.vm(NS, VM, grace_period=600)
    sim.people.ignore_shutdown(NS, VM)
    await settle(sim)
    sim.people.stop(NS, VM)
    await sim.passes(3)
    assert (await admin.put(f"{SUBRESOURCES}/{VM}/stop", {"gracePeriod": 0})).code == 202
    await sim.passes(2)
    assert vmi_phase(sim) is None


async def test_starting_goes_through_the_phases(sim: Lab, admin: KubeClient) -> None:
    sim.seed.vm(NS, VM, running=False)
    await settle(sim)
    assert shown(sim) == "Stopped"
    await admin.put(f"{SUBRESOURCES}/{VM}/start")
    await settle(sim)
    assert shown(sim) == "Starting"
    await sim.passes(6)
    vmi = sim.storage.get("virtualmachineinstances", NS, VM)
    phases = [entry["phase"] for entry in vmi["status"]["phaseTransitionTimestamps"]]
    assert phases == ["Pending", "Scheduling", "Scheduled", "Running"]
    assert reasons(the_vm(sim))["AgentConnected"][0] == "True"
    assert the_vm(sim)["status"]["ready"] is True


@pytest.mark.parametrize(
    ("strategy", "how", "expected"),
    [
        ("Always", "power_off", "Running"),
        ("RerunOnFailure", "power_off", None),
        ("RerunOnFailure", "crash", "Running"),
        ("Halted", "power_off", None),
        ("Manual", "power_off", "Succeeded"),
        ("Manual", "crash", "Failed"),
        ("Once", "power_off", "Succeeded"),
    ],
)
async def test_what_becomes_of_a_guest_that_ends_by_itself(
    sim: Lab, strategy: str, how: str, expected: str | None
) -> None:
    sim.seed.vm(NS, VM, run_strategy=strategy)
    if strategy != "Halted":
        await settle(sim)
    getattr(sim.people, how)(NS, VM)
    await sim.passes(15)
    assert vmi_phase(sim) == expected


async def test_a_new_once_vm_starts_and_a_halted_one_does_not(sim: Lab) -> None:
    for name, strategy in (("once", "Once"), ("halted", "Halted"), ("manual", "Manual")):
        sim.seed.vm(NS, name, running=False, run_strategy=strategy)
    await sim.passes(8)
    phases = {
        vmi["metadata"]["name"]: vmi["status"]["phase"]
        for vmi in sim.storage.objects("virtualmachineinstances")
    }
    assert phases == {"once": "Running"}


async def test_rerun_on_failure_starts_only_when_the_strategy_is_new(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False, run_strategy="RerunOnFailure")
    await sim.passes(8)
    assert vmi_phase(sim) is None
    sim.people.edit_vm(NS, VM, {"spec": {"runStrategy": "Halted"}})
    await settle(sim)
    sim.people.edit_vm(NS, VM, {"spec": {"runStrategy": "RerunOnFailure"}})
    await sim.passes(8)
    assert vmi_phase(sim) == "Running"


async def test_a_guest_that_cannot_boot_backs_off_longer_each_time(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False, run_strategy="Always")
    sim.knobs.own_guest(NS, VM).crashes_at_boot = True
    await sim.passes(8)
    assert shown(sim) == "CrashLoopBackOff"
    assert the_vm(sim)["status"]["startFailure"]["consecutiveFailCount"] == 1
    await sim.passes(20)
    assert the_vm(sim)["status"]["startFailure"]["consecutiveFailCount"] == 2
    sim.knobs.own_guest(NS, VM).crashes_at_boot = False
    await sim.passes(40)
    assert shown(sim) == "Running"
    assert "startFailure" not in the_vm(sim)["status"]


async def test_a_manual_start_and_stop_empty_the_queue(sim: Lab, admin: KubeClient) -> None:
    sim.seed.vm(NS, VM, running=False, run_strategy="Manual")
    await settle(sim)
    await admin.put(f"{SUBRESOURCES}/{VM}/start")
    await sim.passes(8)
    assert (vmi_phase(sim), "stateChangeRequests" in the_vm(sim)["status"]) == ("Running", False)
    await admin.put(f"{SUBRESOURCES}/{VM}/stop")
    await sim.passes(8)
    assert (vmi_phase(sim), "stateChangeRequests" in the_vm(sim)["status"]) == (None, False)
    assert the_vm(sim)["spec"]["runStrategy"] == "Manual"


async def test_starting_a_manual_vm_with_a_final_instance_replaces_it(
    sim: Lab, admin: KubeClient
) -> None:
    sim.seed.vm(NS, VM, run_strategy="Manual")
    await settle(sim)
    sim.people.power_off(NS, VM)
    await sim.passes(2)
    assert (await admin.put(f"{SUBRESOURCES}/{VM}/start")).code == 202
    await sim.passes(10)
    assert vmi_phase(sim) == "Running"


async def test_a_missing_claim_is_reported(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False)
    sim.storage.remove("persistentvolumeclaims", NS, f"{VM}-root")
    sim.people.start(NS, VM)
    await sim.passes(2)
    assert shown(sim) == "ErrorPvcNotFound"
    sim.seed.claim(NS, f"{VM}-root", Disk("root"))
    await sim.passes(8)
    assert shown(sim) == "Running"


async def test_pause_and_migration_show(sim: Lab) -> None:
    sim.seed.vm(NS, VM)
    sim.people.migrate(NS, VM)
    await settle(sim)
    assert shown(sim) == "Migrating"
    sim.people.migrate(NS, VM, completed=True)
    sim.people.pause(NS, VM)
    await settle(sim)
    assert shown(sim) == "Paused"


async def test_a_changed_template_of_a_running_vm_requires_a_restart(
    sim: Lab, admin: KubeClient
) -> None:
    sim.seed.vm(NS, VM)
    change = {"spec": {"template": {"spec": {"domain": {"cpu": {"cores": 8}}}}}}
    await admin.patch(f"{VMS_PATH}/{VM}", change)
    await settle(sim)
    assert reasons(the_vm(sim))["RestartRequired"][0] == "True"
    status = the_vm(sim)["status"]
    assert (status["observedGeneration"], status["desiredGeneration"]) == (1, 2)
    await admin.put(f"{SUBRESOURCES}/{VM}/restart")
    await sim.passes(15)
    assert "RestartRequired" not in reasons(the_vm(sim))


async def test_deleting_a_running_vm_shows_terminating_until_the_guest_is_down(
    sim: Lab, admin: KubeClient
) -> None:
    sim.seed.vm(NS, VM)
    await settle(sim)
    await admin.delete(f"{VMS_PATH}/{VM}")
    await sim.passes(3)
    assert shown(sim) == "Terminating"
    await sim.passes(5)
    assert sim.storage.find("virtualmachines", NS, VM) is None


async def test_a_template_data_volume_is_imported_before_the_start(
    sim: Lab, admin: KubeClient
) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    template = {"metadata": {"name": "boot"}, "spec": {"pvc": claim, "source": {"blank": {}}}}
    volumes = [{"name": "root", "dataVolume": {"name": "boot"}}]
    vm = {
        "metadata": {"name": "fresh"},
        "spec": {
            "runStrategy": "Always",
            "template": {"spec": {"domain": {}, "volumes": volumes}},
            "dataVolumeTemplates": [template],
        },
    }
    assert (await admin.post(VMS_PATH, vm)).code == 201
    await sim.passes(1)

    def fresh() -> str:
        held = sim.storage.get("virtualmachines", NS, "fresh")
        return str(held["status"]["printableStatus"])

    assert fresh() == "Provisioning"
    await sim.passes(20)
    assert fresh() == "Running"
    pvc = sim.storage.get("persistentvolumeclaims", NS, "boot")
    assert pvc["spec"]["storageClassName"] == "standard"
    assert pvc["metadata"]["ownerReferences"][0]["kind"] == "DataVolume"


async def test_volume_snapshot_statuses_tell_what_cannot_be_snapshotted(sim: Lab) -> None:
    sim.seed.storage_class("plain", snapshots=False)
    disks: list[Disk | str] = [
        "root",
        Disk("data", storage_class="plain"),
        Disk("ci", source="cloudInit"),
    ]
    sim.seed.vm(NS, VM, running=False, disks=disks)
    await settle(sim)
    found = {
        s["name"]: s.get("reason", "") for s in the_vm(sim)["status"]["volumeSnapshotStatuses"]
    }
    assert found == {
        "root": "",
        "data": "No VolumeSnapshotClass: Volume snapshots are not configured for this StorageClass [plain] [data]",
        "ci": "Snapshot is not supported for this volumeSource type [ci]",
    }


async def test_a_claim_in_use_is_kept_until_its_vm_is_down(sim: Lab) -> None:
    sim.seed.vm(NS, VM)
    await settle(sim)
    sim.people.delete_claim(NS, f"{VM}-root")
    await sim.passes(5)
    assert sim.storage.find("persistentvolumeclaims", NS, f"{VM}-root")
    sim.people.stop(NS, VM)
    await sim.passes(8)
    assert sim.storage.find("persistentvolumeclaims", NS, f"{VM}-root") is None
