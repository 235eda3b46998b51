"""Processes that need not import the bot: forked from one that has done it and has run nothing.

    process = start(["bot", "run"], {"REDIS_URL": ...}, Path("output.log"))
    process.terminate()
    code = process.wait()

A start imports for more than a second of CPU. Here it is done once in each process of pytest. A fork has an
environment, a session, an output and an end of its own, as `spawn` gives them to a program; it ends with
the process that asked for it.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bot.store.embedded import spawn

IMPORTED = ("bot.app", "bot.cli", "bot.playground.clock")
LOOK_AGAIN = 0.005
_PDEATHSIG = 1


@dataclass(slots=True, eq=False)
class Fork:
    """One process. It has the methods of a Popen that tests use."""

    pid: int
    _code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it is there, though it may be paused."""
        if self._code is None:
            self._code = _origin().ask(poll=self.pid)
        return self._code

    def wait(self) -> int:
        """The same, once it has ended."""
        while (code := self.poll()) is None:
            time.sleep(LOOK_AGAIN)
        return code

    def send_signal(self, number: int) -> None:
        """Nothing, if it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def start(arguments: Sequence[str], env: Mapping[str, str], output: Path) -> Fork:
    """Run `python -m ARGUMENTS` with this environment and no other; what it says goes to a file."""
    output.touch()
    pid = _origin().ask(arguments=list(arguments), env=dict(env), output=str(output))
    return Fork(pid)


class _Origin:
    """This end of the process that has imported everything."""

    def __init__(self) -> None:
        theirs, self._questions = os.pipe()
        self._answers, told = os.pipe()
        command = [sys.executable, "-m", "tests.tools.prefork", str(theirs), str(told)]
        self._process = spawn(command, Path(os.devnull), keep=[theirs, told])
        os.close(theirs)
        os.close(told)

    def ask(self, **asked: Any) -> Any:
        """Ask one thing of it; the answer comes at once."""
        os.write(self._questions, json.dumps(asked).encode() + b"\n")
        said = b""
        while not said.endswith(b"\n"):
            more = os.read(self._answers, 4096)
            if not more:
                raise AssertionError("the process that forks has ended")
            said += more
        return json.loads(said)


@cache
def _origin() -> _Origin:
    return _Origin()


def _serve(questions: int, answers: int) -> dict[str, Any]:
    """Answer each line; returns in a fork, with what it is to be."""
    lines = os.fdopen(questions, "rb", buffering=0)
    while line := lines.readline():
        asked = json.loads(line)
        if "poll" in asked:
            pid, status = os.waitpid(asked["poll"], os.WNOHANG)
            said = os.waitstatus_to_exitcode(status) if pid else None
        else:
            origin = os.getpid()
            said = os.fork()
            if said == 0:
                lines.close()
                os.close(answers)
                return {**asked, "origin": origin}
        os.write(answers, json.dumps(said).encode() + b"\n")
    sys.exit()


def _become(asked: Mapping[str, Any]) -> None:
    """Make this fork what a program is that was started with these words."""
    os.setsid()
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != asked["origin"]:
        os._exit(1)
    output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    os.environ.clear()
    os.environ |= asked["env"]
    sys.argv = list(asked["arguments"])


def main() -> None:
    """Import, wait to be asked, and be in each fork what was asked for."""
    for module in IMPORTED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    asked = _serve(int(sys.argv[1]), int(sys.argv[2]))
    _become(asked)
    runpy.run_module(asked["arguments"][0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
