"""Rules of the API server itself on names, labels and annotations, before any webhook."""

import re
from collections.abc import Iterator
from typing import Any

from bot.playground.kubevirt.metadata import dig
from bot.playground.kubevirt.problems import Cause
from bot.playground.kubevirt.resources import NAMESPACES, Resource

Json = dict[str, Any]
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_QUALIFIED})?"
_ANNOTATIONS_LIMIT = 256 * 1024

_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    rf"validation is '{_LABEL}(\.{_LABEL})*')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must "
    "start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
    f"validation is '{_LABEL}')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
    "must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
    r"regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_KEY_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def metadata_causes(resource: Resource, obj: Json) -> Iterator[Cause]:
    """What is wrong with an object's metadata."""
    name = obj["metadata"].get("name", "")
    if not name:
        text = "Required value: name or generateName is required"
        yield Cause("metadata.name", text, "FieldValueRequired")
    else:
        yield from _name_causes(resource, name)
    for key, value in dig(obj, "metadata", "labels", default={}).items():
        yield from _key_causes("metadata.labels", key)
        yield from _value_causes(value)
    annotations = dig(obj, "metadata", "annotations", default={})
    for key in annotations:
        yield from _key_causes("metadata.annotations", key.lower())
    if sum(len(key) + len(value) for key, value in annotations.items()) > _ANNOTATIONS_LIMIT:
        text = f"Too long: may not be more than {_ANNOTATIONS_LIMIT} bytes"
        yield Cause("metadata.annotations", text, "FieldValueTooLong")


def _name_causes(resource: Resource, name: str) -> Iterator[Cause]:
    is_label = resource is NAMESPACES
    shape, text, limit = (
        (_LABEL, _LABEL_TEXT, 63) if is_label else (_SUBDOMAIN, _SUBDOMAIN_TEXT, 253)
    )
    if len(name) > limit:
        yield Cause("metadata.name", f'Invalid value: "{name}": must be no more than {limit} bytes')
    if not re.fullmatch(shape, name):
        yield Cause("metadata.name", f'Invalid value: "{name}": {text}')


def _key_causes(field: str, key: str) -> Iterator[Cause]:
    prefix, _, name = key.rpartition("/")
    if len(name) > 63:
        yield Cause(field, f'Invalid value: "{key}": name part must be no more than 63 bytes')
    if not re.fullmatch(_QUALIFIED, name):
        yield Cause(field, f'Invalid value: "{key}": {_KEY_TEXT}')
    if "/" in key and not re.fullmatch(_SUBDOMAIN, prefix):
        yield Cause(field, f'Invalid value: "{key}": prefix part {_SUBDOMAIN_TEXT}')


def _value_causes(value: str) -> Iterator[Cause]:
    for why in value_problems(value):
        yield Cause("metadata.labels", f'Invalid value: "{value}": {why}')


def value_problems(value: str) -> Iterator[str]:
    """Why this cannot be the value of a label."""
    if len(value) > 63:
        yield "must be no more than 63 bytes"
    if not re.fullmatch(_VALUE, value):
        yield _VALUE_TEXT


def claim_causes(pvc: Json) -> list[Cause]:
    """What a volume claim lacks."""
    causes = []
    if not dig(pvc, "spec", "accessModes"):
        text = "Required value: at least 1 access mode is required"
        causes.append(Cause("spec.accessModes", text, "FieldValueRequired"))
    if dig(pvc, "spec", "resources", "requests", "storage") is None:
        causes.append(Cause("spec.resources[storage]", "Required value", "FieldValueRequired"))
    return causes


def changed_claim_causes(old: Json, new: Json) -> list[Cause]:
    """A claim's spec cannot change, but for its size and the volume it is bound to."""

    def fixed(pvc: Json) -> Json:
        return {k: v for k, v in pvc["spec"].items() if k not in ("resources", "volumeName")}

    if fixed(old) == fixed(new):
        return []
    text = (
        "Forbidden: spec is immutable after creation except resources.requests and "
        "volumeAttributesClassName for bound claims"
    )
    return [Cause("spec", text, "FieldValueForbidden")]
