"""Who may: everybody else is answered alone, before anything is asked of the cluster.

Asked at once and again before acting; what Slack does not say permits nothing.
"""

from collections.abc import Callable

import pytest

from bot.playground.slack import Person, SlackSim
from bot.playground.stage import Stage, access
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

OF_THE_START = ("", "kube-system")
"""The namespaces of what a bot asks when it starts."""
ASKED = "restore database-01 from pre-upgrade-snapshot in production"
CREATE, STOP = "create virtualmachinerestores", "update virtualmachines/stop"
NOT_LISTED = "You are not on the list of people who may restore VMs here. Ask the platform team."


async def nothing_was_started(stage: Stage) -> None:
    """No card in the channel; of the cluster nothing was asked but the start-up's questions."""
    await stage.world.pass_time(5)
    assert stage.cards() == []
    assert [call.path for call in stage.world.kube.log if call.namespace not in OF_THE_START] == []


async def mentions(stage: Stage, person: Person) -> None:
    """The person asks by mention."""
    await person.say(stage.channel, f"{stage.world.slack.mention} {ASKED}")


async def test_not_on_the_list(stage_for: SetStage, golden: Golden) -> None:
    """Default deny: the answer says whom to ask, and nobody else sees it."""
    stage = await stage_for()
    await mentions(stage, stage.bob)
    await stage.whispered(NOT_LISTED, to=stage.bob)
    await stage.bob.slash(stage.channel, acts.REQUEST)
    await stage.until(lambda: len(stage.whispers(stage.bob)) == 3, "both ways are answered")
    await nothing_was_started(stage)
    await golden(stage)


async def test_a_stranger_learns_no_name_of_a_cluster(stage_for: SetStage) -> None:
    """Whatever they ask, and in their Home: the policy is asked before any name is told."""
    stage = await stage_for(start=False)
    config = {"kubeconfig": str(stage.world.directory / "kubeconfig")}
    clusters = {"clusters": {"east-dc": config, "west-dc": config}, "default_cluster": "east-dc"}
    stage.world.config = {**access(stage.alice), **clusters}
    await stage.world.start_bot()
    asked = ("restore database-01 from x", "list web-01", "status", "history")
    for text in asked:
        await stage.bob.slash(stage.channel, f"/vm-restore {text} --cluster mars")
    await stage.bob.open_home()
    await stage.world.quiet()
    answers = [each.text for each in stage.whispers(stage.bob) if each.author.bot]
    assert len(answers) == len(asked)
    assert stage.bob.home is not None
    seen = [*answers, str(stage.bob.home.blocks)]
    assert [each for each in seen if "-dc" in each or "not on the list" not in each] == []
    await nothing_was_started(stage)


async def test_nobody_is_on_the_list(stage_for: SetStage) -> None:
    """Without any grant nobody may, not even in a direct message."""
    stage = await stage_for(start=False)
    stage.world.config = {}
    await stage.world.start_bot()
    stage.channel = stage.world.slack.dm(stage.alice)
    await mentions(stage, stage.alice)
    await stage.whispered("Ask the owners of this bot.")
    await nothing_was_started(stage)


Somebody = Callable[[SlackSim], Person]


def guest(slack: SlackSim) -> Person:
    """A guest of several channels."""
    return slack.person("mallory", guest=True)


def one_channel_guest(slack: SlackSim) -> Person:
    """A guest of one channel."""
    return slack.person("mallory", ultra_guest=True)


def foreigner(slack: SlackSim) -> Person:
    """Somebody of another company, by Slack Connect."""
    return slack.person("mallory", foreign=True)


def robot(slack: SlackSim) -> Person:
    """Another app's bot user."""
    return slack.person("mallory", bot=True)


async def stranger(
    stage_for: SetStage, who: Somebody, *, shared: bool = False
) -> tuple[Stage, Person]:
    """Somebody whom a grant names and who may not all the same."""
    stage = await stage_for(start=False)
    slack = stage.world.slack
    mallory = who(slack)
    stage.channel = slack.channel("partners", stage.alice, mallory, ext_shared=shared)
    stage.world.config = access(stage.alice, mallory)
    await stage.world.start_bot()
    return stage, mallory


@pytest.mark.parametrize("who", [guest, one_channel_guest])
async def test_guests_never_may(stage_for: SetStage, who: Somebody) -> None:
    """No grant can allow a guest."""
    stage, mallory = await stranger(stage_for, who)
    await mentions(stage, mallory)
    await stage.whispered("Guests may not restore VMs", to=mallory)
    await nothing_was_started(stage)


async def test_people_of_other_companies_never_may(stage_for: SetStage) -> None:
    """Slack Connect: a stranger is told that only members may."""
    stage, mallory = await stranger(stage_for, foreigner, shared=True)
    await mentions(stage, mallory)
    await stage.whispered("Only members of this workspace may restore VMs", to=mallory)
    await nothing_was_started(stage)


async def test_a_shared_channel_is_no_place(stage_for: SetStage) -> None:
    """What other companies read is no place for a restore, for nobody."""
    stage, _ = await stranger(stage_for, foreigner, shared=True)
    await mentions(stage, stage.alice)
    await stage.whispered("This channel is shared with another company")
    await stage.alice.slash(stage.channel, acts.REQUEST)
    await stage.until(lambda: len(stage.whispers(stage.alice)) == 3, "both ways are answered")
    await nothing_was_started(stage)


async def test_bots_are_not_heard(stage_for: SetStage) -> None:
    """What another app says starts nothing, and is not talked back to."""
    stage, mallory = await stranger(stage_for, robot)
    await mentions(stage, mallory)
    await stage.world.slack.post_as_app(
        stage.channel, f"<@{stage.world.slack.bot_user_id}> {ASKED}"
    )
    await nothing_was_started(stage)
    assert stage.whispers(mallory) == []


async def test_a_deactivated_account_never_may(stage_for: SetStage) -> None:
    """Deactivated while the message was on its way: refused when it is dealt with."""
    stage = await stage_for()
    await stage.world.quiet()
    stage.world.slack.faults.delay_delivery(5, times=2)
    await mentions(stage, stage.alice)
    stage.alice.user.deactivated = True
    await stage.world.pass_time(6)
    await nothing_was_started(stage)
    assert [call.method for call in stage.world.slack.log].count("users.info") == 1


async def test_a_channel_that_no_grant_names(stage_for: SetStage) -> None:
    """A grant for one channel is none for another."""
    stage = await stage_for(start=False)
    war_room = stage.world.slack.channel("war-room", stage.alice)
    grant = {"users": [stage.alice.id], "channels": [war_room.id], "namespaces": ["production"]}
    stage.world.config = {"access": {"contact": "the platform team", "grants": [grant]}}
    await stage.world.start_bot()
    await mentions(stage, stage.alice)
    await stage.whispered(NOT_LISTED)
    await nothing_was_started(stage)
    stage.channel = war_room
    stage.thread = await stage.alice.say(war_room, ASKED)
    await acts.finish(stage)


async def test_a_namespace_that_no_grant_names(stage_for: SetStage) -> None:
    """The namespace that is meant is named in the answer."""
    stage = await stage_for()
    stage.world.kube.seed.vm("staging", "database-01", running=False)
    await acts.ask(stage, "/vm-restore staging/database-01 pre-upgrade-snapshot")
    await stage.whispered(
        "You may not restore VMs in namespace `staging` from here. Ask the platform team."
    )
    await nothing_was_started(stage)


async def oncall(stage_for: SetStage, *, running: bool = False) -> Stage:
    """Alice may restore because she is in the group @oncall."""
    stage = await stage_for(start=False, running=running)
    group = stage.world.slack.user_group("oncall", stage.alice)
    grant = {"groups": [group.id], "namespaces": ["production"]}
    stage.world.config = {"access": {"contact": "the platform team", "grants": [grant]}}
    await stage.world.start_bot()
    return stage


def leaves_the_group(stage: Stage) -> None:
    """Alice's shift is over."""
    for group in stage.world.slack.workspace.groups.values():
        group.members.clear()


def is_deactivated(stage: Stage) -> None:
    """Alice's account is switched off."""
    stage.alice.user.deactivated = True


def channel_is_shared(stage: Stage) -> None:
    """Somebody invites another company into the channel."""
    stage.channel.ext_shared = True


LOST = [leaves_the_group, is_deactivated, channel_is_shared]


@pytest.mark.parametrize("loses", LOST)
async def test_permission_lost_before_the_restore(
    stage_for: SetStage, loses: Callable[[Stage], None]
) -> None:
    """Both confirmations are in, but Slack says no when it counts: nothing is restored."""
    stage = await oncall(stage_for)
    await acts.to_the_button(stage)
    loses(stage)
    await acts.press_restore(stage)
    await stage.card("# ❌ Not Permitted")
    await stage.world.pass_time(60)
    assert acts.changes(stage) == []


@pytest.mark.parametrize("loses", LOST)
async def test_permission_lost_before_the_stop(
    stage_for: SetStage, loses: Callable[[Stage], None]
) -> None:
    """The same before the stop: the VM goes on running, and the thread says so."""
    stage = await oncall(stage_for, running=True)
    await acts.ask(stage)
    await stage.card(acts.MUST_STOP)
    loses(stage)
    await stage.press(acts.MUST_STOP, "Stop and restore")
    said = stage.read(await stage.card("# ❌ Not Permitted"))
    assert "*stopp" not in said
    await stage.world.pass_time(60)
    assert acts.changes(stage) == []
    assert acts.live(stage)


async def test_permission_lost_after_the_stop(stage_for: SetStage, golden: Golden) -> None:
    """The VM was stopped for a restore that may not be any more: the thread tells both."""
    stage = await oncall(stage_for, running=True)
    await acts.ask_and_stop(stage)
    await acts.type_name(stage)
    leaves_the_group(stage)
    await acts.press_restore(stage)
    await stage.card("# ❌ Not Permitted")
    await stage.world.pass_time(60)
    await golden(stage)
    assert acts.sent(stage) == [STOP]


async def test_a_click_without_permission(stage_for: SetStage) -> None:
    """Known at once, a click is refused to the person alone, and the question stays."""
    stage = await oncall(stage_for)
    await acts.to_the_button(stage)
    leaves_the_group(stage)
    await stage.world.pass_time(61)
    await acts.press_restore(stage)
    await stage.whispered("You are not on the list of people who may restore VMs here")
    assert "Restore VM now" in stage.read(await stage.card(acts.READY))
    await stage.press(acts.READY, "Cancel")
    await stage.card("Restore operation cancelled by user.")
    assert acts.changes(stage) == []


async def test_permission_given_back(stage_for: SetStage) -> None:
    """Each answer of Slack's counts for its moment only."""
    stage = await oncall(stage_for)
    leaves_the_group(stage)
    await acts.ask(stage)
    await stage.whispered(NOT_LISTED)
    for group in stage.world.slack.workspace.groups.values():
        group.members.append(stage.alice.user)
    await stage.world.pass_time(61)
    await acts.ask_and_finish(stage)
    assert acts.sent(stage) == [CREATE]


async def test_slack_is_slow_to_say_who_it_is(stage_for: SetStage) -> None:
    """A hiccup of users.info costs seconds: the request is kept and dealt with."""
    stage = await stage_for()
    stage.world.slack.faults.fail("users.info", times=3)
    await acts.ask(stage)
    await stage.card(acts.TYPE_IT)


async def test_slack_does_not_say_who_it_is(stage_for: SetStage) -> None:
    """Without an answer of users.info nothing starts; the asker is told, and nobody else."""
    stage = await stage_for()
    stage.world.slack.faults.fail("users.info", times=1000)
    await acts.ask(stage)
    await stage.whispered("Slack did not tell me who you are")
    await nothing_was_started(stage)


@pytest.mark.parametrize(
    ("method", "scope", "said"),
    [
        ("users.info", "users:read", "lacks the right `users:read`"),
        ("conversations.info", "channels:read", "lacks the right `channels:read`"),
        ("users.info", None, "Slack refuses me what I need for it (`a_code_of_tomorrow`)"),
    ],
)
async def test_slack_refuses_to_say_who_it_is(
    stage_for: SetStage, method: str, scope: str | None, said: str
) -> None:
    """It is no permission either; the person reads what is missing, and an operator finds it."""
    stage = await stage_for()
    slack, bot = stage.world.slack, stage.world.bot
    assert bot is not None
    if scope is None:
        slack.faults.forbid(method, "a_code_of_tomorrow")
    else:
        slack.scopes.remove(scope)
    await acts.ask(stage)
    await stage.whispered(said)
    await nothing_was_started(stage)
    counted = bot.metrics.registry.get_sample_value
    missing = counted("vm_restore_scopes_missing_total", {"scope": scope or ""})
    assert (missing, (await bot.warnings()).get("scopes")) == (
        (1.0, f"the Slack app lacks {scope}") if scope else (None, None)
    )


async def test_slack_does_not_say_it_before_the_restore(stage_for: SetStage) -> None:
    """Right before the act the policy cannot be asked: the restore waits, then goes on."""
    stage = await stage_for()
    await acts.to_the_button(stage)
    stage.world.slack.faults.fail("users.info", times=1000)
    await acts.press_restore(stage)
    await stage.world.pass_time(60)
    assert acts.changes(stage) == []
    assert "*Trouble just now*: Slack failed" in stage.transcript()
    stage.world.slack.faults.clear()
    await stage.card(acts.RESTORED)
    assert acts.sent(stage) == [CREATE]


async def test_slack_does_not_say_it_for_too_long(stage_for: SetStage, golden: Golden) -> None:
    """What was agreed to is not acted on much later: it ends, and says why."""
    stage = await stage_for()
    await acts.to_the_button(stage)
    stage.world.slack.faults.fail("users.info", times=10_000)
    await acts.press_restore(stage)
    await stage.world.pass_time(30)
    await stage.world.leap(11 * 60)
    stage.world.slack.faults.clear()
    await stage.card("# ❌ Confirmation Too Old")
    await stage.world.quiet()
    await golden(stage)
    assert acts.changes(stage) == []


GROUPS = 25
"""More than Slack tells of in a minute."""


async def among_many_groups(stage_for: SetStage) -> Stage:
    """Alice may restore because she is in the last of many groups."""
    stage = await stage_for(start=False)
    groups = [stage.world.slack.user_group(f"team-{number:02}") for number in range(GROUPS)]
    groups[-1].members.append(stage.alice.user)
    grant = {"groups": [group.id for group in groups], "namespaces": ["production"]}
    stage.world.config = {"access": {"contact": "the platform team", "grants": [grant]}}
    await stage.world.start_bot()
    return stage


async def test_more_groups_than_slack_tells_of_in_a_minute(stage_for: SetStage) -> None:
    """Slack limits the reading, twice: it takes longer, which is said with its cause, and goes on."""
    stage = await among_many_groups(stage_for)
    for _ in range(GROUPS):  # somebody else has asked just before
        stage.world.slack.limits.on_method("usergroups.users.list", 2)
    await acts.ask(stage)
    await stage.whispered("Slack limits how fast I may ask it who you are")
    await acts.confirm(stage)
    await stage.card("*Trouble just now*: Slack asks to slow down (usergroups.users.list)")
    await stage.card(acts.RESTORED)
    assert acts.sent(stage) == [CREATE]
    assert "Not Reachable" not in stage.transcript()
    told = [each for each in stage.whispers(stage.alice) if "limits how fast" in stage.read(each)]
    assert len(told) == 1
