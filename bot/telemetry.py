"""What the bot says about itself in log lines, and whether the clocks around it agree.

Rules of this room
- No line ever holds a token, an address that works like one, or the words of a Slack message.
  `redact` takes the first two out of every string; fields that carry words are withheld by name,
  and of a foreign error only the type and the place are told, because its text quotes its input.
- Every line of a round carries the restore, the VM and the cluster: open `about(...)` around it.
- Libraries that log what they carry below WARNING are never heard there, whatever our level is.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from bot.clock import FarClock, SharedClock
from bot.errors import BotError
from bot.metrics import Metrics

Level = Literal["debug", "info", "warning", "error"]
Style = Literal["json", "console"]

log = structlog.get_logger(__name__)

REDACTED: Final = "[redacted]"
WITHHELD: Final = "[withheld]"
WORDS: Final = frozenset(
    {"text", "typed", "message", "body", "blocks", "payload", "headers"}
    | {"token", "secret", "password"}
)
"""Log fields that would carry what people wrote, or a secret; their values are withheld."""

_QUIET: Final = ("slack_bolt", "slack_sdk", "kubernetes", "aiohttp.access")
# Bolt gives its loggers the root's level and names some of them after the app, so a level set on
# a logger is not enough: records are also known by the file that wrote them.
_QUIET_FILES: Final = re.compile(r"[/\\][a-z]+-packages[/\\](slack_bolt|slack_sdk|kubernetes)[/\\]")
_SECRETS: Final = (
    (re.compile(r"xox[a-z](?:\.xox[a-z])?-[\w-]+|xapp-[\w-]+"), REDACTED),
    (re.compile(r"(?i)\b(bearer\s+|basic\s+(?=\S{16}))[\w.~+/=-]+"), rf"\1{REDACTED}"),
    (re.compile(r"https://hooks\.slack\.com/\S+"), REDACTED),
    (re.compile(r"(wss?://[^\s?]+)\?\S+"), rf"\1?{REDACTED}"),
    (re.compile(r"(\w[\w+.-]*://)[^\s/]*@"), rf"\1{REDACTED}@"),
)


def redact(text: str) -> str:
    """The text with secrets replaced: tokens, passwords in addresses, webhook URLs."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def about(*, restore: str = "", vm: str = "", cluster: str = "") -> AbstractContextManager[None]:
    """Within it, every log line of this task carries what is given here."""
    fields = {"restore": restore, "vm": vm, "cluster": cluster}
    given = {name: value for name, value in fields.items() if value}
    return structlog.contextvars.bound_contextvars(**given)


def set_up(level: Level = "info", style: Style = "json", *, out: TextIO | None = None) -> None:
    """Send every log line, the bot's and the libraries', through one handler to standard error."""
    handler = logging.StreamHandler(out or sys.stderr)
    handler.setFormatter(_formatter(style, colours=handler.stream.isatty()))
    handler.addFilter(_may_be_heard)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_facts(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _facts() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]


def _formatter(style: Style, *, colours: bool) -> logging.Formatter:
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.ExceptionRenderer(_told),
        _clean,
        structlog.processors.JSONRenderer(default=str)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="at"),
    ]
    return structlog.stdlib.ProcessorFormatter(processors=last, foreign_pre_chain=_facts())


def _may_be_heard(record: logging.LogRecord) -> bool:
    if record.levelno >= logging.WARNING:
        return True
    return not record.name.startswith(_QUIET) and not _QUIET_FILES.search(record.pathname)


def _clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: WITHHELD if name in WORDS else _scrubbed(event[name]) for name in event}


def _scrubbed(value: Any) -> Any:
    match value:
        case bool() | int() | float() | None:
            return value
        case Mapping():
            return {str(k): WITHHELD if k in WORDS else _scrubbed(v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_scrubbed(item) for item in value]
        case _:
            return redact(str(value))


def _told(exc_info: ExcInfo) -> str:
    return "\n".join(_chain(exc_info[1]))


def _chain(error: BaseException) -> Iterator[str]:
    """Cause first, each with its place. Only our own errors and the system's may speak."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _chain(before)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _chain(one)
    thread_ref = "".join(traceback.format_tb(error.__traceback__))
    speaks = isinstance(error, BotError | OSError)
    yield f"{thread_ref}{type(error).__qualname__}{f': {error}' if speaks else ''}"


class LogCounter(logging.Handler):
    """Counts log lines from warning up, the bot's and the libraries'."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__(logging.WARNING)
        self._metrics = metrics

    def emit(self, record: logging.LogRecord) -> None:
        """One more."""
        self._metrics.logged.labels(record.levelname.lower()).inc()


@contextmanager
def counted_lines(metrics: Metrics) -> Iterator[None]:
    """Within it, log lines from warning up are counted."""
    counter = LogCounter(metrics)
    logging.getLogger().addHandler(counter)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(counter)


CLOCKS_AGREE: Final = 5.0
"""Seconds by which the clocks of two machines may differ without a word."""


class ClockWatch:
    """Says how far the clocks of Redis and of the far sides are ahead of this machine's."""

    def __init__(self, clock: SharedClock, metrics: Metrics, far: Mapping[str, FarClock]) -> None:
        self._clock = clock
        self._metrics = metrics
        self._far = far
        self._told: dict[str, float] = {}
        clock.followed = self.look

    @property
    def wrong(self) -> dict[str, str]:
        """In words, by part: those that do not agree with this machine's clock."""
        return {
            part: clock_words(ahead)
            for part, ahead in self._ahead().items()
            if abs(ahead) > CLOCKS_AGREE
        }

    def look(self) -> None:
        """Measure; a clock that has gone wrong, or is wrong by another amount, is told once."""
        for part, ahead in self._ahead().items():
            self._metrics.clock_ahead.labels(part).set(ahead)
            told = self._told.get(part, 0.0)
            if abs(ahead) <= CLOCKS_AGREE and told:
                log.info("the clocks agree again", of=part)
                del self._told[part]
            elif abs(ahead) > CLOCKS_AGREE < abs(ahead - told):
                log.warning("the clocks differ", of=part, what=clock_words(ahead))
                self._told[part] = ahead

    def _ahead(self) -> dict[str, float]:
        present = self._clock.machine.now()
        shown = {"redis": self._clock.now()}
        shown |= {part: far.now() for part, far in self._far.items() if far.known}
        return {part: (each - present).total_seconds() for part, each in shown.items()}


def clock_words(ahead: float) -> str:
    """How far another clock is from this machine's."""
    where = "ahead of" if ahead > 0 else "behind"
    return f"its clock is {abs(ahead):.0f} s {where} this machine's"
