"""What people wish for: a new restore, cancel, a list. Everything is decided at the door.

A refusal goes to the asker alone and into the audit stream. A new restore's id is made from the key
of the delivery that asked for it, so that a delivery dealt with twice makes one restore.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime

from bot.clock import Clock
from bot.request import Request, Verb
from bot.restore import audit, workflow
from bot.restore.events import Cancel, Reply, Verdict
from bot.restore.model import AuditEntry, Place, Reason, Restore, RestoreId, Rules, UserId, Wish
from bot.restore.policy import Policy, decide
from bot.slack import views
from bot.slack.api.directory import Home, People, Room
from bot.slack.handlers.apply_event import Steps
from bot.slack.handlers.handoff import Handoffs
from bot.slack.handlers.queries import LISTED, Lists, meant
from bot.slack.handlers.shift_report import Reports
from bot.slack.outbound.replies import Teller, Voice
from bot.slack.views import Message
from bot.store.records import Created, Held, Known
from bot.store.store import Store
from bot.telemetry import Metrics

CANCELLED = Reason.CANCELLED_BY_USER
MOST_RECENT = 50
"""How many ended restores are looked through for what was cancelled a moment ago."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the intake needs to know of the settings."""

    home: Home
    policy: Policy
    rules: Rules
    clusters: tuple[str, ...]
    default_cluster: str


class Wishes:
    """Opens restores and answers what is asked about them."""

    def __init__(  # noqa: PLR0913 - wired once, in desk.py
        self,
        *,
        store: Store,
        people: People,
        teller: Teller,
        steps: Steps,
        ground: Ground,
        lists: Lists,
        handoffs: Handoffs,
        reports: Reports,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._people = people
        self._teller = teller
        self._steps = steps
        self._ground = ground
        self._lists = lists
        self._handoffs = handoffs
        self._reports = reports
        self._clock = clock
        self._metrics = metrics

    async def hear(
        self,
        key: str,
        voice: Voice,
        request: Request,
        place: Place,
        *,
        begun: datetime | None = None,
    ) -> None:
        """Do or answer what was wished for. `begun`: since when it may have been done already."""
        if request.problem is not None:
            await self._teller.insist(voice, views.problem(request.problem))
            return
        match request.verb:
            case Verb.RESTORE:
                await self._restore(key, voice, request, place)
            case Verb.CANCEL:
                await self._cancel(voice, request, begun)
            case Verb.NONE:
                return
            case _:
                await self.told(voice, request, await self._answer(voice, request, place, begun))

    async def _answer(
        self, voice: Voice, request: Request, place: Place, begun: datetime | None
    ) -> Message | str | Verdict | None:
        """What may be asked for once more if Slack does not take the answer."""
        match request.verb:
            case Verb.HANDOFF if request.user is None:
                return await self._reports.answer(voice, place)
            case Verb.HANDOFF | Verb.TAKE_OVER:
                return await self._handoffs.answer(voice, request, begun)
            case verb if verb in LISTED:
                return await self._lists.answer(voice, request)
            case verb:
                return views.other_wish(verb)

    async def told(
        self, voice: Voice, request: Request, answer: Message | str | Verdict | None
    ) -> None:
        """Say it to the one who asked; a refusal is noted as well. None: it has been said."""
        if isinstance(answer, Verdict):
            await self.refuse(voice, answer, request)
        elif answer is not None:
            await self._teller.insist(voice, answer)

    async def _restore(self, key: str, voice: Voice, request: Request, place: Place) -> None:
        cluster = request.cluster or self._ground.default_cluster
        if cluster not in self._ground.clusters:
            await self._teller.insist(voice, views.unknown_cluster(cluster, self._ground.clusters))
            return
        room = await self._people.room(voice.channel)
        verdict = await self.verdict(voice, room, cluster, request.namespace)
        if not verdict.allowed:
            await self.refuse(voice, verdict, request)
            return
        if not room.member:
            await self._teller.insist(voice, views.in_channel_needed(voice.channel))
            return
        wish = Wish(
            cluster=cluster,
            namespace=request.namespace,
            vm=request.vm,
            snapshot=request.snapshot,
            described=request.described,
        )
        new = workflow.begin(
            id_=restore_id(key),
            place=place,
            owner=voice.user,
            wish=wish,
            rules=self._ground.rules,
            now=self._clock.now(),
        )
        await self.open(voice, new)

    async def open(self, voice: Voice, new: Restore) -> Created | Known | Held:
        """Store a new restore, or say who holds the VM."""
        now = self._clock.now()
        asked = AuditEntry(
            at=now, restore=new.id, kind="requested", by=new.owner, target=audit.target(new)
        )
        opened = await self._store.create(new, due=now, audit=[asked])
        if isinstance(opened, Held):
            where = await self._teller.link(opened.holder, voice.user)
            await self._teller.insist(voice, views.held(opened.holder, voice.user, where))
        elif voice.response_url is not None:
            await self._store.ways.keep(new.id, voice.response_url)
        return opened

    async def verdict(
        self, voice: Voice, room: Room, cluster: str, namespace: str | None
    ) -> Verdict:
        """May this person restore there?"""
        person = await self._people.person(voice.user)
        return decide(self._ground.policy, person, room.spot, cluster=cluster, namespace=namespace)

    async def refuse(self, voice: Voice, verdict: Verdict, request: Request) -> None:
        """Say no, and note it: in this order, so that what is said again is noted once."""
        await self._teller.insist(voice, views.refusal(verdict))
        await self.note_refusal(voice.user, verdict, request)

    async def note_refusal(self, user: UserId, verdict: Verdict, request: Request) -> None:
        """Somebody was told no."""
        self._metrics.refusals.labels(verdict.reason).inc()
        refused = AuditEntry(
            at=self._clock.now(),
            kind="refused",
            by=user,
            verdict="denied",
            reason=verdict.reason,
            target=f"{request.namespace or '?'}/{request.vm or '?'}",
        )
        await self._store.record([refused])

    async def _cancel(self, voice: Voice, request: Request, begun: datetime | None) -> None:
        """Cancel what this person has running: here if there is something here."""
        done = await self._cancelled(voice, request, begun) if begun is not None else None
        if done is not None:
            await self._teller.insist(voice, views.reply(Reply.DONE, done))
            return
        live = await self._store.live()
        mine = [each for each in live if each.owner == voice.user and meant(each, request)]
        here = [
            each
            for each in mine
            if each.place.channel == voice.channel and voice.thread in (None, each.place.thread)
        ]
        chosen = here or mine
        if not chosen:
            await self._teller.insist(voice, views.nothing_to_cancel())
        elif len(chosen) > 1:
            await self._teller.insist(voice, views.which_to_cancel(chosen))
        else:
            reply = await self._steps.apply(chosen[0].id, Cancel(by=voice.user))
            await self._teller.insist(voice, views.reply(reply or Reply.DONE, chosen[0]))

    async def _cancelled(self, voice: Voice, request: Request, begun: datetime) -> Restore | None:
        """What a worker cancelled that died before it could say so; nothing else is cancelled."""
        for each in await self._store.recent(MOST_RECENT):
            end = each.outcome
            by_them = end is not None and (end.reason, end.by) == (CANCELLED, voice.user)
            if end is not None and by_them and end.at >= begun and meant(each, request):
                return each
        return None


def restore_id(key: str) -> RestoreId:
    """A short id made from a delivery's key: the same delivery always makes the same restore."""
    digest = hashlib.sha256(key.encode()).digest()
    return RestoreId(base64.b32encode(digest)[:10].decode().lower())
