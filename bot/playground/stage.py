"""The stage of the stories: people, a channel, VMs and snapshots, and ways to look at a thread.

What a person does goes through the simulated Slack; what is awaited is what a person would see.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.slack import Person
from bot.playground.slack.interactions import ClickResult
from bot.playground.slack.transcript import Transcript
from bot.playground.slack.workspace import Channel, Message
from bot.playground.world import World

SNAPSHOT_TIME = datetime(2026, 2, 18, 10, 0, tzinfo=UTC)


@dataclass(slots=True)
class Stage:
    """Alice and Bob in #incidents, with the bot; Alice may restore in `production`."""

    world: World
    alice: Person
    bob: Person
    channel: Channel
    thread: Message | None = field(default=None)
    """The thread the story plays in, once there is one."""
    _seen: dict[tuple[Message, int], str] = field(default_factory=dict, repr=False)

    def cards(self) -> list[Message]:
        """The bot's messages in the channel that everybody sees, oldest first."""
        bot = self.world.slack.bot_user_id
        return [
            each
            for each in self.channel.messages
            if each.user == bot and each.ephemeral_to is None and not each.deleted
        ]

    def shown(self, words: str) -> Message | None:
        """The newest card that has these words."""
        newest_first = sorted(self.cards(), key=lambda card: card.ts, reverse=True)
        return next((card for card in newest_first if words in self._at_a_glance(card)), None)

    def read(self, message: Message) -> str:
        """A message as a person reads it."""
        return "\n".join(Transcript(self.world.slack.workspace).message(message))

    def _at_a_glance(self, message: Message) -> str:
        """The same, read anew only when the message was changed: who waits looks all the time."""
        version = message, len(message.history)
        if version not in self._seen:
            self._seen[version] = self.read(message)
        return self._seen[version]

    async def card(self, words: str, *, within: float = 120) -> Message:
        """Wait for a card with these words."""
        try:
            await self.world.until(
                lambda: self.shown(words), f"a card with {words!r}", within=within
            )
        except AssertionError as missing:
            raise AssertionError(f"{missing}\n{self.transcript()}") from None
        card = self.shown(words)
        if card is None:
            raise AssertionError(f"the card with {words!r} is gone\n{self.transcript()}")
        return card

    async def whispered(self, words: str, to: Person | None = None) -> Message:
        """Wait for a message that only this person sees."""
        person = to or self.alice

        def heard() -> Message | None:
            return next((m for m in self.whispers(person) if words in self.read(m)), None)

        try:
            await self.world.until(heard, f"a whisper to {person.name} with {words!r}")
        except AssertionError as missing:
            raise AssertionError(f"{missing}\n{self.transcript(person)}") from None
        found = heard()
        if found is None:
            raise AssertionError("the whisper is gone")
        return found

    def whispers(self, person: Person) -> list[Message]:
        """Everything that only this person sees in the channel: what Slack shows, not what it took."""
        return [
            each
            for each in self.channel.messages
            if each.shown and each.ephemeral_to is not None and each.ephemeral_to.id == person.id
        ]

    async def press(self, words: str, label: str, by: Person | None = None) -> ClickResult:
        """Wait for the card with these words, then press a button on it."""
        card = await self.card(words)
        return await (by or self.alice).click(card, label)

    async def reply(self, text: str, by: Person | None = None) -> Message:
        """Say something in the thread that the story plays in."""
        root = self.thread or self.root()
        return await (by or self.alice).say(self.channel, text, thread=root)

    def root(self) -> Message:
        """The first message of the bot's own thread."""
        return next(card for card in self.cards() if not card.is_reply)

    def transcript(self, viewer: Person | None = None) -> str:
        """The channel as somebody sees it."""
        return self.world.slack.transcript(self.channel, viewer=viewer)

    def marks(self) -> list[str]:
        """Which cards stand in the channel, by their metadata: one entry a message."""
        found = []
        for message in self.cards():
            payload = (message.metadata or {}).get("event_payload", {})
            found.append(f"{payload.get('restore')}:{payload.get('card')}")
        return found

    def restores(self) -> list[ApiCall]:
        """Every request that created a VirtualMachineRestore, dry runs aside."""
        return [call for call in self.creates("virtualmachinerestores") if call.code == 201]

    def creates(self, resource: str) -> list[ApiCall]:
        """Every request to create such an object, dry runs aside."""
        return [
            call
            for call in self.world.kube.log
            if call.verb == "create"
            and call.resource == resource
            and not call.subresource
            and not call.dry_run
        ]

    async def until(self, done: Callable[[], object], what: str, *, within: float = 120) -> None:
        """Wait for anything else."""
        await self.world.until(done, what, within=within)


async def set_stage(
    world: World,
    *,
    running: bool = True,
    run_strategy: str | None = None,
    taken: datetime = SNAPSHOT_TIME,
) -> Stage:
    """The usual scene: database-01 in production, its snapshot from ten o'clock, and people."""
    slack, seed = world.slack, world.kube.seed
    alice, bob = slack.person("alice"), slack.person("bob")
    channel = slack.channel("incidents", alice, bob)
    for namespace in ("production", "staging"):
        seed.namespace(namespace)
    strategy = run_strategy or ("Always" if running else "Halted")
    seed.vm("production", "database-01", running=running, run_strategy=strategy)
    seed.vm("production", "web-01", running=False, run_strategy="Halted")
    seed.snapshot("production", "pre-upgrade-snapshot", "database-01", created=taken)
    seed.snapshot("production", "before-release", "web-01", created=taken)
    world.config = {**access(alice), **world.config}
    return Stage(world, alice, bob, channel)


def access(
    *people: Person, namespaces: tuple[str, ...] = ("production",), on_call: tuple[Person, ...] = ()
) -> dict[str, object]:
    """The part of the settings that lets these people restore, and some of them take over."""
    grant = {"users": [person.id for person in people], "namespaces": list(namespaces)}
    allowed: dict[str, object] = {"contact": "the platform team", "grants": [grant]}
    if on_call:
        allowed["on_call"] = {"users": [person.id for person in on_call]}
    return {"access": allowed}
