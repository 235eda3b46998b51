"""Sentences that contradicted what was so beside them: none of these pairs can be said any more."""

from datetime import timedelta
from typing import Any

import pytest

from bot.restore.disks import LeftBehind, LeftBehindKind
from bot.restore.model import Phase, Proposal
from bot.restore.reasons import Reason
from bot.restore.stop_and_start import Start
from bot.restore.thread import CardKind
from bot.slack import views
from bot.slack.views.report import Shift, report
from tests.restores import ALICE, NOW
from tests.slack.examples import DONE, JOB, PREVIEW, READY, Example, ended, one
from tests.slack.pages import body, page

PENDING = LeftBehind(claim="restore-0-root", kind=LeftBehindKind.MADE)
GIVEN_UP = ended(Phase.FAILED, Reason.RESTORE_GIVEN_UP, left=(PENDING,), job=JOB, preview=PREVIEW)
ONCE = DONE.model_copy(update={"strategy": "Once"})
NEAR = tuple(f"team-{number}" for number in range(5))


def _reported(*restores: Example) -> str:
    shift = Shift(NOW, NOW - timedelta(hours=8), (), tuple(each for each, _ in restores), {})
    return body(report(shift))


def _drawn(example: Example) -> str:
    return page(views.render(*example))


def _warning(**facts: Any) -> str:
    return _drawn(one(Phase.TYPING, CardKind.WARNING, preview=PREVIEW, **facts))


STARTED = Start(by=ALICE, at=NOW, done_at=NOW)
CASES: dict[str, tuple[str, str, str]] = {
    "nothing is left, and a claim is": (
        _reported(GIVEN_UP),
        "Left behind by these* (0)",
        "`restore-0-root`",
    ),
    "nothing is left, and a VM in an unknown state is": (
        _reported(ended(Phase.FAILED, Reason.RESTORE_FAILED, job=JOB, preview=PREVIEW)),
        "Left behind by these* (0)",
        "in an unknown state, perhaps half restored",
    ),
    "do not start, and it runs": (
        _drawn(ended(Phase.FAILED, Reason.RESTORE_FAILED, job=JOB, live=True, preview=PREVIEW)),
        "Do not start VM",
        "Stop it now, and leave it stopped",
    ),
    "preserved, and stopped by the bot (cancelled)": (
        _drawn(ended(Phase.CANCELLED, Reason.CANCELLED_BY_USER, by=ALICE, stop=DONE)),
        "Current VM state preserved",
        "a stop was sent to the guest",
    ),
    "preserved, and stopped by the bot (names differ)": (
        _drawn(ended(Phase.CANCELLED, Reason.NAMES_DIFFER, typed="x", stop=DONE)),
        "Current VM state preserved",
        "a stop was sent to the guest",
    ),
    "preserved, and stopped by the bot (expired)": (
        _drawn(ended(Phase.EXPIRED, Reason.NO_ANSWER, stop=DONE)),
        "Current VM state preserved",
        "a stop was sent to the guest",
    ),
    "cannot be recovered, and a safety snapshot is taken": (
        _warning(protect=True),
        "unless you create a snapshot now",
        "*Snapshot current state first*: ON",
    ),
    "cannot be recovered, and a safety snapshot is there": (
        _warning(protect=True, safety=READY),
        "unless you create a snapshot now",
        "*Snapshot current state first*: ON",
    ),
    "it is Always, and nobody says that it was Once": (
        _drawn(ended(Phase.CANCELLED, Reason.CANCELLED_BY_USER, stop=ONCE, start=STARTED)),
        "run strategy is `Once`",
        "Its run strategy is `Always` now. Before the stop it was `Once`.",
    ),
    "exists in five, and in seven": (
        _drawn(
            one(
                Phase.GATHERING,
                CardKind.ASK_NAMESPACE,
                proposal=Proposal(near=NEAR, more=2),
            )
        ),
        "`team-4`.",
        "and 2 more",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_contradicts_is_not_said_and_what_is_so_is(case: str) -> None:
    said, wrong, right = CASES[case]
    assert wrong not in said
    assert right in said
