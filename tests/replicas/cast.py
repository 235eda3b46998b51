"""People who get through their restore whatever happens to the bots: the way a person would.

Nobody here types a thing twice. Who sees a command or a click fail gives it again, if the card still
asks for it. Everybody has a VM and a channel of their own, so that many stories run side by side.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.slack import NotPossible, Person
from bot.playground.stage import Stage, access
from bot.playground.world import World
from tests.stories import acts
from tests.tools.fleet import until

IMPATIENCE = 4.0
"""Seconds after which somebody who saw an error looks whether to try again."""


@dataclass(slots=True)
class Actor:
    """Somebody with a VM to restore."""

    stage: Stage
    vm: str
    live: bool

    @property
    def person(self) -> Person:
        """The person who plays."""
        return self.stage.alice

    @property
    def snapshot(self) -> str:
        """The snapshot to go back to."""
        return f"before-{self.vm}"

    @property
    def first_card(self) -> str:
        """What the bot says first."""
        return acts.MUST_STOP if self.live else acts.TYPE_IT

    async def play(self) -> None:
        """The whole restore."""
        await self.ask()
        await self.go_on()

    async def go_on(self) -> None:
        """From the bot's first card to the good end."""
        await self.stop()
        await self.type_name()
        await self.confirm()
        await self.result()

    async def stop(self) -> None:
        """Up to the warning; a running VM is stopped first."""
        if self.live:
            await self.press(acts.MUST_STOP, "Stop and restore")
        await self.sees(acts.TYPE_IT)

    async def ask(self) -> None:
        """Ask for it, and again if Slack says that the bot did not hear it."""
        line = f"/vm-restore {self.vm} from {self.snapshot} in production"
        first = self.first_card
        while self.stage.shown(first) is None:
            said = await self.person.slash(self.stage.channel, line)
            await said.settled()
            if said.status == "ok":
                await self.sees(first)
            else:
                await self._waits(first)

    async def type_name(self) -> None:
        """Type the name that is asked for, and be asked for the last button."""
        await self.stage.reply(self.snapshot)
        await self.sees(acts.READY)

    async def confirm(self) -> None:
        """Press the last button."""
        await self.press(acts.READY, "Restore VM now")

    async def press(self, words: str, label: str) -> None:
        """Press a button, and again if Slack says that it failed and it is still there."""
        await self.sees(words)
        while (card := self.stage.shown(words)) is not None:
            try:
                pressed = await self.person.click(card, label)
            except NotPossible:
                return  # the button is gone: it was heard
            await pressed.settled()
            if pressed.status == "ok":
                return
            await asyncio.sleep(IMPATIENCE)

    async def result(self) -> None:
        """Wait for the good end."""
        await self.sees(acts.RESTORED)

    async def restoring(self) -> float:
        """Wait until the thread shows that it is being restored, or was: that may be quick."""
        return await self.sees("Restoring VM from snapshot", acts.RESTORED)

    async def sees(self, *words: str) -> float:
        """Wait for a card with one of these words; how many seconds it took."""
        try:
            return await until(lambda: any(map(self.stage.shown, words)), f"{self.vm}: {words}")
        except AssertionError as missing:
            raise AssertionError(f"{missing}\n{self.stage.transcript()}") from None

    async def _waits(self, words: str) -> None:
        for _ in range(int(IMPATIENCE / 0.1)):
            if self.stage.shown(words):
                return
            await asyncio.sleep(0.1)

    def created(self) -> list[ApiCall]:
        """The restores that were created for this VM."""
        return [
            call
            for call in self.stage.restores()
            if call.body and call.body["spec"]["target"]["name"] == self.vm
        ]


def cast(world: World, count: int) -> list[Actor]:
    """So many people, half of them with a running VM; the settings let each of them restore."""
    slack, seed = world.slack, world.kube.seed
    seed.namespace("production")
    bob, actors = slack.person("bob"), []
    for number in range(1, count + 1):
        person, vm, live = slack.person(f"person-{number}"), f"vm-{number}", number % 2 == 0
        channel = slack.channel(f"incident-{number}", person, bob)
        seed.vm("production", vm, running=live, run_strategy="Always" if live else "Halted")
        taken = world.clock.now() - timedelta(hours=6)
        seed.snapshot("production", f"before-{vm}", vm, created=taken)
        actors.append(Actor(Stage(world, person, bob, channel), vm, live))
    world.config = {**access(*(actor.person for actor in actors)), **world.config}
    return actors


def hurry(world: World) -> None:
    """Let the cluster be quick: a whole restore takes a few seconds of real time."""
    knobs = world.kube.knobs
    knobs.guest.schedule = knobs.guest.removal = 0.1
    knobs.guest.boot = knobs.guest.shutdown = 0.3
    knobs.disks.bind, knobs.disks.cut, knobs.disks.upload = 0.3, 0.1, 0.1
    world.kube.nudge()
