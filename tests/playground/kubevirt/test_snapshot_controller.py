"""Snapshots: locking, contents, indications, readiness and their end."""

from typing import Any

import pytest

from bot.playground.kubevirt.controllers.snapshot import seconds_of
from bot.playground.kubevirt.seed import Disk
from tests.playground.kubevirt.kit import (
    NS,
    VM,
    Lab,
    reasons,
    settle,
    the_vm,
    with_running_vm,
    with_stopped_vm,
)

Json = dict[str, Any]


def taken(sim: Lab, name: str = "s1") -> Json:
    return sim.storage.get("virtualmachinesnapshots", NS, name)


def content_of(sim: Lab, name: str = "s1") -> Json:
    held = taken(sim, name)["status"]["virtualMachineSnapshotContentName"]
    return sim.storage.get("virtualmachinesnapshotcontents", NS, held)


async def test_a_snapshot_locks_cuts_unlocks_and_becomes_ready(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False)
    await settle(sim)
    sim.people.create_snapshot(NS, "s1", VM)
    await settle(sim)
    assert taken(sim)["metadata"]["finalizers"] == ["snapshot.kubevirt.io/vmsnapshot-protection"]
    assert reasons(taken(sim)) == {
        "Progressing": ("True", "Source locked and operation in progress"),
        "Ready": ("False", "Not ready"),
    }
    assert the_vm(sim)["status"]["snapshotInProgress"] == "s1"
    assert (
        "snapshot.kubevirt.io/snapshot-source-protection" in the_vm(sim)["metadata"]["finalizers"]
    )
    await sim.passes(1)
    status = taken(sim)["status"]
    assert (status["phase"], status["readyToUse"]) == ("Succeeded", False)
    assert status["creationTime"] == "2026-02-18T16:30:01Z"
    assert reasons(taken(sim))["Progressing"] == ("False", "Operation complete")
    assert "snapshotInProgress" not in the_vm(sim)["status"]
    assert the_vm(sim)["metadata"]["finalizers"] == ["kubevirt.io/virtualMachineControllerFinalize"]
    await sim.passes(2)
    assert taken(sim)["status"]["readyToUse"] is True
    assert reasons(taken(sim))["Ready"] == ("True", "Ready")


async def test_the_content_holds_the_whole_vm_and_names_its_volume_snapshots(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False, labels={"a": "b"})
    sim.people.create_snapshot(NS, "s1", VM)
    await sim.passes(4)
    uid, content = taken(sim)["metadata"]["uid"], content_of(sim)
    assert content["metadata"]["name"] == f"vmsnapshot-content-{uid}"
    copy = content["spec"]["source"]["virtualMachine"]
    assert copy["metadata"]["uid"] == the_vm(sim)["metadata"]["uid"]
    assert copy["metadata"]["generation"] == 1
    assert copy["spec"] == the_vm(sim)["spec"]
    (backup,) = content["spec"]["volumeBackups"]
    assert backup["volumeSnapshotName"] == f"vmsnapshot-{uid}-volume-root"
    held = sim.storage.get("volumesnapshots", NS, backup["volumeSnapshotName"])
    assert held["metadata"]["ownerReferences"][0]["uid"] == content["metadata"]["uid"]
    assert held["status"]["restoreSize"] == "10Gi"
    told = {(e["involvedObject"]["kind"], e["reason"]) for e in sim.storage.objects("events", NS)}
    assert told == {
        ("VirtualMachineSnapshot", "SuccessfulVirtualMachineSnapshotContentCreate"),
        ("VirtualMachineSnapshotContent", "SuccessfulVolumeSnapshotCreate"),
    }


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("agent", ["GuestAgent", "Online"]),
        ("no agent", ["NoGuestAgent", "Online"]),
        ("paused", ["Online", "Paused"]),
        ("timeout", ["GuestAgent", "Online", "QuiesceTimeout"]),
        ("stopped", []),
    ],
)
async def test_indications_say_how_consistent_a_snapshot_is(
    sim: Lab, setting: str, expected: list[str]
) -> None:
    guest = sim.knobs.own_guest(NS, VM)
    guest.has_agent = setting != "no agent"
    guest.freeze_times_out = setting == "timeout"
    sim.seed.vm(NS, VM, running=setting != "stopped")
    if setting == "paused":
        sim.people.pause(NS, VM)
    sim.people.create_snapshot(NS, "s1", VM)
    await sim.passes(4)
    status = taken(sim)["status"]
    assert status.get("indications", []) == expected
    assert [held["indication"] for held in status.get("sourceIndications", [])] == expected


async def test_a_disk_without_a_snapshot_class_makes_the_snapshot_partial(sim: Lab) -> None:
    sim.seed.storage_class("plain", snapshots=False)
    sim.seed.vm(NS, VM, running=False, disks=["root", Disk("data", storage_class="plain")])
    sim.people.create_snapshot(NS, "s1", VM)
    await sim.passes(4)
    status = taken(sim)["status"]
    assert status["snapshotVolumes"] == {"includedVolumes": ["root"], "excludedVolumes": ["data"]}
    assert status["indications"] == ["PartialSnapshot"]
    assert status["readyToUse"] is True


async def test_a_snapshot_without_volumes_succeeds_at_once(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False, disks=[Disk("os", source="containerDisk")])
    sim.people.create_snapshot(NS, "s1", VM)
    await settle(sim)
    status = taken(sim)["status"]
    assert (status["phase"], status["readyToUse"]) == ("Succeeded", True)
    assert status["snapshotVolumes"] == {"excludedVolumes": ["os"]}


async def test_an_online_snapshot_captures_the_spec_the_vm_was_started_with(sim: Lab) -> None:
    sim.seed.vm(NS, VM, cpu=2)
    await settle(sim)
    change = {"spec": {"template": {"spec": {"domain": {"cpu": {"cores": 8}}}}}}
    sim.people.edit_vm(NS, VM, change)
    sim.people.create_snapshot(NS, "s1", VM)
    await sim.passes(4)
    spec = content_of(sim)["spec"]["source"]["virtualMachine"]["spec"]
    assert spec["template"]["spec"]["domain"]["cpu"]["cores"] == 2
    assert spec["runStrategy"] == "Always"


async def test_a_snapshot_waits_for_an_unbound_claim_and_says_so(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False)
    claim = sim.storage.get("persistentvolumeclaims", NS, f"{VM}-root")
    sim.knobs.own_class("standard").bind = None
    sim.storage.put("persistentvolumeclaims", {**claim, "status": {"phase": "Pending"}})
    sim.people.create_snapshot(NS, "s1", VM)
    await settle(sim)
    text = f"Source not locked source {NS}/{VM} volume not bound: {VM}-root"
    assert reasons(taken(sim))["Progressing"] == ("False", text)
    sim.storage.put("persistentvolumeclaims", claim)
    await sim.passes(10)
    assert taken(sim)["status"]["readyToUse"] is True


async def test_a_second_snapshot_waits_for_the_first(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False)
    sim.people.create_snapshot(NS, "s1", VM)
    await settle(sim)
    sim.people.create_snapshot(NS, "s2", VM)
    await settle(sim)
    text = 'Source not locked snapshot "s1" in progress'
    assert reasons(taken(sim, "s2"))["Progressing"] == ("False", text)
    await sim.passes(12)
    assert taken(sim, "s2")["status"]["readyToUse"] is True


async def test_succeeded_without_ready_when_the_upload_never_ends(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False)
    sim.knobs.own_class("standard").upload = None
    sim.people.create_snapshot(NS, "s1", VM)
    await sim.passes(400)
    assert (taken(sim)["status"]["phase"], taken(sim)["status"]["readyToUse"]) == (
        "Succeeded",
        False,
    )


async def test_a_lost_volume_snapshot_takes_readiness_away(sim: Lab) -> None:
    with_stopped_vm(sim)
    await settle(sim)
    name = content_of(sim, "pre-upgrade")["spec"]["volumeBackups"][0]["volumeSnapshotName"]
    sim.people.delete_volume_snapshot(NS, "pre-upgrade", "root")
    await sim.passes(1)
    status = taken(sim, "pre-upgrade")["status"]
    assert (status["phase"], status["readyToUse"]) == ("Succeeded", False)
    assert status["error"]["message"] == f"VolumeSnapshots ({name}) missing"
    events = [e["message"] for e in sim.storage.objects("events", NS) if e["type"] == "Warning"]
    assert events == [f"VolumeSnapshot {name} no longer exists"]


async def test_readiness_can_be_lost_and_come_back(sim: Lab) -> None:
    with_stopped_vm(sim)
    await settle(sim)
    sim.people.make_not_ready(NS, "pre-upgrade")
    await sim.passes(10)
    assert taken(sim, "pre-upgrade")["status"]["readyToUse"] is False
    sim.people.make_ready(NS, "pre-upgrade")
    await settle(sim)
    assert taken(sim, "pre-upgrade")["status"]["readyToUse"] is True


async def test_a_seeded_snapshot_stays_as_it_was_seeded(sim: Lab) -> None:
    with_running_vm(sim)
    sim.seed.snapshot(NS, "unready", VM, ready=False)
    sim.seed.snapshot(NS, "failed", VM, phase="Failed")
    sim.seed.snapshot(NS, "crash-consistent", VM, indications=["NoGuestAgent", "Online"])
    before = {
        name: taken(sim, name)["status"] for name in ("unready", "failed", "crash-consistent")
    }
    await sim.passes(30)
    assert {name: taken(sim, name)["status"] for name in before} == before
    assert before["unready"]["readyToUse"] is False
    assert before["failed"]["phase"] == "Failed"


async def test_deleting_a_snapshot_takes_content_and_volumes_with_it(sim: Lab) -> None:
    with_stopped_vm(sim)
    await settle(sim)
    sim.people.delete_snapshot(NS, "pre-upgrade")
    await sim.passes(1)
    for kind in ("virtualmachinesnapshots", "virtualmachinesnapshotcontents", "volumesnapshots"):
        assert sim.storage.keys(kind) == []


async def test_a_snapshot_survives_its_vm(sim: Lab) -> None:
    with_stopped_vm(sim)
    await settle(sim)
    sim.people.delete_vm(NS, VM)
    await sim.passes(2)
    assert taken(sim, "pre-upgrade")["status"]["readyToUse"] is True


async def test_a_lost_content_leaves_the_snapshot_saying_it_is_ready(sim: Lab) -> None:
    with_stopped_vm(sim)
    await settle(sim)
    sim.people.lose_content(NS, "pre-upgrade")
    await sim.passes(1)
    assert sim.storage.keys("virtualmachinesnapshotcontents") == []
    assert taken(sim, "pre-upgrade")["status"]["readyToUse"] is True


async def test_a_deleted_content_stays_on_its_finalizer_and_says_that_it_is_ready(sim: Lab) -> None:
    with_stopped_vm(sim)
    await settle(sim)
    sim.people.delete_content(NS, "pre-upgrade")
    await sim.passes(400)
    [content] = sim.storage.objects("virtualmachinesnapshotcontents")
    assert "deletionTimestamp" in content["metadata"]
    assert content["status"]["readyToUse"] is True
    assert taken(sim, "pre-upgrade")["status"]["readyToUse"] is True
    # Its volume snapshots are lost, and nobody says so.
    assert sim.storage.keys("volumesnapshots") == []
    sim.people.delete_snapshot(NS, "pre-upgrade")
    await sim.passes(1)
    assert sim.storage.keys("virtualmachinesnapshotcontents") == []
    assert sim.storage.keys("virtualmachinesnapshots") == []


async def test_a_retained_content_outlives_its_snapshot(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False)
    sim.people.create_snapshot(NS, "kept", VM, deletionPolicy="Retain")
    await sim.passes(10)
    sim.people.delete_snapshot(NS, "kept")
    await sim.passes(1)
    [content] = sim.storage.objects("virtualmachinesnapshotcontents")
    assert content["status"]["readyToUse"] is True
    assert "finalizers" not in content["metadata"]
    assert sim.storage.keys("virtualmachinesnapshots") == []


async def test_deleting_a_snapshot_in_progress_unlocks_the_vm(sim: Lab) -> None:
    sim.seed.vm(NS, VM, running=False)
    sim.knobs.own_class("standard").cut = None
    sim.people.create_snapshot(NS, "s1", VM)
    await settle(sim)
    assert the_vm(sim)["status"]["snapshotInProgress"] == "s1"
    sim.people.delete_snapshot(NS, "s1")
    await settle(sim)
    assert "snapshotInProgress" not in the_vm(sim)["status"]
    assert sim.storage.keys("virtualmachinesnapshots") == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("5m0s", 300), ("90s", 90), ("1h", 3600), ("250ms", 0.25), ("0", 0)]
)
def test_go_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


async def test_a_deadline_of_zero_never_ends(sim: Lab) -> None:
    sim.people.create_snapshot(NS, "s1", "ghost", failureDeadline="0")
    sim.people.create_snapshot(NS, "s2", "ghost")
    await sim.passes(301)
    assert taken(sim, "s1")["status"]["phase"] == "InProgress"
    assert taken(sim, "s2")["status"]["phase"] == "Failed"
