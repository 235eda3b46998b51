"""What `kubectl describe vm` tells a colleague without Slack: the restore has begun, and has ended."""

from typing import Any

from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.kubevirt.faults import Answer, Rule
from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import SetStage
from tests.stories.test_failures import FAILED, break_it

NS, VM = "production", "database-01"
WHO = "Asked for by Alice Example ({id}). Confirmed by Alice Example ({id}). https://example-ops.slack"


def on_the_vm(stage: Stage) -> list[dict[str, Any]]:
    """The bot's events on the VM."""
    uid = stage.world.kube.storage.get("virtualmachines", NS, VM)["metadata"]["uid"]
    return [
        each
        for each in stage.world.kube.storage.view("events", NS)
        if each["involvedObject"].get("uid") == uid
        and each["source"]["component"] == "vm-restore-bot"
    ]


def tries(stage: Stage) -> list[ApiCall]:
    """Each event that the bot has sent."""
    calls = stage.world.kube.log
    return [call for call in calls if (call.verb, call.resource) == ("create", "events")]


async def test_a_restore_is_told_on_its_vm(stage_for: SetStage) -> None:
    """By name, with the link to the thread: twice in all."""
    stage = await stage_for()
    await acts.ask_and_confirm(stage)
    await stage.card(acts.RESTORED)
    await stage.world.quiet()
    [made] = stage.restores()
    begun, ended = on_the_vm(stage)
    assert [begun["metadata"]["name"], ended["metadata"]["name"]] == [
        f"{made.name}.begun",
        f"{made.name}.succeeded",
    ]
    assert [begun["reason"], ended["reason"]] == ["RestoreBegun", "RestoreSucceeded"]
    who = WHO.format(id=stage.alice.id)
    assert who in begun["message"]
    assert who in ended["message"]
    assert "from snapshot pre-upgrade-snapshot" in begun["message"]


async def test_a_failure_is_told_as_a_warning(stage_for: SetStage) -> None:
    stage = await stage_for()
    await acts.ask_and_confirm(stage)
    await stage.card("Restoring VM from snapshot")
    await break_it(stage)
    await stage.card(FAILED)
    await stage.world.quiet()
    _, ended = on_the_vm(stage)
    assert (ended["type"], ended["reason"]) == ("Warning", "RestoreFailed")


async def test_an_event_that_is_refused_holds_up_nothing(stage_for: SetStage) -> None:
    """It is tried once, and no more once the cluster has said that the bot may write none."""
    stage = await stage_for()
    stage.world.kube.deny("create", "events")
    await acts.ask_and_confirm(stage)
    await stage.card(acts.RESTORED)
    await stage.world.pass_time(60)
    assert [call.code for call in tries(stage)] == [403]
    assert on_the_vm(stage) == []


async def test_no_event_tells_of_what_was_never_made(stage_for: SetStage) -> None:
    stage = await stage_for()
    text = "admission webhook denied the request: no"
    stage.world.kube.faults.add(
        Rule(
            Answer(403, "Forbidden", text),
            verb="create",
            resource="virtualmachinerestores",
            dry_run=False,
        )
    )
    await acts.ask_and_confirm(stage)
    await stage.card(FAILED)
    await stage.world.quiet()
    assert tries(stage) == []
