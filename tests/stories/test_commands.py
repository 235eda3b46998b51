"""list, status, history and help, misspelt words and misplaced answers: told to the asker alone."""

from datetime import timedelta

import pytest

from bot.playground.kubevirt.faults import Answer, Rule
from bot.playground.kubevirt.seed import Disk
from bot.playground.slack import Person
from bot.playground.stage import SNAPSHOT_TIME, Stage, access
from bot.slack.handlers import queries as lists
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage


async def says(stage: Stage, line: str, by: Person | None = None) -> None:
    """Somebody types a slash command, and the answer is there."""
    before = len(stage.whispers(by or stage.alice))
    await (by or stage.alice).slash(stage.channel, line)
    # The command itself is one of the messages that only its author sees.
    await stage.until(
        lambda: len(stage.whispers(by or stage.alice)) >= before + 2, f"an answer to {line}"
    )
    await stage.world.quiet()


async def everywhere(stage_for: SetStage) -> Stage:
    """Alice may restore in production and staging; another team's VMs are in payroll."""
    stage = await stage_for(start=False)
    seed = stage.world.kube.seed
    for namespace in ("payroll", "staging"):
        seed.namespace(namespace)
        seed.vm(namespace, "web-01", running=False)
    seed.vm("payroll", "ledger-01", running=False)
    stage.world.config = access(stage.alice, namespaces=("production", "staging"))
    await stage.world.start_bot()
    return stage


def only_cards(stage: Stage) -> int:
    """How many messages everybody sees."""
    return len([each for each in stage.channel.messages if each.ephemeral_to is None])


# list


async def test_list_of_everything(stage_for: SetStage, golden: Golden) -> None:
    """Without a name: the VMs that the asker may restore, by namespace, and no others."""
    stage = await everywhere(stage_for)
    await says(stage, "/vm-restore list")
    await golden(stage)
    assert "payroll" not in stage.transcript()
    assert only_cards(stage) == 0


async def test_list_of_a_vm(stage_for: SetStage, golden: Golden) -> None:
    """A VM that is in one namespace is found there; readiness, consistency and disks are told."""
    stage = await stage_for(start=False)
    seed = stage.world.kube.seed
    disks = [Disk("root"), Disk("data")]
    seed.vm("production", "api-server", running=False, disks=disks)
    for hours, name, options in (
        (1, "quiesced", {"indications": ["Online", "GuestAgent"]}),
        (2, "crashed", {"indications": ["Online", "NoGuestAgent"]}),
        (3, "stopped", {"volumes": ["root"]}),
        (4, "broken", {"phase": "Failed", "ready": False, "error": "no driver"}),
    ):
        created = SNAPSHOT_TIME + timedelta(hours=hours)
        seed.snapshot("production", name, "api-server", created=created, **options)
    await stage.world.start_bot()
    await says(stage, "/vm-restore list api-server")
    await golden(stage)


async def test_list_of_a_vm_that_was_deleted(stage_for: SetStage, golden: Golden) -> None:
    """How it can be brought back, and which snapshots have lost their data; the refusal says the same."""
    stage = await stage_for(start=False)
    kube, created = stage.world.kube, SNAPSHOT_TIME
    kube.seed.vm("production", "api-server", running=False)
    for name in ("sound", "going", "gone"):
        created += timedelta(hours=1)
        kube.seed.snapshot("production", name, "api-server", created=created)
    kube.people.delete_vm("production", "api-server")
    kube.people.lose_content("production", "gone")
    kube.people.delete_content("production", "going")
    await stage.world.start_bot()
    await says(stage, "/vm-restore list api-server in production")
    await acts.ask(stage, "/vm-restore api-server from sound in production")
    await stage.card("VM Not Found")
    await golden(stage)


async def test_list_of_a_namespace(stage_for: SetStage, golden: Golden) -> None:
    """All snapshots of a namespace, each with its VM; in a thread by mention."""
    stage = await stage_for()
    stage.thread = await stage.bob.say(stage.channel, "what can we go back to?")
    await stage.reply(f"{stage.world.slack.mention} list in production")
    await stage.whispered("Snapshots in namespace `production`")
    await says(stage, "/vm-restore list production")
    await golden(stage)


async def test_list_of_a_vm_in_several_namespaces(stage_for: SetStage, golden: Golden) -> None:
    """The bot does not choose: it names the namespaces and the command for each."""
    stage = await everywhere(stage_for)
    await says(stage, "/vm-restore list web-01")
    await says(stage, "/vm-restore list web-01 in production")
    await golden(stage)


async def test_list_of_what_is_not_there(stage_for: SetStage, golden: Golden) -> None:
    """A misspelt VM, a VM of another namespace, a VM without snapshots, an unknown cluster."""
    stage = await everywhere(stage_for)
    for words in (
        "databse-01",
        "database-01 in staging",
        "payments-9 in production",
        "web-01 in staging",
        "ledger-01 in production",
        "ledger-01",
        "web-01 --cluster west",
    ):
        await says(stage, f"/vm-restore list {words}")
    await golden(stage)


async def test_list_of_what_one_may_not_see(stage_for: SetStage, golden: Golden) -> None:
    """Another team's namespace is refused, and so is everything to somebody without rights."""
    stage = await everywhere(stage_for)
    await says(stage, "/vm-restore list web-01 in payroll")
    await says(stage, "/vm-restore list", by=stage.bob)
    await says(stage, "/vm-restore list web-01", by=stage.bob)
    await golden(stage)


async def test_a_long_list_is_cut(stage_for: SetStage) -> None:
    """Fifteen snapshots are shown, and how to see the rest."""
    stage = await stage_for(start=False)
    for number in range(40):
        created = SNAPSHOT_TIME - timedelta(days=number)
        stage.world.kube.seed.snapshot(
            "production", f"nightly-{number:02}", "web-01", created=created
        )
    await stage.world.start_bot()
    await says(stage, "/vm-restore list web-01")
    said = stage.read(stage.whispers(stage.alice)[-1])
    assert said.count(": ready to use") == 15
    assert "`nightly-00`" in said
    assert "and 26 more, narrow it with the list that `/vm-restore web-01 in production`" in said


async def test_list_with_two_clusters(stage_for: SetStage, golden: Golden) -> None:
    """Both are shown; what is not on the usual one is named with its cluster."""
    stage = await stage_for(start=False)
    path = stage.world.kube.kubeconfig(stage.world.directory / "second")
    cluster = {"kubeconfig": str(path), "namespaces": ["production"]}
    clusters = {"clusters": {"east": cluster, "west": cluster}, "default_cluster": "east"}
    stage.world.config = {**access(stage.alice), **clusters}
    await stage.world.start_bot()
    await says(stage, "/vm-restore list")
    await says(stage, "/vm-restore list web-01 --cluster west")
    await golden(stage)


async def test_list_while_the_cluster_is_away(stage_for: SetStage, golden: Golden) -> None:
    """Said so at once; status and help do not need the cluster."""
    stage = await stage_for()
    stage.world.kube.faults.add(Rule(Answer(503), times=None))
    for words in ("list web-01", "list", "status", "history web-01", "help"):
        await says(stage, f"/vm-restore {words}")
    await golden(stage)
    stage.world.kube.faults.clear()


async def test_list_of_what_the_bot_may_not_read(stage_for: SetStage) -> None:
    """The cluster's own words tell what is missing."""
    stage = await stage_for()
    stage.world.kube.faults.add(
        Rule(Answer(403, "Forbidden"), resource="virtualmachines", times=None)
    )
    await says(stage, "/vm-restore list web-01")
    assert "the cluster does not let me look" in stage.transcript()
    stage.world.kube.faults.clear()


# status and history


async def test_status(stage_for: SetStage, golden: Golden) -> None:
    """Restores under way: what, whose, until when and where; nothing to those who may not."""
    stage = await stage_for()
    await says(stage, "/vm-restore status")
    await acts.to_the_warning(stage)
    await says(stage, "/vm-restore status")
    await says(stage, "/vm-restore status web-01")
    await says(stage, "/vm-restore status", by=stage.bob)
    await golden(stage)


async def test_status_without_links(stage_for: SetStage) -> None:
    """Slack gives no address: the channel is named instead."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    stage.world.slack.faults.fail("chat.getPermalink", times=100)
    await says(stage, "/vm-restore status")
    assert "its thread in #incidents" in stage.transcript()


async def test_status_shows_ones_own_first(stage_for: SetStage) -> None:
    """Everybody who asks finds their own restore on top."""
    stage = await stage_for(config=lambda stage: access(stage.alice, stage.bob))
    for who, vm, snapshot in (
        (stage.alice, "database-01", "pre-upgrade-snapshot"),
        (stage.bob, "web-01", "before-release"),
    ):
        await who.slash(stage.channel, f"/vm-restore {vm} from {snapshot} in production")
        await stage.card(f"*Snapshot to Restore From*: `{snapshot}`")
    for who, first, second in ((stage.alice, "alice", "bob"), (stage.bob, "bob", "alice")):
        await says(stage, "/vm-restore status", by=who)
        said = stage.read(stage.whispers(who)[-1])
        assert said.index(f"for @{first}") < said.index(f"for @{second}")


async def test_status_of_many_restores(stage_for: SetStage) -> None:
    """All are told, and Slack is asked for ten addresses only."""
    stage = await stage_for(start=False, config=acts.ANY_NUMBER)
    for number in range(12):
        stage.world.kube.seed.vm("production", f"node-{number}", running=False)
        stage.world.kube.seed.snapshot("production", f"snap-{number}", f"node-{number}")
    await stage.world.start_bot()
    for number in range(12):
        await acts.ask(stage, f"/vm-restore node-{number} from snap-{number} in production")
        await stage.card(f"*Snapshot to Restore From*: `snap-{number}`")
    await says(stage, "/vm-restore status")
    said = stage.read(stage.whispers(stage.alice)[-1])
    assert said.count("waits for the snapshot's name to be typed") == 12
    asked = [call for call in stage.world.slack.log if call.method == "chat.getPermalink"]
    assert len(asked) == 10


async def test_history(stage_for: SetStage, golden: Golden) -> None:
    """What has ended, of a VM or of everything, with result, times and who."""
    stage = await stage_for()
    await says(stage, "/vm-restore history")
    await acts.ask_and_finish(stage)
    await stage.world.pass_time(60)
    await acts.ask(stage, "/vm-restore web-01 from gone in production")
    await stage.card("Snapshot Not Found")
    await stage.world.quiet()
    await says(stage, "/vm-restore history")
    await says(stage, "/vm-restore history web-01")
    await says(stage, "/vm-restore history database-01 in staging")
    await says(stage, "/vm-restore history", by=stage.bob)
    await golden(stage)


async def test_history_of_a_vm_goes_further_back(
    stage_for: SetStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not among the last ones of the workspace is still among the last ones of its VM."""
    monkeypatch.setattr(lists, "MAX_RECENT", 1)
    stage = await stage_for()
    for vm in ("web-01", "database-01"):
        await acts.ask(stage, f"/vm-restore {vm} from gone in production")
        await stage.card(f"Press *Another snapshot* to choose among the snapshots of VM `{vm}`")
    for words in ("history web-01", "history web-01 in production"):
        await says(stage, f"/vm-restore {words}")
        said = stage.read(stage.whispers(stage.alice)[-1])
        assert "VM `web-01` in `production` from snapshot `gone`" in said


async def test_history_of_a_vm_that_was_deleted(stage_for: SetStage) -> None:
    """A VM that is gone has had restores all the same."""
    stage = await stage_for()
    await acts.ask(stage, "/vm-restore web-01 from gone in production")
    await stage.card("Snapshot Not Found")
    stage.world.kube.storage.remove("virtualmachines", "production", "web-01")
    await stage.world.quiet()
    await says(stage, "/vm-restore history web-01")
    assert "Refused (Snapshot Not Found): VM `web-01` in `production`" in stage.transcript()


async def test_a_restore_without_a_namespace_is_its_owners(stage_for: SetStage) -> None:
    """Whose VM it is cannot be told yet: its names are for Alice, and for whom she offers it to."""
    stage = await stage_for(start=False)
    for namespace in ("production", "staging"):
        stage.world.kube.seed.vm(namespace, "topsecret-01", running=False)
    grants = [
        {"users": [stage.alice.id], "namespaces": ["production", "staging"]},
        {"users": [stage.bob.id], "namespaces": ["lab"]},
    ]
    stage.world.config = {"access": {"contact": "the platform team", "grants": grants}}
    await stage.world.start_bot()
    names = ("topsecret-01", "hush-hush")
    for ends in (True, False):
        await acts.ask(stage, f"/vm-restore {names[0]} from {names[1]}")
        await stage.card("<Choose a namespace>")
        if ends:
            await says(stage, "/vm-restore cancel")
            await stage.card("Restore operation cancelled by user.")
        for line in ("status", "history", "handoff"):
            await says(stage, f"/vm-restore {line}", by=stage.bob)
    heard = "".join(map(stage.read, stage.whispers(stage.bob)))
    assert not [name for name in names if name in heard]
    for line in ("status", "history", "handoff"):
        await says(stage, f"/vm-restore {line}")
        assert names[0] in stage.read(stage.whispers(stage.alice)[-1])
    await says(stage, "/vm-restore handoff @bob")
    await says(stage, "/vm-restore status", by=stage.bob)
    assert names[0] in stage.read(stage.whispers(stage.bob)[-1])


async def test_a_restore_in_a_direct_message_has_no_link_for_others(stage_for: SetStage) -> None:
    """Only Alice can open it: Bob is told that it is there, and she gets the link."""
    stage = await stage_for(config=lambda stage: access(stage.alice, stage.bob))
    direct = stage.world.slack.dm(stage.alice)
    await stage.alice.slash(direct, acts.REQUEST)
    await stage.world.quiet()
    for line in ("status", "handoff", acts.REQUEST.removeprefix("/vm-restore ")):
        for person, words in ((stage.alice, "/archives/D"), (stage.bob, "in a direct message")):
            await says(stage, f"/vm-restore {line}", by=person)
            said = stage.whispers(person)[-1]
            assert words in stage.read(said) + str(said.blocks)
    heard = [stage.read(each) + str(each.blocks) for each in stage.whispers(stage.bob)]
    assert "/archives/D" not in "".join(heard)


# cancel


async def test_cancel_of_one_of_several(stage_for: SetStage, golden: Golden) -> None:
    """With two restores under way the VM is named."""
    stage = await stage_for()
    for vm, snapshot in (("database-01", "pre-upgrade-snapshot"), ("web-01", "before-release")):
        await acts.ask(stage, f"/vm-restore {vm} from {snapshot} in production")
        await stage.card(f"*Snapshot to Restore From*: `{snapshot}`")
    await says(stage, "/vm-restore cancel")
    await says(stage, "/vm-restore cancel api-server")
    await says(stage, "/vm-restore cancel web-01")
    await stage.card("Restore operation cancelled by user.")
    await says(stage, "/vm-restore status")
    await golden(stage)
    assert "for @alice: waits" in stage.read(stage.whispers(stage.alice)[-1])


# help, misspelt words, misplaced answers


async def with_api_server(stage_for: SetStage) -> Stage:
    """The first VM that Alice may restore has a snapshot that is not ready, and one that is."""
    stage = await stage_for(start=False)
    seed = stage.world.kube.seed
    seed.vm("production", "api-server", running=False)
    seed.snapshot("production", "nightly-0217", "api-server", created=SNAPSHOT_TIME)
    seed.snapshot("production", "broken", "api-server", phase="Failed", ready=False)
    await stage.world.start_bot()
    return stage


async def test_help(stage_for: SetStage, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    """Help with a VM and a snapshot of this workspace; the manual's names for those without."""
    monkeypatch.setattr(lists, "PATIENCE", 30)
    stage = await with_api_server(stage_for)
    await says(stage, "/vm-restore help")
    await says(stage, "/vm-restore help", by=stage.bob)
    await golden(stage)


async def test_help_does_not_wait_for_names(
    stage_for: SetStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the cluster does not tell in time is left out."""
    monkeypatch.setattr(lists, "PATIENCE", 0)
    stage = await with_api_server(stage_for)
    await says(stage, "/vm-restore help")
    said = stage.read(stage.whispers(stage.alice)[-1])
    assert "`/vm-restore database-01 from pre-upgrade-snapshot in production`" in said


async def test_misspelt_commands(stage_for: SetStage, golden: Golden) -> None:
    """The nearest command is named, however it was said; nothing is started."""
    stage = await stage_for()
    for words in ("hlep", "lits database-01", "histroy of database-01", ":database: latest"):
        await says(stage, f"/vm-restore {words}")
    await stage.alice.say(stage.channel, f"{stage.world.slack.mention} statsu")
    await stage.whispered("Did you mean `status`?")
    await stage.alice.say(stage.channel, f"{stage.world.slack.mention} good morning")
    await stage.whispered("I did not understand that.")
    await golden(stage)
    assert stage.cards() == []


async def test_a_misspelt_command_about_somebody(stage_for: SetStage) -> None:
    """People are named as they are called: to be copied where Slack tells the name, else by link."""
    stage = await stage_for()
    await says(stage, "/vm-restore handof @bob")
    await stage.whispered("Did you mean `/vm-restore handoff @bob`?")
    await stage.alice.say(stage.channel, f"{stage.world.slack.mention} status database-01 all @bob")
    answer = await stage.whispered("I did not understand")
    assert "I did not understand @bob." in stage.read(answer)


async def test_a_misspelt_command_that_reads_like_a_vm(stage_for: SetStage, golden: Golden) -> None:
    """Taken for a VM, looked for in vain, and then the command is named."""
    stage = await stage_for()
    await acts.ask(stage, "/vm-restore histry from database-01 in production")
    await stage.card("VM Not Found")
    await acts.ask(stage, "/vm-restore restore frobnicate database-01")
    await stage.card("`database-01` is a VM: if you meant a command, see `/vm-restore help`.")
    await stage.world.quiet()
    await golden(stage)


async def test_a_vm_of_another_namespace(stage_for: SetStage, golden: Golden) -> None:
    """Refused with the whole name of the VM that may have been meant."""
    stage = await everywhere(stage_for)
    await acts.ask(stage, "/vm-restore staging/database-01 pre-upgrade-snapshot")
    await stage.card("*Did you mean*: `production/database-01`")
    await stage.world.quiet()
    await golden(stage)


async def test_a_vm_of_another_namespace_without_its_snapshot(
    stage_for: SetStage, golden: Golden
) -> None:
    """While the snapshot is still to be asked for, the namespace is asked for again."""
    stage = await everywhere(stage_for)
    await acts.ask(stage, "/vm-restore database-01 in staging")
    await stage.press("There is no VM `database-01` in namespace `staging`.", "Use production")
    await stage.card("Which snapshot of `database-01`")
    await stage.world.quiet()
    await golden(stage)


async def test_a_misspelt_namespace(stage_for: SetStage) -> None:
    """A namespace that nobody may use is nearly one that the asker may."""
    stage = await stage_for()
    await says(stage, "/vm-restore prodction/database-01 pre-upgrade-snapshot")
    assert "Did you mean `production`? Ask the platform team." in stage.transcript()


async def test_an_answer_outside_the_thread(stage_for: SetStage, golden: Golden) -> None:
    """In a direct message an answer typed beside the thread is sent to where it counts."""
    stage = await stage_for(start=False)
    stage.world.config = access(stage.alice)
    stage.channel = stage.world.slack.dm(stage.alice)
    await stage.world.start_bot()
    await stage.alice.say(
        stage.channel, "restore database-01 from pre-upgrade-snapshot in production"
    )
    await stage.card(acts.TYPE_IT)
    await stage.alice.say(stage.channel, "pre-upgrade-snapshot")
    await stage.whispered("Please reply there.")
    await golden(stage)
    assert stage.shown(acts.READY) is None


async def test_held_by_oneself(stage_for: SetStage, golden: Golden) -> None:
    """Who asks twice is sent to the first thread, not to herself."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await says(stage, acts.REQUEST)
    await golden(stage)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("frobnicate the database", "I did not understand that"),
        ("databse-01 pre-upgrade-snapshot", "Did you mean `database-01`"),
    ],
)
async def test_bare_words_that_name_no_vm(stage_for: SetStage, said: str, answer: str) -> None:
    """What may be prose is answered to the asker alone: nothing is opened, nothing stands there."""
    stage = await stage_for()
    await stage.alice.slash(stage.channel, f"/vm-restore {said}")
    await stage.whispered(answer)
    await stage.world.quiet()
    assert stage.cards() == []


async def test_a_vm_that_is_called_by_a_word_of_the_language(stage_for: SetStage) -> None:
    """`once` is no condition where only a name can stand."""
    stage = await stage_for()
    stage.world.kube.seed.vm("production", "once", running=False)
    stage.world.kube.seed.snapshot("production", "before", "once", created=SNAPSHOT_TIME)
    await acts.ask(stage, "/vm-restore once from before in production")
    await acts.finish(stage, "before")


# Another name


async def test_an_installation_with_another_name_is_called_and_calls_itself_by_it(
    stage_for: SetStage,
) -> None:
    """Its command, its mention typed out, its name and a colon; nothing says the usual name."""
    stage = await stage_for(start=False)
    stage.world.slack.workspace.bot.name = "db-restore"
    stage.world.config = {**stage.world.config, "app": {"command": "/db-restore"}}
    await stage.world.start_bot()
    for line in ("help", "hlep", "status", "hstory database-01"):
        await says(stage, f"/db-restore {line}")
    for line in ("@db-restore hlep", "db-restore: status", "/db-restore history", "cancle"):
        await stage.alice.say(stage.channel, line)
    await acts.ask(stage, "/db-restore database-01 from pre-upgrade-snapshot in production")
    await stage.card(acts.TYPE_IT)
    await stage.reply("@db-restore pre-upgrade-snapshot")
    await stage.card(acts.READY)
    seen = stage.transcript()
    assert "Did you mean `/db-restore help`?" in seen
    assert "Did you mean `/db-restore history database-01`?" in seen
    assert "vm-restore" not in seen
