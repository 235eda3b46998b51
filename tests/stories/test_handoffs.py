"""Passing a restore on: offered and accepted, or taken over; the new owner confirms anew.

The person who types the name is the one who presses the button, and at that moment it is their restore.
"""

from typing import Any

import pytest

from bot.playground.slack import Person
from bot.playground.slack.workspace import Message, UserGroup
from bot.playground.stage import Stage, access
from bot.restore.effects import (
    CONFIRMED_BY,
    CONFIRMED_BY_NAME,
    REQUESTED_BY,
    REQUESTED_BY_NAME,
)
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage
from tests.tools.wires import Fault, restarting

NS, VM, NAME = "production", "database-01", "pre-upgrade-snapshot"
OFFERED = "asks you to go on with this restore"
HANDED = "who accepted it from"
TAKEN = "who took it over from"
REQUEST = "VM restore request"
HAND_OVER = "vmr:hand-over"


async def shift(
    stage_for: SetStage, *, on_call: bool = False, running: bool = False, **config: Any
) -> Stage:
    """Alice and Bob may both restore; with `on_call` Bob may take over as well."""
    stage = await stage_for(start=False, running=running)
    allowed: Any = access(stage.alice, stage.bob)
    if on_call:
        allowed["access"]["on_call"] = {"users": [stage.bob.id]}
    stage.world.config = {**allowed, **config}
    await stage.world.start_bot()
    return stage


async def mention(stage: Stage, words: str, by: Person | None = None) -> Message:
    """Say something to the bot in the thread."""
    return await stage.reply(f"{stage.world.slack.mention} {words}", by=by)


async def offer(stage: Stage, to: Person | None = None) -> Message:
    """Alice offers her restore in its thread; the card of the offer."""
    await mention(stage, f"handoff @{(to or stage.bob).name}")
    return await stage.card(OFFERED)


async def accept(stage: Stage) -> Message:
    """Alice offers, Bob accepts; the announcement."""
    await stage.bob.click(await offer(stage), "Accept")
    return await stage.card(HANDED)


def annotations(stage: Stage) -> dict[str, str]:
    """Who asked and who confirmed, as the one VirtualMachineRestore says."""
    [call] = stage.restores()
    assert call.body is not None
    found: dict[str, str] = call.body["metadata"]["annotations"]
    return {key: found[key] for key in (REQUESTED_BY, CONFIRMED_BY)}


def named(stage: Stage) -> tuple[str, str]:
    """The same by name, for who has no Slack."""
    [call] = stage.restores()
    assert call.body is not None
    found: dict[str, str] = call.body["metadata"]["annotations"]
    return found[REQUESTED_BY_NAME], found[CONFIRMED_BY_NAME]


# Offers


async def test_an_accepted_offer_starts_both_confirmations_over(
    stage_for: SetStage, golden: Golden
) -> None:
    """Alice has typed the name already; Bob accepts, types it himself and presses the button."""
    stage = await shift(stage_for)
    await acts.ask(stage)
    ready = await acts.type_name(stage)
    await accept(stage)
    assert "Handed over" in stage.read(ready)
    await stage.until(lambda: stage.shown(acts.TYPE_IT) is not None, "a warning for Bob")
    await stage.world.quiet()
    await stage.reply(NAME)
    await stage.world.pass_time(5)
    assert not stage.restores()
    await stage.reply(NAME, by=stage.bob)
    await stage.world.stop_bot()  # the next one has asked Slack nothing about Alice
    await stage.world.start_bot()
    await stage.press(acts.READY, "Restore VM now", by=stage.bob)
    await stage.card(acts.RESTORED)
    assert annotations(stage) == {REQUESTED_BY: stage.alice.id, CONFIRMED_BY: stage.bob.id}
    assert named(stage) == ("Alice Example", "Bob Example")
    await golden(stage)


async def test_the_list_of_people_and_a_declined_offer(stage_for: SetStage, golden: Golden) -> None:
    """The list on the first card asks back; Bob declines, and Alice is told and goes on."""
    stage = await shift(stage_for)
    await acts.to_the_warning(stage)
    request = await stage.card(REQUEST)
    assert "Hand over to" in stage.read(request)
    await stage.alice.pick(request, HAND_OVER, stage.bob)
    await stage.press(OFFERED, "Decline", by=stage.bob)
    news = await stage.card("is still yours. Declined by")
    assert news in stage.alice.notified
    await acts.finish(stage)
    assert annotations(stage) == {REQUESTED_BY: stage.alice.id, CONFIRMED_BY: stage.alice.id}
    await golden(stage)


async def test_a_withdrawn_offer(stage_for: SetStage, golden: Golden) -> None:
    """Alice changes her mind; Bob, whose screen lags behind, is told that it is over."""
    stage = await shift(stage_for)
    await acts.to_the_warning(stage)
    card = await offer(stage)
    before = card.blocks
    await stage.press(OFFERED, "Withdraw")
    await stage.card("Withdrawn by")
    await stage.bob.click_stale(card, before, "Accept")
    await stage.whispered("This offer is over", to=stage.bob)
    await acts.finish(stage)
    await golden(stage)


async def test_an_offer_that_nobody_answers(stage_for: SetStage, golden: Golden) -> None:
    """It lapses by itself: the restore stays Alice's, and she is told."""
    stage = await shift(stage_for, rules={"answer_timeout": 60})
    await acts.to_the_warning(stage)
    await offer(stage)
    await stage.world.pass_time(50)
    await acts.type_name(stage)
    news = await stage.card("is still yours. Not accepted by")
    assert news in stage.alice.notified
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)
    await golden(stage)


async def test_an_offer_accepted_twice(stage_for: SetStage) -> None:
    """The second click finds the offer over and hands nothing over again."""
    stage = await shift(stage_for)
    await acts.to_the_warning(stage)
    card = await offer(stage)
    before = card.blocks
    await stage.bob.click(card, "Accept")
    await stage.bob.click_stale(card, before, "Accept")
    await stage.whispered("This offer is over", to=stage.bob)
    await stage.card(HANDED)
    assert sum("handed-over" in mark for mark in stage.marks()) == 1


async def test_the_old_owner_is_not_heard_any_more(stage_for: SetStage, golden: Golden) -> None:
    """What Alice types and presses after the handover does nothing; she is told who can."""
    stage = await shift(stage_for)
    await acts.to_the_warning(stage)
    await accept(stage)
    warning = await stage.card(acts.TYPE_IT)
    await stage.reply(NAME)
    await stage.alice.click(warning, "Cancel")
    await stage.whispered("Only @bob can answer for this restore")
    await stage.alice.slash(stage.channel, "/vm-restore cancel")
    await stage.whispered("You have no restore that could be cancelled")
    assert stage.shown(acts.READY) is None
    assert not stage.restores()
    await golden(stage)


async def test_what_comes_late_from_before_the_handover_does_not_count(
    stage_for: SetStage,
) -> None:
    """Bob's name from a moment before is delivered when it is his, and the warning stands again."""
    stage = await shift(stage_for)
    await acts.to_the_warning(stage)
    card = await offer(stage)
    await stage.world.quiet()
    stage.world.slack.faults.delay_delivery(4)
    await stage.reply(NAME, by=stage.bob)
    await stage.bob.click(card, "Accept")
    await stage.card("@bob, VM `database-01` would go back", within=3)
    await stage.world.pass_time(10)
    assert stage.shown(acts.READY) is None
    await stage.reply(NAME, by=stage.bob)
    await stage.card(acts.READY)


async def test_handed_over_while_the_cluster_restores(stage_for: SetStage, golden: Golden) -> None:
    """What Alice confirmed is carried out; Bob looks after it, and the result is his."""
    stage = await shift(stage_for)
    stage.world.kube.knobs.own_class("standard").bind = 30
    await acts.ask_and_confirm(stage)
    await stage.card("Restoring VM from snapshot")
    await accept(stage)
    result = await stage.card(acts.RESTORED)
    assert "@bob, VM `database-01` is back at snapshot" in stage.read(result)
    assert annotations(stage) == {REQUESTED_BY: stage.alice.id, CONFIRMED_BY: stage.alice.id}
    await stage.alice.click(result, "Start VM")
    await stage.whispered("Only @bob can answer for this restore")
    await stage.bob.click(result, "Start VM")
    await stage.card("✓ VM `database-01` started by @bob")
    await stage.world.quiet()
    await golden(stage)


async def test_the_policy_is_asked_for_who_confirmed_as_well(stage_for: SetStage) -> None:
    """Confirmed by Alice, handed to Bob while the VM stops: if Alice may no more, nothing is done."""
    stage = await shift(stage_for, running=True, rules={"stop_when": "confirmed"})
    await acts.ask_and_stop(stage)
    await acts.confirm(stage)
    await stage.card("being stopped gracefully")
    await accept(stage)
    stage.alice.user.deactivated = True
    await stage.card("This account is deactivated", within=400)
    assert not stage.restores()


async def test_a_failed_restore_is_handed_over_with_its_buttons(stage_for: SetStage) -> None:
    """After the end its result is posted anew for Bob, who tries again and confirms himself."""
    stage = await shift(stage_for)
    await acts.to_the_warning(stage)
    await stage.reply("pre-upgrade-snapshoot")
    await stage.card("Confirmation Failed")
    await mention(stage, "hand this over to @bob")
    await stage.press(OFFERED, "Accept", by=stage.bob)
    await stage.card("the buttons of the result are yours now")
    await stage.press("@bob, nothing was restored to VM", "Start over", by=stage.bob)
    await acts.finish(stage, by=stage.bob)
    assert annotations(stage) == {REQUESTED_BY: stage.bob.id, CONFIRMED_BY: stage.bob.id}


# Who may not


async def test_somebody_who_is_not_on_the_list_is_offered_nothing(
    stage_for: SetStage, golden: Golden
) -> None:
    """Alice is told why; in the channel nothing is said, and Bob hears nothing."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await mention(stage, "handoff @bob")
    await stage.whispered("They would be told: “You are not on the list")
    await stage.alice.pick(await stage.card(REQUEST), HAND_OVER, stage.bob)
    await stage.until(lambda: len(stage.whispers(stage.alice)) == 3, "both ways are answered")
    assert stage.shown("Handover") is None
    assert stage.bob.notified == [m for m in stage.channel.messages if "handoff" in m.text]
    await golden(stage)


async def test_those_who_never_may_are_offered_nothing(stage_for: SetStage) -> None:
    """Also where a grant names them; who that is stands in tests/restore/test_policy.py."""
    stage = await stage_for(start=False)
    mallory = stage.world.slack.person("mallory")
    mallory.user.bot = True
    stage.world.config = access(stage.alice, mallory)
    await stage.world.start_bot()
    await acts.to_the_warning(stage)
    await mention(stage, "handoff @mallory")
    await stage.whispered("Bots may not restore VMs")
    assert stage.shown("Handover") is None


async def test_rights_lost_since_the_offer(stage_for: SetStage) -> None:
    """Offered while Bob was in the group; when he accepts he is not, and is told so."""
    stage = await stage_for(start=False)
    group = stage.world.slack.user_group("platform", stage.bob)
    allowed: Any = access(stage.alice)
    allowed["access"]["grants"].append({"groups": [group.id], "namespaces": [NS]})
    stage.world.config = allowed
    await stage.world.start_bot()
    await acts.to_the_warning(stage)
    await offer(stage)
    group.members.clear()
    await stage.press(OFFERED, "Accept", by=stage.bob)
    await stage.whispered("You are not on the list of people who may restore VMs", to=stage.bob)
    assert stage.shown(HANDED) is None
    assert stage.shown(OFFERED) is not None


async def test_nothing_is_accepted_while_slack_says_nothing_of_people(
    stage_for: SetStage,
) -> None:
    """Fails closed: without an answer of Slack nobody gets a restore."""
    stage = await shift(stage_for)
    await acts.to_the_warning(stage)
    await offer(stage)
    stage.world.slack.faults.refuse("users.info", "internal_error", times=60)
    await stage.press(OFFERED, "Accept", by=stage.bob)
    await stage.whispered("Slack did not tell me who you are", to=stage.bob)
    assert stage.shown(HANDED) is None


# Which restore, and to whom


async def test_handed_over_by_slash_command(stage_for: SetStage, golden: Golden) -> None:
    """Alice's only restore is meant; what she hears is for her alone."""
    stage = await shift(stage_for)
    await acts.to_the_warning(stage)
    await stage.alice.slash(stage.channel, "/vm-restore handoff @bob")
    await stage.whispered("is offered to @bob. It stays yours until they accept.")
    await stage.card(OFFERED)
    await stage.world.quiet()
    await stage.alice.slash(stage.channel, "/vm-restore handoff @bob")
    await stage.whispered("is offered to that person already")
    await stage.press(OFFERED, "Accept", by=stage.bob)
    await stage.card(HANDED)
    await stage.world.quiet()
    await golden(stage)


async def test_a_name_that_slack_did_not_turn_into_a_person(stage_for: SetStage) -> None:
    """An app installed from an older manifest gets `@bob` as text: it could be anybody."""
    stage = await shift(stage_for)
    stage.world.slack.workspace.escapes_commands = False
    await acts.to_the_warning(stage)
    await stage.alice.slash(stage.channel, "/vm-restore handoff @bob")
    await stage.whispered("I cannot tell whom you mean by `@bob`")
    assert stage.shown(OFFERED) is None


async def test_which_of_several_restores(stage_for: SetStage, golden: Golden) -> None:
    """Two restores of Alice: she is asked which, with links; naming the VM is enough."""
    stage = await shift(stage_for)
    await acts.to_the_warning(stage)
    await acts.ask(stage, "/vm-restore web-01 from before-release in production")
    await stage.until(lambda: sum("warning" in m for m in stage.marks()) == 2, "two warnings")
    await stage.alice.slash(stage.channel, "/vm-restore handoff @bob")
    await stage.whispered("Which of your restores?")
    await stage.alice.slash(stage.channel, "/vm-restore handoff web-01 to @bob")
    card = await stage.card(OFFERED)
    assert "web-01" in stage.read(card)
    await golden(stage)


async def test_nothing_to_hand_over(stage_for: SetStage) -> None:
    """Neither somebody without a restore nor somebody in another's thread hands anything over."""
    stage = await shift(stage_for)
    await stage.bob.slash(stage.channel, "/vm-restore handoff @alice")
    await stage.whispered("You have no restore that could be handed over", to=stage.bob)
    await acts.to_the_warning(stage)
    await mention(stage, "handoff @alice", by=stage.bob)
    await stage.whispered("Only @alice can hand over the restore", to=stage.bob)
    await mention(stage, "handoff @alice")
    await stage.whispered("is yours already")


async def test_somebody_who_is_not_in_the_channel_is_told_by_direct_message(
    stage_for: SetStage, golden: Golden
) -> None:
    """Slack notifies only members, so the offer comes by direct message, with what to do first."""
    stage = await shift(stage_for)
    incidents = stage.channel
    incidents.members.remove(stage.bob.user)
    await acts.to_the_warning(stage)
    await offer(stage)
    stage.channel = stage.world.slack.dm(stage.bob)
    copy = await stage.card("asks you to go on with this restore")
    await stage.bob.click(copy, "Accept")
    await stage.whispered("you are not in #incidents, where", to=stage.bob)
    await golden(stage, "refused")
    incidents.members.append(stage.bob.user)
    await stage.bob.click(copy, "Accept")
    await stage.card("Accepted by @bob")
    await golden(stage, "accepted")
    stage.channel = incidents
    assert await stage.card(HANDED) in stage.bob.notified


async def test_nothing_is_accepted_while_slack_does_not_say_who_is_in_the_channel(
    stage_for: SetStage,
) -> None:
    """Fails closed: a person who could not answer in the thread must not be the one who is asked."""
    stage = await shift(stage_for)
    await acts.to_the_warning(stage)
    await offer(stage)
    stage.world.slack.faults.refuse("conversations.members", "fetch_members_failed")
    await stage.press(OFFERED, "Accept", by=stage.bob)
    await stage.whispered("Slack does not tell me whether you are in #incidents", to=stage.bob)
    assert stage.shown(HANDED) is None
    assert stage.shown(OFFERED) is not None


async def test_somebody_is_told_twice_rather_than_not_at_all(stage_for: SetStage) -> None:
    """Slack does not say who is in the channel: Bob gets the direct message as well."""
    stage = await shift(stage_for)
    stage.world.slack.faults.refuse("conversations.members", "fetch_members_failed")
    await acts.to_the_warning(stage)
    await offer(stage)
    room = stage.world.slack.dm(stage.bob)
    await stage.until(lambda: room.messages, "a direct message for Bob")


async def test_a_restore_in_a_direct_message_moves_to_its_new_owner(
    stage_for: SetStage, golden: Golden
) -> None:
    """Bob cannot read Alice's direct message: he gets the offer in his own, and goes on there."""
    stage = await shift(stage_for)
    slack = stage.world.slack
    hers, his = slack.dm(stage.alice), slack.dm(stage.bob)
    stage.channel = hers
    await acts.to_the_warning(stage)
    await stage.alice.slash(hers, "/vm-restore handoff @bob")
    await stage.card(OFFERED)
    stage.channel = his
    await stage.press(OFFERED, "Accept", by=stage.bob)
    await stage.card(HANDED)
    await stage.card(acts.TYPE_IT)
    stage.thread = next(m for m in stage.cards() if REQUEST in stage.read(m))
    await stage.reply(NAME, by=stage.bob)
    await stage.press(acts.READY, "Restore VM now", by=stage.bob)
    await stage.card(acts.RESTORED)
    await golden(stage, "bob")
    stage.channel = hers
    await stage.card("is with @bob now")
    await golden(stage, "alice")


async def test_cards_answered_at_the_moment_of_the_move(stage_for: SetStage) -> None:
    """Alice confirms and Bob accepts at once: nothing in her direct message can be pressed after."""
    stage = await shift(stage_for)
    slack = stage.world.slack
    stage.channel = slack.dm(stage.alice)
    await acts.to_the_warning(stage)
    stage.thread = stage.root()
    ready = await acts.type_name(stage)
    await stage.alice.slash(stage.channel, "/vm-restore handoff @bob")
    await stage.card(OFFERED)
    stage.channel = slack.dm(stage.bob)
    copy = await stage.card(OFFERED)
    await stage.world.quiet()
    await stage.alice.click(ready, "Restore VM now")
    await stage.bob.click(copy, "Accept")
    await stage.card(acts.RESTORED)
    await stage.world.quiet()
    stage.channel = slack.dm(stage.alice)
    assert "Confirmed by @alice" in stage.transcript()
    assert "[" not in stage.transcript()
    assert len(stage.restores()) == 1


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("withdrawn", "Withdrawn by @alice"),
        ("declined", "Declined by @bob"),
        ("lapsed", "Not accepted by @bob in time"),
        ("offered to carol", "Offered to @carol instead"),
        ("cancelled", "Cancelled by @alice"),
    ],
)
@pytest.mark.parametrize("where", ["direct message", "channel"])
async def test_an_offer_by_direct_message_ends_with_the_offer(
    stage_for: SetStage, where: str, ending: str, said: str
) -> None:
    """However it ends, Bob's copy loses its buttons and says how, without his doing anything."""
    stage = await stage_for(start=False)
    slack, carol = stage.world.slack, stage.world.slack.person("carol")
    stage.world.config = {**access(stage.alice, stage.bob, carol), "rules": {"answer_timeout": 60}}
    await stage.world.start_bot()
    stage.channel.members.remove(stage.bob.user)
    hers = stage.channel = slack.dm(stage.alice) if where == "direct message" else stage.channel
    await acts.to_the_warning(stage)
    await stage.alice.slash(hers, "/vm-restore handoff @bob")
    await stage.card(OFFERED)
    stage.channel = slack.dm(stage.bob)
    copy = await stage.card(OFFERED)
    match ending:
        case "withdrawn":
            stage.channel = hers
            await stage.press(OFFERED, "Withdraw")
        case "declined":
            await stage.bob.click(copy, "Decline")
        case "lapsed":
            stage.channel = hers
            await stage.world.pass_time(45)
            await acts.type_name(stage)
        case "offered to carol":
            await stage.alice.slash(hers, "/vm-restore handoff @carol")
        case _:
            await stage.alice.slash(hers, "/vm-restore cancel")
    stage.channel = slack.dm(stage.bob)
    await stage.card(said)
    assert stage.shown(OFFERED) is None
    assert "[Accept]" not in stage.transcript()
    assert len([mark for mark in stage.marks() if "copy" in mark]) == 1


async def test_an_offer_by_direct_message_survives_a_crash(stage_for: SetStage) -> None:
    """Withdrawn while the bot is being started again: the copy is put right all the same, not doubled."""
    stage = await shift(stage_for)
    slack = stage.world.slack
    hers, his = slack.dm(stage.alice), slack.dm(stage.bob)
    stage.channel = hers
    await acts.to_the_warning(stage)
    await stage.alice.slash(hers, "/vm-restore handoff @bob")
    await stage.until(lambda: his.messages, "the copy for Bob")
    slack.faults.fail("chat.update", 503, times=99)
    await stage.press(OFFERED, "Withdraw")
    await stage.world.pass_time(10)
    await stage.world.stop_bot()
    stage.channel = his
    assert stage.shown(OFFERED) is not None
    slack.faults.clear()
    await stage.world.start_bot()
    await stage.card("Withdrawn by @alice")
    assert len(stage.marks()) == 1


async def test_an_offer_whose_post_got_no_answer_is_found_again(stage_for: SetStage) -> None:
    """The copy was posted and Slack's answer lost: it is looked for, not posted a second time."""
    stage = await shift(stage_for)
    slack = stage.world.slack
    hers, his = slack.dm(stage.alice), slack.dm(stage.bob)
    stage.channel = hers
    await acts.to_the_warning(stage)
    slack.faults.drop_after("chat.postMessage", skip=1)
    await stage.alice.slash(hers, "/vm-restore handoff @bob")
    await stage.card(OFFERED)
    await stage.until(lambda: his.messages, "the copy for Bob")
    await stage.world.pass_time(10)
    stage.channel = his
    assert len(stage.marks()) == 1
    await stage.press(OFFERED, "Decline", by=stage.bob)
    await stage.card("Declined by @bob")


async def test_no_direct_message_can_be_opened(stage_for: SetStage) -> None:
    """A restore in a direct message cannot go on with somebody with whom Slack opens none."""
    stage = await shift(stage_for, on_call=True)
    slack, incidents = stage.world.slack, stage.channel
    stage.channel = slack.dm(stage.alice)
    await acts.to_the_warning(stage)
    slack.faults.refuse("conversations.open", "cannot_dm_bot", times=99)
    await stage.alice.slash(stage.channel, "/vm-restore handoff @bob")
    await stage.whispered("Slack opens none with @bob")
    assert stage.shown(OFFERED) is None
    stage.channel = incidents
    await stage.bob.slash(incidents, "/vm-restore take over")
    await stage.whispered("Slack opens none with @bob", to=stage.bob)


async def test_somebody_who_cannot_be_written_to(stage_for: SetStage) -> None:
    """Slack refuses the direct message with Bob: the thread goes on as if nothing had been."""
    stage = await shift(stage_for)
    stage.channel.members.remove(stage.bob.user)
    await acts.to_the_warning(stage)
    room = stage.world.slack.dm(stage.bob)
    room.archived = True
    await offer(stage)
    await acts.finish(stage)
    assert room.messages == []


async def test_the_bot_itself_takes_nothing(stage_for: SetStage) -> None:
    """Whether Alice names it in a sentence or in a command; without it the command is the report."""
    stage = await shift(stage_for)
    await acts.to_the_warning(stage)
    bot = stage.world.slack.mention
    for words in (f"handoff {bot}", f"{bot} handoff {bot}"):
        await stage.reply(words)
        answer = await stage.whispered("I cannot have it")
        stage.channel.messages.remove(answer)
        assert stage.shown("Shift report") is None
    await stage.alice.slash(stage.channel, f"/vm-restore handoff {bot}")
    await stage.whispered("I cannot have it")
    assert stage.shown(OFFERED) is None
    await stage.reply(f"please, {bot} handoff")
    await stage.card("Shift report")


@pytest.mark.parametrize("at", [7, 9, 11], ids=lambda at: f"crossing {at}")
@pytest.mark.parametrize("how", ["accepted", "taken over"])
async def test_a_worker_dies_over_a_handover_by_direct_message(
    stage_for: SetStage, how: str, at: int
) -> None:
    """Around the commit: Bob is not told that nothing was done, and Alice reads where it is."""
    stage = await shift(stage_for, on_call=True)
    await stage.world.stop_bot()
    async with restarting(stage.world) as wires:
        await stage.world.start_bot()
        slack = stage.world.slack
        hers, his = slack.dm(stage.alice), slack.dm(stage.bob)
        stage.channel = hers
        await acts.to_the_warning(stage)
        if how == "accepted":
            await stage.alice.slash(hers, "/vm-restore handoff @bob")
            await stage.until(lambda: his.messages, "the copy for Bob")
        await stage.world.quiet()
        stage.channel = his
        wires.count(Fault(at, applied=True))
        if how == "accepted":
            await stage.press(OFFERED, "Accept", by=stage.bob)
        else:
            await stage.bob.slash(his, "/vm-restore take over")
        await stage.card(acts.TYPE_IT)
        await stage.world.pass_time(30)
        assert wires.falls
        for wrong in ("nothing was changed", "nothing was done", "Nothing was changed"):
            assert wrong not in stage.transcript(stage.bob)
        stage.channel = hers
        await stage.card("is with @bob now")
        assert "[Cancel]" not in stage.transcript()


async def test_a_restore_in_a_direct_message_is_taken_over(stage_for: SetStage) -> None:
    """Bob names the VM; the restore goes on in his direct message, and Alice reads it in hers."""
    stage = await shift(stage_for, on_call=True)
    slack, incidents = stage.world.slack, stage.channel
    hers, his = slack.dm(stage.alice), slack.dm(stage.bob)
    stage.channel = hers
    warning = await acts.to_the_warning(stage)
    before = warning.blocks
    await stage.bob.slash(incidents, "/vm-restore take over database-01")
    await stage.card("is with @bob now, who took it over from @alice")
    await stage.alice.click_stale(warning, before, "Cancel")
    await stage.whispered("Only @bob can answer for this restore")
    await stage.world.quiet()
    assert "[Cancel]" not in stage.transcript()
    stage.channel = his
    await stage.card(acts.TYPE_IT)
    stage.thread = next(m for m in stage.cards() if REQUEST in stage.read(m))
    await stage.reply(NAME, by=stage.bob)
    await stage.press(acts.READY, "Restore VM now", by=stage.bob)
    await stage.card(acts.RESTORED)


# Taking over


async def test_taken_over_by_somebody_on_call(stage_for: SetStage, golden: Golden) -> None:
    """Alice is gone; Bob presses her button, is told that he may take over, and does."""
    stage = await shift(stage_for, on_call=True)
    await acts.to_the_warning(stage)
    await stage.press(acts.TYPE_IT, "Cancel", by=stage.bob)
    answer = await stage.whispered("You are on call: take over", to=stage.bob)
    await stage.bob.click(answer, "Take over")
    news = await stage.card(TAKEN)
    assert news in stage.alice.notified
    await acts.finish(stage, by=stage.bob)
    assert annotations(stage) == {REQUESTED_BY: stage.alice.id, CONFIRMED_BY: stage.bob.id}
    await golden(stage)


async def test_taken_over_in_the_thread_by_words(stage_for: SetStage) -> None:
    """The thread says which restore is meant."""
    stage = await shift(stage_for, on_call=True)
    await acts.to_the_warning(stage)
    await mention(stage, "please take over from @alice", by=stage.bob)
    await stage.card(TAKEN)


async def test_taken_over_by_slash_command(stage_for: SetStage, golden: Golden) -> None:
    """With several restores the bot asks which; the VM's name is enough."""
    stage = await shift(stage_for, on_call=True)
    await acts.to_the_warning(stage)
    await acts.ask(stage, "/vm-restore web-01 from before-release in production")
    await stage.until(lambda: sum("warning" in m for m in stage.marks()) == 2, "two warnings")
    await stage.bob.slash(stage.channel, "/vm-restore take over")
    await stage.whispered("Which restore?", to=stage.bob)
    await stage.bob.slash(stage.channel, "/vm-restore take over web-01")
    await stage.whispered("The restore of VM `web-01` is yours now", to=stage.bob)
    card = await stage.card(TAKEN)
    assert "web-01" in stage.read(card)
    await stage.bob.slash(stage.channel, "/vm-restore take over web-01")
    await stage.whispered("is yours already", to=stage.bob)
    await golden(stage)


async def test_nobody_else_takes_over(stage_for: SetStage, golden: Golden) -> None:
    """Bob may restore and is not on call: no button for him, and his words are refused."""
    stage = await shift(stage_for)
    await acts.to_the_warning(stage)
    await stage.press(acts.TYPE_IT, "Cancel", by=stage.bob)
    answer = await stage.whispered("Only @alice can answer for this restore", to=stage.bob)
    assert "Take over" not in stage.read(answer)
    await mention(stage, "take over", by=stage.bob)
    await stage.whispered("Only people on call may take over a restore", to=stage.bob)
    await stage.bob.slash(stage.channel, "/vm-restore take over database-01")
    await stage.until(lambda: len(stage.whispers(stage.bob)) == 4, "the command is answered")
    assert stage.shown(TAKEN) is None
    await golden(stage)


async def test_nothing_is_taken_over_by_somebody_who_could_not_answer(
    stage_for: SetStage, golden: Golden
) -> None:
    """Bob is on call and in neither channel: he is told what to do first, and does it."""
    stage = await shift(stage_for, on_call=True)
    room = stage.world.slack.channel("war-room", stage.alice, private=True)
    incidents, stage.channel = stage.channel, room
    incidents.members.remove(stage.bob.user)
    await acts.to_the_warning(stage)
    await stage.alice.slash(incidents, "/vm-restore web-01 from before-release in production")
    await stage.until(lambda: incidents.messages, "the restore of web-01")
    stage.channel = stage.world.slack.dm(stage.bob)
    await stage.bob.slash(stage.channel, "/vm-restore take over database-01")
    await stage.whispered("Ask somebody in it to invite you", to=stage.bob)
    await stage.bob.slash(stage.channel, "/vm-restore take over web-01")
    await stage.whispered("Join it", to=stage.bob)
    room.members.append(stage.bob.user)
    await stage.bob.slash(stage.channel, "/vm-restore take over database-01")
    await stage.whispered("The restore of VM `database-01` is yours now", to=stage.bob)
    await golden(stage, "bob")
    stage.channel = room
    assert await stage.card(TAKEN) in stage.bob.notified


@pytest.mark.parametrize("words", ["take over", "take over database-01"])
async def test_what_one_may_not_see_cannot_be_taken_over(stage_for: SetStage, words: str) -> None:
    """Bob is on call for staging: he does not even hear that there is something in production."""
    stage = await stage_for(start=False)
    allowed: Any = access(stage.alice)
    allowed["access"]["grants"].append({"users": [stage.bob.id], "namespaces": ["staging"]})
    allowed["access"]["on_call"] = {"users": [stage.bob.id]}
    stage.world.config = allowed
    await stage.world.start_bot()
    await acts.to_the_warning(stage)
    stage.channel = stage.world.slack.dm(stage.bob)
    await stage.bob.slash(stage.channel, f"/vm-restore {words}")
    await stage.whispered("There is no restore that you could take over.", to=stage.bob)
    assert "production" not in stage.transcript(stage.bob)


async def test_what_one_may_not_have_is_refused_in_its_thread(stage_for: SetStage) -> None:
    """There it is no secret, so Bob is told why."""
    stage = await stage_for(start=False)
    allowed: Any = access(stage.alice)
    allowed["access"]["grants"].append({"users": [stage.bob.id], "namespaces": ["staging"]})
    allowed["access"]["on_call"] = {"users": [stage.bob.id]}
    stage.world.config = allowed
    await stage.world.start_bot()
    await acts.to_the_warning(stage)
    await mention(stage, "take over", by=stage.bob)
    await stage.whispered("You may not restore VMs in namespace `production`", to=stage.bob)


async def on_call_by_group(stage_for: SetStage) -> tuple[Stage, UserGroup]:
    """Bob may restore, and take over as long as he is in the group."""
    stage = await stage_for(start=False)
    group = stage.world.slack.user_group("oncall", stage.bob)
    allowed: Any = access(stage.alice, stage.bob)
    allowed["access"]["on_call"] = {"groups": [group.id]}
    stage.world.config = allowed
    await stage.world.start_bot()
    await acts.to_the_warning(stage)
    return stage, group


async def test_the_group_is_read_again_at_the_moment_of_use(stage_for: SetStage) -> None:
    """Bob was on call when he saw the button; a moment later he is not, and it does nothing."""
    stage, group = await on_call_by_group(stage_for)
    await stage.press(acts.TYPE_IT, "Cancel", by=stage.bob)
    answer = await stage.whispered("You are on call", to=stage.bob)
    group.members.clear()
    await stage.bob.click(answer, "Take over")
    await stage.whispered("Only people on call may take over a restore", to=stage.bob)
    assert stage.shown(TAKEN) is None


async def test_nothing_is_taken_over_while_slack_says_nothing_of_the_group(
    stage_for: SetStage,
) -> None:
    """Fails closed: the button is left out, and words do no more."""
    stage, _ = await on_call_by_group(stage_for)
    stage.world.slack.faults.refuse("usergroups.users.list", "internal_error", times=200)
    await stage.world.pass_time(70)
    await stage.press(acts.TYPE_IT, "Cancel", by=stage.bob)
    answer = await stage.whispered("Only @alice can answer for this restore", to=stage.bob)
    assert "Take over" not in stage.read(answer)
    await mention(stage, "take over", by=stage.bob)
    await stage.whispered("Slack did not tell me who you are", to=stage.bob)
    assert stage.shown(TAKEN) is None


async def test_a_button_from_before_somebody_else_took_over(stage_for: SetStage) -> None:
    """Bob and Carol both see the button; Carol is quicker, and Bob does not take it from her."""
    stage = await stage_for(start=False)
    carol = stage.world.slack.person("carol")
    stage.channel.members.append(carol.user)
    allowed: Any = access(stage.alice, stage.bob, carol)
    allowed["access"]["on_call"] = {"users": [stage.bob.id, carol.id]}
    stage.world.config = allowed
    await stage.world.start_bot()
    await acts.to_the_warning(stage)
    answers = []
    for person in (stage.bob, carol):
        await stage.press(acts.TYPE_IT, "Cancel", by=person)
        answers.append(await stage.whispered("You are on call", to=person))
    await carol.click(answers[1], "Take over")
    await stage.card("is with @carol now")
    await stage.bob.click(answers[0], "Take over")
    await stage.whispered("has passed on to @carol meanwhile", to=stage.bob)
    assert sum("handed-over" in mark for mark in stage.marks()) == 1


async def test_the_audit_says_who_passed_it_to_whom(stage_for: SetStage) -> None:
    """Offers, handovers and refused attempts stand in the audit stream."""
    stage = await shift(stage_for, on_call=True)
    alice, bob, carol = stage.alice.id, stage.bob.id, stage.world.slack.person("carol")
    stage.channel.members.append(carol.user)
    await acts.to_the_warning(stage)
    await mention(stage, "take over", by=carol)
    await stage.whispered("You are not on the list", to=carol)
    await offer(stage)
    await mention(stage, "take over", by=stage.bob)
    await stage.card(TAKEN)
    assert stage.world.bot is not None
    kinds = ("refused", "offered", "taken-over")
    entries = [each async for each in stage.world.bot.store.audit.read() if each.kind in kinds]
    assert [(each.kind, each.by, each.detail) for each in entries] == [
        ("refused", carol.id, ""),
        ("offered", alice, f"to {bob}"),
        ("taken-over", bob, f"from {alice}"),
    ]
