"""What the bot has written down: its documents and its audit, read from Redis beside it."""

from dataclasses import dataclass

from bot.errors import StoreUnavailable
from bot.playground.world import World
from bot.restore.model import AuditEntry, Restore
from bot.store import Store, connect

MOST = 5
"""So many restores are told of."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One restore as it is stored."""

    restore: Restore
    audit: tuple[AuditEntry, ...]


class Records:
    """The newest restores, newest first. While Redis is away: as they were read last."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.kept: tuple[Kept, ...] = ()

    async def look(self) -> None:
        """Read them anew; the audit only of those that have changed."""
        world = self._world
        try:
            async with connect(world.redis_url) as client:
                store = Store(client, world.slack.team_id, world.clock)
                found = {each.id: each for each in await store.live()}
                found |= {each.id: each for each in await store.recent(MOST)}
                newest = sorted(found.values(), key=lambda each: each.opened_at, reverse=True)
                self.kept = tuple([await self._with_audit(store, each) for each in newest[:MOST]])
        except StoreUnavailable:
            return

    async def _with_audit(self, store: Store, restore: Restore) -> Kept:
        for known in self.kept:
            if known.restore.id == restore.id and known.restore.version == restore.version:
                return known
        entries = [entry async for entry in store.audit.read(restore=restore.id)]
        return Kept(restore, tuple(entries))
