"""What people wish for: a new restore, cancel, status, a list. Everything is decided at the door.

A refusal goes to the asker alone and into the audit stream. A new restore's id is made from the key
of the delivery that asked for it, so that a delivery dealt with twice makes one restore.
"""

import base64
import hashlib
from dataclasses import dataclass

from bot.clock import Clock
from bot.restore import workflow
from bot.restore.events import Cancel, Reply, Verdict
from bot.restore.model import AuditEntry, Place, Restore, RestoreId, Rules, Wish
from bot.restore.policy import Policy, decide
from bot.restore.request import Request, Verb
from bot.slack import views
from bot.slack.people import Home, People, Room
from bot.slack.pickers import Pickers
from bot.slack.steps import Steps
from bot.slack.voice import Teller, Voice
from bot.store.records import Created, Held, Known
from bot.store.store import Store
from bot.telemetry import Metrics


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

    def __init__(  # noqa: PLR0913 - wired once, in app.py
        self,
        *,
        store: Store,
        people: People,
        teller: Teller,
        steps: Steps,
        ground: Ground,
        pickers: Pickers,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._people = people
        self._teller = teller
        self._steps = steps
        self._ground = ground
        self._pickers = pickers
        self._clock = clock
        self._metrics = metrics

    async def hear(self, key: str, voice: Voice, request: Request, place: Place) -> None:
        """Do or answer what was wished for."""
        if request.problem is not None:
            await self._teller.tell(voice, views.problem(request.problem))
            return
        match request.verb:
            case Verb.RESTORE:
                await self._restore(key, voice, request, place)
            case Verb.CANCEL:
                await self._cancel(voice)
            case Verb.STATUS:
                await self._teller.tell(voice, views.status(await self._visible(voice)))
            case Verb.LIST:
                await self._list(voice, request)
            case Verb.NONE:
                return
            case verb:
                await self._teller.tell(voice, views.help_text(verb).text)

    async def _restore(self, key: str, voice: Voice, request: Request, place: Place) -> None:
        cluster = request.cluster or self._ground.default_cluster
        if cluster not in self._ground.clusters:
            await self._teller.tell(voice, views.unknown_cluster(cluster, self._ground.clusters))
            return
        room = await self._people.room(voice.channel)
        verdict = await self.verdict(voice, room, cluster, request.namespace)
        if not verdict.allowed:
            await self.refuse(voice, verdict, request)
            return
        if not room.member:
            await self._teller.tell(voice, views.in_channel_needed(voice.channel))
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
            at=now, restore=new.id, kind="requested", by=new.owner, target=workflow.target(new)
        )
        opened = await self._store.create(new, due=now, audit=[asked])
        if isinstance(opened, Held):
            where = await self._teller.link(opened.holder)
            await self._teller.tell(voice, views.held(opened.holder, where))
        return opened

    async def verdict(
        self, voice: Voice, room: Room, cluster: str, namespace: str | None
    ) -> Verdict:
        """May this person restore there?"""
        person = await self._people.person(voice.user)
        return decide(self._ground.policy, person, room.spot, cluster=cluster, namespace=namespace)

    async def refuse(self, voice: Voice, verdict: Verdict, request: Request) -> None:
        """Say no, and note it."""
        self._metrics.refusals.labels(verdict.reason).inc()
        refused = AuditEntry(
            at=self._clock.now(),
            kind="refused",
            by=voice.user,
            verdict="denied",
            reason=verdict.reason,
            target=f"{request.namespace or '?'}/{request.vm or '?'}",
        )
        await self._store.record([refused])
        await self._teller.tell(voice, views.refusal(verdict))

    async def _cancel(self, voice: Voice) -> None:
        """Cancel what this person has running: here if there is something here."""
        mine = [each for each in await self._store.live() if each.owner == voice.user]
        here = [
            each
            for each in mine
            if each.place.channel == voice.channel and voice.thread in (None, each.place.thread)
        ]
        chosen = here or mine
        if not chosen:
            await self._teller.tell(voice, views.nothing_to_cancel())
        elif len(chosen) > 1:
            await self._teller.tell(voice, views.which_to_cancel(chosen))
        else:
            reply = await self._steps.apply(chosen[0].id, Cancel(by=voice.user))
            await self._teller.tell(voice, views.reply(reply or Reply.DONE, chosen[0]))

    async def _visible(self, voice: Voice) -> list[Restore]:
        """Live restores in namespaces where this person may restore."""
        room = await self._people.room(voice.channel)
        person = await self._people.person(voice.user)
        return [
            each
            for each in await self._store.live()
            if each.owner == voice.user
            or decide(
                self._ground.policy,
                person,
                room.spot,
                cluster=each.wish.cluster,
                namespace=each.wish.namespace,
            ).allowed
        ]

    async def _list(self, voice: Voice, request: Request) -> None:
        cluster = request.cluster or self._ground.default_cluster
        if not request.vm or not request.namespace or cluster not in self._ground.clusters:
            await self._teller.tell(voice, views.list_needs())
            return
        room = await self._people.room(voice.channel)
        verdict = await self.verdict(voice, room, cluster, request.namespace)
        if not verdict.allowed:
            await self.refuse(voice, verdict, request)
            return
        found = await self._pickers.snapshots(cluster, request.namespace, request.vm)
        await self._teller.tell(voice, views.snapshot_list(request.vm, request.namespace, found))


def restore_id(key: str) -> RestoreId:
    """A short id made from a delivery's key: the same delivery always makes the same restore."""
    digest = hashlib.sha256(key.encode()).digest()
    return RestoreId(base64.b32encode(digest)[:10].decode().lower())
