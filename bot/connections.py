"""The connections of a bot: its store and its clusters, as the settings name them.

What is opened is closed by the given stack.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial

import structlog

from bot.cancelling import closes
from bot.clock import Clock
from bot.cluster.cluster import Cluster
from bot.cluster.identity import Installation
from bot.errors import AnotherCluster, Misconfigured, Permanent, Temporary
from bot.http_server import Waits
from bot.settings import Settings
from bot.store import EmbeddedRedis, Store, connect
from bot.telemetry import Metrics

log = structlog.get_logger(__name__)


async def store_url(settings: Settings, stack: AsyncExitStack) -> str:
    """The address of the store; the embedded server is started where the settings name none."""
    url = settings.environment.redis_url
    if url is not None:
        return url.get_secret_value()
    embedded = EmbeddedRedis(sync=True)
    address = await embedded.start(settings.store.data_dir)
    stack.push_async_callback(embedded.stop)
    return address


async def open_store(
    settings: Settings, team: str, clock: Clock, waits: Waits, stack: AsyncExitStack
) -> Store:
    """The store, once it answers; what is known to be wrong with it is logged."""
    address = await store_url(settings, stack)
    client = await stack.enter_async_context(connect(address))
    store = Store(
        client,
        team,
        clock,
        installation=settings.installation,
        lease_seconds=settings.store.lease_seconds,
        replicas_to_wait_for=settings.store.replicas_to_wait_for,
    )
    await waits.until("store", store.queue.learn_the_time)
    for risk in (await waits.until("store", store.durability)).risks:
        log.warning("the store may lose restores", what=risk.what, fix=risk.fix)
    return store


async def open_clusters(
    settings: Settings, store: Store, clock: Clock, metrics: Metrics, stack: AsyncExitStack
) -> dict[str, Cluster]:
    """The clusters by name. Raises Misconfigured if one is another one than the store knows."""
    clusters: dict[str, Cluster] = {}
    installation = Installation(settings.installation, store.clusters.recognise)
    for name, each in settings.clusters.items():
        cluster = await Cluster.connect(
            name,
            kubeconfig=each.kubeconfig,
            context=each.context,
            namespaces=() if each.everywhere else each.namespaces,
            clock=clock,
            counted=partial(metrics.kubernetes_answered, name),
            installation=installation,
        )
        closes(stack, f"cluster {name}", cluster.close)
        clusters[name] = cluster
    await _recognised(clusters)
    return clusters


async def _recognised(clusters: Mapping[str, Cluster]) -> None:
    """A cluster under another one's name is found out now; one that is away, when it is back."""
    asked = [cluster.confirm() for cluster in clusters.values()]
    for answer in await asyncio.gather(*asked, return_exceptions=True):
        match answer:
            case AnotherCluster():
                raise Misconfigured(f"installation: {answer.what}")
            case Temporary() | Permanent():
                log.warning("a cluster is not recognised yet", why=str(answer))
            case BaseException():
                raise answer
