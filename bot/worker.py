"""The loop: leases what is due and gives it to the handler of its kind.

A restore goes to the reconciler, a delivery of Slack to the dispatcher, and a periodic task to the
handler that the prefix of its name selects. A lease makes sure that one worker at a time acts on a
thing, whichever replica it runs in.

There is no retry in here. What could not be done now has a next due time, and that is the retry.

A process that is told to end leaves in three steps (`drain`): it leases nothing more, and what Slack
still brings goes into the queue for the others; rounds get some time to end; then they stop before
their next step and give their leases back, so that nobody waits for a lease to run out. No call is
broken off: an act or a post that has begun gets its answer.

No work is without a limit: what takes longer than `ROUND_SECONDS` is cut off, and its worker is free
for something else. Its lease runs out, so that the next one knows that more may have been done than is
written down. What was cut off is held back for a while, each time longer.
"""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.cancelling import Overrun, cancelled, limited
from bot.errors import StoreUnavailable, Temporary
from bot.reconciler import Reconciler, ReconcilerDeps, TooLateError
from bot.slack.inbound.dispatcher import Dispatcher
from bot.slack.outbound.failing_rounds import FailingRounds
from bot.store.documents import Unreadable
from bot.store.keys import DELIVERY
from bot.store.records import Delivery, Lease, Leased, PeriodicTask, Record, TaskHandler, TaskResult

WORKERS = 32
"""Restores and periodic tasks worked on at once by one process."""
DELIVERIES = 32
"""Deliveries dealt with at once: what people say, however many they are, holds up no restore."""
POLL = timedelta(seconds=1)
"""How often the queue is asked when nobody nudges: other replicas put things into it, too."""
STORE_AWAY = timedelta(seconds=2)
PUT_OFF = timedelta(minutes=5)
"""When a periodic task without a handler is due again: another release may have the handler."""
TRY_AGAIN = timedelta(seconds=10)
"""When a periodic task is tried again after a failure that named no time."""

ROUND_SECONDS = 60.0
"""How long one piece of work may take, in real time. Each call in it has a limit of its own; two
leases are over by then, so that nothing it would still do could count."""
STALLED_SECONDS = 180.0
"""If no worker has moved for so long, in real time, only a restart of the process helps."""
AT_ONCE = 2
"""How often one thing may be at work in a process. A second time is usual: the first is slow, and has
lost its lease."""
CUT_OFF_SECONDS = 1.0
"""Seconds in which what still hangs at the end of the process may end when it is cancelled."""
HELD_BACK, HELD_BACK_LONGEST = 30.0, 600.0
"""Seconds, real ones, in which this process leaves alone what it has cut off; doubled each time."""

_KINDS = {Record: "restore", Delivery: "delivery", PeriodicTask: "task"}

log = structlog.get_logger(__name__)


class Overruns:
    """What was cut off in this process, and how long it is left alone. The key is a lease's id."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def note(self, key: str) -> float:
        """It was cut off once more; the seconds in which it is left alone."""
        times = self._times[key] = self._times.get(key, 0) + 1
        seconds = min(HELD_BACK * 2.0 ** min(times - 1, 10), HELD_BACK_LONGEST)
        self._until[key] = time.monotonic() + seconds
        return seconds

    def forget(self, key: str) -> None:
        """It has ended by itself."""
        self._times.pop(key, None)
        self._until.pop(key, None)

    def holds(self, key: str) -> bool:
        """It is to be left alone now."""
        return time.monotonic() < self._until.get(key, 0.0)


class Worker:
    """Works off the queue until it is told to stop."""

    def __init__(
        self,
        parts: ReconcilerDeps,
        dispatcher: Dispatcher,
        task_handlers: Mapping[str, TaskHandler],
    ) -> None:
        self._clock = parts.clock
        self._store = parts.store
        self._metrics = parts.metrics
        self._dispatcher = dispatcher
        self._task_handlers = task_handlers
        self._rounds = Reconciler(parts, lambda: not self._hurried)
        self._nudged = asyncio.Event()
        self._tasks: dict[asyncio.Task[None], str] = {}
        """What is at work, and of which lease."""
        self._overruns = Overruns()
        self._failing = FailingRounds(parts.web, parts.store.ways, parts.clock, parts.metrics)
        self._moved_at = time.monotonic()
        self._loop: asyncio.Task[None] | None = None
        self._leaving = False
        self._hurried = False
        self._resting = False
        self._waking = 0

    @property
    def resting(self) -> bool:
        """Nothing is being worked on, and the loop waits for a nudge or its next look."""
        at_work = self._tasks or self._waking or self._nudged.is_set()
        return self._resting and not at_work

    @property
    def busy(self) -> int:
        """How many things are being worked on by this process."""
        return len(self._tasks)

    @property
    def stalled(self) -> bool:
        """Nothing has ended, and nothing new could begin, for too long."""
        return time.monotonic() - self._moved_at > STALLED_SECONDS

    async def wake(self, found: Mapping[str, Mapping[str, Any] | None]) -> None:
        """The cluster has news of these restores; with what is looked into where there is no record."""
        lost = {each: body for each, body in found.items() if body is not None}
        self._waking += 1
        try:
            await self._store.queue.wake(list(found), lost)
        finally:
            self._waking -= 1
        self.nudge()

    def nudge(self) -> None:
        """Something may be due: look at the queue now."""
        self._nudged.set()

    async def run(self) -> None:
        """Take what is due, for ever; cancelled or drained to end."""
        self._loop = asyncio.current_task()
        while not self._leaving:
            self._nudged.clear()
            wake = await self._take()
            self._resting = True
            if not self._leaving:
                await self._clock.first(self._nudged, wake)
            self._resting = False

    def leave(self) -> None:
        """Lease nothing more from now on, and hand over what Slack still brings."""
        self._leaving = True
        self.nudge()

    async def drain(self, patience: float, *, grace: float) -> None:
        """Leave, and come to an end: all leases are given back but those of calls without an end.

        Rounds get `patience` (real) seconds to end, and then `grace` for the step they are in. What
        still hangs after that is cut off, and its lease runs out.
        """
        self.leave()
        await self._ended(patience)
        self._hurried = True
        await self._ended(grace)
        await cancelled(self._running(), within=CUT_OFF_SECONDS)

    async def _ended(self, seconds: float) -> None:
        """Wait until nothing runs any more, for so many seconds at most."""
        now = asyncio.get_running_loop().time
        end = now() + seconds
        while (running := self._running()) and (left := end - now()) > 0:
            await asyncio.wait(running, timeout=left)

    def _running(self) -> set[asyncio.Task[None]]:
        """The rounds, and the loop: it may be about to come back with new leases."""
        loop = {self._loop} if self._loop is not None and not self._loop.done() else set()
        return self._tasks.keys() | loop

    def work_on(self, leased: Leased) -> None:
        """Deal with something that has come and is leased to us already, or hand it over."""
        self._begin(self._taken(leased), leased.lease.id)

    def _taken(self, leased: Leased) -> Coroutine[Any, Any, None]:
        """Work on it; give it back, if this process leaves or has too many deliveries at once."""
        if self._leaving:
            return self._release(leased.lease)
        if leased.lease.id.startswith(DELIVERY) and self._at_work(deliveries=True) >= DELIVERIES:
            return self._release(leased.lease, after=POLL)
        return self._work(leased)

    def _at_work(self, *, deliveries: bool) -> int:
        return sum(key.startswith(DELIVERY) is deliveries for key in self._tasks.values())

    def _begin(self, work: Coroutine[Any, Any, None], key: str) -> None:
        task = asyncio.create_task(work, name=f"work on {key}")
        self._tasks[task] = key
        task.add_done_callback(self._done)

    async def _release(self, lease: Lease, after: timedelta = timedelta()) -> None:
        """Give the lease back: another worker can take it, and need not wait until it ends."""
        try:
            await self._store.queue.release(lease, due=self._clock.now() + after)
        except StoreUnavailable as away:
            log.warning("the store is away", what=away.what)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self.nudge()

    async def _take(self) -> datetime:
        """Lease what is due, up to our capacity; the time to look again."""
        room = WORKERS - self._at_work(deliveries=False)
        now = self._clock.now()
        if room <= 0:
            return now + POLL
        self._moved_at = time.monotonic()
        try:
            leased, following = await self._store.queue.lease(room)
        except StoreUnavailable as away:
            log.warning("the store is away", what=away.what)
            return now + STORE_AWAY
        for each in leased:
            if self._wanted(each.lease.id):
                self._begin(self._taken(each), each.lease.id)
        return min(following or now + POLL, now + POLL)

    def _wanted(self, key: str) -> bool:
        """Work can begin on it; if not, its lease runs out, and another replica may have it."""
        at_work = sum(each == key for each in self._tasks.values())
        return at_work < AT_ONCE and not self._overruns.holds(key)

    async def _work(self, leased: Leased) -> None:
        """One thing, with the one catch-all: what fails here is due again when its lease ends."""
        kind, key = _KINDS[type(leased.work)], leased.lease.id
        try:
            with self._metrics.round_seconds.time():
                await limited(self._act(leased), seconds=ROUND_SECONDS, name=f"round of {key}")
        except Overrun as cut:
            result = "overrun"
            pause = self._overruns.note(key)
            told = {"where": cut.at, "ended": cut.ended, "again_in": pause}
            log.error("a round took too long", id=key, **told)  # noqa: TRY400 - `where` says it
        except TooLateError:
            result = "too_late"
        except StoreUnavailable as away:
            log.warning("the store is away", what=away.what)
            result = "store_away"
        except Exception:
            log.exception("a round failed", id=key)
            result = "failed"
        else:
            result = "ok"
        if result == "failed" or (result == "overrun" and kind == "restore"):
            await self._own_up(leased)
        self._metrics.rounds.labels(f"{kind}_{result}").inc()
        if result != "overrun":
            self._overruns.forget(key)
            self._moved_at = time.monotonic()

    async def _act(self, leased: Leased) -> None:
        match leased.work:
            case Record() as record:
                if await self._rounds.run(leased, record):
                    self._failing.went_well(record.restore.id)
                else:
                    await self._failing.failed(record.restore, unsaid=True)
            case Delivery() as delivery:
                await self._deal(leased.lease, delivery)
            case PeriodicTask() as task:
                await self._run_task(leased.lease, task)

    async def _run_task(self, lease: Lease, task: PeriodicTask) -> None:
        """Run a periodic task, and release its lease with the next due time."""
        handler = self._task_handlers.get(task.name.partition(":")[0])
        if handler is None:
            await self._store.queue.release(lease, due=self._clock.now() + PUT_OFF)
            return
        try:
            done = await handler(task)
        except StoreUnavailable:
            raise
        except Unreadable as error:
            await self._store.queue.defer(lease, error)
            return
        except Temporary as trouble:
            log.info("a periodic task is put off", task=task.name, what=trouble.what)
            wait = TRY_AGAIN.total_seconds() if trouble.retry_after is None else trouble.retry_after
            done = TaskResult(due=self._clock.now() + timedelta(seconds=wait))
        if done is None:
            await self._store.tasks.delete(task.name, lease=lease)
        else:
            await self._store.queue.release(lease, due=done.due, body=done.body)

    async def _deal(self, lease: Lease, delivery: Delivery) -> None:
        """A Slack delivery: settled when it was dealt with, put off when the far side is away."""
        try:
            await self._dispatcher.handle(delivery)
        except StoreUnavailable:
            raise
        except Unreadable as error:
            await self._store.queue.defer(lease, error)
            return
        except Temporary as trouble:
            log.info("a delivery is put off", what=trouble.what)
            await self._store.queue.release(lease, due=self._later(delivery, trouble))
            return
        await self._store.queue.complete_delivery(lease)
        self.nudge()

    def _later(self, delivery: Delivery, trouble: Temporary) -> datetime:
        """When to try again: soon at first, then after ever longer pauses."""
        now = self._clock.now()
        age = (now - delivery.accepted_at).total_seconds()
        wait = trouble.retry_after or min(10.0, max(0.5, age / 2))
        return now + timedelta(seconds=wait)

    async def _own_up(self, leased: Leased) -> None:
        """A person whose request fails by a fault of the bot is told so, or whose restore keeps failing."""
        with suppress(StoreUnavailable, Unreadable):
            match leased.work:
                case Delivery() as delivery:
                    if await self._dispatcher.apologise(delivery):
                        await self._store.queue.complete_delivery(leased.lease)
                case Record() as record:
                    await self._failing.failed(record.restore)
