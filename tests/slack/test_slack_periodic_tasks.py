"""What is stored of a periodic task loads in the release that comes next, or is put off by name."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from bot.restore.target import RestoreRequest
from bot.restore.thread import Stored, ThreadRef, UserId
from bot.restore.traces import Trace
from bot.slack.periodic_tasks import HomeTask, LostTask, ReportTask, TaskBody, fields, load
from bot.store.documents import Unreadable, dump_body, load_body
from bot.store.records import PeriodicTask

FIXTURES = Path(__file__).parent.parent / "store" / "documents" / "tasks"
HOME = HomeTask(direct="D0ONCALL", digest="0123456789abcdef")
REPORT = ReportTask(
    plan="C0OPS 08:00,20:00 Europe/Zurich",
    due=datetime(2026, 2, 18, 19, tzinfo=UTC),
    last=datetime(2026, 2, 18, 7, 0, 2, 250000, tzinfo=UTC),
)
LOST = LostTask(
    why="unknown",
    trace=Trace(
        owner=UserId("U01ONCALL"),
        thread_ref=ThreadRef(team="T1", channel="C0OPS", thread="1771432200.000100"),
        request=RestoreRequest(
            cluster="default",
            namespace="production",
            vm="database-01",
            snapshot="pre-upgrade-snapshot",
        ),
    ),
    since=datetime(2026, 2, 18, 16, 30, tzinfo=UTC),
)
OPENED = HomeTask(direct="D0ONCALL")
FIRST = ReportTask(plan="C0OPS 08:00 UTC", due=datetime(2026, 2, 18, 8, tzinfo=UTC))


def again(name: str, body: TaskBody) -> Stored:
    """A body as the store gives it back."""
    return load(type(body), PeriodicTask(name, load_body(dump_body(fields(body)))))


@pytest.mark.parametrize(
    ("name", "body"), [("home:U01ONCALL", HOME), ("report", REPORT), ("lost:k3f9", LOST)]
)
def test_a_stored_body_of_each_kind_loads(name: str, body: TaskBody) -> None:
    """A field without a default that is added later needs a reader for the files as they are."""
    text = (FIXTURES / f"{body.kind}.json").read_text(encoding="utf-8")
    assert load(type(body), PeriodicTask(name, load_body(text))) == body


def test_the_fixtures_are_of_every_kind_there_is() -> None:
    known = {each.model_fields["kind"].default for each in get_args(TaskBody)}
    assert (
        {path.stem for path in FIXTURES.glob("*.json")}
        == known
        == {HOME.kind, REPORT.kind, LOST.kind}
    )


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("home:U1", HOME),
        ("home:U1", OPENED),
        ("report", REPORT),
        ("report", FIRST),
        ("lost:k3f9", LOST),
    ],
)
def test_what_is_stored_of_a_body_loads_as_it_was(name: str, body: TaskBody) -> None:
    assert again(name, body) == body


@pytest.mark.parametrize(
    ("name", "body", "place"),
    [
        ("home:U1", {}, "direct"),
        ("home:U1", {"direct": "D1", "secret_words": "hunter2"}, "secret_words"),
        ("report", {"direct": "D1"}, "kind"),
    ],
)
def test_what_another_release_wrote_is_unreadable_by_name(
    name: str, body: dict[str, Any], place: str
) -> None:
    with pytest.raises(Unreadable) as unreadable:
        load(HomeTask, PeriodicTask(name, body))
    assert unreadable.value.text == f"the body of {name} does not load at {place}"
