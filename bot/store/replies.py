"""What Redis keeps of a restore or a delivery, read into our own shapes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import structlog

from bot.restore.model import Restore
from bot.store import documents, times
from bot.store.keys import DELIVERY, TASK
from bot.store.records import Delivery, Listed, PeriodicTask, PostedCard, Record

log = structlog.get_logger(__name__)

_CARD = "card:"
_Stored = TypeVar("_Stored")
_Read = TypeVar("_Read")


def paired(flat: Sequence[str]) -> dict[str, str]:
    """Name, value, name, value: how a script returns a hash."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def record(fields: Mapping[str, str]) -> Record:
    """A stored restore and its cards."""
    shown = {
        name.removeprefix(_CARD): _shown(value)
        for name, value in fields.items()
        if name.startswith(_CARD)
    }
    return Record(documents.load(fields["doc"]), shown)


def delivery(member: str, fields: Mapping[str, str]) -> Delivery:
    """A stored delivery that has just been leased."""
    return Delivery(
        key=member.removeprefix(DELIVERY),
        kind=fields["kind"],
        body=documents.load_body(fields["body"]),
        attempts=int(fields["fence"]),
        accepted_at=times.moment(fields["accepted"]),
    )


def task(member: str, fields: Mapping[str, str]) -> PeriodicTask:
    """A periodic task that has just been leased."""
    return PeriodicTask(member.removeprefix(TASK), documents.load_body(fields["task"]))


def work(member: str, fields: Mapping[str, str]) -> Record | Delivery | PeriodicTask:
    """What a member of the due queue stands for. Raises Unreadable."""
    try:
        return _work(member, fields)
    except (KeyError, ValueError) as error:
        # Half of a record: somebody has changed it by hand.
        raise documents.Unreadable(f"a field is missing or no number: {error}") from None


def _work(member: str, fields: Mapping[str, str]) -> Record | Delivery | PeriodicTask:
    if member.startswith(DELIVERY):
        return delivery(member, fields)
    return task(member, fields) if member.startswith(TASK) else record(fields)


def readable(texts: Iterable[str]) -> tuple[Restore, ...]:
    """The documents that load; the others are skipped."""
    return listed(texts).restores


def listed(texts: Iterable[str]) -> Listed:
    """The documents that load, and how many do not; gone ones are ''."""
    found: list[Restore] = []
    newer = lost = 0
    for text in texts:
        try:
            found.append(documents.load(text))
        except documents.Newer:
            newer += 1
        except documents.Unreadable as error:
            lost += 1
            if text:
                log.warning("unreadable restore skipped", found=error.text)
    return Listed(tuple(found), newer=newer, lost=lost)


def if_readable(text: str) -> Restore | None:
    """The document, if it loads."""
    return _read(documents.load, text)


def readable_records(hashes: Iterable[Mapping[str, str]]) -> tuple[Record, ...]:
    """The same for restores with their cards."""
    found = (_read(record, fields) for fields in hashes)
    return tuple(one for one in found if one is not None)


def card(shown: PostedCard) -> str:
    """A card as it is stored: `ts|digest`, with an empty ts for a post of unknown end."""
    return f"{shown.ts or ''}|{shown.digest}"


def flat(shown: Mapping[str, PostedCard]) -> list[str]:
    """Cards as an argument of a script: key, card, key, card."""
    return [text for key, value in shown.items() for text in (key, card(value))]


def _shown(text: str) -> PostedCard:
    ts, _, digest = text.partition("|")
    return PostedCard(ts or None, digest)


def _read(read: Callable[[_Stored], _Read], stored: _Stored) -> _Read | None:
    try:
        return read(stored)
    except documents.Unreadable as error:
        found = error.text
    log.error("unreadable restore skipped", found=found)
    return None
