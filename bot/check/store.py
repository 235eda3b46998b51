"""The store: does it answer, and does what is stored stay?"""

from typing import Final
from urllib.parse import urlsplit

from bot.check import certificates
from bot.check.rows import CheckRow, Grade, clock
from bot.clock import Clock, SharedClock
from bot.errors import Misconfigured, StoreUnavailable
from bot.settings import Settings
from bot.store import Durability, Keeping, Store, connect
from bot.store.embedded import find_server

OLDEST: Final = 7
PORT: Final = 6379
_PROBE: Final = "check"
"""A workspace id for the store's keys; nothing is written under it."""


async def look(settings: Settings, machine: Clock) -> list[CheckRow]:
    """All rows of the store."""
    url = settings.environment.redis_url
    if url is None:
        return [_embedded(settings)]
    try:
        async with connect(url.get_secret_value()) as client:
            shared = SharedClock(machine)
            awaited = settings.store.replicas_to_wait_for
            store = Store(client, _PROBE, shared, keeping=Keeping(replicas=awaited))
            await store.queue.learn_the_time()
            differs = clock("store", shared.now() - machine.steady())
            found = await store.durability()
            dated = await _certificate(url.get_secret_value(), machine)
            return [_version(found.version), *dated, *differs, *_durability(found)]
    except Misconfigured as wrong:
        return [CheckRow("store", Grade.FAIL, str(wrong))]
    except StoreUnavailable as away:
        fix = "set REDIS_URL to a Redis that is up, and let the bot reach it"
        dated = await _certificate(url.get_secret_value(), machine)
        return [CheckRow("store", Grade.FAIL, away.what, fix), *dated]


async def _certificate(address: str, machine: Clock) -> list[CheckRow]:
    """The certificate of a Redis with TLS; that of a proxy before Slack is not looked at."""
    url = urlsplit(address)
    if not url.scheme.startswith("rediss") or not url.hostname:
        return []
    first = url.netloc.rpartition("@")[2].partition(",")[0]
    host, port = urlsplit(f"//{first}").hostname, urlsplit(f"//{first}").port
    ends = await certificates.served(host or url.hostname, port or PORT)
    fix = "let the people who run Redis renew it"
    return certificates.row("store", "the certificate of Redis", ends, machine.now(), fix)


def _version(version: str) -> CheckRow:
    if version and int(version.partition(".")[0]) < OLDEST:
        why = f"Redis {version} is too old: the bot's scripts need Redis {OLDEST} or Valkey"
        return CheckRow("store", Grade.FAIL, why, "upgrade it")
    return CheckRow("store", Grade.OK, f"Redis {version} answers".replace("  ", " "))


def _embedded(settings: Settings) -> CheckRow:
    """Not started here: one server may use its directory, and that is the bot's."""
    try:
        server = find_server()
    except Misconfigured as none:
        return CheckRow("store", Grade.FAIL, *_halves(str(none)))
    where = f"the embedded {server.name}, for one bot, on disk in {settings.store.data_dir}"
    return CheckRow("store", Grade.OK, where)


def _halves(text: str) -> tuple[str, str]:
    found, _, fix = text.partition(": ")
    return found, fix


def _durability(found: Durability) -> list[CheckRow]:
    """One row for the disk and one for the memory."""
    risks = [CheckRow("store", Grade.WARN, f"Redis {what}", fix) for what, fix in found.risks]
    if found.persistent is None:
        risks.append(_unknown("whether it writes to its disk", "that `appendonly yes` is set"))
    if found.evicts is None:
        risks.append(_unknown("whether it drops keys", "that the policy is `noeviction`"))
    kept = "Redis logs every change on its disk and drops no key"
    return risks or [CheckRow("store", Grade.OK, kept)]


def _unknown(what: str, fix: str) -> CheckRow:
    return CheckRow(
        "store", Grade.WARN, f"unknown: Redis does not tell {what}", f"ask who runs it {fix}"
    )
