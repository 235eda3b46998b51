"""Everything the bot must not forget, and the only owner of the Redis client.

The life of a thing in the queue: it falls due; a worker of some replica leases it, which pushes its
due time to the end of the lease and counts up its fence; the worker commits what changed and at the
end finishes, naming the next due time. If the worker dies, the lease runs out and the thing is due
again. If it was only slow, its fence is no longer the current one and its commit is stale.

Rules
- Each method is one script and one command (reading the audit stream and lists longer than a page
  apart), safe to be sent twice.
- A restore's version guards its document, a lease guards the work: listeners commit without one.
- A live restore never leaves the queue, so that nothing ends in silence.
- What cannot be reached is StoreUnavailable; what an answer decides is a value (`records`).
"""

import json
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.clock import Clock
from bot.restore.model import AuditEntry, Restore
from bot.store import documents, durability, replies, tasks, times
from bot.store.connection import Client
from bot.store.durability import Durability
from bot.store.failures import translated
from bot.store.keys import DELIVERY, RESTORE, Keys
from bot.store.records import (
    AlreadyExists,
    ClaimConflict,
    Committed,
    Created,
    Lease,
    Leased,
    PostedCard,
    Record,
    Stale,
)
from bot.store.response_urls import Ways
from bot.store.scripts import Scripts
from bot.store.tasks import PeriodicTasks

log = structlog.get_logger(__name__)

KEPT = timedelta(days=30)
"""How long an ended restore, its thread and its VM's history stay."""
REMEMBERED = timedelta(hours=24)
"""How long a settled delivery is known, so that a copy of it is dropped."""
PUT_OFF = timedelta(minutes=5)
"""When something unreadable is looked at again, perhaps by a release that can read it."""
MAX_CUTS = 5
"""A delivery whose workers died this often is given up, a chore is put off."""
PAGE = 200
"""How many documents, ids or entries one command asks for at most."""


class Store:
    """The documents, the queue and the audit stream of one Slack workspace."""

    def __init__(
        self, client: Client, team: str, clock: Clock, *, lease_seconds: float = 25
    ) -> None:
        self._client = client
        self._scripts = Scripts(client)
        self._keys = Keys(team)
        self._clock = clock
        self._lease_time = timedelta(seconds=lease_seconds)
        self.tasks = PeriodicTasks(self._scripts, self._keys, clock)
        self.ways = Ways(client, self._keys)

    async def ping(self) -> None:
        """Return if Redis answers; raise StoreUnavailable if not."""
        with translated():
            await self._client.ping()

    async def durability(self) -> Durability:
        """Does what is stored stay there? What the server does not say is None."""
        return await durability.read(self._client, self._keys.due)

    # Deliveries

    async def accept(self, key: str, kind: str, body: Mapping[str, Any]) -> Lease | None:
        """Keep what Slack sent, leased to the caller; None if this key is known already."""
        now, member = self._clock.now(), DELIVERY + key
        lease = Lease(member, 1, now + self._lease_time)
        accepted = await self._scripts.run(
            "enqueue_delivery",
            self._queued(member),
            member=member,
            token=_token(),
            kind=kind,
            body=documents.dump_body(body),
            now=times.passed(now),
            lease_end=times.due(lease.until),
        )
        return lease if accepted else None

    async def settle(self, lease: Lease) -> bool:
        """A delivery is dealt with; False if somebody else has taken it since."""
        ttl = int(REMEMBERED.total_seconds())
        return bool(
            await self._scripts.run(
                "complete_delivery",
                self._queued(lease.id),
                member=lease.id,
                fence=lease.fence,
                ttl=ttl,
            )
        )

    # The queue

    async def lease(self, limit: int) -> tuple[list[Leased], datetime | None]:
        """Take up to `limit` things that are due, and say when the next one is (None: never).

        A delivery that stops every worker is given up, with an audit entry; a chore that does so is
        put off, and so is what does not load.
        """
        now = self._clock.now()
        until = now + self._lease_time
        taken, abandoned, following = await self._scripts.run(
            "lease",
            {"due": self._keys.due, "audit": self._keys.audit},
            prefix=self._keys.prefix,
            now=times.passed(now),
            lease_end=times.due(until),
            limit=limit,
            max_cuts=MAX_CUTS,
            ttl=int(REMEMBERED.total_seconds()),
            now_iso=now.isoformat(),
            later=times.due(now + PUT_OFF),
        )
        for member in abandoned:
            log.error("it stopped every worker", record=member, attempts=MAX_CUTS)
        leased = [
            await self._understand(
                Lease(member, int(fence), until), replies.paired(fields), cut_off=bool(interrupted)
            )
            for member, fence, fields, interrupted in taken
        ]
        next_due = None if following is None else times.moment(following)
        return [each for each in leased if each is not None], next_due

    async def finish(
        self,
        lease: Lease,
        *,
        due: datetime | None,
        shown: Mapping[str, PostedCard] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> bool:
        """Give a lease back with the next due time; False if somebody else has taken it since.

        Cards in `shown` are added to those known; `body` is what a chore knows from now on. A wish
        that came meanwhile makes it due now. Without a due time an ended restore leaves the queue,
        a chore rests, and a delivery is settled.
        """
        if due is None and lease.id.startswith(DELIVERY):
            return await self.settle(lease)
        done = await self._scripts.run(
            "release",
            self._queued(lease.id),
            member=lease.id,
            fence=lease.fence,
            now=times.passed(self._clock.now()),
            due_at=_or_nothing(due),
            shown=json.dumps(replies.flat(shown or {})),
            body="" if body is None else documents.dump_body(body),
            ttl=int(tasks.KEPT.total_seconds()),
        )
        if done < 0:
            raise ValueError(f"{lease.id} is live: it needs a next due time")
        return bool(done)

    async def renew(self, lease: Lease) -> Lease | None:
        """The lease, as long again from now; None if it has run out or passed on."""
        now = self._clock.now()
        longer = Lease(lease.id, lease.fence, now + self._lease_time)
        renewed = await self._scripts.run(
            "renew",
            self._queued(lease.id),
            member=lease.id,
            fence=lease.fence,
            now=times.passed(now),
            lease_end=times.due(longer.until),
        )
        return longer if renewed else None

    async def wake(self, ids: Sequence[str]) -> None:
        """Have these restores looked at now; ended and unknown ones are left alone."""
        for page in _pages(ids):
            await self._scripts.run(
                "wake",
                {"due": self._keys.due},
                prefix=self._keys.prefix,
                now=times.passed(self._clock.now()),
                ids=json.dumps(page),
            )

    # Restores

    async def create(
        self, restore: Restore, *, due: datetime, audit: Sequence[AuditEntry]
    ) -> Created | AlreadyExists | ClaimConflict:
        """Store a new restore, take its claim on the VM and put it in the queue."""
        reply = await self._scripts.run(
            "create",
            self._keys_of(restore),
            **self._filing(restore, audit),
            due_at=times.due(due),
        )
        match reply:
            case ["created"]:
                return Created(restore)
            case ["known", str(document)]:
                return AlreadyExists(documents.load(document))
            case ["held", str(document)]:
                return ClaimConflict(documents.load(document))
            case _:
                raise TypeError(f"not an answer of create: {reply!r}")

    async def commit(
        self,
        restore: Restore,
        *,
        due: datetime | None,
        audit: Sequence[AuditEntry],
        lease: Lease | None = None,
    ) -> Committed | Stale | ClaimConflict:
        """Store what became of a restore since `restore.version`.

        Without a lease it is due at `due`, or as soon as a present lease is given back; None leaves
        the queue as it is. With a lease the queue waits for `finish`.
        """
        following = restore.model_copy(update={"version": restore.version + 1})
        reply = await self._scripts.run(
            "commit",
            self._keys_of(restore),
            **self._filing(following, audit),
            version=restore.version,
            fence="" if lease is None else lease.fence,
            due_at=_or_nothing(due),
        )
        match reply:
            case ["committed"]:
                return Committed(following)
            case ["stale"]:
                return Stale()
            case ["held", str(document)]:
                return ClaimConflict(documents.load(document))
            case _:
                raise TypeError(f"not an answer of commit: {reply!r}")

    async def doubt(self, restore: str, card: str, ts: str) -> None:
        """The message `ts` that a card stood in is gone; have the thread looked through for it."""
        member = RESTORE + restore
        now = times.passed(self._clock.now())
        await self._scripts.run(
            "invalidate_card", self._queued(member), member=member, card=card, ts=ts, now=now
        )

    async def load(self, restore: str) -> Record | None:
        """A restore and its cards."""
        found = await self.load_many([restore])
        return found[0] if found else None

    async def load_many(self, restores: Sequence[str]) -> tuple[Record, ...]:
        """These restores and their cards, without those that are gone."""
        found: list[Record] = []
        for page in _pages(restores):
            records = await self._scripts.run(
                "load_many",
                {"live": self._keys.live},
                prefix=self._keys.prefix,
                ids=json.dumps(page),
            )
            found += [replies.record(replies.paired(fields)) for fields in records]
        return tuple(found)

    async def in_thread(self, channel: str, thread: str) -> tuple[Restore, ...]:
        """All restores of a thread, live and ended, oldest first."""
        return replies.readable(await self._listed(self._keys.thread(channel, thread), 0, -1))

    async def live(self) -> tuple[Restore, ...]:
        """All restores that have not ended, oldest first."""
        found: list[str] = []
        # Pages by rank: a restore that ends between two pages may hide another one this time.
        while page := await self._listed(self._keys.live, len(found), len(found) + PAGE - 1):
            found += page
            if len(page) < PAGE:
                break
        return replies.readable(found)

    async def history(self, claim: str, limit: int) -> tuple[Restore, ...]:
        """The last ended restores of a VM ("cluster/namespace/vm"), newest first."""
        texts = await self._listed(self._keys.history(claim), 0, limit - 1) if limit > 0 else []
        return replies.readable(texts)

    async def recent(self, limit: int) -> tuple[Restore, ...]:
        """The last ended restores of the workspace, newest first."""
        texts = await self._listed(self._keys.recent, 0, limit - 1) if limit > 0 else []
        return replies.readable(texts)

    # The audit stream

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Write audit entries that belong to no change of a restore."""
        if entries:
            said = f"{self._keys.prefix}said:{_token()}"
            keys = {"audit": self._keys.audit, "said": said}
            await self._scripts.run("append_audit", keys, entries=_entries(entries))

    async def audit(
        self, *, since: datetime | None = None, restore: str | None = None
    ) -> AsyncIterator[AuditEntry]:
        """The audit stream, oldest first."""
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

    # Behind the doors

    async def _understand(
        self, lease: Lease, fields: dict[str, str], *, cut_off: bool
    ) -> Leased | None:
        try:
            return Leased(lease, replies.work(lease.id, fields), interrupted=cut_off)
        except documents.Unreadable as error:
            await self._defer(lease, error)
            return None

    async def _defer(self, lease: Lease, error: documents.Unreadable) -> None:
        """Put off what does not load: it must not stop the loop, nor be lost to a newer release."""
        log.error("unreadable record put off", record=lease.id, found=error.text)
        now = self._clock.now()
        entry = AuditEntry(
            at=now, kind="deferred", reason=error.reason, target=lease.id, detail=error.text
        )
        await self._scripts.run(
            "defer_unreadable",
            {**self._queued(lease.id), "audit": self._keys.audit},
            member=lease.id,
            fence=lease.fence,
            due_at=times.due(now + PUT_OFF),
            entries=_entries([entry]),
        )

    async def _listed(self, index: str, first: int, last: int) -> list[str]:
        found: list[str] = await self._scripts.run(
            "load_index", {"index": index}, prefix=self._keys.prefix, first=first, last=last
        )
        return found

    def _queued(self, member: str) -> dict[str, str]:
        """The keys of one member of the queue."""
        return {"record": self._keys.record(member), "due": self._keys.due}

    def _keys_of(self, restore: Restore) -> dict[str, str]:
        keys = self._keys
        return {
            **self._queued(RESTORE + restore.id),
            "living": keys.live,
            "claims": keys.claims,
            "audit": keys.audit,
            "recent": keys.recent,
            "homes": keys.homes,
        }

    def _filing(self, restore: Restore, audit: Sequence[AuditEntry]) -> dict[str, str | int]:
        """What `create` and `commit` need to know to store a restore and to find it again."""
        request, thread_ref = restore.request, restore.thread_ref
        vm = f"{request.cluster}/{request.namespace}/{request.vm}"
        thread = f"{thread_ref.channel}:{thread_ref.thread}"
        return {
            "prefix": self._keys.prefix,
            "id": restore.id,
            "token": _token(),
            "doc": documents.dump(restore),
            "entries": _entries(audit),
            "ttl": int(KEPT.total_seconds()),
            "live": 0 if restore.phase.ended else 1,
            "opened": times.passed(restore.opened_at),
            "claim": restore.claim or "",
            "thread": thread if thread_ref.thread else "",
            "vm": vm if request.vm and request.namespace else "",
            "now": times.passed(self._clock.now()),
        }


def _token() -> str:
    """A name for one call, by which a script knows it when it is sent twice."""
    return secrets.token_hex(8)


def _or_nothing(moment: datetime | None) -> str | int:
    return "" if moment is None else times.due(moment)


def _entries(entries: Sequence[AuditEntry]) -> str:
    return json.dumps([documents.dump_entry(entry) for entry in entries])


def _wanted(entry: AuditEntry, since: datetime | None, restore: str | None) -> bool:
    return (since is None or entry.at >= since) and (restore is None or entry.restore == restore)


def _pages(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), PAGE):
        yield list(ids[start : start + PAGE])
