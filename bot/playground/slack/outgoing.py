"""What travels between Slack and the app: a payload out, an outcome back."""

from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
PayloadKind = Literal["events_api", "interactive", "slash_commands"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One payload for the app. `answers` says whether the ack may carry a payload."""

    kind: PayloadKind
    payload: Json
    answers: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. `final` forbids another attempt although it failed."""

    ok: bool
    reason: str = ""
    body: Any = None
    final: bool = False
    status: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which try it is, and why there was need of it."""

    number: int = 0
    reason: str = ""


FIRST = Attempt()
