"""The tables of docs/configuration.md, from the settings. A test compares; `make settings` writes them anew."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bot.settings.describe import SettingRow, describe

PAGE: Final = Path(__file__).parent / "configuration.md"
BEGIN, END = "<!-- generated from bot/settings/schema.py -->\n", "<!-- end -->\n"


def tables() -> str:
    """One table of the environment, one of the file."""
    rows = describe()
    variables = [row for row in rows if row.key.isupper()]
    keys = [row for row in rows if not row.key.isupper()]
    return (
        f"## Environment variables\n\n{_table('variable', variables)}\n"
        f"## The file\n\n{_table('key', keys)}"
    )


def _table(first: str, rows: Iterable[SettingRow]) -> str:
    """The rows as Markdown."""
    lines = [f"| {first} | type | default | meaning |", "|---|---|---|---|"]
    for row in rows:
        plain = row.default in {"required", "not set"}
        default = row.default if plain else f"`{row.default}`"
        lines.append(f"| `{row.key}` | {row.kind} | {default} | {row.meaning} |")
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """The page with the tables between its marks made anew."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
