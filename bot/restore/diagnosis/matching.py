"""What every rule is made of: the match, its quotes, and the names for its sentences."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.restore.diagnosis.evidence import Evidence, SeenClaim, SeenEvent
from bot.restore.diagnosis.model import Cause, Quote
from bot.texts import diagnosis as texts

MAX_NAME = 100
"""Letters of a name in a sentence."""


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that fits: the quotes that show it, and the names for its sentences."""

    cause: Cause
    quotes: tuple[Quote, ...]
    names: Mapping[str, str] = field(default_factory=dict)


Rule = Callable[[Evidence], Match | None]


def named(value: str) -> str:
    """A name for the backticks of a sentence."""
    return value.replace("`", "'")[:MAX_NAME] or "?"


def first(words: tuple[str, ...], fits: Callable[[str], bool]) -> str:
    """The first text that fits; "" without one."""
    return next((text for text in words if fits(text)), "")


def says(evidence: Evidence, cause: Cause, *parts: str) -> Match | None:
    """The cause, if something that is said now has one of these parts."""
    found = first(evidence.words, lambda text: any(part in text for part in parts))
    return Match(cause, (quoted(evidence, found),)) if found else None


def quoted(evidence: Evidence, text: str) -> Quote:
    """Words of the restore's conditions, or of the error that the document knows."""
    if text in evidence.of_the_start:
        return stands("VM", evidence.vm_name, text)
    if evidence.protects and text != evidence.error:
        return stands("Snapshot", evidence.snapshot_name, text)
    own = text in evidence.conditions
    name = named(evidence.restore_name)
    return Quote(source=texts.RESTORE_SAYS.format(name=name), text=text) if own else error(text)


def error(text: str) -> Quote:
    """What the document, or an answer, said of a failure."""
    return Quote(source=texts.ERROR_SAYS, text=text)


def stands(kind: str, name: str, text: str) -> Quote:
    """What stands on an object."""
    return Quote(source=texts.OBJECT_SAYS.format(kind=kind, name=named(name)), text=text)


def event_quote(event: SeenEvent) -> Quote:
    """What an event says."""
    source = texts.EVENT_SAYS.format(
        reason=named(event.reason), kind=named(event.kind), name=named(event.name)
    )
    return Quote(source=source, text=event.text)


def events_about(evidence: Evidence, claim: SeenClaim) -> tuple[SeenEvent, ...]:
    """Events about a claim, the newest first."""
    return evidence.events_of("PersistentVolumeClaim", claim.name)


def newest(evidence: Evidence, claim: SeenClaim, reason: str) -> SeenEvent | None:
    """The newest event about a claim with this reason."""
    return next((each for each in events_about(evidence, claim) if each.reason == reason), None)


def names_of(evidence: Evidence, claim: SeenClaim) -> dict[str, str]:
    """The names that sentences about a claim need."""
    held = evidence.class_of(claim)
    return {
        "claim": claim.name,
        "storage_class": claim.storage_class or "default",
        "provisioner": held.provisioner if held and held.provisioner else "?",
    }
