"""`check` says when certificates end: the API server's, the bot's own, that of Redis."""

import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.check import certificates, clusters, store
from bot.check.rows import Grade
from bot.playground.clock import HandClock
from bot.playground.stage import set_stage
from bot.playground.world import World, world
from bot.restore.rules import Rules
from bot.settings import ClusterSettings, build
from tests.proxy import proxy

DAYS = 90


def openssl(*words: str) -> str:
    """What openssl answers."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl on PATH to make a certificate")
    done = subprocess.run([program, *words], check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    return done.stdout


def made(directory: Path, days: int) -> tuple[Path, datetime]:
    """A certificate for 127.0.0.1 with its key in the same file, and its end as openssl tells it."""
    file, key = directory / f"{days}.pem", directory / f"{days}.key"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=server"
    names = ("-addext", "subjectAltName=IP:127.0.0.1", "-days", str(days))
    openssl(*request.split(), *names, "-keyout", str(key), "-out", str(file))
    ends = openssl("x509", "-enddate", "-noout", "-in", str(file)).strip().removeprefix("notAfter=")
    file.write_text(f"{file.read_text()}{key.read_text()}")
    return file, datetime.strptime(ends, "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    """One that ends in three months."""
    return made(tmp_path_factory.mktemp("tls"), DAYS)


def test_the_end_is_the_one_that_openssl_reads(tmp_path: Path) -> None:
    """Also after 2049, where the time has another form; what is cut off or no certificate has none."""
    for days in (1, 12_000):
        file, ends = made(tmp_path, days)
        assert certificates.in_file(file) == ends
    der = ssl.PEM_cert_to_DER_cert(file.read_text().partition("-----BEGIN PRIVATE")[0])
    assert certificates.until(der) == ends
    assert {certificates.until(der[:length]) for length in range(len(der))} == {None}
    file.write_text("-----BEGIN CERTIFICATE-----\nnever\n-----END CERTIFICATE-----\n")
    assert certificates.in_file(file) is None
    assert certificates.in_file(tmp_path / "absent") is None


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[World]:
    """A world without a bot."""
    async with world(tmp_path) as one:
        await set_stage(one)
        yield one


def by_plugin(certificate: Path) -> dict[str, Any]:
    """A user whose certificate a program gives, as it does anew all the time."""
    cut = certificate.read_text().partition("-----BEGIN PRIVATE")
    given = {"clientCertificateData": cut[0], "clientKeyData": "".join(cut[1:])}
    version = "client.authentication.k8s.io/v1"
    answer = {"apiVersion": version, "kind": "ExecCredential", "status": given}
    code = f"print({json.dumps(answer)!r})"
    return {"exec": {"apiVersion": version, "command": sys.executable, "args": ["-c", code]}}


async def told(
    place: World, certificate: Path, now: datetime, *, trusted: bool, plugin: bool = False
) -> list[str]:
    """The rows about certificates of a cluster with TLS, and about what does not work, at this time."""
    behind = int(place.kube.url.rpartition(":")[2])
    async with proxy(certificate, behind, direct=True) as front:
        path = place.kube.kubeconfig(place.directory / "tls", at=f"https://127.0.0.1:{front.port}")
        tree = yaml.safe_load(path.read_text())
        if trusted:
            tree["clusters"][0]["cluster"]["certificate-authority"] = str(certificate)
        own = {"client-certificate": str(certificate), "client-key": str(certificate)}
        user = tree["users"][0]["user"]
        tree["users"][0]["user"] = by_plugin(certificate) if plugin else user | own
        path.write_text(yaml.safe_dump(tree))
        settings = ClusterSettings(kubeconfig=str(path))
        rows = await clusters.look("east", settings, Rules(), HandClock(now))
    return [
        f"{each.grade} {each.found}"
        for each in rows
        if "certificate" in each.found or each.grade is Grade.FAIL
    ]


async def test_those_of_a_cluster_are_told_before_they_end(
    place: World, dated: tuple[Path, datetime]
) -> None:
    file, ends = dated
    day = f"{ends:%Y-%m-%d}"
    servers, own = "the API server's certificate", "the bot's client certificate"
    for before, words in (
        (timedelta(days=31), f"ok {{}} is good until {day}"),
        (timedelta(days=30, seconds=-1), f"warn {{}} ends on {day}, in 29 days"),
        (timedelta(0), f"fail {{}} ended on {day}"),
    ):
        found = await told(place, file, ends - before, trusted=True)
        assert found == [words.format(servers), words.format(own)]


async def test_one_that_has_ended_is_told_where_no_connection_stands(
    place: World, dated: tuple[Path, datetime]
) -> None:
    file, ends = dated
    [why, servers, own] = await told(place, file, ends, trusted=False)
    assert "no TLS connection that can be trusted" in why
    assert servers.startswith("fail the API server's certificate ended")
    assert own.startswith("fail the bot's client certificate ended")


async def test_one_that_a_plugin_gives_for_a_while_is_not_told(
    place: World, dated: tuple[Path, datetime]
) -> None:
    file, ends = dated
    found = await told(place, file, ends - timedelta(hours=1), trusted=True, plugin=True)
    assert found == [f"warn the API server's certificate ends on {ends:%Y-%m-%d}, in 0 days"]


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("rediss://:secret@127.0.0.1:{port}/0", True),
        ("rediss+sentinel://:secret@127.0.0.1:{port},127.0.0.1:1/vms", True),
        ("redis://127.0.0.1:{port}/0", False),
    ],
)
async def test_that_of_redis_is_told(dated: tuple[Path, datetime], url: str, seen: bool) -> None:
    """Nothing answers behind it: who looks why finds the certificate, if it is TLS."""
    file, ends = dated
    async with proxy(file, 1, direct=True) as front:
        env = {"SLACK_BOT_TOKEN": "xoxb-1-a", "SLACK_APP_TOKEN": "xapp-1-a"}
        settings = build(env | {"REDIS_URL": url.format(port=front.port)}, {})
        rows = await store.look(settings, HandClock(ends - timedelta(days=1, seconds=9)))
    [ended, *rest] = [each.found for each in rows]
    assert "secret" not in ended
    told = f"the certificate of Redis ends on {ends:%Y-%m-%d}, in 1 days"
    assert rest == ([told] if seen else [])
