"""Several bots as an installation runs them: processes of their own on the parts of one world.

    async with Fleet(world) as fleet:
        first, second = await fleet.start(2)
        first.kill()
        code = await first.exited()

A replica is told what a pod is told, by its environment and a file, and shows what a pod shows: log
lines, /readyz, /metrics and its exit code. Each one has a user of its own at the simulated API
server, so that the log there tells who asked. The world's clock must be the machine's.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.playground.kubevirt.authorization import BOT_RULES
from bot.playground.world import World
from bot.store.embedded import spawn
from tests.tools.prefork import Fork, start

LOOK_AGAIN = 0.01
"""Real seconds between two looks at whether something has come to pass."""
PATIENCE = 240.0
"""Real seconds for whatever should come to pass: only what is broken takes them."""
_LIMIT = aiohttp.ClientTimeout(total=PATIENCE)


async def until(done: Callable[[], object], what: str, *, within: float = PATIENCE) -> float:
    """Wait until `done()`; how many seconds it took."""
    now = asyncio.get_running_loop().time
    begun = now()
    while not done():
        if now() - begun > within:
            raise AssertionError(f"not within {within} s: {what}")
        await asyncio.sleep(LOOK_AGAIN)
    return now() - begun


@dataclass(slots=True, eq=False)
class Replica:
    """One bot process. `name` is also its user at the simulated API server."""

    name: str
    process: "subprocess.Popen[bytes] | Fork"
    output: Path

    def said(self, words: str = "") -> list[dict[str, Any]]:
        """Its log lines so far, that have these words."""
        lines = self.output.read_text(encoding="utf-8").splitlines()
        whole = [line for line in lines if line.startswith("{") and line.endswith("}")]
        return [json.loads(line) for line in whole if words in line]

    def heard(self, event: str) -> list[dict[str, Any]]:
        """Its log lines of this kind so far; who waits asks a hundred times a second."""
        return [line for line in self.said(json.dumps(event)) if line.get("event") == event]

    def port(self) -> int | None:
        """Where it answers, which it does long before it is ready; None until it has said so."""
        return next((line["port"] for line in self.heard("listening")), None)

    @property
    def running(self) -> bool:
        """Its process is there, though it may be paused."""
        return self.process.poll() is None

    async def up(self) -> None:
        """Wait until it says that it is ready."""
        await until(lambda: bool(self.heard("ready")) or not self.running, f"{self.name} is ready")
        if not self.running:
            raise AssertionError(f"{self.name} did not start:\n{self.output.read_text()}")

    async def ready(self) -> bool:
        """Does /readyz say so?"""
        return await self.not_ready() == {}

    async def not_ready(self) -> dict[str, str]:
        """What /readyz names, by part; nothing if it says that the bot is ready."""
        status, said = await self._get("/readyz")
        found: dict[str, str] = {} if status == HTTPStatus.OK else json.loads(said)
        return found

    async def warnings(self) -> dict[str, str]:
        """What /readyz says beside it, by part."""
        found: dict[str, str] = json.loads((await self._get("/readyz"))[1]).get("warnings", {})
        return found

    async def alive(self) -> bool:
        """Does /healthz say so?"""
        return (await self._get("/healthz"))[0] == HTTPStatus.OK

    async def counted(self, metric: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels."""
        _, text = await self._get("/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == metric and labels.items() <= sample.labels.items()
        )

    async def _get(self, path: str) -> tuple[int, str]:
        url = f"http://127.0.0.1:{self.port()}{path}"
        async with aiohttp.ClientSession(timeout=_LIMIT) as session, session.get(url) as answer:
            return answer.status, await answer.text()

    def kill(self) -> None:
        """SIGKILL: gone at once, with everything it knew."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> None:
        """SIGTERM, as a rolling update sends it."""
        self.process.terminate()

    async def exited(self) -> int:
        """Its exit code, once it has ended."""
        await until(lambda: not self.running, f"{self.name} ends")
        return self.process.wait()

    def pause(self) -> None:
        """SIGSTOP: it stands still and does not know it."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: it goes on as if nothing had happened."""
        self.process.send_signal(signal.SIGCONT)


@dataclass(slots=True)
class Fleet:
    """The replicas of one installation; all of them are gone at the end."""

    world: World
    lease_seconds: int = 20
    replicas: list[Replica] = field(default_factory=list)
    """All that were ever started, in this order."""

    async def __aenter__(self) -> Self:
        """No replica runs yet."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill what still runs."""
        for replica in self.running:
            replica.kill()

    @property
    def running(self) -> list[Replica]:
        """The replicas that have a process."""
        return [each for each in self.replicas if each.running]

    async def start(self, count: int = 1) -> list[Replica]:
        """Start so many more, and wait until each says that it is ready."""
        started = [self.begin() for _ in range(count)]
        for each in started:
            await each.up()
        return started

    def begin(self, *, clock_ahead: float = 0, whole: bool = False, **env: str) -> Replica:
        """Start one more, with this changed in its environment, and do not wait for it.

        `clock_ahead`: by so many seconds the clock of its machine is wrong. `whole`: a program of its
        own that imports everything, not a fork of one that has; where imports are changed it always is.
        """
        world, name = self.world, f"replica-{len(self.replicas) + 1}"
        thread_ref = world.directory / name
        thread_ref.mkdir()
        world.kube.user(name, BOT_RULES)
        config = thread_ref / "config.yaml"
        config.write_text(yaml.safe_dump(self._tree()), encoding="utf-8")
        told = {
            **world.environment(),
            "KUBECONFIG": str(world.kube.kubeconfig(thread_ref / "kubeconfig", user=name)),
            "VM_RESTORE_CONFIG": str(config),
            "PATH": os.environ.get("PATH", ""),
            **env,
        }
        output = thread_ref / "output.log"
        started = ["tests.tools.wrong_machine", str(clock_ahead)] if clock_ahead else ["bot", "run"]
        if whole or "PYTHONPATH" in env:
            # By `env`, so that nothing but this reaches the process; all of the secrets are simulated.
            told_by = ["/usr/bin/env", "-i", *(f"{key}={value}" for key, value in told.items())]
            process: subprocess.Popen[bytes] | Fork
            process = spawn([*told_by, sys.executable, "-m", *started], output)
        else:
            process = start(started, told, output)
        self.replicas.append(Replica(name, process, output))
        return self.replicas[-1]

    def _tree(self) -> dict[str, Any]:
        tree = self.world.tree()
        return {**tree, "store": {**tree.get("store", {}), "lease_seconds": self.lease_seconds}}
