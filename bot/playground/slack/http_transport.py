"""Signed HTTP delivery: the other way in which Slack talks to an app.

The signature's timestamp is by the clock of this Slack. A test whose app goes by the clock of the wall, or
that checks old signatures, sets `stamp`.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.playground.slack.outgoing import FIRST, Attempt, Outcome, Outgoing
from bot.playground.slack.payloads import LEGACY_TOKEN
from bot.playground.slack.workspace import Workspace

Json = dict[str, Any]

_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"
_FORM = "application/x-www-form-urlencoded"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's signature of a request."""
    signed = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


class HttpTransport:
    """Posts to the app's request URL."""

    def __init__(self, workspace: Workspace, signing_secret: str) -> None:
        self._workspace = workspace
        self._secret = signing_secret
        self._session: aiohttp.ClientSession | None = None
        self.url = ""
        self.stamp: Callable[[], float] = lambda: workspace.now().timestamp()

    async def deliver(self, outgoing: Outgoing, attempt: Attempt, handed: asyncio.Event) -> Outcome:
        """Post one payload and judge the answer; a caller that waits too long cancels."""
        kind, body = _encoded(outgoing)
        handed.set()
        try:
            return await self._post(kind, body, attempt, answers=outgoing.kind != "events_api")
        except TimeoutError:
            return Outcome(ok=False, reason="http_timeout")
        except (aiohttp.ClientConnectionError, ConnectionError):
            return Outcome(ok=False, reason="connection_failed")
        except aiohttp.ClientError:
            return Outcome(ok=False, reason="unknown_error")

    async def verify(self) -> bool:
        """The handshake of a new request URL: the app must send the challenge back."""
        challenge = self._workspace.ids.secret("challenge", 52)
        body = {"token": LEGACY_TOKEN, "challenge": challenge, "type": "url_verification"}
        encoded = json.dumps(body).encode()
        outcome = await self._post("application/json", encoded, FIRST, answers=True)
        answer = outcome.body
        if isinstance(answer, dict):
            answer = answer.get("challenge")
        return outcome.ok and answer == challenge

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, kind: str, body: bytes, attempt: Attempt, *, answers: bool) -> Outcome:
        if self._session is None:
            limit = aiohttp.ClientTimeout(total=30)
            self._session = aiohttp.ClientSession(timeout=limit)
        headers = self._headers(kind, body, attempt)
        async with self._session.post(
            self.url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            text = await answer.text()
            ok = answer.status == HTTPStatus.OK if answers else answer.status // 100 == 2
            if not ok:
                final = answer.headers.get("x-slack-no-retry") == "1"
                return Outcome(ok=False, reason="http_error", final=final, status=answer.status)
            return Outcome(ok=True, body=_decoded(answer.headers, text), status=answer.status)

    def _headers(self, kind: str, body: bytes, attempt: Attempt) -> dict[str, str]:
        timestamp = str(int(self.stamp()))
        headers = {
            "Content-Type": kind,
            "User-Agent": _AGENT,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._secret, timestamp, body),
        }
        if attempt.number:
            headers["X-Slack-Retry-Num"] = str(attempt.number)
            headers["X-Slack-Retry-Reason"] = attempt.reason
        return headers


def _encoded(outgoing: Outgoing) -> tuple[str, bytes]:
    match outgoing.kind:
        case "events_api":
            return "application/json", json.dumps(outgoing.payload).encode()
        case "slash_commands":
            return _FORM, urlencode(outgoing.payload).encode()
        case "interactive":
            return _FORM, urlencode({"payload": json.dumps(outgoing.payload)}).encode()


def _decoded(headers: Mapping[str, str], text: str) -> Any:
    """An answer may be empty, plain text, a form or JSON."""
    if not text:
        return None
    kind = headers.get("Content-Type", "")
    if kind.startswith("application/json"):
        return json.loads(text)
    if kind.startswith(_FORM) and text.startswith("challenge="):
        return {"challenge": text.removeprefix("challenge=")}
    return text
