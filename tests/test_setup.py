"""The set-up: what the lock files list is everything, and nothing newer can get in its way.

`make demo` and `make test` install the lock files literally (`--no-deps`). A requirement that no
line meets would then be missing at run time, so the first test reads the requirements of every
locked distribution. The second plays the future: an index that offers a newer release of everything.
"""

import base64
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HOUSE = Path(__file__).parent.parent
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = PROJECT["project"]["dependencies"]
DEMO = PROJECT["project"]["optional-dependencies"]["demo"]
GROUPS = PROJECT["dependency-groups"]
DEV = [each for group in GROUPS.values() for each in group if isinstance(each, str)]
LOCKS = {
    "requirements-build.lock": GROUPS["build"],
    "requirements.lock": [*RUNTIME, *DEMO],
    "requirements-dev.lock": [*RUNTIME, *DEMO, *DEV],
}
PYTHONS = ("3.11.0", "3.11.7", "3.12.1", "3.13.0")
PLATFORMS = (("linux", "Linux"), ("darwin", "Darwin"))


def locked(name: str) -> list[Requirement]:
    """The pins of a lock file, without their hashes."""
    lines = (HOUSE / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line.rstrip(" \\")) for line in lines if line and line[0] not in " #"]


def here() -> dict[str, str]:
    """What the markers of a requirement are judged by, on this machine."""
    return {key: str(value) for key, value in default_environment().items()}


def environments() -> Iterator[dict[str, str]]:
    for python, (platform, system) in itertools.product(PYTHONS, PLATFORMS):
        yield {
            **here(),
            "python_full_version": python,
            "python_version": python.rpartition(".")[0],
            "sys_platform": platform,
            "platform_system": system,
        }


def applies(requirement: Requirement, environment: dict[str, str], extras: set[str]) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({**environment, "extra": e}) for e in ("", *extras))


def unmet(wanted: list[str], pins: list[Requirement], environment: dict[str, str]) -> set[str]:
    """The requirements that no pin meets, of everything that is asked for directly or indirectly."""
    versions = {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin in pins
        if applies(pin, environment, set())
    }
    missing: set[str] = set()
    seen: set[tuple[str, frozenset[str]]] = set()
    queue = [(Requirement(each), "pyproject.toml", frozenset[str]()) for each in wanted]
    queue += [(pin, "the lock", frozenset()) for pin in pins]
    while queue:
        requirement, by, asked = queue.pop()
        if not applies(requirement, environment, set(asked)):
            continue
        name = canonicalize_name(requirement.name)
        version = versions.get(name)
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            missing.add(f"{requirement} (asked for by {by}, locked is {version})")
            continue
        extras = frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        queue += [(each, name, extras) for each in requirements_of(name)]
    return missing


def requirements_of(name: str) -> list[Requirement]:
    """What a distribution says it needs; nothing for one that is not for this machine."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return []
    return [Requirement(each) for each in found.requires or []]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_meets_every_requirement_of_what_it_lists_extras_included(lock: str) -> None:
    pins = locked(lock)
    for environment in environments():
        assert unmet(LOCKS[lock], pins, environment) == set()


def test_an_extra_that_the_lock_does_not_cover_is_noticed() -> None:
    """kubernetes-validate asks for jsonschema; no pin of that name, and it is named."""
    pins = [pin for pin in locked("requirements-dev.lock") if pin.name != "jsonschema"]
    missing = unmet(LOCKS["requirements-dev.lock"], pins, next(environments()))
    assert {each.split(" ")[0].split(">")[0] for each in missing} >= {"jsonschema"}


def test_every_locked_distribution_that_is_for_this_machine_was_read() -> None:
    for lock in LOCKS:
        for pin in locked(lock):
            if applies(pin, here(), set()):
                distribution(pin.name)


def test_what_is_installed_twice_is_the_same_in_every_lock_file() -> None:
    pins: dict[str, set[str]] = {}
    for lock in LOCKS:
        for pin in locked(lock):
            pins.setdefault(pin.name, set()).add(str(pin.specifier))
    assert {name for name, versions in pins.items() if len(versions) > 1} == set()


@dataclass(frozen=True)
class Index:
    """A folder of small wheels: a stand-in for each release that a lock file names."""

    folder: Path

    def add(self, name: str, version: str, requires: list[str], extras: list[str]) -> str:
        """Put a wheel there; its hash as a lock file writes it."""
        label = stem(name, version)
        about = "".join(
            [
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
                *(f"Provides-Extra: {each}\n" for each in extras),
                *(f"Requires-Dist: {each}\n" for each in requires),
            ]
        )
        files = {
            f"{label}.dist-info/METADATA": about,
            f"{label}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\n"
            "Root-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{path},{digest(text)},{len(text)}\n" for path, text in files.items())
        files[f"{label}.dist-info/RECORD"] = f"{record}{label}.dist-info/RECORD,,\n"
        wheel = self.folder / f"{label}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
        return hashlib.sha256(wheel.read_bytes()).hexdigest()


def stem(name: str, version: str) -> str:
    """How a wheel and its folder of metadata begin."""
    return f"{name.replace('-', '_')}-{version}"


def digest(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def future(index: Index, pins: list[Requirement]) -> str:
    """Fill the index with every pin and with a newer release of each; the lock file for it."""
    lines = []
    for pin in pins:
        version = next(iter(pin.specifier)).version
        requires = [str(each) for each in requirements_of(pin.name)]
        try:
            extras = distribution(pin.name).metadata.get_all("Provides-Extra") or []
        except PackageNotFoundError:
            extras = []
        sha = index.add(pin.name, version, requires, extras)
        index.add(pin.name, "99999", requires, extras)
        lines.append(f"{pin} \\\n    --hash=sha256:{sha}\n")
    return "".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["the pip of this Python", "uv"])
def test_an_index_that_offers_newer_releases_of_everything_changes_nothing(
    tmp_path: Path, installer: str
) -> None:
    """It once did: the lock had `base`, a plugin asked for `base[toml]`, and pip looked for newer."""
    (tmp_path / "index").mkdir()
    index = Index(tmp_path / "index")
    (tmp_path / "requirements-build.lock").write_text("")
    (tmp_path / "requirements.lock").write_text("")
    lock = future(index, locked("requirements-dev.lock"))
    plugin = index.add("a-plugin", "1.0", ["a-base[toml]>=1"], [])
    base = index.add("a-base", "1.0", ['a-parser; extra == "toml"'], ["toml"])
    index.add("a-base", "2.0", ['a-parser; extra == "toml"'], ["toml"])
    lock += f"a-plugin==1.0 --hash=sha256:{plugin}\na-base==1.0 --hash=sha256:{base}\n"
    (tmp_path / "requirements-dev.lock").write_text(lock)
    shutil.copy(HOUSE / "Makefile", tmp_path)
    (tmp_path / "uv.toml").write_text(f'no-index = true\nfind-links = ["{index.folder}"]\n')
    uv = str(Path(sys.executable).parent / "uv") if installer == "uv" else ""
    venv = tmp_path / "venv"
    offline = {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index.folder),
        "PIP_CONFIG_FILE": os.devnull,
        "UV_CONFIG_FILE": str(tmp_path / "uv.toml"),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
    }
    done = subprocess.run(  # noqa: S603 - our own Makefile
        ["make", f"VENV={venv}", f"PYTHON={sys.executable}", f"UV={uv}", f"{venv}/.test-packages"],  # noqa: S607 - the make of this machine
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **offline},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    installed = {each.name for each in venv.glob("lib/python*/site-packages/*.dist-info")}
    pins = [each for each in locked("requirements-dev.lock") if applies(each, here(), set())]
    names = {stem(pin.name, next(iter(pin.specifier)).version) for pin in pins}
    wanted = {f"{each}.dist-info" for each in {*names, "a_plugin-1.0", "a_base-1.0"}}
    assert {each for each in installed if not each.startswith(("pip-", "setuptools-"))} == wanted
