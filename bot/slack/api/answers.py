"""What an HTTP answer of Slack means, whatever it is: the one place where it is read.

Proxies, portals and Slack's own edge stand between the bot and Slack. What comes back may be
labelled wrongly, be a page, a line of text or nothing at all. So the label is not asked, the body is.

What is not Slack's answer says nothing about Slack. With a 3xx or 4xx the request did not get there;
with any other status nobody knows whether it was done.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from bot.slack.api.error_codes import Meaning, SlackCode, meaning

Json = dict[str, Any]

RESPONSE_URL: Final = "response_url"
"""What a post to a response_url is called where the name of a method stands."""
NO_PAUSE_NAMED: Final = 5.0
"""Seconds to wait when Slack asks to slow down and does not say, in a number, for how long."""
SHORTEST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 300.0
"""An hour would be an hour in which nobody is told anything: it is asked again before."""
TOO_LONG: Final = 16 * 1024 * 1024
"""Bytes: no answer that the bot asks for comes near it."""
UNNAMED: Final = "unknown"
"""The code of a refusal that names none, or none that looks like one."""

_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")
_SCOPES: Final = re.compile(r"[a-z:._,\s-]{1,300}")
_KIND: Final = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,40}")
_MAYBE_DONE: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT})


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer as it came. The names of headers are compared without case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """Slack did it, and this is what it said: every field that the bot reads has its type."""

    said: Json


@dataclass(frozen=True, slots=True)
class Refused:
    """Slack said no, with this code. `needed`, `provided`: scopes, where one is missing."""

    code: str
    needed: str = ""
    provided: str = ""


@dataclass(frozen=True, slots=True)
class Slow:
    """Too many calls: come back after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Slack failed over it, with this code: it may have been done."""

    code: str


@dataclass(frozen=True, slots=True)
class NotSlack:
    """Somebody else's answer, or none of those that Slack gives. `maybe`: it may have been done."""

    what: str
    maybe: bool


Reading = Answered | Refused | Slow | Failed | NotSlack


def read(method: str, answer: HttpAnswer, now: datetime) -> Reading:
    """What it means. `now` is the time there, for a Retry-After that is a date."""
    said = _object_in(answer.body)
    refused = said is not None and said.get("ok") is False
    code = _code(said) if said is not None and refused else ""
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or meaning(code) is Meaning.SLOW:
        return Slow(_pause(answer.headers.get("Retry-After"), answer.headers.get("Date"), now))
    if said is not None and refused:
        if meaning(code) is Meaning.UNSURE or (
            answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and meaning(code) is not Meaning.AWAY
        ):
            return Failed(code)
        return Refused(code, _scopes(said.get("needed")), _scopes(said.get("provided")))
    fine = HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
    if said is not None and fine and said.get("ok") is True:
        tidy = _tidied(said)
        lacks = next(_lacking(method, tidy), None)
        return (
            Answered(tidy)
            if lacks is None
            else NotSlack(f"an answer without `{lacks}`", maybe=True)
        )
    if method == RESPONSE_URL and (short := _in_a_word(answer, fine=fine)) is not None:
        return short
    return _not_slack(answer, fine=fine)


def scopes_in(answer: HttpAnswer) -> frozenset[str] | None:
    """What the token may do, as the answer's header says; None if it has none."""
    named = _scopes(answer.headers.get("x-oauth-scopes"))
    return frozenset(each.strip() for each in named.split(",")) - {""} if named else None


def _object_in(body: bytes) -> Json | None:
    """The JSON object in a body, however it is labelled; None if it holds none."""
    try:
        found = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _code(said: Json) -> str:
    error = said.get("error")
    return error if isinstance(error, str) and _CODE.fullmatch(error) else UNNAMED


def _scopes(value: Any) -> str:
    """Names of scopes, as Slack lists them; they go into log lines and a metric."""
    return value if isinstance(value, str) and _SCOPES.fullmatch(value) else ""


def _in_a_word(answer: HttpAnswer, *, fine: bool) -> Answered | Refused | None:
    """A response_url also answers with a plain `ok`, or with a code; None: that is neither."""
    word = answer.body.decode("utf-8", "replace").strip()
    if fine:
        return Answered({}) if word == "ok" else None
    if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR and (
        _CODE.fullmatch(word)
    ):
        return Refused(word)
    if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return Refused(SlackCode.EXPIRED_URL)
    return None


def _not_slack(answer: HttpAnswer, *, fine: bool) -> NotSlack:
    status = answer.status
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return NotSlack("a proxy wants a password (407)", maybe=False)
    maybe = fine or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _MAYBE_DONE
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    named = kind if _KIND.fullmatch(kind) else "no type"
    body = named if answer.body.strip() else "empty"
    return NotSlack(f"an answer that is not Slack's ({status}, {body})", maybe=maybe)


# --- Retry-After ----------------------------------------------------------------------------------


def _pause(named: str | None, dated: str | None, now: datetime) -> float:
    """Seconds, from a number or a date."""
    try:
        seconds = float(named or "")
    except ValueError:
        until = _moment(named)
        if until is None:
            return NO_PAUSE_NAMED
        seconds = (until - (_moment(dated) or now)).total_seconds()
    if math.isnan(seconds) or seconds < 0:
        return NO_PAUSE_NAMED
    return min(max(seconds, SHORTEST_PAUSE), LONGEST_PAUSE)


def _moment(header: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


# --- Fields that have another type than Slack says --------------------------------------------------

_FIELDS: Final[Mapping[str, Mapping[str, type]]] = {
    "apps.connections.open": {"url": str},
    "auth.test": {"team_id": str, "user_id": str, "bot_id": str},
    "chat.getPermalink": {"permalink": str},
    "chat.postMessage": {"ts": str},
    "conversations.history": {"messages": list},
    "conversations.info": {"channel": dict},
    "conversations.members": {"members": list},
    "conversations.open": {"channel.id": str},
    "conversations.replies": {"messages": list},
    "usergroups.users.list": {"users": list},
    "users.info": {"user": dict},
}
"""What the bot reads in the answer of a method. What is not in here it reads nothing of."""
_PERHAPS: Final[Mapping[str, Mapping[str, type]]] = {
    "users.info": {
        "user.team_id": str,
        "user.enterprise_user": dict,
        "user.enterprise_user.teams": list,
    },
}
"""What may be missing or null there."""


def _lacking(method: str, said: Json) -> Iterator[str]:
    """Fields that are not there, or are not what they should be."""
    for path, kind in _FIELDS.get(method, {}).items():
        found = _at(said, path)
        if not isinstance(found, kind):
            yield path
        elif isinstance(found, list) and not all(_readable(path, each) for each in found):
            yield f"{path}[]"
    for path, kind in _PERHAPS.get(method, {}).items():
        found = _at(said, path)
        if found is not None and not isinstance(found, kind):
            yield path


def _readable(path: str, entry: Any) -> bool:
    """An entry of a list: a message with its time, or an id."""
    if path == "messages":
        return isinstance(entry, dict) and isinstance(entry.get("ts"), str)
    return isinstance(entry, str)


def _at(said: Json, path: str) -> Any:
    found: Any = said
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _tidied(said: Json) -> Json:
    """Without what the bot can do without and could not read: a cursor, and marks, of a wrong type."""
    tidy = dict(said)
    further = tidy.get("response_metadata")
    if not isinstance(further, dict) or not isinstance(further.get("next_cursor", ""), str):
        tidy.pop("response_metadata", None)
    messages = tidy.get("messages")
    if isinstance(messages, list):
        tidy["messages"] = [_marked_rightly(each) for each in messages]
    return tidy


def _marked_rightly(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    marks = message.get("metadata")
    if marks is None or (isinstance(marks, dict) and isinstance(marks.get("event_payload"), dict)):
        return message
    return {name: value for name, value in message.items() if name != "metadata"}
