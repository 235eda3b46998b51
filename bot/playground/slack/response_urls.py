"""Response URLs: five posts within half an hour, for everybody who holds the URL.

They work where the bot is no member. Only through them can an ephemeral message be changed or taken
away. What they post for all comes back as a classic `bot_message`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from bot.playground.slack.events import Events
from bot.playground.slack.payloads import message_json
from bot.playground.slack.posting import (
    Draft,
    apply_update,
    explained,
    flag,
    read_draft,
    thread_root,
    truncated,
)
from bot.playground.slack.workspace import Channel, Message, SlackRefusal, User, Workspace

Json = dict[str, Any]

LIFE = timedelta(minutes=30)
USES = 5


@dataclass(slots=True)
class _Url:
    user: User
    channel: Channel
    source: Message | None
    until: datetime
    posts: list[Message]
    left: int = USES


class ResponseUrls:
    """All response URLs that were ever given out."""

    def __init__(self, workspace: Workspace, events: Events) -> None:
        self._workspace = workspace
        self._events = events
        self._urls: dict[str, _Url] = {}
        self.root = ""

    def new(
        self, kind: str, user: User, channel: Channel, source: Message | None = None
    ) -> tuple[str, list[Message]]:
        """A URL for one payload, and the list of messages that it will have posted."""
        ids = self._workspace.ids
        number, secret = ids.secret("url", 13, "123456789"), ids.secret("url", 24)
        path = f"{kind}/{self._workspace.team_id}/{number}/{secret}"
        until = self._workspace.now() + LIFE
        url = self._urls[path] = _Url(user, channel, source, until, [])
        return f"{self.root}{path}", url.posts

    def answer(self, path: str, body: object) -> tuple[int, Json]:
        """Do what a POST to the URL asks for."""
        url = self._urls.get(path)
        if url is None:
            return HTTPStatus.NOT_FOUND, {"ok": False, "error": "invalid_url"}
        if self._workspace.now() > url.until:
            return HTTPStatus.NOT_FOUND, {"ok": False, "error": "expired_url"}
        if url.left <= 0:
            return HTTPStatus.NOT_FOUND, {"ok": False, "error": "used_url"}
        if not isinstance(body, dict):
            return HTTPStatus.BAD_REQUEST, {"ok": False, "error": "invalid_payload"}
        try:
            self._apply(url, body)
        except SlackRefusal as refusal:
            return HTTPStatus.BAD_REQUEST, {"ok": False, "error": refusal.code, **refusal.extra}
        url.left -= 1
        return HTTPStatus.OK, {"ok": True}

    def ack_message(self, url: str, body: Mapping[str, Any]) -> None:
        """The message in the ack of a command: the same rules, but it does not use the URL up."""
        self._post(self._urls[url.removeprefix(self.root)], body)

    def _apply(self, url: _Url, body: Json) -> None:
        if flag(body, "delete_original"):
            if set(body) != {"delete_original"}:
                raise SlackRefusal("invalid_arguments", **explained("delete_original stands alone"))
            self._delete(url)
        elif self._replaces(url, body):
            self._replace(url, body)
        else:
            self._post(url, body)

    @staticmethod
    def _replaces(url: _Url, body: Json) -> bool:
        """An in-channel answer to a click overwrites its card unless it says that it will not."""
        if url.source is None:
            return False
        by_itself = body.get("response_type") == "in_channel"
        return flag(body, "replace_original", default=by_itself)

    def _delete(self, url: _Url) -> None:
        if url.source is None:  # the command that a person typed is not the app's
            raise SlackRefusal("cant_delete_message")
        previous = message_json(url.source)
        url.source.deleted = True
        if url.source.ephemeral_to is None:
            self._events.send_soon(self._events.deleted(url.source, previous))

    def _replace(self, url: _Url, body: Json) -> None:
        source = url.source
        if source is None or source.deleted:
            raise SlackRefusal("message_not_found")
        draft = self._draft(body)
        previous = message_json(source)
        apply_update(self._workspace, source, draft)
        if source.ephemeral_to is None:
            self._events.send_soon(self._events.changed(source, previous))

    def _draft(self, body: Mapping[str, Any]) -> Draft:
        draft = read_draft(self._workspace, body)
        if draft.empty:
            raise SlackRefusal("no_text")
        return draft

    def _post(self, url: _Url, body: Mapping[str, Any]) -> None:
        draft = self._draft(body)
        in_channel = body.get("response_type", "ephemeral") == "in_channel"
        thread_ts = body.get("thread_ts")
        if thread_ts is None and not in_channel and url.source is not None:
            thread_ts = url.source.thread_ts
        message = Message(
            channel=url.channel,
            ts=self._workspace.next_ts(),
            author=self._workspace.bot,
            text=truncated(draft.text or ""),
            blocks=draft.blocks or None,
            thread_ts=thread_root(url.channel, thread_ts),
            subtype="bot_message",
            metadata=draft.metadata or None,
            ephemeral_to=None if in_channel else url.user,
        )
        url.posts.append(self._workspace.post(message))
        if in_channel:
            self._events.send_soon(self._events.posted(message))
