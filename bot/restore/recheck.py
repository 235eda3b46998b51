"""What is compared just before acting with what the person was shown.

The look is a RECHECK. Any difference stops the restore and is shown; none is argued away. The same
VM by UID, the same snapshot by UID and still ready, no VMI, no other restore. And not too late: a bot
that was away must not surprise people with what they agreed to long ago.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.restore import moves
from bot.restore.checks import others_in_progress
from bot.restore.facts import Scene, Vm
from bot.restore.model import Outcome, Phase, Preview, Reason, Restore

CHANGED = Reason.CHANGED_SINCE_CONFIRMATION
ACT_WITHIN = timedelta(minutes=10)
"""How long after a decision the bot may still act on it."""


def overslept(restore: Restore, now: datetime) -> bool:
    """Too much time has passed in this phase without the act it was entered for."""
    return now >= restore.entered_at + ACT_WITHIN


def too_late(restore: Restore, now: datetime) -> Restore:
    """The bot could not act in time: what was agreed to then is asked anew."""
    minutes = int(ACT_WITHIN.total_seconds() // 60)
    outcome = Outcome(
        reason=Reason.CONFIRMATION_TOO_OLD,
        at=now,
        found=f"I could not act within {minutes} minutes after you decided.",
        expected="An act right after the decision.",
        next="Nothing was restored. Start over to see the state as it is now.",
    )
    return moves.end(restore, Phase.REFUSED, outcome, "Too late")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the person confirmed it."""

    reason: Reason
    text: str


def differences(scene: Scene, restore: Restore) -> tuple[Difference, ...]:
    """Everything that is not as it was shown; empty means: go."""
    shown = restore.preview
    if shown is None:
        return (Difference(CHANGED, "Nothing was shown to be confirmed."),)
    if not scene.kubevirt:
        missing = "The cluster does not serve the snapshot.kubevirt.io API any more."
        return (Difference(Reason.KUBEVIRT_MISSING, missing),)
    if scene.forbidden is not None:
        return (Difference(Reason.RBAC_FORBIDDEN, scene.forbidden.text),)
    if scene.vm is None:
        gone = f"VM `{restore.wish.vm}` does not exist any more."
        return (Difference(Reason.VM_DELETED, gone),)
    return (
        *_vm_differences(scene, scene.vm, shown),
        *_snapshot_differences(scene, scene.vm, restore, shown),
        *_neighbours(scene, scene.vm, restore),
    )


def _vm_differences(scene: Scene, vm: Vm, shown: Preview) -> Iterator[Difference]:
    if vm.uid != shown.vm_uid:
        yield Difference(CHANGED, f"The VM was re-created: UID {shown.vm_uid} → {vm.uid}.")
    if vm.deleting:
        yield Difference(CHANGED, "The VM is being deleted.")
    if scene.vmi is not None:
        state = f"phase {scene.vmi.phase or 'unknown'}"
        yield Difference(Reason.VM_STARTED, f"The VM was stopped; now it is live ({state}).")
    elif vm.may_start_itself:
        how = f"run strategy {vm.run_strategy}"
        yield Difference(Reason.VM_STARTED, f"The VM was stopped; now it is set to start ({how}).")


def _snapshot_differences(
    scene: Scene, vm: Vm, restore: Restore, shown: Preview
) -> Iterator[Difference]:
    snapshot, content = scene.snapshot, scene.content
    if snapshot is None:
        gone = f"Snapshot `{restore.wish.snapshot}` does not exist any more."
        yield Difference(CHANGED, gone)
        return
    if snapshot.uid != shown.snapshot_uid:
        text = f"The snapshot was re-created: UID {shown.snapshot_uid} → {snapshot.uid}."
        yield Difference(CHANGED, text)
    if not snapshot.usable:
        yield Difference(CHANGED, "The snapshot was ready to use; now it is not.")
    if content is None or not content.ready:
        yield Difference(CHANGED, "The snapshot's content was ready; now it is not.")
    elif content.vm_uid != vm.uid:
        yield Difference(CHANGED, "The snapshot's content belongs to another VM.")


def _neighbours(scene: Scene, vm: Vm, restore: Restore) -> Iterator[Difference]:
    names = {other.name for other in others_in_progress(scene, restore)}
    own = restore.job.name if restore.job else None
    if vm.restore_in_progress is not None and vm.restore_in_progress != own:
        names.add(vm.restore_in_progress)
    for name in sorted(names):
        yield Difference(CHANGED, f"Another restore of this VM has begun: `{name}`.")
    if vm.snapshot_in_progress is not None:
        yield Difference(CHANGED, f"Snapshot `{vm.snapshot_in_progress}` is being taken.")


def stop_at_difference(restore: Restore, found: tuple[Difference, ...], now: datetime) -> Restore:
    """Something is not as it was confirmed: the restore ends and shows it."""
    reason = found[0].reason if len(found) == 1 else Reason.CHANGED_SINCE_CONFIRMATION
    first = next((each.reason for each in found if each.reason is Reason.VM_STARTED), reason)
    outcome = Outcome(
        reason=first,
        at=now,
        found=" ".join(each.text for each in found),
        expected="Everything as it was when you confirmed.",
        next="Nothing was restored. Start over to see the state as it is now.",
    )
    return moves.end(restore, Phase.REFUSED, outcome, "Stopped before acting")
