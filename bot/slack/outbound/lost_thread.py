"""Where a restore goes on when its thread takes no cards any more.

The owner is told in a direct message; if Slack opens none, by the response_url of what they did
last; if that is used up, too, the log and a metric tell an operator.
"""

from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.errors import Permanent, Temporary
from bot.metrics import Metrics
from bot.restore.events import ChannelGone, ConversationLoss
from bot.restore.model import Restore
from bot.restore.thread import ThreadRef
from bot.slack import views
from bot.slack.api.client import SlackApi
from bot.slack.api.error_codes import conversation_loss
from bot.slack.outbound.thread_sync import DELETED_TS
from bot.store.records import PostedCard
from bot.store.response_urls import Ways

AGAIN, SELDOM = timedelta(minutes=1), timedelta(minutes=10)
"""When it is tried again to tell an owner whom nothing reaches: of a live restore, of an ended one."""

log = structlog.get_logger(__name__)


class LostThreads:
    """Finds the next place for the cards of a restore, or tells its owner without one."""

    def __init__(self, web: SlackApi, ways: Ways, clock: Clock, metrics: Metrics) -> None:
        self._web = web
        self._ways = ways
        self._clock = clock
        self._metrics = metrics

    async def next_place(self, restore: Restore, error: str) -> ChannelGone | datetime | None:
        """What Slack's `error` for the thread leads to.

        An event: the restore goes on in a direct message, once it is committed. A time: nothing takes
        its cards; look again then. None: the restore is over and needs no cards.
        """
        thread_ref = restore.thread_ref
        if restore.closed:
            log.info("cards that cannot be reached keep their buttons", error=error)
            return None
        loss = conversation_loss(error)
        deleted = loss is ConversationLoss.THREAD_DELETED
        if thread_ref.direct and (deleted or (thread_ref.thread and not thread_ref.flat)):
            # Its thread takes nothing, or is gone: the direct message itself may take more.
            return ChannelGone(loss, error, dm=thread_ref.channel)
        if thread_ref.direct:
            return await self._without_a_place(restore, error)
        try:
            direct = await self._web.direct(restore.owner)
        except Permanent as refused:
            return await self._without_a_place(restore, refused.reason)
        except Temporary as away:
            log.warning("no direct message could be opened", what=away.what)
            return self._clock.now() + AGAIN
        return ChannelGone(loss, error, dm=direct)

    async def explain(self, restore: Restore, before: ThreadRef, gone: ChannelGone) -> None:
        """Say in the direct message why the bot writes there now. `before`: the lost thread.

        Without this message the cards say enough, so that it is sent once and may fail.
        """
        if before.direct:
            return
        told = restore.model_copy(update={"thread_ref": before})
        notice = views.dm_notice(told, deleted=gone.loss is ConversationLoss.THREAD_DELETED)
        try:
            await self._web.call(
                "chat.postMessage", channel=gone.dm, text=notice.text, blocks=list(notice.blocks)
            )
        except (Permanent, Temporary) as refused:
            log.warning("no news by direct message", error=type(refused).__name__)

    async def _without_a_place(self, restore: Restore, code: str) -> datetime:
        """Tell the owner by a response_url, or an operator; when to try the conversation again.

        It is tried again either way: a workspace may change its rules.
        """
        if not await self._by_response_url(restore):
            log.error("the owner cannot be told", owner=restore.owner, code=code)
            self._metrics.untold.labels(code).inc()
        return self._clock.now() + (SELDOM if restore.phase.ended else AGAIN)

    async def _by_response_url(self, restore: Restore) -> bool:
        """The newest card, once, where the owner last gave a command or clicked."""
        card = restore.cards[-1]
        way = await self._ways.of(restore.id)
        if way is None or way.told == card.key:
            return way is not None
        shown = views.render(restore, card)
        try:
            await self._web.respond(way.url, shown.text, shown.blocks)
        except (Permanent, Temporary) as refused:
            log.info("a response_url takes no card", error=type(refused).__name__)
            return False
        await self._ways.note(restore.id, card.key)
        return True


def posted_elsewhere(restore: Restore) -> dict[str, PostedCard]:
    """The cards of a restore that goes on in another conversation, as if nothing was posted there.

    The first card and the open ones are posted again; those that were answered count as deleted.
    """
    return {
        card.key: PostedCard(None if number == 0 or card.closed is None else DELETED_TS, digest="")
        for number, card in enumerate(restore.cards)
    }
