"""Slack delivers twice, late, in another order, or to a socket that has just broken: it all ends well."""

import copy
from collections.abc import Awaitable, Callable

import pytest

from bot.playground.slack.interactions import ClickResult
from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage
from bot.restore.model import Phase
from bot.slack import views
from bot.slack.listeners import clicked
from bot.store import Store, connect
from tests.stories import acts, test_restore
from tests.stories.conftest import GOLDEN, Golden, SetStage, documents

STOP, START = "update virtualmachines/stop", "update virtualmachines/start"
SNAPSHOT, CREATE = "create virtualmachinesnapshots", "create virtualmachinerestores"
TOO_LATE = "reached me more than five minutes late"
OUT_OF_DATE = "This card is out of date, so nothing was done."
HAS_ENDED = "This restore has ended, so nothing was done."

Story = Callable[[SetStage, Golden], Awaitable[None]]


def twice(stage: Stage) -> None:
    """Everything arrives twice."""
    stage.world.slack.faults.twice = True


def swapped(stage: Stage) -> None:
    """Each two events arrive in the wrong order."""
    stage.world.slack.faults.swap = True


def twice_and_swapped(stage: Stage) -> None:
    """Both at once."""
    twice(stage)
    swapped(stage)


def without_the_twin(stage: Stage) -> None:
    """A mention comes only as app_mention, as in some Enterprise workspaces."""
    stage.world.slack.faults.only_mentions = True


def warned(stage: Stage) -> list[str]:
    """What the bot has told Alice alone."""
    return [message.text for message in stage.whispers(stage.alice) if message.author.bot]


@pytest.mark.parametrize("trouble", [twice, swapped, twice_and_swapped, without_the_twin])
@pytest.mark.parametrize(
    "story",
    [
        test_restore.test_stopped_vm_by_slash_command,
        test_restore.test_running_vm_among_people,
        test_restore.test_running_vm_in_an_incident_thread,
    ],
)
async def test_same_story_whatever_the_order(
    stage_for: SetStage, story: Story, trouble: Callable[[Stage], None]
) -> None:
    """The channel reads the same to the letter, and the cluster is asked the same."""

    async def troubled(**settings: object) -> Stage:
        stage = await stage_for(**settings)
        trouble(stage)
        return stage

    def same(stage: Stage, part: str = "") -> None:
        assert part == ""
        name = story.__name__.removeprefix("test_")
        assert stage.transcript() == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")

    await story(troubled, same)


async def press_twice(stage: Stage, words: str, label: str) -> None:
    """A nervous double click: the second press comes from the screen as it was at the first."""
    card = await stage.card(words)
    blocks = copy.deepcopy(card.blocks)
    for _ in range(2):
        result = await stage.alice.click_stale(card, blocks, label)
        assert (await result.settled()).status == "ok"


async def test_every_button_is_pressed_twice(stage_for: SetStage) -> None:
    """The second press of each is answered, and does nothing a second time."""
    stage = await stage_for(running=True)
    stage.thread = await stage.alice.say(stage.channel, f"{stage.world.slack.mention} {ASKED}")
    await press_twice(stage, acts.MUST_STOP, "Stop and restore")
    await press_twice(stage, acts.TYPE_IT, "Snapshot current state first: turn ON")
    await stage.card("state first*: ON")
    await acts.type_name(stage)
    await press_twice(stage, acts.READY, "Restore VM now")
    await press_twice(stage, acts.RESTORED, "Start VM")
    await stage.card("started by")
    await stage.world.quiet()
    assert acts.sent(stage) == [STOP, SNAPSHOT, CREATE, START]
    # Turning the safety snapshot on twice is on: no need to say anything.
    assert warned(stage) == [views_of(OUT_OF_DATE)] * 3
    assert len(set(stage.marks())) == len(stage.marks())


async def test_cancel_and_start_over_are_pressed_twice(stage_for: SetStage) -> None:
    """One cancel, one new restore; the second press of each is answered."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await press_twice(stage, acts.TYPE_IT, "Cancel")
    await press_twice(stage, "Start over", "Start over")
    await stage.card(acts.TYPE_IT)
    await stage.world.quiet()
    assert [each.phase for each in await documents(stage.world)] == [Phase.CANCELLED, Phase.TYPING]
    assert len(warned(stage)) == 2


ASKED = "restore database-01 from snapshot pre-upgrade-snapshot in production"
