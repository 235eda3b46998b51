"""Builds each part of a bot as the settings name it: Slack, the store, the clusters, the receivers.

What is opened here is closed by the given stack. `bot/app.py` puts the parts together.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp

from bot import __version__
from bot.cancelling import closes
from bot.clock import Clock, FarClock
from bot.cluster.cluster import Cluster
from bot.cluster.identity import Installation
from bot.errors import AnotherCluster, Misconfigured, Permanent, Temporary
from bot.http_server import Waits
from bot.metrics import Metrics
from bot.reconciler import ReconcilerDeps
from bot.settings import Settings
from bot.slack.api.client import SlackApi
from bot.slack.api.directory import ORG_WIDE, Directory, Workspace, workspace
from bot.slack.api.network import Network, WebClient
from bot.slack.context import Names, RequestLimits, SlackConfig, SlackContext, Timetable
from bot.slack.inbound.http_receiver import HttpReceiver
from bot.slack.inbound.refusals import Refusals
from bot.slack.inbound.socket_receiver import SocketReceiver
from bot.slack.outbound.replies import Responder
from bot.store import EmbeddedRedis, Keeping, Store, connect
from bot.store.records import OpenLimits

NOT_ORG_WIDE = (
    "is of an app that is installed for a whole organisation, and the bot works in one workspace; install "
    "the app in that workspace (without org-wide deployment) and write the token of that installation"
)

log = structlog.get_logger(__name__)


async def open_slack(
    settings: Settings, clock: Clock, metrics: Metrics, stack: AsyncExitStack
) -> tuple[SlackApi, WebClient]:
    """The bot's own client, and one without a token for Bolt; both on one session."""
    network = network_of(settings)
    session = await stack.enter_async_context(network.session())
    own, bolts = (
        WebClient(token, settings.environment.slack_api, network, session)
        for token in (settings.environment.bot_token.get_secret_value(), None)
    )
    return SlackApi(own, metrics, FarClock(clock)), bolts


def network_of(settings: Settings) -> Network:
    """The way to Slack that the environment names."""
    environment = settings.environment
    secure, plain = (
        None if proxy is None else proxy.get_secret_value()
        for proxy in (environment.https_proxy, environment.http_proxy)
    )
    return Network(secure, plain, environment.no_proxy)


async def who_we_are(slack: SlackApi, waits: Waits) -> Workspace:
    """Ask Slack who we are; a token that does not work is found out now, not in an incident."""
    try:
        return await waits.until("slack", partial(workspace, slack))
    except Permanent as refused:
        if refused.reason == ORG_WIDE:
            raise Misconfigured(f"SLACK_BOT_TOKEN: {NOT_ORG_WIDE}") from refused
        raise Misconfigured(f"SLACK_BOT_TOKEN: Slack refuses it ({refused.reason})") from refused


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
        keeping=keeping(settings),
    )
    store.counts(waits.metrics.redis_answered)
    await waits.until("store", store.queue.learn_the_time)
    for risk in (await waits.until("store", store.durability)).risks:
        log.warning("the store may lose restores", what=risk.what, fix=risk.fix)
    return store


def keeping(settings: Settings) -> Keeping:
    """How the store keeps restores."""
    kept = settings.store
    return Keeping(
        timedelta(seconds=kept.lease_seconds),
        kept.replicas_to_wait_for,
        timedelta(days=kept.audit_days),
        OpenLimits(settings.limits.open_per_person, settings.limits.open_per_namespace),
    )


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


def slack_context(
    settings: Settings, home: Workspace, people: Directory, parts: ReconcilerDeps
) -> SlackContext:
    """What the handlers of Slack work with."""
    return SlackContext(
        web=parts.web,
        store=parts.store,
        people=people,
        authorizer=parts.authorizer,
        responder=Responder(parts.web),
        config=SlackConfig(
            home=home,
            rules=settings.rules,
            clusters=tuple(parts.clusters),
            default_cluster=settings.default_cluster,
            installation=settings.installation,
            requests=RequestLimits(
                settings.limits.requests_per_person, settings.limits.requests_per_channel
            ),
        ),
        names={
            name: Names(each.catalog.vms, each.catalog.snapshots, each.catalog.all_snapshots)
            for name, each in parts.clusters.items()
        },
        inquire={name: cluster.evidence for name, cluster in parts.clusters.items()},
        pings={name: cluster.ping for name, cluster in parts.clusters.items()},
        timetable=_timetable(settings),
        version=__version__,
        clock=parts.clock,
        metrics=parts.metrics,
    )


def _timetable(settings: Settings) -> Timetable | None:
    """When the shift report is due, if the settings name a channel for it."""
    times = settings.report
    if times.channel is None:
        return None
    plan = f"{times.channel} {','.join(times.at)} {times.timezone}"
    return Timetable(times.channel, plan, times.after)


def http_receiver(
    settings: Settings, bolt: AsyncApp, home: Workspace, refusals: Refusals, slack: FarClock
) -> HttpReceiver | None:
    """What takes Slack's requests by HTTP; none in Socket Mode."""
    secret = settings.environment.signing_secret
    if settings.socket_mode or secret is None:
        return None
    return HttpReceiver(bolt, secret.get_secret_value(), home, slack, refusals)


def socket_receiver(
    settings: Settings,
    bolt: AsyncApp,
    web: SlackApi,
    theirs: Callable[[Mapping[str, Any]], bool],
    clock: Clock,
) -> SocketReceiver | None:
    """What takes what comes by Socket Mode; none where Slack comes by HTTP."""
    token = settings.environment.app_token
    if token is None:
        return None
    return SocketReceiver(bolt, token.get_secret_value(), web, theirs, clock)


async def open_socket(socket: SocketReceiver, waits: Waits, stack: AsyncExitStack) -> None:
    """Connect, and wait for Slack's hello."""
    socket.acknowledged = waits.metrics.ack_seconds.labels("socket").observe
    closes(stack, "the socket", socket.close)
    await waits.until("slack", socket.open)
