"""One restore and its clock, moved by gestures and looks: what the tests of the core are told with."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.restore import traces, user_events, workflow
from bot.restore.events import (
    Acted,
    Appeared,
    Button,
    Cancel,
    Clicked,
    CreateRestore,
    CreateSnapshot,
    Done,
    Effect,
    Elapsed,
    Event,
    NotDone,
    ObservationFailed,
    Observed,
    Offered,
    Reply,
    Result,
    TakenOver,
    Typed,
    Verdict,
)
from bot.restore.model import AuditEntry, Outcome, Phase, Restore, RestoreId
from bot.restore.observation import Observation, ObservationKind
from bot.restore.reasons import Reason
from bot.restore.rules import Rules, StopWhen
from bot.restore.target import RestoreRequest
from bot.restore.thread import Card, CardKind, ThreadRef, UserId
from bot.restore.traces import Remains, trace
from tests.restore.ground import (
    LIVE,
    NAMESPACE,
    NOW,
    READY,
    SNAPSHOT_NAME,
    VM_NAME,
    VMI,
    WELL,
    Ground,
    restore_object,
    safety_object,
)

OWNER, OTHER = UserId("U0ALICE"), UserId("U0BOB")
YES = Verdict(allowed=True)
NO = Verdict(allowed=False, reason="not_permitted", text="You may not.")
REQUEST = RestoreRequest(cluster="default", namespace=NAMESPACE, vm=VM_NAME, snapshot=SNAPSHOT_NAME)
RULES = Rules()
SLACK_AHEAD = -7200
"""Seconds: Slack's clock is another one than the bot's, and dates of the two are never compared."""
CONFIRMED = Rules(stop_when=StopWhen.CONFIRMED)


def asked(**changes: Any) -> Restore:
    """A restore that was just asked for, with everything named."""
    parts: dict[str, Any] = {
        "id_": RestoreId("k3f9"),
        "thread_ref": ThreadRef(team="T0TEAM", channel="C0OPS", thread="1.1", own_thread=True),
        "owner": OWNER,
        "request": REQUEST,
        "rules": RULES,
        "now": NOW,
    }
    return workflow.begin(**{**parts, **changes})


@dataclass
class Play:
    """Moves one restore. Every gesture returns the play, so that stories read as chains."""

    restore: Restore
    now: datetime = NOW
    ground: Ground = WELL
    effects: tuple[Effect, ...] = ()
    reply: Reply | None = None
    audit: list[AuditEntry] = field(default_factory=list)
    heard: int = 0
    """Seconds of the newest Slack message."""

    @property
    def phase(self) -> Phase:
        """Where it stands."""
        return self.restore.phase

    @property
    def reason(self) -> Reason | None:
        """Why it ended."""
        return self.outcome.reason

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        assert self.restore.outcome is not None, f"it has not ended: {self.phase}"
        return self.restore.outcome

    @property
    def effect(self) -> Effect:
        """The one effect of the last event."""
        (effect,) = self.effects
        return effect

    @property
    def question(self) -> CardKind | None:
        """What is asked just now."""
        return self.restore.question.kind if self.restore.question else None

    @property
    def due(self) -> datetime | None:
        """When it is looked at again if nothing moves."""
        return workflow.next_due(self.restore, self.now, moved=False)

    def event(self, event: Event) -> "Play":
        """Any event, now."""
        step = workflow.step(self.restore, event, self.now)
        self.restore, self.effects, self.reply = step.restore, step.effects, step.reply
        self.audit.extend(step.audit)
        return self

    def wait(self, seconds: float = 1) -> "Play":
        """Let time pass; nothing runs."""
        self.now += timedelta(seconds=seconds)
        return self

    # People

    def types(self, text: str, by: UserId = OWNER, **more: Any) -> "Play":
        """A new reply in the thread."""
        self.heard = max(self.heard, int(self.since.partition(".")[0])) + 1
        return self.event(Typed(**{"by": by, "text": text, "ts": f"{self.heard}.000100", **more}))

    def clicks(
        self,
        button: Button,
        by: UserId = OWNER,
        *,
        number: int | None = None,
        value: str | None = None,
    ) -> "Play":
        """A click; without a number, on the newest card that has the button."""
        at = self.card(button).number if number is None else number
        return self.event(Clicked(by, button, at, value, self.since))

    @property
    def since(self) -> str:
        """The present as Slack dates it, which may have any other time than we."""
        return f"{int(self.now.timestamp() + SLACK_AHEAD)}.000000"

    def card(self, button: Button) -> Card:
        """The newest card that has this button."""
        return next(
            c for c in reversed(self.restore.cards) if button in user_events.BUTTONS[c.kind]
        )

    def last(self, kind: CardKind) -> Card:
        """The newest card of a kind."""
        return next(card for card in reversed(self.restore.cards) if card.kind is kind)

    def cancels(self, by: UserId = OWNER) -> "Play":
        """`/vm-restore cancel`."""
        return self.event(Cancel(by))

    def offers(self, to: UserId = OTHER) -> "Play":
        """The owner's `handoff @user`."""
        return self.event(Offered(self.restore.owner, to))

    def accepts(self, by: UserId = OTHER, dm: str | None = None) -> "Play":
        """A click on the newest offer."""
        return self.clicks(Button.ACCEPT, by, value=dm)

    def takes_over(self, by: UserId = OTHER, dm: str | None = None) -> "Play":
        """Somebody on call claims it."""
        return self.event(TakenOver(by, dm, self.since))

    # The bot

    def looks(self, verdict: Verdict = YES, **changes: Any) -> "Play":
        """One round of the reconciler, without the acts."""
        self.ground = self.ground.but(**changes)
        kind = workflow.wanted(self.restore) or workflow.last_look(self.restore, self.now)
        if kind is None:
            return self.event(Elapsed())
        observation = self.ground.observation(kind, self.restore, self.now)
        verdict = workflow.ALLOWED if kind is ObservationKind.JOB else verdict
        return self.event(Observed(observation, verdict))

    def sees(self, observation: Observation, verdict: Verdict = YES) -> "Play":
        """A look that brings back just this."""
        return self.event(Observed(observation, verdict))

    def misses(self, what: str = "no answer") -> "Play":
        """A round in which the cluster did not answer."""
        return self.event(ObservationFailed(what))

    def acted(self, result: Result | NotDone | None = None) -> "Play":
        """The effect of the last look was answered."""
        return self.event(Acted(self.effect, result or Done()))

    def applies(self) -> "Play":
        """The create of the last look reaches the cluster, whose answer is lost."""
        match self.effect:
            case CreateRestore() as effect:
                made = restore_object(effect)
                self.ground = self.ground.but(restores=(*self.ground.restores, made))
            case CreateSnapshot() as effect:
                taken = safety_object(effect)
                self.ground = self.ground.but(snapshots=(*self.ground.snapshots, taken))
            case other:
                raise AssertionError(other)
        return self

    def created(self) -> "Play":
        """The create of the last look reaches the cluster and is answered."""
        uid = "restore-1" if isinstance(self.effect, CreateRestore) else "safety-1"
        return self.applies().acted(Done(uid))

    def job_becomes(self, **facts: Any) -> "Play":
        """The restore object changes."""
        *others, job = self.ground.restores
        self.ground = self.ground.but(restores=(*others, replace(job, **facts)))
        return self

    def safety_becomes(self, **facts: Any) -> "Play":
        """The safety snapshot changes."""
        *others, safety = self.ground.snapshots
        self.ground = self.ground.but(snapshots=(*others, replace(safety, **facts)))
        return self


# The ways to each phase


def play(rules: Rules = RULES, **changes: Any) -> Play:
    """A restore that was just asked for."""
    return Play(asked(rules=rules, **changes))


def gathering(**changes: Any) -> Play:
    """Asked for without any name."""
    return play(request=RestoreRequest(cluster="default"), **changes)


def stop_choice(rules: Rules = RULES, **changes: Any) -> Play:
    """The VM was found live."""
    begun = play(rules, **changes)
    begun.ground = LIVE
    return begun.looks()


def stopping(rules: Rules = RULES, **changes: Any) -> Play:
    """The owner chose to stop it (in stop_when=confirmed: and confirmed everything)."""
    chosen = stop_choice(rules, **changes).clicks(Button.STOP_AND_RESTORE)
    if rules.stop_when is StopWhen.CONFIRMED:
        chosen.types(SNAPSHOT_NAME).clicks(Button.CONFIRM)
    return chosen


def typing(rules: Rules = RULES, **changes: Any) -> Play:
    """All is well and the name is asked for."""
    return play(rules, **changes).looks()


def confirming(rules: Rules = RULES, **changes: Any) -> Play:
    """The name was typed."""
    return typing(rules, **changes).types(SNAPSHOT_NAME)


def protecting(rules: Rules = RULES, **changes: Any) -> Play:
    """A safety snapshot was chosen, and everything confirmed."""
    warned = typing(rules, **changes).clicks(Button.PROTECT_ON)
    return warned.types(SNAPSHOT_NAME).clicks(Button.CONFIRM)


def snapshotting(rules: Rules = RULES, **changes: Any) -> Play:
    """The safety snapshot is being taken."""
    return protecting(rules, **changes).looks().created().looks()


def protected(rules: Rules = RULES, **changes: Any) -> Play:
    """The safety snapshot is ready."""
    return snapshotting(rules, **changes).safety_becomes(**READY).looks()


def confirmed(rules: Rules = RULES, **changes: Any) -> Play:
    """Everything is confirmed, nothing decided yet."""
    return confirming(rules, **changes).clicks(Button.CONFIRM)


def decided(rules: Rules = RULES, **changes: Any) -> Play:
    """The create is about to be sent."""
    return confirmed(rules, **changes).looks()


def restoring(rules: Rules = RULES, **changes: Any) -> Play:
    """The cluster has the restore."""
    return decided(rules, **changes).created()


def overdue(rules: Rules = RULES, **changes: Any) -> Play:
    """The restore takes too long."""
    return restoring(rules, **changes).wait(rules.restore_timeout).looks()


def succeeded(rules: Rules = RULES, **changes: Any) -> Play:
    """Restored."""
    return restoring(rules, **changes).job_becomes(complete=True).looks()


def failed(rules: Rules = RULES, **changes: Any) -> Play:
    """The cluster could not."""
    return restoring(rules, **changes).job_becomes(failure="no space left").looks()


def cancelled(rules: Rules = RULES, **changes: Any) -> Play:
    """The owner cancelled."""
    return typing(rules, **changes).cancels()


def refused(rules: Rules = RULES, **changes: Any) -> Play:
    """A check said no."""
    return play(rules, **changes).looks(vm=None)


def expired(rules: Rules = RULES, **changes: Any) -> Play:
    """Nobody answered."""
    return typing(rules, **changes).wait(rules.answer_timeout).looks()


def stop_overdue(rules: Rules = RULES, **changes: Any) -> Play:
    """The stop takes too long."""
    return stopping(rules, **changes).looks().wait(rules.stop_timeout).looks()


def stopped(rules: Rules = RULES, **changes: Any) -> Play:
    """The bot stopped the VM, and the name is asked for."""
    down = stopping(rules, **changes).looks()
    down.ground = WELL
    return down.looks().looks()


def appeared(rules: Rules = RULES, **changes: Any) -> Play:
    """It had ended, and its object has come into being since."""
    ended = decided(rules, **changes)
    assert isinstance(ended.effect, CreateRestore)
    late = restore_object(ended.effect)
    ended.wait(5).looks(vmi=VMI).wait(90).looks()
    ended.ground = ended.ground.but(vmi=None, restores=(late,))
    return ended.event(Appeared(late))


def found_again(rules: Rules = RULES, **changes: Any) -> Play:
    """Its record was lost, and made anew from what the cluster has."""
    lost = restoring(rules, **changes)
    remains = Remains(lost.restore.id, trace(lost.restore), rules, (), lost.now)
    lost.restore = traces.found_again(remains, lost.ground.restores[0])
    return lost


STATES: dict[str, Callable[[], Play]] = {
    "gathering, not yet looked": gathering,
    "gathering, asked for the VM": lambda: gathering().looks(),
    "checking": play,
    "stop choice": stop_choice,
    "stopping": stopping,
    "stopping, sent": lambda: stopping().looks(),
    "stopping, confirmed before": lambda: stopping(CONFIRMED),
    "stop overdue": stop_overdue,
    "force stop": lambda: stop_overdue().clicks(Button.FORCE_STOP),
    "typing": typing,
    "typing, stopped by us": stopped,
    "confirming": confirming,
    "protecting": protecting,
    "snapshotting": snapshotting,
    "confirmed": confirmed,
    "decided": decided,
    "restoring": restoring,
    "overdue": overdue,
    "delete asked": lambda: overdue().clicks(Button.DELETE_RESTORE),
    "deleting": lambda: overdue().clicks(Button.DELETE_RESTORE).clicks(Button.DELETE_RESTORE_NOW),
    "succeeded": succeeded,
    "start asked": lambda: succeeded().clicks(Button.START_VM),
    "failed": failed,
    "offered": lambda: typing().offers(),
    "offer declined": lambda: restoring().offers().clicks(Button.DECLINE, OTHER),
    "offered after the end": lambda: failed().offers(),
    "taken over": lambda: typing().takes_over().takes_over(OWNER),
    "taken over and asked again": lambda: typing().takes_over().takes_over(OWNER).looks(),
    "taken over while overdue": lambda: overdue().takes_over().takes_over(OWNER),
    "cancelled": cancelled,
    "refused": refused,
    "expired": expired,
    "appeared after the end": appeared,
    "record lost and found again": found_again,
}
"""Every phase, and what can be open in it: the table that tests of all phases go through."""
