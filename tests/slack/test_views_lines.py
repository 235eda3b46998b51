"""A list ends where its message would be too large, and says how many more there are."""

import pytest

from bot.slack.markup.mrkdwn import Mrkdwn
from bot.slack.views.lines import MAX_LINES, ROOM, cut


def lines(count: int, size: int = 10) -> list[Mrkdwn]:
    """So many lines of so many bytes."""
    return [Mrkdwn(f"{number:04d}".ljust(size, "x")) for number in range(count)]


@pytest.mark.parametrize(
    ("count", "size", "shown"),
    [
        pytest.param(0, 10, 0, id="nothing is shown of nothing"),
        pytest.param(MAX_LINES, 10, MAX_LINES, id="all that fit are shown"),
        pytest.param(MAX_LINES + 1, 10, MAX_LINES, id="not more lines than a list may have"),
        pytest.param(10, ROOM // 4, 4, id="not more bytes than a message may have"),
        pytest.param(3, ROOM + 1, 1, id="one line at least, however long"),
    ],
)
def test_a_list_is_cut(count: int, size: int, shown: int) -> None:
    every = lines(count, size)
    seen = cut(every)
    rest = [f"• and {count - shown} more"] if count > shown else []
    assert seen == [*every[:shown], *rest]


def test_what_does_not_fit_is_found_by_a_narrower_command() -> None:
    (_, last) = cut(lines(5), Mrkdwn("`/vm-restore list VM`"), room=15)
    assert last == "• and 4 more, narrow it with `/vm-restore list VM`"


def test_letters_of_several_bytes_count_as_such() -> None:
    assert len(cut([Mrkdwn("€" * 10)] * 3, room=60)) == 3
