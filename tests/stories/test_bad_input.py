"""Whatever is said to the bot, in whatever shape and place: one clear answer, and no harm."""

import asyncio
import io
import re

import pytest

from bot.playground.slack import Person
from bot.playground.slack.workspace import Channel
from bot.playground.stage import SNAPSHOT_TIME, Stage, access
from bot.restore.model import Phase
from tests.stories import acts
from tests.stories.conftest import SetStage, documents

LONGEST = "s" * 253
ASKED = "restore database-01 from pre-upgrade-snapshot in production"
INTERNALS = re.compile(
    r"Traceback|\b[A-Z]\w*(Error|Exception)\b|\bNone\b|\{[a-z]+\}|\b0x[0-9a-f]{6}"
)

# What is typed after /vm-restore, and words that the one answer must have.
ANSWERED_ALONE = {
    # Too much
    "x" * 5000: "That is too long to be read",
    f"database-01 from {'c' * 4100} in production": "That is too long to be read",
    # Markup
    "<!channel> from pre-upgrade-snapshot in production": "`<!channel>` cannot be a VM name",
    "<!here|here>": "cannot be a VM name. Write the plain name",
    "database-01 from <!everyone> in production": "`<!everyone>` cannot be a snapshot name",
    "database-01 from pre-upgrade-snapshot in <!channel>": "cannot be a namespace name",
    "<@U0N7VG23ZY5> from x in production": "cannot be a VM name",
    "database-01<script> from x in production": "`<script>` cannot be a snapshot name",
    "`rm -rf` from x in production": "`rm -rf` cannot be a VM name",
    "{{7*7}} from x in production": "cannot be a VM name",
    "%s %n from x in production": "`%s` cannot be a VM name",
    # Names that are no Kubernetes names
    "Database_01 from x in production": "Did you mean `database-01`?",
    "DATABASE-01 from x in production": "did you mean `database-01`?",
    "database-01 from snap/../../x in production": "`snap/../../x` cannot be a snapshot name",
    "a/b/c": "cannot be a namespace name",
    f"{'v' * 254} from x in production": "A VM name has at most 253 characters; this one has 254",
    f"database-01 from {'s' * 254} in production": "A snapshot name has at most 253 characters",
    f"database-01 from x in {'n' * 64}": "A namespace name has at most 63 characters",
    "database-01 from 🔥 in production": "I did not understand `from :fire: in production`",
    # Flags and subcommands
    "database-01 --bogus x": "`--bogus` is no flag of `/vm-restore`",
    "database-01 -n": "`-n` needs a namespace name after it",
    "database-01 --snapshot": "`--snapshot` needs a snapshot name after it",
    "cancle": "Did you mean `/vm-restore cancel`?",
    "statsu": "Did you mean `/vm-restore status`?",
    "cancel everything now": "I did not understand `everything now`",
    "delete snapshot pre-upgrade-snapshot": "I never delete snapshots",
    "create snapshot of database-01": "only as the safety snapshot of a restore",
    "clone database-01": "I do not clone VMs",
    "start database-01": "I start a VM only after its restore",
    "list": "You may restore 2 VMs from here.",
    "list database-01 in production": "`pre-upgrade-snapshot`: ready to use. Created 2026-02-18 10:00:00 UTC",
    "list nothing-here in production": "There is no VM `nothing-here` in namespace `production`",
    "list database-01 in staging": "You may not restore VMs in namespace `staging`",
    "history": "No earlier restore is known that you may see",
    "handoff @bob": "You have no restore that could be handed over",
    "freeze": "I cannot freeze restores yet",
    "help": "*How to ask*",
    "cancel": "You have no restore that could be cancelled",
    "status": "No restore is under way that you may see",
    # Not meant as an order
    "don't restore database-01": "This reads like a condition, a plan or a negation",
    "should we restore database-01?": "Nothing was done",
    "database-01 web-01 from x in production": "Two snapshots are named, `web-01` and `x`",
    "database-01 from x in production --cluster mars": "I know no cluster `mars`. I know: `default`",
}


def told(stage: Stage, person: Person | None = None) -> list[str]:
    """What the bot has told somebody alone, as they read it."""
    heard = stage.whispers(person or stage.alice)
    return ["\n".join(stage.read(m).split("\n")[1:]) for m in heard if m.author.bot]


async def test_every_odd_command_has_one_answer(stage_for: SetStage) -> None:
    """To the asker alone, in words for people; the channel and the cluster never hear of it."""
    stage = await stage_for()
    await stage.world.quiet()
    changed = len(acts.changes(stage))
    for typed, words in ANSWERED_ALONE.items():
        before = len(told(stage))
        result = await (await stage.alice.slash(stage.channel, f"/vm-restore {typed}")).settled()
        await stage.world.quiet()
        assert result.status == "ok", typed[:80]
        answers = told(stage)[before:]
        assert [words in answer for answer in answers] == [True], (typed[:80], answers)
        assert INTERNALS.search(answers[0]) is None, answers
        await stage.world.pass_time(2)  # people type slowly, and Slack would have them do so
    assert stage.cards() == []
    assert len(acts.changes(stage)) == changed
    assert await documents(stage.world) == ()


MENTIONED = {
    "hello there": "I did not understand",
    "": "*How to ask*",
    "help": "*How to ask*",
    "delete snapshot pre-upgrade-snapshot": "I never delete snapshots",
    "restore Database_01 from x in production": "Did you mean `database-01`?",
    "restore <!channel> from x in production": "cannot be a VM name",
    "don't restore database-01 from pre-upgrade-snapshot": "Nothing was done",
    "cancel": "You have no restore that could be cancelled",
    "status": "No restore is under way",
    "x" * 5000: "too long",
}


async def test_every_odd_mention_has_one_answer(stage_for: SetStage) -> None:
    """The same for what is said to the bot by name: to the one who said it, where they said it."""
    stage = await stage_for()
    for said, words in MENTIONED.items():
        before = len(told(stage))
        await stage.alice.say(stage.channel, f"{stage.world.slack.mention} {said}".strip())
        await stage.world.pass_time(3)
        assert [words in answer for answer in told(stage)[before:]] == [True], said[:80]
    assert stage.cards() == []


async def test_longest_names(stage_for: SetStage) -> None:
    """A snapshot's name of 253 letters is shown, typed and restored whole."""
    stage = await stage_for()
    vm = "v" * 63
    stage.world.kube.seed.vm("production", vm, running=False, run_strategy="Halted")
    stage.world.kube.seed.snapshot("production", LONGEST, vm, created=SNAPSHOT_TIME)
    await acts.ask(stage, f"/vm-restore {vm} from {LONGEST} in production")
    await acts.finish(stage, LONGEST)
    (made,) = stage.restores()
    assert acts.spec_of(made)["virtualMachineSnapshotName"] == LONGEST
    assert len(made.name) <= 253
    assert all(LONGEST in stage.read(card) for card in stage.cards())


# Places


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
async def test_where_the_bot_is_no_member(stage_for: SetStage, private: bool) -> None:
    """The asker is told to invite the bot; nothing is started, and afterwards it works."""
    stage = await stage_for()
    slack = stage.world.slack
    stage.channel = slack.channel("elsewhere", stage.alice, bot=False, private=private)
    await acts.ask(stage)
    await stage.whispered("/invite @vm-restore")
    assert await documents(stage.world) == ()
    assert [call.method for call in slack.log if call.method == "chat.postMessage"] == []
    await slack.invite_bot(stage.channel)
    await stage.world.pass_time(61)
    await acts.ask_and_finish(stage)


# At the same time


async def both_may(stage: Stage) -> None:
    """Alice and Bob may restore."""
    stage.world.config = {**stage.world.config, **access(stage.alice, stage.bob)}
    await stage.world.start_bot()


async def two_channels(stage: Stage) -> tuple[Channel, Channel]:
    """Where each of them asks."""
    return stage.channel, stage.world.slack.channel("other", stage.alice, stage.bob)


@pytest.mark.parametrize("places", [1, 2], ids=["in one channel", "in two channels"])
async def test_two_ask_for_one_vm_at_once(stage_for: SetStage, places: int) -> None:
    """One of them gets it; the other is told, alone, who has it and where."""
    stage = await stage_for(start=False)
    await both_may(stage)
    here = stage.channel
    there = here if places == 1 else (await two_channels(stage))[1]
    await asyncio.gather(
        stage.alice.slash(here, acts.REQUEST), stage.bob.slash(there, acts.REQUEST)
    )
    await stage.world.pass_time(5)
    live = [each for each in await documents(stage.world) if not each.phase.ended]
    assert [each.phase for each in live] == [Phase.TYPING]
    loser, room = (stage.bob, there) if live[0].owner == stage.alice.id else (stage.alice, here)
    heard = [m for m in room.messages if m.author.bot and m.ephemeral_to is loser.user]
    assert ["Another restore of VM" in stage.read(m) for m in heard] == [True], heard
    assert f"<@{live[0].owner}>" in heard[0].text
    assert len(stage.creates("virtualmachinerestores")) == 0


# Trouble inside


async def test_failure_inside_is_told_without_details(stage_for: SetStage) -> None:
    """When something is wrong with the bot itself, the person hears that, and nothing technical."""
    stage = await stage_for()
    await acts.break_the_claims(stage)
    await acts.ask(stage)
    said = stage.read(await stage.whispered("Something went wrong on my side"))
    assert INTERNALS.search(said) is None
    await stage.world.pass_time(60)
    assert len(told(stage)) == 1
    assert await documents(stage.world) == ()


async def test_nothing_that_people_write_is_logged(
    stage_for: SetStage, logged: io.StringIO
) -> None:
    """No token, no address that works like one, and no word of a message stands in any log line."""
    stage = await stage_for()
    mention = stage.world.slack.mention
    await stage.alice.say(stage.channel, f"{mention} tell nobody that the moonshine is hot")
    await acts.ask(stage, "/vm-restore 'Hushhush' please")
    await acts.to_the_warning(stage)
    await stage.reply("quietly-now", by=stage.bob)
    await stage.reply("not-so-loud")
    await stage.card("You typed")
    stage.thread = await stage.alice.say(stage.channel, f"{mention} {ASKED}")
    await acts.finish(stage)
    await stage.world.pass_time(61)
    await acts.break_the_claims(stage)
    await acts.ask(stage)
    await stage.whispered("Something went wrong on my side")
    text = logged.getvalue()
    assert '"acting"' in text, "the capture works"
    assert '"a round failed"' in text, "and has the trace of a failure in it"
    slack = stage.world.slack
    secrets = (slack.bot_token, slack.app_token, slack.signing_secret, "token-of-vm-restore-bot")
    words = ("moonshine", "hushhush", "quietly-now", "not-so-loud", "/response/", "ticket=")
    assert [each for each in (*secrets, *words) if each in text] == []


async def test_no_message_shows_the_inside(stage_for: SetStage) -> None:
    """Not with the cluster away, a stop refused and a restore that fails: no message has innards."""
    stage = await stage_for(running=True)
    await acts.ask(stage)
    await stage.card(acts.MUST_STOP)
    stage.world.kube.deny("update", "virtualmachines/stop")
    await stage.press(acts.MUST_STOP, "Stop and restore")
    await stage.world.pass_time(30)
    stage.world.kube.undeny()
    await stage.world.kube.stop()
    await acts.ask(stage, "/vm-restore web-01 from before-release in production")
    await stage.world.pass_time(30)
    everything = stage.transcript()
    assert "VM Must Be Stopped" in everything
    assert INTERNALS.search(everything) is None, INTERNALS.search(everything)
