"""How the people of a handoff are reached: in the thread's channel, or by direct message."""

from collections.abc import Sequence

import structlog

from bot.errors import Permanent, Temporary
from bot.restore.model import Restore, RestoreId
from bot.restore.thread import UserId
from bot.slack.context import SlackContext
from bot.slack.outbound.replies import Caller
from bot.slack.views import Message
from bot.slack.views import handoff as views_handoff

log = structlog.get_logger(__name__)


class HandoffReach:
    """Asks Slack where somebody can be reached, and posts to them there."""

    def __init__(self, context: SlackContext) -> None:
        self._people = context.people
        self._responder = context.responder
        self._web = context.web

    async def outside(self, restore: Restore, user: UserId) -> Message | None:
        """What to do first, for somebody who could not answer in the thread."""
        channel = restore.thread_ref.channel
        if restore.thread_ref.direct:
            return None
        try:
            if await self._people.is_member(user, channel):
                return None
        except Permanent as refused:
            log.warning("nobody says who is in the channel", error=refused.reason)
            return views_handoff.perhaps_outside(restore)
        room = await self._people.room(channel)
        return views_handoff.outside(restore, private=room.private)

    async def direct(self, user: UserId) -> str | None:
        """A direct message with this person; None if Slack opens none."""
        try:
            return await self._web.direct(user)
        except Permanent as refused:
            log.warning("no direct message could be opened", error=refused.reason)
            return None

    async def links(self, restores: Sequence[Restore], to: Caller) -> dict[RestoreId, str | None]:
        """The addresses of the first few restores, for this person."""
        shown = restores[: views_handoff.MAX_CHOICES]
        return await self._responder.links(shown, to.user)

    async def post(self, channel: str, message: Message) -> None:
        """News that matter to somebody, and that nothing waits for."""
        said = {"text": message.text, "blocks": list(message.blocks), "unfurl_links": False}
        try:
            await self._web.call("chat.postMessage", channel=channel, **said)
        except (Permanent, Temporary) as refused:
            log.warning("no news by direct message", error=type(refused).__name__)
