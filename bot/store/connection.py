"""From REDIS_URL to a client.

    redis://[user:password@]host[:port][/db]            one server
    rediss://...                                        the same, with TLS
    unix:///path/to/socket[?db=n]                       a socket
    redis+sentinel://[user:password@]host:port,host:port/MASTER[/db]
    redis+cluster://[user:password@]host:port,host:port

`rediss+sentinel` and `rediss+cluster` speak TLS. Options after `?`: `ssl_ca_certs`, `ssl_certfile`,
`ssl_keyfile`, `ssl_check_hostname`, and `sentinel_username`, `sentinel_password` for Sentinels that
want their own. An IPv6 address stands in brackets.

A command is sent once and fails within three seconds: the retry is the due queue, not the client.
No message of this file holds the URL, since it may hold a password.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from redis import DriverInfo
from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from bot.errors import Misconfigured

Client = Redis | RedisCluster

DRIVER = DriverInfo()
"""Left out, each client reads the metadata of the installed library from the disk."""
ANSWER_SECONDS = 2.0
CONNECT_SECONDS = 1.0
_TLS_OPTIONS = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"})
_SENTINEL_OPTIONS = frozenset({"sentinel_username", "sentinel_password"})
_SCHEMES = ("redis", "redis+sentinel", "redis+cluster")
_PORTS = {"redis": 6379, "redis+sentinel": 26379, "redis+cluster": 6379}


@dataclass(frozen=True, slots=True)
class RedisTarget:
    """What a URL says."""

    scheme: str
    tls: bool = False
    hosts: tuple[tuple[str, int], ...] = ()
    socket: str | None = None
    master: str | None = None
    db: int = 0
    login: dict[str, str] = field(default_factory=dict, repr=False)
    options: dict[str, str] = field(default_factory=dict, repr=False)


@asynccontextmanager
async def connect(url: str, *, protocol: Literal[2, 3] = 3) -> AsyncIterator[Client]:
    """A client for the URL, closed at the end. `protocol` 2 is for proxies that know no RESP3.

    Nothing is sent yet: whether the server is there is what `Store.ping` tells.
    """
    target = read_url(url)
    if target.master is not None:
        sentinel = _sentinel(target, protocol)
        master: Redis = sentinel.master_for(target.master)
        async with aclosing(sentinel), aclosing(master):
            yield master
        return
    client = _cluster(target, protocol) if "cluster" in target.scheme else _single(target, protocol)
    # Not `async with client`: a cluster's client would connect on the spot.
    async with aclosing(client):
        yield client


def read_url(url: str) -> RedisTarget:
    """The parts of a URL; Misconfigured if it cannot work."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "unix":
            return _socket(parts)
        return _servers(parts)
    except ValueError as error:
        raise Misconfigured(f"REDIS_URL: {error}") from None


def _socket(parts: SplitResult) -> RedisTarget:
    options = dict(parse_qsl(parts.query))
    db = _number(options.pop("db", "0"), "the database")
    _only(options, set())
    if not parts.path:
        raise ValueError("write the path of the socket as unix:///path/to/socket")
    return RedisTarget("unix", socket=unquote(parts.path), db=db, login=_login(parts))


def _servers(parts: SplitResult) -> RedisTarget:
    tls = parts.scheme.startswith("rediss")
    scheme = parts.scheme.replace("rediss", "redis", 1)
    if scheme not in _SCHEMES:
        raise ValueError(
            "write redis://, rediss://, unix://, redis+sentinel:// or redis+cluster:// before the host"
        )
    sentinel = scheme == "redis+sentinel"
    options = dict(parse_qsl(parts.query))
    _only(options, {*(_TLS_OPTIONS if tls else ()), *(_SENTINEL_OPTIONS if sentinel else ())})
    path = [unquote(part) for part in parts.path.split("/") if part]
    if sentinel and not path:
        raise ValueError(
            "name the master that the Sentinels watch: redis+sentinel://host:port/MASTER"
        )
    master = path.pop(0) if sentinel else None
    db = _number(path[0], "the database") if path else 0
    if scheme == "redis+cluster" and db:
        raise ValueError("a Redis Cluster has only database 0")
    hosts = _hosts(parts.netloc.rpartition("@")[2], _PORTS[scheme])
    if scheme == "redis" and len(hosts) > 1:
        raise ValueError("several hosts need redis+sentinel:// or redis+cluster://")
    return RedisTarget(
        scheme, tls=tls, hosts=hosts, master=master, db=db, login=_login(parts), options=options
    )


def _hosts(text: str, default: int) -> tuple[tuple[str, int], ...]:
    found = []
    for part in text.split(","):
        host, bracket, rest = part.partition("]")
        if not bracket:
            host, _, rest = part.partition(":")
            rest = rest and f":{rest}"
        if not host.strip("["):
            raise ValueError("a host is missing")
        port = rest.removeprefix(":")
        found.append((unquote(host.strip("[")), _number(port, "the port") if port else default))
    return tuple(found)


def _login(parts: SplitResult) -> dict[str, str]:
    # urlsplit finds no user name in an address with a list of hosts.
    who, _, _ = parts.netloc.rpartition("@")
    user, _, password = who.partition(":")
    login = {"username": unquote(user), "password": unquote(password)}
    return {name: value for name, value in login.items() if value}


def _number(text: str, what: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{what} must be a number")
    return int(text)


def _only(options: dict[str, str], known: set[str]) -> None:
    if unknown := sorted(options.keys() - known):
        fitting = f"; this kind of URL takes {', '.join(sorted(known))}" if known else ""
        raise ValueError(f"no option {', '.join(unknown)}{fitting}")


def _wire(target: RedisTarget, protocol: int) -> dict[str, Any]:
    """How each connection behaves. The defaults of redis-py let one command hang for a minute."""
    return {
        "socket_timeout": ANSWER_SECONDS,
        "socket_connect_timeout": CONNECT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": True,
        "protocol": protocol,
        "driver_info": DRIVER,
        **_tls(target),
    }


def _tls(target: RedisTarget) -> dict[str, Any]:
    if not target.tls:
        return {}
    options: dict[str, Any] = {
        name: value for name, value in target.options.items() if name in _TLS_OPTIONS
    }
    if "ssl_check_hostname" in options:
        options["ssl_check_hostname"] = options["ssl_check_hostname"].lower() in {
            "1",
            "true",
            "yes",
        }
    return {"ssl": True, **options}


def _single(target: RedisTarget, protocol: int) -> Redis:
    wire = {**_wire(target, protocol), **target.login, "db": target.db}
    if target.socket is not None:
        return Redis(unix_socket_path=target.socket, **wire)
    host, port = target.hosts[0]
    return Redis(host=host, port=port, **wire)


def _cluster(target: RedisTarget, protocol: int) -> RedisCluster:
    nodes = [ClusterNode(host, port) for host, port in target.hosts]
    wire = {**_wire(target, protocol), **target.login}
    return RedisCluster(startup_nodes=nodes, **wire)


def _sentinel(target: RedisTarget, protocol: int) -> Sentinel:
    wire = _wire(target, protocol)
    login = {
        name.removeprefix("sentinel_"): value
        for name, value in target.options.items()
        if name in _SENTINEL_OPTIONS
    }
    return Sentinel(  # type: ignore[no-untyped-call] # redis-py has no types for it
        target.hosts, sentinel_kwargs={**wire, **login}, **wire, **target.login, db=target.db
    )
