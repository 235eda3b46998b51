"""The page in docs/ shows what the machine does, no more and no less."""

import subprocess
import sys
from pathlib import Path

from bot.restore import diagram
from bot.restore.model import Phase

HOUSE = Path(__file__).parent.parent.parent
PAGE = HOUSE / "docs" / "workflow.md"
BEGIN = "<!-- drawn by bot.restore.diagram: do not edit by hand -->\n\n"
END = "\n\n<!-- end of the drawing -->"


def test_the_page_is_what_the_machine_draws() -> None:
    text = PAGE.read_text(encoding="utf-8")
    drawn = text.partition(BEGIN)[2].partition(END)[0]
    assert drawn == diagram.page(), (
        "put the output of python -m bot.restore.diagram between the marks"
    )


def test_the_module_prints_the_page() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "bot.restore.diagram"],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == f"{diagram.page()}\n"
    assert said.stderr == ""


def test_every_phase_is_reached_and_only_ends_are_not_left() -> None:
    found = diagram.edges()
    assert {edge.target for edge in found} | {Phase.GATHERING} == set(Phase)
    assert {edge.source for edge in found} == {phase for phase in Phase if not phase.ended}


def test_every_way_has_words() -> None:
    assert all(edge.label.strip() for edge in diagram.edges())


def test_nothing_but_a_click_leads_from_both_confirmations_to_the_act() -> None:
    """RESTORING is entered by the click, or after a stop or a snapshot that followed the click.

    What was made already is followed from wherever it is found: nothing is done there.
    """
    done = "the restore object exists already"
    ways = [edge for edge in diagram.edges() if edge.target is Phase.RESTORING]
    sources = {edge.source for edge in ways if edge.label != done}
    assert sources == {Phase.CONFIRMING, Phase.STOPPING, Phase.PROTECTING}
    into = {edge.label for edge in diagram.edges() if edge.target is Phase.CONFIRMING}
    assert into == {"the exact name is typed"}
