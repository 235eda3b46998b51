"""The command: arguments in, one call, print."""

import json
import os
import signal
import socket
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import __version__, cli

HOUSE = Path(__file__).parent.parent


def command(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`python -m bot` in a process of its own, with this environment and no other."""
    call = [sys.executable, "-m", "bot", *arguments]
    clean = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(HOUSE), "COLUMNS": "100", **env}
    return subprocess.run(  # noqa: S603 - our own command
        call, env=clean, capture_output=True, text=True, check=False, timeout=300, cwd=HOUSE
    )


SETTINGS = {
    "SLACK_BOT_TOKEN": "xoxb-1-1-s3cret",
    "SLACK_APP_TOKEN": "xapp-1-A1-1-s3cret",
    "SLACK_API_URL": "http://127.0.0.1:1/api/",
}
NOBODY = """
import pwd, os

def unknown(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")

pwd.getpwuid = unknown
"""


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of loopback that somebody else listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(1)
        yield held.getsockname()[1]


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
        "playground",
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


def test_the_manifest_is_printed_for_the_chosen_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "socket_mode_enabled: true" in command("manifest").stdout
    assert run(monkeypatch, "manifest", "--mode", "http", "--url", "https://vm.example.com/") == 0
    assert "request_url: https://vm.example.com/slack/events" in capsys.readouterr().out


def test_the_manifest_has_the_names_of_the_file_before_there_is_a_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "config.yaml"
    monkeypatch.setenv("VM_RESTORE_CONFIG", str(file))
    file.write_text("app: {command: /db-restore, name: Databases}\n")
    assert run(monkeypatch, "manifest") == 0
    made = yaml.safe_load(capsys.readouterr().out)
    assert made["features"]["slash_commands"][0]["command"] == "/db-restore"
    assert made["features"]["bot_user"]["display_name"] == "db-restore"
    assert made["display_information"]["name"] == "Databases"
    file.write_text("app: {command: restore}\n")
    assert run(monkeypatch, "manifest") == 2
    assert capsys.readouterr().err.startswith('app.command: "restore" is no slash command; write')
    file.write_text("[]\n")
    assert run(monkeypatch, "manifest") == 2
    assert "must hold a mapping" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["", "http://vm.example.com", "vm.example.com", "https://x/elsewhere"]
)
def test_a_manifest_for_http_needs_a_public_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    assert run(monkeypatch, "manifest", "--mode", "http", "--url", url) == 2
    assert capsys.readouterr().err.startswith("--url: is missing or no public address; write")


def test_an_unknown_command_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "dance") == 2
    assert "dance" in capsys.readouterr().err


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
    async def play(*, out: Any) -> int:
        out.write("a story")
        return 3

    stage(play)
    assert run(monkeypatch, "demo") == 3


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


def test_a_taken_port_of_the_bot_is_named_with_what_to_do(tmp_path: Path, taken: int) -> None:
    config, login = tmp_path / "config.yaml", tmp_path / "kubeconfig"
    config.write_text(f"http: {{host: 127.0.0.1, port: {taken}}}")
    login.write_text("{}")
    done = command("run", **SETTINGS, VM_RESTORE_CONFIG=str(config), KUBECONFIG=str(login))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line == (
        f"http.port: {taken} is taken by another program on this machine; stop that one, or write"
        " another number (0 takes a free port)"
    )


def test_an_address_that_is_not_of_this_machine(tmp_path: Path) -> None:
    config, login = tmp_path / "config.yaml", tmp_path / "kubeconfig"
    config.write_text("http: {host: 192.0.2.1, port: 0}")
    login.write_text("{}")
    done = command("run", **SETTINGS, VM_RESTORE_CONFIG=str(config), KUBECONFIG=str(login))
    assert done.returncode == 2
    assert done.stderr.startswith("http.host, http.port: the bot cannot listen on 192.0.2.1:0")
    assert len(done.stderr.splitlines()) == 1


def test_a_taken_port_of_the_playground_is_named_with_how_to_choose_another(taken: int) -> None:
    done = command("playground", "--port", str(taken))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"--port: {taken} cannot be had on 127.0.0.1 (Address already in use)")
    assert "choose another with --port NUMBER" in line


def test_a_machine_without_loopback_is_told_so(tmp_path: Path) -> None:
    """The demo names what is wrong, and no token."""
    (tmp_path / "sitecustomize.py").write_text(
        "import errno, os, socket\n"
        "class Cut(socket.socket):\n"
        "    def connect(self, address):\n"
        "        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))\n"
        "socket.socket = Cut\n"
    )
    done = command("demo", PYTHONPATH=f"{tmp_path}{os.pathsep}{HOUSE}")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("This machine cannot reach itself at 127.0.0.1 (Network is unreachable)")
    assert "ip link set lo up" in line


def test_a_user_whom_the_machine_does_not_know(tmp_path: Path) -> None:
    """As in a pod with any uid and no HOME: no traceback, whatever asks for a home directory."""
    (tmp_path / "sitecustomize.py").write_text(NOBODY)
    code = "import slack_bolt.async_app; from pathlib import Path; print(Path.home())"
    path = f"{tmp_path}{os.pathsep}{HOUSE}"
    clean = {"PATH": "/usr/bin:/bin", "PYTHONPATH": path}
    bare = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=False
    )
    assert "Could not determine home directory" in bare.stderr  # the stage is set
    login = tmp_path / "kubeconfig"
    login.write_text("{}")
    config = tmp_path / "config.yaml"
    config.write_text(f"http: {{host: 192.0.2.1}}\nstore: {{data_dir: {tmp_path}}}")
    env = {**SETTINGS, "KUBECONFIG": str(login), "VM_RESTORE_CONFIG": str(config)}
    for word in ("manifest", "run", "check"):
        done = command(word, **env, PYTHONPATH=path)
        assert "Traceback" not in done.stderr
        assert "home" not in done.stderr


def test_sigterm_ends_it_from_the_first_moment(tmp_path: Path) -> None:
    """Here it has not even read its settings: the file is a pipe that nobody writes to."""
    pipe = tmp_path / "config.yaml"
    os.mkfifo(pipe)
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(HOUSE), "VM_RESTORE_CONFIG": str(pipe)}
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "run"], env=env, stderr=subprocess.PIPE, text=True
    ) as process:
        writing = os.open(pipe, os.O_WRONLY)  # returns when it has begun to read
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        os.close(writing)
    assert (process.returncode, said) == (0, "")
