"""The handoff of a restore: an offer to somebody, an answer to it, and taking over when on call.

The core moves the document; here is what it cannot know: who somebody is and what they may do.
Slack is asked afresh about the new owner, at the offer and again when they accept or take over; when
Slack does not answer, nothing moves. Nobody gets a restore whose thread they could not answer
in: they join its channel first. Somebody who would not see an offer in its thread finds a copy in a
direct message; a restore that lives in a direct message moves to one with its new owner.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.errors import Permanent, Temporary
from bot.request import ParsedRequest, Verb
from bot.restore.events import Button, Clicked, Copied, Offered, Reply, TakenOver, Verdict
from bot.restore.model import Restore
from bot.restore.thread import UserId
from bot.slack import views
from bot.slack.api.directory import ConversationInfo
from bot.slack.context import SlackContext
from bot.slack.handlers.apply_event import Applied, EventApplier
from bot.slack.handlers.handoff_reach import HandoffReach
from bot.slack.handlers.queries import meant
from bot.slack.outbound.replies import Caller
from bot.slack.views import Message
from bot.slack.views import handoff as views_handoff

Answer = Message | str | Verdict
HANDOFF_BUTTONS = frozenset(
    {Button.HAND_OVER, Button.ACCEPT, Button.DECLINE, Button.WITHDRAW, Button.TAKE_OVER}
)
"""The buttons that are dealt with here."""

NEARLY = timedelta(seconds=5)
"""Slack's clock is known to a second or so. A reply of the new owner is not dropped for that; whether it was
written after the card is told by Slack's two dates alone (`apply_event`)."""

log = structlog.get_logger(__name__)


class HandoffHandler:
    """Handles the requests and clicks of a handoff."""

    def __init__(self, context: SlackContext) -> None:
        self._store = context.store
        self._web = context.web
        self._people = context.people
        self._responder = context.responder
        self._authorizer = context.authorizer
        self._reach = HandoffReach(context)
        self._bot_user = context.config.home.bot_user
        self._steps = EventApplier(context.store, context.clock)

    async def answer(
        self, caller: Caller, parsed: ParsedRequest, begun: datetime | None = None
    ) -> Answer:
        """`handoff @user` and `take over`, from wherever they were said.

        `begun`: since when a worker that died over it may have done it already.
        """
        if begun is not None:
            known = (*await self._here(caller), *await self._store.live())
            to = parsed.user if parsed.verb is Verb.HANDOFF else None
            for each in (one for one in known if meant(one, parsed)):
                if said := await self._done(each, caller.user, to, begun):
                    return said
        if parsed.verb is Verb.TAKE_OVER:
            return await self._take_one(caller, parsed)
        return await self._offer_one(caller, parsed, parsed.user or "")

    async def click(
        self, caller: Caller, restore: Restore, click: Clicked, begun: datetime | None = None
    ) -> Answer | None:
        """A click on an offer, a person chosen on the first card, or **Take over**."""
        if begun is not None and (said := await self._done(restore, click.by, click.value, begun)):
            return said
        match click.button:
            case Button.TAKE_OVER if click.number != len(restore.handoffs):
                return views_handoff.passed_on(restore)
            case Button.TAKE_OVER:
                return await self._take(restore, caller.user)
            case Button.ACCEPT:
                return await self._accept(caller, restore, click)
            case Button.HAND_OVER if click.by == restore.owner and click.value:
                return await self._offer(restore, UserId(click.value), click)
            case _:
                done = await self._steps.apply(restore, click)
                if begun is not None and done.reply is Reply.OFFER_OVER:
                    return views.interrupted()
                return await self._told(caller, done)

    async def _done(
        self, restore: Restore, user: UserId, to: str | None, begun: datetime
    ) -> Message | None:
        """What a worker did that died before it could say so: the rest of it, and the answer."""
        change, made = next(reversed(restore.handoffs), None), restore.offer
        if to is None and change is not None and change.taker == user and change.at >= begun:
            await self._leave(restore)
            return views_handoff.yours_now(restore)
        if made is not None and (made.by, made.to) == (user, to) and made.at >= begun:
            await self._tell_taker(restore, made.to)
            return views_handoff.offered(restore, made.to)
        return None

    async def not_yours(self, caller: Caller, restore: Restore) -> Answer:
        """Why somebody else's click did nothing; who is on call may take over from there.

        A click in the Home tab is answered by direct message, where a button would stay for ever.
        """
        plain = views.reply(Reply.NOT_YOURS, restore)
        if restore.closed or not caller.channel:
            return plain
        try:
            verdict = await self._may_take(restore, caller.user, fresh=False)
        except (Temporary, Permanent):
            return plain
        return views_handoff.not_yours(restore) if verdict.allowed else plain

    # Offering

    async def _offer_one(self, caller: Caller, parsed: ParsedRequest, to: str) -> Answer:
        if to.startswith("@"):
            return views_handoff.not_a_person(to)
        here = await self._here(caller)
        mine = [each for each in here if each.owner == caller.user]
        if here and not mine:
            return views_handoff.not_yours_to_give(here[-1])
        mine = mine or [each for each in await self._store.live() if each.owner == caller.user]
        named = [each for each in mine if meant(each, parsed)]
        if not named:
            return views_handoff.nothing_to_hand_over()
        if len(named) > 1:
            return views_handoff.which(named, await self._reach.links(named, caller), take=False)
        return await self._offer(named[0], UserId(to), Offered(by=caller.user, to=UserId(to)))

    async def _offer(self, restore: Restore, to: UserId, event: Offered | Clicked) -> Answer:
        """Offer it, unless the other person could not go on with it anyway."""
        if to == self._bot_user:
            return views_handoff.not_for_a_bot()
        if to != restore.owner:
            verdict = await self._may_have(restore, to)
            if not verdict.allowed:
                return views_handoff.taker_may_not(restore, to, verdict)
            if restore.thread_ref.direct and await self._reach.direct(to) is None:
                return views_handoff.unreachable(restore, to)
        done = await self._steps.apply(restore, event)
        reply, restore = done.reply, done.restore
        if reply is not None and reply is not Reply.ALREADY_OFFERED:
            return views.reply(reply, restore)
        # Also when it was offered already: a worker may have died before this was told.
        await self._tell_taker(restore, to)
        return views.reply(reply, restore) if reply else views_handoff.offered(restore, to)

    async def _may_have(self, restore: Restore, user: UserId) -> Verdict:
        """May this person go on with the restore? As things are right now."""
        where = await self._where(restore, user, fresh=True)
        return await self._authorizer.may_restore(user, where, restore.request, fresh=True)

    async def _where(
        self, restore: Restore, user: UserId, *, fresh: bool
    ) -> str | ConversationInfo:
        """Where the restore would go on: where it is, or in a direct message with this person."""
        thread_ref = restore.thread_ref
        if thread_ref.direct:
            theirs = await self._reach.direct(user) if fresh else None
            return ConversationInfo.direct(theirs or thread_ref.channel)
        return thread_ref.channel

    async def _tell_taker(self, restore: Restore, taker: UserId) -> None:
        """By direct message, if they would not see the card: Slack notifies members only."""
        thread_ref = restore.thread_ref
        try:
            if not thread_ref.direct and await self._people.is_member(taker, thread_ref.channel):
                return
        except (Permanent, Temporary):
            log.info("nobody says who is in the channel, so the offer is told twice")
        direct = await self._reach.direct(taker)
        if direct is not None:
            address = await self._responder.link(restore, taker)
            copied = Copied(to=taker, channel=direct, address=address)
            # The document may have moved on while Slack was asked.
            await self._steps.load_and_apply(restore.id, copied)

    # Accepting

    async def _accept(self, caller: Caller, restore: Restore, click: Clicked) -> Answer | None:
        """The offered person says yes; whether they may is asked once more."""
        made = restore.offer
        if made is None or made.to != click.by:
            return await self._told(caller, await self._steps.apply(restore, click))
        verdict = await self._may_have(restore, click.by)
        if not verdict.allowed:
            return verdict
        if outside := await self._reach.outside(restore, click.by):
            return outside
        dm = await self._reach.direct(click.by) if restore.thread_ref.direct else None
        if restore.thread_ref.direct and dm is None:
            return views_handoff.unreachable(restore, click.by)
        accepted = replace(click, value=dm, since=self._since())
        done = await self._steps.apply(restore, accepted)
        if done.reply is None:
            await self._leave(restore)
        return await self._told(caller, done)

    async def _leave(self, restore: Restore) -> None:
        """The direct message with the giver is left behind, and says so. A thread is told by a card."""
        record = await self._store.load(restore.id)
        if record is None or record.restore.left is None:
            return
        await self._reach.post(record.restore.left.channel, views_handoff.dm_gone(record.restore))

    # Taking over

    async def _take_one(self, caller: Caller, parsed: ParsedRequest) -> Answer:
        found = await self._here(caller) or await self._seen(caller)
        named = [each for each in found if meant(each, parsed)]
        others = [each for each in named if each.owner != caller.user]
        if parsed.user is not None:
            others = [each for each in others if each.owner == parsed.user]
        if not others:
            return (
                views.reply(Reply.ALREADY_YOURS, named[0])
                if named
                else views_handoff.nothing_to_take()
            )
        verdicts = [await self._may_take(each, caller.user, fresh=False) for each in others]
        allowed = [one for one, verdict in zip(others, verdicts, strict=True) if verdict.allowed]
        if not allowed:
            return verdicts[0]
        if len(allowed) > 1:
            return views_handoff.which(allowed, await self._reach.links(allowed, caller), take=True)
        return await self._take(allowed[0], caller.user)

    async def _take(self, restore: Restore, user: UserId) -> Answer:
        """Take it over, if this very moment the policy and Slack's user groups say yes."""
        verdict = await self._may_take(restore, user, fresh=True)
        if not verdict.allowed:
            return verdict
        if outside := await self._reach.outside(restore, user):
            return outside
        dm = await self._reach.direct(user) if restore.thread_ref.direct else None
        if restore.thread_ref.direct and dm is None:
            return views_handoff.unreachable(restore, user)
        taken = TakenOver(by=user, dm=dm, since=self._since())
        done = await self._steps.apply(restore, taken)
        if done.reply is not None:
            return views.reply(done.reply, done.restore)
        await self._leave(restore)
        return views_handoff.yours_now(restore)

    async def _may_take(self, restore: Restore, user: UserId, *, fresh: bool) -> Verdict:
        where = await self._where(restore, user, fresh=fresh)
        return await self._authorizer.may_take_over(user, where, restore.request, fresh=fresh)

    async def _seen(self, caller: Caller) -> list[Restore]:
        """What lives, as far as this person may hear of it where they speak."""
        live = await self._store.live()
        return await self._authorizer.visible(caller.user, caller.channel, live)

    # Both

    async def _here(self, caller: Caller) -> list[Restore]:
        """What can still be handed off in this thread: what lives, else what has buttons left."""
        if caller.thread is None:
            return []
        found = await self._store.in_thread(caller.channel, caller.thread)
        passable = [each.restore for each in found if not each.restore.closed]
        return [each for each in passable if not each.phase.ended] or passable[-1:]

    def _since(self) -> str:
        """A moment just before now, as Slack dates what is said."""
        return f"{(self._web.clock.now() - NEARLY).timestamp():.6f}"

    async def _told(self, caller: Caller, done: Applied) -> Answer | None:
        """A click that counted is answered by the thread."""
        if done.reply is Reply.NOT_YOURS:
            return await self.not_yours(caller, done.restore)
        return None if done.reply is None else views.reply(done.reply, done.restore)
