"""Every card in every state, word for word. Update with `pytest tests/slack --update-golden`."""

from pathlib import Path

import pytest

from bot.slack import views
from tests.slack.examples import EXAMPLES
from tests.slack.pages import page

GOLDEN = Path(__file__).parent / "golden"


def compare(name: str, text: str, *, update: bool) -> None:
    """Equal to the golden file, or write it anew."""
    path = GOLDEN / f"{name}.txt"
    if update:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_card_reads_as_agreed(name: str, update_golden: bool) -> None:
    compare(name, page(views.render(*EXAMPLES[name])), update=update_golden)


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {*EXAMPLES}
