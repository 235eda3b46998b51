"""What periodic tasks know from one run to the next, as it is stored.

Each kind has a type here, and is told by the first word of the task's name. `fields` is what the
store keeps of it, and `load` reads that again, perhaps in another replica, of another release.
Fixtures of every kind are in `tests/store/documents/tasks`.
"""

from datetime import datetime
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import ValidationError

from bot.restore.thread import Stored
from bot.restore.traces import Trace
from bot.store.documents import Unreadable, places
from bot.store.records import PeriodicTask


class HomeTask(Stored):
    """A Home tab that is kept current, as "home:USER"."""

    kind: Literal["home"] = "home"
    direct: str
    """The direct message channel of its person: a request from the Home is answered there."""
    digest: str | None = None
    """Of what was published last; None until something was, since the person opened it."""


class ReportTask(Stored):
    """The shift report by the clock, as "report"."""

    kind: Literal["report"] = "report"
    plan: str
    """The `Timetable.plan` that it was made for."""
    due: datetime
    """Which report is next; the time stands in the post, so that it is posted once."""
    last: datetime | None = None
    """Up to when everything is reported; None before the first report."""


class LostTask(Stored):
    """A restore whose record is lost, as "lost:ID": the cluster and the thread are asked about it.

    It rests once that is done, so that it is done once. A restore that has ended is looked into like
    that, too, if it does not know one of its objects.
    """

    kind: Literal["lost"] = "lost"
    why: Literal["unknown", "gone", "broken"]
    """Known to the cluster only; or to the indexes of the store, without a record or with one that
    does not load."""
    trace: Trace
    since: datetime | None = None
    """When the cluster was first asked in vain."""
    uids: tuple[str, ...] = ()
    """The objects of it that the cluster has."""


TaskBody: TypeAlias = HomeTask | ReportTask | LostTask
_Body = TypeVar("_Body", bound=Stored)


def fields(body: TaskBody) -> dict[str, Any]:
    """What is stored of it; its kind is in the task's name."""
    return body.model_dump(mode="json", exclude={"kind"})


def load(kind: type[_Body], task: PeriodicTask) -> _Body:
    """The body of a task of this kind. Raises Unreadable if it is of another kind or release."""
    try:
        return kind.model_validate({**task.body, "kind": task.name.partition(":")[0]})
    except ValidationError as error:
        found = f"the body of {task.name} does not load at {places(error)}"
        raise Unreadable(found) from None
