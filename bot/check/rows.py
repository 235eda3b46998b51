"""A row of the check: what was looked at, how it is, and how to fix it; and rows as a table or JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum

from bot.telemetry import CLOCKS_AGREE, clock_words


class Grade(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One row: what was looked at, how it is, and how to fix it."""

    part: str
    grade: Grade
    found: str
    fix: str = ""


def table(findings: Sequence[CheckRow]) -> str:
    """The findings in columns, each fix in a line of its own."""
    width = max(len(each.part) for each in findings)
    lines = []
    for each in findings:
        lines.append(f"{each.part:<{width}}  {each.grade:<4}  {each.found}")
        if each.fix:
            lines.append(f"{'':<{width}}        to fix: {each.fix}")
    return "\n".join(lines)


def as_json(findings: Sequence[CheckRow]) -> str:
    """The findings as a JSON list, for scripts."""
    return json.dumps([asdict(each) for each in findings], indent=2)


def clock(part: str, ahead: timedelta) -> list[CheckRow]:
    """A row, if that clock and this machine's do not agree."""
    seconds = ahead.total_seconds()
    if abs(seconds) <= CLOCKS_AGREE:
        return []
    fix = "let NTP set the clock of this machine and of the other one"
    return [CheckRow(part, Grade.WARN, clock_words(seconds), fix)]
