"""The pages for people who work on this code, and its docstrings, name what exists."""

import ast
import re
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
PAGES = ("docs/architecture.md", "CONTRIBUTING.md", "docs/glossary.md")
OTHERS = sorted(
    page.relative_to(HOUSE).as_posix()
    for page in (*HOUSE.glob("*.md"), *(HOUSE / "docs").rglob("*.md"))
    if page.relative_to(HOUSE).as_posix() not in PAGES
)
TOPS = "bot|tests|docs|helm|config"
PATH = re.compile(
    rf"(?<![\w./-])(?:(?:{TOPS})/[\w./-]*\w|\.ci/[\w-]+|[\w-]+\.(?:toml|md|yaml))(?![\w/])"
)
MEMBER = re.compile(rf"(?<![\w./-])((?:{TOPS})/[\w./-]+\.py)::?(\w+(?:\.\w+)*)")
DOTTED = re.compile(r"(?<![\w./-])(?:bot|tests)(?:\.\w+)+(?![\w/])")
OF_A_CLASS = re.compile(r"`[A-Z]\w*[a-z]\w*\.\w+`")
ALONE = re.compile(r"`[A-Z]\w{2,}`")
LINK = re.compile(r"\]\(([^)#:]+)\)")
TARGET = re.compile(r"\bmake ([a-z-]+)")


def found(pattern: re.Pattern[str], pages: Iterable[str] = PAGES) -> list[tuple[str, str]]:
    """What a pattern finds, each once, with the page it was found in."""
    return sorted(
        {(page, match.group()) for page in pages for match in pattern.finditer(text_of(page))}
    )


@cache
def text_of(page: str) -> str:
    """A page."""
    return (HOUSE / page).read_text(encoding="utf-8")


@cache
def names_in(path: Path) -> frozenset[str]:
    """What a module defines: functions, classes and constants, and members as `Class.member`."""
    return frozenset(_names(ast.parse(path.read_text(encoding="utf-8")).body))


def _names(body: list[ast.stmt], inside: str = "") -> Iterator[str]:
    for node in body:
        match node:
            case ast.ClassDef(name=name, body=members):
                yield inside + name
                yield from _names(members, f"{inside}{name}.")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield inside + name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield inside + name
            case ast.Assign(targets=targets):
                yield from (inside + each.id for each in targets if isinstance(each, ast.Name))
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                yield from (inside + (each.asname or each.name) for each in aliases)


def module_of(parts: list[str]) -> Path | None:
    """The file of a module or the folder of a package, if there is one."""
    path = HOUSE.joinpath(*parts)
    return (
        path if path.is_dir() else next((p for p in [path.with_suffix(".py")] if p.exists()), None)
    )


def exists(dotted: str) -> bool:
    """A module, or what a module defines."""
    parts = dotted.split(".")
    if module_of(parts):
        return True
    for length in range(len(parts) - 1, 0, -1):
        module = module_of(parts[:length])
        if module is not None:
            file = module / "__init__.py" if module.is_dir() else module
            return file.exists() and ".".join(parts[length:]) in names_in(file)
    return False


@cache
def everything() -> frozenset[str]:
    """What the modules of the product and of the tests define."""
    modules = [path for top in ("bot", "tests") for path in (HOUSE / top).rglob("*.py")]
    return frozenset(name for path in modules for name in names_in(path))


def test_a_path_exists() -> None:
    for page, path in found(PATH):
        assert (HOUSE / path).exists() or (HOUSE / page).parent.joinpath(path).exists(), page
    for page, path in found(PATH, OTHERS):
        assert "/" not in path or (HOUSE / path).exists(), page


def test_what_stands_in_a_file_is_there() -> None:
    for page, text in found(MEMBER):
        match = MEMBER.fullmatch(text)
        assert match, page
        assert match.group(2) in names_in(HOUSE / match.group(1)), page


def test_a_name_is_one_of_the_code() -> None:
    """A dotted one, one of a class, and one alone."""
    last = {name.rpartition(".")[2] for name in everything()}
    for page, dotted in found(DOTTED):
        assert exists(dotted), page
    for page, text in found(OF_A_CLASS):
        assert text.strip("`") in everything(), page
    for page, text in found(ALONE):
        assert text.strip("`") in last, page


def test_a_link_leads_somewhere() -> None:
    for page in (*PAGES, *OTHERS):
        for link in LINK.finditer(text_of(page)):
            assert (HOUSE / page).parent.joinpath(link.group(1)).exists(), page


def test_what_make_is_asked_for_it_can_do() -> None:
    makefile = text_of("Makefile")
    for page, text in found(TARGET):
        assert re.search(rf"^{text.removeprefix('make ')}:", makefile, re.MULTILINE), page


def test_every_room_is_explained() -> None:
    """Each package and module directly in `bot`, and each room of `bot/slack`."""
    rooms = {
        path.relative_to(HOUSE).as_posix()
        for top in (HOUSE / "bot", HOUSE / "bot" / "slack")
        for path in top.iterdir()
        if path.suffix == ".py" or any(path.glob("*.py"))
    }
    explained = set(re.findall(r"`(bot/[\w/.]+?)/?`", text_of("docs/architecture.md")))
    hidden = {room for room in rooms if Path(room).name.startswith("__")}
    assert rooms - hidden - explained == set()


# --- Docstrings and comments ----------------------------------------------------------------------

FILE = re.compile(r"(?<![\w./*-])[\w/*]+\.py\b(?!:)")
PART = re.compile(r"`([A-Za-z_]\w*)\.([A-Za-z_]\w*)[\w.]*`")
NOT_OURS = {
    "chat",
    "details",
    "exec",
    "plural",
    "requests",
    "spec",
    "state",
    "status",
    "str",
    "subresources",
}
"""Fields of Kubernetes and Slack, and Python's own types."""


def said_in_the_code() -> list[tuple[str, str]]:
    """Each docstring and comment of the bot, with its file and line."""
    found = []
    for path in sorted((HOUSE / "bot").rglob("*.py")):
        with path.open("rb") as file:
            tokens = list(tokenize.tokenize(file.readline))
        name = path.relative_to(HOUSE).as_posix()
        found += [
            (f"{name}:{token.start[0]}", token.string)
            for token in tokens
            if token.type == tokenize.COMMENT or token.string.startswith('"""')
        ]
    return found


@cache
def defined_in(module: str) -> frozenset[str]:
    """What a module or package of this name holds: modules, functions, classes and their members."""
    files = [
        path
        for path in (HOUSE / "bot").rglob("*.py")
        if module in (path.stem, *path.relative_to(HOUSE).parts[:-1])
    ]
    names = {name.rpartition(".")[2] for path in files for name in names_in(path)}
    return frozenset(names | {path.stem for path in files} | {path.parent.name for path in files})


def wrong_names(text: str) -> Iterator[str]:
    """What a text names that does not exist."""
    for match in MEMBER.finditer(text):
        path = HOUSE / match.group(1)
        if not path.exists() or match.group(2) not in names_in(path):
            yield match.group()
    for match in FILE.finditer(text):
        inside = (path for top in ("bot", "tests") for path in (HOUSE / top).rglob(match.group()))
        if not (HOUSE / match.group()).exists() and not any(inside):
            yield match.group()
    yield from (each.group() for each in DOTTED.finditer(text) if not exists(each.group()))
    for match in PART.finditer(text):
        whole, part = match.groups()
        of_a_class = whole[0].isupper()
        known = f"{whole}.{part}" in everything() if of_a_class else part in defined_in(whole)
        if part not in ("py", "lua") and whole not in NOT_OURS and not known:
            yield match.group()


def test_docstrings_and_comments_name_what_exists() -> None:
    wrong = [(place, name) for place, text in said_in_the_code() for name in wrong_names(text)]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("see `workflow.step` in bot/restore/workflow.py:step and views/form.py", []),
        ("of `Reconciler.run`, `bot.restore.model`, `spec.runStrategy`", []),
        ("`workflow.stepp`", ["`workflow.stepp`"]),
        ("`Reconciler.runn`", ["`Reconciler.runn`"]),
        ("`rounds.Round`", ["`rounds.Round`"]),
        ("see bot/restore/workflow.py:stepp", ["bot/restore/workflow.py:stepp"]),
        ("bot.restore.nowhere", ["bot.restore.nowhere"]),
        ("see handoffs.py", ["handoffs.py"]),
    ],
)
def test_a_wrong_name_is_noticed(text: str, wrong: list[str]) -> None:
    assert list(wrong_names(text)) == wrong
