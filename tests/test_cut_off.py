"""A task that swallows a cancel is asked again; one that never ends is left, by its name and place."""

import asyncio
import gc

import pytest

from bot import cancelling
from bot.cancelling import Overrun, cancelled, limited, place

LONG = 500.0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancels are given again at once."""
    monkeypatch.setattr(cancelling, "AGAIN", 0.001)


async def swallows(times: int) -> None:
    """Sleeps on as if nobody had asked, as a watch did whose stream was just failing."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


async def swallows_until(go_on: asyncio.Event) -> None:
    """The same without an end of its own."""
    while not go_on.is_set():
        try:
            await go_on.wait()
        except asyncio.CancelledError:
            continue


async def begun(times: int) -> "asyncio.Task[None]":
    task = asyncio.create_task(swallows(times))
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("times", [0, 1, 5])
async def test_a_cancel_is_given_until_the_task_is_gone(times: int) -> None:
    task = await begun(times)
    assert await cancelled({task}, within=LONG) == set()
    assert task.cancelled()


async def test_what_never_ends_is_told() -> None:
    go_on = asyncio.Event()
    stubborn = asyncio.create_task(swallows_until(go_on))
    obedient = await begun(0)
    assert await cancelled({stubborn, obedient}, within=0.01) == {stubborn}
    assert "test_cut_off.py" in place(stubborn)
    assert "swallows_until" in place(stubborn)
    go_on.set()
    await stubborn


async def test_who_is_cancelled_while_ending_others_ends_them_first() -> None:
    task = await begun(3)
    ending = asyncio.create_task(cancelled({task}, within=LONG))
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert task.cancelled()


async def test_work_within_its_limit_returns_and_raises_as_it_is() -> None:
    async def answers() -> int:
        return 42

    async def fails() -> int:
        raise ValueError("as it is")

    assert await limited(answers(), seconds=LONG, name="answers") == 42
    with pytest.raises(ValueError, match="as it is"):
        await limited(fails(), seconds=LONG, name="fails")


@pytest.mark.parametrize("times", [0, 3])
async def test_work_beyond_its_limit_is_cut_off(times: int) -> None:
    with pytest.raises(Overrun, match="swallows") as cut:
        await limited(swallows(times), seconds=0.0, name="slow")
    assert cut.value.ended


async def test_work_that_will_not_end_is_left_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancelling, "LAST_SECONDS", 0.01)
    go_on = asyncio.Event()
    with pytest.raises(Overrun) as cut:
        await limited(swallows_until(go_on), seconds=0.0, name="stubborn")
    assert not cut.value.ended
    go_on.set()
    await asyncio.sleep(0)


async def test_a_cancel_from_outside_reaches_the_work() -> None:
    ended = asyncio.Event()

    async def works() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    outer = asyncio.create_task(limited(works(), seconds=LONG, name="works"))
    await asyncio.sleep(0.0)
    await asyncio.sleep(0.0)
    outer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await outer
    assert ended.is_set()


async def test_a_cancel_that_ends_as_an_error_is_no_error_unheard() -> None:
    """The work's connection broke as it was cancelled: asyncio complains of nothing (chaos, run 19)."""
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))

    async def breaks() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as cut:
            raise ConnectionError from cut

    outer = asyncio.create_task(limited(breaks(), seconds=LONG, name="work"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    outer.cancel()
    await asyncio.wait({outer})
    assert outer.cancelled()
    del outer  # it holds the frame that holds the work
    gc.collect()
    assert complaints == []
