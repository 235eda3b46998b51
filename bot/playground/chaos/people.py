"""How Alice and Bob behave in a run: they look at the screen, wait a moment, and do something.

Alice wants her VM back. She does what the open card asks for, in the manner that the plan has for
it, and does it once more if nothing has come of it for a while. Bob is in the way.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bot.playground.chaos import trouble
from bot.playground.chaos.ground import Ground
from bot.playground.chaos.plan import NAMESPACE, SNAPSHOT, VM, Manner, Way
from bot.playground.slack import NotPossible, Person
from bot.playground.slack.surfaces import controls
from bot.playground.slack.workspace import Channel, Message
from bot.restore.events import Button
from bot.restore.model import QUESTIONS, Slot
from bot.slack.views import PREFIX

PATIENCE = 40.0
"""Seconds after which somebody to whom nothing has happened does it again."""
MOST = 3
"""How often somebody does the same thing."""

TYPED = {
    Slot.ASK_VM: VM,
    Slot.ASK_NAMESPACE: NAMESPACE,
    Slot.ASK_SNAPSHOT: SNAPSHOT,
    Slot.STOP_CHOICE: "stop-and-restore",
    Slot.WARNING: SNAPSHOT,
}
PRESSED = {
    Slot.ASK_NAMESPACE: Button.USE_PROPOSAL,
    Slot.STOP_CHOICE: Button.STOP_AND_RESTORE,
    Slot.STOP_OVERDUE: Button.FORCE_STOP,
    Slot.FORCE_STOP: Button.FORCE_STOP_NOW,
    Slot.CONFIRM: Button.CONFIRM,
    Slot.OVERDUE: Button.KEEP_WAITING,
    Slot.DELETE_RESTORE: Button.DELETE_RESTORE_NOW,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A card on the screen that can be used."""

    message: Message
    restore: str
    slot: Slot
    number: int
    buttons: frozenset[str]

    @property
    def key(self) -> str:
        """Which card it is."""
        return f"{self.restore}:{self.slot}.{self.number}"


@dataclass(slots=True)
class Crowd:
    """Everybody in the run."""

    ground: Ground
    deeds: int = 0
    """How often Alice has done something."""
    _since: dict[str, float] = field(default_factory=dict)
    _often: Counter[str] = field(default_factory=Counter)
    _asked: Counter[Slot] = field(default_factory=Counter)
    _turn: dict[str, int] = field(default_factory=dict)
    _old: list[tuple[Message, list[dict[str, Any]], str]] = field(default_factory=list)
    _tries: int = 0

    async def act(self) -> None:
        """Everybody does what it is time for."""
        with suppress(NotPossible):
            await self._ask()
        if self._time_for("rival", self.ground.plan.rival):
            await self._slash(self.ground.stage.bob)
        if self._time_for("cancel", self.ground.plan.cancels):
            await self._cancel()
        for seen in self.cards():
            with suppress(NotPossible):  # the card has changed under the finger
                await self._use(seen)
        if self.ground.plan.meddling:
            with suppress(NotPossible):
                await self._meddle()

    def cards(self) -> list[Seen]:
        """The cards with buttons, as Alice sees them."""
        found = []
        for channel in self._channels():
            for message in channel.messages:
                marks = (message.metadata or {}).get("event_payload") or {}
                if message.deleted or "card" not in marks:
                    continue
                buttons = {c.action_id for c in controls(message.blocks or [], self._alice.user)}
                if buttons:
                    slot, _, number = str(marks["card"]).partition(".")
                    one = (message, marks["restore"], Slot(slot), int(number), frozenset(buttons))
                    found.append(Seen(*one))
        return found

    @property
    def _alice(self) -> Person:
        return self.ground.stage.alice

    def _channels(self) -> list[Channel]:
        direct = self.ground.world.slack.dm(self._alice)
        return list(dict.fromkeys((self.ground.stage.channel, direct)))

    def _time_for(self, what: str, at: float | None) -> bool:
        """Is it time for this, for the first time?"""
        if at is None or self.ground.seconds < at or self._often[what]:
            return False
        self._often[what] += 1
        return True

    def _again(self, what: str, delay: float) -> bool:
        """Is it time to do this, or to do it once more?"""
        now = self.ground.seconds
        since = self._since.setdefault(what, now)
        often = self._often[what]
        if often >= MOST or now < since + delay + often * PATIENCE:
            return False
        self._often[what] += 1
        return True

    # Asking

    async def _ask(self) -> None:
        if any(self._marks()) or not self._again("ask", self.ground.plan.delay("ask")):
            return
        plan, stage, slack = self.ground.plan, self.ground.stage, self.ground.world.slack
        self.ground.note(f"Alice asks by {plan.way}: {plan.request}")
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

    async def _slash(self, who: Person) -> None:
        with suppress(NotPossible):
            request = self.ground.plan.request
            await who.slash(self.ground.stage.channel, f"/vm-restore {request}")

    async def _cancel(self) -> None:
        self.ground.note("Alice types /vm-restore cancel")
        with suppress(NotPossible):
            await self._alice.slash(self.ground.stage.channel, "/vm-restore cancel")

    def _marks(self) -> list[Message]:
        return [m for c in self._channels() for m in c.messages if m.metadata and not m.deleted]

    # Answering

    async def _use(self, seen: Seen) -> None:
        if seen.slot in QUESTIONS:
            if seen.key not in self._turn:
                self._asked[seen.slot] += 1
                self._turn[seen.key] = self._asked[seen.slot]
                self._remember(seen)
            await self._answer(seen)
        elif seen.slot is Slot.RESULT:
            await self._after(seen)

    def _remember(self, seen: Seen) -> None:
        blocks = seen.message.blocks or []
        self._old.append((seen.message, blocks, min(seen.buttons)))

    async def _did(self, what: str) -> None:
        """Alice has done something; what is to follow it follows at once."""
        self.ground.note(what)
        for each in self.ground.plan.troubles:
            if each.follows == self.deeds:
                await trouble.happens(self.ground, each)
        self.deeds += 1

    async def _answer(self, seen: Seen) -> None:
        plan, turn = self.ground.plan, self._turn[seen.key]
        manner = plan.manner(seen.slot, turn)
        if manner is Manner.SILENT or not self._again(seen.key, plan.delay(seen.slot, turn)):
            return
        await self._do(seen, manner)
        await self._did(f"Alice, at {seen.key}: {manner}")

    async def _do(self, seen: Seen, manner: Manner) -> None:
        typed = {Manner.WRONG: "no-such-thing", Manner.CASE: SNAPSHOT.upper()}
        if manner is Manner.CANCELS:
            await self._press(seen, Button.CANCEL)
        elif manner is Manner.TYPES:
            await self._type(seen, TYPED[seen.slot])
        elif manner in typed:
            await self._type(seen, typed[manner])
        else:
            await self._first(seen, manner)
            await self._go_on(seen)

    async def _first(self, seen: Seen, manner: Manner) -> None:
        """What somebody does before they do what the card asks for."""
        match manner:
            case Manner.CHATS:
                await self._type(seen, "wait, I am reading this")
            case Manner.OLD:
                await self._press_an_old_card()
            case Manner.TOGGLES:
                await self._toggle(seen)
            case Manner.TWICE:
                await self._go_on(seen)
            case _:
                pass

    async def _go_on(self, seen: Seen) -> None:
        """What the card asks for."""
        button = PRESSED.get(seen.slot)
        if button is not None and f"{PREFIX}{button}" in seen.buttons:
            await self._press(seen, button)
        elif seen.slot in TYPED:
            await self._type(seen, TYPED[seen.slot])

    async def _toggle(self, seen: Seen) -> None:
        for button in (Button.PROTECT_ON, Button.PROTECT_OFF):
            if f"{PREFIX}{button}" in seen.buttons:
                await self._press(seen, button)
                return

    async def _press(self, seen: Seen, button: Button) -> None:
        if seen.message.deleted:
            raise NotPossible("it is gone")
        blocks = seen.message.blocks
        await self._alice.click_stale(seen.message, blocks, f"{PREFIX}{button}")

    async def _press_an_old_card(self) -> None:
        if self._old:
            message, blocks, button = self._old[0]
            with suppress(NotPossible):  # a picker cannot be pressed
                await self._alice.click_stale(message, blocks, button)

    async def _type(self, seen: Seen, text: str) -> None:
        await self._alice.say(seen.message.channel, text, seen.message)

    # After the end

    async def _after(self, seen: Seen) -> None:
        plan = self.ground.plan
        if self._often[seen.key] or not self._again(seen.key, plan.delay("after", seen.key)):
            return
        rng = plan.chance("after", seen.slot, self._tries)
        for button in (Button.TRY_AGAIN, Button.START_OVER, Button.UNDO):
            if f"{PREFIX}{button}" in seen.buttons and self._tries < plan.tries:
                self._tries += 1
                await self._press(seen, button)
                await self._did(f"Alice, at {seen.key}: {button}")
                if rng.random() < 0.3:
                    await self._press(seen, button)
                return
        if plan.starts and f"{PREFIX}{Button.START_VM}" in seen.buttons:
            await self._press(seen, Button.START_VM)
            await self._did(f"Alice, at {seen.key}: starts the VM")

    # Bob

    async def _meddle(self) -> None:
        for seen in self.cards():
            if not self._time_for(f"bob at {seen.key}", 0.0):
                continue
            rng = self.ground.plan.chance("bob", seen.slot, self._turn.get(seen.key, 0))
            bob = self.ground.stage.bob
            if seen.message.channel.has(bob.user):
                if rng.random() < 0.5:
                    await bob.say(seen.message.channel, SNAPSHOT, seen.message)
                else:
                    button = rng.choice(sorted(seen.buttons))
                    await bob.click_stale(seen.message, seen.message.blocks, button)
