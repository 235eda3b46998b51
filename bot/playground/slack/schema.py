"""A small language for Slack's rules about JSON: each rule looks at one value and names problems.

A problem carries the JSON pointer that Slack prints. Rules are plain functions, so the tables of
`elements.py` and `blockkit.py` read like Slack's reference pages.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where."""

    pointer: str
    text: str

    def __str__(self) -> str:
        return f"{self.text} [json-pointer:{self.pointer}]"


Rule = Callable[[object, str], Iterator[Problem]]


def anything(_value: object, _at: str) -> Iterator[Problem]:
    """Accept whatever is there."""
    yield from ()


def string(most: int, least: int = 0, one_of: tuple[str, ...] = ()) -> Rule:
    """A string of limited length, or one of a few words."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield Problem(at, "must provide a string")
        elif len(value) < least:
            yield Problem(at, f"must be more than {least - 1} characters")
        elif len(value) > most:
            yield Problem(at, f"must be less than {most + 1} characters")
        elif one_of and value not in one_of:
            yield Problem(at, f"must be a valid enum value: {', '.join(one_of)}")

    return check


def word(*allowed: str) -> Rule:
    """One of these words."""
    return string(255, 1, allowed)


def boolean(value: object, at: str) -> Iterator[Problem]:
    """True or false."""
    if not isinstance(value, bool):
        yield Problem(at, "must provide a boolean")


def integer(least: int, most: int) -> Rule:
    """A whole number within limits."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield Problem(at, "must provide an integer")
        elif not least <= value <= most:
            yield Problem(at, f"must be between {least} and {most}")

    return check


def array(item: Rule, most: int, least: int = 0) -> Rule:
    """A list with limits on its length."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield Problem(at, "must provide an array")
            return
        if len(value) > most:
            yield Problem(at, f"no more than {most} items allowed")
        if len(value) < least:
            yield Problem(at, f"no less than {least} items required")
        for index, one in enumerate(value):
            yield from item(one, f"{at}/{index}")

    return check


def record(required: Mapping[str, Rule], optional: Mapping[str, Rule]) -> Rule:
    """An object with these keys and no others."""
    known = {**required, **optional}

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem(at, "must provide an object")
            return
        for key in required:
            if value.get(key) is None:
                yield Problem(at, f"missing required field: {key}")
        for key, inner in value.items():
            if key not in known:
                yield Problem(at, f"invalid additional property: {key}")
            elif inner is not None:
                yield from known[key](inner, f"{at}/{key}")

    return check


def variant(kinds: Mapping[str, Rule], noun: str = "type") -> Rule:
    """An object whose `type` chooses its rule."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem(at, "must provide an object")
        elif not isinstance(value.get("type"), str):
            yield Problem(at, "missing required field: type")
        elif value["type"] not in kinds:
            yield Problem(f"{at}/type", f"unsupported {noun}: {value['type']}")
        else:
            yield from kinds[value["type"]](value, at)

    return check


def both(*rules: Rule) -> Rule:
    """Every one of these rules."""

    def check(value: object, at: str) -> Iterator[Problem]:
        for rule in rules:
            yield from rule(value, at)

    return check


def some_of(*keys: str) -> Rule:
    """An object with at least one of these keys."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if isinstance(value, dict) and not any(value.get(key) for key in keys):
            yield Problem(at, f"missing required field: {' or '.join(keys)}")

    return check


def exactly_one_of(*keys: str) -> Rule:
    """An object with one of these keys, not two."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if isinstance(value, dict) and sum(value.get(key) is not None for key in keys) != 1:
            yield Problem(at, f"must have exactly one of: {', '.join(keys)}")

    return check
