"""What the store gives and takes: leases, records, deliveries, and how a change went.

An answer that a caller must decide upon (somebody else holds the VM, the document has moved on) is
a value, not an exception.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bot.restore.model import Restore


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one thing of the queue until a moment.

    `id` is the queue's name for it ("restore:ID", "delivery:KEY", "task:NAME"). `fence` counts the
    leases of that thing; a write with an older one is refused.
    """

    id: str
    fence: int
    until: datetime


@dataclass(frozen=True, slots=True)
class PostedCard:
    """What a card looks like in Slack. Without `ts` a post was begun and nobody knows its end."""

    ts: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class Record:
    """A restore and what Slack shows of it, by card key."""

    restore: Restore
    shown: Mapping[str, PostedCard]


@dataclass(frozen=True, slots=True)
class Listed:
    """The restores of an index, and how many of it could not be read."""

    restores: tuple[Restore, ...]
    newer: int = 0
    """Kept by a newer release of the bot."""
    lost: int = 0
    """Gone, which is found within seconds, or broken, which is found when they are due."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something Slack sent, stored until it is completed. `attempts` counts this one too."""

    key: str
    kind: str
    body: Mapping[str, Any]
    attempts: int
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """Repeated work, such as a Home tab; `body` is its state from one run to the next."""

    name: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a run of a periodic task ended: when it is due again, and its new body.

    Without `due` it rests until it is scheduled again (a Home also when a restore changes).
    Without `body` the stored one stays.
    """

    due: datetime | None
    body: Mapping[str, Any] | None = None


TaskHandler = Callable[[PeriodicTask], Awaitable[TaskResult | None]]
"""Runs a periodic task and says when it is due again; None deletes it. May raise Temporary."""


@dataclass(frozen=True, slots=True)
class Leased:
    """One thing to do, and the right to do it."""

    lease: Lease
    work: Record | Delivery | PeriodicTask
    interrupted: bool = False
    """The lease before was never given back: more may have been done than is written down."""


@dataclass(frozen=True, slots=True)
class Created:
    """The restore is stored."""

    restore: Restore


@dataclass(frozen=True, slots=True)
class AlreadyExists:
    """A restore with this id is stored already; nothing was written."""

    restore: Restore


@dataclass(frozen=True, slots=True)
class ClaimConflict:
    """Another live restore holds the VM; nothing was written."""

    holder: Restore | None
    """None if its document cannot be read."""


@dataclass(frozen=True, slots=True)
class OpenLimits:
    """How many restores may be open at once; 0: as many as there are."""

    of_person: int = 0
    in_namespace: int = 0


NO_LIMITS: Final = OpenLimits()


@dataclass(frozen=True, slots=True)
class LimitReached:
    """As many restores are open as there may be; nothing was written."""

    limit: int
    of_person: bool
    """Of its owner; otherwise in its namespace."""
    open: tuple[Restore, ...]
    """Those that are counted and can be read."""


@dataclass(frozen=True, slots=True)
class Committed:
    """The change is stored; `restore` carries its new version."""

    restore: Restore


@dataclass(frozen=True, slots=True)
class Stale:
    """The stored document has moved on, or the lease has passed to somebody else."""
