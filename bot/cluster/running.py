"""The look at a restore that runs, and at what became of its VM when it has ended."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.cluster.question import Question
from bot.cluster.reads import Reads, Together
from bot.restore import claims
from bot.restore.model import Restore
from bot.restore.observation import Claim, Observation, RestoreObject, Vm, Vmi

PATIENCE = timedelta(minutes=1)
"""How long a read that only adds to what is known may fail before it is done without."""
SETTLED = "Waiting for target update"
"""What a restore says of itself once its volumes are there."""


async def look(reads: Reads, asked: Question, at: datetime) -> Observation:
    """The restore; while it runs nothing else but its volumes, at its end what became of the VM.

    The claims prove a success and are what advice stands on. That they may not be read is a fact; a
    server that is away may be back in a moment, but nobody waits longer than that for the result.
    No volume can be bound at the first look, just after the create.
    """
    own = asked.restore.job
    job = await reads.restore(own.name) if own else None
    if job is not None and not job.complete and job.failure is None:
        waits = (
            job.claims and job.ready != SETTLED and own is not None and own.looked_at is not None
        )
        made, _ = await reads.if_possible(_made_for(asked.vm)) if waits else (None, "")
        return Observation(asked.kind, at, job=job, claims=made or (), forbidden=reads.forbidden)
    found, unread = await reads.if_possible(Reads.claims, patient=_is_new(asked.restore, at))
    seen = Observation(
        asked.kind,
        at,
        job=job,
        claims=found or (),
        claims_unread=None if found is not None else unread,
    )
    seen = await _with_the_vm(seen, reads, asked)
    return replace(
        seen,
        claims=_that_matter(found or (), asked, job, seen.vm),
        forbidden=reads.forbidden,
    )


def _is_new(restore: Restore, at: datetime) -> bool:
    """The trouble with the cluster has not lasted long, if there is any."""
    return restore.trouble_since is None or at - restore.trouble_since < PATIENCE


def _vmi_of(vm: str) -> Callable[[Reads], Awaitable[Vmi | None]]:
    return lambda reads: reads.vmi(vm)


def _made_for(vm: str) -> Callable[[Reads], Awaitable[tuple[Claim, ...]]]:
    return lambda reads: reads.restored_claims_of(vm)


async def _with_the_vm(seen: Observation, reads: Reads, asked: Question) -> Observation:
    """The VM and its VMI: among all others, where a claim may be called free only by that."""
    done = seen.job is not None and seen.job.complete
    unread = None
    if done and claims.asks_for_users(seen, asked.restore):
        everybody, unread = await reads.if_possible(lambda apart: apart.everybody(asked.vm))
        if everybody is not None:
            return replace(seen, vm=everybody.vm, vmi=everybody.vmi, uses=everybody.uses)
    async with Together() as group:
        patient = _is_new(asked.restore, seen.at)
        vm = group.create_task(_vm(reads, asked.vm, patient=patient, needed=seen.job is None))
        vmi = group.create_task(reads.if_possible(_vmi_of(asked.vm), patient=patient))
    (found, no_vm), (live, no_vmi) = vm.result(), vmi.result()
    return replace(
        seen,
        vm=found,
        vm_unread=no_vm or None,
        vmi=live,
        vmi_unread=no_vmi or None,
        uses_unread=unread,
    )


async def _vm(reads: Reads, name: str, *, patient: bool, needed: bool) -> tuple[Vm | None, str]:
    """The VM, or why it could not be read. Where the restore is gone, only the VM tells what was."""
    if needed:
        return await reads.vm(name), ""
    return await reads.if_possible(lambda apart: apart.vm(name), patient=patient)


def _that_matter(
    found: tuple[Claim, ...], asked: Question, job: RestoreObject | None, vm: Vm | None
) -> tuple[Claim, ...]:
    """Claims of this restore, of earlier ones, those that the VM uses and that it used before."""
    shown = asked.restore.preview
    used = {each.claim for each in vm.volumes} if vm else set()
    before = {*shown.claims, *(each.claim for each in shown.fates)} if shown else set()
    named = {*(job.claims if job else ()), *before, *used}
    return tuple(one for one in found if one.name in named or one.vm == asked.vm)
