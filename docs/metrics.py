"""The table of docs/metrics.md, from the metrics themselves. A test compares; `make metrics` writes it anew."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from bot.metrics import Metrics

PAGE: Final = Path(__file__).parent / "metrics.md"
BEGIN, END = "<!-- generated from bot/metrics.py -->\n", "<!-- end -->\n"
KINDS: Final = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}


class MetricRow(NamedTuple):
    """A metric as Prometheus shows it: a histogram's name goes on with _bucket, _sum and _count."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


def rows() -> Iterator[MetricRow]:
    """The bot's own metrics, by name; those of the process are the client library's."""
    return iter(sorted(_row(each) for each in _own(Metrics())))


def _own(metrics: Metrics) -> Iterator[MetricWrapperBase]:
    # The registry has no other way to tell the labels of a metric that nothing was counted of yet.
    for each in set(metrics.registry._collector_to_names):  # noqa: SLF001
        if isinstance(each, MetricWrapperBase):
            yield each


def _row(metric: MetricWrapperBase) -> MetricRow:
    (family,) = metric.describe()
    kind = KINDS[type(metric)]
    name = f"{family.name}_total" if kind == "counter" else family.name
    return MetricRow(name, kind, metric._labelnames, family.documentation)  # noqa: SLF001


def table() -> str:
    """The rows as Markdown."""
    lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for row in rows():
        labels = ", ".join(f"`{label}`" for label in row.labels)
        lines.append(f"| `{row.name}` | {row.kind} | {labels} | {row.meaning} |")
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """The page with the table between its marks made anew."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
