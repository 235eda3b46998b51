"""Buckets of requests: how many come through, and when again."""

from datetime import timedelta

import pytest

from bot.playground.clock import START
from bot.slack.inbound import throttle
from bot.slack.inbound.throttle import Buckets


def taken(buckets: Buckets, *seconds: float, key: str = "U1") -> list[bool]:
    """Which of the requests at these seconds come through."""
    return [buckets.take(key, START + timedelta(seconds=each)) for each in seconds]


def test_a_bucket_is_filled_evenly_and_one_found_empty_is_closed_for_a_minute() -> None:
    buckets = Buckets(3)
    assert taken(buckets, 0, 0, 0, 20) == [True] * 4
    assert taken(buckets, 21, 22, 80) == [False] * 3
    assert taken(buckets, 0, key="U2") == [True]
    assert taken(buckets, 81, 81, 81, 81) == [True, True, True, False]


def test_without_a_size_all_come_through() -> None:
    assert all(taken(Buckets(0), *[0] * 99))


def test_who_rests_is_forgotten_and_who_asks_too_often_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(throttle, "MAX_KNOWN", 2)
    buckets = Buckets(1)
    assert taken(buckets, 0, 1) == [True, False]
    assert taken(buckets, 1, key="U2") == [True]
    for number in range(3, 9):
        taken(buckets, 61, key=f"U{number}")
    assert taken(buckets, 60.5) == [False]
    assert len(buckets._known) <= 7
