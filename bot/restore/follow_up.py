"""A new restore that follows an ended one: start over, try again, another snapshot, undo.

Nothing is inherited but the request, the thread and what the bot left behind: a VM that it stopped, or
that is in an unknown state, its own failed object. All checks and both confirmations come anew. The new id is made from the old one,
so that a second click finds the first one's restore.
"""

from datetime import datetime

from bot.restore import starts, user_events, workflow
from bot.restore.events import Button, Clicked, Reply
from bot.restore.model import Blocker, Phase, Restore, RestoreId
from bot.restore.reasons import Reason
from bot.restore.rules import Rules
from bot.restore.stop_and_start import Stop
from bot.restore.target import RestoreRequest
from bot.restore.thread import Card, CardKind

_FINAL = frozenset({Reason.NOT_PERMITTED, Reason.FROZEN, Reason.VM_DELETED})
"""Reasons that no other restore would get around."""


def offered(restore: Restore) -> frozenset[Button]:
    """The successor buttons that the result card of an ended restore carries."""
    if not restore.phase.ended or restore.closed or restore.outcome is None:
        return frozenset()
    if restore.outcome.reason in _FINAL:
        return frozenset()
    match restore.phase:
        case Phase.SUCCEEDED:
            return frozenset({Button.UNDO} if _undo_snapshot(restore) else ())
        case Phase.FAILED:
            return frozenset({Button.TRY_AGAIN, Button.OTHER_SNAPSHOT})
        case Phase.REFUSED if restore.request.vm_ref is not None:
            return frozenset({Button.START_OVER, Button.OTHER_SNAPSHOT})
        case _:
            return frozenset({Button.START_OVER})


def successor(restore: Restore, click: Clicked, rules: Rules, now: datetime) -> Restore | Reply:
    """The restore that a click on an ended one opens, or why it opens none."""
    restore = workflow.expired(restore, now)
    if click.by != restore.owner:
        return Reply.NOT_YOURS
    card = next((each for each in restore.cards if each.number == click.number), None)
    if not _open_result(card) or click.button not in offered(restore):
        return user_events.in_vain(restore, card)
    new = workflow.begin(
        id_=following(restore.id),
        thread_ref=restore.thread_ref.anew(),
        owner=restore.owner,
        request=_wish(restore, click.button),
        rules=rules,
        now=now,
        previous=restore.id,
    )
    left = {
        "blocker": _blocker(restore),
        "stop": _stop(restore),
        "vm_state_unknown": _vm_unsure(restore),
    }
    return new.model_copy(update=left)


def _open_result(card: Card | None) -> bool:
    return card is not None and card.kind is CardKind.RESULT and card.closed is None


def following(id_: RestoreId) -> RestoreId:
    """The one id that may follow: "k3f9" -> "k3f9.2" -> "k3f9.3"."""
    stem, _, count = id_.partition(".")
    return RestoreId(f"{stem}.{int(count or 1) + 1}")


def _wish(restore: Restore, button: Button) -> RestoreRequest:
    if button is Button.UNDO:
        return restore.request.model_copy(update={"snapshot": _undo_snapshot(restore)})
    if button is Button.OTHER_SNAPSHOT:
        return restore.request.model_copy(update={"snapshot": None, "described": None})
    return restore.request


def _undo_snapshot(restore: Restore) -> str | None:
    safety = restore.safety
    return safety.name if safety is not None and safety.ready_at is not None else None


def _stop(restore: Restore) -> Stop | None:
    """The VM that the bot stopped and nobody started again: the new restore's end must say so."""
    start, outcome = restore.start, restore.outcome
    runs = start is not None and start.error is None
    if runs or (outcome is not None and outcome.reason is Reason.VM_STARTED):
        return None
    return restore.stop if restore.stopped_by_us and starts.start_is_offered(restore) else None


def _vm_unsure(restore: Restore) -> bool:
    """What a failed restore left of the VM is not known, until another one has completed."""
    match restore.phase:
        case Phase.SUCCEEDED:
            return False
        case Phase.FAILED if restore.job is not None and not starts.never_created(restore):
            return True
        case _:
            return restore.vm_state_unknown


def _blocker(restore: Restore) -> Blocker | None:
    """Our own failed object, or one that an earlier try still has to remove."""
    job = restore.job
    outcome = restore.outcome
    if outcome is not None and outcome.reason is Reason.NOT_RESTORED:
        return None  # it is complete, and blocks nothing
    if restore.phase is Phase.FAILED and job is not None and job.uid is not None:
        return Blocker(name=job.name, uid=job.uid)
    return restore.blocker
