"""Leases and due times are by the time of Redis, whatever the machines of the replicas say."""

from datetime import timedelta

import pytest

from bot.clock import Clock, SharedClock
from bot.playground.clock import WrongClock
from bot.store import Store
from bot.store.connection import Client

FAR = (-86400.0, 86400.0)
SOON = timedelta(minutes=1)


@pytest.mark.parametrize("ahead", FAR)
async def test_nobody_takes_a_lease_that_stands(client: Client, team: str, ahead: float) -> None:
    """The other replica has not even asked Redis for the time yet."""
    mine = Store(client, team, Clock())
    theirs = Store(client, team, WrongClock(Clock(), ahead))
    lease = await mine.queue.enqueue_delivery("key", "command", {})
    assert lease is not None
    assert (await theirs.queue.lease(5))[0] == []
    assert await mine.queue.renew(lease) is not None
    assert await mine.queue.complete_delivery(lease)


@pytest.mark.parametrize("ahead", FAR)
async def test_what_is_due_now_is_due_for_everybody(
    client: Client, team: str, ahead: float
) -> None:
    mine, clock = Store(client, team, Clock()), SharedClock(WrongClock(Clock(), ahead))
    theirs = Store(client, team, clock)
    await theirs.queue.learn_the_time()
    assert abs(clock.now() - Clock().now()) < SOON
    await theirs.tasks.schedule("home:U1", {}, due=clock.now() - timedelta(seconds=1))
    (leased,), _ = await mine.queue.lease(5)
    assert leased.lease.id == "task:home:U1"
    await mine.tasks.delete("home:U1")


async def test_a_queue_tells_when_to_come_back_by_the_clock_of_who_asks(
    client: Client, team: str
) -> None:
    """Not by that of Redis: a clock that is ahead would ask without a pause until they meet."""
    clock = WrongClock(Clock(), 3600)
    store = Store(client, team, clock)
    await store.tasks.schedule("home:U1", {}, due=Clock().now() + SOON)
    _, following = await store.queue.lease(5)
    assert following is not None
    assert following > clock.now()
    await store.tasks.delete("home:U1")
