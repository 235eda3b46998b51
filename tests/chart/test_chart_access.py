"""Who reaches the bot in a cluster, and whom it reaches: Services, Ingress, Route and NetworkPolicy."""

from typing import Any

import pytest

from bot.slack.manifest import PATH
from tests.chart.rendering import Document, of_kind, only, pod, rendered, service

HTTP: dict[str, Any] = {"slack": {"mode": "http"}}
SHARED: dict[str, Any] = {"redis": {"existingSecret": "redis"}, "replicas": 3}


def ports(documents: list[Document]) -> dict[str, int]:
    """The ports of the bot's container by name."""
    [bot] = pod(documents)["containers"]
    return {each["name"]: each["containerPort"] for each in bot["ports"]}


def test_what_slack_reaches_has_no_metrics() -> None:
    """Each Service has one port; a LoadBalancer is only the one for Slack's requests."""
    documents = rendered({**HTTP, "service": {"type": "LoadBalancer", "port": 443}})
    slacks, own = (service(documents, each)["spec"] for each in ("slack", "metrics"))
    assert (slacks["type"], own["type"]) == ("LoadBalancer", "ClusterIP")
    assert [(p["port"], p["targetPort"]) for p in slacks["ports"]] == [(443, "slack")]
    assert [p["targetPort"] for p in own["ports"]] == ["http"]
    assert own["publishNotReadyAddresses"] is True
    assert ports(documents) == {"http": 8080, "slack": 8081}


def test_in_socket_mode_nothing_is_open_to_slack() -> None:
    documents = rendered({})
    assert ports(documents) == {"http": 8080}
    [own] = of_kind(documents, "Service")
    assert own["metadata"]["name"] == "vm-restore-bot-metrics"


def test_an_ingress_lets_slack_in_and_nobody_else() -> None:
    documents = rendered({**HTTP, "ingress": {"enabled": True, "host": "bot.example.com"}})
    spec = only(documents, "Ingress")["spec"]
    assert spec["tls"] == [{"hosts": ["bot.example.com"]}]
    [rule] = spec["rules"]
    [path] = rule["http"]["paths"]
    assert (rule["host"], path["path"], path["pathType"]) == ("bot.example.com", PATH, "Exact")
    told = path["backend"]["service"]
    assert told["name"] == service(documents, "slack")["metadata"]["name"]
    assert [told["port"]["name"]] == [
        p["name"] for p in service(documents, "slack")["spec"]["ports"]
    ]


def test_a_route_lets_slack_in_and_nobody_else() -> None:
    """Its fields are compared with OpenShift's in test_chart.py."""
    documents = rendered({**HTTP, "route": {"enabled": True, "host": "bot.example.com"}})
    route = only(documents, "Route")
    assert route["apiVersion"] == "route.openshift.io/v1"
    assert route["spec"] == {
        "host": "bot.example.com",
        "path": PATH,
        "to": {"kind": "Service", "name": service(documents, "slack")["metadata"]["name"]},
        "port": {"targetPort": "slack"},
        "tls": {"termination": "edge", "insecureEdgeTerminationPolicy": "None"},
    }


# --- The network policy ---------------------------------------------------------------------------


def policy(values: dict[str, Any], **network: Any) -> dict[str, Any]:
    """The spec of the policy that these values make."""
    documents = rendered({**values, "networkPolicy": {"enabled": True, **network}})
    spec: dict[str, Any] = only(documents, "NetworkPolicy")["spec"]
    labels = [
        only(documents, "Deployment")["spec"]["template"]["metadata"]["labels"],
        only(documents, "Pod")["metadata"]["labels"],
    ]
    for each in labels:
        assert spec["podSelector"]["matchLabels"].items() <= each.items()
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    return spec


def reach(rules: list[dict[str, Any]], peers: str) -> dict[tuple[str, int], Any]:
    """Who is reached on which port; None is everybody."""
    found: dict[tuple[str, int], Any] = {}
    for rule in rules:
        for port in rule["ports"]:
            found.setdefault((port["protocol"], port["port"]), rule.get(peers))
    return found


def test_a_policy_lets_pods_of_the_cluster_read_metrics_and_nobody_else_in() -> None:
    spec = policy({})
    assert reach(spec["ingress"], "from") == {("TCP", 8080): [{"namespaceSelector": {}}]}


def test_a_policy_lets_slacks_requests_in() -> None:
    everybody = policy(HTTP)
    assert reach(everybody["ingress"], "from")["TCP", 8081] is None
    ingress = [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]
    only_these = policy(HTTP, slackFrom=ingress, metricsFrom=[])
    assert reach(only_these["ingress"], "from") == {("TCP", 8080): None, ("TCP", 8081): ingress}


def test_a_policy_lets_the_bot_out_to_what_it_needs() -> None:
    dns = {(protocol, port) for protocol in ("TCP", "UDP") for port in (53, 5353)}
    assert reach(policy({})["egress"], "to").keys() == {("TCP", 443), ("TCP", 6443), *dns}
    assert reach(policy(SHARED)["egress"], "to").keys() == {
        *{("TCP", 443), ("TCP", 6443), ("TCP", 6379)},
        *dns,
    }


@pytest.mark.parametrize("part", ["slack", "apiServer", "redis", "dns"])
def test_a_policy_can_name_whom_the_bot_reaches(part: str) -> None:
    far = [{"ipBlock": {"cidr": "192.0.2.0/24"}}]
    rules = policy(SHARED, **{part: {"to": far, "ports": [1234]}})["egress"]
    [named] = [rule for rule in rules if "to" in rule]
    assert named["to"] == far
    assert {port["port"] for port in named["ports"]} == {1234}


def test_a_policy_takes_more_egress() -> None:
    more = {"ports": [{"port": 8200, "protocol": "TCP"}]}
    assert policy({}, extraEgress=[more])["egress"][-1] == more
