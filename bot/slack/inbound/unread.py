"""Answers to a restore whose record this release cannot read, as in a rolling update: not passed over in silence."""

from bot.slack import views
from bot.slack.deliveries import MessageReceived
from bot.slack.outbound.replies import Caller, Responder
from bot.store.store import Store


async def answered(
    store: Store, responder: Responder, caller: Caller, message: MessageReceived
) -> bool:
    """Was this reply perhaps for such a restore of its thread? Then the person is told so.

    Of what is said in a thread, only one word alone can be the name that is asked for.
    """
    alone = len(message.typed.split()) == 1 and not message.addressed
    if not alone or message.thread is None:
        return False
    if not await store.unread_in_thread(caller.channel, message.thread):
        return False
    await responder.try_reply(caller, views.unread_card())
    return True
