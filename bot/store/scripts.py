"""The Lua scripts: each state change is one of them, sent as one command.

A script's text is `lua/parts.lua` and its own file, under Redis 7's `#!lua` line, which makes the
server refuse it as a whole (no memory, replica, a key of another slot) before it writes anything.
Rules for a script:
- time comes in as an argument, in ms; so do all names, by KEYS or by the prefix (see `keys`);
- it may be sent twice: a client or proxy that lost the reply sends it again, so each script knows
  its caller's token or fence and answers the second time as it did the first;
- what it loops over is bounded by the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from importlib import resources
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoScriptError

from bot.store.failures import translated

READ_ONLY = frozenset({"chore", "gather", "heard", "listed"})
NAMES = (
    "accept",
    "chore",
    "commit",
    "create",
    "doubt",
    "drop",
    "finish",
    "gather",
    "heard",
    "keep",
    "lease",
    "listed",
    "park",
    "record",
    "renew",
    "settle",
    "wake",
)


@dataclass(frozen=True, slots=True)
class Script:
    """One script's text and the name Redis gives it."""

    text: str
    sha: str


class Scripts:
    """Runs the scripts on one client."""

    def __init__(self, client: Redis | RedisCluster) -> None:
        self._client = client
        self._scripts = {name: read(name) for name in NAMES}

    async def run(self, name: str, keys: Sequence[str], *args: str | int) -> Any:
        """One EVALSHA; the first on a server that does not know the script is followed by EVAL."""
        script = self._scripts[name]
        with translated():
            try:
                return await self._send("EVALSHA", script.sha, keys, args)
            except NoScriptError:
                return await self._send("EVAL", script.text, keys, args)

    async def _send(
        self, command: str, script: str, keys: Sequence[str], args: Sequence[str | int]
    ) -> Any:
        return await self._client.execute_command(command, script, len(keys), *keys, *args)


def read(name: str) -> Script:
    """A script from the package's files."""
    folder = resources.files("bot.store") / "lua"
    shared, own = (folder.joinpath(f"{part}.lua").read_text("utf-8") for part in ("parts", name))
    flags = " flags=no-writes" if name in READ_ONLY else ""
    text = f"#!lua{flags}\n{shared}\n{own}"
    # Redis names scripts by their SHA-1; nothing is kept secret or proved by it.
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())
