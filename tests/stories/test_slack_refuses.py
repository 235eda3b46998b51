"""Slack takes a card no more, with whatever code: the owner hears of it by the next way.

The codes are Slack's own, and one that does not exist: a workspace's rules, and codes that Slack
will have tomorrow, must not end in silence.
"""

import io

import pytest

from bot.playground.slack.workspace import Channel
from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import SetStage

POST, EDIT, OPEN = "chat.postMessage", "chat.update", "conversations.open"
CREATE, STOP = "create virtualmachinerestores", "update virtualmachines/stop"
START = "update virtualmachines/start"
NO_POST = ["restricted_action_thread_locked", "a_code_of_tomorrow"]
NO_EDIT = ["msg_too_long", "ekm_access_denied", "a_code_of_tomorrow"]
"""Of codes that mean the same one is enough: docs/slack-codes.md says what each of them means."""
STOPPING = "is being stopped gracefully"
STOPPED = "is *stopped*"


async def in_the_dm(stage: Stage) -> Channel:
    """From here on Alice reads her direct message; the channel that takes nothing."""
    closed, stage.channel = stage.channel, stage.world.slack.dm(stage.alice)
    await stage.card("so I tell you here.", within=300)
    return closed


def forbid(stage: Stage, method: str, code: str) -> None:
    """The channel's rules change: nothing of the bot is taken there any more."""
    stage.world.slack.faults.forbid(method, code, channel=stage.channel.id)


# A post is refused


@pytest.mark.parametrize("code", NO_POST)
async def test_no_post_after_the_stop(stage_for: SetStage, code: str) -> None:
    """The VM is down for a restore that cannot go on: Alice hears so, and starts it there."""
    stage = await stage_for(running=True)
    await acts.ask_and_stop(stage)
    await stage.card(STOPPING)
    forbid(stage, POST, code)
    await in_the_dm(stage)
    told = await stage.card(STOPPED, within=300)
    assert "database-01" in stage.read(told)
    await stage.press(STOPPED, "Start VM again")
    await stage.card("started by")
    assert acts.sent(stage) == [STOP, START]


async def test_no_post_of_the_result(stage_for: SetStage) -> None:
    """The cluster has restored the VM: Alice hears it, and starts the VM there."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").bind = 30
    await acts.ask_and_confirm(stage)
    await stage.card("Restoring VM from snapshot")
    forbid(stage, POST, "no_permission")
    await in_the_dm(stage)
    await stage.card(acts.RESTORED)
    await stage.press(acts.RESTORED, "Start VM")
    await stage.card("started by")
    assert acts.sent(stage) == [CREATE, START]


async def test_no_post_at_all_in_the_channel(stage_for: SetStage) -> None:
    """Not even the first card: what was asked for is answered in the direct message."""
    stage = await stage_for()
    forbid(stage, POST, "restricted_action")
    await acts.ask(stage)
    await in_the_dm(stage)
    await stage.card("Start over")
    assert acts.sent(stage) == []


# The direct message is refused, too


async def test_the_direct_message_takes_nothing_either(stage_for: SetStage) -> None:
    """Then the one who clicked hears it where they clicked, once, and can act on it."""
    stage = await stage_for(running=True)
    await acts.ask_and_stop(stage)
    await stage.card(STOPPING)
    stage.world.slack.faults.forbid(POST, "restricted_action")
    told = await stage.whispered(STOPPED)
    await stage.world.pass_time(1500)
    assert sum(STOPPED in stage.read(each) for each in stage.whispers(stage.alice)) == 1
    await stage.alice.click(told, "Start VM again")
    await stage.until(lambda: START in acts.sent(stage), "the VM is started")


@pytest.mark.parametrize("method", [POST, OPEN])
async def test_no_way_leads_to_the_owner(stage_for: SetStage, method: str) -> None:
    """Nobody is told, so an operator is, and it is tried until it works."""
    stage = await stage_for(running=True)
    await acts.ask_and_stop(stage)
    await stage.card(STOPPING)
    faults = stage.world.slack.faults
    forbid(stage, POST, "restricted_action")
    faults.forbid(method, "a_code_of_tomorrow")
    faults.forbid("response_url", "expired_url")
    await stage.until(lambda: untold(stage, "a_code_of_tomorrow"), "it is counted", within=1200)
    faults.clear()
    forbid(stage, POST, "restricted_action")
    stage.channel = stage.world.slack.dm(stage.alice)
    await stage.card(STOPPED, within=1200)


def untold(stage: Stage, code: str) -> float:
    """How often nobody could be told, for this reason."""
    bot = stage.world.bot
    assert bot is not None
    found = bot.metrics.registry.get_sample_value("vm_restore_untold_total", {"code": code})
    return found or 0.0


@pytest.mark.parametrize("running", [False, True], ids=["before the act", "after the stop"])
async def test_the_thread_of_a_direct_message_takes_nothing(
    stage_for: SetStage, running: bool
) -> None:
    """It goes on in the same direct message, without a thread; nothing is told elsewhere."""
    stage = await stage_for(running=running)
    stage.channel = stage.world.slack.dm(stage.alice)
    await acts.ask(stage)
    await stage.card(acts.MUST_STOP if running else acts.TYPE_IT)
    if running:
        await stage.press(acts.MUST_STOP, "Stop and restore")
        await stage.card(STOPPING)
    stage.world.slack.faults.lock_threads(stage.channel.id)
    if not running:
        await stage.reply("pre-upgrade-snapshot")
    told = await stage.card("Start over", within=300)
    said = "I cannot write in our direct message (Slack says: restricted_action_thread_locked)"
    assert said in stage.read(told)
    assert told.thread_ts is None
    await stage.world.pass_time(1500)
    assert len(stage.marks()) == len(set(stage.marks()))
    assert "response_url" not in {each.method for each in stage.world.slack.log}
    if running:
        await stage.press(STOPPED, "Start VM again")
        await stage.card("started by")


# An edit is refused


@pytest.mark.parametrize("code", NO_EDIT)
async def test_no_edit(stage_for: SetStage, code: str) -> None:
    """Cards stay as they were posted, and every card behind them comes."""
    stage = await stage_for(running=True)
    await acts.ask(stage)
    await stage.card(acts.MUST_STOP)
    forbid(stage, EDIT, code)
    await stage.press(acts.MUST_STOP, "Stop and restore")
    await acts.finish(stage)
    await stage.press(acts.RESTORED, "Start VM")
    await stage.card("started by")
    assert acts.sent(stage) == [STOP, CREATE, START]
    assert stage.world.slack.dm(stage.alice).messages == []


async def test_a_question_that_cannot_be_edited(stage_for: SetStage) -> None:
    """What was chosen on it must be read before the name is typed: it is asked anew."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    forbid(stage, EDIT, "restricted_action")
    await stage.press(acts.TYPE_IT, "Snapshot current state first: turn ON")
    asked = await stage.card("*Snapshot current state first*: ON")
    assert asked.blocks
    await acts.finish(stage)


async def test_a_card_that_is_at_fault_itself(stage_for: SetStage) -> None:
    """Its text comes without blocks: a person still hears what is asked, and can answer it."""
    stage = await stage_for()
    stage.world.slack.faults.refuse(POST, "msg_too_long", skip=1)
    await acts.ask(stage)
    await stage.until(lambda: len(stage.cards()) == 2, "a second card")
    warning = stage.cards()[1]
    assert warning.blocks is None
    assert "pre-upgrade-snapshot" in warning.text
    await stage.reply("pre-upgrade-snapshot")
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)


# An answer for one person is refused


@pytest.mark.parametrize("code", NO_POST)
async def test_no_answer_in_the_channel(stage_for: SetStage, code: str) -> None:
    """It comes in a direct message."""
    stage = await stage_for()
    forbid(stage, "chat.postEphemeral", code)
    await stage.alice.say(stage.channel, f"{stage.world.slack.mention} status")
    stage.channel = stage.world.slack.dm(stage.alice)
    await stage.card("No restore is under way")


# What else an answer may mean


async def test_a_channel_that_cannot_be_read(stage_for: SetStage) -> None:
    """Whether a card stands there nobody knows: it is posted again rather than never."""
    stage = await stage_for()
    faults = stage.world.slack.faults
    faults.drop_before(POST)
    faults.forbid("conversations.history", "missing_scope")
    faults.forbid("conversations.replies", "missing_scope")
    await acts.ask_and_finish(stage)


# A round that keeps failing


@pytest.mark.parametrize("why", ["a fault of the bot", "Slack fails in the channel"])
async def test_a_round_that_keeps_failing(
    stage_for: SetStage, logged: io.StringIO, why: str
) -> None:
    """The owner hears of it in a direct message, once; an operator too; and it ends when it can."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").bind = 30
    await acts.ask_and_confirm(stage)
    await stage.card("Restoring VM from snapshot")
    await acts.handed_over(stage)
    if why == "a fault of the bot":
        await acts.break_the_claims(stage)
    else:
        stage.world.slack.faults.forbid(POST, "fatal_error", channel=stage.channel.id)
    closed, stage.channel = stage.channel, stage.world.slack.dm(stage.alice)
    await stage.card("I cannot get on with this restore", within=900)
    await stage.world.pass_time(90)
    assert len(stage.cards()) == 1
    assert stage.world.bot is not None
    assert stage.world.bot.metrics.registry.get_sample_value("vm_restore_stuck_total") == 1.0
    assert logged.getvalue().count("the rounds of a restore keep failing") == 1
    stage.world.slack.faults.clear()
    if why == "a fault of the bot":
        await acts.repair_the_claims(stage)
    stage.channel = closed
    await stage.card(acts.RESTORED, within=900)
