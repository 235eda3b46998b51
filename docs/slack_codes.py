"""The table in docs/slack-codes.md: each code of Slack, and what people and operators see of it.

Nothing in it is written by hand: every answer is read by `read`, turned into our error, and given to
the core and the views. A test compares; `make codes` puts the tables between the marks of the page.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bot.errors import Permanent, Temporary
from bot.restore import workflow
from bot.restore.events import ChannelGone
from bot.restore.model import RestoreId
from bot.restore.rules import Rules
from bot.restore.target import RestoreRequest
from bot.restore.thread import ThreadRef, UserId
from bot.slack import views
from bot.slack.api.answers import Answered, HttpAnswer, read
from bot.slack.api.client import (
    NotReached,
    SlackRefused,
    TokenRefused,
    Uncertain,
    counted,
    error_of,
)
from bot.slack.api.error_codes import Meaning, SlackCode, conversation_loss, meaning

PAGE = Path(__file__).parent / "slack-codes.md"
BEGIN = "<!-- written by docs/slack_codes.py: do not edit by hand -->\n\n"
END = "\n\n<!-- end of the tables -->"
NOW = datetime(2026, 2, 18, tzinfo=UTC)
POST, WHO = "chat.postMessage", "users.info"
NEEDED = "users:read"
IN_NO_TABLE = (
    "restricted_action",
    "restricted_action_thread_locked",
    "restricted_action_read_only_channel",
    "no_permission",
    "cant_update_message",
    "edit_window_closed",
    "ekm_access_denied",
    "streaming_state_conflict",
)
"""Codes that the bot does not know by name, of which some were seen: all are treated alike."""
ODD = {
    "200, a page": (200, "<html>", ""),
    "200, empty or `null`": (200, "null", ""),
    "200, `ok` without what was asked for": (200, '{"ok":true}', ""),
    "302, of a portal": (302, "", ""),
    "403, a page of a firewall": (403, "<html>", ""),
    "407, of a proxy": (407, "", ""),
    "429, Retry-After: 30": (429, "", "30"),
    "429, no Retry-After that makes sense": (429, "", "soon"),
    "429, Retry-After: 86400": (429, "", "86400"),
    "502, a page": (502, "<html>", ""),
}


def drawn(page: str) -> str:
    """The page with the tables between the marks, whatever stood there."""
    tables = "\n".join((*_codes(), "", *_answers()))
    begin = page.index(BEGIN) + len(BEGIN)
    return page[:begin] + tables + page[page.index(END, begin - 1) :]


def _codes() -> Iterator[str]:
    yield "| codes | the bot | the owner of a restore reads, if a card was refused | who asked reads, if it was needed for the answer | an operator sees |"
    yield "|---|---|---|---|---|"
    rows: dict[tuple[str, ...], list[str]] = {}
    for code in (*sorted(SlackCode), *IN_NO_TABLE):
        cells = meaning(code).value, _owner(code), _asker(code), _operator(code)
        rows.setdefault(tuple(each.replace(code, "CODE") for each in cells), []).append(code)
    for row, codes in rows.items():
        named = ", ".join(f"`{each}`" for each in codes)
        yield f"| {' | '.join(_cell(each) for each in (named, *row))} |"


def _answers() -> Iterator[str]:
    yield "| answer | what it means | it may have been done | result | tried again after |"
    yield "|---|---|---|---|---|"
    for name, (status, body, wait) in ODD.items():
        answer = HttpAnswer(
            status, {"Retry-After": wait, "Content-Type": "text/html"}, body.encode()
        )
        reading = read(POST, answer, NOW)
        if isinstance(reading, Answered):
            raise AssertionError(name)  # noqa: TRY004 - a row that does not belong here
        error = error_of(POST, reading)
        pause = (
            f"{error.retry_after:.0f} s"
            if isinstance(error, Temporary) and error.retry_after
            else ""
        )
        said = error.what if isinstance(error, Temporary) else str(error)
        maybe = "yes" if isinstance(error, Uncertain) else "no"
        cells = (name, said, maybe, f"`{counted(reading)}`", pause)
        yield f"| {' | '.join(_cell(each) for each in cells)} |"


def _refused(code: str, method: str) -> Temporary | Permanent:
    """Our error for an answer of 200 that says no with this code."""
    body = {"ok": False, "error": code} | (
        {"needed": NEEDED} if code == SlackCode.MISSING_SCOPE else {}
    )
    reading = read(method, HttpAnswer(200, {}, json.dumps(body).encode()), NOW)
    if isinstance(reading, Answered):
        raise AssertionError(code)  # noqa: TRY004 - as above
    return error_of(method, reading)


def _owner(code: str) -> str:
    """How a restore ends that waited for an answer, where its thread is refused with this code."""
    if meaning(code) not in (Meaning.CONVERSATION_GONE, Meaning.ELSEWHERE):
        return ""
    thread_ref = ThreadRef(team="T", channel="C", thread="1.1", own_thread=True)
    restore = workflow.begin(
        id_=RestoreId("r"),
        thread_ref=thread_ref,
        owner=UserId("U1"),
        request=RestoreRequest(cluster="default", namespace="ns", vm="vm", snapshot="snap"),
        rules=Rules(),
        now=NOW,
    )
    gone = ChannelGone(conversation_loss(code), code, dm="D1")
    end = workflow.step(restore, gone, NOW).restore.outcome
    return "" if end is None else f"{end.found} {end.next}"


def _asker(code: str) -> str:
    error = _refused(code, WHO)
    if not isinstance(error, SlackRefused):
        return views.slack_down()
    return (
        views.went_wrong() if error.content_is_at_fault else views.slack_refuses(code, error.scope)
    )


def _operator(code: str) -> str:
    """Where it shows; every call is counted by its result."""
    error = _refused(code, POST)
    parts = [f'`slack_calls{{result="{code}"}}`']
    if isinstance(error, TokenRefused | NotReached):
        parts.append(f"`/readyz` 503: {error.what}")
    if isinstance(error, SlackRefused) and error.scope is not None:
        parts.append(f'`scopes_missing{{scope="{error.scope}"}}`, `check`, a warning of `/readyz`')
    return ", ".join(parts)


def _cell(text: str) -> str:
    return text.replace("<#C>", "#channel").replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
