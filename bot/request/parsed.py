"""What a person asked for, as one value. Nothing in it has been compared with a cluster."""

from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """What the words ask for."""

    RESTORE = "restore"
    HELP = "help"
    CANCEL = "cancel"
    LIST = "list"
    STATUS = "status"
    HISTORY = "history"
    HANDOFF = "handoff"
    TAKE_OVER = "take-over"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    START = "start"
    CREATE_SNAPSHOT = "create-snapshot"
    DELETE_SNAPSHOT = "delete-snapshot"
    CLONE = "clone"
    NONE = "none"
    """Not said to the bot: stay silent."""
    UNKNOWN = "unknown"
    """Said to the bot and not understood: answer with `problem`, or with short help."""


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """A request that was read. With a `problem` nothing may be started: show the problem instead.

    `snapshot` is an exact name. `described` is what somebody said about a snapshot ("latest",
    "pre-upgrade", "yesterday's"): a filter for the picker, never a choice. Names are valid
    Kubernetes names; none of them needs to exist. `user` is the id of a mentioned person, or the
    typed `@name` where Slack did not turn it into a mention.
    """

    verb: Verb
    vm: str | None = None
    namespace: str | None = None
    snapshot: str | None = None
    described: str | None = None
    cluster: str | None = None
    user: str | None = None
    problem: str | None = None
