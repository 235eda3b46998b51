"""The address of a restore's thread: the only place that asks Slack for one.

A direct message opens for its own person only, so its address is given to nobody else.
"""

from bot.errors import Permanent, Temporary
from bot.restore.model import Restore
from bot.restore.thread import ThreadRef, UserId
from bot.slack.api.client import SlackApi
from bot.slack.api.directory import Workspace
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


def link_into(home: Workspace, thread_ref: ThreadRef) -> str | None:
    """The same without a question to Slack, for everybody; None where there is none for everybody.

    It is made as Slack makes its own; that Slack will always do so nobody has promised.
    """
    if not home.url or thread_ref.thread is None or thread_ref.direct:
        return None
    return f"{home.url}archives/{thread_ref.channel}/p{thread_ref.thread.replace('.', '')}"


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
