"""What the bot counts and measures, each named once and here; docs/metrics.md is made of it.

Rules of this room
- Metrics belong to one app: each has its own registry, so that two can live in one process.
- A label has few values, which the bot or Slack or Kubernetes names; never a VM, a person or a restore.
- A gauge is there from the start: NaN as long as nothing is known. So is a counter that an alert asks
  for, where its labels are known: an increase from nothing to one is none to Prometheus.
"""

import platform
from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from bot import __version__

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
UNKNOWN: Final = float("nan")
LEVELS: Final = ("warning", "error", "critical")
"""Of log lines: those that are counted."""
FOUND: Final = ("unknown", "gone", "broken")
"""How it was found out that a record is lost (`bot/slack/periodic_tasks.py:LostTask`)."""
_CALLS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_COMMANDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2)
_ACKS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)
_ROUNDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
_STEPS: Final = (1, 5, 15, 30, 60, 120, 300, 600, 1200, 3600)

# A time stamp beside each counter would double the number of series, and nobody asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call] # untyped in the library


class _Registered:
    """Makes metrics in one registry, all named after the bot."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"vm_restore_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        made = Gauge(f"vm_restore_{name}", meaning, labels, registry=self.registry)
        if not labels:
            made.set(UNKNOWN)
        return made

    def _seconds(
        self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        name = f"vm_restore_{name}_seconds"
        return Histogram(name, meaning, labels, registry=self.registry, buckets=buckets)


class CallMetrics(_Registered):
    """The far sides: Slack, the clusters and Redis."""

    def __init__(self) -> None:
        super().__init__()
        self.slack_calls = self._counter("slack_calls", "Slack Web API calls", "method", "result")
        self.slack_seconds = self._seconds(
            "slack_call", "Time until Slack has answered a Web API call", _CALLS, "method"
        )
        self.ack_seconds = self._seconds(
            "ack", "Time from a delivery of Slack to its acknowledgement", _ACKS, "transport"
        )
        self.kubernetes_requests = self._counter(
            "kubernetes_requests", "Requests to API servers, watches aside", "cluster", "result"
        )
        self.kubernetes_seconds = self._seconds(
            "kubernetes_request",
            "Time until an API server has answered a request, watches aside",
            _CALLS,
            *("cluster", "verb", "resource"),
        )
        self.watch_up = self._gauge("watch_up", "1 while the watch of a cluster runs", "cluster")
        self.redis_commands = self._counter(
            "redis_commands", "Scripts run in Redis", "script", "result"
        )
        self.redis_seconds = self._seconds(
            "redis_command", "Time until Redis has answered a script", _COMMANDS, "script"
        )
        self.slack_refused = self._counter(
            "slack_refused", "What came as Slack's and was not taken, by cause", "cause"
        )
        self.scopes_missing = self._counter(
            "scopes_missing", "Calls that Slack refused because the app lacks a scope", "scope"
        )
        self.unreplicated = self._counter(
            "unreplicated", "Rounds put off because too few replicas had what was stored"
        )
        self.clock_ahead = self._gauge(
            "clock_ahead_seconds", "Seconds that another clock is ahead of this machine's", "of"
        )
        self.ready = self._gauge("ready", "1 while a part the bot needs answers", "part")

    def slack_answered(self, method: str, result: str, seconds: float) -> None:
        """A call to Slack has ended so: "ok", Slack's code, "unreachable" or "no_answer"."""
        self.slack_calls.labels(method, result).inc()
        self.slack_seconds.labels(method).observe(seconds)

    def kubernetes_answered(
        self, cluster: str, asked: tuple[str, str], result: str, seconds: float
    ) -> None:
        """A request to an API server (its verb and its resource) has ended so."""
        self.kubernetes_requests.labels(cluster, result).inc()
        self.kubernetes_seconds.labels(cluster, *asked).observe(seconds)

    def redis_answered(self, script: str, result: str, seconds: float) -> None:
        """A script has ended so: "ok" or "failed"."""
        self.redis_commands.labels(script, result).inc()
        self.redis_seconds.labels(script).observe(seconds)


class Metrics(CallMetrics):
    """Every metric of one app, in a registry of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.restores = self._counter("restores", "Restores that ended", "outcome", "reason")
        self.refusals = self._counter(
            "refusals", "Requests for a restore that were refused at once", "reason"
        )
        self.live = self._gauge("live_restores", "Restores that have not ended, by phase", "phase")
        self.waiting = self._gauge(
            "waiting_restores", "Live restores that wait for the answer of a person"
        )
        self.stuck = self._gauge(
            "overdue_restores", "Live restores whose time limit is over, or whose cluster is away"
        )
        self.step_seconds = self._seconds(
            "step", "Time that the cluster took: stop, safety_snapshot, restore", _STEPS, "step"
        )
        self.queued = self._gauge("queue_members", "Restores, deliveries and tasks in the queue")
        self.due = self._gauge("queue_due", "Of them, those that are due and taken by nobody")
        self.oldest_due = self._gauge(
            "queue_oldest_due_seconds", "Seconds for which the oldest of them has been due"
        )
        self.deliveries = self._counter("deliveries", "Slack deliveries taken in", "kind")
        self.rounds = self._counter("rounds", "Rounds of the reconciler", "result")
        self.round_seconds = self._seconds("round", "Time of one round of the reconciler", _ROUNDS)
        self.untold = self._counter(
            "untold", "Times that no way led to the owner of a restore, by Slack's code", "code"
        )
        self.failing = self._counter("stuck", "Restores of which each round fails, when it is told")
        self.records_lost = self._counter(
            "records_lost", "Restores whose record was gone or broken, by how it was found", "why"
        )
        self.reports = self._counter("reports", "Shift reports by the clock", "result")
        self.logged = self._counter("logged", "Log lines from warning up", "level")
        self._gauge("build_info", "1; what runs here", "version", "python").labels(
            __version__, platform.python_version()
        ).set(1)
        for level in LEVELS:
            self.logged.labels(level)
        for why in FOUND:
            self.records_lost.labels(why)

    def expect(self, *, clusters: Iterable[str], phases: Iterable[str]) -> None:
        """What will be known of each of these is not known yet."""
        names = tuple(clusters)
        for part in ("bot", "slack", "store", *names):
            self.ready.labels(part).set(0)
        for name in names:
            self.watch_up.labels(name).set(0)
        for clock in ("redis", "slack", *(f"cluster {name}" for name in names)):
            self.clock_ahead.labels(clock).set(UNKNOWN)
        for phase in phases:
            self.live.labels(phase).set(UNKNOWN)

    def exposition(self) -> bytes:
        """All of them as Prometheus reads them, for an answer of type `METRICS_TYPE`."""
        return generate_latest(self.registry)

    def surveyed(self, live: Mapping[str, float], **counts: float) -> None:
        """So many restores are live, by phase; and the gauges of this name say so. NaN: not known."""
        for phase, count in live.items():
            self.live.labels(phase).set(count)
        for gauge in ("waiting", "stuck", "queued", "due", "oldest_due"):
            getattr(self, gauge).set(counts.get(gauge, UNKNOWN))
