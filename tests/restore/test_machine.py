"""Any order of words, clicks, looks, acts, accidents and crashes: what must never happen never does.

The machine keeps its own book of who owns the restore and what that person really said and pressed
on which open card, apart from the document, and holds every effect of `step` against it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.restore import follow_up, workflow
from bot.restore.edits import PATIENT
from bot.restore.events import (
    Acted,
    Button,
    Cancel,
    ChannelGone,
    Clicked,
    ConversationLoss,
    Copied,
    CreateRestore,
    DeleteRestore,
    Effect,
    Elapsed,
    Event,
    ObservationFailed,
    Observed,
    Offered,
    StartVm,
    StopVm,
    TakenOver,
    Typed,
    Verdict,
    VmClaimedElsewhere,
)
from bot.restore.model import Phase, Preview, Restore, RestoreId
from bot.restore.observation import ApiRejection, Observation, ObservationKind
from bot.restore.rules import Rules, StopWhen
from bot.restore.target import RestoreRequest
from bot.restore.thread import QUESTIONS, CardKind, ThreadRef, UserId
from bot.restore.user_events import BUTTONS
from tests.restore.ground import LIVE, NAMESPACE, NOW, SNAPSHOT_NAME, VM, VM_NAME, WELL
from tests.restore.play import NO, OTHER, OWNER, REQUEST, YES, asked
from tests.restore.small_cluster import SmallCluster

THIRD = UserId("U0CAROL")
EVERYBODY = (OWNER, OTHER, THIRD)
PEOPLE = st.sampled_from((0, 0, 0, 1, 2))
"""The owner, or one of the two who are not."""
WORDS = st.sampled_from(
    (
        SNAPSHOT_NAME,
        SNAPSHOT_NAME,
        "other",
        "yes",
        "cancel",
        "stop-and-restore",
        "what is going on?",
    )
)
WAITS = st.sampled_from((0.5, 2, 2, 20, 20, 120, 301, 601, 901))
REFUSED = ApiRejection(403, "Forbidden", "you may not")
HELPFUL = {
    CardKind.STOP_CHOICE: Button.STOP_AND_RESTORE,
    CardKind.STOP_OVERDUE: Button.KEEP_STOPPING,
    CardKind.FORCE_STOP: Button.FORCE_STOP_NOW,
    CardKind.CONFIRM: Button.CONFIRM,
    CardKind.OVERDUE: Button.KEEP_WAITING,
    CardKind.DELETE_RESTORE: Button.DELETE_RESTORE_NOW,
}
NAMED = {
    CardKind.ASK_VM: VM_NAME,
    CardKind.ASK_NAMESPACE: NAMESPACE,
    CardKind.ASK_SNAPSHOT: SNAPSHOT_NAME,
    CardKind.WARNING: SNAPSHOT_NAME,
}
DEEDS: dict[str, Callable[[SmallCluster], None]] = {
    "starts the VM": SmallCluster.start,
    "stops the VM": SmallCluster.power_off,
    "deletes the VM": SmallCluster.delete_vm,
    "re-creates the VM": SmallCluster.create_vm,
    "re-creates the snapshot": lambda it: it.change_snapshot(uid=it.fresh("snapshot")),
    "spoils the snapshot": lambda it: it.change_snapshot(ready=False),
    "deletes a restore": SmallCluster.delete_newest_restore,
    "restores it, too": SmallCluster.restore_elsewhere,
    "breaks the guest": SmallCluster.break_guest,
    "breaks the storage": SmallCluster.fail_restores,
    "breaks the snapshots": SmallCluster.fail_snapshots,
    "breaks the snapshots and starts the VM": SmallCluster.fail_snapshots_and_start,
}


@dataclass(frozen=True, slots=True)
class Accident:
    """All goes well up to a moment; then something happens, and perhaps something else."""

    phase: Phase
    further: int
    """Small steps after the phase was entered."""
    what: str
    turns: int
    """Steps of the cluster before `then`."""
    then: str
    steps: int
    """Steps in which all goes on as if nothing had happened."""


def _accidents(
    phases: tuple[Phase, ...], most_further: int, *what: str
) -> st.SearchStrategy[Accident]:
    return st.builds(
        Accident,
        phase=st.sampled_from(phases),
        further=st.integers(0, most_further),
        what=st.sampled_from(what),
        turns=st.integers(0, 3),
        then=st.sampled_from(("nothing", "nothing", "deletes a restore", *sorted(DEEDS))),
        steps=st.integers(1, 12),
    )


ACCIDENTS = st.one_of(
    _accidents(
        (Phase.TYPING, Phase.TYPING, Phase.CONFIRMING),
        0,
        "another name",
        "other letters",
        "somebody else's words",
        "an old reply",
        "old buttons",
    ),
    _accidents(
        (Phase.RESTORING, Phase.RESTORING, Phase.PROTECTING, Phase.STOPPING),
        2,
        "crash before",
        "crash after",
        "rejected",
        "twice",
    ),
    _accidents(
        (Phase.STOPPING, Phase.CONFIRMING, Phase.PROTECTING, Phase.RESTORING, Phase.SUCCEEDED),
        4,
        "no permission",
        "a long pause",
        "old buttons",
        "nothing",
    ),
    _accidents(
        (
            Phase.STOP_CHOICE,
            Phase.TYPING,
            Phase.CONFIRMING,
            Phase.CONFIRMING,
            Phase.PROTECTING,
            Phase.RESTORING,
            Phase.STOPPING,
            Phase.SUCCEEDED,
        ),
        2,
        "handed over",
        "taken over",
        "typed by one, confirmed by another",
        "an offer and nothing more",
    ),
)


@dataclass(slots=True)
class Book:
    """What the owner did, written down without asking the document's opinion."""

    owner: UserId = OWNER
    typed_by: UserId | None = None
    clicked_by: UserId | None = None
    shown: Preview | None = None
    """What stood on the warning when the name was typed."""
    request: RestoreRequest | None = None
    answered: float = 0
    """Newest reply that the document took for an answer, or the moment of the last handover."""
    ran: int = 0
    """How often the VM had been started by then."""
    clicked_at: datetime | None = None
    confirmations: int = 0
    name: str | None = None
    """The name under which the create was first sent."""
    stop: bool = False
    force: bool = False
    delete: bool = False
    start: bool = False
    seen: frozenset[str] = frozenset()
    """UIDs of restore objects that the document has known."""


class Machine(RuleBasedStateMachine):
    """One line of restores in one small cluster."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.cluster = SmallCluster()
        self.restore = asked()
        self.book = Book()
        self.effects: tuple[Effect, ...] = ()
        self.verdict: Verdict = YES
        self.clock = int(NOW.timestamp())
        """Seconds of the newest reply."""
        self.ended: list[Restore] = []

    @initialize(
        stop_when=st.sampled_from(StopWhen),
        protect=st.booleans(),
        live=st.booleans(),
        stubborn=st.booleans(),
        own_thread=st.booleans(),
        named=st.sampled_from((True, True, False)),
        manual=st.booleans(),
        channel=st.sampled_from(("C", "C", "D")),
        accident=ACCIDENTS,
    )
    def begin(self, accident: Accident, **drawn: Any) -> None:
        """A restore was asked for, and met its first accident."""
        self.cluster = SmallCluster(
            LIVE if drawn["live"] else WELL, stubborn=drawn["stubborn"], manual=drawn["manual"]
        )
        there = {"channel": drawn["channel"], "own_thread": drawn["own_thread"]}
        thread = ThreadRef(team="T", thread="1.1", **there)
        self.restore = asked(
            thread_ref=thread,
            request=REQUEST if drawn["named"] else RestoreRequest(cluster="default"),
            rules=Rules(stop_when=drawn["stop_when"], protect_by_default=drawn["protect"]),
        )
        self._meets(accident)

    def _meets(self, accident: Accident) -> None:
        self._goes_well_up_to(accident.phase)
        for _ in range(accident.further):
            self.goes_well()
        self._happens_now(accident.what)
        for _ in range(accident.turns):
            self.cluster.advance()
        if accident.then in DEEDS:
            DEEDS[accident.then](self.cluster)
        for _ in range(accident.steps):
            self.goes_well()

    def _goes_well_up_to(self, phase: Phase) -> None:
        for _ in range(40):
            if self.restore.phase is phase or self.restore.phase.ended:
                return
            self.goes_well()

    # --- One event --------------------------------------------------------------------------------

    def happens(self, event: Event, observation: Observation | None = None) -> None:
        """Step, check the effects against the book, and keep the book."""
        before = self.restore
        self._write_down(before, event)
        self._write_down_the_owner(before, event)
        step = workflow.step(before, event, self.now)
        self.restore = Restore.model_validate_json(step.restore.model_dump_json())
        assert self.restore == step.restore
        if observation is None:
            assert step.effects == ()
        for effect in step.effects:
            self._allowed(effect, observation)
        if observation is not None:
            self.effects = step.effects
        if before.phase.ended:
            assert self.restore.phase is before.phase
        if before.job is not None:
            assert self.restore.phase in (Phase.RESTORING, Phase.SUCCEEDED, Phase.FAILED)
        self._nobody_else_counts(before, event)
        if isinstance(event, Typed) and self.restore != workflow.expired(before, self.now):
            self.book.answered = float(event.ts)
        if self.restore.phase is Phase.CHECKING:
            self.book.shown = self.book.clicked_at = None
        if self.restore.job is not None and self.restore.job.uid is not None:
            self.book.seen |= {self.restore.job.uid}

    def _write_down(self, before: Restore, event: Event) -> None:
        card = before.question
        in_time = before.deadline is None or self.now < before.deadline
        if not in_time or (isinstance(event, Typed | Clicked) and event.by != self.book.owner):
            return
        match event:
            case Typed(by=by, text=text, ts=ts) if card and card.kind is CardKind.WARNING:
                if text == before.request.snapshot and float(ts) > self.book.answered:
                    self.book.shown, self.book.request = before.preview, before.request
                    self.book.typed_by, self.book.ran = by, self.cluster.ran
            case Typed(text="stop-and-restore") if card and card.kind is CardKind.STOP_CHOICE:
                self.book.stop = True
            case Clicked(button=button, number=number) if card and card.number == number:
                self._write_click(card.kind, button)
            case Clicked(button=Button.START_VM, number=number):
                result = before.cards[-1] if before.cards else None
                self.book.start |= before.phase.ended and result is not None and number > 0

    def _write_click(self, kind: CardKind, button: Button) -> None:
        match kind, button:
            case CardKind.CONFIRM, Button.CONFIRM if self.book.shown is not None:
                self.book.clicked_at, self.book.clicked_by = self.now, self.book.owner
                self.book.confirmations += 1
            case CardKind.STOP_CHOICE, Button.STOP_AND_RESTORE:
                self.book.stop = True
            case CardKind.FORCE_STOP, Button.FORCE_STOP_NOW:
                self.book.force = True
            case CardKind.DELETE_RESTORE, Button.DELETE_RESTORE_NOW:
                self.book.delete = True

    def _nobody_else_counts(self, before: Restore, event: Event) -> None:
        """What the owner does counts, and the answer of the person whom an offer was made to."""
        assert self.restore.owner == self.book.owner
        deed = isinstance(event, Typed | Clicked | Cancel | Offered) and event.by != before.owner
        if deed and not self._answers_an_offer(before, event):
            assert self.restore == workflow.expired(before, self.now)

    def _answers_an_offer(self, before: Restore, event: Event) -> bool:
        """The person that it was made to accepts or declines it, in time and on its card."""
        if not isinstance(event, Clicked) or event.button not in (Button.ACCEPT, Button.DECLINE):
            return False
        made = workflow.expired(before, self.now).offer
        card = next((card for card in before.cards if card.number == event.number), None)
        there = card is not None and card.kind is CardKind.OFFER and card.closed is None
        return there and made is not None and event.by == made.to

    def _write_down_the_owner(self, before: Restore, event: Event) -> None:
        """The new owner begins with an empty page, unless both confirmations are in."""
        match event:
            case TakenOver(by=by) if by != self.book.owner:
                if workflow.expired(before, self.now).closed:
                    return
            case Clicked(by=by, button=Button.ACCEPT) if self._answers_an_offer(before, event):
                pass
            case _:
                return
        self.book.owner = by
        self.book.answered = max(self.book.answered, self.now.timestamp())
        if self.book.clicked_at is None:
            self.book.shown = self.book.typed_by = None

    # --- What an effect must be able to show ------------------------------------------------------

    def _allowed(self, effect: Effect, observation: Observation | None) -> None:
        book = self.book
        assert observation is not None
        assert observation.forbidden is None
        if isinstance(effect, CreateRestore):
            self._create_allowed(effect, observation)
        elif isinstance(effect, StopVm):
            assert book.stop
            assert book.force or not effect.force
            assert self.restore.phase is Phase.STOPPING
            if self.restore.rules.stop_when is StopWhen.CONFIRMED:
                assert book.clicked_at is not None
        elif isinstance(effect, StartVm):
            assert book.start
            assert self.restore.phase.ended
        elif isinstance(effect, DeleteRestore):
            own = {made.uid for made in self.cluster.made}
            assert effect.uid in own
            assert book.delete or self.restore.blocker is not None

    def _create_allowed(self, effect: CreateRestore, observation: Observation) -> None:
        shown, request = self.book.shown, self.book.request
        assert shown is not None, "nobody typed the name"
        assert request is not None
        assert self.book.clicked_at is not None, "nobody pressed the button"
        assert self.book.typed_by == self.book.clicked_by, "one typed, another one clicked"
        confirmation = self.restore.confirmation
        assert confirmation is not None
        assert confirmation.by == self.book.clicked_by
        assert self.now - self.book.clicked_at < timedelta(hours=2)
        assert (effect.namespace, effect.vm, effect.snapshot) == (
            request.namespace,
            request.vm,
            request.snapshot,
        )
        assert observation.kind is ObservationKind.RECHECK
        assert observation.vmi is None
        assert observation.vm is not None
        assert observation.snapshot is not None
        assert (observation.vm.uid, observation.snapshot.uid) == (shown.vm_uid, shown.snapshot_uid)
        assert shown.vm_state is not None
        assert observation.vm.last_restore == shown.vm_state.last_restore, "it was restored since"
        if shown.vm_state.down_since is not None:
            assert self.cluster.ran == self.book.ran, "it ran since"
        assert observation.snapshot.ready
        assert observation.content is not None
        assert observation.content.vm_uid == observation.vm.uid
        assert all(each.complete for each in observation.restores), "another restore is unfinished"
        assert self.verdict.allowed
        assert self.restore.phase is Phase.RESTORING
        assert self.restore.job is not None
        assert self.restore.job.name == effect.name
        assert self.book.name in (None, effect.name), "the same create has the same name"
        self.book.name = effect.name
        mark = observation.vm.last_restore or ""
        assert not mark.startswith(f"{effect.name}-"), "it ran already"
        assert self.restore.protect == (self.restore.safety is not None)
        assert not self.book.seen, "it was there once and may not be made again"

    # --- People -----------------------------------------------------------------------------------

    def _person(self, who: int) -> UserId:
        """The owner, or somebody who is not."""
        others = [each for each in EVERYBODY if each != self.restore.owner]
        return (self.restore.owner, *others)[who]

    @rule(who=PEOPLE, text=WORDS, replayed=st.sampled_from((False, False, False, True)))
    def types(self, who: int, text: str, *, replayed: bool) -> None:
        """A reply, new or delivered again."""
        self._types(self._person(who), text, replayed=replayed)

    def _types(self, by: UserId, text: str, *, replayed: bool = False) -> None:
        if not replayed:
            self.now += timedelta(seconds=1)
            self.clock = int(self.now.timestamp())
        self.happens(Typed(by, text, f"{self.clock}.0"))

    @rule(who=PEOPLE, card=st.integers(0, 30), button=st.integers(0, 5), to=st.integers(0, 2))
    def clicks(self, who: int, card: int, button: int, to: int) -> None:
        """A button of any card that there ever was; messages stay in the thread."""
        old = self.restore.cards[card % len(self.restore.cards)]
        buttons = sorted(BUTTONS[old.kind]) or [Button.CONFIRM]
        pressed = buttons[button % len(buttons)]
        value = self._person(to) if pressed is Button.HAND_OVER else VM_NAME
        self.happens(Clicked(self._person(who), pressed, old.number, value))

    @rule(who=PEOPLE, button=st.sampled_from(Button), number=st.integers(0, 12))
    def clicks_on_the_wrong_card(self, who: int, button: Button, number: int) -> None:
        """Any button with any number."""
        self.happens(Clicked(self._person(who), button, number, VM_NAME))

    @rule(who=PEOPLE, to=st.integers(0, 2))
    def offers(self, who: int, to: int) -> None:
        """`handoff @user`."""
        self.happens(Offered(self._person(who), self._person(to)))

    @rule(to=st.integers(0, 2))
    def a_copy_of_the_offer_is_sent(self, to: int) -> None:
        """By a delivery that may come late."""
        self.happens(Copied(self._person(to), "D2"))

    @rule(who=PEOPLE, button=st.sampled_from((Button.ACCEPT, Button.DECLINE, Button.WITHDRAW)))
    def answers_an_offer(self, who: int, button: Button) -> None:
        """The person it was made to, or anybody else, on the newest one."""
        offers = [card for card in self.restore.cards if card.kind is CardKind.OFFER]
        if offers:
            made = self.restore.offer
            by = made.to if made is not None and who == 0 else self._person(who)
            self.happens(Clicked(by, button, offers[-1].number, "D2"))

    @rule(who=st.integers(0, 2), often=st.integers(0, 2))
    def takes_over(self, who: int, often: int) -> None:
        """Somebody on call claims it."""
        if often == 0:
            self.happens(TakenOver(self._person(who), dm="D2"))

    @rule()
    def goes_well(self) -> None:
        """Who is next does their part; a small step, so that accidents find every moment."""
        if self.effects:
            self.acts("done")
        elif self.restore.question is not None:
            self.does_what_is_asked()
        else:
            self.looks()
            self.cluster.advance()
        self.now += timedelta(seconds=1)

    @rule()
    def does_what_is_asked(self) -> None:
        """The owner answers the open question as somebody would who wants the restore."""
        card = self.restore.question
        if card is None:
            return
        if card.kind in NAMED:
            self._types(self.restore.owner, NAMED[card.kind])
        else:
            self.happens(Clicked(self.restore.owner, HELPFUL[card.kind], card.number))

    @rule()
    def presses_the_last_card(self) -> None:
        """Force, delete, start: the rarer buttons of the newest card."""
        card = self.restore.cards[-1]
        for button in (Button.FORCE_STOP, Button.DELETE_RESTORE, Button.START_VM):
            self.happens(Clicked(self.restore.owner, button, card.number))

    @precondition(lambda self: not self.restore.phase.ended)
    @rule(drastic=st.booleans())
    def takes_long(self, *, drastic: bool) -> None:
        """A stop or a restore is overdue, and the owner may use force, or delete it."""
        self.now += timedelta(seconds=601)
        self.looks()
        if drastic:
            self.presses_the_last_card()
            self.does_what_is_asked()
            self.looks()

    @precondition(lambda self: not self.restore.phase.ended)
    @rule(who=PEOPLE, often=st.integers(0, 3))
    def cancels(self, who: int, often: int) -> None:
        """`/vm-restore cancel`; seldom, since it ends the story."""
        if often == 0:
            self.happens(Cancel(self._person(who)))

    @rule(accident=ACCIDENTS)
    def meets_an_accident(self, accident: Accident) -> None:
        """Anew if it is over."""
        if self.restore.phase.ended:
            self._asks_anew()
        self._meets(accident)

    def _asks_anew(self) -> None:
        """The same request again, after everything was put right."""
        self.all_is_well()
        self.ended.append(self.restore)
        id_ = RestoreId(f"r{len(self.ended)}x")
        self.restore = asked(id_=id_, rules=self.restore.rules, now=self.now)
        self.effects, self.book, self.verdict = (), Book(), YES

    def _happens_now(self, what: str) -> None:
        match what:
            case "another name" | "other letters":
                text = "other" if what == "another name" else SNAPSHOT_NAME.title()
                self.types(0, text, replayed=False)
            case "somebody else's words":
                self.types(1, SNAPSHOT_NAME, replayed=False)
                click = Clicked(self._person(1), Button.CONFIRM, self.restore.cards[-1].number)
                self.happens(click)
            case "an old reply":
                self.types(0, SNAPSHOT_NAME, replayed=True)
            case "handed over" | "taken over" | "an offer and nothing more":
                self._passes_on(what)
            case "typed by one, confirmed by another":
                self._is_confirmed_by_two()
            case "old buttons":
                self._presses_old_buttons()
            case "no permission":
                self.verdict = NO
            case "a long pause":
                self.now += timedelta(seconds=601)
            case "nothing":
                pass
            case how:
                self.looks()
                self.acts(how)

    def _passes_on(self, what: str) -> None:
        """The other person wrote something before, which arrives once more after it."""
        taker = self._person(1)
        self._types(taker, SNAPSHOT_NAME)
        if what == "taken over":
            self.happens(TakenOver(taker, dm="D2"))
        else:
            self.happens(Offered(self.restore.owner, taker))
        if what == "handed over":
            self.answers_an_offer(0, Button.ACCEPT)
        self._types(taker, SNAPSHOT_NAME, replayed=True)

    def _is_confirmed_by_two(self) -> None:
        """One types the name; the other takes over and presses whatever has the button."""
        taker, giver = self._person(1), self.restore.owner
        self._types(giver, SNAPSHOT_NAME)
        self.happens(TakenOver(taker))
        for by in (taker, giver):
            for card in self.restore.cards:
                self.happens(Clicked(by, Button.CONFIRM, card.number))

    def _presses_old_buttons(self) -> None:
        """All that were pressed, or could have been, and those of the question with other numbers."""
        question = self.restore.question
        for card in self.restore.cards:
            if card.closed is not None:
                for button in sorted(BUTTONS[card.kind]):
                    self.happens(Clicked(self.restore.owner, button, card.number, VM_NAME))
            if question is not None and card.number != question.number:
                for button in sorted(BUTTONS[question.kind] - {Button.CANCEL}):
                    self.happens(Clicked(self.restore.owner, button, card.number, VM_NAME))

    @precondition(lambda self: self.restore.phase.ended)
    @rule(button=st.sampled_from((Button.START_OVER, Button.TRY_AGAIN, Button.OTHER_SNAPSHOT)))
    def goes_on(self, button: Button) -> None:
        """A click on the result opens the restore that follows."""
        result = next(c for c in reversed(self.restore.cards) if c.kind is CardKind.RESULT)
        click = Clicked(self.restore.owner, button, result.number)
        new = follow_up.successor(self.restore, click, self.restore.rules, self.now)
        if isinstance(new, Restore):
            assert new.owner == self.book.owner
            self.ended.append(self.restore)
            self.restore, self.effects, self.book = new, (), Book(owner=new.owner)

    # --- The bot ----------------------------------------------------------------------------------

    @rule()
    def looks(self) -> None:
        """One look, committed; its acts are still to come."""
        kind = workflow.wanted(self.restore)
        if kind is None:
            self.happens(Elapsed())
            return
        observation = self.cluster.ground.observation(kind, self.restore, self.now)
        verdict = workflow.ALLOWED if kind is ObservationKind.JOB else self.verdict
        self.happens(Observed(observation, verdict), observation)

    @rule(how=st.sampled_from(("done", "crash before", "crash after", "rejected", "twice")))
    def acts(self, how: str) -> None:
        """The acts of the last look, in every way they can go."""
        for effect in self.effects:
            self._creates_nothing_after_the_end(effect)
            if how == "crash before":
                continue
            result = REFUSED if how == "rejected" else self.cluster.perform(effect)
            if how == "twice":
                result = self.cluster.perform(effect)
            if how != "crash after":
                self.happens(Acted(effect, result))
        self.effects = ()

    def _creates_nothing_after_the_end(self, effect: Effect) -> None:
        if isinstance(effect, CreateRestore):
            ends = (Phase.CANCELLED, Phase.REFUSED, Phase.EXPIRED)
            assert self.restore.phase not in ends

    @precondition(lambda self: not self.restore.phase.ended)
    @rule()
    def misses(self) -> None:
        """The cluster does not answer."""
        self.happens(ObservationFailed("no answer"))

    @precondition(lambda self: not self.restore.phase.ended)
    @rule(seconds=WAITS)
    def waits(self, seconds: float) -> None:
        """Time passes; nobody looks."""
        self.now += timedelta(seconds=seconds)

    # --- The world --------------------------------------------------------------------------------

    @rule()
    def the_cluster_works(self) -> None:
        """Its controllers get one step further."""
        self.cluster.advance()

    @rule(what=st.sampled_from(sorted(DEEDS)))
    def somebody(self, what: str) -> None:
        """People with other tools."""
        DEEDS[what](self.cluster)

    @rule()
    def all_is_well(self) -> None:
        """Back to a cluster in which a restore can go through."""
        cluster = self.cluster
        cluster.ground = cluster.ground.but(
            vm=VM, vmi=None, restores=tuple(r for r in cluster.ground.restores if r.complete)
        )
        # The VM is as if it had never run: nothing of it could tell.
        cluster.ran = self.book.ran
        cluster.change_snapshot(uid="snapshot-1", ready=True)
        cluster.stubborn = False
        for made in cluster.made:
            made.deleted_by_others = True

    @precondition(lambda self: self.restore.phase is Phase.PROTECTING)
    @rule(live=st.booleans(), steps=st.integers(0, 12))
    def the_safety_snapshot_fails(self, steps: int, *, live: bool) -> None:
        """So everything is checked and asked again; somebody may have started the VM meanwhile."""
        for _ in range(2):
            self.looks()
            self.acts("done")
        self.cluster.fail_snapshots()
        self.looks()
        if live:
            self.cluster.start()
        for _ in range(steps):
            self.goes_well()

    @precondition(lambda self: not self.restore.phase.ended)
    @rule(allowed=st.sampled_from((True, True, False)))
    def the_policy_says(self, *, allowed: bool) -> None:
        """A grant is taken away, or comes back."""
        self.verdict = YES if allowed else NO

    @precondition(lambda self: not self.restore.phase.ended)
    @rule(
        event=st.sampled_from(
            (
                VmClaimedElsewhere(OTHER, "<#C1>", NOW),
                ChannelGone(ConversationLoss.UNWRITABLE, "gone", "D1"),
            )
        )
    )
    def the_thread_is_lost(self, event: Event) -> None:
        """The VM or the channel is somebody else's now; seldom, as above."""
        if self.clock % 5 == 0:
            self.happens(event)

    # --- What always holds ------------------------------------------------------------------------

    @invariant()
    def at_most_one_question_is_open_and_has_its_deadline(self) -> None:
        """And none after the end. At most one offer is open, and the document knows of it."""
        opened = [c for c in self.restore.cards if c.closed is None and c.kind in QUESTIONS]
        assert len(opened) <= 1
        offers = [c for c in self.restore.cards if c.closed is None and c.kind is CardKind.OFFER]
        assert len(offers) == (self.restore.offer is not None)
        copies = [copy.card for copy in self.restore.copies if copy.card.closed is None]
        assert copies in ([], offers)
        asks = bool(opened) and opened[0].kind not in PATIENT
        assert (self.restore.deadline is not None) == asks
        if self.restore.phase.ended:
            assert opened == []
            assert self.restore.outcome is not None

    @invariant()
    def something_is_always_due_while_it_lives(self) -> None:
        """Never at once when nothing moved; people are waited for only with a question."""
        restore = workflow.expired(self.restore, self.now)
        due = workflow.next_due(restore, self.now, moved=False)
        if not restore.phase.ended:
            assert due is not None
            assert due > self.now
        waiting = (Phase.STOP_CHOICE, Phase.TYPING, Phase.CONFIRMING)
        if restore.phase in waiting:
            assert restore.question is not None
            assert workflow.wanted(restore) is None

    @invariant()
    def a_confirmation_makes_one_object_at_most(self) -> None:
        """Unless others deleted it before the bot ever saw it."""
        lines = [*self.ended, self.restore]
        for each in lines:
            mine = [made for made in self.cluster.made if made.restore_id == each.id]
            kept = [made for made in mine if not made.deleted_by_others]
            assert len(kept) <= 1
        assert len([m for m in self._mine() if m.uid in self.book.seen]) <= 1
        if self._mine():
            assert self.book.confirmations >= 1

    def _mine(self) -> list[Any]:
        return [made for made in self.cluster.made if made.restore_id == self.restore.id]

    # --- Every path ends --------------------------------------------------------------------------

    def teardown(self) -> None:
        """From here on nobody does anything, and the bot looks when it is due, or a bit later."""
        for _ in range(2000):
            due = workflow.next_due(self.restore, self.now, moved=False)
            if due is None:
                break
            self.now = max(due, self.now + timedelta(seconds=25))
            self.looks()
            self.acts("done")
            self.at_most_one_question_is_open_and_has_its_deadline()
            self.a_confirmation_makes_one_object_at_most()
            if self._waits_for_the_cluster():
                return
        assert self.restore.phase.ended
        assert self.restore.closed
        assert workflow.next_due(self.restore, self.now, moved=False) is None

    def _waits_for_the_cluster(self) -> bool:
        """The restore is there, and the cluster has not finished it."""
        job = self.restore.job
        if self.restore.phase is not Phase.RESTORING or job is None or job.uid is None:
            return False
        there = [each for each in self.cluster.ground.restores if each.uid == job.uid]
        return any(not each.complete and each.failure is None for each in there)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=350, stateful_step_count=20)
