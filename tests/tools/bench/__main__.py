"""`python -m tests.tools.bench`: measure, and print the table; `--write FILE` keeps it."""

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bot import telemetry
from tests.tools.bench.acks import RATE, SECONDS, Acks, acks
from tests.tools.bench.flight import Flight, fly
from tests.tools.bench.pickers import SNAPSHOTS, Pickers, pickers
from tests.tools.bench.starts import Starts, starts

START, END = "<!-- measured: begin -->", "<!-- measured: end -->"
MIB = 1024 * 1024
Row = tuple[str, str, str]


async def main(write: Path | None) -> int:
    """Measure everything, one after the other."""
    telemetry.set_up("error", "console")
    rows: list[Row] = []
    for socket_mode in (True, False):
        own = await acks(socket_mode=socket_mode, bare=False)
        bare = await acks(socket_mode=socket_mode, bare=True)
        rows += _ack_rows("Socket Mode" if socket_mode else "HTTP", own, bare)
    few, many = await fly(1), await fly(500)
    rows += _cost_rows(few, many)
    for flight in (few, await fly(100), await fly(1000)):
        rows += _flight_rows(flight)
    rows += _picker_rows(await pickers())
    rows += _start_rows(await starts())
    text = "\n".join(_table(rows))
    sys.stdout.write(text + "\n")
    if write is not None:
        _keep(write, text)
    return 0


def _ack_rows(way: str, own: Acks, bare: Acks) -> Iterator[Row]:
    lost = f"{own.lost} lost of {RATE * SECONDS}"
    yield (f"ack over {way}, p99 against a bare Bolt listener", f"{own.p99 / bare.p99:.1f} x", "")
    yield (
        f"ack over {way} at {RATE} events/s, p50 / p99",
        f"{own.p50:.1f} / {own.p99:.1f} ms ({lost})",
        "p99 < 100 ms",
    )
    yield (f"bare Bolt listener over {way}, p50 / p99", f"{bare.p50:.1f} / {bare.p99:.1f} ms", "")


def _cost_rows(few: Flight, many: Flight) -> Iterator[Row]:
    yield (
        "open watches with 1 / 500 restores in flight",
        f"{few.watches} / {many.watches}",
        "the same",
    )
    yield (
        "Kubernetes requests per completion with 1 / 500 in flight",
        f"{few.requests:.1f} / {many.requests:.1f}",
        "do not grow",
    )


def _flight_rows(flight: Flight) -> Iterator[Row]:
    count = flight.in_flight
    yield (
        f"complete in the cluster → thread updated, {count} in flight, p50 / p95",
        f"{flight.p50:.0f} / {flight.p95:.0f} ms",
        "p95 < 2000 ms",
    )
    yield (
        f"memory of the process, {count} in flight",
        f"{flight.resident / MIB:.0f} MiB",
        "< 200 MB",
    )
    if count > 1:
        yield (
            f"Redis per live restore, {count} in flight",
            f"{flight.redis_bytes:.0f} bytes",
            "< 4096 bytes",
        )


def _picker_rows(taken: Pickers) -> Iterator[Row]:
    what = f"picker over {SNAPSHOTS} snapshots"
    yield (f"{what}, nothing read yet", f"{taken.first:.2f} s", "< 3 s")
    yield (f"{what}, each letter after that", f"{taken.letter * 1000:.0f} ms", "")


def _start_rows(taken: Starts) -> Iterator[Row]:
    yield ("start to ready", f"{taken.ready:.2f} s", "< 3 s")
    yield ("of which Python and imports", f"{taken.imports:.2f} s", "")
    yield ("of which Python alone", f"{taken.interpreter:.2f} s", "")


def _table(rows: list[Row]) -> Iterator[str]:
    today = datetime.now(UTC)
    python = platform.python_version()
    yield f"Measured on {today:%Y-%m-%d}: {os.cpu_count()} cores, {platform.machine()}, Python {python}."
    yield ""
    yield "| what | measured | budget |"
    yield "|---|---|---|"
    for what, measured, budget in rows:
        yield f"| {what} | {measured} | {budget} |"


def _keep(path: Path, text: str) -> None:
    """Put the table between the marks of the page."""
    page = path.read_text(encoding="utf-8")
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, default=None, help="the page to keep the table in")
    sys.exit(asyncio.run(main(parser.parse_args().write)))
