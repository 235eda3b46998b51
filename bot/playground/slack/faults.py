"""What can go wrong between the app and Slack, on demand.

Faults on Web API methods hit the next calls of a method, after `skip` calls that go well. Faults on
deliveries hit what Slack sends to the app. Everything here is off until a test or a drill asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

ANY = "*"
FOR_EVER = 1_000_000


class Kind(Enum):
    """How a call goes wrong."""

    STATUS = auto()
    """An HTTP status, with Retry-After for 429; nothing is applied."""
    ERROR = auto()
    """`ok: false` with an error code; nothing is applied."""
    DROP_BEFORE = auto()
    """The connection breaks; nothing is applied."""
    DROP_AFTER = auto()
    """The connection breaks, but the call has been applied."""
    DELAY = auto()
    """The answer comes late."""
    INSTEAD = auto()
    """Somebody else answers, a proxy or a portal; nothing is applied."""
    GARBLED = auto()
    """The call is applied, and its answer arrives as something else."""
    LIE = auto()
    """The call is applied, and fields of its answer have other values, of other types perhaps."""


@dataclass(slots=True)
class MethodFault:
    """One rule on a method; `left` says how many more calls it hits."""

    method: str
    kind: Kind
    left: int
    skip: int = 0
    status: int = 0
    code: str = ""
    seconds: float = 0.0
    channel: str | None = None
    """Only calls that name this conversation; None: all."""
    threads: bool = False
    """Only posts into a thread."""
    body: bytes | None = None
    """What comes instead of the answer; None: the answer, as it is."""
    headers: Mapping[str, str] = field(default_factory=dict)
    lies: Mapping[str, Any] = field(default_factory=dict)

    def hits(self, method: str, channel: str | None = None, thread: str | None = None) -> bool:
        """Whether this call is one to go wrong; counts it."""
        if self.threads and thread is None:
            return False
        if self.method not in (method, ANY) or self.left <= 0:
            return False
        if self.channel not in (None, channel):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.left -= 1
        return True


class Faults:
    """The faults that are switched on. Times are those of the workspace's clock."""

    def __init__(self) -> None:
        self.twice = False
        """Deliver everything twice, one copy right after the other (option lists excepted)."""
        self.swap = False
        """Swap each two consecutive events; an event that stays alone follows after a moment."""
        self.redeliver_interactions = False
        """Redeliver unacked interactions and commands too, as Socket Mode was seen to do."""
        self.only_mentions = False
        """Deliver no `message` twin of an app_mention, as some Enterprise workspaces do."""
        self.silent_sockets = False
        """Let sockets in and say no hello on them, as a proxy on the way may do."""
        self.closed_sockets = 0
        """So many of the next sockets are turned away; their tickets are used up all the same."""
        self.short_sockets = 0
        """After the hello of so many of the next sockets Slack asks the app to leave."""
        self._methods: list[MethodFault] = []
        self._duplicates = 0
        self._losses = 0
        self._socket_drops = 0
        self._delays: list[float] = []

    def rate_limit(
        self, method: str, retry_after: float = 30, *, times: int = 1, skip: int = 0
    ) -> None:
        """Answer 429 with Retry-After."""
        rule = MethodFault(method, Kind.STATUS, times, skip, status=429, seconds=retry_after)
        self._methods.append(rule)

    def fail(self, method: str, status: int = 500, *, times: int = 1, skip: int = 0) -> None:
        """Answer with an HTTP error, e.g. 500 or 503."""
        self._methods.append(MethodFault(method, Kind.STATUS, times, skip, status=status))

    def refuse(
        self, method: str, code: str, *, times: int = 1, skip: int = 0, channel: str | None = None
    ) -> None:
        """Answer `ok: false` with this error code, in one conversation or in all."""
        rule = MethodFault(method, Kind.ERROR, times, skip, code=code, channel=channel)
        self._methods.append(rule)

    def forbid(self, method: str, code: str, *, channel: str | None = None) -> None:
        """The same from now on, as a workspace's rule does."""
        self.refuse(method, code, times=FOR_EVER, channel=channel)

    def lock_threads(self, channel: str, code: str = "restricted_action_thread_locked") -> None:
        """From now on nothing is taken in any thread of this conversation."""
        rule = MethodFault(
            "chat.postMessage", Kind.ERROR, FOR_EVER, code=code, channel=channel, threads=True
        )
        self._methods.append(rule)

    def drop_before(self, method: str, *, times: int = 1, skip: int = 0) -> None:
        """Break the connection before the call is applied."""
        self._methods.append(MethodFault(method, Kind.DROP_BEFORE, times, skip))

    def drop_after(self, method: str, *, times: int = 1, skip: int = 0) -> None:
        """Break the connection after the call has been applied: its answer is lost."""
        self._methods.append(MethodFault(method, Kind.DROP_AFTER, times, skip))

    def delay(self, method: str, seconds: float, *, times: int = 1, skip: int = 0) -> None:
        """Hold the answer back."""
        self._methods.append(MethodFault(method, Kind.DELAY, times, skip, seconds=seconds))

    def instead(  # noqa: PLR0913 - each is a part of an answer
        self,
        method: str,
        body: str | bytes | None,
        *,
        status: int = 200,
        kind: str = "application/json",
        applied: bool = False,
        times: int = 1,
        skip: int = 0,
        **headers: str,
    ) -> None:
        """Answer with this body, labelled so; None is the right body. `Retry_After` is a header."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        rule = MethodFault(
            method,
            Kind.GARBLED if applied or body is None else Kind.INSTEAD,
            times,
            skip,
            status=status,
            body=body.encode() if isinstance(body, str) else body,
            headers={"Content-Type": kind, **given},
        )
        self._methods.append(rule)

    def lie(self, method: str, *, times: int = 1, skip: int = 0, **fields: Any) -> None:
        """Answer with other values in these fields, e.g. `ts=None`."""
        self._methods.append(MethodFault(method, Kind.LIE, times, skip, lies=fields))

    def duplicate_delivery(self, times: int = 1) -> None:
        """Deliver the next ones twice."""
        self._duplicates += times

    def delay_delivery(self, seconds: float, times: int = 1) -> None:
        """Hold the next ones back. What is on its way already counts: wait for `World.quiet` before."""
        self._delays += [seconds] * times

    def lose_delivery(self, times: int = 1) -> None:
        """Lose the next ones, as Slack's best effort does now and then."""
        self._losses += times

    def drop_socket_on_delivery(self, times: int = 1) -> None:
        """Break the socket right after the next ones were sent over it, before any ack."""
        self._socket_drops += times

    def clear(self) -> None:
        """Switch everything off."""
        fresh = Faults()
        for name, value in vars(fresh).items():
            setattr(self, name, value)

    def on_call(
        self, method: str, channel: str | None = None, thread: str | None = None
    ) -> MethodFault | None:
        """The fault that hits this call, if one does."""
        return next((rule for rule in self._methods if rule.hits(method, channel, thread)), None)

    def copies(self) -> int:
        """How many copies of the next delivery go out: none, one or two."""
        if self._losses:
            self._losses -= 1
            return 0
        if self._duplicates:
            self._duplicates -= 1
            return 2
        return 2 if self.twice else 1

    def next_delay(self) -> float:
        """How long the next delivery is held back."""
        return self._delays.pop(0) if self._delays else 0.0

    def drops_socket(self) -> bool:
        """Whether the socket breaks on this delivery."""
        if not self._socket_drops:
            return False
        self._socket_drops -= 1
        return True
