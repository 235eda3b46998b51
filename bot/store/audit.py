"""The audit streams: who asked for what, what was decided and done, oldest first.

Each restore has its own, and what belongs to no restore (somebody was refused, a record was lost) is in
one more, cut at about 100,000. An entry carries a chain: the SHA-1 of the chain of the entry before it
and of its own text. It shows a changed, missing or moved entry to a reader; it does not stop
somebody who can write to Redis from making the whole chain anew, or from cutting its end. Against that
an export is kept elsewhere and compared (`missing`).
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1

from bot.restore.model import AuditEntry
from bot.store import audit_log, documents, scripts
from bot.store.keys import Keys
from bot.store.scripts import PAGE, Scripts

GENERAL = ""
"""The name of the stream of what belongs to no restore."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as it is stored."""

    stream: str
    """The id of the restore, or GENERAL."""
    id: str
    """Redis' id of it: milliseconds of the server's clock, "-" and a number."""
    text: str
    chain: str
    """Hexadecimal; "" if an older release wrote it."""
    number: int
    """Counted over all streams; 0 if an older release wrote it."""

    @property
    def entry(self) -> AuditEntry:
        """What was written."""
        return documents.load_entry(self.text)


@dataclass(frozen=True, slots=True)
class Fault:
    """An entry that is not where it was written, or not as it was written."""

    stream: str
    id: str
    what: str


class AuditStream:
    """The audit streams of one installation in one Slack workspace."""

    def __init__(self, scripts: Scripts, keys: Keys) -> None:
        self._scripts = scripts
        self._keys = keys

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Write entries that belong to no change of a restore."""
        if entries:
            said = f"{self._keys.prefix}said:{scripts.call_token()}"
            keys = {"audit": self._keys.audit, "said": said}
            await self._scripts.run("append_audit", keys, entries=documents.dump_entries(entries))
            audit_log.tell(entries)

    async def read(
        self, *, since: datetime | None = None, restore: str | None = None
    ) -> AsyncIterator[AuditEntry]:
        """The entries since a moment, or of one restore, oldest first."""
        for kept in await self.kept(restore):
            entry = kept.entry
            if since is None or entry.at >= since:
                yield entry

    async def kept(self, restore: str | None = None) -> list[Kept]:
        """All entries as they are stored, or those of one restore, oldest first."""
        found = await self._stream(GENERAL)
        if restore is not None:
            # An older release kept all entries in one stream.
            found = [each for each in found if each.entry.restore == restore]
        streams = await self._restores() if restore is None else [restore]
        for each in streams:
            found += await self._stream(each)
        return sorted(found, key=_order)

    async def _restores(self) -> list[str]:
        """The ids of the restores that have entries, by the time of their last."""
        found: list[str] = []
        keys = {"index": self._keys.audits}
        while page := await self._scripts.run(
            "list_audits", keys, first=len(found), last=len(found) + PAGE - 1
        ):
            found += page
        return found

    async def _stream(self, name: str) -> list[Kept]:
        found: list[Kept] = []
        after, keys = "-", {"audit": self._keys.audit_of(name) if name else self._keys.audit}
        while True:
            page = await self._scripts.run("read_audit", keys, after=after, count=PAGE)
            for place, fields in page:
                stored = dict(zip(fields[::2], fields[1::2], strict=True))
                found.append(Kept(name, place, stored["entry"], *_counted(stored)))
            if len(page) < PAGE:
                return found
            after = f"({page[-1][0]}"


def faults(entries: Iterable[Kept]) -> Iterator[Fault]:
    """Where the chain of a stream does not hold. The entries of each stream come in their order."""
    before: dict[str, str | None] = {}
    for each in entries:
        # The general stream is cut at its beginning: what its first entry followed is not known.
        known = before.get(each.stream, None if each.stream == GENERAL else "")
        # No release wrote to the stream of a restore without a chain; one wrote to the general stream.
        if not each.chain and each.stream != GENERAL:
            yield Fault(each.stream, each.id, "it has no chain: the bot did not write it")
        elif each.chain and known is not None and each.chain != _chain(known, each.text):
            yield Fault(each.stream, each.id, "it or the entry before it was changed or removed")
        before[each.stream] = each.chain


def missing(exported: Mapping[tuple[str, str], str], entries: Iterable[Kept]) -> Iterator[Fault]:
    """What an earlier export has, by stream and id with its chain, and the store has no more."""
    chains = {(each.stream, each.id): each.chain for each in entries}
    for (stream, place), chain in exported.items():
        now = chains.get((stream, place))
        if now is None:
            yield Fault(stream, place, "it is in the export and no more in the store")
        elif now != chain:
            yield Fault(stream, place, "it is another one than in the export")


def _order(kept: Kept) -> tuple[int, int, int]:
    milliseconds, _, place = kept.id.partition("-")
    return int(milliseconds), kept.number, int(place)


def _counted(stored: Mapping[str, str]) -> tuple[str, int]:
    return stored.get("chain", ""), int(stored.get("n", 0))


def _chain(before: str, text: str) -> str:
    """As `lua/parts.lua:chain_entry` does it; SHA-1 is what Redis offers its scripts."""
    return sha1((before + text).encode(), usedforsecurity=False).hexdigest()
