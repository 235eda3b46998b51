"""The kinds that only a diagnosis reads, out of documents as an API server sends them."""

from datetime import timedelta

from bot.cluster import parse_evidence as parse
from bot.playground.clock import START
from bot.restore.diagnosis.evidence import (
    SeenClaim,
    SeenDataVolume,
    SeenStorageClass,
    SeenVolumeSnapshot,
    SizeLimit,
)

GIB = 1024**3


def event(reason: str, seconds: int, **times: object) -> dict[str, object]:
    """An event about a claim, so long after the start."""
    last = (START + timedelta(seconds=seconds)).isoformat()
    about = {"kind": "PersistentVolumeClaim", "name": "root"}
    return {"involvedObject": about, "reason": reason, "lastTimestamp": last, **times}


def test_events_of_the_time_before_the_restore_are_left_out() -> None:
    series = {"lastObservedTime": (START + timedelta(seconds=9)).isoformat()}
    found = parse.events(
        [event("Old", -60), event("New", 5), event("Again", -60, series=series)], START
    )
    assert [each.reason for each in found] == ["Again", "New"]
    assert (found[0].kind, found[0].name, found[0].warning) == (
        "PersistentVolumeClaim",
        "root",
        False,
    )


def test_objects_are_read_as_far_as_they_say_something() -> None:
    claim = {
        "metadata": {"name": "root", "deletionTimestamp": "2026-02-18T16:30:00Z"},
        "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "2Gi"}}},
        "status": {"phase": "Pending"},
    }
    assert parse.claim(claim) == SeenClaim("root", "Pending", "fast", 2 * GIB, deleting=True)
    waits = {
        "metadata": {"name": "local"},
        "provisioner": "csi.example.com",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    assert parse.storage_class(waits) == SeenStorageClass(
        "local", provisioner="csi.example.com", waits=True
    )
    failed = {"metadata": {"name": "vs"}, "status": {"error": {"message": "no class"}}}
    assert parse.volume_snapshot(failed) == SeenVolumeSnapshot("vs", error="no class")
    stuck = {
        "metadata": {"name": "root"},
        "status": {
            "phase": "Pending",
            "conditions": [
                {"type": "Running", "status": "True", "message": "well"},
                {"type": "Bound", "status": "False", "reason": "Pending", "message": "PVC Pending"},
            ],
        },
    }
    assert parse.data_volume(stuck) == SeenDataVolume("root", "Pending", "PVC Pending")
    limits = {
        "metadata": {"name": "claims"},
        "spec": {
            "limits": [
                {"type": "Container", "max": {"cpu": "2"}},
                {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}},
            ]
        },
    }
    assert parse.size_limits(limits) == (SizeLimit("claims", most=GIB),)
    assert parse.claim({}) == SeenClaim("", "")
