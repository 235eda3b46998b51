"""Each mutant of `make mutants` can be tried: its place is clear, and its test is there."""

import ast

import pytest

from tests.tools.mutants import HOUSE, MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_has_its_one_place_and_its_test(mutant: Mutant) -> None:
    """A place that is not clear is an error, and so is a change that no longer is code."""
    text = mutant.applied((HOUSE / mutant.file).read_text(encoding="utf-8"))
    if mutant.file.endswith(".py"):
        ast.parse(text)
    assert (HOUSE / mutant.test).is_file()


def test_no_mutant_is_tried_twice() -> None:
    assert len(set(MUTANTS)) == len(MUTANTS)
    assert all(each.old != each.new for each in MUTANTS)
