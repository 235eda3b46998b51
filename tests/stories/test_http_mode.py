"""Without Socket Mode Slack delivers by signed HTTP: the same stories, and a receiver that checks."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlencode

import aiohttp
import pytest
from slack_sdk.signature import SignatureVerifier

from bot.playground.clock import START
from bot.playground.slack.payloads import LEGACY_TOKEN
from bot.playground.stage import SNAPSHOT_TIME, Stage
from bot.slack.inbound import http_connections, http_receiver
from tests.stories import acts, test_restore, test_stopping
from tests.stories.conftest import GOLDEN, Golden, SetStage, documents

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
FIVE_MINUTES = 60 * 5

Story = Callable[[SetStage, Golden], Awaitable[None]]


@pytest.mark.parametrize(
    "story",
    [
        test_restore.test_stopped_vm_by_slash_command,
        test_restore.test_running_vm_among_people,
        test_stopping.test_running_vm_in_an_incident_thread,
    ],
)
async def test_same_story_by_signed_http(stage_for: SetStage, story: Story) -> None:
    """The channel reads the same to the letter, however Slack delivers."""

    async def by_http(**settings: object) -> Stage:
        return await stage_for(socket_mode=False, **settings)

    async def same(stage: Stage, part: str = "") -> None:
        assert part == ""
        await stage.world.quiet()
        name = story.__name__.removeprefix("test_")
        assert stage.transcript() == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
        assert stage.world.slack.connections == 0

    await story(by_http, same)


async def test_vm_with_payload_in_its_name(stage_for: SetStage) -> None:
    """Bolt takes any form with the word in it for a click; the command must not be lost."""
    stage = await stage_for(socket_mode=False)
    stage.world.kube.seed.vm("production", "payload-db", running=False, run_strategy="Halted")
    stage.world.kube.seed.snapshot("production", "snap", "payload-db", created=SNAPSHOT_TIME)
    await acts.ask(stage, "/vm-restore payload-db from snap in production")
    await acts.finish(stage, "snap")
    (made,) = stage.restores()
    assert acts.spec_of(made)["virtualMachineSnapshotName"] == "snap"


async def test_pickers_by_http(stage_for: SetStage) -> None:
    """What a list offers goes back in the answer to Slack's request."""
    stage = await stage_for(socket_mode=False)
    await acts.ask(stage, "/vm-restore from pre-upgrade-snapshot in production")
    card = await stage.card("should be restored?")
    await stage.alice.pick(card, "vmr:pick-vm", "database-01")
    await stage.card(acts.TYPE_IT)


async def test_everything_twice_and_swapped_by_http(stage_for: SetStage) -> None:
    """Slack's retries are as harmless here as on a socket."""
    stage = await stage_for(socket_mode=False)
    stage.world.slack.faults.twice = stage.world.slack.faults.swap = True
    await acts.ask_and_finish(stage)
    assert acts.sent(stage) == ["create virtualmachinerestores"]
    assert len(await documents(stage.world)) == 1


async def test_event_that_cannot_be_kept_comes_again(stage_for: SetStage) -> None:
    """Without Redis nothing is acknowledged: Slack tries again, and nothing is lost."""
    stage = await stage_for(own_redis=True, socket_mode=False)
    await acts.to_the_warning(stage)
    await stage.world.quiet()
    await stage.world.redis.stop()
    await stage.reply("pre-upgrade-snapshot")
    await stage.world.redis.start(stage.world.directory / "redis")
    await stage.card(acts.READY)


async def test_a_store_or_a_cluster_that_is_away_is_told_to_people(stage_for: SetStage) -> None:
    """Slack's requests still reach the bot, which says so; /readyz and the metrics do as well."""
    stage = await stage_for(own_redis=True, socket_mode=False)
    await stage.world.kube.go_away()
    assert "cannot be reached" in (await health(stage))["default"]
    await acts.ask(stage)
    await stage.card("*Trouble just now*")
    await stage.world.redis.stop()
    assert set(await health(stage)) == {"store", "default"}
    await stage.alice.slash(stage.channel, "/vm-restore help")
    await stage.whispered("Redis cannot be reached")
    bot = stage.world.bot
    assert bot is not None
    shown = (await bot.exposition()).decode()
    assert 'vm_restore_ready{part="store"} 0.0' in shown
    assert 'vm_restore_ready{part="slack"} 1.0' in shown
    await stage.world.redis.start(stage.world.directory / "redis")


async def health(stage: Stage) -> dict[str, str]:
    """What /readyz warns of, while it says that the bot is ready."""
    bot = stage.world.bot
    assert bot is not None
    url = f"http://127.0.0.1:{bot.port}/readyz"
    async with aiohttp.ClientSession() as client, client.get(url) as answer:
        assert answer.status == 200
        warnings: dict[str, str] = (await answer.json()).get("warnings", {})
        return warnings


# The receiver


def command(stage: Stage, text: str = "help") -> str:
    """A slash command of Alice's, as Slack sends it."""
    return urlencode(
        {
            "token": LEGACY_TOKEN,
            "team_id": stage.world.slack.team_id,
            "channel_id": stage.channel.id,
            "user_id": stage.alice.id,
            "command": "/vm-restore",
            "text": text,
            "trigger_id": "1.2.3",
            "api_app_id": stage.world.slack.app_id,
        }
    )


def signed(secret: str, body: str, *, at: float | None = None, kind: str = FORM) -> dict[str, str]:
    """Slack's headers for a body."""
    stamp = str(int(START.timestamp() if at is None else at))
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    assert signature is not None
    return {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature,
    }


async def knock(
    stage: Stage, body: str | bytes | io.BytesIO, headers: Mapping[str, str]
) -> tuple[int, str]:
    """Send a request to the bot, from anywhere."""
    bot = stage.world.bot
    assert bot is not None
    url = f"http://127.0.0.1:{bot.port}/slack/events"
    async with (
        aiohttp.ClientSession() as client,
        client.post(url, data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.text()


async def nothing_came_of_it(stage: Stage) -> None:
    """No card, no whisper, no document."""
    await stage.world.pass_time(3)
    assert stage.cards() == []
    assert [each for each in stage.whispers(stage.alice) if each.author.bot] == []
    assert await documents(stage.world) == ()


async def test_properly_signed(stage_for: SetStage) -> None:
    """The requests of these tests are right, but for what each of them has wrong."""
    stage = await stage_for(socket_mode=False)
    body = command(stage, "database-01 from pre-upgrade-snapshot in production")
    answer = await knock(stage, body, signed(stage.world.slack.signing_secret, body))
    assert answer == (200, "")
    await stage.card(acts.TYPE_IT)


@pytest.mark.parametrize("wrong", ["body", "no number"])
async def test_not_signed_by_slack(stage_for: SetStage, wrong: str) -> None:
    """Another body than was signed, or a stamp that is none: 401, and nothing happens.

    What else can be wrong is counted by its cause, further down.
    """
    stage = await stage_for(socket_mode=False)
    secret = stage.world.slack.signing_secret
    body = command(stage, "database-01 from pre-upgrade-snapshot in production")
    headers: dict[str, str] = {
        "body": signed(secret, body + "&text=cancel"),
        "no number": {**signed(secret, body), "X-Slack-Request-Timestamp": "yesterday"},
    }[wrong]
    status, text = await knock(stage, body, headers)
    assert (status, json.loads(text)) == (401, {"error": "invalid signature"})
    await nothing_came_of_it(stage)


async def test_slack_delivers_with_a_clock_that_is_wrong(stage_for: SetStage) -> None:
    """An old request that somebody sends again is refused, though its signature is right."""
    stage = await stage_for(socket_mode=False)
    stage.world.slack.http.stamp = lambda: START.timestamp() - FIVE_MINUTES - 5
    result = await (await stage.alice.slash(stage.channel, acts.REQUEST)).settled()
    assert result.status == "dispatch_failed"
    await nothing_came_of_it(stage)


async def test_url_verification(stage_for: SetStage) -> None:
    """Slack's handshake, when the address is entered, gets its challenge back."""
    stage = await stage_for(socket_mode=False)
    assert await stage.world.slack.verify_url()


NONSENSE = (
    ("{", JSON),
    ("[]", JSON),
    ('"text"', JSON),
    ("payload=%7B", FORM),
    ("payload=[]", FORM),
    ("", JSON),
)


async def test_signed_nonsense(stage_for: SetStage) -> None:
    """What cannot be read is refused politely, without a trace of the inside."""
    stage = await stage_for(socket_mode=False)
    for body, kind in NONSENSE:
        headers = signed(stage.world.slack.signing_secret, body, kind=kind)
        status, text = await knock(stage, body, headers)
        assert (status, json.loads(text)) == (400, {"error": "unreadable body"}), body


EMPTY = (
    ("{}", JSON),
    ('{"type": "event_callback"}', JSON),
    ('{"type": "event_callback", "event": {"type": "message"}}', JSON),
    ("payload=%7B%7D", FORM),
    (urlencode({"payload": '{"type": "block_actions", "actions": []}'}), FORM),
    ("a=b", FORM),
    ("", FORM),
    ('{"type": "event_callback", "event": {"type": "channel_id_changed"}}', JSON),
    ('{"type": "event_callback", "event": {"type": "message", "text": 7, "user": []}}', JSON),
    ('{"type": "event_callback", "event": "message"}', JSON),
    (urlencode({"payload": '{"type": "block_actions", "actions": [{}]}'}), FORM),
    ("command=%2Fvm-restore", FORM),
    ("[" * 100_000, JSON),
)


async def test_signed_but_empty(stage_for: SetStage) -> None:
    """Well-formed and without sense: no 5xx, no innards, and the bot goes on."""
    stage = await stage_for(socket_mode=False)
    for body, kind in EMPTY:
        headers = signed(stage.world.slack.signing_secret, body, kind=kind)
        status, text = await knock(stage, body, headers)
        assert status < 500, body[:80]
        assert "Traceback" not in text, body[:80]
        await nothing_came_of_it(stage)
    await acts.to_the_warning(stage)


async def test_not_text(stage_for: SetStage) -> None:
    """Bytes that are no UTF-8 are no request of Slack's."""
    stage = await stage_for(socket_mode=False)
    headers = signed(stage.world.slack.signing_secret, "")
    status, _ = await knock(stage, b"\xff\xfe", headers)
    assert status == 400


async def test_too_large(stage_for: SetStage) -> None:
    """Nobody can fill the memory."""
    stage = await stage_for(socket_mode=False)
    status, _ = await knock(stage, io.BytesIO(b"x" * (2 * 1024 * 1024)), {"Content-Type": FORM})
    assert status == 413


async def test_each_refusal_is_counted_by_its_cause_and_told_once_a_minute(
    stage_for: SetStage, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of an address that anybody may try an operator sees what is tried, and no flood of lines."""
    stage = await stage_for(socket_mode=False)
    secret, now = stage.world.slack.signing_secret, START.timestamp()
    body = command(stage)
    other = {"team_id": "T0ELSEWHERE", "command": "/vm-restore"}
    tried = {
        "bad_signature": (body, signed("0" * 32, body), 401),
        "not_signed": (body, {"Content-Type": FORM}, 401),
        "too_old": (body, signed(secret, body, at=now - 400), 401),
        "too_new": (body, signed(secret, body, at=now + 400), 401),
        "wrong_type": (body, signed(secret, body, kind="text/plain"), 415),
        "too_large": ("x" * (600 * 1024), signed(secret, "x"), 413),
        "unreadable": ("{", signed(secret, "{", kind=JSON), 400),
        "other_workspace": (urlencode(other), signed(secret, urlencode(other)), 403),
        "other_app": (
            body.replace(stage.world.slack.app_id, "A0OTHER"),
            signed(secret, body.replace(stage.world.slack.app_id, "A0OTHER")),
            403,
        ),
    }
    for said, headers, status in tried.values():
        for _ in range(3):
            assert (await knock(stage, said, headers))[0] == status
    bot = stage.world.bot
    assert bot is not None
    shown = (await bot.exposition()).decode()
    for cause in tried:
        assert f'vm_restore_slack_refused_total{{cause="{cause}"}} 3.0' in shown
    printed = capsys.readouterr().out + caplog.text
    assert printed.count("not taken from Slack") == len(tried)
    await nothing_came_of_it(stage)


# Connections


async def raw(stage: Stage, said: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which this is said, and no more."""
    bot = stage.world.bot
    assert bot is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", bot.port)
    writer.write(said)
    await writer.drain()
    return reader, writer


HALF = b"POST /slack/events HTTP/1.1\r\nHost: bot\r\n"


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Wait for the bot to close the connection."""
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


async def test_half_a_request_is_not_waited_for(
    stage_for: SetStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The headers have a deadline."""
    monkeypatch.setattr(http_connections, "HEADER_SECONDS", 0.05)
    stage = await stage_for(socket_mode=False)
    opened = [await raw(stage, HALF) for _ in range(20)]
    assert all([await is_closed(reader) for reader, _ in opened])
    for _, writer in opened:
        writer.close()


async def test_there_is_room_for_slack_among_many_silent_connections(
    stage_for: SetStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest silent one makes room."""
    monkeypatch.setattr(http_connections, "MAX_CONNECTIONS", 8)
    stage = await stage_for(socket_mode=False)
    opened = [await raw(stage, HALF) for _ in range(12)]
    assert all([await is_closed(reader) for reader, _ in opened[:4]])
    await acts.ask_and_finish(stage)
    for _, writer in opened:
        writer.close()


async def test_the_headers_are_looked_at_before_the_body(stage_for: SetStage) -> None:
    """What nobody has signed is refused before its body comes."""
    stage = await stage_for(socket_mode=False)
    head = HALF + b"Content-Type: application/json\r\nContent-Length: 400000\r\n\r\n"
    reader, writer = await raw(stage, head)
    assert b" 401 " in await reader.readline()
    writer.close()


async def test_a_body_that_does_not_come_is_not_waited_for(
    stage_for: SetStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The body has a deadline, too."""
    monkeypatch.setattr(http_receiver, "BODY_SECONDS", 0.05)
    stage = await stage_for(socket_mode=False)
    headers = signed(stage.world.slack.signing_secret, "{}", kind=JSON)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    reader, writer = await raw(stage, HALF + f"{lines}Content-Length: 9\r\n\r\n{{".encode())
    assert b" 408 " in await reader.readline()
    writer.close()


async def test_only_post(stage_for: SetStage) -> None:
    """A look at the address with a browser shows nothing; health and metrics stand beside it."""
    stage = await stage_for(socket_mode=False)
    bot = stage.world.bot
    assert bot is not None
    async with aiohttp.ClientSession(f"http://127.0.0.1:{bot.port}") as client:
        for path, status in {
            "/slack/events": 405,
            "/healthz": 200,
            "/readyz": 200,
            "/x": 404,
        }.items():
            async with client.get(path) as answer:
                assert (path, answer.status) == (path, status)


async def test_a_port_of_its_own_for_slack(stage_for: SetStage) -> None:
    """What is open to the internet takes Slack's requests and nothing else; the other port takes none."""
    ports = {"host": "127.0.0.1", "port": 0, "slack_port": 0}
    stage = await stage_for(config={"http": ports}, socket_mode=False)
    await acts.to_the_warning(stage)
    bot = stage.world.bot
    assert bot is not None
    found = {}
    async with aiohttp.ClientSession() as client:
        for port in (bot.port, bot.slack_port):
            for path in ("/healthz", "/readyz", "/metrics", "/slack/events"):
                async with client.get(f"http://127.0.0.1:{port}{path}") as answer:
                    found[port == bot.port, path] = answer.status
    assert found == {
        (True, "/healthz"): 200,
        (True, "/readyz"): 200,
        (True, "/metrics"): 200,
        (True, "/slack/events"): 404,
        (False, "/healthz"): 404,
        (False, "/readyz"): 404,
        (False, "/metrics"): 404,
        (False, "/slack/events"): 405,
    }


async def test_socket_mode_has_no_receiver(stage_for: SetStage) -> None:
    """With Socket Mode there is no such address."""
    stage = await stage_for()
    body = command(stage)
    status, _ = await knock(stage, body, signed(stage.world.slack.signing_secret, body))
    assert status == 404
