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
from tests.tools.bench.acks import RATE, SECONDS, TURNS, Compared, Listener, compared
from tests.tools.bench.flight import Flight, fly
from tests.tools.bench.pickers import SNAPSHOTS, Pickers, pickers
from tests.tools.bench.starts import Starts, starts

START, END = "<!-- measured: begin -->", "<!-- measured: end -->"
MIB = 1024 * 1024
Row = tuple[str, str, str]


async def main(write: Path | None, *, acks_only: bool = False) -> int:
    """Measure everything, one after the other."""
    telemetry.set_up("error", "console")
    rows: list[Row] = []
    for socket_mode in (True, False):
        way = "Socket Mode" if socket_mode else "HTTP"
        rows += _ack_rows(way, await compared(socket_mode=socket_mode))
    if acks_only:
        sys.stdout.write("\n".join(_table(rows)) + "\n")
        return 0
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


def _ack_rows(way: str, found: Compared) -> Iterator[Row]:
    lost = sum(each.lost for each in found.taken[Listener.BOT])
    sent = RATE * SECONDS * TURNS
    for other, budget in ((Listener.WRITE, "<= 1.2 x"), (Listener.BARE, "")):
        what = f"ack over {way}, p99 against {other}"
        yield (what, f"{found.ratio(other):.2f} x", budget)
    for listener in Listener:
        taken = f"{found.p50(listener):.2f} / {found.p99(listener):.2f} ms"
        is_bot = listener is Listener.BOT
        yield (
            f"ack of {listener} over {way} at {RATE} events/s, p50 / p99",
            f"{taken} ({lost} lost of {sent})" if is_bot else taken,
            "p99 < 100 ms" if is_bot else "",
        )


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
    parser.add_argument("--acks", action="store_true", help="only the acknowledgements")
    given = parser.parse_args()
    sys.exit(asyncio.run(main(given.write, acks_only=given.acks)))
