"""What the page sends, read strictly: each field has a kind, and what is wrong is said in words."""

import json
from typing import Any

Json = dict[str, Any]


class Malformed(Exception):
    """A request that the page never sends."""


class Fields:
    """The fields of one JSON object."""

    def __init__(self, raw: bytes) -> None:
        try:
            held = json.loads(raw)
        except ValueError:
            raise Malformed("the body is no JSON") from None
        if not isinstance(held, dict):
            raise Malformed("the body is no JSON object")
        self._held: Json = held

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it must be there."""
        value = self._held.get(name, default)
        if not isinstance(value, str):
            raise Malformed(f"{name!r} is missing, or no text")
        return value

    def maybe(self, name: str) -> str | None:
        """A text, or None if it is left out or null."""
        return None if self._held.get(name) is None else self.text(name)

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """True or false."""
        value = self._held.get(name, default)
        if not isinstance(value, bool):
            raise Malformed(f"{name!r} is neither true nor false")
        return value

    def number(self, name: str) -> int:
        """A whole number."""
        value = self._held.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Malformed(f"{name!r} is no whole number")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        value = self._held.get(name)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Malformed(f"{name!r} is no list of texts")
        return value

    def inner(self, name: str) -> "Fields":
        """An object inside."""
        value = self._held.get(name)
        if not isinstance(value, dict):
            raise Malformed(f"{name!r} is no object")
        return Fields(json.dumps(value).encode())

    def has(self, name: str) -> bool:
        """Whether it is there."""
        return name in self._held
