"""What holds for a while: which storage classes are there, and where there is too much to list.

A check asks these once and not with every look. What decides an act is always read.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from bot.clock import Clock

CLASSES_FOR = timedelta(minutes=5)
MANY_FOR = timedelta(hours=1)
MOST = 1000
"""Entries of one kind; when there are more, everything is asked anew."""


class Known:
    """The memory of one cluster."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._classes: dict[str, datetime] = {}
        self._many: dict[tuple[str, str], datetime] = {}

    def classes(self, wanted: Collection[str]) -> tuple[str, ...]:
        """Those of these storage classes that were there a short time ago."""
        now = self._clock.now()
        return tuple(each for each in wanted if each in self._classes and now < self._classes[each])

    def saw_classes(self, there: Collection[str]) -> None:
        """They were read just now."""
        if len(self._classes) + len(there) > MOST:
            self._classes.clear()
        self._classes |= dict.fromkeys(there, self._clock.now() + CLASSES_FOR)

    def has_many(self, namespace: str, kind: str) -> bool:
        """There were too many objects of this kind to list them for one look."""
        until = self._many.get((namespace, kind))
        return until is not None and self._clock.now() < until

    def saw_many(self, namespace: str, kind: str) -> None:
        """A list was not complete with its first page."""
        if len(self._many) >= MOST:
            self._many.clear()
        self._many[namespace, kind] = self._clock.now() + MANY_FOR
