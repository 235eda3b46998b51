"""The typed confirmation: the snapshot's name, byte for byte, by the one who asked, where asked."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.playground.slack.composer import Keyboard
from bot.playground.stage import SNAPSHOT_TIME, Stage, access
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

NAME = "pre-upgrade-snapshot"
CREATE = "create virtualmachinerestores"
STOP, START = "update virtualmachines/stop", "update virtualmachines/start"
FAILED = "Names do not match. Restore cancelled for safety."
HOST = "snap.prod-01.example.com"


async def nothing_follows(stage: Stage) -> None:
    """The question still stands, and nothing was asked of the cluster."""
    await stage.world.pass_time(5)
    assert stage.shown(acts.READY) is None
    assert stage.shown(FAILED) is None
    assert "To proceed with restore" in stage.read(await stage.card(acts.TYPE_IT))
    assert acts.changes(stage) == []


async def incident(stage: Stage) -> None:
    """Alice asks in a thread that Bob has started, up to the warning."""
    stage.thread = await stage.bob.say(stage.channel, "database-01 is broken")
    mention = stage.world.slack.mention
    await stage.reply(f"{mention} restore database-01 from snapshot {NAME} in production")
    await stage.card(acts.TYPE_IT)


WRONG: Mapping[str, tuple[str, str, bool]] = {
    "capital first letter": ("Pre-upgrade-snapshot", "A capital letter differs", True),
    "zero-width space": ("pre-upgrade\u200b-snapshot", "It holds an invisible character", True),
    "other name": ("before-release", "", True),
    "somebody": ("@bob", "", True),
    "live markup": ("<!channel>", "", True),
    "live markup, no blocks": ("<!channel>", "", False),
    "struck through": (f"~{NAME}~", "what is struck through does not count", True),
    "struck through, no blocks": (f"~{NAME}~", "what is struck through does not count", False),
}
"""One of each way to the answer; what each slip is called stands in tests/slack/test_typed.py."""


@pytest.mark.parametrize(("said", "hint", "raw_blocks"), WRONG.values(), ids=WRONG.keys())
async def test_wrong_name(stage_for: SetStage, said: str, hint: str, raw_blocks: bool) -> None:
    """Any other text than the name ends the restore; the hint says what probably happened."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.alice.say(stage.channel, said, thread=stage.root(), raw_blocks=raw_blocks)
    read = stage.read(await stage.card(FAILED))
    assert f"*Expected*: `{NAME}`" in read
    assert "❌ Confirmation Failed" in read
    assert "Current VM state preserved." in read
    assert hint in read
    assert ("*Hint*" in read) is bool(hint)
    await stage.world.pass_time(30)
    assert stage.shown(acts.READY) is None
    assert acts.changes(stage) == []


async def test_wrong_name_as_the_channel_shows_it(stage_for: SetStage, golden: Golden) -> None:
    """A phone made the first letter a capital: expected, typed and hint stand side by side."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.alice.say(stage.channel, NAME, thread=stage.root(), keyboard=Keyboard(capital=True))
    await stage.card(FAILED)
    await golden(stage)


async def test_wrong_name_typed_after_the_stop(stage_for: SetStage, golden: Golden) -> None:
    """Cancelled for safety, with the VM stopped for it: that is said, and it can be started."""
    stage = await stage_for(running=True)
    await acts.ask_and_stop(stage)
    await stage.card(acts.TYPE_IT)
    await stage.reply("pre-upgrade")
    await stage.card(FAILED)
    await golden(stage)
    await stage.press(FAILED, "Start VM again", by=stage.bob)
    await stage.whispered("Only @alice can answer for this restore", to=stage.bob)
    await stage.press(FAILED, "Start VM again")
    await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs again")
    assert acts.sent(stage) == [STOP, START]


RIGHT: Mapping[str, tuple[str, dict[str, Any]]] = {
    "without blocks": (NAME, {"raw_blocks": False}),
    "as a code block": (f"```{NAME}```", {}),
    "after a mention, no-break space": (f"@vm-restore {NAME}", {"keyboard": Keyboard(nbsp=True)}),
    "after a mention, without blocks": (f"@vm-restore {NAME}", {"raw_blocks": False}),
    "also sent to the channel": (NAME, {"broadcast": True}),
}


@pytest.mark.parametrize(("said", "how"), RIGHT.values(), ids=RIGHT.keys())
async def test_right_name(stage_for: SetStage, said: str, how: dict[str, Any]) -> None:
    """Slack's own rewriting around the name is undone; typing alone restores nothing."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.alice.say(stage.channel, said, thread=stage.root(), **how)
    await stage.card(acts.READY)
    await stage.world.pass_time(30)
    assert acts.changes(stage) == []


async def test_the_name_sent_twice(stage_for: SetStage) -> None:
    """Sent twice in a row by a nervous finger: the second one is no answer to the next question."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.reply(NAME)
    await stage.reply(NAME)
    await stage.card(acts.READY)
    await stage.world.pass_time(30)
    assert "Restore VM now" in stage.read(await stage.card(acts.READY))
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)


@pytest.mark.parametrize("raw_blocks", [True, False], ids=["blocks", "text alone"])
async def test_a_name_that_slack_links(stage_for: SetStage, raw_blocks: bool) -> None:
    """Names like hosts become links; typed plainly they are the name, in request and answer."""
    stage = await stage_for()
    seed = stage.world.kube.seed
    seed.vm("production", "db.prod-01.example.com", running=False)
    seed.snapshot("production", HOST, "db.prod-01.example.com", created=SNAPSHOT_TIME)
    stage.thread = await stage.alice.say(
        stage.channel,
        f"@vm-restore restore db.prod-01.example.com from snapshot {HOST} in production",
        raw_blocks=raw_blocks,
    )
    await stage.card(acts.TYPE_IT)
    await stage.alice.say(stage.channel, HOST, thread=stage.thread, raw_blocks=raw_blocks)
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)
    assert [acts.spec_of(call)["virtualMachineSnapshotName"] for call in stage.restores()] == [HOST]


async def test_an_address_is_not_the_name(stage_for: SetStage) -> None:
    """A web address that holds the name is another text, and the hint says so."""
    stage = await stage_for()
    seed = stage.world.kube.seed
    seed.snapshot("production", HOST, "database-01", created=SNAPSHOT_TIME)
    await acts.to_the_warning(stage, f"/vm-restore database-01 from {HOST} in production")
    await stage.reply(f"{HOST}/")
    assert "web address" in stage.read(await stage.card(FAILED))


async def test_somebody_else_types(stage_for: SetStage) -> None:
    """The right name from another person is no confirmation, and no wrong one either."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.reply(NAME, by=stage.bob)
    await stage.reply("nonsense", by=stage.bob)
    await nothing_follows(stage)
    assert stage.whispers(stage.bob) == []
    await acts.finish(stage)


async def test_an_edited_message(stage_for: SetStage) -> None:
    """What becomes the name by an edit was not typed as an answer."""
    stage = await stage_for()
    await incident(stage)
    said = await stage.reply(f"it is {NAME}, right?")
    await stage.alice.edit(said, NAME)
    await nothing_follows(stage)
    await stage.world.slack.touch(said)
    await nothing_follows(stage)


async def test_typed_elsewhere(stage_for: SetStage) -> None:
    """The name in the channel, in another thread or by direct message is not the answer."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    other = await stage.bob.say(stage.channel, "what was its name again?")
    await stage.alice.say(stage.channel, NAME, thread=other)
    await stage.alice.say(stage.channel, NAME)
    await stage.alice.say(stage.world.slack.dm(stage.alice), NAME)
    await nothing_follows(stage)


async def test_a_late_event(stage_for: SetStage) -> None:
    """A reply that arrives minutes late was meant for another moment: it is told, and not used."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.world.quiet()
    stage.world.slack.faults.delay_delivery(400)
    await stage.reply(NAME)
    await stage.world.leap(400)
    await stage.whispered("more than five minutes late")
    await nothing_follows(stage)
    await acts.finish(stage)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("please staus of database-01", "Did you mean `status`?"),
        ("status database-01 everything fine now", "I did not understand"),
    ],
)
async def test_a_misspelt_command_while_typing(stage_for: SetStage, said: str, answer: str) -> None:
    """Several words to the bot by name that are nearly a command are answered, and no answer."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.reply(f"{stage.world.slack.mention} {said}")
    await stage.whispered(answer)
    await nothing_follows(stage)
    await acts.finish(stage)


@pytest.mark.parametrize("said", ["`staus`", "pre upgrade snapshot", "cancle it"])
async def test_a_wrong_name_after_a_mention(stage_for: SetStage, said: str) -> None:
    """A single name is an answer all the same, and so is what is nearly no command or a way out."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.reply(f"{stage.world.slack.mention} {said}")
    await stage.card(FAILED)
    assert stage.whispers(stage.alice)[1:] == []


async def test_a_misspelt_command_in_an_incident_thread(stage_for: SetStage) -> None:
    """Several words are conversation there, and by name they are answered; one word is the name."""
    stage = await stage_for()
    await incident(stage)
    await stage.reply(f"{stage.world.slack.mention} handof @bob")
    await stage.whispered("Did you mean `handoff`?")
    await nothing_follows(stage)
    await stage.reply(f"{stage.world.slack.mention} handof")
    await stage.card(FAILED)


async def test_a_wrong_name_of_the_owner_before(stage_for: SetStage) -> None:
    """A failed confirmation that is handed over tells its new owner who typed what."""
    stage = await stage_for(config=lambda stage: access(stage.alice, stage.bob))
    await acts.to_the_warning(stage)
    await stage.reply("pre-upgrade")
    assert "*You typed*: `pre-upgrade`" in stage.read(await stage.card(FAILED))
    await stage.reply(f"{stage.world.slack.mention} handoff @bob")
    await stage.press("asks you to go on with this restore", "Accept", by=stage.bob)
    ended = await stage.card("@bob, nothing was restored to VM")
    assert "*@alice typed*: `pre-upgrade`" in stage.read(ended)


async def test_what_was_typed_shows_people_as_people(stage_for: SetStage) -> None:
    """Somebody who was mentioned stands on the card by name; no id does, and nothing else is live."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.reply("ask @bob or <!channel>")
    failed = await stage.card(FAILED)
    assert "*You typed*: `ask` @bob `or <!channel>`" in stage.read(failed)
    assert "<!channel>" not in str(failed.blocks)


@pytest.mark.parametrize("said", ["cancel", "@vm-restore cancel"])
async def test_cancel_while_typing(stage_for: SetStage, said: str) -> None:
    """`cancel` cancels and is no failed confirmation."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.reply(said)
    await stage.card("Restore operation cancelled by user. Current VM state preserved.")
    assert stage.shown(FAILED) is None
    assert acts.changes(stage) == []


async def test_start_over(stage_for: SetStage) -> None:
    """Start over asks everything anew, in the same thread; its second click opens nothing."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.reply("pre-upgrade")
    failed = await stage.card(FAILED)
    before = failed.blocks
    await stage.press(FAILED, "Start over")
    again = await stage.card("To proceed with restore")
    assert again.thread_ts == failed.thread_ts
    await stage.alice.click_stale(failed, before, "Start over")
    await stage.whispered("out of date")
    await acts.finish(stage)
    await stage.world.quiet()
    assert acts.sent(stage) == [CREATE]
    assert len([card for card in stage.cards() if "VM restore request" in stage.read(card)]) == 2


async def test_expired_while_typing(stage_for: SetStage, golden: Golden) -> None:
    """Nobody types within a quarter of an hour: expired, and nothing was touched."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.world.leap(901)
    await stage.card("Restore Expired")
    await golden(stage)
    await stage.reply(NAME)
    await stage.world.pass_time(5)
    assert stage.shown(acts.READY) is None
    assert acts.changes(stage) == []
