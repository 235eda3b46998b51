"""Documents of every release load."""

from pathlib import Path

import pytest

from bot.restore.audit_kinds import AuditKind
from bot.restore.model import Phase
from bot.store.documents import Unreadable, dump, dump_entry, load, load_body, load_entry
from tests.store.samples import restore, said, typical

STORED = Path(__file__).parent / "documents"


def test_what_is_stored_loads_as_it_was() -> None:
    for made in (restore(), typical()):
        assert load(dump(made)) == made


def test_a_document_of_schema_1_loads() -> None:
    """Written by the first release; the file is never changed again once that is out."""
    assert load((STORED / "schema-1.json").read_text()) == typical()


def test_an_audit_entry_of_each_kind_loads() -> None:
    """A line of the file is never changed again once a release has written its kind."""
    lines = (STORED / "audit.jsonl").read_text().splitlines()
    entries = [load_entry(line) for line in lines]
    assert [entry.kind for entry in entries] == list(AuditKind)
    assert all(isinstance(entry.kind, AuditKind) for entry in entries)
    assert [dump_entry(entry) for entry in entries] == lines


def test_each_phase_has_its_kind_of_audit_entry() -> None:
    assert {phase.value for phase in Phase} <= {kind.value for kind in AuditKind}


def test_an_audit_entry_of_a_later_release_is_read_as_it_was_written() -> None:
    text = '{"at":"2026-02-18T16:30:00Z","restore":"R1","kind":"asked","by":"U01ONCALL"}'
    assert load_entry(text) == said("asked", restore())
    assert dump_entry(load_entry(text)) == text


def test_a_document_of_a_later_schema_is_unreadable_by_name() -> None:
    later = dump(restore()).replace('"schema_version":1', '"schema_version":2')
    with pytest.raises(Unreadable, match=r"does not load at schema_version$"):
        load(later)


def test_a_field_that_nobody_knows_is_named_but_not_its_value() -> None:
    with pytest.raises(Unreadable) as unreadable:
        load(dump(restore()).replace('"phase"', '"secret_words":"hunter2","phase"'))
    assert unreadable.value.text == "does not load at secret_words"


def test_a_broken_body_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="no JSON"):
        load_body("{")


def test_a_body_that_is_no_object_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="no JSON object"):
        load_body("[]")
