"""What is generated in the Helm chart: the schema of `config` from the settings, the table of values.

A wrong setting is then refused by `helm template`, before a pod starts with it. Left to the bot are the
bounds of durations that are written as text, and settings that do not fit each other. Tests compare;
`make chart` writes both files anew.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from bot.settings import Settings
from bot.settings.types import WRITTEN_DURATION, is_duration

CHART: Final = Path(__file__).parent.parent / "helm" / "vm-restore-bot"
SCHEMA: Final = CHART / "values.schema.json"
README: Final = CHART / "README.md"
VALUES: Final = CHART / "values.yaml"
BEGIN, END = "<!-- generated from values.yaml -->\n", "<!-- end -->\n"
OF_THE_CHART: Final = frozenset({"environment", "http"})
"""Sections that a value may not set: the pod's own environment, and the ports."""
_DROPPED: Final = frozenset({"title", "default", "description"})


# --- The schema -----------------------------------------------------------------------------------


def schema(text: str) -> str:
    """The values' schema with its part for `config` made anew."""
    tree = json.loads(text)
    tree["properties"]["config"] = of_config()
    return f"{json.dumps(tree, indent=2, ensure_ascii=False)}\n"


def of_config() -> dict[str, Any]:
    """The JSON schema (draft 7) of the value `config`."""
    whole = Settings.model_json_schema()
    made: dict[str, Any] = _inlined(whole, whole["$defs"])
    made["required"] = []
    for section in OF_THE_CHART:
        del made["properties"][section]
    del made["properties"]["store"]["properties"]["data_dir"]
    # A cluster that is only named: `clusters: {default: }`.
    (clusters,) = made["properties"]["clusters"]["patternProperties"].values()
    clusters["type"] = ["object", "null"]
    return {key: each for key, each in made.items() if each != []}


def _inlined(node: Any, known: Mapping[str, Any]) -> Any:
    """Without references and words; a mapping takes no key that its pattern does not."""
    match node:
        case {"$ref": str(path)}:
            return _inlined(known[path.rpartition("/")[2]], known)
        case dict():
            made = {
                key: _properties(each, known) if key == "properties" else _inlined(each, known)
                for key, each in node.items()
                if key not in _DROPPED | {"$defs"}
            }
            return made | ({"additionalProperties": False} if "patternProperties" in made else {})
        case list():
            return [_inlined(each, known) for each in node]
        case _:
            return node


def _properties(fields: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Each field by its name; what is named like a duration is written as people write one."""
    return {
        name: {"anyOf": [made, dict(WRITTEN_DURATION)]} if is_duration(name) else made
        for name, made in ((name, _inlined(each, known)) for name, each in fields.items())
    }


# --- The table ------------------------------------------------------------------------------------


class ValueRow(NamedTuple):
    """A value of the chart: its key, its default as JSON, and what its comment says."""

    key: str
    default: str
    meaning: str


def rows(text: str) -> Iterator[ValueRow]:
    """The values of a values.yaml, in their order. A comment belongs to what stands under it.

    A comment over a section belongs to each value in it that has none before: it is told once, in a
    row of the section's own.
    """
    tree = yaml.safe_load(text)
    path: list[str] = []
    said: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            said.append(line.strip().removeprefix("#").strip())
        elif found := re.match(r"( *)([A-Za-z]+):(.*)", line):
            indent, name, rest = found.groups()
            path[len(indent) // 2 :] = [name]
            if rest.strip():
                value = tree
                for part in path:
                    value = value[part]
                yield ValueRow(".".join(path), json.dumps(value), " ".join(said))
            elif said:
                yield ValueRow(".".join(path), "", " ".join(said))
            said = []
        elif not line.strip():
            said = []


def table(text: str) -> str:
    """The rows as Markdown."""
    lines = ["| value | default | meaning |", "|---|---|---|"]
    for row in rows(text):
        default = f"`{row.default}`" if row.default else ""
        meaning = row.meaning.replace("|", "\\|")
        lines.append(f"| `{row.key}` | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def readme(text: str, values: str) -> str:
    """The page with the table between its marks made anew."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{table(values)}\n{END}{after}"


def main() -> None:
    """Write what is generated."""
    SCHEMA.write_text(schema(SCHEMA.read_text(encoding="utf-8")), encoding="utf-8")
    page = readme(README.read_text(encoding="utf-8"), VALUES.read_text(encoding="utf-8"))
    README.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
