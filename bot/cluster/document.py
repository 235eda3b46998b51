"""Reading a JSON document of the API server without trusting its shape.

A field that is missing, null or of another type reads as empty: servers omit what is empty, and a
status is written long after its object.
"""

from datetime import datetime
from typing import Any

from bot.cluster.quantity import quantity

Json = dict[str, Any]


def mapping(document: object, *path: str) -> Json:
    """The object at a path."""
    found = _at(document, path)
    return found if isinstance(found, dict) else {}


def items(document: object, *path: str) -> list[Json]:
    """The objects of the list at a path."""
    found = _at(document, path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def strings(document: object, *path: str) -> tuple[str, ...]:
    """The strings of the list at a path."""
    found = _at(document, path)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def text(document: object, *path: str) -> str:
    """The string at a path."""
    found = _at(document, path)
    return found if isinstance(found, str) else ""


def number(document: object, *path: str) -> int:
    """The whole number at a path."""
    found = _at(document, path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def flag(document: object, *path: str) -> bool:
    """True only for a JSON true."""
    return _at(document, path) is True


def present(document: object, *path: str) -> bool:
    """The field is there, be it empty; null is the same as absent."""
    return _at(document, path) is not None


def moment(document: object, *path: str) -> datetime | None:
    """The RFC 3339 time at a path, aware."""
    try:
        found = datetime.fromisoformat(text(document, *path))
    except ValueError:
        return None
    return found if found.tzinfo else None


def amount(document: object, *path: str) -> int:
    """The Kubernetes quantity at a path, as a whole number of its unit."""
    found = _at(document, path)
    return quantity(str(found)) if isinstance(found, str | int | float) else 0


def _at(document: object, path: tuple[str, ...]) -> object:
    for step in path:
        if not isinstance(document, dict):
            return None
        document = document.get(step)
    return document
