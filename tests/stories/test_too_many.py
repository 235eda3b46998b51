"""Too much at once: restores that are open, and requests that somebody sends in a storm."""

import io

from bot.playground.stage import Stage, access
from tests.stories import acts
from tests.stories.conftest import SetStage
from tests.stories.test_safety_snapshot import confirm_protected

OTHER_VM = "/vm-restore web-01 from before-release in production"
FULL = "❌ Too Many Open Restores in This Namespace"


def refused(stage: Stage) -> list[str]:
    """What Bob was told of a namespace that is full."""
    said = [stage.read(each) for each in stage.whispers(stage.bob)]
    return [each for each in said if "restores are open in namespace" in each]


async def test_a_person_has_so_many_restores_open_and_an_undo(stage_for: SetStage) -> None:
    """What is open is named with its thread and how to end it; an Undo needs no room."""
    stage = await stage_for(config={"limits": {"open_per_person": 1}})
    await confirm_protected(stage)
    await stage.card(acts.RESTORED)
    await acts.ask(stage, OTHER_VM)
    await stage.card("before-release")
    await acts.ask(stage)
    said = stage.read(await stage.whispered("as many restores open as one person may have"))
    assert "(1). End one of them and ask again: write `/vm-restore cancel VM`" in said
    assert "• VM `web-01` in `production`, of @alice: see its thread (https://" in said
    await stage.press(acts.RESTORED, "Undo")
    await stage.until(lambda: len([m for m in stage.marks() if ".2:" in m]) > 1, "it goes on")
    await acts.ask(stage, "/vm-restore cancel web-01")
    await stage.card("cancelled by user")


async def test_so_many_restores_are_open_in_a_namespace(stage_for: SetStage) -> None:
    """At the start, and where the namespace becomes known later: who waits may start over."""
    stage = await stage_for(config={"limits": {"open_per_namespace": 1}}, start=False)
    stage.world.config = {**stage.world.config, **access(stage.alice, stage.bob)}
    await stage.world.start_bot()
    await acts.to_the_warning(stage)
    await stage.bob.slash(stage.channel, OTHER_VM)
    await stage.until(lambda: refused(stage), "no room")
    assert (
        "• VM `database-01` in `production`, of @alice: see its thread (https://"
        in refused(stage)[0]
    )
    await stage.bob.slash(stage.channel, "/vm-restore web-01 from before-release")
    await stage.press("Which namespace", "Use production", by=stage.bob)
    assert "at once (1): of `database-01`" in stage.read(await stage.card(FULL))
    await stage.press(FULL, "Start over", by=stage.bob)
    await stage.until(lambda: len(refused(stage)) == 2, "no room yet")
    await acts.ask(stage, "/vm-restore cancel")
    await stage.card("cancelled by user")
    await stage.press(FULL, "Start over", by=stage.bob)
    await stage.until(lambda: stage.shown("type the snapshot name"), "the next one starts")


def rounds(stage: Stage) -> float:
    """How often a restore was worked on."""
    assert stage.world.bot is not None
    metric = "vm_restore_rounds_total"
    found = stage.world.bot.metrics.registry.get_sample_value(metric, {"result": "restore_ok"})
    return found or 0.0


async def test_a_storm_of_requests_holds_up_no_restore(
    stage_for: SetStage, logged: io.StringIO
) -> None:
    """Bob, who may nothing, says `help` 45 times in eight seconds while the cluster restores."""
    stage = await stage_for()
    kube, slack = stage.world.kube, stage.world.slack
    await kube.pause_controllers()
    await acts.ask_and_confirm(stage)
    await acts.handed_over(stage)

    async def eight_seconds(said: int) -> tuple[float, list[str]]:
        begun, asked = rounds(stage), len(kube.log)
        for second in range(8):
            for _ in range(said * second // 8, said * (second + 1) // 8):
                await stage.bob.say(stage.channel, f"{slack.mention} help")
            await stage.world.pass_time(1)
        return rounds(stage) - begun, [call.resource for call in kube.log[asked:]]

    quiet, storm = await eight_seconds(0), await eight_seconds(45)
    assert storm == quiet
    answers = [stage.read(each) for each in stage.whispers(stage.bob)]
    told = [each for each in answers if "You ask faster than I answer" in each]
    assert (len(answers), len(told)) == (22, 1), "20, one more in eight seconds, and this"
    assert logged.getvalue().count("person_too_often") == 1
    kube.resume_controllers()
    await stage.card(acts.RESTORED)


async def test_a_storm_of_their_own_keeps_nobody_from_answering(stage_for: SetStage) -> None:
    """In the thread of their restore, and in their channel: answers, clicks and `cancel` count."""
    config = {"limits": {"requests_per_person": 5, "requests_per_channel": 2}}
    stage = await stage_for(config=config)
    await acts.to_the_warning(stage)
    for _ in range(3):
        await acts.ask(stage, "/vm-restore status")
    await stage.whispered("Too many requests come from this channel")
    for _ in range(2):
        await acts.ask(stage, "/vm-restore status")
    await stage.world.quiet()
    assert len([each for each in stage.whispers(stage.alice) if each.user != stage.alice.id]) == 3
    await acts.confirm(stage)
    await stage.card(acts.RESTORED)
    await acts.ask(stage, "/vm-restore cancel")
    await stage.whispered("You have no restore that could be cancelled")
    await stage.world.pass_time(61)
    await acts.ask(stage, "/vm-restore status")
    await stage.whispered("under way")


async def test_a_request_that_is_tried_again_counts_once(stage_for: SetStage) -> None:
    stage = await stage_for(config={"limits": {"requests_per_person": 1}})
    stage.world.slack.faults.fail("chat.postEphemeral", 503, times=3)
    await stage.bob.say(stage.channel, f"{stage.world.slack.mention} list")
    await stage.whispered("Not permitted", stage.bob)
