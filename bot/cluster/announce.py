"""Events on a VM: best effort, once, and within seconds. Nobody waits for one, and nothing hangs on it."""

import asyncio
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.cluster import bodies, names
from bot.cluster.client import Api, ApiStatusError
from bot.errors import Permanent, Temporary
from bot.restore.announcements import Announcement

MOST_SECONDS = 3.0
"""(Real) seconds."""
NOT_ALLOWED_FOR = timedelta(hours=1)
"""How long no event is tried after the cluster has said that the bot may write none."""

log = structlog.get_logger(__name__)


class Announcer:
    """Writes events in one cluster."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._not_before: datetime | None = None

    async def announce(self, told: Announcement) -> None:
        """Write it. One of that name that is there was written by an attempt before this one."""
        now = self._clock.now()
        if self._not_before is not None and now < self._not_before:
            return
        try:
            async with asyncio.timeout(MOST_SECONDS):
                path = names.core("events", told.namespace)
                await self._api.call("POST", path, body=bodies.event(told))
        except (Temporary, Permanent, TimeoutError) as refused:
            if isinstance(refused, ApiStatusError):
                if refused.rejection.reason == "AlreadyExists":
                    return
                if refused.code == 403:
                    self._not_before = now + NOT_ALLOWED_FOR
            log.info("no event was written on the VM", named=told.name, why=str(refused)[:300])
