"""What becomes of a restore when its conversation does: archived, left, renamed, private or direct."""

import copy
from collections.abc import Awaitable, Callable

import pytest

from bot.playground.slack.workspace import Channel
from bot.playground.stage import Stage
from bot.restore.model import Phase
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage, documents

CREATE, STOP = "create virtualmachinerestores", "update virtualmachines/stop"
START = "update virtualmachines/start"
ASKED = "restore database-01 from snapshot pre-upgrade-snapshot in production"
HOUR = 3600


async def incident(stage: Stage) -> None:
    """Bob opens a thread, and Alice asks in it."""
    stage.thread = await stage.bob.say(stage.channel, "database-01 is down")
    await stage.reply(f"{stage.world.slack.mention} {ASKED}")


def archived(stage: Stage) -> None:
    """Somebody archives the channel."""
    stage.channel.archived = True


def left(stage: Stage) -> None:
    """Somebody removes the bot from the channel."""
    stage.world.slack.remove_bot(stage.channel)


Loses = Callable[[Stage], None]
LOST = [pytest.param(archived, id="archived"), pytest.param(left, id="left")]


async def onward_in_the_dm(stage: Stage) -> Channel:
    """From here on Alice reads her direct message; the channel that was lost."""
    lost, stage.channel = stage.channel, stage.world.slack.dm(stage.alice)
    await stage.card("so I tell you here.", within=1000)
    return lost


async def phase(stage: Stage) -> Phase:
    """Where the one restore stands."""
    (only,) = await documents(stage.world)
    return only.phase


# The channel is lost


@pytest.mark.parametrize("loses", LOST)
async def test_channel_lost_while_the_name_is_awaited(
    stage_for: SetStage, golden: Golden, loses: Loses
) -> None:
    """Nobody can answer there any more: when the time is over Alice is told in a DM."""
    stage = await stage_for(running=True)
    await incident(stage)
    await stage.press(acts.MUST_STOP, "Stop and restore")
    await stage.card(acts.TYPE_IT)
    loses(stage)
    await onward_in_the_dm(stage)
    await stage.card("is *stopped*")
    await stage.world.pass_time(5)
    await golden(stage)
    assert await phase(stage) in (Phase.EXPIRED, Phase.CANCELLED)
    await stage.press("is *stopped*", "Start VM again")
    await stage.card("started by")
    assert acts.sent(stage) == [STOP, START]


@pytest.mark.parametrize("loses", LOST)
async def test_channel_lost_while_restoring(
    stage_for: SetStage, golden: Golden, loses: Loses
) -> None:
    """The cluster goes on: the state and the result come by DM, and the button there works."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").bind = 60
    await incident(stage)
    await acts.confirm(stage)
    await stage.card("Restoring VM from snapshot")
    loses(stage)
    lost = await onward_in_the_dm(stage)
    before = len(lost.messages)
    await stage.card(acts.RESTORED)
    await stage.press(acts.RESTORED, "Start VM")
    await stage.card("started by")
    await stage.world.quiet()
    await golden(stage)
    assert acts.sent(stage) == [CREATE, START]
    assert len(lost.messages) == before


Told = Callable[[Stage], Awaitable[None]]


async def archived_aloud(stage: Stage) -> None:
    """Somebody archives the channel, and Slack says so."""
    await stage.world.slack.archive(stage.channel, stage.bob)


async def expelled(stage: Stage) -> None:
    """Somebody removes the bot from the channel, and Slack says so."""
    await stage.world.slack.expel_bot(stage.channel, stage.bob)


@pytest.mark.parametrize("loses", [archived_aloud, expelled])
async def test_slack_says_that_the_channel_is_lost(
    stage_for: SetStage, golden: Golden, loses: Told
) -> None:
    """Then nobody waits in vain: Alice is told at once, and what has not begun is over."""
    stage = await stage_for(running=True)
    await incident(stage)
    await stage.press(acts.MUST_STOP, "Stop and restore")
    await stage.card(acts.TYPE_IT)
    await loses(stage)
    stage.channel = stage.world.slack.dm(stage.alice)
    await stage.card("is *stopped*", within=5)
    await stage.world.quiet()
    await golden(stage)
    assert await phase(stage) is Phase.CANCELLED
    assert acts.sent(stage) == [STOP]


async def test_slack_says_so_of_another_channel(stage_for: SetStage) -> None:
    """What is talked about elsewhere is not touched."""
    stage = await stage_for()
    other = stage.world.slack.channel("other", stage.alice)
    await incident(stage)
    await stage.card(acts.TYPE_IT)
    await stage.world.slack.archive(other, stage.alice)
    await acts.finish(stage)
    assert stage.world.slack.dm(stage.alice).messages == []
    assert len(set(stage.marks())) == len(stage.marks())


async def test_started_over_in_the_dm(stage_for: SetStage) -> None:
    """The direct message is as good a place as the channel was: all questions are asked there."""
    stage = await stage_for()
    await incident(stage)
    await stage.card(acts.TYPE_IT)
    await stage.reply("pre-upgrade-snapshot")
    archived(stage)
    await onward_in_the_dm(stage)
    await stage.press("was archived", "Start over")
    warning = await stage.card(acts.TYPE_IT)
    stage.thread = next(each for each in stage.channel.messages if each.ts == warning.thread_ts)
    await acts.finish(stage)
    assert acts.sent(stage) == [CREATE]


async def test_channel_lost_after_the_end(stage_for: SetStage) -> None:
    """Only the last buttons would go: that is no news, so nobody is sent a message for it."""
    stage = await stage_for()
    await incident(stage)
    await acts.finish(stage)
    archived(stage)
    for _ in range(26):
        await stage.world.leap(HOUR)
    assert stage.world.slack.dm(stage.alice).messages == []
    (only,) = await documents(stage.world)
    assert only.closed


async def test_bot_comes_back_to_a_channel(stage_for: SetStage) -> None:
    """Invited again, it works there again; what ended meanwhile answers, and starts nothing."""
    stage = await stage_for()
    room = stage.channel
    await incident(stage)
    warning = await stage.card(acts.TYPE_IT)
    blocks = copy.deepcopy(warning.blocks)
    left(stage)
    await onward_in_the_dm(stage)
    await stage.card("Restore Expired")
    stage.channel = room
    await stage.world.slack.invite_bot(room)
    await stage.world.pass_time(61)
    await stage.alice.click_stale(warning, blocks, "Cancel")
    await stage.whispered("has ended, so the button does nothing any more")
    await stage.reply("pre-upgrade-snapshot")
    await stage.world.pass_time(5)
    assert acts.changes(stage) == []
    await stage.reply(f"{stage.world.slack.mention} {ASKED}")
    await acts.finish(stage)
    assert acts.sent(stage) == [CREATE]


# Its id changes


async def at_the_warning(stage: Stage) -> None:
    """The name is awaited."""
    await stage.card(acts.TYPE_IT)


async def at_the_button(stage: Stage) -> None:
    """The click is awaited."""
    await acts.type_name(stage)


async def while_restoring(stage: Stage) -> None:
    """The cluster works."""
    await acts.confirm(stage)
    await stage.card("Restoring VM from snapshot")


async def after_the_end(stage: Stage) -> None:
    """It is done, and its buttons are still there."""
    await acts.finish(stage)


Onward = Callable[[Stage], Awaitable[None]]


@pytest.mark.parametrize("moment", [at_the_warning, at_the_button, while_restoring, after_the_end])
async def test_channel_gets_another_id(stage_for: SetStage, moment: Onward) -> None:
    """Slack gives the channel another id in the middle: everything goes on in the same thread."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").bind = 10
    await incident(stage)
    await moment(stage)
    await stage.world.quiet()
    await stage.world.slack.change_id(stage.channel)
    await stage.world.quiet()
    if moment is at_the_warning:
        await acts.type_name(stage)
    if moment in (at_the_warning, at_the_button):
        await acts.press_restore(stage)
    await stage.card(acts.RESTORED)
    await stage.press(acts.RESTORED, "Start VM")
    await stage.card("started by")
    await stage.world.quiet()
    assert acts.sent(stage) == [CREATE, START]
    assert stage.world.slack.dm(stage.alice).messages == []
    assert len(set(stage.marks())) == len(stage.marks())


async def test_a_name_that_is_quicker_than_the_new_id(stage_for: SetStage) -> None:
    """The reply comes in under the new id before anybody has said that there is one."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    stage.thread = stage.root()
    await stage.world.quiet()
    stage.world.slack.faults.delay_delivery(4)
    await stage.world.slack.change_id(stage.channel)
    await stage.reply("pre-upgrade-snapshot")
    await stage.card(acts.READY)
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)
    assert len(stage.restores()) == 1


async def test_only_that_channels_restores_move(stage_for: SetStage) -> None:
    """Another channel's restore stays where it is."""
    stage = await stage_for()
    other = stage.world.slack.channel("other", stage.alice)
    await incident(stage)
    await stage.card(acts.TYPE_IT)
    await stage.alice.slash(other, "/vm-restore web-01 from before-release in production")
    await stage.until(lambda: len(other.messages) > 2, "the other one's cards")
    await stage.world.slack.change_id(stage.channel)
    await stage.world.quiet()
    places = {each.request.vm: each.thread_ref.channel for each in await documents(stage.world)}
    assert places == {"database-01": stage.channel.id, "web-01": other.id}


# Other kinds of conversations


def a_direct_message(stage: Stage) -> Channel:
    """Alice and the bot."""
    return stage.world.slack.dm(stage.alice)


def a_private_channel(stage: Stage) -> Channel:
    """For those who were invited."""
    return stage.world.slack.channel("war-room", stage.alice, stage.bob, private=True)


def a_group_dm(stage: Stage) -> Channel:
    """Alice, Bob and the bot."""
    return stage.world.slack.group_dm(stage.alice, stage.bob)


@pytest.mark.parametrize("where", [a_direct_message, a_private_channel, a_group_dm])
async def test_restored_in(
    stage_for: SetStage, golden: Golden, where: Callable[[Stage], Channel]
) -> None:
    """Asked, confirmed and answered there, in a thread below what was said."""
    stage = await stage_for()
    stage.channel = where(stage)
    stage.thread = await stage.alice.say(stage.channel, ASKED)
    await acts.finish(stage)
    await stage.world.quiet()
    await golden(stage)
    assert acts.sent(stage) == [CREATE]
    assert all(card.thread_ts == stage.thread.ts for card in stage.cards())
