"""Web API methods on messages: chat.*, reactions.*, blocks.validate."""

import re
from typing import Any

from bot.playground.slack.api_call import Call, CallContext
from bot.playground.slack.blockkit import check_blocks, check_view
from bot.playground.slack.events import note_broadcasts
from bot.playground.slack.payloads import message_json
from bot.playground.slack.posting import (
    MAX_TEXT_OF_UPDATE,
    Draft,
    apply_update,
    decoded,
    explained,
    flag,
    read_draft,
    thread_root,
    truncated,
)
from bot.playground.slack.workspace import Channel, Message, SlackRefusal

Json = dict[str, Any]

_EMOJI = re.compile(r"^[a-z0-9_+'-]+(::skin-tone-[2-6])?$")


def post_message(context: CallContext, call: Call) -> Json:
    """chat.postMessage."""
    channel = context.channel_to_post_in(call)
    _no_disguise(context, call)
    draft = read_draft(context.workspace, call.args)
    if draft.empty:
        raise SlackRefusal("no_text")
    context.limit_post(channel)
    message = _posted(context, channel, draft, call)
    context.events.send_soon(context.events.posted(message))
    return {"channel": channel.id, "ts": message.ts, "message": message_json(message)}


def _posted(context: CallContext, channel: Channel, draft: Draft, call: Call) -> Message:
    thread_ts = thread_root(channel, call.args.get("thread_ts"))
    also_in_channel = thread_ts is not None and flag(call.args, "reply_broadcast")
    message = Message(
        channel=channel,
        ts=context.workspace.next_ts(),
        author=context.workspace.bot,
        text=truncated(draft.text or ""),
        blocks=draft.blocks or None,
        thread_ts=thread_ts,
        metadata=draft.metadata or None,
        subtype="thread_broadcast" if also_in_channel else None,
        broadcast=also_in_channel,
    )
    return context.workspace.post(message)


def _no_disguise(context: CallContext, call: Call) -> None:
    """Another name or icon needs a scope of its own."""
    if any(call.args.get(name) for name in ("username", "icon_url", "icon_emoji")):
        context.need("chat:write.customize")


def update(context: CallContext, call: Call) -> Json:
    """chat.update."""
    channel = context.channel(call)
    if channel.archived:
        raise SlackRefusal("is_inactive")
    message = context.own_message(channel, call.text("ts"), "cant_update_message")
    if len(str(call.args.get("text") or "")) > MAX_TEXT_OF_UPDATE:
        raise SlackRefusal("msg_too_long")
    draft = read_draft(context.workspace, call.args)
    _something_remains(draft, message)
    previous = message_json(message)
    apply_update(context.workspace, message, draft)
    note_broadcasts(context.workspace, message)
    context.events.send_soon(context.events.changed(message, previous))
    now = message_json(message)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": now}


def _something_remains(draft: Draft, message: Message) -> None:
    """An edit must say something, and must leave something to be seen."""
    if draft.text is None and draft.blocks is None and draft.metadata is None:
        raise SlackRefusal("no_text")
    text = message.text if draft.text is None else draft.text
    kept = message.blocks if draft.text is None else None
    blocks = kept if draft.blocks is None else draft.blocks
    if not text and not blocks:
        raise SlackRefusal("no_text")


def post_ephemeral(context: CallContext, call: Call) -> Json:
    """chat.postEphemeral. In a thread it is shown only when the thread is already active."""
    channel = context.channel_to_post_in(call)
    user = context.workspace.users.get(call.text("user"))
    if user is None or user.deactivated or not channel.has(user):
        raise SlackRefusal("user_not_in_channel")
    _no_disguise(context, call)
    draft = read_draft(context.workspace, call.args)
    if draft.empty:
        raise SlackRefusal("no_text")
    thread_ts = thread_root(channel, call.args.get("thread_ts"))
    message = Message(
        channel=channel,
        ts=context.workspace.next_ts(),
        author=context.workspace.bot,
        text=truncated(draft.text or ""),
        blocks=draft.blocks or None,
        thread_ts=thread_ts,
        ephemeral_to=user,
        shown=thread_ts is None or bool(channel.replies(thread_ts)),
    )
    note_broadcasts(context.workspace, message)
    return {"message_ts": context.workspace.post(message).ts}


def delete(context: CallContext, call: Call) -> Json:
    """chat.delete."""
    channel = context.channel(call)
    message = context.own_message(channel, call.text("ts"), "cant_delete_message")
    previous = message_json(message)
    message.deleted = True
    context.events.send_soon(context.events.deleted(message, previous))
    return {"channel": channel.id, "ts": message.ts}


def permalink(context: CallContext, call: Call) -> Json:
    """chat.getPermalink."""
    channel = context.channel(call)
    message = channel.find(call.text("message_ts"))
    if message is None or message.deleted:
        raise SlackRefusal("message_not_found")
    place = f"{channel.id}/p{message.ts.replace('.', '')}"
    link = f"https://{context.workspace.domain}.slack.com/archives/{place}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def add_reaction(context: CallContext, call: Call) -> Json:
    """reactions.add."""
    users = _reaction(context, call)
    if context.workspace.bot.id in users:
        raise SlackRefusal("already_reacted")
    users.append(context.workspace.bot.id)
    return {}


def remove_reaction(context: CallContext, call: Call) -> Json:
    """reactions.remove."""
    users = _reaction(context, call)
    if context.workspace.bot.id not in users:
        raise SlackRefusal("no_reaction")
    users.remove(context.workspace.bot.id)
    return {}


def _reaction(context: CallContext, call: Call) -> list[str]:
    name = call.text("name")
    if not _EMOJI.match(name):
        raise SlackRefusal("invalid_name")
    channel = context.channel(call)
    if not channel.has(context.workspace.bot):
        raise SlackRefusal("not_in_channel")
    message = channel.find(call.text("timestamp"))
    if message is None or message.deleted:
        raise SlackRefusal("message_not_found")
    return message.reactions.setdefault(name, [])


def validate_blocks(_context: CallContext, call: Call) -> Json:
    """blocks.validate: the blocks of a message, of a whole message, or of a view."""
    if (view := decoded(call.args.get("view"), "invalid_arguments")) is not None:
        kind = view.get("type") if isinstance(view, dict) else None
        problems = check_view(view, "home" if kind == "home" else "modal")
    else:
        message = decoded(call.args.get("message"), "invalid_arguments")
        blocks = message.get("blocks") if isinstance(message, dict) else call.args.get("blocks")
        problems = check_blocks(decoded(blocks, "invalid_blocks_format"), "message")
    if problems:
        messages = [str(problem) for problem in problems]
        raise SlackRefusal("invalid_blocks", errors=messages, **explained(*messages))
    return {}
