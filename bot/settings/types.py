"""The kinds of values a setting may have, those of the access list aside (`bot/restore/access.py`).

Each kind is a type. Its error says what is wrong, and what to write instead. The only I/O in here is
the question whether a file that is named is there.
"""

import os
import re
from datetime import UTC, tzinfo
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, SecretStr, WithJsonSchema

from bot.restore import installation as installations

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
_COMMAND: Final = re.compile(r"/[a-z0-9][a-z0-9_-]{0,30}")
_APP: Final = re.compile(r"[^\s<>&](.{0,33}[^\s<>&])?")
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


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


def _proxy(value: SecretStr) -> SecretStr:
    """A proxy as curl takes it: without a scheme it is one of plain HTTP."""
    given = value.get_secret_value()
    text = given if "://" in given else f"http://{given}"
    url = urlsplit(text)
    try:
        usable = url.scheme in ("http", "https") and url.hostname and (url.port or True)
    except ValueError:  # no port
        usable = False
    if not usable:
        raise ValueError("is no HTTP proxy; write http://HOST:PORT")
    return SecretStr(text)


def _authorities(value: str) -> str:
    if not Path(value).exists():
        raise ValueError("names no file that is there; write the path of a PEM file")
    return value


def _kubeconfig(value: str) -> str:
    paths = [Path(part).expanduser() for part in value.split(os.pathsep) if part]
    if not any(path.is_file() for path in paths):
        raise ValueError("names no file that is there; write the path of a kubeconfig file")
    return os.pathsep.join(map(str, paths))


def _cluster_name(value: str) -> str:
    if not _LABEL.fullmatch(value):
        raise ValueError("is no name for a cluster; write small letters, digits and dashes")
    return value


def _command(value: str) -> str:
    if not _COMMAND.fullmatch(value):
        raise ValueError(
            "is no slash command; write one like /vm-restore, of 32 characters at most: small letters, "
            "digits, dashes and underscores"
        )
    return value


def _app(value: str) -> str:
    if not _APP.fullmatch(value):
        raise ValueError(
            'is no name for an app; write one like "VM Restore", of 35 characters at most'
        )
    return value


def _installation(value: str) -> str:
    if not installations.NAME.fullmatch(value):
        raise ValueError(
            "is no name for an installation; write up to 63 small letters, digits, dashes and dots"
        )
    return value


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


_NUMBER: Final = "[0-9]+ *"
_HOURS, _MINUTES, _SECONDS = (f"{_NUMBER}{unit} *" for unit in "hms")


def _written(pattern: str) -> WithJsonSchema:
    """The form of a text, for tools that check a file before the bot reads it: the chart's schema."""
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


WRITTEN_DURATION: Final = {
    "type": "string",
    "pattern": (
        f"^ *({_NUMBER}|{_HOURS}({_MINUTES})?({_SECONDS})?|{_MINUTES}({_SECONDS})?|{_SECONDS})$"
    ),
}
"""The JSON schema of a duration as people write it. Its bounds are the bot's own to check."""

BotToken = Annotated[SecretStr, _secret("xoxb-", "the Bot User OAuth Token (xoxb-…)")]
AppToken = Annotated[SecretStr, _secret("xapp-", "the app-level token (xapp-…)")]
SigningSecret = Annotated[SecretStr, _secret("", 'the Signing Secret of "Basic Information"')]
StoreUrl = Annotated[SecretStr, AfterValidator(_store_url)]
ApiUrl = Annotated[str, AfterValidator(_api_url)]
ProxyUrl = Annotated[SecretStr, AfterValidator(_proxy)]
Authorities = Annotated[str, AfterValidator(_authorities)]
Kubeconfig = Annotated[str, AfterValidator(_kubeconfig)]
Duration = Annotated[int, BeforeValidator(seconds)]
InstallationName = Annotated[
    str, AfterValidator(_installation), _written(installations.NAME.pattern)
]
CommandName = Annotated[str, AfterValidator(_command), _written(_COMMAND.pattern)]
AppName = Annotated[str, AfterValidator(_app), _written(_APP.pattern)]
ClusterName = Annotated[str, AfterValidator(_cluster_name), _written(_LABEL.pattern)]
TimeOfDay = Annotated[str, BeforeValidator(_time_of_day)]
_WRITTEN_TIME: Final = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": 1439},
        {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
    ]
}
TimesOfDay = Annotated[
    tuple[TimeOfDay, ...],
    BeforeValidator(_one_or_more),
    WithJsonSchema(
        {
            "anyOf": [
                *_WRITTEN_TIME["anyOf"],
                {"type": "array", "minItems": 1, "items": _WRITTEN_TIME},
            ]
        }
    ),
]
Zone = Annotated[str, AfterValidator(_zone)]
