"""The snapshot of the current state that is taken before the restore, and Undo from it."""

import re
from datetime import timedelta

from bot.playground.kubevirt.faults import Answer, Rule
from bot.playground.stage import Stage
from bot.restore.effects import (
    CONFIRMED_AT,
    CONFIRMED_BY,
    CONFIRMED_BY_NAME,
    INSTALLATION,
    OWNER,
    REQUESTED_AT,
    REQUESTED_BY,
    REQUESTED_BY_NAME,
    RESTORE_ID,
    TEAM,
    THREAD,
    THREAD_LINK,
)
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

NS, VM = "production", "database-01"
TURN_ON = "Snapshot current state first: turn ON"
SNAPSHOTS, RESTORES = "virtualmachinesnapshots", "virtualmachinerestores"
CAUSE = "*Likely cause*"
SLACK = "https://example-ops.slack.com/"
IMPATIENT = {"rules": {"safety_timeout": 30}}


async def confirm_protected(stage: Stage) -> None:
    """Ask, turn the safety snapshot on, confirm twice."""
    await acts.to_the_warning(stage)
    await stage.press(acts.TYPE_IT, TURN_ON)
    await stage.card("*Snapshot current state first*: ON")
    await acts.confirm(stage)


async def test_safety_snapshot_before_the_restore(stage_for: SetStage, golden: Golden) -> None:
    """The restore waits until the snapshot of the stopped VM is ready; both say whose they are."""
    stage = await stage_for()
    await confirm_protected(stage)
    await stage.card("Taking safety snapshot `pre-restore-database-01-20260218-163000-")
    assert stage.creates(RESTORES) == []
    await stage.card(acts.RESTORED)
    await stage.world.quiet()
    await golden(stage)
    snapshot, restore = acts.changes(stage)
    assert (snapshot.resource, restore.resource) == (SNAPSHOTS, RESTORES)
    assert acts.spec_of(snapshot) == {
        "source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": VM}
    }
    for call in (snapshot, restore):
        assert call.body is not None
        held = call.body["metadata"]
        assert held["annotations"] == {
            REQUESTED_BY: stage.alice.id,
            REQUESTED_BY_NAME: "Alice Example",
            REQUESTED_AT: "2026-02-18T16:30:00Z",
            CONFIRMED_BY: stage.alice.id,
            CONFIRMED_BY_NAME: "Alice Example",
            CONFIRMED_AT: "2026-02-18T16:30:00Z",
            OWNER: stage.alice.id,
            TEAM: stage.world.slack.workspace.team_id,
            THREAD: f"{stage.channel.id}/{stage.root().ts}",
            THREAD_LINK: f"{SLACK}archives/{stage.channel.id}/p{stage.root().ts.replace('.', '')}",
        }
        assert list(held["labels"]) == [RESTORE_ID, INSTALLATION]
    assert re.fullmatch(r"pre-restore-database-01-20260218-163000-[a-z2-7]{5}", snapshot.name)
    assert f"pre-{restore.name}" == snapshot.name, "both names come from the click"
    assert restore.at - snapshot.at >= timedelta(seconds=3), "the snapshot takes three seconds"


async def test_turned_off_again(stage_for: SetStage) -> None:
    """The choice can be taken back until the button is pressed."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.press(acts.TYPE_IT, TURN_ON)
    await stage.press(
        "*Snapshot current state first*: ON", "Snapshot current state first: turn OFF"
    )
    await stage.card("*Snapshot current state first*: OFF")
    await acts.finish(stage)
    assert acts.sent(stage) == [f"create {RESTORES}"]


async def test_safety_snapshot_not_ready_in_time(stage_for: SetStage, golden: Golden) -> None:
    """No restore without it: the thread says why and asks again, with or without a snapshot."""
    stage = await stage_for(config=IMPATIENT)
    stage.world.kube.knobs.own_class("standard").upload = None
    await confirm_protected(stage)
    await stage.card("did not become ready in time")
    await stage.world.quiet()
    await golden(stage)
    assert stage.creates(RESTORES) == []


async def test_a_safety_snapshot_that_stands_still_says_why(
    stage_for: SetStage, golden: Golden
) -> None:
    """After two minutes the card has the cause; when KubeVirt gives up, so has the question."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").cut = None
    await confirm_protected(stage)
    card = await stage.card("Taking safety snapshot")
    await stage.world.pass_time(100)
    assert CAUSE not in stage.read(card)
    await stage.card("The storage has not finished volume snapshot", within=60)
    await golden(stage)
    await stage.press("Taking safety snapshot", "Why?", by=stage.bob)
    await stage.whispered("The storage has not finished volume snapshot", to=stage.bob)
    asked = stage.read(await stage.card("The safety snapshot failed:", within=300))
    assert "snapshot deadline exceeded. Likely cause: The storage has not finished" in asked
    assert stage.restores() == []


async def test_a_safety_snapshot_in_error_says_why_at_once(stage_for: SetStage) -> None:
    """The storage's own words are quoted; once it has recovered the restore goes on."""
    stage = await stage_for()
    disks = stage.world.kube.knobs.own_class("standard")
    disks.error = "rpc error: code = ResourceExhausted desc = pool is full"
    await confirm_protected(stage)
    said = stage.read(
        await stage.card("The storage reports an error for volume snapshot", within=20)
    )
    assert disks.error in said
    disks.error = ""
    stage.world.kube.nudge()
    await stage.card(acts.RESTORED, within=60)


async def test_safety_snapshot_refused(stage_for: SetStage, golden: Golden) -> None:
    """A create that the cluster rejects touches no data and is asked about again."""
    stage = await stage_for()
    text = 'admission webhook "vmsnapshot" denied the request: no space <!here>'
    stage.world.kube.faults.add(
        Rule(Answer(422, "Invalid", text), verb="create", resource=SNAPSHOTS)
    )
    await confirm_protected(stage)
    await stage.card("The safety snapshot failed: Admission webhook `vmsnapshot` denies it")
    await stage.world.quiet()
    await golden(stage)
    assert stage.creates(RESTORES) == []
    await stage.press(acts.TYPE_IT, "Snapshot current state first: turn OFF")
    await stage.card("*Snapshot current state first*: OFF")
    await acts.finish(stage)
    assert len(stage.restores()) == 1


async def test_old_confirmation_is_worth_nothing_after_a_failed_snapshot(
    stage_for: SetStage,
) -> None:
    """The click of before does not serve a second time: both confirmations are asked for anew."""
    stage = await stage_for()
    stage.world.kube.deny("create", "selfsubjectrulesreviews")
    stage.world.kube.deny("create", SNAPSHOTS, NS)
    await confirm_protected(stage)
    await stage.card("The safety snapshot failed:")
    stage.world.kube.undeny()
    await stage.world.pass_time(30)
    assert [call.code for call in acts.changes(stage)] == [403]
    await acts.finish(stage)
    assert acts.sent(stage)[1:] == [f"create {SNAPSHOTS}", f"create {RESTORES}"]


async def test_cancel_while_the_safety_snapshot_is_taken(
    stage_for: SetStage, golden: Golden
) -> None:
    """Nothing has been restored yet, so Cancel still cancels; the snapshot is named."""
    stage = await stage_for()
    await confirm_protected(stage)
    await stage.press("Taking safety snapshot `pre-restore", "Cancel")
    await stage.card("Restore operation cancelled by user.")
    await stage.world.pass_time(10)
    await golden(stage)
    assert acts.sent(stage) == [f"create {SNAPSHOTS}"]


async def test_undo(stage_for: SetStage, golden: Golden) -> None:
    """Undo is a new restore from the safety snapshot, with all checks and both confirmations."""
    stage = await stage_for()
    await confirm_protected(stage)
    await stage.press(acts.RESTORED, "Undo")
    (taken,) = stage.creates(SNAPSHOTS)
    await stage.card(f"Type `{taken.name}` to confirm")
    await stage.world.pass_time(10)
    assert len(stage.restores()) == 1, "nothing is undone before it is confirmed"
    await acts.confirm(stage, taken.name)
    await stage.card(f"Snapshot `{taken.name}`\n    *Restore Details*")
    await stage.world.quiet()
    await golden(stage)
    assert [acts.spec_of(call)["virtualMachineSnapshotName"] for call in stage.restores()] == [
        "pre-upgrade-snapshot",
        taken.name,
    ]


async def test_what_keeps_the_safety_snapshot_waiting_is_told_at_once(stage_for: SetStage) -> None:
    """A disk that is not bound: the reason stands in Progressing all the time, and on the card."""
    stage = await stage_for(config={"rules": {"safety_timeout": 60}})
    kube = stage.world.kube
    kube.knobs.own_class("standard").bind = None
    claim = kube.storage.get("persistentvolumeclaims", NS, "database-01-root")
    claim["status"]["phase"] = "Pending"
    kube.storage.put("persistentvolumeclaims", claim)
    await confirm_protected(stage)
    said = "volume not bound: database-01-root"
    await stage.card(f"source {NS}/database-01 {said}", within=10)
    asked = await stage.card("The safety snapshot failed:", within=90)
    assert said in stage.read(asked)
    assert stage.restores() == []
