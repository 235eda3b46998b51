"""How often one person, and one channel, may ask for what costs work; more is dropped for a minute.

Answers to a restore's questions, clicks, and what ends a restore or hands it over are never counted. A
restore that is asked for counts for its person only, so that no channel keeps anybody from it.

Counted in this process: each replica takes as many. A count in Redis would cost every request a command,
to bound what a few replicas can bear. The bucket is taken before Slack or a cluster is asked anything.
"""

from datetime import datetime, timedelta

from bot.request import ParsedRequest, Verb
from bot.restore.thread import UserId
from bot.slack import views
from bot.slack.context import SlackContext
from bot.slack.inbound.refusals import RefusalCause, Refusals
from bot.slack.outbound.replies import Caller
from bot.store.records import Delivery

MINUTE = timedelta(minutes=1)
MAX_KNOWN = 1000
"""Of so many people or channels more is known than that they rest."""
_ABOUT_A_RESTORE = frozenset({Verb.CANCEL, Verb.TAKE_OVER, Verb.NONE})


class Buckets:
    """A bucket of requests for each key: full at first, filled evenly within a minute.

    One that is found empty is closed for a minute, and full after that.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: dict[str, tuple[float, datetime]] = {}
        """What is left, and since when; a time to come is the end of a closed minute."""

    def take(self, key: str, now: datetime) -> bool:
        """One more; False if it is one too many. Without a size nothing is."""
        if self._size == 0:
            return True
        left, since = self._known.get(key, (self._size, now))
        if since > now:
            return False
        left = min(self._size, left + (now - since) / MINUTE * self._size)
        if left < 1:
            self._note(key, self._size, now + MINUTE, now)
            return False
        self._note(key, left - 1, now, now)
        return True

    def _note(self, key: str, left: float, since: datetime, now: datetime) -> None:
        if key not in self._known and len(self._known) >= MAX_KNOWN:
            self._known = {k: v for k, v in self._known.items() if now - v[1] < MINUTE}
        self._known[key] = (left, since)


class Throttle:
    """Lets in what people ask for, or tells them once a minute that it is too much."""

    def __init__(self, context: SlackContext) -> None:
        self._responder = context.responder
        self._clock = context.clock
        self._limits = context.config.requests
        self._refusals = Refusals(context.metrics, context.clock)
        self._of_person = Buckets(self._limits.of_person)
        self._in_channel = Buckets(self._limits.in_channel)
        self._telling = Buckets(1)
        """One sentence a minute for each person."""

    async def lets_in(self, delivery: Delivery, caller: Caller, parsed: ParsedRequest) -> bool:
        """May it be dealt with? What was begun before is: it was counted then."""
        if delivery.attempts > 1 or _about_a_restore(parsed):
            return True
        over = self._over(caller.user, caller.channel, parsed)
        if over is None:
            return True
        self._refusals.note(over, by=caller.user, channel=caller.channel)
        if self._telling.take(caller.user, self._clock.now()):
            said = views.too_often(self._limits.of_person)
            if over is RefusalCause.CHANNEL_TOO_OFTEN:
                said = views.too_often_here(self._limits.in_channel)
            await self._responder.try_reply(caller, said)
        return False

    def _over(self, user: UserId, channel: str, parsed: ParsedRequest) -> RefusalCause | None:
        now = self._clock.now()
        if not self._of_person.take(user, now):
            return RefusalCause.PERSON_TOO_OFTEN
        if parsed.verb is not Verb.RESTORE and not self._in_channel.take(channel, now):
            return RefusalCause.CHANNEL_TOO_OFTEN
        return None


def _about_a_restore(parsed: ParsedRequest) -> bool:
    """It can only be about one that is open."""
    return parsed.verb in _ABOUT_A_RESTORE or (
        parsed.verb is Verb.HANDOFF and parsed.user is not None
    )
