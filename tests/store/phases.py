"""The documents of this schema, as they are stored: one for each phase, and some with later fields.

A release that adds a field writes one more file beside these, with `bot.store.documents.dump`.
"""

from pathlib import Path

from bot.restore.model import Phase
from bot.store.documents import load

DOCUMENTS = Path(__file__).parent / "documents" / "1"
TEXTS = {file.stem: file.read_text(encoding="utf-8") for file in sorted(DOCUMENTS.glob("*.json"))}
EVERY_DOCUMENT = {name: load(text) for name, text in TEXTS.items()}
EVERY_PHASE = {phase: EVERY_DOCUMENT[phase.value] for phase in Phase}
