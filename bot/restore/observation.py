"""What one reading of the cluster returns: facts, parsed in bot/cluster and judged in bot/restore.

None means "not found". Fields that were not read keep their defaults: `Observation.kind` says which
fields were read, so that the core never takes an unread object for a missing one.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class ObservationKind(StrEnum):
    """What a round needs to know."""

    CANDIDATES = "candidates"
    """Names for the open question of GATHERING."""
    FULL = "full"
    """Everything the checks need, with a dry-run create."""
    RECHECK = "recheck"
    """What was confirmed, read again just before acting: VM, VMI, snapshot, content, restores."""
    VMI = "vmi"
    """The VM and its VMI, while it stops or starts."""
    SAFETY = "safety"
    """The safety snapshot."""
    JOB = "job"
    """The VirtualMachineRestore, the VM and the new volumes."""


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of a VM. `kind` is the field of the volume source, such as "dataVolume"."""

    name: str
    kind: str
    claim: str | None = None
    """The PersistentVolumeClaim or DataVolume it names."""
    shareable: bool = False

    @property
    def holds_data(self) -> bool:
        """A PVC or DataVolume: the kinds that a snapshot must include to roll them back."""
        return self.kind in ("persistentVolumeClaim", "dataVolume")


@dataclass(frozen=True, slots=True)
class Vm:
    """A VirtualMachine."""

    namespace: str
    name: str
    uid: str
    generation: int = 0
    version: str = ""
    """Its resourceVersion: another one means that somebody has written to it, status included."""
    run_strategy: str = "Halted"
    """`spec.runStrategy`, or what `spec.running` stands for (Always or Halted)."""
    observed_run_strategy: str | None = None
    """`status.runStrategy`."""
    status: str = "Unknown"
    """`status.printableStatus`: for people only, it proves nothing."""
    deleting: bool = False
    migrating: bool = False
    start_queued: bool = False
    snapshot_in_progress: str | None = None
    restore_in_progress: str | None = None
    last_restore: str | None = None
    """Annotation `restore.kubevirt.io/lastRestoreUID`: "<restore name>-<restore uid>"."""
    last_modified: datetime | None = None
    gitops: str | None = None
    """Who else writes it: its owners (kind and name), Argo CD, Flux, Helm or another manager."""
    volumes: tuple[Volume, ...] = ()
    templates: tuple[str, ...] = ()
    """The DataVolumes of its own `dataVolumeTemplates`."""
    config: tuple[tuple[str, str], ...] = ()
    """Flat view of what people know as configuration: ("cpu", "4 cores"), ("disk root", …)."""
    specification: str = ""
    """A digest of the spec without its run strategy."""
    keeps_state: bool = False
    """Its own spec asks for a persistent vTPM or EFI; a preference may do so unseen."""
    has_instance: bool = False
    """`status.created`: what KubeVirt's controller last knew of a VMI. It may lag behind."""
    down_since: datetime | None = None
    """Since when there is no VMI: KubeVirt stamps the Ready condition anew whenever one ends."""

    def was_restored_by(self, name: str) -> bool:
        """The last VirtualMachineRestore that ran on it has this name."""
        return (self.last_restore or "").startswith(f"{name}-")

    @property
    def may_start_itself(self) -> bool:
        """The cluster may create a VMI at any moment without anybody asking again."""
        if self.start_queued or self.run_strategy in ("Always", "Once", "WaitAsReceiver"):
            return True
        if self.run_strategy == "RerunOnFailure":
            return self.observed_run_strategy not in (None, "RerunOnFailure")
        return False


@dataclass(frozen=True, slots=True)
class Vmi:
    """A VirtualMachineInstance. That the object exists is what makes a VM live."""

    uid: str
    phase: str = ""
    deleting: bool = False
    created: datetime | None = None
    """When this run of the VM began, by the API server's clock."""
    volumes: tuple[Volume, ...] = ()
    """Those that it runs with: a disk that was hot-plugged into it alone is not in the VM's."""

    paused: bool = False
    """Its guest is paused: nothing in it can answer a request to shut down."""

    agent: bool = False
    """The guest agent in it answers."""

    moved: bool = False
    """A decentralised migration has completed: the guest runs in another namespace or cluster."""

    @property
    def runs(self) -> bool:
        """The guest runs, as far as KubeVirt knows."""
        return self.phase == "Running" and not self.deleting

    @property
    def final(self) -> bool:
        """The guest has ended but the object still stands in the way."""
        return self.phase in ("Succeeded", "Failed")


class ContentLoss(StrEnum):
    """What has become of a snapshot's content, and of the data with it."""

    GONE = "gone"
    GOING = "going"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A VirtualMachineSnapshot."""

    name: str
    uid: str
    source: str
    """Name of the VM it was taken of."""
    requested_at: datetime
    created: datetime | None = None
    """`status.creationTime`, the point in time of the data."""
    phase: str = ""
    ready: bool = False
    deleting: bool = False
    error: str | None = None
    progressing: str = ""
    """Text of its `Progressing` condition."""
    content_name: str | None = None
    content_loss: ContentLoss | None = None
    """Where contents were listed beside it; its own status goes on saying that it is ready."""
    indications: tuple[str, ...] = ()
    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    """Every other volume of the VM, also those that hold no data, such as cloud-init."""
    restore_id: str | None = None
    """Our label, if this bot made it as a safety snapshot."""

    @property
    def usable(self) -> bool:
        """Not failed, ready to use, without an error, and not going away, nor its content."""
        well = self.phase != "Failed" and self.error is None and self.content_loss is None
        return well and self.ready and not self.deleting


@dataclass(frozen=True, slots=True)
class Content:
    """A VirtualMachineSnapshotContent: the only place that keeps the VM's original UID."""

    name: str
    uid: str
    ready: bool
    vm_uid: str
    deleting: bool = False
    """It waits for its finalizer; its status goes on saying that it is ready."""
    error: str | None = None
    volumes: tuple[Volume, ...] = ()
    config: tuple[tuple[str, str], ...] = ()
    sizes: tuple[tuple[str, str, int], ...] = ()
    """Volume, storage class ("" for none named) and bytes of the claim of everything copied."""
    templates: tuple[str, ...] = ()
    """The DataVolumes of the VM's `dataVolumeTemplates` of then."""
    backups: tuple[tuple[str, str], ...] = ()
    """Volume and claim of everything that was copied."""
    copies: tuple[tuple[str, str], ...] = ()
    """Volume and VolumeSnapshot of the same."""
    unready: tuple[tuple[str, str], ...] = ()
    """VolumeSnapshots that its status calls not ready, each with its error or ""."""
    specification: str = ""
    """A digest of the spec: the copy of the VM, and which VolumeSnapshot holds which disk."""

    @property
    def bytes_needed(self) -> int:
        """The sum of all sizes."""
        return sum(size for _, _, size in self.sizes)

    @property
    def usable(self) -> bool:
        """Ready, without an error, and not going away."""
        return self.ready and self.error is None and not self.deleting


@dataclass(frozen=True, slots=True)
class VolumeSnapshot:
    """A VolumeSnapshot of the storage system: the copy of one disk."""

    name: str
    ready: bool
    deleting: bool = False
    error: str | None = None
    size: int = 0
    """`status.restoreSize` in bytes: a claim that is filled from it is never smaller."""


@dataclass(frozen=True, slots=True)
class RestoreObject:
    """A VirtualMachineRestore."""

    namespace: str
    name: str
    uid: str
    target: str
    snapshot: str
    complete: bool = False
    failure: str | None = None
    """Text of a `Failure` condition, which alone is final."""
    progressing: str = ""
    ready: str = ""
    """Texts of the conditions; KubeVirt puts them into `reason`."""
    deleting: bool = False
    created: datetime | None = None
    restored_at: datetime | None = None
    claims: tuple[str, ...] = ()
    """PersistentVolumeClaims it creates."""
    volumes: tuple[tuple[str, str, str], ...] = ()
    """Volume, claim and VolumeSnapshot of each that it restores."""
    deleted: tuple[str, ...] = ()
    """DataVolumes that it deletes (`status.deletedDataVolumes`)."""
    restore_id: str | None = None
    """Our label."""
    made_by: str | None = None
    """Our annotation: the Slack user who asked."""
    clone: str | None = None
    """The VirtualMachineClone that made it, and would make it again."""
    team: str | None = None
    """Our annotations, as anybody may have written them: the workspace, and where it is told."""
    thread: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim."""

    name: str
    phase: str
    uid: str = ""
    vm: str | None = None
    """Label `restore.kubevirt.io/source-vm-name`."""
    deleting: bool = False
    created: datetime | None = None
    owners: tuple[tuple[str, str], ...] = ()
    """Kind and name of each owner."""
    restored_by: str | None = None
    """Annotation `restore.kubevirt.io/name`: the restore that made it."""
    mark: str | None = None
    """Annotation `restore.kubevirt.io/lastRestoreUID`: "<restore name>-<restore uid>"."""
    source: str | None = None
    """The VolumeSnapshot that it is filled from."""
    size: int = 0
    """Bytes that it asks for."""


@dataclass(frozen=True, slots=True)
class Use:
    """Somebody in the namespace who names a claim."""

    claim: str
    kind: str
    """VM, VMI or pod."""
    name: str


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit of a ResourceQuota that bears on volumes. Storage in bytes, claims by count."""

    name: str
    resource: str
    hard: int
    used: int


@dataclass(frozen=True, slots=True)
class ApiRejection:
    """An answer of the API server that says no. `text` is its message."""

    code: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Candidates:
    """Names that fit the open question, only those that the asker may restore."""

    namespaces: tuple[str, ...] = ()
    """Permitted namespaces that hold a VM of the requested name; not read once the VM or snapshots
    of it are there."""
    vms: tuple[str, ...] = ()
    """Names of permitted VMs, at most a few hundred."""
    snapshots: tuple[Snapshot, ...] = ()
    """Snapshots of the requested VM, newest first."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at the cluster."""

    kind: ObservationKind
    at: datetime
    """By our clock; the times of the facts are by the API server's."""
    ahead: timedelta = timedelta()
    """How far the API server's clock is ahead of this bot's, as its answers show."""
    kubevirt: bool = True
    """The snapshot API is served; False turns every other absence into "not installed"."""
    vm: Vm | None = None
    vmi: Vmi | None = None
    vm_unread: str | None = None
    """Why the VM could not be read at the end of a restore, whose object says how it went (JOB)."""
    vmi_unread: str | None = None
    """Why the VMI could not be read at the end of a restore, which does not need it (JOB)."""
    snapshot: Snapshot | None = None
    content: Content | None = None
    locked_by: Snapshot | None = None
    """The snapshot that the VM's status names, if it names one (FULL, RECHECK)."""
    snapshots: tuple[Snapshot, ...] = ()
    """All snapshots of the VM, newest first (FULL)."""
    snapshots_unread: bool = False
    """The namespace holds too many to look through them: none is named unless another is wanted."""
    restores: tuple[RestoreObject, ...] = ()
    """VirtualMachineRestores with this VM as target.

    RECHECK: all, or of many those that are not complete and those that this very restore has made.
    FULL: the one that the VM names, and unless the dry run has excluded them the others that are not
    complete; so in VMI just before a first stop. There too, and in SAFETY, those that this very
    restore has made.
    """
    quotas: tuple[Quota, ...] = ()
    dry_run: ApiRejection | None = None
    """What the dry-run create was refused with; None if it was accepted (FULL)."""
    forbidden: ApiRejection | None = None
    """A read that was refused (403), if any: then the facts above are incomplete."""
    missing_rights: tuple[str, ...] = ()
    """Rights that the restore can need and the bot does not have, such as "create pods" (FULL)."""
    safety: Snapshot | None = None
    """SAFETY, and RECHECK while its create is not answered."""
    job: RestoreObject | None = None
    claims: tuple[Claim, ...] = ()
    """Claims of the VM's disks (FULL, RECHECK), and those that the restore makes and leaves (JOB)."""
    claims_unread: str | None = None
    """Why the claims could not be read; they only add to what is known of a restore that ran."""
    uses: tuple[Use, ...] | None = None
    """Who uses which claim; None if it was not looked up."""
    uses_unread: str | None = None
    copies: tuple[VolumeSnapshot, ...] | None = None
    """The VolumeSnapshots of the content that are there (FULL, RECHECK); None if not readable."""
    classes: tuple[str, ...] | None = None
    """Those of the content's storage classes that are there (FULL, RECHECK); None if not readable."""
    candidates: Candidates = field(default_factory=Candidates)

    def by_our_clock(self, theirs: datetime) -> datetime:
        """What our clock showed at this moment of the API server's."""
        return theirs - self.ahead
