"""The glossary explains words that stand in the code, and explains each once."""

import re
from pathlib import Path

HOUSE = Path(__file__).parent.parent
TEXT = (HOUSE / "docs" / "glossary.md").read_text(encoding="utf-8")
CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for top in ("bot", "tests")
    for path in sorted((HOUSE / top).rglob("*.py"))
    if path != Path(__file__)
)
TERMS = re.findall(r"^\| ([a-z][\w ]+) \|", TEXT, re.MULTILINE)
NAMES = sorted(set(re.findall(r"`([A-Z][A-Za-z]+)`", TEXT)))


def test_a_term_is_explained_once() -> None:
    explained = [term for term in TERMS if term != "term"]
    assert len(explained) == len(set(explained))
    assert len(explained) >= 25


def test_a_term_stands_in_the_code() -> None:
    code = CODE.lower()
    for term in TERMS:
        words = r"[\s_]*".join(map(re.escape, term.split()))
        assert term == "term" or re.search(rf"\b{words}", code), term


def test_a_name_is_one_of_the_code() -> None:
    defined = set(re.findall(r"\b(?:class|def) (\w+)\b|\b(\w+) = ", CODE))
    assert set(NAMES) <= {name for pair in defined for name in pair}
