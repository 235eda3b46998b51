"""The access list: who may restore what, as it is declared in the settings and as the policy reads it.

This is its one declaration: each field with its kind, its default and, in the docstring under it, what
the documentation says. The texts of errors are for the operator who writes the settings; each says what
is wrong and what to write instead.
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, ConfigDict, WithJsonSchema, model_validator

from bot.restore.thread import Stored
from bot.texts import refusals

ANY: Final = "*"
"""Every cluster, or every namespace."""
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def _namespace(value: str) -> str:
    if value != ANY and not _LABEL.fullmatch(value):
        raise ValueError('is no name of a namespace; write one like "production", or "*" for all')
    return value


def _slack_id(letters: str, instead: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(rf"[{letters}][A-Z0-9]{{2,}}", value):
            raise ValueError(f"is no such id; write {instead}")
        return value

    return AfterValidator(check)


def _written(pattern: str) -> WithJsonSchema:
    """The form of a text, for tools that check a file before the bot reads it: the chart's schema."""
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$"})


def _id(letters: str) -> WithJsonSchema:
    return _written(f"[{letters}][A-Z0-9]{{2,}}")


Namespace = Annotated[str, AfterValidator(_namespace), _written(rf"\*|{_LABEL.pattern}")]
User = Annotated[
    str, _slack_id("UW", 'the member id of the profile\'s "…" menu (U… or W…)'), _id("UW")
]
Group = Annotated[str, _slack_id("S", "the id of the user group (S…), not its @handle"), _id("S")]
Channel = Annotated[
    str, _slack_id("CGD", "the id at the end of the channel's details (C…)"), _id("CGD")
]


class _AccessSection(Stored):
    """A part of the access list; the docstrings of its fields are their descriptions."""

    model_config = ConfigDict(use_attribute_docstrings=True)


_SOMEBODY: Final = ("users", "groups", "channels")


class Grant(_AccessSection):
    """One rule of the access list. Everything that it names must fit; what it leaves out is free.

    Somebody fits `users` and `groups` together: being in either is enough.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [name], "properties": {name: {"minItems": 1}}} for name in _SOMEBODY
            ]
        }
    )

    users: tuple[User, ...] = ()
    """Slack user ids (U… or W…); being in `users` or in `groups` is enough."""
    groups: tuple[Group, ...] = ()
    """Slack user group ids (S…)."""
    channels: tuple[Channel, ...] = ()
    """Slack channel ids where the rule holds; empty for every channel the bot is in."""
    clusters: tuple[str, ...] = (ANY,)
    """Names of clusters; "*" for all."""
    namespaces: tuple[Namespace, ...]
    """Namespaces to restore in; "*" for all."""

    @model_validator(mode="after")
    def _names_somebody(self) -> "Grant":
        if not (self.users or self.groups or self.channels):
            raise ValueError("name at least one of users, groups or channels")
        return self


class OnCall(_AccessSection):
    """Who may claim a restore whose owner is gone; a grant must fit as well."""

    users: tuple[User, ...] = ()
    """Slack user ids (U… or W…) of those who may take over; being in one of the lists is enough."""
    groups: tuple[Group, ...] = ()
    """Slack user group ids (S…) of those who may take over."""


class Policy(_AccessSection):
    """The access list, who is on call, and whom to ask when it says no. Without a grant nobody may."""

    grants: tuple[Grant, ...] = ()
    """The access list: one entry per rule."""
    on_call: OnCall = OnCall()
    """Who may take over."""
    contact: str = refusals.CONTACT
    """Whom to ask, as told to those who may not: "the platform team in #platform"."""
