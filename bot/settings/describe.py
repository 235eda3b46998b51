"""What the documentation says about the settings: a row for each, from the schema."""

import json
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.settings.schema import RULES, Settings, model_in
from bot.settings.types import is_duration


class SettingRow(NamedTuple):
    """A setting, for the documentation."""

    key: str
    default: str
    meaning: str


def describe() -> tuple[SettingRow, ...]:
    """Every setting, environment first, as README and config/example.yaml must show them."""
    return tuple(_rows(Settings, ""))


def _rows(model: type[BaseModel], prefix: str) -> Iterator[SettingRow]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = model_in(field.annotation)
        if inner is None:
            yield SettingRow(key, _default(name, field), field.description or RULES[name])
        else:
            yield from _rows(inner, "" if name == "environment" else f"{key}{_each(field)}.")


def _each(field: FieldInfo) -> str:
    origin = get_origin(field.annotation)
    return "[]" if origin is tuple else "" if origin is None else ".<name>"


def _default(name: str, field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "required"
    if isinstance(value, Enum):
        return str(value.value)
    if is_duration(name):
        return f"{value // 60}m" if value % 60 == 0 else f"{value}s"
    if value is None or value in ((), {}, ""):
        return "not set"
    return json.dumps(value) if isinstance(value, bool | tuple) else str(value)
