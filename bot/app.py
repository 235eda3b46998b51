"""The composition root: lets every part be built, wires them, starts and stops them in order.

SIGTERM drains: the bot is not ready any more and takes no new work; what Slack still brings is kept
and handed over; what runs gets a moment to end, and what does not is given back to the replica that
leases it next; then the receivers are closed, the work behind them last. All of it takes less than the 30
seconds a pod is given to end, whatever hangs, and what hangs is told.
"""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

import structlog

from bot import __version__, process, tracing
from bot.cancelling import cancelled, closed, closes, end_all
from bot.clock import Clock, SharedClock
from bot.cluster.cluster import Cluster
from bot.errors import StoreUnavailable
from bot.http_server import Front, Waits, looked_at
from bot.inbox import Inbox
from bot.metrics import UNKNOWN, Metrics
from bot.parts import (
    http_receiver,
    open_clusters,
    open_slack,
    open_socket,
    open_store,
    slack_context,
    socket_receiver,
    who_we_are,
)
from bot.process import LooseThreads
from bot.reconciler import ReconcilerDeps
from bot.recovery import TASK, Recovery
from bot.settings import Settings
from bot.slack.api.authorizer import Authorizer
from bot.slack.api.client import SlackApi
from bot.slack.api.directory import Directory
from bot.slack.inbound.bolt_app import bolt_app
from bot.slack.inbound.refusals import Refusals
from bot.slack.inbound.socket_receiver import LAST_WORDS, SocketReceiver
from bot.slack.manifest import SCOPES
from bot.slack.outbound.thread_sync import ThreadSync
from bot.slack.wiring import wire
from bot.store import LIVE, Store
from bot.telemetry import ClockWatch, counted_lines
from bot.texts import names
from bot.worker import Worker

PATIENCE = 5.0
"""Seconds that rounds get to end when the bot is told to stop."""
RIGHTS_AFTER = 60.0
"""Seconds after the start in which no right is asked for without a restore that needs it."""
GRACE = 12.0
"""Then they get so many to end the step they are in, which waits for 10 seconds at most."""
STOP_SECONDS = 24.0
"""So long the stop takes at most, LINGER aside. What hangs is told and left."""
DEADLINE = 29.0
"""Seconds from SIGTERM to the end of the process, even if its loop is blocked: a pod has 30."""
LINGER = 3.0
"""Seconds in which requests still come by HTTP, until everybody knows that this pod is leaving."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class App:
    """A running bot."""

    settings: Settings
    worker: Worker
    _parts: ReconcilerDeps
    _front: Front
    _socket: SocketReceiver | None
    _tasks: list[asyncio.Task[None]]
    clocks: ClockWatch = field(init=False)
    _stack: AsyncExitStack = field(init=False)
    """Closes all of it."""
    _draining: bool = field(default=False, init=False)

    @property
    def web(self) -> SlackApi:
        """The client of Slack."""
        return self._parts.web

    @property
    def store(self) -> Store:
        """Where restores are kept."""
        return self._parts.store

    @property
    def clusters(self) -> Mapping[str, Cluster]:
        """The clusters by name."""
        return self._parts.clusters

    @property
    def metrics(self) -> Metrics:
        """What is counted and measured."""
        return self._parts.metrics

    @property
    def port(self) -> int:
        """Where it answers about its health."""
        return self._front.port

    @property
    def slack_port(self) -> int:
        """Where Slack's requests come in; 0 in Socket Mode."""
        return self._front.slack_port

    @property
    def busy(self) -> int:
        """Things being worked on right now."""
        return self.worker.busy

    @property
    def alive(self) -> bool:
        """False when a part that must never end has ended, or no worker moves: only a restart helps."""
        ended = any(task.done() for task in self._tasks)
        return self._draining or not (ended or self.worker.stalled)

    async def exposition(self) -> bytes:
        """The metrics, with the gauges read now; what the store does not say is NaN."""
        for name, cluster in self.clusters.items():
            self.metrics.watch_up.labels(name).set(cluster.watching)
        try:
            found = await self.store.survey()
        except StoreUnavailable:
            self.metrics.surveyed(dict.fromkeys(LIVE, UNKNOWN))
        else:
            self.metrics.surveyed(
                {phase: found.phases[phase] for phase in LIVE},
                waiting=found.waiting,
                stuck=found.stuck,
                queued=found.queued,
                due=found.due,
                oldest_due=found.oldest,
            )
        return self.metrics.exposition()

    async def not_ready(self) -> dict[str, str]:
        """Why this replica cannot hear or answer people, by part; empty when it can.

        A store or a cluster that is away is told to those who ask, which takes a replica that is ready.
        """
        trouble = {"bot": "is stopping"} if self._draining else {}
        if (
            self._socket is not None and (why := await self._socket.client.trouble()) is not None
        ) or (why := (await looked_at({"slack": self.web.ping})).get("slack")):
            trouble["slack"] = why
        for name in ("bot", "slack"):
            self.metrics.ready.labels(name).set(name not in trouble)
        return trouble

    async def warnings(self) -> dict[str, str]:
        """What is away or not as it should be, though the bot can answer, by part."""
        pings = {"store": self.store.ping} | {n: c.ping for n, c in self.clusters.items()}
        away = await looked_at(pings)
        for name in pings:
            self.metrics.ready.labels(name).set(name not in away)
        lacks = ", ".join(self.web.lacks(SCOPES))
        scopes = {"scopes": f"the Slack app lacks {lacks}"} if lacks else {}
        return self.clocks.wrong | scopes | away

    def withdraw(self) -> None:
        """Not ready from now on, and no new work; what still comes is kept for the others."""
        self._draining = True
        self.worker.leave()

    async def stop(self) -> bool:
        """Drain, then close everything in the order opposite to how it was opened.

        Ends within its time, whatever hangs. False if something did not end: it is in the log.
        """
        self.withdraw()
        in_time = await closed("the bot", self._close(), seconds=STOP_SECONDS)
        return in_time and all(task.done() for task in self._tasks)

    async def _close(self) -> None:
        await self.worker.drain(PATIENCE, grace=GRACE)
        await self._stack.aclose()


async def run(settings: Settings, machine: Clock | None = None) -> None:
    """Run until SIGTERM or SIGINT, then drain. It may come at any moment, also during the start."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(LooseThreads())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    app = await _started(settings, stopping, machine)
    if app is None:
        log.info("stopped before it was ready")
        return
    log.info("ready", port=app.port, mode="socket" if settings.socket_mode else "http")
    process.keep_what_stands()
    await stopping.wait()
    log.info("draining")
    process.end_within(DEADLINE)
    app.withdraw()
    if not settings.socket_mode:
        await asyncio.sleep(LINGER)
    in_order = await app.stop()
    log.info("stopped")
    if not in_order:
        process.give_up()


async def _started(
    settings: Settings, stopping: asyncio.Event, machine: Clock | None
) -> App | None:
    """The bot, or None if it was told to stop before it was there: then all of it is closed."""
    starting = asyncio.create_task(start(settings, machine))
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not starting.done():
        process.end_within(DEADLINE)
        await cancelled({starting}, within=STOP_SECONDS)
    try:
        return await starting
    except asyncio.CancelledError:
        return None


async def start(settings: Settings, machine: Clock | None = None) -> App:
    """Build and start a bot: it can be reached, and can answer, when this returns.

    What is wrong with the settings is raised as Misconfigured; what is only away is waited for.
    `machine` is the clock of its machine, which is put right by Redis before anything is done.
    """
    names.use(settings.app.names)
    clock = SharedClock(machine or Clock())
    async with AsyncExitStack() as stack:
        if settings.traces.endpoint is not None:
            tracing.set_up(str(settings.traces.endpoint), __version__)
            stack.push_async_callback(asyncio.to_thread, tracing.close)
        metrics = Metrics()
        metrics.expect(clusters=settings.clusters, phases=LIVE)
        stack.enter_context(counted_lines(metrics))
        front = Front(settings, Waits(clock, metrics))
        closes(stack, "the HTTP port", front.close)
        await front.open()
        front.bot = app = await _build(settings, clock, front, stack)
        app._stack = stack.pop_all()  # noqa: SLF001 - the App owns what was opened for it
    return app


async def _build(
    settings: Settings, clock: SharedClock, front: Front, stack: AsyncExitStack
) -> App:
    waits, metrics = front.waits, front.waits.metrics
    slack, bolts_client = await open_slack(settings, clock, metrics, stack)
    home = await who_we_are(slack, waits)
    store = await open_store(settings, home.team, clock, waits, stack)
    clusters = await open_clusters(settings, store, clock, metrics, stack)
    people = Directory(slack, home, clock)
    parts = ReconcilerDeps(
        home=home,
        store=store,
        clusters=clusters,
        authorizer=Authorizer(people, settings.access),
        cards=ThreadSync(slack, clock),
        web=slack,
        clock=clock,
        metrics=metrics,
    )
    wiring = wire(slack_context(settings, home, people, parts))
    await waits.until("store", wiring.reports.schedule)
    recovery = Recovery(parts, settings.rules)
    handlers = {**wiring.task_handlers, TASK: recovery.look_into}
    worker = Worker(parts, wiring.dispatcher, handlers)
    bolt = bolt_app(bolts_client, home, settings.environment.bot_token.get_secret_value())
    inbox = Inbox(store.queue, worker, clock, metrics)
    wiring.listen(bolt, inbox.accept, settings.listen.hears_words)
    tasks: list[asyncio.Task[None]] = []
    # In the order opposite to this: Slack's receivers are closed first, the work behind them after that.
    stack.push_async_callback(_wound_up, worker, tasks)
    closes(stack, "the HTTP port", front.close)
    web = SlackApi(bolts_client, metrics, slack.clock)
    refusals = Refusals(metrics, slack.clock)
    theirs = partial(refusals.belongs_elsewhere, home)
    socket = socket_receiver(settings, bolt, web, theirs, clock)
    if socket is not None:
        await open_socket(socket, waits, stack)
    tasks += _background(worker, recovery, clusters, clock)
    front.receiver = http_receiver(settings, bolt, home, refusals, slack.clock)
    app = App(settings, worker, parts, front, socket, tasks)
    far = {"slack": slack.clock} | {f"cluster {n}": each.clock for n, each in clusters.items()}
    app.clocks = ClockWatch(clock, metrics, far)
    return app


def _background(
    worker: Worker, recovery: Recovery, clusters: Mapping[str, Cluster], clock: Clock
) -> list[asyncio.Task[None]]:
    """The loop and one watch a cluster. They begin last: who cannot be reached works on nothing."""
    tasks = [asyncio.create_task(worker.run(), name="reconciler")]
    tasks += [
        asyncio.create_task(
            cluster.watch(partial(recovery.heard, worker.wake, name)), name=f"watch {name}"
        )
        for name, cluster in clusters.items()
    ]
    tasks.append(asyncio.create_task(_tell_rights(clusters, clock), name="rights"))
    for task in tasks:
        task.add_done_callback(_ended)
    return tasks


async def _tell_rights(clusters: Mapping[str, Cluster], clock: Clock) -> None:
    """A log line for the rights that are missing; two dozen questions, asked when the start is over."""
    await clock.sleep(RIGHTS_AFTER)
    for cluster in clusters.values():
        await cluster.tell_rights()


async def _wound_up(worker: Worker, tasks: list[asyncio.Task[None]]) -> None:
    # Once more: until the receivers were closed, something may have come in.
    await worker.drain(LAST_WORDS, grace=0)
    await end_all(tasks)


def _ended(task: asyncio.Task[None]) -> None:
    """The loop and the watches never end by themselves: if one does, it is a bug, and is told."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("a background task died", task=task.get_name(), exc_info=error)
