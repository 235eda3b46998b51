"""A restore whose record is lost: what is known of it elsewhere, and the document made of that.

Of each live restore the store keeps a trace apart from its document; the object in the cluster names
the same in its labels and annotations, which anybody may have written. The thread tells which cards
stand there. What is made of it is a document like any other, and goes on like any other.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from bot.restore import edits
from bot.restore.model import Job, Outcome, Phase, Restore, RestoreId
from bot.restore.observation import RestoreObject, Vm, Vmi
from bot.restore.reasons import Reason
from bot.restore.rules import Rules
from bot.restore.target import RestoreRequest
from bot.restore.thread import Card, CardKind, Stored, ThreadRef, UserId, is_user
from bot.texts import endings, refusals

RECENT = timedelta(days=1)
"""An object that was made, or was complete, before this is no news to anybody."""
_CHANNEL = re.compile(r"[CDG][A-Z0-9]{2,20}")
_TS = re.compile(r"\d{10}\.\d{6}")
_ID = re.compile(r"[a-z0-9]{1,20}(\.\d{1,5})?")
_CARD = re.compile(r"([a-z-]+)\.(\d{1,9})")
_LEFT_AS_IT_IS = frozenset({CardKind.OFFER, CardKind.NOT_TAKEN, CardKind.HANDED})
"""Cards about offers and owners, which only the lost document knew."""


class Trace(Stored):
    """Whose restore it is, of which VM, and where it is told; and how it stands, for metrics."""

    owner: UserId
    thread_ref: ThreadRef
    request: RestoreRequest
    phase: Phase | None = None
    """None where an object in the cluster is all that is known, or of an earlier release."""
    asks: bool = False
    """A question waits for the owner."""
    until: AwareDatetime | None = None
    """When the time limit is over of what the cluster is doing, if it is doing something."""
    troubled: bool = False
    """The bot cannot look at the cluster just now."""


def trace(restore: Restore) -> Trace:
    """What is kept of a live restore apart from its document."""
    return Trace(
        owner=restore.owner,
        thread_ref=restore.thread_ref,
        request=restore.request,
        phase=restore.phase,
        asks=restore.question is not None,
        until=_time_limit(restore),
        troubled=restore.trouble is not None,
    )


def _time_limit(restore: Restore) -> datetime | None:
    stop, safety, job = restore.stop, restore.safety, restore.job
    match restore.phase:
        case Phase.STOPPING if stop is not None:
            return stop.wait_until
        case Phase.PROTECTING if safety is not None:
            return safety.decided_at + timedelta(seconds=restore.rules.safety_timeout)
        case Phase.RESTORING if job is not None:
            return job.wait_until
        case _:
            return None


def trace_of(cluster: str, found: RestoreObject, team: str) -> Trace | None:
    """The same, by an object in the cluster; None if it is not of this workspace and this bot."""
    channel, _, thread = (found.thread or "").partition("/")
    owner = found.owner or found.made_by or ""
    own = found.team == team and bool(_ID.fullmatch(found.restore_id or ""))
    if not (own and _CHANNEL.fullmatch(channel) and _TS.fullmatch(thread)):
        return None
    if not (is_user(owner) and found.namespace and found.target and found.snapshot):
        return None
    return Trace(
        owner=UserId(owner),
        thread_ref=ThreadRef(team=team, channel=channel, thread=thread),
        request=RestoreRequest(
            cluster=cluster, namespace=found.namespace, vm=found.target, snapshot=found.snapshot
        ),
    )


def is_recent(found: RestoreObject, now: datetime) -> bool:
    """It may be news to somebody."""
    last = found.restored_at if found.complete else found.created
    return last is not None and now - last < RECENT


@dataclass(frozen=True, slots=True)
class Remains:
    """All that is known of a restore without its record."""

    id: RestoreId
    trace: Trace
    rules: Rules
    """Those of the settings: what was in force when it was asked for is lost."""
    posted: Collection[str]
    """The keys of the cards that stand in its thread."""
    now: datetime

    @property
    def told(self) -> bool:
        """A result stands in the thread."""
        return any(kind is CardKind.RESULT for _, kind in self.cards)

    @property
    def cards(self) -> list[tuple[int, CardKind]]:
        """Number and kind of each card that stands there, oldest first."""
        known = {kind.value: kind for kind in CardKind}
        found = (_CARD.fullmatch(key) for key in self.posted)
        return sorted((int(each[2]), known[each[1]]) for each in found if each and each[1] in known)


def found_again(remains: Remains, found: RestoreObject) -> Restore:
    """A document that follows the object to its end."""
    now, rules = remains.now, remains.rules
    begun = found.created or now
    job = Job(
        name=found.name,
        decided_at=begun,
        uid=found.uid,
        progressing=found.progressing[:300],
        ready=found.ready[:300],
        wait_until=begun + timedelta(seconds=rules.restore_timeout),
        restored_at=found.restored_at if found.complete else None,
        adopted=True,
    )
    cards = _cards(remains, CardKind.FOUND_AGAIN, CardKind.PROGRESS)
    return _document(remains, Phase.RESTORING, cards, begun).model_copy(update={"job": job})


def given_up(remains: Remains, vm_status: str, *, unseen: str = "") -> Restore:
    """A document that has ended: the cluster has no object of it, or (`unseen`) cannot be asked."""
    restore = _document(remains, Phase.CHECKING, _cards(remains), remains.now)
    lost = refusals.RECORD_LOST
    found = refusals.RECORD_LOST_UNSEEN.format(what=unseen[:300]) if unseen else lost.found
    outcome = Outcome(
        reason=Reason.RECORD_LOST,
        at=remains.now,
        found=found,
        next=lost.next,
        vm_status=vm_status or endings.UNKNOWN,
    )
    return edits.end(restore, Phase.CANCELLED, outcome, endings.RECORD_LOST)


def vm_status(vm: Vm | None, vmi: Vmi | None) -> str:
    """What the VM is like now, in a few words."""
    if vm is None:
        return endings.NO_SUCH_VM
    live = vmi is not None and not vmi.final
    return (endings.LIVE if live else endings.NOT_RUNNING).format(status=vm.status)


def _document(remains: Remains, phase: Phase, cards: tuple[Card, ...], begun: datetime) -> Restore:
    return Restore(
        id=remains.id,
        phase=phase,
        thread_ref=remains.trace.thread_ref,
        owner=remains.trace.owner,
        request=remains.trace.request,
        rules=remains.rules,
        opened_at=begun,
        entered_at=remains.now,
        cards=cards,
    )


def _cards(remains: Remains, *wanted: CardKind) -> tuple[Card, ...]:
    """The cards that go on, and those that are `wanted` and do not stand there yet.

    The request, the newest progress and news of before go on, and so does the newest card, which may
    be open: it is closed. Numbers go on where the thread stands, so that no button of before means a
    new card.
    """
    there = remains.cards
    going_on = {CardKind.REQUEST, *wanted}
    newest = {kind: number for number, kind in there}
    kept = [
        (number, kind)
        for number, kind in there
        if (kind in going_on and newest[kind] == number)
        or ((number, kind) == there[-1] and kind not in _LEFT_AS_IT_IS)
    ]
    first = () if there else (CardKind.REQUEST,)
    new = [kind for kind in (*first, *wanted) if kind not in newest]
    top = there[-1][0] if there else 0
    return tuple(
        Card(
            kind=kind,
            number=number,
            opened_at=remains.now,
            closed=None if kind in going_on else endings.RECORD_LOST,
        )
        for number, kind in (*kept, *enumerate(new, top + 1))
    )
