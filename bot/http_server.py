"""The HTTP ports: one for health and metrics and, without Socket Mode, the same or another for Slack.

They open before anything else does. While the bot waits for Slack or its store, /healthz says that the
process lives, and /readyz says why it takes no traffic yet.
"""

import asyncio
import errno
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Protocol, TypeVar

import structlog
from aiohttp import web as http

from bot.clock import Clock
from bot.errors import Misconfigured, Permanent, Temporary
from bot.metrics import METRICS_TYPE, Metrics
from bot.settings import Settings
from bot.slack.inbound.http_connections import Gate
from bot.slack.inbound.http_receiver import MAX_BODY, HttpReceiver

T = TypeVar("T")
LAST_WORDS = 3.0
"""Seconds that requests get to be answered when the port is closed."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two tries of what is needed to start."""
UNREAD_SECONDS = 2.0
"""Real seconds in which the rest of a refused request is taken and thrown away."""
PING_SECONDS = 2.0
"""Real seconds in which a part must answer; a probe of the kubelet waits for five."""

log = structlog.get_logger(__name__)


class Bot(Protocol):
    """What is asked of a bot that has started."""

    @property
    def alive(self) -> bool:
        """Only a restart helps if not."""

    async def not_ready(self) -> dict[str, str]:
        """Why it should get no traffic, by part."""

    async def warnings(self) -> dict[str, str]:
        """What is not as it should be, though it can answer people, by part."""

    async def exposition(self) -> bytes:
        """The metrics."""


class Waits:
    """What a start waits for. It says so, tries again, and can be broken off at any moment."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self.clock = clock
        self.metrics = metrics
        self.reasons: dict[str, str] = {}

    async def until(self, part: str, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer, as soon as there is one."""
        pause = FIRST_PAUSE
        self.reasons.setdefault(part, "is awaited")
        while True:
            try:
                answer = await ask()
            except Temporary as away:
                wait = max(pause, away.retry_after or 0.0)
                self.reasons[part] = away.what
                self.metrics.ready.labels(part).set(0)
                log.warning("the start waits", part=part, what=away.what, again_in=wait)
                await self.clock.sleep(wait)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                del self.reasons[part]
                return answer


async def looked_at(pings: Mapping[str, Callable[[], Awaitable[None]]]) -> dict[str, str]:
    """Ask all parts at once; what is wrong, by part. One that hangs holds up no answer of a probe."""
    found = await asyncio.gather(*(_trouble(ping) for ping in pings.values()))
    return {part: why for part, why in zip(pings, found, strict=True) if why is not None}


async def _trouble(ping: Callable[[], Awaitable[None]]) -> str | None:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await ping()
    except Temporary as away:
        return away.what
    except Permanent as refused:
        return refused.reason
    except TimeoutError:
        return f"has not answered for {PING_SECONDS:.0f} s"
    return None


class Front:
    """The HTTP server. `bot` and `receiver` come to it when they are there."""

    def __init__(self, settings: Settings, waits: Waits) -> None:
        self._settings = settings
        self.waits = waits
        self._runners: list[http.AppRunner] = []
        self._listening: list[asyncio.Server] = []
        self.bot: Bot | None = None
        self.receiver: HttpReceiver | None = None
        self.port = 0
        """The port of health and metrics, once it is open."""
        self.slack_port = 0
        """The port of Slack's requests, which may be the same; 0 in Socket Mode."""

    async def open(self) -> None:
        """Listen. Raises Misconfigured if a port cannot be had."""
        listen = self._settings.http
        own = [
            http.get("/healthz", self._healthz),
            http.get("/readyz", self._readyz),
            http.get("/metrics", self._exposed),
        ]
        slacks = [] if self._settings.socket_mode else [http.post("/slack/events", self._slack)]
        if listen.apart and slacks:
            self.port = await self._listen("http.port", listen.port, own)
            self.slack_port = await self._listen("http.slack_port", listen.slack_port or 0, slacks)
        else:
            self.port = await self._listen("http.port", listen.port, own + slacks)
            self.slack_port = self.port if slacks else 0
        log.info("listening", port=self.port, slack_port=self.slack_port)

    async def _listen(self, key: str, port: int, routes: list[http.RouteDef]) -> int:
        """Serve these routes on a port of their own; the port that it is. `key` names the setting."""
        gate = Gate()
        server = http.Application(client_max_size=MAX_BODY, middlewares=[gate.heard])
        server.router.add_routes(routes)
        runner = http.AppRunner(
            server, access_log=None, shutdown_timeout=LAST_WORDS, lingering_time=UNREAD_SECONDS
        )
        await runner.setup()
        gate.server = runner.server
        self._runners.append(runner)
        host = self._settings.http.host
        try:
            listening = await asyncio.get_running_loop().create_server(gate, host, port)
        except OSError as error:
            raise Misconfigured(_not_listening(key, host, port, error)) from error
        self._listening.append(listening)
        return int(listening.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no more requests; once is enough."""
        for listening in self._listening:
            listening.close()
        runners, self._runners = self._runners, []
        await asyncio.gather(*(runner.cleanup() for runner in runners))

    async def _healthz(self, _: http.Request) -> http.Response:
        alive = self.bot is None or self.bot.alive
        return http.json_response({"ok": alive}, status=200 if alive else 503)

    async def _readyz(self, _: http.Request) -> http.Response:
        if self.bot is None:
            trouble = dict(self.waits.reasons) or {"bot": "is starting"}
            return http.json_response(trouble, status=503)
        trouble, warnings = await asyncio.gather(self.bot.not_ready(), self.bot.warnings())
        if trouble:
            return http.json_response(trouble, status=503)
        return http.json_response({"ok": True} | ({"warnings": warnings} if warnings else {}))

    async def _exposed(self, _: http.Request) -> http.Response:
        bot = self.bot
        body = self.waits.metrics.exposition() if bot is None else await bot.exposition()
        return http.Response(body=body, headers={"Content-Type": METRICS_TYPE})

    async def _slack(self, request: http.Request) -> http.StreamResponse:
        if self.receiver is None:  # Slack tries again
            return http.json_response({"error": "the bot is starting"}, status=503)
        begun = time.perf_counter()
        answer = await self.receiver.handle(request)
        if answer.status == HTTPStatus.OK:
            self.waits.metrics.ack_seconds.labels("http").observe(time.perf_counter() - begun)
        return answer


def _not_listening(key: str, host: str, port: int, error: OSError) -> str:
    """What is wrong with the port, and what to write."""
    if error.errno == errno.EADDRINUSE:
        return (
            f"{key}: {port} is taken by another program on this machine; stop that one, or"
            " write another number (0 takes a free port)"
        )
    why = error.strerror or "refused"
    return (
        f"http.host, {key}: the bot cannot listen on {host}:{port} ({why}); write an address"
        " of this machine and a port from 1024 on"
    )
