"""What one round of a restore does: the cluster is asked, the document goes on, the thread is shown.

A row plays a restore to some moment, round by round, then lets something go wrong and runs one more
round. The store, Slack, the cluster and their clients are real ones; nothing else of the bot runs.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.clock import SharedClock
from bot.http_server import Waits
from bot.metrics import Metrics
from bot.parts import open_clusters, open_slack, open_store, who_we_are
from bot.playground.kubevirt.faults import Answer, DropAfter, Rule
from bot.playground.stage import Stage, set_stage
from bot.playground.world import world
from bot.reconciler import Reconciler, ReconcilerDeps, TooLateError
from bot.restore.events import Button
from bot.restore.model import Phase
from bot.restore.thread import ThreadRef, UserId
from bot.slack.api.authorizer import Authorizer
from bot.slack.api.directory import Directory
from bot.slack.outbound.thread_sync import ThreadSync
from bot.store.records import Committed, Created, Leased, Record
from tests.restore.play import Play, asked
from tests.restores import ID

NAME = "pre-upgrade-snapshot"
POST, EDIT = "chat.postMessage", "chat.update"

_REVIEW = "selfsubject"
"""Asked what it may do; that changes nothing."""


@dataclass
class Scene:
    """One restore, and what a round works with."""

    stage: Stage
    deps: ReconcilerDeps
    steps: int = 9
    """So often the process says that it goes on, then it ends."""
    said: list[str] = field(default_factory=list)
    """Slack's methods that the last round called."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """What the last round changed in the cluster, or tried to: verb and resource."""

    def goes_on(self) -> bool:
        """Asked between the steps of a round."""
        self.steps -= 1
        return self.steps >= 0

    async def begin(self) -> None:
        """Alice asks for it."""
        alice, channel = UserId(self.stage.alice.id), self.stage.channel.id
        where = ThreadRef(team="T0TEAM", channel=channel, thread=None, own_thread=True)
        new = asked(id_=ID, owner=alice, thread_ref=where, now=self.deps.clock.now())
        assert isinstance(
            await self.deps.store.create(new, due=self.deps.clock.now(), audit=[]), Created
        )

    async def record(self) -> Record:
        """As it is stored."""
        found = await self.deps.store.load(ID)
        assert found is not None
        return found

    async def lease(self) -> Leased:
        """The right to work on it, once it is due."""
        while not (leased := (await self.deps.store.queue.lease(1))[0]):
            await self.stage.world.leap(1)
        return leased[0]

    async def round(self, leased: Leased | None = None) -> None:
        """One round, as a worker runs it."""
        leased = leased or await self.lease()
        slack, kube = self.stage.world.slack.log, self.stage.world.kube.log
        calls, requests = len(slack), len(kube)
        self.said, self.asked = [], []
        assert isinstance(leased.work, Record)
        try:
            await Reconciler(self.deps, self.goes_on).run(leased, leased.work)
        finally:
            self.said = [call.method for call in slack[calls:] if call.method.startswith("chat.")]
            self.asked = [
                (call.verb, call.resource)
                for call in kube[requests:]
                if call.verb not in ("get", "list")
                and not (call.dry_run or _REVIEW in call.resource or call.resource == "events")
            ]

    async def does(self, gesture: Callable[[Play], Play]) -> None:
        """Alice types or clicks, and that is stored."""
        record = await self.record()
        played = gesture(Play(record.restore, self.deps.clock.now()))
        done = await self.deps.store.commit(
            played.restore, due=self.deps.clock.now(), audit=played.audit
        )
        assert isinstance(done, Committed)

    async def to_the_warning(self) -> None:
        """The checks have passed, and the name is asked for."""
        while (await self.record()).restore.phase is not Phase.TYPING:
            await self.round()

    async def confirmed(self) -> None:
        """The name is typed and the button pressed: the next round acts."""
        alice = UserId(self.stage.alice.id)
        await self.to_the_warning()
        await self.does(lambda play: play.types(NAME, alice))
        await self.round()
        await self.does(lambda play: play.clicks(Button.CONFIRM, alice))


@pytest.fixture
async def scene(tmp_path: Path, lent_redis: str) -> AsyncIterator[Scene]:
    """Alice has asked for a stopped VM; nothing was done yet."""
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(world(tmp_path, lent_redis=lent_redis))
        stage = await set_stage(made, running=False)
        clock, metrics, settings = SharedClock(made.clock), Metrics(), made.settings()
        waits = Waits(clock, metrics)
        slack, _ = await open_slack(settings, clock, metrics, stack)
        home = await who_we_are(slack, waits)
        store = await open_store(settings, home.team, clock, waits, stack)
        clusters = await open_clusters(settings, store, clock, metrics, stack)
        people = Directory(slack, home, clock)
        deps = ReconcilerDeps(
            home=home,
            store=store,
            clusters=clusters,
            authorizer=Authorizer(people, settings.access),
            cards=ThreadSync(slack, clock),
            web=slack,
            clock=clock,
            metrics=metrics,
        )
        found = Scene(stage, deps)
        await found.begin()
        yield found


CREATE = ("create", "virtualmachinerestores")


def _create_is(effect: Answer | DropAfter) -> Callable[[Scene], None]:
    def add(scene: Scene) -> None:
        rule = Rule(effect, verb=CREATE[0], resource=CREATE[1], dry_run=False, times=1)
        scene.stage.world.kube.faults.add(rule)

    return add


def _slack_is_away(scene: Scene) -> None:
    scene.stage.world.slack.faults.fail(POST, 503)


def _cluster_says_no(scene: Scene) -> None:
    scene.stage.world.kube.faults.add(Rule(Answer(503, "ServiceUnavailable", "etcd"), times=None))


def _made_a_guest(scene: Scene) -> None:
    scene.stage.alice.user.guest = True


def _deleted(scene: Scene) -> None:
    scene.stage.world.kube.people.delete_snapshot("production", NAME)


def _nothing(_: Scene) -> None:
    pass


@dataclass(frozen=True)
class Row:
    """What goes wrong, and what the round makes of it."""

    trouble: Callable[[Scene], None]
    phase: Phase
    said: list[str]
    """To Slack."""
    again: float
    """Seconds until the next round is due."""
    acted: list[tuple[str, str]] = field(default_factory=list)


A_DAY, AN_ANSWER = 86_400, 900
"""Seconds: after an end the buttons stay for a day; a question is open for so long."""

ASKED = {
    "all is well": Row(_nothing, Phase.TYPING, [POST, POST], AN_ANSWER),
    "the cluster is away": Row(_cluster_says_no, Phase.CHECKING, [POST], 1),
    "the asker may not": Row(_made_a_guest, Phase.REFUSED, [POST, POST], A_DAY),
    "the snapshot is gone": Row(_deleted, Phase.REFUSED, [POST, POST], A_DAY),
    "Slack is away": Row(_slack_is_away, Phase.TYPING, [POST], 3),
}
# The request and the closed question are edited; what follows is posted.
ON, ENDS = [EDIT, EDIT, POST], [EDIT, EDIT, POST, POST]
CLICKED = {
    "all is well": Row(_nothing, Phase.RESTORING, ON, 0, [CREATE]),
    "the answer is lost": Row(_create_is(DropAfter()), Phase.RESTORING, ON, 1, [CREATE]),
    "it is refused": Row(
        _create_is(Answer(403, "Forbidden", "no")), Phase.FAILED, ENDS, A_DAY, [CREATE]
    ),
    "the cluster is away": Row(_cluster_says_no, Phase.RESTORING, ON, 1),
    "the asker may no longer": Row(_made_a_guest, Phase.REFUSED, ENDS, A_DAY),
    "the snapshot is gone": Row(_deleted, Phase.REFUSED, ENDS, A_DAY),
    "Slack is away": Row(_slack_is_away, Phase.RESTORING, ON, 0, [CREATE]),
}


async def judge(scene: Scene, row: Row) -> None:
    """One round in that trouble."""
    row.trouble(scene)
    leased = await scene.lease()
    await scene.round(leased)
    phase = (await scene.record()).restore.phase
    assert (phase, scene.said, scene.asked) == (row.phase, row.said, row.acted)
    _, due = await scene.deps.store.queue.lease(0)
    assert due is not None
    assert round((due - scene.deps.clock.now()).total_seconds()) == row.again


@pytest.mark.parametrize("name", ASKED)
async def test_a_request_is_checked(name: str, scene: Scene) -> None:
    await judge(scene, ASKED[name])


@pytest.mark.parametrize("name", CLICKED)
async def test_a_click_is_carried_out(name: str, scene: Scene) -> None:
    await scene.confirmed()
    await judge(scene, CLICKED[name])


async def test_an_answer_that_was_lost_is_looked_for(scene: Scene) -> None:
    """Nothing is created a second time: the object is found by its name."""
    await scene.confirmed()
    _create_is(DropAfter())(scene)
    await scene.round()
    await scene.round()
    job = (await scene.record()).restore.job
    assert scene.asked == []
    assert job is not None
    assert job.uid is not None


async def test_a_round_that_comes_late_does_nothing(scene: Scene) -> None:
    """Its lease has run out meanwhile, and another worker goes on."""
    await scene.confirmed()
    late = await scene.lease()
    await scene.stage.world.leap(30)
    await scene.round()
    assert scene.asked == [CREATE]
    with pytest.raises(TooLateError):
        await scene.round(late)
    assert (scene.said, scene.asked) == ([], [])


async def test_a_document_that_has_moved_on_is_left_alone(scene: Scene) -> None:
    """Alice cancels while the round looks at the cluster."""
    await scene.confirmed()
    leased = await scene.lease()
    await scene.does(lambda play: play.cancels(UserId(scene.stage.alice.id)))
    with pytest.raises(TooLateError):
        await scene.round(leased)
    assert (scene.said, scene.asked) == ([], [])


@pytest.mark.parametrize(("steps", "acted"), [(0, []), (1, []), (2, [CREATE])])
async def test_a_process_that_ends_leaves_the_round_to_the_next_one(
    steps: int, acted: list[tuple[str, str]], scene: Scene
) -> None:
    """Before the look, before the act and before the thread."""
    await scene.confirmed()
    scene.steps = steps
    with pytest.raises(TooLateError):
        await scene.round()
    assert (scene.said, scene.asked) == ([], acted)
    scene.steps = 9
    await scene.round()
    assert scene.said
    await scene.round()
    assert len(scene.stage.restores()) == 1
