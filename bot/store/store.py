"""The documents of the restores, and the entrance to everything else that Redis holds.

`store.queue` leases work, `store.tasks` has the periodic tasks, `store.audit` the audit stream,
`store.clusters` knows which cluster each name stands for.

Rules
- Each method is one script and one command (reading the audit stream and lists longer than a page
  apart), safe to be sent twice.
- A restore's version guards its document, a lease guards the work: listeners commit without one.
- A live restore never leaves the queue, so that nothing ends in silence.
- What cannot be reached is StoreUnavailable; what an answer decides is a value (`records`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.restore.installation import DEFAULT
from bot.restore.model import AuditEntry, Restore
from bot.restore.one_too_many import limited as needs_room
from bot.restore.target import VmRef
from bot.restore.traces import trace
from bot.store import audit_log, documents, durability, replies, scripts, times
from bot.store.audit import AuditStream
from bot.store.clusters import KnownClusters
from bot.store.connection import Client
from bot.store.drawn_forms import DrawnForms
from bot.store.durability import Durability
from bot.store.failures import translated
from bot.store.keys import RESTORE, Keys
from bot.store.queue import WorkQueue
from bot.store.records import (
    NO_LIMITS,
    AlreadyExists,
    ClaimConflict,
    Committed,
    Created,
    Lease,
    LimitReached,
    Listed,
    OpenLimits,
    PostedCard,
    Record,
    Stale,
)
from bot.store.response_urls import Ways
from bot.store.scripts import PAGE, Answered, Scripts
from bot.store.survey import Survey, survey
from bot.store.tasks import PeriodicTasks

KEPT = timedelta(days=30)
"""How long an ended restore, its thread and its VM's history stay."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How restores are kept, as the settings say."""

    lease: timedelta = timedelta(seconds=25)
    """How long a restore belongs to one replica."""
    replicas: int = 0
    """Replicas of Redis that must have a decision before it is acted on or told."""
    audit: timedelta = timedelta(days=400)
    """How long the audit entries of a restore stay after its last."""
    limits: OpenLimits = NO_LIMITS
    """How many restores may be open at once."""


class Store:
    """The restores of one installation, its queue, its periodic tasks and its audit stream."""

    def __init__(
        self,
        client: Client,
        team: str,
        clock: Clock,
        *,
        installation: str = DEFAULT,
        keeping: Keeping = Keeping(),
    ) -> None:
        self._client = client
        self._scripts = Scripts(client, audit_kept=int(keeping.audit.total_seconds()))
        self._keys = Keys(team, installation)
        self._clock = clock
        self._replicas = keeping.replicas
        self._limits = keeping.limits
        self.queue = WorkQueue(
            self._scripts, self._keys, clock, lease_time=keeping.lease, replicas=keeping.replicas
        )
        self.audit = AuditStream(self._scripts, self._keys)
        self.tasks = PeriodicTasks(self._scripts, self._keys, clock)
        self.ways = Ways(client, self._keys)
        self.forms = DrawnForms(client, self._keys)
        self.clusters = KnownClusters(self._scripts, self._keys)

    def counts(self, answered: Answered) -> None:
        """Tell this of every script that is run."""
        self._scripts.answered = answered

    async def survey(self) -> Survey:
        """How many restores are live, and how far behind the queue is."""
        return await survey(self._scripts, self._keys, self._clock)

    async def ping(self) -> None:
        """Return if Redis answers; raise StoreUnavailable if not."""
        with translated():
            await self._client.ping()

    async def durability(self) -> Durability:
        """Does what is stored stay there? What the server does not say is None."""
        return await durability.read(self._client, self._keys.due, self._replicas)

    async def create(
        self,
        restore: Restore,
        *,
        due: datetime,
        audit: Sequence[AuditEntry],
        shown: Mapping[str, PostedCard] | None = None,
        limited: bool = False,
    ) -> Created | AlreadyExists | ClaimConflict | LimitReached:
        """Store a new restore, take its claim on the VM and put it in the queue.

        `shown` are cards of it that stand in Slack already. `limited`: only if fewer are open than
        may be; the script that counts them stores it, so that two replicas do not both pass.
        """
        limits = self._limits if limited else NO_LIMITS
        reply = await self._scripts.run(
            "create",
            self._keys_of(restore),
            **self._filing(restore, audit),
            due_at=times.due(due),
            shown=json.dumps(replies.flat(shown or {})),
            owner=restore.owner,
            of_person=limits.of_person,
            in_namespace=limits.in_namespace,
        )
        match reply:
            case ["created"]:
                audit_log.tell(audit)
                return Created(restore)
            case ["known", str(document)]:
                return AlreadyExists(documents.load(document))
            case ["held", str(document)]:
                return ClaimConflict(replies.if_readable(document))
            case ["too_many", str(counted), list(found)]:
                return self._too_many(counted, found)
            case _:
                raise TypeError(f"not an answer of create: {reply!r}")

    async def commit(
        self,
        restore: Restore,
        *,
        due: datetime | None,
        audit: Sequence[AuditEntry],
        lease: Lease | None = None,
    ) -> Committed | Stale | ClaimConflict | LimitReached:
        """Store what became of a restore since `restore.version`.

        One that is to hold its first VM does so only if fewer are open in the namespace than may be.

        Without a lease it is due at `due`, or as soon as a present lease is given back; None leaves
        the queue as it is. With a lease the queue waits for `release`.
        """
        following = restore.model_copy(update={"version": restore.version + 1})
        reply = await self._scripts.run(
            "commit",
            self._keys_of(restore),
            **self._filing(following, audit),
            version=restore.version,
            fence="" if lease is None else lease.fence,
            due_at=times.due_or_nothing(due),
            in_namespace=self._limits.in_namespace if needs_room(following) else 0,
        )
        match reply:
            case ["committed"]:
                audit_log.tell(audit)
                return Committed(following)
            case ["stale"]:
                return Stale()
            case ["held", str(document)]:
                return ClaimConflict(replies.if_readable(document))
            case ["too_many", str(counted), list(found)]:
                return self._too_many(counted, found)
            case _:
                raise TypeError(f"not an answer of commit: {reply!r}")

    async def load(self, restore: str) -> Record | None:
        """A restore and its cards."""
        found = await self.load_many([restore])
        return found[0] if found else None

    async def load_many(self, restores: Sequence[str]) -> tuple[Record, ...]:
        """These restores and their cards, without those that are gone."""
        found: list[Record] = []
        for page in scripts.pages(restores):
            records = await self._scripts.run(
                "load_many",
                {"live": self._keys.live},
                prefix=self._keys.prefix,
                ids=json.dumps(page),
            )
            found += [replies.record(replies.paired(fields)) for fields in records]
        return tuple(found)

    async def in_thread(self, channel: str, thread: str) -> tuple[Record, ...]:
        """All restores of a thread with their cards, live and ended, oldest first."""
        found: list[list[str]] = await self._scripts.run(
            "load_thread",
            {"thread": self._keys.thread(channel, thread)},
            prefix=self._keys.prefix,
        )
        return replies.readable_records(replies.paired(fields) for fields in found)

    async def unread_in_thread(self, channel: str, thread: str) -> bool:
        """Is there a restore in this thread that cannot be read?"""
        known = await self._scripts.run(
            "load_thread",
            {"thread": self._keys.thread(channel, thread)},
            prefix=self._keys.prefix,
        )
        return len(known) > len(replies.readable_records(map(replies.paired, known)))

    async def live(self) -> tuple[Restore, ...]:
        """All restores that have not ended and can be read, oldest first."""
        return (await self.under_way()).restores

    async def under_way(self) -> Listed:
        """The same, and how many more have not ended but cannot be read."""
        found: list[str] = []
        # Pages by rank: a restore that ends between two pages may hide another one this time.
        while page := await self._listed(self._keys.live, len(found), len(found) + PAGE - 1):
            found += page
            if len(page) < PAGE:
                break
        return replies.listed(found)

    async def history(self, vm_ref: VmRef, limit: int) -> tuple[Restore, ...]:
        """The last ended restores of a VM, newest first."""
        key = self._keys.history(vm_ref.key)
        texts = await self._listed(key, 0, limit - 1) if limit > 0 else []
        return replies.readable(texts)

    async def recent(self, limit: int) -> tuple[Restore, ...]:
        """The last ended restores of the workspace, newest first."""
        texts = await self._listed(self._keys.recent, 0, limit - 1) if limit > 0 else []
        return replies.readable(texts)

    async def _listed(self, index: str, first: int, last: int) -> list[str]:
        found: list[str] = await self._scripts.run(
            "load_index", {"index": index}, prefix=self._keys.prefix, first=first, last=last
        )
        return found

    def _too_many(self, counted: str, found: Sequence[str]) -> LimitReached:
        of_person = counted == "owner"
        limit = self._limits.of_person if of_person else self._limits.in_namespace
        return LimitReached(limit, of_person, replies.readable(found))

    def _keys_of(self, restore: Restore) -> dict[str, str]:
        keys = self._keys
        return {
            **self._keys.queued(RESTORE + restore.id),
            "living": keys.live,
            "claims": keys.claims,
            "traces": keys.traces,
            "audit": keys.audit,
            "recent": keys.recent,
            "homes": keys.homes,
        }

    def _filing(self, restore: Restore, audit: Sequence[AuditEntry]) -> dict[str, str | int]:
        """What `create` and `commit` need to know to store a restore and to find it again."""
        vm_ref, thread_ref = restore.request.vm_ref, restore.thread_ref
        thread = f"{thread_ref.channel}:{thread_ref.thread}"
        return {
            "prefix": self._keys.prefix,
            "id": restore.id,
            "token": scripts.call_token(),
            "doc": documents.dump(restore),
            "entries": documents.dump_entries(audit),
            "ttl": int(KEPT.total_seconds()),
            "live": 0 if restore.phase.ended else 1,
            "opened": times.passed(restore.opened_at),
            "claim": restore.claim or "",
            "trace": documents.dump_trace(trace(restore)),
            "thread": thread if thread_ref.thread else "",
            "vm": "" if vm_ref is None else vm_ref.key,
            "now": times.now(self._clock),
        }
