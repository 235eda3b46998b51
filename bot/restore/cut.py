"""Lists that people read are counted first and cut then: this is the one place of the core that does it."""

from collections.abc import Sequence

from bot.texts import general


def named(words: Sequence[str], most: int) -> str:
    """At most so many of these, separated by commas, "and N more" for the rest."""
    listed, rest = ", ".join(words[:most]), len(words) - most
    return general.AND_MORE.format(names=listed, count=rest) if rest > 0 else listed


def told(sentences: Sequence[str], most: int) -> list[str]:
    """At most so many of these sentences of one kind, and one that counts the rest."""
    rest = len(sentences) - most
    counted = [general.SAME_OF_MORE.format(count=rest)] if rest > 0 else []
    return [*sentences[:most], *counted]
