"""Credential plugins that hang, and what they get to see: real programs, run by a real kubeconfig."""

import asyncio
import fcntl
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio.config import ConfigException

from bot.cluster import client, login, plugin
from bot.cluster.cluster import Cluster
from bot.errors import Temporary
from bot.playground.clock import START, HandClock
from tests.cluster.conftest import wait_until
from tests.cluster.test_cluster_perform import ALL_EFFECTS
from tests.cluster.wire import Wire, says

VERSION = "client.authentication.k8s.io/v1"
HELD_BY_A_CHILD = """
import subprocess, sys
subprocess.run([sys.executable, "-c",
    "import fcntl, time; held = open({lock!r}, 'w'); fcntl.flock(held, fcntl.LOCK_EX);"
    "open({began!r}, 'w').close(); time.sleep(3600)"])
"""


class Plugin:
    """A plugin whose next answer, and whether it hangs, a test decides."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.script = directory / "plugin.py"
        self.runs = directory / "runs"
        self.runs.write_text("")
        self.lock, self.began = directory / "lock", directory / "began"

    def answers(self, **status: Any) -> None:
        """It gives this login at once."""
        answer = {"apiVersion": VERSION, "kind": "ExecCredential", "status": status}
        self._code(f"print({json.dumps(answer)!r})")

    def hangs(self) -> None:
        """It starts a program that holds a lock and the output, and waits for it."""
        self._code(HELD_BY_A_CHILD.format(lock=str(self.lock), began=str(self.began)))

    def waits_for(self, path: Path, token: str) -> None:
        """It gives the login when that file is there."""
        answer = {"apiVersion": VERSION, "kind": "ExecCredential", "status": {"token": token}}
        self._code(
            f"import os, time\nwhile not os.path.exists({str(path)!r}): time.sleep(0.01)\n"
            f"print({json.dumps(answer)!r})"
        )

    def writes_its_environment(self) -> None:
        """It leaves its environment in a file, and gives a login."""
        answer = {"apiVersion": VERSION, "kind": "ExecCredential", "status": {"token": "t"}}
        self._code(
            f"import json, os\njson.dump(dict(os.environ), open({str(self.began)!r}, 'w'))\n"
            f"print({json.dumps(answer)!r})"
        )

    def _code(self, code: str) -> None:
        self.script.write_text(f"open({str(self.runs)!r}, 'a').write('run\\n')\n{code}")

    @property
    def count(self) -> int:
        """How often it was run."""
        return len(self.runs.read_text().splitlines())

    def child_is_gone(self) -> bool:
        """Nobody holds the lock any more."""
        with self.lock.open("w") as mine:
            try:
                fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    def user(self, **more: Any) -> dict[str, Any]:
        """The user of a kubeconfig that runs it."""
        exec_ = {"apiVersion": VERSION, "command": sys.executable, "args": [str(self.script)]}
        return {"exec": {**exec_, **more}}


@pytest.fixture
def program(tmp_path: Path) -> Plugin:
    """A plugin, and the lock of its child."""
    return Plugin(tmp_path)


async def connect(wire: Wire, program: Plugin, clock: HandClock, **more: Any) -> Cluster:
    """A cluster whose login the plugin gives."""
    wire.on("GET", "/version", says({}))
    path = wire.kubeconfig(program.directory / "config", program.user(**more))
    return await Cluster.connect(
        "prod", kubeconfig=str(path), context=None, namespaces=(), clock=clock
    )


@pytest.fixture
def each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The login is renewed before each request."""
    monkeypatch.setattr(login, "_REFRESH_SECONDS", 0.0)


async def test_a_plugin_that_hangs_does_not_keep_the_bot_from_starting(
    wire: Wire, program: Plugin, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.hangs()
    monkeypatch.setattr(plugin, "LOGIN_SECONDS", 0.05)
    cluster = await connect(wire, program, clock)
    with pytest.raises(Temporary, match="the login could not be renewed"):
        await cluster.ping()
    monkeypatch.undo()
    program.answers(token="at-last")
    await cluster.ping()
    assert wire.seen[-1].headers["Authorization"] == "Bearer at-last"
    assert len(wire.seen) == 1
    await cluster.close()


@pytest.mark.usefixtures("each_time")
async def test_a_plugin_is_killed_with_all_that_it_started(
    wire: Wire, program: Plugin, clock: HandClock
) -> None:
    program.answers(token="first")
    cluster = await connect(wire, program, clock)
    program.hangs()
    asked = asyncio.create_task(cluster.ping())
    await wait_until(program.began.exists, "the child runs")
    assert not program.child_is_gone()
    await cluster.close()
    with pytest.raises(Temporary):
        await asked
    await wait_until(program.child_is_gone, "the child is killed")


@pytest.mark.usefixtures("each_time")
async def test_many_requests_wait_for_one_plugin_and_then_for_none(
    wire: Wire,
    program: Plugin,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program.answers(token="first")
    cluster = await connect(wire, program, clock)
    program.hangs()
    asked = [asyncio.create_task(cluster.ping()) for _ in range(20)]
    await wait_until(program.began.exists, "the plugin hangs")
    monkeypatch.setattr(login, "_PATIENCE", 0.0)
    monkeypatch.setattr(login, "_GLANCE", 0.0)
    with pytest.raises(Temporary, match="the login could not be renewed"):
        await cluster.ping()
    assert not any(each.done() for each in asked)
    assert program.count == 2
    await cluster.close()
    await asyncio.gather(*asked, return_exceptions=True)
    assert wire.seen == []


@pytest.mark.usefixtures("each_time")
async def test_a_call_ends_with_its_login(
    wire: Wire,
    program: Plugin,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program.answers(token="first")
    cluster = await connect(wire, program, clock)
    program.hangs()
    monkeypatch.setattr(client, "SECONDS", 0.05)
    with pytest.raises(Temporary, match="in time"):
        await cluster.ping()
    await cluster.close()


@pytest.mark.usefixtures("each_time")
async def test_a_login_that_is_still_good_is_used_while_the_plugin_hangs(
    wire: Wire, program: Plugin, clock: HandClock
) -> None:
    """Within the five minutes in which it is renewed already."""
    soon = (datetime.now(UTC) + timedelta(minutes=4)).isoformat()
    program.answers(token="good", expirationTimestamp=soon)
    cluster = await connect(wire, program, clock)
    program.hangs()
    await cluster.ping()
    assert wire.seen[-1].headers["Authorization"] == "Bearer good"
    await cluster.close()


@pytest.mark.parametrize("effect", ALL_EFFECTS, ids=lambda effect: type(effect).__name__)
@pytest.mark.usefixtures("each_time")
async def test_nothing_is_sent_when_the_lease_ends_during_the_login(
    effect: Any, wire: Wire, program: Plugin, clock: HandClock
) -> None:
    """The lease holds when the act begins; the token comes forty seconds later."""
    program.answers(token="first")
    cluster = await connect(wire, program, clock)
    await cluster.capabilities()
    go_on = program.directory / "go-on"
    program.waits_for(go_on, "second")
    runs = program.count
    acted = asyncio.create_task(cluster.perform(effect, not_after=START + timedelta(seconds=14)))
    await wait_until(lambda: program.count > runs, "the plugin runs")
    clock.advance(40)
    go_on.touch()
    with pytest.raises(Temporary, match="too late to act"):
        await acted
    assert {one.method for one in wire.seen} == {"GET"}
    await cluster.close()


SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "REDIS_URL")


async def test_a_plugin_gets_an_environment_of_its_own(
    wire: Wire, program: Plugin, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths, proxies, authorities, what a cloud gave to the pod, and what the kubeconfig names."""
    for name in (*SECRETS, "VM_RESTORE_CONFIG", "DATABASE_PASSWORD"):
        monkeypatch.setenv(name, "very-secret")
    wanted = {
        "HTTPS_PROXY": "http://proxy:3128",
        "no_proxy": ".local",
        "SSL_CERT_FILE": "/ca.pem",
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/bot",
        "AZURE_FEDERATED_TOKEN_FILE": "/var/run/token",
        "GOOGLE_APPLICATION_CREDENTIALS": "/key.json",
    }
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    program.writes_its_environment()
    cluster = await connect(wire, program, clock, env=[{"name": "PROFILE", "value": "prod"}])
    await cluster.close()
    seen: Mapping[str, str] = json.loads(program.began.read_text())
    assert wanted.items() <= seen.items()
    assert seen["PROFILE"] == "prod"
    assert json.loads(seen["KUBERNETES_EXEC_INFO"])["spec"] == {"interactive": False}
    assert "PATH" in seen
    assert "very-secret" not in seen.values()


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import sys; sys.stderr.write('x' * 1_000_000); sys.exit(1)", id="fails"),
        pytest.param("while True: print('x' * 65536)", id="never stops writing"),
    ],
)
async def test_what_a_plugin_writes_has_a_bound(code: str) -> None:
    """Much on standard error holds it up no more, and much output does not fill the memory."""
    with pytest.raises(ConfigException):
        await plugin.output([sys.executable, "-c", code], {})


async def test_the_old_google_login_has_the_same_limits(
    wire: Wire, program: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "very-secret")
    answer = {"credential": {"access_token": "g", "token_expiry": "2100-01-01T00:00:00Z"}}
    program.script.write_text(
        f"import json, os\njson.dump(dict(os.environ), open({str(program.began)!r}, 'w'))\n"
        f"print({json.dumps(answer)!r})"
    )
    config = {"cmd-path": sys.executable, "cmd-args": str(program.script)}
    user = {"auth-provider": {"name": "gcp", "config": config}}
    path = wire.kubeconfig(program.directory / "config", user)
    found = await login.log_in("prod", str(path), None)
    assert found.api_key == {"BearerToken": "Bearer g"}
    assert "very-secret" not in json.loads(program.began.read_text()).values()
