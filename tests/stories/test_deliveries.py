"""Slack delivers twice, late, in another order, or to a socket that has just broken: it all ends well."""

import copy
import io
import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage
from bot.restore.model import Phase
from bot.slack.inbound import socket_receiver as socket
from bot.store import Store, connect
from tests.stories import acts, test_restore, test_stopping
from tests.stories.conftest import GOLDEN, Golden, SetStage, documents

STOP, START = "update virtualmachines/stop", "update virtualmachines/start"
SNAPSHOT, CREATE = "create virtualmachinesnapshots", "create virtualmachinerestores"
TOO_LATE = "reached me more than five minutes late"
OUT_OF_DATE = "is out of date"
HAS_ENDED = "has ended, so the button does nothing any more."
ASKED = "restore database-01 from snapshot pre-upgrade-snapshot in production"

Story = Callable[[SetStage, Golden], Awaitable[None]]


def twice(stage: Stage) -> None:
    """Everything arrives twice."""
    stage.world.slack.faults.twice = True


def swapped(stage: Stage) -> None:
    """Each two events arrive in the wrong order."""
    stage.world.slack.faults.swap = True


def twice_and_swapped(stage: Stage) -> None:
    """Both at once."""
    twice(stage)
    swapped(stage)


def without_the_twin(stage: Stage) -> None:
    """A mention comes only as app_mention, as in some Enterprise workspaces."""
    stage.world.slack.faults.only_mentions = True


def warned(stage: Stage) -> list[str]:
    """What the bot has told Alice alone."""
    return [message.text for message in stage.whispers(stage.alice) if message.author.bot]


@pytest.mark.parametrize(
    ("story", "trouble"),
    [
        (test_restore.test_stopped_vm_by_slash_command, twice_and_swapped),
        (test_restore.test_running_vm_among_people, twice),
        (test_restore.test_running_vm_among_people, swapped),
        (test_restore.test_running_vm_among_people, twice_and_swapped),
        (test_restore.test_running_vm_among_people, without_the_twin),
        (test_stopping.test_running_vm_in_an_incident_thread, twice_and_swapped),
        (test_stopping.test_running_vm_in_an_incident_thread, without_the_twin),
    ],
)
async def test_same_story_whatever_the_order(
    stage_for: SetStage, story: Story, trouble: Callable[[Stage], None]
) -> None:
    """The channel reads the same to the letter, and the cluster is asked the same."""

    async def troubled(**settings: object) -> Stage:
        stage = await stage_for(**settings)
        trouble(stage)
        return stage

    async def same(stage: Stage, part: str = "") -> None:
        assert part == ""
        await stage.world.quiet()
        name = story.__name__.removeprefix("test_")
        assert stage.transcript() == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")

    await story(troubled, same)


async def test_what_is_delivered_twice_is_kept_and_counted_once(stage_for: SetStage) -> None:
    stage = await stage_for()
    twice(stage)
    await acts.ask_and_finish(stage)
    await stage.world.quiet()
    assert stage.world.bot is not None
    counted = (await stage.world.bot.exposition()).decode().splitlines()
    kinds = [line for line in counted if line.startswith("vm_restore_deliveries_total")]
    assert sorted(kinds) == [
        f'vm_restore_deliveries_total{{kind="{kind}"}} 1.0'
        for kind in ("click", "command", "message")
    ]
    asked = 'vm_restore_kubernetes_requests_total{cluster="default",result="200"} '
    assert any(line.startswith(asked) for line in counted)


async def press_twice(stage: Stage, words: str, label: str) -> None:
    """A nervous double click: the second press comes from the screen as it was at the first."""
    card = await stage.card(words)
    blocks = copy.deepcopy(card.blocks)
    for _ in range(2):
        result = await stage.alice.click_stale(card, blocks, label)
        assert (await result.settled()).status == "ok"


async def test_every_button_is_pressed_twice(stage_for: SetStage) -> None:
    """The second press of each is answered, and does nothing a second time."""
    stage = await stage_for(running=True)
    stage.thread = await stage.alice.say(stage.channel, f"{stage.world.slack.mention} {ASKED}")
    await press_twice(stage, acts.MUST_STOP, "Stop and restore")
    await press_twice(stage, acts.TYPE_IT, "Snapshot current state first: turn ON")
    await stage.card("state first*: ON")
    await acts.type_name(stage)
    await press_twice(stage, acts.READY, "Restore VM now")
    await press_twice(stage, acts.RESTORED, "Start VM")
    await stage.card("started by")
    await stage.world.quiet()
    assert acts.sent(stage) == [STOP, SNAPSHOT, CREATE, START]
    *older, start = warned(stage)
    assert [OUT_OF_DATE in each for each in older] == [True] * 3
    assert "Nothing was done: VM `database-01`" in start
    assert len(set(stage.marks())) == len(stage.marks())


async def test_cancel_and_start_over_are_pressed_twice(stage_for: SetStage) -> None:
    """One cancel, one new restore; the second press of each is answered."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await press_twice(stage, acts.TYPE_IT, "Cancel")
    await press_twice(stage, "Restore Cancelled", "Start over")
    await stage.card(acts.TYPE_IT)
    await stage.world.quiet()
    phases = sorted(each.phase for each in await documents(stage.world))
    assert phases == [Phase.CANCELLED, Phase.TYPING]
    assert [HAS_ENDED in warned(stage)[0], OUT_OF_DATE in warned(stage)[1]] == [True, True]
    assert len(warned(stage)) == 2


async def expired(stage: Stage) -> None:
    """Nobody types the name."""
    await stage.world.pass_time(901)
    await stage.card("Restore Expired")


async def cancelled(stage: Stage) -> None:
    """Alice cancels."""
    await stage.reply("cancel")
    await stage.card("Restore Cancelled")


async def confirming(stage: Stage) -> None:
    """The name is typed: the next card is open."""
    await acts.type_name(stage)


async def restored(stage: Stage) -> None:
    """It has succeeded."""
    await acts.finish(stage)


@pytest.mark.parametrize(
    ("then", "answer"),
    [
        (confirming, OUT_OF_DATE),
        (cancelled, HAS_ENDED),
        (expired, HAS_ENDED),
        (restored, HAS_ENDED),
    ],
)
async def test_old_cards_answer(
    stage_for: SetStage, then: Callable[[Stage], Awaitable[None]], answer: str
) -> None:
    """A screen that lags behind still has the buttons of a closed card: each press is answered."""
    stage = await stage_for()
    warning = await acts.to_the_warning(stage)
    blocks = copy.deepcopy(warning.blocks)
    await then(stage)
    await stage.world.quiet()
    before, sent = await documents(stage.world), acts.sent(stage)
    for label in ("Snapshot current state first: turn ON", "Cancel"):
        await (await stage.alice.click_stale(warning, blocks, label)).settled()
        await stage.world.quiet()
        assert answer in warned(stage).pop()
    await (await stage.bob.click_stale(warning, blocks, "Cancel")).settled()
    await stage.whispered("Only @alice can answer for this restore", to=stage.bob)
    await stage.world.quiet()
    assert len(warned(stage)) == 2
    assert (await documents(stage.world), acts.sent(stage)) == (before, sent)


async def test_card_of_a_restore_that_is_not_known_any_more(stage_for: SetStage) -> None:
    """After thirty days, or with another store, a card is still answered."""
    stage = await stage_for()
    warning = await acts.to_the_warning(stage)
    async with connect(stage.world.redis_url) as client:
        await client.flushall()
    await (await stage.alice.click(warning, "Cancel")).settled()
    await stage.whispered("I do not know this card any more, so nothing was done")


async def reconnected(stage: Stage) -> None:
    """What the socket's own monitor does within ten seconds of a break."""
    bot = stage.world.bot
    assert bot is not None
    assert bot._socket is not None
    client = bot._socket.client
    session = client.current_session
    await stage.until(lambda: session is None or session.closed, "the break is noticed")
    await client.connect_to_new_endpoint()


async def test_socket_breaks_in_the_middle(stage_for: SetStage) -> None:
    """What Slack sent into a broken socket comes again, and counts once."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.world.quiet()
    stage.world.slack.faults.drop_socket_on_delivery()
    await stage.reply("pre-upgrade-snapshot")
    await reconnected(stage)
    await stage.card(acts.READY)
    await stage.world.quiet()
    stage.world.slack.faults.drop_socket_on_delivery()
    click = await (await stage.press(acts.READY, "Restore VM now")).settled()
    assert click.status == "operation_timeout"
    await reconnected(stage)
    await stage.card(acts.RESTORED)
    assert acts.sent(stage) == [CREATE]
    assert warned(stage) == []


async def test_a_socket_that_fails_gets_an_address_of_its_own(
    stage_for: SetStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address of a socket that did not open is of no use any more: a new one is asked for."""
    monkeypatch.setattr(socket, "PING", 1.0)
    monkeypatch.setattr(socket, "TICKET", 0.05)
    stage = await stage_for(start=False)
    stage.world.slack.faults.closed_sockets = 1
    await stage.world.start_bot()  # which ends only when Slack has said hello
    asked = [call for call in stage.world.slack.log if call.method == "apps.connections.open"]
    assert len(asked) >= 2


async def test_late_request_does_nothing(stage_for: SetStage) -> None:
    """A request that arrives after six minutes was for another moment; its author is told."""
    stage = await stage_for()
    await stage.world.quiet()
    stage.world.slack.faults.delay_delivery(360, times=2)  # the message and its app_mention
    await stage.alice.say(stage.channel, f"{stage.world.slack.mention} {ASKED}")
    await stage.world.pass_time(360)
    await stage.whispered(TOO_LATE)
    assert len(warned(stage)) == 1
    assert stage.cards() == []


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that Slack sent, as the bot keeps it."""

    key: str
    kind: str
    body: Mapping[str, object]


async def keep_while_the_bot_is_away(stage: Stage, kept: Kept, seconds: float) -> None:
    """The bot dies right after it has kept something, and is back so much later."""
    await stage.world.stop_bot()
    async with connect(stage.world.redis_url) as client:
        store = Store(client, stage.world.slack.team_id, stage.world.clock)
        await store.queue.enqueue_delivery(kept.key, kept.kind, kept.body)
    await stage.world.pass_time(seconds)
    await stage.world.start_bot()


async def test_a_delivery_of_a_newer_release_is_put_off_and_told_once(
    stage_for: SetStage,
) -> None:
    """A replica of the release before leaves it to one that can read it."""
    stage = await stage_for()
    await keep_while_the_bot_is_away(stage, Kept("r:1", "rumour", {"user": stage.alice.id}), 1)
    await stage.world.quiet()
    await stage.world.pass_time(400)
    await stage.world.quiet()
    async with connect(stage.world.redis_url) as client:
        store = Store(client, stage.world.slack.team_id, stage.world.clock)
        deferred = [each async for each in store.audit.read() if each.kind == "deferred"]
    assert [each.target for each in deferred] == ["delivery:r:1"]
    assert deferred[0].detail == "a delivery of kind rumour does not load at -"
    assert stage.cards() == []


async def test_click_that_waited_for_six_minutes_confirms_nothing(stage_for: SetStage) -> None:
    """A bot that was away does not come back with an old request; the button can be pressed again."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    card = await acts.type_name(stage)
    await stage.world.quiet()
    value = next(each["value"] for each in buttons(card) if each["action_id"] == "vmr:confirm")
    body = {"user": stage.alice.id, "channel": stage.channel.id, "thread": card.thread_ts}
    body |= {"button": "confirm", "ref": value, "value": None, "response_url": None}
    await keep_while_the_bot_is_away(stage, Kept("c:1", "click", body), 360)
    await stage.whispered(TOO_LATE)
    assert acts.sent(stage) == []
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)


async def test_name_typed_before_it_was_asked_for(stage_for: SetStage) -> None:
    """Written before the question stood there, delivered after it: it does not count."""
    stage = await stage_for()
    stage.thread = await stage.bob.say(stage.channel, "database-01 is down")
    await stage.world.quiet()
    stage.world.slack.faults.delay_delivery(5)
    await stage.reply("pre-upgrade-snapshot")
    await stage.reply(f"{stage.world.slack.mention} {ASKED}")
    await stage.card(acts.TYPE_IT)
    await stage.world.pass_time(10)
    assert stage.shown(acts.READY) is None
    assert stage.shown(acts.TYPE_IT) is not None
    await acts.finish(stage)


async def test_name_typed_while_the_question_is_being_posted(stage_for: SetStage) -> None:
    """Slack's answer to the post is late: the reply waits until the card's place is known."""
    stage = await stage_for()
    stage.world.slack.faults.delay("chat.postMessage", 4, skip=1)
    await acts.ask(stage)
    await stage.card(acts.TYPE_IT)
    await stage.reply("pre-upgrade-snapshot")
    await stage.world.pass_unheard(5)
    await stage.card(acts.READY)
    assert stage.shown("Confirmation Failed") is None


async def test_request_that_becomes_one_by_an_edit(stage_for: SetStage) -> None:
    """An edit that adds a mention raises app_mention; edits never count."""
    stage = await stage_for()
    message = await stage.alice.say(stage.channel, "the database is down")
    await stage.alice.edit(message, f"{stage.world.slack.mention} {ASKED}")
    await stage.world.pass_time(5)
    assert stage.cards() == []


def buttons(card: Message) -> list[dict[str, Any]]:
    """The buttons of a card."""
    return [
        element
        for block in card.blocks or []
        for element in block.get("elements", [])
        if element["type"] == "button"
    ]


async def test_slack_asks_to_leave_each_socket_as_it_opens(stage_for: SetStage) -> None:
    """A storm: Slack is asked for another socket after ever longer pauses, and then all is well."""
    stage = await stage_for()
    slack = stage.world.slack
    await stage.world.pass_time(120)
    slack.faults.short_sockets = 6
    before = len(asked_for_sockets(stage))
    await slack.disconnect("refresh_requested")
    await stage.until(lambda: len(asked_for_sockets(stage)) == before + 7, "it is asked again")
    times = asked_for_sockets(stage)[before:]
    pauses = [(b - a).total_seconds() for a, b in itertools.pairwise(times)]
    assert all(pause >= least for pause, least in zip(pauses, (0, 1, 2, 4, 8, 16), strict=True))
    bot = stage.world.bot
    assert bot is not None
    await stage.until(lambda: slack.connections == 1, "the socket is open")
    await acts.ask_and_finish(stage)
    assert await bot.not_ready() == {}


def asked_for_sockets(stage: Stage) -> list[datetime]:
    """When Slack was asked for a socket."""
    log = stage.world.slack.log
    return [call.at for call in log if call.method == "apps.connections.open"]


@pytest.mark.parametrize("cause", ["other_workspace", "other_app"])
async def test_what_the_socket_brings_for_others_is_counted_and_told_once(
    stage_for: SetStage, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    """It is acknowledged, or Slack would bring it again, and nothing comes of it."""
    stage = await stage_for()
    workspace = stage.world.slack.workspace
    with monkeypatch.context() as patch:
        if cause == "other_app":
            patch.setattr(workspace.bot, "app_id", "A0OTHER")
        else:
            patch.setattr(workspace, "team_id", "T0ELSEWHERE")
        for _ in range(3):
            assert (await stage.alice.slash(stage.channel, acts.REQUEST)).failure == ""
    await stage.world.quiet()
    assert stage.cards() == []
    assert stage.world.bot is not None
    counted = stage.world.bot.metrics.registry.get_sample_value(
        "vm_restore_slack_refused_total", {"cause": cause}
    )
    assert counted == 3
    assert logged.getvalue().count("not taken from Slack") == 1
    await acts.to_the_warning(stage)
