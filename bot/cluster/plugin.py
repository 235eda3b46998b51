"""The credential plugins of a kubeconfig: programs that are run to get a login.

The client's library runs them without a time limit and with the bot's whole environment, so that
one that hangs holds everybody who waits for it. Here:
- a plugin has a time limit, and is then killed with all that it started (its process group);
- it gets the environment of `bot/process.py:environment_of_programs` and what `exec.env` of the
  kubeconfig names, as with kubectl; no terminal, and no standard input;
- what it writes to standard error is dropped, and its output is repeated nowhere: it may hold tokens.

Shapes: docs of Kubernetes, "client-go credential plugins" (ExecCredential, v1 and v1beta1).
"""

import asyncio
import json
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from kubernetes.aio.config import ConfigException

from bot.process import environment_of_programs

LOGIN_SECONDS = 30.0
"""How long a plugin may take. It may ask an identity provider far away, twice."""
_REAPED_SECONDS = 1.0
MOST = 1024 * 1024
"""Bytes of output: certificates and keys at most."""


class LoginAway(ConfigException):
    """Who gives the login did not answer in time: no fault of the settings."""


async def credential(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The `status` that the plugin of a user's `exec` answers with. Raises ConfigException."""
    version = spec.get("apiVersion")
    if not spec.get("command") or not version:
        raise ConfigException("exec: command and apiVersion are needed")
    # Nobody sits at a terminal.
    asked = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    given = {str(each["name"]): str(each["value"]) for each in spec.get("env") or ()}
    env = {
        **environment_of_programs(),
        **given,
        "KUBERNETES_EXEC_INFO": json.dumps(asked),
    }
    answer = _json(await output([spec["command"], *(spec.get("args") or ())], env))
    status = answer.get("status")
    if not isinstance(status, dict) or answer.get("apiVersion") != version:
        raise ConfigException("exec: the plugin's answer is no ExecCredential of its apiVersion")
    return status


async def google_credential(spec: Mapping[str, Any]) -> SimpleNamespace:
    """What the command of a user's old `auth-provider: gcp` answers, as the library takes it."""
    if "cmd-path" not in spec or "cmd-args" not in spec:
        raise ConfigException("gcp: cmd-path and cmd-args are needed")
    words = [spec["cmd-path"], *shlex.split(spec["cmd-args"])]
    answer = _json(await output(words, environment_of_programs()))
    found = answer.get("credential")
    if not isinstance(found, dict) or not {"access_token", "token_expiry"} <= found.keys():
        raise ConfigException("gcp: the command's answer holds no credential")
    return SimpleNamespace(token=found["access_token"], expiry=found["token_expiry"])


async def output(words: Sequence[str], env: Mapping[str, str]) -> bytes:
    """Run a program of a kubeconfig; what it wrote. It is killed with its group if it hangs."""
    # A pipe of our own: waiting for the process does not mean waiting for who inherited its output.
    reading, writing = os.pipe()
    try:
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=asyncio.subprocess.DEVNULL,
                env=dict(env),
                start_new_session=True,
            )
        finally:
            os.close(writing)
    except BaseException as error:
        os.close(reading)
        if isinstance(error, OSError):
            raise ConfigException("the plugin cannot be run") from error
        raise
    ended = False
    try:
        async with asyncio.timeout(LOGIN_SECONDS):
            wrote = await _all_of(reading)
            code = await process.wait()
        ended = True
    except TimeoutError as error:
        raise LoginAway("the plugin did not end in time") from error
    finally:
        if not ended:
            await _kill(process)
    if code != 0:
        raise ConfigException(f"the plugin ended with {code}")
    return wrote


async def _kill(process: asyncio.subprocess.Process) -> None:
    """The whole group. What the machine itself holds is not waited for."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(_REAPED_SECONDS):
            await process.wait()


async def _all_of(pipe: int) -> bytes:
    """All that is written there; the pipe is closed in the end."""
    reader = asyncio.StreamReader()
    opened = os.fdopen(pipe, "rb", 0)
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), opened
        )
    except BaseException:
        opened.close()
        raise
    wrote = bytearray()
    try:
        while chunk := await reader.read(65536):
            wrote += chunk
            if len(wrote) > MOST:
                raise ConfigException("the plugin wrote more than a login")
    finally:
        transport.close()
    return bytes(wrote)


def _json(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise ConfigException("the plugin's answer is not JSON") from error
    if not isinstance(found, dict):
        raise ConfigException("the plugin's answer is not a JSON object")
    return found
