"""The reads of one look at a namespace, each parsed, and what kept them from being complete.

"Not found" is a fact. So is a read that is forbidden: one is kept for the scene. An answer that did
not come is no fact at all and fails the look. Of several that are forbidden, or that fail, the one
that was asked first is told: which answer comes first is chance, and people should read the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import count
from types import TracebackType
from typing import Any, Self, TypeVar

from bot.cluster import names, parse, tables
from bot.cluster.client import Api, ApiStatusError
from bot.cluster.document import Json, items, number, text
from bot.errors import Temporary
from bot.restore.effects import RESTORE_ID
from bot.restore.observation import (
    ApiRejection,
    Claim,
    Content,
    Quota,
    RestoreObject,
    Snapshot,
    Use,
    Vm,
    Vmi,
    VolumeSnapshot,
)

T = TypeVar("T")
MAX_BY_NAME = 8
"""Claims that are read one by one. A namespace may hold thousands of others."""
UNCOUNTED = 10**6
"""For objects that are left and were not counted."""
MAX_UNFINISHED = 5
"""Unfinished restores of a VM that are read. One is enough to be refused."""
Build = Callable[[str, str | None, str | None], str]


@dataclass(frozen=True, slots=True)
class Everybody:
    """Who uses the claims of a namespace, at one moment; one VM and its VMI among them."""

    vm: Vm | None
    vmi: Vmi | None
    uses: tuple[Use, ...]


class Reads:
    """Reads within one namespace."""

    def __init__(self, api: Api, namespace: str, version: str = "") -> None:
        self._forbidden: dict[int, ApiRejection] = {}
        self._asked = count()
        self._api = api
        self._namespace = namespace
        self._snapshot_group = partial(names.snapshot_group, version)

    @property
    def forbidden(self) -> ApiRejection | None:
        """What was said to the first that was asked, of the reads that were forbidden."""
        return self._forbidden[min(self._forbidden)] if self._forbidden else None

    async def vm(self, name: str) -> Vm | None:
        """One VM."""
        return await self._one(parse.vm, names.kubevirt, names.VMS, name)

    async def vmi(self, name: str) -> Vmi | None:
        """The VMI of a VM: it has the VM's name."""
        return await self._one(parse.vmi, names.kubevirt, names.VMIS, name)

    async def snapshot(self, name: str) -> Snapshot | None:
        """One snapshot."""
        return await self._one(parse.snapshot, self._snapshot_group, names.SNAPSHOTS, name)

    async def content(self, snapshot: Snapshot | None) -> Content | None:
        """The content that a snapshot names."""
        if snapshot is None or snapshot.content_name is None:
            return None
        name = snapshot.content_name
        return await self._one(parse.content, self._snapshot_group, names.CONTENTS, name)

    async def restore(self, name: str) -> RestoreObject | None:
        """One restore."""
        return await self._one(parse.restore, self._snapshot_group, names.RESTORES, name)

    async def first_snapshots(self, size: int) -> tuple[tuple[Snapshot, ...], int]:
        """So many snapshots, newest first, and how many others there are."""
        found, left = await self._first(self._snapshot_group, names.SNAPSHOTS, size)
        return parse.newest_first(map(parse.snapshot, found)), left

    async def first_restores_of(self, vm: str, size: int) -> tuple[tuple[RestoreObject, ...], int]:
        """Those of so many that have this VM as target, and how many others there are of any VM."""
        found, left = await self._first(self._snapshot_group, names.RESTORES, size)
        return _of(vm, map(parse.restore, found)), left

    async def restores_named(self, wanted: list[str]) -> tuple[RestoreObject, ...]:
        """Those of these restores that are there."""
        return await self._named(parse.restore, self._snapshot_group, names.RESTORES, wanted)

    async def unfinished_restores_of(self, vm: str) -> tuple[RestoreObject, ...]:
        """Those with this VM as target that are not complete: found among all, and then read."""
        build, columns = self._snapshot_group, ("Name", "TargetName", "Complete")
        rows = await self._rows(build, names.RESTORES, columns)
        if rows is None:
            found = map(parse.restore, await self._all(build, names.RESTORES))
            return tuple(one for one in _of(vm, found) if not one.complete)
        wanted = [str(name) for name, target, done in rows if target == vm and done is not True]
        return _of(vm, await self.restores_named(wanted[:MAX_UNFINISHED]))

    async def restores_made_by(self, restore_id: str) -> tuple[RestoreObject, ...]:
        """All restores that carry this restore's label, in whatever state."""
        selector = {"labelSelector": f"{RESTORE_ID}={restore_id}"}
        found = await self._all(self._snapshot_group, names.RESTORES, selector)
        return tuple(parse.restore(one) for one in found)

    async def quotas(self) -> tuple[Quota, ...]:
        """All limits on volumes."""
        found = await self._all(names.core, "resourcequotas")
        return tuple(limit for one in found for limit in parse.quotas(one))

    async def restored_claims_of(self, vm: str) -> tuple[Claim, ...]:
        """Claims that restores have made for a VM."""
        selector = {"labelSelector": f"{names.SOURCE_VM_LABEL}={vm}"}
        found = await self._all(names.core, "persistentvolumeclaims", selector)
        # A claim that is being deleted is not restored.
        return tuple(one for one in map(parse.claim, found) if not one.deleting)

    async def claims(self) -> tuple[Claim, ...]:
        """All claims."""
        found = await self._all(names.core, "persistentvolumeclaims")
        return tuple(map(parse.claim, found))

    async def claims_named(self, wanted: list[str]) -> tuple[Claim, ...]:
        """Those of these claims that are there: a few are read by name, many from one list."""
        if len(wanted) > MAX_BY_NAME:
            return tuple(one for one in await self.claims() if one.name in wanted)
        return await self._named(parse.claim, names.core, "persistentvolumeclaims", wanted)

    async def copies(self, wanted: list[str]) -> tuple[VolumeSnapshot, ...]:
        """Those of these VolumeSnapshots that are there, read as claims are."""
        build, kind = names.volume_snapshots, "volumesnapshots"
        if len(wanted) > MAX_BY_NAME:
            found = map(parse.volume_snapshot, await self._all(build, kind))
            return tuple(one for one in found if one.name in wanted)
        return await self._named(parse.volume_snapshot, build, kind, wanted)

    async def classes(self, wanted: list[str]) -> tuple[str, ...]:
        """Those of these storage classes that are there."""
        return await self._named(parse.name, names.storage, "storageclasses", wanted)

    async def everybody(self, vm: str) -> Everybody:
        """Every VM, VMI and pod: who names which claim, and this VM among them."""
        async with Together() as group:
            vms = group.create_task(self._all(names.kubevirt, names.VMS))
            vmis = group.create_task(self._all(names.kubevirt, names.VMIS))
            pods = group.create_task(self._all(names.core, "pods"))
        groups = (("VM", vms), ("VMI", vmis), ("pod", pods))
        return Everybody(
            vm=next((parse.vm(one) for one in vms.result() if parse.name(one) == vm), None),
            vmi=next((parse.vmi(one) for one in vmis.result() if parse.name(one) == vm), None),
            uses=tuple(
                use
                for kind, found in groups
                for one in found.result()
                for use in parse.uses(kind, one)
            ),
        )

    async def if_possible(
        self, read: Callable[["Reads"], Awaitable[T]], *, patient: bool = False
    ) -> tuple[T | None, str]:
        """A read that only adds to what is known, or why it did not come about.

        It is never told as a missing right of the look, and fails it only if the caller is patient
        and the server is away.
        """
        apart = Reads(self._api, self._namespace)
        try:
            found = await read(apart)
        except (ApiStatusError, Temporary) as failed:
            if patient and isinstance(failed, Temporary):
                raise
            return None, str(failed)
        if apart.forbidden is not None:
            return None, apart.forbidden.text
        return found, ""

    async def _named(
        self, parsed: Callable[[Json], T], build: Build, kind: str, wanted: list[str]
    ) -> tuple[T, ...]:
        """Those of these objects that are there, each read by its name."""
        async with Together() as group:
            asked = [group.create_task(self._one(parsed, build, kind, one)) for one in wanted]
        return tuple(one for task in asked if (one := task.result()) is not None)

    async def _one(
        self, parsed: Callable[[Json], T], build: Build, kind: str, name: str
    ) -> T | None:
        place = next(self._asked)
        try:
            document = await self._api.get(build(kind, self._namespace, name))
        except names.NoName:
            return None
        except ApiStatusError as refusal:
            self._note(refusal, "get", kind, place)
            return None
        return None if document is None else parsed(document)

    async def _first(self, build: Build, kind: str, size: int) -> tuple[list[Json], int]:
        """The first page, and how many objects are not on it."""
        place = next(self._asked)
        path, query = build(kind, self._namespace, None), {"limit": f"{size}"}
        try:
            page = await self._api.call("GET", path, query)
        except ApiStatusError as refusal:
            self._note(refusal, "list", kind, place)
            return [], 0
        more = bool(text(page, "metadata", "continue"))
        left = (number(page, "metadata", "remainingItemCount") or UNCOUNTED) if more else 0
        return items(page, "items"), left

    async def _rows(
        self, build: Build, kind: str, columns: tuple[str, ...]
    ) -> list[tuple[object, ...]] | None:
        """These cells of all objects; None where the API server does not print them."""
        place, found = next(self._asked), list[tuple[object, ...]]()
        path, query = build(kind, self._namespace, None), tables.WITHOUT_OBJECTS
        try:
            async for page in self._api.pages(path, query, accept=tables.ACCEPT, size=tables.ROWS):
                cells = tables.rows(page, columns)
                if cells is None:
                    return None
                found += cells
        except ApiStatusError as refusal:
            if refusal.code == 406:
                return None
            self._note(refusal, "list", kind, place)
        return found

    async def _all(
        self, build: Build, kind: str, query: dict[str, str] | None = None
    ) -> list[Json]:
        place = next(self._asked)
        try:
            found, _ = await self._api.collect(build(kind, self._namespace, None), query)
        except ApiStatusError as refusal:
            self._note(refusal, "list", kind, place)
            return []
        return found

    def _note(self, refusal: ApiStatusError, verb: str, kind: str, place: int) -> None:
        if refusal.unserved:
            # Served a moment ago, when the schema was read: the server is starting, or being changed.
            raise Temporary(f"cluster {self._api.cluster}: {kind} are not served just now")
        if refusal.code != 403:
            raise refusal
        said = refusal.rejection
        words = said.text if "cannot" in said.text else f"cannot {verb} {kind}. {said.text}".strip()
        self._forbidden[place] = ApiRejection(said.code, said.reason, words)


def _of(vm: str, found: Iterable[RestoreObject]) -> tuple[RestoreObject, ...]:
    """Those with this VM as target."""
    return tuple(one for one in found if one.target == vm)


class Together:
    """Reads that go out together, each to its end; the first asked of those that failed is raised.

    A TaskGroup would break the others off when one has failed, and so tell whichever was quickest.
    """

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []

    async def __aenter__(self) -> Self:
        """Nothing is asked yet."""
        return self

    def create_task(self, read: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Ask; the answer is there when all are."""
        task = asyncio.create_task(read)
        self._tasks.append(task)
        return task

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for all; who is cancelled meanwhile leaves none of them behind."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for task in self._tasks:
            task.result()
