"""How Alice and Bob behave in a run: they look at the screen, wait a moment, and do something.

Alice wants her VM back. The person who has the restore by now does what its open card asks for, in the
manner that the plan has for it, and does it once more if nothing has come of it for a while. The
other one is in the way, or goes on as if nothing had been passed on.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bot.playground.slack import NotPossible, Person
from bot.playground.slack.workspace import Message
from bot.restore.events import Button
from bot.restore.thread import QUESTIONS, CardKind
from bot.slack.views import PREFIX
from tests.tools.chaos.asides import Asides
from tests.tools.chaos.form import FormFiller
from tests.tools.chaos.ground import Ground
from tests.tools.chaos.memory import Memory
from tests.tools.chaos.passing import Passing
from tests.tools.chaos.plan import NAMESPACE, SNAPSHOT, VM, Manner, Way
from tests.tools.chaos.screen import Screen, Seen

TYPED = {
    CardKind.ASK_VM: VM,
    CardKind.ASK_NAMESPACE: NAMESPACE,
    CardKind.ASK_SNAPSHOT: SNAPSHOT,
    CardKind.STOP_CHOICE: "stop-and-restore",
    CardKind.WARNING: SNAPSHOT,
}
PRESSED = {
    CardKind.ASK_NAMESPACE: Button.USE_PROPOSAL,
    CardKind.STOP_CHOICE: Button.STOP_AND_RESTORE,
    CardKind.STOP_OVERDUE: Button.FORCE_STOP,
    CardKind.FORCE_STOP: Button.FORCE_STOP_NOW,
    CardKind.CONFIRM: Button.CONFIRM,
    CardKind.OVERDUE: Button.KEEP_WAITING,
    CardKind.DELETE_RESTORE: Button.DELETE_RESTORE_NOW,
}


@dataclass(slots=True)
class Crowd:
    """Everybody in the run."""

    ground: Ground
    _screen: Screen = field(init=False)
    _memory: Memory = field(init=False)
    _passing: Passing = field(init=False)
    _asides: Asides = field(init=False)
    _form: FormFiller = field(init=False)
    _asked: Counter[CardKind] = field(default_factory=Counter)
    _turn: dict[str, int] = field(default_factory=dict)
    _old: list[tuple[Message, list[dict[str, Any]], str]] = field(default_factory=list)
    _tries: int = 0

    def __post_init__(self) -> None:
        self._screen, self._memory = Screen(self.ground), Memory(self.ground)
        self._passing = Passing(self._screen, self._memory)
        self._asides = Asides(self._screen, self._memory)
        self._form = FormFiller(self.ground)

    async def act(self) -> None:
        """Everybody does what it is time for."""
        with suppress(NotPossible):
            await self._ask()
        with suppress(NotPossible):  # the Home shows no button to open it
            await self._form.act()
        if self._memory.once("rival", self.ground.plan.rival):
            await self._slash(self.ground.stage.bob)
        if self._memory.once("cancel", self.ground.plan.cancels):
            await self._cancel()
        await self._passing.act(self._screen.cards())
        cards = self._screen.cards()
        for seen in cards:
            if not self._passing.courteous(seen.restore, cards):
                await self._use(seen)
        if self.ground.plan.meddling:
            with suppress(NotPossible):
                await self._meddle()
        await self._asides.act(self._screen.cards())

    async def leave(self) -> None:
        """Everybody goes home."""
        await self._form.leave()

    @property
    def _alice(self) -> Person:
        return self.ground.stage.alice

    # Asking

    async def _ask(self) -> None:
        there = any(not message.deleted for message, *_ in self._screen.marked())
        if there or self._form.busy:
            return
        if not self._memory.again("ask", self.ground.plan.delay("ask")):
            return
        plan, stage, slack = self.ground.plan, self.ground.stage, self.ground.world.slack
        self.ground.note(f"Alice asks by {plan.way}: {plan.request}")
        self.ground.asks += plan.way not in (Way.SLASH, Way.FORM)
        match plan.way:
            case Way.SLASH:
                await self._slash(self._alice)
            case Way.WORDS:
                await self._alice.say(stage.channel, f"Restore VM {plan.request}")
            case Way.MENTION:
                await self._alice.say(stage.channel, f"{slack.mention} restore {plan.request}")
            case Way.THREAD:
                root = await stage.bob.say(stage.channel, "it is down after the upgrade")
                await self._alice.say(stage.channel, "looking into it", root)
                text = f"{slack.mention} It failed. Restore {plan.request}"
                await self._alice.say(stage.channel, text, root)
            case Way.DIRECT:
                await self._alice.say(slack.dm(self._alice), f"restore {plan.request}")
            case Way.FORM:
                await self._form.open(plan.opening)

    async def _slash(self, who: Person) -> None:
        self.ground.asks += 1
        with suppress(NotPossible):
            request = self.ground.plan.request
            await who.slash(self.ground.stage.channel, f"/vm-restore {request}")

    async def _cancel(self) -> None:
        self.ground.note("Alice types /vm-restore cancel")
        with suppress(NotPossible):
            await self._alice.slash(self.ground.stage.channel, "/vm-restore cancel")

    # Answering

    async def _use(self, seen: Seen) -> None:
        owner = self._screen.owner(seen.restore)
        who = [owner]
        if self.ground.plan.habits.lagging and self._screen.passed_on(seen.restore):
            who.append(self._screen.other(owner))
        for person in who:
            with suppress(NotPossible):  # the card has changed under the finger
                if seen.kind in QUESTIONS:
                    self._note_question(seen)
                    await self._answer(seen, person)
                elif seen.kind is CardKind.RESULT:
                    await self._after(seen, person)

    def _note_question(self, seen: Seen) -> None:
        if seen.key not in self._turn:
            self._asked[seen.kind] += 1
            self._turn[seen.key] = self._asked[seen.kind]
            self._old.append((seen.message, seen.message.blocks or [], min(seen.buttons)))

    async def _answer(self, seen: Seen, who: Person) -> None:
        plan, turn = self.ground.plan, self._turn[seen.key]
        manner = plan.manner(seen.kind, turn)
        if manner is Manner.SILENT:
            return
        if self._memory.again(f"{who.name} at {seen.key}", plan.delay(seen.kind, turn)):
            await self._do(seen, manner, who)
            await self._memory.did(f"{who.name}, at {seen.key}: {manner}")

    async def _do(self, seen: Seen, manner: Manner, who: Person) -> None:
        typed = {Manner.WRONG: "no-such-thing", Manner.CASE: SNAPSHOT.upper()}
        if manner is Manner.CANCELS:
            await self._press(seen, Button.CANCEL, who)
        elif manner is Manner.TYPES:
            await self._type(seen, TYPED[seen.kind], who)
        elif manner in typed:
            await self._type(seen, typed[manner], who)
        else:
            await self._first(seen, manner, who)
            await self._go_on(seen, who)

    async def _first(self, seen: Seen, manner: Manner, who: Person) -> None:
        """What somebody does before they do what the card asks for."""
        match manner:
            case Manner.CHATS:
                await self._type(seen, "wait, I am reading this", who)
            case Manner.OLD:
                await self._press_an_old_card(who)
            case Manner.TOGGLES:
                await self._toggle(seen, who)
            case Manner.TWICE:
                await self._go_on(seen, who)
            case _:
                pass

    async def _go_on(self, seen: Seen, who: Person) -> None:
        """What the card asks for."""
        button = PRESSED.get(seen.kind)
        if button is not None and seen.has(button):
            await self._press(seen, button, who)
        elif seen.kind in TYPED:
            await self._type(seen, TYPED[seen.kind], who)

    async def _toggle(self, seen: Seen, who: Person) -> None:
        for button in (Button.PROTECT_ON, Button.PROTECT_OFF):
            if seen.has(button):
                await self._press(seen, button, who)
                return

    async def _press(self, seen: Seen, button: Button, who: Person) -> None:
        if seen.message.deleted:
            raise NotPossible("it is gone")
        blocks = seen.message.blocks
        await who.click_stale(seen.message, blocks, f"{PREFIX}{button}")

    async def _press_an_old_card(self, who: Person) -> None:
        if self._old:
            message, blocks, button = self._old[0]
            with suppress(NotPossible):  # a picker cannot be pressed
                await who.click_stale(message, blocks, button)

    async def _type(self, seen: Seen, text: str, who: Person) -> None:
        await who.say(seen.message.channel, text, seen.message)

    # After the end

    async def _after(self, seen: Seen, who: Person) -> None:
        plan, what = self.ground.plan, f"{who.name} at {seen.key}"
        if not self._memory.ready(what, plan.delay("after", seen.key)):
            return
        rng = plan.chance("after", seen.kind, self._tries)
        for button in (Button.TRY_AGAIN, Button.START_OVER, Button.UNDO):
            if seen.has(button) and self._tries < plan.tries:
                self._tries += 1
                await self._press(seen, button, who)
                await self._memory.did(f"{what}: {button}")
                if rng.random() < 0.3:
                    await self._press(seen, button, who)
                return
        if plan.starts and seen.has(Button.START_VM):
            await self._press(seen, Button.START_VM, who)
            await self._memory.did(f"{what}: starts the VM")

    # Who is not asked

    async def _meddle(self) -> None:
        for seen in self._screen.cards():
            if not self._memory.once(f"meddling at {seen.key}", 0.0):
                continue
            rng = self.ground.plan.chance("bob", seen.kind, self._turn.get(seen.key, 0))
            who = self._screen.other(self._screen.owner(seen.restore))
            if seen.message.channel.has(who.user):
                if rng.random() < 0.5:
                    await who.say(seen.message.channel, SNAPSHOT, seen.message)
                else:
                    button = rng.choice(sorted(seen.buttons))
                    await who.click_stale(seen.message, seen.message.blocks, button)
