"""The kinds of values a setting may have, and the words for a value that is wrong.

Each kind is a type that says no with two things: what is wrong, and what to write instead. `explain`
does the same for what pydantic refuses, and `parse` for what is no YAML. Nothing here does I/O.
"""

import difflib
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr
from pydantic_core import ErrorDetails

from bot.restore.policy import ANY, Grant, OnCall, Policy

_TOKENS: Final = (
    ("xoxb-", "a bot token; it belongs in SLACK_BOT_TOKEN"),
    ("xapp-", "an app-level token; it belongs in SLACK_APP_TOKEN"),
    ("xoxp-", "a user token, which this bot does not use"),
    ("xoxe", "a configuration or rotation token, which this bot does not use"),
    ("xox", "a token of a browser session, which this bot does not use"),
)
_STORE: Final = re.compile(r"(rediss?(\+sentinel|\+cluster)?|unix)://.")
_DURATION: Final = re.compile(r"(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?|(\d+)")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MISSING: Final = {
    "SLACK_BOT_TOKEN": "set it to the Bot User OAuth Token (xoxb-…) of the Slack app",
    "namespaces": 'write a list of namespaces, or ["*"] for all',
}


def _secret(begins: str, instead: str) -> AfterValidator:
    """A secret of Slack that begins so; a token of another kind is called by its name."""

    def check(value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        kind = next((kind for start, kind in _TOKENS if text.startswith(start)), None)
        if kind and not (begins and text.startswith(begins)):
            raise ValueError(f"is {kind}; write {instead}")
        if not re.fullmatch(rf"{begins}[\w.-]+", text, re.ASCII):
            raise ValueError(f"does not look right; write {instead}")
        return value

    return AfterValidator(check)


def _api_url(value: str) -> str:
    url = urlsplit(value)
    if not url.hostname or url.username or url.query or url.fragment:
        raise ValueError("is not a plain address; write one like https://slack.com/api/")
    if url.scheme != "https" and not (url.scheme == "http" and _loopback(url.hostname)):
        raise ValueError("must begin with https:// (http:// only on this machine, for tests)")
    return value if value.endswith("/") else f"{value}/"


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _store_url(value: SecretStr) -> SecretStr:
    if not _STORE.match(value.get_secret_value()):
        raise ValueError(
            "is no address of a Redis; write redis://HOST:6379/0, rediss://… for TLS, "
            "unix:///PATH, redis+sentinel://HOST:26379/MASTER or redis+cluster://HOST:6379"
        )
    return value


def _kubeconfig(value: str) -> str:
    paths = [Path(part).expanduser() for part in value.split(os.pathsep) if part]
    if not any(path.is_file() for path in paths):
        raise ValueError("names no file that is there; write the path of a kubeconfig file")
    return os.pathsep.join(map(str, paths))


def _namespace(value: str) -> str:
    if value != ANY and not _LABEL.fullmatch(value):
        raise ValueError('is no name of a namespace; write one like "production", or "*" for all')
    return value


def _cluster_name(value: str) -> str:
    if not _LABEL.fullmatch(value):
        raise ValueError("is no name for a cluster; write small letters, digits and dashes")
    return value


def _slack_id(letters: str, instead: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(rf"[{letters}][A-Z0-9]{{2,}}", value):
            raise ValueError(f"is no such id; write {instead}")
        return value

    return AfterValidator(check)


def _time_of_day(value: Any) -> str:
    """A time of day; YAML takes 18:00 without quotes for the number of its minutes."""
    text = f"{value // 60:02}:{value % 60:02}" if type(value) is int else str(value)
    if not _TIME.fullmatch(text):
        raise ValueError('is no time of day; write one like "08:00"')
    return text


def _one_or_more(value: Any) -> Any:
    """A list, or the one thing that would be in it."""
    if value == []:
        raise ValueError('is an empty list; write a time of day like "08:00", or several')
    return (value,) if isinstance(value, str | int) else value


def _zone(value: str) -> str:
    try:
        zone_named(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone here; write one like Europe/Zurich, or UTC") from None
    return value


def zone_named(name: str) -> tzinfo:
    """The time zone of this name. UTC needs no list of time zones on the machine."""
    return UTC if name == "UTC" else ZoneInfo(name)


def seconds(value: Any) -> Any:
    """Seconds from 90, "90", "90s", "15m" or "1h30m"; what is none of these stays as it is."""
    found = _DURATION.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if not found:
        return value
    hours, minutes, rest, plain = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + rest + plain


def is_duration(key: str) -> bool:
    """Is this the name of a setting that is a duration? All of them are named alike."""
    return key.endswith(("_timeout", "_seconds"))


BotToken = Annotated[SecretStr, _secret("xoxb-", "the Bot User OAuth Token (xoxb-…)")]
AppToken = Annotated[SecretStr, _secret("xapp-", "the app-level token (xapp-…)")]
SigningSecret = Annotated[SecretStr, _secret("", 'the Signing Secret of "Basic Information"')]
StoreUrl = Annotated[SecretStr, AfterValidator(_store_url)]
ApiUrl = Annotated[str, AfterValidator(_api_url)]
Kubeconfig = Annotated[str, AfterValidator(_kubeconfig)]
Duration = Annotated[int, BeforeValidator(seconds)]
Namespace = Annotated[str, AfterValidator(_namespace)]
ClusterName = Annotated[str, AfterValidator(_cluster_name)]
User = Annotated[str, _slack_id("UW", 'the member id of the profile\'s "…" menu (U… or W…)')]
Group = Annotated[str, _slack_id("S", "the id of the user group (S…), not its @handle")]
Channel = Annotated[str, _slack_id("CGD", "the id at the end of the channel's details (C…)")]
TimeOfDay = Annotated[str, BeforeValidator(_time_of_day)]
TimesOfDay = Annotated[tuple[TimeOfDay, ...], BeforeValidator(_one_or_more)]
Zone = Annotated[str, AfterValidator(_zone)]


class Section(BaseModel):
    """A part of the settings. What it does not know it refuses."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True
    )


class AccessGrant(Grant):
    """One rule of the access list; who and where must both fit."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    users: tuple[User, ...] = ()
    """Slack user ids (U… or W…); being in `users` or in `groups` is enough."""
    groups: tuple[Group, ...] = ()
    """Slack user group ids (S…)."""
    channels: tuple[Channel, ...] = ()
    """Slack channel ids where the rule holds; empty for every channel the bot is in."""
    clusters: tuple[str, ...] = (ANY,)
    """Names of clusters; "*" for all."""
    namespaces: tuple[Namespace, ...]
    """Namespaces to restore in; "*" for all."""


class AccessOnCall(OnCall):
    """Who may claim a restore whose owner is gone; a rule of the access list must fit as well."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    users: tuple[User, ...] = ()
    """Slack user ids (U… or W…) of those who may take over; being in one of the lists is enough."""
    groups: tuple[Group, ...] = ()
    """Slack user group ids (S…) of those who may take over."""


class Access(Policy):
    """Who may restore what. Without a grant nobody may."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    contact: str = "the owners of this bot"
    """Whom to ask, as told to those who may not: "the platform team in #platform"."""
    grants: tuple[AccessGrant, ...] = ()
    """The access list: one entry per rule."""
    on_call: AccessOnCall = AccessOnCall()
    """Who may take over."""


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


def parse(text: str) -> Any:
    """What a YAML text holds. A ValueError names the line; it quotes nothing but a doubled key."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        _no_twins(node)
        return loader.construct_document(node) if node else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "it"
        raise ValueError(f"{where}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ValueError("it: a character that YAML does not allow") from error


def _no_twins(node: yaml.Node | None) -> None:
    """Refuse a key that stands twice: of two access lists, which one would hold?"""
    match node:
        case yaml.MappingNode():
            seen = set()
            for key, value in node.value:
                name = key.value if isinstance(key, yaml.ScalarNode) else id(key)
                if name in seen:
                    raise ValueError(f"line {key.start_mark.line + 1}: `{name}` stands twice")
                seen.add(name)
                _no_twins(value)
        case yaml.SequenceNode():
            for item in node.value:
                _no_twins(item)


def nearest(word: str, known: Iterable[str]) -> str:
    """'; did you mean `x`?' if something known is close, else the known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known here: {', '.join(names)}" if names else "remove it"


def explain(error: ErrorDetails, known: Iterable[str], *, quote: bool) -> str:
    """One sentence for one error of pydantic. `known` are the names that stand beside the key."""
    key = str(error["loc"][-1]) if error["loc"] else ""
    context = error.get("ctx", {})
    was = f"is {_short(error['input'])}; " if quote else ""
    match error["type"]:
        case "missing":
            return f"is missing; {_MISSING.get(key, 'write it')}"
        case "extra_forbidden":
            return f"is no setting; {nearest(key, known)}"
        case "value_error":
            return f"{_quoted(error['input']) if quote else ''}{context['error']}"
        case _ if error["input"] is None:
            return "is empty; write a value or remove the line"
        case "int_parsing" | "int_type" | "int_from_float" if is_duration(key):
            return f"{was}write a duration like 90s, 15m or 1h, or seconds"
        case "literal_error" | "enum":
            return f"{was}write {context['expected'].replace(chr(39), '')}"
        case "greater_than_equal":
            return f"{was}write {context['ge']}{_unit(key)} or more"
        case "less_than_equal":
            return f"{was}write {context['le']}{_unit(key)} or less"
        case kind:
            return f"{was}write {_SHAPES.get(kind.partition('_')[0], 'another value')}"


_SHAPES: Final = {
    "tuple": "a list: [a, b]",
    "mapping": "a mapping: name, colon, value",
    "dict": "a mapping: name, colon, value",
    "model": "a mapping: name, colon, value",
    "string": "a text, in quotes",
    "int": "a whole number",
    "bool": "true or false",
    "path": "a path",
}


def _unit(key: str) -> str:
    return " seconds" if is_duration(key) else ""


def _short(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _quoted(value: Any) -> str:
    return f"{_short(value)} " if isinstance(value, str) else ""
