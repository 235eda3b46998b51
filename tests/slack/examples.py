"""Restores in every state that people meet, by name: what the tests of the views look at."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.restore.diagnosis.model import Cause, Diagnosis, Quote
from bot.restore.disks import Coverage, Disk, Fate, GuestState, LeftBehind, LeftBehindKind
from bot.restore.model import (
    Change,
    Confirmation,
    Consistency,
    Handoff,
    Job,
    Offer,
    Outcome,
    Phase,
    Preview,
    Proposal,
    Restore,
    RestoreId,
    Safety,
    TypedName,
)
from bot.restore.reasons import Reason
from bot.restore.rules import Rules, StopWhen, VolumePolicy
from bot.restore.stop_and_start import Start, Stop
from bot.restore.target import RestoreRequest
from bot.restore.thread import Card, CardKind
from tests.restores import ALICE, BOB, HERE, KNOWN, NOW, restore

PREFIXED = Rules(volume_policy=VolumePolicy.PREFIX_TARGET_NAME)
CREATED = datetime(2026, 2, 18, 10, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=15)
LATER = NOW + timedelta(minutes=5, seconds=22)
STOPPED_BY = f"Stop and restore, by <@{ALICE}>"

THEIRS = HERE.model_copy(update={"own_thread": False})
PREVIEW = Preview(
    taken_at=NOW,
    vm_uid="vm-uid",
    vm_status="Stopped",
    run_strategy="Halted",
    last_modified=NOW - timedelta(hours=1),
    snapshot_uid="snapshot-uid",
    snapshot_created=CREATED,
    consistency=Consistency.OFFLINE,
    consistency_why="the VM was stopped when it was taken",
    disks=("root", "data"),
)
RUNNING = PREVIEW.model_copy(update={"vm_status": "Running", "run_strategy": "Always"})
RICH = PREVIEW.model_copy(
    update={
        "run_strategy": "Manual",
        "consistency": Consistency.CRASH,
        "consistency_why": "the guest agent was not available",
        "fates": (
            Disk(name="root", claim="database-01-root", fate=Fate.ROLLS_BACK),
            Disk(name="scratch", claim="database-01-scratch", fate=Fate.KEEPS),
            Disk(name="ledger", claim="ledger", fate=Fate.LEAVES),
            Disk(name="data", claim="database-01-data", fate=Fate.RETURNS),
            Disk(name="logs", claim="database-01-logs", fate=Fate.RETURNS_AS_IS),
            Disk(name="spool", claim="database-01-spool", fate=Fate.RETURNS_AS_IS, there=False),
            Disk(name="usb", claim="usb", fate=Fate.DETACHED),
        ),
        "coverage": Coverage(
            partial=True,
            missing=("scratch", "logs"),
            one_moment=False,
            guest_state=GuestState.ROLLS_BACK,
        ),
        "shared_disks": ("cluster-data",),
        "changes": (
            Change(field="cpu", current="8 cores", snapshot="4 cores"),
            Change(field="memory", current="16Gi", snapshot="8Gi"),
        ),
        "more_changes": 3,
        "newer": ("after-upgrade", "nightly-0218"),
        "more_newer": 4,
        "gitops": "Argo CD",
    }
)
DELETING = PREVIEW.model_copy(
    update={
        "fates": (
            Disk(name="root", claim="database-01-root", fate=Fate.ROLLS_BACK),
            Disk(name="archive", claim="database-01-archive", fate=Fate.DELETED),
        ),
        "newer_unread": True,
    }
)
OLDER = PREVIEW.model_copy(update={"disks_left_out": ("scratch",)})
"""As a release wrote it that did not tell what becomes of each disk."""
LEFT = (
    LeftBehind(claim="database-01-root", kind=LeftBehindKind.FREE),
    LeftBehind(claim="database-01-data", kind=LeftBehindKind.FREE),
    LeftBehind(claim="shared", kind=LeftBehindKind.USED, by="VM `web-01`"),
    LeftBehind(claim="ledger", kind=LeftBehindKind.ONLY_COPY),
    LeftBehind(claim="database-01-log", kind=LeftBehindKind.UNFILLED),
    LeftBehind(
        claim="restore-0-root", kind=LeftBehindKind.OWNED, by="VirtualMachine `database-01`"
    ),
    LeftBehind(claim="template-root", kind=LeftBehindKind.GOING),
)
AGREED = Stop(strategy="Always")
ASKED = AGREED.model_copy(update={"asked_at": NOW - timedelta(minutes=6)})
DONE = ASKED.model_copy(update={"done_at": NOW - timedelta(minutes=5)})
OFFER = Offer(to=BOB, by=ALICE, at=NOW, until=UNTIL)
ACCEPTED = Handoff(at=NOW, giver=ALICE, taker=BOB, how="accepted")
TAKEN = ACCEPTED.model_copy(update={"how": "taken"})
TYPED = TypedName(by=ALICE, at=NOW, ts="2.1")
CONFIRMED = Confirmation(by=ALICE, at=NOW, number=3)
JOB = Job(
    name="restore-database-01-20260218-163000",
    decided_at=NOW,
    uid="job-uid",
    progressing="Creating new PVCs",
    ready="Waiting for new PVCs",
    volumes_bound=1,
    volumes_total=2,
    looked_at=NOW + timedelta(minutes=2, seconds=5),
)
NO_SPACE = Diagnosis(
    cause=Cause.NO_CAPACITY,
    at=NOW,
    likely="The storage has no space for claim `restore-1-root` (storage class `fast`).",
    quotes=(
        Quote(
            source="Event `ProvisioningFailed` of PersistentVolumeClaim `restore-1-root`",
            text="rpc error: code = ResourceExhausted desc = pool <!here> is full",
        ),
    ),
    next="Add space to the storage.",
    who="the admin of the storage",
    command="kubectl describe pvc -n production restore-1-root",
    missing=("limitranges",),
)
SAFETY = Safety(name="pre-restore-database-01-20260218-163000", decided_at=NOW)
READY = SAFETY.model_copy(update={"uid": "safety-uid", "ready_at": NOW})

Example = tuple[Restore, Card]


def card(kind: CardKind, number: int = 3, closed: str | None = None) -> Card:
    """One card, opened now."""
    return Card(kind=kind, number=number, opened_at=NOW, closed=closed)


def one(phase: Phase, kind: CardKind, closed: str | None = None, **changes: Any) -> Example:
    """A restore and the one card of it that is looked at."""
    only = card(kind, closed=closed)
    return restore(phase, only, **changes), only


def request(**changes: str | None) -> RestoreRequest:
    """What was asked for, with parts replaced."""
    return KNOWN.model_copy(update=changes)


def ended(phase: Phase, reason: Reason | None = None, **facts: Any) -> Example:
    """A result: `facts` are fields of the outcome, or of the rest of the document."""
    told = {name: facts.pop(name) for name in facts.keys() & Outcome.model_fields.keys()}
    only = card(CardKind.RESULT)
    outcome = Outcome(**{"reason": reason, "at": NOW, **told})
    return restore(phase, only, outcome=outcome, **facts), only


def refused(reason: Reason, found: str = "", **facts: Any) -> Example:
    """A refusal."""
    return ended(Phase.REFUSED, reason, found=found, **facts)


def _requests() -> Mapping[str, Example]:
    asking = card(CardKind.ASK_NAMESPACE, 2)
    cancelled = Outcome(reason=Reason.CANCELLED_BY_USER, at=NOW, by=ALICE)
    first = card(CardKind.REQUEST, 1)
    return {
        "request-incomplete": (
            restore(Phase.GATHERING, first, asking, request=request(namespace=None, snapshot=None)),
            first,
        ),
        "request-checking": one(Phase.CHECKING, CardKind.REQUEST),
        "request-waiting": one(Phase.TYPING, CardKind.REQUEST),
        "request-other-cluster": one(
            Phase.CHECKING, CardKind.REQUEST, request=request(cluster="west")
        ),
        "request-trouble": one(
            Phase.CHECKING, CardKind.REQUEST, trouble="the API server does not answer"
        ),
        "request-follows": one(Phase.CHECKING, CardKind.REQUEST, previous=RestoreId("k3f9")),
        "request-restoring": one(Phase.RESTORING, CardKind.REQUEST, job=JOB),
        "request-last-check": one(Phase.RESTORING, CardKind.REQUEST),
        "request-restored": one(
            Phase.SUCCEEDED, CardKind.REQUEST, "Restored", outcome=Outcome(at=NOW)
        ),
        "request-cancelled": one(Phase.CANCELLED, CardKind.REQUEST, "Cancelled", outcome=cancelled),
        "request-refused": one(
            Phase.REFUSED,
            CardKind.REQUEST,
            "Refused",
            outcome=Outcome(reason=Reason.SNAPSHOT_NOT_FOUND, at=NOW),
        ),
    }


def _asks() -> Mapping[str, Example]:
    known: dict[str, Any] = {"deadline": UNTIL}
    no_vm = request(vm=None, namespace=None, snapshot=None)
    no_place = request(namespace=None)
    no_snapshot = request(snapshot=None)
    g = Phase.GATHERING
    again = Proposal(
        problem="There is no VM `databse-01` where you may restore.", near=("database-01",)
    )
    return {
        "ask-vm": one(g, CardKind.ASK_VM, request=no_vm, proposal=Proposal(), **known),
        "ask-vm-again": one(g, CardKind.ASK_VM, request=no_vm, proposal=again, **known),
        "ask-vm-their-thread": one(g, CardKind.ASK_VM, request=no_vm, thread_ref=THEIRS, **known),
        "ask-vm-closed": one(g, CardKind.ASK_VM, "Vm: `database-01`"),
        "ask-namespace-proposed": one(
            g,
            CardKind.ASK_NAMESPACE,
            request=no_place,
            proposal=Proposal(value="production"),
            **known,
        ),
        "ask-namespace-several": one(
            g,
            CardKind.ASK_NAMESPACE,
            request=no_place,
            proposal=Proposal(near=("production", "staging")),
            **known,
        ),
        "ask-namespace-closed": one(g, CardKind.ASK_NAMESPACE, "Namespace: `production`"),
        "ask-snapshot": one(
            g,
            CardKind.ASK_SNAPSHOT,
            request=no_snapshot,
            proposal=Proposal(near=("b", "a")),
            **known,
        ),
        "ask-snapshot-described": one(
            g,
            CardKind.ASK_SNAPSHOT,
            request=no_snapshot.model_copy(update={"described": "pre-upgrade"}),
            proposal=Proposal(near=("pre-upgrade-snapshot",)),
            **known,
        ),
        "ask-snapshot-closed": one(g, CardKind.ASK_SNAPSHOT, "Snapshot: `pre-upgrade-snapshot`"),
    }


def _stops() -> Mapping[str, Example]:
    waits: dict[str, Any] = {"deadline": UNTIL, "preview": RUNNING}
    late: dict[str, Any] = {"deadline": UNTIL, "stop": ASKED}
    p = Phase.STOPPING
    refused_stop = ASKED.model_copy(update={"error": "stop/start already underway"})
    return {
        "stop-choice": one(Phase.STOP_CHOICE, CardKind.STOP_CHOICE, **waits),
        "stop-choice-when-confirmed": one(
            Phase.STOP_CHOICE,
            CardKind.STOP_CHOICE,
            rules=Rules(stop_when=StopWhen.CONFIRMED),
            **waits,
        ),
        "stop-choice-status-says-stopped": one(
            Phase.STOP_CHOICE, CardKind.STOP_CHOICE, deadline=UNTIL, preview=PREVIEW
        ),
        "stop-choice-closed": one(p, CardKind.STOP_CHOICE, STOPPED_BY, stop=ASKED, preview=RUNNING),
        "stopping": one(p, CardKind.STOPPING, stop=ASKED),
        "stopping-by-force": one(
            p, CardKind.STOPPING, stop=ASKED.model_copy(update={"force": True})
        ),
        "stopping-failing": one(p, CardKind.STOPPING, stop=refused_stop),
        "stopping-closed": one(Phase.TYPING, CardKind.STOPPING, "The VM is stopped", stop=DONE),
        "stop-overdue": one(p, CardKind.STOP_OVERDUE, **late),
        "stop-overdue-closed": one(p, CardKind.STOP_OVERDUE, "Keep waiting", stop=ASKED),
        "force-stop": one(p, CardKind.FORCE_STOP, **late),
        "force-stop-closed": one(p, CardKind.FORCE_STOP, "Force stop confirmed", stop=ASKED),
    }


def _warnings() -> Mapping[str, Example]:
    waits: dict[str, Any] = {"deadline": UNTIL, "preview": PREVIEW}
    t = Phase.TYPING
    old, new = card(CardKind.WARNING, 2, "No longer asked"), card(CardKind.WARNING, 5)
    return {
        "warning": one(t, CardKind.WARNING, **waits),
        "warning-rich": one(
            t,
            CardKind.WARNING,
            deadline=UNTIL,
            preview=RICH,
            thread_ref=THEIRS,
            note="The safety snapshot failed: no space left. No data was touched.",
            request=request(cluster="west"),
            rules=Rules(volume_policy=VolumePolicy.IN_PLACE),
        ),
        "warning-deletes-a-disk": one(t, CardKind.WARNING, **{**waits, "preview": DELETING}),
        "warning-of-an-older-release": one(t, CardKind.WARNING, **{**waits, "preview": OLDER}),
        "warning-protected": one(t, CardKind.WARNING, protect=True, **waits),
        "warning-stopped-by-us": one(t, CardKind.WARNING, stop=DONE, **waits),
        "warning-still-running": one(
            t,
            CardKind.WARNING,
            deadline=UNTIL,
            preview=RUNNING,
            stop=AGREED,
            rules=Rules(stop_when=StopWhen.CONFIRMED),
        ),
        "warning-closed": one(
            Phase.CONFIRMING, CardKind.WARNING, "Typed verification passed", preview=PREVIEW
        ),
        "warning-superseded": (restore(t, old, new, preview=PREVIEW), old),
    }


def _confirms() -> Mapping[str, Example]:
    waits: dict[str, Any] = {"deadline": UNTIL, "preview": PREVIEW, "typed": TYPED}
    c = Phase.CONFIRMING
    return {
        "confirm": one(c, CardKind.CONFIRM, **waits),
        "confirm-deletes-a-disk": one(c, CardKind.CONFIRM, **{**waits, "preview": DELETING}),
        "confirm-deletes-a-disk-agreed": one(
            c, CardKind.CONFIRM, deletion_agreed=True, **{**waits, "preview": DELETING}
        ),
        "confirm-deletes-a-disk-protected": one(
            c, CardKind.CONFIRM, protect=True, **{**waits, "preview": DELETING}
        ),
        "confirm-protected-stopping-first": one(
            c,
            CardKind.CONFIRM,
            deadline=UNTIL,
            preview=RUNNING,
            stop=AGREED,
            protect=True,
            thread_ref=THEIRS,
            rules=Rules(stop_when=StopWhen.CONFIRMED),
        ),
        "confirm-closed": one(
            Phase.RESTORING, CardKind.CONFIRM, f"Confirmed by <@{ALICE}>", preview=PREVIEW
        ),
    }


def _progress() -> Mapping[str, Example]:
    r, p = Phase.RESTORING, Phase.PROTECTING
    young = Job(name=JOB.name, decided_at=NOW)
    quota = 'persistentvolumeclaims "restore-1-root" is forbidden: exceeded quota: storage'
    stuck = JOB.model_copy(update={"progressing": quota, "ready": quota})
    leaving = JOB.model_copy(update={"deleting": True, "delete_asked_by": ALICE})
    late = Card(kind=CardKind.OVERDUE, number=6, opened_at=NOW + timedelta(minutes=10))
    return {
        "protecting": one(p, CardKind.PROTECTING),
        "protecting-named": one(p, CardKind.PROTECTING, safety=SAFETY),
        "protecting-closed": one(r, CardKind.PROTECTING, f"`{SAFETY.name}` is ready", safety=READY),
        "progress-last-check": one(r, CardKind.PROGRESS),
        "progress-handed-over": one(r, CardKind.PROGRESS, job=young),
        "progress": one(r, CardKind.PROGRESS, job=JOB),
        "found-again": one(r, CardKind.FOUND_AGAIN, job=JOB),
        "appeared": one(r, CardKind.APPEARED, job=JOB),
        "appeared-another": one(r, CardKind.APPEARED, job=JOB, objects=("restore-0",)),
        "found-again-closed": one(r, CardKind.FOUND_AGAIN, "Restored", job=JOB),
        "progress-stuck": one(r, CardKind.PROGRESS, job=stuck, trouble="the watch has ended"),
        "progress-deleting": one(r, CardKind.PROGRESS, job=leaving),
        "progress-closed": one(Phase.SUCCEEDED, CardKind.PROGRESS, "Restored", job=JOB),
        "progress-stalled": one(r, CardKind.PROGRESS, job=JOB, diagnosis=NO_SPACE),
        "overdue": (restore(r, late, job=JOB), late),
        "overdue-known": (restore(r, late, job=JOB, diagnosis=NO_SPACE), late),
        "overdue-closed": one(r, CardKind.OVERDUE, "Keep waiting", job=JOB),
        "delete-restore": one(r, CardKind.DELETE_RESTORE, job=JOB),
        "delete-restore-closed": one(r, CardKind.DELETE_RESTORE, "Keep waiting", job=JOB),
    }


def _handoffs() -> Mapping[str, Example]:
    t, r, f = Phase.TYPING, Phase.RESTORING, Phase.FAILED
    asked: dict[str, Any] = {"preview": PREVIEW, "deadline": UNTIL, "offer": OFFER}
    sealed: dict[str, Any] = {"preview": PREVIEW, "confirmation": CONFIRMED, "job": JOB}
    bobs: dict[str, Any] = {"owner": BOB, "handoffs": (ACCEPTED,)}
    failed = Outcome(reason=Reason.RESTORE_FAILED, at=NOW, found="no space left on device")
    question = card(CardKind.WARNING, 2)
    declined = card(CardKind.OFFER, 2, f"Declined by <@{BOB}>")
    lapsed = card(CardKind.OFFER, 2, f"Not accepted by <@{BOB}> in time")
    made, news = card(CardKind.OFFER), card(CardKind.NOT_TAKEN)
    no_names = request(vm=None, namespace=None, snapshot=None)
    return {
        "request-offered": one(t, CardKind.REQUEST, offer=OFFER),
        "request-handed-over": one(t, CardKind.REQUEST, **bobs),
        "offer": (restore(t, question, made, **asked), made),
        "offer-stopped": (restore(t, question, made, **asked, stop=DONE), made),
        "offer-incomplete": one(Phase.GATHERING, CardKind.OFFER, offer=OFFER, request=no_names),
        "offer-stopping": one(Phase.STOPPING, CardKind.OFFER, offer=OFFER, stop=ASKED),
        "offer-confirmed": one(r, CardKind.OFFER, offer=OFFER, **sealed),
        "offer-after-the-end": one(f, CardKind.OFFER, offer=OFFER, **sealed, outcome=failed),
        "offer-accepted": one(t, CardKind.OFFER, f"Accepted by <@{BOB}>", **bobs),
        "offer-withdrawn": one(t, CardKind.OFFER, f"Withdrawn by <@{ALICE}>"),
        "not-taken-declined": (restore(t, declined, news), news),
        "not-taken-in-time": (restore(t, lapsed, news), news),
        "not-taken-closed": (
            restore(t, declined, card(CardKind.NOT_TAKEN, closed="There is a newer offer")),
            card(CardKind.NOT_TAKEN, closed="There is a newer offer"),
        ),
        "handed-over": one(Phase.CHECKING, CardKind.HANDED, preview=PREVIEW, **bobs),
        "handed-over-stopping": one(Phase.STOPPING, CardKind.HANDED, stop=ASKED, **bobs),
        "handed-over-stopped": one(Phase.CHECKING, CardKind.HANDED, stop=DONE, **bobs),
        "handed-over-confirmed": one(r, CardKind.HANDED, **sealed, **bobs),
        "handed-over-after-the-end": one(f, CardKind.HANDED, **sealed, **bobs, outcome=failed),
        "handed-over-closed": one(t, CardKind.HANDED, "Handed over", **bobs),
        "taken-over": one(Phase.CHECKING, CardKind.HANDED, owner=BOB, handoffs=(TAKEN,)),
    }


def _successes() -> Mapping[str, Example]:
    known: dict[str, Any] = {"preview": PREVIEW, "job": JOB}
    calm = "Stopped (ready to start)"
    full: dict[str, Any] = {
        **known,
        "preview": RICH,
        "safety": READY,
        "stop": DONE,
    }
    s = Phase.SUCCEEDED
    begun, done = Start(by=ALICE, at=NOW), Start(by=ALICE, at=NOW, done_at=LATER)
    late = done.model_copy(update={"late_at": LATER + timedelta(minutes=2), "diagnosis": NO_SPACE})
    answers = done.model_copy(update={"runs_at": LATER, "agent_at": LATER})
    no = Start(by=ALICE, at=NOW, error="Cannot update VM runStrategy until restore completes")
    return {
        "succeeded": ended(s, at=LATER, vm_status=calm, detached=(), **known),
        "succeeded-with-a-disk-not-attached": ended(
            s, vm_status=calm, detached=("restore-1-data",), pending=("restore-1-log",), **known
        ),
        "succeeded-with-everything": ended(
            s,
            at=LATER,
            vm_status=calm,
            leftovers=tuple(each.claim for each in LEFT),
            left=LEFT,
            left_due=LATER,
            kept=("scratch",),
            deleted=("archive",),
            pending=("restore-1-log",),
            **full,
        ),
        "succeeded-aftercare-over-with-leftovers": ended(
            s, vm_status=calm, left=LEFT[:2], **full, closed=True
        ),
        "succeeded-told-by-an-older-release": ended(
            s, vm_status=calm, leftovers=("database-01-root",), job=JOB, preview=OLDER
        ),
        "succeeded-users-not-looked-up": ended(
            s,
            vm_status=calm,
            left=(
                LeftBehind(
                    claim="database-01-root", kind=LeftBehindKind.UNSURE, by="cannot list pods"
                ),
            ),
            left_due=LATER,
            **known,
        ),
        "succeeded-not-proven": ended(
            s,
            vm_status=calm,
            unproven='the claims could not be read (cannot list resource "persistentvolumeclaims")',
            **known,
        ),
        "succeeded-where-an-undo-needs-names": ended(
            s,
            vm_status=calm,
            **known,
            safety=READY,
            rules=PREFIXED,
        ),
        "succeeded-starting": ended(s, vm_status=calm, **known, start=begun),
        "succeeded-start-refused": ended(s, vm_status=calm, **known, start=no),
        "succeeded-aftercare-over": ended(s, vm_status=calm, **full, closed=True),
        "started": one(s, CardKind.STARTED, start=done),
        "started-late": one(s, CardKind.STARTED, start=late),
        "started-late-and-runs": one(
            s,
            CardKind.STARTED,
            start=late.model_copy(update={"runs_at": LATER + timedelta(minutes=4)}),
        ),
        "started-and-answers": one(s, CardKind.STARTED, start=answers),
        "succeeded-and-answers": ended(
            s, at=LATER, vm_status=calm, detached=(), **known, start=answers
        ),
        "started-not": one(s, CardKind.STARTED, start=no),
        "started-under-way": one(s, CardKind.STARTED, start=begun),
        "started-earlier-attempt": one(s, CardKind.STARTED, start=Start(by=ALICE, at=LATER)),
    }


def _failures() -> Mapping[str, Example]:
    f = Phase.FAILED
    off = "Restore target VMI must be powered off before restore operation"
    return {
        "failed": ended(f, Reason.RESTORE_FAILED, found=off, job=JOB, preview=PREVIEW),
        "failed-and-live": ended(
            f,
            Reason.RESTORE_FAILED,
            found=off,
            job=JOB,
            preview=PREVIEW,
            live=True,
            left=(LeftBehind(claim="restore-1-root", kind=LeftBehindKind.MADE),),
        ),
        "failed-with-its-cause": ended(
            f, Reason.RESTORE_FAILED, found=off, job=JOB, preview=PREVIEW, diagnosis=NO_SPACE
        ),
        "failed-complete-but-not-restored": ended(
            f,
            Reason.NOT_RESTORED,
            found=(
                f"The cluster reports VirtualMachineRestore `{JOB.name}` as complete, but claim "
                "`database-01-root` was not made by this restore. The data of the snapshot was not "
                "restored there."
            ),
            next="Look at these claims before anything else.",
            job=JOB,
            preview=PREVIEW,
            stop=DONE,
        ),
        "failed-create-refused": ended(
            f,
            Reason.CREATE_REFUSED,
            found="admission webhook denied the request: invalid kind",
            vm_status="unchanged: the cluster refused the restore",
            job=Job(name=JOB.name, decided_at=NOW),
            stop=DONE,
        ),
        "failed-before-the-create": ended(
            f, Reason.CREATE_REFUSED, found="A confirmation is missing."
        ),
        "failed-vm-deleted": ended(
            f,
            Reason.VM_DELETED,
            found="The VM was deleted while it was being restored, and the restore with it.",
            job=JOB,
            preview=PREVIEW,
        ),
        "failed-create-refused-after-a-failure": ended(
            f,
            Reason.CREATE_REFUSED,
            found="admission webhook denied the request: invalid kind",
            vm_status="unchanged: the cluster refused the restore",
            job=Job(name=JOB.name, decided_at=NOW),
            vm_state_unknown=True,
        ),
    }


def _cancellations() -> Mapping[str, Example]:
    c, e = Phase.CANCELLED, Phase.EXPIRED
    user, undo = Reason.CANCELLED_BY_USER, request(snapshot=SAFETY.name)
    return {
        "names-differ": ended(c, Reason.NAMES_DIFFER, by=ALICE, typed="Pre-upgrade-snapshot"),
        "names-differ-stopped": ended(c, Reason.NAMES_DIFFER, by=ALICE, typed="other", stop=DONE),
        "cancelled": ended(c, user, by=ALICE),
        "cancelled-stopped": ended(c, user, by=ALICE, stop=DONE),
        "cancelled-stopping": ended(c, user, by=ALICE, stop=ASKED),
        "cancelled-by-operator": ended(c, Reason.CANCELLED_BY_OPERATOR, found="carol"),
        "cancelled-typed-instead": ended(c, Reason.TYPED_INSTEAD, by=ALICE),
        "cancelled-too-many-questions": ended(
            c,
            Reason.TOO_MANY_QUESTIONS,
            found="25 questions were asked without getting to the end.",
            next="Start over with the VM, the namespace and the snapshot in one message.",
        ),
        "cancelled-after-a-failure": ended(c, user, by=ALICE, vm_state_unknown=True),
        "cancelled-after-a-failure-stopped": ended(
            c, user, by=ALICE, vm_state_unknown=True, stop=DONE
        ),
        "cancelled-undo": ended(c, user, by=ALICE, previous=RestoreId("k3f9"), request=undo),
        "cancelled-channel-lost": ended(
            c,
            Reason.CHANNEL_UNREACHABLE,
            found="The channel <#C0OPS> was archived.",
            next="Ask again in another channel.",
        ),
        "expired": ended(e, Reason.NO_ANSWER),
        "expired-stopped": ended(e, Reason.NO_ANSWER, stop=DONE),
    }


def _refusals() -> Mapping[str, Example]:
    several = ("pre-upgrade-snap", "nightly-0218")
    return {
        "refused-snapshot-not-found": refused(
            Reason.SNAPSHOT_NOT_FOUND,
            "`pre-upgrade-snapshot` does not exist in namespace `production`.",
            expected="A snapshot of VM `database-01`. These snapshots of the VM exist:",
            next="Ask again with the name of one of them.",
            choices=several,
        ),
        "refused-no-snapshots": refused(
            Reason.SNAPSHOT_NOT_FOUND,
            "VM `database-01` in namespace `production` has no snapshots.",
            request=request(snapshot=None),
        ),
        "refused-snapshot-not-ready": refused(
            Reason.SNAPSHOT_NOT_READY,
            "Status: InProgress. Ready to use: false. Error: VolumeSnapshots (a) missing",
            next="Wait until it is ready, or choose another snapshot.",
        ),
        "refused-vm-not-found": refused(
            Reason.VM_NOT_FOUND,
            "VM `database-01` does not exist in namespace `production`.",
            expected="The name of an existing VM.",
            next="Check the name and the namespace, then ask again.",
            choices=("database-02",),
        ),
        "refused-held": refused(
            Reason.HELD_BY_OTHER,
            f"<@{BOB}> is already restoring this VM, since 2026-02-18 16:00 UTC: "
            "https://acme.slack.com/archives/C0OPS/p1771430400000100",
            expected="One restore of a VM at a time.",
        ),
        "refused-too-many-open": refused(
            Reason.TOO_MANY_OPEN,
            "As many restores are open in namespace `production` as there may be at once (1): of `web-01`.",
            expected="Room for one more open restore in the namespace.",
            next="Wait for one of them to end; then start over.",
        ),
        "refused-not-permitted": refused(
            Reason.NOT_PERMITTED,
            "You may not restore VMs in namespace `production` from here. Ask #platform.",
        ),
        "refused-name-taken": refused(
            Reason.NAME_TAKEN,
            found="A claim with a name that the restore needs exists already: `database-01-root`.",
            expected="KubeVirt would take it as it is and restore no data.",
            next="Ask the owners of this bot to remove `rules.volume_policy`, then start over.",
        ),
        "refused-quota": refused(
            Reason.QUOTA_EXCEEDED,
            "Quota `storage` has 1.0 GiB left.",
            expected="The restored volumes need 40.0 GiB (requests.storage).",
            next="Raise the quota or remove volumes that are not used any more, then ask again.",
        ),
        "refused-vm-started": refused(
            Reason.VM_STARTED,
            "The VM was stopped; now it is live (phase Running).",
            stop=DONE,
            confirmation=CONFIRMED,
        ),
        "refused-changed": refused(
            Reason.CHANGED_SINCE_CONFIRMATION,
            "The snapshot was re-created: UID a → b.",
            stop=DONE,
            confirmation=CONFIRMED,
        ),
    }


EXAMPLES: Mapping[str, Example] = {
    **_requests(),
    **_asks(),
    **_stops(),
    **_warnings(),
    **_confirms(),
    **_progress(),
    **_handoffs(),
    **_successes(),
    **_failures(),
    **_cancellations(),
    **_refusals(),
}
