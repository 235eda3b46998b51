"""One raw call to an API server, and the one place where its failures get their meaning.

    no connection, no login, 429, a webhook that is away         NotTaken, a Temporary
    no answer in time, nonsense, 408, 5xx                        Temporary
    any other answer that is no success                          Refusal, a Permanent
    a 500 that carries the "no" of an admission webhook          Refusal, too

Rules of this file
- No act is sent twice: another try is a new round.
- An error text is made of the cluster's name, a status code and the `message` of a Status. The
  client's own exceptions are never shown or logged: they print headers, and so tokens.
- Limits of time are those of the wire, in real time, and below the lease of a worker. The limit of a
  call is for all that belongs to it: its login, its connection, its answer.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.request import getproxies

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException

from bot import __version__, tracing
from bot.clock import FarClock
from bot.cluster.answers import plain, status, wait
from bot.cluster.document import Json, items, text
from bot.cluster.forbidden import Forbidden
from bot.cluster.login import Renewal, Tls, tls
from bot.cluster.paths import asked
from bot.errors import NotTaken, NotTrusted, Permanent, Temporary
from bot.restore.observation import ApiRejection

JSON = "application/json"
ANYTHING = "*/*"
AGGREGATED = "/apis/subresources.kubevirt.io/"
"""virt-api answers here itself. Its PUTs refuse (406) an Accept header without `*/*`."""
MAX_TEXT = 1000
PAGE = 500
SECONDS = 10.0
CONNECT_SECONDS = 3.0
WATCH_OPEN_SECONDS = 20.0
WATCH_IDLE_SECONDS = 90.0
"""Bookmarks come about once a minute. A quiet stream is given up after this and opened again where
it stopped, which costs one request; a dead connection would otherwise go unnoticed."""

_REASONS = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    410: "expired",
    422: "invalid",
}
_TEMPORARY = frozenset({408, 429, 500, 502, 503, 504})
_ON_THE_WIRE = (aiohttp.ClientError, OSError, ConfigException)
# TimeoutError is an OSError. ConfigException: the login could not be renewed before the request.
_NOT_SENT = (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError, ConfigException)
_WEBHOOK_AWAY = "failed calling webhook"


class ApiStatusError(Permanent):
    """An answer that says no. Within this room each caller knows what it means to it."""

    def __init__(self, rejection: ApiRejection, *, worded: bool) -> None:
        super().__init__(_REASONS.get(rejection.code, "refused"), rejection.text)
        self.rejection = rejection
        self.code = rejection.code
        self.worded = worded
        """The body was a Kubernetes Status, not the plain text of somebody on the way."""

    @property
    def missing(self) -> bool:
        """The kind is served, this object does not exist."""
        return self.code == 404 and self.worded

    @property
    def unserved(self) -> bool:
        """The API server does not know the path at all: group, version or kind."""
        return self.code == 404 and not self.worded


_sends_left: ContextVar[int] = ContextVar("sends_left")
_may_be_sent: ContextVar[Callable[[], None]] = ContextVar("may_be_sent")


async def _count_sends(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """The last station of a request: it has its login, and goes out now.

    Keeps aiohttp from sending a PUT or DELETE again by itself after a broken connection. It may do
    so once with a read: an idle connection that the server has closed is no trouble. A read
    has no body, and so no content type, which the client's library always sets.
    """
    if request.method == "GET":
        request.headers.pop("Content-Type", None)
    if (left := _sends_left.get()) == 0:
        raise aiohttp.ServerDisconnectedError
    _sends_left.set(left - 1)
    _may_be_sent.get()()
    with tracing.call(f"kubernetes {request.method}"):
        return await send(request)


def _whenever() -> None:
    """A read may be sent at any time."""


async def _open() -> None:
    """Everybody may call."""


Gate = Callable[[], Awaitable[None]]
Counted = Callable[[tuple[str, str], str, float], None]
"""Told of every request its verb and resource, the status of its answer ("200") or "no_answer", and the
seconds until then; watches aside."""


def uncounted(_asked: tuple[str, str], _result: str, _seconds: float) -> None:
    """Nobody counts."""


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    query: Mapping[str, str]
    body: Json | None = None
    accept: str = JSON

    @property
    def aggregated(self) -> bool:
        """virt-api answers it, by its own clock, and not the API server."""
        return self.path.startswith(AGGREGATED)

    @property
    def headers(self) -> dict[str, str]:
        """What this end of the cluster's API takes."""
        return {"Accept": ANYTHING if self.aggregated else self.accept, "Content-Type": JSON}


class Api:
    """The API server of one cluster."""

    def __init__(
        self,
        cluster: str,
        configuration: Configuration,
        *,
        clock: FarClock,
        watches: int = 1,
        counted: Counted = uncounted,
    ) -> None:
        # A watch holds its connection for minutes; it must not take one from the calls.
        configuration.connection_pool_maxsize = 100 + watches
        configuration.client_session_kwargs = {
            "middlewares": (_count_sends,),
            # Looked at once: for each request a thread would look through the environment anew. And
            # without a proxy only ~/.netrc would be heeded: its login and the cluster's exclude each other.
            "trust_env": bool(getproxies()),
        }
        self.cluster = cluster
        self.forbidden = Forbidden(cluster)
        self.clock = clock
        self._counted = counted
        self.gate: Gate = _open
        """Called before each request but those of `send`; it may raise, and nothing is sent then."""
        # The client asks its hook only if it has a token: a login that came late would never be used.
        hook: Any = configuration.refresh_api_key_hook
        self._renewal = hook if isinstance(hook, Renewal) else None
        if self._renewal is not None:
            configuration.refresh_api_key_hook = None
        self._client = ApiClient(configuration)
        self._client.user_agent = f"vm-restore-bot/{__version__}"

    @property
    def tls(self) -> Tls | None:
        """How a connection to the API server begins; None without TLS."""
        return tls(self._client.configuration, self._renewal)

    async def close(self) -> None:
        """Close all connections, and end a login that is under way."""
        if self._renewal is not None:
            await self._renewal.close()
        closing: Any = self._client.close
        await closing()

    async def call(  # noqa: PLR0913 - each says one thing about the request
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        *,
        accept: str = JSON,
        before: Callable[[], None] = _whenever,
    ) -> Json:
        """Pass the gate and send one request; the parsed answer, empty if it had no body.

        `before` is called when the login is there and the request goes out, and may raise.
        """
        await self.gate()
        return await self.send(method, path, query, body, accept=accept, before=before)

    async def send(  # noqa: PLR0913 - as above
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        *,
        accept: str = JSON,
        before: Callable[[], None] = _whenever,
    ) -> Json:
        """The same without the gate, for what the gate itself has to know."""
        _sends_left.set(2 if method == "GET" else 1)
        _may_be_sent.set(before)
        request = _Request(method, path, query or {}, body, accept)
        limit = aiohttp.ClientTimeout(total=SECONDS, connect=CONNECT_SECONDS)
        begun, about = time.perf_counter(), asked(method, path)
        try:
            async with asyncio.timeout(SECONDS):
                response = await self._send(request, limit)
                raw = await response.read()
        except _ON_THE_WIRE as error:
            self._counted(about, "no_answer", time.perf_counter() - begun)
            raise self._away(error) from error
        self._counted(about, str(response.status), time.perf_counter() - begun)
        self.forbidden.answered(method, path, response.status)
        if response.status >= 300:
            raise self._failure(response, raw)
        return self._parsed(raw)

    async def get(self, path: str) -> Json | None:
        """Read one object; None if it does not exist."""
        try:
            return await self.call("GET", path)
        except ApiStatusError as refusal:
            if refusal.missing:
                return None
            raise

    async def collect(
        self, path: str, query: Mapping[str, str] | None = None, *, accept: str = JSON
    ) -> tuple[list[Json], str]:
        """Read a whole collection; its items and its resource version."""
        found: list[Json] = []
        revision = ""
        async for page in self.pages(path, query, accept=accept):
            found += items(page, "items")
            revision = text(page, "metadata", "resourceVersion")
        return found, revision

    async def pages(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        accept: str = JSON,
        size: int | None = None,
    ) -> AsyncIterator[Json]:
        """Read a collection page by page, for who does not want to hold it as a whole."""
        wanted = {**(query or {}), "limit": str(size or PAGE)}
        while True:
            page = await self._page(path, wanted, accept)
            yield page
            more = text(page, "metadata", "continue")
            if not more:
                return
            wanted["continue"] = more

    async def _page(self, path: str, query: dict[str, str], accept: str) -> Json:
        try:
            return await self.call("GET", path, query, accept=accept)
        except ApiStatusError as refusal:
            if refusal.code != 410:
                raise
            what = f"cluster {self.cluster}: a list was too old before its last page was read"
            raise Temporary(what) from refusal

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str]
    ) -> AsyncIterator[AsyncIterator[Json]]:
        """Open a watch. Its events are parsed; it ends when the server ends it or falls silent."""
        await self.gate()
        limit = aiohttp.ClientTimeout(
            total=None, connect=CONNECT_SECONDS, sock_read=WATCH_IDLE_SECONDS
        )
        _sends_left.set(1)
        _may_be_sent.set(_whenever)
        try:
            async with asyncio.timeout(WATCH_OPEN_SECONDS):
                response = await self._send(_Request("GET", path, query), limit)
        except _ON_THE_WIRE as error:
            raise self._away(error) from error
        self.forbidden.answered("WATCH", path, response.status)
        try:
            if response.status >= 300:
                raise self._failure(response, await self._rest_of(response))
            async with aclosing(self._events(response)) as events:
                yield events
        finally:
            response.close()

    async def _send(
        self, request: _Request, limit: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        if self._renewal is not None:
            await self._renewal(self._client.configuration)
        verb, url, headers, content, _ = await self._client.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query.items()),
            header_params=request.headers,
            body=request.body,
            auth_settings=["BearerToken"],
        )
        since = self.clock.asked()
        answer: Any = await self._client.call_api(
            verb, url, headers, content, _request_timeout=limit
        )
        # The client's own wrapper has no annotations; what it wraps has.
        response: aiohttp.ClientResponse = answer.response
        # A proxy that finds no server answers with a 5xx, dated by itself.
        if not request.aggregated and response.status < 500:
            self.clock.dated(response.headers.get("Date"), since)
        return response

    async def _rest_of(self, response: aiohttp.ClientResponse) -> bytes:
        try:
            async with asyncio.timeout(SECONDS):
                return await response.read()
        except _ON_THE_WIRE as error:
            raise self._away(error) from error

    async def _events(self, response: aiohttp.ClientResponse) -> AsyncGenerator[Json, None]:
        """Lines of the stream. Own splitting: a line may be longer than the reader's buffer."""
        rest = b""
        try:
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield self._parsed(line)
        except TimeoutError:
            return  # silence: the caller opens it again where it stopped
        except _ON_THE_WIRE as error:
            raise self._away(error) from error

    def _parsed(self, raw: bytes) -> Json:
        if not raw.strip():
            return {}
        try:
            found = json.loads(raw)
        except ValueError as error:
            raise Temporary(f"cluster {self.cluster}: an answer was not JSON") from error
        return found if isinstance(found, dict) else {}

    def _failure(self, response: aiohttp.ClientResponse, raw: bytes) -> Temporary | ApiStatusError:
        code, found = response.status, status(raw)
        message = text(found, "message") if found else plain(code, raw)
        if code in _TEMPORARY and not (code == 500 and "denied the request" in message):
            said = f": {message[:300]}" if found and message else ""
            what = f"cluster {self.cluster}: the API server answered {code}{said}"
            taken = code != 429 and _WEBHOOK_AWAY not in message
            return (Temporary if taken else NotTaken)(what, wait(response, found))
        reason = text(found, "reason")
        return ApiStatusError(ApiRejection(code, reason, message[:MAX_TEXT]), worded=bool(found))

    def _away(self, error: Exception) -> Temporary:
        where = f"cluster {self.cluster}: the API server"
        away = NotTaken if isinstance(error, _NOT_SENT) else Temporary
        if isinstance(error, TimeoutError):
            return away(f"{where} did not answer in time")
        if isinstance(error, aiohttp.ClientSSLError):
            return NotTrusted(f"{where} offers no TLS connection that can be trusted")
        if isinstance(error, aiohttp.ClientConnectorError):
            return away(f"{where} cannot be reached")
        if isinstance(error, ConfigException):
            return away(f"cluster {self.cluster}: the login could not be renewed")
        return away(f"{where} broke the connection off")
