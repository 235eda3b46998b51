"""One Web API call, and what every method works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.playground.slack.events import Events
from bot.playground.slack.limits import RateLimits
from bot.playground.slack.posting import explained
from bot.playground.slack.views import Views
from bot.playground.slack.workspace import Channel, Message, SlackRefusal, Workspace

Json = dict[str, Any]


class TooFast(Exception):
    """The call comes too early; `seconds` is Retry-After."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"retry after {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class SlackCall:
    """A call as the log keeps it. `error` is an error code or what broke; None when all went well."""

    method: str
    args: Json
    ok: bool
    error: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """A call with its arguments, from wherever in the request they came."""

    method: str
    args: Json
    host: str = ""
    """The address at which the app reached us: a proxy may stand before us."""

    def need(self, name: str) -> None:
        """Refuse a call without this argument."""
        if self.args.get(name) in (None, ""):
            message = f"missing required field: {name}"
            raise SlackRefusal("invalid_arguments", **explained(message))

    def text(self, name: str) -> str:
        """A required argument as text."""
        self.need(name)
        return str(self.args[name])


@dataclass(frozen=True, slots=True)
class CallContext:
    """What the methods work on."""

    workspace: Workspace
    views: Views
    events: Events
    limits: RateLimits
    new_socket_url: Callable[[str], str]

    def need(self, scope: str) -> None:
        """Refuse a call without this scope."""
        scopes = self.workspace.scopes
        if scope not in scopes:
            provided = ",".join(sorted(scopes))
            raise SlackRefusal("missing_scope", needed=scope, provided=provided)

    def channel(self, call: Call) -> Channel:
        """The channel of the call; a private one exists only for its members."""
        channel = self.workspace.channels.get(call.text("channel"))
        if channel is None or (channel.private and not channel.has(self.workspace.bot)):
            raise SlackRefusal("channel_not_found")
        return channel

    def channel_to_post_in(self, call: Call) -> Channel:
        """The channel of a post; a user id stands for the direct message with that user."""
        user = self.workspace.users.get(call.text("channel"))
        if user is not None:
            return self._direct(user.id)
        channel = self.channel(call)
        if channel.archived:
            raise SlackRefusal("is_archived")
        in_public = not channel.private and "chat:write.public" in self.workspace.scopes
        if not channel.has(self.workspace.bot) and not in_public:
            raise SlackRefusal("not_in_channel")
        return channel

    def _direct(self, user_id: str) -> Channel:
        user = self.workspace.users[user_id]
        if user.deactivated:
            raise SlackRefusal("channel_not_found")
        if user.bot:
            raise SlackRefusal("cannot_dm_bot")
        return self.workspace.direct(user)

    def own_message(self, channel: Channel, ts: str, otherwise: str) -> Message:
        """A message of our bot. An ephemeral one cannot be found by its ts."""
        message = channel.find(ts)
        if message is None or message.deleted:
            raise SlackRefusal("message_not_found")
        if message.author is not self.workspace.bot:
            raise SlackRefusal(otherwise)
        return message

    def limit_post(self, channel: Channel) -> None:
        """About one post a second in each channel."""
        if seconds := self.limits.on_post(channel.id):
            raise TooFast(seconds)
