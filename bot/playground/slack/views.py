"""Modals and Home tabs: what is open for whom, and the trigger ids that may open them."""

import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.playground.slack.blockkit import Surface, check_view, interactive, normalised
from bot.playground.slack.payloads import state_values
from bot.playground.slack.workspace import Channel, SlackRefusal, User, Workspace

Json = dict[str, Any]

TRIGGER_LIFE = timedelta(seconds=3)
MAX_VIEWS = 3


@dataclass(slots=True, eq=False)
class View:
    """A modal or a Home tab as Slack keeps it."""

    id: str
    kind: str
    user: User
    definition: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    state: dict[str, dict[str, Json]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    """What stands beside its fields after it was sent, by block id."""

    @property
    def blocks(self) -> list[Json]:
        """Its blocks as they stand."""
        blocks: list[Json] = self.definition["blocks"]
        return blocks

    @property
    def title(self) -> str:
        """The title of a modal."""
        title: Json = self.definition.get("title") or {}
        return str(title.get("text", ""))

    @property
    def callback_id(self) -> str:
        """The app's own name for it."""
        return str(self.definition.get("callback_id") or "")


@dataclass(slots=True)
class _Trigger:
    user: User
    until: datetime
    view: View | None
    looking_at: Channel | None
    used: bool = False


class Views:
    """All open modals (a stack for each person) and published Home tabs."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}
        self._triggers: dict[str, _Trigger] = {}

    def new_trigger(
        self, user: User, view: View | None = None, *, looking_at: Channel | None = None
    ) -> str:
        """A trigger id for a gesture of the user, perhaps inside a modal or over a channel."""
        ids = self._workspace.ids
        numbers = ids.secret("trigger", 13, "123456789"), ids.secret("trigger", 10, "123456789")
        trigger = ".".join((*numbers, ids.secret("trigger", 32, "0123456789abcdef")))
        until = self._workspace.now() + TRIGGER_LIFE
        self._triggers[trigger] = _Trigger(user, until, view, looking_at)
        return trigger

    def _spend(self, trigger_id: str) -> _Trigger:
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackRefusal("invalid_trigger_id")
        if trigger.used:
            raise SlackRefusal("trigger_exchanged")
        if self._workspace.now() > trigger.until:
            raise SlackRefusal("trigger_expired")
        trigger.used = True
        return trigger

    def open(self, trigger_id: str, definition: object) -> View:
        """Show a modal to the person who made the gesture; a modal that is open gives way to it."""
        made = self._checked(definition, "modal")
        trigger = self._spend(trigger_id)
        view = self._new("modal", trigger.user, made)
        if trigger.looking_at is not None:
            _choose_current(view, trigger.looking_at)
        self._stacks[trigger.user.id] = [view]
        return view

    def push(self, trigger_id: str, definition: object) -> View:
        """Put a modal on top of the one in which the gesture was made."""
        made = self._checked(definition, "modal")
        trigger = self._spend(trigger_id)
        if trigger.view is None:
            raise SlackRefusal("not_found")
        return self.push_on(trigger.view, made)

    def push_on(self, below: View, definition: object) -> View:
        """Put a modal on top of another."""
        made = self._checked(definition, "modal")
        stack = self._stacks.get(below.user.id, [])
        if below not in stack:
            raise SlackRefusal("not_found")
        if len(stack) >= MAX_VIEWS:
            raise SlackRefusal("push_limit_reached")
        view = self._new("modal", below.user, made)
        view.root_id, view.previous_id = below.root_id, stack[-1].id
        stack.append(view)
        return view

    def update(self, view: View, definition: object, known_hash: str | None = None) -> View:
        """Change an open modal; typed values stay where block and action ids stay."""
        made = self._checked(definition, "modal", besides=view)
        if known_hash is not None and known_hash != view.hash:
            raise SlackRefusal("hash_conflict")
        view.definition, view.hash = made, self._new_hash()
        there = {block["block_id"] for block in view.blocks}
        view.state = {block: kept for block, kept in view.state.items() if block in there}
        view.problems = {}
        return view

    def publish(self, user: User, definition: object, known_hash: str | None = None) -> View:
        """Show a Home tab."""
        before = self._homes.get(user.id)
        made = self._checked(definition, "home", besides=before)
        if before is None:
            before = self._homes[user.id] = self._new("home", user, made)
        elif known_hash is not None and known_hash != before.hash:
            raise SlackRefusal("hash_conflict")
        before.definition, before.hash = made, self._new_hash()
        return before

    def find(self, view_id: str | None, external_id: str | None) -> View:
        """An open modal by either id."""
        for view in self._open():
            if view_id is not None and view.id == view_id:
                return view
            if external_id and view.definition.get("external_id") == external_id:
                return view
        raise SlackRefusal("not_found")

    def top(self, user: User) -> View | None:
        """The modal the user sees."""
        stack = self._stacks.get(user.id)
        return stack[-1] if stack else None

    def below(self, user: User) -> int:
        """How many modals lie under the one the user sees."""
        return max(0, len(self._stacks.get(user.id, ())) - 1)

    def home(self, user: User) -> View | None:
        """The Home tab the user sees."""
        return self._homes.get(user.id)

    def close(self, view: View, *, all_of_them: bool = False) -> list[View]:
        """Take the top modal or the whole stack away; says which ones went."""
        stack = self._stacks.get(view.user.id, [])
        gone = list(stack) if all_of_them else stack[-1:]
        del stack[len(stack) - len(gone) :]
        return gone

    def _open(self) -> list[View]:
        return [view for stack in self._stacks.values() for view in stack]

    def _checked(self, definition: object, surface: Surface, besides: View | None = None) -> Json:
        problems = check_view(definition, surface)
        if problems or not isinstance(definition, dict):
            messages = [f"[ERROR] {problem}" for problem in problems]
            raise SlackRefusal("invalid_arguments", response_metadata={"messages": messages})
        external = definition.get("external_id")
        others = (v for v in (*self._open(), *self._homes.values()) if v is not besides)
        if external and any(v.definition.get("external_id") == external for v in others):
            raise SlackRefusal("duplicate_external_id")
        return {**definition, "blocks": normalised(definition["blocks"], self._workspace.ids)}

    def _new(self, kind: str, user: User, definition: Json) -> View:
        view_id = self._workspace.ids.make("V")
        return View(view_id, kind, user, definition, self._new_hash(), view_id)

    def _new_hash(self) -> str:
        return f"{self._workspace.epoch()}.{self._workspace.ids.secret('hash', 8)}"

    def show(self, view: View, *, with_state: bool = False) -> Json:
        """A view as Slack shows it in answers and payloads."""
        values = state_values(view.blocks, view.state) if with_state else {}
        given = view.definition
        body: Json = {
            "id": view.id,
            "team_id": self._workspace.team_id,
            "type": view.kind,
            "blocks": copy.deepcopy(view.blocks),
            "private_metadata": given.get("private_metadata") or "",
            "callback_id": given.get("callback_id") or "",
            "state": {"values": values},
            "hash": view.hash,
            "title": _labelled(given.get("title")) or _labelled({"text": "View Title"}),
            "clear_on_close": bool(given.get("clear_on_close")),
            "notify_on_close": bool(given.get("notify_on_close")),
            "close": _labelled(given.get("close")),
            "submit": _labelled(given.get("submit")),
            "previous_view_id": view.previous_id,
            "root_view_id": view.root_id,
            "app_id": self._workspace.bot.app_id,
            "external_id": given.get("external_id") or "",
            "app_installed_team_id": self._workspace.team_id,
            "bot_id": self._workspace.bot.bot_id,
        }
        return body


def admits(element: Json, channel: Channel) -> bool:
    """Whether a menu of conversations offers this one."""
    allowed = element.get("filter") or {}
    kind = {"channel": "public", "group": "private"}.get(channel.kind, channel.kind)
    shared = channel.ext_shared and allowed.get("exclude_external_shared_channels")
    return not shared and kind in allowed.get("include", (kind,))


def _choose_current(view: View, channel: Channel) -> None:
    """Fill in the conversation that the user was looking at, where the app asks for it."""
    for block in view.blocks:
        for element in interactive(block):
            if element.get("default_to_current_conversation") and admits(element, channel):
                kept = {"type": element["type"], "selected_conversation": channel.id}
                view.state[block["block_id"]] = {element["action_id"]: kept}


def _labelled(text: Json | None) -> Json | None:
    return {"type": "plain_text", "emoji": True, **text} if text else None
