"""How Slack brings events, commands and clicks to the app, and what it does when nobody acks.

Events: acked within 3 s of the clock, or tried again almost at once, after a minute, after five
minutes; then lost. Commands and interactions: acked within 3 s of real time, or the person sees an
error. Both ways of transport, sockets and HTTP, keep to the same schedule.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.playground.slack.faults import Faults
from bot.playground.slack.http_transport import HttpTransport
from bot.playground.slack.outgoing import FIRST, Attempt, Outcome, Outgoing
from bot.playground.slack.sockets import SocketHub
from bot.playground.slack.workspace import Workspace

Json = dict[str, Any]

ACK_SECONDS = 3.0
SCREEN_SECONDS = 3.0  # of real time, unlike all others: nobody at a screen moves the clock
PAUSES = (0.5, 60.0, 300.0)
SWAP_SECONDS = 0.001  # how long an event waits for one to change places with

TIMEOUT = Outcome(ok=False, reason="timeout")


@dataclass(slots=True, eq=False)
class Request:
    """A command or interaction on its way; `outcome` is known once it is acked or has failed."""

    outgoing: Outgoing
    handed: asyncio.Event = field(default_factory=asyncio.Event)
    outcome: Outcome | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    _then: Callable[[], None] | None = None

    def settle(self, outcome: Outcome) -> None:
        """The first outcome counts: it is what the person at the screen saw."""
        if self.outcome is not None:
            return
        self.outcome = outcome
        if self._then is not None:
            self._then()
        self.done.set()

    def when_settled(self, then: Callable[[], None]) -> None:
        """Do this once the outcome is known, before `done` is set."""
        self._then = then
        if self.outcome is not None:
            then()


class Delivery:
    """Everything that is on its way to the app."""

    def __init__(
        self, workspace: Workspace, faults: Faults, hub: SocketHub, http: HttpTransport
    ) -> None:
        self._workspace = workspace
        self.faults = faults
        self._hub = hub
        self._http = http
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: Outgoing | None = None
        self._pauses: list[datetime] = []
        self.screens_on_clock = False
        """The three seconds that somebody waits at the screen pass on the clock, too."""
        self.lost: list[Outgoing] = []
        self.sent: list[Outgoing] = []

    @property
    def busy(self) -> int:
        """How many deliveries are not over."""
        return len(self._tasks)

    @property
    def waiting(self) -> int:
        """How many of them nothing but the clock will move."""
        now = self._workspace.now()
        return sum(until > now for until in self._pauses)

    async def event(self, payload: Json) -> None:
        """Deliver an event; returns when the first attempt has been handed over."""
        outgoing = Outgoing("events_api", payload)
        if self.faults.swap:
            await self._swapped(outgoing)
        else:
            await self._launch(outgoing)

    def event_soon(self, payload: Json) -> None:
        """Deliver an event without waiting for anything."""
        self._start(self.event(payload))

    async def request(self, outgoing: Outgoing) -> Request:
        """Deliver a command or an interaction; returns when it has been handed over."""
        request = Request(outgoing)
        copies = 1 if outgoing.payload.get("type") == "block_suggestion" else self.faults.copies()
        for _ in range(copies):
            self._start(self._ask(request))
        if copies == 0:
            request.settle(TIMEOUT)
            request.handed.set()
        await request.handed.wait()
        return request

    async def stop(self) -> None:
        """Forget everything that is under way."""
        self._held = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _swapped(self, outgoing: Outgoing) -> None:
        """Each second event overtakes the one before it."""
        earlier, self._held = self._held, None
        if earlier is None:
            self._held = outgoing
            self._start(self._release(outgoing))
            return
        await self._launch(outgoing)
        await self._launch(earlier)

    async def _release(self, outgoing: Outgoing) -> None:
        """Nobody came to overtake it."""
        await self._pause(SWAP_SECONDS)
        if self._held is outgoing:
            self._held = None
            await self._launch(outgoing)

    async def _launch(self, outgoing: Outgoing) -> None:
        for _ in range(self.faults.copies()):
            handed = asyncio.Event()
            self._start(self._pursue(outgoing, handed))
            await handed.wait()

    async def _pursue(self, outgoing: Outgoing, handed: asyncio.Event) -> None:
        """Try until it is acked or the schedule ends."""
        try:
            await self._hold_back(handed)
            attempt = FIRST
            for pause in (*PAUSES, None):
                outcome = await self._attempt(outgoing, attempt, handed)
                if outcome.ok or outcome.final:
                    return
                if pause is not None:
                    await self._pause(pause)
                    attempt = Attempt(attempt.number + 1, outcome.reason)
            self.lost.append(outgoing)
        finally:
            handed.set()

    async def _hold_back(self, handed: asyncio.Event) -> None:
        if seconds := self.faults.next_delay():
            handed.set()
            await self._pause(seconds)

    async def _pause(self, seconds: float) -> None:
        """Wait for nothing but the clock."""
        until = self._workspace.now() + timedelta(seconds=seconds)
        self._pauses.append(until)
        try:
            await self._workspace.clock.sleep_until(until)
        finally:
            self._pauses.remove(until)

    async def _attempt(
        self, outgoing: Outgoing, attempt: Attempt, handed: asyncio.Event
    ) -> Outcome:
        """One try within 3 s of the clock. A lost connection is noticed only when they are over."""
        clock = self._workspace.clock
        deadline = clock.now() + timedelta(seconds=ACK_SECONDS)
        outcome = await self._within(outgoing, attempt, handed, deadline_on_clock=True)
        handed.set()
        if outcome.reason == "timeout" and clock.now() < deadline:
            await self._pause((deadline - clock.now()).total_seconds())
        return outcome

    async def _ask(self, request: Request) -> None:
        """One try within 3 s of real time, for the person who waits at the screen."""
        try:
            attempt = FIRST
            for pause in (*PAUSES[:1], None):
                on_clock = self.screens_on_clock or attempt is not FIRST
                outcome = await self._within(
                    request.outgoing, attempt, request.handed, deadline_on_clock=on_clock
                )
                request.settle(outcome)
                if outcome.ok or pause is None or not self.faults.redeliver_interactions:
                    return
                request.handed.set()
                await self._pause(pause)
                attempt = Attempt(attempt.number + 1, outcome.reason)
        finally:
            request.handed.set()
            request.settle(TIMEOUT)

    async def _within(
        self,
        outgoing: Outgoing,
        attempt: Attempt,
        handed: asyncio.Event,
        *,
        deadline_on_clock: bool,
    ) -> Outcome:
        self.sent.append(outgoing)
        transport = self._http if self._http.url else self._hub
        work = asyncio.ensure_future(transport.deliver(outgoing, attempt, handed))
        over = asyncio.Event()
        work.add_done_callback(lambda _: over.set())
        try:
            if deadline_on_clock:
                clock = self._workspace.clock
                await clock.first(over, clock.now() + timedelta(seconds=ACK_SECONDS))
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), SCREEN_SECONDS)
            return work.result() if work.done() else self._late()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    def _late(self) -> Outcome:
        return Outcome(ok=False, reason="http_timeout") if self._http.url else TIMEOUT
