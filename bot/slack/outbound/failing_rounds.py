"""Rounds of a restore that fail one after the other: its owner is told, by a way that is not theirs.

Each process counts for itself, so that an owner may hear it once from each replica.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.errors import Permanent, Temporary
from bot.metrics import Metrics
from bot.restore.model import Restore, RestoreId
from bot.slack import views
from bot.slack.api.client import SlackApi
from bot.store.response_urls import Ways

BROKEN_FOR = timedelta(minutes=1)
"""So long after the first round that broke off the owner is told, if none went well since."""
UNSAID_FOR = timedelta(minutes=5)
"""The same, if Slack does not take what is to be said: it may be away for some minutes."""
AT_LEAST = 3
"""Rounds that failed one after the other; with one or two the next one may well go right."""
TELL_AGAIN = timedelta(minutes=1)
"""When it is tried again to tell somebody whom nothing reached."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Failures:
    since: datetime
    count: int = 0
    told: bool = False
    next_try: datetime | None = None


class FailingRounds:
    """Counts them, and tells."""

    def __init__(self, web: SlackApi, ways: Ways, clock: Clock, metrics: Metrics) -> None:
        self._web = web
        self._ways = ways
        self._clock = clock
        self._metrics = metrics
        self._failing: dict[RestoreId, _Failures] = {}

    def went_well(self, restore: RestoreId) -> None:
        """A round did all that it was to do."""
        self._failing.pop(restore, None)

    async def failed(self, restore: Restore, *, unsaid: bool = False) -> None:
        """A round broke off, or (`unsaid`) could not say all in its thread."""
        now = self._clock.now()
        known = self._failing.setdefault(restore.id, _Failures(now))
        known.count += 1
        early = known.count < AT_LEAST or now < known.since + (UNSAID_FOR if unsaid else BROKEN_FOR)
        waits = known.next_try is not None and now < known.next_try
        if early or waits or known.told or restore.closed:
            return
        log.error("the rounds of a restore keep failing", restore=restore.id, times=known.count)
        self._metrics.failing.inc()
        known.told = await self._tell(restore)
        known.next_try = now + TELL_AGAIN

    async def _tell(self, restore: Restore) -> bool:
        """In a direct message, or by the response_url of what the owner did last."""
        said = views.stuck(restore)
        try:
            direct = await self._web.direct(restore.owner)
            await self._web.call(
                "chat.postMessage", channel=direct, text=said.text, blocks=list(said.blocks)
            )
        except (Permanent, Temporary):
            return await self._by_response_url(restore)
        return True

    async def _by_response_url(self, restore: Restore) -> bool:
        said = views.stuck(restore)
        try:
            way = await self._ways.of(restore.id)
            if way is None:
                return False
            await self._web.respond(way.url, said.text, said.blocks)
        except (Permanent, Temporary):
            return False
        return True
