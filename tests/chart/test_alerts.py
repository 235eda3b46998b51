"""The alerts of the chart: they fire when they should, name metrics that exist, and have a section to read."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from docs import metrics
from tests.chart.promql import Series, evaluate
from tests.chart.rendering import of_kind, only, rendered

HOUSE = Path(__file__).parent.parent.parent
ON = {
    "monitoring": {
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True, "runbook": "https://wiki.example.com/runbook"},
        "dashboard": {"enabled": True},
    }
}
NOW = 60
STEADY = range(NOW + 1)


def alerts() -> dict[str, dict[str, Any]]:
    """The rules by name, as they are rendered."""
    rule = only(rendered(ON), "PrometheusRule")
    (group,) = rule["spec"]["groups"]
    return {each["alert"]: each for each in group["rules"]}


def gauge(name: str, value: float, **labels: str) -> Series:
    """A gauge that has stood there for an hour."""
    return Series(
        f"vm_restore_{name}", {"namespace": "ops", **labels}, dict.fromkeys(STEADY, value)
    )


def counter(name: str, *jumps: int, since: int = 0, **labels: str) -> Series:
    """A counter that is there from a minute on (with 1, if not from the start) and grows at these."""
    begun = 1.0 if since else 0.0
    samples = {at: begun + sum(at >= jump for jump in jumps) for at in STEADY if at >= since}
    return Series(f"vm_restore_{name}_total", {"namespace": "ops", **labels}, samples)


@dataclass(frozen=True)
class Case:
    """Samples that must fire an alert, and some that look like them and must not."""

    fires: list[Series]
    silent: list[Series] = field(default_factory=list)


CASES = {
    "VmRestoreBotDown": Case([], [gauge("build_info", 1)]),
    "VmRestoreBotDeaf": Case(
        [gauge("ready", 0, part="slack", pod="a"), gauge("ready", 0, part="slack", pod="b")],
        [gauge("ready", 0, part="slack", pod="a"), gauge("ready", 1, part="slack", pod="b")],
    ),
    "VmRestoreClusterAway": Case(
        [gauge("ready", 0, part="west")],
        [gauge("ready", 1, part="west"), gauge("ready", 0, part="slack")],
    ),
    "VmRestoreOwnerNotTold": Case(
        [counter("untold", since=NOW - 1, code="is_archived")],
        [counter("untold", since=10, code="is_archived")],
    ),
    "VmRestoreRecordLost": Case(
        [counter("records_lost", NOW - 2, why="gone")], [counter("records_lost", why="gone")]
    ),
    "VmRestoreOverdue": Case([gauge("overdue_restores", 1)], [gauge("overdue_restores", 0)]),
    "VmRestoreQueueLate": Case(
        [gauge("queue_oldest_due_seconds", 61)], [gauge("queue_oldest_due_seconds", 3)]
    ),
    "VmRestoreFailing": Case(
        [counter("restores", 20, 30, 40, outcome="failed", reason="restore_failed")],
        [counter("restores", 20, 30, 40, outcome="cancelled", reason="names_differ")],
    ),
    "VmRestoreNotReplicated": Case(
        [counter("unreplicated", NOW - 3)], [counter("unreplicated", 20)]
    ),
    "VmRestoreClockWrong": Case(
        [gauge("clock_ahead_seconds", -31, of="slack")],
        [gauge("clock_ahead_seconds", 4, of="slack")],
    ),
    "VmRestoreScopeMissing": Case(
        [counter("scopes_missing", since=NOW - 1, scope="users:read")],
        [counter("scopes_missing", since=10, scope="users:read")],
    ),
    "VmRestoreErrors": Case(
        [counter("logged", NOW - 2, level="error")], [counter("logged", NOW - 2, level="warning")]
    ),
}


def elsewhere(series: Series) -> Series:
    """The same of another release."""
    return Series(series.name, {**series.labels, "namespace": "other"}, series.samples)


def test_each_alert_has_its_case() -> None:
    assert CASES.keys() == alerts().keys()


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_when_it_should_and_not_for_what_looks_like_it(name: str) -> None:
    rule, case = alerts()[name], CASES[name]
    assert evaluate(rule["expr"], case.fires, NOW) != {}
    assert evaluate(rule["expr"], case.silent, NOW) == {}
    if case.fires:
        assert evaluate(rule["expr"], [elsewhere(each) for each in case.fires], NOW) == {}


def test_each_alert_says_what_it_means_and_where_to_read_on() -> None:
    sections = set(re.findall(r"^## (\w+)$", (HOUSE / "docs/runbook.md").read_text(), re.MULTILINE))
    found = alerts()
    assert sections == found.keys()
    for name, rule in found.items():
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["runbook_url"].endswith(f"/runbook#{name.lower()}")
        assert rule["annotations"]["summary"].endswith(".")


def test_alerts_and_dashboard_ask_for_metrics_that_there_are() -> None:
    documents = rendered(ON)
    (dashboard,) = [
        json.loads(each["data"]["vm-restore-bot.json"])
        for each in of_kind(documents, "ConfigMap")
        if "vm-restore-bot.json" in each["data"]
    ]
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [rule["expr"] for rule in alerts().values()]
    known = {row.name for row in metrics.rows()}
    named = {name for each in asked for name in re.findall(r"vm_restore_\w+", each)}
    assert len(named) > 15
    assert {re.sub("_bucket$", "", name) for name in named} - known == set()


def test_the_monitor_selects_the_service_of_the_metrics() -> None:
    documents = rendered(ON)
    monitor = only(documents, "ServiceMonitor")["spec"]
    wanted = monitor["selector"]["matchLabels"].items()
    (service,) = [
        each
        for each in of_kind(documents, "Service")
        if wanted <= each["metadata"]["labels"].items()
    ]
    assert service["metadata"]["name"] == "vm-restore-bot-metrics"
    assert monitor["endpoints"][0]["port"] in {each["name"] for each in service["spec"]["ports"]}


def test_nothing_of_it_is_there_unless_it_is_asked_for() -> None:
    kinds = [each["kind"] for each in rendered({})]
    assert not {"ServiceMonitor", "PrometheusRule"} & set(kinds)
    assert kinds.count("ConfigMap") == 1
