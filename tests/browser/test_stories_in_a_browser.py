"""What people do on the page of the playground, by mouse and by keyboard, in a real browser."""

import pytest

from bot.playground.slack.transcript import Transcript
from bot.playground.web.playground import Playground
from tests.browser.conftest import OpenWindow
from tests.browser.windows import Window
from tests.browser.words import drawn_in, told

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASKED = "@vm-restore the upgrade failed, restore database-01 from pre-upgrade-snapshot"
STOPPED_VM = "/vm-restore web-01 from before-release in production"
TYPE_IT = "type the snapshot name exactly as shown"
CHANGES = ("create", "update", "patch", "delete")


def changes(playground: Playground) -> list[str]:
    """What the cluster was asked to change, dry runs and what is told on the VM aside."""
    return [
        f"{call.verb} {call.resource}{'/' if call.subresource else ''}{call.subresource}"
        for call in playground.scene.world.kube.log
        if call.verb in CHANGES and not call.dry_run
        if call.group != "authorization.k8s.io" and call.resource != "events"
    ]


async def test_the_main_story(window: OpenWindow, playground: Playground) -> None:
    """From the first words to the started VM, with the cluster and the timeline beside it."""
    alice = await window()
    await alice.until("Try it: restore a VM")
    await alice.press("Write it for me")
    await alice.page.keyboard.press("Enter")
    await alice.until("Which namespace is")
    assert await alice.page.get_by_text("Try it: restore a VM").count() == 0
    await alice.pick("Choose a namespace", "prod", "production")
    await alice.press("Stop and restore")
    await alice.until(TYPE_IT)
    await alice.say("pre-upgrade-snapshot", thread=True)
    await alice.press("Restore VM now")
    dialog = alice.page.get_by_role("dialog", name="Restore this VM now?")
    await alice.until(dialog.get_by_text("This cannot be undone"))
    await dialog.get_by_role("button", name="Go back").click()
    await dialog.wait_for(state="detached")
    assert changes(playground) == ["update virtualmachines/stop"]
    await alice.press("Restore VM now", sure="Restore VM now")
    await alice.press("Start VM")
    await alice.until("started by")
    await alice.agrees("incidents")
    assert changes(playground) == [
        "update virtualmachines/stop",
        "create virtualmachinerestores",
        "update virtualmachines/start",
    ]
    await alice.page.get_by_role("tab", name="Cluster").click()
    database = alice.page.get_by_role("article", name="VM database-01 in production")
    await alice.until(database.get_by_text("Running"))
    await alice.until(alice.page.get_by_role("article", name="Restore restore-database-01"))
    await alice.page.get_by_role("tab", name="What happened").click()
    await alice.until("alice said “pre-upgrade-snapshot”")


async def test_the_wrong_name(window: OpenWindow, playground: Playground) -> None:
    alice = await window()
    await alice.say(STOPPED_VM)
    await alice.until(TYPE_IT)
    await alice.say("/vm-restore cancel", thread=True)
    await alice.until("cannot be used in a thread")
    await alice.say("pre-upgrade-snapshot", thread=True)
    await alice.until("You typed")
    await alice.agrees("incidents")
    assert changes(playground) == []


async def test_two_people_in_two_windows(window: OpenWindow, playground: Playground) -> None:
    """Alice hands her restore over; bob, in New York, hears of it, accepts, and confirms it."""
    alice, bob = await window(), await window("bob", color_scheme="dark")
    await bob.page.get_by_role("button", name="database-team").click()
    await alice.say(STOPPED_VM)
    await alice.until(TYPE_IT)
    await alice.pick("Hand over to…", "bo", "@bob")
    dialog = alice.page.get_by_role("dialog")
    await (await alice.until(dialog.get_by_role("button", name="Offer it"))).click()
    told = bob.page.get_by_role("status").get_by_text("asks you to go on with this restore")
    await (await bob.until(told)).click()
    await bob.press("Accept")
    await bob.until("Now with: @bob")
    await bob.until(TYPE_IT)
    assert await bob.page.get_by_text("until 11:4").count()
    assert await alice.page.get_by_text("until 17:4").count()
    await bob.say("before-release", thread=True)
    await bob.press("Restore VM now", sure="Restore VM now")
    await alice.until("VM Restored Successfully")
    for each in (alice, bob):
        await each.agrees("incidents")
    assert changes(playground) == ["create virtualmachinerestores"]


async def test_a_form_with_search(window: OpenWindow, playground: Playground) -> None:
    alice = await window()
    await alice.press("Restore a VM")
    form = alice.page.get_by_role("dialog", name="Restore a VM")
    await alice.until(form)
    await alice.pick("VM", "web-0", "web-01")
    await alice.until(form.locator(".picker.chosen").get_by_label("Namespace"))
    await alice.pick("Snapshot", "before", "before-release")
    person = playground.scene.personas["alice"].person
    assert person.view is not None
    await alice.current()
    words = Transcript(playground.scene.world.slack.workspace, person.user).view(person.view)
    assert await drawn_in(alice.page, ".modal .body") == told(words.split("\n"))[1:-1]
    await form.get_by_role("button", name="Check and ask").click()
    await form.wait_for(state="detached")
    await alice.until(TYPE_IT)
    await alice.agrees("incidents")
    await alice.press("Restore a VM")
    await alice.until(form)
    await alice.page.keyboard.press("Escape")
    await form.wait_for(state="detached")
    assert person.view is None


async def test_home(window: OpenWindow, playground: Playground) -> None:
    """A restore that is under way is seen and cancelled there; its link leads to its thread."""
    alice = await window()
    await alice.say(STOPPED_VM)
    await alice.until(TYPE_IT)
    await alice.press("Home")
    home = alice.page.get_by_label("Home", exact=True)
    await (await alice.until(home.get_by_role("link", name="its thread"))).click()
    await alice.until(alice.page.get_by_role("heading", name="#incidents"))
    await alice.press("Home")
    await (await alice.until(home.get_by_role("button", name="Cancel"))).click()
    await alice.press("Cancel the restore")
    await alice.until(home.get_by_text("Cancelled"))
    assert changes(playground) == []


async def test_the_bot_is_killed_in_the_middle(window: OpenWindow, playground: Playground) -> None:
    """What was typed while there was no bot is heard by the next one, and done once."""
    alice = await window()
    await alice.say(STOPPED_VM)
    await alice.until(TYPE_IT)
    await alice.press("Kill the bot")
    await alice.until("bot stopped")
    await alice.say("before-release", thread=True)
    await alice.until(alice.page.locator("#side").get_by_text("before-release", exact=True))
    await alice.press("Start the bot")
    await alice.press("Restore VM now", sure="Restore VM now")
    await alice.until("VM Restored Successfully")
    await alice.agrees("incidents")
    assert changes(playground) == ["create virtualmachinerestores"]


async def test_stuck_storage(window: OpenWindow, playground: Playground) -> None:
    """The cluster hangs at a click; the thread says so, and goes on once it does not."""
    alice = await window()
    await alice.page.get_by_role("tab", name="Break it").click()
    stuck = alice.page.get_by_role("switch", name="Storage stuck")
    await (await alice.until(stuck)).check()
    await alice.say(STOPPED_VM)
    await alice.until(TYPE_IT)
    await alice.say("before-release", thread=True)
    await alice.press("Restore VM now", sure="Restore VM now")
    await alice.until("Volumes bound: 0 of 1")
    await alice.press("+5 min")
    await alice.until("Likely cause")
    await alice.page.get_by_role("tab", name="Cluster").click()
    await alice.until(alice.page.get_by_role("article", name="Claim ").get_by_text("not bound"))
    await alice.page.get_by_role("tab", name="Break it").click()
    await stuck.uncheck()
    await alice.page.get_by_role("tab", name="Thread").click()
    await alice.until("VM Restored Successfully")
    await alice.agrees("incidents")
    assert changes(playground) == ["create virtualmachinerestores"]


async def test_a_drill(window: OpenWindow, playground: Playground) -> None:
    """What is to be done stands over everything else; in the end it is told what the cluster was asked."""
    alice = await window()
    await alice.page.get_by_role("tab", name="Drills").click()
    await alice.press("Start the drill: The wrong snapshot")
    await alice.until("web-01: the release of this morning is broken")
    drill = alice.page.get_by_label("The drill", exact=True)
    await alice.until(drill.get_by_text("1 of 2"))
    await alice.say("/vm-restore web-01 from last-month-web-01 in production")
    await alice.until(TYPE_IT)
    await alice.until(drill.get_by_text("How old is that snapshot?"))
    await alice.say("before-release", thread=True)
    await alice.press("What the cluster was asked")
    await alice.until("The goal is reached: nothing was restored.")
    assert changes(playground) == []


async def test_marks_and_notifications(window: OpenWindow) -> None:
    """A mention is marked and told, an edit is not; what is on the screen is read."""
    alice, carol = await window(), await window("carol")
    await alice.page.get_by_role("button", name="database-team").click()
    await carol.say("@alice the upgrade has failed")
    await alice.until(alice.page.get_by_role("status").get_by_text("the upgrade has failed"))
    marked = alice.page.get_by_role("button", name="incidents , 1 unread")
    incidents = alice.page.get_by_role("button", name="incidents", exact=True)
    await (await alice.until(marked)).click()
    await alice.until(incidents)
    said = carol.page.locator(".message").last
    await said.hover()
    await carol.press("Edit message")
    editor = carol.page.get_by_role("textbox", name="Edit message")
    assert await editor.input_value() == "@alice the upgrade has failed"
    await alice.page.get_by_role("button", name="database-team").click()
    await editor.fill("@alice @bob the upgrade has failed on database-01")
    await editor.press("Enter")
    await carol.until("(edited)")
    await alice.current()
    await incidents.click()
    await alice.until("failed on database-01")
    await alice.agrees("incidents")
    await said.hover()
    await carol.press("Delete message")
    await said.wait_for(state="detached")
    # The same window can be somebody else.
    await alice.page.get_by_role("radio", name="mallory").check()
    await alice.until(alice.page.get_by_role("heading", name="#vendor-help"))
    assert await alice.page.get_by_text("database-team").count() == 0


async def test_by_keyboard_alone(window: OpenWindow, playground: Playground) -> None:
    alice = await window()
    keyboard = alice.page.keyboard
    await alice.step_to("Skip to the message box", "Tab")
    await keyboard.press("Enter")
    assert await alice.in_focus() == "Message #incidents"
    await keyboard.type("@vm-r")
    await keyboard.press("Tab")
    await keyboard.type("restore web-01 in production")
    await keyboard.press("Enter")
    await alice.until("Choose from the list")
    # Who has asked writes on in the thread.
    assert await alice.in_focus() == "Reply in this thread"
    await alice.step_to("Choose a snapshot")
    await keyboard.press("ArrowDown")
    await alice.until(alice.page.get_by_role("option", name="before-release"))
    await keyboard.press("Escape")
    await keyboard.type("before")
    await alice.until(alice.page.get_by_role("option", name="before-release"))
    await keyboard.press("Enter")
    await alice.until(TYPE_IT)
    await alice.page.locator("#reply").focus()
    await keyboard.type("before-release")
    await keyboard.press("Enter")
    await alice.until("Proceed with VM restore?")
    await alice.step_to("Restore VM now")
    await keyboard.press("Enter")
    assert await alice.in_focus() == "Go back"
    await keyboard.press("Escape")
    assert await alice.in_focus() == "Restore VM now"
    await keyboard.press("Enter")
    await keyboard.press("Tab")
    await keyboard.press("Enter")
    await alice.until("VM Restored Successfully")
    assert changes(playground) == ["create virtualmachinerestores"]
    # The tabs beside it are one stop, and the arrows go from one to the next.
    await alice.page.locator("#reply").focus()
    await alice.step_to("Thread")
    await keyboard.press("ArrowRight")
    assert await alice.in_focus() == "Cluster"
    await keyboard.press("Escape")


async def test_on_a_telephone(window: OpenWindow, playground: Playground) -> None:
    """One column: each part of the page fits, and there is a way back."""
    alice = await window(width=380, has_touch=True)
    await alice.say(STOPPED_VM)
    await alice.fits()
    await (await alice.until(alice.page.get_by_role("button", name="1 reply"))).tap()
    await alice.until(TYPE_IT)
    await alice.fits()
    await alice.say("before-release", thread=True)
    await alice.press("Restore VM now", sure="Restore VM now")
    await alice.until("VM Restored Successfully")
    for tab in ("Cluster", "Break it", "What happened", "Drills"):
        await alice.page.get_by_role("tab", name=tab).tap()
        await alice.fits()
    await _back(alice)
    await alice.until(alice.page.get_by_role("heading", name="#incidents"))
    await _back(alice)
    await alice.press("Restore a VM")
    await alice.until(alice.page.get_by_role("dialog", name="Restore a VM"))
    await alice.fits()
    assert changes(playground) == ["create virtualmachinerestores"]


async def _back(window: Window) -> None:
    await window.page.get_by_role("button", name="Back").locator("visible=true").first.tap()
