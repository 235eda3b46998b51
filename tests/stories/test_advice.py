"""What a result says about disks and claims is true, and what it advises destroys nothing."""

from typing import Any

from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.kubevirt.seed import Disk
from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

NS, VM = "production", "database-01"
ROOT = f"{VM}-root"
PREFIX: dict[str, Any] = {"rules": {"volume_policy": "PrefixTargetName"}}
TAKEN = "# ❌ Volume Name Is Taken"
NOT_RESTORED = "# ❌ Complete, but Not Restored"
REMOVE = "kubectl delete pvc"


async def restored(stage: Stage, words: str = acts.RESTORED) -> str:
    """The whole way; what the result says."""
    await acts.ask_and_confirm(stage)
    return stage.read(await stage.card(words))


def change_vm(stage: Stage, **spec: Any) -> None:
    """Somebody edits the VM: more volumes, and perhaps templates."""
    storage = stage.world.kube.storage
    vm = storage.get("virtualmachines", NS, VM)
    volumes = vm["spec"]["template"]["spec"]["volumes"]
    volumes += spec.pop("volumes", [])
    vm["spec"].update(spec)
    storage.put("virtualmachines", vm)


def named(stage: Stage, resource: str) -> list[ApiCall]:
    """Every list of these objects that the cluster was asked for."""
    return [
        call for call in stage.world.kube.log if (call.verb, call.resource) == ("list", resource)
    ]


# --- A name that is taken -------------------------------------------------------------------------


async def test_a_name_that_is_taken_is_refused_before_anything_is_typed(
    stage_for: SetStage, golden: Golden
) -> None:
    """The VM's own claim has the name that the restored one would get."""
    stage = await stage_for(config=PREFIX)
    await acts.ask(stage)
    said = stage.read(await stage.card(TAKEN))
    assert f"`{ROOT}`" in said
    assert "remove `rules.volume_policy`" in said
    assert stage.restores() == []
    await golden(stage)


async def test_a_name_that_is_taken_after_the_warning_stops_the_restore(
    stage_for: SetStage,
) -> None:
    stage = await stage_for(config=PREFIX)
    rename_the_claim(stage)
    await acts.to_the_button(stage)
    stage.world.kube.seed.claim(NS, ROOT, Disk("root"))
    await acts.press_restore(stage)
    said = stage.read(await stage.card(TAKEN))
    assert f"`{ROOT}` has the name" in said
    assert stage.restores() == []


async def test_with_free_names_the_policy_restores_once_and_says_what_an_undo_needs(
    stage_for: SetStage,
) -> None:
    """The undo finds the names taken by the first restore, and is refused before the warning."""
    stage = await stage_for(config=PREFIX)
    rename_the_claim(stage)
    await acts.to_the_warning(stage)
    await stage.press(acts.TYPE_IT, "Snapshot current state first: turn ON")
    await stage.card("*Snapshot current state first*: ON")
    await acts.confirm(stage)
    said = stage.read(await stage.card(acts.RESTORED))
    assert "the undo would be refused" in said
    assert len(stage.restores()) == 1
    await stage.press(acts.RESTORED, "Undo")
    await stage.card(TAKEN)
    assert len(stage.restores()) == 1


def rename_the_claim(stage: Stage) -> None:
    """The VM's disk lies in a claim with another name, now and in the snapshot."""
    kube = stage.world.kube
    kube.storage.remove("persistentvolumeclaims", NS, ROOT)
    kube.seed.claim(NS, "disk-7", Disk("root"))
    vm = kube.storage.get("virtualmachines", NS, VM)
    vm["spec"]["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] = "disk-7"
    kube.storage.put("virtualmachines", vm)
    kube.seed.snapshot(NS, "pre-upgrade-snapshot", VM)


# --- Success by proof -----------------------------------------------------------------------------


async def test_complete_without_any_data_restored_is_no_success(
    stage_for: SetStage, golden: Golden
) -> None:
    """A claim gets the name in the moment between the last look and the create."""
    stage = await stage_for(config=PREFIX)
    rename_the_claim(stage)
    await acts.to_the_button(stage)
    await stage.world.kube.pause_controllers()
    await acts.press_restore(stage)
    await acts.handed_over(stage)
    stage.world.kube.seed.claim(NS, ROOT, Disk("root"))
    stage.world.kube.resume_controllers()
    said = stage.read(await stage.card(NOT_RESTORED))
    assert f"claim `{ROOT}` was not made by this restore" in said
    assert stage.shown(acts.RESTORED) is None
    await golden(stage)


async def test_claims_that_may_not_be_listed_do_not_hold_up_the_result(
    stage_for: SetStage, golden: Golden
) -> None:
    """The restore is complete; that is told at once, and as no more than that."""
    stage = await stage_for()
    stage.world.kube.deny("create", "selfsubjectrulesreviews")
    stage.world.kube.deny("list", "persistentvolumeclaims", NS)
    said = await restored(stage, "Restore Complete, Not Proven")
    assert "the claims could not be read" in said
    assert REMOVE not in said
    await golden(stage)


# --- Advice ---------------------------------------------------------------------------------------


async def test_while_the_restored_disk_waits_for_its_first_boot_the_old_one_is_kept(
    stage_for: SetStage,
) -> None:
    stage = await stage_for()
    kube = stage.world.kube
    kube.seed.storage_class("local", "WaitForFirstConsumer")
    kube.seed.vm(NS, "db-local", running=False, disks=[Disk("root", storage_class="local")])
    kube.seed.snapshot(NS, "the-one", "db-local")
    await acts.ask(stage, f"/vm-restore db-local from the-one in {NS}")
    await acts.confirm(stage, "the-one")
    said = stage.read(await stage.card(acts.RESTORED))
    assert "is not filled yet: `db-local-root`" in said
    assert REMOVE not in said
    assert named(stage, "pods") == []


async def test_the_card_of_what_is_left_is_kept_current(
    stage_for: SetStage, golden: Golden
) -> None:
    """A VM takes the old claim into use an hour later: the command goes. Five reads a look."""
    stage = await stage_for()
    said = await restored(stage)
    assert f"{REMOVE} -n {NS} {ROOT}" in said
    assert "kept current for 24 hours" in said
    other = {"volumes": [{"name": "shared", "persistentVolumeClaim": {"claimName": ROOT}}]}
    change = {"spec": {"template": {"spec": other}}}
    await stage.world.quiet()
    before = len(stage.world.kube.log)
    stage.world.kube.seed.vm(NS, "reports", running=False, change=change)
    said = stage.read(await stage.card("In use, keep"))
    assert f"In use, keep: `{ROOT}` (VM `reports`)" in said
    assert REMOVE not in said
    asked = [
        f"{call.verb} {call.resource}"
        for call in stage.world.kube.log[before:]
        if call.group != "authorization.k8s.io"
    ]
    assert sorted(asked) == [
        "get virtualmachinerestores",
        "list persistentvolumeclaims",
        "list pods",
        "list virtualmachineinstances",
        "list virtualmachines",
    ]
    await golden(stage)


async def test_a_claim_of_a_data_volume_is_not_advised_to_be_deleted(stage_for: SetStage) -> None:
    """Its importer would make it again."""
    stage = await stage_for()
    stage.world.kube.seed.vm(NS, "db-dv", running=False, disks=[Disk("root", source="dataVolume")])
    stage.world.kube.seed.snapshot(NS, "the-one", "db-dv")
    await acts.ask(stage, f"/vm-restore db-dv from the-one in {NS}")
    await acts.confirm(stage, "the-one")
    said = stage.read(await stage.card(acts.RESTORED))
    assert "`db-dv-root` (DataVolume `db-dv-root`)" in said
    assert REMOVE not in said


# --- Disks that are not in the snapshot -----------------------------------------------------------


async def test_a_disk_that_came_after_the_snapshot_leaves_the_vm_and_is_kept(
    stage_for: SetStage, golden: Golden
) -> None:
    """The warning says that it leaves; the result that its claim is the only copy."""
    stage = await stage_for()
    stage.world.kube.seed.claim(NS, "ledger", Disk("ledger"))
    change_vm(stage, volumes=[{"name": "ledger", "persistentVolumeClaim": {"claimName": "ledger"}}])
    warning = stage.read(await acts.to_the_warning(stage))
    assert "*Disks that leave the VM* (added after the snapshot): `ledger`" in warning
    assert "side by side" not in warning
    await acts.confirm(stage)
    said = stage.read(await stage.card(acts.RESTORED))
    assert "so the only copy of a disk: `ledger`" in said
    assert "Not rolled back" not in said
    assert f"{REMOVE} -n {NS} {ROOT}\n" in f"{said}\n".replace("```", "\n")
    await golden(stage)


async def test_a_disk_of_a_template_that_came_after_the_snapshot_is_deleted_and_it_is_said(
    stage_for: SetStage, golden: Golden
) -> None:
    stage = await stage_for()
    templated_disk(stage)
    warning = stage.read(await acts.to_the_warning(stage))
    before, _, _ = warning.partition("THIS WILL REPLACE CURRENT VM STATE")
    assert "THIS RESTORE DELETES DISKS: `archive`" in before
    assert "is OFF: after the restore nothing here holds a copy" in before
    confirm = stage.read(await acts.type_name(stage))
    assert "[Restore VM now" not in confirm
    await stage.press(acts.READY, "I know that archive is deleted")
    await stage.card("will be deleted without a copy")
    await acts.press_restore(stage)
    said = stage.read(await stage.card(acts.RESTORED))
    assert "Deleted by the cluster" in said
    assert "`archive`" in said
    await stage.world.quiet()
    assert stage.world.kube.storage.find("persistentvolumeclaims", NS, "archive") is None
    await golden(stage)


def templated_disk(stage: Stage) -> None:
    """Somebody adds a disk by a template of the VM, and the cluster has made it."""
    template = {"metadata": {"name": "archive"}, "spec": {"pvc": {}, "source": {"blank": {}}}}
    volume = {"name": "archive", "dataVolume": {"name": "archive"}}
    change_vm(stage, volumes=[volume], dataVolumeTemplates=[template])
    status = {"claimName": "archive", "phase": "Succeeded", "progress": "100.0%"}
    held = {
        "apiVersion": "cdi.kubevirt.io/v1beta1",
        "kind": "DataVolume",
        "metadata": {"namespace": NS, "name": "archive", "uid": "dv-archive"},
        "spec": template["spec"],
        "status": status,
    }
    stage.world.kube.storage.put("datavolumes", held)
    owner = {"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataVolume", "name": "archive"}
    owners = [{**owner, "uid": "dv-archive", "controller": True}]
    stage.world.kube.seed.claim(NS, "archive", Disk("archive"), ownerReferences=owners)


async def test_a_disk_that_was_left_out_keeps_its_data_and_its_place(
    stage_for: SetStage, golden: Golden
) -> None:
    stage = await stage_for()
    kube = stage.world.kube
    kube.seed.vm(NS, "db-two", running=False, disks=["root", "scratch"])
    kube.seed.snapshot(NS, "the-one", "db-two", volumes=["root"])
    await acts.ask(stage, f"/vm-restore db-two from the-one in {NS}")
    warning = stage.read(await stage.card(acts.TYPE_IT))
    assert "*Disks that keep today's data* (left out when the snapshot was taken)" in warning
    await acts.confirm(stage, "the-one")
    said = stage.read(await stage.card(acts.RESTORED))
    assert "they keep their data: `scratch`" in said
    assert f"{REMOVE} -n {NS} db-two-root" in said
    await golden(stage)


async def test_a_vmi_that_may_not_be_read_does_not_hold_up_the_result(stage_for: SetStage) -> None:
    """It only says whether the VM runs; the restore is complete without it."""
    stage = await stage_for()
    await acts.ask_and_confirm(stage)
    await stage.until(stage.restores, "the restore is created")
    for verb in ("get", "list"):
        stage.world.kube.deny(verb, "virtualmachineinstances", NS)
    said = stage.read(await stage.card(acts.RESTORED, within=60))
    assert "Stopped, as its status says; whether it runs could not be read" in said


async def test_a_vm_that_may_not_be_read_any_more_does_not_hold_up_the_result(
    stage_for: SetStage,
) -> None:
    """The restore itself says that it is complete, and the claims prove it. No advice is given."""
    stage = await stage_for()
    await acts.ask_and_confirm(stage)
    await stage.until(stage.restores, "the restore is created")
    for verb in ("get", "list"):
        stage.world.kube.deny(verb, "virtualmachines", NS)
    said = stage.read(await stage.card(acts.RESTORED, within=60))
    assert "Unknown: it could not be read" in said
    assert "kubectl delete" not in said


async def test_a_disk_that_was_hot_plugged_into_the_guest_alone_is_told_before_the_stop(
    stage_for: SetStage, golden: Golden
) -> None:
    """The stop takes it out; its claim is still the only copy afterwards."""
    stage = await stage_for(running=True)
    kube = stage.world.kube
    kube.seed.claim(NS, "usb", Disk("usb"))
    vmi = kube.storage.get("virtualmachineinstances", NS, VM)
    plugged = {"name": "usb", "persistentVolumeClaim": {"claimName": "usb", "hotpluggable": True}}
    vmi["spec"]["volumes"] += [plugged]
    kube.storage.put("virtualmachineinstances", vmi)
    await acts.ask(stage)
    told = stage.read(await stage.card(acts.MUST_STOP))
    assert "*Hot-plugged disks, in the running guest only*: `usb`" in told
    await stage.press(acts.MUST_STOP, "Stop and restore")
    warning = stage.read(await stage.card(acts.TYPE_IT))
    assert "*Hot-plugged disks, in the running guest only*: `usb`" in warning
    await acts.confirm(stage)
    said = stage.read(await stage.card(acts.RESTORED))
    assert "so the only copy of a disk: `usb`" in said
    await golden(stage)


async def test_a_partial_snapshot_is_not_called_consistent(
    stage_for: SetStage, golden: Golden
) -> None:
    """What is missing is named, and what has left the VM since comes back as it is today."""
    stage = await stage_for()
    kube = stage.world.kube
    kube.seed.vm(NS, "db-two", running=False, disks=["root", "scratch"])
    marks = ["Online", "NoGuestAgent", "PartialSnapshot"]
    kube.seed.snapshot(NS, "the-one", "db-two", volumes=["root"], indications=marks)
    vm = kube.storage.get("virtualmachines", NS, "db-two")
    spec = vm["spec"]["template"]["spec"]
    spec["volumes"] = spec["volumes"][:1]
    spec["domain"]["devices"]["disks"] = spec["domain"]["devices"]["disks"][:1]
    kube.storage.put("virtualmachines", vm)
    await acts.ask(stage, f"/vm-restore db-two from the-one in {NS}")
    warning = stage.read(await stage.card(acts.TYPE_IT))
    assert "partial: it does not hold `scratch`" in warning
    assert "*Disks that come back with today's data*" in warning
    await acts.finish(stage, "the-one")
    await golden(stage)


async def test_a_disk_that_was_enlarged_since_is_told_with_both_sizes(stage_for: SetStage) -> None:
    """It comes back as small as it was; the re-check compares the size as well."""
    stage = await stage_for()
    enlarge(stage, "40Gi")
    warning = stage.read(await acts.to_the_warning(stage))
    assert "size of disk root: `40.0 GiB` → `10.0 GiB`" in warning
    await acts.type_name(stage)
    enlarge(stage, "50Gi")
    await acts.press_restore(stage)
    said = stage.read(await stage.card("was resized"))
    assert f"Claim `{ROOT}` was resized: 40.0 GiB → 50.0 GiB." in said
    assert stage.restores() == []


def enlarge(stage: Stage, size: str) -> None:
    """Somebody makes the disk larger."""
    claim = stage.world.kube.storage.get("persistentvolumeclaims", NS, ROOT)
    claim["spec"]["resources"]["requests"]["storage"] = size
    stage.world.kube.storage.put("persistentvolumeclaims", claim)


async def test_a_paused_vm_of_a_pool_is_told_as_both(stage_for: SetStage) -> None:
    """Before the stop that its guest is paused, in the warning that a pool may replace it."""
    stage = await stage_for(running=True)
    kube = stage.world.kube
    vmi = kube.storage.get("virtualmachineinstances", NS, VM)
    vmi["status"].setdefault("conditions", []).append({"type": "Paused", "status": "True"})
    kube.storage.put("virtualmachineinstances", vmi)
    vm = kube.storage.get("virtualmachines", NS, VM)
    owner = {"apiVersion": "pool.kubevirt.io/v1beta1", "kind": "VirtualMachinePool", "name": "db"}
    vm["metadata"]["ownerReferences"] = [{**owner, "uid": "pool-1"}]
    kube.storage.put("virtualmachines", vm)
    await acts.ask(stage)
    assert "*The guest is paused*" in stage.read(await stage.card(acts.MUST_STOP))
    await stage.press(acts.MUST_STOP, "Stop and restore")
    warning = stage.read(await stage.card(acts.TYPE_IT))
    assert "*VirtualMachinePool db owns this VM*" in warning
