"""Connections of the ports that the bot opens: so many, and none that says nothing.

aiohttp has no deadline for the headers of a request and no limit for connections: half requests would
stay open for ever, each with its memory.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

HEADER_SECONDS = 5.0
"""Real seconds from the opening of a connection until the headers of its first request are there."""
MAX_CONNECTIONS = 300
"""At once. Slack's and those of a proxy are far fewer; each holds up to 64 KiB and the body it reads."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _NoRoom(asyncio.Protocol):
    """What a connection gets that there is no room for."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()


class Gate:
    """Makes the protocol of each connection of a server; asyncio calls it for each."""

    def __init__(self) -> None:
        self.server: web.Server | None = None
        self._silent: dict[RequestHandler, asyncio.TimerHandle] = {}
        """Connections without a whole request yet, the oldest first."""

    def __call__(self) -> asyncio.Protocol:
        """A new connection; the oldest silent one makes room for it, if there is none."""
        if self.server is None:
            return _NoRoom()
        if len(self.server.connections) >= MAX_CONNECTIONS:
            oldest = next(iter(self._silent), None)
            if oldest is None:
                return _NoRoom()
            self._drop(oldest)
        handler = self.server()
        loop = asyncio.get_running_loop()
        self._silent[handler] = loop.call_later(HEADER_SECONDS, self._drop, handler)
        return handler

    @web.middleware
    async def heard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """For the application: the headers of a request have come."""
        self._speaks(request.protocol)
        return await handler(request)

    def _speaks(self, handler: RequestHandler) -> None:
        timer = self._silent.pop(handler, None)
        if timer is not None:
            timer.cancel()

    def _drop(self, handler: RequestHandler) -> None:
        self._speaks(handler)
        if handler.transport is not None:
            handler.transport.abort()
