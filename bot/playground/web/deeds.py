"""What was done on the page, in order: gestures of people, and what was done to the world."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.clock import Clock
from bot.playground.slack import Person
from bot.playground.slack.surfaces import Surface
from bot.playground.slack.workspace import Channel, Message


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done. Without a user it was done to the world."""

    at: datetime
    user: str
    text: str
    channel: str = ""
    thread: str = ""
    """The ts of the thread's first message, where it was done in one."""
    restore: str = ""
    """The id of the restore whose card was used."""


@dataclass(slots=True)
class Deeds:
    """All of them."""

    clock: Clock
    done: list[Deed] = field(default_factory=list)

    def by(
        self, person: Person, text: str, channel: Channel | None = None, thread: str = ""
    ) -> None:
        """A gesture, in a channel or a thread perhaps."""
        room = channel.id if channel else ""
        self.done.append(Deed(self.clock.now(), person.id, text, room, thread))

    def on(self, surface: Surface, person: Person, text: str) -> None:
        """The use of a control."""
        if not isinstance(surface, Message):
            self.by(person, f"{text} in “{surface.title or 'Home'}”")
            return
        card = (surface.metadata or {}).get("event_payload", {})
        room, root = surface.channel.id, surface.root_ts
        restore = str(card.get("restore", ""))
        self.done.append(Deed(self.clock.now(), person.id, text, room, root, restore))

    def to_the_world(self, text: str) -> None:
        """What nobody in Slack did."""
        self.done.append(Deed(self.clock.now(), "", text))
