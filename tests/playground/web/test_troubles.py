"""What goes wrong at a click: what the people on the page then see, and that it can be taken back."""

import pytest

from tests.playground.web.conftest import Page, said
from tests.playground.web.test_gestures import ASK
from tests.playground.web.test_world import ask_and_confirm, created, stop


async def ask(page: Page) -> None:
    """Alice asks in the channel."""
    incidents = await page.channel("alice", "incidents")
    await page.do("alice", "slash", channel=incidents, text=f"/vm-restore {ASK}")


async def turn(page: Page, name: str, *, on: bool) -> None:
    """One click on a trouble; it then says so of itself."""
    await page.change("trouble", id=name, on=on)
    shown = {each["id"]: each for each in (await page.state("bob"))["troubles"]}
    assert shown[name]["on"] is on
    assert shown[name]["label"]


async def contents(page: Page) -> set[str]:
    """How the contents of the snapshots are, as the cluster's panel shows it."""
    snapshots = (await page.state("bob"))["cluster"]["snapshots"]
    return {each["content"] for each in snapshots}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("quota", "Quota `storage` has 0.0 GiB left"),
        ("content", "Snapshot Content Is Being Deleted"),
        ("snapshot", "the storage system lost its connection to the array"),
    ],
)
async def test_what_refuses_a_restore_until_it_is_taken_back(
    page: Page, name: str, words: str
) -> None:
    await turn(page, name, on=True)
    await ask(page)
    await page.until("alice", said(words))
    assert await contents(page) == {"there", *(["going away"] if name == "content" else [])}
    await turn(page, name, on=False)
    assert await contents(page) == {"there"}
    await ask_and_confirm(page)
    await page.until("alice", said("VM Restored Successfully"))
    assert created(page) == 1


async def test_storage_stuck(page: Page) -> None:
    """The thread names the likely cause, and goes on by itself when it is over."""
    await turn(page, "storage", on=True)
    await ask_and_confirm(page)
    await page.until("alice", said("Volumes bound*: 0 of 2"))
    await page.change("time", plus=180)
    await page.until("alice", said("No driver has taken on claim"))
    await turn(page, "storage", on=False)
    await page.until("alice", said("VM Restored Successfully"))
    assert created(page) == 1


async def test_guest_ignores_the_shutdown(page: Page) -> None:
    """The owner is asked how to go on; the VM runs meanwhile."""
    await turn(page, "guest", on=True)
    await ask(page)
    await stop(page)
    await page.change("time", plus=300)
    await page.until("alice", said("Force stop"))
    await turn(page, "guest", on=False)
    await page.until("alice", said("type the snapshot name exactly as shown"))


async def test_vm_started_by_somebody(page: Page) -> None:
    """As soon as it has stopped: once, and nothing is restored."""
    await turn(page, "started", on=True)
    await ask(page)
    await stop(page)
    await page.until("alice", said("VM Was Started"))
    assert created(page) == 0
    state = await page.state("alice")
    assert [each["id"] for each in state["troubles"] if each["on"]] == []
    assert "somebody starts database-01" in [each["text"] for each in state["timeline"]]


async def test_api_server_away(page: Page) -> None:
    """The thread says so, and the restore is checked when it is back."""
    await turn(page, "api", on=True)
    await ask(page)
    await page.change("time", plus=60)
    await page.until("alice", said("Trouble just now"))
    await turn(page, "api", on=False)
    await page.until("alice", said("VM Must Be Stopped Before Restore"))


async def test_slack_slow(page: Page) -> None:
    """Each answer comes late: so does the card."""
    before = page.world.clock.now()
    await turn(page, "slow", on=True)
    await page.change("time", plus=1)
    incidents = await page.channel("alice", "incidents")
    await page.do("alice", "say", channel=incidents, text=f"@vm-restore {ASK}")
    await page.change("time", plus=1)
    assert said("VM Must Be Stopped")(await page.state("alice")) is None
    for _ in range(30):
        await page.change("time", plus=1)
        if said("VM Must Be Stopped")(await page.state("alice")):
            break
    assert said("VM Must Be Stopped")(await page.state("alice"))
    assert (page.world.clock.now() - before).total_seconds() >= 4
    await turn(page, "slow", on=False)


async def test_slack_refusing(page: Page) -> None:
    """The owner hears of it in a direct message."""
    await turn(page, "refusing", on=True)
    await ask(page)
    told = await page.until("alice", said("I cannot write in"))
    direct = await page.channel("alice", "vm-restore")
    assert told["channel"] == direct
    await turn(page, "refusing", on=False)
    await ask(page)
    await page.until("bob", said("VM Must Be Stopped Before Restore"))


async def test_there_is_no_such_trouble(page: Page) -> None:
    status, answer = await page.post("world", {"do": "trouble", "id": "flood", "on": True})
    assert (status, answer["why"]) == (409, "there is no trouble 'flood'")
