"""Bolt's socket to Slack: known to be open only when Slack has said hello, and closed in order.

The SDK connects again by itself when a socket is lost. What is asked of Slack for it goes the way of
all calls, so that a refused app token is named, counted and shown.
"""

import asyncio
from time import time
from typing import Any

from slack_bolt.adapter.socket_mode.async_base_handler import AsyncBaseSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient

from bot.errors import Permanent, Temporary
from bot.slack.api.client import SlackApi, TokenRefused

LAST_WORDS = 3.0
"""Seconds in which a receiver that is being closed may still acknowledge what it got before."""
PING = 10.0
"""Seconds between two pings of the SDK, and between two tries to connect again."""
TICKET = 25.0
"""Seconds that a socket's address is tried for: Slack lets it in for half a minute."""


class Client(SocketModeClient):
    """The SDK's client, which knows whether Slack has said hello on the socket that is open."""

    def __init__(self, token: str, gate: SlackApi, bolt: AsyncApp) -> None:
        super().__init__(
            app_token=token, logger=bolt.logger, web_client=bolt.client, ping_interval=PING
        )
        self._gate = gate
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

    def _expire(self, url: str) -> None:
        if self.wss_uri == url:
            self.wss_uri = None

    async def _heard(self, _client: Any, message: dict[str, Any], _raw: str | None) -> None:
        if message.get("type") == "hello":
            self._greeted = self.current_session
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

    def __init__(self, bolt: AsyncApp, token: str, gate: SlackApi) -> None:
        self.app = bolt
        self.client = Client(token, gate, bolt)
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
        begun = time()
        answer = await run_async_bolt_app(self.app, req)
        await send_async_response(client, req, answer, begun)

    async def close(self) -> None:
        """Wait a moment for the acknowledgements, then close."""
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=LAST_WORDS)
        await self.close_async()  # type: ignore[no-untyped-call] # untyped in Bolt
