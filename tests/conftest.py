"""What all tests share: deterministic property tests, and the flag that writes golden files anew."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from bot.store.embedded import find_server
from tests.store import servers

settings.register_profile(
    "house", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")

if "VM_RESTORE_TEST_KUBECONFIG" not in os.environ:
    # Nothing here speaks to a server outside: a bot need not read the machine's authorities, which
    # takes as long as the rest of its start.
    os.environ |= {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest --update-golden` writes the golden files anew; read the diff then."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Were golden files asked to be written anew?"""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def lent_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis for the worlds of this process, one after the other."""
    with servers.embedded(tmp_path_factory.mktemp("redis"), find_server()) as url:
        yield url
