"""Diagnosis: for everything that is known to go wrong, what it looks like and what is said of it."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.restore import workflow
from bot.restore.diagnosis import rules, times
from bot.restore.diagnosis.evidence import (
    Evidence,
    NotRead,
    SeenClaim,
    SeenCondition,
    SeenDataVolume,
    SeenEvent,
    SeenStorageClass,
    SeenVolumeSnapshot,
    SizeLimit,
)
from bot.restore.diagnosis.matching import Rule
from bot.restore.diagnosis.model import Cause, Diagnosis
from bot.restore.diagnosis.rules import RULES, SAFETY_RULES, diagnose
from bot.restore.events import Elapsed, Observed
from bot.restore.model import Job, Phase
from bot.restore.observation import ApiRejection, Claim, Observation, ObservationKind, RestoreObject
from bot.texts import diagnosis as texts
from tests.restore.ground import CONTENT, NAMESPACE, NOW, SNAPSHOT, SNAPSHOT_NAME, VM, VM_NAME, VMI
from tests.restores import restore

NAME, CLAIM = "restore-database-01-20260218-163000", "restore-uid-root"
JOB = RestoreObject(
    NAMESPACE,
    NAME,
    "restore-1",
    VM_NAME,
    SNAPSHOT_NAME,
    progressing="Creating new PVCs",
    ready="Waiting for new PVCs",
    claims=(CLAIM,),
    volumes=(("root", CLAIM, "vmsnapshot-1-volume-root"),),
)
WAITING = SeenClaim(CLAIM, "Pending", "fast", 10 * 1024**3)
FAST = SeenStorageClass("fast", provisioner="csi.example.com")
WELL = Evidence(
    NOW,
    NAMESPACE,
    VM_NAME,
    SNAPSHOT_NAME,
    NAME,
    known=True,
    confirmed_vm=VM.uid,
    job=JOB,
    vm=VM,
    snapshot=SNAPSHOT,
    content=CONTENT,
    claims=(replace(WAITING, phase="Bound"),),
    classes=(FAST,),
    volume_snapshots=(SeenVolumeSnapshot("vmsnapshot-1-volume-root", ready=True),),
)
"""A restore that goes on as it should."""
DENIED = 'admission webhook "virtualmachine-validator.kubevirt.io" denied the request: '
NO_RIGHT = (
    'persistentvolumeclaims is forbidden: User "system:serviceaccount:kubevirt:kubevirt-controller" '
    'cannot create resource "persistentvolumeclaims"'
)
DOWN = (
    'Internal error occurred: failed calling webhook "virtualmachine-validator.kubevirt.io": '
    "failed to call webhook: Post https://virt-api.kubevirt.svc:443: context deadline exceeded"
)


def but(**facts: Any) -> Evidence:
    """The same with some facts changed."""
    return replace(WELL, **facts)


def says(text: str, **facts: Any) -> Evidence:
    """The restore tells of an error, and goes on trying."""
    return but(job=replace(JOB, progressing=text, ready=text), **facts)


def only_said(text: str, **facts: Any) -> Evidence:
    """Nothing was read; this is what the bot was answered."""
    return Evidence(NOW, NAMESPACE, VM_NAME, SNAPSHOT_NAME, NAME, error=text, told=False, **facts)


def waits(*events: tuple[str, str], **facts: Any) -> Evidence:
    """The claim waits, with these events about it."""
    seen = tuple(
        SeenEvent("PersistentVolumeClaim", CLAIM, reason, text, warning=reason.endswith("Failed"))
        for reason, text in events
    )
    return but(**{"claims": (WAITING,), "events": seen, **facts})


def starting(*conditions: SeenCondition, **facts: Any) -> Evidence:
    """Its VM was started after the restore, and does not come up."""
    return but(over=True, starts=True, vmi=VMI, vmi_conditions=conditions, **facts)


def synchronized(text: str) -> SeenCondition:
    """What virt-controller meets when it is to run a VMI."""
    return SeenCondition("Synchronized", "False", "FailedCreate", text)


def protecting(
    said: str = "Source locked and operation in progress",
    *,
    phase: str = "InProgress",
    error: str | None = None,
    copies: tuple[SeenVolumeSnapshot, ...] = (),
    **facts: Any,
) -> Evidence:
    """Its safety snapshot is taken, and does not become ready."""
    taken = replace(SNAPSHOT, phase=phase, ready=False, error=error, progressing=said)
    asked: dict[str, Any] = {"protects": True, "job": None, "claims": (), "restore_name": ""}
    return but(**asked | {"snapshot": taken, "volume_snapshots": copies} | facts)


def exceeded(quota: str, asked: str) -> str:
    """A quota refuses a claim, in the API server's words."""
    return (
        f'persistentvolumeclaims "{CLAIM}" is forbidden: exceeded quota: {quota}, '
        f"requested: {asked}, used: x=7Gi, limited: x=5Gi"
    )


def failed(text: str) -> tuple[str, str]:
    """The driver could not make the volume."""
    return (
        "ProvisioningFailed",
        f'failed to provision volume with StorageClass "fast": rpc error: {text}',
    )


def with_snapshot(**facts: Any) -> Evidence:
    """The volume snapshot of the disk is in this state."""
    return waits(volume_snapshots=(SeenVolumeSnapshot("vmsnapshot-1-volume-root", **facts),))


CASES: dict[str, tuple[Cause, Evidence]] = {
    "the API server does not answer": (
        Cause.UNREACHABLE,
        only_said("", unreachable="cluster default: connection refused"),
    ),
    "the bot may not read its restore any more": (
        Cause.RIGHT_LOST,
        but(
            job=None,
            unread=(
                NotRead(
                    "virtualmachinerestores",
                    'cannot get resource "virtualmachinerestores"',
                    forbidden=True,
                ),
            ),
        ),
    ),
    "the create is refused for want of a right": (
        Cause.RIGHT_LOST,
        only_said(
            "virtualmachinerestores.snapshot.kubevirt.io is forbidden: User "
            '"system:serviceaccount:bots:vm-restore-bot" cannot create resource '
            '"virtualmachinerestores" in API group "snapshot.kubevirt.io"'
        ),
    ),
    "the VM is gone, and its restore with it": (Cause.VM_DELETED, but(vm=None, job=None)),
    "the VM has another UID": (Cause.VM_RECREATED, but(vm=replace(VM, uid="vm-2"))),
    "the restore object is gone, the VM is not": (Cause.RESTORE_DELETED, but(job=None)),
    "the namespace goes": (
        Cause.NAMESPACE_GOING,
        only_said(
            f'virtualmachinerestores "{NAME}" is forbidden: unable to create new content in '
            f"namespace {NAMESPACE} because it is being terminated"
        ),
    ),
    "the VM was started, and the restore has failed of it": (
        Cause.VM_STARTED,
        but(
            job=replace(
                JOB, failure="Restore target VMI must be powered off before restore operation"
            )
        ),
    ),
    "the VM runs, and the restore has not noticed": (Cause.VM_STARTED, but(vmi=VMI)),
    "KubeVirt's account lacks a right": (
        Cause.CONTROLLER_RIGHT,
        says(NO_RIGHT),
    ),
    "KubeVirt's account lacks a right, and so the restore has failed": (
        Cause.CONTROLLER_RIGHT,
        but(error=NO_RIGHT, job=replace(JOB, failure=NO_RIGHT)),
    ),
    "a MAC address is taken, as KubeMacPool says": (
        Cause.ADDRESS_TAKEN,
        says(
            'admission webhook "mutatevirtualmachines.kubemacpool.io" denied the request: Failed to '
            "create virtual machine allocation error: Failed to allocate mac to the vm object: "
            "failed to allocate requested mac address"
        ),
    ),
    "an IP address is taken, as the VM's start says": (
        Cause.ADDRESS_TAKEN,
        but(
            over=True,
            vmi=VMI,
            vmi_conditions=(
                SeenCondition(
                    "Synchronized",
                    "False",
                    "FailedCreate",
                    "failed to allocate requested IP 10.0.0.7",
                ),
            ),
        ),
    ),
    "a webhook does not answer": (Cause.WEBHOOK_DOWN, says(DOWN)),
    "a webhook says no": (
        Cause.WEBHOOK_DENIES,
        says(f"{DENIED}Cannot update VM runStrategy until snapshot completes"),
    ),
    "an admission policy says no": (
        Cause.WEBHOOK_DENIES,
        only_said(
            f"virtualmachinerestores \"{NAME}\" is forbidden: ValidatingAdmissionPolicy 'freeze' "
            "denied request: change freeze until Monday"
        ),
    ),
    "the quota of a storage class is used up": (
        Cause.QUOTA_OF_CLASS,
        says(exceeded("storage", "fast.storageclass.storage.k8s.io/requests.storage=1Gi")),
    ),
    "the quota of storage is used up": (
        Cause.QUOTA_SIZE,
        says(exceeded("storage", "requests.storage=1Gi")),
    ),
    "the quota of claims is used up": (
        Cause.QUOTA_COUNT,
        says(exceeded("objects", "persistentvolumeclaims=1")),
    ),
    "the quota of restores is used up": (
        Cause.QUOTA_COUNT,
        only_said(
            exceeded("objects", "count/virtualmachinerestores.snapshot.kubevirt.io=1").replace(
                "persistentvolumeclaims", "virtualmachinerestores"
            )
        ),
    ),
    "a limit range allows no volume so large": (
        Cause.LIMIT_RANGE,
        says(
            f'persistentvolumeclaims "{CLAIM}" is forbidden: maximum storage usage per '
            "PersistentVolumeClaim is 1Gi, but request is 2Gi",
            size_limits=(SizeLimit("claims", most=1024**3),),
        ),
    ),
    "the snapshot does not exist any more, as KubeVirt says": (
        Cause.SNAPSHOT_MISSING,
        says(f"VMSnapshot {NAMESPACE}/{SNAPSHOT_NAME} does not exist"),
    ),
    "the content does not exist any more, as KubeVirt says": (
        Cause.SNAPSHOT_MISSING,
        says(f"VMSnapshotContent {NAMESPACE}/vmsnapshot-content-1 does not exist"),
    ),
    "the snapshot cannot be found": (Cause.SNAPSHOT_MISSING, but(snapshot=None, content=None)),
    "the content is being deleted and says that it is ready": (
        Cause.CONTENT_GOING,
        waits(content=replace(CONTENT, deleting=True)),
    ),
    "the snapshot is being deleted": (
        Cause.CONTENT_GOING,
        waits(snapshot=replace(SNAPSHOT, deleting=True)),
    ),
    "a volume snapshot is gone": (Cause.VOLUME_SNAPSHOT_MISSING, with_snapshot(found=False)),
    "a volume snapshot is gone, as KubeVirt says": (
        Cause.VOLUME_SNAPSHOT_MISSING,
        says("missing volumeSnapshot vmsnapshot-1-volume-root", volume_snapshots=()),
    ),
    "a volume snapshot is being deleted": (
        Cause.VOLUME_SNAPSHOT_GOING,
        with_snapshot(ready=True, deleting=True),
    ),
    "a volume snapshot has no class": (
        Cause.SNAPSHOT_CLASS_MISSING,
        with_snapshot(
            error="Failed to set default snapshot class with error cannot find default snapshot class"
        ),
    ),
    "a volume snapshot is in error": (
        Cause.VOLUME_SNAPSHOT_ERROR,
        with_snapshot(error="Failed to check and update snapshot content: rpc error"),
    ),
    "a volume snapshot is not ready yet": (Cause.VOLUME_SNAPSHOT_UNREADY, with_snapshot()),
    "the snapshot is not ready, as KubeVirt says": (
        Cause.SNAPSHOT_UNREADY,
        says(
            f"VMSnapshot {NAMESPACE}/{SNAPSHOT_NAME} not ready",
            snapshot=replace(SNAPSHOT, ready=False, error="freeze failed"),
        ),
    ),
    "the snapshot has failed": (
        Cause.SNAPSHOT_UNREADY,
        says(f"VMSnapshot {NAMESPACE}/{SNAPSHOT_NAME} failed and is invalid to use"),
    ),
    "a claim has lost its volume": (
        Cause.CLAIM_LOST,
        but(claims=(replace(WAITING, phase="Lost"),)),
    ),
    "a storage class does not exist": (
        Cause.CLASS_MISSING,
        waits(classes=(SeenStorageClass("fast", found=False),)),
    ),
    "a storage class does not exist, as an event says": (
        Cause.CLASS_MISSING,
        waits(
            ("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found'),
            classes=(),
            unread=(NotRead("storageclasses", "forbidden", forbidden=True),),
        ),
    ),
    "a storage class does not exist, as KubeVirt says": (
        Cause.CLASS_MISSING,
        says("StorageClass fast does not exist", classes=()),
    ),
    "the storage has no space": (
        Cause.NO_CAPACITY,
        waits(failed("code = ResourceExhausted desc = not enough free space in pool")),
    ),
    "the storage has no space, as the restore says": (
        Cause.NO_CAPACITY,
        says("PVC provisioning failed: insufficient storage capacity"),
    ),
    "the driver does not answer": (
        Cause.PROVISIONER_SILENT,
        waits(failed("code = DeadlineExceeded desc = context deadline exceeded")),
    ),
    "the driver has begun and says nothing more": (
        Cause.PROVISIONER_SILENT,
        waits(
            ("ExternalProvisioning", "Waiting for a volume to be created"),
            ("Provisioning", "External provisioner is provisioning volume for claim"),
        ),
    ),
    "the driver fails": (
        Cause.PROVISIONING_FAILED,
        waits(failed("code = Internal desc = rbd: image not found")),
    ),
    "no driver has taken the claim on": (
        Cause.PROVISIONER_MISSING,
        waits(
            ("ExternalProvisioning", "Waiting for a volume to be created either by the external")
        ),
    ),
    "a data volume says what is wrong": (
        Cause.DATA_VOLUME_STUCK,
        but(data_volumes=(SeenDataVolume(CLAIM, "ImportInProgress", "pod cannot be scheduled"),)),
    ),
    "a claim waits for its first consumer, as its event says": (
        Cause.WAITS_FOR_CONSUMER,
        waits(("WaitForFirstConsumer", "waiting for first consumer to be created before binding")),
    ),
    "a claim waits for its first consumer, as its class says": (
        Cause.WAITS_FOR_CONSUMER,
        waits(classes=(replace(FAST, waits=True),)),
    ),
    "no node takes the VM": (
        Cause.UNSCHEDULABLE,
        but(
            over=True,
            vmi=VMI,
            vmi_conditions=(
                SeenCondition(
                    "PodScheduled", "False", "Unschedulable", "0/3 nodes: Insufficient memory"
                ),
            ),
        ),
    ),
    "a VM that was started waits for a claim that does not exist": (
        Cause.CLAIM_MISSING,
        starting(synchronized("PVC production/data does not exist, waiting for it to appear")),
    ),
    "the same, as its pod is made": (
        Cause.CLAIM_MISSING,
        starting(synchronized("failed to render launch manifest: didn't find PVC data")),
    ),
    "no node takes a VM that was started, and its claim waits for the node": (
        Cause.UNSCHEDULABLE,
        starting(
            SeenCondition(
                "PodScheduled", "False", "Unschedulable", "0/3 nodes: Insufficient memory"
            ),
            claims=(WAITING,),
            classes=(replace(FAST, waits=True),),
        ),
    ),
    "a webhook refuses the VMI of a VM that was started": (
        Cause.WEBHOOK_DENIES,
        starting(vm_failures=(f"Failure while starting VMI: {DENIED}no maintenance now",)),
    ),
    "a quota refuses the pod of a VM that was started": (
        Cause.QUOTA_COUNT,
        starting(
            synchronized(f"failed to create virtual machine pod: {exceeded('compute', 'pods=1')}")
        ),
    ),
    "a MAC address is taken when the VMI is made": (
        Cause.ADDRESS_TAKEN,
        starting(vm_failures=(f"{DENIED}failed to allocate requested mac address",)),
    ),
    "a VM that was started says nothing that is known": (
        Cause.START_UNKNOWN,
        starting(synchronized("the moon is in the wrong quarter")),
    ),
    "the safety snapshot is not begun, since a claim is not bound": (
        Cause.SAFETY_NOT_LOCKED,
        protecting("Source not locked source production/database-01 volume not bound: root"),
    ),
    "the storage reports an error for a disk of the safety snapshot": (
        Cause.SAFETY_DISK_ERROR,
        protecting(copies=(SeenVolumeSnapshot("vs-1"), SeenVolumeSnapshot("vs-2", error="full"))),
    ),
    "the same, as the snapshot says where volume snapshots may not be read": (
        Cause.SAFETY_DISK_ERROR,
        protecting("In error state", error="VolumeSnapshot vs-1 error: pool is full"),
    ),
    "an event of the driver tells of the disk": (
        Cause.SAFETY_DISK_ERROR,
        protecting(
            copies=(SeenVolumeSnapshot("vs-1"),),
            events=(
                SeenEvent("VolumeSnapshot", "vs-1", "SnapshotCreationFailed", "no room", True),
            ),
        ),
    ),
    "no snapshot class fits a disk of the safety snapshot": (
        Cause.SNAPSHOT_CLASS_MISSING,
        protecting(copies=(SeenVolumeSnapshot("vs-1", error="no VolumeSnapshotClass for it"),)),
    ),
    "a volume snapshot of the safety snapshot was deleted": (
        Cause.SAFETY_DISK_GONE,
        protecting(copies=(SeenVolumeSnapshot("vs-1", found=False),)),
    ),
    "the same, as KubeVirt says": (
        Cause.SAFETY_DISK_GONE,
        protecting(error="VolumeSnapshots (vs-1,vs-2) missing"),
    ),
    "the storage has not finished a disk of the safety snapshot": (
        Cause.SAFETY_DISK_SLOW,
        protecting(copies=(SeenVolumeSnapshot("vs-2", ready=True), SeenVolumeSnapshot("vs-1"))),
    ),
    "KubeVirt has given the safety snapshot up": (
        Cause.SAFETY_DEADLINE,
        protecting("Operation failed", error="snapshot deadline exceeded"),
    ),
    "KubeVirt has not looked at the safety snapshot": (Cause.SAFETY_SILENT, protecting(phase="")),
    "the safety snapshot says nothing that is known": (
        Cause.SAFETY_UNKNOWN,
        protecting("the moon is in the wrong quarter"),
    ),
    "a quota refuses a disk of the safety snapshot": (
        Cause.QUOTA_COUNT,
        protecting(error=exceeded("storage", "count/volumesnapshots=1")),
    ),
    "a webhook refuses a disk of the safety snapshot": (
        Cause.WEBHOOK_DENIES,
        protecting(error=f"{DENIED}no snapshots today"),
    ),
    "a webhook does not answer for a disk of the safety snapshot": (
        Cause.WEBHOOK_DOWN,
        protecting(error=DOWN),
    ),
    "the namespace goes while the safety snapshot is taken": (
        Cause.NAMESPACE_GOING,
        protecting(error="unable to create new content because it is being terminated"),
    ),
    "nothing answers while the safety snapshot is taken": (
        Cause.UNREACHABLE,
        protecting(unreachable="no answer"),
    ),
    "the VM may not be read while the safety snapshot is taken": (
        Cause.RIGHT_LOST,
        protecting(
            vm=None, unread=(NotRead("virtualmachines", "forbidden: cannot get", forbidden=True),)
        ),
    ),
    "the VM is gone while the safety snapshot is taken": (Cause.VM_DELETED, protecting(vm=None)),
    "another restore holds the VM": (
        Cause.OTHER_RESTORE,
        but(vm=replace(VM, restore_in_progress="of-somebody")),
    ),
    "KubeVirt has not begun": (
        Cause.CONTROLLER_SILENT,
        but(
            job=replace(JOB, progressing="", ready="", claims=(), volumes=()),
            claims=(),
        ),
    ),
    "the driver says nothing that is known": (
        Cause.UNKNOWN,
        says("the moon is in the wrong quarter"),
    ),
}


@pytest.mark.parametrize(("cause", "evidence"), CASES.values(), ids=CASES)
def test_cause(cause: Cause, evidence: Evidence) -> None:
    told = diagnose(evidence)
    assert told.cause == cause
    assert told.likely
    assert told.next
    assert told.who
    assert told.quotes, "nothing is claimed without what shows it"
    assert told.at == NOW
    assert "{" not in told.likely + told.next + told.command


def test_every_cause_has_its_case() -> None:
    assert {cause for cause, _ in CASES.values()} == set(Cause)


@pytest.mark.parametrize(
    "rule", dict.fromkeys((*RULES, *SAFETY_RULES)), ids=lambda rule: rule.__name__
)
def test_no_rule_is_idle(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it a case is told otherwise."""
    for name in ("RULES", "SAFETY_RULES"):
        left = tuple(each for each in getattr(rules, name) if each is not rule)
        monkeypatch.setattr(rules, name, left)
    told = [diagnose(evidence).cause for _, evidence in CASES.values()]
    assert told != [cause for cause, _ in CASES.values()]


@pytest.mark.parametrize("text", texts.CAUSES.values(), ids=texts.CAUSES)
def test_a_command_only_looks(text: texts.CauseText) -> None:
    verbs = r"kubectl (get|describe|auth can-i) [^;|&`$]+"
    assert re.fullmatch(verbs, text.command)
    assert "delete" not in text.command


def test_a_restore_that_goes_on_has_no_known_cause() -> None:
    assert diagnose(WELL).cause == Cause.UNKNOWN


def test_events_of_the_past_are_no_cause() -> None:
    """The claim is bound by now; what its events told is over."""
    old = waits(failed("code = ResourceExhausted"), claims=WELL.claims)
    assert diagnose(old).cause == Cause.UNKNOWN


def test_what_could_not_be_read_proves_nothing_and_is_named() -> None:
    unread = (
        NotRead("virtualmachinesnapshots", "forbidden", forbidden=True),
        NotRead("events", "x"),
    )
    told = diagnose(but(snapshot=None, content=None, unread=unread))
    assert told.cause == Cause.UNKNOWN
    assert told.missing == ("virtualmachinesnapshots", "events")


def test_unknown_quotes_what_was_found() -> None:
    event = SeenEvent("VirtualMachineRestore", NAME, "VirtualMachineRestoreError", "odd", True)
    told = diagnose(says("the moon is wrong", claims=(WAITING,), classes=(), events=(event,)))
    assert [quote.text for quote in told.quotes] == ["the moon is wrong", "odd", "phase Pending"]


def test_what_has_failed_is_not_tried_again_by_itself() -> None:
    text = exceeded("storage", "requests.storage=1Gi")
    assert texts.RETRIES in diagnose(says(text)).next
    ended = diagnose(but(job=replace(JOB, failure=text)))
    assert ended.next.endswith(texts.TRY_AGAIN)


def test_a_diagnosis_is_over_once_it_moves() -> None:
    """What held it up is told no more; while nothing moves it stays."""
    job = Job(name=NAME, decided_at=NOW, uid="restore-1", moved_at=NOW)
    stuck = restore(Phase.RESTORING, job=job, diagnosis=diagnose(says("odd")))
    looked = stuck.model_copy(update={"job": job.model_copy(update={"looked_at": NOW})})
    assert times.noted(stuck, looked, Elapsed(), NOW).diagnosis == stuck.diagnosis
    moved = job.model_copy(update={"moved_at": NOW + timedelta(seconds=5)})
    onward = stuck.model_copy(update={"job": moved})
    assert times.noted(stuck, onward, Elapsed(), NOW).diagnosis is None
    done = stuck.model_copy(update={"phase": Phase.SUCCEEDED})
    assert times.noted(stuck, done, Elapsed(), NOW).diagnosis is None


@pytest.mark.parametrize("phase", [Phase.PROTECTING, Phase.SUCCEEDED])
def test_of_a_safety_snapshot_or_a_start_the_restore_keeps_nothing(phase: Phase) -> None:
    """It stands with what it is about, so that a later card does not tell it."""
    before = restore(phase)
    after = before.model_copy(update={"trouble": "odd"})
    kind = ObservationKind.VMI if phase.ended else ObservationKind.SAFETY
    seen = Observed(Observation(kind, NOW), workflow.ALLOWED, but())
    assert times.noted(before, after, seen, NOW).diagnosis is None


def test_claims_of_other_restores_do_not_hide_a_stall() -> None:
    """An earlier restore of the VM has bound claims; this one still waits."""
    job = Job(
        name=NAME,
        decided_at=NOW,
        uid="restore-1",
        progressing=JOB.progressing,
        ready=JOB.ready,
        volumes_total=1,
        moved_at=NOW,
    )
    claims = (Claim("restore-of-yesterday", "Bound"), Claim(CLAIM, "Pending"))
    seen = Observation(ObservationKind.JOB, NOW, job=JOB, claims=claims)
    stuck = restore(Phase.RESTORING, job=job)
    assert times.wanted(stuck, seen, NOW + times.STALLED_AFTER)
    assert not times.wanted(stuck, seen, NOW + times.STALLED_AFTER - timedelta(seconds=1))
    bound = replace(seen, claims=(Claim(CLAIM, "Bound"),))
    assert not times.wanted(stuck, bound, NOW + times.STALLED_AFTER)


STUCK = Job(
    name=NAME,
    decided_at=NOW,
    uid="restore-1",
    progressing=JOB.progressing,
    ready=JOB.ready,
    volumes_total=1,
    wait_until=NOW + timedelta(hours=1),
)
LOOK = Observation(ObservationKind.JOB, NOW, job=JOB, claims=(Claim(CLAIM, "Pending"),))
# changes of the job, what is seen, when -> is evidence read?
WANTED: dict[str, tuple[dict[str, Any], Observation, timedelta, bool]] = {
    "a stall": ({}, LOOK, times.STALLED_AFTER, True),
    "nothing has changed for a moment": ({}, LOOK, timedelta(seconds=5), False),
    "what KubeVirt says has changed": (
        {},
        replace(LOOK, job=replace(JOB, ready="Binding")),
        times.STALLED_AFTER,
        False,
    ),
    "it is complete": ({}, replace(LOOK, job=replace(JOB, complete=True)), timedelta(), False),
    "it has failed": ({}, replace(LOOK, job=replace(JOB, failure="no")), timedelta(), True),
    "it is gone": ({}, replace(LOOK, job=None), timedelta(), True),
    "it is gone, as was asked": ({"deleting": True}, replace(LOOK, job=None), timedelta(), False),
    "its time is over": (
        {"wait_until": NOW},
        replace(LOOK, job=replace(JOB, claims=(CLAIM,))),
        timedelta(seconds=1),
        True,
    ),
    "the bot may not look": (
        {},
        replace(LOOK, forbidden=ApiRejection(403, "Forbidden", "no")),
        times.STALLED_AFTER,
        False,
    ),
    "the API is not served": ({}, replace(LOOK, kubevirt=False), times.STALLED_AFTER, False),
}


@pytest.mark.parametrize("case", WANTED)
def test_evidence_is_read_where_it_is_worth_its_requests(case: str) -> None:
    changes, seen, after, expected = WANTED[case]
    stuck = restore(Phase.RESTORING, job=STUCK.model_copy(update=changes))
    assert times.wanted(stuck, seen, NOW + after) is expected
    confirming = stuck.model_copy(update={"phase": Phase.CONFIRMING})
    assert not times.wanted(confirming, seen, NOW + after)


HOSTILE = "x'; kubectl delete vm --all; `<!channel> <@U0ADMIN>`"


def test_a_name_that_is_none_gets_into_no_command() -> None:
    told = diagnose(waits(claims=(replace(WAITING, name=HOSTILE, phase="Lost"),)))
    assert told.cause == Cause.CLAIM_LOST
    assert told.command == ""
    assert told.likely.count("`") == 2, "its backticks do not end those of the sentence"


EVERYTHING = replace(
    WELL,
    error=HOSTILE * 100,
    job=replace(JOB, failure=HOSTILE * 100, progressing=exceeded("q" * 500, "y" * 900)),
    vmi=VMI,
    vmi_conditions=tuple(
        SeenCondition("PodScheduled", "False", text=HOSTILE * 50) for _ in range(20)
    ),
    content=replace(CONTENT, deleting=True),
    events=tuple(SeenEvent("Pod", "p", "r" * 500, HOSTILE * 50, True) for _ in range(200)),
    claims=tuple(replace(WAITING, name=f"claim-{n}") for n in range(60)),
    unread=tuple(NotRead(f"kind{n}", HOSTILE * 50) for n in range(40)),
)


def test_what_is_stored_is_short_whatever_was_found() -> None:
    for evidence in (
        EVERYTHING,
        replace(EVERYTHING, vmi=None, job=replace(JOB, ready=HOSTILE * 90)),
    ):
        told = diagnose(evidence)
        assert len(told.model_dump_json()) < 4_000
        assert Diagnosis.model_validate_json(told.model_dump_json()) == told
