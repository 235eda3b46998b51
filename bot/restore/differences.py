"""The differences between what a person was shown and what is there: a table of named comparisons.

`DIFFERENCES` is what a look just before the act is held to. The comparisons of two states of the VM,
and of the snapshot, are tables of their own: those of the VM are also asked before it is stopped.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.restore import backing
from bot.restore.claims import taken_names
from bot.restore.cut import named, told
from bot.restore.effects import confirmed_name
from bot.restore.locks import others_in_progress, snapshot_lock
from bot.restore.model import Preview, Restore
from bot.restore.observation import Observation, Vm
from bot.restore.reasons import Reason
from bot.restore.vmstate import SnapshotState, VmState, edited, snapshot_state, state_of
from bot.texts import refusals as texts

MAX_NAMED = 5
CHANGED = Reason.CHANGED_SINCE_CONFIRMATION


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the person confirmed it."""

    reason: Reason
    text: str


@dataclass(frozen=True, slots=True)
class Compared:
    """Both sides: the restore with what was shown of it, and the look just before the act."""

    restore: Restore
    shown: Preview
    seen: Observation
    vm: Vm

    @property
    def same_vm(self) -> bool:
        """The VM is the one that was shown; another one differs in everything."""
        return self.vm.uid == self.shown.vm_uid

    @property
    def live(self) -> bool:
        """It runs, or the cluster will start it: then it says nothing of when it was down."""
        return self.seen.vmi is not None or self.vm.may_start_itself


def differences(observation: Observation, restore: Restore) -> tuple[Difference, ...]:
    """Everything that is not as it was shown; empty means: go."""
    shown = restore.preview
    if shown is None:
        return (Difference(CHANGED, texts.NOTHING_SHOWN),)
    if not observation.kubevirt:
        return (Difference(Reason.KUBEVIRT_MISSING, texts.NOT_SERVED),)
    if observation.forbidden is not None:
        return (Difference(Reason.RBAC_FORBIDDEN, observation.forbidden.text),)
    if observation.vm is None:
        gone = texts.VM_GONE.format(vm=restore.target.vm)
        return (Difference(Reason.VM_DELETED, gone),)
    both = Compared(restore, shown, observation, observation.vm)
    return tuple(found for difference in DIFFERENCES for found in difference(both))


# The VM


def vm_is_the_same(both: Compared) -> Iterator[Difference]:
    """The VM has not been deleted and made again under its name."""
    if not both.same_vm:
        words = texts.VM_IS_OTHER.format(before=both.shown.vm_uid, now=both.vm.uid)
        yield Difference(CHANGED, words)


def vm_stays(both: Compared) -> Iterator[Difference]:
    """It is not being deleted."""
    if both.vm.deleting:
        yield Difference(Reason.VM_BEING_DELETED, texts.VM_GOES)


def vm_is_down(both: Compared) -> Iterator[Difference]:
    """Nobody has started it, and the cluster will not."""
    if both.seen.vmi is not None:
        live = texts.VM_IS_LIVE.format(phase=both.seen.vmi.phase or "unknown")
        yield Difference(Reason.VM_STARTED, live)
    elif both.vm.may_start_itself:
        starting = texts.VM_WILL_START.format(strategy=both.vm.run_strategy)
        yield Difference(Reason.VM_STARTED, starting)


def vm_stands_as_shown(both: Compared) -> Iterator[Difference]:
    """Its specification, its history and its claims; one that is live is told as that alone."""
    if both.same_vm:
        comparisons = EDITS if both.live else COMPARISONS
        now = state_of(both.vm, claims=None if both.live else both.seen.claims)
        yield from compared(both.restore, now, comparisons)


def specification_is_the_same(before: VmState, now: VmState) -> str | None:
    """Nobody has edited the VM, added a disk to it or taken one away."""
    if before.specification == now.specification:
        return None
    fields = [
        texts.VM_EDITED_FIELD.format(field=field, before=was or texts.NONE, now=is_ or texts.NONE)
        for field, was, is_ in edited(before, now)
    ]
    unnamed = texts.VM_EDITED_ELSEWHERE.format(before=before.generation, now=now.generation)
    return texts.VM_EDITED.format(changes="; ".join(fields) or unnamed)


def generation_is_the_same(before: VmState, now: VmState) -> str | None:
    """Not started and stopped again either, which leaves the rest of the specification as it was."""
    if before.generation == now.generation or before.specification != now.specification:
        return None
    return texts.VM_REWRITTEN.format(before=before.generation, now=now.generation)


def run_strategy_is_the_same(before: VmState, now: VmState) -> str | None:
    """The VM will start, or not, as it was said."""
    if before.run_strategy in (None, now.run_strategy):
        return None
    return texts.VM_STRATEGY.format(before=before.run_strategy, now=now.run_strategy)


def nobody_restored_it(before: VmState, now: VmState) -> str | None:
    """No restore by anybody has put other disks into it."""
    if before.last_restore == now.last_restore:
        return None
    then, here = (_quoted(each) for each in (before.last_restore, now.last_restore))
    return texts.VM_RESTORED.format(before=then, now=here)


def it_stayed_down(before: VmState, now: VmState) -> str | None:
    """The guest has not run, and so not written: a Manual VM leaves no other trace of that."""
    if before.down_since == now.down_since:
        return None
    return texts.VM_RAN.format(before=moment(before.down_since), now=moment(now.down_since))


def same_tool_writes_it(before: VmState, now: VmState) -> str | None:
    """No GitOps tool that the warning did not name owns the VM by now."""
    if before.written_by == now.written_by:
        return None
    then, here = before.written_by or texts.NOBODY, now.written_by or texts.NOBODY
    return texts.VM_WRITTEN_BY.format(before=then, now=here)


def claims_are_the_same(before: VmState, now: VmState) -> str | None:
    """Nobody has deleted the claim of a disk, or made another under its name."""
    if before.claims is None or now.claims is None:
        return texts.CLAIMS_NOT_SHOWN
    then, here = dict(before.claims), dict(now.claims)
    changed = [
        texts.CLAIM_CHANGED.format(
            claim=name, before=then[name] or texts.NONE, now=uid or texts.NONE
        )
        for name, uid in here.items()
        if then.get(name, uid) != uid
    ]
    return " ".join(told(changed, MAX_NAMED)) or None


def claims_have_their_size(before: VmState, now: VmState) -> str | None:
    """Nobody has enlarged a disk, which would come back smaller than it was said."""
    then, here = dict(before.sizes or ()), dict(now.sizes or ())
    changed = [
        texts.CLAIM_RESIZED.format(claim=name, before=_gib(then[name]), now=_gib(size))
        for name, size in here.items()
        if then.get(name, size) != size
    ]
    return " ".join(told(changed, MAX_NAMED)) or None


StateComparison = Callable[[VmState, VmState], str | None]
EDITS: tuple[StateComparison, ...] = (specification_is_the_same, nobody_restored_it)
"""What the bot itself never changes before the restore."""
COMPARISONS: tuple[StateComparison, ...] = (
    *EDITS,
    generation_is_the_same,
    run_strategy_is_the_same,
    it_stayed_down,
    same_tool_writes_it,
    claims_are_the_same,
    claims_have_their_size,
)


def compared(
    restore: Restore, now: VmState, comparisons: tuple[StateComparison, ...]
) -> Iterator[Difference]:
    """The VM's state as it was shown, against what it is now."""
    before = shown_state(restore)
    if before is None:
        yield Difference(CHANGED, texts.SHOWN_BY_OLDER)
        return
    for comparison in comparisons:
        if text := comparison(before, now):
            yield Difference(CHANGED, text)


def shown_state(restore: Restore) -> VmState | None:
    """What was shown, but for what the bot's own stop after the confirmation has changed."""
    shown = restore.preview.vm_state if restore.preview else None
    stopped = restore.stop.vm_state if restore.stop else None
    if shown is None or stopped is None:
        return shown
    own = ("generation", "down_since", "run_strategy")
    return shown.model_copy(update={field: getattr(stopped, field) for field in own})


# The snapshot


def snapshot_is_the_same(both: Compared) -> Iterator[Difference]:
    """The snapshot has not been deleted, nor made again under its name."""
    snapshot = both.seen.snapshot
    if snapshot is None:
        gone = texts.SNAPSHOT_GONE.format(snapshot=both.restore.target.snapshot)
        yield Difference(CHANGED, gone)
    elif snapshot.uid != both.shown.snapshot_uid:
        text = texts.SNAPSHOT_IS_OTHER.format(before=both.shown.snapshot_uid, now=snapshot.uid)
        yield Difference(CHANGED, text)


def snapshot_is_usable(both: Compared) -> Iterator[Difference]:
    """It is not being deleted, and still says that it is ready."""
    snapshot = both.seen.snapshot
    if snapshot is not None and snapshot.deleting:
        yield Difference(Reason.SNAPSHOT_BEING_DELETED, texts.SNAPSHOT_GOES)
    elif snapshot is not None and not snapshot.usable:
        yield Difference(CHANGED, texts.SNAPSHOT_UNREADY)


def content_is_usable(both: Compared) -> Iterator[Difference]:
    """What holds the data stays, is ready and is of this VM."""
    content = both.seen.content
    if both.seen.snapshot is None:
        return
    if content is not None and content.deleting:
        yield Difference(Reason.SNAPSHOT_CONTENT_BEING_DELETED, texts.CONTENT_GOES)
    elif content is not None and content.error is not None:
        yield Difference(CHANGED, texts.CONTENT_HAS_ERROR.format(error=content.error))
    elif content is None or not content.ready:
        yield Difference(CHANGED, texts.CONTENT_UNREADY)
    elif content.vm_uid != both.vm.uid:
        yield Difference(CHANGED, texts.CONTENT_OF_OTHER_VM)


def snapshot_stands_as_shown(both: Compared) -> Iterator[Difference]:
    """The same snapshot says and holds the same as in the warning."""
    snapshot, content, before = both.seen.snapshot, both.seen.content, both.shown.snapshot_state
    if snapshot is None or content is None or snapshot.uid != both.shown.snapshot_uid:
        return
    if before is None:
        yield Difference(CHANGED, texts.SHOWN_BY_OLDER)
        return
    now = snapshot_state(snapshot, content)
    for comparison in SNAPSHOT_COMPARISONS:
        if text := comparison(before, now):
            yield Difference(CHANGED, text)


def point_in_time_is_the_same(before: SnapshotState, now: SnapshotState) -> str | None:
    """The time whose data comes back."""
    if before.created == now.created:
        return None
    return texts.SNAPSHOT_TIME.format(before=moment(before.created), now=moment(now.created))


def disks_are_the_same(before: SnapshotState, now: SnapshotState) -> str | None:
    """The disks that roll back."""
    if before.volumes == now.volumes:
        return None
    return texts.SNAPSHOT_DISKS.format(before=_names(before.volumes), now=_names(now.volumes))


def consistency_is_the_same(before: SnapshotState, now: SnapshotState) -> str | None:
    """How far the guest's files can be trusted."""
    if before.indications == now.indications:
        return None
    then, here = _names(before.indications), _names(now.indications)
    return texts.SNAPSHOT_CONSISTENCY.format(before=then, now=here)


def content_is_the_same(before: SnapshotState, now: SnapshotState) -> str | None:
    """The object that holds the data, and what it holds."""
    if before.content != now.content:
        return texts.CONTENT_IS_OTHER.format(before=before.content, now=now.content)
    if before.specification != now.specification:
        return texts.CONTENT_EDITED.format(before=before.specification, now=now.specification)
    return None


SnapshotComparison = Callable[[SnapshotState, SnapshotState], str | None]
SNAPSHOT_COMPARISONS: tuple[SnapshotComparison, ...] = (
    point_in_time_is_the_same,
    disks_are_the_same,
    consistency_is_the_same,
    content_is_the_same,
)


# Others


def nobody_else_restores(both: Compared) -> Iterator[Difference]:
    """No other restore of the VM has begun."""
    others = others_in_progress(both.seen, both.restore)
    clones = {other.name: other.clone for other in others if other.clone}
    names = {other.name for other in others}
    own = both.restore.job.name if both.restore.job else None
    if both.vm.restore_in_progress is not None and both.vm.restore_in_progress != own:
        names.add(both.vm.restore_in_progress)
    for name in sorted(names):
        words = texts.CLONE_BEGAN if name in clones else texts.OTHER_RESTORE
        yield Difference(CHANGED, words.format(name=name, clone=clones.get(name)))


def nobody_takes_a_snapshot(both: Compared) -> Iterator[Difference]:
    """No snapshot holds the VM but our safety snapshot; what holds it is read and told."""
    safety = both.restore.safety
    own = safety.name if safety else confirmed_name("pre-restore", both.restore)
    lock = snapshot_lock(both.seen)
    if lock is not None and both.vm.snapshot_in_progress != own:
        yield Difference(CHANGED, lock.text.found.format_map(lock.values))


def names_are_free(both: Compared) -> Iterator[Difference]:
    """With PrefixTargetName, no claim has taken the name of a restored volume."""
    taken = taken_names(both.seen, both.restore)
    said = [texts.NAME_IS_TAKEN.format(claim=claim) for claim in taken]
    for each in told(said, MAX_NAMED):
        yield Difference(Reason.NAME_TAKEN, each)


def storage_stands(both: Compared) -> Iterator[Difference]:
    """The copies of the disks, the claims that stay in use and the storage classes are all there."""
    for look in (backing.copies_are_there, backing.claims_stay, backing.classes_exist):
        found = list(look(both.seen, both.restore))
        for text in told([each.text for each in found], MAX_NAMED):
            yield Difference(found[0].reason, text)


DIFFERENCES: tuple[Callable[[Compared], Iterator[Difference]], ...] = (
    vm_is_the_same,
    vm_stays,
    vm_is_down,
    vm_stands_as_shown,
    snapshot_is_the_same,
    snapshot_is_usable,
    content_is_usable,
    snapshot_stands_as_shown,
    storage_stands,
    nobody_else_restores,
    nobody_takes_a_snapshot,
    names_are_free,
)


def moment(when: datetime | None) -> str:
    """A moment in UTC, to the second."""
    return texts.SECOND.format(when=when) if when else texts.NOT_KNOWN


def _gib(size: int) -> str:
    return texts.GIB.format(amount=f"{size / 1024**3:.1f}")


def _quoted(name: str | None) -> str:
    return f"`{name}`" if name else texts.NONE


def _names(names: tuple[str, ...]) -> str:
    return named([f"`{each}`" for each in names], MAX_NAMED) or texts.NONE
