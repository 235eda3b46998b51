"""What is stored of the disks of a VM: what a restore does to each, and what it leaves behind.

`fates` says before the restore what becomes of each disk; `claims` judges after it what the claims of
the namespace show.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from bot.restore.thread import Stored

MAX_NAMED = 20
"""Names that a document keeps of one kind; the others are counted."""


class Fate(StrEnum):
    """What a restore does to a disk."""

    ROLLS_BACK = "rolls-back"
    """It is in the snapshot."""
    RETURNS = "returns"
    """It is in the snapshot, and the VM has no such disk today."""
    KEEPS = "keeps"
    """It was left out when the snapshot was taken: it stays in the VM with the data of today."""
    LEAVES = "leaves"
    """It was added after the snapshot: it leaves the VM, and its claim stays."""
    DELETED = "deleted"
    """It came with dataVolumeTemplates after the snapshot: the cluster deletes DataVolume and claim."""
    DETACHED = "detached"
    """It was hot-plugged into the running guest alone: the stop takes it out, and its claim stays."""
    RETURNS_AS_IS = "returns-as-is"
    """It was left out of the snapshot and left the VM since: it comes back with the data of today."""
    DUMP = "dump"
    """It is a dump of the guest's memory: no restore brings one back. It leaves the VM, its claim stays."""


class Disk(Stored):
    """One disk, and what the restore does to it."""

    name: str
    claim: str = ""
    fate: Fate
    copied: bool = True
    """The snapshot holds a copy of this very claim, not of another one under the disk's name."""
    there: bool = True
    """Of a disk that comes back as it is: its claim exists."""


class GuestState(StrEnum):
    """What a restore does to the vTPM and EFI state of a VM that keeps one."""

    ROLLS_BACK = "rolls-back"
    """With the disks; the cluster deletes the state of today when the restore is complete."""
    STAYS = "stays"
    """It is not in the snapshot: the state of today beside disks of then."""


class Coverage(Stored):
    """What a snapshot holds of its VM, and what it lacks."""

    partial: bool = False
    """The cluster calls it so."""
    missing: tuple[str, ...] = ()
    """Disks of the VM of then that it does not hold."""
    one_moment: bool = True
    """Nothing was written between the copies of its disks, which are taken one after the other."""
    guest_state: GuestState | None = None


class LeftBehindKind(StrEnum):
    """What a claim is that the VM used before a restore and does not use any more."""

    FREE = "free"
    """Nobody uses it, its data was in the snapshot, and the restored copy is bound and filled."""
    USED = "used"
    ONLY_COPY = "only-copy"
    UNFILLED = "unfilled"
    """The restored copy is filled at the first boot, so that this one is the only one with data."""
    UNPROVEN = "unproven"
    """Nothing shows that the restored copy holds the data of the snapshot."""
    OWNED = "owned"
    """Its owner makes it again, or deletes it with itself."""
    GOING = "going"
    DUMP = "dump"
    """A dump of the memory of the guest."""
    MADE = "made"
    """A restore that did not succeed has made it, and the VM does not use it."""
    UNSURE = "unsure"
    """It was not possible to look who uses it."""


class LeftBehind(Stored):
    """One claim of the state before, as it was found when the restore ended."""

    claim: str
    kind: LeftBehindKind
    by: Annotated[str, Field(max_length=400)] = ""
    """Who uses or owns it."""
