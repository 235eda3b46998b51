"""Every call to Slack's Web API goes through here, and comes back as a result or one of our errors.

What an answer means is read in one place, `bot/slack/api/answers.py`. What matters for posts is whether
a message may have been made although no answer came: then the error is `Uncertain`, and only a look for
the message's metadata may settle it. Nothing is sent twice: a blind second post is a second message.
"""

import os
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any

import aiohttp
import structlog

from bot import tracing
from bot.clock import FarClock
from bot.errors import Permanent, Temporary
from bot.metrics import Metrics
from bot.slack.api.answers import (
    RESPONSE_URL,
    Answered,
    Failed,
    HttpAnswer,
    NotSlack,
    Reading,
    Refused,
    Slow,
    read,
    scopes_in,
)
from bot.slack.api.error_codes import Meaning, SlackCode, meaning
from bot.slack.api.network import WebClient

Blocks = Sequence[Mapping[str, Any]]

log = structlog.get_logger(__name__)


class Uncertain(Temporary):
    """No answer came, or none of Slack's, but Slack may have done it."""


class NotReached(Temporary):
    """Nothing gets to Slack: no connection, or a proxy that answers in its place."""


class TokenRefused(Temporary):
    """Slack refuses the token, with this code. It may work again once an operator has acted."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Slack refuses the bot's token ({code})")
        self.code = code


class SlackRefused(Permanent):
    """Slack said no, with a code. `scope`: the app lacks it, as Slack names it; "": unnamed."""

    def __init__(self, code: str, text: str, scope: str | None = None) -> None:
        super().__init__(code, text)
        self.scope = scope

    @property
    def content_is_at_fault(self) -> bool:
        """Slack takes no such text or blocks; the conversation and the rights are well."""
        return meaning(self.reason) is Meaning.CONTENT


class SlackApi:
    """Slack's Web API with our errors."""

    def __init__(self, client: WebClient, metrics: Metrics, clock: FarClock) -> None:
        self._client = client
        self.network = client.network
        """The way on which all of it goes."""
        self._metrics = metrics
        self.clock = clock
        """Slack's own, by which messages, clicks and replies are dated."""
        self.trouble: str | None = None
        """Why nothing goes out to Slack just now; None as soon as Slack has answered a call."""
        self.scopes: frozenset[str] | None = None
        """What the token may do, as Slack has said last; None until it has."""
        self._lacking: dict[str, str] = {}

    def lacks(self, wanted: Iterable[str]) -> list[str]:
        """Those of these scopes that the token has not, and any other that Slack has asked for."""
        missing = (
            [] if self.scopes is None else [each for each in wanted if each not in self.scopes]
        )
        return list(dict.fromkeys([*missing, *filter(None, self._lacking.values())]))

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
        await self._run(RESPONSE_URL, self._client.post(url, {**body, **shown}))

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

    async def _run(self, method: str, doing: Awaitable[HttpAnswer]) -> Mapping[str, Any]:
        asked, begun = self.clock.asked(), time.perf_counter()
        try:
            with tracing.call(f"slack {method}"):
                answer = await doing
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as away:
            raise self._failed(method, NotReached(_unreached(method, _why(away))), begun) from away
        except aiohttp.ClientHttpProxyError as refused:
            why = f"the proxy says no ({refused.status})"
            raise self._failed(method, NotReached(_unreached(method, why)), begun) from refused
        except (aiohttp.ClientError, TimeoutError) as lost:
            self._count(method, "no_answer", begun)
            raise Uncertain(f"Slack did not answer ({method})") from lost
        reading = read(method, answer, self.clock.now())
        self._count(method, counted(reading), begun)
        if isinstance(reading, Answered):
            self.clock.dated(answer.headers.get("Date"), asked)
            self._note(method, None)
            self._lacking.pop(method, None)
            if (scopes := scopes_in(answer)) is not None:
                self.scopes = scopes
            return reading.said
        if not isinstance(reading, NotSlack):  # a proxy may have another clock
            self.clock.dated(answer.headers.get("Date"), asked)
        error = error_of(method, reading)
        if isinstance(error, SlackRefused) and error.scope is not None:
            self._note_scope(method, error.scope, reading)
        out = isinstance(error, TokenRefused | NotReached) or isinstance(reading, NotSlack)
        self._note(method, error.what if out and isinstance(error, Temporary) else None)
        raise error

    def _failed(self, method: str, error: NotReached, begun: float) -> NotReached:
        self._count(method, "unreachable", begun)
        self._note(method, error.what)
        return error

    def _note_scope(self, method: str, needed: str, reading: Reading) -> None:
        """Name the scope to an operator: counted each time, logged once for each method."""
        self._metrics.scopes_missing.labels(needed).inc()
        if self._lacking.get(method) != needed:
            self._lacking[method] = needed
            provided = reading.provided if isinstance(reading, Refused) else ""
            told = {"method": method, "needed": needed, "provided": provided}
            log.error("the Slack app lacks a scope", **told)

    def _count(self, method: str, result: str, begun: float) -> None:
        self._metrics.slack_answered(method, result, time.perf_counter() - begun)

    def _note(self, method: str, trouble: str | None) -> None:
        """Say once that nothing goes out, and once that it does again."""
        if method == RESPONSE_URL:  # another host, and no token
            return
        before, self.trouble = self.trouble, trouble
        if trouble is not None and before is None:
            log.warning("nothing goes out to Slack", what=trouble)
        if trouble is None and before is not None:
            log.info("Slack answers again")


def _unreached(method: str, why: str) -> str:
    return f"Slack cannot be reached ({method}): {why}"


def _why(away: aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError) -> str:
    """What the machine says about a connection that it could not make."""
    match away:
        case aiohttp.ConnectionTimeoutError():
            return "no connection in time"
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is signed by nobody whom this machine trusts"
        case _:
            number = away.os_error.errno
            if number is not None and number > 0:
                return os.strerror(number)
            return str(away.os_error.strerror or "no connection")


def counted(reading: Reading) -> str:
    """What is counted."""
    match reading:
        case Answered():
            return "ok"
        case Refused(code=code) | Failed(code=code):
            return code
        case Slow():
            return SlackCode.RATELIMITED
        case NotSlack():
            return "not_slack"


def error_of(method: str, reading: Refused | Slow | Failed | NotSlack) -> Temporary | Permanent:
    """Our error for an answer that is no yes."""
    match reading:
        case Slow(seconds=seconds):
            return Temporary(f"Slack asks to slow down ({method})", retry_after=seconds)
        case Failed(code=code):
            return Uncertain(f"Slack failed ({method}: {code})")
        case NotSlack(what=what, maybe=True):
            return Uncertain(f"Slack did not answer ({method}): {what}")
        case NotSlack(what=what):
            return NotReached(_unreached(method, what))
        case Refused(code=code):
            match meaning(code):
                case Meaning.TOKEN:
                    return TokenRefused(code)
                case Meaning.AWAY:
                    return Temporary(f"Slack is not available ({method})")
                case _ if code == SlackCode.MISSING_SCOPE:
                    lacks = f"the app lacks the scope {reading.needed or '(not named)'}"
                    return SlackRefused(code, f"Slack refused {method}: {lacks}", reading.needed)
                case _:
                    return SlackRefused(code, f"Slack refused {method}")
