"""What people do besides asking and answering: pass a restore on, take one over, look around."""

import random
from dataclasses import dataclass
from enum import StrEnum

from bot.restore.thread import CardKind


class Opening(StrEnum):
    """How the form is opened."""

    COMMAND = "the command alone"
    SHORTCUT = "the global shortcut"
    MESSAGE = "the shortcut of a message"
    HOME = "the button of the Home tab"


class Offering(StrEnum):
    """How a restore is offered to the other person."""

    MENTION = "a mention in its thread"
    SLASH = "a slash command"
    PICKER = "the list of people"


class Answer(StrEnum):
    """What becomes of an offer."""

    ACCEPTED = "accepts"
    TWICE = "clicks twice to accept"
    DECLINED = "declines"
    WITHDRAWN = "withdraws"
    IGNORED = "does not answer"


class Claim(StrEnum):
    """How a restore is taken over. The button comes with the answer to a click that was not theirs."""

    BUTTON = "the button"
    STALE = "the button, much later"
    MENTION = "a mention in its thread"
    SLASH = "a slash command"


class Look(StrEnum):
    """What somebody does in the middle of it all."""

    HOME = "opens the Home tab"
    CANCEL = "cancels from the Home tab"
    LIST = "asks for the list"
    STATUS = "asks for the status"
    HISTORY = "asks for the history"
    REPORT = "asks for the shift report"
    HELP = "asks for help"


COMMANDS = {
    Look.LIST: "list",
    Look.STATUS: "status",
    Look.HISTORY: "history",
    Look.REPORT: "handoff",
    Look.HELP: "help",
}


@dataclass(frozen=True, slots=True)
class Handoff:
    """An offer of the person who has the restore by then, and what the other person makes of it."""

    at: float
    card: CardKind | None
    """It is made as soon as this card stands there, not at any time."""
    by: Offering
    answer: Answer


@dataclass(frozen=True, slots=True)
class Takeover:
    """A person who does not have the restore by then takes it over, or tries to."""

    at: float
    card: CardKind | None
    """As for an offer."""
    by: Claim


@dataclass(frozen=True, slots=True)
class Glance:
    """Somebody looks around."""

    at: float
    what: Look
    bob: bool
    """It is Bob; else Alice."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What the people of one run do besides."""

    handoffs: tuple[Handoff, ...]
    takeovers: tuple[Takeover, ...]
    glances: tuple[Glance, ...]
    on_call: bool
    """Both may take over what is not theirs."""
    courteous: bool
    """Who has offered it answers nothing until the offer is over."""
    lagging: bool
    """Who has passed a restore on goes on typing and pressing."""
    twice: bool
    """A form is sent with a double click."""


def drawn(rng: random.Random, lasts: float) -> Habits:
    """The habits of one run."""
    many = rng.choice((0, 0, 1, 1, 2, 3))
    claims = rng.choice((0, 0, 0, 1, 2))
    looks = rng.choice((0, 1, 2, 3, 4))
    return Habits(
        handoffs=tuple(_handoff(rng, lasts) for _ in range(many)),
        takeovers=tuple(_takeover(rng, lasts) for _ in range(claims)),
        glances=tuple(_glance(rng, lasts) for _ in range(looks)),
        on_call=rng.random() < 0.7,
        courteous=rng.random() < 0.5,
        lagging=rng.random() < 0.4,
        twice=rng.random() < 0.4,
    )


def _handoff(rng: random.Random, lasts: float) -> Handoff:
    answer = rng.choices(list(Answer), (5, 3, 2, 2, 2))[0]
    return Handoff(*_when(rng, lasts), rng.choice(list(Offering)), answer)


def _takeover(rng: random.Random, lasts: float) -> Takeover:
    return Takeover(*_when(rng, lasts), rng.choice(list(Claim)))


def _when(rng: random.Random, lasts: float) -> tuple[float, CardKind | None]:
    """At some moment, or as soon as a card stands there."""
    card = rng.choice(
        (None, None, CardKind.STOP_CHOICE, CardKind.WARNING, CardKind.CONFIRM, CardKind.RESULT)
    )
    return (_moment(rng, lasts) if card is None else 0.0), card


def _glance(rng: random.Random, lasts: float) -> Glance:
    what = rng.choices([Look.HOME, Look.CANCEL, *COMMANDS], (8, 1, 1, 1, 1, 1, 1))[0]
    return Glance(_moment(rng, lasts), what, rng.random() < 0.5)


def _moment(rng: random.Random, lasts: float) -> float:
    return round(rng.uniform(0, lasts * 0.8), 2)
