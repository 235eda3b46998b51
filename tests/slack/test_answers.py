"""What any HTTP answer means that comes in Slack's place, each in one row."""

from datetime import UTC, datetime

import pytest

from bot.slack.api.answers import (
    LONGEST_PAUSE,
    NO_PAUSE_NAMED,
    RESPONSE_URL,
    Answered,
    Failed,
    HttpAnswer,
    NotSlack,
    Reading,
    Refused,
    Slow,
    read,
)

NOW = datetime(2026, 2, 18, 16, 30, tzinfo=UTC)
POST, INFO, URL = "chat.postMessage", "users.info", RESPONSE_URL
PAGE = b"<!DOCTYPE html><title>Sign in</title>"
TOO_MANY = b'{"ok":false,"error":"ratelimited"}'
DEEP = b"[" * 100_000


def meant(
    method: str, status: int, body: bytes, kind: str = "application/json", **headers: str
) -> Reading:
    """What such an answer means."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return read(method, HttpAnswer(status, {"Content-Type": kind, **given}, body), NOW)


OK = b'{"ok":true,"ts":"1.2"}'
MAYBE = "it may have been done"
NOT = "it was not done"
ANSWERS: list[tuple[str, int, bytes, str, Reading | str]] = [
    (POST, 200, OK, "application/json", Answered({"ok": True, "ts": "1.2"})),
    (POST, 200, OK, "text/plain", Answered({"ok": True, "ts": "1.2"})),
    (POST, 200, OK, "text/html", Answered({"ok": True, "ts": "1.2"})),
    (POST, 200, b"\xef\xbb\xbf" + OK, "", Answered({"ok": True, "ts": "1.2"})),
    # A refusal is known by what it says.
    (POST, 200, b'{"ok":false,"error":"is_archived"}', "", Refused("is_archived")),
    (POST, 404, b'{"ok":false,"error":"is_archived"}', "", Refused("is_archived")),
    (POST, 200, b'{"ok":false}', "", Refused("unknown")),
    (POST, 200, b'{"ok":false,"error":["x"]}', "", Refused("unknown")),
    (POST, 200, b'{"ok":false,"error":"<!channel> hello"}', "", Refused("unknown")),
    (
        INFO,
        200,
        b'{"ok":false,"error":"missing_scope","needed":"users:read","provided":"chat:write,im:write"}',
        "",
        Refused("missing_scope", "users:read", "chat:write,im:write"),
    ),
    (
        INFO,
        200,
        b'{"ok":false,"error":"missing_scope","needed":{},"provided":"<x>"}',
        "",
        Refused("missing_scope"),
    ),
    (POST, 200, b'{"ok":false,"error":"fatal_error"}', "", Failed("fatal_error")),
    (POST, 500, b'{"ok":false,"error":"whatever"}', "", Failed("whatever")),
    (POST, 503, b'{"ok":false,"error":"service_unavailable"}', "", Refused("service_unavailable")),
    # Nobody knows what became of it.
    (POST, 200, PAGE, "text/html", MAYBE),
    (POST, 200, PAGE, "application/json", MAYBE),
    (POST, 200, b"", "application/json", MAYBE),
    (POST, 200, b"null", "application/json", MAYBE),
    (POST, 200, b"[]", "application/json", MAYBE),
    (POST, 200, b"ok", "text/plain", MAYBE),
    (POST, 200, b"{}", "application/json", MAYBE),
    (POST, 200, b"\xff\xfe", "application/json", MAYBE),
    (POST, 200, DEEP, "application/json", MAYBE),
    (POST, 200, b'{"ok":"true","ts":"1.2"}', "", MAYBE),
    (POST, 200, b'{"ok":true}', "", MAYBE),
    (POST, 200, b'{"ok":true,"ts":1.2}', "", MAYBE),
    (POST, 502, PAGE, "text/html", MAYBE),
    (POST, 503, b"", "", MAYBE),
    (POST, 408, b"", "", MAYBE),
    # It did not get there.
    (POST, 302, b"", "", NOT),
    (POST, 403, PAGE, "text/html", NOT),
    (POST, 403, b'{"error":"forbidden"}', "application/json", NOT),
    (POST, 404, b"no_service", "text/plain", NOT),
    (POST, 407, b"", "", NOT),
    # A response_url also answers in a word.
    (URL, 200, b"ok", "text/plain", Answered({})),
    (URL, 200, b'{"ok":true}', "", Answered({"ok": True})),
    (URL, 200, b"", "", MAYBE),
    (URL, 200, PAGE, "text/html", MAYBE),
    (URL, 403, b"action_prohibited", "text/plain", Refused("action_prohibited")),
    (URL, 403, PAGE, "text/html", NOT),
    (URL, 404, b'{"ok":false,"error":"used_url"}', "", Refused("used_url")),
    (URL, 404, PAGE, "text/html", Refused("expired_url")),
    (URL, 410, b"", "", Refused("expired_url")),
    # What the bot reads has its type, or it is no answer.
    (INFO, 200, b'{"ok":true,"user":[]}', "", MAYBE),
    (INFO, 200, b'{"ok":true,"user":{"team_id":{}}}', "", MAYBE),
    (INFO, 200, b'{"ok":true,"user":{"enterprise_user":"E1"}}', "", MAYBE),
    ("conversations.members", 200, b'{"ok":true,"members":null}', "", MAYBE),
    ("conversations.members", 200, b'{"ok":true,"members":[1]}', "", MAYBE),
    ("conversations.open", 200, b'{"ok":true,"channel":"D1"}', "", MAYBE),
    ("conversations.replies", 200, b'{"ok":true,"messages":["hi"]}', "", MAYBE),
    ("conversations.replies", 200, b'{"ok":true,"messages":[{"text":"hi"}]}', "", MAYBE),
    (
        "conversations.replies",
        200,
        b'{"ok":true,"messages":[{"ts":"1.2","metadata":"m"}],"response_metadata":""}',
        "",
        Answered({"ok": True, "messages": [{"ts": "1.2"}]}),
    ),
]


@pytest.mark.parametrize(("method", "status", "body", "kind", "reading"), ANSWERS)
def test_what_an_answer_means(
    method: str, status: int, body: bytes, kind: str, reading: Reading | str
) -> None:
    found = meant(method, status, body, kind)
    if isinstance(reading, str):
        assert isinstance(found, NotSlack)
        assert found.maybe == (reading == MAYBE)
        assert b"Sign in" not in found.what.encode()
    else:
        assert found == reading


LATER = "Wed, 18 Feb 2026 16:30:40 GMT"


@pytest.mark.parametrize(
    ("status", "body", "headers", "seconds"),
    [
        (429, TOO_MANY, {"Retry_After": "30"}, 30),
        (429, PAGE, {"Retry_After": "30"}, 30),
        (429, b"", {}, NO_PAUSE_NAMED),
        (200, TOO_MANY, {"Retry_After": "7"}, 7),
        (200, b'{"ok":false,"error":"rate_limited"}', {}, NO_PAUSE_NAMED),
        (429, TOO_MANY, {"Retry_After": ""}, NO_PAUSE_NAMED),
        (429, TOO_MANY, {"Retry_After": "soon"}, NO_PAUSE_NAMED),
        (429, TOO_MANY, {"Retry_After": "-1"}, NO_PAUSE_NAMED),
        (429, TOO_MANY, {"Retry_After": "nan"}, NO_PAUSE_NAMED),
        (429, TOO_MANY, {"Retry_After": "0"}, 1),
        (429, TOO_MANY, {"Retry_After": "1e300"}, LONGEST_PAUSE),
        (429, TOO_MANY, {"Retry_After": LATER}, 40),
        (429, TOO_MANY, {"Retry_After": LATER, "Date": "Wed, 18 Feb 2026 16:30:30 GMT"}, 10),
        (429, TOO_MANY, {"Retry_After": LATER, "Date": "Wed, 18 Feb 2026 17:30:30 GMT"}, 5),
        (429, TOO_MANY, {"Retry_After": "Wed, 18 Feb 2099 16:30:40 GMT"}, LONGEST_PAUSE),
    ],
)
def test_how_long_to_wait(
    status: int, body: bytes, headers: dict[str, str], seconds: float
) -> None:
    assert meant(POST, status, body, "text/html", **headers) == Slow(seconds)
