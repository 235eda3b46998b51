"""Which choice each open form was drawn for last, so that an older one is not drawn over it.

Slack draws a form only if it still has the hash that the app knows, and tells nobody but the one who
has drawn it what its hash is now.
"""

from dataclasses import dataclass

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

from bot.store.failures import translated
from bot.store.keys import Keys

LIFE = 24 * 60 * 60
"""Seconds: nobody keeps a form open for longer."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """When the choice was made (Slack's `action_ts`), and the form's hash since then."""

    ts: str
    hash: str


class DrawnForms:
    """The open forms of one installation."""

    def __init__(self, client: Redis | RedisCluster, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def last(self, view: str) -> Drawn | None:
        """The last one of this form; None if it stands as it was opened."""
        with translated():
            found = await self._client.get(self._keys.form(view))
        if not found:
            return None
        ts, _, known = str(found).partition(" ")
        return Drawn(ts, known)

    async def note(self, view: str, drawn: Drawn) -> None:
        """It was drawn."""
        with translated():
            await self._client.set(self._keys.form(view), f"{drawn.ts} {drawn.hash}", ex=LIFE)
