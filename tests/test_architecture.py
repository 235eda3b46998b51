"""The pages for people who work on this code name paths and functions that exist."""

import ast
import re
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


@pytest.mark.parametrize(("page", "path"), found(PATH))
def test_a_path_exists(page: str, path: str) -> None:
    assert (HOUSE / path).exists() or (HOUSE / page).parent.joinpath(path).exists()


@pytest.mark.parametrize(("page", "path"), [one for one in found(PATH, OTHERS) if "/" in one[1]])
def test_a_path_of_any_other_page_exists(page: str, path: str) -> None:
    assert (HOUSE / path).exists(), page


@pytest.mark.parametrize(("page", "text"), found(MEMBER))
def test_what_stands_in_a_file_is_there(page: str, text: str) -> None:
    match = MEMBER.fullmatch(text)
    assert match, page
    assert match.group(2) in names_in(HOUSE / match.group(1))


@pytest.mark.parametrize(("page", "dotted"), found(DOTTED))
def test_a_dotted_name_exists(page: str, dotted: str) -> None:
    assert exists(dotted), page


@pytest.mark.parametrize(("page", "text"), found(OF_A_CLASS))
def test_a_member_is_one_of_its_class(page: str, text: str) -> None:
    assert text.strip("`") in everything(), page


@pytest.mark.parametrize(("page", "text"), found(ALONE))
def test_a_name_alone_is_one_of_the_code(page: str, text: str) -> None:
    assert text.strip("`") in {name.rpartition(".")[2] for name in everything()}, page


@pytest.mark.parametrize(
    ("page", "link"),
    sorted({(p, m.group(1)) for p in (*PAGES, *OTHERS) for m in LINK.finditer(text_of(p))}),
)
def test_a_link_leads_somewhere(page: str, link: str) -> None:
    assert (HOUSE / page).parent.joinpath(link).exists()


@pytest.mark.parametrize(("page", "text"), found(TARGET))
def test_what_make_is_asked_for_it_can_do(page: str, text: str) -> None:
    makefile = text_of("Makefile")
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
