"""The phase PROTECTING: a safety snapshot of the VM as it is, before the restore."""

from datetime import datetime, timedelta

from bot.restore import edits
from bot.restore.cut import named
from bot.restore.denials import denial, quote
from bot.restore.diagnosis import times
from bot.restore.diagnosis.model import Cause, Diagnosis
from bot.restore.diagnosis.rules import diagnose
from bot.restore.differences import differences
from bot.restore.disks import Fate
from bot.restore.effects import confirmed_name, create_snapshot, object_name
from bot.restore.events import CreateSnapshot, Done, Effect, Observed
from bot.restore.model import Phase, Restore, Safety
from bot.restore.observation import ApiRejection, Observation, Snapshot
from bot.restore.recheck import (
    decision_expired,
    stop_at_difference,
    too_late,
    unlocking,
    unsettled,
)
from bot.restore.thread import CardKind
from bot.restore.user_events import after_stop
from bot.texts import endings
from bot.texts import refusals as texts

Move = tuple[Restore, tuple[Effect, ...]]

MAX_WHY = 600
"""Letters of why there is no safety snapshot, and of who can change that."""
MAX_FAILURE = 150
"""Letters of what went wrong, where its likely cause is told as well."""


MAX_TOLD = 5
"""Disks that a sentence names."""


def on_observation(restore: Restore, seen: Observed, now: datetime) -> Move:
    """Take the safety snapshot once, then wait until it is ready."""
    observation = seen.observation
    if restore.safety is None:
        if decision_expired(restore, now):
            return too_late(restore, now), ()
        if unsettled(observation) or unlocking(observation, restore, now):
            return restore, ()
        if found := differences(observation, restore):
            return stop_at_difference(restore, found, now), ()
        name = confirmed_name("pre-restore", restore) or object_name("pre-restore", restore, now)
        safety = Safety(name=name, decided_at=now)
        decided = restore.model_copy(update={"safety": safety})
        return decided, (create_snapshot(decided, safety),)
    return _safety_progress(restore, restore.safety, seen, now)


def _safety_progress(restore: Restore, safety: Safety, seen: Observed, now: datetime) -> Move:
    observation, snapshot = seen.observation, seen.observation.safety
    late = now >= safety.decided_at + timedelta(seconds=restore.rules.safety_timeout)
    if snapshot is None and safety.uid is None and not late:
        return _again(restore, safety, observation, now)
    if failure := _unsafe(restore, safety, snapshot, late=late):
        return _unprotected(restore, _explained(failure, _why(safety, seen)), now), ()
    if snapshot is None or not (snapshot.usable and snapshot.phase == "Succeeded"):
        return _safety_seen(restore, safety, seen, now), ()
    ready = safety.model_copy(update={"uid": snapshot.uid, "ready_at": now})
    words = endings.SAFETY_READY.format(name=safety.name)
    done = edits.close_slot(restore, CardKind.PROTECTING, words)
    return after_stop(done.model_copy(update={"safety": ready}), now), ()


def _again(restore: Restore, safety: Safety, observation: Observation, now: datetime) -> Move:
    """Its create was not answered: send the very same again, if nothing has changed since.

    The document may be older than what was done: the snapshot was taken then, and deleted since.
    """
    if decision_expired(restore, now):
        return too_late(restore, now), ()
    if found := differences(observation, restore):
        return stop_at_difference(restore, found, now), ()
    return restore, (create_snapshot(restore, safety),)


def _unsafe(
    restore: Restore, safety: Safety, snapshot: Snapshot | None, *, late: bool
) -> str | None:
    """Why there is no safety snapshot to rely on; None while it is ready or may still become so."""
    if snapshot is None:
        return texts.SAFETY_DELETED if safety.uid else texts.SAFETY_NOT_TAKEN
    if snapshot.restore_id != restore.id or safety.uid not in (None, snapshot.uid):
        return texts.SAFETY_NOT_OURS.format(name=safety.name)
    if snapshot.phase == "Failed" or snapshot.deleting:
        return snapshot.error or texts.SAFETY_WITHOUT_ERROR
    if late:
        return snapshot.error or _with_words(texts.SAFETY_NOT_READY, safety.said)
    if snapshot.usable and snapshot.phase == "Succeeded" and not snapshot.included:
        return texts.SAFETY_EMPTY
    if snapshot.usable and snapshot.phase == "Succeeded" and (lacks := _lacks(restore, snapshot)):
        disks = named([f"`{each}`" for each in lacks], MAX_TOLD)
        return texts.SAFETY_LACKS.format(disks=disks)
    return None


def _with_words(found: str, said: str) -> str:
    return texts.SAFETY_SAID.format(found=found, said=said) if said else found


def _lacks(restore: Restore, snapshot: Snapshot) -> list[str]:
    """The disks that the restore deletes and that this snapshot does not hold."""
    shown = restore.preview.fates if restore.preview else ()
    gone = [each.name for each in shown if each.fate is Fate.DELETED]
    return [each for each in gone if each not in snapshot.included]


def _why(safety: Safety, seen: Observed) -> Diagnosis | None:
    """What is known now; what was known before, where KubeVirt only says that it gave up."""
    known = safety.diagnosis
    if seen.evidence is None:
        return known
    found = diagnose(seen.evidence)
    vague = found.cause in (Cause.SAFETY_DEADLINE, Cause.SAFETY_UNKNOWN)
    return known if vague and known is not None else found


def _explained(failure: str, why: Diagnosis | None) -> str:
    """With the likely cause, where one is known; the card that asks again has room for little more."""
    if why is None or why.cause == Cause.SAFETY_UNKNOWN:
        return failure
    said = failure[:MAX_FAILURE].rstrip(".")
    return texts.SAFETY_EXPLAINED.format(failure=said, likely=why.likely)


def _safety_seen(restore: Restore, safety: Safety, seen: Observed, now: datetime) -> Restore:
    snapshot = seen.observation.safety
    if snapshot is None:
        return restore
    # What else Progressing says is said of every snapshot for a moment.
    waits = snapshot.progressing if texts.NOT_LOCKED in snapshot.progressing.casefold() else ""
    said = quote(snapshot.error or waits)
    shown = times.safety_says(snapshot)
    known = safety.model_copy(update={"uid": snapshot.uid, "said": said, "shown": shown})
    if shown != safety.shown:
        known = known.model_copy(update={"moved_at": now, "diagnosis": None})
    if seen.evidence is not None:
        known = known.model_copy(update={"diagnosis": diagnose(seen.evidence)})
    return restore.model_copy(update={"safety": known})


def created(
    restore: Restore, effect: CreateSnapshot, result: Done | ApiRejection, now: datetime
) -> Restore:
    """The create of the safety snapshot was answered."""
    safety = restore.safety
    if restore.phase is not Phase.PROTECTING or safety is None or safety.name != effect.name:
        return restore
    if isinstance(result, ApiRejection):
        # Once it was seen, a late "no" to a second attempt says nothing about it.
        return restore if safety.uid else _denied(restore, effect, result, now)
    uid = result.uid or safety.uid
    return restore.model_copy(update={"safety": safety.model_copy(update={"uid": uid})})


def _denied(
    restore: Restore, effect: CreateSnapshot, rejection: ApiRejection, now: datetime
) -> Restore:
    cause = denial(rejection, effect.namespace)
    return _unprotected(restore, cause.told, now)


def _unprotected(restore: Restore, why: str, now: datetime) -> Restore:
    """No safety snapshot: no data was touched. Everything is checked and asked again."""
    closed = edits.close_slot(restore, CardKind.PROTECTING, endings.SAFETY_FAILED)
    begun = restore.safety is not None and restore.safety.uid is not None
    name = restore.safety.name if begun and restore.safety else None
    left = texts.SAFETY_LEFT.format(name=name) if name else ""
    note = texts.SAFETY_FAILED.format(why=why[:MAX_WHY].rstrip("."), left=left)
    anew = closed.model_copy(
        update={"safety": None, "typed": None, "confirmation": None, "note": note}
    )
    return edits.enter(anew, Phase.CHECKING, now)
