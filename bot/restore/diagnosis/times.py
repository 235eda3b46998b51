"""When evidence is worth its requests, and what the document keeps of it.

A restore that gets on is never diagnosed: nothing more is read than what its progress needs.
"""

from datetime import datetime, timedelta

from bot.restore import starts
from bot.restore.diagnosis.evidence import Evidence
from bot.restore.diagnosis.rules import diagnose
from bot.restore.events import Event, Observed
from bot.restore.model import Job, Phase, Restore, Safety
from bot.restore.observation import Observation, ObservationKind, Snapshot
from bot.restore.reasons import Reason

STALLED_AFTER = timedelta(minutes=2)
"""Nothing has changed for so long: neither what KubeVirt says, nor the number of bound volumes."""
AGAIN_AFTER = timedelta(minutes=2)
"""A diagnosis is made anew after that, while nothing moves."""
_TOLD_BY_ITS_END = frozenset({Reason.RESTORE_GIVEN_UP, Reason.NOT_RESTORED})
"""Ends that were chosen, or that say all there is: what is known before them is kept."""


def wanted(restore: Restore, observation: Observation, now: datetime) -> bool:
    """Evidence is to be read now: at a failure, at a stall, and when the time limit is over."""
    job, seen = restore.job, observation.job
    if restore.phase.ended and observation.kind is ObservationKind.VMI:
        vmi = observation.vmi
        return starts.wants_diagnosis(restore, now) and not (vmi is not None and vmi.runs)
    if restore.phase is Phase.PROTECTING and observation.kind is ObservationKind.SAFETY:
        return _of_safety(restore, observation, now)
    if restore.phase is not Phase.RESTORING or observation.kind is not ObservationKind.JOB:
        return False
    if job is None or observation.forbidden is not None or not observation.kubevirt:
        return False
    if seen is None or seen.uid != job.uid or seen.failure is not None:
        return not job.deleting
    if seen.complete or job.deleting or _moves(job, observation):
        return False
    if job.wait_until is not None and now >= job.wait_until and restore.question is None:
        return True
    return _is_stalled(job, now) and not _is_fresh(restore, now)


def _of_safety(restore: Restore, observation: Observation, now: datetime) -> bool:
    """The safety snapshot is in error, has failed, is late, or has said nothing new for a while."""
    safety, seen = restore.safety, observation.safety
    if safety is None or seen is None or safety.uid not in (None, seen.uid):
        return False
    if seen.usable and seen.phase == "Succeeded":
        return False
    late = now >= safety.decided_at + timedelta(seconds=restore.rules.safety_timeout)
    if late or seen.deleting or seen.phase == "Failed":
        return True
    if seen.error is None and safety_says(seen) != safety.shown:
        return False
    fresh = safety.diagnosis is not None and now - safety.diagnosis.at < AGAIN_AFTER
    return not fresh and (seen.error is not None or _safety_stands(safety, now))


def _safety_stands(safety: Safety, now: datetime) -> bool:
    return now - (safety.moved_at or safety.decided_at) >= STALLED_AFTER


def safety_says(seen: Snapshot) -> str:
    """What moves while a safety snapshot gets on."""
    return f"{seen.phase} {seen.progressing} {seen.error or ''}"[:300]


def _moves(job: Job, observation: Observation) -> bool:
    """Something is different from what the last look saw."""
    seen = observation.job
    if seen is None:
        return True
    bound = {claim.name for claim in observation.claims if claim.phase == "Bound"}
    said = (seen.progressing[:300], seen.ready[:300], len(seen.claims))
    known = (job.progressing, job.ready, job.volumes_total)
    return said != known or len(bound & set(seen.claims)) > job.volumes_bound


def _is_stalled(job: Job, now: datetime) -> bool:
    return now - (job.moved_at or job.decided_at) >= STALLED_AFTER


def stands_still(restore: Restore, now: datetime) -> bool:
    """Nothing has moved for a while, or it has failed."""
    if restore.phase is Phase.PROTECTING and restore.safety is not None:
        return _safety_stands(restore.safety, now)
    if restore.start is not None:
        return restore.start.error is not None or starts.is_late(restore, now)
    failed = restore.phase is Phase.FAILED
    return failed or (restore.job is not None and _is_stalled(restore.job, now))


def _is_fresh(restore: Restore, now: datetime) -> bool:
    return restore.diagnosis is not None and now - restore.diagnosis.at < AGAIN_AFTER


def noted(before: Restore, after: Restore, event: Event, now: datetime) -> Restore:
    """The document with its diagnosis: a new one, none any more, or the one that it has."""
    if before.phase is Phase.PROTECTING or (before.phase.ended and after.phase.ended):
        return after  # what is known of a safety snapshot or a start is stored with it
    if after is before:
        return _with(after, event.evidence) if isinstance(event, Observed) else after
    if after.phase is Phase.FAILED and not before.phase.ended:
        return _of_an_end(after, event, now)
    if isinstance(event, Observed) and event.evidence is not None:
        return _with(after, event.evidence)
    moved = _moved_at(after) != _moved_at(before)
    if after.diagnosis is not None and (moved or after.phase is Phase.SUCCEEDED):
        return after.model_copy(update={"diagnosis": None})
    return after


def _moved_at(restore: Restore) -> datetime | None:
    return restore.job.moved_at if restore.job else None


def _with(restore: Restore, evidence: Evidence | None) -> Restore:
    if evidence is None:
        return restore
    return restore.model_copy(update={"diagnosis": diagnose(evidence)})


def _of_an_end(after: Restore, event: Event, now: datetime) -> Restore:
    """Of what was read for it, or else of the words that it ended with."""
    outcome = after.outcome
    refused = outcome is not None and outcome.reason is Reason.CREATE_REFUSED
    if outcome is None or outcome.reason in _TOLD_BY_ITS_END or (refused and outcome.next):
        return after
    if isinstance(event, Observed) and event.evidence is not None:
        return _with(after, event.evidence)
    return _with(after, only_words(after, outcome.found, now))


def only_words(restore: Restore, said: str, now: datetime) -> Evidence | None:
    """What the document knows by itself; None if that says nothing about the cluster."""
    target, outcome = restore.request, restore.outcome
    reason = outcome.reason if outcome else None
    away = reason is Reason.CLUSTER_UNREACHABLE
    if reason not in (Reason.CLUSTER_UNREACHABLE, Reason.CREATE_REFUSED, Reason.RESTORE_FAILED):
        return None
    return Evidence(
        at=now,
        namespace=target.namespace or "",
        vm_name=target.vm or "",
        snapshot_name=target.snapshot or "",
        restore_name=restore.job.name if restore.job else "",
        error="" if away else said,
        unreachable=said if away else "",
        told=False,
    )
