"""Moments as Redis keeps them: whole milliseconds since 1970."""

from datetime import UTC, datetime, timedelta

from bot.clock import Clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def passed(moment: datetime) -> int:
    """The present, rounded down: no millisecond counts before it is over."""
    return (moment - _EPOCH) // _MS


def now(clock: Clock) -> str | int:
    """The present as an argument of a script: '' for the server's own time."""
    told = clock.told()
    return "" if told is None else passed(told)


def due(moment: datetime) -> int:
    """A time to come, rounded up: a look must not fall a fraction before its deadline."""
    return -((_EPOCH - moment) // _MS)


def due_or_nothing(moment: datetime | None) -> str | int:
    """The same as an argument of a script, where no time is an empty string."""
    return "" if moment is None else due(moment)


def moment(ms: str | float) -> datetime:
    """The moment of a stored number."""
    return _EPOCH + timedelta(milliseconds=int(float(ms)))


def length(span: timedelta) -> int:
    """How long something lasts, in ms."""
    return span // _MS


def ahead(now: datetime, theirs: int, following: str | float) -> datetime:
    """The moment of a stored number by our clock: it was `now` when it was `theirs` in Redis."""
    return moment(passed(now) + int(float(following)) - theirs)
