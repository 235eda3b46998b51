"""The CustomResourceDefinitions of this cluster, as far as clients read them."""

from typing import Any

from bot.playground.kubevirt.knobs import Knobs
from bot.playground.kubevirt.resources import STORED, Resource
from bot.playground.kubevirt.schema import openapi, schema_of

Json = dict[str, Any]


def definitions(knobs: Knobs) -> list[Json]:
    """One CRD for every custom kind of the groups that are installed."""
    return [
        _definition(resource, knobs)
        for resource in STORED
        if resource.custom and resource.group not in knobs.absent_groups
    ]


def _definition(resource: Resource, knobs: Knobs) -> Json:
    absent = frozenset(knobs.absent_restore_fields)
    served = knobs.versions(resource.group, resource.versions)
    names: Json = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.singular,
        "shortNames": list(resource.short),
        "categories": list(resource.categories),
    }
    conditions = [
        {"type": name, "status": "True", "reason": reason, "message": ""}
        for name, reason in (
            ("NamesAccepted", "NoConflicts"),
            ("Established", "InitialNamesAccepted"),
        )
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": resource.qualified},
        "spec": {
            "group": resource.group,
            "names": names,
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "versions": [_version(resource, version, absent, served[0]) for version in served],
        },
        "status": {
            "acceptedNames": names,
            "conditions": conditions,
            "storedVersions": [served[0]],
        },
    }


def _version(resource: Resource, version: str, absent: frozenset[str], stored: str) -> Json:
    schema = schema_of(resource.plural, absent)
    shape = openapi(schema) if schema else {"type": "object", "x-kubernetes-preserve-unknown-fields": True}  # fmt: skip
    columns = [
        {"name": column.name, "type": column.type, "jsonPath": column.path}
        for column in resource.columns
        if not column.path.endswith("?")
    ]
    return {
        "name": version,
        "served": True,
        "storage": version == stored,
        "schema": {"openAPIV3Schema": shape},
        "subresources": {"status": {}} if resource.status else {},
        "additionalPrinterColumns": columns,
    }
