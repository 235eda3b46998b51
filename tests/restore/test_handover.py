"""From one person to another: offers, handovers and takeovers, in every phase."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.restore import follow_up, starts, user_events, workflow
from bot.restore.effects import CONFIRMED_BY, REQUESTED_BY
from bot.restore.events import (
    Button,
    ChannelMoved,
    Clicked,
    Continued,
    Copied,
    CreateRestore,
    NotDone,
    Offered,
    Reply,
    TakenOver,
    Typed,
)
from bot.restore.model import Confirmation, Handoff, How, Offer, Phase, Restore
from bot.restore.reasons import Reason
from bot.restore.thread import CardKind, ThreadRef, UserId
from tests.restore import play as p
from tests.restore.ground import SNAPSHOT_NAME, WELL
from tests.restore.play import CONFIRMED, NO, OTHER, OWNER, STATES, Play

THIRD = UserId("U0CAROL")


def handed(played: Play) -> Play:
    """Offered a second ago, and accepted now."""
    return played.offers().wait().accepts()


def taken(played: Play) -> Play:
    """Somebody on call has claimed it."""
    return played.wait().takes_over()


Way = Callable[[Play], Play]
WAYS = [pytest.param(handed, id="handed over"), pytest.param(taken, id="taken over")]
FIRST = {
    name: make
    for name, make in STATES.items()
    if not make().restore.handoffs and make().restore.offer is None
}
"""Every state in which the restore was never offered, and is still with the person who asked."""
LIVE_STATES = [name for name, make in FIRST.items() if not make().phase.ended]
ENDED_STATES = [name for name, make in FIRST.items() if make().phase.ended]


# --- Offers ---------------------------------------------------------------------------------------


def test_an_offer_stands_on_a_card_and_says_until_when() -> None:
    played = p.typing().clicks(Button.HAND_OVER, value=OTHER)
    until = played.now + timedelta(seconds=900)
    assert played.restore.offer == Offer(to=OTHER, by=OWNER, at=played.now, until=until)
    assert played.last(CardKind.OFFER).closed is None
    assert played.reply is None
    assert (played.audit[-1].kind, played.audit[-1].by) == ("offered", OWNER)
    assert played.audit[-1].detail == f"to {OTHER}"


@pytest.mark.parametrize("state", LIVE_STATES)
def test_an_offer_changes_nothing_else(state: str) -> None:
    """The owner's own question, its deadline and what runs stay as they are."""
    before = FIRST[state]().restore
    after = Play(before).offers().restore
    told = {"cards": before.cards, "offer": None}
    assert after.model_copy(update=told) == before
    assert after.cards[:-1] == before.cards
    assert workflow.wanted(after) is workflow.wanted(before)


def test_the_owner_goes_on_while_the_offer_is_open() -> None:
    played = p.typing().offers().types(SNAPSHOT_NAME).clicks(Button.CONFIRM)
    assert played.phase is Phase.RESTORING
    assert played.restore.offer is not None


@pytest.mark.parametrize(
    ("to", "reply"),
    [
        pytest.param(OWNER, Reply.ALREADY_YOURS, id="to oneself"),
        pytest.param(None, Reply.NOBODY_CHOSEN, id="to nobody"),
        pytest.param("", Reply.NOBODY_CHOSEN, id="to an empty name"),
    ],
)
def test_what_is_no_offer(to: str | None, reply: Reply) -> None:
    played = p.typing()
    before = played.restore
    assert played.clicks(Button.HAND_OVER, value=to).reply is reply
    assert played.restore == before


def test_the_same_offer_twice_is_one() -> None:
    played = p.typing().offers()
    before = played.restore
    assert played.offers().reply is Reply.ALREADY_OFFERED
    assert played.restore == before


def test_a_new_offer_takes_the_place_of_the_old() -> None:
    played = p.typing().offers()
    old = played.last(CardKind.OFFER)
    played.offers(THIRD)
    assert played.restore.offer is not None
    assert played.restore.offer.to == THIRD
    assert played.restore.cards[old.number - 1].closed == f"Offered to <@{THIRD}> instead"
    assert [entry.kind for entry in played.audit[-2:]] == ["withdrawn", "offered"]
    assert played.clicks(Button.ACCEPT, OTHER, number=old.number).reply is Reply.OFFER_OVER
    assert played.restore.owner == OWNER


@pytest.mark.parametrize("button", [Button.ACCEPT, Button.DECLINE])
@pytest.mark.parametrize("by", [OWNER, THIRD])
def test_only_the_person_it_was_made_to_answers_an_offer(button: Button, by: UserId) -> None:
    played = p.typing().offers()
    before = played.restore
    assert played.clicks(button, by).reply is Reply.NOT_OFFERED_TO_YOU
    assert played.restore == before


@pytest.mark.parametrize("by", [OTHER, THIRD])
def test_only_the_owner_offers_and_withdraws(by: UserId) -> None:
    played = p.typing()
    before = played.restore
    assert played.event(Offered(by, THIRD)).reply is Reply.NOT_YOURS
    assert played.clicks(Button.HAND_OVER, by, value=THIRD).reply is Reply.NOT_YOURS
    assert played.restore == before
    before = played.offers().restore
    assert played.clicks(Button.WITHDRAW, by).reply is Reply.NOT_YOURS
    assert played.restore == before


def test_an_offer_that_was_withdrawn_cannot_be_accepted() -> None:
    played = p.typing().offers().clicks(Button.WITHDRAW)
    assert played.restore.offer is None
    assert played.last(CardKind.OFFER).closed == f"Withdrawn by <@{OWNER}>"
    assert played.audit[-1].kind == "withdrawn"
    assert played.clicks(Button.ACCEPT, OTHER).reply is Reply.OFFER_OVER
    assert played.restore.owner == OWNER


def test_an_open_offer_is_copied_once_to_the_person_it_was_made_to() -> None:
    played = p.typing().offers()
    card = played.last(CardKind.OFFER)
    played.event(Copied(OTHER, "D0BOB", "https://x.test"))
    (copy,) = played.restore.copies
    assert (copy.card, copy.channel, copy.address) == (card, "D0BOB", "https://x.test")
    before = played.restore
    assert played.event(Copied(OTHER, "D0BOB")).restore == before


# an offer -> a copy of it for this person changes nothing
NO_COPY: dict[str, tuple[Callable[[], Play], UserId]] = {
    "nothing is offered": (p.typing, OTHER),
    "it was offered to somebody else": (lambda: p.typing().offers(), THIRD),
    "it is offered to somebody else by now": (lambda: p.typing().offers().offers(THIRD), OTHER),
    "it was declined": (lambda: p.typing().offers().clicks(Button.DECLINE, OTHER), OTHER),
    "it was accepted": (lambda: p.typing().offers().accepts(), OTHER),
    "to its owner": (lambda: p.typing().offers(), OWNER),
}


@pytest.mark.parametrize("case", NO_COPY)
def test_nobody_else_gets_a_copy_of_an_offer(case: str) -> None:
    make, to = NO_COPY[case]
    played = make()
    before = played.restore
    assert played.event(Copied(to, "D0BOB")).restore == before


def test_the_owner_gets_news_of_an_offer_that_was_declined() -> None:
    """The card of the offer is only edited, and edits notify nobody."""
    played = p.typing().offers().clicks(Button.DECLINE, OTHER)
    assert played.last(CardKind.OFFER).closed == f"Declined by <@{OTHER}>"
    assert played.last(CardKind.NOT_TAKEN).closed is None
    assert (played.audit[-1].kind, played.audit[-1].by) == ("declined", OTHER)
    assert played.question is CardKind.WARNING
    assert played.types(SNAPSHOT_NAME).phase is Phase.CONFIRMING


def test_news_are_old_when_there_are_newer_ones() -> None:
    played = p.typing().offers().clicks(Button.DECLINE, OTHER)
    played.offers(THIRD).accepts(THIRD)
    assert played.last(CardKind.NOT_TAKEN).closed == f"Accepted by <@{THIRD}>"
    played.offers().accepts()
    first, second = (card for card in played.restore.cards if card.kind is CardKind.HANDED)
    assert first.closed == f"Accepted by <@{OTHER}>"
    assert second.closed is None


def test_an_offer_has_its_own_limit_which_ends_nothing_else() -> None:
    played = p.restoring().offers().wait(899).looks()
    assert played.restore.offer is not None
    played.wait(1).looks()
    assert played.restore.offer is None
    assert played.phase is Phase.RESTORING
    assert played.last(CardKind.OFFER).closed == f"Not accepted by <@{OTHER}> in time"
    assert played.last(CardKind.NOT_TAKEN).closed is None
    assert (played.audit[-1].kind, played.audit[-1].by) == ("offer-expired", "")


def test_a_late_accept_is_late_even_if_no_timer_ran() -> None:
    played = p.restoring().offers().wait(900).accepts()
    assert played.reply is Reply.OFFER_OVER
    assert played.restore.owner == OWNER
    assert played.restore.offer is None


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: p.play().offers().wait(60).looks(), id="a question expires later"),
        pytest.param(lambda: p.succeeded().offers(), id="only the last buttons are left"),
    ],
)
def test_an_offer_is_due_when_it_lapses(make: Callable[[], Play]) -> None:
    played = make()
    assert played.restore.offer is not None
    assert workflow.wanted(played.restore) is None
    assert played.due == played.restore.offer.until
    played.now = played.restore.offer.until
    assert played.looks().last(CardKind.NOT_TAKEN).closed is None
    assert not played.restore.closed


@pytest.mark.parametrize("end", [Play.cancels, lambda it: it.wait(900).looks()])
def test_the_end_takes_the_offer_along(end: Callable[[Play], Play]) -> None:
    played = p.typing().offers()
    end(played)
    assert played.phase.ended
    assert played.restore.offer is None
    assert played.last(CardKind.OFFER).closed is not None
    assert played.clicks(Button.ACCEPT, OTHER).reply is Reply.OFFER_OVER
    assert all(card.kind is not CardKind.NOT_TAKEN for card in played.restore.cards)


# --- A new owner ----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", FIRST)
def test_the_restore_is_the_takers_in_every_phase(state: str, way: Way) -> None:
    played = way(FIRST[state]())
    how: How = "accepted" if way is handed else "taken"
    change = Handoff(at=played.now, giver=OWNER, taker=OTHER, how=how)
    assert played.restore.owner == OTHER
    assert played.restore.handoffs == (change,)
    assert played.restore.requester == OWNER
    assert played.restore.offer is None
    assert played.last(CardKind.HANDED).closed is None
    lines = [entry for entry in played.audit if entry.kind in ("handed-over", "taken-over")]
    assert [(entry.by, entry.detail) for entry in lines] == [(OTHER, f"from {OWNER}")]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", FIRST)
def test_every_card_that_waits_for_the_new_owner_is_a_new_one(state: str, way: Way) -> None:
    """So that it notifies them, and so that no click meant for the owner before counts."""
    played = way(FIRST[state]())
    begun = played.last(CardKind.HANDED).number
    waiting = [
        card
        for card in played.restore.cards
        if card.closed is None
        and user_events.BUTTONS[card.kind]
        - {Button.CANCEL, Button.HAND_OVER, Button.WHY, Button.SUMMARY}
    ]
    assert all(card.number > begun for card in waiting)
    assert played.restore.question is None
    assert played.restore.deadline is None
    before = played.restore
    for card in before.cards:
        if card.number < begun and card.closed is not None:
            for button in user_events.BUTTONS[card.kind]:
                played.event(Clicked(OTHER, button, card.number, THIRD))
                assert played.restore == before, (card, button)


ASKED_AGAIN: dict[str, tuple[Callable[[], Play], CardKind]] = {
    "gathering": (lambda: p.gathering().looks(), CardKind.ASK_VM),
    "stop choice": (p.stop_choice, CardKind.STOP_CHOICE),
    "stop overdue": (p.stop_overdue, CardKind.STOP_OVERDUE),
    "force stop": (lambda: p.stop_overdue().clicks(Button.FORCE_STOP), CardKind.STOP_OVERDUE),
    "confirmed stop overdue": (
        lambda: p.stop_overdue(CONFIRMED),
        CardKind.STOP_OVERDUE,
    ),
    "typing": (p.typing, CardKind.WARNING),
    "typing, stopped by us": (p.stopped, CardKind.WARNING),
    "confirming": (p.confirming, CardKind.WARNING),
    "overdue": (p.overdue, CardKind.OVERDUE),
    "delete asked": (lambda: p.overdue().clicks(Button.DELETE_RESTORE), CardKind.OVERDUE),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", ASKED_AGAIN)
def test_what_was_asked_is_asked_anew(case: str, way: Way) -> None:
    make, kind = ASKED_AGAIN[case]
    played = way(make())
    begun = played.last(CardKind.HANDED).number
    played.looks()
    assert played.question is kind
    assert played.last(kind).number > begun
    assert played.last(kind).opened_at == played.now


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", ["typing", "confirming", "stop choice"])
def test_what_one_typed_the_other_cannot_confirm(state: str, way: Way) -> None:
    played = way(FIRST[state]())
    assert played.phase is Phase.CHECKING
    assert played.restore.typed is None
    played.ground = WELL
    confirm = p.confirming().last(CardKind.CONFIRM).number
    for number in range(confirm + 5):
        assert played.clicks(Button.CONFIRM, OTHER, number=number).restore.confirmation is None
    played.looks()
    assert played.question is CardKind.WARNING
    played.types(SNAPSHOT_NAME, OTHER).clicks(Button.CONFIRM, OTHER)
    assert isinstance(played.looks().effect, CreateRestore)
    assert played.restore.typed is not None
    assert played.restore.confirmation is not None
    assert played.restore.typed.by == played.restore.confirmation.by == OTHER


@pytest.mark.parametrize("way", WAYS)
def test_the_owner_before_has_no_say_any_more(way: Way) -> None:
    played = way(p.typing()).looks()
    before = played.restore
    assert played.types(SNAPSHOT_NAME).restore == before
    assert played.clicks(Button.CANCEL).reply is Reply.NOT_YOURS
    assert played.cancels().reply is Reply.NOT_YOURS
    assert played.restore == before


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", LIVE_STATES)
def test_nothing_that_was_typed_before_counts_for_the_new_owner(state: str, way: Way) -> None:
    """Even if it is delivered late, or when the same question is open again."""
    played = FIRST[state]()
    way(played)
    early = f"{int(played.since.partition('.')[0]) - 1}.000100"
    for _ in range(2):
        before = played.restore
        for text in (SNAPSHOT_NAME, "stop-and-restore", "cancel", "database-01"):
            assert played.event(Typed(OTHER, text, early)).restore == before, text
        played.looks()


@pytest.mark.parametrize("way", WAYS)
def test_a_reply_after_the_handover_counts_by_slacks_clock(way: Way) -> None:
    """However far that is from our clock."""
    played = way(p.typing()).looks()
    assert played.question is CardKind.WARNING
    after = f"{int(played.since.partition('.')[0])}.000100"
    assert played.event(Typed(OTHER, SNAPSHOT_NAME, after)).restore.phase is Phase.CONFIRMING


def test_what_was_heard_stays_heard() -> None:
    """Given away and back within moments: no reply that was taken may be taken once more."""
    played = p.typing()
    heard = f"{int(played.since.partition('.')[0]) + 30}.000100"
    spoken = played.restore.model_copy(update={"heard_ts": heard})
    after = workflow.step(spoken, TakenOver(by=OTHER, since=played.since), played.now).restore
    assert after.owner == OTHER
    assert after.heard_ts == heard


def test_a_stop_that_was_sent_is_remembered_for_the_next_end() -> None:
    played = taken(p.stopped()).looks()
    assert played.restore.stopped_by_us
    played.cancels(OTHER)
    assert starts.start_is_offered(played.restore)


def test_a_stop_that_was_only_agreed_to_is_asked_for_again() -> None:
    agreed = p.stop_choice(CONFIRMED).clicks(Button.STOP_AND_RESTORE)
    assert agreed.restore.stop is not None
    played = taken(agreed)
    assert played.restore.stop is None
    assert played.looks().question is CardKind.STOP_CHOICE


def test_a_stop_under_way_goes_on_and_the_new_owner_is_warned_before_anything_else() -> None:
    played = taken(p.stopping().looks())
    assert played.phase is Phase.STOPPING
    played.ground = WELL
    played.looks().looks()
    assert played.question is CardKind.WARNING
    assert played.restore.confirmation is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "make",
    [
        p.confirmed,
        p.protecting,
        lambda: p.decided().acted(NotDone()),
        lambda: p.stopping(CONFIRMED),
    ],
)
def test_what_was_confirmed_is_carried_out_in_the_name_of_who_confirmed(
    make: Callable[[], Play], way: Way
) -> None:
    played = way(make())
    assert workflow.acts_for(played.restore) == (OTHER, OWNER)
    played.ground = WELL
    created: CreateRestore | None = None
    for _ in range(12):
        played.looks()
        for effect in played.effects:
            if isinstance(effect, CreateRestore):
                created = effect
                break
            played.created().safety_becomes(phase="Succeeded", ready=True, included=("root",))
        if created:
            break
    assert created is not None
    assert dict(created.annotations)[REQUESTED_BY] == OWNER
    assert dict(created.annotations)[CONFIRMED_BY] == OWNER


def test_who_asked_and_who_confirmed_are_told_apart() -> None:
    played = taken(p.typing()).looks().types(SNAPSHOT_NAME, OTHER).clicks(Button.CONFIRM, OTHER)
    effect = played.looks().effect
    assert isinstance(effect, CreateRestore)
    assert dict(effect.annotations)[REQUESTED_BY] == OWNER
    assert dict(effect.annotations)[CONFIRMED_BY] == OTHER
    assert workflow.acts_for(played.restore) == (OTHER,)


def test_a_name_by_one_and_a_click_by_another_create_nothing() -> None:
    """However such a document came to be."""
    played = p.confirming()
    typed = played.restore.typed
    assert typed is not None
    foreign = typed.model_copy(update={"by": OTHER})
    spoilt = Play(played.restore.model_copy(update={"typed": foreign}), played.now)
    assert spoilt.clicks(Button.CONFIRM).reply is Reply.OLD_CARD
    assert spoilt.phase is Phase.CONFIRMING
    sure = p.confirmed()
    click = Confirmation(by=OTHER, at=sure.now, number=1)
    sure.restore = sure.restore.model_copy(update={"confirmation": click})
    assert sure.looks().effects == ()
    assert sure.reason is Reason.CREATE_REFUSED


def test_a_failed_safety_snapshot_is_the_new_owners_to_confirm() -> None:
    played = taken(p.snapshotting()).safety_becomes(phase="Failed").looks()
    assert played.phase is Phase.CHECKING
    assert played.looks().question is CardKind.WARNING
    assert played.types(SNAPSHOT_NAME).phase is Phase.TYPING
    assert played.types(SNAPSHOT_NAME, OTHER).phase is Phase.CONFIRMING


def test_a_safety_snapshot_stays_chosen_and_the_default_comes_back() -> None:
    assert taken(p.typing().clicks(Button.PROTECT_ON)).restore.protect
    careful = p.RULES.model_copy(update={"protect_by_default": True})
    assert taken(p.typing(careful).clicks(Button.PROTECT_OFF)).restore.protect


def test_a_no_of_the_policy_ends_it_for_the_new_owner_too() -> None:
    assert taken(p.typing()).looks(NO).phase is Phase.REFUSED


def test_taking_over_what_one_has_is_no_change() -> None:
    played = p.typing()
    before = played.restore
    assert played.takes_over(OWNER).reply is Reply.ALREADY_YOURS
    assert played.restore == before


def test_a_takeover_ends_an_offer_to_somebody_else() -> None:
    played = p.typing().offers(THIRD)
    taken(played)
    assert played.restore.offer is None
    assert played.last(CardKind.OFFER).closed == f"Taken over by <@{OTHER}>"
    assert played.clicks(Button.ACCEPT, THIRD).reply is Reply.OFFER_OVER
    assert played.restore.owner == OTHER


def test_it_may_be_handed_on_and_back() -> None:
    played = handed(p.typing()).offers(THIRD).accepts(THIRD)
    played.offers(OWNER).accepts(OWNER)
    assert played.restore.owner == OWNER
    assert played.restore.requester == OWNER
    assert [each.taker for each in played.restore.handoffs] == [OTHER, THIRD, OWNER]
    played.looks().types(SNAPSHOT_NAME).clicks(Button.CONFIRM)
    assert isinstance(played.looks().effect, CreateRestore)


# --- Direct messages and channels -----------------------------------------------------------------

DIRECT = ThreadRef(team="T0TEAM", channel="D0ALICE", thread="1.1", own_thread=True)


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(lambda it: it.offers().accepts(dm="D0BOB"), id="handed over"),
        pytest.param(lambda it: it.takes_over(dm="D0BOB"), id="taken over"),
    ],
)
def test_what_lives_in_a_direct_message_goes_on_in_one_with_the_new_owner(way: Way) -> None:
    thread_ref = way(p.typing(thread_ref=DIRECT)).restore.thread_ref
    assert (thread_ref.channel, thread_ref.thread, thread_ref.own_thread) == ("D0BOB", None, True)
    assert way(p.typing()).restore.thread_ref == p.typing().restore.thread_ref


@pytest.mark.parametrize("state", FIRST)
def test_its_cards_are_all_new_ones_there(state: str) -> None:
    """Where the cards before stand is a place that the new owner cannot see."""
    played = FIRST[state]()
    played.restore = played.restore.model_copy(update={"thread_ref": DIRECT})
    before = played.restore
    after = taken_directly(played).restore
    assert after.cards[0].kind is CardKind.REQUEST
    assert after.cards[0].closed == before.cards[0].closed
    assert min(card.number for card in after.cards) > before.cards[-1].number
    told = {CardKind.STOPPING, CardKind.PROTECTING, CardKind.PROGRESS}
    assert [c.kind for c in after.cards if c.kind in told] == [
        c.kind for c in before.cards if c.kind in told and c.closed is None
    ]
    for card in before.cards:
        for button in user_events.BUTTONS[card.kind]:
            assert played.clicks(button, OTHER, number=card.number).restore == after


def test_it_goes_on_there_to_the_end() -> None:
    played = taken_directly(p.typing(thread_ref=DIRECT)).looks()
    played.types(SNAPSHOT_NAME, OTHER).clicks(Button.CONFIRM, OTHER).looks().created()
    assert played.job_becomes(complete=True).looks().phase is Phase.SUCCEEDED


def taken_directly(played: Play) -> Play:
    """Taken over by somebody whom the bot can write to."""
    return played.wait().takes_over(dm="D0BOB")


@pytest.mark.parametrize("state", FIRST)
def test_a_channel_that_got_another_id_changes_nothing_else(state: str) -> None:
    played = FIRST[state]()
    before = played.restore
    assert played.event(ChannelMoved("C0ELSE", "C0NEW")).restore == before
    after = played.event(ChannelMoved("C0OPS", "C0NEW")).restore
    assert after.thread_ref.channel == "C0NEW"
    back = before.thread_ref.model_copy(update={"channel": "C0NEW"})
    assert after == before.model_copy(update={"thread_ref": back})


def test_what_is_closed_keeps_its_channel() -> None:
    played = p.cancelled().event(Continued(OWNER))
    before = played.restore
    assert played.event(ChannelMoved("C0OPS", "C0NEW")).restore == before


# --- After the end --------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", ENDED_STATES)
def test_the_buttons_after_the_end_are_the_new_owners(state: str, way: Way) -> None:
    played = FIRST[state]()
    old, phase = played.last(CardKind.RESULT), played.phase
    way(played)
    assert played.phase is phase
    assert played.restore.cards[old.number - 1].closed == "Handed over"
    assert played.last(CardKind.RESULT).closed is None
    assert played.clicks(Button.START_VM, OTHER, number=old.number).reply is Reply.OLD_CARD
    assert played.due is not None


def test_the_new_owner_starts_the_vm_and_tries_again() -> None:
    assert taken(p.succeeded()).clicks(Button.START_VM).reply is Reply.NOT_YOURS
    assert taken(p.succeeded()).clicks(Button.START_VM, OTHER).restore.start is not None
    played = taken(p.failed())
    result = played.last(CardKind.RESULT).number
    assert follow(played, OWNER, result) is Reply.NOT_YOURS
    assert follow(played, OTHER, 1) is Reply.ENDED
    old = next(card.number for card in played.restore.cards if card.kind is CardKind.RESULT)
    assert follow(played, OTHER, old) is Reply.OLD_CARD
    new = follow(played, OTHER, result)
    assert isinstance(new, Restore)
    assert new.owner == new.requester == OTHER
    assert new.handoffs == ()
    assert new.blocker is not None


def follow(played: Play, by: UserId, number: int) -> Restore | Reply:
    """Try again."""
    click = Clicked(by, Button.TRY_AGAIN, number)
    return follow_up.successor(played.restore, click, p.RULES, played.now)


def test_a_start_that_was_asked_for_before_is_done_in_the_name_of_who_asked() -> None:
    played = taken(p.succeeded().clicks(Button.START_VM))
    assert workflow.acts_for(played.restore) == (OTHER, OWNER)
    played.looks().acted()
    assert workflow.acts_for(played.restore) == (OTHER,)


@pytest.mark.parametrize("state", ENDED_STATES)
def test_what_is_over_for_good_is_nobodys_to_give(state: str) -> None:
    played = FIRST[state]().wait(90000).looks()
    before = played.restore
    assert before.closed
    assert played.offers().reply is Reply.ENDED
    assert played.takes_over().reply is Reply.ENDED
    assert played.restore == before


@pytest.mark.parametrize(
    "close", [lambda it: it.event(Continued(OWNER)), lambda it: it.wait(60).looks()]
)
def test_an_offer_does_not_outlive_the_buttons(close: Callable[[Play], Play]) -> None:
    played = p.cancelled()
    played.wait(workflow.AFTERCARE.total_seconds() - 30).offers()
    close(played)
    assert played.restore.closed
    assert played.restore.offer is None
    assert played.last(CardKind.OFFER).closed == "No longer offered"
    assert played.clicks(Button.ACCEPT, OTHER).reply is Reply.OFFER_OVER
    assert played.due is None
