"""The settings: the only place that reads the environment and the YAML file.

Secrets and addresses come from the environment, everything else from the file that
`VM_RESTORE_CONFIG` names. `load` returns one frozen tree, or raises one `Misconfigured` with a line
for every wrong key: the key as it is written, what is wrong with it, and what to write instead.

Rules of this file
- The docstring under a field is what the documentation says about it (`describe`).
- No secret is ever part of a message. Messages about the environment quote no values at all.
- A key that nobody knows is an error: a misspelled rule must not silently mean "no rule".
"""

import difflib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.errors import Misconfigured
from bot.restore.model import Rules
from bot.restore.policy import ANY
from bot.telemetry import Level, Style, redact
from bot.values import (
    Access,
    ApiUrl,
    AppToken,
    BotToken,
    Channel,
    ClusterName,
    Duration,
    Kubeconfig,
    Namespace,
    ReportTimes,
    Section,
    SigningSecret,
    StoreUrl,
    explain,
    is_duration,
    nearest,
    parse,
    seconds,
)

ONLY: Final = "default"
"""The name of the cluster when the file names none."""
Hearing = Literal["words", "mentions"]


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
    redis_url: StoreUrl | None = Field(default=None, alias="REDIS_URL")
    """The Redis or Valkey that keeps the restores; without it one is started, for one process."""
    kubeconfig: Kubeconfig | None = Field(default=None, alias="KUBECONFIG")
    """The kubeconfig of clusters that name none; without it the pod's own service account."""
    config: Path | None = Field(default=None, alias="VM_RESTORE_CONFIG")
    """The YAML file with everything below."""


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
    """The port for health, metrics and, without Socket Mode, Slack's requests."""

    host: str = "0.0.0.0"  # noqa: S104 - the kubelet, Prometheus and Slack come from outside the pod
    """The address to listen on."""
    port: int = Field(default=8080, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""


class StoreSettings(Section):
    """How restores are kept."""

    data_dir: Path = Path("var/store")
    """Where the embedded server keeps its data when there is no `REDIS_URL`."""
    lease_seconds: Duration = Field(default=25, ge=20, le=120)
    """How long a restore belongs to one replica: what its sudden death costs at most."""


class Log(Section):
    """Log lines, on standard error."""

    level: Level = "info"
    """`debug`, `info`, `warning` or `error`."""
    format: Style = "json"
    """`json`, or `console` for people."""


RULES: Final = {
    "stop_when": "When a running VM is stopped: `chosen` (after the click) or `confirmed` (last).",
    "answer_timeout": "How long a question waits for its answer.",
    "stop_timeout": "How long a stop may take before the thread says so and asks.",
    "restore_timeout": "How long a restore may take before the thread says so and asks.",
    "safety_timeout": "How long the snapshot of the current state may take.",
    "protect_by_default": 'Is "Snapshot current state first" on when the warning appears?',
    "volume_policy": "`RandomizeNames`, `InPlace` or `PrefixTargetName`; not set: the cluster's.",
}
"""What the fields of `Rules` mean. They are a stored shape, so their words live here."""


class Settings(Section):
    """Everything the bot was told, checked. After `load`, every cluster and the default are set."""

    environment: Environment
    """What came from the environment."""
    clusters: Mapping[ClusterName, Annotated[ClusterSettings, BeforeValidator(_or_empty)]] = {}
    """Clusters by name; without any, one called `default` from `KUBECONFIG` or the pod."""
    default_cluster: str = ""
    """The cluster of wishes that name none; needed with several and none called `default`."""
    rules: Rules = Rules()
    """How a restore goes."""
    access: Access = Access()
    """Who may."""
    listen: Listen = Listen()
    """Where plain words are heard."""
    report: ReportTimes = ReportTimes()
    """The shift report by the clock."""
    http: Http = Http()
    """The port."""
    store: StoreSettings = StoreSettings()
    """How restores are kept."""
    log: Log = Log()
    """Log lines."""

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


class Problem(NamedTuple):
    """A key as it is written, and what is wrong with its value."""

    key: str
    text: str


class SettingRow(NamedTuple):
    """A setting, for the documentation."""

    key: str
    default: str
    meaning: str


def load(env: Mapping[str, str] = os.environ) -> Settings:
    """The settings from this environment and the file it names, or one `Misconfigured`."""
    path = env.get("VM_RESTORE_CONFIG", "").strip()
    try:
        tree = _read(Path(path)) if path else {}
    except ValueError as error:
        return build(env, {}, [Problem("VM_RESTORE_CONFIG", str(error))])
    return build(env, tree)


def build(
    env: Mapping[str, str], tree: Mapping[str, Any], problems: Sequence[Problem] = ()
) -> Settings:
    """The settings from an environment and the content of the file."""
    given = {name: env[name].strip() for name in _VARIABLES if env.get(name, "").strip()}
    sections = {key: value for key, value in tree.items() if value is not None}
    found = [*problems, *_unreachable(given), *_misplaced(sections)]
    try:
        settings = Settings.model_validate({**sections, "environment": given})
    except ValidationError as error:
        found += [_problem(details, env) for details in error.errors(include_url=False)]
        raise _misconfigured(found) from None
    settings = _with_clusters(settings)
    if found := [*found, *_conflicts(settings)]:
        raise _misconfigured(found)
    return settings


def _misconfigured(problems: Iterable[Problem]) -> Misconfigured:
    lines = dict.fromkeys(redact(f"{key}: {text}") for key, text in problems)
    return Misconfigured("\n".join(lines))


# --- The file -----------------------------------------------------------------------------------


def _read(path: Path) -> dict[str, Any]:
    """The content of the file; a ValueError says why it cannot be used at all."""
    try:
        tree = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {path} ({error.strerror}); write the right path") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8; save it as such") from error
    except ValueError as error:
        raise ValueError(f"{path} is no YAML; mend {error}") from error
    match tree:
        case None:
            return {}
        case dict():
            return {str(key): value for key, value in tree.items()}
        case _:
            raise ValueError(f"{path} must hold a mapping; see config/example.yaml")


# --- What is wrong ------------------------------------------------------------------------------

_VARIABLES: Final = tuple(str(field.alias) for field in Environment.model_fields.values())


def _problem(details: ErrorDetails, env: Mapping[str, str]) -> Problem:
    path = tuple(part for part in details["loc"] if part != "[key]")
    if path[0] != "environment":
        return Problem(_key(path), explain(details, _beside(path), quote=True))
    name = str(path[1])
    text = explain(details, _VARIABLES, quote=False)
    typos = difflib.get_close_matches(name, set(env) - set(_VARIABLES), n=1, cutoff=0.85)
    if details["type"] == "missing" and typos:
        text = f"{text} (`{typos[0]}` is set: is that a typing error?)"
    return Problem(name, text)


def _key(path: Iterable[int | str]) -> str:
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return parts.removeprefix(".")


def _beside(path: tuple[int | str, ...]) -> Iterable[str]:
    """The names of the settings beside the last one of the path."""
    model: type[BaseModel] = Settings
    for part in path[:-1]:
        if field := model.model_fields.get(str(part)):
            model = _model_in(field.annotation) or model
    return set(model.model_fields) - {"environment"}


def _unreachable(given: Mapping[str, str]) -> Iterator[Problem]:
    if not {"SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"} & set(given):
        yield Problem(
            "SLACK_APP_TOKEN",
            "is missing; set it (xapp-…) for Socket Mode, "
            "or set SLACK_SIGNING_SECRET where Slack sends to the bot over HTTP",
        )


def _misplaced(tree: Mapping[str, Any]) -> Iterator[Problem]:
    if "environment" in tree:
        yield Problem("environment", "is no setting; set environment variables instead")


def _conflicts(settings: Settings) -> Iterator[Problem]:
    """Settings that are fine alone and cannot be meant together."""
    if not settings.default_cluster:
        known = ", ".join(settings.clusters)
        yield Problem("default_cluster", f"is missing; write one of the clusters: {known}")
    elif settings.default_cluster not in settings.clusters:
        near = nearest(settings.default_cluster, settings.clusters)
        yield Problem("default_cluster", f'"{settings.default_cluster}" is no cluster; {near}')
    for number, grant in enumerate(settings.access.grants):
        for cluster in grant.clusters:
            if cluster != ANY and cluster not in settings.clusters:
                key = f"access.grants[{number}].clusters"
                near = nearest(cluster, settings.clusters)
                yield Problem(key, f'"{cluster}" is no cluster; {near}')


def _with_clusters(settings: Settings) -> Settings:
    """Every cluster with its kubeconfig, and the default one named where it is plain."""
    clusters = {
        name: one.model_copy(update={"kubeconfig": settings.environment.kubeconfig})
        if one.kubeconfig is None
        else one
        for name, one in (settings.clusters or {ONLY: ClusterSettings()}).items()
    }
    plain = next(iter(clusters)) if len(clusters) == 1 else ONLY if ONLY in clusters else ""
    default = settings.default_cluster or plain
    return settings.model_copy(update={"clusters": clusters, "default_cluster": default})


# --- What the documentation says ----------------------------------------------------------------


def describe() -> tuple[SettingRow, ...]:
    """Every setting, environment first, as README and config/example.yaml must show them."""
    return tuple(_rows(Settings, ""))


def _rows(model: type[BaseModel], prefix: str) -> Iterator[SettingRow]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = _model_in(field.annotation)
        if inner is None:
            yield SettingRow(key, _default(name, field), field.description or RULES[name])
        else:
            yield from _rows(inner, "" if name == "environment" else f"{key}{_each(field)}.")


def _each(field: FieldInfo) -> str:
    origin = get_origin(field.annotation)
    return "[]" if origin is tuple else "" if origin is None else ".<name>"


def _default(name: str, field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "required"
    if isinstance(value, Enum):
        return str(value.value)
    if is_duration(name):
        return f"{value // 60}m" if value % 60 == 0 else f"{value}s"
    if value is None or value in ((), {}, ""):
        return "not set"
    return json.dumps(value) if isinstance(value, bool | tuple) else str(value)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation like `tuple[Model, ...]`, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)
