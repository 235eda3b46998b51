"""Bolt's socket to Slack: known to be open only when Slack has said hello, and closed in order.

The SDK connects again by itself when a socket is lost. What is asked of Slack for it goes the way of
all calls, so that a refused app token is named, counted and shown.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from time import perf_counter, time
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.async_base_handler import AsyncBaseSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient

from bot.clock import Clock
from bot.errors import Permanent, Temporary
from bot.slack.api.client import SlackApi, TokenRefused

LAST_WORDS = 3.0
"""Seconds in which a receiver that is being closed may still acknowledge what it got before."""
PING = 10.0
"""Seconds between two pings of the SDK, and between two tries to connect again."""
TICKET = 25.0
"""Seconds that a socket's address is tried for: Slack lets it in for half a minute."""
LASTING = timedelta(minutes=1)
"""A socket that was open for so long was no failure: Slack refreshes each every few hours."""
LONGEST_PAUSE = 60.0
"""Seconds between two questions for a socket, if none of them lasts."""

log = structlog.get_logger(__name__)


class Client(SocketModeClient):
    """The SDK's client, which knows whether Slack has said hello on the socket that is open."""

    def __init__(self, token: str, gate: SlackApi, bolt: AsyncApp, clock: Clock) -> None:
        super().__init__(
            app_token=token, logger=bolt.logger, web_client=bolt.client, ping_interval=PING
        )
        self._gate = gate
        self._clock = clock
        self._opened_at: datetime | None = None
        self._not_before = clock.now()
        self._short_lived = 0
        """So many sockets in a row did not last."""
        self._unused = self.aiohttp_client_session
        self.aiohttp_client_session = gate.network.session()
        self._greeted: object | None = None
        self.greeting = asyncio.Event()
        self.refusal: str | None = None
        """Why Slack opened no socket when it was last asked."""
        self.message_listeners.append(self._heard)

    async def issue_new_wss_url(self) -> str:
        """The address of a new socket. Raises Temporary."""
        try:
            answer = await self._gate.call("apps.connections.open", app_token=self.app_token)
        except TokenRefused as refused:
            self.refusal = f"SLACK_APP_TOKEN: Slack refuses it ({refused.code})"
        except Permanent as refused:
            self.refusal = f"SLACK_APP_TOKEN: Slack opens no socket for it ({refused.reason})"
        except Temporary as away:
            self.refusal = away.what
            raise
        else:
            self.refusal = None
            url = str(answer["url"])
            self.proxy = self._gate.network.proxy_for(url)
            # The SDK would try the same one for ever, long after Slack has forgotten it.
            asyncio.get_running_loop().call_later(TICKET, self._expire, url)
            return url
        raise Temporary(self.refusal)

    async def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: FBT001, FBT002
        """The SDK's, which is forced when Slack asks to leave: if it always does so soon, after a pause."""
        left = self.current_session
        if force:
            self._put_off()
        await self._clock.sleep_until(self._not_before)
        # Meanwhile another socket may have been opened.
        await super().connect_to_new_endpoint(force and left is self.current_session)

    def _put_off(self) -> None:
        """No new socket for a while, if Slack asked to leave the last ones soon after its hello."""
        opened, self._opened_at = self._opened_at, None
        soon = opened is not None and self._clock.now() - opened < LASTING
        self._short_lived = self._short_lived + 1 if soon else 0
        if self._short_lived > 1:
            pause = min(2.0 ** (self._short_lived - 2), LONGEST_PAUSE)
            self.refusal = f"Slack has closed the last {self._short_lived} sockets soon"
            log.warning("no socket lasts", what=self.refusal, again_in=pause)
            self._not_before = self._clock.now() + timedelta(seconds=pause)

    def _expire(self, url: str) -> None:
        if self.wss_uri == url:
            self.wss_uri = None

    async def _heard(self, _client: Any, message: dict[str, Any], _raw: str | None) -> None:
        if message.get("type") == "hello":
            self._greeted, self._opened_at = self.current_session, self._clock.now()
            self.greeting.set()

    async def close(self) -> None:
        """The SDK's, and the session that it made for itself."""
        await super().close()  # type: ignore[no-untyped-call] # untyped in the SDK
        await self._unused.close()

    async def trouble(self) -> str | None:
        """Why nothing comes in by the socket; None if it is open and Slack has said hello."""
        if await self.is_connected() and self._greeted is self.current_session:
            return None
        return self.refusal or "no socket"


class SocketReceiver(AsyncBaseSocketModeHandler):
    """Bolt's socket, closed only when Slack has been told what became of what it had brought.

    Bolt's own closes at once: a click that is kept already would look like a failed one.
    """

    app: AsyncApp
    client: Client

    def __init__(
        self,
        bolt: AsyncApp,
        token: str,
        gate: SlackApi,
        theirs: Callable[[Mapping[str, Any]], bool],
        clock: Clock,
    ) -> None:
        self.app = bolt
        self._theirs = theirs
        self.acknowledged: Callable[[float], None] = lambda _: None
        """Told the seconds from the coming of an envelope to its acknowledgement."""
        self.client = Client(token, gate, bolt, clock)
        self.client.socket_mode_request_listeners.append(self.handle)
        self._in_hand: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Return when Slack has said hello. Raises Temporary if it opens no socket now."""
        self.client.wss_uri = await self.client.issue_new_wss_url()
        await self.client.connect()  # type: ignore[no-untyped-call] # untyped in the SDK
        await self.client.greeting.wait()

    async def handle(self, client: Any, req: Any) -> None:
        """Bolt's, and known to be under way until the acknowledgement is sent."""
        task = asyncio.current_task()
        if task is not None:
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)
        begun, since = time(), perf_counter()
        if self._theirs(req.payload):  # acknowledged, or Slack would bring it again
            await send_async_response(client, req, BoltResponse(status=200), begun)
            return
        answer = await run_async_bolt_app(self.app, req)
        await send_async_response(client, req, answer, begun)
        self.acknowledged(perf_counter() - since)

    async def close(self) -> None:
        """Wait a moment for the acknowledgements, then close."""
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=LAST_WORDS)
        await self.close_async()  # type: ignore[no-untyped-call] # untyped in Bolt
