"""What chaos found, each as a story of its own. All of them ended in silence, or never."""

import json

from bot.playground.kubevirt.faults import Answer, DropAfter, Rule
from bot.playground.slack.workspace import Channel
from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import SetStage
from tests.tools.invariants import RESTORES

POST = "chat.postMessage"
ASKED = "restore database-01 from snapshot pre-upgrade-snapshot in production"


async def direct(stage: Stage, words: str) -> str:
    """Wait for words in Alice's direct messages; all that stands there."""
    room: Channel = stage.world.slack.dm(stage.alice)
    await stage.until(lambda: words in stage.world.slack.transcript(room), f"{words!r} in a DM")
    return stage.world.slack.transcript(room)


async def test_the_thread_is_gone_before_anything_was_said(stage_for: SetStage) -> None:
    """Who asked has deleted the message: nothing begins, and they are told so directly."""
    stage = await stage_for()
    stage.world.slack.faults.refuse(POST, "thread_not_found")
    await stage.alice.say(stage.channel, f"{stage.world.slack.mention} {ASKED}")
    said = await direct(stage, "Ask again if you still want it.")
    assert "The thread of this restore in #incidents was deleted." in said
    assert stage.cards() == []
    assert acts.changes(stage) == []


async def test_the_thread_is_gone_during_the_restore(stage_for: SetStage) -> None:
    """What the cluster works on is followed to its end, in a direct message."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").bind = 20
    await acts.ask_and_confirm(stage)
    await stage.card("Restoring VM from snapshot")
    await stage.world.quiet()
    stage.world.slack.faults.refuse(POST, "thread_not_found")
    await direct(stage, acts.RESTORED)
    assert len(stage.restores()) == 1


async def test_the_thread_is_gone_in_a_direct_message(stage_for: SetStage) -> None:
    """There is nowhere else to go: the story goes on in a new thread of the same conversation."""
    stage = await stage_for()
    stage.channel = stage.world.slack.dm(stage.alice)
    stage.world.kube.knobs.own_class("standard").bind = 20
    await acts.ask_and_confirm(stage)
    await stage.card("Restoring VM from snapshot")
    await stage.world.quiet()
    stage.world.slack.faults.refuse(POST, "thread_not_found")
    await stage.card(acts.RESTORED)
    assert len(stage.restores()) == 1


async def test_thrown_out_of_the_channel_before_anything_was_done(stage_for: SetStage) -> None:
    """The question cannot be answered any more: it is cancelled, and that is said directly."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.reply("pre-upgrade-snapshot")
    stage.world.slack.remove_bot(stage.channel)
    said = await direct(stage, "Invite me to the channel, then ask again.")
    assert acts.TYPE_IT not in said
    assert acts.changes(stage) == []


async def test_thrown_out_of_the_channel_during_the_restore(stage_for: SetStage) -> None:
    """Cards that stand in the old channel are not looked for in the new one: the end is told."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").bind = 20
    await acts.ask_and_confirm(stage)
    await stage.card("Restoring VM from snapshot")
    stage.world.slack.remove_bot(stage.channel)
    await direct(stage, "[*Start VM]")
    room = stage.world.slack.dm(stage.alice)
    results = [m for m in room.messages if m.is_reply and acts.RESTORED in stage.read(m)]
    assert len(results) == 1
    await stage.alice.click(results[0], "Start VM")
    await direct(stage, "started by")
    assert acts.vm_is(stage, "Starting") or acts.live(stage)


async def test_a_gesture_ends_though_slack_tries_again_later(stage_for: SetStage) -> None:
    """In the playground: nobody is connected and Slack redelivers; the person is not kept waiting."""
    stage = await stage_for(start=False)
    stage.world.slack.faults.redeliver_interactions = True
    result = await stage.alice.slash(stage.channel, acts.REQUEST)
    assert result.status == "dispatch_failed"


async def test_a_home_that_slack_gave_no_addresses_for(stage_for: SetStage) -> None:
    """The restore has ended, so nothing else draws the Home anew: its links come a minute later."""
    stage = await stage_for()
    await stage.alice.open_home()
    await stage.until(lambda: stage.alice.home, "the Home tab")
    stage.world.slack.faults.fail("chat.getPermalink", times=10)
    await acts.ask_and_finish(stage)
    await stage.world.pass_time(10)
    assert "https://" not in home(stage)
    stage.world.slack.faults.clear()
    await stage.until(lambda: "https://" in home(stage), "a link to the thread", within=61)


def home(stage: Stage) -> str:
    """What stands in Alice's Home."""
    assert stage.alice.home is not None
    return json.dumps(stage.alice.home.blocks)


async def test_a_restore_that_came_and_went_unseen_is_not_made_again(stage_for: SetStage) -> None:
    """The create has no answer, and somebody deletes the object before the bot can look: one is enough."""
    stage = await stage_for()
    kube = stage.world.kube
    kube.knobs.own_class("standard").bind = 60
    kube.faults.add(Rule(DropAfter(), verb="create", resource=RESTORES, dry_run=False))
    await acts.ask_and_confirm(stage)
    await stage.until(stage.restores, "the restore is created")
    blind = kube.faults.add(Rule(Answer(503, "", "no"), verb="list", resource=RESTORES, times=None))
    await stage.until(lambda: locked(stage), "the VM is locked")
    [made] = stage.restores()
    kube.people.delete_restore(made.namespace, made.name)
    await stage.until(lambda: not locked(stage), "the VM is free again")
    kube.faults.remove(blind)
    await stage.card("it may have been made, and deleted by somebody else", within=120)
    assert stage.restores() == [made]


def locked(stage: Stage) -> bool:
    """Does the VM carry the name of a restore that is under way?"""
    vm = stage.world.kube.storage.get("virtualmachines", "production", "database-01")
    return bool(vm["status"].get("restoreInProgress"))
