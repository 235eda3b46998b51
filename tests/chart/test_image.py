"""The Dockerfile. No image is built here: hadolint reads it, and its promises are looked up."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent.parent
TEXT = (HOUSE / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (HOUSE / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_hadolint_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("hadolint is not installed beside this Python")
    done = subprocess.run(  # noqa: S603 - the linter of our own environment
        [hadolint, "--no-color", str(HOUSE / "Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_both_stages_start_from_one_base_that_is_pinned_and_can_be_replaced() -> None:
    assert re.search(
        r"^ARG BASE_IMAGE=python:3\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", TEXT, re.MULTILINE
    )
    assert re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE) == ["${BASE_IMAGE}", "${BASE_IMAGE}"]


def test_everything_from_an_index_is_checked_against_its_hash_and_nothing_is_compiled() -> None:
    installs = re.findall(r"install [^&]*-r [^\n]*", TEXT)
    assert len(installs) == 2
    for line in installs:
        assert "--no-deps" in line
        assert "--require-hashes" in line
        assert "--only-binary :all:" in line
    assert "apt-get" not in TEXT


def test_the_bot_runs_as_nobody_in_particular() -> None:
    last = TEXT.rsplit("FROM", 1)[1]
    assert re.findall(r"^USER (.+)$", last, re.MULTILINE) == ["10001:10001"]
    assert last.index("USER") < last.index("ENTRYPOINT")
    assert 'ENTRYPOINT ["vm-restore-bot"]\nCMD ["run"]' in last


def test_the_image_gets_only_what_it_is_made_from() -> None:
    assert "*" in IGNORED
    kept = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    copied = set()
    for arguments in re.findall(r"^COPY (?!--from)(.+)$", TEXT, re.MULTILINE):
        copied |= set(arguments.split()[:-1])
    assert kept == copied
    assert all((HOUSE / name).exists() for name in copied)


@pytest.mark.parametrize("answer", ["Digest:    sha256:" + 64 * "b", "not found"])
def test_the_digest_of_the_base_is_renewed_by_what_the_registry_tells(
    tmp_path: Path, answer: str
) -> None:
    """No registry is asked here: a program called docker answers as `buildx imagetools inspect` does."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(HOUSE / ".ci" / "image", tmp_path / ".ci")
    shutil.copy(HOUSE / "Dockerfile", tmp_path)
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\nprintf 'Name:      %s\\n{answer}\\n' \"$4\"\n")
    docker.chmod(0o755)
    done = subprocess.run(  # noqa: S603 - our own script
        [tmp_path / ".ci" / "image", "renew"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    after = (tmp_path / "Dockerfile").read_text(encoding="utf-8")
    if answer == "not found":
        assert (done.returncode, after) == (1, TEXT)
        return
    assert done.returncode == 0, done.stderr
    assert f"ARG BASE_IMAGE=python:3.13-slim-bookworm@sha256:{64 * 'b'}\n" in after
    assert "# Digest: told by the registry on 2" in after
    assert after.partition("FROM")[2] == TEXT.partition("FROM")[2]
