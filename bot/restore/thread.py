"""Where a restore is talked about, and the cards that its thread is made of."""

import re
from enum import StrEnum
from typing import NewType

from pydantic import AwareDatetime, BaseModel, ConfigDict

UserId = NewType("UserId", str)
_USER = re.compile(r"[UW][A-Z0-9]{2,20}")


def is_user(text: str | None) -> bool:
    """Has it the shape of a user's id? Anybody may have written what claims to be one."""
    return text is not None and _USER.fullmatch(text) is not None


class Stored(BaseModel):
    """A frozen shape that is written to Redis or read from a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ThreadRef(Stored):
    """The conversation a restore belongs to."""

    team: str
    channel: str
    thread: str | None = None
    """`ts` of the thread's first message; None until the bot has posted it."""
    own_thread: bool = False
    """The bot started the thread, so every reply of the owner in it is meant for the bot."""
    asked_ts: str | None = None
    """`ts` of the message that asked, if it was one."""
    flat: bool = False
    """Threads are refused here, so that the cards stand side by side in the conversation."""

    @property
    def direct(self) -> bool:
        """A direct message: nobody but its person sees what is said there."""
        return self.channel.startswith("D")

    def anew(self) -> "ThreadRef":
        """Where a restore begins that follows this one: in a new thread, if its own one was refused."""
        return self.model_copy(update={"thread": None, "flat": False}) if self.flat else self

    def in_direct(self, dm: str, *, deleted: bool) -> "ThreadRef":
        """Where it goes on in a direct message: in a thread, unless it is one that was refused there."""
        flat = dm == self.channel and not deleted
        told = {"channel": dm, "thread": None, "own_thread": True, "flat": flat}
        return self.model_copy(update=told)


class CardKind(StrEnum):
    """The kinds of cards that a thread is made of."""

    REQUEST = "request"
    ASK_VM = "ask-vm"
    ASK_NAMESPACE = "ask-namespace"
    ASK_SNAPSHOT = "ask-snapshot"
    STOP_CHOICE = "stop-choice"
    STOPPING = "stopping"
    STOP_OVERDUE = "stop-overdue"
    FORCE_STOP = "force-stop"
    WARNING = "warning"
    CONFIRM = "confirm"
    PROTECTING = "protecting"
    PROGRESS = "progress"
    OVERDUE = "overdue"
    DELETE_RESTORE = "delete-restore"
    RESULT = "result"
    STARTED = "started"
    FOUND_AGAIN = "found-again"
    """News: the bot's records of it are gone, and it goes on from what the cluster knows."""
    APPEARED = "appeared"
    """News: its object has come into being after the restore had ended, so that it goes on."""
    OFFER = "offer"
    NOT_TAKEN = "not-taken"
    """News for the owner: the offer just before it was declined, or not accepted in time."""
    HANDED = "handed-over"
    """News for everybody: there is a new owner. The last one tells of the last of `handovers`."""


QUESTIONS = frozenset(
    {
        CardKind.ASK_VM,
        CardKind.ASK_NAMESPACE,
        CardKind.ASK_SNAPSHOT,
        CardKind.STOP_CHOICE,
        CardKind.STOP_OVERDUE,
        CardKind.FORCE_STOP,
        CardKind.WARNING,
        CardKind.CONFIRM,
        CardKind.OVERDUE,
        CardKind.DELETE_RESTORE,
    }
)
"""Cards that wait for the owner."""


class Card(Stored):
    """One message of the thread. `number` makes it unique and stands in its buttons."""

    kind: CardKind
    number: int
    opened_at: AwareDatetime
    closed: str | None = None
    """Plain words for how it was answered; None while it is open."""

    @property
    def key(self) -> str:
        """What the message is called in Redis and in its metadata."""
        return f"{self.kind}.{self.number}"


class Left(Stored):
    """What a restore leaves behind in a direct message with its owner before."""

    channel: str
    thread: str | None = None
    cards: tuple[Card, ...]
    """The cards that stand there, closed."""


class Copy(Stored):
    """The card of an offer, once more, in a direct message with the person it was made to.

    It outlives the card: a thread that moves to another conversation leaves its old cards behind.
    """

    card: Card
    channel: str
    """The direct message."""
    address: str | None = None
    """A link to the thread, if Slack gave one when the copy was made."""

    @property
    def key(self) -> str:
        """What the message is called in Redis and in its metadata."""
        return f"copy.{self.card.number}"


def slack_order(ts: str) -> tuple[int, int]:
    """A Slack `ts` as something that sorts; nonsense sorts first."""
    seconds, _, fraction = ts.partition(".")
    return (_number(seconds), _number(fraction))


def _number(digits: str) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 20 else 0
