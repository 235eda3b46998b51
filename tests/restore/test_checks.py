"""Each check says no to one thing, in its turn, and says what was found, expected and next."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.restore.check_failure import CheckFailure
from bot.restore.checks import CHECKS, first_refusal, is_live
from bot.restore.events import CreateRestore
from bot.restore.locks import others_in_progress
from bot.restore.model import Phase, Restore
from bot.restore.observation import (
    ApiRejection,
    Candidates,
    Claim,
    Observation,
    ObservationKind,
    Quota,
    Snapshot,
    Vm,
    Vmi,
    Volume,
)
from bot.restore.reasons import Reason
from bot.restore.recheck import UNLOCKS_WITHIN
from bot.restore.rules import Rules, VolumePolicy
from tests.restore import play as p
from tests.restore.ground import (
    CLAIM,
    CONTENT,
    COPY,
    LIVE,
    NOW,
    RUNNING,
    SNAPSHOT,
    SNAPSHOT_NAME,
    VM,
    VMI,
    WELL,
    Ground,
    foreign_restore,
)
from tests.restore.play import Play

GIB = 1024**3
PREFIX, IN_PLACE = VolumePolicy.PREFIX_TARGET_NAME, VolumePolicy.IN_PLACE
TWO_DISKS = (*VM.volumes, Volume("logs", "persistentVolumeClaim", claim="logs-claim"))
FORBIDDEN = ApiRejection(403, "Forbidden", "cannot create virtualmachinerestores")
TERMINATING = ApiRejection(
    403,
    "Forbidden",
    'virtualmachinerestores.snapshot.kubevirt.io "r" is forbidden: unable to create new content in '
    "namespace production because it is being terminated",
)
FREEZE = 'admission webhook "freeze.example" denied the request: until Monday'
OF_KUBEVIRT = (
    'admission webhook "virtualmachinerestore-validator.snapshot.kubevirt.io" denied the request: '
)
GATE = f"{OF_KUBEVIRT}Snapshot/Restore feature gate not enabled"
NOT_HALTED = ApiRejection(
    422, "Invalid", f'{OF_KUBEVIRT}VirtualMachine "database-01" run strategy has to be Halted'
)
COUNTED = ApiRejection(
    403,
    "Forbidden",
    'virtualmachinerestores.snapshot.kubevirt.io "r" is forbidden: exceeded quota: objects, '
    "requested: count/virtualmachinerestores.snapshot.kubevirt.io=1",
)


def with_policy(ground: Ground) -> Restore:
    """A restore under the policy of the ground."""
    return p.asked(rules=p.RULES.model_copy(update={"volume_policy": ground.policy}))


def refusal(ground: Ground, restore: Restore | None = None) -> CheckFailure | None:
    """What a FULL look at this cluster is answered with."""
    asked = restore or with_policy(ground)
    return first_refusal(ground.observation(ObservationKind.FULL, asked), asked)


def snapshots(**changes: Any) -> Ground:
    """Everything is well but the snapshot."""
    return WELL.but(snapshots=(replace(SNAPSHOT, **changes),))


def locked(**changes: Any) -> Ground:
    """The VM is marked with a snapshot that stands so."""
    return vm(snapshot_in_progress="nightly").but(
        locked_by=replace(SNAPSHOT, name="nightly", **changes)
    )


def vm(**changes: Any) -> Ground:
    """Everything is well but the VM."""
    return WELL.but(vm=replace(VM, **changes))


def quota(resource: str, hard: int, used: int) -> Ground:
    """Everything is well but one quota."""
    return WELL.but(quotas=(Quota("storage", resource, hard, used),))


# In the order in which an engineer wants to hear of them; each with the words of what was found.
FAILING: dict[str, list[tuple[str, Ground, Reason, str]]] = {
    "kubevirt_is_served": [
        ("not installed", WELL.but(kubevirt=False), Reason.KUBEVIRT_MISSING, "`default` does not"),
    ],
    "rights_are_held": [
        (
            "two are missing",
            WELL.but(missing_rights=("update virtualmachines/start", "get virtualmachinerestores")),
            Reason.RBAC_FORBIDDEN,
            "Missing: `update virtualmachines/start`, `get virtualmachinerestores`.",
        ),
    ],
    "reads_are_allowed": [
        ("forbidden", WELL.but(forbidden=FORBIDDEN), Reason.RBAC_FORBIDDEN, FORBIDDEN.text),
    ],
    "namespace_stays": [
        (
            "terminating",
            WELL.but(dry_run=TERMINATING),
            Reason.NAMESPACE_BEING_DELETED,
            "Namespace `production` is being deleted",
        ),
    ],
    "vm_exists": [
        (
            "no such VM",
            WELL.but(vm=None, snapshots=()),
            Reason.VM_NOT_FOUND,
            "VM `database-01` does not exist in namespace `production`.",
        ),
        (
            "deleted, its snapshot and the data are there",
            WELL.but(vm=None),
            Reason.VM_NOT_FOUND,
            "the data of its disks are there.",
        ),
        (
            "deleted, and the content of its snapshot too",
            WELL.but(vm=None, content=None),
            Reason.VM_NOT_FOUND,
            "the data is not all there: ",
        ),
        (
            "deleted, and the copies of its disks too",
            WELL.but(vm=None, copies=()),
            Reason.VM_NOT_FOUND,
            "the data is not all there: VolumeSnapshot `vs-root`",
        ),
    ],
    "vm_stays": [
        ("deleted", vm(deleting=True), Reason.VM_BEING_DELETED, "VM `database-01` is being deleted")
    ],
    "vm_lives_here": [
        (
            "migrated to another cluster",
            WELL.but(vmi=Vmi("vmi-1", "Succeeded", moved=True)),
            Reason.VM_MOVED,
            "was migrated to another namespace or cluster",
        ),
    ],
    "snapshot_exists": [
        (
            "no such snapshot",
            WELL.but(snapshots=()),
            Reason.SNAPSHOT_NOT_FOUND,
            "`pre-upgrade-snapshot` does not exist in namespace `production`.",
        ),
    ],
    "snapshot_is_of_this_vm": [
        (
            "another VM's",
            snapshots(source="web-01"),
            Reason.SNAPSHOT_OF_OTHER_VM,
            "was taken of VM `web-01`",
        ),
    ],
    "snapshot_stays": [
        ("deleted", snapshots(deleting=True), Reason.SNAPSHOT_BEING_DELETED, "being deleted"),
    ],
    "snapshot_is_ready": [
        (
            "in progress",
            snapshots(phase="InProgress", ready=False),
            Reason.SNAPSHOT_NOT_READY,
            "Status: InProgress. Ready to use: false.",
        ),
        (
            "failed but marked ready",
            snapshots(phase="Failed", ready=True),
            Reason.SNAPSHOT_NOT_READY,
            "Status: Failed. Ready to use: true.",
        ),
        (
            "succeeded but not ready",
            snapshots(ready=False, error="VolumeSnapshots (a) missing"),
            Reason.SNAPSHOT_NOT_READY,
            "Status: Succeeded. Ready to use: false. Error: VolumeSnapshots (a) missing",
        ),
        (
            "ready but in progress",
            snapshots(phase="InProgress"),
            Reason.SNAPSHOT_NOT_READY,
            "Status: InProgress. Ready to use: true.",
        ),
        (
            "ready but with an error",
            snapshots(error="VolumeSnapshot v error: lost"),
            Reason.SNAPSHOT_NOT_READY,
            "Ready to use: true. Error: VolumeSnapshot v error: lost",
        ),
        ("no phase", snapshots(phase=""), Reason.SNAPSHOT_NOT_READY, "Status: Unknown."),
    ],
    "content_stays": [
        (
            "going, and says that it is ready",
            WELL.but(content=replace(CONTENT, deleting=True)),
            Reason.SNAPSHOT_CONTENT_BEING_DELETED,
            "is being deleted, and the snapshot's data with it",
        ),
    ],
    "content_exists": [
        (
            "an error",
            WELL.but(content=replace(CONTENT, error="VolumeSnapshot v error: lost")),
            Reason.SNAPSHOT_CONTENT_MISSING,
            "has an error: VolumeSnapshot v error: lost",
        ),
        ("gone", WELL.but(content=None), Reason.SNAPSHOT_CONTENT_MISSING, "is missing"),
        (
            "not ready",
            WELL.but(content=replace(CONTENT, ready=False)),
            Reason.SNAPSHOT_CONTENT_MISSING,
            "is not ready",
        ),
    ],
    "copies_are_there": [
        (
            "gone, while the snapshot says ready",
            WELL.but(copies=()),
            Reason.VOLUME_SNAPSHOT_MISSING,
            "VolumeSnapshot `vs-root`, the copy of disk `root`, does not exist any more.",
        ),
        (
            "going, while the snapshot says ready",
            WELL.but(copies=(replace(COPY, deleting=True),)),
            Reason.VOLUME_SNAPSHOT_BEING_DELETED,
            "the copy of disk `root`, is being deleted.",
        ),
        (
            "not ready by its own account",
            WELL.but(copies=(replace(COPY, ready=False),)),
            Reason.VOLUME_SNAPSHOT_NOT_READY,
            "the copy of disk `root`, is not ready to use.",
        ),
        (
            "in error by its own account",
            WELL.but(copies=(replace(COPY, ready=False, error="pool gone"),)),
            Reason.VOLUME_SNAPSHOT_NOT_READY,
            "is not ready to use: pool gone",
        ),
        (
            "not ready by the content, which is ready as a whole",
            WELL.but(content=replace(CONTENT, unready=(("vs-root", "pool gone"),))),
            Reason.VOLUME_SNAPSHOT_NOT_READY,
            "is not ready to use: pool gone",
        ),
        (
            "not ready by the content, where VolumeSnapshots may not be read",
            WELL.but(copies=None, content=replace(CONTENT, unready=(("vs-root", ""),))),
            Reason.VOLUME_SNAPSHOT_NOT_READY,
            "is not ready to use.",
        ),
    ],
    "vm_is_the_same": [
        (
            "re-created",
            vm(uid="vm-2"),
            Reason.VM_RECREATED,
            "VM `database-01` was re-created since the snapshot was taken (UID vm-2).",
        ),
    ],
    "snapshot_holds_disks": [
        (
            "no disks",
            WELL.but(content=replace(CONTENT, backups=(), copies=())),
            Reason.CONFIGURATION_ONLY,
            "holds no disks: it is configuration only",
        ),
        (
            "a memory dump alone",
            WELL.but(
                content=replace(
                    CONTENT,
                    volumes=(Volume("dump", "memoryDump", claim="dump"),),
                    backups=(("dump", "dump"),),
                )
            ),
            Reason.CONFIGURATION_ONLY,
            "holds no disks, only a memory dump",
        ),
    ],
    "claims_stay": [
        (
            "the old claim is going, and the policy needs its name",
            WELL.but(policy=IN_PLACE, claims=(replace(CLAIM, deleting=True),)),
            Reason.CLAIM_BEING_DELETED,
            "Claim `root-claim` is being deleted.",
        ),
        (
            "the claim of a disk that was left out is going",
            WELL.but(
                vm=replace(VM, volumes=TWO_DISKS),
                content=replace(CONTENT, volumes=TWO_DISKS),
                claims=(CLAIM, Claim("logs-claim", "Bound", deleting=True)),
            ),
            Reason.CLAIM_BEING_DELETED,
            "Claim `logs-claim` is being deleted.",
        ),
    ],
    "classes_exist": [
        (
            "the class of a restored volume is gone",
            WELL.but(classes=()),
            Reason.STORAGE_CLASS_MISSING,
            "Storage class `fast` does not exist any more.",
        ),
    ],
    "nobody_else_restores": [
        (
            "in progress",
            WELL.but(restores=(foreign_restore(),)),
            Reason.RESTORE_IN_PROGRESS,
            "`of-somebody` of this VM is in progress.",
        ),
        (
            "a clone onto the VM",
            WELL.but(restores=(foreign_restore("tmp-restore-1", clone="copy-of-db"),)),
            Reason.RESTORE_IN_PROGRESS,
            "VirtualMachineClone `copy-of-db` restores this VM by VirtualMachineRestore `tmp-r",
        ),
        (
            "in progress, by whom",
            WELL.but(restores=(foreign_restore(made_by="U0BOB"),)),
            Reason.RESTORE_IN_PROGRESS,
            "in progress, asked for by Slack user `U0BOB` as its annotation says.",
        ),
        (
            "in progress, by what is no user",
            WELL.but(restores=(foreign_restore(made_by="U0BOB> <!channel> <@U0EVE"),)),
            Reason.RESTORE_IN_PROGRESS,
            "of this VM is in progress.",
        ),
        (
            "failed",
            WELL.but(restores=(foreign_restore(failure="no"),)),
            Reason.RESTORE_IN_PROGRESS,
            "has failed and was not removed. KubeVirt says: no",
        ),
        (
            "does not get on",
            WELL.but(restores=(foreign_restore(progressing="vm restore x in progress"),)),
            Reason.RESTORE_IN_PROGRESS,
            "does not get on. KubeVirt says: vm restore x in progress",
        ),
        (
            "waits for the VM to be stopped",
            WELL.but(restores=(foreign_restore(progressing="Waiting for target to be ready"),)),
            Reason.RESTORE_IN_PROGRESS,
            "waits until the VM is stopped, and begins then. KubeVirt says: Waiting for target to be",
        ),
        (
            "is being deleted",
            WELL.but(restores=(foreign_restore(deleting=True),)),
            Reason.RESTORE_IN_PROGRESS,
            "is being deleted, and still there.",
        ),
        (
            "a mark of one that is complete",
            vm(restore_in_progress="of-somebody").but(restores=(foreign_restore(complete=True),)),
            Reason.RESTORE_IN_PROGRESS,
            "`of-somebody` is complete, and VM `database-01` is still marked with it",
        ),
        (
            "a mark without a restore",
            vm(restore_in_progress="hidden"),
            Reason.RESTORE_IN_PROGRESS,
            "no such restore of this VM exists. KubeVirt itself refuses every restore",
        ),
    ],
    "nobody_takes_a_snapshot": [
        (
            "locked",
            locked(phase="InProgress"),
            Reason.SNAPSHOT_IN_PROGRESS,
            "Snapshot `nightly` of this VM is being taken.",
        ),
        (
            "locked, and in error",
            locked(phase="InProgress", error="no class"),
            Reason.SNAPSHOT_IN_PROGRESS,
            "is being taken and has an error: no class",
        ),
        (
            "a mark of one that is being deleted",
            locked(deleting=True),
            Reason.SNAPSHOT_IN_PROGRESS,
            "is being deleted, and VM `database-01` is still locked by it.",
        ),
        (
            "a mark of one that has failed",
            locked(phase="Failed"),
            Reason.SNAPSHOT_IN_PROGRESS,
            "has failed, and VM `database-01` is still locked by it.",
        ),
        (
            "a mark of one that is complete",
            locked(phase="Succeeded"),
            Reason.SNAPSHOT_IN_PROGRESS,
            "is complete, and VM `database-01` is still marked with it",
        ),
        (
            "a mark without a snapshot",
            vm(snapshot_in_progress="nightly"),
            Reason.SNAPSHOT_IN_PROGRESS,
            "no such snapshot exists. KubeVirt itself changes neither disks nor the run strategy",
        ),
    ],
    "vm_is_settled": [
        ("migrating", vm(migrating=True), Reason.VM_MIGRATING, "is migrating to another node"),
    ],
    "vm_can_be_stopped": [
        (
            "waits as receiver",
            vm(run_strategy="WaitAsReceiver"),
            Reason.VM_WAITS_AS_RECEIVER,
            "A stop is accepted and has no effect.",
        ),
    ],
    "quota_suffices": [
        (
            "storage",
            quota("requests.storage", 15 * GIB, 6 * GIB),
            Reason.QUOTA_EXCEEDED,
            "Quota `storage` has 9.0 GiB left.",
        ),
        (
            "claims",
            quota("persistentvolumeclaims", 3, 3),
            Reason.QUOTA_EXCEEDED,
            "Quota `storage` has 0 left.",
        ),
        (
            "claims as an object count",
            quota("count/persistentvolumeclaims", 3, 3),
            Reason.QUOTA_EXCEEDED,
            "Quota `storage` has 0 left.",
        ),
        (
            "storage of the class",
            quota("fast.storageclass.storage.k8s.io/requests.storage", 1, 0),
            Reason.QUOTA_EXCEEDED,
            "Quota `storage` has 0.0 GiB left.",
        ),
        (
            "claims of the class",
            quota("fast.storageclass.storage.k8s.io/persistentvolumeclaims", 3, 3),
            Reason.QUOTA_EXCEEDED,
            "Quota `storage` has 0 left.",
        ),
        (
            "a copy that needs more than its claim asked for",
            quota("requests.storage", 16 * GIB, 6 * GIB).but(
                copies=(replace(COPY, size=12 * GIB),)
            ),
            Reason.QUOTA_EXCEEDED,
            "Quota `storage` has 10.0 GiB left.",
        ),
        (
            "more used than allowed",
            quota("requests.storage", GIB, 5 * GIB),
            Reason.QUOTA_EXCEEDED,
            "Quota `storage` has 0.0 GiB left.",
        ),
    ],
    "names_are_free": [
        (
            "a claim of the VM's own",
            WELL.but(policy=PREFIX, claims=(Claim("database-01-root", "Bound"),)),
            Reason.NAME_TAKEN,
            "needs exists already: `database-01-root`.",
        ),
        (
            "one that is being deleted",
            WELL.but(policy=PREFIX, claims=(Claim("database-01-root", "Bound", deleting=True),)),
            Reason.NAME_TAKEN,
            "`database-01-root`",
        ),
    ],
    "cluster_would_accept": [
        (
            "an object quota, which is no missing right",
            WELL.but(dry_run=COUNTED),
            Reason.OBJECT_QUOTA_EXCEEDED,
            "Quota `objects` of namespace `production` is used up",
        ),
        ("RBAC", WELL.but(dry_run=FORBIDDEN), Reason.RBAC_FORBIDDEN, FORBIDDEN.text),
        (
            "admission",
            WELL.but(dry_run=ApiRejection(422, "Invalid", "invalid kind")),
            Reason.ADMISSION_REFUSED,
            "The cluster would refuse this restore. The cluster refuses it: invalid kind",
        ),
        (
            "a policy",
            WELL.but(dry_run=ApiRejection(403, "Forbidden", FREEZE)),
            Reason.POLICY_DENIED,
            "Admission webhook `freeze.example` denies it: until Monday",
        ),
        (
            "a gate",
            WELL.but(dry_run=ApiRejection(400, "BadRequest", GATE)),
            Reason.SNAPSHOT_GATE_OFF,
            "feature gate `Snapshot` is off",
        ),
        (
            "an older KubeVirt, a stopped VM",
            vm(run_strategy="Manual").but(dry_run=NOT_HALTED),
            Reason.ADMISSION_REFUSED,
            "restores only VMs with run strategy Halted",
        ),
        (
            "an older KubeVirt, and a stop would not help",
            LIVE.but(vm=replace(RUNNING, run_strategy="Manual"), dry_run=NOT_HALTED),
            Reason.ADMISSION_REFUSED,
            "restores only VMs with run strategy Halted",
        ),
    ],
}

CASES = [
    pytest.param(check, *case[1:], id=f"{check}: {case[0]}")
    for check, cases in FAILING.items()
    for case in cases
]


@pytest.mark.parametrize(("check", "ground", "reason", "found"), CASES)
def test_each_check_refuses_with_its_reason_and_three_sentences(
    check: str, ground: Ground, reason: Reason, found: str
) -> None:
    said = refusal(ground)
    assert said is not None
    assert said.reason is reason
    assert found in said.found
    assert said.expected.endswith((".", "exist:"))
    assert said.next.endswith(".")
    asked = with_policy(ground)
    observation = ground.observation(ObservationKind.FULL, asked)
    speaking = [each.__name__ for each in CHECKS if _says_no(each, observation, asked)]
    assert speaking[0] == check


def _says_no(
    check: Callable[[Observation, Restore], CheckFailure | None],
    observation: Observation,
    restore: Restore,
) -> bool:
    try:
        return check(observation, restore) is not None
    except AssertionError:
        return False  # it relies on an earlier check, which has spoken


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_check_has_nothing_to_say_when_all_is_well(
    check: Callable[[Observation, Restore], CheckFailure | None],
) -> None:
    asked = p.asked()
    assert check(WELL.observation(ObservationKind.FULL, asked), asked) is None
    assert check(LIVE.observation(ObservationKind.FULL, asked), asked) is None


def test_the_table_has_every_check_in_its_order() -> None:
    assert tuple(FAILING) == tuple(check.__name__ for check in CHECKS)


def test_the_first_of_two_refusals_is_told() -> None:
    """Wherever two checks speak, the one that comes first in the table is heard."""
    both = WELL.but(
        vm=replace(VM, migrating=True),
        content=replace(CONTENT, backups=()),
        dry_run=FORBIDDEN,
    )
    said = refusal(both)
    assert said is not None
    assert said.reason is Reason.CONFIGURATION_ONLY


MET: dict[Reason, Callable[[], Play]] = {
    Reason.NOT_PERMITTED: lambda: p.play().looks(p.NO),
    Reason.FROZEN: lambda: p.play().looks(replace(p.NO, reason="frozen")),
}


@pytest.mark.parametrize("reason", MET)
def test_the_reasons_of_the_policy_are_reached(reason: Reason) -> None:
    assert MET[reason]().reason is reason


def test_every_reason_of_the_checks_is_in_the_table() -> None:
    told = {case[2] for cases in FAILING.values() for case in cases}
    checks = set(list(Reason)[: list(Reason).index(Reason.HELD_BY_OTHER)])
    assert told | set(MET) == checks


@pytest.mark.parametrize("policy", [None, VolumePolicy.RANDOMIZE_NAMES, VolumePolicy.IN_PLACE])
def test_only_names_of_the_policy_can_be_taken(policy: VolumePolicy | None) -> None:
    """InPlace means the name that is there; random names are nobody's."""
    assert refusal(WELL.but(policy=policy, claims=(Claim("database-01-root", "Bound"),))) is None


def test_a_claim_with_another_name_is_in_nobodys_way() -> None:
    taken = (Claim("database-01-roots", "Bound"), Claim("database-01-scratch", "Bound"))
    assert refusal(WELL.but(policy=PREFIX, claims=taken)) is None


@pytest.mark.parametrize("strategy", ["Always", "Once"])
def test_what_an_older_kubevirt_wants_stopped_is_offered_a_stop(strategy: str) -> None:
    """A stop makes these Halted; what it says of anything else is heard all the same."""
    live = LIVE.but(vm=replace(RUNNING, run_strategy=strategy), dry_run=NOT_HALTED)
    assert refusal(live) is None
    both = ApiRejection(422, "Invalid", f"{NOT_HALTED.text}, invalid kind")
    assert refusal(LIVE.but(vm=live.vm, dry_run=both)) is not None


STANDS: dict[str, Ground] = {
    "VolumeSnapshots may not be read, and the content calls them ready": WELL.but(copies=None),
    "an error that a ready VolumeSnapshot kept from an earlier try": WELL.but(
        copies=(replace(COPY, error="the object has been modified"),)
    ),
    "another snapshot's copy is going": WELL.but(
        copies=(COPY, replace(COPY, name="vs-other", deleting=True))
    ),
    "the old claim is going, and the restored one gets another name": WELL.but(
        claims=(replace(CLAIM, deleting=True),)
    ),
    "storage classes may not be read": WELL.but(classes=None),
    "the copied claim named no class": WELL.but(
        classes=(), content=replace(CONTENT, sizes=(("root", "", 1),))
    ),
}


@pytest.mark.parametrize("case", STANDS)
def test_what_the_storage_shows_is_enough(case: str) -> None:
    assert refusal(STANDS[case]) is None


# --- Names that help ------------------------------------------------------------------------------


def test_a_vm_that_does_not_exist_gets_the_nearest_names() -> None:
    said = refusal(WELL.but(vm=None, candidates=Candidates(vms=("database-02", "web-01"))))
    assert said is not None
    assert said.choices == ("database-02",)


def test_a_vm_that_is_in_another_namespace_gets_its_whole_name() -> None:
    there = Candidates(namespaces=("staging",), vms=("database-02",))
    said = refusal(WELL.but(vm=None, candidates=there))
    assert said is not None
    assert said.choices == ("staging/database-01", "database-02")


def test_a_vm_that_is_rather_a_command_gets_the_command() -> None:
    request = p.REQUEST.model_copy(update={"vm": "stautus"})
    said = refusal(WELL.but(vm=None), p.asked().model_copy(update={"request": request}))
    assert said is not None
    assert said.next.endswith("If you meant a command, write `/vm-restore status`.")


def test_a_snapshot_that_does_not_exist_gets_the_list_the_nearest_first() -> None:
    names = ("nightly-3", "nightly-2", "pre-upgrade-snapshots")
    said = refusal(WELL.but(snapshots=tuple(replace(SNAPSHOT, name=name) for name in names)))
    assert said is not None
    assert said.choices == ("pre-upgrade-snapshots", "nightly-3", "nightly-2")
    assert said.expected == "A snapshot of VM `database-01`. These snapshots of the VM exist:"


def test_at_most_ten_names_are_listed() -> None:
    many = tuple(replace(SNAPSHOT, name=f"s-{n}") for n in range(30))
    said = refusal(WELL.but(snapshots=many))
    assert said is not None
    assert len(said.choices) == 10


# --- Quota ----------------------------------------------------------------------------------------

ENOUGH = [
    pytest.param(quota("requests.storage", 16 * GIB, 6 * GIB), id="it just fits"),
    pytest.param(quota("persistentvolumeclaims", 4, 3), id="one claim is left"),
    pytest.param(
        quota("requests.storage", 16 * GIB, 6 * GIB).but(
            content=replace(
                CONTENT,
                volumes=(*VM.volumes, Volume("dump", "memoryDump", claim="dump")),
                backups=(*CONTENT.backups, ("dump", "dump")),
                sizes=(*CONTENT.sizes, ("dump", "fast", 8 * GIB)),
            )
        ),
        id="a memory dump was copied, too, and is not restored",
    ),
    pytest.param(
        quota("requests.storage", 16 * GIB, 6 * GIB).but(copies=(replace(COPY, size=GIB),)),
        id="a copy that needs less than its claim asked for",
    ),
    pytest.param(
        quota("slow.storageclass.storage.k8s.io/requests.storage", 0, 0), id="of another class"
    ),
    pytest.param(
        quota("slow.storageclass.storage.k8s.io/requests.storage", 0, 5),
        id="of another class that is overdrawn",
    ),
    pytest.param(quota("pods", 1, 5), id="of something else"),
]


@pytest.mark.parametrize("ground", ENOUGH)
def test_a_quota_that_suffices(ground: Ground) -> None:
    assert refusal(ground) is None


def test_volumes_in_place_need_no_room_beside_the_old_ones() -> None:
    restore = p.asked(rules=Rules(volume_policy=VolumePolicy.IN_PLACE))
    assert refusal(quota("requests.storage", 1, 0), restore) is None


def test_the_amount_that_is_needed_is_told() -> None:
    said = refusal(quota("requests.storage", GIB, 0))
    assert said is not None
    assert said.expected == "The restored volumes need 10.0 GiB (requests.storage)."


# --- Live or not ----------------------------------------------------------------------------------

LIVELINESS: dict[str, tuple[Vm, bool, bool]] = {
    "Halted without a VMI": (VM, False, False),
    "printed as Stopped with a VMI": (VM, True, True),
    "Always without a VMI": (replace(VM, run_strategy="Always"), False, True),
    "Once without a VMI": (replace(VM, run_strategy="Once"), False, True),
    "WaitAsReceiver without a VMI": (replace(VM, run_strategy="WaitAsReceiver"), False, True),
    "Manual without a VMI": (replace(VM, run_strategy="Manual"), False, False),
    "Manual with a start in the queue": (
        replace(VM, run_strategy="Manual", start_queued=True),
        False,
        True,
    ),
    "RerunOnFailure, settled": (
        replace(VM, run_strategy="RerunOnFailure", observed_run_strategy="RerunOnFailure"),
        False,
        False,
    ),
    "RerunOnFailure, just changed to": (
        replace(VM, run_strategy="RerunOnFailure", observed_run_strategy="Halted"),
        False,
        True,
    ),
    "RerunOnFailure, not yet seen by its controller": (
        replace(VM, run_strategy="RerunOnFailure"),
        False,
        False,
    ),
}


@pytest.mark.parametrize("case", LIVELINESS)
def test_a_vm_is_live_while_a_vmi_stands_or_may_come_by_itself(case: str) -> None:
    machine, instance, live = LIVELINESS[case]
    ground = WELL.but(vm=machine, vmi=VMI if instance else None)
    assert is_live(ground.observation(ObservationKind.VMI, p.asked())) is live


def test_only_the_own_object_of_a_restore_is_not_another() -> None:
    played = p.restoring()
    others = (foreign_restore(), foreign_restore("done", complete=True))
    played.ground = played.ground.but(restores=(*played.ground.restores, *others))
    observation = played.ground.observation(ObservationKind.RECHECK, played.restore)
    assert [each.name for each in others_in_progress(observation, played.restore)] == [
        "of-somebody"
    ]


OWN_NAME = "restore-database-01-20260218-163000-7kdup"
# name, restore id, complete -> is it another restore in progress?
NEIGHBOURS: dict[str, tuple[str, str | None, bool, bool]] = {
    "the own object": (OWN_NAME, "k3f9", False, False),
    "an unfinished object with our id under another name": ("restore-other", "k3f9", False, True),
    "our name, made by another restore": (OWN_NAME, "x777", False, True),
    "our name, made by somebody else": (OWN_NAME, None, False, True),
    "somebody else's": ("of-somebody", None, False, True),
    "somebody else's that is complete": ("of-somebody", None, True, False),
}


@pytest.mark.parametrize("case", NEIGHBOURS)
def test_the_own_object_is_told_by_name_and_by_restore_id(case: str) -> None:
    name, restore_id, complete, other = NEIGHBOURS[case]
    restore = p.restoring().restore
    assert restore.job is not None
    assert (restore.job.name, restore.id) == (OWN_NAME, "k3f9")
    beside = foreign_restore(name, restore_id=restore_id, complete=complete)
    observation = WELL.but(restores=(beside,)).observation(ObservationKind.RECHECK, restore)
    assert [each.name for each in others_in_progress(observation, restore)] == [name] * other


def test_before_there_is_a_job_every_unfinished_restore_is_another() -> None:
    beside = foreign_restore(OWN_NAME, restore_id="k3f9")
    observation = WELL.but(restores=(beside,)).observation(ObservationKind.FULL, p.asked())
    assert others_in_progress(observation, p.asked()) == [beside]


def test_what_the_checks_pass_is_shown() -> None:
    newer = replace(SNAPSHOT, name="newer", created=NOW, uid="s-2")
    played = p.play().looks(snapshots=(newer, SNAPSHOT))
    shown = played.restore.preview
    assert shown is not None
    assert (shown.vm_uid, shown.snapshot_uid) == ("vm-1", "snapshot-1")
    assert shown.newer == ("newer",)
    assert shown.claims == ("root-claim",)


@pytest.mark.parametrize(
    "snapshot", [replace(SNAPSHOT, name=SNAPSHOT_NAME, created=None)], ids=["no creation time"]
)
def test_a_snapshot_without_a_creation_time_is_dated_by_its_request(snapshot: Snapshot) -> None:
    played = p.play().looks(snapshots=(snapshot,))
    assert played.restore.preview is not None
    assert played.restore.preview.snapshot_created == SNAPSHOT.requested_at


# --- What holds the VM ----------------------------------------------------------------------------

PASSES: dict[str, Ground] = {
    "the mark of a snapshot that is complete": locked(phase="Succeeded"),
    "the mark of a snapshot that has failed": locked(phase="Failed"),
    "the mark of a snapshot that is being deleted": locked(phase="InProgress", deleting=True),
    "the mark of a snapshot that was not listed": vm(snapshot_in_progress="nightly"),
    "the mark of a restore that is complete": vm(restore_in_progress="of-somebody").but(
        restores=(foreign_restore(complete=True),)
    ),
    "the mark of a restore that was not listed": vm(restore_in_progress="hidden"),
    "a restore that is being deleted": WELL.but(restores=(foreign_restore(deleting=True),)),
}


@pytest.mark.parametrize("case", PASSES)
def test_what_passes_within_seconds_is_waited_for_and_then_refused(case: str) -> None:
    played = p.play()
    played.ground = PASSES[case]
    assert played.looks().phase is Phase.CHECKING
    assert played.wait(UNLOCKS_WITHIN.total_seconds() - 0.001).looks().phase is Phase.CHECKING
    assert played.wait(0.001).looks().phase is Phase.REFUSED


@pytest.mark.parametrize("case", PASSES)
def test_what_has_passed_is_forgotten(case: str) -> None:
    played = p.play()
    played.ground = PASSES[case]
    played.looks().ground = WELL
    assert played.wait(1).looks().phase is Phase.TYPING


@pytest.mark.parametrize(
    "ground",
    [
        pytest.param(locked(phase="InProgress"), id="a snapshot that is being taken"),
        pytest.param(WELL.but(restores=(foreign_restore(),)), id="a restore in progress"),
        pytest.param(WELL.but(restores=(foreign_restore(failure="no"),)), id="a failed restore"),
    ],
)
def test_what_takes_its_time_is_refused_at_once(ground: Ground) -> None:
    played = p.play()
    played.ground = ground
    assert played.looks().phase is Phase.REFUSED


def test_a_storage_class_that_is_gone_is_found_before_the_vm_is_stopped() -> None:
    played = p.play()
    played.ground = LIVE.but(classes=())
    played.looks()
    assert (played.phase, played.reason) == (Phase.REFUSED, Reason.STORAGE_CLASS_MISSING)
    assert played.effects == ()


def test_a_namespace_that_goes_after_the_check_is_told_by_the_create() -> None:
    """No read of a namespace says more than the API server does, which takes nothing there any more."""
    played = p.decided()
    assert isinstance(played.effect, CreateRestore)
    played.acted(TERMINATING)
    assert (played.phase, played.reason) == (Phase.FAILED, Reason.NAMESPACE_BEING_DELETED)
    assert "being deleted" in played.outcome.found
