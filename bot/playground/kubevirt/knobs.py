"""How long things take, and what is switched off. Seconds of the given clock; None means never.

Change a knob at any time, then call `KubeSim.nudge` so that waiting controllers look again.
"""

from dataclasses import dataclass, field, replace


@dataclass(slots=True)
class Guest:
    """How one VM's guest behaves."""

    schedule: float = 1.0
    boot: float = 4.0
    shutdown: float = 5.0
    removal: float = 1.0
    has_agent: bool = True
    ignores_shutdown: bool = False
    crashes_at_boot: bool = False
    unschedulable: str = ""
    """What the scheduler says, if no node takes its pod."""
    freeze_times_out: bool = False


@dataclass(slots=True)
class Disks:
    """How a storage class behaves: `bind` a new volume, `cut` a snapshot, `upload` it until ready."""

    bind: float | None = 3.0
    cut: float | None = 1.0
    upload: float | None = 2.0
    error: str = ""


@dataclass(slots=True)
class Knobs:
    """The whole cluster's behaviour."""

    guest: Guest = field(default_factory=Guest)
    disks: Disks = field(default_factory=Disks)
    guests: dict[tuple[str, str], Guest] = field(default_factory=dict)
    classes: dict[str, Disks] = field(default_factory=dict)
    import_after: float | None = 5.0
    bookmark_every: float = 60.0
    kubevirt_version: str = "v1.9.0"
    snapshot_gate: bool = True
    restores_want_halted: bool = False
    """The webhook of KubeVirt up to 1.3, and 1.4.0: the target's run strategy must be Halted."""
    virt_api_down: bool = False
    stuck_volume_snapshots: set[tuple[str, str]] = field(default_factory=set)
    absent_groups: set[str] = field(default_factory=set)
    absent_versions: set[str] = field(default_factory=set)
    """As "snapshot.kubevirt.io/v1beta1": KubeVirt up to 1.2 serves v1alpha1 alone."""
    absent_restore_fields: set[str] = field(default_factory=set)

    def versions(self, group: str, known: tuple[str, ...]) -> tuple[str, ...]:
        """Those of its versions in which a group is served."""
        return tuple(each for each in known if f"{group}/{each}" not in self.absent_versions)

    def of_guest(self, namespace: str, name: str) -> Guest:
        """The knobs that hold for one VM: its own, or everybody's."""
        return self.guests.get((namespace, name), self.guest)

    def own_guest(self, namespace: str, name: str) -> Guest:
        """The knobs of one VM alone, to be turned."""
        return self.guests.setdefault((namespace, name), replace(self.guest))

    def of_class(self, name: str | None) -> Disks:
        """The knobs that hold for a storage class."""
        return self.classes.get(name or "", self.disks)

    def own_class(self, name: str) -> Disks:
        """The knobs of one storage class alone, to be turned."""
        return self.classes.setdefault(name, replace(self.disks))
