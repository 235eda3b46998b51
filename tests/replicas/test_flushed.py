"""Two processes on one Redis, which is emptied in the middle of their restores."""

import asyncio

from redis.asyncio import Redis

from tests.replicas.conftest import SetScene
from tests.tools.fleet import until

GONE = "My Record of This Restore Is Gone"


async def test_restores_go_on_without_a_record_of_them(scene_of: SetScene) -> None:
    """Each is told once, by either replica, and each ends well: one object for one confirmation."""
    scene = await scene_of(people=2)
    fleet, world = scene.fleet, scene.fleet.world
    world.kube.knobs.disks.bind = 15
    await fleet.start(2)
    async with asyncio.TaskGroup() as group:
        for actor in scene.actors:
            group.create_task(actor.play())
        await until(lambda: all(each.created() for each in scene.actors), "both are created")
        for each in scene.actors:
            await each.restoring()
        async with Redis.from_url(world.redis_url) as client:
            await client.flushall()
    for actor in scene.actors:
        texts = [actor.stage.read(each) for each in actor.stage.cards()]
        assert sum(GONE in text for text in texts) == 1
    lost = [await each.counted("vm_restore_records_lost_total") for each in fleet.replicas]
    assert sum(lost) == 2
