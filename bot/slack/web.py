"""Every call to Slack's Web API goes through here, and comes back as a result or one of our errors.

What matters for posts is whether a message may have been made although no answer came: then the
error is `Uncertain`, and only a look for the message's metadata may settle it. The client must have
no retry handlers: a blind second post is a second message.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Permanent, Temporary
from bot.telemetry import Metrics

T = TypeVar("T")
Blocks = Sequence[Mapping[str, Any]]

CHANNEL_GONE = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "is_inactive",
        "messages_tab_disabled",
        "team_access_not_granted",
        "thread_not_found",
    }
)
"""Errors that say: nothing can be written in this conversation, or in this thread of it."""

_TOKEN = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}
)
_AWAY = frozenset({"service_unavailable", "request_timeout"})
_UNSURE = frozenset({"internal_error", "fatal_error"})


class Uncertain(Temporary):
    """No answer came, but Slack may have done it."""


class Web:
    """Slack's Web API with our errors."""

    def __init__(self, client: AsyncWebClient, metrics: Metrics) -> None:
        self._client = client
        self._metrics = metrics

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
        await self._run("response_url", self._post(url, {**body, **shown}))

    async def whisper(
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
        try:
            result = await doing
        except SlackApiError as refused:
            self._metrics.slack_calls.labels(method, _code(refused)).inc()
            raise _translated(method, refused) from refused
        except aiohttp.ClientConnectorError as away:
            self._metrics.slack_calls.labels(method, "unreachable").inc()
            raise Temporary(f"Slack cannot be reached ({method})") from away
        except (aiohttp.ClientError, TimeoutError) as lost:
            self._metrics.slack_calls.labels(method, "no_answer").inc()
            raise Uncertain(f"Slack did not answer ({method})") from lost
        self._metrics.slack_calls.labels(method, "ok").inc()
        return result

    async def _post(self, url: str, body: Mapping[str, Any]) -> None:
        """One POST to a response_url. Slack answers 404 when it is used up or too old."""
        session = self._client.session
        if session is None:
            raise Permanent("no_session", "the Slack client has no HTTP session")
        async with session.post(url, json=dict(body)) as answer:
            await answer.read()
            if answer.status >= 500:
                raise Uncertain("Slack did not take the answer (response_url)")
            if answer.status >= 400:
                raise Permanent("expired_url", "the response_url is used up or too old")


def _code(refused: SlackApiError) -> str:
    return str(refused.response.get("error") or refused.response.status_code)


def _translated(method: str, refused: SlackApiError) -> Temporary | Permanent:
    response, code = refused.response, _code(refused)
    if response.status_code == 429:
        wait = float(response.headers.get("Retry-After", 1))
        return Temporary(f"Slack asks to slow down ({method})", retry_after=wait)
    if code in _TOKEN:
        return Temporary(f"Slack refuses the bot's token ({code})")
    if code in _UNSURE or (response.status_code >= 500 and code not in _AWAY):
        return Uncertain(f"Slack failed ({method}: {code})")
    if code in _AWAY:
        return Temporary(f"Slack is not available ({method})")
    return Permanent(code, f"Slack refused {method}")
