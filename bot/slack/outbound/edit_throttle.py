"""When a progress card may be edited: each only now and then, and one a second in each channel.

A card that has something new asks for its turn and is given a moment. When that has come the newest
state is shown, so what happens in between needs no edit of its own, however many restores run in
one channel. The turns are kept by each process for itself: what two replicas add up to is left to
Slack, which says so with a 429 when it is too much.
"""

from datetime import datetime, timedelta

MIN_PER_CARD = timedelta(seconds=3)
"""Edits of one card are at least this far apart."""
MIN_PER_CHANNEL = timedelta(seconds=1)
"""Edits in one channel are at least this far apart."""
MAX_KEPT = 5000


class EditThrottle:
    """Gives out turns."""

    def __init__(self) -> None:
        self._edited: dict[str, datetime] = {}
        self._turns: dict[str, datetime] = {}
        self._free: dict[str, datetime] = {}

    def turn(self, channel: str, card: str, now: datetime) -> datetime:
        """When this card may be edited; if that is now, the turn is used up."""
        last = self._edited.get(card)
        if last is not None and now < last + MIN_PER_CARD:
            return last + MIN_PER_CARD
        mine = self._turns.get(card)
        if mine is None:
            mine = max(now, self._free.get(channel, now))
            self._turns[card], self._free[channel] = mine, mine + MIN_PER_CHANNEL
        if mine <= now:
            del self._turns[card]
            self._remember(card, now)
        return mine

    def forget(self, card: str) -> None:
        """This card will not be edited any more."""
        self._edited.pop(card, None)
        self._turns.pop(card, None)

    def _remember(self, card: str, now: datetime) -> None:
        if len(self._edited) >= MAX_KEPT:
            self._edited.clear()
        self._edited[card] = now
