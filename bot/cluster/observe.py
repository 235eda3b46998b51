"""Looking at the cluster: what each look reads, and the scene it makes of the answers.

A look reads what its phase needs and no more, and independent reads go out together. What a 403 or
a 404 about the snapshot API is worth, `Schema` has found out before the look begins.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import TypedDict, assert_never

from bot.clock import Clock
from bot.cluster import create, parse, running
from bot.cluster.catalog import Catalog
from bot.cluster.client import Api, ApiStatusError
from bot.cluster.question import Question
from bot.cluster.reads import Reads, Together
from bot.cluster.rights import Rights
from bot.cluster.schema import NOT_INSTALLED, Schema
from bot.errors import Permanent
from bot.restore.events import CreateRestore
from bot.restore.fates import copied_disks
from bot.restore.model import Phase, Restore
from bot.restore.observation import (
    ApiRejection,
    Candidates,
    Claim,
    Content,
    Observation,
    ObservationKind,
    Snapshot,
    Vm,
    VolumeSnapshot,
)
from bot.restore.rules import VolumePolicy

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
                return await _recheck(reads, asked, at)
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
            snapshots = first.create_task(reads.snapshots())
            restores = first.create_task(reads.restores_of(asked.vm))
            quotas = first.create_task(reads.quotas())
            missing = first.create_task(self._rights.needed_and_missing(asked.vm_ref.namespace))
        everything = snapshots.result()
        if reads.forbidden is None:
            self._catalog.seen(asked.vm_ref.namespace, everything)
        snapshot = next((one for one in everything if one.name == asked.snapshot), None)
        seen = vm.result()
        lock = seen.snapshot_in_progress if seen else None
        worth_trying = vm.result() is not None and snapshot is not None
        async with Together() as second:
            content = second.create_task(reads.content(snapshot))
            held = second.create_task(_claims(reads, asked, vm.result()))
            dry_run = second.create_task(self._dry_run(asked.effect if worth_trying else None))
            others = second.create_task(self._others(asked, missing=vm.result() is None))
        return Observation(
            asked.kind,
            at,
            vm=vm.result(),
            vmi=vmi.result(),
            snapshot=snapshot,
            content=content.result(),
            locked_by=next((one for one in everything if one.name == lock), None),
            snapshots=tuple(
                one for one in everything if one.source == asked.vm and not parse.of_a_clone(one)
            ),
            restores=restores.result(),
            quotas=quotas.result(),
            dry_run=dry_run.result(),
            forbidden=reads.forbidden,
            missing_rights=missing.result(),
            candidates=others.result(),
            **await _storage(reads, content.result(), held.result()),
        )

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
    """A VM before its restore is made, and whether that was made already."""
    async with Together() as group:
        vm = group.create_task(reads.vm(asked.vm))
        vmi = group.create_task(reads.vmi(asked.vm))
        own = group.create_task(reads.restores_made_by(asked.restore.id))
    return Observation(
        asked.kind,
        at,
        vm=vm.result(),
        vmi=vmi.result(),
        restores=own.result(),
        forbidden=reads.forbidden,
    )


async def _recheck(reads: Reads, asked: Question, at: datetime) -> Observation:
    async with Together() as group:
        vm = group.create_task(reads.vm(asked.vm))
        vmi = group.create_task(reads.vmi(asked.vm))
        snapshot = group.create_task(reads.snapshot(asked.snapshot))
        restores = group.create_task(reads.restores_of(asked.vm))
        safety = group.create_task(_begun_snapshot(reads, asked.restore))
    async with Together() as second:
        content = second.create_task(reads.content(snapshot.result()))
        held = second.create_task(_claims(reads, asked, vm.result()))
        lock = second.create_task(_lock(reads, asked, vm.result()))
    return Observation(
        asked.kind,
        at,
        vm=vm.result(),
        vmi=vmi.result(),
        snapshot=snapshot.result(),
        content=content.result(),
        locked_by=lock.result(),
        restores=restores.result(),
        safety=safety.result(),
        forbidden=reads.forbidden,
        **await _storage(reads, content.result(), held.result()),
    )


class _Storage(TypedDict):
    claims: tuple[Claim, ...]
    copies: tuple[VolumeSnapshot, ...] | None
    classes: tuple[str, ...] | None


async def _storage(reads: Reads, content: Content | None, held: tuple[Claim, ...]) -> _Storage:
    """What stands behind a snapshot, and the claims that the VM of then named and got no copy of.

    An account may have no right to read VolumeSnapshots and storage classes: the rest is told then.
    """
    if content is None:
        return {"claims": held, "copies": None, "classes": None}
    wanted = sorted(name for _, name in content.copies)
    named = sorted({name for _, name, _ in content.sizes if name})
    there = {one.name for one in held}
    copied = copied_disks(content)
    others = {v.claim for v in content.volumes if v.claim and v.name not in copied}
    async with Together() as group:
        more = group.create_task(reads.claims_named(sorted(others - there)))
        copies = group.create_task(reads.if_possible(lambda r: r.copies(wanted), patient=True))
        classes = group.create_task(reads.if_possible(lambda r: r.classes(named), patient=True))
    found = (*held, *more.result())
    return {"claims": found, "copies": copies.result()[0], "classes": classes.result()[0]}


async def _claims(reads: Reads, asked: Question, vm: Vm | None) -> tuple[Claim, ...]:
    """The claims of the VM's disks; all, where the policy could find the names of its own taken."""
    if asked.restore.rules.volume_policy is VolumePolicy.PREFIX_TARGET_NAME:
        return await reads.claims()
    named = {each.claim for each in vm.volumes if each.claim} if vm else set()
    return await reads.claims_named(sorted(named))


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
