"""The command: how many runs, from which number on, and the table of what came of them."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from tests.tools.chaos.kinds import KINDS
from tests.tools.chaos.run import Report, play
from tests.tools.chaos.trouble import DRAWN

CHUNK = 10
"""So many runs share a Redis server and a process's turn."""
SHOWN = 5
"""So many guilty runs are told in full."""


def main(arguments: list[str] | None = None) -> int:
    """Play the runs; 1 if something went wrong in any of them."""
    wanted = _parser().parse_args(arguments)
    begun = time.perf_counter()
    reports: list[Report] = []
    seeds = range(wanted.seed, wanted.seed + wanted.runs)
    for report in _all(seeds, wanted.jobs, wanted.only or DRAWN):
        reports.append(report)
        if report.guilty and sum(each.guilty for each in reports) <= SHOWN:
            sys.stdout.write(told(report))
            sys.stdout.flush()
        if report.guilty and wanted.first:
            break
    reports.sort(key=lambda report: report.seed)
    sys.stdout.write(table(reports, time.perf_counter() - begun))
    return 1 if any(report.guilty for report in reports) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="how many runs (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="number of the first (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--first", action="store_true", help="stop at the first guilty run")
    parser.add_argument("--only", action="append", choices=KINDS, help="trouble of this kind alone")
    return parser


def _all(seeds: range, jobs: int, kinds: Sequence[str]) -> Iterator[Report]:
    """The reports, as they come."""
    chunks = [seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK)]
    if jobs == 1 or len(chunks) == 1:
        for chunk in chunks:
            yield from play(chunk, kinds)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        playing = [pool.submit(play, chunk, kinds) for chunk in chunks]
        try:
            for each in as_completed(playing):
                yield from each.result()
        finally:
            pool.shutdown(cancel_futures=True)


def told(report: Report) -> str:
    """A guilty run: what went wrong, what was injected, what the bot and the people said."""
    verdict = report.verdict
    parts = {
        "violations": verdict.violations,
        "threads without an end": verdict.endless,
        "duplicate cards": verdict.duplicates,
        "what happened": report.journal,
        "what the bot logged last": report.log,
        "what stands in Slack": report.transcript.splitlines(),
    }
    lines = [f"\n=== seed {report.seed}: python -m tests.tools.chaos --runs 1 --seed {report.seed}"]
    for title, said in parts.items():
        lines += [f"--- {title}", *said]
    return "\n".join(lines) + "\n"


def table(reports: list[Report], seconds: float) -> str:
    """The sum of it."""
    faults, phases = _sum(each.faults for each in reports), _sum(each.phases for each in reports)
    doings = _sum(each.doings for each in reports)
    handoffs = _sum(each.handoffs for each in reports)
    lost = _sum(each.forgotten for each in reports)
    seeds = f"{reports[0].seed} to {reports[-1].seed}" if reports else "none"
    rows = [
        ("stories", f"{len(reports)}  (seeds {seeds})"),
        ("faults injected", f"{faults.total()}  ({len(faults)} kinds)"),
        *((f"  {name}", str(count)) for name, count in sorted(faults.items())),
        ("done besides asking and answering", str(doings.total())),
        *((f"  {name}", str(count)) for name, count in sorted(doings.items())),
        ("replicas killed", str(sum(each.kills for each in reports))),
        ("restores asked for", f"{phases.total()}  ({_listed(phases)})"),
        ("passed on", f"{handoffs.total()}  ({_listed(handoffs)})"),
        ("forgotten by Redis", f"{lost.total()}  ({_listed(lost)})"),
        ("restores created", str(sum(each.created for each in reports))),
        ("violations", str(sum(len(each.verdict.violations) for each in reports))),
        ("threads without an end", str(sum(len(each.verdict.endless) for each in reports))),
        ("duplicate cards", str(sum(len(each.verdict.duplicates) for each in reports))),
        ("guilty seeds", ", ".join(str(each.seed) for each in reports if each.guilty) or "none"),
        ("time", f"{seconds:.0f} s  ({seconds / max(1, len(reports)):.2f} s a story)"),
    ]
    wide = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{wide}}  {value}" for name, value in rows) + "\n"


def _sum(counters: Iterable[Counter[str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for counter in counters:
        found += counter
    return found


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common())


if __name__ == "__main__":
    sys.exit(main())
