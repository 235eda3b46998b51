"""Does what is stored stay? What the server says of its disk and of its memory.

A bot whose Redis forgets loses restores that are under way, so this is told at start-up and by
`vm-restore-bot check`. It is a question only: nothing is set here. CONFIG tells everything, but a
managed Redis often forbids it; INFO tells nearly as much and is seldom forbidden. What neither says
is unknown, which is neither good nor bad.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from redis.asyncio.cluster import RedisCluster
from redis.exceptions import ResponseError

from bot.store.connection import Client
from bot.store.failures import translated

_CONFIG: Final = ("appendonly", "appendfsync", "save", "maxmemory", "maxmemory-policy")
_INFO: Final = ("persistence", "memory")
_APPEND: Final = (
    "set `appendonly yes` and `appendfsync everysec` (or `always`) in its configuration"
)


FULL: Final = 0.8


class Risk(NamedTuple):
    """What may be lost, and what to do about it."""

    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Durability:
    """Does what is stored stay? None where the server does not say."""

    persistent: bool | None = None
    """It writes to its disk."""
    evicts: bool | None = None
    """It may drop keys when its memory is full."""
    lags: bool = False
    """It is known to write to its disk only from time to time, so that a crash loses more than the
    last two seconds: no log but snapshots, or a log that the system writes when it likes."""
    replicas: int = 0
    """Those that are connected; none also where the server does not say."""
    alone: bool = False
    """It takes writes while no replica has them (no `min-replicas-to-write`), though it has some."""
    version: str = ""
    """Of Redis, or that a Valkey says it is like; "" where the server does not say."""
    full: bool = False
    """More than four fifths of its memory limit are used."""
    awaited: int = 0
    """How many replicas must have what is stored before the bot acts."""

    @property
    def risks(self) -> tuple[Risk, ...]:
        """What is known to be wrong."""
        found = (
            (self.persistent is False, _FORGETS),
            (self.lags, _LAGS),
            (self.evicts is True, _DROPS),
            (self.full, _FULL),
            (self.alone, _ALONE),
            (self.awaited > self.replicas, _TOO_FEW),
        )
        return tuple(risk for there, risk in found if there)


_FORGETS: Final = Risk("keeps nothing on disk: its restart loses every restore under way", _APPEND)
_LAGS: Final = Risk("writes to disk only now and then: a crash loses what came last", _APPEND)
_DROPS: Final = Risk(
    "may drop keys when its memory is full, restores among them",
    "set `maxmemory-policy noeviction`; a full store then refuses new work and loses none",
)

_FULL: Final = Risk(
    "has used more than four fifths of its memory: full, it refuses new work",
    "give it more by `maxmemory`, or take what does not belong to the bot out of it",
)
_ALONE: Final = Risk(
    "takes writes that none of its replicas has: a fail-over forgets what was confirmed last",
    "set `min-replicas-to-write 1` in its configuration, and `store.replicas_to_wait_for: 1` in the"
    " file of the bot",
)
_TOO_FEW: Final = Risk(
    "shows fewer replicas than `store.replicas_to_wait_for` asks for: the bot does nothing in a"
    " cluster until they are there",
    "set up the replicas, or set `store.replicas_to_wait_for` to a number that is there",
)


async def read(client: Client, key: str, awaited: int = 0) -> Durability:
    """Ask the server that holds this key. `awaited` is a setting of the bot. Raises StoreUnavailable."""
    found = await _kept(client, key)
    copied = await _ask(client, key, "INFO", ("replication",)) or {}
    replicas = int(copied.get("connected_slaves", 0))
    # A server tells this number exactly if it takes no write without so many of them.
    alone = replicas > 0 and "min_slaves_good_slaves" not in copied
    machine = await _ask(client, key, "INFO", ("server", "memory")) or {}
    limit, used = int(machine.get("maxmemory") or 0), int(machine.get("used_memory") or 0)
    return replace(
        found,
        replicas=replicas,
        alone=alone,
        awaited=awaited,
        version=str(machine.get("redis_version", "")),
        full=limit > 0 and used > FULL * limit,
    )


async def _kept(client: Client, key: str) -> Durability:
    config = await _ask(client, key, "CONFIG GET", _CONFIG)
    if config is not None:
        return _of_config(config)
    info = await _ask(client, key, "INFO", _INFO)
    return Durability() if info is None else _of_info(info)


async def _ask(
    client: Client, key: str, command: str, words: tuple[str, ...]
) -> Mapping[str, Any] | None:
    """The answer; None if the server forbids the question or does not know it."""
    try:
        with translated():
            where = await _holder(client, key)
            answer: Mapping[str, Any] = await client.execute_command(command, *words, **where)
    except ResponseError:
        return None
    return answer


async def _holder(client: Client, key: str) -> dict[str, Any]:
    """Which node of a cluster to ask: each has a configuration of its own."""
    if not isinstance(client, RedisCluster):
        return {}
    # Nobody knows the slots before the first command.
    await client.initialize()
    return {"target_nodes": client.get_node_from_key(key)}


def _of_config(config: Mapping[str, str]) -> Durability:
    appends = config.get("appendonly") == "yes"
    saves = bool(config.get("save"))
    return Durability(
        persistent=appends or saves,
        evicts=_evicts(config.get("maxmemory"), config.get("maxmemory-policy")),
        lags=config.get("appendfsync") == "no" if appends else saves,
    )


def _of_info(info: Mapping[str, Any]) -> Durability:
    """INFO does not tell whether snapshots are taken, so without a log nothing is certain."""
    return Durability(
        persistent=True if info.get("aof_enabled") == 1 else None,
        evicts=_evicts(info.get("maxmemory"), info.get("maxmemory_policy")),
    )


def _evicts(limit: Any, policy: Any) -> bool | None:
    if limit is None or policy is None:
        return None
    return int(limit) > 0 and policy != "noeviction"
