"""One likely cause for what was read: `RULES` in the order in which the first that fits is told.

What ended the restore comes first, then what the bot itself cannot do, then what the cluster says in
so many words, then what stands on the objects, and only then what their events let us guess. Events
are read of a claim that waits now, since they tell of what is over as well.
"""

import re
from collections.abc import Mapping

from bot.restore.diagnosis import objects, safety, said, storage
from bot.restore.diagnosis.evidence import Evidence
from bot.restore.diagnosis.matching import Match, Rule, event_quote, named, quoted, stands
from bot.restore.diagnosis.model import Cause, Diagnosis, Quote
from bot.texts import diagnosis as texts

MAX_QUOTES = 4
MAX_QUOTE = 300
MAX_MISSING = 6
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_GAPS = re.compile(r"\{(\w+)\}")


def diagnose(evidence: Evidence) -> Diagnosis:
    """The first rule that fits; without one the evidence alone."""
    rules = SAFETY_RULES if evidence.protects else RULES
    found = next((match for rule in rules if (match := rule(evidence))), None)
    return _told(evidence, found or _unknown(evidence))


def _told(evidence: Evidence, match: Match) -> Diagnosis:
    text = texts.CAUSES[match.cause]
    names = {
        "namespace": evidence.namespace,
        "vm": evidence.vm_name,
        "snapshot": evidence.snapshot_name,
        "restore": evidence.restore_name,
        **match.names,
    }
    safe = {key: named(value) for key, value in names.items()}
    retries = texts.TRY_AGAIN if evidence.final else texts.RETRIES
    other = texts.OTHER_SNAPSHOT if evidence.final else texts.GIVE_UP
    advice = {**safe, "retries": retries, "other": other}
    return Diagnosis(
        cause=match.cause,
        at=evidence.at,
        likely=text.likely.format_map(safe),
        quotes=tuple(_cut(quote) for quote in match.quotes[:MAX_QUOTES]),
        next=text.next.format_map(advice),
        who=text.who,
        command=_command(text.command, names),
        missing=tuple(dict.fromkeys(each.what for each in evidence.unread))[:MAX_MISSING],
    )


def _command(template: str, names: Mapping[str, str]) -> str:
    """A command is made to be copied: nothing but names of Kubernetes gets into it."""
    if all(_NAME.fullmatch(names.get(gap, "")) for gap in _GAPS.findall(template)):
        return template.format_map(names)
    return ""


def _cut(quote: Quote) -> Quote:
    return Quote(source=quote.source, text=" ".join(quote.text.split())[:MAX_QUOTE])


RULES: tuple[Rule, ...] = (
    said.unreachable,
    said.right_lost,
    said.vm_deleted,
    said.vm_recreated,
    said.restore_deleted,
    said.namespace_going,
    said.vm_started,
    said.controller_right,
    said.address_taken,
    said.webhook_down,
    said.webhook_denies,
    said.quota,
    said.limit_range,
    objects.claim_missing,
    objects.unschedulable_at_start,
    objects.content_going,
    objects.snapshot_missing,
    objects.volume_snapshot,
    objects.snapshot_unready,
    storage.claim_lost,
    storage.class_missing,
    storage.provisioning,
    storage.waits_for_consumer,
    storage.provisioner,
    storage.data_volume_stuck,
    objects.unschedulable,
    objects.other_restore,
    objects.controller_silent,
)
"""Each is tried in this order; the first that fits is told."""
SAFETY_RULES: tuple[Rule, ...] = (
    said.unreachable,
    said.right_lost,
    said.vm_deleted,
    safety.not_locked,
    said.namespace_going,
    said.webhook_down,
    said.webhook_denies,
    said.quota,
    safety.disk,
    safety.deadline,
    safety.silent,
)
"""The same, while a safety snapshot is waited for."""


def _unknown(evidence: Evidence) -> Match:
    """No rule fits: what was found, for people to judge."""
    said = tuple(quoted(evidence, text) for text in evidence.words)
    warned = tuple(event_quote(each) for each in evidence.events if each.warning)
    waiting = tuple(
        stands("Claim", each.name, texts.PHASE.format(phase=each.phase or "?"))
        for each in evidence.pending
    )
    cause = Cause.START_UNKNOWN if evidence.starts else Cause.UNKNOWN
    cause = Cause.SAFETY_UNKNOWN if evidence.protects else cause
    return Match(cause, (*said[:2], *warned[:2], *waiting))
