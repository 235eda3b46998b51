"""What a kept delivery means: who said it, may they, and which restore it moves.

A delivery may be dealt with more than once (a worker died half-way), so everything here is
repeatable: a new restore's id is made from the delivery's key, a typed reply carries its `ts`, a
click its card. Refusals go to the asker only, and into the audit stream.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from bot.errors import StoreUnavailable, Temporary
from bot.request import (
    ParsedRequest,
    Verb,
    command_meant,
    parse_command,
    parse_sentence,
    single_name,
)
from bot.restore.events import SUCCESSORS, Button, ChannelMoved, Clicked, Continued, Reply, Typed
from bot.restore.follow_up import successor
from bot.restore.model import Phase, Restore, ThreadRef
from bot.restore.thread import slack_order
from bot.slack import views
from bot.slack.context import SlackContext
from bot.slack.handlers.app_home import AppHome
from bot.slack.handlers.apply_event import EventApplier, NotYet
from bot.slack.handlers.card_options import Pickers
from bot.slack.handlers.handoff import HANDOFF_BUTTONS, HandoffHandler
from bot.slack.handlers.modal import ModalHandler
from bot.slack.handlers.requests import RequestHandler
from bot.slack.markup.message_text import command_text
from bot.slack.outbound.replies import Caller, ReplyFailed
from bot.slack.views.form_state import Field, FormRequest, FormState
from bot.store.records import AlreadyExists, ClaimConflict, Delivery

LATE = timedelta(minutes=5)
"""What is older than this when it is dealt with was meant for another moment."""
PATIENCE = timedelta(seconds=15)
"""How long a request waits for Slack to answer before its person is told to try again."""
MAX_RECENT = 200
"""So many ended restores are looked through for those whose cards still have buttons."""

log = structlog.get_logger(__name__)


class Dispatcher:
    """Deals with kept deliveries."""

    def __init__(  # noqa: PLR0913 - the context and each handler that deliveries go to
        self,
        context: SlackContext,
        *,
        requests: RequestHandler,
        pickers: Pickers,
        forms: ModalHandler,
        homes: AppHome,
        handoffs: HandoffHandler,
    ) -> None:
        self._store = context.store
        self._people = context.people
        self._responder = context.responder
        self._config = context.config
        self._clock = context.clock
        self._steps = EventApplier(context.store, context.clock)
        self._requests = requests
        self._pickers = pickers
        self._forms = forms
        self._homes = homes
        self._handoffs = handoffs

    async def handle(self, delivery: Delivery) -> None:
        """Deal with one delivery. Raises Temporary if it must be tried again."""
        try:
            await self._handle(delivery)
        except (StoreUnavailable, NotYet):
            raise
        except ReplyFailed as unheard:
            if self._clock.now() - delivery.accepted_at < PATIENCE:
                raise
            log.warning("an answer could not be given", what=unheard.what)
        except Temporary:
            patient = self._clock.now() - delivery.accepted_at < PATIENCE
            if patient or not await self._responder.try_reply(
                _caller(delivery.body), views.slack_down()
            ):
                raise

    async def apologise(self, delivery: Delivery) -> bool:
        """Say that a fault of the bot came in between; False if Slack did not take it."""
        return await self._responder.try_reply(_caller(delivery.body), views.went_wrong())

    async def _handle(self, delivery: Delivery) -> None:
        body = delivery.body
        match delivery.kind:
            case "message":
                await self._message(delivery, body)
            case "removed":
                await self._removed(body)
            case "moved":
                await self._moved(ChannelMoved(old=body["old"], new=body["channel"]))
            case "lost":
                await self._lost(body["channel"])
            case "home":
                await self._homes.opened(body["user"], body["channel"])
            case "form-choice":
                form, changed = FormState.model_validate(body["form"]), Field(body["changed"])
                await self._forms.redraw(body["user"], form, changed)
            case _ if self._clock.now() - delivery.accepted_at > LATE:
                await self._responder.try_reply(_caller(body), views.too_late())
            case _:
                await self._open_or_answer(delivery, body)

    async def _open_or_answer(self, delivery: Delivery, body: Mapping[str, Any]) -> None:
        """What somebody wants now, and would not want any more if it came late."""
        match delivery.kind:
            case "command":
                await self._command(delivery, body)
            case "form-open":
                await self._forms.open(_caller(body), body["trigger"])
            case "form-sent":
                request = FormRequest.model_validate(body["request"])
                await self._forms.take(delivery.key, _caller(body), request)
            case "click":
                await self._click(body, _begun(delivery))
                if not body["channel"]:
                    await self._homes.used(body["user"])
            case other:
                log.warning("delivery of an unknown kind", kind=other)

    async def _removed(self, body: Mapping[str, Any]) -> None:
        """Somebody has deleted a card. What may still be of use is posted anew."""
        for restore in await self._store.in_thread(body["channel"], body["thread"]):
            record = await self._store.load(restore.id)
            if record is None or record.restore.closed:
                continue
            for card in record.restore.cards:
                shown = record.shown.get(card.key)
                if card.closed is None and shown is not None and shown.ts == body["ts"]:
                    await self._store.queue.invalidate_card(restore.id, card.key, body["ts"])

    async def _moved(self, moved: ChannelMoved) -> None:
        """Everything that belongs to the channel goes on under its new id, last buttons included."""
        known = (*await self._store.live(), *await self._store.recent(MAX_RECENT))
        for restore in known:
            if restore.thread_ref.channel == moved.old:
                await self._steps.apply(restore.id, moved)

    async def _lost(self, channel: str) -> None:
        """Its restores find out now, by a look at their first card, not when they next speak."""
        here = [each.id for each in await self._store.live() if each.thread_ref.channel == channel]
        for record in await self._store.load_many(here):
            first = record.restore.cards[0].key
            shown = record.shown.get(first)
            if shown is not None and shown.ts is not None:
                await self._store.queue.invalidate_card(record.restore.id, first, shown.ts)

    # The slash command

    async def _command(self, delivery: Delivery, body: Mapping[str, Any]) -> None:
        caller = _caller(body)
        parsed = parse_command(command_text(body["text"]))
        if parsed == ParsedRequest(Verb.RESTORE):
            await self._forms.open(caller, body["trigger"])
            return
        thread_ref = ThreadRef(team=self._config.home.team, channel=caller.channel, own_thread=True)
        await self._requests.hear(delivery.key, caller, parsed, thread_ref, begun=_begun(delivery))

    # Messages

    async def _message(self, delivery: Delivery, body: Mapping[str, Any]) -> None:
        thread = body["thread"]
        caller = _caller(body)
        late = self._clock.now() - _moment(body["ts"]) > LATE
        if thread is not None and await self._answered(body, caller, late=late):
            return
        if not (body["addressed"] or body["words"]):
            return
        parsed = _request(body)
        if parsed.verb is Verb.NONE:
            return
        if late:
            await self._responder.try_reply(caller, views.too_late())
            return
        thread_ref = ThreadRef(
            team=self._config.home.team,
            channel=caller.channel,
            thread=thread or body["ts"],
            own_thread=False,
            asked_ts=body["ts"],
        )
        await self._requests.hear(delivery.key, caller, parsed, thread_ref, begun=_begun(delivery))

    async def _answered(self, body: Mapping[str, Any], caller: Caller, *, late: bool) -> bool:
        """Was this reply taken as an answer to a restore in its thread?"""
        restore = await self._asked_of(caller, body)
        if restore is None:
            return False
        if body["addressed"] and _is_command(body["spoken"], restore):
            return False
        if late:
            await self._responder.try_reply(caller, views.too_late())
            return True
        typed = Typed(by=caller.user, text=body["typed"], ts=body["ts"], plain=body["plain"])
        reply = await self._steps.apply(restore.id, typed, posted_before=body["ts"])
        if reply is Reply.LEFT_ALONE:
            # A worker died over this very reply, after it had counted.
            return restore.heard_ts == str(body["ts"])
        if reply is not None:
            await self._responder.try_reply(caller, views.reply(reply, restore))
        return True

    async def _asked_of(self, caller: Caller, body: Mapping[str, Any]) -> Restore | None:
        """The restore in this thread that a reply of this person may answer."""
        if caller.thread is None:
            return None
        here = await self._store.in_thread(caller.channel, caller.thread)
        if not here and body.get("ours"):
            await self._wait_for_the_thread(caller)
        mine = [each for each in here if each.owner == caller.user and not each.phase.ended]
        asking = [each for each in mine if each.question is not None]
        exact = [each for each in asking if _expects(each, body["typed"])]
        return max(exact or asking or mine, key=_asked_at, default=None)

    async def _wait_for_the_thread(self, caller: Caller) -> None:
        """A reply in a restore's thread may come before the thread is written down.

        It is written down a moment after it was begun, and its channel may just have got another id.
        """
        for each in await self._store.live():
            thread_ref = each.thread_ref
            # Since it was looked for, it may just have been written down.
            begun = thread_ref.channel == caller.channel and thread_ref.thread in (
                None,
                caller.thread,
            )
            moved = thread_ref.thread == caller.thread and thread_ref.channel != caller.channel
            if each.owner == caller.user and (begun or moved):
                raise NotYet("the thread is just being begun, or moved")

    # Clicks

    async def _click(self, body: Mapping[str, Any], begun: datetime | None) -> None:
        """A click. One that a worker died over (`begun`) may have counted, or come too late since.

        Nobody knows which, so it is not said that nothing was done.
        """
        caller = _caller(body)
        ref = views.parse_value(str(body["ref"] or ""))
        record = await self._store.load(ref[0]) if ref else None
        if ref is None or record is None:
            await self._responder.reply(caller, views.unknown_card())
            return
        restore, button = record.restore, Button(body["button"])
        if caller.response_url is not None and caller.user == restore.owner:
            await self._store.ways.keep(restore.id, caller.response_url)
        if button in HANDOFF_BUTTONS:
            chosen = Clicked(by=caller.user, button=button, number=ref[1], value=body.get("value"))
            answer = await self._handoffs.click(caller, restore, chosen, begun)
            await self._requests.told(caller, _about(restore), answer)
            return
        picked = body.get("value")
        value = await self._pickers.resolve(restore, button, picked) if picked else None
        click = Clicked(by=caller.user, button=button, number=ref[1], value=value)
        if button is not Button.CANCEL and click.by == restore.owner:
            room = await self._people.room(restore.thread_ref.channel)
            request = restore.request
            verdict = await self._requests.verdict(caller, room, request.cluster, request.namespace)
            if not verdict.allowed:
                await self._requests.refuse(caller, verdict, _about(restore))
                return
        if button in SUCCESSORS:
            reply = await self._follow(caller, restore, click)
        else:
            reply = await self._steps.apply(restore.id, click)
        if begun is not None and reply in (Reply.OLD_CARD, Reply.ENDED):
            await self._responder.reply(caller, views.interrupted())
        elif reply is Reply.NOT_YOURS:
            answer = await self._handoffs.not_yours(caller, restore)
            await self._requests.told(caller, _about(restore), answer)
        elif reply is not None and reply is not Reply.DONE:
            await self._responder.reply(caller, views.reply(reply, restore))

    async def _follow(self, caller: Caller, restore: Restore, click: Clicked) -> Reply | None:
        """Start over, try again, another snapshot, undo: a restore of its own."""
        new = successor(restore, click, self._config.rules, self._clock.now())
        if isinstance(new, Reply):
            return new
        opened = await self._requests.open(caller, new)
        if isinstance(opened, ClaimConflict):
            return None
        # If a worker dies before this, the click that comes next finds the new restore and does it.
        await self._steps.apply(restore.id, Continued(by=click.by))
        return Reply.OLD_CARD if isinstance(opened, AlreadyExists) else None


def _caller(body: Mapping[str, Any]) -> Caller:
    """Who spoke in a command, a message or a click, and where to answer.

    What was said in the open is answered there: in a thread without replies Slack would not show it.
    """
    return Caller(body["user"], body["channel"], body.get("thread"), body.get("response_url"))


def _request(body: Mapping[str, Any]) -> ParsedRequest:
    """What a message asks for. A mention of the bot only calls it, but behind `handoff` it is a name."""
    parsed = parse_sentence(body["spoken"], addressed=body["addressed"])
    if parsed.verb is Verb.HANDOFF and parsed.user is None:
        named = parse_sentence(body["typed"], addressed=True)
        return named if named.user is not None else parsed
    return parsed


def _about(restore: Restore) -> ParsedRequest:
    """What was refused, for the audit stream."""
    request = restore.request
    return ParsedRequest(Verb.RESTORE, vm=request.vm, namespace=request.namespace)


def _begun(delivery: Delivery) -> datetime | None:
    """Since when a worker that died over this delivery may have done what it says."""
    return delivery.accepted_at if delivery.attempts > 1 else None


def _moment(ts: str) -> datetime:
    return datetime.fromtimestamp(slack_order(ts)[0], UTC)


def _expects(restore: Restore, typed: str) -> bool:
    """The very words that its card asks for."""
    match restore.phase:
        case Phase.TYPING:
            return typed == restore.request.snapshot
        case Phase.STOP_CHOICE:
            return typed.lower() == Button.STOP_AND_RESTORE
        case _:
            return False


def _asked_at(restore: Restore) -> datetime:
    return restore.question.opened_at if restore.question else restore.opened_at


def _is_command(text: str, restore: Restore) -> bool:
    """Said to the bot by name, and not the name that is asked for.

    Of what is only nearly a command a single word may be a name, written wrong; and what may mean
    to cancel is an answer, since an answer that does not fit cancels.
    """
    if restore.phase is Phase.TYPING and text.strip() == restore.request.snapshot:
        return False
    if parse_sentence(text, addressed=True).verb not in (Verb.NONE, Verb.UNKNOWN, Verb.RESTORE):
        return True
    named = restore.phase in (Phase.GATHERING, Phase.TYPING) and single_name(text) is not None
    return not named and command_meant(text) not in (None, Verb.CANCEL)
