"""Text for a terminal or a Markdown file: what others wrote can move no cursor and mark up nothing."""

import re
from collections.abc import Sequence

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~])")


def plain(text: str) -> str:
    """One line, with what does not print (escape sequences, line breaks) as "?"."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def markdown(text: str) -> str:
    """The same, which Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", plain(text))


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the last one as it is."""
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)][:-1]
    lines = (
        "  ".join(
            [*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]]
        )
        for row in cells
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)
