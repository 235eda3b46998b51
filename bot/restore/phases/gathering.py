"""The phase GATHERING: the VM, its namespace and the snapshot are asked for, one after the other."""

from datetime import datetime

from bot.restore import edits
from bot.restore.check_failure import CheckFailure
from bot.restore.checks import kubevirt_is_served, reads_are_allowed
from bot.restore.model import Phase, Proposal, Restore
from bot.restore.observation import Observation
from bot.restore.reasons import Reason
from bot.restore.suggestions import MAX_SUGGESTIONS, nearest, or_a_command
from bot.restore.thread import CardKind
from bot.texts import refusals as texts


def on_observation(restore: Restore, observation: Observation, now: datetime) -> Restore:
    """Ask for the first thing that is missing, with what the cluster offers."""
    if restore.question is not None:
        return restore
    if blind := kubevirt_is_served(observation, restore) or reads_are_allowed(observation, restore):
        return edits.refuse(restore, blind, now)
    request, found = restore.request, observation.candidates
    if request.vm is None:
        return _ask(restore, CardKind.ASK_VM, Proposal(), now)
    if request.namespace is None:
        return _gather_namespace(restore, request.vm, observation, now)
    if request.snapshot is None:
        if not found.snapshots:
            return _nothing_to_choose(restore, request.vm, observation, now)
        usable_first = sorted(found.snapshots, key=lambda each: not each.usable)
        names = tuple(each.name for each in usable_first)
        fitting = tuple(name for name in names if (request.described or "").lower() in name)
        return _ask(
            restore, CardKind.ASK_SNAPSHOT, Proposal(near=(fitting or names)[:MAX_SUGGESTIONS]), now
        )
    return edits.enter(restore, Phase.CHECKING, now)


def _gather_namespace(
    restore: Restore, vm: str, observation: Observation, now: datetime
) -> Restore:
    found = observation.candidates
    if not found.namespaces:
        return _ask_again_which(restore, vm, observation, texts.NO_SUCH_VM_ANYWHERE, now)
    return _ask(restore, CardKind.ASK_NAMESPACE, _where(found.namespaces), now)


def _ask_again_which(
    restore: Restore, vm: str, observation: Observation, no_such: str, now: datetime
) -> Restore:
    """There is no such VM: the nearest names may help."""
    request = restore.request
    near = nearest(vm, observation.candidates.vms)
    command = or_a_command(vm, request.snapshot, observation.candidates.vms)
    problem = no_such.format(vm=vm, namespace=request.namespace, command=command)
    again = _of_no_vm_yet(restore, vm=None)
    return _ask(again, CardKind.ASK_VM, Proposal(near=near, problem=problem), now)


def _of_no_vm_yet(restore: Restore, **unknown: None) -> Restore:
    """Another VM may be named now: what an earlier restore left of the first is not of that one."""
    request = restore.request.model_copy(update=unknown)
    return restore.model_copy(
        update={"request": request, "stop": None, "blocker": None, "vm_state_unknown": False}
    )


def _nothing_to_choose(
    restore: Restore, vm: str, observation: Observation, now: datetime
) -> Restore:
    """A VM that does not exist has no snapshots either; that is another thing to say.

    If there is one of that name elsewhere, the namespace is asked for again.
    """
    request, elsewhere = restore.request, observation.candidates.namespaces
    if request.namespace in elsewhere:
        return _no_snapshots(restore, now)
    if not elsewhere:
        return _ask_again_which(restore, vm, observation, texts.NO_SUCH_VM, now)
    again = _of_no_vm_yet(restore, namespace=None)
    problem = texts.NO_SUCH_VM.format(vm=vm, namespace=request.namespace, command="")
    return _ask(again, CardKind.ASK_NAMESPACE, _where(elsewhere, problem), now)


def _where(namespaces: tuple[str, ...], problem: str | None = None) -> Proposal:
    """The one that it can be, or some of them and how many more there are."""
    if len(namespaces) == 1:
        return Proposal(value=namespaces[0], problem=problem)
    near, rest = namespaces[:MAX_SUGGESTIONS], namespaces[MAX_SUGGESTIONS:]
    return Proposal(near=near, more=len(rest), problem=problem)


def _ask(restore: Restore, kind: CardKind, proposal: Proposal, now: datetime) -> Restore:
    asked = edits.ask(restore, kind, now)
    return asked if asked.phase.ended else asked.model_copy(update={"proposal": proposal})


def _no_snapshots(restore: Restore, now: datetime) -> Restore:
    request = restore.request
    none = CheckFailure.telling(
        Reason.SNAPSHOT_NOT_FOUND, texts.NO_SNAPSHOTS, vm=request.vm, namespace=request.namespace
    )
    return edits.refuse(restore, none, now)
