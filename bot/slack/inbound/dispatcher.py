"""What a kept delivery means: who said it, may they, and which restore it moves.

A delivery may be dealt with more than once (a worker died half-way), so everything here is
repeatable: a new restore's id is made from the delivery's key, a typed reply carries its `ts`, a
click its card. Refusals go to the asker only, and into the audit stream.
"""

from datetime import datetime, timedelta
from typing import assert_never

import structlog

from bot.errors import StoreUnavailable, Temporary
from bot.request import (
    ParsedRequest,
    Verb,
    command_meant,
    names_alone,
    parse_command,
    parse_sentence,
    single_name,
)
from bot.restore.events import SUCCESSORS, Button, ChannelMoved, Clicked, Continued, Reply, Typed
from bot.restore.follow_up import successor
from bot.restore.model import Phase, Restore
from bot.restore.one_too_many import limited
from bot.restore.thread import ThreadRef
from bot.slack import views
from bot.slack.api.client import SlackRefused
from bot.slack.context import SlackContext
from bot.slack.deliveries import (
    ButtonClicked,
    ChannelIdChanged,
    ChannelLost,
    FromPerson,
    HomeOpened,
    MessageDeleted,
    MessageReceived,
    ModalChanged,
    ModalOpened,
    ModalSubmitted,
    Prompt,
    Received,
    SlashCommand,
    parse,
)
from bot.slack.handlers.app_home import AppHome
from bot.slack.handlers.apply_event import EventApplier, NotYet
from bot.slack.handlers.card_options import Pickers
from bot.slack.handlers.conversation_changes import ConversationChanges
from bot.slack.handlers.handoff import HANDOFF_BUTTONS, HandoffHandler
from bot.slack.handlers.inquiries import INQUIRIES, Inquiries
from bot.slack.handlers.modal import ModalHandler
from bot.slack.handlers.requests import RequestHandler, about
from bot.slack.inbound import unread
from bot.slack.inbound.throttle import Throttle
from bot.slack.markup.message_text import command_text
from bot.slack.outbound.replies import Caller, ReplyFailed
from bot.store.documents import Unreadable
from bot.store.records import AlreadyExists, ClaimConflict, Delivery, LimitReached, Record
from bot.store.store import Store

LATE = timedelta(minutes=5)
"""What is older than this when it is dealt with was meant for another moment."""
PATIENCE = timedelta(seconds=15)
"""How long a request waits for Slack to answer before its person is told to try again."""
LONG_PATIENCE = timedelta(minutes=4)
"""The same, if Slack says when it may be asked again."""

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
        self._authorizer = context.authorizer
        self._responder = context.responder
        self._config = context.config
        self._clock = context.clock
        self._web = context.web
        self._steps = EventApplier(context.store, context.clock)
        self._conversations = ConversationChanges(context.store, self._steps)
        self._requests = requests
        self._pickers = pickers
        self._forms = forms
        self._homes = homes
        self._handoffs = handoffs
        self._inquiries = Inquiries(context)
        self._throttle = Throttle(context)

    async def handle(self, delivery: Delivery) -> None:
        """Deal with one delivery. Raises Temporary to be tried again, Unreadable if it does not load."""
        received = parse(delivery)
        try:
            await self._handle(delivery, received)
        except (StoreUnavailable, NotYet):
            raise
        except ReplyFailed as unheard:
            if self._clock.now() - delivery.accepted_at < PATIENCE:
                raise
            log.warning("an answer could not be given", what=unheard.what)
        except Temporary as away:
            age = self._clock.now() - delivery.accepted_at
            slow = away.retry_after is not None and age < LONG_PATIENCE
            if age < PATIENCE or (slow and not self._responder.first_time(delivery.key)):
                raise
            if isinstance(received, ModalChanged):
                log.warning("a form was not drawn anew", what=away.what)
            elif not await self._tell(received, views.slack_down(slow=slow)) or slow:
                raise
        except SlackRefused as refused:
            told = views.slack_refuses(refused.reason, refused.scope)
            if refused.content_is_at_fault or not await self._tell(received, told):
                raise

    async def apologise(self, delivery: Delivery) -> bool:
        """Say that a fault of the bot came in between; False if Slack did not take it."""
        return await self._tell(parse(delivery), views.went_wrong())

    async def _tell(self, received: Received, said: str) -> bool:
        """Answer the one who sent it; False if nobody did, or Slack did not take it."""
        if not isinstance(received, FromPerson):
            return False
        return await self._responder.try_reply(_caller(received), said)

    async def _handle(self, delivery: Delivery, received: Received) -> None:
        match received:
            case MessageReceived():
                await self._message(delivery, received)
            case MessageDeleted(channel=channel, thread=thread, ts=ts):
                await self._conversations.message_deleted(channel, thread, ts)
            case ChannelIdChanged(old=old, channel=new):
                await self._conversations.channel_moved(ChannelMoved(old=old, new=new))
            case ChannelLost(channel=channel):
                await self._conversations.channel_lost(channel)
            case HomeOpened(user=user, channel=channel):
                await self._homes.opened(user, channel)
            case ModalChanged():
                await self._forms.redraw(received)
            case SlashCommand() | ButtonClicked() | ModalOpened() | ModalSubmitted():
                if self._clock.now() - delivery.accepted_at > LATE:
                    await self._responder.try_reply(_caller(received), views.too_late())
                else:
                    await self._open_or_answer(delivery, received)
            case _:
                assert_never(received)

    async def _open_or_answer(self, delivery: Delivery, prompt: Prompt) -> None:
        match prompt:
            case SlashCommand():
                await self._command(delivery, prompt)
            case ModalOpened(trigger=trigger):
                await self._forms.open(_caller(prompt), trigger)
            case ModalSubmitted(request=request, chosen=chosen):
                await self._forms.take(delivery.key, _caller(prompt), request, chosen=chosen)
            case ButtonClicked():
                await self._click(prompt, _begun(delivery))
                if not prompt.channel:
                    await self._homes.used(prompt.user)
            case _:
                assert_never(prompt)

    # The slash command

    async def _command(self, delivery: Delivery, command: SlashCommand) -> None:
        caller = _caller(command)
        text = command_text(command.text)
        parsed, alone = parse_command(text), names_alone(text)
        if not await self._throttle.lets_in(delivery, caller, parsed):
            return
        if parsed == ParsedRequest(Verb.RESTORE):
            await self._forms.open(caller, command.trigger)
            return
        thread_ref = ThreadRef(team=self._config.home.team, channel=caller.channel, own_thread=True)
        begun, key = _begun(delivery), delivery.key
        await self._requests.hear(key, caller, parsed, thread_ref, begun=begun, names_alone=alone)

    # Messages

    async def _message(self, delivery: Delivery, message: MessageReceived) -> None:
        caller = _caller(message)
        late = self._web.clock.now() - message.at > LATE
        request = _request(message) if message.addressed else message.request
        if message.thread is not None and await self._answered(message, request, caller, late=late):
            return
        if not (message.addressed or message.words):
            return
        parsed = request or _request(message)
        if parsed.verb is Verb.NONE:
            return
        if not await self._throttle.lets_in(delivery, caller, parsed):
            return
        if late:
            await self._responder.try_reply(caller, views.too_late())
            return
        thread_ref = ThreadRef(
            team=self._config.home.team,
            channel=caller.channel,
            thread=message.thread or message.ts,
            own_thread=False,
            asked_ts=message.ts,
        )
        await self._requests.hear(delivery.key, caller, parsed, thread_ref, begun=_begun(delivery))

    async def _answered(
        self,
        message: MessageReceived,
        request: ParsedRequest | None,
        caller: Caller,
        *,
        late: bool,
    ) -> bool:
        """Was this reply taken as an answer to a restore in its thread? `request`: what it says."""
        record = await self._asked_of(caller, message)
        if record is None:
            return await unread.answered(self._store, self._responder, caller, message)
        restore = record.restore
        if message.addressed and request and _is_command(message.spoken, request, restore):
            return False
        if late:
            await self._responder.try_reply(caller, views.too_late())
            return True
        typed = Typed(by=caller.user, text=message.typed, ts=message.ts, plain=message.plain)
        done = await self._steps.apply_reply(record, typed)
        if done.reply is Reply.LEFT_ALONE:  # Did a worker die over this very reply, as it counted?
            return restore.heard_ts == message.ts
        if done.reply is not None:
            await self._responder.try_reply(caller, views.reply(done.reply, done.restore))
        return True

    async def _asked_of(self, caller: Caller, message: MessageReceived) -> Record | None:
        """The restore in this thread that a reply of this person may answer."""
        if caller.thread is None:
            return None
        here = await self._store.in_thread(caller.channel, caller.thread)
        if not here and message.bot_thread:
            await _wait_for_the_thread(self._store, caller)
        owned = [each for each in here if each.restore.owner == caller.user]
        live = [each for each in owned if not each.restore.phase.ended]
        asking = [each for each in live if each.restore.question is not None]
        exact = [each for each in asking if _expects(each.restore, message.typed)]
        return max(exact or asking or live, key=_asked_at, default=None)

    # Clicks

    async def _click(self, clicked: ButtonClicked, begun: datetime | None) -> None:
        """A click. One that a worker died over (`begun`) may have counted, or come too late since.

        Nobody knows which, so it is not said that nothing was done.
        """
        caller = _caller(clicked)
        found = await _clicked_on(self._store, clicked.ref or "")
        if isinstance(found, str):
            await self._responder.reply(caller, found)
            return
        if clicked.button in INQUIRIES:
            await self._inquiries.answer(caller, found[0], clicked.button)
            return
        await self._press(*found, clicked, begun)

    async def _press(
        self, restore: Restore, number: int, clicked: ButtonClicked, begun: datetime | None
    ) -> None:
        caller, button = _caller(clicked), clicked.button
        if caller.response_url is not None and caller.user == restore.owner:
            await self._store.ways.keep(restore.id, caller.response_url)
        if button in HANDOFF_BUTTONS:
            chosen = Clicked(by=caller.user, button=button, number=number, value=clicked.value)
            answer = await self._handoffs.click(caller, restore, chosen, begun)
            await self._requests.told(caller, about(restore), answer)
            return
        picked = clicked.value
        value = await self._pickers.resolve(restore, button, picked) if picked else None
        click = Clicked(by=caller.user, button=button, number=number, value=value)
        if button is not Button.CANCEL and click.by == restore.owner:
            where, asked = restore.thread_ref.channel, restore.request
            verdict = await self._authorizer.may_restore(click.by, where, asked, fresh=False)
            if not verdict.allowed:
                await self._requests.refuse(caller, verdict, about(restore))
                return
        if button in SUCCESSORS:
            reply = await self._follow(caller, restore, click)
        else:
            done = await self._steps.apply(restore, click)
            reply, restore = done.reply, done.restore
        if begun is not None and reply in (Reply.OLD_CARD, Reply.ENDED):
            await self._responder.reply(caller, views.interrupted())
        elif reply is Reply.NOT_YOURS:
            answer = await self._handoffs.not_yours(caller, restore)
            await self._requests.told(caller, about(restore), answer)
        elif reply is not None and reply is not Reply.DONE:
            await self._responder.reply(caller, views.reply(reply, restore))

    async def _follow(self, caller: Caller, restore: Restore, click: Clicked) -> Reply | None:
        """Start over, try again, another snapshot, undo: a restore of its own."""
        new = successor(restore, click, self._config.rules, self._clock.now())
        if isinstance(new, Reply):
            return new
        room_needed = limited(new) and click.button is not Button.UNDO
        opened = await self._requests.open(caller, new, limited=room_needed)
        if isinstance(opened, ClaimConflict | LimitReached):
            return None
        # If a worker dies before this, the click that comes next finds the new restore and does it.
        await self._steps.apply(restore, Continued(by=click.by))
        return Reply.OLD_CARD if isinstance(opened, AlreadyExists) else None


async def _wait_for_the_thread(store: Store, caller: Caller) -> None:
    """A reply in a restore's thread may come before the thread is written down.

    It is written down a moment after it was begun, and its channel may just have got another id.
    """
    for each in await store.live():
        thread_ref = each.thread_ref
        # Since it was looked for, it may just have been written down.
        begun = thread_ref.channel == caller.channel and thread_ref.thread in (None, caller.thread)
        moved = thread_ref.thread == caller.thread and thread_ref.channel != caller.channel
        if each.owner == caller.user and (begun or moved):
            raise NotYet("the thread is just being begun, or moved")


async def _clicked_on(store: Store, value: str) -> tuple[Restore, int] | str:
    """The restore of a button, and the number of its card; or why there is none."""
    if (ref := views.parse_value(value)) is None:
        return views.unknown_card()
    try:
        record = await store.load(ref[0])
    except Unreadable:
        await store.queue.wake([ref[0]])  # What is broken is found out about now.
        return views.unread_card()
    return (record.restore, ref[1]) if record else views.unknown_card()


def _caller(received: FromPerson) -> Caller:
    """Who spoke in a command, a message or a click, and where to answer.

    What was said in the open is answered there: in a thread without replies Slack would not show it.
    """
    return Caller(received.user, received.channel, received.thread, received.response_url)


def _request(message: MessageReceived) -> ParsedRequest:
    """What a message asks for, unless the listener has read it already.

    A mention of the bot only calls it, but behind `handoff` it is a name: such a message is read
    as it was typed, mentions included.
    """
    if message.request is not None:
        return message.request
    parsed = parse_sentence(message.spoken, addressed=message.addressed)
    if parsed.verb is Verb.HANDOFF and parsed.user is None:
        named = parse_sentence(message.typed, addressed=True)
        return named if named.user is not None else parsed
    return parsed


def _begun(delivery: Delivery) -> datetime | None:
    """Since when a worker that died over this delivery may have done what it says."""
    return delivery.accepted_at if delivery.attempts > 1 else None


def _expects(restore: Restore, typed: str) -> bool:
    """The very words that its card asks for."""
    match restore.phase:
        case Phase.TYPING:
            return typed == restore.request.snapshot
        case Phase.STOP_CHOICE:
            return typed.lower() == Button.STOP_AND_RESTORE
        case _:
            return False


def _asked_at(record: Record) -> datetime:
    restore = record.restore
    return restore.question.opened_at if restore.question else restore.opened_at


def _is_command(text: str, request: ParsedRequest, restore: Restore) -> bool:
    """Said to the bot by name, and not the name that is asked for. `request`: the text, parsed.

    Of what is only nearly a command a single word may be a name, written wrong; and what may mean
    to cancel is an answer, since an answer that does not fit cancels.
    """
    if restore.phase is Phase.TYPING and text.strip() == restore.request.snapshot:
        return False
    if request.verb not in (Verb.NONE, Verb.UNKNOWN, Verb.RESTORE):
        return True
    named = restore.phase in (Phase.GATHERING, Phase.TYPING) and single_name(text) is not None
    return not named and command_meant(text) not in (None, Verb.CANCEL)
