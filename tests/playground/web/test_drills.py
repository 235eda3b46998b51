"""The five drills, each played to its end: the steps follow the players, the end says what was asked."""

from pathlib import Path

from bot.playground.web.drill_book import DRILLS
from bot.playground.web.troubles import TROUBLES
from tests.playground.web.conftest import Json, Page, button, said

UPGRADE = "restore database-01 from pre-upgrade-snapshot in production"
RELEASE = "restore web-01 from before-release in production"
TYPE_IT = "type the snapshot name exactly as shown"


async def begin(page: Page, name: str) -> Json:
    """Start a drill; how it stands."""
    await page.change("drill", id=name, action="start")
    return await stands(page)


async def stands(page: Page) -> Json:
    """The drill as the page shows it."""
    drill: Json = (await page.state("carol"))["drill"]
    return drill


async def step(page: Page, words: str) -> None:
    """Wait until the drill asks for this."""
    await page.until("carol", lambda state: words in state["drill"]["step"])


async def ended(page: Page) -> list[str]:
    """The lines of its result."""
    drill = await page.until(
        "carol", lambda state: state["drill"]["state"] == "ended" and state["drill"]
    )
    return str(drill["result"]).split("\n")


async def say(page: Page, name: str, text: str, thread: str | None = None) -> None:
    """Something said in #incidents, or in a thread of it."""
    await page.do(
        name, "say", channel=await page.channel(name, "incidents"), text=text, thread=thread
    )


async def press(page: Page, words: str, label: str, name: str = "alice") -> None:
    """A click on the newest card with these words."""
    card = await page.until(name, said(words))
    await page.do(name, "click", **button(card, label))


async def type_name(page: Page, text: str, name: str = "alice") -> None:
    """The name that is asked for, or another, into the thread that asks."""
    card = await page.until(name, said(TYPE_IT))
    await say(page, name, text, card["thread_ts"])


async def test_a_failed_upgrade(page: Page) -> None:
    drill = await begin(page, "failed-upgrade")
    assert (drill["state"], drill["number"], drill["steps"]) == ("playing", 1, 6)
    assert said("the upgrade has failed")(await page.state("dave"))
    await say(page, "alice", f"@vm-restore {UPGRADE}")
    await step(page, "Agree to the stop")
    await press(page, "VM Must Be Stopped Before Restore", "Stop and restore")
    await type_name(page, "pre-upgrade-snapshot")
    await step(page, "Confirm with the button")
    await press(page, "Proceed with VM restore?", "Restore VM now")
    await step(page, "Start the VM")
    await press(page, "VM Restored Successfully", "Start VM")
    goal, asked, *acts = await ended(page)
    assert goal == "The goal is reached: one restore was made, after both confirmations."
    assert asked.startswith(
        "The cluster was asked for 1 restore, 1 stop, 1 start, 0 snapshots, 0 deletes; beside"
    )
    assert acts[0] == "- stop the VM production/database-01"
    assert acts[1].startswith("- create the restore restore-database-01-")
    assert acts[1].endswith(" from pre-upgrade-snapshot")
    assert acts[2:] == ["- start the VM production/database-01"]
    await page.change("drill", id="failed-upgrade", action="stop")
    assert await stands(page) is None


async def test_the_wrong_snapshot(page: Page) -> None:
    await begin(page, "wrong-snapshot")
    await say(page, "alice", "@vm-restore restore web-01 from last-month-web-01 in production")
    await step(page, "How old is that snapshot?")
    await type_name(page, "before-release")
    goal, asked, *acts = await ended(page)
    assert goal == "The goal is reached: nothing was restored."
    assert "asked for 0 restores, 0 stops, 0 starts" in asked
    assert acts == []


async def test_storage_is_stuck(page: Page) -> None:
    await begin(page, "stuck-storage")
    await say(page, "alice", f"@vm-restore {RELEASE}")
    await type_name(page, "before-release")
    await press(page, "Proceed with VM restore?", "Restore VM now")
    await step(page, "Nothing moves")
    await page.change("time", plus=300)
    await step(page, "Be the admin of the storage")
    await page.change("trouble", id="storage", on=False)
    goal, asked, *acts = await ended(page)
    assert goal.startswith("The goal is reached: one restore")
    assert "asked for 1 restore, 0 stops, 0 starts" in asked
    assert len(acts) == 1


async def test_the_end_of_the_shift(page: Page) -> None:
    await begin(page, "handover")
    await say(page, "alice", f"@vm-restore {RELEASE}")
    card = await page.until("alice", said(TYPE_IT))
    await say(page, "alice", "@vm-restore handoff @bob", card["thread_ts"])
    await step(page, "As bob, accept it")
    await press(page, "asks you to go on with this restore", "Accept", "bob")
    await step(page, "As bob, type")
    await type_name(page, "before-release", "bob")
    await step(page, "As bob, confirm")
    await press(page, "Proceed with VM restore?", "Restore VM now", "bob")
    goal, asked, *_ = await ended(page)
    assert goal.endswith("It was typed and clicked by its new owner alone.")
    assert "asked for 1 restore," in asked


async def test_somebody_starts_the_vm(page: Page) -> None:
    await begin(page, "somebody-starts")
    await say(page, "alice", f"@vm-restore {UPGRADE}")
    await press(page, "VM Must Be Stopped Before Restore", "Stop and restore")
    await type_name(page, "pre-upgrade-snapshot")
    await step(page, "has just started the VM")
    await press(page, "Proceed with VM restore?", "Restore VM now")
    goal, asked, *acts = await ended(page)
    assert goal == "The goal is reached: nothing was restored."
    assert "asked for 0 restores, 1 stop, 0 starts" in asked
    assert acts == ["- stop the VM production/database-01"]


async def test_a_drill_is_stopped_and_another_begun(page: Page) -> None:
    """What it had made go wrong is right again, and what was asked then is no part of the next."""
    await begin(page, "stuck-storage")
    await say(page, "alice", f"@vm-restore {RELEASE}")
    await page.until("alice", said(TYPE_IT))
    await page.change("drill", id="stuck-storage", action="stop")
    first, asked = await ended(page)
    assert first == "The drill was stopped before its end."
    assert "asked for 0 restores" in asked
    assert [each for each in (await page.state("bob"))["troubles"] if each["on"]] == []
    drill = await begin(page, "wrong-snapshot")
    assert (drill["id"], drill["number"]) == ("wrong-snapshot", 1)
    await page.change("drill", id="wrong-snapshot", action="stop")
    assert (await ended(page))[1].endswith("beside that for 0 dry runs and 0 reads.")
    offered = (await page.state("bob"))["drills"]
    assert len(offered) == 5
    assert all(each["goal"] and each["watch"] and each["length"] for each in offered)
    status, answer = await page.post("world", {"do": "drill", "id": "fire", "action": "start"})
    assert (status, answer["why"]) == (409, "there is no drill 'fire'")


def test_the_documentation_names_all_drills_and_troubles() -> None:
    page = (Path(__file__).parents[3] / "docs/playground.md").read_text("utf-8")
    names = [each.title for each in DRILLS] + [each.label for each in TROUBLES]
    assert [name for name in names if f"| {name} |" not in page] == []
