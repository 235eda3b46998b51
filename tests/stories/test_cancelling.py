"""`/vm-restore cancel` counts once, whatever happens to the worker that deals with it."""

from typing import Any

import pytest

from bot.errors import StoreUnavailable
from bot.restore.events import Cancel, Reply
from bot.restore.model import Phase, Restore
from bot.slack.handlers.apply_event import Applied, EventApplier
from bot.store import Store, connect
from tests.stories import acts
from tests.stories.conftest import SetStage, documents


async def test_killed_before_the_answer_to_a_cancel(
    stage_for: SetStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker that takes the command over finds what was done, and cancels nothing else."""
    stage = await stage_for()
    apply, died = EventApplier.apply, list[str]()

    async def dies_once(steps: EventApplier, restore: Restore, event: Any) -> Applied:
        reply = await apply(steps, restore, event)
        if isinstance(event, Cancel) and not died:
            died.append(restore.id)
            raise StoreUnavailable("the worker was killed")
        return reply

    monkeypatch.setattr(EventApplier, "apply", dies_once)
    hers = stage.world.slack.dm(stage.alice)
    await stage.alice.slash(hers, "/vm-restore web-01 from before-release in production")
    await acts.to_the_warning(stage)
    await stage.alice.slash(stage.channel, "/vm-restore cancel")
    await stage.card("Restore operation cancelled by user.")
    await stage.whispered("Done. The thread of the restore of VM", to=stage.alice)
    await stage.world.quiet()
    phases = {each.request.vm: each.phase for each in await documents(stage.world)}
    assert phases == {"web-01": Phase.TYPING, "database-01": Phase.CANCELLED}
    assert len(died) == 1


async def test_an_event_that_meets_a_newer_document_is_applied_to_that(stage_for: SetStage) -> None:
    """What was loaded before the name was typed is out of date: the cancel is not lost."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.world.quiet()
    (old,) = await documents(stage.world)
    await acts.type_name(stage)
    await stage.world.quiet()
    clock = stage.world.clock
    async with connect(stage.world.redis_url) as client:
        steps = EventApplier(Store(client, stage.world.slack.team_id, clock), clock)
        counted = await steps.apply(old, Cancel(by=old.owner))
        in_vain = await steps.apply(old, Cancel(by=old.owner))
    (now,) = await documents(stage.world)
    assert (counted.reply, in_vain.reply) == (None, Reply.ENDED)
    assert in_vain.restore.outcome == now.outcome, "the answer tells of what it was decided on"
    assert (old.phase, now.phase) == (Phase.TYPING, Phase.CANCELLED)
    await stage.world.pass_time(60)
    await stage.card("Restore operation cancelled by user.")
    assert acts.changes(stage) == []
