"""What the bot logs during a run: kept for the report, and searched for what should never be there."""

import logging
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

NEVER = ("a round failed", "a background task died")
"""Log lines that say: here is a mistake in the bot."""
SHORT = 160


class Log(logging.Handler):
    """Everything that was logged since `begin`."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []
        self.mistakes: list[str] = []

    def listen(self) -> None:
        """Hear everything in this process, and let nothing reach the terminal."""
        structlog.configure(processors=[self.hear])
        logging.basicConfig(handlers=[self], level=logging.ERROR, force=True)
        logging.captureWarnings(capture=True)

    def begin(self) -> None:
        """A new run."""
        self.lines, self.mistakes = [], []

    def hear(self, _: Any, method: str, event: MutableMapping[str, Any]) -> str:
        """One line of the bot."""
        said = str(event.pop("event"))
        error = event.pop("exc_info", None)
        rest = " ".join(f"{key}={value}" for key, value in event.items())
        self.lines.append(f"{method}: {said} {rest}"[:SHORT])
        if said in NEVER:
            self.mistakes.append(f"{said} {rest}\n{_told(error)}")
        raise structlog.DropEvent

    def emit(self, record: logging.LogRecord) -> None:
        """One line of a library; the event loop's own complaints are about us."""
        self.lines.append(f"{record.name}: {record.getMessage()}"[:SHORT])
        if record.name == "asyncio":
            self.mistakes.append(f"{record.getMessage()}\n{_told(record.exc_info)}")


def _told(error: Any) -> str:
    if isinstance(error, BaseException):
        return "".join(traceback.format_exception(error))
    if isinstance(error, tuple):
        return "".join(traceback.format_exception(*error))
    return traceback.format_exc() if error else ""
