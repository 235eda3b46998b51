"""Telemetry: lines can be searched by restore, and never hold a token or anybody's words."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot.errors import Misconfigured, Temporary
from bot.metrics import Metrics
from bot.telemetry import WORDS, about, counted_lines, redact, set_up


class Lines:
    """What was logged, one JSON object a line."""

    def __init__(self) -> None:
        self.out = io.StringIO()

    @property
    def all(self) -> list[dict[str, Any]]:
        """Every line, oldest first."""
        return [json.loads(line) for line in self.out.getvalue().splitlines()]

    @property
    def last(self) -> dict[str, Any]:
        """The newest line."""
        return self.all[-1]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging is the process's own; each test gives it back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def lines() -> Lines:
    heard = Lines()
    set_up("debug", "json", out=heard.out)
    return heard


SECRETS = [
    ("xoxb-12-34-aBc", "[redacted]"),
    ("token=xoxe.xoxb-1-abc!", "token=[redacted]!"),
    ("xapp-1-A0-12-ff0", "[redacted]"),
    ("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]"),
    ("authorization: basic dXNlcjpwYXNzd29yZA==", "authorization: basic [redacted]"),
    ("redis://user:hunter2@host:6379/0", "redis://[redacted]@host:6379/0"),
    ("rediss+sentinel://:p@ss@h/main", "rediss+sentinel://[redacted]@h/main"),
    ("wss://wss.slack.com/link/?ticket=abc&id=1", "wss://wss.slack.com/link/?[redacted]"),
    ("to https://hooks.slack.com/commands/T1/2/x3 now", "to [redacted] now"),
    ("basic information about bearers", "basic information about bearers"),
    ("restore k3f9a2b7 of production/database-01", "restore k3f9a2b7 of production/database-01"),
]


@pytest.mark.parametrize(("text", "shown"), SECRETS, ids=[shown for _, shown in SECRETS])
def test_what_opens_a_door_is_redacted_and_the_rest_stays(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_a_line_says_when_how_bad_and_where(lines: Lines) -> None:
    structlog.get_logger("bot.worker").info("round done", seconds=0.25)
    assert lines.last.pop("at").endswith("Z")
    assert {k: v for k, v in lines.last.items() if k != "at"} == {
        "event": "round done",
        "level": "info",
        "logger": "bot.worker",
        "seconds": 0.25,
    }


def test_every_line_of_a_round_carries_the_restore_and_those_after_it_do_not(lines: Lines) -> None:
    with about(restore="k3f9a2b7", vm="production/db", cluster="prod"):
        structlog.get_logger().info("of the bot")
        logging.getLogger("some.library").info("theirs")
    structlog.get_logger().info("after")
    carried = [{k: line.get(k) for k in ("restore", "vm", "cluster")} for line in lines.all]
    assert carried[0] == {"restore": "k3f9a2b7", "vm": "production/db", "cluster": "prod"}
    assert carried[1] == carried[0]
    assert carried[2] == {"restore": None, "vm": None, "cluster": None}


@pytest.mark.parametrize("field", sorted(WORDS))
def test_fields_that_carry_words_or_secrets_are_withheld(lines: Lines, field: str) -> None:
    structlog.get_logger().info("heard", **{field: "drop the database", "deep": {field: "drop"}})
    assert "drop" not in lines.out.getvalue()
    assert lines.last[field] == "[withheld]"


def test_tokens_are_redacted_wherever_they_stand(lines: Lines) -> None:
    log = structlog.get_logger()
    log.info("with xoxb-s3cret", a="xapp-s3cret", b=["xoxb-s3cret"], c={"d": {"xoxb-s3cret"}})
    logging.getLogger("aiohttp.client").warning("sent %s", "Bearer s3cret")
    assert "s3cret" not in lines.out.getvalue()
    assert len(lines.all) == 2


def test_a_foreign_error_tells_its_type_and_place_but_not_its_text(lines: Lines) -> None:
    """A ValueError quotes what it met: a message, perhaps."""
    words = "drop the database"
    try:
        _fail(words)
    except Temporary:
        structlog.get_logger().exception("round failed")
    told = lines.last["exception"]
    assert "in _fail" in told
    assert "ValueError" in told
    assert words not in lines.out.getvalue()
    assert told.endswith("Temporary: Slack is away")


def test_a_group_of_errors_is_told_one_by_one(lines: Lines) -> None:
    trouble = [OSError(111, "Connection refused"), KeyError("words")]
    group = ExceptionGroup("secret plan", trouble)
    logging.getLogger("asyncio").error("a task failed", exc_info=group)
    told = lines.last["exception"].splitlines()
    assert told[:2] == ["ConnectionRefusedError: [Errno 111] Connection refused", "KeyError"]
    assert told[-1] == "ExceptionGroup"


def _fail(met: str) -> None:
    try:
        int(met)
    except ValueError as error:
        raise Temporary("Slack is away") from error


@pytest.mark.parametrize("name", ["slack_bolt.RequestVerification", "slack_sdk.web", "kubernetes"])
def test_libraries_that_log_what_they_carry_are_heard_only_from_warning_up(
    lines: Lines, name: str
) -> None:
    """Bolt gives its loggers the level of the root, so a level set on a parent does not hold."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.DEBUG)
    logger.debug("a body")
    logger.info("a signature")
    logger.warning("disconnected")
    logger.setLevel(logging.NOTSET)
    assert [line["event"] for line in lines.all] == ["disconnected"]


def test_bolts_loggers_named_after_the_app_are_known_by_their_file(lines: Lines) -> None:
    path = "/x/.venv/lib/python3.11/site-packages/slack_bolt/app/async_app.py"
    record = logging.LogRecord("app.py:AsyncApp", logging.INFO, path, 1, "a body", None, None)
    logging.getLogger("app.py:AsyncApp").handle(record)
    path = "/x/kubernetes/bot/worker.py"
    record = logging.LogRecord("bot", logging.INFO, path, 1, "a round", None, None)
    logging.getLogger("bot").handle(record)
    assert [line["event"] for line in lines.all] == ["a round"]


def test_the_level_holds_for_our_lines() -> None:
    heard = Lines()
    set_up("warning", "json", out=heard.out)
    structlog.get_logger().info("small talk")
    structlog.get_logger().warning("trouble")
    assert [line["event"] for line in heard.all] == ["trouble"]


def test_the_console_style_is_for_people() -> None:
    out = io.StringIO()
    set_up("info", "console", out=out)
    structlog.get_logger().warning("watch lost", cluster="prod")
    assert "watch lost" in out.getvalue()
    assert "cluster=prod" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_metrics_of_two_apps_in_one_process_do_not_meet() -> None:
    one, other = Metrics(), Metrics()
    one.restores.labels(outcome="refused", reason="snapshot_not_ready").inc()
    line = 'vm_restore_restores_total{outcome="refused",reason="snapshot_not_ready"} 1.0'
    assert line in one.exposition().decode()
    assert line not in other.exposition().decode()


def test_every_metric_is_named_after_the_bot_or_the_process_and_explained() -> None:
    families = list(Metrics().registry.collect())
    assert {family.name.partition("_")[0] for family in families} == {"vm", "process"}
    assert all(family.documentation for family in families)


def test_log_lines_are_counted_from_warning_up_ours_and_those_of_libraries(lines: Lines) -> None:
    metrics = Metrics()
    with counted_lines(metrics):
        structlog.get_logger().info("a round")
        structlog.get_logger().warning("trouble")
        logging.getLogger("slack_sdk").error("disconnected")
    structlog.get_logger().error("after the end")
    counts = {
        level: metrics.registry.get_sample_value("vm_restore_logged_total", {"level": level})
        for level in ("info", "warning", "error", "critical")
    }
    assert counts == {"info": None, "warning": 1, "error": 1, "critical": 0}
    assert len(lines.all) == 4


def test_a_wrong_setting_may_speak_in_a_traceback(lines: Lines) -> None:
    error = Misconfigured("http.port: is 0")
    structlog.get_logger().error("cannot start", exc_info=error)
    assert lines.last["exception"].endswith("Misconfigured: http.port: is 0")
