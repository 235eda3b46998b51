"""An older document comes back after everything was done: nothing is done a second time.

Each test keeps the document of some moment, changes the cluster as people and the bot have done since,
and lets the document look again. `test_made_before` has what the restore's own object shows; here it is
gone, or was never made, and the VM's own history is all there is.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.restore.events import Button, CreateRestore, CreateSnapshot, StartVm, StopVm
from bot.restore.model import Phase
from bot.restore.observation import Vm, Vmi
from bot.restore.reasons import Reason
from bot.restore.rules import Rules
from bot.restore.starts import start_is_offered
from tests.restore import play as p
from tests.restore.ground import LIVE, NOW, RUNNING, SERVED_NO_MORE, VM, VMI, foreign_restore
from tests.restore.play import CONFIRMED, Play
from tests.restore.test_made_before import MARK, OBJECT, SAFETY_OBJECT

LATER = NOW + timedelta(minutes=3)
OLDER = replace(VMI, created=NOW - timedelta(days=9))
NEWER = Vmi("vmi-2", "Running", created=LATER)
AGAIN = replace(RUNNING, generation=RUNNING.generation + 2)
"""Stopped and started since: its run strategy was written twice."""
MANUAL = replace(RUNNING, run_strategy="Manual")
"""Stopped and started as often as you like: nothing of it stands in the VM."""


def _chosen(vm: Vm, rules: Rules = p.RULES) -> Play:
    begun = p.play(rules)
    begun.ground = LIVE.but(vm=vm, vmi=OLDER)
    return begun.looks().clicks(Button.STOP_AND_RESTORE)


def _confirmed(vm: Vm) -> Play:
    return _chosen(vm, CONFIRMED).types("pre-upgrade-snapshot").clicks(Button.CONFIRM)


def _forced(vm: Vm) -> Play:
    overdue = _chosen(vm).looks().wait(300).looks()
    return overdue.clicks(Button.FORCE_STOP).clicks(Button.FORCE_STOP_NOW)


MOMENTS: dict[str, Callable[[Vm], Play]] = {
    "chosen": _chosen,
    "chosen and sent": lambda vm: _chosen(vm).looks(),
    "confirmed": _confirmed,
    "confirmed and sent": lambda vm: _confirmed(vm).looks(),
    "forced": _forced,
}


# --- The stop -------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_stop_is_sent_to_the_run_that_was_to_be_stopped(moment: str) -> None:
    assert isinstance(MOMENTS[moment](RUNNING).wait(2).looks().effect, StopVm)


@pytest.mark.parametrize("before", [RUNNING, MANUAL], ids=["Always", "Manual"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_vm_that_was_started_again_is_not_stopped_a_second_time(moment: str, before: Vm) -> None:
    played = MOMENTS[moment](before).wait(200)
    played.looks(vm=AGAIN if before is RUNNING else MANUAL, vmi=NEWER)
    assert played.effects == ()
    assert (played.phase, played.reason) == (Phase.REFUSED, Reason.VM_STARTED)
    assert "started again" in played.outcome.found
    assert "has run since 2026-02-18 16:33:00 UTC" in played.outcome.found
    assert not start_is_offered(played.restore), "it runs by somebody else's will"


@pytest.mark.parametrize("moment", ["chosen and sent", "confirmed and sent", "forced"])
def test_not_even_where_the_clocks_differ(moment: str) -> None:
    """The VMI that the stop was sent to is known by its UID."""
    played = MOMENTS[moment](MANUAL).wait(200)
    assert played.looks(vmi=replace(NEWER, created=NOW - timedelta(minutes=9))).effects == ()
    assert played.reason is Reason.VM_STARTED


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_nor_where_the_cluster_has_another_time(ahead: int) -> None:
    """Its own clock says how old a VMI is: a younger one stays, one that crashed before goes down."""
    differ = timedelta(seconds=ahead)
    for created, acts in ((NEWER.created, 0), (NOW - timedelta(seconds=5), 1)):
        assert created is not None
        played = _chosen(RUNNING).wait(200)
        played.looks(vmi=replace(NEWER, created=created + differ), ahead=differ)
        assert len(played.effects) == acts


@pytest.mark.parametrize("vmi", [NEWER, None], ids=["live", "about to be"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_nor_one_that_was_only_written_to(moment: str, vmi: Vmi | None) -> None:
    played = MOMENTS[moment](RUNNING).wait(5).looks(vm=AGAIN, vmi=vmi)
    assert played.effects == ()
    assert "generation 2 → 4" in played.outcome.found


@pytest.mark.parametrize("moment", MOMENTS)
def test_nor_one_that_somebody_else_has_restored(moment: str) -> None:
    played = MOMENTS[moment](RUNNING).wait(5)
    played.looks(vm=replace(RUNNING, last_restore="by-hand-0815"))
    assert played.effects == ()
    assert "last restore none → `by-hand-0815`" in played.outcome.found


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_this_restore_left_in_the_vm_tells_that_it_was_done(moment: str) -> None:
    """Also before any confirmation is known: the name in the mark is this restore's own."""
    played = MOMENTS[moment](RUNNING).wait(5)
    played.looks(vm=replace(AGAIN, last_restore=MARK), vmi=NEWER)
    assert played.effects == ()
    assert played.phase is Phase.RESTORING
    assert played.looks().reason is Reason.RESTORE_DELETED
    assert f"`{OBJECT}`" in played.outcome.found


def test_a_vm_that_crashes_and_starts_by_itself_is_stopped() -> None:
    """Its VMI is another one than that which was shown, but no younger than the choice."""
    played = _chosen(RUNNING).wait(2)
    crashed = replace(NEWER, created=NOW - timedelta(seconds=5))
    assert isinstance(played.looks(vmi=crashed).effect, StopVm)


def test_a_vmi_that_came_while_the_stop_was_sent_goes_down_with_it() -> None:
    played = _chosen(RUNNING).looks().wait(2)
    halted = replace(RUNNING, generation=3, run_strategy="Halted")
    played.looks(vm=halted, vmi=NEWER)
    assert played.phase is Phase.STOPPING
    assert played.looks(vm=VM, vmi=None).phase is Phase.CHECKING


def test_a_stop_of_an_earlier_release_goes_on() -> None:
    """It kept nothing to compare with, and the VM is going down by now."""
    played = _chosen(RUNNING).looks().wait(2)
    assert played.restore.preview is not None
    older = played.restore.preview.model_copy(update={"vm_state": None})
    played.restore = played.restore.model_copy(update={"preview": older})
    assert isinstance(played.looks().effect, StopVm)


def test_a_vm_that_was_stopped_started_and_stopped_since_is_not_restored() -> None:
    """The older document takes the VM for one that its own stop has brought down."""
    played = _confirmed(RUNNING).looks().wait(240)
    played.looks(vm=replace(VM, generation=RUNNING.generation + 3), vmi=None)
    assert (played.phase, played.reason) == (Phase.REFUSED, Reason.CHANGED_SINCE_CONFIRMATION)
    assert "generation 2 → 5" in played.outcome.found


@pytest.mark.parametrize(
    ("vm", "down", "goes_on"),
    [(MANUAL, 320, True), (MANUAL, 340, False), (replace(VM, generation=3), 340, True)],
    ids=["by our stop", "by hand, much later", "the write of our stop shows that it was ours"],
)
@pytest.mark.parametrize("ahead", [0, 3600])
def test_a_vm_that_goes_down_long_after_its_stop_has_perhaps_run_since(
    vm: Vm, down: int, goes_on: bool, ahead: int
) -> None:
    """Under Manual nothing is written: only the time since when it is down is left of another run."""
    played, differ = _confirmed(MANUAL).looks().wait(400), timedelta(seconds=ahead)
    since = NOW + timedelta(seconds=down) + differ
    played.looks(vm=replace(vm, down_since=since), vmi=None, ahead=differ)
    assert (played.phase is Phase.RESTORING) == goes_on
    assert goes_on or "it may have been used in between" in played.outcome.found


def test_a_stop_that_takes_long_while_its_question_is_open_was_watched() -> None:
    played = _confirmed(MANUAL).looks().wait(300).looks().wait(60)
    assert played.question is not None
    down = replace(MANUAL, down_since=NOW + timedelta(seconds=350))
    assert played.looks(vm=down, vmi=None).phase is Phase.RESTORING


# --- The safety snapshot --------------------------------------------------------------------------


def test_a_safety_snapshot_without_an_answer_is_sent_again_under_its_name() -> None:
    played = p.protecting().looks().wait(3).looks()
    assert isinstance(played.effect, CreateSnapshot)
    assert played.effect.name == SAFETY_OBJECT


@pytest.mark.parametrize(
    ("vm", "vmi", "reason"),
    [
        (AGAIN, NEWER, Reason.VM_STARTED),
        (replace(VM, down_since=LATER), None, Reason.CHANGED_SINCE_CONFIRMATION),
        (replace(VM, last_restore="by-hand-1"), None, Reason.CHANGED_SINCE_CONFIRMATION),
    ],
    ids=["runs", "has run", "restored"],
)
def test_it_is_not_taken_of_another_state(vm: Vm, vmi: Vmi | None, reason: Reason) -> None:
    """It was taken, its VM was used, and somebody has tidied it up."""
    played = p.protecting().looks().wait(60).looks(vm=vm, vmi=vmi)
    assert played.effects == ()
    assert played.reason is reason


def test_it_is_not_taken_for_an_old_confirmation() -> None:
    played = p.protecting().wait(300).looks().wait(300).looks()
    assert played.effects == ()
    assert played.reason is Reason.CONFIRMATION_TOO_OLD


def test_one_that_was_taken_is_found_by_its_name() -> None:
    played = p.protecting().looks().applies().wait(60).looks()
    assert played.effects == ()
    assert played.restore.safety is not None
    assert played.restore.safety.uid == "safety-1"


def test_a_safety_snapshot_that_may_not_be_looked_at_is_not_known() -> None:
    played = p.protecting().looks().wait(3)
    played.looks(forbidden=SERVED_NO_MORE)
    assert played.effects == ()
    assert played.phase is Phase.PROTECTING
    assert played.restore.trouble is not None


# --- The create -----------------------------------------------------------------------------------


def test_what_the_lock_showed_once_is_not_made_again() -> None:
    """Decided, no answer, seen by the VM's lock alone, and then nothing: it was there."""
    played = p.decided().wait(2).looks(vm=replace(VM, restore_in_progress=OBJECT))
    assert played.effects == ()
    assert played.wait(2).looks(vm=VM).effects == ()
    assert played.reason is Reason.RESTORE_DELETED


def test_the_lock_of_another_restore_shows_nothing_of_ours() -> None:
    played = p.decided().wait(2).looks(vm=replace(VM, restore_in_progress="of-somebody"))
    assert played.restore.job is not None
    assert not played.restore.job.seen


def test_a_create_is_sent_again_within_ten_minutes_of_the_click_and_no_later() -> None:
    """Not within ten minutes of the decision, which the click may lie far behind."""
    played = p.confirmed().wait(599).looks()
    assert isinstance(played.effect, CreateRestore)
    assert played.wait(1).looks().effects == ()
    assert played.wait(90).looks().reason is Reason.CONFIRMATION_TOO_OLD
    assert isinstance(p.decided().wait(599).looks().effect, CreateRestore)


@pytest.mark.parametrize(("away", "told"), [(59, None), (61, LATER)])
def test_a_restore_that_was_followed_before_is_told_with_its_own_time(
    away: float, told: object
) -> None:
    played = p.restoring().wait(20).looks().wait(away)
    played.job_becomes(complete=True, restored_at=LATER).looks()
    assert played.phase is Phase.SUCCEEDED
    assert played.restore.job is not None
    assert played.restore.job.restored_at == told


def test_a_restore_by_others_since_is_no_reason_to_restore_again() -> None:
    played = p.decided().wait(60)
    played.ground = played.ground.but(
        vm=replace(VM, last_restore="of-somebody-1"),
        restores=(foreign_restore(complete=True),),
    )
    assert played.looks().effects == ()
    assert played.wait(90).looks().effects == ()
    assert "of-somebody" in played.outcome.found


# --- The start ------------------------------------------------------------------------------------


def _to_be_started() -> Play:
    return p.succeeded().wait(5).clicks(Button.START_VM)


def test_a_vm_is_started_once_for_a_click() -> None:
    assert isinstance(_to_be_started().looks().effect, StartVm)


def test_a_vm_that_was_still_stopping_at_the_click_has_not_run_since() -> None:
    """Cancelled in the middle of the stop, which ends after the click."""
    played = _chosen(RUNNING).looks().cancels().wait(5).clicks(Button.START_VM).wait(5)
    played.looks(vm=replace(VM, down_since=LATER), vmi=None)
    assert isinstance(played.effect, StartVm)
    started = replace(VM, generation=RUNNING.generation + 3, down_since=LATER)
    assert played.wait(60).looks(vm=started).effects == ()


@pytest.mark.parametrize(
    ("vm", "vmi"),
    [
        (replace(VM, down_since=LATER), None),
        (MANUAL, replace(NEWER, phase="Succeeded")),
    ],
    ids=["stopped", "powered off"],
)
def test_a_vm_that_has_run_since_the_click_is_not_started_again(vm: Vm, vmi: Vmi | None) -> None:
    played = _to_be_started().wait(300).looks(vm=vm, vmi=vmi)
    assert played.effects == ()
    assert played.restore.start is not None
    assert "has run since" in (played.restore.start.error or "")
    again = played.clicks(Button.START_VM)
    assert isinstance(again.looks().effect, StartVm), "pressing once more is a new click"


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_whether_it_has_run_since_is_told_by_the_clusters_clock(ahead: int) -> None:
    differ = timedelta(seconds=ahead)
    for ended, acts in ((NOW - timedelta(minutes=1), 1), (LATER, 0)):
        played = _to_be_started().wait(300)
        played.looks(vm=replace(VM, down_since=ended + differ), vmi=None, ahead=differ)
        assert len(played.effects) == acts
