"""What people see: the cards that can be used, whose restore each belongs to, and who is there."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.playground.slack import Person
from bot.playground.slack.surfaces import controls
from bot.playground.slack.workspace import Channel, Message
from bot.restore.events import Button
from bot.restore.thread import CardKind
from bot.slack.views import PREFIX
from tests.tools.chaos.ground import Ground

SLOTS = frozenset(CardKind)
_MENTIONED = re.compile(r"<@(\w+)>")


@dataclass(frozen=True, slots=True)
class Seen:
    """A card on the screen that can be used."""

    message: Message
    restore: str
    kind: CardKind
    number: int
    buttons: frozenset[str]

    @property
    def key(self) -> str:
        """Which card it is."""
        return f"{self.restore}:{self.kind}.{self.number}"

    def has(self, button: Button) -> bool:
        """Can this be pressed?"""
        return f"{PREFIX}{button}" in self.buttons


@dataclass(frozen=True, slots=True)
class Screen:
    """The Slack clients of Alice and Bob."""

    ground: Ground

    @property
    def alice(self) -> Person:
        """She wants her VM back."""
        return self.ground.stage.alice

    @property
    def bob(self) -> Person:
        """He may restore as well."""
        return self.ground.stage.bob

    def other(self, person: Person) -> Person:
        """The one of the two who is somebody else."""
        return self.bob if person is self.alice else self.alice

    def channels(self) -> list[Channel]:
        """Where restores are talked about."""
        direct = (self.ground.world.slack.dm(each) for each in (self.alice, self.bob))
        return list(dict.fromkeys((self.ground.stage.channel, *direct)))

    def marked(self) -> Iterator[tuple[Message, str, CardKind, int]]:
        """Every card that was ever posted: where, of which restore, and which. Copies are not cards."""
        for channel in self.channels():
            for message in channel.messages:
                marks = (message.metadata or {}).get("event_payload") or {}
                kind, _, number = str(marks.get("card", "")).partition(".")
                if kind in SLOTS:
                    yield message, marks["restore"], CardKind(kind), int(number)

    def cards(self) -> list[Seen]:
        """The cards with buttons."""
        found = []
        for message, restore, kind, number in self.marked():
            if buttons := self.buttons(message):
                found.append(Seen(message, restore, kind, number, buttons))
        return found

    def buttons(self, message: Message) -> frozenset[str]:
        """What can be used on a message, by action id."""
        if message.deleted:
            return frozenset()
        usable = controls(message.blocks or [], self.alice.user)
        return frozenset(control.action_id for control in usable)

    def owner(self, restore: str) -> Person:
        """Whose it is: of who asked for it, until a card says that it has passed on, and back."""
        first = self.alice
        for message, id_, kind, _ in self.marked():
            if id_ == restore and kind is CardKind.REQUEST:
                found = _MENTIONED.search(json.dumps(message.blocks))
                first = self.bob if found and found[1] == self.bob.id else self.alice
        return first if self.passed_on(restore) % 2 == 0 else self.other(first)

    def passed_on(self, restore: str) -> int:
        """How often it has passed on."""
        handed = {
            n for _, id_, kind, n in self.marked() if id_ == restore and kind is CardKind.HANDED
        }
        return len(handed)

    def loose(self, person: Person, button: Button, restore: str) -> Message | None:
        """The newest message to this person alone that has a button for a restore."""
        for channel in self.channels():
            for message in reversed(channel.messages):
                theirs = message.ephemeral_to is person.user or channel.kind == "im"
                there = theirs and channel.has(person.user) and not message.deleted
                if there and _points(message, person, button, restore):
                    return message
        return None


def _points(message: Message, person: Person, button: Button, restore: str) -> bool:
    return message.shown and any(
        control.action_id == f"{PREFIX}{button}"
        and str(control.element.get("value", "")).startswith(f"{restore}@")
        for control in controls(message.blocks or [], person.user)
    )
