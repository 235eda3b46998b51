"""Web API methods on the app itself, people, user groups and conversations."""

from typing import Any, TypeVar

from bot.playground.slack.api_call import Call, CallContext
from bot.playground.slack.limits import SMALL_PAGE
from bot.playground.slack.payloads import channel_json, group_json, listed_json, user_json
from bot.playground.slack.posting import flag
from bot.playground.slack.workspace import SLASH_COMMAND, Channel, Message, SlackRefusal, User

Json = dict[str, Any]
T = TypeVar("T")

MAX_PER_PAGE = 999
_SCOPES = {"channel": "channels", "group": "groups", "mpim": "mpim", "im": "im"}
_KINDS = {"public_channel": "channel", "private_channel": "group", "mpim": "mpim", "im": "im"}
"""What users.conversations calls them."""
_READ = {kind: f"{scope}:read" for kind, scope in _SCOPES.items()}
_HISTORY = {kind: f"{scope}:history" for kind, scope in _SCOPES.items()}


def auth_test(context: CallContext, _call: Call) -> Json:
    """auth.test."""
    bot = context.workspace.bot
    return {
        "url": f"https://{context.workspace.domain}.slack.com/",
        "team": "Example Ops",
        "user": bot.name,
        "team_id": bot.team_id,
        "user_id": bot.id,
        "bot_id": bot.bot_id,
        "app_id": bot.app_id,
        "is_enterprise_install": context.workspace.org_wide,
    }


def open_connection(context: CallContext, call: Call) -> Json:
    """apps.connections.open."""
    return {"url": context.new_socket_url(call.host)}


def user_info(context: CallContext, call: Call) -> Json:
    """users.info."""
    user = context.workspace.users.get(call.text("user"))
    if user is None:
        raise SlackRefusal("user_not_found")
    return {"user": _shown(context, user)}


def user_by_email(context: CallContext, call: Call) -> Json:
    """users.lookupByEmail."""
    email = call.text("email").lower()
    for user in context.workspace.users.values():
        if user.email and user.email.lower() == email and not user.deactivated:
            return {"user": _shown(context, user)}
    raise SlackRefusal("users_not_found")


def _shown(context: CallContext, user: User) -> Json:
    return user_json(user, with_email="users:read.email" in context.workspace.scopes)


def groups(context: CallContext, call: Call) -> Json:
    """usergroups.list."""
    with_users = flag(call.args, "include_users")
    disabled = flag(call.args, "include_disabled")
    shown = [g for g in context.workspace.groups.values() if disabled or not g.disabled]
    return {"usergroups": [group_json(g, context.workspace, with_users=with_users) for g in shown]}


def group_users(context: CallContext, call: Call) -> Json:
    """usergroups.users.list."""
    group = context.workspace.groups.get(call.text("usergroup"))
    if group is None or (group.disabled and not flag(call.args, "include_disabled")):
        raise SlackRefusal("no_such_subteam")
    return {"users": [user.id for user in group.members]}


def conversation(context: CallContext, call: Call) -> Json:
    """conversations.info."""
    channel = _readable(context, call, _READ)
    body = channel_json(channel, context.workspace.bot)
    if flag(call.args, "include_num_members"):
        body["num_members"] = len(channel.members)
    return {"channel": body}


def members(context: CallContext, call: Call) -> Json:
    """conversations.members."""
    channel = _readable(context, call, _READ)
    page, cursor = _page([user.id for user in channel.members], call, 100)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def conversations_of(context: CallContext, call: Call) -> Json:
    """users.conversations, of the public channels and the ones that the bot is in, too."""
    workspace = context.workspace
    user = workspace.users.get(str(call.args.get("user") or workspace.bot.id))
    if user is None:
        raise SlackRefusal("user_not_found")
    kinds = str(call.args.get("types") or "public_channel").split(",")
    for kind in kinds:
        context.need(_READ[_KINDS[kind]])
    bot, archived = workspace.bot, not flag(call.args, "exclude_archived")
    found = [
        channel_json(each, bot)
        for each in workspace.channels.values()
        if each.has(user)
        and each.kind in {_KINDS[kind] for kind in kinds}
        and (not each.private or each.has(bot))
        and (archived or not each.archived)
    ]
    page, cursor = _page(found, call, 100)
    listed = [{k: v for k, v in each.items() if k != "is_member"} for each in page]
    return {"channels": listed, "response_metadata": {"next_cursor": cursor}}


def replies(context: CallContext, call: Call) -> Json:
    """conversations.replies: the parent first, then the replies, oldest first."""
    channel = _readable(context, call, _HISTORY)
    _must_be_member(context, channel)
    ts = call.text("ts")
    parent = channel.find(ts)
    if parent is None or (parent.deleted and not channel.replies(ts)):
        raise SlackRefusal("thread_not_found")
    thread = [parent] if parent.is_reply else [parent, *channel.replies(ts)]
    chosen = [m for m in thread if m is parent or _in_range(m, call)]
    return _listed(context, call, chosen, MAX_PER_PAGE)


def history(context: CallContext, call: Call) -> Json:
    """conversations.history: the channel's own messages, newest first."""
    channel = _readable(context, call, _HISTORY)
    _must_be_member(context, channel)
    seen = [m for m in channel.messages if _in_history(m) and _in_range(m, call)]
    return _listed(context, call, seen[::-1], 100)


def _in_history(message: Message) -> bool:
    gone = message.deleted and not message.channel.replies(message.ts)
    in_channel = message.broadcast or not message.is_reply
    typed_command = message.subtype == SLASH_COMMAND
    return in_channel and not gone and not typed_command and message.ephemeral_to is None


def _in_range(message: Message, call: Call) -> bool:
    oldest, latest = call.args.get("oldest"), call.args.get("latest")
    if flag(call.args, "inclusive"):
        after = oldest is None or _moment(message.ts) >= _moment(oldest)
        return after and (latest is None or _moment(message.ts) <= _moment(latest))
    after = oldest is None or _moment(message.ts) > _moment(oldest)
    return after and (latest is None or _moment(message.ts) < _moment(latest))


def _moment(ts: object) -> tuple[int, int]:
    seconds, _, rest = str(ts).partition(".")
    if not seconds.isdigit() or (rest and not rest.isdigit()):
        raise SlackRefusal("invalid_ts_oldest")
    return int(seconds), int(rest.ljust(6, "0") or 0)


def _listed(context: CallContext, call: Call, messages: list[Message], per_page: int) -> Json:
    most = SMALL_PAGE if context.limits.unlisted else MAX_PER_PAGE
    page, cursor = _page(messages, call, per_page, most)
    whole = flag(call.args, "include_all_metadata")
    listed = [listed_json(message, all_metadata=whole) for message in page]
    body: Json = {"messages": listed, "has_more": bool(cursor)}
    return body | {"response_metadata": {"next_cursor": cursor}}


def _page(
    items: list[T], call: Call, default: int, most: int = MAX_PER_PAGE
) -> tuple[list[T], str]:
    given = str(call.args.get("limit") or default)
    limit = int(given) if given.isdigit() else 0
    if not 1 <= limit <= MAX_PER_PAGE:
        raise SlackRefusal("invalid_limit")
    cursor = str(call.args.get("cursor") or "")
    if cursor and not cursor.removeprefix("next:").isdigit():
        raise SlackRefusal("invalid_cursor")
    start = int(cursor.removeprefix("next:")) if cursor else 0
    end = start + min(limit, most)
    return items[start:end], f"next:{end}" if end < len(items) else ""


def open_conversation(context: CallContext, call: Call) -> Json:
    """conversations.open: a direct message with one person."""
    if call.args.get("channel"):
        channel = context.channel(call)
        return {"channel": {"id": channel.id}, "no_op": True, "already_open": True}
    ids = str(call.args.get("users") or "").split(",")
    if ids == [""]:
        raise SlackRefusal("users_list_not_supplied")
    if len(ids) > 1:
        raise SlackRefusal("playground_does_not_cover_group_messages")
    user = context.workspace.users.get(ids[0])
    if user is None:
        raise SlackRefusal("user_not_found")
    if user.deactivated:
        raise SlackRefusal("user_disabled")
    if user.bot:
        raise SlackRefusal("cannot_dm_bot")
    channel = context.workspace.direct(user)
    whole = flag(call.args, "return_im")
    return {
        "channel": channel_json(channel, context.workspace.bot) if whole else {"id": channel.id}
    }


def join(context: CallContext, call: Call) -> Json:
    """conversations.join: public channels only."""
    channel = context.channel(call)
    bot = context.workspace.bot
    if channel.private:
        raise SlackRefusal("method_not_supported_for_channel_type")
    if channel.archived:
        raise SlackRefusal("is_archived")
    if channel.has(bot):
        again = {"warning": "already_in_channel"}
        warnings = {"response_metadata": {"warnings": ["already_in_channel"]}}
        return {"channel": channel_json(channel, bot), **again, **warnings}
    channel.members.append(bot)
    context.events.send_soon(context.events.joined(channel, bot))
    return {"channel": channel_json(channel, bot)}


def _readable(context: CallContext, call: Call, scopes: dict[str, str]) -> Channel:
    channel = context.channel(call)
    context.need(scopes[channel.kind])
    return channel


def _must_be_member(context: CallContext, channel: Channel) -> None:
    if not channel.has(context.workspace.bot):
        raise SlackRefusal("not_in_channel")
