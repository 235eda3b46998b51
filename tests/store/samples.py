"""Restores to store."""

from datetime import timedelta
from typing import Any

from bot.playground.clock import START
from bot.restore.audit_kinds import OtherKind
from bot.restore.model import (
    AuditEntry,
    Change,
    Confirmation,
    Consistency,
    Job,
    Phase,
    Preview,
    Proposal,
    Restore,
    Safety,
    TypedName,
)
from bot.restore.stop_and_start import Stop
from bot.restore.thread import Card, CardKind, ThreadRef, UserId
from tests import restores
from tests.restores import KNOWN

OWNER = UserId("U01ONCALL")


def restore(name: str = "R1", *, vm: str | None = "db-01", **changes: Any) -> Restore:
    """A restore that is being checked; it holds "east/production/db-01"."""
    known = {
        "id": name,
        "thread_ref": ThreadRef(team="T1", channel="C1", thread="1771432200.000100"),
        "owner": OWNER,
        "request": KNOWN.model_copy(
            update={"cluster": "east", "vm": vm, "snapshot": "pre-upgrade"}
        ),
    }
    return restores.restore(**{**known, **changes})


def changed(before: Restore, **changes: Any) -> Restore:
    """What a step could make of a restore."""
    return before.model_copy(update=changes)


def ended(before: Restore) -> Restore:
    """The restore, cancelled."""
    return changed(before, phase=Phase.CANCELLED)


def said(kind: str, of: Restore | None = None) -> AuditEntry:
    """An audit entry."""
    return AuditEntry(
        at=START, restore=None if of is None else of.id, kind=OtherKind(kind), by=OWNER
    )


def typical() -> Restore:
    """A live restore on its way, with all that was shown, typed and clicked."""
    return restore(
        phase=Phase.RESTORING,
        cards=tuple(
            Card(kind=kind, number=number, opened_at=START, closed="Confirmed by the requester.")
            for number, kind in enumerate(
                (
                    CardKind.REQUEST,
                    CardKind.STOP_CHOICE,
                    CardKind.STOPPING,
                    CardKind.WARNING,
                    CardKind.CONFIRM,
                ),
                1,
            )
        ),
        proposal=Proposal(near=("database-01", "database-02")),
        preview=_preview(),
        protect=True,
        stop=Stop(strategy="Always", asked_at=START),
        typed=TypedName(by=OWNER, at=START, ts="1771432300.000200"),
        confirmation=Confirmation(by=OWNER, at=START, number=5),
        safety=Safety(name="pre-restore-db-01-20260218-163000", decided_at=START, ready_at=START),
        job=Job(
            name="restore-db-01-20260218-163000",
            decided_at=START,
            uid="9d7c0c4e-8f0e-4b51-9f0d-6a1d2b3c4d5e",
            progressing="Creating new PVCs",
            volumes_bound=2,
            volumes_total=3,
            looked_at=START,
        ),
    )


def _preview() -> Preview:
    return Preview(
        taken_at=START,
        vm_uid="0f9a54b1-0f52-4c3e-8a53-6e0f4a9d2c11",
        vm_status="Stopped",
        run_strategy="Always",
        last_modified=START - timedelta(hours=1),
        snapshot_uid="7c1b2a3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        snapshot_created=START - timedelta(hours=6, minutes=30),
        consistency=Consistency.CRASH,
        consistency_why="the guest agent did not answer when the snapshot was taken",
        disks=("rootdisk", "datadisk", "logdisk"),
        disks_left_out=("scratch",),
        shared_disks=("shared-config",),
        changes=tuple(
            Change(field=f"spec.template.spec.domain.{name}", current="4", snapshot="2")
            for name in ("cpu.cores", "memory.guest", "devices.interfaces", "devices.disks")
        ),
        more_changes=3,
        newer=tuple(f"database-01-nightly-2026021{day}" for day in range(5)),
        gitops="Argo CD application production/databases",
    )
