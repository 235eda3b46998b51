"""What all tests share: deterministic property tests, and the flag that writes golden files anew."""

import gc
import os
from collections.abc import Iterator, Mapping
from pkgutil import resolve_name

import aiohttp
import pytest
from hypothesis import HealthCheck, settings

from bot.store.embedded import find_server
from tests.store import servers

LONG = 500.0
"""Seconds that nothing takes, however busy the machine is; less than pytest gives to a test."""
LIMITS = (
    "bot.app.GRACE",
    "bot.app.LAST_WORDS",
    "bot.app.PATIENCE",
    "bot.app.STOP_SECONDS",
    "bot.cancelling.CLOSE_SECONDS",
    "bot.cancelling.CUT_OFF_SECONDS",
    "bot.cancelling.LAST_SECONDS",
    "bot.check.certificates.SECONDS",
    "bot.cluster.client.CONNECT_SECONDS",
    "bot.cluster.client.SECONDS",
    "bot.cluster.client.WATCH_IDLE_SECONDS",
    "bot.cluster.client.WATCH_OPEN_SECONDS",
    "bot.cluster.cluster.LAST_SECONDS",
    "bot.cluster.announce.MOST_SECONDS",
    "bot.cluster.evidence.MOST_SECONDS",
    "bot.cluster.login._GLANCE",
    "bot.cluster.login._PATIENCE",
    "bot.cluster.plugin.LOGIN_SECONDS",
    "bot.cluster.plugin._REAPED_SECONDS",
    "bot.http_server.LAST_WORDS",
    "bot.http_server.PING_SECONDS",
    "bot.playground.slack.delivery.SCREEN_SECONDS",
    "bot.slack.handlers.modal.LOOK",
    "bot.slack.handlers.app_home.PING_SECONDS",
    "bot.slack.handlers.queries.PATIENCE",
    "bot.slack.inbound.http_connections.HEADER_SECONDS",
    "bot.slack.inbound.http_receiver.BODY_SECONDS",
    "bot.slack.inbound.socket_receiver.LAST_WORDS",
    "bot.store.connection.ANSWER_SECONDS",
    "bot.store.connection.CONNECT_SECONDS",
    "bot.store.embedded._STOP_LIMIT",
    "bot.worker.CUT_OFF_SECONDS",
    "bot.worker.ROUND_SECONDS",
    "bot.worker.STALLED_SECONDS",
)
"""The limits that are kept in real time."""
CLIENTS = ("bot.slack.api.network.TIMEOUT",)

settings.register_profile(
    "house", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")

if "VM_RESTORE_TEST_KUBECONFIG" not in os.environ:
    # Nothing here speaks to a server outside: a bot need not read the machine's authorities, which
    # takes as long as the rest of its start.
    os.environ |= {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}


# By default a quarter of the time goes into looking through modules and tests for garbage.
gc.set_threshold(100_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for real time begins first, and waits beside the others, not after them."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """What lives until the end need not be looked through for garbage."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest --update-golden` writes the golden files anew; read the diff then."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


@pytest.fixture(scope="session", autouse=True)
def own_limits() -> Iterator[Mapping[str, float]]:
    """No limit of real time is reached, unless a test sets it lower, to show what happens then.

    The bot's own values, for a test about them.
    """
    with pytest.MonkeyPatch.context() as patch:
        own: dict[str, float] = {name: resolve_name(name) for name in LIMITS}
        for name in LIMITS:
            patch.setattr(name, LONG)
        for name in CLIENTS:
            patch.setattr(name, aiohttp.ClientTimeout(total=LONG, connect=LONG))
        yield own


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Were golden files asked to be written anew?"""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def lent_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis for the worlds of this process, one after the other."""
    with servers.embedded(tmp_path_factory.mktemp("redis"), find_server()) as url:
        yield url
