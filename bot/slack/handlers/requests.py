"""The requests of people: a new restore, cancel, a list. Who may ask for it is decided here.

A refusal goes to the asker alone and into the audit stream. A new restore's id is made from the key
of the delivery that asked for it, so that a delivery dealt with twice makes one restore.
"""

import base64
import hashlib
from datetime import datetime

from bot.request import ParsedRequest, Verb
from bot.restore import audit, workflow
from bot.restore.audit_kinds import AuditKind
from bot.restore.events import Cancel, Reply, Verdict
from bot.restore.installation import DEFAULT
from bot.restore.model import AuditEntry, Restore, RestoreId
from bot.restore.reasons import Reason
from bot.restore.target import RestoreRequest
from bot.restore.thread import ThreadRef, UserId
from bot.slack import views
from bot.slack.context import SlackContext
from bot.slack.handlers.apply_event import EventApplier
from bot.slack.handlers.handoff import HandoffHandler
from bot.slack.handlers.queries import LISTED, QueryHandler, meant, unknown_cluster
from bot.slack.handlers.shift_report import ShiftReporter
from bot.slack.outbound.replies import Caller
from bot.slack.views import Message
from bot.slack.views.unread import Unread
from bot.store.records import AlreadyExists, ClaimConflict, Created, LimitReached

CANCELLED = Reason.CANCELLED_BY_USER
MAX_RECENT = 50
"""How many ended restores are looked through for what was cancelled a moment ago."""


class RequestHandler:
    """Opens restores and answers what is asked about them."""

    def __init__(
        self,
        context: SlackContext,
        *,
        lists: QueryHandler,
        handoffs: HandoffHandler,
        reports: ShiftReporter,
    ) -> None:
        self._store = context.store
        self._authorizer = context.authorizer
        self._responder = context.responder
        self._config = context.config
        self._clock = context.clock
        self._metrics = context.metrics
        self._steps = EventApplier(context.store, context.clock)
        self._lists = lists
        self._handoffs = handoffs
        self._reports = reports

    async def hear(  # noqa: PLR0913 - what was asked, where, and how sure that is
        self,
        key: str,
        caller: Caller,
        parsed: ParsedRequest,
        thread_ref: ThreadRef,
        *,
        begun: datetime | None = None,
        names_alone: bool = False,
    ) -> None:
        """Do or answer what was asked for. `begun`: since when it may have been done already.

        `names_alone`: they are words that may be prose, so only a VM that there is starts anything.
        """
        if parsed.problem is not None:
            await self._responder.reply(caller, views.problem(parsed.problem))
            return
        match parsed.verb:
            case Verb.RESTORE:
                await self._restore(key, caller, parsed, thread_ref, names_alone=names_alone)
            case Verb.CANCEL:
                await self._cancel(caller, parsed, begun)
            case Verb.NONE:
                return
            case _:
                await self.told(
                    caller, parsed, await self._answer(caller, parsed, thread_ref, begun)
                )

    async def _answer(
        self, caller: Caller, parsed: ParsedRequest, thread_ref: ThreadRef, begun: datetime | None
    ) -> Message | str | Verdict | None:
        """What may be asked for once more if Slack does not take the answer."""
        match parsed.verb:
            case Verb.HANDOFF if parsed.user is None:
                return await self._reports.answer(caller, thread_ref)
            case Verb.HANDOFF | Verb.TAKE_OVER:
                return await self._handoffs.answer(caller, parsed, begun)
            case verb if verb in LISTED:
                return await self._lists.answer(caller, parsed)
            case verb:
                return views.other_wish(verb, parsed.vm, parsed.namespace)

    async def told(
        self, caller: Caller, parsed: ParsedRequest, answer: Message | str | Verdict | None
    ) -> None:
        """Say it to the one who asked; a refusal is noted as well. None: it has been said."""
        if isinstance(answer, Verdict):
            await self.refuse(caller, answer, parsed)
        elif answer is not None:
            await self._responder.reply(caller, answer)

    async def _restore(
        self,
        key: str,
        caller: Caller,
        parsed: ParsedRequest,
        thread_ref: ThreadRef,
        *,
        names_alone: bool,
    ) -> None:
        cluster = parsed.cluster or self._config.default_cluster
        asker = await self._authorizer.asker(caller.user, caller.channel)
        if cluster not in self._config.clusters:
            answer = unknown_cluster(asker, cluster, self._config.clusters)
            await self.told(caller, parsed, answer)
            return
        verdict = asker.may_restore(cluster, parsed.namespace)
        if not verdict.allowed:
            await self.refuse(caller, verdict, parsed)
            return
        if not asker.room.member:
            await self._responder.reply(caller, views.in_channel_needed(caller.channel))
            return
        if names_alone and (no_vm := await self._lists.no_vm(asker, caller, cluster, parsed.vm)):
            await self.told(caller, parsed, no_vm)
            return
        request = RestoreRequest(
            cluster=cluster,
            namespace=parsed.namespace,
            vm=parsed.vm,
            snapshot=parsed.snapshot,
            described=parsed.described,
        )
        new = workflow.begin(
            id_=restore_id(self._config.installation, key),
            thread_ref=thread_ref,
            owner=caller.user,
            request=request,
            rules=self._config.rules,
            now=self._clock.now(),
        )
        await self.open(caller, new)

    async def open(
        self, caller: Caller, new: Restore, *, limited: bool = True
    ) -> Created | AlreadyExists | ClaimConflict | LimitReached:
        """Store a new restore, or say who holds the VM, or which others are open already."""
        now = self._clock.now()
        asked = AuditEntry(
            at=now, restore=new.id, kind=AuditKind.REQUESTED, by=new.owner, target=audit.target(new)
        )
        opened = await self._store.create(new, due=now, audit=[asked], limited=limited)
        if isinstance(opened, ClaimConflict):
            holder = opened.holder
            where = await self._responder.link(holder, caller.user) if holder else None
            await self._responder.reply(caller, views.held(holder, caller.user, where))
        elif isinstance(opened, LimitReached):
            await self._too_many(caller, new, opened)
        elif caller.response_url is not None:
            await self._store.ways.keep(new.id, caller.response_url)
        return opened

    async def _too_many(self, caller: Caller, new: Restore, full: LimitReached) -> None:
        """Say which are open: the caller's own, or those of a namespace that they may restore in."""
        links = await self._responder.links(full.open[: views.MAX_OPEN], caller.user)
        namespace = None if full.of_person else new.request.namespace
        await self._responder.reply(caller, views.too_many(full.open, full.limit, namespace, links))
        verdict = Verdict(allowed=False, reason=Reason.TOO_MANY_OPEN)
        await self.note_refusal(caller.user, verdict, about(new))

    async def refuse(self, caller: Caller, verdict: Verdict, parsed: ParsedRequest) -> None:
        """Say no, and note it: in this order, so that what is said again is noted once."""
        await self._responder.reply(caller, views.refusal(verdict))
        await self.note_refusal(caller.user, verdict, parsed)

    async def note_refusal(self, user: UserId, verdict: Verdict, parsed: ParsedRequest) -> None:
        """Somebody was told no."""
        self._metrics.refusals.labels(verdict.reason).inc()
        refused = AuditEntry(
            at=self._clock.now(),
            kind=AuditKind.REFUSED,
            by=user,
            verdict="denied",
            reason=verdict.reason,
            target=f"{parsed.namespace or '?'}/{parsed.vm or '?'}",
        )
        await self._store.audit.append([refused])

    async def _cancel(self, caller: Caller, parsed: ParsedRequest, begun: datetime | None) -> None:
        """Cancel what this person has running: here if there is something here."""
        done = await self._cancelled(caller, parsed, begun) if begun is not None else None
        if done is not None:
            await self._responder.reply(caller, views.reply(Reply.DONE, done))
            return
        live = await self._store.under_way()
        mine = [each for each in live.restores if each.owner == caller.user and meant(each, parsed)]
        here = [
            each
            for each in mine
            if each.thread_ref.channel == caller.channel
            and caller.thread in (None, each.thread_ref.thread)
        ]
        chosen = here or mine
        if not chosen:
            unread = Unread(newer=live.newer, lost=live.lost)
            await self._responder.reply(caller, views.nothing_to_cancel(unread))
        elif len(chosen) > 1:
            await self._responder.reply(caller, views.which_to_cancel(chosen))
        else:
            told = await self._steps.apply(chosen[0], Cancel(by=caller.user))
            said = views.reply(told.reply or Reply.DONE, told.restore)
            await self._responder.reply(caller, said)

    async def _cancelled(
        self, caller: Caller, parsed: ParsedRequest, begun: datetime
    ) -> Restore | None:
        """What a worker cancelled that died before it could say so; nothing else is cancelled."""
        for each in await self._store.recent(MAX_RECENT):
            end = each.outcome
            by_them = end is not None and (end.reason, end.by) == (CANCELLED, caller.user)
            if end is not None and by_them and end.at >= begun and meant(each, parsed):
                return each
        return None


def about(restore: Restore) -> ParsedRequest:
    """What was refused, for the audit stream."""
    request = restore.request
    return ParsedRequest(Verb.RESTORE, vm=request.vm, namespace=request.namespace)


def restore_id(installation: str, key: str) -> RestoreId:
    """A short id made from a delivery's key: the same delivery always makes the same restore.

    Two installations may hear the same words: each makes one of its own, so that none takes the other's
    object for its own. The name that is there without a choice adds nothing to the key.
    """
    whose = key if installation == DEFAULT else f"{installation} {key}"
    digest = hashlib.sha256(whose.encode()).digest()
    return RestoreId(base64.b32encode(digest)[:10].decode().lower())
