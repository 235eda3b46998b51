"""Slack's signed HTTP requests, let in by our own route.

Bolt's own parser takes any form body with the letters "payload" in it for an interaction, so that
`/vm-restore payload-db` would be lost. Here the raw body's signature is checked, the form is read
properly, and Bolt gets the parsed body in the mode in which it neither parses nor checks.

Anybody may knock. So the headers are looked at before a byte of the body is read, the body has a limit
and a deadline, and each refusal is counted by its cause.
"""

import asyncio
import json
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import Clock, SignatureVerifier

from bot.clock import FarClock
from bot.slack.api.directory import Workspace
from bot.slack.inbound.refusals import RefusalCause, Refusals, belongs_elsewhere

TYPES = frozenset({"application/json", "application/x-www-form-urlencoded"})
MAX_BODY = 512 * 1024
"""Bytes. A message of 40,000 characters, twice, all of them escaped, is less."""
BODY_SECONDS = 5.0
"""Real seconds in which a body must have come: Slack waits for three, for all of it."""
OLD = 300.0
"""Seconds by which a request may be off by Slack's clock."""
SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_WORDS = {
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "neither JSON nor a form",
    HTTPStatus.UNAUTHORIZED: "invalid signature",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too large",
    HTTPStatus.REQUEST_TIMEOUT: "too slow",
    HTTPStatus.BAD_REQUEST: "unreadable body",
    HTTPStatus.FORBIDDEN: "not for this installation",
}
"""What is answered, which is nothing about the inside."""
_STATUS = {
    RefusalCause.WRONG_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    RefusalCause.NOT_SIGNED: HTTPStatus.UNAUTHORIZED,
    RefusalCause.TOO_OLD: HTTPStatus.UNAUTHORIZED,
    RefusalCause.TOO_NEW: HTTPStatus.UNAUTHORIZED,
    RefusalCause.BAD_SIGNATURE: HTTPStatus.UNAUTHORIZED,
    RefusalCause.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RefusalCause.TOO_SLOW: HTTPStatus.REQUEST_TIMEOUT,
    RefusalCause.UNREADABLE: HTTPStatus.BAD_REQUEST,
    RefusalCause.OTHER_APP: HTTPStatus.FORBIDDEN,
    RefusalCause.OTHER_WORKSPACE: HTTPStatus.FORBIDDEN,
}


class HttpRefusal(Exception):
    """The request is not taken, for this cause."""

    def __init__(self, cause: RefusalCause, **details: object) -> None:
        super().__init__(cause)
        self.cause = cause
        self.details = details


class SlacksTime(Clock):
    """Slack's own time, by which it is told whether a signed request is too old."""

    def __init__(self, slack: FarClock) -> None:
        self._slack = slack

    def now(self) -> float:
        """Seconds since 1970."""
        return self._slack.now().timestamp()


class HttpReceiver:
    """The one route that Slack posts to."""

    def __init__(
        self,
        app: AsyncApp,
        signing_secret: str,
        home: Workspace,
        slack: FarClock,
        refusals: Refusals,
    ) -> None:
        self._app = app
        self._time = SlacksTime(slack)
        self._verifier = SignatureVerifier(signing_secret, self._time)
        self._home = home
        self._refusals = refusals

    async def handle(self, request: web.Request) -> web.Response:
        """Check, parse, dispatch; 4xx for what is not Slack's, or not for this installation."""
        try:
            headers = self._head(request)
            body = self._body(await _text(request), request.content_type, headers)
        except HttpRefusal as refused:
            return self._no(refused.cause, **refused.details)
        if body.get("type") == "url_verification":
            return web.json_response({"challenge": body.get("challenge")})
        if body.get("actions") == []:  # a click on nothing, over which Bolt would stumble
            return web.Response()
        return await self._dispatched(body, headers)

    async def _dispatched(self, body: dict[str, Any], headers: dict[str, str]) -> web.Response:
        try:
            request = AsyncBoltRequest(
                body=body,
                mode="socket_mode",
                headers={name: [value] for name, value in headers.items()},
            )
            answer = await self._app.async_dispatch(request)
        except (AttributeError, LookupError, TypeError, ValueError) as odd:
            return self._no(RefusalCause.UNREADABLE, error=type(odd).__name__)
        if answer.status == HTTPStatus.BAD_REQUEST:
            self._refusals.note(RefusalCause.UNREADABLE)
        return web.Response(
            status=answer.status,
            text=answer.body,
            content_type="application/json" if answer.body.startswith(("{", "[")) else "text/plain",
        )

    def _head(self, request: web.Request) -> dict[str, str]:
        """The headers, in small letters. Raises HttpRefusal for what Slack does not send."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        if request.content_type not in TYPES:
            raise HttpRefusal(RefusalCause.WRONG_TYPE)
        if (request.content_length or 0) > MAX_BODY:
            raise HttpRefusal(RefusalCause.TOO_LARGE, bytes=request.content_length)
        stamp = headers.get("x-slack-request-timestamp", "")
        signature = headers.get("x-slack-signature", "")
        if not (stamp.isascii() and stamp.isdigit() and SIGNATURE.fullmatch(signature)):
            raise HttpRefusal(RefusalCause.NOT_SIGNED)
        late = self._time.now() - int(stamp)
        if abs(late) > OLD:
            cause = RefusalCause.TOO_OLD if late > 0 else RefusalCause.TOO_NEW
            raise HttpRefusal(cause, seconds=round(late))
        return headers

    def _body(self, text: str, content_type: str, headers: dict[str, str]) -> dict[str, Any]:
        """What is said, to this installation. Raises HttpRefusal."""
        if not self._verifier.is_valid_request(text, headers):
            raise HttpRefusal(RefusalCause.BAD_SIGNATURE)
        body = _parsed(text, content_type)
        if cause := belongs_elsewhere(body, self._home):
            raise HttpRefusal(cause)
        return body

    def _no(self, cause: RefusalCause, **details: object) -> web.Response:
        self._refusals.note(cause, **details)
        status = _STATUS[cause]
        answer = web.json_response({"error": _WORDS[status]}, status=status)
        if cause is not RefusalCause.UNREADABLE:
            answer.force_close()
        return answer


async def _text(request: web.Request) -> str:
    """The body. Raises HttpRefusal if it is too large, too slow or no text."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return (await request.read()).decode()
    except TimeoutError:
        raise HttpRefusal(RefusalCause.TOO_SLOW) from None
    except web.HTTPRequestEntityTooLarge:
        raise HttpRefusal(RefusalCause.TOO_LARGE) from None
    except UnicodeDecodeError:
        raise HttpRefusal(RefusalCause.UNREADABLE) from None


def _parsed(text: str, content_type: str) -> dict[str, Any]:
    """JSON for events; a form for commands; a form with one JSON field for interactions."""
    try:
        if content_type == "application/json":
            found = json.loads(text)
        else:
            form = dict(parse_qsl(text, keep_blank_values=True))
            found = json.loads(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError):
        raise HttpRefusal(RefusalCause.UNREADABLE) from None
    if not isinstance(found, dict):
        raise HttpRefusal(RefusalCause.UNREADABLE)
    return found
