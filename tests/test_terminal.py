"""The commands for the terminal: they look at the store and change it, with no Slack and no cluster."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bot.clock import Clock
from bot.errors import Misconfigured
from bot.restore.model import Phase, Restore
from bot.restore.reasons import Reason
from bot.settings import Settings, build
from bot.store import Store, connect
from bot.store.keys import Keys
from bot.terminal import audit, restores
from bot.terminal.opened import store_of
from tests.store.samples import restore, said, typical

Command = Callable[[StringIO], int]


@pytest.fixture
def settings(lent_redis: str) -> Settings:
    """An installation of its own on the server of these tests."""
    tokens = {"SLACK_BOT_TOKEN": "xoxb-1-1-s3cret", "SLACK_APP_TOKEN": "xapp-1-A1-1-s3cret"}
    name = f"t{uuid4().hex[:10]}"
    return build({**tokens, "REDIS_URL": lent_redis}, {"installation": name})


def with_store(
    settings: Settings, work: Callable[[Store], Awaitable[Any]], team: str = "T1"
) -> Any:
    """What the work gives, done on the store of the installation."""

    async def run() -> Any:
        async with store_of(settings, team) as (store, _):
            return await work(store)

    return asyncio.run(run())


def raw(settings: Settings, *command: str) -> Any:
    """A command to the server itself; KEY stands for the prefix of the installation."""
    prefix = Keys("T1", settings.installation).prefix

    async def run() -> Any:
        url = settings.environment.redis_url
        assert url is not None
        async with connect(url.get_secret_value()) as client:
            return await client.execute_command(*(part.replace("KEY:", prefix) for part in command))

    return asyncio.run(run())


@pytest.fixture
def kept(settings: Settings) -> Restore:
    """A restore whose name is being typed, and the audit of it and of somebody who was refused."""
    made = restore("R1", phase=Phase.TYPING, opened_at=Clock().now(), entered_at=Clock().now())

    async def fill(store: Store) -> None:
        await store.clusters.recognise("east", "Namespace", "uid")
        await store.create(made, due=made.opened_at, audit=[said("requested", made)])
        await store.audit.append([said("refused"), said("checking", made)])

    with_store(settings, fill)
    return made


def run(command: Command) -> tuple[int, str]:
    """The exit code and what is printed."""
    out = StringIO()
    return command(out), out.getvalue()


def test_what_is_under_way_is_listed_for_people_and_for_scripts(
    settings: Settings, kept: Restore
) -> None:
    code, text = run(lambda out: restores.show_all(settings, "", out, ended=False, as_json=False))
    head, line = text.splitlines()
    assert code == 0
    assert head.split() == ["ID", "PHASE", "VM", "SNAPSHOT", "OWNER", "SINCE", "WAITS", "FOR"]
    assert line.split()[:5] == ["R1", "typing", "east/production/db-01", "pre-upgrade", kept.owner]
    _, text = run(lambda out: restores.show_all(settings, "", out, ended=False, as_json=True))
    told = json.loads(text)
    assert (told["id"], told["vm"], told["phase"]) == ("R1", "db-01", "typing")


def test_an_operator_cancels_once_and_the_audit_names_them(
    settings: Settings, kept: Restore
) -> None:
    code, text = run(lambda out: restores.cancel(settings, "", out, "R1", "carol"))
    assert kept.claim is not None
    assert (code, text) == (
        0,
        "cancelled: east/production/db-01 from pre-upgrade; the bot tells the thread\n",
    )
    record = with_store(settings, lambda store: store.load("R1"))
    assert record.restore.phase is Phase.CANCELLED
    assert record.restore.outcome.reason is Reason.CANCELLED_BY_OPERATOR
    assert record.restore.claim is None
    again = run(lambda out: restores.cancel(settings, "", out, "R1", "carol"))
    assert again == (1, "not cancelled: it has ended already\n")
    _, text = run(lambda out: restores.show(settings, "", out, "R1", as_json=False))
    assert "cancelled     by carol reason cancelled_by_operator" in text
    assert text.count("by carol") == 1


def test_what_the_cluster_works_on_is_not_cancelled(settings: Settings) -> None:
    busy = typical()
    with_store(settings, lambda store: store.create(busy, due=busy.opened_at, audit=[]))
    code, text = run(lambda out: restores.cancel(settings, "T1", out, busy.id, "carol"))
    assert code == 1
    assert "the cluster works on it already" in text
    assert with_store(settings, lambda store: store.load(busy.id)).restore == busy


@pytest.mark.usefixtures("kept")
def test_an_unknown_id_is_said_by_each_command(settings: Settings) -> None:
    for command in (
        lambda out: restores.show(settings, "", out, "R9", as_json=False),
        lambda out: restores.cancel(settings, "", out, "R9", "carol"),
        lambda out: restores.nudge(settings, "", out, "R9"),
    ):
        code, text = run(command)
        assert code == 1
        assert text.startswith("no restore R9 that this release can read")


@pytest.mark.usefixtures("kept")
def test_a_nudge_makes_it_due_now(settings: Settings) -> None:
    raw(settings, "ZADD", "KEY:due", "99999999999999", "restore:R1")
    assert run(lambda out: restores.nudge(settings, "", out, "R1"))[0] == 0
    leased, _ = with_store(settings, lambda store: store.queue.lease(5))
    assert [each.lease.id for each in leased] == ["restore:R1"]


@pytest.mark.usefixtures("kept")
def test_the_audit_is_exported_as_json_lines_and_as_a_timeline(settings: Settings) -> None:
    _, text = run(
        lambda out: audit.export(settings, "", out, restore=None, since=None, timeline=False)
    )
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(each["stream"], each["kind"]) for each in lines] == [
        ("R1", "requested"),
        ("", "refused"),
        ("R1", "checking"),
    ]
    _, text = run(
        lambda out: audit.export(settings, "", out, restore="R1", since=None, timeline=True)
    )
    assert text.startswith("## Restore R1\n")
    assert "**requested** by U01ONCALL" in text
    assert "refused" not in text


def test_markup_and_escape_sequences_in_the_audit_stay_text(settings: Settings) -> None:
    odd = said("requested").model_copy(update={"detail": "\x1b[2J[x](http://evil) <b>"})
    with_store(settings, lambda store: store.audit.append([odd]))
    _, text = run(
        lambda out: audit.export(settings, "T1", out, restore=None, since=None, timeline=True)
    )
    assert r"?\[2J\[x\]\(http://evil\) \<b\>" in text


def rewrite(settings: Settings) -> None:
    """Somebody writes another name into the last entry of the restore."""
    ((place, fields),) = raw(settings, "XREVRANGE", "KEY:audit:R1", "+", "-", "COUNT", "1")
    raw(settings, "XDEL", "KEY:audit:R1", place)
    entry = fields["entry"].replace("U01ONCALL", "U02OTHER")
    add = ("XADD", "KEY:audit:R1", f"{place[:-1]}9", "entry", entry)
    raw(settings, *add, "chain", fields["chain"])


def add_one(settings: Settings) -> None:
    """Somebody adds an entry by hand."""
    raw(settings, "XADD", "KEY:audit:R1", "*", "entry", said("typing").model_dump_json())


def drop_first(settings: Settings) -> None:
    """Somebody removes the first entry of the restore."""
    ((place, _),) = raw(settings, "XRANGE", "KEY:audit:R1", "-", "+", "COUNT", "1")
    raw(settings, "XDEL", "KEY:audit:R1", place)


def drop_last(settings: Settings) -> None:
    """Somebody removes the last entry, which the chain alone does not show."""
    ((place, _),) = raw(settings, "XREVRANGE", "KEY:audit:R1", "+", "-", "COUNT", "1")
    raw(settings, "XDEL", "KEY:audit:R1", place)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("tamper", "by_chain"),
    [(rewrite, True), (add_one, True), (drop_first, True), (drop_last, False)],
)
def test_a_change_of_the_audit_is_found(
    settings: Settings,
    tmp_path: Path,
    tamper: Callable[[Settings], None],
    by_chain: bool,
) -> None:
    assert run(lambda out: audit.verify(settings, "", out, None)) == (0, "3 entries, 0 wrong\n")
    export = tmp_path / "audit.jsonl"
    with export.open("w") as file:
        audit.export(settings, "", file, restore=None, since=None, timeline=False)
    assert run(lambda out: audit.verify(settings, "", out, export))[0] == 0
    tamper(settings)
    code, _ = run(lambda out: audit.verify(settings, "", out, None))
    assert (code == 1) is by_chain
    code, text = run(lambda out: audit.verify(settings, "", out, export))
    assert (code, text.count("restore R1, entry ") > 0) == (1, True)


@pytest.mark.usefixtures("kept")
def test_others_noise_does_not_push_out_the_entries_of_a_restore(settings: Settings) -> None:
    """The stream of those who were refused is cut; the one of a restore is not."""
    raw(settings, "XTRIM", "KEY:audit", "MAXLEN", "0")
    entries = with_store(settings, lambda store: store.audit.kept())
    assert [each.entry.kind for each in entries] == ["requested", "checking"]
    ttl = raw(settings, "TTL", "KEY:audit:R1")
    assert 399 < ttl / 86_400 <= 400


def test_entries_of_an_older_release_are_read_and_are_no_fault(
    settings: Settings, kept: Restore
) -> None:
    old = said("stopping", kept).model_dump_json()
    raw(settings, "DEL", "KEY:audit")
    raw(settings, "XADD", "KEY:audit", "1-1", "entry", old)
    with_store(settings, lambda store: store.audit.append([said("refused")]))
    entries = with_store(settings, lambda store: store.audit.kept("R1"))
    assert [each.entry.kind for each in entries] == ["stopping", "requested", "checking"]
    code, text = run(lambda out: audit.verify(settings, "", out, None))
    assert (code, text) == (
        0,
        "4 entries, 0 wrong, 1 of an older release without a chain\n",
    )


def test_a_store_without_a_workspace_or_with_two_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(Misconfigured, match="knows no Slack workspace"):
        run(lambda out: restores.show_all(settings, "", out, ended=False, as_json=False))
    for team in ("T1", "T2"):
        with_store(settings, lambda store: store.clusters.recognise("east", "Namespace", "u"), team)
    with pytest.raises(Misconfigured, match=r"--team T1\|T2"):
        run(lambda out: restores.show_all(settings, "", out, ended=False, as_json=False))


def test_a_running_bots_own_server_is_used(tmp_path: Path) -> None:
    """Without REDIS_URL: beside a bot that runs, and alone, the same restores are seen."""
    tokens = {"SLACK_BOT_TOKEN": "xoxb-1-1-s3cret", "SLACK_APP_TOKEN": "xapp-1-A1-1-s3cret"}
    settings = build(tokens, {"store": {"data_dir": str(tmp_path)}})
    made = restore("R1")
    with_store(settings, lambda store: store.create(made, due=made.opened_at, audit=[]))

    async def beside(_: Store) -> tuple[int, str]:
        out = StringIO()
        code = await asyncio.to_thread(
            restores.show_all, settings, "T1", out, ended=False, as_json=True
        )
        return code, out.getvalue()

    code, text = with_store(settings, beside)
    assert (code, json.loads(text)["id"]) == (0, "R1")
