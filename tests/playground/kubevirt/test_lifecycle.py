"""Start, stop and restart, row by row of the tables."""

import pytest

from tests.playground.kubevirt.kit import (
    NS,
    SUBRESOURCES,
    VM,
    KubeClient,
    Lab,
    settle,
    the_vm,
    with_stopped_vm,
)

CONFLICT = f'Operation cannot be fulfilled on virtualmachine.kubevirt.io "{VM}": '
SHORTER = "Halted only supports manual stop requests with a shorter graceperiod"
NOT_RUNNING = "VM is not running"


async def seeded(sim: Lab, strategy: str, state: str) -> None:
    """A VM with no instance, a live one or a final one. Controllers rest, so that it stays so."""
    await sim.pause_controllers()
    uses_running = strategy in ("true", "false")
    live = state != "none"
    sim.seed.vm(NS, VM, running=live, run_strategy=strategy, uses_running=uses_running)
    if uses_running:
        vm = the_vm(sim)
        vm["spec"]["running"] = strategy == "true"
        sim.storage.put("virtualmachines", vm)
    if state in ("Succeeded", "Failed"):
        vmi = sim.storage.get("virtualmachineinstances", NS, VM)
        vmi["status"]["phase"] = state
        sim.storage.put("virtualmachineinstances", vmi)


@pytest.mark.parametrize(
    ("strategy", "state", "code", "text"),
    [
        ("Halted", "none", 409, NOT_RUNNING),
        ("false", "none", 409, NOT_RUNNING),
        ("Halted", "Succeeded", 409, NOT_RUNNING),
        ("Halted", "live", 409, SHORTER),
        ("Manual", "none", 409, NOT_RUNNING),
        ("Manual", "Succeeded", 409, NOT_RUNNING),
        ("RerunOnFailure", "none", 409, NOT_RUNNING),
        ("WaitAsReceiver", "none", 202, ""),
        ("WaitAsReceiver", "live", 202, ""),
        ("Always", "none", 202, ""),
        ("Always", "live", 202, ""),
        ("Once", "none", 202, ""),
        ("Once", "Succeeded", 202, ""),
        ("true", "live", 202, ""),
        ("Manual", "live", 202, ""),
        ("RerunOnFailure", "live", 202, ""),
    ],
)
async def test_stop(
    sim: Lab, admin: KubeClient, strategy: str, state: str, code: int, text: str
) -> None:
    await seeded(sim, strategy, state)
    answer = await admin.put(f"{SUBRESOURCES}/{VM}/stop")
    assert answer.code == code
    if text:
        assert answer.message == CONFLICT + text
        assert answer.body["reason"] == "Conflict"
        return
    assert answer.body == ""
    vm = the_vm(sim)
    match strategy:
        case "Always" | "Once":
            assert vm["spec"]["runStrategy"] == "Halted"
        case "true":
            assert vm["spec"]["running"] is False
        case "Manual" | "RerunOnFailure":
            uid = sim.storage.get("virtualmachineinstances", NS, VM)["metadata"]["uid"]
            assert vm["status"]["stateChangeRequests"] == [{"action": "Stop", "uid": uid}]
            assert vm["spec"]["runStrategy"] == strategy
        case _:
            assert vm["spec"]["runStrategy"] == strategy


async def test_a_shorter_grace_period_stops_a_halted_vm_that_still_runs(
    sim: Lab, admin: KubeClient
) -> None:
    await seeded(sim, "Halted", "live")
    vmi = sim.storage.get("virtualmachineinstances", NS, VM)
    vmi["spec"]["terminationGracePeriodSeconds"] = 60
    sim.storage.put("virtualmachineinstances", vmi)
    longer = await admin.put(f"{SUBRESOURCES}/{VM}/stop", {"gracePeriod": 60})
    assert longer.message == CONFLICT + SHORTER
    shorter = await admin.put(f"{SUBRESOURCES}/{VM}/stop", {"gracePeriod": 10})
    assert shorter.code == 202
    vmi = sim.storage.get("virtualmachineinstances", NS, VM)
    assert vmi["spec"]["terminationGracePeriodSeconds"] == 10


@pytest.mark.parametrize(
    ("strategy", "state", "code", "text"),
    [
        ("Halted", "live", 409, "VM is already running"),
        ("Always", "live", 409, "VM is already running"),
        ("Always", "none", 409, "Always does not support manual start requests"),
        ("Once", "none", 409, "Once does not support manual start requests"),
        ("Once", "Succeeded", 409, "Once does not support manual start requests"),
        (
            "RerunOnFailure",
            "Failed",
            409,
            "RerunOnFailure does not support starting VM from failed state",
        ),
        ("Halted", "none", 202, ""),
        ("false", "none", 202, ""),
        ("Manual", "none", 202, ""),
        ("Manual", "Succeeded", 202, ""),
        ("RerunOnFailure", "none", 202, ""),
        ("RerunOnFailure", "Succeeded", 202, ""),
    ],
)
async def test_start(
    sim: Lab, admin: KubeClient, strategy: str, state: str, code: int, text: str
) -> None:
    await seeded(sim, strategy, state)
    answer = await admin.put(f"{SUBRESOURCES}/{VM}/start")
    assert answer.code == code
    if text:
        assert answer.message == CONFLICT + text
        return
    vm = the_vm(sim)
    match strategy:
        case "Halted":
            assert vm["spec"]["runStrategy"] == "Always"
        case "false":
            assert vm["spec"]["running"] is True
        case _:
            queued = [request["action"] for request in vm["status"]["stateChangeRequests"]]
            assert queued == (["Start"] if state == "none" else ["Stop", "Start"])


async def test_a_second_start_is_refused_while_the_first_is_queued(
    sim: Lab, admin: KubeClient
) -> None:
    await seeded(sim, "Manual", "none")
    assert (await admin.put(f"{SUBRESOURCES}/{VM}/start")).code == 202
    again = await admin.put(f"{SUBRESOURCES}/{VM}/start")
    assert again.code == 500
    assert again.message == (
        "Internal error occurred: unable to complete request: stop/start already underway"
    )


async def test_a_vm_in_recovery_cannot_be_started(sim: Lab, admin: KubeClient) -> None:
    await seeded(sim, "Halted", "none")
    vm = the_vm(sim)
    vm["status"]["conditions"] = [{"type": "ManualRecoveryRequired", "status": "True"}]
    sim.storage.put("virtualmachines", vm)
    answer = await admin.put(f"{SUBRESOURCES}/{VM}/start")
    assert answer.message.startswith(f"{CONFLICT}VM recovery required: Volume migration failed, ")


async def test_a_paused_start_queues_even_on_a_halted_vm(sim: Lab, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    await settle(sim)
    assert (await admin.put(f"{SUBRESOURCES}/{VM}/start", {"paused": True})).code == 202
    await sim.passes(8)
    assert the_vm(sim)["spec"]["runStrategy"] == "Always"


async def test_start_and_stop_of_a_restoring_or_snapshotted_vm_meet_the_webhook(
    sim: Lab, admin: KubeClient
) -> None:
    await seeded(sim, "Always", "live")
    vm = the_vm(sim)
    vm["status"]["snapshotInProgress"] = "s1"
    sim.storage.put("virtualmachines", vm)
    answer = await admin.put(f"{SUBRESOURCES}/{VM}/stop")
    assert answer.code == 500
    assert answer.message == (
        'Internal error occurred: admission webhook "virtualmachine-validator.kubevirt.io" denied '
        'the request: Cannot update vm running state until snapshot "s1" completes'
    )


@pytest.mark.parametrize(
    ("strategy", "state", "text"),
    [
        ("Halted", "none", "RunStategy Halted does not support manual restart requests"),
        ("Once", "live", "RunStategy Once does not support manual restart requests"),
        ("Always", "none", "VM is not running: Halted"),
    ],
)
async def test_restart_refusals(
    sim: Lab, admin: KubeClient, strategy: str, state: str, text: str
) -> None:
    await seeded(sim, strategy, state)
    answer = await admin.put(f"{SUBRESOURCES}/{VM}/restart")
    assert (answer.code, answer.message) == (409, CONFLICT + text)


async def test_restart_replaces_the_instance(sim: Lab, admin: KubeClient) -> None:
    sim.seed.vm(NS, VM)
    await settle(sim)
    old = sim.storage.get("virtualmachineinstances", NS, VM)["metadata"]["uid"]
    assert (await admin.put(f"{SUBRESOURCES}/{VM}/restart")).code == 202
    await sim.passes(15)
    new = sim.storage.get("virtualmachineinstances", NS, VM)
    assert new["metadata"]["uid"] != old
    assert new["status"]["phase"] == "Running"


async def test_an_unknown_vm_is_404_in_virt_apis_own_form(sim: Lab, admin: KubeClient) -> None:
    answer = await admin.put(f"{SUBRESOURCES}/ghost/stop")
    assert (answer.code, answer.message) == (
        404,
        'virtualmachine.kubevirt.io "ghost" not found',
    )
    assert sim.unknown == []


async def test_a_body_that_is_no_json_is_400(sim: Lab, admin: KubeClient) -> None:
    await seeded(sim, "Always", "live")
    answer = await admin.call("PUT", f"{SUBRESOURCES}/{VM}/stop", "not an object")
    assert answer.code == 400
    assert answer.message.startswith("Can not unmarshal Request body to struct, error: ")


async def test_a_dry_run_stop_changes_nothing(sim: Lab, admin: KubeClient) -> None:
    await seeded(sim, "Always", "live")
    assert (await admin.put(f"{SUBRESOURCES}/{VM}/stop", {"dryRun": ["All"]})).code == 202
    assert the_vm(sim)["spec"]["runStrategy"] == "Always"
    assert sim.log[-1].dry_run


async def test_an_unknown_subresource_is_refused_loudly(sim: Lab, admin: KubeClient) -> None:
    await seeded(sim, "Always", "live")
    answer = await admin.put(f"{SUBRESOURCES}/{VM}/migrate")
    assert (answer.code, answer.body["reason"]) == (501, "NotImplemented")
    wrong = await admin.put(f"{SUBRESOURCES}/{VM}/nonsense")
    assert (wrong.code, wrong.body) == (404, "404: Page Not Found")
    assert sim.unknown == [f"PUT {SUBRESOURCES}/{VM}/nonsense"]


async def test_another_method_than_put_is_405_in_plain_text(sim: Lab, admin: KubeClient) -> None:
    await seeded(sim, "Always", "live")
    answer = await admin.get(f"{SUBRESOURCES}/{VM}/stop")
    assert (answer.code, answer.body) == (405, "405: Method Not Allowed")


@pytest.mark.parametrize(
    "accept", ["application/json", "application/yaml", "text/plain", "application/json;as=Table"]
)
@pytest.mark.parametrize("name", [VM, "ghost"])
async def test_an_accept_header_without_any_type_is_406_in_plain_text(
    accept: str, name: str, sim: Lab, admin: KubeClient
) -> None:
    await seeded(sim, "Always", "live")
    answer = await admin.call("PUT", f"{SUBRESOURCES}/{name}/stop", {}, {"Accept": accept})
    text = "406: Not Acceptable\n\nAvailable representations: "
    assert (answer.code, answer.body) == (406, text)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert the_vm(sim)["spec"]["runStrategy"] == "Always"


@pytest.mark.parametrize("accept", ["*/*", "application/json, */*", "a/b;q=0.9,*/*;q=0.1", ""])
async def test_success_has_no_body_and_no_content_type(
    accept: str, sim: Lab, admin: KubeClient
) -> None:
    await seeded(sim, "Always", "live")
    answer = await admin.call("PUT", f"{SUBRESOURCES}/{VM}/stop", {}, {"Accept": accept})
    assert (answer.code, answer.body) == (202, "")
    assert "Content-Type" not in answer.headers


async def test_virt_api_down_is_503(sim: Lab, admin: KubeClient) -> None:
    await seeded(sim, "Always", "live")
    sim.knobs.virt_api_down = True
    assert (await admin.put(f"{SUBRESOURCES}/{VM}/stop")).code == 503


async def test_the_version_needs_no_rights(bot: KubeClient) -> None:
    answer = await bot.get("/apis/subresources.kubevirt.io/v1/version")
    assert answer.body["gitVersion"] == "v1.9.0"
