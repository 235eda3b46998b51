"""The builder of restores: a document in any phase, with everything known that it was asked for.

Where it leads through the phases by events, see `tests/restore/play.py`; the documents that releases
have stored, one for each phase, are in `tests/store/phases.py`.
"""

from datetime import UTC, datetime
from typing import Any

from bot.restore.model import Phase, Restore, RestoreId
from bot.restore.rules import Rules
from bot.restore.target import RestoreRequest
from bot.restore.thread import Card, ThreadRef, UserId

NOW = datetime(2026, 2, 18, 16, 30, tzinfo=UTC)
ALICE, BOB = UserId("U0ALICE"), UserId("U0BOB")
ID = RestoreId("k3f9x2ab")
KNOWN = RestoreRequest(
    cluster="default", namespace="production", vm="database-01", snapshot="pre-upgrade-snapshot"
)
HERE = ThreadRef(team="T0TEAM", channel="C0OPS", thread="1.1", own_thread=True)


def restore(phase: Phase = Phase.CHECKING, *cards: Card, **changes: Any) -> Restore:
    """A restore of database-01, asked for by Alice in a thread of its own; `changes` differ."""
    known: dict[str, Any] = {
        "id": ID,
        "phase": phase,
        "thread_ref": HERE,
        "owner": ALICE,
        "request": KNOWN,
        "rules": Rules(),
        "opened_at": NOW,
        "entered_at": NOW,
        "cards": cards,
    }
    return Restore.model_validate({**known, **changes})
