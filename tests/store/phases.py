"""One restore for each phase, as this release stores it; together they use every field there is.

They are told as one kind of story: the same VM, the same people, one more thing known at each step.
"""

from datetime import timedelta
from typing import Any

from bot.playground.clock import START
from bot.restore.disks import Disk
from bot.restore.model import (
    Blocker,
    Card,
    CardKind,
    Change,
    Confirmation,
    Consistency,
    Copy,
    Fate,
    Handoff,
    Job,
    Left,
    LeftBehind,
    LeftBehindKind,
    Offer,
    Outcome,
    Phase,
    Preview,
    Proposal,
    Reason,
    Restore,
    RestoreId,
    RestoreRequest,
    Rules,
    Safety,
    Start,
    Stop,
    StopWhen,
    ThreadRef,
    TypedName,
    UserId,
    VolumePolicy,
)
from bot.restore.vmstate import VmState

ALICE, BOB, CAROL = UserId("U0ALICE01"), UserId("U0BOB0001"), UserId("U0CAROL01")
THREAD = "1771432200.000100"
SECONDS = timedelta(seconds=1)
ENDED = START + 600 * SECONDS

RULES = Rules(
    stop_when=StopWhen.CONFIRMED,
    answer_timeout=1200,
    stop_timeout=240,
    restore_timeout=900,
    safety_timeout=300,
    protect_by_default=True,
    volume_policy=VolumePolicy.RANDOMIZE_NAMES,
)
WISH = RestoreRequest(
    cluster="east", namespace="production", vm="database-01", snapshot="pre-upgrade"
)
PREVIEW = Preview(
    taken_at=START + 2 * SECONDS,
    vm_uid="0f9a54b1-0f52-4c3e-8a53-6e0f4a9d2c11",
    vm_status="Stopped",
    run_strategy="Halted",
    last_modified=START - timedelta(hours=1),
    snapshot_uid="7c1b2a3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
    snapshot_created=START - timedelta(hours=6, minutes=30),
    consistency=Consistency.CRASH,
    consistency_why="the guest agent did not answer when the snapshot was taken",
    claims=("database-01-root", "database-01-data"),
    disks=("root", "data"),
    disks_left_out=("scratch",),
    shared_disks=("shared-config",),
    changes=(Change(field="cpu", current="4 cores", snapshot="2 cores"),),
    more_changes=3,
    newer=("nightly-20260218",),
    more_newer=2,
    gitops="Argo CD application production/databases",
)
STOP = Stop(
    strategy="Always",
    asked_at=START + 11 * SECONDS,
)
STOPPED = STOP.model_copy(update={"done_at": START + 40 * SECONDS})
TYPED = TypedName(by=ALICE, at=START + 60 * SECONDS, ts="1771432260.000300")
CLICK = Confirmation(by=ALICE, at=START + 70 * SECONDS, number=5)
SAFETY = Safety(name="pre-restore-database-01-20260218-163110", decided_at=START + 71 * SECONDS)
SAFE = SAFETY.model_copy(
    update={"uid": "5a5c2a3d-1111-4a6b-8c7d-9e0f1a2b3c4d", "ready_at": START + 80 * SECONDS}
)
JOB = Job(
    name="restore-database-01-20260218-163121",
    decided_at=START + 81 * SECONDS,
    uid="9d7c0c4e-8f0e-4b51-9f0d-6a1d2b3c4d5e",
    progressing="Creating new PVCs",
    ready="Waiting for new PVCs",
    volumes_bound=1,
    volumes_total=2,
    looked_at=START + 90 * SECONDS,
)


def cards(*slots: CardKind, answered: bool = False) -> tuple[Card, ...]:
    """These cards, each a second after the one before; the last one waits unless `answered`."""
    made = [
        Card(kind=kind, number=number, opened_at=START + number * SECONDS, closed="Answered.")
        for number, kind in enumerate(slots, 1)
    ]
    return (*made[:-1], made[-1] if answered else made[-1].model_copy(update={"closed": None}))


def restore(phase: Phase, **known: Any) -> Restore:
    """A restore of database-01 from pre-upgrade, asked for by slash command."""
    fields = {
        "id": RestoreId("k3f9a2b7.1"),
        "version": 7,
        "phase": phase,
        "thread_ref": ThreadRef(
            team="T0ACME001", channel="C0INCID01", thread=THREAD, own_thread=True
        ),
        "owner": ALICE,
        "request": WISH,
        "rules": RULES,
        "opened_at": START,
        "entered_at": START + 5 * SECONDS,
    }
    return Restore.model_validate({**fields, **known})


def ended(phase: Phase, reason: Reason | None = None, **known: Any) -> Restore:
    """A restore that has come to this end."""
    outcome = {"reason": reason, "at": ENDED, **known.pop("outcome", {})}
    return restore(phase, entered_at=ENDED, outcome=Outcome(**outcome), **known)


CONFIRMED: dict[str, Any] = {
    "preview": PREVIEW,
    "stop": STOPPED,
    "protect": True,
    "typed": TYPED,
    "confirmation": CLICK,
    "safety": SAFE,
}
"""What is known once both confirmations are in."""
_TO_THE_CLICK = (
    CardKind.REQUEST,
    CardKind.STOP_CHOICE,
    CardKind.STOPPING,
    CardKind.WARNING,
    CardKind.CONFIRM,
)

_LIVE = (
    restore(
        Phase.GATHERING,
        thread_ref=ThreadRef(team="T0ACME001", channel="C0INCID01", asked_ts="1771432199.000900"),
        request=RestoreRequest(cluster="east", vm="database-01", described="pre-upgrade"),
        cards=cards(CardKind.REQUEST, CardKind.ASK_VM, CardKind.ASK_NAMESPACE),
        proposal=Proposal(
            value="production", near=("staging",), problem="There are two VMs of this name."
        ),
        deadline=START + 1200 * SECONDS,
        note="`prod` is no namespace.",
        heard_ts="1771432210.000200",
    ),
    restore(
        Phase.CHECKING,
        cards=cards(CardKind.REQUEST, CardKind.ASK_SNAPSHOT, answered=True),
        trouble="cluster east: no answer",
        trouble_since=START + 6 * SECONDS,
        previous=RestoreId("k3f9a2b7"),
        blocker=Blocker(
            name="restore-database-01-20260218-162000", uid="1b2c0c4e-8f0e-4b51-9f0d-6a1d2b3c4d5e"
        ),
    ),
    restore(
        Phase.STOP_CHOICE,
        cards=cards(CardKind.REQUEST, CardKind.STOP_CHOICE),
        preview=PREVIEW,
        deadline=START + 1200 * SECONDS,
    ),
    restore(
        Phase.STOPPING,
        cards=cards(
            *(
                CardKind.REQUEST,
                CardKind.STOP_CHOICE,
                CardKind.STOPPING,
                CardKind.STOP_OVERDUE,
                CardKind.FORCE_STOP,
            )
        ),
        preview=PREVIEW,
        stop=STOP.model_copy(
            update={
                "wait_until": START + 500 * SECONDS,
                "force": True,
                "error": "VM is being migrated",
            }
        ),
    ),
    restore(
        Phase.TYPING,
        cards=cards(CardKind.REQUEST, CardKind.STOP_CHOICE, CardKind.STOPPING, CardKind.WARNING),
        preview=PREVIEW,
        stop=STOPPED,
        protect=True,
        deadline=START + 1200 * SECONDS,
    ),
    restore(
        Phase.CONFIRMING,
        cards=cards(*_TO_THE_CLICK),
        **{**CONFIRMED, "confirmation": None, "safety": None},
        deadline=START + 1260 * SECONDS,
    ),
    restore(
        Phase.PROTECTING,
        cards=cards(*_TO_THE_CLICK, CardKind.PROTECTING),
        **{**CONFIRMED, "safety": SAFETY},
    ),
    restore(
        Phase.RESTORING,
        cards=cards(
            *(
                *_TO_THE_CLICK,
                CardKind.PROTECTING,
                CardKind.PROGRESS,
                CardKind.OVERDUE,
                CardKind.DELETE_RESTORE,
            )
        ),
        **CONFIRMED,
        job=JOB.model_copy(
            update={
                "wait_until": START + 2000 * SECONDS,
                "deleting": True,
                "delete_asked_by": ALICE,
                "delete_error": "virtualmachinerestores is forbidden",
            }
        ),
    ),
)

_ENDS = (
    ended(
        Phase.SUCCEEDED,
        cards=cards(*_TO_THE_CLICK, CardKind.PROGRESS, CardKind.RESULT, CardKind.STARTED),
        **CONFIRMED,
        job=JOB.model_copy(update={"volumes_bound": 2, "progressing": "Operation complete"}),
        outcome={
            "vm_status": "Stopped",
            "leftovers": ("database-01-root", "database-01-data"),
            "pending": ("restore-9d7c0c4e-root",),
        },
        start=Start(by=ALICE, at=ENDED, done_at=ENDED + 4 * SECONDS, error="VM is paused"),
        closed=True,
    ),
    ended(
        Phase.FAILED,
        Reason.RESTORE_FAILED,
        cards=cards(*_TO_THE_CLICK, CardKind.PROGRESS, CardKind.RESULT),
        **CONFIRMED,
        job=JOB,
        outcome={"found": "Restore target VMI must be powered off", "vm_status": "Running"},
    ),
    ended(
        Phase.CANCELLED,
        Reason.TYPED_INSTEAD,
        cards=cards(CardKind.REQUEST, CardKind.WARNING, CardKind.RESULT),
        preview=PREVIEW,
        outcome={"by": ALICE, "typed": "Pre-upgrade"},
    ),
    ended(
        Phase.REFUSED,
        Reason.SNAPSHOT_NOT_FOUND,
        cards=cards(CardKind.REQUEST, CardKind.RESULT),
        owner=BOB,
        outcome={
            "found": "There is no snapshot `pre-upgrade`.",
            "expected": "A snapshot of `database-01`.",
            "next": "Choose another snapshot.",
            "choices": ("nightly-20260218", "nightly-20260217"),
        },
    ),
    ended(
        Phase.EXPIRED,
        Reason.NO_ANSWER,
        cards=cards(
            CardKind.REQUEST,
            CardKind.STOP_CHOICE,
            CardKind.STOPPING,
            CardKind.WARNING,
            CardKind.RESULT,
        ),
        preview=PREVIEW,
        stop=STOPPED,
    ),
)

EVERY_PHASE = {each.phase: each for each in (*_LIVE, *_ENDS)}

_HANDED_OVER = restore(
    Phase.TYPING,
    cards=(
        *cards(
            CardKind.REQUEST, CardKind.WARNING, CardKind.OFFER, CardKind.HANDED, CardKind.WARNING
        ),
        Card(kind=CardKind.OFFER, number=6, opened_at=START + 60 * SECONDS),
    ),
    owner=BOB,
    deadline=START + 1300 * SECONDS,
    heard_ts="1771432240.000000",
    preview=PREVIEW,
    offer=Offer(to=CAROL, by=BOB, at=START + 60 * SECONDS, until=START + 1260 * SECONDS),
    handoffs=(Handoff(at=START + 40 * SECONDS, giver=ALICE, taker=BOB, how="accepted"),),
    vm_state_unknown=True,
)
_COPY = Copy(
    card=_HANDED_OVER.cards[-1], channel="D0CAROL", address="https://slack.test/archives/1"
)
_LEFT = Left(channel="D0ALICE", thread="1771432200.000100", cards=_HANDED_OVER.cards[:1])
_FATES = (
    Disk(name="root", claim="database-01-root", fate=Fate.ROLLS_BACK, copied=False),
    Disk(name="scratch", claim="database-01-scratch", fate=Fate.KEEPS),
)
_OF_CLAIMS = ended(
    Phase.SUCCEEDED,
    cards=cards(*_TO_THE_CLICK, CardKind.PROGRESS, CardKind.RESULT),
    **{**CONFIRMED, "preview": PREVIEW.model_copy(update={"fates": _FATES})},
    job=JOB,
    outcome={
        "vm_status": "Stopped",
        "left": (
            LeftBehind(claim="database-01-root", kind=LeftBehindKind.USED, by="VM `web-01`"),
            LeftBehind(claim="database-01-data", kind=LeftBehindKind.FREE),
        ),
        "more_left": 1,
        "kept": ("scratch",),
        "deleted": ("archive",),
        "unproven": "the claims could not be read (forbidden)",
    },
)
_STATE = VmState(
    generation=7,
    specification="6f04eacbf3770de4",
    config=(("cpu", "4 cores"),),
    last_restore="restore-database-01-20260101-080000-uid",
    down_since=START - 60 * SECONDS,
)
_FOUND_AGAIN = ended(
    Phase.SUCCEEDED,
    cards=cards(*_TO_THE_CLICK, CardKind.PROGRESS, CardKind.RESULT),
    **{
        **CONFIRMED,
        "preview": PREVIEW.model_copy(update={"vm_state": _STATE}),
        "stop": STOPPED.model_copy(update={"vm_state": _STATE}),
    },
    job=JOB.model_copy(update={"adopted": True, "restored_at": START + 200 * SECONDS}),
    outcome={"vm_status": "Stopped"},
)
_RUNS = _STATE.model_copy(update={"vmi": "3f2e9c1a-5b7d-4e8f-9a0b-1c2d3e4f5a6b"})
_SEEN = restore(
    Phase.RESTORING,
    cards=cards(*_TO_THE_CLICK, CardKind.PROGRESS),
    **{
        **CONFIRMED,
        "preview": PREVIEW.model_copy(update={"vm_state": _RUNS}),
        "stop": STOPPED.model_copy(update={"vmi": _RUNS.vmi, "vm_state": _STATE}),
    },
    job=JOB.model_copy(
        update={"name": "restore-database-01-20260218-163110-s6dre", "uid": None, "seen": True}
    ),
)
EVERY_DOCUMENT = {
    **{each.phase.value: each for each in (*_LIVE, *_ENDS)},
    "handed-over": _HANDED_OVER,
    "claims-judged": _OF_CLAIMS,
    "found-again": _FOUND_AGAIN,
    "seen-by-its-lock": _SEEN,
    "offered-by-direct-message": _HANDED_OVER.model_copy(
        update={"copies": (_COPY,), "left": _LEFT}
    ),
}
"""The same by the names of their files; those beside the phases use the fields that came later."""
