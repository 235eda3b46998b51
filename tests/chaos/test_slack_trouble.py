"""What Slack may do to a thread, one thing at a time: slow down, fall silent, lose a card."""

from itertools import pairwise

import pytest

from bot.playground.slack.workspace import Channel, Message
from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import SetStage

NS = "production"
OTHER_REQUEST = "/vm-restore web-01 from before-release in production"
POST = "chat.postMessage"


def card_of(message: Message) -> str:
    """Which card a message is: "progress.5"."""
    return str(((message.metadata or {}).get("event_payload") or {}).get("card", ""))


def progress_edits(stage: Stage) -> list[float]:
    """When progress cards of the channel were edited, in seconds."""
    found = []
    for call in stage.world.slack.log:
        message = stage.channel.find(str(call.args.get("ts", "")))
        if call.method == "chat.update" and message and card_of(message).startswith("progress"):
            found.append(call.at.timestamp())
    return found


async def restore(stage: Stage, line: str, name: str) -> None:
    """Ask and confirm in the stage's channel."""
    await stage.alice.slash(stage.channel, line)
    await stage.card(f"from snapshot `{name}`")
    root = max((m for m in stage.cards() if not m.is_reply), key=lambda each: each.ts)
    stage.thread = root
    await stage.until(lambda: in_thread(stage, root, acts.TYPE_IT), "the warning")
    await stage.reply(name)
    await stage.until(lambda: in_thread(stage, root, acts.READY), "the button")
    card = in_thread(stage, root, acts.READY)
    assert card is not None
    await stage.alice.click(card, "Restore VM now")


def in_thread(stage: Stage, root: Message, words: str) -> Message | None:
    """The newest card of a thread with these words."""
    found = [m for m in stage.cards() if m.root_ts == root.ts and words in stage.read(m)]
    return found[-1] if found else None


async def test_progress_of_two_restores_in_one_channel(stage_for: SetStage) -> None:
    """Two restores move at the same moments: their cards take turns, a second apart, and end true."""
    stage = await stage_for()
    disks = stage.world.kube.knobs.own_class("standard")
    disks.bind = 25.0
    for line, name in ((acts.REQUEST, "pre-upgrade-snapshot"), (OTHER_REQUEST, "before-release")):
        await restore(stage, line, name)
    await stage.until(lambda: len(stage.restores()) == 2, "both are made")
    for call in stage.restores():
        for _ in range(12):
            stage.world.kube.people.annotate_restore(NS, call.name)
            await stage.world.pass_time(0.4)
    await stage.until(lambda: both_restored(stage), "both are restored")
    edits = progress_edits(stage)
    last = {card_of(m): stage.read(m) for m in stage.cards() if card_of(m).startswith("progress")}
    live = edits[: -len(last)]
    assert all(b - a >= 1.0 for a, b in pairwise(live))
    assert all("Restored" in text for text in last.values())


def both_restored(stage: Stage) -> bool:
    """Two results stand there."""
    return sum(acts.RESTORED in stage.read(card) for card in stage.cards()) == 2


async def test_slowed_down_in_one_channel_only(stage_for: SetStage) -> None:
    """Slack wants half a minute of silence: it gets it there, and the other channel goes on."""
    stage = await stage_for()
    other = stage.world.slack.channel("database", stage.alice)
    stage.world.slack.faults.rate_limit(POST, 30)
    await stage.alice.slash(stage.channel, acts.REQUEST)
    await stage.world.quiet()
    asked = stage.world.clock.now().timestamp()
    assert stage.cards() == []
    await stage.alice.slash(other, OTHER_REQUEST)
    await stage.until(
        lambda: bot_says(stage, other, acts.TYPE_IT), "the other channel goes on", within=5
    )
    await stage.world.pass_time(20)
    assert stage.cards() == []
    await stage.card(acts.TYPE_IT, within=15)
    first = min(float(card.ts) for card in stage.cards())
    assert first >= asked + 30
    assert len(set(stage.marks())) == len(stage.marks())


def bot_says(stage: Stage, channel: Channel, words: str) -> bool:
    """Does a message of the bot with these words stand there?"""
    return any(
        words in stage.read(message)
        for message in channel.messages
        if message.user == stage.world.slack.bot_user_id
    )


@pytest.mark.parametrize("card", range(4))
@pytest.mark.parametrize("posted", [True, False], ids=["posted", "not posted"])
async def test_a_post_without_an_answer_is_looked_for(
    stage_for: SetStage, card: int, posted: bool
) -> None:
    """Whether it stands is settled by its metadata: each card stands once, whichever it was."""
    stage = await stage_for()
    faults = stage.world.slack.faults
    (faults.drop_after if posted else faults.drop_before)(POST, skip=card)
    await acts.ask_and_finish(stage)
    await stage.world.pass_time(10)
    assert len(set(stage.marks())) == len(stage.marks())
    searched = [
        c
        for c in stage.world.slack.log
        if c.method.startswith("conversations.") and "include_all_metadata" in c.args
    ]
    assert searched
    posts = [c for c in stage.world.slack.log if c.method == POST]
    assert len(posts) == len(stage.cards()) + (0 if posted else 1)
    assert len(stage.restores()) == 1


@pytest.mark.parametrize("words", [acts.TYPE_IT, acts.READY, acts.RESTORED])
async def test_a_deleted_card_is_posted_anew(stage_for: SetStage, words: str) -> None:
    """An admin deletes what waits for an answer, or the result: it comes back, and works."""
    stage = await stage_for()
    await acts.ask(stage)
    for card, answer in ((acts.TYPE_IT, acts.type_name), (acts.READY, acts.press_restore)):
        await deleted_and_back(stage, card, words)
        await answer(stage)
    await deleted_and_back(stage, acts.RESTORED, words)
    await stage.press(acts.RESTORED, "Start VM")
    await stage.card("started by")
    assert len(stage.restores()) == 1
    assert len(set(stage.marks())) == len(stage.marks())


async def deleted_and_back(stage: Stage, card: str, which: str) -> None:
    """Wait for a card; if it is the one, delete it and see it again."""
    there = await stage.card(card)
    await stage.world.quiet()
    if card == which:
        await stage.world.slack.remove(there)
        assert stage.shown(card) is None
        assert (await stage.card(card, within=5)).ts != there.ts


async def test_a_deleted_card_that_is_answered_stays_away(stage_for: SetStage) -> None:
    """What nobody waits for any more is not said again, and does not keep the rest from going on."""
    stage = await stage_for()
    warning = await acts.to_the_warning(stage)
    await acts.type_name(stage)
    await stage.world.slack.remove(warning)
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)
    await stage.world.pass_time(60)
    assert stage.shown(acts.TYPE_IT) is None


async def test_slack_is_away_from_the_click_to_the_end(stage_for: SetStage) -> None:
    """Nobody can be told anything while the VM is restored; afterwards the thread is complete."""
    stage = await stage_for()
    await acts.to_the_button(stage)
    await stage.world.quiet()
    said = len(stage.cards())
    for method in (POST, "chat.update"):
        stage.world.slack.faults.fail(method, 503, times=10_000)
    await acts.press_restore(stage)
    await stage.until(lambda: done(stage), "the cluster has finished")
    await stage.world.pass_time(120)
    assert len(stage.cards()) == said
    stage.world.slack.faults.clear()
    await stage.card(acts.RESTORED, within=30)
    await stage.world.pass_time(30)
    assert "✓ Restored" in stage.read(stage.root())
    assert "Confirmed by" in stage.read(
        next(c for c in stage.cards() if card_of(c).startswith("confirm"))
    )
    assert len(set(stage.marks())) == len(stage.marks())


def done(stage: Stage) -> bool:
    """Has the cluster completed the restore?"""
    made = stage.world.kube.storage.objects("virtualmachinerestores", NS)
    return any((each.get("status") or {}).get("complete") for each in made)
