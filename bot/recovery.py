"""Restores whose record is lost: the cluster and the thread are asked, and the owner is told.

A record may be lost with all of Redis, alone, or by being broken. The cluster shows a restore by its
object (`heard`), the indexes of the store by its trace: either leads to a task "lost:ID", and that
to a new document. If the cluster has an object of it, the document follows that to its end; else it
is one that has ended. All the rest, the telling included, is done by the reconciler as ever.

Told once: the task rests when it is done, a document is made once, and nothing is said where a
result stands in the thread already.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from bot.cluster.cluster import Cluster
from bot.errors import Permanent, StoreUnavailable, Temporary
from bot.reconciler import ReconcilerDeps
from bot.restore import audit, traces, workflow
from bot.restore.audit_kinds import AuditKind
from bot.restore.events import Appeared
from bot.restore.model import AuditEntry, Restore, RestoreId
from bot.restore.observation import RestoreObject
from bot.restore.phases.made_before import is_known, listens
from bot.restore.rules import Rules
from bot.restore.traces import Remains, Trace
from bot.slack.outbound.thread_search import ThreadReader, marked
from bot.slack.periodic_tasks import LostTask, fields, load
from bot.store.records import (
    ClaimConflict,
    Committed,
    Created,
    PeriodicTask,
    PostedCard,
    TaskResult,
)
from bot.texts import refusals

TASK = "lost"
ASK_AGAIN = timedelta(seconds=15)
"""When the cluster is asked again, or a VM that another restore holds is looked at again."""

Wake = Callable[[Mapping[str, Mapping[str, Any] | None]], Awaitable[None]]
"""Wakes restores by id; each with what is to be looked into if the store knows no such id."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Thread:
    """What stands in a thread of a restore."""

    cards: Mapping[str, PostedCard]
    own: bool = False
    """The bot began it."""
    foreign: bool = False
    """It is there, and nothing in it is of this restore."""


class Recovery:
    """Looks into lost records."""

    def __init__(self, parts: ReconcilerDeps, rules: Rules) -> None:
        self._store = parts.store
        self._clusters = parts.clusters
        self._reader = ThreadReader(parts.web, parts.clock)
        self._clock = parts.clock
        self._metrics = parts.metrics
        self._home = parts.home
        self._rules = rules

    async def heard(self, wake: Wake, cluster: str, changed: Iterable[RestoreObject]) -> None:
        """The watch of a cluster has found these, or they have changed."""
        await wake(self._wanted(cluster, changed))

    def _wanted(
        self, cluster: str, changed: Iterable[RestoreObject]
    ) -> dict[str, Mapping[str, Any] | None]:
        """The ids of these objects, each with what is to be looked into if the store knows no such id.

        Nothing is, where the object is of another workspace, is gone, or is no news to anybody.
        """
        now = self._clock.now()
        found: dict[str, Mapping[str, Any] | None] = {}
        for each in changed:
            known = traces.trace_of(cluster, each, self._home.team)
            news = known is not None and traces.is_recent(each, now) and not each.deleting
            id_ = each.restore_id or ""
            if known is None or not news:
                found.setdefault(id_, None)
                continue
            others = (found.get(id_) or {}).get("uids", ())
            found[id_] = fields(LostTask(why="unknown", trace=known, uids=(*others, each.uid)))
        return found

    async def look_into(self, task: PeriodicTask) -> TaskResult | None:
        """Find out what became of one. Raises Temporary to be asked again."""
        lost, id_ = load(LostTask, task), RestoreId(task.name.partition(":")[2])
        known, record = lost.trace, await self._store.load(id_)
        kept = record.restore if record is not None else None
        if kept is not None and not listens(kept):
            return None
        try:
            found, status = await self._in_the_cluster(id_, known, kept)
            unseen = ""
        except StoreUnavailable:
            raise
        except (Temporary, Permanent) as away:
            unseen = str(away)
            since, now = lost.since or self._clock.now(), self._clock.now()
            if now - since < timedelta(seconds=self._rules.answer_timeout):
                later = lost.model_copy(update={"since": since})
                return TaskResult(now + ASK_AGAIN, fields(later))
            found, status = None, ""
        if kept is not None:
            return None if found is None else await self._go_on(kept, found)
        thread = await self._thread(id_, known)
        remains = Remains(
            id=id_,
            trace=_in(known, thread),
            rules=self._rules,
            posted=thread.cards.keys(),
            now=self._clock.now(),
        )
        if thread.foreign or remains.told:
            log.info("a lost record is left alone", restore=id_, foreign=thread.foreign)
            return TaskResult(due=None)
        if found is not None:
            new = traces.found_again(remains, found)
        else:
            new = traces.given_up(remains, status, unseen=unseen)
        return await self._keep(new, lost, thread)

    async def _go_on(self, restore: Restore, found: RestoreObject) -> TaskResult | None:
        """A restore that does not know its object goes on with that."""
        now = self._clock.now()
        step = workflow.step(restore, Appeared(found), now)
        match await self._store.commit(step.restore, due=now, audit=step.audit):
            case Committed():
                log.error(
                    "an object has appeared that its restore did not know", restore=restore.id
                )
                return None
            case _:  # Another restore holds the VM, or somebody has moved this one.
                return TaskResult(now + ASK_AGAIN)

    async def _in_the_cluster(
        self, id_: RestoreId, known: Trace, kept: Restore | None
    ) -> tuple[RestoreObject | None, str]:
        """Its object, one that is not complete before others; without one, what the VM is like.

        Only objects count that its document does not know, if there is one.
        """
        request = known.request
        if request.vm_ref is None:
            return None, ""
        cluster = self._cluster(request.cluster)
        made = await cluster.made_by(request.vm_ref, id_)
        own = [
            each
            for each in made
            if each.target == request.vm and not (kept and is_known(kept, each.uid))
        ]
        if own:
            return min(own, key=lambda each: each.complete), ""
        return None, traces.vm_status(*await cluster.vm(request.vm_ref))

    def _cluster(self, name: str) -> Cluster:
        if (found := self._clusters.get(name)) is None:
            gone = refusals.NOT_CONFIGURED.format(cluster=name)
            raise Permanent("unknown_cluster", gone)
        return found

    async def _thread(self, id_: RestoreId, known: Trace) -> _Thread:
        """Where its cards stand; nothing, if the thread is gone: then it is told elsewhere."""
        at = known.thread_ref
        if at.thread is None:
            return _Thread({})
        try:
            said = await self._reader.messages(
                id_, "conversations.replies", channel=at.channel, ts=at.thread
            )
        except Permanent as refused:
            log.warning("the thread of a lost record cannot be read", error=refused.reason)
            return _Thread({})
        own_messages = [each for each in said if each.get("bot_id") == self._home.bot_id]
        cards = marked(own_messages, id_)
        own = any(each["ts"] == at.thread for each in own_messages)
        return _Thread(cards, own, foreign=bool(said) and not cards)

    async def _keep(self, new: Restore, lost: LostTask, thread: _Thread) -> TaskResult | None:
        now = self._clock.now()
        entry = AuditEntry(
            at=now,
            restore=new.id,
            kind=AuditKind.RECORD_LOST,
            by=new.owner,
            reason=lost.why,
            target=audit.target(new),
            detail=new.job.name if new.job else new.phase.value,
        )
        shown = {card.key: thread.cards[card.key] for card in new.cards if card.key in thread.cards}
        kept = await self._store.create(new, due=now, audit=[entry], shown=shown)
        if isinstance(kept, ClaimConflict):
            return TaskResult(now + ASK_AGAIN)
        if isinstance(kept, Created):
            log.error(
                "the record of a restore was lost", restore=new.id, why=lost.why, now=new.phase
            )
            self._metrics.records_lost.labels(lost.why).inc()
            if new.outcome is not None:
                self._metrics.restores.labels(new.phase.value, str(new.outcome.reason)).inc()
        return None


def _in(known: Trace, thread: _Thread) -> Trace:
    own = known.thread_ref.own_thread or thread.own
    thread_ref = known.thread_ref.model_copy(update={"own_thread": own})
    return known.model_copy(update={"thread_ref": thread_ref})
