"""Looking at the cluster: what each look reads, and the scene it makes of the answers.

A look reads what its phase needs and no more, and independent reads go out together. What a 403 or
a 404 about the snapshot API is worth, `Schema` has found out before the look begins.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bot.clock import Clock
from bot.cluster import create, names, parse, running
from bot.cluster.catalog import Catalog
from bot.cluster.client import Api, ApiStatusError
from bot.cluster.known import Known
from bot.cluster.question import Question
from bot.cluster.reads import Reads, Together
from bot.cluster.rights import Rights
from bot.cluster.rivals import among_many, rivals
from bot.cluster.schema import NOT_INSTALLED, Schema
from bot.cluster.storage import claims_of, stored
from bot.errors import Permanent
from bot.restore.events import CreateRestore
from bot.restore.model import Phase, Restore
from bot.restore.observation import (
    ApiRejection,
    Candidates,
    Observation,
    ObservationKind,
    RestoreObject,
    Snapshot,
    Vm,
)

MAX_NAMES = 300


class Observer:
    """Looks at one cluster."""

    def __init__(
        self, api: Api, schema: Schema, catalog: Catalog, rights: Rights, clock: Clock
    ) -> None:
        self._api = api
        self._rights = rights
        self._schema = schema
        self._catalog = catalog
        self._clock = clock
        self._known = Known(clock)

    async def observation(self, asked: Question) -> Observation:
        """Look once, and tell by which clock the facts are dated."""
        seen = await self._look(asked)
        return replace(seen, ahead=self._api.clock.ahead)

    async def _look(self, asked: Question) -> Observation:
        at = self._clock.now()
        if asked.kind is ObservationKind.CANDIDATES:
            return await self._candidates(asked, at)
        if asked.kind is ObservationKind.VMI and asked.restore.request.vm_ref is None:
            # It ended while its VM was asked for again, since no VM had that name any more.
            return Observation(asked.kind, at)
        namespace = asked.vm_ref.namespace
        if asked.kind is ObservationKind.VMI and asked.restore.phase.ended:
            return await _vmi(Reads(self._api, namespace), asked, at)
        served = await self._schema.known()
        if served is None:
            return Observation(asked.kind, at, kubevirt=False)
        reads = Reads(self._api, namespace, served.version)
        match asked.kind:
            case ObservationKind.FULL:
                return await self._full(reads, asked, at)
            case ObservationKind.VMI:
                return await _before_the_restore(reads, asked, at)
            case ObservationKind.RECHECK:
                return await self._recheck(reads, asked, at)
            case ObservationKind.SAFETY:
                return await _safety(reads, asked, at)
            case ObservationKind.JOB:
                return await running.look(reads, asked, at)
            case _:
                assert_never(asked.kind)

    async def _full(self, reads: Reads, asked: Question, at: datetime) -> Observation:
        async with Together() as first:
            vm = first.create_task(reads.vm(asked.vm))
            vmi = first.create_task(reads.vmi(asked.vm))
            found = first.create_task(self._snapshots(reads, asked))
            quotas = first.create_task(reads.quotas())
            missing = first.create_task(self._rights.needed_and_missing(asked.vm_ref.namespace))
        everything, snapshot = found.result()
        if everything is not None and reads.forbidden is None:
            self._catalog.seen(asked.vm_ref.namespace, everything)
        seen = vm.result()
        effect = asked.effect if seen is not None and snapshot is not None else None
        async with Together() as second:
            content = second.create_task(reads.content(snapshot))
            held = second.create_task(claims_of(reads, seen))
            dry_run = second.create_task(self._dry_run(effect))
            others = second.create_task(self._others(asked, missing=seen is None))
            snapshots = second.create_task(self._choices_of(asked, everything, snapshot))
        accepted = effect is not None and dry_run.result() is None
        async with Together() as third:
            lock = third.create_task(_locked_by(reads, seen, everything))
            restores = third.create_task(rivals(reads, asked, seen, listed=not accepted))
            storage = third.create_task(
                stored(reads, asked, snapshot, content.result(), held.result(), self._known)
            )
        return Observation(
            asked.kind,
            at,
            vm=seen,
            vmi=vmi.result(),
            snapshot=snapshot,
            content=content.result(),
            locked_by=lock.result(),
            snapshots=snapshots.result(),
            snapshots_unread=everything is None,
            restores=restores.result(),
            quotas=quotas.result(),
            dry_run=dry_run.result(),
            forbidden=reads.forbidden,
            missing_rights=missing.result(),
            candidates=others.result(),
            **storage.result(),
        )

    async def _snapshots(
        self, reads: Reads, asked: Question
    ) -> tuple[tuple[Snapshot, ...] | None, Snapshot | None]:
        """All snapshots of the namespace, None where that are many, and the one that is asked for."""
        namespace = asked.vm_ref.namespace
        for _ in range(2):
            size = self._known.page(namespace, names.SNAPSHOTS)
            if not size:
                break
            everything, left = await reads.first_snapshots(size)
            if not left:
                return everything, _named(asked.snapshot, everything)
            self._known.saw(namespace, names.SNAPSHOTS, len(everything) + left)
        return None, await reads.snapshot(asked.snapshot)

    async def _choices_of(
        self,
        asked: Question,
        everything: tuple[Snapshot, ...] | None,
        snapshot: Snapshot | None,
    ) -> tuple[Snapshot, ...]:
        """The VM's snapshots. Among many they are looked for only if another must be chosen."""
        if everything is not None:
            return tuple(
                one for one in everything if one.source == asked.vm and not parse.of_a_clone(one)
            )
        if snapshot is not None and snapshot.source == asked.vm:
            return ()
        namespace = asked.vm_ref.namespace
        if snapshot is None:
            self._catalog.forget(namespace)
        try:
            return tuple(await self._catalog.snapshots(namespace, asked.vm))
        except Permanent:
            return ()

    async def _recheck(self, reads: Reads, asked: Question, at: datetime) -> Observation:
        async with Together() as group:
            vm = group.create_task(reads.vm(asked.vm))
            vmi = group.create_task(reads.vmi(asked.vm))
            snapshot = group.create_task(reads.snapshot(asked.snapshot))
            few = group.create_task(self._few_restores(reads, asked))
            safety = group.create_task(_begun_snapshot(reads, asked.restore))
        seen = vm.result()
        async with Together() as second:
            content = second.create_task(reads.content(snapshot.result()))
            held = second.create_task(claims_of(reads, seen))
            lock = second.create_task(_lock(reads, asked, seen))
            restores = second.create_task(among_many(reads, asked, seen, few.result()))
        storage = await stored(reads, asked, snapshot.result(), content.result(), held.result())
        return Observation(
            asked.kind,
            at,
            vm=seen,
            vmi=vmi.result(),
            snapshot=snapshot.result(),
            content=content.result(),
            locked_by=lock.result(),
            restores=restores.result(),
            safety=safety.result(),
            forbidden=reads.forbidden,
            **storage,
        )

    async def _few_restores(
        self, reads: Reads, asked: Question
    ) -> tuple[RestoreObject, ...] | None:
        """All restores of the VM; None where the namespace has many."""
        namespace = asked.vm_ref.namespace
        size = self._known.page(namespace, names.RESTORES)
        if not size:
            return None
        found, left = await reads.first_restores_of(asked.vm, size)
        if left:
            self._known.saw(namespace, names.RESTORES, size + left, list_up_to=0)
        return None if left else found

    async def _dry_run(self, effect: CreateRestore | None) -> ApiRejection | None:
        if effect is None:
            return None
        try:
            await create.dry_run(self._api, self._schema, effect)
        except ApiStatusError as refusal:
            if refusal.code == 401:
                raise
            return refusal.rejection
        return None

    async def _others(self, asked: Question, *, missing: bool) -> Candidates:
        """Names to propose when the VM does not exist: like it there, or the same elsewhere."""
        if not missing:
            return Candidates()
        try:
            found = await self._catalog.vms(asked.permitted)
        except Permanent:
            return Candidates()
        return Candidates(
            namespaces=tuple(namespace for namespace, name in found if name == asked.vm),
            vms=tuple(name for namespace, name in found if namespace == asked.vm_ref.namespace),
        )

    async def _candidates(self, asked: Question, at: datetime) -> Observation:
        try:
            return Observation(asked.kind, at, candidates=await self._choices(asked))
        except ApiStatusError as refusal:
            if refusal.code == 404:
                # A list is only missing where its whole API is.
                return Observation(asked.kind, at, kubevirt=False)
            if refusal.code != 403:
                raise
            return Observation(asked.kind, at, forbidden=refusal.rejection)
        except Permanent as permanent:
            if permanent.reason != NOT_INSTALLED:
                raise
            return Observation(asked.kind, at, kubevirt=False)

    async def _choices(self, asked: Question) -> Candidates:
        """Names for the first thing that the request lacks."""
        request, permitted = asked.restore.request, asked.permitted
        if request.vm is None:
            return Candidates(
                vms=await self._names([request.namespace] if request.namespace else permitted)
            )
        if request.namespace is None:
            namespaces = await self._catalog.namespaces_with(request.vm, permitted)
            vms = () if namespaces else await self._names(permitted)
            return Candidates(namespaces=tuple(namespaces), vms=vms)
        if snapshots := await self._catalog.snapshots(request.namespace, request.vm):
            return Candidates(snapshots=tuple(snapshots))
        namespaces = await self._catalog.namespaces_with(request.vm, permitted)
        vms = () if namespaces else await self._names([request.namespace])
        return Candidates(namespaces=tuple(namespaces), vms=vms)

    async def _names(self, namespaces: Collection[str] | None) -> tuple[str, ...]:
        found = await self._catalog.vms(namespaces)
        return tuple(dict.fromkeys(name for _, name in found))[:MAX_NAMES]


async def _vmi(reads: Reads, asked: Question, at: datetime) -> Observation:
    async with Together() as group:
        vm = group.create_task(reads.vm(asked.vm))
        vmi = group.create_task(reads.vmi(asked.vm))
    return Observation(asked.kind, at, vm=vm.result(), vmi=vmi.result(), forbidden=reads.forbidden)


async def _before_the_restore(reads: Reads, asked: Question, at: datetime) -> Observation:
    """A VM before its restore is made, whether that was made already, and what a first stop begins."""
    stop = asked.restore.stop
    first = asked.restore.phase is Phase.STOPPING and stop is not None and stop.asked_at is None
    async with Together() as group:
        vm = group.create_task(reads.vm(asked.vm))
        vmi = group.create_task(reads.vmi(asked.vm))
        own = group.create_task(reads.restores_made_by(asked.restore.id))
        others = group.create_task(rivals(reads, asked, None, listed=first))
    found = {one.uid: one for one in (*own.result(), *others.result())}
    return Observation(
        asked.kind,
        at,
        vm=vm.result(),
        vmi=vmi.result(),
        restores=tuple(found.values()),
        forbidden=reads.forbidden,
    )


async def _locked_by(
    reads: Reads, vm: Vm | None, everything: tuple[Snapshot, ...] | None
) -> Snapshot | None:
    """The snapshot that the VM's status calls under way."""
    name = vm.snapshot_in_progress if vm else None
    if name is None:
        return None
    return await reads.snapshot(name) if everything is None else _named(name, everything)


def _named(name: str, among: tuple[Snapshot, ...]) -> Snapshot | None:
    return next((one for one in among if one.name == name), None)


async def _lock(reads: Reads, asked: Question, vm: Vm | None) -> Snapshot | None:
    """The snapshot that the VM is marked with, unless it is this restore's own."""
    own = asked.restore.safety.name if asked.restore.safety else None
    mark = vm.snapshot_in_progress if vm else None
    return await reads.snapshot(mark) if mark and mark != own else None


async def _begun_snapshot(reads: Reads, restore: Restore) -> Snapshot | None:
    """The safety snapshot whose create was not answered."""
    unsure = restore.phase is Phase.PROTECTING and restore.safety is not None
    return await reads.snapshot(restore.safety.name) if unsure and restore.safety else None


async def _safety(reads: Reads, asked: Question, at: datetime) -> Observation:
    """The safety snapshot, and whether the restore that waits for it was made already."""
    safety = asked.restore.safety
    async with Together() as group:
        found = group.create_task(reads.snapshot(safety.name if safety else ""))
        own = group.create_task(reads.restores_made_by(asked.restore.id))
    return Observation(
        asked.kind,
        at,
        safety=found.result(),
        restores=own.result(),
        forbidden=reads.forbidden,
    )
