"""What the warning is made of: consistency, disks that stay behind, and changes of configuration."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.restore import preview
from bot.restore.facts import Look, Volume
from bot.restore.model import Change, Consistency
from tests.restore.ground import CONTENT, NOW, SNAPSHOT, VM, WELL
from tests.restore.play import asked

CONSISTENCY: dict[tuple[str, ...], tuple[Consistency, str]] = {
    (): (Consistency.OFFLINE, "stopped when it was taken"),
    ("PartialSnapshot",): (Consistency.OFFLINE, "stopped when it was taken"),
    ("Online", "GuestAgent"): (Consistency.APPLICATION, "quiesced"),
    ("Online", "NoGuestAgent"): (Consistency.CRASH, "not available"),
    ("GuestAgent", "NoGuestAgent", "Online"): (Consistency.CRASH, "not available"),
    ("Online", "Paused"): (Consistency.CRASH, "paused"),
    ("GuestAgent", "Online", "QuiesceTimeout"): (Consistency.CRASH, "in time"),
    ("GuestAgent", "Online", "QuiesceFailed"): (Consistency.CRASH, "could not quiesce"),
    ("Online",): (Consistency.UNKNOWN, "nothing is known of the guest agent"),
    ("Online", "GuestAgent", "Lunar"): (Consistency.UNKNOWN, "reports Lunar"),
    ("Lunar", "NoGuestAgent"): (Consistency.CRASH, "not available"),
}


@pytest.mark.parametrize("marks", CONSISTENCY, ids="+".join)
def test_how_far_the_files_can_be_trusted(marks: tuple[str, ...]) -> None:
    level, words = CONSISTENCY[marks]
    found, why = preview.consistency(replace(SNAPSHOT, indications=marks))
    assert found is level
    assert words in why


ROOT = Volume("root", "dataVolume", claim="root")
DATA = Volume("data", "persistentVolumeClaim", claim="data")
INIT = Volume("init", "cloudInitNoCloud")
LEFT_OUT = [
    pytest.param((ROOT,), (ROOT,), ("root",), (), id="all is included"),
    pytest.param((ROOT, INIT), (ROOT, INIT), ("root",), (), id="cloud-init holds no data"),
    pytest.param((ROOT, DATA), (ROOT, DATA), ("root",), ("data",), id="an excluded disk"),
    pytest.param((ROOT, DATA), (ROOT,), ("root",), ("data",), id="a disk that came later"),
    pytest.param((ROOT,), (ROOT, DATA), ("root",), ("data",), id="a disk that is gone since"),
    pytest.param((ROOT, DATA), (DATA, ROOT), (), ("root", "data"), id="each is named once"),
]


@pytest.mark.parametrize(("now", "then", "included", "left"), LEFT_OUT)
def test_disks_that_will_not_roll_back(
    now: tuple[Volume, ...],
    then: tuple[Volume, ...],
    included: tuple[str, ...],
    left: tuple[str, ...],
) -> None:
    snapshot = replace(SNAPSHOT, included=included)
    vm, content = replace(VM, volumes=now), replace(CONTENT, volumes=then)
    assert preview.left_out(snapshot, vm, content) == left


def test_configuration_is_compared_field_by_field() -> None:
    vm = replace(VM, config=(("cpu", "8 cores"), ("memory", "8Gi"), ("disk scratch", "virtio")))
    content = replace(CONTENT, config=(("cpu", "4 cores"), ("memory", "8Gi"), ("nic b", "bridge")))
    assert preview.configuration_changes(vm, content) == (
        Change(field="cpu", current="8 cores", snapshot="4 cores"),
        Change(field="disk scratch", current="virtio", snapshot="none"),
        Change(field="nic b", current="none", snapshot="bridge"),
    )


def test_long_lists_are_cut_and_the_rest_is_counted() -> None:
    later = tuple(
        replace(SNAPSHOT, name=f"n-{n}", created=NOW + timedelta(minutes=n)) for n in range(8)
    )
    volumes = tuple(replace(ROOT, name=f"v-{n}", claim=f"c-{n}") for n in range(30))
    vm = replace(VM, config=tuple((f"f-{n}", "x") for n in range(20)), volumes=volumes)
    content = replace(CONTENT, config=(), volumes=())
    scene = WELL.but(vm=vm, snapshots=(*later, SNAPSHOT)).scene(Look.FULL, asked())
    shown = preview.take(vm, SNAPSHOT, content, scene, NOW)
    assert (len(shown.newer), shown.more_newer) == (5, 3)
    assert (len(shown.changes), shown.more_changes) == (12, 8)
    assert len(shown.disks_left_out) == 20
    assert len(shown.claims) == 20


def test_shared_disks_and_owners_of_the_configuration_are_named() -> None:
    vm = replace(VM, volumes=(ROOT, replace(DATA, shareable=True)), gitops="Flux")
    shown = preview.take(vm, SNAPSHOT, CONTENT, WELL.scene(Look.FULL, asked()), NOW)
    assert shown.shared_disks == ("data",)
    assert shown.gitops == "Flux"
