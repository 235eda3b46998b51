"""Clicks, menus and forms: what goes to the app when a person uses a control, and what comes back."""

import copy
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.playground.slack.blockkit import check_view
from bot.playground.slack.delivery import Delivery, Request
from bot.playground.slack.elements import OPTION, OPTION_GROUP
from bot.playground.slack.outgoing import Outgoing
from bot.playground.slack.payloads import (
    channel_ref,
    interaction,
    message_container,
    message_json,
    state_values,
    value_key,
)
from bot.playground.slack.response_urls import ResponseUrls
from bot.playground.slack.schema import array, record
from bot.playground.slack.surfaces import (
    Choice,
    Control,
    NotPossible,
    Surface,
    blocks_of,
    choices,
)
from bot.playground.slack.views import View, Views
from bot.playground.slack.workspace import Channel, Message, User, Workspace

Json = dict[str, Any]
Status = Literal["pending", "ok", "operation_timeout", "dispatch_failed", "dismissed"]

_OPTIONS_ANSWER = {"options": array(OPTION, 100), "option_groups": array(OPTION_GROUP, 100)}


@dataclass(slots=True, eq=False)
class Result:
    """What a person sees come of a gesture. `settled()` waits for the app's ack, 3 s at most."""

    request: Request | None = None
    responses: list[Message] = field(default_factory=list)
    dismissed: bool = False

    @property
    def status(self) -> Status:
        """How it stands."""
        if self.dismissed:
            return "dismissed"
        outcome = self.request.outcome if self.request else None
        if outcome is None:
            return "pending"
        if outcome.ok:
            return "ok"
        late = outcome.reason in ("timeout", "http_timeout")
        return "operation_timeout" if late else "dispatch_failed"

    @property
    def body(self) -> Any:
        """What the ack carried, where it may carry anything."""
        outgoing = self.request.outgoing if self.request else None
        outcome = self.request.outcome if self.request else None
        return outcome.body if outcome and outgoing and outgoing.answers else None


@dataclass(slots=True, eq=False)
class ClickResult(Result):
    """What came of a click or a choice."""

    async def settled(self) -> "ClickResult":
        """Wait for the ack."""
        if self.request is not None:
            await self.request.done.wait()
        return self


@dataclass(slots=True, eq=False)
class SubmitResult(Result):
    """What came of a submitted form. `action` is what the app made of the modal."""

    action: str = ""
    errors: dict[str, str] = field(default_factory=dict)


class Interactions:
    """Sends interactive payloads."""

    def __init__(
        self, workspace: Workspace, views: Views, urls: ResponseUrls, delivery: Delivery
    ) -> None:
        self._workspace = workspace
        self._views = views
        self._urls = urls
        self._delivery = delivery

    async def use(
        self, user: User, surface: Surface, control: Control, extra: Json, *, remember: bool = True
    ) -> ClickResult:
        """Send block_actions for a button or a menu."""
        key = value_key(control.element)
        if key is not None and remember:
            self.type_in(surface, control, extra.get(key))
        payload = interaction(self._workspace, "block_actions", user)
        payload |= self._where(user, surface)
        payload["trigger_id"] = self._trigger(user, surface)
        payload["state"] = {"values": state_values(blocks_of(surface), surface.state)}
        payload["actions"] = [self._action(control, extra)]
        responses: list[Message] = []
        if isinstance(surface, Message):
            channel = surface.channel
            payload["response_url"], responses = self._urls.new("actions", user, channel, surface)
        request = await self._delivery.request(Outgoing("interactive", payload))
        return ClickResult(request, responses)

    def type_in(self, surface: Surface, control: Control, value: Any) -> None:
        """Keep the value of a stateful element."""
        key = value_key(control.element)
        if key is None:
            raise NotPossible(f"{control.action_id} takes no value")
        kept = {"type": control.kind, key: value}
        surface.state.setdefault(control.block_id, {})[control.action_id] = kept

    async def options(
        self, user: User, surface: Surface, control: Control, typed: str
    ) -> list[Choice]:
        """Ask the app for the options of a menu."""
        least = control.element.get("min_query_length", 3)
        if len(typed) < least:
            raise NotPossible(f"the menu asks nothing before {least} characters are typed")
        payload = interaction(self._workspace, "block_suggestion", user)
        # What is chosen elsewhere in a form is not told here, only what the app has drawn.
        payload |= self._where(user, surface, with_state=False)
        names = {"action_id": control.action_id, "block_id": control.block_id}
        payload |= {**names, "value": typed}
        request = await self._delivery.request(Outgoing("interactive", payload, answers=True))
        await request.done.wait()
        outcome = request.outcome
        if outcome is None or not outcome.ok:
            raise NotPossible("the menu could not load its options")
        return _offered(outcome.body)

    async def submit(self, user: User, view: View) -> SubmitResult:
        """Send view_submission and do with the modal what the app says."""
        payload = interaction(self._workspace, "view_submission", user)
        payload |= {
            "trigger_id": self._views.new_trigger(user, view),
            "view": self._views.show(view, with_state=True),
            "response_urls": [],
        }
        request = await self._delivery.request(Outgoing("interactive", payload, answers=True))
        await request.done.wait()
        view.problems = {}
        result = SubmitResult(request)
        if result.status == "ok":
            self._obey(view, result)
        return result

    def _obey(self, view: View, result: SubmitResult) -> None:
        body = result.body if isinstance(result.body, dict) else {}
        result.action = body.get("response_action", "close")
        match result.action:
            case "close":
                self._views.close(view)
            case "clear":
                self._views.close(view, all_of_them=True)
            case "errors":
                result.errors = view.problems = _form_errors(view, body.get("errors"))
            case "update" | "push":
                self._change(view, body.get("view"), result.action)
            case other:
                raise NotPossible(f"Slack knows no response_action {other!r}")

    def _change(self, view: View, definition: Any, action: str) -> None:
        if problems := check_view(definition, "modal"):
            raise NotPossible(f"the app answered with a bad view: {problems[0]}")
        if action == "push":
            self._views.push_on(view, definition)
        else:
            self._views.update(view, definition)

    async def close(self, user: User, view: View) -> None:
        """Close a modal; the app hears of it only if it asked to."""
        self._views.close(view)
        if not view.definition.get("notify_on_close"):
            return
        payload = interaction(self._workspace, "view_closed", user)
        payload |= {"view": self._views.show(view), "is_cleared": False}
        await self._delivery.request(Outgoing("interactive", payload))

    async def shortcut(
        self, user: User, callback_id: str, looking_at: Channel | None = None
    ) -> ClickResult:
        """Send a global shortcut."""
        payload = interaction(self._workspace, "shortcut", user)
        del payload["api_app_id"]
        payload["user"].pop("name")
        payload |= {
            "action_ts": self._workspace.next_ts(),
            "callback_id": callback_id,
            "trigger_id": self._views.new_trigger(user, looking_at=looking_at),
        }
        return ClickResult(await self._delivery.request(Outgoing("interactive", payload)))

    async def message_shortcut(self, user: User, message: Message, callback_id: str) -> ClickResult:
        """Send a message shortcut."""
        payload = interaction(self._workspace, "message_action", user)
        del payload["api_app_id"]
        url, responses = self._urls.new("app", user, message.channel, message)
        payload |= {
            "action_ts": self._workspace.next_ts(),
            "callback_id": callback_id,
            "trigger_id": self._views.new_trigger(user),
            "channel": channel_ref(message.channel),
            "response_url": url,
            "message_ts": message.ts,
            "message": message_json(message),
        }
        return ClickResult(
            await self._delivery.request(Outgoing("interactive", payload)), responses
        )

    def _where(self, user: User, surface: Surface, *, with_state: bool = True) -> Json:
        if isinstance(surface, View):
            shown = self._views.show(surface, with_state=with_state)
            return {"container": {"type": "view", "view_id": surface.id}, "view": shown}
        where: Json = {
            "container": message_container(surface),
            "channel": channel_ref(surface.channel),
        }
        if surface.ephemeral_to is None and not surface.deleted:
            where["message"] = message_json(surface)
        _must_see(user, surface.channel, surface)
        return where

    def _trigger(self, user: User, surface: Surface) -> str:
        if isinstance(surface, View) and surface.kind == "modal":
            return self._views.new_trigger(user, surface)
        return self._views.new_trigger(user)

    def _action(self, control: Control, extra: Json) -> Json:
        action: Json = {
            "type": control.kind,
            "action_id": control.action_id,
            "block_id": control.block_id,
            "action_ts": self._workspace.next_ts(),
        }
        copied = ("text", "value", "style", "confirm", "placeholder", "min_query_length")
        action |= {name: control.element[name] for name in copied if name in control.element}
        return action | copy.deepcopy(extra)


def _must_see(user: User, channel: Channel, message: Message) -> None:
    if message.ephemeral_to not in (None, user):
        raise NotPossible(f"{user.name} does not see this message")
    if message.ephemeral_to is None and not channel.has(user):
        raise NotPossible(f"{user.name} is not in #{channel.name}")


def _offered(body: Any) -> list[Choice]:
    problems = list(record({}, _OPTIONS_ANSWER)(body, ""))
    if problems:
        raise NotPossible(f"the menu could not load its options: {problems[0]}")
    return choices(body)


def _form_errors(view: View, errors: Any) -> dict[str, str]:
    """Errors belong to input blocks; any other key makes the modal show a general failure."""
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or set(errors) - inputs:
        raise NotPossible(f"the app named errors for blocks that are no inputs: {errors}")
    return {str(block_id): str(text) for block_id, text in errors.items()}
