"""What can be done to the world on the page, and what the page shows of it."""

from collections.abc import Callable
from pathlib import Path

from bot.playground.kubevirt.faults import Delay, Rule
from bot.playground.world import world
from tests.playground.web.conftest import Json, Page, button, opened, said
from tests.playground.web.test_gestures import ASK


def created(page: Page) -> int:
    """How many restores the cluster was asked for, dry runs aside."""
    return sum(
        call.verb == "create" and call.resource == "virtualmachinerestores" and not call.dry_run
        for call in page.world.kube.log
    )


async def stop(page: Page) -> None:
    """Alice agrees to the stop."""
    card = await page.until("alice", said("VM Must Be Stopped Before Restore"))
    await page.do("alice", "click", **button(card, "Stop and restore"))


async def ask_and_confirm(
    page: Page, before_the_click: Callable[[], object] = lambda: None
) -> None:
    """Alice, up to the click."""
    incidents = await page.channel("alice", "incidents")
    await page.do("alice", "slash", channel=incidents, text=f"/vm-restore {ASK}")
    await stop(page)
    card = await page.until("alice", said("type the snapshot name exactly as shown"))
    name = "pre-upgrade-snapshot"
    await page.do("alice", "say", channel=incidents, text=name, thread=card["thread_ts"])
    card = await page.until("alice", said("Proceed with VM restore?"))
    before_the_click()
    await page.do("alice", "click", **button(card, "Restore VM now"))


def bot(how: str) -> Callable[[Json], bool]:
    """Finds whether the bot is so."""
    return lambda state: state["bot"]["state"] == how


async def test_the_bot_is_killed_and_started_in_the_middle(page: Page) -> None:
    """The next one carries the restore on; the cluster is asked for one."""
    page.world.kube.knobs.own_class("standard").bind = 30
    await ask_and_confirm(page)
    await page.until("alice", said("Restoring VM from snapshot"))
    await page.change("bot", action="kill")
    assert (await page.state("bob"))["bot"] == {"state": "stopped"}
    status, answer = await page.post("world", {"do": "bot", "action": "kill"})
    assert (status, answer["why"]) == (409, "there is no bot that could be killed")
    await page.world.quiet()
    assert page.world.slack.connections == 0
    before = len(page.world.kube.log), len(page.world.slack.log)
    await page.change("time", plus=60)
    assert (len(page.world.kube.log), len(page.world.slack.log)) == before
    await page.change("bot", action="start")
    await page.until("alice", bot("running"))
    await page.until("alice", said("VM Restored Successfully"))
    assert created(page) == 1


async def test_a_killed_bot_gives_nothing_back(page: Page) -> None:
    """It dies in the middle of its look before the create: its lease runs out by itself."""
    slow = Rule(Delay(3600), verb="get", resource="virtualmachines", dry_run=False)
    await ask_and_confirm(page, before_the_click=lambda: page.world.kube.faults.add(slow))
    await page.world.until(lambda: page.world.kube.held_back, "the look", alive=False)
    await page.change("bot", action="kill")
    await page.change("bot", action="start")
    await page.until("alice", bot("running"))
    await page.change("time", plus=10)
    assert created(page) == 0
    await page.change("time", plus=20)
    assert created(page) == 1


async def test_redis_is_restarted_in_the_middle(tmp_path: Path) -> None:
    """What was acknowledged is still there."""
    async with world(tmp_path) as made, opened(made) as page:
        page.world.kube.knobs.own_class("standard").bind = 30
        await ask_and_confirm(page)
        await page.until("alice", said("Restoring VM from snapshot"))
        await page.change("redis", action="restart")
        await page.until("alice", said("VM Restored Successfully"))
        assert created(page) == 1


async def test_the_cluster_stands_beside_it(page: Page) -> None:
    """VMs with their disks, snapshots with how they were taken, restores with their conditions."""

    def named(state: Json, kind: str, name: str) -> Json:
        return next(
            each
            for each in state["cluster"][kind]
            if (each["namespace"], each["name"]) == ("production", name)
        )

    state = await page.state("mallory")
    vm = named(state, "vms", "database-01")
    assert (vm["status"], vm["run_strategy"], vm["ready"]) == ("Running", "Always", True)
    assert vm["disks"][1] == {
        "name": "data",
        "claim": "database-01-data",
        "size": "100Gi",
        "storage_class": "standard",
        "bound": True,
    }
    taken = {each["name"]: each["consistency"] for each in state["cluster"]["snapshots"]}
    assert taken["pre-upgrade-snapshot"] == "application-consistent"
    assert taken["nightly-database-01"] == "crash-consistent"
    assert taken["before-release"] == "offline"
    await page.change("vm", namespace="production", name="web-01", action="start")
    await page.until("bob", lambda now: named(now, "vms", "web-01")["status"] == "Running")
    status, answer = await page.post(
        "world", {"do": "vm", "namespace": "production", "name": "web-01", "action": "start"}
    )
    assert status == 409
    assert answer["why"].endswith("VM is already running")
    await ask_and_confirm(page)
    await page.until("alice", said("VM Restored Successfully"))
    (made,) = (await page.state("alice"))["cluster"]["restores"]
    assert (made["vm"], made["snapshot"]) == ("database-01", "pre-upgrade-snapshot")
    assert made["complete"]
    assert {"Ready", "Progressing"} == {each["type"] for each in made["conditions"]}


async def test_the_timeline_of_a_restore(page: Page) -> None:
    """Asked, looked at, typed, clicked, written down, created: in this order, each with who did it."""
    await ask_and_confirm(page)
    await page.until("alice", said("VM Restored Successfully"))
    told = (await page.state("mallory"))["timeline"]
    lines = [f"{each['source']} {each['who']}: {each['text']}" for each in told]
    name = told[-2]["text"].removeprefix("succeeded (").removesuffix(")")
    beats = [
        f"slack alice: typed /vm-restore {ASK}",
        "audit alice: requested",
        "(a dry run): done",
        "slack vm-restore: shows “⚠️ VM Must Be Stopped Before Restore”",
        "slack alice: clicked [Stop and restore]",
        "document : decided to stop the VM, whose run strategy was Always",
        "cluster : stop the VM production/database-01: done",
        "slack alice: said “pre-upgrade-snapshot”",
        "all of it is compared again before the create",
        "document alice: the typed name is the snapshot's",
        "slack alice: clicked [Restore VM now]",
        "document alice: confirmed by the click on card 5",
        f"document : fixed the name of the restore before it is asked for: {name}",
        "audit alice: restoring (confirm)",
        "cluster : looked before it: 2 persistentvolumeclaims",
        f"cluster : create the restore {name} from pre-upgrade-snapshot: done",
        "document : ended as succeeded",
        "slack vm-restore: shows “✓ VM Restored Successfully”",
    ]
    rest = iter(lines)
    missing = [beat for beat in beats if not any(beat in line for line in rest)]
    assert missing == [], "\n".join(lines)
    assert {each["about"] for each in told} == {"production/database-01 from pre-upgrade-snapshot"}
    incidents = await page.channel("alice", "incidents")
    await page.do("alice", "say", channel=incidents, text="@vm-restore restore web-01")
    await page.until("alice", lambda state: "web-01" in state["timeline"][0]["about"])
    newest, *_, oldest = (await page.state("alice"))["timeline"]
    assert (newest["text"], newest["who"]) == ("said “@vm-restore restore web-01”", "alice")
    assert oldest["restore"] == told[0]["restore"]
