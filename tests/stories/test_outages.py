"""The cluster, the store or Slack goes away for a while: the story waits, goes on and ends once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.playground.kubevirt.faults import Answer, ApplyLate, DropAfter, DropBefore, Rule
from bot.playground.stage import Stage
from bot.playground.world import World
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

NS, VM = "production", "database-01"
RESTORES = "virtualmachinerestores"
STOP = "update virtualmachines/stop"
CANNOT = "I keep trying and go on by myself."
MINUTE = 60


@asynccontextmanager
async def api_server_away(world: World) -> AsyncIterator[None]:
    """Nothing listens at the API server's address; the cluster itself stands still meanwhile."""
    await world.kube.go_away()
    try:
        yield
    finally:
        await world.kube.start()


@asynccontextmanager
async def store_away(world: World) -> AsyncIterator[None]:
    """The Redis server is stopped; it comes back with its data at the same address."""
    await world.redis.stop()
    try:
        yield
    finally:
        assert await world.redis.start(world.directory / "redis") == world.redis_url


def once(stage: Stage) -> None:
    """One VirtualMachineRestore, and no card twice."""
    assert len(stage.restores()) == 1
    marks = stage.marks()
    assert len(marks) == len(set(marks))


# The API server


async def test_api_server_away_while_checking(stage_for: SetStage, golden: Golden) -> None:
    """Nothing can be read: the thread says so, and goes on by itself a minute later."""
    stage = await stage_for()
    async with api_server_away(stage.world):
        await acts.ask(stage)
        await stage.card(CANNOT)
        await stage.world.pass_time(MINUTE)
        await golden(stage)
    await acts.finish(stage)
    assert CANNOT not in stage.transcript()
    once(stage)


async def test_api_server_away_while_restoring(stage_for: SetStage, golden: Golden) -> None:
    """The restore is in the cluster's hands: the watch is taken up again and the end is seen."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").bind = 20
    await acts.ask_and_confirm(stage)
    await stage.card("new volumes are being made")
    async with api_server_away(stage.world):
        await stage.card(CANNOT)
        await stage.world.pass_time(MINUTE)
        await golden(stage)
    await stage.card(acts.RESTORED)
    assert CANNOT not in stage.transcript()
    once(stage)


async def test_api_server_away_at_the_click(stage_for: SetStage) -> None:
    """The last look is not possible, so nothing is created; a minute later it is, once."""
    stage = await stage_for()
    await acts.to_the_button(stage)
    async with api_server_away(stage.world):
        await acts.press_restore(stage)
        await stage.card(CANNOT)
        await stage.world.pass_time(MINUTE)
    await stage.card(acts.RESTORED)
    once(stage)


async def test_away_for_too_long_after_the_click(stage_for: SetStage, golden: Golden) -> None:
    """What was agreed to is done within ten minutes or not at all: nobody is surprised later."""
    stage = await stage_for()
    await acts.to_the_button(stage)
    async with api_server_away(stage.world):
        await acts.press_restore(stage)
        await stage.card(CANNOT)
        await stage.world.leap(11 * MINUTE)
    await stage.card("❌ Confirmation Too Old")
    await stage.world.pass_time(30)
    await golden(stage)
    assert acts.changes(stage) == []


@pytest.mark.parametrize(
    ("effect", "creates"),
    [
        pytest.param(DropAfter(), 1, id="answer-lost"),
        pytest.param(DropBefore(), 2, id="request-lost"),
        pytest.param(Answer(500, "InternalError", "etcdserver: request timed out"), 2, id="500"),
        pytest.param(Answer(503, "ServiceUnavailable", "apiserver is shutting down"), 2, id="503"),
        pytest.param(Answer(429, "TooManyRequests", "slow down", 3), 2, id="429"),
    ],
)
async def test_create_without_an_answer(
    stage_for: SetStage, effect: DropAfter | DropBefore | Answer, creates: int
) -> None:
    """Whether the create arrived is found out by looking; it is never made twice."""
    stage = await stage_for()
    stage.world.kube.faults.add(Rule(effect, verb="create", resource=RESTORES, dry_run=False))
    await acts.ask_and_finish(stage)
    assert len(stage.creates(RESTORES)) == creates
    assert len({call.name for call in stage.creates(RESTORES)}) == 1
    once(stage)


@pytest.mark.parametrize("what", ["edited", "started"])
async def test_create_that_the_server_holds_while_the_vm_changes(
    stage_for: SetStage, what: str
) -> None:
    """It is not called absent, and nothing ends, while the server may still carry it out."""
    stage = await stage_for(run_strategy="Manual", running=False)
    kube = stage.world.kube
    kube.faults.add(Rule(ApplyLate(45), verb="create", resource=RESTORES, dry_run=False))
    kube.faults.add(
        Rule(DropBefore(), verb="create", resource=RESTORES, dry_run=False, skip=1, times=None)
    )
    await acts.ask_and_confirm(stage)
    await stage.until(lambda: len(kube.faults.rules) == 1, "it is sent")
    if what == "edited":
        kube.people.edit_vm(NS, VM, {"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}})
    else:
        kube.people.start(NS, VM)
    await stage.card("*Not known yet*: the API server has not answered the request to create it.")
    await stage.world.pass_time(30)
    assert not any(":result." in mark for mark in stage.marks())
    assert stage.restores() == []
    await stage.world.pass_time(20)
    await stage.card(acts.RESTORED if what == "edited" else "❌ VM Restore Failed")
    once(stage)


async def test_create_that_never_arrives_while_the_vm_changes(stage_for: SetStage) -> None:
    """Once the server cannot carry it out any more, the thread ends with what is so."""
    stage = await stage_for()
    kube = stage.world.kube
    kube.faults.add(Rule(DropBefore(), verb="create", resource=RESTORES, dry_run=False, times=None))
    await acts.ask_and_confirm(stage)
    await stage.card("*Not known yet*")
    kube.people.edit_vm(NS, VM, {"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}})
    await stage.world.pass_time(95)
    ended = stage.read(await stage.card("❌ VM Restore Failed"))
    assert "The VM was edited" in ended
    assert "it may have been made, and deleted by somebody else" in ended
    assert "as before" not in ended
    assert stage.restores() == []


@pytest.mark.parametrize("fails", [False, True], ids=["completes", "vm-started"])
async def test_object_that_appears_after_the_end(
    stage_for: SetStage, golden: Golden, *, fails: bool
) -> None:
    """Longer than any server should hold a request: the ended restore goes on in its thread."""
    stage = await stage_for(run_strategy="Manual", running=False)
    kube = stage.world.kube
    kube.faults.add(Rule(ApplyLate(200), verb="create", resource=RESTORES, dry_run=False))
    kube.faults.add(
        Rule(DropBefore(), verb="create", resource=RESTORES, dry_run=False, skip=1, times=None)
    )
    await acts.ask_and_confirm(stage)
    await stage.until(lambda: len(kube.faults.rules) == 1, "it is sent")
    kube.people.edit_vm(NS, VM, {"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}})
    await stage.world.pass_time(100)
    await stage.card("not known: the cluster has no such restore now")
    if fails:
        kube.people.start(NS, VM)
    await stage.world.pass_time(110)
    told = stage.read(await stage.card("⚠️ The Restore Has Appeared in the Cluster"))
    assert (
        "By now it has one: the API server has carried out late what it had not answered." in told
    )
    await stage.until(lambda: sum(":result." in mark for mark in stage.marks()) == 2, "its end")
    await stage.world.quiet()
    ended = "\n".join(stage.read(card) for card in stage.cards())
    assert (acts.RESTORED in ended) is not fails
    assert len(stage.restores()) == 1
    if not fails:
        await golden(stage)


async def test_stop_without_an_answer(stage_for: SetStage) -> None:
    """A stop that was applied without an answer is success once the VM is down."""
    stage = await stage_for(running=True)
    stage.world.kube.faults.add(Rule(DropAfter(), subresource="stop"))
    await acts.ask_and_stop(stage)
    await acts.finish(stage)
    assert set(acts.sent(stage)) == {STOP, f"create {RESTORES}"}
    once(stage)


async def test_safety_snapshot_without_an_answer(stage_for: SetStage) -> None:
    """The safety snapshot whose create was not answered is recognised as our own."""
    stage = await stage_for(config={"rules": {"protect_by_default": True}})
    snapshots = "virtualmachinesnapshots"
    stage.world.kube.faults.add(Rule(DropAfter(), verb="create", resource=snapshots))
    await acts.ask_and_finish(stage)
    assert [call.code for call in stage.creates(snapshots)] == [201]
    once(stage)


async def test_watch_broken_off(stage_for: SetStage) -> None:
    """The watch breaks in the middle of a restore, and its revision is forgotten by the server."""
    stage = await stage_for()
    kube = stage.world.kube
    kube.knobs.own_class("standard").bind = 20
    await acts.ask_and_confirm(stage)
    await stage.card("new volumes are being made")
    kube.storage.compact()
    kube.watches.cut()
    await stage.card(acts.RESTORED, within=40)
    once(stage)


# Redis


async def test_click_while_the_store_is_away(stage_for: SetStage) -> None:
    """A click that cannot be kept is answered with that, does nothing, and can be repeated."""
    stage = await stage_for(own_redis=True)
    await acts.to_the_button(stage)
    async with store_away(stage.world):
        await acts.press_restore(stage)
        await stage.whispered("I cannot reach my own store just now")
        await stage.world.pass_time(MINUTE)
    await stage.world.pass_time(30)
    assert acts.changes(stage) == []
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)
    once(stage)


# Slack


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
@pytest.mark.parametrize("trouble", ["500", "429", "answer-lost", "request-lost"])
async def test_slack_away_while_cards_are_due(
    stage_for: SetStage, method: str, trouble: str
) -> None:
    """Cards that could not be written are written later, each once; the thread ends complete."""
    stage = await stage_for()
    faults = stage.world.slack.faults
    match trouble:
        case "500":
            faults.fail(method, 500, times=3, skip=1)
        case "429":
            faults.rate_limit(method, 20, times=1, skip=1)
        case "answer-lost":
            faults.drop_after(method, times=3, skip=1)
        case _:
            faults.drop_before(method, times=3, skip=1)
    await acts.ask_and_finish(stage)
    await stage.world.pass_time(MINUTE)
    assert "State*: ✓ Restored" in stage.transcript()
    assert "[Restore VM now]" not in stage.transcript()
    once(stage)


async def test_slack_answers_after_the_lease(stage_for: SetStage) -> None:
    """A post is answered so late that another worker has taken over: its card is found, not doubled."""
    stage = await stage_for()
    await acts.to_the_button(stage)
    stage.world.slack.faults.delay("chat.postMessage", 60)
    await acts.press_restore(stage)
    await stage.world.pass_unheard(70)
    await stage.card(acts.RESTORED)
    await stage.world.pass_time(MINUTE)
    assert "State*: ✓ Restored" in stage.transcript()
    once(stage)


async def test_slack_away_for_a_minute(stage_for: SetStage) -> None:
    """Every method fails for a minute in the middle of a restore; then the thread is complete."""
    stage = await stage_for()
    stage.world.kube.knobs.own_class("standard").bind = 20
    await acts.ask_and_confirm(stage)
    await stage.card("new volumes are being made")
    stage.world.slack.faults.fail("*", 503, times=10_000)
    stage.world.slack.drop_sockets()
    await stage.world.pass_time(MINUTE)
    stage.world.slack.faults.clear()
    done = await stage.card(acts.RESTORED)
    await stage.world.pass_time(30)
    assert done in stage.alice.notified
    assert "State*: ✓ Restored" in stage.transcript()
    once(stage)


@pytest.mark.parametrize(
    ("way", "trouble"),
    [
        *(("mention", trouble) for trouble in ("500", "429", "answer-lost", "request-lost")),
        *(("command", trouble) for trouble in ("500", "answer-lost")),
        *(("click", trouble) for trouble in ("429", "request-lost")),
    ],
)
async def test_slack_does_not_take_an_answer(stage_for: SetStage, way: str, trouble: str) -> None:
    """An answer for one person is tried again, or given another way: silence answers nothing."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    faults = stage.world.slack.faults
    method = "chat.postEphemeral" if way == "mention" else "response_url"
    match trouble:
        case "500":
            faults.fail(method, 500)
        case "429":
            faults.rate_limit(method, 3)
        case "answer-lost":
            faults.drop_after(method)
        case _:
            faults.drop_before(method)
    match way:
        case "mention":
            await stage.reply(f"{stage.world.slack.mention} status")
            await stage.whispered("Restores under way")
        case "command":
            await acts.ask(stage, "/vm-restore status")
            await stage.whispered("Restores under way")
        case _:
            await stage.press(acts.TYPE_IT, "Cancel", by=stage.bob)
            await stage.whispered("Only @alice can answer", to=stage.bob)


async def test_slack_takes_the_answer_to_a_click_neither_way(stage_for: SetStage) -> None:
    """By the response_url it cannot be given, nor in the channel: it is given a moment later."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    faults = stage.world.slack.faults
    for method in ("response_url", "chat.postEphemeral"):
        faults.rate_limit(method, 3)
    await stage.press(acts.TYPE_IT, "Cancel", by=stage.bob)
    await stage.whispered("Only @alice can answer", to=stage.bob)


async def test_a_refusal_that_slack_does_not_take_at_once(stage_for: SetStage) -> None:
    """Bob may not; he is told so a moment later, and the audit stream holds it once."""
    stage = await stage_for()
    stage.world.slack.faults.rate_limit("chat.postEphemeral", 3)
    mention = stage.world.slack.mention
    await stage.bob.say(stage.channel, f"{mention} restore production/database-01")
    await stage.whispered("Not permitted", to=stage.bob)
    await stage.world.quiet()
    assert stage.world.bot is not None
    assert [each.kind async for each in stage.world.bot.store.audit.read()] == ["refused"]


async def test_an_answer_that_slack_never_takes(stage_for: SetStage) -> None:
    """What was done stays done, and nobody is told that it was not."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    faults = stage.world.slack.faults
    faults.fail("chat.postEphemeral", 503, times=1000)
    await stage.reply(f"{stage.world.slack.mention} cancel")
    await stage.card("Restore Cancelled")
    await stage.world.pass_time(MINUTE)
    faults.clear()
    await stage.world.pass_time(MINUTE)
    assert [each for each in stage.whispers(stage.alice) if "Nothing was done" in each.text] == []
