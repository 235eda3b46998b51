"""Watches: the change log as a stream of JSON lines, with bookmarks, time limits and 410."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from bot.clock import Clock
from bot.playground.kubevirt.problems import ApiError, expired
from bot.playground.kubevirt.rendering import Rendering
from bot.playground.kubevirt.selectors import Selector
from bot.playground.kubevirt.storage import Change, RevisionGoneError, Storage

Json = dict[str, Any]
_LONGEST = 1800.0


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What a watch asked for."""

    namespace: str
    selector: Selector
    rendering: Rendering
    revision: str
    bookmarks: bool
    timeout: float | None

    @property
    def plural(self) -> str:
        """The watched resource."""
        return self.rendering.resource.plural

    @property
    def from_now(self) -> bool:
        """Whether the watch begins with what exists, instead of after a revision."""
        return self.revision in ("", "0")


class Watch:
    """One open watch: lines to send, and a reason to end."""

    def __init__(self, storage: Storage, request: WatchRequest) -> None:
        self.request = request
        self._storage = storage
        self._lines: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._ended = False

    @property
    def pending(self) -> int:
        """Lines not yet written to the socket."""
        return len(self._lines)

    def begin(self) -> None:
        """Queue what the watch starts with; an ERROR event if its revision is gone."""
        if self.request.from_now:
            for obj in self._storage.objects(self.request.plural, self.request.namespace or None):
                if self.request.selector.accepts(obj):
                    self._send("ADDED", self.request.rendering.one(obj))
        else:
            self._replay(int(self.request.revision))
        self._storage.subscribe(self.on_change)

    def _replay(self, revision: int) -> None:
        try:
            for change in self._storage.since(revision):
                self.on_change(change)
        except RevisionGoneError:
            text = f"too old resource version: {revision} ({self._storage.oldest})"
            self.fail(expired(text))

    def on_change(self, change: Change) -> None:
        """Queue the event a change means for this watch: objects enter and leave its selector."""
        namespace = self.request.namespace
        if change.resource != self.request.plural or namespace not in ("", change.key[0]):
            return
        accepts = self.request.selector.accepts
        before = change.previous is not None and accepts(change.previous)
        after = change.type != "DELETED" and accepts(change.object)
        if after:
            self._send("MODIFIED" if before else "ADDED", self.request.rendering.one(change.object))
        elif before:
            gone = change.previous if change.type != "DELETED" else change.object
            metadata = {**change.object["metadata"]}
            self._send(
                "DELETED", self.request.rendering.one({**(gone or {}), "metadata": metadata})
            )

    def bookmark(self) -> None:
        """Tell the present revision."""
        resource, version = self.request.rendering.resource, self.request.rendering.version
        metadata = {"resourceVersion": str(self._storage.revision), "creationTimestamp": None}
        head = {"kind": resource.kind, "apiVersion": resource.api_version(version)}
        self._send("BOOKMARK", {**head, "metadata": metadata})

    def fail(self, error: ApiError) -> None:
        """End with an ERROR event."""
        self._send("ERROR", error.status())
        self.end()

    def end(self) -> None:
        """End after what is queued."""
        self._ended = True
        self._wake.set()

    async def stream(self, write: Callable[[bytes], Any]) -> None:
        """Write lines until the end."""
        try:
            while True:
                while self._lines:
                    await write(self._lines[0])
                    self._lines.popleft()
                if self._ended:
                    return
                self._wake.clear()
                await self._wake.wait()
        finally:
            self._lines.clear()
            if self.on_change in self._storage.listeners:
                self._storage.unsubscribe(self.on_change)

    def _send(self, kind: str, obj: Json) -> None:
        if not self._ended:
            line = json.dumps({"type": kind, "object": obj}, separators=(",", ":"))
            self._lines.append(line.encode() + b"\n")
            self._wake.set()


class Watches:
    """All open watches."""

    def __init__(self, storage: Storage, clock: Clock, bookmark_every: Callable[[], float]) -> None:
        self._storage = storage
        self._clock = clock
        self._bookmark_every = bookmark_every
        self._open: dict[Watch, web.Request] = {}

    @property
    def pending(self) -> int:
        """Events not yet written, over all watches whose client is there."""
        return sum(watch.pending for watch, request in self._open.items() if _is_there(request))

    @property
    def resources(self) -> list[str]:
        """What is being watched, one entry a watch whose client is there."""
        return [watch.request.plural for watch, request in self._open.items() if _is_there(request)]

    async def serve(self, request: web.Request, wanted: WatchRequest) -> web.StreamResponse:
        """Stream one watch until its time is over, its client is gone, or it is closed."""
        watch = Watch(self._storage, wanted)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        # Registered and begun before anything is awaited, so that no change falls in between.
        self._open[watch] = request
        watch.begin()
        timer = asyncio.create_task(self._keep_time(watch))
        try:
            await response.prepare(request)
            await watch.stream(response.write)
            await response.write_eof()
        except ConnectionError:
            pass  # the client went away; its next watch starts where it stopped reading
        finally:
            timer.cancel()
            await asyncio.gather(timer, return_exceptions=True)
            del self._open[watch]
        return response

    def close(self, plural: str = "") -> None:
        """End watches as a restarting API server does: cleanly, without a word."""
        for watch in list(self._open):
            if plural in ("", watch.request.plural):
                watch.end()

    def expire(self, plural: str = "") -> None:
        """End watches with the ERROR event of a compacted log."""
        for watch in list(self._open):
            if plural in ("", watch.request.plural):
                watch.fail(expired("The resourceVersion for the provided watch is too old."))

    def cut(self, plural: str = "") -> None:
        """Break the connections of watches."""
        for watch, request in list(self._open.items()):
            if plural in ("", watch.request.plural) and request.transport is not None:
                request.transport.abort()
                watch.end()

    async def _keep_time(self, watch: Watch) -> None:
        limit = _LONGEST if watch.request.timeout is None else watch.request.timeout
        deadline = self._clock.now() + timedelta(seconds=limit)
        while self._clock.now() < deadline:
            await self._clock.sleep_until(min(deadline, self._next_bookmark()))
            if watch.request.bookmarks:
                watch.bookmark()
        watch.end()

    def _next_bookmark(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._bookmark_every())


def _is_there(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()
