"""Windows of a real browser that look at the page of a playground, whose time the caller moves.

The browser is Debian's Chromium, driven by playwright.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.playground.slack.transcript import Transcript
from bot.playground.slack.workspace import Channel, User
from bot.playground.web.playground import Playground
from bot.playground.web.server import PlaygroundServer
from tests.browser.words import drawn, told

FIX = "install chromium: apt-get install -y chromium-headless-shell"
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first of these that is there. The headless one takes two thirds of the time of the others."""
PATIENCE = 500_000
"""Real milliseconds that nothing takes, however busy the machine is."""
WITHIN = 240
"""Seconds of the world in which something is to be seen."""


def browser_of_this_machine() -> str | None:
    """Where it is, if there is one."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@asynccontextmanager
async def started(path: str) -> AsyncIterator[Any]:
    """The browser, running."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - only where it is used

    async with async_playwright() as driver:
        # In a container there is no sandbox for it, and little shared memory; it loads only our own page.
        contained = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = await driver.chromium.launch(executable_path=path, args=contained)
        yield browser
        await browser.close()


async def open_window(
    browser: Any,
    server: PlaygroundServer,
    playground: Playground,
    name: str = "alice",
    *,
    width: int = 1280,
    height: int = 800,
    **options: Any,
) -> "Window":
    """A window of somebody's own: nothing is shared with another but the playground."""
    viewport = {"width": width, "height": height}
    context = await browser.new_context(viewport=viewport, **options)
    context.set_default_timeout(PATIENCE)
    window = Window(name, await context.new_page(), playground)
    _listen(window, server.origin)
    await window.page.goto(f"{server.url}#{name}")
    await window.page.wait_for_selector("#app:not([aria-busy])")
    return window


@dataclass
class Window:
    """One window of one person."""

    name: str
    page: Any
    playground: Playground
    faults: list[str] = field(default_factory=list)
    """What the browser's console told, and what was asked of another host."""

    async def until(self, what: Any, *, within: int = WITHIN) -> Any:
        """Wait until an element, or words, are to be seen; the world's time passes meanwhile."""
        wanted = self.page.get_by_text(what).last if isinstance(what, str) else what
        for _ in range(within):
            if await wanted.count() and await wanted.last.is_visible():
                return wanted.last
            await self.playground.pace.forward(1)
            await self.current()
        shown = await self.page.inner_text("body")
        raise AssertionError(f"{self.name} did not see {what}; this is on the screen:\n{shown}")

    async def current(self) -> None:
        """Wait until the page shows the present moment."""
        now = self.playground.state(self.name)["now"]
        await self.page.wait_for_function(
            "(now) => document.querySelector('#app').dataset.now >= now", arg=now
        )

    async def press(self, label: str, *, sure: str = "") -> None:
        """Press the newest button with this label, once it is there; `sure` answers what it asks."""
        button = self.page.get_by_role("button", name=label, exact=True)
        await (await self.until(button)).click()
        if sure:
            asked = self.page.get_by_role("dialog").get_by_role("button", name=sure, exact=True)
            await (await self.until(asked)).click()

    async def say(self, text: str, *, thread: bool = False) -> None:
        """Type into the channel, or into the thread that is open, and press Enter."""
        box = self.page.locator("#reply" if thread else "#composer")
        await box.fill(text)
        await box.press("Enter")

    async def pick(self, label: str, typed: str, option: str) -> None:
        """Type into a list, and choose what it offers."""
        box = await self.until(self.page.get_by_role("combobox", name=label, exact=True))
        await box.click()
        await box.press_sequentially(typed)
        offered = self.page.get_by_role("option", name=option).first
        await (await self.until(offered)).click()

    async def in_focus(self) -> str:
        """The words on what the keyboard would use now, or its label."""
        words = "(e => e.getAttribute('aria-label') || e.textContent)(document.activeElement)"
        focused: str = await self.page.evaluate(words)
        return focused

    async def step_to(self, label: str, key: str = "Shift+Tab") -> None:
        """Press a key until what has this label is in focus."""
        for _ in range(30):
            if await self.in_focus() == label:
                return
            await self.page.keyboard.press(key)
        raise AssertionError(f"{key} does not lead to {label!r}, but to {await self.in_focus()!r}")

    async def fits(self) -> None:
        """Nothing sticks out of the window."""
        wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await self.page.evaluate(wide) == 0

    async def agrees(self, channel: str) -> None:
        """What is drawn of a channel and of the open thread is what the terminal tells of them."""
        await self.current()
        workspace = self.playground.scene.world.slack.workspace
        user = self.playground.scene.personas[self.name].person.user
        for message, lines in (await drawn(self.page)).items():
            assert lines == self._told(workspace, channel, user, message), message

    def _told(self, workspace: Any, channel: str, user: User, ts: str) -> list[str]:
        room: Channel = self.playground.scene.channels[channel]
        message = next(each for each in room.messages if each.ts == ts)
        return told(Transcript(workspace, user).message(message)[1:])


def _listen(window: Window, origin: str) -> None:
    def told_on_console(message: Any) -> None:
        # The browser tells of what the screen does not allow (409) as of an error.
        if message.type in ("error", "warning") and "status of 409" not in message.text:
            window.faults.append(message.text)

    def asked(request: Any) -> None:
        if not request.url.startswith(f"{origin}/"):
            window.faults.append(f"asked for {request.url}")

    window.page.on("console", told_on_console)
    window.page.on("pageerror", lambda error: window.faults.append(str(error)))
    window.page.on("request", asked)
