"""Every call to Slack's Web API goes through here, and comes back as a result or one of our errors.

What matters for posts is whether a message may have been made although no answer came: then the
error is `Uncertain`, and only a look for the message's metadata may settle it. The client must have
no retry handlers: a blind second post is a second message.
"""

import json
import os
from collections.abc import Awaitable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.clock import FarClock
from bot.errors import Permanent, Temporary
from bot.slack.api.error_codes import Meaning, meaning
from bot.telemetry import Metrics

T = TypeVar("T")
Blocks = Sequence[Mapping[str, Any]]

NO_PAUSE_NAMED = 5.0
"""Seconds to wait when Slack asks to slow down and does not say, in a number, for how long."""

LONGEST_PAUSE = 3600.0
RESPONSE_URL = "response_url"
"""What a post to a response_url is called where the name of a method stands."""

log = structlog.get_logger(__name__)


class Uncertain(Temporary):
    """No answer came, but Slack may have done it."""


class TokenRefused(Temporary):
    """Slack refuses the token, with this code. It may work again once an operator has acted."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Slack refuses the bot's token ({code})")
        self.code = code


class SlackApi:
    """Slack's Web API with our errors."""

    def __init__(self, client: AsyncWebClient, metrics: Metrics, clock: FarClock) -> None:
        self._client = client
        self._metrics = metrics
        self.clock = clock
        """Slack's own, by which messages, clicks and replies are dated."""
        self.trouble: str | None = None
        """Why nothing goes out to Slack just now; None as soon as Slack has answered a call."""

    async def ping(self) -> None:
        """After trouble, ask Slack again. Raises Temporary while nothing goes out."""
        if self.trouble is not None:
            await self.call("auth.test")

    async def call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        """Call "chat.postMessage" and the like; the decoded answer.

        Raises Temporary (429 with its Retry-After, away, token trouble), Uncertain (it may have been
        done), Permanent (Slack's error code as `reason`).
        """
        function = getattr(self._client, method.replace(".", "_"))
        return await self._run(method, function(**arguments))

    async def respond(self, url: str, text: str, blocks: Blocks = ()) -> None:
        """Answer a command or click to the one who gave it, by its response_url."""
        body = {"text": text, "response_type": "ephemeral", "replace_original": False}
        shown = {"blocks": list(blocks)} if blocks else {}
        await self._run(RESPONSE_URL, self._post(url, {**body, **shown}))

    async def post_ephemeral(
        self, channel: str, user: str, text: str, thread: str | None, blocks: Blocks = ()
    ) -> None:
        """Tell one person something where they spoke."""
        shown = {"blocks": list(blocks)} if blocks else {}
        await self.call(
            "chat.postEphemeral", channel=channel, user=user, text=text, thread_ts=thread, **shown
        )

    async def direct(self, user: str) -> str:
        """The direct message channel with one person."""
        opened = await self.call("conversations.open", users=[user])
        return str(opened["channel"]["id"])

    async def _run(self, method: str, doing: Awaitable[T]) -> T:
        asked = self.clock.asked()
        try:
            result = await doing
        except SlackApiError as refused:
            self.clock.dated(refused.response.headers.get("Date"), asked)
            self._metrics.slack_calls.labels(method, _code(refused)).inc()
            error = _translated(method, refused)
            self._note(method, error.what if isinstance(error, TokenRefused) else None)
            raise error from refused
        except aiohttp.ClientConnectorError as away:
            self._metrics.slack_calls.labels(method, "unreachable").inc()
            what = f"Slack cannot be reached ({method}): {_why(away)}"
            self._note(method, what)
            raise Temporary(what) from away
        except (aiohttp.ClientError, TimeoutError) as lost:
            self._metrics.slack_calls.labels(method, "no_answer").inc()
            raise Uncertain(f"Slack did not answer ({method})") from lost
        if isinstance(result, AsyncSlackResponse):
            self.clock.dated(result.headers.get("Date"), asked)
        self._metrics.slack_calls.labels(method, "ok").inc()
        self._note(method, None)
        return result

    def _note(self, method: str, trouble: str | None) -> None:
        """Say once that nothing goes out, and once that it does again."""
        if method == RESPONSE_URL:  # another host, and no token
            return
        before, self.trouble = self.trouble, trouble
        if trouble is not None and before is None:
            log.warning("nothing goes out to Slack", what=trouble)
        if trouble is None and before is not None:
            log.info("Slack answers again")

    async def _post(self, url: str, body: Mapping[str, Any]) -> None:
        """One POST to a response_url. Slack answers 404 when it is used up or too old."""
        session = self._client.session
        if session is None:
            raise Permanent("no_session", "the Slack client has no HTTP session")
        async with session.post(url, json=dict(body)) as answer:
            said = await answer.read()
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise Uncertain("Slack did not take the answer (response_url)")
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise Permanent("expired_url", "the response_url is used up or too old")
            if (code := _refusal_in(said)) is not None:
                raise Permanent(code, "Slack refused the answer (response_url)")


def _refusal_in(said: bytes) -> str | None:
    """The code in an answer of 200 that says no; Slack answers a plain `ok` as well."""
    try:
        found = json.loads(said)
    except ValueError:
        return None
    refused = isinstance(found, dict) and found.get("ok") is False
    return str(found.get("error") or "unknown") if refused else None


def _code(refused: SlackApiError) -> str:
    return str(refused.response.get("error") or refused.response.status_code)


def _why(away: aiohttp.ClientConnectorError) -> str:
    """What the machine says about a connection that it could not make."""
    number = away.os_error.errno
    if number is not None and number > 0:
        return os.strerror(number)
    return str(away.os_error.strerror or "no connection")


def _translated(method: str, refused: SlackApiError) -> Temporary | Permanent:
    response, code = refused.response, _code(refused)
    meant = meaning(code)
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS or meant is Meaning.SLOW:
        wait = _pause(response.headers.get("Retry-After"))
        return Temporary(f"Slack asks to slow down ({method})", retry_after=wait)
    if meant is Meaning.TOKEN:
        return TokenRefused(code)
    if meant is Meaning.AWAY:
        return Temporary(f"Slack is not available ({method})")
    if meant is Meaning.UNSURE or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Uncertain(f"Slack failed ({method}: {code})")
    return Permanent(code, f"Slack refused {method}")


def _pause(named: str | None) -> float:
    try:
        return min(max(0.0, float(named or NO_PAUSE_NAMED)), LONGEST_PAUSE)
    except ValueError:
        return NO_PAUSE_NAMED
