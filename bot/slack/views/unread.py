"""Restores that are under way and cannot be read: a list is not whole without saying so."""

from dataclasses import dataclass

from bot.slack.markup.mrkdwn import Mrkdwn, fill
from bot.texts import lists as texts


@dataclass(frozen=True, slots=True)
class Unread:
    """How many restores under way could not be read, of the whole workspace."""

    newer: int = 0
    """A newer release of the bot keeps them."""
    lost: int = 0
    """Their records are gone or broken."""

    @property
    def lines(self) -> list[Mrkdwn]:
        """What is said of them; nothing, where all could be read."""
        told = ((self.newer, texts.NEWER_ONE, texts.NEWER_MANY), (self.lost, *texts.LOST))
        return [
            Mrkdwn(one) if count == 1 else fill(many, count=count)
            for count, one, many in told
            if count
        ]

    def __bool__(self) -> bool:
        """There are any."""
        return bool(self.newer or self.lost)


ALL_READ = Unread()
