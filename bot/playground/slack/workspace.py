"""The simulated workspace itself: people, channels, user groups, messages, ids and timestamps.

Rules of this room: it holds state and answers questions about it; it sends nothing and knows no
wire. Ids depend only on the seed and on the order of creation, timestamps only on the clock and on
that order, so that two runs of one story are equal byte for byte.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from bot.clock import Clock

Json = dict[str, Any]
Kind = Literal["channel", "group", "mpim", "im"]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = 1_000_000
_TS_STEP = 100  # two messages of one moment are this many microseconds apart

SLASH_COMMAND = "slash_command"  # our own subtype: a typed command is no message to any API

DEFAULT_SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "reactions:write",
    "usergroups:read",
    "users:read",
    "users:read.email",
)


class SlackRefusal(Exception):
    """An answer `ok: false`: the error code and what else stands in the answer."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


class Ids:
    """Makes ids that look like Slack's and depend only on seed, kind and count."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counts: Counter[str] = Counter()

    def make(self, prefix: str, length: int = 9) -> str:
        """The next id of this kind, e.g. `U0` and nine characters."""
        return f"{prefix}0{self.secret(prefix, length)}"

    def secret(self, kind: str, length: int, alphabet: str = _ALPHABET) -> str:
        """A string that is new for its kind: tickets, tokens, trigger ids."""
        self._counts[kind] += 1
        rng = random.Random(f"{self._seed}/{kind}/{self._counts[kind]}")
        return "".join(rng.choices(alphabet, k=length))

    def uuid(self, kind: str) -> str:
        """Envelope ids and client message ids."""
        digits = self.secret(kind, 32, "0123456789abcdef")
        return "-".join((digits[:8], digits[8:12], "4" + digits[13:16], digits[16:20], digits[20:]))


@dataclass(slots=True, eq=False, repr=False)
class User:
    """Somebody with a user id: a person, a bot user, or a guest from elsewhere."""

    id: str
    name: str
    team_id: str
    real_name: str
    tz: str = "Europe/Berlin"
    email: str | None = None
    guest: bool = False
    ultra_guest: bool = False
    deactivated: bool = False
    bot: bool = False
    foreign: bool = False
    bot_id: str | None = None
    app_id: str | None = None

    def __repr__(self) -> str:
        return f"User({self.name})"


@dataclass(frozen=True, slots=True)
class Version:
    """What a message said before an edit."""

    text: str
    blocks: list[Json] | None
    until: datetime


@dataclass(slots=True, eq=False, repr=False)
class Message:
    """One message as Slack keeps it. `history` holds the earlier versions, oldest first."""

    channel: "Channel"
    ts: str
    author: User
    text: str
    blocks: list[Json] | None = None
    thread_ts: str | None = None
    subtype: str | None = None
    client_msg_id: str | None = None
    metadata: Json | None = None
    edited: Json | None = None
    deleted: bool = False
    ephemeral_to: User | None = None
    shown: bool = True
    broadcast: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)
    history: list[Version] = field(default_factory=list)
    state: dict[str, dict[str, Json]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Message({self.ts} {self.author.name}: {self.text[:60]!r})"

    @property
    def user(self) -> str:
        """The id of the author."""
        return self.author.id

    @property
    def bot_id(self) -> str | None:
        """Set when an app wrote it."""
        return self.author.bot_id

    @property
    def is_reply(self) -> bool:
        """Whether it stands in a thread below another message."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def root_ts(self) -> str:
        """The ts of the thread it belongs to, or would open."""
        return self.thread_ts or self.ts


@dataclass(slots=True, eq=False, repr=False)
class Channel:
    """A public or private channel, or a direct message of two or of several."""

    id: str
    name: str
    kind: Kind
    creator: str
    created: int
    members: list[User] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    ext_shared: bool = False
    archived: bool = False

    def __repr__(self) -> str:
        return f"Channel(#{self.name})"

    @property
    def private(self) -> bool:
        """Whether only members know of it."""
        return self.kind != "channel"

    def has(self, user: User) -> bool:
        """Whether the user is a member."""
        return user in self.members

    def find(self, ts: str) -> Message | None:
        """The message with this ts that is for everybody, deleted ones included."""
        for message in self.messages:
            hidden = message.ephemeral_to is not None or message.subtype == SLASH_COMMAND
            if message.ts == ts and not hidden:
                return message
        return None

    def replies(self, root_ts: str) -> list[Message]:
        """The living replies of a thread, oldest first."""
        return [
            m
            for m in self.messages
            if m.thread_ts == root_ts and m.is_reply and not m.deleted and m.ephemeral_to is None
        ]


@dataclass(slots=True, eq=False)
class UserGroup:
    """A user group such as @oncall."""

    id: str
    handle: str
    members: list[User]
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A live <!channel>, <!here> or <!everyone> that an app sent out."""

    channel: str
    ts: str
    audience: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A person was notified of a message because it mentions them."""

    user: str
    message: Message


class Workspace:
    """All that the workspace remembers."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self.clock = clock
        self.ids = Ids(seed)
        self.org_wide = False
        """The app is installed for the whole organisation."""
        self.rng = random.Random(f"{seed}/choices")
        self.team_id = self.ids.make("T")
        self.foreign_team_id = self.ids.make("T")
        self.domain = "example-ops"
        self.scopes: set[str] = set(DEFAULT_SCOPES)
        self.escapes_commands = True
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, UserGroup] = {}
        self.broadcasts: list[Broadcast] = []
        self.notices: list[Notice] = []
        self._last_ts = 0
        self.bot = self.add_app("vm-restore")

    def now(self) -> datetime:
        """The present moment of the workspace."""
        return self.clock.now()

    def epoch(self) -> int:
        """The present moment in whole seconds."""
        return int(self.now().timestamp())

    def next_ts(self) -> str:
        """A ts later than every ts before it, even when the clock stands still or goes back."""
        micros = (self.now() - _EPOCH) // (datetime.resolution)
        self._last_ts = micros if micros > self._last_ts else self._last_ts + _TS_STEP
        seconds, rest = divmod(self._last_ts, _MICROSECOND)
        return f"{seconds}.{rest:06d}"

    def add_user(self, user: User) -> User:
        """Let somebody in."""
        if any(known.name == user.name for known in self.users.values()):
            raise ValueError(f"the workspace has a {user.name} already")
        self.users[user.id] = user
        return user

    def add_app(self, name: str) -> User:
        """The bot user of a new app."""
        app = User(
            id=self.ids.make("U"),
            name=name,
            team_id=self.team_id,
            real_name=name,
            tz="UTC",
            bot=True,
            bot_id=self.ids.make("B"),
            app_id=self.ids.make("A"),
        )
        return self.add_user(app)

    def add_channel(self, name: str, kind: Kind, members: list[User]) -> Channel:
        """Open a channel or a direct message."""
        creator = members[0].id if members else self.bot.id
        prefix = "D" if kind == "im" else "C"
        channel = Channel(self.ids.make(prefix), name, kind, creator, self.epoch(), list(members))
        self.channels[channel.id] = channel
        return channel

    def change_id(self, channel: Channel) -> str:
        """Give a channel another id, as Slack may when it is about to be shared; the one it had."""
        old = channel.id
        del self.channels[old]
        channel.id = self.ids.make("C")
        self.channels[channel.id] = channel
        return old

    def add_group(self, handle: str, members: list[User]) -> UserGroup:
        """Make a user group."""
        group = UserGroup(self.ids.make("S"), handle, list(members))
        self.groups[group.id] = group
        return group

    def direct(self, user: User) -> Channel:
        """The direct message between the user and our bot, opened when it is needed first."""
        for channel in self.channels.values():
            if channel.kind == "im" and channel.has(user):
                return channel
        return self.add_channel(user.name, "im", [user, self.bot])

    def user_named(self, name: str) -> User | None:
        """Look somebody up by what is typed after an @."""
        return next((u for u in self.users.values() if u.name == name), None)

    def post(self, message: Message) -> Message:
        """Append a message; the thread's parent learns that it has become one."""
        message.channel.messages.append(message)
        parent = message.channel.find(message.root_ts)
        if message.is_reply and parent is not None and message.ephemeral_to is None:
            parent.thread_ts = parent.ts
        return message

    def rewrite(self, message: Message, text: str, blocks: list[Json] | None, by: str) -> None:
        """Give a message a new text, keeping the old one in its history."""
        message.history.append(Version(message.text, message.blocks, self.now()))
        message.text, message.blocks = text, blocks
        message.edited = {"user": by, "ts": f"{self.epoch()}.000000"}

    def everything(self) -> Iterator[Message]:
        """All messages of all channels."""
        for channel in self.channels.values():
            yield from channel.messages
