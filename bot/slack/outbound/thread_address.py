"""The address of a restore's thread: the only place that asks Slack for one.

A direct message opens for its own person only, so its address is given to nobody else.
"""

from bot.errors import Permanent, Temporary
from bot.restore.model import Restore
from bot.restore.thread import UserId
from bot.slack.api.client import SlackApi
from bot.texts import lists


async def thread_address(web: SlackApi, restore: Restore, reader: UserId | None) -> str | None:
    """A link to the thread; None if Slack gives none, or it would lead this reader nowhere.

    `reader` None: it is read by everybody in a channel. Raises Temporary if Slack does not answer.
    """
    thread_ref = restore.thread_ref
    if thread_ref.thread is None or (thread_ref.direct and reader != restore.owner):
        return None
    try:
        found = await web.call(
            "chat.getPermalink", channel=thread_ref.channel, message_ts=thread_ref.thread
        )
    except Permanent:
        return None
    return str(found["permalink"])


async def whereabouts(web: SlackApi, restore: Restore, reader: UserId | None) -> str:
    """The same as a part of a sentence: without a link, the channel."""
    try:
        address = await thread_address(web, restore, reader)
    except Temporary:
        address = None
    if address is not None:
        return address
    thread_ref = restore.thread_ref
    return lists.THREAD_IN_DM if thread_ref.direct else f"<#{thread_ref.channel}>"
