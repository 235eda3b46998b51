"""Turns of progress cards: each card now and then, one edit a second in each channel."""

from datetime import datetime, timedelta
from itertools import pairwise

from bot.playground.clock import START
from bot.slack.outbound.edit_throttle import MIN_PER_CARD, MIN_PER_CHANNEL, EditThrottle

CHANNEL, OTHER = "C1", "C2"


def after(seconds: float) -> datetime:
    """A moment."""
    return START + timedelta(seconds=seconds)


def test_the_first_edit_is_sent_at_once() -> None:
    assert EditThrottle().turn(CHANNEL, "a", START) == START


def test_one_card_waits_between_its_edits() -> None:
    pace = EditThrottle()
    pace.turn(CHANNEL, "a", START)
    assert pace.turn(CHANNEL, "a", after(1)) == START + MIN_PER_CARD
    assert pace.turn(CHANNEL, "a", START + MIN_PER_CARD) == START + MIN_PER_CARD


def test_cards_of_one_channel_take_turns_a_second_apart() -> None:
    """Each has a moment of its own, and nobody takes another one's."""
    pace = EditThrottle()
    turns = [pace.turn(CHANNEL, card, START) for card in "abcd"]
    assert turns == [START + number * MIN_PER_CHANNEL for number in range(4)]
    assert pace.turn(CHANNEL, "d", after(1)) == after(3)
    assert [pace.turn(CHANNEL, "b", after(1)), pace.turn(CHANNEL, "c", after(2))] == turns[1:3]


def test_channels_do_not_wait_for_each_other() -> None:
    pace = EditThrottle()
    assert pace.turn(CHANNEL, "a", START) == pace.turn(OTHER, "b", START) == START


def test_a_turn_that_was_missed_is_still_had() -> None:
    """A round that comes late may edit at once."""
    pace = EditThrottle()
    pace.turn(CHANNEL, "a", START)
    pace.turn(CHANNEL, "b", START)
    assert pace.turn(CHANNEL, "b", after(9)) <= after(9)


def test_fifty_cards_in_one_channel_never_make_two_edits_in_one_second() -> None:
    """All ask as often as they can, for two minutes; every one of them is heard."""
    pace, edits = EditThrottle(), []
    due = {f"card-{number}": START for number in range(50)}
    now = START
    while now < after(120):
        for card, when in due.items():
            if when <= now and (turn := pace.turn(CHANNEL, card, now)) <= now:
                edits.append((now, card))
            elif when <= now:
                due[card] = turn
        now += timedelta(seconds=0.25)
    moments = [moment for moment, _ in edits]
    assert all(b - a >= MIN_PER_CHANNEL for a, b in pairwise(moments))
    assert {card for _, card in edits} == set(due)
