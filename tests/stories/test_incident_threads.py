"""In a thread that people opened for an incident: they talk, ask twice, and delete what they said."""

from collections.abc import Awaitable, Callable

import pytest

from bot.playground.slack.composer import Keyboard
from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage, access
from bot.restore.model import Phase
from bot.store import connect
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage, documents

CREATE, STOP = "create virtualmachinerestores", "update virtualmachines/stop"
SAFETY = "create virtualmachinesnapshots"
DATABASE = "restore database-01 from snapshot pre-upgrade-snapshot in production"
WEB = "restore web-01 from snapshot before-release in production"
HELD = "*Your own restore of VM `database-01` is in progress*"


async def incident(stage: Stage) -> Message:
    """Bob opens a thread about what is broken."""
    stage.thread = await stage.bob.say(stage.channel, "the release broke two machines")
    return stage.thread


async def asks(stage: Stage, request: str) -> None:
    """Alice asks in the thread, by mention."""
    await stage.reply(f"{stage.world.slack.mention} {request}")


def whispered(stage: Stage) -> list[str]:
    """What the bot has told Alice or Bob alone."""
    people = (stage.alice, stage.bob)
    return [each.text for person in people for each in stage.whispers(person) if each.author.bot]


async def phases(stage: Stage) -> dict[str | None, Phase]:
    """Where each VM's restore stands."""
    return {each.request.vm: each.phase for each in await documents(stage.world)}


async def heard(stage: Stage, count: int) -> None:
    """Wait until so many answers were given."""
    await stage.until(lambda: len(whispered(stage)) == count, "an answer")


def restored(stage: Stage, vm: str) -> bool:
    """Is there the card that says so?"""
    return any(
        acts.RESTORED in said and f"`{vm}`" in said for said in map(stage.read, stage.cards())
    )


@pytest.mark.parametrize(
    "said",
    [
        f"@vm-restore {DATABASE}",
        "/vm-restore production/database-01 pre-upgrade-snapshot",
        f"@vm-restore please run this:\n```{DATABASE}```",
    ],
    ids=["a pasted mention", "the command", "a code block"],
)
async def test_a_request_without_a_mention_of_slack(stage_for: SetStage, said: str) -> None:
    """Where only mentions are heard, the bot's name or command as text calls it all the same."""
    stage = await stage_for(start=False)
    stage.world.config = {**access(stage.alice), "listen": {"default": "mentions"}}
    await stage.world.start_bot()
    await incident(stage)
    for text in ("ask @vm-restore for that", said):
        await stage.alice.say(
            stage.channel, text, thread=stage.thread, keyboard=Keyboard(pasted=True)
        )
    await acts.type_name(stage)
    assert whispered(stage) == []
    assert len(await documents(stage.world)) == 1


async def test_words_in_threads_of_others_are_not_written_down(stage_for: SetStage) -> None:
    """In a thread without a restore nothing is kept of what people say; beside one, their answers."""
    stage = await stage_for()
    root = await incident(stage)
    before = await stage.alice.say(stage.channel, "the password is hunter2", thread=root)
    await asks(stage, DATABASE)
    await stage.card(acts.TYPE_IT)
    beside = await stage.alice.say(stage.channel, "the password is hunter2", thread=root)
    await stage.world.quiet()
    async with connect(stage.world.redis_url) as client:
        known = [
            key.decode() if isinstance(key, bytes) else key async for key in client.scan_iter()
        ]
    assert [each for each in known if before.ts in each] == []
    assert len([each for each in known if beside.ts in each]) == 1


# Several restores


async def test_one_restore_after_the_other_in_a_thread(stage_for: SetStage, golden: Golden) -> None:
    """The second one has cards of its own below; those of the first stay as they ended."""
    stage = await stage_for()
    root = await incident(stage)
    await asks(stage, DATABASE)
    await acts.confirm(stage)
    await stage.until(lambda: restored(stage, "database-01"), "the first one is done")
    await stage.reply("one down, one to go", by=stage.bob)
    await stage.reply(WEB)
    await acts.confirm(stage, "before-release")
    await stage.until(lambda: restored(stage, "web-01"), "the second one is done")
    await stage.world.quiet()
    await golden(stage)
    assert [acts.spec_of(call)["virtualMachineSnapshotName"] for call in stage.restores()] == [
        "pre-upgrade-snapshot",
        "before-release",
    ]
    assert all(card.thread_ts == root.ts for card in stage.cards())
    assert whispered(stage) == []


async def both_wait_for_their_names(stage: Stage) -> None:
    """Two restores of Alice's in one thread, each waiting for the name of its snapshot."""
    await incident(stage)
    await asks(stage, DATABASE)
    await stage.card("Type `pre-upgrade-snapshot` to confirm")
    await asks(stage, WEB)
    await stage.card("Type `before-release` to confirm")


async def test_two_restores_side_by_side_in_a_thread(stage_for: SetStage, golden: Golden) -> None:
    """Each name that is typed goes to the restore that waits for it, in whatever order."""
    stage = await stage_for()
    await both_wait_for_their_names(stage)
    await stage.reply("pre-upgrade-snapshot")
    await stage.card("received for snapshot*: `pre-upgrade-snapshot`")
    await stage.reply("before-release")
    await stage.press("received for snapshot*: `before-release`", "Restore VM now")
    await stage.until(lambda: restored(stage, "web-01"), "the second one is done first")
    await stage.press("received for snapshot*: `pre-upgrade-snapshot`", "Restore VM now")
    await stage.until(lambda: restored(stage, "database-01"), "then the first one")
    await stage.world.quiet()
    await golden(stage)
    assert acts.sent(stage) == [CREATE, CREATE]
    assert whispered(stage) == []


async def test_the_same_vm_is_asked_for_again(stage_for: SetStage, golden: Golden) -> None:
    """While one restore of a VM waits, the next request for it is answered with where that one is."""
    stage = await stage_for()
    await incident(stage)
    await asks(stage, DATABASE)
    await stage.card(acts.TYPE_IT)
    await asks(stage, DATABASE)
    await stage.whispered(HELD)
    await stage.reply("Restore database-01 from snapshot pre-upgrade-snapshot in production")
    await stage.until(lambda: len(whispered(stage)) == 2, "also without a mention")
    await golden(stage)
    assert await phases(stage) == {"database-01": Phase.TYPING}
    await acts.finish(stage)
    assert acts.sent(stage) == [CREATE]


# Talk

Step = Callable[[Stage], Awaitable[object]]


async def choose_to_stop(stage: Stage) -> None:
    """Stop it, and the guest takes its time."""
    await stage.press(acts.MUST_STOP, "Stop and restore")
    await stage.card("Stopping VM before restore")


async def protect_and_type(stage: Stage) -> None:
    """With a safety snapshot; then the name."""
    await stage.press(acts.TYPE_IT, "Snapshot current state first: turn ON")
    await stage.card("state first*: ON")
    await acts.type_name(stage)


async def press_restore(stage: Stage) -> None:
    """The last click; the safety snapshot comes first."""
    await acts.press_restore(stage)
    await stage.card("Taking safety snapshot `pre-restore")


WAY: list[tuple[Phase, Step]] = [
    (Phase.GATHERING, lambda stage: stage.card("Which namespace is")),
    (Phase.STOP_CHOICE, lambda stage: stage.reply("production")),
    (Phase.STOPPING, choose_to_stop),
    (Phase.TYPING, lambda stage: stage.card(acts.TYPE_IT)),
    (Phase.CONFIRMING, protect_and_type),
    (Phase.PROTECTING, press_restore),
    (Phase.RESTORING, lambda stage: stage.card("Restoring VM from snapshot")),
    (Phase.SUCCEEDED, lambda stage: stage.card(acts.RESTORED)),
]


async def talk(stage: Stage) -> None:
    """Bob says what would count if Alice said it; Alice says what is meant for people."""
    for said in ("pre-upgrade-snapshot", "cancel", "production", "any news?"):
        await stage.reply(said, by=stage.bob)
    for said in ("I am on it", "it is snapshot pre-upgrade-snapshot", "what do we restore next?"):
        await stage.reply(said)
    await stage.world.quiet()


def slowed(stage: Stage) -> None:
    """Everything takes long enough to talk meanwhile."""
    kube = stage.world.kube
    kube.knobs.own_guest("production", "database-01").shutdown = 30
    kube.knobs.own_class("standard").cut = 20
    kube.knobs.own_class("standard").bind = 20


async def test_people_talk_in_every_phase(stage_for: SetStage, golden: Golden) -> None:
    """What others say never counts, nor what the requester says in several words."""
    stage = await stage_for(running=True)
    slowed(stage)
    await incident(stage)
    await asks(stage, "restore database-01 from snapshot pre-upgrade-snapshot")
    for phase, onward in WAY:
        await onward(stage)
        await arrives(stage, phase)
        before = await documents(stage.world)
        await talk(stage)
        assert [each.heard_ts for each in await documents(stage.world)] == [
            each.heard_ts for each in before
        ]
        assert await phases(stage) == {"database-01": phase}
    await golden(stage)
    assert acts.sent(stage) == [STOP, SAFETY, CREATE]
    assert whispered(stage) == []


async def arrives(stage: Stage, phase: Phase) -> None:
    """Wait for the phase, a second at a time."""
    for _ in range(60):
        if (await phases(stage))["database-01"] is phase:
            return
        await stage.world.pass_time(1)
    raise AssertionError(f"never {phase}\n{stage.transcript()}")


async def test_the_bot_is_spoken_to_in_the_middle(stage_for: SetStage, golden: Golden) -> None:
    """A mention with a request or a sentence is answered alone, and the question stays open."""
    stage = await stage_for()
    await incident(stage)
    await asks(stage, DATABASE)
    await stage.card(acts.TYPE_IT)
    for count, said in enumerate(("status", "help", "are you still there"), 1):
        await asks(stage, said)
        await heard(stage, count)
    await stage.bob.say(stage.channel, f"{stage.world.slack.mention} status", thread=stage.thread)
    await heard(stage, 4)
    await golden(stage)
    await acts.finish(stage)


# Old and deleted messages


@pytest.mark.parametrize("mention", [True, False], ids=["by_mention", "in_plain_words"])
async def test_the_request_is_deleted_at_once(
    stage_for: SetStage, golden: Golden, mention: bool
) -> None:
    """Gone before the first card, with nothing below it: there is no thread, so Alice gets a DM."""
    stage = await stage_for()
    slack = stage.world.slack
    await stage.world.quiet()
    slack.faults.delay_delivery(2, times=2)
    asked = await stage.alice.say(
        stage.channel, f"{slack.mention} {DATABASE}" if mention else DATABASE
    )
    await stage.alice.delete(asked)
    await stage.world.pass_time(10)
    assert stage.cards() == []
    stage.channel = slack.dm(stage.alice)
    await stage.card("The thread of this restore")
    await golden(stage)
    assert await phases(stage) == {"database-01": Phase.CANCELLED}
    assert acts.changes(stage) == []


async def test_the_first_message_is_deleted_in_the_middle(
    stage_for: SetStage, golden: Golden
) -> None:
    """Slack keeps a thread with replies in it: the restore goes on below what is gone."""
    stage = await stage_for()
    root = await incident(stage)
    await asks(stage, DATABASE)
    await stage.card(acts.TYPE_IT)
    await stage.bob.delete(root)
    await acts.finish(stage)
    await stage.world.quiet()
    await golden(stage)
    assert all(card.thread_ts == root.ts for card in stage.cards())
    assert acts.sent(stage) == [CREATE]


async def test_the_thread_of_the_bot_is_deleted_at_its_root(
    stage_for: SetStage, golden: Golden
) -> None:
    """An admin deletes the first card of a slash command's thread: it is posted again below."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    stage.thread = root = stage.root()
    await stage.world.slack.remove(root)
    await stage.world.quiet()
    await acts.finish(stage)
    await stage.world.quiet()
    await golden(stage)
    assert len([card for card in stage.cards() if "VM restore request" in stage.read(card)]) == 1
    assert acts.sent(stage) == [CREATE]
