"""Rules over the claims of the restore, and what their events let us guess."""

import re

from bot.restore.diagnosis.evidence import Evidence
from bot.restore.diagnosis.matching import (
    Match,
    event_quote,
    events_about,
    first,
    names_of,
    newest,
    quoted,
    stands,
)
from bot.restore.diagnosis.model import Cause
from bot.texts import diagnosis as texts

_NO_CAPACITY = re.compile(
    r"ResourceExhausted|OutOfRange|no space left|not enough (free )?(space|capacity|storage)"
    r"|insufficient (\w+ )?(space|capacity|storage)|(pool|disk|volume group) is full",
    re.IGNORECASE,
)
_SILENT = re.compile(
    r"DeadlineExceeded|deadline exceeded|code = Unavailable|connection refused|timed out|no route",
    re.IGNORECASE,
)
_MISSING_CLASS = re.compile(r'[Ss]torage[Cc]lass(?:\.storage\.k8s\.io)? "?(?P<name>[^\s"]+)"? (not found|does not exist)')  # fmt: skip


def claim_lost(evidence: Evidence) -> Match | None:
    """A claim's volume is lost."""
    lost = next((each for each in evidence.claims if each.phase == "Lost"), None)
    if lost is None:
        return None
    quote = stands("Claim", lost.name, texts.PHASE.format(phase=lost.phase))
    return Match(Cause.CLAIM_LOST, (quote,), names_of(evidence, lost))


def class_missing(evidence: Evidence) -> Match | None:
    """A claim waits for a class that does not exist."""
    for claim in evidence.pending:
        held = evidence.class_of(claim)
        if held is not None and not held.found and claim.storage_class:
            quotes = (stands("StorageClass", held.name, texts.DOES_NOT_EXIST),)
            return Match(Cause.CLASS_MISSING, quotes, names_of(evidence, claim))
        for event in events_about(evidence, claim):
            if found := _MISSING_CLASS.search(event.text):
                names = names_of(evidence, claim) | {"storage_class": found["name"]}
                return Match(Cause.CLASS_MISSING, (event_quote(event),), names)
    text = first(evidence.words, lambda text: bool(_MISSING_CLASS.search(text)))
    if not text or not (found := _MISSING_CLASS.search(text)):
        return None
    names = {"storage_class": found["name"], "claim": "?"}
    return Match(Cause.CLASS_MISSING, (quoted(evidence, text),), names)


def provisioning(evidence: Evidence) -> Match | None:
    """The driver has taken a claim on, and failed: without space, without answer, or otherwise."""
    for claim in evidence.pending:
        failed = newest(evidence, claim, "ProvisioningFailed")
        if failed is not None:
            return Match(_kind_of_failure(failed.text), (event_quote(failed),), names_of(evidence, claim))  # fmt: skip
    text = first(evidence.words, lambda text: "provision" in text.casefold())
    if not text:
        return None
    named = next(iter(evidence.pending), None)
    names = names_of(evidence, named) if named else {"claim": "?", "storage_class": "?"}
    return Match(_kind_of_failure(text), (quoted(evidence, text),), names)


def _kind_of_failure(text: str) -> Cause:
    if _NO_CAPACITY.search(text):
        return Cause.NO_CAPACITY
    return Cause.PROVISIONER_SILENT if _SILENT.search(text) else Cause.PROVISIONING_FAILED


def waits_for_consumer(evidence: Evidence) -> Match | None:
    """A claim that nobody fills before the VM starts; KubeVirt does not wait for it."""
    for claim in evidence.pending:
        held = evidence.class_of(claim)
        told = newest(evidence, claim, "WaitForFirstConsumer")
        if told is None and not (held is not None and held.waits):
            continue
        shown = stands("Claim", claim.name, texts.PHASE.format(phase=claim.phase or "?"))
        quotes = (event_quote(told),) if told is not None else (shown,)
        return Match(Cause.WAITS_FOR_CONSUMER, quotes, names_of(evidence, claim))
    return None


def provisioner(evidence: Evidence) -> Match | None:
    """A claim waits and no driver has said a word, or one has begun and is silent since."""
    for claim in evidence.pending:
        begun = newest(evidence, claim, "Provisioning")
        waiting = newest(evidence, claim, "ExternalProvisioning")
        names = names_of(evidence, claim)
        if begun is not None:
            return Match(Cause.PROVISIONER_SILENT, (event_quote(begun),), names)
        if waiting is not None:
            return Match(Cause.PROVISIONER_MISSING, (event_quote(waiting),), names)
    return None


def data_volume_stuck(evidence: Evidence) -> Match | None:
    """A DataVolume that the restore waits for says why it does not get on, or that it has failed."""
    well = ("Succeeded", "WaitForFirstConsumer", "PendingPopulation")
    for each in evidence.data_volumes if not evidence.over else ():
        if each.phase not in well and (each.text or each.phase == "Failed"):
            told = each.text or texts.PHASE.format(phase=each.phase)
            quote = stands("DataVolume", each.name, told)
            return Match(Cause.DATA_VOLUME_STUCK, (quote,), {"claim": each.name})
    return None
