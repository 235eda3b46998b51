"""A cluster that is not the one its name stands for: nothing is done there until somebody decides."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.errors import Misconfigured
from bot.playground.stage import Stage
from bot.playground.world import World
from bot.slack.handlers.requests import restore_id
from bot.store import Store, connect
from tests.stories import acts
from tests.stories.conftest import SetStage

CLUSTER, UID = "default", "0b6c5e0e-0000-4000-8000-000000000001"
REFUSED = f'cluster {CLUSTER}: installation "default" knows another cluster by this name'
MINUTE = 60


@asynccontextmanager
async def store_of(world: World) -> AsyncIterator[Store]:
    """The bot's store."""
    async with connect(world.redis_url) as client:
        yield Store(client, world.slack.team_id, world.clock)


async def known(world: World, kind: str, uid: str = UID) -> None:
    """A cluster was met under the name before."""
    async with store_of(world) as store:
        assert await store.clusters.recognise(CLUSTER, kind, uid) is None


def asked(stage: Stage) -> set[str]:
    """What the cluster was asked for."""
    return {f"{call.verb} {call.resource} {call.name}".strip() for call in stage.world.kube.log}


async def test_another_cluster_under_the_name_is_refused_at_the_start(
    stage_for: SetStage,
) -> None:
    stage = await stage_for(start=False)
    await known(stage.world, "kube-system")
    with pytest.raises(
        Misconfigured, match=r"installation: cluster default: .* knows another"
    ) as no:
        await stage.world.start_bot()
    assert "set another `installation`" in str(no.value)
    assert "`vm-restore-bot clusters forget default`" in str(no.value)
    assert asked(stage) == {"get namespaces kube-system"}


async def test_another_cluster_is_found_out_at_the_first_contact(stage_for: SetStage) -> None:
    """It was away at the start. Nothing is read or done there; the thread, /readyz and the log say why."""
    stage = await stage_for(start=False)
    world = stage.world
    await known(world, "kube-system")
    await world.kube.go_away()
    bot = await world.start_bot()
    await acts.ask(stage)
    await stage.card("cannot be reached")
    await world.kube.start()
    await world.pass_time(MINUTE)
    await stage.card(REFUSED)
    assert asked(stage) == {"get namespaces kube-system"}
    assert REFUSED in (await bot.warnings())[CLUSTER]
    assert await bot.not_ready() == {}
    async with store_of(world) as store:
        await store.clusters.forget(CLUSTER)
    await world.pass_time(MINUTE)
    await acts.finish(stage)
    assert await bot.warnings() == {}


async def test_where_the_namespace_is_closed_kubevirt_tells_clusters_apart(
    stage_for: SetStage,
) -> None:
    """Unlike kinds are not compared: what is known of kube-system says nothing about KubeVirt."""
    stage = await stage_for(start=False)
    world = stage.world
    world.kube.deny("get", "namespaces")
    await known(world, "kube-system")
    await world.start_bot()
    await world.stop_bot()
    async with store_of(world) as store:
        assert await store.clusters.recognise(CLUSTER, "KubeVirt", UID) is not None
        await store.clusters.forget(CLUSTER)
    await known(world, "KubeVirt")
    with pytest.raises(Misconfigured, match=r"\(KubeVirt had the UID"):
        await world.start_bot()


async def test_a_cluster_that_nothing_tells_from_others_is_used(stage_for: SetStage) -> None:
    stage = await stage_for(start=False)
    await known(stage.world, "kube-system")
    for resource in ("namespaces", "kubevirts"):
        stage.world.kube.deny("", resource)
    await stage.world.start_bot()
    await acts.ask_and_finish(stage)


def test_two_installations_that_hear_the_same_make_restores_of_their_own() -> None:
    """By one id each would take the other's object for its own."""
    assert restore_id("east", "message:1") == restore_id("east", "message:1")
    assert restore_id("east", "message:1") != restore_id("west", "message:1")
