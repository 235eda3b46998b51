"""Restores that take their time: the bot says so, waits as long as it must, and never guesses."""

import pytest

from bot.playground.kubevirt.faults import Rule, WebhookDown
from bot.playground.kubevirt.seed import Disk
from bot.playground.stage import SNAPSHOT_TIME, Stage
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

NS, VM = "production", "database-01"
RESTORES = "virtualmachinerestores"
LONG = "taking longer than expected: "
IMPATIENT = {"rules": {"restore_timeout": 30}}


def bind(stage: Stage, after: float | None) -> None:
    """How long the storage takes for a new volume; None: it never does."""
    stage.world.kube.knobs.own_class("standard").bind = after
    stage.world.kube.nudge()


async def overdue(stage: Stage) -> None:
    """A restore whose volumes do not come, until the owner is asked."""
    bind(stage, None)
    await acts.ask_and_confirm(stage)
    await stage.card(LONG, within=60)


async def test_over_ten_minutes(stage_for: SetStage, golden: Golden) -> None:
    """After ten minutes the owner is asked; it is watched on, and success is reported late."""
    stage = await stage_for()
    bind(stage, 700)
    await acts.ask_and_confirm(stage)
    await stage.world.pass_time(590)
    assert stage.shown(LONG) is None
    slow = await stage.card(f"{LONG}10 minutes", within=30)
    assert slow in stage.alice.notified
    await stage.alice.click(slow, "Keep waiting")
    done = await stage.card(acts.RESTORED, within=200)
    await stage.world.quiet()
    await golden(stage)
    assert done in stage.alice.notified
    assert len(acts.changes(stage)) == 1


async def test_nobody_answers_a_slow_restore(stage_for: SetStage) -> None:
    """The question about a running restore never expires, and the end closes it."""
    stage = await stage_for(config={"rules": {"restore_timeout": 30, "answer_timeout": 30}})
    await overdue(stage)
    await stage.world.pass_time(120)
    assert stage.shown("Expired") is None
    bind(stage, 1.0)
    await stage.card(acts.RESTORED)
    assert "Keep waiting" not in stage.read(await stage.card(LONG))
    assert len(acts.changes(stage)) == 1


async def test_asked_again_after_waiting(stage_for: SetStage) -> None:
    """Keep waiting waits as long again, then asks again, in a new message that notifies."""
    stage = await stage_for(config=IMPATIENT)
    await overdue(stage)
    first = await stage.card(LONG)
    await stage.alice.click(first, "Keep waiting")
    await stage.world.pass_time(25)
    assert stage.shown(LONG) == first
    await stage.world.pass_time(10)
    second = await stage.card("taking longer than expected: 1 minute")
    assert second != first
    assert second in stage.alice.notified


async def test_delete_the_restore_object(stage_for: SetStage, golden: Golden) -> None:
    """Giving up has its own confirmation, rolls nothing back, and is no success."""
    stage = await stage_for(config=IMPATIENT)
    await overdue(stage)
    await stage.press(LONG, "Delete the restore object")
    await stage.world.pass_time(10)
    assert len(acts.changes(stage)) == 1, "asked once more before anything is deleted"
    await stage.press("This does not roll anything back:", "Delete the restore object now")
    failed = await stage.card("# ❌ VM Restore Failed")
    await stage.world.pass_time(30)
    await golden(stage)
    assert "UNKNOWN - may be partially restored or unchanged" in stage.read(failed)
    claims = stage.world.kube.storage.view("persistentvolumeclaims", NS)
    (claim,) = (n for each in claims if (n := each["metadata"]["name"]).startswith("restore-"))
    assert f"was not looked up: `{claim}`" in stage.read(failed)
    await acts.ask(stage, "/vm-restore handoff")
    report = stage.read(await stage.whispered("Left behind by these"))
    assert f"volumes of a restore that did not succeed: `{claim}`" in report
    assert "in an unknown state, perhaps half restored" in report
    assert "restore object" not in report, "it is deleted"
    made, deleted = acts.changes(stage)
    assert (made.verb, deleted.verb, made.name) == ("create", "delete", deleted.name)


async def test_deleting_is_forbidden(stage_for: SetStage) -> None:
    """The object stays, so the restore goes on, and the owner is asked again and told why."""
    stage = await stage_for(config=IMPATIENT)
    await overdue(stage)
    stage.world.kube.deny("delete", RESTORES, NS)
    await stage.press(LONG, "Delete the restore object")
    await stage.press("This does not roll anything back:", "Delete the restore object now")
    again = await stage.card('cannot delete resource "virtualmachinerestores"')
    assert "taking longer than expected" in stage.read(again)
    bind(stage, 1.0)
    await stage.card(acts.RESTORED)


async def test_cancel_cannot_take_it_back(stage_for: SetStage) -> None:
    """Once the cluster has it, cancel is answered with the truth."""
    stage = await stage_for()
    bind(stage, 30)
    await acts.ask_and_confirm(stage)
    await stage.card("new volumes are being made")
    await stage.alice.slash(stage.channel, "/vm-restore cancel")
    await stage.whispered("has already been handed to the cluster and cannot be cancelled")
    await stage.card(acts.RESTORED)
    assert len(acts.changes(stage)) == 1


def wffc(stage: Stage) -> str:
    """A VM on storage that waits for the first consumer; the words that ask for its restore."""
    kube = stage.world.kube
    kube.seed.storage_class("local", "WaitForFirstConsumer")
    kube.seed.vm(NS, "db-local", running=False, disks=[Disk("root", "20Gi", "local")])
    kube.seed.snapshot(NS, "the-one", "db-local", created=SNAPSHOT_TIME)
    return f"/vm-restore db-local from the-one in {NS}"


async def test_storage_that_waits_for_the_first_consumer(
    stage_for: SetStage, golden: Golden
) -> None:
    """Complete with volumes that are filled at first boot: said, with what must not be deleted."""
    stage = await stage_for()
    await acts.ask(stage, wffc(stage))
    await acts.confirm(stage, "the-one")
    done = await stage.card(acts.RESTORED)
    await stage.world.quiet()
    await golden(stage)
    assert "Do not delete snapshot `the-one` before the VM has started once" in stage.read(done)


@pytest.mark.parametrize("disks", [1, 3])
async def test_volumes_are_counted(stage_for: SetStage, disks: int) -> None:
    """The progress card says how many of the volumes are there."""
    stage = await stage_for()
    kube = stage.world.kube
    names = [f"disk{number}" for number in range(disks)]
    kube.seed.vm(NS, "db-big", running=False, disks=names)
    kube.seed.snapshot(NS, "the-one", "db-big", created=SNAPSHOT_TIME)
    bind(stage, 20)
    await acts.ask(stage, f"/vm-restore db-big from the-one in {NS}")
    await acts.confirm(stage, "the-one")
    await stage.card(f"*Volumes bound*: 0 of {disks}")
    await stage.card(acts.RESTORED)
    assert len(stage.restores()) == 1


async def test_what_kubevirt_cannot_do_is_told_at_once(stage_for: SetStage) -> None:
    """Its update of the VM is refused for ever: that stands on the card, not "several minutes"."""
    stage = await stage_for(config=IMPATIENT)
    await acts.to_the_button(stage)
    broken = stage.world.kube.faults.add(
        Rule(WebhookDown(), verb="update", resource="virtualmachines", times=None)
    )
    await acts.press_restore(stage)
    told = stage.read(await stage.card("KubeVirt cannot go on just now", within=20))
    assert "failed calling webhook" in told
    assert "This may take several minutes" not in told
    asked = stage.read(await stage.card(LONG, within=60))
    assert "KubeVirt cannot go on just now" in asked
    stage.world.kube.faults.remove(broken)
    await stage.card(acts.RESTORED, within=1200)
