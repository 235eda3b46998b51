"""Rate limits: a tier for each method, and one post a second in each channel.

Slack allows short bursts and publishes no numbers for them; the bursts here are generous: a whole
minute's worth for tiers, fifteen posts for a channel.
"""

import math
from dataclasses import dataclass
from datetime import datetime

from bot.clock import Clock

TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
SPECIAL = 5  # "hundreds per minute"
PER_MINUTE = {**TIERS, SPECIAL: 600}
READS = ("conversations.history", "conversations.replies")
SMALL_PAGE = 15
"""Of these, with one call a minute, for apps distributed outside of the Marketplace (since May 2025)."""
CHANNEL_BURST = 15
CHANNEL_PER_SECOND = 1.0


@dataclass(slots=True)
class _Bucket:
    size: float
    per_second: float
    level: float
    at: datetime

    def take(self, now: datetime) -> float:
        """Take one; zero if it may, or else the seconds until it may."""
        passed = max(0.0, (now - self.at).total_seconds())
        self.level = min(self.size, self.level + passed * self.per_second)
        self.at = now
        if self.level >= 1:
            self.level -= 1
            return 0.0
        return (1 - self.level) / self.per_second


class RateLimits:
    """Counts calls by the clock. Switch it off with `enabled = False`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self.enabled = True
        self.unlisted = False
        """The app is distributed outside of the Marketplace: its reads are slow and short."""

    def on_method(self, method: str, tier: int) -> int:
        """Zero if this call may go on, or else Retry-After in whole seconds."""
        if self.unlisted and method in READS:
            return self._take(method, size=1, per_second=1 / 60)
        per_minute = PER_MINUTE[tier]
        return self._take(method, size=max(per_minute, 10), per_second=per_minute / 60)

    def on_post(self, channel_id: str) -> int:
        """The same for a post into a channel."""
        return self._take(f"post/{channel_id}", CHANNEL_BURST, CHANNEL_PER_SECOND)

    def _take(self, key: str, size: float, per_second: float) -> int:
        if not self.enabled:
            return 0
        now = self._clock.now()
        bucket = self._buckets.setdefault(key, _Bucket(size, per_second, size, now))
        return math.ceil(bucket.take(now))
