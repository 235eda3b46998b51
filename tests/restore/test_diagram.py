"""The page in docs/ shows what the machine does, no more and no less."""

from bot.restore.model import Phase
from docs import diagram

TEXT = diagram.PAGE.read_text(encoding="utf-8")


def test_the_page_is_what_the_machine_draws() -> None:
    assert diagram.drawn(TEXT) == TEXT, "make diagram draws it anew"


def test_what_stood_between_the_marks_is_replaced_and_nothing_else() -> None:
    before, _, rest = TEXT.partition(diagram.BEGIN)
    after = rest.partition(diagram.END)[2]
    old = f"{before}{diagram.BEGIN}an older drawing{diagram.END}{after}"
    assert diagram.drawn(old) == TEXT


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
