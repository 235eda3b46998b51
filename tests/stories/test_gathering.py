"""What is missing is asked for, one thing at a time, and never assumed."""

import pytest

from bot.playground.kubevirt.seed import Disk
from bot.playground.slack.surfaces import NotPossible
from bot.playground.stage import SNAPSHOT_TIME, Stage, access
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

CREATE = "create virtualmachinerestores"
WHICH_VM, WHICH_NAMESPACE, WHICH_SNAPSHOT = "Which VM", "Which namespace", "Which snapshot"
PICK_VM, PICK_NAMESPACE, PICK_SNAPSHOT = "vmr:pick-vm", "vmr:pick-namespace", "vmr:pick-snapshot"
WITHOUT_NAMESPACE = "/vm-restore database-01 from pre-upgrade-snapshot"
WITHOUT_NAMES = "/vm-restore --cluster default"
"""Asks for everything in the thread; a command without any words opens the form."""


async def answered_with(stage: Stage, text: str) -> None:
    """Nothing was restored yet, and the warning is about exactly this."""
    assert text in stage.read(await stage.card(acts.TYPE_IT))
    assert acts.changes(stage) == []


async def test_namespace_missing(stage_for: SetStage, golden: Golden) -> None:
    """One namespace has such a VM: it is proposed with a button, and waited for."""
    stage = await stage_for()
    await acts.ask(stage, WITHOUT_NAMESPACE)
    await stage.card(WHICH_NAMESPACE)
    await stage.world.pass_time(60)
    await golden(stage, "asked")
    assert stage.shown(acts.TYPE_IT) is None
    await stage.press(WHICH_NAMESPACE, "Use production")
    await answered_with(stage, "`database-01` (namespace: `production`)")
    await golden(stage, "answered")
    await acts.finish(stage)
    assert acts.sent(stage) == [CREATE]


async def test_namespace_typed_in_an_incident_thread(stage_for: SetStage) -> None:
    """In a thread of people one word is an answer; what has spaces in it is conversation."""
    stage = await stage_for()
    stage.thread = await stage.bob.say(stage.channel, "database-01 is broken")
    await stage.reply(
        f"{stage.world.slack.mention} restore database-01 from snapshot pre-upgrade-snapshot"
    )
    await stage.card(WHICH_NAMESPACE)
    await stage.reply("hm, in production")
    await stage.reply("production", by=stage.bob)
    await stage.world.pass_time(3)
    assert stage.shown(acts.TYPE_IT) is None
    assert stage.whispers(stage.alice) == []
    await stage.reply("production")
    await answered_with(stage, "`database-01` (namespace: `production`)")


async def two_namespaces(stage: Stage) -> None:
    """Alice may restore in production and staging, and both have a database-01."""
    seed = stage.world.kube.seed
    seed.vm("staging", "database-01", running=False)
    seed.snapshot("staging", "pre-upgrade-snapshot", "database-01", created=SNAPSHOT_TIME)
    seed.vm("forbidden", "database-01", running=False)
    stage.world.config = access(stage.alice, namespaces=("production", "staging"))
    await stage.world.start_bot()


async def test_several_namespaces(stage_for: SetStage, golden: Golden) -> None:
    """Several candidates: none is proposed, the list has those that are permitted."""
    stage = await stage_for(start=False)
    await two_namespaces(stage)
    await acts.ask(stage, WITHOUT_NAMESPACE)
    card = await stage.card(WHICH_NAMESPACE)
    await golden(stage)
    offered = await stage.alice.options(card, PICK_NAMESPACE, "")
    assert [choice.text for choice in offered] == ["production", "staging"]
    assert [choice.text for choice in await stage.alice.options(card, PICK_NAMESPACE, "stag")] == [
        "staging"
    ]
    await stage.alice.pick(card, PICK_NAMESPACE, "staging")
    await answered_with(stage, "`database-01` (namespace: `staging`)")
    await acts.finish(stage)
    assert [call.namespace for call in stage.restores()] == ["staging"]


async def test_a_namespace_that_is_not_permitted_is_no_answer(stage_for: SetStage) -> None:
    """Typing another namespace is refused by the policy, with whom to ask."""
    stage = await stage_for()
    stage.world.kube.seed.vm("forbidden", "database-01", running=False)
    await acts.ask(stage, WITHOUT_NAMESPACE)
    await stage.card(WHICH_NAMESPACE)
    await stage.reply("forbidden")
    said = stage.read(await stage.card("You may not restore VMs in namespace `forbidden`"))
    assert "the platform team" in said
    assert acts.changes(stage) == []


async def test_a_namespace_without_that_vm(stage_for: SetStage, golden: Golden) -> None:
    """A permitted namespace, typed, in which there is no such VM: refused, and it says so."""
    stage = await stage_for(start=False)
    await two_namespaces(stage)
    await acts.ask(stage, "/vm-restore web-01 from before-release")
    await stage.card(WHICH_NAMESPACE)
    await stage.reply("staging")
    await stage.card("# ❌ VM Not Found")
    await golden(stage)
    assert acts.changes(stage) == []


async def test_vm_typed(stage_for: SetStage) -> None:
    """The VM can be typed as well; what follows is asked one by one."""
    stage = await stage_for()
    await acts.ask(stage, WITHOUT_NAMES)
    await stage.card(WHICH_VM)
    await stage.reply("it's `database-01`")
    await stage.card(WHICH_NAMESPACE)
    await stage.reply("production")
    await stage.card(WHICH_SNAPSHOT)
    await stage.reply("pre-upgrade-snapshot")
    await answered_with(stage, "`database-01` (namespace: `production`)")


async def test_vm_missing(stage_for: SetStage, golden: Golden) -> None:
    """The list holds the VMs of the named namespace; a choice leads on to the snapshot."""
    stage = await stage_for()
    stage.world.kube.seed.vm("staging", "not-for-alice", running=False)
    await acts.ask(stage, "/vm-restore -n production")
    card = await stage.card(WHICH_VM)
    await golden(stage)
    offered = await stage.alice.options(card, PICK_VM, "")
    assert [choice.text for choice in offered] == ["database-01", "web-01"]
    await stage.alice.pick(card, PICK_VM, "web-01")
    await stage.card("Which snapshot of `web-01`")


async def test_vm_missing_without_namespace(stage_for: SetStage) -> None:
    """Without a namespace the list holds what the asker may restore, anywhere."""
    stage = await stage_for(start=False)
    await two_namespaces(stage)
    stage.world.kube.seed.vm("forbidden", "secret-01", running=False)
    await acts.ask(stage, WITHOUT_NAMES)
    card = await stage.card(WHICH_VM)
    offered = await stage.alice.options(card, PICK_VM, "")
    assert [choice.text for choice in offered] == ["database-01", "web-01"]
    assert await stage.alice.options(card, PICK_VM, "secret") == []


async def test_snapshot_missing(stage_for: SetStage, golden: Golden) -> None:
    """The newest snapshots of the VM are named, and none of another VM is offered."""
    stage = await stage_for()
    await acts.ask(stage, "/vm-restore database-01 in production")
    card = await stage.card(WHICH_SNAPSHOT)
    await golden(stage)
    offered = await stage.alice.options(card, PICK_SNAPSHOT, "")
    assert [choice.text for choice in offered] == ["pre-upgrade-snapshot"]
    await stage.alice.pick(card, PICK_SNAPSHOT, "pre-upgrade-snapshot")
    await answered_with(stage, "*Snapshot to Restore From*: `pre-upgrade-snapshot`")


@pytest.mark.parametrize(
    "said",
    [
        "roll back database-01 in production to the pre-upgrade snapshot",
        "restore database-01 in production from yesterday's snapshot",
        "recover VM database-01 in production from backup",
    ],
)
async def test_a_described_snapshot_is_never_guessed(stage_for: SetStage, said: str) -> None:
    """A description only filters: the exact name is chosen by a person."""
    stage = await stage_for()
    stage.world.kube.seed.snapshot("production", "nightly", "database-01", created=SNAPSHOT_TIME)
    stage.thread = await stage.alice.say(stage.channel, said)
    card = await stage.card(WHICH_SNAPSHOT)
    await stage.world.pass_time(30)
    assert stage.shown(acts.TYPE_IT) is None
    found = [choice.text for choice in await stage.alice.options(card, PICK_SNAPSHOT, "night")]
    assert found == ["nightly"]
    await stage.reply("nightly")
    await answered_with(stage, "*Snapshot to Restore From*: `nightly`")


async def test_a_described_snapshot_filters(stage_for: SetStage, golden: Golden) -> None:
    """The names that fit are listed and proposed, and nothing follows from that by itself."""
    stage = await stage_for()
    seed = stage.world.kube.seed
    for name in ("nightly-0217", "nightly-0218", "pre-upgrade-2"):
        seed.snapshot("production", name, "database-01", created=SNAPSHOT_TIME)
    stage.thread = await stage.alice.say(
        stage.channel, "Roll back database-01 in production to the pre-upgrade snapshot"
    )
    card = await stage.card(WHICH_SNAPSHOT)
    await golden(stage)
    offered = [choice.text for choice in await stage.alice.options(card, PICK_SNAPSHOT, "")]
    assert sorted(offered) == ["pre-upgrade-2", "pre-upgrade-snapshot"]


async def test_a_description_that_fits_nothing(stage_for: SetStage, golden: Golden) -> None:
    """A description that is no part of a name: all snapshots are offered, the newest first."""
    stage = await stage_for()
    seed = stage.world.kube.seed
    for day in (15, 16, 17):
        taken = SNAPSHOT_TIME.replace(day=day)
        seed.snapshot("production", f"nightly-{day}", "database-01", created=taken)
    stage.thread = await stage.alice.say(
        stage.channel, "restore database-01 in production from the latest snapshot"
    )
    card = await stage.card(WHICH_SNAPSHOT)
    await golden(stage)
    offered = [choice.text for choice in await stage.alice.options(card, PICK_SNAPSHOT, "")]
    assert offered == ["pre-upgrade-snapshot", "nightly-17", "nightly-16", "nightly-15"]


async def test_nothing_given(stage_for: SetStage, golden: Golden) -> None:
    """The verb alone, said in a thread, asks for everything, one after the other."""
    stage = await stage_for()
    stage.thread = await stage.bob.say(stage.channel, "production is down")
    await stage.reply(f"{stage.world.slack.mention} restore")
    await stage.alice.pick(await stage.card(WHICH_VM), PICK_VM, "database-01", typed="data")
    await stage.press(WHICH_NAMESPACE, "Use production")
    card = await stage.card(WHICH_SNAPSHOT)
    await stage.alice.pick(card, PICK_SNAPSHOT, "pre-upgrade-snapshot", typed="up")
    await acts.finish(stage)
    await stage.world.quiet()
    await golden(stage)
    assert stage.alice.view is None
    assert acts.sent(stage) == [CREATE]


async def test_misspelt_vm(stage_for: SetStage, golden: Golden) -> None:
    """A VM that does not exist: the nearest names are offered, none is taken."""
    stage = await stage_for()
    await acts.ask(stage, "/vm-restore databse-01 from pre-upgrade-snapshot")
    card = await stage.card("Did you mean `database-01`")
    await golden(stage)
    assert stage.shown(acts.TYPE_IT) is None
    await stage.alice.pick(card, PICK_VM, "database-01")
    await stage.press(WHICH_NAMESPACE, "Use production")
    await answered_with(stage, "`database-01` (namespace: `production`)")


async def test_misspelt_vm_in_a_known_namespace(stage_for: SetStage, golden: Golden) -> None:
    """The namespace is right, the VM is not: that is said, not that it has no snapshots."""
    stage = await stage_for()
    await acts.ask(stage, "/vm-restore databse-01 from backup in production")
    await stage.card("There is no VM `databse-01` in namespace `production`")
    await golden(stage)
    await stage.reply("database-01")
    await stage.card(WHICH_SNAPSHOT)
    assert acts.changes(stage) == []


async def test_no_vm_is_told_from_a_forbidden_namespace(stage_for: SetStage) -> None:
    """A VM outside the permitted namespaces is neither found nor named."""
    stage = await stage_for()
    stage.world.kube.seed.vm("forbidden", "payroll-01", running=False)
    await acts.ask(stage, "/vm-restore payroll-1 from pre-upgrade-snapshot")
    said = stage.read(await stage.card("There is no VM `payroll-1` where you may restore"))
    assert "payroll-01" not in said


async def test_vm_without_snapshots(stage_for: SetStage, golden: Golden) -> None:
    """There is nothing to choose from, so the restore ends at once and says why."""
    stage = await stage_for()
    stage.world.kube.seed.vm("production", "db-new", running=False)
    await acts.ask(stage, "/vm-restore db-new in production")
    await stage.card("has no snapshots")
    await golden(stage)
    assert acts.changes(stage) == []


@pytest.mark.parametrize("said", ["prod_uction", "<@U012345> knows"])
async def test_an_answer_that_is_no_name(stage_for: SetStage, said: str) -> None:
    """It is answered to the asker alone, and the question stays open."""
    stage = await stage_for()
    await acts.ask(stage, WITHOUT_NAMESPACE)
    await stage.card(WHICH_NAMESPACE)
    await stage.reply(said)
    await stage.whispered("That is not a name I can use")
    assert stage.shown(acts.TYPE_IT) is None
    await stage.reply("production")
    await answered_with(stage, "`database-01` (namespace: `production`)")


async def test_somebody_else_answers(stage_for: SetStage) -> None:
    """Another person's reply is left alone, their click is answered to them, nothing changes."""
    stage = await stage_for()
    await acts.ask(stage, WITHOUT_NAMESPACE)
    card = await stage.card(WHICH_NAMESPACE)
    await stage.reply("production", by=stage.bob)
    await stage.bob.click(card, "Use production")
    await stage.whispered("Only @alice can answer for this restore", to=stage.bob)
    assert await stage.bob.options(card, PICK_NAMESPACE, "") == []
    with pytest.raises(NotPossible, match="no option 'production'"):
        await stage.bob.pick(card, PICK_NAMESPACE, "production")
    await stage.bob.click(card, "Cancel")
    await stage.world.pass_time(5)
    assert stage.shown(acts.TYPE_IT) is None
    await stage.press(WHICH_NAMESPACE, "Use production")
    await stage.card(acts.TYPE_IT)


async def test_a_question_expires(stage_for: SetStage, golden: Golden) -> None:
    """Nobody answers for a quarter of an hour: the request ends and says so."""
    stage = await stage_for()
    await acts.ask(stage, WITHOUT_NAMESPACE)
    card = await stage.card(WHICH_NAMESPACE)
    before = card.blocks
    await stage.world.leap(14 * 60)
    assert stage.shown("Restore Expired") is None
    await stage.world.leap(65)
    await stage.card("Restore Expired")
    await golden(stage)
    await stage.alice.click_stale(card, before, "Use production")
    await stage.whispered("has ended")
    assert acts.changes(stage) == []


async def test_cancelled_by_button(stage_for: SetStage, golden: Golden) -> None:
    """Cancel is on every question."""
    stage = await stage_for()
    await acts.ask(stage, WITHOUT_NAMESPACE)
    await stage.press(WHICH_NAMESPACE, "Cancel")
    await stage.card("Restore Cancelled")
    await golden(stage)
    assert acts.changes(stage) == []


async def test_cancelled_by_typing(stage_for: SetStage) -> None:
    """Typed in the thread, `cancel` is never taken for the name of a namespace."""
    stage = await stage_for()
    await acts.ask(stage, WITHOUT_NAMESPACE)
    await stage.card(WHICH_NAMESPACE)
    await stage.reply("`Cancel`")
    await stage.card("Restore Cancelled")
    assert acts.changes(stage) == []


async def test_a_long_name_through_the_picker(stage_for: SetStage) -> None:
    """A name longer than an option's value may be is chosen, shown and restored in full."""
    long = "before-the-upgrade-of-" + "the-quarterly-accounting-database-" * 5 + "in-february"
    stage = await stage_for()
    for name in (long, f"{long}-2"):
        stage.world.kube.seed.snapshot("production", name, "database-01", created=SNAPSHOT_TIME)
    await acts.ask(stage, "/vm-restore database-01 in production")
    card = await stage.card(WHICH_SNAPSHOT)
    offered = await stage.alice.options(card, PICK_SNAPSHOT, "february-2")
    assert len(offered) == 1
    await stage.alice.pick(card, PICK_SNAPSHOT, offered[0].text, typed="february-2")
    await answered_with(stage, f"*Snapshot to Restore From*: `{long}-2`")
    await acts.finish(stage, f"{long}-2")
    assert [acts.spec_of(call)["virtualMachineSnapshotName"] for call in stage.restores()] == [
        f"{long}-2"
    ]


async def test_more_vms_than_a_list_can_hold(stage_for: SetStage) -> None:
    """A list is cut at a hundred; typing finds the rest."""
    stage = await stage_for()
    for number in range(120):
        stage.world.kube.seed.vm(
            "production", f"node-{number:03}", running=False, disks=[Disk("root")]
        )
    await acts.ask(stage, WITHOUT_NAMES)
    card = await stage.card(WHICH_VM)
    assert len(await stage.alice.options(card, PICK_VM, "")) == 100
    assert [each.text for each in await stage.alice.options(card, PICK_VM, "node-119")] == [
        "node-119"
    ]
