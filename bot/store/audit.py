"""The audit stream: who asked for what, what was decided and done, oldest first."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from bot.restore.model import AuditEntry
from bot.store import documents, scripts
from bot.store.keys import Keys
from bot.store.scripts import PAGE, Scripts


class AuditStream:
    """The audit stream of one Slack workspace."""

    def __init__(self, scripts: Scripts, keys: Keys) -> None:
        self._scripts = scripts
        self._keys = keys

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Write entries that belong to no change of a restore."""
        if entries:
            said = f"{self._keys.prefix}said:{scripts.call_token()}"
            keys = {"audit": self._keys.audit, "said": said}
            await self._scripts.run("append_audit", keys, entries=documents.dump_entries(entries))

    async def read(
        self, *, since: datetime | None = None, restore: str | None = None
    ) -> AsyncIterator[AuditEntry]:
        """The entries since a moment, or of one restore, oldest first."""
        after, keys = "-", {"audit": self._keys.audit}
        while True:
            page = await self._scripts.run("read_audit", keys, after=after, count=PAGE)
            for _, (_, text) in page:
                entry = documents.load_entry(text)
                if _wanted(entry, since, restore):
                    yield entry
            if len(page) < PAGE:
                return
            after = f"({page[-1][0]}"


def _wanted(entry: AuditEntry, since: datetime | None, restore: str | None) -> bool:
    return (since is None or entry.at >= since) and (restore is None or entry.restore == restore)
