"""The CustomResourceDefinitions of this cluster, as far as clients read them."""

from typing import Any

from bot.playground.kubevirt.resources import STORED, Resource
from bot.playground.kubevirt.schema import openapi, schema_of

Json = dict[str, Any]


def definitions(absent_groups: set[str], absent_restore_fields: set[str]) -> list[Json]:
    """One CRD for every custom kind of the groups that are installed."""
    return [
        _definition(resource, frozenset(absent_restore_fields))
        for resource in STORED
        if resource.custom and resource.group not in absent_groups
    ]


def _definition(resource: Resource, absent: frozenset[str]) -> Json:
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
            "versions": [_version(resource, version, absent) for version in resource.versions],
        },
        "status": {
            "acceptedNames": names,
            "conditions": conditions,
            "storedVersions": [resource.version],
        },
    }


def _version(resource: Resource, version: str, absent: frozenset[str]) -> Json:
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
        "storage": version == resource.version,
        "schema": {"openAPIV3Schema": shape},
        "subresources": {"status": {}} if resource.status else {},
        "additionalPrinterColumns": columns,
    }
