"""Work that hangs is cut off and held back, others go on, and a process that cannot move says so."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import yaml

from bot import cancelling, worker
from bot.app import App
from bot.cluster import login, plugin
from bot.playground.stage import Stage
from bot.store.records import PeriodicTask, TaskResult
from tests.conftest import LONG
from tests.stories import acts
from tests.stories.conftest import SetStage
from tests.stories.test_periodic_tasks import store_of
from tests.tools.fleet import until

OVERRUN = "vm_restore_rounds_total"


@pytest.fixture(autouse=True)
def seldom_asked() -> None:
    """Others put work into the store here: the bot asks each second, as it does in production."""


@dataclass(slots=True)
class Hanging:
    """A periodic task of the running bot that hangs until it is let go, in spite of cancels if told."""

    stage: Stage
    stubborn: bool = False
    begun: int = 0
    ended: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, _: PeriodicTask) -> TaskResult | None:
        """Hang."""
        self.begun += 1
        try:
            while not self.go_on.is_set():
                try:
                    await self.go_on.wait()
                except asyncio.CancelledError:
                    if not self.stubborn:
                        raise
        finally:
            self.ended += 1
        return None

    async def due(self, *names: str) -> None:
        """So many of them are due now."""
        handlers: Any = bot_of(self.stage).worker._task_handlers
        handlers["hang"] = self
        async with store_of(self.stage) as store:
            for name in names:
                await store.tasks.schedule(f"hang:{name}", {}, due=self.stage.world.clock.now())
        bot_of(self.stage).worker.nudge()


def bot_of(stage: Stage) -> App:
    """The bot that runs."""
    assert stage.world.bot is not None
    return stage.world.bot


def overruns(stage: Stage) -> float:
    """How much was cut off so far."""
    sample = bot_of(stage).metrics.registry.get_sample_value(OVERRUN, {"result": "task_overrun"})
    return sample or 0.0


async def health(stage: Stage) -> int:
    """What /healthz answers."""
    url = f"http://127.0.0.1:{bot_of(stage).port}/healthz"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status


@pytest.fixture
async def stage(stage_for: SetStage) -> Stage:
    """Nothing is under way."""
    made = await stage_for()
    await made.world.quiet()
    return made


@pytest.fixture
async def hanging(stage: Stage) -> AsyncIterator[Hanging]:
    """Let go at the end, or the bot would not stop."""
    made = Hanging(stage)
    yield made
    made.stubborn = False
    made.go_on.set()


async def cut_off(hanging: Hanging, monkeypatch: pytest.MonkeyPatch, times: float = 1) -> None:
    """It is begun with a short limit, and cut off."""
    with monkeypatch.context() as patch:
        patch.setattr(worker, "ROUND_SECONDS", 0.01)
        await hanging.due("1")
        await hanging.stage.until(lambda: overruns(hanging.stage) == times, "it is cut off")


@pytest.mark.parametrize("stubborn", [False, True])
async def test_work_that_hangs_is_cut_off_and_held_back(
    stage: Stage, hanging: Hanging, monkeypatch: pytest.MonkeyPatch, *, stubborn: bool
) -> None:
    """Also if it swallows every cancel: its worker is free, and a restore goes on."""
    monkeypatch.setattr(cancelling, "LAST_SECONDS", 0.01)
    hanging.stubborn = stubborn
    await cut_off(hanging, monkeypatch)
    assert bot_of(stage).busy == 0
    await acts.ask_and_finish(stage)
    await stage.world.pass_time(120)
    assert hanging.begun == 1
    hanging.go_on.set()
    await until(lambda: hanging.ended == 1, "it ends after all")


async def test_what_was_held_back_is_tried_again(
    stage: Stage, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "HELD_BACK", 0.0)
    await cut_off(hanging, monkeypatch)
    hanging.go_on.set()
    await stage.until(lambda: hanging.begun == 2, "once more")


def test_each_time_it_is_held_back_longer() -> None:
    overruns = worker.Overruns()
    assert [overruns.note("one") for _ in range(7)] == [30, 60, 120, 240, 480, 600, 600]
    assert overruns.holds("one")
    assert not overruns.holds("another")
    overruns.forget("one")
    assert not overruns.holds("one")
    assert overruns.note("one") == 30


async def test_what_loses_its_lease_again_and_again_takes_two_workers_at_most(
    stage: Stage, hanging: Hanging
) -> None:
    """Its limit is longer than its lease. Without a bound each lease would take one more."""
    await hanging.due("1")
    await stage.until(lambda: hanging.begun == 1, "it hangs")
    clock: Any = stage.world.clock
    for _ in range(8):
        clock.advance(26)
        bot_of(stage).worker.nudge()
        await store_asked(stage)
    assert hanging.begun == worker.AT_ONCE
    hanging.go_on.set()


async def store_asked(stage: Stage) -> None:
    """The worker has looked at the queue once more."""
    seen = bot_of(stage).worker._moved_at
    await until(lambda: bot_of(stage).worker._moved_at != seen, "it looks")
    await until(lambda: bot_of(stage).worker._resting, "it has looked")


async def test_alive_means_that_work_moves(
    stage: Stage, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All workers hang: only a restart helps. With one free, or nothing to do, the bot is well."""
    monkeypatch.setattr(worker, "WORKERS", 3)
    work: Any = bot_of(stage).worker
    await hanging.due("1", "2")
    await until(lambda: hanging.begun == 2, "they hang")
    work._moved_at -= 2 * LONG
    work.nudge()
    await store_asked(stage)
    assert await health(stage) == 200
    await hanging.due("3")
    await until(lambda: hanging.begun == 3, "they hang")
    work._moved_at -= 2 * LONG
    work.nudge()
    assert await health(stage) == 503
    hanging.go_on.set()
    await stage.until(lambda: bot_of(stage).busy == 0, "they end")
    assert await health(stage) == 200
    work._moved_at -= 2 * LONG
    await stage.world.pass_time(2)
    assert await health(stage) == 200


async def test_a_login_that_hangs_takes_one_cluster_down_and_no_other(
    stage_for: SetStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More restores than there are workers wait for it; the other cluster restores meanwhile."""
    monkeypatch.setattr(login, "_REFRESH_SECONDS", 0.0)
    monkeypatch.setattr(worker, "WORKERS", 4)
    stage = await stage_for(start=False, config=acts.ANY_NUMBER)
    world = stage.world
    stuck = world.directory / "stuck"
    runs = world.directory / "runs"
    kubeconfig = yaml.safe_load(world.kube.kubeconfig(stuck).read_text())
    code = f"open({str(runs)!r}, 'a').write('run '); import time; time.sleep(3600)"
    command = {"command": sys.executable, "args": ["-c", code]}
    kubeconfig["users"][0]["user"] = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", **command}
    }
    stuck.write_text(yaml.safe_dump(kubeconfig))
    world.config = {
        **world.config,
        "clusters": {"default": {}, "stuck": {"kubeconfig": str(stuck)}},
    }
    with monkeypatch.context() as patch:
        patch.setattr(plugin, "LOGIN_SECONDS", 0.05)
        await world.start_bot()
    monkeypatch.setattr(login, "_GLANCE", 0.01)
    await acts.to_the_warning(stage)
    for number in range(6):
        await stage.alice.slash(
            stage.channel, f"/vm-restore vm-{number} snap-{number} in production on stuck"
        )
    await stage.card("vm-5")
    await acts.finish(stage)
    assert len(stage.restores()) == 1
    assert stage.shown("I keep trying and go on by myself.")
    assert len(runs.read_text().split()) <= 3, "one for the rights, asked at the start"
    # Before the limits are as they were: what waits for the login must not hold the stop up.
    await world.stop_bot()


async def test_what_strangers_say_holds_up_no_running_restore(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack takes the answers to them slowly; the restore has workers of its own."""
    monkeypatch.setattr(worker, "WORKERS", 3)
    monkeypatch.setattr(worker, "DELIVERIES", 3)
    kube, slack = stage.world.kube, stage.world.slack
    await kube.pause_controllers()
    await acts.ask_and_confirm(stage)
    await acts.handed_over(stage)
    slack.faults.delay("chat.postEphemeral", 3600, times=1000)
    for _ in range(9):
        await stage.bob.say(stage.channel, f"{slack.mention} help")
    asked = [call for call in slack.log if call.method == "chat.postEphemeral"]
    await until(lambda: bot_of(stage).busy >= 3, "they are dealt with")
    assert len(asked) <= 3
    kube.resume_controllers()
    for _ in range(30):
        await stage.world.pass_unheard(1)
    assert stage.shown(acts.RESTORED)
    assert bot_of(stage).busy <= 4
    slack.faults.clear()
    clock: Any = stage.world.clock
    clock.advance(3600)
    await until(lambda: bot_of(stage).busy == 0, "they end")
