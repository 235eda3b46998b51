"""What chaos found, each as a story of its own. All of them ended in silence, or never."""

from bot.playground.slack.workspace import Channel
from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import SetStage

ASKED = "restore database-01 from snapshot pre-upgrade-snapshot in production"


async def direct(stage: Stage, words: str) -> str:
    """Wait for words in Alice's direct messages; all that stands there."""
    room: Channel = stage.world.slack.dm(stage.alice)
    await stage.until(lambda: words in stage.world.slack.transcript(room), f"{words!r} in a DM")
    return stage.world.slack.transcript(room)


async def test_the_message_that_asked_is_deleted_at_once(stage_for: SetStage) -> None:
    """There is no thread to work in: nothing begins, and the asker is told so directly."""
    stage = await stage_for(start=False)
    asked = await stage.alice.say(stage.channel, f"{stage.world.slack.mention} {ASKED}")
    await stage.alice.delete(asked)
    await stage.world.start_bot()
    said = await direct(stage, "Channel Not Reachable")
    assert "The thread of this restore in #incidents was deleted." in said
    assert stage.cards() == []
    assert acts.changes(stage) == []


async def test_the_whole_thread_is_deleted_during_the_restore(stage_for: SetStage) -> None:
    """What the cluster works on is followed to its end, in a direct message."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").bind = 20
    await acts.ask_and_confirm(stage)
    await stage.card("Restoring VM from snapshot")
    await stage.world.quiet()
    stage.world.slack.faults.lose_delivery(100)  # not even the deletions are heard of
    for card in stage.cards():
        await stage.world.slack.remove(card)
    for message in stage.channel.messages:
        message.deleted = True
    stage.world.slack.faults.clear()
    said = await direct(stage, acts.RESTORED)
    assert said.count(acts.RESTORED) == 1
    assert len(stage.restores()) == 1


async def test_thrown_out_of_the_channel_before_anything_was_done(stage_for: SetStage) -> None:
    """The question cannot be answered any more: it is cancelled, and that is said directly."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.reply("pre-upgrade-snapshot")
    stage.world.slack.remove_bot(stage.channel)
    await direct(stage, "Invite me to the channel, then ask again.")
    assert acts.changes(stage) == []


async def test_thrown_out_of_the_channel_during_the_restore(stage_for: SetStage) -> None:
    """Cards that stand in the old channel are not looked for in the new one: the end is told."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").bind = 20
    await acts.ask_and_confirm(stage)
    await stage.card("Restoring VM from snapshot")
    stage.world.slack.remove_bot(stage.channel)
    said = await direct(stage, acts.RESTORED)
    assert said.count(acts.RESTORED) == 1
    room = stage.world.slack.dm(stage.alice)
    result = next(m for m in reversed(room.messages) if acts.RESTORED in stage.read(m))
    await stage.alice.click(result, "Start VM")
    await direct(stage, "started by")
    assert acts.vm_is(stage, "Starting") or acts.live(stage)
