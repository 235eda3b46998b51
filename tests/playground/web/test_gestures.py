"""What people do on the page, and what each of them sees."""

from tests.playground.web.conftest import Page, button, said

ASK = "restore database-01 from pre-upgrade-snapshot in production"


async def test_a_whole_restore_by_gestures(page: Page) -> None:
    """Asked, stopped, typed, clicked, restored: the cluster is asked for one restore."""
    incidents = await page.channel("alice", "incidents")
    await page.do("alice", "say", channel=incidents, text=f"@vm-restore {ASK}")
    card = await page.until("alice", said("VM Must Be Stopped Before Restore"))
    assert card["app"]
    await page.do("alice", "click", **button(card, "Stop and restore"))
    card = await page.until("alice", said("type the snapshot name exactly as shown"))
    thread = card["thread_ts"]
    await page.do("alice", "say", channel=incidents, text="pre-upgrade-snapshot", thread=thread)
    card = await page.until("alice", said("Proceed with VM restore?"))
    await page.do("alice", "click", **button(card, "Restore VM now"))
    card = await page.until("bob", said("VM Restored Successfully"))
    assert [
        c.verb
        for c in page.world.kube.log
        if c.resource == "virtualmachinerestores" and c.code == 201 and not c.dry_run
    ] == ["create"]
    state = await page.state("bob")
    (root,) = [m for m in state["messages"][incidents] if m["ts"] == thread]
    assert root["name"] == "alice"
    assert root["replies"] > 3


async def test_everybody_sees_their_own_rooms(page: Page) -> None:
    """The guest and the stranger are in one channel each, and what one person is told others do not see."""
    rooms = {
        name: [each["name"] for each in (await page.state(name))["channels"]]
        for name in page.playground.scene.personas
    }
    assert rooms == {
        "alice": ["incidents", "database-team", "vendor-help", "vm-restore"],
        "bob": ["incidents", "database-team", "vendor-help", "vm-restore"],
        "carol": ["incidents", "vendor-help", "vm-restore"],
        "dave": ["incidents", "vm-restore"],
        "mallory": ["vendor-help"],
    }
    incidents = await page.channel("alice", "incidents")
    why = await page.cannot("mallory", "say", channel=incidents, text="hello")
    assert why == f"mallory is in no conversation {incidents!r}"
    answer = await page.do("alice", "slash", channel=incidents, text="/vm-restore help")
    assert answer["ok"]
    told = await page.until("alice", said("handoff"))
    assert said("handoff")(await page.state("bob")) is None
    there = {"callback_id": "vm_restore_message", "channel": incidents, "ts": told["ts"]}
    assert await page.cannot("bob", "message_shortcut", **there) == "the message is gone"
    assert "database-team" not in (await page.state("mallory"))["rooms"].values()


async def test_the_form_from_the_shortcut_to_the_thread(page: Page) -> None:
    """Opened, searched, chosen, sent; the form shows what is chosen in it."""
    await page.do("alice", "shortcut", callback_id="vm_restore_global")
    form = await page.until("alice", lambda state: state["modal"])
    where = {"surface": {"view": form["id"]}}
    labelled = {b["label"]["text"]: b for b in form["blocks"] if b["type"] == "input"}

    def field(label: str) -> dict[str, object]:
        block = labelled[label]
        return {**where, "block_id": block["block_id"], "action_id": block["element"]["action_id"]}

    incidents = await page.channel("alice", "incidents")
    await page.do("alice", "pick", **field("Where to talk about it"), value=incidents)
    form = await page.until("alice", lambda state: state["modal"])
    labelled = {b["label"]["text"]: b for b in form["blocks"] if b["type"] == "input"}
    offered = (await page.do("alice", "options", **field("VM"), typed="web"))["options"]
    assert [each["text"] for each in offered] == ["web-01", "web-02"]
    assert offered[0]["description"] == "in production"
    await page.do("alice", "pick", **field("VM"), value=offered[0]["value"])
    form = await page.until("alice", lambda state: state["modal"])
    labelled = {b["label"]["text"]: b for b in form["blocks"] if b["type"] == "input"}
    chosen = form["values"][labelled["VM"]["block_id"]][labelled["VM"]["element"]["action_id"]]
    assert chosen["selected_option"]["text"]["text"] == "web-01"
    await page.do("alice", "submit")
    assert (await page.state("alice"))["modal"] is None
    await page.until("bob", said("asked to restore VM `web-01`"))


async def test_what_the_screen_does_not_allow(page: Page) -> None:
    """Each is answered with why, and changes nothing."""
    incidents = await page.channel("alice", "incidents")
    nothing = {"surface": {"channel": incidents, "ts": "1.1"}, "block_id": "b", "action_id": "a"}
    assert await page.cannot("alice", "click", **nothing) == "the message is gone"
    gone = {"surface": {"view": "V1"}, "block_id": "b", "action_id": "a"}
    assert "not on the screen" in await page.cannot("alice", "pick", **gone, value="x")
    assert "no modal is open" in await page.cannot("alice", "submit")
    assert "empty" in await page.cannot("alice", "say", channel=incidents, text=" \n")
    why = await page.cannot("alice", "say", channel=incidents, text="hello", thread="1.1")
    assert "sees no such thread" in why
    assert "no shortcuts" in await page.cannot(
        "mallory", "shortcut", callback_id="vm_restore_global"
    )
    assert "no Home tab" in await page.cannot("mallory", "home")
    assert (await page.state("alice"))["messages"][incidents] == []


async def test_unread_marks_and_mentions(page: Page) -> None:
    """What others say is to be read; a mention notifies, an edit of it does not; reading clears both."""
    incidents = await page.channel("alice", "incidents")

    async def marks() -> tuple[int, int]:
        channels = (await page.state("alice"))["channels"]
        found = next(each for each in channels if each["id"] == incidents)
        return found["unread"], found["mentions"]

    first = await page.do("bob", "say", channel=incidents, text="production is slow")
    assert await marks() == (1, 0)
    await page.do("bob", "edit", channel=incidents, ts=first["ts"], text="it is slow, @alice")
    assert await marks() == (1, 0)
    second = await page.do("bob", "say", channel=incidents, text="@alice, look at it please")
    assert await marks() == (2, 1)
    (notice,) = (await page.state("alice"))["notices"]
    assert notice["ts"] == second["ts"]
    assert notice["text"] == "@alice, look at it please"
    await page.do("alice", "read", channel=incidents)
    assert await marks() == (0, 0)
    own = {"thread": first["ts"], "broadcast": True}
    await page.do("alice", "say", channel=incidents, text="I do", **own)
    assert await marks() == (0, 0)
    await page.do("bob", "delete", channel=incidents, ts=second["ts"])
    assert (await page.state("alice"))["notices"] == []
    why = await page.cannot("alice", "delete", channel=incidents, ts=first["ts"])
    assert "cannot change this message" in why


async def test_home_and_the_shortcut_of_a_message(page: Page) -> None:
    """The Home tab comes when it is looked at; a message's shortcut opens the form, Escape closes it."""
    await page.do("bob", "home")
    home = await page.until("bob", lambda state: state["home"])
    assert home["type"] == "home"
    incidents = await page.channel("alice", "incidents")
    told = await page.do("bob", "say", channel=incidents, text="it is down")
    await page.do(
        "alice",
        "message_shortcut",
        callback_id="vm_restore_message",
        channel=incidents,
        ts=told["ts"],
    )
    assert await page.until("alice", lambda state: state["modal"])
    assert (await page.state("bob"))["modal"] is None
    await page.do("alice", "close")
    assert (await page.state("alice"))["modal"] is None


async def test_time_moves_as_it_is_told(page: Page) -> None:
    """At another speed, or forward at once with everything that is due meanwhile."""
    await page.change("time", speed=10)
    page.playground.pace.beat(0.1)
    state = await page.state("alice")
    assert (state["now"], state["speed"]) == ("2026-02-18T16:30:01Z", 10)
    await page.change("time", plus=299)
    assert (await page.state("alice"))["now"] == "2026-02-18T16:35:00Z"
    await page.change("time", speed=1)
    page.playground.pace.beat(3600)  # the machine slept
    assert (await page.state("alice"))["now"] == "2026-02-18T16:35:00Z"
    assert (await page.post("world", {"do": "time", "speed": 7}))[0] == 409
    assert (await page.post("world", {"do": "time", "plus": -1}))[0] == 409
