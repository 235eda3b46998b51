"""Every phase with every event and every button: nothing raises, and what does not fit is no change."""

from datetime import datetime, timedelta

import pytest

from bot.restore import workflow
from bot.restore.events import (
    Acted,
    Anchored,
    Button,
    Cancel,
    ChannelGone,
    ChannelMoved,
    ClearVmi,
    Clicked,
    Continued,
    ConversationLoss,
    Copied,
    CreateRestore,
    CreateSnapshot,
    DeleteRestore,
    Done,
    Effect,
    Elapsed,
    Event,
    NamespaceFull,
    ObservationFailed,
    Observed,
    Offered,
    Reply,
    Result,
    StartVm,
    StopVm,
    TakenOver,
    Typed,
    VmClaimedElsewhere,
)
from bot.restore.model import Phase, Restore
from bot.restore.observation import ApiRejection, ObservationKind
from bot.restore.starts import start_is_due
from bot.restore.thread import QUESTIONS, CardKind
from bot.restore.user_events import BUTTONS
from tests.restore.ground import LIVE, NAMESPACE, NOW, SNAPSHOT_NAME, VM_NAME, WELL, Ground
from tests.restore.play import NO, OTHER, OWNER, STATES, YES

EFFECTS: tuple[Effect, ...] = (
    StopVm(NAMESPACE, VM_NAME),
    ClearVmi(NAMESPACE, VM_NAME, "another"),
    StartVm(NAMESPACE, VM_NAME),
    CreateSnapshot(NAMESPACE, VM_NAME, "other", (), ()),
    CreateRestore(NAMESPACE, VM_NAME, SNAPSHOT_NAME, "other", None, (), ()),
    DeleteRestore(NAMESPACE, "other", "uid"),
)
RESULTS: tuple[Result, ...] = (Done(), Done("uid"), ApiRejection(403, "Forbidden", "no"))
GROUNDS: tuple[Ground, ...] = (
    WELL,
    LIVE,
    WELL.but(vm=None),
    WELL.but(snapshots=()),
    WELL.but(content=None),
    WELL.but(kubevirt=False),
    WELL.but(forbidden=ApiRejection(403, "Forbidden", "cannot get")),
)
TEXTS = (
    "",
    " ",
    "yes",
    "cancel",
    SNAPSHOT_NAME,
    "other",
    "so what now?",
    "`x`",
    "\N{EM DASH}",
    "9" * 9000,
)


def events(restore: Restore) -> list[Event]:
    """Every kind of event, fitting or not."""
    numbers = {0, 999, *(card.number for card in restore.cards)}
    people = (OWNER, OTHER)
    return [
        *(
            Typed(by, text, "9999.1", plain)
            for by in people
            for text in TEXTS
            for plain in (True, False)
        ),
        *(Typed(OWNER, SNAPSHOT_NAME, ts) for ts in ("", "x.y", "9" * 5000, "1.1")),
        *(
            Clicked(by, b, n, v)
            for by in people
            for b in Button
            for n in numbers
            for v in (None, "x")
        ),
        *(Cancel(by) for by in people),
        *(Continued(by) for by in people),
        *(Offered(by, to) for by in people for to in people),
        *(TakenOver(by) for by in people),
        TakenOver(OTHER, dm="D0BOB"),
        *(Copied(to, "D0BOB", address) for to in people for address in (None, "https://x.test")),
        *(
            Observed(ground.observation(kind, restore), verdict)
            for ground in GROUNDS
            for kind in ObservationKind
            for verdict in (YES, NO)
        ),
        ObservationFailed("away"),
        Elapsed(),
        VmClaimedElsewhere(OTHER, "<#C0OPS>", NOW),
        NamespaceFull(1, ("db-1",)),
        Anchored("5.5"),
        ChannelGone(ConversationLoss.UNSEEN),
        ChannelGone(ConversationLoss.ARCHIVED, dm="D0ALICE"),
        ChannelMoved("C0OPS", "C0NEW"),
        ChannelMoved("C0ELSE", "C0NEW"),
        *(Acted(effect, result) for effect in EFFECTS for result in RESULTS),
    ]


@pytest.mark.parametrize("state", STATES)
def test_no_event_raises_in_any_state_and_the_document_stays_sound(state: str) -> None:
    played = STATES[state]()
    sound: Restore | None = None
    for wait in (0.0, 3600.0, 90000.0):
        now = played.now + timedelta(seconds=wait)
        for event in events(played.restore):
            after = workflow.step(played.restore, event, now).restore
            # Most events change nothing; what is equal is as sound as the one before.
            if after != sound:
                assert_sound(after, state, event)
                sound = after
            assert_due(after, now)
            if played.phase.ended:
                assert after.phase is played.phase, event


def assert_sound(restore: Restore, state: str, event: Event) -> None:
    """What holds of every document, whatever happened."""
    told = f"{event} in {state}"
    open_ = [c for c in restore.cards if c.closed is None]
    asked = [card for card in open_ if card.kind in QUESTIONS]
    numbers = [card.number for card in restore.cards]
    assert len(asked) <= 1, told
    assert numbers == sorted(set(numbers)), told
    assert (restore.deadline is not None) == any(
        card.kind not in (CardKind.OVERDUE, CardKind.DELETE_RESTORE) for card in asked
    ), told
    assert restore.phase.ended == (restore.outcome is not None), told
    offers = [card for card in open_ if card.kind is CardKind.OFFER]
    assert len(offers) == (restore.offer is not None), told
    copies = [copy.card for copy in restore.copies if copy.card.closed is None]
    assert copies in ([], offers), told
    if restore.phase.ended:
        assert {card.kind for card in open_} <= AFTERWARDS, told
    if restore.closed:
        assert offers == [], told
    Restore.model_validate_json(restore.model_dump_json())


AFTERWARDS = {
    CardKind.RESULT,
    CardKind.STARTED,
    CardKind.OFFER,
    CardKind.NOT_TAKEN,
    CardKind.HANDED,
}
"""What may stand open after the end."""


def assert_due(restore: Restore, now: datetime) -> None:
    """A live restore is always due some time, and never at once when nothing moved."""
    due = workflow.next_due(restore, now, moved=False)
    if not restore.phase.ended:
        assert due is not None
        assert due > now
        assert due <= now + workflow.AFTERCARE


@pytest.mark.parametrize("state", STATES)
def test_others_change_nothing_but_by_answering_an_offer(state: str) -> None:
    """Whether somebody may take a restore over is decided before the event is made."""
    played = STATES[state]()
    offers = {card.number: card for card in played.restore.cards if card.kind is CardKind.OFFER}
    for event in events(played.restore):
        if not isinstance(event, Typed | Clicked | Cancel | Offered) or event.by != OTHER:
            continue
        step = workflow.step(played.restore, event, played.now)
        offer = offers.get(event.number) if isinstance(event, Clicked) else None
        if isinstance(event, Clicked) and offer and event.button in BUTTONS[CardKind.OFFER]:
            counts = offer.closed is None and event.button is not Button.WITHDRAW
            assert (step.restore != played.restore) == counts, event
            assert (step.reply is None) == counts, event
            continue
        assert step.restore == played.restore, event
        assert step.reply is (None if isinstance(event, Typed) else Reply.NOT_YOURS)


@pytest.mark.parametrize("state", STATES)
def test_after_any_event_another_person_is_owner_only_by_accepting_or_taking_over(
    state: str,
) -> None:
    played = STATES[state]()
    for event in events(played.restore):
        after = workflow.step(played.restore, event, played.now).restore
        accepted = isinstance(event, Clicked) and event.button is Button.ACCEPT
        passed = isinstance(event, TakenOver) or accepted
        assert after.owner == OWNER or passed, event
        assert (len(after.handoffs) > len(played.restore.handoffs)) == (after.owner != OWNER)


@pytest.mark.parametrize("state", STATES)
def test_a_button_counts_only_on_an_open_card_that_carries_it(state: str) -> None:
    played = STATES[state]()
    cards = {card.number: card for card in played.restore.cards}
    vain = Reply.ENDED if played.phase.ended else Reply.OLD_CARD
    for event in events(played.restore):
        if not isinstance(event, Clicked) or event.by != OWNER:
            continue
        card = cards.get(event.number)
        carried = card is not None and event.button in BUTTONS[card.kind]
        if card is None or card.closed is not None or not carried:
            step = workflow.step(played.restore, event, played.now)
            assert step.restore == played.restore, event
            offer = card is not None and card.kind is CardKind.OFFER and carried
            assert step.reply is (Reply.OFFER_OVER if offer else vain), event


@pytest.mark.parametrize("state", STATES)
def test_answers_to_acts_of_others_change_nothing(state: str) -> None:
    """An answer that names an object which is not this document's is not about it."""
    played = STATES[state]()
    for effect in EFFECTS[1:]:
        for result in RESULTS:
            if isinstance(effect, StartVm) and start_is_due(played.restore):
                continue
            step = workflow.step(played.restore, Acted(effect, result), played.now)
            assert step.restore == played.restore, (effect, result)


@pytest.mark.parametrize("state", STATES)
def test_effects_come_only_from_looks(state: str) -> None:
    played = STATES[state]()
    for event in events(played.restore):
        if not isinstance(event, Observed):
            assert workflow.step(played.restore, event, played.now).effects == ()


@pytest.mark.parametrize("state", STATES)
def test_a_look_of_another_kind_than_wanted_creates_nothing(state: str) -> None:
    """Nothing that was not read is taken for absent, not even by mistake."""
    played = STATES[state]()
    wanted = workflow.wanted(played.restore)
    for kind in ObservationKind:
        if kind is wanted:
            continue
        for ground in (WELL, LIVE):
            seen = Observed(ground.observation(kind, played.restore), YES)
            step = workflow.step(played.restore, seen, played.now)
            assert step.restore == played.restore, kind
            assert step.effects == (), kind


def test_the_states_cover_every_phase_and_every_kind_of_card() -> None:
    reached = [make() for make in STATES.values()]
    assert {play.phase for play in reached} == set(Phase)
    slots = {card.kind for play in reached for card in play.restore.cards}
    assert slots | {CardKind.ASK_NAMESPACE, CardKind.ASK_SNAPSHOT, CardKind.STARTED} == set(
        CardKind
    )
