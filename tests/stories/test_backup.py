"""A backup of Redis is put back after everything was done: the cluster is asked, and nothing is repeated.

The story is a restore of a running VM to its good end; then its VM is started and used. The copy was
taken at one moment of it, from the stop on. What the people have done since differs as well: the VM
still runs, was stopped by hand, or the objects were tidied away.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from bot.playground.kubevirt.faults import DropAfter, Rule
from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import SetStage
from tests.stories.test_witness import NS, PROTECT, RESTORE, STOP, VM, Copy, copied, put_back
from tests.tools.deeds import Deeds

START = "update virtualmachines/start"
USED = 150
"""Seconds for which the VM is used before the backup comes back."""
CHOSEN = ("chosen", "being stopped", "typing", "confirming")
CONFIRMED = ("confirmed", "being stopped after all")
BOTH = ("protecting", "no answer", "restoring", "start")
ASKED = ("typing", "confirming")
MOMENTS = (*CHOSEN, *CONFIRMED, *BOTH)
BEYOND_RUNNING = ("chosen", "typing", "confirmed", "protecting", "no answer", "start")
"""One moment of each kind, for what else may have become of the VM and of the objects."""


@dataclass(slots=True)
class Story:
    """A restore that goes to its end, and the copy of Redis taken at one moment of it."""

    stage: Stage
    at: str
    copy: Copy = field(default_factory=dict)

    async def now(self, moment: str) -> None:
        """If this is the moment, copy what Redis holds when nothing is under way."""
        if moment == self.at:
            await self.stage.world.quiet()
            self.copy = await copied(self.stage)

    async def press(self, moment: str, card: str, label: str) -> None:
        """Press; at the moment in question the cluster cannot be reached, so that no act follows yet."""
        stage = self.stage
        await stage.card(card)
        if moment != self.at:
            await stage.press(card, label)
            return
        await stage.world.kube.go_away()
        await stage.press(card, label)
        await self.now(moment)
        await stage.world.kube.start()

    async def play(self) -> None:
        """From the request to the VM that runs again."""
        stage, after_all = self.stage, self.at in CONFIRMED
        await acts.ask(stage)
        await self.press("chosen", acts.MUST_STOP, "Stop and restore")
        if not after_all:
            await self._stops("being stopped")
        await stage.card(acts.TYPE_IT)
        await self.now("typing")
        await stage.reply("pre-upgrade-snapshot")
        await stage.card(acts.READY)
        await self.now("confirming")
        if self.at == "no answer":
            lost = Rule(
                DropAfter(), verb="create", resource="virtualmachinerestores", dry_run=False
            )
            stage.world.kube.faults.add(lost)
        await self.press("confirmed", acts.READY, "Restore VM now")
        if after_all:
            await self._stops("being stopped after all")
        await stage.card("Taking safety snapshot")
        await self.now("protecting")
        await acts.handed_over(stage)
        await self.now("no answer")
        await stage.card("Restoring VM from snapshot")
        await self.now("restoring")
        await stage.card(acts.RESTORED)
        await self.press("start", acts.RESTORED, "Start VM")
        await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs")
        await stage.card("started by")
        await stage.world.pass_time(USED)

    async def _stops(self, moment: str) -> None:
        await self.stage.until(lambda: STOP in acts.sent(self.stage), "the stop is sent")
        await self.now(moment)


async def _runs(stage: Stage) -> None:
    """The VM is in use."""


async def _stopped(stage: Stage) -> None:
    """The VM was used, and somebody has stopped it."""
    stage.world.kube.people.stop(NS, VM)
    await stage.until(lambda: not acts.live(stage), "the VM is stopped")


async def _tidied(stage: Stage) -> None:
    """The VM is in use; the objects that the restore has made are deleted."""
    for call in stage.creates("virtualmachinesnapshots"):
        stage.world.kube.people.delete_snapshot(NS, call.name)
    stage.world.kube.people.delete_restore(NS, stage.restores()[0].name)


Since = Callable[[Stage], Awaitable[None]]
SINCE: dict[str, Since] = {"runs": _runs, "stopped": _stopped, "tidied": _tidied}


DONE, DELETED = "*I learnt of it*: 2026-02-18 16:", "The VM carries its mark."
TOLD: dict[tuple[bool, str], str] = {
    (False, "runs"): DONE,
    (False, "stopped"): DONE,
    (False, "tidied"): DELETED,
    (True, "runs"): "started by",
    (True, "stopped"): "it has run since you pressed the button, and is down again",
    (True, "tidied"): "started by",
}
"""What the thread says in the end: whether the start is what was put back, and what was done since."""


@pytest.mark.parametrize(
    ("moment", "since"),
    [
        *((moment, "runs") for moment in MOMENTS),
        *((moment, since) for moment in BEYOND_RUNNING for since in ("stopped", "tidied")),
    ],
)
async def test_a_backup_put_back_repeats_nothing(
    stage_for: SetStage, moment: str, since: str
) -> None:
    """No create, stop or start is sent for what was confirmed and done, and the thread says so."""
    when = "confirmed" if moment in CONFIRMED else "chosen"
    stage = await stage_for(
        running=True, config={"rules": {"stop_when": when, "protect_by_default": True}}
    )
    stage.world.kube.knobs.own_class("standard").bind = 5
    story = Story(stage, moment)
    await story.play()
    await SINCE[since](stage)
    done = acts.sent(stage)
    assert done == [STOP, PROTECT, RESTORE, START]
    running = acts.live(stage)
    await put_back(stage, story.copy)
    await stage.world.pass_time(60)
    if moment in ASKED:
        # The old question is open again. Nobody answers it, and its limit comes.
        await stage.world.leap(15 * 60)
        await stage.world.pass_time(60)
    assert acts.sent(stage) == done
    assert acts.live(stage) is running
    told = [stage.read(each) for each in stage.cards()]
    assert any(TOLD[moment == "start", since] in each for each in told), told


async def test_a_vm_that_was_stopped_and_then_not_restored_is_not_stopped_again(
    stage_for: SetStage,
) -> None:
    """No object tells what was done: only the VM itself, which runs anew. The verdict of chaos counts it."""
    stage = await stage_for(running=True, start=False)
    deeds = Deeds(stage.world)
    await stage.world.start_bot()
    await acts.ask_and_stop(stage)
    await stage.until(lambda: STOP in acts.sent(stage), "the stop is sent")
    await stage.world.quiet()
    copy = await copied(stage)
    await stage.card(acts.TYPE_IT)
    await acts.ask(stage, "/vm-restore cancel")
    await stage.card("Restore Cancelled")
    stage.world.kube.people.start(NS, VM)
    await stage.until(lambda: acts.vm_is(stage, "Running"), "the VM runs")
    await stage.world.pass_time(USED)
    await put_back(stage, copy)
    await stage.world.pass_time(60)
    assert deeds.judge() == []
    assert acts.live(stage)
