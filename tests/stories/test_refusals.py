"""What is refused, how it reads, and that a refusal leaves the cluster as it was."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bot.cluster.rights import RIGHTS
from bot.playground.kubevirt.faults import Answer, Rule
from bot.playground.kubevirt.seed import Disk
from bot.playground.kubevirt.server import KubeSim
from bot.playground.stage import SNAPSHOT_TIME, Stage, access
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

RESTORES = "virtualmachinerestores.snapshot.kubevirt.io"
NS, VM, SNAPSHOT = "production", "database-01", "pre-upgrade-snapshot"
THIS = f"/vm-restore {VM} from the-one in {NS}"


@dataclass(frozen=True)
class Case:
    """A world in which the restore cannot be, and the heading under which that is said."""

    id: str
    heading: str
    arrange: Callable[[Stage], object]
    line: str = acts.REQUEST


def _snapshots_of_the_vm(stage: Stage) -> None:
    seed = stage.world.kube.seed
    for name in ("nightly-0216", "nightly-0217"):
        seed.snapshot(NS, name, VM, created=SNAPSHOT_TIME)


def _no_vm_like_it(stage: Stage) -> None:
    stage.world.kube.seed.vm(NS, "database-02", running=False)


def _being_deleted(stage: Stage) -> None:
    """The guest ignores the power button, so that the VM cannot go yet."""
    kube = stage.world.kube
    kube.seed.vm(NS, "db-old", running=True)
    kube.seed.snapshot(NS, "the-one", "db-old", created=SNAPSHOT_TIME)
    kube.people.ignore_shutdown(NS, "db-old")
    kube.people.delete_vm(NS, "db-old")


def _migrating(stage: Stage) -> None:
    kube = stage.world.kube
    kube.seed.vm(NS, "db-moving", running=True)
    kube.seed.snapshot(NS, "the-one", "db-moving", created=SNAPSHOT_TIME)
    kube.people.migrate(NS, "db-moving")


def _foreign_restore(stage: Stage) -> None:
    kube = stage.world.kube
    kube.knobs.own_class("standard").bind = None
    kube.people.create_restore(NS, "by-hand", VM, SNAPSHOT)


def _clone(stage: Stage) -> None:
    """A clone of a snapshot onto the snapshot's own VM: it waits until the VM stops."""
    _foreign_restore(stage)
    held = stage.world.kube.storage.get("virtualmachinerestores", NS, "by-hand")
    owner = {"apiVersion": "clone.kubevirt.io/v1beta1", "kind": "VirtualMachineClone"}
    references = [{**owner, "name": "copy-of-db", "uid": "clone-1"}]
    held["metadata"]["ownerReferences"] = references
    stage.world.kube.storage.put("virtualmachinerestores", held)


def _moved_away(stage: Stage) -> None:
    """A decentralised migration has completed, and a Manual VM leaves its old guest object."""
    kube = stage.world.kube
    kube.seed.vm(NS, VM, running=True, run_strategy="Manual")
    kube.people.power_off(NS, VM)
    vmi = kube.storage.get("virtualmachineinstances", NS, VM)
    sides = {"sourceState": {"node": "here"}, "targetState": {"syncAddress": "10.0.0.9:9185"}}
    vmi["status"]["migrationState"] = {**sides, "completed": True}
    kube.storage.put("virtualmachineinstances", vmi)


def _memory_dump(stage: Stage) -> None:
    """The one volume of the snapshot is a dump of the guest's memory."""
    storage = stage.world.kube.storage
    snapshot = storage.get("virtualmachinesnapshots", NS, SNAPSHOT)
    name = snapshot["status"]["virtualMachineSnapshotContentName"]
    content = storage.get("virtualmachinesnapshotcontents", NS, name)
    spec = content["spec"]["source"]["virtualMachine"]["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "root", "memoryDump": {"claimName": f"{VM}-root"}}]
    storage.put("virtualmachinesnapshotcontents", content)


def _failed_leftover(stage: Stage) -> None:
    """It failed, nobody removed it, and it blocks every other restore of the VM."""
    kube = stage.world.kube
    kube.seed.snapshot(NS, "broken", VM, created=SNAPSHOT_TIME, volumes=["root"])
    kube.knobs.own_class("standard").bind = None
    kube.people.create_restore(NS, "left-behind", VM, SNAPSHOT)
    held = kube.storage.get("virtualmachinerestores", NS, "left-behind")
    failure = {"type": "Failure", "status": "True", "reason": "the storage is full"}
    held["status"] = {**held.get("status", {}), "complete": False, "conditions": [failure]}
    kube.storage.put("virtualmachinerestores", held)


def _snapshot_under_way(stage: Stage) -> None:
    kube = stage.world.kube
    kube.knobs.own_class("standard").upload = None
    kube.people.create_snapshot(NS, "nightly", VM)


def _not_ready(stage: Stage) -> None:
    stage.world.kube.seed.snapshot(NS, "the-one", VM, created=SNAPSHOT_TIME, ready=False)


def _in_progress(stage: Stage) -> None:
    kube, now = stage.world.kube, stage.world.clock.now()
    kube.seed.snapshot(NS, "the-one", VM, created=now, phase="InProgress")


def _failed(stage: Stage) -> None:
    text = "snapshot deadline exceeded <!channel>"
    stage.world.kube.seed.snapshot(
        NS, "the-one", VM, created=SNAPSHOT_TIME, phase="Failed", error=text
    )


def _snapshot_going(stage: Stage) -> None:
    held = stage.world.kube.storage.get("virtualmachinesnapshots", NS, SNAPSHOT)
    held["metadata"]["finalizers"] = ["example.com/kept"]
    stage.world.kube.storage.put("virtualmachinesnapshots", held)
    stage.world.kube.people.delete_snapshot(NS, SNAPSHOT)


def _configuration_only(stage: Stage) -> None:
    stage.world.kube.seed.snapshot(NS, "the-one", VM, created=SNAPSHOT_TIME, volumes=[])


def _two_disks(stage: Stage) -> None:
    kube = stage.world.kube
    kube.seed.vm(NS, "db-big", running=False, disks=[Disk("root", "20Gi"), Disk("data", "50Gi")])
    kube.seed.snapshot(NS, "the-one", "db-big", created=SNAPSHOT_TIME)
    kube.seed.quota(NS, "storage", requests_storage="120Gi")


def _uninstalled(stage: Stage) -> None:
    stage.world.kube.uninstall("snapshot.kubevirt.io")


def _nothing_installed(stage: Stage) -> None:
    stage.world.kube.uninstall("snapshot.kubevirt.io")
    stage.world.kube.uninstall("kubevirt.io")


def _untold(stage: Stage) -> KubeSim:
    """The cluster does not tell the bot which rights it has."""
    stage.world.kube.deny("create", "selfsubjectrulesreviews")
    return stage.world.kube


def _no_lists_of_vms(stage: Stage) -> None:
    """Neither in all namespaces nor in the permitted one: that is no "there is no such VM"."""
    stage.world.kube.deny("list", "virtualmachines")
    stage.world.kube.deny("list", "virtualmachines", NS)


def _marked(stage: Stage, field: str, name: str) -> None:
    held = stage.world.kube.storage.get("virtualmachines", NS, VM)
    held["status"][field] = name
    stage.world.kube.storage.put("virtualmachines", held)


def _mark_of_no_restore(stage: Stage) -> None:
    _marked(stage, "restoreInProgress", "gone-since")


def _mark_of_no_snapshot(stage: Stage) -> None:
    _marked(stage, "snapshotInProgress", "gone-since")


def _denies(stage: Stage, code: int, message: str) -> None:
    answer = Answer(code, "Forbidden" if code == 403 else "Invalid", message)
    stage.world.kube.faults.add(Rule(answer, verb="create", resource="virtualmachinerestores"))


def _denied_by_webhook(stage: Stage) -> None:
    """In words that would be links and code in Slack."""
    said = "change freeze until Monday, ask <!channel> `now`"
    _denies(stage, 403, f'admission webhook "freeze.example.com" denied the request: {said}')


def _denied_by_gatekeeper(stage: Stage) -> None:
    said = "[no-restores-on-friday] bots cannot create restores"
    _denies(stage, 403, f'admission webhook "validation.gatekeeper.sh" denied the request: {said}')


def _denied_by_policy(stage: Stage) -> None:
    said = "ValidatingAdmissionPolicy 'freeze' with binding 'freeze' denied request: until Monday"
    _denies(stage, 422, f'virtualmachinerestores.snapshot.kubevirt.io "r" is forbidden: {said}')


def _gate_off(stage: Stage) -> None:
    stage.world.kube.knobs.snapshot_gate = False


def _waits_as_receiver(stage: Stage) -> None:
    held = stage.world.kube.storage.get("virtualmachines", NS, VM)
    held["spec"]["runStrategy"] = "WaitAsReceiver"
    stage.world.kube.storage.put("virtualmachines", held)


def _old_and_manual(stage: Stage) -> None:
    kube = stage.world.kube
    kube.knobs.restores_want_halted = True
    held = kube.storage.get("virtualmachines", NS, VM)
    held["spec"]["runStrategy"] = "Manual"
    kube.storage.put("virtualmachines", held)


CASES = [
    Case(
        "snapshot-missing",
        "Snapshot Not Found",
        _snapshots_of_the_vm,
        f"/vm-restore {VM} from nightly-0218 in {NS}",
    ),
    Case(
        "snapshot-missing-and-the-VM-has-none",
        "Snapshot Not Found",
        lambda stage: stage.world.kube.seed.vm(NS, "db-new", running=False),
        f"/vm-restore db-new from nightly-0218 in {NS}",
    ),
    Case("snapshot-not-ready", "Snapshot Not Ready", _not_ready, THIS),
    Case("snapshot-in-progress", "Snapshot Not Ready", _in_progress, THIS),
    Case("snapshot-failed", "Snapshot Not Ready", _failed, THIS),
    Case("snapshot-being-deleted", "Snapshot Is Being Deleted", _snapshot_going),
    Case(
        "snapshot-of-another-VM",
        "Snapshot of Another VM",
        lambda _: None,
        f"/vm-restore {VM} from before-release in {NS}",
    ),
    Case(
        "VM-re-created-since",
        "VM Was Re-created",
        lambda stage: stage.world.kube.people.recreate_vm(NS, VM),
    ),
    Case("configuration-only", "Snapshot Holds No Disks", _configuration_only, THIS),
    Case(
        "snapshot-content-gone",
        "Snapshot Content Missing",
        lambda stage: stage.world.kube.people.lose_content(NS, SNAPSHOT),
    ),
    Case(
        "VM-missing",
        "VM Not Found",
        _no_vm_like_it,
        f"/vm-restore database-1 from {SNAPSHOT} in {NS}",
    ),
    Case(
        "VM-missing-and-nothing-is-called-like-it",
        "VM Not Found",
        lambda _: None,
        f"/vm-restore mail-gateway from {SNAPSHOT} in {NS}",
    ),
    Case(
        "VM-being-deleted",
        "VM Is Being Deleted",
        _being_deleted,
        f"/vm-restore db-old from the-one in {NS}",
    ),
    Case(
        "VM-migrating",
        "VM Is Migrating",
        _migrating,
        f"/vm-restore db-moving from the-one in {NS}",
    ),
    Case("clone-onto-the-vm", "Another Restore Is in Progress", _clone),
    Case("vm-lives-elsewhere", "VM Lives Elsewhere", _moved_away),
    Case("memory-dump-alone", "Snapshot Holds No Disks", _memory_dump),
    Case("restore-of-somebody-else", "Another Restore Is in Progress", _foreign_restore),
    Case("failed-restore-left-behind", "Another Restore Is in Progress", _failed_leftover),
    Case("mark-of-a-restore-that-is-gone", "Another Restore Is in Progress", _mark_of_no_restore),
    Case("mark-of-a-snapshot-that-is-gone", "A Snapshot Is in Progress", _mark_of_no_snapshot),
    Case("snapshot-being-taken", "A Snapshot Is in Progress", _snapshot_under_way),
    Case(
        "quota-too-small",
        "Quota Too Small",
        _two_disks,
        f"/vm-restore db-big from the-one in {NS}",
    ),
    Case(
        "create-forbidden-found-by-the-dry-run",
        "Cluster Permission Missing",
        lambda stage: _untold(stage).deny("create", "virtualmachinerestores", NS),
    ),
    Case(
        "reading-the-VM-forbidden",
        "Cluster Permission Missing",
        lambda stage: _untold(stage).deny("get", "virtualmachines", NS),
    ),
    Case(
        "reading-snapshots-forbidden",
        "Cluster Permission Missing",
        lambda stage: _untold(stage).deny("list", "virtualmachinesnapshots", NS),
    ),
    Case(
        "listing-VMs-forbidden-while-gathering",
        "Cluster Permission Missing",
        _no_lists_of_vms,
        f"/vm-restore {VM} from {SNAPSHOT}",
    ),
    Case(
        "listing-snapshots-forbidden-while-gathering",
        "Cluster Permission Missing",
        lambda stage: stage.world.kube.deny("list", "virtualmachinesnapshots", NS),
        f"/vm-restore {VM} in {NS}",
    ),
    Case(
        "KubeVirt-not-installed-while-gathering",
        "KubeVirt Not Found",
        _nothing_installed,
        f"/vm-restore {VM} from {SNAPSHOT}",
    ),
    Case(
        "object-quota-used-up",
        "Quota Used Up",
        lambda stage: stage.world.kube.seed.quota(NS, "objects", **{f"count/{RESTORES}": "0"}),
    ),
    Case("admission-webhook-denies", "Denied by a Policy of the Cluster", _denied_by_webhook),
    Case("Gatekeeper-denies", "Denied by a Policy of the Cluster", _denied_by_gatekeeper),
    Case("admission-policy-denies", "Denied by a Policy of the Cluster", _denied_by_policy),
    Case("feature-gate-off", "Snapshots Are Switched Off", _gate_off),
    Case("VM-waits-as-receiver", "VM Waits for a Migration", _waits_as_receiver),
    Case("older-KubeVirt-and-a-Manual-VM", "Cluster Would Refuse the Restore", _old_and_manual),
    Case("snapshot-API-not-installed", "KubeVirt Not Found", _uninstalled),
    Case("KubeVirt-not-installed", "KubeVirt Not Found", _nothing_installed),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
async def test_refused(case: Case, stage_for: SetStage, golden: Golden) -> None:
    """The thread says what was found, what was expected and what to do next; nothing is changed."""
    stage = await stage_for()
    case.arrange(stage)
    await acts.ask(stage, case.line)
    refused = await stage.card(f"❌ {case.heading}")
    await stage.world.quiet()
    await golden(stage)
    assert acts.changes(stage) == []
    assert stage.alice.notified[-1:] == [refused]


READS = [
    ("get", "virtualmachineinstances"),
    ("get", "virtualmachinesnapshotcontents"),
    ("list", "virtualmachinesnapshots"),
    ("list", "resourcequotas"),
]


@pytest.mark.parametrize(("verb", "resource"), READS)
async def test_a_forbidden_read_proves_nothing(
    verb: str, resource: str, stage_for: SetStage
) -> None:
    """Where the cluster does not tell about rights: what may not be read is not taken for absent."""
    stage = await stage_for(running=True)
    stage.world.kube.deny("create", "selfsubjectrulesreviews")
    stage.world.kube.deny(verb, resource, NS)
    await acts.ask(stage)
    said = stage.read(await stage.card("❌ Cluster Permission Missing"))
    assert f'cannot {verb} resource "{resource}"' in said
    await stage.world.pass_time(60)
    assert acts.changes(stage) == []


async def test_without_the_list_of_restores_nothing_is_stopped(stage_for: SetStage) -> None:
    """As above; a check whose dry run is accepted does without the list, the look before a stop not."""
    stage = await stage_for(running=True)
    stage.world.kube.deny("create", "selfsubjectrulesreviews")
    stage.world.kube.deny("list", "virtualmachinerestores", NS)
    await acts.ask(stage)
    await stage.press(acts.MUST_STOP, "Stop and restore")
    said = stage.read(await stage.card("the cluster does not let me look"))
    assert 'cannot list resource "virtualmachinerestores"' in said
    await stage.world.pass_time(60)
    assert acts.changes(stage) == []


NEEDED = [each for each in RIGHTS if each.needed]


async def test_all_missing_rights_are_named_at_once(stage_for: SetStage, golden: Golden) -> None:
    """One round with the cluster admin, not one for each right."""
    stage = await stage_for()
    for right in NEEDED:
        stage.world.kube.deny(right.verb, right.resource, NS)
    await acts.ask(stage)
    await stage.card("❌ Cluster Permission Missing")
    await golden(stage)


async def test_a_right_that_only_helps_is_no_refusal(stage_for: SetStage) -> None:
    """Who uses a claim decorates the result; the restore does not need it."""
    stage = await stage_for()
    for right in RIGHTS:
        if not right.needed:
            stage.world.kube.deny(right.verb, right.resource, NS)
    await acts.ask_and_finish(stage)


async def test_rights_are_asked_for_again_after_a_403_and_not_before(stage_for: SetStage) -> None:
    """They are kept for some minutes: the second check costs no request for them."""
    stage = await stage_for()

    def asked() -> int:
        return len(stage.creates("selfsubjectrulesreviews"))

    await acts.ask(stage)
    await stage.press(acts.TYPE_IT, "Cancel")
    await acts.ask(stage, "/vm-restore web-01 from before-release in production")
    await stage.card("Type `before-release` to confirm")
    assert asked() == 1
    stage.world.kube.deny("create", "virtualmachinerestores", NS)
    await acts.ask(stage)
    await stage.card("cannot create resource")
    await acts.ask(stage)
    await stage.card("Missing: `create virtualmachinerestores`.")
    assert asked() == 2


async def test_held_by_another_restore(stage_for: SetStage, golden: Golden) -> None:
    """The second asker alone is told who holds the VM, since when and where; then it is free."""
    stage = await stage_for(config=lambda stage: access(stage.alice, stage.bob))
    await acts.to_the_warning(stage)
    await stage.world.pass_time(90)
    cards = len(stage.cards())
    await stage.bob.slash(stage.channel, acts.REQUEST)
    told = await stage.whispered("Another restore of VM", stage.bob)
    assert f"/archives/{stage.channel.id}/p{stage.root().ts.replace('.', '')}" in told.text
    assert len(stage.cards()) == cards
    await golden(stage)
    await stage.reply("cancel")
    await stage.card("Restore operation cancelled by user.")
    await stage.bob.slash(stage.channel, acts.REQUEST)
    await stage.card("@bob, VM `database-01` would go back")
    assert acts.changes(stage) == []


async def test_start_over_while_somebody_else_holds_the_vm(stage_for: SetStage) -> None:
    """The asker is told who holds it, and the old card keeps its button for later."""
    stage = await stage_for(config=lambda stage: access(stage.alice, stage.bob))
    await acts.to_the_warning(stage)
    await stage.reply("cancel")
    old = await stage.card("Restore operation cancelled by user.")
    await stage.bob.slash(stage.channel, acts.REQUEST)
    theirs = await stage.card("@bob, VM `database-01` would go back")
    await stage.alice.click(old, "Start over")
    await stage.whispered("Another restore of VM")
    assert "[Start over]" in stage.read(old)
    await stage.bob.click(theirs, "Cancel")
    await stage.card("*Cancelled by*: @bob")
    await stage.alice.click(old, "Start over")
    await stage.card("@alice, VM `database-01` would go back")
    await stage.card("Continued by @alice, further down")
    assert "[" not in stage.read(old)
    assert acts.changes(stage) == []


async def test_a_mark_that_passes_by_itself_is_waited_for(stage_for: SetStage) -> None:
    """KubeVirt takes the mark away a moment after the snapshot is ready: that is no refusal."""
    stage = await stage_for(start=False)
    kube = stage.world.kube
    await kube.pause_controllers()
    _marked(stage, "snapshotInProgress", SNAPSHOT)
    await stage.world.start_bot()
    await acts.ask(stage)
    await stage.world.pass_time(3)
    assert stage.shown(acts.TYPE_IT) is None
    assert stage.shown("❌") is None
    held = kube.storage.get("virtualmachines", NS, VM)
    del held["status"]["snapshotInProgress"]
    kube.storage.put("virtualmachines", held)
    await stage.card(acts.TYPE_IT, within=5)
