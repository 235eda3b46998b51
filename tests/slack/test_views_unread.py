"""No list says that nothing is under way while restores could not be read."""

from datetime import timedelta

import pytest

from bot.slack.views.answers import nothing_to_cancel
from bot.slack.views.home import HomePage, home
from bot.slack.views.report import Shift, report
from bot.slack.views.restore_lists import status
from bot.slack.views.unread import Unread
from tests.restore.ground import NOW

NEWER_AND_LOST = (
    "2 restores are kept by a newer release, which I cannot read",
    "The record of 1 restore cannot be read",
)
UNREAD = Unread(newer=2, lost=1)


def shift() -> str:
    """The report of a shift in which nothing could be read."""
    nothing = Shift(
        now=NOW, since=NOW - timedelta(hours=8), live=(), ended=(), links={}, unread=UNREAD
    )
    return str(report(nothing).blocks)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(str(status([], {}, unread=UNREAD).blocks), id="status"),
        pytest.param(str(home(HomePage(NOW, "1.0", {}, unread=UNREAD))), id="home"),
        pytest.param(shift(), id="report"),
        pytest.param(nothing_to_cancel(UNREAD), id="cancel"),
    ],
)
def test_what_cannot_be_read_is_counted(said: str) -> None:
    assert [each in said for each in NEWER_AND_LOST] == [True, True]
    assert "No restore is under way" not in said
    assert "Nobody else has a restore under way" not in said
    assert "You have no restore" not in said
