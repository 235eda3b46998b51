"""In a world whose time stands still nothing runs beside the loop."""

import asyncio
import threading

import pytest

from bot.playground.threads import NoThreads


@pytest.fixture
async def no_threads() -> None:
    """A loop whose threads are none."""
    asyncio.get_running_loop().set_default_executor(NoThreads())


@pytest.mark.usefixtures("no_threads")
async def test_what_is_given_to_a_thread_is_done_by_the_one_that_asks() -> None:
    assert await asyncio.to_thread(threading.get_ident) == threading.get_ident()


@pytest.mark.usefixtures("no_threads")
async def test_what_goes_wrong_there_is_raised_where_it_is_awaited() -> None:
    work = asyncio.create_task(asyncio.to_thread(int, "no number"))
    with pytest.raises(ValueError, match="no number"):
        await work
