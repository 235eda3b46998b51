"""What the documentation says about the settings: a row for each, from the schema."""

import json
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final, NamedTuple, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.settings.schema import RULES, Settings, model_in
from bot.settings.types import is_duration

_TEXTS: Final = {"password": "secret", "path": "path", "uri": "URL"}
"""Kinds of texts by the format that their JSON schema names."""


class SettingRow(NamedTuple):
    """A setting, for the documentation."""

    key: str
    kind: str
    """What may be written, such as `whole number, 0 to 5`."""
    default: str
    meaning: str


def describe() -> tuple[SettingRow, ...]:
    """Every setting, environment first, as docs/configuration.md and config/example.yaml show them."""
    return tuple(_rows(Settings, ""))


def _rows(model: type[BaseModel], prefix: str) -> Iterator[SettingRow]:
    schema = model.model_json_schema()
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = model_in(field.annotation)
        if inner is None:
            form = schema["properties"][field.alias or name]
            kind = _kind(form, schema.get("$defs", {}), duration=is_duration(name))
            meaning = " ".join((field.description or RULES[name]).split())
            yield SettingRow(key, kind, _default(name, field), meaning)
        else:
            yield from _rows(inner, "" if name == "environment" else f"{key}{_each(field)}.")


def _each(field: FieldInfo) -> str:
    origin = get_origin(field.annotation)
    return "[]" if origin is tuple else "" if origin is None else ".<name>"


# --- What may be written -----------------------------------------------------------------------------


def _kind(form: Mapping[str, Any], known: Mapping[str, Any], *, duration: bool = False) -> str:
    """A JSON schema in words."""
    match form:
        case {"$ref": str(path)}:
            return _kind(known[path.rpartition("/")[2]], known)
        case {"anyOf": list(several)}:
            return _one_of([each for each in several if each != {"type": "null"}], known)
        case {"enum": list(values)}:
            return " or ".join(f"`{value}`" for value in values)
        case {"type": "boolean"}:
            return "`true` or `false`"
        case {"type": "integer"}:
            return ("duration" if duration else "whole number") + _bounds(form, duration=duration)
        case {"type": "array", "items": inner}:
            return f"list of {_kind(inner, known)}s"
        case {"type": "object", "patternProperties": inner}:
            [value] = inner.values()
            return f"mapping to {_kind(value, known)}"
        case _:
            return _TEXTS.get(form.get("format", ""), "text")


def _one_of(forms: list[Any], known: Mapping[str, Any]) -> str:
    """Where a text is taken, a number is what YAML makes of it when it has no quotes."""
    texts = [each for each in forms if each.get("type") == "string"]
    if not texts:
        return " or ".join(_kind(each, known) for each in forms)
    several = ", or a list of them" if any(each.get("type") == "array" for each in forms) else ""
    return f"{_kind(texts[0], known)}{several}"


def _bounds(form: Mapping[str, Any], *, duration: bool) -> str:
    least, most = (
        _seconds(value) if duration and value is not None else value
        for value in (form.get("minimum"), form.get("maximum"))
    )
    return f", {least} to {most}" if most is not None else f", {least} or more"


def _seconds(value: int) -> str:
    return f"{value // 60}m" if value % 60 == 0 else f"{value}s"


# --- What holds without it ---------------------------------------------------------------------------


def _default(name: str, field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "required"
    if isinstance(value, Enum):
        return str(value.value)
    if is_duration(name):
        return _seconds(value)
    if value is None or value in ((), {}, ""):
        return "not set"
    return json.dumps(value) if isinstance(value, bool | tuple) else str(value)
