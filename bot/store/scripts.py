"""The Lua scripts: each state change is one of them, sent as one command.

A script's text is `lua/parts.lua` and its own file, under Redis 7's `#!lua` line, which makes the
server refuse it as a whole (no memory, replica, a key of another slot) before it writes anything.
Rules for a script:
- its head declares its KEYS and ARGV by name, and Python passes them by the same names;
- the present is the server's own time, in ms: `now` is it, for every caller (see `parts.lua`). Leases are
  counted from it, and so no replica's clock can end another one's. Other moments are arguments, in
  ms; so are all names, by KEYS or by the prefix (see `keys`);
- it may be sent twice: a client or proxy that lost the reply sends it again, so each script knows
  its caller's token or fence and answers the second time as it did the first;
- what it loops over is bounded by the caller.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from importlib import resources
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoScriptError

from bot.store.failures import translated

READ_ONLY = frozenset(
    {
        "known_clusters",
        "list_audits",
        "load_index",
        "load_many",
        "load_thread",
        "read_audit",
        "survey",
        "task_body",
        "time",
    }
)
NAMES = (
    "append_audit",
    "commit",
    "complete_delivery",
    "create",
    "defer_unreadable",
    "delete_task",
    "discard_broken",
    "enqueue_delivery",
    "forget_cluster",
    "invalidate_card",
    "known_clusters",
    "lease",
    "list_audits",
    "load_index",
    "load_many",
    "load_thread",
    "read_audit",
    "recognise_cluster",
    "release",
    "renew",
    "schedule_task",
    "survey",
    "task_body",
    "time",
    "wake",
)
WAIT_MS = 1000
"""How long the server waits for its replicas: they take milliseconds, and the client waits for 2 s."""
PAGE = 200
"""How many documents, ids or entries one command asks for at most."""
_DECLARED = re.compile(r"^-- (KEYS|ARGV): ([\w, ]+(?:\n--   [\w, ]+)*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One script: its text, the name Redis gives it, and the names of what it takes, in order."""

    name: str
    text: str
    sha: str
    keys: tuple[str, ...]
    arguments: tuple[str, ...]

    def values(
        self, keys: Mapping[str, str], arguments: Mapping[str, str | int]
    ) -> list[str | int]:
        """What the script is sent. A name too many or too few is a mistake of the caller."""
        if keys.keys() != set(self.keys) or arguments.keys() != set(self.arguments):
            raise TypeError(
                f"{self.name} takes KEYS {sorted(self.keys)} and ARGV {sorted(self.arguments)}; "
                f"given were {sorted(keys)} and {sorted(arguments)}"
            )
        return [*(keys[name] for name in self.keys), *(arguments[name] for name in self.arguments)]


Answered = Callable[[str, str, float], None]
"""Told the name of a script, "ok" or "failed", and the seconds until then."""


def _uncounted(_name: str, _result: str, _seconds: float) -> None:
    """Nobody counts."""


class Scripts:
    """Runs the scripts on one client."""

    def __init__(self, client: Redis | RedisCluster, **fixed: str | int) -> None:
        """`fixed` are arguments that are the same in every call of every script which takes them."""
        self._client = client
        self._fixed = fixed
        self._scripts = {name: read(name) for name in NAMES}
        self.answered: Answered = _uncounted
        """Told of every script that was run, for metrics."""

    async def run(self, name: str, keys: Mapping[str, str], **arguments: str | int) -> Any:
        """One EVALSHA; the first on a server that does not know the script is followed by EVAL."""
        script, values = self._called(name, keys, arguments)
        with self._counted(name), translated():
            try:
                return await self._send("EVALSHA", script.sha, len(keys), values)
            except NoScriptError:
                return await self._send("EVAL", script.text, len(keys), values)

    async def run_and_wait(
        self, name: str, keys: Mapping[str, str], replicas: int, **arguments: str | int
    ) -> tuple[Any, bool]:
        """The same; and do so many replicas have what it wrote, and all that was written before it?

        The server answers WAIT for the writes of the connection that asks. So both go out together
        over one, and the script must be one that writes.
        """
        script, values = self._called(name, keys, arguments)
        first = keys[script.keys[0]]
        with self._counted(name), translated():
            call = ("EVALSHA", script.sha, len(keys), *values)
            answer, count = await self._together(first, call, ("WAIT", replicas, WAIT_MS))
            if isinstance(answer, NoScriptError):
                call = ("EVAL", script.text, len(keys), *values)
                answer, count = await self._together(first, call, ("WAIT", replicas, WAIT_MS))
            for each in (answer, count):
                if isinstance(each, Exception):
                    raise each
        return answer, count >= replicas

    def _called(
        self, name: str, keys: Mapping[str, str], arguments: Mapping[str, str | int]
    ) -> tuple[Script, list[str | int]]:
        script = self._scripts[name]
        fixed = {key: self._fixed[key] for key in self._fixed if key in script.arguments}
        return script, script.values(keys, {**fixed, **arguments})

    @contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        begun, result = time.perf_counter(), "failed"
        try:
            yield
            result = "ok"
        finally:
            self.answered(name, result, time.perf_counter() - begun)

    async def _together(self, key: str, *commands: tuple[str | int, ...]) -> list[Any]:
        """Send commands in one go to the server that holds the key; each answer, or its error."""
        if isinstance(self._client, RedisCluster):
            await self._client.initialize()
            node = self._client.get_node_from_key(key)
            shards = self._client.pipeline()
            for command in commands:
                shards.execute_command(*command, target_nodes=node)
            # Followed one by one to another server, they would not be together any more.
            return await shards.execute(raise_on_error=False, allow_redirections=False)
        pipe = self._client.pipeline(transaction=False)
        for command in commands:
            pipe.execute_command(*command)
        return await pipe.execute(raise_on_error=False)

    async def _send(self, command: str, script: str, keys: int, values: Sequence[str | int]) -> Any:
        return await self._client.execute_command(command, script, keys, *values)


def call_token() -> str:
    """A name for one call, by which a script recognises that it is sent twice."""
    return secrets.token_hex(8)


def pages(ids: Sequence[str]) -> Iterator[list[str]]:
    """The ids in portions that one command may ask for."""
    for start in range(0, len(ids), PAGE):
        yield list(ids[start : start + PAGE])


@cache
def read(name: str) -> Script:
    """A script from the package's files. Its head declares KEYS and ARGV, which become locals."""
    folder = resources.files("bot.store") / "lua"
    shared, own = (folder.joinpath(f"{part}.lua").read_text("utf-8") for part in ("parts", name))
    keys, arguments = declared(own, "KEYS"), declared(own, "ARGV")
    flags = " flags=no-writes" if name in READ_ONLY else ""
    present = "now = present(now)" if "now" in arguments else ""
    taken = "\n".join((_locals(keys, "KEYS"), _locals(arguments, "ARGV"), present))
    text = f"#!lua{flags}\n{shared}\n{taken}\n{own}"
    # Redis names scripts by their SHA-1; nothing is kept secret or proved by it.
    sha = sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Script(name, text, sha, keys, arguments)


def declared(own: str, kind: str) -> tuple[str, ...]:
    """The names that a script's head gives its KEYS or ARGV, in order."""
    found = [names for which, names in _DECLARED.findall(own) if which == kind]
    return tuple(re.findall(r"\w+", found[0])) if found else ()


def _locals(names: Sequence[str], kind: str) -> str:
    if not names:
        return ""
    values = ", ".join(f"{kind}[{place}]" for place in range(1, len(names) + 1))
    return f"local {', '.join(names)} = {values}"
