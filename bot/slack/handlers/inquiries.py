"""Somebody asks why a restore does not go on, or for its summary: an answer for them alone.

Everybody who sees the thread may ask. Nothing of the restore changes.
"""

from datetime import timedelta

from bot.errors import Permanent, Temporary
from bot.restore.diagnosis import times
from bot.restore.diagnosis.model import Diagnosis
from bot.restore.diagnosis.rules import diagnose
from bot.restore.events import Button
from bot.restore.model import Restore, RestoreId
from bot.slack import views
from bot.slack.context import SlackContext
from bot.slack.outbound.replies import Caller
from bot.texts import refusals

INQUIRIES = frozenset({Button.WHY, Button.SUMMARY})
"""Buttons that only read."""
YOUNG = timedelta(seconds=10)
"""What was read so lately is told again: many may ask at once."""
MAX_KEPT = 100


class Inquiries:
    """Answers the two buttons."""

    def __init__(self, context: SlackContext) -> None:
        self._inquire = context.inquire
        self._responder = context.responder
        self._clock = context.clock
        self._latest: dict[RestoreId, Diagnosis] = {}

    async def answer(self, caller: Caller, restore: Restore, button: Button) -> None:
        """Answer the one who pressed it."""
        if button is Button.SUMMARY:
            await self._responder.reply(caller, views.summary(restore))
            return
        try:
            diagnosis = await self._diagnosis(restore)
        except (Temporary, Permanent) as unread:
            what = unread.what if isinstance(unread, Temporary) else unread.text
            await self._responder.reply(caller, views.nothing_read(restore, what))
            return
        stalled = times.stands_still(restore, self._clock.now())
        await self._responder.reply(caller, views.why(restore, diagnosis, stalled=stalled))

    async def _diagnosis(self, restore: Restore) -> Diagnosis:
        now = self._clock.now()
        known = self._latest.get(restore.id)
        if known is not None and now - known.at < YOUNG:
            return known
        inquire = self._inquire.get(restore.request.cluster)
        if inquire is None:
            gone = refusals.NOT_CONFIGURED.format(cluster=restore.request.cluster)
            raise Permanent("unknown_cluster", gone)
        found = diagnose(await inquire(restore))
        if len(self._latest) >= MAX_KEPT:
            self._latest.clear()
        self._latest[restore.id] = found
        return found
