"""One run, from its number to its report."""

import asyncio
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.cluster.watch import STREAM_SECONDS
from bot.playground.clock import HandClock
from bot.playground.kubevirt.server import KubeSim
from bot.playground.slack import SlackSim
from bot.playground.stage import Stage, access, set_stage
from bot.playground.world import World
from bot.restore.model import Restore
from bot.restore.phases import left
from bot.restore.phases.left import AFTERCARE
from bot.restore.starts import start_is_due
from bot.store import EmbeddedRedis, Store, connect
from bot.store.keys import RESTORE, TASK, Keys
from tests.tools.chaos import trouble
from tests.tools.chaos.crew import Crew
from tests.tools.chaos.forgetting import OF_COPIES
from tests.tools.chaos.ground import Ground
from tests.tools.chaos.log import Log
from tests.tools.chaos.logins import shorten_limits
from tests.tools.chaos.memories import Memories
from tests.tools.chaos.people import Crowd
from tests.tools.chaos.plan import Ending, Plan, plan
from tests.tools.chaos.verdict import (
    Verdict,
    forgotten,
    judge,
    judge_later,
    stored,
    waits_for_the_cluster,
)
from tests.tools.chaos.verdict_people import homes, judge_homes
from tests.tools.invariants import Invariants

STEP = 1.0
"""How far the hand goes at a time while people act, in seconds."""
STRIDE = 5.0
"""How far afterwards, when only deadlines are left."""
LOOKS = 3
"""So many steps after it was opened a Home is drawn."""
SETTLED = 60.0
"""So many seconds pass in any case after the faults have stopped."""
LONGEST_RUN = 300.0
"""Real seconds after which a run is given up: a hundred times what it takes."""
LONGEST = 1500.0
"""After so many more seconds of the clock a story that is not over is called endless."""
ANSWER_TIMEOUT, STOP_TIMEOUT, RESTORE_TIMEOUT, SAFETY_TIMEOUT = 60, 15, 20, 20


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one run."""

    seed: int
    faults: Counter[str]
    doings: Counter[str]
    phases: Counter[str]
    handoffs: Counter[str]
    created: int
    forgotten: Counter[str]
    """Restores with a card in Slack that Redis does not know any more, and how many of them ran."""
    kills: int
    seconds: float
    """Real ones."""
    verdict: Verdict
    journal: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    transcript: str = ""

    @property
    def guilty(self) -> bool:
        """Something went wrong."""
        return self.verdict.guilty


@dataclass(slots=True)
class Player:
    """Plays runs one after the other, on one Redis."""

    directory: Path
    log: Log = field(default_factory=Log)
    redis: EmbeddedRedis = field(default_factory=EmbeddedRedis)
    kinds: Sequence[str] = trouble.DRAWN
    _url: str = ""

    async def play(self, seeds: Sequence[int]) -> list[Report]:
        """The reports of these runs."""
        self.log.listen()
        shorten_limits()
        try:
            return [await self._one(seed) for seed in seeds]
        finally:
            await self.redis.stop()

    async def _one(self, seed: int) -> Report:
        self.log.begin()
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="chaos-", dir=self.directory) as thread_ref:
            made = plan(seed, self.kinds)
            async with self._ground(made, Path(thread_ref)) as (ground, invariants):
                return await self._told(ground, invariants, begun)

    @asynccontextmanager
    async def _ground(
        self, made: Plan, thread_ref: Path
    ) -> AsyncIterator[tuple[Ground, Invariants]]:
        clock = HandClock()
        slack, kube = SlackSim(clock, seed=made.seed), KubeSim(clock, seed=made.seed)
        slack.delivery.screens_on_clock = True
        await slack.start()
        await kube.start()
        url = await self._clean_redis()
        world = World(clock, slack, kube, self.redis, url, self.directory, _config(made))
        world.socket_mode = made.socket_mode
        invariants = Invariants(world)
        stage = await set_stage(world, running=made.running, run_strategy=made.strategy)
        world.config = {**world.config, **_access(made, stage)}
        _prepare(kube, made)
        coming = {each.kind for each in made.troubles}
        crew = Crew(world, plugins=trouble.LOGIN_HANGS in coming)
        memories = Memories(world, wanted=not coming.isdisjoint(OF_COPIES))
        ground = Ground(made, world, stage, clock, crew, self.redis, clock.now(), memories)
        crew.tell = ground.note
        try:
            await crew.hire(made.replicas, thread_ref)
            yield ground, invariants
        finally:
            await ground.keep_time(all_of_it=True)
            await crew.dismiss()
            await slack.stop()
            await kube.stop()

    async def _clean_redis(self) -> str:
        url = await self.redis.start(self.directory / "redis") if not self._url else self._url
        self._url = url
        async with connect(url) as client:
            await client.flushall()
        return url

    async def _told(self, ground: Ground, invariants: Invariants, begun: float) -> Report:
        verdict = Verdict()
        documents: tuple[Restore, ...] = ()
        try:
            verdict, documents = await asyncio.wait_for(_played(ground, invariants), LONGEST_RUN)
        except Exception:  # noqa: BLE001 - one broken run must not end the others
            verdict.violations.append(traceback.format_exc())
        verdict.violations += dict.fromkeys(self.log.mistakes)
        return Report(
            seed=ground.plan.seed,
            faults=ground.faults,
            doings=ground.doings,
            phases=Counter(each.phase.value for each in documents),
            handoffs=Counter(each.how for one in documents for each in one.handoffs),
            created=len(ground.stage.restores()),
            forgotten=forgotten(ground, documents),
            kills=ground.crew.kills,
            seconds=time.perf_counter() - begun,
            verdict=verdict,
            journal=tuple(ground.journal) if verdict.guilty else (),
            log=tuple(self.log.lines[-200:]) if verdict.guilty else (),
            transcript=_transcripts(ground) if verdict.guilty else "",
        )


async def _played(ground: Ground, invariants: Invariants) -> tuple[Verdict, tuple[Restore, ...]]:
    """The story with its trouble, the quiet after it, and what is seen then."""
    crowd = Crowd(ground)
    coming = [each for each in ground.plan.troubles if each.follows is None]
    while ground.seconds < ground.plan.lasts:
        while coming and coming[0].at <= ground.seconds:
            await trouble.happens(ground, coming.pop(0))
        await _tick(ground, STEP)
        await ground.memories.keep()
        await crowd.act()
    await _peace(ground)
    await _silence(ground)
    if ground.memories.torn:
        await _listed_again(ground)
        await _silence(ground)
    await crowd.leave()
    documents = await stored(ground)
    verdict = await judge(ground, invariants, documents)
    if any(not each.phase.ended or each.thread_ref.direct for each in documents):
        # A Home may be so much behind while anything lives, or has just found a place to be told in.
        await _minute(ground)
    verdict.violations += await _homes_looked_at(ground)
    await _night(ground)
    verdict.violations += await judge_later(ground, documents)
    return verdict, documents


async def _tick(ground: Ground, seconds: float) -> None:
    """Let some time pass, and everything that is due in it."""
    ground.clock.advance(seconds)
    await ground.keep_time()
    await ground.crew.look_after()
    await ground.rest()


async def _peace(ground: Ground) -> None:
    """The faults stop. People have gone home; the open questions run out."""
    ground.note("the faults stop")
    ground.world.slack.faults.clear()
    ground.world.kube.faults.clear()
    await ground.keep_time(all_of_it=True)
    await ground.crew.heal()


async def _silence(ground: Ground) -> None:
    """Until nothing changes any more."""
    until, longest = ground.seconds + SETTLED, ground.seconds + LONGEST
    while ground.seconds < longest:
        await _tick(ground, STRIDE)
        if ground.seconds >= until and not await _something_left(ground):
            return


async def _listed_again(ground: Ground) -> None:
    """Until each watch has ended once: then objects are told again whose documents were forgotten."""
    until = ground.seconds + STREAM_SECONDS + SETTLED
    while ground.seconds <= until:
        await _tick(ground, STRIDE)


async def _minute(ground: Ground) -> None:
    until = ground.seconds + SETTLED
    while ground.seconds <= until:
        await _tick(ground, STRIDE)


async def _homes_looked_at(ground: Ground) -> list[str]:
    """Each person who has opened their Home does so once more, and sees what was there already."""
    before, drawn = homes(ground), _drawn(ground)
    for each in (ground.stage.alice, ground.stage.bob):
        if each.name in before:
            await each.open_home()
    for _ in range(LOOKS):
        await _tick(ground, STEP)
    if _drawn(ground) < drawn + len(before):
        return ["a Home was opened and not drawn"]
    if ground.memories.torn:
        return []  # that it was opened, or what it showed, may be forgotten
    return judge_homes(before, homes(ground))


def _drawn(ground: Ground) -> int:
    """How often a Home was published."""
    return sum(call.method == "views.publish" for call in ground.world.slack.log)


async def _something_left(ground: Ground) -> bool:
    """Something is due soon that does not only wait for the cluster."""
    if ground.world.slack.busy:
        return True
    now = ground.clock.now().timestamp()
    soon, at_once = ((now + wait) * 1000 for wait in (AFTERCARE.total_seconds() / 2, STRIDE))
    async with connect(ground.world.redis_url) as client:
        store = Store(client, ground.world.slack.team_id, ground.clock)
        key = Keys(ground.world.slack.team_id).due
        queue = [str(each) for each in await client.zrangebyscore(key, "-inf", soon)]
        now_due = {str(each) for each in await client.zrangebyscore(key, "-inf", at_once)}
        # What is only kept current comes up again and again as long as anything lives.
        due = [each for each in queue if each in now_due or not each.startswith(TASK)]
        found = await store.load_many([each.removeprefix(RESTORE) for each in due])
        waiting = [each for each in found if _only_watched(ground, each.restore)]
        return len(waiting) < len(due)


def _only_watched(ground: Ground, restore: Restore) -> bool:
    """The cluster may take for ever, and what a restore left behind is looked up until its end."""
    return waits_for_the_cluster(ground, restore) or (
        left.due_at(restore) is not None and not start_is_due(restore)
    )


async def _night(ground: Ground) -> None:
    """The aftercare passes."""
    await _tick(ground, AFTERCARE.total_seconds() + 60)
    for _ in range(8):
        await _tick(ground, STRIDE)


def _config(made: Plan) -> dict[str, object]:
    rules = {
        "stop_when": made.stop_when,
        "protect_by_default": made.protect,
        "answer_timeout": ANSWER_TIMEOUT,
        "stop_timeout": STOP_TIMEOUT,
        "restore_timeout": RESTORE_TIMEOUT,
        "safety_timeout": SAFETY_TIMEOUT,
    }
    return {"rules": rules}


def _access(made: Plan, stage: Stage) -> dict[str, Any]:
    """Both may restore; and take over what is not theirs, if they are on call."""
    people = stage.alice, stage.bob
    allowed: dict[str, Any] = access(*people)
    if made.habits.on_call:
        allowed["access"]["on_call"] = {"users": [each.id for each in people]}
    return allowed


def _prepare(kube: KubeSim, made: Plan) -> None:
    if made.stubborn:
        kube.people.ignore_shutdown("production", "database-01")
    disks = kube.knobs.own_class("standard")
    if made.ending is Ending.SLOW:
        disks.bind = 30.0
    elif made.ending is Ending.FAILS:
        disks.error = "failed to provision volume: exceeded quota"


def _transcripts(ground: Ground) -> str:
    slack = ground.world.slack
    return "\n".join(slack.transcript(room) for room in slack.workspace.channels.values())


def play(seeds: Sequence[int], kinds: Sequence[str] = trouble.DRAWN) -> list[Report]:
    """Play these runs in this process."""
    with tempfile.TemporaryDirectory(prefix="vmr-") as directory:
        player = Player(Path(directory), kinds=kinds)
        return asyncio.run(player.play(seeds))
