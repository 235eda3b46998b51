"""What the warning is made of: consistency, disks that stay behind, and changes of configuration."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.restore import fates, preview
from bot.restore.disks import Coverage, Fate, GuestState
from bot.restore.model import Change, Consistency
from bot.restore.observation import Claim, Content, ObservationKind, Snapshot, Vm, Volume
from bot.restore.rules import VolumePolicy
from tests.restore.ground import CLAIM, CONTENT, COPY, NOW, SNAPSHOT, VM, VMI, WELL
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
DV = Volume("extra", "dataVolume", claim="extra")
RANDOM, IN_PLACE, PREFIX = None, VolumePolicy.IN_PLACE, VolumePolicy.PREFIX_TARGET_NAME
Case = tuple[Vm, Content, VolumePolicy | None, dict[str, Fate]]


def case(
    now: tuple[Volume, ...],
    then: tuple[Volume, ...],
    fates: dict[str, Fate],
    policy: VolumePolicy | None = RANDOM,
    templates: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
) -> Case:
    """A VM and a copy of it, each with its volumes and templates."""
    vm = replace(VM, volumes=now, templates=templates[0])
    return vm, replace(CONTENT, volumes=then, templates=templates[1]), policy, fates


IN = {"root": Fate.ROLLS_BACK}
FATES: dict[str, Case] = {
    "all is included": case((ROOT,), (ROOT,), IN),
    "cloud-init holds no data": case((ROOT, INIT), (ROOT, INIT), IN),
    "excluded when it was taken": case((ROOT, DATA), (ROOT, DATA), {**IN, "data": Fate.KEEPS}),
    "added since": case((ROOT, DATA), (ROOT,), {**IN, "data": Fate.LEAVES}),
    "excluded, and another claim since": case(
        (ROOT, replace(DATA, claim="other")),
        (ROOT, DATA),
        {**IN, "data": Fate.LEAVES, "data again": Fate.RETURNS_AS_IS},
    ),
    "added since with a template": case(
        (ROOT, DV), (ROOT,), {**IN, "extra": Fate.DELETED}, templates=(("extra",), ())
    ),
    "added since with a template, in place": case(
        (ROOT, DV), (ROOT,), {**IN, "extra": Fate.DELETED}, IN_PLACE, (("extra", "root"), ("root",))
    ),
    "added since as a DataVolume of its own": case(
        (ROOT, DV), (ROOT,), {**IN, "extra": Fate.LEAVES}, templates=(("root",), ("root",))
    ),
    "excluded, from a template of then": case(
        (ROOT, DV), (ROOT, DV), {**IN, "extra": Fate.KEEPS}, templates=(("extra",), ("extra",))
    ),
    "excluded, and put among the templates since": case(
        (ROOT, DV), (ROOT, DV), {**IN, "extra": Fate.DELETED}, templates=(("extra",), ())
    ),
    "in the snapshot, not in the VM": case((), (ROOT,), {"root": Fate.RETURNS}),
    "excluded, and gone from the VM since": case(
        (ROOT,), (ROOT, DATA), {**IN, "data": Fate.RETURNS_AS_IS}
    ),
}


@pytest.mark.parametrize("name", FATES)
def test_what_becomes_of_each_disk(name: str) -> None:
    vm, content, policy, expected = FATES[name]
    disks = fates.of_disks(vm, content, policy)
    told: dict[str, Fate] = {}
    for each in disks:
        told[f"{each.name} again" if each.name in told else each.name] = each.fate
    assert told == expected


PLUGGED = Volume("plugged", "persistentVolumeClaim", claim="plugged")


def test_a_disk_of_the_running_guest_alone_is_taken_out_by_the_stop() -> None:
    vmi = replace(VMI, volumes=(ROOT, PLUGGED, INIT))
    vm = replace(VM, volumes=(ROOT, INIT))
    disks = fates.of_disks(vm, CONTENT, RANDOM, vmi=vmi)
    assert [(each.name, each.fate) for each in disks] == [
        ("root", Fate.ROLLS_BACK),
        ("plugged", Fate.DETACHED),
    ]


@pytest.mark.parametrize("there", [True, False])
def test_of_a_disk_that_comes_back_as_it_is_the_claim_must_exist(there: bool) -> None:
    content = replace(CONTENT, volumes=(ROOT, DATA))
    vm = replace(VM, volumes=(ROOT,))
    claims = (Claim("data", "Bound"),) if there else ()
    *_, data = fates.of_disks(vm, content, RANDOM, claims=claims)
    assert (data.fate, data.there) == (Fate.RETURNS_AS_IS, there)


STATE = "persistent-state-for-database-01"
TPM = replace(VM, keeps_state=True)
HOLDS: dict[str, tuple[Vm, Snapshot, Content, Coverage]] = {
    "everything, of a stopped VM": (VM, SNAPSHOT, CONTENT, Coverage()),
    "a disk is missing, and the cluster says so": (
        VM,
        replace(SNAPSHOT, indications=("PartialSnapshot",)),
        replace(CONTENT, volumes=(ROOT, DATA, INIT)),
        Coverage(partial=True, missing=("data",)),
    ),
    "the cluster calls it partial, and nothing shows what is missing": (
        VM,
        replace(SNAPSHOT, indications=("PartialSnapshot",)),
        CONTENT,
        Coverage(partial=True),
    ),
    "the state of the vTPM as well": (
        TPM,
        SNAPSHOT,
        replace(CONTENT, backups=(*CONTENT.backups, (STATE, "state-x"))),
        Coverage(guest_state=GuestState.ROLLS_BACK),
    ),
    "no state, though the VM's spec keeps one": (
        TPM,
        SNAPSHOT,
        CONTENT,
        Coverage(guest_state=GuestState.STAYS),
    ),
    "no state, and only a preference keeps one": (
        VM,
        replace(SNAPSHOT, excluded=(STATE,)),
        CONTENT,
        Coverage(guest_state=GuestState.STAYS),
    ),
}


@pytest.mark.parametrize("name", HOLDS)
def test_what_a_snapshot_holds_of_its_vm(name: str) -> None:
    vm, snapshot, content, expected = HOLDS[name]
    assert fates.coverage(vm, snapshot, content) == expected


TWO = replace(CONTENT, backups=(("root", "root"), ("data", "data")), volumes=(ROOT, DATA))
MOMENTS: dict[str, tuple[tuple[str, ...], Content, bool]] = {
    "stopped": ((), TWO, True),
    "stopped, and partial": (("PartialSnapshot",), TWO, True),
    "frozen": (("Online", "GuestAgent"), TWO, True),
    "paused": (("Online", "Paused"), TWO, True),
    "running without an agent": (("Online", "NoGuestAgent"), TWO, False),
    "frozen, and not for long enough": (("GuestAgent", "Online", "QuiesceTimeout"), TWO, False),
    "running, and nothing is known of the agent": (("Online",), TWO, False),
    "running without an agent, one disk": (("Online", "NoGuestAgent"), CONTENT, True),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_its_disks_are_one_moment_if_nothing_was_written_between_them(name: str) -> None:
    marks, content, one = MOMENTS[name]
    found = fates.coverage(VM, replace(SNAPSHOT, indications=marks), content)
    assert found.one_moment is one


COPIED: dict[str, tuple[Content, tuple[str, ...]]] = {
    "a disk": (CONTENT, ("root",)),
    "a memory dump is dropped by the restore": (
        replace(
            CONTENT,
            volumes=(ROOT, Volume("dump", "memoryDump", claim="dump")),
            backups=(("root", "root"), ("dump", "dump")),
        ),
        ("root",),
    ),
    "only a memory dump": (
        replace(
            CONTENT,
            volumes=(Volume("dump", "memoryDump", claim="dump"),),
            backups=(("dump", "dump"),),
        ),
        (),
    ),
    "the state of a vTPM is no disk": (replace(CONTENT, backups=((STATE, "state"),)), ()),
    "nothing": (replace(CONTENT, backups=()), ()),
}


@pytest.mark.parametrize("name", COPIED)
def test_which_disks_a_snapshot_holds_is_told_by_its_content(name: str) -> None:
    content, expected = COPIED[name]
    assert fates.copied_disks(content) == expected


GIB = 1024**3
SIZES: dict[str, tuple[dict[str, Any], list[tuple[str, str, str]]]] = {
    "as it was": ({"size": 10 * GIB}, []),
    "grown since": (
        {"size": 40 * GIB}, [("size of disk root", "40.0 GiB", "10.0 GiB")],
    ),
    "grown, but its copy needs as much": ({"size": 12 * GIB, "needs": 12 * GIB}, []),
    "grown, and its copy needs more than it asked for": (
        {"size": 40 * GIB, "needs": 12 * GIB}, [("size of disk root", "40.0 GiB", "12.0 GiB")],
    ),
    "not in the snapshot": ({"size": 40 * GIB, "backups": (), "sizes": ()}, []),
    "its claim is not there": ({"size": 40 * GIB, "there": False}, []),
}  # fmt: skip


@pytest.mark.parametrize("case", SIZES)
def test_a_disk_that_comes_back_smaller_is_a_change_of_the_configuration(case: str) -> None:
    facts, expected = SIZES[case]
    claims = (replace(CLAIM, size=facts["size"]),) if facts.get("there", True) else ()
    copies = (replace(COPY, size=facts.get("needs", 10 * GIB)),)
    told = {key: facts[key] for key in ("backups", "sizes") if key in facts}
    content = replace(CONTENT, **told)
    ground = WELL.but(claims=claims, copies=copies, content=content)
    seen = ground.observation(ObservationKind.FULL, asked())
    shown = preview.take(VM, SNAPSHOT, content, seen, NOW)
    found = [(each.field, each.current, each.snapshot) for each in shown.changes]
    assert found == expected


def test_a_memory_dump_leaves_the_vm_and_is_never_called_a_disk() -> None:
    vm = replace(VM, volumes=(*VM.volumes, Volume("dump", "memoryDump", claim="dump-1")))
    told = {each.name: (each.fate, each.claim) for each in fates.of_disks(vm, CONTENT, None)}
    assert told["dump"] == (Fate.DUMP, "dump-1")


OLD = Volume("root", "dataVolume", claim="database-01-root")
GONE = [
    pytest.param(RANDOM, {"root-dv", "extra"}, id="the old one of a disk that rolls back goes too"),
    pytest.param(IN_PLACE, {"extra"}, id="in place it is used again"),
    pytest.param(PREFIX, {"root-dv", "extra"}, id="named after the VM"),
]


@pytest.mark.parametrize(("policy", "gone"), GONE)
def test_which_data_volumes_the_cluster_deletes(
    policy: VolumePolicy | None, gone: set[str]
) -> None:
    root = replace(ROOT, claim="root-dv")
    vm = replace(VM, volumes=(root, DV), templates=("root-dv", "extra"))
    content = replace(CONTENT, volumes=(root,), templates=("root-dv",))
    assert fates.data_volumes_to_go(vm, content, policy) == gone
    named = replace(VM, volumes=(OLD,), templates=("database-01-root",))
    copy = replace(CONTENT, volumes=(OLD,), templates=("database-01-root",))
    kept = fates.data_volumes_to_go(named, copy, policy)
    assert kept == (frozenset({"database-01-root"}) if policy is RANDOM else frozenset())


# By KubeVirt's own function (library-go, pkg/build/naming): a join with a dash, cut to 63 letters.
NAMES = [
    pytest.param("database-01", "root", "database-01-root", id="short"),
    pytest.param("v" * 58, "root", f"{'v' * 58}-root", id="63 letters"),
    pytest.param(
        "v" * 59,
        "root",
        f"{'v' * 49}-{fates._hash('v' * 59)}-root",
        id="64 letters: the VM is hashed",
    ),
    pytest.param(
        "vm", "d" * 63, f"vm-{fates._hash('vm-' + 'd' * 63)}", id="a volume as long as that"
    ),
]


@pytest.mark.parametrize(("vm", "volume", "name"), NAMES)
def test_the_name_of_a_claim_with_prefix_target_name(vm: str, volume: str, name: str) -> None:
    assert fates.prefixed(vm, volume) == name
    assert len(name) <= 63


@pytest.mark.parametrize(
    ("text", "value"), [("", "811c9dc5"), ("a", "e40c292c"), ("foobar", "bf9cf968")]
)
def test_the_hash_is_fnv_1a(text: str, value: str) -> None:
    """Vectors of the definition of FNV."""
    assert fates._hash(text) == value


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
    observation = WELL.but(vm=vm, snapshots=(*later, SNAPSHOT)).observation(
        ObservationKind.FULL, asked()
    )
    shown = preview.take(vm, SNAPSHOT, content, observation, NOW)
    assert (len(shown.newer), shown.more_newer, shown.newer_unread) == (5, 3, False)
    assert (len(shown.changes), shown.more_changes) == (12, 8)
    assert (len(shown.fates), len(shown.claims)) == (30, 30), "what is left is found by these"


def test_newer_snapshots_that_were_not_looked_for_are_not_called_absent() -> None:
    observation = replace(WELL.observation(ObservationKind.FULL, asked()), snapshots_unread=True)
    shown = preview.take(VM, SNAPSHOT, CONTENT, observation, NOW)
    assert (shown.newer, shown.newer_unread) == ((), True)


def test_shared_disks_and_owners_of_the_configuration_are_named() -> None:
    vm = replace(VM, volumes=(ROOT, replace(DATA, shareable=True)), gitops="Flux")
    shown = preview.take(
        vm, SNAPSHOT, CONTENT, WELL.observation(ObservationKind.FULL, asked()), NOW
    )
    assert shown.shared_disks == ("data",)
    assert shown.gitops == "Flux"


# volume -> the claims that are shown of it
CLAIMS: dict[str, tuple[Volume, tuple[str, ...]]] = {
    "a DataVolume": (ROOT, ("root",)),
    "a PersistentVolumeClaim": (DATA, ("data",)),
    "a volume without data or claim": (INIT, ()),
    "a volume that holds data, whose claim is not known": (Volume("v", "dataVolume"), ()),
    "a claim that no snapshot includes": (Volume("v", "ephemeral", claim="base"), ()),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_only_claims_that_hold_data_are_remembered(case: str) -> None:
    volume, claims = CLAIMS[case]
    vm = replace(VM, volumes=(volume,))
    observation = WELL.but(vm=vm).observation(ObservationKind.FULL, asked())
    assert preview.take(vm, SNAPSHOT, CONTENT, observation, NOW).claims == claims


def test_a_warning_knows_of_a_paused_guest_and_of_the_clusters_clock() -> None:
    ground = WELL.but(vmi=replace(VMI, paused=True), ahead=timedelta(hours=2))
    seen = ground.observation(ObservationKind.FULL, asked())
    shown = preview.take(VM, SNAPSHOT, CONTENT, seen, NOW)
    assert (shown.paused, shown.clock_ahead) == (True, 7200)
    down = preview.take(VM, SNAPSHOT, CONTENT, replace(seen, vmi=None), NOW)
    assert not down.paused
