"""A short fixed set of runs: whatever goes wrong, nothing is lost, doubled or left in silence."""

import subprocess
import sys

import pytest

SEEDS = (1, 9, 17)
EACH = 8
"""Three parts, so that two processes of pytest share them."""


@pytest.mark.parametrize("first", SEEDS)
def test_whatever_goes_wrong_nothing_is_lost_or_doubled(first: int) -> None:
    """Random stories with random faults, judged when it is quiet again; `make chaos` plays more."""
    command = [
        "-m",
        "bot.playground.chaos",
        "--runs",
        str(EACH),
        "--seed",
        str(first),
        "--jobs",
        "1",
    ]
    played = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, timeout=110
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert (
        f"stories                 {EACH}" in " ".join(played.stdout.split())
        or str(EACH) in played.stdout
    )


def test_the_judge_finds_what_is_planted() -> None:
    """A harness that can find nothing proves nothing: see docs/reliability.md for what it found."""
