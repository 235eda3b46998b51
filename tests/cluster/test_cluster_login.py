"""Getting into a cluster: what works, and what is said when it does not."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.cluster import login
from bot.cluster.cluster import Cluster
from bot.errors import Misconfigured, Temporary
from bot.playground.clock import HandClock
from tests.cluster.wire import Wire, says

Json = dict[str, Any]


async def connect(kubeconfig: Path | str | None, context: str | None = None) -> Cluster:
    path = None if kubeconfig is None else str(kubeconfig)
    return await Cluster.connect(
        "prod", kubeconfig=path, context=context, namespaces=(), clock=HandClock()
    )


async def authorization(wire: Wire, cluster: Cluster) -> str | None:
    wire.on("GET", "/version", says({}))
    try:
        await cluster.ping()
    finally:
        await cluster.close()
    return wire.seen[-1].headers.get("Authorization")


def exec_user(tmp_path: Path, code: str, **more: Any) -> Json:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(code)
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [str(plugin)],
            **more,
        }
    }


def exec_answer(**status: Any) -> str:
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": status,
    }
    return f"print({json.dumps(answer)!r})"


async def test_without_kubeconfig_and_pod_it_says_what_to_set() -> None:
    with pytest.raises(Misconfigured, match=r"Set KUBECONFIG, or clusters\.prod\.kubeconfig"):
        await connect(None)


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"there is no file .*nowhere"):
        await connect(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "words",
    [
        "",
        "just words",
        "[]",
        "{}",
        "clusters: [",
        '{"current-context": "x", "contexts": [], "clusters": [], "users": []}',
        "\x00\x01",
    ],
)
async def test_a_file_that_is_no_kubeconfig_is_named(words: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(words)
    with pytest.raises(Misconfigured, match=r"config cannot be used: .* current-context"):
        await connect(tmp_path / "config")


async def test_an_unknown_context_is_named(wire: Wire, tmp_path: Path) -> None:
    path = wire.kubeconfig(tmp_path / "config")
    with pytest.raises(Misconfigured, match="with a context named 'elsewhere'"):
        await connect(path, "elsewhere")


async def test_no_error_of_a_kubeconfig_shows_its_token(wire: Wire, tmp_path: Path) -> None:
    path = wire.kubeconfig(tmp_path / "config")
    with pytest.raises(Misconfigured) as caught:
        await connect(path, "elsewhere")
    assert "very-secret" not in str(caught.value)


async def test_a_context_by_name(wire: Wire, tmp_path: Path) -> None:
    path = wire.kubeconfig(tmp_path / "config")
    assert await authorization(wire, await connect(path, "here")) == "Bearer very-secret"


async def test_one_of_several_files_is_enough(wire: Wire, tmp_path: Path) -> None:
    path = wire.kubeconfig(tmp_path / "config")
    both = f"{tmp_path / 'nowhere'}:{path}"
    assert await authorization(wire, await connect(both)) == "Bearer very-secret"


async def test_a_token_from_an_exec_plugin(wire: Wire, tmp_path: Path) -> None:
    user = exec_user(tmp_path, exec_answer(token="from-plugin"))
    path = wire.kubeconfig(tmp_path / "config", user)
    assert await authorization(wire, await connect(path)) == "Bearer from-plugin"


@pytest.mark.parametrize("code", ["raise SystemExit(1)", "print('nonsense')", exec_answer()])
async def test_an_exec_plugin_that_gives_nothing_is_a_setting_to_fix(
    code: str, wire: Wire, tmp_path: Path
) -> None:
    path = wire.kubeconfig(tmp_path / "config", exec_user(tmp_path, code))
    with pytest.raises(Misconfigured, match=r"exec plugin .* gave no login"):
        await connect(path)


async def test_a_rotated_token_is_taken_up(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    path = wire.kubeconfig(tmp_path / "config", {"tokenFile": str(token)})
    monkeypatch.setattr(login, "_REFRESH_SECONDS", 0.0)
    cluster = await connect(path)
    token.write_text("new")
    assert await authorization(wire, cluster) == "Bearer new"


async def test_a_token_is_not_asked_for_with_every_request(wire: Wire, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    path = wire.kubeconfig(tmp_path / "config", {"tokenFile": str(token)})
    cluster = await connect(path)
    token.write_text("new")
    assert await authorization(wire, cluster) == "Bearer old"


async def test_a_token_that_cannot_be_renewed_is_temporary(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    path = wire.kubeconfig(tmp_path / "config", {"tokenFile": str(token)})
    monkeypatch.setattr(login, "_REFRESH_SECONDS", 0.0)
    cluster = await connect(path)
    token.unlink()
    with pytest.raises(Temporary, match="the login could not be renewed"):
        await authorization(wire, cluster)


async def test_logins_for_other_programs_are_not_sent(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ~/.netrc may have a login for any host; beside the token of the kubeconfig it is none."""
    (tmp_path / "netrc").write_text("default login alice password s3cret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    cluster = await connect(wire.kubeconfig(tmp_path / "config", {"token": "first"}))
    assert await authorization(wire, cluster) == "Bearer first"


async def test_a_proxy_that_the_environment_names_is_used(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wire.kubeconfig(tmp_path / "config", {"token": "first"})
    config = json.loads(path.read_text())
    config["clusters"][0]["cluster"]["server"] = "http://elsewhere.example.com"
    path.write_text(json.dumps(config))
    monkeypatch.setenv("http_proxy", wire.url)
    assert await authorization(wire, await connect(path)) == "Bearer first"


async def test_a_pod_uses_its_service_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.aio.config import incluster_config  # noqa: PLC0415 - only to move its files

    (tmp_path / "token").write_text("of-the-pod")
    (tmp_path / "ca.crt").write_text(CA)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    found = await login.log_in("prod", None, None)
    assert found.host == "https://10.0.0.1:6443"
    assert found.api_key == {"BearerToken": "bearer of-the-pod"}
    assert found.verify_ssl
    assert found.retries is None
    assert found.refresh_api_key_hook is not None


CA = "-----BEGIN CERTIFICATE-----\nnever read here\n-----END CERTIFICATE-----\n"
