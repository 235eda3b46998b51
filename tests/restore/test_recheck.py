"""What was shown of the VM is what is restored: each difference stops it, and is told with both sides."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.restore.differences import COMPARISONS, SNAPSHOT_COMPARISONS, claims_are_the_same
from bot.restore.events import Button, CreateRestore, CreateSnapshot, StopVm
from bot.restore.model import Phase
from bot.restore.observation import Claim, Vm, Volume
from bot.restore.reasons import Reason
from bot.restore.recheck import UNLOCKS_WITHIN
from bot.restore.rules import Rules
from bot.restore.vmstate import snapshot_state, state_of
from tests.restore import play as p
from tests.restore.ground import (
    CLAIM,
    CONTENT,
    LIVE,
    NOW,
    READY,
    RUNNING,
    SNAPSHOT,
    SNAPSHOT_NAME,
    VM,
    VMI,
    WELL,
)
from tests.restore.play import Play

LATER = NOW + timedelta(minutes=4, seconds=11)

VM_CHANGES: dict[str, tuple[str, dict[str, Any], str]] = {
    "edited": (
        "specification_is_the_same",
        {"specification": "other", "generation": 4, "config": (("cpu", "8 cores"),)},
        "The VM was edited: cpu 4 cores → 8 cores.",
    ),
    "a disk was added": (
        "specification_is_the_same",
        {
            "specification": "other",
            "generation": 4,
            "config": (("cpu", "4 cores"), ("disk data", "claim data")),
        },
        "The VM was edited: disk data none → claim data.",
    ),
    "edited where no name is known": (
        "specification_is_the_same",
        {"specification": "other", "generation": 4},
        "The VM was edited: its specification, generation 3 → 4.",
    ),
    "restored by hand": (
        "nobody_restored_it",
        {"last_restore": "by-hand-0815"},
        "The VM was restored: last restore none → `by-hand-0815`.",
    ),
    "started and stopped again": (
        "generation_is_the_same",
        {"generation": 5},
        "The VM was changed: generation 3 → 5.",
    ),
    "another run strategy": (
        "run_strategy_is_the_same",
        {"run_strategy": "Manual"},
        "The VM's run strategy was changed: Halted → Manual.",
    ),
    "a Manual VM has run": (
        "it_stayed_down",
        {"down_since": LATER},
        "The VM has run: it was down since 2026-02-17 16:30:00 UTC, now since 2026-02-18 16:34:11 UTC.",
    ),
    "nobody knows since when it is down": (
        "it_stayed_down",
        {"down_since": None},
        "now since not known.",
    ),
    "a GitOps tool has adopted it": (
        "same_tool_writes_it",
        {"gitops": "Argo CD"},
        "Who else writes the VM has changed: nobody → Argo CD.",
    ),
}
CLAIM_CHANGES: dict[str, tuple[str, tuple[Claim, ...], str]] = {
    "a claim was made again": (
        "claims_are_the_same",
        (replace(CLAIM, uid="claim-2"),),
        "Claim `root-claim` is not the one that was shown: UID claim-1 → claim-2.",
    ),
    "a claim was resized": (
        "claims_have_their_size",
        (replace(CLAIM, size=40 * 1024**3),),
        "Claim `root-claim` was resized: 0.0 GiB → 40.0 GiB.",
    ),
    "a claim was deleted": (
        "claims_are_the_same",
        (),
        "Claim `root-claim` is not the one that was shown: UID claim-1 → none.",
    ),
}
SNAPSHOT_CHANGES: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "another point in time": (
        "point_in_time_is_the_same",
        {"created": NOW},
        {},
        "point in time was changed: 2026-02-18 10:00:00 UTC → 2026-02-18 16:30:00 UTC.",
    ),
    "other disks": (
        "disks_are_the_same",
        {"included": ("root", "data")},
        {},
        "The snapshot's disks were changed: `root` → `data`, `root`.",
    ),
    "another consistency": (
        "consistency_is_the_same",
        {"indications": ("Online", "NoGuestAgent")},
        {},
        "its consistency was changed: none → `NoGuestAgent`, `Online`.",
    ),
    "another content": (
        "content_is_the_same",
        {},
        {"uid": "content-uid-2"},
        "The snapshot has another content: UID content-uid-1 → content-uid-2.",
    ),
    "an edited content": (
        "content_is_the_same",
        {},
        {"specification": "other"},
        "The snapshot's content was edited: digest of its spec as-copied → other.",
    ),
}
CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    **{
        case: ({"vm": replace(VM, **facts)}, words)
        for case, (_, facts, words) in VM_CHANGES.items()
    },
    **{case: ({"claims": claims}, words) for case, (_, claims, words) in CLAIM_CHANGES.items()},
    **{
        case: (
            {"snapshots": (replace(SNAPSHOT, **facts),), "content": replace(CONTENT, **content)},
            words,
        )
        for case, (_, facts, content, words) in SNAPSHOT_CHANGES.items()
    },
}
"""What happens to the cluster after the warning, and what the thread says of it."""


def test_each_comparison_has_a_case() -> None:
    of_the_vm = {case[0] for case in (*VM_CHANGES.values(), *CLAIM_CHANGES.values())}
    assert of_the_vm == {each.__name__ for each in COMPARISONS}
    of_the_snapshot = {case[0] for case in SNAPSHOT_CHANGES.values()}
    assert of_the_snapshot == {each.__name__ for each in SNAPSHOT_COMPARISONS}


@pytest.mark.parametrize("case", [*VM_CHANGES, *CLAIM_CHANGES])
def test_a_difference_of_the_vm_is_found_by_its_own_comparison_alone(case: str) -> None:
    name = (VM_CHANGES.get(case) or CLAIM_CHANGES[case])[0]
    facts, words = CHANGES[case]
    before = state_of(VM, claims=(CLAIM,))
    now = state_of(facts.get("vm", VM), claims=facts.get("claims", (CLAIM,)))
    said = {each.__name__: each(before, now) for each in COMPARISONS}
    assert words in (said.pop(name) or "")
    assert not any(said.values())
    assert not any(each(now, now) for each in COMPARISONS)


@pytest.mark.parametrize("case", SNAPSHOT_CHANGES)
def test_a_difference_of_the_snapshot_is_found_by_its_own_comparison_alone(case: str) -> None:
    name, facts, content, words = SNAPSHOT_CHANGES[case]
    before = snapshot_state(SNAPSHOT, CONTENT)
    now = snapshot_state(replace(SNAPSHOT, **facts), replace(CONTENT, **content))
    said = {each.__name__: each(before, now) for each in SNAPSHOT_COMPARISONS}
    assert words in (said.pop(name) or "")
    assert not any(said.values())


def test_the_order_in_which_kubevirt_writes_its_lists_is_no_difference() -> None:
    one = replace(SNAPSHOT, included=("a", "b"), indications=("Online", "GuestAgent"))
    other = replace(SNAPSHOT, included=("b", "a"), indications=("GuestAgent", "Online"))
    assert snapshot_state(one, CONTENT) == snapshot_state(other, CONTENT)


def test_many_claims_are_counted() -> None:
    volumes = tuple(Volume(f"v{n}", "dataVolume", claim=f"c{n}") for n in range(8))
    vm = replace(VM, volumes=volumes)
    before = state_of(vm, claims=tuple(Claim(f"c{n}", "Bound", uid=f"u{n}") for n in range(8)))
    said = claims_are_the_same(before, state_of(vm, claims=())) or ""
    assert said.count("is not the one that was shown") == 5
    assert said.endswith("So it is with 3 more.")


def _at_once(play: Play) -> Play:
    return play


def _protects(play: Play) -> Play:
    """The safety snapshot was taken meanwhile."""
    return play.looks().created().looks().safety_becomes(**READY).looks()


@pytest.mark.parametrize(
    ("way", "begin"),
    [(_at_once, p.confirmed), (_at_once, p.protecting), (_protects, p.protecting)],
    ids=["before the restore", "before the safety snapshot", "after the safety snapshot"],
)
@pytest.mark.parametrize("case", CHANGES)
def test_nothing_is_created_over_a_difference(
    case: str, way: Callable[[Play], Play], begin: Callable[..., Play]
) -> None:
    changes, words = CHANGES[case]
    played = way(begin())
    if snapshots := changes.get("snapshots"):
        changes = {**changes, "snapshots": (*snapshots, *played.ground.snapshots[1:])}
    played.looks(**changes)
    assert (played.phase, played.reason) == (Phase.REFUSED, Reason.CHANGED_SINCE_CONFIRMATION)
    assert words in played.outcome.found
    assert played.effects == ()


def test_all_differences_are_told() -> None:
    changed = replace(VM, generation=5, last_restore="by-hand-1", down_since=LATER)
    found = p.confirmed().looks(vm=changed).outcome.found
    assert "generation 3 → 5" in found
    assert "`by-hand-1`" in found
    assert "has run" in found


@pytest.mark.parametrize("lacks", ["vm_state", "snapshot_state", "claims"])
def test_a_warning_of_an_earlier_release_kept_nothing_to_compare(lacks: str) -> None:
    played = p.confirmed()
    shown = played.restore.preview
    assert shown is not None
    assert shown.vm_state is not None
    without_claims = {"vm_state": shown.vm_state.model_copy(update={"claims": None})}
    older = shown.model_copy(update=without_claims if lacks == "claims" else {lacks: None})
    played.restore = played.restore.model_copy(update={"preview": older})
    assert played.looks().reason is Reason.CHANGED_SINCE_CONFIRMATION
    said = "they were not read" if lacks == "claims" else "an earlier release"
    assert said in played.outcome.found
    assert played.effects == ()


# --- What holds the VM -----------------------------------------------------------------------------

DONE: dict[str, dict[str, Any]] = {
    "complete": {"phase": "Succeeded"},
    "failed": {"phase": "Failed"},
    "being deleted": {"deleting": True},
}


@pytest.mark.parametrize(
    ("begin", "act"),
    [(p.confirmed, CreateRestore), (p.protecting, CreateSnapshot)],
    ids=["the restore", "the safety snapshot"],
)
@pytest.mark.parametrize("case", DONE)
def test_the_mark_of_a_snapshot_that_is_done_is_waited_for_and_then_refused(
    case: str, begin: Callable[..., Play], act: type[CreateRestore | CreateSnapshot]
) -> None:
    marked = replace(VM, snapshot_in_progress="nightly")
    done = replace(SNAPSHOT, name="nightly", **DONE[case])
    for passes in (True, False):
        played = begin().looks(vm=marked, locked_by=done)
        phase = played.phase
        assert played.effects == ()
        played.wait(UNLOCKS_WITHIN.total_seconds() - 0.001).looks()
        assert (played.phase, played.effects) == (phase, ())
        if passes:
            assert isinstance(played.looks(vm=VM, locked_by=None).effect, act)
        else:
            assert played.wait(0.001).looks().phase is Phase.REFUSED
            assert "`nightly` of this VM" in played.outcome.found


# --- Our own stop ---------------------------------------------------------------------------------

STOPPED = replace(VM, generation=RUNNING.generation + 1, down_since=LATER)
"""What our stop leaves of RUNNING."""


def _stopped_after_confirmation(vm: Vm = STOPPED, rules: Rules = p.CONFIRMED) -> Play:
    played = p.stopping(rules).looks()
    assert isinstance(played.effect, StopVm)
    return played.looks(vm=vm, vmi=None)


def test_what_our_own_stop_changes_is_no_difference() -> None:
    played = _stopped_after_confirmation()
    assert played.phase is Phase.RESTORING
    assert isinstance(played.looks().effect, CreateRestore)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"generation": STOPPED.generation + 2}, "generation 3 → 5"),
        ({"down_since": LATER + timedelta(seconds=30)}, "has run"),
        ({"specification": "other"}, "was edited"),
        ({"last_restore": "by-hand-1"}, "`by-hand-1`"),
    ],
)
def test_what_changes_after_our_stop_is_one(changes: dict[str, Any], words: str) -> None:
    played = _stopped_after_confirmation().looks(vm=replace(STOPPED, **changes))
    assert played.reason is Reason.CHANGED_SINCE_CONFIRMATION
    assert words in played.outcome.found
    assert played.effects == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"specification": "other"}, "was edited"), ({"last_restore": "by-hand-1"}, "`by-hand-1`")],
)
def test_what_changes_during_our_stop_is_one(changes: dict[str, Any], words: str) -> None:
    played = _stopped_after_confirmation(replace(STOPPED, **changes)).looks()
    assert played.reason is Reason.CHANGED_SINCE_CONFIRMATION
    assert words in played.outcome.found


@pytest.mark.parametrize(
    "changes",
    [{"specification": "other"}, {"last_restore": "by-hand-1"}, {"generation": 9}],
    ids=str,
)
def test_a_vm_that_differs_is_not_stopped_to_be_refused_then(changes: dict[str, Any]) -> None:
    played = p.stopping(p.CONFIRMED).looks(vm=replace(RUNNING, **changes))
    assert played.reason is Reason.CHANGED_SINCE_CONFIRMATION
    assert played.effects == ()
    assert not played.restore.stopped_by_us


def test_a_stop_that_is_under_way_is_not_taken_for_somebody_elses() -> None:
    halted = replace(RUNNING, generation=RUNNING.generation + 1, run_strategy="Halted")
    played = p.stopping(p.CONFIRMED).looks().wait(2)
    assert isinstance(played.looks(vm=halted).effect, StopVm)


def test_what_is_shown_anew_counts_and_not_what_our_stop_had_left() -> None:
    """The safety snapshot failed: another warning, another look to compare with."""
    rules = p.CONFIRMED.model_copy(update={"protect_by_default": True})
    played = _stopped_after_confirmation(rules=rules).looks().created()
    played.safety_becomes(phase="Failed").looks()
    assert played.phase is Phase.CHECKING
    edited = replace(STOPPED, generation=7, down_since=LATER + timedelta(hours=1))
    played.looks(vm=edited).clicks(Button.PROTECT_OFF).types(SNAPSHOT_NAME).clicks(Button.CONFIRM)
    assert isinstance(played.looks().effect, CreateRestore)


# --- The VM's status lags behind ------------------------------------------------------------------

LAGS = replace(STOPPED, has_instance=True, down_since=None)


def test_a_stop_ends_when_the_vms_status_says_so_too() -> None:
    played = p.stopping(p.CONFIRMED).looks()
    assert played.looks(vm=LAGS, vmi=None).phase is Phase.STOPPING
    assert played.effects == ()
    assert isinstance(played.looks(vm=STOPPED).looks().effect, CreateRestore)


def test_the_checks_wait_for_it_as_well_but_not_for_ever() -> None:
    played = p.play()
    played.ground = WELL.but(vm=LAGS)
    assert played.looks().phase is Phase.CHECKING
    assert played.wait(30).looks().phase is Phase.TYPING


@pytest.mark.parametrize("begin", [p.confirmed, p.protecting])
def test_nothing_is_created_while_it_lags(begin: Callable[..., Play]) -> None:
    played = begin().looks(vm=replace(VM, has_instance=True, down_since=None))
    assert not played.phase.ended
    assert played.effects == ()
    assert isinstance(played.looks(vm=VM).effect, CreateRestore | CreateSnapshot)


# --- Too late -------------------------------------------------------------------------------------


def test_ten_minutes_count_from_the_click_through_all_phases() -> None:
    played = p.protecting().wait(9 * 60).looks().created().looks()
    played.safety_becomes(**READY).wait(30).looks()
    assert played.phase is Phase.RESTORING
    assert isinstance(played.looks().effect, CreateRestore)
    late = p.protecting().wait(9 * 60).looks().created().looks()
    late.safety_becomes(**READY).wait(30).looks().wait(61).looks()
    assert late.reason is Reason.CONFIRMATION_TOO_OLD


def test_the_time_of_our_own_stop_does_not_count() -> None:
    played = p.stopping(p.CONFIRMED).looks().wait(299).looks(vm=STOPPED, vmi=None)
    assert isinstance(played.wait(9 * 60).looks().effect, CreateRestore)
    late = p.stopping(p.CONFIRMED).looks().wait(299).looks(vm=STOPPED, vmi=None)
    assert late.wait(10 * 60).looks().reason is Reason.CONFIRMATION_TOO_OLD


def test_a_live_vm_is_told_as_that_and_not_as_one_that_has_run() -> None:
    played = p.confirmed().looks(vm=replace(RUNNING, generation=4), vmi=VMI)
    assert played.reason is Reason.VM_STARTED
    assert "has run" not in played.outcome.found
    assert LIVE.vmi is VMI
