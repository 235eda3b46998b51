"""What Prometheus reads of one restore, over HTTP."""

import math
import platform
import re
from collections.abc import Mapping

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from bot import __version__
from bot.metrics import Metrics
from bot.playground.stage import Stage
from bot.restore.model import Phase
from bot.store import LIVE
from docs import metrics
from tests.stories import acts
from tests.stories.conftest import SetStage

PROCESS = {
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
}
OF_TROUBLE = {"refusals", "untold", "reports", "scopes_missing", "slack_refused"}
"""Counters that begin with their first event, which this story has not."""


class Scrape:
    """What one request to /metrics answers."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        self.labels: dict[str, set[str]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._take(sample)

    def _take(self, sample: Sample) -> None:
        labels: Mapping[str, str] = sample.labels
        self.samples[sample.name, frozenset(labels.items())] = sample.value
        base = re.sub("_(bucket|sum|count)$", "", sample.name)
        name = base if base.endswith("_seconds") else sample.name
        self.labels.setdefault(name, set()).update(labels.keys() - {"le"})

    def __call__(self, name: str, **labels: str) -> float:
        """A sample of the bot."""
        return self.samples[f"vm_restore_{name}", frozenset(labels.items())]


async def scrape(stage: Stage) -> Scrape:
    """Ask as Prometheus does."""
    bot = stage.world.bot
    assert bot is not None
    url = f"http://127.0.0.1:{bot.port}/metrics"
    async with aiohttp.ClientSession() as client, client.get(url) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return Scrape(await answer.text())


async def test_all_of_the_documented_metrics_are_there_and_nothing_else(
    stage_for: SetStage,
) -> None:
    stage = await stage_for()
    bot = stage.world.bot
    assert bot is not None
    await acts.ask_and_finish(stage)
    found = await scrape(stage)
    rows = {row.name: set(row.labels) for row in metrics.rows()}
    silent = {f"vm_restore_{name}_total" for name in OF_TROUBLE}
    assert {name: found.labels[name] for name in rows.keys() - silent} == {
        name: labels for name, labels in rows.items() if name not in silent
    }
    assert found.labels.keys() - rows.keys() == PROCESS
    assert all(f"# TYPE {name} counter" in found.text for name in silent)
    assert "_created" not in found.text
    assert "database-01" not in found.text


async def test_the_numbers_of_one_restore(stage_for: SetStage) -> None:
    """What waits is told while it waits; what the cluster did, with its time, when it has ended."""
    stage = await stage_for(running=True)
    await acts.ask_and_stop(stage)
    await stage.card(acts.TYPE_IT)
    await stage.world.quiet()
    waiting = await scrape(stage)
    assert waiting("live_restores", phase="typing") == 1
    assert (waiting("waiting_restores"), waiting("overdue_restores")) == (1, 0)
    assert waiting("queue_members") >= 1
    assert waiting("step_seconds_count", step="stop") == 1
    await acts.finish(stage)
    await stage.world.quiet()
    done = await scrape(stage)
    live = {phase: done("live_restores", phase=phase) for phase in Phase if not phase.ended}
    assert set(live.values()) == {0}
    assert (done("waiting_restores"), done("queue_due")) == (0, 0)
    assert done("restores_total", outcome="succeeded", reason="") == 1
    assert done("step_seconds_count", step="restore") == 1
    asked = {"cluster": "default", "verb": "create", "resource": "virtualmachinerestores"}
    assert done("kubernetes_request_seconds_count", **asked) >= 2, "dry runs, and the restore"
    posts = done("slack_call_seconds_count", method="chat.postMessage")
    assert posts == done("slack_calls_total", method="chat.postMessage", result="ok")
    assert done("redis_command_seconds_count", script="commit") > 3
    assert done("ack_seconds_count", transport="socket") >= 3
    assert done("build_info", version=__version__, python=platform.python_version()) == 1


async def test_a_restore_that_takes_too_long_is_stuck(stage_for: SetStage) -> None:
    """Until its time limit it only runs; then it is stuck, and waits for an answer."""
    stage = await stage_for(config={"rules": {"restore_timeout": 30}})
    stage.world.kube.knobs.own_class("standard").bind = None
    await acts.ask_and_confirm(stage)
    await acts.handed_over(stage)
    running = await scrape(stage)
    assert running("live_restores", phase="restoring") == 1
    assert (running("waiting_restores"), running("overdue_restores")) == (0, 0)
    await stage.card("taking longer than expected", within=60)
    await stage.world.quiet()
    late = await scrape(stage)
    assert (late("waiting_restores"), late("overdue_restores")) == (1, 1)


async def test_a_store_that_is_away_leaves_numbers_unknown(stage_for: SetStage) -> None:
    stage = await stage_for(own_redis=True)
    await stage.world.redis.stop()
    found = await scrape(stage)
    assert math.isnan(found("waiting_restores"))
    assert math.isnan(found("live_restores", phase="typing"))
    assert math.isnan(found("queue_oldest_due_seconds"))
    address = await stage.world.redis.start(stage.world.directory / "redis")
    assert address == stage.world.redis_url
    assert (await scrape(stage))("waiting_restores") == 0


def test_before_anything_is_known() -> None:
    """A bot that waits for Slack shows every gauge already, and that it is not ready."""
    made = Metrics()
    made.expect(clusters=["default"], phases=LIVE)
    found = Scrape(made.exposition().decode())
    gauges = [row for row in metrics.rows() if row.kind == "gauge"]
    assert all(row.name in found.labels for row in gauges)
    assert found("ready", part="slack") == 0
    assert math.isnan(found("clock_ahead_seconds", of="redis"))
    assert found("records_lost_total", why="gone") == 0


def test_the_page_is_as_the_metrics_say() -> None:
    text = metrics.PAGE.read_text(encoding="utf-8")
    assert metrics.page(text) == text, "`make metrics` writes it anew"
