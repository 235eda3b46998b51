"""What people do on the page of the playground, by mouse and by keyboard, in a real browser."""

import pytest

from bot.playground.web.playground import Playground
from tests.browser.conftest import OpenWindow

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASKED = "@vm-restore the upgrade failed, restore database-01 from pre-upgrade-snapshot"
NAME = "pre-upgrade-snapshot"
TYPE_IT = "type the snapshot name exactly as shown"


def created(playground: Playground) -> int:
    """How many restores the cluster was asked to create, dry runs aside."""
    return sum(
        call.verb == "create" and call.resource == "virtualmachinerestores" and not call.dry_run
        for call in playground.scene.world.kube.log
    )


async def test_the_main_story(window: OpenWindow, playground: Playground) -> None:
    """From the first words to the started VM."""
    alice = await window()
    await alice.say(ASKED)
    await alice.until("Which namespace is")
    await alice.say("production", thread=True)
    await alice.press("Stop and restore")
    await alice.until(TYPE_IT)
    await alice.say(NAME, thread=True)
    await alice.press("Restore VM now")
    dialog = alice.page.get_by_role("dialog")
    await alice.until(dialog.get_by_text("This cannot be undone"))
    assert created(playground) == 0
    await dialog.get_by_role("button", name="Restore VM now").click()
    await alice.press("Start VM")
    await alice.until("started by")
    await alice.agrees("incidents")
    assert created(playground) == 1
