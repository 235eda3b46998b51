"""What is compared just before acting with what the person was shown.

The look is a RECHECK. Any difference stops the restore and is shown; none is argued away. The same
VM by UID, not edited, not restored and not run since; the same snapshot by UID, still ready; nothing
of it going away; no VMI, no other restore. And not too late: a bot that was away must not surprise
people with what they agreed to long ago.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.restore import edits
from bot.restore.checks import others_in_progress
from bot.restore.claims import taken_names
from bot.restore.effects import confirmed_name
from bot.restore.model import Outcome, Phase, Preview, Reason, Restore, Stop, VmState
from bot.restore.observation import Content, Observation, Vm, Vmi
from bot.restore.vmstate import edited, state_of
from bot.texts import endings
from bot.texts import refusals as texts

MAX_TAKEN = 5
CHANGED = Reason.CHANGED_SINCE_CONFIRMATION
ACT_WITHIN = timedelta(minutes=10)
"""How long after a decision the bot may still act on it."""
SETTLE_WITHIN = timedelta(seconds=30)
"""How long KubeVirt may take to note in a VM's status that its VMI is gone. It takes a moment."""


def decision_expired(restore: Restore, now: datetime) -> bool:
    """Too much time has passed since the decision without the act.

    After the confirmation the clock runs from the click, whatever phase it is by now. What it waits
    for by the person's own choice does not count: our stop and our safety snapshot have limits of
    their own. Before it, the clock runs from the beginning of the phase.
    """
    clicked = restore.confirmation
    since = restore.entered_at if clicked is None else clicked.at + _waited(restore, clicked.at)
    return now >= since + ACT_WITHIN


def _waited(restore: Restore, clicked: datetime) -> timedelta:
    """How long our stop and our safety snapshot took since the click."""
    stop, safety, waited = restore.stop, restore.safety, timedelta()
    if stop is not None and stop.asked_at is not None and stop.done_at is not None:
        waited += max(timedelta(), stop.done_at - max(clicked, stop.asked_at))
    if safety is not None and safety.ready_at is not None:
        waited += max(timedelta(), safety.ready_at - max(clicked, safety.decided_at))
    return waited


def unsettled(observation: Observation) -> bool:
    """The VMI is gone, and the VM's status does not say so yet: a moment later it tells more."""
    return observation.vm is not None and observation.vmi is None and observation.vm.has_instance


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
    return edits.end(restore, Phase.REFUSED, outcome, endings.TOO_LATE)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the person confirmed it."""

    reason: Reason
    text: str


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
        gone = texts.VM_GONE.format(vm=restore.request.vm)
        return (Difference(Reason.VM_DELETED, gone),)
    return (
        *_vm_differences(observation, observation.vm, shown),
        *_state_differences(observation, observation.vm, restore),
        *_snapshot_differences(observation, observation.vm, restore, shown),
        *_neighbours(observation, observation.vm, restore),
        *_taken(observation, restore),
    )


def _vm_differences(observation: Observation, vm: Vm, shown: Preview) -> Iterator[Difference]:
    if vm.uid != shown.vm_uid:
        yield Difference(CHANGED, texts.VM_IS_OTHER.format(before=shown.vm_uid, now=vm.uid))
    if vm.deleting:
        yield Difference(Reason.VM_BEING_DELETED, texts.VM_GOES)
    if observation.vmi is not None:
        live = texts.VM_IS_LIVE.format(phase=observation.vmi.phase or "unknown")
        yield Difference(Reason.VM_STARTED, live)
    elif vm.may_start_itself:
        starting = texts.VM_WILL_START.format(strategy=vm.run_strategy)
        yield Difference(Reason.VM_STARTED, starting)


# What was shown of the VM, and what is now


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


def nobody_restored_it(before: VmState, now: VmState) -> str | None:
    """No restore by anybody has put other disks into it."""
    if before.last_restore == now.last_restore:
        return None
    then, here = (
        f"`{each}`" if each else texts.NONE for each in (before.last_restore, now.last_restore)
    )
    return texts.VM_RESTORED.format(before=then, now=here)


def it_stayed_down(before: VmState, now: VmState) -> str | None:
    """The guest has not run, and so not written: a Manual VM leaves no other trace of that."""
    if before.down_since == now.down_since:
        return None
    return texts.VM_RAN.format(before=_moment(before.down_since), now=_moment(now.down_since))


def _moment(when: datetime | None) -> str:
    return texts.SECOND.format(when=when) if when else texts.NOT_KNOWN


Comparison = Callable[[VmState, VmState], str | None]
EDITS: tuple[Comparison, ...] = (specification_is_the_same, nobody_restored_it)
"""What the bot itself never changes before the restore."""
COMPARISONS: tuple[Comparison, ...] = (*EDITS, generation_is_the_same, it_stayed_down)


def _state_differences(observation: Observation, vm: Vm, restore: Restore) -> Iterator[Difference]:
    """A VM that is live, or will be, is told as that; when it was down says nothing then."""
    if restore.preview is not None and vm.uid != restore.preview.vm_uid:
        return iter(())  # It is another VM, and told as that.
    live = observation.vmi is not None or vm.may_start_itself
    return compared(restore, vm, EDITS if live else COMPARISONS)


def compared(restore: Restore, vm: Vm, comparisons: tuple[Comparison, ...]) -> Iterator[Difference]:
    """The VM's state as it was shown, against what it is now."""
    before = _shown(restore)
    if before is None:
        yield Difference(CHANGED, texts.SHOWN_BY_OLDER)
        return
    now = state_of(vm)
    for comparison in comparisons:
        if text := comparison(before, now):
            yield Difference(CHANGED, text)


def before_a_stop(restore: Restore, observation: Observation) -> tuple[Difference, ...]:
    """What keeps a live VM from being stopped; empty means: it is the one that was to be stopped.

    The document may be older than what was done: its VM was stopped then, restored, started and is
    used. Before the first stop nothing may differ from what was shown. After it only what the stop
    itself changes, and once the VM is halted it goes down by itself.
    """
    vm, stop = observation.vm, restore.stop
    if vm is None or stop is None:
        return ()
    begun = stop.asked_at is not None or restore.confirmation is None
    going_down = begun and vm.run_strategy == "Halted"
    untouched = (nobody_restored_it,) if going_down else (*EDITS, generation_is_the_same)
    by_older = stop.asked_at is not None and _shown(restore) is None
    found = () if by_older else tuple(compared(restore, vm, untouched))
    if going_down or not _is_another_run(restore, stop, observation.vmi):
        return found
    when = _moment(observation.vmi.created if observation.vmi else None)
    return (Difference(Reason.VM_STARTED, texts.VM_STARTED_ANEW.format(when=when)), *found)


def _is_another_run(restore: Restore, stop: Stop, vmi: Vmi | None) -> bool:
    """The VMI is neither the one that was shown nor the one that a stop was sent to.

    Before the first stop a VM that crashes and starts by itself may have a new VMI: only one that is
    younger than the decision counts.
    """
    shown = restore.preview.vm_state if restore.preview else None
    if vmi is None or vmi.uid == stop.vmi:
        return False
    if stop.vmi is not None:
        return True
    known = shown is not None and vmi.uid == shown.vmi
    return (
        not known
        and vmi.created is not None
        and vmi.created > (stop.asked_at or restore.entered_at)
    )


def written_besides(restore: Restore, vm: Vm) -> tuple[Difference, ...]:
    """What was written to a VM that is down, beyond the one write of our own stop."""
    shown = restore.preview.vm_state if restore.preview else None
    if shown is None or vm.generation <= shown.generation + 1:
        return ()
    return tuple(compared(restore, vm, (*EDITS, generation_is_the_same)))


def _shown(restore: Restore) -> VmState | None:
    """What was shown, but for what the bot's own stop after the confirmation has changed."""
    shown = restore.preview.vm_state if restore.preview else None
    stopped = restore.stop.vm_state if restore.stop else None
    if shown is None or stopped is None:
        return shown
    own = {"generation": stopped.generation, "down_since": stopped.down_since}
    return shown.model_copy(update=own)


def _snapshot_differences(
    observation: Observation, vm: Vm, restore: Restore, shown: Preview
) -> Iterator[Difference]:
    snapshot, content = observation.snapshot, observation.content
    if snapshot is None:
        gone = texts.SNAPSHOT_GONE.format(snapshot=restore.request.snapshot)
        yield Difference(CHANGED, gone)
        return
    if snapshot.uid != shown.snapshot_uid:
        text = texts.SNAPSHOT_IS_OTHER.format(before=shown.snapshot_uid, now=snapshot.uid)
        yield Difference(CHANGED, text)
    if snapshot.deleting:
        yield Difference(Reason.SNAPSHOT_BEING_DELETED, texts.SNAPSHOT_GOES)
    elif not snapshot.usable:
        yield Difference(CHANGED, texts.SNAPSHOT_UNREADY)
    yield from _content_differences(content, vm)


def _content_differences(content: Content | None, vm: Vm) -> Iterator[Difference]:
    if content is not None and content.deleting:
        yield Difference(Reason.SNAPSHOT_CONTENT_BEING_DELETED, texts.CONTENT_GOES)
    elif content is not None and content.error is not None:
        yield Difference(CHANGED, texts.CONTENT_HAS_ERROR.format(error=content.error))
    elif content is None or not content.ready:
        yield Difference(CHANGED, texts.CONTENT_UNREADY)
    elif content.vm_uid != vm.uid:
        yield Difference(CHANGED, texts.CONTENT_OF_OTHER_VM)


def _neighbours(observation: Observation, vm: Vm, restore: Restore) -> Iterator[Difference]:
    names = {other.name for other in others_in_progress(observation, restore)}
    own = restore.job.name if restore.job else None
    if vm.restore_in_progress is not None and vm.restore_in_progress != own:
        names.add(vm.restore_in_progress)
    for name in sorted(names):
        yield Difference(CHANGED, texts.OTHER_RESTORE.format(name=name))
    safety = restore.safety.name if restore.safety else confirmed_name("pre-restore", restore)
    if vm.snapshot_in_progress not in (None, safety):
        taken = texts.OTHER_SNAPSHOT.format(name=vm.snapshot_in_progress)
        yield Difference(CHANGED, taken)


def _taken(observation: Observation, restore: Restore) -> Iterator[Difference]:
    for claim in taken_names(observation, restore)[:MAX_TAKEN]:
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
    return edits.end(restore, Phase.REFUSED, outcome, endings.STOPPED_BEFORE_ACTING)
