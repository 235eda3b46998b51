"""How long the cluster took for a step of a restore, told when the step has ended well."""

from datetime import timedelta
from enum import StrEnum

from bot.restore.model import Phase, Restore


class TimedStep(StrEnum):
    """What the cluster does for a restore."""

    STOP = "stop"
    SAFETY_SNAPSHOT = "safety_snapshot"
    RESTORE = "restore"


def ended(before: Restore, after: Restore) -> dict[TimedStep, timedelta]:
    """The steps that have ended between two documents of one restore, each with its time."""
    found: dict[TimedStep, timedelta] = {}
    stop, safety, job = after.stop, after.safety, after.job
    if stop and stop.asked_at and stop.done_at and not (before.stop and before.stop.done_at):
        found[TimedStep.STOP] = stop.done_at - stop.asked_at
    if safety and safety.ready_at and not (before.safety and before.safety.ready_at):
        found[TimedStep.SAFETY_SNAPSHOT] = safety.ready_at - safety.decided_at
    succeeded = after.phase is Phase.SUCCEEDED and before.phase is Phase.RESTORING
    # Of one that was found in the cluster only its end is news.
    if succeeded and job and not job.adopted:
        found[TimedStep.RESTORE] = after.ended_at - job.decided_at
    return found
