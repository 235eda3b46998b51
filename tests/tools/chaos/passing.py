"""How restores change hands in a run: offers and their answers, and taking over."""

from contextlib import suppress
from dataclasses import dataclass, field

from bot.playground.slack import NotPossible, Person
from bot.restore.events import Button
from bot.restore.thread import QUESTIONS, CardKind
from bot.slack.views import PREFIX
from tests.tools.chaos.habits import Answer, Claim, Habits, Handoff, Offering, Takeover
from tests.tools.chaos.memory import Memory
from tests.tools.chaos.plan import VM
from tests.tools.chaos.screen import Screen, Seen

LATER = 25.0
"""After so many seconds the button of a take-over is an old one."""
PASSABLE = frozenset(CardKind) - {CardKind.OFFER}
PRESSES = {
    Answer.ACCEPTED: Button.ACCEPT,
    Answer.TWICE: Button.ACCEPT,
    Answer.DECLINED: Button.DECLINE,
    Answer.WITHDRAWN: Button.WITHDRAW,
}


@dataclass(slots=True)
class Passing:
    """The person who has the restore offers it, and the other one answers; or takes it over."""

    screen: Screen
    memory: Memory
    _answers: dict[str, Answer] = field(default_factory=dict)
    """What becomes of each offer, in the order in which they were seen."""
    _hopes: dict[int, tuple[Person, str]] = field(default_factory=dict)
    """Who has pressed what was not theirs, to be offered to take which restore over."""

    async def act(self, cards: list[Seen]) -> None:
        """Everybody does what it is time for."""
        for number, handoff in enumerate(self._habits.handoffs):
            with suppress(NotPossible):
                await self._offer(number, handoff, cards)
        for seen in cards:
            if seen.kind is CardKind.OFFER:
                with suppress(NotPossible):  # it is over
                    await self._answer(seen)
        for number, takeover in enumerate(self._habits.takeovers):
            with suppress(NotPossible):
                await self._take(number, takeover, cards)

    def courteous(self, restore: str, cards: list[Seen]) -> bool:
        """It is offered, and who has offered it waits for the answer."""
        offered = any(each.kind is CardKind.OFFER and each.restore == restore for each in cards)
        return offered and self._habits.courteous

    @property
    def _habits(self) -> Habits:
        return self.screen.ground.plan.habits

    def _count(self, what: str) -> None:
        self.screen.ground.doings[what] += 1

    # Offers

    async def _offer(self, number: int, handoff: Handoff, cards: list[Seen]) -> None:
        passable = [each for each in cards if each.kind in _where(handoff.card, PASSABLE)]
        if not passable or not self.memory.once(f"offer {number}", handoff.at):
            return
        at = passable[-1]
        giver = self.screen.owner(at.restore)
        taker, channel = self.screen.other(giver), at.message.channel
        picker = next((each for each in passable if each.has(Button.HAND_OVER)), None)
        if handoff.by is Offering.PICKER and picker is not None:
            await giver.pick(picker.message, f"{PREFIX}{Button.HAND_OVER}", taker)
        elif handoff.by is Offering.SLASH:
            await giver.slash(channel, f"/vm-restore handoff @{taker.name}")
        else:
            mention = self.screen.ground.world.slack.mention
            await giver.say(channel, f"{mention} handoff @{taker.name}", at.message)
        self._count(f"offers it by {handoff.by}")
        await self.memory.did(f"{giver.name} offers {at.restore} to {taker.name}: {handoff.by}")

    async def _answer(self, seen: Seen) -> None:
        handoffs = self._habits.handoffs
        turn = min(len(self._answers), len(handoffs) - 1)
        answer = self._answers.setdefault(seen.key, handoffs[turn].answer)
        button = PRESSES.get(answer)
        delay = self.screen.ground.plan.delay("offer", turn)
        if button is None or not self.memory.again(seen.key, delay):
            return
        giver = self.screen.owner(seen.restore)
        who = giver if answer is Answer.WITHDRAWN else self.screen.other(giver)
        for _ in range(2 if answer is Answer.TWICE else 1):
            await self._press(who, seen, button)
        self._count(f"{answer} an offer")
        await self.memory.did(f"{who.name}, at {seen.key}: {answer}")

    async def _press(self, who: Person, seen: Seen, button: Button) -> None:
        """On the card, or on the copy that came by direct message."""
        message = seen.message
        if not message.channel.has(who.user):
            copy = self.screen.loose(who, button, seen.restore)
            if copy is None:
                raise NotPossible(f"{who.name} does not see the offer")
            message = copy
        await who.click_stale(message, message.blocks, f"{PREFIX}{button}")

    # Taking over

    async def _take(self, number: int, takeover: Takeover, cards: list[Seen]) -> None:
        if number in self._hopes:
            await self._press_take_over(number, takeover)
            return
        asking = [each for each in cards if each.kind in _where(takeover.card, QUESTIONS)]
        if not asking or not self.memory.once(f"take {number}", takeover.at):
            return
        at = asking[-1]
        who = self.screen.other(self.screen.owner(at.restore))
        await self._claim(number, takeover, at, who)
        self._count(f"takes over by {takeover.by}")
        await self.memory.did(f"{who.name} wants {at.restore}: {takeover.by}")

    async def _claim(self, number: int, takeover: Takeover, at: Seen, who: Person) -> None:
        match takeover.by:
            case Claim.MENTION:
                mention = self.screen.ground.world.slack.mention
                await who.say(at.message.channel, f"{mention} take over", at.message)
            case Claim.SLASH:
                await who.slash(self.screen.ground.stage.channel, f"/vm-restore take over {VM}")
            case Claim.BUTTON | Claim.STALE:
                self._hopes[number] = who, at.restore
                await who.click_stale(at.message, at.message.blocks, min(at.buttons))

    async def _press_take_over(self, number: int, takeover: Takeover) -> None:
        who, restore = self._hopes[number]
        message = self.screen.loose(who, Button.TAKE_OVER, restore)
        wait = LATER if takeover.by is Claim.STALE else 0.0
        if message is None or not self.memory.once(f"press {number}", takeover.at + wait):
            return
        for _ in range(2 if self._habits.lagging else 1):
            await who.click_stale(message, message.blocks, f"{PREFIX}{Button.TAKE_OVER}")
        await self.memory.did(f"{who.name} presses Take over of {restore}")


def _where(card: CardKind | None, anywhere: frozenset[CardKind]) -> frozenset[CardKind]:
    """The cards at which it is time for it."""
    return anywhere if card is None else frozenset({card})
