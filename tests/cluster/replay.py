"""The recorded session, played again: the same requests, in order, to a simulated cluster.

The lines of a recording hang together: what one makes, the next one reads. So the whole file is
played once, over HTTP, with a plain client. Between the lines stands what the recording does not
show: the time that passed, and what was done behind the scenes. Uids and resource versions differ
from run to run; those of the recording are learned from each pair of answers and put into the
requests that follow.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from bot.playground.clock import HandClock
from bot.playground.kubevirt.server import KubeSim
from tests.playground.kubevirt.kit import settle

Json = dict[str, Any]
RECORDINGS = Path(__file__).parent / "recorded" / "exchanges.jsonl"
UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_COUNTED = "virtualmachinerestores.snapshot.kubevirt.io"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One line of the recording."""

    number: int
    case: str
    user: str
    request: Json
    response: Json

    @property
    def label(self) -> str:
        """For the list of tests."""
        return f"{self.number:03} {self.case}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the simulated cluster said to the same request."""

    status: int
    content_type: str
    text: str
    retry_after: str | None = None


@cache
def recordings() -> tuple[Exchange, ...]:
    """All lines, in order."""
    lines = RECORDINGS.read_text().splitlines()
    held = [json.loads(line) for line in lines]
    return tuple(
        Exchange(number, one["case"], one["as"], one["request"], one["response"])
        for number, one in enumerate(held)
    )


@cache
def namespace() -> str:
    """Where it was recorded, and is played."""
    return str(recordings()[0].request["body"]["metadata"]["namespace"])


@cache
def played() -> tuple[tuple[Answer, ...], dict[str, str]]:
    """All answers, and what each recorded uid and version became."""
    return asyncio.run(_play())


class _Session:
    """One simulated cluster, and the client that asks it."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.clock = HandClock()
        self.sim = KubeSim(self.clock)
        self.known: dict[str, str] = {}
        """What a recorded uid or version is here."""
        self._http = http
        self._paused = False

    async def set_up(self) -> None:
        """What was there before the first line: a storage class, two claims, three askers."""
        sim, name = self.sim, namespace()
        sim.seed.namespace(name)
        sim.seed.storage_class("fast")
        sim.knobs.guest.has_agent = False
        sim.user(f"system:serviceaccount:{name}:reader")
        await sim.start()
        for vm in ("db", "web"):
            spec = {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
                "storageClassName": "fast",
                "volumeMode": "Filesystem",
            }
            claim = {"metadata": {"name": f"{vm}-root"}, "spec": spec}
            await self.admin("POST", f"/api/v1/namespaces/{name}/persistentvolumeclaims", claim)

    async def passes(self, seconds: int) -> None:
        """Let time pass, and the controllers act in it."""
        await self.settle()
        for _ in range(seconds):
            self.clock.advance(1)
            await self.settle()

    async def settle(self) -> None:
        """Let the controllers come to rest, as they did between two recorded requests."""
        if not self._paused:
            await settle(self.sim)

    async def pause(self) -> None:
        """The next recorded requests came faster than the controllers looked."""
        await self.sim.pause_controllers()
        self._paused = True

    async def resume(self) -> None:
        """Let the controllers look again, and finish what they have to do."""
        self.sim.resume_controllers()
        self._paused = False
        await self.passes(12)

    async def admin(self, method: str, path: str, body: Json | None = None) -> None:
        """What was done behind the scenes of the recording."""
        sent = {"Authorization": "Bearer token-of-admin"}
        async with self._http.request(
            method, f"{self.sim.url}{path}", json=body, headers=sent
        ) as response:
            assert response.status < 300, await response.text()

    async def ask(self, exchange: Exchange) -> Answer:
        """Send one recorded request."""
        request, body = exchange.request, exchange.request["body"]
        headers = {**request["headers"], "Authorization": f"Bearer {self._token(exchange.user)}"}
        sending = self._http.request(
            request["method"],
            f"{self.sim.url}{self._here(request['path'])}",
            data=None if body is None else self._here(json.dumps(body)).encode(),
            headers=headers,
            # What a client adds by itself was not in the recording.
            skip_auto_headers=("Accept", "Content-Type"),
        )
        asked = asyncio.create_task(_read(sending))
        if "watch=1" in request["path"]:
            await self.passes(12)
        answer = await asked
        self._learn(exchange.response, answer)
        await self.settle()
        return answer

    def _token(self, user: str) -> str:
        if user == "nobody":
            return "no-such-token"
        name = user if user == "admin" else f"system:serviceaccount:{namespace()}:reader"
        return self.sim.authorizer.accounts[name].token

    def _here(self, text: str) -> str:
        """A recorded text with the uids and versions of this run."""
        text = UID.sub(lambda found: self.known.get(found[0], found[0]), text)
        versions = r"(?<=resourceVersion=)[0-9]+"
        return re.sub(versions, lambda found: self.known.get(found[0], found[0]), text)

    def _learn(self, recorded: Json, answer: Answer) -> None:
        if "events" not in recorded:
            self._pair(recorded_body(recorded), body_of(answer))

    def _pair(self, recorded: Any, found: Any) -> None:
        if isinstance(recorded, dict) and isinstance(found, dict):
            for name in recorded.keys() & found.keys():
                if name == "resourceVersion":
                    self.known.setdefault(str(recorded[name]), str(found[name]))
                self._pair(recorded[name], found[name])
        elif isinstance(recorded, list) and isinstance(found, list):
            for one, other in zip(recorded, found, strict=False):
                self._pair(one, other)
        elif isinstance(recorded, str) and isinstance(found, str):
            for one, other in zip(UID.findall(recorded), UID.findall(found), strict=False):
                self.known.setdefault(one, other)


def recorded_body(response: Json) -> Any:
    """A recorded answer, parsed; text where it was text."""
    body = response["body"]
    if "yaml" in response["content_type"]:
        return yaml.safe_load(body["text"])
    return body["text"] if set(body) == {"text"} else body or ""


def body_of(answer: Answer) -> Any:
    """The same of an answer here."""
    if "yaml" in answer.content_type:
        return yaml.safe_load(answer.text)
    return json.loads(answer.text) if "json" in answer.content_type else answer.text


async def _play() -> tuple[tuple[Answer, ...], dict[str, str]]:
    async with aiohttp.ClientSession() as http:
        session = _Session(http)
        await session.set_up()
        answers: list[Answer] = []
        try:
            for exchange in recordings():
                await _BEFORE.get(exchange.case, _nothing)(session)
                answers.append(await session.ask(exchange))
        finally:
            await session.sim.stop()
    return tuple(answers), session.known


async def _read(sending: Any) -> Answer:
    async with sending as response:
        kind = response.headers.get("Content-Type", "")
        later = response.headers.get("Retry-After")
        return Answer(response.status, kind, await response.text(), later)


Act = Callable[[_Session], Awaitable[None]]


async def _nothing(_: _Session) -> None:
    return None


def _after(seconds: int) -> Act:
    return lambda session: session.passes(seconds)


async def _restore_of_nothing_removed(session: _Session) -> None:
    await session.admin("DELETE", f"{_SNAPSHOT_API}/virtualmachinerestores/r-nos")
    await session.passes(1)


async def _log_compacted(session: _Session) -> None:
    session.sim.storage.compact()


async def _quota(session: _Session) -> None:
    quota = {"metadata": {"name": "objects"}, "spec": {"hard": {f"count/{_COUNTED}": "1"}}}
    await session.admin("POST", f"/api/v1/namespaces/{namespace()}/resourcequotas", quota)
    await session.passes(1)


async def _no_quota(session: _Session) -> None:
    await session.admin("DELETE", f"/api/v1/namespaces/{namespace()}/resourcequotas/objects")
    await session.passes(1)


async def _namespace_going(session: _Session) -> None:
    """Held by what is still in it: nobody has cleared it away yet."""
    await session.pause()
    await session.admin("DELETE", f"/api/v1/namespaces/{namespace()}")


_SNAPSHOT_API = f"/apis/snapshot.kubevirt.io/v1beta1/namespaces/{namespace()}"
_BEFORE: dict[str, Act] = {
    "snapshot read, ready": _after(12),
    "start a running vm": _after(12),
    "snapshot of a running vm, ready": _after(12),
    "that restore, failed": _after(2),
    "stop": _Session.pause,
    "vm read, stopped after it ran": _Session.resume,
    "restore of no snapshot, read": _after(1),
    "restore: no such vm": _restore_of_nothing_removed,
    "restore, complete": _after(2),
    "watch from version 1": _log_compacted,
    "restore: object-count quota is used up": _quota,
    "delete a content: it stays on its finalizer": _no_quota,
    "content that is going": _after(2),
    "vm that was deleted": _after(3),
    "restore in a namespace that is being removed": _namespace_going,
}
