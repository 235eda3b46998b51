"""One log line for each audit entry: what people did, and how each restore went on and ended."""

from collections.abc import Iterable

import structlog

from bot.restore.model import AuditEntry

log = structlog.get_logger(__name__)


def tell(entries: Iterable[AuditEntry]) -> None:
    """Log entries that are stored.

    The name of the snapshot is left out: it is what people type to confirm, and logs go to more readers
    than the store. `audit export` has it.
    """
    for entry in entries:
        fields = {
            "restore": entry.restore,
            "by": entry.by,
            "vm": entry.target.partition(" from ")[0],
            "verdict": entry.verdict,
            "reason": entry.reason,
            "detail": entry.detail,
        }
        told = {name: value for name, value in fields.items() if value}
        log.info("audit", kind=str(entry.kind), **told)
