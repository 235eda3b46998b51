"""Every button and picker of every card, in every phase, answers everybody who uses it.

The restores are put into the store as they are in each state that people meet, and the bot posts
their cards. Then everything on these cards is used, by everybody: also what a card had before it was
closed, as a screen that lags behind still shows it. What can be used is taken from the blocks, so
that a new button is here by itself.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any

from bot.cluster import parse
from bot.playground.slack import Person
from bot.playground.slack.blockkit import interactive
from bot.playground.slack.interactions import ClickResult
from bot.playground.slack.surfaces import Control
from bot.playground.slack.workspace import Channel, Message
from bot.playground.stage import Stage, access
from bot.restore.edits import close_for_good
from bot.restore.model import Phase, Restore, RestoreId
from bot.restore.thread import Card, ThreadRef, UserId
from bot.restore.vmstate import state_of
from bot.slack import views
from bot.store import Store, connect
from tests.slack.examples import EXAMPLES
from tests.store.phases import EVERY_PHASE
from tests.stories import acts
from tests.stories.conftest import SetStage

AT_A_TIME = 25
AWAY = "west"
"""A cluster that the settings do not name: what looks at it stays as it is."""
ASKING = frozenset({Phase.GATHERING, Phase.STOP_CHOICE, Phase.TYPING, Phase.CONFIRMING})
"""In these nobody looks at the cluster, so their restores may be of a real one."""
DAVES = frozenset({"vmr:accept", "vmr:decline"})
"""What only the person uses to whom a restore is offered."""
READING = frozenset({"vmr:why", "vmr:summary"})
"""What tells something to the person who presses it, and changes nothing."""
UNKNOWN_CARD = "I do not know this card any more, so nothing was done"


@dataclass(frozen=True, slots=True)
class State:
    """A restore in some state, one card of it, and one thing to use on that card."""

    restore: Restore
    card: Card
    action: str
    stale: bool
    """The card is closed or its time is over: only a screen that lags behind has this button."""

    @property
    def name(self) -> tuple[str, str, str, bool]:
        """What makes it different from all others."""
        return self.restore.phase, self.card.kind, self.action, self.stale


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """The same, posted by the bot in a channel of its own."""

    state: State
    channel: Channel
    message: Message
    control: Control

    def look(self) -> list[tuple[str, int]]:
        """What everybody sees in the channel: its cards, and how often each was changed."""
        said = [each for each in self.channel.messages if each.ephemeral_to is None]
        return [(each.ts, len(each.history)) for each in said]


# What there is to use


def states() -> list[State]:
    """One for each button of each card in each phase, while it is there and when it is gone."""
    known = [restore for restore, _ in EXAMPLES.values()] + list(EVERY_PHASE.values())
    found: dict[object, State] = {}
    for restore in known:
        over = [close_for_good(restore)] if restore.phase.ended else []
        for state in (*_open(restore), *chain(*map(_closed, (restore, *over)))):
            found.setdefault(state.name, state)
    return list(found.values())


def _open(restore: Restore) -> Iterator[State]:
    for card in restore.cards:
        for action in _actions(restore, card):
            yield State(restore, card, action, stale=False)


def _closed(restore: Restore) -> Iterator[State]:
    """What a card had before it was answered, or before the time for it was over."""
    for card in restore.cards:
        gone = set(_actions(*_reopened(restore, card))) - set(_actions(restore, card))
        for action in sorted(gone):
            yield State(restore, card, action, stale=True)


def _reopened(restore: Restore, card: Card) -> tuple[Restore, Card]:
    opened = card.model_copy(update={"closed": None})
    cards = tuple(opened if each is card else each for each in restore.cards)
    return restore.model_copy(update={"cards": cards, "closed": False}), opened


def _actions(restore: Restore, card: Card) -> list[str]:
    return [control.action_id for control in _controls(restore, card)]


def _controls(restore: Restore, card: Card) -> list[Control]:
    return _things([dict(block) for block in views.render(restore, card).blocks])


def _things(blocks: list[dict[str, Any]]) -> list[Control]:
    return [Control(block, element) for block in blocks for element in interactive(block)]


# On the stage


@dataclass(frozen=True, slots=True)
class Cast:
    """Who uses the cards. All restores are Alice's; those that are offered are offered to Dave."""

    alice: Person
    dave: Person
    bob: Person
    carol: Person
    guest: Person

    @property
    def others(self) -> tuple[Person, ...]:
        """Those who have no part in any of them."""
        return self.bob, self.carol, self.guest


async def cast(stage: Stage) -> Cast:
    """Alice and Dave; Bob who may restore, too; Carol who is on call; and a guest."""
    slack = stage.world.slack
    dave, carol = slack.person("dave"), slack.person("carol")
    made = Cast(stage.alice, dave, stage.bob, carol, slack.person("gina", guest=True))
    config: dict[str, Any] = access(made.alice, dave, made.bob, carol)
    config["access"]["on_call"] = {"users": [carol.id]}
    stage.world.config = {**config, **acts.ANY_NUMBER}
    slack.limits.enabled = False
    await stage.world.start_bot()
    return made


@asynccontextmanager
async def store_of(stage: Stage) -> AsyncIterator[Store]:
    """The bot's store."""
    async with connect(stage.world.redis_url) as client:
        yield Store(client, stage.world.slack.team_id, stage.world.clock)


async def posted(stage: Stage, people: Cast, wanted: Iterable[State]) -> list[Spot]:
    """The bot posts the cards of these restores, each restore in a channel of its own."""
    slack, places = stage.world.slack, []
    async with store_of(stage) as store:
        for number, state in enumerate(wanted):
            channel = slack.channel(f"room-{number}", people.alice, people.dave, *people.others)
            played = _played(state.restore, people)
            restore = _placed(stage, played, channel, number)
            await store.create(restore, due=stage.world.clock.now(), audit=[])
            places.append((State(restore, state.card, state.action, state.stale), channel))
    await stage.until(
        lambda: all(_message(state, channel) for state, channel in places), "all cards"
    )
    await stage.world.quiet()
    return [_spot(state, channel) for state, channel in places]


def _played(restore: Restore, people: Cast) -> Restore:
    """The same restore with the parts given to our people."""
    parts = {restore.owner: people.alice.id}
    if restore.offer is not None:
        parts[restore.offer.to] = UserId(people.dave.id)
    told = re.sub(
        r"\bU0[A-Z0-9]+",
        lambda found: parts.get(UserId(found[0]), found[0]),
        restore.model_dump_json(),
    )
    return Restore.model_validate_json(told)


def _placed(stage: Stage, restore: Restore, channel: Channel, number: int) -> Restore:
    """The same in a channel of its own, for a VM of its own."""
    asking = restore.phase in ASKING
    request = {"cluster": "default" if asking else AWAY}
    if restore.request.vm is not None:
        request["vm"] = f"vm-{number}"
    if restore.phase is Phase.STOP_CHOICE:
        restore = _of_a_live_vm(stage, restore, request["vm"])
    changed = {
        "id": RestoreId(f"r{number}"),
        "version": 0,
        "thread_ref": ThreadRef(
            team=stage.world.slack.team_id, channel=channel.id, own_thread=True
        ),
        "request": restore.request.model_copy(update=request),
        "deadline": restore.deadline and stage.world.clock.now() + timedelta(minutes=10),
    }
    return restore.model_copy(update=changed)


def _of_a_live_vm(stage: Stage, restore: Restore, vm: str) -> Restore:
    """The choice is about a VM that is there: a stop is really sent."""
    stage.world.kube.seed.vm("production", vm, running=True, run_strategy="Always")
    seen = parse.vm(stage.world.kube.storage.get("virtualmachines", "production", vm))
    assert restore.preview is not None
    shown = {"vm_uid": seen.uid, "vm_state": state_of(seen)}
    preview = restore.preview.model_copy(update=shown)
    return restore.model_copy(update={"preview": preview})


def _message(state: State, channel: Channel) -> Message | None:
    mark = {"restore": state.restore.id, "card": state.card.key}
    marked = [m for m in channel.messages if (m.metadata or {}).get("event_payload") == mark]
    return marked[0] if marked else None


def _spot(state: State, channel: Channel) -> Spot:
    message = _message(state, channel)
    assert message is not None
    there = _things(message.blocks or [])
    assert state.stale is (state.action not in [each.action_id for each in there]), state.name
    if state.stale:
        there = _controls(*_reopened(state.restore, state.card))
    control = next(each for each in there if each.action_id == state.action)
    return Spot(state, channel, message, control)


async def use(
    stage: Stage, person: Person, spots: list[Spot], *, pick: Person
) -> dict[Spot, list[Message]]:
    """Somebody uses all of these; what they are told for each, alone."""
    results: dict[Spot, ClickResult] = {}
    for start in range(0, len(spots), AT_A_TIME):
        some = spots[start : start + AT_A_TIME]
        used = await asyncio.gather(*(_use(spot, person, pick) for spot in some))
        results |= dict(zip(some, used, strict=True))
        await stage.world.quiet()
    return {spot: result.responses for spot, result in results.items()}


async def _use(spot: Spot, person: Person, pick: Person) -> ClickResult:
    choice: dict[str, Any] = {}
    match spot.control.kind:
        case "users_select":
            choice = {"selected_user": pick.id}
        case "external_select":
            name = {"type": "plain_text", "text": "database-01"}
            choice = {"selected_option": {"text": name, "value": "database-01"}}
    result = await person.use_stale(spot.message, spot.control, choice)
    assert (await result.settled()).status == "ok"
    return result


async def documents_of(stage: Stage, spots: list[Spot]) -> list[Restore]:
    """The restores as they are stored now."""
    async with store_of(stage) as store:
        records = await store.load_many([spot.state.restore.id for spot in spots])
    return [record.restore for record in records]


# The story


async def test_every_button_answers_everybody(stage_for: SetStage) -> None:
    """Others are answered alone and move nothing; who may is heard once, or told why not."""
    stage = await stage_for(start=False, config=acts.ANY_NUMBER)
    people = await cast(stage)
    spots = await posted(stage, people, states())
    assert {spot.state.restore.phase for spot in spots} == set(Phase)
    daves = [spot for spot in spots if spot.state.action in DAVES]
    reading = [spot for spot in spots if spot.state.action in READING]
    alices = [spot for spot in spots if spot.state.action not in DAVES | READING]
    asides = [await nothing_moves(stage, people, person, spots) for person in people.others]
    await nothing_moves(stage, people, people.alice, [*daves, *reading])
    await nothing_moves(stage, people, people.dave, [*alices, *reading])
    await stage.world.stop_bot()
    await stage.world.start_bot()
    await counts_once(stage, people, people.dave, daves)
    await counts_once(stage, people, people.alice, alices)
    assert set(acts.sent(stage)) == {"update virtualmachines/stop"}
    await answers_answer(stage, people, asides)
    await the_documents_are_gone(stage, people, spots)


async def nothing_moves(
    stage: Stage, people: Cast, person: Person, spots: list[Spot]
) -> list[Spot]:
    """One answer each, which names who may; no document moves, and no cluster is asked.

    Returns what there is to use on the answers.
    """
    before, asked = await documents_of(stage, spots), acts.sent(stage)
    looks = [spot.look() for spot in spots]
    told = await use(stage, person, spots, pick=people.bob)
    for spot, answers in told.items():
        assert len(answers) == 1, (person, spot.state.name, answers)
        who = [each for each in (people.alice, people.dave) if f"<@{each.id}>" in answers[0].text]
        assert len(who) == 1, (person, spot.state.name, answers)
    assert await documents_of(stage, spots) == before
    assert [spot.look() for spot in spots] == looks
    assert acts.sent(stage) == asked
    return [
        Spot(spot.state, spot.channel, answer, control)
        for spot, answers in told.items()
        for answer in answers
        for control in _things(answer.blocks or [])
    ]


async def counts_once(stage: Stage, people: Cast, person: Person, spots: list[Spot]) -> None:
    """A card changes, or, if it was closed, the answer says so; so it does on a second click."""
    before = {spot: spot.look() for spot in spots}
    told = await use(stage, person, spots, pick=people.bob)
    await stage.world.pass_time(3)
    for spot, answers in told.items():
        moved = spot.look() != before[spot]
        assert moved is not spot.state.stale, (spot.state.name, answers)
        assert moved or len(answers) == 1, (spot.state.name, answers)
    for spot, answers in (await use(stage, person, spots, pick=people.bob)).items():
        assert len(answers) == 1, (spot.state.name, answers)


async def answers_answer(stage: Stage, people: Cast, asides: list[list[Spot]]) -> None:
    """Only Carol was offered something on her answers, by then old ones: they answer as well."""
    bobs, carols, guests = asides
    assert (bobs, guests) == ([], [])
    assert {spot.control.action_id for spot in carols} == {"vmr:take-over"}
    before = {spot: spot.look() for spot in carols}
    told = await use(stage, people.carol, carols, pick=people.bob)
    await stage.world.pass_time(3)
    for spot, answers in told.items():
        assert answers or spot.look() != before[spot], spot.state.name


async def the_documents_are_gone(stage: Stage, people: Cast, spots: list[Spot]) -> None:
    """After thirty days, or with another store, everybody who uses a card is told that it is not known."""
    async with connect(stage.world.redis_url) as client:
        await client.flushall()
    for person in (people.alice, people.bob):
        for spot, told in (await use(stage, person, spots, pick=people.bob)).items():
            assert [UNKNOWN_CARD in each.text for each in told] == [True], (spot.state.name, told)


# The Home


async def test_every_button_of_a_home_answers(stage_for: SetStage) -> None:
    """Something is seen after each: the Home changes, a form opens, or a direct message comes."""
    stage = await stage_for(start=False)
    people = await cast(stage)
    await posted(stage, people, [each for each in states() if not each.restore.phase.ended][:40])
    assert await used_home(stage, people.alice)
    assert await used_home(stage, people.dave)
    assert await used_home(stage, people.bob)
    assert not await used_home(stage, people.guest)


async def used_home(stage: Stage, person: Person) -> list[Control]:
    """Use everything on somebody's Home, twice; what there was."""
    await person.open_home()
    await stage.until(lambda: person.home, "a Home")
    assert person.home is not None
    there = _things(person.home.blocks)
    for control in there * 2:
        before = _sight(stage, person)
        await (await person.use_stale(person.home, control, {})).settled()
        await stage.world.pass_time(4)
        assert _sight(stage, person) != before, (person, control)
    return there


def _sight(stage: Stage, person: Person) -> object:
    """What somebody sees in front of them: the form or the Home, and the direct messages."""
    home = person.home.blocks[:-1] if person.home else []
    direct = [each.ts for each in stage.world.slack.dm(person).messages]
    return person.view and person.view.id, home, direct
