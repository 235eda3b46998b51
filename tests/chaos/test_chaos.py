"""A short fixed set of runs: whatever goes wrong, nothing is lost, doubled or left in silence."""

import subprocess
import sys

import pytest

EACH = 6
"""Runs in each part; there are three, so that two processes of pytest share them."""


@pytest.mark.parametrize("first", [1, 1 + EACH, 1 + 2 * EACH])
def test_whatever_goes_wrong_nothing_is_lost_or_doubled(first: int) -> None:
    """Random stories with random faults, judged when it is quiet again; `make chaos` plays more."""
    options = ("--runs", str(EACH), "--seed", str(first), "--jobs", "1")
    played = subprocess.run(  # noqa: S603 - our own command, no shell
        [sys.executable, "-m", "tests.tools.chaos", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert f"{EACH}  (seeds {first} to {first + EACH - 1})" in played.stdout
