"""The kinds of trouble, by name. A kind is one function: it does it, and says what it did."""

import random
from collections.abc import Awaitable, Callable

from tests.tools.chaos.ground import Ground

Kind = Callable[[Ground, random.Random], Awaitable[str | None]]
"""Does it; says what it did, or None if there was nothing to do it to."""

KINDS: dict[str, Kind] = {}
RARE: set[str] = set()
"""Kinds that end most stories early; they are drawn less often."""
OFTEN = 3


def kind(name: str) -> Callable[[Kind], Kind]:
    """Name a kind of trouble."""

    def named(does: Kind) -> Kind:
        KINDS[name] = does
        return does

    return named
