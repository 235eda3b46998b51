"""A short fixed set of runs: whatever goes wrong, nothing is lost, doubled or left in silence."""

import subprocess
import sys
from datetime import timedelta

import pytest

from bot.restore.model import Handoff
from bot.restore.thread import UserId
from tests.restore.ground import NOW
from tests.store.samples import restore
from tests.tools.chaos.verdict_people import owners_at

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


def test_who_confirms_in_the_moment_of_a_takeover_may_be_a_millisecond_late() -> None:
    """Run 453: a click that counted, and the takeover after it, dated by two replicas."""
    made = restore()
    taken = Handoff(at=NOW, giver=made.owner, taker=UserId("U02OTHER"), how="taken")
    passed = made.model_copy(update={"owner": taken.taker, "handoffs": (taken,)})
    clicked = (NOW + timedelta(milliseconds=1)).timestamp()
    assert owners_at(passed, clicked) == {made.owner, taken.taker}
    assert owners_at(passed, clicked + 1) == {taken.taker}
