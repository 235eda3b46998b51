"""Socket Mode: tickets, up to ten connections, envelopes, acks, disconnect frames.

Each envelope goes over one connection, chosen by chance. An ack counts only on the connection over
which its envelope went out: whether Slack honours others is not known, so this one does not.
"""

import asyncio
import json
import random
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from aiohttp import WSMsgType, web

from bot.playground.slack.faults import Faults
from bot.playground.slack.outgoing import Attempt, Outcome, Outgoing
from bot.playground.slack.workspace import Workspace

Json = dict[str, Any]

MAX_CONNECTIONS = 10
TICKET_LIFE = timedelta(seconds=30)
REFRESH_SECONDS = 10.0
_HOST = "applink-playground-1"
_CONNECTION_SECONDS = 18060


class Connection:
    """One open socket of the app, with the envelopes that wait for its acks."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.BaseTransport) -> None:
        self.socket = socket
        self._transport = transport
        self.closing = False
        self.farewell: asyncio.Task[None] | None = None
        self._pending: dict[str, asyncio.Future[Outcome]] = {}

    async def send(self, frame: Json) -> None:
        """Write one frame."""
        await self.socket.send_str(json.dumps(frame))

    def expect(self, envelope_id: str) -> asyncio.Future[Outcome]:
        """The future of an ack."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._pending[envelope_id] = future
        return future

    def acked(self, frame: Json) -> None:
        """Take an ack; unknown ones mean nothing."""
        future = self._pending.pop(frame.get("envelope_id", ""), None)
        if future is not None and not future.done():
            future.set_result(Outcome(ok=True, body=frame.get("payload"), status=HTTPStatus.OK))

    def forget(self, envelope_id: str) -> None:
        """Nobody waits for this ack any more."""
        self._pending.pop(envelope_id, None)

    def lost(self) -> None:
        """The socket is gone, and with it every ack it owed."""
        for future in self._pending.values():
            if not future.done():
                future.set_result(Outcome(ok=False, reason="timeout"))
        self._pending.clear()

    def cut(self) -> None:
        """Break the connection as a failing network does."""
        self.closing = True
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()


class SocketHub:
    """All open connections of the app."""

    def __init__(self, workspace: Workspace, faults: Faults) -> None:
        self._workspace = workspace
        self._faults = faults
        self._rng = random.Random(f"{workspace.team_id}/connections")
        self._tickets: dict[str, Any] = {}
        self.open: list[Connection] = []
        self.enabled = True

    def new_ticket(self) -> str:
        """A ticket that opens one connection."""
        ticket = self._workspace.ids.secret("ticket", 32, "0123456789abcdef-")
        self._tickets[ticket] = self._workspace.now() + TICKET_LIFE
        return ticket

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Hold one connection until it ends."""
        until = self._tickets.pop(request.query.get("ticket", ""), None)
        if until is None or self._workspace.now() > until:
            raise web.HTTPForbidden(text="invalid ticket")
        if self._faults.closed_sockets:
            self._faults.closed_sockets -= 1
            raise web.HTTPServiceUnavailable(text="try again")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if request.transport is None:
            return socket
        connection = Connection(socket, request.transport)
        if not self.enabled:
            await self._disconnect(connection, "link_disabled")
        elif len(self.open) >= MAX_CONNECTIONS:
            await self._disconnect(connection, "too_many_websockets")
        else:
            await self._listen(connection)
        return socket

    async def _listen(self, connection: Connection) -> None:
        self.open.append(connection)
        try:
            if not self._faults.silent_sockets:
                await connection.send(self._hello())
            if self._faults.short_sockets:
                self._faults.short_sockets -= 1
                await self._disconnect(connection, "refresh_requested")
            async for message in connection.socket:
                if message.type is WSMsgType.TEXT:
                    _read(connection, message.data)
        except ConnectionError:
            pass  # the app went away in the middle of a frame
        finally:
            self.open.remove(connection)
            connection.lost()
            if connection.farewell is not None:
                connection.farewell.cancel()

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.open),
            "debug_info": {
                "host": _HOST,
                "started": self._workspace.now().strftime("%Y-%m-%d %H:%M:%S.000"),
                "build_number": 54,
                "approximate_connection_time": _CONNECTION_SECONDS,
            },
            "connection_info": {"app_id": self._workspace.bot.app_id},
        }

    async def deliver(self, outgoing: Outgoing, attempt: Attempt, handed: asyncio.Event) -> Outcome:
        """Send one envelope and wait for its ack; a caller that waits too long cancels."""
        usable = [c for c in self.open if not c.closing and not c.socket.closed]
        if not usable:
            return Outcome(ok=False, reason="connection_failed")
        connection = self._rng.choice(usable)
        envelope_id = self._workspace.ids.uuid("envelope")
        ack = connection.expect(envelope_id)
        try:
            await connection.send(_envelope(outgoing, attempt, envelope_id))
            handed.set()
            if self._faults.drops_socket():
                connection.cut()
            return await ack
        except ConnectionError:
            return Outcome(ok=False, reason="connection_failed")
        finally:
            connection.forget(envelope_id)

    async def disconnect_all(self, reason: str) -> None:
        """Send a disconnect frame on every connection.

        After a warning nothing changes. After a request to refresh nothing more is sent, and the
        app has ten seconds to leave. Any other reason ends the connection at once.
        """
        for connection in list(self.open):
            await self._disconnect(connection, reason)

    def cut_all(self) -> None:
        """Break every connection."""
        for connection in list(self.open):
            connection.cut()

    async def close(self) -> None:
        """End every connection in good order."""
        for connection in list(self.open):
            connection.closing = True
            await connection.socket.close()

    async def _disconnect(self, connection: Connection, reason: str) -> None:
        frame: Json = {"type": "disconnect", "reason": reason, "debug_info": {"host": _HOST}}
        if reason == "too_many_websockets":
            frame["num_connections"] = len(self.open)
            frame["connection_info"] = {"app_id": self._workspace.bot.app_id}
        connection.closing = reason != "warning"
        with suppress(ConnectionResetError):  # it was breaking just then: nobody hears it
            await connection.send(frame)
        if reason == "refresh_requested":
            connection.farewell = asyncio.ensure_future(self._close_later(connection))
        elif connection.closing:
            await connection.socket.close()

    async def _close_later(self, connection: Connection) -> None:
        await self._workspace.clock.sleep(REFRESH_SECONDS)
        await connection.socket.close()


def _read(connection: Connection, data: str) -> None:
    """Whatever is no JSON object is ignored, as Slack ignores it."""
    try:
        frame = json.loads(data)
    except ValueError:
        return
    if isinstance(frame, dict):
        connection.acked(frame)


def _envelope(outgoing: Outgoing, attempt: Attempt, envelope_id: str) -> Json:
    frame = {
        "envelope_id": envelope_id,
        "payload": outgoing.payload,
        "type": outgoing.kind,
        "accepts_response_payload": outgoing.answers,
    }
    if outgoing.kind == "events_api":
        frame |= {"retry_attempt": attempt.number, "retry_reason": attempt.reason}
    return frame
