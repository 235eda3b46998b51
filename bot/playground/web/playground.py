"""The playground: its scene, its time, and everything that the page shows and does."""

from collections.abc import Awaitable, Callable
from typing import Any

from bot.playground.slack import NotPossible
from bot.playground.web.gestures import Gestures
from bot.playground.web.marks import Marks
from bot.playground.web.pace import SPEEDS, Pace
from bot.playground.web.requests import Fields, Malformed
from bot.playground.web.scene import Scene
from bot.playground.web.seen import Seen

Json = dict[str, Any]

LONGEST_WAY = 3600
"""Seconds that time can be moved forward at once."""


class Playground:
    """One scene that is played; `world.bot` is the bot of it, if it runs."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.pace = Pace(scene.world)
        marks = Marks()
        self.gestures = Gestures(scene, marks)
        self._seen = Seen(scene, marks)
        self._kinds: dict[str, Callable[[Fields], Awaitable[Json]]] = {"time": self._time}

    def state(self, name: str) -> Json:
        """The whole of what somebody sees."""
        world = self.scene.world
        return {
            "now": world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "speed": self.pace.speed,
            **self._seen.of(self.scene.personas[name]),
            "cluster": {"vms": [], "snapshots": [], "restores": [], "claims": []},
            "bot": {"state": "running" if world.bot is not None else "stopped"},
            "timeline": [],
            "drill": None,
            "drills": [],
            "troubles": [],
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
