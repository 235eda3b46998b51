"""The command: arguments in, one call, print."""

import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot import __version__, cli

HOUSE = Path(__file__).parent.parent


def command(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`python -m bot` in a process of its own, with this environment and no other."""
    call = [sys.executable, "-m", "bot", *arguments]
    clean = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(HOUSE), "COLUMNS": "100", **env}
    return subprocess.run(  # noqa: S603 - our own command
        call, env=clean, capture_output=True, text=True, check=False, timeout=300, cwd=HOUSE
    )


def test_help_lists_the_commands_and_loads_none_of_their_libraries() -> None:
    code = (
        "import sys, json; sys.argv = ['vm-restore-bot', '--help']\n"
        "from bot.cli import main\n"
        "try: main()\n"
        "finally: print(json.dumps(sorted(m.partition('.')[0] for m in sys.modules)))"
    )
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HOUSE
    )
    *shown, modules = done.stdout.splitlines()
    assert {line.split()[0] for line in shown if line.startswith("  ")} >= {
        "run",
        "demo",
        "manifest",
    }
    heavy = {"aiohttp", "kubernetes", "pydantic", "redis", "slack_bolt", "slack_sdk", "structlog"}
    assert heavy & set(json.loads(modules)) == set()


def test_version() -> None:
    done = command("--version")
    assert done.stdout == f"vm-restore-bot {__version__}\n"
    assert done.returncode == 0


def test_wrong_settings_are_printed_line_by_line_and_exit_with_2() -> None:
    done = command("run", SLACK_BOT_TOKEN="xapp-1-s3cret", REDIS_URL="localhost")
    assert done.returncode == 2
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        "SLACK_APP_TOKEN",
        "SLACK_BOT_TOKEN",
        "REDIS_URL",
    ]
    assert "s3cret" not in done.stderr
    assert done.stdout == ""


def test_the_manifest_is_printed_for_the_chosen_way() -> None:
    assert "socket_mode_enabled: true" in command("manifest").stdout
    done = command("manifest", "--mode", "http", "--url", "https://vm.example.com/")
    assert "request_url: https://vm.example.com/slack/events" in done.stdout


@pytest.mark.parametrize(
    "url", ["", "http://vm.example.com", "vm.example.com", "https://x/elsewhere"]
)
def test_a_manifest_for_http_needs_a_public_address(url: str) -> None:
    done = command("manifest", "--mode", "http", "--url", url)
    assert done.returncode == 2
    assert done.stderr.startswith("--url: is missing or no public address; write")


def test_an_unknown_command_is_refused() -> None:
    done = command("dance")
    assert done.returncode == 2
    assert "dance" in done.stderr


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Puts a play of the test's own in the place of the demo."""

    def put(play: Any) -> None:
        module = types.ModuleType("bot.playground.demo")
        setattr(module, "play", play)  # noqa: B010 - a module made here has no such name yet
        monkeypatch.setitem(sys.modules, module.__name__, module)

    return put


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """The command's exit code, in this process."""
    monkeypatch.setattr(sys, "argv", ["vm-restore-bot", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return left.value.code


def test_the_demo_is_played_as_asked_and_its_result_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, stage: Callable[[Any], None]
) -> None:
    asked: list[tuple[bool, int]] = []

    async def play(*, keep: bool, port: int, out: Any) -> int:
        out.write("a story")
        asked.append((keep, port))
        return 3

    stage(play)
    assert run(monkeypatch, "demo", "--keep", "--port", "6443") == 3
    assert run(monkeypatch, "demo") == 3
    assert asked == [(True, 6443), (False, 0)]


def test_ctrl_c_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
    stage: Callable[[Any], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def play(**_: Any) -> int:
        raise KeyboardInterrupt

    stage(play)
    assert run(monkeypatch, "demo") == 130
    assert "Traceback" not in capsys.readouterr().err
