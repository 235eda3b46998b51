"""What a kept delivery means: who said it, may they, and which restore it moves.

A delivery may be dealt with more than once (a worker died half-way), so everything here is
repeatable: a new restore's id is made from the delivery's key, a typed reply carries its `ts`, a
click its card. Refusals go to the asker only, and into the audit stream.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from bot.clock import Clock
from bot.errors import Permanent, Temporary
from bot.restore import again, workflow
from bot.restore.answers import slack_order
from bot.restore.events import SUCCESSORS, Button, Cancel, Clicked, Reply, Typed, Verdict
from bot.restore.model import (
    AuditEntry,
    Phase,
    Place,
    Restore,
    RestoreId,
    Rules,
    UserId,
    Wish,
)
from bot.restore.policy import Policy, decide
from bot.restore.request import Request, Verb, parse_command, parse_sentence
from bot.slack import views
from bot.slack.people import Home, People, Room
from bot.slack.pickers import Pickers
from bot.slack.web import Web
from bot.store.records import Committed, Created, Delivery, Held, Known
from bot.store.store import Store
from bot.telemetry import Metrics

LATE = timedelta(minutes=5)
"""What is older than this when it arrives was meant for another moment."""
TRIES = 8

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ground:
    """What the intake needs to know of the settings."""

    home: Home
    policy: Policy
    rules: Rules
    clusters: tuple[str, ...]
    default_cluster: str


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody speaking: where, and how to answer them alone."""

    user: UserId
    channel: str
    thread: str | None
    response_url: str | None


class Intake:
    """Deals with kept deliveries."""

    def __init__(  # noqa: PLR0913 - wired once, in app.py
        self,
        *,
        store: Store,
        web: Web,
        people: People,
        ground: Ground,
        pickers: Pickers,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._web = web
        self._people = people
        self._ground = ground
        self._pickers = pickers
        self._clock = clock
        self._metrics = metrics

    async def handle(self, delivery: Delivery) -> None:
        """Deal with one delivery. Raises Temporary if it must be tried again."""
        body = delivery.body
        match delivery.kind:
            case "command":
                await self._command(delivery.key, body)
            case "message":
                await self._message(delivery.key, body)
            case "click":
                await self._click(body)
            case other:
                log.warning("delivery of an unknown kind", kind=other)

    # The slash command

    async def _command(self, key: str, body: Mapping[str, Any]) -> None:
        voice = Voice(body["user"], body["channel"], None, body.get("response_url"))
        request = parse_command(body["text"])
        place = Place(team=self._ground.home.team, channel=voice.channel, own_thread=True)
        await self._wish(key, voice, request, place)

    # Messages

    async def _message(self, key: str, body: Mapping[str, Any]) -> None:
        thread = body["thread"]
        voice = Voice(body["user"], body["channel"], thread or body["ts"], None)
        late = self._clock.now() - _moment(body["ts"]) > LATE
        if thread is not None and await self._answered(body, voice, late=late):
            return
        if not (body["addressed"] or body["words"]):
            return
        request = parse_sentence(body["spoken"], addressed=body["addressed"])
        if request.verb is Verb.NONE:
            return
        if late:
            await self._tell(voice, views.too_late())
            return
        place = Place(
            team=self._ground.home.team,
            channel=voice.channel,
            thread=thread or body["ts"],
            own_thread=False,
            asked_ts=body["ts"],
        )
        await self._wish(key, voice, request, place)

    async def _answered(self, body: Mapping[str, Any], voice: Voice, *, late: bool) -> bool:
        """Was this reply taken as an answer to a restore in its thread?"""
        restore = await self._asked_of(voice, body)
        if restore is None:
            return False
        if body["addressed"] and _is_command(body["spoken"], restore):
            return False
        if late:
            await self._tell(voice, views.too_late())
            return True
        typed = Typed(by=voice.user, text=body["typed"], ts=body["ts"], plain=body["plain"])
        reply = await self._apply(restore.id, typed, posted_before=body["ts"])
        if reply is Reply.LEFT_ALONE:
            return False
        if reply is not None:
            await self._tell(voice, views.reply(reply, restore))
        return True

    async def _asked_of(self, voice: Voice, body: Mapping[str, Any]) -> Restore | None:
        """The restore in this thread that a reply of this person may answer."""
        if voice.thread is None:
            return None
        mine = [
            each
            for each in await self._store.in_thread(voice.channel, voice.thread)
            if each.owner == voice.user and not each.phase.ended
        ]
        exact = [
            each
            for each in mine
            if each.phase is Phase.TYPING and each.wish.snapshot == body["typed"]
        ]
        asked = sorted(
            exact or mine,
            key=lambda each: each.question.opened_at if each.question else each.opened_at,
        )
        return asked[-1] if asked else None

    # Wishes

    async def _wish(self, key: str, voice: Voice, request: Request, place: Place) -> None:
        if request.problem is not None:
            await self._tell(voice, views.problem(request.problem))
            return
        match request.verb:
            case Verb.RESTORE:
                await self._restore(key, voice, request, place)
            case Verb.CANCEL:
                await self._cancel(voice)
            case Verb.STATUS:
                await self._tell(voice, views.status(await self._visible(voice)))
            case Verb.LIST:
                await self._list(voice, request)
            case Verb.NONE:
                return
            case verb:
                await self._tell(voice, views.help_text(verb).text)

    async def _restore(self, key: str, voice: Voice, request: Request, place: Place) -> None:
        cluster = request.cluster or self._ground.default_cluster
        if cluster not in self._ground.clusters:
            await self._tell(voice, views.unknown_cluster(cluster, self._ground.clusters))
            return
        room = await self._people.room(voice.channel)
        verdict = await self._verdict(voice, room, cluster, request.namespace)
        if not verdict.allowed:
            await self._refuse(voice, verdict, request)
            return
        if not room.member:
            await self._tell(voice, views.in_channel_needed(voice.channel))
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
        await self._open(voice, new)

    async def _open(self, voice: Voice, new: Restore) -> None:
        now = self._clock.now()
        asked = AuditEntry(
            at=now, restore=new.id, kind="requested", by=new.owner, target=workflow.target(new)
        )
        match await self._store.create(new, due=now, audit=[asked]):
            case Held(holder=holder):
                await self._tell(voice, views.held(holder, await self._link(holder)))
            case Created() | Known():
                return

    async def _verdict(
        self, voice: Voice, room: Room, cluster: str, namespace: str | None
    ) -> Verdict:
        person = await self._people.person(voice.user)
        return decide(self._ground.policy, person, room.spot, cluster=cluster, namespace=namespace)

    async def _refuse(self, voice: Voice, verdict: Verdict, request: Request) -> None:
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
        await self._tell(voice, views.refusal(verdict))

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
            await self._tell(voice, views.nothing_to_cancel())
        elif len(chosen) > 1:
            await self._tell(voice, views.which_to_cancel(chosen))
        else:
            reply = await self._apply(chosen[0].id, Cancel(by=voice.user))
            await self._tell(voice, views.reply(reply or Reply.DONE, chosen[0]))

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
            await self._tell(voice, views.list_needs())
            return
        room = await self._people.room(voice.channel)
        verdict = await self._verdict(voice, room, cluster, request.namespace)
        if not verdict.allowed:
            await self._refuse(voice, verdict, request)
            return
        found = await self._pickers.snapshots(cluster, request.namespace, request.vm)
        await self._tell(voice, views.snapshot_list(request.vm, request.namespace, found))

    # Clicks

    async def _click(self, body: Mapping[str, Any]) -> None:
        voice = Voice(body["user"], body["channel"], body["thread"], body.get("response_url"))
        ref = views.parse_value(str(body["ref"] or ""))
        record = await self._store.load(ref[0]) if ref else None
        if ref is None or record is None:
            await self._tell(voice, views.unknown_card())
            return
        restore, button = record.restore, Button(body["button"])
        picked = body.get("value")
        value = await self._pickers.resolve(restore, button, picked) if picked else None
        click = Clicked(by=voice.user, button=button, number=ref[1], value=value)
        if button is not Button.CANCEL and click.by == restore.owner:
            room = await self._people.room(restore.place.channel)
            wish = restore.wish
            verdict = await self._verdict(voice, room, wish.cluster, wish.namespace)
            if not verdict.allowed:
                await self._refuse(
                    voice, verdict, Request(Verb.RESTORE, vm=wish.vm, namespace=wish.namespace)
                )
                return
        if button in SUCCESSORS:
            await self._follow(voice, restore, click)
            return
        reply = await self._apply(restore.id, click)
        if reply is not None and reply is not Reply.DONE:
            await self._tell(voice, views.reply(reply, restore))

    async def _follow(self, voice: Voice, restore: Restore, click: Clicked) -> None:
        """Start over, try again, another snapshot, undo: a restore of its own."""
        new = again.successor(restore, click, self._ground.rules, self._clock.now())
        if isinstance(new, Reply):
            await self._tell(voice, views.reply(new, restore))
        elif await self._store.load(new.id) is not None:
            await self._tell(voice, views.reply(Reply.OLD_CARD, restore))
        else:
            await self._open(voice, new)

    # The document

    async def _apply(
        self, id_: str, event: Typed | Clicked | Cancel, *, posted_before: str | None = None
    ) -> Reply | None:
        """Step and commit; if somebody was faster, on the document as it is then."""
        for _ in range(TRIES):
            record = await self._store.load(id_)
            if record is None:
                return Reply.ENDED
            before = record.restore
            if posted_before is not None and not _was_posted(record.shown, before, posted_before):
                return Reply.LEFT_ALONE
            now = self._clock.now()
            step = workflow.step(before, event, now)
            if step.restore == before:
                return step.reply
            done = await self._store.commit(step.restore, due=now, audit=step.audit)
            if isinstance(done, Committed):
                return step.reply
        raise Temporary("the restore is changing too quickly")

    # Answers to one person

    async def _tell(self, voice: Voice, text: str) -> None:
        """Answer the one who spoke, and only them. Not being able to is no reason to fail."""
        try:
            if voice.response_url is not None:
                await self._web.respond(voice.response_url, text)
            else:
                await self._web.whisper(voice.channel, voice.user, text, voice.thread)
        except (Permanent, Temporary) as unheard:
            log.warning("an answer could not be given", error=type(unheard).__name__)

    async def _link(self, restore: Restore) -> str | None:
        place = restore.place
        if place.thread is None:
            return None
        try:
            found = await self._web.call(
                "chat.getPermalink", channel=place.channel, message_ts=place.thread
            )
        except (Permanent, Temporary):
            return None
        return str(found["permalink"])


def restore_id(key: str) -> RestoreId:
    """A short id made from a delivery's key: the same delivery always makes the same restore."""
    digest = hashlib.sha256(key.encode()).digest()
    return RestoreId(base64.b32encode(digest)[:10].decode().lower())


def _moment(ts: str) -> datetime:
    return datetime.fromtimestamp(slack_order(ts)[0], UTC)


def _was_posted(shown: Mapping[str, Any], restore: Restore, ts: str) -> bool:
    """The open question stood in the thread before the reply was written."""
    question = restore.question
    if question is None:
        return True
    card = shown.get(question.key)
    return card is not None and card.ts is not None and slack_order(card.ts) < slack_order(ts)


def _is_command(text: str, restore: Restore) -> bool:
    """Said to the bot by name, and not the name that is asked for."""
    if restore.phase is Phase.TYPING and text.strip() == restore.wish.snapshot:
        return False
    verb = parse_sentence(text, addressed=True).verb
    return verb not in (Verb.NONE, Verb.UNKNOWN, Verb.RESTORE)
