"""How objects leave: plain in the asked version, as tables for kubectl, or as metadata only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot.playground.kubevirt.metadata import condition, moment
from bot.playground.kubevirt.problems import ApiError, not_acceptable
from bot.playground.kubevirt.resources import Column, Resource

Json = dict[str, Any]
Form = Literal["plain", "table", "metadata", "metadata of a list"]
JSON, YAML = "application/json", "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"


@dataclass(frozen=True, slots=True)
class Rendering:
    """What the client accepts."""

    resource: Resource
    version: str
    form: Form
    now: datetime
    include: str = "Metadata"

    def one(self, obj: Json) -> Json:
        """A single object."""
        if self.form == "table":
            return self._table([obj], obj["metadata"].get("resourceVersion", ""))
        if self.form == "metadata":
            return _partial(obj)
        if self.form == "metadata of a list":
            raise ApiError(500, "", "content is not a list")
        return {**obj, "apiVersion": self.resource.api_version(self.version), "kind": self.resource.kind}  # fmt: skip

    def many(self, objects: list[Json], metadata: Json) -> Json:
        """A list."""
        if self.form == "table":
            table = self._table(objects, metadata["resourceVersion"])
            return {**table, "metadata": metadata}
        if self.form == "metadata":
            kind = "unstructured.UnstructuredList"
            kind = kind if self.resource.custom else f"core.{self.resource.kind}List"
            text = (
                f"you requested PartialObjectMetadata, but the requested object is a list (*{kind})"
            )
            raise ApiError(406, "NotAcceptable", text)
        if self.form == "metadata of a list":
            items = [_partial(obj) for obj in objects]
            head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            return {**head, "metadata": metadata, "items": items}
        return {
            "apiVersion": self.resource.api_version(self.version),
            "kind": f"{self.resource.kind}List",
            "metadata": metadata,
            "items": [self._item(obj) for obj in objects],
        }

    def _item(self, obj: Json) -> Json:
        """One of a list; those of built-in kinds do not say what they are."""
        if self.resource.custom:
            return self.one(obj)
        return {name: value for name, value in obj.items() if name not in ("apiVersion", "kind")}

    def _table(self, objects: list[Json], revision: str) -> Json:
        columns = (Column("Name", ".metadata.name"), *self.resource.columns)
        return {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": {"resourceVersion": revision},
            "columnDefinitions": [_definition(column) for column in columns],
            "rows": [self._row(columns, obj) for obj in objects],
        }

    def _row(self, columns: tuple[Column, ...], obj: Json) -> Json:
        row: Json = {"cells": [_cell(column, obj, self.now) for column in columns]}
        if self.include == "Object":
            row["object"] = {**obj, "apiVersion": self.resource.api_version(self.version)}
        else:
            row["object"] = None if self.include == "None" else _partial(obj)
        return row


def form_of(accept: str) -> Form:
    """The form an Accept header asks for; 406 if it takes nothing that is produced here."""
    for media, parameters in _parts(accept):
        if media == YAML:
            return "plain"
        if media not in (JSON, "application/*", "*/*"):
            continue
        if "as=Table" in parameters:
            return "table"
        if "as=PartialObjectMetadataList" in parameters:
            return "metadata of a list"
        if "as=PartialObjectMetadata" in parameters:
            return "metadata"
        if not any(piece.startswith("as=") for piece in parameters):
            return "plain"
    raise not_acceptable((JSON, YAML, PROTOBUF))


def takes_yaml(accept: str) -> bool:
    """Whether the first type of an Accept header that is produced here is YAML."""
    produced = (JSON, YAML, "application/*", "*/*")
    return next((media for media, _ in _parts(accept) if media in produced), JSON) == YAML


def _parts(accept: str) -> list[tuple[str, list[str]]]:
    """The types of an Accept header with their parameters; none at all takes everything."""
    listed = [[piece.strip() for piece in part.split(";")] for part in (accept or "*/*").split(",")]
    return [(media, parameters) for media, *parameters in listed]


def _partial(obj: Json) -> Json:
    head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {**head, "metadata": obj["metadata"]}


def _definition(column: Column) -> Json:
    form = "name" if column.name == "Name" else ""
    return {
        "name": column.name,
        "type": column.type,
        "format": form,
        "description": "",
        "priority": 0,
    }


def _cell(column: Column, obj: Json, now: datetime) -> Any:
    if column.path.endswith("?"):
        held = condition(obj, column.path.removesuffix("?"))
        return None if held is None else held["status"]
    value: Any = obj
    for step in column.path.strip(".").split("."):
        if isinstance(value, list) and step.isdigit():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    if value is None:
        return None
    return age(now - moment(value)) if column.type == "date" else value


def age(span: Any) -> str:
    """A duration as kubectl shows it: "5s", "3m12s", "2d"."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 120:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    if hours < 48:
        return f"{hours}h"
    return f"{days}d"
