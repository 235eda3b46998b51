"""A live VM is stopped first: gracefully, truthfully, and never behind anybody's back."""

import pytest

from bot.playground.kubevirt.faults import Answer, Rule
from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

NS, VM = "production", "database-01"
STOP = "update virtualmachines/stop"
START = "update virtualmachines/start"
RESTORE = "create virtualmachinerestores"
IMPATIENT = {"rules": {"stop_timeout": 20, "answer_timeout": 60}}
AFTER_CONFIRMATION = {"rules": {"stop_when": "confirmed"}}


async def incident(stage: Stage) -> Message:
    """People talk; in their thread Alice asks the bot by a mention."""
    root = await stage.bob.say(stage.channel, "database-01 is down since the upgrade")
    stage.thread = root
    await stage.alice.say(
        stage.channel,
        f"The database upgrade failed. {stage.world.slack.mention} restore database-01 "
        "from snapshot pre-upgrade-snapshot in production",
        thread=root,
    )
    return root


async def stop(stage: Stage) -> None:
    """Ask, and choose to stop the VM."""
    await acts.ask_and_stop(stage)


def deaf(stage: Stage) -> None:
    """The guest ignores the power button, and has an hour before it is cut off."""
    kube = stage.world.kube
    kube.people.ignore_shutdown(NS, VM)
    vmi = kube.storage.get("virtualmachineinstances", NS, VM)
    vmi["spec"]["terminationGracePeriodSeconds"] = 3600
    kube.storage.put("virtualmachineinstances", vmi)


async def stop_overdue(stage: Stage) -> Message:
    """The stop takes longer than the settings allow."""
    deaf(stage)
    await stop(stage)
    return await stage.card("Taking Longer to Stop", within=400)


async def test_running_vm_in_an_incident_thread(stage_for: SetStage, golden: Golden) -> None:
    """The VM is stopped right after the choice, so that the data-loss window shown is final."""
    stage = await stage_for(running=True)
    root = await incident(stage)
    await stage.press(acts.MUST_STOP, "Stop and restore")
    await stage.reply("customers are asking, how long will it take?", by=stage.bob)
    await acts.finish(stage)
    await stage.world.quiet()
    await golden(stage)
    assert acts.sent(stage) == [STOP, RESTORE]
    assert all(card.thread_ts == root.ts for card in stage.cards())


async def test_running_vm_stopped_after_both_confirmations(
    stage_for: SetStage, golden: Golden
) -> None:
    """With `stop_when: confirmed` nothing is touched before both confirmations are in."""
    stage = await stage_for(running=True, config=AFTER_CONFIRMATION)
    await incident(stage)
    await stage.press(acts.MUST_STOP, "Stop and restore")
    await acts.type_name(stage)
    await stage.world.pass_time(30)
    assert acts.sent(stage) == []
    assert acts.live(stage)
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)
    await stage.world.quiet()
    await golden(stage)
    assert acts.sent(stage) == [STOP, RESTORE]


async def test_stop_and_restore_typed(stage_for: SetStage) -> None:
    """`stop-and-restore` typed in the thread is as good as the button."""
    stage = await stage_for(running=True)
    await incident(stage)
    await stage.card(acts.MUST_STOP)
    await stage.reply("what does stop-and-restore do?")
    await stage.world.pass_time(5)
    assert acts.sent(stage) == []
    await stage.reply("Stop-and-restore")
    await stage.card(acts.TYPE_IT)
    assert acts.sent(stage) == [STOP]


async def test_a_restore_that_waits_for_the_stop_is_not_begun_by_ours(stage_for: SetStage) -> None:
    """Somebody makes it while the question stands; no mark on the VM shows it."""
    stage = await stage_for(running=True)
    await acts.ask(stage)
    await stage.card(acts.MUST_STOP)
    stage.world.kube.people.create_restore(NS, "by-hand", VM, "pre-upgrade-snapshot")
    await stage.press(acts.MUST_STOP, "Stop and restore")
    said = stage.read(await stage.card("❌ Changed Since Confirmation"))
    assert "VirtualMachineRestore `by-hand` of this VM is not complete, and a stop would" in said
    await stage.world.pass_time(30)
    assert acts.sent(stage) == []
    assert acts.live(stage)


async def test_cancel_typed_before_the_stop(stage_for: SetStage, golden: Golden) -> None:
    """`cancel` leaves a running VM running."""
    stage = await stage_for(running=True)
    await acts.ask(stage)
    await stage.card(acts.MUST_STOP)
    await stage.reply("cancel")
    await stage.card("Restore operation cancelled by user.")
    await stage.world.pass_time(30)
    await golden(stage)
    assert acts.sent(stage) == []
    assert acts.live(stage)


async def test_guest_that_ignores_the_shutdown(stage_for: SetStage, golden: Golden) -> None:
    """After a while the owner is asked; force stop says what it risks and asks once more."""
    stage = await stage_for(running=True, config={"rules": {"stop_timeout": 60}})
    await stop_overdue(stage)
    await stage.press("Taking Longer to Stop", "Keep waiting")
    await stage.card("after 2 minutes", within=61)
    await stage.press("after 2 minutes", "Force stop")
    await stage.world.pass_time(30)
    assert acts.live(stage)
    before = len(acts.changes(stage))
    await stage.press("What it risks", "Force stop now")
    await stage.card(acts.TYPE_IT)
    await golden(stage)
    forced = acts.changes(stage)[before:]
    assert [call.body for call in forced] == [{"gracePeriod": 0}]
    assert set(acts.sent(stage)) == {STOP}


async def test_cancel_while_the_guest_does_not_stop(stage_for: SetStage, golden: Golden) -> None:
    """The stop that was sent cannot be taken back, and the card says so."""
    stage = await stage_for(running=True, config=IMPATIENT)
    await stop_overdue(stage)
    await stage.press("Taking Longer to Stop", "Cancel")
    await stage.card("Restore operation cancelled by user.")
    await stage.world.pass_time(60)
    await golden(stage)
    assert set(acts.sent(stage)) == {STOP}


async def test_start_again_while_the_vm_still_stops(stage_for: SetStage) -> None:
    """Cancelled half-way, the VM ends its stop first; "started" is said only when it will run."""
    stage = await stage_for(running=True)
    await stop(stage)
    await stage.press("is being stopped gracefully", "Cancel")
    assert acts.live(stage)
    await stage.press("Restore operation cancelled by user.", "Start VM again")
    await stage.card("started by @alice")
    await stage.world.pass_time(30)
    assert acts.vm_is(stage, "Running")
    assert acts.sent(stage).count(START) >= 1


async def test_guest_powered_off_from_inside(stage_for: SetStage) -> None:
    """A Manual VM keeps its ended VMI for ever: it is cleared away before the restore."""
    stage = await stage_for(running=True, run_strategy="Manual")
    stage.world.kube.people.power_off(NS, VM)
    await acts.ask_and_stop(stage)
    await acts.finish(stage)
    assert acts.sent(stage) == ["delete virtualmachineinstances", RESTORE]


async def test_stop_forbidden(stage_for: SetStage, golden: Golden) -> None:
    """A stop that RBAC refuses ends the restore; the VM was never stopped."""
    stage = await stage_for(running=True)
    await acts.ask(stage)
    await stage.card(acts.MUST_STOP)
    stage.world.kube.deny("update", "virtualmachines/stop", NS)
    await stage.press(acts.MUST_STOP, "Stop and restore")
    await stage.card("❌ VM Could Not Be Stopped")
    await stage.world.pass_time(30)
    await golden(stage)
    assert acts.live(stage)
    assert [call.code for call in acts.changes(stage)] == [403]


FREEZE = (
    'Internal error occurred: admission webhook "freeze.example.com" denied the request: change '
    "freeze until Monday"
)
LOCKED = (
    'Internal error occurred: admission webhook "virtualmachine-validator.kubevirt.io" denied the '
    'request: Cannot update vm running state until snapshot "nightly" completes'
)


def stops_answer(stage: Stage, message: str) -> None:
    """virt-api passes on what a webhook says to its write."""
    answer = Answer(500, "InternalError", message)
    stage.world.kube.faults.add(
        Rule(answer, verb="update", resource="virtualmachines", subresource="stop", times=None)
    )


async def test_stop_denied_by_a_policy(stage_for: SetStage, golden: Golden) -> None:
    """It is told at once, with who can change it; nothing is sent for five minutes in vain."""
    stage = await stage_for(running=True)
    stops_answer(stage, FREEZE)
    await stop(stage)
    await stage.card("❌ VM Could Not Be Stopped")
    await stage.world.pass_time(300)
    await golden(stage)
    assert acts.live(stage)
    assert [call.code for call in acts.changes(stage)] == [500]


async def test_stop_that_kubevirt_refuses_keeps_its_error_on_the_card(stage_for: SetStage) -> None:
    """What may pass is tried again; the card and the question after five minutes say why."""
    stage = await stage_for(running=True)
    stops_answer(stage, LOCKED)
    await stop(stage)
    await stage.card("Cannot update vm running state until snapshot", within=5)
    asked = stage.read(await stage.card("VM Is Taking Longer to Stop", within=320))
    assert "Cannot update vm running state until snapshot" in asked
    assert "the stop is sent again, and may fail again" in asked
    assert "shutting down" not in asked


async def test_what_a_guest_left_behind_may_not_be_removed(stage_for: SetStage) -> None:
    """A Manual VM that was powered off from inside: the missing right is named, and asked for once."""
    stage = await stage_for(running=True, run_strategy="Manual")
    stage.world.kube.people.power_off(NS, VM)
    await acts.ask(stage)
    await stage.card(acts.MUST_STOP)
    stage.world.kube.deny("delete", "virtualmachineinstances", NS)
    await stage.press(acts.MUST_STOP, "Stop and restore")
    said = stage.read(await stage.card("❌ VM Could Not Be Stopped"))
    assert 'cannot delete resource "virtualmachineinstances"' in said
    assert "I did not stop or change the VM." in said
    await stage.world.pass_time(60)
    assert [call.code for call in acts.changes(stage)] == [403]


@pytest.mark.parametrize("spec", [{"runStrategy": "Always"}, {"running": True}])
async def test_an_older_kubevirt_refuses_the_dry_run_of_a_live_vm(
    stage_for: SetStage, spec: dict[str, object]
) -> None:
    """Up to 1.3 and in 1.4.0: Stop and restore is offered, and the dry run tried again after it."""
    stage = await stage_for(running=True)
    kube = stage.world.kube
    kube.knobs.restores_want_halted = True
    held = kube.storage.get("virtualmachines", NS, VM)
    held["spec"].pop("runStrategy", None)
    held["spec"] |= spec
    kube.storage.put("virtualmachines", held)
    await stop(stage)
    await acts.finish(stage)
    tried = [call.code for call in kube.log if call.resource in RESTORE and call.dry_run]
    assert tried == [422, 201]
    assert acts.sent(stage) == [STOP, RESTORE]


async def test_cancel_after_the_stop(stage_for: SetStage, golden: Golden) -> None:
    """The card says that the VM is stopped and offers to start it again, once."""
    stage = await stage_for(running=True)
    await stop(stage)
    await stage.press(acts.TYPE_IT, "Cancel")
    await stage.press("Restore operation cancelled by user.", "Start VM again")
    await stage.card("started by @alice")
    await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs")
    await stage.world.pass_time(10)
    await golden(stage)
    assert acts.sent(stage) == [STOP, START]


async def test_expired_after_the_stop(stage_for: SetStage, golden: Golden) -> None:
    """Nobody answers: the VM is stopped, and the thread says so instead of falling silent."""
    stage = await stage_for(running=True, config=IMPATIENT)
    await stop(stage)
    await stage.card(acts.TYPE_IT)
    expired = await stage.card("⌛ Restore Expired", within=61)
    await golden(stage)
    assert expired in stage.alice.notified
    await stage.press("⌛ Restore Expired", "Start VM again")
    await stage.card("started by @alice")
    await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs")
    assert acts.sent(stage) == [STOP, START]


async def test_started_over_after_the_stop(stage_for: SetStage, golden: Golden) -> None:
    """Cancelled in the second attempt: the VM that was stopped for the first one is not forgotten."""
    stage = await stage_for(running=True)
    await stop(stage)
    await stage.card(acts.TYPE_IT)
    await stage.reply("pre-upgrade")
    await stage.press("Names do not match", "Start over")
    await stage.card("This follows an earlier restore")
    await stage.press(acts.TYPE_IT, "Cancel")
    await stage.press("Restore operation cancelled by user.", "Start VM again")
    await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs")
    await stage.card("started by @alice")
    await stage.world.quiet()
    await golden(stage)
    assert acts.sent(stage) == [STOP, START]


async def test_start_forbidden_after_the_stop(stage_for: SetStage) -> None:
    """A start that fails is said, and can be tried again."""
    stage = await stage_for(running=True)
    await stop(stage)
    await stage.press(acts.TYPE_IT, "Cancel")
    stage.world.kube.deny("update", "virtualmachines/start", NS)
    await stage.press("Restore operation cancelled by user.", "Start VM again")
    await stage.card("could not be started")
    stage.world.kube.undeny()
    await stage.press("Restore operation cancelled by user.", "Start VM again")
    await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs")
