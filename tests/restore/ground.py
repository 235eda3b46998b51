"""A cluster of plain facts, and the honest scene that each look would bring back from it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.restore.effects import RESTORE_ID
from bot.restore.events import CreateRestore, CreateSnapshot
from bot.restore.model import Phase, Restore
from bot.restore.observation import (
    ApiRejection,
    Candidates,
    Claim,
    Content,
    Observation,
    ObservationKind,
    Quota,
    RestoreObject,
    Snapshot,
    Vm,
    Vmi,
    Volume,
    VolumeSnapshot,
)
from bot.restore.rules import VolumePolicy

_PREFIX = VolumePolicy.PREFIX_TARGET_NAME
NOW = datetime(2026, 2, 18, 16, 30, tzinfo=UTC)
NAMESPACE, VM_NAME, SNAPSHOT_NAME = "production", "database-01", "pre-upgrade-snapshot"
SERVED_NO_MORE = ApiRejection(403, "Forbidden", "cannot get virtualmachines")

VM = Vm(
    namespace=NAMESPACE,
    name=VM_NAME,
    uid="vm-1",
    generation=3,
    specification="as-it-was",
    down_since=NOW - timedelta(days=1),
    status="Stopped",
    volumes=(Volume("root", "dataVolume", claim="root-claim"),),
    config=(("cpu", "4 cores"),),
)
RUNNING = replace(
    VM, generation=2, run_strategy="Always", status="Running", has_instance=True, down_since=None
)
VMI = Vmi(uid="vmi-1", phase="Running")
SNAPSHOT = Snapshot(
    name=SNAPSHOT_NAME,
    uid="snapshot-1",
    source=VM_NAME,
    requested_at=NOW - timedelta(hours=6, minutes=30),
    created=NOW - timedelta(hours=6, minutes=30),
    phase="Succeeded",
    ready=True,
    content_name="content-1",
    included=("root",),
)
CONTENT = Content(
    name="content-1",
    uid="content-uid-1",
    ready=True,
    vm_uid="vm-1",
    volumes=VM.volumes,
    config=VM.config,
    sizes=(("root", "fast", 10 * 1024**3),),
    backups=(("root", "root-claim"),),
    copies=(("root", "vs-root"),),
    specification="as-copied",
)
COPY = VolumeSnapshot("vs-root", ready=True, size=10 * 1024**3)
CLAIM = Claim("root-claim", "Bound", uid="claim-1")
CANDIDATES = Candidates(namespaces=(NAMESPACE,), vms=(VM_NAME, "web-01"), snapshots=(SNAPSHOT,))


@dataclass(frozen=True, slots=True)
class Ground:
    """What is really there. Everything is well by default, and the VM is stopped."""

    vm: Vm | None = VM
    vmi: Vmi | None = None
    snapshots: tuple[Snapshot, ...] = (SNAPSHOT,)
    content: Content | None = CONTENT
    restores: tuple[RestoreObject, ...] = ()
    locked_by: Snapshot | None = None
    claims: tuple[Claim, ...] = (CLAIM,)
    copies: tuple[VolumeSnapshot, ...] | None = (COPY,)
    classes: tuple[str, ...] | None = ("fast",)
    quotas: tuple[Quota, ...] = ()
    dry_run: ApiRejection | None = None
    forbidden: ApiRejection | None = None
    missing_rights: tuple[str, ...] = ()
    kubevirt: bool = True
    candidates: Candidates = CANDIDATES
    ahead: timedelta = timedelta()
    policy: VolumePolicy | None = None
    """The setting of the restore that looks at it; with PrefixTargetName the claims are read."""

    def but(self, **changes: Any) -> "Ground":
        """The same with some facts changed."""
        return replace(self, **changes)

    def snapshot(self, name: str | None) -> Snapshot | None:
        """The snapshot of this name."""
        return next((each for each in self.snapshots if each.name == name), None)

    def observation(
        self, kind: ObservationKind, restore: Restore, at: datetime = NOW
    ) -> Observation:
        """What that look would read, and no more than that."""
        live = not restore.phase.ended
        if not self.kubevirt and (kind is not ObservationKind.VMI or live):
            return Observation(kind, at, kubevirt=False)
        requested = self.snapshot(restore.request.snapshot)
        match kind:
            case ObservationKind.CANDIDATES:
                facts: dict[str, Any] = {"candidates": self.candidates}
            case ObservationKind.FULL:
                facts = {
                    "vm": self.vm,
                    "vmi": self.vmi,
                    "snapshot": requested,
                    "content": self.content if requested else None,
                    "snapshots": self.snapshots,
                    "locked_by": self.locked_by,
                    "restores": self.restores,
                    **self._storage(restore),
                    "quotas": self.quotas,
                    "dry_run": self.dry_run,
                    "missing_rights": self.missing_rights,
                    "candidates": Candidates() if self.vm else self.candidates,
                }
            case ObservationKind.RECHECK:
                facts = {
                    "vm": self.vm,
                    "vmi": self.vmi,
                    "snapshot": requested,
                    "content": self.content if requested else None,
                    "locked_by": self.locked_by,
                    "restores": self.restores,
                    **self._storage(restore),
                }
                facts |= self._begun_snapshot(restore)
            case ObservationKind.VMI:
                facts = {"vm": self.vm, "vmi": self.vmi}
                if live:
                    facts["restores"] = self._before_the_restore(restore)
            case ObservationKind.SAFETY:
                named = restore.safety.name if restore.safety else None
                facts = {"safety": self.snapshot(named), "restores": self._own(restore)}
            case ObservationKind.JOB:
                facts = self._job(restore)
        if self.forbidden is not None:
            facts = dict.fromkeys(facts.keys() & {"vm", "vmi", "snapshot", "job", "safety"})
        return Observation(kind, at, self.ahead, forbidden=self.forbidden, **facts)

    def _storage(self, restore: Restore) -> dict[str, Any]:
        """What stands behind the snapshot, and the claims."""
        return {"claims": self._held(restore), "copies": self.copies, "classes": self.classes}

    def _held(self, restore: Restore) -> tuple[Claim, ...]:
        """The claims of the VM's disks, and of those of then; all with PrefixTargetName."""
        held = (
            *(self.vm.volumes if self.vm else ()),
            *(self.content.volumes if self.content else ()),
        )
        named = {each.claim for each in held}
        everything = restore.rules.volume_policy is _PREFIX
        return tuple(each for each in self.claims if everything or each.name in named)

    def _begun_snapshot(self, restore: Restore) -> dict[str, Any]:
        unsure = restore.phase is Phase.PROTECTING and restore.safety is not None
        return {"safety": self.snapshot(restore.safety.name)} if unsure and restore.safety else {}

    def _own(self, restore: Restore) -> tuple[RestoreObject, ...]:
        return tuple(one for one in self.restores if one.restore_id == restore.id)

    def _before_the_restore(self, restore: Restore) -> tuple[RestoreObject, ...]:
        """Its own, and before a first stop those that would begin with it."""
        own, stop = self._own(restore), restore.stop
        first = restore.phase is Phase.STOPPING and stop is not None and stop.asked_at is None
        others = (one for one in self.restores if first and not one.complete and one not in own)
        return (*own, *others)

    def _job(self, restore: Restore) -> dict[str, Any]:
        """While it runs nothing else is read but its volumes, at its end the VM as well."""
        named = restore.job.name if restore.job else None
        job = next((each for each in self.restores if each.name == named), None)
        if job is not None and not job.complete and job.failure is None:
            return {"job": job, "claims": self.claims}
        claims = (
            self.claims if job is None or not job.complete else (*self.claims, *self._made(job))
        )
        return {"job": job, "claims": claims, "vm": self.vm, "vmi": self.vmi}

    def _made(self, job: RestoreObject) -> tuple[Claim, ...]:
        """The claims that the restore has made, unless a test says what became of them."""
        told = {claim.name for claim in self.claims}
        mark = f"{job.name}-{job.uid}"
        return tuple(Claim(name, "Bound", mark=mark) for name in job.claims if name not in told)


WELL = Ground()
LIVE = Ground(vm=RUNNING, vmi=VMI)


def restore_object(effect: CreateRestore, uid: str = "restore-1", **facts: Any) -> RestoreObject:
    """The object that this effect makes."""
    return RestoreObject(
        namespace=effect.namespace,
        name=effect.name,
        uid=uid,
        target=effect.vm,
        snapshot=effect.snapshot,
        restore_id=dict(effect.labels)[RESTORE_ID],
        claims=("restored-root",),
        **facts,
    )


def foreign_restore(name: str = "of-somebody", **facts: Any) -> RestoreObject:
    """A restore of the same VM that somebody else made."""
    return RestoreObject(NAMESPACE, name, f"uid-of-{name}", VM_NAME, SNAPSHOT_NAME, **facts)


def safety_object(effect: CreateSnapshot, **facts: Any) -> Snapshot:
    """The snapshot that this effect makes, in progress."""
    made: dict[str, Any] = {
        "name": effect.name,
        "uid": "safety-1",
        "source": effect.vm,
        "requested_at": NOW,
        "phase": "InProgress",
        "restore_id": dict(effect.labels)[RESTORE_ID],
    }
    return Snapshot(**{**made, **facts})


READY: dict[str, Any] = {"phase": "Succeeded", "ready": True, "included": ("root",)}
"""What makes a snapshot one to rely on."""
