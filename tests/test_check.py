"""`vm-restore-bot check`: what it finds in a world, good and bad."""

import asyncio
import io
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import check
from bot.check.rows import CheckRow, Grade, table
from bot.cluster.rights import RIGHTS
from bot.errors import Misconfigured
from bot.playground.clock import HandClock, WrongClock
from bot.playground.stage import set_stage
from bot.playground.world import World, world
from bot.settings import Settings, build
from bot.store import connect
from bot.texts.home import RESTORE_A_VM

HOUSE = Path(__file__).parent.parent
HELD = f"all {len(RIGHTS)} rights of the chart are there"
TRIED = "dry runs of a stop and of a snapshot pass"
FIELDS = "a VirtualMachineRestore knows targetReadinessPolicy"


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[World]:
    """A world in which Alice may restore; no bot runs in it."""
    async with world(tmp_path) as one:
        await set_stage(one)
        yield one


def env_of(made: World) -> dict[str, str]:
    """What the world's bot finds in its environment."""
    return {
        "SLACK_BOT_TOKEN": made.slack.bot_token,
        "SLACK_APP_TOKEN": made.slack.app_token,
        "SLACK_API_URL": made.slack.api_url,
        "REDIS_URL": made.redis_url,
        "KUBECONFIG": str(made.kube.kubeconfig(made.directory / "kubeconfig")),
    }


def told(made: World, tree: dict[str, Any] | None = None, **env: str) -> Settings:
    """The world's settings, with changes."""
    return build({**env_of(made), **env}, {**made.config, **(tree or {})})


async def examined(settings: Settings) -> tuple[CheckRow, ...]:
    return await check.examine(lambda: settings, HandClock())


def bad(findings: tuple[CheckRow, ...]) -> list[CheckRow]:
    return [each for each in findings if each.grade is not Grade.OK]


async def test_a_sound_world_is_all_ok(made: World) -> None:
    assert await examined(told(made)) == (
        CheckRow("settings", Grade.OK, "read (Socket Mode, command /vm-restore), grants: 1"),
        CheckRow("slack", Grade.OK, "signed in to Example Ops as @vm-restore"),
        CheckRow("slack", Grade.OK, "opens a socket for the app token"),
        CheckRow("store", Grade.OK, "Redis 7.2.4 answers"),
        CheckRow("store", Grade.OK, "Redis logs every change on its disk and drops no key"),
        CheckRow("cluster default", Grade.OK, "the API server answers"),
        CheckRow(
            "cluster default",
            Grade.OK,
            "KubeVirt v1.9.0 serves the snapshot API in v1beta1, v1alpha1",
        ),
        CheckRow("cluster default", Grade.OK, FIELDS),
        CheckRow("cluster default", Grade.OK, HELD),
        CheckRow("cluster default", Grade.OK, TRIED),
    )


@pytest.mark.parametrize(
    ("namespaces", "where"),
    [([], "in all namespaces"), (["production"], "in namespace production")],
)
async def test_missing_rights_are_all_named(made: World, namespaces: list[str], where: str) -> None:
    """What a restore can need fails the check, what only helps is a warning."""
    made.kube.deny("delete", "virtualmachineinstances")
    made.kube.deny("update", "virtualmachines/start")
    made.kube.deny("list", "pods")
    tree = {"clusters": {"default": {"namespaces": namespaces}}} if namespaces else None
    needed, helpful = bad(await examined(told(made, tree)))
    lost = "delete virtualmachineinstances, update virtualmachines/start"
    refused = f"may not {where}: {lost}; so every restore is refused"
    assert (needed.grade, needed.found) == (Grade.FAIL, refused)
    assert needed.fix == "grant them to the bot's account, as the chart does"
    assert (helpful.grade, helpful.found) == (
        Grade.WARN,
        f"may not {where}: list pods; so less can be offered and advised",
    )


async def test_it_changes_nothing(made: World) -> None:
    before = len(made.kube.log)
    async with connect(made.redis_url) as client:
        await examined(told(made))
        assert await client.dbsize() == 0
    asked = [call for call in made.kube.log[before:] if call.group != "authorization.k8s.io"]
    assert {call.verb for call in asked if not call.dry_run} <= {"get", "list"}
    assert [(call.verb, call.resource, call.subresource) for call in asked if call.dry_run] == [
        ("update", "virtualmachines", "stop"),
        ("create", "virtualmachinesnapshots", ""),
    ]


def test_the_button_that_it_tells_people_to_press_is_on_the_home_tab() -> None:
    assert f"*{RESTORE_A_VM}*" in check.NOT_YET


async def test_nobody_may_restore(made: World) -> None:
    found = await examined(told(made, {"access": {}}))
    assert [(each.part, each.grade) for each in bad(found)] == [("settings", Grade.WARN)]
    assert "nobody may restore" in bad(found)[0].found
    assert "access.grants" in bad(found)[0].fix


async def test_slack_refuses_the_token(made: World) -> None:
    found = await examined(told(made, SLACK_BOT_TOKEN="xoxb-of-another-app"))
    (wrong,) = bad(found)
    assert (wrong.part, wrong.grade) == ("slack", Grade.FAIL)
    assert "invalid_auth" in wrong.found
    assert "xoxb-of-another-app" not in wrong.found
    assert "SLACK_BOT_TOKEN" in wrong.fix


@pytest.mark.parametrize("code", ["invalid_auth", "missing_scope", "not_allowed_token_type"])
async def test_slack_opens_no_socket(made: World, code: str) -> None:
    made.slack.faults.refuse("apps.connections.open", code)
    found = await examined(told(made))
    (wrong,) = bad(found)
    assert (wrong.part, wrong.grade) == ("slack", Grade.FAIL)
    assert code in wrong.found
    assert "SLACK_APP_TOKEN" in wrong.fix


async def test_the_app_lacks_scopes(made: World) -> None:
    made.slack.scopes.difference_update({"users:read", "im:write"})
    (wrong,) = bad(await examined(told(made)))
    assert (wrong.part, wrong.grade) == ("slack", Grade.FAIL)
    assert wrong.found == "the app lacks the scopes im:write, users:read"
    assert "vm-restore-bot manifest" in wrong.fix


async def test_the_token_of_another_app_than_the_settings_name_is_told(made: World) -> None:
    found = await examined(told(made, {"app": {"command": "/db-restore"}}))
    [wrong] = [each for each in found if each.grade is Grade.WARN]
    assert "as @vm-restore, and the settings call it @db-restore" in wrong.found
    assert "app.command" in wrong.fix
    assert not [each for each in found if each.grade is Grade.FAIL]


async def test_the_token_of_an_organisation_is_refused_before_anything_else_is_asked(
    made: World,
) -> None:
    made.slack.workspace.org_wide = True
    (wrong,) = bad(await examined(told(made)))
    assert (wrong.part, wrong.grade) == ("slack", Grade.FAIL)
    assert "installed for a whole organisation" in wrong.found
    assert "install the app in one workspace, without org-wide deployment" in wrong.fix
    assert [call.method for call in made.slack.log] == ["auth.test"]


async def test_without_an_app_token_no_socket_is_asked_for(made: World) -> None:
    secret = made.slack.signing_secret
    found = await examined(told(made, SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET=secret))
    assert bad(found) == []
    assert [call.method for call in made.slack.log] == ["auth.test", "users.info"]


async def test_a_socket_is_not_taken_up(made: World) -> None:
    """A bot that runs beside it gets all of its events."""
    await examined(told(made))
    assert [call.method for call in made.slack.log] == [
        "auth.test",
        "apps.connections.open",
        "users.info",
    ]
    assert made.slack.connections == 0


async def test_slack_is_not_there(made: World) -> None:
    await made.slack.stop()
    found = await examined(told(made))
    away = "Slack cannot be reached (auth.test): Connection refused"
    assert bad(found) == [CheckRow("slack", Grade.FAIL, away, bad(found)[0].fix)]
    await made.slack.start()


async def test_redis_is_not_there(made: World) -> None:
    found = await examined(told(made, REDIS_URL=f"unix://{made.directory}/nowhere.sock"))
    (wrong,) = bad(found)
    assert (wrong.part, wrong.grade, wrong.found) == (
        "store",
        Grade.FAIL,
        "Redis cannot be reached",
    )


async def test_an_address_of_redis_that_cannot_work_is_told_as_the_bot_tells_it(
    made: World,
) -> None:
    found = await examined(told(made, REDIS_URL="redis://:s3cret@one,two"))
    (wrong,) = bad(found)
    assert wrong.grade is Grade.FAIL
    assert "several hosts need" in wrong.found
    assert "s3cret" not in wrong.found


async def test_a_redis_that_forgets_or_drops_keys_is_warned_of(made: World) -> None:
    async with connect(made.redis_url) as client:
        await client.config_set("appendonly", "no")
        await client.config_set("maxmemory", "100mb")
        await client.config_set("maxmemory-policy", "allkeys-lru")
    disk, memory = bad(await examined(told(made)))
    assert (disk.grade, memory.grade) == (Grade.WARN, Grade.WARN)
    assert "keeps nothing on disk" in disk.found
    assert "appendonly yes" in disk.fix
    assert "may drop keys" in memory.found
    assert "noeviction" in memory.fix


async def test_a_redis_with_fewer_replicas_than_the_bot_waits_for_is_warned_of(made: World) -> None:
    (few,) = bad(await examined(told(made, {"store": {"replicas_to_wait_for": 1}})))
    assert (few.part, few.grade) == ("store", Grade.WARN)
    assert "fewer replicas than `store.replicas_to_wait_for`" in few.found


async def test_a_redis_that_tells_nothing_is_unknown_which_is_a_warning(made: World) -> None:
    async with connect(made.redis_url) as client:
        await client.execute_command(
            "ACL", "SETUSER", "bot", "on", ">pw", "~*", "+ping", "+eval", "+evalsha", "+time"
        )
    path = made.redis_url.removeprefix("unix://")
    disk, memory = bad(await examined(told(made, REDIS_URL=f"unix://bot:pw@{path}")))
    assert (disk.grade, memory.grade) == (Grade.WARN, Grade.WARN)
    assert disk.found == "unknown: Redis does not tell whether it writes to its disk"
    assert memory.found == "unknown: Redis does not tell whether it drops keys"


async def test_without_an_address_the_embedded_server_is_named_and_not_started(made: World) -> None:
    """A bot may be running on its directory."""
    directory = made.directory / "data"
    found = await examined(told(made, {"store": {"data_dir": str(directory)}}, REDIS_URL=""))
    assert bad(found) == []
    assert str(directory) in next(each for each in found if each.part == "store").found
    assert not directory.exists()


async def test_without_an_address_and_without_a_server_to_embed(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> Path:
        raise Misconfigured("there is no server to embed: pip install it, or set REDIS_URL")

    monkeypatch.setattr("bot.check.store.find_server", none)
    assert bad(await examined(told(made, REDIS_URL=""))) == [
        CheckRow(
            "store",
            Grade.FAIL,
            "there is no server to embed",
            "pip install it, or set REDIS_URL",
        )
    ]


async def test_each_cluster_has_its_rows(made: World) -> None:
    clusters = {"east": {}, "west": {"kubeconfig": dead_kubeconfig(made)}}
    found = await examined(told(made, {"clusters": clusters, "default_cluster": "east"}))
    (wrong,) = bad(found)
    assert (wrong.part, wrong.grade) == ("cluster west", Grade.FAIL)
    assert [each.found for each in found if each.part == "cluster east"][-3:] == [
        FIELDS,
        HELD,
        TRIED,
    ]


async def test_a_cluster_that_nothing_tells_from_others_is_warned_of(made: World) -> None:
    for resource in ("namespaces", "kubevirts"):
        made.kube.deny("", resource)
    (unknown,) = bad(await examined(told(made)))
    assert (unknown.part, unknown.grade) == ("cluster default", Grade.WARN)
    assert "nothing tells it from other clusters" in unknown.found
    assert "kube-system" in unknown.fix


def dead_kubeconfig(made: World) -> str:
    """A kubeconfig of an API server that is not there."""
    path = made.kube.kubeconfig(made.directory / "dead")
    path.write_text(path.read_text().replace(made.kube.url, "http://127.0.0.1:1"))
    return str(path)


async def test_a_certificate_that_is_not_trusted_is_no_absence(made: World) -> None:
    path = made.kube.kubeconfig(made.directory / "tls")
    path.write_text(path.read_text().replace("http://", "https://"))
    (wrong,) = bad(await examined(told(made, KUBECONFIG=str(path))))
    assert "no TLS connection that can be trusted" in wrong.found
    assert "CA that signed" in wrong.fix


async def test_a_login_that_the_cluster_refuses(made: World) -> None:
    path = made.kube.kubeconfig(made.directory / "stranger")
    token = made.kube.authorizer.accounts["vm-restore-bot"].token
    path.write_text(path.read_text().replace(token, "nobody"))
    (wrong,) = bad(await examined(told(made, KUBECONFIG=str(path))))
    assert (wrong.part, wrong.grade) == ("cluster default", Grade.FAIL)
    assert wrong.found.startswith("refused (unauthorized)")


async def test_a_kubeconfig_that_cannot_be_used(made: World) -> None:
    path = made.directory / "empty"
    path.write_text("{}")
    (wrong,) = bad(await examined(told(made, KUBECONFIG=str(path))))
    assert wrong.grade is Grade.FAIL
    assert "cannot be used" in wrong.found


async def test_kubevirt_is_not_installed(made: World) -> None:
    made.kube.uninstall("snapshot.kubevirt.io")
    (wrong,) = bad(await examined(told(made)))
    assert wrong.grade is Grade.FAIL
    assert wrong.found == "the snapshot API (snapshot.kubevirt.io) is not served"


async def test_an_older_kubevirt_without_the_field_that_makes_a_restore_fail_at_once(
    made: World,
) -> None:
    made.kube.downgrade_restores("targetReadinessPolicy")
    (wrong,) = bad(await examined(told(made)))
    assert wrong.grade is Grade.WARN
    assert "targetReadinessPolicy" in wrong.found


async def test_a_volume_policy_that_the_cluster_does_not_know(made: World) -> None:
    made.kube.downgrade_restores("volumeRestorePolicy")
    assert bad(await examined(told(made))) == []
    (wrong,) = bad(await examined(told(made, {"rules": {"volume_policy": "InPlace"}})))
    assert wrong.grade is Grade.FAIL
    assert "rules.volume_policy" in wrong.fix


async def test_settings_that_are_wrong_end_it_with_a_row_each() -> None:
    def wrong() -> Settings:
        return build({"SLACK_APP_TOKEN": "xapp-1-x", "REDIS_URL": "localhost"}, {})

    found = await check.examine(wrong)
    assert [(each.part, each.grade) for each in found] == [("settings", Grade.FAIL)] * 2
    assert found[0].found == "SLACK_BOT_TOKEN: is missing"
    assert found[0].fix.startswith("set it to the Bot User OAuth Token")


def test_the_table_has_columns_and_says_the_fix_below() -> None:
    findings = (
        CheckRow("settings", Grade.OK, "read"),
        CheckRow("cluster east", Grade.FAIL, "is away", "let the bot reach it"),
    )
    assert table(findings).splitlines() == [
        "settings      ok    read",
        "cluster east  fail  is away",
        "                    to fix: let the bot reach it",
    ]


@pytest.mark.parametrize(
    ("policy", "code", "line"),
    [
        ("allkeys-lru", 0, "warn  Redis may drop keys"),
        ("", 1, "fail  Slack refuses the bot's token (invalid_auth)"),
    ],
    ids=["a warning is no failure", "a failure is exit code 1"],
)
async def test_the_command(made: World, policy: str, code: int, line: str) -> None:
    """The whole way: a process with the environment of a pod."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(HOUSE), **env_of(made)}
    if policy:
        async with connect(made.redis_url) as client:
            await client.config_set("maxmemory", "100mb")
            await client.config_set("maxmemory-policy", policy)
    else:
        env["SLACK_BOT_TOKEN"] = "xoxb-of-another-app"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "check"),
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert (err.decode(), process.returncode) == ("", code)
    assert line in out.decode()
    assert check.NOT_YET in out.decode()


def test_run_prints_and_returns_the_exit_code() -> None:
    out = io.StringIO()
    assert check.run(lambda: build({}, {}), out) == 2
    assert out.getvalue().startswith("settings  fail  SLACK_")


async def test_a_machine_whose_clock_is_wrong(made: World) -> None:
    """Slack, Redis and the API server say so, each for itself; the bot works."""
    wrong = WrongClock(HandClock(), 300)
    found = bad(await check.examine(lambda: told(made), wrong))
    assert [(each.part, each.grade, each.found) for each in found] == [
        ("slack", Grade.WARN, "its clock is 299 s behind this machine's"),  # it tells whole seconds
        ("store", Grade.WARN, "its clock is 300 s behind this machine's"),
        ("cluster default", Grade.WARN, "its clock is 299 s behind this machine's"),
    ]


async def test_what_the_settings_name_in_slack_is_looked_for(made: World) -> None:
    """Channels, groups and people of the access list, and where the report is to be posted."""
    left = made.slack.channel("left", bot=False)
    old = made.slack.channel("old", archived=True)
    gone = made.slack.person("gone", deactivated=True)
    group = made.slack.user_group("dbas")
    group.disabled = True
    grant = {"namespaces": ["*"], "channels": [old.id], "users": [gone.id], "groups": [group.id]}
    tree = {
        "access": {"grants": [grant], "on_call": {"groups": ["S0NOBODY1"], "users": ["U0NOBODY1"]}},
        "report": {"channel": left.id},
    }
    found = bad(await examined(told(made, tree)))
    assert [(each.grade, each.found) for each in found] == [
        (Grade.FAIL, f"channel {old.id} of `access.grants` is archived"),
        (Grade.FAIL, f"the bot is not in channel {left.id} of `report.channel`"),
        (Grade.FAIL, f"user group {group.id} of `access` is disabled, so it lets nobody restore"),
        (Grade.FAIL, "user group S0NOBODY1 of `access` is not there, so it lets nobody restore"),
        (Grade.WARN, f"person {gone.id} of `access` is deactivated"),
        (Grade.FAIL, "person U0NOBODY1 of `access` cannot be read (user_not_found)"),
    ]


async def test_the_feature_gate_and_missing_namespaces_are_found_by_dry_runs(made: World) -> None:
    made.kube.knobs.snapshot_gate = False
    (wrong,) = bad(await examined(told(made)))
    assert wrong.found.startswith("a dry run of a snapshot in namespace default is refused: ")
    assert "feature gate" in wrong.found
    made.kube.knobs.snapshot_gate = True
    tree = {"clusters": {"default": {"namespaces": ["production", "produktion"]}}}
    (wrong,) = bad(await examined(told(made, tree)))
    assert (wrong.grade, wrong.found) == (Grade.FAIL, "there is no namespace produktion")


async def test_a_port_that_is_taken_and_data_that_cannot_be_written(
    made: World, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(1)
        http = {"host": "127.0.0.1", "port": held.getsockname()[1]}
        tree = {"http": http, "store": {"data_dir": str(file / "store")}}
        found = bad(await examined(told(made, tree, REDIS_URL="")))
    assert [(each.part, each.grade) for each in found] == [
        ("store", Grade.FAIL),
        ("http", Grade.WARN),
    ]
    assert found[0].found == f"may not write to {file / 'store'}"


async def test_a_redis_that_is_nearly_full_is_warned_of(made: World) -> None:
    async with connect(made.redis_url) as client:
        used = (await client.info("memory"))["used_memory"]
        await client.config_set("maxmemory", int(used * 1.1))
        (wrong,) = bad(await examined(told(made)))
        await client.config_set("maxmemory", 0)
    assert (wrong.part, wrong.grade) == ("store", Grade.WARN)
    assert "four fifths of its memory" in wrong.found


def test_the_findings_as_json() -> None:
    out = io.StringIO()
    assert check.run(lambda: build({}, {}), out, json=True) == 2
    rows = json.loads(out.getvalue())
    assert {each["part"] for each in rows} == {"settings"}
    assert set(rows[0]) == {"part", "grade", "found", "fix"}
