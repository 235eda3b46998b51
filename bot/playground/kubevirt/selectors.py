"""Label and field selectors of lists and watches."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bot.playground.kubevirt.metadata import dig
from bot.playground.kubevirt.problems import bad_request
from bot.playground.kubevirt.resources import Resource
from bot.playground.kubevirt.validation import value_problems

Json = dict[str, Any]
_SET = re.compile(r"(?P<key>[\w./-]+)\s+(?P<how>in|notin)\s*\((?P<values>[^)]*)\)")
_PARTS = re.compile(r",(?![^(]*\))")

# Custom resources can be selected by name and namespace only, as without `selectableFields`.
_FIELDS: dict[str, tuple[str, ...]] = {
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "namespaces": ("status.phase",),
    "pods": ("status.phase", "spec.nodeName"),
}


@dataclass(frozen=True, slots=True)
class Selector:
    """What a list or watch asked for; empty selects everything."""

    tests: tuple[Callable[[Json], bool], ...] = ()

    def accepts(self, obj: Json) -> bool:
        """Whether the object is selected."""
        return all(test(obj) for test in self.tests)


def parse_selector(resource: Resource, labels: str, fields: str) -> Selector:
    """Both selectors of a request; 400 for what cannot be parsed or is not supported."""
    tests = [_label_test(part.strip()) for part in _PARTS.split(labels) if part.strip()]
    tests += [_field_test(resource, part.strip()) for part in fields.split(",") if part.strip()]
    return Selector(tuple(tests))


def _checked(key: str, values: Iterable[str]) -> None:
    """400 for a value that no label can have."""
    for place, value in enumerate(values):
        for why in value_problems(value):
            named = f'values[{place}][{key}]: Invalid value: "{value}": {why}'
            raise bad_request(f"unable to parse requirement: {named}")


def _label_test(part: str) -> Callable[[Json], bool]:
    in_set = _SET.fullmatch(part)
    if in_set:
        values = {value.strip() for value in in_set["values"].split(",")}
        wanted = in_set["how"] == "in"
        key = in_set["key"]
        _checked(key, sorted(values))
        return lambda obj: (_label(obj, key) in values) is wanted
    for operator in ("!=", "==", "="):
        if operator in part:
            key, value = (side.strip() for side in part.split(operator, 1))
            _checked(key, [value])
            equal = operator != "!="
            return lambda obj: (_label(obj, key) == value) is equal
    negated = part.startswith("!")
    key = part.lstrip("!").strip()
    if not re.fullmatch(r"[\w./-]+", key):
        raise bad_request(f"unable to parse requirement: found '{part}', expected: identifier")
    return lambda obj: (_label(obj, key) is not None) is not negated


def _label(obj: Json, key: str) -> str | None:
    value: str | None = dig(obj, "metadata", "labels", default={}).get(key)
    return value


def _field_test(resource: Resource, part: str) -> Callable[[Json], bool]:
    operator = next((known for known in ("!=", "==", "=") if known in part), None)
    if operator is None:
        raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
    path, value = (side.strip() for side in part.split(operator, 1))
    if path not in ("metadata.name", "metadata.namespace", *_FIELDS.get(resource.plural, ())):
        raise bad_request(f"field label not supported: {path}")
    equal = operator != "!="
    steps = path.split(".")
    return lambda obj: (str(dig(obj, *steps, default="")) == value) is equal
