"""Whether the open question stood in the thread before a reply to it was written."""

import pytest

from bot.restore.model import Restore
from bot.slack.handlers.apply_event import NotYet, _stood
from bot.store.records import PostedCard
from tests.restore import play as p

QUESTION = "warning.2"

# ts of the card, ts of the reply -> did the question stand before the reply?
ORDER: list[tuple[str, str, bool]] = [
    ("1771432200.000100", "1771432201.000100", True),
    ("1771432200.000100", "1771432200.000101", True),
    ("1771432200.000100", "1771432200.000100", False),
    ("1771432200.000101", "1771432200.000100", False),
    ("1771432201.000100", "1771432200.000900", False),
    ("999.000100", "1000.000100", True),
    ("1000.000100", "999.000100", False),
]


def asking() -> Restore:
    """A restore that asks for the name."""
    restore = p.typing().restore
    assert restore.question is not None
    assert restore.question.key == QUESTION
    return restore


@pytest.mark.parametrize(("card", "reply", "stood"), ORDER)
def test_only_a_reply_that_was_written_after_the_question_answers_it(
    card: str, reply: str, stood: bool
) -> None:
    assert _stood({QUESTION: PostedCard(card, "d")}, asking(), reply) is stood


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param({}, id="not yet posted"),
        pytest.param({QUESTION: PostedCard(None, "")}, id="its post was begun"),
        pytest.param({"request.1": PostedCard("1.1", "d")}, id="only an earlier card is known"),
    ],
)
def test_a_reply_waits_until_it_is_known_where_the_question_stands(
    shown: dict[str, PostedCard],
) -> None:
    with pytest.raises(NotYet):
        _stood(shown, asking(), "1771432200.000100")


def test_where_nothing_is_asked_every_reply_is_in_time() -> None:
    restore = p.play().restore
    assert restore.question is None
    assert _stood({}, restore, "1.1")
