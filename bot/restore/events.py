"""What can happen to a restore (events) and what it makes happen in the cluster (effects).

Effects are idempotent values: performing one twice does no more than performing it once. None is
stored; each is derived anew from the document and the last look.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto

from bot.restore.diagnosis.evidence import Evidence
from bot.restore.observation import ApiRejection, Observation, RestoreObject
from bot.restore.rules import VolumePolicy
from bot.restore.thread import UserId


class Button(StrEnum):
    """Everything on a card that can be pressed."""

    USE_PROPOSAL = "use-proposal"
    PICK_VM = "pick-vm"
    PICK_NAMESPACE = "pick-namespace"
    PICK_SNAPSHOT = "pick-snapshot"
    STOP_AND_RESTORE = "stop-and-restore"
    CANCEL = "cancel"
    KEEP_STOPPING = "keep-stopping"
    FORCE_STOP = "force-stop"
    FORCE_STOP_NOW = "force-stop-now"
    PROTECT_ON = "protect-on"
    PROTECT_OFF = "protect-off"
    AGREE_DELETION = "agree-deletion"
    CONFIRM = "confirm"
    KEEP_WAITING = "keep-waiting"
    WHY = "why"
    """Answered without the core, like the next: what is read is told, and nothing changes."""
    SUMMARY = "summary"
    DELETE_RESTORE = "delete-restore"
    DELETE_RESTORE_NOW = "delete-restore-now"
    START_VM = "start-vm"
    START_OVER = "start-over"
    TRY_AGAIN = "try-again"
    OTHER_SNAPSHOT = "other-snapshot"
    UNDO = "undo"
    HAND_OVER = "hand-over"
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    TAKE_OVER = "take-over"
    """Not on a card: in the answer to a click on somebody else's. It becomes `TakenOver`."""


def button_named(name: str) -> Button | None:
    """The button of this name, if there is one."""
    try:
        return Button(name)
    except ValueError:
        return None


SUCCESSORS = frozenset({Button.START_OVER, Button.TRY_AGAIN, Button.OTHER_SNAPSHOT, Button.UNDO})
"""Buttons on an ended restore that open a new one (`follow_up.successor`)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of the policy."""

    allowed: bool
    reason: str = ""
    text: str = ""
    """For a refusal: whom to ask, in plain words."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A reply in the thread. `plain` is False if it holds what can never be part of a name."""

    by: UserId
    text: str
    ts: str
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Clicked:
    """A button or picker on card `number`. `value` is what a picker brought.

    With ACCEPT it is a direct message with the taker, where a restore that lives in one goes on, and
    `since` a moment just before it by Slack's clock, as a `ts`.
    """

    by: UserId
    button: Button
    number: int
    value: str | None = None
    since: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """The owner's `/vm-restore cancel`, from wherever it was typed."""

    by: UserId


@dataclass(frozen=True, slots=True)
class OperatorCancelled:
    """Somebody who runs the bot cancelled it in a terminal; `operator` is the name they gave."""

    operator: str


@dataclass(frozen=True, slots=True)
class Continued:
    """The owner went on from the result card; the new restore that it opened is stored by now."""

    by: UserId


@dataclass(frozen=True, slots=True)
class Offered:
    """The owner asks somebody, by name, to go on with the restore."""

    by: UserId
    to: UserId


@dataclass(frozen=True, slots=True)
class Copied:
    """The offer to this person is to stand in a direct message with them, too.

    `address` is a link to the thread, if Slack gives one.
    """

    to: UserId
    channel: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Somebody on call claims the restore. The policy has said by now that they may.

    `dm` is a direct message with them, where a restore that lives in one goes on; `since` a moment just
    before it by Slack's clock, as a `ts`.
    """

    by: UserId
    dm: str | None = None
    since: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """A look at the cluster, with the policy asked again in the same round."""

    observation: Observation
    verdict: Verdict
    evidence: Evidence | None = None
    """Why it does not go on, where that was worth reading."""


class FarSide(Enum):
    """Who is asked before a step."""

    CLUSTER = auto()
    """The API server, about the VM."""
    SLACK = auto()
    """Slack, about people and where they speak."""


@dataclass(frozen=True, slots=True)
class ObservationFailed:
    """One of the two could not be asked. `what` is plain words."""

    what: str
    asked: FarSide = FarSide.CLUSTER


@dataclass(frozen=True, slots=True)
class Elapsed:
    """A due time came while nothing in the cluster needed to be known."""


@dataclass(frozen=True, slots=True)
class VmClaimedElsewhere:
    """The VM is held by another live restore; `by` and `where` say whose and in which thread.

    Without `by` its document cannot be read.
    """

    by: UserId | None = None
    where: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class NamespaceFull:
    """As many restores are open in its namespace as there may be, of these VMs."""

    limit: int
    vms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Anchored:
    """The bot has posted the first message of its own thread."""

    ts: str


class ConversationLoss(Enum):
    """Why nothing can be written in a conversation any more."""

    THREAD_DELETED = "thread-deleted"
    """The message that the thread hangs on was deleted, and no reply is left."""
    ARCHIVED = "archived"
    UNSEEN = "unseen"
    """The bot is not in it."""
    UNWRITABLE = "unwritable"
    """Slack takes no message there, for another reason."""


@dataclass(frozen=True, slots=True)
class Appeared:
    """An object of an ended restore is there, of which its document knows nothing."""

    found: RestoreObject


@dataclass(frozen=True, slots=True)
class ChannelGone:
    """Slack refuses for good to post in the conversation. `said` is Slack's answer, for quoting.

    `dm` is a direct-message channel with the owner where the rest can be told, if one opened.
    """

    loss: ConversationLoss
    said: str = ""
    dm: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelMoved:
    """Slack calls the conversation by another id now."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class StopVm:
    """PUT the `stop` subresource; `force` means a grace period of zero."""

    namespace: str
    vm: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class ClearVmi:
    """Delete the VMI object of a guest that has already ended (it would block the restore)."""

    namespace: str
    vm: str
    uid: str


@dataclass(frozen=True, slots=True)
class StartVm:
    """PUT the `start` subresource."""

    namespace: str
    vm: str


@dataclass(frozen=True, slots=True)
class CreateSnapshot:
    """Create the safety snapshot."""

    namespace: str
    vm: str
    name: str
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CreateRestore:
    """Create the VirtualMachineRestore: the one destructive act."""

    namespace: str
    vm: str
    snapshot: str
    name: str
    volume_policy: VolumePolicy | None
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]
    not_after: datetime | None = None
    """When its bytes must be on their way; later it is not sent. None for a dry run."""


@dataclass(frozen=True, slots=True)
class DeleteRestore:
    """Delete our own VirtualMachineRestore, by name and UID."""

    namespace: str
    name: str
    uid: str


Effect = StopVm | ClearVmi | StartVm | CreateSnapshot | CreateRestore | DeleteRestore


@dataclass(frozen=True, slots=True)
class Done:
    """The API server took it, or it was already so. `uid` is that of a created object."""

    uid: str | None = None


@dataclass(frozen=True, slots=True)
class NotDone:
    """The API server has not taken it and will not carry it out later: it may be sent again."""


Result = Done | ApiRejection


@dataclass(frozen=True, slots=True)
class Acted:
    """How an effect went. A lost answer is no result: the next look finds out."""

    effect: Effect
    result: Result | NotDone


Event = (
    Typed
    | Clicked
    | Cancel
    | OperatorCancelled
    | Continued
    | Offered
    | Copied
    | TakenOver
    | Observed
    | ObservationFailed
    | Elapsed
    | VmClaimedElsewhere
    | NamespaceFull
    | Appeared
    | Anchored
    | ChannelGone
    | ChannelMoved
    | Acted
)


class Reply(StrEnum):
    """What the person behind an event is told, to them alone. None of these changes anything."""

    NOT_YOURS = "not-yours"
    OLD_CARD = "old-card"
    PRESS_THE_BUTTON = "press-the-button"
    CANNOT_CANCEL = "cannot-cancel"
    NO_SUCH_NAME = "no-such-name"
    DONE = "done"
    LEFT_ALONE = "left-alone"
    ENDED = "ended"
    NOBODY_CHOSEN = "nobody-chosen"
    ALREADY_YOURS = "already-yours"
    ALREADY_OFFERED = "already-offered"
    NOT_OFFERED_TO_YOU = "not-offered-to-you"
    OFFER_OVER = "offer-over"
    VM_HELD = "vm-held"
