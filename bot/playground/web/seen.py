"""What one person sees of the workspace, as the page gets it: JSON values, and nothing hidden.

Blocks are Slack's own Block Kit JSON, as they are stored.
"""

from typing import Any

from bot.playground.slack import Person
from bot.playground.slack.payloads import state_values
from bot.playground.slack.transcript import Transcript
from bot.playground.slack.views import View
from bot.playground.slack.workspace import Channel, Message
from bot.playground.web.marks import Marks
from bot.playground.web.scene import TOPICS, Persona, Scene
from bot.slack.manifest import manifest

Json = dict[str, Any]

MOST_NOTICES = 50
DELETED = "This message was deleted."
TEXT_OF_NOTICE = 300


class Seen:
    """Looks at the workspace with one person's eyes."""

    def __init__(self, scene: Scene, marks: Marks) -> None:
        self._scene = scene
        self._slack = scene.world.slack
        self._marks = marks
        self._app = _app(scene)

    def of(self, persona: Persona) -> Json:
        """Everything of Slack that this person has on the screen."""
        person = persona.person
        channels = [c for c in self._slack.workspace.channels.values() if c.has(person.user)]
        shown = {channel.id: self._messages(person, channel) for channel in channels}
        view = person.view
        return {
            "me": _who(persona),
            "personas": [_face(each) for each in self._scene.personas.values()],
            **self._names(person),
            "app": self._app,
            "channels": [self._channel(person, each, shown[each.id]) for each in channels],
            "messages": {
                channel.id: [self._message(person, each) for each in shown[channel.id]]
                for channel in channels
            },
            "modal": _view(view) if view is not None else None,
            "modals_below": self._slack.modals_below(person),
            "home": _view(person.home) if person.home is not None else None,
            "notices": self._notices(person),
        }

    def _names(self, person: Person) -> Json:
        """What mentions are called."""
        workspace = self._slack.workspace
        rooms = [c for c in workspace.channels.values() if c.kind != "im"]
        return {
            "users": {user.id: user.name for user in workspace.users.values()},
            "groups": {group.id: group.handle for group in workspace.groups.values()},
            "rooms": {c.id: c.name for c in rooms if not c.private or c.has(person.user)},
        }

    def _messages(self, person: Person, channel: Channel) -> list[Message]:
        found = []
        for message in channel.messages:
            if message.deleted:
                kept = not message.is_reply and bool(channel.replies(message.ts))
            else:
                kept = message.shown and message.ephemeral_to in (None, person.user)
            if kept:
                found.append(message)
        return sorted(found, key=lambda each: each.ts)

    def _channel(self, person: Person, channel: Channel, shown: list[Message]) -> Json:
        mentions = [
            notice.message
            for notice in self._slack.workspace.notices
            if notice.user == person.id and notice.message.channel is channel
        ]
        top = [each for each in shown if not each.is_reply or each.broadcast]
        return {
            "id": channel.id,
            "name": channel.name if channel.kind != "im" else self._slack.workspace.bot.name,
            "kind": channel.kind,
            "private": channel.private,
            "archived": channel.archived,
            "shared": channel.ext_shared,
            "topic": TOPICS.get(channel.name, ""),
            "unread": self._marks.unread(person, top),
            "mentions": self._marks.unread(person, (m for m in mentions if not m.deleted)),
        }

    def _message(self, person: Person, message: Message) -> Json:
        replies = [] if message.is_reply else message.channel.replies(message.ts)
        return {
            "ts": message.ts,
            "channel": message.channel.id,
            "user": message.user,
            "name": message.author.name,
            "app": message.author.bot,
            "text": DELETED if message.deleted else message.text,
            "blocks": None if message.deleted else message.blocks,
            "thread_ts": message.thread_ts,
            "replies": len(replies),
            "reply_users": list(dict.fromkeys(each.user for each in replies)),
            "unread_replies": self._marks.unread(person, replies),
            "edited": message.edited is not None and not message.author.bot,
            "deleted": message.deleted,
            "ephemeral": message.ephemeral_to is not None,
            "broadcast": message.broadcast,
            "mine": message.author is person.user,
            "version": len(message.history),
        }

    def _notices(self, person: Person) -> list[Json]:
        reader = Transcript(self._slack.workspace, person.user)
        mine = [
            notice.message
            for notice in self._slack.workspace.notices
            if notice.user == person.id and notice.message.channel.has(person.user)
        ]
        return [
            {
                "channel": message.channel.id,
                "ts": message.ts,
                "thread": message.thread_ts if message.is_reply else None,
                "name": message.author.name,
                "text": _at_a_glance(reader, message),
            }
            for message in mine[-MOST_NOTICES:]
            if not message.deleted and message.ephemeral_to in (None, person.user)
        ]


def _at_a_glance(reader: Transcript, message: Message) -> str:
    """The first words, as a notification has them."""
    _, *lines = reader.message(message)
    return " ".join(line.strip() for line in lines)[:TEXT_OF_NOTICE]


def _who(persona: Persona) -> Json:
    user = persona.person.user
    return {"id": user.id, **_face(persona), "tz": user.tz}


def _face(persona: Persona) -> Json:
    user = persona.person.user
    return {"name": user.name, "real_name": user.real_name, "role": persona.role}


def _app(scene: Scene) -> Json:
    """The app as its manifest describes it."""
    made = manifest("socket")
    shortcuts = made["features"]["shortcuts"]
    return {
        "name": made["display_information"]["name"],
        "bot_user": scene.world.slack.bot_user_id,
        "command": made["features"]["slash_commands"][0]["command"],
        "shortcuts": [{k: s[k] for k in ("callback_id", "name", "type")} for s in shortcuts],
    }


def _view(view: View) -> Json:
    given = view.definition
    return {
        "id": view.id,
        "hash": view.hash,
        "type": view.kind,
        "title": view.title,
        "submit": (given.get("submit") or {}).get("text"),
        "close": (given.get("close") or {}).get("text"),
        "blocks": view.blocks,
        "values": state_values(view.blocks, view.state),
        "errors": dict(view.problems),
    }
