"""Who may do what: tokens, rules, refusals in Kubernetes' words, impersonation, access reviews."""

from pathlib import Path

import pytest

from bot.playground.kubevirt.authorization import Rule
from bot.playground.kubevirt.server import KubeSim
from tests.playground.kubevirt.kit import (
    NS,
    PVCS_PATH,
    RESTORES_PATH,
    SNAPSHOTS_PATH,
    SUBRESOURCES,
    VM,
    VMIS_PATH,
    VMS_PATH,
    KubeClient,
    connected,
    raw,
    restore_of,
    with_running_vm,
    with_stopped_vm,
)

SELF = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
OTHERS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


async def test_no_token_and_a_wrong_token_are_401(sim: KubeSim) -> None:
    for header in ("", "Bearer nonsense", "Basic YTpi"):
        code, body = await raw(sim, "GET", VMS_PATH, Authorization=header)
        assert (code, '"reason":"Unauthorized"' in body) == (401, True)


ALLOWED = [
    ("GET", VMS_PATH),
    ("GET", VMIS_PATH),
    ("GET", RESTORES_PATH),
    ("GET", SNAPSHOTS_PATH),
    ("GET", PVCS_PATH),
    ("GET", f"/api/v1/namespaces/{NS}/events"),
    ("GET", f"/api/v1/namespaces/{NS}/resourcequotas"),
    ("GET", f"/api/v1/namespaces/{NS}/limitranges"),
    ("GET", "/api/v1/namespaces/kube-system"),
    ("GET", f"/apis/cdi.kubevirt.io/v1beta1/namespaces/{NS}/datavolumes"),
    ("GET", f"/apis/snapshot.storage.k8s.io/v1/namespaces/{NS}/volumesnapshots"),
    ("GET", "/apis/storage.k8s.io/v1/storageclasses"),
    ("GET", "/apis/kubevirt.io/v1/kubevirts"),
    ("GET", f"/api/v1/namespaces/{NS}/pods"),
    ("PUT", f"{SUBRESOURCES}/{VM}/stop"),
    ("PUT", f"{SUBRESOURCES}/{VM}/start"),
    ("DELETE", f"{VMIS_PATH}/{VM}"),
    ("DELETE", f"{RESTORES_PATH}/none"),
]
FORBIDDEN = [
    ("DELETE", f"{VMS_PATH}/{VM}"),
    ("PATCH", f"{VMS_PATH}/{VM}"),
    ("DELETE", f"{SNAPSHOTS_PATH}/pre-upgrade"),
    ("DELETE", f"{PVCS_PATH}/{VM}-root"),
    ("PUT", f"{SUBRESOURCES}/{VM}/restart"),
    ("POST", OTHERS),
]


@pytest.mark.parametrize(("method", "path"), ALLOWED)
async def test_the_bot_may(sim: KubeSim, bot: KubeClient, method: str, path: str) -> None:
    with_running_vm(sim)
    assert (await bot.call(method, path)).code != 403


@pytest.mark.parametrize(("method", "path"), FORBIDDEN)
async def test_the_bot_may_not(sim: KubeSim, bot: KubeClient, method: str, path: str) -> None:
    with_running_vm(sim)
    assert (await bot.call(method, path, {})).code == 403
    assert (await bot.get(f"{VMS_PATH}/{VM}")).code == 200


async def test_refusals_name_user_verb_resource_and_scope(sim: KubeSim, bot: KubeClient) -> None:
    sim.deny("create", "virtualmachinerestores")
    sim.deny("update", "virtualmachines/stop", NS)
    sim.deny("list", "namespaces")
    user = 'User "vm-restore-bot" cannot'
    create = await bot.post(RESTORES_PATH, restore_of(), dryRun="All")
    assert create.message == (
        f"virtualmachinerestores.snapshot.kubevirt.io is forbidden: {user} create resource "
        f'"virtualmachinerestores" in API group "snapshot.kubevirt.io" in the namespace "{NS}"'
    )
    stop = await bot.put(f"{SUBRESOURCES}/{VM}/stop")
    assert stop.message == (
        f'virtualmachines.subresources.kubevirt.io "{VM}" is forbidden: {user} update resource '
        f'"virtualmachines/stop" in API group "subresources.kubevirt.io" in the namespace "{NS}"'
    )
    listed = await bot.get("/api/v1/namespaces")
    assert listed.message == (
        f'namespaces is forbidden: {user} list resource "namespaces" in API group "" at the '
        "cluster scope"
    )
    sim.undeny()
    assert (await bot.get("/apis/storage.k8s.io/v1/storageclasses")).code == 200


async def test_a_confined_bot_sees_its_namespaces_only(sim: KubeSim, bot: KubeClient) -> None:
    with_stopped_vm(sim)
    sim.confine(NS)
    assert (await bot.get(VMS_PATH)).code == 200
    assert (await bot.get(VMS_PATH.replace(NS, "default"))).code == 403
    assert (await bot.get("/apis/kubevirt.io/v1/virtualmachines")).code == 403
    assert (await bot.get("/apis/storage.k8s.io/v1/storageclasses")).code == 200
    assert (await bot.get("/api/v1/namespaces/kube-system")).code == 200


async def test_impersonation_needs_the_right_and_counts_for_the_person(
    sim: KubeSim, admin: KubeClient, bot: KubeClient
) -> None:
    with_stopped_vm(sim)
    alice = {"Impersonate-User": "alice"}
    sim.user("alice", [Rule(("get",), ("kubevirt.io",), ("virtualmachines",))])
    refused = await bot.call("GET", f"{VMS_PATH}/{VM}", None, alice)
    assert refused.code == 403
    assert 'cannot impersonate resource "users" in API group ""' in refused.message
    assert (await admin.call("GET", f"{VMS_PATH}/{VM}", None, alice)).code == 200
    assert (sim.log[-1].user, sim.log[-1].by) == ("alice", "admin")
    assert (await admin.call("GET", VMS_PATH, None, alice)).code == 403


async def test_rights_come_by_group_as_well(sim: KubeSim, admin: KubeClient) -> None:
    with_stopped_vm(sim)
    sim.user("group:dba", [Rule(("list",), ("kubevirt.io",), ("virtualmachines",), (NS,))])
    person = {"Impersonate-User": "carol", "Impersonate-Group": "dba"}
    assert (await admin.call("GET", VMS_PATH, None, person)).code == 200
    assert (await admin.call("GET", f"{VMS_PATH}/{VM}", None, person)).code == 403
    orphan = {"Impersonate-Group": "dba"}
    assert (await admin.call("GET", VMS_PATH, None, orphan)).code == 500


async def test_a_self_review_tells_what_the_bot_may(sim: KubeSim, bot: KubeClient) -> None:
    async def may(verb: str, resource: str, group: str, sub: str = "") -> bool:
        asked = {
            "verb": verb, "group": group, "resource": resource, "subresource": sub, "namespace": NS,
        }  # fmt: skip
        answer = await bot.post(SELF, {"spec": {"resourceAttributes": asked}})
        assert answer.code == 201
        allowed: bool = answer.body["status"]["allowed"]
        return allowed

    assert await may("update", "virtualmachines", "subresources.kubevirt.io", "stop")
    assert not await may("update", "virtualmachines", "kubevirt.io")
    sim.deny("update", "virtualmachines/stop")
    assert not await may("update", "virtualmachines", "subresources.kubevirt.io", "stop")


async def test_reviews_about_others_need_the_right_to_ask(
    sim: KubeSim, bot: KubeClient, tmp_path: Path
) -> None:
    asked = {"verb": "get", "group": "kubevirt.io", "resource": "virtualmachines", "namespace": NS}
    body = {"spec": {"user": "alice", "groups": ["dba"], "resourceAttributes": asked}}
    assert (await bot.post(OTHERS, body)).code == 403
    delegate = Rule(("create",), ("authorization.k8s.io",), ("subjectaccessreviews",))
    sim.allow("vm-restore-bot", delegate)
    assert (await bot.post(OTHERS, body)).body["status"]["allowed"] is False
    sim.user("group:dba", [Rule(("get",), ("kubevirt.io",), ("virtualmachines",))])
    assert (await bot.post(OTHERS, body)).body["status"]["allowed"] is True
    async with connected(sim, tmp_path / "alice", "admin") as client:
        who = await client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
        assert who.body["status"]["userInfo"]["username"] == "admin"


async def test_rules_can_be_listed(bot: KubeClient) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    answer = await bot.post(path, {"spec": {"namespace": NS}})
    rules = answer.body["status"]["resourceRules"]
    assert any("virtualmachines/stop" in rule["resources"] for rule in rules)
