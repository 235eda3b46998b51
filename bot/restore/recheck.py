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
from bot.restore.claims import taken_names
from bot.restore.facts import Scene, Vm
from bot.restore.model import Outcome, Phase, Preview, Reason, Restore
from bot.words import endings
from bot.words import refusals as texts

MOST_TAKEN = 5
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
        found=texts.TOO_LATE.found.format(minutes=minutes),
        expected=texts.TOO_LATE.expected,
        next=texts.TOO_LATE.next,
    )
    return moves.end(restore, Phase.REFUSED, outcome, endings.TOO_LATE)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the person confirmed it."""

    reason: Reason
    text: str


def differences(scene: Scene, restore: Restore) -> tuple[Difference, ...]:
    """Everything that is not as it was shown; empty means: go."""
    shown = restore.preview
    if shown is None:
        return (Difference(CHANGED, texts.NOTHING_SHOWN),)
    if not scene.kubevirt:
        return (Difference(Reason.KUBEVIRT_MISSING, texts.NOT_SERVED),)
    if scene.forbidden is not None:
        return (Difference(Reason.RBAC_FORBIDDEN, scene.forbidden.text),)
    if scene.vm is None:
        gone = texts.VM_GONE.format(vm=restore.wish.vm)
        return (Difference(Reason.VM_DELETED, gone),)
    return (
        *_vm_differences(scene, scene.vm, shown),
        *_snapshot_differences(scene, scene.vm, restore, shown),
        *_neighbours(scene, scene.vm, restore),
        *_taken(scene, restore),
    )


def _vm_differences(scene: Scene, vm: Vm, shown: Preview) -> Iterator[Difference]:
    if vm.uid != shown.vm_uid:
        yield Difference(CHANGED, texts.VM_IS_OTHER.format(before=shown.vm_uid, now=vm.uid))
    if vm.deleting:
        yield Difference(CHANGED, texts.VM_GOES)
    if scene.vmi is not None:
        live = texts.VM_IS_LIVE.format(phase=scene.vmi.phase or "unknown")
        yield Difference(Reason.VM_STARTED, live)
    elif vm.may_start_itself:
        starting = texts.VM_WILL_START.format(strategy=vm.run_strategy)
        yield Difference(Reason.VM_STARTED, starting)


def _snapshot_differences(
    scene: Scene, vm: Vm, restore: Restore, shown: Preview
) -> Iterator[Difference]:
    snapshot, content = scene.snapshot, scene.content
    if snapshot is None:
        gone = texts.SNAPSHOT_GONE.format(snapshot=restore.wish.snapshot)
        yield Difference(CHANGED, gone)
        return
    if snapshot.uid != shown.snapshot_uid:
        text = texts.SNAPSHOT_IS_OTHER.format(before=shown.snapshot_uid, now=snapshot.uid)
        yield Difference(CHANGED, text)
    if not snapshot.usable:
        yield Difference(CHANGED, texts.SNAPSHOT_UNREADY)
    if content is None or not content.ready:
        yield Difference(CHANGED, texts.CONTENT_UNREADY)
    elif content.vm_uid != vm.uid:
        yield Difference(CHANGED, texts.CONTENT_OF_OTHER_VM)


def _neighbours(scene: Scene, vm: Vm, restore: Restore) -> Iterator[Difference]:
    names = {other.name for other in others_in_progress(scene, restore)}
    own = restore.job.name if restore.job else None
    if vm.restore_in_progress is not None and vm.restore_in_progress != own:
        names.add(vm.restore_in_progress)
    for name in sorted(names):
        yield Difference(CHANGED, texts.OTHER_RESTORE.format(name=name))
    if vm.snapshot_in_progress is not None:
        taken = texts.OTHER_SNAPSHOT.format(name=vm.snapshot_in_progress)
        yield Difference(CHANGED, taken)


def _taken(scene: Scene, restore: Restore) -> Iterator[Difference]:
    for claim in taken_names(scene, restore)[:MOST_TAKEN]:
        yield Difference(Reason.NAME_TAKEN, texts.NAME_IS_TAKEN.format(claim=claim))


def stop_at_difference(restore: Restore, found: tuple[Difference, ...], now: datetime) -> Restore:
    """Something is not as it was confirmed: the restore ends and shows it."""
    reason = found[0].reason if len(found) == 1 else Reason.CHANGED_SINCE_CONFIRMATION
    first = next((each.reason for each in found if each.reason is Reason.VM_STARTED), reason)
    outcome = Outcome(
        reason=first,
        at=now,
        found=texts.CHANGED.found.format(differences=" ".join(each.text for each in found)),
        expected=texts.CHANGED.expected,
        next=texts.CHANGED.next,
    )
    return moves.end(restore, Phase.REFUSED, outcome, endings.STOPPED_BEFORE_ACTING)
