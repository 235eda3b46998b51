"""What the claims show when a restore is complete: that it was one, and what may be deleted."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.restore import follow_up, workflow
from bot.restore.disks import LeftBehind, LeftBehindKind
from bot.restore.events import Button, Clicked
from bot.restore.model import Phase, Restore
from bot.restore.observation import Claim, Content, Observation, ObservationKind, Use, Vm, Volume
from bot.restore.reasons import Reason
from bot.restore.rules import VolumePolicy
from bot.restore.thread import CardKind
from bot.restore.user_events import wants_agreement
from tests.restore import play as p
from tests.restore.ground import CONTENT, NOW, SNAPSHOT_NAME, VM, WELL
from tests.restore.play import OWNER, RULES, Play

NAME = "restore-database-01-20260218-163000-7kdup"
MARK = f"{NAME}-restore-1"
BEFORE, AFTER = NOW - timedelta(days=9), NOW + timedelta(seconds=3)
NEW = "restored-root"
CUT = "vmsnapshot-1-volume-root"
FILLED = Claim(NEW, "Bound", mark=MARK, restored_by=NAME, created=AFTER, source=CUT)


def completed(*claims: Claim, **changes: Any) -> Play:
    """A restore of `root` that the cluster calls complete, with these claims there."""
    done = {"complete": True, "created": NOW, "volumes": (("root", NEW, CUT),)}
    after = replace(VM, volumes=(Volume("root", "persistentVolumeClaim", claim=NEW),))
    return p.restoring().job_becomes(**done).looks(**{"vm": after, "claims": claims, **changes})


def on(vm: Vm, content: Content) -> Play:
    """The cluster has the restore of this VM."""
    asked = p.play()
    asked.ground = WELL.but(vm=vm, content=content)
    named = asked.looks().types(SNAPSHOT_NAME)
    if wants_agreement(named.restore):
        named.clicks(Button.AGREE_DELETION)
    confirmed = named.clicks(Button.CONFIRM)
    return confirmed.looks().created()


def observation(played: Play, **facts: Any) -> Observation:
    """What a look at its end brings back, but for these facts."""
    return replace(
        played.ground.observation(ObservationKind.JOB, played.restore, played.now), **facts
    )


# --- Proof ----------------------------------------------------------------------------------------

PROVEN = {
    "marked with name and uid": FILLED,
    "of a KubeVirt before 1.6: marked with the name": replace(FILLED, mark=None),
    "without marks, but filled from the snapshot": replace(FILLED, mark=None, restored_by=None),
    "to be filled at first boot": replace(FILLED, phase="Pending"),
}
REFUTED = {
    "a claim without any mark that was there before": Claim(NEW, "Bound", created=BEFORE),
    "made by an earlier restore": replace(FILLED, mark="restore-x-uid-0", restored_by="restore-x"),
    "made by an earlier restore of a KubeVirt before 1.6": replace(
        FILLED, mark=None, restored_by="restore-x"
    ),
    "of an earlier object of the same name": replace(FILLED, mark=f"{NAME}-uid-0"),
    "from the same volume snapshot, but older": replace(
        FILLED, mark=None, restored_by=None, created=BEFORE
    ),
}
UNPROVEN = {
    "no mark, no source": Claim(NEW, "Bound", created=AFTER),
    "no mark, another source": Claim(NEW, "Bound", created=AFTER, source="of-somebody"),
}


@pytest.mark.parametrize("how", PROVEN)
def test_a_claim_that_shows_the_restore_is_a_success(how: str) -> None:
    played = completed(PROVEN[how])
    assert played.phase is Phase.SUCCEEDED
    assert played.outcome.unproven == ""


def test_a_restored_claim_that_the_vm_does_not_use_is_named() -> None:
    """Complete and filled, and the VM runs from another disk; its own state is no disk."""
    assert completed(FILLED).outcome.detached == ()
    assert completed(FILLED, vm=VM).outcome.detached == (NEW,)
    state = (("persistent-state-for-database-01", NEW, CUT),)
    done = p.restoring().job_becomes(complete=True, created=NOW, volumes=state)
    assert done.looks(vm=VM, claims=(FILLED,)).outcome.detached == ()


@pytest.mark.parametrize("how", REFUTED)
def test_a_claim_that_was_taken_as_it_is_makes_complete_no_success(how: str) -> None:
    played = completed(REFUTED[how])
    assert (played.phase, played.reason) == (Phase.FAILED, Reason.NOT_RESTORED)
    assert f"reports VirtualMachineRestore `{NAME}` as complete" in played.outcome.found
    assert f"claim `{NEW}` was not made by this restore" in played.outcome.found
    assert "`rules.volume_policy`" in played.outcome.next
    assert played.outcome.left == ()
    click = Clicked(by=OWNER, button=Button.TRY_AGAIN, number=played.last(CardKind.RESULT).number)
    following = follow_up.successor(played.restore, click, RULES, played.now)
    assert isinstance(following, Restore)
    assert following.blocker is None, "a complete object blocks nothing"


def test_a_claim_that_is_not_there_makes_complete_no_success() -> None:
    restoring = p.restoring().job_becomes(complete=True)
    played = restoring.sees(observation(restoring, claims=(Claim("root-claim", "Bound"),)))
    assert played.reason is Reason.NOT_RESTORED
    assert f"claim `{NEW}` does not exist" in played.outcome.found


@pytest.mark.parametrize("how", UNPROVEN)
def test_without_proof_the_word_of_the_cluster_is_told_as_that(how: str) -> None:
    played = completed(UNPROVEN[how])
    assert played.phase is Phase.SUCCEEDED
    assert played.outcome.unproven == f"nothing shows which restore made claim `{NEW}`"


def test_claims_that_cannot_be_read_hold_nothing_up_and_prove_nothing() -> None:
    restoring = p.restoring().job_becomes(complete=True, created=NOW)
    unread = observation(restoring, claims=(), claims_unread="cannot list claims.")
    played = restoring.sees(unread)
    assert played.phase is Phase.SUCCEEDED
    assert played.outcome.unproven == "the claims could not be read (cannot list claims)"
    assert played.outcome.left == ()


def test_a_vm_that_cannot_be_read_holds_nothing_up_and_leaves_no_advice() -> None:
    """What it uses is not known, so nothing is called left over; the claims prove the restore."""
    restoring = p.restoring().job_becomes(complete=True, created=NOW, volumes=(("root", NEW, CUT),))
    was = Claim("root-claim", "Bound", created=BEFORE)
    unread = {"claims": (FILLED, was), "vm": None, "vm_unread": "cannot get virtualmachines."}
    played = restoring.sees(observation(restoring, **unread))
    assert (played.phase, played.outcome.unproven) == (Phase.SUCCEEDED, "")
    assert played.outcome.vm_status == (
        "Unknown: it could not be read (cannot get virtualmachines)"
    )
    assert played.outcome.left == ()


def test_what_a_failed_restore_made_is_not_called_unused_when_its_vm_cannot_be_read() -> None:
    restoring = p.restoring().job_becomes(failure="no space", created=NOW)
    unread = {"claims": (FILLED,), "vm": None, "vm_unread": "cannot get virtualmachines"}
    [left] = restoring.sees(observation(restoring, **unread)).outcome.left
    assert (left.kind, left.by) == (LeftBehindKind.UNSURE, "cannot get virtualmachines")


def test_only_the_claims_that_are_wrong_are_named_and_all_are_counted() -> None:
    names = tuple(f"claim-{n}" for n in range(9))
    done = {"complete": True, "created": NOW, "claims": (*names, NEW)}
    claims = (*(Claim(name, "Bound", created=BEFORE) for name in names), FILLED)
    played = p.restoring().job_becomes(**done).looks(claims=claims)
    assert "`claim-4`" in played.outcome.found
    assert "`claim-5`" not in played.outcome.found
    assert "and 4 more. The data" in played.outcome.found
    assert f"`{NEW}`" not in played.outcome.found


# --- Advice ---------------------------------------------------------------------------------------

ROOT = Volume("root", "persistentVolumeClaim", claim="old-root")
EXTRA = Volume("extra", "persistentVolumeClaim", claim="old-extra")
OLD = Claim("old-root", "Bound", created=BEFORE)
USED = replace(VM, volumes=(ROOT, EXTRA))
COPY = replace(CONTENT, volumes=(ROOT,), backups=(("root", "old-root"),))


def ended(
    *claims: Claim, vm: Vm = USED, content: Content = COPY, deleted: tuple[str, ...] = (),
    uses: tuple[Use, ...] | None = (), unread: str | None = None,
) -> Play:  # fmt: skip
    """A whole restore of a VM with `root`, which is in the snapshot, and `extra`, which is not."""
    played = on(vm, content)
    done = {"complete": True, "created": NOW, "volumes": (("root", NEW, CUT),), "deleted": deleted}
    after = replace(vm, volumes=(Volume("root", "persistentVolumeClaim", claim=NEW),))
    played = played.job_becomes(**done)
    played.ground = played.ground.but(vm=after, claims=(FILLED, *claims))
    return played.sees(observation(played, uses=uses, uses_unread=unread))


def left(*claims: Claim, **facts: Any) -> dict[str, tuple[LeftBehindKind, str]]:
    """Kind and user of everything that was left behind."""
    return {each.claim: (each.kind, each.by) for each in ended(*claims, **facts).outcome.left}


DV, OWN = (("DataVolume", "old-root"),), (("VirtualMachine", "database-01"),)
ANOTHER = replace(COPY, backups=(("root", "older-root"),))
RESTORED = replace(OLD, vm="database-01", restored_by="restore-x")
DUMPED = replace(USED, volumes=(Volume("dump", "memoryDump", claim="old-root"),))
JUDGED: dict[str, tuple[Claim, dict[str, Any], tuple[LeftBehindKind, str]]] = {
    "nobody uses it": (OLD, {}, (LeftBehindKind.FREE, "")),
    "another VM uses it": (
        OLD, {"uses": (Use("old-root", "VM", "web-01"),)}, (LeftBehindKind.USED, "VM `web-01`"),
    ),
    "only a VMI uses it": (
        OLD, {"uses": (Use("old-root", "VMI", "web-01"),)}, (LeftBehindKind.USED, "VMI `web-01`"),
    ),
    "a pod uses it": (
        OLD, {"uses": (Use("old-root", "pod", "backup-1"),)}, (LeftBehindKind.USED, "pod `backup-1`"),
    ),
    "many use it": (
        OLD,
        {"uses": tuple(Use("old-root", "pod", f"p-{n}") for n in range(5))},
        (LeftBehindKind.USED, "pod `p-0`, pod `p-1`, pod `p-2` and 2 more"),
    ),
    "somebody uses another claim": (
        OLD, {"uses": (Use("old-extra", "VM", "web-01"),)}, (LeftBehindKind.FREE, ""),
    ),
    "the snapshot copied another claim of that name": (
        OLD, {"content": ANOTHER}, (LeftBehindKind.ONLY_COPY, ""),
    ),
    "an earlier restore has made it": (RESTORED, {"content": ANOTHER}, (LeftBehindKind.FREE, "")),
    "of a DataVolume that makes it again": (
        replace(OLD, owners=DV), {}, (LeftBehindKind.OWNED, "DataVolume `old-root`"),
    ),
    "of the VM": (
        replace(OLD, owners=OWN), {}, (LeftBehindKind.OWNED, "VirtualMachine `database-01`"),
    ),
    "of a DataVolume that the restore deletes": (
        replace(OLD, owners=DV), {"deleted": ("old-root",)}, (LeftBehindKind.GOING, ""),
    ),
    "of a memory dump": (OLD, {"vm": DUMPED}, (LeftBehindKind.DUMP, "")),
    "of a memory dump that somebody analyses": (
        OLD,
        {"vm": DUMPED, "uses": (Use("old-root", "pod", "crash-1"),)},
        (LeftBehindKind.USED, "pod `crash-1`"),
    ),
    "being deleted": (replace(OLD, deleting=True), {}, (LeftBehindKind.GOING, "")),
    "who uses it could not be looked up": (
        OLD, {"uses": None, "unread": "cannot list pods"}, (LeftBehindKind.UNSURE, "cannot list pods"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", JUDGED)
def test_what_a_claim_of_the_state_before_is(name: str) -> None:
    claim, facts, expected = JUDGED[name]
    assert left(claim, **facts) == {"old-root": expected}


def test_the_only_copy_of_a_disk_that_came_after_the_snapshot_is_kept() -> None:
    found = left(OLD, Claim("old-extra", "Bound"))
    assert found == {
        "old-root": (LeftBehindKind.FREE, ""),
        "old-extra": (LeftBehindKind.ONLY_COPY, ""),
    }


def test_while_nothing_proves_the_restored_disk_the_old_one_is_kept() -> None:
    played = completed_with(UNPROVEN["no mark, no source"], OLD)
    assert [each.kind for each in played.outcome.left] == [LeftBehindKind.UNPROVEN]


def test_with_prefix_target_name_a_claim_without_the_mark_was_taken() -> None:
    """That policy is younger than the mark, so that even the newest claim must carry it."""
    prefixed = RULES.model_copy(update={"volume_policy": VolumePolicy.PREFIX_TARGET_NAME})
    restoring = p.restoring(prefixed).job_becomes(complete=True, created=NOW)
    bare = replace(FILLED, mark=None)
    assert restoring.sees(observation(restoring, claims=(bare,))).reason is Reason.NOT_RESTORED


def test_while_the_restored_disk_is_not_filled_the_old_one_is_kept() -> None:
    waits = replace(FILLED, phase="Pending")
    played = completed_with(waits, OLD)
    assert played.outcome.pending == (NEW,)
    assert [each.kind for each in played.outcome.left] == [LeftBehindKind.UNFILLED]


def completed_with(*claims: Claim) -> Play:
    """As `ended`, with every claim given."""
    played = on(USED, COPY)
    played = played.job_becomes(complete=True, created=NOW, volumes=(("root", NEW, CUT),))
    after = replace(USED, volumes=(Volume("root", "persistentVolumeClaim", claim=NEW),))
    played.ground = played.ground.but(vm=after, claims=claims)
    return played.sees(observation(played, uses=()))


def test_what_was_shown_by_an_older_release_is_never_called_free() -> None:
    """Its preview did not say which disk a claim belongs to."""
    played = on(USED, COPY)
    shown = played.restore.preview
    assert shown is not None
    old = shown.model_copy(update={"fates": ()})
    played.restore = played.restore.model_copy(update={"preview": old})
    played = played.job_becomes(complete=True, created=NOW, volumes=(("root", NEW, CUT),))
    played.ground = played.ground.but(vm=replace(USED, volumes=()), claims=(FILLED, OLD))
    played = played.sees(observation(played, uses=()))
    assert played.outcome.left == (LeftBehind(claim="old-root", kind=LeftBehindKind.ONLY_COPY),)


def test_what_goes_by_itself_is_not_counted_as_left_over() -> None:
    played = ended(replace(OLD, deleting=True), Claim("old-extra", "Bound"))
    assert played.outcome.leftovers == ("old-extra",)


def test_more_than_a_document_keeps_is_counted() -> None:
    volumes = tuple(
        Volume(f"d-{n:02}", "persistentVolumeClaim", claim=f"c-{n:02}") for n in range(50)
    )
    vm = replace(USED, volumes=volumes)
    claims = tuple(Claim(f"c-{n:02}", "Bound") for n in range(50))
    played = ended(*claims, vm=vm)
    assert (len(played.outcome.left), played.outcome.more_left) == (40, 10)


def test_what_became_of_the_other_disks_is_told_of_those_that_exist() -> None:
    kept = Volume("kept", "persistentVolumeClaim", claim="kept")
    lost = replace(kept, name="lost", claim="lost")
    extra = Volume("extra", "dataVolume", claim="extra")
    vm = replace(VM, volumes=(ROOT, kept, lost, extra), templates=("extra",))
    content = replace(COPY, volumes=(ROOT, kept, lost))
    played = on(vm, content)
    done = {"complete": True, "volumes": (("root", NEW, CUT),), "deleted": ("extra",)}
    played = played.job_becomes(**done)
    after = replace(vm, volumes=(Volume("root", "persistentVolumeClaim", claim=NEW), kept, lost))
    played.ground = played.ground.but(vm=after, claims=(FILLED, Claim("kept", "Bound")))
    played = played.looks()
    assert (played.outcome.kept, played.outcome.deleted) == (("kept",), ("extra",))


# --- Kept current ---------------------------------------------------------------------------------

CHANGED: dict[str, tuple[dict[str, Any], list[tuple[str, LeftBehindKind, str]]]] = {
    "nothing has changed": ({}, [("old-root", LeftBehindKind.FREE, "")]),
    "another VM uses the claim now": (
        {"uses": (Use("old-root", "VM", "web-01"),)},
        [("old-root", LeftBehindKind.USED, "VM `web-01`")],
    ),
    "the claim is gone": ({"claims": (FILLED,)}, []),
    "the claim is going": (
        {"claims": (FILLED, replace(OLD, deleting=True))}, [("old-root", LeftBehindKind.GOING, "")],
    ),
    "the restored copy is going": (
        {"claims": (replace(FILLED, deleting=True), OLD)},
        [("old-root", LeftBehindKind.UNFILLED, "")],
    ),
    "the restored copy is gone": ({"claims": (OLD,)}, [("old-root", LeftBehindKind.UNPROVEN, "")]),
    "the restore object is gone": ({"job": None}, [("old-root", LeftBehindKind.UNPROVEN, "")]),
    "the restore object and the claim are gone": ({"job": None, "claims": ()}, []),
    "another VM has the name": (
        {"vm": replace(VM, uid="vm-2", volumes=())}, [("old-root", LeftBehindKind.UNPROVEN, "")],
    ),
    "nobody may look any more": (
        {"uses": None, "uses_unread": "cannot list pods"},
        [("old-root", LeftBehindKind.UNSURE, "cannot list pods")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", CHANGED)
def test_what_is_left_is_told_as_it_is_now(how: str) -> None:
    facts, expected = CHANGED[how]
    played = ended(OLD).wait(60)
    played = played.sees(observation(played, **{"uses": (), **facts}))
    assert [(each.claim, each.kind, each.by) for each in played.outcome.left] == expected
    assert played.outcome.left_at == played.now


def test_the_old_claim_is_free_once_the_vm_has_started_and_filled_the_new_one() -> None:
    played = completed_with(replace(FILLED, phase="Pending"), OLD).wait(60)
    played = played.sees(observation(played, claims=(FILLED, OLD), uses=()))
    assert played.outcome.pending == ()
    assert played.outcome.leftovers == ("old-root",)
    assert [each.kind for each in played.outcome.left] == [LeftBehindKind.FREE]


def test_what_is_left_is_looked_up_less_and_less_and_not_after_the_last_button() -> None:
    played, pauses = ended(OLD), list[float]()
    while played.outcome.left_due is not None:
        assert played.due == played.outcome.left_due
        pauses.append((played.due - played.now).total_seconds())
        played.now = played.due
        played = played.sees(observation(played, uses=()))
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1], len(pauses)) == (60, 3600, 29)
    assert played.due == played.outcome.at + workflow.AFTERCARE


UNREAD = [
    {"claims": (), "claims_unread": "cannot list claims", "uses": None},
    {"vm": None, "vm_unread": "cannot get virtualmachines", "uses": None},
]


@pytest.mark.parametrize("unread", UNREAD)
def test_a_cluster_that_is_away_is_asked_again_after_a_pause(unread: dict[str, Any]) -> None:
    played = ended(OLD).wait(60)
    before = played.outcome.left
    played.misses()
    assert (played.outcome.left, played.outcome.left_at) == (before, None)
    assert played.due == played.now + timedelta(seconds=60)
    played = played.wait(60).sees(observation(played, **unread))
    assert played.outcome.left == before
    assert played.due == played.now + timedelta(seconds=120)


def test_a_start_makes_the_next_look_due_soon() -> None:
    played = ended(OLD).wait(3 * 3600)
    played = played.sees(observation(played, uses=())).clicks(Button.START_VM).looks().acted()
    assert played.outcome.left_due == played.now + timedelta(seconds=60)


def test_nothing_left_is_not_looked_for() -> None:
    assert ended().outcome.left_due is None
