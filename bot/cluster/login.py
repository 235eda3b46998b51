"""How the bot gets into a cluster: a kubeconfig, or the service account of its pod.

Whatever is wrong here is a setting, so every failure is a Misconfigured that says what to write
instead. Tokens never appear in a text: the libraries' own messages are not repeated.
"""

import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import yaml
from kubernetes.aio import config as kubernetes_config
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException

from bot.errors import Misconfigured

_REFRESH_SECONDS = 60.0
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
        loader = await _config.load_kube_config(
            kubeconfig, context=context, client_configuration=found, persist_config=False
        )
    except _BROKEN as error:
        wanted = f" with a context named {context!r}" if context else " with a current-context"
        raise Misconfigured(
            f"cluster {name}: {kubeconfig} cannot be used: it must be a complete kubeconfig"
            f"{wanted}, whose cluster and user it defines and whose files exist."
        ) from error
    user = getattr(loader, "_user", None)
    if user is not None and "exec" in user and not (found.api_key or found.cert_file):
        # The client only logs the failure of a plugin, and would go on without any login.
        raise Misconfigured(
            f"cluster {name}: the exec plugin of the user in {kubeconfig} gave no login."
            " Run its command by hand to see why, or use a kubeconfig with a token."
        )
    # The client declares the hook as None, and nothing else.
    hook: Any = _refresher(loader)
    found.refresh_api_key_hook = hook


def _must_exist(name: str, kubeconfig: str) -> None:
    paths = [Path(part).expanduser() for part in kubeconfig.split(os.pathsep) if part]
    if not any(path.is_file() for path in paths):
        raise Misconfigured(
            f"cluster {name}: there is no file {kubeconfig}."
            f" Set KUBECONFIG, or clusters.{name}.kubeconfig, to the path of a kubeconfig file."
        )


def _refresher(loader: Any) -> Callable[[Configuration], Awaitable[None]]:
    """Ask the loader again, at most once a minute: each time may run a plugin or read a file."""
    read_at = time.monotonic()

    async def refresh(found: Configuration) -> None:
        nonlocal read_at
        if time.monotonic() - read_at < _REFRESH_SECONDS:
            return
        try:
            await loader.load_and_set(found)
        except _BROKEN as error:
            raise ConfigException("the login could not be renewed") from error
        read_at = time.monotonic()

    return refresh
