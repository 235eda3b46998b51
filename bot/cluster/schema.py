"""What the cluster's KubeVirt understands: served versions and the fields of a restore.

The restore's CustomResourceDefinition says both in one read. It may be closed to us (the right to
read it is optional); then discovery tells the versions and OpenAPI the fields. Discovery is asked
because an unknown group may answer 403 as well as 404, so neither proves anything by itself.
"""

import asyncio
from dataclasses import dataclass, replace

from bot.cluster.client import Api, ApiStatusError
from bot.cluster.document import Json, flag, items, mapping, text
from bot.cluster.names import RESTORE_CRD, SNAPSHOT_GROUP
from bot.errors import Permanent

READINESS = "targetReadinessPolicy"
NOT_INSTALLED = "kubevirt_missing"
"""Reason of the Permanent that says so."""

_PREFERRED = ("v1beta1", "v1alpha1")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What is installed, for a person who checks the set-up."""

    served: tuple[str, ...]
    """Versions of the snapshot API; none if it is not installed."""
    restore_fields: tuple[str, ...] | None
    """Fields of a VirtualMachineRestore's spec; None if they could not be read."""
    kubevirt: str | None
    """KubeVirt's own version, if it tells."""


@dataclass(frozen=True, slots=True)
class SnapshotApi:
    """The snapshot API as it is served here."""

    version: str
    served: tuple[str, ...]
    fields: frozenset[str] | None
    """Fields of a restore's spec; None if they could not be read."""
    refused: frozenset[str] = frozenset()
    """Fields that a create was refused for."""

    def has(self, field: str) -> bool:
        """Unreadable means yes: creates are validated strictly, so a wrong guess is refused."""
        return field not in self.refused and (self.fields is None or field in self.fields)


class Schema:
    """Reads the above once and keeps it until it proves wrong."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: SnapshotApi | None = None
        self._reading = asyncio.Lock()

    async def known(self) -> SnapshotApi | None:
        """The snapshot API, or None if it is not installed."""
        async with self._reading:
            if self._known is None:
                self._known = await self._read()
            return self._known

    async def served(self) -> SnapshotApi:
        """The snapshot API, for those who cannot do without."""
        known = await self.known()
        if known is None:
            raise Permanent(NOT_INSTALLED, f"the cluster does not serve {SNAPSHOT_GROUP}")
        return known

    def forget(self) -> None:
        """Something served before is not any more: read again next time."""
        self._known = None

    def without(self, served: SnapshotApi, field: str) -> SnapshotApi:
        """A strict create has taught us that a field is unknown here: remember it."""
        self._known = replace(served, refused=served.refused | {field})
        return self._known

    async def capabilities(self) -> Capabilities:
        """Everything, read anew."""
        self.forget()
        known = await self.known()
        fields = known.fields if known else None
        return Capabilities(
            served=known.served if known else (),
            restore_fields=tuple(sorted(fields)) if fields is not None else None,
            kubevirt=await self._kubevirt_version(),
        )

    async def _read(self) -> SnapshotApi | None:
        try:
            definition = await self._api.get(RESTORE_CRD)
        except ApiStatusError as refusal:
            if refusal.code == 401:
                raise
            return await self._discover()
        return _from_definition(definition) if definition else None

    async def _discover(self) -> SnapshotApi | None:
        try:
            group = await self._api.get(f"/apis/{SNAPSHOT_GROUP}")
        except ApiStatusError as refusal:
            if refusal.unserved:
                return None
            raise
        served = [text(version, "version") for version in items(group, "versions")]
        if not served:
            return None
        version = _best(served)
        return SnapshotApi(version, tuple(served), await self._openapi_fields(version))

    async def _openapi_fields(self, version: str) -> frozenset[str] | None:
        try:
            page = await self._api.get(f"/openapi/v3/apis/{SNAPSHOT_GROUP}/{version}")
        except ApiStatusError:
            return None
        for schema in mapping(page, "components", "schemas").values():
            kinds = items(schema, "x-kubernetes-group-version-kind")
            if any(text(kind, "kind") == "VirtualMachineRestore" for kind in kinds):
                return _fields(schema)
        return None

    async def _kubevirt_version(self) -> str | None:
        try:
            answer = await self._api.get("/apis/subresources.kubevirt.io/v1/version")
        except ApiStatusError:
            return None
        return text(answer, "gitVersion") or None


def _from_definition(definition: Json) -> SnapshotApi | None:
    versions = {
        text(version, "name"): version
        for version in items(definition, "spec", "versions")
        if flag(version, "served")
    }
    if not versions:
        return None
    best = _best(list(versions))
    fields = _fields(mapping(versions[best], "schema", "openAPIV3Schema"))
    return SnapshotApi(best, tuple(versions), fields)


def _fields(schema: Json) -> frozenset[str] | None:
    return frozenset(mapping(schema, "properties", "spec", "properties")) or None


def _best(served: list[str]) -> str:
    return next((version for version in _PREFERRED if version in served), served[0])
