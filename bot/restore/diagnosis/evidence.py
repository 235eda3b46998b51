"""What was read of a cluster to find out why a restore does not go on.

Everything in it was written by others and is quoted, never believed to be harmless. What could not be
read is named in `unread`, so that its absence proves nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.restore.observation import Content, Quota, RestoreObject, Snapshot, Vm, Vmi


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An Event of Kubernetes about one of the objects."""

    kind: str
    name: str
    reason: str
    text: str
    warning: bool = False
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class SeenClaim:
    """A claim that the restore makes. `storage_class` is "" for the cluster's default."""

    name: str
    phase: str
    storage_class: str = ""
    bytes: int = 0
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class SeenStorageClass:
    """A StorageClass that a claim names."""

    name: str
    found: bool = True
    provisioner: str = ""
    waits: bool = False
    """Its volumes are made when somebody uses them (WaitForFirstConsumer)."""


@dataclass(frozen=True, slots=True)
class SeenVolumeSnapshot:
    """A VolumeSnapshot that a claim is to be filled from."""

    name: str
    found: bool = True
    ready: bool = False
    deleting: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class SeenDataVolume:
    """A DataVolume with the name of a claim."""

    name: str
    phase: str
    text: str = ""
    """Of the condition that is not as it should be."""


@dataclass(frozen=True, slots=True)
class SeenCondition:
    """A condition of the VMI, or of the VM."""

    kind: str
    status: str
    reason: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """A limit range for claims, in bytes; 0 for none."""

    name: str
    least: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class NotRead:
    """What could not be read, by its kind, and why. `forbidden`: a right is missing."""

    what: str
    why: str
    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known at one moment."""

    at: datetime
    namespace: str
    vm_name: str
    snapshot_name: str = ""
    restore_name: str = ""
    error: str = ""
    """What the document knows of a failure."""
    unreachable: str = ""
    """Why the cluster could not be asked at all."""
    told: bool = True
    """The objects below were read; without it `error` is all there is."""
    known: bool = False
    """The restore was seen to exist, so that its absence means that it was deleted."""
    over: bool = False
    """The restore has ended, so that a VM that runs is nothing strange."""
    protects: bool = False
    """It waits for its safety snapshot: `snapshot` is that, and what it is made of."""
    starts: bool = False
    """Its VM was to be started after the end: that is what does not go on."""
    confirmed_vm: str = ""
    """UID of the VM that was shown before the restore."""
    job: RestoreObject | None = None
    vm: Vm | None = None
    vmi: Vmi | None = None
    vmi_conditions: tuple[SeenCondition, ...] = ()
    vm_failures: tuple[str, ...] = ()
    """What its controller met when it was to make the VMI (the VM's condition `Failure`)."""
    snapshot: Snapshot | None = None
    content: Content | None = None
    events: tuple[SeenEvent, ...] = ()
    claims: tuple[SeenClaim, ...] = ()
    classes: tuple[SeenStorageClass, ...] = ()
    volume_snapshots: tuple[SeenVolumeSnapshot, ...] = ()
    data_volumes: tuple[SeenDataVolume, ...] = ()
    quotas: tuple[Quota, ...] = ()
    size_limits: tuple[SizeLimit, ...] = ()
    unread: tuple[NotRead, ...] = ()

    def was_read(self, what: str) -> bool:
        """Objects of this kind were read, so that a missing one does not exist."""
        return self.told and all(each.what != what for each in self.unread)

    @property
    def final(self) -> bool:
        """The restore has failed, so that KubeVirt does not try again by itself."""
        return not self.told or (self.job is not None and self.job.failure is not None)

    @property
    def conditions(self) -> tuple[str, ...]:
        """What the restore says of itself, each once, a failure first."""
        if self.job is None:
            return ()
        texts = (self.job.failure or "", self.job.progressing, self.job.ready)
        return tuple(dict.fromkeys(text for text in texts if text))

    @property
    def words(self) -> tuple[str, ...]:
        """What is said now: the failure, and the conditions. Events tell of the past as well."""
        own = self.of_the_start if self.starts else self.conditions
        if self.protects and self.snapshot is not None:
            own = (self.snapshot.error or "", self.snapshot.progressing)
        return tuple(dict.fromkeys(text for text in (self.error, *own) if text))

    @property
    def of_the_start(self) -> tuple[str, ...]:
        """What the VM and its VMI say of a start that does not come up."""
        stuck = [
            each.text or each.reason
            for each in self.vmi_conditions
            if (each.kind, each.status) == ("Synchronized", "False")
        ]
        return (*self.vm_failures, *stuck)

    @property
    def pending(self) -> tuple[SeenClaim, ...]:
        """Claims that are not bound."""
        return tuple(each for each in self.claims if each.phase in ("", "Pending"))

    def class_of(self, claim: SeenClaim) -> SeenStorageClass | None:
        """The class of a claim, if it was read."""
        return next((each for each in self.classes if each.name == claim.storage_class), None)

    def events_of(self, kind: str, name: str) -> tuple[SeenEvent, ...]:
        """Events about one object, the newest first."""
        found = [each for each in self.events if (each.kind, each.name) == (kind, name)]
        return tuple(sorted(found, key=_last, reverse=True))


def _last(event: SeenEvent) -> float:
    return event.last.timestamp() if event.last else 0.0
