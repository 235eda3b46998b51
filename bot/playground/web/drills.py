"""Drills: short stories that a team plays, each with a goal, and an end that says what was really asked.

What was asked of the cluster is read from the log of its API server, not from what the bot says.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.kubevirt.problems import ApiError
from bot.playground.kubevirt.resources import RESTORES, SNAPSHOTS, VMIS, VMS
from bot.playground.kubevirt.server import BOT
from bot.playground.slack import NotPossible
from bot.playground.web.deeds import Deeds
from bot.playground.web.records import Records
from bot.playground.web.scene import Scene
from bot.playground.web.told_calls import READS, is_change, words_of
from bot.playground.web.troubles import Troubles
from bot.restore.model import Restore

Json = dict[str, Any]
VmName = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Situation:
    """What has come of a drill so far: the newest restore of its VM, and what the bot asked for."""

    restore: Restore | None
    calls: tuple[ApiCall, ...]
    runs: bool
    """The VM runs."""
    troubles: frozenset[str]

    @property
    def created(self) -> list[ApiCall]:
        """The restores that the cluster was asked for, dry runs aside."""
        return [call for call in self.changes(RESTORES.plural, "create") if not call.dry_run]

    def changes(self, resource: str, what: str) -> list[ApiCall]:
        """The requests of the bot to do this with such an object."""
        return [
            call
            for call in self.calls
            if is_change(call)
            and (call.resource, call.subresource or call.verb) == (resource, what)
        ]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and whether it is done."""

    text: str
    done: Callable[[Situation], object]


@dataclass(frozen=True, slots=True)
class Drill:
    """One story. `starts_running`: whether its VM runs when it begins."""

    id: str
    title: str
    goal: str
    watch: str
    length: str
    vm: VmName
    starts_running: bool
    said: str
    """What another app says in #incidents."""
    steps: tuple[Step, ...]
    verdict: Callable[[Situation], str]
    trouble: str = ""
    """What is wrong from the beginning."""
    strikes: Callable[[Situation], object] = field(default=lambda _: False)
    """When somebody starts the VM, once."""

    def head(self) -> Json:
        """How the page offers it."""
        names = ("id", "title", "goal", "watch", "length")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class _Playing:
    """The drill that is on."""

    drill: Drill
    since: datetime
    first_call: int
    struck: bool = False
    ended: bool = False
    step: str = ""
    number: int = 0
    result: str = ""


class Drills:
    """Begins drills, follows them, and says in the end what was asked."""

    def __init__(
        self,
        scene: Scene,
        book: tuple[Drill, ...],
        records: Records,
        troubles: Troubles,
        deeds: Deeds,
    ) -> None:
        self._scene = scene
        self._kube = scene.world.kube
        self._book = {each.id: each for each in book}
        self._records = records
        self._troubles = troubles
        self._deeds = deeds
        self._playing: _Playing | None = None

    def offered(self) -> list[Json]:
        """All that can be played."""
        return [each.head() for each in self._book.values()]

    def state(self) -> Json | None:
        """The one that is on, or has just ended."""
        now = self._playing
        if now is None:
            return None
        return {
            **now.drill.head(),
            "step": now.step,
            "number": now.number,
            "steps": len(now.drill.steps),
            "state": "ended" if now.ended else "playing",
            "result": now.result,
        }

    async def start(self, name: str) -> None:
        """Begin: everything is right again, but for what the drill is about."""
        drill = self._book.get(name)
        if drill is None:
            raise NotPossible(f"there is no drill {name!r}")
        await self._troubles.clear()
        self._ready(drill)
        if drill.trouble:
            await self._troubles.turn(drill.trouble, on=True)
        now = self._scene.world.clock.now()
        self._playing = _Playing(drill, now, len(self._kube.log))
        self._deeds.to_the_world(f"the drill “{drill.title}” begins")
        self.look()
        await self._scene.world.slack.post_as_app(self._scene.channels["incidents"], drill.said)

    async def stop(self) -> None:
        """End it before its end; one that has ended is put away."""
        playing = self._playing
        if playing is None:
            raise NotPossible("no drill is on")
        if playing.ended:
            self._playing = None
            return
        await self._troubles.clear()
        self._end(playing, self._situation(playing), "The drill was stopped before its end.")

    def look(self) -> None:
        """See how far it has come."""
        playing = self._playing
        if playing is None or playing.ended:
            return
        now = self._situation(playing)
        if not playing.struck and playing.drill.strikes(now):
            playing.struck = True
            self._troubles.somebody_starts()
            now = self._situation(playing)
        steps = playing.drill.steps
        for number, step in enumerate(steps, 1):
            if not step.done(now):
                playing.number, playing.step = number, step.text
                return
        playing.number = len(steps)
        self._end(playing, now, playing.drill.verdict(now))

    def _end(self, playing: _Playing, now: Situation, verdict: str) -> None:
        playing.ended, playing.step = True, ""
        playing.result = f"{verdict}\n{summary(now)}"

    def _ready(self, drill: Drill) -> None:
        """The VM as the story finds it; what is in the way of that is part of the story."""
        namespace, name = drill.vm
        runs = self._kube.storage.find(VMIS.plural, namespace, name) is not None
        people = self._kube.people
        with suppress(ApiError):
            if runs and not drill.starts_running:
                people.stop(namespace, name)
            elif not runs and drill.starts_running:
                people.start(namespace, name)

    def _situation(self, playing: _Playing) -> Situation:
        namespace, name = playing.drill.vm
        found = [
            kept.restore
            for kept in self._records.kept
            if kept.restore.opened_at >= playing.since
            and (kept.restore.request.namespace or namespace) == namespace
            and (kept.restore.request.vm or name) == name
        ]
        return Situation(
            restore=found[0] if found else None,
            calls=tuple(c for c in self._kube.log[playing.first_call :] if c.user == BOT),
            runs=self._kube.storage.find(VMIS.plural, namespace, name) is not None,
            troubles=frozenset(each["id"] for each in self._troubles.state() if each["on"]),
        )


def summary(now: Situation) -> str:
    """What the API server was asked for, by count and by name."""
    counts = {
        "restore": len(now.created),
        "stop": len(now.changes(VMS.plural, "stop")),
        "start": len(now.changes(VMS.plural, "start")),
        "snapshot": len([c for c in now.changes(SNAPSHOTS.plural, "create") if not c.dry_run]),
        "delete": sum(c.verb == "delete" for c in now.calls),
    }
    asked = ", ".join(_counted(number, kind) for kind, number in counts.items())
    dry = sum(is_change(c) and c.dry_run for c in now.calls)
    reads = sum(c.verb in READS and c.verb != "watch" for c in now.calls)
    before = f"{_counted(dry, 'dry run')} and {_counted(reads, 'read')}"
    lines = [f"The cluster was asked for {asked}; beside that for {before}."]
    lines += [f"- {words_of(c)}" for c in now.calls if is_change(c) and not c.dry_run]
    return "\n".join(lines)


def _counted(number: int, kind: str) -> str:
    return f"{number} {kind}" if number == 1 else f"{number} {kind}s"
