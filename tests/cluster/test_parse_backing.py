"""What stands behind a snapshot, and what a VMI and a restore show of others at work."""

from typing import Any

import pytest

from bot.cluster import parse
from bot.restore.observation import Volume, VolumeSnapshot

Json = dict[str, Any]
GIB = 2**30
LOST = {"message": "pool gone", "time": "2026-02-18T10:00:00Z"}


def test_the_copies_of_a_content_and_those_that_are_not_ready() -> None:
    backups = [
        {"volumeName": "root", "volumeSnapshotName": "vs-root"},
        {"volumeName": "data", "volumeSnapshotName": "vs-data"},
        {"volumeName": "raw"},
    ]
    states = [
        {"volumeSnapshotName": "vs-root", "readyToUse": True, "error": LOST},
        {"volumeSnapshotName": "vs-data", "readyToUse": False, "error": LOST},
    ]
    document = {"spec": {"volumeBackups": backups}, "status": {"volumeSnapshotStatus": states}}
    found = parse.content(document)
    assert found.copies == (("root", "vs-root"), ("data", "vs-data"))
    assert found.unready == (("vs-data", "pool gone"),)


def test_a_volume_snapshot() -> None:
    head = {"name": "vs-root", "deletionTimestamp": "2026-02-18T16:00:00Z"}
    status = {"readyToUse": False, "error": LOST, "restoreSize": "10Gi"}
    assert parse.volume_snapshot({"metadata": head, "status": status}) == VolumeSnapshot(
        "vs-root", ready=False, deleting=True, error="pool gone", size=10 * GIB
    )


SIDES = {"sourceState": {"syncAddress": "10.0.0.1:9185"}, "targetState": {"node": "far"}}
HERE = {"sourceState": {"node": "a"}, "targetState": {"node": "b"}}
MOVED: dict[str, tuple[Json, bool]] = {
    "it runs elsewhere now": (
        {"phase": "Succeeded", "migrationState": {**SIDES, "completed": True}},
        True,
    ),
    "it is under way": ({"phase": "Running", "migrationState": SIDES}, False),
    "it came from elsewhere and runs here": (
        {"phase": "Running", "migrationState": {**SIDES, "completed": True}},
        False,
    ),
    "from node to node, and powered off since": (
        {"phase": "Succeeded", "migrationState": {**HERE, "completed": True}},
        False,
    ),
    "never migrated": ({"phase": "Succeeded"}, False),
}


@pytest.mark.parametrize("case", MOVED)
def test_a_guest_that_was_migrated_away(case: str) -> None:
    status, moved = MOVED[case]
    assert parse.vmi({"metadata": {"uid": "u"}, "status": status}).moved is moved


def test_the_volumes_that_a_guest_runs_with() -> None:
    plugged = {"name": "usb", "persistentVolumeClaim": {"claimName": "usb", "hotpluggable": True}}
    found = parse.vmi({"spec": {"volumes": [plugged]}})
    assert found.volumes == (Volume("usb", "persistentVolumeClaim", claim="usb"),)


def test_a_restore_that_a_clone_has_made() -> None:
    owner = {"kind": "VirtualMachineClone", "name": "copy-of-db"}
    vm = {"kind": "VirtualMachine", "name": "db"}
    assert parse.restore({"metadata": {"ownerReferences": [vm, owner]}}).clone == "copy-of-db"
    assert parse.restore({"metadata": {"ownerReferences": [vm]}}).clone is None


KEEPS: dict[str, tuple[Json, bool]] = {
    "a vTPM that is kept": ({"devices": {"tpm": {"persistent": True}}}, True),
    "a vTPM that is not": ({"devices": {"tpm": {}}}, False),
    "EFI variables": ({"firmware": {"bootloader": {"efi": {"persistent": True}}}}, True),
    "EFI without them": ({"firmware": {"bootloader": {"efi": {"secureBoot": True}}}}, False),
    "neither": ({}, False),
}


@pytest.mark.parametrize("case", KEEPS)
def test_a_vm_that_keeps_state(case: str) -> None:
    domain, keeps = KEEPS[case]
    assert parse.vm({"spec": {"template": {"spec": {"domain": domain}}}}).keeps_state is keeps
