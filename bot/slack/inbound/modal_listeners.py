"""What Slack sends about the form: shortcuts and buttons that open it, choices, and the form itself.

As everywhere, what is to be done is kept before it is acknowledged (see listeners.py). Two things
are answered in the acknowledgement itself, for Slack takes them nowhere else: what a picker offers,
and what is wrong with a form that was sent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import Permanent, StoreUnavailable, Temporary
from bot.restore.thread import UserId
from bot.slack import views
from bot.slack.deliveries import ModalChanged, ModalOpened, ModalSubmitted
from bot.slack.handlers.modal import ModalHandler
from bot.slack.inbound.listeners import Enqueue
from bot.slack.manifest import MESSAGE_SHORTCUT, SHORTCUT
from bot.slack.outbound.replies import Caller, Responder
from bot.slack.views import form_state as choices
from bot.slack.views.form import FORM, OPEN_FORM, store_down
from bot.slack.views.form_state import Field, FormRequest, FormState, read

_FIELD = re.compile(rf"^{choices.PREFIX}")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ModalListeners:
    """The listeners of the form. They come before the others: a listener that fits is the only one."""

    forms: ModalHandler
    accept: Enqueue
    responder: Responder
    default_cluster: str

    def register(self, app: AsyncApp) -> None:
        """Give Bolt its listeners."""
        app.shortcut(SHORTCUT)(self.on_open)
        app.shortcut(MESSAGE_SHORTCUT)(self.on_open)
        app.action(OPEN_FORM)(self.on_open)
        app.action(_FIELD)(self.on_choice)
        app.options(_FIELD)(self.on_options)
        app.view(FORM)(self.on_sent)

    async def on_open(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A shortcut, or the button in the Home tab."""
        request = opening(body)
        try:
            await self.accept(f"o:{request.trigger}", request)
        except StoreUnavailable as away:
            caller = Caller(request.user, request.channel, request.thread, request.response_url)
            await self.responder.try_reply(caller, views.store_down(away.what))
        await ack()

    async def on_choice(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Something was chosen. If that cannot be kept the form only stays as it is drawn."""
        action, filled = body["actions"][0], self._read(body, live=True)
        key = f"f:{filled.view}:{action['action_ts']}"
        changed = ModalChanged(
            user=_user(body),
            channel=filled.room,
            thread=_thread(filled),
            form=filled,
            changed=Field(action["action_id"].removeprefix(choices.PREFIX)),
            ts=str(action["action_ts"]),
            hash=str(body["view"].get("hash") or ""),
        )
        try:
            await self.accept(key, changed)
        except StoreUnavailable:
            log.warning("a choice in a form could not be kept")
        await ack()

    async def on_options(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """What a picker of the form offers; nothing, if the cluster does not say."""
        field = Field(body["action_id"].removeprefix(choices.PREFIX))
        filled, typed = self._read(body, live=False), str(body.get("value") or "")
        try:
            found = await self.forms.options(_user(body), filled, field, typed)
        except (Temporary, Permanent) as away:
            log.warning("no options for the form", error=type(away).__name__)
            found = []
        await ack(options=found)

    async def on_sent(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The form was sent. One form opens one restore, however often it comes."""
        filled = self._read(body, live=True)
        try:
            answer = await self.forms.judge(_user(body), filled)
            if isinstance(answer, FormRequest):
                submitted = ModalSubmitted(
                    user=_user(body),
                    channel=filled.room,
                    thread=_thread(filled),
                    request=answer,
                    chosen=filled.chosen.where is not None,
                )
                await self.accept(f"v:{filled.view}", submitted)
        except StoreUnavailable as away:
            log.warning("a form could not be kept", what=away.what)
            answer = store_down(filled.blocks)
        if isinstance(answer, FormRequest):
            await ack()
        else:
            await ack(response_action="errors", errors=answer)

    def _read(self, body: Mapping[str, Any], *, live: bool) -> FormState:
        return read(body["view"], self.default_cluster, live=live)


def opening(body: Mapping[str, Any]) -> ModalOpened:
    """What is worth keeping of a gesture that opens the form. A message names its thread."""
    message = body.get("message") or {}
    return ModalOpened(
        user=_user(body),
        channel=(body.get("channel") or {}).get("id") or "",
        thread=message.get("thread_ts") or body.get("message_ts"),
        trigger=body["trigger_id"],
        response_url=body.get("response_url"),
    )


def _user(body: Mapping[str, Any]) -> UserId:
    return UserId(body["user"]["id"])


def _thread(filled: FormState) -> str | None:
    """Where the one who filled it in is answered."""
    return filled.at.thread if filled.at.channel else None
