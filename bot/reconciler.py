"""One round of a restore: observe -> step -> commit -> perform -> cards -> finish.

A round takes only an id and a lease: it trusts nothing but the stored document and a fresh look. Its
commits carry the lease's fence, so that a worker that was paused for too long is told that it is too
late. What is committed happens: every effect is derived from a committed document, and a crash
before, in or after the act leaves a document from which the next look derives the same effect again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot import tracing
from bot.clock import Clock
from bot.cluster.cluster import Cluster
from bot.errors import NotTaken, Permanent, Temporary
from bot.look import Look
from bot.metrics import Metrics
from bot.restore import audit, durations, workflow
from bot.restore.announcements import announcements
from bot.restore.effects import signed
from bot.restore.events import (
    Acted,
    Anchored,
    ChannelGone,
    Effect,
    Event,
    NamespaceFull,
    NotDone,
    ObservationFailed,
    VmClaimedElsewhere,
)
from bot.restore.model import AuditEntry, Restore
from bot.slack.api.authorizer import Authorizer
from bot.slack.api.client import SlackApi
from bot.slack.api.directory import Workspace
from bot.slack.outbound.lost_thread import LostThreads, posted_elsewhere
from bot.slack.outbound.thread_address import link_into, whereabouts
from bot.slack.outbound.thread_sync import ThreadSync, unconfirmed
from bot.store import records
from bot.store.records import Committed, Lease, Leased, Record
from bot.store.store import Store
from bot.telemetry import about

MARGIN = timedelta(seconds=11)
"""An act or a card is sent only while its answer must come within the lease: the clients wait for
10 seconds. What arrives later could meet what the next worker has done already."""

LATE = timedelta(minutes=1)
"""What is found after so long may have been found, and told, by a document that is lost since."""
HELD_BACK = timedelta(minutes=1)
"""How long an end is not told while too few replicas of Redis have it."""

log = structlog.get_logger(__name__)


class TooLateError(Exception):
    """Drop the round: the lease has passed on, the document has moved on, or the process ends."""

    wait = timedelta()
    """When the next one is due."""


class NotReplicatedError(TooLateError):
    """Drop the round: a fail-over could forget what it stands on. What is stored stays."""

    wait = timedelta(seconds=1)


@dataclass(slots=True)
class Reconciliation:
    """What one round is about: the lease, and the document as last committed."""

    lease: Lease
    restore: Restore
    shown: dict[str, records.PostedCard]
    search: bool
    moved: bool = field(default=False, init=False)
    secured: int | None = field(default=None, init=False)
    """The version of the document that enough replicas have."""
    again: datetime | None = field(default=None, init=False)
    unsaid: bool = field(default=False, init=False)
    updates: dict[str, records.PostedCard] = field(default_factory=dict, init=False)


@dataclass(frozen=True, slots=True)
class ReconcilerDeps:
    """What a round works with."""

    home: Workspace
    store: Store
    clusters: Mapping[str, Cluster]
    authorizer: Authorizer
    cards: ThreadSync
    web: SlackApi
    clock: Clock
    metrics: Metrics


class Reconciler:
    """Works on restores, one round at a time each."""

    def __init__(self, parts: ReconcilerDeps, may_go_on: Callable[[], bool]) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._store = parts.store
        self._asked = may_go_on
        self._look = Look(parts.clusters, parts.authorizer, parts.clock)
        self._lost_threads = LostThreads(parts.web, parts.store.ways, parts.clock, parts.metrics)

    async def run(self, leased: Leased, record: Record) -> bool:
        """One round; False if not all could be said. Raises TooLateError if the next one is to do it."""
        restore = record.restore
        turn = Reconciliation(leased.lease, restore, dict(record.shown), search=leased.interrupted)
        with (
            about(restore=restore.id, vm=audit.vm_name(restore), cluster=restore.request.cluster),
            tracing.span("round", restore.id, phase=restore.phase.value),
        ):
            try:
                self._may_go_on()
                effects = await self._apply(turn, await self._look(restore))
                turn.search = turn.search or _was_forgotten(turn, self._clock.now())
                for effect in effects:
                    await self._may_act(turn, effect)
                    await self._perform(turn, effect)
                self._may_go_on()
                if turn.restore.phase.ended:
                    await self._secure(turn)
                await self._show(turn)
                await self._announce(turn, restore, unsure=leased.interrupted)
            except TooLateError as late:
                # What this round decided but did not do counts for nothing: the next one decides.
                # A search for cards that did not come to pass is left to the next round.
                unknown = unconfirmed(turn.restore, turn.shown) if turn.search else {}
                shown = {**unknown, **turn.updates}
                due = self._clock.now() + late.wait
                await self._store.queue.release(turn.lease, due=due, shown=shown)
                raise
            await self._finish(turn)
        return not turn.unsaid

    def _may_go_on(self) -> None:
        """Raise TooLateError if the process ends: the next worker observes and does the rest."""
        if not self._asked():
            raise TooLateError

    async def _may_act(self, turn: Reconciliation, effect: Effect) -> None:
        """Raise TooLateError if this is left to the next round, which is told that it was not sent."""
        try:
            self._may_go_on()
            await self._secure(turn)
        except TooLateError:
            await self._apply(turn, Acted(effect, NotDone()))
            raise

    async def _secure(self, turn: Reconciliation) -> None:
        """Let nothing out that a fail-over of Redis could forget. Raises NotReplicatedError.

        Two moments let something out: an act, and an end that is told. Asked here, the answer is about
        everything that was stored before: the confirmation, the decision to stop, the names of the
        objects that are to be made, the end itself. What only shows in the thread can be shown again.
        An end is held back for a minute at most: its owner is waiting for it.
        """
        restore = turn.restore
        if turn.secured == restore.version:
            return
        longer, kept = await self._store.queue.renew_on_replicas(turn.lease)
        if longer is None:
            raise TooLateError
        turn.lease = longer
        if kept:
            turn.secured = restore.version
            return
        self._parts.metrics.unreplicated.inc()
        log.warning("too few replicas have what is stored", phase=restore.phase.value)
        if not restore.phase.ended or self._clock.now() < restore.ended_at + HELD_BACK:
            raise NotReplicatedError

    async def _apply(self, turn: Reconciliation, event: Event) -> tuple[Effect, ...]:
        """Step, and commit what changed. Only then may the effects be performed."""
        now = self._clock.now()
        step = workflow.step(turn.restore, event, now)
        if step.restore == turn.restore:
            return step.effects
        committed = await self._commit(turn, step.restore, step.audit)
        return step.effects if committed else ()

    async def _commit(
        self, turn: Reconciliation, after: Restore, audit: tuple[AuditEntry, ...]
    ) -> bool:
        """True if exactly this was stored. Somebody else's claim on the VM ends the restore."""
        before = turn.restore
        match await self._store.commit(after, due=None, audit=audit, lease=turn.lease):
            case Committed(restore=restore):
                turn.moved = turn.moved or _moved(before, restore)
                turn.restore = restore
                self._count(before, restore)
                return True
            case records.ClaimConflict(holder=holder):
                await self._apply(turn, await _held(self._parts.web, before, holder))
                return False
            case records.LimitReached(limit=limit, open=counted):
                vms = tuple(str(each.request.vm) for each in counted)
                await self._apply(turn, NamespaceFull(limit, vms))
                return False
            case records.Stale():
                raise TooLateError

    async def _perform(self, turn: Reconciliation, effect: Effect) -> None:
        """Act, within the lease. A lost answer is left for the next look to find out."""
        cluster = self._parts.clusters[turn.restore.request.cluster]
        sent = signed(effect, self._parts.authorizer.name, self._link(turn))
        log.info("acting", effect=type(effect).__name__)
        try:
            result = await cluster.perform(sent, not_after=turn.lease.until - MARGIN)
        except Temporary as lost:
            log.warning("an act has no answer", effect=type(effect).__name__, what=lost.what)
            turn.again = self._clock.now() + timedelta(seconds=lost.retry_after or 1.0)
            if isinstance(lost, NotTaken):
                await self._apply(turn, Acted(effect, NotDone()))
            return
        except Permanent as refused:
            log.warning("an act is not possible now", effect=type(effect).__name__)
            await self._apply(turn, Acted(effect, NotDone()))
            await self._apply(turn, ObservationFailed(f"{refused.reason}: {refused.text}"))
            return
        await self._apply(turn, Acted(effect, result))

    async def _announce(self, turn: Reconciliation, before: Restore, *, unsure: bool) -> None:
        """Tell on the VM what people in Slack know by now."""
        name, link = self._parts.authorizer.name, self._link(turn)
        for told in announcements(before, turn.restore, unsure=unsure, name=name, link=link):
            cluster = self._parts.clusters.get(turn.restore.request.cluster)
            if cluster is not None and self._clock.now() < turn.lease.until - MARGIN:
                await cluster.announce(told)

    def _link(self, turn: Reconciliation) -> str | None:
        return link_into(self._parts.home, turn.restore.thread_ref)

    async def _show(self, turn: Reconciliation) -> None:
        """Make the thread match; write down where our own thread begins."""
        await self._lengthen(turn)
        done = await self._parts.cards.show(
            turn.restore, turn.shown, search=turn.search, until=turn.lease.until - MARGIN
        )
        turn.updates.update(done.shown)
        turn.shown.update(done.shown)
        turn.again = min((t for t in (turn.again, done.again) if t), default=None)
        turn.unsaid = done.unsaid
        if done.root is not None and turn.restore.thread_ref.thread is None:
            await self._apply(turn, Anchored(done.root))
        if done.gone is not None:
            await self._leave_thread(turn, done.gone)

    async def _lengthen(self, turn: Reconciliation) -> None:
        """A slow far side may have used up the lease; people are still to be told what came of it."""
        if self._clock.now() < turn.lease.until - MARGIN:
            return
        longer = await self._store.queue.renew(turn.lease)
        if longer is None:
            raise TooLateError
        turn.lease = longer

    async def _leave_thread(self, turn: Reconciliation, error: str) -> None:
        """The thread takes no cards any more: go on where the owner can be told."""
        before = turn.restore.thread_ref
        found = await self._lost_threads.next_place(turn.restore, error)
        if not isinstance(found, ChannelGone):
            turn.again = found or turn.again
            return
        await self._apply(turn, found)
        if not turn.restore.thread_ref.flat:  # else what stands there can still be edited
            turn.updates.update(posted_elsewhere(turn.restore))
        turn.again = self._clock.now()
        await self._lost_threads.explain(turn.restore, before, found)

    async def _finish(self, turn: Reconciliation) -> None:
        now = self._clock.now()
        due = workflow.next_due(turn.restore, now, moved=turn.moved)
        if turn.again is not None:
            due = turn.again if due is None else min(due, turn.again)
        await self._store.queue.release(turn.lease, due=due, shown=turn.updates)

    def _count(self, before: Restore, after: Restore) -> None:
        for step, took in durations.ended(before, after).items():
            self._parts.metrics.step_seconds.labels(step.value).observe(took.total_seconds())
        if after.phase.ended and not before.phase.ended:
            reason = after.outcome.reason if after.outcome and after.outcome.reason else ""
            self._parts.metrics.restores.labels(after.phase.value, str(reason)).inc()


async def _held(web: SlackApi, restore: Restore, holder: Restore | None) -> VmClaimedElsewhere:
    if holder is None:
        return VmClaimedElsewhere()
    reader = restore.owner if restore.thread_ref.direct else None
    where = await whereabouts(web, holder, reader)
    return VmClaimedElsewhere(by=holder.owner, where=where, since=holder.opened_at)


def _was_forgotten(turn: Reconciliation, now: datetime) -> bool:
    """What this restore did was lost from the store, and so perhaps were the cards that told it."""
    job, start = turn.restore.job, turn.restore.start
    found = job is not None and (
        job.adopted
        or job.restored_at is not None
        or now >= (job.looked_at or job.decided_at) + LATE
    )
    started = start is not None and not start.pending and now >= start.at + LATE
    return turn.moved and (found or started)


def _moved(before: Restore, after: Restore) -> bool:
    """It is in another phase, or needs another kind of look: the next look is due at once."""
    looks_elsewhere = workflow.wanted(before) is not workflow.wanted(after)
    return before.phase is not after.phase or looks_elsewhere
