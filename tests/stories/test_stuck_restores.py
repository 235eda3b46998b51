"""A restore that does not go on: the card says why, who can do what, and anybody may ask."""

import pytest

from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage
from tests.stories.test_failures import break_it
from tests.stories.test_slow_restore import bind

NS, VM = "production", "database-01"
CAUSE = "*Likely cause*"
LATE = "does not run yet"
NO_DRIVER = "No driver has taken on claim"
DIAGNOSTIC = {"events", "limitranges", "datavolumes"}


def diagnostic(stage: Stage) -> list[ApiCall]:
    """The bot's reads that only a diagnosis needs."""
    calls = stage.world.kube.log
    return [call for call in calls if call.resource in DIAGNOSTIC and call.verb != "create"]


async def stuck(stage: Stage) -> None:
    """A restore whose volumes do not come."""
    bind(stage, None)
    await acts.ask_and_confirm(stage)
    await stage.card("new volumes are being made")


async def test_a_happy_restore_reads_no_events(stage_for: SetStage) -> None:
    stage = await stage_for()
    await acts.ask_and_finish(stage)
    await stage.world.quiet()
    assert diagnostic(stage) == []
    assert stage.shown(CAUSE) is None


async def test_a_stall_is_diagnosed(stage_for: SetStage, golden: Golden) -> None:
    """Nothing has moved for two minutes: the progress card says why. Once it moves, it says it no more."""
    stage = await stage_for()
    await stuck(stage)
    await stage.world.pass_time(100)
    assert stage.shown(CAUSE) is None
    assert diagnostic(stage) == []
    card = await stage.card(NO_DRIVER, within=60)
    await golden(stage)
    assert "# 🔄 Restoring VM from snapshot..." in stage.read(card)
    once = len(diagnostic(stage))
    await stage.world.pass_time(60)
    assert len(diagnostic(stage)) == once, "not at every look"
    bind(stage, 1.0)
    await stage.card(acts.RESTORED)
    assert stage.shown(CAUSE) is None
    assert len(acts.changes(stage)) == 1


async def test_the_time_limit_says_why(stage_for: SetStage, golden: Golden) -> None:
    """The question after the time limit names the cause instead of "large VMs may take long"."""
    stage = await stage_for(config={"rules": {"restore_timeout": 30}})
    stage.world.kube.knobs.own_class(
        "standard"
    ).error = "rpc error: code = ResourceExhausted desc = not enough free space"
    await acts.ask_and_confirm(stage)
    card = await stage.card("taking longer than expected: ", within=60)
    await golden(stage)
    said = stage.read(card)
    assert "The storage has no space for claim" in said
    assert "large VMs may take" not in said
    assert card in stage.alice.notified


async def test_anybody_may_ask_why(stage_for: SetStage, golden: Golden) -> None:
    """Bob, who may not restore anything, is told what was read just now; nothing else happens."""
    stage = await stage_for()
    await stuck(stage)
    before = [stage.read(card) for card in stage.cards()]
    await stage.press("new volumes are being made", "Why?", by=stage.bob)
    told = await stage.whispered(NO_DRIVER, to=stage.bob)
    await golden(stage.read(told), "answer")
    once = len(diagnostic(stage))
    assert once > 3
    await stage.press("new volumes are being made", "Why?")
    await stage.whispered(NO_DRIVER)
    assert len(diagnostic(stage)) == once, "the answer of a moment ago is told again"
    assert [stage.read(card) for card in stage.cards()] == before
    assert len(acts.changes(stage)) == 1


async def test_a_start_that_does_not_come_up(stage_for: SetStage, golden: Golden) -> None:
    """No node takes the VM: who started it is told why; once it runs, that its guest agent answers."""
    stage = await stage_for()
    guest = stage.world.kube.knobs.own_guest(NS, VM)
    guest.unschedulable = "0/3 nodes are available: 3 Insufficient memory."
    await acts.ask_and_confirm(stage)
    await stage.press(acts.RESTORED, "Start VM")
    await stage.card("started by")
    await stage.world.pass_time(100)
    assert diagnostic(stage) == []
    card = await stage.card(LATE, within=60)
    await golden(stage)
    assert "No node can run VM" in stage.read(card)
    assert guest.unschedulable in stage.read(card)
    assert card in stage.alice.notified
    await stage.press(LATE, "Why?", by=stage.bob)
    await stage.whispered("*Why does VM `database-01` not come up?*", to=stage.bob)
    guest.unschedulable = ""
    stage.world.kube.nudge()
    card = await stage.card("its guest agent answers", within=60)
    assert CAUSE not in stage.read(card)
    assert "*Guest agent*: it answered after the start" in stage.read(
        await stage.card(acts.RESTORED)
    )


async def test_a_guest_without_an_agent(stage_for: SetStage) -> None:
    """That it runs is all that can be said, and for how long the bot looks."""
    stage = await stage_for()
    stage.world.kube.knobs.own_guest(NS, VM).has_agent = False
    await acts.ask_and_confirm(stage)
    await stage.press(acts.RESTORED, "Start VM")
    await stage.card("Its guest agent has not answered so far")
    assert "*Guest agent*" not in stage.read(await stage.card(acts.RESTORED))


async def test_why_of_a_restore_that_gets_on(stage_for: SetStage) -> None:
    """Nothing is made up where nothing is wrong."""
    stage = await stage_for()
    bind(stage, 60)
    await acts.ask_and_confirm(stage)
    await stage.card("new volumes are being made")
    await stage.world.kube.pause_controllers()
    for each in stage.world.kube.storage.view("events"):
        stage.world.kube.storage.remove("events", NS, each["metadata"]["name"])
    await stage.press("new volumes are being made", "Why?")
    told = stage.read(await stage.whispered("Nothing wrong was found with the restore of VM"))
    assert CAUSE not in told


@pytest.mark.parametrize("resource", sorted({*DIAGNOSTIC, "volumesnapshots", "storageclasses"}))
async def test_without_a_right_the_rest_is_told(stage_for: SetStage, resource: str) -> None:
    """What the bot may not read is named; it is no error, and no evidence."""
    stage = await stage_for()
    await stuck(stage)
    for verb in ("get", "list"):
        stage.world.kube.deny(verb, resource)
    await stage.press("new volumes are being made", "Why?")
    told = stage.read(await stage.whispered(f"and so not considered*: {resource}"))
    known = resource != "events"
    assert (NO_DRIVER in told) is known
    bind(stage, 1.0)
    await stage.card(acts.RESTORED)


async def test_why_while_the_cluster_is_away(stage_for: SetStage) -> None:
    """That it does not answer is the answer."""
    stage = await stage_for()
    await stuck(stage)
    await stage.world.kube.stop()
    await stage.press("new volumes are being made", "Why?")
    await stage.whispered("The API server of the cluster does not answer.")


async def test_a_summary_for_the_admin(stage_for: SetStage, golden: Golden) -> None:
    """After a failure: all that an admin needs, in plain text, for the person who presses the button."""
    stage = await stage_for()
    await stuck(stage)
    await break_it(stage)
    await stage.press("❌ VM Restore Failed", "Summary for the admin", by=stage.bob)
    told = await stage.whispered("Summary for the cluster admin", to=stage.bob)
    await golden(stage.read(told))
    assert len(acts.changes(stage)) == 1


async def test_a_restore_deleted_by_others_is_diagnosed(stage_for: SetStage) -> None:
    """What was read at the end says what became of it."""
    stage = await stage_for()
    await stuck(stage)
    stage.world.kube.people.delete_restore(NS, stage.restores()[0].name)
    failed = await stage.card("*Likely cause*: Somebody deleted restore object")
    assert "❌ VM Restore Failed" in stage.read(failed)
