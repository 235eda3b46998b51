"""What the document keeps of the stop of its VM before the restore, and of a start after it."""

from pydantic import AwareDatetime

from bot.restore.diagnosis.model import Diagnosis
from bot.restore.thread import Stored, UserId
from bot.restore.vmstate import VmState


class Stop(Stored):
    """The stop of a live VM."""

    strategy: str
    """The run strategy before the bot touched the VM."""
    asked_at: AwareDatetime | None = None
    """When the first stop was sent (or decided to be sent); None while only agreed to."""
    vmi: str | None = None
    """UID of the VMI that the first stop was sent to."""
    wait_until: AwareDatetime | None = None
    force: bool = False
    done_at: AwareDatetime | None = None
    error: str | None = None
    vm_state: VmState | None = None
    """How the VM stood when our stop, after the confirmation, had come to its end."""


class Start(Stored):
    """A request to start the VM after the end of the restore."""

    by: UserId
    at: AwareDatetime
    done_at: AwareDatetime | None = None
    error: str | None = None
    late_at: AwareDatetime | None = None
    """When it was told that the VM does not come up."""
    diagnosis: Diagnosis | None = None
    """Why not, as far as that was found out."""
    runs_at: AwareDatetime | None = None
    """When the VM was first seen running after it."""
    agent_at: AwareDatetime | None = None
    """When its guest agent was first seen."""

    @property
    def pending(self) -> bool:
        """It has neither happened nor failed."""
        return self.done_at is None and self.error is None
