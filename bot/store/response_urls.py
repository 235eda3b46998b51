"""The response_url of the owner's last command or click, for when no conversation takes a message.

Slack takes five posts to it within half an hour. Anybody who has the URL can post with it, so it is a
secret: it is stored here only, until it expires, and never in a document or a log line.
"""

from dataclasses import dataclass

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

from bot.store.failures import translated
from bot.store.keys import Keys

LIFE = 29 * 60
"""Seconds: a little less than Slack gives it."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where the owner can be told, and the key of the card that they were told last, if any."""

    url: str
    told: str


class Ways:
    """The last ways of one Slack workspace."""

    def __init__(self, client: Redis | RedisCluster, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def keep(self, restore: str, url: str) -> None:
        """From now on this one, with nothing told by it."""
        await self._put(restore, Way(url, ""), LIFE)

    async def of(self, restore: str) -> Way | None:
        """The way to the owner, if it is still of use."""
        with translated():
            found = await self._client.get(self._keys.way(restore))
        if not found:
            return None
        told, _, url = str(found).partition(" ")
        return Way(url, told)

    async def note(self, restore: str, card: str) -> None:
        """The owner has been told this card; the way lasts no longer for it."""
        way = await self.of(restore)
        if way is not None:
            await self._put(restore, Way(way.url, card), None)

    async def _put(self, restore: str, way: Way, life: int | None) -> None:
        with translated():
            await self._client.set(
                self._keys.way(restore), f"{way.told} {way.url}", ex=life, keepttl=life is None
            )
