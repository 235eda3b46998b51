"""Rules over what stands on the objects: snapshots, the VM at its start, the restore itself."""

import re

from bot.restore.diagnosis.evidence import Evidence, SeenVolumeSnapshot
from bot.restore.diagnosis.matching import Match, first, quoted, says, stands
from bot.restore.diagnosis.model import Cause
from bot.texts import diagnosis as texts

SNAPSHOT_CLASS = re.compile(r"(snapshot ?class|VolumeSnapshotClass)", re.IGNORECASE)
_NO_CLAIM = re.compile(
    r"PVC [a-z0-9.-]+/(?P<name>[a-z0-9.-]+) does not exist|didn't find PVC (?P<other>[a-z0-9.-]+)"
)
_BEGINNING = "Initializing"

# What stands on the objects


def snapshot_missing(evidence: Evidence) -> Match | None:
    """The snapshot, or its content, is gone."""
    if found := says(evidence, Cause.SNAPSHOT_MISSING, *_gone_words(evidence)):
        return found
    gone = evidence.snapshot is None and evidence.was_read("virtualmachinesnapshots")
    if not gone or not evidence.snapshot_name or evidence.over:
        return None
    missing = stands("Snapshot", evidence.snapshot_name, texts.DOES_NOT_EXIST)
    return Match(Cause.SNAPSHOT_MISSING, (missing,))


def _gone_words(evidence: Evidence) -> tuple[str, ...]:
    snapshot = f"{evidence.namespace}/{evidence.snapshot_name} does not exist"
    content = [
        text
        for text in evidence.words
        if text.startswith("VMSnapshotContent ") and text.endswith(" does not exist")
    ]
    return (f"VMSnapshot {snapshot}", *content)


def content_going(evidence: Evidence) -> Match | None:
    """The content, or the snapshot with it, waits for its finalizer; its status says "ready"."""
    content, snapshot = evidence.content, evidence.snapshot
    if evidence.over:
        return None
    if content is not None and content.deleting:
        quote = stands("Snapshot content", content.name, texts.BEING_DELETED)
        return Match(Cause.CONTENT_GOING, (quote,), {"content": content.name})
    if snapshot is not None and snapshot.deleting:
        quote = stands("Snapshot", snapshot.name, texts.BEING_DELETED)
        return Match(Cause.CONTENT_GOING, (quote,), {"content": snapshot.content_name or ""})
    return None


def volume_snapshot(evidence: Evidence) -> Match | None:
    """A volume snapshot that a claim waits for is missing, going, in error, or not ready."""
    for each in evidence.volume_snapshots if not evidence.over else ():
        cause, text = _fault(each)
        if cause is not None:
            quote = stands("VolumeSnapshot", each.name, text)
            return Match(cause, (quote,), {"volume_snapshot": each.name})
    named = re.compile(r"missing volumeSnapshot (?P<name>\S+)|VolumeSnapshots \((?P<names>[^)]+)\) missing")  # fmt: skip
    for text in evidence.words:
        if found := named.search(text):
            name = found["name"] or found["names"].split(",")[0]
            quotes = (quoted(evidence, text),)
            return Match(Cause.VOLUME_SNAPSHOT_MISSING, quotes, {"volume_snapshot": name})
    return None


def _fault(seen: SeenVolumeSnapshot) -> tuple[Cause | None, str]:
    if not seen.found:
        return Cause.VOLUME_SNAPSHOT_MISSING, texts.DOES_NOT_EXIST
    if seen.deleting:
        return Cause.VOLUME_SNAPSHOT_GOING, texts.BEING_DELETED
    if seen.ready:
        # A driver's error on what is ready already is ignored by KubeVirt as well.
        return None, ""
    if SNAPSHOT_CLASS.search(seen.error):
        return Cause.SNAPSHOT_CLASS_MISSING, seen.error
    if seen.error:
        return Cause.VOLUME_SNAPSHOT_ERROR, seen.error
    return Cause.VOLUME_SNAPSHOT_UNREADY, texts.NOT_READY


def snapshot_unready(evidence: Evidence) -> Match | None:
    """KubeVirt says that the snapshot, or its content, cannot be used."""
    words = ("not ready", "failed and is invalid to use", "no snapshot content name")
    text = first(
        evidence.words,
        lambda text: "napshot" in text and any(part in text for part in words),
    )
    if not text:
        return None
    error = evidence.snapshot.error if evidence.snapshot else None
    more = (stands("Snapshot", evidence.snapshot_name, error),) if error else ()
    return Match(Cause.SNAPSHOT_UNREADY, (quoted(evidence, text), *more))


# At a start, and what is left


def claim_missing(evidence: Evidence) -> Match | None:
    """The VM waits for a claim that does not exist."""
    texts_of_it = (*evidence.of_the_start, *(each.text for each in evidence.vmi_conditions))
    for text in texts_of_it if evidence.starts else ():
        if found := _NO_CLAIM.search(text):
            name = found["name"] or found["other"]
            return Match(Cause.CLAIM_MISSING, (quoted(evidence, text),), {"claim": name})
    return None


def unschedulable_at_start(evidence: Evidence) -> Match | None:
    """The same of a VM that was to be started: its claims wait for the node as well."""
    return unschedulable(evidence) if evidence.starts else None


def unschedulable(evidence: Evidence) -> Match | None:
    """No node takes the VM."""
    for each in evidence.vmi_conditions:
        if (each.kind, each.status) == ("PodScheduled", "False"):
            quote = stands("VMI", evidence.vm_name, each.text or each.reason)
            return Match(Cause.UNSCHEDULABLE, (quote,))
    return None


def other_restore(evidence: Evidence) -> Match | None:
    """The VM names another restore: this one waits for it without saying so."""
    holder = evidence.vm.restore_in_progress if evidence.vm else None
    if not holder or holder == evidence.restore_name or evidence.over:
        return None
    quote = stands("VM", evidence.vm_name, texts.HOLDER.format(holder=holder))
    return Match(Cause.OTHER_RESTORE, (quote,), {"holder": holder})


def controller_silent(evidence: Evidence) -> Match | None:
    """The restore has said nothing but that it begins."""
    job = evidence.job
    if job is None or evidence.over or evidence.error:
        return None
    if any(not text.startswith(_BEGINNING) for text in evidence.conditions) or job.claims:
        return None
    quote = stands("Restore", job.name, texts.NO_CONDITIONS)
    return Match(Cause.CONTROLLER_SILENT, (quote,))
