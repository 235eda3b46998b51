"""What a person can use on a message, a modal or a Home tab as it stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.playground.slack.blockkit import interactive
from bot.playground.slack.views import View
from bot.playground.slack.workspace import Message, User

Json = dict[str, Any]
Surface = Message | View
Named = str | tuple[str, str]
"""How a control is named: by its label or action id, or exactly, by block id and action id."""

MENUS = (
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "overflow",
    "radio_buttons",
)


class NotPossible(Exception):
    """A gesture that nobody could make with what is on the screen."""


@dataclass(frozen=True, slots=True)
class Control:
    """One element, with the block it stands in."""

    block: Json
    element: Json

    @property
    def block_id(self) -> str:
        """The id of its block."""
        return str(self.block["block_id"])

    @property
    def action_id(self) -> str:
        """Its own id."""
        return str(self.element["action_id"])

    @property
    def kind(self) -> str:
        """Its type."""
        return str(self.element["type"])

    @property
    def label(self) -> str:
        """What a person reads on it or beside it."""
        text = self.element.get("text") or self.block.get("label") or {}
        return str(text.get("text", ""))

    @property
    def only_typed(self) -> bool:
        """Whether using it sends nothing by itself: an input of a form."""
        return self.block["type"] == "input" and not self.block.get("dispatch_action")


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a menu."""

    text: str
    value: str
    raw: Json = field(repr=False, default_factory=dict)


def controls(blocks: list[Json], user: User) -> Iterator[Control]:
    """All elements that this user can use."""
    for block in blocks:
        for element in interactive(block):
            only_for = element.get("visible_to_user_ids")
            if not only_for or user.id in only_for:
                yield Control(block, element)


def find_control(
    blocks: list[Json], user: User, what: Named, kinds: tuple[str, ...] = ()
) -> Control:
    """The one element with this name."""
    usable = [c for c in controls(blocks, user) if not kinds or c.kind in kinds]
    found = [c for c in usable if what in (c.action_id, c.label, (c.block_id, c.action_id))]
    found = found or [c for c in usable if what == c.block_id]
    if len(found) == 1:
        return found[0]
    there = ", ".join(f"{c.label!r} ({c.action_id})" for c in usable) or "nothing"
    problem = "is not there" if not found else "is there more than once"
    raise NotPossible(f"{what!r} {problem}; there is {there}")


def choices(element: Json) -> list[Choice]:
    """The options of a menu, those of groups included."""
    groups = element.get("option_groups") or [element]
    options = [option for group in groups for option in group.get("options", [])]
    return [Choice(option["text"]["text"], option["value"], option) for option in options]


def choose(offered: list[Choice], wanted: str) -> Choice:
    """The option with this text or value."""
    for choice in offered:
        if wanted in (choice.text, choice.value):
            return choice
    texts = ", ".join(repr(choice.text) for choice in offered) or "nothing"
    raise NotPossible(f"no option {wanted!r}; there is {texts}")


def blocks_of(surface: Surface) -> list[Json]:
    """The blocks as they stand."""
    return surface.blocks or []


def check_form(view: View, user: User) -> None:
    """The client does not submit a form that is not filled in."""
    if not view.definition.get("submit"):
        raise NotPossible("the modal has no submit button")
    for control in controls(view.blocks, user):
        if control.block["type"] != "input" or control.block.get("optional"):
            continue
        stored = view.state.get(control.block_id, {}).get(control.action_id, {})
        value = next((v for key, v in stored.items() if key != "type"), None)
        prefilled = any(key.startswith("initial") for key in control.element)
        if value in (None, "", []) and not prefilled:
            raise NotPossible(f"{control.label!r} must be filled in")
        _check_length(control.element, value)


def _check_length(element: Json, value: object) -> None:
    if not isinstance(value, str):
        return
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if not least <= len(value) <= most:
        raise NotPossible(f"the field takes {least} to {most} characters")
