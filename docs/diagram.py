"""The picture of the workflow in docs/workflow.md, drawn by running the machine.

It starts from new restores, applies everything that can happen to a restore, and follows what comes
out until nothing new does. So the picture cannot tell more or less than `step` does. A test compares;
`make diagram` puts the drawing between the marks of that page.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.restore import user_events, workflow
from bot.restore.events import (
    Acted,
    Button,
    Cancel,
    ChannelGone,
    Clicked,
    ConversationLoss,
    CreateRestore,
    CreateSnapshot,
    Done,
    Effect,
    Elapsed,
    Event,
    ObservationFailed,
    Observed,
    StopVm,
    TakenOver,
    Typed,
    Verdict,
    VmClaimedElsewhere,
)
from bot.restore.model import Phase, Restore, RestoreId
from bot.restore.observation import (
    ApiRejection,
    Candidates,
    Content,
    Observation,
    ObservationKind,
    RestoreObject,
    Snapshot,
    Vm,
    Vmi,
)
from bot.restore.rules import Rules, StopWhen
from bot.restore.target import RestoreRequest
from bot.restore.thread import ThreadRef, UserId, slack_order

PAGE = Path(__file__).parent / "workflow.md"
BEGIN = "<!-- drawn by docs/diagram.py: do not edit by hand -->\n\n"
END = "\n\n<!-- end of the drawing -->"
START = datetime(2026, 1, 1, tzinfo=UTC)
ALICE, BOB = UserId("U1"), UserId("U2")
ENDS = (Phase.CANCELLED, Phase.REFUSED, Phase.EXPIRED)
"""Ends that nearly every phase has a way to: a table tells them better than arrows."""
_ACTS: dict[type[Effect], str] = {
    StopVm: "stop",
    CreateSnapshot: "safety snapshot",
    CreateRestore: "restore",
}
_PLACE = {phase: thread_ref for thread_ref, phase in enumerate(Phase)}
_UIDS: dict[type[Effect], str] = {CreateSnapshot: "safety-1", CreateRestore: "job-1"}

VM = Vm("ns", "vm", "vm-1", status="Stopped")
VMI = Vmi("vmi-1", phase="Running")
SNAPSHOT = Snapshot(
    "snap", "s-1", "vm", START, phase="Succeeded", ready=True, content_name="c", included=("root",)
)
CONTENT = Content("c", "c-1", ready=True, vm_uid="vm-1", backups=(("root", "root"),))
JOB = RestoreObject("ns", "", "job-1", "vm", "snap")
DOWN = Observation(ObservationKind.FULL, START, vm=VM, snapshot=SNAPSHOT, content=CONTENT)
LIVE = replace(DOWN, vmi=VMI)
EDITED = replace(LIVE, vm=replace(VM, specification="other"))
REFUSAL = ApiRejection(403, "Forbidden", "no")
NO = Verdict(allowed=False, reason="not_permitted")
AWAY = ObservationFailed("away")


@dataclass(frozen=True, slots=True)
class Edge:
    """One way from phase to phase."""

    source: Phase
    label: str
    target: Phase


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that can happen to a restore, in words; each of its events comes `after` a while."""

    label: str
    events: tuple[Event, ...]
    after: timedelta = timedelta(seconds=1)


def edges() -> tuple[Edge, ...]:
    """Every way that the machine takes, in the order of the phases."""
    found: set[Edge] = set()
    waiting, known = deque(_beginnings()), set[tuple[object, ...]]()
    while waiting:
        before = waiting.popleft()
        if before.phase.ended or _kind(before) in known:
            continue
        known.add(_kind(before))
        for happening in _happenings(before):
            for label, after in _results(before, happening):
                waiting.append(after)
                if after.phase is not before.phase:
                    found.add(Edge(before.phase, label, after.phase))
    return tuple(sorted(found, key=lambda e: (_PLACE[e.source], _PLACE[e.target], e.label)))


def _beginnings() -> Iterator[Restore]:
    thread_ref = ThreadRef(team="T", channel="C", thread="1.1", own_thread=True)
    named = RestoreRequest(cluster="default", namespace="ns", vm="vm", snapshot="snap")
    for request in (RestoreRequest(cluster="default"), named):
        for stop_when in StopWhen:
            yield workflow.begin(
                id_=RestoreId("r"),
                thread_ref=thread_ref,
                owner=ALICE,
                request=request,
                rules=Rules(stop_when=stop_when),
                now=START,
            )


def _kind(restore: Restore) -> tuple[object, ...]:
    """Restores that differ in nothing else go the same ways."""
    stop, job = restore.stop, restore.job
    return (
        restore.phase,
        restore.rules.stop_when,
        restore.question and restore.question.kind,
        restore.request,
        restore.protect,
        restore.safety and restore.safety.uid,
        restore.confirmation is None,
        stop and (stop.wait_until is None, stop.done_at is None, stop.force),
        job and (job.uid, job.deleting),
    )


def _results(before: Restore, happening: Happening) -> Iterator[tuple[str, Restore]]:
    """What comes of it, and of the acts that it leads to."""
    now, after, effects = _now(before), before, tuple[Effect, ...]()
    for event in happening.events:
        now += happening.after
        step = workflow.step(after, event, now)
        after, effects = step.restore, step.effects
    yield happening.label, after
    for effect in effects:
        done = workflow.step(after, Acted(effect, Done(_UIDS.get(type(effect)))), now).restore
        yield happening.label, done
        if type(effect) in _ACTS:
            refused = workflow.step(after, Acted(effect, REFUSAL), now).restore
            yield f"the cluster refuses the {_ACTS[type(effect)]}", refused


def _now(restore: Restore) -> datetime:
    """The last moment that the document knows of."""
    stop, job = restore.stop, restore.job
    times = [restore.entered_at, *(card.opened_at for card in restore.cards)]
    times += [time for time in (stop and stop.asked_at, job and job.decided_at) if time]
    return max(times)


# What can happen


def _happenings(restore: Restore) -> Iterator[Happening]:
    yield from _said(restore)
    yield from _pressed(restore)
    yield from _seen(restore)
    yield Happening("cancel", (Cancel(restore.owner),))
    yield Happening("handed over or taken over", (TakenOver(_other(restore)),))
    yield Happening("the channel is gone", (ChannelGone(ConversationLoss.ARCHIVED),))
    if restore.phase is Phase.CHECKING:
        yield Happening("somebody else holds the VM", (VmClaimedElsewhere(BOB, "there", START),))
    if restore.deadline is not None:
        yield Happening("no answer in time", (Elapsed(),), restore.deadline - _now(restore))


def _said(restore: Restore) -> Iterator[Happening]:
    match restore.phase:
        case Phase.TYPING:
            yield Happening("the exact name is typed", (_typed(restore, "snap"),))
            yield Happening("another name is typed", (_typed(restore, "other"),))
        case Phase.CONFIRMING:
            yield Happening("anything but yes is typed", (_typed(restore, "other"),))


def _typed(restore: Restore, text: str) -> Typed:
    heard, _ = slack_order(restore.heard_ts)
    return Typed(restore.owner, text, f"{max(heard, int(_now(restore).timestamp())) + 1}.1")


def _other(restore: Restore) -> UserId:
    return BOB if restore.owner == ALICE else ALICE


_NAMES = {Button.PICK_VM: "vm", Button.PICK_NAMESPACE: "ns", Button.PICK_SNAPSHOT: "snap"}


def _pressed(restore: Restore) -> Iterator[Happening]:
    for card in restore.cards:
        if card.closed is None:
            for button in sorted(user_events.BUTTONS[card.kind] - {Button.CANCEL}):
                click = Clicked(restore.owner, button, card.number, _NAMES.get(button))
                yield Happening(f"click on {button.value}{_if(restore)}", (click,))


def _if(restore: Restore) -> str:
    """What decides where the same event leads to."""
    stop = restore.stop
    match restore.phase:
        case Phase.STOP_CHOICE:
            return f" (stop_when {restore.rules.stop_when})"
        case Phase.CONFIRMING if stop is not None and stop.done_at is None:
            return " (the VM is still live)"
        case Phase.CONFIRMING if restore.protect:
            return " (snapshot first)"
        case Phase.STOPPING if restore.confirmation is not None:
            return " (confirmed, snapshot first)" if restore.protect else " (confirmed)"
        case _:
            return ""


def _seen(restore: Restore) -> Iterator[Happening]:
    kind = workflow.wanted(restore)
    if kind is None:
        return
    # What the cluster may still carry out is waited for.
    sure = timedelta(minutes=2) if restore.job is not None else timedelta()
    for label, observation in _scenes(restore, kind):
        yield Happening(label, (_look(observation, kind),), sure)
    if (
        kind
        in (
            ObservationKind.FULL,
            ObservationKind.VMI,
            ObservationKind.SAFETY,
            ObservationKind.RECHECK,
        )
        and restore.job is None
    ):
        own = replace(JOB, name="own", restore_id=restore.id)
        there = replace(DOWN, restores=(own,))
        yield Happening("the restore object exists already", (_look(there, kind),))
    if kind is not ObservationKind.JOB:
        yield Happening("the policy says no", (replace(_look(DOWN, kind), verdict=NO),), sure)
    if restore.deadline is None:
        yield Happening("the cluster stays away", (AWAY, AWAY), timedelta(days=1))
    if kind in (ObservationKind.RECHECK, ObservationKind.VMI):
        late = LIVE if kind is ObservationKind.VMI else DOWN
        label = "the bot could not act in time"
        yield Happening(label, (_look(late, kind),), timedelta(minutes=11))


def _look(observation: Observation, kind: ObservationKind) -> Observed:
    return Observed(replace(observation, kind=kind), workflow.ALLOWED)


def _scenes(restore: Restore, kind: ObservationKind) -> Iterable[tuple[str, Observation]]:
    match kind:
        case ObservationKind.CANDIDATES:
            found = Candidates(namespaces=("ns",), vms=("vm",), snapshots=(SNAPSHOT,))
            scenes = [("everything is named", replace(DOWN, candidates=found))]
            empty = replace(DOWN, candidates=Candidates(namespaces=("ns",), vms=("vm",)))
            return scenes if restore.request.snapshot else [*scenes, ("it has no snapshots", empty)]
        case ObservationKind.FULL:
            return [
                ("all is well, the VM is down", DOWN),
                ("all is well, the VM is live", LIVE),
                ("a check says no", replace(DOWN, vm=None)),
            ]
        case ObservationKind.VMI:
            return [
                (f"the VM is down{_if(restore)}", DOWN),
                ("something differs from what was confirmed", EDITED),
                ("", LIVE),
                ("the VM is gone", replace(DOWN, vm=None)),
            ]
        case ObservationKind.RECHECK:
            return [("", DOWN), ("something differs from what was confirmed", LIVE)]
        case ObservationKind.SAFETY:
            return _safety_scenes(restore)
        case ObservationKind.JOB:
            return _job_scenes(restore)


def _safety_scenes(restore: Restore) -> Iterable[tuple[str, Observation]]:
    name = restore.safety.name if restore.safety else ""
    ready = replace(SNAPSHOT, name=name, uid="safety-1", restore_id=restore.id)
    failed = replace(ready, phase="Failed")
    return [
        ("the safety snapshot is ready", replace(DOWN, safety=ready)),
        ("the safety snapshot fails or is late", replace(DOWN, safety=failed)),
    ]


def _job_scenes(restore: Restore) -> Iterable[tuple[str, Observation]]:
    job = replace(JOB, name=restore.job.name if restore.job else "", restore_id=restore.id)
    return [
        ("", replace(DOWN, job=job)),
        ("complete", replace(DOWN, job=replace(job, complete=True))),
        ("the restore fails", replace(DOWN, job=replace(job, failure="no"))),
        ("the restore or the VM is deleted", replace(DOWN, job=None)),
    ]


# What it looks like


def drawn(page: str) -> str:
    """The page with what the machine does between the marks, whatever stood there; ValueError without them."""
    found = edges()
    drawing = "\n".join((*_picture(found), "", *_table(found)))
    begin = page.index(BEGIN) + len(BEGIN)
    return page[:begin] + drawing + page[page.index(END, begin - 1) :]


def _picture(found: tuple[Edge, ...]) -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for first in _beginnings():
        if first.rules.stop_when is StopWhen.CHOSEN:
            said = "everything is named" if first.request.vm else "something is missing"
            yield f"    [*] --> {first.phase.name}: {said}"
    for source, target in dict.fromkeys((e.source, e.target) for e in found):
        if target not in ENDS:
            yield f"    {source.name} --> {target.name}: {_labels(found, source, target, ' / ')}"
    yield "    SUCCEEDED --> [*]"
    yield "    FAILED --> [*]"
    yield "```"


def _table(found: tuple[Edge, ...]) -> Iterator[str]:
    yield f"| from | {' | '.join(end.name for end in ENDS)} |"
    yield f"|---|{'---|' * len(ENDS)}"
    for phase in Phase:
        cells = [_labels(found, phase, end, "; ") for end in ENDS]
        if any(cells):
            yield f"| {phase.name} | {' | '.join(cells)} |"


def _labels(found: tuple[Edge, ...], source: Phase, target: Phase, between: str) -> str:
    return between.join(e.label for e in found if (e.source, e.target) == (source, target))


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
