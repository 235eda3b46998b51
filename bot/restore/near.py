"""The nearest names to one that does not exist, for "did you mean"."""

from collections.abc import Iterable

from rapidfuzz import fuzz, process

MOST = 5


def nearest(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """At most five of `names` that look like `name`, the best first."""
    found = process.extract(
        name, sorted(set(names)), scorer=fuzz.WRatio, score_cutoff=75, limit=MOST
    )
    return tuple(match for match, _, _ in found)
