"""What people look at in the middle of a run: the Home tab, and what the bot knows."""

from contextlib import suppress
from dataclasses import dataclass

from bot.playground.slack import NotPossible, Person
from bot.restore.events import Button
from bot.slack.views import PREFIX
from tests.tools.chaos.habits import COMMANDS, Glance, Look
from tests.tools.chaos.memory import Memory
from tests.tools.chaos.screen import Screen, Seen


@dataclass(frozen=True, slots=True)
class Asides:
    """Looks around, and cancels from the Home tab."""

    screen: Screen
    memory: Memory

    async def act(self, cards: list[Seen]) -> None:
        """Everybody looks at what they want to look at by now."""
        for number, glance in enumerate(self.screen.ground.plan.habits.glances):
            if self.memory.once(f"look {number}", glance.at):
                who = self.screen.bob if glance.bob else self.screen.alice
                with suppress(NotPossible):
                    await self._look(who, glance, cards)

    async def _look(self, who: Person, glance: Glance, cards: list[Seen]) -> None:
        self.screen.ground.note(f"{who.name}: {glance.what}")
        self.screen.ground.doings[str(glance.what)] += 1
        if glance.what is Look.CANCEL and who.home is not None:
            await who.click(who.home, f"{PREFIX}{Button.CANCEL}")
        elif glance.what not in COMMANDS:
            await who.open_home()
        elif cards and glance.bob:
            at, mention = cards[-1].message, self.screen.ground.world.slack.mention
            await who.say(at.channel, f"{mention} {COMMANDS[glance.what]}", at)
        else:
            await who.slash(
                self.screen.ground.stage.channel, f"/vm-restore {COMMANDS[glance.what]}"
            )
