"""Restores and audit entries as text, and back.

Only what differs from the model's defaults is written, which keeps a document small; the schema
version always is. So a default that changes its meaning needs a new schema version, and the reading
of the old one belongs here.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from bot.errors import Permanent
from bot.restore.model import SCHEMA, AuditEntry, Restore
from bot.restore.traces import Trace


class Unreadable(Permanent):
    """A stored document does not load: another release wrote it, or somebody changed it by hand."""

    def __init__(self, text: str) -> None:
        super().__init__("unreadable_document", text)


class Newer(Unreadable):
    """It is of a newer release, as far as can be told: that release reads it, and goes on with it."""


_UNHEARD_OF = frozenset({"extra_forbidden", "enum", "literal_error"})
"""What pydantic says of a field, and of a value of a closed set, that only a newer release knows."""


def dump(restore: Restore) -> str:
    """A restore as it is stored."""
    fields = restore.model_dump(mode="json", exclude_defaults=True)
    return _compact({"schema_version": restore.schema_version, **fields})


def load(text: str) -> Restore:
    """A stored restore."""
    try:
        return Restore.model_validate_json(text)
    except ValidationError as error:
        kind = Newer if _is_newer(text, error) else Unreadable
        raise kind(f"does not load at {places(error)}") from None


def _is_newer(text: str, error: ValidationError) -> bool:
    """Its schema is a later one, or all that does not load is what a later release may have added."""
    if all(each["type"] in _UNHEARD_OF for each in error.errors()):
        return True
    try:
        schema = json.loads(text)["schema_version"]
    except (ValueError, KeyError, TypeError):
        return False
    return type(schema) is int and schema > SCHEMA


def places(error: ValidationError) -> str:
    """Where something does not load, never the values: they hold what people typed."""
    found = sorted({".".join(map(str, each["loc"])) or "-" for each in error.errors()})
    return ", ".join(found[:5])


def dump_trace(trace: Trace) -> str:
    """What is kept of a live restore apart from its document; what is not known is left out."""
    return _compact(trace.model_dump(mode="json", exclude_defaults=True))


def dump_entry(entry: AuditEntry) -> str:
    """An audit entry as it is stored."""
    return _compact(entry.model_dump(mode="json", exclude_defaults=True))


def dump_entries(entries: Sequence[AuditEntry]) -> str:
    """Audit entries as an argument of a script."""
    return json.dumps([dump_entry(entry) for entry in entries])


def load_entry(text: str) -> AuditEntry:
    """A stored audit entry."""
    return AuditEntry.model_validate_json(text)


def dump_body(body: Mapping[str, Any]) -> str:
    """What Slack sent, as it is stored. Escaped, since Slack may send half of a surrogate pair."""
    return json.dumps(body, separators=(",", ":"))


def load_body(text: str) -> dict[str, Any]:
    """What Slack sent."""
    try:
        body = json.loads(text)
    except ValueError:
        raise Unreadable("the body is no JSON") from None
    if not isinstance(body, dict):
        raise Unreadable("the body is no JSON object")
    return body


def _compact(fields: dict[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
