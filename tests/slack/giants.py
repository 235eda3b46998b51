"""A giant of every type that an answer is built from: each text as given, each list a hundred long.

A mapping is twenty long: it may hold another one, and a list is cut after fifteen lines.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from bot.restore.diagnosis.model import Diagnosis
from bot.restore.model import Restore
from bot.slack.markup.mrkdwn import Mrkdwn
from tests.restores import ALICE, NOW

MANY = 100
KEYS = 20
LINK = "https://acme.slack.com/archives/C0OPS/p1771430400000100"
TRUSTED: Mapping[str, str] = {
    "permalink": LINK,
    "links": LINK,
    "channel": "C0OPS",
    "cluster": "west",
    "taker": ALICE,
    "giver": ALICE,
    "asker": ALICE,
}
"""What Slack or the settings say, by the names of parameters and fields."""


@dataclasses.dataclass(frozen=True, slots=True)
class Giants:
    """Makes them. `text` is what others wrote; `restore` stands for every restore."""

    text: str
    restore: Restore

    def arguments(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Everything that a function takes."""
        hints = get_type_hints(function)
        return {name: self.made(hint, name) for name, hint in hints.items() if name != "return"}

    def made(self, hint: Any, name: str = "") -> Any:
        """One of this type; `name` is what it is called there."""
        kind = get_origin(hint) or hint
        if kind in (Union, UnionType):
            return self.made(get_args(hint)[0], name)
        if kind in (tuple, list, Sequence, Iterable, Collection):
            return tuple(self._listed(get_args(hint)[0], name))
        if kind is Mapping:
            key, value = get_args(hint)
            return dict.fromkeys(self._listed(key, "")[:KEYS], self.made(value, name))
        return self._single(getattr(kind, "__supertype__", kind), name)

    def _listed(self, hint: Any, name: str) -> list[Any]:
        """A hundred; texts differ, and there is one for the restore."""
        found = [self.made(hint, name) for _ in range(MANY)]
        if all(type(each) is str for each in found):
            return [self.restore.id, *(f"{each}{n}" for n, each in enumerate(found))]
        return found

    def _single(self, kind: Any, name: str) -> Any:
        make: Callable[..., Any] = kind
        if kind is Restore:
            return self.restore
        if kind is Diagnosis and self.restore.diagnosis is not None:
            return self.restore.diagnosis
        if kind is Mrkdwn:
            return Mrkdwn("x" * 2000)
        if kind is str:
            return TRUSTED.get(name, self.text)
        if kind in (bool, int):
            return kind(1)
        if kind is datetime:
            return NOW
        if issubclass(kind, Enum):
            return next(iter(kind))
        if dataclasses.is_dataclass(kind):
            return make(**self.arguments(make))
        raise NotImplementedError(f"a giant {kind} is wanted for {name!r}: teach it here")
