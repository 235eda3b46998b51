"""Discovery: what the API server says about itself, as kubectl and clients read it."""

from typing import Any

from bot.playground.kubevirt.knobs import Knobs
from bot.playground.kubevirt.resources import (
    SERVED,
    SUBRESOURCES_GROUP,
    SUBRESOURCES_VERSIONS,
    VMS,
    Resource,
)
from bot.playground.kubevirt.schema import openapi, schema_of

Json = dict[str, Any]
KUBERNETES_VERSION = "v1.36.0"
ANSWERED = ("virtualmachines/start", "virtualmachines/stop", "virtualmachines/restart")
"""The subresources of virt-api that do something here; of the others only the names are known."""
_OF_INSTANCES = (
    "vnc", "vnc/screenshot", "console", "portforward", "backup", "redefine-checkpoint", "pause",
    "unpause", "freeze", "unfreeze", "reset", "softreboot",
)  # fmt: skip
_OF_INSTANCES_TOO = (
    "guestosinfo", "userlist", "filesystemlist", "addvolume", "removevolume", "objectgraph",
    "sev/fetchcertchain", "sev/querylaunchmeasurement", "sev/setupsession",
    "sev/injectlaunchsecret", "evacuate/cancel",
)  # fmt: skip
AGGREGATED = (
    "expand-vm-spec",
    *(f"virtualmachineinstances/{name}" for name in _OF_INSTANCES),
    *ANSWERED,
    *(f"virtualmachines/{name}" for name in ("migrate", "expand-spec", "objectgraph", "evacuate/cancel")),
    *(f"virtualmachineinstances/{name}" for name in _OF_INSTANCES_TOO),
)  # fmt: skip
_HEALTH = ("healthz", "livez", "readyz")


def discover(path: str, knobs: Knobs, prefix: str = "") -> Json | str | None:
    """The answer to a path that is no resource, or None if it leads nowhere."""
    parts = path.strip("/").split("/")
    if parts[0] in _HEALTH:
        return "ok"
    if parts[:2] == ["openapi", "v3"]:
        return _openapi_index(knobs, prefix) if len(parts) == 2 else _openapi_of(parts[2:], knobs)
    match parts:
        case ["version"]:
            return _version()
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["api", "v1"]:
            return _resource_list("", "v1", knobs)
        case ["apis"]:
            groups = [_group(name, knobs) for name in _groups(knobs)]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["apis", group]:
            return _served_group(group, knobs)
        case ["apis", group, version]:
            return _resource_list(group, version, knobs)
        case _:
            return None


def _openapi_of(parts: list[str], knobs: Knobs) -> Json | None:
    match parts:
        case ["api", version]:
            return _openapi("", version, knobs)
        case ["apis", group, version]:
            return _openapi(group, version, knobs)
        case _:
            return None


def kubevirt_version(knobs: Knobs) -> Json:
    """What virt-api says of its own version."""
    return {
        "gitVersion": knobs.kubevirt_version,
        "gitCommit": "simulated",
        "gitTreeState": "clean",
        "buildDate": "2026-07-27T00:00:00Z",
        "goVersion": "go1.25",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def _version() -> Json:
    return {
        "major": "1",
        "minor": "36",
        "gitVersion": KUBERNETES_VERSION,
        "gitCommit": "simulated",
        "gitTreeState": "clean",
        "buildDate": "2026-04-22T00:00:00Z",
        "goVersion": "go1.25",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def _groups(knobs: Knobs) -> dict[str, tuple[str, ...]]:
    """Group to versions, core left out."""
    found: dict[str, tuple[str, ...]] = {}
    for resource in SERVED:
        if resource.group and resource.group not in knobs.absent_groups:
            found[resource.group] = knobs.versions(resource.group, resource.versions)
    if VMS.group in found:
        found[SUBRESOURCES_GROUP] = SUBRESOURCES_VERSIONS
    return found


def _served_group(name: str, knobs: Knobs) -> Json | None:
    if name not in _groups(knobs):
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, knobs)}


def _group(name: str, knobs: Knobs) -> Json:
    versions = [
        {"groupVersion": f"{name}/{version}", "version": version}
        for version in _groups(knobs)[name]
    ]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resource_list(group: str, version: str, knobs: Knobs) -> Json | None:
    if group and version not in _groups(knobs).get(group, ()):
        return None
    if group == SUBRESOURCES_GROUP:
        listed = [_aggregated(name) for name in AGGREGATED]
    else:
        served = [r for r in SERVED if r.group == group and version in r.versions]
        listed = [entry for resource in served for entry in _entries(resource)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": listed,
    }


def _aggregated(name: str) -> Json:
    return {
        "name": name,
        "singularName": "",
        "namespaced": True,
        "kind": "",
        "verbs": None,
    }


def _entries(resource: Resource) -> list[Json]:
    entry: Json = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short:
        entry["shortNames"] = list(resource.short)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if not resource.status:
        return [entry]
    status = {
        "name": f"{resource.plural}/status",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": ["get", "patch", "update"],
    }
    return [entry, status]


def _openapi_index(knobs: Knobs, prefix: str) -> Json:
    names = ["api/v1"]
    for group, versions in _groups(knobs).items():
        names += [f"apis/{group}/{version}" for version in versions]
    paths = {name: {"serverRelativeURL": f"{prefix}/openapi/v3/{name}?hash=1"} for name in names}
    return {"paths": paths}


def _openapi(group: str, version: str, knobs: Knobs) -> Json | None:
    """Enough of OpenAPI v3 for field detection, and for kubectl to leave validation to us."""
    served = [r for r in SERVED if r.group == group and version in r.versions]
    if not served or (group and version not in _groups(knobs).get(group, ())):
        return None
    paths: Json = {}
    schemas: Json = {}
    for resource in served:
        url = _url(resource, version)
        paths[url] = {"post": _operation(resource, version, "post")}
        # kubectl reads here, of PATCH only, that fields are validated by the server.
        paths[f"{url}/{{name}}"] = {"patch": _operation(resource, version, "patch")}
        absent = frozenset(knobs.absent_restore_fields)
        schema = schema_of(resource.plural, absent)
        body = openapi(schema) if schema else {"type": "object"}
        kind = {"group": group, "version": version, "kind": resource.kind}
        schemas[_schema_name(resource, version)] = {
            **body,
            "x-kubernetes-group-version-kind": [kind],
        }
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": KUBERNETES_VERSION},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _schema_name(resource: Resource, version: str) -> str:
    owner = ".".join(reversed((resource.group or "core.api.k8s.io").split(".")))
    return f"{owner}.{version}.{resource.kind}"


def _url(resource: Resource, version: str) -> str:
    root = f"/apis/{resource.group}/{version}" if resource.group else f"/api/{version}"
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    return f"{root}{scope}/{resource.plural}"


def _operation(resource: Resource, version: str, action: str) -> Json:
    names = ("dryRun", "fieldManager", "fieldValidation")
    kind = {"group": resource.group, "version": version, "kind": resource.kind}
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
    return {
        "parameters": parameters,
        "responses": {},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": kind,
    }
