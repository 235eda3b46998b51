"""How a VM and a snapshot stood when they were shown: what the look before the act is compared with.

The VM's generation alone is not enough. Our own stop raises it, and a VM with run strategy Manual is
started and stopped without any change of it. So the rest of the specification has a digest of its
own, and KubeVirt writes into the VM's Ready condition since when there is no instance of it. A claim
that is deleted and made again keeps its name, which is all that the specification knows of it.
"""

from pydantic import AwareDatetime

from bot.restore.observation import Claim, Content, Snapshot, Vm, Vmi
from bot.restore.thread import Stored

MAX_FIELDS = 40
MAX_WORDS = 120
MAX_CLAIMS = 300
"""More than a VM can have."""


class VmState(Stored):
    """One look at one VM."""

    generation: int
    specification: str
    """Digest of the spec without the run strategy, which a stop changes."""
    config: tuple[tuple[str, str], ...] = ()
    """The fields that people know, to say what was edited."""
    last_restore: str | None = None
    down_since: AwareDatetime | None = None
    run_strategy: str | None = None
    """None in documents of a release that did not compare it."""
    written_by: str | None = None
    """The GitOps tool that owns the VM."""
    claims: tuple[tuple[str, str], ...] | None = None
    """Name and UID of the claim of each disk, "" where there is none of that name.

    None where they were not read, and in documents of a release that did not read them.
    """
    sizes: tuple[tuple[str, int], ...] | None = None
    """Name and bytes of the claims; None as above."""
    vmi: str | None = None
    """UID of its VMI, which is another one each time the VM is started."""


class SnapshotState(Stored):
    """One look at one snapshot and its content."""

    created: AwareDatetime | None = None
    volumes: tuple[str, ...] = ()
    """The volumes that it includes, sorted."""
    indications: tuple[str, ...] = ()
    """What it says of its consistency, sorted: KubeVirt writes them in any order."""
    content: str
    """UID of the content."""
    specification: str
    """Digest of the content's spec: the copy of the VM, and the VolumeSnapshot of each disk."""


def state_of(vm: Vm, *, claims: tuple[Claim, ...] | None = None, vmi: Vmi | None = None) -> VmState:
    """What is kept of a look at a VM, and at its claims and its VMI if they were read."""
    return VmState(
        generation=vm.generation,
        specification=vm.specification,
        config=tuple((name, words[:MAX_WORDS]) for name, words in vm.config[:MAX_FIELDS]),
        last_restore=vm.last_restore,
        down_since=vm.down_since,
        run_strategy=vm.run_strategy,
        written_by=vm.gitops,
        claims=None if claims is None else _uids(vm, claims),
        sizes=None if claims is None else _sizes(vm, claims),
        vmi=vmi.uid if vmi is not None else None,
    )


def _uids(vm: Vm, claims: tuple[Claim, ...]) -> tuple[tuple[str, str], ...]:
    found = {claim.name: claim.uid for claim in claims}
    named = sorted({each.claim for each in vm.volumes if each.claim})
    return tuple((name, found.get(name, "")) for name in named[:MAX_CLAIMS])


def _sizes(vm: Vm, claims: tuple[Claim, ...]) -> tuple[tuple[str, int], ...]:
    named = {each.claim for each in vm.volumes}
    found = sorted((each.name, each.size) for each in claims if each.name in named)
    return tuple(found)[:MAX_CLAIMS]


def snapshot_state(snapshot: Snapshot, content: Content) -> SnapshotState:
    """What is kept of a look at a snapshot."""
    return SnapshotState(
        created=snapshot.created,
        volumes=tuple(sorted(snapshot.included))[:MAX_CLAIMS],
        indications=tuple(sorted(snapshot.indications)),
        content=content.uid,
        specification=content.specification,
    )


def edited(before: VmState, now: VmState) -> list[tuple[str, str | None, str | None]]:
    """Field, before and now of all that differs and that people have a name for."""
    then, here = dict(before.config), dict(now.config)
    return [
        (name, then.get(name), here.get(name))
        for name in dict.fromkeys((*then, *here))
        if then.get(name) != here.get(name)
    ]
