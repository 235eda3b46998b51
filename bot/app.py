"""The composition root: builds every part, wires them, starts them and stops them in order.

Nothing is remembered here that a restart would lose. SIGTERM drains: the bot is not ready any more
and takes no new work; what Slack still brings is kept and handed over; what runs gets a moment to
end, and what does not is given back, to be carried on by whoever leases it next; then the doors are
closed, the work behind them last. All of it takes less than the 30 seconds a pod is given to end.
"""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from aiohttp import web as http
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot import __version__
from bot.clock import Clock
from bot.cluster.cluster import Cluster
from bot.errors import Misconfigured, Permanent, Temporary
from bot.reconciler import Reconciler
from bot.rounds import Parts
from bot.settings import Settings
from bot.slack.cards import Cards
from bot.slack.desk import Tools, set_up
from bot.slack.door import Door
from bot.slack.listeners import Accept
from bot.slack.people import Home, People
from bot.slack.pickers import Names
from bot.slack.report import Timetable
from bot.slack.socket import LAST_WORDS, Socket
from bot.slack.web import Web
from bot.slack.wishes import Ground
from bot.store import EmbeddedRedis, Store, connect
from bot.store.records import Delivery, Leased
from bot.telemetry import METRICS_TYPE, Metrics

SLACK_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3)
PATIENCE = 5.0
"""Seconds that rounds get to end when the bot is told to stop."""
GRACE = 12.0
"""Then they get so many to end the step they are in, which waits for 10 seconds at most."""
LINGER = 3.0
"""Seconds in which requests still come by HTTP, until everybody knows that this pod is leaving."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class App:
    """A running bot."""

    settings: Settings
    reconciler: Reconciler
    store: Store
    clusters: Mapping[str, Cluster]
    metrics: Metrics
    port: int
    _stack: AsyncExitStack
    _socket: Socket | None
    _tasks: list[asyncio.Task[None]]
    _draining: bool = False

    @property
    def busy(self) -> int:
        """Things being worked on right now."""
        return self.reconciler.busy

    @property
    def alive(self) -> bool:
        """False when a part that must never end has ended: only a restart helps."""
        return self._draining or not any(task.done() for task in self._tasks)

    def exposition(self) -> bytes:
        """The metrics, with the gauges read now."""
        for name, cluster in self.clusters.items():
            self.metrics.watch_up.labels(name).set(cluster.watching)
        return self.metrics.exposition()

    async def not_ready(self) -> dict[str, str]:
        """Why the bot should get no traffic, by part; empty when all is well."""
        trouble: dict[str, str] = {}
        if self._draining:
            trouble["bot"] = "is stopping"
        if self._socket is not None and not await self._socket.client.is_connected():
            trouble["slack"] = "no socket"
        pings = {"store": self.store.ping} | {n: c.ping for n, c in self.clusters.items()}
        for name, ping in pings.items():
            try:
                await ping()
            except (Temporary, Permanent) as away:
                trouble[name] = type(away).__name__
        for name in ("bot", "slack", *pings):
            self.metrics.ready.labels(name).set(name not in trouble)
        return trouble

    def withdraw(self) -> None:
        """Not ready from now on, and no new work; what still comes is kept for the others."""
        self._draining = True
        self.reconciler.leave()

    async def stop(self) -> None:
        """Drain, then close everything in the order opposite to how it was opened."""
        self.withdraw()
        await self.reconciler.drain(PATIENCE, grace=GRACE)
        await self._stack.aclose()


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then drain."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    app = await start(settings)
    log.info("ready", port=app.port, mode="socket" if settings.socket_mode else "http")
    await stopping.wait()
    log.info("draining")
    app.withdraw()
    if not settings.socket_mode:
        await asyncio.sleep(LINGER)
    await app.stop()
    log.info("stopped")


async def start(settings: Settings, clock: Clock | None = None) -> App:
    """Build and start a bot. What is wrong with the settings is raised as Misconfigured."""
    clock = clock or Clock()
    async with AsyncExitStack() as stack:
        app = await _build(settings, clock, stack)
        app._stack = stack.pop_all()  # noqa: SLF001 - the App owns what was opened for it
    return app


async def _build(settings: Settings, clock: Clock, stack: AsyncExitStack) -> App:
    metrics = Metrics()
    session = await stack.enter_async_context(aiohttp.ClientSession(timeout=SLACK_TIMEOUT))
    client = AsyncWebClient(
        token=settings.environment.bot_token.get_secret_value(),
        base_url=settings.environment.slack_api,
        session=session,
        retry_handlers=[],
    )
    slack = Web(client, metrics)
    home = await _home(slack)
    store = await _store(settings, home, clock, stack)
    clusters = await _clusters(settings, clock, metrics, stack)
    people = People(slack, home, settings.access.groups, clock)
    ground = Ground(
        home=home,
        policy=settings.access,
        rules=settings.rules,
        clusters=tuple(clusters),
        default_cluster=settings.default_cluster,
    )
    names = {
        n: Names(c.catalog.vms, c.catalog.snapshots, c.catalog.all_snapshots)
        for n, c in clusters.items()
    }
    desk = set_up(
        Tools(
            web=slack,
            store=store,
            people=people,
            ground=ground,
            names=names,
            pings={name: cluster.ping for name, cluster in clusters.items()},
            timetable=_timetable(settings),
            version=__version__,
            clock=clock,
            metrics=metrics,
        )
    )
    await desk.reports.schedule()
    parts = Parts(
        store=store,
        clusters=clusters,
        people=people,
        policy=settings.access,
        cards=Cards(slack, clock),
        web=slack,
        clock=clock,
        metrics=metrics,
    )
    reconciler = Reconciler(parts, desk.intake, desk.duties)
    bolt = _bolt(settings, session, home)
    accept = _accepting(store, reconciler, clock, metrics)
    desk.listen(bolt, accept, settings.listen.hears_words)
    tasks = await _background(reconciler, clusters, stack)
    app = App(settings, reconciler, store, clusters, metrics, 0, stack, None, tasks)
    app.port = await _serve(app, bolt, stack)
    app._socket = await _socket(settings, bolt, stack)  # noqa: SLF001 - built here
    return app


def _timetable(settings: Settings) -> Timetable | None:
    """When the shift report is due, if the settings name a channel for it."""
    times = settings.report
    if times.channel is None:
        return None
    plan = f"{times.channel} {','.join(times.at)} {times.timezone}"
    return Timetable(times.channel, plan, times.after)


async def _home(slack: Web) -> Home:
    """Ask Slack who we are; a token that does not work is found out now, not in an incident."""
    try:
        said = await slack.call("auth.test")
    except Permanent as refused:
        raise Misconfigured(f"SLACK_BOT_TOKEN: Slack refuses it ({refused.reason})") from refused
    except Temporary as away:
        raise Misconfigured(
            f"SLACK_BOT_TOKEN, SLACK_API_URL: cannot sign in to Slack: {away.what}"
        ) from away
    return Home(
        team=said["team_id"],
        bot_user=said["user_id"],
        bot_id=said["bot_id"],
        enterprise=said.get("enterprise_id"),
    )


async def _store(settings: Settings, home: Home, clock: Clock, stack: AsyncExitStack) -> Store:
    url = settings.environment.redis_url
    if url is None:
        embedded = EmbeddedRedis(sync=True)
        address = await embedded.start(settings.store.data_dir)
        stack.push_async_callback(embedded.stop)
    else:
        address = url.get_secret_value()
    client = await stack.enter_async_context(connect(address))
    store = Store(client, home.team, clock, lease_seconds=settings.store.lease_seconds)
    try:
        await store.ping()
        for risk in (await store.durability()).risks:
            log.warning("the store may lose restores", what=risk.what, mend=risk.mend)
    except Temporary as away:
        raise Misconfigured(f"REDIS_URL: the store cannot be reached: {away.what}") from away
    return store


async def _clusters(
    settings: Settings, clock: Clock, metrics: Metrics, stack: AsyncExitStack
) -> dict[str, Cluster]:
    clusters: dict[str, Cluster] = {}
    for name, each in settings.clusters.items():

        def counted(result: str, name: str = name) -> None:
            metrics.kubernetes_requests.labels(name, result).inc()

        cluster = await Cluster.connect(
            name,
            kubeconfig=each.kubeconfig,
            context=each.context,
            namespaces=() if each.everywhere else each.namespaces,
            clock=clock,
            counted=counted,
        )
        stack.push_async_callback(cluster.close)
        clusters[name] = cluster
    return clusters


def _bolt(settings: Settings, session: aiohttp.ClientSession, home: Home) -> AsyncApp:
    """Bolt, told who it is: its own question to Slack, once failed, would be answered wrongly.

    Its client has no token: it only opens sockets, which takes the app's token.
    """
    client = AsyncWebClient(
        base_url=settings.environment.slack_api, session=session, retry_handlers=[]
    )

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=home.enterprise,
            team_id=home.team,
            bot_user_id=home.bot_user,
            bot_id=home.bot_id,
            bot_token=settings.environment.bot_token.get_secret_value(),
        )

    return AsyncApp(
        name="vm-restore-bot",
        client=client,
        authorize=authorize,
        signing_secret="checked-by-our-own-door",  # noqa: S106 - see slack/door.py
        process_before_response=True,
        # Bolt takes the deletion of a card of ours for something that we said ourselves.
        ignoring_self_events_enabled=False,
    )


def _accepting(store: Store, reconciler: Reconciler, clock: Clock, metrics: Metrics) -> Accept:
    async def accept(key: str, kind: str, body: Mapping[str, Any]) -> None:
        lease = await store.accept(key, kind, body)
        if lease is None:
            return
        metrics.deliveries.labels(kind).inc()
        delivery = Delivery(key, kind, body, attempts=1, accepted_at=clock.now())
        reconciler.work_on(Leased(lease, delivery))

    return accept


async def _background(
    reconciler: Reconciler, clusters: Mapping[str, Cluster], stack: AsyncExitStack
) -> list[asyncio.Task[None]]:
    """The loop and one watch a cluster, until the stack unwinds."""
    tasks = [asyncio.create_task(reconciler.run(), name="reconciler")]
    tasks += [
        asyncio.create_task(cluster.watch(reconciler.wake), name=f"watch {name}")
        for name, cluster in clusters.items()
    ]
    for task in tasks:
        task.add_done_callback(_ended)
    stack.push_async_callback(_wound_up, reconciler, tasks)
    return tasks


async def _wound_up(reconciler: Reconciler, tasks: list[asyncio.Task[None]]) -> None:
    # Once more: until the doors were closed, something may have come in that is to be handed over.
    await reconciler.drain(LAST_WORDS, grace=0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _ended(task: asyncio.Task[None]) -> None:
    """The loop and the watches never end by themselves: if one does, it is a bug, and is told."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("a background task died", task=task.get_name(), exc_info=error)


async def _serve(app: App, bolt: AsyncApp, stack: AsyncExitStack) -> int:
    """The one HTTP port: health, metrics and, without Socket Mode, Slack."""
    settings = app.settings
    server = http.Application(client_max_size=1024 * 1024)

    async def healthz(_: http.Request) -> http.Response:
        return http.json_response({"ok": app.alive}, status=200 if app.alive else 503)

    async def readyz(_: http.Request) -> http.Response:
        trouble = await app.not_ready()
        return http.json_response(trouble or {"ok": True}, status=503 if trouble else 200)

    async def metrics(_: http.Request) -> http.Response:
        headers = {"Content-Type": METRICS_TYPE}
        return http.Response(body=app.exposition(), headers=headers)

    server.router.add_get("/healthz", healthz)
    server.router.add_get("/readyz", readyz)
    server.router.add_get("/metrics", metrics)
    secret = settings.environment.signing_secret
    if not settings.socket_mode and secret is not None:
        door = Door(bolt, secret.get_secret_value())
        server.router.add_post("/slack/events", door.handle)
    runner = http.AppRunner(server, access_log=None, shutdown_timeout=LAST_WORDS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = http.TCPSite(runner, settings.http.host, settings.http.port)
    await site.start()
    return int(runner.addresses[0][1])


async def _socket(settings: Settings, bolt: AsyncApp, stack: AsyncExitStack) -> Socket | None:
    token = settings.environment.app_token
    if token is None:
        return None
    socket = Socket(bolt, token.get_secret_value())
    stack.push_async_callback(socket.close)
    await socket.connect_async()  # type: ignore[no-untyped-call] # untyped in Bolt
    return socket
