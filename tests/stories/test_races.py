"""What others do between the confirmation and the end: the bot looks again, and says what it saw."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bot.playground.kubevirt.storage import Change
from bot.playground.stage import SNAPSHOT_TIME, Stage
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

NS, VM, SNAPSHOT = "production", "database-01", "pre-upgrade-snapshot"
RESTORES = "virtualmachinerestores"
STOP = "update virtualmachines/stop"


@dataclass(frozen=True)
class Race:
    """Something happens after the name was typed and before the button is pressed."""

    id: str
    heading: str
    says: str
    happens: Callable[[Stage], object]


def _recreate_snapshot(stage: Stage) -> None:
    kube = stage.world.kube
    kube.storage.remove("virtualmachinesnapshots", NS, SNAPSHOT)
    kube.seed.snapshot(NS, SNAPSHOT, VM, created=SNAPSHOT_TIME)


def _restore_by_hand(stage: Stage) -> None:
    kube = stage.world.kube
    kube.knobs.own_class("standard").bind = None
    kube.people.create_restore(NS, "by-hand", VM, SNAPSHOT)


def _snapshot_by_hand(stage: Stage) -> None:
    kube = stage.world.kube
    kube.knobs.own_class("standard").cut = None
    kube.people.create_snapshot(NS, "by-hand", VM)


def _out_of_the_company(stage: Stage) -> None:
    stage.alice.user.deactivated = True


def _channel_shared(stage: Stage) -> None:
    stage.channel.ext_shared = True


RACES = [
    Race(
        "vm-started",
        "❌ VM Was Started",
        "The VM was stopped; now it is live",
        lambda stage: stage.world.kube.people.start(NS, VM),
    ),
    Race(
        "vm-re-created",
        "❌ Changed Since Confirmation",
        "The VM was re-created",
        lambda stage: stage.world.kube.people.recreate_vm(NS, VM),
    ),
    Race(
        "vm-deleted",
        "❌ VM Was Deleted",
        "VM `database-01` does not exist any more.",
        lambda stage: stage.world.kube.people.delete_vm(NS, VM),
    ),
    Race(
        "snapshot-deleted",
        "❌ Changed Since Confirmation",
        "Snapshot `pre-upgrade-snapshot` does not exist any more.",
        lambda stage: stage.world.kube.people.delete_snapshot(NS, SNAPSHOT),
    ),
    Race(
        "snapshot-not-ready-any-more",
        "❌ Changed Since Confirmation",
        "The snapshot was ready to use; now it is not.",
        lambda stage: stage.world.kube.people.make_not_ready(NS, SNAPSHOT, "the array is offline"),
    ),
    Race(
        "snapshot-re-created",
        "❌ Changed Since Confirmation",
        "The snapshot was re-created",
        _recreate_snapshot,
    ),
    Race(
        "snapshot-content-deleted",
        "❌ Changed Since Confirmation",
        "The snapshot's content was ready; now it is not.",
        lambda stage: stage.world.kube.people.lose_content(NS, SNAPSHOT),
    ),
    Race(
        "another-restore-begun",
        "❌ Changed Since Confirmation",
        "Another restore of this VM has begun: `by-hand`.",
        _restore_by_hand,
    ),
    Race(
        "snapshot-begun",
        "❌ Changed Since Confirmation",
        "Snapshot `by-hand` of this VM is being taken.",
        _snapshot_by_hand,
    ),
    Race(
        "person-deactivated",
        "❌ Not Permitted",
        "This account is deactivated.",
        _out_of_the_company,
    ),
    Race(
        "channel-shared",
        "❌ Not Permitted",
        "This channel is shared with another company.",
        _channel_shared,
    ),
    Race(
        "reading-forbidden",
        "❌ Cluster Permission Missing",
        'cannot get resource "virtualmachineinstances"',
        lambda stage: stage.world.kube.deny("get", "virtualmachineinstances", NS),
    ),
]


@pytest.mark.parametrize("race", [pytest.param(race, id=race.id) for race in RACES])
async def test_changed_before_the_act(race: Race, stage_for: SetStage, golden: Golden) -> None:
    """Both confirmations are in, but something is not as it was shown: no restore, and why."""
    stage = await stage_for()
    await acts.to_the_button(stage)
    race.happens(stage)
    await stage.world.pass_time(6)
    await acts.press_restore(stage)
    refused = await stage.card(race.heading)
    await stage.world.pass_time(60)
    await golden(stage)
    assert race.says in stage.read(refused)
    assert acts.changes(stage) == []


async def test_started_again_after_our_stop(stage_for: SetStage) -> None:
    """The bot stopped it, somebody started it while the name was typed: it is not called stopped."""
    stage = await stage_for(running=True)
    await acts.ask_and_stop(stage)
    await acts.type_name(stage)
    stage.world.kube.people.start(NS, VM)
    await stage.until(lambda: acts.live(stage), "the VM is live again")
    await acts.press_restore(stage)
    refused = await stage.card("❌ VM Was Started")
    assert "is *stopped*" not in stage.read(refused)
    assert "Start VM again" not in stage.read(refused)
    assert acts.sent(stage) == [STOP]


async def test_started_again_before_we_saw_it_stopped(stage_for: SetStage) -> None:
    """Our stop has stopped the VM, and somebody starts it in the same moment: the stop is not denied."""
    stage = await stage_for(running=True)
    kube = stage.world.kube

    def start(change: Change) -> None:
        if (change.resource, change.type) == ("virtualmachineinstances", "DELETED"):
            kube.storage.unsubscribe(start)
            asyncio.get_running_loop().call_soon(kube.people.start, NS, VM)

    kube.storage.subscribe(start)
    await acts.ask(stage)
    await stage.press(acts.MUST_STOP, "Stop and restore")
    refused = stage.read(await stage.card("❌ VM Was Started"))
    assert "I did not stop" not in refused
    assert "is *stopped*" not in refused
    assert "Start VM again" not in refused
    assert stage.shown("was sent a stop, and has been started since")
    assert acts.sent(stage) == [STOP]


async def test_started_while_the_safety_snapshot_is_taken(
    stage_for: SetStage, golden: Golden
) -> None:
    """A Manual VM can be started even then: the restore does not follow."""
    stage = await stage_for(run_strategy="Manual", config={"rules": {"protect_by_default": True}})
    await acts.ask_and_confirm(stage)
    await stage.card("Taking safety snapshot `pre-restore")
    stage.world.kube.people.start(NS, VM)
    await stage.card("❌ VM Was Started")
    await stage.world.pass_time(30)
    await golden(stage)
    assert acts.sent(stage) == ["create virtualmachinesnapshots"]


async def test_vm_started_during_the_restore(stage_for: SetStage, golden: Golden) -> None:
    """A Manual VM boots in the middle of it: the restore has failed, and nobody should trust it."""
    stage = await stage_for(run_strategy="Manual")
    stage.world.kube.knobs.own_class("standard").bind = 20
    await acts.ask_and_confirm(stage)
    await acts.handed_over(stage)
    stage.world.kube.people.start(NS, VM)
    failed = await stage.card("❌ VM Restore Failed")
    await stage.world.pass_time(30)
    await golden(stage)
    assert "UNKNOWN - may be partially restored or unchanged" in stage.read(failed)
    assert len(acts.changes(stage)) == 1


async def test_restore_object_deleted_by_somebody(stage_for: SetStage, golden: Golden) -> None:
    """Our object vanishes: that is no success, and it is not made a second time."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").bind = 20
    await acts.ask_and_confirm(stage)
    await acts.handed_over(stage)
    stage.world.kube.people.delete_restore(NS, stage.restores()[0].name)
    await stage.card("❌ VM Restore Failed")
    await stage.world.pass_time(60)
    await golden(stage)
    assert len(acts.changes(stage)) == 1


async def test_vm_deleted_during_the_restore(stage_for: SetStage, golden: Golden) -> None:
    """The VM takes its restore with it."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").bind = 20
    await acts.ask_and_confirm(stage)
    await acts.handed_over(stage)
    stage.world.kube.people.delete_vm(NS, VM)
    await stage.card("❌ VM Restore Failed")
    await stage.world.pass_time(60)
    await golden(stage)
    assert len(acts.changes(stage)) == 1


@pytest.mark.parametrize("confirmed", [False, True], ids=["while-typing", "at-the-click"])
async def test_start_on_an_old_card_while_another_restore_runs(
    stage_for: SetStage, confirmed: bool
) -> None:
    """The restore of the VM holds it: nobody starts it from the card of a restore before."""
    stage = await stage_for()
    await acts.ask_and_confirm(stage)
    done = await stage.card(acts.RESTORED)
    await acts.ask(stage)
    stage.thread = await stage.card("*State*: Waiting for @")
    if confirmed:
        await acts.confirm(stage)
    await stage.alice.click(done, "Start VM")
    await stage.whispered("was not started: another restore of it is under way")
    if not confirmed:
        await acts.confirm(stage)
    await stage.until(lambda: len(stage.restores()) == 2, "the second restore")
    await stage.world.pass_time(30)
    assert acts.sent(stage) == [f"create {RESTORES}"] * 2
    await stage.press(acts.RESTORED, "Start VM")
    await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs")


async def test_a_restore_asked_for_while_the_vm_is_being_started(stage_for: SetStage) -> None:
    """A start that was asked for goes first, and a person who asks meanwhile is told who has the VM."""
    stage = await stage_for()
    await acts.ask_and_finish(stage)
    await stage.world.kube.stop()
    await stage.press(acts.RESTORED, "Start VM")
    await stage.world.quiet()
    await acts.ask(stage)
    await stage.whispered("VM `database-01`")
    assert len([c for c in stage.cards() if "VM restore request" in stage.read(c)]) == 1
