"""RESTORING, once the cluster says "complete": whether the claims prove it, and what is left over."""

from datetime import datetime

from bot.restore import claims, edits
from bot.restore.claims import Proof
from bot.restore.cut import named
from bot.restore.disks import Fate
from bot.restore.model import Job, Outcome, Phase, Restore
from bot.restore.observation import Observation, RestoreObject, Vm, Volume
from bot.restore.phases.left import kept, next_look
from bot.restore.reasons import Reason
from bot.texts import endings

STATE_VOLUME = "persistent-state-for-"
"""How the volume of a VM's own state is called; it stands in no list of volumes."""
MAX_WHY = 200
MAX_TOLD = 5
"""Claims that a sentence names."""


def progress(
    restore: Restore, job: Job, observation: Observation, seen: RestoreObject, now: datetime
) -> Restore:
    """What is shown while the cluster works."""
    bound = {claim.name for claim in observation.claims if claim.phase == "Bound"}
    followed = job.model_copy(
        update={
            "progressing": seen.progressing[:300],
            "ready": seen.ready[:300],
            "volumes_total": len(seen.claims),
            "volumes_bound": max(job.volumes_bound, len(bound & set(seen.claims))),
            "looked_at": now,
        }
    )
    if _shown(followed) != _shown(job):
        followed = followed.model_copy(update={"moved_at": now})
    return restore.model_copy(update={"job": followed})


def _shown(job: Job) -> tuple[str, str, int, int]:
    """What moves while it gets on."""
    return job.progressing, job.ready, job.volumes_total, job.volumes_bound


def succeeded(
    restore: Restore, observation: Observation, seen: RestoreObject, now: datetime
) -> Restore:
    """Complete is what the cluster says; what the VM is, and the proof, were read in the same look."""
    if observation.vm is None and observation.vm_unread is None:
        return edits.fail(restore, Reason.VM_DELETED, endings.VM_GONE, now)
    followed = progress(restore, restore.job, observation, seen, now) if restore.job else restore
    shown = (
        {}
        if observation.claims_unread is not None
        else dict(claims.proofs(observation, restore, seen))
    )
    if refuted := _refuted(shown):
        wrong = edits.end(followed, Phase.FAILED, _not_restored(seen, refuted, now), endings.FAILED)
        return edits.alive(wrong, observation)
    restored = set(seen.claims)
    left = claims.left_behind(observation, restore)
    outcome = Outcome(
        at=now,
        vm_status=_vm_status(observation),
        pending=tuple(
            c.name for c in observation.claims if c.name in restored and c.phase == "Pending"
        ),
        kept=_of_fate(
            restore,
            Fate.KEEPS,
            {v.name for v in _volumes(observation.vm) if _is_there(v, observation)},
        ),
        deleted=_of_fate(restore, Fate.DELETED, set(seen.deleted), by_claim=True),
        detached=_detached(seen, observation.vm) if observation.vm else None,
        unproven=_unproven(observation, shown),
    ).model_copy(update=kept(left))
    outcome = outcome.model_copy(update={"left_due": next_look(outcome, now, now)})
    return edits.end(followed, Phase.SUCCEEDED, outcome, endings.RESTORED)


def _detached(seen: RestoreObject, vm: Vm) -> tuple[str, ...]:
    """Restored claims of disks that the VM does not point at. Its state (vTPM, EFI) is no disk."""
    used = {each.claim for each in vm.volumes}
    return tuple(
        claim
        for volume, claim, _ in seen.volumes
        if claim not in used and not volume.startswith(STATE_VOLUME)
    )


def _refuted(shown: dict[str, Proof]) -> str:
    """The claims that hold something else than the snapshot, in words."""
    words = {Proof.REFUTED: endings.CLAIM_OF_OTHERS, Proof.MISSING: endings.CLAIM_MISSING}
    told = [words[proof].format(claim=name) for name, proof in shown.items() if proof in words]
    return named(told, MAX_TOLD)


def _not_restored(seen: RestoreObject, refuted: str, now: datetime) -> Outcome:
    return Outcome(
        reason=Reason.NOT_RESTORED,
        at=now,
        found=endings.NOT_RESTORED.format(name=seen.name, found=refuted),
        next=endings.NOT_RESTORED_NEXT,
    )


def _unproven(observation: Observation, shown: dict[str, Proof]) -> str:
    """Why the restored claims could not confirm that the restore is complete; "" where they do."""
    if observation.claims_unread is not None:
        return endings.CLAIMS_UNREAD.format(why=observation.claims_unread[:300].rstrip("."))
    bare = [f"`{name}`" for name, proof in shown.items() if proof is Proof.NONE]
    return endings.CLAIMS_UNMARKED.format(claims=named(bare, MAX_TOLD)) if bare else ""


def _of_fate(
    restore: Restore, fate: Fate, there: set[str], *, by_claim: bool = False
) -> tuple[str, ...]:
    """The disks that were to have this fate, as far as what was read bears it out."""
    fates = restore.preview.fates if restore.preview else ()
    return tuple(
        each.name
        for each in fates
        if each.fate is fate and (each.claim if by_claim else each.name) in there
    )


def _volumes(vm: Vm | None) -> tuple[Volume, ...]:
    return vm.volumes if vm else ()


def _is_there(volume: Volume, observation: Observation) -> bool:
    """The claim behind the disk exists, as far as that could be read."""
    there = {each.name for each in observation.claims}
    return observation.claims_unread is not None or volume.claim in there


def _vm_status(observation: Observation) -> str:
    vm = observation.vm
    if vm is None:
        why = (observation.vm_unread or "")[:MAX_WHY].rstrip(".")
        return endings.VM_UNREAD.format(why=why) if why else endings.UNKNOWN
    if observation.vmi_unread is not None:
        return endings.VMI_UNREAD.format(status=vm.status)
    if observation.vmi is not None:
        return endings.LIVE.format(status=vm.status)
    if vm.may_start_itself:
        return endings.WILL_START.format(status=vm.status, strategy=vm.run_strategy)
    if vm.status != "Stopped" or vm.deleting:
        return endings.NOT_RUNNING.format(status=vm.status)
    return endings.READY_TO_START
