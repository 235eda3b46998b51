"""The way to Slack: through a proxy where there is one, for all that is asked, posted and heard."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import app as house
from bot import check
from bot.playground.stage import Stage
from bot.settings import Settings, build
from bot.slack.api.network import Network
from tests.proxy import Proxy, proxy
from tests.stories import acts
from tests.stories.conftest import SetStage

API, HOOKS, SOCKETS = "slack.com", "hooks.slack.com", "wss-primary.slack.com"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for Slack's hosts, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on PATH to make a certificate")
    made = tmp_path_factory.mktemp("tls") / "slack.pem"
    request = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 -subj /CN=x"
    )
    names = ("-addext", f"subjectAltName=DNS:{API},DNS:{HOOKS},DNS:{SOCKETS}")
    files = ("-keyout", str(made), "-out", str(made.with_suffix(".crt")))
    subprocess.run([openssl, *request.split(), *names, *files], check=True, capture_output=True)  # noqa: S603 - our own words
    made.write_text(made.read_text() + made.with_suffix(".crt").read_text())
    return made


@pytest.fixture
async def between(stage_for: SetStage, certificate: Path) -> AsyncIterator[tuple[Stage, Proxy]]:
    """A stage without a bot, whose Slack is reached by its names through a proxy alone."""
    stage = await stage_for(start=False)
    slack = stage.world.slack
    behind = int(slack.root.rpartition(":")[2])
    slack.reached_at(f"https://{API}", hooks=f"https://{HOOKS}", sockets=f"wss://{SOCKETS}")
    async with proxy(certificate, behind) as made:
        yield stage, made
        await stage.world.stop_bot()


def settings(stage: Stage, between: Proxy, **env: str) -> Settings:
    """What the bot is told: the world's, and the proxy."""
    world = stage.world
    return build({**world.environment(), "HTTPS_PROXY": between.url, **env}, world.tree())


async def test_all_ways_go_through_the_proxy(
    between: tuple[Stage, Proxy], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Web API, the response_url and the socket, each under its own name; nothing goes past it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    stage, through = between
    stage.world.bot = await house.start(settings(stage, through), stage.world.clock)
    await stage.alice.slash(stage.channel, "/vm-restore status")
    await stage.whispered("No restore is under way")
    await acts.ask_and_finish(stage)
    assert set(through.asked) == {f"CONNECT {host}:443" for host in (API, HOOKS, SOCKETS)}


@pytest.mark.parametrize(
    ("refuses", "trusted", "said"),
    [
        (0, True, "signed in to"),
        (407, True, "Slack cannot be reached (auth.test): the proxy says no (407)"),
        (0, False, "signed by nobody whom this machine trusts"),
    ],
)
async def test_the_check_says_what_is_in_the_way(
    between: tuple[Stage, Proxy],
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    refuses: int,
    trusted: bool,
    said: str,
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    stage, through = between
    through.refuses = refuses
    told = settings(stage, through)
    rows = await check.examine(lambda: told, stage.world.clock)
    assert said in next(row.found for row in rows if row.part == "slack")


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("", "https://slack.com/api/", False),
        ("*", "https://slack.com/api/", True),
        ("slack.com", "https://slack.com/api/", True),
        ("slack.com", "https://hooks.slack.com/commands/1", True),
        ("slack.com", "wss://wss-primary.slack.com/link/", True),
        ("slack.com", "https://notslack.com/", False),
        (".slack.com", "https://hooks.slack.com/", True),
        ("*.slack.com", "https://hooks.slack.com/", True),
        ("hooks.slack.com", "https://slack.com/api/", False),
        (" 10.0.0.1 , Hooks.Slack.com ", "https://hooks.slack.com/", True),
        ("slack.com:443", "https://slack.com/api/", True),
        ("slack.com:8443", "https://slack.com/api/", False),
        (",,", "https://slack.com/api/", False),
    ],
)
def test_whom_the_proxy_is_not_asked_for(no_proxy: str, url: str, direct: bool) -> None:
    network = Network("http://proxy:3128", None, no_proxy)
    assert network.proxy_for(url) == (None if direct else "http://proxy:3128")


def test_a_proxy_for_https_is_none_for_http() -> None:
    network = Network("http://proxy:3128", "http://other:3128", "")
    assert network.proxy_for("http://127.0.0.1:1/api/") == "http://other:3128"
