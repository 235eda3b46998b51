"""What a restore is about: the request as far as it is known, the VM it names, the complete target.

`RestoreRequest` is stored, and may lack parts while the restore is in GATHERING. From CHECKING on
nothing is missing: `Restore.target` is complete there, and what acts on a cluster or reads it takes
the names from it.
"""

from dataclasses import dataclass

from bot.restore.thread import Stored


@dataclass(frozen=True, slots=True)
class VmRef:
    """One VM of one cluster."""

    cluster: str
    namespace: str
    vm: str

    @property
    def key(self) -> str:
        """The name of its claim and of its history in the store: "cluster/namespace/vm".

        Neither a cluster of the settings nor a Kubernetes name holds a "/".
        """
        return f"{self.cluster}/{self.namespace}/{self.vm}"


@dataclass(frozen=True, slots=True)
class Target:
    """The VM that is restored, and the snapshot that it is restored from."""

    vm_ref: VmRef
    snapshot: str

    @property
    def vm(self) -> str:
        """The VM's name."""
        return self.vm_ref.vm

    @property
    def namespace(self) -> str:
        """The namespace of the VM, of its snapshots and of everything that a restore makes."""
        return self.vm_ref.namespace


class RestoreRequest(Stored):
    """What was asked for, as far as it is known."""

    cluster: str
    namespace: str | None = None
    vm: str | None = None
    snapshot: str | None = None
    described: str | None = None
    """Words that describe a snapshot ("pre-upgrade"); they filter the picker, nothing more."""

    @property
    def vm_ref(self) -> VmRef | None:
        """The VM; None until both its name and its namespace are known."""
        if not self.vm or not self.namespace:
            return None
        return VmRef(self.cluster, self.namespace, self.vm)

    @property
    def target(self) -> Target | None:
        """The complete target; None while something must still be asked."""
        vm_ref = self.vm_ref
        return Target(vm_ref, self.snapshot) if vm_ref is not None and self.snapshot else None
