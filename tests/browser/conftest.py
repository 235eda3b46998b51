"""A browser for all tests of this process, and windows of it that look at one playground.

Where there is no browser, the tests are skipped and say what to install; with VM_RESTORE_TEST_BROWSER=required,
as `.ci/run` sets it, they fail instead. All of them run in one event loop, for a browser belongs to the loop
that started it.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.web import server as serving
from bot.playground.web.playground import Playground
from bot.playground.web.scene import set_scene
from bot.playground.web.server import PlaygroundServer
from bot.playground.world import world
from tests.browser.windows import FIX, Window, browser_of_this_machine, open_window, started

OpenWindow = Callable[..., Awaitable[Window]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Any]:
    """The browser of this machine."""
    required = os.environ.get("VM_RESTORE_TEST_BROWSER") == "required"
    path = browser_of_this_machine()
    if path is None and required:
        pytest.fail(f"there is no browser; {FIX}", pytrace=False)
    if path is None:
        pytest.skip(f"there is no browser; {FIX}")
    if not required:
        pytest.importorskip("playwright", reason="there is no playwright; make lint installs it")
    async with started(path) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def playground(
    tmp_path: Path, lent_redis: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Playground]:
    """The scene with its bot. The page learns sooner of what has changed than people need it."""
    monkeypatch.setattr(serving, "LOOK", 0.02)
    async with world(tmp_path, lent_redis=lent_redis) as made:
        played = Playground(set_scene(made))
        await played.life.begin()
        yield played
        await played.life.end()


@pytest_asyncio.fixture(loop_scope="session")
async def window(browser: Any, playground: Playground) -> AsyncIterator[OpenWindow]:
    """Opens windows. In the end no page has told of an error, nor asked another host for anything."""
    windows: list[Window] = []
    async with PlaygroundServer(playground) as server:

        async def make(name: str = "alice", **options: Any) -> Window:
            windows.append(await open_window(browser, server, playground, name, **options))
            return windows[-1]

        yield make
        for each in windows:
            await each.page.context.close()
    await asyncio.sleep(0)
    assert [fault for each in windows for fault in each.faults] == []
