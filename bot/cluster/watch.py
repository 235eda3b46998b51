"""The reflector: every change of the bot's restores, told by the id in their label.

List, wake every id that is there, then watch from the list's revision on; when the stream ends,
watch on from the last revision that was dealt with. Rules:
- A revision counts as dealt with only after the wake it called for has succeeded. So a wake that
  fails is repeated, and a gap can delay a wake but never lose one.
- 410 (as an HTTP status or as an event of the stream) means that the revision is too old: list
  again. Objects that have disappeared since the last list are woken, too.
- Nothing goes round in circles: the pause between attempts doubles until a stream has proved good,
  by an event or by having lasted. A "no" (401, 403, an API that is not served) is reported and
  asked again slowly.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from bot.clock import Clock
from bot.cluster import names, parse
from bot.cluster.client import Api, ApiStatusError
from bot.cluster.document import Json, mapping, number, text
from bot.cluster.schema import Schema
from bot.errors import Permanent, Temporary
from bot.restore.effects import INSTALLATION, RESTORE_ID
from bot.restore.observation import RestoreObject

log = structlog.get_logger()

Wake = Callable[[Sequence[RestoreObject]], Awaitable[None]]
"""Told of objects that are there or have changed; one that is gone is `deleting`."""

STREAM_SECONDS = 240
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
PAUSE_AFTER_NO = 30.0
LONGEST_ASKED = 60.0
DOUBTFUL = 5
"""After so many failures the revision itself is doubted: an API server that was restored from a
backup has never heard of it, and says no more than "later"."""
LASTED = 5.0
"""A stream that was open for so long (in real time) was a good one, even if nothing happened."""

_CHANGES = frozenset({"ADDED", "MODIFIED", "DELETED"})
_GONE = 410
_jitter = random.SystemRandom()


class _Expired(Exception):
    """The revision is too old to watch from."""


class Reflector:
    """Watches the restores that one installation made, in one namespace or in the whole cluster."""

    def __init__(  # noqa: PLR0913, PLR0917 - each says one thing about the watch
        self,
        api: Api,
        schema: Schema,
        clock: Clock,
        namespace: str | None,
        installation: str,
        wake: Wake,
    ) -> None:
        self.watching = False
        """A stream is open, or has just ended as it should."""
        self._api = api
        self._schema = schema
        self._clock = clock
        self._namespace = namespace
        self._ours = {"labelSelector": f"{RESTORE_ID},{INSTALLATION}={installation}"}
        self._wake = wake
        self._revision = ""
        """Where to watch on; empty means that a list is due."""
        self._present: dict[str, RestoreObject] = {}
        """The objects that were there at last, by UID."""
        self._failures = 0
        self._log = log.bind(cluster=api.cluster, namespace=namespace or "*")

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                await self._turn()
        finally:
            self.watching = False

    async def _turn(self) -> None:
        """One list if it is due, one stream, and the pause that its end calls for."""
        try:
            if not self._revision:
                await self._list()
            await self._stream()
        except _Expired:
            self._revision, self.watching = "", False
            self._log.info("the watch expired, listing again")
            await self._pause(again=True)
        except Temporary as trouble:
            await self._lost(trouble.what, trouble.retry_after or 0.0)
        except Permanent as no:
            # What the schema says may be out of date, and so may the revision.
            self._schema.forget()
            self._revision = ""
            await self._lost(f"{no.reason} {no.text}", PAUSE_AFTER_NO)

    async def _list(self) -> None:
        found, revision = await self._api.collect(await self._path(), self._ours)
        present = {each.uid: each for each in map(parse.restore, found)}
        gone = [_gone(each) for uid, each in self._present.items() if uid not in present]
        await self._wake_named(*present.values(), *gone)
        self._present, self._revision = present, revision

    async def _stream(self) -> None:
        query = {
            **self._ours,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(STREAM_SECONDS),
            "resourceVersion": self._revision,
        }
        now = asyncio.get_running_loop().time
        try:
            async with self._api.stream(await self._path(), query) as events:
                begun, self.watching = now(), True
                async for event in events:
                    await self._take(event)
        except ApiStatusError as refusal:
            raise _Expired if refusal.code == _GONE else refusal from None
        await self._pause(again=now() - begun < LASTED)
        # The store may have lost its record of one that changes no more.
        await self._wake_named(*self._present.values())

    async def _take(self, event: Json) -> None:
        """Deal with one event; only then is its revision where the watch may go on."""
        kind, found = text(event, "type"), mapping(event, "object")
        if kind == "ERROR":
            code = number(found, "code")
            if code == _GONE:
                raise _Expired
            raise Temporary(f"cluster {self._api.cluster}: the watch was broken off with {code}")
        if kind in _CHANGES:
            await self._change(kind, found)
            self._failures = 0
        self._revision = text(found, "metadata", "resourceVersion") or self._revision

    async def _change(self, kind: str, found: Json) -> None:
        changed = parse.restore(found)
        if kind == "DELETED":
            await self._wake_named(_gone(changed))
            self._present.pop(changed.uid, None)
        else:
            await self._wake_named(changed)
            self._present[changed.uid] = changed

    async def _wake_named(self, *found: RestoreObject) -> None:
        if named := [each for each in found if each.restore_id]:
            await self._wake(named)

    async def _path(self) -> str:
        served = await self._schema.served()
        return names.snapshot_group(served.version, names.RESTORES, self._namespace)

    async def _lost(self, why: str, at_least: float) -> None:
        self.watching = False
        # An outage is told once; how long it lasts is for the metrics to show.
        tell = self._log.debug if self._failures > 1 else self._log.warning
        tell("not watching", why=why)
        await self._pause(again=True, at_least=at_least)

    async def _pause(self, *, again: bool, at_least: float = 0.0) -> None:
        """None after a good stream or a first failure, then doubling: 0.2 s, 0.4 s ... 10 s."""
        self._failures = self._failures + 1 if again else 0
        if self._failures >= DOUBTFUL:
            self._revision = ""
        doubled = FIRST_PAUSE * 2 ** min(self._failures - 2, 10) if self._failures > 1 else 0.0
        seconds = max(min(doubled, LONGEST_PAUSE), min(at_least, LONGEST_ASKED))
        await self._clock.sleep(seconds * _jitter.uniform(1.0, 1.25))


def _gone(found: RestoreObject) -> RestoreObject:
    return replace(found, deleting=True)
