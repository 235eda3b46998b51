"""What a run is about, decided by its number alone: the story, the people, and the trouble.

Each decision has a source of chance of its own, named after it, so that a story stays the same when
a kind of trouble is added.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from bot.restore.thread import CardKind
from tests.tools.chaos.habits import Habits, Opening, drawn

T = TypeVar("T")

VM, NAMESPACE, SNAPSHOT = "database-01", "production", "pre-upgrade-snapshot"
STRATEGIES = {True: ("Always", "Manual", "RerunOnFailure"), False: ("Halted", "Manual")}


class Way(StrEnum):
    """How the restore is asked for."""

    SLASH = "slash command"
    MENTION = "mention"
    WORDS = "plain words"
    THREAD = "mention in an incident thread"
    DIRECT = "direct message"
    FORM = "form"


SAID = tuple(way for way in Way if way is not Way.FORM)
FORMS = 0.2
"""In this part of the runs the form is used."""


class Manner(StrEnum):
    """How a question is answered."""

    GO_ON = "goes on"
    TWICE = "presses twice"
    TYPES = "types instead of pressing"
    WRONG = "types something wrong"
    CASE = "types the name in another case"
    CHATS = "talks first, then goes on"
    OLD = "presses an old card, then goes on"
    TOGGLES = "changes the safety snapshot, then goes on"
    CANCELS = "presses cancel"
    SILENT = "does not answer"


MANNERS: dict[CardKind, Sequence[tuple[Manner, int]]] = {
    CardKind.ASK_VM: ((Manner.TYPES, 6), (Manner.WRONG, 2), (Manner.SILENT, 1)),
    CardKind.ASK_NAMESPACE: ((Manner.TYPES, 4), (Manner.GO_ON, 4), (Manner.SILENT, 1)),
    CardKind.ASK_SNAPSHOT: ((Manner.TYPES, 6), (Manner.WRONG, 1), (Manner.SILENT, 1)),
    CardKind.STOP_CHOICE: (
        (Manner.GO_ON, 12),
        (Manner.TWICE, 3),
        (Manner.TYPES, 3),
        (Manner.CANCELS, 1),
        (Manner.SILENT, 1),
    ),
    CardKind.WARNING: (
        (Manner.GO_ON, 18),
        (Manner.CHATS, 2),
        (Manner.TOGGLES, 5),
        (Manner.WRONG, 1),
        (Manner.CASE, 1),
        (Manner.SILENT, 1),
        (Manner.CANCELS, 1),
    ),
    CardKind.CONFIRM: (
        (Manner.GO_ON, 14),
        (Manner.TWICE, 6),
        (Manner.OLD, 3),
        (Manner.WRONG, 1),
        (Manner.CANCELS, 1),
        (Manner.SILENT, 1),
    ),
}
USUAL: Sequence[tuple[Manner, int]] = ((Manner.GO_ON, 5), (Manner.TWICE, 1), (Manner.SILENT, 1))


class Ending(StrEnum):
    """What the cluster makes of the restore."""

    COMPLETES = "completes"
    SLOW = "is slow"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something goes wrong: which kind, and after how many seconds."""

    kind: str
    at: float
    number: int
    follows: int | None = None
    """Not at a time, but right after somebody has done something for the n-th time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run."""

    seed: int
    way: Way
    request: str
    opening: Opening
    """How the form is opened, if it is used."""
    habits: Habits
    running: bool
    strategy: str
    stop_when: str
    protect: bool
    stubborn: bool
    """The guest ignores the power button."""
    ending: Ending
    rival: float | None
    """When Bob asks for the same VM, if he does."""
    cancels: float | None
    """When Alice types `/vm-restore cancel`, if she does."""
    meddling: bool
    """Bob presses what is not his, and talks."""
    tries: int
    """How often Alice tries again after a failure."""
    starts: bool
    """She starts the VM in the end."""
    replicas: int
    socket_mode: bool
    lasts: float
    """For how many seconds there is trouble."""
    troubles: tuple[Trouble, ...]

    def chance(self, *what: object) -> random.Random:
        """The source of chance for one thing."""
        return chance(self.seed, *what)

    def manner(self, kind: CardKind, asked: int) -> Manner:
        """How its owner answers a question that is asked for the n-th time."""
        return _pick(self.chance("manner", kind, asked), MANNERS.get(kind, USUAL))

    def delay(self, *what: object) -> float:
        """After how many seconds somebody does something."""
        return round(self.chance("delay", *what).choice((0.0, 0.5, 1.5, 3.0, 6.0)), 1)


def chance(seed: int, *what: object) -> random.Random:
    """A source of chance that belongs to one decision of one run."""
    return random.Random("/".join(str(each) for each in (seed, *what)))


def plan(seed: int, kinds: Sequence[str]) -> Plan:
    """The run of this number, with trouble of these kinds."""
    rng = chance(seed, "story")
    way = _pick(rng, [(way, 3 if way is Way.SLASH else 1) for way in SAID])
    form = chance(seed, "form")
    running = rng.random() < 0.55
    replicas = 1 if rng.random() < 0.5 else 2
    lasts = rng.choice((45.0, 60.0, 90.0))
    return Plan(
        seed=seed,
        way=Way.FORM if form.random() < FORMS else way,
        request=_request(rng),
        opening=form.choice(list(Opening)),
        habits=drawn(chance(seed, "habits"), lasts),
        running=running,
        strategy=rng.choice(STRATEGIES[running]),
        stop_when=rng.choice(("chosen", "confirmed")),
        protect=rng.random() < 0.3,
        stubborn=running and rng.random() < 0.1,
        ending=_pick(rng, ((Ending.COMPLETES, 6), (Ending.SLOW, 2), (Ending.FAILS, 2))),
        rival=rng.uniform(0, lasts) if rng.random() < 0.2 else None,
        cancels=rng.uniform(0, lasts) if rng.random() < 0.15 else None,
        meddling=rng.random() < 0.3,
        tries=rng.choice((0, 1, 2)),
        starts=rng.random() < 0.5,
        replicas=replicas,
        socket_mode=replicas > 1 or rng.random() < 0.7,
        lasts=lasts,
        troubles=_troubles(seed, lasts, kinds),
    )


def _request(rng: random.Random) -> str:
    """How much of the request is said."""
    return rng.choice(
        (
            *(f"{VM} from {SNAPSHOT} in {NAMESPACE}",) * 5,
            f"{VM} from {SNAPSHOT}",
            f"{VM} in {NAMESPACE}",
            f"{VM} from pre-upgrade snapshot in {NAMESPACE}",
        )
    )


def _troubles(seed: int, lasts: float, kinds: Sequence[str]) -> tuple[Trouble, ...]:
    rng = chance(seed, "trouble")
    many = rng.choice((1, 2, 3, 4, 6, 8))
    moments = [round(rng.uniform(0, lasts * 0.8), 2) for _ in range(many)]
    found = [
        Trouble(rng.choice(kinds), at, number, rng.randrange(5) if rng.random() < 0.4 else None)
        for number, at in enumerate(moments)
    ]
    return tuple(sorted(found, key=lambda each: each.at))


def _pick(rng: random.Random, weighted: Sequence[tuple[T, int]]) -> T:
    return rng.choices([each for each, _ in weighted], [weight for _, weight in weighted])[0]
