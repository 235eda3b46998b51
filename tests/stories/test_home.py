"""The Home tab: opened, kept current, used; what it costs and what it survives."""

import asyncio
import re
from contextlib import AsyncExitStack

import pytest

from bot import app as house
from bot.app import App
from bot.playground.slack import Person
from bot.playground.slack.transcript import Transcript
from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage, access
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage
from tests.stories.test_outages import api_server_away

PUBLISH = "views.publish"
CANCEL = "Cancel"
WAITS = "waits for the snapshot's name to be typed"
NOTHING_MINE = "You have no restore under way."


def shown(stage: Stage, person: Person) -> str:
    """The Home as this person reads it; empty before it was published."""
    view = person.home
    return Transcript(stage.world.slack.workspace, person.user).view(view) if view else ""


def published(stage: Stage) -> int:
    """How often a Home was published, or was tried to be."""
    return sum(call.method == PUBLISH for call in stage.world.slack.log)


async def open_home(stage: Stage, person: Person) -> str:
    """Look at the Home, as it is once the bot has drawn it."""
    before = published(stage)
    await person.open_home()
    await stage.until(lambda: published(stage) > before, "the Home is published", within=0.5)
    await stage.world.quiet()
    return shown(stage, person)


async def shows(stage: Stage, person: Person, words: str, *, within: float = 10) -> str:
    """Wait until the Home has these words."""
    await stage.until(
        lambda: words in shown(stage, person), f"a Home with {words!r}", within=within
    )
    return shown(stage, person)


def told(stage: Stage, person: Person) -> list[str]:
    """What the bot has said to this person by direct message."""
    bot = stage.world.slack.bot_user_id
    direct: list[Message] = stage.world.slack.workspace.direct(person.user).messages
    return [stage.read(each) for each in direct if each.user == bot]


async def press_cancel(person: Person) -> None:
    """Press Cancel in the Home, and say yes to Slack's question."""
    assert person.home is not None
    await person.click(person.home, CANCEL)


# What it shows


async def test_home_of_somebody_who_has_done_nothing_yet(
    stage_for: SetStage, golden: Golden
) -> None:
    """How to begin, what I may do and where, and that all is well."""
    stage = await stage_for()
    await golden(await open_home(stage, stage.alice))


async def test_home_of_busy_people(stage_for: SetStage, golden: Golden) -> None:
    """Mine with a button to cancel, those of others without one, and how the last ones went."""
    stage = await stage_for(config=lambda stage: access(stage.alice, stage.bob))
    await acts.ask_and_finish(stage)
    await stage.world.pass_time(60)
    await stage.bob.slash(stage.channel, "/vm-restore web-01 from before-release in production")
    await stage.card("Type `before-release`")
    await golden(await open_home(stage, stage.alice), "alice")
    await golden(await open_home(stage, stage.bob), "bob")


async def test_home_of_somebody_who_may_not(stage_for: SetStage, golden: Golden) -> None:
    """Why, and whom to ask; no list and no button."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await golden(await open_home(stage, stage.bob))
    await acts.type_name(stage)
    await stage.world.pass_time(10)
    assert published(stage) == 1, "it would say the same for ever, so it is not kept current"


async def test_home_of_a_guest(stage_for: SetStage, golden: Golden) -> None:
    stage = await stage_for(start=False)
    guest = stage.world.slack.person("gina", guest=True)
    stage.world.config = {**stage.world.config, **access(guest)}
    await stage.world.start_bot()
    await golden(await open_home(stage, guest))


async def test_home_where_channels_matter(stage_for: SetStage, golden: Golden) -> None:
    """Rights that hold only in a channel are shown with it, and what runs there is seen."""
    stage = await stage_for(start=False)
    here = {"channels": [stage.channel.id]}
    stage.world.config = {
        "access": {
            "contact": "the platform team",
            "on_call": {"users": [stage.alice.id]},
            "grants": [
                {"users": [stage.alice.id], "namespaces": ["staging"]},
                {"users": [stage.alice.id], "namespaces": ["production"], **here},
                {"users": [stage.bob.id], "namespaces": ["production"]},
            ],
        }
    }
    await stage.world.start_bot()
    await stage.bob.slash(stage.channel, "/vm-restore web-01 from before-release in production")
    await stage.card("Type `before-release`")
    await golden(await open_home(stage, stage.alice))


async def test_home_while_the_cluster_is_away(stage_for: SetStage, golden: Golden) -> None:
    """Nobody needs to try in order to find out."""
    stage = await stage_for()
    async with api_server_away(stage.world):
        await golden(await open_home(stage, stage.alice))


async def test_home_with_its_messages_tab_is_none(stage_for: SetStage) -> None:
    """Looking at the messages beside the Home publishes nothing."""
    stage = await stage_for()
    world = stage.world
    event = world.slack._events.home_opened(stage.alice.user, None)
    event["event"]["tab"] = "messages"
    await world.slack.delivery.event(event)
    await world.pass_time(5)
    assert published(stage) == 0


# Kept current


async def test_home_kept_current_without_being_opened(stage_for: SetStage, golden: Golden) -> None:
    """Bob opens his Home once; Alice's restore comes, goes on and ends in it."""
    stage = await stage_for(config=lambda stage: access(stage.alice, stage.bob))
    await open_home(stage, stage.bob)
    assert published(stage) == 1
    await acts.ask(stage)
    await shows(stage, stage.bob, WAITS)
    assert published(stage) == 2, "asked for, and checked: drawn once"
    await acts.confirm(stage)
    # When exactly it ended depends on which of two things due at one moment came first.
    await golden(
        re.sub(r"16:30:\d\d|\d+ seconds", "~", await shows(stage, stage.bob, "✓ Restored"))
    )
    assert published(stage) <= 5
    drawn = published(stage)
    await stage.world.pass_time(600)
    assert published(stage) == drawn, "nothing changes any more"


async def test_home_that_says_the_same_is_not_published_again(stage_for: SetStage) -> None:
    """It is looked through now and then while a restore is under way; Slack hears of changes only."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await open_home(stage, stage.alice)
    await stage.world.pass_time(600)
    assert published(stage) == 1


async def test_home_with_two_replicas_is_published_once(stage_for: SetStage) -> None:
    """Both see the move in the store; the lease lets one of them draw it."""
    stage = await stage_for()
    async with AsyncExitStack() as stack:
        other = await house.start(stage.world.settings(), stage.world.clock)
        stack.push_async_callback(other.stop)
        await stage.alice.open_home()
        await seconds_of_two(stage, other, 2)
        assert published(stage) == 1
        await acts.ask(stage)
        await seconds_of_two(stage, other, 10)
        assert WAITS in shown(stage, stage.alice)
        assert published(stage) == 2


async def seconds_of_two(stage: Stage, other: App, seconds: int) -> None:
    """Let time pass, a second at a time, and only while neither bot has anything to do."""
    for _ in range(seconds):
        await stage.world.quiet()
        while not other.worker.resting:
            await asyncio.sleep(0.001)
            await stage.world.quiet()
        await stage.world.pass_time(1)


async def test_home_of_many_is_drawn_at_a_measured_pace(stage_for: SetStage) -> None:
    """Twenty people look at their Homes; one move redraws each of them, one a second."""
    stage = await stage_for(start=False)
    people = [stage.world.slack.person(f"p{number}") for number in range(20)]
    stage.world.config = {**stage.world.config, **access(stage.alice, *people)}
    await stage.world.start_bot()
    for person in people:
        await open_home(stage, person)
    before = published(stage)
    await acts.ask(stage)
    await stage.card(acts.TYPE_IT)
    await stage.world.pass_time(5)
    assert published(stage) - before <= 6
    await stage.world.pass_time(30)
    assert all(WAITS in shown(stage, person) for person in people)
    assert published(stage) - before <= 25


async def test_home_when_slack_asks_to_slow_down(stage_for: SetStage) -> None:
    """It is published when Slack takes it again, as it is then."""
    stage = await stage_for()
    await open_home(stage, stage.alice)
    stage.world.slack.faults.rate_limit(PUBLISH, 20)
    await acts.ask(stage)
    await stage.card(acts.TYPE_IT)
    await stage.world.pass_time(10)
    assert NOTHING_MINE in shown(stage, stage.alice)
    tried = published(stage)
    await shows(stage, stage.alice, WAITS, within=20)
    assert published(stage) == tried + 1


@pytest.mark.parametrize("code", ["not_enabled", "invalid_arguments"])
async def test_home_that_cannot_be_published_is_left_until_it_is_opened(
    stage_for: SetStage, code: str
) -> None:
    """The tab was switched off, or the person is gone: the bot does not try again by itself."""
    stage = await stage_for()
    await open_home(stage, stage.alice)
    stage.world.slack.faults.refuse(PUBLISH, code)
    await acts.to_the_warning(stage)
    await stage.world.pass_time(10)
    tried = published(stage)
    await acts.type_name(stage)
    await stage.world.pass_time(10)
    assert published(stage) == tried
    assert "waits for" in await open_home(stage, stage.alice)


async def test_home_follows_a_change_that_is_no_move(stage_for: SetStage) -> None:
    """A question that opens while the restore goes on is in no audit, and shown all the same."""
    stage = await stage_for(config={"rules": {"restore_timeout": 90}})
    stage.world.kube.knobs.own_class("standard").bind = None
    await acts.ask_and_confirm(stage)
    await acts.handed_over(stage)
    await open_home(stage, stage.alice)
    await stage.card("taking longer than expected", within=120)
    await shows(stage, stage.alice, "restoring for longer than expected", within=65)


# Used


async def test_home_cancels_a_restore(stage_for: SetStage, golden: Golden) -> None:
    """The button does what the one on the card does, and the Home shows it."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await open_home(stage, stage.alice)
    await press_cancel(stage.alice)
    await golden(await shows(stage, stage.alice, NOTHING_MINE, within=1))
    await stage.card("Restore operation cancelled by user")
    assert told(stage, stage.alice) == []
    assert acts.sent(stage) == []


async def test_home_whose_button_comes_too_late_is_answered_by_direct_message(
    stage_for: SetStage,
) -> None:
    """The restore was cancelled in its thread; the Home on the screen was not drawn yet."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await open_home(stage, stage.alice)
    home = stage.alice.home
    assert home is not None
    blocks = [*home.blocks]
    await stage.reply("cancel")
    await shows(stage, stage.alice, NOTHING_MINE)
    await stage.alice.click_stale(home, blocks, CANCEL)
    await stage.until(lambda: told(stage, stage.alice), "an answer by direct message")
    (answer,) = told(stage, stage.alice)
    assert "This restore of VM `database-01` has ended" in answer


async def test_home_starts_a_restore(stage_for: SetStage) -> None:
    """The button opens the form; what it asks for appears in the Home."""
    stage = await stage_for()
    await open_home(stage, stage.alice)
    assert stage.alice.home is not None
    await stage.alice.click(stage.alice.home, "Restore a VM")
    await stage.until(lambda: stage.alice.view, "the form is open")
    await stage.alice.fill({"VM": "database-01"})
    await stage.world.quiet()
    await stage.alice.fill_and_submit({"Snapshot": "pre-upgrade-snapshot"})
    await shows(stage, stage.alice, WAITS)
    assert stage.transcript().strip() == "#incidents", "asked nowhere else: by direct message"


async def test_home_of_both_sides_of_a_handover(stage_for: SetStage, golden: Golden) -> None:
    """What is offered to Bob stands in his Home; once he has it, Alice's old button is answered."""
    stage = await stage_for(config=lambda stage: access(stage.alice, stage.bob))
    await acts.to_the_warning(stage)
    await open_home(stage, stage.alice)
    await open_home(stage, stage.bob)
    before = stage.alice.home
    assert before is not None
    blocks = [*before.blocks]
    request = await stage.card("asked to restore VM")
    await stage.alice.pick(request, "vmr:hand-over", stage.bob)
    await golden(await shows(stage, stage.bob, "offers you this restore"), "offered")
    await stage.press("Accept", "Accept", stage.bob)
    await shows(stage, stage.bob, f"[{CANCEL}]")
    await shows(stage, stage.alice, NOTHING_MINE)
    await stage.alice.click_stale(before, blocks, CANCEL)
    await stage.until(lambda: told(stage, stage.alice), "an answer by direct message")
    assert "Only @bob can" in told(stage, stage.alice)[0]


async def test_a_late_click_of_somebody_on_call(stage_for: SetStage) -> None:
    """Bob gave his restore away; his Home still shows it. What he is told can be pressed by nobody."""
    stage = await stage_for(start=False)
    rights = access(stage.alice, stage.bob, on_call=(stage.bob,))
    stage.world.config = {**stage.world.config, **rights}
    await stage.world.start_bot()
    await stage.bob.slash(stage.channel, acts.REQUEST)
    await stage.card(acts.TYPE_IT)
    await open_home(stage, stage.bob)
    home = stage.bob.home
    assert home is not None
    before = home.blocks
    await stage.bob.slash(stage.channel, "/vm-restore handoff @alice")
    await stage.press("asks you to go on", "Accept", by=stage.alice)
    await stage.card("who accepted it from")
    await stage.bob.click_stale(home, before, CANCEL)
    await stage.until(lambda: told(stage, stage.bob), "an answer")
    [answer] = told(stage, stage.bob)
    assert "Only @alice can answer" in answer
    assert "Take over" not in answer
