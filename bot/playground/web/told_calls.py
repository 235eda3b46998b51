"""The requests that the bot has sent to the API server, in words."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.kubevirt.metadata import dig
from bot.playground.kubevirt.resources import EVENTS, RESTORES, SNAPSHOTS, VMS
from bot.playground.kubevirt.server import BOT

Json = dict[str, Any]

READS = frozenset({"get", "list", "watch"})
VmName = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """What was asked at one moment; `vm` is namespace and name."""

    at: datetime
    vm: VmName
    text: str
    reads: int = 0


def is_change(call: ApiCall) -> bool:
    """A request of the bot that asks for a change, a dry run included; what it tells on a VM is none."""
    aside = call.resource.endswith("reviews") or call.resource == EVENTS.plural
    return call.user == BOT and call.verb not in READS and not aside


def told(calls: Iterable[ApiCall]) -> Iterator[Told]:
    """Each change that was asked for, and before it what was read since the change before it."""
    targets: dict[tuple[str, str], str] = {}
    read: Counter[str] = Counter()
    last: datetime | None = None
    for call in calls:
        if call.user == BOT and call.verb in ("get", "list"):
            read[call.resource] += 1
            last = call.at
        if not is_change(call):
            continue
        name = _vm(call, targets)
        if name is None:
            continue
        vm = call.namespace, name
        if read and last is not None:
            words = ", ".join(f"{n} {kind}" if n > 1 else kind for kind, n in sorted(read.items()))
            yield Told(last, vm, f"looked before it: {words}", reads=read.total())
        yield Told(call.at, vm, f"{words_of(call)}: {_answer(call)}")
        read.clear()


def words_of(call: ApiCall) -> str:
    """What a request asked for."""
    dry = " (a dry run)" if call.dry_run else ""
    match call.resource, call.subresource or call.verb:
        case RESTORES.plural, "create":
            snapshot = dig(call.body, "spec", "virtualMachineSnapshotName", default="?")
            return f"create the restore {call.name} from {snapshot}{dry}"
        case RESTORES.plural, "delete":
            return f"delete the restore {call.name}{dry}"
        case SNAPSHOTS.plural, "create":
            return f"create the snapshot {call.name}{dry}"
        case VMS.plural, ("stop" | "start") as what:
            return f"{what} the VM {call.namespace}/{call.name}{dry}"
        case _:
            sub = f"/{call.subresource}" if call.subresource else ""
            return f"{call.verb} {call.resource}{sub} {call.name}{dry}"


def _vm(call: ApiCall, targets: dict[tuple[str, str], str]) -> str | None:
    """The VM that a request is about."""
    match call.resource:
        case VMS.plural:
            return call.name
        case RESTORES.plural:
            target = dig(call.body, "spec", "target", "name")
            if isinstance(target, str):
                targets[call.namespace, call.name] = target
            return targets.get((call.namespace, call.name))
        case SNAPSHOTS.plural:
            source = dig(call.body, "spec", "source", "name")
            return source if isinstance(source, str) else None
    return None


def _answer(call: ApiCall) -> str:
    if call.code == 0:
        return "the connection broke before it arrived"
    if call.code < 300:
        return "done" if call.answered else "done, and the answer was lost"
    why = dig(call.response, "message", default="")
    return f"refused with {call.code} ({why})"
