"""What is told on the VM after a round, and under which name: the same for every attempt."""

from collections.abc import Callable

import pytest

from bot.restore.announcements import MAX_TEXT, announcements
from bot.restore.model import Restore
from tests.restore import play as p

NAME = "restore-database-01-20260218-163000-7kdup"
BEGUN, DONE, FAILED = f"{NAME}.begun", f"{NAME}.succeeded", f"{NAME}.failed"

# before the round, after it, is it known that the round before told all -> the events
ROUNDS: dict[str, tuple[Callable[[], p.Play], Callable[[], p.Play], bool, list[str]]] = {
    "nothing is made yet": (p.confirmed, p.decided, False, []),
    "it is made": (p.decided, p.restoring, False, [BEGUN]),
    "it goes on": (p.restoring, p.restoring, False, []),
    "another process goes on with it": (p.restoring, p.restoring, True, [BEGUN]),
    "it succeeds": (p.restoring, p.succeeded, False, [DONE]),
    "it is seen only as it succeeds": (p.decided, p.succeeded, False, [BEGUN, DONE]),
    "it has succeeded": (p.succeeded, p.succeeded, False, []),
    "another process finds it so": (p.succeeded, p.succeeded, True, [DONE]),
    "it fails": (p.restoring, p.failed, False, [FAILED]),
    "it was cancelled before": (p.typing, p.cancelled, True, []),
}


@pytest.mark.parametrize("case", ROUNDS)
def test_what_is_told_on_the_vm(case: str) -> None:
    before, after, unsure, names = ROUNDS[case]
    told = announcements(
        before().restore, after().restore, unsure=unsure, name=lambda _: "", link=None
    )
    assert [each.name for each in told] == names
    assert [each.warning for each in told] == [name == FAILED for name in names]


def test_words_of_others_are_one_line_and_short() -> None:
    def with_words(restore: Restore) -> Restore:
        assert restore.outcome is not None
        long = restore.outcome.model_copy(update={"found": "bad\n\x1b[31m" + "x" * 5000})
        return restore.model_copy(update={"outcome": long})

    [told] = announcements(
        p.restoring().restore,
        with_words(p.failed().restore),
        unsure=False,
        name=lambda _: "Eve\n" * 500,
        link="https://x.slack.com/archives/C1/p1",
    )
    assert len(told.text) <= MAX_TEXT
    assert told.text.isprintable()
    assert told.text.endswith("https://x.slack.com/archives/C1/p1")
