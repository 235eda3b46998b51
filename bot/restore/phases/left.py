"""After the end: what a restore left behind is looked up again, until its buttons go.

Advice is only worth something while it is true: a VM may use a claim again, the claim may go, and the
restored copy is filled at the first boot. The pauses grow, since most of that happens early; what
cannot be read now is read next time.
"""

from datetime import datetime, timedelta

from bot.restore import claims
from bot.restore.disks import LeftBehind, LeftBehindKind
from bot.restore.model import Outcome, Phase, Restore
from bot.restore.observation import Observation

AFTERCARE = timedelta(hours=24)
"""How long the buttons of a finished restore stay, and its advice is kept current."""
FIRST, LAST = timedelta(minutes=1), timedelta(hours=1)
"""The shortest pause between two looks, and the longest."""


def is_due(restore: Restore, now: datetime) -> bool:
    """What was left behind is to be looked up now."""
    due = due_at(restore)
    return due is not None and now >= due


def due_at(restore: Restore) -> datetime | None:
    """When that is looked up next; None if not any more."""
    outcome = restore.outcome
    if outcome is None or restore.closed or restore.phase is not Phase.SUCCEEDED:
        return None
    return outcome.left_due


def put_off(restore: Restore, now: datetime) -> Restore:
    """The next look is due after a pause; what was seen last stands till then, with its time."""
    outcome = restore.outcome
    if outcome is None or not is_due(restore, now):
        return restore
    again = {"left_due": next_look(outcome, outcome.at, now)}
    return restore.model_copy(update={"outcome": outcome.model_copy(update=again)})


def soon(restore: Restore, now: datetime) -> Restore:
    """The VM starts: what waited for its first boot is filled, and it may use other claims."""
    outcome = restore.outcome
    if outcome is None or due_at(restore) is None:
        return restore
    again = {"left_due": next_look(outcome, now, now)}
    return restore.model_copy(update={"outcome": outcome.model_copy(update=again)})


def next_look(outcome: Outcome, since: datetime, now: datetime) -> datetime | None:
    """The pause is as long as what has passed since the end, within its limits."""
    if not (outcome.left or outcome.pending):
        return None
    due = now + min(max(FIRST, now - since), LAST)
    return due if due < outcome.at + AFTERCARE else None


def looked_again(restore: Restore, observation: Observation, now: datetime) -> Restore:
    """Bring what the result says about claims up to date."""
    outcome = restore.outcome
    if outcome is None:
        return restore
    if observation.claims_unread is not None or observation.vm_unread is not None:
        return put_off(restore, now)
    waits = {c.name for c in observation.claims if c.phase == "Pending" and not c.deleting}
    left = _left(restore, observation, outcome)
    found = outcome.model_copy(
        update={
            "pending": tuple(name for name in outcome.pending if name in waits),
            "left_at": now,
            **kept(left),
        }
    )
    again = {"left_due": next_look(found, outcome.at, now)}
    return restore.model_copy(update={"outcome": found.model_copy(update=again)})


def kept(left: tuple[LeftBehind, ...]) -> dict[str, object]:
    """The fields of an outcome that tell of these claims."""
    stays = tuple(each.claim for each in left if each.kind is not LeftBehindKind.GOING)
    return {
        "leftovers": stays[: claims.MAX_LEFT],
        "left": left[: claims.MAX_LEFT],
        "more_left": len(left[claims.MAX_LEFT :]),
    }


def _left(restore: Restore, observation: Observation, outcome: Outcome) -> tuple[LeftBehind, ...]:
    """As at the end. Without the restore object, or with another VM, nothing is free any more."""
    job, seen, vm = restore.job, observation.job, observation.vm
    shown = restore.preview
    if seen is not None and job is not None and seen.uid == job.uid:
        left = claims.left_behind(observation, restore)
        if vm is not None and shown is not None and vm.uid == shown.vm_uid:
            return left
        return tuple(map(_unproven, left))
    held = {claim.name: claim for claim in observation.claims}
    return tuple(
        each.model_copy(update={"kind": LeftBehindKind.GOING, "by": ""})
        if held[each.claim].deleting
        else _unproven(each)
        for each in outcome.left
        if each.claim in held
    )


def _unproven(left: LeftBehind) -> LeftBehind:
    if left.kind is not LeftBehindKind.FREE:
        return left
    return left.model_copy(update={"kind": LeftBehindKind.UNPROVEN})
