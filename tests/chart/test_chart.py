"""The chart, rendered as helm would: valid for the API server, hardened, and with least rights."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import helm_python as helm
import jsonschema
import pytest
import yaml
from kubernetes_validate.utils import validate

from bot import __version__
from bot.cluster.rights import RIGHTS as NEEDED_RIGHTS
from bot.restore.installation import NAME
from bot.settings import build
from docs import chart
from tests.chart.rendering import (
    CHART,
    Document,
    config,
    container,
    env,
    notes,
    of_kind,
    only,
    pod,
    rendered,
    values_with,
)

SHARED = {"redis": {"existingSecret": "redis"}, "replicas": 3}
EXAMPLES: dict[str, dict[str, Any]] = {
    "the least": {},
    "two namespaces": {"namespaces": ["production", "staging"]},
    "a shared redis": SHARED,
    "slack over http": {"slack": {"mode": "http"}, "service": {"type": "LoadBalancer"}},
    "on OpenShift": {
        "podSecurityContext": None,
        "slack": {"mode": "http"},
        "route": {"enabled": True, "annotations": {"a": "b"}},
        "networkPolicy": {"enabled": True},
    },
    "other clusters, a private CA and a proxy": {
        "rbac": {"create": False},
        "config": {"clusters": {"west": {"kubeconfig": "/etc/clusters/west"}}},
        "extraVolumes": [
            {"name": "clusters", "secret": {"secretName": "clusters"}},
            {"name": "ca", "configMap": {"name": "ca"}},
        ],
        "extraVolumeMounts": [
            {"name": "clusters", "mountPath": "/etc/clusters", "readOnly": True},
            {"name": "ca", "mountPath": "/etc/ca"},
        ],
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        "envFrom": [{"configMapRef": {"name": "clouds"}}],
    },
    "what is there already": {
        "existingConfigMap": "theirs",
        "persistence": {"existingClaim": "theirs"},
        "serviceAccount": {"create": False, "name": "theirs"},
        "nameOverride": "restorer",
    },
    "everything else": {
        **SHARED,
        "image": {"digest": f"sha256:{'0' * 64}"},
        "imagePullSecrets": [{"name": "registry"}],
        "fullnameOverride": "restorer",
        "slack": {"mode": "http"},
        "service": {"annotations": {"a": "b"}},
        "ingress": {
            "enabled": True,
            "host": "bot.example.com",
            "className": "nginx",
            "tlsSecret": "bot-tls",
            "annotations": {"a": "b"},
        },
        "networkPolicy": {
            "enabled": True,
            "metricsFrom": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}],
            "slackFrom": [{"ipBlock": {"cidr": "192.0.2.0/24"}}],
            "slack": {"to": [{"podSelector": {"matchLabels": {"app": "proxy"}}}], "ports": [3128]},
            "extraEgress": [{"ports": [{"port": 443}]}],
        },
        "podDisruptionBudget": {"maxUnavailable": "50%"},
        "monitoring": {
            "serviceMonitor": {"enabled": True, "interval": "15s", "labels": {"a": "b"}},
            "prometheusRule": {
                "enabled": True,
                "runbook": "https://wiki.example.com/runbook",
                "labels": {"a": "b"},
            },
            "dashboard": {"enabled": True, "labels": {"a": "b"}},
        },
        "serviceAccount": {"name": "restorer", "annotations": {"a": "b"}},
        "podAnnotations": {"a": "b"},
        "podLabels": {"a": "b"},
        "priorityClassName": "high",
        "nodeSelector": {"a": "b"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
        ],
        "config": {"rules": {"answer_timeout": "20m"}, "store": {"lease_seconds": 30}},
    },
}
VERSIONS = ("1.25", "1.28", "1.31", "1.34", "1.37")
"""Of Kubernetes: the oldest that the chart takes, the newest there is a schema of, some between."""
FOREIGN = {"ServiceMonitor", "PrometheusRule"}
"""Kinds of which Kubernetes itself has no schema; other tests of the chart look at them."""
ROUTE = json.loads((Path(__file__).parent / "route.json").read_text(encoding="utf-8"))


@pytest.fixture(params=list(EXAMPLES.values()), ids=list(EXAMPLES))
def documents(request: pytest.FixtureRequest) -> list[Document]:
    """The objects of each example."""
    return rendered(request.param)


# --- Sound ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_helm_finds_no_fault(values: dict[str, Any]) -> None:
    report = helm.lint(CHART, values_with(values), strict=True, kube_version="v1.34.0")
    assert [m for m in report["messages"] if m["severity"] >= 2] == []
    assert not report["errors"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_api_server_would_take_every_object(documents: list[Document], version: str) -> None:
    for document in documents:
        if document["kind"] == "Route":
            jsonschema.validate(document, ROUTE)
        elif document["kind"] not in FOREIGN:
            validate(document, version, strict=True)


def test_every_namespaced_object_says_where_it_belongs(documents: list[Document]) -> None:
    for document in documents:
        namespaced = not document["kind"].startswith("Cluster")
        assert ("namespace" in document["metadata"]) is namespaced, document["kind"]
        assert document["metadata"]["labels"]["app.kubernetes.io/instance"] == "vm-restore-bot"
        assert len(document["metadata"]["name"]) <= 63 or not namespaced


def test_the_services_find_the_pods_and_no_other(documents: list[Document]) -> None:
    deployment = only(documents, "Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    check = only(documents, "Pod")["metadata"]["labels"]
    for each in of_kind(documents, "Service"):
        selector = each["spec"]["selector"]
        assert selector == deployment["selector"]["matchLabels"]
        assert selector.items() <= labels.items()
        assert not selector.items() <= check.items()
        [port] = each["spec"]["ports"]
        assert port["targetPort"] in {p["name"] for p in container(documents)["ports"]}


TWINS = {
    "another name": [("vm-restore-bot", "ops"), ("second", "ops")],
    "another namespace": [("vm-restore-bot", "ops"), ("vm-restore-bot", "dev")],
    "a dash that stands elsewhere": [("b-vm-restore-bot", "a"), ("vm-restore-bot", "a-b")],
    "long names with another end": [("r" * 52 + "a", "n" * 63), ("r" * 52 + "b", "n" * 63)],
    "a dot": [("a.b", "ops"), ("a.c", "ops")],
}


@pytest.mark.parametrize("twins", TWINS.values(), ids=TWINS)
def test_two_releases_do_not_share_a_name(twins: list[tuple[str, str]]) -> None:
    """Nor do they in a namespace in which both have rights."""
    where = {"namespaces": ["production"], "slack": {"mode": "http"}}
    names = []
    for release, namespace in twins:
        documents = rendered(where, release=release, namespace=namespace)
        about = [each["metadata"] for each in documents]
        names.append(
            {
                (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
                for each in documents
            }
        )
        assert len(names[-1]) == len(about)
        for each in (*of_kind(documents, "Service"), only(documents, "Deployment")):
            assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", each["metadata"]["name"])
    assert names[0].isdisjoint(names[1])


def test_a_name_of_ones_own() -> None:
    renamed = rendered({"nameOverride": "restorer"})
    assert only(renamed, "Deployment")["metadata"]["name"] == "vm-restore-bot-restorer"
    assert {d["metadata"]["labels"]["app.kubernetes.io/name"] for d in renamed} == {"restorer"}
    whole = rendered({"fullnameOverride": "restorer"})
    assert only(whole, "Deployment")["metadata"]["name"] == "restorer"


# --- Hardened -------------------------------------------------------------------------------------


VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"}
VOLUMES |= {"persistentVolumeClaim", "projected", "secret"}
"""Kinds of volumes that Pod Security `restricted` allows."""


def test_the_pods_are_not_root_and_may_gain_nothing(documents: list[Document]) -> None:
    """As Pod Security `restricted` asks of the bots and of the pod of `helm test`."""
    for spec in (pod(documents), only(documents, "Pod")["spec"]):
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        [one] = spec["containers"]
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert {kind for each in spec["volumes"] for kind in each} <= {"name", *VOLUMES}


def test_the_pod_has_bounds_and_probes(documents: list[Document]) -> None:
    bot = container(documents)
    assert bot["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "memory" in bot["resources"]["limits"]
    assert bot["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert bot["startupProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert bot["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_secrets_come_by_reference_only(documents: list[Document]) -> None:
    assert of_kind(documents, "Secret") == []
    for name, value in env(documents).items():
        if name not in {"VM_RESTORE_CONFIG", "HTTPS_PROXY"}:
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


def test_rights_everywhere_have_to_be_asked_for() -> None:
    documents = rendered({"clusterWide": True})
    assert [rights(role) for role in roles(documents)] == [SCHEMA_RIGHTS, RIGHTS]
    assert of_kind(documents, "Role") == []
    with pytest.raises(helm.HelmError, match="set clusterWide: true, which gives rights to delete"):
        rendered({"namespaces": []})


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
    said = [
        config(rendered({}, release="r" * 52 + last, namespace="n" * 63))["installation"]
        for last in ("a", "b")
    ]
    assert len(set(said)) == 2
    assert all(NAME.fullmatch(each) for each in said)


def test_the_rights_of_the_diagnosis_can_be_left_out() -> None:
    documents = rendered({"clusterWide": True, "rbac": {"diagnosis": False}})
    everything = {**RIGHTS, **SCHEMA_RIGHTS}
    granted = {name for role in roles(documents) for name in rights(role)}
    assert granted == (set(everything) - FOR_A_DIAGNOSIS) | {("", "events")}, "they are written"


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
    account = {"create": False, "name": "restorer"}
    documents = rendered(
        {"rbac": {"create": False}, "clusterWide": True, "serviceAccount": account}
    )
    kinds = {d["kind"] for d in documents}
    assert not kinds & {
        "Role",
        "ClusterRole",
        "RoleBinding",
        "ClusterRoleBinding",
        "ServiceAccount",
    }
    assert pod(documents)["serviceAccountName"] == "restorer"


# --- What the values mean -------------------------------------------------------------------------


TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


def test_the_bot_takes_the_config_it_is_given(documents: list[Document], tmp_path: Path) -> None:
    if not of_kind(documents, "ConfigMap"):
        return  # The one that is there already is not the chart's.
    tree = config(documents)
    for each in tree["clusters"].values():
        if "kubeconfig" in each:
            each["kubeconfig"] = str(tmp_path / "kubeconfig")
            (tmp_path / "kubeconfig").touch()
    settings = build(TOKENS, tree)
    ports = {each["name"]: each["containerPort"] for each in container(documents)["ports"]}
    assert settings.http.port == ports["http"]
    assert settings.http.slack_port == ports.get("slack", settings.http.slack_port)
    assert settings.http.apart
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
    assert of_kind(documents, "PersistentVolumeClaim") == []
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
        ({"config": {"grant": []}}, "additional properties 'grant' not allowed"),
        ({"config": {"access": {"grant": []}}}, "additional properties 'grant' not allowed"),
        ({"config": {"rules": {"stop_when": "never"}}}, "/config/rules/stop_when"),
        ({"config": {"rules": {"answer_timeout": "soon"}}}, "/config/rules/answer_timeout"),
        (
            {"existingConfigMap": "theirs", "config": {"log": {"level": "debug"}}},
            "config: is not read where existingConfigMap is set",
        ),
        ({"serviceAccount": {"create": False}}, "serviceAccount.name: name the account"),
        ({"namespaces": ["a"], "clusterWide": True}, "not both"),
        ({"rbac": {"create": False}}, "namespaces: name the namespaces with the VMs"),
        ({"ingress": {"enabled": True, "host": "a.b"}}, "in Socket Mode nothing comes in"),
        ({"route": {"enabled": True}}, "in Socket Mode nothing comes in"),
        ({"slack": {"mode": "http"}, "route": {"host": "bot..example.com"}}, "/route/host"),
        (
            {"slack": {"mode": "http"}, "ingress": {"enabled": True}},
            "ingress.host: write the host name",
        ),
        ({"extraEnv": [{"name": "REDIS_URL", "value": "redis://x"}]}, "/extraEnv/0/name"),
        ({"extraVolumes": [{"name": "a", "hostPath": {"path": "/"}}]}, "'hostPath'"),
        ({"podLabels": {"app.kubernetes.io/name": "x"}}, "'app.kubernetes.io/name'"),
        ({"fullnameOverride": "a.b"}, "/fullnameOverride"),
        ({"config": {"store": {"replicas_to_wait_for": -1}}}, "/config/store/replicas_to_wait_for"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_that_cannot_work_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(helm.HelmError) as caught:
        rendered(values)
    assert said in str(caught.value)


def test_the_notes_say_what_is_still_to_do() -> None:
    said = notes({})
    assert "create secret generic vm-restore-bot" in said
    assert "Nobody may restore anything yet" in said
    assert "helm --namespace ops test vm-restore-bot --logs" in said


def test_the_notes_say_where_slack_must_reach_the_bot() -> None:
    over_http: dict[str, Any] = {"slack": {"mode": "http"}}
    assert "Service vm-restore-bot at https://YOUR-ADDRESS/slack/events" in notes(over_http)
    reached = notes({**over_http, "ingress": {"enabled": True, "host": "bot.example.com"}})
    assert "https://bot.example.com/slack/events" in reached
    assert "YOUR-ADDRESS" not in reached
    assert "YOUR-ADDRESS" not in notes({})


# --- What the chart says about itself -------------------------------------------------------------


def test_every_value_is_explained_in_place() -> None:
    lines = (CHART / "values.yaml").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        key = re.match(r"\s*([a-zA-Z]+):", line)
        section = key and line.rstrip().endswith(":")
        if key and not section:
            assert lines[number - 1].lstrip().startswith("#"), line


def test_what_is_generated_is_as_the_settings_and_the_values_say() -> None:
    schema = chart.SCHEMA.read_text(encoding="utf-8")
    assert chart.schema(schema) == schema, "`make chart` writes it anew"
    page, values = (each.read_text(encoding="utf-8") for each in (chart.README, chart.VALUES))
    assert chart.readme(page, values) == page, "`make chart` writes it anew"
    told = {row.key for row in chart.rows(values) if row.default}
    assert told == {key for key, _ in leaves(yaml.safe_load(values), told)}


def leaves(tree: Any, known: set[str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values by their dotted keys; one that the table names is not looked into."""
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and path not in known:
            yield from leaves(value, known, f"{path}.")
        else:
            yield path, value


def test_the_schema_knows_exactly_the_values_there_are() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert set(schema["properties"]) - {"global"} == set(values)
    for name, value in values.items():
        if isinstance(value, dict) and name not in {"config", "resources"}:
            properties = schema["properties"][name].get("properties", {})
            assert set(value) == set(properties), name


def test_the_chart_is_of_the_bots_version() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert about["appVersion"] == about["version"] == __version__
