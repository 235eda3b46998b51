"""Somebody speaking to the bot, and how they alone are answered."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.errors import Permanent, Temporary
from bot.restore.model import Restore, RestoreId
from bot.restore.thread import UserId
from bot.slack.api.client import SlackApi
from bot.slack.outbound.thread_address import thread_address
from bot.slack.views import Message

MAX_KNOWN = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody speaking: where, and how to answer them alone."""

    user: UserId
    channel: str
    """"" outside of any conversation, in the Home tab for instance: then by direct message."""
    thread: str | None
    response_url: str | None
    direct: bool = False
    """They may not be looking at the channel: answers go to their direct message."""


class ReplyFailed(Temporary):
    """What was to be done is done, but Slack did not take the answer."""


class Responder:
    """Answers one person where they spoke. An answer heard twice is better than none."""

    def __init__(self, web: SlackApi) -> None:
        self._web = web
        self._known: set[str] = set()

    def first_time(self, key: str) -> bool:
        """Is this the first time that this process asks about the key? For what is to be said once."""
        if key in self._known:
            return False
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known.add(key)
        return True

    async def try_reply(self, caller: Caller, said: str | Message) -> bool:
        """Answer the one who spoke, and only them. False if nobody heard it: no reason to fail."""
        try:
            await self._say(caller, said)
        except (Permanent, Temporary) as unheard:
            code = unheard.reason if isinstance(unheard, Permanent) else "no_answer"
            log.warning("an answer could not be given", code=code)
            return False
        return True

    async def reply(self, caller: Caller, said: str | Message) -> None:
        """The same for an answer that can be made again. Raises Unheard to be asked once more."""
        try:
            await self._say(caller, said)
        except Permanent as refused:
            log.warning("an answer could not be given", code=refused.reason)
        except Temporary as away:
            raise ReplyFailed(away.what, away.retry_after) from away

    async def _say(self, caller: Caller, said: str | Message) -> None:
        """By the response_url if there is one and it works; in the conversation; or in the DM."""
        message = Message(said, ()) if isinstance(said, str) else said
        away: Temporary | None = None
        if caller.response_url is not None:
            try:
                await self._web.respond(caller.response_url, message.text, message.blocks)
            except Permanent:
                log.info("a response_url is used up or too old")
            except Temporary as lost:
                away = lost
            else:
                return
        if caller.direct or not caller.channel:
            await self._in_the_dm(caller, message)
            return
        try:
            await self._web.post_ephemeral(
                caller.channel, caller.user, message.text, caller.thread, message.blocks
            )
        except Permanent as refused:
            if away is not None:
                raise away from refused
            log.info("a conversation takes no answer", code=refused.reason)
            await self._in_the_dm(caller, message)

    async def _in_the_dm(self, caller: Caller, message: Message) -> None:
        shown = {"blocks": list(message.blocks)} if message.blocks else {}
        channel = await self._web.direct(caller.user)
        await self._web.call("chat.postMessage", channel=channel, text=message.text, **shown)

    async def link(self, restore: Restore, reader: UserId | None) -> str | None:
        """A link to the restore's thread, if Slack gives one and it leads this reader somewhere.

        A direct message opens for its own person only. No reader: it is for everybody.
        """
        try:
            return await self.address(restore, reader)
        except Temporary:
            return None

    async def links(
        self, restores: Sequence[Restore], reader: UserId | None
    ) -> dict[RestoreId, str | None]:
        """The same for several, asked at once: give a few only, since Slack limits how often."""
        found = await asyncio.gather(*(self.link(each, reader) for each in restores))
        return {each.id: address for each, address in zip(restores, found, strict=True)}

    async def address(self, restore: Restore, reader: UserId | None) -> str | None:
        """The same for who can ask again. Raises Temporary if Slack does not say just now."""
        return await thread_address(self._web, restore, reader)
