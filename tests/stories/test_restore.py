"""The main job: somebody asks, both confirmations come, the VM goes back to the snapshot."""

from typing import Any

import pytest

from bot.playground.slack.workspace import Channel
from bot.playground.stage import Stage, access
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

ASKED = "Restore database-01 from snapshot pre-upgrade-snapshot in production"
THE_RESTORE = {
    "target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "database-01"},
    "virtualMachineSnapshotName": "pre-upgrade-snapshot",
    "targetReadinessPolicy": "FailImmediate",
}
STOP, START = "update virtualmachines/stop", "update virtualmachines/start"
CREATE = "create virtualmachinerestores"


def vm_of(stage: Stage) -> dict[str, Any]:
    """The VM as the cluster has it."""
    found = stage.world.kube.storage.get("virtualmachines", "production", "database-01")
    return dict(found)


async def test_stopped_vm_by_slash_command(stage_for: SetStage, golden: Golden) -> None:
    """A stopped VM is restored after the typed name and the click; nothing else is touched."""
    stage = await stage_for()
    await acts.ask_and_finish(stage)
    await stage.world.quiet()
    await golden(stage)
    assert [acts.spec_of(call) for call in stage.restores()] == [THE_RESTORE]
    assert acts.sent(stage) == [CREATE]


async def test_running_vm_among_people(stage_for: SetStage, golden: Golden) -> None:
    """In a thread of people, sentences are conversation: only the name and the buttons count."""
    stage = await stage_for(running=True)
    stage.thread = await stage.bob.say(stage.channel, "database-01 is down after the upgrade")
    await stage.reply("looking into it")
    await stage.reply(f"{stage.world.slack.mention} The upgrade failed. {ASKED}")
    await stage.card(acts.MUST_STOP)
    await stage.reply("are you sure about that?", by=stage.bob)
    await stage.reply("yes, nobody can use it anyway")
    await stage.press(acts.MUST_STOP, "Stop and restore")
    await stage.card(acts.TYPE_IT)
    await stage.reply("pre-upgrade-snapshot", by=stage.bob)
    await stage.reply("typing it now")
    await stage.world.quiet()
    assert stage.shown(acts.READY) is None
    await acts.type_name(stage)
    await stage.reply("pressing the button now, ok?")
    await stage.reply("go", by=stage.bob)
    await stage.world.quiet()
    await acts.press_restore(stage)
    await stage.press(acts.RESTORED, "Start VM")
    await stage.card("started by")
    await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs again")
    await stage.world.quiet()
    await golden(stage)
    assert acts.sent(stage) == [STOP, CREATE, START]
    assert [acts.spec_of(call) for call in stage.restores()] == [THE_RESTORE]


async def test_asked_in_plain_words(stage_for: SetStage) -> None:
    """A sentence that starts with the verb needs no mention; the thread is the one under it."""
    stage = await stage_for()
    stage.thread = await stage.alice.say(stage.channel, ASKED)
    await acts.finish(stage)
    assert {card.thread_ts for card in stage.cards()} == {stage.thread.ts}
    assert acts.sent(stage) == [CREATE]


async def test_plain_words_are_not_heard_where_only_mentions_are(stage_for: SetStage) -> None:
    """With `listen: mentions` a plain sentence is conversation, and a mention still works."""
    stage = await stage_for(start=False)
    stage.world.config = {
        **stage.world.config,
        "listen": {"channels": {stage.channel.id: "mentions"}},
    }
    await stage.world.start_bot()
    await stage.alice.say(stage.channel, ASKED)
    await stage.world.pass_time(5)
    assert stage.cards() == []
    stage.thread = await stage.alice.say(stage.channel, f"{stage.world.slack.mention} {ASKED}")
    await stage.card(acts.TYPE_IT)


async def test_talk_about_restores_starts_nothing(stage_for: SetStage) -> None:
    """Without a mention only a sentence that begins with the verb counts; talk is left alone."""
    stage = await stage_for()
    for said in (
        "we should restore database-01 from pre-upgrade-snapshot in production",
        "don't restore database-01 from pre-upgrade-snapshot in production",
        "did somebody restore database-01 in production?",
    ):
        await stage.alice.say(stage.channel, said)
    await stage.world.pass_time(5)
    assert stage.cards() == []
    assert stage.whispers(stage.alice) == []


async def a_direct_message(stage: Stage) -> Channel:
    """Alice's conversation with the bot."""
    return stage.world.slack.dm(stage.alice)


async def a_private_channel(stage: Stage) -> Channel:
    """A private channel that the bot was invited to."""
    return stage.world.slack.channel("war-room", stage.alice, stage.bob, private=True)


@pytest.mark.parametrize("where", [a_direct_message, a_private_channel])
async def test_elsewhere_by_slash_command(stage_for: SetStage, where: Any) -> None:
    """A slash command there opens a thread there."""
    stage = await stage_for()
    stage.channel = await where(stage)
    await acts.ask_and_finish(stage)
    assert acts.sent(stage) == [CREATE]


@pytest.mark.parametrize(
    ("strategy", "running", "done", "status", "afterwards"),
    [
        ("Halted", False, [CREATE, START], "Stopped (ready to start)", "Always"),
        ("Manual", False, [CREATE, START], "Stopped (ready to start)", "Manual"),
        ("Manual", True, [STOP, CREATE, START], "Stopped (ready to start)", "Manual"),
        ("Always", True, [STOP, CREATE, START], "Stopped (ready to start)", "Always"),
        ("Once", True, [STOP, CREATE, START], "Stopped (ready to start)", "Always"),
        (
            "RerunOnFailure",
            True,
            [STOP, CREATE, START],
            "Stopped (ready to start)",
            "RerunOnFailure",
        ),
    ],
)
async def test_run_strategies(
    stage_for: SetStage,
    strategy: str,
    running: bool,
    done: list[str],
    status: str,
    afterwards: str,
) -> None:
    """The result says what was read of the VM, and Start VM starts it under each strategy."""
    stage = await stage_for(running=running, run_strategy=strategy)
    await acts.ask(stage)
    if running:
        await stage.press(acts.MUST_STOP, "Stop and restore")
    await acts.confirm(stage)
    result = await stage.card(acts.RESTORED)
    assert f"*VM Status*: {status}" in stage.read(result)
    assert (f"Run strategy before the stop: `{strategy}`" in stage.read(result)) is running
    await stage.press(acts.RESTORED, "Start VM")
    await stage.card("started by")
    await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs again")
    assert acts.sent(stage) == done
    assert vm_of(stage)["spec"]["runStrategy"] == afterwards


async def two_clusters(stage: Stage) -> None:
    """The bot knows two clusters by name: east is the default, west is the other."""
    config = {"kubeconfig": str(stage.world.directory / "kubeconfig")}
    stage.world.config = {
        **access(stage.alice),
        "clusters": {"east": config, "west": config},
        "default_cluster": "east",
    }
    await stage.world.start_bot()


@pytest.mark.parametrize(
    ("named", "cluster"), [("", "east"), (" on cluster west", "west"), (" --cluster west", "west")]
)
async def test_a_cluster_can_be_named(stage_for: SetStage, named: str, cluster: str) -> None:
    """The warning says which cluster; without a name it is the default one."""
    stage = await stage_for(start=False)
    await two_clusters(stage)
    warning = await acts.to_the_warning(stage, acts.REQUEST + named)
    assert f"*Cluster*: `{cluster}`" in stage.read(warning)
    await acts.finish(stage)
    assert len(stage.restores()) == 1


async def test_an_unknown_cluster_is_answered_with_the_known_ones(stage_for: SetStage) -> None:
    """The names of the clusters are told to the asker alone; nothing is started."""
    stage = await stage_for(start=False)
    await two_clusters(stage)
    await stage.alice.slash(stage.channel, f"{acts.REQUEST} on cluster mars")
    said = await stage.whispered("I know no cluster `mars`")
    assert "I know: `east`, `west`" in stage.read(said)
    assert stage.cards() == []
    assert acts.changes(stage) == []
