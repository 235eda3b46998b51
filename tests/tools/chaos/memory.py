"""What people remember: since when something could be done, and how often they have done it.

What they do is written into the journal here, and what is to go wrong right after it does.
"""

from collections import Counter
from dataclasses import dataclass, field

from tests.tools.chaos import trouble
from tests.tools.chaos.ground import Ground

PATIENCE = 40.0
"""Seconds after which somebody to whom nothing has happened does it again."""
MOST = 3
"""How often somebody does the same thing."""


@dataclass(slots=True)
class Memory:
    """Everybody's memory of one run."""

    ground: Ground
    deeds: int = 0
    """How often somebody has done something that moves a restore."""
    _since: dict[str, float] = field(default_factory=dict)
    _often: Counter[str] = field(default_factory=Counter)

    def once(self, what: str, at: float | None) -> bool:
        """Is it time for this, for the first time?"""
        if at is None or self.ground.seconds < at or self._often[what]:
            return False
        self._often[what] += 1
        return True

    def again(self, what: str, delay: float) -> bool:
        """Is it time to do this, or to do it once more?"""
        now = self.ground.seconds
        since = self._since.setdefault(what, now)
        often = self._often[what]
        if often >= MOST or now < since + delay + often * PATIENCE:
            return False
        self._often[what] += 1
        return True

    def ready(self, what: str, delay: float) -> bool:
        """Is it time to do this, once and not again?"""
        return not self._often[what] and self.again(what, delay)

    async def did(self, what: str) -> None:
        """Somebody has done something; what is to follow it follows at once."""
        self.ground.note(what)
        for each in self.ground.plan.troubles:
            if each.follows == self.deeds:
                await trouble.happens(self.ground, each)
        self.deeds += 1
