"""Which events the app hears of what happens in the workspace.

Our bot hears messages only where it is a member, and mentions only there and never in direct
messages. A message that mentions it comes as two events, `message` and `app_mention`, with ids of
their own and in no fixed order.
"""

import re
from typing import Any

from bot.playground.slack.delivery import Delivery
from bot.playground.slack.payloads import event_callback, message_json, thread_facts
from bot.playground.slack.views import View, Views
from bot.playground.slack.workspace import (
    Broadcast,
    Channel,
    Message,
    Notice,
    User,
    Workspace,
)

Json = dict[str, Any]

_LIVE_BROADCAST = re.compile(r"<!(channel|here|everyone)(?:\|[^>]*)?>")
_LIVE_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_LIVE_GROUP = re.compile(r"<!subteam\^(S[A-Z0-9]+)(?:\|[^>]*)?>")


class Events:
    """Tells the app; and notes whom a message notifies."""

    def __init__(self, workspace: Workspace, delivery: Delivery, views: Views) -> None:
        self._workspace = workspace
        self._delivery = delivery
        self._views = views

    def posted(self, message: Message, mentions: tuple[str, ...] = ()) -> list[Json]:
        """The payloads of a new message, in the order in which they go out."""
        self._notify(message)
        channel = message.channel
        if not self._hears(channel):
            return []
        if self._workspace.bot.id not in mentions or channel.kind == "im":
            return [self._callback(channel, self._message_event(message))]
        twin = self._callback(channel, self._mention_event(message))
        if self._delivery.faults.only_mentions:
            return [twin]
        payloads = [self._callback(channel, self._message_event(message)), twin]
        self._workspace.rng.shuffle(payloads)
        return payloads

    def mentioned(self, message: Message) -> list[Json]:
        """The payload of a mention that came by an edit."""
        if not self._hears(message.channel) or message.channel.kind == "im":
            return []
        return [self._callback(message.channel, self._mention_event(message))]

    def changed(self, message: Message, previous: Json) -> list[Json]:
        """The payloads of an edit."""
        if not self._hears(message.channel):
            return []
        now = message_json(message)
        if not message.author.bot:
            team = {"source_team": message.author.team_id, "user_team": message.author.team_id}
            now |= team
        event = self._hidden(message.channel, "message_changed")
        event |= {"message": now, "previous_message": previous}
        return [self._callback(message.channel, event)]

    def deleted(self, message: Message, previous: Json) -> list[Json]:
        """The payloads of a deletion."""
        if not self._hears(message.channel):
            return []
        event = self._hidden(message.channel, "message_deleted")
        event |= {"deleted_ts": message.ts, "previous_message": previous}
        return [self._callback(message.channel, event)]

    def home_opened(self, user: User, view: View | None) -> Json:
        """The payload of a look at the Home tab."""
        event: Json = {
            "type": "app_home_opened",
            "user": user.id,
            "channel": self._workspace.direct(user).id,
            "tab": "home",
            "event_ts": self._workspace.next_ts(),
        }
        if view is not None:
            event["view"] = self._views.show(view)
        return event_callback(self._workspace, event)

    def joined(self, channel: Channel, user: User) -> list[Json]:
        """The payload of somebody's (also our bot's) joining."""
        if not self._hears(channel):
            return []
        event = {
            "type": "member_joined_channel",
            "user": user.id,
            "channel": channel.id,
            "channel_type": "G" if channel.private else "C",
            "team": user.team_id,
            "event_ts": self._workspace.next_ts(),
        }
        return [self._callback(channel, event)]

    def id_changed(self, channel: Channel, old: str) -> list[Json]:
        """The payload of a channel's getting another id."""
        if not self._hears(channel):
            return []
        event = {
            "type": "channel_id_changed",
            "old_channel_id": old,
            "new_channel_id": channel.id,
            "event_ts": self._workspace.next_ts(),
        }
        return [self._callback(channel, event)]

    def archived(self, channel: Channel, by: User) -> list[Json]:
        """The payload of a channel's end: a message that says so."""
        if not self._hears(channel):
            return []
        ts = self._workspace.next_ts()
        prefix = "channel" if channel.kind == "channel" else "group"
        event = {
            "type": "message",
            "subtype": f"{prefix}_archive",
            "user": by.id,
            "text": f"<@{by.id}> archived the channel",
            "ts": ts,
            "event_ts": ts,
            "channel": channel.id,
            "channel_type": channel.kind,
        }
        return [self._callback(channel, event)]

    def left(self, channel: Channel, by: User) -> list[Json]:
        """The payload of our bot's being removed; Slack sometimes withholds it."""
        event = {
            "type": "channel_left" if channel.kind == "channel" else "group_left",
            "channel": channel.id,
            "actor_id": by.id,
            "event_ts": self._workspace.next_ts(),
        }
        return [self._callback(channel, event)]

    async def send(self, payloads: list[Json]) -> None:
        """Hand payloads over, one after the other."""
        for payload in payloads:
            await self._delivery.event(payload)

    def send_soon(self, payloads: list[Json]) -> None:
        """Hand payloads over without waiting."""
        for payload in payloads:
            self._delivery.event_soon(payload)

    def _hears(self, channel: Channel) -> bool:
        return channel.has(self._workspace.bot)

    def _callback(self, channel: Channel, event: Json) -> Json:
        return event_callback(self._workspace, event, ext_shared=channel.ext_shared)

    def _message_event(self, message: Message) -> Json:
        event = message_json(message)
        if message.subtype == "thread_broadcast":
            root = message.channel.find(message.root_ts)
            event["root"] = message_json(root) | thread_facts(root) if root else {}
        kind = message.channel.kind
        where = {"channel": message.channel.id, "channel_type": kind}
        return event | where | {"event_ts": message.ts}

    def _mention_event(self, message: Message) -> Json:
        event = message_json(message) | {"type": "app_mention"}
        return event | {"channel": message.channel.id, "event_ts": message.ts}

    def _hidden(self, channel: Channel, subtype: str) -> Json:
        ts = self._workspace.next_ts()
        event: Json = {"type": "message", "subtype": subtype, "hidden": True, "ts": ts}
        return event | {"event_ts": ts, "channel": channel.id, "channel_type": channel.kind}

    def _notify(self, message: Message) -> None:
        """Note every member whom the message mentions where people see it."""
        if message.author.bot:
            note_broadcasts(self._workspace, message)
        seen = _mrkdwn(message.blocks) if message.blocks else [message.text]
        for user_id in dict.fromkeys(self._mentioned(seen)):
            user = self._workspace.users.get(user_id)
            if user and user is not message.author and message.channel.has(user):
                self._workspace.notices.append(Notice(user_id, message))

    def _mentioned(self, seen: list[str]) -> list[str]:
        found = [user_id for text in seen for user_id in _LIVE_MENTION.findall(text)]
        for text in seen:
            for group_id in _LIVE_GROUP.findall(text):
                group = self._workspace.groups.get(group_id)
                found += [user.id for user in group.members] if group else []
        return found


def note_broadcasts(workspace: Workspace, message: Message) -> None:
    """Note each live broadcast, in edits too: they notify nobody, but show a missing escape."""
    for text in (message.text, *_mrkdwn(message.blocks or [])):
        for found in _LIVE_BROADCAST.finditer(text):
            workspace.broadcasts.append(Broadcast(message.channel.id, message.ts, found[1]))


def _mrkdwn(value: object) -> list[str]:
    if isinstance(value, list):
        return [text for inner in value for text in _mrkdwn(inner)]
    if not isinstance(value, dict):
        return []
    match value.get("type"):
        case "mrkdwn":
            return [value["text"]]
        case "user":
            return [f"<@{value['user_id']}>"]
        case "usergroup":
            return [f"<!subteam^{value['usergroup_id']}>"]
        case "broadcast":
            return [f"<!{value['range']}>"]
    return [text for inner in value.values() for text in _mrkdwn(inner)]
