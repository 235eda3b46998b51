"""What each person has read: unread marks as a Slack client has them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.playground.slack import Person
from bot.playground.slack.workspace import Channel, Message

Place = tuple[str, str, str]
"""A person's id, a channel's id, and the ts of a thread or ""."""


@dataclass(slots=True)
class Marks:
    """Up to which message each person has read each channel and thread."""

    _read: dict[Place, str] = field(default_factory=dict)

    def read(self, person: Person, channel: Channel, thread: str = "") -> None:
        """Everything that stands there now is read."""
        last = max((each.ts for each in channel.messages), default="0")
        self._read[person.id, channel.id, thread] = last

    def fresh(self, person: Person, message: Message) -> bool:
        """Whether somebody else's message is newer than what the person has read at its place."""
        thread = message.root_ts if message.is_reply and not message.broadcast else ""
        last = self._read.get((person.id, message.channel.id, thread), "0")
        return message.author is not person.user and message.ts > last

    def unread(self, person: Person, messages: Iterable[Message]) -> int:
        """How many of these are to be read."""
        return sum(self.fresh(person, each) for each in messages)
