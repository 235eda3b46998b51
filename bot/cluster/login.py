"""How the bot gets into a cluster: a kubeconfig, or the service account of its pod.

Whatever is wrong here is a setting, so every failure is a Misconfigured that says what to write
instead. Tokens never appear in a text: the libraries' own messages are not repeated.
"""

import asyncio
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
import yaml
from kubernetes.aio import config as kubernetes_config
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException, kube_config

from bot.cluster import plugin
from bot.cluster.plugin import LoginAway
from bot.errors import Misconfigured

log = structlog.get_logger(__name__)

_REFRESH_SECONDS = 60.0
_PATIENCE, _GLANCE = 8.0, 1.0
"""Seconds that a request waits for a renewal; when somebody has waited in vain already."""
_EARLY = timedelta(minutes=5)
"""A login of a plugin is renewed so long before its end, as in the library."""
# What the client raises for a file that is not a kubeconfig, depending on how it is not one.
_BROKEN = (
    ConfigException,
    OSError,
    yaml.YAMLError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
)
# The client's configuration package has no annotations at all.
_config: Any = kubernetes_config
_files: Any = kube_config


async def log_in(name: str, kubeconfig: str | None, context: str | None) -> Configuration:
    """A configuration that keeps its token fresh."""
    found = Configuration()
    # From Python 3.13 on, the strict check refuses ordinary cluster CAs ("CA cert does not include
    # key usage extension"). Chain and host name stay verified.
    found.disable_strict_ssl_verification = True
    # A number here would send PUT and DELETE again after a lost answer.
    found.retries = None
    if kubeconfig is None:
        _from_pod(name, found)
    else:
        await _from_file(name, found, kubeconfig, context)
    return found


def _from_pod(name: str, found: Configuration) -> None:
    """Use the pod's service account; the client reads its token again every minute."""
    try:
        _config.load_incluster_config(client_configuration=found)
    except (ConfigException, OSError) as error:
        raise Misconfigured(
            f"cluster {name}: no kubeconfig is set and this is not a pod with a service account."
            f" Set KUBECONFIG, or clusters.{name}.kubeconfig, to the path of a kubeconfig file."
        ) from error


async def _from_file(name: str, found: Configuration, kubeconfig: str, context: str | None) -> None:
    _must_exist(name, kubeconfig)
    try:
        loader = _loader(kubeconfig, context)
        user = KubeconfigUser(loader)
        await user.begin(found)
    except _BROKEN as error:
        wanted = f" with a context named {context!r}" if context else " with a current-context"
        raise Misconfigured(
            f"cluster {name}: {kubeconfig} cannot be used: it must be a complete kubeconfig"
            f"{wanted}, whose cluster and user it defines and whose files exist."
        ) from error
    away = isinstance(user.failure, LoginAway)
    if user.failure is not None and not away and not (found.api_key or found.cert_file):
        raise Misconfigured(
            f"cluster {name}: the exec plugin of the user in {kubeconfig} gave no login."
            " Run its command by hand to see why, or use a kubeconfig with a token."
        )
    if away:
        # It may only be slow today, and other clusters are to be worked on.
        log.warning("no login yet, the bot starts without", cluster=name)
    # The client declares the hook as None, and nothing else.
    hook: Any = Renewal(name, user)
    found.refresh_api_key_hook = hook


def _loader(kubeconfig: str, context: str | None) -> Any:
    merged = _files.KubeConfigMerger(kubeconfig).config
    return _files.KubeConfigLoader(merged, active_context=context, config_base_path=None)


def _must_exist(name: str, kubeconfig: str) -> None:
    paths = [Path(part).expanduser() for part in kubeconfig.split(os.pathsep) if part]
    if not any(path.is_file() for path in paths):
        raise Misconfigured(
            f"cluster {name}: there is no file {kubeconfig}."
            f" Set KUBECONFIG, or clusters.{name}.kubeconfig, to the path of a kubeconfig file."
        )


class KubeconfigUser:
    """The login of one user of a kubeconfig. Plugins are run by `bot/cluster/plugin.py`."""

    def __init__(self, loader: Any) -> None:
        self.failure: ConfigException | None = None
        """Why the plugin gave no login the last time; None if it did, or if there is none."""
        self._loader = loader
        loader.load_from_exec_plugin = self._from_plugin
        loader._get_google_credentials = self._from_gcloud  # noqa: SLF001 - for a caller to give

    @property
    def by_plugin(self) -> bool:
        """A program gives the login, each time for a while."""
        return "exec" in self._loader._user  # noqa: SLF001 - as in `_from_plugin`

    @property
    def valid(self) -> bool:
        """The plugin said until when its login is good, and that is not over."""
        expiry = self._expiry
        return expiry is not None and expiry > datetime.now(UTC)

    @property
    def _expiry(self) -> datetime | None:
        found: datetime | None = getattr(self._loader, "exec_plugin_expiry", None)
        return found

    async def begin(self, found: Configuration) -> None:
        """The first login, and where the cluster is; without a login if nobody gives it in time."""
        try:
            await self._load(found)
        except LoginAway as away:
            self.failure = away
            self._loader._load_cluster_info()  # noqa: SLF001 - what `load_and_set` did not come to
            self._loader._set_config(found)  # noqa: SLF001 - the same

    async def _load(self, found: Configuration) -> None:
        try:
            async with asyncio.timeout(plugin.LOGIN_SECONDS):
                await self._loader.load_and_set(found)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise LoginAway("no login in time") from error

    async def renew(self, found: Configuration) -> None:
        """Ask the file, the plugin or the issuer anew. Raises what is in `_BROKEN`."""
        self.failure = None
        await self._load(found)
        if self.failure is not None:
            raise self.failure

    async def _from_plugin(self) -> bool | None:
        """What the library's method of this name does: True if there is a login now.

        It calls it with five minutes to go before the login ends. It takes None for "none", and
        looks for a token or a password of the user.
        """
        expiry = self._expiry
        if expiry is not None and expiry - _EARLY > datetime.now(UTC):
            return True
        try:
            self._take(await plugin.credential(self._loader._user["exec"].value))  # noqa: SLF001 - the library's own method reads it
        except ConfigException as error:
            self.failure = error
            return None
        except _BROKEN as error:
            self.failure = ConfigException(f"exec: the plugin's answer is {type(error).__name__}")
            return None
        return True

    def _take(self, status: dict[str, Any]) -> None:
        loader = self._loader
        if status.get("token"):
            loader.token = f"Bearer {status['token']}"
            if status.get("expirationTimestamp"):
                loader.exec_plugin_expiry = _files.parse_rfc3339(status["expirationTimestamp"])
        elif status.get("clientCertificateData") and status.get("clientKeyData"):
            for attribute, key in (
                ("cert_file", "clientCertificateData"),
                ("key_file", "clientKeyData"),
            ):
                data = _files.FileOrData(status, None, key, base64_file_content=False)
                setattr(loader, attribute, data.as_file())
        else:
            raise ConfigException("exec: the plugin gave neither a token nor a certificate and key")

    async def _from_gcloud(self) -> Any:
        return await plugin.google_credential(
            self._loader._user["auth-provider"]["config"].value  # noqa: SLF001 - as above
        )


class Renewal:
    """Renews the login before a request, at most once a minute: it may run a plugin or read a file.

    One renewal is under way at a time, for all who ask, and it outlives the request that began it: a
    plugin that takes longer than a request may still give a login to the next one. Once
    somebody has waited in vain nobody waits long: requests fail until a renewal has succeeded, so that
    those of one cluster do not hold the workers of all.
    """

    def __init__(self, cluster: str, user: KubeconfigUser) -> None:
        self._cluster = cluster
        self._user = user
        self._read_at = time.monotonic()
        self._failed = user.failure is not None
        self._running: asyncio.Task[None] | None = None

    @property
    def by_plugin(self) -> bool:
        """A program gives the login, each time for a while."""
        return self._user.by_plugin

    async def __call__(self, found: Configuration) -> None:
        """Return when there is a login to try. Raises ConfigException if there is none."""
        if not self._failed and time.monotonic() - self._read_at < _REFRESH_SECONDS:
            return
        if self._running is None or self._running.done():
            name = f"login of {self._cluster}"
            self._running = asyncio.create_task(self._renew(found), name=name)
        if self._user.valid:
            return
        await asyncio.wait({self._running}, timeout=_GLANCE if self._failed else _PATIENCE)
        if not self._running.done():
            self._fail("it takes too long")
        if self._failed:
            raise ConfigException("the login could not be renewed")

    async def close(self) -> None:
        """End the renewal that is under way, and its plugin."""
        self._failed = True
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})

    async def _renew(self, found: Configuration) -> None:
        try:
            await self._user.renew(found)
        except _BROKEN as error:
            # The library's own words may hold what a plugin wrote.
            self._fail(type(error).__name__)
        else:
            self._failed, self._read_at = False, time.monotonic()

    def _fail(self, why: str) -> None:
        if not self._failed:
            log.warning("the login could not be renewed", cluster=self._cluster, why=why)
        self._failed = True


@dataclass(frozen=True, slots=True)
class Tls:
    """How a connection to an API server begins."""

    host: str
    port: int
    name: str | None
    """What it is asked for instead of the host."""
    own: Path | None
    """The file of the client's certificate; None without one, or if a plugin gives it for a while."""


def tls(known: Configuration, renewal: Renewal | None) -> Tls | None:
    """What is known of it; None without TLS."""
    url = urlsplit(known.host)
    if url.scheme != "https" or not url.hostname:
        return None
    for_a_while = renewal is not None and renewal.by_plugin
    own = Path(known.cert_file) if known.cert_file and not for_a_while else None
    return Tls(url.hostname, url.port or 443, known.tls_server_name or None, own)
