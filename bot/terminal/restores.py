"""`vm-restore-bot restores`: what is under way, and a cancel or a look at once, without Slack.

A change goes through the same function, the same version check and the same audit as one from Slack; a
running bot carries it out and tells the thread, at the latest when it is back.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TextIO

from bot.clock import Clock
from bot.errors import StoreUnavailable
from bot.restore import audit, workflow
from bot.restore.events import OperatorCancelled, Reply
from bot.restore.model import AuditEntry, Restore
from bot.settings import Settings
from bot.store import Store, documents
from bot.store.records import ClaimConflict, Committed
from bot.terminal.opened import store_of
from bot.terminal.plain import plain, table

RECENT = 20
TRIES = 8
UNKNOWN = 1
_HEAD = ("ID", "PHASE", "VM", "SNAPSHOT", "OWNER", "SINCE", "WAITS FOR")
_REFUSED = {
    Reply.ENDED: "it has ended already",
    Reply.CANNOT_CANCEL: (
        "the cluster works on it already, so it cannot be cancelled; look with `restores show`"
    ),
}

Work = Callable[[Store, Clock], Awaitable[tuple[int, str]]]


def show_all(settings: Settings, team: str, out: TextIO, *, ended: bool, as_json: bool) -> int:
    """Print the restores under way, and the last that have ended if asked for; the exit code."""

    async def work(store: Store, clock: Clock) -> tuple[int, str]:
        listed = await store.under_way()
        found = [*listed.restores, *(await store.recent(RECENT) if ended else ())]
        if as_json:
            return 0, "".join(f"{json.dumps(_summary(each))}\n" for each in found)
        rows = [_HEAD, *(_row(each, clock.now()) for each in found)]
        said = table(rows) if found else "no restore is under way\n"
        if hidden := listed.newer + listed.lost:
            said += f"{hidden} more cannot be read by this release; the log of the bot names them\n"
        return 0, said

    return _run(settings, team, out, work)


def show(settings: Settings, team: str, out: TextIO, restore: str, *, as_json: bool) -> int:
    """Print one restore and what the audit says of it; the exit code, 1 if there is none."""

    async def work(store: Store, clock: Clock) -> tuple[int, str]:
        found = await _load(store, restore)
        entries = [entry async for entry in store.audit.read(restore=restore)]
        if found is None and not entries:
            return UNKNOWN, _no_such(restore)
        if as_json:
            document = None if found is None else _summary(found)
            told = {"restore": document, "audit": [json.loads(_dumped(each)) for each in entries]}
            return 0, f"{json.dumps(told, indent=2)}\n"
        lines = "the document is gone; the audit has it still\n"
        if found is not None:
            lines = "".join(
                f"{name:<10} {plain(value)}\n" for name, value in _details(found, clock)
            )
        return 0, lines + "".join(f"  {line_of(each)}\n" for each in entries)

    return _run(settings, team, out, work)


def cancel(settings: Settings, team: str, out: TextIO, restore: str, by: str) -> int:
    """Cancel a restore that the cluster does not work on yet; the exit code, 1 if that cannot be."""

    async def work(store: Store, clock: Clock) -> tuple[int, str]:
        for _ in range(TRIES):
            found = await _load(store, restore)
            if found is None:
                return UNKNOWN, _no_such(restore)
            now = clock.now()
            step = workflow.step(found, OperatorCancelled(by), now)
            if step.reply is not None:
                return UNKNOWN, f"not cancelled: {_REFUSED.get(step.reply, step.reply.value)}\n"
            match await store.commit(step.restore, due=now, audit=step.audit):
                case Committed(restore=after):
                    return 0, f"cancelled: {audit.target(after)}; the bot tells the thread\n"
                case ClaimConflict():
                    return UNKNOWN, "not cancelled: another restore holds the VM\n"
        return UNKNOWN, "not cancelled: it changes too quickly; try again\n"

    return _run(settings, team, out, work)


def nudge(settings: Settings, team: str, out: TextIO, restore: str) -> int:
    """Make a restore due now, whatever it waits for; the exit code, 1 if there is none."""

    async def work(store: Store, _: Clock) -> tuple[int, str]:
        found = await _load(store, restore)
        if found is None:
            return UNKNOWN, _no_such(restore)
        if found.phase.ended:
            return UNKNOWN, f"nothing to do: it has ended ({found.phase.value})\n"
        await store.queue.wake([restore])
        return 0, "a bot that runs looks at it now\n"

    return _run(settings, team, out, work)


def line_of(entry: AuditEntry) -> str:
    """An audit entry as one line."""
    parts = [entry.at.strftime("%Y-%m-%d %H:%M:%S UTC"), f"{entry.kind:<13}"]
    said = {"by": entry.by, "": entry.verdict, "reason": entry.reason, "detail": entry.detail}
    parts += [f"{name} {value}".strip() for name, value in said.items() if value]
    return plain(" ".join([*parts, f"({entry.target})"]) if entry.target else " ".join(parts))


def _run(settings: Settings, team: str, out: TextIO, work: Work) -> int:
    async def run() -> tuple[int, str]:
        async with store_of(settings, team) as (store, clock):
            return await work(store, clock)

    try:
        code, said = asyncio.run(run())
    except StoreUnavailable as away:
        code, said = UNKNOWN, f"{away.what}; set REDIS_URL to the Redis of the bot\n"
    out.write(said)
    return code


async def _load(store: Store, restore: str) -> Restore | None:
    try:
        record = await store.load(restore)
    except documents.Unreadable:
        return None
    return None if record is None else record.restore


def _no_such(restore: str) -> str:
    return f"no restore {plain(restore)} that this release can read; `restores list` has the ids\n"


def _row(restore: Restore, now: datetime) -> tuple[str, ...]:
    request = restore.request
    vm = "/".join(part or "?" for part in (request.cluster, request.namespace, request.vm))
    since = restore.ended_at
    minutes = int((now - since).total_seconds() // 60)
    return (
        restore.id,
        restore.phase.value,
        vm,
        request.snapshot or "?",
        restore.owner,
        f"{minutes} min",
        _waits(restore),
    )


def _waits(restore: Restore) -> str:
    """For whom or what it waits."""
    if restore.phase.ended:
        return ""
    if restore.trouble:
        return f"the cluster: {restore.trouble}"
    if restore.question is not None:
        return f"{restore.owner}: {restore.question.kind.value}"
    return "the cluster"


def _summary(restore: Restore) -> dict[str, Any]:
    """What scripts get; the names of the fields stay."""
    request, outcome, job = restore.request, restore.outcome, restore.job
    reason = outcome.reason.value if outcome and outcome.reason else None
    return {
        "id": restore.id,
        "phase": restore.phase.value,
        "cluster": request.cluster,
        "namespace": request.namespace,
        "vm": request.vm,
        "snapshot": request.snapshot,
        "owner": restore.owner,
        "opened_at": restore.opened_at.isoformat(),
        "entered_at": restore.entered_at.isoformat(),
        "deadline": None if restore.deadline is None else restore.deadline.isoformat(),
        "object": None if job is None else job.name,
        "trouble": restore.trouble,
        "reason": reason,
        "channel": restore.thread_ref.channel,
        "thread": restore.thread_ref.thread,
    }


def _details(restore: Restore, clock: Clock) -> list[tuple[str, str]]:
    _, phase, vm, snapshot, owner, since, waits = _row(restore, clock.now())
    thread = restore.thread_ref
    named = {
        "id": restore.id,
        "phase": f"{phase}, for {since}",
        "VM": vm,
        "snapshot": snapshot,
        "owner": owner,
        "waits for": waits,
        "until": "" if restore.deadline is None else f"{restore.deadline:%Y-%m-%d %H:%M:%S} UTC",
        "object": "" if restore.job is None else restore.job.name,
        "thread": f"{thread.channel} {thread.thread or ''}",
    }
    return [(name, value) for name, value in named.items() if value]


def _dumped(entry: AuditEntry) -> str:
    return documents.dump_entry(entry)
