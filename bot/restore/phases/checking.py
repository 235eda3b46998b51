"""The phase CHECKING: every check passes, and what the restore would do is shown, or it ends."""

from datetime import datetime

from bot.restore import edits, preview
from bot.restore.check_failure import CheckFailure
from bot.restore.checks import first_refusal, is_live
from bot.restore.denials import denial
from bot.restore.disks import Fate
from bot.restore.effects import delete_blocker
from bot.restore.events import DeleteRestore, Effect
from bot.restore.model import Phase, Preview, Restore, same_line
from bot.restore.observation import ApiRejection, Observation
from bot.restore.reasons import Reason
from bot.restore.recheck import (
    SETTLE_WITHIN,
    UNLOCKS_WITHIN,
    decision_expired,
    unlocks,
    unsettled,
)
from bot.restore.stop_and_start import Stop
from bot.restore.thread import CardKind
from bot.texts import refusals as texts

Move = tuple[Restore, tuple[Effect, ...]]


def on_observation(restore: Restore, observation: Observation, now: datetime) -> Move:
    """Refuse what cannot be restored; otherwise show what the restore would do."""
    if (
        restore.blocker is not None
        and observation.vm is not None
        and not decision_expired(restore, now)
    ):
        return _clear_blocker(restore, observation)
    if unlocks(observation, restore) and now < restore.entered_at + UNLOCKS_WITHIN:
        return restore, ()
    if refusal := first_refusal(observation, restore):
        return edits.refuse(restore, refusal, now), ()
    if observation.vm is None or observation.snapshot is None or observation.content is None:
        return restore, ()
    if unsettled(observation) and now < restore.entered_at + SETTLE_WITHIN:
        return restore, ()
    policy = restore.rules.volume_policy
    shown = preview.take(
        observation.vm, observation.snapshot, observation.content, observation, now, policy
    )
    shown = _with_what_was_unplugged(restore, shown)
    checked = restore.model_copy(update={"preview": shown, "typed": None, "confirmation": None})
    if is_live(observation):
        live = checked.model_copy(update={"stop": None})
        return edits.ask(edits.enter(live, Phase.STOP_CHOICE, now), CardKind.STOP_CHOICE, now), ()
    down = checked.model_copy(update={"stop": _stopped_before(restore, now)})
    return edits.ask(edits.enter(down, Phase.TYPING, now), CardKind.WARNING, now), ()


def _with_what_was_unplugged(restore: Restore, shown: Preview) -> Preview:
    """What our stop has taken out of the guest is told of no look at the VM any more."""
    if restore.preview is None or restore.preview.vm_uid != shown.vm_uid:
        return shown
    known = {each.claim for each in shown.fates}
    unplugged = [
        each
        for each in restore.preview.fates
        if each.fate is Fate.DETACHED and each.claim not in known
    ]
    return shown.model_copy(update={"fates": (*shown.fates, *unplugged)})


def _stopped_before(restore: Restore, now: datetime) -> Stop | None:
    """The stop of this restore, or of the one that it follows, has come to its end."""
    stop = restore.stop
    if stop is None:
        return None
    if stop.asked_at is None or stop.done_at is not None:
        # What is compared from here on is the newer look, which the warning shows.
        return stop.model_copy(update={"vm_state": None})
    return stop.model_copy(update={"done_at": now, "error": None, "vm_state": None})


def _clear_blocker(restore: Restore, observation: Observation) -> Move:
    """Our own failed object stands in the way of every retry; the person asked to remove it.

    Only one that has failed for good is removed: what still runs may not be cut off.
    """
    blocker = restore.blocker
    for each in observation.restores:
        related = same_line(each.restore_id, restore.id)
        if blocker and each.name == blocker.name and each.uid == blocker.uid and related:
            if each.deleting:
                return restore, ()
            if each.failure is not None:
                return restore, (delete_blocker(restore, blocker),)
    return restore.model_copy(update={"blocker": None}), ()


def delete_refused(
    restore: Restore, effect: DeleteRestore, rejection: ApiRejection, now: datetime
) -> Restore:
    """The failed object stays. Asking again would be answered the same, so a person decides."""
    blocker = restore.blocker
    if blocker is None or blocker.name != effect.name:
        return restore
    cause = denial(rejection, effect.namespace)
    unnamed = cause.reason is Reason.ADMISSION_REFUSED
    left = CheckFailure(
        Reason.RESTORE_IN_PROGRESS if unnamed else cause.reason,
        texts.BLOCKER_STAYS.found.format(name=effect.name, found=cause.found),
        texts.BLOCKER_STAYS.expected,
        texts.BLOCKER_STAYS.next if unnamed else cause.next,
    )
    return edits.refuse(restore, left, now)
