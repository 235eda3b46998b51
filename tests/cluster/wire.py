"""A far side that says exactly what a test tells it to: any status, any body, any broken wire.

The simulated API server behaves as a cluster does; this one is for answers that a healthy cluster
does not give, and for the tables of the reference, word for word.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.playground.clock import START

Json = dict[str, Any]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

CRD_PATH = (
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
    "virtualmachinerestores.snapshot.kubevirt.io"
)
SNAPSHOT_API = "/apis/snapshot.kubevirt.io/v1beta1"
ALL_FIELDS = (
    "target",
    "virtualMachineSnapshotName",
    "targetReadinessPolicy",
    "volumeRestorePolicy",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Json | None


@dataclass(slots=True)
class Wire:
    """Answers requests from a script: one answer after the other, the last of them for ever."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    _script: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)
    _runner: web.AppRunner | None = None

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """What to answer there, in turn."""
        self._script[method, path] = list(answers)

    def requests(self, method: str, path: str) -> list[Seen]:
        """The requests that came for one path."""
        return [one for one in self.seen if (one.method, one.path) == (method, path)]

    async def start(self) -> None:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close all that is open."""
        if self._runner is not None:
            await self._runner.cleanup()

    def kubeconfig(self, path: Path, user: Json | None = None) -> Path:
        """A kubeconfig file for this address."""
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "here",
                    "clusters": [{"name": "here", "cluster": {"server": self.url}}],
                    "users": [{"name": "bot", "user": user or {"token": "very-secret"}}],
                    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "bot"}}],
                }
            )
        )
        return path

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.seen.append(
            Seen(
                request.method,
                request.path,
                dict(request.query),
                dict(request.headers),
                json.loads(raw) if raw else None,
            )
        )
        answers = self._script.get((request.method, request.path))
        if not answers:
            return web.Response(status=404, text="404 page not found\n")
        answer = await (answers.pop(0) if len(answers) > 1 else answers[0])(request)
        if not answer.prepared:
            answer.headers.setdefault("Date", format_datetime(START, usegmt=True))
        return answer


def says(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Answer with this document."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return answer


def refuses(
    code: int, message: str = "", reason: str = "", headers: dict[str, str] | None = None
) -> Answer:
    """Answer with a Status document, as an API server does."""
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return says(status, code, headers)


def plain(code: int, text: str = "") -> Answer:
    """Answer with plain text, as everything else on the way does."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=text)

    return answer


def breaks() -> Answer:
    """Close the connection instead of answering."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    return answer


def streams(*lines: Json | str, until: asyncio.Event | None = None) -> Answer:
    """Send these lines of a watch, then end; with `until`, stay open till then."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            raw = line if isinstance(line, str) else json.dumps(line)
            await response.write(raw.encode() + b"\n")
        if until is not None:
            await until.wait()
        return response

    return answer


def listing(*items: Json, revision: str = "100", more: str = "") -> Answer:
    """Answer with a list, or one page of it."""
    metadata = {"resourceVersion": revision, **({"continue": more} if more else {})}
    return says({"kind": "List", "metadata": metadata, "items": list(items)})


def crd(
    *fields: str, versions: tuple[str, ...] = ("v1alpha1", "v1beta1"), served: bool = True
) -> Answer:
    """Answer with the restore's CustomResourceDefinition."""
    schema: Json = {
        "properties": {"spec": {"properties": {name: {} for name in fields or ALL_FIELDS}}}
    }
    return says(
        {
            "kind": "CustomResourceDefinition",
            "spec": {
                "versions": [
                    {"name": name, "served": served, "schema": {"openAPIV3Schema": schema}}
                    for name in versions
                ]
            },
        }
    )
