"""The gates before the act: what goes away is not there, and what was shown is what is restored.

Nothing is created, stopped or protected over a difference; where nothing differs, or only what the
bot's own stop and safety snapshot change, the restore goes through.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

NS, VM, SNAPSHOT = "production", "database-01", "pre-upgrade-snapshot"
STOP, PROTECT, RESTORE = (
    "update virtualmachines/stop",
    "create virtualmachinesnapshots",
    "create virtualmachinerestores",
)
KEPT = "example.com/kept"


# --- What is going away ---------------------------------------------------------------------------


def going(stage: Stage, resource: str, name: str, namespace: str = NS) -> None:
    """It was deleted, and waits for a finalizer; no controller has come to it yet."""
    held = stage.world.kube.storage.get(resource, namespace, name)
    held["metadata"]["finalizers"] = [*held["metadata"].get("finalizers", []), KEPT]
    held["metadata"]["deletionTimestamp"] = "2026-02-18T16:29:00Z"
    stage.world.kube.storage.put(resource, held)


def content_goes(stage: Stage) -> None:
    """`kubectl delete vmsnapshotcontent`: snapshot and content go on saying that they are ready."""
    snapshot = stage.world.kube.storage.get("virtualmachinesnapshots", NS, SNAPSHOT)
    name = snapshot["status"]["virtualMachineSnapshotContentName"]
    going(stage, "virtualmachinesnapshotcontents", name)


def copy_goes(stage: Stage) -> None:
    """`kubectl delete volumesnapshot`: snapshot and content go on saying that they are ready."""
    snapshot = stage.world.kube.storage.get("virtualmachinesnapshots", NS, SNAPSHOT)
    going(stage, "volumesnapshots", f"vmsnapshot-{snapshot['metadata']['uid']}-volume-root")


def class_is_deleted(stage: Stage) -> None:
    """`kubectl delete storageclass`."""
    stage.world.kube.storage.remove("storageclasses", "", "standard")


def snapshot_goes(stage: Stage) -> None:
    """`kubectl delete vmsnapshot`."""
    going(stage, "virtualmachinesnapshots", SNAPSHOT)


def vm_goes(stage: Stage) -> None:
    """`kubectl delete vm`, of a stopped one that something keeps."""
    going(stage, "virtualmachines", VM)


def namespace_goes(stage: Stage) -> None:
    """`kubectl delete namespace`; its VMs are not reached yet."""
    going(stage, "namespaces", NS, "")


@dataclass(frozen=True, slots=True)
class Going:
    """Something is being deleted, and how that reads just before the act."""

    id: str
    happens: Callable[[Stage], None]
    heading: str
    says: str


GOING = (
    Going(
        "content",
        content_goes,
        "❌ Snapshot Content Is Being Deleted",
        "The snapshot's content is being deleted",
    ),
    Going(
        "volume-snapshot",
        copy_goes,
        "❌ Volume Snapshot Is Being Deleted",
        "the copy of disk `root`, is being deleted.",
    ),
    Going(
        "storage-class",
        class_is_deleted,
        "❌ Storage Class Missing",
        "Storage class `standard` does not exist any more.",
    ),
    Going(
        "snapshot",
        snapshot_goes,
        "❌ Snapshot Is Being Deleted",
        "The snapshot is being deleted.",
    ),
    Going(
        "vm",
        vm_goes,
        "❌ VM Is Being Deleted",
        "The VM is being deleted.",
    ),
)
EACH_GOING = [pytest.param(each, id=each.id) for each in GOING]


@pytest.mark.parametrize("case", EACH_GOING)
async def test_going_away_between_typing_and_click(case: Going, stage_for: SetStage) -> None:
    """A deletionTimestamp is enough, whatever the status says; the check refuses it as well."""
    stage = await stage_for()
    await acts.to_the_button(stage)
    await stage.world.kube.pause_controllers()
    case.happens(stage)
    await acts.press_restore(stage)
    refused = stage.read(await stage.card(case.heading))
    assert case.says in refused
    assert "Everything was read again just before the restore" in refused
    assert acts.changes(stage) == []


async def test_running_vm_is_not_stopped_for_a_storage_class_that_is_gone(
    stage_for: SetStage, golden: Golden
) -> None:
    """It is said before anybody is asked whether the VM may be stopped."""
    stage = await stage_for(running=True, start=False)
    class_is_deleted(stage)
    await stage.world.start_bot()
    await acts.ask(stage)
    await stage.card("❌ Storage Class Missing")
    await golden(stage)
    assert acts.changes(stage) == []
    assert acts.live(stage)


async def test_storage_that_may_not_be_read_holds_nobody_up(stage_for: SetStage) -> None:
    """An account without these two rights restores as before: the content still speaks."""
    stage = await stage_for()
    for resource in ("volumesnapshots", "storageclasses"):
        stage.world.kube.deny("get", resource, "")
    await acts.ask_and_finish(stage)


async def test_namespace_that_is_being_deleted(stage_for: SetStage, golden: Golden) -> None:
    """The dry run tells it, without a right to read namespaces: it is no missing permission."""
    stage = await stage_for(start=False)
    await stage.world.kube.pause_controllers()
    namespace_goes(stage)
    await stage.world.start_bot()
    await acts.ask(stage)
    await stage.card("❌ Namespace Is Being Deleted")
    await golden(stage)
    assert acts.changes(stage) == []


@pytest.mark.parametrize("protect", [False, True])
async def test_namespace_is_deleted_between_typing_and_click(
    stage_for: SetStage, *, protect: bool
) -> None:
    """The API server takes nothing new there, neither a restore nor a safety snapshot."""
    stage = await stage_for(config={"rules": {"protect_by_default": protect}})
    await acts.to_the_button(stage)
    await stage.world.kube.pause_controllers()
    namespace_goes(stage)
    await acts.press_restore(stage)
    await stage.card(
        "is being deleted, with every VM" if not protect else "❌ Namespace Is Being Deleted"
    )
    await stage.world.pass_time(30)
    assert stage.restores() == []


# --- What was shown is what is restored -----------------------------------------------------------


async def run_and_stop(stage: Stage) -> None:
    """`virtctl start`, and `virtctl stop` a minute later."""
    people = stage.world.kube.people
    people.start(NS, VM)
    await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs")
    await stage.world.pass_time(60)
    people.stop(NS, VM)
    await stage.until(lambda: not acts.live(stage), "the VM is down again")
    await stage.world.quiet()


async def restore_by_hand(stage: Stage) -> None:
    """Somebody else restores the VM, to another snapshot, and that completes."""
    kube = stage.world.kube
    kube.seed.snapshot(NS, "other", VM)
    kube.people.create_restore(NS, "by-hand", VM, "other")

    def done() -> bool:
        held = kube.storage.get("virtualmachinerestores", NS, "by-hand")
        return bool(held.get("status", {}).get("complete"))

    await stage.until(done, "it is restored by hand")
    await stage.world.quiet()


async def edit(stage: Stage) -> None:
    """Twice the cores."""
    cpu = {"domain": {"cpu": {"cores": 8}}}
    stage.world.kube.people.edit_vm(NS, VM, {"spec": {"template": {"spec": cpu}}})


async def add_disk(stage: Stage) -> None:
    """A disk that the warning does not name."""
    kube = stage.world.kube
    spec = kube.storage.get("virtualmachines", NS, VM)["spec"]["template"]["spec"]
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data-claim"}}
    disks = [*spec["domain"]["devices"]["disks"], {"name": "data", "disk": {"bus": "virtio"}}]
    added = {
        "volumes": [*spec["volumes"], volume],
        "domain": {"devices": {"disks": disks}},
    }
    kube.people.edit_vm(NS, VM, {"spec": {"template": {"spec": added}}})


async def replace_claim(stage: Stage) -> None:
    """The root disk's claim is deleted and made anew, empty."""
    storage = stage.world.kube.storage
    held = storage.get("persistentvolumeclaims", NS, f"{VM}-root")
    held["metadata"]["uid"] = "the-new-claim"
    storage.put("persistentvolumeclaims", held)


async def edit_content(stage: Stage) -> None:
    """Another VolumeSnapshot behind a disk of the snapshot."""
    storage = stage.world.kube.storage
    snapshot = storage.get("virtualmachinesnapshots", NS, SNAPSHOT)
    name = snapshot["status"]["virtualMachineSnapshotContentName"]
    content = storage.get("virtualmachinesnapshotcontents", NS, name)
    content["spec"]["volumeBackups"][0]["volumeSnapshotName"] = "of-somebody"
    storage.put("virtualmachinesnapshotcontents", content)


async def hand_to_argo(stage: Stage) -> None:
    """Argo CD adopts the VM."""
    label = {"metadata": {"labels": {"argocd.argoproj.io/instance": "databases"}}}
    stage.world.kube.people.edit_vm(NS, VM, label)


async def set_manual(stage: Stage) -> None:
    """`spec.runStrategy` is edited; the VM stays down."""
    stage.world.kube.people.edit_vm(NS, VM, {"spec": {"runStrategy": "Manual"}})


@dataclass(frozen=True, slots=True)
class Change:
    """Something happens to a stopped VM, and what the card says of it."""

    id: str
    happens: Callable[[Stage], Awaitable[None]]
    says: str
    strategy: str = "Halted"


CHANGES = (
    Change("ran", run_and_stop, "The VM was changed: generation 1 → 3. The VM has run:"),
    Change("ran-manual", run_and_stop, "The VM has run: it was down since", "Manual"),
    Change("ran-rerun", run_and_stop, "The VM has run: it was down since", "RerunOnFailure"),
    Change("restored", restore_by_hand, "The VM was restored: last restore none → `by-hand-"),
    Change("edited", edit, "The VM was edited: cpu 2 cores → 8 cores."),
    Change("disk-added", add_disk, "The VM was edited: disk data none → "),
    Change(
        "claim-replaced", replace_claim, "Claim `database-01-root` is not the one that was shown:"
    ),
    Change("content-edited", edit_content, "The snapshot's content was edited: digest of its spec"),
    Change("gitops", hand_to_argo, "Who else writes the VM has changed: nobody → Argo CD."),
    Change("strategy", set_manual, "The VM's run strategy was changed: Halted → Manual."),
)
EACH_CHANGE = [pytest.param(each, id=each.id) for each in CHANGES]


@pytest.mark.parametrize("case", EACH_CHANGE)
async def test_vm_that_is_not_as_it_was_shown(case: Change, stage_for: SetStage) -> None:
    """Each difference since the warning is shown with both sides, and nothing is restored."""
    stage = await stage_for(run_strategy=case.strategy, running=False)
    await acts.to_the_warning(stage)
    await case.happens(stage)
    await acts.confirm(stage)
    refused = stage.read(await stage.card("❌ Changed Since Confirmation"))
    assert case.says in refused
    await stage.world.pass_time(60)
    assert acts.changes(stage) == []


async def test_vm_that_ran_since_the_warning(stage_for: SetStage, golden: Golden) -> None:
    """How it reads."""
    stage = await stage_for()
    await acts.to_the_button(stage)
    await run_and_stop(stage)
    await acts.press_restore(stage)
    await stage.card("❌ Changed Since Confirmation")
    await golden(stage)


async def test_running_vm_that_was_edited_is_not_stopped_first(stage_for: SetStage) -> None:
    """With the stop after both confirmations, it is refused before the stop."""
    stage = await stage_for(running=True, config={"rules": {"stop_when": "confirmed"}})
    await acts.ask_and_stop(stage)
    await acts.type_name(stage)
    await edit(stage)
    await acts.press_restore(stage)
    refused = stage.read(await stage.card("❌ Changed Since Confirmation"))
    assert "cpu 2 cores → 8 cores" in refused
    assert acts.changes(stage) == []
    assert acts.live(stage)


@pytest.mark.parametrize(
    ("strategy", "when", "protect"),
    [
        ("Always", "chosen", False),
        ("Always", "confirmed", True),
        ("Manual", "chosen", True),
        ("Manual", "confirmed", False),
        ("RerunOnFailure", "chosen", False),
        ("RerunOnFailure", "confirmed", True),
    ],
)
async def test_what_the_bot_does_itself_is_no_difference(
    stage_for: SetStage, strategy: str, when: str, *, protect: bool
) -> None:
    """Stopped by the bot, early or late, with and without a safety snapshot: it goes through."""
    rules: dict[str, Any] = {"stop_when": when, "protect_by_default": protect}
    stage = await stage_for(running=True, run_strategy=strategy, config={"rules": rules})
    await acts.ask_and_stop(stage)
    await acts.finish(stage)
    assert acts.sent(stage) == [STOP, *([PROTECT] if protect else []), RESTORE]


@pytest.mark.parametrize("strategy", ["Halted", "Manual", "RerunOnFailure"])
async def test_stopped_vm_that_nobody_touches(stage_for: SetStage, strategy: str) -> None:
    """An hour of a cluster's own life, with its VM's status written again and again, changes nothing."""
    rules = {"protect_by_default": True, "answer_timeout": 7200}
    stage = await stage_for(run_strategy=strategy, running=False, config={"rules": rules})
    await acts.to_the_button(stage)
    kube = stage.world.kube
    for _ in range(6):
        await stage.world.pass_time(600)
        kube.people.edit_vm(NS, VM, {"metadata": {"labels": {"nudged": "yes"}}})
        kube.people.edit_vm(NS, VM, {"metadata": {"labels": {"nudged": None}}})
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)
    assert acts.sent(stage) == [PROTECT, RESTORE]
