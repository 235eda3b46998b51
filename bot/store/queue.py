"""The work queue: deliveries, restores and periodic tasks by due time, each leased to one worker.

The life of a member of the queue: it falls due; a worker of some replica leases it, which moves its
due time to the end of the lease and counts up its fence; the worker commits what changed, and at
the end releases the lease with the next due time. If the worker dies, the lease runs out and the
member is due again. If the worker was only slow, its fence is no longer the current one and its
commit is stale.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.clock import Clock
from bot.restore.audit_kinds import AuditKind
from bot.restore.model import AuditEntry, RestoreId
from bot.store import documents, replies, scripts, tasks, times
from bot.store.keys import DELIVERY, RESTORE, Keys
from bot.store.records import Lease, Leased, PostedCard
from bot.store.scripts import Scripts

log = structlog.get_logger(__name__)

REMEMBERED = timedelta(hours=24)
"""How long a completed delivery is known, so that a copy of it is dropped."""
PUT_OFF = timedelta(minutes=5)
"""When something unreadable is leased again, perhaps by a release that can read it."""
LEFT = timedelta(seconds=15)
"""So soon what a newer release keeps is due again: in a rolling update that release runs beside this one."""
SAID_NOW, DROPPED = 2, 3
MAX_DEFERRALS = timedelta(days=1) // PUT_OFF
"""So often an unreadable delivery is put off: after a day nobody expects an answer any more."""
"""The answer of a script that has said something for the first time."""
MAX_CUTS = 5
"""A delivery whose workers died this often is given up; a periodic task is put off."""


class WorkQueue:
    """The queue of one Slack workspace."""

    def __init__(
        self,
        scripts: Scripts,
        keys: Keys,
        clock: Clock,
        *,
        lease_time: timedelta,
        replicas: int = 0,
    ) -> None:
        self._scripts = scripts
        self._keys = keys
        self._clock = clock
        self._lease_time = lease_time
        self._replicas = replicas

    async def learn_the_time(self) -> None:
        """Ask Redis what time it is, and go by that."""
        asked, keys = self._clock.now(), {"due": self._keys.due}
        theirs = await self._scripts.run("time", keys, now=times.now(self._clock))
        self._clock.follow(times.moment(theirs), asked)

    async def enqueue_delivery(
        self,
        key: str,
        kind: str,
        body: Mapping[str, Any],
        *,
        only_in: tuple[str, str] | None = None,
    ) -> Lease | None:
        """Store what Slack sent, leased to the caller; None if this key is known already.

        None as well, and nothing is stored, if it matters `only_in` a thread (its channel and ts)
        with a restore, and there is none.
        """
        now, member = self._clock.now(), DELIVERY + key
        lease = Lease(member, 1, now + self._lease_time)
        accepted = await self._scripts.run(
            "enqueue_delivery",
            self._keys.queued(member),
            member=member,
            token=scripts.call_token(),
            kind=kind,
            body=documents.dump_body(body),
            now=times.now(self._clock),
            lease_ms=times.length(self._lease_time),
            prefix=self._keys.prefix,
            thread=":".join(only_in or ()),
        )
        return lease if accepted else None

    async def complete_delivery(self, lease: Lease) -> bool:
        """A delivery needs no more work; False if another worker has leased it since."""
        ttl = int(REMEMBERED.total_seconds())
        return bool(
            await self._scripts.run(
                "complete_delivery",
                self._keys.queued(lease.id),
                member=lease.id,
                fence=lease.fence,
                ttl=ttl,
            )
        )

    async def lease(self, limit: int) -> tuple[list[Leased], datetime | None]:
        """Lease up to `limit` members that are due; the second value is the next due time, if any.

        A delivery that stops every worker is given up, with an audit entry. A periodic task that
        does so is put off, and so is a record that does not load.
        """
        now = self._clock.now()
        until = now + self._lease_time
        taken, abandoned, lost, following, theirs = await self._scripts.run(
            "lease",
            self._keys.indexes(),
            prefix=self._keys.prefix,
            now=times.now(self._clock),
            lease_ms=times.length(self._lease_time),
            limit=limit,
            max_cuts=MAX_CUTS,
            ttl=int(REMEMBERED.total_seconds()),
            now_iso=now.isoformat(),
            put_off_ms=times.length(PUT_OFF),
            task_ttl=int(tasks.KEPT.total_seconds()),
        )
        self._clock.follow(times.moment(theirs), now)
        for member, missed in lost:
            tell = log.error if missed else log.info
            tell("a record is gone, it was evicted or deleted", record=member)
        for member in abandoned:
            log.error("it stopped every worker", record=member, attempts=MAX_CUTS)
        leased = [
            await self._understand(
                Lease(member, int(fence), until), replies.paired(fields), cut_off=bool(interrupted)
            )
            for member, fence, fields, interrupted in taken
        ]
        found = [each for each in leased if each is not None]
        return found, None if following is None else times.ahead(now, theirs, following)

    async def release(
        self,
        lease: Lease,
        *,
        due: datetime | None,
        shown: Mapping[str, PostedCard] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> bool:
        """Give a lease back with the next due time; False if another worker has leased it since.

        Cards in `shown` are added to those known; `body` is the new body of a periodic task. A
        `wake` or a commit during the lease makes the member due now. Without a due time an ended
        restore leaves the queue, a periodic task rests, and a delivery is completed.
        """
        if due is None and lease.id.startswith(DELIVERY):
            return await self.complete_delivery(lease)
        done = await self._scripts.run(
            "release",
            self._keys.queued(lease.id),
            member=lease.id,
            fence=lease.fence,
            now=times.now(self._clock),
            due_at=times.due_or_nothing(due),
            shown=json.dumps(replies.flat(shown or {})),
            body="" if body is None else documents.dump_body(body),
            ttl=int(tasks.KEPT.total_seconds()),
        )
        if done < 0:
            raise ValueError(f"{lease.id} is live: it needs a next due time")
        return bool(done)

    async def renew(self, lease: Lease) -> Lease | None:
        """The lease, as long again from now; None if it has run out or passed on."""
        longer = self._longer(lease)
        renewed = await self._scripts.run(
            "renew", self._keys.queued(lease.id), **self._renewal(lease)
        )
        return longer if renewed else None

    async def renew_on_replicas(self, lease: Lease) -> tuple[Lease | None, bool]:
        """The same; and would a fail-over keep all that was stored until now?

        That is so if as many replicas have it as the settings ask for: WAIT counts those that have
        everything that the server wrote up to the renewal, for every caller. With none asked for
        nothing is sent.
        """
        if not self._replicas:
            return lease, True
        longer = self._longer(lease)
        renewed, kept = await self._scripts.run_and_wait(
            "renew", self._keys.queued(lease.id), self._replicas, **self._renewal(lease)
        )
        return longer if renewed else None, kept

    def _longer(self, lease: Lease) -> Lease:
        return Lease(lease.id, lease.fence, self._clock.now() + self._lease_time)

    def _renewal(self, lease: Lease) -> dict[str, str | int]:
        return {
            "member": lease.id,
            "fence": lease.fence,
            "now": times.now(self._clock),
            "lease_ms": times.length(self._lease_time),
        }

    async def wake(
        self, ids: Sequence[str], lost: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        """Make these restores due now; ended ones are left as they are, but for what appears late.

        `lost` has the body of the task "lost:ID" for ids that are looked into if they are unknown, or
        have ended, or still ask for their target, and do not know one of its objects (`uids`).
        """
        bodies = {each: documents.dump_body(body) for each, body in (lost or {}).items()}
        for page in scripts.pages(ids):
            await self._scripts.run(
                "wake",
                {"due": self._keys.due},
                prefix=self._keys.prefix,
                now=times.now(self._clock),
                ids=json.dumps(page),
                lost=json.dumps({each: bodies[each] for each in page if each in bodies}),
                ttl=int(tasks.KEPT.total_seconds()),
            )

    async def invalidate_card(self, restore: str, card: str, ts: str) -> None:
        """The message `ts` of a card is gone; the next worker searches the thread for the card."""
        member = RESTORE + restore
        now = times.now(self._clock)
        await self._scripts.run(
            "invalidate_card", self._keys.queued(member), member=member, card=card, ts=ts, now=now
        )

    async def _understand(
        self, lease: Lease, fields: dict[str, str], *, cut_off: bool
    ) -> Leased | None:
        try:
            return Leased(lease, replies.work(lease.id, fields), interrupted=cut_off)
        except documents.Unreadable as error:
            broken = _of_restore(lease) and not isinstance(error, documents.Newer)
            await (self._discard if broken else self.defer)(lease, error)
            return None

    async def defer(self, lease: Lease, error: documents.Unreadable) -> None:
        """Put off what does not load: it must not stop the worker, nor be lost to a newer release.

        What a newer release keeps stays as it is, its claim included, until that leases it. Only a
        delivery has an end: what somebody said or pressed a day ago is dropped.
        """
        entry = _entry(AuditKind.DEFERRED, lease, error, self._clock.now())
        dropped = entry.model_copy(update={"kind": AuditKind.ABANDONED})
        newer = _of_restore(lease) and isinstance(error, documents.Newer)
        told = await self._scripts.run(
            "defer_unreadable",
            {**self._keys.queued(lease.id), "audit": self._keys.audit},
            member=lease.id,
            fence=lease.fence,
            due_at=times.due(entry.at + (LEFT if newer else PUT_OFF)),
            entries=documents.dump_entries([entry]),
            dropped=documents.dump_entries([dropped]),
            most=MAX_DEFERRALS,
            ttl=int(REMEMBERED.total_seconds()),
        )
        _tell(int(told), lease.id, error)

    async def _discard(self, lease: Lease, error: documents.Unreadable) -> None:
        """A restore whose document no release reads: its owner is told, and it holds nothing more."""
        restore = lease.id.removeprefix(RESTORE)
        entry = _entry(AuditKind.RECORD_LOST, lease, error, self._clock.now())
        done = await self._scripts.run(
            "discard_broken",
            {
                **self._keys.indexes(),
                "record": self._keys.record(lease.id),
                "broken": self._keys.broken(restore),
            },
            prefix=self._keys.prefix,
            id=restore,
            fence=lease.fence,
            entries=documents.dump_entries([entry]),
            now=times.now(self._clock),
            kept=int(tasks.KEPT.total_seconds()),
            task_ttl=int(tasks.KEPT.total_seconds()),
        )
        if done:
            log.error("a record is broken, it was put aside", record=lease.id, found=error.text)


def _of_restore(lease: Lease) -> bool:
    """The lease is of a restore, not of a delivery or a periodic task."""
    return lease.id.startswith(RESTORE)


def _tell(told: int, record: str, error: documents.Unreadable) -> None:
    if told == DROPPED:
        log.error("an unreadable delivery was dropped", record=record, found=error.text)
    elif told == SAID_NOW and isinstance(error, documents.Newer):
        log.warning("left to a newer release", record=record, found=error.text)
    elif told == SAID_NOW:
        log.error("unreadable record put off", record=record, found=error.text)


def _entry(kind: AuditKind, lease: Lease, error: documents.Unreadable, now: datetime) -> AuditEntry:
    named = _of_restore(lease)
    return AuditEntry(
        at=now,
        restore=RestoreId(lease.id.removeprefix(RESTORE)) if named else None,
        kind=kind,
        reason=error.reason,
        target=lease.id,
        detail=error.text,
    )
