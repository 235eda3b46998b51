"""A worker that has lost its lease does nothing more that could hurt, at whatever step it was.

One bot freezes in the middle of its round, as a paused process does; its lease runs out; another one
takes over and does the work; then the first one thaws and goes on where it was. Time is moved by
hand. Which guard each of these tests stands for is told in docs/reliability.md.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import pytest

from bot.app import App
from bot.playground.clock import HandClock
from bot.playground.kubevirt.faults import Rule, SlowAnswer
from bot.playground.stage import Stage
from bot.restore.model import Phase
from tests.replicas.conftest import OnIce
from tests.stories import acts
from tests.stories.conftest import documents
from tests.tools.fleet import until
from tests.tools.wires import Wires

LEASE = 25
WRITES = re.compile(
    r"slack: POST /api/chat\.|kubernetes: (PUT|DELETE|PATCH|POST (?!.*(dryRun|selfsubject)))"
)
TURN_ON = "Snapshot current state first: turn ON"
LONG = "taking longer than expected: "

Gesture = Callable[[Stage], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Act:
    """Something the bot does to the cluster, and how a story comes to it."""

    sent: str
    """The request, as `acts.sent` names it."""
    crossing: str
    before: Gesture
    gesture: Gesture
    """What a person does; the next round acts."""
    after: Gesture
    last_look: str = "kubernetes: GET"
    running: bool = False
    config: Mapping[str, object] = field(default_factory=dict)


async def told_to_stop(stage: Stage) -> None:
    """Everything before the click that stops the VM."""
    await acts.ask(stage)
    await stage.card(acts.MUST_STOP)


async def stop(stage: Stage) -> None:
    """Let the VM be stopped."""
    await stage.press(acts.MUST_STOP, "Stop and restore")


async def restored(stage: Stage) -> None:
    """From the warning to the good end."""
    await acts.finish(stage)


async def ready(stage: Stage) -> None:
    """Everything before the last click."""
    await acts.to_the_button(stage)


async def ready_with_safety(stage: Stage) -> None:
    """The same, and the current state is to be kept in a snapshot."""
    await acts.to_the_warning(stage)
    await stage.press(acts.TYPE_IT, TURN_ON)
    await stage.card("*Snapshot current state first*: ON")
    await acts.type_name(stage)


async def success(stage: Stage) -> None:
    """The good end."""
    await stage.card(acts.RESTORED)


async def to_be_deleted(stage: Stage) -> None:
    """A restore that gets nowhere, until its owner gives it up."""
    stage.world.kube.knobs.own_class("standard").bind = None
    stage.world.kube.nudge()
    await acts.ask_and_confirm(stage)
    await stage.card(LONG, within=60)
    await stage.press(LONG, "Delete the restore object")
    await stage.card("This does not roll anything back:")


async def delete(stage: Stage) -> None:
    """Have the restore object deleted."""
    await stage.press("This does not roll anything back:", "Delete the restore object now")


async def failure(stage: Stage) -> None:
    """The bad end."""
    await stage.card("# ❌ VM Restore Failed")


async def over(stage: Stage) -> None:
    """A whole restore."""
    await acts.ask_and_finish(stage)


async def start(stage: Stage) -> None:
    """Have the VM started."""
    await stage.press(acts.RESTORED, "Start VM")


async def started(stage: Stage) -> None:
    """It runs."""
    await stage.card("started by")
    await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs")


ACTS = {
    "stop": Act(
        "update virtualmachines/stop", "PUT .*/stop", told_to_stop, stop, restored, running=True
    ),
    "snapshot": Act(
        "create virtualmachinesnapshots",
        "POST .*/virtualmachinesnapshots",
        ready_with_safety,
        acts.press_restore,
        success,
    ),
    "create": Act(
        "create virtualmachinerestores",
        "POST .*/virtualmachinerestores",
        ready,
        acts.press_restore,
        success,
    ),
    "delete": Act(
        "delete virtualmachinerestores",
        "DELETE .*/virtualmachinerestores",
        to_be_deleted,
        delete,
        failure,
        last_look="persistentvolumeclaims",
        config={"rules": {"restore_timeout": 30}},
    ),
    "start": Act("update virtualmachines/start", "PUT .*/start", over, start, started),
}


@dataclass(frozen=True, slots=True)
class Step:
    """Between which two steps of a round the bot freezes: after `what` has come since `since`."""

    since: str
    what: str
    late: bool = False
    """What was sent arrives only after the thaw; otherwise only its answer does."""


HELD = "redis: lease"
LOOKED, ACTED = "the last look", "the act"
STEPS = {
    "before it looks": Step("redis: complete_delivery", HELD),
    "while it looks": Step(HELD, LOOKED),
    "before its commit arrives": Step(HELD, "redis: commit", late=True),
    "between the commit and the act": Step(HELD, "redis: commit"),
    "between the act and its commit": Step(HELD, ACTED),
    "between two cards": Step(ACTED, "slack: POST /api/chat"),
}
UNDECIDED = ("before it looks", "before its commit arrives")
"""Nothing is decided yet, or nobody knows of it: whatever the act would be, these are the same."""
QUICK = ("while it looks", "between the commit and the act")
"""With every act in each run; the other steps are shown there with the create alone."""


def marks(name: str, when: str) -> list[pytest.MarkDecorator]:
    """What is left to the slow runs."""
    return [] if name == "create" or when in QUICK else [pytest.mark.slow]


CASES = [
    pytest.param(act, step, id=f"{name}, {when}", marks=marks(name, when))
    for name, act in ACTS.items()
    for when, step in STEPS.items()
    if name == "create" or when not in UNDECIDED
]


def meant(act: Act, step: Step, crossings: list[str]) -> Callable[[str], bool]:
    """Is this crossing the one to freeze at?"""
    named = {ACTED: act.crossing, LOOKED: act.last_look}
    what, since = (named.get(each, each) for each in (step.what, step.since))

    def chosen(told: str) -> bool:
        passed = any(re.search(since, each) for each in crossings[:-1])
        return passed and re.search(what, told) is not None

    return chosen


async def take_over(stage: Stage, ice: Wires, gesture: Gesture) -> App:
    """The gesture freezes the bot; another one does the work. The frozen one, still frozen."""
    frozen = stage.world.bot
    assert frozen is not None
    await gesture(stage)
    await stage.until(ice.frozen.is_set, "the bot freezes")
    await stage.world.start_bot()
    await stage.world.leap(LEASE + 1)
    return frozen


async def thawed(ice: Wires, bot: App) -> list[str]:
    """Let it go on; what it wrote until its round was over, as crossings."""
    ice.thaw()
    await until(lambda: "redis: release" in ice.crossings, "its round is over")
    await until(lambda: bot.worker.resting, "it is at rest")
    mine = ice.crossings[: ice.crossings.index("redis: release")]
    # What it asks about its own rights, a minute after its start, is no write.
    return [told for told in mine if WRITES.search(told) and "/selfsubject" not in told]


@pytest.mark.parametrize(("act", "step"), CASES)
async def test_no_act_without_the_lease(on_ice: OnIce, act: Act, step: Step) -> None:
    """Frozen at any step: nothing is written after the thaw, and the cluster was asked once."""
    stage, ice = await on_ice(running=act.running, config=act.config)
    await act.before(stage)
    await stage.world.quiet()
    ice.freeze(meant(act, step, ice.crossings), late=step.late)
    zombie = await take_over(stage, ice, act.gesture)
    assert await thawed(ice, zombie) == []
    await act.after(stage)
    await stage.world.quiet()
    assert acts.sent(stage).count(act.sent) == 1
    assert len(stage.marks()) == len(set(stage.marks()))


async def test_a_late_commit_changes_nothing_while_the_next_one_still_looks(on_ice: OnIce) -> None:
    """The document is as it was, so its version would let the commit pass: the fence does not."""
    stage, ice = await on_ice()
    create = ACTS["create"]
    await create.before(stage)
    await stage.world.quiet()
    ice.freeze(meant(create, STEPS["before its commit arrives"], ice.crossings), late=True)
    zombie = stage.world.bot
    assert zombie is not None
    await create.gesture(stage)
    await stage.until(ice.frozen.is_set, "the bot freezes")
    before = (await documents(stage.world))[0]
    looks = Rule(SlowAnswer(5), verb="get", resource="virtualmachineinstances")
    stage.world.kube.faults.add(looks)
    await stage.world.start_bot()
    advance(stage, LEASE + 1)
    await until(lambda: looks not in stage.world.kube.faults.rules, "the other looks")
    assert await thawed(ice, zombie) == []
    assert await documents(stage.world) == (before,)
    advance(stage, 5)
    await create.after(stage)
    assert len(stage.restores()) == 1


async def test_who_cancels_before_the_commit_has_cancelled(on_ice: OnIce) -> None:
    """The lease stands, but a person was faster: what the round had decided is dropped."""
    stage, ice = await on_ice()
    create = ACTS["create"]
    await create.before(stage)
    await stage.world.quiet()
    ice.freeze(meant(create, STEPS["before its commit arrives"], ice.crossings), late=True)
    slow = stage.world.bot
    assert slow is not None
    await create.gesture(stage)
    await stage.until(ice.frozen.is_set, "the bot freezes")
    await stage.world.start_bot()
    await stage.alice.slash(stage.channel, "/vm-restore cancel")
    await stage.world.quiet()
    assert [each.phase for each in await documents(stage.world)] == [Phase.CANCELLED]
    assert await thawed(ice, slow) == []
    await stage.card("Restore operation cancelled by user.")
    assert stage.creates("virtualmachinerestores") == []


async def test_a_create_that_arrives_late_meets_its_own_name(on_ice: OnIce) -> None:
    """Sent within the lease, lost on the way for minutes: the name is taken when it comes."""
    stage, ice = await on_ice()
    create = ACTS["create"]
    await create.before(stage)
    await stage.world.quiet()
    ice.freeze(meant(create, Step(HELD, ACTED), ice.crossings), late=True)
    zombie = await take_over(stage, ice, create.gesture)
    await stage.card(acts.RESTORED)
    assert await thawed(ice, zombie) == []
    sent = [call.code for call in stage.creates("virtualmachinerestores")]
    assert sent == [201, 409]
    assert len(stage.restores()) == 1


async def test_people_are_told_although_the_lease_is_nearly_used_up(on_ice: OnIce) -> None:
    """A look that took long leaves too little time for a post: the lease is made longer first."""
    stage, ice = await on_ice()
    await ready(stage)
    await stage.world.quiet()
    looks = Rule(SlowAnswer(LEASE - 5), verb="get", resource="virtualmachineinstances")
    stage.world.kube.faults.add(looks)
    ice.thaw()
    await acts.press_restore(stage)
    await until(lambda: looks not in stage.world.kube.faults.rules, "it looks")
    advance(stage, LEASE - 5)
    await stage.until(lambda: _sent(ice, "slack: POST /api/chat"), "a card is written", within=1)
    told = [each for each in ice.crossings if "renew" in each or "/api/chat" in each]
    assert "renew" in told[0]
    await stage.card(acts.RESTORED)
    assert len(stage.restores()) == 1


def advance(stage: Stage, seconds: float) -> None:
    """Move the world's clock, whatever is waited for."""
    assert isinstance(stage.world.clock, HandClock)
    stage.world.clock.advance(seconds)


def _sent(ice: Wires, what: str) -> bool:
    return any(what in each for each in ice.crossings)
