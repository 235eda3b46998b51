"""The shift report: what runs, what waits, what has ended, what was left behind; asked for or due."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import app as house
from bot.app import App
from bot.playground.clock import HandClock
from bot.playground.slack.workspace import Channel, Message
from bot.playground.stage import Stage, access
from bot.slack.handlers.shift_report import TASK
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

TITLE = "Shift report"
DUE = "16:31"
"""The story begins at half past four."""


async def shift(stage_for: SetStage, *, report: Any = None, **rest: Any) -> Stage:
    """Alice and Bob may restore in production; `report` is what the settings say of it."""
    stage = await stage_for(start=False, **rest)
    stage.world.config = access(stage.alice, stage.bob)
    if report is not None:
        settings = {"channel": stage.channel.id, "at": DUE, **report}
        stage.world.config = {**stage.world.config, "report": settings}
    await stage.world.start_bot()
    return stage


async def apart(stage_for: SetStage) -> Stage:
    """Bob may restore in staging only, and Alice has a restore in production under way."""
    stage = await stage_for(start=False)
    allowed: Any = access(stage.alice)
    his_rights: Any = access(stage.bob, namespaces=("staging",))
    allowed["access"]["grants"] += his_rights["access"]["grants"]
    stage.world.config = allowed
    await stage.world.start_bot()
    await acts.to_the_warning(stage)
    return stage


async def mention(stage: Stage, words: str) -> None:
    """Bob says something to the bot in the open."""
    await stage.bob.say(stage.channel, f"{stage.world.slack.mention} {words}")


def reports(channel: Channel) -> list[Message]:
    """The reports that everybody sees in a channel."""
    found = [m for m in channel.messages if m.ephemeral_to is None and not m.deleted]
    return [m for m in found if "report" in (m.metadata or {}).get("event_payload", {})]


async def until_due(stage: Stage, *, hour: int = 16, minute: int = 31) -> None:
    """Let time pass until then, without a step for every second of it."""
    now = stage.world.clock.now()
    due = datetime(now.year, now.month, now.day, hour, minute, tzinfo=UTC)
    await stage.world.leap((due - now).total_seconds())


# Asked for


async def test_a_report_with_all_its_parts(stage_for: SetStage, golden: Golden) -> None:
    """One has ended and left volumes and a safety snapshot, one waits and is offered, one runs."""
    stage = await shift(stage_for)
    stage.world.kube.seed.vm("production", "queue-01", running=False, run_strategy="Halted")
    stage.world.kube.seed.snapshot("production", "before-migration", "queue-01")
    await acts.to_the_warning(stage)
    await stage.press(acts.TYPE_IT, "Snapshot current state first: turn ON")
    await stage.card("*Snapshot current state first*: ON")
    await acts.finish(stage)
    await acts.ask(stage, "/vm-restore web-01 from before-release in production")
    await stage.card(acts.TYPE_IT)
    await stage.alice.slash(stage.channel, "/vm-restore handoff web-01 to @bob")
    await stage.card("asks you to go on")
    stage.world.kube.knobs.own_class("standard").bind = 600
    await acts.ask(stage, "/vm-restore queue-01 from before-migration in production")
    stage.thread = await stage.card("asked to restore VM `queue-01`")
    await stage.card("Type `before-migration` to confirm")
    await stage.reply("before-migration")
    await stage.press(acts.READY, "Restore VM now")
    await stage.card("Restoring VM from snapshot")
    await mention(stage, "handoff")
    await stage.card(TITLE)
    await golden(stage)


async def test_what_was_handed_on_is_told_once(stage_for: SetStage) -> None:
    """A VM stopped for a restore that was started over, and started after the second one."""
    stage = await shift(stage_for, running=True)
    await acts.ask_and_stop(stage)
    await stage.card(acts.TYPE_IT)
    await stage.reply("another-name")
    await stage.press("You typed", "Start over")
    await stage.until(lambda: len(warnings(stage)) == 2, "it is asked again")
    await stage.alice.slash(stage.channel, "/vm-restore handoff")
    assert "stopped for the restore" not in stage.read(await stage.whispered(TITLE))
    await acts.confirm(stage)
    await stage.press(acts.RESTORED, "Start VM")
    await stage.card("started by @alice")
    await stage.alice.slash(stage.channel, "/vm-restore handoff")
    said = stage.read(await stage.whispered("*Ended* (2)"))
    assert "stopped for the restore" not in said
    assert "volumes of the state before" in said


def warnings(stage: Stage) -> list[Message]:
    """The cards that want the name typed, or did."""
    return [card for card in stage.cards() if "Data Loss Warning" in stage.read(card)]


async def test_a_report_of_nothing(stage_for: SetStage, golden: Golden) -> None:
    """A slash command is answered for the one who typed it."""
    stage = await shift(stage_for)
    await stage.alice.slash(stage.channel, "/vm-restore handoff")
    await stage.whispered(TITLE)
    assert not reports(stage.channel)
    await golden(stage)


async def test_a_report_shows_only_what_one_may_see(stage_for: SetStage) -> None:
    """Of Alice's restore in a namespace that is not his Bob hears nothing."""
    stage = await apart(stage_for)
    await stage.bob.slash(stage.channel, "/vm-restore handoff")
    his = await stage.whispered(TITLE, to=stage.bob)
    await stage.alice.slash(stage.channel, "/vm-restore handoff")
    hers = await stage.whispered(TITLE)
    assert "database-01" not in stage.read(his)
    assert "database-01" in stage.read(hers)


async def test_no_report_for_somebody_who_may_nothing(stage_for: SetStage) -> None:
    """A guest would make it say in the open that nothing waits: refused, and alone."""
    stage = await shift(stage_for)
    gina = stage.world.slack.person("gina", guest=True)
    stage.channel.members.append(gina.user)
    await acts.to_the_warning(stage)
    await gina.say(stage.channel, f"{stage.world.slack.mention} handoff")
    await stage.whispered("Guests may not restore VMs", to=gina)
    await gina.slash(stage.channel, "/vm-restore handoff")
    await stage.until(lambda: len(stage.whispers(gina)) == 3, "both ways are answered")
    assert not reports(stage.channel)
    assert TITLE not in "".join(map(stage.read, stage.whispers(gina)))


async def test_a_report_in_the_open_says_whose_it_is(stage_for: SetStage) -> None:
    """What Bob may not see is left out, so nobody must take it for all there is, on no screen."""
    stage = await apart(stage_for)
    await mention(stage, "handoff")
    report = await stage.card(TITLE)
    assert "Only what @bob may see" in stage.read(report).split("Waiting for somebody")[0]
    assert f"Only what <@{stage.bob.id}> may see" in report.text


async def test_no_report_where_other_companies_read(stage_for: SetStage) -> None:
    """A shared channel is no place for it, not even for one's own restores."""
    stage = await shift(stage_for)
    await acts.to_the_warning(stage)
    stage.channel = stage.world.slack.channel("partners", stage.alice, ext_shared=True)
    await stage.alice.say(stage.channel, f"{stage.world.slack.mention} handoff")
    await stage.whispered("This channel is shared with another company")
    assert not reports(stage.channel)


async def test_a_report_in_a_thread_stays_in_it(stage_for: SetStage) -> None:
    """In an incident thread everybody there reads it."""
    stage = await shift(stage_for)
    root = await stage.alice.say(stage.channel, "database-01 is down")
    await stage.bob.say(stage.channel, f"{stage.world.slack.mention} handoff", thread=root)
    report = await stage.card(TITLE)
    assert report.thread_ts == root.ts


async def test_a_report_that_a_worker_died_over_is_posted_once(stage_for: SetStage) -> None:
    """Slack has taken the post and its answer is lost: the next try finds it."""
    stage = await shift(stage_for)
    stage.world.slack.faults.drop_after("chat.postMessage")
    await mention(stage, "handoff")
    await stage.card(TITLE)
    await stage.world.pass_time(30)
    assert len(reports(stage.channel)) == 1


# By the clock


async def test_a_report_by_the_clock(stage_for: SetStage, golden: Golden) -> None:
    """Posted when it is due, with what has ended since the one before."""
    stage = await shift(stage_for, report={"at": [DUE, "16:45"]})
    await acts.ask_and_finish(stage)
    await until_due(stage)
    await stage.card(TITLE)
    assert "database-01" in stage.read(reports(stage.channel)[0])
    await until_due(stage, minute=45)
    await stage.until(lambda: len(reports(stage.channel)) == 2, "the second report")
    assert "database-01" not in stage.read(reports(stage.channel)[1])
    await golden(stage)


@asynccontextmanager
async def second(stage: Stage) -> AsyncIterator[App]:
    """Another replica of the bot, on the same store."""
    app = await house.start(stage.world.settings(), stage.world.clock)
    try:
        yield app
    finally:
        await app.stop()


async def test_two_replicas_post_one_report(stage_for: SetStage) -> None:
    """Both are up when it is due, day after day."""
    stage = await shift(stage_for, report={})
    async with second(stage) as other:
        for day in range(3):
            before = len(reports(stage.channel))
            await stage.world.leap(86400 if day else 60)
            await stage.until(lambda known=before: len(reports(stage.channel)) > known, "a report")  # type: ignore[misc]
            await stage.until(lambda: other.worker.resting, "the other rests")
        await stage.world.pass_time(5)
    assert len(reports(stage.channel)) == 3


async def test_a_report_that_came_due_in_an_outage(stage_for: SetStage) -> None:
    """The bot was down for two days: one report when it is back, and the next one in its time."""
    stage = await shift(stage_for, report={})
    await stage.world.stop_bot()
    assert isinstance(stage.world.clock, HandClock)
    stage.world.clock.advance(2 * 86400 + 3600)
    await stage.world.start_bot()
    await stage.until(lambda: reports(stage.channel), "the late report")
    await stage.world.pass_time(60)
    assert len(reports(stage.channel)) == 1
    await stage.world.leap(86400)
    await stage.until(lambda: len(reports(stage.channel)) == 2, "the next one")


async def test_a_report_whose_answer_was_lost_is_posted_once(stage_for: SetStage) -> None:
    """Before it is posted again the channel is looked through for it."""
    stage = await shift(stage_for, report={})
    stage.world.slack.faults.drop_after("chat.postMessage")
    await until_due(stage)
    await stage.until(lambda: reports(stage.channel), "the report")
    await stage.world.pass_time(60)
    assert len(reports(stage.channel)) == 1


async def test_a_report_waits_for_slack(stage_for: SetStage) -> None:
    """Slack is away when it is due: it comes when Slack is back."""
    stage = await shift(stage_for, report={})
    stage.world.slack.faults.fail("chat.postMessage", 503, times=3)
    await until_due(stage)
    await stage.until(lambda: reports(stage.channel), "the report")
    assert len(reports(stage.channel)) == 1


@pytest.mark.parametrize("why", ["gone", "shared"])
async def test_a_report_that_cannot_be_posted(stage_for: SetStage, why: str) -> None:
    """It is counted, the bot goes on, and the next one tells of all that has ended since."""
    stage = await shift(stage_for, report={})
    room = stage.channel
    await acts.ask_and_finish(stage)
    bot = stage.world.slack.workspace.bot
    if why == "gone":
        room.members.remove(bot)
    else:
        room.ext_shared = True
    await until_due(stage)
    await stage.world.pass_time(5)
    assert not reports(room)
    assert stage.world.bot is not None
    assert b'vm_restore_reports_total{result="refused"} 1.0' in await stage.world.bot.exposition()
    room.ext_shared = False
    if bot not in room.members:
        room.members.append(bot)
    await stage.world.leap(86400)
    await stage.until(lambda: reports(room), "the next report")
    assert "database-01" in stage.read(reports(room)[0])


async def test_other_times_in_the_settings(stage_for: SetStage) -> None:
    """After a restart with other settings the report comes at the new time, or not at all."""
    stage = await shift(stage_for, report={})
    await stage.world.stop_bot()
    without = access(stage.alice, stage.bob)
    report = {"channel": stage.channel.id, "at": "16:40"}
    stage.world.config = {**without, "report": report}
    await stage.world.start_bot()
    await until_due(stage, minute=35)
    assert not reports(stage.channel)
    await until_due(stage, minute=40)
    await stage.until(lambda: reports(stage.channel), "the report at the new time")
    await stage.world.stop_bot()
    stage.world.config = without
    bot = await stage.world.start_bot()
    assert await bot.store.tasks.body(TASK) is None
