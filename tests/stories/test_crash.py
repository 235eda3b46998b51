"""A bot that is killed goes on where it was: at whatever moment, the story ends the same.

Every message that leaves the bot is a crossing: each request to Slack and to the cluster, each
command to Redis, each acknowledgement. At one crossing after the other everything of the bot stops,
after the message was dealt with and before the answer came, and a new bot starts on what Redis, Slack
and the cluster know. Slack sends again what was not acknowledged, if it is an event; a slash command
or a click without an answer is repeated by the person, if after half a minute nothing has come of it.

A killed bot leaves nothing but what the others know. So the cuts are made where that changes: not at
reads, and before a message only if another one was under way, as it is otherwise the cut after the
one before.
"""

import itertools
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
"""Each test item takes every sixth cut, so that the workers share them well."""
COARSE = 3
"""Of the longer story one cut out of so many."""
LOOSE = 6
"""The last changes may be missing in another run: leases of work that is done already."""
_READS = re.compile(
    r"(kubernetes|slack): GET|kubernetes: POST .*(dryRun|/selfsubject\w+reviews)"
    r"|redis: (load_|known_clusters|time|task_body|HELLO|CLIENT|EVAL #!lua flags=no-writes)"
)

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
    changes: tuple[str, ...]
    """What left the bot and was no read, in words."""
    beside: tuple[bool, ...]
    """Of each of them: was the answer to another message missing when it left?"""
    falls: int
    took: timedelta

    @property
    def cuts(self) -> "list[Cut]":
        """Everything that a killed bot can leave behind, one after the other."""
        found = []
        for number, beside in enumerate(self.beside):
            found += [Cut(number, applied=False)] if beside else []
            found += [Cut(number, applied=True)]
        return found


@dataclass(frozen=True, slots=True)
class Cut:
    """The bot is killed at its n-th change, before it got through or after it was dealt with."""

    number: int
    applied: bool

    def fault(self) -> Fault:
        """What the wires are told. Reads are not counted: their number differs from run to run."""
        numbers = itertools.count()
        return Fault(lambda told: is_change(told) and next(numbers) == self.number, self.applied)


def is_change(told: str) -> bool:
    """Does somebody else know more when this has got through?"""
    return _READS.match(told) is None


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


async def play(place: Place, story: Story, cut: Cut | None = None) -> Played:
    """Play a story in a world of its own, with the bot cut off somewhere in it or not."""
    async with world(place.directory, lent_redis=place.redis) as made:
        invariants = Invariants(made)
        stage = await set_stage(made, running=story is not stopped_vm)
        async with restarting(made) as wires:
            await made.start_bot()
            crossings, begun = wires.count(cut.fault() if cut else None), made.clock.now()
            await story(stage)
            await made.quiet()
            took = made.clock.now() - begun
        assert invariants.judge(await documents(made)) == []
        told = zip(crossings, wires.beside, strict=True)
        changes = [each for each in told if is_change(each[0])]
        said, beside = zip(*changes, strict=True)
        return Played(ending_of(stage), said, beside, wires.falls, took)


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
    place: Place, story: Story, chosen: slice, begin: str = "", end: str = "no such change"
) -> None:
    """Cut the story at the chosen ones of its cuts between two changes, one in each run."""
    undisturbed = UNDISTURBED.get(story) or await play(place, story)
    UNDISTURBED[story] = undisturbed
    assert undisturbed.falls == 0
    assert undisturbed.ending.sent.count("create virtualmachinerestores") == 1
    first = next(at for at, told in enumerate(undisturbed.changes) if begin in told)
    last = next((at for at, told in enumerate(undisturbed.changes) if end in told), None)
    between = range(len(undisturbed.changes))[first:last]
    for cut in [each for each in undisturbed.cuts if each.number in between][chosen]:
        found = await play(place, story, cut)
        where = f"{cut}: {undisturbed.changes[cut.number]}"
        assert found.ending == undisturbed.ending, (
            f"{where}\n{found.ending.against(undisturbed.ending)}"
        )
        lost = MAY_COME if _unsure(undisturbed.changes, cut) else timedelta()
        limit = max(LEASE, lost) + timedelta(seconds=PATIENCE)
        assert found.took - undisturbed.took <= limit, where
        assert found.falls or cut.number >= len(undisturbed.changes) - LOOSE, "it was not cut here"


def _unsure(changes: tuple[str, ...], cut: Cut) -> bool:
    """The create was decided on, and then the bot was gone: it may have been sent."""
    at = cut.number + cut.applied
    # The loop leases beside the round, so a lease may stand between the decision and the create.
    following = next((each for each in changes[at:] if "redis: lease" not in each), "")
    return "virtualmachinerestores?fieldV" in following


@pytest.fixture
def place(tmp_path: Path, lent_redis: str) -> Place:
    """A place of the test's own."""
    return Place(tmp_path, lent_redis)


@pytest.mark.parametrize("group", range(GROUPS))
async def test_killed_anywhere_in_the_happy_story(place: Place, group: int) -> None:
    """Cut anywhere and restarted: one VirtualMachineRestore, the same cards, each of them once."""
    await cut_again_and_again(place, stopped_vm, slice(group, None, GROUPS))


@pytest.mark.parametrize("group", range(GROUPS // 2))
async def test_killed_while_a_running_vm_is_stopped_protected_and_restored(
    place: Place, group: int
) -> None:
    """What the other story has not: one stop is enough, one safety snapshot, one restore."""
    chosen = slice(group * COARSE, None, GROUPS // 2 * COARSE)
    await cut_again_and_again(
        place, running_vm_with_safety_snapshot, chosen, "/stop", "/virtualmachinerestores?"
    )
