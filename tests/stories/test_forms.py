"""The form with pickers: every way in, what it offers, what it refuses, and what comes of it."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from bot.playground.kubevirt.faults import Delay, Rule
from bot.playground.slack import Person
from bot.playground.slack.delivery import ACK_SECONDS
from bot.playground.slack.interactions import SubmitResult
from bot.playground.slack.surfaces import NotPossible
from bot.playground.slack.views import View
from bot.playground.slack.workspace import Channel
from bot.playground.stage import SNAPSHOT_TIME, Stage, access
from bot.slack.manifest import MESSAGE_SHORTCUT, SHORTCUT
from tests.stories import acts
from tests.stories.conftest import Golden, SetStage

CREATE = "create virtualmachinerestores"


async def form(stage: Stage, by: Person | None = None) -> View:
    """The form, once it is open."""
    person = by or stage.alice
    await stage.until(lambda: person.view, "the form is open")
    assert person.view is not None
    return person.view


async def open_form(stage: Stage) -> View:
    """The form, asked for by a command without arguments."""
    await acts.ask(stage, "/vm-restore")
    return await form(stage)


async def choose(stage: Stage, label: str, option: str | Channel, typed: str | None = None) -> None:
    """Choose in the form, and wait until it is drawn anew if it is."""
    view = await form(stage)
    before = view.hash
    await stage.alice.pick(view, label, option, typed=typed)
    if label != "Snapshot":
        await stage.until(lambda: view.hash != before, "the form is drawn anew")


async def fill(
    stage: Stage, vm: str = "database-01", snapshot: str = "pre-upgrade-snapshot"
) -> None:
    """Choose the VM, then its snapshot."""
    await choose(stage, "VM", vm)
    await choose(stage, "Snapshot", snapshot)


async def send(stage: Stage) -> SubmitResult:
    """Send the form as it stands."""
    return await stage.alice.fill_and_submit({})


def screen(stage: Stage) -> str:
    """What Alice sees over the channel."""
    return stage.world.slack.screen(stage.alice)


async def offered(stage: Stage, label: str, typed: str = "") -> list[str]:
    """What a picker offers, as text and description."""
    choices = await stage.alice.options(await form(stage), label, typed)
    return [f"{each.text} | {each.raw['description']['text']}" for each in choices]


async def test_form_by_command(stage_for: SetStage, golden: Golden) -> None:
    """/vm-restore alone opens the form; what is chosen in it is confirmed like any other request."""
    stage = await stage_for()
    await open_form(stage)
    await golden(screen(stage), "empty")
    await choose(stage, "VM", "database-01", typed="data")
    await choose(stage, "Snapshot", "pre-upgrade-snapshot", typed="up")
    await golden(screen(stage), "filled")
    assert (await send(stage)).action == "close"
    await acts.finish(stage)
    await stage.world.quiet()
    await golden(stage)
    assert acts.sent(stage) == [CREATE]


async def test_form_options_say_age_state_and_consistency(stage_for: SetStage) -> None:
    """Newest first; a snapshot that cannot be used is offered with the reason, not hidden."""
    stage = await stage_for()
    seed, hour = stage.world.kube.seed, timedelta(hours=1)
    seed.snapshot("production", "older", "database-01", created=SNAPSHOT_TIME - 30 * hour)
    seed.snapshot(
        "production",
        "quiesced",
        "database-01",
        created=SNAPSHOT_TIME + hour,
        indications=("Online", "GuestAgent"),
    )
    await open_form(stage)
    assert await offered(stage, "Namespace") == ["production | 2 VMs"]
    assert await offered(stage, "VM") == [
        "database-01 | in production",
        "web-01 | in production",
    ]
    assert await offered(stage, "Snapshot") == []
    await choose(stage, "VM", "database-01")
    assert await offered(stage, "Snapshot") == [
        "quiesced | 5 hours 30 minutes ago, ready, guest quiesced",
        "pre-upgrade-snapshot | 6 hours 30 minutes ago, ready, VM was stopped",
        "older | 1 day 12 hours ago, ready, VM was stopped",
    ]
    assert await offered(stage, "Snapshot", "OLD") == [
        "older | 1 day 12 hours ago, ready, VM was stopped"
    ]
    assert acts.changes(stage) == []


async def test_form_by_global_shortcut(stage_for: SetStage, golden: Golden) -> None:
    """Outside of any conversation the form asks where to talk; the restore runs there."""
    stage = await stage_for()
    await stage.alice.shortcut(SHORTCUT)
    await form(stage)
    await golden(screen(stage), "empty")
    await choose(stage, "Where to talk about it", stage.channel)
    await fill(stage)
    await golden(screen(stage), "filled")
    await send(stage)
    await acts.finish(stage)
    (where,) = stage.world.slack.dm(stage.alice).messages
    assert "Your request is in #incidents" in stage.read(where)


async def test_form_for_a_channel_tells_by_direct_message_why_nothing_came_of_it(
    stage_for: SetStage,
) -> None:
    """Whoever is elsewhere would not see an answer in the channel."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.alice.shortcut(SHORTCUT)
    await form(stage)
    await choose(stage, "Where to talk about it", stage.channel)
    await fill(stage)
    await send(stage)
    direct = stage.world.slack.dm(stage.alice)
    await stage.until(lambda: direct.messages, "an answer")
    await stage.world.quiet()
    (told,) = direct.messages
    assert "Your own restore of VM `database-01` is in progress" in stage.read(told)


async def test_form_by_global_shortcut_without_a_place(stage_for: SetStage, golden: Golden) -> None:
    """Without a place the restore runs in a direct message with the bot."""
    stage = await stage_for()
    await stage.alice.shortcut(SHORTCUT)
    await form(stage)
    await fill(stage)
    await send(stage)
    direct = stage.world.slack.dm(stage.alice)
    stage.channel = direct
    await stage.card(acts.TYPE_IT)
    await golden(stage)
    await acts.finish(stage)


async def test_form_over_the_channel_one_looks_at(stage_for: SetStage) -> None:
    """Slack fills in that channel by itself, and the restore runs there."""
    stage = await stage_for()
    await stage.alice.shortcut(SHORTCUT, looking_at=stage.channel)
    await form(stage)
    assert "Where to talk about it: <#incidents>" in screen(stage)
    await send(stage)
    await stage.card("Which VM")


async def test_form_over_a_channel_that_is_shared(stage_for: SetStage) -> None:
    """A channel that other companies read is not filled in."""
    stage = await stage_for()
    shared = stage.world.slack.channel("with-vendor", stage.alice, ext_shared=True)
    await stage.alice.shortcut(SHORTCUT, looking_at=shared)
    await form(stage)
    assert "Where to talk about it: <Choose a channel>" in screen(stage)


@pytest.mark.parametrize("where", ["reply", "message"])
async def test_form_by_message_shortcut(stage_for: SetStage, golden: Golden, where: str) -> None:
    """From a message the restore runs in its thread, also if that is yet to be begun."""
    stage = await stage_for()
    stage.thread = await stage.bob.say(stage.channel, "database-01 is broken since the upgrade")
    message = stage.thread
    if where == "reply":
        message = await stage.bob.say(stage.channel, "can somebody restore it?", thread=message)
    await stage.world.leap(2 * 24 * 3600)
    await stage.alice.message_shortcut(message, MESSAGE_SHORTCUT)
    await form(stage)
    assert "Where to talk about it" not in screen(stage)
    await fill(stage)
    await send(stage)
    await acts.finish(stage)
    await stage.world.quiet()
    assert all(card.root_ts == stage.thread.ts for card in stage.cards())
    await golden(stage)


async def test_form_where_the_bot_is_not(stage_for: SetStage) -> None:
    """In a channel without the bot the shortcut says how to invite it; no form opens."""
    stage = await stage_for()
    quiet = stage.world.slack.channel("quiet", stage.alice, bot=False)
    message = await stage.alice.say(quiet, "database-01 is broken")
    result = await stage.alice.message_shortcut(message, MESSAGE_SHORTCUT)
    await stage.until(lambda: result.responses, "an answer")
    assert "/invite @vm-restore" in result.responses[0].text
    assert stage.alice.view is None


async def test_form_for_nobody_who_may_not(stage_for: SetStage) -> None:
    """Who may restore nothing is told so instead of being shown a form, wherever they ask."""
    stage = await stage_for()
    await stage.bob.slash(stage.channel, "/vm-restore")
    await stage.whispered("You are not on the list", to=stage.bob)
    await stage.bob.shortcut(SHORTCUT)
    direct = stage.world.slack.dm(stage.bob)
    await stage.until(lambda: direct.messages, "a direct message")
    assert "You are not on the list" in direct.messages[0].text
    assert stage.bob.view is None
    refused = [each for each in await audited(stage) if each == "refused"]
    assert len(refused) == 2


async def audited(stage: Stage) -> list[str]:
    """The kinds of the audit entries, when nothing is under way any more."""
    await stage.world.quiet()
    assert stage.world.bot is not None
    return [each.kind async for each in stage.world.bot.store.audit.read()]


async def test_form_with_a_channel_that_the_bot_is_not_in(
    stage_for: SetStage, golden: Golden
) -> None:
    """The error stands beside the field, and the form stays."""
    stage = await stage_for()
    quiet = stage.world.slack.channel("quiet", stage.alice, bot=False)
    shared = stage.world.slack.channel("with-vendor", stage.alice, ext_shared=True)
    await stage.alice.shortcut(SHORTCUT)
    await form(stage)
    with pytest.raises(NotPossible, match="leaves out"):
        await choose(stage, "Where to talk about it", shared)
    await choose(stage, "Where to talk about it", quiet)
    await fill(stage)
    assert (await send(stage)).action == "errors"
    await golden(screen(stage))
    await choose(stage, "Where to talk about it", stage.channel)
    assert (await send(stage)).action == "close"
    await stage.card(acts.TYPE_IT)


async def test_form_for_grants_of_one_channel(stage_for: SetStage) -> None:
    """Who may restore only from some channel chooses it first; until then nothing is offered."""
    stage = await stage_for(start=False)
    grant = {"channels": [stage.channel.id], "namespaces": ["production"]}
    stage.world.config = {"access": {"contact": "the platform team", "grants": [grant]}}
    await stage.world.start_bot()
    await stage.alice.shortcut(SHORTCUT)
    await form(stage)
    assert await offered(stage, "VM") == []
    await choose(stage, "Where to talk about it", stage.channel)
    assert len(await offered(stage, "VM")) == 2


async def test_form_with_two_clusters(stage_for: SetStage, golden: Golden) -> None:
    """The cluster is asked for; choosing another one takes back what was chosen for the first."""
    stage = await stage_for(start=False)
    config = {"kubeconfig": str(stage.world.directory / "kubeconfig")}
    clusters = {"clusters": {"east": config, "west": config}, "default_cluster": "east"}
    stage.world.config = {**access(stage.alice), **clusters}
    await stage.world.start_bot()
    await open_form(stage)
    await golden(screen(stage), "empty")
    await fill(stage)
    await choose(stage, "Cluster", "west")
    await golden(screen(stage), "other")
    await fill(stage)
    await send(stage)
    assert "*Cluster*: `west`" in stage.read(await stage.card(acts.TYPE_IT))
    await acts.finish(stage)


async def test_form_for_what_is_permitted(stage_for: SetStage) -> None:
    """Only what the asker may restore is offered; the namespace narrows the VMs."""
    stage = await stage_for(start=False)
    seed = stage.world.kube.seed
    seed.vm("staging", "database-01", running=False)
    seed.vm("forbidden", "secret-01", running=False)
    stage.world.config = access(stage.alice, namespaces=("production", "staging"))
    await stage.world.start_bot()
    await open_form(stage)
    assert await offered(stage, "VM", "base") == [
        "database-01 | in production",
        "database-01 | in staging",
    ]
    assert await offered(stage, "VM", "secret") == []
    await choose(stage, "Namespace", "staging")
    assert await offered(stage, "VM") == ["database-01 | in staging"]
    await choose(stage, "VM", "database-01")
    await choose(stage, "Namespace", "production")
    assert await offered(stage, "Snapshot") == []


async def test_form_with_long_names(stage_for: SetStage) -> None:
    """Names of 253 letters are chosen from the list and shown in full."""
    stage = await stage_for()
    seed = stage.world.kube.seed
    vm, taken = "v" * 252, "s" * 252
    for end in "ab":
        seed.vm("production", vm + end, running=False)
    for end in "ab":
        seed.snapshot("production", taken + end, vm + "b", created=SNAPSHOT_TIME)
    await open_form(stage)
    [found] = await stage.alice.options(await form(stage), "VM", vm + "b")
    await choose(stage, "VM", found.value, typed=vm + "b")
    [found] = await stage.alice.options(await form(stage), "Snapshot", taken + "b")
    await choose(stage, "Snapshot", found.value, typed=taken + "b")
    assert (await send(stage)).action == "close"
    warning = stage.read(await stage.card(acts.TYPE_IT))
    assert f"*VM to Restore*: `{vm}b`" in warning
    assert f"*Snapshot to Restore From*: `{taken}b`" in warning


async def test_form_with_a_snapshot_of_another_vm(stage_for: SetStage, golden: Golden) -> None:
    """If the form could not be drawn anew the mismatch stands beside the field."""
    stage = await stage_for()
    await open_form(stage)
    await fill(stage)
    stage.world.slack.faults.fail("views.update", 503, times=100)
    await stage.alice.pick(await form(stage), "VM", "web-01", typed="")
    await stage.world.quiet()
    assert (await send(stage)).action == "errors"
    await golden(screen(stage))
    assert acts.changes(stage) == []
    assert stage.cards() == []


async def test_form_is_never_drawn_for_an_older_choice(stage_for: SetStage) -> None:
    """The first choice's drawing comes after the second's: the second stays on the screen."""
    stage = await stage_for()
    view = await open_form(stage)
    stage.world.slack.faults.rate_limit("views.update", 3)
    await stage.alice.pick(view, "VM", "web-01", typed="")
    await stage.world.pass_time(1)
    await choose(stage, "VM", "database-01")
    await stage.world.pass_time(5)
    assert "VM: <database-01>" in screen(stage)
    assert await offered(stage, "Snapshot") == [
        "pre-upgrade-snapshot | 6 hours 30 minutes ago, ready, VM was stopped"
    ]


async def test_form_is_drawn_for_a_choice_made_before_the_drawing(stage_for: SetStage) -> None:
    """Two choices at once: both redraws know the same hash, and the newer one ends on the screen."""
    stage = await stage_for()
    view = await open_form(stage)
    stage.world.slack.faults.rate_limit("views.update", 3, times=2)
    await stage.alice.pick(view, "Namespace", "production", typed="")
    await stage.alice.pick(view, "VM", "database-01", typed="")
    await stage.world.pass_time(10)
    assert "VM: <database-01>" in screen(stage)
    assert len(await offered(stage, "Snapshot")) == 1


async def test_form_for_a_channel_that_one_is_not_in(stage_for: SetStage) -> None:
    """It is refused beside the field, and what its grants allow is not offered."""
    stage = await stage_for(start=False)
    others = stage.world.slack.channel("others", stage.bob)
    grant = {"channels": [others.id], "namespaces": ["production"]}
    stage.world.config = {"access": {"contact": "the platform team", "grants": [grant]}}
    await stage.world.start_bot()
    await stage.alice.shortcut(SHORTCUT)
    await form(stage)
    await choose(stage, "Where to talk about it", others)
    assert await offered(stage, "VM") == []
    assert (await send(stage)).action == "errors"
    assert "You are not in this channel" in screen(stage)
    assert others.messages == []


async def test_form_of_who_has_left_the_channel(stage_for: SetStage) -> None:
    """Slack did not say so in time, so it is looked at again before anything is posted there."""
    stage = await stage_for()
    room = stage.world.slack.channel("room", stage.alice)
    await stage.alice.shortcut(SHORTCUT)
    await form(stage)
    await choose(stage, "Where to talk about it", room)
    room.members.remove(stage.alice.user)
    stage.world.slack.faults.fail("conversations.members", 503)
    assert (await send(stage)).action == "close"
    direct = stage.world.slack.dm(stage.alice)
    await stage.until(lambda: direct.messages, "a direct message")
    assert "you are not in" in direct.messages[0].text
    assert room.messages == []


async def test_form_drawn_anew_drops_a_snapshot_of_another_vm(stage_for: SetStage) -> None:
    """Choosing another VM takes the snapshot of the first one back; the thread asks for one."""
    stage = await stage_for()
    await open_form(stage)
    await fill(stage)
    await choose(stage, "Namespace", "production")
    assert "pre-upgrade-snapshot" in screen(stage)
    await stage.alice.pick(await form(stage), "VM", "web-01", typed="")
    await stage.until(lambda: "pre-upgrade" not in screen(stage), "the snapshot is taken back")
    await send(stage)
    await stage.card("Which snapshot of `web-01`")


async def test_form_with_what_is_gone(stage_for: SetStage, golden: Golden) -> None:
    """A snapshot or a VM that went while somebody was choosing is said beside its field."""
    stage = await stage_for()
    storage = stage.world.kube.storage
    await open_form(stage)
    await fill(stage)
    storage.remove("virtualmachinesnapshots", "production", "pre-upgrade-snapshot")
    await stage.world.pass_time(61)
    await send(stage)
    await golden(screen(stage), "snapshot")
    storage.remove("virtualmachines", "production", "database-01")
    await stage.world.pass_time(61)
    await send(stage)
    await golden(screen(stage), "vm")
    assert stage.cards() == []


async def test_form_with_a_snapshot_that_is_not_ready(stage_for: SetStage, golden: Golden) -> None:
    """It is offered as what it is, and refused beside the field."""
    stage = await stage_for()
    stage.world.kube.seed.snapshot(
        "production", "half-done", "database-01", created=SNAPSHOT_TIME, ready=False
    )
    await open_form(stage)
    await fill(stage, snapshot="half-done")
    await send(stage)
    await golden(screen(stage))
    await choose(stage, "Snapshot", "pre-upgrade-snapshot")
    await send(stage)
    await stage.card(acts.TYPE_IT)


async def test_form_with_nothing_chosen(stage_for: SetStage) -> None:
    """What is left empty is asked for in the thread."""
    stage = await stage_for()
    await open_form(stage)
    await send(stage)
    await stage.card("Which VM")
    await stage.reply("database-01")
    await stage.card("Which namespace")


async def test_form_sent_twice(stage_for: SetStage) -> None:
    """A form that is delivered twice opens one restore."""
    stage = await stage_for()
    view = await open_form(stage)
    await fill(stage)
    interactions = stage.alice._stage.interactions
    await asyncio.gather(*(interactions.submit(stage.alice.user, view) for _ in range(2)))
    await stage.card(acts.TYPE_IT)
    await stage.world.pass_time(10)
    assert len([card for card in stage.cards() if not card.is_reply]) == 1
    assert [each.text for each in stage.whispers(stage.alice) if each.author.bot] == []
    assert (await audited(stage)).count("requested") == 1


async def test_form_of_somebody_whose_rights_went(stage_for: SetStage, golden: Golden) -> None:
    """Who may restore is decided again when the form is sent, and noted."""
    stage = await stage_for()
    await open_form(stage)
    await fill(stage)
    stage.alice.user.guest = True
    await stage.world.pass_time(61)
    assert (await send(stage)).action == "errors"
    await golden(screen(stage))
    assert stage.cards() == []
    assert "refused" in await audited(stage)


async def test_form_while_the_cluster_is_away(stage_for: SetStage, golden: Golden) -> None:
    """Nothing can be offered, but what was chosen goes on to the thread, where it is said."""
    stage = await stage_for()
    await open_form(stage)
    await fill(stage)
    await stage.world.kube.go_away()
    await stage.world.pass_time(61)
    assert await offered(stage, "VM") == []
    assert (await send(stage)).action == "close"
    await stage.card("Trouble just now")
    await golden(stage)
    await stage.world.kube.start()
    await stage.card(acts.TYPE_IT)


async def test_form_while_the_cluster_is_slow(
    stage_for: SetStage, monkeypatch: pytest.MonkeyPatch, own_limits: Mapping[str, float]
) -> None:
    """A cluster that takes its time does not keep the form: what it knows is told in the thread."""
    assert own_limits["bot.slack.handlers.modal.LOOK"] < ACK_SECONDS
    monkeypatch.setattr("bot.slack.handlers.modal.LOOK", 0.1)
    stage = await stage_for()
    await open_form(stage)
    await fill(stage)
    await stage.world.pass_time(6)
    slow = Rule(Delay(20), verb="list", resource="virtualmachines", times=1)
    stage.world.kube.faults.add(slow)
    assert (await send(stage)).action == "close"
    await stage.card(acts.TYPE_IT)


async def test_form_that_came_too_late(stage_for: SetStage) -> None:
    """Slack opens a form within three seconds only; after that somebody is told to try again."""
    stage = await stage_for()
    stage.world.slack.faults.rate_limit("users.info", retry_after=4)
    await acts.ask(stage, "/vm-restore")
    await stage.whispered("Slack did not let the form open in time")
    assert stage.alice.view is None
    await open_form(stage)


async def test_form_while_the_store_is_away(stage_for: SetStage, golden: Golden) -> None:
    """Nothing was kept, so the form stays and says so; sent again it counts."""
    stage = await stage_for(own_redis=True)
    await open_form(stage)
    await fill(stage)
    await stage.world.redis.stop()
    assert (await send(stage)).action == "errors"
    await golden(screen(stage))
    await stage.world.redis.start(stage.world.directory / "redis")
    assert (await send(stage)).action == "close"
    await stage.card(acts.TYPE_IT)


async def test_form_over_many_snapshots(stage_for: SetStage) -> None:
    """They are read once, ahead of the first letter; letters cost no request to the cluster."""
    stage = await stage_for()
    for number in range(1200):
        stage.world.kube.seed.snapshot(
            "production",
            f"nightly-{number:04}",
            "database-01",
            created=SNAPSHOT_TIME - timedelta(days=number + 1),
        )
    await open_form(stage)
    await choose(stage, "VM", "database-01")
    await stage.world.quiet()
    before = len(stage.world.kube.log)
    pages = [c for c in stage.world.kube.log if c.resource == "virtualmachinesnapshots"]
    assert [call.verb for call in pages] == ["list"] * 3
    first = await offered(stage, "Snapshot")
    assert len(first) == 100
    assert first[0].startswith("pre-upgrade-snapshot | 6 hours")
    assert first[1].startswith("nightly-0000 | 1 day")
    for typed in ("n", "night", "nightly-11"):
        assert len(await offered(stage, "Snapshot", typed)) == 100
    assert len(await offered(stage, "Snapshot", "nightly-1199")) == 1
    assert len(stage.world.kube.log) == before


async def test_form_opened_although_slack_did_not_say_so(stage_for: SetStage) -> None:
    """The answer to the opening is lost: the form is there, so nobody is told to try again."""
    stage = await stage_for()
    stage.world.slack.faults.drop_after("views.open")
    await open_form(stage)
    await stage.world.pass_time(30)
    assert "Slack did not let the form open" not in stage.transcript(stage.alice)
    await fill(stage)
    await send(stage)
    await stage.card(acts.TYPE_IT)


async def test_form_over_http(stage_for: SetStage) -> None:
    """Shortcut, choices, options and the form itself, signed, at the bot's own port."""
    stage = await stage_for(socket_mode=False)
    await stage.alice.shortcut(SHORTCUT)
    await form(stage)
    await choose(stage, "Where to talk about it", stage.channel)
    await fill(stage)
    assert (await send(stage)).action == "close"
    await acts.finish(stage)


async def test_form_after_a_cluster_was_taken_out(stage_for: SetStage) -> None:
    """The settings changed while the form was open: nothing is offered, and the thread is told."""
    stage = await stage_for(start=False)
    config = {"kubeconfig": str(stage.world.directory / "kubeconfig")}
    both = {"clusters": {"east": config, "west": config}, "default_cluster": "east"}
    stage.world.config = {**access(stage.alice), **both}
    await stage.world.start_bot()
    await open_form(stage)
    await choose(stage, "Cluster", "west")
    await fill(stage)
    await stage.world.stop_bot()
    stage.world.config = {**access(stage.alice), "clusters": {"east": config}}
    await stage.world.start_bot()
    assert await offered(stage, "VM") == []
    assert await offered(stage, "Snapshot") == []
    await send(stage)
    await stage.whispered("I know no cluster `west`")
    assert stage.cards() == []
