"""The texts for settings that are wrong: the key as it is written, what is wrong, what to write.

No secret is ever part of a text. Texts about the environment quote no values at all.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from bot.settings.schema import Environment, Settings, model_in
from bot.settings.types import is_duration


class Problem(NamedTuple):
    """A key as it is written, and what is wrong with its value."""

    key: str
    text: str


_MISSING: Final = {
    "SLACK_BOT_TOKEN": "set it to the Bot User OAuth Token (xoxb-…) of the Slack app",
    "namespaces": 'write a list of namespaces, or ["*"] for all',
}
VARIABLES: Final = tuple(str(field.alias) for field in Environment.model_fields.values())


def problem(details: ErrorDetails, env: Mapping[str, str]) -> Problem:
    """What one error of pydantic means, by the key as it is written."""
    path = tuple(part for part in details["loc"] if part != "[key]")
    if path[0] != "environment":
        return Problem(_key(path), explain(details, _beside(path), quote=True))
    name = str(path[1])
    text = explain(details, VARIABLES, quote=False)
    typos = difflib.get_close_matches(name, set(env) - set(VARIABLES), n=1, cutoff=0.85)
    if details["type"] == "missing" and typos:
        text = f"{text} (`{typos[0]}` is set: is that a typing error?)"
    return Problem(name, text)


def _key(path: Iterable[int | str]) -> str:
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return parts.removeprefix(".")


def _beside(path: tuple[int | str, ...]) -> Iterable[str]:
    """The names of the settings beside the last one of the path."""
    model: type[BaseModel] = Settings
    for part in path[:-1]:
        if field := model.model_fields.get(str(part)):
            model = model_in(field.annotation) or model
    return set(model.model_fields) - {"environment"}


def nearest(word: str, known: Iterable[str]) -> str:
    """'; did you mean `x`?' if something known is close, else the known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known here: {', '.join(names)}" if names else "remove it"


def explain(error: ErrorDetails, known: Iterable[str], *, quote: bool) -> str:
    """One sentence for one error of pydantic. `known` are the names that stand beside the key."""
    key = str(error["loc"][-1]) if error["loc"] else ""
    context = error.get("ctx", {})
    was = f"is {_short(error['input'])}; " if quote else ""
    match error["type"]:
        case "missing":
            return f"is missing; {_MISSING.get(key, 'write it')}"
        case "extra_forbidden":
            return f"is no setting; {nearest(key, known)}"
        case "value_error":
            return f"{_quoted(error['input']) if quote else ''}{context['error']}"
        case _ if error["input"] is None:
            return "is empty; write a value or remove the line"
        case "int_parsing" | "int_type" | "int_from_float" if is_duration(key):
            return f"{was}write a duration like 90s, 15m or 1h, or seconds"
        case "literal_error" | "enum":
            return f"{was}write {context['expected'].replace(chr(39), '')}"
        case "greater_than_equal":
            return f"{was}write {context['ge']}{_unit(key)} or more"
        case "less_than_equal":
            return f"{was}write {context['le']}{_unit(key)} or less"
        case kind:
            return f"{was}write {_SHAPES.get(kind.partition('_')[0], 'another value')}"


_SHAPES: Final = {
    "tuple": "a list: [a, b]",
    "mapping": "a mapping: name, colon, value",
    "dict": "a mapping: name, colon, value",
    "model": "a mapping: name, colon, value",
    "string": "a text, in quotes",
    "int": "a whole number",
    "bool": "true or false",
    "path": "a path",
}


def _unit(key: str) -> str:
    return " seconds" if is_duration(key) else ""


def _short(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _quoted(value: Any) -> str:
    return f"{_short(value)} " if isinstance(value, str) else ""
