"""Redis loses what it held in the middle of a restore: the cluster knows, and the owner is told.

Nothing is restored a second time, nothing is told twice, and nobody is left with "Restoring…".
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bot.playground.stage import Stage
from bot.restore.effects import OWNER, RESTORE_ID, TEAM, THREAD
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage
from tests.stories.test_witness import copied, put_back

NS, RESTORES = "production", "virtualmachinerestores"
Json = dict[str, Any]
GONE = "My Record of This Restore Is Gone"
LOST = "# ❌ Record of the Restore Is Lost"


async def flushed(stage: Stage) -> None:
    """All that Redis holds is gone."""
    async with Redis.from_url(stage.world.redis_url) as client:
        await client.flushall()


async def restarted(stage: Stage) -> None:
    """The bot is stopped, Redis is emptied, the bot is started."""
    await stage.world.quiet()
    await stage.world.stop_bot()
    await flushed(stage)
    await stage.world.start_bot()


async def restoring(stage: Stage, seconds: float = 60) -> None:
    """Confirmed, and the cluster is at it for so long."""
    stage.world.kube.knobs.own_class("standard").bind = seconds
    await acts.ask_and_confirm(stage)
    await acts.handed_over(stage)


def told(stage: Stage, words: str) -> int:
    """How many messages say so."""
    return sum(words in stage.read(each) for each in stage.cards())


@pytest.mark.parametrize("lose", [flushed, restarted], ids=["running", "restarted"])
async def test_all_of_redis_is_lost_while_the_cluster_restores(
    stage_for: SetStage, golden: Golden, lose: acts.Act
) -> None:
    stage = await stage_for()
    await restoring(stage)
    await lose(stage)
    await stage.card(GONE, within=400)
    await stage.card(acts.RESTORED, within=400)
    await golden(stage)
    assert (told(stage, GONE), told(stage, acts.RESTORED), len(stage.restores())) == (1, 1, 1)
    assert len(set(stage.marks())) == len(stage.marks())


async def test_all_of_redis_is_lost_after_the_last_event_of_the_cluster(
    stage_for: SetStage,
) -> None:
    """The restore hangs, so the watch says nothing more: what is there is woken all the same."""
    stage = await stage_for()
    await restoring(stage, seconds=100_000)
    await flushed(stage)
    await stage.card(GONE, within=400)
    assert (told(stage, GONE), len(stage.restores())) == (1, 1)


@pytest.mark.parametrize("lose", [flushed, restarted], ids=["running", "restarted"])
async def test_it_completes_while_redis_is_empty(stage_for: SetStage, lose: acts.Act) -> None:
    """Nobody is there to see it: the bot is down when it completes, or was cut off."""
    stage = await stage_for()
    await restoring(stage, seconds=20)
    await stage.world.stop_bot()
    await flushed(stage)
    await stage.world.pass_time(40)
    await stage.world.start_bot()
    await lose(stage)
    await stage.card(acts.RESTORED, within=400)
    await stage.world.pass_time(600)
    assert (told(stage, GONE), told(stage, acts.RESTORED), len(stage.restores())) == (1, 1, 1)
    assert "Restoring VM from snapshot" not in stage.transcript()


async def test_what_was_told_already_is_not_told_again(stage_for: SetStage) -> None:
    """The result stands in the thread: no new message, and the thread is read once."""
    stage = await stage_for()
    await restoring(stage, seconds=5)
    await stage.card(acts.RESTORED)
    before = stage.marks()
    await restarted(stage)
    await stage.world.pass_time(1200)
    assert stage.marks() == before
    asked = [call.method for call in stage.world.slack.log]
    assert asked.count("conversations.replies") == 1


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of the story at which the record is lost, and what the person did to get there."""

    id: str
    reached: acts.Act
    running: bool = False
    protect: bool = False
    begun: bool = False
    """The cluster has the object already."""


async def asked_for_the_snapshot(stage: Stage) -> None:
    await acts.ask(stage, "/vm-restore database-01 in production")
    await stage.card("Which snapshot")


async def asked_for_the_vm(stage: Stage) -> None:
    await acts.ask(stage, "/vm-restore snapshot pre-upgrade-snapshot")
    await stage.card("Which VM")


async def asked_to_stop(stage: Stage) -> None:
    await acts.ask(stage)
    await stage.card(acts.MUST_STOP)


async def being_stopped(stage: Stage) -> None:
    stage.world.kube.knobs.guest.shutdown = 100_000
    await acts.ask_and_stop(stage)
    await stage.card("Stopping VM before restore")


async def asked_to_confirm(stage: Stage) -> None:
    await acts.to_the_button(stage)


async def being_protected(stage: Stage) -> None:
    stage.world.kube.knobs.own_class("standard").cut = 100_000
    await acts.ask_and_confirm(stage)
    await stage.card("Taking safety snapshot `pre-restore")


MOMENTS = (
    Moment("the VM is asked for", asked_for_the_vm),
    Moment("the snapshot is asked for", asked_for_the_snapshot),
    Moment("asked to stop", asked_to_stop, running=True),
    Moment("being stopped", being_stopped, running=True),
    Moment("asked to type", acts.to_the_warning),
    Moment("asked to confirm", asked_to_confirm),
    Moment("protecting", being_protected, protect=True),
    Moment("restoring", restoring, begun=True),
)


@pytest.mark.parametrize("at", MOMENTS, ids=lambda at: at.id)
async def test_one_record_is_evicted(stage_for: SetStage, at: Moment) -> None:
    """The owner is told in the thread, once; nothing is sent for it any more; the VM is free again."""
    rules = {"protect_by_default": at.protect}
    stage = await stage_for(running=at.running, config={"rules": rules})
    await at.reached(stage)
    await stage.world.quiet()
    sent = acts.sent(stage)
    await evicted(stage)
    words = acts.RESTORED if at.begun else LOST
    await stage.card(words, within=120)  # long before the question expires
    await stage.world.pass_time(1200)
    assert (told(stage, GONE), told(stage, words)) == (int(at.begun), 1)
    assert acts.sent(stage) == sent
    assert len(set(stage.marks())) == len(stage.marks())
    assert await left_in(stage, "traces") == await left_in(stage, "claims") == 0


async def evicted(stage: Stage) -> None:
    """The record of the one restore is gone; everything else is there."""
    async with Redis.from_url(stage.world.redis_url) as client:
        keys = [key async for key in client.scan_iter(match="*:restore:*")]
        assert len(keys) == 1
        await client.delete(*keys)


async def left_in(stage: Stage, index: str) -> int:
    """How many a hash still names."""
    async with Redis.from_url(stage.world.redis_url) as client:
        keys = [key async for key in client.scan_iter(match=f"*:{index}")]
        return sum([await client.hlen(key) for key in keys])


# --- Objects that are not followed ----------------------------------------------------------------

Change = Callable[[Json], object]


def annotated(key: str, value: str) -> Change:
    """An annotation that somebody has changed."""

    def change(held: Json) -> None:
        held["metadata"]["annotations"][key] = value

    return change


def made_long_ago(held: Json) -> None:
    held["metadata"]["creationTimestamp"] = "2026-02-17T16:00:00Z"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(annotated(TEAM, "T0ELSEWHERE"), id="of another workspace"),
        pytest.param(annotated(THREAD, "C0OPS/../1"), id="no thread"),
        pytest.param(annotated(THREAD, "<!channel>/1771432200.000100"), id="no channel"),
        pytest.param(annotated(OWNER, "<@U1> & friends"), id="no user"),
        pytest.param(made_long_ago, id="long ago"),
    ],
)
async def test_what_is_not_of_this_workspace_or_no_news_is_left_alone(
    stage_for: SetStage, change: Change
) -> None:
    """Nothing is asked of Slack for it, and nothing of the cluster but the list that every start reads."""
    stage = await stage_for()
    await restoring(stage, seconds=100_000)
    await stage.world.stop_bot()
    alter(stage, change)
    await flushed(stage)
    before, requests = len(stage.world.slack.log), len(stage.world.kube.log)
    await stage.world.start_bot()
    await stage.world.pass_time(900)
    said = [call.method for call in stage.world.slack.log[before:]]
    assert [each for each in said if each.startswith(("chat.", "conversations."))] == []
    read = [call for call in stage.world.kube.log[requests:] if call.verb in {"get", "list"}]
    assert [each for each in read if each.resource == RESTORES and each.namespace == NS] == []


async def test_a_thread_in_which_nothing_is_of_this_restore_is_left_alone(
    stage_for: SetStage,
) -> None:
    """Who may write annotations cannot make the bot write where they like."""
    stage = await stage_for()
    elsewhere = await stage.bob.say(stage.channel, "lunch?")
    await restoring(stage, seconds=100_000)
    await stage.world.stop_bot()
    alter(stage, annotated(THREAD, f"{stage.channel.id}/{elsewhere.ts}"))
    await flushed(stage)
    before = stage.marks()
    await stage.world.start_bot()
    await stage.world.pass_time(900)
    assert stage.marks() == before


async def test_a_thread_that_is_gone_is_told_by_direct_message(stage_for: SetStage) -> None:
    stage = await stage_for()
    await restoring(stage, seconds=60)
    await stage.world.stop_bot()
    await flushed(stage)
    for each in stage.channel.messages:
        await stage.world.slack.remove(each)
    await stage.world.start_bot()
    direct = stage.world.slack.dm(stage.alice)
    await stage.until(
        lambda: any(acts.RESTORED in stage.read(each) for each in direct.messages), "the result"
    )
    assert len(stage.restores()) == 1


def alter(stage: Stage, change: Change) -> None:
    """Somebody writes into the one restore object."""
    kube = stage.world.kube
    held = kube.storage.get(RESTORES, NS, stage.restores()[-1].name)
    change(held)
    kube.storage.put(RESTORES, held)


async def test_an_object_that_is_made_again_after_the_end_is_told_and_followed(
    stage_for: SetStage,
) -> None:
    """By anybody: made with the same name and labels it is carried out, and the owner hears of it."""
    stage = await stage_for()
    await restoring(stage, seconds=20)
    kube, name = stage.world.kube, stage.restores()[-1].name
    again = deepcopy(kube.storage.get(RESTORES, NS, name))
    kube.people.delete_restore(NS, name)
    await stage.card("was deleted by somebody else")
    await stage.world.pass_time(30)
    del again["status"]
    again["metadata"]["uid"] = "another"
    kube.storage.put(RESTORES, again)
    await stage.card("Now the cluster has another restore object of it")
    await stage.card(acts.RESTORED)
    await stage.world.pass_time(300)
    assert (told(stage, "has another restore object"), told(stage, acts.RESTORED)) == (1, 1)


async def test_a_backup_from_before_the_last_name_was_told_is_put_back(stage_for: SetStage) -> None:
    """What is asked again was answered and done: the cluster's object tells, nobody waits for a limit."""
    stage = await stage_for()
    await acts.ask(stage, "/vm-restore database-01 in production")
    await stage.card("Which snapshot")
    await stage.world.quiet()
    copy = await copied(stage)
    await stage.reply("pre-upgrade-snapshot")
    await acts.type_name(stage)
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)
    await put_back(stage, copy)
    await stage.card(GONE, within=400)
    await stage.until(lambda: told(stage, acts.RESTORED) == 2, "its end, again")
    await stage.world.pass_time(2000)
    assert not stage.shown("Restore Expired")
    assert len(stage.restores()) == 1


async def test_thousands_of_old_objects_at_a_start(stage_for: SetStage) -> None:
    """They are woken two hundred at a time, and nobody asks any further."""
    stage = await stage_for()
    await restoring(stage, seconds=1)
    await stage.card(acts.RESTORED)
    await stage.world.stop_bot()
    kube = stage.world.kube
    held = kube.storage.get(RESTORES, NS, stage.restores()[-1].name)
    for number in range(2000):
        old = deepcopy(held)
        old["metadata"] |= {"name": f"old-{number}", "uid": f"uid-{number}"}
        old["metadata"]["labels"] = {**old["metadata"]["labels"], RESTORE_ID: f"r{number}"}
        old["status"]["restoreTime"] = "2026-02-17T16:00:00Z"
        kube.storage.put(RESTORES, old)
    await flushed(stage)
    before = stage.marks()
    async with Redis.from_url(stage.world.redis_url) as client:
        await client.config_resetstat()
        await stage.world.start_bot()
        await stage.world.pass_time(30)
        stats = await client.info("commandstats")
        assert stats["cmdstat_evalsha"]["calls"] < 100
        assert [key async for key in client.scan_iter(match="*:task:lost:r*")] == []
    assert stage.marks() == before


# --- Records that do not load ---------------------------------------------------------------------


async def rewritten(stage: Stage, document: Callable[[str], str]) -> None:
    """Somebody, or another release, has written the one document."""
    async with Redis.from_url(stage.world.redis_url, decode_responses=True) as client:
        (key,) = [key async for key in client.scan_iter(match="*:restore:*")]
        await client.hset(key, "doc", document(str(await client.hget(key, "doc"))))


async def test_a_record_of_a_newer_release_is_left_to_it(stage_for: SetStage) -> None:
    """The bot was rolled back. One line in the log, one in `status`, and nothing is begun or said."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.world.quiet()
    await stage.world.stop_bot()
    await rewritten(stage, lambda text: text.replace("{", '{"mood":"calm",', 1))
    before = stage.transcript()
    with capture_logs() as logs:
        await stage.world.start_bot()
        await stage.world.pass_time(3600)
    assert [each["event"] for each in logs].count("left to a newer release") == 1
    assert stage.transcript() == before
    await stage.alice.slash(stage.channel, "/vm-restore status")
    await stage.whispered("1 restore is kept by a newer release")
    await stage.alice.slash(stage.channel, "/vm-restore cancel")
    await stage.whispered("that I can read, you have none that could be cancelled")
    await acts.ask(stage)
    await stage.whispered("held by another restore, whose record I cannot read")
    await stage.press(acts.TYPE_IT, "Cancel")
    await stage.whispered("Nothing was done: I cannot read the record of this restore")
    for said, answers in (("well, we wait", 1), ("pre-upgrade-snapshot", 2)):
        await stage.reply(said)
        await stage.world.quiet()
        told_now = [stage.read(each) for each in stage.whispers(stage.alice)]
        assert (
            sum("I cannot read the record of this restore" in each for each in told_now) == answers
        )
    await stage.world.stop_bot()
    await rewritten(stage, lambda text: text.replace('"mood":"calm",', ""))
    await stage.world.start_bot()
    await stage.world.pass_time(600)
    assert stage.shown("Nobody answered in time")


@pytest.mark.parametrize("document", ["no json", "{}"])
async def test_a_broken_record_is_told_and_given_up(stage_for: SetStage, document: str) -> None:
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.world.quiet()
    await stage.world.stop_bot()
    await rewritten(stage, lambda _: document)
    await stage.world.start_bot()
    await stage.press(acts.TYPE_IT, "Cancel")  # Else it is found when its question expires.
    await stage.card(LOST, within=10)
    await stage.world.pass_time(1200)
    assert (told(stage, LOST), acts.sent(stage)) == (1, [])
    await stage.press(LOST, "Start over")
    await acts.finish(stage)
    assert len(stage.restores()) == 1


async def test_a_broken_record_of_a_restore_that_runs_is_followed(stage_for: SetStage) -> None:
    stage = await stage_for()
    await restoring(stage)
    await rewritten(stage, lambda _: "{}")
    await stage.card(acts.RESTORED, within=400)
    assert (told(stage, GONE), len(stage.restores())) == (1, 1)


async def test_status_counts_what_it_cannot_read(stage_for: SetStage) -> None:
    """Evicted a moment ago: it is not said that nothing is under way."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.world.quiet()
    await evicted(stage)
    await stage.alice.slash(stage.channel, "/vm-restore status")
    await stage.whispered("The record of 1 restore cannot be read")
