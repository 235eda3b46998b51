"""The aggregated API of virt-api: start, stop and restart of a VM, by KubeVirt's own tables of strategy and state.

Success is an empty 202. Every change goes through admission; its refusal comes back as a 500.
"""

from typing import Any

from bot.playground.kubevirt.admission import run_strategy
from bot.playground.kubevirt.api import Api, controller
from bot.playground.kubevirt.metadata import condition, dig
from bot.playground.kubevirt.problems import ApiError, bad_request, internal
from bot.playground.kubevirt.resources import VMIS, VMS
from bot.playground.kubevirt.storage import Key

Json = dict[str, Any]
ACTIONS = ("start", "stop", "restart")
_FINAL = ("Succeeded", "Failed")
_RUNNING = ("Pending", "Scheduling", "Scheduled", "Running", "WaitingForSync")
_UNDERWAY = "unable to complete request: stop/start already underway"


def perform(api: Api, key: Key, action: str, body: Json) -> None:
    """Do one action on one VM, or refuse it as virt-api does."""
    vm = api.find(VMS, *key)
    if vm is None:
        details = {"name": key[1], "group": VMS.group, "kind": VMS.singular}
        text = f'virtualmachine.kubevirt.io "{key[1]}" not found'
        raise ApiError(404, "NotFound", text, details)
    vmi = api.find(VMIS, *key)
    dry_run = bool(body.get("dryRun"))
    action_of = {"start": _start, "stop": _stop, "restart": _restart}[action]
    action_of(_Lifecycle(api, key, dry_run=dry_run), vm, vmi, body)


class _Lifecycle:
    """The inner writes of virt-api on one VM."""

    def __init__(self, api: Api, key: Key, *, dry_run: bool) -> None:
        self._api = api
        self._key = key
        self._dry_run = dry_run

    def refuse(self, why: str) -> ApiError:
        """409 in virt-api's form."""
        name = self._key[1]
        text = f'Operation cannot be fulfilled on virtualmachine.kubevirt.io "{name}": {why}'
        details = {"name": name, "group": VMS.group, "kind": VMS.singular}
        return ApiError(409, "Conflict", text, details)

    def switch(self, vm: Json, *, on: bool) -> None:
        """Change the strategy, or `running` where the VM uses it."""
        if "runStrategy" in vm["spec"]:
            self._patch({"spec": {"runStrategy": "Always" if on else "Halted"}}, "")
        else:
            self._patch({"spec": {"running": on}}, "")

    def queue(self, *requests: Json) -> None:
        """Replace the queue of state changes."""
        self._patch({"status": {"stateChangeRequests": list(requests)}}, "status")

    def shorten_grace(self, seconds: int) -> None:
        """Give the instance less time to end."""
        if not self._dry_run:
            change = {"spec": {"terminationGracePeriodSeconds": seconds}}
            self._api.merge_patch(VMIS, self._key, change, controller("virt-api"))

    def _patch(self, change: Json, subresource: str) -> None:
        how = controller("virt-api", subresource)
        try:
            if not self._dry_run:
                self._api.merge_patch(VMS, self._key, change, how)
        except ApiError as refused:
            raise internal(refused.message) from refused


def _stop_request(vmi: Json) -> Json:
    return {"action": "Stop", "uid": vmi["metadata"]["uid"]}


def _is_live(vmi: Json | None) -> bool:
    return vmi is not None and dig(vmi, "status", "phase") not in _FINAL


def _stop(vm_life: _Lifecycle, vm: Json, vmi: Json | None, body: Json) -> None:
    strategy = run_strategy(vm)
    grace = body.get("gracePeriod")
    if grace is not None and (not isinstance(grace, int) or grace < 0):
        raise bad_request(
            f"Can not unmarshal Request body to struct, error: invalid gracePeriod {grace!r}"
        )
    if not _is_live(vmi):
        if strategy in ("Halted", "Manual", "RerunOnFailure"):
            raise vm_life.refuse("VM is not running")
    elif vmi is not None:
        if strategy == "Halted" and not _is_shorter(grace, vmi):
            why = "Halted only supports manual stop requests with a shorter graceperiod"
            raise vm_life.refuse(why)
        if grace is not None:
            vm_life.shorten_grace(grace)
        if strategy in ("Manual", "RerunOnFailure"):
            vm_life.queue(_stop_request(vmi))
    if strategy in ("Always", "Once"):
        vm_life.switch(vm, on=False)


def _is_shorter(grace: int | None, vmi: Json) -> bool:
    held = vmi["spec"].get("terminationGracePeriodSeconds")
    return grace is not None and (held is None or grace < held)


def _start(vm_life: _Lifecycle, vm: Json, vmi: Json | None, body: Json) -> None:
    strategy = run_strategy(vm)
    if dig(vmi, "status", "phase") in _RUNNING:
        raise vm_life.refuse("VM is already running")
    recovery = condition(vm, "ManualRecoveryRequired")
    if recovery is not None and recovery["status"] == "True":
        raise vm_life.refuse("VM recovery required: Volume migration failed, leaving some volumes pointing to non-consistent targets; manual intervention is needed to reassign them to their original volumes")  # fmt: skip
    start: Json = {"action": "Start"}
    if body.get("paused"):
        start["data"] = {"paused": "true"}
    match strategy:
        case "Halted" if body.get("paused"):
            _enqueue(vm_life, vm, [start])
        case "Halted":
            vm_life.switch(vm, on=True)
        case "RerunOnFailure" if dig(vmi, "status", "phase") == "Failed":
            why = "RerunOnFailure does not support starting VM from failed state"
            raise vm_life.refuse(why)
        case "Manual" | "RerunOnFailure":
            stop = [_stop_request(vmi)] if vmi is not None else []
            _enqueue(vm_life, vm, [*stop, start])
        case _:
            raise vm_life.refuse(f"{strategy} does not support manual start requests")


def _enqueue(vm_life: _Lifecycle, vm: Json, requests: list[Json]) -> None:
    if dig(vm, "status", "stateChangeRequests"):
        raise internal(_UNDERWAY)
    vm_life.queue(*requests)


def _restart(vm_life: _Lifecycle, vm: Json, vmi: Json | None, body: Json) -> None:
    strategy = run_strategy(vm)
    if body.get("gracePeriodSeconds") not in (None, 0):
        raise bad_request("For force restart, only gracePeriod=0 is supported for now")
    if strategy in ("Halted", "Once"):
        raise vm_life.refuse(f"RunStategy {strategy} does not support manual restart requests")
    if not _is_live(vmi) or vmi is None:
        raise vm_life.refuse("VM is not running: Halted")
    if dig(vm, "status", "stateChangeRequests"):
        raise internal(_UNDERWAY)
    if body.get("gracePeriodSeconds") == 0:
        vm_life.shorten_grace(0)
    vm_life.queue(_stop_request(vmi), {"action": "Start"})
