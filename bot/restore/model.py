"""The Restore: one document that says everything about one request to restore one VM.

It is stored as JSON in Redis, moved only by `workflow.step`, and shown in Slack by `slack.views`.
Nothing else remembers anything about a restore. All times are aware and in UTC.

Rules of this file
- Stored shapes are frozen pydantic models that forbid unknown fields; a field that a later release
  adds has a default, so that documents of earlier releases load.
- What a person was shown (`Preview`) and what they agreed to (`Confirmation`) are kept as they were
  shown; a later look at the cluster is compared with them and never replaces them silently.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, NewType

from pydantic import AwareDatetime, Field

from bot.restore.audit_kinds import AuditKind, OtherKind
from bot.restore.diagnosis.model import Diagnosis
from bot.restore.disks import Coverage, Disk, LeftBehind
from bot.restore.reasons import Reason
from bot.restore.rules import Rules
from bot.restore.stop_and_start import Start, Stop
from bot.restore.target import RestoreRequest, Target
from bot.restore.thread import QUESTIONS, Card, Copy, Left, Stored, ThreadRef, UserId
from bot.restore.vmstate import SnapshotState, VmState

RestoreId = NewType("RestoreId", str)

SCHEMA: Literal[1] = 1


def same_line(one: str | None, other: str | None) -> bool:
    """Both ids belong to one line of restores, so one may remove the other's failed object."""
    return bool(one and other) and str(one).partition(".")[0] == str(other).partition(".")[0]


class Phase(StrEnum):
    """Where a restore stands. The last five are ends."""

    GATHERING = "gathering"
    CHECKING = "checking"
    STOP_CHOICE = "stop-choice"
    STOPPING = "stopping"
    TYPING = "typing"
    CONFIRMING = "confirming"
    PROTECTING = "protecting"
    RESTORING = "restoring"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    EXPIRED = "expired"

    @property
    def ended(self) -> bool:
        """True for the five ends."""
        return self in ENDED


ENDED = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.REFUSED, Phase.EXPIRED})


class Consistency(StrEnum):
    """How far the guest's files in a snapshot can be trusted."""

    OFFLINE = "offline"
    APPLICATION = "application"
    CRASH = "crash"
    UNKNOWN = "unknown"


class Change(Stored):
    """One field of the VM's configuration that the restore will change."""

    field: str
    current: str
    snapshot: str


class Preview(Stored):
    """What the person is shown before typing, and what is compared again before acting."""

    taken_at: AwareDatetime
    vm_uid: str
    vm_status: str
    run_strategy: str
    last_modified: AwareDatetime | None = None
    snapshot_uid: str
    snapshot_created: AwareDatetime
    consistency: Consistency = Consistency.UNKNOWN
    consistency_why: str = ""
    claims: tuple[str, ...] = ()
    """The claims that the VM used when this was shown."""
    disks: tuple[str, ...] = ()
    disks_left_out: tuple[str, ...] = ()
    """Only in documents of a release that did not know what becomes of each disk."""
    fates: tuple[Disk, ...] = ()
    coverage: Coverage = Coverage()
    shared_disks: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    more_changes: int = 0
    newer: tuple[str, ...] = ()
    more_newer: int = 0
    newer_unread: bool = False
    """The namespace holds too many snapshots to look through them."""
    gitops: str | None = None
    """Who else writes the VM."""
    paused: bool = False
    """The guest was paused when the VM was found live."""
    clock_ahead: float = 0
    """Seconds that the cluster's clock was ahead of the bot's: the age of a snapshot is told by it."""
    vm_state: VmState | None = None
    """None in documents of earlier releases: then nothing may be restored from it."""
    snapshot_state: SnapshotState | None = None
    """As above."""


class Proposal(Stored):
    """A question's helpful part: one value to accept, or the nearest names."""

    value: str | None = None
    near: tuple[str, ...] = ()
    more: int = 0
    """Of them that are not named."""
    problem: str | None = None
    """Why it is asked (again), in plain words."""


class TypedName(Stored):
    """The typed confirmation that matched."""

    by: UserId
    at: AwareDatetime
    ts: str


class Confirmation(Stored):
    """The click on the danger button: the only thing that allows a restore to be created."""

    by: UserId
    at: AwareDatetime
    number: int
    """Number of the card that carried the button."""


class Safety(Stored):
    """The snapshot of the current state, taken before the restore."""

    name: str
    decided_at: AwareDatetime
    uid: str | None = None
    ready_at: AwareDatetime | None = None
    said: str = ""
    """What KubeVirt met that keeps it from becoming ready, if anything."""
    shown: str = ""
    """All that it said of itself at the last look."""
    moved_at: AwareDatetime | None = None
    """When that was last seen to change."""
    diagnosis: Diagnosis | None = None
    """Why it is not ready, as far as that was found out."""


class Job(Stored):
    """The VirtualMachineRestore. `name` is fixed and stored before the create is sent."""

    name: str
    decided_at: AwareDatetime
    uid: str | None = None
    progressing: str = ""
    ready: str = ""
    volumes_bound: int = 0
    volumes_total: int = 0
    looked_at: AwareDatetime | None = None
    moved_at: AwareDatetime | None = None
    """When what it says, or the number of bound volumes, was last seen to change."""
    wait_until: AwareDatetime | None = None
    deleting: bool = False
    delete_asked_by: UserId | None = None
    delete_error: str | None = None
    """Why the cluster refused to delete it, for the question that follows."""
    restored_at: AwareDatetime | None = None
    """When it completed, if that was before this bot learnt of it."""
    adopted: bool = False
    """Found in the cluster by a document that did not know of it: its cards may be posted, too."""
    sent_at: AwareDatetime | None = None
    """When the create was sent last, if no answer to it is known."""
    unanswered_until: AwareDatetime | None = None
    """Until then the cluster may still carry out a create that was never answered."""
    held_back: str = ""
    """What has differed meanwhile, if anything: then it is not sent again, whatever is so later."""
    seen: bool = False
    """The VM has carried its name: it was there, and is not made again."""
    vm_version: str = ""
    """The VM's resourceVersion when the create was decided on: a restore locks the VM, which writes to it."""


class Offer(Stored):
    """The owner would like somebody else to go on; that person must accept until then."""

    to: UserId
    by: UserId
    at: AwareDatetime
    until: AwareDatetime


How = Literal["accepted", "taken"]


class Handoff(Stored):
    """A change of owner: an offer was accepted, or somebody on call has taken the restore over."""

    at: AwareDatetime
    giver: UserId
    taker: UserId
    how: How


class Outcome(Stored):
    """How it ended. `found`, `expected` and `next` are plain sentences."""

    reason: Reason | None = None
    cause: Reason | None = None
    """Of a stop or a create that was refused: why, by what the API server's message says."""
    at: AwareDatetime
    by: UserId | None = None
    found: str = ""
    expected: str = ""
    next: str = ""
    choices: tuple[str, ...] = ()
    """Names that help (the VM's snapshots, for instance), at most ten."""
    more_choices: int = 0
    typed: str | None = None
    """What was typed instead of the name, shortened."""
    vm_status: str = ""
    """What was last read of the VM, in plain words."""
    leftovers: tuple[str, ...] = ()
    """Volumes of the state before, kept by the cluster."""
    pending: tuple[str, ...] = ()
    """Restored volumes that are filled at first boot."""
    left: tuple[LeftBehind, ...] = ()
    """What is known of each of the leftovers, and of what goes by itself."""
    more_left: int = 0
    left_at: AwareDatetime | None = None
    """When that was looked up; None: at the end."""
    left_due: AwareDatetime | None = None
    """When it is looked up next; None if nobody looks any more."""
    kept: tuple[str, ...] = ()
    """Disks that are in the VM and did not roll back."""
    deleted: tuple[str, ...] = ()
    """Disks that the cluster has deleted with the restore."""
    live: bool = False
    """The VM ran when its restore had failed."""
    detached: tuple[str, ...] | None = None
    """Restored volumes that the VM does not use; None if that was not looked up."""
    unproven: str = ""
    """Why nothing but the cluster's word says that the data is the snapshot's."""


class Blocker(Stored):
    """Our own failed VirtualMachineRestore, which must go before another can be made."""

    name: str
    uid: str


class Restore(Stored):
    """One request to restore one VM, from the first word to the end and its aftermath."""

    schema_version: Literal[1] = SCHEMA
    id: RestoreId
    version: int = 0
    """Counted up by the store with every commit; a commit names the version it was made from."""
    phase: Phase
    thread_ref: ThreadRef
    owner: UserId
    """Who alone answers and confirms: who asked, or to whom it was handed over since."""
    request: RestoreRequest
    rules: Rules
    opened_at: AwareDatetime
    entered_at: AwareDatetime
    """When the present phase was entered."""
    deadline: AwareDatetime | None = None
    """When the open question expires; None while nobody is asked."""
    heard_ts: str = ""
    """`ts` of the newest reply that was taken as an answer."""
    cards: tuple[Card, ...] = ()
    proposal: Proposal | None = None
    preview: Preview | None = None
    protect: bool = False
    note: str | None = None
    """Plain words shown on the next question: why it is asked again."""
    stop: Stop | None = None
    typed: TypedName | None = None
    confirmation: Confirmation | None = None
    deletion_agreed: bool = False
    """The disks that it deletes may go without a copy: said on the card that is confirmed."""
    safety: Safety | None = None
    job: Job | None = None
    objects: tuple[str, ...] = ()
    """UIDs of objects of this restore that were followed before that of `job`."""
    outcome: Outcome | None = None
    start: Start | None = None
    offer: Offer | None = None
    copies: tuple[Copy, ...] = ()
    """Offers as those they were made to find them, who might not see the thread."""
    handoffs: tuple[Handoff, ...] = ()
    left: Left | None = None
    """Where it was before the last handover, if that was another direct message."""
    previous: RestoreId | None = None
    blocker: Blocker | None = None
    vm_state_unknown: bool = False
    """A restore that this one follows has failed half-way, and none has completed since."""
    diagnosis: Diagnosis | None = None
    """Why it stands still, or has failed, as far as that was found out."""
    trouble: str | None = None
    """What keeps the bot from looking at the cluster just now, in plain words."""
    trouble_since: AwareDatetime | None = None
    closed: bool = False
    """Ended, and the time for its last buttons is over."""

    @property
    def question(self) -> Card | None:
        """The card that waits for the owner, if one does."""
        for card in reversed(self.cards):
            if card.closed is None and card.kind in QUESTIONS:
                return card
        return None

    @property
    def requester(self) -> UserId:
        """Who asked for it."""
        return self.handoffs[0].giver if self.handoffs else self.owner

    @property
    def target(self) -> Target:
        """The VM and the snapshot: known from CHECKING on. Raises ValueError before."""
        if (target := self.request.target) is None:
            raise ValueError(f"restore {self.id} ({self.phase}) has no complete target")
        return target

    @property
    def claim(self) -> str | None:
        """The key of the VM this restore holds, while it lives and is past GATHERING.

        A start after the end holds it again: no other restore may be under way meanwhile.
        """
        vm_ref = self.request.vm_ref
        over = self.phase.ended and not (self.start is not None and self.start.pending)
        if over or vm_ref is None or self.phase is Phase.GATHERING:
            return None
        return vm_ref.key

    @property
    def ended_at(self) -> AwareDatetime:
        """When it ended; of a live one, when its present phase was entered."""
        return self.outcome.at if self.outcome else self.entered_at

    @property
    def stopped_by_us(self) -> bool:
        """A stop was sent, so that every way out must say so."""
        return self.stop is not None and self.stop.asked_at is not None


class AuditEntry(Stored):
    """One line of the audit stream: who did what, when, where, and why it went as it did."""

    at: datetime
    restore: RestoreId | None = None
    kind: Annotated[AuditKind | OtherKind, Field(union_mode="left_to_right")]
    by: str = ""
    verdict: Annotated[str, Field(max_length=40)] = ""
    reason: str = ""
    target: str = ""
    detail: str = ""
