"""`vm-restore-bot audit`: the audit as JSON lines or as a timeline, and whether its chain holds."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

from bot.errors import Misconfigured, StoreUnavailable
from bot.restore.model import AuditEntry
from bot.settings import Settings
from bot.store import audit
from bot.store.audit import Kept
from bot.terminal.opened import store_of
from bot.terminal.plain import markdown, plain

BROKEN = 1


def export(  # noqa: PLR0913 - the options of one command
    settings: Settings,
    team: str,
    out: TextIO,
    *,
    restore: str | None,
    since: datetime | None,
    timeline: bool,
) -> int:
    """Write the entries as JSON lines, or as a timeline in Markdown; the exit code."""
    kept = _kept(settings, team, restore)
    if isinstance(kept, str):
        out.write(kept)
        return BROKEN
    wanted = [each for each in kept if since is None or each.entry.at >= since]
    out.writelines(_timeline(wanted) if timeline else map(_line, wanted))
    return 0


def verify(settings: Settings, team: str, out: TextIO, against: Path | None) -> int:
    """Say where an entry was changed or is missing; 1 if one is.

    `against` is an earlier export as JSON lines: what it has and the store has no more is missing.
    """
    earlier = _exported(against) if against else {}
    kept = _kept(settings, team, None)
    if isinstance(kept, str):
        out.write(kept)
        return BROKEN
    found = [*audit.faults(kept), *audit.missing(earlier, kept)]
    for fault in found:
        of = f"restore {fault.stream}" if fault.stream else "what belongs to no restore"
        out.write(plain(f"{of}, entry {fault.id}: {fault.what}") + "\n")
    unchained = sum(not each.chain for each in kept)
    out.write(f"{len(kept)} entries, {len(found)} wrong")
    out.write(f", {unchained} of an older release without a chain\n" if unchained else "\n")
    return BROKEN if found else 0


def _kept(settings: Settings, team: str, restore: str | None) -> list[Kept] | str:
    """The entries, or why there are none."""

    async def read() -> list[Kept]:
        async with store_of(settings, team) as (store, _):
            return await store.audit.kept(restore)

    try:
        return asyncio.run(read())
    except StoreUnavailable as away:
        return f"{away.what}; set REDIS_URL to the Redis of the bot\n"


def _line(kept: Kept) -> str:
    """One JSON line: where it stands, its chain, and the entry."""
    told = {"stream": kept.stream, "id": kept.id, "chain": kept.chain, **json.loads(kept.text)}
    return f"{json.dumps(told, ensure_ascii=False)}\n"


def _exported(path: Path) -> dict[tuple[str, str], str]:
    """The chains of an export, by stream and id. Raises Misconfigured if it is none."""
    found: dict[tuple[str, str], str] = {}
    try:
        for line in path.read_text("utf-8").splitlines():
            told = json.loads(line)
            found[told["stream"], told["id"]] = told["chain"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Misconfigured(f"--against {path}: not an export as JSON lines ({error})") from None
    return found


def _timeline(kept: Sequence[Kept]) -> Iterator[str]:
    """A section for each restore, by its first entry; times in UTC."""
    streams: dict[str, list[AuditEntry]] = {}
    for each in kept:
        entry = each.entry
        streams.setdefault(entry.restore or "", []).append(entry)
    for restore, entries in streams.items():
        heading = f"Restore {markdown(restore)}" if restore else "Without a restore"
        yield f"## {heading}\n\n"
        target = ""
        for entry in entries:
            if entry.target != target and restore:
                yield f"{markdown(entry.target)}\n\n"
                target = entry.target
            said = [entry.by and f"by {entry.by}", entry.verdict, entry.reason, entry.detail]
            if not restore:
                said.append(entry.target)
            words = ", ".join(markdown(each) for each in said if each)
            yield (
                f"- {entry.at:%Y-%m-%d %H:%M:%S} **{markdown(entry.kind)}** {words}".rstrip() + "\n"
            )
        yield "\n"
