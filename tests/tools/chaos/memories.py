"""What Redis held at each moment of a run, how an older state comes back, and what it forgets by that.

A copy is all keys with what is left of their lives, read by one script; it is put back in one
transaction, and every connection ends, as when another server takes over. The bot goes on running.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.playground.slack.workspace import Message
from bot.playground.world import World

ROUND = 6
"""Seconds in which a round that was under way still writes what it had decided: one step of the quiet."""
MOST = 200
"""So many copies are kept."""
_ALL = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
    found[#found + 1] = {key, redis.call('DUMP', key), redis.call('PTTL', key)}
end
return found
"""
_WRITES = ("chat.postMessage", "chat.update", "response_url", "views.publish")


@dataclass(frozen=True, slots=True)
class Copy:
    """All that Redis held from one moment to another: states count, not how long they last."""

    since: datetime
    at: datetime
    """When it was seen last."""
    keys: tuple[tuple[bytes, bytes, int], ...]
    """Name, value as DUMP gives it, and milliseconds to live; 0 means for ever."""


def _states(keys: tuple[tuple[bytes, bytes, int], ...]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value, _ in keys]


@dataclass(frozen=True, slots=True)
class Gap:
    """What Redis heard between these two moments it does not know any more."""

    since: datetime
    until: datetime

    def spans(self, moment: float) -> bool:
        """Is this moment in it? In seconds."""
        return self.since.timestamp() <= moment <= self.until.timestamp() + ROUND


@dataclass(slots=True)
class Memories:
    """The copies of one run, and the gaps that were torn."""

    world: World
    wanted: bool
    """Somebody will put one back, so copies are taken."""
    copies: list[Copy] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    async def keep(self) -> None:
        """Copy what Redis holds now; nothing while it is away."""
        if not self.wanted:
            return
        try:
            async with Redis.from_url(self.world.redis_url) as client:
                found = await client.eval(_ALL, 0)
        except RedisError:
            return
        now = self.world.clock.now()
        keys = tuple((key, value, max(0, left)) for key, value, left in sorted(found))
        last = self.copies[-1] if self.copies else None
        if last is not None and _states(last.keys) == _states(keys):
            self.copies[-1] = replace(last, at=now)
        else:
            self.copies = [*self.copies, Copy(now, now, keys)][-MOST:]

    async def put_back(self, copy: Copy | None) -> bool:
        """Redis as it was then; None: empty. False if it takes no writes just now."""
        now = self.world.clock.now()
        try:
            async with Redis.from_url(self.world.redis_url) as client:
                async with client.pipeline(transaction=True) as all_of_it:
                    all_of_it.flushall()
                    for key, value, left in copy.keys if copy is not None else ():
                        all_of_it.restore(key, left, value)
                    await all_of_it.execute()
                await client.client_kill_filter(_type="normal", skipme=True)
        except RedisError:
            return False
        since = copy.at if copy is not None else datetime.fromtimestamp(0, now.tzinfo)
        self.gaps.append(Gap(since, now))
        return True

    @property
    def torn(self) -> bool:
        """Redis has forgotten something in this run."""
        return bool(self.gaps)

    def forgot(self, message: Message) -> bool:
        """The message was posted or changed in a gap: the document may not know what it shows."""
        this_card = (message.channel.id, message.ts)
        moments = [float(message.ts)] + [
            call.at.timestamp()
            for call in self.world.slack.log
            if call.method in _WRITES
            and (call.args.get("channel"), call.args.get("ts")) == this_card
        ]
        return any(gap.spans(moment) for gap in self.gaps for moment in moments)
