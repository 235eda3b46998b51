"""Slack's signed HTTP requests, let in by our own route.

Bolt's own parser takes any form body with the letters "payload" in it for an interaction, so that
`/vm-restore payload-db` would be lost. Here the raw body's signature is checked, the form is read
properly, and Bolt gets the parsed body in the mode in which it neither parses nor checks.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import Clock, SignatureVerifier

from bot.clock import FarClock


class SlacksTime(Clock):
    """Slack's own time, by which it is told whether a signed request is too old."""

    def __init__(self, slack: FarClock) -> None:
        self._slack = slack

    def now(self) -> float:
        """Seconds since 1970."""
        return self._slack.now().timestamp()


class HttpReceiver:
    """The one route that Slack posts to."""

    def __init__(self, app: AsyncApp, signing_secret: str, slack: FarClock) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret, SlacksTime(slack))

    async def handle(self, request: web.Request) -> web.Response:
        """Check, parse, dispatch; 401 for what is not signed by Slack."""
        raw = await request.read()
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return web.json_response({"error": "not UTF-8"}, status=400)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not self._is_signed(text, headers):
            return web.json_response({"error": "invalid signature"}, status=401)
        try:
            body = _parsed(text, request.content_type)
        except (ValueError, TypeError):
            return web.json_response({"error": "unreadable body"}, status=400)
        if body.get("type") == "url_verification":
            return web.json_response({"challenge": body.get("challenge")})
        if body.get("actions") == []:  # a click on nothing, over which Bolt would stumble
            return web.Response()
        request_for_bolt = AsyncBoltRequest(
            body=body,
            mode="socket_mode",
            headers={name: [value] for name, value in headers.items()},
        )
        answer = await self._app.async_dispatch(request_for_bolt)
        return web.Response(
            status=answer.status,
            text=answer.body,
            content_type="application/json" if answer.body.startswith(("{", "[")) else "text/plain",
        )

    def _is_signed(self, text: str, headers: Mapping[str, str]) -> bool:
        try:
            return self._verifier.is_valid_request(text, dict(headers))
        except ValueError:  # a time stamp that is no number
            return False


def _parsed(text: str, content_type: str) -> dict[str, Any]:
    """JSON for events; a form for commands; a form with one JSON field for interactions."""
    if content_type == "application/json":
        found = json.loads(text)
    else:
        form = dict(parse_qsl(text, keep_blank_values=True))
        found = json.loads(form["payload"]) if "payload" in form else form
    if not isinstance(found, dict):
        raise TypeError("a body is an object")
    return found
