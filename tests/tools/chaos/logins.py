"""The login of one replica's cluster: a plugin of its kubeconfig, a real program, which can hang.

The bot's limits of a login are kept in real time, the run's clock is moved by hand: a second of it
takes some ten milliseconds. So the limits are set to what fits that, for this process.
"""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.app import App
from bot.cluster import login, plugin

VERSION = "client.authentication.k8s.io/v1"
PATIENCE, GLANCE, LOGIN = 0.3, 0.03, 1.0
"""Real seconds: a request waits so long, or so long when another has waited in vain; the plugin."""
OVER = 5.0
"""Real seconds that a renewal may take when nothing hangs any more, on a busy machine."""
_SCRIPT = """\
while [ -e '{hangs}' ]; do sleep 0.02; done
echo '{answer}'
"""


def shorten_limits() -> None:
    """For a clock that is moved by hand."""
    login._PATIENCE, login._GLANCE, plugin.LOGIN_SECONDS = PATIENCE, GLANCE, LOGIN


@dataclass(slots=True)
class Login:
    """The plugin of one replica."""

    directory: Path
    name: str
    hanging: bool = False

    def use(self, kubeconfig: Path) -> None:
        """Let a kubeconfig log in by it."""
        script = self.directory / f"login-{self.name}.sh"
        document = yaml.safe_load(kubeconfig.read_text())
        status = document["users"][0]["user"]
        answer = {"apiVersion": VERSION, "kind": "ExecCredential", "status": status}
        script.write_text(_SCRIPT.format(hangs=self._flag, answer=json.dumps(answer)))
        called = {"apiVersion": VERSION, "command": "/bin/sh", "args": [str(script)]}
        document["users"][0]["user"] = {"exec": {**called, "interactiveMode": "Never"}}
        kubeconfig.write_text(yaml.safe_dump(document))

    def hang(self, app: App | None) -> None:
        """From the next request on, which finds its login too old."""
        self._flag.touch()
        self.hanging = True
        for each in _renewals(app):
            each._read_at = float("-inf")

    async def go_on(self, app: App | None) -> None:
        """The plugin answers again, also to who has asked it before."""
        self._flag.unlink(missing_ok=True)
        self.hanging = False
        running = {each._running for each in _renewals(app) if each._running is not None}
        if running:
            await asyncio.wait(running, timeout=OVER)

    @property
    def _flag(self) -> Path:
        return self.directory / f"hangs-{self.name}"


def _renewals(app: App | None) -> list[Any]:
    clusters = app.clusters.values() if app is not None else ()
    found = [each._api._renewal for each in clusters]
    return [each for each in found if each is not None]
