"""Too much at once: restores that are open, and requests that somebody sends in a storm."""

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
    assert "• VM `web-01` in `production`, of @alice: " in said
    assert "See its thread (https://" in said
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
    assert "• VM `database-01` in `production`, of @alice: " in refused(stage)[0]
    await stage.bob.slash(stage.channel, "/vm-restore web-01 from before-release")
    await stage.press("Which namespace", "Use production", by=stage.bob)
    assert "at once (1): of `database-01`" in stage.read(await stage.card(FULL))
    await stage.press(FULL, "Start over", by=stage.bob)
    await stage.until(lambda: len(refused(stage)) == 2, "no room yet")
    await acts.ask(stage, "/vm-restore cancel")
    await stage.card("cancelled by user")
    await stage.press(FULL, "Start over", by=stage.bob)
    await stage.until(lambda: stage.shown("type the snapshot name"), "the next one starts")
