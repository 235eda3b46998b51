"""Where the pods run, what else they are given, and the pod of `helm test`."""

from typing import Any

from tests.chart.rendering import container, env, of_kind, only, pod, rendered

SHARED: dict[str, Any] = {"redis": {"existingSecret": "redis"}, "replicas": 3}


def test_a_drain_of_nodes_takes_one_of_several_bots() -> None:
    documents = rendered(SHARED)
    spec = only(documents, "PodDisruptionBudget")["spec"]
    labels = only(documents, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert spec["maxUnavailable"] == 1
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    without = rendered({**SHARED, "podDisruptionBudget": {"enabled": False}})
    assert of_kind(without, "PodDisruptionBudget") == []


def test_a_single_bot_stops_no_drain() -> None:
    assert of_kind(rendered({}), "PodDisruptionBudget") == []


def test_several_bots_are_spread_over_nodes_and_zones() -> None:
    documents = rendered(SHARED)
    spread = pod(documents)["topologySpreadConstraints"]
    selector = only(documents, "Deployment")["spec"]["selector"]
    assert [each["topologyKey"] for each in spread] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    assert all(each["whenUnsatisfiable"] == "ScheduleAnyway" for each in spread)
    assert all(each["labelSelector"] == selector for each in spread)
    assert "topologySpreadConstraints" not in pod(rendered({}))


def test_a_constraint_of_ones_own_spreads_the_bots_unless_it_says_otherwise() -> None:
    own = {"topologyKey": "rack", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
    others = {**own, "labelSelector": {"matchLabels": {"a": "b"}}}
    documents = rendered({**SHARED, "topologySpreadConstraints": [own, others]})
    selector = only(documents, "Deployment")["spec"]["selector"]
    spread = pod(documents)["topologySpreadConstraints"]
    assert spread == [{**own, "labelSelector": selector}, others]


def test_a_pod_is_given_what_the_values_add() -> None:
    volume = {"name": "clusters", "secret": {"secretName": "clusters"}}
    mount = {"name": "clusters", "mountPath": "/etc/clusters", "readOnly": True}
    documents = rendered(
        {
            "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
            "envFrom": [{"secretRef": {"name": "clouds"}}],
            "extraVolumes": [volume],
            "extraVolumeMounts": [mount],
            "podLabels": {"team": "platform"},
            "priorityClassName": "high",
        }
    )
    assert env(documents)["HTTPS_PROXY"] == "http://proxy:3128"
    for spec in (pod(documents), only(documents, "Pod")["spec"]):
        [one] = spec["containers"]
        assert one["env"][-1]["name"] == "HTTPS_PROXY"
        assert one["envFrom"] == [{"secretRef": {"name": "clouds"}}]
        assert volume in spec["volumes"]
        assert mount in one["volumeMounts"]
    labels = only(documents, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert labels["team"] == "platform"
    assert pod(documents)["priorityClassName"] == "high"


def test_a_claim_and_a_file_that_are_there_are_used() -> None:
    documents = rendered({"existingConfigMap": "file", "persistence": {"existingClaim": "disk"}})
    assert of_kind(documents, "ConfigMap") == []
    assert of_kind(documents, "PersistentVolumeClaim") == []
    volumes = {each["name"]: each for each in pod(documents)["volumes"]}
    assert volumes["config"]["configMap"]["name"] == "file"
    assert volumes["data"]["persistentVolumeClaim"]["claimName"] == "disk"


def test_helm_test_runs_the_check_as_the_bot_would_run() -> None:
    documents = rendered({})
    check = only(documents, "Pod")
    annotations = check["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "test"
    # With hook-succeeded the pod is gone when `helm test --logs` wants its logs.
    assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation"
    [one] = check["spec"]["containers"]
    bot = container(documents)
    assert (one["args"], bot["args"]) == (["check"], ["run"])
    same = ("image", "env", "resources", "securityContext", "volumeMounts")
    assert [one[each] for each in same] == [bot[each] for each in same]
    assert check["spec"]["serviceAccountName"] == pod(documents)["serviceAccountName"]
    assert check["spec"]["restartPolicy"] == "Never"


def test_helm_test_leaves_the_disk_of_the_bot_alone() -> None:
    """It belongs to one pod; a second one would wait for it forever on another node."""
    spec = only(rendered({}), "Pod")["spec"]
    assert all("persistentVolumeClaim" not in volume for volume in spec["volumes"])
