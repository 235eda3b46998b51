"""Everything that may say why a restore does not go on: read once, when it is wanted.

Nothing in here fails for what may not be read, or does not answer: it is named instead. Only where
nothing at all answers the cluster is away. Objects are read by name, a few of each kind, so that a
large namespace costs no more than a small one.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from bot.cluster import names, parse, parse_evidence
from bot.cluster.client import Api, ApiStatusError
from bot.cluster.document import Json, text
from bot.cluster.reads import Build, Together
from bot.cluster.schema import Schema
from bot.errors import Permanent, Temporary
from bot.restore.diagnosis.evidence import (
    Evidence,
    NotRead,
    SeenClaim,
    SeenEvent,
    SeenStorageClass,
    SeenVolumeSnapshot,
)
from bot.restore.model import Phase, Restore

T = TypeVar("T")
MOST = 3
"""Objects of one kind that are looked at: what holds up one claim holds up the others."""
MAX_EVENTS = 100
MOST_SECONDS = 12.0
"""(Real) seconds: the result of a restore does not wait longer for its decoration."""
CLAIMS = "persistentvolumeclaims"


class Inquiry:
    """Reads of one namespace, of which each may fail by itself."""

    def __init__(self, api: Api, namespace: str, version: str) -> None:
        self._api = api
        self._namespace = namespace
        self._version = version
        self._answers = 0
        self.unread: list[NotRead] = []

    @property
    def nothing_answers(self) -> bool:
        """Whatever was asked, no answer came."""
        return not self._answers

    def snapshots(self, kind: str, namespace: str | None, name: str | None) -> str:
        """Path in the snapshot group of KubeVirt."""
        return names.snapshot_group(self._version, kind, namespace, name)

    async def one(self, build: Build, kind: str, name: str) -> Json | None:
        """One object; None if there is none, or it could not be read."""
        if not name:
            return None
        try:
            path = build(kind, self._namespace, name)
            return await self._asked(kind, self._api.get(path))
        except names.NoName:
            return None

    async def each(self, build: Build, kind: str, wanted: Sequence[str]) -> list[Json | None]:
        """Several objects by name, in this order."""
        async with Together() as group:
            tasks = [group.create_task(self.one(build, kind, name)) for name in wanted]
        return [task.result() for task in tasks]

    def could_not_read(self, kind: str) -> bool:
        """Some answer about this kind did not come."""
        return any(each.what == kind for each in self.unread)

    async def some(
        self, build: Build, kind: str, query: dict[str, str] | None = None
    ) -> list[Json]:
        """All objects that the query selects; none if they could not be read."""
        asked = self._api.collect(build(kind, self._namespace, None), query)
        found = await self._asked(kind, asked)
        return found[0] if found is not None else []

    async def _asked(self, kind: str, call: Coroutine[Any, Any, T]) -> T | None:
        try:
            answer = await call
        except Temporary as away:
            self.unread.append(NotRead(kind, away.what))
            return None
        except ApiStatusError as refusal:
            self._answers += 1
            if not refusal.unserved and refusal.code != 404:
                forbidden = refusal.code in (401, 403)
                self.unread.append(NotRead(kind, str(refusal), forbidden))
            return None
        except Permanent as refused:
            self.unread.append(NotRead(kind, refused.text or refused.reason))
            return None
        self._answers += 1
        return answer


async def collect(api: Api, schema: Schema, restore: Restore, at: datetime) -> Evidence:
    """Read what there is; an Evidence that says so if the cluster is away."""
    namespace = restore.request.namespace or ""
    blank = _blank(restore, at)
    try:
        served = await schema.known()
    except Temporary as away:
        return replace(blank, unreachable=away.what, told=False)
    except Permanent:
        served = None
    asked = Inquiry(api, namespace, served.version if served else "v1beta1")
    try:
        async with asyncio.timeout(MOST_SECONDS):
            found = await _storage(asked, await _objects(asked, blank))
    except TimeoutError:
        return replace(blank, told=False)
    if asked.nothing_answers:
        why = asked.unread[0].why if asked.unread else ""
        return replace(blank, unreachable=why, told=False)
    return replace(found, unread=tuple(asked.unread))


def _blank(restore: Restore, at: datetime) -> Evidence:
    request, job, start = restore.request, restore.job, restore.start
    safety = restore.safety if restore.phase is Phase.PROTECTING else None
    return Evidence(
        at=at,
        namespace=request.namespace or "",
        vm_name=request.vm or "",
        snapshot_name=safety.name if safety else request.snapshot or "",
        protects=safety is not None,
        restore_name=job.name if job else "",
        error=(start.error or "") if start else "",
        known=job is not None and job.uid is not None and not restore.phase.ended,
        over=restore.phase.ended,
        starts=start is not None and restore.phase.ended,
        confirmed_vm=restore.preview.vm_uid if restore.preview else "",
    )


async def _objects(asked: Inquiry, evidence: Evidence) -> Evidence:
    """The restore, the VM, its VMI and the snapshot."""
    vm, snapshot = evidence.vm_name, evidence.snapshot_name
    async with Together() as group:
        job = group.create_task(asked.one(asked.snapshots, names.RESTORES, evidence.restore_name))
        its_vm = group.create_task(asked.one(names.kubevirt, names.VMS, vm))
        vmi = group.create_task(asked.one(names.kubevirt, names.VMIS, vm))
        taken = group.create_task(asked.one(asked.snapshots, names.SNAPSHOTS, snapshot))
    seen = taken.result()
    snapshot_object = _parsed(parse.snapshot, seen)
    instance, machine = vmi.result(), its_vm.result()
    return replace(
        evidence,
        job=_parsed(parse.restore, job.result()),
        vm=_parsed(parse.vm, machine),
        vm_failures=parse_evidence.failures(machine) if machine is not None else (),
        vmi=_parsed(parse.vmi, instance),
        vmi_conditions=parse_evidence.conditions(instance) if instance is not None else (),
        snapshot=snapshot_object,
    )


async def _storage(asked: Inquiry, evidence: Evidence) -> Evidence:
    """The claims with their classes, volume snapshots and DataVolumes, events and limits."""
    job = evidence.job
    documents = await _claims(asked, evidence)
    claims = tuple(map(parse_evidence.claim, documents))
    looked_at = sorted(claims, key=lambda claim: claim.phase == "Bound")[:MOST]
    named = [claim.name for claim in looked_at]
    sources = [source for _, claim, source in job.volumes if claim in named] if job else []
    content = (evidence.snapshot.content_name if evidence.snapshot else None) or ""
    if evidence.protects:
        sources = await _copies(asked, content)
        named = [*sources, evidence.snapshot_name, content]
    async with Together() as group:
        classes = group.create_task(_classes(asked, looked_at))
        cut = group.create_task(_volume_snapshots(asked, [one for one in sources if one]))
        waited_for = [] if evidence.protects else named
        filled = group.create_task(asked.each(names.cdi, "datavolumes", waited_for))
        told = group.create_task(_events(asked, evidence, named))
        copied = group.create_task(asked.one(asked.snapshots, names.CONTENTS, content))
        quotas = group.create_task(asked.some(names.core, "resourcequotas"))
        limits = group.create_task(asked.some(names.core, "limitranges"))
    return replace(
        evidence,
        content=_parsed(parse.content, copied.result()),
        claims=claims,
        classes=classes.result(),
        volume_snapshots=cut.result(),
        data_volumes=tuple(
            parse_evidence.data_volume(one) for one in filled.result() if one is not None
        ),
        events=told.result(),
        quotas=tuple(limit for one in quotas.result() for limit in parse.quotas(one)),
        size_limits=tuple(
            limit for one in limits.result() for limit in parse_evidence.size_limits(one)
        ),
    )


async def _copies(asked: Inquiry, content: str) -> list[str]:
    """The volume snapshots that a safety snapshot is made of, a few, those that are not ready first."""
    found = _parsed(parse.content, await asked.one(asked.snapshots, names.CONTENTS, content))
    if found is None:
        return []
    unready = [name for name, _ in found.unready]
    made = [name for _, name in found.copies]
    return list(dict.fromkeys((*unready, *made)))[:MOST]


async def _claims(asked: Inquiry, evidence: Evidence) -> list[Json]:
    """The claims that the restore makes: a few by name, many from one list."""
    wanted = evidence.job.claims if evidence.job else ()
    if len(wanted) <= MOST:
        found = await asked.each(names.core, CLAIMS, wanted)
        return [one for one in found if one is not None]
    label = {"labelSelector": f"{names.SOURCE_VM_LABEL}={evidence.vm_name}"}
    made = await asked.some(names.core, CLAIMS, label)
    return [one for one in made if text(one, "metadata", "name") in wanted]


async def _events(asked: Inquiry, evidence: Evidence, claims: list[str]) -> tuple[SeenEvent, ...]:
    """Events about the restore, the VM and what it waits for, without those of the time before."""
    about = [each for each in (evidence.restore_name, evidence.vm_name, *claims) if each]
    async with Together() as group:
        tasks = [
            group.create_task(
                asked.some(names.core, "events", {"fieldSelector": f"involvedObject.name={each}"})
            )
            for each in about
        ]
    since = evidence.job.created if evidence.job else None
    if evidence.protects and evidence.snapshot is not None:
        since = evidence.snapshot.requested_at
    found = parse_evidence.events((one for task in tasks for one in task.result()), since)
    return found[:MAX_EVENTS]


async def _volume_snapshots(asked: Inquiry, wanted: list[str]) -> tuple[SeenVolumeSnapshot, ...]:
    found = await asked.each(names.volume_snapshots, "volumesnapshots", wanted)
    unread = asked.could_not_read("volumesnapshots")
    return tuple(
        parse_evidence.volume_snapshot(one)
        if one is not None
        else SeenVolumeSnapshot(name, found=False)
        for name, one in zip(wanted, found, strict=True)
        if one is not None or not unread
    )


async def _classes(asked: Inquiry, claims: list[SeenClaim]) -> tuple[SeenStorageClass, ...]:
    wanted = list(dict.fromkeys(each.storage_class for each in claims if each.storage_class))
    found = await asked.each(names.storage, "storageclasses", wanted)
    unread = asked.could_not_read("storageclasses")
    return tuple(
        parse_evidence.storage_class(one)
        if one is not None
        else SeenStorageClass(name, found=False)
        for name, one in zip(wanted, found, strict=True)
        if one is not None or not unread
    )


def _parsed(parsed: Callable[[Json], T], document: Json | None) -> T | None:
    return None if document is None else parsed(document)
