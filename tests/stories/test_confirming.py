"""The last question: only the asker's press on the card that is open restores anything."""

import pytest

from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

CREATE = "create virtualmachinerestores"
STOP = "update virtualmachines/stop"
BUTTON = "Restore VM now"
CANCELLED = "Restore operation cancelled by user. Current VM state preserved."


async def ready(stage: Stage) -> None:
    """A stopped VM, the name typed: the button waits."""
    await acts.to_the_button(stage)


async def ready_in_an_incident(stage: Stage) -> None:
    """The same in a thread that Bob has started."""
    stage.thread = await stage.bob.say(stage.channel, "database-01 is broken")
    mention = stage.world.slack.mention
    await stage.reply(f"{mention} restore database-01 from pre-upgrade-snapshot in production")
    await acts.type_name(stage)


async def still_open(stage: Stage) -> None:
    """The button still waits, and nothing was asked of the cluster."""
    await stage.world.pass_time(5)
    assert BUTTON in stage.read(await stage.card(acts.READY))
    assert stage.shown(CANCELLED) is None
    assert acts.changes(stage) == []


async def cancelled(stage: Stage) -> None:
    """It is over, it says so, and nothing was or will be asked of the cluster."""
    await stage.card(CANCELLED)
    await stage.world.pass_time(30)
    assert acts.changes(stage) == []


async def test_typed_name_then_cancel(stage_for: SetStage, golden: Golden) -> None:
    """The right name and then Cancel: nothing is restored."""
    stage = await stage_for()
    await ready(stage)
    await golden(stage, "asked")
    await stage.press(acts.READY, "Cancel")
    await cancelled(stage)
    await golden(stage, "cancelled")


@pytest.mark.parametrize("said", ["pre-upgrade-snapshot", "hold on a second"])
async def test_typing_instead_of_clicking(stage_for: SetStage, said: str) -> None:
    """In the bot's own thread anything that is typed now cancels."""
    stage = await stage_for()
    await ready(stage)
    await stage.reply(said)
    await cancelled(stage)
    assert "only the button *Restore VM now* counts" in stage.read(await stage.card(CANCELLED))


async def test_yes_is_answered_with_the_button(stage_for: SetStage) -> None:
    """`yes` neither restores nor cancels: the asker is told to press the button."""
    stage = await stage_for()
    await ready(stage)
    await stage.reply("`Yes`")
    await stage.whispered("Typing `yes` does not start the restore: press the button")
    await still_open(stage)
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)


@pytest.mark.parametrize("said", ["nope", "don't do it"])
async def test_words_that_cancel_in_an_incident_thread(stage_for: SetStage, said: str) -> None:
    """One word, or a sentence that begins by saying no, cancels there too."""
    stage = await stage_for()
    await ready_in_an_incident(stage)
    await stage.reply(said)
    await cancelled(stage)


async def test_button_of_an_older_restore(stage_for: SetStage) -> None:
    """The confirm card of a cancelled restore confirms nothing in the one that followed it."""
    stage = await stage_for()
    await ready(stage)
    old = await stage.card(acts.READY)
    before = old.blocks
    await stage.press(acts.READY, "Cancel")
    await stage.press(CANCELLED, "Start over")
    await stage.card("To proceed with restore")
    await stage.alice.click_stale(old, before, BUTTON)
    await stage.whispered("is out of date")
    await stage.world.pass_time(30)
    assert acts.changes(stage) == []
    await acts.finish(stage)
    await stage.alice.click_stale(old, before, BUTTON)
    await stage.world.pass_time(30)
    assert acts.sent(stage) == [CREATE]


async def test_expired_while_confirming(stage_for: SetStage, golden: Golden) -> None:
    """Nobody presses within a quarter of an hour: expired; the old button does nothing."""
    stage = await stage_for()
    await ready(stage)
    card = await stage.card(acts.READY)
    before = card.blocks
    await stage.world.leap(901)
    await stage.card("Restore Expired")
    await golden(stage)
    await stage.alice.click_stale(card, before, BUTTON)
    await stage.whispered("has ended")
    await stage.world.pass_time(30)
    assert acts.changes(stage) == []


async def waits_at_the_stop(stage: Stage) -> None:
    """A running VM: stop it or not?"""
    await acts.ask(stage)
    await stage.card(acts.MUST_STOP)


async def waits_for_the_guest(stage: Stage) -> None:
    """A guest that does not shut down."""
    stage.world.kube.people.ignore_shutdown("production", "database-01")
    await acts.ask_and_stop(stage)
    await stage.card("being stopped gracefully")
    await stage.world.pass_time(3)


async def waits_for_the_name(stage: Stage) -> None:
    """The VM is stopped, the name is to be typed."""
    await acts.ask_and_stop(stage)
    await stage.card(acts.TYPE_IT)


async def waits_for_the_button(stage: Stage) -> None:
    """The name is typed, the button is to be pressed."""
    await waits_for_the_name(stage)
    await acts.type_name(stage)


@pytest.mark.parametrize(
    ("waits", "done", "told"),
    [
        (waits_at_the_stop, [], "I did not stop or change the VM."),
        (waits_for_the_guest, [STOP], "VM `database-01` is *stopping*: the stop sent at"),
        (waits_for_the_name, [STOP], "VM `database-01` is *stopped*: I stopped it"),
        (waits_for_the_button, [STOP], "VM `database-01` is *stopped*: I stopped it"),
    ],
)
async def test_cancel_by_command(
    stage_for: SetStage,
    waits: acts.Act,
    done: list[str],
    told: str,
) -> None:
    """/vm-restore cancel works in every phase that waits, and tells what state the VM is in."""
    stage = await stage_for(running=True)
    await waits(stage)
    await acts.ask(stage, "/vm-restore cancel")
    result = stage.read(await stage.card("Restore operation cancelled by user."))
    assert told in result
    assert ("Start VM again" in result) is bool(done)
    await stage.whispered("Done. The thread of the restore of VM `database-01`")
    await stage.world.pass_time(30)
    assert set(acts.sent(stage)) == set(done)


async def test_nothing_to_cancel(stage_for: SetStage) -> None:
    """Who has no restore is told so; another person's restore goes on."""
    stage = await stage_for()
    await ready(stage)
    await stage.bob.slash(stage.channel, "/vm-restore cancel")
    await stage.whispered("You have no restore that could be cancelled", to=stage.bob)
    await still_open(stage)
