"""The playground: its scene, its time, and everything that the page shows and does."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from bot.playground.kubevirt.problems import ApiError
from bot.playground.slack import NotPossible
from bot.playground.web.cluster_panel import ClusterPanel
from bot.playground.web.deeds import Deeds
from bot.playground.web.drill_book import DRILLS
from bot.playground.web.drills import Drills
from bot.playground.web.gestures import Gestures
from bot.playground.web.life import Life
from bot.playground.web.marks import Marks
from bot.playground.web.pace import SPEEDS, Pace
from bot.playground.web.records import Records
from bot.playground.web.requests import Fields, Malformed
from bot.playground.web.scene import Scene
from bot.playground.web.seen import Seen
from bot.playground.web.timeline import Timeline
from bot.playground.web.troubles import Troubles

Json = dict[str, Any]

LOOK_EACH = 0.25
"""Real seconds between two looks into Redis."""
LONGEST_WAY = 3600
"""Seconds that time can be moved forward at once."""


class Playground:
    """One scene that is played; `world.bot` is the bot of it, if it runs."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.pace = Pace(scene.world)
        marks, self.deeds = Marks(), Deeds(scene.world.clock)
        self.gestures = Gestures(scene, marks, self.deeds)
        self._seen = Seen(scene, marks)
        self.life = Life(scene.world)
        self.records = Records(scene.world)
        self._cluster = ClusterPanel(scene.world.kube)
        self._timeline = Timeline(scene, self.records, self.deeds)
        self.troubles = Troubles(scene, self.deeds)
        self.drills = Drills(scene, DRILLS, self.records, self.troubles, self.deeds)
        self._looked = -LOOK_EACH
        self._kinds: dict[str, Callable[[Fields], Awaitable[Json]]] = {
            "time": self._time,
            "bot": self._bot,
            "redis": self._redis,
            "vm": self._vm,
            "trouble": self._trouble,
            "drill": self._drill,
        }

    async def look(self, *, now: bool = False) -> None:
        """Read what stands in Redis; not more often than the page needs, unless told so."""
        if now or time.monotonic() >= self._looked + LOOK_EACH:
            self._looked = time.monotonic()
            await self.records.look()
            self.drills.look()

    def state(self, name: str) -> Json:
        """The whole of what somebody sees."""
        world = self.scene.world
        return {
            "now": world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "speed": self.pace.speed,
            **self._seen.of(self.scene.personas[name]),
            "cluster": self._cluster.state(),
            "bot": {"state": self.life.state},
            "timeline": self._timeline.state(),
            "drill": self.drills.state(),
            "drills": self.drills.offered(),
            "troubles": self.troubles.state(),
        }

    async def change(self, fields: Fields) -> Json:
        """Change the world; what comes of it besides `ok`."""
        kind = self._kinds.get(fields.text("do"))
        if kind is None:
            raise Malformed(f"the world knows no {fields.text('do')!r}")
        return await kind(fields)

    async def _time(self, fields: Fields) -> Json:
        if fields.has("speed"):
            speed = fields.number("speed")
            if speed not in SPEEDS:
                raise NotPossible(f"time goes by at one of these speeds: {SPEEDS}")
            self.pace.speed = speed
            return {}
        seconds = fields.number("plus")
        if not 0 < seconds <= LONGEST_WAY:
            raise NotPossible(f"time moves forward, by {LONGEST_WAY} seconds at most")
        await self.pace.forward(seconds)
        return {}

    async def _bot(self, fields: Fields) -> Json:
        match fields.text("action"):
            case "kill":
                self.life.kill()
                self.deeds.to_the_world("the bot is killed")
            case "start":
                self.life.begin()
                self.deeds.to_the_world("the bot is started")
            case other:
                raise Malformed(f"a bot knows no {other!r}")
        return {}

    async def _redis(self, fields: Fields) -> Json:
        """In order, as a rolled pod is: what was acknowledged is on the disk."""
        if fields.text("action") != "restart":
            raise Malformed(f"Redis knows no {fields.text('action')!r}")
        self.deeds.to_the_world("Redis is restarted")
        await self.scene.world.restart_redis()
        return {}

    async def _vm(self, fields: Fields) -> Json:
        people, what = self.scene.world.kube.people, fields.text("action")
        acts = {"start": people.start, "stop": people.stop}
        act, namespace, name = acts.get(what), fields.text("namespace"), fields.text("name")
        if act is None:
            raise Malformed(f"a VM knows no {what!r}")
        try:
            act(namespace, name)
        except ApiError as error:
            raise NotPossible(f"the API server says: {error.message}") from None
        self.deeds.to_the_world(f"somebody asks to {what} the VM {namespace}/{name}")
        return {}

    async def _trouble(self, fields: Fields) -> Json:
        await self.troubles.turn(fields.text("id"), on=fields.flag("on"))
        return {}

    async def _drill(self, fields: Fields) -> Json:
        match fields.text("action"):
            case "start":
                await self.drills.start(fields.text("id"))
            case "stop":
                await self.drills.stop()
            case other:
                raise Malformed(f"a drill knows no {other!r}")
        return {}
