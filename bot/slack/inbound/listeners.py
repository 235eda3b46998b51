"""Slack's deliveries come in here: keep it, acknowledge it, and let a worker deal with it.

Before the acknowledgement there is one command to Redis and nothing else: it drops what is known
already and keeps what is new. Bolt runs these with `process_before_response`, so an acknowledgement
is sent only after that, and a crash in between makes Slack (or the person) say it again.

What is kept is cut down to what is needed: no tokens, no avatars, no blocks.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import StoreUnavailable, Temporary
from bot.request import ParsedRequest, Verb, parse_command, parse_sentence
from bot.restore.events import button_named
from bot.slack import views
from bot.slack.api.directory import Workspace
from bot.slack.deliveries import (
    ButtonClicked,
    ChannelIdChanged,
    ChannelLost,
    HomeOpened,
    MessageDeleted,
    MessageReceived,
    Received,
    SlashCommand,
)
from bot.slack.markup.address import BotNames, Called, HowCalled
from bot.slack.markup.message_text import spoken_text, typed_text

Enqueue = Callable[[str, Received], Awaitable[None]]
"""Keeps a delivery under its key and has it dealt with. Raises StoreUnavailable."""
Options = Callable[[Mapping[str, Any]], Awaitable[list[dict[str, Any]]]]
"""Option objects for a picker's block_suggestion payload."""
Sorry = Callable[[str, str], Awaitable[None]]
"""Answers a response_url with a text, when nothing could be kept."""
Hears = Callable[[str], bool]
"""Are plain words heard in this channel?"""

MAX_TEXT = 4500
MAX_ANSWER = 400
"""A name has 253 letters; more of an answer is shown to nobody."""
_ANYTHING = re.compile(r".*")
_SUBTYPES = frozenset({None, "thread_broadcast", "file_share"})
_OF_APPS = ("bot_id", "app_id", "workflow_id", "bot_profile")
_ARCHIVED = frozenset({"channel_archive", "group_archive"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Listeners:
    """What the listeners need, and the listeners. Nothing is registered by building it."""

    home: Workspace
    names: BotNames
    accept: Enqueue
    options: Options
    sorry: Sorry
    hears: Hears

    def register_messages(self, app: AsyncApp) -> None:
        """Give Bolt its listeners for messages, before all others.

        Bolt asks one listener after the other, and most of what comes is messages.
        """
        app.event("message")(self.on_message)
        app.event("app_mention")(self.on_message)

    def register(self, app: AsyncApp) -> None:
        """Give Bolt the other listeners, after those whose actions have names of their own."""
        app.event("channel_id_changed")(self.on_moved)
        app.event("channel_left")(self.on_lost)
        app.event("group_left")(self.on_lost)
        # An app has one command. What it is called there may be another than the settings say.
        app.command(_ANYTHING)(self.on_command)
        app.action(views.ACTION)(self.on_action)
        app.options(views.ACTION)(self.on_options)
        app.event("app_home_opened")(self.on_home)
        app.event(_ANYTHING)(self.on_other)

    async def on_message(self, event: dict[str, Any]) -> None:
        """A message, or its app_mention twin: both have the same key, so one of them counts."""
        gone = removed(event, self.home)
        if gone is not None:
            await self.accept(f"d:{gone.channel}:{gone.ts}", gone)
        if event.get("subtype") in _ARCHIVED:
            await self.on_lost(event)
        message = heard(event, self.home, self.names, self.hears)
        if message is not None:
            await self.accept(f"m:{message.channel}:{message.ts}", message)

    async def on_moved(self, event: dict[str, Any]) -> None:
        """A channel has another id, as happens when it is about to be shared."""
        old, new = str(event["old_channel_id"]), str(event["new_channel_id"])
        await self.accept(f"i:{old}:{new}", ChannelIdChanged(old=old, channel=new))

    async def on_lost(self, event: dict[str, Any]) -> None:
        """A channel was archived, or the bot has been removed from it."""
        channel = str(event["channel"])
        key = f"l:{channel}:{event.get('event_ts')}"
        await self.accept(key, ChannelLost(channel=channel))

    async def on_other(self) -> None:
        """What an app was subscribed to by hand is acknowledged, or Slack would send it again."""

    async def on_home(self, event: dict[str, Any]) -> None:
        """Somebody looks at the Home tab, or at the messages beside it."""
        if event.get("tab") == "home":
            opened = HomeOpened(user=event["user"], channel=event["channel"])
            await self.accept(f"h:{opened.user}:{event['event_ts']}", opened)

    async def on_command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The slash command."""
        try:
            await self.accept(f"s:{body['trigger_id']}", _command(body))
        except StoreUnavailable as away:
            await ack(text=views.store_down(away.what))
        else:
            await ack()

    async def on_action(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A button or a picker."""
        click = clicked(body)
        if click is not None:
            action_ts = body["actions"][0].get("action_ts")
            try:
                await self.accept(f"c:{click.user}:{click.channel}:{action_ts}", click)
            except StoreUnavailable as away:
                if click.response_url is None:
                    raise  # In a Home: Slack says itself that nothing came of it.
                await self.sorry(click.response_url, views.store_down(away.what))
        await ack()

    async def on_options(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """What a picker offers."""
        try:
            found = await self.options(body)
        except Temporary as away:
            log.warning("no options for a picker", what=away.what)
            found = []
        await ack(options=found)


def heard(
    event: Mapping[str, Any], home: Workspace, names: BotNames, hears: Hears
) -> MessageReceived | None:
    """What is worth keeping of a message event; None for what is not meant for the bot.

    Edits, other apps, joins and the like are never meant for it. A reply in a thread may be an
    answer, so it is kept; what is said in the open is kept if it speaks to the bot or starts with
    the verb of a restore.
    """
    if event.get("subtype") not in _SUBTYPES or by_an_app(event) or event.get("edited"):
        return None
    user, channel, ts = event.get("user"), event.get("channel"), event.get("ts")
    if not (user and channel and ts) or user == home.bot_user:
        return None
    called = names.called(spoken_text(event, home.bot_user))
    direct = event.get("channel_type") == "im" or str(channel).startswith("D")
    thread = event.get("thread_ts")
    in_thread = thread is not None and thread != ts
    addressed, request = _addressed(called, direct=direct)
    words = hears(str(channel))
    if words and not addressed:
        request = _overheard(called.text)
    if not (addressed or in_thread or request):
        return None
    typed = typed_text(event, home.bot_user)
    return MessageReceived(
        user=user,
        channel=channel,
        ts=ts,
        thread=thread if in_thread else None,
        bot_thread=event.get("parent_user_id") == home.bot_user,
        typed=_answer(names.without(typed.text), in_thread=in_thread, addressed=addressed),
        plain=typed.plain,
        spoken=called.text[:MAX_TEXT] if addressed else "",
        addressed=addressed,
        words=words,
        request=request,
    )


def _overheard(text: str) -> ParsedRequest | None:
    """What a sentence asks for that was not said to the bot."""
    request = parse_sentence(text[:MAX_TEXT], addressed=False)
    return None if request.verb is Verb.NONE else request


def _answer(typed: str, *, in_thread: bool, addressed: bool) -> str:
    """As much of it as may be an answer, or what was said to the bot."""
    if addressed:
        return typed[:MAX_TEXT]
    return typed[:MAX_ANSWER] if in_thread else ""


def by_an_app(event: Mapping[str, Any]) -> bool:
    """Whether an app or a workflow wrote it, whatever name it shows."""
    return any(event.get(mark) for mark in _OF_APPS)


def _addressed(called: Called, *, direct: bool) -> tuple[bool, ParsedRequest | None]:
    """Is it said to the bot? And what it asks for, where that is read already.

    A name and a colon are taken for a call only if something is asked for.
    """
    match called.how:
        case HowCalled.COMMAND:
            return True, parse_command(called.text)
        case HowCalled.COLON:
            read = parse_sentence(called.text, addressed=True)
            means = read.verb not in (Verb.NONE, Verb.UNKNOWN) or read.problem is not None
            return (True, read) if means else (direct, None)
        case HowCalled.MENTION:
            return True, None
        case HowCalled.NOTHING:
            return direct, None


def removed(event: Mapping[str, Any], home: Workspace) -> MessageDeleted | None:
    """What is worth keeping of a deletion; None if it was no message of the bot."""
    before = event.get("previous_message") or {}
    if event.get("subtype") != "message_deleted" or before.get("bot_id") != home.bot_id:
        return None
    ts = str(event["deleted_ts"])
    thread = str(before.get("thread_ts") or ts)
    return MessageDeleted(channel=event["channel"], thread=thread, ts=ts)


def _command(body: Mapping[str, Any]) -> SlashCommand:
    return SlashCommand(
        user=body["user_id"],
        channel=body["channel_id"],
        text=str(body.get("text") or "")[:MAX_TEXT],
        trigger=body["trigger_id"],
        response_url=body.get("response_url"),
    )


def clicked(body: Mapping[str, Any]) -> ButtonClicked | None:
    """What is worth keeping of a block_actions payload; None if it is no button of the bot."""
    action = body["actions"][0]
    button = button_named(str(action.get("action_id", "")).removeprefix(views.PREFIX))
    if button is None:
        return None
    option = action.get("selected_option") or {}
    container = body.get("container") or {}
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or ""
    return ButtonClicked(
        user=body["user"]["id"],
        channel=channel,
        thread=container.get("thread_ts"),
        button=button,
        ref=action.get("value") or action.get("block_id"),
        value=option.get("value") or action.get("selected_user"),
        response_url=body.get("response_url"),
    )
