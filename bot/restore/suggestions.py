"""The nearest names to one that does not exist, for "did you mean"."""

from collections.abc import Collection, Iterable

from rapidfuzz import fuzz, process

from bot.request import nearest_command
from bot.texts import refusals
from bot.texts.names import worded

MAX_SUGGESTIONS = 5


def nearest(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """At most five of `names` that look like `name`, the best first."""
    found = process.extract(
        name, sorted(set(names)), scorer=fuzz.WRatio, score_cutoff=75, limit=MAX_SUGGESTIONS
    )
    return tuple(match for match, _, _ in found)


def or_a_command(vm: str, snapshot: str | None, vms: Collection[str]) -> str:
    """What to add where there is no such VM: a sentence if it was rather a command, or nothing.

    In `/vm-restore hstory database-01` it reads like a VM, and the VM like its snapshot.
    """
    if command := nearest_command(vm, likeness=0.6):
        return worded(refusals.MEANT_COMMAND, command=command)
    if snapshot is not None and snapshot in vms:
        return worded(refusals.MEANT_ANOTHER_VM, vm=snapshot)
    return ""
