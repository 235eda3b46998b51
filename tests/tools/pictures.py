"""Draws the pictures of the documentation: `make pictures` plays them in the playground, in a real browser.

Look at them before you keep them. They are drawn with the fonts of this machine; Inter and Noto Color Emoji
are those of the pictures that are kept (apt-get install -y fonts-inter fonts-noto-color-emoji).
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot import telemetry
from bot.playground.clock import HandClock
from bot.playground.web.playground import Playground
from bot.playground.web.scene import set_scene
from bot.playground.web.server import PlaygroundServer
from bot.playground.world import world
from tests.browser.windows import FIX, Window, browser_of_this_machine, open_window, started
from tests.tools.palette import few_colours

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
BEGIN = datetime(2026, 2, 18, 16, 30, tzinfo=UTC)
"""When each story begins, whenever it is drawn."""
ASK = "/vm-restore web-01 from before-release in production"
TYPE_IT = "type the snapshot name exactly as shown"

Open = Callable[..., Awaitable[Window]]


async def incident(open_: Open) -> Window:
    """A failed upgrade: the warning that wants the name typed, and the VM that was stopped for it."""
    alice = await open_("alice")
    bob = await open_("bob")
    await bob.say("database-01 does not come up since the upgrade")
    await alice.until("database-01 does not come up")
    await alice.say(
        "@vm-restore the upgrade failed, restore database-01 from pre-upgrade-snapshot in production"
    )
    await alice.press("Stop and restore")
    await alice.until(TYPE_IT)
    return alice


async def handoff(open_: Open) -> Window:
    """The end of a shift: what bob finds when alice offers him her restore."""
    alice = await open_("alice")
    bob = await open_("bob", color_scheme="dark")
    await alice.say(ASK)
    await alice.until(TYPE_IT)
    await alice.say("@vm-restore handoff @bob", thread=True)
    offered = bob.page.get_by_role("status").get_by_text("asks you to go on")
    await (await bob.until(offered)).click()
    await bob.until(bob.page.get_by_role("button", name="Accept"))
    return bob


async def drill(open_: Open) -> Window:
    """Storage that hangs, at the moment in which the thread has named the likely cause."""
    alice = await open_("alice")
    await alice.page.get_by_role("tab", name="Drills").click()
    await alice.press("Start the drill: Storage is stuck")
    await alice.until("web-01: the release of this morning is broken")
    await alice.say(ASK)
    await alice.until(TYPE_IT)
    await alice.say("before-release", thread=True)
    await alice.press("Restore VM now", sure="Restore VM now")
    await alice.until("Nothing moves.")
    await alice.press("+5 min")
    await alice.until(alice.page.locator("#side").get_by_text("Likely cause:"))
    await alice.until("Be the admin of the storage")
    return alice


STORIES: dict[str, Callable[[Open], Awaitable[Window]]] = {
    "incident": incident,
    "handoff": handoff,
    "drill": drill,
}


async def drawn(browser: Any, name: str) -> bytes:
    """Play one story; what is on the screen in the end, as PNG."""
    with tempfile.TemporaryDirectory() as directory:
        clock = HandClock(BEGIN)
        async with world(Path(directory), clock=clock) as made:
            playground = Playground(set_scene(made))
            await playground.life.begin()
            async with PlaygroundServer(playground) as server:

                async def open_(who: str, **options: Any) -> Window:
                    return await open_window(browser, server, playground, who, **options)

                window = await STORIES[name](open_)
                await window.page.mouse.move(0, 0)
                await window.page.evaluate("document.activeElement.blur()")
                for note in await window.page.get_by_label("Close this message").all():
                    await note.click()
                await window.page.wait_for_selector(".found", state="detached")
                picture: bytes = await window.page.screenshot(animations="disabled")
                await window.page.context.close()
            await playground.life.end()
    return few_colours(picture)


async def all_of_them(browser: str) -> dict[str, bytes]:
    """Every picture by its name."""
    async with started(browser) as running:
        return {name: await drawn(running, name) for name in STORIES}


def main() -> int:
    """Draw all of them."""
    telemetry.set_up("error", "console")
    browser = browser_of_this_machine()
    if browser is None:
        sys.stderr.write(f"There is no browser; {FIX}\n")
        return 1
    PICTURES.mkdir(exist_ok=True)
    for name, picture in asyncio.run(all_of_them(browser)).items():
        (PICTURES / f"{name}.png").write_bytes(picture)
        sys.stdout.write(f"docs/pictures/{name}.png\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
