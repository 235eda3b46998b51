"""What the claims of a namespace show: whose names are taken, what was restored, what is left over.

Proof. `complete` is the cluster's word, and it is given as well when a claim that had the computed
name already was taken as it is, without any data of the snapshot (PrefixTargetName). What a restore
made itself it marks: since KubeVirt 1.6.0 with `restore.kubevirt.io/lastRestoreUID`
(`<name>-<uid>`), before only with `restore.kubevirt.io/name`. The claims of DataVolumes are made and
marked like all others. Without any mark the VolumeSnapshot that a claim is filled from shows it, if
the claim is not older than the restore.

Advice. A claim is called free to be deleted only if everything that speaks against it was looked for
and not found; for every other the first thing found is named.
"""

from collections.abc import Iterator
from enum import Enum

from bot.restore.cut import named
from bot.restore.disks import Disk, Fate, LeftBehind, LeftBehindKind
from bot.restore.fates import new_claims, prefixed
from bot.restore.model import Restore
from bot.restore.observation import Claim, Content, Observation, RestoreObject, Snapshot
from bot.restore.rules import VolumePolicy

MAX_LEFT = 40
"""Claims that a document keeps; the others are counted."""
MAX_USERS = 3
MAX_WHY = 300
"""Letters of why it could not be looked who uses a claim."""


def taken_names(observation: Observation, restore: Restore) -> tuple[str, ...]:
    """Claims that a restore with PrefixTargetName would take as they are.

    One that is being deleted counts: KubeVirt takes it all the same. What this restore's own object
    has made does not.
    """
    if restore.rules.volume_policy is not VolumePolicy.PREFIX_TARGET_NAME:
        return ()
    wanted = new_names(observation.content, observation.snapshot, restore.target.vm)
    own = restore.job.name if restore.job else None
    return tuple(
        claim.name
        for claim in observation.claims
        if claim.name in wanted and (own is None or claim.restored_by != own)
    )


def new_names(content: Content | None, snapshot: Snapshot | None, vm: str) -> set[str]:
    """How the claims of a restore with PrefixTargetName are called."""
    backups = [each.volume for each in new_claims(content)] if content else []
    volumes = backups or (snapshot.included if snapshot else ())
    return {prefixed(vm, volume) for volume in volumes}


# Proof


class Proof(Enum):
    """Does a claim hold what the restore was to bring back?"""

    GIVEN = "given"
    REFUTED = "refuted"
    MISSING = "missing"
    NONE = "none"


def proofs(
    observation: Observation, restore: Restore, seen: RestoreObject
) -> Iterator[tuple[str, Proof]]:
    """Every claim that the restore names, and what it shows.

    PrefixTargetName is younger (1.8.0) than the mark: there no mark means a claim that was taken.
    """
    held = {claim.name: claim for claim in observation.claims}
    sources = {claim: source for _, claim, source in seen.volumes}
    marked = restore.rules.volume_policy is VolumePolicy.PREFIX_TARGET_NAME
    for name in seen.claims:
        claim = held.get(name)
        if marked and claim is not None and claim.mark is None:
            yield name, Proof.REFUTED
        else:
            yield name, _proof(claim, seen, sources.get(name, ""))


def _proof(claim: Claim | None, seen: RestoreObject, source: str) -> Proof:
    if claim is None:
        return Proof.MISSING
    if claim.mark is not None:
        return Proof.GIVEN if claim.mark == f"{seen.name}-{seen.uid}" else Proof.REFUTED
    if claim.restored_by is not None and claim.restored_by != seen.name:
        return Proof.REFUTED
    if claim.created is None or seen.created is None:
        return Proof.NONE
    if claim.created < seen.created:
        return Proof.REFUTED
    filled = bool(source) and claim.source == source
    return Proof.GIVEN if filled or claim.restored_by == seen.name else Proof.NONE


# Advice


def asks_for_users(observation: Observation, restore: Restore) -> bool:
    """Only the people who use a claim can still speak against deleting it.

    Asked before the VM is read: what the restored VM uses may then still be among them.
    """
    return any(each.kind is LeftBehindKind.UNSURE for each in left_behind(observation, restore))


def left_behind(observation: Observation, restore: Restore) -> tuple[LeftBehind, ...]:
    """What the VM used before the restore and does not use any more, each with what it is."""
    seen, shown = observation.job, restore.preview
    if seen is None or shown is None or observation.vm_unread is not None:
        return ()  # what the VM uses is not known: nothing may be called left over
    used = observation.vm.volumes if observation.vm else ()
    keep = {*seen.claims, *(each.claim for each in used if each.claim)}
    back = (Fate.RETURNS, Fate.RETURNS_AS_IS)
    disks = {each.claim: each for each in shown.fates if each.fate not in back}
    before = {*disks, *shown.claims} - keep
    proven = {name for name, proof in proofs(observation, restore, seen) if proof is Proof.GIVEN}
    return tuple(
        _judged(claim, disks.get(claim.name), observation, proven)
        for claim in sorted(observation.claims, key=lambda each: each.name)
        if claim.name in before
    )


def made_by(observation: Observation, name: str) -> tuple[LeftBehind, ...]:
    """What a restore of this name made before it failed or was given up."""
    vm = observation.vm
    used = {each.claim for each in vm.volumes} if vm else set()
    made = [
        claim
        for claim in sorted(observation.claims, key=lambda each: each.name)
        if claim.restored_by == name or (claim.mark or "").startswith(f"{name}-")
    ]
    unread = observation.vm_unread
    if unread is not None:
        unsure, why = LeftBehindKind.UNSURE, unread[:MAX_WHY]
        return tuple(LeftBehind(claim=claim.name, kind=unsure, by=why) for claim in made)
    return tuple(_of_a_failure(claim, vm.name if vm else "", used) for claim in made)


def _of_a_failure(claim: Claim, vm: str, used: set[str | None]) -> LeftBehind:
    if claim.deleting:
        return LeftBehind(claim=claim.name, kind=LeftBehindKind.GOING)
    if claim.name in used:
        return LeftBehind(claim=claim.name, kind=LeftBehindKind.USED, by=_quoted("VM", vm))
    return LeftBehind(claim=claim.name, kind=LeftBehindKind.MADE)


def _judged(
    claim: Claim, disk: Disk | None, observation: Observation, proven: set[str]
) -> LeftBehind:
    """The first thing that speaks against deleting it, or that nothing does."""
    deleted = observation.job.deleted if observation.job else ()
    uses = (each for each in observation.uses or () if each.claim == claim.name)
    users = [_quoted(each.kind, each.name) for each in uses]
    owners = [_quoted(kind, name) for kind, name in claim.owners]
    by = ""
    if claim.deleting or any(("DataVolume", name) in claim.owners for name in deleted):
        kind = LeftBehindKind.GOING
    elif users:
        kind, by = LeftBehindKind.USED, _some(users)
    elif disk is not None and disk.fate is Fate.DUMP:
        kind = LeftBehindKind.DUMP
    elif disk is None or not _was_copied(claim, disk, observation):
        kind = LeftBehindKind.ONLY_COPY
    elif missing := _missing_in_twins(disk, observation, proven):
        kind = missing
    elif owners:
        kind, by = LeftBehindKind.OWNED, _some(owners)
    elif observation.uses is None:
        kind, by = LeftBehindKind.UNSURE, (observation.uses_unread or "")[:MAX_WHY]
    else:
        kind = LeftBehindKind.FREE
    return LeftBehind(claim=claim.name, kind=kind, by=by)


def _was_copied(claim: Claim, disk: Disk, observation: Observation) -> bool:
    """The disk rolls back, and this is the claim that was copied, or what a restore made of it."""
    target = observation.job.target if observation.job else None
    restored = claim.vm == target and claim.restored_by is not None
    return disk.fate is Fate.ROLLS_BACK and (disk.copied or restored)


def _missing_in_twins(
    disk: Disk, observation: Observation, proven: set[str]
) -> LeftBehindKind | None:
    """A claim that waits for its first consumer is Pending; a bound one is filled from its source."""
    volumes = observation.job.volumes if observation.job else ()
    twins = {claim for volume, claim, _ in volumes if volume == disk.name}
    if not twins or not twins <= proven:
        return LeftBehindKind.UNPROVEN
    bound = {
        each.name for each in observation.claims if each.phase == "Bound" and not each.deleting
    }
    return None if twins <= bound else LeftBehindKind.UNFILLED


def _quoted(kind: str, name: str) -> str:
    return f"{kind} `{name}`"


def _some(given: list[str]) -> str:
    return named(list(dict.fromkeys(given)), MAX_USERS)
