"""What an observation means in each phase, and which act it calls for: one file a phase.

    gathering -> checking -> (stopping) -> (protecting) -> restoring -> ended

STOP_CHOICE, TYPING and CONFIRMING wait for people, so an observation changes nothing there. Each
phase decides from the document and the observation alone, so it may run any number of times. Before
a job exists every observation brings the policy's answer with it, and a "no" ends the restore
whatever was confirmed. Observations with failed or forbidden reads do not get here, except where a
check reports them: elsewhere "not found" is the cluster's answer.
"""

from datetime import datetime

from bot.restore import edits
from bot.restore.events import (
    Acted,
    ClearVmi,
    CreateRestore,
    CreateSnapshot,
    DeleteRestore,
    Effect,
    NotDone,
    Observed,
    StartVm,
    StopVm,
)
from bot.restore.model import Outcome, Phase, Restore
from bot.restore.observation import ApiRejection
from bot.restore.phases import (
    checking,
    ended,
    gathering,
    made_before,
    protecting,
    restoring,
    stopping,
)
from bot.restore.reasons import Reason
from bot.texts import endings

Move = tuple[Restore, tuple[Effect, ...]]


def on_observation(restore: Restore, seen: Observed, now: datetime) -> Move:
    """Apply an observation of the cluster."""
    if done := made_before.made_before(restore, seen.observation, now):
        return done, ()
    if not seen.verdict.allowed and restore.job is None and not restore.phase.ended:
        return _not_permitted(restore, seen, now), ()
    observation = seen.observation
    match restore.phase:
        case Phase.GATHERING:
            return gathering.on_observation(restore, observation, now), ()
        case Phase.CHECKING:
            return checking.on_observation(restore, observation, now)
        case Phase.STOPPING:
            return stopping.on_observation(restore, observation, now)
        case Phase.PROTECTING:
            return protecting.on_observation(restore, seen, now)
        case Phase.RESTORING:
            return restoring.on_observation(restore, seen, now)
        case Phase.STOP_CHOICE | Phase.TYPING | Phase.CONFIRMING:
            return restore, ()
        case Phase.SUCCEEDED | Phase.FAILED | Phase.CANCELLED | Phase.REFUSED | Phase.EXPIRED:
            return ended.on_observation(restore, seen, now)


def acted(restore: Restore, event: Acted, now: datetime) -> Restore:
    """Note how an effect went. What a lost answer hides, the next look shows."""
    match event.effect, event.result:
        case CreateRestore() as effect, NotDone():
            return restoring.not_taken(restore, effect)
        case _, NotDone():
            return restore
        case CreateRestore() as effect, result:
            return restoring.created(restore, effect, result, now)
        case DeleteRestore() as effect, ApiRejection() as rejection:
            return _delete_refused(restore, effect, rejection, now)
        case CreateSnapshot() as effect, result:
            return protecting.created(restore, effect, result, now)
        case StopVm() | ClearVmi() as effect, result:
            return stopping.answered(restore, effect, result, now)
        case StartVm() as effect, result:
            return ended.started(restore, effect, result, now)
        case _:
            return restore


def _not_permitted(restore: Restore, seen: Observed, now: datetime) -> Restore:
    said = seen.verdict
    reason = next((each for each in Reason if each == said.reason), Reason.NOT_PERMITTED)
    outcome = Outcome(reason=reason, at=now, found=said.text)
    return edits.end(restore, Phase.REFUSED, outcome, endings.NOT_PERMITTED)


def _delete_refused(
    restore: Restore, effect: DeleteRestore, rejection: ApiRejection, now: datetime
) -> Restore:
    match restore.phase:
        case Phase.CHECKING:
            return checking.delete_refused(restore, effect, rejection, now)
        case Phase.RESTORING:
            return restoring.delete_refused(restore, effect, rejection, now)
        case _:
            return restore
