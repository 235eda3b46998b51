"""What is to be looked at, and for which restore."""

from collections.abc import Collection
from dataclasses import dataclass

from bot.restore.events import CreateRestore
from bot.restore.model import Restore
from bot.restore.observation import ObservationKind
from bot.restore.target import VmRef


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be looked at."""

    kind: ObservationKind
    restore: Restore
    effect: CreateRestore | None = None
    """For FULL: the very restore that a dry run is to try."""
    permitted: Collection[str] | None = None
    """The namespaces that names may be offered from; None for all."""

    @property
    def vm_ref(self) -> VmRef:
        """The VM. Raises ValueError where there is none yet."""
        vm_ref = self.restore.request.vm_ref
        return self.restore.target.vm_ref if vm_ref is None else vm_ref

    @property
    def vm(self) -> str:
        """The VM's name."""
        return self.vm_ref.vm

    @property
    def snapshot(self) -> str:
        """The snapshot's name. Raises ValueError where there is none yet."""
        return self.restore.target.snapshot
