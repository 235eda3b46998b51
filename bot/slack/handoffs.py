"""Passing a restore on: an offer to somebody, an answer to it, and taking over when on call.

The core moves the document; here is what it cannot know: who somebody is and what they may. Whoever
would get a restore is asked about freshly, at the offer and again when they accept or take over, and
when Slack does not answer, nothing moves. Somebody who would not see the card in its thread is told
by direct message; a restore that lives in a direct message moves to one with its new owner.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import structlog

from bot.errors import Permanent, Temporary
from bot.restore.events import Button, Clicked, Event, Offered, Reply, TakenOver, Verdict
from bot.restore.model import Restore, Slot, UserId
from bot.restore.policy import Policy, Spot, decide, may_take_over
from bot.restore.request import Request, Verb
from bot.slack import views, views_handoff
from bot.slack.people import People
from bot.slack.steps import Steps
from bot.slack.views import Message
from bot.slack.voice import Teller, Voice
from bot.slack.web import Web
from bot.slack.words_handoff import LEFT_BEHIND
from bot.store.records import Record
from bot.store.store import Store

Answer = Message | str | Verdict
PASSING = frozenset(
    {Button.HAND_OVER, Button.ACCEPT, Button.DECLINE, Button.WITHDRAW, Button.TAKE_OVER}
)
"""The buttons that are dealt with here."""

log = structlog.get_logger(__name__)


class Handoffs:
    """Deals with wishes and clicks that pass a restore from one person to another."""

    def __init__(  # noqa: PLR0913 - wired once, in desk.py
        self,
        *,
        store: Store,
        people: People,
        teller: Teller,
        steps: Steps,
        policy: Policy,
        web: Web,
    ) -> None:
        self._store = store
        self._people = people
        self._teller = teller
        self._steps = steps
        self._policy = policy
        self._web = web

    async def answer(self, voice: Voice, request: Request) -> Answer:
        """`handoff @user` and `take over`, from wherever they were said."""
        if request.verb is Verb.TAKE_OVER:
            return await self._take_one(voice, request)
        return await self._offer_one(voice, request, request.user or "")

    async def click(self, voice: Voice, restore: Restore, click: Clicked) -> Answer | None:
        """A click on an offer, a person chosen on the first card, or **Take over**."""
        match click.button:
            case Button.TAKE_OVER if click.number != len(restore.handovers):
                return views_handoff.passed_on(restore)
            case Button.TAKE_OVER:
                return await self._take(restore, voice.user)
            case Button.ACCEPT:
                return await self._accept(voice, restore, click)
            case Button.HAND_OVER if click.by == restore.owner and click.value:
                return await self._offer(restore, UserId(click.value), click)
            case _:
                return await self._told(voice, restore, await self._step(restore, click))

    async def close_copy(
        self, voice: Voice, before: Restore, click: Clicked, ts: str | None
    ) -> None:
        """An offer that came by direct message is no card of the thread: its buttons go here."""
        copied = voice.channel != before.place.channel and before.place.direct
        card = next((c for c in before.cards if c.number == click.number), None)
        if not copied or ts is None or card is None or card.slot is not Slot.OFFER:
            return
        record = await self._store.load(before.id)
        now = next((c for c in (record.restore.cards if record else ()) if c.key == card.key), None)
        if now is not None and now.closed is None:
            return
        over = card.model_copy(update={"closed": now.closed if now else LEFT_BEHIND})
        await self._update(voice.channel, ts, views.render(before, over))

    async def not_yours(self, voice: Voice, restore: Restore) -> Answer:
        """Why somebody else's click did nothing; who is on call may take over from there."""
        plain = views.reply(Reply.NOT_YOURS, restore)
        if restore.closed:
            return plain
        try:
            verdict = await self._may_take(restore, voice.user, fresh=False)
        except (Temporary, Permanent):
            return plain
        return views_handoff.not_yours(restore) if verdict.allowed else plain

    # Offering

    async def _offer_one(self, voice: Voice, request: Request, to: str) -> Answer:
        if to.startswith("@"):
            return views_handoff.not_a_person(to)
        here = await self._here(voice)
        mine = [each for each in here if each.owner == voice.user]
        if here and not mine:
            return views_handoff.not_yours_to_give(here[-1])
        mine = mine or [each for each in await self._store.live() if each.owner == voice.user]
        meant = [each for each in mine if _meant(each, request)]
        if not meant:
            return views_handoff.nothing_to_hand_over()
        if len(meant) > 1:
            return views_handoff.which(meant, await self._links(meant), take=False)
        return await self._offer(meant[0], UserId(to), Offered(by=voice.user, to=UserId(to)))

    async def _offer(self, restore: Restore, to: UserId, event: Offered | Clicked) -> Answer:
        """Offer it, unless the other person could not go on with it anyway."""
        if to != restore.owner:
            verdict = await self._may_have(restore, to)
            if not verdict.allowed:
                return views_handoff.taker_may_not(restore, to, verdict)
        reply = await self._step(restore, event)
        if reply is not None and reply is not Reply.ALREADY_OFFERED:
            return views.reply(reply, restore)
        # Also when it was offered already: a worker may have died before this was told.
        await self._tell_taker(restore, to)
        return views.reply(reply, restore) if reply else views_handoff.offered(restore, to)

    async def _may_have(self, restore: Restore, user: UserId) -> Verdict:
        """May this person go on with the restore? As things are right now."""
        person = await self._people.person(user, fresh=True)
        spot = await self._spot(restore, user, fresh=True)
        wish = restore.wish
        return decide(self._policy, person, spot, cluster=wish.cluster, namespace=wish.namespace)

    async def _spot(self, restore: Restore, user: UserId, *, fresh: bool) -> Spot:
        """Where the restore would go on: where it is, or in a direct message with this person."""
        place = restore.place
        if place.direct:
            theirs = await self._direct(user) if fresh else None
            return Spot(theirs or place.channel)
        return (await self._people.room(place.channel, fresh=fresh)).spot

    async def _tell_taker(self, restore: Restore, taker: UserId) -> None:
        """By direct message, if they would not see the card: Slack notifies members only."""
        channel = restore.place.channel
        try:
            if not restore.place.direct and await self._people.is_member(taker, channel):
                return
        except (Permanent, Temporary):
            log.info("nobody says who is in the channel, so the offer is told twice")
        message = await self._offer_card(restore)
        if not restore.place.direct:
            message = views_handoff.dm_offer(restore, taker, await self._teller.link(restore))
        direct = await self._direct(taker)
        if direct is not None and message is not None:
            await self._post(direct, message)

    async def _offer_card(self, restore: Restore) -> Message | None:
        """The card with its buttons: they work wherever they are pressed."""
        record = await self._store.load(restore.id)
        cards = record.restore.cards if record else ()
        card = next((c for c in reversed(cards) if c.slot is Slot.OFFER and c.closed is None), None)
        return views.render(record.restore, card) if record and card else None

    # Accepting

    async def _accept(self, voice: Voice, restore: Restore, click: Clicked) -> Answer | None:
        """The offered person says yes; whether they may is asked once more."""
        made = restore.offer
        if made is None or made.to != click.by:
            return await self._told(voice, restore, await self._step(restore, click))
        verdict = await self._may_have(restore, click.by)
        if not verdict.allowed:
            return verdict
        dm = await self._direct(click.by) if restore.place.direct else None
        if restore.place.direct and dm is None:
            return views.slack_down()
        before = await self._store.load(restore.id)
        reply = await self._step(restore, replace(click, value=dm))
        if reply is None and before is not None:
            await self._leave(before)
        return await self._told(voice, restore, reply)

    async def _leave(self, before: Record) -> None:
        """The direct message with the giver is left behind, and says so. A thread is told by a card.

        Its cards lose their buttons; if Slack refuses that, a click on them is answered as an old one.
        """
        channel, after = before.restore.place.channel, await self._store.load(before.restore.id)
        if not before.restore.place.direct or after is None or not after.restore.handovers:
            return
        await self._post(channel, views_handoff.dm_gone(after.restore))
        for ts, message in _left_behind(before):
            await self._update(channel, ts, message)

    # Taking over

    async def _take_one(self, voice: Voice, request: Request) -> Answer:
        here = await self._here(voice)
        found = here or list(await self._store.live())
        meant = [each for each in found if _meant(each, request)]
        others = [each for each in meant if each.owner != voice.user]
        if not others:
            return (
                views.reply(Reply.ALREADY_YOURS, meant[0])
                if meant
                else views_handoff.nothing_to_take()
            )
        verdicts = [await self._may_take(each, voice.user, fresh=False) for each in others]
        allowed = [one for one, verdict in zip(others, verdicts, strict=True) if verdict.allowed]
        if not allowed:
            return verdicts[0]
        if len(allowed) > 1:
            return views_handoff.which(allowed, await self._links(allowed), take=True)
        return await self._take(allowed[0], voice.user)

    async def _take(self, restore: Restore, user: UserId) -> Answer:
        """Take it over, if this very moment the policy and Slack's user groups say yes."""
        verdict = await self._may_take(restore, user, fresh=True)
        if not verdict.allowed:
            return verdict
        dm = await self._direct(user) if restore.place.direct else None
        if restore.place.direct and dm is None:
            return views.slack_down()
        before = await self._store.load(restore.id)
        reply = await self._step(restore, TakenOver(by=user, dm=dm))
        if reply is not None:
            return views.reply(reply, restore)
        if before is not None:
            await self._leave(before)
        return views_handoff.yours_now(restore)

    async def _may_take(self, restore: Restore, user: UserId, *, fresh: bool) -> Verdict:
        person = await self._people.person(user, fresh=fresh)
        spot = await self._spot(restore, user, fresh=fresh)
        wish = restore.wish
        return may_take_over(
            self._policy, person, spot, cluster=wish.cluster, namespace=wish.namespace
        )

    # Both

    async def _here(self, voice: Voice) -> list[Restore]:
        """What can still be passed on in this thread: what lives, else what has buttons left."""
        if voice.thread is None:
            return []
        found = await self._store.in_thread(voice.channel, voice.thread)
        passable = [each for each in found if not each.closed]
        return [each for each in passable if not each.phase.ended] or passable[-1:]

    async def _step(self, restore: Restore, event: Event) -> Reply | None:
        return await self._steps.apply(restore.id, event)

    async def _told(self, voice: Voice, restore: Restore, reply: Reply | None) -> Answer | None:
        """A click that counted is answered by the thread."""
        if reply is Reply.NOT_YOURS:
            return await self.not_yours(voice, restore)
        return None if reply is None else views.reply(reply, restore)

    async def _links(self, restores: Sequence[Restore]) -> dict[str, str | None]:
        shown = restores[: views_handoff.MOST_CHOICES]
        found = await asyncio.gather(*(self._teller.link(each) for each in shown))
        return {each.id: address for each, address in zip(shown, found, strict=True)}

    async def _direct(self, user: UserId) -> str | None:
        """A direct message with this person; None if Slack opens none."""
        try:
            opened = await self._web.call("conversations.open", users=[user])
        except Permanent as refused:
            log.warning("no direct message could be opened", error=refused.reason)
            return None
        return str(opened["channel"]["id"])

    async def _post(self, channel: str, message: Message) -> None:
        await self._try("chat.postMessage", channel, message, unfurl_links=False)

    async def _update(self, channel: str, ts: str, message: Message) -> None:
        await self._try("chat.update", channel, message, ts=ts)

    async def _try(self, method: str, channel: str, message: Message, **more: Any) -> None:
        """News that matter to somebody, and that nothing waits for."""
        content = {"text": message.text, "blocks": list(message.blocks)}
        try:
            await self._web.call(method, channel=channel, **content, **more)
        except (Permanent, Temporary) as refused:
            log.warning("no news by direct message", error=type(refused).__name__)


def _left_behind(before: Record) -> Iterator[tuple[str, Message]]:
    """The cards that waited for an answer, each with where it stands."""
    over = before.restore.model_copy(update={"closed": True})
    for card in before.restore.cards:
        shown = before.shown.get(card.key)
        if card.closed is None and shown is not None and shown.ts is not None:
            yield shown.ts, views.render(over, card.model_copy(update={"closed": LEFT_BEHIND}))


def _meant(restore: Restore, request: Request) -> bool:
    """Is it one of those that were named?"""
    wish = restore.wish
    pairs = (
        (request.vm, wish.vm),
        (request.namespace, wish.namespace),
        (request.cluster, wish.cluster),
    )
    return all(asked is None or asked == known for asked, known in pairs)
