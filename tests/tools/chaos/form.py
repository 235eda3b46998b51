"""Alice fills the form in: opened in one of its ways, chosen field by field, sent.

A picker and a sent form wait for the bot's answer, which may need the clock to move or may never
come. So each gesture is a task of its own, and Alice does nothing else in the form meanwhile.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from bot.playground.slack import NotPossible, Person
from bot.playground.slack.views import View
from bot.slack.manifest import MESSAGE_SHORTCUT, SHORTCUT
from bot.slack.views.form import OPEN_FORM
from tests.tools.chaos.ground import Ground
from tests.tools.chaos.habits import Opening
from tests.tools.chaos.plan import SNAPSHOT, VM

FIELDS = (("VM", VM), ("Snapshot", SNAPSHOT))
MOST_TRIES = 4
"""How often a field is tried: it may offer nothing, and what is left empty is asked for later."""
MOST_SENT = 3
"""How often a form is sent that does not close."""


@dataclass(slots=True)
class FormFiller:
    """Alice at the form."""

    ground: Ground
    _tries: Counter[tuple[str, int]] = field(default_factory=Counter)
    _filled: Counter[str] = field(default_factory=Counter)
    """How many fields of a form are done with."""
    _at_home: bool = False
    """The Home tab is opened, and its button is to be pressed once it is there."""
    _doing: "asyncio.Task[None] | None" = None

    @property
    def busy(self) -> bool:
        """A form is open."""
        return self._alice.view is not None

    async def open(self, opening: Opening) -> None:
        """Ask for the form."""
        channel = self.ground.stage.channel
        match opening:
            case Opening.COMMAND:
                await self._alice.slash(channel, "/vm-restore")
            case Opening.SHORTCUT:
                await self._alice.shortcut(SHORTCUT, looking_at=channel)
            case Opening.MESSAGE:
                root = await self.ground.stage.bob.say(channel, "it is down after the upgrade")
                await self._alice.message_shortcut(root, MESSAGE_SHORTCUT)
            case Opening.HOME:
                self._at_home = True
                await self._alice.open_home()

    async def act(self) -> None:
        """The next gesture, when the last one is over."""
        view, home = self._alice.view, self._alice.home
        if self._at_home and home is not None:
            self._at_home = False
            await self._alice.click(home, OPEN_FORM)
        if view is not None and (self._doing is None or self._doing.done()):
            self._doing = asyncio.create_task(self._next(view))

    async def leave(self) -> None:
        """Go home, whatever the screen still waits for."""
        if self._doing is not None:
            self._doing.cancel()
            await asyncio.gather(self._doing, return_exceptions=True)

    @property
    def _alice(self) -> Person:
        return self.ground.stage.alice

    async def _next(self, view: View) -> None:
        done = self._filled[view.id]
        self._tries[view.id, done] += 1
        with suppress(NotPossible):  # nothing is offered, or it is not answered in time
            if done < len(FIELDS):
                await self._alice.pick(view, *FIELDS[done])
                self._filled[view.id] += 1
            else:
                await self._send(view)
        await self._give_up(view, done)

    async def _send(self, view: View) -> None:
        first = self._tries[view.id, len(FIELDS)] == 1
        self.ground.asks += first
        self.ground.note("alice sends the form")
        self.ground.doings["sends the form"] += 1
        times = 2 if first and self.ground.plan.habits.twice else 1
        await asyncio.gather(*(self._alice.fill_and_submit({}) for _ in range(times)))

    async def _give_up(self, view: View, done: int) -> None:
        """A field that offers nothing is left empty; a form that does not close is closed."""
        tries = self._tries[view.id, done]
        if done < len(FIELDS):
            self._filled[view.id] += tries >= MOST_TRIES and self._filled[view.id] == done
        elif tries >= MOST_SENT and self._alice.view is view:
            await self._alice.close_view()
