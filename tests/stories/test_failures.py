"""A restore that fails says so, says what is not known, and can be tried again from the start."""

from typing import Any

import pytest

from bot.errors import StoreUnavailable
from bot.playground.kubevirt.faults import Answer, Rule
from bot.playground.stage import SNAPSHOT_TIME, Stage
from bot.restore.events import Continued
from bot.restore.model import Restore
from bot.slack.handlers.apply_event import Applied, EventApplier
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

NS, VM, SNAPSHOT = "production", "database-01", "pre-upgrade-snapshot"
RESTORES = "virtualmachinerestores"
FAILED = "❌ VM Restore Failed"
WHY = "PVC provisioning failed: insufficient storage capacity <@U0ADMIN> <!channel>"


async def break_it(stage: Stage, why: str = WHY) -> None:
    """The restore under way gets the condition that is final."""
    kube = stage.world.kube
    await kube.pause_controllers(virt_only=True)
    held = kube.storage.get(RESTORES, NS, stage.restores()[-1].name)
    conditions = [
        {"type": "Progressing", "status": "False", "reason": why},
        {"type": "Ready", "status": "False", "reason": why},
        {"type": "Failure", "status": "True", "reason": why},
    ]
    held["status"] = {**held.get("status", {}), "complete": False, "conditions": conditions}
    kube.storage.put(RESTORES, held)


async def failed(stage: Stage) -> None:
    """Ask, confirm, and see it fail."""
    stage.world.kube.knobs.own_class("standard").bind = None
    await acts.ask_and_confirm(stage)
    await stage.card("new volumes are being made")
    await break_it(stage)
    await stage.card(FAILED)


def make_room(stage: Stage) -> None:
    """The storage has room again."""
    stage.world.kube.knobs.own_class("standard").bind = 3.0
    stage.world.kube.resume_controllers(virt_only=True)


async def test_restore_fails(stage_for: SetStage, golden: Golden) -> None:
    """The card shows the cluster's error, calls the state unknown and warns against a start."""
    stage = await stage_for()
    await failed(stage)
    await stage.world.pass_time(60)
    await golden(stage)
    assert len(acts.changes(stage)) == 1
    assert stage.shown("UNKNOWN - may be partially restored or unchanged")


async def test_try_again(stage_for: SetStage, golden: Golden) -> None:
    """Our own failed object goes first; then everything is checked and confirmed again."""
    stage = await stage_for()
    await failed(stage)
    make_room(stage)
    await stage.press(FAILED, "Try again")
    await stage.card(acts.TYPE_IT)
    first = stage.restores()[0]
    assert acts.sent(stage) == [f"create {RESTORES}", f"delete {RESTORES}"]
    assert acts.changes(stage)[1].name == first.name
    await stage.world.pass_time(30)
    assert len(stage.restores()) == 1, "nothing is restored before it is confirmed again"
    await acts.finish(stage)
    await stage.world.quiet()
    await golden(stage)
    assert [acts.spec_of(call)["virtualMachineSnapshotName"] for call in stage.restores()] == [
        SNAPSHOT,
        SNAPSHOT,
    ]
    assert len({call.name for call in stage.restores()}) == 2


async def test_killed_between_the_new_restore_and_the_old_card(
    stage_for: SetStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new restore stands, the old card still has its buttons: the next click takes them away."""
    stage = await stage_for()
    await failed(stage)
    make_room(stage)
    apply, died = EventApplier.apply, list[str]()

    async def dies_once(steps: EventApplier, restore: Restore, event: Any) -> Applied:
        if isinstance(event, Continued) and not died:
            died.append(restore.id)
            raise StoreUnavailable("the worker was killed")
        return await apply(steps, restore, event)

    monkeypatch.setattr(EventApplier, "apply", dies_once)
    await stage.press(FAILED, "Try again")
    await stage.card(acts.TYPE_IT)
    assert "[Try again]" in stage.read(await stage.card(FAILED))
    await stage.press(FAILED, "Try again")
    await stage.whispered("is out of date")
    await stage.card("Continued by @alice, further down")
    await stage.world.pass_time(60)
    assert "[Try again]" not in stage.read(await stage.card(FAILED))
    assert len(died) == 1
    assert acts.sent(stage).count(f"delete {RESTORES}") == 1
    await acts.finish(stage)
    assert len(stage.restores()) == 2


async def test_try_again_may_not_remove_it(stage_for: SetStage, golden: Golden) -> None:
    """Without the right to delete, the leftover is named and an admin is asked for."""
    stage = await stage_for()
    await failed(stage)
    stage.world.kube.deny("delete", RESTORES, NS)
    await stage.press(FAILED, "Try again")
    await stage.card("could not be removed")
    await stage.world.pass_time(30)
    await golden(stage)
    assert acts.sent(stage) == [f"create {RESTORES}", f"delete {RESTORES}"]


async def test_another_snapshot_after_a_failure(stage_for: SetStage) -> None:
    """The picker offers the VM's snapshots; the other one is restored, after the leftover is gone."""
    stage = await stage_for()
    stage.world.kube.seed.snapshot(NS, "nightly-0217", VM, created=SNAPSHOT_TIME)
    await failed(stage)
    make_room(stage)
    await stage.press(FAILED, "Another snapshot")
    await stage.card("Continued by @alice, further down")
    assert "[" not in stage.read(await stage.card(FAILED))
    asked = await stage.card("Which snapshot of `database-01` should it be restored from?")
    await stage.alice.pick(asked, "vmr:pick-snapshot", "nightly-0217", typed="")
    await acts.finish(stage, "nightly-0217")
    assert [acts.spec_of(call)["virtualMachineSnapshotName"] for call in stage.restores()] == [
        SNAPSHOT,
        "nightly-0217",
    ]


async def test_create_refused_by_the_webhook(stage_for: SetStage, golden: Golden) -> None:
    """The cluster says no to the very create: the VM is unchanged, and that is said."""
    stage = await stage_for(running=True)
    await acts.ask_and_stop(stage)
    await acts.type_name(stage)
    text = 'admission webhook "restore-validator" denied the request: frozen by <!channel>'
    stage.world.kube.faults.add(
        Rule(Answer(403, "Forbidden", text), verb="create", resource=RESTORES, dry_run=False)
    )
    await acts.press_restore(stage)
    await stage.card("Admission webhook `restore-validator` denies it")
    await stage.world.pass_time(60)
    await golden(stage)
    assert stage.restores() == []
    assert len(stage.creates(RESTORES)) == 1
    await stage.press("Admission webhook `restore-validator` denies it", "Start VM again")
    await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs")


async def test_quota_full_in_the_middle(stage_for: SetStage, golden: Golden) -> None:
    """KubeVirt loops at a full quota: the bot says so, waits, and sees it succeed in the end."""
    stage = await stage_for()
    await acts.to_the_button(stage)
    stage.world.kube.seed.quota(NS, "storage", requests_storage="5Gi")
    await acts.press_restore(stage)
    await stage.card("the namespace's quota leaves no room for the new volumes")
    await stage.world.pass_time(120)
    assert stage.shown(FAILED) is None
    stage.world.kube.people.set_quota(NS, "storage", requests_storage="100Gi")
    await stage.card(acts.RESTORED, within=600)
    await stage.world.quiet()
    await golden(stage)
    assert len(acts.changes(stage)) == 1
