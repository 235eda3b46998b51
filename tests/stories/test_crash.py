"""A bot that is killed goes on where it was: at whatever moment, the story ends the same.

Every message that leaves the bot is a crossing: each request to Slack and to the cluster, each
command to Redis, each acknowledgement. At one crossing after the other everything of the bot stops,
before the message got through or after it was dealt with and before the answer came, and a new bot
starts on what Redis, Slack and the cluster know. Slack sends again what was not acknowledged, if it
is an event; a slash command or a click without an answer is repeated by the person, if after half a
minute nothing has come of it.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from difflib import unified_diff
from pathlib import Path

import pytest

from bot.playground.slack.commands import SlashResult
from bot.playground.slack.interactions import ClickResult
from bot.playground.stage import Stage, set_stage
from bot.playground.world import world
from bot.slack import views
from tests.stories import acts
from tests.stories.conftest import documents
from tests.tools.invariants import Invariants
from tests.tools.wires import Fault, restarting

PATIENCE = 30.0
LEASE = timedelta(seconds=25)
MAY_COME = timedelta(seconds=90)
"""So long a create of which nobody knows whether it was sent may still be carried out."""
GROUPS = 6
"""Each test item takes every sixth crossing, so that two workers share them well."""
COARSE = 24
"""Of the longer story each item takes one crossing out of so many."""

# Also the end of a name: a request that is made again has another id.
_TIMES = re.compile(
    r"\d{8}-\d{6}-[a-z2-7]{5}|\d{4}-\d\d-\d\d|(today )?\d\d:\d\d(:\d\d)?|(\d+ (hour|minute|second)s? ?)+"
)

Story = Callable[[Stage], Awaitable[None]]
UNDISTURBED: "dict[Story, Played]" = {}
"""How each story goes without a cut; played once in a process, as it goes the same way each time."""
Gesture = Callable[[], Awaitable[SlashResult | ClickResult]]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a story ended, as far as no cut may change it: the cards, and what the cluster was asked."""

    cards: str
    sent: tuple[str, ...]
    specs: tuple[dict[str, object], ...]

    def against(self, other: "Ending") -> str:
        """What differs, for people."""
        mine, theirs = (f"{e.cards}\n{e.sent}\n{e.specs}".split("\n") for e in (self, other))
        return "\n".join(unified_diff(theirs, mine, lineterm="", n=1))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a story is played again and again."""

    directory: Path
    redis: str


@dataclass(frozen=True, slots=True)
class Played:
    """A story that was played, with what is not part of its end."""

    ending: Ending
    crossings: tuple[str, ...]
    falls: int
    took: timedelta


async def stopped_vm(stage: Stage) -> None:
    """A stopped VM by slash command: type the name, press the button."""
    await reply(stage, lambda: stage.alice.slash(stage.channel, acts.REQUEST), stage.cards)
    await confirm(stage)


async def running_vm_with_safety_snapshot(stage: Stage) -> None:
    """A running VM in an incident thread: stop it, and take a snapshot of it before the restore."""
    stage.thread = await stage.bob.say(stage.channel, "The database upgrade failed.")
    mention = stage.world.slack.mention
    await stage.reply(f"{mention} restore production/database-01 from pre-upgrade-snapshot")
    await press(stage, acts.MUST_STOP, "Stop and restore", "Stop and restore, by")
    await press(stage, acts.TYPE_IT, "Snapshot current state first: turn ON", "state first*: ON")
    await confirm(stage)


async def confirm(stage: Stage) -> None:
    """Both confirmations, and the result."""
    await stage.card(acts.TYPE_IT)
    await stage.reply("pre-upgrade-snapshot")
    await press(stage, acts.READY, "Restore VM now", "Confirmed by")
    await stage.card(acts.RESTORED)


async def press(stage: Stage, words: str, label: str, then: str) -> None:
    """Press a button, and wait until that shows in the thread."""
    await reply(stage, lambda: stage.press(words, label), lambda: stage.shown(then))
    await stage.card(then)


async def reply(stage: Stage, gesture: Gesture, seen: Callable[[], object]) -> None:
    """Do it, and again if it was not acknowledged and nothing has come of it after a while."""
    for _ in range(2):
        result = await (await gesture()).settled()
        if result.status == "ok" or await comes_true(stage, seen):
            return
    raise AssertionError(f"nothing ever comes of it\n{stage.transcript()}")


async def comes_true(stage: Stage, seen: Callable[[], object]) -> bool:
    """Does it within the patience of a person?"""
    try:
        await stage.until(seen, "something comes of it", within=PATIENCE)
    except AssertionError:
        return False
    return True


async def play(place: Place, story: Story, cut: Fault | None = None) -> Played:
    """Play a story in a world of its own, with the bot cut off somewhere in it or not."""
    async with world(place.directory, lent_redis=place.redis) as made:
        invariants = Invariants(made)
        stage = await set_stage(made, running=story is not stopped_vm)
        async with restarting(made) as wires:
            await made.start_bot()
            crossings, begun = wires.count(cut), made.clock.now()
            await story(stage)
            await made.quiet()
            took = made.clock.now() - begun
        assert invariants.judge(await documents(made)) == []
        return Played(ending_of(stage), tuple(crossings), wires.falls, took)


def ending_of(stage: Stage) -> Ending:
    """What stands in the thread and what was asked of the cluster.

    Nothing was told beside it, but that a click was interrupted: whether it counted nobody knows.
    """
    told = [message for message in stage.whispers(stage.alice) if message.author.bot]
    assert [each.text for each in told if each.text != views.interrupted()] == []
    return Ending(
        cards="\n".join(_TIMES.sub("~", stage.read(card)) for card in stage.cards()),
        sent=tuple(acts.sent(stage)),
        specs=tuple(acts.spec_of(call) for call in stage.restores()),
    )


async def cut_again_and_again(
    place: Place, story: Story, first: int, step: int, *, applied: bool
) -> None:
    """Cut the story at every `step`-th of its crossings, from the `first` on, one in each run."""
    undisturbed = UNDISTURBED.get(story) or await play(place, story)
    UNDISTURBED[story] = undisturbed
    assert undisturbed.falls == 0
    assert undisturbed.ending.sent.count("create virtualmachinerestores") == 1
    for at in range(first, len(undisturbed.crossings), step):
        found = await play(place, story, Fault(at, applied))
        where = f"{'after' if applied else 'before'} crossing {at}: {found.crossings[at : at + 1]}"
        assert found.ending == undisturbed.ending, (
            f"{where}\n{found.ending.against(undisturbed.ending)}"
        )
        lost = MAY_COME if _unsure(undisturbed.crossings, at, applied=applied) else timedelta()
        limit = max(LEASE, lost) + timedelta(seconds=PATIENCE)
        assert found.took - undisturbed.took <= limit, where
        assert found.falls or at >= len(undisturbed.crossings) - step, "the story was not cut here"


def _unsure(crossings: tuple[str, ...], at: int, *, applied: bool) -> bool:
    """The create was decided on, and then the bot was gone: it may have been sent."""
    create = crossings[at + 1 : at + 2] if applied else crossings[at : at + 1]
    return any("POST" in each and "virtualmachinerestores?fieldV" in each for each in create)


@pytest.fixture
def place(tmp_path: Path, lent_redis: str) -> Place:
    """A place of the test's own."""
    return Place(tmp_path, lent_redis)


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("group", range(GROUPS))
async def test_killed_at_every_crossing_of_the_happy_story(
    place: Place, group: int, applied: bool
) -> None:
    """Cut anywhere and restarted: one VirtualMachineRestore, the same cards, each of them once."""
    await cut_again_and_again(place, stopped_vm, group, GROUPS, applied=applied)


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("group", range(0, COARSE, COARSE // 4))
async def test_killed_while_a_running_vm_is_stopped_protected_and_restored(
    place: Place, group: int, applied: bool
) -> None:
    """The longer way, cut here and there: one stop is enough, one safety snapshot, one restore."""
    first = group + 3 * applied
    await cut_again_and_again(
        place, running_vm_with_safety_snapshot, first, COARSE, applied=applied
    )
