"""The chart, rendered as helm would: valid for the API server, hardened, and with least rights."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import helm_python as helm
import pytest
import yaml
from kubernetes_validate.utils import validate

from bot import __version__
from bot.cluster.rights import RIGHTS as NEEDED_RIGHTS
from bot.restore.installation import NAME
from bot.settings import build

CHART = Path(__file__).parent.parent.parent / "helm" / "vm-restore-bot"
NEEDED: dict[str, Any] = {"image": {"repository": "registry.example.com/vm-restore-bot"}}
EXAMPLES: dict[str, dict[str, Any]] = {
    "the least": {},
    "two namespaces": {"namespaces": ["production", "staging"]},
    "a shared redis": {"redis": {"existingSecret": "redis"}, "replicas": 3},
    "slack over http": {"slack": {"mode": "http"}},
    "on OpenShift": {"podSecurityContext": None},
    "everything else": {
        "image": {"digest": f"sha256:{'0' * 64}"},
        "imagePullSecrets": [{"name": "registry"}],
        "persistence": {"storageClass": "fast", "size": "5Gi"},
        "serviceAccount": {"name": "restorer", "annotations": {"a": "b"}},
        "podAnnotations": {"a": "b"},
        "nodeSelector": {"a": "b"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "config": {"rules": {"answer_timeout": "20m"}, "store": {"lease_seconds": 30}},
    },
}

Document = dict[str, Any]


def rendered(values: Mapping[str, Any], *, release: str = "vm-restore-bot") -> list[Document]:
    """Every object of a release in namespace `ops`."""
    with helm.Chart.load(CHART) as chart:
        files = chart.render(_merged(NEEDED, values), name=release, namespace="ops")
    texts = [text for name, text in sorted(files.items()) if not name.endswith("NOTES.txt")]
    return [doc for text in texts for doc in yaml.safe_load_all(text) if doc]


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(dict(one))
    for key, value in other.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = _merged(result[key], value) if both else value
    return result


def only(documents: list[Document], kind: str) -> Document:
    """The one object of this kind."""
    [found] = [document for document in documents if document["kind"] == kind]
    return found


def pod(documents: list[Document]) -> Document:
    """The pod's spec."""
    spec: Document = only(documents, "Deployment")["spec"]["template"]["spec"]
    return spec


def container(documents: list[Document]) -> Document:
    """The one container."""
    [one] = pod(documents)["containers"]
    result: Document = one
    return result


def env(documents: list[Document]) -> dict[str, Any]:
    """The environment of the container."""
    return {e["name"]: e.get("value", e.get("valueFrom")) for e in container(documents)["env"]}


@pytest.fixture(params=list(EXAMPLES.values()), ids=list(EXAMPLES))
def documents(request: pytest.FixtureRequest) -> list[Document]:
    """The objects of each example."""
    return rendered(request.param)


# --- Sound ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_helm_finds_no_fault(values: dict[str, Any]) -> None:
    report = helm.lint(CHART, _merged(NEEDED, values), strict=True, kube_version="v1.34.0")
    assert [m for m in report["messages"] if m["severity"] >= 2] == []
    assert not report["errors"]


@pytest.mark.parametrize("version", ["1.28", "1.37"])
def test_the_api_server_would_take_every_object(documents: list[Document], version: str) -> None:
    for document in documents:
        validate(document, version, strict=True)


def test_every_namespaced_object_says_where_it_belongs(documents: list[Document]) -> None:
    for document in documents:
        namespaced = not document["kind"].startswith("Cluster")
        assert ("namespace" in document["metadata"]) is namespaced, document["kind"]
        assert document["metadata"]["labels"]["app.kubernetes.io/name"] == "vm-restore-bot"


def test_the_service_finds_the_pod(documents: list[Document]) -> None:
    selector = only(documents, "Service")["spec"]["selector"]
    deployment = only(documents, "Deployment")["spec"]
    assert selector == deployment["selector"]["matchLabels"]
    assert selector.items() <= deployment["template"]["metadata"]["labels"].items()
    assert only(documents, "Service")["spec"]["ports"][0]["targetPort"] == "http"
    assert [p["name"] for p in container(documents)["ports"]] == ["http"]


def test_two_releases_do_not_share_a_name() -> None:
    one, other = rendered({}), rendered({}, release="second")
    names = [{(d["kind"], d["metadata"]["name"]) for d in docs} for docs in (one, other)]
    assert names[0].isdisjoint(names[1])


# --- Hardened -------------------------------------------------------------------------------------


def test_the_pod_is_not_root_and_may_gain_nothing(documents: list[Document]) -> None:
    assert pod(documents)["securityContext"]["runAsNonRoot"] is True
    assert pod(documents)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(documents)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod(documents).keys()
    assert not any("hostPath" in volume for volume in pod(documents)["volumes"])


def test_the_pod_has_bounds_and_probes(documents: list[Document]) -> None:
    bot = container(documents)
    assert bot["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "memory" in bot["resources"]["limits"]
    assert bot["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert bot["startupProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert bot["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_secrets_come_by_reference_only(documents: list[Document]) -> None:
    assert [d for d in documents if d["kind"] == "Secret"] == []
    for name, value in env(documents).items():
        if name != "VM_RESTORE_CONFIG":
            assert value["secretKeyRef"]["key"] == name


def test_on_openshift_the_platform_chooses_the_user() -> None:
    assert pod(rendered({"podSecurityContext": None}))["securityContext"].keys() == {
        "runAsNonRoot",
        "seccompProfile",
    }


# --- Least rights ---------------------------------------------------------------------------------

RIGHTS = {
    (each.group, each.resource): {
        one.verb
        for one in NEEDED_RIGHTS
        if (one.group, one.resource) == (each.group, each.resource)
    }
    for each in NEEDED_RIGHTS
}
"""What bot/cluster calls in a namespace with VMs, verb by verb."""

SCHEMA_RIGHTS = {
    ("apiextensions.k8s.io", "customresourcedefinitions"): {"get"},
    ("", "namespaces"): {"get"},
    ("storage.k8s.io", "storageclasses"): {"get"},
}
FOR_A_DIAGNOSIS = {
    ("", "events"),
    ("", "limitranges"),
    ("cdi.kubevirt.io", "datavolumes"),
}


def rights(role: Document) -> dict[tuple[str, str], set[str]]:
    """A role's rules, one entry per resource."""
    found: dict[tuple[str, str], set[str]] = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault((group, resource), set()).update(rule["verbs"])
    return found


def roles(documents: list[Document]) -> Iterator[Document]:
    """Every Role and ClusterRole."""
    return (d for d in documents if d["kind"] in {"Role", "ClusterRole"})


def test_no_right_is_a_wildcard(documents: list[Document]) -> None:
    for role in roles(documents):
        assert "*" not in json.dumps(role["rules"])


def test_with_a_list_of_namespaces_the_bot_has_rights_there_and_nowhere_else() -> None:
    documents = rendered({"namespaces": ["production", "staging"]})
    granted = {d["metadata"]["namespace"]: rights(d) for d in documents if d["kind"] == "Role"}
    assert granted == {"production": RIGHTS, "staging": RIGHTS}
    assert rights(only(documents, "ClusterRole")) == SCHEMA_RIGHTS


def test_without_a_list_the_same_rights_hold_everywhere() -> None:
    documents = rendered({})
    assert [rights(role) for role in roles(documents)] == [SCHEMA_RIGHTS, RIGHTS]
    assert [d for d in documents if d["kind"] == "Role"] == []


def test_the_schema_of_one_resource_definition_may_be_read_and_of_no_other() -> None:
    named = [
        rule.get("resourceNames")
        for rule in only(rendered({"namespaces": ["a"]}), "ClusterRole")["rules"]
    ]
    assert named == [["virtualmachinerestores.snapshot.kubevirt.io"], ["kube-system"], None]


def test_a_release_is_an_installation_of_its_own() -> None:
    """Its name is one that settings and labels take; the values may say another."""
    assert config(rendered({}))["installation"] == "ops.vm-restore-bot"
    assert config(rendered({}, release="second"))["installation"] == "ops.second"
    assert config(rendered({"config": {"installation": "east"}}))["installation"] == "east"
    with helm.Chart.load(CHART) as chart:
        long = [
            chart.render(NEEDED, name="r" * 52 + last, namespace="n" * 63) for last in ("a", "b")
        ]
    said = [
        yaml.safe_load(yaml.safe_load(text)["data"]["config.yaml"])["installation"]
        for files in long
        for name, text in files.items()
        if name.endswith("configmap.yaml")
    ]
    assert len(set(said)) == 2
    assert all(NAME.fullmatch(each) for each in said)


def test_the_rights_of_the_diagnosis_can_be_left_out() -> None:
    documents = rendered({"rbac": {"diagnosis": False}})
    everything = {**RIGHTS, **SCHEMA_RIGHTS}
    granted = {name for role in roles(documents) for name in rights(role)}
    assert granted == set(everything) - FOR_A_DIAGNOSIS


def test_every_binding_gives_a_role_of_this_chart_to_the_bots_account(
    documents: list[Document],
) -> None:
    account = pod(documents)["serviceAccountName"]
    made = {(role["kind"], role["metadata"]["name"]) for role in roles(documents)}
    bindings = [d for d in documents if d["kind"].endswith("RoleBinding")]
    assert len(bindings) == len(list(roles(documents)))
    for binding in bindings:
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in made
        assert binding["subjects"] == [
            {"kind": "ServiceAccount", "name": account, "namespace": "ops"}
        ]


def test_rights_and_account_can_be_somebody_elses_business() -> None:
    documents = rendered({"rbac": {"create": False}, "serviceAccount": {"create": False}})
    kinds = {d["kind"] for d in documents}
    assert not kinds & {
        "Role",
        "ClusterRole",
        "RoleBinding",
        "ClusterRoleBinding",
        "ServiceAccount",
    }
    assert pod(documents)["serviceAccountName"] == "default"


# --- What the values mean -------------------------------------------------------------------------


def config(documents: list[Document]) -> dict[str, Any]:
    """The bot's file."""
    tree: dict[str, Any] = yaml.safe_load(only(documents, "ConfigMap")["data"]["config.yaml"])
    return tree


def test_the_bot_takes_the_config_it_is_given(documents: list[Document]) -> None:
    settings = build({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}, config(documents))
    assert settings.http.port == container(documents)["ports"][0]["containerPort"]
    mounts = {m["name"]: m["mountPath"] for m in container(documents)["volumeMounts"]}
    assert mounts["config"] == str(Path(env(documents)["VM_RESTORE_CONFIG"]).parent)
    assert mounts.get("data", str(settings.store.data_dir)) == str(settings.store.data_dir)


def test_the_bot_looks_where_it_has_rights() -> None:
    tree = config(rendered({"namespaces": ["production"]}))
    assert tree["clusters"] == {"default": {"namespaces": ["production"]}}
    own = {"config": {"clusters": {"west": {"context": "west"}}}}
    assert config(rendered(own))["clusters"] == {"west": {"context": "west"}}


def test_what_the_config_says_of_the_store_is_kept() -> None:
    tree = config(rendered({"config": {"store": {"lease_seconds": 30}}}))
    assert tree["store"] == {"lease_seconds": 30, "data_dir": "/var/lib/vm-restore-bot"}


def test_a_change_of_the_config_starts_new_pods() -> None:
    def mark(values: Mapping[str, Any]) -> str:
        template = only(rendered(values), "Deployment")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert mark({}) == mark({})
    assert mark({}) != mark({"config": {"rules": {"stop_when": "confirmed"}}})


def test_each_way_to_slack_asks_for_its_own_secret() -> None:
    assert env(rendered({})).keys() == {"VM_RESTORE_CONFIG", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"}
    over_http = env(rendered({"slack": {"mode": "http"}})).keys()
    assert over_http == {"VM_RESTORE_CONFIG", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"}


def test_a_store_of_its_own_has_a_disk_that_outlives_the_release() -> None:
    documents = rendered({})
    claim = only(documents, "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert only(documents, "Deployment")["spec"]["strategy"] == {"type": "Recreate"}
    [data] = [v for v in pod(documents)["volumes"] if v["name"] == "data"]
    assert data["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


def test_without_persistence_there_is_no_claim() -> None:
    documents = rendered({"persistence": {"enabled": False}})
    assert [d for d in documents if d["kind"] == "PersistentVolumeClaim"] == []
    [data] = [v for v in pod(documents)["volumes"] if v["name"] == "data"]
    assert data["emptyDir"] == {}


def test_replicas_that_share_a_redis_need_no_disk_and_roll() -> None:
    documents = rendered({"redis": {"existingSecret": "redis"}, "replicas": 3})
    assert only(documents, "Deployment")["spec"]["replicas"] == 3
    assert only(documents, "Deployment")["spec"]["strategy"] == {"type": "RollingUpdate"}
    assert env(documents)["REDIS_URL"] == {"secretKeyRef": {"name": "redis", "key": "REDIS_URL"}}
    assert [v["name"] for v in pod(documents)["volumes"]] == ["config", "tmp"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"image": {"repository": ""}}, "image.repository: name the image"),
        ({"replicas": 2}, "replicas: more than one needs a Redis they share"),
        ({"replica": 2}, "additional properties 'replica' not allowed"),
        ({"slack": {"mode": "smoke"}}, "/slack/mode"),
        ({"slack": {"botToken": "xoxb-1"}}, "additional properties 'botToken' not allowed"),
        ({"namespaces": ["*"]}, "/namespaces/0"),
        ({"podSecurityContext": {"runAsUser": 0}}, "/podSecurityContext/runAsUser"),
        ({"podSecurityContext": {"privileged": True}}, "'privileged' not allowed"),
        ({"config": {"http": {"port": 1}}}, "/config"),
        ({"config": {"store": {"data_dir": "/x"}}}, "/config/store"),
        ({"config": {"store": {"replicas_to_wait_for": -1}}}, "/config/store/replicas_to_wait_for"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_that_cannot_work_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(helm.HelmError) as caught:
        rendered(values)
    assert said in str(caught.value)


def test_the_notes_say_what_is_still_to_do() -> None:
    with helm.Chart.load(CHART) as chart:
        files = chart.render(NEEDED, name="vm-restore-bot", namespace="ops")
    [notes] = [text for name, text in files.items() if name.endswith("NOTES.txt")]
    assert "create secret generic vm-restore-bot" in notes
    assert "Nobody may restore anything yet" in notes


# --- What the chart says about itself -------------------------------------------------------------


def test_every_value_is_explained_in_place() -> None:
    lines = (CHART / "values.yaml").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        key = re.match(r"\s*([a-zA-Z]+):", line)
        section = key and line.rstrip().endswith(":")
        if key and not section:
            assert lines[number - 1].lstrip().startswith("#"), line


def test_the_schema_knows_exactly_the_values_there_are() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert set(schema["properties"]) - {"global"} == set(values)
    for name, value in values.items():
        properties = schema["properties"][name].get("properties", {})
        if isinstance(value, dict) and not schema["properties"][name].get("description"):
            assert set(value) == set(properties), name


def test_the_chart_is_of_the_bots_version() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert about["appVersion"] == about["version"] == __version__
