"""What holds for a while: which storage classes are there, and where there is too much to list.

A check asks these once and not with every look. What decides an act is always read.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from bot.clock import Clock

CLASSES_FOR = timedelta(minutes=5)
SIZES_FOR = timedelta(hours=1)
FEW = 50
"""Objects that a look reads as a list before it is known how many they are: some 150 KB."""
MANY = 500
"""More snapshots than this are not listed by a look."""
MOST = 1000
"""Entries of one kind; when there are more, everything is asked anew."""


class Known:
    """The memory of one cluster."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._classes: dict[str, datetime] = {}
        self._pages: dict[tuple[str, str], tuple[datetime, int]] = {}

    def classes(self, wanted: Collection[str]) -> tuple[str, ...]:
        """Those of these storage classes that were there a short time ago."""
        now = self._clock.now()
        return tuple(each for each in wanted if each in self._classes and now < self._classes[each])

    def saw_classes(self, there: Collection[str]) -> None:
        """They were read just now."""
        if len(self._classes) + len(there) > MOST:
            self._classes.clear()
        self._classes |= dict.fromkeys(there, self._clock.now() + CLASSES_FOR)

    def page(self, namespace: str, kind: str) -> int:
        """How many objects of this kind to list; 0 where there are too many to list them."""
        until, size = self._pages.get((namespace, kind), (self._clock.now(), FEW))
        return size if self._clock.now() < until else FEW

    def saw(self, namespace: str, kind: str, count: int, list_up_to: int = MANY) -> None:
        """There were more than the page holds; so many, and not more, are to be listed next time."""
        if len(self._pages) >= MOST:
            self._pages.clear()
        size = list_up_to if count <= list_up_to else 0
        self._pages[namespace, kind] = (self._clock.now() + SIZES_FOR, size)
