"""Rules over a safety snapshot that does not become ready: what keeps KubeVirt, or the storage, from it."""

import re

from bot.restore.diagnosis.evidence import Evidence, SeenVolumeSnapshot
from bot.restore.diagnosis.matching import Match, event_quote, first, quoted, stands
from bot.restore.diagnosis.model import Cause, Quote
from bot.restore.diagnosis.objects import SNAPSHOT_CLASS
from bot.texts import diagnosis as texts
from bot.texts.refusals import NOT_LOCKED

_DISK = re.compile(r"VolumeSnapshot (?P<name>[a-z0-9.-]+) error: ")
_MISSING = re.compile(r"VolumeSnapshots \((?P<name>[^,)]+)[^)]*\) missing")
_DEADLINE = re.compile(r"snapshot deadline exceeded")


def not_locked(evidence: Evidence) -> Match | None:
    """KubeVirt says why it does not begin: a claim that is not bound, another snapshot or restore."""
    text = first(evidence.words, lambda text: NOT_LOCKED in text.casefold())
    return Match(Cause.SAFETY_NOT_LOCKED, (quoted(evidence, text),)) if text else None


def disk(evidence: Evidence) -> Match | None:
    """The storage has an error for the copy of a disk, or the copy is gone or not ready."""
    if found := first(evidence.words, lambda text: bool(_DISK.search(text))):
        named = _DISK.search(found)
        return _copy(_of_an_error(found), quoted(evidence, found), named["name"] if named else "")
    if found := first(evidence.words, lambda text: bool(_MISSING.search(text))):
        gone = _MISSING.search(found)
        return _copy(Cause.SAFETY_DISK_GONE, quoted(evidence, found), gone["name"] if gone else "")
    for each in sorted(evidence.volume_snapshots, key=lambda one: not one.error):
        if (fault := _fault(evidence, each)) is not None:
            return _copy(*fault, each.name)
    return None


def _fault(evidence: Evidence, seen: SeenVolumeSnapshot) -> tuple[Cause, Quote] | None:
    if not seen.found or seen.deleting:
        text = texts.BEING_DELETED if seen.found else texts.DOES_NOT_EXIST
        return Cause.SAFETY_DISK_GONE, stands("VolumeSnapshot", seen.name, text)
    if seen.ready:
        return None
    if seen.error:
        return _of_an_error(seen.error), stands("VolumeSnapshot", seen.name, seen.error)
    told = next((e for e in evidence.events_of("VolumeSnapshot", seen.name) if e.warning), None)
    if told is not None:
        return _of_an_error(told.text), event_quote(told)
    return Cause.SAFETY_DISK_SLOW, stands("VolumeSnapshot", seen.name, texts.NOT_READY)


def _of_an_error(text: str) -> Cause:
    return Cause.SNAPSHOT_CLASS_MISSING if SNAPSHOT_CLASS.search(text) else Cause.SAFETY_DISK_ERROR


def _copy(cause: Cause, quote: Quote, name: str) -> Match:
    return Match(cause, (quote,), {"volume_snapshot": name})


def deadline(evidence: Evidence) -> Match | None:
    """KubeVirt gave it up after its own time limit."""
    text = first(evidence.words, lambda text: bool(_DEADLINE.search(text)))
    return Match(Cause.SAFETY_DEADLINE, (quoted(evidence, text),)) if text else None


def silent(evidence: Evidence) -> Match | None:
    """KubeVirt has not touched it."""
    snapshot = evidence.snapshot
    if snapshot is None or snapshot.phase:
        return None
    quote = stands("Snapshot", evidence.snapshot_name, texts.NO_STATUS)
    return Match(Cause.SAFETY_SILENT, (quote,))
