"""What a request asks for, read from its method, path and query, as the API server reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.playground.kubevirt.authorization import Attributes
from bot.playground.kubevirt.resources import (
    SUBRESOURCES_GROUP,
    Resource,
    served_at,
)

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One parsed request. `plural` is empty for paths that are no resource."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    verb: str = ""
    group: str = ""
    version: str = ""
    plural: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def resource(self) -> Resource | None:
        """The kind, if it is served at this group and version."""
        return served_at(self.group, self.version, self.plural)

    @property
    def scope(self) -> str:
        """The namespace of the object; "" for kinds of the cluster, Namespace itself among them."""
        return self.namespace if self.resource is not None and self.resource.namespaced else ""

    @property
    def aggregated(self) -> bool:
        """Whether virt-api answers this, not the API server."""
        return self.group == SUBRESOURCES_GROUP

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be stored."""
        return self.query.get("dryRun") == "All"

    @property
    def attributes(self) -> Attributes:
        """What authorization looks at."""
        if not self.plural:
            return Attributes(self.method.lower(), path=self.path)
        return Attributes(
            verb=self.verb,
            group=self.group,
            resource=self.plural,
            subresource=self.subresource,
            namespace=self.namespace,
            name=self.name,
        )


def parse_path(method: str, path: str, query: Mapping[str, str]) -> Asked:
    """The request behind a path."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        return _resource(method, path, query, ("", parts[1], parts[2:]))
    if parts[:1] == ["apis"] and len(parts) > 3:
        return _resource(method, path, query, (parts[1], parts[2], parts[3:]))
    return Asked(method, path, query)


def _resource(
    method: str, path: str, query: Mapping[str, str], where: tuple[str, str, list[str]]
) -> Asked:
    group, version, rest = where
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    elif rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
    name = rest[1] if len(rest) > 1 else ""
    return Asked(
        method=method,
        path=path,
        query=query,
        verb=_verb(method, name, query),
        group=group,
        version=version,
        plural=rest[0],
        subresource="/".join(rest[2:]),
        namespace=namespace,
        name=name or _selected_name(query),
    )


def _verb(method: str, name: str, query: Mapping[str, str]) -> str:
    if method in ("GET", "HEAD"):
        if query.get("watch") in ("1", "true"):
            return "watch"
        return "get" if name else "list"
    if method == "DELETE":
        return "delete" if name else "deletecollection"
    return _VERBS.get(method, method.lower())


def _selected_name(query: Mapping[str, str]) -> str:
    """A list that selects one name counts as asking for that name."""
    parts = query.get("fieldSelector", "").split(",")
    for part in parts:
        if part.startswith("metadata.name="):
            return part.removeprefix("metadata.name=").removeprefix("=")
    return ""
