"""Lists as the API server prints them for kubectl: of each object a few cells, some hundred bytes.

The columns of a custom resource stand in its definition. Those of restores are the same in every
KubeVirt since 0.40. A boolean is a cell of that type, what an object does not have is null.
"""

from collections.abc import Sequence

from bot.cluster.document import Json, items, text

ACCEPT = "application/json;as=Table;v=v1;g=meta.k8s.io"
WITHOUT_OBJECTS = {"includeObject": "None"}
"""Else each row carries the metadata of its object, which are larger than the cells."""
ROWS = 5000
"""Rows of a page."""


def rows(page: Json, columns: Sequence[str]) -> list[tuple[object, ...]] | None:
    """The cells of these columns in each row; None if the page is no table that has them."""
    heads = [text(one, "name") for one in items(page, "columnDefinitions")]
    if text(page, "kind") != "Table" or not {*columns} <= {*heads}:
        return None
    wanted = [heads.index(name) for name in columns]
    cells = [one.get("cells") for one in items(page, "rows")]
    if not all(isinstance(row, list) and len(row) == len(heads) for row in cells):
        return None
    return [tuple(row[place] for place in wanted) for row in cells if isinstance(row, list)]
