"""The shape of the settings: one frozen tree of sections.

The docstring under a field is what the documentation says about it (`bot/settings/describe.py`).
A key that nobody knows is an error: a misspelled rule must not silently mean "no rule".
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl, field_validator

from bot.restore.access import ANY, Channel, Namespace, Policy
from bot.restore.installation import DEFAULT
from bot.restore.rules import Rules
from bot.settings.types import (
    ApiUrl,
    AppName,
    AppToken,
    Authorities,
    BotToken,
    ClusterName,
    CommandName,
    Duration,
    InstallationName,
    Kubeconfig,
    ProxyUrl,
    SigningSecret,
    StoreUrl,
    TimesOfDay,
    Zone,
    is_duration,
    seconds,
    zone_named,
)
from bot.telemetry import Level, Style
from bot.texts.names import DEFAULT as DEFAULT_NAMES
from bot.texts.names import AppNames

Hearing = Literal["words", "mentions"]


class Section(BaseModel):
    """A part of the settings. What it does not know it refuses."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True
    )


class Environment(Section):
    """Secrets, addresses and paths, from environment variables; an empty one counts as not set."""

    bot_token: BotToken = Field(alias="SLACK_BOT_TOKEN")
    """The bot's token (xoxb-…), from "OAuth & Permissions" of the Slack app."""
    app_token: AppToken | None = Field(default=None, alias="SLACK_APP_TOKEN")
    """An app-level token (xapp-…) with `connections:write`: turns Socket Mode on."""
    signing_secret: SigningSecret | None = Field(default=None, alias="SLACK_SIGNING_SECRET")
    """The signing secret: needed without Socket Mode, where Slack sends to the bot over HTTP."""
    slack_api: ApiUrl = Field(default="https://slack.com/api/", alias="SLACK_API_URL")
    """Another Slack endpoint, for tests; https unless it is on this machine."""
    https_proxy: ProxyUrl | None = Field(default=None, alias="HTTPS_PROXY")
    """The proxy on every way to Slack, also of the socket: `http://HOST:PORT`."""
    http_proxy: ProxyUrl | None = Field(default=None, alias="HTTP_PROXY")
    """The same for a `SLACK_API_URL` with `http://`, for tests."""
    no_proxy: str = Field(default="", alias="NO_PROXY")
    """Hosts and domains that are reached without the proxy, with commas; `*` for all."""
    authorities: Authorities | None = Field(default=None, alias="SSL_CERT_FILE")
    """A PEM file with the certificate authorities that are trusted instead of the machine's."""
    redis_url: StoreUrl | None = Field(default=None, alias="REDIS_URL")
    """The Redis or Valkey that keeps the restores; without it one is started, for one process."""
    kubeconfig: Kubeconfig | None = Field(default=None, alias="KUBECONFIG")
    """The kubeconfig of clusters that name none; without it the pod's own service account."""
    config: Path | None = Field(default=None, alias="VM_RESTORE_CONFIG")
    """The YAML file with everything below."""


class AppSettings(Section):
    """What the Slack app is called. `vm-restore-bot manifest` writes these names into the app's manifest."""

    command: CommandName = DEFAULT_NAMES.command
    """Its slash command. Each of several installations in one workspace needs one of its own; its bot is
    called like it, without the slash."""
    name: AppName = DEFAULT_NAMES.app
    """How Slack's lists call the app."""

    @property
    def names(self) -> AppNames:
        """As the texts take them."""
        return AppNames(self.command, self.name)


class ClusterSettings(Section):
    """One cluster."""

    kubeconfig: Kubeconfig | None = None
    """Path of its kubeconfig; without it `KUBECONFIG`, else the pod's own service account."""
    context: str | None = None
    """The context of the kubeconfig; without it the current one."""
    namespaces: tuple[Namespace, ...] = ()
    """The namespaces the bot may look at; empty for all, which takes cluster-wide rights."""

    @property
    def everywhere(self) -> bool:
        """No list of namespaces limits the bot."""
        return not self.namespaces or ANY in self.namespaces


def _or_empty(value: Any) -> Any:
    """A cluster that is only named: `clusters: {default: }`."""
    return {} if value is None else value


class Listen(Section):
    """Where plain words are heard; slash commands and mentions always are."""

    default: Hearing = "words"
    """`words`: plain sentences in every channel the bot is in; `mentions`: only its mentions."""
    channels: Mapping[Channel, Hearing] = {}
    """The same choice for single channels: their ids, each with `words` or `mentions`."""

    def hears_words(self, channel: str) -> bool:
        """Is a sentence without a mention heard in this channel?"""
        return self.channels.get(channel, self.default) == "words"


class Http(Section):
    """The port for health and metrics and, without Socket Mode, the one for Slack's requests."""

    host: str = "0.0.0.0"  # noqa: S104 - the kubelet, Prometheus and Slack come from outside the pod
    """The address to listen on."""
    port: int = Field(default=8080, ge=0, le=65535)
    """The port for health and metrics; 0 takes a free one."""
    slack_port: int | None = Field(default=None, ge=0, le=65535)
    """Without Socket Mode, the port for Slack's requests; not set: the same port."""

    @property
    def apart(self) -> bool:
        """Slack's requests have a port of their own; 0 is another free one."""
        return self.slack_port == 0 or self.slack_port not in {None, self.port}


class StoreSettings(Section):
    """How restores are kept."""

    data_dir: Path = Path("var/store")
    """Where the embedded server keeps its data when there is no `REDIS_URL`."""
    lease_seconds: Duration = Field(default=25, ge=20, le=120)
    """How long a restore belongs to one replica: what its sudden death costs at most."""
    replicas_to_wait_for: int = Field(default=0, ge=0, le=5)
    """Replicas of Redis that must have a decision before it is acted on or told; 1 where it has some."""
    audit_days: int = Field(default=400, ge=1, le=3660)
    """For how many days after its last entry the audit of a restore is kept."""


class Limits(Section):
    """How much at once, of one person and in one place; 0: no limit."""

    open_per_person: int = Field(default=5, ge=0, le=1000)
    """Open restores of one person. An Undo is always possible."""
    open_per_namespace: int = Field(default=10, ge=0, le=1000)
    """Open restores in one namespace of a cluster. An Undo is always possible."""
    requests_per_person: int = Field(default=20, ge=0, le=10_000)
    """Requests a minute that a replica takes from one person. Answers and clicks are not counted."""
    requests_per_channel: int = Field(default=60, ge=0, le=10_000)
    """The same of a channel, without requests for a restore."""


class Log(Section):
    """Log lines, on standard error."""

    level: Level = "info"
    """`debug`, `info`, `warning` or `error`."""
    format: Style = "json"
    """`json`, or `console` for people."""


class Traces(Section):
    """Traces (OpenTelemetry): one for each restore, from Slack's event to the last edit."""

    endpoint: HttpUrl | None = None
    """Where they are sent by OTLP over HTTP (`http://…:4318/v1/traces`); not set: nowhere. It needs the extra
    `traces`."""


class ReportTimes(Section):
    """The shift report by the clock. Without a channel it is only given when it is asked for."""

    channel: Channel | None = None
    """The Slack channel id that the shift report is posted to; not set: no report by the clock."""
    at: TimesOfDay = ("08:00",)
    """The time of day when it is posted, or a list of them."""
    timezone: Zone = "UTC"
    """The time zone of these times, like `Europe/Zurich`."""

    def after(self, moment: datetime) -> datetime:
        """The first time after this moment at which a report is due, in UTC.

        A time that a day leaves out or has twice (when the clocks change) comes once.
        """
        zone = zone_named(self.timezone)
        day = moment.astimezone(zone).date()
        due = (
            datetime.combine(day + timedelta(days=later), time.fromisoformat(at), zone)
            for later in range(3)
            for at in self.at
        )
        return min(each for each in (each.astimezone(UTC) for each in due) if each > moment)


RULES: Final = {
    "stop_when": "When a running VM is stopped: `chosen` (after the click) or `confirmed` (last).",
    "answer_timeout": "How long a question waits for its answer.",
    "stop_timeout": "How long a stop may take before the thread says so and asks.",
    "restore_timeout": "How long a restore may take before the thread says so and asks.",
    "safety_timeout": "How long the snapshot of the current state may take.",
    "request_timeout": (
        "The API server's own limit for a request (`--request-timeout`): so long it may still carry"
        " out one that it has not answered."
    ),
    "protect_by_default": 'Is "Snapshot current state first" on when the warning appears?',
    "volume_policy": "`RandomizeNames`, `InPlace` or `PrefixTargetName`; not set: the cluster's.",
}
"""What the fields of `Rules` mean. They are a stored shape, so their words live here."""


class Settings(Section):
    """Everything the bot was told, checked. After `load`, every cluster and the default are set."""

    environment: Environment
    """What came from the environment."""
    installation: InstallationName = DEFAULT
    """The name of this installation: another one in the same Slack workspace and Redis needs another."""
    app: AppSettings = AppSettings()
    """What the Slack app is called."""
    clusters: Mapping[ClusterName, Annotated[ClusterSettings, BeforeValidator(_or_empty)]] = {}
    """Clusters by name; without any, one called `default` from `KUBECONFIG` or the pod."""
    default_cluster: str = ""
    """The cluster of requests that name none; needed with several and none called `default`."""
    rules: Rules = Rules()
    """How a restore goes."""
    access: Policy = Policy()
    """Who may."""
    listen: Listen = Listen()
    """Where plain words are heard."""
    report: ReportTimes = ReportTimes()
    """The shift report by the clock."""
    http: Http = Http()
    """The ports."""
    store: StoreSettings = StoreSettings()
    """How restores are kept."""
    limits: Limits = Limits()
    """How much at once."""
    log: Log = Log()
    """Log lines."""
    traces: Traces = Traces()
    """Traces."""

    @property
    def socket_mode(self) -> bool:
        """Slack is reached over a WebSocket; otherwise it sends signed requests."""
        return self.environment.app_token is not None

    @field_validator("rules", mode="before")
    @classmethod
    def _durations(cls, rules: Any) -> Any:
        if not isinstance(rules, Mapping):
            return rules
        return {k: seconds(v) if is_duration(str(k)) else v for k, v in rules.items()}


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation like `tuple[Model, ...]`, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := model_in(arg))), None)
