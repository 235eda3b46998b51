"""All objects, one revision counter, and a bounded log of changes: what etcd and its watch are.

Storage knows no rules: `api.py` decides what may be written. Objects go in and out as copies, and
what is stored is never changed in place, so the log can share it. Seeds, acts of outsiders and
invariants of tests may use it directly.
"""

import marshal
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
Key = tuple[str, str]
_WITHOUT_SHARING = 2
"""The version of marshal that knows no references: what stands twice is copied twice."""
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class RevisionGoneError(Exception):
    """The asked revision is older than the log."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write. `object` is as it was after it (for DELETED: the last state); do not change it."""

    revision: int
    type: ChangeType
    resource: str
    key: Key
    object: Json
    previous: Json | None


def clone(value: Any) -> Any:
    """A deep copy of JSON data; ValueError for anything else."""
    return marshal.loads(marshal.dumps(value, _WITHOUT_SHARING))  # noqa: S302 - our own bytes


def key_of(obj: Json) -> Key:
    """Namespace ("" for cluster-scoped) and name."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


class Storage:
    """Objects by resource and key."""

    def __init__(self, history: int = 5000) -> None:
        self.revision = 1
        self._objects: dict[str, dict[Key, Json]] = {}
        self._uids: set[str] = set()
        self._log: deque[Change] = deque(maxlen=history)
        self._gone = 1
        self.listeners: list[Callable[[Change], None]] = []

    def subscribe(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` with every change from now on, in order."""
        self.listeners.append(listener)

    def unsubscribe(self, listener: Callable[[Change], None]) -> None:
        """No more calls."""
        self.listeners.remove(listener)

    def find(self, resource: str, namespace: str, name: str) -> Json | None:
        """A copy of one object, or None."""
        found = self._objects.get(resource, {}).get((namespace, name))
        return None if found is None else clone(found)

    def get(self, resource: str, namespace: str, name: str) -> Json:
        """A copy of one object; KeyError if there is none."""
        found: Json = clone(self._objects.get(resource, {})[namespace, name])
        return found

    def objects(self, resource: str, namespace: str | None = None) -> list[Json]:
        """Copies of all objects of a resource, of one namespace or of all, in key order."""
        held = self._objects.get(resource, {})
        return [clone(held[key]) for key in sorted(held) if namespace in (None, key[0])]

    def view(self, resource: str, namespace: str | None = None) -> Iterator[Json]:
        """As `objects`, but the stored objects themselves: to be read only."""
        held = self._objects.get(resource, {})
        return (held[key] for key in sorted(held) if namespace in (None, key[0]))

    def keys(self, resource: str) -> list[Key]:
        """The keys of all objects of a resource."""
        return sorted(self._objects.get(resource, {}))

    def holds(self, uid: str) -> bool:
        """Whether an object of any kind has this UID."""
        return uid in self._uids

    def resources(self) -> list[str]:
        """The plurals of which anything is stored."""
        return [name for name, held in self._objects.items() if held]

    def put(self, resource: str, obj: Json) -> Json:
        """Store an object as it is, with a new resourceVersion; no admission."""
        key = key_of(obj)
        held = self._objects.setdefault(resource, {})
        previous = held.get(key)
        stored = self._stamped(obj)
        held[key] = stored
        self._uids.add(stored["metadata"].get("uid", ""))
        self._note("MODIFIED" if previous else "ADDED", resource, key, stored, previous)
        copy: Json = clone(stored)
        return copy

    def remove(self, resource: str, namespace: str, name: str) -> Json:
        """Forget an object at once, whatever its finalizers say."""
        previous = self._objects[resource].pop((namespace, name))
        stored = self._stamped(previous)
        self._uids.discard(stored["metadata"].get("uid", ""))
        self._note("DELETED", resource, (namespace, name), stored, previous)
        copy: Json = clone(stored)
        return copy

    def since(self, revision: int) -> list[Change]:
        """The changes after a revision, oldest first."""
        if revision < self._gone:
            raise RevisionGoneError
        return [change for change in self._log if change.revision > revision]

    @property
    def oldest(self) -> int:
        """The oldest revision a watch may start from."""
        return self._gone

    def compact(self) -> None:
        """Forget the log, as etcd does every five minutes; older watches get 410."""
        self._log.clear()
        self._gone = self.revision

    def _stamped(self, obj: Json) -> Json:
        self.revision += 1
        copy: Json = clone(obj)
        copy["metadata"]["resourceVersion"] = str(self.revision)
        return copy

    def _note(
        self, kind: ChangeType, resource: str, key: Key, obj: Json, previous: Json | None
    ) -> None:
        if self._log.maxlen is not None and len(self._log) == self._log.maxlen:
            self._gone = self._log[0].revision
        change = Change(self.revision, kind, resource, key, obj, previous)
        self._log.append(change)
        for listener in tuple(self.listeners):
            listener(change)
