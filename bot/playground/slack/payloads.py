"""The JSON that Slack shows of its things: messages, users, channels, events, interactions.

Pure: records in, dictionaries out. Every shape here is one that the real Slack was seen to send.
"""

import copy
from typing import Any, Literal

from bot.playground.slack.blockkit import interactive
from bot.playground.slack.workspace import Channel, Message, User, UserGroup, Workspace

Json = dict[str, Any]

LEGACY_TOKEN = "legacy-verification-token"  # noqa: S105  Slack sends one with every payload; it guards nothing
_STATEFUL = {
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "checkboxes": "selected_options",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "multi_users_select": "selected_users",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
}
_ICONS = {
    "image_36": "https://a.slack-edge.com/80588/img/plugins/app/bot_36.png",
    "image_48": "https://a.slack-edge.com/80588/img/plugins/app/bot_48.png",
    "image_72": "https://a.slack-edge.com/80588/img/plugins/app/service_72.png",
}


def bot_profile(app: User) -> Json:
    """How an app introduces itself in its messages."""
    return {
        "id": app.bot_id,
        "deleted": app.deactivated,
        "name": app.name,
        "updated": 1763800000,
        "app_id": app.app_id,
        "icons": _ICONS,
        "team_id": app.team_id,
    }


def message_json(message: Message, *, metadata: Literal["full", "type"] = "full") -> Json:
    """A message as it stands in events, answers and histories."""
    body: Json = {"type": "message", "text": message.text, "ts": message.ts}
    if message.subtype:
        body["subtype"] = message.subtype
    body |= _author_json(message)
    if message.client_msg_id:
        body["client_msg_id"] = message.client_msg_id
    if message.blocks:
        body["blocks"] = copy.deepcopy(message.blocks)
    if message.edited:
        body["edited"] = message.edited
    if message.thread_ts:
        body["thread_ts"] = message.thread_ts
    if message.is_reply:
        parent = message.channel.find(message.root_ts)
        body |= {"parent_user_id": parent.user} if parent else {}
    if message.metadata:
        only_type = {"event_type": message.metadata["event_type"]}
        body["metadata"] = message.metadata if metadata == "full" else only_type
    return body


def _author_json(message: Message) -> Json:
    author = message.author
    if message.subtype == "bot_message":
        return {"bot_id": author.bot_id}
    body: Json = {"user": author.id, "team": author.team_id}
    if author.bot_id:
        body |= {"bot_id": author.bot_id, "app_id": author.app_id}
        body["bot_profile"] = bot_profile(author)
    if author.foreign:
        body |= {"user_team": author.team_id, "source_team": author.team_id}
        body["user_profile"] = _foreign_profile(author)
    return body


def _foreign_profile(user: User) -> Json:
    return {
        "avatar_hash": "g000000000000",
        "image_72": "https://www.example.com/72.png",
        "first_name": user.real_name.split()[0],
        "real_name": user.real_name,
        "display_name": user.name,
        "team": user.team_id,
        "name": user.name,
        "is_restricted": user.guest or user.ultra_guest,
        "is_ultra_restricted": user.ultra_guest,
    }


def thread_facts(message: Message) -> Json:
    """What a parent says of its thread."""
    replies = message.channel.replies(message.ts)
    if not replies:
        return {}
    authors = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "reply_count": len(replies),
        "reply_users_count": len(authors),
        "latest_reply": replies[-1].ts,
        "reply_users": authors,
        "is_locked": False,
    }


def listed_json(message: Message, *, all_metadata: bool) -> Json:
    """A message in conversations.replies and conversations.history."""
    if message.deleted:
        return _tombstone(message)
    body = message_json(message, metadata="full" if all_metadata else "type")
    if message.ts == message.thread_ts:
        body |= thread_facts(message) | {"subscribed": False}
    if message.reactions:
        body["reactions"] = [
            {"name": name, "users": users, "count": len(users)}
            for name, users in message.reactions.items()
        ]
    return body


def _tombstone(message: Message) -> Json:
    body: Json = {"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "hidden": True}
    body |= {"text": "This message was deleted.", "ts": message.ts, "thread_ts": message.ts}
    return body | thread_facts(message)


def user_json(user: User, *, with_email: bool) -> Json:
    """A user as users.info answers; a stranger's shape is the short one."""
    profile: Json = {
        "real_name": user.real_name,
        "display_name": user.name,
        "avatar_hash": "g000000000000",
        "image_24": "https://www.example.com/24.png",
        "team": user.team_id,
    }
    body: Json = {"id": user.id, "team_id": user.team_id, "name": user.name}
    body |= {"deleted": user.deactivated, "real_name": user.real_name}
    if user.foreign:
        rest = {"is_bot": user.bot, "is_stranger": True, "updated": 1763800000}
        return body | {"profile": profile, "is_app_user": False} | rest
    if user.deactivated:
        rest = {"is_bot": user.bot, "updated": 1763800000}
        return body | {"profile": profile, "is_app_user": False} | rest
    return body | _member_json(user, profile, with_email=with_email)


def _member_json(user: User, profile: Json, *, with_email: bool) -> Json:
    first, _, last = user.real_name.partition(" ")
    more: Json = {
        "title": "",
        "phone": "",
        "skype": "",
        "real_name_normalized": user.real_name,
        "display_name_normalized": user.name,
        "fields": None,
        "status_text": "",
        "status_emoji": "",
        "status_emoji_display_info": [],
        "status_expiration": 0,
        "first_name": first,
        "last_name": last,
        "image_72": "https://www.example.com/72.png",
        "status_text_canonical": "",
    }
    if with_email and user.email:
        more["email"] = user.email
    return {
        "color": "9f69e7",
        "tz": user.tz,
        "tz_label": user.tz,
        "tz_offset": 0,
        "profile": profile | more,
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.guest or user.ultra_guest,
        "is_ultra_restricted": user.ultra_guest,
        "is_bot": user.bot,
        "is_app_user": False,
        "updated": 1763800000,
        "is_email_confirmed": True,
        "who_can_share_contact_card": "EVERYONE",
    }


def channel_json(channel: Channel, bot: User) -> Json:
    """A conversation as conversations.info answers."""
    body: Json = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": channel.archived,
        "is_im": channel.kind == "im",
        "is_org_shared": False,
    }
    if channel.kind == "im":
        other = next(user for user in channel.members if user is not bot)
        return body | {"user": other.id, "is_user_deleted": other.deactivated, "priority": 0}
    return body | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.private,
        "is_general": False,
        "is_member": channel.has(bot),
        "is_shared": channel.ext_shared,
        "is_ext_shared": channel.ext_shared,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "creator": channel.creator,
        "unlinked": 0,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
    }


def group_json(group: UserGroup, workspace: Workspace, *, with_users: bool) -> Json:
    """A user group as usergroups.list answers."""
    body: Json = {
        "id": group.id,
        "team_id": workspace.team_id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.handle,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": 1763800000,
        "date_update": 1763800000,
        "date_delete": 1763800000 if group.disabled else 0,
        "auto_type": None,
        "user_count": len(group.members),
    }
    return body | ({"users": [user.id for user in group.members]} if with_users else {})


def event_callback(workspace: Workspace, event: Json, *, ext_shared: bool = False) -> Json:
    """The envelope of the Events API; its `event_id` is new."""
    number = workspace.ids.secret("event-context", 16)
    grant = {
        "enterprise_id": None,
        "team_id": workspace.team_id,
        "user_id": workspace.bot.id,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "token": LEGACY_TOKEN,
        "team_id": workspace.team_id,
        "context_team_id": workspace.team_id,
        "context_enterprise_id": None,
        "api_app_id": workspace.bot.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": workspace.ids.make("Ev"),
        "event_time": workspace.epoch(),
        "authorizations": [grant],
        "is_ext_shared_channel": ext_shared,
        "event_context": f"4-{number}",
    }


def actor(user: User) -> Json:
    """The user of an interaction."""
    name = user.name
    return {"id": user.id, "username": name, "name": name, "team_id": user.team_id}


def interaction(workspace: Workspace, kind: str, user: User) -> Json:
    """What all interactive payloads have in common."""
    return {
        "type": kind,
        "user": actor(user),
        "api_app_id": workspace.bot.app_id,
        "token": LEGACY_TOKEN,
        "team": {"id": workspace.team_id, "domain": workspace.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def channel_ref(channel: Channel) -> Json:
    """The channel of an interaction; the name says only the kind where it is not public."""
    names = {"channel": channel.name, "im": "directmessage"}
    return {"id": channel.id, "name": names.get(channel.kind, "privategroup")}


def message_container(message: Message) -> Json:
    """The `container` of an interaction with a message."""
    body: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel.id,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    return body | ({"thread_ts": message.thread_ts} if message.thread_ts else {})


def state_values(blocks: list[Json] | None, state: dict[str, dict[str, Json]]) -> Json:
    """`state.values`: every stateful element of the blocks, with its value or null."""
    values: Json = {}
    for block in blocks or []:
        for element in interactive(block):
            if (key := _STATEFUL.get(element["type"])) is not None:
                stored = state.get(block["block_id"], {}).get(element["action_id"])
                value = stored or {"type": element["type"], key: _initial(element, key)}
                values.setdefault(block["block_id"], {})[element["action_id"]] = value
    return values


def value_key(element: Json) -> str | None:
    """Under which key a stateful element keeps its value."""
    return _STATEFUL.get(element["type"])


def _initial(element: Json, key: str) -> Any:
    initial = element.get(key.replace("selected", "initial") if key != "value" else "initial_value")
    return [] if initial is None and key in ("selected_options", "selected_users") else initial
