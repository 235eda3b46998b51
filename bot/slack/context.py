"""What the handlers of Slack work with: built once when the bot starts, and frozen from then on.

A handler's constructor takes this one value and the other handlers that it calls. What is added here
reaches every handler; no signature changes for it.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.clock import Clock
from bot.metrics import Metrics
from bot.restore.diagnosis.evidence import Evidence
from bot.restore.model import Restore
from bot.restore.observation import Snapshot
from bot.restore.rules import Rules
from bot.slack.api.authorizer import Authorizer
from bot.slack.api.client import SlackApi
from bot.slack.api.directory import Directory, Workspace
from bot.slack.outbound.replies import Responder
from bot.store.store import Store

Inquire = Callable[[Restore], Awaitable[Evidence]]
Ping = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How many requests a minute are taken in this process; 0: as many as come."""

    of_person: int
    in_channel: int


@dataclass(frozen=True, slots=True)
class SlackConfig:
    """The part of the settings that handlers read."""

    home: Workspace
    rules: Rules
    clusters: tuple[str, ...]
    default_cluster: str
    installation: str
    requests: RequestLimits


@dataclass(frozen=True, slots=True)
class Names:
    """Read-only lists of one cluster (see `cluster.catalog`)."""

    vms: Callable[[Collection[str] | None], Awaitable[list[tuple[str, str]]]]
    """(namespace, name) of every VM in these namespaces, or in all."""
    snapshots: Callable[[str, str], Awaitable[list[Snapshot]]]
    """Snapshots of (namespace, vm), newest first."""
    all_snapshots: Callable[[str], Awaitable[list[Snapshot]]]
    """Snapshots of every VM in a namespace, newest first."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """When the shift report is posted, and where."""

    channel: str
    plan: str
    """The settings in short: a periodic task with another plan was made under other settings."""
    after: Callable[[datetime], datetime]
    """The first time after a moment at which a report is due."""


@dataclass(frozen=True, slots=True)
class SlackContext:
    """The clients, the store and the settings that all handlers share."""

    web: SlackApi
    store: Store
    people: Directory
    authorizer: Authorizer
    responder: Responder
    config: SlackConfig
    names: Mapping[str, Names]
    """The lists of each cluster."""
    inquire: Mapping[str, Inquire]
    """Reads, in each cluster, what may say why a restore does not go on."""
    pings: Mapping[str, Ping]
    """Asks whether a cluster answers."""
    timetable: Timetable | None
    """When the shift report is due; None if the settings name no channel for it."""
    version: str
    clock: Clock
    metrics: Metrics
