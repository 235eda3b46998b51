"""The last gate before acting: not too late, nothing unsettled, and no difference from the warning.

The look is a RECHECK. Any difference (`differences.DIFFERENCES`) stops the restore and is shown; none
is argued away. And a bot that was away must not surprise people with what they agreed to long ago.
"""

from datetime import datetime, timedelta

from bot.restore import edits
from bot.restore.differences import Difference
from bot.restore.locks import restore_lock, snapshot_lock
from bot.restore.model import Outcome, Phase, Restore
from bot.restore.observation import Observation
from bot.restore.reasons import Reason
from bot.texts import endings
from bot.texts import refusals as texts

ACT_WITHIN = timedelta(minutes=10)
"""How long after a decision the bot may still act on it."""
UNLOCKS_WITHIN = timedelta(seconds=10)
"""How long KubeVirt may take to free a VM whose snapshot or restore is done. Mostly under one."""
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


def unlocks(observation: Observation, restore: Restore) -> bool:
    """What holds the VM passes by itself within seconds, or must be looked at a second time."""
    locks = (restore_lock(observation, restore), snapshot_lock(observation))
    return any(lock is not None and (lock.passes or lock.absent) for lock in locks)


def unlocking(observation: Observation, restore: Restore, now: datetime) -> bool:
    """A snapshot that is done holds the VM by its mark alone: KubeVirt frees it within seconds."""
    lock = snapshot_lock(observation)
    return lock is not None and lock.passes and now < restore.entered_at + UNLOCKS_WITHIN


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
