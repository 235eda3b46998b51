"""What there is to choose from: VMs, their namespaces, their snapshots. Read only, for pickers.

Answers are kept for a few seconds: a picker asks again with every letter that is typed. Nothing
destructive is ever decided on them; the checks read everything anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from bot.clock import Clock
from bot.cluster import names, parse
from bot.cluster.client import JSON, Api, ApiStatusError
from bot.cluster.document import items, present, text
from bot.cluster.schema import Schema
from bot.restore.observation import ContentLoss, Snapshot

log = structlog.get_logger()

KEEP = timedelta(seconds=5)
# Names are all that is wanted of a VM, and a VM is large.
_ONLY_METADATA = f"application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,{JSON}"

Scopes = tuple[str | None, ...]
"""Where the bot may look: the namespaces, or a single None for the whole cluster."""

Names = tuple[tuple[str, str], ...]
T = TypeVar("T")


class Catalog:
    """Read-only lists of one cluster."""

    def __init__(self, api: Api, schema: Schema, clock: Clock, scopes: Scopes) -> None:
        self._api = api
        self._schema = schema
        self._scopes = scopes
        self._vms = _Cache[Names](clock)
        self._snapshots = _Cache[tuple[Snapshot, ...]](clock)

    async def vms(
        self, namespaces: Collection[str] | None, prefix: str = ""
    ) -> list[tuple[str, str]]:
        """(namespace, name) of every VM in these namespaces (None: in all that the bot may see)."""
        scopes = [scope for scope in self._scopes if _overlaps(scope, namespaces)]
        found = await self._each(scopes)
        return sorted(
            (namespace, name)
            for namespace, name in found
            if name.startswith(prefix) and (namespaces is None or namespace in namespaces)
        )

    async def namespaces_with(self, vm: str, permitted: Collection[str] | None) -> list[str]:
        """The permitted namespaces that hold a VM of this very name."""
        return [namespace for namespace, name in await self.vms(permitted, vm) if name == vm]

    async def snapshots(self, namespace: str, vm: str) -> list[Snapshot]:
        """The VM's snapshots, newest first, without those that a clone made for itself."""
        return [one for one in await self.all_snapshots(namespace) if one.source == vm]

    async def all_snapshots(self, namespace: str) -> list[Snapshot]:
        """The same for all VMs of a namespace."""
        if None not in self._scopes and namespace not in self._scopes:
            return []
        found = await self._snapshots.get(namespace, lambda: self._read_snapshots(namespace))
        return [one for one in found if not parse.of_a_clone(one)]

    def seen(self, namespace: str, snapshots: tuple[Snapshot, ...]) -> None:
        """A look has just read them all: a list from before it that differs would offer what is gone."""
        kept = self._snapshots.kept(namespace)
        if kept is not None and _identities(kept) != _identities(snapshots):
            self._snapshots.drop(namespace)

    def forget(self, namespace: str) -> None:
        """A look has just missed a snapshot that a list from before may hold."""
        self._snapshots.drop(namespace)

    async def _each(self, scopes: list[str | None]) -> Names:
        """All scopes at once. One namespace without rights must not hide the others."""
        answers = await asyncio.gather(
            *(self._vms_of(scope) for scope in scopes), return_exceptions=True
        )
        found: list[tuple[str, str]] = []
        for scope, answer in zip(scopes, answers, strict=True):
            if not isinstance(answer, BaseException):
                found += answer
            elif isinstance(answer, ApiStatusError) and answer.code == 403 and len(scopes) > 1:
                log.warning("VMs cannot be listed", cluster=self._api.cluster, namespace=scope)
            else:
                raise answer
        return tuple(found)

    async def _vms_of(self, scope: str | None) -> Names:
        return await self._vms.get(scope or "", lambda: self._read_vms(scope))

    async def _read_vms(self, scope: str | None) -> Names:
        path = names.kubevirt(names.VMS, scope)
        found, _ = await self._api.collect(path, accept=_ONLY_METADATA)
        return tuple(
            (text(one, "metadata", "namespace"), text(one, "metadata", "name")) for one in found
        )

    async def _read_snapshots(self, namespace: str) -> tuple[Snapshot, ...]:
        served = await self._schema.served()
        path = names.snapshot_group(served.version, names.SNAPSHOTS, namespace)
        found: list[Snapshot] = []
        async for page in self._api.pages(path):
            # Page by page: thousands at once would keep everybody else waiting.
            found += [parse.snapshot(one) for one in items(page, "items")]
        contents = await self._read_contents(served.version, namespace) if found else None
        if contents is not None:
            found = [replace(one, content_loss=_loss(one, contents)) for one in found]
        return parse.newest_first(found)

    async def _read_contents(self, version: str, namespace: str) -> dict[str, bool] | None:
        """All contents of a namespace, and whether each is going; None where they may not be listed.

        An error of a content is the snapshot's as well: KubeVirt copies it.
        """
        path = names.snapshot_group(version, names.CONTENTS, namespace)
        try:
            found, _ = await self._api.collect(path, accept=_ONLY_METADATA)
        except ApiStatusError as refusal:
            if refusal.code == 401:
                raise
            return None
        return {parse.name(one): present(one, "metadata", "deletionTimestamp") for one in found}


def _identities(snapshots: tuple[Snapshot, ...]) -> set[tuple[str, str]]:
    return {(one.name, one.uid) for one in snapshots}


def _loss(snapshot: Snapshot, contents: dict[str, bool]) -> ContentLoss | None:
    held = snapshot.content_name
    if held is None:
        return None
    if held not in contents:
        return ContentLoss.GONE
    return ContentLoss.GOING if contents[held] else None


def _overlaps(scope: str | None, namespaces: Collection[str] | None) -> bool:
    return scope is None or namespaces is None or scope in namespaces


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    at: datetime
    value: T


class _Cache(Generic[T]):
    """One value a key, read by the first caller while the others wait for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept[T]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, key: str, read: Callable[[], Awaitable[T]]) -> T:
        async with self._locks.setdefault(key, asyncio.Lock()):
            self._drop_old()
            kept = self._kept.get(key)
            if kept is None:
                value = await read()
                # Counted from here: a list that takes long to read is of use only after that.
                kept = self._kept[key] = _Kept(self._clock.now(), value)
            return kept.value

    def kept(self, key: str) -> T | None:
        """The value that was read last."""
        kept = self._kept.get(key)
        return kept.value if kept is not None else None

    def drop(self, key: str) -> None:
        """It is read anew when it is asked for."""
        self._kept.pop(key, None)

    def _drop_old(self) -> None:
        now = self._clock.now()
        for key, kept in list(self._kept.items()):
            # A clock that was set back must not keep a value for hours.
            if not now - KEEP < kept.at <= now:
                del self._kept[key]
