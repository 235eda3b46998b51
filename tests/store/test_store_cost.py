"""What the store costs: commands and bytes."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.playground.clock import HandClock
from bot.restore.target import VmRef
from bot.store import Store, connect
from bot.store.connection import Client
from bot.store.documents import dump
from bot.store.keys import Keys
from bot.store.records import Committed, PostedCard
from tests.store.samples import changed, ended, restore, said, typical

BUDGET = 4096


@pytest.fixture
async def client(wheel_url: str) -> Any:
    """One kind of server is enough here."""
    async with connect(wheel_url) as client:
        yield client


@pytest.fixture
def server() -> str:
    """One kind of server is enough here."""
    return "wheel"


@pytest.fixture
def sent(client: Client, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each command was sent."""
    counted: Counter[str] = Counter()
    send = client.execute_command

    async def counting(command: str, *args: Any, **options: Any) -> Any:
        counted[command] += 1
        return await send(command, *args, **options)

    monkeypatch.setattr(client, "execute_command", counting)
    return counted


async def test_each_method_is_one_command(
    store: Store, clock: HandClock, sent: Counter[str]
) -> None:
    """A happy restore may cost sixty; each of these is spent dozens of times a restore."""
    made, now = restore(), clock.now()
    await store.queue.enqueue_delivery("Ev0", "event", {})
    delivery = await store.queue.enqueue_delivery("Ev1", "event", {})
    await store.create(made, due=now, audit=[said("asked")])
    leased, _ = await store.queue.lease(5)
    lease = leased[0].lease
    assert delivery is not None
    calls: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        ("enqueue_delivery", lambda: store.queue.enqueue_delivery("Ev2", "event", {"a": 1})),
        ("enqueue a copy", lambda: store.queue.enqueue_delivery("Ev2", "event", {"a": 1})),
        ("complete_delivery", lambda: store.queue.complete_delivery(delivery)),
        ("lease", lambda: store.queue.lease(5)),
        ("create", lambda: store.create(restore("R2", vm="b"), due=now, audit=[said("asked")])),
        ("load", lambda: store.load("R1")),
        ("load_many", lambda: store.load_many(["R1", "R2"])),
        ("in_thread", lambda: store.in_thread("C1", "1771432200.000100")),
        ("live", store.live),
        ("history", lambda: store.history(VmRef("a", "b", "c"), 5)),
        ("renew", lambda: store.queue.renew(lease)),
        ("wake", lambda: store.queue.wake(["R1", "R2"])),
        ("append to the audit", lambda: store.audit.append([said("one"), said("two")])),
        ("commit", lambda: store.commit(made, due=now, audit=[said("x")], lease=lease)),
        ("recent", lambda: store.recent(10)),
        ("schedule a task", lambda: store.tasks.schedule("home:U1", {"a": 1}, due=now)),
        ("read a task", lambda: store.tasks.body("home:U1")),
        ("delete a task", lambda: store.tasks.delete("report")),
        (
            "release",
            lambda: store.queue.release(lease, due=now, shown={"a.1": PostedCard("1.1", "d")}),
        ),
        ("ping", store.ping),
    ]
    for _, call in calls:  # the server learns the scripts
        await call()
    costs = {}
    for name, call in calls:
        sent.clear()
        await call()
        costs[name] = sent.total()
    assert costs == {name: 1 for name, _ in calls}


async def test_a_server_that_forgot_the_scripts_is_told_once(
    store: Store, client: Client, sent: Counter[str]
) -> None:
    """As after a failover to a fresh replica: no call fails, and the next ones are short again."""
    await store.queue.enqueue_delivery("Ev1", "event", {})
    await client.script_flush()
    sent.clear()
    assert await store.queue.enqueue_delivery("Ev2", "event", {}) is not None
    assert sent == {"EVALSHA": 1, "EVAL": 1}
    sent.clear()
    assert await store.queue.enqueue_delivery("Ev3", "event", {}) is not None
    assert sent == {"EVALSHA": 1}


async def test_a_typical_live_restore_fits_its_budget(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    """Less than 4 KB of Redis, with everything shown, typed and clicked, and its cards."""
    made = typical()
    assert len(dump(made).encode()) < BUDGET
    await store.create(made, due=clock.now(), audit=[])
    cards = {card.key: PostedCard("1771432200.000100", "0123456789abcdef") for card in made.cards}
    leased, _ = await store.queue.lease(1)
    done = await store.commit(made, due=None, audit=[], lease=leased[0].lease)
    assert isinstance(done, Committed)
    await store.queue.release(leased[0].lease, due=clock.now(), shown=cards)
    used = await client.memory_usage(keys.restore("R1"), samples=0)
    assert used is not None
    assert used < BUDGET


async def test_ended_restores_leave_nothing_in_the_permanent_keys(
    store: Store, clock: HandClock, client: Client, keys: Keys
) -> None:
    """What never expires must not grow with what is over."""
    for number in range(100):
        made = restore(f"R{number}", vm=f"vm-{number}")
        await store.create(made, due=clock.now(), audit=[])
        await store.commit(ended(made), due=None, audit=[])
        leased, _ = await store.queue.lease(1)
        await store.queue.release(leased[0].lease, due=None)
    assert not await client.exists(keys.due, keys.live, keys.claims)


def test_a_document_holds_only_what_differs_from_an_empty_one_and_its_schema() -> None:
    text = dump(changed(restore(), version=3))
    assert '"schema_version":1' in text
    assert '"version":3' in text
    assert '"outcome"' not in text
